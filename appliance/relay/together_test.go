package relay_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
	"rollcall/connectors/scim/scimtargetsim"
)

// company is a history of n people in a tree of managers, ready to be created in a
// service that takes bulk requests.
func company(t *testing.T, n int, opts scimtargetsim.Options) *history {
	h := &history{tenant: newSCIMTenant(t, scimtargetsim.New(opts), 240), rand: rand.New(rand.NewPCG(9, 9)), roster: map[int]model.Observation{}, tally: &tally{}}
	for i := range n {
		h.made++
		h.roster[h.made] = someone(h.made, "title", "Analyst")
		if i > 0 {
			h.set(h.made, model.Manager, bossOf(1+i/8))
		}
	}
	h.state()
	if _, err := h.e.Activate("test", "hr"); err != nil {
		t.Fatal(err)
	}
	return h
}

// right says of everybody how their account is not as it should be.
func (h *history) right() {
	h.t.Helper()
	h.settled()
	for n := 1; n <= h.made; n++ {
		if why := h.differs(n, true); why != "" {
			h.t.Errorf("person %d: %s", n, why)
		}
	}
	if d := h.service().doubled(); d > 0 {
		h.t.Errorf("%d creates of somebody who was made before", d)
	}
}

func (h *history) journaled(verb string) (reasons []string) {
	for _, e := range all(h.world, store.Journal) {
		if e.Verb == verb {
			reasons = append(reasons, e.Reason)
		}
	}
	return reasons
}

func TestManyWritesGoInFewRequests(t *testing.T) {
	for name, tc := range map[string]struct {
		traits scimtargetsim.Bulk
		most   int // requests for 300 people
	}{
		// Discovery, the listing, one account read back, and 300 people by the hundred.
		"references understood": {scimtargetsim.Bulk{}, 1 + 1 + 1 + 3},
		// The reports of the first batch again, and a batch per level of managers.
		"references dropped": {scimtargetsim.Bulk{References: scimtargetsim.ReferencesDropped}, 1 + 1 + 1 + 8},
		"of twenty":          {scimtargetsim.Bulk{MaxOperations: 20}, 1 + 1 + 1 + 15},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := company(t, 300, scimtargetsim.Options{Bulk: true, BulkTraits: tc.traits})
				h.start()
				h.pass(time.Hour)
				h.right()
				if n := h.scim.Total(); n > tc.most {
					t.Errorf("%d requests for 300 people, want at most %d", n, tc.most)
				}
				t.Logf("%d requests, %d of them in bulk, for %d writes", h.scim.Total(), h.scim.Bulks(), h.scim.Writes())

				// Leavers go first, and everything in one request.
				before := h.scim.Total()
				for n := 10; n < 30; n++ {
					h.set(n, model.Title, model.Text("Partner"))
				}
				h.roster[300] = left(h.roster[300])
				h.state()
				h.pass(time.Minute)
				h.right()
				if n := h.scim.Total() - before; n > 3 {
					t.Errorf("%d requests for 21 changes", n)
				}
			})
		})
	}
}

// A batch whose answer is lost: everybody in it is in doubt, nobody is made twice, and
// finding out costs a listing and not a look-up each.
func TestLostBatchIsSettledByLookingFirst(t *testing.T) {
	for name, kind := range map[string]scimtargetsim.FaultKind{"applied": scimtargetsim.ResetAfterWrite, "half applied": scimtargetsim.Partial} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := company(t, 90, scimtargetsim.Options{Bulk: true})
				h.scim.Fault(scimtargetsim.Fault{Kind: kind, Path: "/Bulk"})
				h.start()
				doubts := len(all(h.world, store.Doubts))
				if doubts != 90 {
					t.Errorf("%d people are in doubt, want 90", doubts)
				}
				h.pass(2 * time.Hour)
				h.right()
				if len(all(h.world, store.Doubts)) > 0 {
					t.Error("doubts are left")
				}
				if n := h.scim.Total(); kind == scimtargetsim.ResetAfterWrite && n > 10 {
					t.Errorf("%d requests to find out that all was done", n)
				}
				t.Logf("%d requests, %d of them in bulk", h.scim.Total(), h.scim.Bulks())
			})
		})
	}
}

func TestServiceThatBreaksBulkIsToldOnceAndServedOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := company(t, 30, scimtargetsim.Options{Bulk: true, BulkTraits: scimtargetsim.Bulk{Missing: true}})
		h.start()
		h.pass(time.Hour)
		h.stop()
		h.set(2, model.Title, model.Text("Partner"))
		h.set(3, model.Title, model.Text("Partner"))
		h.state()
		h.start() // another process
		h.pass(time.Hour)
		h.right()
		told := slices.DeleteFunc(h.journaled("learned"), func(s string) bool { return !strings.Contains(s, "not used") })
		if h.scim.Bulks() != 1 || len(told) != 1 || !strings.Contains(told[0], "404") {
			t.Errorf("%d bulk requests; told %q", h.scim.Bulks(), told)
		}
		for _, j := range all(h.world, store.Outbox) {
			t.Errorf("left: %+v", j)
		}
	})
}

// One who is refused is parked, and nobody else waits for them.
func TestRefusedPersonOfABatchIsParkedAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := company(t, 20, scimtargetsim.Options{Bulk: true})
		h.scim.Refuse(address(7))
		h.start()
		h.pass(time.Hour)
		parked := 0
		for _, j := range all(h.world, store.Outbox) {
			if j.State != model.JobParked || j.Person != h.person(7) {
				t.Errorf("%+v", j)
			}
			parked++
		}
		if parked != 1 || len(h.scim.Users()) != 19 || h.laneState().State != model.LaneOpen {
			t.Errorf("%d parked, %d accounts, the lane is %s", parked, len(h.scim.Users()), h.laneState().State)
		}
	})
}

// A login that exists, and that the listing did not show, is adopted.
func TestTakenLoginInABatchIsAdopted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := company(t, 20, scimtargetsim.Options{Bulk: true})
		if _, err := h.e.Listed("javelo", nil); err != nil {
			t.Fatal(err)
		}
		id := h.scim.Seed(strings.ToUpper(address(5)), false)
		h.start()
		h.pass(time.Hour)
		h.right()
		if u, _ := h.scim.User(address(5)); u.ID != id || h.scim.Creates(address(5)) != 0 {
			t.Error("the account that was there was not taken over")
		}
	})
}

func TestRefusedTokenClosesTheLaneOnceForABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := company(t, 50, scimtargetsim.Options{Bulk: true})
		h.settings.Limits = reconcile.Limits{}
		h.scim.Fault(scimtargetsim.Fault{Kind: scimtargetsim.Unavailable, Status: 401, Path: "/Bulk", Times: -1})
		h.start()
		if l := h.laneState(); l.State != model.LaneDenied {
			t.Fatalf("the lane is %s", l.State)
		}
		for _, j := range all(h.world, store.Outbox) {
			if j.Attempts != 0 || j.State != model.JobReady {
				t.Fatalf("an attempt was burnt: %+v", j)
			}
		}
		if n := len(h.journaled("lane_denied")); n != 1 {
			t.Errorf("told %d times", n)
		}
		h.scim.Heal()
		h.pass(time.Hour)
		h.right()
	})
}

// A report whose account a lost batch made, and whose manager left before anybody
// looked: the link is ours, leads to an account of which nothing is known yet, and goes.
func TestLinkOfALostBatchToSomebodyWhoLeftIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &history{tenant: newSCIMTenant(t, scimtargetsim.New(scimtargetsim.Options{Bulk: true}), 240), rand: rand.New(rand.NewPCG(9, 9)), roster: map[int]model.Observation{}, tally: &tally{}, made: 2}
		h.roster[1], h.roster[2] = someone(1, "title", "Analyst"), someone(2, "title", "Head")
		h.set(1, model.Manager, bossOf(2))
		h.state()
		if _, err := h.e.Activate("test", "hr"); err != nil {
			t.Fatal(err)
		}
		h.scim.Fault(scimtargetsim.Fault{Kind: scimtargetsim.ResetAfterWrite, Path: "/Bulk"})
		h.start()
		if u, _ := h.scim.User(address(1)); u.Manager == "" {
			t.Fatal("the lost batch made no link")
		}
		h.roster[2] = left(h.roster[2])
		h.state()
		h.pass(2 * time.Hour)
		h.right()
	})
}

// Accounts of a lost batch are found one after the other. One that is found first
// carries a link of ours to an account of which nothing is known yet; when the source
// takes the manager back meanwhile, the link goes all the same.
func TestLinkOfALostBatchThatTheSourceTookBackGoesBeforeTheManagerIsFound(t *testing.T) {
	for _, report := range []int{1, 2} { // whichever is found first
		synctest.Test(t, func(t *testing.T) {
			h := company(t, 2, scimtargetsim.Options{Bulk: true})
			manager := 3 - report
			h.set(manager, model.Manager, model.Null())
			h.set(report, model.Manager, bossOf(manager))
			h.state()
			h.scim.Fault(scimtargetsim.Fault{Kind: scimtargetsim.ResetAfterWrite, Path: "/Bulk"})
			h.start()
			if u, _ := h.scim.User(address(report)); u.Manager == "" {
				t.Fatal("the lost batch made no link")
			}
			h.set(report, model.Manager, model.Null())
			h.state()
			h.pass(2 * time.Hour) // no listing comes to the rescue
			if u, _ := h.scim.User(address(report)); u.Manager != "" {
				t.Errorf("%d is still managed by %q, whom nobody states", report, u.Manager)
			}
			h.right()
		})
	}
}
