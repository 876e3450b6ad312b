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

// accounts are what the target lists when it holds exactly what was delivered.
func (w *world) accounts() (out []model.Account) {
	w.t.Helper()
	for _, d := range all(w, store.Deliveries) {
		a := model.Account{RemoteID: d.RemoteID, Login: d.Sent.Email, Active: d.Sent.Active, Attributes: map[model.Name]string{}}
		for n, v := range d.Sent.Attributes {
			a.Attributes[n] = v
		}
		out = append(out, a)
	}
	return out
}

// wave sends what is ready, lists the target, changed as told, and returns how many
// accounts were written.
func (w *world) wave(list func([]model.Account) []model.Account) int {
	w.t.Helper()
	n := 0
	for _, k := range w.deliver() {
		n += k
	}
	sent, err := w.e.WaveSent("javelo")
	if err != nil {
		w.t.Fatal(err)
	}
	if !sent {
		return n
	}
	accounts := w.accounts()
	if list != nil {
		accounts = list(accounts)
	}
	if _, err := w.e.Listed("javelo", accounts); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) activateInWaves() model.Run {
	w.t.Helper()
	run, err := w.e.ActivateInWaves("ops", "hr")
	if err != nil {
		w.t.Fatal(err)
	}
	return run
}

// TestWavesGoOnAsLongAsWhatWasSentReadsBack starts the process anew between any two
// waves. It fails when a wave goes before the one before was read back, and when
// what is under way is forgotten with the process.
func TestWavesGoOnAsLongAsWhatWasSentReadsBack(t *testing.T) {
	w := newWorld(t)
	w.read("hr", people(40)...)
	run := w.activateInWaves()
	if diff := cmp.Diff([]int{1, 2, 10, 27}, run.Waves[0].Sizes); diff != "" {
		t.Fatal(diff)
	}
	if diff := cmp.Diff(map[string]int{"ready create": 1, "open create": 39}, w.jobs()); diff != "" {
		t.Fatal(diff)
	}
	// A listing that comes for another reason lets nothing go.
	if _, err := w.e.Listed("javelo", nil); err != nil {
		t.Fatal(err)
	}
	if got := w.jobs(); got["ready create"] != 1 {
		t.Errorf("before the first was sent: %v", got)
	}
	var sent []int
	for range 6 {
		if n := w.wave(nil); n > 0 {
			sent = append(sent, n)
		}
		w.restart()
		if err := errors.Join(w.e.Recover(), w.e.ResumeActivations()); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]int{1, 2, 10, 27}, sent); diff != "" {
		t.Errorf("sent: %s", diff)
	}
	if got := w.run(run.Seq).Waves[0]; got.State != model.WavesDone || len(w.jobs()) != 0 {
		t.Errorf("at the end: %+v, jobs %v", got, w.jobs())
	}
	if sent, err := w.e.WaveSent("javelo"); sent || err != nil {
		t.Errorf("listed again and again: %t, %v", sent, err)
	}
}

// TestFirstSurpriseHoldsTheRest fails when a wave goes although the target holds
// something else than was sent, or lists an account no more, or refused one.
func TestFirstSurpriseHoldsTheRest(t *testing.T) {
	for name, spoil := range map[string]func(*world, []model.Account) []model.Account{
		"another value": func(_ *world, list []model.Account) []model.Account {
			list[0].Attributes[model.GivenName] = "Somebody Else"
			return list
		},
		"switched off": func(_ *world, list []model.Account) []model.Account {
			list[1].Active = false
			return list
		},
		"not listed": func(_ *world, list []model.Account) []model.Account { return list[1:] },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.read("hr", people(40)...)
			run := w.activateInWaves()
			w.wave(nil)
			if n := w.wave(func(list []model.Account) []model.Account { return spoil(w, list) }); n != 2 {
				t.Fatalf("the second wave: %d", n)
			}
			if got := w.jobs(); got["held create"] != 37 || got["ready create"]+got["open create"] != 0 {
				t.Errorf("after the surprise: %v", got)
			}
			got := w.run(run.Seq)
			if got.Waves[0].State != model.WavesStopped || len(got.Holds) != 1 || got.Holds[0].Guard != reconcile.GuardWaves || got.Holds[0].Count != 37 {
				t.Fatalf("the run: %+v, held %+v", got.Waves, got.Holds)
			}
			if n, err := w.e.Approve("ops", run.Seq, ""); n != 37 || err != nil {
				t.Errorf("a human lets the rest go: %d, %v", n, err)
			}
			if got := w.deliver(); got[model.EffectCreate] != 37 {
				t.Errorf("delivered %v", got)
			}
		})
	}
	w := newWorld(t)
	w.read("hr", people(40)...)
	w.activateInWaves()
	for _, j := range all(w, store.Outbox) {
		if j.State == model.JobReady {
			w.failed(w.begin(j.Person), ingest.Outcome{Class: "invalid", Text: "no", Park: true})
		}
	}
	w.wave(nil)
	if got := w.jobs(); got["held create"] != 39 || got["parked create"] != 1 {
		t.Errorf("after a refusal: %v", got)
	}
}

// TestLargeRunGoesOutInWavesAndChangesMeanwhileAreJudged lets somebody leave who
// waits for a later wave. It fails when their deactivation goes with the wave, past
// the guards.
func TestLargeRunGoesOutInWavesAndChangesMeanwhileAreJudged(t *testing.T) {
	w := settled(t, people(30)...)
	w.settings.WavesFrom = 20
	w.limit(0, -1, -1)
	run := w.read("hr", people(30, "title", "Partner")...)
	if len(run.Waves) != 1 {
		t.Fatalf("waves %+v", run.Waves)
	}
	late := slices.IndexFunc(all(w, store.Outbox), func(j model.Job) bool { return j.Wave == 4 })
	id := all(w, store.Outbox)[late].Person
	list := people(30, "title", "Partner")
	for i := range list {
		if w.person("hr", i+1).ID == id {
			list[i] = left(list[i])
		}
	}
	second := w.read("hr", list...)
	if len(second.Holds) != 1 || second.Holds[0].Guard != reconcile.GuardDeactivations {
		t.Errorf("who left meanwhile: held %+v", second.Holds)
	}
	if j, _ := w.job(id); j.State != model.JobHeld || j.Wave != 0 {
		t.Errorf("their job: %+v", j)
	}
	for range 6 {
		w.wave(nil)
	}
	if diff := cmp.Diff(map[string]int{"held deactivate": 1}, w.jobs()); diff != "" {
		t.Error(diff)
	}
	if small := w.read("hr", append(people(29, "title", "Director")[:5], list[5:]...)...); len(small.Waves) != 0 {
		t.Errorf("a small run goes in waves: %+v", small.Waves)
	}
}

func TestManagersGoInEarlierWaves(t *testing.T) {
	w := newWorld(t)
	list := people(30)
	for i := 1; i < 30; i++ {
		boss := address(i) // a chain: everybody reports to the one before
		list[i].Attributes[model.Manager] = model.Value{Text: boss, Refs: []model.Reference{{By: model.RefEmail, Value: boss}}}
	}
	w.read("hr", list...)
	w.activateInWaves()
	wave := map[model.PersonID]int{}
	for _, j := range all(w, store.Outbox) {
		wave[j.Person] = j.Wave
	}
	for _, p := range all(w, store.Persons) {
		if p.Manager != "" && wave[p.Manager] > wave[p.ID] {
			t.Errorf("wave %d reports to wave %d", wave[p.ID], wave[p.Manager])
		}
	}
}

func TestUndoOfARunInWavesStopsThem(t *testing.T) {
	w := newWorld(t)
	w.read("hr", people(40)...)
	run := w.activateInWaves()
	w.wave(nil)
	u := w.undo(run.Seq)
	if u.Stopped != 39 || u.Created != 1 {
		t.Fatalf("undone: %d stopped, %d made", u.Stopped, u.Created)
	}
	for range 5 {
		w.wave(nil)
	}
	if diff := cmp.Diff(map[string]int{"rejected create": 39}, w.jobs()); diff != "" {
		t.Error(diff)
	}
}

// TestAListingInTheMiddleOfAWaveLetsNothingElseGo ends the process in every transaction
// of the listing that lets a wave go, lists the target once more, and starts it anew. It
// fails when the next wave goes before this one was sent, or a part of one is lost.
func TestAListingInTheMiddleOfAWaveLetsNothingElseGo(t *testing.T) {
	cutAnywhere(t, func() (*world, func(*ingest.Engine) error, func(round)) {
		w := newWorld(t)
		w.read("hr", people(40)...)
		run := w.activateInWaves()
		sent := []int{w.wave(nil), 0}
		for _, k := range w.deliver() {
			sent[1] += k
		}
		return w, func(e *ingest.Engine) error { _, err := e.Listed("javelo", w.accounts()); return err }, func(r round) {
			if r.under {
				if again, err := w.e.WaveSent("javelo"); again || err != nil {
					t.Errorf("cut off at look %d: to be listed again although a wave is not all there, %v", r.look, err)
				}
				if _, err := w.e.Listed("javelo", w.accounts()); err != nil { // for another reason
					t.Fatal(err)
				}
				if got := w.run(run.Seq).Waves[0].Current; got != 3 {
					t.Errorf("cut off at look %d: wave %d goes", r.look, got)
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
				t.Errorf("cut off at look %d, sent: %s", r.look, diff)
			}
			if got := w.run(run.Seq).Waves[0].State; got != model.WavesDone || len(w.jobs()) > 0 {
				t.Errorf("cut off at look %d: %s, %v", r.look, got, w.jobs())
			}
		}
	})
}

// TestASurpriseThatIsCutOffAnywhereHoldsTheRest ends the process in every transaction
// of the listing that finds one. It fails when anything of the later waves goes without
// a human, or can be approved before all of it is held.
func TestASurpriseThatIsCutOffAnywhereHoldsTheRest(t *testing.T) {
	cutAnywhere(t, func() (*world, func(*ingest.Engine) error, func(round)) {
		w := newWorld(t)
		w.read("hr", people(40)...)
		run := w.activateInWaves()
		w.wave(nil)
		w.deliver()
		list := w.accounts()
		list[0].Attributes[model.GivenName] = "Somebody Else"
		return w, func(e *ingest.Engine) error { _, err := e.Listed("javelo", list); return err }, func(r round) {
			if r.under {
				var stale *ingest.StaleError
				if _, err := w.e.Approve("ops", run.Seq, ""); !errors.As(err, &stale) || !strings.Contains(stale.What, "stopped") {
					t.Errorf("cut off at look %d: approved before it is all held: %v", r.look, err)
				}
				if got := w.deliver(); len(got) > 0 {
					t.Errorf("cut off at look %d: delivered %v", r.look, got)
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
				t.Errorf("cut off at look %d: %v", r.look, got)
			}
			if h := w.run(run.Seq).Holds; len(h) != 1 || h[0].Guard != reconcile.GuardWaves || h[0].Count != 37 || len(w.waiting()) != 1 {
				t.Errorf("cut off at look %d: held %+v", r.look, h)
			}
			// What was seen while it was carried out is what is approved.
			if n, err := w.e.Approve("ops", run.Seq, digest); n != 37 || err != nil {
				t.Errorf("cut off at look %d: a human lets the rest go: %d, %v", r.look, n, err)
			}
			if got := w.deliver(); got[model.EffectCreate] != 37 {
				t.Errorf("cut off at look %d: delivered %v", r.look, got)
			}
		}
	})
}
