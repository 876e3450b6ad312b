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
}

// Judgement is what the guards say of the jobs of one run in one target.
type Judgement struct {
	Holds []model.Hold
	// Held tells, by position in the input, which guard stopped a job.
	Held map[int]string
}

// Judge applies the guards to the jobs of one run in one target. base is the
// number of active accounts delivered there before the run; recent is the number
// of deactivations already released inside the sliding window, for senders that
// speak one person at a time. When a limit is passed, everything that guard
// covers is held, not just the excess; the rest flows.
func Judge(target string, jobs []model.Job, base, recent int, limits Limits, firstActivation bool) Judgement {
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
	if n, limit := counts[model.EffectDeactivate]+recent, limits.Deactivations.Allows(base); counts[model.EffectDeactivate] > 0 && n > limit {
		j.hold(target, GuardDeactivations, "", n, limit, fmt.Sprintf("%d of %d accounts would be deactivated and %d are allowed", n, base, limit))
		j.mark(jobs, GuardDeactivations, func(job model.Job) bool { return job.Effect == model.EffectDeactivate })
	}
	if n, limit := counts[model.EffectCreate], limits.Creations.Allows(base); !firstActivation && n > limit {
		j.hold(target, GuardCreations, "", n, limit, fmt.Sprintf("%d accounts would be created beside %d and %d are allowed", n, base, limit))
		j.mark(jobs, GuardCreations, func(job model.Job) bool { return job.Effect == model.EffectCreate })
	}
	for n, count := range columns {
		if limit := limits.Attributes.Allows(base); count > limit {
			j.hold(target, GuardAttributes, n, count, limit, fmt.Sprintf("%s would change for %d of %d people and %d are allowed", n, count, base, limit))
			j.mark(jobs, GuardAttributes, func(job model.Job) bool {
				return job.Effect == model.EffectUpdate && slices.Contains(job.Changed, n)
			})
		}
	}
	slices.SortFunc(j.Holds, func(a, b model.Hold) int {
		return cmp.Or(cmp.Compare(a.Guard, b.Guard), cmp.Compare(a.Attribute, b.Attribute))
	})
	return j
}

func (j *Judgement) hold(target, guard string, n model.Name, count, limit int, reason string) {
	j.Holds = append(j.Holds, model.Hold{Guard: guard, Target: target, Attribute: n, Count: count, Limit: limit, Reason: reason, State: model.HoldWaiting})
}

func (j *Judgement) mark(jobs []model.Job, guard string, covers func(model.Job) bool) {
	for i, job := range jobs {
		if covers(job) && j.Held[i] == "" {
			j.Held[i] = guard
		}
	}
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
