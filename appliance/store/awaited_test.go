package store

import (
	"errors"
	"runtime"
	"testing"
)

// TestWhoWritesKnowsThatSomebodyWaits fails when a long change never learns that
// others want to write, or believes it for ever.
func TestWhoWritesKnowsThatSomebodyWaits(t *testing.T) {
	s := open(t)
	done := make(chan error)
	update(t, s, func(*Tx) error {
		if s.Awaited() {
			t.Error("somebody waits before anybody does")
		}
		go func() { done <- s.Batch(func(tx *Tx) error { return tx.SetSetting("x", 1) }) }()
		for !s.Awaited() {
			runtime.Gosched()
		}
		return nil
	})
	if err := <-done; err != nil || s.Awaited() {
		t.Errorf("afterwards somebody waits: %t, %v", s.Awaited(), err)
	}
	if err := errors.Join(s.Close(), func() error {
		if s.Update(func(*Tx) error { return nil }) == nil {
			return errors.New("a closed store takes a change")
		}
		return nil
	}()); err != nil || s.Awaited() {
		t.Errorf("after a transaction that could not begin somebody waits: %t, %v", s.Awaited(), err)
	}
}
