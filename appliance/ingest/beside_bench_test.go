package ingest_test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"rollcall/appliance/ingest"
	"rollcall/appliance/store"
)

// BenchmarkWriterBesideFirstRun lets somebody write four times a second, on a synced
// disk, while 100,000 people are read for the first time and activated, and reports how
// long these writes took: a long change ends its part for whoever waits, who then waits
// for one batch and for the pages that were changed so far.
func BenchmarkWriterBesideFirstRun(b *testing.B) {
	list := company(100_000)
	asInProduction(b)
	for b.Loop() {
		b.StopTimer()
		s, err := store.Open(filepath.Join(b.TempDir(), store.FileName), store.Options{})
		if err != nil {
			b.Fatal(err)
		}
		e := ingest.New(s, benchSettings, time.Now, nil)
		stop, writer := make(chan struct{}), make(chan []time.Duration)
		go func() { writer <- writeNowAndThen(s, stop) }()
		b.StartTimer()
		if err := readAll(e, list); err != nil {
			b.Fatal(err)
		}
		if _, err := e.Activate("bench", "hr"); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		close(stop)
		took := <-writer
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Milliseconds()), "median-write-ms")
		b.ReportMetric(float64(took[len(took)*95/100].Milliseconds()), "95%-write-ms")
		b.ReportMetric(float64(took[len(took)-1].Milliseconds()), "longest-write-ms")
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// writeNowAndThen returns how long each write took until stop.
func writeNowAndThen(s *store.Store, stop chan struct{}) (took []time.Duration) {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		began := time.Now()
		if err := s.Batch(func(tx *store.Tx) error { return tx.SetSetting("written", began) }); err != nil {
			return took
		}
		took = append(took, time.Since(began))
		select {
		case <-stop:
			return took
		case <-tick.C:
		}
	}
}
