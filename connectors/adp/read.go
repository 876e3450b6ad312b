package adp

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/wire"
)

const opRead = "read workers"

// nobody is what an operator should know about an answer without workers.
const nobody = "ADP lists no workers: check in ADP's portal that the project may read those of the organisation"

// Read implements [connectors.Source]. Each page is one request; the last one,
// without people, is ADP's end of the list. The cursor is how many workers were
// listed and who was the last: a fresh read goes on behind them. ADP does not say
// how many workers there are, so Total is not known.
func (s *Source) Read(ctx context.Context, from connectors.Cursor) iter.Seq2[connectors.Page, error] {
	return func(yield func(connectors.Page, error) bool) {
		notice, err := s.certificate.judge(s.cfg.Now())
		if err != nil {
			yield(connectors.Page{}, err)
			return
		}
		w := s.walkFrom(from)
		for {
			page, err := w.next(ctx)
			if err != nil {
				yield(connectors.Page{}, advised(err))
				return
			}
			if notice != "" {
				page.Notices = append(page.Notices, notice)
				notice = ""
			}
			if !yield(page, nil) || page.Last {
				return
			}
		}
	}
}

// walk is one read under way.
type walk struct {
	s      *Source
	skip   int    // how many workers were listed so far
	first  string // the first worker of the page before
	stated bool   // somebody had a status
	seen   map[string]struct{}
}

func (s *Source) walk() *walk { return &walk{s: s, seen: map[string]struct{}{}} }

// walkFrom returns the walk that goes on at the cursor; what is not a cursor
// starts at the beginning.
func (s *Source) walkFrom(from connectors.Cursor) *walk {
	w := s.walk()
	q, err := url.ParseQuery(string(from))
	if err != nil {
		return w
	}
	skip, err := strconv.Atoi(q.Get("skip"))
	if err != nil || skip < 1 || q.Get("first") == "" {
		return w
	}
	w.skip, w.first, w.stated = skip, q.Get("first"), q.Get("stated") == "1"
	w.seen[w.first] = struct{}{}
	return w
}

func (w *walk) cursor() connectors.Cursor {
	q := url.Values{"skip": {strconv.Itoa(w.skip)}, "first": {w.first}}
	if w.stated {
		q.Set("stated", "1")
	}
	return connectors.Cursor(q.Encode())
}

// next reads one page.
func (w *walk) next(ctx context.Context) (connectors.Page, error) {
	workers, err := w.s.list(ctx, w.skip)
	if err != nil {
		return connectors.Page{}, err
	}
	if len(workers) == 0 {
		page := connectors.Page{Last: true}
		if w.skip == 0 {
			page.Notices = []string{nobody}
		}
		return page, nil
	}
	var page connectors.Page
	for i, worker := range workers {
		o, stated, err := w.s.observe(worker)
		if err != nil {
			return page, err
		}
		if _, twice := w.seen[o.Native]; twice {
			return page, repeated(i == 0)
		}
		w.seen[o.Native] = struct{}{}
		w.stated = w.stated || stated
		page.People = append(page.People, o)
	}
	if !w.stated {
		return page, &connectors.Error{
			Class: connectors.Denied, Op: "adp: " + opRead,
			Detail: fmt.Sprintf("none of the first %d workers has a worker status, so nobody's status can be known", w.skip+len(workers)),
			Next:   "Check in ADP's portal that the project may read workerStatus",
		}
	}
	w.skip += len(workers)
	w.first = page.People[0].Native
	page.Next = w.cursor()
	return page, nil
}

// repeated is the error for somebody who is listed twice. When it is the first of
// a page, the deployment most likely ignores $skip, as some have.
func repeated(first bool) error {
	e := &connectors.Error{Class: connectors.Transient, Op: "adp: " + opRead, Detail: "a worker is listed twice: workers changed in ADP while they were read"}
	if first {
		e.Detail = "a page begins with a worker who was listed before: ADP ignores $skip, or workers changed while they were read"
		e.Next = "If this comes back at every read, ask ADP's support why $skip has no effect on /hr/v2/workers"
	}
	return e
}

// list asks for one page; it is empty at the end of the list. A token that was
// taken before and is refused now is replaced once.
func (s *Source) list(ctx context.Context, skip int) ([]worker, error) {
	request := wire.Request{
		Op: opRead, Method: http.MethodGet, Path: "hr/v2/workers",
		// Written out: whether ADP reads an escaped "$" is not known (unverified).
		RawQuery: fmt.Sprintf("$top=%d&$skip=%d", s.cfg.PageSize, skip),
		OK:       []int{http.StatusOK, http.StatusNoContent},
	}
	var body struct {
		Workers *[]worker `json:"workers"`
	}
	resp, err := s.client.JSON(ctx, request, &body)
	var e *connectors.Error
	if errors.As(err, &e) && e.Status == http.StatusUnauthorized && s.tokens.Renewable() {
		body.Workers = nil
		resp, err = s.client.JSON(ctx, request, &body)
	}
	if err != nil {
		return nil, err
	}
	s.tokens.Accept()
	switch {
	case resp.Status == http.StatusNoContent:
		return nil, nil
	case body.Workers == nil:
		return nil, undocumented("there is no list of workers in it")
	case len(*body.Workers) > s.cfg.PageSize:
		return nil, undocumented(fmt.Sprintf("%d workers were asked for and %d came", s.cfg.PageSize, len(*body.Workers)))
	}
	return *body.Workers, nil
}

func undocumented(detail string) error {
	return &connectors.Error{Class: connectors.Transient, Op: "adp: " + opRead, Detail: "the answer is not the documented JSON: " + detail}
}

// observe maps one worker, and reports whether it had a status.
func (s *Source) observe(w worker) (o model.Observation, stated bool, err error) {
	if w == nil {
		return o, false, undocumented("a worker is null")
	}
	id, _ := text(w["associateOID"])
	if id == "" {
		return o, false, undocumented("a worker has no associateOID")
	}
	unmask(w)
	_, stated = get(w, "workerStatus", "statusCode")
	return s.mapped(id, w), stated, nil
}
