package ingest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/scimsrv"
)

// budget limits what may pass within a week: in all, and of one department. A
// negative number limits nothing.
func (w *world) budget(all, department int) {
	set := func(n int) reconcile.Limit { return reconcile.Limit{Count: max(n, 0), HasCount: n >= 0} }
	w.settings.Limits.Rolling, w.settings.Limits.Department, w.settings.Limits.RollingDays = set(all), set(department), 7
}

// TestSlowDripOfLeaversStopsLikeAFlood lets two leave every day, which no run is
// stopped for. It fails when the runs before are not counted.
func TestSlowDripOfLeaversStopsLikeAFlood(t *testing.T) {
	w := settled(t, people(40)...)
	w.limit(3, -1, -1)
	w.budget(5, -1)
	gone := 0
	day := func() model.Run {
		t.Helper()
		w.now = w.now.Add(23 * time.Hour)
		gone += 2
		return w.read("hr", leavers(40, gone)...)
	}
	for i := range 2 {
		if run := day(); len(run.Holds) != 0 {
			t.Fatalf("day %d: held %v", i, run.Holds)
		}
	}
	w.deliver()
	run := day()
	if len(run.Holds) != 1 || run.Holds[0].Guard != reconcile.GuardRolling || run.Holds[0].Count != 6 || run.Holds[0].Limit != 5 {
		t.Fatalf("the third day: held %+v", run.Holds)
	}
	if diff := cmp.Diff(map[string]int{"held deactivate": 2}, w.jobs()); diff != "" {
		t.Error(diff)
	}
	// Who was held did not pass, and is not counted a second time.
	run2 := day()
	if len(run2.Holds) != 1 || run2.Holds[0].Count != 6 {
		t.Errorf("the fourth day: held %+v", run2.Holds)
	}
	// A human has seen them all: the count begins anew.
	for _, seq := range []uint64{run.Seq, run2.Seq} {
		if n, err := w.e.Approve("ops", seq, ""); n != 2 || err != nil {
			t.Errorf("released %d, %v", n, err)
		}
	}
	w.deliver()
	if run := day(); len(run.Holds) != 0 {
		t.Errorf("after the approval: held %v", run.Holds)
	}
	if run := day(); len(run.Holds) != 0 {
		t.Errorf("four since the approval: held %v", run.Holds)
	}
	if run := day(); len(run.Holds) != 1 {
		t.Errorf("six since the approval: held %v", run.Holds)
	}
}

func TestWhatIsOlderThanTheRollingDaysIsForgotten(t *testing.T) {
	w := settled(t, people(40)...)
	w.budget(4, -1)
	w.read("hr", leavers(40, 4)...)
	w.now = w.now.Add(6 * 24 * time.Hour)
	if run := w.read("hr", leavers(40, 5)...); len(run.Holds) != 1 {
		t.Errorf("six days later: held %v", run.Holds)
	}
	w.now = w.now.Add(24 * time.Hour)
	if run := w.read("hr", leavers(40, 8)...); len(run.Holds) != 0 {
		t.Errorf("eight days later: held %v", run.Holds)
	}
}

// TestWholeDepartmentIsHeldThoughTheCompanyBarelyNotices fails when departments
// are compared by their spelling, or when the rest of the run is held too.
func TestWholeDepartmentIsHeldThoughTheCompanyBarelyNotices(t *testing.T) {
	list := people(100, "department", "Engineering")
	for i := range 6 {
		list[i].Attributes[model.Department] = model.Text("Legal")
	}
	list[5].Attributes[model.Department] = model.Text("LEGAL ")
	w := settled(t, list...)
	w.settings.Limits.Deactivations = reconcile.Limit{Percent: 10, HasPercent: true}
	w.settings.Limits.Department, w.settings.Limits.RollingDays = reconcile.Limit{Percent: 50, HasPercent: true}, 7

	read := func(who ...int) model.Run {
		t.Helper()
		now := slices.Clone(list)
		for _, i := range who {
			now[i] = left(now[i])
		}
		return w.read("hr", now...)
	}
	if run := read(0, 1, 20); len(run.Holds) != 0 {
		t.Fatalf("two of six: held %v", run.Holds)
	}
	run := read(0, 1, 2, 5, 20, 21)
	if len(run.Holds) != 1 || run.Holds[0].Guard != reconcile.GuardDepartment || run.Holds[0].Department != "legal" || run.Holds[0].Count != 4 || run.Holds[0].Limit != 3 {
		t.Fatalf("four of six: held %+v", run.Holds)
	}
	if diff := cmp.Diff(map[string]int{"ready deactivate": 4, "held deactivate": 2}, w.jobs()); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(run.Holds[0].Reason, "department legal") {
		t.Errorf("reason %q", run.Holds[0].Reason)
	}
}

// TestSendersDripCountsWithTheRest holds what a sender causes one by one when the
// week is used up by a source that is read, in a run that can be approved.
func TestSendersDripCountsWithTheRest(t *testing.T) {
	w := settled(t, people(30)...)
	w.activate("okta")
	w.budget(4, -1)
	var ids []string
	for i := range 3 {
		ids = append(ids, w.create(user(100+i, true)).ID)
	}
	w.deliver()
	w.read("hr", leavers(30, 3)...)
	off := func(i int) {
		t.Helper()
		if _, err := w.e.Directory().Update(t.Context(), sender, scimsrv.User, ids[i], leaving(user(100+i, false))); err != nil {
			t.Fatal(err)
		}
	}
	off(0)
	if len(w.waiting()) != 0 {
		t.Fatalf("the fourth: %v waits", w.waiting())
	}
	off(1)
	off(2)
	if len(w.waiting()) != 1 {
		t.Fatalf("waiting %v, want one run for both", w.waiting())
	}
	run := w.run(w.waiting()[0])
	if run.Holds[0].Guard != reconcile.GuardRolling || run.Holds[0].Count != 6 || run.Source != "okta" {
		t.Errorf("held %+v", run.Holds)
	}
	if n, err := w.e.Approve("ops", run.Seq, ""); n != 2 || err != nil {
		t.Errorf("released %d, %v", n, err)
	}
}
