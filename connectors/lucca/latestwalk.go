package lucca

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"rollcall/appliance/model"
	"rollcall/connectors"
)

// latestWalk is one pass over the employees of the new API.
type latestWalk struct {
	a       *latest
	query   string // of the next page
	resumed bool   // query came from a cursor and was not answered yet
	read    int    // people read so far
	total   int    // as the last page said; -1: it did not
	stated  bool   // somebody's status was told
	asked   map[string]bool
	seen    map[string]bool // ids of this pass
	ended   bool
	header  http.Header // of the last answer
}

func (a *latest) walk() *latestWalk {
	q := url.Values{
		// The first two are what v3 lists, the third its formerEmployees.
		"status":  {"active,upcoming,deactivated"},
		"include": {"embedded,links,totalCount"},
		"limit":   {strconv.Itoa(a.pageSize)},
		"sort":    {"id"},
	}
	return &latestWalk{a: a, query: q.Encode(), total: -1, asked: map[string]bool{}, seen: map[string]bool{}}
}

// cursor is where a fresh walk goes on.
func (w *latestWalk) cursor() connectors.Cursor {
	q := url.Values{"next": {w.query}, "read": {strconv.Itoa(w.read)}}
	if w.stated {
		q.Set("stated", "1")
	}
	return connectors.Cursor(q.Encode())
}

// walkFrom returns the walk that goes on at the cursor; what is not a cursor of
// this generation starts at the beginning.
func (a *latest) walkFrom(from connectors.Cursor) *latestWalk {
	w := a.walk()
	q, err := url.ParseQuery(string(from))
	if err != nil || q.Get("next") == "" {
		return w
	}
	read, err := strconv.Atoi(q.Get("read"))
	if err != nil || read < 0 {
		return w
	}
	w.query, w.read, w.resumed, w.stated = q.Get("next"), read, true, q.Get("stated") == "1"
	return w
}

// next reads one page. Pages by token do not shift, but they may repeat, and a
// token may have ended since it was stored.
func (w *latestWalk) next(ctx context.Context) (collection, error) {
	const op = "read people"
	if w.asked[w.query] || len(w.asked) > mostPages {
		return collection{}, &driftError{"a page leads back to one before it"}
	}
	w.asked[w.query] = true
	c, header, err := w.a.list(ctx, op, "employees", w.query)
	switch class := connectors.ClassOf(err); {
	case err != nil && w.resumed && (class == connectors.Invalid || class == connectors.Misconfigured):
		return c, &driftError{"the place to go on from is not known any more"}
	case err != nil:
		return c, err
	}
	w.resumed, w.header = false, header
	for _, o := range *c.Items {
		raw, _ := o.get("id")
		id, ok := identifier(raw)
		switch {
		case !ok:
			return c, w.a.undocumented(op, "an employee has no id")
		case w.seen[id]:
			return c, &driftError{"somebody is listed twice"}
		}
		w.seen[id] = true
	}
	w.read += len(*c.Items)
	w.total = -1
	if c.TotalCount != nil {
		n, err := c.TotalCount.Int64()
		if err != nil || n < 0 {
			return c, w.a.undocumented(op, "the total is not a number")
		}
		w.total = int(n)
	}
	if w.query, err = w.a.next(c, op, "employees"); err != nil {
		return c, err
	}
	w.ended = w.query == ""
	if w.ended && w.total >= 0 && w.read != w.total {
		return c, &driftError{"the number of people listed is not the number told"}
	}
	return c, nil
}

// people maps a page, without those who were yielded before.
func (w *latestWalk) people(ctx context.Context, c collection, dir *directory, yielded map[string]bool) ([]model.Observation, error) {
	var people []model.Observation
	for _, o := range *c.Items {
		if err := dir.ensurePosition(ctx, o, c); err != nil {
			return nil, err
		}
		e, bad := decodeEmployee(o, c, dir)
		if bad != nil {
			return nil, w.a.undocumented("read people", bad.Detail)
		}
		w.stated = w.stated || e.stated
		if !yielded[e.Native] {
			yielded[e.Native] = true
			people = append(people, e.Observation)
		}
	}
	return people, nil
}

// verdict judges a whole read: a company in which nobody has a status is a
// permission that is missing.
func (w *latestWalk) verdict() error {
	if w.read == 0 || w.stated {
		return nil
	}
	return &connectors.Error{
		Class: connectors.Denied, Op: "lucca: read people",
		Detail: "status is not visible for anybody, so nobody's status can be known",
		Next:   "Grant the integration key the scope " + scopeEmployees,
	}
}
