package ingest_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

// leavers are n people of whom the first k left.
func leavers(n, k int, pairs ...string) []model.Observation {
	list := people(n, pairs...)
	for i := range k {
		list[i] = left(list[i])
	}
	return list
}

// flood is a world in which a run holds six deactivations beside one update.
func flood(t *testing.T) (*world, model.Run) {
	t.Helper()
	w := settled(t, people(20)...)
	w.limit(3, -1, -1)
	list := leavers(20, 6)
	list[10] = someone(11, "title", "Partner")
	return w, w.read("hr", list...)
}

func TestFloodOfLeaversIsHeldWholeAndTheRestFlows(t *testing.T) {
	w, run := flood(t)
	if diff := cmp.Diff(map[string]int{"held deactivate": 6, "ready update": 1}, w.jobs()); diff != "" {
		t.Error(diff)
	}
	if len(run.Holds) != 1 || run.Holds[0].Count != 6 || run.Holds[0].Limit != 3 {
		t.Errorf("held %+v", run.Holds)
	}
	if diff := cmp.Diff([]uint64{run.Seq}, w.waiting()); diff != "" || !slices.Contains(w.journal(), "held") {
		t.Errorf("waiting: %s; journal %v", diff, w.journal())
	}
	if got := w.deliver(); got[model.EffectDeactivate] != 0 {
		t.Errorf("delivered %v", got)
	}
	var stale *ingest.StaleError
	if err := w.e.RetryJob("test", "javelo", w.person("hr", 1).ID); !errors.As(err, &stale) {
		t.Errorf("a single held delivery was retried past the guard: %v", err)
	}
}

func TestApprovalReleasesExactlyWhatWasShown(t *testing.T) {
	w, run := flood(t)
	digest, err := w.e.HeldDigest(run.Seq)
	if err != nil {
		t.Fatal(err)
	}
	// One more person leaves and joins the held ones of a later run; what this
	// run holds is the same.
	if n, err := w.e.Approve("uid:1000(ops)", run.Seq, digest); n != 6 || err != nil {
		t.Fatalf("released %d, %v", n, err)
	}
	if diff := cmp.Diff([]string{"max_deactivations approved"}, w.holds(run.Seq)); diff != "" || len(w.waiting()) != 0 {
		t.Errorf("waiting %v: %s", w.waiting(), diff)
	}
	if h := w.run(run.Seq).Holds[0]; h.By != "uid:1000(ops)" || h.At.IsZero() {
		t.Errorf("approved by %q at %v", h.By, h.At)
	}
	if got := w.deliver(); got[model.EffectDeactivate] != 6 {
		t.Errorf("delivered %v", got)
	}
	var stale *ingest.StaleError
	if _, err := w.e.Approve("test", run.Seq, ""); !errors.As(err, &stale) {
		t.Errorf("a second approval: %v", err)
	}
	var unknown *ingest.NotFoundError
	if _, err := w.e.Approve("test", 9999, ""); !errors.As(err, &unknown) {
		t.Errorf("an approval of no run: %v", err)
	}
}

func TestApprovalOfSomethingElseThanWasShownIsRefused(t *testing.T) {
	w, run := flood(t)
	digest, err := w.e.HeldDigest(run.Seq)
	if err != nil {
		t.Fatal(err)
	}
	list := leavers(20, 5) // one of the six came back
	list[10] = someone(11, "title", "Partner")
	w.read("hr", list...)
	var stale *ingest.StaleError
	if n, err := w.e.Approve("test", run.Seq, digest); !errors.As(err, &stale) || n != 0 {
		t.Errorf("released %d, %v; want a StaleError", n, err)
	}
	if diff := cmp.Diff(map[string]int{"held deactivate": 5, "ready update": 1}, w.jobs()); diff != "" {
		t.Error(diff)
	}
}

func TestRejectedChangesLieUntilThePersonChanges(t *testing.T) {
	w, run := flood(t)
	if n, err := w.e.Reject("test", run.Seq, ""); n != 6 || err != nil {
		t.Fatalf("rejected %d, %v", n, err)
	}
	w.deliver()
	list := leavers(20, 6)
	list[10] = someone(11, "title", "Partner")
	w.read("hr", list...)
	if _, err := w.e.Replan("test", model.CausePolicy); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{"rejected deactivate": 6}, w.jobs()); diff != "" {
		t.Errorf("the same plan came again: %s", diff)
	}
	list[0] = someone(1) // back
	w.read("hr", list...)
	if diff := cmp.Diff(map[string]int{"rejected deactivate": 5}, w.jobs()); diff != "" {
		t.Error(diff)
	}
	list[0] = left(someone(1)) // and off again, alone
	w.read("hr", list...)
	if diff := cmp.Diff(map[string]int{"rejected deactivate": 5, "ready deactivate": 1}, w.jobs()); diff != "" {
		t.Error(diff)
	}
}

func TestHoldLapsesWhenNothingOfItIsLeft(t *testing.T) {
	w, run := flood(t)
	list := people(20)
	list[10] = someone(11, "title", "Partner")
	w.read("hr", list...)
	if diff := cmp.Diff([]string{"max_deactivations lapsed"}, w.holds(run.Seq)); diff != "" || len(w.waiting()) != 0 {
		t.Errorf("waiting %v: %s", w.waiting(), diff)
	}
	if !slices.Contains(w.journal(), "lapsed") {
		t.Errorf("journal %v", w.journal())
	}
	var stale *ingest.StaleError
	if _, err := w.e.Approve("test", run.Seq, ""); !errors.As(err, &stale) {
		t.Errorf("a lapsed hold was approved: %v", err)
	}
}

func TestColumnThatChangesForTooManyIsHeld(t *testing.T) {
	w := settled(t, people(20, "title", "Analyst")...)
	w.limit(-1, -1, 5)
	list := people(20, "title", "Analyste")
	list[0] = left(list[0])
	list[1] = someone(2, "title", "Analyst", "department", "Sales")
	run := w.read("hr", list...)
	if diff := cmp.Diff(map[string]int{"held update": 18, "ready update": 1, "ready deactivate": 1}, w.jobs()); diff != "" {
		t.Error(diff)
	}
	if len(run.Holds) != 1 || run.Holds[0].Attribute != model.Title {
		t.Errorf("held %+v", run.Holds)
	}
}

func TestGuardCountsOverAllPagesOfARead(t *testing.T) {
	w := settled(t, people(20)...)
	w.limit(3, -1, -1)
	r := w.start("hr")
	for _, o := range leavers(20, 5) {
		if err := r.Page(page(o)); err != nil {
			t.Fatal(err)
		}
	}
	run, err := r.Finish(nil)
	if err != nil || len(run.Holds) != 1 {
		t.Errorf("one leaver a page: held %v, %v", run.Holds, err)
	}
}

func TestHeldPersonWhoChangesOtherwiseStaysHeld(t *testing.T) {
	w, run := flood(t)
	list := leavers(20, 6, "title", "Changed on the way out")
	list[10] = someone(11, "title", "Partner")
	w.settings.Limits.Attributes.HasCount = false
	w.read("hr", list...)
	got := w.jobs()
	if got["held deactivate"] != 6 || got["ready deactivate"] != 0 {
		t.Errorf("jobs %v", got)
	}
	if diff := cmp.Diff([]uint64{run.Seq}, w.waiting()); diff != "" {
		t.Errorf("waiting: %s", diff)
	}
}

func TestSlidingWindowStopsADripOfDeactivationsFromASender(t *testing.T) {
	w := newWorld(t)
	w.limit(3, -1, -1)
	d := w.e.Directory()
	var ids []string
	for i := range 10 {
		res, err := d.Create(t.Context(), sender, "User", user(i+1, true))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, res.ID)
	}
	w.activate("okta")
	w.deliver()
	off := func(i int) {
		t.Helper()
		w.now = w.now.Add(10 * time.Minute)
		if _, err := d.Update(t.Context(), sender, "User", ids[i], leaving(user(i+1, false))); err != nil {
			t.Fatalf("the sender was not answered: %v", err)
		}
	}
	for i := range 3 {
		off(i)
	}
	if diff := cmp.Diff(map[string]int{"ready deactivate": 3}, w.jobs()); diff != "" {
		t.Fatalf("up to the limit: %s", diff)
	}
	off(3)
	off(4)
	if diff := cmp.Diff(map[string]int{"ready deactivate": 3, "held deactivate": 2}, w.jobs()); diff != "" {
		t.Errorf("over the limit: %s", diff)
	}
	if len(w.waiting()) != 1 {
		t.Fatalf("waiting %v, want one run for all of them", w.waiting())
	}
	run := w.run(w.waiting()[0])
	if run.Source != "okta" || run.Cause != model.CauseSCIM || run.Counts.Deactivate != 2 {
		t.Errorf("the run is of %s, %s, %+v", run.Source, run.Cause, run.Counts)
	}
	// Whoever is switched on again leaves the hold.
	if _, err := d.Update(t.Context(), sender, "User", ids[4], leaving(user(5, true))); err != nil {
		t.Fatal(err)
	}
	if n, err := w.e.Approve("test", run.Seq, ""); n != 1 || err != nil {
		t.Errorf("released %d, %v", n, err)
	}
	w.deliver()
	w.now = w.now.Add(ingest.Window)
	off(5)
	if diff := cmp.Diff(map[string]int{"ready deactivate": 1}, w.jobs()); diff != "" {
		t.Errorf("a day later: %s", diff)
	}
}

func TestSendersHaveWindowsOfTheirOwnAndCreationsNone(t *testing.T) {
	w := newWorld(t)
	w.limit(1, 1, -1)
	w.read("hr", people(5)...)
	w.activate("hr")
	w.activate("okta")
	d := w.e.Directory()
	for i := range 6 {
		if _, err := d.Create(t.Context(), sender, "User", user(i+20, true)); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.jobs(); got["held create"] != 0 || got["ready create"] != 11 {
		t.Errorf("jobs %v", got)
	}
	w.deliver()
	w.read("hr", leavers(5, 1)...)
	if diff := cmp.Diff(map[string]int{"ready deactivate": 1}, w.jobs()); diff != "" {
		t.Errorf("a read's deactivation was counted among the sender's: %s", diff)
	}
}

func TestOperatorsRetryAndDropSingleDeliveries(t *testing.T) {
	w := settled(t, people(2)...)
	w.read("hr", someone(1, "title", "Partner"), someone(2, "title", "Partner"))
	one, two := w.person("hr", 1).ID, w.person("hr", 2).ID
	if err := errors.Join(w.e.DropJob("ops", "javelo", one), w.e.DropJob("ops", "javelo", two)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{"rejected update": 2}, w.jobs()); diff != "" {
		t.Error(diff)
	}
	kicks := w.kicks
	if err := w.e.RetryJob("ops", "javelo", one); err != nil || w.kicks == kicks {
		t.Errorf("retry: %v, the relay was woken: %t", err, w.kicks > kicks)
	}
	if got := w.deliver(); fmt.Sprint(got) != fmt.Sprint(map[model.Effect]int{model.EffectUpdate: 1}) {
		t.Errorf("delivered %v", got)
	}
	var unknown *ingest.NotFoundError
	for what, err := range map[string]error{"retry": w.e.RetryJob("ops", "javelo", one), "drop": w.e.DropJob("ops", "javelo", one), "drop elsewhere": w.e.DropJob("ops", "elevo", two)} {
		if !errors.As(err, &unknown) {
			t.Errorf("%s of no delivery: %v", what, err)
		}
	}
	verbs := w.journal()
	if !slices.Contains(verbs, "dropped") || !slices.Contains(verbs, "retried") {
		t.Errorf("journal %v", verbs)
	}
	for _, e := range all(w, store.Journal) {
		if e.Verb == "dropped" && e.Actor != "ops" {
			t.Errorf("the journal says %q dropped it", e.Actor)
		}
	}
}
