package scimsrv

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"rollcall/scimsrv/attr"
)

// mediaType is sent with every body: Microsoft's validator stops at anything else.
const mediaType = "application/scim+json; charset=utf-8"

// Header values that every answer shares; net/http only reads them.
var (
	noStore  = []string{"no-store"} // personal data (RFC 7644 §7.6)
	noSniff  = []string{"nosniff"}
	scimJSON = []string{mediaType}
)

// buffers are what answers are encoded into. A large one is not kept.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

const maxKeptBuffer = 64 << 10

// write sends an answer and returns the length of its body in bytes.
func write(w http.ResponseWriter, r *http.Request, a *answer) int {
	h := w.Header()
	for name, values := range a.header {
		h[name] = values
	}
	h["Cache-Control"] = noStore
	h["X-Content-Type-Options"] = noSniff
	if a.location != "" {
		h.Set("Location", a.location)
	}
	if a.etag != "" {
		h.Set("ETag", a.etag)
	}
	if a.body == nil {
		w.WriteHeader(a.status)
		return 0
	}
	buffer := buffers.Get().(*[]byte)
	body := attr.Append((*buffer)[:0], a.body)
	defer func() {
		if cap(body) <= maxKeptBuffer {
			*buffer = body
			buffers.Put(buffer)
		}
	}()
	h["Content-Type"] = scimJSON
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(a.status)
	if r.Method == http.MethodHead {
		return 0
	}
	_, _ = w.Write(body) // a sender that went away is not told
	return len(body)
}

// Server returns an HTTP server for h with the limits that a service needs at
// the edge: senders that dribble are cut off, and answers have time to be read,
// for Okta itself gives up after 60 seconds. The caller sets Addr and TLSConfig,
// with TLS 1.2 as the minimum because Entra offers no more.
func Server(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       60 * time.Second,
		WriteTimeout:      90 * time.Second,
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    64 << 10,
	}
}
