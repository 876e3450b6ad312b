package lucca

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"rollcall/connectors"
	"rollcall/connectors/wire"
)

const (
	defaultPageV3 = 300
	largestPageV3 = 1000
	// smallestPageV3 is where halving the page ends: what takes Lucca more than
	// 5 s for so few people is not a matter of their number.
	smallestPageV3 = 25
	// mostPages bounds a walk over a service that does not tell a count.
	mostPages = 20000
)

// legacy reads API v3.
type legacy struct {
	client   *wire.Client
	skip     string
	fields   string
	pageSize int
}

func newLegacy(cfg Config, client *wire.Client) (connectors.Source, error) {
	key := strings.TrimSpace(cfg.APIKey)
	// Lucca's own documentation shows the key with the scheme in front.
	if scheme, rest, ok := strings.Cut(key, "="); ok && strings.EqualFold(strings.Join(strings.Fields(scheme), " "), "lucca application") {
		key = strings.TrimSpace(rest)
	}
	switch {
	case key == "":
		return nil, misconfigured("api_key is empty", "Make a key in Lucca with read access to the directory and the fields to sync")
	case strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, misconfigured("api_key holds characters that no key has", "Paste the key alone")
	case cfg.PageSize < 0 || cfg.PageSize == 1 || cfg.PageSize > largestPageV3:
		return nil, misconfigured(fmt.Sprintf("page size %d is not between 2 and %d", cfg.PageSize, largestPageV3), "")
	}
	client.Authorize = func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "lucca application="+key)
		return nil
	}
	l := &legacy{client: client, skip: cfg.SkipField, fields: fieldsFor(cfg.CustomFields), pageSize: cfg.PageSize}
	if l.pageSize == 0 {
		l.pageSize = defaultPageV3
	}
	return l, nil
}

// Read implements [connectors.Source]. Its cursor is the next offset together
// with what the pages before it told, so that a resumed read notices as well
// when people moved. A read that begins again skips whom it has yielded; only
// after a crash in between may somebody be yielded twice.
func (l *legacy) Read(ctx context.Context, from connectors.Cursor) iter.Seq2[connectors.Page, error] {
	return func(yield func(connectors.Page, error) bool) {
		w := l.walkFrom(from)
		yielded := map[string]bool{}
		told := announcements{}
		again := false
		for {
			people, err := w.next(ctx)
			var moved *driftError
			if errors.As(err, &moved) {
				if again {
					err = moved.asError()
				} else {
					again = true
					w = l.walk(w.limit)
					continue
				}
			}
			if err != nil {
				yield(connectors.Page{}, err)
				return
			}
			page := connectors.Page{Next: w.cursor(), Last: w.ended, Total: max(w.count, 0), Notices: told.in(w.header)}
			for _, u := range people {
				if !yielded[u.Native] {
					yielded[u.Native] = true
					page.People = append(page.People, u.Observation)
				}
			}
			if w.ended {
				if err := w.verdict(); err != nil {
					yield(connectors.Page{}, err)
					return
				}
				page.Notices = append(page.Notices, w.notices(again)...)
			}
			if !yield(page, nil) || w.ended {
				return
			}
		}
	}
}

// driftError says that people moved while they were read by offset.
type driftError struct{ detail string }

func (e *driftError) Error() string { return e.detail }

// asError is what a second disagreement ends in.
func (e *driftError) asError() error {
	return &connectors.Error{
		Class: connectors.Transient, Op: "lucca: read people",
		Detail: "two readings in a row do not agree with themselves: " + e.detail,
		Next:   "People changed in Lucca while they were read; the next read starts over",
	}
}

// walk is one pass over the list.
type walk struct {
	l      *legacy
	limit  int
	offset int             // rows read so far
	last   string          // id of the row before offset
	count  int             // how many there are, as the first page said; -1: it did not
	dated  bool            // somebody's contract dates were told
	ext    bool            // somebody's extension fields were told
	seen   map[string]bool // ids of this pass
	pages  int
	ended  bool
	header http.Header // of the last answer
}

func (l *legacy) walk(limit int) *walk {
	return &walk{l: l, limit: limit, count: -1, seen: map[string]bool{}}
}

// next reads one page. Every page but the first begins one row early: when the
// row before it is not the one that was read there, people moved. A count alone
// would not notice somebody who left while somebody else arrived.
func (w *walk) next(ctx context.Context) ([]user, error) {
	early := min(w.offset, 1)
	list, err := w.fetch(ctx, w.offset-early)
	if err != nil {
		return nil, err
	}
	if w.pages++; w.pages > mostPages {
		return nil, &driftError{"the list does not end"}
	}
	count := -1
	if list.Data.Count != nil {
		n, err := list.Data.Count.Int64()
		if err != nil || n < 0 {
			return nil, w.l.undocumented("the count is not a number")
		}
		count = int(n)
	}
	rows := *list.Data.Items
	people := make([]user, 0, len(rows))
	for _, row := range rows {
		u, bad := decodeUser(row, w.l.skip)
		if bad != nil {
			return nil, w.l.undocumented(bad.Detail)
		}
		people = append(people, u)
	}

	switch {
	case w.offset == 0:
		w.count = count
	case count != w.count:
		return nil, &driftError{"the number of people changed between two pages"}
	case len(people) == 0 || people[0].Native != w.last:
		return nil, &driftError{"a page does not continue the one before it"}
	default:
		people = people[1:]
	}
	for _, u := range people {
		if w.seen[u.Native] {
			return nil, &driftError{"somebody is listed twice"}
		}
		w.seen[u.Native] = true
		w.last, w.dated, w.ext = u.Native, w.dated || u.dated, w.ext || u.extended
	}
	w.offset += len(people)

	// The end is where Lucca says so: the count is reached on a page that is not
	// full. Without a count, it is a page that brings nobody new.
	short := len(rows) < w.limit
	switch {
	case w.count >= 0 && w.offset > w.count, w.count > w.offset && len(people) == 0:
		return nil, &driftError{"the number of people listed is not the number told"}
	case w.count >= 0:
		w.ended = w.offset == w.count && (short || len(people) == 0)
	default:
		w.ended = len(people) == 0
	}
	return people, nil
}

// userList is the envelope of a list. Only data.items is certain.
type userList struct {
	Data struct {
		Items *[]object
		Count *json.Number
	}
}

// fetch asks for one page and halves it for as long as Lucca cannot answer in
// time (408) or in size (413).
func (w *walk) fetch(ctx context.Context, offset int) (userList, error) {
	for {
		list, header, err := w.l.users(ctx, "read people", url.Values{
			"fields":  {w.l.fields},
			"paging":  {fmt.Sprintf("%d,%d", offset, w.limit)},
			"orderBy": {"id,asc"}, "formerEmployees": {"true"},
		})
		w.header = header
		if !tooMuch(err) {
			return list, err
		}
		if w.limit <= smallestPageV3 {
			var e *connectors.Error
			errors.As(err, &e)
			return list, &connectors.Error{
				Class: connectors.Transient, Op: e.Op, Status: e.Status,
				Detail: fmt.Sprintf("%s, even for %d people at once", e.Detail, w.limit),
				Next:   "Lucca is slow; the next read tries again",
			}
		}
		w.limit = max(w.limit/2, smallestPageV3)
	}
}

// tooMuch reports whether fewer people at once could help.
func tooMuch(err error) bool {
	var e *connectors.Error
	return errors.As(err, &e) && (e.Status == http.StatusRequestTimeout || e.Status == http.StatusRequestEntityTooLarge)
}

// users asks for a list of users.
func (l *legacy) users(ctx context.Context, op string, q url.Values) (userList, http.Header, error) {
	var list userList
	resp, err := l.client.JSON(ctx, wire.Request{Op: op, Method: http.MethodGet, Path: "api/v3/users", Query: q}, &list)
	if err != nil {
		return list, nil, adviseV3(err)
	}
	if list.Data.Items == nil {
		return list, nil, l.undocumented("there is no list of users in it")
	}
	return list, resp.Header, nil
}

func (l *legacy) undocumented(detail string) error {
	return &connectors.Error{Class: connectors.Transient, Op: l.client.Name + ": read people", Detail: "the answer is not the documented JSON: " + detail}
}

// verdict judges a whole read. Without a single contract date nobody's status is
// known, which is a permission that is missing and not a company of unknowns.
func (w *walk) verdict() error {
	if w.offset == 0 || w.dated {
		return nil
	}
	return &connectors.Error{
		Class: connectors.Denied, Op: "lucca: read people",
		Detail: "neither dtContractStart nor dtContractEnd is visible for anybody, so nobody's status can be known",
		Next:   "Give the role of the API key View on the contract section of the HR file",
	}
}

// notices are what an operator should know about a whole read.
func (w *walk) notices(again bool) []string {
	var notices []string
	if again {
		notices = append(notices, "people changed in Lucca while they were read, so the read began again")
	}
	if w.offset > 0 && !w.ext && w.l.skip != "" {
		notices = append(notices, fmt.Sprintf("no extension field of anybody is visible, so skip field %s leaves nobody out; if it is used, give the role of the API key View on its section", w.l.skip))
	}
	return notices
}

// adviseV3 tells the operator what to do about an error of v3.
func adviseV3(err error) error {
	var e *connectors.Error
	if !errors.As(err, &e) || e.Next != "" {
		return err
	}
	advised := *e
	switch {
	case e.Status == http.StatusUnauthorized:
		advised.Next = "Check api_key, and in Lucca that the key was not revoked"
	case e.Class == connectors.Denied:
		advised.Next = "Give the role of the API key read access to the directory"
	case e.Class == connectors.Gone:
		advised.Class = connectors.Misconfigured
		advised.Next = "Check account or base_url: there is no Lucca API v3"
	default:
		return err
	}
	return &advised
}
