package ingest_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

// underWay is what is being carried out.
func (w *world) underWay() (list []ingest.Carried) {
	w.t.Helper()
	w.view(func(tx *store.Tx) (err error) { list, err = ingest.UnderWay(tx); return err })
	return list
}

// halfway is a world in which something was decided and the process ended when a part
// of it had been carried out.
func halfway(t *testing.T, begin func() *world, act func(*world, *ingest.Engine) error) *world {
	t.Helper()
	for look := 1; look < 200; look += 2 { // every transaction looks twice
		w := begin()
		if endsAt(w, look, func(e *ingest.Engine) error { return act(w, e) }) {
			break
		}
		if list := w.underWay(); len(list) == 1 && list[0].Done > 0 && list[0].Done < list[0].Of {
			w.restart()
			return w
		}
	}
	t.Fatal("it is never cut off halfway")
	return nil
}

// round is one ending of the process in [cutAnywhere].
type round struct {
	look     int  // at the clock, at which it ended
	finished bool // it did not
	under    bool // something was decided and is not carried out whole
}

// cutAnywhere ends the process in every transaction of something, each time in a world
// of its own, and has that looked at by then, on a fresh engine that recovered nothing.
func cutAnywhere(t *testing.T, scene func() (w *world, act func(*ingest.Engine) error, then func(round))) {
	t.Helper()
	cut := 0
	for look := 1; ; look += 2 { // every transaction looks twice
		w, act, then := scene()
		r := round{look: look, finished: endsAt(w, look, act)}
		w.restart()
		if r.under = len(w.underWay()) > 0; r.under {
			cut++
		}
		then(r)
		if list := w.underWay(); len(list) > 0 {
			t.Errorf("cut off at look %d: %+v never ends", look, list)
		}
		if r.finished {
			break
		}
		if look > 100 {
			t.Fatal("it never comes to an end")
		}
	}
	if cut < 2 {
		t.Errorf("%d rounds were cut off behind the decision, which proves little", cut)
	}
}

// numbered is the person with a number, of whichever source.
func (w *world) numbered(n int) model.PersonID {
	w.t.Helper()
	var id model.PersonID
	w.view(func(tx *store.Tx) error {
		p, ok, err := store.PersonByEmail.One(tx, store.Key(address(n)))
		if err == nil && !ok {
			w.t.Fatalf("there is no person %d", n)
		}
		id = p.ID
		return err
	})
	return id
}

// outcome is what is pending for each person, by number, and what the runs hold.
func (w *world) outcome() (out []string) {
	w.t.Helper()
	number := map[model.PersonID]string{}
	for _, p := range all(w, store.Persons) {
		number[p.ID] = p.EmailKey
	}
	for _, j := range all(w, store.Outbox) {
		out = append(out, fmt.Sprintf("%s: %s %s of run %d, %q, wave %d", number[j.Person], j.State, j.Effect, j.Run, j.Reason, j.Wave))
	}
	slices.Sort(out)
	for _, run := range all(w, store.Runs) {
		for _, h := range run.Holds {
			out = append(out, fmt.Sprintf("run %d: %s %s %d, %d released, by %q", run.Seq, h.Guard, h.State, h.Count, h.Released, h.By))
		}
	}
	return append(out, fmt.Sprint("waiting ", w.waiting()))
}

// flooded is a world in which a run holds 15 leavers, numbers 1 to 15, and a title for
// each of the other 15 is ready.
func flooded(t *testing.T) (*world, uint64) {
	before, after := partners(15)
	w := settled(t, before...)
	w.limit(3, -1, -1)
	return w, w.read("hr", after...).Seq
}

// TestWhatFailedHalfwayIsCarriedOutByTheSameProcess fails when what is decided waits for
// a restart because its steps failed once, or when lanes that rested are not woken.
func TestWhatFailedHalfwayIsCarriedOutByTheSameProcess(t *testing.T) {
	w := halfway(t, func() *world { w, _ := flooded(t); return w },
		func(w *world, e *ingest.Engine) error { return answers(15)["rejected"](w, e, w.waiting()[0]) })
	kicks := w.kicks
	if err := w.e.Resume(); err != nil {
		t.Fatal(err)
	}
	if got := w.jobs(); got["rejected deactivate"] != 15 || len(w.underWay()) > 0 || w.kicks == kicks {
		t.Errorf("%v, still under way %v, woken %d times", got, w.underWay(), w.kicks-kicks)
	}
}

// TestTheDigestOfWhatIsHeldTellsEveryDifference fails when an approval of one plan
// passes for one of another, and when it is refused although nothing differs.
func TestTheDigestOfWhatIsHeldTellsEveryDifference(t *testing.T) {
	list := people(8, "title", "Partner")
	other := slices.Clone(list)
	other[3] = someone(4, "title", "Director")
	leaves := slices.Clone(list)
	leaves[3] = left(leaves[3])
	w := settled(t, people(8)...)
	w.limit(0, -1, 0)
	seq := w.read("hr", list...).Seq
	seen := w.digest(seq)
	for name, now := range map[string][]model.Observation{"another value": other, "another effect": leaves} {
		w.read("hr", now...)
		if got := w.digest(seq); got == seen {
			t.Errorf("%s: the digest is the same", name)
		}
		w.read("hr", list...)
	}
	// Number 4 is held by a later run by now, as when their title came anew.
	two := w.digest(seq)
	w.now = w.now.AddDate(0, 0, 1)
	w.read("hr", list...)
	if got := w.digest(seq); got != two {
		t.Error("nothing changed, and the digest did")
	}
	for name, c := range map[string]struct {
		alter func(*model.Hold)
		same  bool
	}{
		"a reason":     {func(h *model.Hold) { h.Reason += "; the permission to grant is known" }, true},
		"a count":      {func(h *model.Hold) { h.Count++ }, false},
		"a limit":      {func(h *model.Hold) { h.Limit++ }, false},
		"its answer":   {func(h *model.Hold) { h.State = model.HoldLapsed }, false},
		"a department": {func(h *model.Hold) { h.Department = "sales" }, false},
	} {
		run := w.run(seq)
		alter := func(run model.Run) {
			if err := w.s.Update(func(tx *store.Tx) error { return store.Runs.Put(tx, seq, run) }); err != nil {
				t.Fatal(err)
			}
		}
		altered := run
		altered.Holds = slices.Clone(run.Holds)
		c.alter(&altered.Holds[0])
		alter(altered)
		if got := w.digest(seq); (got == two) != c.same {
			t.Errorf("%s of a hold: the digest is the same: %t", name, got == two)
		}
		alter(run)
	}
}

// TestAnAnswerMeetsWhatChangedWhileItWasRead changes what is held behind the look at it
// and before the transaction that decides. It fails when an answer to what was shown
// passes all the same, or when one without a digest releases what is not held any more.
func TestAnAnswerMeetsWhatChangedWhileItWasRead(t *testing.T) {
	begin := func() (*world, uint64, func(model.Job) bool) {
		w, seq := flooded(t)
		// Room, so that a writer need not wait for the reader in whose middle it is.
		for _, text := range []string{strings.Repeat("x", 4<<20), ""} {
			if err := w.s.Update(func(tx *store.Tx) error { return tx.SetSetting("room", text) }); err != nil {
				t.Fatal(err)
			}
		}
		changed := false
		return w, seq, func(j model.Job) bool {
			if !changed {
				changed = true
				if err := w.s.Update(func(tx *store.Tx) error {
					return store.Outbox.Delete(tx, store.TargetPerson{Target: j.Target, Person: j.Person})
				}); err != nil {
					t.Fatal(err)
				}
			}
			return true
		}
	}
	w, seq, chosen := begin()
	var stale *ingest.StaleError
	if n, _, err := w.e.ApproveSome("ops", seq, w.digest(seq), chosen); !errors.As(err, &stale) || w.jobs()["held deactivate"] != 14 {
		t.Errorf("to what was shown: %d released, %v, %v", n, err, w.jobs())
	}
	w, seq, chosen = begin()
	if n, left, err := w.e.ApproveSome("ops", seq, "", chosen); n != 14 || left != 0 || err != nil {
		t.Errorf("to what there is: %d released, %d wait, %v", n, left, err)
	}
}

// TestNoTransactionOfAnAnswerChangesMoreThanAFewBatches counts, between any two
// transactions of answers, releases and stops, how many jobs became something else.
func TestNoTransactionOfAnAnswerChangesMoreThanAFewBatches(t *testing.T) {
	const n = 30
	wave := func(spoil bool) func() (*world, func(*ingest.Engine) error) {
		return func() (*world, func(*ingest.Engine) error) {
			w := newWorld(t)
			w.read("hr", people(n)...)
			w.activateInWaves()
			for range 2 {
				w.wave(nil)
			}
			w.deliver()
			list := w.accounts()
			if spoil {
				list = list[1:]
			}
			return w, func(e *ingest.Engine) error { _, err := e.Listed("javelo", list); return err }
		}
	}
	scenes := map[string]func() (*world, func(*ingest.Engine) error){"wave": wave(false), "stop": wave(true)}
	for name, answer := range answers(n) {
		scenes[name] = func() (*world, func(*ingest.Engine) error) {
			w := settled(t, people(n)...)
			w.limit(3, -1, -1)
			seq := w.read("hr", leavers(n, n)...).Seq
			return w, func(e *ingest.Engine) error { return answer(w, e, seq) }
		}
	}
	for name, scene := range scenes {
		t.Run(name, func(t *testing.T) {
			var before map[string]int
			most, all := 0, 0
			for look := 1; ; look += 2 { // every transaction looks twice
				w, act := scene()
				finished := endsAt(w, look, act)
				now := w.jobs()
				changed := 0
				for what, n := range now {
					changed += max(0, n-before[what])
				}
				if before != nil {
					most, all = max(most, changed), all+changed
				}
				if before = now; finished {
					break
				}
			}
			if most > ingest.CloseBatch() || all < 20 {
				t.Errorf("%d jobs changed in one transaction, of %d in all; a batch is %d", most, all, ingest.CloseBatch())
			}
		})
	}
}
