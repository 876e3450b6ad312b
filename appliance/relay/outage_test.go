package relay_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/appliance/model"
	"rollcall/appliance/store"
	"rollcall/connectors/javelo/javelosim"
)

// The limits of Javelo, and what is left of them after a fifth for others.
const (
	javeloRate = 300
	ourRate    = 240
)

// TestWeekOfOutageWithTenThousandEdits has 500 people edited 10,000 times while
// the service is away. It fails when edits are queued instead of differences.
func TestWeekOfOutageWithTenThousandEdits(t *testing.T) {
	const people, edits = 500, 10_000
	synctest.Test(t, func(t *testing.T) {
		sim := javelosim.New(javelosim.Options{Limit: javeloRate})
		h := &history{tenant: newTenant(t, sim, ourRate), rand: rand.New(rand.NewPCG(7, 7)), roster: map[int]model.Observation{}, tally: &tally{}}
		for range people {
			h.hire()
		}
		h.state()
		if _, err := h.e.Activate("test", "hr"); err != nil {
			t.Fatal(err)
		}
		h.start()
		h.pass(time.Hour)
		h.settled()
		before := sim.Writes()
		if before != people+h.circles() {
			t.Errorf("%d writes for the first activation of %d people", before, people)
		}

		down := time.Now()
		sim.Fault(javelosim.Fault{Kind: javelosim.Unavailable, Times: -1})
		const rounds = 40
		for range rounds {
			for range edits / rounds {
				n := h.someoneOf()
				switch h.rand.IntN(10) {
				case 0:
					h.roster[n] = left(h.roster[n])
				case 1:
					o := h.roster[n]
					o.Status = model.Active
					h.roster[n] = o
				case 2:
					h.promote(n)
				default:
					h.set(n, model.Title, model.Text(fmt.Sprintf("Title %d", h.rand.IntN(5000))))
				}
			}
			h.state()
			h.pass(7 * 24 * time.Hour / rounds)
		}
		asked := sim.Total()
		sim.Heal()
		up := time.Now()
		h.pass(2 * time.Hour)
		h.settle()
		writes := sim.Writes() - before
		if most := people + h.circles(); writes > most {
			t.Errorf("%d writes after the outage, want at most one for each of %d people, and %d more for circles of managers", writes, people, h.circles())
		}
		if n := sim.Busiest(); n > ourRate {
			t.Errorf("%d requests in five minutes, and %d are ours", n, ourRate)
		}
		t.Logf("%v of outage, %d edits on %d people: %d requests while it lasted, %d writes after it (%d of them to close circles of managers), all told %v after it ended",
			up.Sub(down).Round(time.Hour), edits, people, asked-before, writes, h.circles(), h.since(up))
	})
}

// circles counts the circles of managers: each takes one write more, for the link
// that no order of deliveries can carry.
func (h *history) circles() (n int) {
	boss := map[model.PersonID]model.PersonID{}
	for _, p := range all(h.world, store.Persons) {
		boss[p.ID] = p.Manager
	}
	seen := map[model.PersonID]model.PersonID{} // person → whose walk came by
	for start := range boss {
		for p := start; p != ""; p = boss[p] {
			if by, ok := seen[p]; ok {
				if by == start {
					n++
				}
				break
			}
			seen[p] = start
		}
	}
	return n
}

// since returns how long after a time the last write was made.
func (h *history) since(t time.Time) time.Duration {
	var last time.Time
	for _, r := range h.sim.Requests() {
		if r.Method != "GET" {
			last = r.At
		}
	}
	return last.Sub(t)
}

var activation = flag.Int("activation", 300, "how many people the test of a first activation has")

// TestFirstActivation creates a company in an empty tenant at the rate that Javelo
// allows, and compares when it was done with what was foreseen when it began, a
// restart in the middle included.
func TestFirstActivation(t *testing.T) {
	n := *activation
	synctest.Test(t, func(t *testing.T) {
		sim := javelosim.New(javelosim.Options{Limit: javeloRate})
		h := &history{tenant: newTenant(t, sim, ourRate), rand: rand.New(rand.NewPCG(9, 9)), roster: map[int]model.Observation{}, tally: &tally{}}
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
		_, budget := h.connect()
		began := time.Now()
		foreseen := budget.Until(began, n+1) // one request lists the empty tenant
		h.start()
		h.pass(foreseen / 2)
		at, busy := h.lane.Busy()
		h.stop()
		h.start()
		if again, _ := h.lane.Busy(); !busy || again.Sent < at.Sent-1 || !again.Started.Equal(at.Started) {
			t.Errorf("half way %d were sent since %v; after a restart, %d since %v", at.Sent, at.Started, again.Sent, again.Started)
		}
		h.pass(2*foreseen + time.Hour)
		h.settled()
		took := h.since(began)
		if d := took - foreseen; d < -time.Minute || d > foreseen/10+time.Minute {
			t.Errorf("it took %v, and %v was foreseen", took, foreseen)
		}
		if sim.Writes() != n || sim.Busiest() > ourRate || h.doubled() > 0 {
			t.Errorf("%d writes for %d people, %d requests in five minutes, %d doubled", sim.Writes(), n, sim.Busiest(), h.doubled())
		}
		t.Logf("%d people: %d requests, %d of them writes, at most %d in five minutes; foreseen %v, took %v, with a restart after %v",
			n, sim.Total(), sim.Writes(), sim.Busiest(), foreseen, took, foreseen/2)
	})
}

func bossOf(n int) model.Value {
	v := model.Text(fmt.Sprint(n))
	v.Refs = []model.Reference{{By: model.RefNative, Value: fmt.Sprint(n)}}
	return v
}
