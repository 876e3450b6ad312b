package reconcile

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
)

func TestLimitAllows(t *testing.T) {
	percent := func(p float64) Limit { return Limit{Percent: p, HasPercent: true} }
	count := func(n int) Limit { return Limit{Count: n, HasCount: true} }
	both := func(n int, p float64) Limit { return Limit{Count: n, HasCount: true, Percent: p, HasPercent: true} }
	for _, tc := range []struct {
		name  string
		limit Limit
		base  int
		want  int
	}{
		{"nothing is limited", Limit{}, 100, math.MaxInt},
		{"5 % of 100", percent(5), 100, 5},
		{"5 % of 119 is rounded down", percent(5), 119, 5},
		{"a percentage of few never means nobody", percent(5), 10, Floor},
		{"a percentage of nobody neither", percent(5), 0, Floor},
		{"at the floor", percent(5), 60, 3},
		{"just above the floor", percent(5), 80, 4},
		{"0 % means nobody", percent(0), 1000, 0},
		{"half a percent", percent(0.5), 1000, 5},
		{"a number", count(7), 3, 7},
		{"no number at all", count(0), 1000, 0},
		{"of both the smaller: the number", both(2, 50), 100, 2},
		{"of both the smaller: the percentage", both(20, 5), 100, 5},
		{"a number under the floor counts", both(1, 5), 10, 1},
	} {
		if got := tc.limit.Allows(tc.base); got != tc.want {
			t.Errorf("%s: %d of %d, want %d", tc.name, got, tc.base, tc.want)
		}
	}
}

// jobs makes n jobs of one effect.
func jobs(n int, effect model.Effect, changed ...model.Name) []model.Job {
	out := make([]model.Job, n)
	for i := range out {
		out[i] = model.Job{Target: "javelo", Person: model.PersonID(fmt.Sprintf("%s%d", effect, i)), Effect: effect, Changed: changed}
	}
	return out
}

func TestGuardsStopAllOfWhatTheyCoverAndNothingElse(t *testing.T) {
	limits := Limits{
		Deactivations: Limit{Percent: 5, HasPercent: true},
		Creations:     Limit{Percent: 25, HasPercent: true},
		Attributes:    Limit{Percent: 30, HasPercent: true},
	}
	off, create, title := jobs(6, model.EffectDeactivate), jobs(26, model.EffectCreate), jobs(31, model.EffectUpdate, model.Title)
	for _, tc := range []struct {
		name   string
		jobs   []model.Job
		recent int
		first  bool
		holds  []string // guard, attribute and count
		held   int
	}{
		{name: "nothing to judge"},
		{name: "as many as allowed", jobs: slices.Concat(off[:5], create[:25], title[:30])},
		{name: "one deactivation too many", jobs: slices.Concat(off, create[:25], title[:30]), holds: []string{"max_deactivations  6 of 5"}, held: 6},
		{name: "one creation too many", jobs: slices.Concat(off[:5], create), holds: []string{"max_creations  26 of 25"}, held: 26},
		{name: "a first activation creates any number", jobs: slices.Concat(off[:5], create), first: true},
		{name: "a first activation deactivates no more than others", jobs: off, first: true, holds: []string{"max_deactivations  6 of 5"}, held: 6},
		{name: "one column too many", jobs: slices.Concat(title, jobs(3, model.EffectUpdate, model.Site)), holds: []string{"max_attribute_changes title 31 of 30"}, held: 31},
		{name: "two columns too many share their people", jobs: jobs(31, model.EffectUpdate, model.Title, model.Site),
			holds: []string{"max_attribute_changes site 31 of 30", "max_attribute_changes title 31 of 30"}, held: 31},
		{name: "what creations and deactivations change is no column", jobs: slices.Concat(jobs(5, model.EffectDeactivate, ActiveName), jobs(31, model.EffectReactivate, model.Title), jobs(31, model.EffectAdopt, model.Title))},
		{name: "earlier deactivations of the window count", jobs: off[:3], recent: 3, holds: []string{"max_deactivations  6 of 5"}, held: 3},
		{name: "up to the limit of the window", jobs: off[:3], recent: 2},
		{name: "a full window stops nothing but deactivations", jobs: create[:5], recent: 50},
	} {
		for range 3 { // columns are counted in a map
			got := Judge("javelo", tc.jobs, Tally{Base: 100, Recent: tc.recent, FirstActivation: tc.first}, limits)
			var holds []string
			for _, h := range got.Holds {
				holds = append(holds, fmt.Sprintf("%s %s %d of %d", h.Guard, h.Attribute, h.Count, h.Limit))
				if h.Target != "javelo" || h.State != model.HoldWaiting || !strings.Contains(h.Reason, fmt.Sprint(h.Count)) {
					t.Errorf("%s: hold %+v", tc.name, h)
				}
			}
			slices.Sort(tc.holds)
			slices.Sort(holds)
			if diff := cmp.Diff(tc.holds, holds); diff != "" || len(got.Held) != tc.held {
				t.Errorf("%s: %d of %d held, want %d: %s", tc.name, len(got.Held), len(tc.jobs), tc.held, diff)
			}
			for i, guard := range got.Held {
				if e := tc.jobs[i].Effect; e == model.EffectDeactivate != (guard == GuardDeactivations) || e == model.EffectCreate != (guard == GuardCreations) {
					t.Errorf("%s: %s stopped a job that %ss", tc.name, guard, e)
				}
			}
		}
	}
}

func TestNoLimitsHoldNothing(t *testing.T) {
	all := slices.Concat(jobs(500, model.EffectDeactivate), jobs(500, model.EffectCreate), jobs(500, model.EffectUpdate, model.Title))
	if got := Judge("javelo", all, Tally{Base: 10, Recent: 1000, FirstActivation: false}, Limits{}); len(got.Holds) > 0 || len(got.Held) > 0 {
		t.Errorf("held %d jobs by %v", len(got.Held), got.Holds)
	}
}

func TestReadThatShrankTooMuchProvesNothing(t *testing.T) {
	tenth := Limit{Percent: 10, HasPercent: true}
	for _, tc := range []struct {
		name      string
		now, last int
		limit     Limit
		want      bool
	}{
		{"the first read", 0, 0, tenth, false},
		{"as many", 100, 100, tenth, false},
		{"more", 101, 100, tenth, false},
		{"a tenth fewer", 90, 100, tenth, false},
		{"more than a tenth fewer", 89, 100, tenth, true},
		{"few of few", 7, 10, tenth, false},
		{"more than the floor of few", 6, 10, tenth, true},
		{"nobody left of two", 0, 2, tenth, true},
		{"nobody left without a limit", 0, 1000, Limit{}, true},
		{"half without a limit", 500, 1000, Limit{}, false},
		{"none may be missing", 99, 100, Limit{HasCount: true}, true},
	} {
		got, why := Shrunk(tc.now, tc.last, tc.limit)
		if got != tc.want || (why != "") != tc.want {
			t.Errorf("%s: %t (%s)", tc.name, got, why)
		}
	}
}
