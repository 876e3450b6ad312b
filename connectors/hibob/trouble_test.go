package hibob_test

import (
	"testing"
	"testing/synctest"
	"time"

	"rollcall/appliance/model"
	"rollcall/connectors/cast"
	"rollcall/connectors/hibob"
	"rollcall/connectors/hibob/hibobsim"
)

// native reads the simulated company and returns the person with a cast index.
func native(t *testing.T, sim *hibobsim.Sim, s *hibob.Source, index int) (model.Observation, bool) {
	t.Helper()
	o, ok := mustRead(t, s)[sim.ID(index)]
	return o, ok
}

// HiBob may show a change after up to 20 s: a read tells how things were, and
// nothing is concluded from a change that is not seen yet.
func TestHazard9_21_AChangeIsSeenOnceHiBobShowsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSim(cast.Company(20, 3), nil)
		s := newSource(t, simulated(sim), nil)
		sim.Update(4, func(p *cast.Person) { p.Family = "Changed" })
		sim.Hire(cast.Person{Index: 20, Given: "New", Family: "Comer", Email: "new@" + cast.Domain, Status: "employed", Manager: -1})
		if o, _ := native(t, sim, s, 4); o.Attributes.Text(model.FamilyName) == "Changed" || len(mustRead(t, s)) != 20 {
			t.Error("the simulator shows a change at once, unlike HiBob")
		}
		time.Sleep(21 * time.Second)
		if o, _ := native(t, sim, s, 4); o.Attributes.Text(model.FamilyName) != "Changed" || len(mustRead(t, s)) != 21 {
			t.Error("the change is not seen after 21 seconds")
		}
	})
}

// A status changes at midnight where the person works, which is not midnight in UTC.
func TestStatusIsThatOfTheSitesDay(t *testing.T) {
	now := time.Date(2026, 11, 30, 22, 30, 0, 0, time.UTC) // 23:30 in Paris
	people := cast.Company(10, 3)
	people[3].Site, people[3].Status, people[3].Start = "Lyon", "hired", "2026-12-01"
	sim := newSim(people, func(o *hibobsim.Options) { o.Staleness, o.Now = -1, func() time.Time { return now } })
	s := newSource(t, simulated(sim), nil)
	if o, _ := native(t, sim, s, 3); o.Status != model.Pending {
		t.Errorf("half an hour before their first day they are %s", o.Status)
	}
	now = now.Add(time.Hour) // still November in UTC
	if o, _ := native(t, sim, s, 3); o.Status != model.Active {
		t.Errorf("half an hour into their first day they are %s", o.Status)
	}
}

// Somebody who comes back keeps the id and the day they first came.
func TestRehireKeepsTheIDAndTheFirstDay(t *testing.T) {
	people := cast.Company(12, 3)
	people[5].Status, people[5].Start, people[5].FirstHired, people[5].End = "terminated", "2019-03-01", "2019-03-01", "2024-06-30"
	sim := newSim(people, func(o *hibobsim.Options) { o.Staleness = -1 })
	s := newSource(t, simulated(sim), nil)
	before, _ := native(t, sim, s, 5)
	sim.Rehire(5, "2025-02-03")
	after, ok := native(t, sim, s, 5)
	if !ok || before.Status != model.Inactive || after.Status != model.Active {
		t.Fatalf("before %s, after %s", before.Status, after.Status)
	}
	if after.Attributes.Text(model.StartDate) != "2025-02-03" || after.Attributes.Text(model.FirstHiredOn) != "2019-03-01" {
		t.Errorf("start %s, first hired on %s", after.Attributes.Text(model.StartDate), after.Attributes.Text(model.FirstHiredOn))
	}
}

// Dates in humanReadable follow the service user's locale, and the order of people
// changes with each answer: neither makes a difference.
func TestLocaleAndOrderMakeNoDifference(t *testing.T) {
	read := func(layout string, seed uint64) map[string]model.Observation {
		sim := newSim(cast.Company(30, 3), func(o *hibobsim.Options) { o.DateLayout, o.Seed = layout, seed })
		byEmail := map[string]model.Observation{}
		for _, o := range mustRead(t, newSource(t, simulated(sim), nil)) {
			byEmail[o.Attributes.Text(model.Email)] = o
		}
		return byEmail
	}
	french, american := read("02/01/2006", 11), read("01/02/2006", 99)
	for email, o := range french {
		for _, n := range []model.Name{model.BirthDate, model.StartDate, model.FirstHiredOn, model.EndDate} {
			if a, b := o.Attributes[n], american[email].Attributes[n]; a.Text != b.Text || a.Null != b.Null {
				t.Errorf("%s is %q under one locale and %q under another", n, a.Text, b.Text)
			}
		}
	}
	if len(french) != 30 || len(american) != 30 {
		t.Errorf("%d and %d people", len(french), len(american))
	}
}
