package relay_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"rollcall/appliance/model"
	"rollcall/appliance/store"
	"rollcall/connectors"
)

// managed starts a lane over people of whom boss(n) says who manages n, 0: nobody.
func managed(t *testing.T, n int, boss func(int) int, prepare func(*testing.T, *world), test func(*testing.T, *world)) {
	t.Helper()
	inBubble(t, 0, func(t *testing.T, w *world) {
		list := make([]model.Observation, n)
		for i := range list {
			if b := boss(i + 1); b > 0 {
				list[i] = someone(i+1, "manager", fmt.Sprint(b))
			} else {
				list[i] = someone(i + 1)
			}
		}
		w.read(list...)
		if prepare != nil {
			prepare(t, w)
		}
		w.start()
		test(t, w)
	})
}

// linked checks that every account carries the link to its manager.
func linked(t *testing.T, w *world, n int, boss func(int) int) {
	t.Helper()
	for i := 1; i <= n; i++ {
		a, _ := w.target.byLogin(address(i))
		want := ""
		if b := boss(i); b > 0 {
			m, _ := w.target.byLogin(address(b))
			want = m.RemoteID
		}
		if a.ManagerRemoteID != want || a.RemoteID == "" {
			t.Errorf("account %q of %d has manager %q, want %q", a.RemoteID, i, a.ManagerRemoteID, want)
		}
	}
}

func TestManagersGoFirstSoThatOneWriteEachIsEnough(t *testing.T) {
	for name, boss := range map[string]func(int) int{
		"a line":            func(i int) int { return (i + 1) % 31 },
		"a line backwards":  func(i int) int { return i - 1 },
		"a tree":            func(i int) int { return i / 3 },
		"a tree from below": func(i int) int { return map[bool]int{true: 31 - (31-i)/3, false: 0}[(31-i)/3 > 0] },
		"nobody":            func(int) int { return 0 },
	} {
		managed(t, 30, boss, nil, func(t *testing.T, w *world) {
			if n := w.writes(); n != 30 {
				t.Errorf("%s: %d writes for 30 people", name, n)
			}
			linked(t, w, 30, boss)
			w.settled()
		})
	}
}

func TestCircleOfManagersTakesOneSecondWrite(t *testing.T) {
	boss := func(i int) int { return i%4 + 1 } // 1→2→3→4→1
	managed(t, 4, boss, nil, func(t *testing.T, w *world) {
		w.pass(5 * time.Minute)
		if n := w.writes(); n != 5 {
			t.Errorf("%d writes for a circle of four, want one each and one more link", n)
		}
		linked(t, w, 4, boss)
		w.settled()
	})
}

func TestSelfManagerIsNoManager(t *testing.T) {
	managed(t, 1, func(int) int { return 1 }, nil, func(t *testing.T, w *world) {
		if n := w.writes(); n != 1 || w.target.accounts["j1"].ManagerRemoteID != "" {
			t.Errorf("%d writes, manager %q", n, w.target.accounts["j1"].ManagerRemoteID)
		}
		w.settled()
	})
}

func TestLateManagerIsLinkedInASecondWrite(t *testing.T) {
	boss := func(i int) int { return i - 1 }
	failing := true
	managed(t, 2, boss, func(t *testing.T, w *world) {
		w.behave(func(c call) error {
			if failing && c.op == "create" && c.login == address(1) {
				return &connectors.Error{Class: connectors.Throttled, Op: "javelo: create account", Detail: "429", RetryAt: time.Now().Add(time.Minute)}
			}
			return nil
		}, nil)
	}, func(t *testing.T, w *world) {
		w.pass(90 * time.Second)
		w.target.mu.Lock()
		failing = false
		w.target.mu.Unlock()
		w.pass(5 * time.Minute)
		linked(t, w, 2, boss)
		w.settled()
	})
}

func TestRefusedLinkDoesNotKeepAnAccountFromBeingMade(t *testing.T) {
	managed(t, 2, func(i int) int { return i - 1 }, func(t *testing.T, w *world) {
		w.behave(func(c call) error {
			if c.manager != "" {
				return &connectors.Error{Class: connectors.Invalid, Op: "javelo: create account", Detail: "the manager is disabled", Err: connectors.ErrManagerRefused}
			}
			return nil
		}, nil)
	}, func(t *testing.T, w *world) {
		w.pass(time.Minute)
		if a, ok := w.target.byLogin(address(2)); !ok || a.ManagerRemoteID != "" {
			t.Errorf("the report's account: %+v", a)
		}
		jobs := all(w, store.Outbox)
		if len(jobs) != 1 || !slices.Equal(jobs[0].Changed, []model.Name{model.Manager}) || jobs[0].State != model.JobParked {
			t.Errorf("the link is left as %+v", jobs)
		}
	})
}

func TestKickInTheMiddleOfAChainLosesNoTime(t *testing.T) {
	boss := func(i int) int { return (i + 1) % 31 }
	managed(t, 30, boss, func(t *testing.T, w *world) {
		w.behave(func(c call) error {
			w.lane.Kick()
			return nil
		}, nil)
	}, func(t *testing.T, w *world) {
		if n := w.writes(); n != 30 { // no time has passed yet
			t.Errorf("%d of 30 writes at once", n)
		}
		linked(t, w, 30, boss)
	})
}

func TestLeaverDoesNotWaitForABacklog(t *testing.T) {
	inBubble(t, 40, func(t *testing.T, w *world) {
		n := 0
		w.behave(func(c call) error {
			if c.op != "create" {
				return nil
			}
			if n++; n == 5 {
				gone := people(40)
				for i := range gone {
					if a, ok := w.target.byLogin(address(i + 1)); ok && a.Active {
						gone[i] = left(gone[i])
						break
					}
				}
				w.read(gone...)
			}
			return nil
		}, nil)
		w.start()
		w.behave(nil, nil)
		ops := w.ops()
		at := slices.IndexFunc(ops, func(op string) bool { return len(op) > 10 && op[:10] == "deactivate" })
		if at < 0 || at > 7 {
			t.Errorf("the leaver was switched off as request %d of %v", at, ops)
		}
	})
}
