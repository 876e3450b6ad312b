package ingest

import (
	"fmt"
	"slices"

	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
)

// HeldDigest pins what a run holds: it changes when anything in it does, so that
// an approval is for exactly what was shown.
func (e *Engine) HeldDigest(seq uint64) (string, error) {
	var digest string
	err := e.store.View(func(tx *store.Tx) error {
		jobs, err := heldJobs(tx, seq)
		digest = e.digestJobs(jobs)
		return err
	})
	return digest, err
}

func (e *Engine) digestJobs(jobs []model.Job) string {
	type pinned struct{ Target, Person, Effect, Digest string }
	list := make([]pinned, len(jobs))
	for i, j := range jobs {
		list[i] = pinned{j.Target, string(j.Person), string(j.Effect), j.Digest}
	}
	return e.digest(list)
}

func heldJobs(tx *store.Tx, seq uint64) ([]model.Job, error) {
	var jobs []model.Job
	for job, err := range store.JobByRun.Find(tx, store.Seq(seq)) {
		if err != nil {
			return nil, err
		}
		if job.State == model.JobHeld {
			jobs = append(jobs, job)
		}
	}
	return jobs, nil
}

// Approve releases what a run holds. digest, when not empty, must be that of
// [Engine.HeldDigest] when the human looked; otherwise nothing happens.
func (e *Engine) Approve(actor string, seq uint64, digest string) (released int, err error) {
	released, _, err = e.decideHold(actor, seq, digest, model.HoldApproved, nil)
	return released, err
}

// ApproveSome releases those of what a run holds that are chosen; the others go on
// waiting, and so does a hold that has any of them. What is no delivery, such as
// the counting of absences, is only approved whole.
func (e *Engine) ApproveSome(actor string, seq uint64, digest string, chosen func(model.Job) bool) (released, waiting int, err error) {
	return e.decideHold(actor, seq, digest, model.HoldApproved, chosen)
}

// Reject lets what a run holds lie until the people concerned change.
func (e *Engine) Reject(actor string, seq uint64, digest string) (rejected int, err error) {
	rejected, _, err = e.decideHold(actor, seq, digest, model.HoldRejected, nil)
	return rejected, err
}

func (e *Engine) decideHold(actor string, seq uint64, digest string, state model.HoldState, chosen func(model.Job) bool) (decided, waiting int, err error) {
	err = e.update(actor, seq, model.JobReady, func(c *change) error {
		decided, waiting = 0, 0
		run, ok, err := store.Runs.Get(c.tx, seq)
		if err != nil {
			return err
		}
		if !ok {
			return &NotFoundError{What: runSubject(seq)}
		}
		if !slices.ContainsFunc(run.Holds, func(h model.Hold) bool { return h.State == model.HoldWaiting }) {
			return &StaleError{What: fmt.Sprintf("run %d holds nothing that waits for an answer", seq)}
		}
		jobs, err := heldJobs(c.tx, seq)
		if err != nil {
			return err
		}
		if digest != "" && digest != e.digestJobs(jobs) {
			return &StaleError{What: fmt.Sprintf("what run %d holds has changed since it was shown; look at it again", seq)}
		}
		var done, left []model.Job
		for _, job := range jobs {
			if chosen == nil || chosen(job) {
				done = append(done, job)
			} else {
				left = append(left, job)
			}
		}
		decided, waiting = len(done), len(left)
		if decided == 0 && chosen != nil {
			return &InvalidError{What: fmt.Sprintf("nobody held by run %d is chosen by that", seq)}
		}
		for _, job := range done {
			if state == model.HoldApproved {
				job.State, job.Reason = model.JobReady, ""
				c.kicks[job.Target] = true
			} else {
				job.State, job.Reason = model.JobRejected, "rejected by "+actor
			}
			if err := store.Outbox.Put(c.tx, store.TargetPerson{Target: job.Target, Person: job.Person}, job); err != nil {
				return err
			}
		}
		return c.answerHolds(run, done, left, state, chosen == nil)
	})
	return decided, waiting, err
}

// answerHolds notes on a run's holds what a human decided on some or all of the
// jobs they hold.
func (c *change) answerHolds(run model.Run, done, left []model.Job, state model.HoldState, whole bool) error {
	for i, h := range run.Holds {
		if h.State != model.HoldWaiting {
			continue
		}
		covers := func(j model.Job) bool { return j.Target == h.Target && reconcile.Covers(h, j) }
		if !whole {
			released := 0
			for _, j := range done {
				if covers(j) {
					released++
				}
			}
			run.Holds[i].Released += released
			if released == 0 || h.Target == "" || slices.ContainsFunc(left, covers) {
				continue
			}
		}
		run.Holds[i].State, run.Holds[i].By, run.Holds[i].At = state, c.actor, c.at
		if state == model.HoldApproved {
			if err := c.accept(run, h); err != nil {
				return err
			}
		}
	}
	what := fmt.Sprintf("%d deliveries", len(done))
	if len(left) > 0 {
		what += fmt.Sprintf(", %d go on waiting", len(left))
	}
	if _, err := c.event(string(state), runSubject(run.Seq), what); err != nil {
		return err
	}
	if err := store.Runs.Put(c.tx, run.Seq, run); err != nil {
		return err
	}
	return c.lapse("")
}

// accept does what an approval means beyond releasing deliveries.
func (c *change) accept(run model.Run, h model.Hold) error {
	switch h.Guard {
	case reconcile.GuardShrink, reconcile.GuardCoverage:
	case reconcile.GuardRolling, reconcile.GuardDepartment, reconcile.GuardCreations:
		// A human has seen them all: the count begins anew.
		return c.forgive(h)
	default:
		return nil
	}
	s, ok, err := store.Sources.Get(c.tx, run.Source)
	if err != nil || !ok {
		return err
	}
	if h.Guard == reconcile.GuardShrink {
		// The smaller number is the one to compare the next reads with: from there,
		// absence counts as usual, under the other guards.
		s.LastCount, s.AcceptedMissing = h.Count, h.Limit-h.Count
	} else {
		delete(s.Lost, h.Attribute)
		if s.Coverage != nil {
			s.Coverage[h.Attribute] = h.Count
		}
	}
	return store.Sources.Put(c.tx, s.Name, s)
}
