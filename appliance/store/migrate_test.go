package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

// versionZero makes a database as a schema before the first would have been: no
// tables but one, with three entries.
func versionZero(t *testing.T) string {
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
		return errors.Join(meta.Put([]byte("version"), []byte("0")), meta.Put([]byte("secret"), []byte("kept")),
			old.Put([]byte("1"), []byte("ada")), old.Put([]byte("2"), []byte("grace")), old.Put([]byte("3"), []byte("edsger")))
	})
	return path
}

// moves renames the old table one entry at a time, as a step over a large table
// would do with some thousands; between is called before each.
func moves(between func(done int) error) func(*bbolt.Tx, []byte) ([]byte, error) {
	done := 0
	return func(tx *bbolt.Tx, after []byte) ([]byte, error) {
		if err := between(done); err != nil {
			return nil, err
		}
		old, err := tx.CreateBucketIfNotExists([]byte("people"))
		if err != nil {
			return nil, err
		}
		to, err := tx.CreateBucketIfNotExists([]byte("renamed"))
		if err != nil {
			return nil, err
		}
		k, v := old.Cursor().Seek(append(bytes.Clone(after), 0))
		if k == nil {
			return nil, tx.DeleteBucket([]byte("people"))
		}
		done++
		return bytes.Clone(k), to.Put(k, v)
	}
}

func nothing(int) error { return nil }

// upgraded opens a database with a program of another schema.
func upgraded(path string, version int, steps ...migration) (*Store, error) {
	return Open(path, Options{NoSync: true, LockTimeout: time.Second, schema: &schema{version, steps}})
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

// beside lists what stands beside a database.
func beside(t *testing.T, path string) []string {
	t.Helper()
	var out []string
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != filepath.Base(path) {
			out = append(out, e.Name())
		}
	}
	return out
}

func TestUpgradeRunsOnceOnACopyAndKeepsTheFileOfBefore(t *testing.T) {
	path := versionZero(t)
	before := content(t, path)
	told, parts := "", 0
	step := migration{From: 0, Name: "rename people", Run: moves(func(done int) error {
		parts++
		if !bytes.Equal(content(t, path), before) {
			t.Errorf("after %d entries the database itself has changed", done)
		}
		return nil
	})}
	s, err := Open(path, Options{NoSync: true, schema: &schema{1, []migration{step}}, Upgrading: func(from, to int) { told = fmt.Sprint(from, to) }})
	if err != nil {
		t.Fatal(err)
	}
	if told != "0 1" || parts != 4 {
		t.Errorf("told %q, and the step ran in %d parts, want 4: three entries and the end", told, parts)
	}
	if got := s.Meta("version"); got != "1" {
		t.Errorf("version is %q, want 1", got)
	}
	for key, want := range map[string]string{"1": "ada", "2": "grace", "3": "edsger"} {
		if got := valueAt(t, s, "renamed", key); got != want {
			t.Errorf("the step left %q behind under %s", got, key)
		}
	}
	err = s.db.View(func(tx *bbolt.Tx) error {
		for _, name := range allBuckets() {
			if tx.Bucket([]byte(name)) == nil {
				t.Errorf("bucket %s is missing", name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if string(s.Secret()) != "kept" {
		t.Errorf("the secret became %q", s.Secret())
	}
	view(t, s, func(tx *Tx) error {
		e, _, err := Journal.Last(tx)
		if e.Verb != "upgraded" || e.Reason != "from schema version 0 to 1" {
			t.Errorf("the journal ends with %+v", e)
		}
		return err
	})
	// What is written now goes into the file that has the name, and a copy of it
	// can be made.
	update(t, s, func(tx *Tx) error { return tx.SetSetting("mark", true) })
	if err := s.Backup(filepath.Join(t.TempDir(), "copy.db")); err != nil {
		t.Error(err)
	}
	if err := s.Scrub(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(content(t, path+".v0.bak"), before) {
		t.Error("what is kept is not, byte by byte, what was there before")
	}
	if got := beside(t, path); len(got) != 1 {
		t.Errorf("beside the database stand %q", got)
	}
	s, err = upgraded(path, 1, step)
	if err != nil || parts != 4 {
		t.Fatalf("opening again: %v; the step ran again: %t", err, parts != 4)
	}
	defer s.Close()
	view(t, s, func(tx *Tx) error {
		mark, err := tx.Setting("mark", new(bool))
		if !mark {
			t.Error("what was written after the upgrade is lost")
		}
		return err
	})
}

// TestDatabasesOfEverySchemaPassAnUpgrade takes the databases that customers have
// through a step that rewrites every person, to a version that is not there yet.
func TestDatabasesOfEverySchemaPassAnUpgrade(t *testing.T) {
	for version := 1; version <= Version; version++ {
		t.Run(strconv.Itoa(version), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), FileName)
			unzip(t, schemaFile(version), path)
			before := content(t, path)
			rewritten := 0
			steps := append([]migration(nil), released.steps...)
			steps = append(steps, migration{From: Version, Name: "rewrite people", Run: func(tx *bbolt.Tx, after []byte) ([]byte, error) {
				b := tx.Bucket([]byte(Persons.name))
				k, v := b.Cursor().Seek(append(bytes.Clone(after), 0))
				if k == nil {
					return nil, nil
				}
				rewritten++
				k, v = bytes.Clone(k), bytes.Clone(v)
				return k, errors.Join(b.Delete(k), b.Put(k, v))
			}})
			s, err := upgraded(path, Version+1, steps...)
			if err != nil {
				t.Fatal(err)
			}
			if rewritten != 1 || s.Meta("version") != strconv.Itoa(Version+1) {
				t.Errorf("%d people rewritten, version %s", rewritten, s.Meta("version"))
			}
			view(t, s, func(tx *Tx) error {
				n, err := tx.VerifyJournal()
				if n != 2 {
					t.Errorf("the journal has %d events, want the old one and the upgrade", n)
				}
				return errors.Join(err, compareSample(t, tx))
			})
			if err := errors.Join(s.Check(), s.CheckIndexes(), s.Close()); err != nil {
				t.Error(err)
			}
			// The program of before refuses it, untouched, and can go back to what is kept.
			after := content(t, path)
			var newer *VersionError
			if err := refused(t, path); !errors.As(err, &newer) || newer.Found != Version+1 {
				t.Errorf("an older program said %v", err)
			}
			if !bytes.Equal(content(t, path), after) {
				t.Error("the older program wrote to what it refused")
			}
			kept := keptAs(path, version)
			if !bytes.Equal(content(t, kept), before) {
				t.Fatal("what is kept is not what was there before")
			}
			if c, err := Inspect(kept); err != nil || c.Version != version {
				t.Errorf("what is kept is said to be %+v, %v", c, err)
			}
			back, err := restore(t, kept)
			if err != nil {
				t.Fatal(err)
			}
			view(t, back, func(tx *Tx) error { return compareSample(t, tx) })
		})
	}
}

func TestFailingUpgradeLeavesTheDatabaseUntouched(t *testing.T) {
	path := versionZero(t)
	before := content(t, path)
	broken := errors.New("an entry that nobody foresaw")
	_, err := upgraded(path, 1, migration{From: 0, Name: "rename people", Run: moves(func(done int) error {
		if done == 2 {
			return broken
		}
		return nil
	})})
	if !errors.Is(err, broken) {
		t.Fatalf("error %v, want the step's", err)
	}
	for _, part := range []string{"rename people", "version 0", path, "as it was"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	if !bytes.Equal(content(t, path), before) {
		t.Error("the database has changed")
	}
	if got := beside(t, path); len(got) > 0 {
		t.Errorf("left behind: %q", got)
	}
	// A result that is not sound is no result: here an index that lacks its entry.
	_, err = upgraded(path, 1, migration{From: 0, Name: "rename people", Run: moves(nothing)}.then(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte(Tokens.name))
		if err != nil {
			return err
		}
		return b.Put([]byte("t_1"), []byte(`{"id":"t_1","hash":"c0ffee","source":"okta"}`))
	}))
	if err == nil || !strings.Contains(err.Error(), "not sound") || !bytes.Equal(content(t, path), before) {
		t.Errorf("a result with a broken index: %v", err)
	}
	// The next start tries the same step again.
	s, err := upgraded(path, 1, migration{From: 0, Name: "rename people", Run: moves(nothing)})
	if err != nil {
		t.Fatalf("the second try: %v", err)
	}
	s.Close()
}

// then is a step with more at its end.
func (m migration) then(more func(*bbolt.Tx) error) migration {
	run := m.Run
	m.Run = func(tx *bbolt.Tx, after []byte) ([]byte, error) {
		next, err := run(tx, after)
		if err == nil && next == nil {
			err = more(tx)
		}
		return next, err
	}
	return m
}

// upgradeEnv makes the test binary a process that dies in the middle of an upgrade.
const upgradeEnv = "ROLLCALL_TEST_UPGRADE_AND_DIE"

func upgradeAndDie(path string) int {
	_, err := upgraded(path, 1, migration{From: 0, Name: "rename people", Run: moves(func(done int) error {
		if done == 2 {
			return syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		return nil
	})})
	fmt.Println("still there", err)
	return 1
}

func TestUpgradeThatIsKilledBeginsAnew(t *testing.T) {
	path := versionZero(t)
	before := content(t, path)
	dies := exec.Command(os.Args[0])
	dies.Env = append(os.Environ(), upgradeEnv+"="+path)
	out, err := dies.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the process was not killed: %v: %s", err, out)
	}
	if !bytes.Equal(content(t, path), before) {
		t.Fatal("the database has changed")
	}
	if got := beside(t, path); len(got) != 1 || got[0] != filepath.Base(upgrading(path)) {
		t.Errorf("it left %q behind, want what it was writing", got)
	}
	parts := 0
	s, err := upgraded(path, 1, migration{From: 0, Name: "rename people", Run: moves(func(int) error { parts++; return nil })})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if parts != 4 || valueAt(t, s, "renamed", "1") != "ada" {
		t.Errorf("the next start did %d parts, want all 4 from the beginning", parts)
	}
	if got := beside(t, path); len(got) != 1 || got[0] != filepath.Base(keptAs(path, 0)) {
		t.Errorf("beside the database stand %q", got)
	}
}

func TestTheProgramOfBeforeClearsAwayAnUpgradeThatWasCutOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	create(t, path)
	if err := os.WriteFile(upgrading(path), []byte("half of everybody's data"), 0o600); err != nil {
		t.Fatal(err)
	}
	create(t, path)
	if got := beside(t, path); len(got) > 0 {
		t.Errorf("left behind: %q", got)
	}
}

func TestUpgradeOnAFullDiskLeavesTheDatabaseUntouched(t *testing.T) {
	dir := smallDisk(t, 16)
	path := filepath.Join(dir, FileName)
	if err := os.WriteFile(path, content(t, versionZero(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	before := content(t, path)
	n := 0
	grow := migration{From: 0, Name: "grow", Run: func(tx *bbolt.Tx, _ []byte) ([]byte, error) {
		b, err := tx.CreateBucketIfNotExists([]byte("grown"))
		n++
		if n > 64 {
			return nil, errors.New("64 MiB fit into 16")
		}
		return []byte("more"), errors.Join(err, b.Put(fmt.Append(nil, n), make([]byte, 1<<20)))
	}}
	_, err := upgraded(path, 1, grow)
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "as it was") {
		t.Errorf("error %v, want that the disk is full", err)
	}
	if !bytes.Equal(content(t, path), before) || len(beside(t, path)) > 0 {
		t.Errorf("the database has changed, or %q were left behind", beside(t, path))
	}
	// When there is no room even for the copy, it does not begin.
	if err := os.WriteFile(filepath.Join(dir, "filler"), make([]byte, 10<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := upgraded(path, 1, grow); err == nil || !strings.Contains(err.Error(), "make room") {
		t.Errorf("error %v, want that room is to be made", err)
	}
}

func TestUpgradeWithoutAKnownStepTouchesNothing(t *testing.T) {
	path := versionZero(t)
	before := content(t, path)
	_, err := upgraded(path, 1, migration{From: 7, Name: "of the future", Run: moves(nothing)})
	if err == nil || !strings.Contains(err.Error(), "schema version 0") || !strings.Contains(err.Error(), "install the release") {
		t.Errorf("error %v does not say what is missing and what to do", err)
	}
	if got := beside(t, path); len(got) > 0 {
		t.Errorf("copies were written for nothing: %v", got)
	}
	if !bytes.Equal(content(t, path), before) {
		t.Error("the file was written to")
	}
	if _, err := Open(path, Options{}); err == nil {
		t.Error("Open takes a version that no step leads from")
	}
}

func TestUpgradeDoesNotTakeTheNameWhenTheOldFileCannotBeKept(t *testing.T) {
	path := versionZero(t)
	before := content(t, path)
	// The name of the copy is taken by something that cannot be replaced.
	if err := mkdirWithFile(keptAs(path, 0)); err != nil {
		t.Fatal(err)
	}
	_, err := upgraded(path, 1, migration{From: 0, Name: "rename people", Run: moves(nothing)})
	if err == nil || !bytes.Equal(content(t, path), before) {
		t.Errorf("error %v, and the database changed: %t", err, !bytes.Equal(content(t, path), before))
	}
	if got := beside(t, path); len(got) != 1 {
		t.Errorf("left behind: %q", got)
	}
}

func TestReadOnlyOpeningUpgradesNothing(t *testing.T) {
	path := versionZero(t)
	_, err := Open(path, Options{ReadOnly: true, schema: &schema{1, []migration{{From: 0, Name: "rename people", Run: moves(nothing)}}}})
	if err == nil || !strings.Contains(err.Error(), "schema version 0") {
		t.Errorf("error %v does not say that the database must be brought up to date first", err)
	}
	if got := beside(t, path); len(got) > 0 {
		t.Errorf("opening to read wrote %v", got)
	}
}

// Whoever waits for the lock holds the file of before when another has taken its
// name: what it wrote there would be lost.
func TestOpeningWaitsForTheFileThatHasTheName(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	first, err := Open(path, Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	type result struct {
		s   *Store
		err error
	}
	opened := make(chan result)
	go func() {
		// checkWhole waits first, and then opens the file once more.
		db, err := openFile(path, Options{NoSync: true, LockTimeout: time.Minute, schema: &released})
		opened <- result{&Store{db: db, path: path}, err}
	}()
	for deadline := time.Now().Add(20 * time.Second); opensOf(t, path) < 2; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("nobody waits for the lock")
		}
	}
	other := filepath.Join(filepath.Dir(path), "other.db")
	create(t, other)
	alter(t, other, func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(metaBucket)).Put([]byte("instance"), []byte("the new one"))
	})
	if err := errors.Join(os.Rename(other, path), first.Close()); err != nil {
		t.Fatal(err)
	}
	r := <-opened
	if r.err != nil {
		t.Fatal(r.err)
	}
	defer r.s.Close()
	if got := r.s.Meta("instance"); got != "the new one" {
		t.Errorf("it works on a file without a name, of instance %q", got)
	}
}

// opensOf counts how often this process has a file open.
func opensOf(t *testing.T, path string) int {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skipf("this system does not tell which files are open: %v", err)
	}
	n := 0
	for _, fd := range fds {
		if to, err := os.Readlink(filepath.Join("/proc/self/fd", fd.Name())); err == nil && to == path {
			n++
		}
	}
	return n
}

// smallDisk mounts a filesystem of a few megabytes and returns its directory.
func smallDisk(t *testing.T, megabytes int) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounting a small filesystem takes root; the test runs where there is one, as in CI")
	}
	dir := t.TempDir()
	if err := syscall.Mount("rollcall-test", dir, "tmpfs", 0, fmt.Sprintf("size=%dm,mode=0750", megabytes)); err != nil {
		t.Skipf("this kernel or container mounts nothing: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}
