package appliance

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"rollcall/appliance/admin"
	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
)

func answerOf(r admin.Resolution) ingest.Answer {
	return ingest.Answer{Verb: model.Verb(r.Verb), Record: model.RecordID(r.Record), Attribute: model.Name(r.Attribute), Value: r.Value, Reason: r.Reason, Rev: r.Rev}
}

// Resolve implements admin.Service.
func (a *App) Resolve(_ context.Context, actor, id string, r admin.Resolution) error {
	_, err := a.engine.Resolve(actor, model.ConflictID(id), answerOf(r))
	return refusal(err)
}

// Preview implements admin.Service: the answer is given inside a transaction that
// is rolled back, so the preview cannot differ from the real thing.
func (a *App) Preview(_ context.Context, id string, r admin.Resolution) (admin.Plan, error) {
	p := admin.Plan{Changes: []admin.PlanChange{}, Counts: map[string]int{}}
	open := map[string]bool{}
	err := a.store.View(func(tx *store.Tx) error {
		for q, err := range store.Conflicts.Each(tx, nil) {
			if err != nil {
				return err
			}
			open[string(q.ID)] = true
		}
		return nil
	})
	if err != nil {
		return p, err
	}
	err = a.engine.TryResolve("preview", model.ConflictID(id), answerOf(r), func(tx *store.Tx, run model.Run) error {
		p.Holds = run.Holds
		if err := a.readPlan(tx, &p, func(j model.Job) bool { return j.Run == run.Seq }); err != nil {
			return err
		}
		// Of what is open then only what the answer opens is news.
		p.Conflicts = slices.DeleteFunc(p.Conflicts, func(q admin.Conflict) bool { return open[q.ID] })
		p.Uncovered = nil
		return nil
	})
	return p, refusal(err)
}

// UndoDecision implements admin.Service.
func (a *App) UndoDecision(_ context.Context, actor, decision string) error {
	return refusal(a.engine.Undo(actor, decision))
}

// Decisions implements admin.Service.
func (a *App) Decisions(context.Context) ([]admin.Decision, error) {
	out := []admin.Decision{}
	err := a.store.View(func(tx *store.Tx) error {
		for d, err := range store.Decisions.Each(tx, nil) {
			if err != nil {
				return err
			}
			row := admin.Decision{ID: d.ID, Verb: string(d.Verb), Conflict: string(d.Conflict), Kind: string(d.Kind), Record: string(d.Record),
				Attribute: string(d.Attribute), Value: d.Value.Text, At: d.At, Actor: d.Actor, Reason: d.Reason, Records: []string{}, Names: []string{}}
			records, err := recordsOf(tx, d.Records)
			if err != nil {
				return err
			}
			for _, r := range records {
				row.Records = append(row.Records, string(r.ID))
				row.Names = append(row.Names, recordName(r))
			}
			row.Names = uniqueNames(row.Names)
			out = append(out, row)
		}
		return nil
	})
	slices.SortFunc(out, func(x, y admin.Decision) int { return y.At.Compare(x.At) })
	return out, err
}

// problemsShown bounds what one verification lists.
const problemsShown = 100

// Verify implements admin.Service. It walks everything in one read transaction:
// the pages of the file, the indexes, the chain of the journal, and the roster,
// planned anew as a whole from records and decisions.
func (a *App) Verify(context.Context) (admin.Verification, error) {
	v := admin.Verification{Problems: []string{}}
	note := func(format string, args ...any) {
		if len(v.Problems) < problemsShown {
			v.Problems = append(v.Problems, fmt.Sprintf(format, args...))
		}
	}
	if err := a.store.Check(); err != nil {
		note("the database file is damaged: %v", err)
	}
	if err := a.store.CheckIndexes(); err != nil {
		note("%v", err)
	}
	err := a.store.View(func(tx *store.Tx) error {
		n, err := tx.VerifyJournal()
		v.Events = n
		var broken *store.JournalBreak
		if errors.As(err, &broken) {
			note("%v", broken)
		} else if err != nil {
			return err
		}
		return a.verifyRoster(tx, &v, note)
	})
	return v, err
}

func (a *App) verifyRoster(tx *store.Tx, v *admin.Verification, note func(string, ...any)) error {
	settings := a.engine.Settings()
	in := reconcile.Input{Today: a.engine.Today(), Policy: &settings.Policy}
	for r, err := range store.Records.Each(tx, nil) {
		if err != nil {
			return err
		}
		in.Records = append(in.Records, r)
	}
	persons := map[model.PersonID]model.Person{}
	for p, err := range store.Persons.Each(tx, nil) {
		if err != nil {
			return err
		}
		in.Persons = append(in.Persons, p)
		persons[p.ID] = p
	}
	for d, err := range store.Decisions.Each(tx, nil) {
		if err != nil {
			return err
		}
		in.Decisions = append(in.Decisions, d)
	}
	v.Records, v.Persons = len(in.Records), len(in.Persons)
	in.Hot = reconcile.HotIdentifiers(in.Records, &settings.Policy)
	plan := reconcile.PlanRoster(in)
	links := map[model.RecordID]model.PersonID{}
	for _, l := range plan.Links {
		links[l.Record] = l.Person
	}
	for _, r := range in.Records {
		if !r.Staged && links[r.ID] != r.Person {
			note("record %s is linked to %q and should be linked to %q", r.ID, r.Person, links[r.ID])
		}
	}
	for _, p := range plan.Persons {
		if !reconcile.SamePerson(p, persons[p.ID]) {
			note("person %s is not what its records and the decisions say", p.ID)
		}
		delete(persons, p.ID)
	}
	for id := range persons {
		note("person %s has no record", id)
	}
	return a.verifyJobs(tx, v, note)
}

// verifyJobs compares the outbox with what really differs.
func (a *App) verifyJobs(tx *store.Tx, v *admin.Verification, note func(string, ...any)) error {
	settings := a.engine.Settings()
	for i := range settings.Targets {
		t := &settings.Targets[i]
		active := 0
		for d, err := range store.Deliveries.Each(tx, store.Prefix(t.Name)) {
			if err != nil {
				return err
			}
			if d.Sent.Active {
				active++
			}
		}
		if n := ingest.ActiveAccounts(tx, t.Name); n != active {
			note("%s: %d active accounts are counted and %d were delivered", t.Name, n, active)
		}
		for p, err := range store.Persons.Each(tx, nil) {
			if err != nil {
				return err
			}
			o, _, err := ingest.Look(tx, t, p.ID)
			if err != nil {
				return err
			}
			job, pending, err := store.Outbox.Get(tx, store.TargetPerson{Target: t.Name, Person: p.ID})
			if err != nil {
				return err
			}
			if pending {
				v.Jobs++
			}
			differs := o.Projection.Effect != model.EffectNone
			if differs != pending {
				note("%s: person %s differs: %t, and a delivery is pending: %t (%s)", t.Name, p.ID, differs, pending, job.State)
			}
		}
	}
	return nil
}
