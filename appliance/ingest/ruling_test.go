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
	"rollcall/appliance/reconcile"
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
			cut := 0
			for look := 1; ; look += 2 { // every transaction looks twice
				w, seq := flooded(t)
				finished := endsAt(w, look, func(e *ingest.Engine) error { return answer(w, e, seq) })
				w.restart()
				given := w.run(seq).Holds[0].By != "" || w.run(seq).Holds[0].Released > 0
				if !given {
					if diff := cmp.Diff(map[string]int{"held deactivate": 15, "ready update": 15}, w.jobs()); diff != "" {
						t.Fatalf("cut off at look %d, no answer was stored: %s", look, diff)
					}
				} else if !finished {
					cut++
					if got := w.deliver(); len(got) > 0 {
						t.Errorf("cut off at look %d: delivered %v although not all of it is released", look, got)
					}
				}
				if err := w.e.Recover(); err != nil {
					t.Fatal(err)
				}
				if given {
					if diff := cmp.Diff(want, w.jobs()); diff != "" {
						t.Errorf("cut off at look %d and started anew: %s", look, diff)
					}
					if got := w.deliver(); got[model.EffectDeactivate] != want["ready deactivate"] || got[model.EffectUpdate] != 15 {
						t.Errorf("cut off at look %d: delivered %v", look, got)
					}
				}
				if list := w.underWay(); len(list) > 0 {
					t.Errorf("cut off at look %d: %+v never ends", look, list)
				}
				if finished {
					break
				}
				if look > 100 {
					t.Fatal("the answer never comes to an end")
				}
			}
			if cut < 3 {
				t.Errorf("%d rounds were cut off between the answer and its last job, which proves little", cut)
			}
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

// TestAListingInTheMiddleOfAWaveLetsNothingElseGo ends the process in every transaction
// of the listing that lets a wave go, lists the target once more, and starts it anew. It
// fails when the next wave goes before this one was sent, or a part of one is lost.
func TestAListingInTheMiddleOfAWaveLetsNothingElseGo(t *testing.T) {
	cut := 0
	for look := 1; ; look += 2 { // every transaction looks twice
		w := newWorld(t)
		w.read("hr", people(40)...)
		run := w.activateInWaves()
		sent := []int{w.wave(nil), 0}
		for _, k := range w.deliver() {
			sent[1] += k
		}
		finished := endsAt(w, look, func(e *ingest.Engine) error { _, err := e.Listed("javelo", w.accounts()); return err })
		w.restart()
		list := w.underWay()
		if len(list) > 0 {
			cut++
			if again, err := w.e.WaveSent("javelo"); again || err != nil {
				t.Errorf("cut off at look %d: to be listed again although a wave is not all there, %v", look, err)
			}
			if _, err := w.e.Listed("javelo", w.accounts()); err != nil { // for another reason
				t.Fatal(err)
			}
			if got := w.run(run.Seq).Waves[0].Current; got != 3 {
				t.Errorf("cut off at look %d: wave %d goes", look, got)
			}
		}
		if err := w.e.Recover(); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			if n := w.wave(nil); n > 0 {
				sent = append(sent, n)
			}
		}
		if diff := cmp.Diff([]int{1, 2, 10, 27}, sent); diff != "" {
			t.Errorf("cut off at look %d, sent: %s", look, diff)
		}
		if got := w.run(run.Seq).Waves[0].State; got != model.WavesDone || len(w.jobs()) > 0 {
			t.Errorf("cut off at look %d: %s, %v", look, got, w.jobs())
		}
		if finished {
			break
		}
		if look > 100 {
			t.Fatal("the listing never comes to an end")
		}
	}
	if cut < 2 {
		t.Errorf("%d rounds were cut off within a wave, which proves little", cut)
	}
}

// TestASurpriseThatIsCutOffAnywhereHoldsTheRest ends the process in every transaction
// of the listing that finds one. It fails when anything of the later waves goes without
// a human, or can be approved before all of it is held.
func TestASurpriseThatIsCutOffAnywhereHoldsTheRest(t *testing.T) {
	cut := 0
	for look := 1; ; look += 2 { // every transaction looks twice
		w := newWorld(t)
		w.read("hr", people(40)...)
		run := w.activateInWaves()
		w.wave(nil)
		w.deliver()
		list := w.accounts()
		list[0].Attributes[model.GivenName] = "Somebody Else"
		finished := endsAt(w, look, func(e *ingest.Engine) error { _, err := e.Listed("javelo", list); return err })
		w.restart()
		if len(w.underWay()) > 0 {
			cut++
			var stale *ingest.StaleError
			if _, err := w.e.Approve("ops", run.Seq, ""); !errors.As(err, &stale) || !strings.Contains(stale.What, "stopped") {
				t.Errorf("cut off at look %d: approved before it is all held: %v", look, err)
			}
			if got := w.deliver(); len(got) > 0 {
				t.Errorf("cut off at look %d: delivered %v", look, got)
			}
		}
		digest := w.digest(run.Seq)
		if err := w.e.Recover(); err != nil {
			t.Fatal(err)
		}
		if len(w.run(run.Seq).Holds) == 0 { // the listing was not stored
			if _, err := w.e.Listed("javelo", list); err != nil {
				t.Fatal(err)
			}
			digest = w.digest(run.Seq)
		}
		if got := w.jobs(); got["held create"] != 37 || len(got) != 1 {
			t.Errorf("cut off at look %d: %v", look, got)
		}
		if h := w.run(run.Seq).Holds; len(h) != 1 || h[0].Guard != reconcile.GuardWaves || h[0].Count != 37 || len(w.waiting()) != 1 {
			t.Errorf("cut off at look %d: held %+v", look, h)
		}
		// What was seen while it was carried out is what is approved.
		if n, err := w.e.Approve("ops", run.Seq, digest); n != 37 || err != nil {
			t.Errorf("cut off at look %d: a human lets the rest go: %d, %v", look, n, err)
		}
		if got := w.deliver(); got[model.EffectCreate] != 37 {
			t.Errorf("cut off at look %d: delivered %v", look, got)
		}
		if finished {
			break
		}
		if look > 100 {
			t.Fatal("the listing never comes to an end")
		}
	}
	if cut < 3 {
		t.Errorf("%d rounds were cut off while the rest was stopped, which proves little", cut)
	}
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
	cut := 0
	for look := 1; ; look += 2 { // every transaction looks twice
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
		finished := endsAt(w, look, func(e *ingest.Engine) (err error) { done, err = e.ApplyReviewed("ops", plan); return err })
		w.restart()
		given := w.run(first).Holds[0].Released > 0
		if given && !finished {
			cut++
			if got := w.deliver(); len(got) > 0 {
				t.Errorf("cut off at look %d: delivered %v", look, got)
			}
		}
		if err := w.e.Recover(); err != nil {
			t.Fatal(err)
		}
		if finished && done.Released != 13 {
			t.Errorf("released %d", done.Released)
		}
		if diff := cmp.Diff(map[string]int{"ready deactivate": 13, "held deactivate": 1}, w.jobs()); given && diff != "" {
			t.Errorf("cut off at look %d: %s", look, diff)
		}
		if finished {
			break
		}
		if look > 100 {
			t.Fatal("it never comes to an end")
		}
	}
	if cut < 3 {
		t.Errorf("%d rounds were cut off, which proves little", cut)
	}
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
