package javelosim

import (
	"math"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// keptRequests bounds the request log of a Sim that runs for long; the counters
// go on.
const keptRequests = 20_000

// Request is one entry of the request log. The Authorization header is not kept.
type Request struct {
	At     time.Time
	Method string
	Path   string
	Query  url.Values
	Body   []byte // as sent
	Status int    // as answered, 0 while under way or when the connection was dropped before an answer
}

// record is what arrived. Sim.mu guards it.
type record struct {
	requests []*Request
	arrived  []time.Time    // within the window, refused ones too
	served   []time.Time    // within the window, those the limit let pass
	busiest  int            // most arrivals seen in any one window
	total    int            // arrivals ever
	created  map[string]int // folded userName → accounts made over SCIM
	writes   int            // POST, PUT and PATCH answered 2xx
}

func newRecord() record { return record{created: map[string]int{}} }

// ticket is a request on its way through ServeHTTP.
type ticket struct {
	request    *Request
	allowed    bool
	retryAfter int // seconds until the limit lets one more pass
}

// arrive notes a request and asks the limit. A refused request does not count
// against the limit: the window holds what was served.
func (s *Sim) arrive(r *http.Request, body []byte) ticket {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opts.Now()
	rec := &s.record
	t := ticket{request: &Request{At: now, Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(), Body: body}}

	rec.total++
	rec.requests = append(rec.requests, t.request)
	if len(rec.requests) > keptRequests {
		rec.requests = slices.Delete(rec.requests, 0, keptRequests/4)
	}
	rec.arrived = append(expire(rec.arrived, now, s.opts.Window), now)
	rec.busiest = max(rec.busiest, len(rec.arrived))

	rec.served = expire(rec.served, now, s.opts.Window)
	t.allowed = s.opts.Limit < 0 || len(rec.served) < s.opts.Limit
	if t.allowed {
		rec.served = append(rec.served, now)
		return t
	}
	free := rec.served[len(rec.served)-s.opts.Limit].Add(s.opts.Window)
	t.retryAfter = max(1, int(math.Ceil(free.Sub(now).Seconds())))
	return t
}

// expire drops the times that left the window (now-window, now].
func expire(times []time.Time, now time.Time, window time.Duration) []time.Time {
	from := now.Add(-window)
	kept := 0
	for kept < len(times) && !times[kept].After(from) {
		kept++
	}
	return slices.Delete(times, 0, kept)
}

// finish notes how a request was answered.
func (s *Sim) finish(t ticket, status int, created string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.request.Status = status
	if t.request.Method != http.MethodGet && status >= 200 && status < 300 {
		s.record.writes++
	}
	if created != "" {
		s.record.created[fold(created)]++
	}
}

// Requests returns copies of the requests that arrived, oldest first; of a very
// long log the latest only.
func (s *Sim) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Request, len(s.record.requests))
	for i, r := range s.record.requests {
		out[i] = *r
	}
	return out
}

// Total is how many requests ever arrived.
func (s *Sim) Total() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.record.total
}

// Writes is how many requests changed an account or group, or would have with
// other values: those but GET that were applied, answered or not.
func (s *Sim) Writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.record.writes
}

// Creates is how many accounts were made over SCIM for this user name, without
// regard to letter case. More than one means that somebody was made twice.
func (s *Sim) Creates(userName string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.record.created[fold(userName)]
}

// Busiest is the largest number of requests that arrived in any one window of
// Options.Window, refused ones included. A sender that keeps the budget never
// takes it above Options.Limit.
func (s *Sim) Busiest() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.record.busiest
}
