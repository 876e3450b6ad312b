package ingest

import (
	"slices"
	"strconv"

	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
)

func runSubject(seq uint64) string { return "run:" + strconv.FormatUint(seq, 10) }

// startRun opens a run in this transaction and makes the change belong to it.
func (c *change) startRun(source string, cause model.Cause) (model.Run, error) {
	seq, err := c.tx.NextRun()
	if err != nil {
		return model.Run{}, err
	}
	run := model.Run{Seq: seq, Source: source, Cause: cause, Verdict: model.VerdictRunning, Started: c.at}
	c.run = seq
	return run, store.Runs.Put(c.tx, seq, run)
}

// base is what percentages of a target are of: the active accounts delivered
// there or, before the first delivery, those it listed.
func (c *change) base(target string) (int, error) {
	if n := c.tx.Count(target, activeAccounts); n > 0 {
		return n, nil
	}
	n := 0
	for a, err := range store.Accounts.Each(c.tx, store.Prefix(target)) {
		if err != nil {
			return 0, err
		}
		if a.Active {
			n++
		}
	}
	return n, nil
}

// StaleError says that what a human decided upon is not there any more.
type StaleError struct{ What string }

func (e *StaleError) Error() string { return e.What }

// NotFoundError says that there is no such thing.
type NotFoundError struct{ What string }

func (e *NotFoundError) Error() string { return e.What + " is not known" }

// Recover closes the runs that were open when the process ended: what they had
// committed is judged by the guards like any other end of a run. What had been decided
// and was not carried out whole is. It is called once, before anything else runs.
func (e *Engine) Recover() error {
	return e.update(actorSelf, 0, model.JobOpen, func(c *change) error {
		c.resumeRulings()
		var open []model.Run
		looked := 0
		for run, err := range store.Runs.Backward(c.tx, nil) {
			if err != nil {
				return err
			}
			if run.Verdict == model.VerdictRunning {
				open = append(open, run)
			}
			if looked++; looked == recoverDepth {
				break
			}
		}
		for _, run := range open {
			if r, err := c.ruling(run.Seq); err != nil {
				return err
			} else if r != nil {
				continue // it was judged
			}
			first := false
			if run.Cause == model.CauseActivate {
				s, _, err := store.Sources.Get(c.tx, run.Source)
				if err != nil {
					return err
				}
				first = s.Activated.IsZero()
			}
			run.Notes = append(run.Notes, "the appliance stopped while this run was under way")
			if _, err := c.closeRun(run, model.VerdictInterrupted, first); err != nil {
				return err
			}
		}
		return nil
	})
}

// recoverDepth is how many of the newest runs Recover looks at: far more than
// can be under way at once.
const recoverDepth = 1000

// holdsSetting lists the runs with a hold that waits, so that nobody has to look
// through all runs for them.
const holdsSetting = "holds"

// WaitingHolds returns the numbers of the runs that hold something, oldest first.
func WaitingHolds(tx *store.Tx) ([]uint64, error) {
	var seqs []uint64
	_, err := tx.Setting(holdsSetting, &seqs)
	return seqs, err
}

// addHold notes and journals that a run holds something.
func (c *change) addHold(seq uint64, h model.Hold) error {
	seqs, err := WaitingHolds(c.tx)
	if err != nil {
		return err
	}
	if !slices.Contains(seqs, seq) {
		if err := c.tx.SetSetting(holdsSetting, append(seqs, seq)); err != nil {
			return err
		}
	}
	_, err = c.event("held", runSubject(seq), h.Guard+": "+h.Reason)
	return err
}

// lapse ends holds that have nothing left to hold: the people concerned changed
// or went. Shrink holds of source (empty: none) lapse because a newer read came.
func (c *change) lapse(source string) error {
	seqs, err := WaitingHolds(c.tx)
	if err != nil || len(seqs) == 0 {
		return err
	}
	var waiting []uint64
	for _, seq := range seqs {
		run, ok, err := store.Runs.Get(c.tx, seq)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		still, lapsed := false, false
		for i, h := range run.Holds {
			if h.State != model.HoldWaiting {
				continue
			}
			stands, err := c.stands(run, h, source)
			if err != nil {
				return err
			}
			if stands {
				still = true
				continue
			}
			run.Holds[i].State, run.Holds[i].At, lapsed = model.HoldLapsed, c.at, true
		}
		if lapsed {
			if _, err := c.event("lapsed", runSubject(seq), "nothing of what was held is left as it was"); err != nil {
				return err
			}
			if err := store.Runs.Put(c.tx, seq, run); err != nil {
				return err
			}
		}
		if still {
			waiting = append(waiting, seq)
		}
	}
	return c.tx.SetSetting(holdsSetting, waiting)
}

// stands reports whether a hold still has something to hold. source is the one
// that was just read whole, whose reads of before say nothing any more.
func (c *change) stands(run model.Run, h model.Hold, source string) (bool, error) {
	switch h.Guard {
	case reconcile.GuardShrink:
		return source == "" || run.Source != source, nil
	case reconcile.GuardCoverage:
		s, _, err := store.Sources.Get(c.tx, run.Source)
		return s.Lost[h.Attribute] == run.Seq, err
	}
	for job, err := range store.JobByRun.Find(c.tx, store.Seq(run.Seq)) {
		if err != nil {
			return false, err
		}
		if job.Target != h.Target || !reconcile.Covers(h, job) {
			continue
		}
		if job, err = c.judged(job); err != nil || job.State == model.JobHeld {
			return err == nil, err
		}
	}
	return false, nil
}
