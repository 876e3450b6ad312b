package store

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"go.etcd.io/bbolt"

	"rollcall/appliance/model"
)

func TestTheSchemaVersionIsReadBesideARunningAppliance(t *testing.T) {
	for version := 1; version <= Version; version++ {
		path := filepath.Join(t.TempDir(), FileName)
		unzip(t, schemaFile(version), path)
		if got, err := SchemaOf(path); err != nil || got != version {
			t.Errorf("schema %d is said to be %d: %v", version, got, err)
		}
	}
	s := open(t)
	var stop atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; !stop.Load() && i < 5000; i++ {
			id := model.RecordID(NewID("r"))
			if err := s.Update(func(tx *Tx) error {
				return Records.Put(tx, id, model.Record{ID: id, Source: "hr", Native: string(id)})
			}); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 300 {
		if got, err := SchemaOf(s.Path()); err != nil || got != Version {
			t.Errorf("version %d, %v", got, err)
			break
		}
	}
	stop.Store(true)
	wg.Wait()
}

func TestTheSchemaVersionOfWhatIsNoDatabaseIsAnError(t *testing.T) {
	if _, err := SchemaOf(filepath.Join(t.TempDir(), FileName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of nothing: %v", err)
	}
	foreign := filepath.Join(t.TempDir(), "foreign.db")
	alter(t, foreign, func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("wallets")); return err })
	for name, path := range map[string]string{"empty": write(t, nil), "zeros": write(t, make([]byte, 1<<14)), "another program's": foreign} {
		if v, err := SchemaOf(path); err == nil {
			t.Errorf("%s: version %d", name, v)
		}
	}
	// Also where the bucket has pages of its own, and the root a level more.
	large := filepath.Join(t.TempDir(), FileName)
	create(t, large)
	alter(t, large, func(tx *bbolt.Tx) error {
		for i := range 600 {
			if _, err := tx.CreateBucket(fmt.Appendf(nil, "bucket-with-a-rather-long-name-%04d", i)); err != nil {
				return err
			}
			if err := tx.Bucket([]byte(metaBucket)).Put(fmt.Appendf(nil, "key-%04d", i), make([]byte, 100)); err != nil {
				return err
			}
		}
		return tx.Bucket([]byte(metaBucket)).Put([]byte("version"), []byte(strconv.Itoa(41)))
	})
	if v, err := SchemaOf(large); err != nil || v != 41 {
		t.Errorf("in a large file: %d, %v", v, err)
	}
}
