package reconcile

import (
	"maps"
	"slices"

	"rollcall/appliance/model"
)

// settled is what decisions say, as planning needs it. Records are named by
// position.
type settled struct {
	// last is the last word on a pair of records: merge or separate.
	last map[[2]int]model.Verb
	// groups are records that decisions declared to be one human.
	groups *forest
	// grouped says that there is any such group.
	grouped bool
	// apart holds the pairs of groups between which some pair was put apart.
	apart map[[2]int]bool
	// separated says that any pair was put apart.
	separated bool
	// silenced are the records whose word does not count, because another of the
	// same human is preferred.
	silenced map[int]bool
	allow    map[model.RecordID]map[model.ConflictKind]bool
}

// settle turns decisions into who is the same, who is apart, whose word does not
// count, and what is fine as it is. Values that were set and records that were
// excluded are written over the records of the plan.
func (w *work) settle() {
	s := settled{last: map[[2]int]model.Verb{}, silenced: map[int]bool{}, allow: map[model.RecordID]map[model.ConflictKind]bool{}}
	preferred := map[int]model.RecordID{}
	for _, d := range w.decisions {
		members := w.members(d.Records)
		switch d.Verb {
		case model.Merge:
			s.relate(members, model.Merge, nil)
		case model.Separate:
			s.relate(members, model.Separate, w.members(d.Apart))
		case model.Prefer:
			// One human, and one record of them is right.
			s.relate(members, model.Merge, nil)
			for _, i := range members {
				preferred[i] = d.Record
			}
		case model.Exclude:
			w.overlay(d.Record, func(r *model.Record) {
				r.Scope = model.Scope{State: model.OutOfScope, Reason: "excluded by a decision"}
			})
		case model.Set:
			w.overlay(d.Record, func(r *model.Record) {
				r.Attributes = maps.Clone(r.Attributes)
				if r.Attributes == nil {
					r.Attributes = model.Attributes{}
				}
				r.Attributes[d.Attribute] = d.Value
			})
		case model.Allow:
			for _, i := range members {
				id := w.records[i].ID
				if s.allow[id] == nil {
					s.allow[id] = map[model.ConflictKind]bool{}
				}
				s.allow[id][d.Kind] = true
			}
		}
	}
	s.groups = newForest(len(w.records))
	s.apart = map[[2]int]bool{}
	for p, verb := range s.last {
		if verb == model.Merge {
			s.groups.join(p[0], p[1])
			s.grouped = true
		}
	}
	for p, verb := range s.last {
		if verb == model.Separate {
			s.apart[pair(s.groups.root(p[0]), s.groups.root(p[1]))] = true
			s.separated = true
		}
	}
	// Whom the preferred record has left behind speaks again: nobody is shut out
	// because the better of two records was the one that HR closed. So does who was
	// put apart from it later: of two humans each speaks for themselves.
	for i, id := range preferred {
		if p, ok := w.index[id]; ok && p != i && live(w.records[p], w.in.Today, w.in.Policy) && !s.putApart(i, p) {
			s.silenced[i] = true
		}
	}
	w.settled = s
}

// relate notes the last word on every pair of members; with some of them named,
// on the pairs of a named and another one only.
func (s *settled) relate(members []int, verb model.Verb, named []int) {
	for i, a := range members {
		for _, b := range members[i+1:] {
			if len(named) == 0 || slices.Contains(named, a) != slices.Contains(named, b) {
				s.last[pair(a, b)] = verb
			}
		}
	}
}

// overlay changes a record for this plan only.
func (w *work) overlay(id model.RecordID, change func(*model.Record)) {
	if i, ok := w.index[id]; ok {
		r := *w.records[i]
		change(&r)
		w.records[i] = &r
	}
}

// same reports whether decisions declared two records one human.
func (s *settled) same(a, b int) bool {
	return s.grouped && s.groups.root(a) == s.groups.root(b)
}

// putApart reports whether two records may never share a person. Inside one
// group, where decisions contradict each other, only the pair itself is apart;
// between groups, everybody of the one is apart from everybody of the other.
func (s *settled) putApart(a, b int) bool {
	if !s.separated {
		return false
	}
	if ra, rb := s.groups.root(a), s.groups.root(b); ra != rb {
		return s.apart[pair(ra, rb)]
	}
	return s.last[pair(a, b)] == model.Separate
}

// anyApart reports whether two of the records were put apart.
func (s *settled) anyApart(members []int) bool {
	if !s.separated {
		return false
	}
	for i, a := range members {
		for _, b := range members[i+1:] {
			if s.putApart(a, b) {
				return true
			}
		}
	}
	return false
}

// splitPersons takes records out of a person that decisions put apart: the lowest
// record keeps the person, with those that evidence joins to it; the others look
// for a home anew.
func (w *work) splitPersons() {
	if !w.settled.separated {
		return
	}
	of := map[model.PersonID][]int{}
	for i, r := range w.records {
		if r.Person != "" {
			of[r.Person] = append(of[r.Person], i)
		}
	}
	for _, members := range of {
		if w.settled.anyApart(members) {
			for _, i := range w.leaving(members) {
				w.overlay(w.records[i].ID, func(r *model.Record) { r.Person = "" })
			}
		}
	}
}

// leaving returns which of a person's records, sorted, do not stay with them.
func (w *work) leaving(members []int) (out []int) {
	joined := newForest(len(members))
	for x, a := range members {
		for y := x + 1; y < len(members); y++ {
			b := members[y]
			if !w.settled.putApart(a, b) && (w.settled.same(a, b) || w.shareIdentifier(a, b) && w.identifies(a, b)) {
				joined.join(x, y)
			}
		}
	}
	clusters := map[int][]int{}
	var order []int
	for x, i := range members {
		root := joined.root(x)
		if clusters[root] == nil {
			order = append(order, root)
		}
		clusters[root] = append(clusters[root], i)
	}
	var staying []int
	unwanted := func(i int) bool {
		return slices.ContainsFunc(staying, func(j int) bool { return w.settled.putApart(i, j) })
	}
	for _, root := range order {
		if slices.ContainsFunc(clusters[root], unwanted) {
			out = append(out, clusters[root]...)
			continue
		}
		for _, i := range clusters[root] {
			if unwanted(i) {
				out = append(out, i)
			} else {
				staying = append(staying, i)
			}
		}
	}
	return out
}
