package store

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"go.etcd.io/bbolt"
)

// scratch is where a rehearsal puts what does not fit into memory: a bbolt file of
// its own beside the database, without a name from the moment it is open, so that
// nothing is left of it whatever happens to the process. Its pages belong to the
// file, not to the memory of the process. It holds the layer between the database
// and what is in memory: per bucket, the alterations under their keys.
type scratch struct {
	store *Store
	size  int // of what is in memory, in bytes
	db    *bbolt.DB
	path  string    // while the file has a name
	tx    *bbolt.Tx // of reading; nil before anything was unloaded
}

// UnloadAt is from how many bytes on [Tx.Unload] moves what a rehearsal keeps in
// memory into a file. It is a variable for tests, which make it small before anything
// is rehearsed.
var UnloadAt = 64 << 20

// unloadStep is how many alterations one transaction of the scratch file takes,
// because bbolt keeps the pages of a transaction in memory.
const unloadStep = 8192

// scratchMap is how much of the scratch file has its addresses from the beginning. Where
// the map must grow, bbolt copies all that a transaction has touched.
const scratchMap = 256 << 20

// ScratchName is how the names of files begin that are nobody's any more once the
// process is gone; what follows is random. [Open] removes those that are left.
const ScratchName = "scratch-"

// scratchReserve is how much of the disk a rehearsal leaves to the database.
const scratchReserve = 256 << 20

// Unload moves what a rehearsal wrote into a file when it has become much. It is to
// be called now and then by whoever rehearses a change of many people, at moments
// when nothing that was read before is still in use: cursors, iterators, and bytes
// that a table did not decode. In other transactions it does nothing.
func (t *Tx) Unload() error {
	if !t.rehearsal || t.scratch.size < UnloadAt {
		return nil
	}
	if err := t.scratch.unload(t.cache); err != nil {
		return fmt.Errorf("store: what a plan would change does not fit into memory and could not be put beside the database: %w", err)
	}
	return nil
}

func (s *scratch) open() error {
	dir := filepath.Dir(s.store.path)
	f, err := os.CreateTemp(dir, ScratchName+"rehearsal-*")
	if err != nil {
		return err
	}
	s.path = f.Name()
	if err := f.Close(); err != nil {
		return err
	}
	// Nothing in it outlives the process, so nothing waits for the disk.
	s.db, err = bbolt.Open(s.path, 0o600, &bbolt.Options{NoSync: true, NoGrowSync: true, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType, InitialMmapSize: scratchMap})
	if err != nil {
		return errors.Join(err, os.Remove(s.path))
	}
	if os.Remove(s.path) == nil { // where an open file can lose its name
		s.path = ""
	}
	return nil
}

func (s *scratch) unload(buckets map[string]bucket) error {
	if room, known := freeBytes(filepath.Dir(s.store.path)); known && room < scratchReserve+2*int64(s.size) {
		return fmt.Errorf("the disk has %d MiB left, and %d are kept free for the database", room>>20, scratchReserve>>20)
	}
	if s.db == nil {
		if err := s.open(); err != nil {
			return err
		}
	}
	if err := s.rest(); err != nil {
		return err
	}
	for name, b := range buckets {
		if r, ok := b.(*rehearsed); ok && len(r.chunks) > 0 {
			if err := s.put(name, r); err != nil {
				return err
			}
		}
	}
	s.size = 0
	var err error
	if s.tx, err = s.db.Begin(false); err != nil {
		return err
	}
	for name, b := range buckets {
		r, ok := b.(*rehearsed)
		if !ok {
			continue
		}
		over := s.tx.Bucket([]byte(name))
		if over == nil {
			continue
		}
		if u, ok := r.base.(*unloaded); ok {
			u.over = over
		} else {
			r.base = &unloaded{below: r.base, over: over}
		}
	}
	return nil
}

// rest ends the transaction of reading: bbolt must not have one while the file
// grows.
func (s *scratch) rest() error {
	if s.tx == nil {
		return nil
	}
	tx := s.tx
	s.tx = nil
	return tx.Rollback()
}

// The first byte of a value in the scratch file.
const (
	scratchGone  = 0
	scratchThere = 1
)

func (s *scratch) put(name string, r *rehearsed) error {
	file := r.base // what nothing was written over
	if u, ok := r.base.(*unloaded); ok {
		file = u.below
	}
	for len(r.chunks) > 0 {
		err := s.db.Update(func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists([]byte(name))
			if err != nil {
				return err
			}
			b.FillPercent = appendFill
			done, size := 0, 0
			for _, chunk := range r.chunks[:min(len(r.chunks), unloadStep/maxChunk)] {
				for _, a := range chunk {
					size += 1 + len(a.value)
				}
			}
			values := make([]byte, 0, size) // of this step: bbolt keeps them until it ends
			for ; done < len(r.chunks) && done < unloadStep/maxChunk; done++ {
				for _, a := range r.chunks[done] {
					if a.gone && file.Get(a.key) == nil { // see [rehearsed.Delete]
						if err := b.Delete(a.key); err != nil {
							return err
						}
						continue
					}
					from := len(values)
					if a.gone {
						values = append(values, scratchGone)
					} else {
						values = append(append(values, scratchThere), a.value...)
					}
					if err := b.Put(a.key, values[from:]); err != nil {
						return err
					}
				}
				r.chunks[done] = nil
			}
			r.chunks = r.chunks[done:]
			return nil
		})
		if err != nil {
			return err
		}
	}
	r.chunks = nil
	return nil
}

func (s *scratch) close() {
	_ = s.rest() // nothing was written, so nothing can fail to be
	if s.db != nil {
		_ = s.db.Close()
	}
	if s.path != "" {
		_ = os.Remove(s.path)
	}
}

// removeScratch removes what a process left of a rehearsal that it was killed in
// before the file had lost its name.
func removeScratch(database string) {
	left, err := filepath.Glob(filepath.Join(filepath.Dir(database), ScratchName+"*"))
	if err != nil {
		return
	}
	for _, path := range left {
		_ = os.Remove(path)
	}
}

// unloaded is a bucket with what went to the scratch file over it.
type unloaded struct {
	below
	over *bbolt.Bucket
}

func (u *unloaded) Get(key []byte) []byte {
	if v := u.over.Get(key); v != nil {
		return alterationOf(nil, v).value
	}
	return u.below.Get(key)
}

func (u *unloaded) Cursor() cursor {
	return &mergedCursor{base: u.below.Cursor(), over: inScratch{u.over.Cursor()}}
}

// inScratch walks the alterations in the scratch file.
type inScratch struct{ c *bbolt.Cursor }

func alterationOf(k, v []byte) alteration {
	if v[0] == scratchGone {
		return alteration{key: k, gone: true}
	}
	return alteration{key: k, value: v[1:]}
}

func found(k, v []byte) (alteration, bool) {
	if k == nil {
		return alteration{}, false
	}
	return alterationOf(k, v), true
}

func (s inScratch) first() (alteration, bool)        { return found(s.c.First()) }
func (s inScratch) last() (alteration, bool)         { return found(s.c.Last()) }
func (s inScratch) next() (alteration, bool)         { return found(s.c.Next()) }
func (s inScratch) prev() (alteration, bool)         { return found(s.c.Prev()) }
func (s inScratch) seek(k []byte) (alteration, bool) { return found(s.c.Seek(k)) }

// Sorted is a list of a rehearsal that sorts itself: what is put into it comes out
// in the order of the keys, and it may be larger than memory. It is valid until the
// end of the transaction.
type Sorted struct {
	tx   *Tx
	name string
}

// noBucket is what a list lies over.
type noBucket struct{}

func (noBucket) Get([]byte) []byte            { return nil }
func (noBucket) Cursor() cursor               { return noBucket{} }
func (noBucket) Stats() bbolt.BucketStats     { return bbolt.BucketStats{} }
func (noBucket) Sequence() uint64             { return 0 }
func (noBucket) First() ([]byte, []byte)      { return nil, nil }
func (noBucket) Last() ([]byte, []byte)       { return nil, nil }
func (noBucket) Next() ([]byte, []byte)       { return nil, nil }
func (noBucket) Prev() ([]byte, []byte)       { return nil, nil }
func (noBucket) Seek([]byte) ([]byte, []byte) { return nil, nil }

// Sort returns an empty list of this name. Only rehearsals have lists.
func (t *Tx) Sort(name string) Sorted {
	if !t.rehearsal {
		panic("store: a list outside of a rehearsal")
	}
	name = "sorted:" + name
	if _, known := t.cache[name]; known {
		panic("store: two lists with the name " + strings.TrimPrefix(name, "sorted:"))
	}
	t.cache[name] = newRehearsed(noBucket{}, &t.scratch.size)
	return Sorted{t, name}
}

// Put adds an entry, in the place of the one with the same key. The value is kept
// as it is and must not be modified.
func (s Sorted) Put(key, value []byte) error { return s.tx.cache[s.name].Put(key, value) }

// Each yields the entries whose keys begin with prefix, in order. They are valid
// until the next step.
func (s Sorted) Each(prefix []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		c := s.tx.cache[s.name].Cursor()
		for k, v := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, v = c.Next() {
			if !yield(k, v) {
				return
			}
		}
	}
}
