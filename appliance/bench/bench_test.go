package bench

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestBenchMeasuresWhatItSays runs the whole of it in a small company, against the
// real program: the figures mean nothing then, the counts do.
func TestBenchMeasuresWhatItSays(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "rollcall")
	if out, err := exec.Command("go", "build", "-o", bin, "../..").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
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
