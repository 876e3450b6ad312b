package ingest_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
	"rollcall/connectors"
)

// as asks the source "hr" as somebody from now on.
func (w *world) as(scope string) {
	w.settings.Sources["hr"] = ingest.SourceSettings{Kind: model.KindLucca, Scope: scope}
	w.restart()
}

// renumbered gives people other ids of their source.
func renumbered(list []model.Observation, id func(n string) string) []model.Observation {
	out := make([]model.Observation, len(list))
	for i, o := range list {
		o.Native = id(o.Native)
		o.Attributes = maps.Clone(o.Attributes)
		if m, ok := o.Attributes[model.Manager]; ok {
			o.Attributes[model.Manager] = model.Value{Text: m.Text, Refs: []model.Reference{{By: model.RefNative, Value: id(m.Refs[0].Value)}}}
		}
		o.Document = []byte(fmt.Sprintf(`{"id":%q}`, o.Native))
		out[i] = o
	}
	return out
}

// lives counts the records of a source that are not gone, and all persons.
func (w *world) lives(source string) (records, persons int) {
	for _, r := range all(w, store.Records) {
		if r.Source == source && !r.Gone {
			records++
		}
	}
	return records, len(all(w, store.Persons))
}

func (w *world) openConflicts() int { return len(all(w, store.Conflicts)) }

// settledAs is a world whose hr was read and delivered as somebody.
func settledAs(t *testing.T, scope string, list ...model.Observation) *world {
	w := settled(t, list...)
	w.as(scope)
	w.read("hr", list...)
	w.deliver()
	return w
}

func TestMovingToAnAPIWithOtherIdsCreatesNobody(t *testing.T) {
	old := people(12, "employee_number", "7")
	for i := range old {
		old[i].Attributes[model.EmployeeNumber] = model.Text(fmt.Sprintf("%05d", i))
		if i != 6 {
			old[i].Attributes[model.Manager] = model.Value{Text: "Boss", Refs: []model.Reference{{By: model.RefNative, Value: "7"}}}
		}
	}
	for what, id := range map[string]func(string) string{
		"the same ids":              func(n string) string { return n },
		"other ids":                 func(n string) string { return "e-" + n },
		"ids that changed hands":    func(n string) string { return fmt.Sprint(13 - atoi(n)) },
		"ids shifted by one":        func(n string) string { return fmt.Sprint(atoi(n) + 1) },
		"ids that were others once": func(n string) string { return fmt.Sprint((atoi(n)+5)%12 + 1) },
	} {
		t.Run(what, func(t *testing.T) {
			w := settledAs(t, "lucca v3", old...)
			w.as("lucca 2024-11-01")
			fresh := renumbered(old, id)
			for range 4 {
				run := w.read("hr", fresh...)
				if run.Counts.Added != 0 || run.Counts.Gone != 0 || len(run.Holds) != 0 {
					t.Fatalf("run: %+v, holds %+v", run.Counts, run.Holds)
				}
				if got := w.deliver(); len(got) != 0 {
					t.Fatalf("delivered %v", got)
				}
			}
			if records, persons := w.lives("hr"); records != 12 || persons != 12 || w.openConflicts() != 0 {
				t.Errorf("%d records of %d people, %d conflicts", records, persons, w.openConflicts())
			}
			for i, o := range fresh {
				if r := w.nativeRecord("hr", o.Native); r.Attributes.Text(model.Email) != old[i].Attributes.Text(model.Email) {
					t.Errorf("record %s is of %s", o.Native, r.Attributes.Text(model.Email))
				}
			}
			// And back again.
			w.as("lucca v3")
			w.read("hr", old...)
			if got := w.deliver(); len(got) != 0 {
				t.Errorf("moving back delivered %v", got)
			}
		})
	}
}

func atoi(s string) (n int) { fmt.Sscan(s, &n); return n }

func (w *world) nativeRecord(source, native string) (r model.Record) {
	w.view(func(tx *store.Tx) (err error) {
		r, _, err = store.RecordByNative.One(tx, store.Key(source, native))
		return err
	})
	return r
}

func TestMoveDoesNotGiveAnAddressToSomebodyElse(t *testing.T) {
	w := settledAs(t, "lucca v3", people(6)...)
	w.as("lucca 2024-11-01")
	fresh := renumbered(people(6), func(n string) string { return "e-" + n })
	// The address of the third belongs to another human now.
	fresh[2].Attributes = model.Attributes{model.GivenName: model.Text("Quite"), model.FamilyName: model.Text("Other"), model.Email: model.Text(address(3))}
	w.read("hr", fresh...)
	if old, new := w.nativeRecord("hr", "3"), w.nativeRecord("hr", "e-3"); old.ID == new.ID || old.ID == "" || new.ID == "" {
		t.Errorf("the record of the one became that of the other: %q %q", old.ID, new.ID)
	}
	if w.openConflicts() == 0 {
		t.Error("nobody is asked whose address it is")
	}
}

func TestWhoIsNotSeenByOtherEyesIsNotMissing(t *testing.T) {
	w := settledAs(t, "hibob SERVICE-1", people(20)...)
	w.as("hibob SERVICE-2")
	run := w.read("hr", people(19)...)
	if run.Counts.Missing != 0 || !strings.Contains(strings.Join(run.Notes, " "), "asked in another way") {
		t.Errorf("first read as somebody else: %+v, notes %q", run.Counts, run.Notes)
	}
	if run = w.read("hr", people(19)...); run.Counts.Missing != 1 || run.Counts.Gone != 0 {
		t.Errorf("second: %+v", run.Counts)
	}
	if run = w.read("hr", people(19)...); run.Counts.Gone != 1 {
		t.Errorf("third: %+v", run.Counts)
	}
}

func TestAsManyStrangersAreNotTheSameCompany(t *testing.T) {
	strangers := func() []model.Observation {
		var out []model.Observation
		for n := range 40 {
			out = append(out, someone(1000+n))
		}
		return out
	}
	w := settled(t, people(40)...)
	w.settings.Limits.Shrink = reconcile.Limit{Percent: 10, HasPercent: true}
	w.settings.Limits.Deactivations = reconcile.Limit{Percent: 100, HasPercent: true}
	for range 3 {
		run := w.read("hr", strangers()...)
		if run.Counts.Missing != 0 || len(run.Holds) != 1 || !strings.Contains(run.Holds[0].Reason, "40 were not found again") {
			t.Fatalf("counts %+v, holds %+v", run.Counts, run.Holds)
		}
		if got := w.deliver(); got[model.EffectDeactivate] != 0 {
			t.Fatalf("delivered %v", got)
		}
	}
	// A human says that the company is another one.
	waiting := w.waiting()
	if len(waiting) != 1 {
		t.Fatalf("waiting: %v", waiting)
	}
	if _, err := w.e.Approve("test", waiting[0], ""); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if run := w.read("hr", strangers()...); len(run.Holds) != 0 {
			t.Fatalf("held although approved: %+v", run.Holds)
		}
	}
	if got := w.deliver(); got[model.EffectDeactivate] != 40 {
		t.Errorf("delivered %v", got)
	}
}

func TestHazard9_11_AReadThatIsShorterThanItSaysEndsNobody(t *testing.T) {
	w := settled(t, people(6)...)
	for range 3 {
		r, err := w.e.StartRead("hr")
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Page(connectors.Page{People: people(5), Total: 6, Last: true}); err != nil {
			t.Fatal(err)
		}
		run, err := r.Finish(nil)
		if err != nil || run.Verdict != model.VerdictPartial || run.Counts.Missing != 0 || !strings.Contains(run.Error, "6 and listed 5") {
			t.Fatalf("%+v, %v", run, err)
		}
	}
	if w.record("hr", 6).Gone {
		t.Error("somebody left because a read was short")
	}
}
