package ingest_test

import (
	"testing"
	"time"

	"rollcall/appliance/model"
	"rollcall/scimsrv"
	"rollcall/scimsrv/scimtest"
)

func TestDirectoryKeepsThePromisesOfTheSCIMService(t *testing.T) {
	scimtest.RunDirectory(t, func(t *testing.T) scimsrv.Directory {
		w := newWorld(t)
		w.now = time.Now() // the suite looks at the clock on the wall
		w.settings.Sources["azure"] = w.settings.Sources["okta"]
		return w.e.Directory()
	})
}

func TestDirectoryOfActiveSourcesKeepsThePromisesToo(t *testing.T) {
	scimtest.RunDirectory(t, func(t *testing.T) scimsrv.Directory {
		w := newWorld(t)
		w.now = time.Now() // the suite looks at the clock on the wall
		w.settings.Sources["azure"] = w.settings.Sources["okta"]
		w.activate("okta")
		w.activate("azure")
		return w.e.Directory()
	})
}

func TestPersonTwiceOnOnePageCountsOnce(t *testing.T) {
	w := newWorld(t)
	r := w.start("hr")
	if err := r.Page(page(someone(1), someone(1, "title", "Twice"))); err != nil {
		t.Fatal(err)
	}
	if got := r.Counts(); got.Seen != 1 || got.Added != 1 || w.record("hr", 1).Attributes.Has(model.Title) {
		t.Errorf("counted %+v; the record has the second title: %t", got, w.record("hr", 1).Attributes.Has(model.Title))
	}
}

func TestRunWhoseEndCouldNotBeStoredIsClosedByTheNextRead(t *testing.T) {
	w := settled(t, people(3)...)
	r := w.start("hr")
	if err := r.Page(page(someone(1, "title", "Partner"))); err != nil {
		t.Fatal(err)
	}
	// Finish failed, because the disk was full; then there is room again.
	w.read("hr", someone(1, "title", "Partner"), someone(2), someone(3))
	if got := w.deliver(); got[model.EffectUpdate] != 1 {
		t.Errorf("delivered %v, jobs %v; run %d is %s", got, w.jobs(), r.Run(), w.run(r.Run()).Verdict)
	}
}

func TestCountOfASlidingWindowGrowsWithWhatItHolds(t *testing.T) {
	w := newWorld(t)
	w.limit(1, -1, -1)
	d := w.e.Directory()
	var ids []string
	for i := range 5 {
		ids = append(ids, w.create(user(i+1, true)).ID)
	}
	w.activate("okta")
	w.deliver()
	for i := range 4 {
		if _, err := d.Update(t.Context(), sender, scimsrv.User, ids[i], leaving(user(i+1, false))); err != nil {
			t.Fatal(err)
		}
	}
	if h := w.run(w.waiting()[0]).Holds[0]; h.Count != 4 {
		t.Errorf("one went and three are held, and the hold speaks of %d (%s)", h.Count, h.Reason)
	}
}

func TestHoldOfASlidingWindowLapsesWhenItsPeopleComeBack(t *testing.T) {
	w := newWorld(t)
	w.limit(0, -1, -1)
	id := w.create(user(1, true)).ID
	w.activate("okta")
	w.deliver()
	w.put(id, user(1, false))
	w.put(id, user(1, true))
	if len(w.jobs()) != 0 || len(w.waiting()) != 0 {
		t.Errorf("jobs %v, and runs %v wait for an answer about nothing", w.jobs(), w.waiting())
	}
}

func TestRejectedDeactivationIsNotReleasedByTheEndOfAnEarlierWrite(t *testing.T) {
	w := settled(t, people(10)...)
	w.limit(0, -1, -1)
	w.read("hr", append([]model.Observation{someone(1, "title", "Partner")}, people(10)[1:]...)...)
	a := w.begin(w.person("hr", 1).ID) // the request is on its way
	run := w.read("hr", leavers(10, 1)...)
	if _, err := w.e.Reject("test", run.Seq, ""); err != nil {
		t.Fatal(err)
	}
	w.succeed(a)
	if j, _ := w.job(a.Person); j.State == model.JobReady && j.Effect == model.EffectDeactivate {
		t.Error("a deactivation that a human rejected is ready to be sent")
	}
}

func TestRunCountsTheConflictsOfItsPages(t *testing.T) {
	w := settled(t, people(3)...)
	if run := w.read("hr", someone(1), someone(2, "email", address(1)), someone(3)); run.Counts.Conflicts != 1 {
		t.Errorf("the read counts %d conflicts, want 1", run.Counts.Conflicts)
	}
	preview := newWorld(t)
	preview.read("hr", someone(1), someone(2, "email", address(1)))
	if run := preview.activate("hr"); run.Counts.Conflicts != 1 {
		t.Errorf("the activation counts %d conflicts, want 1", run.Counts.Conflicts)
	}
}
