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
// moments of a first sync of 300 people, starts it again, and counts.
func TestKillDuringTheFirstSyncLosesAndDoublesNobody(t *testing.T) {
	const moments, people = 30, 300
	bin := program(t)
	run := func(t *testing.T, w *world, after time.Duration) (killed bool, took time.Duration) {
		t.Helper()
		path := filepath.Join(w.dir, "config.toml")
		if err := os.WriteFile(path, []byte(w.text), 0o600); err != nil {
			t.Fatal(err)
		}
		daemon := exec.Command(bin, "--config", path, "run")
		var log strings.Builder
		daemon.Stderr = &log
		begin := time.Now()
		if err := daemon.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- daemon.Wait() }()
		if after > 0 {
			timer := time.AfterFunc(after, func() { _ = daemon.Process.Kill() })
			defer timer.Stop()
		}
		awaitSocket(t, filepath.Join(w.dir, "a.sock"), ended)
		err := operator(bin, path)
		took = time.Since(begin)
		_ = daemon.Process.Signal(os.Interrupt)
		daemonErr := <-ended
		if after == 0 && (err != nil || daemonErr != nil) {
			t.Fatalf("the operator was told %v, and the appliance ended with %v\n%s", err, daemonErr, log.String())
		}
		return daemonErr != nil, took
	}
	whole := newWorld(t, people, "")
	_, full := run(t, whole, 0)
	checkEverybodyOnce(t, whole)

	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	var kills atomic.Int32
	// The group returns when its parallel rounds are over.
	t.Run("rounds", func(t *testing.T) {
		for moment := range moments {
			// Spread over the whole of it, the start and the end included.
			after := max(time.Duration(float64(full)*(float64(moment)+rng.Float64())/moments), time.Millisecond)
			t.Run(fmt.Sprintf("killed after %v", after.Round(time.Millisecond)), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, people, "")
				if killed, _ := run(t, w, after); killed {
					kills.Add(1)
				}
				run(t, w, 0)
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
	if n := kills.Load(); n < moments/2 {
		t.Errorf("only %d of %d kills hit a running sync, which proves little", n, moments)
	}
	t.Logf("%d of %d kills hit a sync that takes %v undisturbed", kills.Load(), moments, full.Round(time.Millisecond))
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
