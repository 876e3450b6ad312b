package relay_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
	"rollcall/appliance/store"
	"rollcall/connectors"
)

// losing applies the next write of an operation and loses its answer, once.
func (w *world) losing(op string) {
	lost := false
	w.behave(nil, func(c call) error {
		if c.op != op || lost {
			return nil
		}
		lost = true
		return &connectors.Error{Class: connectors.Transient, Op: "javelo: write", Detail: "the answer was lost"}
	})
}

func TestLostUpdateThatIsTakenBackIsWrittenBack(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, w *world) {
		w.read(people(1, "title", "Analyst")...)
		w.start()
		w.losing("update")
		w.read(people(1, "title", "Partner")...)
		w.pass(0)
		w.read(people(1, "title", "Analyst")...) // what was delivered before, as far as anybody knows
		w.pass(time.Minute)
		if a, _ := w.target.byLogin(address(1)); a.Attributes[model.Title] != "Analyst" {
			t.Errorf("the account has the title %q", a.Attributes[model.Title])
		}
		w.settled()
		if d := all(w, store.Doubts); len(d) != 0 {
			t.Errorf("doubts that an answer has settled: %+v", d)
		}
	})
}

func TestLostDeactivationOfAReturnerIsUndone(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, w *world) {
		w.start()
		w.losing("deactivate")
		w.read(left(someone(1)))
		w.pass(0)
		w.read(someone(1))
		w.pass(time.Minute)
		if a, _ := w.target.byLogin(address(1)); !a.Active {
			t.Error("who came back is locked out")
		}
		w.settled()
	})
}

func TestLostReactivationOfALeaverIsUndone(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, w *world) {
		w.start()
		w.read(left(someone(1)))
		w.pass(0)
		w.losing("update")
		w.read(someone(1))
		w.pass(0)
		w.read(left(someone(1)))
		w.pass(time.Minute)
		if a, _ := w.target.byLogin(address(1)); a.Active {
			t.Error("who left again kept their access")
		}
		w.settled()
	})
}

func TestWhoLeavesAfterALostCreateIsLookedForAndSwitchedOff(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, w *world) {
		w.losing("create")
		w.start()
		w.read(left(someone(1)))
		w.pass(time.Minute)
		if diff := cmp.Diff([]string{"list", "create p1", "find p1", "deactivate p1"}, w.ops()); diff != "" {
			t.Error(diff)
		}
		w.settled()
	})
}

func TestWhoLeavesAfterACreateThatNeverHappenedGetsNoAccount(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, w *world) {
		w.behave(always(connectors.Transient), nil)
		w.start()
		w.behave(nil, nil)
		w.read(left(someone(1)))
		w.pass(time.Minute)
		if diff := cmp.Diff([]string{"list", "create p1", "find p1"}, w.ops()); diff != "" {
			t.Error(diff)
		}
		w.settled()
		if d := all(w, store.Doubts); len(d) != 0 || len(w.target.accounts) != 0 {
			t.Errorf("doubts %+v, %d accounts", d, len(w.target.accounts))
		}
	})
}

func TestNewAddressAfterALostCreateMakesNoSecondAccount(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, w *world) {
		w.losing("create")
		w.start()
		w.read(someone(1, "email", "married@acme.example"))
		w.pass(time.Hour)
		if len(w.target.accounts) != 1 {
			t.Errorf("%d accounts: %v", len(w.target.accounts), w.ops())
		}
		// Whether the login may follow is a question of its own.
		if q := all(w, store.Conflicts); len(q) != 1 || q[0].Kind != model.IdentifierChange {
			t.Errorf("conflicts %+v", q)
		}
	})
}

func TestLinkToAManagerWhoMayBeSwitchedOffWaits(t *testing.T) {
	managed(t, 3, func(i int) int { return map[int]int{2: 1}[i] }, nil, func(t *testing.T, w *world) {
		w.ops()
		w.losing("deactivate")
		w.read(left(someone(3)), someone(1), someone(2, "manager", "1"))
		w.pass(0)
		// Whether 3 is active nobody knows now; 2 must not be linked to them.
		w.read(someone(3), someone(1), someone(2, "manager", "3"))
		w.pass(time.Hour)
		linked(t, w, 3, func(i int) int { return map[int]int{2: 3}[i] })
		w.settled()
	})
}

func TestManagerWhoNeverHadAnAccountIsNobodysManager(t *testing.T) {
	managed(t, 2, func(i int) int { return i - 1 }, nil, func(t *testing.T, w *world) {
		w.read(someone(1), someone(2, "manager", "3"), left(someone(3)))
		w.pass(time.Minute)
		if a, _ := w.target.byLogin(address(2)); a.ManagerRemoteID != "" {
			t.Errorf("the link still leads to %q", a.ManagerRemoteID)
		}
		w.settled()
	})
}

func TestLinkThatTheTargetDropsIsToldOnce(t *testing.T) {
	managed(t, 2, func(int) int { return 0 }, nil, func(t *testing.T, w *world) {
		w.ops()
		w.target.mu.Lock()
		w.target.forgetful = true
		w.target.mu.Unlock()
		w.read(someone(1), someone(2, "manager", "1", "title", "Partner"))
		w.pass(3 * time.Hour)
		if n := w.writes(); n != 2 {
			t.Errorf("%d writes, want one with the rest and one with the link alone", n)
		}
		if j := all(w, store.Outbox); len(j) != 1 || j[0].State != model.JobParked {
			t.Errorf("jobs %+v", j)
		}
	})
}
