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
	"time"

	"filippo.io/age"
	"go.etcd.io/bbolt"
)

// A backup is a copy of the database with a seal behind its last page: one line
// with the number of bytes before it and their SHA-256. bbolt does not look
// behind its pages, so a backup can be opened as it is; the seal tells a file
// that was damaged or cut off on its way from one that was not, byte by byte.
const (
	sealMark   = "\nrollcall backup 1 "
	sealLength = len(sealMark) + 20 + 1 + 2*sha256.Size + 1
)

func sealLine(size int64, sum []byte) []byte {
	return fmt.Appendf(nil, "%s%020d %x\n", sealMark, size, sum)
}

// Backup writes a consistent copy to path while the store is in use, reads it
// back and checks it before it takes its name. An existing file is replaced only
// by a good copy. See [Store.BackupTo].
func (s *Store) Backup(path string) error { return s.BackupTo(path, nil) }

// BackupTo is Backup, encrypted to recipients when there are any. The plain copy
// is checked first, in the directory of the database, and never leaves it; of
// the encrypted one it is checked that the disk holds what was written.
//
// A copy needs as much room as the database. When the file system has less, the
// backup is refused before it takes the last of it from the appliance.
func (s *Store) BackupTo(path string, recipients []age.Recipient) error {
	if same, err := s.isDatabase(path); err != nil || same {
		return fmt.Errorf("backup: %s is the database in use; name another file", path)
	}
	plainDir := filepath.Dir(path)
	if len(recipients) > 0 {
		plainDir = filepath.Dir(s.path)
	}
	if err := s.roomFor(plainDir); err != nil {
		return fmt.Errorf("backup to %s: %w", path, err)
	}
	plain, err := os.CreateTemp(plainDir, tempPattern)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	defer os.Remove(plain.Name())
	defer plain.Close()
	if err := s.copySealed(plain); err != nil {
		return fmt.Errorf("backup to %s: %w", path, err)
	}
	if err := verifyFile(plain.Name()); err != nil {
		return fmt.Errorf("backup to %s: the copy is not sound: %w", path, err)
	}
	made := plain.Name()
	if len(recipients) > 0 {
		if made, err = encryptBeside(path, plain.Name(), recipients); err != nil {
			return fmt.Errorf("backup to %s: %w", path, err)
		}
		defer os.Remove(made)
	}
	if err := os.Rename(made, path); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return syncDir(filepath.Dir(path))
}

// tempPattern names files on their way to becoming a backup or a database.
const tempPattern = ".rollcall-backup-*"

// copySealed writes the database as of one moment, and its seal.
func (s *Store) copySealed(to *os.File) error {
	sum := sha256.New()
	var size int64
	err := s.db.View(func(tx *bbolt.Tx) (err error) {
		size, err = tx.WriteTo(io.MultiWriter(to, sum))
		return err
	})
	if err == nil {
		_, err = to.Write(sealLine(size, sum.Sum(nil)))
	}
	if err == nil {
		err = to.Sync()
	}
	if err == nil {
		err = to.Close()
	}
	return err
}

// encryptBeside encrypts the file plain into a new file in the directory of path
// and returns its name. What is on the disk is read back and compared with what
// was written: nobody here could decrypt it to look.
func encryptBeside(path, plain string, recipients []age.Recipient) (name string, err error) {
	out, err := os.CreateTemp(filepath.Dir(path), tempPattern)
	if err != nil {
		return "", err
	}
	defer func() {
		out.Close()
		if err != nil {
			os.Remove(out.Name())
		}
	}()
	in, err := os.Open(plain)
	if err != nil {
		return "", err
	}
	defer in.Close()
	written := sha256.New()
	w, err := age.Encrypt(io.MultiWriter(out, written), recipients...)
	if err == nil {
		_, err = io.Copy(w, in)
	}
	if err == nil {
		err = w.Close()
	}
	if err == nil {
		err = out.Sync()
	}
	if err != nil {
		return "", fmt.Errorf("encrypt: %w", err)
	}
	stored := sha256.New()
	if _, err = out.Seek(0, io.SeekStart); err == nil {
		_, err = io.Copy(stored, out)
	}
	if err == nil && !bytes.Equal(stored.Sum(nil), written.Sum(nil)) {
		err = errors.New("the disk does not give back what was written to it")
	}
	return out.Name(), err
}

// roomFor refuses a copy that would take the last room of the file system that
// dir is on.
func (s *Store) roomFor(dir string) error {
	free, ok := freeBytes(dir)
	need := s.Size() + s.Size()/16 + 8<<20 // the copy, and what the appliance writes meanwhile
	if ok && free < need {
		return fmt.Errorf("%s has %d MiB of room left and a copy needs %d; make room, or name a directory on another disk", dir, free>>20, need>>20)
	}
	return nil
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

// Contents says what a database file holds.
type Contents struct {
	Version  int    `json:"version"` // of the schema
	Instance string `json:"instance"`
	Epoch    string `json:"epoch"`
	Created  string `json:"created"`
	// Sealed says that the file is a backup whose seal fits; false: a database file.
	Sealed  bool  `json:"sealed"`
	Size    int64 `json:"size"` // in bytes, without the seal
	People  int   `json:"people"`
	Records int   `json:"records"`
	Events  int   `json:"events"`
	// Head is the end of its journal, Newest the time of that event in RFC 3339.
	Head   Head   `json:"head"`
	Newest string `json:"newest,omitempty"`
}

// verifyFile checks a database file that is not in use: its seal when it has
// one, every page, and the journal.
func verifyFile(path string) error {
	if _, err := checkSeal(path); err != nil {
		return err
	}
	return withDamage(path, func(db *bbolt.DB) error {
		if err := checkPages(db); err != nil {
			return err
		}
		return db.View(func(tx *bbolt.Tx) error {
			if tx.Bucket([]byte(metaBucket)) == nil {
				return fmt.Errorf("it has no %s bucket", metaBucket)
			}
			if tx.Bucket([]byte(Journal.name)) == nil {
				return nil // older than the journal
			}
			_, err := newTx(tx).VerifyJournal()
			return err
		})
	})
}

// Inspect checks a file whole and says what is in it: seal, pages, schema
// version, every value, every index and the journal. The file must not be in use.
func Inspect(path string) (Contents, error) {
	c := Contents{}
	size, err := checkSeal(path)
	if err != nil {
		return c, err
	}
	c.Sealed, c.Size = size > 0, size
	err = withDamage(path, func(db *bbolt.DB) error { return c.read(path, db) })
	return c, err
}

func (c *Contents) read(path string, db *bbolt.DB) error {
	err := db.View(func(tx *bbolt.Tx) error {
		c.Size = tx.Size()
		meta := tx.Bucket([]byte(metaBucket))
		if meta == nil {
			return fmt.Errorf("%s is a bbolt file of another program", path)
		}
		version, err := strconv.Atoi(string(meta.Get([]byte("version"))))
		if err != nil {
			return fmt.Errorf("%s has no readable schema version", path)
		}
		c.Version = version
		c.Instance, c.Epoch, c.Created = string(meta.Get([]byte("instance"))), string(meta.Get([]byte("epoch"))), string(meta.Get([]byte("created")))
		if version > Version {
			return &VersionError{Path: path, Found: version, Know: Version}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if c.Version == Version {
		s := &Store{db: db, path: path}
		if err := s.checkTables(); err != nil {
			return err
		}
		err := s.View(func(tx *Tx) (err error) {
			if c.Events, err = tx.VerifyJournal(); err != nil {
				return err
			}
			if c.Head, err = tx.JournalHead(); err != nil {
				return err
			}
			newest, ok, err := Journal.Last(tx)
			if ok {
				c.Newest = newest.At.Format("2006-01-02T15:04:05Z07:00")
			}
			c.People, c.Records = Persons.Count(tx, nil), Records.Count(tx, nil)
			return err
		})
		if err != nil {
			return err
		}
	}
	return checkPages(db)
}

// readUpgraded says what is in a file of an older schema version, which could not be
// read before a copy of it was brought up to date. That this was done is no event of
// the backup.
func (c *Contents) readUpgraded(s *Store) error {
	return s.View(func(tx *Tx) error {
		c.People, c.Records = Persons.Count(tx, nil), Records.Count(tx, nil)
		last, ok, err := Journal.Last(tx)
		if err != nil || !ok {
			return err
		}
		c.Events = Journal.Count(tx, nil) - 1
		before, had, err := Journal.Get(tx, last.Seq-1)
		if err == nil && had {
			c.Head = Head{Seq: before.Seq, Hash: last.Prev}
			c.Newest = before.At.Format(time.RFC3339)
		}
		return err
	})
}

// checkTables is CheckIndexes for a file of this schema version that may have
// been written before a bucket was added: one that is not there is empty.
func (s *Store) checkTables() error {
	return s.View(func(tx *Tx) error {
		var all []error
		for _, c := range tables {
			if c.present(tx) {
				all = append(all, c.checkIndexes(tx))
			}
		}
		return errors.Join(all...)
	})
}

// checkPages walks every page, as [Store.Check] does.
func checkPages(db *bbolt.DB) error {
	return db.View(func(tx *bbolt.Tx) error {
		var found error
		for err := range tx.Check() { // to its end: the check reads on until then
			if found == nil {
				found = err
			}
		}
		return found
	})
}

// withDamage opens a file that may be damaged in any way and hands it to look.
// It is not given to bbolt before its layout was found sound, see [checkLayout];
// what bbolt still meets by panicking becomes an error.
func withDamage(path string, look func(*bbolt.DB) error) (err error) {
	if err := soundLayout(path); err != nil {
		return fmt.Errorf("%s is not a rollcall database or is damaged: %w", path, err)
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s is damaged: %v", path, r)
		}
	}()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, PreLoadFreelist: true})
	if err != nil {
		return fmt.Errorf("%s is not a rollcall database or is damaged: %w", path, err)
	}
	defer db.Close()
	return look(db)
}

func soundLayout(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return checkLayout(f, info.Size())
}

// checkSeal compares a backup with its seal and returns the size of the database
// in it, zero for a file without a seal.
func checkSeal(path string) (size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() < int64(sealLength) {
		return 0, err
	}
	tail := make([]byte, sealLength)
	if _, err := f.ReadAt(tail, info.Size()-int64(sealLength)); err != nil {
		return 0, err
	}
	text, marked := strings.CutPrefix(string(tail), sealMark)
	if !marked {
		return 0, nil
	}
	number, hash, ok := strings.Cut(strings.TrimSuffix(text, "\n"), " ")
	size, err = strconv.ParseInt(number, 10, 64)
	want, bad := hex.DecodeString(hash)
	if !ok || err != nil || bad != nil {
		return 0, fmt.Errorf("%s: its seal cannot be read, so the file was damaged; use another backup", path)
	}
	if size != info.Size()-int64(sealLength) {
		return 0, fmt.Errorf("%s has %d bytes where its seal says %d: part of it was lost; use another backup", path, info.Size()-int64(sealLength), size)
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(f, 0, size)); err != nil {
		return 0, err
	}
	if !bytes.Equal(sum.Sum(nil), want) {
		return 0, fmt.Errorf("%s is not what it was when it was made: its bytes do not fit its seal; use another backup", path)
	}
	return size, nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
