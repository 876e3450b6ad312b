package patch

import (
	"iter"
	"slices"

	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/filter"
)

// MemberChange is a change of a member list: remove everybody if Clear, then
// remove Remove, then add Add. No id is in both lists or twice in one.
type MemberChange struct {
	Clear  bool
	Remove []string
	Add    []Member
}

// IsEmpty reports whether nothing is asked for.
func (c MemberChange) IsEmpty() bool { return !c.Clear && len(c.Remove) == 0 && len(c.Add) == 0 }

// IsEmpty reports whether no operation concerned members.
func (m MemberOps) IsEmpty() bool { return len(m.steps) == 0 }

// NeedsList reports whether Change looks at the stored members: some filter asks
// for more than their value.
func (m MemberOps) NeedsList() bool {
	return slices.ContainsFunc(m.steps, func(s step) bool { return s.where != nil })
}

// Change folds the operations, in their order, into one change. stored yields
// the members of the group; it may be nil unless NeedsList, and may be called
// several times.
func (m MemberOps) Change(stored iter.Seq[Member]) MemberChange {
	f := fold{add: map[string]int{}, remove: map[string]bool{}}
	for _, s := range m.steps {
		if s.clear {
			f = fold{clear: true, add: map[string]int{}, remove: map[string]bool{}}
		}
		for _, id := range s.remove {
			f.drop(id)
		}
		if s.where != nil {
			f.dropWhere(s.where, stored)
		}
		for _, member := range s.add {
			f.put(member)
		}
	}
	return f.change()
}

// fold is a member change in the making.
type fold struct {
	clear   bool
	members []Member       // in the order of their first add; Value is empty once dropped again
	add     map[string]int // id → index into members
	remove  map[string]bool
	removed []string // the ids ever in remove, in order
}

func (f *fold) drop(id string) {
	if i, ok := f.add[id]; ok {
		f.members[i] = Member{}
		delete(f.add, id)
	}
	if !f.clear && !f.remove[id] {
		f.remove[id] = true
		f.removed = append(f.removed, id)
	}
}

// put adds a member, or adds to what an earlier operation said of it.
func (f *fold) put(m Member) {
	if i, ok := f.add[m.Value]; ok {
		if m.Display != "" {
			f.members[i].Display = m.Display
		}
		if m.Type != "" {
			f.members[i].Type = m.Type
		}
		return
	}
	f.add[m.Value] = len(f.members)
	f.members = append(f.members, m)
}

func (f *fold) dropWhere(where *filter.Filter, stored iter.Seq[Member]) {
	var gone []string
	for _, m := range f.members {
		if m.Value != "" && where.Match(m.tree()) {
			gone = append(gone, m.Value)
		}
	}
	if !f.clear && stored != nil {
		for m := range stored {
			if _, added := f.add[m.Value]; !added && !f.remove[m.Value] && where.Match(m.tree()) {
				gone = append(gone, m.Value)
			}
		}
	}
	for _, id := range gone {
		f.drop(id)
	}
}

func (f *fold) change() MemberChange {
	c := MemberChange{Clear: f.clear}
	for _, m := range f.members {
		if m.Value != "" {
			c.Add = append(c.Add, m)
		}
	}
	for _, id := range f.removed {
		// Added again later: the member stays, in its new form.
		if _, added := f.add[id]; !added {
			c.Remove = append(c.Remove, id)
		}
	}
	return c
}

func (m Member) tree() *attr.Object {
	o := attr.NewObject(attr.Member{Name: "value", Value: m.Value})
	if m.Display != "" {
		o.Set("display", m.Display)
	}
	if m.Type != "" {
		o.Set("type", m.Type)
	}
	return o
}
