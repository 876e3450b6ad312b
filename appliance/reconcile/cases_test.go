package reconcile

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
)

// says makes a record: what one source says of one human. Attributes come as
// name, value pairs; an empty value is null.
func says(source, native string, pairs ...string) model.Record {
	id := model.RecordID("r-" + source + native)
	r := model.Record{ID: id, Source: source, Native: native, Status: model.Active, Spare: model.PersonID("p-" + source + native), Attributes: model.Attributes{}}
	for i := 0; i < len(pairs); i += 2 {
		r.Attributes[model.Name(pairs[i])] = model.Text(pairs[i+1])
	}
	return r
}

func ended(r model.Record) model.Record {
	r.Status, r.RawStatus = model.Inactive, "terminated"
	return r
}

func mail(local string) string { return local + "@acme.example" }

// ada, bea and cy are three humans as a source tells them.
func ada(source, native string, more ...string) model.Record {
	return says(source, native, append([]string{"given_name", "Ada", "family_name", "Moreau", "email", mail("ada")}, more...)...)
}

func bea(source, native string, more ...string) model.Record {
	return says(source, native, append([]string{"given_name", "Bea", "family_name", "Ngata", "email", mail("bea")}, more...)...)
}

// personOf returns the person of a record, which must be linked.
func personOf(t *testing.T, w *world, id model.RecordID) model.Person {
	t.Helper()
	p, ok := w.persons[w.records[id].Person]
	if !ok {
		t.Fatalf("%s belongs to nobody", id)
	}
	return p
}

func kinds(w *world) []string {
	out := []string{}
	for _, c := range w.conflicts {
		out = append(out, string(c.Kind))
	}
	slices.Sort(out)
	return out
}

func sameKinds(t *testing.T, w *world, want ...model.ConflictKind) {
	t.Helper()
	list := []string{}
	for _, k := range want {
		list = append(list, string(k))
	}
	slices.Sort(list)
	if diff := cmp.Diff(list, kinds(w)); diff != "" {
		t.Errorf("open conflicts: %s", diff)
	}
}

// answer stores a decision and plans what follows.
func answer(t *testing.T, w *world, d model.Decision) Plan {
	t.Helper()
	d.ID = fmt.Sprintf("d%03d", len(w.decisions))
	d.At = time.Date(2026, 1, 1, 0, len(w.decisions), 0, 0, time.UTC)
	slices.Sort(d.Records)
	return w.decide(d)
}

func TestRecordsThatShareAnAddressBecomeOnePerson(t *testing.T) {
	w := newWorld()
	w.put(ada("hr", "1"))
	first := personOf(t, w, "r-hr1").ID
	if first != "p-hr1" {
		t.Errorf("the new person is %s, want the spare id of the record", first)
	}
	w.put(ada("idp", "7"))
	if got := personOf(t, w, "r-idp7"); got.ID != first || !slices.Equal(got.Records, []model.RecordID{"r-hr1", "r-idp7"}) {
		t.Errorf("the second record belongs to %s with %v", got.ID, got.Records)
	}
	w.put(bea("hr", "2"))
	if personOf(t, w, "r-hr2").ID == first {
		t.Error("another address became the same person")
	}
	sameKinds(t, w)
}

func TestUnlinkedRecordsAreNamedByTheLowestSpareOnce(t *testing.T) {
	w := newWorld()
	a, b := ada("hr", "1"), ada("idp", "7")
	a.Identifiers = []model.Identifier{{Kind: model.IdentifierEmail, Value: mail("ada")}}
	b.Identifiers = a.Identifiers
	plan := PlanRoster(Input{Today: w.today, Policy: w.policy, Records: []model.Record{b, a}})
	want := []Link{{"r-hr1", "p-hr1"}, {"r-idp7", "p-hr1"}}
	if diff := cmp.Diff(want, plan.Links); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]model.RecordID{"r-hr1"}, plan.Spent); diff != "" {
		t.Errorf("spent spare ids: %s", diff)
	}
}

func TestTableOfCases(t *testing.T) {
	number := func(n string) []string { return []string{"employee_number", n} }
	for _, tc := range []struct {
		name     string
		before   []model.Record // arrive one after another
		last     model.Record
		kind     model.ConflictKind // empty: linked
		with     model.RecordID     // the record whose person the last one joins
		returned bool               // a rehire is noted
		frozen   []model.RecordID   // whose persons are held
	}{
		{name: "a newcomer alone gets a person", last: ada("hr", "1")},
		{name: "an ended record and a newcomer of the same name are a rehire", before: []model.Record{ended(ada("hr", "1"))}, last: ada("hr", "2"), with: "r-hr1", returned: true},
		{name: "an ended record and a newcomer of the same birth date are a rehire whatever the name",
			before: []model.Record{ended(ada("hr", "1", "birth_date", "1990-02-03"))},
			last:   says("hr", "2", "given_name", "Adeline", "family_name", "Curie", "email", mail("ada"), "birth_date", "1990-02-03"), with: "r-hr1", returned: true},
		{name: "an ended record and a newcomer of another name are a recycled address", before: []model.Record{ended(ada("hr", "1"))},
			last: says("hr", "2", "given_name", "Adam", "family_name", "Rossi", "email", mail("ada")), kind: model.EmailRecycled, frozen: []model.RecordID{"r-hr1"}},
		{name: "the same name does not help when the birth dates differ", before: []model.Record{ended(ada("hr", "1", "birth_date", "1990-02-03"))},
			last: ada("hr", "2", "birth_date", "1999-09-09"), kind: model.EmailRecycled, frozen: []model.RecordID{"r-hr1"}},
		{name: "a newcomer without any name is not taken for the leaver", before: []model.Record{ended(ada("hr", "1"))},
			last: says("hr", "2", "email", mail("ada")), kind: model.EmailRecycled, frozen: []model.RecordID{"r-hr1"}},
		{name: "two current records of one source are a duplicate", before: []model.Record{ada("hr", "1")}, last: ada("hr", "2"), kind: model.DuplicateIdentifier, frozen: []model.RecordID{"r-hr1"}},
		{name: "an ended and a current record of one source, same name, are no duplicate", before: []model.Record{ada("idp", "7"), ended(ada("hr", "1"))}, last: ada("hr", "2"), with: "r-idp7"},
		{name: "two persons joined by one record are ambiguous", before: []model.Record{ada("hr", "1"), says("partner", "5", "given_name", "Ada", "family_name", "Moreau", "email", mail("a.moreau"), "employee_number", "42")},
			last: ada("adp", "9", number("42")...), kind: model.AmbiguousMatch, frozen: []model.RecordID{"r-hr1", "r-partner5"}},
		{name: "different employee numbers speak against a shared address", before: []model.Record{ada("adp", "1", number("41")...)},
			last: ada("partner", "2", number("42")...), kind: model.AmbiguousMatch, frozen: []model.RecordID{"r-adp1"}},
		{name: "employee numbers of sources that may not match by them say nothing", before: []model.Record{ada("hr", "1", number("41")...)},
			last: ada("idp", "2", number("42")...), with: "r-hr1"},
		{name: "the same employee number joins two addresses", before: []model.Record{ada("adp", "1", number("42")...)},
			last: says("partner", "2", "given_name", "Ada", "email", mail("a.moreau"), "employee_number", "42"), with: "r-adp1"},
		{name: "zeros before a number count", before: []model.Record{ada("adp", "1", number("042")...)},
			last: says("partner", "2", "given_name", "Ada", "email", mail("a.moreau"), "employee_number", "42")},
		{name: "two leavers of other names with one address stay two", before: []model.Record{ended(ada("hr", "1"))},
			last: ended(says("hr", "2", "given_name", "Adam", "family_name", "Rossi", "email", mail("ada")))},
		{name: "two leavers of one name with one address are one", before: []model.Record{ended(ada("hr", "1"))}, last: ended(ada("hr", "2")), with: "r-hr1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld()
			for _, r := range tc.before {
				w.put(r)
			}
			sameKinds(t, w) // nothing is wrong before the last record comes
			plan := w.put(tc.last)
			if returned := len(plan.Notes) == 1 && plan.Notes[0].Verb == "rehired"; returned != tc.returned || len(plan.Notes) > 1 {
				t.Errorf("noted %v", plan.Notes)
			}
			got := w.records[tc.last.ID].Person
			if tc.kind != "" {
				sameKinds(t, w, tc.kind)
				if got != "" {
					t.Errorf("the record is linked to %s and not parked", got)
				}
			} else {
				sameKinds(t, w)
				for _, r := range tc.before {
					if joined := w.records[r.ID].Person == got; joined != (tc.with != "") {
						t.Errorf("one person with %s: %t", r.ID, joined)
					}
				}
			}
			for _, id := range tc.frozen {
				p := personOf(t, w, id)
				if len(p.Held) != 1 {
					t.Errorf("%s is held by %v", id, p.Held)
				}
				if pr := Project(p, Holding{}, ManagerView{}, &TargetRules{}); pr.Effect != model.EffectNone || pr.Blocked == "" {
					t.Errorf("%s would be delivered: %s", id, pr.Effect)
				}
			}
			if notes := PlanRoster(w.everything()).Notes; len(notes) > 0 {
				t.Errorf("planning again notes %v again", notes)
			}
		})
	}
}

func TestRecordsPutApartAndJoinedAgainAreAmbiguous(t *testing.T) {
	w := newWorld()
	w.put(ada("hr", "1"))
	w.put(ada("hr", "2"))
	sameKinds(t, w, model.DuplicateIdentifier)
	answer(t, w, model.Decision{Verb: model.Separate, Records: []model.RecordID{"r-hr1", "r-hr2"}})
	if personOf(t, w, "r-hr1").ID == personOf(t, w, "r-hr2").ID {
		t.Error("records that were put apart are one person")
	}
	// Both still claim one address: one account cannot have two owners.
	sameKinds(t, w, model.AccountTaken)
	w.put(ada("idp", "7"))
	// The one question covers the clash of their claims as well.
	sameKinds(t, w, model.AmbiguousMatch)
	if w.records["r-idp7"].Person != "" {
		t.Error("the record between the two was linked to one of them")
	}
}

func TestIdentifierCarriedByTooManyJoinsNobody(t *testing.T) {
	w := newWorld() // its hot limit is 3
	desk := func(source, n, given string) model.Record {
		return says(source, n, "given_name", given, "family_name", "Doe", "email", mail("desk"))
	}
	for _, source := range []string{"hr", "idp", "adp"} {
		w.put(desk(source, "1", "Ada"))
	}
	sameKinds(t, w)
	w.put(desk("hr", "2", "Cy"))
	first, second := personOf(t, w, "r-hr1"), personOf(t, w, "r-hr2")
	if len(first.Records) != 3 || first.ID == second.ID {
		t.Errorf("the first three records make %v, and the fourth belongs to the same person: %t", first.Records, first.ID == second.ID)
	}
	if len(first.Held) == 0 || len(second.Held) == 0 {
		t.Error("somebody flows although their login is the desk's")
	}
	sameKinds(t, w, model.DuplicateIdentifier, model.DuplicateIdentifier, model.DuplicateIdentifier, model.DuplicateIdentifier)
	// When the last one lets go of the address, it says who someone is again.
	gone := desk("hr", "2", "Cy")
	gone.Attributes[model.Email] = model.Text(mail("cy"))
	w.put(gone)
	sameKinds(t, w)
}

func TestFrozenPersonStaysAsTheyWere(t *testing.T) {
	w := newWorld()
	w.put(ada("hr", "1", "title", "Engineer"))
	before := personOf(t, w, "r-hr1")
	w.put(ada("hr", "2", "title", "Impostor"))
	after := personOf(t, w, "r-hr1")
	if after.ID != before.ID || after.Attributes.Text(model.Title) != "Engineer" || len(after.Records) != 1 {
		t.Errorf("the frozen person became %+v", after)
	}
	var c model.Conflict
	for _, c = range w.conflicts {
	}
	if !slices.Equal(c.Records, []model.RecordID{"r-hr1", "r-hr2"}) || !slices.Equal(c.Persons, []model.PersonID{before.ID}) ||
		len(c.Identifiers) != 1 || c.Identifiers[0].Value != mail("ada") || c.Rule == "" {
		t.Errorf("the conflict says %+v", c)
	}
}

func TestDecisionsSettleWhatRulesCannot(t *testing.T) {
	both := []model.RecordID{"r-hr1", "r-hr2"}
	recycled := func() *world {
		w := newWorld()
		w.put(ended(ada("hr", "1")))
		w.put(says("hr", "2", "given_name", "Adam", "family_name", "Rossi", "email", mail("ada")))
		return w
	}
	duplicate := func() *world {
		w := newWorld()
		w.put(ada("hr", "1", "title", "Engineer"))
		w.put(ada("hr", "2", "title", "Director"))
		return w
	}
	for _, tc := range []struct {
		name   string
		world  func() *world
		answer model.Decision
		one    bool // both records are one person then
		title  string
		kinds  []model.ConflictKind
	}{
		{"merge makes a leaver and a newcomer one", recycled, model.Decision{Verb: model.Merge, Records: both}, true, "", nil},
		{"separate makes them two; who left claims the address no more", recycled, model.Decision{Verb: model.Separate, Records: both}, false, "", nil},
		{"allow lets the newcomer join the leaver's person", recycled, model.Decision{Verb: model.Allow, Kind: model.EmailRecycled, Records: both}, true, "", nil},
		{"merge joins two current records", duplicate, model.Decision{Verb: model.Merge, Records: both}, true, "Engineer", nil},
		{"prefer silences the other record", duplicate, model.Decision{Verb: model.Prefer, Record: "r-hr2", Records: both}, true, "Director", nil},
		{"exclude leaves a record out", duplicate, model.Decision{Verb: model.Exclude, Record: "r-hr1", Records: both}, false, "", nil},
		{"later changes nothing", duplicate, model.Decision{Verb: model.Later, Records: both}, false, "Engineer", []model.ConflictKind{model.DuplicateIdentifier}},
	} {
		w := tc.world()
		answer(t, w, tc.answer)
		sameKinds(t, w, tc.kinds...)
		a, b := w.records["r-hr1"].Person, w.records["r-hr2"].Person
		if (a == b && a != "") != tc.one {
			t.Errorf("%s: one person: %t", tc.name, a == b)
		}
		if tc.title != "" && w.persons[a].Attributes.Text(model.Title) != tc.title {
			t.Errorf("%s: the title is %q, want %q", tc.name, w.persons[a].Attributes.Text(model.Title), tc.title)
		}
		// Taking the answer back asks the question again.
		w.decisions = map[string]model.Decision{}
		w.plan(both, nil)
		if tc.one && w.records["r-hr1"].Person != "" && w.records["r-hr1"].Person == w.records["r-hr2"].Person && len(w.conflicts) == 0 && tc.answer.Verb != model.Allow && tc.answer.Verb != model.Merge {
			t.Errorf("%s: undone, nothing is asked", tc.name)
		}
	}
}

// TestOldestOfMergedPersonsStays fails when of two people whom a decision makes one the
// first listed, or the last, stays instead of the oldest: it is the oldest whose history
// and accounts are the longest.
func TestOldestOfMergedPersonsStays(t *testing.T) {
	day := func(n int) time.Time { return time.Unix(int64(n)*86400, 0) }
	for _, c := range []struct {
		what         string
		first, other time.Time // when the person of the lower record, and the other, was made
		want         model.PersonID
	}{
		{"the other is older", day(2), day(1), "p-b"},
		{"the first is older", day(1), day(2), "p-a"},
		{"equally old", day(1), day(1), "p-a"},
	} {
		w := newWorld()
		a, b := ada("hr", "1"), ada("idp", "2", "email", mail("other"))
		a.Person, b.Person = "p-a", "p-b"
		w.identify(&a)
		w.identify(&b)
		plan := PlanRoster(Input{Today: w.today, Policy: w.policy, Records: []model.Record{a, b},
			Persons:   []model.Person{{ID: "p-a", Created: c.first, Records: []model.RecordID{a.ID}}, {ID: "p-b", Created: c.other, Records: []model.RecordID{b.ID}}},
			Decisions: []model.Decision{{ID: "d1", Verb: model.Merge, Records: []model.RecordID{a.ID, b.ID}, At: day(3)}}})
		for _, l := range plan.Links {
			if l.Person != c.want {
				t.Errorf("%s: %s is of %s, want %s", c.what, l.Record, l.Person, c.want)
			}
		}
		if len(plan.Gone) != 1 || plan.Gone[0] == c.want {
			t.Errorf("%s: gone %v", c.what, plan.Gone)
		}
	}
}

func TestLastDecisionOnAPairCounts(t *testing.T) {
	w := newWorld()
	both := []model.RecordID{"r-hr1", "r-idp7"}
	w.put(ada("hr", "1"))
	w.put(bea("idp", "7"))
	for _, step := range []struct {
		verb model.Verb
		one  bool
	}{{model.Merge, true}, {model.Separate, false}, {model.Merge, true}} {
		answer(t, w, model.Decision{Verb: step.verb, Records: both})
		if one := w.records["r-hr1"].Person == w.records["r-idp7"].Person; one != step.one {
			t.Errorf("after %s they are one person: %t", step.verb, one)
		}
	}
}

func TestLastPreferenceCounts(t *testing.T) {
	w := newWorld()
	both := []model.RecordID{"r-hr1", "r-hr2"}
	w.put(ada("hr", "1", "title", "Engineer"))
	w.put(ada("hr", "2", "title", "Director"))
	for _, step := range []struct {
		record model.RecordID
		title  string
	}{{"r-hr2", "Director"}, {"r-hr1", "Engineer"}, {"r-hr2", "Director"}} {
		answer(t, w, model.Decision{Verb: model.Prefer, Record: step.record, Records: both})
		if got := personOf(t, w, step.record).Attributes.Text(model.Title); got != step.title {
			t.Errorf("%s is preferred and the title is %q", step.record, got)
		}
	}
}

func TestWhoIsPutApartLaterIsNotPassedOverAnyMore(t *testing.T) {
	w := newWorld()
	both := []model.RecordID{"r-hr1", "r-hr2"}
	w.put(ada("hr", "1", "title", "Engineer"))
	w.put(ada("hr", "2", "title", "Director"))
	answer(t, w, model.Decision{Verb: model.Prefer, Record: "r-hr2", Records: both})
	answer(t, w, model.Decision{Verb: model.Separate, Records: both})
	for record, title := range map[model.RecordID]string{"r-hr1": "Engineer", "r-hr2": "Director"} {
		if got := personOf(t, w, record).Attributes.Text(model.Title); got != title {
			t.Errorf("the person of %s has the title %q, want %q", record, got, title)
		}
	}
}

func TestPersonsWhoClaimOneAddressAreFrozen(t *testing.T) {
	w := newWorld()
	w.put(ada("hr", "1"))
	w.put(bea("hr", "2"))
	answer(t, w, model.Decision{Verb: model.Set, Record: "r-hr2", Records: []model.RecordID{"r-hr2"}, Attribute: model.Email, Value: model.Text(mail("ADA"))})
	// The store derives identifiers anew when a value is set; here by hand.
	r := w.records["r-hr2"]
	r.Identifiers = []model.Identifier{{Kind: model.IdentifierEmail, Value: mail("ada")}}
	w.records["r-hr2"] = r
	w.plan([]model.RecordID{"r-hr2"}, nil)
	for _, id := range []model.RecordID{"r-hr1", "r-hr2"} {
		if p := personOf(t, w, id); len(p.Held) == 0 {
			t.Errorf("%s is not held", id)
		}
	}
}

func TestConflictIdDependsOnKindTargetAndMembersOnly(t *testing.T) {
	base := model.Conflict{Kind: model.AmbiguousMatch, Records: []model.RecordID{"a", "b"}, Rule: "x", Rev: 3}
	same := base
	same.Rule, same.Rev, same.Persons = "y", 9, []model.PersonID{"p"}
	if ConflictIDOf(base) != ConflictIDOf(same) {
		t.Error("the id follows the rule, the revision or the persons")
	}
	for name, other := range map[string]model.Conflict{
		"kind":    {Kind: model.EmailRecycled, Records: base.Records},
		"target":  {Kind: base.Kind, Records: base.Records, Target: "javelo"},
		"members": {Kind: base.Kind, Records: []model.RecordID{"a"}},
		"borders": {Kind: base.Kind, Records: []model.RecordID{"ab"}},
	} {
		if ConflictIDOf(base) == ConflictIDOf(other) {
			t.Errorf("another %s gives the same id", name)
		}
	}
	cycle := model.Conflict{Kind: model.ManagerCycle, Persons: []model.PersonID{"p"}}
	other := model.Conflict{Kind: model.ManagerCycle, Persons: []model.PersonID{"q"}}
	if ConflictIDOf(cycle) == ConflictIDOf(other) {
		t.Error("two circles have one id")
	}
}

func TestOrderOfArrivalOfALeaverAndANewcomerDoesNotMatter(t *testing.T) {
	leaver := ended(ada("hr", "1"))
	newcomer := says("hr", "2", "given_name", "Adam", "family_name", "Rossi", "email", mail("ada"))
	first, second := newWorld(), newWorld()
	first.put(leaver)
	first.put(newcomer)
	second.put(newcomer)
	second.put(leaver)
	sameKinds(t, first, model.EmailRecycled)
	sameKinds(t, second, model.EmailRecycled)
	if p := second.records["r-hr1"].Person; p != "" && p == second.records["r-hr2"].Person {
		t.Error("a leaver of another name became the newcomer's person without a question")
	}
}

func TestAnAddressDoesNotPassToANewcomerOverARecordInBetween(t *testing.T) {
	t.Run("over one that ended", func(t *testing.T) {
		w := newWorld()
		w.put(ada("adp", "1", "employee_number", "11"))
		w.put(ended(says("adp", "2", "given_name", "Bob", "family_name", "Rossi", "email", mail("bob"), "employee_number", "11")))
		w.put(says("hr", "2", "given_name", "Bob", "family_name", "Rossi", "email", mail("bob")))
		sameKinds(t, w, model.EmailRecycled)
		if w.records["r-hr2"].Person == w.records["r-adp1"].Person {
			t.Error("Bob, alike to a record that ended, joined Ada, who has that record's number")
		}
	})
	t.Run("over one that was passed over by a preference", func(t *testing.T) {
		w := newWorld()
		w.put(ended(ada("hr", "1")))
		w.put(says("adp", "1", "given_name", "Ada", "family_name", "Moreau", "email", mail("a.moreau")))
		both := []model.RecordID{"r-adp1", "r-hr1"}
		answer(t, w, model.Decision{Verb: model.Prefer, Record: "r-adp1", Records: both})
		w.put(says("idp", "7", "given_name", "Adam", "family_name", "Rossi", "email", mail("ada")))
		sameKinds(t, w, model.EmailRecycled)
	})
	t.Run("over what a current person had before", func(t *testing.T) {
		w := newWorld()
		w.put(ada("hr", "1"))
		w.put(says("hr", "1", "given_name", "Ada", "family_name", "Curie", "email", mail("ada.curie")))
		w.put(says("idp", "7", "given_name", "Adam", "family_name", "Rossi", "email", mail("ada")))
		sameKinds(t, w, model.EmailRecycled)
		if w.records["r-idp7"].Person != "" || !flows(personOf(t, w, "r-hr1")) {
			t.Error("the newcomer is not parked, or whose address it was does not flow any more")
		}
		both := []model.RecordID{"r-hr1", "r-idp7"}
		answer(t, w, model.Decision{Verb: model.Separate, Records: both})
		if sameKinds(t, w); !flows(personOf(t, w, "r-idp7")) {
			t.Error("put apart, the newcomer does not flow")
		}
	})
	t.Run("and one alike whose record lost the address on the last day is back", func(t *testing.T) {
		w := newWorld()
		w.put(ada("hr", "1"))
		w.put(ended(says("hr", "1", "given_name", "Ada", "family_name", "Moreau", "email", "")))
		plan := w.put(ada("hr", "2"))
		sameKinds(t, w)
		if w.records["r-hr1"].Person != w.records["r-hr2"].Person || len(plan.Notes) != 1 || plan.Notes[0].Reason == "" {
			t.Errorf("not taken for a rehire: %v", plan.Notes)
		}
	})
}

func TestRehiresAreAskedAboutWherePolicySaysSo(t *testing.T) {
	w := newWorld()
	w.policy.AskRehires = true
	w.put(ended(ada("hr", "1")))
	w.put(ada("hr", "2"))
	sameKinds(t, w, model.EmailRecycled)
	answer(t, w, model.Decision{Verb: model.Merge, Records: []model.RecordID{"r-hr1", "r-hr2"}})
	if sameKinds(t, w); w.records["r-hr1"].Person != w.records["r-hr2"].Person {
		t.Error("merged, they are two")
	}
}

func TestContradictingDecisionsAreAQuestionNotAVerdict(t *testing.T) {
	w := newWorld()
	w.put(ada("hr", "1"))
	w.put(bea("idp", "2"))
	w.put(says("adp", "3", "given_name", "Cy", "family_name", "Ito", "email", mail("cy")))
	answer(t, w, model.Decision{Verb: model.Separate, Records: []model.RecordID{"r-hr1", "r-idp2"}})
	answer(t, w, model.Decision{Verb: model.Merge, Records: []model.RecordID{"r-adp3", "r-hr1"}})
	answer(t, w, model.Decision{Verb: model.Merge, Records: []model.RecordID{"r-adp3", "r-idp2"}})
	sameKinds(t, w, model.AmbiguousMatch)
	if w.records["r-hr1"].Person == w.records["r-idp2"].Person {
		t.Error("who was put apart is one person")
	}
	if w.records["r-adp3"].Person != w.records["r-hr1"].Person {
		t.Error("the first merge was undone by the second")
	}
	answer(t, w, model.Decision{Verb: model.Merge, Records: []model.RecordID{"r-adp3", "r-hr1", "r-idp2"}})
	if sameKinds(t, w); w.records["r-hr1"].Person != w.records["r-idp2"].Person {
		t.Error("the answer about all three did not settle it")
	}
}

func TestSeparateOneLeavesTheRestTogether(t *testing.T) {
	w := newWorld()
	w.put(ada("hr", "1"))
	w.put(ada("idp", "7"))
	w.put(says("hr", "2", "given_name", "Adam", "family_name", "Rossi", "email", mail("ada")))
	sameKinds(t, w, model.DuplicateIdentifier)
	answer(t, w, model.Decision{Verb: model.Separate, Records: []model.RecordID{"r-hr1", "r-hr2", "r-idp7"}, Apart: []model.RecordID{"r-hr2"}})
	if w.records["r-hr1"].Person != w.records["r-idp7"].Person || w.records["r-hr1"].Person == w.records["r-hr2"].Person {
		t.Errorf("the records belong to %s, %s, %s", w.records["r-hr1"].Person, w.records["r-idp7"].Person, w.records["r-hr2"].Person)
	}
	sameKinds(t, w, model.AccountTaken) // both current, one address
}

func TestAPreferenceLapsesWithThePreferredRecord(t *testing.T) {
	w := newWorld()
	w.put(ada("hr", "1", "title", "Engineer"))
	w.put(ada("hr", "2", "title", "Director"))
	answer(t, w, model.Decision{Verb: model.Prefer, Record: "r-hr2", Records: []model.RecordID{"r-hr1", "r-hr2"}})
	w.put(ended(ada("hr", "2", "title", "Director")))
	if p := personOf(t, w, "r-hr1"); p.Access != model.AccessOn || p.Attributes.Text(model.Title) != "Engineer" {
		t.Errorf("HR closed the better of two records of one human, and they are %s as %s", p.Access, p.Attributes.Text(model.Title))
	}
}
