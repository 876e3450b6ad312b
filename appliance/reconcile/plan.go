package reconcile

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"

	"rollcall/appliance/model"
)

// Input is everything a plan depends on. None of it is modified.
type Input struct {
	Today     model.Date // the customer's calendar date
	Policy    *Policy
	Records   []model.Record
	Persons   []model.Person
	Decisions []model.Decision
	// Hot tells which identifiers are carried by more records than the policy's
	// hot limit. It must be right for every identifier of every record above,
	// also when not all of its carriers are among them.
	Hot map[model.Identifier]bool
}

// Plan is what the input means. Everything is sorted, so equal inputs give equal
// plans.
type Plan struct {
	// Links says for every record that takes part which person it belongs to;
	// empty while it is parked.
	Links []Link
	// Persons are the people of the neighbourhood as they should be. Their Rev,
	// Created, Changed and Manager are those of the input, or zero when new.
	Persons []model.Person
	// Gone are persons that no record belongs to any more.
	Gone []model.PersonID
	// Spent are the records whose spare person id was used.
	Spent []model.RecordID
	// Conflicts are the open questions that touch these records. Opened and Rev
	// are zero.
	Conflicts []model.Conflict
	// Notes tell what was settled without asking, and why.
	Notes []Note
}

// Link is the person a record belongs to.
type Link struct {
	Record model.RecordID
	Person model.PersonID
}

// Note is something the journal should say.
type Note struct {
	Verb    string // "rehired"
	Person  model.PersonID
	Records []model.RecordID
	Reason  string
}

// PlanRoster plans the records it is given. When these are a whole neighbourhood
// (see the ingest package), the result is what planning everything would say
// about them.
func PlanRoster(in Input) Plan {
	w := newWork(in)
	components := w.components()
	for _, c := range components {
		w.place(c)
	}
	w.build()
	w.claims()
	w.waitingConflicts()
	return w.finish()
}

// work is the state of one plan in the making.
type work struct {
	in        Input
	records   []*model.Record // sorted by id, staged ones left out
	index     map[model.RecordID]int
	decisions []model.Decision // sorted by time, then id
	settled   settled
	working   []bool                           // by position: the record stands for somebody who works here or will
	persons   map[model.PersonID]*model.Person // of the input

	former map[model.Identifier][]int // see formerCarriers

	link      []model.PersonID // by position of the record
	held      map[model.PersonID][]model.ConflictID
	built     []*model.Person // of the plan
	conflicts map[model.ConflictID]model.Conflict
	spent     []model.RecordID
	notes     []Note
}

func newWork(in Input) *work {
	w := &work{
		in: in, index: make(map[model.RecordID]int, len(in.Records)), persons: make(map[model.PersonID]*model.Person, len(in.Persons)),
		held: map[model.PersonID][]model.ConflictID{}, conflicts: map[model.ConflictID]model.Conflict{},
	}
	w.records = make([]*model.Record, 0, len(in.Records))
	for i := range in.Records {
		if !in.Records[i].Staged {
			w.records = append(w.records, &in.Records[i])
		}
	}
	slices.SortFunc(w.records, func(a, b *model.Record) int { return cmp.Compare(a.ID, b.ID) })
	for i, r := range w.records {
		w.index[r.ID] = i
	}
	w.link = make([]model.PersonID, len(w.records))
	for i := range in.Persons {
		w.persons[in.Persons[i].ID] = &in.Persons[i]
	}
	w.decisions = slices.Clone(in.Decisions)
	slices.SortFunc(w.decisions, func(a, b model.Decision) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID))
	})
	w.settle()
	w.working = make([]bool, len(w.records))
	for i, r := range w.records {
		w.working[i] = live(r, in.Today, in.Policy)
	}
	w.splitPersons()
	return w
}

func (w *work) members(ids []model.RecordID) []int {
	var out []int
	for _, id := range ids {
		if i, ok := w.index[id]; ok && !slices.Contains(out, i) {
			out = append(out, i)
		}
	}
	slices.Sort(out)
	return out
}

// open records a conflict and freezes the persons it concerns when its kind does.
func (w *work) open(c model.Conflict) model.ConflictID {
	slices.Sort(c.Records)
	slices.Sort(c.Persons)
	c.Persons = slices.Compact(c.Persons)
	slices.SortFunc(c.Identifiers, func(a, b model.Identifier) int { return cmp.Compare(a.String(), b.String()) })
	c.ID = ConflictIDOf(c)
	w.conflicts[c.ID] = c
	if c.Kind.Freezes() {
		for _, p := range c.Persons {
			w.held[p] = append(w.held[p], c.ID)
		}
	}
	return c.ID
}

// ConflictIDOf derives the id of a conflict from its kind, target and members,
// so that planning again finds the same question again.
func ConflictIDOf(c model.Conflict) model.ConflictID {
	h := sha256.New()
	put := func(s string) { h.Write([]byte(strconv.Itoa(len(s)) + ":" + s)) }
	put(string(c.Kind))
	put(c.Target)
	for _, r := range c.Records {
		put("r" + string(r))
	}
	if c.Kind == model.AccountTaken || c.Kind == model.ManagerCycle {
		for _, p := range c.Persons {
			put("p" + string(p))
		}
	}
	if c.Kind == model.DuplicateGroup { // its identifiers name the group, and it has no members else
		for _, i := range c.Identifiers {
			put("i" + i.String())
		}
	}
	return model.ConflictID("c_" + hex.EncodeToString(h.Sum(nil)[:10]))
}

// build makes the persons out of the links.
func (w *work) build() {
	type linked struct {
		person model.PersonID
		record *model.Record
	}
	links := make([]linked, 0, len(w.records))
	for i, r := range w.records {
		if p := w.link[i]; p != "" {
			links = append(links, linked{p, r})
		}
	}
	slices.SortStableFunc(links, func(a, b linked) int { return cmp.Compare(a.person, b.person) })
	var records []*model.Record
	for i := 0; i < len(links); {
		id := links[i].person
		records = records[:0]
		for ; i < len(links) && links[i].person == id; i++ {
			records = append(records, links[i].record)
		}
		p := &model.Person{ID: id}
		if known := w.persons[id]; known != nil {
			*p = *known
		}
		w.merge(p, records)
		w.built = append(w.built, p)
	}
}

// person returns a person of the plan, nil when no record belongs to them.
func (w *work) person(id model.PersonID) *model.Person {
	i, ok := slices.BinarySearchFunc(w.built, id, func(p *model.Person, id model.PersonID) int { return cmp.Compare(p.ID, id) })
	if !ok {
		return nil
	}
	return w.built[i]
}

// claims freezes persons that claim one and the same email: only one account can
// have it. Who has left claims nothing any more; whether an account of theirs is
// in the way, only the target knows.
func (w *work) claims() {
	by := map[string][]*model.Person{}
	for _, p := range w.built {
		if p.EmailKey != "" && p.Access != model.AccessOff {
			by[p.EmailKey] = append(by[p.EmailKey], p)
		}
	}
	for key, persons := range by {
		id := model.Identifier{Kind: model.IdentifierEmail, Value: key}
		if len(persons) < 2 || w.in.Hot[id] || w.asked(persons) {
			continue
		}
		c := model.Conflict{Kind: model.AccountTaken, Rule: "several people claim the same email, and an account can have only one owner",
			Identifiers: []model.Identifier{id}}
		for _, p := range persons {
			c.Persons = append(c.Persons, p.ID)
			if r, ok := p.Provenance[model.Email]; ok {
				c.Records = append(c.Records, r)
			}
		}
		w.open(c)
	}
}

// asked reports whether one open question concerns all of these persons already:
// the clash of their records, which the clash of their claims follows from.
func (w *work) asked(persons []*model.Person) bool {
	for _, id := range w.held[persons[0].ID] {
		if !slices.ContainsFunc(persons, func(p *model.Person) bool { return !slices.Contains(w.held[p.ID], id) }) {
			return true
		}
	}
	return false
}

// waitingConflicts tells of people who should have an account and cannot yet
// because of their email. They freeze nothing: there is nothing to freeze.
func (w *work) waitingConflicts() {
	for _, p := range w.built {
		if p.Access != model.AccessOn || p.Waiting == "" {
			continue
		}
		c := model.Conflict{Records: slices.Clone(p.Records), Persons: []model.PersonID{p.ID}, Rule: p.Waiting}
		switch {
		case p.EmailKey == "":
			c.Kind = model.MissingIdentifier
		case !w.allowed(p, model.PersonalEmail) && w.in.Policy.workEmail(model.Identifier{Kind: model.IdentifierEmail, Value: p.EmailKey}) != "":
			c.Kind = model.PersonalEmail
			c.Identifiers = []model.Identifier{{Kind: model.IdentifierEmail, Value: p.EmailKey}}
		default:
			continue
		}
		w.open(c)
	}
}

func (w *work) finish() Plan {
	var plan Plan
	plan.Links = make([]Link, 0, len(w.records))
	for i, r := range w.records {
		plan.Links = append(plan.Links, Link{Record: r.ID, Person: w.link[i]})
	}
	plan.Persons = make([]model.Person, 0, len(w.built))
	for _, p := range w.built {
		held := slices.Clone(w.held[p.ID])
		slices.Sort(held)
		p.Held = slices.Compact(held)
		plan.Persons = append(plan.Persons, *p)
	}
	for id := range w.persons {
		if w.person(id) == nil {
			plan.Gone = append(plan.Gone, id)
		}
	}
	slices.Sort(plan.Gone)
	for _, c := range w.conflicts {
		plan.Conflicts = append(plan.Conflicts, c)
	}
	slices.SortFunc(plan.Conflicts, func(a, b model.Conflict) int { return cmp.Compare(a.ID, b.ID) })
	plan.Spent = w.spent
	slices.Sort(plan.Spent)
	plan.Notes = w.notes
	slices.SortFunc(plan.Notes, func(a, b Note) int {
		return cmp.Or(cmp.Compare(a.Person, b.Person), slices.Compare(a.Records, b.Records))
	})
	return plan
}

// SamePerson reports whether two versions of a person say the same, apart from
// revision, times and the resolved manager.
func SamePerson(a, b model.Person) bool {
	return a.ID == b.ID && a.Status == b.Status && a.Access == b.Access && a.Waiting == b.Waiting && a.Reason == b.Reason &&
		a.Review == b.Review && a.EmailKey == b.EmailKey && a.Attributes.Equal(b.Attributes) &&
		slices.Equal(a.Records, b.Records) && slices.Equal(a.Held, b.Held) && maps.Equal(a.Frozen, b.Frozen) && equalProvenance(a.Provenance, b.Provenance)
}

func equalProvenance(a, b map[model.Name]model.RecordID) bool {
	if len(a) != len(b) {
		return false
	}
	for n, r := range a {
		if b[n] != r {
			return false
		}
	}
	return true
}
