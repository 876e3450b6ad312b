package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"go.etcd.io/bbolt"

	"rollcall/appliance/model"
)

// migration brings a database from version From to From+1. It may assume exactly
// the schema of From, and must use frozen copies of the types it reads, because
// today's types will change.
type migration struct {
	From int
	Name string
	// Run does a part of the step that fits into one transaction: a few thousand
	// entries. It begins behind after, nil at first, and returns where it stopped,
	// nil when the whole step is done. The mark means what the step wants it to.
	Run func(tx *bbolt.Tx, after []byte) (next []byte, err error)
}

// schema is what a program knows of schema versions. There is one, [released];
// tests have others.
type schema struct {
	version int
	// steps are all that were ever shipped, in order.
	steps []migration
}

// released is the schema of this program.
var released = schema{version: Version, steps: []migration{
	// Until version 2 nobody counted the people; everything is counted anew after the
	// last step, so there is nothing else to do.
	{From: 1, Name: "count the people", Run: func(*bbolt.Tx, []byte) ([]byte, error) { return nil, nil }},
}}

// path lists the steps from a version on.
func (s schema) path(file string, version int) ([]migration, error) {
	var todo []migration
	for v := version; v < s.version; v++ {
		found := false
		for _, m := range s.steps {
			if m.From == v {
				todo, found = append(todo, m), true
			}
		}
		if !found {
			return nil, fmt.Errorf("%s has schema version %d, which this program cannot bring up to date; install the release that knows it first", file, v)
		}
	}
	return todo, nil
}

// upgrading is the name of a database on its way to a newer version, keptAs that
// of the one it replaces.
func upgrading(path string) string           { return path + ".upgrading" }
func keptAs(path string, version int) string { return fmt.Sprintf("%s.v%d.bak", path, version) }

// migrate brings the database to the version of to. It works on a copy: that is
// written beside the database and checked, changed step by step, checked again
// with all its pages, indexes and the journal, and only then takes the name. The
// database itself is never written to; under another name it is the backup. So
// a step that fails, a full disk or a kill leave it as it was, and the next start
// begins anew. It takes as much room as the database once more.
func (s *Store) migrate(version int, to schema) (err error) {
	todo, err := to.path(s.path, version)
	if err != nil {
		return err
	}
	name, kept := upgrading(s.path), keptAs(s.path, version)
	defer func() {
		if err != nil {
			err = fmt.Errorf("bring %s from schema version %d to %d: %w; the database is as it was", s.path, version, to.version, errors.Join(err, removeIfThere(name)))
		}
	}()
	if err := s.copyTo(name); err != nil {
		return err
	}
	noSync := s.db.NoSync
	db, err := bbolt.Open(name, 0o600, &bbolt.Options{NoSync: true, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		return err
	}
	next := &Store{db: db, path: s.path, now: s.now}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	for _, m := range todo {
		if err := m.run(db); err != nil {
			return fmt.Errorf("step %q from version %d: %w", m.Name, m.From, err)
		}
	}
	if err := next.arrive(version, to.version); err != nil {
		return err
	}
	if err := errors.Join(next.Check(), next.CheckIndexes()); err != nil {
		return fmt.Errorf("the result is not sound: %w", err)
	}
	if err := db.Sync(); err != nil {
		return err
	}
	db.NoSync = noSync
	if err := keep(s.path, kept); err != nil {
		return err
	}
	// Both files are locked by now: nobody gets in between.
	if err := errors.Join(os.Rename(name, s.path), syncDir(filepath.Dir(s.path))); err != nil {
		return err
	}
	old := s.db
	s.db = db
	return old.Close()
}

// copyTo writes the database of this moment to a new file and checks the copy.
func (s *Store) copyTo(name string) error {
	if err := errors.Join(s.roomFor(filepath.Dir(name)), removeIfThere(name)); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = s.db.View(func(tx *bbolt.Tx) error {
		_, err := tx.WriteTo(f)
		return err
	})
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("copy it: %w", err)
	}
	if err := verifyFile(name); err != nil {
		return fmt.Errorf("the copy of it is not sound: %w", err)
	}
	return nil
}

// run does a step in as many transactions as it takes.
func (m migration) run(db *bbolt.DB) error {
	var after []byte
	for {
		err := db.Update(func(tx *bbolt.Tx) error {
			next, err := m.Run(tx, after)
			after = append([]byte(nil), next...) // bytes of the database end with the transaction
			return err
		})
		if err != nil || len(after) == 0 {
			return err
		}
	}
}

// arrive writes the new version, with the buckets that belong to it, and tells
// the journal. Rows have today's shape by then; what follows from them is counted
// anew and not carried over.
func (s *Store) arrive(from, version int) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		for _, name := range allBuckets() {
			if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
				return err
			}
		}
		for _, t := range tables {
			if err := t.recount(newTx(tx)); err != nil {
				return fmt.Errorf("count anew: %w", err)
			}
		}
		if err := tx.Bucket([]byte(metaBucket)).Put([]byte("version"), []byte(strconv.Itoa(version))); err != nil {
			return err
		}
		_, err := newTx(tx).Append(model.Event{At: s.now().UTC(), Actor: "rollcall", Subject: "database", Verb: "upgraded",
			Reason: fmt.Sprintf("from schema version %d to %d", from, version)})
		return err
	})
}

// keep gives the file at path a second name, under which it stays when the first
// is taken over. What had that name before is let go.
func keep(path, kept string) error {
	aside := kept + ".new"
	if err := removeIfThere(aside); err != nil {
		return err
	}
	if err := os.Link(path, aside); err != nil {
		return fmt.Errorf("keep the database of before: %w", err)
	}
	if err := os.Rename(aside, kept); err != nil {
		return fmt.Errorf("keep the database of before: %w", errors.Join(err, removeIfThere(aside)))
	}
	return nil
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
