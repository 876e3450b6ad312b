package store

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"rollcall/appliance/model"
)

// bbolt's own check must not run beside writers: it finds damage that is none, and
// can end the process.
func TestCheckBesideWritersFindsNoDamageWhereThereIsNone(t *testing.T) {
	s := open(t)
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			var ids []model.RecordID
			for i := 0; !stop.Load() && i < 3000; i++ {
				id := model.RecordID(NewID("r"))
				ids = append(ids, id)
				err := s.Update(func(tx *Tx) error {
					if len(ids) > 50 { // pages come free and are used again
						if err := Records.Delete(tx, ids[0]); err != nil {
							return err
						}
					}
					return Records.Put(tx, id, model.Record{ID: id, Source: "hr", Native: string(id), RawStatus: strings.Repeat("x", i%3000)})
				})
				if err != nil {
					t.Error(err)
					return
				}
				if len(ids) > 50 {
					ids = ids[1:]
				}
			}
		})
	}
	for range 60 {
		if err := s.Check(); err != nil {
			t.Error(err)
			break
		}
	}
	stop.Store(true)
	wg.Wait()
}

func TestCheckFindsAPageThatNobodyUses(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	create(t, path)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if err := checkEveryPage(f, info.Size()); err != nil {
		t.Fatal(err)
	}
	// The list of free pages loses its last entry.
	l := &layout{file: f}
	_, freelist, err := l.meta(info.Size())
	if err != nil {
		t.Fatal(err)
	}
	count := make([]byte, 2)
	at := int64(freelist*l.pageSize) + 10
	if _, err := f.ReadAt(count, at); err != nil {
		t.Fatal(err)
	}
	n := order.Uint16(count)
	if n == 0 {
		t.Fatal("no page is free")
	}
	order.PutUint16(count, n-1)
	if _, err := f.WriteAt(count, at); err != nil {
		t.Fatal(err)
	}
	if err := checkEveryPage(f, info.Size()); err == nil || !strings.Contains(err.Error(), "neither used nor free") {
		t.Errorf("a lost page: %v", err)
	}
	if err := checkLayout(f, info.Size()); err != nil {
		t.Errorf("that a page is lost keeps nobody from reading the file: %v", err)
	}
}
