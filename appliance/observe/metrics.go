package observe

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"rollcall/appliance/model"
)

// State is what the metrics say of the appliance at one moment.
type State struct {
	// OldestJob is the age of the oldest pending delivery, by target; zero when
	// nothing is pending.
	OldestJob map[string]time.Duration
	// Jobs counts pending deliveries by target and state.
	Jobs map[string]map[model.JobState]int
	// LastGoodRead is how long ago a source was last read whole or, for a source
	// that pushes, last wrote; a source without one yet is missing.
	LastGoodRead map[string]time.Duration
	// SourceFailures counts reads that failed in a row, by source; 0 when the last
	// one was good.
	SourceFailures map[string]int
	// Lanes is the state of the way to each target.
	Lanes map[string]model.LaneState
	// Accounts counts active accounts by target, People those in the roster by status.
	Accounts      map[string]int
	People        map[model.Status]int
	OpenConflicts map[model.ConflictKind]int
	HeldRuns      int
	// Certificates tells when each certificate in use ends, by the configuration
	// key that names it.
	Certificates map[string]time.Time
	// NotifyFailures counts messages in a row that a channel did not take, by
	// channel.
	NotifyFailures map[string]int
	// DatabaseBytes is the size of the database file.
	DatabaseBytes int64
	// DatabaseFree is how much of it is in pages that are used again before the file
	// grows.
	DatabaseFree int64
}

// Metrics are the few numbers that answer an operator's questions. Labels are
// names from the configuration and words of the model; no label ever names a
// person. Safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
	routes   []string
	reloadOK prometheus.Gauge
	reloadAt prometheus.Gauge
}

// NewMetrics returns the metrics of one appliance. State is asked for at each
// scrape, so that an age keeps growing while everything hangs; when it fails,
// rollcall_state_readable is 0 and the others are missing. Routes are the SCIM
// routes that may become labels; any other is counted as "other".
func NewMetrics(version string, routes []string, state func() (State, error)) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		routes:   slices.Clone(routes),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rollcall_scim_requests_total", Help: "SCIM requests answered, by route and class of the status.",
		}, []string{"route", "class"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "rollcall_scim_request_duration_seconds", Help: "How long SCIM requests took to answer.",
			Buckets: []float64{0.001, 0.005, 0.02, 0.1, 0.5, 2, 10},
		}, []string{"route"}),
		reloadOK: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "rollcall_config_last_reload_successful", Help: "Whether the configuration was accepted the last time it was read.",
		}),
		reloadAt: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "rollcall_config_last_reload_success_timestamp_seconds", Help: "When a configuration was last accepted.",
		}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "rollcall_build_info", Help: "Always 1; the version is its label.", ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	m.registry.MustRegister(m.requests, m.took, m.reloadOK, m.reloadAt, build, stateCollector{state},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// SCIMRequest counts one answered request and how long it took.
func (m *Metrics) SCIMRequest(route string, status int, took time.Duration) {
	if !slices.Contains(m.routes, route) {
		route = "other"
	}
	class := "other"
	if status >= 100 && status < 600 {
		class = strconv.Itoa(status/100) + "xx"
	}
	m.requests.WithLabelValues(route, class).Inc()
	m.took.WithLabelValues(route).Observe(took.Seconds())
}

// Reloaded notes that the configuration was read again.
func (m *Metrics) Reloaded(at time.Time, ok bool) {
	if !ok {
		m.reloadOK.Set(0)
		return
	}
	m.reloadOK.Set(1)
	m.reloadAt.Set(float64(at.Unix()))
}

// Handler serves the metrics in the formats Prometheus understands.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

var (
	descReadable  = prometheus.NewDesc("rollcall_state_readable", "Whether the state could be read for this scrape.", nil, nil)
	descOldest    = prometheus.NewDesc("rollcall_outbox_oldest_job_age_seconds", "Age of the oldest pending delivery.", []string{"target"}, nil)
	descJobs      = prometheus.NewDesc("rollcall_outbox_jobs", "Pending deliveries.", []string{"target", "state"}, nil)
	descLastRead  = prometheus.NewDesc("rollcall_source_last_good_read_age_seconds", "Time since the source was last read whole, or last wrote.", []string{"source"}, nil)
	descConflicts = prometheus.NewDesc("rollcall_conflicts_open", "Conflicts that wait for a human.", []string{"kind"}, nil)
	descFailures  = prometheus.NewDesc("rollcall_source_failures", "Reads of the source that failed in a row.", []string{"source"}, nil)
	descLane      = prometheus.NewDesc("rollcall_target_lane", "Always 1; the state of the way to the target is a label.", []string{"target", "state"}, nil)
	descAccounts  = prometheus.NewDesc("rollcall_accounts", "Active accounts in the target.", []string{"target"}, nil)
	descPeople    = prometheus.NewDesc("rollcall_people", "People in the roster.", []string{"status"}, nil)
	descCert      = prometheus.NewDesc("rollcall_certificate_expiry_timestamp_seconds", "When the certificate in use ends.", []string{"certificate"}, nil)
	descNotify    = prometheus.NewDesc("rollcall_notify_failures", "Messages in a row that the channel did not take.", []string{"channel"}, nil)
	descDatabase  = prometheus.NewDesc("rollcall_database_bytes", "Size of the database file.", nil, nil)
	descFree      = prometheus.NewDesc("rollcall_database_free_bytes", "Of the database file, what is in free pages; rollcall compact gives it back.", nil, nil)
	descHeld      = prometheus.NewDesc("rollcall_runs_held", "Runs that a guard stopped and that wait for approve or reject.", nil, nil)
)

var stateDescs = []*prometheus.Desc{descReadable, descOldest, descJobs, descLastRead, descFailures, descLane, descAccounts, descPeople,
	descConflicts, descHeld, descCert, descNotify, descDatabase, descFree}

// stateCollector turns a [State] into metrics at each scrape.
type stateCollector struct{ state func() (State, error) }

// Describe lists what Collect may send.
func (c stateCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range stateDescs {
		ch <- d
	}
}

// Collect reads the state and sends it.
func (c stateCollector) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	s, err := c.state()
	if err != nil {
		gauge(descReadable, 0)
		return
	}
	gauge(descReadable, 1)
	gauge(descHeld, float64(s.HeldRuns))
	for target, age := range s.OldestJob {
		gauge(descOldest, age.Seconds(), target)
	}
	for target, states := range s.Jobs {
		for state, n := range states {
			gauge(descJobs, float64(n), target, string(state))
		}
	}
	for source, age := range s.LastGoodRead {
		gauge(descLastRead, age.Seconds(), source)
	}
	for kind, n := range s.OpenConflicts {
		gauge(descConflicts, float64(n), string(kind))
	}
	for source, n := range s.SourceFailures {
		gauge(descFailures, float64(n), source)
	}
	for target, state := range s.Lanes {
		gauge(descLane, 1, target, string(state))
	}
	for target, n := range s.Accounts {
		gauge(descAccounts, float64(n), target)
	}
	for status, n := range s.People {
		gauge(descPeople, float64(n), string(status))
	}
	for name, ends := range s.Certificates {
		gauge(descCert, float64(ends.Unix()), name)
	}
	for channel, n := range s.NotifyFailures {
		gauge(descNotify, float64(n), channel)
	}
	gauge(descDatabase, float64(s.DatabaseBytes))
	gauge(descFree, float64(s.DatabaseFree))
}
