// Package simdial puts faults on the dial of a simulated service: which requests
// meet one, how often, and how what hangs is let go.
//
// It knows no service: what a fault does to an answer is the simulator's affair,
// and so is the list of kinds. A simulator embeds a [Dial] and asks it once per
// request.
package simdial

import (
	"strings"
	"sync"
)

// Fault is one trouble to come. Which fields beyond Kind mean anything depends on
// the kind.
type Fault[K comparable] struct {
	Kind       K
	Status     int    // the HTTP status to answer with
	RetryAfter string // sent as it is
	Location   string // where a redirect leads
	Path       string // requests whose path contains it; empty: all
	Skip       int    // so many matching requests pass unharmed first
	Times      int    // how many requests are hit; 0: until Heal
	hits       int
}

// Dial holds the faults that wait. It is safe for concurrent use; the zero value
// has none.
type Dial[K comparable] struct {
	mu     sync.Mutex // guards what follows
	faults []*Fault[K]
	healed chan struct{} // closed by Heal; nil while nothing asked for it
}

// Inject puts a fault on the dial. Several may wait; the first that matches a
// request is the one it meets.
func (d *Dial[K]) Inject(f Fault[K]) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = append(d.faults, &f)
}

// Heal takes every fault away and lets go of what hangs.
func (d *Dial[K]) Heal() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = nil
	if d.healed != nil {
		close(d.healed)
		d.healed = nil
	}
}

// Next returns the fault that a request meets, the zero Fault for none, and a
// channel that is closed by the next Heal.
func (d *Dial[K]) Next(path string) (met Fault[K], healed <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.healed == nil {
		d.healed = make(chan struct{})
	}
	for _, f := range d.faults {
		if !strings.Contains(path, f.Path) || f.Times > 0 && f.hits == f.Times {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			return met, d.healed
		}
		f.hits++
		return *f, d.healed
	}
	return met, d.healed
}
