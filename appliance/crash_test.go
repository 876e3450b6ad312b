package appliance_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"rollcall/appliance"
	"rollcall/appliance/admin"
	"rollcall/appliance/config"
	"rollcall/appliance/store"
)

// crashConfig names, in the environment of a child process, the configuration it
// shall bring its target in step with.
const crashConfig = "ROLLCALL_TEST_CRASH_CONFIG"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashConfig); path != "" {
		if err := bringInStep(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// bringInStep is the child: the appliance, and an operator who reads, activates
// and waits until nothing is left to send.
func bringInStep(path string) error {
	cfg, err := config.Load(path)
	if err != nil {
		return err
	}
	if err := cfg.ResolveSecrets(); err != nil {
		return err
	}
	ready := make(chan struct{})
	app, err := appliance.Open(cfg, appliance.Options{Log: hclog.New(&hclog.LoggerOptions{Output: io.Discard}), Version: admin.Version{Version: "test"},
		Ready: func(appliance.Addresses) { close(ready) }})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	served := make(chan error, 1)
	go func() { served <- app.Serve(ctx) }()
	<-ready
	if err := app.Sync(ctx, "test", nil); err != nil {
		return err
	}
	if err := app.Wait(ctx, nil); err != nil {
		return err
	}
	var stale *admin.Error
	if _, err := app.Activate(ctx, "test", "hibob"); err != nil && !(errors.As(err, &stale) && stale.Code == admin.CodeStale) {
		return err
	}
	if err := app.Wait(ctx, nil); err != nil {
		return err
	}
	cancel()
	return errors.Join(<-served, app.Close())
}

// TestKillDuringTheFirstSyncLosesAndDoublesNobody kills the process at random
// moments of a first sync of 300 people, starts it again, and counts.
func TestKillDuringTheFirstSyncLosesAndDoublesNobody(t *testing.T) {
	const moments, people = 30, 300
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	run := func(w *world, after time.Duration) (killed bool, took time.Duration) {
		t.Helper()
		path := filepath.Join(w.dir, "config.toml")
		if err := os.WriteFile(path, []byte(w.text), 0o600); err != nil {
			t.Fatal(err)
		}
		child := exec.Command(self, "-test.run=^$")
		child.Env = append(os.Environ(), crashConfig+"="+path)
		child.Stderr = os.Stderr
		begin := time.Now()
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		if after > 0 {
			timer := time.AfterFunc(after, func() { _ = child.Process.Kill() })
			defer timer.Stop()
		}
		err := child.Wait()
		var exit *exec.ExitError
		if err != nil && !(after > 0 && errors.As(err, &exit) && exit.ExitCode() == -1) {
			t.Fatalf("the appliance ended with %v", err)
		}
		return err != nil, time.Since(begin)
	}
	whole := newWorld(t, people, "")
	_, full := run(whole, 0)
	checkEverybodyOnce(t, whole, "an undisturbed sync")

	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	kills := 0
	for moment := range moments {
		w := newWorld(t, people, "")
		// Spread over the whole of it, the start and the end included.
		after := time.Duration(float64(full) * (float64(moment) + rng.Float64()) / moments)
		killed, _ := run(w, max(after, time.Millisecond))
		if killed {
			kills++
		}
		run(w, 0)
		checkEverybodyOnce(t, w, fmt.Sprintf("killed after %v of %v", after.Round(time.Millisecond), full.Round(time.Millisecond)))
		s, err := store.Open(filepath.Join(w.dir, "data", store.FileName), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.Check(), s.CheckIndexes(), s.Close()); err != nil {
			t.Errorf("killed after %v: %v", after, err)
		}
		if t.Failed() {
			return
		}
	}
	if kills < moments/2 {
		t.Errorf("only %d of %d kills hit a running sync, which proves little", kills, moments)
	}
	t.Logf("%d of %d kills hit a sync that takes %v undisturbed", kills, moments, full.Round(time.Millisecond))
}

func checkEverybodyOnce(t *testing.T, w *world, when string) {
	t.Helper()
	if got, want := activeAccounts(w.javelo), expected(w.people); got != want {
		t.Errorf("%s: the target has %d active accounts, want %d", when, got, want)
	}
	if got, want := len(w.javelo.Accounts()), expected(w.people); got != want {
		t.Errorf("%s: the target has %d accounts, want %d", when, got, want)
	}
	for _, p := range w.people {
		if n := w.javelo.Creates(p.Email); n > 1 {
			t.Errorf("%s: person %d was created %d times", when, p.Index, n)
		}
	}
}
