package hibobsim

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"strconv"
)

// FaultKind is a way to misbehave.
type FaultKind uint8

const (
	// Status answers with Fault.Status and a JSON error body.
	Status FaultKind = iota
	// Page answers with Fault.Status (200 when 0) and a web page.
	Page
	// Empty answers a search as if nobody worked here.
	Empty
	// Half answers a search with half of the people, without a word.
	Half
	// Cut answers with the first half of the body as if that were all.
	Cut
	// Reset breaks the connection in the middle of the body.
	Reset
	// Hang answers nothing until the client gives up.
	Hang
)

// Fault is one way to answer wrongly.
type Fault struct {
	Kind   FaultKind
	Status int
	Header http.Header
	// Endpoint limits the fault to one endpoint, named as by Requests; empty:
	// any.
	Endpoint string
}

// FailNext makes the next n requests that the fault is for go wrong.
func (s *Sim) FailNext(n int, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range n {
		s.faults.queue = append(s.faults.queue, f)
	}
}

// SetFaults makes a share of all requests go wrong, 0 to 1, each in one of the
// given ways. It replaces what was set before; a rate of 0 ends it.
func (s *Sim) SetFaults(rate float64, kinds ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.rate, s.faults.kinds = rate, kinds
}

// faults are those waiting. The Sim's mutex guards it.
type faults struct {
	queue []Fault
	rate  float64
	kinds []Fault
}

// next takes the fault for a request, if there is one.
func (f *faults) next(endpoint string, rng *rand.Rand) (Fault, bool) {
	for i, q := range f.queue {
		if q.Endpoint == "" || q.Endpoint == endpoint {
			f.queue = append(f.queue[:i:i], f.queue[i+1:]...)
			return q, true
		}
	}
	if len(f.kinds) > 0 && rng.Float64() < f.rate {
		k := f.kinds[rng.IntN(len(f.kinds))]
		return k, k.Endpoint == "" || k.Endpoint == endpoint
	}
	return Fault{}, false
}

// early reports whether the fault comes before credentials are looked at, as
// from a gateway.
func (f Fault) early() bool { return f.Kind == Status || f.Kind == Page || f.Kind == Hang }

// answer gives the whole answer of an early fault.
func (f Fault) answer(w http.ResponseWriter, r *http.Request) {
	for k, v := range f.Header {
		w.Header()[http.CanonicalHeaderKey(k)] = v
	}
	switch status := f.Status; {
	case f.Kind == Hang:
		<-r.Context().Done()
	case f.Kind == Page && status == 0:
		writePage(w, http.StatusOK)
	case f.Kind == Page:
		writePage(w, status)
	case status == 0:
		writeJSON(w, http.StatusInternalServerError, map[string]string{"error": "internal error"})
	default:
		writeJSON(w, status, map[string]string{"error": http.StatusText(status)})
	}
}

// thin takes people out of a search.
func (f Fault) thin(found []int) []int {
	switch f.Kind {
	case Empty:
		return nil
	case Half:
		return found[:len(found)/2]
	}
	return found
}

// faultyWriter collects an answer, to break it in the middle.
type faultyWriter struct {
	http.ResponseWriter
	fault  Fault
	status int
	body   bytes.Buffer
}

func (w *faultyWriter) WriteHeader(status int) { w.status = status }

func (w *faultyWriter) Write(p []byte) (int, error) { return w.body.Write(p) }

// finish sends what the fault leaves of the answer. Reset panics with
// [http.ErrAbortHandler], which net/http's server takes as the wish to break the
// connection.
func (w *faultyWriter) finish() {
	raw := w.body.Bytes()
	sent := raw
	if w.fault.Kind == Cut || w.fault.Kind == Reset {
		sent = raw[:len(raw)/2]
	}
	announced := len(sent)
	if w.fault.Kind == Reset {
		announced = len(raw)
	}
	w.Header().Set("Content-Length", strconv.Itoa(announced))
	if w.status != 0 {
		w.ResponseWriter.WriteHeader(w.status)
	}
	w.ResponseWriter.Write(sent)
	if w.fault.Kind == Reset {
		http.NewResponseController(w.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
}
