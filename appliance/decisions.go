package appliance

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"rollcall/appliance/admin"
	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

func answerOf(r admin.Resolution) ingest.Answer {
	a := ingest.Answer{Verb: model.Verb(r.Verb), Record: model.RecordID(r.Record), Attribute: model.Name(r.Attribute), Value: r.Value, Reason: r.Reason}
	for _, id := range r.Apart {
		a.Apart = append(a.Apart, model.RecordID(id))
	}
	return a
}

// askedIn lists the conflicts that an answer is given to: the one of the route, and
// those that the answer names besides.
func askedIn(id string, r admin.Resolution) []ingest.Asked {
	asked := []ingest.Asked{{ID: model.ConflictID(id), Rev: r.Rev}}
	for _, q := range r.Also {
		asked = append(asked, ingest.Asked{ID: model.ConflictID(q.ID), Rev: q.Rev})
	}
	return asked
}

// Resolve implements admin.Service.
func (a *App) Resolve(_ context.Context, actor, id string, r admin.Resolution) error {
	_, err := a.engine.ResolveAll(actor, askedIn(id, r), answerOf(r))
	return refusal(err)
}

// Preview implements admin.Service: the answer is given inside a transaction that
// is rolled back, so the preview cannot differ from the real thing.
func (a *App) Preview(ctx context.Context, id string, r admin.Resolution) (admin.Plan, error) {
	p := admin.Plan{Changes: []admin.PlanChange{}, Counts: map[string]int{}}
	asked := askedIn(id, r)
	before, err := a.lookBefore(asked)
	if err != nil {
		return p, err
	}
	var would rehearsal
	if err := a.engine.TryResolve("preview", asked, answerOf(r), a.consequences(&p, before, &would)); err != nil {
		return p, refusal(err)
	}
	return p, a.showRequests(ctx, &p, would)
}

// PreviewUndo implements admin.Service, as Preview does for an answer.
func (a *App) PreviewUndo(ctx context.Context, decision string) (admin.Plan, error) {
	p := admin.Plan{Changes: []admin.PlanChange{}, Counts: map[string]int{}}
	before := situation{}
	err := a.store.View(func(tx *store.Tx) error {
		found, err := ingest.DecisionsNamed(tx, decision)
		if err != nil {
			return err
		}
		var about []model.Conflict
		for _, d := range found {
			about = append(about, model.Conflict{Records: d.Records, Target: d.Target, Groups: d.Groups})
		}
		before, err = a.situationOf(tx, about)
		return err
	})
	var would rehearsal
	if err == nil {
		err = a.engine.TryUndo("preview", decision, a.consequences(&p, before, &would))
	}
	if err != nil {
		return p, refusalOr(err, "decision %s is not in force; rollcall conflicts decisions lists those that are", decision)
	}
	return p, a.showRequests(ctx, &p, would)
}

// situation is what stands about the records and groups of some conflicts.
type situation struct {
	records []model.RecordID
	persons map[model.RecordID]model.Person // the zero person: none
	open    map[model.ConflictID]model.Conflict
	jobs    map[store.TargetPerson]model.Job
	events  uint64
	about   []model.Conflict
	groups  map[store.TargetGroup]ingest.GroupOutlook
}

func (a *App) lookBefore(asked []ingest.Asked) (s situation, err error) {
	err = a.store.View(func(tx *store.Tx) error {
		var about []model.Conflict
		for _, ask := range asked {
			q, _, err := store.Conflicts.Get(tx, ask.ID) // that it is not open, resolving says better
			if err != nil {
				return err
			}
			about = append(about, q)
		}
		s, err = a.situationOf(tx, about)
		return err
	})
	return s, err
}

func (a *App) situationOf(tx *store.Tx, about []model.Conflict) (situation, error) {
	var records []model.RecordID
	for _, q := range about {
		records = append(records, q.Records...)
	}
	slices.Sort(records)
	s := situation{about: about, records: slices.Compact(records), persons: map[model.RecordID]model.Person{}, open: map[model.ConflictID]model.Conflict{}, jobs: map[store.TargetPerson]model.Job{}}
	for q, err := range store.Conflicts.Each(tx, nil) {
		if err != nil {
			return s, err
		}
		s.open[q.ID] = q
	}
	for e, err := range store.Journal.Backward(tx, nil) {
		if err != nil {
			return s, err
		}
		s.events = e.Seq
		break
	}
	for j, err := range store.Outbox.Each(tx, nil) {
		if err != nil {
			return s, err
		}
		s.jobs[store.TargetPerson{Target: j.Target, Person: j.Person}] = j
	}
	for _, id := range s.records {
		r, ok, err := store.Records.Get(tx, id)
		if err != nil {
			return s, err
		}
		if !ok || r.Person == "" {
			continue
		}
		if s.persons[id], _, err = store.Persons.Get(tx, r.Person); err != nil {
			return s, err
		}
	}
	var err error
	s.groups, err = a.groupsOf(tx, about)
	return s, err
}

// consequences describes, inside the transaction of an answer, what it changes: in
// accounts, in who is who, in what is asked, and what of it needs attention; would
// gets what there would be to send.
func (a *App) consequences(p *admin.Plan, before situation, would *rehearsal) func(*store.Tx, model.Run) error {
	return func(tx *store.Tx, run model.Run) error {
		p.Holds = run.Holds
		caused := func(j model.Job) bool {
			old, pending := before.jobs[store.TargetPerson{Target: j.Target, Person: j.Person}]
			return j.Run == run.Seq || !pending || old.Digest != j.Digest
		}
		if err := a.readPlan(tx, p, caused); err != nil {
			return err
		}
		p.Uncovered, p.Notices = nil, nil
		after, err := a.situationOf(tx, before.about)
		if err != nil {
			return err
		}
		p.Conflicts = slices.DeleteFunc(p.Conflicts, func(q admin.Conflict) bool {
			_, old := before.open[model.ConflictID(q.ID)]
			return old
		})
		for id, q := range before.open {
			if _, still := after.open[id]; !still {
				p.Closes = append(p.Closes, admin.Asked{ID: string(id), Rev: q.Rev})
			}
		}
		slices.SortFunc(p.Closes, func(x, y admin.Asked) int { return cmp.Compare(x.ID, y.ID) })
		for key, old := range before.jobs {
			if _, still := after.jobs[key]; !still && old.State != model.JobParked {
				p.Notices = append(p.Notices, "a pending "+string(old.Effect)+" in "+key.Target+" is taken back")
			}
		}
		slices.Sort(p.Notices)
		if p.Groups, err = groupChanges(tx, before.groups, after.groups); err != nil {
			return err
		}
		if *would, err = a.rehearse(tx, p, after.groups); err != nil {
			return err
		}
		return regrouped(tx, p, before, after)
	}
}

// regrouped says which records change their person, and which accounts nobody has
// any more.
func regrouped(tx *store.Tx, p *admin.Plan, before, after situation) error {
	for _, id := range before.records {
		from, to := before.persons[id], after.persons[id]
		if from.ID == to.ID {
			continue
		}
		r, ok, err := store.Records.Get(tx, id)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		move := admin.RecordMove{Record: string(id), Source: r.Source, Name: recordName(r)}
		if from.ID != "" {
			ref := personRef(from)
			move.From = &ref
		}
		if to.ID != "" {
			ref := personRef(to)
			move.To = &ref
		}
		p.Moves = append(p.Moves, move)
	}
	slices.SortStableFunc(p.Moves, func(x, y admin.RecordMove) int {
		return cmp.Or(cmp.Compare(x.Source, y.Source), cmp.Compare(x.Name, y.Name))
	})
	for e, err := range store.Journal.Backward(tx, nil) {
		if err != nil {
			return err
		}
		if e.Seq <= before.events {
			break
		}
		if e.Verb == "account_left" {
			p.Notices = append(p.Notices, strings.TrimPrefix(e.Subject, "account:")+" loses its person: it stays as it is, and nobody keeps it in step")
		}
	}
	return nil
}

// UndoDecision implements admin.Service.
func (a *App) UndoDecision(_ context.Context, actor, decision string) error {
	return refusalOr(a.engine.Undo(actor, decision), "decision %s is not in force; rollcall conflicts decisions lists those that are", decision)
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
				Attribute: string(d.Attribute), Value: d.Value.Text, Batch: d.Batch, At: d.At, Actor: d.Actor, Reason: d.Reason, Records: []string{}, Names: []string{}}
			records, err := recordsOf(tx, d.Records)
			if err != nil {
				return err
			}
			for _, r := range records {
				row.Records = append(row.Records, string(r.ID))
				row.Names = append(row.Names, recordName(r))
			}
			for _, ref := range d.Groups {
				row.Records = append(row.Records, ref.String())
				name, err := ingest.GroupName(tx, ref)
				if err != nil {
					return err
				}
				row.Names = append(row.Names, cmp.Or(name, ref.String()))
			}
			row.Names = uniqueNames(row.Names)
			for _, id := range d.Apart {
				row.Apart = append(row.Apart, string(id))
			}
			out = append(out, row)
		}
		return nil
	})
	slices.SortFunc(out, func(x, y admin.Decision) int { return y.At.Compare(x.At) })
	return out, err
}
