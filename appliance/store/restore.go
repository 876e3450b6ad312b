package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"filippo.io/age"
	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// ageMark is what every file that age encrypted begins with (age-encryption.org/v1).
const ageMark = "age-encryption.org/"

// Staged is a backup on its way to becoming the database: copied beside it,
// checked whole, brought to this schema version and open for whatever must
// change before it is served. [Staged.Install] or [Staged.Discard] ends it.
type Staged struct {
	// Store is the copy.
	Store *Store
	// Contents is what the backup held.
	Contents Contents
	// Old is the database that will be replaced, locked against everybody else;
	// nil when there is none. Unreadable says why one that is there cannot be read;
	// see [Staged.Carry].
	Old        *Store
	Unreadable error

	path, copy string
	lock       *os.File // held instead of Old's when that cannot be opened
}

// Stage copies the backup in file beside the database at path, decrypting it
// with identities when it is encrypted, and checks the copy. It refuses a
// damaged file with what is wrong, and a database that a running appliance
// holds. Nothing is replaced yet.
func Stage(file, path string, identities []age.Identity, o Options) (s *Staged, err error) {
	switch same, err := sameFile(file, path); {
	case err != nil:
		return nil, fmt.Errorf("restore: %w: name a file that \"rollcall backup\" wrote", err)
	case same:
		return nil, fmt.Errorf("%s is the database itself; name a backup of it", file)
	}
	s = &Staged{path: path}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Discard())
			s = nil
		}
	}()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return s, fmt.Errorf("data directory: %w", err)
	}
	if err := s.hold(o.LockTimeout); err != nil {
		return s, err
	}
	if s.copy, err = unpack(file, filepath.Dir(path), identities); err != nil {
		return s, err
	}
	if s.Contents, err = Inspect(s.copy); err != nil {
		return s, fmt.Errorf("%s cannot be restored: %w", file, named(err, s.copy, file))
	}
	sealed, err := checkSeal(s.copy)
	if err != nil {
		return s, err
	}
	if sealed > 0 {
		if err := os.Truncate(s.copy, sealed); err != nil {
			return s, err
		}
	}
	if s.Store, err = Open(s.copy, o); err != nil {
		return s, fmt.Errorf("%s cannot be restored: %w", file, named(err, s.copy, file))
	}
	if s.Contents.Version < Version {
		err = s.Contents.readUpgraded(s.Store)
	}
	return s, err
}

// named puts the name the operator knows in the place of that of our copy.
func named(err error, ours, theirs string) error {
	text := strings.ReplaceAll(err.Error(), ours+" cannot", "it cannot")
	return errors.New(strings.ReplaceAll(strings.ReplaceAll(text, ours+" ", "it "), ours, theirs))
}

func sameFile(a, b string) (bool, error) {
	x, err := os.Stat(a)
	if err != nil {
		return false, err
	}
	y, err := os.Stat(b)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(x, y), err
}

// hold locks the database that will be replaced, and opens it as it is where it
// can be opened: a restore is often made because it cannot.
func (s *Staged) hold(timeout time.Duration) error {
	if _, err := os.Stat(s.path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if timeout == 0 {
		timeout = 2 * time.Second
	}
	err := s.openOld(timeout)
	if errors.Is(err, bolterrors.ErrTimeout) {
		return &LockedError{Path: s.path}
	}
	s.Unreadable = err
	if err == nil || s.Old != nil {
		return nil
	}
	f, err := os.OpenFile(s.path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return &LockedError{Path: s.path}
	}
	s.lock = f
	return nil
}

func (s *Staged) openOld(timeout time.Duration) (err error) {
	if err := soundLayout(s.path); err != nil {
		return fmt.Errorf("%s is not a rollcall database or is damaged: %w", s.path, err)
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s is damaged: %v", s.path, r)
		}
	}()
	db, err := bbolt.Open(s.path, 0o600, &bbolt.Options{Timeout: timeout})
	if err != nil {
		return err
	}
	s.Old = &Store{db: db, path: s.path, now: time.Now}
	return db.View(func(tx *bbolt.Tx) error {
		meta := tx.Bucket([]byte(metaBucket))
		if meta == nil {
			return fmt.Errorf("%s is a bbolt file of another program", s.path)
		}
		s.Old.secret = bytes.Clone(meta.Get([]byte("secret")))
		if v := string(meta.Get([]byte("version"))); v != strconv.Itoa(Version) {
			return fmt.Errorf("%s has schema version %s", s.path, v)
		}
		return nil
	})
}

// Carry hands the database that will be replaced to fn, when it can be read, and
// says why it cannot. Damage met on the way is an error, not the end.
func (s *Staged) Carry(fn func(old *Tx) error) (err error) {
	if s.Old == nil || s.Unreadable != nil {
		return s.Unreadable
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s is damaged: %v", s.path, r)
		}
	}()
	return s.Old.View(fn)
}

// unpack copies file into dir, decrypted, and returns the name of the copy.
func unpack(file, dir string, identities []age.Identity) (name string, err error) {
	in, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer in.Close()
	var from io.Reader = in
	head := make([]byte, len(ageMark))
	if _, err := io.ReadFull(in, head); err != nil {
		return "", fmt.Errorf("%s is too short to be a backup", file)
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	if string(head) == ageMark {
		if len(identities) == 0 {
			return "", fmt.Errorf("%s is encrypted: name the file with the age identity (the private key) in --identity", file)
		}
		if from, err = age.Decrypt(in, identities...); err != nil {
			return "", fmt.Errorf("%s cannot be decrypted: %w", file, err)
		}
	}
	out, err := os.CreateTemp(dir, ".rollcall-restore-*")
	if err != nil {
		return "", err
	}
	_, err = io.Copy(out, from)
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		os.Remove(out.Name())
		return "", fmt.Errorf("copy %s: %w", file, err)
	}
	return out.Name(), nil
}

// Install puts the copy in the place of the database and returns the name under
// which the replaced one is kept; empty when there was none. There is no moment
// at which no database is there.
func (s *Staged) Install(at time.Time) (kept string, err error) {
	if err := s.Store.db.Sync(); err != nil {
		return "", err
	}
	if err := s.Store.Close(); err != nil {
		return "", err
	}
	if err := likeTheOwner(s.copy, s.path); err != nil {
		return "", fmt.Errorf("give the database its owner: %w", err)
	}
	if _, err := os.Stat(s.path); err == nil {
		kept = fmt.Sprintf("%s.replaced-%s", s.path, at.UTC().Format("20060102T150405Z"))
		if err := os.Link(s.path, kept); err != nil {
			return "", fmt.Errorf("keep the database that is replaced: %w", err)
		}
	}
	if err := os.Rename(s.copy, s.path); err != nil {
		return kept, err
	}
	err = syncDir(filepath.Dir(s.path))
	s.Store = nil
	return kept, errors.Join(err, s.Discard())
}

// Discard lets go of everything and removes the copy.
func (s *Staged) Discard() error {
	var all []error
	if s.Store != nil {
		all = append(all, s.Store.Close())
	}
	if s.Old != nil {
		all = append(all, s.Old.Close())
	}
	if s.lock != nil {
		all = append(all, s.lock.Close())
	}
	if s.copy != "" {
		leftovers, _ := filepath.Glob(s.copy + "*") // a migration leaves a copy of the copy
		for _, name := range leftovers {
			all = append(all, os.Remove(name))
		}
	}
	s.Store, s.Old, s.lock, s.copy = nil, nil, nil, ""
	return errors.Join(all...)
}

// likeTheOwner gives the file the owner of the database, or of its directory,
// when we may: root restores for a service that runs as somebody else.
func likeTheOwner(file, path string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		info, err = os.Stat(filepath.Dir(path))
	}
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return os.Chown(file, int(owner.Uid), int(owner.Gid))
}

// RenewEpoch begins a new epoch of the database: what targets were told in the
// one before is not known any more. It returns the old one.
func (t *Tx) RenewEpoch() (old string, err error) {
	meta := t.writable(metaBucket)
	old = string(bytes.Clone(meta.Get([]byte("epoch"))))
	return old, meta.Put([]byte("epoch"), []byte(NewID("e")))
}

// SameSecret reports whether two databases make the same keyed digests.
func (s *Store) SameSecret(other *Store) bool { return bytes.Equal(s.secret, other.secret) }

// Fingerprint returns the SHA-256 of a file, in hex: how a backup is named in
// the journal.
func Fingerprint(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	_, err = io.Copy(sum, f)
	return hex.EncodeToString(sum.Sum(nil)), err
}
