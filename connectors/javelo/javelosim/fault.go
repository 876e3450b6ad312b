package javelosim

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"
)

// FaultKind is one way in which the service fails.
type FaultKind uint8

const (
	Unavailable     FaultKind = iota + 1 // Status (0: 503) with a gateway's HTML page
	HTML                                 // 200 with an HTML page, as a login page or a proxy gives
	Slow                                 // answers after Delay, unless the client goes away first
	Reset                                // drops the connection before anything is applied
	ResetAfterWrite                      // applies the request, then drops the connection without an answer
	Truncate                             // ends the body in the middle of the JSON
	Throttle                             // 429 whatever the limit says, with RetryAfter as its header
)

// Fault is a failure on a dial: it strikes the next requests that match it.
type Fault struct {
	Kind   FaultKind
	Method string // only this method; empty: any
	Path   string // only paths that contain this; empty: any
	Times  int    // strikes this often, 0: once, negative: until Heal
	Skip   int    // lets this many matching requests pass first

	Status     int           // of Unavailable
	Delay      time.Duration // of Slow
	RetryAfter string        // of Throttle, empty: no header
}

// Fault arms a fault. Several may be armed; a request is struck by the first
// that matches it.
func (s *Sim) Fault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.Times = cmp.Or(f.Times, 1)
	s.faults = append(s.faults, &f)
}

// Heal disarms all faults.
func (s *Sim) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// takeFault returns the fault that strikes this request, or nil.
func (s *Sim) takeFault(r *http.Request) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if f.Method != "" && f.Method != r.Method || !strings.Contains(r.URL.Path, f.Path) {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		f.Times--
		if f.Times == 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		struck := *f
		return &struck
	}
	return nil
}

const (
	unavailablePage = "<html><body><h1>Service Unavailable</h1></body></html>\n"
	loginPage       = "<!doctype html><html><body><h1>Sign in</h1></body></html>\n"
)

// status is what the request log shows for a request answered by the fault alone.
func (f *Fault) status() int {
	switch f.Kind {
	case Unavailable:
		return cmp.Or(f.Status, http.StatusServiceUnavailable)
	case HTML:
		return http.StatusOK
	case Throttle:
		return http.StatusTooManyRequests
	}
	return 0
}

// before acts ahead of the request and reports whether the service still answers it.
func (f *Fault) before(w http.ResponseWriter, r *http.Request) bool {
	switch f.Kind {
	case Unavailable:
		page(w, f.status(), unavailablePage)
	case HTML:
		page(w, f.status(), loginPage)
	case Throttle:
		a := refuse(f.status(), "", "Rate limit exceeded")
		if f.RetryAfter != "" {
			a.header = http.Header{"Retry-After": {f.RetryAfter}}
		}
		a.write(w, nil)
	case Reset:
		panic(http.ErrAbortHandler)
	case Slow:
		t := time.NewTimer(f.Delay)
		defer t.Stop()
		select {
		case <-t.C:
			return true
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	default:
		return true
	}
	return false
}

func page(w http.ResponseWriter, status int, html string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write([]byte(html))
}
