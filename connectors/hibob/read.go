package hibob

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/wire"
)

const opSearch = "search people"

// noPeople is what an operator should know about an answer without anybody. It
// may be the truth; far more often nobody was selected for the permission group.
const noPeople = "HiBob answers that nobody is visible: no people are selected in the service user's permission group. Its condition must include the lifecycle statuses Hired, Employed, Garden Leave, Leave, Parental Leave and Terminated"

// Read yields everybody the service user may see. Without BatchSize there is one
// request, pages are pieces of its answer, and their cursor is empty, because the
// answer comes in another order each time: a read that was interrupted starts
// over. With BatchSize a first request lists the ids, and each page is one batch
// of them; its cursor is the last id of the batch, so that hires and removals in
// between shift nobody out of a resumed read. A cursor that the configuration
// does not use any more also starts over.
func (s *Source) Read(ctx context.Context, from connectors.Cursor) iter.Seq2[connectors.Page, error] {
	return func(yield func(connectors.Page, error) bool) {
		read := s.readAll
		if s.cfg.BatchSize > 0 {
			read = s.readBatches
		}
		if err := read(ctx, from, yield); err != nil && !errors.Is(err, errStopped) {
			yield(connectors.Page{}, advised(err))
		}
	}
}

// errStopped says that the consumer left the loop.
var errStopped = errors.New("stopped")

// readAll reads everybody in one search.
func (s *Source) readAll(ctx context.Context, _ connectors.Cursor, yield func(connectors.Page, error) bool) error {
	var page connectors.Page
	roll := newRoll()
	err := s.stream(ctx, s.search(nil), func(e *employee) error {
		// A full page waits for the next person or the end of the body, so that
		// the last one is known to be the last.
		if len(page.People) == pageSize {
			if err := roll.judge(len(page.People)); err != nil {
				return err
			}
			if !yield(page, nil) {
				return errStopped
			}
			page = connectors.Page{}
		}
		o, err := s.take(e, roll)
		if err != nil {
			return err
		}
		page.People = append(page.People, o)
		return nil
	})
	if err != nil {
		return err
	}
	if roll.seen.count == 0 {
		page.Notices = []string{noPeople}
	} else if err := roll.judge(len(page.People)); err != nil {
		return err
	}
	page.Last, page.Total = true, roll.seen.count
	yield(page, nil)
	return nil
}

// readBatches lists the ids first and then reads them batch by batch.
func (s *Source) readBatches(ctx context.Context, from connectors.Cursor, yield func(connectors.Page, error) bool) error {
	ids, err := s.list(ctx)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		yield(connectors.Page{Last: true, Notices: []string{noPeople}}, nil)
		return nil
	}
	total := len(ids)
	start, _ := slices.BinarySearchFunc(ids, string(from), func(id, from string) int {
		if compareIDs(id, from) <= 0 {
			return -1
		}
		return 1
	})
	if from == "" {
		start = 0
	}
	ids = ids[start:]
	if len(ids) == 0 {
		// Everybody after the cursor is gone since.
		yield(connectors.Page{Last: true, Total: total}, nil)
		return nil
	}
	roll := newRoll()
	for batch := range slices.Chunk(ids, s.cfg.BatchSize) {
		page := connectors.Page{Next: connectors.Cursor(batch[len(batch)-1]), Total: total}
		err := s.stream(ctx, s.search(batch), func(e *employee) error {
			o, err := s.take(e, roll)
			if err != nil {
				return err
			}
			if _, asked := slices.BinarySearchFunc(batch, o.Native, compareIDs); !asked {
				return undocumented("a batch holds somebody who was not asked for")
			}
			page.People = append(page.People, o)
			return nil
		})
		if err != nil {
			return err
		}
		// Somebody erased in these seconds costs a repeated read; taking a short
		// batch for the truth would cost everybody in it.
		if len(page.People) != len(batch) {
			return undocumented(fmt.Sprintf("a batch of %d people came back with %d", len(batch), len(page.People)))
		}
		if err := roll.judge(len(page.People)); err != nil {
			return err
		}
		page.Last = batch[len(batch)-1] == ids[len(ids)-1]
		if page.Last {
			page.Next = ""
		}
		if !yield(page, nil) {
			return errStopped
		}
	}
	return nil
}

// list returns the ids of everybody, in ascending order.
func (s *Source) list(ctx context.Context) ([]string, error) {
	var ids []string
	err := s.stream(ctx, searchBody{Fields: []string{"root.id"}, ShowInactive: true}, func(e *employee) error {
		id, err := e.native()
		if err != nil {
			return err
		}
		ids = append(ids, id)
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(ids, compareIDs)
	if len(slices.Compact(slices.Clone(ids))) != len(ids) {
		return nil, undocumented("the list of ids holds one twice")
	}
	return ids, nil
}

// compareIDs orders decimal ids by their value without a number type that would
// be too small for them, and all others somehow.
func compareIDs(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

// take turns an employee into an observation and notes who was seen.
func (s *Source) take(e *employee, r *roll) (model.Observation, error) {
	id, err := e.native()
	if err != nil {
		return model.Observation{}, err
	}
	if !r.add(id) {
		return model.Observation{}, undocumented("somebody is listed twice")
	}
	if _, ok := e.get("internal", "lifecycleStatus"); ok {
		r.statusKnown = true
	}
	return s.observe(id, e), nil
}

// roll is what one read has seen so far.
type roll struct {
	// seen holds ids as numbers, or hashes of those that are none.
	seen        numbers
	hash        maphash.Seed
	statusKnown bool
}

func newRoll() *roll { return &roll{hash: maphash.MakeSeed()} }

// add reports whether id is new.
func (r *roll) add(id string) bool {
	n, err := strconv.ParseUint(id, 10, 64)
	if err != nil || id[0] == '0' {
		n = maphash.String(r.hash, id)
	}
	return r.seen.add(n)
}

// judge refuses the read as soon as a whole page tells nobody's status. People
// come in no order: a page of them is a sample of the company.
func (r *roll) judge(people int) error {
	if r.statusKnown || people == 0 {
		return nil
	}
	return &connectors.Error{
		Class:  connectors.Denied,
		Op:     "hibob: " + opSearch,
		Detail: fmt.Sprintf("none of the first %d people has a lifecycle status: the service user may not read the category Lifecycle", people),
		Next:   `In HiBob, grant the service user's permission group to view the category "Lifecycle"; it takes effect after about ten seconds`,
	}
}

func undocumented(detail string) error {
	return &connectors.Error{Class: connectors.Transient, Op: "hibob: " + opSearch, Detail: detail}
}

// stream sends a search and calls each with one employee after another, while
// the answer arrives. The employee is valid during the call only.
func (s *Source) stream(ctx context.Context, search searchBody, each func(e *employee) error) error {
	resp, err := s.people.Do(ctx, wire.Request{Op: opSearch, Method: http.MethodPost, Path: "people/search", Body: search})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	scan := newScanner(resp.Body)
	broken := func(err error) error { return s.people.Broken(opSearch, resp.Status, scan.offset(), err) }
	parser := newParser()

	if err := scan.take('{'); err != nil {
		return broken(err)
	}
	found := false
	// problem is an error that says more than that the answer is broken.
	var problem error
	err = scan.list('}', func() error {
		key, err := scan.key()
		if err != nil {
			return err
		}
		if key != "employees" {
			return scan.skip() // not documented, and not ours
		}
		if found {
			// A second list is an answer that nobody can read.
			problem = undocumented("the answer holds two lists of employees")
			return problem
		}
		found = true
		if err := scan.take('['); err != nil {
			return err
		}
		return scan.list(']', func() error {
			raw, err := scan.value()
			if err != nil {
				return err
			}
			e, err := parser.parse(raw)
			if err != nil {
				if !errors.Is(err, errNotJSON) {
					problem = err
				}
				return err
			}
			problem = each(e)
			return problem
		})
	})
	switch {
	case problem != nil:
		return problem
	case err != nil:
		return broken(err)
	case !found:
		return undocumented("the answer holds no list of employees")
	}
	if err := scan.end(); err != nil {
		return broken(err)
	}
	return nil
}
