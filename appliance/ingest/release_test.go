package ingest_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
)

func (w *world) digest(seq uint64) string {
	w.t.Helper()
	d, err := w.e.HeldDigest(seq)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

// TestPartOfAHoldIsReleasedAndTheRestLapses fails when a partial approval decides
// the whole hold, or when the second operator's look still counts.
func TestPartOfAHoldIsReleasedAndTheRestLapses(t *testing.T) {
	w, run := flood(t)
	seen := w.digest(run.Seq)
	two := []model.PersonID{w.person("hr", 1).ID, w.person("hr", 2).ID}
	chosen := func(j model.Job) bool { return slices.Contains(two, j.Person) }
	n, left, err := w.e.ApproveSome("ops", run.Seq, seen, chosen)
	if n != 2 || left != 4 || err != nil {
		t.Fatalf("released %d, %d left, %v", n, left, err)
	}
	if diff := cmp.Diff(map[string]int{"ready deactivate": 2, "held deactivate": 4, "ready update": 1}, w.jobs()); diff != "" {
		t.Error(diff)
	}
	if h := w.run(run.Seq).Holds[0]; h.State != model.HoldWaiting || h.Released != 2 {
		t.Errorf("the hold: %+v", h)
	}
	// Another operator still looks at all six.
	var stale *ingest.StaleError
	if _, err := w.e.Approve("other", run.Seq, seen); !errors.As(err, &stale) {
		t.Errorf("the second operator: %v", err)
	}
	if _, _, err := w.e.ApproveSome("other", run.Seq, seen, chosen); !errors.As(err, &stale) {
		t.Errorf("the second operator, in part: %v", err)
	}
	var wrong *ingest.InvalidError
	if _, _, err := w.e.ApproveSome("ops", run.Seq, "", func(model.Job) bool { return false }); !errors.As(err, &wrong) {
		t.Errorf("nobody chosen: %v", err)
	}
	// The four others turn out to work here after all.
	list := leavers(20, 2)
	list[10] = someone(11, "title", "Partner")
	w.read("hr", list...)
	if diff := cmp.Diff([]string{"max_deactivations lapsed"}, w.holds(run.Seq)); diff != "" || len(w.waiting()) != 0 {
		t.Errorf("waiting %v: %s", w.waiting(), diff)
	}
	if got := w.deliver(); got[model.EffectDeactivate] != 2 {
		t.Errorf("delivered %v", got)
	}
}

func TestHoldReleasedPieceByPieceIsApproved(t *testing.T) {
	w, run := flood(t)
	for i := range 6 {
		id := w.person("hr", i+1).ID
		if _, _, err := w.e.ApproveSome("ops", run.Seq, "", func(j model.Job) bool { return j.Person == id }); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"max_deactivations approved"}, w.holds(run.Seq)); diff != "" || len(w.waiting()) != 0 {
		t.Errorf("waiting %v: %s", w.waiting(), diff)
	}
}

// pins are the reviewed changes of everything that is pending, or would be after
// activating a source.
func (w *world) pins(source string) []ingest.Reviewed {
	w.t.Helper()
	var out []ingest.Reviewed
	collect := func(tx *store.Tx) error {
		for j, err := range store.Outbox.Each(tx, nil) {
			if err != nil {
				return err
			}
			o, _, err := ingest.Look(tx, &w.settings.Targets[0], j.Person)
			if err != nil {
				return err
			}
			out = append(out, ingest.Reviewed{Target: j.Target, Person: j.Person, Pin: w.e.Pin(o)})
		}
		return nil
	}
	if source == "" {
		w.view(collect)
		return out
	}
	if err := w.e.Preview(source, func(tx *store.Tx, _ model.Run) error { return collect(tx) }); err != nil {
		w.t.Fatal(err)
	}
	return out
}

// TestReviewedPlanIsAppliedExceptForThreeWhoChanged fails when an old plan is
// applied by name only, or when one change makes all of it void.
func TestReviewedPlanIsAppliedExceptForThreeWhoChanged(t *testing.T) {
	w := settled(t, people(20)...)
	w.limit(3, -1, 3)
	list := append(leavers(6, 6), people(20, "title", "Partner")[6:]...)
	w.read("hr", list...)
	if diff := cmp.Diff(map[string]int{"held deactivate": 6, "held update": 14}, w.jobs()); diff != "" {
		t.Fatal(diff)
	}
	plan := w.pins("")
	// One leaver comes back, one title becomes another, one account changes in the
	// target under somebody's hands.
	list[0] = someone(1)
	list[10] = someone(11, "title", "Director")
	w.read("hr", list...)
	touched := w.person("hr", 12).ID
	err := w.s.Update(func(tx *store.Tx) error {
		k := store.TargetPerson{Target: "javelo", Person: touched}
		d, _, err := store.Deliveries.Get(tx, k)
		if err != nil {
			return err
		}
		d.Sent.Attributes[model.Department] = "Elsewhere"
		return store.Deliveries.Put(tx, k, d)
	})
	if err != nil {
		t.Fatal(err)
	}
	done, err := w.e.ApplyReviewed("ops", plan)
	if err != nil || done.Released != 17 || len(done.Refused) != 3 {
		t.Fatalf("released %d, refused %v, %v", done.Released, done.Refused, err)
	}
	want := []model.PersonID{w.person("hr", 1).ID, w.person("hr", 11).ID, touched}
	for _, r := range done.Refused {
		if !slices.Contains(want, r.Person) || r.Why == "" {
			t.Errorf("refused %+v", r)
		}
	}
	if diff := cmp.Diff(map[string]int{"ready deactivate": 5, "ready update": 12, "held update": 2}, w.jobs()); diff != "" {
		t.Error(diff)
	}
	if got := w.deliver(); got[model.EffectDeactivate] != 5 || got[model.EffectUpdate] != 12 {
		t.Errorf("delivered %v", got)
	}
	// Applying it again does nothing twice.
	again, err := w.e.ApplyReviewed("ops", plan)
	if err != nil || again.Released != 0 || again.Flowing != 17 {
		t.Errorf("again: %+v, %v", again, err)
	}
}

// TestReviewedActivationDoesWhatWasReviewedAndHoldsTheRest ends the process in
// every transaction of the activation. It fails when an activation that is cut off
// goes on without the plan.
func TestReviewedActivationDoesWhatWasReviewedAndHoldsTheRest(t *testing.T) {
	for look := 1; ; look += 2 { // every transaction looks twice
		w := newWorld(t)
		w.limit(0, 0, 0) // a human looked: no limit stops what they saw
		w.read("hr", people(8)...)
		plan := w.pins("hr")
		if len(plan) != 8 {
			t.Fatalf("%d changes are planned", len(plan))
		}
		list := people(9)
		list[2] = someone(3, "title", "Partner")
		w.read("hr", list...)
		apply := func(e *ingest.Engine) error { _, err := e.ActivateReviewed("ops", "hr", plan, false); return err }
		finished := endsAt(w, look, apply)
		w.restart()
		if err := errors.Join(w.e.Recover(), w.e.ResumeActivations()); err != nil {
			t.Fatal(err)
		}
		if w.source("hr").State == store.Preview { // nothing had happened yet
			if err := apply(w.e); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(map[string]int{"ready create": 7, "held create": 2}, w.jobs()); diff != "" {
			t.Errorf("cut off at look %d: %s", look, diff)
		}
		released := 0
		for _, seq := range w.waiting() {
			run := w.run(seq)
			if len(run.Holds) != 1 || run.Holds[0].Guard != reconcile.GuardReviewed || !strings.Contains(run.Holds[0].Reason, "in the plan") {
				t.Errorf("cut off at look %d: held %+v", look, run.Holds)
			}
			n, err := w.e.Approve("ops", seq, "")
			if err != nil {
				t.Error(err)
			}
			released += n
		}
		if released != 2 {
			t.Errorf("cut off at look %d: %d released, want the two who are not in the plan", look, released)
		}
		// The plan is spent: a later run is judged by the guards alone.
		w.settings.Limits = reconcile.Limits{}
		w.deliver()
		w.read("hr", people(9, "title", "Director")...)
		if got := w.jobs(); got["ready update"] != 9 {
			t.Errorf("cut off at look %d: the next run: %v", look, got)
		}
		if finished {
			return
		}
		if look > 50 {
			t.Fatal("the activation never comes to an end")
		}
	}
}
