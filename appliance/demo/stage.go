package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"

	"rollcall/appliance"
	"rollcall/appliance/admin"
	"rollcall/appliance/admin/client"
	"rollcall/appliance/config"
	"rollcall/connectors/cast"
	"rollcall/connectors/hibob/hibobsim"
	"rollcall/connectors/javelo/javelosim"
	"rollcall/connectors/lucca/luccasim"
)

// crowd is the number of people above which the services' own rate limits would
// make the demo wait.
const crowd = 150

// javeloWindow is the window of Javelo's documented limit of 300 requests.
const javeloWindow = 5 * time.Minute

// stage is the simulated world with an appliance in the middle.
type stage struct {
	company *company
	dir     string // of the appliance; removed at the end
	limit   int    // requests that Javelo serves in javeloWindow
	raised  bool   // whether limit is above what Javelo documents

	hibob  *hibobsim.Sim
	lucca  *luccasim.Sim
	javelo *javelosim.Sim
	at     struct{ hibob, lucca, javelo string } // their addresses

	addresses appliance.Addresses
	client    *client.Client
	okta      *okta
	azure     *entra

	servers []*http.Server
	app     *appliance.App
	stop    func() error // of the appliance
}

// newStage starts simulators and appliance. Close ends them.
func newStage(ctx context.Context, o Options) (*stage, error) {
	s := &stage{company: newCompany(o.People, o.Seed, time.Now()), limit: 300}
	rate := 0 // of HiBob and Lucca: as documented
	if o.People > crowd {
		s.limit, s.raised = 10*o.People, true
		rate = 10 * o.People
	}
	s.hibob = hibobsim.New(s.company.hibobStaff(), hibobsim.Options{Seed: o.Seed, Rate: rate, Staleness: -1, PermissionDelay: -1})
	s.hibob.Remove(len(s.company.hibob)) // the orphan's manager
	s.lucca = luccasim.New(s.company.luccaStaff(), luccasim.Options{Rate: rate})
	s.javelo = javelosim.New(javelosim.Options{Limit: s.limit, Window: javeloWindow})
	s.javelo.Seed(s.company.accounts())
	if !s.lucca.SetExtension(s.lucca.ID(s.company.of(skipped).Index), luccasim.DefaultSkipField, `{"id":1,"value":true}`) {
		return nil, errors.New("demo: the skip flag could not be set in the simulated Lucca")
	}
	if err := s.open(ctx, o); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// open starts what listens.
func (s *stage) open(ctx context.Context, o Options) error {
	for _, sim := range []struct {
		handler http.Handler
		at      *string
	}{{s.hibob, &s.at.hibob}, {s.lucca, &s.at.lucca}, {s.javelo, &s.at.javelo}} {
		address, srv, err := serve(sim.handler, "127.0.0.1:0")
		if err != nil {
			return err
		}
		*sim.at = address
		s.servers = append(s.servers, srv)
	}
	// Paths of unix sockets must be short, which some temporary directories are not.
	parent := ""
	if len(os.TempDir()) > 60 {
		parent = "/tmp"
	}
	dir, err := os.MkdirTemp(parent, "rollcall-demo-")
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	s.dir = dir
	if err := os.WriteFile(s.configPath(), []byte(s.config()), 0o600); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if err := s.openAppliance(ctx, o.Log, o.Version); err != nil {
		return err
	}
	s.client = client.New(s.addresses.Admin)
	return nil
}

// openAppliance starts the appliance as rollcall run would, from the file.
func (s *stage) openAppliance(ctx context.Context, log hclog.Logger, version admin.Version) error {
	raw, err := os.ReadFile(s.configPath())
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	cfg, err := config.Parse(s.configPath(), raw, config.System())
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if err := cfg.ResolveSecrets(); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	ready := make(chan appliance.Addresses, 1)
	s.app, err = appliance.Open(cfg, appliance.Options{Version: version, Log: log, Ready: func(a appliance.Addresses) { ready <- a }})
	if err != nil {
		return err
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- s.app.Serve(running) }()
	s.stop = func() error {
		cancel()
		return <-done
	}
	select {
	case s.addresses = <-ready:
		return nil
	case err := <-done:
		done <- err // for stop
		return fmt.Errorf("demo: the appliance did not start: %w", err)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close ends everything and removes the directory.
func (s *stage) close() error {
	var problems []error
	if s.okta != nil {
		s.okta.client.close()
	}
	if s.azure != nil {
		s.azure.client.close()
	}
	if s.client != nil {
		s.client.Close()
	}
	if s.stop != nil {
		problems = append(problems, s.stop())
	}
	if s.app != nil {
		problems = append(problems, s.app.Close())
	}
	for _, srv := range s.servers {
		problems = append(problems, srv.Close())
	}
	if s.dir != "" {
		problems = append(problems, os.RemoveAll(s.dir))
	}
	return errors.Join(problems...)
}

func (s *stage) configPath() string { return filepath.Join(s.dir, "config.toml") }

// config is the appliance's configuration: what an administrator would write,
// with loopback addresses.
func (s *stage) config() string {
	return fmt.Sprintf(`# The configuration of a demo that is running. Everything here is simulated.
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

[sources.lucca]
kind     = "lucca"
base_url = %q
api      = "v3"
api_key  = %q
interval = "1h"

[sources.okta]
kind = "okta"

[sources.azure]
kind = "azure"

[targets.javelo]
kind     = "javelo"
base_url = "%s%s"
token    = %q
rate     = "%d/5m"

[policy]
authority     = ["hibob", "lucca", "okta", "azure"]
email_domains = [%q]
`, filepath.Join(s.dir, "data"), s.path("admin.sock"), s.path("view.sock"), s.at.hibob, s.at.lucca, luccasim.DefaultKey,
		s.at.javelo, javelosim.Prefix, javelosim.DefaultToken, s.limit, cast.Domain)
}

func (s *stage) path(name string) string { return filepath.Join(s.dir, name) }

// serve answers on a loopback address until the server is closed.
func serve(h http.Handler, listen string) (base string, srv *http.Server, err error) {
	l, err := listenLoopback(listen)
	if err != nil {
		return "", nil, err
	}
	srv = &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: hclog.NewNullLogger().StandardLogger(nil)}
	go func() { _ = srv.Serve(l) }()
	return "http://" + l.Addr().String(), srv, nil
}

// listenLoopback listens on an address that only this machine can reach.
func listenLoopback(listen string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: write host and port, such as 127.0.0.1:8080", listen)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("listen on %q: simulators answer on loopback only, such as 127.0.0.1:8080", listen)
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", listen, err)
	}
	return l, nil
}
