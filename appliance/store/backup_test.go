package store

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"go.etcd.io/bbolt"

	"rollcall/appliance/model"
)

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
