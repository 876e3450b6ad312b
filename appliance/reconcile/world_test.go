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
	issued    map[model.PersonID]bool    // every person id ever used
	together  map[[2]model.RecordID]bool // pairs that shared a person at some time
	serial    int
}

func newWorld() *world {
	return &world{today: "2026-11-22", policy: &Policy{Authority: []string{"hr", "idp", "adp"}, AbsentDeactivates: true, HotLimit: 3},
		records: map[model.RecordID]model.Record{}, persons: map[model.PersonID]model.Person{}, decisions: map[string]model.Decision{},
		conflicts: map[model.ConflictID]model.Conflict{}, issued: map[model.PersonID]bool{}, together: map[[2]model.RecordID]bool{}}
}

func (w *world) Record(id model.RecordID) (model.Record, bool, error) {
	r, ok := w.records[id]
	return r, ok && !r.Staged, nil
}

func (w *world) Carriers(id model.Identifier, limit int) (out []model.Record, more bool, err error) {
	for _, r := range w.records {
		if !r.Staged && slices.Contains(slices.Concat(r.Identifiers, r.Former), id) {
			out = append(out, r)
		}
	}
	if len(out) > limit {
		return nil, true, nil
	}
	return out, false, nil
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

// put stores records, plans their neighbourhood and applies the plan: what one
// transaction does.
func (w *world) put(page ...model.Record) Plan {
	var seeds []model.RecordID
	var before []model.Record
	for _, r := range page {
		if old, ok := w.records[r.ID]; ok {
			r.Person, r.Spare = old.Person, old.Spare // what the store keeps beside what is said
			w.identify(&r)
			if r.Former = old.Former; r.Scope.State != model.OutOfScope {
				r.Former = Former(old, len(w.persons[old.Person].Held) > 0, r.Identifiers)
			}
			before = append(before, old)
		} else {
			w.identify(&r)
		}
		w.records[r.ID] = r
		seeds = append(seeds, r.ID)
	}
	return w.plan(seeds, before)
}

// identify derives what a record is found by; a value that was set is its own.
func (w *world) identify(r *model.Record) {
	attrs := maps.Clone(r.Attributes)
	var sets []model.Decision
	for _, d := range w.decisions {
		if d.Verb == model.Set && d.Record == r.ID {
			sets = append(sets, d)
		}
	}
	slices.SortFunc(sets, func(a, b model.Decision) int { return a.At.Compare(b.At) })
	for _, d := range sets {
		attrs[d.Attribute] = d.Value
	}
	r.Identifiers, _ = identity.Of(attrs, r.Source == "adp" || r.Source == "partner")
	if r.Scope.State == model.OutOfScope {
		r.Identifiers = nil
	}
}

func (w *world) decide(d model.Decision) Plan {
	w.decisions[d.ID] = d
	return w.reidentify(d.Records)
}

func (w *world) undecide(id string) Plan {
	records := w.decisions[id].Records
	delete(w.decisions, id)
	return w.reidentify(records)
}

func (w *world) reidentify(ids []model.RecordID) Plan {
	var before []model.Record
	for _, id := range ids {
		r := w.records[id]
		before = append(before, r)
		w.identify(&r)
		w.records[id] = r
	}
	return w.plan(ids, before)
}

func (w *world) ids() []model.RecordID {
	return slices.Sorted(maps.Keys(w.records))
}

func (w *world) links() map[model.RecordID]model.PersonID {
	out := map[model.RecordID]model.PersonID{}
	for id, r := range w.records {
		out[id] = r.Person
	}
	return out
}

func (w *world) openConflicts() []model.Conflict {
	var out []model.Conflict
	for _, id := range slices.Sorted(maps.Keys(w.conflicts)) {
		out = append(out, w.conflicts[id])
	}
	return out
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
	of := map[model.PersonID][]model.RecordID{}
	for id, r := range w.records {
		if r.Person != "" {
			for _, other := range of[r.Person] {
				w.together[[2]model.RecordID{id, other}], w.together[[2]model.RecordID{other, id}] = true, true
			}
			of[r.Person] = append(of[r.Person], id)
		}
	}
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
