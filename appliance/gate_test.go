package appliance_test

import (
	"net/http"
	"strings"
	"testing"
)

// The limits per address stand before the real service: behind a proxy that is
// trusted, whoever sends one bad token after the other is told to wait, and another
// address is not.
func TestTheServiceSlowsDownAnAddressThatSendsBadTokens(t *testing.T) {
	w := newWorld(t, 0, "[sources.okta]\nkind = \"okta\"\n")
	w.text = strings.Replace(w.text, "[scim]\n", "[scim]\ntrusted_proxies = [\"127.0.0.1\"]\n", 1)
	w.start()
	good := w.sender("okta")
	ask := func(token, from string) int {
		req, err := http.NewRequest(http.MethodGet, good.base+"/Users?count=1", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("X-Forwarded-For", from)
		resp, err := good.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	slowed := false
	for range 100 {
		if ask("rct_guess", "203.0.113.7") == http.StatusTooManyRequests {
			slowed = true
			break
		}
	}
	if !slowed {
		t.Error("a hundred bad tokens in a row were all looked up")
	}
	if got := ask(good.token, "203.0.113.8"); got != http.StatusOK {
		t.Errorf("another address got %d", got)
	}
}
