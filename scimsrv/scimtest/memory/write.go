package memory

import (
	"container/list"
	"context"
	"errors"
	"iter"
	"slices"

	"rollcall/scimsrv"
)

// Create implements [scimsrv.Directory].
func (d *Directory) Create(ctx context.Context, c scimsrv.Caller, t scimsrv.Type, draft scimsrv.Draft) (scimsrv.Resource, error) {
	if err := ctx.Err(); err != nil {
		return scimsrv.Resource{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	tn := d.tenant(c.Source)
	col := tn.kinds[t]
	if err := errors.Join(col.unique("", draft.Keys), tn.exist(t, draft.Members)); err != nil {
		return scimsrv.Resource{}, err
	}
	tn.seq++
	now := d.now()
	e := &entry{seq: tn.seq, keys: slices.Clone(draft.Keys),
		res: scimsrv.Resource{Type: t, ID: newID(), Rev: 1, Body: draft.Body.Clone(), Created: now, Modified: now}}
	if t == scimsrv.Group {
		e.members = &members{order: list.New(), byID: map[string]*list.Element{}}
		tn.changeMembers(e, draft.Members)
	}
	col.byID[e.res.ID] = e
	col.order = append(col.order, e)
	col.index(e)
	return tn.resource(e, true), nil
}

// unique returns a *UniqueError if another resource than id holds one of the
// unique keys.
func (col *collection) unique(id string, keys []scimsrv.Key) error {
	for _, k := range keys {
		if !k.Unique {
			continue
		}
		for holder := range col.keys[indexKey{k.Attribute, k.Value}] {
			if holder != id && col.byID[holder].claims(k) {
				return &scimsrv.UniqueError{Attribute: k.Attribute, Holder: holder}
			}
		}
	}
	return nil
}

func (e *entry) claims(k scimsrv.Key) bool { return slices.Contains(e.keys, k) }

func (col *collection) index(e *entry) {
	for _, k := range e.keys {
		at := indexKey{k.Attribute, k.Value}
		if col.keys[at] == nil {
			col.keys[at] = map[string]bool{}
		}
		col.keys[at][e.res.ID] = true
	}
}

func (col *collection) unindex(e *entry) {
	for _, k := range e.keys {
		at := indexKey{k.Attribute, k.Value}
		delete(col.keys[at], e.res.ID)
		if len(col.keys[at]) == 0 {
			delete(col.keys, at)
		}
	}
}

// changeMembers applies a change, in the order that [scimsrv.MemberChange] gives.
func (tn *tenant) changeMembers(group *entry, ch scimsrv.MemberChange) {
	m, id := group.members, group.res.ID
	remove := func(member string) {
		if at := m.byID[member]; at != nil {
			m.order.Remove(at)
			delete(m.byID, member)
			delete(tn.groupsOf[member], id)
		}
	}
	if ch.Clear {
		for member := range m.byID {
			remove(member)
		}
	}
	for _, member := range ch.Remove {
		remove(member)
	}
	for _, member := range ch.Add {
		if at := m.byID[member.Value]; at != nil {
			at.Value = member
			continue
		}
		m.byID[member.Value] = m.order.PushBack(member)
		if tn.groupsOf[member.Value] == nil {
			tn.groupsOf[member.Value] = map[string]bool{}
		}
		tn.groupsOf[member.Value][id] = true
	}
}

// exist returns a *MemberError if somebody to be added is no resource.
func (tn *tenant) exist(t scimsrv.Type, ch scimsrv.MemberChange) error {
	for _, m := range ch.Add {
		if t == scimsrv.Group && tn.kinds[scimsrv.User].byID[m.Value] == nil && tn.kinds[scimsrv.Group].byID[m.Value] == nil {
			return &scimsrv.MemberError{ID: m.Value}
		}
	}
	return nil
}

// view is an entry under the write lock.
type view struct {
	tenant *tenant
	entry  *entry
}

func (v view) Resource() scimsrv.Resource { return v.tenant.resource(v.entry, true) }

func (v view) HasMember(id string) bool {
	return v.entry.members != nil && v.entry.members.byID[id] != nil
}

func (v view) Members() iter.Seq[scimsrv.Member] {
	if v.entry.members == nil {
		return func(func(scimsrv.Member) bool) {}
	}
	return v.entry.members.all()
}

// Update implements [scimsrv.Directory].
func (d *Directory) Update(ctx context.Context, c scimsrv.Caller, t scimsrv.Type, id string, change func(scimsrv.View) (scimsrv.Draft, error)) (scimsrv.Resource, error) {
	if err := ctx.Err(); err != nil {
		return scimsrv.Resource{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	tn, e, err := d.find(c, t, id)
	if err != nil {
		return scimsrv.Resource{}, err
	}
	_, _ = change(view{tn, e}) // the first of two runs; see the package comment
	draft, err := change(view{tn, e})
	if errors.Is(err, scimsrv.ErrUnchanged) {
		return tn.resource(e, true), nil
	}
	if err != nil {
		return scimsrv.Resource{}, err
	}
	col := tn.kinds[t]
	if err := errors.Join(col.unique(id, draft.Keys), tn.exist(t, draft.Members)); err != nil {
		return scimsrv.Resource{}, err
	}
	col.unindex(e)
	e.keys = slices.Clone(draft.Keys)
	col.index(e)
	e.res.Body = draft.Body.Clone()
	if t == scimsrv.Group {
		tn.changeMembers(e, draft.Members)
	}
	d.bump(e)
	return tn.resource(e, true), nil
}

func (d *Directory) bump(e *entry) {
	e.res.Rev++
	e.res.Modified = d.now()
}

// Delete implements [scimsrv.Directory]. What is deleted is no member of
// anything any more, which is a new version of those groups.
func (d *Directory) Delete(ctx context.Context, c scimsrv.Caller, t scimsrv.Type, id string, check func(scimsrv.View) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	tn, e, err := d.find(c, t, id)
	if err != nil {
		return err
	}
	if check != nil {
		if err := check(view{tn, e}); err != nil {
			return err
		}
	}
	for group := range tn.groupsOf[id] {
		g := tn.kinds[scimsrv.Group].byID[group]
		tn.changeMembers(g, scimsrv.MemberChange{Remove: []string{id}})
		d.bump(g)
	}
	if t == scimsrv.Group {
		tn.changeMembers(e, scimsrv.MemberChange{Clear: true})
	}
	delete(tn.groupsOf, id)
	col := tn.kinds[t]
	col.unindex(e)
	delete(col.byID, id)
	col.gone[id] = e.seq
	at, _ := slices.BinarySearchFunc(col.order, e, bySeq)
	col.order = slices.Delete(col.order, at, at+1)
	return nil
}
