package appliance_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"rollcall/appliance"
	"rollcall/appliance/admin"
	"rollcall/appliance/config"
	"rollcall/connectors/cast"
	"rollcall/connectors/hibob/hibobsim"
	"rollcall/connectors/javelo/javelosim"
)

// world is an appliance between simulated services, all on loopback.
type world struct {
	t      testing.TB
	dir    string
	people []cast.Person
	hibob  *hibobsim.Sim
	javelo *javelosim.Sim
	text   string // the configuration
	app    *appliance.App
	at     appliance.Addresses
	ready  chan struct{}
	stop   func()
	log    hclog.Logger  // nil: standard error with -v, otherwise nowhere
	shift  time.Duration // of the appliance's clock against ours
	// onRequest is called twice for every request to a simulated service: when it
	// arrives, and when it was served and not yet answered. nil: not at all.
	onRequest atomic.Pointer[func()]
}

// observed tells w of every request to a service.
func (w *world) observed(service http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if tell := w.onRequest.Load(); tell != nil {
			(*tell)()
			defer (*tell)()
		}
		service.ServeHTTP(rw, r)
	})
}

// newWorld employs n people in a simulated HiBob beside an empty Javelo.
func newWorld(t testing.TB, n int, extra string) *world {
	t.Helper()
	// Unix socket paths must be short, which t.TempDir's are not.
	dir, err := os.MkdirTemp("", "rc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	w := &world{t: t, dir: dir, people: cast.Company(n, 7)}
	w.hibob = hibobsim.New(w.people, hibobsim.Options{Staleness: -1, PermissionDelay: -1, Rate: -1})
	w.javelo = javelosim.New(javelosim.Options{Limit: -1})
	hibob, javelo := httptest.NewServer(w.observed(w.hibob)), httptest.NewServer(w.observed(w.javelo))
	t.Cleanup(hibob.Close)
	t.Cleanup(javelo.Close)
	w.text = fmt.Sprintf(`
[appliance]
data_dir     = %q
admin_socket = %q
view_socket  = %q
[scim]
listen = "127.0.0.1:0"
[metrics]
listen = "127.0.0.1:0"
[sources.hibob]
kind               = "hibob"
base_url           = "%s/v1"
service_user_id    = "SERVICE-12345"
service_user_token = "sim-token"
interval           = "1h"
[targets.javelo]
kind     = "javelo"
base_url = "%s/scim/v2"
token    = %q
rate     = "1000000/1s"
%s`, filepath.Join(dir, "data"), filepath.Join(dir, "a.sock"), filepath.Join(dir, "v.sock"), hibob.URL, javelo.URL, javelosim.DefaultToken, extra)
	return w
}

// open builds the appliance without starting it.
func (w *world) open() (*appliance.App, error) {
	w.t.Helper()
	cfg, err := config.Parse("test.toml", []byte(w.text), config.System())
	if err != nil {
		w.t.Fatal(err)
	}
	if err := cfg.ResolveSecrets(); err != nil {
		w.t.Fatal(err)
	}
	log := hclog.New(&hclog.LoggerOptions{Output: &stirred, Level: hclog.Trace})
	if testing.Verbose() {
		log = hclog.New(&hclog.LoggerOptions{Output: io.MultiWriter(os.Stderr, &stirred), Level: hclog.Info})
	}
	if w.log != nil {
		log = w.log
	}
	return appliance.Open(cfg, appliance.Options{Log: log, Load: w.load, Now: func() time.Time { return time.Now().Add(w.shift) }, Version: admin.Version{Version: "test"}, Ready: func(a appliance.Addresses) { w.at = a; close(w.ready) }})
}

// start runs the appliance until stop or the end of the test.
func (w *world) start() {
	w.t.Helper()
	w.ready = make(chan struct{})
	app, err := w.open()
	if err != nil {
		w.t.Fatal(err)
	}
	w.app = app
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- app.Serve(ctx) }()
	select {
	case <-w.ready:
	case err := <-done:
		cancel()
		w.t.Fatal(err)
	}
	stopped := false
	w.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("Serve: %v", err)
		}
		v, err := app.Verify(context.Background())
		if err != nil {
			w.t.Error(err)
		}
		for _, problem := range v.Problems {
			w.t.Errorf("verify: %s", problem)
		}
		if err := app.Close(); err != nil {
			w.t.Error(err)
		}
	}
	w.t.Cleanup(w.stop)
}

func (w *world) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	w.t.Cleanup(cancel)
	return ctx
}

// sync reads a source and waits until everything is quiet.
func (w *world) sync(sources ...string) {
	w.t.Helper()
	if err := w.app.Sync(w.ctx(), "test", sources); err != nil {
		w.t.Fatal(err)
	}
	w.wait()
}

func (w *world) wait() {
	w.t.Helper()
	if err := w.app.Wait(w.ctx(), nil); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) activate(source string) {
	w.t.Helper()
	if _, err := w.app.Activate(w.ctx(), "test", source); err != nil {
		w.t.Fatal(err)
	}
	w.wait()
}

// admin0 asks for the first page.
func admin0() admin.Page { return admin.Page{} }

// sender returns a client of the SCIM service with a token of its own.
func (w *world) sender(source string) sender {
	w.t.Helper()
	token, err := w.app.CreateToken(w.ctx(), "test", source, "", 0)
	if err != nil {
		w.t.Fatal(err)
	}
	transport := &http.Transport{}
	w.t.Cleanup(transport.CloseIdleConnections)
	return sender{tb: w.t, base: token.URL, token: token.Token, http: &http.Client{Transport: transport}}
}
