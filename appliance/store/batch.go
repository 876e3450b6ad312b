package store

import (
	"errors"
	"fmt"
	"sync"
)

// Group commit: changes that arrive while another is on its way to the disk wait
// together and share the next transaction. Nobody waits for company: a change
// that comes alone begins at once.
const (
	// maxBatch bounds how many changes share a transaction, and so how long the
	// first of them waits for its answer.
	maxBatch = 256
	// maxReruns is how often the others are run again because one of them failed
	// halfway. After that everybody left has a transaction of their own.
	maxReruns = 3
)

// batched is one change that waits for its turn or for the disk.
type batched struct {
	fn  func(*Tx) error
	err error
	// alone says that fn has to have a transaction for itself: it failed after it
	// had written something, and what it wrote could not be told from the others'.
	alone bool
	// turn is sent to once: true when this change is to lead the next batch, false
	// when it is done.
	turn chan bool
}

// queue holds the changes that wait for a transaction to share.
type queue struct {
	mu      sync.Mutex
	waiting []*batched
	leading bool // somebody runs a batch, or was told to
}

// Batch is [Store.Update] for many callers at once: changes that wait at the same
// time share one transaction and one sync of the disk, and nobody waits for
// others to come. Each is on disk when its Batch returns nil. One that fails takes
// nobody with it: what it wrote is undone, and the others are run again.
//
// fn may therefore run more than once, possibly in another goroutine, and sees
// what the changes before it in the same transaction wrote. An error that it
// returns is handed out only after what it saw is on disk.
func (s *Store) Batch(fn func(*Tx) error) error {
	c := &batched{fn: fn, turn: make(chan bool, 1)}
	if s.queue.join(c) || <-c.turn {
		s.lead()
	}
	if c.alone {
		return s.Update(fn)
	}
	return c.err
}

// join adds a change and reports whether it has to lead, because nobody does.
func (q *queue) join(c *batched) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, c)
	if q.leading {
		return false
	}
	q.leading = true
	return true
}

// take removes the changes that share the next transaction, the oldest first.
func (q *queue) take() []*batched {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.waiting), maxBatch)
	batch := q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	return batch
}

// pass makes the first of those who wait the next leader.
func (q *queue) pass() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.waiting, q.leading = nil, false
		return
	}
	q.waiting[0].turn <- true
}

// errAgain rolls a transaction back whose changes are then run again.
var errAgain = errors.New("store: run again without the change that failed")

// lead runs one batch, in which the caller's own change is the first, and tells
// everybody in it. Whatever happens, the next leader takes over.
func (s *Store) lead() {
	var batch []*batched
	defer func() {
		if batch == nil { // the transaction could not begin
			batch = s.queue.take()
		}
		s.queue.pass()
		for _, c := range batch[1:] {
			c.turn <- false
		}
	}()
	failed := func(err error) {
		for _, c := range batch {
			c.err = err
		}
	}
	// What bbolt itself panics about kills the leader's request alone.
	whole := false
	defer func() {
		if !whole {
			failed(errors.New("store: the transaction that this change shared broke off; see the log for the cause"))
		}
	}()
	for reruns := 0; ; reruns++ {
		err := s.Update(func(tx *Tx) error {
			if batch == nil {
				batch = s.queue.take() // as late as possible: more have come while we waited for the writer before us
			}
			if reruns > maxReruns {
				for _, c := range batch {
					c.alone = true
				}
			}
			return runBatch(tx, batch)
		})
		switch {
		case errors.Is(err, errAgain):
			continue
		case errors.Is(err, errRollback):
			// nobody wrote anything
		case err != nil:
			if batch == nil {
				batch = s.queue.take()
			}
			failed(err)
		}
		break
	}
	whole = true
}

// runBatch runs the changes one after the other in a transaction.
func runBatch(tx *Tx, batch []*batched) error {
	dirty := false
	for _, c := range batch {
		if c.alone {
			continue
		}
		tx.wrote = false
		err := tried(c.fn, tx)
		var p *panicked
		switch {
		case err != nil && tx.wrote || errors.As(err, &p):
			c.alone = true
			return errAgain
		case err == nil:
			dirty = dirty || tx.wrote
		}
		c.err = err
	}
	if !dirty {
		return errRollback // spares the disk
	}
	return nil
}

// panicked is what became of a change that panicked. It is run again in the
// goroutine of its caller, where the panic belongs.
type panicked struct{ value any }

func (p *panicked) Error() string { return fmt.Sprint("panic: ", p.value) }

func tried(fn func(*Tx) error, tx *Tx) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicked{v}
		}
	}()
	return fn(tx)
}
