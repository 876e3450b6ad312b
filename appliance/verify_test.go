package appliance_test

import (
	"maps"
	"strings"
	"testing"

	"rollcall/appliance/model"
	"rollcall/appliance/store"
	"rollcall/connectors/cast"
)

// first returns the first row of a table that is wanted.
func first[K, V any](t *testing.T, s *store.Store, table *store.Table[K, V], wanted func(V) bool) V {
	t.Helper()
	var out V
	found := false
	if err := s.View(func(tx *store.Tx) error {
		for v, err := range table.Each(tx, nil) {
			if err != nil {
				return err
			}
			if !found && wanted(v) {
				out, found = v, true
			}
		}
		return nil
	}); err != nil || !found {
		t.Fatalf("no such row: %v", err)
	}
	return out
}

// TestVerifyFindsWhatWasChangedBehindItsBack changes one derived row at a time, as a
// defect would, and fails when verify calls the database whole: when it does not plan
// the roster anew, does not resolve managers, or does not look at what differs.
func TestVerifyFindsWhatWasChangedBehindItsBack(t *testing.T) {
	w := newWorld(t, 30, "[policy.guard]\nmax_deactivations = 0\n")
	pair := w.employed(2)
	w.hibob.Update(pair[1], func(p *cast.Person) { p.Email = w.people[pair[0]].Email })
	w.start()
	w.sync("hibob")
	w.activate("hibob")
	w.hibob.Terminate(w.employed(3)[2], "2026-01-31") // held: a delivery that stays pending
	w.sync("hibob")
	s := w.app.Store()
	person := first(t, s, store.Persons, func(p model.Person) bool { return p.Manager != "" && len(p.Held) == 0 })
	record := first(t, s, store.Records, func(r model.Record) bool { return r.Person == person.ID })
	conflict := first(t, s, store.Conflicts, func(q model.Conflict) bool { return q.Kind == model.DuplicateIdentifier })
	job := first(t, s, store.Outbox, func(j model.Job) bool { return j.State == model.JobHeld })
	delivered := first(t, s, store.Deliveries, func(d model.Delivered) bool { return d.Person == person.ID })
	key := store.TargetPerson{Target: job.Target, Person: job.Person}

	verify := func() []string {
		v, err := w.app.Verify(w.ctx())
		if err != nil {
			t.Fatal(err)
		}
		return v.Problems
	}
	if problems := verify(); len(problems) > 0 {
		t.Fatalf("before anything was changed: %v", problems)
	}
	for _, c := range []struct {
		what, want string
		spoil, fix func(*store.Tx) error
	}{
		{"a value", "is not what its records",
			func(tx *store.Tx) error {
				p := person
				p.Attributes = model.Attributes{}
				for n, v := range person.Attributes {
					p.Attributes[n] = v
				}
				p.Attributes[model.Title] = model.Text("Nobody said so")
				return store.Persons.Put(tx, p.ID, p)
			}, func(tx *store.Tx) error { return store.Persons.Put(tx, person.ID, person) }},
		{"access", "is not what its records",
			func(tx *store.Tx) error {
				p := person
				p.Access = model.AccessOff
				return store.Persons.Put(tx, p.ID, p)
			}, func(tx *store.Tx) error { return store.Persons.Put(tx, person.ID, person) }},
		{"the manager", "has the manager",
			func(tx *store.Tx) error {
				p := person
				p.Manager = ""
				return store.Persons.Put(tx, p.ID, p)
			}, func(tx *store.Tx) error { return store.Persons.Put(tx, person.ID, person) }},
		{"a link", "should be linked to",
			func(tx *store.Tx) error {
				r := record
				r.Person = ""
				return store.Records.Put(tx, r.ID, r)
			}, func(tx *store.Tx) error { return store.Records.Put(tx, record.ID, record) }},
		{"a question less", "should be open and is not",
			func(tx *store.Tx) error { return store.Conflicts.Delete(tx, conflict.ID) },
			func(tx *store.Tx) error { return store.Conflicts.Put(tx, conflict.ID, conflict) }},
		{"a question more", "nothing asks it",
			func(tx *store.Tx) error {
				q := conflict
				q.ID = "c_none"
				return store.Conflicts.Put(tx, q.ID, q)
			}, func(tx *store.Tx) error { return store.Conflicts.Delete(tx, "c_none") }},
		{"a delivery less", "a delivery is pending: false",
			func(tx *store.Tx) error { return store.Outbox.Delete(tx, key) },
			func(tx *store.Tx) error { return store.Outbox.Put(tx, key, job) }},
		{"what was delivered", "differs: true",
			func(tx *store.Tx) error {
				d := delivered
				d.Sent.Attributes = maps.Clone(d.Sent.Attributes)
				d.Sent.Attributes[model.Title] = "Nobody wrote so"
				return store.Deliveries.Put(tx, store.TargetPerson{Target: d.Target, Person: d.Person}, d)
			}, func(tx *store.Tx) error {
				return store.Deliveries.Put(tx, store.TargetPerson{Target: delivered.Target, Person: delivered.Person}, delivered)
			}},
	} {
		if err := s.Update(c.spoil); err != nil {
			t.Fatal(err)
		}
		if problems := strings.Join(verify(), "\n"); !strings.Contains(problems, c.want) {
			t.Errorf("%s was changed, and verify says %q", c.what, problems)
		}
		if err := s.Update(c.fix); err != nil {
			t.Fatal(err)
		}
	}
}
