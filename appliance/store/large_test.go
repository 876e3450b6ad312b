package store

import (
	"fmt"
	"strings"
	"testing"

	"rollcall/appliance/model"
)

// TestATransactionKnowsThatItIsLarge fails when a long change would go on in one
// transaction without end: because of much that is written to a few pages, or because
// of a little that is written to many.
func TestATransactionKnowsThatItIsLarge(t *testing.T) {
	usual := LargeAt
	LargeAt = 1 << 20
	t.Cleanup(func() { LargeAt = usual })
	s := open(t)
	lane := func(i, size int) (string, model.Lane) {
		return fmt.Sprintf("%05d", i*7919%20_000), model.Lane{Reason: strings.Repeat("x", size)}
	}
	grow := func(size int) (n int) {
		update(t, s, func(tx *Tx) error {
			for ; n < 20_000 && !tx.Large(); n++ {
				k, v := lane(n, size)
				if err := Lanes.Put(tx, k, v); err != nil {
					return err
				}
			}
			return nil
		})
		return n
	}
	if n := grow(10_000); n > 110 {
		t.Errorf("%d values of 10,000 bytes fit into a megabyte", n)
	}
	update(t, s, func(tx *Tx) error {
		for i := range 20_000 {
			k, v := lane(i, 100)
			if err := Lanes.Put(tx, k, v); err != nil {
				return err
			}
		}
		return nil
	})
	if n := grow(1); n < 20 || n > 1<<20/pageCost+10 {
		t.Errorf("%d values, each on a page of its own, fit into a megabyte", n)
	}
	update(t, s, func(tx *Tx) error {
		if tx.Large() {
			t.Error("a transaction that has written nothing is large")
		}
		return nil
	})
}
