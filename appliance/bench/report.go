package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// Main measures, prints a table (or JSON) to out, and draws the growth into the
// file plot unless that is empty.
func Main(ctx context.Context, o Options, out io.Writer, plot string, asJSON bool) error {
	results, err := Run(ctx, o)
	if len(results) == 0 {
		return err
	}
	var writeErr error
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		writeErr = enc.Encode(results)
	} else {
		_, writeErr = io.WriteString(out, Table(results))
	}
	if plot != "" {
		writeErr = errors.Join(writeErr, os.WriteFile(plot, []byte(Plot(results)), 0o644))
	}
	return errors.Join(err, writeErr)
}

// SoakMain soaks and prints what it saw, as text or JSON.
func SoakMain(ctx context.Context, o SoakOptions, out io.Writer, asJSON bool) error {
	r, err := Soak(ctx, o)
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return errors.Join(err, enc.Encode(r))
	}
	_, writeErr := io.WriteString(out, r.text()+r.verdict(err))
	return errors.Join(err, writeErr)
}

// row is one line of the table: a figure, and what it should be.
type row struct {
	what   string
	target string // empty: none
	value  func(Result) string
}

func seconds(s float64) string {
	switch {
	case s == 0:
		return "–"
	case s < 0.001:
		return strconv.FormatFloat(s*1e6, 'f', 0, 64) + " µs"
	case s < 1:
		return strconv.FormatFloat(s*1e3, 'f', 1, 64) + " ms"
	}
	return strconv.FormatFloat(s, 'f', 1, 64) + " s"
}

func size(n int64) string {
	switch {
	case n == 0:
		return "–"
	case n < 1<<20:
		return fmt.Sprintf("%d KiB", n>>10)
	case n < 10<<30:
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d GiB", n>>30)
}

func rate(f float64) string {
	if f == 0 {
		return "–"
	}
	return strconv.FormatFloat(f, 'f', 0, 64)
}

var rows = []row{
	{"memory, started", "< 25 MiB", func(r Result) string { return size(r.MemoryStarted) }},
	{"first read (processor time)", "", func(r Result) string { return seconds(r.FirstRead) + " (" + seconds(r.FirstReadCPU) + ")" }},
	{"activation (processor time)", "", func(r Result) string { return seconds(r.Activate) + " (" + seconds(r.ActivateCPU) + ")" }},
	{"first run: read and activation", "100,000: < 30 s", func(r Result) string { return seconds(r.FirstRead + r.Activate) }},
	{"plan", "10,000: < 1 s", func(r Result) string { return seconds(r.Plan) }},
	{"readiness report", "10,000: < 5 s", func(r Result) string { return seconds(r.Readiness) }},
	{"of plan and report processor time", "", func(r Result) string { return seconds(r.PlanCPU) }},
	{"memory, peak of the first read", "1,000,000: < 600 MiB", func(r Result) string { return size(r.MemoryFirstRead) }},
	{"memory, peak of plan and report", "1,000,000: < 600 MiB", func(r Result) string { return size(r.MemoryPlan) }},
	{"memory, peak of the activation", "1,000,000: < 600 MiB", func(r Result) string { return size(r.MemoryActivate) }},
	{"deliveries", "", func(r Result) string { return seconds(r.Deliver) }},
	{"writes to the target, second ones", "one each", func(r Result) string { return fmt.Sprintf("%d, %d", r.Writes, r.TwiceWritten) }},
	{"stream-decoding HiBob's answer", "", func(r Result) string { return seconds(r.Floor) }},
	{"no-change run (processor time)", "", func(r Result) string { return seconds(r.NoChange) + " (" + seconds(r.NoChangeCPU) + ")" }},
	{"no-change run, times stream-decoding", "≤ 2", func(r Result) string { return strconv.FormatFloat(r.NoChangeRatio, 'f', 2, 64) }},
	{"no-change run, written to disk", "the run's record", func(r Result) string { return size(r.NoChangeWritten) }},
	{"no-change run, writes to the target", "0", func(r Result) string { return strconv.Itoa(r.NoChangeWrites) }},
	{"memory, peak of a no-change run", "1,000,000: < 600 MiB", func(r Result) string { return size(r.MemoryRun) }},
	{"people changed, and writes to the target", "equal", func(r Result) string { return fmt.Sprintf("%d, %d", r.Changed, r.ChangedWrites) }},
	{"run with these changes", "", func(r Result) string { return seconds(r.ChangeRun) }},
	{"memory, in service after that", "40 / 120 / 300 MiB", func(r Result) string { return size(r.MemoryService) }},
	{"database", "", func(r Result) string { return size(r.DatabaseBytes) }},
	{"shutdown", "< 2 s", func(r Result) string { return seconds(r.Shutdown) }},
	{"start to ready", "< 1 s", func(r Result) string { return seconds(r.Start) }},
	{"memory, after the restart", "40 / 120 / 300 MiB", func(r Result) string { return size(r.MemoryRestart) }},
	{"SCIM creates per second, 64 at once", "", func(r Result) string { return rate(r.Creates) }},
	{"SCIM write, alone", "grows < 2×", func(r Result) string { return seconds(r.SCIMWrite) }},
	{"SCIM filtered read, alone", "grows < 2×", func(r Result) string { return seconds(r.SCIMRead) }},
	{"the three over TLS", "", func(r Result) string {
		return rate(r.TLSCreates) + ", " + seconds(r.TLSWrite) + ", " + seconds(r.TLSRead)
	}},
	{"Okta POST to Javelo POST", "< 250 ms", func(r Result) string { return seconds(r.OktaJavelo) }},
	{"memory, with as many SCIM users", "", func(r Result) string { return size(r.MemoryAfter) }},
}

// Table lays the results out as a Markdown table, one column per size.
func Table(results []Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured on: %s\n\n", results[0].Machine)
	cells := [][]string{{"", "target"}}
	for _, r := range results {
		cells[0] = append(cells[0], thousands(r.People)+" people")
	}
	for _, line := range rows {
		c := []string{line.what, line.target}
		for _, r := range results {
			c = append(c, line.value(r))
		}
		cells = append(cells, c)
	}
	width := make([]int, len(cells[0]))
	for _, c := range cells {
		for i, text := range c {
			width[i] = max(width[i], len([]rune(text)))
		}
	}
	for n, c := range cells {
		for i, text := range c {
			b.WriteString("| " + text + strings.Repeat(" ", width[i]-len([]rune(text))+1))
		}
		b.WriteString("|\n")
		if n == 0 {
			for i := range c {
				b.WriteString("|" + strings.Repeat("-", width[i]+2))
			}
			b.WriteString("|\n")
		}
	}
	return b.String()
}

func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
