package reconcile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"rollcall/appliance/identity"
	"rollcall/appliance/model"
)

// world is a roster in memory: the smallest store that plans can be applied to.
type world struct {
	today     model.Date
	policy    *Policy
	records   map[model.RecordID]model.Record
	persons   map[model.PersonID]model.Person
	decisions map[string]model.Decision
	conflicts map[model.ConflictID]model.Conflict
	issued    map[model.PersonID]bool // every person id ever used
	serial    int
}

func newWorld() *world {
	return &world{today: "2026-11-22", policy: &Policy{Authority: []string{"hr", "idp", "adp"}, AbsentDeactivates: true, HotLimit: 3},
		records: map[model.RecordID]model.Record{}, persons: map[model.PersonID]model.Person{}, decisions: map[string]model.Decision{},
		conflicts: map[model.ConflictID]model.Conflict{}, issued: map[model.PersonID]bool{}}
}

func (w *world) Record(id model.RecordID) (model.Record, bool, error) {
	r, ok := w.records[id]
	return r, ok && !r.Staged, nil
}

func (w *world) Carriers(id model.Identifier) ([]model.Record, error) {
	var out []model.Record
	for _, r := range w.records {
		if !r.Staged && slices.Contains(r.Identifiers, id) {
			out = append(out, r)
		}
	}
	return out, nil
}

func (w *world) CountCarriers(id model.Identifier, limit int) (int, error) {
	all, _ := w.Carriers(id)
	return min(len(all), limit), nil
}

func (w *world) RecordsOf(p model.PersonID) ([]model.Record, error) {
	var out []model.Record
	for _, r := range w.records {
		if !r.Staged && r.Person == p {
			out = append(out, r)
		}
	}
	return out, nil
}

func (w *world) Person(id model.PersonID) (model.Person, bool, error) {
	p, ok := w.persons[id]
	return p, ok, nil
}

func (w *world) DecisionsOn(id model.RecordID) ([]model.Decision, error) {
	var out []model.Decision
	for _, d := range w.decisions {
		if slices.Contains(d.Records, id) {
			out = append(out, d)
		}
	}
	return out, nil
}

// put stores a record, plans its neighbourhood and applies the plan.
func (w *world) put(r model.Record) Plan {
	byNumber := r.Source == "adp" || r.Source == "partner"
	r.Identifiers, _ = identity.Of(r.Attributes, byNumber)
	if r.Scope.State == model.OutOfScope {
		r.Identifiers = nil
	}
	var before []model.Record
	if old, ok := w.records[r.ID]; ok {
		r.Person, r.Spare = old.Person, old.Spare // what the store keeps beside what is said
		before = []model.Record{old}
	}
	w.records[r.ID] = r
	return w.plan([]model.RecordID{r.ID}, before)
}

func (w *world) plan(seeds []model.RecordID, before []model.Record) Plan {
	in, err := Gather(w, seeds, before, w.today, w.policy)
	if err != nil {
		panic(err)
	}
	plan := PlanRoster(in)
	w.apply(in, plan)
	return plan
}

func (w *world) apply(in Input, plan Plan) {
	for _, l := range plan.Links {
		r := w.records[l.Record]
		r.Person = l.Person
		w.records[l.Record] = r
	}
	for _, id := range plan.Spent {
		r := w.records[id]
		r.Spare = w.id("p")
		w.records[id] = r
	}
	for _, p := range plan.Persons {
		if old, ok := w.persons[p.ID]; ok {
			p.Created = old.Created
		} else if w.issued[p.ID] {
			panic(fmt.Sprintf("person id %s was issued twice", p.ID))
		}
		w.issued[p.ID] = true
		w.persons[p.ID] = p
	}
	for _, id := range plan.Gone {
		delete(w.persons, id)
	}
	touched := map[model.RecordID]bool{}
	for _, r := range in.Records {
		touched[r.ID] = true
	}
	maps.DeleteFunc(w.conflicts, func(_ model.ConflictID, c model.Conflict) bool {
		return slices.ContainsFunc(c.Records, func(id model.RecordID) bool { return touched[id] })
	})
	for _, c := range plan.Conflicts {
		w.conflicts[c.ID] = c
	}
}

func (w *world) id(prefix string) model.PersonID {
	w.serial++
	return model.PersonID(fmt.Sprintf("%s%05d", prefix, w.serial))
}

// everything is the input of planning the whole world at once.
func (w *world) everything() Input {
	in := Input{Today: w.today, Policy: w.policy}
	for _, r := range w.records {
		in.Records = append(in.Records, r)
	}
	for _, p := range w.persons {
		in.Persons = append(in.Persons, p)
	}
	for _, d := range w.decisions {
		in.Decisions = append(in.Decisions, d)
	}
	slices.SortFunc(in.Records, func(a, b model.Record) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(in.Persons, func(a, b model.Person) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(in.Decisions, func(a, b model.Decision) int { return cmp.Compare(a.ID, b.ID) })
	in.Hot = HotIdentifiers(in.Records, w.policy)
	return in
}
