package ingest_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

// twinPairs are n pairs of records of one source that share an address: of each
// pair, one is somebody with an account.
func twinPairs(t *testing.T, n int) (*world, []model.Conflict) {
	t.Helper()
	var list []model.Observation
	for i := 1; i <= n; i++ {
		list = append(list, someone(i))
	}
	w := settled(t, list...)
	for i := 1; i <= n; i++ {
		list = append(list, someone(100+i, "email", address(i)))
	}
	w.read("hr", list...)
	open := all(w, store.Conflicts)
	if len(open) != n {
		t.Fatalf("%d conflicts, want %d: %v", len(open), n, w.conflicts())
	}
	return w, open
}

// TestAnAnswerIsNoneToWhatOpensAgainUnderTheSameID fails when somebody who looked at a
// question answers another one, which took its place after it was closed.
func TestAnAnswerIsNoneToWhatOpensAgainUnderTheSameID(t *testing.T) {
	w, open := twinPairs(t, 1)
	w.read("hr", someone(1), someone(101))
	if left := w.conflicts(); len(left) != 0 {
		t.Fatalf("still open: %v", left)
	}
	w.read("hr", someone(1), someone(101, "email", address(1)))
	again := all(w, store.Conflicts)
	if len(again) != 1 || again[0].ID != open[0].ID {
		t.Fatalf("opened again: %v, want %s", again, open[0].ID)
	}
	var stale *ingest.StaleError
	if _, err := w.e.ResolveAll("uid:1000(ops)", asked(open), ingest.Answer{Verb: model.Separate}); !errors.As(err, &stale) {
		t.Errorf("an answer to revision %d was taken for revision %d: %v", open[0].Rev, again[0].Rev, err)
	}
	if _, err := w.e.ResolveAll("uid:1000(ops)", asked(again), ingest.Answer{Verb: model.Separate}); err != nil {
		t.Error(err)
	}
}

func asked(open []model.Conflict) (out []ingest.Asked) {
	for _, q := range open {
		out = append(out, ingest.Asked{ID: q.ID, Rev: q.Rev})
	}
	return out
}

func TestOneAnswerSettlesAllOfOneShapeOrNone(t *testing.T) {
	w, open := twinPairs(t, 3)
	// Which of the records is meant is told by its part in the conflict.
	parked := func(q model.Conflict) model.RecordID {
		for _, id := range q.Records {
			if r := recordByID(w, id); r.Person == "" {
				return id
			}
		}
		t.Fatal("nobody is parked")
		return ""
	}
	var want []model.RecordID
	for _, q := range open {
		want = append(want, parked(q))
	}
	w.now = w.now.Add(1)
	decisions, err := w.e.ResolveAll("uid:1000(ops)", asked(open), ingest.Answer{Verb: model.Exclude, Record: want[0]})
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range decisions {
		if d.Record != want[i] || d.Batch == "" || d.Batch != decisions[0].Batch || d.Shape == "" {
			t.Errorf("decision %d: %+v", i, d)
		}
	}
	if got := w.conflicts(); len(got) != 0 {
		t.Errorf("open after the answer: %v", got)
	}
	if err := w.e.Undo("uid:1000(ops)", decisions[0].Batch); err != nil {
		t.Fatal(err)
	}
	if got := len(all(w, store.Conflicts)); got != 3 || len(all(w, store.Decisions)) != 0 {
		t.Errorf("after taking the batch back %d conflicts are open: %v", got, w.conflicts())
	}
	// One of them has changed since: nothing is answered.
	again := all(w, store.Conflicts)
	stale := asked(again)
	stale[2].Rev++
	var old *ingest.StaleError
	if _, err := w.e.ResolveAll("test", stale, ingest.Answer{Verb: model.Merge}); !errors.As(err, &old) {
		t.Errorf("one of three is stale: %v", err)
	}
	var wrong *ingest.InvalidError
	if _, err := w.e.ResolveAll("test", asked(again), ingest.Answer{Verb: model.Set, Record: again[0].Records[0], Attribute: model.Email, Value: "x@acme.example"}); !errors.As(err, &wrong) {
		t.Errorf("one address for three people: %v", err)
	}
	if n := len(all(w, store.Decisions)); n != 0 {
		t.Errorf("%d decisions were stored", n)
	}
}

func TestConflictsOfAnotherShapeAreNotAnsweredAlong(t *testing.T) {
	w, _ := twinPairs(t, 2)
	same := someone(102, "email", address(2))
	same.Attributes[model.GivenName] = model.Text("Given" + letters(2)) // the second pair has one name
	w.read("hr", someone(1), someone(2), someone(101, "email", address(1)), same)
	open := all(w, store.Conflicts)
	var wrong *ingest.InvalidError
	if _, err := w.e.ResolveAll("test", asked(open), ingest.Answer{Verb: model.Merge}); !errors.As(err, &wrong) || len(all(w, store.Decisions)) != 0 {
		t.Errorf("%v, %d decisions", err, len(all(w, store.Decisions)))
	}
}

func recordByID(w *world, id model.RecordID) model.Record {
	var r model.Record
	w.view(func(tx *store.Tx) (err error) { r, _, err = store.Records.Get(tx, id); return err })
	return r
}

func TestSeparateOneOfThreeKeepsTheAccountOfTheRest(t *testing.T) {
	w := newWorld(t)
	w.read("hr", someone(1))
	w.read("adp", someone(1))
	w.activate("hr")
	w.activate("adp")
	w.deliver()
	w.read("hr", someone(1), someone(2, "email", address(1)))
	q := w.conflict(model.DuplicateIdentifier)
	w.resolve(q, ingest.Answer{Verb: model.Separate, Apart: []model.RecordID{w.record("hr", 2).ID}})
	if w.person("hr", 1).ID != w.person("adp", 1).ID || w.person("hr", 2).ID == w.person("hr", 1).ID {
		t.Error("the rest does not stay together, or the one is not apart")
	}
	w.conflict(model.AccountTaken)
	w.read("hr", someone(1), someone(2))
	if got := w.deliver(); len(w.conflicts()) != 0 || got[model.EffectCreate] != 1 {
		t.Errorf("with an address of their own: conflicts %v, delivered %v", w.conflicts(), got)
	}
}

func TestValueThatCannotBeIsRefusedBeforeItCounts(t *testing.T) {
	w := twins(t)
	q := w.conflict(model.DuplicateIdentifier)
	for attribute, bad := range map[model.Name][]string{
		model.Email:          {"jane", "ja ne@acme.example", "jane\x07@acme.example"},
		model.EmployeeNumber: {"000", "tbd"},
		model.StartDate:      {"22/11/2026", "2026-02-30", "soon"},
		model.Gender:         {"M"},
		model.Title:          {strings.Repeat("x", 2000), "a\x1b[2Jb"},
		model.Manager:        {"nobody@acme.example"},
	} {
		for _, v := range bad {
			var wrong *ingest.InvalidError
			_, err := w.e.Resolve("test", q.ID, ingest.Answer{Verb: model.Set, Record: q.Records[0], Attribute: attribute, Value: v})
			if !errors.As(err, &wrong) {
				t.Errorf("set %s=%q: %v", attribute, v, err)
			} else if strings.Contains(wrong.What, "ja ne") {
				t.Errorf("the refusal repeats the value: %s", wrong.What)
			}
		}
	}
	var wrong *ingest.InvalidError
	if _, err := w.e.Resolve("test", q.ID, ingest.Answer{Verb: model.Allow}); !errors.As(err, &wrong) || !strings.Contains(wrong.What, "merge") {
		t.Errorf("an answer that would settle nothing: %v", err)
	}
}

func TestRecycledAddressWhoseAccountIsThereIsAskedAboutInTheTargetToo(t *testing.T) {
	w := settled(t, someone(1))
	w.read("hr", left(someone(1)))
	w.deliver()
	// HR takes the address from the leaver's record, and gives it to somebody else.
	w.read("hr", left(someone(1, "email", "")))
	w.read("hr", left(someone(1, "email", "")), someone(3, "email", address(1)))
	q := w.conflict(model.EmailRecycled)
	w.resolve(q, ingest.Answer{Verb: model.Separate})
	taken := w.conflict(model.AccountTaken)
	if len(taken.Records) != 2 || len(taken.Persons) != 2 || taken.Target != "javelo" {
		t.Errorf("whose account it is stands not beside who wants it: %+v", taken)
	}
	if got := w.deliver(); len(got) != 0 {
		t.Errorf("delivered %v: the newcomer inherited the account", got)
	}
	// The one whose account it is may change; the question stays.
	w.read("hr", left(someone(1, "email", "", "title", "Emeritus")), someone(3, "email", address(1)))
	w.conflict(model.AccountTaken)
	// The address is freed in the target.
	if _, err := w.e.Listed("javelo", []model.Account{{RemoteID: "j1", Login: "former@acme.example"}}); err != nil {
		t.Fatal(err)
	}
	w.read("hr", left(someone(1, "email", "")), someone(3, "email", address(1), "title", "Analyst"))
	if got := w.deliver(); got[model.EffectCreate] != 1 || slices.Contains(w.conflicts(), string(model.AccountTaken)) {
		t.Errorf("freed: delivered %v, conflicts %v", got, w.conflicts())
	}
}

func TestQuestionsAboutSomebodyDissolvedAreClosed(t *testing.T) {
	w := newWorld(t)
	w.read("hr", someone(1))
	other := someone(1, "email", "other@acme.example")
	other.Attributes[model.Manager] = model.Value{Text: "nobody", Refs: []model.Reference{{By: model.RefNative, Value: "404"}}}
	w.read("adp", other)
	w.activate("hr")
	w.now = w.now.Add(1)
	w.activate("adp")
	w.conflict(model.ManagerUnresolved)
	gone := w.person("adp", 1).ID
	same := other
	same.Attributes = model.Attributes{model.Email: model.Text(address(1)), model.GivenName: model.Text("Given" + letters(1)), model.FamilyName: model.Text("Family")}
	same.Document = []byte(`{}`)
	w.read("adp", same)
	w.resolve(w.conflict(model.AmbiguousMatch), ingest.Answer{Verb: model.Merge})
	for _, q := range all(w, store.Conflicts) {
		if slices.Contains(q.Persons, gone) {
			t.Errorf("%s is still asked about %s, who is nobody any more", q.Kind, gone)
		}
	}
}

func TestCircleIsAskedAboutWhicheverMemberIsLookedAtLast(t *testing.T) {
	boss := func(n, m int) model.Observation {
		o := someone(n)
		o.Attributes[model.Manager] = model.Value{Text: "x", Refs: []model.Reference{{By: model.RefNative, Value: string(rune('0' + m))}}}
		return o
	}
	w := settled(t, boss(1, 2), boss(2, 3), boss(3, 1))
	if q := w.conflict(model.ManagerCycle); len(q.Persons) != 3 {
		t.Errorf("the circle is %+v", q)
	}
	w.read("hr", boss(1, 2), left(boss(2, 3)), boss(3, 1))
	if got := w.conflicts(); len(got) != 0 {
		t.Errorf("somebody who left closes no circle: %v", got)
	}
	w.read("hr", boss(1, 2), boss(2, 3), boss(3, 1))
	w.conflict(model.ManagerCycle)
}
