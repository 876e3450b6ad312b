package relay_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
	"rollcall/appliance/store"
	"rollcall/connectors"
)

func TestAccountsAreListedFirstAndWhoHasOneIsAdopted(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, w *world) {
		w.target.accounts["x1"] = model.Account{RemoteID: "x1", Login: "P1@acme.example", Active: true}
		w.start()
		got := w.ops()
		slices.Sort(got[1:]) // neither is before the other
		if diff := cmp.Diff([]string{"list", "create p2", "update P1"}, got); diff != "" {
			t.Error(diff)
		}
		if !slices.Contains(w.verbs(), "adopted") || len(w.target.accounts) != 2 {
			t.Errorf("journal %v, %d accounts", w.verbs(), len(w.target.accounts))
		}
		w.settled()
		w.pass(12 * time.Hour)
		if got := w.ops(); len(got) != 0 {
			t.Errorf("an idle lane asked %v", got)
		}
		w.pass(13 * time.Hour)
		if diff := cmp.Diff([]string{"list"}, w.ops()); diff != "" {
			t.Errorf("after a day: %s", diff)
		}
	})
}

func TestListingThatIsNotWholeIsNotBelieved(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, w *world) {
		w.target.partial = true
		w.start()
		w.pass(time.Minute)
		if w.writes() != 0 {
			t.Error("somebody was created before the accounts were known")
		}
		w.target.mu.Lock()
		w.target.partial = false
		w.target.mu.Unlock()
		w.pass(10 * time.Minute)
		if w.writes() != 2 {
			t.Error("nothing was sent after a whole listing")
		}
		w.settled()
	})
}

func TestUncertainCreateIsLookedUpBeforeItIsTriedAgain(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, w *world) {
		lost := true
		w.behave(nil, func(c call) error {
			if c.op == "create" && lost {
				lost = false
				return &connectors.Error{Class: connectors.Transient, Op: "javelo: create account", Detail: "the answer was lost"}
			}
			return nil
		})
		w.start()
		w.pass(time.Minute)
		if diff := cmp.Diff([]string{"list", "create p1", "find p1", "update p1"}, w.ops()); diff != "" {
			t.Error(diff)
		}
		if d := all(w, store.Deliveries); len(d) != 1 || d[0].Adopted || len(w.target.accounts) != 1 {
			t.Errorf("delivered %+v, %d accounts", d, len(w.target.accounts))
		}
		w.settled()
	})
}

func TestCreateThatTheEndOfTheProcessCutOffIsLookedUpByTheNext(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, w *world) {
		w.behave(nil, func(c call) error {
			if c.op == "create" {
				go w.stop()
				return context.Canceled
			}
			return nil
		})
		w.start()
		w.pass(time.Second)
		w.behave(nil, nil)
		w.ops()
		w.start()
		w.pass(time.Minute)
		got := w.ops()
		if slices.Contains(got, "create p1") || !slices.Contains(got, "find p1") || len(w.target.accounts) != 1 {
			t.Errorf("after the restart: %v, %d accounts", got, len(w.target.accounts))
		}
		w.settled()
	})
}

func TestUncertainCreateThatNeverHappenedIsTriedAgain(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, w *world) {
		n := 0
		w.behave(func(c call) error {
			if c.op == "create" {
				if n++; n == 1 {
					return errors.New("no class at all")
				}
			}
			return nil
		}, nil)
		w.start()
		w.pass(time.Minute)
		if diff := cmp.Diff([]string{"list", "create p1", "find p1", "create p1"}, w.ops()); diff != "" {
			t.Error(diff)
		}
		w.settled()
	})
}

func TestTakenLoginIsAdopted(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, w *world) {
		w.start() // lists an empty target …
		w.ops()
		w.target.mu.Lock()
		w.target.accounts["x9"] = model.Account{RemoteID: "x9", Login: "P2@acme.example", Active: true}
		w.target.mu.Unlock()
		w.read(people(2)...) // … and knows nothing of x9
		w.pass(0)
		if diff := cmp.Diff([]string{"create p2", "find p2", "update P2"}, w.ops()); diff != "" {
			t.Error(diff)
		}
		if !slices.ContainsFunc(all(w, store.Deliveries), func(d model.Delivered) bool { return d.RemoteID == "x9" && d.Adopted }) {
			t.Errorf("delivered %+v", all(w, store.Deliveries))
		}
		w.settled()
	})
}

func TestTakenLoginThatNobodyCanSeeIsParked(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, w *world) {
		w.behave(func(c call) error {
			if c.op == "create" {
				return &connectors.Error{Class: connectors.Taken, Op: "javelo: create account", Detail: "409"}
			}
			return nil
		}, nil)
		w.start()
		w.pass(time.Hour)
		if diff := cmp.Diff([]string{"list", "create p1", "find p1"}, w.ops()); diff != "" {
			t.Error(diff)
		}
		if j := all(w, store.Outbox); len(j) != 1 || j[0].State != model.JobParked {
			t.Errorf("jobs %+v", j)
		}
	})
}

func TestAccountOfAnotherPersonIsNotTakenOver(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, w *world) {
		w.start()
		w.ops()
		w.target.mu.Lock()
		a := w.target.accounts["j1"] // somebody renamed the first one's account by hand
		a.Login = address(2)
		w.target.accounts["j1"] = a
		w.target.mu.Unlock()
		w.read(people(2)...)
		w.pass(time.Hour)
		if diff := cmp.Diff([]string{"create p2", "find p2"}, w.ops()); diff != "" {
			t.Error(diff)
		}
		if w.target.accounts["j1"].ExternalID != string(w.person(1)) {
			t.Error("the account changed hands")
		}
		if q := all(w, store.Conflicts); len(q) != 1 || q[0].Kind != model.AccountTaken {
			t.Errorf("conflicts %+v", q)
		}
	})
}

func TestAccountThatIsGoneIsMadeAnew(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, w *world) {
		w.start()
		w.ops()
		w.target.mu.Lock()
		clear(w.target.accounts)
		w.target.mu.Unlock()
		w.read(people(1, "title", "Partner")...)
		w.pass(time.Minute)
		if diff := cmp.Diff([]string{"update p1", "find p1", "create p1"}, w.ops()); diff != "" {
			t.Error(diff)
		}
		w.settled()
	})
}
