// Package storetest opens throw-away databases for tests and checks every page
// of them when the test ends, so that no test can leave a broken file unnoticed.
package storetest

import (
	"path/filepath"
	"testing"

	"rollcall/appliance/store"
)

// Open returns a store in a fresh directory. It is checked and closed in the
// test's clean-up. Writes are not synced to disk: tests of durability open their
// own.
func Open(t testing.TB) *store.Store {
	t.Helper()
	s, err := store.Open(filepath.Join(t.TempDir(), store.FileName), store.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	CheckAtEnd(t, s)
	return s
}

// CheckAtEnd checks and closes s in the test's clean-up.
func CheckAtEnd(t testing.TB, s *store.Store) {
	t.Helper()
	t.Cleanup(func() {
		if err := s.Check(); err != nil {
			t.Errorf("the database is not consistent: %v", err)
		}
		if err := s.View(func(tx *store.Tx) error { _, err := tx.VerifyJournal(); return err }); err != nil {
			t.Error(err)
		}
		if err := s.CheckIndexes(); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
}
