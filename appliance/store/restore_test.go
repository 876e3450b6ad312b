package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"filippo.io/age"

	"rollcall/appliance/model"
)

// source makes a database with a few of everything and a backup of it.
func backedUp(t *testing.T, recipients ...age.Recipient) (s *Store, backup string) {
	t.Helper()
	s = open(t)
	update(t, s, newSample().put)
	backup = filepath.Join(t.TempDir(), "copy.db")
	if err := s.BackupTo(backup, recipients); err != nil {
		t.Fatal(err)
	}
	return s, backup
}

// restore restores a backup into a fresh directory and returns the store.
func restore(t *testing.T, backup string, identities ...age.Identity) (*Store, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), FileName)
	staged, err := Stage(backup, path, identities, Options{NoSync: true})
	if err != nil {
		return nil, err
	}
	if _, err := staged.Install(time.Now()); err != nil {
		return nil, err
	}
	return openAt(t, path), nil
}

func TestBackupComesBackAsItWas(t *testing.T) {
	s, backup := backedUp(t)
	c, err := Inspect(backup)
	if err != nil {
		t.Fatal(err)
	}
	if !c.Sealed || c.Version != Version || c.People != 1 || c.Records != 1 || c.Events != 1 || c.Instance != s.Meta("instance") || c.Head.Seq != 1 || c.Newest == "" {
		t.Errorf("the backup is said to hold %+v", c)
	}
	back, err := restore(t, backup)
	if err != nil {
		t.Fatal(err)
	}
	view(t, back, func(tx *Tx) error { return compareSample(t, tx) })
	if info, err := os.Stat(back.Path()); err != nil || info.Size()%int64(os.Getpagesize()) != 0 || info.Mode().Perm() != 0o600 {
		t.Errorf("the seal is still behind the restored database, or others may read it: %v, %v", info, err)
	}
}

func TestEncryptedBackupOpensWithItsIdentityOnly(t *testing.T) {
	mine, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	s, backup := backedUp(t, mine.Recipient())
	for _, clear := range []string{"Ada.Lovelace", s.Meta("instance"), "rollcall backup"} {
		if strings.Contains(string(content(t, backup)), clear) {
			t.Errorf("%q stands in the encrypted backup", clear)
		}
	}
	back, err := restore(t, backup, mine)
	if err != nil {
		t.Fatal(err)
	}
	view(t, back, func(tx *Tx) error { return compareSample(t, tx) })
	if _, err := restore(t, backup); err == nil || !strings.Contains(err.Error(), "--identity") {
		t.Errorf("without an identity: %v", err)
	}
	if _, err := restore(t, backup, stranger); err == nil || !strings.Contains(err.Error(), "decrypt") {
		t.Errorf("with another identity: %v", err)
	}
	damaged := write(t, flipped(content(t, backup), len(content(t, backup))/2))
	if _, err := restore(t, damaged, mine); err == nil {
		t.Error("a damaged encrypted backup was restored")
	}
}

// TestADamagedBackupIsRefused flips bytes all over a backup, cuts it off
// anywhere, and expects a sentence every time.
func TestADamagedBackupIsRefused(t *testing.T) {
	_, backup := backedUp(t)
	raw := content(t, backup)
	path := filepath.Join(t.TempDir(), FileName)
	refused := func(what string, damaged []byte) {
		t.Helper()
		file := write(t, damaged)
		staged, err := Stage(file, path, nil, Options{NoSync: true})
		if err == nil {
			staged.Discard()
			t.Fatalf("%s: restored", what)
		}
		if text := err.Error(); !strings.Contains(text, file) || strings.Contains(text, ".rollcall-restore") || strings.Contains(text, "goroutine") {
			t.Errorf("%s: %q does not name the file", what, text)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 150 {
		at := random.IntN(len(raw))
		refused(fmt.Sprint("byte ", at), flipped(raw, at))
	}
	for at := len(raw) - sealLength; at < len(raw)-1; at++ {
		damaged := flipped(raw, at)
		if at < len(raw)-sealLength+len(sealMark) {
			continue // no seal is left: an ordinary database, which is whole
		}
		refused(fmt.Sprint("byte ", at, " of the seal"), damaged)
	}
	for _, size := range []int{0, 1, 100, 4096, 8192, len(raw) / 2, len(raw) - sealLength - 1} {
		refused(fmt.Sprint("cut off at ", size), raw[:size])
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestDamageWithoutASealEndsNothing does the same to a plain database file,
// which has no seal: what is found must be told, and nothing may end the process.
func TestDamageWithoutASealEndsNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	s, err := Open(path, Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	update(t, s, newSample().put)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	raw := content(t, path)
	if _, err := Inspect(path); err != nil {
		t.Fatal(err)
	}
	found := 0
	random := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		file := write(t, flipped(raw, random.IntN(len(raw))))
		if _, err := Inspect(file); err != nil {
			found++
			if strings.Contains(err.Error(), "goroutine") {
				t.Errorf("no sentence: %v", err)
			}
		}
		os.Remove(file)
	}
	if found == 0 {
		t.Error("none of the damages was found")
	}
}

func TestRestoreKeepsWhatItReplacesAndRefusesWhatIsInUse(t *testing.T) {
	_, backup := backedUp(t)
	path := filepath.Join(t.TempDir(), FileName)
	running, err := Open(path, Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	instance := running.Meta("instance")
	quick := Options{NoSync: true, LockTimeout: 10 * time.Millisecond}
	var locked *LockedError
	if _, err := Stage(backup, path, nil, quick); !errors.As(err, &locked) {
		t.Fatalf("the database of a running appliance: %v", err)
	}
	if err := running.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Stage(path, path, nil, quick); err == nil {
		t.Error("a database was restored onto itself")
	}
	if _, err := Stage(path+".none", path, nil, quick); err == nil || strings.Contains(err.Error(), "itself") {
		t.Errorf("a backup that is not there: %v", err)
	}
	staged, err := Stage(backup, path, nil, quick)
	if err != nil {
		t.Fatal(err)
	}
	if staged.Old == nil || staged.Unreadable != nil || staged.Old.Meta("instance") != instance {
		t.Errorf("the replaced database is not at hand: %v", staged.Unreadable)
	}
	if _, err := Open(path, quick); !errors.As(err, &locked) {
		t.Errorf("while a restore is under way the database can be opened: %v", err)
	}
	kept, err := staged.Install(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if got := openAt(t, kept).Meta("instance"); got != instance {
		t.Errorf("what was replaced is kept as %q", got)
	}
	if got := openAt(t, path).Meta("instance"); got == instance || got == "" {
		t.Errorf("the database is still of instance %q", got)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestRestoreReplacesADatabaseThatCannotBeOpened(t *testing.T) {
	_, backup := backedUp(t)
	path := filepath.Join(t.TempDir(), FileName)
	if err := os.WriteFile(path, []byte(strings.Repeat("not a database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	staged, err := Stage(backup, path, nil, Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	if staged.Unreadable == nil || staged.Carry(func(*Tx) error { t.Error("it was read"); return nil }) == nil {
		t.Error("nobody is told that the replaced database could not be read")
	}
	if _, err := staged.Install(time.Now()); err != nil {
		t.Fatal(err)
	}
	view(t, openAt(t, path), func(tx *Tx) error { return compareSample(t, tx) })
}

// TestBackupsUnderLoadRestoreToOneMoment takes backups while everything is
// written to, and restores each of them: a hundred times, every promise that the
// writers keep in each transaction holds in the restored database.
func TestBackupsUnderLoadRestoreToOneMoment(t *testing.T) {
	const rounds, writers, perRound = 100, 3, 8
	s := open(t)
	var written atomic.Int64
	grants := make(chan struct{}, rounds*perRound)
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range grants {
				id := model.RecordID(NewID("r"))
				err := s.Update(func(tx *Tx) error {
					_, event := tx.Append(model.Event{Verb: "written"})
					return errors.Join(event, Records.Put(tx, id, model.Record{ID: id, Source: "hr", Native: string(id)}), tx.AddCount("hr", "records", 1))
				})
				if err != nil {
					t.Error(err)
					return
				}
				written.Add(1)
			}
		})
	}
	dir := t.TempDir()
	last, meanwhile := 0, 0
	for range rounds {
		for range perRound {
			grants <- struct{}{}
		}
		backup, path := filepath.Join(dir, "copy.db"), filepath.Join(dir, "restored.db")
		if err := s.Backup(backup); err != nil {
			t.Fatal(err)
		}
		staged, err := Stage(backup, path, nil, Options{NoSync: true}) // checks pages, indexes and the journal
		if err != nil {
			t.Fatal(err)
		}
		view(t, staged.Store, func(tx *Tx) error {
			n := Records.Count(tx, nil)
			if int64(n) < written.Load() {
				meanwhile++
			}
			if n != staged.Contents.Events || n != tx.Count("hr", "records") || n < last {
				t.Errorf("%d records, %d events, %d counted, and %d records the time before", n, staged.Contents.Events, tx.Count("hr", "records"), last)
			}
			last = n
			return nil
		})
		if err := staged.Discard(); err != nil {
			t.Fatal(err)
		}
	}
	close(grants)
	wg.Wait()
	if last == 0 || meanwhile < rounds/10 {
		t.Errorf("only %d of %d backups were made while something was written", meanwhile, rounds)
	}
}

func TestBackupIsRefusedWhereThereIsNoRoomForIt(t *testing.T) {
	if _, ok := freeBytes(t.TempDir()); !ok {
		t.Skip("this system does not tell how much room there is")
	}
	s := open(t)
	if err := s.roomFor(t.TempDir()); err != nil {
		t.Fatal(err)
	}
}
