package scimtargetsim

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

// FaultKind is one way in which the service fails.
type FaultKind uint8

const (
	Unavailable     FaultKind = iota + 1 // Status (0: 503) with a gateway's HTML page
	Page                                 // 200 with an HTML page
	Reset                                // drops the connection before anything is applied
	ResetAfterWrite                      // applies the request, then drops the connection without an answer
	Truncate                             // ends the body in the middle of the JSON
	Throttle                             // 429, with RetryAfter as its header
	// Partial drops the connection after the first half of a bulk request was done.
	Partial
	// EditBefore lets an administrator change the user that the request is about,
	// just before it arrives: what ETags are for.
	EditBefore
)

// Fault is a failure on a dial: it strikes the next requests that match it.
type Fault struct {
	Kind   FaultKind
	Method string // only this method; empty: any
	Path   string // only below this path, such as "/Bulk"; empty: any
	Times  int    // strikes this often, 0: once; negative: until healed
	Skip   int    // lets this many matching requests pass first

	Status     int    // of Unavailable
	RetryAfter string // of Throttle, empty: no header
	// Attribute and Value are what EditBefore writes.
	Attribute string
	Value     any
}

// Fault arms a fault. A request is struck by the first armed one that matches.
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

func (s *Sim) takeFault(r *http.Request) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if f.Method != "" && f.Method != r.Method || !strings.HasPrefix(r.URL.Path, Prefix+f.Path) {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		if f.Times < 0 {
			return *f
		}
		if f.Times--; f.Times == 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		return *f
	}
	return Fault{}
}

// answerFor gives the answer of a fault that keeps the request from the service.
func (f Fault) answerFor() (answer, bool) {
	switch f.Kind {
	case Unavailable:
		return answer{status: cmp.Or(f.Status, http.StatusServiceUnavailable), page: "<html><body>Service Unavailable</body></html>\n"}, true
	case Page:
		return answer{status: http.StatusOK, page: "<!doctype html><html><body>Sign in</body></html>\n"}, true
	case Throttle:
		a := refuse(http.StatusTooManyRequests, "", "Rate limit exceeded")
		if f.RetryAfter != "" {
			a.header = http.Header{"Retry-After": {f.RetryAfter}}
		}
		return a, true
	case Reset:
		panic(http.ErrAbortHandler)
	}
	return answer{}, false
}
