package bench

import (
	"context"
	"flag"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestBenchMeasuresWhatItSays runs the whole of it in a small company, against the
// real program: the figures mean nothing then, the counts do.
func TestBenchMeasuresWhatItSays(t *testing.T) {
	bin := program(t)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	var log strings.Builder
	results, err := Run(ctx, Options{People: []int{150}, Binary: bin, Deliver: true, SCIM: true, Out: &log})
	if err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	r := results[0]
	if r.People != 150 || r.Writes < 130 || r.Writes > 150 || r.TwiceWritten != 0 {
		t.Errorf("of %d people %d were written to the target, %d of them twice", r.People, r.Writes, r.TwiceWritten)
	}
	if r.NoChangeWrites != 0 || r.Changed != 1 || r.ChangedWrites != 1 {
		t.Errorf("%d writes without a change, %d for %d changes", r.NoChangeWrites, r.ChangedWrites, r.Changed)
	}
	if r.Floor <= 0 || r.NoChange <= 0 || r.Creates <= 0 || r.SCIMRead <= 0 || r.SCIMWrite <= 0 || r.OktaJavelo <= 0 || r.Start <= 0 || r.Shutdown <= 0 {
		t.Errorf("something was not measured: %+v", r)
	}
	table, plot := Table([]Result{r, r}), Plot([]Result{r, {People: 1500, FirstRead: 1, NoChange: 1}})
	if lines := strings.Count(table, "\n"); lines != len(rows)+4 || !strings.Contains(table, "150 people") {
		t.Errorf("the table has %d lines:\n%s", lines, table)
	}
	if !strings.HasPrefix(plot, "<svg") || !strings.HasSuffix(plot, "</svg>\n") || strings.Contains(plot, "NaN") || strings.Contains(plot, "Inf") {
		t.Errorf("the plot is no drawing: %s", plot)
	}
}

// program builds the real program, without the race detector.
func program(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "rollcall")
	if out, err := exec.Command("go", "build", "-o", bin, "../..").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return bin
}

var soakFor = flag.Duration("soak", 0, "how long TestSoak keeps 20,000 people changing; 0: a few rounds of few people")

// TestSoak is an hour long with -soak 1h -timeout 2h. Each round people change,
// join and leave, and some rounds have a fault; the process is restarted now and
// then. In the end memory, goroutines, the database and latency are where they
// were, and the target is in step.
func TestSoak(t *testing.T) {
	o := SoakOptions{Options: Options{People: []int{300}, Binary: program(t), Seed: 1}, Rounds: 9}
	if *soakFor > 0 {
		o.People, o.Rounds, o.Duration = []int{20_000}, 0, *soakFor
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute+2**soakFor)
	defer cancel()
	var log strings.Builder
	o.Out = &log
	r, err := Soak(ctx, o)
	if err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	if r.Faults < r.Rounds/3 || len(r.Samples) < r.Rounds/3 || len(r.Disks) < r.Rounds/restartEvery {
		t.Errorf("%d rounds had %d faults, %d samples and %d restarts", r.Rounds, r.Faults, len(r.Samples), len(r.Disks))
	}
	if *soakFor > 0 {
		t.Log(log.String())
	}
}

func TestGrowthIsNoticed(t *testing.T) {
	steady := func(n int) (out []Sample) {
		for i := range n {
			out = append(out, Sample{Round: i, Memory: 30 << 20, Goroutines: 40, Read: 1, SCIM: 0.001})
		}
		return out
	}
	still := []Disk{{File: 100 << 20, Free: 10 << 20, Events: 100}, {File: 101 << 20, Free: 10 << 20, Events: 400}}
	good := SoakResult{Samples: steady(9), Disks: still}
	if err := good.flat(); err != nil {
		t.Errorf("nothing grew: %v", err)
	}
	for what, grow := range map[string]func(*SoakResult){
		"memory":            func(r *SoakResult) { r.Samples[7].Memory, r.Samples[8].Memory = 90<<20, 90<<20 },
		"goroutines":        func(r *SoakResult) { r.Samples[7].Goroutines, r.Samples[8].Goroutines = 100, 100 },
		"seconds of a read": func(r *SoakResult) { r.Samples[7].Read, r.Samples[8].Read = 4, 4 },
		"the database grew": func(r *SoakResult) { r.Disks[1].File = 130 << 20 },
		"were not used":     func(r *SoakResult) { r.Disks[1].File, r.Disks[1].Free = 300<<20, 208<<20 },
	} {
		r := SoakResult{Samples: steady(9), Disks: slices.Clone(still)}
		grow(&r)
		if err := r.flat(); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s grew, and what is said is: %v", what, err)
		}
	}
}
