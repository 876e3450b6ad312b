package scimtargetsim

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// record counts what arrived. All of it is guarded by Sim.mu.
type record struct {
	total, writes, bulks int
	created              map[string]int // folded user name → how often it was made over SCIM
	doubled              int
	arrived, served      []time.Time // within the last window
	busiest              int
}

// admit notes that a request arrived, and refuses it over the limit. The caller
// holds s.mu.
func (s *Sim) admit(r *http.Request) (answer, bool) {
	now := time.Now()
	rec := &s.record
	rec.total++
	if r.Method == http.MethodPost && r.URL.Path == Prefix+"/Bulk" {
		rec.bulks++
	}
	rec.arrived = append(expire(rec.arrived, now, s.opts.Window), now)
	rec.busiest = max(rec.busiest, len(rec.arrived))
	rec.served = expire(rec.served, now, s.opts.Window)
	if s.opts.Limit > 0 && len(rec.served) >= s.opts.Limit {
		free := rec.served[len(rec.served)-s.opts.Limit].Add(s.opts.Window)
		a := refuse(http.StatusTooManyRequests, "", "Rate limit exceeded")
		a.header = http.Header{"Retry-After": {strconv.Itoa(max(1, int(math.Ceil(free.Sub(now).Seconds()))))}}
		return a, false
	}
	rec.served = append(rec.served, now)
	return answer{}, true
}

// expire drops the times that left the window (now-window, now].
func expire(times []time.Time, now time.Time, window time.Duration) []time.Time {
	from := now.Add(-window)
	for len(times) > 0 && !times[0].After(from) {
		times = times[1:]
	}
	return times
}

// noteCreate counts a POST of a user name: done, or refused because it exists. One
// that was made over SCIM before would be somebody made twice by a service that does
// not refuse.
func (s *Sim) noteCreate(name string, made bool) {
	if s.record.created[fold(name)] > 0 {
		s.record.doubled++
	}
	if made {
		s.record.created[fold(name)]++
		s.record.writes++
	}
}

// Total is how many requests ever arrived, a bulk request being one.
func (s *Sim) Total() int { return s.read(func(r *record) int { return r.total }) }

// Bulks is how many of them were bulk requests.
func (s *Sim) Bulks() int { return s.read(func(r *record) int { return r.bulks }) }

// Writes is how many changes of users were done, those in bulk requests one by one.
func (s *Sim) Writes() int { return s.read(func(r *record) int { return r.writes }) }

// Doubled is how many creates asked for somebody who had been made over SCIM before.
func (s *Sim) Doubled() int { return s.read(func(r *record) int { return r.doubled }) }

// Busiest is the largest number of requests that arrived in any one window of
// Options.Window, refused ones included.
func (s *Sim) Busiest() int { return s.read(func(r *record) int { return r.busiest }) }

// Creates is how often this user name was made over SCIM.
func (s *Sim) Creates(userName string) int {
	return s.read(func(r *record) int { return r.created[fold(userName)] })
}

func (s *Sim) read(what func(*record) int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return what(&s.record)
}

// Seed adds a user as an administrator would on the screen, and returns the id. It
// is not counted.
func (s *Sim) Seed(userName string, active bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := &user{s.mint(), 1, map[string]any{"userName": userName, "active": active,
		"emails": []any{map[string]any{"type": "work", "value": userName, "primary": true}}}}
	s.put(u)
	return u.id
}
