package ingest

import (
	"fmt"
	"slices"

	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
)

// closing is what the guards judged of all open jobs of a run together, at its end. The
// run itself says "running", and has no hold, until the last job had its turn (see
// [ruling]): nothing can be approved that is not all there yet.
type closing struct {
	// Holds are what the guards stop, by target; none when the run keeps to a
	// reviewed plan, with which each job is compared when its turn comes.
	Holds    []model.Hold `json:"holds,omitempty"`
	Reviewed bool         `json:"reviewed,omitempty"`
	// Strays counts the jobs of each target that are not in the reviewed plan.
	Strays map[string]int `json:"strays,omitempty"`
	// Waves are those of the targets that get the run in waves, First whom the first
	// one is.
	Waves []model.Waves               `json:"waves,omitempty"`
	First map[string][]model.PersonID `json:"first,omitempty"`

	pins   map[string]map[model.PersonID]string
	orders map[string]*waveOrder
}

// closeRun ends a run: the guards judge what it left open, all of it together, which
// is then released or held, and the run says what came of it. What is more than a
// batch is carried out after the transaction, see [ruling]; the run that is
// returned says then what is known by now.
func (c *change) closeRun(run model.Run, verdict model.Verdict, firstActivation bool) (model.Run, error) {
	c.run = run.Seq
	if err := c.releaseGroups(run.Seq); err != nil {
		return run, err
	}
	run.Verdict, run.Ended = verdict, c.at
	run.Counts.Conflicts += c.counts.Conflicts
	cl := &ruling{Actor: c.actor, Run: run}
	var err error
	if cl.pins, err = c.reviewedOf(run); err != nil {
		return run, err
	}
	cl.Reviewed = cl.pins != nil
	counts, open, err := c.census(run.Seq)
	if err != nil {
		return run, err
	}
	for i := range c.settings.Targets {
		t := &c.settings.Targets[i]
		n := counts[t.Name]
		if n == nil {
			continue
		}
		countEffects(&cl.Run.Counts, n)
		if !cl.Reviewed {
			holds, err := c.judge(t.Name, *n, "", firstActivation)
			if err != nil {
				return run, err
			}
			cl.Holds = append(cl.Holds, holds...)
			if err := c.passedOf(t.Name, n, holds); err != nil {
				return run, err
			}
		}
		if err := c.wavesOf(cl, t, n); err != nil {
			return run, err
		}
	}
	err = c.rule(cl, open)
	return cl.Run, err
}

// census counts the open jobs of a run, by target.
func (c *change) census(seq uint64) (counts map[string]*reconcile.Census, open int, err error) {
	counts = map[string]*reconcile.Census{}
	for job, err := range store.JobByRun.Find(c.tx, store.Seq(seq)) {
		if err != nil {
			return nil, 0, err
		}
		if job.State != model.JobOpen {
			continue
		}
		department := ""
		if job.Effect == model.EffectDeactivate {
			if department, err = c.departmentOf(job.Person); err != nil {
				return nil, 0, err
			}
		}
		n := counts[job.Target]
		if n == nil {
			n = &reconcile.Census{}
			counts[job.Target] = n
		}
		n.Count(job, department)
		open++
	}
	return counts, open, nil
}

func countEffects(n *model.RunCounts, of *reconcile.Census) {
	n.Create += of.Effects[model.EffectCreate]
	n.Update += of.Effects[model.EffectAdopt] + of.Effects[model.EffectUpdate]
	n.Deactivate += of.Effects[model.EffectDeactivate]
	n.Reactivate += of.Effects[model.EffectReactivate]
}

// passedOf enters into the ledger the deactivations of a run that no guard stops.
func (c *change) passedOf(target string, n *reconcile.Census, holds []model.Hold) error {
	all := n.Effects[model.EffectDeactivate]
	off := model.Job{Effect: model.EffectDeactivate}
	departments := map[string]int{}
	for d, k := range n.Departments {
		if reconcile.HeldBy(holds, off, d) != "" {
			all -= k
			continue
		}
		departments[d] = k
	}
	if reconcile.HeldBy(holds, off, "") != "" {
		return nil // what stops those of no department stops all
	}
	return c.passed(target, all, departments, "")
}

// stops returns the guard that stops one open job, if any.
func (c *change) stops(cl *ruling, t *TargetSettings, job model.Job) (string, error) {
	if !cl.Reviewed {
		return c.heldBy(cl.Holds, job)
	}
	o, ok, err := Look(c.tx, t, job.Person)
	if err != nil {
		return "", err
	}
	if pin, in := cl.pins[t.Name][job.Person]; ok && in && pin == c.e.Pin(o) {
		return "", nil
	}
	return reconcile.GuardReviewed, nil
}

func (c *change) heldBy(holds []model.Hold, job model.Job) (string, error) {
	if len(holds) == 0 {
		return "", nil
	}
	mine := slices.DeleteFunc(slices.Clone(holds), func(h model.Hold) bool { return h.Target != job.Target })
	department := ""
	if len(mine) > 0 && job.Effect == model.EffectDeactivate {
		var err error
		if department, err = c.departmentOf(job.Person); err != nil {
			return "", err
		}
	}
	return reconcile.HeldBy(mine, job, department), nil
}

// closeJob releases or holds one job of a run that ends.
func (c *change) closeJob(cl *ruling, job model.Job) (model.Job, error) {
	t := c.target(job.Target)
	if t == nil {
		return job, nil
	}
	guard, err := c.stops(cl, t, job)
	if err != nil {
		return job, err
	}
	order := cl.orders[t.Name]
	switch {
	case guard != "":
		job.State, job.Reason, job.Wave = model.JobHeld, guard, 0
		if cl.Reviewed {
			if cl.Strays == nil {
				cl.Strays = map[string]int{}
			}
			cl.Strays[t.Name]++
		}
	case order != nil:
		job.Wave = order.wave(job.Person)
		job.Reason = fmt.Sprintf("wave %d of %d", job.Wave, len(order.sizes))
		if job.Wave == 1 {
			if cl.First == nil {
				cl.First = map[string][]model.PersonID{}
			}
			cl.First[t.Name] = append(cl.First[t.Name], job.Person)
		}
	default:
		job.State, job.Reason = model.JobReady, ""
	}
	return job, nil
}

// finishRun is the last step: the first wave goes, the holds begin, the run ends.
func (c *change) finishRun(cl *ruling) error {
	run := &cl.Run
	c.run, run.Ended = run.Seq, c.at
	for i := range c.settings.Targets {
		t := &c.settings.Targets[i]
		if err := c.beginWaves(cl, run, t); err != nil {
			return err
		}
		holds := slices.DeleteFunc(slices.Clone(cl.Holds), func(h model.Hold) bool { return h.Target != t.Name })
		if n := cl.Strays[t.Name]; n > 0 {
			holds = append(holds, model.Hold{Guard: reconcile.GuardReviewed, Target: t.Name, Count: n, State: model.HoldWaiting,
				Reason: fmt.Sprintf("%d changes are not in the plan that was reviewed, or not as they are there", n)})
		}
		for _, h := range holds {
			run.Holds = append(run.Holds, h)
			if err := c.addHold(run.Seq, h); err != nil {
				return err
			}
		}
	}
	if err := c.forgetReviewed(*run); err != nil {
		return err
	}
	return store.Runs.Put(c.tx, run.Seq, *run)
}

// judgedAtTheEnd is [change.judged] of a job of a run whose end was judged.
func (c *change) judgedAtTheEnd(cl *ruling, job model.Job) (model.Job, error) {
	if job.Wave > 0 || cl.Reviewed {
		return job, nil // what is reviewed is compared as it is when its turn comes
	}
	guard, err := c.heldBy(cl.Holds, job)
	switch {
	case err != nil:
		return job, err
	case guard != "":
		job.State, job.Reason = model.JobHeld, guard
	case !slices.ContainsFunc(cl.Waves, func(w model.Waves) bool { return w.Target == job.Target }):
		job.State, job.Reason = model.JobReady, ""
	}
	return job, nil
}

// openClosing reads what carrying out the end of a run needs to know.
func (c *change) openClosing(cl *ruling) (err error) {
	if cl.Reviewed {
		if cl.pins, err = c.reviewedOf(cl.Run); err != nil {
			return err
		}
	}
	for _, w := range cl.Waves {
		if t := c.target(w.Target); t != nil {
			if err := c.orderWaves(cl, t, w.Sizes); err != nil {
				return err
			}
		}
	}
	return nil
}

// stored returns a run as it is stored by now.
func (e *Engine) stored(run model.Run) (model.Run, error) {
	err := e.store.View(func(tx *store.Tx) error {
		now, ok, err := store.Runs.Get(tx, run.Seq)
		if ok {
			run = now
		}
		return err
	})
	return run, err
}
