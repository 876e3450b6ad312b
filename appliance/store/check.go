package store

import (
	"bytes"
	"errors"
	"fmt"
)

// checker recomputes the indexes of one table.
type checker interface {
	checkIndexes(tx *Tx) error
}

// CheckIndexes recomputes every index from its table and reports entries that
// are missing, superfluous or wrong.
func (s *Store) CheckIndexes() error {
	return s.View(func(tx *Tx) error {
		var all []error
		for _, c := range []checker{Records, Origins, Persons, Decisions, Conflicts, Outbox, Deliveries, Doubts, Drifts, Accounts, Lanes, Sources, Runs, Journal, History, Tokens, Resources, Members} {
			all = append(all, c.checkIndexes(tx))
		}
		return errors.Join(all...)
	})
}

func (t *Table[K, V]) checkIndexes(tx *Tx) error {
	want := make(map[string]int, len(t.indexes)) // entries expected per index
	c := tx.bucket(t.name).Cursor()
	for k, raw := c.First(); k != nil; k, raw = c.Next() {
		var v V
		if err := t.codec.decode(raw, &v); err != nil {
			return t.broken(k, err)
		}
		for _, ix := range t.indexes {
			all := ix.entries(v, k)
			for _, entry := range all.keys {
				want[ix.name]++
				if got := tx.bucket(ix.name).Get(ix.entry(entry, k)); !bytes.Equal(got, all.value) {
					return fmt.Errorf("store: index %s lacks the entry of %q", ix.name, printable(k))
				}
			}
		}
	}
	for _, side := range t.side {
		c := tx.bucket(side).Cursor()
		for k, _ := c.First(); k != nil; k, _ = c.Next() {
			if tx.bucket(t.name).Get(k) == nil {
				return fmt.Errorf("store: %s holds %q, and %s does not", side, printable(k), t.name)
			}
		}
	}
	for _, ix := range t.indexes {
		if got := tx.bucket(ix.name).Stats().KeyN; got != want[ix.name] {
			return fmt.Errorf("store: index %s has %d entries where %d belong", ix.name, got, want[ix.name])
		}
	}
	return nil
}
