package appliance

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"rollcall/appliance/admin"
	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

// RunPlan implements admin.Service: what a run still has to send, person by person.
func (a *App) RunPlan(_ context.Context, seq uint64) (admin.Plan, error) {
	p := admin.Plan{Changes: []admin.PlanChange{}, Counts: map[string]int{}}
	err := a.store.View(func(tx *store.Tx) error {
		run, ok, err := store.Runs.Get(tx, seq)
		if err != nil {
			return err
		}
		if !ok {
			return notFound("there is no run %d; rollcall runs lists them", seq)
		}
		p.Holds = run.Holds
		if err := a.readPlan(tx, &p, func(j model.Job) bool { return j.Run == seq }); err != nil {
			return err
		}
		p.Conflicts, p.Uncovered, p.Notices = nil, nil, nil
		return nil
	})
	return p, err
}

// ApproveOnly implements admin.Service: the part of a hold that is named.
func (a *App) ApproveOnly(ctx context.Context, actor string, seq uint64, only admin.Only) (admin.Settled, error) {
	// The digest is taken first: if anything changes while the plan is read, the
	// approval is refused as stale.
	digest, err := a.engine.HeldDigest(seq)
	if err != nil {
		return admin.Settled{}, err
	}
	plan, err := a.RunPlan(ctx, seq)
	if err != nil {
		return admin.Settled{}, err
	}
	chosen, left, err := a.choose(plan, only)
	if err != nil {
		return admin.Settled{}, err
	}
	released, waiting, err := a.engine.ApproveSome(actor, seq, digest, func(j model.Job) bool {
		return chosen[store.TargetPerson{Target: j.Target, Person: j.Person}]
	})
	return admin.Settled{Deliveries: released, Waiting: waiting, Left: left}, refusal(err)
}

// choose picks the held changes of a plan that only names. A change is one write
// and cannot be split: one that also has a cause which was not named is left, and
// told.
func (a *App) choose(plan admin.Plan, only admin.Only) (map[store.TargetPerson]bool, []admin.LeftOut, error) {
	if only.Empty() {
		return nil, nil, invalid("nothing is chosen: name a person, a department or a cause, or approve all of it")
	}
	persons := map[string]bool{}
	for _, who := range only.Persons {
		var id model.PersonID
		err := a.store.View(func(tx *store.Tx) error {
			p, err := find(tx, strings.TrimSpace(who))
			id = p.ID
			return err
		})
		if err != nil {
			return nil, nil, err
		}
		persons[string(id)] = true
	}
	departments := map[string]bool{}
	for _, d := range only.Departments {
		departments[store.FoldDepartment(d)] = true
	}
	known := map[string]bool{}
	for _, c := range plan.Causes {
		known[c.ID] = true
	}
	for _, id := range only.Causes {
		if !known[id] {
			return nil, nil, invalid("nothing this run holds has the cause %q; rollcall runs show lists the causes", id)
		}
	}
	chosen := map[store.TargetPerson]bool{}
	var left []admin.LeftOut
	texts := map[string]string{}
	for _, c := range plan.Causes {
		texts[c.ID] = c.Text
	}
	for _, c := range plan.Changes {
		if c.State != string(model.JobHeld) {
			continue
		}
		key := store.TargetPerson{Target: c.Target, Person: model.PersonID(c.Person.ID)}
		if persons[c.Person.ID] || c.Department != "" && departments[store.FoldDepartment(c.Department)] {
			chosen[key] = true
			continue
		}
		var other []string
		named := 0
		for _, id := range c.Causes {
			if slices.Contains(only.Causes, id) {
				named++
			} else {
				other = append(other, texts[id])
			}
		}
		switch {
		case named > 0 && len(other) == 0:
			chosen[key] = true
		case named > 0:
			left = append(left, admin.LeftOut{Target: c.Target, Person: c.Person, Why: "the same write also changes " + strings.Join(other, ", ")})
		}
	}
	for id := range persons {
		if !slices.ContainsFunc(plan.Changes, func(c admin.PlanChange) bool {
			return c.Person.ID == id && c.State == string(model.JobHeld)
		}) {
			left = append(left, admin.LeftOut{Person: admin.PersonRef{ID: id, Name: id}, Why: "nothing of theirs is held by this run"})
		}
	}
	return chosen, left, nil
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
