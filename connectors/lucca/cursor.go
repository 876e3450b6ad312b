package lucca

import (
	"net/url"
	"strconv"

	"rollcall/connectors"
)

// cursor is where a fresh walk of v3 goes on.
func (w *walk) cursor() connectors.Cursor {
	q := url.Values{"offset": {strconv.Itoa(w.offset)}, "last": {w.last}}
	if w.count >= 0 {
		q.Set("count", strconv.Itoa(w.count))
	}
	if w.dated {
		q.Set("dated", "1")
	}
	if w.ext {
		q.Set("extended", "1")
	}
	return connectors.Cursor(q.Encode())
}

// walkFrom returns the walk that goes on at the cursor. What is not a cursor of
// v3 starts at the beginning: the configuration may have changed generations in
// the middle of a read.
func (l *legacy) walkFrom(from connectors.Cursor) *walk {
	w := l.walk(l.pageSize)
	q, err := url.ParseQuery(string(from))
	if err != nil {
		return w
	}
	offset, err := strconv.Atoi(q.Get("offset"))
	if err != nil || offset < 1 || q.Get("last") == "" {
		return w
	}
	w.offset, w.last = offset, q.Get("last")
	w.dated, w.ext = q.Get("dated") == "1", q.Get("extended") == "1"
	if n, err := strconv.Atoi(q.Get("count")); err == nil && n >= 0 {
		w.count = n
	}
	return w
}
