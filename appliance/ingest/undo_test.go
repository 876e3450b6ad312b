package ingest_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

func (w *world) undo(seq uint64) ingest.Undone {
	w.t.Helper()
	u, err := w.e.UndoRun("ops", seq)
	if err != nil {
		w.t.Fatal(err)
	}
	return u
}

// titles are the titles the target holds, by person number.
func (w *world) titles(n int) (out []string) {
	w.t.Helper()
	for i := range n {
		d, _ := w.delivered(w.person("hr", i+1).ID)
		out = append(out, d.Sent.Attributes[model.Title])
	}
	return out
}

// TestUndoPutsBackAndStaysUntilThePersonChanges fails when the next read sends the
// undone values again, and when a person who changed stays at what was put back.
func TestUndoPutsBackAndStaysUntilThePersonChanges(t *testing.T) {
	w := settled(t, someone(1, "title", "Analyst"), someone(2, "title", "Analyst"), someone(3))
	raised := []model.Observation{someone(1, "title", "Partner"), someone(2, "title", "Partner"), someone(3, "title", "Partner")}
	run := w.read("hr", raised...)
	w.deliver()
	u := w.undo(run.Seq)
	if len(u.Left) != 0 || u.Created != 0 || u.Run.Cause != model.CauseUndo {
		t.Fatalf("undone %+v", u)
	}
	if diff := cmp.Diff(map[string]int{"ready update": 3}, w.jobs()); diff != "" {
		t.Error(diff)
	}
	w.deliver()
	if diff := cmp.Diff([]string{"Analyst", "Analyst", ""}, w.titles(3)); diff != "" {
		t.Errorf("put back: %s", diff)
	}
	w.read("hr", raised...)
	if _, err := w.e.Replan("test", model.CausePolicy); err != nil {
		t.Fatal(err)
	}
	if len(w.jobs()) != 0 {
		t.Errorf("the roster says what it said, and it comes again: %v", w.jobs())
	}
	w.view(func(tx *store.Tx) error {
		o, _, err := ingest.Look(tx, &w.settings.Targets[0], w.person("hr", 1).ID)
		if !strings.Contains(o.Projection.Blocked, "was undone by ops") {
			t.Errorf("why not: %q", o.Projection.Blocked)
		}
		return err
	})
	w.read("hr", someone(1, "title", "Director"), raised[1], raised[2])
	w.deliver()
	if diff := cmp.Diff([]string{"Director", "Analyst", ""}, w.titles(3)); diff != "" {
		t.Errorf("after one changed: %s", diff)
	}
	if n := len(all(w, store.Restores)); n != 2 {
		t.Errorf("%d people are kept at what was put back, want 2", n)
	}
	// The undo is a run, and can be undone: then the roster prevails again.
	w.undo(u.Run.Seq)
	w.deliver()
	if diff := cmp.Diff([]string{"Director", "Partner", "Partner"}, w.titles(3)); diff != "" {
		t.Errorf("after undoing the undo: %s", diff)
	}
	if n := len(all(w, store.Restores)); n != 0 {
		t.Errorf("%d people are kept at what the roster says anyway", n)
	}
}

// TestUndoGoesThroughTheGuards fails when a compensating run is released unjudged.
func TestUndoGoesThroughTheGuards(t *testing.T) {
	w := newWorld(t)
	w.limit(3, -1, -1)
	w.read("hr", people(10)...)
	run := w.activate("hr")
	w.deliver()
	var shown ingest.Undone
	err := w.e.TryUndoRun("preview", run.Seq, func(_ *store.Tx, u ingest.Undone) error { shown = u; return nil })
	if err != nil || shown.Created != 10 || shown.Mailed != 10 || len(w.jobs()) != 0 {
		t.Fatalf("shown %+v, %v; jobs %v", shown, err, w.jobs())
	}
	u := w.undo(run.Seq)
	if diff := cmp.Diff(map[string]int{"held deactivate": 10}, w.jobs()); diff != "" {
		t.Error(diff)
	}
	if len(u.Run.Holds) != 1 || u.Run.Holds[0].Count != 10 {
		t.Errorf("held %+v", u.Run.Holds)
	}
	if n, err := w.e.Approve("ops", u.Run.Seq, ""); n != 10 || err != nil {
		t.Fatalf("released %d, %v", n, err)
	}
	if got := w.deliver(); got[model.EffectDeactivate] != 10 {
		t.Errorf("delivered %v", got)
	}
	w.read("hr", people(10)...)
	if len(w.jobs()) != 0 {
		t.Errorf("the accounts are switched on again by themselves: %v", w.jobs())
	}
}

func TestUndoOfWrongDeactivationsSwitchesOnAgain(t *testing.T) {
	w := settled(t, people(6, "title", "Analyst")...)
	run := w.read("hr", leavers(6, 2, "title", "Analyst")...)
	w.deliver()
	w.undo(run.Seq)
	if got := w.deliver(); got[model.EffectReactivate] != 2 {
		t.Errorf("delivered %v", got)
	}
	if diff := cmp.Diff([]string{"Analyst", "Analyst"}, w.titles(2)); diff != "" {
		t.Error(diff)
	}
	w.read("hr", leavers(6, 2, "title", "Analyst")...)
	if len(w.jobs()) != 0 {
		t.Errorf("the same word of HR switches them off again: %v", w.jobs())
	}
}

func TestUndoLeavesWhoChangedSinceAndStopsWhatWasNotSent(t *testing.T) {
	w := settled(t, people(4)...)
	run := w.read("hr", people(4, "title", "Partner")...)
	for i := range 2 {
		w.succeed(w.begin(w.person("hr", i+1).ID))
	}
	w.read("hr", someone(1, "title", "Director"), someone(2, "title", "Partner"), someone(3, "title", "Partner"), someone(4, "title", "Partner"))
	w.succeed(w.begin(w.person("hr", 1).ID))
	flying := w.begin(w.person("hr", 4).ID) // on its way at this moment
	u := w.undo(run.Seq)
	if u.Stopped != 1 || len(u.Left) != 2 {
		t.Fatalf("stopped %d, left %+v", u.Stopped, u.Left)
	}
	for _, l := range u.Left {
		if l.Person != w.person("hr", 1).ID && l.Person != w.person("hr", 4).ID {
			t.Errorf("left %+v", l)
		}
	}
	w.succeed(flying)
	w.deliver()
	if diff := cmp.Diff([]string{"Director", "", "", "Partner"}, w.titles(4)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]int{"rejected update": 1}, w.jobs()); diff != "" {
		t.Error(diff)
	}
	var wrong *ingest.InvalidError
	var unknown *ingest.NotFoundError
	if _, err := w.e.UndoRun("ops", 9999); !errors.As(err, &unknown) {
		t.Errorf("no such run: %v", err)
	}
	idle := w.read("hr", people(4, "title", "Partner")...)
	w.deliver()
	w.now = w.now.AddDate(0, 0, ingest.UndoDays+1)
	if _, err := w.e.TurnDay(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.e.UndoRun("ops", idle.Seq); !errors.As(err, &wrong) {
		t.Errorf("a run of a month ago: %v", err)
	}
}

func TestDecisionIsUndoneAsADecision(t *testing.T) {
	w := settled(t, someone(1))
	w.read("adp", someone(1))
	w.activate("adp")
	for _, r := range all(w, store.Runs) {
		if r.Cause == model.CauseDecision {
			t.Fatal("a decision out of nothing")
		}
	}
	w.read("hr", someone(1), someone(2, "email", address(1)))
	q := all(w, store.Conflicts)
	if len(q) == 0 {
		t.Fatal("no conflict came of it")
	}
	if _, err := w.e.Resolve("ops", q[0].ID, ingest.Answer{Verb: model.Separate}); err != nil {
		t.Fatal(err)
	}
	runs := all(w, store.Runs)
	var wrong *ingest.InvalidError
	if _, err := w.e.UndoRun("ops", runs[len(runs)-1].Seq); !errors.As(err, &wrong) || !strings.Contains(wrong.What, "conflicts undo") {
		t.Errorf("undoing the run of a decision: %v", err)
	}
}
