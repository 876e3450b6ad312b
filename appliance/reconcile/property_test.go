package reconcile

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"rollcall/appliance/model"
)

// TestRandomHistories drives a roster through random changes and decisions and
// checks after every step what must always hold. Deliberate bugs that were tried
// against it, and the check that caught each:
//
//   - Gather forgetting the old version of a changed record: "planning everything"
//   - Gather not expanding hot identifiers of the seeds: "planning everything"
//   - place() naming a new person by its lowest record's id instead of a spare: "issued twice"
//   - putApart() always false: "put apart"
//   - decidedSame() always false: "closes the conflict"
//   - personOf() returning the last person seen: "order of the input"
//   - fault() without the duplicate-source rule: "two current records"
//   - inherits() always false: "inherited"
func TestRandomHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		clock := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		steps := rapid.IntRange(1, 40).Draw(t, "steps")
		for step := range steps {
			clock = clock.Add(time.Hour)
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0, 1, 2, 3, 4, 5:
				w.put(drawRecord(t, w))
			case 6:
				if r, ok := drawExisting(t, w); ok {
					r.Gone = !r.Gone
					w.put(r)
				}
			case 7, 8:
				decide1(t, w, clock, step)
			case 9:
				undo(t, w)
			}
			checkWorld(t, w)
		}
	})
}

func drawRecord(t *rapid.T, w *world) model.Record {
	source := rapid.SampledFrom([]string{"hr", "idp", "adp"}).Draw(t, "source")
	native := rapid.SampledFrom([]string{"1", "2", "3", "4", "5"}).Draw(t, "native")
	id := model.RecordID("r-" + source + native)
	r, ok := w.records[id]
	if !ok {
		r = model.Record{ID: id, Source: source, Native: native, Spare: w.id("p")}
	}
	r.Attributes = model.Attributes{
		model.GivenName:  model.Text(rapid.SampledFrom([]string{"Ada", "Bob", "Cy"}).Draw(t, "given")),
		model.FamilyName: model.Text("Doe"),
	}
	if e := rapid.SampledFrom([]string{"", "a", "b", "c", "d"}).Draw(t, "email"); e != "" {
		r.Attributes[model.Email] = model.Text(e + "@x.example")
	}
	if n := rapid.SampledFrom([]string{"", "", "10", "11"}).Draw(t, "number"); n != "" {
		r.Attributes[model.EmployeeNumber] = model.Text(n)
	}
	if b := rapid.SampledFrom([]string{"", "", "1990-01-01", "1991-01-01"}).Draw(t, "birth"); b != "" {
		r.Attributes[model.BirthDate] = model.Text(b)
	}
	r.Status = rapid.SampledFrom([]model.Status{model.Active, model.Active, model.Active, model.Inactive, model.Unknown, model.Leave}).Draw(t, "status")
	r.Scope = model.Scope{}
	switch rapid.IntRange(0, 9).Draw(t, "scope") {
	case 0:
		r.Scope = model.Scope{State: model.OutOfScope, Reason: "left out"}
	case 1:
		r.Scope = model.Scope{State: model.HeldScope, Reason: "not readable"}
	}
	r.Gone = false
	return r
}

func drawExisting(t *rapid.T, w *world) (model.Record, bool) {
	ids := w.ids()
	if len(ids) == 0 {
		return model.Record{}, false
	}
	return w.records[rapid.SampledFrom(ids).Draw(t, "record")], true
}

func (w *world) ids() []model.RecordID {
	var ids []model.RecordID
	for id := range w.records {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func decide1(t *rapid.T, w *world, at time.Time, step int) {
	ids := w.ids()
	if len(ids) < 2 {
		return
	}
	var chosen []model.RecordID
	for range rapid.IntRange(2, 3).Draw(t, "members") {
		if id := rapid.SampledFrom(ids).Draw(t, "member"); !slices.Contains(chosen, id) {
			chosen = append(chosen, id)
		}
	}
	if len(chosen) < 2 {
		return
	}
	slices.Sort(chosen)
	d := model.Decision{ID: fmt.Sprintf("d%03d", step), At: at, Records: chosen, Record: chosen[0], Kind: model.EmailRecycled,
		Verb: rapid.SampledFrom([]model.Verb{model.Merge, model.Separate, model.Prefer, model.Exclude, model.Allow}).Draw(t, "verb")}
	w.decisions[d.ID] = d
	w.plan(chosen, nil)
}

func undo(t *rapid.T, w *world) {
	if len(w.decisions) == 0 {
		return
	}
	var ids []string
	for id := range w.decisions {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	id := rapid.SampledFrom(ids).Draw(t, "undone")
	d := w.decisions[id]
	delete(w.decisions, id)
	w.plan(d.Records, nil)
}

func checkWorld(t *rapid.T, w *world) {
	in := w.everything()
	plan := PlanRoster(in)

	for _, l := range plan.Links {
		if got := w.records[l.Record].Person; got != l.Person {
			t.Fatalf("planning everything links %s to %q, planning the neighbourhood to %q", l.Record, l.Person, got)
		}
	}
	if len(plan.Spent) > 0 || len(plan.Notes) > 0 || len(plan.Gone) > 0 {
		t.Fatalf("a plan after applying is not empty: spent %v, notes %v, gone %v", plan.Spent, plan.Notes, plan.Gone)
	}
	if len(plan.Persons) != len(w.persons) {
		t.Fatalf("planning everything gives %d persons, planning neighbourhoods %d", len(plan.Persons), len(w.persons))
	}
	for _, p := range plan.Persons {
		if !SamePerson(p, w.persons[p.ID]) {
			t.Fatalf("planning everything gives another %s: %s", p.ID, cmp.Diff(p, w.persons[p.ID]))
		}
	}
	conflicts := map[model.ConflictID]model.Conflict{}
	for _, c := range plan.Conflicts {
		conflicts[c.ID] = c
	}
	if diff := cmp.Diff(conflicts, w.conflicts, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("planning everything asks other questions: %s", diff)
	}

	rng := rand.New(rand.NewPCG(uint64(len(w.records)), uint64(w.serial)))
	for range 3 {
		rng.Shuffle(len(in.Records), func(i, j int) { in.Records[i], in.Records[j] = in.Records[j], in.Records[i] })
		rng.Shuffle(len(in.Persons), func(i, j int) { in.Persons[i], in.Persons[j] = in.Persons[j], in.Persons[i] })
		rng.Shuffle(len(in.Decisions), func(i, j int) { in.Decisions[i], in.Decisions[j] = in.Decisions[j], in.Decisions[i] })
		if diff := cmp.Diff(plan, PlanRoster(in)); diff != "" {
			t.Fatalf("the order of the input matters: %s", diff)
		}
	}
	checkIdentity(t, w)
	for _, p := range plan.Persons {
		if len(p.Held) == 0 {
			continue
		}
		pr := Project(p, Holding{}, ManagerView{}, &TargetRules{Attributes: model.Names})
		if pr.Effect != model.EffectNone {
			t.Fatalf("a person in conflict would be delivered: %s", pr.Effect)
		}
	}
}

// checkIdentity restates, independently of the planner, who may share a person.
func checkIdentity(t *rapid.T, w *world) {
	work := newWork(w.everything())
	byPerson := map[model.PersonID][]int{}
	for i, r := range work.records {
		if r.Person != "" {
			byPerson[r.Person] = append(byPerson[r.Person], i)
		}
	}
	last := map[[2]model.RecordID]model.Verb{}
	for _, d := range work.decisions {
		if d.Verb != model.Merge && d.Verb != model.Separate {
			continue
		}
		for _, a := range d.Records {
			for _, b := range d.Records {
				last[[2]model.RecordID{a, b}] = d.Verb
			}
		}
	}
	for person, members := range byPerson {
		held := len(w.persons[person].Held) > 0
		for x, i := range members {
			for _, j := range members[x+1:] {
				a, b := work.records[i], work.records[j]
				if last[[2]model.RecordID{a.ID, b.ID}] == model.Separate && work.groups.root(i) != work.groups.root(j) {
					t.Fatalf("%s and %s were put apart and share %s", a.ID, b.ID, person)
				}
				if a.Source == b.Source && work.lives(a) && work.lives(b) && !held && work.groups.root(i) != work.groups.root(j) {
					t.Fatalf("two current records of one source, %s and %s, share %s undisturbed", a.ID, b.ID, person)
				}
			}
		}
	}
	for _, c := range w.conflicts {
		if c.Kind != model.DuplicateIdentifier && c.Kind != model.AmbiguousMatch && c.Kind != model.EmailRecycled || len(c.Records) < 2 {
			continue
		}
		var roots []int
		for _, id := range c.Records {
			roots = append(roots, work.groups.root(work.index[id]))
		}
		slices.Sort(roots)
		if len(slices.Compact(roots)) == 1 {
			t.Fatalf("a merge decision covers every member of %s and does not close the conflict", c.ID)
		}
	}
}
