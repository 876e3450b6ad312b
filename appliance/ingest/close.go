package ingest

import (
	"fmt"
	"slices"
	"strconv"

	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
)

// closing is the end of a run that was judged and is not carried out whole: with
// many jobs that takes more than one transaction. The guards judge all of them
// together in one, which stores this; from then on the judgement stands, whatever
// happens, and the jobs are released or held a few at a time. Whoever meets an open
// job of the run meanwhile takes it for what the judgement makes of it, see
// [change.judged]. The run itself says "running", and has no hold, until the last
// job is done: nothing can be approved that is not all there yet.
type closing struct {
	Actor string    `json:"actor"`
	Run   model.Run `json:"run"` // as it will be, without what is found on the way
	// Holds are what the guards stop, by target; none when the run keeps to a
	// reviewed plan, with which each job is compared when its turn comes.
	Holds    []model.Hold `json:"holds,omitempty"`
	Reviewed bool         `json:"reviewed,omitempty"`
	// Ready says to which targets something of it was released.
	Ready map[string]bool `json:"ready,omitempty"`
	// Strays counts the jobs of each target that are not in the reviewed plan.
	Strays map[string]int `json:"strays,omitempty"`
	// Waves are those of the targets that get the run in waves, First whom the first
	// one is.
	Waves []model.Waves               `json:"waves,omitempty"`
	First map[string][]model.PersonID `json:"first,omitempty"`

	pins   map[string]map[model.PersonID]string
	orders map[string]*waveOrder
}

// closeBatch is how many jobs one transaction releases or holds. Tests make it
// small, so that the ends of their small runs take several.
var closeBatch = 1000

const closingPrefix = "closing:"

func closingName(seq uint64) string { return closingPrefix + strconv.FormatUint(seq, 10) }

// Closing reports whether the end of some run is being carried out. Nothing is sent
// meanwhile: managers go before their reports, and a file is written, only when all
// that is ready is there.
func Closing(tx *store.Tx) bool { return len(tx.SettingsNamed(closingPrefix)) > 0 }

// resumeClosings has the ends of runs carried out that failed, or that the end of the
// process cut off. One that is under way may be among them.
func (c *change) resumeClosings() {
	for _, name := range c.tx.SettingsNamed(closingPrefix) {
		if seq, err := strconv.ParseUint(name, 10, 64); err == nil {
			c.closings = append(c.closings, seq)
		}
	}
}

// closingOf returns the judged end of a run, nil when there is none under way.
func closingOf(tx *store.Tx, seq uint64) (*closing, error) {
	var cl *closing
	_, err := tx.Setting(closingName(seq), &cl)
	return cl, err
}

// closeRun ends a run: the guards judge what it left open, all of it together, which
// is then released or held, and the run says what came of it. What is more than a
// batch is carried out after the transaction, see [closing]; the run that is
// returned says then what is known by now.
func (c *change) closeRun(run model.Run, verdict model.Verdict, firstActivation bool) (model.Run, error) {
	c.run = run.Seq
	if err := c.releaseGroups(run.Seq); err != nil {
		return run, err
	}
	run.Verdict, run.Ended = verdict, c.at
	run.Counts.Conflicts += c.counts.Conflicts
	cl := &closing{Actor: c.actor, Run: run}
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
	if open > closeBatch && !c.dry && !c.tx.Rehearsal() {
		c.closings = append(c.closings, run.Seq)
		cl.Run.Verdict, run = verdict, cl.Run
		return run, c.tx.SetSetting(closingName(run.Seq), cl)
	}
	for after, more := []byte(nil), true; more; {
		if after, more, err = c.release(cl, after); err != nil {
			return run, err
		}
		if err := c.tx.Unload(); err != nil {
			return run, err
		}
	}
	return c.finishRun(cl)
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
func (c *change) stops(cl *closing, t *TargetSettings, job model.Job) (string, error) {
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

// release carries out what was judged of the next open jobs of a run, those behind
// the position after. It returns where it stopped, and whether there may be more.
func (c *change) release(cl *closing, after []byte) (next []byte, more bool, err error) {
	var jobs []model.Job
	for job, err := range store.JobByRun.PrefixAfter(c.tx, append(store.Seq(cl.Run.Seq), 0), after) {
		if err != nil {
			return nil, false, err
		}
		if job.State != model.JobOpen {
			continue
		}
		jobs = append(jobs, job)
		if len(jobs) == closeBatch {
			break
		}
	}
	for _, job := range jobs {
		after = store.JobByRun.Position(job, store.TargetPerson{Target: job.Target, Person: job.Person})
		t := c.target(job.Target)
		if t == nil {
			continue
		}
		guard, err := c.stops(cl, t, job)
		if err != nil {
			return nil, false, err
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
			if cl.Ready == nil {
				cl.Ready = map[string]bool{}
			}
			cl.Ready[t.Name] = true
		}
		if err := store.Outbox.Put(c.tx, store.TargetPerson{Target: job.Target, Person: job.Person}, job); err != nil {
			return nil, false, err
		}
	}
	return after, len(jobs) == closeBatch, nil
}

// finishRun is the last step: the first wave goes, the holds begin, the run ends.
func (c *change) finishRun(cl *closing) (model.Run, error) {
	run := cl.Run
	c.run, run.Ended = run.Seq, c.at
	for i := range c.settings.Targets {
		t := &c.settings.Targets[i]
		if cl.Ready[t.Name] {
			c.kicks[t.Name] = true // what was released waited for this
		}
		if err := c.beginWaves(cl, &run, t); err != nil {
			return run, err
		}
		holds := slices.DeleteFunc(slices.Clone(cl.Holds), func(h model.Hold) bool { return h.Target != t.Name })
		if n := cl.Strays[t.Name]; n > 0 {
			holds = append(holds, model.Hold{Guard: reconcile.GuardReviewed, Target: t.Name, Count: n, State: model.HoldWaiting,
				Reason: fmt.Sprintf("%d changes are not in the plan that was reviewed, or not as they are there", n)})
		}
		for _, h := range holds {
			run.Holds = append(run.Holds, h)
			if err := c.addHold(run.Seq, h); err != nil {
				return run, err
			}
		}
	}
	if err := c.forgetReviewed(run); err != nil {
		return run, err
	}
	if err := store.Runs.Put(c.tx, run.Seq, run); err != nil {
		return run, err
	}
	if err := c.tx.DropSetting(closingName(run.Seq)); err != nil {
		return run, err
	}
	return run, c.lapse("")
}

// judged says what an open job is while its run is being closed: what the judgement
// makes of it, whether or not its turn has come. Of other runs it is what it is.
func (c *change) judged(job model.Job) (model.Job, error) {
	if job.State != model.JobOpen || job.Wave > 0 || job.Run == c.run {
		return job, nil
	}
	cl, err := closingOf(c.tx, job.Run)
	if err != nil || cl == nil || cl.Reviewed {
		return job, err // what is reviewed is compared as it is when its turn comes
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

// finishClosing carries out what was judged of a run, in as few transactions as others
// who want to write leave to it.
// It may be called again after it failed or the process ended, and by two at once.
func (e *Engine) finishClosing(seq uint64) error {
	cl, err := e.openClosing(seq)
	if err != nil || cl == nil {
		return err
	}
	var after []byte
	for more := true; more; {
		err := e.update(cl.Actor, seq, model.JobReady, func(c *change) error {
			now, err := closingOf(c.tx, seq)
			if err != nil || now == nil {
				more = false
				return err
			}
			now.pins, now.orders = cl.pins, cl.orders
			next, on := after, true
			for n := 0; on && (n == 0 || c.goesOn()); n++ {
				if next, on, err = c.release(now, next); err != nil {
					return err
				}
			}
			if after, more = next, on; more {
				return c.tx.SetSetting(closingName(seq), now)
			}
			_, err = c.finishRun(now)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// openClosing reads what carrying out the end of a run needs to know, once.
func (e *Engine) openClosing(seq uint64) (*closing, error) {
	var cl *closing
	err := e.store.View(func(tx *store.Tx) (err error) {
		if cl, err = closingOf(tx, seq); err != nil || cl == nil {
			return err
		}
		c := e.begin(tx, cl.Actor, seq, model.JobReady)
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
	})
	return cl, err
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
