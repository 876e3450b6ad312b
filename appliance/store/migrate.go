package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
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

// migrations lists every step ever shipped, in order. It is empty while version
// 1 is the only schema there ever was.
var migrations []migration

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
		return tx.Bucket([]byte(metaBucket)).Put([]byte("version"), []byte(strconv.Itoa(Version)))
	})
}

// Backup writes a consistent copy to path while the store is in use, reads it
// back and checks it before it takes its name. An existing file is replaced only
// by a good copy.
func (s *Store) Backup(path string) error {
	if same, err := s.isDatabase(path); err != nil || same {
		return fmt.Errorf("backup: %s is the database in use; name another file", path)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".rollcall-backup-*")
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	err = s.db.View(func(tx *bbolt.Tx) error {
		_, err := tx.WriteTo(tmp)
		return err
	})
	if err == nil {
		err = tmp.Sync()
	}
	if err == nil {
		err = tmp.Close()
	}
	if err != nil {
		return fmt.Errorf("backup to %s: %w", path, err)
	}
	if err := verifyFile(tmp.Name()); err != nil {
		return fmt.Errorf("backup to %s: the copy is not sound: %w", path, err)
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return syncDir(filepath.Dir(path))
}

// isDatabase reports whether path names the open database, by whatever way.
func (s *Store) isDatabase(path string) (bool, error) {
	there, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	here, err := os.Stat(s.path)
	return err == nil && os.SameFile(here, there), err
}

// verifyFile opens a database read-only and checks every page.
func verifyFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	head := make([]byte, 4096)
	n, _ := io.ReadFull(f, head)
	f.Close()
	if n < 4096 || bytes.Count(head, []byte{0}) == len(head) {
		return fmt.Errorf("%s is not a database", path)
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer db.Close()
	return db.View(func(tx *bbolt.Tx) error {
		var found error
		for err := range tx.Check() { // to its end: the check reads on until then
			if found == nil {
				found = err
			}
		}
		if found != nil {
			return found
		}
		if tx.Bucket([]byte(metaBucket)) == nil {
			return fmt.Errorf("it has no %s bucket", metaBucket)
		}
		return nil
	})
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
