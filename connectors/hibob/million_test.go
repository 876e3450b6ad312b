package hibob_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"rollcall/connectors/cast"
	"rollcall/connectors/hibob"
	"rollcall/connectors/hibob/hibobsim"
)

// simVariable makes this test binary a simulated HiBob of so many people, in a
// process of its own: its memory must not count as that of the reader.
const simVariable = "ROLLCALL_TEST_HIBOB_PEOPLE"

// TestServeSimulatedCompany is no test: it is the other end of BenchmarkReadRSS.
func TestServeSimulatedCompany(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv(simVariable))
	if err != nil {
		t.Skip("runs as the other process of BenchmarkReadRSS only")
	}
	sim := hibobsim.New(cast.Company(n, 7), hibobsim.Options{ServiceUserID: user, Token: token, Rate: -1})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: sim}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // until the reader is done
		_ = srv.Close()
	}()
	fmt.Println("listening", l.Addr())
	_ = srv.Serve(l)
}

// simulatedElsewhere starts a simulated HiBob of n people and returns its address.
func simulatedElsewhere(b *testing.B, n int) *url.URL {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestServeSimulatedCompany$", "-test.v")
	cmd.Env = append(os.Environ(), simVariable+"="+strconv.Itoa(n))
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close()
		_ = cmd.Wait()
		cancel()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if address, ok := strings.CutPrefix(lines.Text(), "listening "); ok {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return &url.URL{Scheme: "http", Host: address, Path: "/v1"}
		}
	}
	b.Fatal("the simulator did not start")
	return nil
}

// rssAnon returns the anonymous memory of this process in MiB, what Linux counts
// as used whatever Go thinks of it.
func rssAnon(b *testing.B) float64 {
	b.Helper()
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip("no /proc to read the anonymous memory from")
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kib, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")))
			if err != nil {
				b.Fatal(err)
			}
			return float64(kib) / 1024
		}
	}
	b.Skip("this kernel does not tell RssAnon")
	return 0
}

// BenchmarkReadRSS reads companies of a simulated HiBob in another process, and
// reports the anonymous memory before and at its most, beside the time that reading
// and decoding the same answer person by person with the standard decoder takes.
// What grows with the company is some sixteen bytes per person,
// by which somebody listed twice is noticed.
func BenchmarkReadRSS(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			base := simulatedElsewhere(b, n)
			s := newSource(b, http.DefaultTransport, func(c *hibob.Config) { c.BaseURL = base })
			runtime.GC()
			start := rssAnon(b)
			peak, read := start, time.Duration(0)
			for b.Loop() {
				began := time.Now()
				if got := drain(b, s, func(page int) {
					if page%50 == 0 {
						peak = max(peak, rssAnon(b))
					}
				}); got != n {
					b.Fatalf("%d people, want %d", got, n)
				}
				read += time.Since(began)
			}
			floor := decodeAll(b, base)
			b.ReportMetric(start, "MiB-before")
			b.ReportMetric(peak, "MiB-peak")
			b.ReportMetric(read.Seconds()/float64(b.N)/floor.Seconds(), "x-floor")
		})
	}
}

// decodeAll asks for the same people and throws them away one by one.
func decodeAll(b *testing.B, base *url.URL) time.Duration {
	b.Helper()
	began := time.Now()
	const body = `{"fields":["root.id","root.email","root.firstName","root.surname","root.displayName","work.reportsTo","work.title","work.department","work.site","work.startDate","work.originalStartDate","work.employeeIdInCompany","work.workPhone","work.workMobile","home.legalGender","employee.legalSex","personal.birthDate","payroll.employment.contract","internal.status","internal.lifecycleStatus","internal.terminationDate","employee.lastDayOfWork"],"showInactive":true,"humanReadable":"APPEND"}`
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, base.String()+"/people/search", strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	r.SetBasicAuth(user, token)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	dec := json.NewDecoder(bufio.NewReaderSize(resp.Body, 64<<10))
	for range 3 {
		if _, err := dec.Token(); err != nil {
			b.Fatal(err)
		}
	}
	for dec.More() {
		var one map[string]any
		if err := dec.Decode(&one); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(began)
}
