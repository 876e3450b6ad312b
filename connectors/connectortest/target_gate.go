package connectortest

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
)

// targetGate stands before a simulated target and misbehaves on demand. Other
// than the gate of sources it decides whether the service sees a request at all:
// a write that is refused must not have been applied, one whose answer is lost must.
type targetGate struct {
	next     http.Handler
	released chan struct{} // closed when the test ends: hanging answers give up

	mu       sync.Mutex // guards what follows
	requests []*http.Request
	trouble  trouble
	strip    []string // query parameters the service does not get to see
}

// trouble takes the place of an answer. serve applies the request to the service
// and returns the service's own answer.
type trouble func(w http.ResponseWriter, r *http.Request, serve func() *recorder)

// set puts a trouble on every request from now on, nil for none, and forgets the
// requests that were counted.
func (g *targetGate) set(tr trouble) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.requests, g.trouble = nil, tr
}

// seen returns how many requests arrived since set, and how many of them write.
func (g *targetGate) seen() (all, writes int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, r := range g.requests {
		if r.Method != http.MethodGet {
			writes++
		}
	}
	return len(g.requests), writes
}

func (g *targetGate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// The server notices a client that went away only once the body is read.
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(raw))
	g.mu.Lock()
	g.requests = append(g.requests, r)
	tr, strip := g.trouble, slices.Clone(g.strip)
	g.mu.Unlock()
	if query := r.URL.Query(); len(strip) > 0 {
		for _, name := range strip {
			query.Del(name)
		}
		r.URL.RawQuery = query.Encode()
	}
	if tr == nil {
		g.next.ServeHTTP(w, r)
		return
	}
	tr(w, r, func() *recorder {
		own := httptest.NewRecorder()
		g.next.ServeHTTP(own, r)
		return own
	})
}

// unseen answers in the service's place, which never sees the request.
func unseen(f fault) trouble {
	return func(w http.ResponseWriter, r *http.Request, _ func() *recorder) { f(w, r, nil) }
}

// applied lets the service do the request and then puts the fault on its answer.
func applied(f fault) trouble {
	return func(w http.ResponseWriter, r *http.Request, serve func() *recorder) { f(w, r, serve()) }
}

// dropAnswer closes the connection in place of an answer.
func dropAnswer(http.ResponseWriter, *http.Request, *recorder) { panic(http.ErrAbortHandler) }

// repeat answers every request with the answer to the first.
func repeat() trouble {
	var once sync.Once
	var first *recorder
	return func(w http.ResponseWriter, _ *http.Request, serve func() *recorder) {
		once.Do(func() { first = serve() })
		copyHeader(w, first)
		w.WriteHeader(first.Code)
		w.Write(first.Body.Bytes())
	}
}

// hang answers nothing until the client goes away.
func (g *targetGate) hang(arrived chan<- struct{}) trouble {
	return func(_ http.ResponseWriter, r *http.Request, _ func() *recorder) {
		select {
		case arrived <- struct{}{}:
		default:
		}
		select {
		case <-r.Context().Done():
		case <-g.released:
		}
	}
}
