package appliance_test

import (
	"strings"
	"testing"

	"rollcall/connectors/cast"
)

func TestSubjectsOfTheJournalHaveNames(t *testing.T) {
	w := newWorld(t, 40, "")
	pair := w.employed(2)
	w.hibob.Update(pair[1], func(p *cast.Person) { p.Email = strings.ToUpper(w.people[pair[0]].Email) })
	w.start()
	w.sync("hibob")
	w.activate("hibob")
	events, err := w.app.Journal(w.ctx(), -1, 1000, false)
	if err != nil {
		t.Fatal(err)
	}
	var subjects []string
	kinds := map[string]int{}
	for _, e := range events {
		kind, _, _ := strings.Cut(e.Subject, ":")
		if kinds[kind]++; kinds[kind] == 1 {
			subjects = append(subjects, e.Subject)
		}
	}
	names, err := w.app.Names(w.ctx(), append(subjects, "person:p_gone", "nonsense", ""))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range subjects {
		kind, _, _ := strings.Cut(s, ":")
		if named := names[s] != ""; named != (kind == "person" || kind == "conflict" || kind == "record" || kind == "token") {
			t.Errorf("%s is called %q", s, names[s])
		}
	}
	if kinds["person"] == 0 || kinds["conflict"] == 0 {
		t.Fatalf("the journal speaks of %v, want people and a conflict", kinds)
	}
	for _, s := range []string{"person:p_gone", "nonsense", ""} {
		if _, ok := names[s]; ok {
			t.Errorf("%q has a name", s)
		}
	}
}

func TestPeopleAreCountedAsSoonAsThereAreSome(t *testing.T) {
	w := newWorld(t, 40, "")
	w.start()
	before, err := w.app.Status(w.ctx())
	if err != nil {
		t.Fatal(err)
	}
	w.sync("hibob")
	w.activate("hibob")
	after, err := w.app.Status(w.ctx())
	if err != nil {
		t.Fatal(err)
	}
	if before.People.Total != 0 || after.People.Active == 0 {
		t.Errorf("%d people, then %d active at once", before.People.Total, after.People.Active)
	}
}
