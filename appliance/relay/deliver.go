package relay

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/connectors"
)

// deliver takes one person's job to the target. sent is false when there was
// nothing to send, open when the lane closed on it.
func (l *Lane) deliver(ctx context.Context, person model.PersonID) (sent, open bool, err error) {
	a, err := l.engine.Begin(l.name, person)
	if err != nil || a.Step == ingest.StepNone || a.Step == ingest.StepWait {
		return false, true, err
	}
	l.pass(AttemptStored)
	return l.attempt(ctx, a)
}

// attempt performs an attempt that is recorded, and stores what became of it.
func (l *Lane) attempt(ctx context.Context, a ingest.Attempt) (sent, open bool, err error) {
	account, err := l.write(ctx, &a)
	l.pass(Answered)
	switch {
	case errors.Is(err, errNotOurs):
		return true, true, nil // parked behind a conflict already
	case errors.Is(err, errNotThere):
		return true, true, l.engine.NotThere(a)
	case err == nil:
		if err := l.done(a, account); err != nil {
			return true, false, err
		}
		if err := l.learned(); err != nil {
			return true, false, err
		}
		lane, err := l.lane()
		if err != nil {
			return true, false, err
		}
		return true, true, l.recovered(lane)
	case ctx.Err() != nil:
		return true, false, nil // the attempt stays on disk; the next start looks first
	}
	open, err = l.failed(a, err)
	return true, open, err
}

// done stores what the target accepted of an attempt.
func (l *Lane) done(a ingest.Attempt, account model.Account) error {
	if err := l.engine.Succeeded(a, account); err != nil {
		return err
	}
	l.pass(OutcomeStored)
	l.counted()
	return l.readBack()
}

// readBack stores what the target was seen to drop, when that became more.
func (l *Lane) readBack() error {
	t, ok := l.target.(connectors.TenantFields)
	if !ok {
		return nil
	}
	names := t.IgnoredAttributes()
	if slices.Equal(names, l.ignored) {
		return nil
	}
	l.ignored = names
	return l.engine.Ignored(l.name, names)
}

// learned stores what the connector found out about its service, when that became
// something else.
func (l *Lane) learned() error {
	t, ok := l.target.(connectors.Learner)
	if !ok {
		return nil
	}
	k := t.Known()
	if k.Learned.IsZero() || k.Service == l.known.Service && k.Learned.Equal(l.known.Learned) && bytes.Equal(k.Memory, l.known.Memory) {
		return nil
	}
	l.known = k
	return l.engine.Learned(l.name, k)
}

// errNotOurs says that the account found belongs to another person.
var errNotOurs = errors.New("the account is another person's")

// errNotThere says that there is no account to switch off.
var errNotThere = errors.New("there is no account")

// write performs the attempt. A create that may have happened before, or that
// the target refuses because the login exists, becomes a look-up and an adoption.
func (l *Lane) write(ctx context.Context, a *ingest.Attempt) (model.Account, error) {
	if a.Step == ingest.StepCreate && a.Uncertain {
		for _, login := range a.Logins {
			if found, err := l.adopt(ctx, a, login); err != nil {
				return model.Account{}, err
			} else if found {
				return l.update(ctx, a)
			}
		}
		if !slices.Contains(a.Logins, a.Want.Email) && a.Want.Active {
			if found, err := l.adopt(ctx, a, a.Want.Email); err != nil {
				return model.Account{}, err
			} else if found {
				return l.update(ctx, a)
			}
		}
		a.Uncertain = false
	}
	switch {
	case a.Step == ingest.StepUpdate:
		return l.update(ctx, a)
	case !a.Want.Active:
		return model.Account{}, errNotThere
	}
	account, err := l.target.Create(ctx, a.Want)
	if errors.Is(err, connectors.ErrManagerRefused) {
		// The link can follow; the account cannot wait for it.
		a.Want.Manager = nil
		account, err = l.target.Create(ctx, a.Want)
	}
	if err == nil && ignoredLink(a.Want, account) {
		a.Want.Manager, a.LinkLeft = nil, true
	}
	if connectors.ClassOf(err) != connectors.Taken {
		return account, err
	}
	found, findErr := l.adopt(ctx, a, a.Want.Email)
	switch {
	case findErr != nil:
		return model.Account{}, findErr
	case !found:
		return model.Account{}, &connectors.Error{Class: connectors.Invalid, Op: l.name + ": create account",
			Detail: "the target says the login exists and does not show the account", Next: "Ask the target's support which account holds this login."}
	}
	return l.update(ctx, a)
}

func (l *Lane) update(ctx context.Context, a *ingest.Attempt) (model.Account, error) {
	account, err := l.target.Update(ctx, a.RemoteID, a.Base(), a.Want)
	if errors.Is(err, connectors.ErrManagerRefused) && a.Have != nil {
		// The rest need not wait for the link, which is tried again on its own.
		a.Want.Manager, a.LinkLeft = nil, true
		if len(a.Writes()) > 0 {
			account, err = l.target.Update(ctx, a.RemoteID, a.Base(), a.Want)
		}
	}
	if wrote := a.Writes(); err == nil && slices.Contains(wrote, model.Manager) && ignoredLink(a.Want, account) {
		if len(wrote) == 1 {
			return account, &connectors.Error{Class: connectors.Invalid, Op: l.name + ": update account", Err: connectors.ErrManagerRefused,
				Detail: "the target accepted the link and did not keep it"}
		}
		a.Want.Manager, a.LinkLeft = nil, true
	}
	if account.RemoteID == "" {
		account.RemoteID = a.RemoteID
	}
	return account, err
}

// ignoredLink reports whether the target answered a write with an account that has
// no manager where one was written.
func ignoredLink(want model.Desired, answer model.Account) bool {
	return want.Active && want.Manager != nil && want.Manager.Person != "" && answer.Login != "" && answer.ManagerRemoteID == "" && answer.ManagerLogin == ""
}

// adopt looks for the account under a login of the person and takes it over.
func (l *Lane) adopt(ctx context.Context, a *ingest.Attempt, login string) (bool, error) {
	account, found, err := l.target.Find(ctx, login)
	if err != nil || !found {
		return false, err
	}
	mine, err := l.engine.Claim(a, account)
	if err != nil {
		return false, err
	}
	l.pass(AccountClaimed)
	if !mine {
		return false, errNotOurs
	}
	return true, nil
}

// failed stores how an attempt failed and closes the lane where its class says so.
func (l *Lane) failed(a ingest.Attempt, cause error) (open bool, err error) {
	if err := l.note(a, cause); err != nil {
		return false, err
	}
	switch connectors.ClassOf(cause) {
	case connectors.Invalid, connectors.Taken, connectors.Gone:
		return true, nil
	}
	return l.setback(cause)
}

// note stores how an attempt failed.
func (l *Lane) note(a ingest.Attempt, cause error) error {
	class := connectors.ClassOf(cause)
	out := ingest.Outcome{Class: class.String(), Text: cause.Error()}
	now := time.Now()
	switch class {
	case connectors.Throttled, connectors.Denied, connectors.Misconfigured:
		out.Free = true
	case connectors.Invalid, connectors.Taken:
		out.Park = true
	case connectors.Gone:
		out.Forget, out.NotBefore = true, afterGone(a.Number, now)
	default:
		out.Applied = true
		out.NotBefore = now.Add(backoff(a.Number))
	}
	l.log.Warn("delivery failed", "target", l.name, "person", a.Person, "effect", a.Effect, "attempt", a.Number, "class", class, "error", cause)
	if err := l.engine.Failed(a, out); err != nil {
		return err
	}
	l.pass(FailureStored)
	return nil
}

// setback notes a failure of the lane itself and reports whether it stays open.
func (l *Lane) setback(cause error) (open bool, err error) {
	class := connectors.ClassOf(cause)
	now := time.Now()
	err = l.engine.SetLane("rollcall", l.name, func(lane *model.Lane) {
		if lane.State == model.LanePaused {
			return
		}
		switch class {
		case connectors.Throttled:
			lane.State, lane.Reason, lane.RetryAt = model.LaneWaiting, "told to wait", now.Add(time.Minute)
			if at := connectors.RetryAt(cause); at.After(now) {
				lane.RetryAt = earlier(at, now.Add(longestWait))
			}
		case connectors.Denied, connectors.Misconfigured:
			lane.State, lane.Reason, lane.RetryAt = model.LaneDenied, cause.Error(), now.Add(probeEvery)
		default:
			lane.Failures++
			lane.Reason = cause.Error()
			if lane.Failures >= breakAfter {
				lane.State = model.LaneBroken
				lane.RetryAt = now.Add(probeEvery)
			} else {
				lane.State, lane.RetryAt = model.LaneWaiting, now.Add(backoff(lane.Failures))
			}
		}
		open = lane.State == model.LaneOpen
	})
	return open, err
}

// recovered opens the lane again after something went well.
func (l *Lane) recovered(lane model.Lane) error {
	if lane.State == model.LanePaused || (lane.State == model.LaneOpen && lane.Failures == 0) {
		return nil
	}
	if lane.State == model.LaneBroken {
		// What failed was the way, not they: nobody waits longer than others for it.
		if err := l.engine.Forgive(l.name); err != nil {
			return err
		}
	}
	return l.engine.SetLane("rollcall", l.name, func(lane *model.Lane) {
		if lane.State != model.LanePaused {
			lane.State, lane.Failures, lane.Reason, lane.RetryAt = model.LaneOpen, 0, "", time.Time{}
		}
	})
}

// backoff is how long the n-th failure rests: 2 s, 4 s, 8 s … up to half an hour.
func backoff(n int) time.Duration {
	return min(time.Second<<min(max(n, 1), 20), 30*time.Minute)
}

// afterGone is when an account or group that writes do not find is tried anew: at once
// the first time, for one that was deleted is made again; later when it happens again,
// for a target may go on showing what it cannot write.
func afterGone(attempt int, now time.Time) time.Time {
	if attempt < 2 {
		return time.Time{}
	}
	return now.Add(backoff(attempt))
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
