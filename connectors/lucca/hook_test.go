package lucca

import (
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"rollcall/connectors"
)

// The secret, timestamp and signature of the recorded delivery.
const (
	hookSecret    = "fixture-lucca-secret"
	hookStamp     = "2026-11-20T09:12:45Z"
	hookSignature = "msTOton3aPxwA41PslGjMZfdCXDV+5LKSQRlZPU5570="
)

func recordedHook(t *testing.T) ([]byte, http.Header, time.Time) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "latest", "19-webhook-employee-updated.json"))
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.Parse(time.RFC3339, hookStamp)
	if err != nil {
		t.Fatal(err)
	}
	return raw, http.Header{"Lucca-Timestamp": {hookStamp}, "Lucca-Signature": {hookSignature}}, at
}

func TestRecordedWebhookIsGenuineWithinFiveMinutes(t *testing.T) {
	raw, header, at := recordedHook(t)
	for _, tc := range []struct {
		off time.Duration
		err error
	}{{0, nil}, {5 * time.Minute, nil}, {-5 * time.Minute, nil}, {5*time.Minute + time.Second, connectors.ErrHookStale}, {-6 * time.Minute, connectors.ErrHookStale}} {
		hint, err := Hook.Read(hookSecret, at.Add(tc.off), header, raw)
		if !errors.Is(err, tc.err) || tc.err == nil && (hint.Event != "employee.updated" || hint.Delivery == "") {
			t.Errorf("%v later: %+v, %v", tc.off, hint, err)
		}
	}
}

func TestWebhookThatIsNotFromLuccaIsRefused(t *testing.T) {
	raw, header, at := recordedHook(t)
	with := func(key, value string) http.Header {
		h := header.Clone()
		h.Set(key, value)
		return h
	}
	for what, tc := range map[string]struct {
		secret string
		header http.Header
		body   []byte
	}{
		"another secret":            {"another-secret", header, raw},
		"an empty secret":           {"", header, raw},
		"another body":              {hookSecret, header, append([]byte(" "), raw...)},
		"another time, same sign":   {hookSecret, with("Lucca-Timestamp", "2026-11-20T09:12:46Z"), raw},
		"no signature":              {hookSecret, with("Lucca-Signature", ""), raw},
		"a signature of other code": {hookSecret, with("Lucca-Signature", "%%"), raw},
	} {
		if _, err := Hook.Read(tc.secret, at, tc.header, tc.body); !errors.Is(err, connectors.ErrHookForged) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestChallengeRepeatsOnlyWhatIsHarmless(t *testing.T) {
	for echo, ok := range map[string]bool{"4d2c8f0e-5b1a": true, "YWJj+/=": true, "": false, "<script>": false, "a b": false, string(make([]byte, 300)): false} {
		answer, got := Hook.Challenge(url.Values{"echo": {echo}})
		if got != ok || ok && answer != echo {
			t.Errorf("%q: %q, %t", echo, answer, got)
		}
	}
}
