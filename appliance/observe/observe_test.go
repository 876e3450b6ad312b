package observe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
)

func TestLogNeverShowsARegisteredSecretOrAnAddress(t *testing.T) {
	const pem = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAAsecretline1\nBBBBsecretline2\n-----END OPENSSH PRIVATE KEY-----"
	secrets := []string{"hunter2", `qu"ote\back<slash>&`, "with space and hunter2 inside", "tab\tbed", pem}
	forbidden := []string{"hunter2", `qu"ote`, `qu\"ote`, "slash", "with space", "bed", "secretline1", "secretline2", "ada@halcyon.example", "halcyon", "104, 117, 110, 116", "aHVudGVyMg"}
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			var out bytes.Buffer
			redactor := &Redactor{}
			log, err := NewLog(LogOptions{Level: "debug", Format: format, Output: &out, Redactor: redactor})
			if err != nil {
				t.Fatal(err)
			}
			named := log.Named("poll").With("event", "x-hunter2-x")
			redactor.Register(secrets...)
			for _, s := range secrets {
				named.Info("read "+s, "note", s, "error", fmt.Errorf("get %s: denied", s), "sources", []string{s}, "changes", map[string]string{"k": s}, "bytes", []byte(s))
			}
			named.Info("mail", "source", "ada@halcyon.example", "target", "<ada@halcyon.example>", "error", fmt.Errorf("user ada@halcyon.example, gone"))
			got := out.String()
			for _, f := range forbidden {
				if strings.Contains(got, f) {
					t.Errorf("%q is in the log:\n%s", f, got)
				}
			}
			for _, want := range []string{"[secret]", "[email]", "rollcall.poll", "denied", "gone"} {
				if !strings.Contains(got, want) {
					t.Errorf("%q is not in the log:\n%s", want, got)
				}
			}
		})
	}
}

func TestRedactorLeavesOtherTextAlone(t *testing.T) {
	r := &Redactor{}
	r.Register("abc", "longsecret", "longsecretlonger", "")
	for in, want := range map[string]string{
		"abc stays, it is too short": "abc stays, it is too short",
		"longsecretlonger":           "[secret]",
		"a @ b, @handle, user@host":  "a @ b, @handle, user@host",
		"jané.dôe@bücher.example!":   "[email]",
		"https://x.example/a":        "https://x.example/a",
		`{"m":"a@b.example","n":1}`:  `{"m":"[email]","n":1}`,
		"to=a@b.example,c@d.example": "to=[email],[email]",
	} {
		if got := r.String(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestLogLevelChangesWhileRunning(t *testing.T) {
	var out bytes.Buffer
	log, err := NewLog(LogOptions{Level: "info", Format: "text", Output: &out, Redactor: &Redactor{}, Journal: true})
	if err != nil {
		t.Fatal(err)
	}
	named := log.Named("relay")
	named.Debug("one")
	if err := SetLevel(log, "debug"); err != nil {
		t.Fatal(err)
	}
	named.Debug("two")
	if got, want := out.String(), "[DEBUG] rollcall.relay: two\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, bad := range []string{"", "loud", "off"} {
		if SetLevel(log, bad) == nil {
			t.Errorf("level %q was accepted", bad)
		}
	}
	for _, o := range []LogOptions{{Level: "info", Format: "xml", Output: &out, Redactor: &Redactor{}}, {Level: "info", Format: "text", Output: &out}, {Level: "x"}} {
		if _, err := NewLog(o); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
}

func TestServiceTellsStateAndStatus(t *testing.T) {
	var sent []string
	s := &Service{send: func(state string) error { sent = append(sent, state); return nil }}
	for _, err := range []error{s.Ready("serving\n2 sources"), s.Status("reading"), s.Stopping("")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"READY=1\nSTATUS=serving 2 sources", "STATUS=reading", "STOPPING=1"}
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Error(diff)
	}
	if err := s.Reloading("x"); err != nil {
		t.Fatal(err)
	}
	if got := sent[3]; !strings.HasPrefix(got, "RELOADING=1\nMONOTONIC_USEC=") || strings.Contains(got, "\n\n") || !strings.HasSuffix(got, "\nSTATUS=x") {
		t.Errorf("got %q", got)
	}
	s.send = func(string) error { return errors.New("no socket") }
	if err := s.Ready(""); err == nil {
		t.Error("an error was swallowed")
	}
}

func TestWithoutAServiceManagerNothingHappens(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	t.Setenv("WATCHDOG_USEC", "")
	s, err := NewService()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Ready("x"); err != nil {
		t.Error(err)
	}
	s.Watch(t.Context(), func(context.Context) error { t.Error("asked"); return nil }, nil) // returns at once
}

func TestWatchdogIsFedOnlyWhileAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var fed []time.Duration
		var told []string
		dead := errors.New("database does not answer")
		s := &Service{watchdog: 20 * time.Second, send: func(string) error { fed = append(fed, time.Since(start)); return nil }}
		ctx, cancel := context.WithTimeout(t.Context(), 75*time.Second)
		defer cancel()
		s.Watch(ctx, func(ctx context.Context) error {
			switch at := time.Since(start); {
			case at >= 60*time.Second:
				<-ctx.Done() // hangs
				return ctx.Err()
			case at >= 30*time.Second && at < 50*time.Second:
				return dead
			}
			return nil
		}, func(err error) { told = append(told, fmt.Sprint(err)) })
		want := []time.Duration{0, 10 * time.Second, 20 * time.Second, 50 * time.Second}
		if diff := cmp.Diff(want, fed); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{dead.Error(), "<nil>", context.DeadlineExceeded.Error()}, told); diff != "" {
			t.Error(diff)
		}
	})
}

func get(t *testing.T, h http.Handler, method, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w.Code, w.Body.String()
}

func TestMetricsSayWhatTheStateSays(t *testing.T) {
	state := State{
		OldestJob:     map[string]time.Duration{"javelo": 90 * time.Second},
		Jobs:          map[string]map[model.JobState]int{"javelo": {model.JobReady: 2}},
		LastGoodRead:  map[string]time.Duration{"hibob": time.Minute},
		OpenConflicts: map[model.ConflictKind]int{model.AmbiguousMatch: 3},
		HeldRuns:      1,
	}
	var failure error
	m := NewMetrics("1.2.3", []string{"/Users", "/Users/:id"}, func() (State, error) { return state, failure })
	m.SCIMRequest("/Users", 201, time.Millisecond)
	m.SCIMRequest("/Users", 200, time.Millisecond)
	m.SCIMRequest("/Users/jane@halcyon.example", 404, time.Millisecond)
	m.SCIMRequest("/Users/:id", 0, time.Millisecond)
	m.Reloaded(time.Unix(1700000000, 0), true)
	m.Reloaded(time.Unix(1800000000, 0), false)
	code, body := get(t, m.Handler(), "GET", "/metrics")
	if code != http.StatusOK {
		t.Fatalf("status %d: %s", code, body)
	}
	for _, want := range []string{
		`rollcall_outbox_oldest_job_age_seconds{target="javelo"} 90`,
		`rollcall_outbox_jobs{state="ready",target="javelo"} 2`,
		`rollcall_source_last_good_read_age_seconds{source="hibob"} 60`,
		`rollcall_conflicts_open{kind="ambiguous_match"} 3`,
		`rollcall_runs_held 1`,
		`rollcall_state_readable 1`,
		`rollcall_scim_requests_total{class="2xx",route="/Users"} 2`,
		`rollcall_scim_requests_total{class="4xx",route="other"} 1`,
		`rollcall_scim_requests_total{class="other",route="/Users/:id"} 1`,
		`rollcall_config_last_reload_successful 0`,
		`rollcall_config_last_reload_success_timestamp_seconds 1.7e+09`,
		`rollcall_build_info{version="1.2.3"} 1`,
	} {
		if !strings.Contains(body, want+"\n") {
			t.Errorf("no %q in\n%s", want, body)
		}
	}
	if strings.Contains(body, "halcyon") {
		t.Error("a person became a label")
	}
	failure = errors.New("database closed")
	code, body = get(t, m.Handler(), "GET", "/metrics")
	if code != http.StatusOK || !strings.Contains(body, "rollcall_state_readable 0\n") || strings.Contains(body, "rollcall_runs_held") {
		t.Errorf("status %d: %s", code, body)
	}
}

func TestHealthTellsLiveFromReady(t *testing.T) {
	var live, ready error
	h := Health{
		Live:  []Check{{"store", func(context.Context) error { return live }}},
		Ready: []Check{{"target javelo", func(context.Context) error { return ready }}, {"source hibob", func(context.Context) error { return nil }}},
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("metrics"))
		}),
	}.Handler()
	check := func(path string, wantCode int, wantBody string) {
		t.Helper()
		if code, body := get(t, h, "GET", path); code != wantCode || body != wantBody {
			t.Errorf("%s: got %d %q, want %d %q", path, code, body, wantCode, wantBody)
		}
	}
	check("/healthz", 200, "ok\n")
	check("/readyz", 200, "ok\n")
	check("/metrics", 200, "metrics")
	ready = errors.New("denied:\n401")
	check("/healthz", 200, "ok\n")
	check("/readyz", 503, "target javelo: denied: 401\n")
	live = errors.New("read-only")
	check("/healthz", 503, "store: read-only\n")
	check("/readyz", 503, "store: read-only\ntarget javelo: denied: 401\n")
	if code, _ := get(t, h, "POST", "/healthz"); code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", code)
	}
	if code, _ := get(t, h, "GET", "/other"); code != http.StatusNotFound {
		t.Errorf("other: %d", code)
	}
	if code, _ := get(t, Health{}.Handler(), "GET", "/metrics"); code != http.StatusNotFound {
		t.Errorf("without metrics: %d", code)
	}
}

func TestHealthDoesNotWaitForACheckThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := Health{Live: []Check{{"store", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}}}.Handler()
		start := time.Now()
		code, body := get(t, h, "GET", "/healthz")
		if code != 503 || body != "store: context deadline exceeded\n" || time.Since(start) != checkTimeout {
			t.Errorf("got %d %q after %v", code, body, time.Since(start))
		}
	})
}
