package ingest

import (
	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
)

// admitAnew judges the creation of an account in the place of one that is gone.
// One account that somebody deleted by hand is made anew; many that are gone within
// a day, or that the last listing did not show either, are a tenant that was emptied
// or is another one, and filling it is for a human to say. What may be made anew is
// what max_creations allows, and never more than the few that are looked up after a
// listing ([anew]).
func (c *change) admitAnew(job *model.Job) error {
	l, err := c.openLedger(job.Target)
	if err != nil {
		return err
	}
	count := l.since(c.at, Window, madeAnew) + 1
	for d, err := range store.Drifts.Each(c.tx, store.Prefix(job.Target)) {
		if err != nil {
			return err
		}
		if d.Missing && d.Person != job.Person {
			count++
		}
	}
	base, err := c.base(job.Target)
	if err != nil {
		return err
	}
	limit := min(c.settings.Limits.Creations.Allows(base), anew(base))
	if count <= limit {
		l[slot(c.at)][madeAnew]++
		return c.tx.SetSetting(ledgerName(job.Target), l)
	}
	run, err := c.windowRun(model.Hold{Guard: reconcile.GuardCreations, Target: job.Target, Count: count, Limit: limit, State: model.HoldWaiting})
	if err != nil {
		return err
	}
	job.State, job.Run, job.Reason = model.JobHeld, run, reconcile.GuardCreations
	return nil
}

// anew is how many of so many accounts may be missing before their absence is a
// matter for a human.
func anew(accounts int) int { return max(reconcile.Floor, accounts/20) }
