package appliance_test

import (
	"bytes"
	stdcmp "cmp"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/appliance/readiness"
	"rollcall/appliance/store"
	"rollcall/connectors/javelo/javelosim"
)

// TestPlanIsTheSameHoweverMuchOfItFitsIntoMemory makes the plan of a first activation
// and the readiness report once in memory and once with everything in a file that can
// be. It fails when what
// was moved there is lost, old or out of order, and when the file stays behind.
func TestPlanIsTheSameHoweverMuchOfItFitsIntoMemory(t *testing.T) {
	w := newWorld(t, 120, "")
	w.javelo.Seed(javelosim.BeforeActivation(w.people))
	w.start()
	w.sync("hibob")
	planned := func(unloadAt int) (admin.Plan, readiness.Report) {
		usual := store.UnloadAt
		store.UnloadAt = unloadAt
		defer func() { store.UnloadAt = usual }()
		p, err := w.app.Plan(w.ctx(), "hibob")
		if err != nil {
			t.Fatal(err)
		}
		p.Made = time.Time{}
		for i := range p.Conflicts { // opened by the rehearsal, now
			p.Conflicts[i].Opened = time.Time{}
		}
		r, err := w.app.Readiness(w.ctx())
		if err != nil {
			t.Fatal(err)
		}
		r.Made = time.Time{}
		return p, r
	}
	want, report := planned(store.UnloadAt)
	if report.Counts[readiness.Matched] == 0 || report.Counts[readiness.New] == 0 || report.Counts[readiness.NearMatch] == 0 || report.Counts[readiness.Uncovered] == 0 {
		t.Fatalf("the report shows too little: %v", report.Counts)
	}
	if !slices.IsSortedFunc(report.Rows, func(x, y readiness.Row) int { return bytes.Compare(x.Key(), y.Key()) }) {
		t.Error("the rows are not sorted")
	}
	if len(want.Changes) < 100 || len(want.Uncovered) == 0 || len(want.Causes) == 0 || want.Summary == "" {
		t.Fatalf("the plan shows too little: %d changes, %d uncovered", len(want.Changes), len(want.Uncovered))
	}
	order := []string{"deactivate", "create", "adopt", "reactivate", "update"}
	if !slices.IsSortedFunc(want.Changes, func(x, y admin.PlanChange) int {
		return stdcmp.Or(slices.Index(order, x.Effect)-slices.Index(order, y.Effect), stdcmp.Compare(x.Person.Name, y.Person.Name))
	}) {
		t.Error("the changes are not sorted by effect and name")
	}
	got, again := planned(0)
	if diff := cmp.Diff(report, again); diff != "" {
		t.Errorf("the report in a file (-in memory +in a file):\n%s", diff)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("in a file (-in memory +in a file):\n%s", diff)
	}
	left, err := filepath.Glob(filepath.Join(w.dir, "data", store.ScratchName+"*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestPlanInAFileIsThePlanInMemory compares the two ways by which a plan is read: the
// one of a run that has everything that is pending, and the one of all that is.
func TestPlanInAFileIsThePlanInMemory(t *testing.T) {
	w := newWorld(t, 60, "")
	w.javelo.Seed(javelosim.BeforeActivation(w.people))
	w.start()
	w.sync("hibob")
	if err := w.app.SetLane(w.ctx(), "test", "javelo", "paused"); err != nil {
		t.Fatal(err)
	}
	w.activate("hibob")
	runs, err := w.app.Runs(w.ctx(), admin.Page{})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(runs, func(r model.Run) bool { return r.Cause == "activate" })
	inMemory, err := w.app.PlanInMemory(runs[i].Seq)
	if err != nil {
		t.Fatal(err)
	}
	inFile, err := w.app.Plan(w.ctx(), "")
	if err != nil {
		t.Fatal(err)
	}
	if len(inFile.Changes) == 0 || inFile.Digest != inMemory.Digest {
		t.Errorf("digests %s and %s of %d changes", inFile.Digest, inMemory.Digest, len(inFile.Changes))
	}
	if diff := cmp.Diff(inMemory.Changes, inFile.Changes); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(inMemory.Causes, inFile.Causes); diff != "" {
		t.Error(diff)
	}
}
