package store

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.etcd.io/bbolt"

	"rollcall/appliance/model"
)

// previous is the schema version before this program's.
var previous = strconv.Itoa(Version - 1)

// versionBefore makes a database as a schema before this one might have been: no
// tables but one, with one entry.
func versionBefore(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), FileName)
	alter(t, path, func(tx *bbolt.Tx) error {
		meta, err := tx.CreateBucket([]byte(metaBucket))
		if err != nil {
			return err
		}
		old, err := tx.CreateBucket([]byte("people"))
		if err != nil {
			return err
		}
		return errors.Join(meta.Put([]byte("version"), []byte(previous)), meta.Put([]byte("secret"), []byte("kept")), old.Put([]byte("1"), []byte("ada")))
	})
	return path
}

// openRaw opens a database without looking at its version.
func openRaw(t *testing.T, path string) *Store {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &Store{db: db, path: path}
}

// moves renames the old table, as a migration would.
func moves(tx *bbolt.Tx) error {
	b, err := tx.CreateBucket([]byte("renamed"))
	if err != nil {
		return err
	}
	return errors.Join(b.Put([]byte("1"), tx.Bucket([]byte("people")).Get([]byte("1"))), tx.DeleteBucket([]byte("people")))
}

func valueAt(t *testing.T, s *Store, bucket, key string) string {
	t.Helper()
	v := ""
	err := s.db.View(func(tx *bbolt.Tx) error {
		if b := tx.Bucket([]byte(bucket)); b != nil {
			v = string(b.Get([]byte(key)))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestMigrationRunsOnceAfterAVerifiedCopyWasWritten(t *testing.T) {
	path := versionBefore(t)
	s := openRaw(t, path)
	copyPath := path + ".v" + previous + ".bak"
	ran := 0
	steps := []migration{{From: Version - 1, Name: "rename people", Run: func(tx *bbolt.Tx) error {
		ran++
		if err := verifyFile(copyPath); err != nil {
			t.Errorf("when the step runs, the copy is not there or not sound: %v", err)
		}
		return moves(tx)
	}}}
	if err := s.prepare(steps, false); err != nil {
		t.Fatal(err)
	}
	if got := s.Meta("version"); got != strconv.Itoa(Version) {
		t.Errorf("version is %q, want %d", got, Version)
	}
	if got := valueAt(t, s, "renamed", "1"); got != "ada" {
		t.Errorf("the step left %q behind", got)
	}
	for _, name := range allBuckets() {
		if err := s.db.View(func(tx *bbolt.Tx) error {
			if tx.Bucket([]byte(name)) == nil {
				t.Errorf("bucket %s is missing", name)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if string(s.Secret()) != "kept" {
		t.Errorf("the secret became %q", s.Secret())
	}
	if err := s.prepare(steps, false); err != nil || ran != 1 {
		t.Errorf("opening again: %v; the step ran %d times, want once", err, ran)
	}

	before := openRaw(t, copyPath)
	if v, old := before.Meta("version"), valueAt(t, before, "people", "1"); v != previous || old != "ada" {
		t.Errorf("the copy has version %q and %q, want what was there before", v, old)
	}
}

func TestFailingMigrationLeavesTheOldVersion(t *testing.T) {
	path := versionBefore(t)
	s := openRaw(t, path)
	broken := errors.New("no room")
	err := s.prepare([]migration{{From: Version - 1, Name: "rename people", Run: func(tx *bbolt.Tx) error {
		return errors.Join(moves(tx), broken)
	}}}, false)
	if !errors.Is(err, broken) {
		t.Fatalf("error %v, want the step's", err)
	}
	for _, part := range []string{"rename people", "version " + previous, path + ".v" + previous + ".bak"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not name %q", err, part)
		}
	}
	if v, old := s.Meta("version"), valueAt(t, s, "people", "1"); v != previous || old != "ada" {
		t.Errorf("after the failure the version is %q and the old table holds %q", v, old)
	}
	// The next start tries the same step again.
	if err := s.prepare([]migration{{From: Version - 1, Name: "rename people", Run: moves}}, false); err != nil {
		t.Errorf("the second try: %v", err)
	}
}

func TestMigrationWithoutAKnownStepTouchesNothing(t *testing.T) {
	path := versionBefore(t)
	before := content(t, path)
	s := openRaw(t, path)
	err := s.prepare([]migration{{From: 70, Name: "of the future", Run: moves}}, false)
	if err == nil || !strings.Contains(err.Error(), "schema version "+previous) || !strings.Contains(err.Error(), "install the release") {
		t.Errorf("error %v does not say what is missing and what to do", err)
	}
	if matches, _ := filepath.Glob(path + ".*"); len(matches) > 0 {
		t.Errorf("copies were written for nothing: %v", matches)
	}
	if string(content(t, path)) != string(before) {
		t.Error("the file was written to")
	}
	if _, err := Open(path, Options{}); err == nil {
		t.Error("Open takes a version that no step leads from")
	}
}

func TestMigrationDoesNotStartWithoutItsCopy(t *testing.T) {
	path := versionBefore(t)
	s := openRaw(t, path)
	// The name of the copy is taken by something that cannot be replaced.
	if err := mkdirWithFile(path + ".v" + previous + ".bak"); err != nil {
		t.Fatal(err)
	}
	err := s.prepare([]migration{{From: Version - 1, Name: "rename people", Run: func(*bbolt.Tx) error {
		t.Error("the step ran although there is no copy")
		return nil
	}}}, false)
	if err == nil || s.Meta("version") != previous {
		t.Errorf("error %v, version %q", err, s.Meta("version"))
	}
}

func TestBackupUnderConcurrentWritesIsOneMoment(t *testing.T) {
	const writers = 4
	s := open(t)
	var stop atomic.Bool
	var wg sync.WaitGroup
	// Every transaction keeps a promise that a torn copy would break: as many
	// records as counted, all with an event.
	write := func(w int) {
		for i := 0; !stop.Load() && i < 5000; i++ {
			id := model.RecordID(NewID("r"))
			err := s.Update(func(tx *Tx) error {
				_, event := tx.Append(model.Event{Verb: "written"})
				return errors.Join(event, Records.Put(tx, id, model.Record{ID: id, Source: "hr", Native: string(id)}), tx.AddCount("hr", "records", 1))
			})
			if err != nil {
				t.Error(err)
				return
			}
		}
	}
	for w := range writers {
		wg.Go(func() { write(w) })
	}
	dir := t.TempDir()
	last := -1
	for i := range 5 {
		path := filepath.Join(dir, "copy.db")
		if err := s.Backup(path); err != nil {
			t.Fatal(err)
		}
		if i == 4 {
			stop.Store(true)
			wg.Wait()
		}
		copied, err := Open(path, Options{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(copied.Check(), copied.CheckIndexes()); err != nil {
			t.Error(err)
		}
		view(t, copied, func(tx *Tx) error {
			events, err := tx.VerifyJournal()
			n := Records.Count(tx, nil)
			if n != events || n != tx.Count("hr", "records") || n < last {
				t.Errorf("the copy has %d records, %d events and counts %d, and the one before had %d records", n, events, tx.Count("hr", "records"), last)
			}
			last = n
			return err
		})
		if copied.Meta("instance") != s.Meta("instance") {
			t.Error("the copy is of another instance")
		}
		if err := copied.Close(); err != nil {
			t.Error(err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestBackupReplacesAnOldCopyOnlyByAGoodOne(t *testing.T) {
	s := open(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "copy.db")
	create(t, path)
	before := content(t, path)
	if err := s.Backup(filepath.Join(dir, "missing", "copy.db")); err == nil {
		t.Error("a backup into a directory that is not there succeeded")
	}
	if string(content(t, path)) != string(before) {
		t.Error("the old copy changed")
	}
	update(t, s, func(tx *Tx) error { return tx.SetSetting("mark", true) })
	if err := s.Backup(path); err != nil {
		t.Fatal(err)
	}
	view(t, openAt(t, path), func(tx *Tx) error {
		var mark bool
		if _, err := tx.Setting("mark", &mark); err != nil || !mark {
			t.Errorf("the new copy lacks what was written last: %v", err)
		}
		return nil
	})
}

func TestVerifyFileRefusesWhatIsNoDatabase(t *testing.T) {
	good := filepath.Join(t.TempDir(), FileName)
	create(t, good)
	raw := content(t, good)
	if err := verifyFile(good); err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(t.TempDir(), "foreign.db")
	alter(t, foreign, func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("wallets")); return err })
	for name, path := range map[string]string{
		"empty": write(t, nil), "short": write(t, raw[:4095]), "zeros": write(t, make([]byte, len(raw))),
		"another program's": foreign, "missing": filepath.Join(t.TempDir(), "none"),
	} {
		if err := verifyFile(path); err == nil {
			t.Errorf("%s: taken for a sound database", name)
		}
	}
}

func TestReadOnlyOpeningMigratesNothing(t *testing.T) {
	path := versionBefore(t)
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s := &Store{db: db, path: path}
	err = s.prepare([]migration{{From: Version - 1, Name: "rename people", Run: moves}}, true)
	if err == nil || !strings.Contains(err.Error(), "schema version "+previous) {
		t.Errorf("error %v does not say that the database must be brought up to date first", err)
	}
	if made, _ := filepath.Glob(path + ".*"); len(made) > 0 {
		t.Errorf("opening to read wrote %v", made)
	}
}

func TestBackupOntoTheDatabaseItselfIsRefused(t *testing.T) {
	s := open(t)
	if err := s.Backup(s.Path()); err == nil {
		t.Error("the open database was replaced by its own copy: what is written from now on is lost at the next start")
	}
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(filepath.Dir(s.Path()), link); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(filepath.Join(link, FileName)); err == nil {
		t.Error("the open database was replaced by way of a link")
	}
}
