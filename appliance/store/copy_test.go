package store

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCopyThatCameOutBrokenDoesNotTakeItsName(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	s, err := Open(path, Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range 5 { // leaves pages free
		update(t, s, func(tx *Tx) error { return tx.SetSetting("mark", i) })
	}
	copyPath := filepath.Join(t.TempDir(), "copy.db")
	if err := s.Backup(copyPath); err != nil {
		t.Fatal(err)
	}
	before := content(t, copyPath)
	loseFreePage(t, path)
	if err := s.Backup(copyPath); err == nil || !strings.Contains(err.Error(), "not sound") {
		t.Errorf("error %v does not say that the copy is not sound", err)
	}
	if string(content(t, copyPath)) != string(before) {
		t.Error("the good copy was replaced")
	}
}

// loseFreePage takes the last entry off the list of free pages in the file, as a
// failing disk might.
func loseFreePage(t *testing.T, path string) {
	t.Helper()
	raw := content(t, path)
	page := os.Getpagesize()
	// A meta page: 16 bytes of header, then magic, version, page size and flags of
	// 4 bytes each, the root of 16, the page of the list, the high-water mark and
	// the transaction of 8 each.
	var list, newest uint64
	for at := range 2 {
		meta := raw[at*page+16:]
		if tx := binary.NativeEndian.Uint64(meta[48:]); tx >= newest {
			list, newest = binary.NativeEndian.Uint64(meta[32:]), tx
		}
	}
	// Any other page: its number of 8 bytes, its type of 2, then the count of 2.
	at := int(list)*page + 10
	count := binary.NativeEndian.Uint16(raw[at:])
	if count == 0 {
		t.Fatal("no page is free")
	}
	binary.NativeEndian.PutUint16(raw[at:], count-1)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt(raw[at:at+2], int64(at))
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}
