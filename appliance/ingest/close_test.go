package ingest_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
)

// TestTheEndOfARunThatIsCutOffAnywhereKeepsTheJudgement ends the process in every
// transaction of the end of a run of which the guards hold half. It fails when
// anything that a guard covers is let go because its turn had not come, when what
// flows is lost or sent before everything was judged, and when the run never ends.
func TestTheEndOfARunThatIsCutOffAnywhereKeepsTheJudgement(t *testing.T) {
	const n = 30 // 15 leave, which is too many, and 15 get a title
	list := append(leavers(15, 15), people(n, "title", "Partner")[15:]...)
	cut := 0
	for look := 1; ; look++ {
		w := settled(t, people(n)...)
		w.limit(3, -1, -1)
		// A read before, which was cut off with its process, leaves jobs to close, too.
		if err := w.start("hr").Page(page(list[:20]...)); err != nil {
			t.Fatal(err)
		}
		finished := endsAt(w, look, func(e *ingest.Engine) error {
			r, err := e.StartRead("hr")
			if err != nil {
				return err
			}
			if err := r.Page(page(list...)); err != nil {
				return err
			}
			_, err = r.Finish(nil)
			return err
		})
		jobs := w.jobs()
		if jobs["ready deactivate"] > 0 {
			t.Fatalf("cut off at look %d: %v", look, jobs)
		}
		if jobs["open deactivate"] > 0 && jobs["open deactivate"] < 15 {
			cut++
			for _, seq := range w.waiting() { // what is not all there yet cannot be approved
				t.Errorf("cut off at look %d: run %d waits for an answer, with %v", look, seq, jobs)
			}
		}
		w.restart()
		if err := errors.Join(w.e.Recover(), w.e.ResumeActivations()); err != nil {
			t.Fatal(err)
		}
		if jobs := w.jobs(); jobs["ready deactivate"] > 0 || jobs["open deactivate"]+jobs["open update"] > 0 {
			t.Errorf("cut off at look %d and started anew: %v", look, jobs)
		}
		w.read("hr", list...)
		if diff := cmp.Diff(map[string]int{"held deactivate": 15, "ready update": 15}, w.jobs()); diff != "" {
			t.Errorf("cut off at look %d: %s", look, diff)
		}
		held := 0
		for _, seq := range w.waiting() {
			run := w.run(seq)
			for _, h := range run.Holds {
				held += h.Count
			}
			digest, err := w.e.HeldDigest(seq)
			if err != nil {
				t.Fatal(err)
			}
			if released, err := w.e.Approve("ops", seq, digest); err != nil || released != 15 {
				t.Errorf("cut off at look %d: %d released, %v", look, released, err)
			}
		}
		if held != 15 {
			t.Errorf("cut off at look %d: holds of %d", look, held)
		}
		for _, run := range all(w, store.Runs) {
			if run.Verdict == model.VerdictRunning {
				t.Errorf("cut off at look %d: run %d never ended", look, run.Seq)
			}
		}
		if got := w.deliver(); got[model.EffectDeactivate] != 15 || got[model.EffectUpdate] != 15 {
			t.Errorf("cut off at look %d: delivered %v", look, got)
		}
		if finished {
			break
		}
		if look > 100 {
			t.Fatal("the read never comes to an end")
		}
	}
	if cut == 0 {
		t.Error("no round was cut off between the judgement and the last job, which proves nothing")
	}
}

// closingRun leaves a run that makes one list of people of another judged, and only
// a part of it carried out: the process ended then. staged is what another source, in
// preview, says.
func closingRun(t *testing.T, before, after []model.Observation, staged ...model.Observation) *world {
	t.Helper()
	for look := 1; look < 100; look++ {
		w := settled(t, before...)
		w.limit(3, -1, -1)
		if len(staged) > 0 {
			w.read("adp", staged...)
		}
		endsAt(w, look, func(e *ingest.Engine) error {
			r, err := e.StartRead("hr")
			if err != nil {
				return err
			}
			if err := r.Page(page(after...)); err != nil {
				return err
			}
			_, err = r.Finish(nil)
			return err
		})
		all, open := 0, 0
		for what, n := range w.jobs() {
			all += n
			if strings.HasPrefix(what, "open") {
				open += n
			}
		}
		if open > 0 && open < all {
			w.restart()
			return w
		}
	}
	t.Fatal("the end of the run is never cut off")
	return nil
}

// partners are 2n people of whom the first half leaves and the other gets a title.
func partners(n int) (before, after []model.Observation) {
	return people(2 * n), append(leavers(n, n), people(2*n, "title", "Partner")[n:]...)
}

// TestWhoLeavesWhileARunIsClosedIsJudgedAnew turns the day between the judgement of
// a run, which found new titles only, and the turn of most of its people: all of
// them are to leave by then. It fails when they leave because the judgement, which
// never saw it, let them pass.
func TestWhoLeavesWhileARunIsClosedIsJudgedAnew(t *testing.T) {
	const n = 20
	last := []string{"end_date", "2026-11-22"}
	w := closingRun(t, people(n, last...), people(n, append(last, "title", "Partner")...))
	w.now = w.now.Add(24 * time.Hour)
	if _, err := w.e.TurnDay(); err != nil {
		t.Fatal(err)
	}
	if err := w.e.Recover(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{"held deactivate": n}, w.jobs()); diff != "" {
		t.Error(diff)
	}
}

// TestWhoChangesWhileARunIsClosedIsTakenForWhatTheJudgementMadeOfThem lets everybody
// change between the judgement of a run and their turn. It fails when a change lets
// somebody slip past the guard that holds them, or holds back what was let go.
func TestWhoChangesWhileARunIsClosedIsTakenForWhatTheJudgementMadeOfThem(t *testing.T) {
	const n = 15
	before, after := partners(n)
	// Another source says something new of everybody, outside of any run under way.
	var adp []model.Observation
	for i := range 2 * n {
		o := someone(i+1, "department", "Sales")
		if i < n {
			o = left(o)
		}
		adp = append(adp, o)
	}
	w := closingRun(t, before, after, adp...)
	open := map[model.PersonID]model.Job{}
	for _, job := range all(w, store.Outbox) {
		if job.State == model.JobOpen {
			open[job.Person] = job
		}
	}
	w.settings.Limits = reconcile.Limits{Deactivations: w.settings.Limits.Deactivations}
	w.activate("adp")
	if err := w.e.Recover(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{"held deactivate": n, "ready update": n}, w.jobs()); diff != "" {
		t.Error(diff)
	}
	for _, job := range all(w, store.Outbox) {
		if was, ok := open[job.Person]; ok && job.Effect == model.EffectDeactivate && job.Run != was.Run {
			t.Errorf("a held job went from run %d to run %d", was.Run, job.Run)
		}
	}
	if len(w.waiting()) != 1 {
		t.Errorf("waiting: %v", w.waiting())
	}
}

// TestARunWhoseEndFailedIsFinishedByTheNextRead fills nothing and kills nothing: the
// process goes on, and only the steps after the judgement did not happen.
func TestARunWhoseEndFailedIsFinishedByTheNextRead(t *testing.T) {
	const n = 15
	before, after := partners(n)
	w := closingRun(t, before, after)
	run := w.read("hr", after...)
	if run.Verdict != model.VerdictComplete || run.Counts.Unchanged != 2*n {
		t.Errorf("the next read: %+v", run)
	}
	if diff := cmp.Diff(map[string]int{"held deactivate": n, "ready update": n}, w.jobs()); diff != "" {
		t.Error(diff)
	}
	one := w.run(run.Seq - 1)
	if one.Verdict != model.VerdictComplete || len(one.Holds) != 1 || one.Holds[0].Count != n || !strings.Contains(one.Holds[0].Reason, "deactivated") {
		t.Errorf("the run before: %+v", one)
	}
}

// TestLargeEndsAndSmallOnesAreTheSame closes the same runs in one transaction and in
// many, waves among them. It fails when what comes of them differs in anything but
// random ids.
func TestLargeEndsAndSmallOnesAreTheSame(t *testing.T) {
	usual := ingest.CloseBatch()
	defer ingest.SetCloseBatch(usual)
	outcome := func(batch int, waves bool) []string {
		ingest.SetCloseBatch(batch)
		w := newWorld(t)
		w.read("hr", people(40)...)
		var run model.Run
		if waves {
			run = w.activateInWaves()
		} else {
			run = w.activate("hr")
		}
		var out []string
		say := func(run model.Run) {
			for _, wave := range run.Waves {
				for i, size := range wave.Sizes {
					out = append(out, strings.Repeat("#", size)+strings.Repeat(".", i))
				}
			}
			for _, h := range run.Holds {
				out = append(out, h.Guard+": "+h.Reason)
			}
			var jobs []string // in any order: the ids are random
			for _, job := range all(w, store.Outbox) {
				jobs = append(jobs, fmt.Sprintf("%s %s %s %d", job.State, job.Effect, job.Reason, job.Wave))
			}
			slices.Sort(jobs)
			out = append(out, jobs...)
			out = append(out, strings.Join(w.journal(), " "))
		}
		say(run)
		for range 6 {
			w.wave(nil)
		}
		w.limit(2, -1, 5)
		say(w.read("hr", append(leavers(10, 10), people(40, "title", "Partner")[10:]...)...))
		return out
	}
	for _, waves := range []bool{false, true} {
		if diff := cmp.Diff(outcome(1000, waves), outcome(3, waves)); diff != "" {
			t.Errorf("waves %t: %s", waves, diff)
		}
	}
}
