package ingest_test

import (
	"fmt"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
)

// BenchmarkAnswer approves, on a synced disk, all that a run holds, while somebody else
// writes all the time. It reports the largest heap in use meanwhile and the longest that
// a write of the other one took.
func BenchmarkAnswer(b *testing.B) {
	asInProduction(b)
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("held=%d", n), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				s := heldBy(b, n)
				e := ingest.New(s, &ingest.Settings{Location: time.UTC, Targets: []ingest.TargetSettings{{Name: "javelo"}}}, time.Now, nil)
				digest, err := e.HeldDigest(1)
				if err != nil {
					b.Fatal(err)
				}
				other := watch(s)
				b.StartTimer()
				released, err := e.Approve("bench", 1, digest)
				b.StopTimer()
				heap, longest := other()
				if err != nil || released != n {
					b.Fatalf("%d released, %v", released, err)
				}
				b.ReportMetric(float64(heap)/(1<<20), "heap-MiB")
				b.ReportMetric(float64(longest.Milliseconds()), "longest-write-ms")
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}

// heldBy is a database in which run 1 holds n updates.
func heldBy(b *testing.B, n int) *store.Store {
	b.Helper()
	s, err := store.Open(filepath.Join(b.TempDir(), "rollcall.db"), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	hold := model.Hold{Guard: reconcile.GuardAttributes, Attribute: model.Title, Target: "javelo", Count: n, State: model.HoldWaiting}
	for from := 0; from < n; from += 5000 {
		err := s.Update(func(tx *store.Tx) error {
			for i := range 5000 {
				job := model.Job{Target: "javelo", Person: model.PersonID(store.NewID("p")), State: model.JobHeld, Effect: model.EffectUpdate, Run: 1,
					Changed: []model.Name{model.Title}, Digest: fmt.Sprintf("%032x", from+i), Reason: reconcile.GuardAttributes, Created: time.Now()}
				if err := store.Outbox.Put(tx, store.TargetPerson{Target: job.Target, Person: job.Person}, job); err != nil {
					return err
				}
			}
			return store.Runs.Put(tx, 1, model.Run{Seq: 1, Verdict: model.VerdictComplete, Holds: []model.Hold{hold}})
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	runtime.GC()
	return s
}

// watch writes again and again beside what is measured, until its result is asked for:
// the largest heap in use, and the longest that one write took.
func watch(s *store.Store) func() (heap uint64, longest time.Duration) {
	var ends atomic.Bool
	done := make(chan struct{})
	var heap uint64
	var longest time.Duration
	go func() {
		defer close(done)
		for !ends.Load() {
			began := time.Now()
			if err := s.Update(func(tx *store.Tx) error { return tx.SetSetting("written", began) }); err != nil {
				return
			}
			longest = max(longest, time.Since(began))
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			heap = max(heap, m.HeapInuse)
		}
	}()
	return func() (uint64, time.Duration) {
		ends.Store(true)
		<-done
		return heap, longest
	}
}
