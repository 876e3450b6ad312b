package relay_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
	"rollcall/connectors/javelo/javelosim"
)

// listings is the time in which the accounts are listed again.
const listings = 25 * time.Hour

// drifting starts a lane over n people with titles, all delivered, and lets the
// policy say what to do about edits.
func drifting(t *testing.T, n int, drift string, test func(*testing.T, *world)) {
	t.Helper()
	inBubble(t, 0, func(t *testing.T, w *world) {
		w.settings.Targets[0].Drift = drift
		w.read(people(n, "title", "Analyst")...)
		w.start()
		w.settled()
		w.ops()
		test(t, w)
	})
}

// edit changes the account of a person by hand.
func (w *world) edit(n int, change func(*model.Account)) {
	w.t.Helper()
	w.target.mu.Lock()
	defer w.target.mu.Unlock()
	a, ok := w.target.byLogin(address(n))
	if !ok {
		w.t.Fatalf("%d has no account", n)
	}
	a.Attributes = maps.Clone(a.Attributes)
	change(&a)
	w.target.accounts[a.RemoteID] = a
}

func (w *world) drifts() map[model.PersonID]model.Drift {
	out := map[model.PersonID]model.Drift{}
	for _, d := range all(w, store.Drifts) {
		out[d.Person] = d
	}
	return out
}

func TestEditByHandIsOverwritten(t *testing.T) {
	drifting(t, 4, ingest.DriftOverwrite, func(t *testing.T, w *world) {
		w.edit(1, func(a *model.Account) { a.Attributes[model.Title] = "King" })
		w.edit(2, func(a *model.Account) { a.Active = false })
		w.edit(3, func(a *model.Account) { delete(a.Attributes, model.Title) })
		w.pass(listings)
		got := w.ops()
		slices.Sort(got)
		if diff := cmp.Diff([]string{"list", "update p1", "update p2", "update p3"}, got); diff != "" {
			t.Error(diff)
		}
		for n := 1; n <= 4; n++ {
			if a, _ := w.target.byLogin(address(n)); !a.Active || a.Attributes[model.Title] != "Analyst" {
				t.Errorf("account of %d: %+v", n, a)
			}
		}
		if len(w.drifts()) != 3 || !slices.Contains(w.verbs(), "drifted") {
			t.Errorf("drift %+v, journal %v", w.drifts(), w.verbs())
		}
		w.pass(3 * listings)
		if got := w.writes(); got != 0 || len(w.drifts()) != 0 {
			t.Errorf("%d writes and drift %+v when nobody edits", got, w.drifts())
		}
		w.settled()
	})
}

func TestLeaverWhoIsEnabledByHandIsSwitchedOffAgain(t *testing.T) {
	drifting(t, 2, ingest.DriftOverwrite, func(t *testing.T, w *world) {
		w.read(left(someone(1)), someone(2, "title", "Analyst"))
		w.pass(0)
		w.edit(1, func(a *model.Account) { a.Active = true })
		w.pass(listings)
		if a, _ := w.target.byLogin(address(1)); a.Active {
			t.Error("the leaver kept what somebody gave them")
		}
		w.settled()
	})
}

func TestEditByHandIsReportedAndLeft(t *testing.T) {
	drifting(t, 3, ingest.DriftReport, func(t *testing.T, w *world) {
		w.edit(1, func(a *model.Account) { a.Attributes[model.Title] = "King" })
		w.target.mu.Lock()
		w.target.accounts["x1"] = model.Account{RemoteID: "x1", Login: "nobody@acme.example", Active: true}
		w.target.mu.Unlock()
		w.pass(listings)
		if n := w.writes(); n != 0 {
			t.Errorf("%d writes", n)
		}
		d := w.drifts()[w.person(1)]
		if _, said := d.Values[model.Title]; !said || len(d.Overwritten) != 0 || len(w.drifts()) != 1 {
			t.Errorf("drift %+v", w.drifts())
		}
		if strings.Contains(d.Values[model.Title], "King") {
			t.Error("the value itself is kept")
		}
		if l := w.laneState(); l.Uncovered != 1 {
			t.Errorf("%d accounts of nobody", l.Uncovered)
		}
		since := d.Since
		w.pass(listings)
		if again := w.drifts()[w.person(1)]; !again.Since.Equal(since) {
			t.Errorf("since %v, then since %v", since, again.Since)
		}
		w.edit(1, func(a *model.Account) { a.Attributes[model.Title] = "Analyst" })
		w.pass(listings)
		if len(w.drifts()) != 0 {
			t.Errorf("drift that is over: %+v", w.drifts())
		}
	})
}

func TestFormThatTheTargetKeepsIsNotOverwrittenForEver(t *testing.T) {
	drifting(t, 3, ingest.DriftOverwrite, func(t *testing.T, w *world) {
		w.target.mu.Lock()
		w.target.keeps = func(n model.Name, v string) string { return strings.ToUpper(v) }
		w.target.mu.Unlock()
		w.edit(1, func(a *model.Account) { a.Attributes[model.Title] = "ANALYST" })
		for range 5 {
			w.pass(listings)
		}
		if n := w.writes(); n != 1 {
			t.Errorf("%d writes of a value that comes back in capitals, want one", n)
		}
		if d := w.drifts()[w.person(1)]; !slices.Equal(d.Own, []model.Name{model.Title}) {
			t.Errorf("drift %+v", d)
		}
	})
}

func TestAccountThatIsNotListedIsLookedUpBeforeAnotherIsMade(t *testing.T) {
	drifting(t, 30, ingest.DriftOverwrite, func(t *testing.T, w *world) {
		w.target.mu.Lock()
		a, _ := w.target.byLogin(address(1))
		delete(w.target.accounts, a.RemoteID)
		b, _ := w.target.byLogin(address(2))
		w.target.hidden = b.RemoteID // the listing misses it, a look-up does not
		w.target.mu.Unlock()
		w.pass(listings)
		got := w.ops()
		slices.Sort(got)
		if diff := cmp.Diff([]string{"create p1", "find p1", "find p2", "list"}, got); diff != "" {
			t.Error(diff)
		}
		w.settled()
	})
}

func TestManyMissingAccountsProveNothing(t *testing.T) {
	drifting(t, 10, ingest.DriftOverwrite, func(t *testing.T, w *world) {
		w.target.mu.Lock()
		for _, a := range w.target.accounts {
			if len(w.target.accounts) == 4 {
				break
			}
			delete(w.target.accounts, a.RemoteID)
		}
		w.target.mu.Unlock()
		w.pass(listings)
		if diff := cmp.Diff([]string{"list"}, w.ops()); diff != "" {
			t.Error(diff)
		}
		if len(w.drifts()) != 6 {
			t.Errorf("%d reported", len(w.drifts()))
		}
	})
}

func TestListingOfNobodyIsNotBelievedOnceSomebodyWasDelivered(t *testing.T) {
	drifting(t, 3, ingest.DriftOverwrite, func(t *testing.T, w *world) {
		w.target.mu.Lock()
		kept := w.target.accounts
		w.target.accounts = map[string]model.Account{}
		w.target.mu.Unlock()
		w.pass(listings)
		w.read(people(4, "title", "Analyst")...)
		w.pass(time.Hour)
		if n := w.writes(); n != 0 {
			t.Errorf("%d writes to a target that lists nobody", n)
		}
		if l := w.laneState(); l.State == model.LaneOpen || !strings.Contains(l.Reason, "lists nobody") {
			t.Errorf("the lane is %s: %s", l.State, l.Reason)
		}
		w.target.mu.Lock()
		w.target.accounts = kept
		w.target.mu.Unlock()
		w.pass(listings)
		w.settled()
	})
}

func TestManyEditsByHandWaitForAHuman(t *testing.T) {
	drifting(t, 20, ingest.DriftOverwrite, func(t *testing.T, w *world) {
		w.settings.Limits = reconcile.Limits{Attributes: reconcile.Limit{Percent: 30, HasPercent: true}}
		for n := 1; n <= 20; n++ {
			w.edit(n, func(a *model.Account) { a.Attributes[model.Title] = "Migrated" })
		}
		w.pass(listings)
		if n := w.writes(); n != 0 {
			t.Errorf("%d writes", n)
		}
		held := 0
		for _, j := range all(w, store.Outbox) {
			if j.State == model.JobHeld {
				held++
			}
		}
		if held != 20 {
			t.Errorf("%d held", held)
		}
	})
}

func TestWhatTheTenantDropsIsToldOnceByAttribute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := javelosim.New(javelosim.Options{Limit: -1, TenantKeys: []string{"contractType"}})
		n := newTenant(t, sim, 1000)
		list := make([]model.Observation, 20)
		for i := range list {
			list[i] = someone(i+1, "gender", "female", "contract_type", "permanent")
		}
		n.read(list...)
		if _, err := n.e.Activate("test", "hr"); err != nil {
			t.Fatal(err)
		}
		n.start()
		told := func() (times int) {
			for _, e := range all(n.world, store.Journal) {
				if e.Verb == "attributes_ignored" && slices.Equal(e.Fields, []string{"gender"}) {
					times++
				}
			}
			return times
		}
		if l := n.laneState(); !slices.Equal(l.Ignored, []model.Name{model.Gender}) || told() != 1 {
			t.Errorf("the lane names %v, told %d times", l.Ignored, told())
		}
		n.stop()
		n.start()
		list[0] = someone(1, "gender", "male", "contract_type", "permanent")
		n.read(list...)
		n.pass(time.Minute)
		if told() != 1 {
			t.Errorf("told %d times after a restart", told())
		}
		// What nobody has there is no drift: no write comes of it, ever.
		before := sim.Writes()
		n.pass(3 * listings)
		if sim.Writes() != before || len(n.drifts()) != 0 {
			t.Errorf("%d writes, drift %+v", sim.Writes()-before, n.drifts())
		}
		n.settled()
	})
}
