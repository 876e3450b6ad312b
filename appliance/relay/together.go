package relay

import (
	"context"
	"errors"
	"time"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/store"
	"rollcall/connectors"
)

// together sends what is due in one request, where the target takes several writes
// in one. All that holds of a single write holds of each of them: the attempt is
// recorded before the request leaves, an answer that never comes leaves each of them in
// doubt, managers and deactivations stand first, one refusal parks one person. Who may
// have an account already of which nobody knows goes alone, to be looked for first.
// ok is false when the jobs are to go one by one.
func (l *Lane) together(ctx context.Context, jobs []model.Job) (moved, ok bool, err error) {
	target, can := l.target.(connectors.BulkTarget)
	if !can || len(jobs) < 2 {
		return false, false, nil
	}
	batch, err := target.Batch(ctx)
	if ctx.Err() != nil {
		return false, true, nil
	}
	if err != nil {
		_, err = l.setback(err)
		return false, true, err
	}
	if batch == nil {
		return false, false, l.learned()
	}
	people, err := l.inOrder(jobs)
	if err != nil {
		return false, true, err
	}
	var alone []model.PersonID
	left, full := map[model.PersonID]bool{}, false
	attempts, err := l.engine.BeginAll(l.name, people, func(a *ingest.Attempt) bool {
		if full || left[a.BlockedBy] {
			left[a.Person] = true
			return false // with the next, behind their manager
		}
		fit := connectors.Alone
		if a.Step != ingest.StepCreate || a.Want.Active && !a.Uncertain {
			fit = batch.Add(connectors.Write{RemoteID: a.RemoteID, Have: a.Base(), Want: a.Want})
		}
		switch fit {
		case connectors.Fits:
			return true
		case connectors.Full:
			full = true
		case connectors.Alone:
			alone = append(alone, a.Person)
		}
		left[a.Person] = true
		return false
	})
	if err != nil {
		return false, true, err
	}
	if len(attempts) > 0 {
		open, err := l.sendTogether(ctx, batch, attempts)
		if err != nil || !open || ctx.Err() != nil {
			return true, true, err
		}
		if kicked := l.kicked(); kicked {
			return true, true, nil // somebody may have left meanwhile
		}
	}
	for _, person := range alone {
		if open, err := l.stillOpen(); err != nil || !open {
			return moved, true, err
		}
		sent, open, err := l.deliver(ctx, person)
		moved = moved || sent
		if err != nil || !open || ctx.Err() != nil || l.kicked() {
			return moved, true, err
		}
	}
	return moved || len(attempts) > 0, true, nil
}

// kicked reports whether something new came since the jobs were picked up.
func (l *Lane) kicked() bool {
	select {
	case <-l.kick:
		return true
	default:
		return false
	}
}

// inOrder lists the people of jobs, each behind their managers.
func (l *Lane) inOrder(jobs []model.Job) ([]model.PersonID, error) {
	var out []model.PersonID
	done := map[model.PersonID]bool{}
	for _, job := range jobs {
		chain, err := l.chain(job, done)
		if err != nil {
			return nil, err
		}
		for _, person := range chain {
			if !done[person] {
				done[person] = true
				out = append(out, person)
			}
		}
	}
	return out, nil
}

// sendTogether sends a batch whose attempts are recorded, and stores what became of
// each. The lane fails once, however many were in it, and not at all when some of them
// were done.
func (l *Lane) sendTogether(ctx context.Context, batch connectors.Batch, attempts []ingest.Attempt) (open bool, err error) {
	l.pass(AttemptStored)
	written := batch.Send(ctx)
	l.pass(Answered)
	if err := l.learned(); err != nil {
		return false, err
	}
	made := map[model.PersonID]model.Account{}
	var again []ingest.Attempt
	var worst error
	lost := 0
	for i, w := range written {
		a := attempts[i]
		switch {
		case w.Err == nil:
			if w.LinkLeft || ignoredLink(a.Want, w.Account) {
				a.Want.Manager, a.LinkLeft = nil, true
			}
			if err := l.done(a, w.Account); err != nil {
				return false, err
			}
			made[a.Person] = w.Account
		case ctx.Err() != nil:
			return false, nil // the attempts stay on disk; the next start looks first
		case errors.Is(w.Err, connectors.ErrUnsent):
			if err := l.engine.Failed(a, ingest.Outcome{Class: connectors.ClassOf(w.Err).String(), Text: w.Err.Error(), Free: true}); err != nil {
				return false, err
			}
		case single(w.Err):
			again = append(again, a)
		default:
			worst = worse(worst, w.Err)
			if a.Step == ingest.StepCreate && connectors.ClassOf(w.Err) == connectors.Transient {
				lost++
			}
			if err := l.note(a, w.Err); err != nil {
				return false, err
			}
		}
	}
	if len(made) > 0 {
		lane, err := l.lane()
		if err != nil {
			return false, err
		}
		if err := l.recovered(lane); err != nil {
			return false, err
		}
	}
	if err := l.listAfter(lost); err != nil {
		return false, err
	}
	if open, err := l.singly(ctx, again, made); err != nil || !open || ctx.Err() != nil {
		return false, err
	}
	if worst == nil || len(made) > 0 && !closing(worst) {
		return true, nil
	}
	return l.setback(worst)
}

// listAfter has the accounts listed anew when that takes fewer requests than looking
// for each of so many people whose create had no answer. Whom the listing does not
// show is looked for all the same.
func (l *Lane) listAfter(lost int) error {
	if lost == 0 {
		return nil
	}
	few := false
	err := l.store.View(func(tx *store.Tx) error {
		pages := 1 + store.Deliveries.Count(tx, store.Prefix(l.name))/100
		few = lost <= 2*pages
		return nil
	})
	if err != nil || few {
		return err
	}
	return l.engine.SetLane("rollcall", l.name, func(lane *model.Lane) { lane.Listed = time.Time{} })
}

// single reports whether a write that was refused in a batch may be accepted by itself,
// or needs a look at the account.
func single(err error) bool {
	return errors.Is(err, connectors.ErrAlone) || errors.Is(err, connectors.ErrManagerRefused) || connectors.ClassOf(err) == connectors.Taken
}

// singly sends writes whose attempts are recorded one by one. Their managers may have
// got an account meanwhile.
func (l *Lane) singly(ctx context.Context, attempts []ingest.Attempt, made map[model.PersonID]model.Account) (open bool, err error) {
	open = true
	for _, a := range attempts {
		if still, err := l.stillOpen(); err != nil {
			return false, err
		} else if !still || !open {
			// Refused, so nothing is in doubt: it goes when the lane is open again.
			if err := l.engine.Failed(a, ingest.Outcome{Class: connectors.Transient.String(), Text: l.name + ": the lane closed before it went by itself", Free: true}); err != nil {
				return false, err
			}
			continue
		}
		if m := a.Want.Manager; m != nil && m.Person != "" && m.RemoteID == "" {
			if boss, ok := made[m.Person]; ok {
				a.Want.Manager = &model.ManagerLink{Person: m.Person, RemoteID: boss.RemoteID, Email: boss.Login}
			} else {
				a.Want.Manager, a.LinkLeft = nil, true
			}
		}
		if _, open, err = l.attempt(ctx, a); err != nil || ctx.Err() != nil {
			return false, err
		}
	}
	return open, nil
}

// closing reports whether an error closes the lane whatever else went well.
func closing(err error) bool {
	switch connectors.ClassOf(err) {
	case connectors.Throttled, connectors.Denied, connectors.Misconfigured:
		return true
	}
	return false
}

// worse returns the error that says more about the way to the target.
func worse(a, b error) error {
	switch class := connectors.ClassOf(b); {
	case class == connectors.Invalid, class == connectors.Gone:
		return a // about one person
	case a == nil, closing(b) && !closing(a):
		return b
	}
	return a
}
