package wire

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// slots is how many pieces a window is cut into.
const slots = 30

// Limiter allows at most so many requests in any window of time, wherever the
// window begins: unlike a token bucket it never lets a full burst follow a
// steady stream. Requests are counted per slot (a thirtieth of the window, whole
// seconds, at least one), and a slot counts until its last instant has left the
// window, so the error of counting by slots is always on the safe side.
//
// It is safe for concurrent use. What it spent can be saved with Usage and given
// back with Restore, so that a restart does not spend a budget twice.
type Limiter struct {
	max    int
	window time.Duration
	slot   int64 // seconds

	mu   sync.Mutex    // guards used
	used map[int64]int // requests by the Unix time of their slot's start

	keeping sync.Mutex // guards keep, and the order of what is kept
	keep    func(usage map[int64]int) error
}

// NewLimiter allows max requests per window. A max below 1 counts as 1 and a
// window below one second as one second: a limiter that allows nothing would
// block for ever.
func NewLimiter(max int, window time.Duration) *Limiter {
	if max < 1 {
		max = 1
	}
	if window < time.Second {
		window = time.Second
	}
	slot := int64(window / time.Second / slots)
	if slot < 1 {
		slot = 1
	}
	return &Limiter{max: max, window: window, slot: slot, used: map[int64]int{}}
}

// Wait blocks until one request is allowed, and counts it. It returns ctx.Err()
// when ctx ends first, and then counts nothing.
func (l *Limiter) Wait(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		wait, ok := l.TryTake(time.Now())
		if ok {
			return l.kept()
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
	}
}

// TryTake counts one request at now if it is allowed. Otherwise it says how long
// to wait before asking again; others may be quicker then.
func (l *Limiter) TryTake(now time.Time) (time.Duration, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(now)
	total := 0
	for _, n := range l.used {
		total += n
	}
	if total < l.max {
		l.used[l.slotOf(now)]++
		return 0, true
	}
	// The oldest slots leave first; wait until enough of them are gone.
	for _, s := range slices.Sorted(maps.Keys(l.used)) {
		if total -= l.used[s]; total < l.max {
			return l.end(s).Sub(now), false
		}
	}
	return l.window, false // not reached: all slots gone leave a total of 0
}

// Keep has every request that Wait allows handed to fn, counted into the usage,
// before it may leave: what fn stored is never less than what was sent, even if the
// process ends at that moment. An error of fn is returned by Wait, and the request
// stays unsent. Calls of fn do not overlap, and come in the order of counting.
func (l *Limiter) Keep(fn func(usage map[int64]int) error) {
	l.keeping.Lock()
	defer l.keeping.Unlock()
	l.keep = fn
}

func (l *Limiter) kept() error {
	l.keeping.Lock()
	defer l.keeping.Unlock()
	if l.keep == nil {
		return nil
	}
	return l.keep(l.Usage())
}

// Until returns how long n more requests take at least from now on, sent as fast
// as the window allows.
func (l *Limiter) Until(now time.Time, n int) time.Duration {
	type freed struct {
		at time.Time
		n  int
	}
	l.mu.Lock()
	l.forget(now)
	free := []freed{{now, l.max}}
	for _, s := range slices.Sorted(maps.Keys(l.used)) {
		free[0].n -= l.used[s]
		free = append(free, freed{l.end(s), l.used[s]})
	}
	l.mu.Unlock()
	at := now
	for ; n > 0 && len(free) > 0; free = free[1:] {
		if free[0].n < 1 {
			continue
		}
		// What is spent at this moment comes back when its slot has left the window.
		at = free[0].at
		n -= free[0].n
		free = append(free, freed{l.end(l.slotOf(at)), free[0].n})
	}
	return at.Sub(now)
}

// Usage returns the requests counted per slot, keyed by the Unix time of the
// slot's start. The map is the caller's.
func (l *Limiter) Usage() map[int64]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.used)
}

// Restore adds what an earlier limiter for the same window had counted. Slots
// that are over by now are forgotten at the next request.
func (l *Limiter) Restore(usage map[int64]int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for s, n := range usage {
		if n > 0 {
			l.used[s-mod(s, l.slot)] += n
		}
	}
}

// forget drops slots that left the window, and moves slots that lie ahead of now
// (the clock was set back) to now: otherwise they would block for as long as the
// clock was moved.
func (l *Limiter) forget(now time.Time) {
	current := l.slotOf(now)
	for s, n := range l.used {
		switch {
		case s > current:
			delete(l.used, s)
			l.used[current] += n
		case !l.end(s).After(now):
			delete(l.used, s)
		}
	}
}

func (l *Limiter) slotOf(t time.Time) int64 {
	s := t.Unix()
	return s - mod(s, l.slot)
}

// end is when the last request of slot s has left the window.
func (l *Limiter) end(s int64) time.Time {
	return time.Unix(s+l.slot, 0).Add(l.window)
}

// mod is the remainder that is never negative, for times before 1970.
func mod(a, b int64) int64 { return ((a % b) + b) % b }
