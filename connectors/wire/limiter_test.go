package wire_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rollcall/connectors/wire"
)

func TestLimiterNeverAllowsMoreThanMaxInAnyWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 20).Draw(t, "max")
		window := time.Duration(rapid.IntRange(1, 300).Draw(t, "window")) * time.Second
		l := wire.NewLimiter(limit, window)
		now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
		var taken []time.Time
		for range 150 {
			now = now.Add(time.Duration(rapid.IntRange(0, int(window/8)).Draw(t, "gap")))
			if rapid.IntRange(0, 9).Draw(t, "restart") == 0 {
				saved := l.Usage()
				l = wire.NewLimiter(limit, window)
				l.Restore(saved)
			}
			wait, ok := l.TryTake(now)
			if ok {
				taken = append(taken, now)
				continue
			}
			if wait <= 0 || wait > window+window/30+time.Second {
				t.Fatalf("told to wait %v in a window of %v", wait, window)
			}
			if wait2, ok := l.TryTake(now.Add(wait)); !ok {
				t.Fatalf("waited the %v it asked for, and was told to wait %v more", wait, wait2)
			}
			now = now.Add(wait)
			taken = append(taken, now)
		}
		for i := range taken {
			if j := i + limit; j < len(taken) && taken[j].Sub(taken[i]) < window {
				t.Fatalf("requests %d to %d, %d of them, lie within %v", i, j, limit+1, taken[j].Sub(taken[i]))
			}
		}
	})
}

func TestLimiterUsesItsBudgetAndThenWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := wire.NewLimiter(50, time.Minute)
		start := time.Now()
		var mu sync.Mutex
		var at []time.Duration
		var wg sync.WaitGroup
		for range 120 {
			wg.Go(func() {
				if err := l.Wait(t.Context()); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				at = append(at, time.Since(start))
			})
		}
		wg.Wait()
		slices.Sort(at)
		// A slot of 2 s leaves the window 2 s late at most.
		want := []time.Duration{0, 0, 62 * time.Second, 62 * time.Second, 124 * time.Second, 124 * time.Second}
		got := []time.Duration{at[0], at[49], at[50], at[99], at[100], at[119]}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("times of requests 1, 50, 51, 100, 101, 120 (-want +got):\n%s", d)
		}
	})
}

func TestLimiterWaitEndsWithItsContextAndCountsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := wire.NewLimiter(1, time.Minute)
		if err := l.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		if err := l.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the context's error", err)
		}
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("returned after %v, want 5s", took)
		}
		total := 0
		for _, n := range l.Usage() {
			total += n
		}
		if total != 1 {
			t.Errorf("%d requests counted, want 1", total)
		}
	})
}

func TestLimiterUsageIsPerSlotOfWholeSeconds(t *testing.T) {
	l := wire.NewLimiter(300, 5*time.Minute)
	at := time.Unix(1795341667, 0)
	l.TryTake(at)
	l.TryTake(at.Add(2 * time.Second))
	l.TryTake(at.Add(5 * time.Second))
	want := map[int64]int{1795341660: 2, 1795341670: 1}
	if d := cmp.Diff(want, l.Usage()); d != "" {
		t.Errorf("usage (-want +got):\n%s", d)
	}
}

func TestLimiterSurvivesAClockThatIsSetBack(t *testing.T) {
	l := wire.NewLimiter(1, time.Minute)
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	l.TryTake(now)
	back := now.Add(-10 * time.Hour)
	wait, ok := l.TryTake(back)
	if ok || wait > 62*time.Second {
		t.Errorf("got wait %v, ok %v; want a wait of about the window, not of ten hours", wait, ok)
	}
}

func TestLimiterWithNoBudgetStillMoves(t *testing.T) {
	l := wire.NewLimiter(0, 0)
	if _, ok := l.TryTake(time.Unix(0, 0)); !ok {
		t.Error("a limiter of 0 allows nothing at all, and its callers would wait for ever")
	}
}
