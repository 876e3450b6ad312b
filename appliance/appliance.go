// Package appliance assembles the parts into the daemon that rollcall run starts,
// and answers for it: [App] implements the admin API's Service.
//
// The parts do not know each other. Sources are read by package poll, senders
// write through package scimsrv, both end in package ingest, which is the only
// door for changes; package relay takes what differs to the targets. This package
// builds them from the configuration, starts them in an order and stops them in
// the reverse one. Everything stays right when the process is killed instead: the
// order of stopping is a courtesy to whoever is connected.
//
// ARCHITECTURE.md beside this file has the data flow, the bucket drawing and what
// happens when things stop.
package appliance

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/net/netutil"
	"golang.org/x/sync/errgroup"

	"rollcall/appliance/admin"
	"rollcall/appliance/config"
	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/notify"
	"rollcall/appliance/observe"
	"rollcall/appliance/poll"
	"rollcall/appliance/relay"
	"rollcall/appliance/store"
	"rollcall/connectors"
	"rollcall/scimsrv"
	"rollcall/scimsrv/schema"
)

// Options are what an App needs beyond its configuration.
type Options struct {
	Version admin.Version
	Log     hclog.Logger // required
	// Load reads the configuration anew, secrets resolved, when a reload is asked
	// for; nil: there is nothing to read again.
	Load func() (*config.Config, error)
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Ready is called once everything accepts requests; nil: nobody is told.
	Ready func(Addresses)
}

// Addresses are where an App listens; empty where it does not.
type Addresses struct {
	SCIM, Metrics, Admin, View string
}

// App is the appliance. Open it, Serve once, Close it.
type App struct {
	cfg     *config.Config                // as it was at the start
	loaded  atomic.Pointer[config.Config] // as it was accepted last, see config
	load    func() (*config.Config, error)
	log     hclog.Logger
	version admin.Version
	ready   func(Addresses)
	now     func() time.Time

	store    *store.Store
	engine   *ingest.Engine
	auth     *authenticator
	record   *recorder
	metrics  *observe.Metrics
	notifier *notify.Notifier
	systemd  *observe.Service
	cert     *certificate // nil: plain HTTP

	pollers map[string]*poll.Poller
	sources map[string]connectors.Source // polled ones
	lanes   map[string]*relay.Lane
	targets map[string]connectors.Target     // that take people one by one
	files   map[string]connectors.FileTarget // that take everybody at once
	budgets map[string]*budget

	reloading sync.Mutex // one reload at a time
	chores    chores

	trimmed model.Date // when old history was last erased; of the calendar alone

	mu      sync.Mutex // guards what follows
	started time.Time
	url     string // of the SCIM service, known once it listens
	lately  activityCache
	keys    map[string]string            // the tokens of targets that are in use
	checked map[string]admin.CheckResult // the last check of each source and target
}

// Open builds the appliance: the database is opened (and locked), recovered and
// brought in line with the policy. Nothing listens and nothing is sent yet.
// Secrets must be resolved.
func Open(cfg *config.Config, o Options) (*App, error) {
	if o.Version.Version == "" {
		o.Version.Version = "devel" // clients tell by it whether rollcall answers
	}
	a := &App{cfg: cfg, load: o.Load, log: o.Log, version: o.Version, ready: o.Ready, now: o.Now,
		pollers: map[string]*poll.Poller{}, sources: map[string]connectors.Source{},
		lanes: map[string]*relay.Lane{}, targets: map[string]connectors.Target{}, files: map[string]connectors.FileTarget{}, budgets: map[string]*budget{}, checked: map[string]admin.CheckResult{}, keys: map[string]string{}}
	if a.now == nil {
		a.now = time.Now
	}
	a.loaded.Store(cfg)
	settings, err := a.settings(cfg)
	if err != nil {
		return nil, err
	}
	if err := a.connect(cfg); err != nil {
		return nil, err
	}
	if a.systemd, err = observe.NewService(); err != nil {
		return nil, err
	}
	if cert := string(cfg.SCIM.TLSCert); cert != "" && cfg.ServesSCIM() {
		if a.cert, err = loadCertificate(cert, string(cfg.SCIM.TLSKey), a.now); err != nil {
			return nil, err
		}
	}
	a.store, err = store.Open(filepath.Join(string(cfg.Appliance.DataDir), store.FileName), store.Options{Upgrading: func(from, to int) {
		a.log.Info("bringing the database up to date, which may take minutes; the file of before is kept beside it", "from_schema", from, "to_schema", to)
	}})
	if err != nil {
		return nil, err
	}
	a.engine = ingest.New(a.store, settings, a.now, a.kick)
	a.metrics = observe.NewMetrics(o.Version.Version, scimRoutes, a.metricsState)
	a.metrics.Reloaded(a.now(), true)
	a.auth = newAuthenticator(a.store, cfg.Sources, a.now)
	a.record = newRecorder(a.store, a.metrics)
	a.notifier = a.newNotifier()
	if err := a.recover(settings); err != nil {
		return nil, errors.Join(err, a.store.Close())
	}
	for i, name := range cfg.SourceNames() {
		if src := a.sources[name]; src != nil {
			a.pollers[name] = poll.New(name, src, time.Duration(cfg.Sources[name].Interval), a.store, a.engine, a.log.Named("poll"), uint64(i)+uint64(a.now().UnixNano()))
		}
	}
	for name, t := range a.targets {
		var b relay.Budget
		if a.budgets[name] != nil {
			b = a.budgets[name].limiter
		}
		a.lanes[name] = relay.New(name, t, b, a.store, a.engine, a.log.Named("relay"))
	}
	for name, t := range a.files {
		a.lanes[name] = relay.NewFile(name, t, time.Duration(cfg.Targets[name].Interval), a.store, a.engine, a.log.Named("relay"))
	}
	return a, nil
}

// kick tells a lane that there may be something to send.
func (a *App) kick(target string) {
	if l := a.lanes[target]; l != nil {
		l.Kick()
	}
}

// recover finishes what the end of the last process cut off, and plans everybody
// anew when the policy or the targets are not those of the last start.
func (a *App) recover(settings *ingest.Settings) error {
	if err := a.engine.Recover(); err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	if err := a.engine.ResumeActivations(); err != nil {
		return err
	}
	if n, err := a.engine.ForgetAgain(); err != nil {
		return fmt.Errorf("erase again whom a restored backup brought back: %w", err)
	} else if n > 0 {
		a.log.Info("erased again whom a restored backup brought back", "people", n)
		if err := a.store.Scrub(); err != nil {
			a.log.Warn("erased values may still stand in the file", "error", err)
		}
	}
	if _, err := a.replanIfChanged(actorSelf, settings); err != nil {
		return fmt.Errorf("plan under the new policy: %w", err)
	}
	return nil
}

// Close closes the database. Serve must have returned.
func (a *App) Close() error { return a.store.Close() }

// Store gives tests and the demo a look at the state.
func (a *App) Store() *store.Store { return a.store }

// heapFloor is the size in bytes of an allocation that nobody touches, so that it
// takes no memory, while the collector counts it. The appliance lives on two
// megabytes and allocates ten kilobytes per SCIM request: without a floor the
// collector runs every few hundred requests and costs a fifth of all time.
const heapFloor = 12 << 20

// Serve serves, reads and relays until ctx ends; it then stops in order and
// returns nil. An error means that something could not be started or broke for
// good.
func (a *App) Serve(ctx context.Context) error {
	floor := make([]byte, heapFloor)
	defer runtime.KeepAlive(floor)
	l, err := a.listen()
	if err != nil {
		return err
	}
	defer l.close()
	a.mu.Lock()
	a.started = a.now()
	a.url = l.scimURL(a.cfg)
	a.mu.Unlock()

	g, ctx := errgroup.WithContext(ctx)
	if l.scim != nil {
		catalog, err := schema.Declare(a.cfg.SCIM.Extensions)
		if err != nil {
			return fmt.Errorf("[scim.extensions]: %w", err)
		}
		service, err := scimsrv.New(scimsrv.Options{Directory: a.engine.Directory(), Authenticator: a.auth, Recorder: a.record, Catalog: catalog,
			PublicURL: a.scimBase(), Logger: a.log.Named("scim"), Limits: scimLimits()})
		if err != nil {
			return err
		}
		srv := scimsrv.Server(newGate(a.withHooks(service), trustedProxies(a.cfg), a.now))
		srv.ErrorLog = a.edge("scim")
		serve(ctx, g, srv, l.scim)
	}
	if l.metrics != nil {
		serve(ctx, g, &http.Server{Handler: a.health().Handler(), ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, ErrorLog: a.edge("metrics")}, l.metrics)
	}
	g.Go(func() error {
		return admin.NewServer(a, a.version, admin.Options{Log: a.log.Named("admin")}).Serve(ctx, l.admin, l.view)
	})
	for _, p := range a.pollers {
		g.Go(func() error { return p.Run(ctx) })
	}
	for _, lane := range a.lanes {
		g.Go(func() error { return lane.Run(ctx) })
	}
	g.Go(func() error { return a.record.run(ctx, a.heard) })
	g.Go(func() error { return a.calendar(ctx) })
	g.Go(func() error { return a.notifier.Run(ctx) })
	g.Go(func() error { return a.housekeep(ctx) })
	g.Go(func() error { return a.exportJournal(ctx) })
	g.Go(func() error {
		a.systemd.Watch(ctx, func(context.Context) error { return a.alive() }, func(err error) {
			if err != nil {
				a.log.Error("the database does not answer", "error", err)
			}
		})
		return nil
	})

	addresses := l.addresses(a.cfg)
	a.log.Info("ready", "scim", addresses.SCIM, "metrics", addresses.Metrics, "admin", addresses.Admin)
	if err := a.systemd.Ready("serving"); err != nil {
		a.log.Warn("systemd was not told", "error", err)
	}
	if a.ready != nil {
		a.ready(addresses)
	}
	err = g.Wait()
	_ = a.systemd.Stopping("")
	if saveErr := a.auth.save(); err == nil && saveErr != nil {
		err = saveErr
	}
	a.log.Info("stopped")
	return err
}

// scimLimits stop a sender that runs away, far above what Okta and Entra send
// (Entra asks for 25 requests per second).
func scimLimits() scimsrv.Limits {
	l := scimsrv.DefaultLimits
	l.Rate, l.Burst = 1000, 4000
	return l
}

// stopGrace is how long requests under way may take to finish.
const stopGrace = time.Second

// serve runs an HTTP server in the group until ctx ends.
func serve(ctx context.Context, g *errgroup.Group, srv *http.Server, l net.Listener) {
	g.Go(func() error {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
		defer cancel()
		if srv.Shutdown(grace) != nil {
			_ = srv.Close()
		}
		return nil
	})
}

// calendar replans people when a new day begins, and looks every few minutes in
// case the machine slept through midnight.
func (a *App) calendar(ctx context.Context) error {
	tick := time.NewTicker(calendarEvery)
	defer tick.Stop()
	for {
		if n, err := a.engine.TurnDay(); err != nil {
			a.log.Error("the day did not turn", "error", err)
		} else if n > 0 {
			a.log.Info("a new day", "people", n)
		}
		if err := a.auth.save(); err != nil {
			a.log.Error("token use not stored", "error", err)
		}
		if err := a.trimHistory(); err != nil {
			a.log.Error("old history not erased", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// trimHistory erases, once a day, the values that are older than the configuration
// keeps them. Only the calendar calls it.
func (a *App) trimHistory() error {
	today, keep := a.engine.Today(), int(a.cfg.Appliance.KeepHistory)
	if keep == 0 || today == a.trimmed {
		return nil
	}
	n, err := a.engine.TrimHistory("rollcall", a.now().AddDate(0, 0, -keep))
	if err != nil {
		return err
	}
	a.trimmed = today
	if n > 0 {
		a.log.Info("old history erased", "changes", n, "kept_days", keep)
	}
	return nil
}

const calendarEvery = 5 * time.Minute

// listeners are the open sockets, before anything is served on them.
type listeners struct {
	scim, metrics, admin, view net.Listener
	plain                      net.Addr // of scim, before TLS
}

// listen opens all sockets first, so that a port in use is told before anything
// has begun.
func (a *App) listen() (*listeners, error) {
	l := &listeners{}
	ok := false
	defer func() {
		if !ok {
			l.close()
		}
	}()
	var err error
	if a.cfg.Listens() {
		if l.scim, err = listenTCP(a.cfg.SCIM.Listen.String(), "[scim] listen"); err != nil {
			return nil, err
		}
		l.plain = l.scim.Addr()
		l.scim = netutil.LimitListener(l.scim, connectionsKept)
		if a.cert != nil {
			l.scim = tls.NewListener(l.scim, a.cert.config())
		}
	}
	if !a.cfg.Metrics.Listen.IsZero() {
		if l.metrics, err = listenTCP(a.cfg.Metrics.Listen.String(), "[metrics] listen"); err != nil {
			return nil, err
		}
	}
	if l.admin, err = admin.Listen(string(a.cfg.Appliance.AdminSocket), 0o660); err != nil {
		return nil, err
	}
	if l.view, err = admin.Listen(string(a.cfg.Appliance.ViewSocket), 0o660); err != nil {
		return nil, err
	}
	ok = true
	return l, nil
}

func listenTCP(address, key string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s = %q: another program listens there already; stop it or name another port", key, address)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%s = %q: ports below 1024 need the capability CAP_NET_BIND_SERVICE; name a higher port", key, address)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("%s = %q: this machine has no such address", key, address)
	case err != nil:
		return nil, fmt.Errorf("%s = %q: %w", key, address, err)
	}
	return l, nil
}

func (l *listeners) close() {
	for _, c := range []io.Closer{l.scim, l.metrics, l.admin, l.view} {
		if ln, ok := c.(net.Listener); ok && ln != nil {
			_ = ln.Close()
		}
	}
}

func (l *listeners) scimURL(cfg *config.Config) string {
	switch {
	case l.scim == nil:
		return ""
	case !cfg.SCIM.PublicURL.IsZero() && cfg.SCIM.Listen.Port != 0:
		return cfg.SCIM.PublicURL.String()
	case cfg.SCIM.TLSCert != "":
		return "https://" + l.plain.String()
	}
	return "http://" + l.plain.String()
}

func (l *listeners) addresses(cfg *config.Config) Addresses {
	out := Addresses{SCIM: l.scimURL(cfg), Admin: string(cfg.Appliance.AdminSocket), View: string(cfg.Appliance.ViewSocket)}
	if l.metrics != nil {
		out.Metrics = "http://" + l.metrics.Addr().String()
	}
	return out
}

func (a *App) scimBase() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.url
}

// scimURL is the URL to paste at an identity provider.
func (a *App) scimURL() string {
	if base := a.scimBase(); base != "" {
		return base + scimsrv.BasePath
	}
	return ""
}
