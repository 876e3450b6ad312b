package ingest_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

// answers are what a human can say to a hold of people with the numbers 1 to n.
func answers(n int) map[string]func(*world, *ingest.Engine, uint64) error {
	return map[string]func(*world, *ingest.Engine, uint64) error{
		"approved": func(_ *world, e *ingest.Engine, seq uint64) error { _, err := e.Approve("ops", seq, ""); return err },
		"rejected": func(_ *world, e *ingest.Engine, seq uint64) error { _, err := e.Reject("ops", seq, ""); return err },
		"in part": func(w *world, e *ingest.Engine, seq uint64) error {
			var some []model.PersonID
			for i := range n {
				if i%3 != 0 {
					some = append(some, w.numbered(i+1))
				}
			}
			_, _, err := e.ApproveSome("ops", seq, "", func(j model.Job) bool { return slices.Contains(some, j.Person) })
			return err
		},
	}
}

// TestAnAnswerThatIsCutOffAnywhereStands ends the process in every transaction of an
// answer to a hold of 15. It fails when a part of it is lost, when what was not chosen
// goes, and when anything is sent before all that is released is there.
func TestAnAnswerThatIsCutOffAnywhereStands(t *testing.T) {
	for name, answer := range answers(15) {
		want := map[string]map[string]int{
			"approved": {"ready deactivate": 15, "ready update": 15},
			"rejected": {"rejected deactivate": 15, "ready update": 15},
			"in part":  {"ready deactivate": 10, "held deactivate": 5, "ready update": 15},
		}[name]
		t.Run(name, func(t *testing.T) {
			cutAnywhere(t, func() (*world, func(*ingest.Engine) error, func(round)) {
				w, seq := flooded(t)
				return w, func(e *ingest.Engine) error { return answer(w, e, seq) }, func(r round) {
					given := w.run(seq).Holds[0].By != "" || w.run(seq).Holds[0].Released > 0
					if !given {
						if diff := cmp.Diff(map[string]int{"held deactivate": 15, "ready update": 15}, w.jobs()); diff != "" {
							t.Fatalf("cut off at look %d, no answer was stored: %s", r.look, diff)
						}
					} else if !r.finished {
						if got := w.deliver(); len(got) > 0 {
							t.Errorf("cut off at look %d: delivered %v although not all of it is released", r.look, got)
						}
					}
					if err := w.e.Recover(); err != nil {
						t.Fatal(err)
					}
					if !given {
						return
					}
					if diff := cmp.Diff(want, w.jobs()); diff != "" {
						t.Errorf("cut off at look %d and started anew: %s", r.look, diff)
					}
					if got := w.deliver(); got[model.EffectDeactivate] != want["ready deactivate"] || got[model.EffectUpdate] != 15 {
						t.Errorf("cut off at look %d: delivered %v", r.look, got)
					}
				}
			})
		})
	}
}

// TestNothingElseIsDecidedWhileAnAnswerIsCarriedOut answers a hold for the second time,
// and undoes the run, while the first answer is halfway.
func TestNothingElseIsDecidedWhileAnAnswerIsCarriedOut(t *testing.T) {
	var seq uint64
	w := halfway(t, func() (w *world) { w, seq = flooded(t); return w },
		func(w *world, e *ingest.Engine) error { return answers(15)["in part"](w, e, seq) })
	before := w.outcome()
	_, undone := w.e.UndoRun("ops", seq)
	for what, err := range map[string]error{
		"approved":         answers(15)["approved"](w, w.e, seq),
		"rejected":         answers(15)["rejected"](w, w.e, seq),
		"approved in part": answers(15)["in part"](w, w.e, seq),
		"undone":           undone,
	} {
		var stale *ingest.StaleError
		if !errors.As(err, &stale) || !strings.Contains(stale.What, "approved by ops") || !strings.Contains(stale.What, "of 10 deliveries") {
			t.Errorf("%s meanwhile: %v", what, err)
		}
	}
	if diff := cmp.Diff(before, w.outcome()); diff != "" {
		t.Errorf("it changed something: %s", diff)
	}
	if err := w.e.Resume(); err != nil {
		t.Fatal(err)
	}
	if n, err := w.e.Approve("other", seq, w.digest(seq)); n != 5 || err != nil {
		t.Errorf("the rest, afterwards: %d, %v", n, err)
	}
}

// TestWhoChangesBehindAnAnswerIsWhatTheAnswerMadeOfThem lets people change when an
// answer is stored and was cut off, at every step of it, and compares what comes of it
// with the same change after the same answer in one transaction. It fails when somebody
// whose turn had not come is still taken for held, when what one was approved to lose
// is taken away although it is another change by now, and when what a guard holds after
// the answer is released by it.
func TestWhoChangesBehindAnAnswerIsWhatTheAnswerMadeOfThem(t *testing.T) {
	var read *ingest.Read
	for name, scene := range map[string]struct {
		n      int // people
		begin  func(*testing.T) (*world, uint64)
		change func(*world) func() // the second part when the answer was carried out
	}{
		"a read": {30, func(t *testing.T) (*world, uint64) {
			w, seq := flooded(t)
			read = w.start("hr") // before the answer, whose rest it would carry out
			return w, seq
		}, func(w *world) func() {
			// Some of the leavers come back, one of them with another title; some of the
			// others leave as well.
			list := append(leavers(15, 15), people(30, "title", "Partner")[15:]...)
			for _, i := range []int{0, 1, 7, 13, 14} {
				list[i] = someone(i+1, "title", fmt.Sprint("Back", i))
			}
			list[20], list[21] = left(list[20]), left(list[21])
			if err := read.Page(page(list...)); err != nil {
				w.t.Fatal(err)
			}
			return func() {
				if _, err := read.Finish(nil); err != nil {
					w.t.Fatal(err)
				}
			}
		}},
		"another source": {40, func(t *testing.T) (*world, uint64) {
			// Twelve new people are held, of whom another source that is in preview
			// knows more.
			w := settled(t, people(40)[12:]...)
			w.limit(-1, 3, -1)
			var more []model.Observation
			for i := range 12 {
				more = append(more, someone(i+1, "department", "Sales"))
			}
			w.read("adp", more...)
			return w, w.read("hr", people(40)...).Seq
		}, func(w *world) func() {
			w.activate("adp")
			return func() {}
		}},
		"a new day": {12, func(t *testing.T) (*world, uint64) {
			last := []string{"end_date", "2026-11-22"}
			w := settled(t, people(12, last...)...)
			w.limit(-1, -1, 3)
			return w, w.read("hr", people(12, append(last, "title", "Partner")...)...).Seq
		}, func(w *world) func() {
			w.limit(3, -1, -1)
			w.now = w.now.AddDate(0, 0, 1)
			if _, err := w.e.TurnDay(); err != nil {
				w.t.Fatal(err)
			}
			return func() {}
		}},
		"a sender": {16, func(t *testing.T) (*world, uint64) {
			w := newWorld(t)
			w.limit(3, -1, -1)
			for i := range 16 {
				w.create(user(i+1, true))
			}
			w.activate("okta")
			w.deliver()
			for i := range 16 {
				w.off(i+1, true)
			}
			w.deliver() // three, before the window was full
			return w, w.waiting()[0]
		}, func(w *world) func() {
			for _, n := range []int{4, 5, 6, 9, 15, 16} {
				w.off(n, false)
			}
			for _, n := range []int{4, 5, 15, 16} {
				w.off(n, true) // and leave again: nobody has approved that
			}
			return func() {}
		}},
	} {
		for said := range answers(0) {
			t.Run(name+", "+said, func(t *testing.T) {
				usual := ingest.CloseBatch()
				defer ingest.SetCloseBatch(usual)
				ingest.SetCloseBatch(1000)
				w, seq := scene.begin(t)
				if err := answers(scene.n)[said](w, w.e, seq); err != nil {
					t.Fatal(err)
				}
				then := scene.change(w)
				then()
				// A hold that goes on waiting collects what follows; while an answer to a part
				// of it is carried out, another does.
				another := name == "a sender" && said == "in part"
				outcome := func(w *world) []string {
					out := w.outcome()
					if another {
						out = slices.DeleteFunc(out, func(s string) bool { return !strings.Contains(s, "@") })
						for i := range out {
							out[i] = strings.ReplaceAll(out[i], "run 3", "run 2")
						}
					}
					return out
				}
				want := outcome(w)
				ingest.SetCloseBatch(usual)
				cut := 0
				for look := 1; ; look += 2 { // every transaction looks twice
					w, seq := scene.begin(t)
					finished := endsAt(w, look, func(e *ingest.Engine) error { return answers(scene.n)[said](w, e, seq) })
					w.restart()
					if h := w.run(seq).Holds[0]; h.By == "" && h.Released == 0 {
						continue // no answer yet
					}
					if len(w.underWay()) > 0 {
						cut++
					}
					then := scene.change(w)
					if err := w.e.Resume(); err != nil {
						t.Fatal(err)
					}
					then()
					if diff := cmp.Diff(want, outcome(w)); diff != "" {
						t.Errorf("cut off at look %d: %s", look, diff)
					}
					if finished || t.Failed() {
						break
					}
				}
				if cut < 2 {
					t.Errorf("%d rounds were cut off, which proves little", cut)
				}
			})
		}
	}
}

// off lets the sender switch somebody off, or on again.
func (w *world) off(n int, off bool) {
	w.t.Helper()
	var id string
	for _, r := range all(w, store.Resources) {
		if strings.Contains(string(r.Body), address(n)) {
			id = r.ID
		}
	}
	w.put(id, user(n, !off))
}

// TestAHeldPersonIsRetriedAsWhatTheAnswerMadeOfThem fails when an operator must wait for
// the turn of one delivery, or can pass a guard meanwhile.
func TestAHeldPersonIsRetriedAsWhatTheAnswerMadeOfThem(t *testing.T) {
	var seq uint64
	w := halfway(t, func() (w *world) { w, seq = flooded(t); return w },
		func(w *world, e *ingest.Engine) error { return answers(15)["in part"](w, e, seq) })
	chosen, others := 0, 0
	for i := range 15 {
		id := w.numbered(i + 1)
		if j, _ := w.job(id); j.State != model.JobHeld {
			continue
		}
		var stale *ingest.StaleError
		switch err := w.e.RetryJob("ops", "javelo", id); {
		case i%3 != 0 && err == nil:
			chosen++
		case i%3 == 0 && errors.As(err, &stale):
			others++
		default:
			t.Errorf("number %d: %v", i+1, err)
		}
	}
	if chosen == 0 || others != 5 {
		t.Errorf("%d chosen, %d others", chosen, others)
	}
}

// TestAReviewedPlanMeetsAnAnswerThatIsCarriedOut applies a plan made before an answer to
// a part, while that is halfway. It fails when it counts as released who was released by
// the answer, or is an answer to the same run in the middle of the other.
func TestAReviewedPlanMeetsAnAnswerThatIsCarriedOut(t *testing.T) {
	for said, want := range map[string][3]int{"in part": {0, 10, 5}, "rejected": {0, 0, 15}} {
		var plan []ingest.Reviewed
		w := halfway(t, func() *world {
			w, _ := flooded(t)
			plan = slices.DeleteFunc(w.pins(""), func(r ingest.Reviewed) bool {
				j, _ := w.job(r.Person)
				return j.State != model.JobHeld
			})
			return w
		}, func(w *world, e *ingest.Engine) error { return answers(15)[said](w, e, w.waiting()[0]) })
		done, err := w.e.ApplyReviewed("other", plan)
		if got := [3]int{done.Released, done.Flowing, len(done.Refused)}; err != nil || got != want {
			t.Errorf("%s: released, flowing and refused %v, want %v; %v", said, got, want, err)
		}
		for _, r := range done.Refused {
			if said == "in part" && !strings.Contains(r.Why, "is being carried out") {
				t.Errorf("refused: %s", r.Why)
			}
		}
		if err := w.e.Resume(); err != nil {
			t.Fatal(err)
		}
		if got := w.jobs(); got["ready deactivate"] != want[0]+want[1] || got["rejected deactivate"]+got["held deactivate"] != want[2] {
			t.Errorf("%s: %v", said, got)
		}
	}
}

// TestAReviewedPlanOfSeveralRunsThatIsCutOffAnywhereStands applies a plan of what two runs
// hold, and ends the process in every transaction of it. It fails when a part of it is
// lost, or anything of it leaves before all of it may.
func TestAReviewedPlanOfSeveralRunsThatIsCutOffAnywhereStands(t *testing.T) {
	cutAnywhere(t, func() (*world, func(*ingest.Engine) error, func(round)) {
		w := settled(t, people(16)...)
		w.limit(3, -1, -1)
		w.read("hr", leavers(16, 7)...)
		w.read("hr", leavers(16, 14)...)
		if len(w.waiting()) != 2 {
			t.Fatalf("waiting: %v", w.waiting())
		}
		first := w.waiting()[0]
		plan := w.pins("")
		for i, r := range plan { // one of the first run stays out of it
			if j, _ := w.job(r.Person); j.Run == first {
				plan = slices.Delete(plan, i, i+1)
				break
			}
		}
		var done ingest.Applied
		return w, func(e *ingest.Engine) (err error) { done, err = e.ApplyReviewed("ops", plan); return err }, func(r round) {
			given := w.run(first).Holds[0].Released > 0
			if given && !r.finished {
				if got := w.deliver(); len(got) > 0 {
					t.Errorf("cut off at look %d: delivered %v", r.look, got)
				}
			}
			if err := w.e.Recover(); err != nil {
				t.Fatal(err)
			}
			if r.finished && done.Released != 13 {
				t.Errorf("released %d", done.Released)
			}
			if diff := cmp.Diff(map[string]int{"ready deactivate": 13, "held deactivate": 1}, w.jobs()); given && diff != "" {
				t.Errorf("cut off at look %d: %s", r.look, diff)
			}
		}
	})
}
