package connectortest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
)

// recorder holds the service's own answer.
type recorder = httptest.ResponseRecorder

// gate stands before a simulator and misbehaves on demand.
type gate struct {
	next     http.Handler
	listing  func(*http.Request) bool
	released chan struct{} // closed when the test ends: hanging answers give up

	mu       sync.Mutex // guards what follows
	requests int        // listing requests seen
	trouble  func(n int) trouble
	first    map[int]*recorder // answers kept for replay, by request number
}

// fault answers a request in the service's place, given the service's own answer.
type fault func(w http.ResponseWriter, r *http.Request, own *recorder)

// set makes trouble for listing requests from now on, which are numbered from 1 again.
func (g *gate) set(tr func(n int) trouble) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.requests, g.trouble, g.first = 0, tr, map[int]*recorder{}
}

// seen returns how many listing requests arrived since set.
func (g *gate) seen() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.requests
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// The server notices a client that went away only once the body is read.
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(raw))
	if g.listing != nil && !g.listing(r) {
		g.next.ServeHTTP(w, r)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(raw))
	g.mu.Lock()
	g.requests++
	var f trouble
	if g.trouble != nil {
		f = g.trouble(g.requests)
	}
	g.mu.Unlock()
	if f == nil {
		g.next.ServeHTTP(w, r)
		return
	}
	f(w, r, func() *recorder {
		own := httptest.NewRecorder()
		g.next.ServeHTTP(own, r)
		return own
	})
}

// replay answers listing request k as the service does, and all later ones with
// a copy of that answer.
func (g *gate) replay(k int) func(n int) trouble {
	return func(n int) trouble {
		if n < k {
			return nil
		}
		return func(w http.ResponseWriter, _ *http.Request, serve func() *recorder) {
			g.mu.Lock()
			if g.first[k] == nil {
				g.first[k] = serve()
			}
			own := g.first[k]
			g.mu.Unlock()
			copyHeader(w, own)
			w.WriteHeader(own.Code)
			w.Write(own.Body.Bytes())
		}
	}
}

// only makes trouble for listing request k.
func only(k int, tr trouble) func(n int) trouble {
	return func(n int) trouble {
		if n == k {
			return tr
		}
		return nil
	}
}

// always makes trouble for every listing request.
func always(tr trouble) func(n int) trouble { return func(int) trouble { return tr } }

// answering is a fault that answers with a fixed status, headers and body.
func answering(status int, contentType, body string, header ...string) fault {
	return func(w http.ResponseWriter, _ *http.Request, _ *recorder) {
		w.Header().Set("Content-Type", contentType)
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

const (
	typeJSON = "application/json; charset=utf-8"
	typeHTML = "text/html; charset=utf-8"
	webPage  = "<!doctype html><html><head><title>Sign in</title></head><body></body></html>"
)

// cutBody answers with the first part of the service's own body, as if that were
// all: valid HTTP, broken JSON. The last byte alone is missing when
// lastByteOnly is set.
func cutBody(lastByteOnly bool) fault {
	return func(w http.ResponseWriter, _ *http.Request, own *recorder) {
		raw := bytes.TrimSpace(own.Body.Bytes())
		n := len(raw) / 2
		if lastByteOnly {
			n = len(raw) - 1
		}
		copyHeader(w, own)
		w.Header().Set("Content-Length", strconv.Itoa(n))
		w.WriteHeader(own.Code)
		w.Write(raw[:n])
	}
}

// cutConnection announces the whole body and closes the connection in the middle.
func cutConnection(w http.ResponseWriter, _ *http.Request, own *recorder) {
	raw := own.Body.Bytes()
	copyHeader(w, own)
	w.Header().Set("Content-Length", strconv.Itoa(len(raw)))
	w.WriteHeader(own.Code)
	w.Write(raw[:len(raw)/2])
	// Without the flush the client sees no answer at all, and a GET is then sent
	// once more by net/http itself.
	http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// flood begins like the service's own body and never ends: in the middle of the
// last string when inString is set, else in white space after the first bracket.
// It counts what it could send, and gives up after limit bytes.
func flood(inString bool, limit int64, sent *int64, mu *sync.Mutex) fault {
	return func(w http.ResponseWriter, _ *http.Request, own *recorder) {
		raw := own.Body.Bytes()
		filler, cut := []byte(" "), bytes.IndexAny(raw, "{[")+1
		if inString {
			filler = []byte("x")
			if at := bytes.LastIndex(raw, []byte(`":"`)); at >= 0 {
				cut = at + 3
			} else if at := bytes.LastIndex(raw, []byte(`": "`)); at >= 0 {
				cut = at + 4
			}
		}
		copyHeader(w, own)
		w.Header().Del("Content-Length")
		w.WriteHeader(own.Code)
		w.Write(raw[:cut])
		chunk := bytes.Repeat(filler, 1<<16)
		for total := int64(0); total < limit; total += int64(len(chunk)) {
			if _, err := w.Write(chunk); err != nil {
				return
			}
			mu.Lock()
			*sent += int64(len(chunk))
			mu.Unlock()
		}
	}
}

// hang answers nothing until the client goes away.
func (g *gate) hang(arrived chan<- struct{}) fault {
	return func(_ http.ResponseWriter, r *http.Request, _ *recorder) {
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

// hangInBody answers half a body, then nothing until the client goes away.
func (g *gate) hangInBody(arrived chan<- struct{}) fault {
	return func(w http.ResponseWriter, r *http.Request, own *recorder) {
		copyHeader(w, own)
		w.Header().Del("Content-Length")
		w.WriteHeader(own.Code)
		w.Write(own.Body.Bytes()[:own.Body.Len()/2])
		http.NewResponseController(w).Flush()
		g.hang(arrived)(w, r, own)
	}
}

func copyHeader(w http.ResponseWriter, own *recorder) {
	for k, v := range own.Header() {
		w.Header()[k] = v
	}
}

// violation formats what a check found.
func violation(format string, args ...any) error { return fmt.Errorf(format, args...) }
