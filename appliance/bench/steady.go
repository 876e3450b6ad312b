package bench

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Percentiles are of durations in seconds.
type Percentiles struct {
	P50 float64 `json:"p50_s"`
	P95 float64 `json:"p95_s"`
	P99 float64 `json:"p99_s"`
}

func percentiles(all []float64) Percentiles {
	if len(all) == 0 {
		return Percentiles{}
	}
	sorted := slices.Sorted(slices.Values(all))
	at := func(share float64) float64 { return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))] }
	return Percentiles{P50: at(0.5), P95: at(0.95), P99: at(0.99)}
}

// Sample is what one round of a soak saw, with everything delivered. Memory is
// anonymous, in bytes.
type Sample struct {
	Round      int         `json:"round"`
	Life       int         `json:"life"` // how many restarts there were before
	At         float64     `json:"at_s"` // since the soak began
	Memory     int64       `json:"memory"`
	Peak       int64       `json:"memory_peak"` // since the sample before
	Goroutines int         `json:"goroutines"`
	File       int64       `json:"file"`   // size of the database
	Read       float64     `json:"read_s"` // a read with its changes, delivered; 0: there was a fault
	SCIMRead   Percentiles `json:"scim_filtered_read"`
	SCIMWrite  Percentiles `json:"scim_write"`

	asked, wrote []float64 // what the percentiles are of
}

// Disk is the database between two lives of the process, in bytes.
type Disk struct {
	Round           int    `json:"round"`
	File            int64  `json:"file"`
	Free            int64  `json:"free"`   // in pages that wait to be used again
	Events          uint64 `json:"events"` // in the journal, which only grows
	WorthCompacting bool   `json:"worth_compacting"`
}

// Compacted is what compacting the database gave in the end.
type Compacted struct {
	Before int64   `json:"before"`
	After  int64   `json:"after"`
	Took   float64 `json:"took_s"`
}

// SoakResult is what a soak saw.
type SoakResult struct {
	Machine   string    `json:"machine"`
	People    int       `json:"people"`
	Took      float64   `json:"took_s"`
	Rounds    int       `json:"rounds"`
	Faults    int       `json:"faults"`
	Changes   int       `json:"changes"`
	Restarts  int       `json:"restarts"`
	Killed    int       `json:"killed"` // of the restarts, with kill -9
	Samples   []Sample  `json:"samples"`
	Disks     []Disk    `json:"disks"`
	Compacted Compacted `json:"compacted"`
	Trends    []Trend   `json:"trends"`
}

// Trend is how a figure went from the first third of the samples to the last. Limit
// is what the last third may have at most.
type Trend struct {
	What    string  `json:"what"`
	First   float64 `json:"first"`
	Last    float64 `json:"last"`
	PerHour float64 `json:"per_hour"` // slope of a line through all samples
	Limit   float64 `json:"limit"`
	show    func(float64) string
}

// Grew reports whether the figure is above its limit.
func (t Trend) Grew() bool { return t.Last > t.Limit }

// figure is how a figure is made of some samples.
type figure struct {
	what string
	// lasting figures are compared within the last life of the process: what leaks
	// there would be gone after a restart.
	lasting bool
	clock   bool // a duration
	of      func([]Sample) float64
	slack   float64 // beside a third more
	show    func(float64) string
}

// middle is the median of what samples have, where they have it.
func middle(value func(Sample) float64) func([]Sample) float64 {
	return func(of []Sample) float64 {
		var all []float64
		for _, s := range of {
			if v := value(s); v > 0 {
				all = append(all, v)
			}
		}
		if len(all) == 0 {
			return 0
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
}

// pooled is a percentile over all single durations of some samples.
func pooled(durations func(Sample) []float64, of func(Percentiles) float64) func([]Sample) float64 {
	return func(samples []Sample) float64 {
		var all []float64
		for _, s := range samples {
			all = append(all, durations(s)...)
		}
		return of(percentiles(all))
	}
}

func p50(p Percentiles) float64 { return p.P50 }
func p95(p Percentiles) float64 { return p.P95 }
func p99(p Percentiles) float64 { return p.P99 }

func asked(s Sample) []float64 { return s.asked }
func wrote(s Sample) []float64 { return s.wrote }

func bytesShown(f float64) string {
	if math.Abs(f) < 10<<20 {
		return strconv.FormatFloat(f/(1<<20), 'f', 1, 64) + " MiB"
	}
	return strconv.FormatFloat(f/(1<<20), 'f', 0, 64) + " MiB"
}

func secondsShown(f float64) string {
	if f < 0 {
		return "-" + seconds(-f)
	}
	return seconds(f)
}

func countShown(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }

// figures are what must not grow. A busy machine makes single requests wait, so the
// slack of the high percentiles is large.
var figures = []figure{
	{"memory", true, false, middle(func(s Sample) float64 { return float64(s.Memory) }), 32 << 20, bytesShown},
	{"memory, peak in a round", true, false, middle(func(s Sample) float64 { return float64(s.Peak) }), 64 << 20, bytesShown},
	{"goroutines", true, false, middle(func(s Sample) float64 { return float64(s.Goroutines) }), 4, countShown},
	{"read with changes, delivered", false, true, middle(func(s Sample) float64 { return s.Read }), 2, secondsShown},
	{"SCIM filtered read, median", false, true, pooled(asked, p50), 0.005, secondsShown},
	{"SCIM filtered read, 95 %", false, true, pooled(asked, p95), 0.05, secondsShown},
	{"SCIM filtered read, 99 %", false, true, pooled(asked, p99), 0.1, secondsShown},
	{"SCIM write, median", false, true, pooled(wrote, p50), 0.01, secondsShown},
	{"SCIM write, 95 %", false, true, pooled(wrote, p95), 0.1, secondsShown},
	{"SCIM write, 99 %", false, true, pooled(wrote, p99), 0.25, secondsShown},
}

// trends compares the last third of the samples with the first.
func (r *SoakResult) trends() []Trend {
	var all []Trend
	for _, f := range figures {
		samples := r.Samples
		if f.lasting && len(samples) > 0 {
			last := samples[len(samples)-1].Life
			samples = slices.DeleteFunc(slices.Clone(samples), func(s Sample) bool { return s.Life != last })
		}
		n := len(samples) / 3
		if n == 0 {
			continue
		}
		t := Trend{What: f.what, First: f.of(samples[:n]), Last: f.of(samples[len(samples)-n:]), show: f.show}
		t.Limit, t.PerHour = t.First*4/3+f.slack, slope(samples, f.of)*time.Hour.Seconds()
		all = append(all, t)
	}
	return all
}

// slope is that of the line through what single samples have, by least squares,
// per second.
func slope(samples []Sample, of func([]Sample) float64) float64 {
	var n, sx, sy, sxx, sxy float64
	for i, s := range samples {
		y := of(samples[i : i+1])
		if y == 0 {
			continue
		}
		n, sx, sy, sxx, sxy = n+1, sx+s.At, sy+y, sxx+s.At*s.At, sxy+s.At*y
	}
	if d := n*sxx - sx*sx; d > 0 {
		return (n*sxy - sx*sy) / d
	}
	return 0
}

// perEvent is more than what one change adds to journal and history.
const perEvent = 4 << 10

// flat works out the trends, and is an error when something grew that must not.
// Without the clock durations are told and not judged.
func (r *SoakResult) flat(clock bool) error {
	r.Trends = r.trends()
	if !clock {
		for i, f := range figures {
			if i < len(r.Trends) && f.clock {
				r.Trends[i].Limit = math.MaxFloat64
			}
		}
	}
	var errs []error
	for _, t := range r.Trends {
		if t.Grew() {
			errs = append(errs, fmt.Errorf("%s grew from %s to %s, and may be %s", t.What, t.show(t.First), t.show(t.Last), t.show(t.Limit)))
		}
	}
	if n := len(r.Disks); n > 1 {
		a, b := r.Disks[0], r.Disks[n-1]
		// What is in use may grow by what the journal keeps, and by nothing else.
		if grown, allowed := (b.File-b.Free)-(a.File-a.Free), int64(b.Events-a.Events)*perEvent+(1<<20); grown > allowed {
			errs = append(errs, fmt.Errorf("the database grew by %s in use while the journal grew by %d events", size(grown), b.Events-a.Events))
		}
		if b.Free > b.File/2 && b.File > a.File+(16<<20) {
			errs = append(errs, fmt.Errorf("%s of the database's %s are free and were not used again", size(b.Free), size(b.File)))
		}
	}
	return errors.Join(errs...)
}

// text lays a soak out: how each figure went, some of the samples, the database at
// the restarts.
func (r *SoakResult) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured on: %s\n\n%s people, %s, %d rounds, %s changes, %d faults, %d restarts (%d of them kill -9)\n\n", r.Machine,
		thousands(r.People), time.Duration(r.Took*float64(time.Second)).Round(time.Second), r.Rounds, thousands(r.Changes), r.Faults, r.Restarts, r.Killed)
	b.WriteString("| | first third | last third | slope per hour | may be | verdict |\n|---|---|---|---|---|---|\n")
	grew := 0
	for _, t := range r.Trends {
		verdict := "flat"
		if t.Grew() {
			verdict = "**grew**"
			grew++
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", t.What, t.show(t.First), t.show(t.Last), t.show(t.PerHour), t.show(t.Limit), verdict)
	}
	b.WriteString("\n| round | memory | peak | goroutines | read with changes | SCIM read | SCIM write | database |\n|---|---|---|---|---|---|---|---|\n")
	for i, x := range r.Samples {
		if step := max(1, len(r.Samples)/shown); i%step == 0 || i == len(r.Samples)-1 {
			fmt.Fprintf(&b, "| %d | %s | %s | %d | %s | %s | %s | %s |\n", x.Round, size(x.Memory), size(x.Peak), x.Goroutines,
				seconds(x.Read), seconds(x.SCIMRead.P50), seconds(x.SCIMWrite.P50), size(x.File))
		}
	}
	b.WriteString("\n| after round | database | of it free | events in the journal | compact |\n|---|---|---|---|---|\n")
	for i, d := range r.Disks {
		if step := max(1, len(r.Disks)/shown); i%step == 0 || i == len(r.Disks)-1 {
			compact := "not worth it"
			if d.WorthCompacting {
				compact = "offered"
			}
			fmt.Fprintf(&b, "| %d | %s | %s | %d | %s |\n", d.Round, size(d.File), size(d.Free), d.Events, compact)
		}
	}
	if c := r.Compacted; c.After > 0 {
		fmt.Fprintf(&b, "\nCompacting in the end: %s became %s in %s.\n", size(c.Before), size(c.After), seconds(c.Took))
	}
	return b.String()
}

// verdict is the last line of a report.
func (r *SoakResult) verdict(err error) string {
	if err != nil {
		return "\nVerdict: NOT steady, for the reasons below.\n"
	}
	return "\nVerdict: steady. Nothing grew that must not, nothing acknowledged was lost, and the target is in step.\n"
}
