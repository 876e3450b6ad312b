package appliance_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/appliance/store"
)

// program builds the real binary once, without the race detector: it is killed
// and started sixty times.
func program(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "rollcall")
	out, err := exec.Command("go", "build", "-o", bin, "..").CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return bin
}

// operator is what a human does with commands while the daemon runs, and what
// scripts do: read, activate, wait.
func operator(bin, config string) error {
	for _, args := range [][]string{{"sync", "hibob", "--wait"}, {"activate", "hibob", "--yes"}, {"sync", "hibob", "--wait"}} {
		cmd := exec.Command(bin, append([]string{"--config", config}, args...)...)
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		switch {
		case err == nil:
		case errors.As(err, &exit) && exit.ExitCode() == 3: // a human is needed: preview, most likely
		case strings.Contains(string(out), "is active already"): // by the attempt before the kill
		default:
			return fmt.Errorf("rollcall %s: %w: %s", strings.Join(args, " "), err, out)
		}
	}
	return nil
}

// TestKillDuringTheFirstSyncLosesAndDoublesNobody kills the process at random
// moments of a first sync of 300 people, starts it again, and counts. A moment is
// so many arrivals and answers of requests after the start, and some microseconds:
// a slow machine is killed at the same places as a fast one.
func TestKillDuringTheFirstSyncLosesAndDoublesNobody(t *testing.T) {
	const moments, people = 30, 300
	bin := program(t)
	// run lets an appliance work until it is done or, at signs > 0, until so many
	// signs of life of it were seen; at signs < 0 it is killed while it starts.
	run := func(t *testing.T, w *world, signs int64, late time.Duration) (killed bool, seen int64) {
		t.Helper()
		path := filepath.Join(w.dir, "config.toml")
		if err := os.WriteFile(path, []byte(w.text), 0o600); err != nil {
			t.Fatal(err)
		}
		daemon := exec.Command(bin, "--config", path, "run")
		var log strings.Builder
		daemon.Stderr = &log
		started := make(chan struct{})
		kill := func() {
			time.AfterFunc(late, func() {
				<-started
				_ = daemon.Process.Kill()
			})
		}
		var count atomic.Int64
		sign := func() {
			if count.Add(1) == signs {
				kill()
			}
		}
		w.onRequest.Store(&sign)
		if err := daemon.Start(); err != nil {
			t.Fatal(err)
		}
		close(started)
		ended := make(chan error, 1)
		go func() { ended <- daemon.Wait() }()
		if signs < 0 {
			kill()
		}
		awaitSocket(t, filepath.Join(w.dir, "a.sock"), ended)
		err := operator(bin, path)
		_ = daemon.Process.Signal(os.Interrupt)
		daemonErr := <-ended
		if signs == 0 && (err != nil || daemonErr != nil) {
			t.Fatalf("the operator was told %v, and the appliance ended with %v\n%s", err, daemonErr, log.String())
		}
		return daemonErr != nil, count.Load()
	}
	whole := newWorld(t, people, "")
	_, full := run(t, whole, 0, 0)
	checkEverybodyOnce(t, whole)

	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	var kills atomic.Int32
	// The group returns when its parallel rounds are over.
	t.Run("rounds", func(t *testing.T) {
		for moment := range moments {
			// Spread over the whole of it, the start included.
			signs := 1 + int64(float64(full)*(float64(moment-2)+rng.Float64())/(moments-2))
			late := time.Duration(rng.Int64N(int64(3 * time.Millisecond)))
			if moment < 2 {
				signs, late = -1, 10*late
			}
			t.Run(fmt.Sprintf("killed %v after sign %d", late, signs), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, people, "")
				if killed, _ := run(t, w, signs, late); killed {
					kills.Add(1)
				}
				run(t, w, 0, 0)
				checkEverybodyOnce(t, w)
				s, err := store.Open(filepath.Join(w.dir, "data", store.FileName), store.Options{})
				if err != nil {
					t.Fatal(err)
				}
				if err := errors.Join(s.Check(), s.CheckIndexes(), s.Close()); err != nil {
					t.Error(err)
				}
			})
		}
	})
	// The last may come too late: fewer requests were needed than in the first run.
	if n := kills.Load(); n < moments*2/3 {
		t.Errorf("only %d of %d kills hit a running sync, which proves little", n, moments)
	}
	t.Logf("%d of %d kills hit a sync with %d signs of life", kills.Load(), moments, full)
}

func checkEverybodyOnce(t *testing.T, w *world) {
	t.Helper()
	if got, want := activeAccounts(w.javelo), expected(w.people); got != want {
		t.Errorf("the target has %d active accounts, want %d", got, want)
	}
	if got, want := len(w.javelo.Accounts()), expected(w.people); got != want {
		t.Errorf("the target has %d accounts, want %d", got, want)
	}
	for _, p := range w.people {
		if n := w.javelo.Creates(p.Email); n > 1 {
			t.Errorf("person %d was created %d times", p.Index, n)
		}
	}
}

// awaitSocket waits until the daemon answers, or has ended. It puts what the
// daemon ended with back for the next who asks.
func awaitSocket(t *testing.T, path string, ended chan error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if conn, err := net.Dial("unix", path); err == nil {
			conn.Close()
			return
		}
		select {
		case err := <-ended:
			ended <- err
			return
		case <-ctx.Done():
			t.Fatal("the appliance does not come up")
		case <-tick.C:
		}
	}
}
