package store

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"rollcall/appliance/model"
)

// The benchmarks of this package compare with bbolt alone: the same number of values of
// the same bytes, in one bucket without an index, in a file of their own that is synced
// as well. The metric "ratio" is how many times longer the store takes.

// benchPeople is how many records there are before anything is measured, benchTx how
// many one transaction writes.
const (
	benchPeople = 10_000
	benchTx     = 500
)

func benchRecord(i int) model.Record {
	number := fmt.Sprintf("%08d", i*7919%100_000_000) // in no order
	mail := "person." + number + "@halcyon-atelier.example"
	return model.Record{
		ID: model.RecordID(NewID("r")), Spare: model.PersonID(NewID("p")), Source: "hr", Kind: model.KindHiBob, Native: number,
		Ordinal: uint64(i), Status: model.Active, Rev: 1, Identifiers: []model.Identifier{email(mail)},
		Aliases:     []string{"native:hr:" + number, "email:" + mail},
		ManagerKeys: []string{fmt.Sprintf("native:hr:%08d", i/10*7919%100_000_000)},
		Attributes: model.Attributes{model.Email: model.Text(mail), model.GivenName: model.Text("Given" + number), model.FamilyName: model.Text("Family"),
			model.Title: model.Text("Analyst"), model.Department: model.Text("Department 7"), model.StartDate: model.Text("2020-01-06")},
	}
}

// benchStores returns a store with benchPeople records and what bbolt alone has of
// them, with the ids.
func benchStores(b *testing.B) (*Store, *bbolt.DB, []model.RecordID) {
	b.Helper()
	s, err := Open(filepath.Join(b.TempDir(), FileName), Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	bare, err := bbolt.Open(filepath.Join(b.TempDir(), "bare.db"), 0o600, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = bare.Close() })
	ids := make([]model.RecordID, 0, benchPeople)
	for from := 0; from < benchPeople; from += benchTx {
		records := benchRecords(b, from, benchTx)
		for _, r := range records {
			ids = append(ids, r.ID)
		}
		putRecords(b, s, records)
		putBare(b, bare, encoded(b, records))
	}
	return s, bare, ids
}

func benchRecords(b *testing.B, from, n int) []model.Record {
	b.Helper()
	records := make([]model.Record, n)
	for i := range records {
		records[i] = benchRecord(from + i)
	}
	return records
}

type bareRow struct{ key, value []byte }

func encoded(b *testing.B, records []model.Record) []bareRow {
	b.Helper()
	rows := make([]bareRow, len(records))
	for i, r := range records {
		value, err := Records.codec.encode(r)
		if err != nil {
			b.Fatal(err)
		}
		rows[i] = bareRow{[]byte(r.ID), value}
	}
	return rows
}

func putRecords(b *testing.B, s *Store, records []model.Record) {
	b.Helper()
	err := s.Update(func(tx *Tx) error {
		for _, r := range records {
			if err := Records.Put(tx, r.ID, r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

var bareBucket = []byte("rows")

func putBare(b *testing.B, db *bbolt.DB, rows []bareRow) {
	b.Helper()
	err := db.Update(func(tx *bbolt.Tx) error {
		bucket, err := tx.CreateBucketIfNotExists(bareBucket)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if err := bucket.Put(r.key, r.value); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

// ratio reports how long the store took for each of n, and how many times the floor.
func ratio(b *testing.B, took, floor time.Duration, n int) {
	b.Helper()
	b.ReportMetric(float64(took.Nanoseconds())/float64(n), "ns/op")
	b.ReportMetric(float64(floor.Nanoseconds())/float64(n), "floor-ns/op")
	b.ReportMetric(took.Seconds()/floor.Seconds(), "ratio")
}

// BenchmarkPut writes new records with all of their indexes, benchTx in a transaction.
func BenchmarkPut(b *testing.B) {
	s, bare, _ := benchStores(b)
	b.ResetTimer()
	var took, floor time.Duration
	for from := 0; from < b.N; from += benchTx {
		records := benchRecords(b, benchPeople+from, min(benchTx, b.N-from))
		rows := encoded(b, records)
		began := time.Now()
		putRecords(b, s, records)
		between := time.Now()
		putBare(b, bare, rows)
		took, floor = took+between.Sub(began), floor+time.Since(between)
	}
	ratio(b, took, floor, b.N)
}

// BenchmarkGet reads records in no order and decodes them; the floor looks their bytes
// up.
func BenchmarkGet(b *testing.B) {
	s, bare, ids := benchStores(b)
	b.ReportAllocs()
	b.ResetTimer()
	began := time.Now()
	err := s.View(func(tx *Tx) error {
		for i := range b.N {
			if _, ok, err := Records.Get(tx, ids[i*7919%len(ids)]); err != nil || !ok {
				b.Fatal(ok, err)
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	between := time.Now()
	err = bare.View(func(tx *bbolt.Tx) error {
		for i := range b.N {
			if tx.Bucket(bareBucket).Get([]byte(ids[i*7919%len(ids)])) == nil {
				b.Fatal("nothing there")
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	ratio(b, between.Sub(began), time.Since(between), b.N)
}

// BenchmarkFind finds records by an identifier, without a floor: bbolt has no indexes.
func BenchmarkFind(b *testing.B) {
	s, _, _ := benchStores(b)
	b.ReportAllocs()
	b.ResetTimer()
	err := s.View(func(tx *Tx) error {
		for i := range b.N {
			id := benchRecord(i * 7919 % benchPeople).Identifiers[0]
			if _, ok, err := RecordByIdentifier.One(tx, IdentifierKey(id)); err != nil || !ok {
				b.Fatal(ok, err)
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkBatch lets 64 at once write one setting each; the floor is bbolt's own
// batch, which waits for company.
func BenchmarkBatch(b *testing.B) {
	const writers = 64
	s, bare, _ := benchStores(b)
	together := func(write func(i int) error) time.Duration {
		var next atomic.Int64
		var wg sync.WaitGroup
		began := time.Now()
		for range writers {
			wg.Go(func() {
				for i := int(next.Add(1)) - 1; i < b.N; i = int(next.Add(1)) - 1 {
					if err := write(i); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		return time.Since(began)
	}
	b.ResetTimer()
	took := together(func(i int) error {
		return s.Batch(func(tx *Tx) error { return tx.SetSetting(fmt.Sprintf("bench.%08d", i), i) })
	})
	floor := together(func(i int) error {
		return bare.Batch(func(tx *bbolt.Tx) error {
			return tx.Bucket(bareBucket).Put(fmt.Appendf(nil, "bench.%08d", i), binary.BigEndian.AppendUint64(nil, uint64(i)))
		})
	})
	ratio(b, took, floor, b.N)
}

// BenchmarkRehearse changes records in a rehearsal, of which nothing stays; the floor
// is the same in a transaction of writing that is rolled back.
func BenchmarkRehearse(b *testing.B) {
	s, _, ids := benchStores(b)
	b.ReportAllocs()
	change := func(tx *Tx) error {
		for i := range b.N {
			id := ids[i*7919%len(ids)]
			r, _, err := Records.Get(tx, id)
			if err != nil {
				return err
			}
			r.Rev++
			r.Person = model.PersonID("p_" + string(id))
			if err := Records.Put(tx, id, r); err != nil {
				return err
			}
		}
		return nil
	}
	b.ResetTimer()
	began := time.Now()
	if err := s.Rehearse(change); err != nil {
		b.Fatal(err)
	}
	between := time.Now()
	if err := s.Try(change); err != nil {
		b.Fatal(err)
	}
	ratio(b, between.Sub(began), time.Since(between), b.N)
}
