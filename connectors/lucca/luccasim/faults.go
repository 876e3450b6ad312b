package luccasim

import (
	"net"
	"net/http"
	"strings"

	"rollcall/connectors/simdial"
)

// FaultKind is what goes wrong.
type FaultKind int

const (
	NoFault   FaultKind = iota
	Status              // the status in Fault.Status with an ordinary error body
	HTML                // 200 with a web page, as from a proxy or a login screen
	Hang                // no answer until the client gives up or Heal is called
	Reset               // the connection dies before a single byte
	Truncated           // a body that ends in the middle
	Empty               // a well-formed list of nobody
	Half                // the second half of a page is missing, the count is not told otherwise
	Repeat              // the first page, whichever was asked for
	Miscount            // a count that is one too high
	Foreign             // links.next leads to another host (new API only)
)

// replaces reports whether nothing of the ordinary answer is left.
func (k FaultKind) replaces() bool { return k >= Status && k <= Truncated }

// Fault is one trouble to come.
type Fault = simdial.Fault[FaultKind]

// strike gives the whole answer of a fault that replaces the ordinary one.
func strike(f Fault, w http.ResponseWriter, r *http.Request, healed <-chan struct{}) {
	switch f.Kind {
	case Status:
		if f.RetryAfter != "" {
			w.Header().Set("Retry-After", f.RetryAfter)
		}
		if f.Status == http.StatusInternalServerError && strings.HasPrefix(r.URL.Path, "/api/v3/") {
			// The envelope of the old framework.
			writeJSON(w, f.Status, "application/json", map[string]any{"Status": f.Status, "Message": "Object reference not set to an instance of an object.", "StackTrace": nil})
			return
		}
		problem(w, f.Status, http.StatusText(f.Status), "", nil)
	case HTML:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write([]byte("<!doctype html><title>Sign in</title><p>Your session has expired."))
	case Hang:
		select {
		case <-r.Context().Done():
		case <-healed:
		}
		panic(http.ErrAbortHandler)
	case Reset:
		if h, ok := w.(http.Hijacker); ok {
			if conn, _, err := h.Hijack(); err == nil {
				if tcp, ok := conn.(*net.TCPConn); ok {
					tcp.SetLinger(0)
				}
				conn.Close()
				return
			}
		}
		panic(http.ErrAbortHandler)
	case Truncated:
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "4096")
		w.Write([]byte(`{"data":{"items":[{"id":412,"name":"Delac`))
		panic(http.ErrAbortHandler)
	}
}
