package hibob_test

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/connectors"
	"rollcall/connectors/hibob"
)

// The secret and the signature of the recorded delivery.
const (
	hookSecret    = "fixture-webhook-secret"
	hookSignature = "BY1RSvv8lZ6/rVNMbhqsJXB59s769h0XplE41xQvnvQsU8g2W9yEp42RQkq0qQbicXBvrK8sUqKali4iByu0/Q=="
)

func signed(secret, body string) http.Header {
	mac := hmac.New(sha512.New, []byte(secret))
	mac.Write([]byte(body))
	return http.Header{"Bob-Signature": {base64.StdEncoding.EncodeToString(mac.Sum(nil))}}
}

func TestRecordedWebhookIsGenuine(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("testdata", "22-webhook-employee-updated.v2.json"))
	if err != nil {
		t.Fatal(err)
	}
	hint, err := hibob.Hook.Read(hookSecret, time.Now(), http.Header{"Bob-Signature": {hookSignature}}, raw)
	if err != nil || hint.Event != "employee.updated" || hint.Test || hint.Delivery == "" {
		t.Errorf("%+v, %v", hint, err)
	}
}

func TestWebhookThatIsNotFromHiBobIsRefused(t *testing.T) {
	const body = `{"type":"employee.updated","data":{}}`
	for what, tc := range map[string]struct {
		secret string
		header http.Header
		body   string
	}{
		"no signature":             {hookSecret, http.Header{}, body},
		"another secret":           {hookSecret, signed("another-secret", body), body},
		"another body":             {hookSecret, signed(hookSecret, body), body + " "},
		"a signature cut short":    {hookSecret, http.Header{"Bob-Signature": {signed(hookSecret, body).Get("Bob-Signature")[:40]}}, body},
		"not base64":               {hookSecret, http.Header{"Bob-Signature": {"%%%"}}, body},
		"an empty secret":          {"", signed("", body), body},
		"a ping with another sign": {hookSecret, signed("another-secret", "Ping test"), "Ping test"},
		"a ping with a type":       {hookSecret, http.Header{}, `{"text":"Ping test","type":"employee.updated"}`},
	} {
		if hint, err := hibob.Hook.Read(tc.secret, time.Now(), tc.header, []byte(tc.body)); !errors.Is(err, connectors.ErrHookForged) || hint != (connectors.Hint{}) {
			t.Errorf("%s: %+v, %v", what, hint, err)
		}
	}
}

func TestPingIsATestInEveryForm(t *testing.T) {
	for _, body := range []string{"Ping test", `"Ping test"`, `{"text":"Ping test"}`, "Ping test\n"} {
		for _, header := range []http.Header{{}, signed(hookSecret, body)} {
			if hint, err := hibob.Hook.Read(hookSecret, time.Now(), header, []byte(body)); err != nil || !hint.Test {
				t.Errorf("%q: %+v, %v", body, hint, err)
			}
		}
	}
}

func TestWebhookOfAnUnknownShapeIsStillAHint(t *testing.T) {
	for _, body := range []string{`[]`, ``, `{"type":"<script>"}`, `{"type":7}`} {
		hint, err := hibob.Hook.Read(hookSecret, time.Now(), signed(hookSecret, body), []byte(body))
		if err != nil || hint.Event != "" || hint.Delivery == "" {
			t.Errorf("%q: %+v, %v", body, hint, err)
		}
	}
}

// Every recorded file must be read by a test of this package; this one names
// those that are not.
func TestEveryRecordedFileIsRead(t *testing.T) {
	sources, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, name := range sources {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(raw)
	}
	files, err := os.ReadDir("testdata")
	if err != nil || len(files) < 23 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		if !strings.Contains(all.String(), f.Name()+`"`) {
			t.Errorf("%s is read by no test", f.Name())
		}
	}
}
