package ingest

import (
	"fmt"
	"slices"
	"time"

	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

// Restoration is what a restore did beside putting a file in its place.
type Restoration struct {
	Epoch string // the one that began
	// Targets are those whose lanes are held until a human lets them go on.
	Targets []string
	// Revoked counts the tokens that were revoked after the backup was made and
	// are revoked again; Lost counts those made since, which nobody knows now.
	Revoked, Lost int
	// Erased counts the erasures made since, which are repeated at the next start.
	Erased int
	// Unread says why nothing could be carried over from the replaced database.
	Unread error
}

// laneRestored is why a lane is held after a restore.
const laneRestored = "a backup was restored: rollcall plan shows how the target differs from it, rollcall deliveries resume lets it go on"

// pendingErasures marks a database in which people that were erased after it was
// backed up may be alive again.
const pendingErasures = "erase.again"

// Restore prepares a restored backup for service. A new epoch begins: nothing
// that was delivered is assumed, the accounts of each target are listed anew and
// its lane is held until a human has seen the difference. carry hands over the
// database that is replaced, or says why it cannot be read: what was revoked or
// erased since the backup must not come back with it. reason names the backup in
// the journal.
func Restore(s *store.Store, carry func(func(old *store.Tx) error) error, actor, reason string, at time.Time) (Restoration, error) {
	var r Restoration
	carried := carriedOver{}
	r.Unread = carry(carried.read)
	err := s.Update(func(tx *store.Tx) error {
		before, err := tx.RenewEpoch()
		if err != nil {
			return err
		}
		if err := r.holdLanes(tx, carried, at); err != nil {
			return err
		}
		if err := r.revokeAgain(tx, carried); err != nil {
			return err
		}
		for _, t := range carried.forgotten {
			if store.Forgotten.Has(tx, t.Digest) {
				continue
			}
			if t.Of != personTomb { // whose records and accounts count for themselves
				r.Erased++
			}
			if err := store.Forgotten.Put(tx, t.Digest, t); err != nil {
				return err
			}
		}
		if r.Erased > 0 {
			if err := tx.SetSetting(pendingErasures, true); err != nil {
				return err
			}
		}
		reason += ", instead of epoch " + before
		if carried.head != (store.Head{}) {
			reason += "; the journal that was replaced ended at " + carried.head.String()
		}
		_, err = tx.Append(model.Event{At: at, Actor: actor, Subject: "appliance", Verb: "restored", Reason: reason})
		return err
	})
	r.Epoch = s.Meta("epoch")
	return r, err
}

// carriedOver is what a restore takes over from the database it replaces.
type carriedOver struct {
	head      store.Head
	tokens    []store.Token
	forgotten []store.Tombstone
	usage     map[string]map[int64]int // of the lanes' budgets
}

func (c *carriedOver) read(old *store.Tx) (err error) {
	fresh := carriedOver{usage: map[string]map[int64]int{}}
	if fresh.head, err = old.JournalHead(); err != nil {
		return err
	}
	for t, err := range store.Tokens.Each(old, nil) {
		if err != nil {
			return err
		}
		fresh.tokens = append(fresh.tokens, t)
	}
	if old.Has(store.Forgotten) {
		for t, err := range store.Forgotten.Each(old, nil) {
			if err != nil {
				return err
			}
			fresh.forgotten = append(fresh.forgotten, t)
		}
	}
	for l, err := range store.Lanes.Each(old, nil) {
		if err != nil {
			return err
		}
		fresh.usage[l.Target] = l.Usage
	}
	*c = fresh // all of it or nothing
	return nil
}

func (r *Restoration) holdLanes(tx *store.Tx, carried carriedOver, at time.Time) error {
	lanes := map[string]model.Lane{}
	for l, err := range store.Lanes.Each(tx, nil) {
		if err != nil {
			return err
		}
		lanes[l.Target] = l
	}
	for d, err := range store.Deliveries.Each(tx, nil) {
		if err != nil {
			return err
		}
		if _, known := lanes[d.Target]; !known {
			lanes[d.Target] = model.Lane{Target: d.Target}
		}
	}
	var accounts []store.TargetRemote
	for a, err := range store.Accounts.Each(tx, nil) {
		if err != nil {
			return err
		}
		accounts = append(accounts, store.TargetRemote{Target: a.Target, RemoteID: a.RemoteID})
	}
	for _, key := range accounts {
		if err := store.Accounts.Delete(tx, key); err != nil {
			return err
		}
	}
	for name, l := range lanes {
		l.State, l.Since, l.Restored, l.Reason = model.LanePaused, at, at, laneRestored
		l.Listed, l.RetryAt, l.Failures = time.Time{}, time.Time{}, 0
		if l.File.Digest != "" {
			l.File.Announced = true // nobody knows which file is there
		}
		if usage := carried.usage[name]; usage != nil {
			l.Usage = usage // what was spent of the budget is spent
		}
		if err := store.Lanes.Put(tx, name, l); err != nil {
			return err
		}
		r.Targets = append(r.Targets, name)
	}
	return nil
}

func (r *Restoration) revokeAgain(tx *store.Tx, carried carriedOver) error {
	for _, newer := range carried.tokens {
		t, ok, err := store.Tokens.Get(tx, newer.ID)
		switch {
		case err != nil:
			return err
		case !ok:
			r.Lost++
		case t.Revoked.IsZero() && !newer.Revoked.IsZero():
			t.Revoked = newer.Revoked
			r.Revoked++
			if err := store.Tokens.Put(tx, t.ID, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// confirm takes what a target was just listed to hold for what it holds, after a
// restore: what was delivered before is not assumed. Accounts that the listing
// does not show are not known any more; a create for such a person looks for one
// first. Everybody is looked at, and what was ready is judged by the guards anew.
func (c *change) confirm(target string, accounts []model.Account) error {
	listed := make(map[string]model.Account, len(accounts))
	for _, a := range accounts {
		listed[a.RemoteID] = a
	}
	var delivered []model.Delivered
	for d, err := range store.Deliveries.Each(c.tx, store.Prefix(target)) {
		if err != nil {
			return err
		}
		delivered = append(delivered, d)
	}
	for _, d := range delivered {
		key := store.TargetPerson{Target: target, Person: d.Person}
		was := d.Sent.Active
		a, there := listed[d.RemoteID]
		if there {
			have, err := heldBy(c.tx, target, d.Person, a)
			if err != nil {
				return err
			}
			d.Sent, d.At = have, c.at
			if err := store.Deliveries.Put(c.tx, key, d); err != nil {
				return err
			}
			// What an unanswered write may have changed is seen now.
			if err := store.Doubts.Delete(c.tx, key); err != nil {
				return err
			}
		} else if err := c.unlisted(d); err != nil {
			return err
		}
		delta := 0
		if was {
			delta--
		}
		if there && d.Sent.Active {
			delta++
		}
		if err := c.tx.AddCount(target, activeAccounts, delta); err != nil {
			return err
		}
	}
	var ready []model.Job
	for job, err := range store.JobByState.Prefix(c.tx, store.Prefix(target, string(model.JobReady))) {
		if err != nil {
			return err
		}
		ready = append(ready, job)
	}
	for _, job := range ready {
		job.State, job.Run, job.Uncertain = model.JobOpen, c.run, true
		if err := store.Outbox.Put(c.tx, store.TargetPerson{Target: target, Person: job.Person}, job); err != nil {
			return err
		}
	}
	c.lookFirst = true
	for p, err := range store.Persons.Each(c.tx, nil) {
		if err != nil {
			return err
		}
		c.touched[p.ID] = true
	}
	_, err := c.event("compared", "target:"+target, fmt.Sprintf("%d accounts with what the restored backup says was delivered", len(accounts)))
	return err
}

// unlisted gives up an account that the target does not list. It may be there all
// the same, as one that is switched off: it is looked for under its login before
// another is made.
func (c *change) unlisted(d model.Delivered) error {
	key := store.TargetPerson{Target: d.Target, Person: d.Person}
	if err := store.Deliveries.Delete(c.tx, key); err != nil {
		return err
	}
	doubt, _, err := store.Doubts.Get(c.tx, key)
	if err != nil || d.Sent.Email == "" || slices.Contains(doubt.Logins, d.Sent.Email) {
		return err
	}
	doubt.Target, doubt.Person = d.Target, d.Person
	doubt.Logins = append(slices.Clone(doubt.Logins), d.Sent.Email)
	return store.Doubts.Put(c.tx, key, doubt)
}
