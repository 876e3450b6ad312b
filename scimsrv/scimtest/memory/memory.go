// Package memory is a [scimsrv.Directory] that keeps everything in memory. It is
// the reference for what the interface promises: tests of the SCIM service and
// the demo senders run against it, and the suite scimtest.RunDirectory holds it
// and the durable directory to the same promises.
//
// It is correct and safe for concurrent use, not durable. Update runs each
// change function twice, because the interface allows that and a function that
// minds should be found out here.
package memory

import (
	"container/list"
	"context"
	"crypto/rand"
	"iter"
	"slices"
	"sync"
	"time"

	"rollcall/scimsrv"
)

// page is how many resources are copied under one lock while selecting.
const page = 256

// Directory is an empty directory until something is written. Make it with [New].
type Directory struct {
	now func() time.Time

	mu      sync.RWMutex
	tenants map[string]*tenant
}

var _ scimsrv.Directory = (*Directory)(nil)

// New returns an empty directory. now, when not nil, is asked for the time of
// each write.
func New(now func() time.Time) *Directory {
	if now == nil {
		now = time.Now
	}
	return &Directory{now: now, tenants: map[string]*tenant{}}
}

// tenant is what one source has written.
type tenant struct {
	seq   uint64
	kinds map[scimsrv.Type]*collection
	// groupsOf is the way back from a member to its groups.
	groupsOf map[string]map[string]bool
}

// collection is the resources of one type.
type collection struct {
	byID  map[string]*entry
	order []*entry // by seq
	// gone remembers when deleted resources were created, so that a Select can
	// resume after one.
	gone map[string]uint64
	keys map[indexKey]map[string]bool
}

type indexKey struct{ attribute, value string }

// entry is one resource.
type entry struct {
	seq     uint64
	res     scimsrv.Resource
	keys    []scimsrv.Key
	members *members
}

// members is an ordered set.
type members struct {
	order *list.List // of scimsrv.Member
	byID  map[string]*list.Element
}

func (d *Directory) tenant(source string) *tenant {
	t := d.tenants[source]
	if t == nil {
		t = &tenant{groupsOf: map[string]map[string]bool{}, kinds: map[scimsrv.Type]*collection{}}
		for _, kind := range []scimsrv.Type{scimsrv.User, scimsrv.Group} {
			t.kinds[kind] = &collection{byID: map[string]*entry{}, gone: map[string]uint64{}, keys: map[indexKey]map[string]bool{}}
		}
		d.tenants[source] = t
	}
	return t
}

// find needs at least the read lock.
func (d *Directory) find(c scimsrv.Caller, t scimsrv.Type, id string) (*tenant, *entry, error) {
	if tn := d.tenants[c.Source]; tn != nil {
		if e := tn.kinds[t].byID[id]; e != nil {
			return tn, e, nil
		}
	}
	return nil, nil, scimsrv.ErrNotFound
}

// Get implements [scimsrv.Directory].
func (d *Directory) Get(ctx context.Context, c scimsrv.Caller, t scimsrv.Type, id string) (scimsrv.Resource, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	tn, e, err := d.find(c, t, id)
	if err != nil {
		return scimsrv.Resource{}, err
	}
	return tn.resource(e, true), nil
}

// resource returns what callers see of an entry.
func (tn *tenant) resource(e *entry, groups bool) scimsrv.Resource {
	res := e.res
	if e.members != nil {
		res.MemberCount = e.members.order.Len()
	}
	if groups && res.Type == scimsrv.User {
		in := []*entry{}
		for id := range tn.groupsOf[res.ID] {
			in = append(in, tn.kinds[scimsrv.Group].byID[id])
		}
		slices.SortFunc(in, bySeq)
		for _, g := range in {
			res.Groups = append(res.Groups, scimsrv.Member{Value: g.res.ID, Display: g.res.Body.String("displayName"), Type: scimsrv.Group})
		}
	}
	return res
}

func bySeq(a, b *entry) int {
	switch {
	case a.seq < b.seq:
		return -1
	case a.seq > b.seq:
		return 1
	}
	return 0
}

// Count implements [scimsrv.Directory].
func (d *Directory) Count(ctx context.Context, c scimsrv.Caller, t scimsrv.Type) (int, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if tn := d.tenants[c.Source]; tn != nil {
		return len(tn.kinds[t].order), nil
	}
	return 0, nil
}

// Select implements [scimsrv.Directory]. It resumes after deleted resources too.
func (d *Directory) Select(ctx context.Context, c scimsrv.Caller, q scimsrv.Query, after string) iter.Seq2[scimsrv.Resource, error] {
	return func(yield func(scimsrv.Resource, error) bool) {
		seq, err := d.position(c, q.Type, after)
		if err != nil {
			yield(scimsrv.Resource{}, err)
			return
		}
		for {
			if err := ctx.Err(); err != nil {
				yield(scimsrv.Resource{}, err)
				return
			}
			found, last := d.batch(c, q, seq)
			for _, res := range found {
				if !yield(res, nil) {
					return
				}
			}
			if last == seq {
				return
			}
			seq = last
		}
	}
}

func (d *Directory) position(c scimsrv.Caller, t scimsrv.Type, after string) (uint64, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if after == "" {
		return 0, nil
	}
	if tn := d.tenants[c.Source]; tn != nil {
		if e := tn.kinds[t].byID[after]; e != nil {
			return e.seq, nil
		}
		if seq, ok := tn.kinds[t].gone[after]; ok {
			return seq, nil
		}
	}
	return 0, scimsrv.ErrNotFound
}

// batch returns the matches among the next resources behind seq, and the seq of
// the last one looked at; that is seq itself at the end.
func (d *Directory) batch(c scimsrv.Caller, q scimsrv.Query, seq uint64) ([]scimsrv.Resource, uint64) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	tn := d.tenants[c.Source]
	if tn == nil {
		return nil, seq
	}
	order := tn.kinds[q.Type].candidates(q.Keys)
	from, _ := slices.BinarySearchFunc(order, seq+1, func(e *entry, seq uint64) int { return bySeq(e, &entry{seq: seq}) })
	var found []scimsrv.Resource
	for _, e := range order[from:min(from+page, len(order))] {
		seq = e.seq
		if res := tn.resource(e, q.NeedGroups); q.Match == nil || q.Match(res) {
			found = append(found, res)
		}
	}
	return found, seq
}

// candidates returns the entries that carry one of the keys, or all of them.
func (col *collection) candidates(keys []scimsrv.Key) []*entry {
	if len(keys) == 0 {
		return col.order
	}
	ids := map[string]bool{}
	for _, k := range keys {
		for id := range col.keys[indexKey{k.Attribute, k.Value}] {
			ids[id] = true
		}
	}
	found := make([]*entry, 0, len(ids))
	for id := range ids {
		found = append(found, col.byID[id])
	}
	slices.SortFunc(found, bySeq)
	return found
}

// Members implements [scimsrv.Directory]: in the order in which they were added.
func (d *Directory) Members(ctx context.Context, c scimsrv.Caller, group string) iter.Seq2[scimsrv.Member, error] {
	return func(yield func(scimsrv.Member, error) bool) {
		d.mu.RLock()
		_, e, err := d.find(c, scimsrv.Group, group)
		var all []scimsrv.Member
		if err == nil {
			all = slices.Collect(e.members.all())
		}
		d.mu.RUnlock()
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			yield(scimsrv.Member{}, err)
			return
		}
		for _, m := range all {
			if !yield(m, nil) {
				return
			}
		}
	}
}

// HasMember implements [scimsrv.Directory].
func (d *Directory) HasMember(ctx context.Context, c scimsrv.Caller, group, id string) (bool, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	_, e, err := d.find(c, scimsrv.Group, group)
	if err != nil {
		return false, err
	}
	return e.members.byID[id] != nil, nil
}

func (m *members) all() iter.Seq[scimsrv.Member] {
	return func(yield func(scimsrv.Member) bool) {
		for e := m.order.Front(); e != nil; e = e.Next() {
			if !yield(e.Value.(scimsrv.Member)) {
				return
			}
		}
	}
}

// newID returns an id that is never given out again: 130 random bits.
func newID() string { return rand.Text() }
