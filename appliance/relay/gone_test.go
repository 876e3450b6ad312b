package relay_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
	"rollcall/connectors"
	"rollcall/connectors/javelo/javelosim"
	"rollcall/scimsrv"
	"rollcall/scimsrv/attr"
)

// wipe empties the tenant but for an administrator nobody here knows.
func (w *world) wipe() {
	w.target.mu.Lock()
	defer w.target.mu.Unlock()
	clear(w.target.accounts)
	w.target.accounts["admin"] = model.Account{RemoteID: "admin", Login: "admin@saas.example", Active: true}
}

// creates counts those among operations.
func creates(ops []string) (n int) {
	for _, op := range ops {
		if strings.HasPrefix(op, "create") {
			n++
		}
	}
	return n
}

// waitingHolds are the holds that wait for a human, by run.
func (w *world) waitingHolds() map[uint64]model.Hold {
	out := map[uint64]model.Hold{}
	for _, r := range all(w, store.Runs) {
		for _, h := range r.Holds {
			if h.State == model.HoldWaiting {
				out[r.Seq] = h
			}
		}
	}
	return out
}

// A tenant that was emptied, or is another one than before, answers every update
// with 404. Filling it again is for a human to say; a few accounts deleted by hand
// are not.
func TestEmptiedTenantIsHeldAndNotFilledAgain(t *testing.T) {
	for name, listed := range map[string]bool{"as found by updates": false, "as listed before": true} {
		t.Run(name, func(t *testing.T) {
			drifting(t, 40, ingest.DriftOverwrite, func(t *testing.T, w *world) {
				w.settings.Limits.Creations = reconcile.Limit{Percent: 25, HasPercent: true}
				w.wipe()
				allowed := reconcile.Floor
				if listed {
					w.pass(listings)
					allowed = 0
				}
				w.ops()
				w.read(people(40, "title", "Partner")...)
				w.pass(2 * time.Hour)
				if n := creates(w.ops()); n != allowed {
					t.Errorf("%d accounts were made in the emptied tenant, want %d", n, allowed)
				}
				holds := w.waitingHolds()
				if len(holds) != 1 {
					t.Fatalf("holds %+v", holds)
				}
				for seq, h := range holds {
					if h.Guard != reconcile.GuardCreations || !strings.Contains(h.Reason, "not there any more") {
						t.Errorf("run %d holds %+v", seq, h)
					}
					if n, err := w.e.Approve("ops", seq, ""); err != nil || n != 40-allowed {
						t.Fatalf("approved %d, %v", n, err)
					}
				}
				w.pass(2 * time.Hour)
				if n := creates(w.ops()); n != 40-allowed {
					t.Errorf("%d accounts were made after the approval, want %d", n, 40-allowed)
				}
				w.settled()
			})
		})
	}
}

// Two people whom a human told apart have one address: the file never has it twice, the
// one who had it keeps it, of two newcomers nobody gets it, and a human is asked.
func TestTwoPeopleWithOneLoginAreAConflictAndNeverTwoRows(t *testing.T) {
	twins := func() []model.Observation {
		list := people(3)
		list[2].Attributes[model.Email] = model.Text(strings.ToUpper(address(1)))
		return list
	}
	for name, first := range map[string][]model.Observation{"one of them has a row": people(2), "both are new": {someone(2)}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.shelf = &shelf{}
				w.read(first...)
				if _, err := w.e.Activate("test", "hr"); err != nil {
					t.Fatal(err)
				}
				w.start()
				w.pass(time.Hour)
				w.stop()
				w.read(twins()...)
				for _, q := range all(w, store.Conflicts) {
					if _, err := w.e.Resolve("ops", q.ID, ingest.Answer{Verb: model.Separate}); err != nil {
						t.Fatal(err)
					}
				}
				if w.person(1) == w.person(3) {
					t.Fatal("the two are one person")
				}
				w.start()
				w.pass(3 * time.Hour)
				same := 0
				for _, login := range w.shelf.logins() {
					if strings.EqualFold(login, address(1)) {
						same++
					}
				}
				if want := len(first) - 1; same != want {
					t.Errorf("the file holds %v, want the address %d times", w.shelf.logins(), want)
				}
				if len(first) == 2 && !slices.Contains(w.shelf.logins(), address(1)) {
					t.Error("who had the address lost it to a newcomer")
				}
				q := all(w, store.Conflicts)
				if len(q) != 1 || q[0].Kind != model.AccountTaken || len(q[0].Persons) != 2 {
					t.Errorf("conflicts %+v", q)
				}
				// The rest goes on.
				w.read(append(twins(), someone(4))...)
				w.pass(3 * time.Hour)
				if !slices.Contains(w.shelf.logins(), address(4)) {
					t.Error("the conflict of two stops a third")
				}
			})
		})
	}
}

// The address of somebody whose own change was dropped is still theirs in the file: who
// comes by it in the roster waits, and nobody's row is lost.
func TestLoginThatIsStillAnothersInTheFileParksTheSecond(t *testing.T) {
	shelved(t, 3, func(t *testing.T, w *world, s *shelf) {
		w.settings.Targets[0].Rules.IdentifierChanges = true
		w.stop()
		one, two := someone(1), someone(2)
		one.Attributes[model.Email], two.Attributes[model.Email] = two.Attributes[model.Email], model.Text(address(5))
		w.read(one, two, someone(3))
		if err := w.e.DropJob("ops", "javelo", w.person(2)); err != nil {
			t.Fatal(err)
		}
		w.start()
		w.pass(3 * time.Hour)
		if got := s.logins(); !slices.Equal(got, addresses(1, 2, 3)) {
			t.Errorf("the file holds %v", got)
		}
		if got := s.there[address(2)].Person; got != w.person(2) {
			t.Errorf("the row of 2 is %s's", got)
		}
		q := all(w, store.Conflicts)
		if len(q) != 1 || q[0].Kind != model.AccountTaken || len(q[0].Persons) != 2 {
			t.Errorf("conflicts %+v", q)
		}
		// Once the other's change goes, both have their own.
		if err := w.e.RetryJob("ops", "javelo", w.person(2)); err != nil {
			t.Fatal(err)
		}
		w.pass(3 * time.Hour)
		if err := w.e.RetryJob("ops", "javelo", w.person(1)); err != nil {
			t.Logf("not parked any more: %v", err)
		}
		w.pass(3 * time.Hour)
		if got := s.logins(); !slices.Equal(got, addresses(2, 3, 5)) {
			t.Errorf("in the end the file holds %v", got)
		}
		w.settled()
	})
}

// TestAccountThatIsShownAndCannotBeWrittenRests fails when a target that finds an account
// and answers every write to it with 404 is asked without end: that takes the budget
// of everybody else, and fills the journal.
func TestAccountThatIsShownAndCannotBeWrittenRests(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, w *world) {
		w.start()
		broken, asked := true, 0
		w.behave(func(c call) error {
			if c.login != address(1) || !broken {
				return nil
			}
			if asked++; asked > 500 {
				return &connectors.Error{Class: connectors.Denied, Op: "javelo: update account", Detail: "that is enough"}
			}
			if c.op == "update" {
				return &connectors.Error{Class: connectors.Gone, Op: "javelo: update account", Detail: "404"}
			}
			return nil
		}, nil)
		w.read(people(2, "title", "Partner")...)
		w.pass(time.Hour)
		if asked > 40 {
			t.Errorf("%d requests in an hour about one account", asked)
		}
		if a, _ := w.target.byLogin(address(2)); a.Attributes[model.Title] != "Partner" {
			t.Error("somebody else waits for it")
		}
		w.target.mu.Lock()
		broken = false
		w.target.mu.Unlock()
		w.pass(time.Hour)
		if a, _ := w.target.byLogin(address(1)); a.Attributes[model.Title] != "Partner" {
			t.Error("it is not written when it can be")
		}
		w.settled()
	})
}

// TestGroupThatIsShownAndCannotBeWrittenRests is the same of a group.
func TestGroupThatIsShownAndCannotBeWrittenRests(t *testing.T) {
	pushing(t, 2, javelosim.Options{}, func(t *testing.T, p *pushed) {
		g := p.create(scimsrv.Group, "displayName", "Sales", p.users[:1])
		p.pass(time.Minute)
		p.sim.Fault(javelosim.Fault{Kind: javelosim.Unavailable, Status: 404, Method: http.MethodPatch, Path: "/Groups", Times: 500})
		before := p.sim.Total()
		p.change(g, scimsrv.Draft{Body: attr.NewObject(attr.Member{Name: "displayName", Value: "Sales"}),
			Members: scimsrv.MemberChange{Add: []scimsrv.Member{{Value: p.users[1], Type: scimsrv.User}}}})
		p.pass(time.Hour)
		if n := p.sim.Total() - before; n > 60 {
			t.Errorf("%d requests in an hour about one group", n)
		}
		p.sim.Heal()
		p.pass(time.Hour)
		if got := p.members("Sales"); !slices.Equal(got, addresses(1, 2)) {
			t.Errorf("members %v", got)
		}
		p.quiet()
	})
}
