package bench

import (
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
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
	if r.Floor <= 0 || r.NoChange <= 0 || r.Creates <= 0 || r.SCIMRead <= 0 || r.SCIMWrite <= 0 || r.OktaJavelo <= 0 || r.TLSCreates <= 0 || r.TLSWrite <= 0 || r.TLSRead <= 0 || r.Start <= 0 || r.Shutdown <= 0 {
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

func TestBenchWithoutHRLoadsEverybodyOverSCIM(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	results, err := Run(ctx, Options{People: []int{120}, Binary: program(t), NoHR: true})
	if err != nil {
		t.Fatal(err)
	}
	r := results[0]
	if r.Creates <= 0 || r.SCIMRead <= 0 || r.TLSCreates <= 0 || r.Start <= 0 || r.Shutdown <= 0 || r.MemoryService == 0 || r.MemoryRestart == 0 || r.FirstRead != 0 {
		t.Errorf("measured %+v", r)
	}
}

// build makes the real program, once and without the race detector, in builtIn.
var build = sync.OnceValues(func() (string, error) {
	var err error
	if builtIn, err = os.MkdirTemp("", "rollcall-bench-test-"); err != nil {
		return "", err
	}
	bin := filepath.Join(builtIn, "rollcall")
	out, err := exec.Command("go", "build", "-o", bin, "../..").CombinedOutput()
	if err != nil {
		return bin, fmt.Errorf("go build: %w\n%s", err, out)
	}
	return bin, nil
})

var builtIn string

func TestMain(m *testing.M) {
	code := m.Run()
	if builtIn != "" {
		_ = os.RemoveAll(builtIn)
	}
	os.Exit(code)
}

func program(t *testing.T) string {
	t.Helper()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

var soakFor = flag.Duration("soak", 0, "how long TestSoak keeps 20,000 people changing; 0: a few rounds of few people")

// TestSoak is an hour long with -soak 1h -timeout 2h, and eight rounds of few
// people without. Each round people change, join and leave, a SCIM sender asks and
// writes, and some rounds have a fault; the process is stopped and killed now and
// then. In the end memory, goroutines, the database and latency are where they were,
// nothing acknowledged is lost, and the target is in step.
func TestSoak(t *testing.T) {
	o := SoakOptions{Options: Options{People: []int{300}, Binary: program(t), Seed: 1}, Rounds: 8}
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
	if r.Faults < r.Rounds/3 || len(r.Samples) != r.Rounds || r.Restarts < 2 || r.Killed < 1 || len(r.Disks) != r.Restarts+1 {
		t.Errorf("%d rounds had %d faults, %d samples, %d restarts and %d kills", r.Rounds, r.Faults, len(r.Samples), r.Restarts, r.Killed)
	}
	if len(r.Trends) != len(figures) || r.Disks[len(r.Disks)-1].Free == 0 || r.Compacted.After == 0 {
		t.Errorf("something was not looked at: %d of %d figures, disks %+v, compacted %+v", len(r.Trends), len(figures), r.Disks, r.Compacted)
	}
	text := r.text() + r.verdict(nil)
	for _, want := range []string{"| memory |", "SCIM write, 99 %", "slope per hour", "Compacting in the end", "Verdict: steady"} {
		if !strings.Contains(text, want) {
			t.Errorf("the report does not say %q:\n%s", want, text)
		}
	}
	if *soakFor > 0 {
		t.Log(log.String())
	}
}

func TestGrowthIsNoticed(t *testing.T) {
	steady := func(n int) (out []Sample) {
		for i := range n {
			out = append(out, Sample{Round: i, At: float64(i * 60), Memory: 30 << 20, Peak: 40 << 20, Goroutines: 40, Read: 1,
				asked: []float64{0.001, 0.001, 0.002}, wrote: []float64{0.002, 0.002, 0.003}})
		}
		out[4].Read = 0 // a fault
		return out
	}
	still := []Disk{{File: 100 << 20, Free: 10 << 20, Events: 100}, {File: 101 << 20, Free: 10 << 20, Events: 400}}
	good := SoakResult{Samples: steady(9), Disks: still}
	if err := good.flat(true); err != nil {
		t.Errorf("nothing grew: %v", err)
	}
	for _, x := range good.Trends {
		if x.First == 0 || x.Last != x.First || math.Abs(x.PerHour) > 1e-9 || x.Grew() {
			t.Errorf("steady, and told as %+v", x)
		}
	}
	last := func(r *SoakResult, change func(*Sample)) {
		for i := range r.Samples[6:] {
			change(&r.Samples[6+i])
		}
	}
	for what, grow := range map[string]func(*SoakResult){
		"memory":                     func(r *SoakResult) { last(r, func(s *Sample) { s.Memory = 90 << 20 }) },
		"memory, peak":               func(r *SoakResult) { last(r, func(s *Sample) { s.Peak = 140 << 20 }) },
		"goroutines":                 func(r *SoakResult) { last(r, func(s *Sample) { s.Goroutines = 100 }) },
		"read with changes":          func(r *SoakResult) { last(r, func(s *Sample) { s.Read = 4 }) },
		"SCIM filtered read, median": func(r *SoakResult) { last(r, func(s *Sample) { s.asked = []float64{0.02, 0.02, 0.02} }) },
		"SCIM filtered read, 99 %":   func(r *SoakResult) { last(r, func(s *Sample) { s.asked = []float64{0.001, 0.001, 0.5} }) },
		"SCIM write, median":         func(r *SoakResult) { last(r, func(s *Sample) { s.wrote = []float64{0.02, 0.02, 0.02} }) },
		"SCIM write, 95 %":           func(r *SoakResult) { last(r, func(s *Sample) { s.wrote = []float64{0.002, 0.002, 1} }) },
		"the database grew":          func(r *SoakResult) { r.Disks[1].File = 130 << 20 },
		"were not used":              func(r *SoakResult) { r.Disks[1].File, r.Disks[1].Free = 300<<20, 208<<20 },
		"goroutines grew from 2.0 to ": func(r *SoakResult) { // within the last life; the one before had as many
			for i := range r.Samples {
				r.Samples[i].Goroutines = 100
				if i >= 3 {
					r.Samples[i].Life = 1
				}
				if i == 3 || i == 4 {
					r.Samples[i].Goroutines = 2
				}
			}
		},
	} {
		r := SoakResult{Samples: steady(9), Disks: slices.Clone(still)}
		grow(&r)
		if err := r.flat(true); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s grew, and what is said is: %v", what, err)
		}
		if text := r.text(); !strings.Contains(what, "database") && what != "were not used" && !strings.Contains(text, "**grew**") {
			t.Errorf("%s grew, and the report is:\n%s", what, text)
		}
	}
}

func TestSlopeIsThatOfTheLineThroughTheSamples(t *testing.T) {
	var samples []Sample
	for i := range 10 {
		samples = append(samples, Sample{At: float64(i), Memory: int64(1000 + 3*i)})
	}
	if got := slope(samples, middle(func(s Sample) float64 { return float64(s.Memory) })); got < 2.999 || got > 3.001 {
		t.Errorf("slope %g, want 3", got)
	}
	if p := percentiles([]float64{5, 1, 2, 3, 4}); p.P50 != 3 || p.P99 != 5 {
		t.Errorf("percentiles %+v", p)
	}
}
