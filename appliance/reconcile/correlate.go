package reconcile

import (
	"slices"
	"time"

	"rollcall/appliance/model"
)

// component is a set of records that evidence joined, by position, sorted.
type component struct{ members []int }

// components joins records by evidence, in the order of their lowest records.
func (w *work) components() []component {
	f := newForest(len(w.records))
	w.joinCarriers(f)
	byPerson := make(map[model.PersonID]int, len(w.persons))
	for i, r := range w.records {
		if r.Person == "" {
			continue
		}
		// Nobody of a person is put apart from anybody of it: see splitPersons.
		if first, seen := byPerson[r.Person]; seen {
			f.join(first, i)
		} else {
			byPerson[r.Person] = i
		}
	}
	if w.settled.grouped {
		byGroup := map[int][]int{}
		for i := range w.records {
			root := w.settled.groups.root(i)
			byGroup[root] = append(byGroup[root], i)
		}
		for _, list := range byGroup {
			w.joinAll(f, list, nil)
		}
	}

	count := make([]int32, len(w.records))
	for i := range w.records {
		count[f.root(i)]++
	}
	room := make([]int, len(w.records)) // of all components, one after the other
	at := make([]int32, len(w.records))
	var out []component
	used := 0
	for i := range w.records {
		root := f.root(i)
		if root == i { // the lowest of its component
			at[root] = int32(len(out))
			out = append(out, component{room[used : used : used+int(count[root])]})
			used += int(count[root])
		}
		c := &out[at[root]]
		c.members = append(c.members, i)
	}
	return out
}

// joinCarriers joins the records that carry one identifier.
func (w *work) joinCarriers(f *forest) {
	first := make(map[model.Identifier]int32, len(w.records))
	more := map[model.Identifier][]int{}
	for i, r := range w.records {
		if r.Scope.State == model.OutOfScope {
			continue
		}
		for _, id := range r.Identifiers {
			if w.in.Hot[id] {
				continue
			}
			if j, seen := first[id]; !seen {
				first[id] = int32(i)
			} else if list := more[id]; list != nil {
				more[id] = append(list, i)
			} else {
				more[id] = []int{int(j), i}
			}
		}
	}
	for _, list := range more {
		w.joinAll(f, list, w.identifies)
	}
	w.joinReturning(f, first, more)
}

// joinReturning joins a record to that of the one who carried its identifier
// before: a clear rehire, whose old record lost the address on the last day, or
// where a human said that they are the same.
func (w *work) joinReturning(f *forest, first map[model.Identifier]int32, more map[model.Identifier][]int) {
	for i, r := range w.records {
		if r.Scope.State == model.OutOfScope {
			continue
		}
		for _, id := range r.Former {
			carriers := more[id]
			if j, ok := first[id]; ok && carriers == nil {
				carriers = []int{int(j)}
			}
			for _, j := range carriers {
				if i == j || w.settled.putApart(i, j) {
					continue
				}
				allowed := w.settled.allow[w.records[j].ID][model.EmailRecycled]
				rehire := !w.in.Policy.AskRehires && !w.lives(i) && w.lives(j) && alike(r, w.records[j])
				if allowed || rehire {
					f.join(i, j)
				}
			}
		}
	}
}

// joinAll joins every pair of the list that may be joined.
func (w *work) joinAll(f *forest, list []int, evidence func(a, b int) bool) {
	for i, a := range list {
		for _, b := range list[i+1:] {
			if f.root(a) != f.root(b) && !w.settled.putApart(a, b) && (evidence == nil || evidence(a, b)) {
				f.join(a, b)
			}
		}
	}
}

// identifies says whether a shared identifier speaks for two records being one
// human. Between two records that both ended it does only when they are alike:
// an address given to one leaver after another must not make them one.
func (w *work) identifies(a, b int) bool {
	return w.lives(a) || w.lives(b) || alike(w.records[a], w.records[b])
}

// current reports whether a record stands for somebody who works here or will.
func (w *work) current(i int) bool { return w.working[i] }

// lives reports whether a record is current and its word counts.
func (w *work) lives(i int) bool { return !w.settled.silenced[i] && w.current(i) }

// place links the members of a component, or freezes it.
func (w *work) place(c component) {
	person, several := w.personOf(c)
	kind, rule := w.fault(c, several)
	if kind != "" {
		w.freeze(c, kind, rule)
		return
	}
	if person == "" {
		if former := w.formerOwners(c); len(former) > 0 {
			w.askFormer(c, former)
			return
		}
		lowest := w.records[c.members[0]]
		person = lowest.Spare
		w.spent = append(w.spent, lowest.ID)
	}
	w.noteReturn(c, person)
	for _, i := range c.members {
		w.link[i] = person
	}
	w.hotConflicts(c)
}

// noteReturn notes that somebody who had left is back under another record.
func (w *work) noteReturn(c component, person model.PersonID) {
	var ended, back []int
	for _, i := range c.members {
		switch {
		case w.records[i].Person != person:
			if w.lives(i) {
				back = append(back, i)
			}
		case w.lives(i):
			return // they never left
		default:
			ended = append(ended, i)
		}
	}
	if len(ended) == 0 || len(back) == 0 {
		return
	}
	n := Note{Verb: "rehired", Person: person, Reason: "the record that was linked has ended, and a human decided that the new one is the same person's"}
	for _, i := range back {
		n.Records = append(n.Records, w.records[i].ID)
		for _, e := range ended {
			if why := likeness(w.records[i], w.records[e]); why != "" && !w.settled.same(i, e) {
				n.Reason = "the record that was linked has ended, and the new one has " + why
			}
		}
	}
	w.notes = append(w.notes, n)
}

// personOf returns the person that a component keeps, and whether there is more
// than one. Of several, which only a decision may join, the oldest stays.
func (w *work) personOf(c component) (best model.PersonID, several bool) {
	for _, i := range c.members {
		id := w.records[i].Person
		if id == "" || id == best {
			continue
		}
		if best == "" {
			best = id
			continue
		}
		several = true
		a, b := w.created(id), w.created(best)
		if a.Before(b) || a.Equal(b) && id < best {
			best = id
		}
	}
	return best, several
}

func (w *work) created(id model.PersonID) time.Time {
	if p := w.persons[id]; p != nil {
		return p.Created
	}
	return time.Time{}
}

// fault returns why a component is not consistent, empty when it is.
func (w *work) fault(c component, severalPersons bool) (model.ConflictKind, string) {
	switch {
	case len(c.members) == 1:
		return "", ""
	case w.settled.anyApart(c.members):
		if w.decidedSame(c) {
			return model.AmbiguousMatch, "decisions contradict each other: records that were put apart were each joined to a third"
		}
		return model.AmbiguousMatch, "records that were decided to be different people are joined again by another record"
	case w.decidedSame(c):
		return "", ""
	}
	var sources []string
	var number model.Identifier
	for _, i := range c.members {
		r := w.records[i]
		if !w.lives(i) {
			continue
		}
		if slices.Contains(sources, r.Source) {
			return model.DuplicateIdentifier, "two current records of one source share an identifier"
		}
		sources = append(sources, r.Source)
		for _, id := range r.Identifiers {
			if id.Kind != model.IdentifierEmployeeNumber {
				continue
			}
			if number.Value != "" && number != id {
				return model.AmbiguousMatch, "the records share an identifier but have different employee numbers"
			}
			number = id
		}
	}
	if severalPersons {
		return model.AmbiguousMatch, "the records belong to more than one person"
	}
	return w.inherits(c)
}

// decidedSame reports whether decisions declared all members one human.
func (w *work) decidedSame(c component) bool {
	for _, i := range c.members[1:] {
		if !w.settled.same(c.members[0], i) {
			return false
		}
	}
	return true
}

// freeze keeps linked members where they are, parks the others and asks.
func (w *work) freeze(c component, kind model.ConflictKind, rule string) {
	conflict := model.Conflict{Kind: kind, Rule: rule}
	carried := map[model.Identifier]int{}
	for _, i := range c.members {
		r := w.records[i]
		conflict.Records = append(conflict.Records, r.ID)
		if r.Person != "" {
			w.link[i] = r.Person
			conflict.Persons = append(conflict.Persons, r.Person)
		}
		for _, id := range r.Identifiers {
			if !w.in.Hot[id] {
				carried[id]++
			}
		}
	}
	for id, n := range carried {
		if n > 1 {
			conflict.Identifiers = append(conflict.Identifiers, id)
		}
	}
	w.open(conflict)
}

// hotConflicts asks about records whose identifier too many others carry: such
// an address joins nobody, and cannot be the login of one.
func (w *work) hotConflicts(c component) {
	for _, i := range c.members {
		r := w.records[i]
		if len(w.in.Hot) == 0 || !w.lives(i) {
			continue
		}
		for _, id := range r.Identifiers {
			if w.in.Hot[id] {
				w.open(model.Conflict{Kind: model.DuplicateIdentifier, Records: []model.RecordID{r.ID}, Persons: []model.PersonID{w.link[i]},
					Identifiers: []model.Identifier{id}, Rule: "the identifier is carried by so many records that it says nothing about who they are"})
				break
			}
		}
	}
}

// HotIdentifiers finds the identifiers that more than the policy's limit of
// records carry or carried, given all records.
func HotIdentifiers(records []model.Record, p *Policy) map[model.Identifier]bool {
	count := make(map[model.Identifier]int, len(records))
	for i := range records {
		if r := &records[i]; !r.Staged {
			for _, id := range carriedBy(r) {
				count[id]++
			}
		}
	}
	hot := map[model.Identifier]bool{}
	for id, n := range count {
		if n > p.hotLimit() {
			hot[id] = true
		}
	}
	return hot
}
