package ingest_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/store"
	"rollcall/connectors"
)

func TestFirstActivationMayCreateAnyNumberAndNoLaterRunMay(t *testing.T) {
	w := newWorld(t)
	w.limit(-1, 3, -1)
	w.read("hr", people(10)...)
	run := w.activate("hr")
	if run.Cause != model.CauseActivate || run.Counts.Create != 10 || len(run.Holds) != 0 {
		t.Errorf("the activation: %+v, held %v", run.Counts, run.Holds)
	}
	if diff := cmp.Diff(map[string]int{"ready create": 10}, w.jobs()); diff != "" {
		t.Error(diff)
	}
	var stale *ingest.StaleError
	if _, err := w.e.Activate("test", "hr"); !errors.As(err, &stale) {
		t.Errorf("a second activation: %v, want a StaleError", err)
	}
	w.deliver()
	run = w.read("hr", people(14)...)
	if diff := cmp.Diff([]string{"max_creations waiting"}, w.holds(run.Seq)); diff != "" {
		t.Error(diff)
	}
}

// stopped is what a clock panics with that ends the process for a test.
type stopped struct{}

// TestAnActivationThatStoppedGoesOnAsTheSameRun fails when what an activation had
// committed before a full disk stopped it, for example, is left to nobody.
func TestAnActivationThatStoppedGoesOnAsTheSameRun(t *testing.T) {
	const n = 1001 // people in three batches
	for _, look := range []int{3, 5, 7} {
		w := newWorld(t)
		w.read("hr", people(n)...)
		if endsAt(w, look, func(e *ingest.Engine) error { _, err := e.Activate("test", "hr"); return err }) {
			t.Fatalf("look %d: it did not stop", look)
		}
		if err := w.e.ResumeActivations(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]int{"ready create": n}, w.jobs()); diff != "" {
			t.Errorf("stopped at look %d: %s", look, diff)
		}
		runs := 0
		for _, r := range all(w, store.Runs) {
			if r.Cause == model.CauseActivate {
				runs++
			}
			if r.Verdict == model.VerdictRunning {
				t.Errorf("stopped at look %d: run %d never ended", look, r.Seq)
			}
		}
		if runs != 1 {
			t.Errorf("stopped at look %d: %d runs", look, runs)
		}
	}
}

// TestASourceIsActivatedByOneAtATime fails when a second activation, or housekeeping
// that finishes what stopped halfway, begins while one is under way.
func TestASourceIsActivatedByOneAtATime(t *testing.T) {
	w := newWorld(t)
	w.read("hr", people(20)...)
	var e *ingest.Engine
	busy, asked := false, 0
	e = ingest.New(w.s, w.settings, func() time.Time {
		if busy {
			asked++
			var stale *ingest.StaleError
			if _, err := e.Activate("other", "hr"); !errors.As(err, &stale) {
				t.Errorf("a second activation: %v, want a StaleError", err)
			}
		}
		return w.now
	}, nil)
	busy = true
	_, err := e.Activate("test", "hr")
	if busy = false; err != nil || asked == 0 {
		t.Errorf("asked %d times, %v", asked, err)
	}
	if err := e.ResumeActivations(); err != nil {
		t.Error(err)
	}
}

// TestActivationThatWasCutOffAnywhereIsFinishedByTheNextStart ends the process
// in every transaction there is during an activation of three batches, and starts
// anew on what is on disk.
func TestActivationThatWasCutOffAnywhereIsFinishedByTheNextStart(t *testing.T) {
	const n = 1001 // people in three batches
	defer ingest.SetCloseBatch(ingest.CloseBatch())
	ingest.SetCloseBatch(100)
	defer func(small int) { store.LargeAt = small }(store.LargeAt)
	for _, store.LargeAt = range []int{store.LargeAt, ingest.UsualLargeAt} { // one batch in a transaction, and all of them
		cutOffAnywhere(t, n)
	}
}

func cutOffAnywhere(t *testing.T, n int) {
	t.Helper()
	for look := 1; ; look += 2 { // every transaction looks twice
		w := newWorld(t)
		w.limit(3, 5, 3)
		w.read("hr", people(n)...)
		finished := endsAt(w, look, func(e *ingest.Engine) error { _, err := e.Activate("test", "hr"); return err })
		w.restart()
		if err := w.e.Recover(); err != nil {
			t.Fatal(err)
		}
		if err := w.e.ResumeActivations(); err != nil {
			t.Fatal(err)
		}
		if w.source("hr").State == store.Preview {
			w.activate("hr") // nothing had happened yet
		}
		if s := w.source("hr"); s.State != store.Live || s.Activated.IsZero() {
			t.Errorf("cut off at look %d: the source is %s since %v", look, s.State, s.Activated)
		}
		if diff := cmp.Diff(map[string]int{"ready create": n}, w.jobs()); diff != "" {
			t.Errorf("cut off at look %d: %s", look, diff)
		}
		staged := 0
		for _, r := range all(w, store.Records) {
			if r.Staged {
				staged++
			}
		}
		if staged != 0 || len(all(w, store.Persons)) != n {
			t.Errorf("cut off at look %d: %d records are staged, %d people", look, staged, len(all(w, store.Persons)))
		}
		for _, r := range all(w, store.Runs) {
			if r.Verdict == model.VerdictRunning {
				t.Errorf("cut off at look %d: run %d never ended", look, r.Seq)
			}
		}
		if finished {
			return
		}
		if look > 50 {
			t.Fatal("the activation never comes to an end")
		}
	}
}

// endsAt lets the process end at the n-th look at the clock while it does
// something, and reports whether that came to its end before.
func endsAt(w *world, n int, do func(*ingest.Engine) error) (finished bool) {
	defer func() {
		if r := recover(); r != nil && r != (stopped{}) {
			panic(r)
		}
	}()
	looks := 0
	dying := ingest.New(w.s, w.settings, func() time.Time {
		if looks++; looks == n {
			panic(stopped{})
		}
		return w.now
	}, nil)
	if err := do(dying); err != nil {
		w.t.Fatal(err)
	}
	return true
}

func TestPreviewShowsWhatActivatingWouldDoAndLeavesNothing(t *testing.T) {
	w := newWorld(t)
	w.read("hr", people(4)...)
	events := len(w.journal())
	looked := false
	err := w.e.Preview("hr", func(tx *store.Tx, run model.Run) error {
		looked = true
		if run.Counts.Create != 4 || store.Persons.Count(tx, nil) != 4 || store.Outbox.Count(tx, nil) != 4 {
			t.Errorf("the preview shows %+v, %d people", run.Counts, store.Persons.Count(tx, nil))
		}
		return nil
	})
	if err != nil || !looked {
		t.Fatalf("preview: %v", err)
	}
	if len(all(w, store.Persons))+len(all(w, store.Outbox)) != 0 || !w.record("hr", 1).Staged || len(w.journal()) != events || w.kicks != 0 {
		t.Error("the preview left something behind")
	}
	refused := errors.New("refused")
	if err := w.e.Preview("hr", func(*store.Tx, model.Run) error { return refused }); err != refused {
		t.Errorf("error %v, want the one of the look", err)
	}
}

func TestPausedSourceStillCountsAndGoesOnWhereItWas(t *testing.T) {
	w := settled(t, people(3)...)
	if err := w.e.SetStance("test", "hr", store.Paused); err != nil {
		t.Fatal(err)
	}
	if w.person("hr", 1).Access != model.AccessOn || len(w.jobs()) != 0 {
		t.Error("pausing a source changed its people")
	}
	var stale *ingest.StaleError
	if err := w.e.SetStance("test", "hr", store.Paused); !errors.As(err, &stale) {
		t.Errorf("pausing twice: %v", err)
	}
	if err := w.e.SetStance("test", "hr", store.Live); err != nil {
		t.Fatal(err)
	}
	if err := w.e.SetStance("test", "adp", store.Live); !errors.As(err, &stale) {
		t.Errorf("going on from preview: %v, want a StaleError", err)
	}
}

func TestSecondSourceJoinsThePeopleOfTheFirst(t *testing.T) {
	w := settled(t, people(3, "title", "Analyst")...)
	w.settings.Policy.Authority = []string{"hr", "adp"}
	w.read("adp", someone(2, "department", "Sales", "employee_number", "42"), someone(9))
	if len(w.jobs()) != 0 || w.person("hr", 2).Attributes.Has(model.Department) {
		t.Error("a source in preview changed a person")
	}
	w.activate("adp")
	if w.record("adp", 2).Person != w.record("hr", 2).Person {
		t.Error("the records of one address are two people")
	}
	if got := w.deliver(); fmt.Sprint(got) != fmt.Sprint(map[model.Effect]int{model.EffectCreate: 1, model.EffectUpdate: 1}) {
		t.Errorf("delivered %v", got)
	}
}

func TestReplanPlansEverybodyUnderNewSettings(t *testing.T) {
	w := settled(t, people(4, "site", "Lyon")...)
	fresh := *w.settings
	fresh.Targets = []ingest.TargetSettings{{Name: "javelo", Rules: w.settings.Targets[0].Rules}}
	fresh.Targets[0].Rules.Attributes = append(fresh.Targets[0].Rules.Attributes, model.Site)
	w.e.SetSettings(&fresh)
	run, err := w.e.Replan("test", model.CausePolicy)
	if err != nil || run.Counts.Seen != 4 || run.Counts.Update != 4 {
		t.Errorf("replanned %+v, %v", run.Counts, err)
	}
	if got := w.deliver(); got[model.EffectUpdate] != 4 {
		t.Errorf("delivered %v", got)
	}
	if _, err := w.e.Replan("test", model.CausePolicy); err != nil || len(w.jobs()) != 0 {
		t.Errorf("planning again: %v, %v", err, w.jobs())
	}
}

func TestSourcePausedInPreviewStaysOutOfTheRoster(t *testing.T) {
	w := newWorld(t)
	if err := w.e.SetStance("test", "hr", store.Paused); err != nil {
		t.Fatal(err)
	}
	w.read("hr", people(2)...)
	if n := len(all(w, store.Persons)); n != 0 {
		t.Errorf("a source that was never activated brought %d people in", n)
	}
}

func TestActivationDuringAReadIsNotTakenBack(t *testing.T) {
	w := newWorld(t)
	w.read("hr", people(2)...)
	r := w.start("hr")
	w.activate("hr")
	if err := r.Page(connectors.Page{People: people(2, "title", "Partner")}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Finish(nil); err != nil {
		t.Fatal(err)
	}
	if w.record("hr", 1).Staged || w.record("hr", 1).Person == "" {
		t.Error("the page put the record back into preview")
	}
}
