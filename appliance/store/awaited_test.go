package store

import (
	"path/filepath"
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
	closed, err := Open(filepath.Join(t.TempDir(), FileName), Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	if closed.Update(func(*Tx) error { return nil }) == nil || closed.Awaited() {
		t.Errorf("after a transaction that could not begin somebody waits: %t", closed.Awaited())
	}
}
