package store

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// Version is the schema version this program reads and writes.
const Version = 2

// FileName is the name of the database inside the data directory.
const FileName = "rollcall.db"

// buckets is filled while the package initialises its tables, and constant then.
var buckets []string

func register(name string) { buckets = append(buckets, name) }

const (
	metaBucket     = "meta"
	settingsBucket = "settings"
	missingBucket  = "missing"
	countsBucket   = "counts"
	requestsBucket = "requests"
)

// Store is the open database. It is safe for concurrent use: any number of
// readers beside one writer.
type Store struct {
	db     *bbolt.DB
	path   string
	secret []byte
	now    func() time.Time
	queue  queue // of changes that share transactions
	// waiting is how many want to write and cannot begin.
	waiting atomic.Int32
}

// Options adjust how a database is opened.
type Options struct {
	// LockTimeout is how long to wait for another process to let go; 0 means 2 s.
	LockTimeout time.Duration
	// Now is the clock for created and epoch marks; nil means time.Now.
	Now func() time.Time
	// NoSync turns fsync off. For tests of logic only: nothing is durable then.
	NoSync bool
	// ReadOnly opens without the right to change anything, beside nobody.
	ReadOnly bool
	// Upgrading is told before an older schema is brought up to date, which takes
	// minutes when there are very many people; nil: nobody is.
	Upgrading func(from, to int)

	schema *schema // nil: the one of this program; for tests of others
}

// LockedError says that another process has the database open.
type LockedError struct{ Path string }

func (e *LockedError) Error() string {
	return fmt.Sprintf("%s is in use by another process, most likely a running rollcall; stop it first, or use the commands that talk to it (rollcall status)", e.Path)
}

// VersionError says that the database was written by a newer program.
type VersionError struct {
	Path        string
	Found, Know int
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("%s has schema version %d and this program knows up to %d; install the newer rollcall, or restore a backup taken before the upgrade", e.Path, e.Found, e.Know)
}

// Open opens the database at path, creating it (mode 0600) and its directory
// (mode 0750) when they do not exist, and brings an older schema up to date in a
// verified copy that takes its place; the file of before stays beside it.
func Open(path string, opts Options) (s *Store, err error) {
	// bbolt checks the pages it meets by panicking.
	defer func() {
		if r := recover(); r != nil {
			s, err = nil, fmt.Errorf("%s is damaged (%v); move it away and restore a backup", path, r)
		}
	}()
	if opts.LockTimeout == 0 {
		opts.LockTimeout = 2 * time.Second
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("data directory: %w; create it and give it to the user rollcall runs as", err)
	}
	if opts.schema == nil {
		opts.schema = &released
	}
	if err := checkWhole(path, opts.LockTimeout); err != nil {
		return nil, err
	}
	db, err := openFile(path, opts)
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, &LockedError{Path: path}
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("open %s: permission denied; it must belong to the user rollcall runs as", path)
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrVersionMismatch):
		return nil, fmt.Errorf("%s is not a rollcall database or is damaged (%w); move it away and restore a backup", path, err)
	case err != nil:
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	opened := &Store{db: db, path: path, now: opts.Now}
	prepared := false
	defer func() {
		if !prepared {
			_ = opened.db.Close() // which may be another by now
		}
	}()
	if err := opened.prepare(opts); err != nil {
		return nil, err
	}
	prepared = true
	if !opts.ReadOnly {
		removeScratch(path)
	}
	return opened, nil
}

// openFile opens and locks the file that has the name. Whoever waited for the lock
// while another process put a new file in its place (a restore, a compaction, an
// upgrade) holds one without a name, and opens again.
func openFile(path string, opts Options) (*bbolt.DB, error) {
	for range 3 {
		var opened *os.File
		db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: opts.LockTimeout, NoSync: opts.NoSync, ReadOnly: opts.ReadOnly, FreelistType: bbolt.FreelistMapType,
			PreLoadFreelist: opts.ReadOnly, // bbolt leaves it out then, and nothing would be free
			OpenFile: func(name string, flag int, mode fs.FileMode) (f *os.File, err error) {
				opened, err = os.OpenFile(name, flag, mode)
				return opened, err
			}})
		if err != nil {
			return nil, err
		}
		have, err := opened.Stat()
		if err == nil {
			var named fs.FileInfo
			if named, err = os.Stat(path); err == nil && os.SameFile(have, named) {
				return db, nil
			}
		}
		if err := errors.Join(db.Close(), err); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("another process puts new files in its place all the time")
}

// checkWhole refuses a file that was cut off. Reading beyond its end through the
// memory map would kill the process, so this looks at the first pages only, in a
// mode that loads nothing else.
func checkWhole(path string, timeout time.Duration) error {
	info, err := os.Stat(path)
	if err != nil || info.Size() == 0 {
		return nil // not there yet, or about to be created; anything else Open tells
	}
	if info.Size() < 2*int64(os.Getpagesize()) {
		return fmt.Errorf("%s is cut off or no database; move it away and restore a backup", path)
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: timeout, ReadOnly: true})
	if err != nil {
		return nil // Open meets the same and says it
	}
	defer db.Close()
	return db.View(func(tx *bbolt.Tx) error {
		if tx.Size() > info.Size() {
			return fmt.Errorf("%s is cut off: it has %d of %d bytes; move it away and restore a backup", path, info.Size(), tx.Size())
		}
		return nil
	})
}

// prepare creates the buckets of a new database, refuses a newer one and
// migrates an older one. The version is written in the transaction that creates
// the buckets, so a database without one is not ours.
func (s *Store) prepare(opts Options) error {
	known, readOnly := opts.schema.version, opts.ReadOnly
	version, empty := 0, false
	err := s.db.View(func(tx *bbolt.Tx) error {
		meta := tx.Bucket([]byte(metaBucket))
		if meta == nil {
			k, _ := tx.Cursor().First()
			empty = k == nil
			if !empty {
				return fmt.Errorf("%s is a bbolt file of another program; name another data_dir", s.path)
			}
			return nil
		}
		n, err := strconv.Atoi(string(meta.Get([]byte("version"))))
		if err != nil {
			return fmt.Errorf("%s has no readable schema version; restore a backup", s.path)
		}
		version = n
		s.secret = append([]byte{}, meta.Get([]byte("secret"))...)
		return nil
	})
	if err != nil {
		return err
	}
	switch {
	case empty && readOnly:
		return fmt.Errorf("%s is empty", s.path)
	case empty:
		return s.create()
	case version > known:
		return &VersionError{Path: s.path, Found: version, Know: known}
	case version < known && readOnly:
		return fmt.Errorf("%s has schema version %d and must be brought up to version %d first; start rollcall run once", s.path, version, known)
	case readOnly:
		return nil
	case version < known:
		if opts.Upgrading != nil {
			opts.Upgrading(version, known)
		}
		return s.migrate(version, *opts.schema)
	}
	// What an upgrade that was cut off has left behind.
	return errors.Join(removeIfThere(upgrading(s.path)), s.ensureBuckets())
}

func (s *Store) create() error {
	secret := make([]byte, 32)
	rand.Read(secret)
	err := s.db.Update(func(tx *bbolt.Tx) error {
		meta, err := tx.CreateBucket([]byte(metaBucket))
		if err != nil {
			return err
		}
		for k, v := range map[string]string{
			"version": strconv.Itoa(Version), "created": s.now().UTC().Format(time.RFC3339),
			"instance": NewID("i"), "epoch": NewID("e"), "secret": string(secret),
		} {
			if err := meta.Put([]byte(k), []byte(v)); err != nil {
				return err
			}
		}
		for _, name := range allBuckets() {
			if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("create %s: %w", s.path, err)
	}
	s.secret = secret
	return nil
}

// ensureBuckets adds buckets that this program knows and the file lacks: new
// empty tables need no schema version. It writes only when one is missing.
func (s *Store) ensureBuckets() error {
	missing := false
	_ = s.db.View(func(tx *bbolt.Tx) error {
		for _, name := range allBuckets() {
			missing = missing || tx.Bucket([]byte(name)) == nil
		}
		return nil
	})
	if !missing {
		return nil
	}
	return s.db.Update(func(tx *bbolt.Tx) error {
		for _, name := range allBuckets() {
			if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
				return err
			}
		}
		return nil
	})
}

func allBuckets() []string {
	return append([]string{settingsBucket, missingBucket, countsBucket, requestsBucket}, buckets...)
}

// Close waits for running transactions and closes the file.
func (s *Store) Close() error { return s.db.Close() }

// Path returns the path of the database file.
func (s *Store) Path() string { return s.path }

// Secret is the key of keyed digests, random per database. It must not leave
// the process.
func (s *Store) Secret() []byte { return s.secret }

// Tx is one transaction. It is not safe for concurrent use.
type Tx struct {
	tx    *bbolt.Tx
	cache map[string]bucket
	// wrote says that a bucket was opened for writing: what has to be undone if
	// one of several changes in this transaction fails.
	wrote bool
	put   int // the bytes of what was written, keys and values
	memo  memo
	// rehearsal says that nothing of what is written stays; scratch is where it goes.
	rehearsal bool
	scratch   *scratch
}

func newTx(tx *bbolt.Tx) *Tx {
	if !tx.Writable() {
		return &Tx{tx: tx, cache: map[string]bucket{}}
	}
	return &Tx{tx: tx, cache: make(map[string]bucket, 32), memo: newMemo()}
}

// readable is what can be done with a bucket without changing it, so that no
// write escapes [Tx.writable].
type readable interface {
	Get(key []byte) []byte
	Cursor() cursor
	Stats() bbolt.BucketStats
	Sequence() uint64
}

func (t *Tx) bucket(name string) readable { return t.open(name) }

// writable returns a bucket to write to and remembers that somebody did.
func (t *Tx) writable(name string) bucket {
	t.wrote = true
	return t.open(name)
}

func (t *Tx) open(name string) bucket {
	if b := t.cache[name]; b != nil {
		return b
	}
	var b bucket = onDisk{Bucket: t.tx.Bucket([]byte(name)), put: &t.put}
	if t.rehearsal {
		b = newRehearsed(b, &t.scratch.size)
	}
	t.cache[name] = b
	return b
}

// OnCommit runs fn after the transaction is on disk, which a rehearsal never is.
func (t *Tx) OnCommit(fn func()) {
	if !t.rehearsal {
		t.tx.OnCommit(fn)
	}
}

// Update runs fn in a write transaction. What fn wrote is on disk when Update
// returns nil, and nothing of it is when it returns an error.
func (s *Store) Update(fn func(*Tx) error) error {
	s.waiting.Add(1)
	begun := false
	defer func() {
		if !begun { // the transaction could not begin
			s.waiting.Add(-1)
		}
	}()
	err := s.db.Update(func(b *bbolt.Tx) error {
		begun = true
		s.waiting.Add(-1)
		tx := newTx(b)
		if err := fn(tx); err != nil {
			return err
		}
		tx.memo.check()
		return nil
	})
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("%w: nothing of this change is stored; make room on the disk of the database, then try again", err)
	}
	return err
}

// Awaited reports whether somebody waits for the transaction of writing that is under
// way: a long change then ends its part and lets them go first.
func (s *Store) Awaited() bool { return s.waiting.Load() > 0 }

// LargeAt is from how many bytes in memory on a transaction of writing counts as
// large. It is a variable for tests, which make it small before anything is written.
var LargeAt = 96 << 20

// pageCost is about what bbolt keeps in memory, until the transaction ends, for each
// page that something is written to: a page of 4 KiB, taken apart and put together.
const pageCost = 8 << 10

// Large reports whether the transaction of writing has grown so much that a long
// change had better end its part with it. The longer a transaction, the fewer pages of
// the indexes are written again and again, and the more memory it takes: in a company
// of ten thousand all entries of an index share a hundred pages, in one of a million
// each has nearly one of its own.
func (t *Tx) Large() bool {
	stats := t.tx.Stats()
	return t.put+int(stats.GetNodeCount())*pageCost >= LargeAt
}

// View runs fn in a read transaction. fn must not call Update of the same
// store, which would deadlock, nor wait for anything.
func (s *Store) View(fn func(*Tx) error) error {
	return s.db.View(func(tx *bbolt.Tx) error {
		return fn(newTx(tx))
	})
}

var errRollback = errors.New("roll back")

// Try runs fn in a write transaction that is always rolled back: what would
// happen, without it happening.
func (s *Store) Try(fn func(*Tx) error) error {
	err := s.Update(func(tx *Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return errRollback
	})
	if errors.Is(err, errRollback) {
		return nil
	}
	return err
}

// Rehearse runs fn as [Store.Update] would, and nothing of it happens: what fn
// writes is kept in memory, or in a file that is gone with it (see [Tx.Unload]), and
// forgotten. Unlike [Store.Try] it does not hold up
// those who write meanwhile, and does not see what they write; only the rare write
// for which the map of the file must grow waits for it, as for every reader.
func (s *Store) Rehearse(fn func(*Tx) error) error {
	return s.db.View(func(b *bbolt.Tx) error {
		tx := newTx(b)
		tx.rehearsal, tx.memo, tx.scratch = true, newMemo(), &scratch{store: s}
		defer tx.scratch.close()
		if err := fn(tx); err != nil {
			return err
		}
		tx.memo.check()
		return nil
	})
}

// Rehearsal reports whether the transaction only seems to change anything.
func (t *Tx) Rehearsal() bool { return t.rehearsal }

// Meta returns one of the meta values: version, created, instance, epoch.
func (s *Store) Meta(name string) string {
	var v string
	_ = s.db.View(func(tx *bbolt.Tx) error {
		v = string(tx.Bucket([]byte(metaBucket)).Get([]byte(name)))
		return nil
	})
	return v
}

// Size returns the size of the file in bytes, as the database sees it.
func (s *Store) Size() int64 {
	var n int64
	_ = s.db.View(func(tx *bbolt.Tx) error { n = tx.Size(); return nil })
	return n
}

// Space is what the file takes, in bytes.
type Space struct {
	File int64
	Free int64 // of it in pages that are used again before the file grows
}

// Space returns what the file takes and how much of that is free.
func (s *Store) Space() Space {
	space := Space{File: s.Size()}
	st := s.db.Stats()
	space.Free = int64(st.FreePageN+st.PendingPageN) * int64(s.db.Info().PageSize)
	return space
}

// Check walks every page and reports what is wrong with the file itself, while the
// store is in use. It does not ask bbolt, whose own check reads what it keeps in
// memory of free pages and must not run beside a writer: that finds damage where
// there is none, or ends the process. It reads the file instead, within a read
// transaction, because of which no page of this moment is used again meanwhile.
func (s *Store) Check() error {
	return s.db.View(func(*bbolt.Tx) error {
		f, err := os.Open(s.path)
		if err != nil {
			return err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		return checkEveryPage(f, info.Size())
	})
}

// Setting decodes a run-time setting into v and reports whether it is set.
func (t *Tx) Setting(name string, v any) (bool, error) {
	raw := t.bucket(settingsBucket).Get([]byte(name))
	if raw == nil {
		return false, nil
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return false, fmt.Errorf("store: setting %s cannot be read: %w", name, err)
	}
	return true, nil
}

// SetSetting stores a run-time setting.
func (t *Tx) SetSetting(name string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("store: encode setting %s: %w", name, err)
	}
	return t.writable(settingsBucket).Put([]byte(name), raw)
}

// SettingsNamed returns the names of the run-time settings that begin with prefix,
// without it.
func (t *Tx) SettingsNamed(prefix string) (names []string) {
	c := t.bucket(settingsBucket).Cursor()
	for k, _ := c.Seek([]byte(prefix)); k != nil && strings.HasPrefix(string(k), prefix); k, _ = c.Next() {
		names = append(names, string(k[len(prefix):]))
	}
	return names
}

// DropSetting forgets a run-time setting.
func (t *Tx) DropSetting(name string) error {
	if t.bucket(settingsBucket).Get([]byte(name)) == nil {
		return nil
	}
	return t.writable(settingsBucket).Delete([]byte(name))
}

// Missing returns how many complete reads in a row did not list a native id.
func (t *Tx) Missing(source, native string) int {
	raw := t.bucket(missingBucket).Get(Key(source, native))
	if len(raw) != 8 {
		return 0
	}
	return int(binary.BigEndian.Uint64(raw))
}

// SetMissing stores the number of complete reads in a row without a native id;
// zero forgets it.
func (t *Tx) SetMissing(source, native string, n int) error {
	if n == 0 {
		return t.writable(missingBucket).Delete(Key(source, native))
	}
	return t.writable(missingBucket).Put(Key(source, native), Seq(uint64(n)))
}

// MissingOf yields the native ids of a source that the last complete reads did
// not list.
func (t *Tx) MissingOf(source string) []string {
	var out []string
	prefix := Prefix(source)
	c := t.bucket(missingBucket).Cursor()
	for k, _ := c.Seek(prefix); k != nil && strings.HasPrefix(string(k), string(prefix)); k, _ = c.Next() {
		out = append(out, string(k[len(prefix):]))
	}
	return out
}

var idEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewID returns an id such as "p_0034n7b…": the millisecond of its making and ten
// random bytes, in 26 letters behind the prefix. Ids that leave the building are
// never a sequence, because a restored backup would issue a remembered id again,
// and nobody can guess one. What is made together stands together in the tables:
// with wholly random ids each new person would touch a page of its own in every
// one of them.
func NewID(prefix string) string {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:], uint64(time.Now().UnixMilli())<<16)
	rand.Read(raw[6:])
	return prefix + "_" + idEncoding.EncodeToString(raw[:])
}
