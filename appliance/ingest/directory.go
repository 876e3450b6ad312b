package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"syscall"
	"time"

	"rollcall/appliance/model"
	"rollcall/appliance/store"
	"rollcall/scimsrv"
	"rollcall/scimsrv/attr"
)

// Directory serves the SCIM routes: what a sender wrote is kept as it is, and
// every user is a record of the sender's source at the same time, in the same
// transaction. It implements [scimsrv.Directory].
type Directory struct{ e *Engine }

// Directory returns the engine's door for SCIM senders.
func (e *Engine) Directory() *Directory { return &Directory{e: e} }

// page is how many resources one transaction of a long walk reads.
const page = 200

// pausedRetry is when the sender of a paused source is told to come back.
const pausedRetry = 10 * time.Minute

// errUnchanged rolls a write back that has nothing to change.
var errUnchanged = errors.New("unchanged")

// Get implements scimsrv.Directory.
func (d *Directory) Get(_ context.Context, c scimsrv.Caller, t scimsrv.Type, id string) (scimsrv.Resource, error) {
	var out scimsrv.Resource
	err := d.e.store.View(func(tx *store.Tx) error {
		r, ok, err := store.Resources.Get(tx, store.ResourceKey{Source: c.Source, Type: string(t), ID: id})
		if err != nil {
			return err
		}
		if !ok {
			return scimsrv.ErrNotFound
		}
		out, err = resource(tx, r, scimsrv.Query{NeedGroups: true})
		return err
	})
	return out, err
}

// resource turns a stored resource into what a query asks for.
func resource(tx *store.Tx, r store.Resource, q scimsrv.Query) (scimsrv.Resource, error) {
	var body *attr.Object
	outlined := false
	if q.Outline && q.Match == nil {
		body, outlined = attr.Outline(r.Body)
	}
	if !outlined {
		var err error
		if body, err = attr.Decode(r.Body, attr.Stored()); err != nil {
			return scimsrv.Resource{}, unreadable(r, err)
		}
	}
	out := scimsrv.Resource{Type: scimsrv.Type(r.Type), ID: r.ID, Rev: r.Rev, Body: body, Created: r.Created, Modified: r.Modified, MemberCount: r.Members}
	if !q.NeedGroups || out.Type != scimsrv.User || store.MemberOf.Count(tx, store.Prefix(r.Source, r.ID), 1) == 0 {
		return out, nil
	}
	var err error
	out.Groups, err = groupsOf(tx, r)
	return out, err
}

// unreadable does not wrap what decoding says, which would be the sender's mistake.
func unreadable(r store.Resource, err error) error {
	return fmt.Errorf("resource %s cannot be read: %v; run verify", r.ID, err)
}

// groupsOf returns the groups that a user is a direct member of.
func groupsOf(tx *store.Tx, r store.Resource) ([]scimsrv.Member, error) {
	var out []scimsrv.Member
	for m, err := range store.MemberOf.Find(tx, store.Key(r.Source, r.ID)) {
		if err != nil {
			return out, err
		}
		g, ok, err := store.Resources.Get(tx, store.ResourceKey{Source: r.Source, Type: string(scimsrv.Group), ID: m.Group})
		if err != nil {
			return out, err
		}
		if !ok {
			continue
		}
		name, err := attr.Decode(g.Body, attr.Stored())
		if err != nil {
			return out, unreadable(g, err)
		}
		out = append(out, scimsrv.Member{Value: m.Group, Display: name.String("displayName"), Type: scimsrv.Group})
	}
	return out, nil
}

// Select implements scimsrv.Directory.
func (d *Directory) Select(ctx context.Context, c scimsrv.Caller, q scimsrv.Query, after string) iter.Seq2[scimsrv.Resource, error] {
	return func(yield func(scimsrv.Resource, error) bool) {
		from, err := d.order(c, q.Type, after)
		if err != nil {
			yield(scimsrv.Resource{}, err)
			return
		}
		if len(q.Keys) > 0 {
			d.selectKeys(c, q, from, yield)
			return
		}
		for {
			batch, next, err := d.walk(c, q, from)
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(scimsrv.Resource{}, err)
				return
			}
			for _, r := range batch {
				if !yield(r, nil) {
					return
				}
			}
			if next == 0 {
				return
			}
			from = next
		}
	}
}

// order returns the order number of a resource, also of one that is gone by now
// as far as it can be known: a walk that loses its place begins behind the end.
func (d *Directory) order(c scimsrv.Caller, t scimsrv.Type, id string) (uint64, error) {
	if id == "" {
		return 0, nil
	}
	var seq uint64
	err := d.e.store.View(func(tx *store.Tx) error {
		r, ok, err := store.Resources.Get(tx, store.ResourceKey{Source: c.Source, Type: string(t), ID: id})
		if err == nil && !ok {
			err = scimsrv.ErrNotFound
		}
		seq = r.Seq
		return err
	})
	return seq, err
}

// walk reads the next resources in order of creation; next is 0 at the end.
func (d *Directory) walk(c scimsrv.Caller, q scimsrv.Query, from uint64) (out []scimsrv.Resource, next uint64, err error) {
	err = d.e.store.View(func(tx *store.Tx) error {
		prefix := store.Prefix(c.Source, string(q.Type))
		var after []byte
		if from > 0 {
			after = append(slices.Clone(prefix), store.Seq(from)...)
		}
		n := 0
		for r, err := range store.ResourceByOrder.PrefixAfter(tx, prefix, after) {
			if err != nil {
				return err
			}
			res, err := resource(tx, r, q)
			if err != nil {
				return err
			}
			if q.Match == nil || q.Match(res) {
				out = append(out, res)
			}
			if n++; n == page {
				next = r.Seq
				return nil
			}
		}
		return nil
	})
	return out, next, err
}

// selectKeys answers a query by index. The keys are alternatives; what they find
// is brought into the order of creation.
func (d *Directory) selectKeys(c scimsrv.Caller, q scimsrv.Query, from uint64, yield func(scimsrv.Resource, error) bool) {
	var found []store.Resource
	var out []scimsrv.Resource
	err := d.e.store.View(func(tx *store.Tx) error {
		for _, k := range q.Keys {
			rows, err := byKey(tx, c.Source, q.Type, k)
			if err != nil {
				return err
			}
			if len(q.Keys) == 1 {
				found = rows
				break
			}
			found = append(found, rows...)
		}
		slices.SortFunc(found, func(a, b store.Resource) int { return cmp.Compare(a.Seq, b.Seq) })
		found = slices.CompactFunc(found, func(a, b store.Resource) bool { return a.Seq == b.Seq })
		for _, r := range found {
			if r.Seq <= from {
				continue
			}
			res, err := resource(tx, r, q)
			if err != nil {
				return err
			}
			if q.Match == nil || q.Match(res) {
				out = append(out, res)
			}
		}
		return nil
	})
	if err != nil {
		yield(scimsrv.Resource{}, err)
		return
	}
	for _, r := range out {
		if !yield(r, nil) {
			return
		}
	}
}

// byKey finds resources by one key. Ids and memberships have indexes of their
// own; everything else is among the keys stored with the resource.
func byKey(tx *store.Tx, source string, t scimsrv.Type, k scimsrv.Key) ([]store.Resource, error) {
	var out []store.Resource
	switch k.Attribute {
	case "id":
		r, ok, err := store.Resources.Get(tx, store.ResourceKey{Source: source, Type: string(t), ID: k.Value})
		if ok {
			out = append(out, r)
		}
		return out, err
	case "members", "members.value":
		for m, err := range store.MemberOf.Find(tx, store.Key(source, k.Value)) {
			if err != nil {
				return nil, err
			}
			r, ok, err := store.Resources.Get(tx, store.ResourceKey{Source: source, Type: string(scimsrv.Group), ID: m.Group})
			if err != nil {
				return nil, err
			}
			if ok {
				out = append(out, r)
			}
		}
		return out, nil
	}
	key := store.Key(source, string(t), k.Attribute, k.Value)
	if k.Unique {
		r, ok, err := store.ResourceByUnique.One(tx, key)
		if ok {
			out = append(out, r)
		}
		return out, err
	}
	for r, err := range store.ResourceByKey.Find(tx, key) {
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// Count implements scimsrv.Directory.
func (d *Directory) Count(_ context.Context, c scimsrv.Caller, t scimsrv.Type) (n int, err error) {
	err = d.e.store.View(func(tx *store.Tx) error {
		n = tx.Count(c.Source, string(t))
		return nil
	})
	return n, err
}

// Members implements scimsrv.Directory.
func (d *Directory) Members(ctx context.Context, c scimsrv.Caller, group string) iter.Seq2[scimsrv.Member, error] {
	return func(yield func(scimsrv.Member, error) bool) {
		prefix := store.Prefix(c.Source, group)
		var after []byte
		for {
			var part []scimsrv.Member
			err := d.e.store.View(func(tx *store.Tx) error {
				if !store.Resources.Has(tx, store.ResourceKey{Source: c.Source, Type: string(scimsrv.Group), ID: group}) {
					return scimsrv.ErrNotFound
				}
				for m, err := range store.Members.From(tx, prefix, after) {
					if err != nil {
						return err
					}
					part = append(part, scimsrv.Member{Value: m.Value, Display: m.Display, Type: scimsrv.Type(m.Type)})
					if len(part) == page {
						break
					}
				}
				return nil
			})
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(scimsrv.Member{}, err)
				return
			}
			for _, m := range part {
				if !yield(m, nil) {
					return
				}
			}
			if len(part) < page {
				return
			}
			after = append(slices.Clone(prefix), part[len(part)-1].Value...)
		}
	}
}

// HasMember implements scimsrv.Directory.
func (d *Directory) HasMember(_ context.Context, c scimsrv.Caller, group, id string) (has bool, err error) {
	err = d.e.store.View(func(tx *store.Tx) error {
		if !store.Resources.Has(tx, store.ResourceKey{Source: c.Source, Type: string(scimsrv.Group), ID: group}) {
			return scimsrv.ErrNotFound
		}
		has = store.Members.Has(tx, store.MemberKey{Source: c.Source, Group: group, Member: id})
		return nil
	})
	return has, err
}

// write runs a SCIM write as one change. A full disk is told as unavailable, so
// that the sender comes back instead of taking its request for wrong.
func (d *Directory) write(c scimsrv.Caller, fn func(*change) error) error {
	err := d.e.share("token:"+c.Source+"/"+c.TokenID, 0, model.JobReady, func(ch *change) error {
		ch.sender = c.Source
		s, err := ch.source(c.Source)
		if err != nil {
			return err
		}
		if s.State == store.Paused {
			return &scimsrv.UnavailableError{RetryAfter: pausedRetry, Err: errors.New("the operator paused this source")}
		}
		return fn(ch)
	})
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EROFS) {
		return &scimsrv.UnavailableError{RetryAfter: time.Minute, Err: errors.New("the disk takes no more data")}
	}
	return err
}

// Create implements scimsrv.Directory. Whatever needs no look at the database is
// done before the transaction, which others wait for.
func (d *Directory) Create(_ context.Context, c scimsrv.Caller, t scimsrv.Type, draft scimsrv.Draft) (scimsrv.Resource, error) {
	fresh := hold(store.Resource{Source: c.Source, Type: string(t), ID: store.NewID(idPrefix(t)), Rev: 1}, draft)
	settings := d.e.Settings()
	said, err := settings.said(fresh)
	if err != nil {
		return scimsrv.Resource{}, err
	}
	var r store.Resource
	err = d.write(c, func(ch *change) error {
		// Refusals come before the first write, so that they cost nobody who
		// shares the transaction anything.
		if err := ch.free(c.Source, string(t), "", draft.Keys); err != nil {
			return err
		}
		if err := ch.exist(fresh, draft.Members); err != nil {
			return err
		}
		r = fresh
		var err error
		if r.Seq, err = ch.tx.NextResource(); err != nil {
			return err
		}
		r.Created, r.Modified = ch.at, ch.at
		if err := ch.tx.AddCount(c.Source, string(t), 1); err != nil {
			return err
		}
		if err := ch.memberChange(&r, draft.Members); err != nil {
			return err
		}
		if ch.settings == settings {
			return ch.putResource(r, said)
		}
		again, err := ch.settings.said(r) // the configuration was reloaded meanwhile
		if err != nil {
			return err
		}
		return ch.putResource(r, again)
	})
	return scimsrv.Resource{Type: t, ID: r.ID, Rev: r.Rev, Body: draft.Body, Created: r.Created, Modified: r.Modified, MemberCount: r.Members}, err
}

func idPrefix(t scimsrv.Type) string {
	if t == scimsrv.Group {
		return "g"
	}
	return "u"
}

// free refuses keys that must be unique and belong to another resource than id.
func (c *change) free(source, t, id string, keys []scimsrv.Key) error {
	for _, k := range keys {
		if !k.Unique {
			continue
		}
		holder, taken, err := store.ResourceByUnique.One(c.tx, store.Key(source, t, k.Attribute, k.Value))
		if err != nil {
			return err
		}
		if taken && holder.ID != id {
			return &scimsrv.UniqueError{Attribute: k.Attribute, Holder: holder.ID}
		}
	}
	return nil
}

// exist refuses to add to a group what is no resource of its source, or not any
// more: the service looked before the transaction.
func (c *change) exist(group store.Resource, m scimsrv.MemberChange) error {
	if scimsrv.Type(group.Type) != scimsrv.Group {
		return nil
	}
	for _, member := range m.Add {
		known := false
		for _, t := range []scimsrv.Type{scimsrv.User, scimsrv.Group} {
			known = known || store.Resources.Has(c.tx, store.ResourceKey{Source: group.Source, Type: string(t), ID: member.Value})
		}
		if !known {
			return &scimsrv.MemberError{ID: member.Value}
		}
	}
	return nil
}

// hold puts body and keys of a draft into a resource.
func hold(r store.Resource, draft scimsrv.Draft) store.Resource {
	r.Body = attr.Append(nil, draft.Body)
	r.Keys = make([]store.ResourceIndex, len(draft.Keys))
	for i, k := range draft.Keys {
		r.Keys[i] = store.ResourceIndex{Attribute: k.Attribute, Value: k.Value, Unique: k.Unique}
	}
	return r
}

// said is what a user resource says about a person; nothing for a group.
func (s *Settings) said(r store.Resource) (model.Observation, error) {
	if scimsrv.Type(r.Type) != scimsrv.User {
		return model.Observation{}, nil
	}
	source := s.Sources[r.Source]
	if source.MapResource == nil {
		return model.Observation{}, fmt.Errorf("source %s takes no SCIM resources", r.Source)
	}
	o, err := source.MapResource(r.Body)
	if err != nil {
		return o, err
	}
	o.Native = r.ID
	for _, k := range r.Keys {
		switch k.Attribute {
		case "username":
			o.Names = append(o.Names, model.Reference{By: model.RefUserName, Value: k.Value})
		case "externalid":
			o.Names = append(o.Names, model.Reference{By: model.RefExternalID, Value: k.Value})
		}
	}
	if source.Adjust != nil {
		o.Document = r.Body
		source.Adjust(&o)
	}
	// The document stands in the resource; a second copy would only age.
	o.Document = nil
	return o, nil
}

// putResource stores a resource and, for a user, the record made of what it says.
func (c *change) putResource(r store.Resource, said model.Observation) error {
	key := store.ResourceKey{Source: r.Source, Type: r.Type, ID: r.ID}
	if err := store.Resources.Put(c.tx, key, r); err != nil {
		return err
	}
	if scimsrv.Type(r.Type) == scimsrv.Group {
		return c.touchGroup(model.GroupRef{Source: r.Source, Group: r.ID})
	}
	if scimsrv.Type(r.Type) != scimsrv.User {
		return nil
	}
	return c.recordOf(r.Source, said)
}

// recordOf stores what a user resource says as a record and plans its neighbourhood.
func (c *change) recordOf(source string, said model.Observation) error {
	s, err := c.source(source)
	if err != nil {
		return err
	}
	staged := s.Staged()
	var d digester
	rec, old, changed, err := c.observe(source, c.settings.Sources[source], observed{Observation: said, digest: d.digest(&said)}, clearAbsent, staged)
	if err != nil || !changed || staged {
		return err
	}
	var before []model.Record
	if old != nil {
		before = append(before, *old)
	}
	return c.settle([]model.RecordID{rec.ID}, before)
}

// memberChange applies a change of a group's members, member by member: a group
// of fifty thousand is never rewritten for one.
func (c *change) memberChange(r *store.Resource, m scimsrv.MemberChange) error {
	if scimsrv.Type(r.Type) != scimsrv.Group {
		return nil
	}
	if m.Clear {
		var all []string
		for member, err := range store.Members.Each(c.tx, store.Prefix(r.Source, r.ID)) {
			if err != nil {
				return err
			}
			all = append(all, member.Value)
		}
		m.Remove = append(all, m.Remove...)
	}
	for _, id := range m.Remove {
		key := store.MemberKey{Source: r.Source, Group: r.ID, Member: id}
		if !store.Members.Has(c.tx, key) {
			continue
		}
		if err := store.Members.Delete(c.tx, key); err != nil {
			return err
		}
		r.Members--
	}
	for _, member := range m.Add {
		key := store.MemberKey{Source: r.Source, Group: r.ID, Member: member.Value}
		if !store.Members.Has(c.tx, key) {
			r.Members++
		}
		row := store.Member{Source: r.Source, Group: r.ID, Value: member.Value, Display: member.Display, Type: string(member.Type)}
		if err := store.Members.Put(c.tx, key, row); err != nil {
			return err
		}
	}
	return nil
}

// view is a resource inside a write.
type view struct {
	c   *change
	row store.Resource
	res scimsrv.Resource
}

func (v *view) Resource() scimsrv.Resource { return v.res }

func (v *view) HasMember(id string) bool {
	return store.Members.Has(v.c.tx, store.MemberKey{Source: v.row.Source, Group: v.row.ID, Member: id})
}

func (v *view) Members() iter.Seq[scimsrv.Member] {
	return func(yield func(scimsrv.Member) bool) {
		for m, err := range store.Members.Each(v.c.tx, store.Prefix(v.row.Source, v.row.ID)) {
			if err != nil || !yield(scimsrv.Member{Value: m.Value, Display: m.Display, Type: scimsrv.Type(m.Type)}) {
				return
			}
		}
	}
}

func (c *change) view(caller scimsrv.Caller, t scimsrv.Type, id string) (*view, error) {
	row, ok, err := store.Resources.Get(c.tx, store.ResourceKey{Source: caller.Source, Type: string(t), ID: id})
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, scimsrv.ErrNotFound
	}
	res, err := resource(c.tx, row, scimsrv.Query{NeedGroups: true})
	return &view{c: c, row: row, res: res}, err
}

// Update implements scimsrv.Directory.
func (d *Directory) Update(_ context.Context, c scimsrv.Caller, t scimsrv.Type, id string, fn func(scimsrv.View) (scimsrv.Draft, error)) (scimsrv.Resource, error) {
	var out scimsrv.Resource
	err := d.write(c, func(ch *change) error {
		v, err := ch.view(c, t, id)
		if err != nil {
			return err
		}
		out = v.res
		draft, err := fn(v)
		if errors.Is(err, scimsrv.ErrUnchanged) {
			return errUnchanged
		}
		if err != nil {
			return err
		}
		if err := ch.free(c.Source, string(t), id, draft.Keys); err != nil {
			return err
		}
		if err := ch.exist(v.row, draft.Members); err != nil {
			return err
		}
		row := hold(v.row, draft)
		said, err := ch.settings.said(row)
		if err != nil {
			return err
		}
		row.Rev++
		row.Modified = ch.at
		if err := ch.memberChange(&row, draft.Members); err != nil {
			return err
		}
		out.Rev, out.Modified, out.Body, out.MemberCount = row.Rev, row.Modified, draft.Body, row.Members
		return ch.putResource(row, said)
	})
	if errors.Is(err, errUnchanged) {
		return out, nil
	}
	return out, err
}

// Delete implements scimsrv.Directory. The record stays as one that is gone: it
// is evidence of leaving, and tells a rehire from a stranger.
func (d *Directory) Delete(_ context.Context, c scimsrv.Caller, t scimsrv.Type, id string, check func(scimsrv.View) error) error {
	return d.write(c, func(ch *change) error {
		v, err := ch.view(c, t, id)
		if err != nil {
			return err
		}
		if check != nil {
			if err := check(v); err != nil {
				return err
			}
		}
		row := v.row
		if err := ch.memberChange(&row, scimsrv.MemberChange{Clear: true}); err != nil {
			return err
		}
		if err := ch.leaveGroups(row); err != nil {
			return err
		}
		if err := store.Resources.Delete(ch.tx, store.ResourceKey{Source: c.Source, Type: string(t), ID: id}); err != nil {
			return err
		}
		if err := ch.tx.AddCount(c.Source, string(t), -1); err != nil {
			return err
		}
		if t == scimsrv.Group {
			return ch.touchGroup(model.GroupRef{Source: c.Source, Group: id})
		}
		if t != scimsrv.User {
			return nil
		}
		rec, ok, err := store.RecordByNative.One(ch.tx, store.Key(c.Source, id))
		if err != nil || !ok {
			return err
		}
		old := rec
		rec.Gone, rec.Status, rec.RawStatus, rec.Changed = true, model.Inactive, "deleted by the sender", ch.at
		rec.Rev++
		if err := store.Records.Put(ch.tx, rec.ID, rec); err != nil || rec.Staged {
			return err
		}
		return ch.settle([]model.RecordID{rec.ID}, []model.Record{old})
	})
}

// leaveGroups ends the memberships of a resource that is deleted.
func (c *change) leaveGroups(r store.Resource) error {
	var of []store.Member
	for m, err := range store.MemberOf.Find(c.tx, store.Key(r.Source, r.ID)) {
		if err != nil {
			return err
		}
		of = append(of, m)
	}
	for _, m := range of {
		if err := store.Members.Delete(c.tx, store.MemberKey{Source: m.Source, Group: m.Group, Member: m.Value}); err != nil {
			return err
		}
		key := store.ResourceKey{Source: m.Source, Type: string(scimsrv.Group), ID: m.Group}
		g, ok, err := store.Resources.Get(c.tx, key)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		g.Members--
		g.Rev++ // with a member less it is another version
		g.Modified = c.at
		if err := store.Resources.Put(c.tx, key, g); err != nil {
			return err
		}
		if err := c.touchGroup(model.GroupRef{Source: m.Source, Group: m.Group}); err != nil {
			return err
		}
	}
	return nil
}
