package appliance

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"rollcall/appliance/admin"
	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
)

// ExplainDelivery implements admin.Service.
func (a *App) ExplainDelivery(_ context.Context, who, target string) ([]admin.DeliveryExplained, error) {
	if target != "" && a.cfg.Targets[target] == nil {
		return nil, notFound("there is no target %q; the configuration has %s", target, listed(a.cfg.TargetNames()))
	}
	out := []admin.DeliveryExplained{}
	err := a.store.View(func(tx *store.Tx) error {
		p, err := find(tx, strings.TrimSpace(who))
		if err != nil {
			return err
		}
		var why admin.WhyNot
		if err := a.obstacles(tx, p, &why); err != nil {
			return err
		}
		settings := a.engine.Settings()
		for i := range settings.Targets {
			t := &settings.Targets[i]
			if target != "" && t.Name != target {
				continue
			}
			e, err := a.explainDelivery(tx, t, p, why.Obstacles)
			if err != nil {
				return err
			}
			out = append(out, e)
		}
		return nil
	})
	return out, err
}

func (a *App) explainDelivery(tx *store.Tx, t *ingest.TargetSettings, p model.Person, obstacles []admin.Obstacle) (admin.DeliveryExplained, error) {
	e := admin.DeliveryExplained{Target: t.Name, Person: personRef(p), State: "none", Differences: []admin.Difference{}, Obstacles: []admin.Obstacle{}, Attempts: []admin.DeliveryAttempt{}}
	for _, o := range obstacles {
		if o.Target == "" || o.Target == t.Name {
			e.Obstacles = append(e.Obstacles, o)
		}
	}
	o, _, err := ingest.Look(tx, t, p.ID)
	if err != nil {
		return e, err
	}
	e.Account = explainedAccount(o)
	if e.Differences, err = differences(tx, o); err != nil {
		return e, err
	}
	job, pending, err := store.Outbox.Get(tx, store.TargetPerson{Target: t.Name, Person: p.ID})
	if err != nil {
		return e, err
	}
	if pending {
		e.State, e.Effect, e.Run, e.Tries = string(job.State), string(job.Effect), job.Run, job.Attempts
		for _, try := range job.Tried {
			e.Attempts = append(e.Attempts, admin.DeliveryAttempt{At: try.At, Class: try.Class, Answer: saidOf(try)})
		}
	}
	boss, err := a.managerFirst(tx, t.Name, o)
	if err != nil {
		return e, err
	}
	if pending && boss != "" {
		e.Obstacles = append(e.Obstacles, admin.Obstacle{Target: t.Name, What: "their manager " + boss + " has no active account there yet: the link follows once they have one",
			Change: "the manager's account is made", Command: "rollcall deliveries explain " + string(o.Projection.Want.Manager.Person) + " --target " + t.Name})
	}
	e.Next, e.At, err = a.nextOf(tx, t.Name, o, job, pending)
	return e, err
}

func saidOf(t model.Try) string {
	if t.Class == "" {
		return "no answer was stored: it is under way, or the process ended; the account is looked at before anything is written again"
	}
	return t.Text
}

func explainedAccount(o ingest.Outlook) *admin.ExplainedAccount {
	var out admin.ExplainedAccount
	switch {
	case o.Delivered != nil:
		out = admin.ExplainedAccount{ID: o.Delivered.RemoteID, Login: o.Delivered.Sent.Email, Active: o.Delivered.Sent.Active, Adopted: o.Delivered.Adopted, At: o.Delivered.At}
	case o.Listed != nil:
		out = admin.ExplainedAccount{ID: o.Listed.RemoteID, Login: o.Listed.Login, Active: o.Listed.Active, Adopted: true}
	case len(o.Doubt.Logins) == 0:
		return nil
	default:
		out.Login = strings.Join(o.Doubt.Logins, ", ")
	}
	out.Doubt = !o.Doubt.Empty()
	return &out
}

// differences are what the person's next write would write.
func differences(tx *store.Tx, o ingest.Outlook) ([]admin.Difference, error) {
	out := []admin.Difference{}
	pr := o.Projection
	if pr.Effect == model.EffectNone {
		return out, nil
	}
	have := model.Desired{}
	if o.Have != nil {
		have = *o.Have
	}
	names := slices.Clone(pr.Changed)
	if o.Have == nil {
		names = reconcile.Difference(have, pr.Want)
		if !slices.Contains(names, model.Email) && pr.Want.Email != "" {
			names = append(names, model.Email)
		}
	}
	model.SortNames(names)
	for _, n := range names {
		d := admin.Difference{Attribute: string(n), Doubt: slices.Contains(o.Doubt.Changed, n)}
		var err error
		if d.Wanted, err = wordOf(tx, pr.Want, n); err != nil {
			return out, err
		}
		if o.Have != nil {
			if d.Has, err = wordOf(tx, have, n); err != nil {
				return out, err
			}
		}
		out = append(out, d)
	}
	return out, nil
}

// wordOf is what a state has of an attribute, for an operator's eyes.
func wordOf(tx *store.Tx, d model.Desired, n model.Name) (string, error) {
	switch n {
	case reconcile.ActiveName:
		if d.Active {
			return "yes", nil
		}
		return "no", nil
	case model.Email:
		return d.Email, nil
	case model.Manager:
		if d.Manager == nil || d.Manager.Person == "" {
			return "", nil
		}
		ref, err := refOf(tx, d.Manager.Person)
		if ref.Name == "" {
			return string(d.Manager.Person), err
		}
		return ref.Name, err
	}
	return d.Attributes[n], nil
}

// managerFirst names the manager whose account a link waits for, empty: none.
func (a *App) managerFirst(tx *store.Tx, target string, o ingest.Outlook) (string, error) {
	m := o.Projection.Want.Manager
	if m == nil || m.Person == "" || a.files[target] != nil {
		return "", nil
	}
	d, delivered, err := store.Deliveries.Get(tx, store.TargetPerson{Target: target, Person: m.Person})
	if err != nil || delivered && d.Sent.Active {
		return "", err
	}
	ref, err := refOf(tx, m.Person)
	return ref.Name, err
}

// nextOf says what happens next with a delivery, and when.
func (a *App) nextOf(tx *store.Tx, target string, o ingest.Outlook, job model.Job, pending bool) (string, time.Time, error) {
	none := time.Time{}
	if !pending {
		switch {
		case o.Projection.Blocked != "":
			return "nothing, until what is in the way is settled", none, nil
		case o.Have == nil:
			return "nothing: they have no account there and are to have none", none, nil
		}
		return "nothing: the target has what it should have", none, nil
	}
	switch job.State {
	case model.JobHeld:
		return fmt.Sprintf("nothing, until a human approves or rejects run %d", job.Run), none, nil
	case model.JobParked:
		return "nothing, until the person changes or a human retries it", none, nil
	case model.JobRejected:
		return "nothing, until the person changes or a human retries it", none, nil
	case model.JobOpen:
		if job.Wave > 0 {
			return fmt.Sprintf("it goes in wave %d of run %d, when the one before read back as it was sent", job.Wave, job.Run), none, nil
		}
		return fmt.Sprintf("the guards judge it when run %d ends", job.Run), none, nil
	}
	lane, _, err := store.Lanes.Get(tx, target)
	if err != nil {
		return "", none, err
	}
	if a.files[target] != nil {
		if next := lane.File.At.Add(time.Duration(a.cfg.Targets[target].Interval)); next.After(a.now()) {
			return "it goes with the next file", next.UTC(), nil
		}
		return "it goes with the next file, now", none, nil
	}
	switch lane.State {
	case model.LanePaused:
		return "nothing, until an operator resumes the lane: rollcall deliveries resume " + target, none, nil
	case model.LaneWaiting:
		return "the target asked to wait, or failed: the lane tries again", lane.RetryAt, nil
	case model.LaneBroken:
		return "the circuit is open after failures in a row: one probe at a time goes out, and everything once one succeeds", lane.RetryAt, nil
	case model.LaneDenied:
		return "the credentials were refused: one probe at a time goes out, and everything once they are put right", lane.RetryAt, nil
	}
	if job.NotBefore.After(a.now()) {
		return "it is tried again", job.NotBefore, nil
	}
	before := 0
	for j, err := range store.JobByState.Prefix(tx, store.Prefix(target, string(model.JobReady))) {
		if err != nil {
			return "", none, err
		}
		if j.Person == job.Person {
			break
		}
		before++
	}
	at := none
	if b := a.budgets[target]; b != nil {
		at = a.now().Add(b.limiter.Until(a.now(), (before+b.together()-1)/b.together()+1)).UTC()
	}
	if before == 0 {
		return "it is sent as soon as the rate allows", at, nil
	}
	return fmt.Sprintf("it is sent after about %s, as the rate allows", plural(before, "delivery")), at, nil
}
