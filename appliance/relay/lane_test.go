package relay_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
	"rollcall/appliance/store"
	"rollcall/connectors"
)

func TestOneWritePerPersonAndAKickSendsAtOnce(t *testing.T) {
	inBubble(t, 5, func(t *testing.T, w *world) {
		w.start()
		if n := w.writes(); n != 5 {
			t.Errorf("%d writes for 5 people", n)
		}
		before := time.Now()
		w.read(people(5, "title", "Analyst")...)
		w.pass(0)
		if n := w.writes(); n != 5 || !time.Now().Equal(before) {
			t.Errorf("%d writes after %v", n, time.Since(before))
		}
		w.settled()
	})
}

func TestFiveFailuresInARowBreakTheLaneWhichThenProbesOneAtATime(t *testing.T) {
	inBubble(t, 12, func(t *testing.T, w *world) {
		var at []time.Time
		w.behave(func(c call) error {
			if c.op != "create" {
				return nil
			}
			at = append(at, c.at)
			return &connectors.Error{Class: connectors.Transient, Op: "javelo: create account", Detail: "503"}
		}, nil)
		w.start()
		w.pass(time.Minute)
		if len(at) != 5 {
			t.Errorf("%d failures until the lane broke, want 5", len(at))
		}
		if l := w.laneState(); l.State != model.LaneBroken || l.Failures != 5 || !strings.Contains(l.Reason, "503") {
			t.Errorf("the lane is %+v", l)
		}
		if !slices.Contains(w.verbs(), "lane_broken") {
			t.Errorf("nobody was told: %v", w.verbs())
		}
		w.pass(20 * time.Minute)
		if n := len(at) - 5; n < 9 || n > 11 {
			t.Errorf("%d probes in twenty minutes, want one every two", n)
		}
		for i := 5; i < len(at); i++ {
			if gap := at[i].Sub(at[i-1]); gap < 2*time.Minute {
				t.Errorf("probe %d came after %v", i-4, gap)
			}
		}
		w.behave(nil, nil)
		w.pass(time.Hour)
		if n := len(w.target.accounts); n != 12 || w.laneState().State != model.LaneOpen || !slices.Contains(w.verbs(), "lane_open") {
			t.Errorf("%d accounts, the lane is %s", n, w.laneState().State)
		}
		w.settled()
	})
}

func TestSuccessInBetweenStartsTheCountAnew(t *testing.T) {
	inBubble(t, 20, func(t *testing.T, w *world) {
		n := 0
		w.behave(func(c call) error {
			if c.op != "create" {
				return nil
			}
			if n++; n%5 == 0 {
				return nil
			}
			return &connectors.Error{Class: connectors.Transient, Op: "javelo: create account", Detail: "502"}
		}, nil)
		w.start()
		for range 60 {
			w.pass(time.Minute)
			if s := w.laneState().State; s == model.LaneBroken {
				t.Fatal("four failures in a row broke the lane")
			}
		}
	})
}

func TestThrottledLaneWaitsAsToldAndBurnsNoAttempts(t *testing.T) {
	for _, tc := range []struct {
		told, waits time.Duration
	}{{10 * time.Minute, 10 * time.Minute}, {0, time.Minute}, {5 * time.Hour, time.Hour}} {
		inBubble(t, 3, func(t *testing.T, w *world) {
			first := true
			w.behave(func(c call) error {
				if c.op == "list" || !first {
					return nil
				}
				first = false
				err := &connectors.Error{Class: connectors.Throttled, Op: "javelo: create account", Detail: "429"}
				if tc.told > 0 {
					err.RetryAt = time.Now().Add(tc.told)
				}
				return err
			}, nil)
			w.start()
			w.ops()
			if l := w.laneState(); l.State != model.LaneWaiting || l.Failures != 0 {
				t.Errorf("told %v: the lane is %+v", tc.told, l)
			}
			for _, j := range all(w, store.Outbox) {
				if j.Attempts != 0 || j.Uncertain {
					t.Errorf("told %v: a job has %d attempts, uncertain: %t", tc.told, j.Attempts, j.Uncertain)
				}
			}
			w.pass(tc.waits - time.Second)
			if got := w.ops(); len(got) != 0 {
				t.Errorf("told %v: %v before the time", tc.told, got)
			}
			w.pass(2 * time.Second)
			if n := w.writes(); n != 3 {
				t.Errorf("told %v: %d writes after the time, want 3", tc.told, n)
			}
			w.settled()
		})
	}
}

func TestHazard9_22_RefusedCredentialsAreToldOnceAndProbed(t *testing.T) {
	inBubble(t, 6, func(t *testing.T, w *world) {
		w.behave(always(connectors.Denied), nil)
		w.start()
		w.pass(20*time.Minute + time.Second)
		if n := w.writes(); n != 11 { // the first, then one every two minutes
			t.Errorf("%d requests in twenty minutes, want 11", n)
		}
		told := 0
		for _, v := range w.verbs() {
			if v == "lane_denied" {
				told++
			}
		}
		if told != 1 || w.laneState().State != model.LaneDenied {
			t.Errorf("told %d times, the lane is %s", told, w.laneState().State)
		}
		for _, j := range all(w, store.Outbox) {
			if j.Attempts != 0 || j.State != model.JobReady {
				t.Errorf("a job has %d attempts and is %s", j.Attempts, j.State)
			}
		}
		w.behave(nil, nil)
		w.pass(3 * time.Minute)
		w.settled()
		if !slices.Contains(w.verbs(), "lane_open") {
			t.Errorf("nobody was told that it works again: %v", w.verbs())
		}
	})
}

func TestRefusedPersonIsParkedAndTheOthersFlow(t *testing.T) {
	inBubble(t, 4, func(t *testing.T, w *world) {
		w.behave(func(c call) error {
			if c.op == "create" && c.login == address(2) {
				return &connectors.Error{Class: connectors.Invalid, Op: "javelo: create account", Detail: "400: the title is too long"}
			}
			return nil
		}, nil)
		w.start()
		w.pass(time.Hour)
		if n := w.writes(); n != 4 {
			t.Errorf("%d writes, want one each", n)
		}
		jobs := all(w, store.Outbox)
		if len(jobs) != 1 || jobs[0].State != model.JobParked || jobs[0].Person != w.person(2) || w.laneState().State != model.LaneOpen {
			t.Errorf("jobs %+v, the lane is %s", jobs, w.laneState().State)
		}
	})
}

func TestDeactivationsGoBeforeEverythingElse(t *testing.T) {
	inBubble(t, 3, func(t *testing.T, w *world) {
		w.start()
		w.stop()
		w.ops()
		w.read(someone(1, "title", "Partner"), someone(2), left(someone(3)), someone(4))
		w.start()
		if got := w.ops(); len(got) != 3 || got[0] != "deactivate p3" {
			t.Errorf("sent %v", got)
		}
	})
}

func TestPausedLaneSendsNothingUntilItGoesOn(t *testing.T) {
	inBubble(t, 3, func(t *testing.T, w *world) {
		if err := w.e.SetLane("ops", "javelo", func(l *model.Lane) { l.State = model.LanePaused }); err != nil {
			t.Fatal(err)
		}
		w.start()
		for range 5 {
			w.lane.Kick()
			w.pass(7 * time.Hour)
		}
		if got := w.ops(); len(got) != 0 {
			t.Errorf("a paused lane asked %v", got)
		}
		if err := w.e.SetLane("ops", "javelo", func(l *model.Lane) { l.State = model.LaneOpen }); err != nil {
			t.Fatal(err)
		}
		w.lane.Kick()
		w.pass(time.Second)
		if n := w.writes(); n != 3 {
			t.Errorf("%d writes after it went on", n)
		}
	})
}

func TestWeekOfOutageCostsOneWritePerPerson(t *testing.T) {
	const n = 10
	inBubble(t, n, func(t *testing.T, w *world) {
		w.start()
		w.ops()
		w.behave(func(call) error {
			return &connectors.Error{Class: connectors.Transient, Op: "javelo: write", Detail: "503"}
		}, nil)
		for hour := range 7 * 24 {
			list := people(n+2, "title", fmt.Sprintf("Title %d", hour))
			if hour > 100 {
				list[0] = left(list[0])
			}
			w.read(list...)
			w.pass(time.Hour)
		}
		w.ops()
		w.behave(nil, nil)
		w.pass(3 * time.Hour)
		if got := w.writes(); got != n+2 {
			t.Errorf("%d writes after a week of edits, want one for each of %d people", got, n+2)
		}
		w.settled()
		for _, a := range w.target.accounts {
			if a.Active && a.Attributes[model.Title] != "Title 167" {
				t.Errorf("an account holds %q", a.Attributes[model.Title])
			}
		}
	})
}

// spent is a budget that only remembers.
type spent struct {
	restored map[int64]int
	keep     func(map[int64]int) error
}

func (b *spent) Restore(u map[int64]int)           { b.restored = u }
func (b *spent) Keep(fn func(map[int64]int) error) { b.keep = fn }

func TestBudgetSurvivesARestart(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, w *world) {
		first := &spent{}
		usage := map[int64]int{1795334400: 7}
		w.budget = first
		w.start()
		if err := first.keep(usage); err != nil { // a request of the listing, or of a look-up
			t.Fatal(err)
		}
		w.stop()
		second := &spent{}
		w.budget = second
		w.start()
		if diff := cmp.Diff(usage, second.restored); diff != "" {
			t.Errorf("what was spent: %s", diff)
		}
	})
}

func TestBusyCountsWhatWasSentAndIdleIsNotBusy(t *testing.T) {
	inBubble(t, 3, func(t *testing.T, w *world) {
		var sent []int
		w.behave(func(c call) error {
			if p, busy := w.lane.Busy(); busy && c.op == "create" {
				sent = append(sent, p.Sent)
			}
			return nil
		}, nil)
		w.start()
		if _, busy := w.lane.Busy(); busy || !slices.Equal(sent, []int{0, 1, 2}) {
			t.Errorf("busy when idle: %t; before each write, %v were sent", busy, sent)
		}
	})
}
