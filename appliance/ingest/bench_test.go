package ingest_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime/metrics"
	"strings"
	"syscall"
	"testing"
	"time"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
)

// company is n employees as a read lists them: in any order, one in ten a manager,
// with a document of about the size of HiBob's.
func company(n int) []model.Observation {
	list := people(n, "display_name", "x", "title", "Analyst", "site", "Paris", "locale", "fr-FR", "contract_type", "permanent", "start_date", "2020-01-06")
	for i := range list {
		o := &list[i]
		o.Attributes[model.Department] = model.Text(fmt.Sprintf("Department %d", i%40))
		o.Attributes[model.EmployeeNumber] = model.Text(fmt.Sprintf("%08d", i*7919%n))
		o.Attributes[model.DisplayName] = model.Text(fmt.Sprintf("Given%s Family", letters(i+1)))
		if i > 0 {
			o.Attributes[model.Manager] = model.Value{Text: "boss", Refs: []model.Reference{{By: model.RefNative, Value: fmt.Sprint((i-1)/10 + 1)}}}
		}
		o.Document = fmt.Appendf(nil, `{"id":%d,"about":"%s"}`, i, strings.Repeat("x", 2000))
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(n, func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// benchSettings are one source and one target.
var benchSettings = &ingest.Settings{Policy: reconcile.Policy{Authority: []string{"hr"}}, Location: time.UTC, AbsentReads: 2,
	Sources: map[string]ingest.SourceSettings{"hr": {Kind: model.KindHiBob}},
	Targets: []ingest.TargetSettings{{Name: "javelo", Rules: reconcile.TargetRules{Attributes: []model.Name{model.GivenName, model.FamilyName, model.Title, model.Department, model.Manager}}}}}

// asInProduction has the steps of long changes as large as in production until the
// benchmark ends: those of the tests are small.
func asInProduction(b *testing.B) {
	b.Helper()
	batch, large := ingest.CloseBatch(), store.LargeAt
	b.Cleanup(func() {
		ingest.SetCloseBatch(batch)
		store.LargeAt = large
	})
	ingest.SetCloseBatch(1000)
	store.LargeAt = ingest.UsualLargeAt
}

// measure runs a step of a first run on a database that is synced to the disk, and
// reports what it cost of the processor, and the most memory that was reachable.
func measure(b *testing.B, n int, prepare, step func(*ingest.Engine) error) {
	asInProduction(b)
	var cpu time.Duration
	var peak uint64
	for b.Loop() {
		b.StopTimer()
		s, err := store.Open(filepath.Join(b.TempDir(), store.FileName), store.Options{})
		if err != nil {
			b.Fatal(err)
		}
		e := ingest.New(s, benchSettings, time.Now, nil)
		if err := prepare(e); err != nil {
			b.Fatal(err)
		}
		stop, watched := make(chan struct{}), make(chan uint64)
		go func() { watched <- mostMemory(stop) }()
		before := processor(b)
		b.StartTimer()
		if err := step(e); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		cpu += processor(b) - before
		close(stop)
		peak = max(peak, <-watched)
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(cpu.Seconds()*1e6/float64(b.N)/float64(n), "cpu-µs/person")
	b.ReportMetric(float64(peak)/(1<<20), "live-MiB")
}

// mostMemory is the most that a garbage collection left until stop.
func mostMemory(stop chan struct{}) (most uint64) {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		metrics.Read(live)
		most = max(most, live[0].Value.Uint64())
		select {
		case <-stop:
			return most
		case <-tick.C:
		}
	}
}

func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func readAll(e *ingest.Engine, list []model.Observation) error {
	r, err := e.StartRead("hr")
	if err != nil {
		return err
	}
	for i := 0; i < len(list); i += 2000 {
		if err := r.Page(page(list[i:min(i+2000, len(list))]...)); err != nil {
			return err
		}
	}
	_, err = r.Finish(nil)
	return err
}

const benchPeople = 20_000

func BenchmarkFirstRead(b *testing.B) {
	list := company(benchPeople)
	measure(b, benchPeople, func(*ingest.Engine) error { return nil }, func(e *ingest.Engine) error { return readAll(e, list) })
}

func BenchmarkActivation(b *testing.B) {
	list := company(benchPeople)
	measure(b, benchPeople, func(e *ingest.Engine) error { return readAll(e, list) }, func(e *ingest.Engine) error {
		run, err := e.Activate("bench", "hr")
		if err == nil && run.Counts.Create != benchPeople {
			err = fmt.Errorf("%+v", run.Counts)
		}
		return err
	})
}

func BenchmarkPreview(b *testing.B) {
	list := company(benchPeople)
	measure(b, benchPeople, func(e *ingest.Engine) error { return readAll(e, list) }, func(e *ingest.Engine) error {
		return e.Preview("hr", func(tx *store.Tx, run model.Run) error {
			if run.Counts.Create != benchPeople {
				return fmt.Errorf("%+v", run.Counts)
			}
			return nil
		})
	})
}
