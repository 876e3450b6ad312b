package store

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"rollcall/appliance/model"
)

// listed is a bucket as a sorted list, and a cursor on it: what [rehearsed] must be
// like. bbolt's own cursor is no example within a transaction: walking backwards it
// stops at a page that was emptied in it.
type listed struct {
	keys   []string
	values map[string]string
	at     int
}

func (l *listed) put(k, v string) {
	if _, known := l.values[k]; !known {
		i, _ := slices.BinarySearch(l.keys, k)
		l.keys = slices.Insert(l.keys, i, k)
	}
	l.values[k] = v
}

func (l *listed) delete(k string) {
	if i, known := slices.BinarySearch(l.keys, k); known {
		l.keys = slices.Delete(l.keys, i, i+1)
		delete(l.values, k)
	}
}

func (l *listed) here() string {
	if l.at < 0 || l.at >= len(l.keys) {
		return "="
	}
	return l.keys[l.at] + "=" + l.values[l.keys[l.at]]
}

// unloadAlways makes every [Tx.Unload] of a test move all there is.
func unloadAlways(t *testing.T) {
	usual := UnloadAt
	UnloadAt = 0
	t.Cleanup(func() { UnloadAt = usual })
}

// TestRehearsalIsASortedList writes at random over what is in the file, moves what it
// wrote out of memory at random, and walks about in random steps.
func TestRehearsalIsASortedList(t *testing.T) {
	unloadAlways(t)
	s := open(t)
	base := listed{values: map[string]string{}}
	update(t, s, func(tx *Tx) error {
		for i := 0; i < 3000; i += 3 {
			k, v := fmt.Sprintf("k%05d", i), fmt.Sprint("v", i)
			base.put(k, v)
			if err := tx.writable(settingsBucket).Put([]byte(k), []byte(v)); err != nil {
				return err
			}
		}
		return nil
	})
	rapid.Check(t, func(rt *rapid.T) {
		l := listed{slices.Clone(base.keys), maps.Clone(base.values), 0}
		key := func() string { return fmt.Sprintf("k%05d", rapid.IntRange(0, 3100).Draw(rt, "key")) }
		err := s.Rehearse(func(tx *Tx) error {
			b := tx.writable(settingsBucket)
			for range rapid.IntRange(0, 8).Draw(rt, "bursts") {
				from, step := rapid.IntRange(0, 3100).Draw(rt, "from"), rapid.SampledFrom([]int{-1, 1, 2, 7}).Draw(rt, "step")
				gone := rapid.Bool().Draw(rt, "gone")
				for i := range rapid.SampledFrom([]int{1, 3, 600}).Draw(rt, "many") {
					k, v := fmt.Sprintf("k%05d", max(0, from+i*step)), fmt.Sprint("w", i)
					var err error
					if gone {
						l.delete(k)
						err = b.Delete([]byte(k))
					} else {
						l.put(k, v)
						err = b.Put([]byte(k), []byte(v))
					}
					if err != nil {
						return err
					}
				}
				if rapid.IntRange(0, 2).Draw(rt, "unload") == 0 {
					if err := tx.Unload(); err != nil {
						return err
					}
				}
			}
			c := b.Cursor()
			check := func(what string, k, v []byte) {
				if got := string(k) + "=" + string(v); got != l.here() {
					rt.Fatalf("%s: %s, want %s", what, got, l.here())
				}
			}
			walk := func(what string, step int, first, next func() ([]byte, []byte)) {
				k, v := first()
				for check(what, k, v); k != nil; check(what, k, v) {
					l.at += step
					k, v = next()
				}
			}
			l.at = 0
			walk("forward", 1, c.First, c.Next)
			l.at = len(l.keys) - 1
			walk("backward", -1, c.Last, c.Prev)
			for range rapid.IntRange(1, 60).Draw(rt, "steps") {
				step := rapid.SampledFrom([]string{"next", "next", "prev", "prev", "seek", "seek", "first", "last"}).Draw(rt, "step")
				if l.at < 0 || l.at >= len(l.keys) {
					step = "seek" // nobody steps on from beyond an end, but for the test below
				}
				var k, v []byte
				switch step {
				case "next":
					l.at++
					k, v = c.Next()
				case "prev":
					l.at--
					k, v = c.Prev()
				case "first":
					l.at = 0
					k, v = c.First()
				case "last":
					l.at = len(l.keys) - 1
					k, v = c.Last()
				default:
					to := key()
					l.at, _ = slices.BinarySearch(l.keys, to)
					k, v = c.Seek([]byte(to))
					if rapid.Bool().Draw(rt, "then back") { // as Table.Backward does, from beyond the end too
						l.at--
						k, v = c.Prev()
					}
				}
				check(step, k, v)
				if k := key(); string(b.Get([]byte(k))) != l.values[k] {
					rt.Fatalf("%s is %q, want %q", k, b.Get([]byte(k)), l.values[k])
				}
			}
			return nil
		})
		if err != nil {
			rt.Fatal(err)
		}
	})
}

func TestRehearsalChangesNothingAndHoldsUpNobody(t *testing.T) {
	s := open(t)
	// Room for what is written while it goes on: growing the file waits for readers.
	update(t, s, func(tx *Tx) error { return tx.writable(settingsBucket).Put([]byte("room"), make([]byte, 1<<20)) })
	update(t, s, func(tx *Tx) error { return tx.writable(settingsBucket).Delete([]byte("room")) })
	update(t, s, func(tx *Tx) error { return Records.Put(tx, "r1", model.Record{ID: "r1", Source: "hr", Native: "1"}) })
	err := s.Rehearse(func(tx *Tx) error {
		if err := errors.Join(Records.Delete(tx, "r1"), Records.Put(tx, "r2", model.Record{ID: "r2", Source: "hr", Native: "1"})); err != nil {
			return err
		}
		if _, err := tx.Append(model.Event{Verb: "rehearsed"}); err != nil {
			return err
		}
		tx.OnCommit(func() { t.Error("a rehearsal was committed") })
		// While it goes on, others write.
		update(t, s, func(tx *Tx) error { return Records.Put(tx, "r3", model.Record{ID: "r3", Source: "hr", Native: "3"}) })
		r, ok, err := RecordByNative.One(tx, Key("hr", "1"))
		if !ok || r.ID != "r2" {
			t.Errorf("the rehearsal sees %+v, %t", r, ok)
		}
		if Records.Has(tx, "r3") {
			t.Error("the rehearsal sees what was written meanwhile")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	view(t, s, func(tx *Tx) error {
		n, err := tx.VerifyJournal()
		if !Records.Has(tx, "r1") || Records.Has(tx, "r2") || !Records.Has(tx, "r3") || n != 0 {
			t.Errorf("after the rehearsal: %d records, %d events", Records.Count(tx, nil), n)
		}
		return err
	})
	if err := s.Rehearse(func(*Tx) error { return errRollback }); !errors.Is(err, errRollback) {
		t.Errorf("the error of a rehearsal is %v", err)
	}
}

// TestAListOfARehearsalSortsWhatIsLargerThanMemory fails when an entry is lost or out
// of its order, and when the file in which most of them were stays behind.
func TestAListOfARehearsalSortsWhatIsLargerThanMemory(t *testing.T) {
	unloadAlways(t)
	s := open(t)
	const n = 20_000
	err := s.Rehearse(func(tx *Tx) error {
		list := tx.Sort("numbers")
		for i := range n {
			k := Seq(uint64(i * 7919 % n))
			if err := list.Put(k, k); err != nil {
				return err
			}
			if i%6000 == 5999 {
				if err := tx.Unload(); err != nil {
					return err
				}
				if tx.scratch.size != 0 {
					t.Errorf("%d bytes are in memory after unloading", tx.scratch.size)
				}
			}
		}
		i := uint64(0)
		for k, v := range list.Each(nil) {
			if string(k) != string(Seq(i)) || string(v) != string(k) {
				t.Fatalf("entry %d is %x: %x", i, k, v)
			}
			i++
		}
		if i != n {
			t.Errorf("%d entries, want %d", i, n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(s.Path()), ScratchName+"*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestOpenRemovesWhatAKilledRehearsalLeft fails when the scratch file of a process
// that was killed before the file had lost its name stays for ever.
func TestOpenRemovesWhatAKilledRehearsalLeft(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	left := filepath.Join(filepath.Dir(path), ScratchName+"123")
	if err := os.WriteFile(left, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(path, Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is there: %v", err)
	}
}

// TestRehearsalKeepsNoTraceOfWhatItTookBack fails when what was made and taken back
// stays as something that every search behind it has to step over: a plan of many
// people opens and closes a question about each.
func TestRehearsalKeepsNoTraceOfWhatItTookBack(t *testing.T) {
	unloadAlways(t)
	s := open(t)
	update(t, s, func(tx *Tx) error { return tx.writable("meta").Put([]byte("kept"), []byte("1")) })
	err := s.Rehearse(func(tx *Tx) error {
		b := tx.writable("meta")
		for i := range 1000 {
			key := fmt.Appendf(nil, "question%04d", i)
			if err := b.Put(key, []byte("open")); err != nil {
				return err
			}
			if i%2 == 0 { // the others are taken back from the file
				if err := b.Delete(key); err != nil {
					return err
				}
			}
		}
		if err := tx.Unload(); err != nil {
			return err
		}
		for i := range 1000 {
			if err := b.Delete(fmt.Appendf(nil, "question%04d", i)); err != nil {
				return err
			}
		}
		if err := errors.Join(b.Delete([]byte("kept")), tx.Unload()); err != nil {
			return err
		}
		r := b.(*rehearsed)
		over := r.base.(*unloaded).over
		if n := over.Stats().KeyN; n != 1 || len(r.chunks) != 0 {
			t.Errorf("%d entries and %d chunks are left of what was taken back, want the one that the file has", n, len(r.chunks))
		}
		if k, _ := b.Cursor().Seek([]byte("kept")); string(k) == "kept" || b.Get([]byte("kept")) != nil {
			t.Errorf("what was deleted is still there: %q", k)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
