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
		same, err := a.engine.SameKeys(tx, r)
		if err != nil {
			return err
		}
		if !same {
			note("record %s is not found by what it says", r.ID)
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
	if err := a.engine.VerifyGroups(tx, in.Records, note); err != nil {
		return err
	}
	if err := a.verifyQuestions(tx, plan, note); err != nil {
		return err
	}
	return a.verifyJobs(tx, v, note)
}

// verifyQuestions compares the open conflicts, and whose manager is who, with what
// planning and resolving again says of them. What only a target raised (an account
// that is another's, data it refused) cannot be known without asking it.
func (a *App) verifyQuestions(tx *store.Tx, plan reconcile.Plan, note func(string, ...any)) error {
	wanted := map[model.ConflictID]model.Conflict{}
	for _, q := range plan.Conflicts {
		wanted[q.ID] = q
	}
	for p, err := range store.Persons.Each(tx, nil) {
		if err != nil {
			return err
		}
		manager, questions, err := a.engine.ManagerOf(tx, p)
		if err != nil {
			return err
		}
		if manager != p.Manager {
			note("person %s has the manager %q and should have %q", p.ID, p.Manager, manager)
		}
		for _, q := range questions {
			wanted[q.ID] = q
		}
	}
	for q, err := range store.Conflicts.Each(tx, nil) {
		if err != nil {
			return err
		}
		if q.Kind == model.DuplicateGroup && len(q.Groups) == 2 {
			if err := a.verifyGroupQuestion(tx, q, note); err != nil {
				return err
			}
		}
		if q.Target != "" || q.Kind == model.DuplicateGroup {
			continue
		}
		if w, ok := wanted[q.ID]; !ok {
			note("conflict %s (%s) is open, and nothing asks it", q.ID, q.Kind)
		} else if w.Rule != q.Rule || !slices.Equal(w.Persons, q.Persons) || !slices.Equal(w.Records, q.Records) {
			note("conflict %s (%s) is not what would be asked", q.ID, q.Kind)
		}
		delete(wanted, q.ID)
	}
	for id, q := range wanted {
		note("conflict %s (%s) should be open and is not", id, q.Kind)
	}
	return nil
}

// verifyGroupQuestion checks that a group still asks for the name of the one beside it,
// or is about to be looked at.
func (a *App) verifyGroupQuestion(tx *store.Tx, q model.Conflict, note func(string, ...any)) error {
	asking := store.TargetGroup{Target: q.Target, GroupRef: q.Groups[1]}
	job, pending, err := store.GroupJobs.Get(tx, asking)
	if err != nil || pending && (job.State == model.JobReady || job.State == model.JobOpen) {
		return err
	}
	o, err := a.engine.LookGroup(tx, q.Target, q.Groups[1])
	if err == nil && (o.State != ingest.GroupDisputed || o.Holder != q.Groups[0]) {
		note("conflict %s (%s) is open, and the group %s does not ask it: it is %s", q.ID, q.Kind, q.Groups[1], o.State)
	}
	return err
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
