package reconcile

import (
	"cmp"
	"slices"

	"pgregory.net/rapid"

	"rollcall/appliance/identity"
	"rollcall/appliance/model"
)

// restated is a world seen without the planner: who was said to be one human, who
// to be two, what each record counts as. It is written to be obvious, not fast,
// and shares no code with what it judges.
type restated struct {
	w         *world
	ids       []model.RecordID
	excluded  map[model.RecordID]bool
	passed    map[model.RecordID]bool // silenced by a preference
	allowed   map[model.RecordID]bool
	set       map[model.RecordID]map[model.Name]model.Value
	word      map[[2]model.RecordID]model.Verb // the last word on a pair, both ways round
	one       map[model.RecordID]int           // groups of records that were declared one
	carriers  map[model.Identifier]int
	decisions []model.Decision
}

func restate(w *world) *restated {
	s := &restated{w: w, ids: w.ids(), excluded: map[model.RecordID]bool{}, passed: map[model.RecordID]bool{}, allowed: map[model.RecordID]bool{},
		set: map[model.RecordID]map[model.Name]model.Value{}, word: map[[2]model.RecordID]model.Verb{}, one: map[model.RecordID]int{}, carriers: map[model.Identifier]int{}}
	for _, d := range w.decisions {
		s.decisions = append(s.decisions, d)
	}
	slices.SortFunc(s.decisions, func(a, b model.Decision) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	preferred := map[model.RecordID]model.RecordID{}
	for _, d := range s.decisions {
		for _, a := range d.Records {
			switch d.Verb {
			case model.Prefer:
				preferred[a] = d.Record
			case model.Allow:
				s.allowed[a] = true
			}
			for _, b := range d.Records {
				apart := len(d.Apart) == 0 || slices.Contains(d.Apart, a) != slices.Contains(d.Apart, b)
				if d.Verb == model.Merge || d.Verb == model.Prefer {
					s.word[[2]model.RecordID{a, b}] = model.Merge
				} else if d.Verb == model.Separate && apart {
					s.word[[2]model.RecordID{a, b}] = model.Separate
				}
			}
		}
		switch d.Verb {
		case model.Exclude:
			s.excluded[d.Record] = true
		case model.Set:
			if s.set[d.Record] == nil {
				s.set[d.Record] = map[model.Name]model.Value{}
			}
			s.set[d.Record][d.Attribute] = d.Value
		}
	}
	for i, id := range s.ids {
		s.one[id] = i
	}
	for range s.ids { // until nothing moves
		for _, a := range s.ids {
			for _, b := range s.ids {
				if a != b && s.word[[2]model.RecordID{a, b}] == model.Merge {
					lower := min(s.one[a], s.one[b])
					s.one[a], s.one[b] = lower, lower
				}
			}
		}
	}
	for a, p := range preferred {
		s.passed[a] = a != p && s.current(p) && !s.apart(a, p)
	}
	for _, r := range w.records {
		seen := map[model.Identifier]bool{}
		for _, id := range slices.Concat(r.Identifiers, r.Former) {
			if !seen[id] {
				s.carriers[id]++
			}
			seen[id] = true
		}
	}
	return s
}

// counts reports whether a record takes part.
func (s *restated) counts(id model.RecordID) bool {
	return !s.excluded[id] && s.w.records[id].Scope.State != model.OutOfScope
}

// current reports whether a record stands for somebody who works here.
func (s *restated) current(id model.RecordID) bool {
	r := s.w.records[id]
	gone := r.Gone && (s.w.policy.AbsentDeactivates || r.Status == model.Inactive)
	return s.counts(id) && !gone && !r.Gone && r.Status != model.Inactive
}

// apart reports whether two records may not share a person: one of the other's
// group was put apart from one of one's own.
func (s *restated) apart(a, b model.RecordID) bool {
	if s.one[a] == s.one[b] {
		return s.word[[2]model.RecordID{a, b}] == model.Separate
	}
	for _, x := range s.ids {
		for _, y := range s.ids {
			if s.one[x] == s.one[a] && s.one[y] == s.one[b] && s.word[[2]model.RecordID{x, y}] == model.Separate {
				return true
			}
		}
	}
	return false
}

func (s *restated) alike(a, b model.RecordID) bool {
	x, y := s.w.records[a].Attributes, s.w.records[b].Attributes
	if bx, by := x.Text(model.BirthDate), y.Text(model.BirthDate); bx != "" && by != "" {
		return bx == by
	}
	return x.Text(model.GivenName) == y.Text(model.GivenName)
}

// shared returns an identifier that says of two records that they are one.
func (s *restated) shared(a, b model.RecordID) bool {
	for _, id := range s.w.records[a].Identifiers {
		if s.carriers[id] <= s.w.policy.HotLimit && slices.Contains(s.w.records[b].Identifiers, id) {
			return true
		}
	}
	return false
}

// asked reports whether an open question lists all of the records.
func (s *restated) asked(ids ...model.RecordID) bool {
	for _, c := range s.w.conflicts {
		if !slices.ContainsFunc(ids, func(id model.RecordID) bool { return !slices.Contains(c.Records, id) }) {
			return true
		}
	}
	return false
}

// pairs judges every two records.
func (s *restated) pairs(t *rapid.T) {
	for i, a := range s.ids {
		for _, b := range s.ids[i+1:] {
			pa, pb := s.w.records[a].Person, s.w.records[b].Person
			together := pa != "" && pa == pb
			switch {
			case s.word[[2]model.RecordID{a, b}] == model.Separate && together, s.apart(a, b) && together:
				t.Fatalf("apart: %s and %s were put apart and share %s", a, b, pa)
			case s.one[a] == s.one[b] && !together && !s.asked(a, b):
				t.Fatalf("merged: %s and %s were declared one, are not, and nobody is asked", a, b)
			case together && s.one[a] != s.one[b] && s.w.records[a].Source == s.w.records[b].Source && s.current(a) && s.current(b) &&
				!s.passed[a] && !s.passed[b] && len(s.w.persons[pa].Held) == 0:
				t.Fatalf("duplicates: two current records of one source, %s and %s, share %s undisturbed", a, b, pa)
			case !together && s.counts(a) && s.counts(b) && s.shared(a, b) && !s.apart(a, b) && !s.asked(a, b) &&
				(s.current(a) && !s.passed[a] || s.current(b) && !s.passed[b]):
				t.Fatalf("evidence: %s and %s share an identifier, are two people, and nobody is asked", a, b)
			}
		}
	}
}

// alone judges every record by itself, and how it came to its person.
func (s *restated) alone(t *rapid.T, before map[model.RecordID]model.PersonID) {
	for _, a := range s.ids {
		p := s.w.records[a].Person
		if p == "" && !s.asked(a) {
			t.Fatalf("placed: %s belongs to nobody, and nobody is asked", a)
		}
		if p == "" || p == before[a] {
			continue
		}
		// It has moved to p. If p was somebody's before, what speaks for it?
		var theirs, newcomers []model.RecordID
		for _, b := range s.ids {
			switch {
			case s.w.records[b].Person != p:
			case before[b] == p:
				theirs = append(theirs, b)
			default:
				newcomers = append(newcomers, b)
			}
		}
		for moved := len(theirs) > 0; moved; { // whoever is spoken for can speak for others
			n := len(theirs)
			newcomers = slices.DeleteFunc(newcomers, func(b model.RecordID) bool {
				ok := s.spoken(s.company(b, theirs), theirs)
				if ok {
					theirs = append(theirs, b)
				}
				return ok
			})
			moved = len(theirs) > n
		}
		if len(theirs) > 0 && slices.Contains(newcomers, a) {
			t.Fatalf("inherit: %s joined %s without evidence", a, p)
		}
		for _, b := range s.ids {
			// One who is passed over brings nothing along: not the address either.
			if before[a] == "" && len(theirs) == 0 && s.current(a) && !s.passed[a] && s.counts(b) && s.w.records[b].Person != p && !s.apart(a, b) && s.had(b, a) && !s.asked(a, b) {
				t.Fatalf("recycled: %s became somebody new with what was %s's before, and nobody was asked", a, b)
			}
		}
	}
}

// had reports whether b carried before, and does not now, what a carries.
func (s *restated) had(b, a model.RecordID) bool {
	return slices.ContainsFunc(s.w.records[a].Identifiers, func(id model.Identifier) bool {
		r := s.w.records[b]
		return s.carriers[id] <= s.w.policy.HotLimit && slices.Contains(r.Former, id) && !slices.Contains(r.Identifiers, id)
	})
}

// company returns a record and those which, like it, were not theirs and which
// evidence joins to it.
func (s *restated) company(a model.RecordID, theirs []model.RecordID) []model.RecordID {
	out := []model.RecordID{a}
	for i := 0; i < len(out); i++ {
		for _, b := range s.ids {
			if !slices.Contains(out, b) && !slices.Contains(theirs, b) && s.w.records[b].Person == s.w.records[a].Person &&
				(s.one[out[i]] == s.one[b] || s.touches(out[i], b) || s.w.together[[2]model.RecordID{out[i], b}]) {
				out = append(out, b)
			}
		}
	}
	return out
}

// spoken reports whether there is a reason to think of newcomers as somebody: what
// a human said, an earlier link, or an identifier that both carry or carried. The
// identifier alone will do between current records; where one has left, somebody
// of the ones must be alike to somebody of the others.
func (s *restated) spoken(newcomers, theirs []model.RecordID) bool {
	touching, current, like := false, false, false
	for _, a := range newcomers {
		for _, b := range theirs {
			if s.one[a] == s.one[b] || s.w.together[[2]model.RecordID{a, b}] || (s.allowed[a] || s.allowed[b]) && s.touches(a, b) {
				return true
			}
			touching = touching || s.touches(a, b)
			current = current || s.shared(a, b) && s.current(a) && s.current(b)
			like = like || s.alike(a, b)
		}
	}
	return current || touching && like
}

// touches reports whether one carries what the other carries or carried.
func (s *restated) touches(a, b model.RecordID) bool {
	x, y := s.w.records[a], s.w.records[b]
	for _, id := range slices.Concat(x.Identifiers, x.Former) {
		if slices.Contains(y.Identifiers, id) || slices.Contains(y.Former, id) {
			return true
		}
	}
	return false
}

// values judges where the values of people come from.
func (s *restated) values(t *rapid.T) {
	for _, p := range s.w.persons {
		var counting []model.RecordID
		off := true
		for _, id := range p.Records {
			if s.counts(id) && !s.passed[id] {
				counting = append(counting, id)
				r := s.w.records[id]
				if r.Scope.State == model.InScope && !r.Gone && (r.Status == model.Active || r.Status == model.Leave || r.Status == model.Unknown) {
					off = false
				}
			}
		}
		if p.Access == model.AccessOff && !off {
			t.Fatalf("off: %s is switched off, and a source holds them", p.ID)
		}
		if p.Access == model.AccessOn && off {
			t.Fatalf("off: %s is switched on, and no source holds them", p.ID)
		}
		for n, id := range p.Provenance {
			if v, ok := s.set[id][n]; ok && p.Attributes[n].Equal(v) {
				continue
			}
			if s.passed[id] {
				t.Fatalf("preferred: %s of %s comes from %s, and another was preferred", n, p.ID, id)
			}
			if !s.counts(id) && len(counting) > 0 {
				t.Fatalf("excluded: %s of %s comes from %s, which takes no part", n, p.ID, id)
			}
		}
		var last *model.Decision
		for i, d := range s.decisions {
			if d.Verb == model.Set && d.Attribute == model.Email && slices.Contains(p.Records, d.Record) && s.counts(d.Record) {
				last = &s.decisions[i]
			}
		}
		if last != nil && !p.Attributes[model.Email].Equal(last.Value) {
			t.Fatalf("set: the email of %s was set to %q and is %q", p.ID, last.Value.Text, p.Attributes.Text(model.Email))
		}
		if id, _, err := identity.Email(p.Attributes.Text(model.Email)); err == nil && len(counting) > 0 && p.EmailKey != id.Value {
			t.Fatalf("set: the email of %s is %q and its key %q", p.ID, id.Value, p.EmailKey)
		}
	}
}

// claims judges who may have an address as their login.
func (s *restated) claims(t *rapid.T) {
	for _, p := range s.w.persons {
		for _, q := range s.w.persons {
			hot := s.carriers[model.Identifier{Kind: model.IdentifierEmail, Value: p.EmailKey}] > s.w.policy.HotLimit
			if p.ID < q.ID && p.EmailKey != "" && p.EmailKey == q.EmailKey && !hot && p.Access != model.AccessOff && q.Access != model.AccessOff &&
				!slices.ContainsFunc(p.Held, func(id model.ConflictID) bool { return slices.Contains(q.Held, id) }) {
				t.Fatalf("claims: %s and %s claim one address, and nobody is asked", p.ID, q.ID)
			}
		}
	}
	for _, c := range s.w.conflicts {
		for _, id := range c.Persons {
			if c.Kind == model.AccountTaken && s.w.persons[id].Access == model.AccessOff {
				t.Fatalf("claims: %s left, and is asked about their address", id)
			}
		}
	}
}

// answers judges whether what was answered is still asked.
func (s *restated) answers(t *rapid.T) {
	for _, c := range s.w.conflicts {
		if c.Kind != model.DuplicateIdentifier && c.Kind != model.AmbiguousMatch && c.Kind != model.EmailRecycled || len(c.Records) < 2 {
			continue
		}
		merged, apart := true, true
		for i, a := range c.Records {
			for _, b := range c.Records[i+1:] {
				word := s.word[[2]model.RecordID{a, b}]
				merged, apart = merged && word == model.Merge, apart && word == model.Separate
			}
		}
		if merged || apart {
			t.Fatalf("covered: every two members of %s (%s) were decided about, all one: %t, all apart: %t, and it is still asked", c.ID, c.Kind, merged, apart)
		}
	}
}

// deliveries judges that no conflict emits a delivery.
func (s *restated) deliveries(t *rapid.T) {
	for _, c := range s.w.conflicts {
		for _, id := range c.Persons {
			p := s.w.persons[id]
			if c.Kind.Freezes() && !slices.Contains(p.Held, c.ID) {
				t.Fatalf("held: %s concerns %s, who is not held", c.ID, id)
			}
			if len(p.Held) == 0 {
				continue
			}
			for _, have := range []Holding{{}, {State: holds(true), Ours: true}, {State: holds(false), Ours: true}, {State: holds(true)}} {
				if pr := Project(p, have, ManagerView{}, everything); pr.Effect != model.EffectNone {
					t.Fatalf("held: %s, in conflict, would be delivered: %s", id, pr.Effect)
				}
			}
		}
	}
}
