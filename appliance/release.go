package appliance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rollcall/appliance/admin"
	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

// RunPlan is [App.RunPlanJSON] in memory, for runs that are not large.
func (a *App) RunPlan(ctx context.Context, seq uint64) (admin.Plan, error) {
	var p admin.Plan
	s, err := a.RunPlanJSON(ctx, seq)
	if err == nil {
		err = admin.Unspool(s, &p)
	}
	return p, err
}

// RunPlanJSON implements admin.Service: what a run still has to send, person by person.
func (a *App) RunPlanJSON(_ context.Context, seq uint64) (admin.Spooled, error) {
	p := admin.Plan{Counts: map[string]int{}}
	s := a.newSpool()
	err := a.store.Rehearse(func(tx *store.Tx) error {
		run, ok, err := store.Runs.Get(tx, seq)
		if err != nil {
			return err
		}
		if !ok {
			return notFound("there is no run %d; rollcall runs lists them", seq)
		}
		p.Holds = run.Holds
		w := newPlanning(a, tx, a.engine.Settings(), &p, func(j model.Job) bool { return j.Run == seq })
		w.changesOnly = true
		return w.spool(s)
	})
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// ApproveOnly implements admin.Service: the part of a hold that is named.
func (a *App) ApproveOnly(ctx context.Context, actor string, seq uint64, tag string, only admin.Only) (admin.Settled, error) {
	// The tag is taken first: if anything changes while the plan is read, the
	// approval is refused as stale.
	now, err := a.engine.HeldDigest(seq)
	if err != nil {
		return admin.Settled{}, err
	}
	if tag == "" {
		tag = now
	}
	o, err := a.choosing(only)
	if err != nil {
		return admin.Settled{}, err
	}
	plan, err := a.RunPlanJSON(ctx, seq)
	if err != nil {
		return admin.Settled{}, err
	}
	err = admin.UnspoolEach(plan, &o.plan, "changes", o.choose)
	if err == nil && o.texts == nil {
		err = o.causes() // there is no change
	}
	if err != nil {
		return admin.Settled{}, err
	}
	released, waiting, err := a.engine.ApproveSome(actor, seq, tag, o.chosen.Has)
	return admin.Settled{Deliveries: released, Waiting: waiting, Left: o.leftOut()}, refusal(err)
}

// choosing picks, out of the plan of a run, the held changes that only names. A change
// is one write and cannot be split: one that also has a cause which was not named is
// left, and told.
type choosing struct {
	only        admin.Only
	persons     map[string]bool // by id; true: something of theirs is held
	departments map[string]bool
	plan        admin.Plan // without the changes
	texts       map[string]string
	chosen      ingest.Selection
	left        []admin.LeftOut
}

func (a *App) choosing(only admin.Only) (*choosing, error) {
	if only.Empty() {
		return nil, invalid("nothing is chosen: name a person, a department or a cause, or approve all of it")
	}
	o := &choosing{only: only, persons: map[string]bool{}, departments: map[string]bool{}}
	for _, who := range only.Persons {
		err := a.store.View(func(tx *store.Tx) error {
			p, err := find(tx, strings.TrimSpace(who))
			o.persons[string(p.ID)] = false
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	for _, d := range only.Departments {
		o.departments[store.FoldDepartment(d)] = true
	}
	return o, nil
}

// causes reads the causes of the plan, which are known when its first change comes.
func (o *choosing) causes() error {
	o.texts = map[string]string{}
	for _, c := range o.plan.Causes {
		o.texts[c.ID] = c.Text
	}
	for _, id := range o.only.Causes {
		if _, known := o.texts[id]; !known {
			return invalid("nothing this run holds has the cause %q; rollcall runs show lists the causes", id)
		}
	}
	return nil
}

func (o *choosing) choose(c admin.PlanChange) error {
	if o.texts == nil {
		if err := o.causes(); err != nil {
			return err
		}
	}
	if c.State != string(model.JobHeld) {
		return nil
	}
	_, named := o.persons[c.Person.ID]
	if named {
		o.persons[c.Person.ID] = true
	}
	if named || c.Department != "" && o.departments[store.FoldDepartment(c.Department)] {
		o.chosen.Add(c.Target, model.PersonID(c.Person.ID))
		return nil
	}
	var other []string
	causes := 0
	for _, id := range c.Causes {
		if slices.Contains(o.only.Causes, id) {
			causes++
		} else {
			other = append(other, o.texts[id])
		}
	}
	switch {
	case causes > 0 && len(other) == 0:
		o.chosen.Add(c.Target, model.PersonID(c.Person.ID))
	case causes > 0:
		o.left = append(o.left, admin.LeftOut{Target: c.Target, Person: c.Person, Why: "the same write also changes " + strings.Join(other, ", ")})
	}
	return nil
}

// leftOut names who was named, or whose cause was, and is not released.
func (o *choosing) leftOut() []admin.LeftOut {
	for id, held := range o.persons {
		if !held {
			o.left = append(o.left, admin.LeftOut{Person: admin.PersonRef{ID: id, Name: id}, Why: "nothing of theirs is held by this run"})
		}
	}
	return o.left
}

// Apply implements admin.Service: exactly what a reviewed plan says.
func (a *App) Apply(_ context.Context, actor string, reviewed admin.ReviewedPlan) (admin.Applied, error) {
	out := admin.Applied{Left: []admin.LeftOut{}}
	if own := a.store.Meta("instance"); reviewed.Instance != own {
		return out, invalid("this plan was made by another appliance or another database: make it anew with rollcall plan --out")
	}
	list := make([]ingest.Reviewed, 0, len(reviewed.Changes))
	names := map[store.TargetPerson]admin.PersonRef{}
	for _, c := range reviewed.Changes {
		r := ingest.Reviewed{Target: c.Target, Person: model.PersonID(c.Person.ID), Pin: c.Pin}
		if r.Target == "" || r.Person == "" || r.Pin == "" {
			return out, invalid("the plan holds a change that is not whole: make it anew with rollcall plan --out")
		}
		list = append(list, r)
		names[store.TargetPerson{Target: r.Target, Person: r.Person}] = c.Person
	}
	if err := a.rulesNotice(reviewed, &out); err != nil {
		return out, err
	}
	if reviewed.Source != "" {
		if err := a.applyActivation(actor, reviewed, list, &out); err != nil {
			return out, err
		}
	}
	applied, err := a.engine.ApplyReviewed(actor, list)
	if err != nil {
		return out, refusal(err)
	}
	out.Released += applied.Released
	out.Flowing = applied.Flowing
	for _, r := range applied.Refused {
		out.Left = append(out.Left, admin.LeftOut{Target: r.Target, Person: names[store.TargetPerson{Target: r.Target, Person: r.Person}], Why: r.Why})
	}
	slices.SortFunc(out.Left, func(x, y admin.LeftOut) int {
		return cmp.Or(cmp.Compare(x.Target, y.Target), cmp.Compare(strings.ToLower(x.Person.Name), strings.ToLower(y.Person.Name)), cmp.Compare(x.Person.ID, y.Person.ID))
	})
	return out, nil
}

// applyActivation activates the source of a reviewed plan. A plan that was applied
// before, whose source is active by now, is only looked at again.
func (a *App) applyActivation(actor string, reviewed admin.ReviewedPlan, list []ingest.Reviewed, out *admin.Applied) error {
	source := reviewed.Source
	state, err := a.activatable(source)
	if err != nil {
		return err
	}
	if !state.Staged() {
		out.Notices = append(out.Notices, fmt.Sprintf("source %s is %s already: only what still waits is released", source, state.State))
		return nil
	}
	run, err := a.engine.ActivateReviewed(actor, source, list, reviewed.Waves)
	if err != nil {
		return refusal(err)
	}
	out.Run = run.Seq
	for _, h := range run.Holds {
		if h.State == model.HoldWaiting {
			out.Notices = append(out.Notices, fmt.Sprintf("%s: %s; they wait in run %d", h.Target, h.Reason, run.Seq))
		}
	}
	return nil
}

// rulesNotice says when the rules are not those under which a plan was made: the
// changes are compared one by one all the same.
func (a *App) rulesNotice(reviewed admin.ReviewedPlan, out *admin.Applied) error {
	return a.store.View(func(tx *store.Tx) error {
		var now string
		if _, err := tx.Setting("policy", &now); err != nil {
			return err
		}
		if reviewed.Rules != "" && now != reviewed.Rules {
			out.Notices = append(out.Notices, "the configuration changed since the plan was made: only what still comes out the same is done")
		}
		return nil
	})
}
