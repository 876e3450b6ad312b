package relay_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/appliance/model"
	"rollcall/appliance/store"
	"rollcall/connectors/javelo/javelosim"
	"rollcall/connectors/scim/scimtargetsim"
)

var first = flag.Int("history", 0, "the first random fault history to run")

var histories = flag.Int("histories", defaultHistories, "how many random fault histories to run")

var bulkHistories = flag.Int("bulk-histories", defaultHistories/4, "how many random fault histories to run with a service that takes bulk requests")

// tally is what the histories did altogether.
type tally struct {
	histories, edits, restarts, faults, outages, byHand int
	requests, writes, bulks, doubled, lost, busiest     int
	simulated                                           time.Duration
}

// history is one random run of a company, its lane and a service that fails.
type history struct {
	*tenant
	seed   uint64
	rand   *rand.Rand
	roster map[int]model.Observation // by number, as the source states them now
	made   int
	tally  *tally
}

// TestRandomFaultHistories lets companies change at random while the service
// drops, delays, refuses and repeats, the process ends and starts again, and
// accounts are made by hand. When all rests: nobody was created twice, nothing was
// lost, and the budget held. It fails when an uncertain create is not looked up
// first, when a write without an answer leaves no doubt over what the account holds,
// and when a restart forgets what the budget spent.
func TestRandomFaultHistories(t *testing.T) { randomHistories(t, *histories, runHistory) }

// TestRandomFaultHistoriesInBulk is the same with a service that takes many writes in
// one request, to the letter or not. It fails when an answer is taken for somebody
// else's, when an operation that is missing in an answer is taken for done or for not
// done, and when a batch whose answer was lost leaves one of its people without doubt.
func TestRandomFaultHistoriesInBulk(t *testing.T) { randomHistories(t, *bulkHistories, runBulkHistory) }

func randomHistories(t *testing.T, n int, run func(*testing.T, uint64, *tally)) {
	var mu sync.Mutex
	var sum tally
	t.Run("all", func(t *testing.T) {
		for part := range parts {
			t.Run(fmt.Sprint(part), func(t *testing.T) {
				t.Parallel()
				for seed := *first + part; seed < *first+n && !t.Failed(); seed += parts {
					one := tally{histories: 1}
					synctest.Test(t, func(t *testing.T) {
						begin := time.Now()
						run(t, uint64(seed), &one)
						one.simulated = time.Since(begin)
					})
					mu.Lock()
					sum.add(one)
					mu.Unlock()
				}
			})
		}
	})
	t.Logf("%d histories over %v of simulated time: %d edits, %d restarts, %d single faults, %d outages, %d accounts made by hand; %d requests for %d writes, %d of the requests in bulk; "+
		"%d created twice, %d changes lost, at most %d requests in any five minutes where %d are ours and %d the service's limit",
		sum.histories, sum.simulated.Round(time.Hour), sum.edits, sum.restarts, sum.faults, sum.outages, sum.byHand, sum.requests, sum.writes, sum.bulks,
		sum.doubled, sum.lost, sum.busiest, ownRate, serviceRate)
}

// parts is how many histories run beside each other.
const parts = 4

func (t *tally) add(o tally) {
	t.histories += o.histories
	t.edits += o.edits
	t.restarts += o.restarts
	t.faults += o.faults
	t.outages += o.outages
	t.byHand += o.byHand
	t.requests += o.requests
	t.writes += o.writes
	t.bulks += o.bulks
	t.doubled += o.doubled
	t.lost += o.lost
	t.busiest = max(t.busiest, o.busiest)
	t.simulated += o.simulated
}

// The service's limit, and what is left of it after a fifth for others.
const (
	serviceRate = 15
	ownRate     = 12
)

func runHistory(t *testing.T, seed uint64, sum *tally) {
	r := rand.New(rand.NewPCG(seed, 1))
	sim := javelosim.New(javelosim.Options{
		Limit: serviceRate, Window: window, RetryAfter: r.IntN(2) == 0,
		Duplicate:      []int{http.StatusConflict, http.StatusBadRequest, http.StatusUnprocessableEntity}[r.IntN(3)],
		Filter:         javelosim.Filter(r.IntN(5)),
		Paging:         javelosim.Paging(r.IntN(3)),
		Manager:        javelosim.ManagerMode(r.IntN(2)),
		PatchNoContent: r.IntN(4) == 0,
	})
	(&history{tenant: newTenant(t, sim, ownRate), seed: seed, rand: r, roster: map[int]model.Observation{}, tally: sum}).run()
}

func runBulkHistory(t *testing.T, seed uint64, sum *tally) {
	r := rand.New(rand.NewPCG(seed, 2))
	sim := scimtargetsim.New(scimtargetsim.Options{
		Limit: serviceRate, Window: window, Bulk: true, BulkTraits: someBulk(r),
		Duplicate: []int{http.StatusConflict, http.StatusBadRequest, http.StatusUnprocessableEntity}[r.IntN(3)],
		ETags:     r.IntN(2) == 0, Cursors: r.IntN(3) == 0, IgnoreFilter: r.IntN(4) == 0, NoPatch: r.IntN(6) == 0,
		NoContent: r.IntN(4) == 0, IgnoreManager: r.IntN(3) == 0, MakeElements: r.IntN(2) == 0,
	})
	(&history{tenant: newSCIMTenant(t, sim, ownRate), seed: seed, rand: r, roster: map[int]model.Observation{}, tally: sum}).run()
}

func (h *history) run() {
	r := h.rand
	for range 2 + r.IntN(5) {
		h.hire()
	}
	h.state()
	if _, err := h.e.Activate("test", "hr"); err != nil {
		h.t.Fatal(err)
	}
	if r.IntN(2) == 0 {
		h.byHand()
	}
	h.start()
	for range 3 + r.IntN(6) {
		h.step()
	}
	h.settle()
}

func (h *history) hire() {
	h.made++
	h.roster[h.made] = someone(h.made, "title", "Analyst")
	if h.made > 1 && h.rand.IntN(3) > 0 {
		h.promote(h.made)
	}
}

// someoneOf picks a number of the roster, in an order that a seed repeats.
func (h *history) someoneOf() int {
	numbers := make([]int, 0, len(h.roster))
	for n := range h.roster {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	return numbers[h.rand.IntN(len(numbers))]
}

// promote gives somebody another manager, circles included.
func (h *history) promote(n int) {
	other := 1 + h.rand.IntN(h.made)
	if other == n {
		return
	}
	boss := fmt.Sprint(other)
	value := model.Text(boss)
	value.Refs = []model.Reference{{By: model.RefNative, Value: boss}}
	h.set(n, model.Manager, value)
}

func (h *history) set(n int, name model.Name, v model.Value) {
	o := h.roster[n]
	attributes := model.Attributes{name: v}
	for k, old := range o.Attributes {
		if k != name {
			attributes[k] = old
		}
	}
	o.Attributes = attributes
	h.roster[n] = o
}

// state is a complete read of the source.
func (h *history) state() {
	list := make([]model.Observation, 0, len(h.roster))
	for n := range h.made {
		if o, ok := h.roster[n+1]; ok {
			list = append(list, o)
		}
	}
	h.read(list...)
}

// edit changes one to four people and states them.
func (h *history) edit() {
	for range 1 + h.rand.IntN(4) {
		h.tally.edits++
		n := h.someoneOf()
		switch h.rand.IntN(7) {
		case 0:
			h.hire()
		case 1:
			h.roster[n] = left(h.roster[n])
		case 2:
			o := h.roster[n]
			o.Status = model.Active
			h.roster[n] = o
		case 3:
			h.promote(n)
		case 4:
			h.set(n, model.Department, model.Text([]string{"", "Sales", "Finance"}[h.rand.IntN(3)]))
		default:
			h.set(n, model.Title, model.Text(fmt.Sprintf("Title %d", h.rand.IntN(50))))
		}
	}
	h.state()
}

func (h *history) step() {
	switch h.rand.IntN(8) {
	case 0, 1, 2:
		h.edit()
	case 3:
		h.fault()
	case 4:
		h.outage()
	case 5:
		h.tally.restarts++
		h.stop()
		if h.rand.IntN(2) == 0 {
			h.edit()
		}
		h.start()
	case 6:
		h.byHand()
	case 7:
		h.fault()
		h.edit()
	}
	h.pass(time.Duration(1+h.rand.IntN(900)) * time.Second)
}

// fault arms one to three failures of single requests.
func (h *history) fault() {
	for range 1 + h.rand.IntN(3) {
		h.tally.faults++
		h.service().fault(h.rand)
	}
}

// outage lasts until somebody heals it, minutes to an hour later, while the
// roster goes on changing.
func (h *history) outage() {
	h.tally.outages++
	h.service().outage(h.rand)
	for range 1 + h.rand.IntN(2) {
		h.edit()
		h.pass(time.Duration(h.rand.IntN(1800)) * time.Second)
	}
	h.service().Heal()
}

// byHand makes an account for somebody of the roster who has none.
func (h *history) byHand() {
	n := h.someoneOf()
	if _, there := h.service().account(address(n)); there {
		return
	}
	h.tally.byHand++
	h.service().seed(address(n), h.rand.IntN(3) > 0)
}

// settle heals everything, waits, and compares the service with the roster.
func (h *history) settle() {
	h.service().Heal()
	h.state()
	h.pass(4 * time.Hour)
	h.settled()
	h.tally.requests, h.tally.writes = h.service().Total(), h.service().Writes()
	h.tally.busiest = h.service().Busiest()
	if h.scim != nil {
		h.tally.bulks = h.scim.Bulks()
	}
	if h.tally.doubled = h.service().doubled(); h.tally.doubled > 0 {
		h.t.Errorf("%d creates of somebody who was made before", h.tally.doubled)
	}
	if h.tally.busiest > h.rate {
		h.t.Errorf("%d requests in five minutes, and %d are ours", h.tally.busiest, h.rate)
	}
	delivered := map[model.PersonID]bool{}
	for _, d := range all(h.world, store.Deliveries) {
		delivered[d.Person] = true
	}
	for n := 1; n <= h.made; n++ {
		if why := h.differs(n, delivered[h.person(n)]); why != "" {
			h.tally.lost++
			h.t.Errorf("history %d, person %d: %s", h.seed, n, why)
		}
	}
}

// differs says how the account of a person is not what the source states.
func (h *history) differs(n int, ours bool) string {
	o := h.roster[n]
	a, there := h.service().account(address(n))
	if o.Status == model.Inactive {
		if there && ours && a.active {
			return "left, and the account is active"
		}
		return ""
	}
	manager := ""
	if m, ok := o.Attributes[model.Manager]; ok {
		boss := 0
		fmt.Sscan(m.Text, &boss)
		if b, known := h.service().account(address(boss)); known && boss != n && h.roster[boss].Status == model.Active {
			manager = b.id
		}
	}
	switch {
	case !there || !a.active:
		return fmt.Sprintf("is active; the account is there: %t, active: %t", there, a.active)
	case a.title != o.Attributes.Text(model.Title), a.given != o.Attributes.Text(model.GivenName):
		return fmt.Sprintf("is %v; the account holds %q and %q", o.Attributes, a.given, a.title)
	case o.Attributes.Has(model.Department) && a.department != o.Attributes.Text(model.Department):
		return fmt.Sprintf("is %v; the account has department %q", o.Attributes, a.department)
	case a.manager != manager:
		return fmt.Sprintf("has manager %q; the account has %q", manager, a.manager)
	}
	return ""
}
