package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
)

// compactStep is how many bytes one transaction of a compaction writes.
const compactStep = 64 << 20

// WorthCompacting reports whether a good part of a large file is free. Smaller
// ones use their free pages again soon enough.
func (s Space) WorthCompacting() bool { return s.File > 256<<20 && s.Free > s.File/2 }

// Compact writes the database at path anew without its free pages, while nobody
// has it open: the copy is on disk and was read back before it takes the name, and
// whenever it stops before that, the old file is what it was. It needs as much
// free disk as the copy takes. It returns the sizes before and after.
func Compact(path string, opts Options) (before, after int64, err error) {
	// Opening it the usual way refuses what is not a database of this version.
	s, err := Open(path, opts)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	before = s.Size()
	tmp, err := os.CreateTemp(filepath.Dir(path), ".rollcall-compact-*")
	if err != nil {
		return before, 0, fmt.Errorf("compact: %w", err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // not there any more when all went well
	if err := tmp.Close(); err != nil {
		return before, 0, fmt.Errorf("compact: %w", err)
	}
	if after, err = s.rewrite(tmp.Name()); err != nil {
		return before, 0, fmt.Errorf("compact: %w; the database is as it was", err)
	}
	// The lock on the old file is held until it has lost its name.
	if err := os.Rename(tmp.Name(), path); err != nil {
		return before, 0, fmt.Errorf("compact: %w; the database is as it was", err)
	}
	return before, after, syncDir(filepath.Dir(path))
}

// rewrite copies everything into a new file and reads it back.
func (s *Store) rewrite(path string) (size int64, err error) {
	to, err := bbolt.Open(path, 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	if err := bbolt.Compact(to, s.db, compactStep); err != nil {
		return 0, err
	}
	if err := to.Sync(); err != nil {
		return 0, err
	}
	want, err := contents(s.db)
	if err != nil {
		return 0, err
	}
	got, err := contents(to)
	if err != nil {
		return 0, err
	}
	for name, n := range want {
		if got[name] != n {
			return 0, fmt.Errorf("the copy of %s has %d entries (sequence %d) where %d (%d) belong", name, got[name].entries, got[name].sequence, n.entries, n.sequence)
		}
	}
	if err := checkPages(to); err != nil { // nobody writes to it
		return 0, err
	}
	err = to.View(func(tx *bbolt.Tx) error { size = tx.Size(); return nil })
	return size, err
}

// holding is what a bucket holds.
type holding struct {
	entries  int
	sequence uint64
}

func contents(db *bbolt.DB) (map[string]holding, error) {
	all := map[string]holding{}
	err := db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			all[string(name)] = holding{b.Stats().KeyN, b.Sequence()}
			return nil
		})
	})
	return all, err
}
