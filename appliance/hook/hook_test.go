package hook_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"rollcall/appliance/hook"
	"rollcall/connectors/cast"
	"rollcall/connectors/hibob"
	"rollcall/connectors/hibob/hibobsim"
	"rollcall/connectors/lucca"
	"rollcall/connectors/lucca/luccasim"
)

const secret = "canary-hook-secret"

var now = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// stage is a handler for a HiBob and a Lucca source, on loopback.
type stage struct {
	url          string
	hibob, lucca atomic.Int32 // hints
	log          bytes.Buffer
	clock        atomic.Int64 // seconds after now
}

func newStage(t *testing.T) *stage {
	t.Helper()
	st := &stage{}
	log := hclog.New(&hclog.LoggerOptions{Output: &st.log, Level: hclog.Debug})
	h := hook.New([]*hook.Source{
		{Name: "hibob", Secret: secret, Webhook: hibob.Hook, Hint: func() { st.hibob.Add(1) }},
		{Name: "lucca", Secret: secret, Webhook: lucca.Hook, Hint: func() { st.lucca.Add(1) }},
	}, log, func() time.Time { return now.Add(time.Duration(st.clock.Load()) * time.Second) })
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	st.url = srv.URL + hook.Path
	return st
}

func post(t *testing.T, url, body string, header http.Header) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func TestSimulatedServicesAreHeard(t *testing.T) {
	st := newStage(t)
	bob := hibobsim.New(cast.Company(3, 1), hibobsim.Options{Now: func() time.Time { return now }})
	to := hibobsim.Hook{URL: st.url + "hibob", Secret: secret}
	if status, err := to.Ping(t.Context()); status != 200 || err != nil {
		t.Errorf("ping: %d, %v", status, err)
	}
	if n := st.hibob.Load(); n != 0 {
		t.Errorf("a ping caused %d hints", n)
	}
	if status, err := bob.Send(t.Context(), to, "employee.updated", 1, "work.title"); status != 200 || err != nil || st.hibob.Load() != 1 {
		t.Errorf("event: %d, %v, %d hints", status, err, st.hibob.Load())
	}

	endpoint := luccasim.Hook{URL: st.url + "lucca", Secret: secret, Now: func() time.Time { return now }}
	if err := endpoint.Activate(t.Context()); err != nil {
		t.Error(err)
	}
	if status, err := endpoint.Send(t.Context(), "evt_1", "employee.updated", "426"); status != 200 || err != nil || st.lucca.Load() != 1 {
		t.Errorf("event: %d, %v, %d hints", status, err, st.lucca.Load())
	}
}

func TestForgedStaleAndRepeatedDeliveriesCauseNothing(t *testing.T) {
	st := newStage(t)
	ctx := context.Background()
	forger := luccasim.Hook{URL: st.url + "lucca", Secret: "another-secret", Now: func() time.Time { return now }}
	if status, _ := forger.Send(ctx, "evt_1", "employee.updated", "426"); status != http.StatusUnauthorized {
		t.Errorf("forged: %d", status)
	}
	late := luccasim.Hook{URL: st.url + "lucca", Secret: secret, Now: func() time.Time { return now.Add(-6 * time.Minute) }}
	if status, _ := late.Send(ctx, "evt_1", "employee.updated", "426"); status != http.StatusBadRequest {
		t.Errorf("stale: %d", status)
	}
	if st.lucca.Load() != 0 {
		t.Errorf("%d hints", st.lucca.Load())
	}
	bob := hibobsim.New(cast.Company(3, 1), hibobsim.Options{Now: func() time.Time { return now }})
	to := hibobsim.Hook{URL: st.url + "hibob", Secret: secret}
	for range 3 {
		if status, _ := bob.Send(ctx, to, "employee.updated", 1); status != 200 {
			t.Errorf("repeated: %d", status)
		}
	}
	if st.hibob.Load() != 1 {
		t.Errorf("one delivery three times caused %d hints", st.hibob.Load())
	}
	if strings.Contains(st.log.String(), secret) {
		t.Error("the log shows the secret")
	}
}

func TestRefusedDeliveriesAreLoggedNowAndThen(t *testing.T) {
	st := newStage(t)
	for range 50 {
		post(t, st.url+"hibob", "{}", http.Header{})
	}
	if n := strings.Count(st.log.String(), "webhook refused"); n != 1 {
		t.Errorf("%d lines for 50 forgeries at once", n)
	}
	st.clock.Store(301)
	post(t, st.url+"hibob", "{}", http.Header{})
	if n := strings.Count(st.log.String(), "webhook refused"); n != 2 || !strings.Contains(st.log.String(), "deliveries=50") {
		t.Errorf("%d lines five minutes later: %s", n, st.log.String())
	}
}

func TestWhatIsNoDeliveryIsRefused(t *testing.T) {
	st := newStage(t)
	for what, tc := range map[string]struct {
		method, path, body string
		status             int
	}{
		"an unknown source":          {"POST", "okta", "{}", 404},
		"no source":                  {"POST", "", "{}", 404},
		"a path below":               {"POST", "hibob/more", "{}", 404},
		"a question HiBob never has": {"GET", "hibob?echo=abc", "", 405},
		"a question without a value": {"GET", "lucca", "", 405},
		"markup to repeat":           {"GET", "lucca?echo=%3Cscript%3E", "", 405},
		"another method":             {"PUT", "hibob", "{}", 405},
		"a body without end":         {"POST", "hibob", strings.Repeat("x", 300<<10), 413},
	} {
		r, err := http.NewRequestWithContext(t.Context(), tc.method, st.url+tc.path, strings.NewReader(tc.body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != tc.status || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d, want %d", what, resp.StatusCode, tc.status)
		}
	}
	if st.hibob.Load()+st.lucca.Load() != 0 {
		t.Error("something counted as a hint")
	}
}
