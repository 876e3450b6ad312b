package store

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

// holdEnv makes the test binary a process that only holds a database open.
const holdEnv = "ROLLCALL_TEST_HOLD_DATABASE"

func TestMain(m *testing.M) {
	if path := os.Getenv(holdEnv); path != "" {
		os.Exit(holdDatabase(path))
	}
	if path := os.Getenv(upgradeEnv); path != "" {
		os.Exit(upgradeAndDie(path))
	}
	os.Exit(m.Run())
}

// holdDatabase opens a database, says so on stdout and holds it until stdin ends.
func holdDatabase(path string) int {
	s, err := Open(path, Options{})
	if err != nil {
		io.WriteString(os.Stdout, err.Error()+"\n")
		return 1
	}
	io.WriteString(os.Stdout, "open\n")
	io.Copy(io.Discard, os.Stdin)
	s.Close()
	return 0
}

// open returns a store in a fresh directory, checked and closed at the end.
func open(t *testing.T) *Store {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), FileName))
}

func openAt(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(path, Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.Check(), s.CheckIndexes(), s.Close()); err != nil {
			t.Error(err)
		}
	})
	return s
}

func update(t *testing.T, s *Store, fn func(*Tx) error) {
	t.Helper()
	if err := s.Update(fn); err != nil {
		t.Fatal(err)
	}
}

func view(t *testing.T, s *Store, fn func(*Tx) error) {
	t.Helper()
	if err := s.View(fn); err != nil {
		t.Fatal(err)
	}
}

// alter changes a database file behind the store's back.
func alter(t *testing.T, path string, fn func(*bbolt.Tx) error) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoSync: true, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(fn), db.Close()); err != nil {
		t.Fatal(err)
	}
}

// refused opens a database that must not open and returns what was said.
func refused(t *testing.T, path string) error {
	t.Helper()
	s, err := Open(path, Options{NoSync: true, LockTimeout: time.Second})
	if err == nil {
		s.Close()
		t.Fatal("the file was opened")
	}
	if !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%q is not one line that names the file", err)
	}
	return err
}

func TestNewDatabaseGetsBucketsAndVersionInOneTransaction(t *testing.T) {
	at := time.Date(2026, 11, 22, 9, 30, 0, 0, time.FixedZone("", 3600))
	path := filepath.Join(t.TempDir(), "data", FileName)
	s, err := Open(path, Options{NoSync: true, Now: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	// bbolt writes the two meta pages of a new file as transactions 0 and 1; the
	// only one after them must have brought everything.
	err = s.db.View(func(tx *bbolt.Tx) error {
		if tx.ID() != 2 {
			t.Errorf("opening a new database took transactions up to %d, want one: 2", tx.ID())
		}
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
	if got := s.Meta("version"); got != strconv.Itoa(Version) {
		t.Errorf("version %q, want %d", got, Version)
	}
	if got := s.Meta("created"); got != "2026-11-22T08:30:00Z" {
		t.Errorf("created %q", got)
	}
	if len(s.Secret()) != 32 || s.Meta("instance") == "" || s.Meta("epoch") == "" {
		t.Error("secret, instance or epoch is missing")
	}
	for name, mode := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o750} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != mode {
			t.Errorf("%s has mode %o, want %o", filepath.Base(name), got, mode)
		}
	}
}

func TestReopenedDatabaseKeepsSecretInstanceAndEpoch(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	first, err := Open(path, Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	secret, instance, epoch := string(first.Secret()), first.Meta("instance"), first.Meta("epoch")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again := openAt(t, path)
	if string(again.Secret()) != secret || again.Meta("instance") != instance || again.Meta("epoch") != epoch {
		t.Error("opening the database again changed its secret, instance or epoch")
	}
	other := open(t)
	if string(other.Secret()) == secret || other.Meta("instance") == instance {
		t.Error("two databases have the same secret or instance")
	}
}

func TestNewerDatabaseIsRefusedAndNotTouched(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	create(t, path)
	alter(t, path, func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(metaBucket)).Put([]byte("version"), []byte(strconv.Itoa(Version+1)))
	})
	before := content(t, path)
	var newer *VersionError
	if err := refused(t, path); !errors.As(err, &newer) {
		t.Fatalf("error %v, want a VersionError", err)
	}
	if newer.Found != Version+1 || newer.Know != Version {
		t.Errorf("found %d and know %d, want %d and %d", newer.Found, newer.Know, Version+1, Version)
	}
	if string(content(t, path)) != string(before) {
		t.Error("a refused file was written to")
	}
}

func TestUnreadableVersionIsRefused(t *testing.T) {
	for name, raw := range map[string]string{"missing": "", "a word": "one", "a fraction": "1.0"} {
		path := filepath.Join(t.TempDir(), FileName)
		create(t, path)
		alter(t, path, func(tx *bbolt.Tx) error {
			meta := tx.Bucket([]byte(metaBucket))
			if raw == "" {
				return meta.Delete([]byte("version"))
			}
			return meta.Put([]byte("version"), []byte(raw))
		})
		if err := refused(t, path); !strings.Contains(err.Error(), "restore a backup") {
			t.Errorf("%s: %q does not say what to do", name, err)
		}
	}
}

func TestDatabaseOfAnotherProgramIsRefusedAndNotTouched(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	alter(t, path, func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket([]byte("wallets"))
		if err != nil {
			return err
		}
		return b.Put([]byte("k"), []byte("v"))
	})
	before := content(t, path)
	if err := refused(t, path); !strings.Contains(err.Error(), "another program") {
		t.Errorf("%q does not say whose file it is", err)
	}
	if string(content(t, path)) != string(before) {
		t.Error("another program's file was written to")
	}
}

func TestDamagedFileIsRefusedWithASentence(t *testing.T) {
	whole := filepath.Join(t.TempDir(), FileName)
	create(t, whole)
	good := content(t, whole)
	page := os.Getpagesize()
	for name, bad := range map[string][]byte{
		"zeros":                  make([]byte, len(good)),
		"a text":                 []byte("this is not a database"),
		"cut inside the first":   good[:100],
		"cut after the header":   good[:64],
		"both meta pages broken": append(make([]byte, 2*page), good[2*page:]...),
		"another magic number":   flipped(flipped(good, 16), page+16),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), FileName)
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := refused(t, path); !strings.Contains(err.Error(), "restore a backup") {
				t.Errorf("%q does not say what to do", err)
			}
			if string(content(t, path)) != string(bad) {
				t.Error("a damaged file was written to")
			}
		})
	}
}

func TestOneBrokenMetaPageIsSurvived(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	create(t, path)
	// The older of the two meta pages is what a torn write of the newer one
	// falls back to; losing it costs nothing.
	raw := flipped(content(t, path), os.Getpagesize()+20)
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	openAt(t, path)
}

func TestReadOnlyOpensWithoutWriting(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	create(t, path)
	before := content(t, path)
	s, err := Open(path, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Update(func(*Tx) error { return nil }); err == nil {
		t.Error("a read-only database took a write transaction")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if string(content(t, path)) != string(before) {
		t.Error("reading changed the file")
	}
}

func TestDatabaseInUseByAnotherProcessIsNamedAndFreedByItsDeath(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	holder := exec.Command(self)
	holder.Env = append(os.Environ(), holdEnv+"="+path)
	in, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	defer holder.Process.Kill()
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "open\n" || err != nil {
		t.Fatalf("the holder said %q, %v", line, err)
	}

	started := time.Now()
	_, err = Open(path, Options{LockTimeout: 100 * time.Millisecond})
	var locked *LockedError
	if !errors.As(err, &locked) || locked.Path != path {
		t.Fatalf("error %v, want a LockedError of %s", err, path)
	}
	if took := time.Since(started); took > 10*time.Second {
		t.Errorf("it took %v to say so", took)
	}

	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	holder.Wait()
	openAt(t, path)
}

// create leaves a sound empty database at path.
func create(t *testing.T, path string) {
	t.Helper()
	s, err := Open(path, Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func content(t *testing.T, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// flipped returns a copy of raw with one byte changed.
func flipped(raw []byte, at int) []byte {
	out := append([]byte{}, raw...)
	out[at] ^= 0xff
	return out
}
