package reconcile

import (
	"fmt"
	"testing"

	"rollcall/appliance/model"
)

// counting is a roster that counts what is read of it.
type counting struct {
	*world
	byIdentifier map[model.Identifier][]model.RecordID
	byPerson     map[model.PersonID][]model.RecordID
	records      map[model.RecordID]bool
	persons      int
	lookups      int
}

func newCounting(w *world) *counting {
	c := &counting{world: w, byIdentifier: map[model.Identifier][]model.RecordID{}, byPerson: map[model.PersonID][]model.RecordID{}, records: map[model.RecordID]bool{}}
	for id, r := range w.records {
		for _, i := range r.Identifiers {
			c.byIdentifier[i] = append(c.byIdentifier[i], id)
		}
		c.byPerson[r.Person] = append(c.byPerson[r.Person], id)
	}
	return c
}

func (c *counting) of(ids []model.RecordID) ([]model.Record, error) {
	c.lookups++
	var out []model.Record
	for _, id := range ids {
		c.records[id] = true
		out = append(out, c.world.records[id])
	}
	return out, nil
}

func (c *counting) Record(id model.RecordID) (model.Record, bool, error) {
	c.lookups++
	c.records[id] = true
	return c.world.Record(id)
}
func (c *counting) Carriers(id model.Identifier, limit int) ([]model.Record, bool, error) {
	if len(c.byIdentifier[id]) > limit {
		c.lookups++
		return nil, true, nil
	}
	out, err := c.of(c.byIdentifier[id])
	return out, false, err
}
func (c *counting) RecordsOf(p model.PersonID) ([]model.Record, error) { return c.of(c.byPerson[p]) }
func (c *counting) Person(id model.PersonID) (model.Person, bool, error) {
	c.lookups++
	c.persons++
	return c.world.Person(id)
}
func (c *counting) DecisionsOn(id model.RecordID) ([]model.Decision, error) {
	c.lookups++
	return nil, nil
}

// TestASingleChangeReadsItsNeighbourhoodOnly counts what planning one change reads:
// it must be the same whatever the size of the company. It fails when Gather asks
// for more carriers than make an identifier hot, or walks on from the people it finds.
func TestASingleChangeReadsItsNeighbourhoodOnly(t *testing.T) {
	read := map[int][3]int{}
	for _, people := range []int{50, 5000} {
		w := newWorld()
		for i := range people {
			for _, source := range []string{"hr", "idp"} {
				r := says(source, fmt.Sprint(i), "given_name", letters(i), "family_name", "Doe", "email", mail(fmt.Sprintf("p%d", i)))
				w.identify(&r)
				r.Person = model.PersonID(fmt.Sprintf("p-%d", i))
				w.records[r.ID] = r
			}
			w.persons[model.PersonID(fmt.Sprintf("p-%d", i))] = model.Person{ID: model.PersonID(fmt.Sprintf("p-%d", i))}
		}
		for i := range people / 2 { // a mailbox that half of them carry
			r := w.records[model.RecordID(fmt.Sprintf("r-idp%d", 2*i))]
			r.Identifiers = append(r.Identifiers, model.Identifier{Kind: model.IdentifierEmail, Value: mail("desk")})
			w.records[r.ID] = r
		}
		c := newCounting(w)
		old := w.records["r-hr8"]
		in, err := Gather(c, []model.RecordID{"r-hr8"}, []model.Record{old}, w.today, w.policy)
		if err != nil {
			t.Fatal(err)
		}
		if len(in.Records) != 2 || len(in.Persons) != 1 || !in.Hot[model.Identifier{Kind: model.IdentifierEmail, Value: mail("desk")}] {
			t.Errorf("of %d people, planning one takes %d records and %d persons; hot %v", people, len(in.Records), len(in.Persons), in.Hot)
		}
		read[people] = [3]int{len(c.records), c.persons, c.lookups}
	}
	if read[50] != read[5000] || read[5000][0] != 2 || read[5000][1] != 1 {
		t.Errorf("records, persons and look-ups: %v among 50 people, %v among 5,000", read[50], read[5000])
	}
}
