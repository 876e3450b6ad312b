package appliance_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/go-hclog"

	"rollcall/appliance"
	"rollcall/appliance/admin"
	"rollcall/appliance/config"
)

// sender is a SCIM client with one token.
type sender struct {
	tb    testing.TB
	base  string
	token string
	http  *http.Client
}

// daemon is an appliance with SCIM sources and nothing else around it.
type daemon struct {
	tb   testing.TB
	dir  string
	text string // the configuration
	app  *appliance.App
	at   appliance.Addresses
	stop func()
	log  *transcript // everything that was ever logged
}

// serveSources starts an appliance with sources, given as name and kind in turn.
func serveSources(tb testing.TB, pairs ...string) *daemon {
	tb.Helper()
	// Unix socket paths must be short, which tb.TempDir's are not.
	dir, err := os.MkdirTemp("", "rc")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { os.RemoveAll(dir) })
	var tables strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		fmt.Fprintf(&tables, "[sources.%s]\nkind = %q\n", pairs[i], pairs[i+1])
	}
	d := &daemon{tb: tb, dir: dir, log: &transcript{}, text: fmt.Sprintf(`
[appliance]
data_dir     = %q
admin_socket = %q
view_socket  = %q
[scim]
listen = "127.0.0.1:0"
[metrics]
listen = "127.0.0.1:0"
%s`, filepath.Join(dir, "data"), filepath.Join(dir, "a.sock"), filepath.Join(dir, "v.sock"), tables.String())}
	d.start()
	return d
}

// start runs the appliance until stop or the end of the test.
func (d *daemon) start() {
	d.tb.Helper()
	cfg, err := config.Parse("test.toml", []byte(d.text), config.System())
	if err != nil {
		d.tb.Fatal(err)
	}
	ready := make(chan struct{})
	app, err := appliance.Open(cfg, appliance.Options{
		Log:     hclog.New(&hclog.LoggerOptions{Output: d.log, Level: hclog.Trace}),
		Version: admin.Version{Version: "test"},
		Ready:   func(a appliance.Addresses) { d.at = a; close(ready) },
	})
	if err != nil {
		d.tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- app.Serve(ctx) }()
	select {
	case <-ready:
	case err := <-done:
		cancel()
		d.tb.Fatal(err)
	}
	d.app = app
	d.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			d.tb.Errorf("Serve: %v", err)
		}
		if err := app.Store().CheckIndexes(); err != nil {
			d.tb.Error(err)
		}
		if err := app.Close(); err != nil {
			d.tb.Error(err)
		}
	})
	d.tb.Cleanup(d.stop)
}

// sender returns a client with a token of its own and as many connections as it
// is used at once.
func (d *daemon) sender(source string) sender {
	d.tb.Helper()
	token, err := d.app.CreateToken(context.Background(), "test", source, "", 0)
	if err != nil {
		d.tb.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	d.tb.Cleanup(transport.CloseIdleConnections)
	return sender{tb: d.tb, base: token.URL, token: token.Token, http: &http.Client{Transport: transport}}
}

// reply is an answer with its body.
type reply struct {
	status int
	header http.Header
	raw    string
	body   map[string]any
}

func (r reply) id() string { id, _ := r.body["id"].(string); return id }

// ids lists the ids of Resources.
func (r reply) ids() []string {
	list, _ := r.body["Resources"].([]any)
	ids := []string{}
	for _, e := range list {
		o, _ := e.(map[string]any)
		id, _ := o["id"].(string)
		ids = append(ids, id)
	}
	return ids
}

// ask sends a request. It may be called from any goroutine: what goes wrong is
// an answer with status 0.
func (s sender) ask(method, path, body string) reply {
	req, err := http.NewRequest(method, s.base+path, strings.NewReader(body))
	if err != nil {
		return reply{raw: err.Error()}
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("Content-Type", "application/scim+json")
	resp, err := s.http.Do(req)
	if err != nil {
		return reply{raw: err.Error()}
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{raw: err.Error()}
	}
	r := reply{status: resp.StatusCode, header: resp.Header, raw: string(raw)}
	if len(raw) > 0 && json.Unmarshal(raw, &r.body) != nil {
		return reply{raw: "no JSON: " + string(raw)}
	}
	return r
}

// want sends a request and insists on its status, and on SCIM's form of errors.
func (s sender) want(status int, method, path, body string) reply {
	s.tb.Helper()
	r := s.ask(method, path, body)
	if r.status != status {
		s.tb.Fatalf("%s %s: status %d, want %d: %s", method, path, r.status, status, r.raw)
	}
	if status >= 400 && method != http.MethodHead {
		if detail, _ := r.body["detail"].(string); detail == "" || r.body["status"] != fmt.Sprint(status) {
			s.tb.Errorf("%s %s: no SCIM error: %s", method, path, r.raw)
		}
	}
	return r
}

func patchOps(ops ...string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + strings.Join(ops, ",") + `]}`
}

func group(name string, members ...string) string {
	list := make([]string, len(members))
	for i, m := range members {
		list[i] = fmt.Sprintf(`{"value":%q}`, m)
	}
	return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":%q,"members":[%s]}`, name, strings.Join(list, ","))
}

// transcript is a log that many may write to.
type transcript struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *transcript) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *transcript) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
