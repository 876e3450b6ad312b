package appliance_test

import (
	"net/http"
	"strings"
	"testing"

	"rollcall/connectors/hibob/hibobsim"
)

func TestWebhookReachesItsSourceBesideTheSCIMService(t *testing.T) {
	w := newWorld(t, 6, "[sources.okta]\nkind = \"okta\"\n")
	w.text = strings.Replace(w.text, `service_user_token = "sim-token"`, "service_user_token = \"sim-token\"\nwebhook_secret = \"canary-hook-secret\"", 1)
	w.start()
	st, err := w.app.Status(w.ctx())
	if err != nil {
		t.Fatal(err)
	}
	to := hibobsim.Hook{Secret: "canary-hook-secret"}
	for _, s := range st.Sources {
		if s.Name == "hibob" {
			to.URL = s.Webhook
		}
	}
	if status, err := w.hibob.Send(w.ctx(), to, "employee.updated", 2); status != http.StatusOK || err != nil {
		t.Fatalf("delivery to %q: %d, %v", to.URL, status, err)
	}
	if st, err = w.app.Status(w.ctx()); err != nil {
		t.Fatal(err)
	}
	for _, s := range st.Sources {
		if s.Name == "hibob" && s.Hinted.IsZero() {
			t.Error("the source did not hear of it")
		}
	}
	resp, err := http.Get(w.at.SCIM + "/scim/v2/Users")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized || !strings.Contains(resp.Header.Get("Content-Type"), "scim+json") {
		t.Errorf("SCIM beside the webhook answers %d %s", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
}
