package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
)

// UndoDays is how long what a run wrote is kept, and so how long it can be undone.
const UndoDays = 30

// noteWritten keeps what an account held before a run first wrote to it, and what
// it holds since.
func (c *change) noteWritten(a Attempt, d model.Delivered) error {
	if a.Run == 0 {
		return nil
	}
	key := store.WrittenKey{Run: a.Run, TargetPerson: store.TargetPerson{Target: a.Target, Person: a.Person}}
	w, had, err := store.Writes.Get(c.tx, key)
	if err != nil {
		return err
	}
	if !had {
		w = store.Written{Run: a.Run, Target: a.Target, Person: a.Person, Effect: a.Effect, Before: a.Have}
	}
	w.At, w.After = c.at, c.e.digestDesired(&d.Sent)
	return store.Writes.Put(c.tx, key, w)
}

// TrimWritten forgets what runs wrote more than [UndoDays] ago.
func (e *Engine) TrimWritten() error {
	return e.update(actorSelf, 0, model.JobReady, func(c *change) error {
		var old []store.WrittenKey
		for w, err := range store.Writes.Each(c.tx, nil) {
			if err != nil {
				return err
			}
			if c.at.Sub(w.At) < UndoDays*24*time.Hour || len(old) == batch {
				break
			}
			old = append(old, store.WrittenKey{Run: w.Run, TargetPerson: store.TargetPerson{Target: w.Target, Person: w.Person}})
		}
		for _, k := range old {
			if err := store.Writes.Delete(c.tx, k); err != nil {
				return err
			}
		}
		return nil
	})
}

// Undone is what undoing a run would do, or did.
type Undone struct {
	// Run is the compensating run; its holds say what the guards stopped.
	Run model.Run
	// Left are those to whom nothing is done, and why.
	Left []Refused
	// Stopped is how many deliveries of the run had not been sent yet and never will
	// be, unless the people change.
	Stopped int
	// Created is how many accounts the run made: they are switched off and stay.
	Created int
	// Mailed is how many accounts the run switched on or made: what the target sent
	// to these people cannot be called back.
	Mailed int
}

// TryUndoRun does what [Engine.UndoRun] does in a rehearsal, of which nothing stays,
// and hands the transaction to look before it is.
func (e *Engine) TryUndoRun(actor string, seq uint64, look func(*store.Tx, Undone) error) error {
	return e.store.Rehearse(func(tx *store.Tx) error {
		u, err := e.begin(tx, actor, 0, model.JobOpen).undoRun(seq)
		if err != nil {
			return err
		}
		return look(tx, u)
	})
}

// UndoRun puts back what the accounts held before a run wrote to them, as a run of
// its own under the same guards. An account is then kept as it was until its
// person changes, because the roster still says what it said. Accounts that
// changed again since are left as they are, and named.
func (e *Engine) UndoRun(actor string, seq uint64) (Undone, error) {
	var u Undone
	err := e.update(actor, 0, model.JobOpen, func(c *change) (err error) {
		u, err = c.undoRun(seq)
		return err
	})
	if err != nil {
		return u, err
	}
	u.Run, err = e.stored(u.Run)
	return u, err
}

func (c *change) undoRun(seq uint64) (Undone, error) {
	var u Undone
	of, ok, err := store.Runs.Get(c.tx, seq)
	switch {
	case err != nil:
		return u, err
	case !ok:
		return u, &NotFoundError{What: runSubject(seq)}
	case of.Verdict == model.VerdictRunning:
		return u, &StaleError{What: fmt.Sprintf("run %d is still under way", seq)}
	case of.Cause == model.CauseDecision:
		return u, &InvalidError{What: fmt.Sprintf("run %d carried out an answer to a conflict: rollcall conflicts undo takes the answer back", seq)}
	}
	if err := c.unruled(seq); err != nil {
		return u, err
	}
	if u.Run, err = c.startRun(of.Source, model.CauseUndo); err != nil {
		return u, err
	}
	u.Run.Notes = []string{fmt.Sprintf("undoes run %d", seq)}
	if err = c.stopPending(seq, &u); err != nil {
		return u, err
	}
	var written []store.Written
	for w, err := range store.Writes.Each(c.tx, store.Seq(seq)) {
		if err != nil {
			return u, err
		}
		written = append(written, w)
	}
	if len(written) == 0 && u.Stopped == 0 {
		return u, &InvalidError{What: fmt.Sprintf("run %d wrote nothing that could be put back, or more than %d days ago", seq, UndoDays)}
	}
	back := 0
	for _, w := range written {
		why, err := c.putBack(w)
		if err != nil {
			return u, err
		}
		if why != "" {
			u.Left = append(u.Left, Refused{Reviewed{Target: w.Target, Person: w.Person}, why})
			continue
		}
		back++
		if w.Before == nil {
			u.Created++
		}
		if w.Before == nil || w.Effect == model.EffectReactivate {
			u.Mailed++
		}
		c.touched[w.Person] = true
	}
	if _, err := c.event("undone", runSubject(seq), fmt.Sprintf("%d accounts are put back, %d deliveries stopped, %d left as they are", back, u.Stopped, len(u.Left))); err != nil {
		return u, err
	}
	if err := c.evaluateTouched(); err != nil {
		return u, err
	}
	u.Run.Counts.Seen = len(written)
	u.Run, err = c.closeRun(u.Run, model.VerdictComplete, false)
	return u, err
}

// stopPending lets what a run has not sent yet lie until the people change. What is
// on its way at this moment is left, and named.
func (c *change) stopPending(seq uint64, u *Undone) error {
	var jobs []model.Job
	for job, err := range store.JobByRun.Find(c.tx, store.Seq(seq)) {
		if err != nil {
			return err
		}
		if job.State != model.JobRejected {
			jobs = append(jobs, job)
		}
	}
	for _, job := range jobs {
		if job.State == model.JobReady && job.Uncertain {
			u.Left = append(u.Left, Refused{Reviewed{Target: job.Target, Person: job.Person}, underWay})
			continue
		}
		job.State, job.Reason = model.JobRejected, fmt.Sprintf("run %d was undone by %s", seq, c.actor)
		if err := store.Outbox.Put(c.tx, store.TargetPerson{Target: job.Target, Person: job.Person}, job); err != nil {
			return err
		}
		u.Stopped++
	}
	return c.lapse("")
}

const underWay = "a delivery is under way: undo again in a moment"

// putBack notes that an account is to be what it was before; it says in words why
// not when it cannot.
func (c *change) putBack(w store.Written) (string, error) {
	key := store.TargetPerson{Target: w.Target, Person: w.Person}
	p, ok, err := store.Persons.Get(c.tx, w.Person)
	if err != nil {
		return "", err
	}
	d, had, err := store.Deliveries.Get(c.tx, key)
	if err != nil {
		return "", err
	}
	switch {
	case c.target(w.Target) == nil:
		return "there is no such target any more", nil
	case !ok:
		return "is not in the roster any more", nil
	case !had:
		return "the account is not there any more", nil
	case c.e.digestDesired(&d.Sent) != w.After:
		return "the account was changed again since", nil
	}
	job, pending, err := store.Outbox.Get(c.tx, key)
	if err != nil {
		return "", err
	}
	if pending && job.State != model.JobRejected {
		if job.Uncertain {
			return underWay, nil
		}
		// Another run's change waits for this account: it goes on waiting, from what
		// is put back.
		c.released = c.released || job.State == model.JobHeld
	}
	return "", store.Restores.Put(c.tx, key, store.Restored{Target: w.Target, Person: w.Person, Want: before(w, d.Sent), Against: stateOf(p), Undone: w.Run, By: c.actor, At: c.at})
}

// before is what to write so that an account is what it was: a value that was not
// there is cleared, and an account that was not there is switched off.
func before(w store.Written, now model.Desired) model.Desired {
	want := now
	want.Attributes = map[model.Name]string{}
	if w.Before == nil {
		for n, v := range now.Attributes {
			want.Attributes[n] = v
		}
		want.Active = false
		if now.Manager != nil && now.Manager.Person != "" {
			want.Manager = &model.ManagerLink{}
		}
		return want
	}
	for n := range now.Attributes {
		want.Attributes[n] = ""
	}
	for n, v := range w.Before.Attributes {
		want.Attributes[n] = v
	}
	want.Active, want.Email, want.Manager = w.Before.Active, w.Before.Email, w.Before.Manager
	if want.Manager == nil && now.Manager != nil {
		want.Manager = &model.ManagerLink{}
	}
	return want
}

// stateOf is a digest of what a person's accounts follow from.
func stateOf(p model.Person) string {
	raw, err := json.Marshal([]any{p.Attributes, p.Access, p.EmailKey, p.Manager})
	if err != nil {
		return "" // texts and maps of them are always encodable
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16])
}

// restore lets what a human put back prevail over what the roster says, until the
// person changes. Whoever a conflict freezes stays frozen.
func (o *Outlook) restore(tx *store.Tx, target string) error {
	r, ok, err := store.Restores.Get(tx, store.TargetPerson{Target: target, Person: o.Person.ID})
	if err != nil || !ok || o.Delivered == nil || len(o.Person.Held) > 0 || r.Against != stateOf(o.Person) {
		return err
	}
	have := *o.Have
	pr := reconcile.Projection{Want: r.Want, Changed: reconcile.Difference(have, r.Want)}
	if o.Projection.Effect == model.EffectNone && len(pr.Changed) == 0 {
		return nil // the roster says the same by now
	}
	o.Restored = &r
	switch {
	case have.Active && !r.Want.Active:
		pr.Effect = model.EffectDeactivate
	case !have.Active && r.Want.Active:
		pr.Effect = model.EffectReactivate
	case have.Active && len(pr.Changed) > 0:
		pr.Effect = model.EffectUpdate
	default:
		pr = reconcile.Projection{}
		if o.Projection.Effect != model.EffectNone {
			pr.Blocked = fmt.Sprintf("run %d was undone by %s: the account stays as it was before until the person changes", r.Undone, r.By)
		}
	}
	o.Projection = pr
	return nil
}

// dropStale forgets what was put back for somebody who changed since, or of whom
// the roster says the same.
func (c *change) dropStale(target string, o Outlook) error {
	key := store.TargetPerson{Target: target, Person: o.Person.ID}
	r, ok, err := store.Restores.Get(c.tx, key)
	frozen := len(o.Person.Held) > 0
	if err != nil || !ok || o.Restored != nil || frozen && r.Against == stateOf(o.Person) {
		return err
	}
	return store.Restores.Delete(c.tx, key)
}
