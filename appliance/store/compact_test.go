package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/appliance/model"
)

func TestCompactKeepsEverythingButTheFreePages(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	s, err := Open(path, Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	update(t, s, newSample().put)
	for i := range 20 {
		update(t, s, func(tx *Tx) error {
			for j := range 200 {
				id := model.RecordID(fmt.Sprintf("r_%d_%d", i, j))
				if err := Records.Put(tx, id, model.Record{ID: id, Source: "hr", Native: string(id)}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	update(t, s, func(tx *Tx) error {
		for i := range 20 {
			for j := range 200 {
				if err := Records.Delete(tx, model.RecordID(fmt.Sprintf("r_%d_%d", i, j))); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if _, _, err := Compact(path, Options{LockTimeout: 1}); !errors.As(err, new(*LockedError)) {
		t.Errorf("compacting what is open: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before, after, err := Compact(path, Options{})
	if err != nil || after >= before/2 {
		t.Fatalf("from %d to %d bytes: %v", before, after, err)
	}
	s = openAt(t, path)
	view(t, s, func(tx *Tx) error { return compareSample(t, tx) })
	if err := errors.Join(s.Check(), s.CheckIndexes()); err != nil {
		t.Error(err)
	}
	update(t, s, func(tx *Tx) error { // sequences went along: no number is given twice
		seq, err := tx.Append(model.Event{Verb: "after"})
		if seq != 2 {
			t.Errorf("the next event has number %d, want 2", seq)
		}
		return err
	})
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".rollcall-compact-*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}

func TestCompactThatCannotWriteLeavesTheDatabase(t *testing.T) {
	full := func(t *testing.T, dir string) {
		if err := os.WriteFile(filepath.Join(dir, "filler"), make([]byte, 3<<20), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	forbidden := func(t *testing.T, dir string) {
		if err := os.Chmod(dir, 0o500); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	}
	dir, prevent := t.TempDir(), forbidden
	if os.Getuid() == 0 {
		dir, prevent = smallDisk(t, 4), full // root may write everywhere, but not more than there is room
	}
	path := filepath.Join(dir, FileName)
	s, err := Open(path, Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	update(t, s, newSample().put)
	update(t, s, func(tx *Tx) error {
		return tx.SetSetting("large", strings.Repeat("x", 600<<10))
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	prevent(t, dir)
	before := content(t, path)
	if _, _, err := Compact(path, Options{}); err == nil {
		t.Error("it said that all went well")
	}
	if !bytes.Equal(content(t, path), before) {
		t.Error("the database has changed")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".rollcall-*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestCompactIsOfferedWhenHalfOfALargeFileIsFree(t *testing.T) {
	for space, want := range map[Space]bool{
		{File: 100 << 20, Free: 90 << 20}:  false,
		{File: 300 << 20, Free: 100 << 20}: false,
		{File: 300 << 20, Free: 200 << 20}: true,
	} {
		if got := space.WorthCompacting(); got != want {
			t.Errorf("%+v: %t", space, got)
		}
	}
}

func TestSpaceSaysWhatIsFreeAndFreePagesAreUsedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	s, err := Open(path, Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	fill := func(round int) {
		update(t, s, func(tx *Tx) error {
			for i := range 1000 {
				id := model.RecordID(fmt.Sprintf("r_%d", i))
				if err := Records.Put(tx, id, model.Record{ID: id, Source: "hr", Native: string(id), RawStatus: fmt.Sprint(round)}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	fill(0)
	fill(1) // needs other pages than the first, which are free then
	open := s.Space()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	read, err := Open(path, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := read.Space(); got.Free == 0 || got.Free > open.Free || got.File != open.File {
		t.Errorf("opened to read it has %+v, opened to write it had %+v", got, open)
	}
	if err := read.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(path, Options{NoSync: true}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for round := range 20 {
		fill(2 + round)
	}
	if got := s.Space().File; got > 2*open.File {
		t.Errorf("the file grew from %d to %d bytes while as much was in use", open.File, got)
	}
}

func TestCompactionIsOfferedForLargeFilesThatAreHalfFree(t *testing.T) {
	for _, tc := range []struct {
		file, free int64
		want       bool
	}{
		{1 << 30, 600 << 20, true},
		{1 << 30, 500 << 20, false},
		{200 << 20, 190 << 20, false},
	} {
		if got := (Space{File: tc.file, Free: tc.free}).WorthCompacting(); got != tc.want {
			t.Errorf("%d of %d bytes are free: %t", tc.free, tc.file, got)
		}
	}
}
