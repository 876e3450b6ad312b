package admin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/admin"
	"rollcall/appliance/admin/admintest"
	"rollcall/appliance/admin/client"
	"rollcall/appliance/model"
)

// ask sends one request to h and returns status, header and the refusal, if any.
func ask(h http.Handler, method, path, body string, header ...string) (*http.Response, admin.Error) {
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, path, reader)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var e admin.Error
	if w.Code >= 400 {
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil {
			e.Text = "not JSON: " + w.Body.String()
		}
	}
	resp := w.Result()
	resp.Body = io.NopCloser(strings.NewReader(w.Body.String()))
	return resp, e
}

func newServer(s admin.Service) *admin.Server {
	return admin.NewServer(s, admintest.Version, admin.Options{Peer: func(net.Conn) string { return admintest.Actor }})
}

// changes are all requests that change something or act on other systems.
var changes = []struct{ method, path, body string }{
	{"POST", "/v1/sources/okta/activate", ""},
	{"POST", "/v1/sources/okta/pause", ""},
	{"POST", "/v1/sync", `{}`},
	{"POST", "/v1/runs/12/approve", ""},
	{"POST", "/v1/runs/12/reject", ""},
	{"POST", "/v1/conflicts/c_9f2c/resolve", `{"verb":"merge","rev":4}`},
	{"POST", "/v1/decisions/d_1/undo", ""},
	{"POST", "/v1/deliveries/javelo/p_omar/retry", ""},
	{"POST", "/v1/deliveries/javelo/p_omar/drop", ""},
	{"POST", "/v1/groups/javelo/okta/g_1/retry", ""},
	{"POST", "/v1/targets/javelo/lane", `{"state":"paused"}`},
	{"POST", "/v1/tokens", `{"source":"okta"}`},
	{"DELETE", "/v1/tokens/t_1", ""},
	{"POST", "/v1/people/import", `{"rows":[{"row":2,"cells":{"email":"jane@acme.example"}}]}`},
	{"POST", "/v1/check", `{}`},
	{"POST", "/v1/backup", `{"path":"/var/lib/rollcall/copy"}`},
}

// questions are all requests that only look.
var questions = []string{
	"/v1/version", "/v1/status", "/v1/wait", "/v1/plan", "/v1/plan?source=okta", "/v1/runs?limit=1", "/v1/runs/12", "/v1/people?q=jane",
	"/v1/person?who=jane+doe", "/v1/conflicts", "/v1/conflicts/c_9f2c", "/v1/deliveries?target=javelo&state=held", "/v1/deliveries/explain?who=jane+doe", "/v1/drift?target=javelo", "/v1/groups?target=javelo", "/v1/people/export?q=jane", "/v1/tokens",
	"/v1/journal?after=3&limit=2", "/v1/journal/verify", "/v1/names?subject=person:p_jane&subject=person:p_omar", "/v1/requests?source=okta&failed=true", "/v1/config",
}

func TestViewSocketAnswersQuestionsAndRefusesEveryChange(t *testing.T) {
	fake := admintest.Acme()
	s := newServer(fake)
	for _, c := range changes {
		resp, e := ask(s.ViewHandler(), c.method, c.path, c.body)
		if resp.StatusCode != http.StatusForbidden || e.Code != admin.CodeReadOnly {
			t.Errorf("%s %s on the view socket: %d %+v, want 403 read_only", c.method, c.path, resp.StatusCode, e)
		}
	}
	if asked := fake.Asked(); len(asked) > 0 {
		t.Errorf("the view socket changed something: %v", asked)
	}
	for _, path := range questions {
		if resp, e := ask(s.ViewHandler(), "GET", path, ""); resp.StatusCode != http.StatusOK {
			t.Errorf("GET %s on the view socket: %d %+v", path, resp.StatusCode, e)
		}
	}
	if resp, _ := ask(s.ViewHandler(), "GET", "/debug/pprof/cmdline", ""); resp.StatusCode != http.StatusNotFound {
		t.Errorf("the view socket serves profiles: %d", resp.StatusCode)
	}
}

func TestAdminSocketTakesEveryChangeAndQuestion(t *testing.T) {
	for _, c := range changes {
		fake := admintest.Acme()
		if resp, e := ask(newServer(fake).Handler(), c.method, c.path, c.body); resp.StatusCode > 299 {
			t.Errorf("%s %s: %d %+v", c.method, c.path, resp.StatusCode, e)
		}
	}
	s := newServer(admintest.Acme())
	for _, path := range append(questions, "/debug/pprof/cmdline") {
		if resp, e := ask(s.Handler(), "GET", path, ""); resp.StatusCode != http.StatusOK {
			t.Errorf("GET %s: %d %+v", path, resp.StatusCode, e)
		}
	}
}

func TestEveryReplyNamesTheVersion(t *testing.T) {
	s := newServer(admintest.Acme())
	for name, h := range map[string]http.Handler{"admin": s.Handler(), "view": s.ViewHandler()} {
		for _, c := range []struct{ method, path string }{
			{"GET", "/v1/status"}, {"GET", "/v1/runs/99"}, {"GET", "/nothing"}, {"POST", "/v1/status"}, {"DELETE", "/v1/tokens/t_1"},
		} {
			resp, _ := ask(h, c.method, c.path, "")
			if got := resp.Header.Get(admin.VersionHeader); got != "1.2.3" {
				t.Errorf("%s socket, %s %s (%d): version %q", name, c.method, c.path, resp.StatusCode, got)
			}
		}
	}
}

func TestRefusalsKeepTheirCodeAndStatus(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		code   string
	}{
		{&admin.Error{Code: admin.CodeNotFound, Text: "x"}, 404, admin.CodeNotFound},
		{&admin.Error{Code: admin.CodeInvalid, Text: "x"}, 400, admin.CodeInvalid},
		{&admin.Error{Code: admin.CodeStale, Text: "x"}, 412, admin.CodeStale},
		{fmt.Errorf("wrapped: %w", &admin.Error{Code: admin.CodeBusy, Text: "x"}), 409, admin.CodeBusy},
		{&admin.Error{Code: "of tomorrow", Text: "x"}, 500, "of tomorrow"},
		{errors.New("disk full"), 500, admin.CodeInternal},
		{context.DeadlineExceeded, 409, admin.CodeBusy},
	} {
		resp, e := ask(newServer(&admintest.Service{Err: c.err}).Handler(), "GET", "/v1/status", "")
		if resp.StatusCode != c.status || e.Code != c.code || e.Text == "" {
			t.Errorf("%v: %d %+v, want %d %s", c.err, resp.StatusCode, e, c.status, c.code)
		}
	}
}

func TestRequestsThatAreNotUnderstoodAreRefused(t *testing.T) {
	for _, c := range []struct{ name, method, path, body string }{
		{"unknown field", "POST", "/v1/sync", `{"source":["hibob"]}`},
		{"second value", "POST", "/v1/sync", `{} {}`},
		{"no body", "POST", "/v1/sync", ``},
		{"no object", "POST", "/v1/tokens", `["okta"]`},
		{"oversized body", "POST", "/v1/sync", `{"sources":["` + strings.Repeat("x", 70<<10) + `"]}`},
		{"unknown parameter", "GET", "/v1/people?query=jane", ""},
		{"parameter twice", "GET", "/v1/people?q=a&q=b", ""},
		{"limit that is no number", "GET", "/v1/runs?limit=ten", ""},
		{"limit too large", "GET", "/v1/runs?limit=1001", ""},
		{"negative limit", "GET", "/v1/journal?limit=-1", ""},
		{"run that is no number", "GET", "/v1/runs/twelve", ""},
		{"run zero", "POST", "/v1/runs/0/approve", ""},
		{"flag that is none", "GET", "/v1/requests?failed=1", ""},
		{"two sources to plan", "GET", "/v1/plan?source=a&source=b", ""},
		{"nobody", "GET", "/v1/person", ""},
		{"too many names", "GET", "/v1/names?" + strings.Repeat("subject=a&", 201), ""},
		{"relative path", "POST", "/v1/backup", `{"path":"copy.db"}`},
		{"life that overflows", "POST", "/v1/tokens", `{"source":"okta","ttl_seconds":9223372036854775807}`},
		{"negative life", "POST", "/v1/tokens", `{"source":"okta","ttl_seconds":-1}`},
	} {
		fake := admintest.Acme()
		resp, e := ask(newServer(fake).Handler(), c.method, c.path, c.body)
		if resp.StatusCode != http.StatusBadRequest || e.Code != admin.CodeInvalid {
			t.Errorf("%s: %d %+v, want 400 invalid", c.name, resp.StatusCode, e)
		}
		if asked := fake.Asked(); len(asked) > 0 {
			t.Errorf("%s: %v was done all the same", c.name, asked)
		}
	}
}

func TestEmptyListsAreNeverNull(t *testing.T) {
	s := newServer(&admintest.Service{RunList: []model.Run{{Seq: 1}}})
	for _, path := range []string{"/v1/runs?after=1", "/v1/conflicts", "/v1/deliveries", "/v1/tokens", "/v1/journal", "/v1/requests", "/v1/people", "/v1/runs/1", "/v1/plan"} {
		resp, _ := ask(s.Handler(), "GET", path, "")
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		for _, absent := range []string{"null\n", `"people":null`, `"deliveries":null`, `"changes":null`} {
			if strings.HasSuffix(string(body), absent) || strings.Contains(string(body), absent) {
				t.Errorf("GET %s: %s", path, body)
			}
		}
	}
}

func TestOfTwoOperatorsOnARunTheSecondGetsStale(t *testing.T) {
	fake := admintest.Acme()
	sockets := admintest.Serve(t, fake)
	ctx := t.Context()
	first, second := client.New(sockets.Admin), client.New(sockets.Admin)
	defer first.Close()
	defer second.Close()
	var tags []string
	for _, c := range []*client.Client{first, second} {
		detail, err := c.Run(ctx, 12)
		if err != nil {
			t.Fatal(err)
		}
		tags = append(tags, detail.Tag)
	}
	if n, err := first.Reject(ctx, 12, tags[0]); err != nil || n != 1 {
		t.Fatalf("first operator: %d, %v", n, err)
	}
	if _, err := second.Approve(ctx, 12, tags[1]); !client.IsCode(err, admin.CodeStale) {
		t.Errorf("second operator: %v, want stale", err)
	}
	if got := fake.Asked(); len(got) != 1 {
		t.Errorf("done: %v", got)
	}
}

func TestOfTwoOperatorsOnAConflictTheSecondGetsStale(t *testing.T) {
	fake := admintest.Acme()
	fake.Open[0].Rev = 5 // it changed after both had looked at revision 4
	s := newServer(fake)
	resp, e := ask(s.Handler(), "POST", "/v1/conflicts/c_9f2c/resolve", `{"verb":"merge","rev":0}`, "If-Match", `"4"`)
	if resp.StatusCode != http.StatusPreconditionFailed || e.Code != admin.CodeStale {
		t.Errorf("an answer to another revision: %d %+v, want 412 stale", resp.StatusCode, e)
	}
	for _, want := range []int{http.StatusNoContent, http.StatusPreconditionFailed} {
		if resp, e := ask(s.Handler(), "POST", "/v1/conflicts/c_9f2c/resolve", `{"verb":"merge","rev":5}`, "If-Match", `"5"`); resp.StatusCode != want {
			t.Errorf("resolve: %d %+v, want %d", resp.StatusCode, e, want)
		}
	}
}

func TestIfMatchThatIsNoTagIsRefused(t *testing.T) {
	for _, tag := range []string{`4`, `""`, `"4","5"`, `W/"4"`, `"four"`, `"0"`} {
		fake := admintest.Acme()
		resp, _ := ask(newServer(fake).Handler(), "POST", "/v1/conflicts/c_9f2c/resolve", `{"verb":"merge","rev":0}`, "If-Match", tag)
		if resp.StatusCode != http.StatusBadRequest || len(fake.Asked()) > 0 {
			t.Errorf("If-Match: %s: %d, done %v", tag, resp.StatusCode, fake.Asked())
		}
	}
	fake := admintest.Acme()
	if resp, _ := ask(newServer(fake).Handler(), "POST", "/v1/conflicts/c_9f2c/resolve", `{"verb":"merge","rev":3}`, "If-Match", `"4"`); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("two revisions: %d", resp.StatusCode)
	}
}

func TestActorIsTheUserAtTheOtherEndOfTheSocket(t *testing.T) {
	fake := admintest.Acme()
	l, err := admin.Listen(admintest.Directory(t)+"/a.sock", admin.SocketMode)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- admin.NewServer(fake, admintest.Version, admin.Options{}).Serve(ctx, l, nil) }()
	c := client.New(l.Addr().String())
	if err := c.Pause(ctx, "okta"); err != nil {
		t.Fatal(err)
	}
	c.Close()
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("uid:%d(", os.Getuid())
	if got := fake.Asked(); len(got) != 1 || !strings.HasPrefix(got[0], want) || !strings.HasSuffix(got[0], ") pause okta") {
		t.Errorf("asked %v, want by %s…)", got, want)
	}
}

// pipes is a listener whose connections are net.Pipe, which synctest understands.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipes() *pipes { return &pipes{make(chan net.Conn), make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }
func (p *pipes) Dial(ctx context.Context) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// piped serves fake over pipes; it must be called inside a synctest bubble.
func piped(t *testing.T, fake admin.Service) (*client.Client, func()) {
	t.Helper()
	l := newPipes()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- newServer(fake).Serve(ctx, l, nil) }()
	c := client.NewOver("pipe", l.Dial)
	return c, func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
		c.Close()
	}
}

func TestJournalWaitEndsWithoutNewsAfterTheLongPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := admintest.Acme()
		c, stop := piped(t, fake)
		defer stop()
		begun := time.Now()
		events, err := c.Journal(t.Context(), 25, 10, true)
		if err != nil || len(events) != 0 {
			t.Fatalf("%d events, %v; want none", len(events), err)
		}
		if took := time.Since(begun); took != admin.LongPoll {
			t.Errorf("waited %s, want %s", took, admin.LongPoll)
		}
	})
}

func TestJournalWaitReturnsAsSoonAsSomethingHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := admintest.Acme()
		c, stop := piped(t, fake)
		defer stop()
		begun := time.Now()
		go func() {
			time.Sleep(3 * time.Second)
			fake.Happen(model.Event{Verb: "changed", Subject: "person:p_new"})
		}()
		events, err := c.Journal(t.Context(), 25, 10, true)
		if err != nil || len(events) != 1 || events[0].Subject != "person:p_new" {
			t.Fatalf("%v, %v", events, err)
		}
		if took := time.Since(begun); took != 3*time.Second {
			t.Errorf("waited %s", took)
		}
	})
}

func TestWaitOutlastsManyLongPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := admintest.Acme()
		fake.State.Sources[0].Reading = &admin.Progress{Done: 1}
		c, stop := piped(t, fake)
		defer stop()
		ctx, cancel := context.WithTimeout(t.Context(), 5*admin.LongPoll+time.Second)
		defer cancel()
		begun := time.Now()
		if err := c.Wait(ctx, []string{"hibob"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want the caller's deadline", err)
		}
		if took := time.Since(begun); took != 5*admin.LongPoll+time.Second {
			t.Errorf("gave up after %s", took)
		}
		if err := c.Wait(t.Context(), []string{"okta"}); err != nil {
			t.Errorf("a source that is not read: %v", err)
		}
	})
}

func TestStoppingEndsThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, stop := piped(t, admintest.Acme())
		begun := time.Now()
		answered := make(chan error, 1)
		go func() {
			_, err := c.Journal(t.Context(), 25, 10, true)
			answered <- err
		}()
		synctest.Wait()
		stop()
		if err := <-answered; !client.IsCode(err, admin.CodeBusy) {
			t.Errorf("%v, want a refusal", err)
		}
		if took := time.Since(begun); took > time.Second {
			t.Errorf("stopping took %s", took)
		}
	})
}

func TestServeSaysWhyItCannotGoOn(t *testing.T) {
	l := newPipes()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	err := newServer(admintest.Acme()).Serve(t.Context(), unclosable{l}, nil)
	if err == nil || !strings.Contains(err.Error(), "admin socket") {
		t.Errorf("%v", err)
	}
}

type unclosable struct{ net.Listener }

func (unclosable) Close() error { return nil }

func TestRepliesCarryWhatTheServiceSaid(t *testing.T) {
	fake := admintest.Acme()
	sockets := admintest.Serve(t, fake)
	c := client.New(sockets.View)
	defer c.Close()
	got, err := c.Plan(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fake.Plans[""], got); diff != "" {
		t.Errorf("plan (-said +received):\n%s", diff)
	}
	people, next, err := c.People(t.Context(), "", admin.Page{Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fake.Roster[:2], people); diff != "" || next != "p_omar" {
		t.Errorf("people, next %q (-said +received):\n%s", next, diff)
	}
}
