package store

import (
	"bytes"
	"errors"
	"fmt"
)

// checker recomputes the indexes and the counts of one table.
type checker interface {
	checkIndexes(tx *Tx) error
	recount(tx *Tx) error
	present(tx *Tx) bool
}

// tables are all tables, for whatever looks at the whole database. Each adds itself
// when it is made, so that none can be forgotten.
var tables []checker

// present reports whether the buckets of the table are there: one that this
// program added later may be missing from a file that was not opened since.
func (t *Table[K, V]) present(tx *Tx) bool {
	all := tx.tx.Bucket([]byte(t.name)) != nil
	for _, ix := range t.indexes {
		all = all && tx.tx.Bucket([]byte(ix.name)) != nil
	}
	return all
}

// CheckIndexes recomputes every index and every count from its table and reports
// entries that are missing, superfluous or wrong.
func (s *Store) CheckIndexes() error {
	return s.View(func(tx *Tx) error {
		var all []error
		for _, c := range tables {
			all = append(all, c.checkIndexes(tx))
		}
		return errors.Join(all...)
	})
}

func (t *Table[K, V]) checkIndexes(tx *Tx) error {
	want := make(map[string]int, len(t.indexes)) // entries expected per index
	counts := map[string]int{}
	c := tx.bucket(t.name).Cursor()
	for k, raw := c.First(); k != nil; k, raw = c.Next() {
		var v V
		if err := t.codec.decode(raw, &v); err != nil {
			return t.broken(k, err)
		}
		if t.kinds != nil {
			for _, kind := range t.kinds(v) {
				counts[kind]++
			}
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
	kept := tx.countsOf(t.owner())
	for kind := range kept {
		counts[kind] += 0
	}
	for kind, n := range counts {
		if kept[kind] != n {
			return fmt.Errorf("store: %s counts %d as %s where %d are", t.name, kept[kind], kind, n)
		}
	}
	return nil
}

// Has reports whether a table's buckets are there, for files of other programs
// or versions.
func (t *Tx) Has(table interface{ present(*Tx) bool }) bool { return table.present(t) }
