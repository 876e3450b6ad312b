// Package bench measures the appliance end to end: the real program in a process
// of its own, between a simulated HiBob, a Javelo without a rate limit and a SCIM
// sender, all on loopback, at sizes of the caller's choice.
//
// Every figure that depends on the machine stands beside a floor measured in the
// same run on the same machine: decoding the same JSON as a stream and dropping
// it, an empty handler, a lone write of the same disk. Nothing is faster here than
// in production: the disk is synced, the answers go over TCP, the configuration is
// an ordinary one but for the target's rate and for backups, of which there are none.
// It measures no target's speed, and its figures say nothing of HiBob's or Javelo's.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"rollcall/appliance/model"
	"rollcall/connectors/javelo/javelosim"
)

// Options say what is measured.
type Options struct {
	People []int  // sizes, each a run of its own
	Seed   uint64 // of the company; 0: 1
	// Dir is where the databases grow; empty: a temporary directory. It is on the
	// disk that is measured.
	Dir string
	// Binary is the program to measure; empty: this one.
	Binary string
	// Deliver relays everybody to the target first, which takes about a
	// millisecond each.
	Deliver bool
	// SCIM loads as many users through the SCIM service and measures it.
	SCIM bool
	// NoHR leaves HiBob out: everybody comes from the SCIM sender. It implies SCIM.
	NoHR bool
	Out  io.Writer // what is going on
}

// Result is what one run found. Durations are in seconds, memory in bytes, rates
// per second; what was not measured is zero.
type Result struct {
	Machine   string `json:"machine"`
	People    int    `json:"people"`
	BodyBytes int64  `json:"body_bytes"` // of HiBob's answer

	MemoryStarted   int64   `json:"memory_started"`
	FirstRead       float64 `json:"first_read_s"`
	FirstReadCPU    float64 `json:"first_read_cpu_s"`
	Plan            float64 `json:"plan_s"`
	Readiness       float64 `json:"readiness_s"`
	Activate        float64 `json:"activate_s"`
	ActivateCPU     float64 `json:"activate_cpu_s"`
	PlanCPU         float64 `json:"plan_readiness_cpu_s"`
	MemoryFirstRead int64   `json:"memory_first_read_peak"`
	MemoryPlan      int64   `json:"memory_plan_readiness_peak"`
	MemoryActivate  int64   `json:"memory_activate_peak"`
	Deliver         float64 `json:"deliver_s"`
	Writes          int     `json:"writes_to_target"`
	TwiceWritten    int     `json:"written_twice"`
	DatabaseBytes   int64   `json:"database_bytes"`

	Floor           float64 `json:"stream_decode_s"`
	NoChange        float64 `json:"no_change_s"`
	NoChangeRatio   float64 `json:"no_change_ratio"`
	NoChangeCPU     float64 `json:"no_change_cpu_s"`
	NoChangeWritten int64   `json:"no_change_disk_bytes"`
	NoChangeWrites  int     `json:"no_change_writes_to_target"`
	MemoryRun       int64   `json:"memory_run_peak"`

	Changed       int     `json:"changed_people"`
	ChangeRun     float64 `json:"change_run_s"`
	ChangedWrites int     `json:"change_writes_to_target"`

	MemoryService int64   `json:"memory_service"`
	Shutdown      float64 `json:"shutdown_s"`
	Start         float64 `json:"start_s"`
	MemoryRestart int64   `json:"memory_restarted"`

	Creates     float64 `json:"scim_creates_per_s"`
	SCIMWrite   float64 `json:"scim_write_s"`
	SCIMRead    float64 `json:"scim_filtered_read_s"`
	OktaJavelo  float64 `json:"okta_to_javelo_s"`
	MemoryAfter int64   `json:"memory_with_scim"`

	// Over TLS, beside those above.
	TLSCreates float64 `json:"tls_scim_creates_per_s"`
	TLSWrite   float64 `json:"tls_scim_write_s"`
	TLSRead    float64 `json:"tls_scim_filtered_read_s"`
}

// world is what one run happens in.
type world struct {
	o       Options
	dir     string
	hibob   *archive
	at      string // HiBob's address
	target  *target
	d       *daemon
	sender  *sender
	servers []*http.Server
	r       Result
}

// Run measures every size, one after the other, and returns what it found.
func Run(ctx context.Context, o Options) ([]Result, error) {
	if o.Seed == 0 {
		o.Seed = 1
	}
	if o.Out == nil {
		o.Out = io.Discard
	}
	if o.Binary == "" {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		o.Binary = self
	}
	var all []Result
	for _, n := range o.People {
		r, err := run(ctx, o, n)
		if err != nil {
			return all, fmt.Errorf("%d people: %w", n, err)
		}
		all = append(all, r)
	}
	return all, nil
}

func run(ctx context.Context, o Options, people int) (r Result, err error) {
	w := &world{o: o, target: newTarget()}
	defer func() { err = errors.Join(err, w.close()) }()
	if err := w.open(people); err != nil {
		return w.r, err
	}
	phases := []func(context.Context) error{w.starting, w.firstRun, w.noChange, w.change, w.restart, w.senders, w.encrypted}
	if o.NoHR {
		phases = []func(context.Context) error{w.starting, w.senders, w.restart, w.encrypted}
	}
	for _, phase := range phases {
		if err := phase(ctx); err != nil {
			return w.r, err
		}
	}
	return w.r, nil
}

func (w *world) makeDir() error {
	parent := w.o.Dir
	if parent == "" && len(os.TempDir()) > 60 {
		parent = "/tmp" // paths of unix sockets must be short
	}
	dir, err := os.MkdirTemp(parent, "rollcall-bench-")
	if err != nil {
		return err
	}
	w.dir = dir
	return nil
}

func (w *world) say(format string, args ...any) { fmt.Fprintf(w.o.Out, format+"\n", args...) }

// open makes the world around the appliance.
func (w *world) open(people int) error {
	if err := w.makeDir(); err != nil {
		return err
	}
	w.r.Machine, w.r.People = machine(), people
	if w.o.NoHR {
		w.o.SCIM = true
		return w.configure()
	}
	var err error
	w.say("%d people: rendering the simulated HiBob's answer", people)
	if w.hibob, err = newArchive(w.dir, people, w.o.Seed); err != nil {
		return err
	}
	w.r.BodyBytes = w.hibob.bytes()
	if w.at, err = w.serve(w.hibob); err != nil {
		return err
	}
	return w.configure()
}

// configure writes the configuration of an appliance between the services, and
// serves the target.
func (w *world) configure() error {
	if w.dir == "" {
		if err := w.makeDir(); err != nil {
			return err
		}
	}
	javelo, err := w.serve(w.target)
	if err != nil {
		return err
	}
	hibob, authority := "", `"okta"`
	if w.at != "" {
		hibob = fmt.Sprintf("[sources.hibob]\nkind = \"hibob\"\nbase_url = %q\nservice_user_id = %q\nservice_user_token = %q\ninterval = \"24h\"\n",
			w.at+"/v1", serviceUser, serviceToken)
		authority = `"hibob", "okta"`
	}
	// A backup, a minute after the start, would be in the middle of what is measured then.
	config := fmt.Sprintf(`
[appliance]
data_dir     = %q
admin_socket = %q
view_socket  = %q
[log]
format = "json"
[scim]
listen = "127.0.0.1:0"
[metrics]
listen = "127.0.0.1:0"
[backup]
every = "0s"
%s[sources.okta]
kind = "okta"
[targets.javelo]
kind     = "javelo"
base_url = "%s/scim/v2"
token    = %q
rate     = "1000000/1s"
[policy]
authority = [%s]
`, filepath.Join(w.dir, "data"), w.socket(), filepath.Join(w.dir, "v.sock"), hibob, javelo, javelosim.DefaultToken, authority)
	return os.WriteFile(w.config(), []byte(config), 0o600)
}

func (w *world) config() string { return filepath.Join(w.dir, "config.toml") }
func (w *world) socket() string { return filepath.Join(w.dir, "a.sock") }

func (w *world) serve(h http.Handler) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	srv := &http.Server{Handler: h}
	w.servers = append(w.servers, srv)
	go func() { _ = srv.Serve(l) }()
	return "http://" + l.Addr().String(), nil
}

func (w *world) close() error {
	var errs []error
	if w.d != nil {
		_, err := w.d.end()
		errs = append(errs, err)
	}
	for _, s := range w.servers {
		errs = append(errs, s.Close())
	}
	if w.hibob != nil {
		errs = append(errs, w.hibob.close())
	}
	if w.dir != "" {
		errs = append(errs, os.RemoveAll(w.dir))
	}
	return errors.Join(errs...)
}

// machine describes where the figures come from, without naming it.
func machine() string {
	cores := runtime.NumCPU()
	text := fmt.Sprintf("%d cores, %s/%s", cores, runtime.GOOS, runtime.GOARCH)
	if raw, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kb int64
		if _, err := fmt.Sscanf(string(raw), "MemTotal: %d kB", &kb); err == nil {
			text += fmt.Sprintf(", %d GiB", (kb+1<<19)>>20)
		}
	}
	if raw, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(raw)) {
			if name, ok := strings.CutPrefix(line, "model name"); ok {
				text += "," + strings.TrimRight(strings.TrimPrefix(strings.TrimSpace(name), ":"), "\n")
				break
			}
		}
	}
	return text + ", " + runtime.Version()
}

// target is a Javelo that counts.
type target struct {
	sim *javelosim.Sim

	mu      sync.Mutex // guards what follows
	writes  map[string]int
	total   int
	waiting string // whose POST is waited for
	arrived chan time.Time
}

func newTarget() *target {
	return &target{sim: javelosim.New(javelosim.Options{Limit: -1, Window: time.Second}), writes: map[string]int{}, arrived: make(chan time.Time, 1)}
}

// ServeHTTP passes requests on to the simulator and counts the writes per account.
func (t *target) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost || r.Method == http.MethodPatch || r.Method == http.MethodPut {
		at := time.Now()
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		r.Body = io.NopCloser(strings.NewReader(string(raw)))
		key := r.URL.Path
		if r.Method == http.MethodPost {
			key = "" // the account has no address yet
		}
		t.mu.Lock()
		t.total++
		if key != "" {
			t.writes[key]++
		}
		if t.waiting != "" && strings.Contains(string(raw), t.waiting) {
			t.waiting = ""
			t.arrived <- at
		}
		t.mu.Unlock()
	}
	t.sim.ServeHTTP(w, r)
}

// take returns the writes since it was last called, and how many of them were
// second ones to an account: updates of one that was just created, or updated
// twice.
func (t *target) take(created bool) (writes, twice int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	writes, t.total = t.total, 0
	for _, n := range t.writes {
		if created {
			twice += n
		} else {
			twice += n - 1
		}
	}
	clear(t.writes)
	return writes, twice
}

// wait makes the next write that contains the text tell when it came.
func (t *target) wait(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting = text
}

func effects(c model.RunCounts) int { return c.Create + c.Update + c.Deactivate + c.Reactivate }
