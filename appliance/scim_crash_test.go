package appliance_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"rollcall/appliance/store"
)

// TestKillWhileManySendersWriteKeepsWhatWasAnswered kills the real program while
// sixteen senders share its transactions, starts it again on what is left, and asks
// for everybody who was answered 2xx.
func TestKillWhileManySendersWriteKeepsWhatWasAnswered(t *testing.T) {
	const senders, kills = 16, 5
	bin := program(t)
	dir, err := os.MkdirTemp("", "rc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket, config := filepath.Join(dir, "a.sock"), filepath.Join(dir, "config.toml")
	err = os.WriteFile(config, fmt.Appendf(nil, `
[appliance]
data_dir     = %q
admin_socket = %q
view_socket  = %q
[scim]
listen = "127.0.0.1:0"
[metrics]
listen = "127.0.0.1:0"
[sources.idp]
kind = "okta"
`, filepath.Join(dir, "data"), socket, filepath.Join(dir, "v.sock")), 0o600)
	if err != nil {
		t.Fatal(err)
	}

	var mu sync.Mutex
	told := map[string]string{}  // id → the title that was answered last
	asked := map[string]string{} // id → the title that was asked for last
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	for round := range kills + 1 {
		daemon := exec.Command(bin, "--config", config, "run")
		if err := daemon.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- daemon.Wait() }()
		awaitSocket(t, socket, ended)
		raw, err := exec.Command(bin, "--config", config, "token", "create", "idp", "--json").Output()
		if err != nil {
			t.Fatalf("token create: %v", err)
		}
		var token struct{ Token, URL string }
		if err := json.Unmarshal(raw, &token); err != nil {
			t.Fatalf("%v: %s", err, raw)
		}
		s := sender{tb: t, base: token.URL, token: token.Token, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders}}}
		for id, title := range told {
			got, _ := s.want(200, "GET", "/Users/"+id, "").body["title"].(string)
			// A write whose answer was lost may have happened.
			if got != title && got != asked[id] {
				t.Errorf("after %d kills the title of %s is %q, and %q was answered", round, id, got, title)
			}
			told[id], asked[id] = got, got
		}
		if round == kills {
			_ = daemon.Process.Signal(os.Interrupt)
			if err := <-ended; err != nil {
				t.Errorf("the appliance ended with %v", err)
			}
			break
		}
		var wg sync.WaitGroup
		for i := range senders {
			wg.Go(func() {
				for n := 0; ; n++ {
					made := s.ask("POST", "/Users", user(fmt.Sprintf("p-%d-%d-%d@halcyon-atelier.example", round, i, n), "Given", "Person"))
					if made.status != 201 {
						return
					}
					mu.Lock()
					told[made.id()] = ""
					asked[made.id()] = "Head"
					mu.Unlock()
					changed := s.ask("PATCH", "/Users/"+made.id(), patchOps(`{"op":"replace","value":{"title":"Head"}}`))
					if changed.status != 200 {
						return
					}
					mu.Lock()
					told[made.id()] = "Head"
					mu.Unlock()
				}
			})
		}
		time.AfterFunc(time.Duration(20+rng.IntN(300))*time.Millisecond, func() { _ = daemon.Process.Kill() })
		wg.Wait()
		<-ended
	}
	if len(told) < 2*senders {
		t.Errorf("only %d users were answered, which proves little", len(told))
	}
	t.Logf("%d users were answered before %d kills", len(told), kills)
	db, err := store.Open(filepath.Join(dir, "data", store.FileName), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	err = db.View(func(tx *store.Tx) error {
		if n := tx.Count("idp", "User"); n < len(told) || n > len(told)+kills*senders {
			t.Errorf("%d users are counted, %d were answered", n, len(told))
		}
		_, err := tx.VerifyJournal()
		return err
	})
	if err := errors.Join(err, db.Check(), db.CheckIndexes(), db.Close()); err != nil {
		t.Error(err)
	}
}
