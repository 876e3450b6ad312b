package poll_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"rollcall/appliance/model"
	"rollcall/appliance/store"
	"rollcall/connectors"
)

const interval = 40 * time.Minute

func TestSourceIsReadAtStartAndThenOnTheInterval(t *testing.T) {
	inBubble(t, 4, func(t *testing.T, w *world) {
		w.start()
		w.pass(48 * time.Hour)
		asked := w.asked()
		if n := len(asked); n < 65 || n > 77 {
			t.Errorf("%d reads in two days of an interval of forty minutes", n)
		}
		gaps := map[time.Duration]bool{}
		for i := range len(asked) - 1 {
			gap := asked[i+1].at.Sub(asked[i].at)
			gaps[gap] = true
			if gap < interval-interval/20 || gap > interval+interval/20 {
				t.Errorf("two reads are %v apart, want %v give or take a twentieth", gap, interval)
			}
		}
		if len(gaps) < 10 {
			t.Errorf("%d different gaps in %d reads: there is no jitter", len(gaps), len(asked))
		}
		for _, a := range asked {
			if a.from != "" {
				t.Errorf("a read began at %q", a.from)
			}
		}
		last := w.runs()[len(w.runs())-1]
		if last.Verdict != model.VerdictComplete || last.Counts.Seen != 4 || last.Counts.Expected != 4 || last.Counts.Unchanged != 4 {
			t.Errorf("the last run: %s, %+v", last.Verdict, last.Counts)
		}
	})
}

func TestSeedsSpreadSourcesApart(t *testing.T) {
	next := map[time.Time]bool{}
	for seed := range uint64(5) {
		inBubble(t, 2, func(t *testing.T, w *world) {
			w.seed = seed
			w.start()
			next[w.state().NextRead] = true
		})
	}
	if len(next) < 4 {
		t.Errorf("five sources are due at %d different times", len(next))
	}
}

func TestKickReadsAtOnceAndTwiceIsOnce(t *testing.T) {
	inBubble(t, 4, func(t *testing.T, w *world) {
		w.start()
		w.asked()
		w.source.mu.Lock()
		w.source.slow = time.Minute
		w.source.mu.Unlock()
		w.poller.Kick()
		w.poller.Kick()
		w.pass(30 * time.Second)
		if p, busy := w.poller.Busy(); !busy || p.Run == 0 || p.Started.IsZero() {
			t.Errorf("under way: %+v, busy: %t", p, busy)
		}
		w.pass(time.Minute)
		if p, busy := w.poller.Busy(); !busy || p.Seen != 2 || p.Total != 4 {
			t.Errorf("half way: %+v, busy: %t", p, busy)
		}
		w.pass(5 * time.Minute)
		if n := len(w.asked()); n != 1 {
			t.Errorf("read %d times", n)
		}
		if _, busy := w.poller.Busy(); busy {
			t.Error("busy after the end")
		}
	})
}

func TestWishForAReadIsBusyUntilItIsOver(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, w *world) {
		w.start()
		w.asked()
		w.poller.Kick()
		for range 1000 { // however the two goroutines interleave, quiet means read
			if _, busy := w.poller.Busy(); !busy {
				break
			}
			w.pass(0)
		}
		if n := len(w.asked()); n != 1 {
			t.Errorf("quiet after %d reads", n)
		}
	})
}

func TestHazard9_22_RefusedCredentialsAreTriedOncePerInterval(t *testing.T) {
	for _, class := range []connectors.Class{connectors.Denied, connectors.Misconfigured, connectors.Invalid} {
		inBubble(t, 4, func(t *testing.T, w *world) {
			w.behave(func(int) error { return refusal(class) })
			w.start()
			w.pass(10 * interval)
			asked := w.asked()
			for i := range len(asked) - 1 {
				if gap := asked[i+1].at.Sub(asked[i].at); gap < interval-interval/20 {
					t.Errorf("%s: two tries are %v apart", class, gap)
				}
			}
			if n := len(asked); n < 9 || n > 12 {
				t.Errorf("%s: %d tries in ten intervals", class, n)
			}
			s := w.state()
			if s.LastClass != class.String() || s.Failures != len(asked) {
				t.Errorf("%s: remembered as %s after %d failures", class, s.LastClass, s.Failures)
			}
			for _, r := range w.runs() {
				if r.Verdict != model.VerdictFailed || r.Counts.Missing != 0 {
					t.Errorf("%s: a run ended %s with %+v", class, r.Verdict, r.Counts)
				}
			}
		})
	}
}

func TestThrottledSourceIsLeftAloneAsLongAsItSays(t *testing.T) {
	for _, tc := range []struct{ told, least, most time.Duration }{
		{2 * time.Hour, 2 * time.Hour, 2 * time.Hour},
		{5 * time.Minute, 5 * time.Minute, 5 * time.Minute},
		{24 * time.Hour, interval - interval/20, interval + interval/20}, // not believed
		{0, interval - interval/20, interval + interval/20},
	} {
		inBubble(t, 4, func(t *testing.T, w *world) {
			w.behave(func(int) error {
				err := &connectors.Error{Class: connectors.Throttled, Op: "hr: read people", Detail: "429"}
				if tc.told > 0 {
					err.RetryAt = time.Now().Add(tc.told)
				}
				return err
			})
			w.start()
			first := w.asked()
			w.behave(nil)
			w.pass(25 * time.Hour)
			if gap := w.asked()[0].at.Sub(first[0].at); gap < tc.least || gap > tc.most {
				t.Errorf("told %v: asked again after %v", tc.told, gap)
			}
			if len(first) != 1 {
				t.Errorf("told %v: asked %d times at once", tc.told, len(first))
			}
		})
	}
}

func TestReadGoesOnAfterAPassingErrorOfAPage(t *testing.T) {
	inBubble(t, 6, func(t *testing.T, w *world) {
		failures := 2
		w.behave(func(n int) error {
			if n == 2 && failures > 0 {
				failures--
				return refusal(connectors.Transient)
			}
			return nil
		})
		w.start()
		w.pass(10 * time.Second)
		var from []connectors.Cursor
		for _, a := range w.asked() {
			from = append(from, a.from)
		}
		if !slices.Equal(from, []connectors.Cursor{"", "2", "2"}) {
			t.Errorf("the read went on from %q", from)
		}
		runs := w.runs()
		if len(runs) != 1 || runs[0].Verdict != model.VerdictComplete || runs[0].Counts.Seen != 6 {
			t.Errorf("runs %+v", runs)
		}
	})
}

func TestReadIsGivenUpAfterAFewResumes(t *testing.T) {
	inBubble(t, 6, func(t *testing.T, w *world) {
		w.behave(func(n int) error {
			if n == 1 {
				return refusal(connectors.Transient)
			}
			return nil
		})
		w.start()
		w.pass(30 * time.Second)
		if n := len(w.asked()); n != 4 {
			t.Errorf("asked %d times, want once and three resumes", n)
		}
		r := w.runs()[0]
		if r.Verdict != model.VerdictPartial || r.Counts.Seen != 2 || r.Error == "" {
			t.Errorf("the run ended %s: %+v", r.Verdict, r)
		}
	})
}

func TestErrorOfTheFirstPageOrOfAnotherClassIsNotResumed(t *testing.T) {
	for name, tc := range map[string]struct {
		page int
		err  error
	}{
		"the first page":     {0, refusal(connectors.Transient)},
		"denied":             {1, refusal(connectors.Denied)},
		"throttled":          {1, &connectors.Error{Class: connectors.Throttled, Op: "hr: read people"}},
		"no class":           {1, errors.New("who knows")},
		"not the last page?": {2, nil},
	} {
		inBubble(t, 6, func(t *testing.T, w *world) {
			if tc.err == nil {
				w.source.pages[2].Last = false // the source just stops
			}
			w.behave(func(n int) error {
				if n == tc.page {
					return tc.err
				}
				return nil
			})
			w.start()
			w.pass(20 * time.Second)
			r := w.runs()[0]
			if r.Verdict == model.VerdictComplete || r.Error == "" {
				t.Errorf("%s: the run ended %s", name, r.Verdict)
			}
			if n := len(w.asked()); n != 1 && tc.err != nil {
				t.Errorf("%s: asked %d times", name, n)
			}
		})
	}
}

func TestPassingFailuresAreRetriedSoonThenOnTheInterval(t *testing.T) {
	inBubble(t, 4, func(t *testing.T, w *world) {
		w.behave(func(int) error { return refusal(connectors.Transient) })
		w.start()
		w.pass(6 * time.Hour)
		asked := w.asked()
		var gaps []time.Duration
		for i := range len(asked) - 1 {
			gaps = append(gaps, asked[i+1].at.Sub(asked[i].at))
		}
		want := []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 32 * time.Minute}
		if !slices.Equal(gaps[:6], want) {
			t.Errorf("tried again after %v, want %v", gaps[:6], want)
		}
		for _, gap := range gaps[6:] {
			if gap > interval+interval/20 || gap < interval-interval/20 {
				t.Errorf("at length two tries are %v apart", gap)
			}
		}
		w.behave(nil)
		w.pass(2 * time.Hour)
		if s := w.state(); s.Failures != 0 || s.LastError != "" || s.LastGood.IsZero() {
			t.Errorf("after a good read: %+v", s)
		}
	})
}

func TestRestartKeepsTheScheduleAndReadsAnew(t *testing.T) {
	inBubble(t, 6, func(t *testing.T, w *world) {
		w.start()
		w.asked()
		due := w.state().NextRead
		w.stop()
		w.pass(10 * time.Minute)
		w.start()
		if n := len(w.asked()); n != 0 {
			t.Errorf("a restart within the interval read %d times", n)
		}
		w.source.mu.Lock()
		w.source.slow = time.Minute
		w.source.mu.Unlock()
		w.pass(time.Until(due) + 90*time.Second)
		w.asked()
		w.stop() // in the middle of a read
		runs := w.runs()
		if r := runs[len(runs)-1]; r.Verdict != model.VerdictInterrupted || r.Counts.Seen != 2 || r.Counts.Missing != 0 {
			t.Errorf("the cut read ended %s with %+v", r.Verdict, r.Counts)
		}
		w.start()
		w.pass(10 * time.Minute)
		asked := w.asked()
		if len(asked) != 1 || asked[0].from != "" {
			t.Errorf("after the restart: %+v, want one read from the beginning", asked)
		}
		runs = w.runs()
		if r := runs[len(runs)-1]; r.Verdict != model.VerdictComplete || r.Counts.Seen != 6 {
			t.Errorf("the new read ended %s with %+v", r.Verdict, r.Counts)
		}
	})
}

func TestPausedSourceIsNotReadEvenWhenAsked(t *testing.T) {
	inBubble(t, 4, func(t *testing.T, w *world) {
		if err := w.e.SetStance("ops", "hr", store.Paused); err != nil {
			t.Fatal(err)
		}
		w.start()
		w.poller.Kick()
		w.pass(24 * time.Hour)
		if n := len(w.asked()); n != 0 {
			t.Errorf("a paused source was read %d times", n)
		}
		if err := w.e.SetStance("ops", "hr", store.Preview); err != nil {
			t.Fatal(err)
		}
		w.poller.Kick()
		w.pass(time.Second)
		if n := len(w.asked()); n != 1 {
			t.Errorf("read %d times after it went on", n)
		}
	})
}

func TestPersonShownAgainAfterAResumeDoesNotFailTheRead(t *testing.T) {
	inBubble(t, 6, func(t *testing.T, w *world) {
		w.source.pages[1].Next = "1" // resumes one page too early
		failed := false
		w.behave(func(n int) error {
			if n == 2 && !failed {
				failed = true
				return refusal(connectors.Transient)
			}
			return nil
		})
		w.start()
		w.pass(10 * time.Second)
		if r := w.runs()[0]; r.Verdict != model.VerdictComplete || r.Counts.Seen != 6 {
			t.Errorf("the read ended %s with %+v", r.Verdict, r.Counts)
		}
	})
}
