package reconcile

import (
	"slices"

	"rollcall/appliance/identity"
	"rollcall/appliance/model"
)

// component is a set of records that evidence joined, by position, sorted.
type component struct{ members []int }

// components joins records by evidence.
func (w *work) components() []component {
	f := newForest(len(w.records))
	byIdentifier := map[model.Identifier][]int{}
	byPerson := map[model.PersonID][]int{}
	byGroup := map[int][]int{}
	for i, r := range w.records {
		if r.Scope.State != model.OutOfScope {
			for _, id := range r.Identifiers {
				if !w.in.Hot[id] {
					byIdentifier[id] = append(byIdentifier[id], i)
				}
			}
		}
		if r.Person != "" {
			byPerson[r.Person] = append(byPerson[r.Person], i)
		}
		byGroup[w.groups.root(i)] = append(byGroup[w.groups.root(i)], i)
	}
	for _, list := range byIdentifier {
		w.joinAll(f, list, w.identifies)
	}
	for _, list := range byPerson {
		w.joinAll(f, list, nil)
	}
	for _, list := range byGroup {
		w.joinAll(f, list, nil)
	}

	byRoot := map[int]*component{}
	var all []*component
	for i := range w.records {
		root := f.root(i)
		c := byRoot[root]
		if c == nil {
			c = &component{}
			byRoot[root] = c
			all = append(all, c)
		}
		c.members = append(c.members, i)
	}
	out := make([]component, len(all))
	for i, c := range all {
		out[i] = *c
	}
	return out
}

// joinAll joins every pair of the list that may be joined.
func (w *work) joinAll(f *forest, list []int, evidence func(a, b int) bool) {
	for i, a := range list {
		for _, b := range list[i+1:] {
			if f.root(a) != f.root(b) && !w.putApart(a, b) && (evidence == nil || evidence(a, b)) {
				f.join(a, b)
			}
		}
	}
}

// identifies says whether a shared identifier speaks for two records being one
// human. Between two records that both ended it does only when they are alike:
// an address given to one leaver after another must not make them one.
func (w *work) identifies(a, b int) bool {
	ra, rb := w.records[a], w.records[b]
	return w.lives(ra) || w.lives(rb) || alike(ra, rb)
}

func (w *work) lives(r *model.Record) bool {
	return !w.silenced[r.ID] && live(r, w.in.Today, w.in.Policy)
}

// place links the members of a component, or freezes it.
func (w *work) place(c component) {
	person, several := w.personOf(c)
	kind, rule := w.fault(c, several)
	if kind != "" {
		w.freeze(c, kind, rule)
		return
	}
	lowest := w.records[c.members[0]]
	if person == "" {
		person = lowest.Spare
		w.spent = append(w.spent, lowest.ID)
	}
	var returning []model.RecordID
	for _, i := range c.members {
		r := w.records[i]
		if r.Person != person && w.lives(r) && w.hadLeft(c, person) {
			returning = append(returning, r.ID)
		}
		w.link[r.ID] = person
	}
	if len(returning) > 0 {
		w.notes = append(w.notes, Note{Verb: "rehired", Person: person, Records: returning,
			Reason: "the record that was linked has ended, and the new one has the same name or birth date"})
	}
	w.hotConflicts(c)
}

// hadLeft reports whether all records already linked to the person have ended.
func (w *work) hadLeft(c component, person model.PersonID) bool {
	linked := false
	for _, i := range c.members {
		if w.records[i].Person == person {
			linked = true
			if w.lives(w.records[i]) {
				return false
			}
		}
	}
	return linked
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
		a, b := w.persons[id], w.persons[best]
		if a.Created.Before(b.Created) || a.Created.Equal(b.Created) && id < best {
			best = id
		}
	}
	return best, several
}

// fault returns why a component is not consistent, empty when it is.
func (w *work) fault(c component, severalPersons bool) (model.ConflictKind, string) {
	if len(c.members) == 1 || w.decidedSame(c) {
		return "", ""
	}
	for i, a := range c.members {
		for _, b := range c.members[i+1:] {
			if w.putApart(a, b) {
				return model.AmbiguousMatch, "records that were decided to be different people are joined again by another record"
			}
		}
	}
	sources := map[string]bool{}
	numbers := map[model.Identifier]bool{}
	for _, i := range c.members {
		r := w.records[i]
		if !w.lives(r) {
			continue
		}
		if sources[r.Source] {
			return model.DuplicateIdentifier, "two current records of one source share an identifier"
		}
		sources[r.Source] = true
		for _, id := range r.Identifiers {
			if id.Kind == model.IdentifierEmployeeNumber {
				numbers[id] = true
			}
		}
	}
	if len(numbers) > 1 {
		return model.AmbiguousMatch, "the records share an identifier but have different employee numbers"
	}
	if severalPersons {
		return model.AmbiguousMatch, "the records belong to more than one person"
	}
	if w.inherits(c) {
		return model.EmailRecycled, "an identifier of someone who left is carried by a newcomer with another name"
	}
	return "", ""
}

// decidedSame reports whether decisions declared all members one human.
func (w *work) decidedSame(c component) bool {
	root := w.groups.root(c.members[0])
	for _, i := range c.members[1:] {
		if w.groups.root(i) != root {
			return false
		}
	}
	return true
}

// inherits reports whether a newcomer took over an identifier of somebody who
// ended without being alike, whichever of the two was seen first. Current records
// form clusters by the identifiers they share; a cluster is at home when one of
// its records is linked already, or is alike to a record that ended. A record
// that ended belongs when it is linked beside a current one, or alike to one.
func (w *work) inherits(c component) bool {
	var living, ended []int
	for _, i := range c.members {
		switch {
		case w.records[i].Scope.State == model.OutOfScope:
		case w.lives(w.records[i]):
			living = append(living, i)
		case !w.silenced[w.records[i].ID]:
			ended = append(ended, i)
		}
	}
	if len(living) == 0 || len(ended) == 0 {
		return false
	}
	clusters := newForest(len(w.records))
	for i, a := range living {
		for _, b := range living[i+1:] {
			if w.shareIdentifier(a, b) || w.groups.root(a) == w.groups.root(b) {
				clusters.join(a, b)
			}
		}
	}
	home := map[int]bool{}
	for _, i := range living {
		r := w.records[i]
		if r.Person != "" || w.allow[r.ID][model.EmailRecycled] {
			home[clusters.root(i)] = true
		}
		for _, e := range ended {
			if alike(r, w.records[e]) || w.groups.root(i) == w.groups.root(e) {
				home[clusters.root(i)] = true
			}
		}
	}
	for _, i := range living {
		if !home[clusters.root(i)] {
			return true
		}
	}
	return slices.ContainsFunc(ended, func(e int) bool { return !w.belongs(e, living) })
}

// belongs reports whether a record that ended is the same human's as one of the
// current ones, by what was settled before or by likeness.
func (w *work) belongs(ended int, living []int) bool {
	r := w.records[ended]
	return w.allow[r.ID][model.EmailRecycled] || slices.ContainsFunc(living, func(i int) bool {
		l := w.records[i]
		return r.Person != "" && r.Person == l.Person || alike(r, l) || w.groups.root(ended) == w.groups.root(i)
	})
}

func (w *work) shareIdentifier(a, b int) bool {
	for _, id := range w.records[a].Identifiers {
		if !w.in.Hot[id] && slices.Contains(w.records[b].Identifiers, id) {
			return true
		}
	}
	return false
}

// alike is the evidence, beyond an identifier, that two records are one human:
// the same birth date, or the same name unless the birth dates speak against it.
func alike(a, b *model.Record) bool {
	ba, bb := a.Attributes.Text(model.BirthDate), b.Attributes.Text(model.BirthDate)
	if ba != "" && bb != "" {
		return ba == bb
	}
	na, nb := fullName(a), fullName(b)
	return na != "" && na == nb
}

func fullName(r *model.Record) string {
	name := identity.Name(r.Attributes.Text(model.GivenName)) + "|" + identity.Name(r.Attributes.Text(model.FamilyName))
	if name == "|" {
		return identity.Name(r.Attributes.Text(model.DisplayName))
	}
	return name
}

// freeze keeps linked members where they are, parks the others and asks.
func (w *work) freeze(c component, kind model.ConflictKind, rule string) {
	conflict := model.Conflict{Kind: kind, Rule: rule}
	carried := map[model.Identifier]int{}
	for _, i := range c.members {
		r := w.records[i]
		conflict.Records = append(conflict.Records, r.ID)
		if r.Person != "" {
			w.link[r.ID] = r.Person
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
		if !w.lives(r) {
			continue
		}
		for _, id := range r.Identifiers {
			if w.in.Hot[id] {
				w.open(model.Conflict{Kind: model.DuplicateIdentifier, Records: []model.RecordID{r.ID}, Persons: []model.PersonID{w.link[r.ID]},
					Identifiers: []model.Identifier{id}, Rule: "the identifier is carried by so many records that it says nothing about who they are"})
				break
			}
		}
	}
}

// HotIdentifiers finds the identifiers that more than the policy's limit of
// records carry, given all records.
func HotIdentifiers(records []model.Record, p *Policy) map[model.Identifier]bool {
	count := map[model.Identifier]int{}
	for _, r := range records {
		if !r.Staged {
			for _, id := range r.Identifiers {
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

// Alike reports whether every record is alike to the first: the same birth date,
// or the same name where nothing is known of one.
func Alike(records []model.Record) bool {
	for i := range records[1:] {
		if !alike(&records[0], &records[i+1]) {
			return false
		}
	}
	return true
}

// Evidence says, in sentences without personal values, what speaks for and
// against several records being one human.
func Evidence(records []model.Record) (speaksFor, speaksAgainst []string) {
	say := func(same bool, agree, differ string) {
		if same {
			speaksFor = append(speaksFor, agree)
		} else {
			speaksAgainst = append(speaksAgainst, differ)
		}
	}
	names := distinct(records, fullName)
	if len(names) > 0 {
		say(len(names) == 1, "the names are the same", "the names differ")
	}
	for _, n := range []model.Name{model.BirthDate, model.EmployeeNumber, model.FirstHiredOn} {
		values := distinct(records, func(r *model.Record) string { return r.Attributes.Text(n) })
		stated := 0
		for i := range records {
			if records[i].Attributes.Text(n) != "" {
				stated++
			}
		}
		if stated > 1 {
			say(len(values) == 1, string(n)+" is the same", string(n)+" differs")
		}
	}
	sources := distinct(records, func(r *model.Record) string { return r.Source })
	if len(sources) < len(records) {
		speaksAgainst = append(speaksAgainst, "one source has more than one of the records")
	} else {
		speaksFor = append(speaksFor, "each record is from another source")
	}
	ended, current := 0, 0
	for i := range records {
		if records[i].Gone || records[i].Status == model.Inactive {
			ended++
		} else {
			current++
		}
	}
	switch {
	case ended > 0 && current > 0:
		speaksFor = append(speaksFor, "one has ended and another is current, as after a rehire")
	case current > 1:
		speaksAgainst = append(speaksAgainst, "more than one of them is current")
	}
	return speaksFor, speaksAgainst
}

// distinct returns the different values that are not empty.
func distinct(records []model.Record, value func(*model.Record) string) map[string]bool {
	out := map[string]bool{}
	for i := range records {
		if v := value(&records[i]); v != "" {
			out[v] = true
		}
	}
	return out
}
