package store

import (
	"fmt"
	"strconv"

	"go.etcd.io/bbolt"
)

// migration brings a database from version From to From+1. It may assume exactly
// the schema of From, and must use frozen copies of the types it reads, because
// today's types will change.
type migration struct {
	From int
	Name string
	Run  func(tx *bbolt.Tx) error
}

// migrations lists every step ever shipped, in order.
var migrations = []migration{
	// Until version 2 nobody counted the people; migrate counts everything anew after
	// the last step, so there is nothing else to do.
	{From: 1, Name: "count the people", Run: func(*bbolt.Tx) error { return nil }},
}

// migrate runs the steps from version to Version in one transaction, after a
// copy of the database was written beside it and verified. A step that fails
// leaves the old version in place.
func (s *Store) migrate(version int, steps []migration) error {
	var todo []migration
	for v := version; v < Version; v++ {
		found := false
		for _, m := range steps {
			if m.From == v {
				todo, found = append(todo, m), true
			}
		}
		if !found {
			return fmt.Errorf("%s has schema version %d, which this program cannot bring up to date; install the release that knows it first", s.path, v)
		}
	}
	copyPath := fmt.Sprintf("%s.v%d.bak", s.path, version)
	if err := s.Backup(copyPath); err != nil {
		return fmt.Errorf("before the migration from version %d: %w", version, err)
	}
	return s.db.Update(func(tx *bbolt.Tx) error {
		for _, m := range todo {
			if err := m.Run(tx); err != nil {
				return fmt.Errorf("migration %q from version %d: %w; the database is as it was, and a copy is at %s", m.Name, m.From, err, copyPath)
			}
		}
		for _, name := range allBuckets() {
			if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
				return err
			}
		}
		// Rows have today's shape by now. What follows from them is not carried over.
		for _, t := range tables {
			if err := t.recount(newTx(tx)); err != nil {
				return fmt.Errorf("counting anew after the migration from version %d: %w; the database is as it was, and a copy is at %s", version, err, copyPath)
			}
		}
		return tx.Bucket([]byte(metaBucket)).Put([]byte("version"), []byte(strconv.Itoa(Version)))
	})
}
