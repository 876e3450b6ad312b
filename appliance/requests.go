package appliance

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"rollcall/appliance/admin"
	"rollcall/appliance/observe"
	"rollcall/appliance/store"
	"rollcall/scimsrv"
)

const (
	// requestsKept bounds the requests journal.
	requestsKept = 5000
	// requestsQueue is how many exchanges may wait to be written; more are
	// counted, not kept: a flood must not slow the answers down.
	requestsQueue = 1024
	// flushEvery is how often waiting exchanges are written, all in one go.
	flushEvery = 500 * time.Millisecond
	// strangersKept is how many requests without a valid token are kept at once,
	// and one more each second: whoever knocks must not push out of the journal
	// what the senders did.
	strangersKept = 20
)

// recorder keeps what SCIM senders asked and got. It implements
// scimsrv.Recorder and never makes a sender wait.
type recorder struct {
	store     *store.Store
	metrics   *observe.Metrics
	queue     chan admin.Request
	strangers *rate.Limiter
	heard     map[string]time.Time // owned by run
}

func newRecorder(s *store.Store, m *observe.Metrics) *recorder {
	return &recorder{store: s, metrics: m, queue: make(chan admin.Request, requestsQueue),
		strangers: rate.NewLimiter(rate.Every(time.Second), strangersKept), heard: map[string]time.Time{}}
}

// Record implements scimsrv.Recorder.
func (r *recorder) Record(x scimsrv.Exchange) {
	r.metrics.SCIMRequest(routeOf(x.Path), x.Status, x.Took)
	if x.Caller.Source == "" && !r.strangers.Allow() {
		return
	}
	select {
	case r.queue <- admin.Request{At: x.At.UTC(), Source: x.Caller.Source, Token: x.Caller.TokenID, Method: x.Method, Path: x.Path, Status: x.Status,
		Detail: x.Detail, Quirks: x.Quirks, TookMS: float64(x.Took.Microseconds()) / 1000, Dialect: x.Caller.Dialect}:
	default:
	}
}

// Full implements scimsrv.Recorder.
func (r *recorder) Full() bool { return len(r.queue) == cap(r.queue) }

// scimRoutes are the routes that may become labels of a metric.
var scimRoutes = []string{"Users", "Groups", "Schemas", "ResourceTypes", "ServiceProviderConfig", "Bulk", ".search", "Me"}

// routeOf returns the endpoint of a path below the SCIM base, without ids.
func routeOf(path string) string {
	path = strings.TrimPrefix(strings.TrimPrefix(path, scimsrv.BasePath), "/")
	endpoint, _, _ := strings.Cut(path, "/")
	endpoint, _, _ = strings.Cut(endpoint, "?")
	return endpoint
}

// run writes exchanges in batches until ctx ends, the last ones included.
func (r *recorder) run(ctx context.Context, sources func(string, time.Time) error) error {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return r.flush(sources)
		case <-tick.C:
			if err := r.flush(sources); err != nil {
				return err
			}
		}
	}
}

func (r *recorder) flush(heard func(string, time.Time) error) error {
	var batch []admin.Request
	for more := true; more; {
		select {
		case x := <-r.queue:
			batch = append(batch, x)
		default:
			more = false
		}
	}
	if len(batch) == 0 {
		return nil
	}
	err := r.store.Update(func(tx *store.Tx) error {
		for _, x := range batch {
			if err := tx.AddRequest(x, requestsKept); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil // a full disk stops the record of requests, not the requests
	}
	for _, x := range batch {
		if x.Source == "" || x.At.Sub(r.heard[x.Source]) < time.Minute {
			continue
		}
		r.heard[x.Source] = x.At
		if err := heard(x.Source, x.At); err != nil {
			return err
		}
	}
	return nil
}

// Requests implements admin.Service.
func (a *App) Requests(_ context.Context, source string, failedOnly bool, limit int) ([]admin.Request, error) {
	if limit <= 0 {
		limit = 100
	}
	out := []admin.Request{}
	err := a.store.View(func(tx *store.Tx) error {
		var bad error
		tx.Requests(func(_ uint64, raw []byte) bool {
			var x admin.Request
			if bad = json.Unmarshal(raw, &x); bad != nil {
				return false
			}
			if (source == "" || x.Source == source) && (!failedOnly || x.Status >= 400) {
				out = append(out, x)
			}
			return len(out) < limit
		})
		return bad
	})
	if err == nil && source != "" && len(out) == 0 {
		// A sender that was removed may still be asked about; a name that never was one is a slip.
		_, err = a.configured(source)
	}
	return out, err
}
