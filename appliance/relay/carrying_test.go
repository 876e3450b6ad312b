package relay_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/appliance/store"
)

// decided stores, as a process that ended would leave it, that something was decided
// about a run and is not carried out.
func (w *world) decided() {
	w.t.Helper()
	err := w.s.Update(func(tx *store.Tx) error {
		return tx.SetSetting("closing:999", map[string]any{"actor": "ops", "run": map[string]any{"seq": 999}, "answer": map[string]any{"state": "approved"}})
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestNothingIsSentWhileAnAnswerIsCarriedOut fails when a person goes although those
// who may have to go first are not released yet, and when the lane sleeps on after the
// last of them is.
func TestNothingIsSentWhileAnAnswerIsCarriedOut(t *testing.T) {
	inBubble(t, 4, func(t *testing.T, w *world) {
		w.decided()
		w.start()
		w.pass(time.Hour)
		if n := w.writes(); n != 0 {
			t.Fatalf("%d writes although an answer is being carried out", n)
		}
		if err := w.e.Resume(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := w.writes(); n != 4 {
			t.Errorf("%d writes at once when it was, want 4", n)
		}
	})
}

// TestNoFileIsPutWhileAnAnswerIsCarriedOut is the same of a target that takes everybody
// as a file, in which those not yet released would be missing.
func TestNoFileIsPutWhileAnAnswerIsCarriedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.shelf = &shelf{}
		w.read(people(3)...)
		if _, err := w.e.Activate("test", "hr"); err != nil {
			t.Fatal(err)
		}
		w.decided()
		w.start()
		w.pass(2 * time.Hour)
		if w.shelf.puts != 0 {
			t.Fatalf("%d puts although an answer is being carried out", w.shelf.puts)
		}
		if err := w.e.Resume(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if !slices.Equal(w.shelf.logins(), addresses(1, 2, 3)) {
			t.Errorf("when it was, the file holds %v", w.shelf.logins())
		}
	})
}
