package ingest_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
)

// TestRandomReadsAndDecisions drives the engine on a real store through reads that
// are whole, half, broken or empty, through decisions and days, and checks after
// every step:
//
//	absence   nobody is switched off before every source that held them said so, or
//	          listed others without them in enough whole reads in a row. Fails when
//	          one whole read is enough, and when a broken read that lists somebody
//	          does not end the count.
//	conflict  nothing is pending for anybody in a conflict. Fails when Project does
//	          not look at Held.
//	derived   links, people and questions equal planning everything anew. Fails when
//	          conflicts() forgets to close what is not asked any more.
func TestRandomReadsAndDecisions(t *testing.T) {
	const people = 5
	type standing struct {
		listed bool // in the last statement about them
		left   bool // it said that they left
		missed int  // whole reads since then without them
	}
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		w.read("hr", someone(1))
		w.activate("hr")
		w.activate("adp")
		said := map[string]map[int]*standing{"hr": {1: {listed: true}}, "adp": {}}
		for range rapid.IntRange(2, 10).Draw(rt, "steps") {
			w.now = w.now.Add(time.Minute)
			source := rapid.SampledFrom([]string{"hr", "hr", "adp"}).Draw(rt, "source")
			switch what := rapid.IntRange(0, 9).Draw(rt, "what"); {
			case what < 7: // a read
				var list []model.Observation
				listed := map[int]bool{}
				for n := 1; n <= people; n++ {
					if rapid.IntRange(0, 3).Draw(rt, "is listed") == 0 {
						continue
					}
					listed[n] = true
					o := someone(n)
					if rapid.IntRange(0, 5).Draw(rt, "shares the address of the first") == 0 {
						o = someone(n, "email", address(1))
					}
					left := rapid.IntRange(0, 5).Draw(rt, "left") == 0
					if left {
						o.Status, o.RawStatus = model.Inactive, "terminated"
					}
					list = append(list, o)
				}
				var end error
				if what == 6 {
					end = errReset
				}
				run := w.readUntil(source, end, list...)
				for _, o := range list {
					n := int(o.Native[0] - '0')
					said[source][n] = &standing{listed: true, left: o.Status == model.Inactive}
				}
				if run.Verdict == model.VerdictComplete {
					for n, s := range said[source] {
						if !listed[n] {
							s.missed++
						}
					}
				}
			case what == 7:
				w.now = w.now.AddDate(0, 0, 1)
				if _, err := w.e.TurnDay(); err != nil {
					rt.Fatal(err)
				}
			case what == 8:
				if open := all(w, store.Conflicts); len(open) > 0 {
					q := rapid.SampledFrom(open).Draw(rt, "conflict")
					a := ingest.Answer{Verb: rapid.SampledFrom(reconcile.Answers(q)).Draw(rt, "answer"), Record: rapid.SampledFrom(q.Records).Draw(rt, "record")}
					if a.Verb == model.Set {
						a.Attribute, a.Value = model.Email, address(9)
					}
					var wrong *ingest.InvalidError
					if _, err := w.e.Resolve("test", q.ID, a); err != nil && !errors.As(err, &wrong) {
						rt.Fatal(err)
					}
				}
			default:
				if d := all(w, store.Decisions); len(d) > 0 {
					if err := w.e.Undo("test", rapid.SampledFrom(d).Draw(rt, "decision").ID); err != nil {
						rt.Fatal(err)
					}
				}
			}
			held := map[model.PersonID]bool{}
			for _, p := range all(w, store.Persons) {
				held[p.ID] = len(p.Held) > 0
				if p.Access != model.AccessOff {
					continue
				}
				for _, id := range p.Records {
					r := recordByID(w, id)
					s := said[r.Source][int(r.Native[0]-'0')]
					if s == nil || !s.left && s.missed < w.settings.AbsentReads {
						if !decided(w, id) {
							rt.Fatalf("absence: %s is switched off, and %s %s neither left nor was missing often enough: %+v", p.ID, r.Source, r.Native, s)
						}
					}
				}
			}
			for _, j := range all(w, store.Outbox) {
				if held[j.Person] {
					rt.Fatalf("conflict: %s of %s is %s, who is in a conflict", j.Effect, j.Person, j.State)
				}
			}
			derived(rt, w)
			if rapid.Bool().Draw(rt, "deliver") {
				w.deliver()
			}
		}
	})
}

// decided reports whether a decision speaks of a record: whose word counts is then
// not only the sources'.
func decided(w *world, id model.RecordID) bool {
	return slices.ContainsFunc(all(w, store.Decisions), func(d model.Decision) bool { return slices.Contains(d.Records, id) })
}

// derived compares what is stored with planning everything anew.
func derived(rt *rapid.T, w *world) {
	in := reconcile.Input{Today: w.e.Today(), Policy: &w.settings.Policy, Records: all(w, store.Records), Persons: all(w, store.Persons), Decisions: all(w, store.Decisions)}
	in.Hot = reconcile.HotIdentifiers(in.Records, in.Policy)
	plan := reconcile.PlanRoster(in)
	persons := map[model.PersonID]model.Person{}
	for _, p := range in.Persons {
		persons[p.ID] = p
	}
	if len(plan.Spent)+len(plan.Gone)+len(plan.Notes) > 0 || len(plan.Persons) != len(persons) {
		rt.Fatalf("derived: planning again spends %v, loses %v, notes %v, and makes %d of %d people", plan.Spent, plan.Gone, plan.Notes, len(plan.Persons), len(persons))
	}
	for _, p := range plan.Persons {
		if !reconcile.SamePerson(p, persons[p.ID]) {
			rt.Fatalf("derived: %s is %+v and would be %+v", p.ID, persons[p.ID], p)
		}
	}
	asked := map[model.ConflictID]bool{}
	for _, q := range all(w, store.Conflicts) {
		asked[q.ID] = q.Target == "" && q.Kind != model.ManagerUnresolved && q.Kind != model.ManagerCycle
	}
	for _, q := range plan.Conflicts {
		if !asked[q.ID] {
			rt.Fatalf("derived: %s (%s) should be asked and is not", q.ID, q.Kind)
		}
		delete(asked, q.ID)
	}
	for id, planned := range asked {
		if planned {
			rt.Fatalf("derived: %s is asked, and nothing asks it", id)
		}
	}
}
