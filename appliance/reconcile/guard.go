package reconcile

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"rollcall/appliance/model"
)

// The names of the guards, as the configuration spells them.
const (
	GuardDeactivations = "max_deactivations"
	GuardCreations     = "max_creations"
	GuardAttributes    = "max_attribute_changes"
	GuardShrink        = "max_source_shrink"
	// GuardRolling counts over days what one run alone would not be stopped for.
	GuardRolling = "max_rolling_deactivations"
	// GuardDepartment does the same within one department.
	GuardDepartment = "max_department_deactivations"
	// GuardCoverage is not configured: an attribute that a source stopped sending
	// for most people keeps its last good values until a human looked.
	GuardCoverage = "field_coverage"
	// GuardReviewed holds what applying a reviewed plan would do beyond the plan.
	GuardReviewed = "reviewed_plan"
	// GuardWaves holds the rest of a run in waves after the first surprise.
	GuardWaves = "waves"
)

// Floor is how many people a percentage always allows: in a company of ten, 5 %
// must not mean nobody.
const Floor = 3

// Limit is a number, a percentage, or both: the smaller allows. The zero value
// limits nothing.
type Limit struct {
	Count      int
	Percent    float64
	HasCount   bool
	HasPercent bool
}

// Allows returns how many of base the limit allows; math.MaxInt when nothing is
// limited. A percentage other than 0 never allows fewer than [Floor].
func (l Limit) Allows(base int) int {
	n := math.MaxInt
	if l.HasPercent {
		n = 0
		if l.Percent > 0 {
			n = max(Floor, int(float64(base)*l.Percent/100))
		}
	}
	if l.HasCount {
		n = min(n, l.Count)
	}
	return n
}

// Limits are the guards of one policy.
type Limits struct {
	Deactivations Limit
	Creations     Limit
	Attributes    Limit
	Shrink        Limit
	// Rolling and Department count the deactivations of RollingDays days together,
	// this run's included; those that a human released do not count.
	Rolling     Limit
	Department  Limit
	RollingDays int
}

// Tally is what the guards need to know beside the jobs themselves.
type Tally struct {
	// Base is how many active accounts the target had before; percentages are of it.
	Base int
	// Recent is how many deactivations of the same sender passed within its sliding
	// window, for senders that speak one person at a time.
	Recent int
	// Rolling is how many deactivations passed within the rolling days without a
	// human.
	Rolling int
	// Department tells the department of those to be deactivated, where they have
	// one; Departments has a tally for each of these.
	Department  map[model.PersonID]string
	Departments map[string]DepartmentTally
	// FirstActivation says that the run is the first of its source: it may create
	// any number of accounts, which a human has just seen in its plan.
	FirstActivation bool
}

// DepartmentTally is a [Tally] of one department: its active accounts, and the
// deactivations that passed within the rolling days without a human.
type DepartmentTally struct{ Base, Rolling int }

// Judgement is what the guards say of the jobs of one run in one target.
type Judgement struct {
	Holds []model.Hold
	// Held tells, by position in the input, which guard stopped a job.
	Held map[int]string
}

// Judge applies the guards to the jobs of one run in one target. When a limit is
// passed, everything that guard covers is held, not just the excess; the rest
// flows.
func Judge(target string, jobs []model.Job, tally Tally, limits Limits) Judgement {
	j := Judgement{Held: map[int]string{}}
	counts := map[model.Effect]int{}
	columns := map[model.Name]int{}
	for _, job := range jobs {
		counts[job.Effect]++
		if job.Effect == model.EffectUpdate {
			for _, n := range job.Changed {
				columns[n]++
			}
		}
	}
	base := tally.Base
	j.deactivations(target, jobs, counts[model.EffectDeactivate], tally, limits)
	if n, limit := counts[model.EffectCreate], limits.Creations.Allows(base); !tally.FirstActivation && n > limit {
		j.hold(target, GuardCreations, n, limit, fmt.Sprintf("%d accounts would be created beside %d and %d are allowed", n, base, limit))
		j.mark(jobs, GuardCreations, func(job model.Job) bool { return job.Effect == model.EffectCreate })
	}
	for n, count := range columns {
		if limit := limits.Attributes.Allows(base); count > limit {
			j.hold(target, GuardAttributes, count, limit, fmt.Sprintf("%s would change for %d of %d people and %d are allowed", n, count, base, limit))
			j.Holds[len(j.Holds)-1].Attribute = n
			j.mark(jobs, GuardAttributes, func(job model.Job) bool {
				return job.Effect == model.EffectUpdate && slices.Contains(job.Changed, n)
			})
		}
	}
	slices.SortFunc(j.Holds, func(a, b model.Hold) int {
		return cmp.Or(cmp.Compare(a.Guard, b.Guard), cmp.Compare(a.Attribute, b.Attribute), cmp.Compare(a.Department, b.Department))
	})
	return j
}

// deactivations applies the three guards on who loses access: within this run,
// over the rolling days, and over the rolling days within one department. A wider
// one speaks only where the narrower ones let pass.
func (j *Judgement) deactivations(target string, jobs []model.Job, n int, tally Tally, limits Limits) {
	if n == 0 {
		return
	}
	off := func(job model.Job) bool { return job.Effect == model.EffectDeactivate }
	if count, limit := n+tally.Recent, limits.Deactivations.Allows(tally.Base); count > limit {
		j.hold(target, GuardDeactivations, count, limit, fmt.Sprintf("%d of %d accounts would be deactivated and %d are allowed", count, tally.Base, limit))
		j.mark(jobs, GuardDeactivations, off)
		return
	}
	if count, limit := n+tally.Rolling, limits.Rolling.Allows(tally.Base); count > limit {
		j.hold(target, GuardRolling, count, limit, fmt.Sprintf("%d of %d accounts would be deactivated within %d days and %d are allowed", count, tally.Base, limits.RollingDays, limit))
		j.mark(jobs, GuardRolling, off)
		return
	}
	counts := map[string]int{}
	for _, job := range jobs {
		if d := tally.Department[job.Person]; d != "" && off(job) {
			counts[d]++
		}
	}
	for d, n := range counts {
		t := tally.Departments[d]
		count, limit := n+t.Rolling, limits.Department.Allows(t.Base)
		if count <= limit {
			continue
		}
		j.hold(target, GuardDepartment, count, limit, fmt.Sprintf("%d of %d accounts of the department %s would be deactivated within %d days and %d are allowed", count, t.Base, d, limits.RollingDays, limit))
		j.Holds[len(j.Holds)-1].Department = d
		j.mark(jobs, GuardDepartment, func(job model.Job) bool { return off(job) && tally.Department[job.Person] == d })
	}
}

func (j *Judgement) hold(target, guard string, count, limit int, reason string) {
	j.Holds = append(j.Holds, model.Hold{Guard: guard, Target: target, Count: count, Limit: limit, Reason: reason, State: model.HoldWaiting})
}

func (j *Judgement) mark(jobs []model.Job, guard string, covers func(model.Job) bool) {
	for i, job := range jobs {
		if covers(job) && j.Held[i] == "" {
			j.Held[i] = guard
		}
	}
}

// Covers reports whether a job is of what a hold holds. Which department somebody
// is of the job does not tell: every deactivation is then taken to be covered.
func Covers(h model.Hold, job model.Job) bool {
	switch h.Guard {
	case GuardDeactivations, GuardRolling, GuardDepartment:
		return job.Effect == model.EffectDeactivate
	case GuardCreations:
		return job.Effect == model.EffectCreate
	case GuardAttributes:
		return job.Effect == model.EffectUpdate && slices.Contains(job.Changed, h.Attribute)
	}
	return true
}

// Unfamiliar judges whom a complete read shows: true when so many of those known
// from before were not found again that it may speak of other people.
func Unfamiliar(found, known int, limit Limit) (bool, string) {
	if gone := known - found; gone > limit.Allows(known) {
		return true, fmt.Sprintf("of %d people known from before %d were not found again; %d may be missing", known, gone, limit.Allows(known))
	}
	return false, ""
}

// Shrunk judges the size of a complete read against the last one: true when so
// many people are missing that absence proves nothing, or when nobody is left.
func Shrunk(now, last int, limit Limit) (bool, string) {
	switch {
	case last == 0 || now >= last:
		return false, ""
	case now == 0:
		return true, fmt.Sprintf("the source listed nobody, and %d people the time before", last)
	case last-now > limit.Allows(last):
		return true, fmt.Sprintf("the source listed %d people, and %d the time before; %d fewer are allowed", now, last, limit.Allows(last))
	}
	return false, ""
}
