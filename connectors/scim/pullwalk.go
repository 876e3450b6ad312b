package scim

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"rollcall/connectors"
	"rollcall/connectors/wire"
)

const (
	opList = "list users"
	// mostPages bounds a walk whose end depends on what the server says.
	mostPages = 200_000
)

// Read implements [connectors.Source]. The first request leaves the choice of
// paging to the server: one that answers with nextCursor is followed by cursors
// (RFC 9865), any other by startIndex and count (RFC 7644 §3.4.2.4). Paging by
// index ends with the last of totalResults or, where that is not told, with an
// empty page; a number that changes meanwhile, somebody who comes twice, or a
// list that ends early is an error, because rows have moved between two pages.
//
// The cursor of a page holds the server's, or how far the index went. A server
// may have forgotten its own by the time it is used: that is Transient, and only
// a read from the start gets further.
func (s *PullSource) Read(ctx context.Context, from connectors.Cursor) iter.Seq2[connectors.Page, error] {
	return func(yield func(connectors.Page, error) bool) {
		w := s.walkFrom(from)
		for {
			page, err := w.next(ctx)
			if err != nil {
				yield(connectors.Page{}, advisedPull(err))
				return
			}
			if !yield(page, nil) || page.Last {
				return
			}
		}
	}
}

// pullWalk is one read under way.
type pullWalk struct {
	s       *PullSource
	cursor  string // the server's cursor of the next page; "" pages by index
	read    int    // users so far
	total   int    // as the first page said, -1: not told
	pages   int
	seen    map[string]struct{}
	cursors map[string]struct{}
}

func (s *PullSource) walkFrom(from connectors.Cursor) *pullWalk {
	w := &pullWalk{s: s, total: -1, seen: map[string]struct{}{}, cursors: map[string]struct{}{}}
	q, err := url.ParseQuery(string(from))
	if err != nil {
		return w
	}
	read, err := strconv.Atoi(q.Get("read"))
	if err != nil || read < 1 {
		return w
	}
	w.read, w.cursor = read, q.Get("cursor")
	if first := q.Get("first"); first != "" {
		w.seen[first] = struct{}{}
	}
	if n, err := strconv.Atoi(q.Get("total")); err == nil && n >= 0 {
		w.total = n
	}
	return w
}

// place is where a fresh walk goes on. The first user of the page is kept so that
// a server that ignores startIndex is noticed after a resumption too.
func (w *pullWalk) place(first string) connectors.Cursor {
	q := url.Values{"read": {strconv.Itoa(w.read)}, "first": {first}}
	if w.cursor != "" {
		q.Set("cursor", w.cursor)
	}
	if w.total >= 0 {
		q.Set("total", strconv.Itoa(w.total))
	}
	return connectors.Cursor(q.Encode())
}

// listing is one page as the server sent it.
type listing struct {
	List
	next string // nextCursor
}

// list asks for one page.
func (w *pullWalk) list(ctx context.Context) (listing, error) {
	q := url.Values{"count": {strconv.Itoa(w.s.pageSize)}}
	switch {
	case w.cursor != "":
		q.Set("cursor", w.cursor)
	case w.read > 0:
		q.Set("startIndex", strconv.Itoa(w.read+1)) // counted from 1
	}
	var doc Resource
	_, err := w.s.client.JSON(ctx, wire.Request{Op: opList, Method: http.MethodGet, Path: "Users", Query: q, OK: []int{http.StatusOK}}, &doc)
	if err != nil {
		return listing{}, w.expired(err)
	}
	list, err := ListOf(doc)
	if err != nil {
		return listing{}, pullUndocumented(err)
	}
	next, _ := Path{Name: "nextCursor"}.Read(doc)
	return listing{list, next}, nil
}

// expired recognises the refusal of a server's own cursor (RFC 9865 §2.3.1). A
// service that says no more than 400 means nothing else either.
func (w *pullWalk) expired(err error) error {
	var e *connectors.Error
	if w.cursor == "" || !errors.As(err, &e) || e.Status != http.StatusBadRequest {
		return err
	}
	return &connectors.Error{
		Class: connectors.Transient, Op: e.Op, Status: e.Status, Detail: e.Detail + ": the cursor it gave is refused",
		Next: "The server forgot where the read was; the read is repeated from the start",
	}
}

// next reads one page and judges whether it fits what came before.
func (w *pullWalk) next(ctx context.Context) (connectors.Page, error) {
	if w.pages++; w.pages > mostPages {
		return connectors.Page{}, moved(fmt.Sprintf("the list does not end after %d pages", mostPages))
	}
	byCursor := w.cursor != ""
	list, err := w.list(ctx)
	if err != nil {
		return connectors.Page{}, err
	}
	switch {
	case w.read == 0:
		w.total = list.Total
	case list.Total != w.total && list.Total >= 0 && w.total >= 0:
		return connectors.Page{}, moved(fmt.Sprintf("totalResults was %d and is now %d", w.total, list.Total))
	}
	var page connectors.Page
	for i, r := range list.Resources {
		o, err := pulled(r)
		if err != nil {
			return page, pullUndocumented(err)
		}
		if _, twice := w.seen[o.Native]; twice {
			detail := "a user is listed twice"
			if i == 0 && !byCursor {
				detail = "a page begins with a user who was listed before: the server ignores startIndex, or users moved"
			}
			return page, moved(detail)
		}
		w.seen[o.Native] = struct{}{}
		page.People = append(page.People, o)
	}
	w.read += len(page.People)
	page.Total = max(w.total, 0)
	if err := w.advance(list); err != nil {
		return page, err
	}
	page.Last = w.done(list, byCursor)
	if page.Last {
		return page, w.judge()
	}
	first := ""
	if len(page.People) > 0 {
		first = page.People[0].Native
	}
	page.Next = w.place(first)
	return page, nil
}

// advance takes the server's cursor of the next page.
func (w *pullWalk) advance(list listing) error {
	w.cursor = list.next
	if w.cursor == "" {
		return nil
	}
	if _, again := w.cursors[w.cursor]; again {
		return moved("a cursor leads back to a page before it")
	}
	w.cursors[w.cursor] = struct{}{}
	return nil
}

// done reports whether the server said that there is no more. RFC 9865 §2.1: the
// last page is the one without a nextCursor.
func (w *pullWalk) done(list listing, byCursor bool) bool {
	switch {
	case list.next != "":
		return false
	case byCursor, len(list.Resources) == 0:
		return true
	}
	return w.total >= 0 && w.read >= w.total
}

// judge compares what was read with what was promised.
func (w *pullWalk) judge() error {
	if w.total >= 0 && w.read != w.total {
		return moved(fmt.Sprintf("totalResults is %d, and %d users were listed", w.total, w.read))
	}
	return nil
}

// moved is the error for a listing that does not agree with itself.
func moved(detail string) error {
	return &connectors.Error{
		Class: connectors.Transient, Op: "scim-pull: " + opList, Detail: detail,
		Next: "Users most likely changed on the server while they were read; the read is repeated",
	}
}

// pullUndocumented is the error for a body that is no list of users.
func pullUndocumented(err error) error {
	return &connectors.Error{Class: connectors.Transient, Op: "scim-pull: " + opList, Detail: "the answer is not a SCIM list of users: " + err.Error()}
}
