package ingest

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"rollcall/appliance/model"
	"rollcall/appliance/store"
	"rollcall/scimsrv"
	"rollcall/scimsrv/attr"
)

// A source that is read lists people and no groups. Those that its settings ask for are
// made of what its records say: each value of an attribute is a group, and whoever's
// record says it is a member. They are stored beside the groups that senders push and
// from there on are the same: see [Engine.LookGroup].
//
// Who is in them follows from the records alone, so that [Engine.VerifyGroups] can make
// them again. A record that is not listed any more, or says that its person left, goes
// on saying what it said last: absence takes nobody out of a group, nor does a status;
// only another value, a null or the scope does. A group stays when nobody is left.

// madeOf is the key under which such a group keeps the attribute that it is made of.
const madeOf = "attribute"

// GroupAttribute returns the attribute whose value a group is; empty for one that its
// sender pushed.
func GroupAttribute(r store.Resource) model.Name {
	for _, k := range r.Keys {
		if k.Attribute == madeOf {
			return model.Name(k.Value)
		}
	}
	return ""
}

// fact is one value of one attribute.
type fact struct {
	attribute model.Name
	value     string
}

// groupsSaid returns the groups that a record puts its person into, by id. An id follows
// from source, attribute and value: the same value is the same group, always.
func (e *Engine) groupsSaid(settings *Settings, r *model.Record) map[string]fact {
	out := map[string]fact{}
	if r.Scope.State == model.OutOfScope {
		return out
	}
	for _, n := range settings.Sources[r.Source].Groups {
		value := strings.TrimSpace(r.Attributes.Text(n))
		if value != "" && !r.Attributes[n].Null {
			out["g_"+e.digest([]string{"group", r.Source, string(n), value})] = fact{n, value}
		}
	}
	return out
}

// regroup brings the groups that a record of a polled source is in, under an id of that
// source, in line with what it says; nil takes it out of all.
func (c *change) regroup(source, native string, r *model.Record) error {
	settings, ok := c.settings.Sources[source]
	if settings.MapResource != nil || !ok && r != nil || len(settings.Groups) == 0 && c.tx.Count(source, string(scimsrv.Group)) == 0 {
		return nil
	}
	join := map[string]fact{}
	if r != nil {
		join = c.e.groupsSaid(c.settings, r)
	}
	var leave []string
	for m, err := range store.MemberOf.Find(c.tx, store.Key(source, native)) {
		if err != nil {
			return err
		}
		if _, stays := join[m.Group]; stays {
			delete(join, m.Group)
			continue
		}
		leave = append(leave, m.Group)
	}
	for _, id := range leave {
		row, there, err := store.Resources.Get(c.tx, store.ResourceKey{Source: source, Type: string(scimsrv.Group), ID: id})
		if err != nil {
			return err
		}
		if !there || GroupAttribute(row) == "" {
			continue // of a sender that had this name before
		}
		if err := c.putGroup(row, scimsrv.MemberChange{Remove: []string{native}}); err != nil {
			return err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(join)) {
		row, err := c.groupOf(source, id, join[id])
		if err == nil {
			err = c.putGroup(row, scimsrv.MemberChange{Add: []scimsrv.Member{{Value: native, Type: scimsrv.User}}})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// groupOf returns the group of a value, a new one when there is none yet.
func (c *change) groupOf(source, id string, of fact) (store.Resource, error) {
	row, had, err := store.Resources.Get(c.tx, store.ResourceKey{Source: source, Type: string(scimsrv.Group), ID: id})
	if err != nil {
		return row, err
	}
	if had {
		return row, nil
	}
	row = store.Resource{Source: source, Type: string(scimsrv.Group), ID: id, Created: c.at,
		Body: attr.Append(nil, attr.NewObject(attr.Member{Name: "displayName", Value: of.value})),
		Keys: []store.ResourceIndex{{Attribute: madeOf, Value: string(of.attribute)}}}
	if row.Seq, err = c.tx.NextResource(); err != nil {
		return row, err
	}
	return row, c.tx.AddCount(source, row.Type, 1)
}

func (c *change) putGroup(row store.Resource, m scimsrv.MemberChange) error {
	if err := c.memberChange(&row, m); err != nil {
		return err
	}
	row.Rev++
	row.Modified = c.at
	key, ref := store.ResourceKey{Source: row.Source, Type: row.Type, ID: row.ID}, model.GroupRef{Source: row.Source, Group: row.ID}
	if err := store.Resources.Put(c.tx, key, row); err != nil || c.grouped[ref] {
		return err
	}
	c.grouped[ref] = true
	return c.touchGroup(ref)
}

// dropGroups removes the groups of a source that are made of what its settings do not
// name any more. In targets they stay as they are.
func (c *change) dropGroups(source string) error {
	settings, ok := c.settings.Sources[source]
	if !ok || settings.MapResource != nil {
		return nil
	}
	var gone []store.Resource
	for r, err := range store.ResourceByOrder.Prefix(c.tx, store.Prefix(source, string(scimsrv.Group))) {
		if err != nil {
			return err
		}
		if n := GroupAttribute(r); n != "" && !slices.Contains(settings.Groups, n) {
			gone = append(gone, r)
		}
	}
	for _, r := range gone {
		if err := c.dropGroup(r); err != nil {
			return err
		}
	}
	return nil
}

// dropGroup removes a group. In targets it stays as it is.
func (c *change) dropGroup(r store.Resource) error {
	return errors.Join(c.memberChange(&r, scimsrv.MemberChange{Clear: true}),
		store.Resources.Delete(c.tx, store.ResourceKey{Source: r.Source, Type: r.Type, ID: r.ID}), c.tx.AddCount(r.Source, r.Type, -1),
		c.touchGroup(model.GroupRef{Source: r.Source, Group: r.ID}))
}

// regrouped notes that the groups of a record may differ because it belongs to somebody
// else from now on. Who has no account yet is noted when they get one.
func (c *change) regrouped(r model.Record, before model.PersonID) error {
	there := before != ""
	for _, t := range c.settings.Targets {
		there = there || t.Groups && store.Deliveries.Has(c.tx, store.TargetPerson{Target: t.Name, Person: r.Person})
	}
	if !there {
		return nil
	}
	return c.touchGroupsIn(r)
}

// releaseGroups has the groups looked at that waited for the end of a run: what a read
// found page by page is judged together.
func (c *change) releaseGroups(run uint64) error {
	var waiting []model.GroupJob
	for j, err := range store.GroupJobs.Each(c.tx, nil) {
		if err != nil {
			return err
		}
		if j.State == model.JobOpen && j.Run == run {
			waiting = append(waiting, j)
		}
	}
	for _, j := range waiting {
		j.State, j.Run, j.Reason = model.JobReady, 0, ""
		c.kicks[j.Target] = true
		if err := store.GroupJobs.Put(c.tx, store.TargetGroup{Target: j.Target, GroupRef: j.GroupRef}, j); err != nil {
			return err
		}
	}
	return nil
}

// VerifyGroups makes the groups of the polled sources again out of all records, and
// notes what is not as it is stored.
func (e *Engine) VerifyGroups(tx *store.Tx, records []model.Record, note func(format string, args ...any)) error {
	settings := e.Settings()
	groups := map[model.GroupRef]fact{}
	missing := map[store.MemberKey]bool{}
	for i := range records {
		r := &records[i]
		for id, of := range e.groupsSaid(settings, r) {
			groups[model.GroupRef{Source: r.Source, Group: id}] = of
			missing[store.MemberKey{Source: r.Source, Group: id, Member: r.Native}] = true
		}
	}
	for source, set := range settings.Sources {
		if set.MapResource != nil {
			continue
		}
		for r, err := range store.ResourceByOrder.Prefix(tx, store.Prefix(source, string(scimsrv.Group))) {
			if err != nil {
				return err
			}
			ref := model.GroupRef{Source: source, Group: r.ID}
			if GroupAttribute(r) == "" {
				continue
			}
			n := 0
			for m, err := range store.Members.Each(tx, store.Prefix(source, r.ID)) {
				if err != nil {
					return err
				}
				n++
				key := store.MemberKey{Source: source, Group: r.ID, Member: m.Value}
				if !missing[key] {
					note("%s of %s is in the group %s and does not say so", m.Value, source, ref)
				}
				delete(missing, key)
			}
			if n != r.Members {
				note("the group %s counts %d members and has %d", ref, r.Members, n)
			}
			name, err := GroupName(tx, ref)
			if err != nil {
				return err
			}
			if of, wanted := groups[ref]; wanted && (of.value != name || of.attribute != GroupAttribute(r)) {
				note("the group %s is not called what its members say", ref)
			}
		}
	}
	for key := range missing {
		note("%s of %s should be in the group %s/%s and is not", key.Member, key.Source, key.Source, key.Group)
	}
	return nil
}
