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
	var c Census
	for _, job := range jobs {
		c.Count(job, tally.Department[job.Person])
	}
	j := Judgement{Held: map[int]string{}, Holds: JudgeCensus(target, c, tally, limits)}
	for i, job := range jobs {
		if guard := HeldBy(j.Holds, job, tally.Department[job.Person]); guard != "" {
			j.Held[i] = guard
		}
	}
	return j
}

// Census is what the guards look at in the jobs of one run in one target, however
// many these are. The zero value counts nobody.
type Census struct {
	Effects     map[model.Effect]int
	Columns     map[model.Name]int // updates by what they change
	Departments map[string]int     // deactivations
}

// Count adds one job; department is that of the person, if any.
func (c *Census) Count(job model.Job, department string) {
	if c.Effects == nil {
		c.Effects, c.Columns, c.Departments = map[model.Effect]int{}, map[model.Name]int{}, map[string]int{}
	}
	c.Effects[job.Effect]++
	switch job.Effect {
	case model.EffectUpdate:
		for _, n := range job.Changed {
			c.Columns[n]++
		}
	case model.EffectDeactivate:
		if department != "" {
			c.Departments[department]++
		}
	}
}

// JudgeCensus is [Judge] of jobs that were counted: it returns the holds, sorted,
// and [HeldBy] tells of each job what they mean for it.
func JudgeCensus(target string, c Census, tally Tally, limits Limits) []model.Hold {
	var holds holding
	base := tally.Base
	holds.deactivations(target, c, tally, limits)
	if n, limit := c.Effects[model.EffectCreate], limits.Creations.Allows(base); !tally.FirstActivation && n > limit {
		holds.add(target, GuardCreations, n, limit, fmt.Sprintf("%d accounts would be created beside %d and %d are allowed", n, base, limit))
	}
	for n, count := range c.Columns {
		if limit := limits.Attributes.Allows(base); count > limit {
			holds.add(target, GuardAttributes, count, limit, fmt.Sprintf("%s would change for %d of %d people and %d are allowed", n, count, base, limit)).Attribute = n
		}
	}
	slices.SortFunc(holds, func(a, b model.Hold) int {
		return cmp.Or(cmp.Compare(a.Guard, b.Guard), cmp.Compare(a.Attribute, b.Attribute), cmp.Compare(a.Department, b.Department))
	})
	return holds
}

// HeldBy returns the guard that stops a job, the first of those that do; nothing
// when it may go. Unlike [Covers] it knows the person's department.
func HeldBy(holds []model.Hold, job model.Job, department string) string {
	for _, h := range holds {
		if Covers(h, job) && (h.Guard != GuardDepartment || h.Department == department) {
			return h.Guard
		}
	}
	return ""
}

// holding is a list of holds in the making.
type holding []model.Hold

// deactivations applies the three guards on who loses access: within this run,
// over the rolling days, and over the rolling days within one department. A wider
// one speaks only where the narrower ones let pass.
func (h *holding) deactivations(target string, c Census, tally Tally, limits Limits) {
	n := c.Effects[model.EffectDeactivate]
	if n == 0 {
		return
	}
	if count, limit := n+tally.Recent, limits.Deactivations.Allows(tally.Base); count > limit {
		h.add(target, GuardDeactivations, count, limit, fmt.Sprintf("%d of %d accounts would be deactivated and %d are allowed", count, tally.Base, limit))
		return
	}
	if count, limit := n+tally.Rolling, limits.Rolling.Allows(tally.Base); count > limit {
		h.add(target, GuardRolling, count, limit, fmt.Sprintf("%d of %d accounts would be deactivated within %d days and %d are allowed", count, tally.Base, limits.RollingDays, limit))
		return
	}
	for d, n := range c.Departments {
		t := tally.Departments[d]
		count, limit := n+t.Rolling, limits.Department.Allows(t.Base)
		if count <= limit {
			continue
		}
		h.add(target, GuardDepartment, count, limit, fmt.Sprintf("%d of %d accounts of the department %s would be deactivated within %d days and %d are allowed", count, t.Base, d, limits.RollingDays, limit)).Department = d
	}
}

func (h *holding) add(target, guard string, count, limit int, reason string) *model.Hold {
	*h = append(*h, model.Hold{Guard: guard, Target: target, Count: count, Limit: limit, Reason: reason, State: model.HoldWaiting})
	return &(*h)[len(*h)-1]
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
