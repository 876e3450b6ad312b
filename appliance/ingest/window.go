package ingest

import (
	"fmt"
	"time"

	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
)

// Window is the sliding window over which the deactivations that a SCIM sender
// causes one by one are counted together.
const Window = 24 * time.Hour

// ledger counts, by the hour, the deactivations of one target that passed the
// guards by themselves: in all, by sender, and by department. What a human
// released is not among them.
type ledger map[int64]map[string]int

// The keys of a ledger's counts.
const (
	inAll        = ""
	bySender     = "by/"
	ofDepartment = "of/"
	madeAnew     = "anew" // creations for accounts that were gone
)

func ledgerName(target string) string { return "passed:" + target }

// slot is the hour of an instant.
func slot(at time.Time) int64 { return at.Unix() / 3600 }

func (c *change) ledger(target string) (ledger, error) {
	l := ledger{}
	_, err := c.tx.Setting(ledgerName(target), &l)
	return l, err
}

// since adds up a count over the last span; the hour in which it began is left
// out once it is over.
func (l ledger) since(now time.Time, span time.Duration, key string) int {
	n := 0
	for hour, counts := range l {
		if end := time.Unix((hour+1)*3600, 0); now.Sub(end) < span {
			n += counts[key]
		}
	}
	return n
}

func (c *change) rollingSpan() time.Duration {
	return time.Duration(max(1, c.settings.Limits.RollingDays)) * 24 * time.Hour
}

// judge applies the guards to the jobs of one target that were counted. sender is set
// for SCIM writes.
func (c *change) judge(target string, jobs reconcile.Census, sender string, first bool) ([]model.Hold, error) {
	tally := reconcile.Tally{FirstActivation: first, Departments: map[string]reconcile.DepartmentTally{}}
	var err error
	if tally.Base, err = c.base(target); err != nil {
		return nil, err
	}
	passed, err := c.ledger(target)
	if err != nil {
		return nil, err
	}
	if sender != "" {
		tally.Recent = passed.since(c.at, Window, bySender+sender)
	}
	tally.Rolling = passed.since(c.at, c.rollingSpan(), inAll)
	for d, n := range jobs.Departments {
		t := reconcile.DepartmentTally{Rolling: passed.since(c.at, c.rollingSpan(), ofDepartment+d)}
		if t.Base, err = c.departmentBase(target, d, n+t.Rolling); err != nil {
			return nil, err
		}
		tally.Departments[d] = t
	}
	return reconcile.JudgeCensus(target, jobs, tally, c.settings.Limits), nil
}

func (c *change) departmentOf(id model.PersonID) (string, error) {
	p, _, err := store.Persons.Get(c.tx, id)
	return store.FoldDepartment(p.Attributes.Text(model.Department)), err
}

// departmentBase counts the active accounts of a department, those about to be
// deactivated included, or everybody in it before the first delivery. It stops
// counting when so many are there that n deactivations are allowed.
func (c *change) departmentBase(target, department string, n int) (int, error) {
	delivered := c.tx.Count(target, activeAccounts) > 0
	base := 0
	for p, err := range store.PersonByDepartment.Find(c.tx, store.Key(department)) {
		if err != nil {
			return 0, err
		}
		if delivered {
			d, ok, err := store.Deliveries.Get(c.tx, store.TargetPerson{Target: target, Person: p.ID})
			if err != nil {
				return 0, err
			}
			if !ok || !d.Sent.Active {
				continue
			}
		}
		base++
		if c.settings.Limits.Department.Allows(base) >= n {
			break
		}
	}
	return base, nil
}

// openLedger returns the ledger without what is too old to count, and with a place
// for this hour.
func (c *change) openLedger(target string) (ledger, error) {
	l, err := c.ledger(target)
	if err != nil {
		return nil, err
	}
	oldest := slot(c.at.Add(-max(c.rollingSpan(), Window))) - 1
	for hour := range l {
		if hour < oldest {
			delete(l, hour)
		}
	}
	if l[slot(c.at)] == nil {
		l[slot(c.at)] = map[string]int{}
	}
	return l, nil
}

// passed enters into the ledger how many deactivations the guards let pass, and how
// many of them in each department.
func (c *change) passed(target string, all int, departments map[string]int, sender string) error {
	if all == 0 {
		return nil
	}
	l, err := c.openLedger(target)
	if err != nil {
		return err
	}
	counts := l[slot(c.at)]
	counts[inAll] += all
	if sender != "" {
		counts[bySender+sender] += all
	}
	for d, n := range departments {
		counts[ofDepartment+d] += n
	}
	return c.tx.SetSetting(ledgerName(target), l)
}

// forgive begins the count behind a hold anew, because a human has seen it.
func (c *change) forgive(h model.Hold) error {
	l, err := c.ledger(h.Target)
	if err != nil {
		return err
	}
	for _, counts := range l {
		switch h.Guard {
		case reconcile.GuardDepartment:
			delete(counts, ofDepartment+h.Department)
		case reconcile.GuardCreations:
			delete(counts, madeAnew)
		default:
			delete(counts, inAll)
		}
	}
	return c.tx.SetSetting(ledgerName(h.Target), l)
}

// admit judges a job that would be ready outside of any run: what a SCIM sender
// causes, or what came to light while delivering. The sender got its 2xx: it is
// the effect that waits.
func (c *change) admit(job *model.Job) error {
	switch {
	case job.Effect == model.EffectCreate && c.gone:
		return c.admitAnew(job)
	case job.Effect != model.EffectDeactivate:
		return nil
	}
	department, err := c.departmentOf(job.Person)
	if err != nil {
		return err
	}
	var one reconcile.Census
	one.Count(*job, department)
	holds, err := c.judge(job.Target, one, c.sender, false)
	if err != nil {
		return err
	}
	if len(holds) == 0 {
		return c.passed(job.Target, 1, one.Departments, c.sender)
	}
	run, err := c.windowRun(holds[0])
	if err != nil {
		return err
	}
	job.State, job.Run, job.Reason = model.JobHeld, run, holds[0].Guard
	return nil
}

// windowRun returns the run that collects what one guard holds of this sender one
// by one: the one that is still waiting, or a new one.
func (c *change) windowRun(hold model.Hold) (uint64, error) {
	name := "windowrun:" + hold.Target + ":" + c.sender + ":" + hold.Guard + ":" + hold.Department
	var seq uint64
	if _, err := c.tx.Setting(name, &seq); err != nil {
		return 0, err
	}
	if seq > 0 {
		run, ok, err := store.Runs.Get(c.tx, seq)
		if err != nil {
			return 0, err
		}
		answered, err := c.ruling(seq)
		if err != nil {
			return 0, err
		}
		// While an answer to a part of it is carried out, nothing joins it.
		if ok && answered == nil && len(run.Holds) == 1 && run.Holds[0].State == model.HoldWaiting {
			collected(&run.Counts, hold)
			hold.Count = max(hold.Count, run.Holds[0].Count+1)
			hold.Reason = c.windowReason(hold)
			run.Holds[0].Count, run.Holds[0].Reason = hold.Count, hold.Reason
			return seq, store.Runs.Put(c.tx, seq, run)
		}
	}
	seq, err := c.tx.NextRun()
	if err != nil {
		return 0, err
	}
	hold.Reason = c.windowReason(hold)
	run := model.Run{Seq: seq, Source: c.sender, Cause: model.CauseSCIM, Verdict: model.VerdictComplete, Started: c.at, Ended: c.at, Holds: []model.Hold{hold}}
	if c.sender == "" {
		run.Cause = model.CauseDrift
	}
	collected(&run.Counts, hold)
	if err := store.Runs.Put(c.tx, seq, run); err != nil {
		return 0, err
	}
	if err := c.addHold(seq, hold); err != nil {
		return 0, err
	}
	return seq, c.tx.SetSetting(name, seq)
}

// collected counts one more that a window holds.
func collected(counts *model.RunCounts, hold model.Hold) {
	if hold.Guard == reconcile.GuardCreations {
		counts.Create++
		return
	}
	counts.Deactivate++
}

func (c *change) windowReason(h model.Hold) string {
	if h.Guard == reconcile.GuardCreations {
		return fmt.Sprintf("%d accounts that were delivered are not there any more; %d may be made anew within a day without a human", h.Count, h.Limit)
	}
	within := "a day"
	if h.Guard != reconcile.GuardDeactivations {
		within = fmt.Sprintf("%d days", c.settings.Limits.RollingDays)
	}
	what := "accounts"
	if h.Department != "" {
		what += " of the department " + h.Department
	}
	if c.sender != "" && h.Guard == reconcile.GuardDeactivations {
		within += " by " + c.sender
	}
	return fmt.Sprintf("%d %s would be deactivated within %s and %d are allowed", h.Count, what, within, h.Limit)
}
