package ingest_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

// known is what the history promises to tell of a person.
type known struct {
	Attributes model.Attributes
	Status     model.Status
	Access     model.Access
	Manager    model.PersonID
}

func knownOf(p model.Person) known {
	return known{maps.Clone(p.Attributes), p.Status, p.Access, p.Manager}
}

func (w *world) roster() map[model.PersonID]known {
	out := map[model.PersonID]known{}
	for _, p := range all(w, store.Persons) {
		out[p.ID] = knownOf(p)
	}
	return out
}

func (w *world) past(at time.Time) (out map[model.PersonID]known, erased int, err error) {
	w.view(func(tx *store.Tx) error {
		var p *ingest.Past
		if p, err = ingest.PastRoster(tx, at); err != nil {
			return nil
		}
		out, erased = map[model.PersonID]known{}, p.Erased
		for q, err := range p.Each() {
			if err != nil {
				return err
			}
			one, ok, err := p.Person(q.ID)
			if err != nil || !ok || !knownEqual(knownOf(one), knownOf(q)) {
				w.t.Errorf("person %s in the list and asked for alone: %v, %v", q.ID, ok, err)
			}
			out[q.ID] = knownOf(q)
		}
		return nil
	})
	return out, erased, err
}

func knownEqual(a, b known) bool { return cmp.Equal(a, b) }

// TestRosterOfAnyInstantIsWhatItWas runs random histories and keeps a copy of the
// roster after every step; the roster told of every such instant must be that
// copy. It fails when resolving a manager is not remembered, when nulls are told
// as absent, when whoever was dissolved is not told, and when a person written
// twice in one settling is remembered the second time.
func TestRosterOfAnyInstantIsWhatItWas(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		w.read("hr", someone(1))
		w.activate("hr")
		w.activate("adp")
		type copied struct {
			at     time.Time
			roster map[model.PersonID]known
		}
		copies := []copied{{w.now, w.roster()}}
		here := map[string]map[int]bool{"hr": {1: true}, "adp": {}}
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			w.now = w.now.Add(time.Minute)
			source := rapid.SampledFrom([]string{"hr", "adp"}).Draw(rt, "source")
			for range rapid.IntRange(1, 3).Draw(rt, "who many") {
				here[source][rapid.IntRange(1, 5).Draw(rt, "who")] = rapid.IntRange(0, 3).Draw(rt, "listed") > 0
			}
			var list []model.Observation
			for n := 1; n <= 5; n++ {
				if here[source][n] {
					list = append(list, drawn(rt, n))
				}
			}
			switch rapid.IntRange(0, 5).Draw(rt, "what") {
			case 0:
				w.now = w.now.AddDate(0, 0, 3)
				if _, err := w.e.TurnDay(); err != nil {
					rt.Fatal(err)
				}
			case 1:
				if q := all(w, store.Conflicts); len(q) > 0 {
					verb := rapid.SampledFrom([]model.Verb{model.Merge, model.Separate, model.Later}).Draw(rt, "verb")
					var wrong *ingest.InvalidError
					if _, err := w.e.Resolve("test", q[0].ID, ingest.Answer{Verb: verb}); err != nil && !errors.As(err, &wrong) {
						rt.Fatal(err)
					}
				}
			case 2:
				if d := all(w, store.Decisions); len(d) > 0 {
					if err := w.e.Undo("test", d[0].ID); err != nil {
						rt.Fatal(err)
					}
				}
			default:
				w.read(source, list...)
			}
			copies = append(copies, copied{w.now, w.roster()})
		}
		for i, c := range copies {
			got, erased, err := w.past(c.at)
			if err != nil || erased != 0 {
				rt.Fatalf("step %d: %d erased, %v", i, erased, err)
			}
			if diff := cmp.Diff(c.roster, got); diff != "" {
				rt.Fatalf("the roster after step %d of %d (-was +told):\n%s", i, len(copies)-1, diff)
			}
		}
	})
}

// drawn is somebody with values in all three states, some of them shared.
func drawn(rt *rapid.T, n int) model.Observation {
	o := someone(n)
	switch rapid.IntRange(0, 3).Draw(rt, "title") {
	case 1:
		o.Attributes[model.Title] = model.Null()
	case 2:
		o.Attributes[model.Title] = model.Text(rapid.SampledFrom([]string{"Analyst", "Partner"}).Draw(rt, "title text"))
	}
	switch rapid.IntRange(0, 3).Draw(rt, "manager") {
	case 1:
		o.Attributes[model.Manager] = model.Null()
	case 2, 3:
		m := address(rapid.IntRange(1, 5).Draw(rt, "whom"))
		o.Attributes[model.Manager] = model.Value{Text: m, Refs: []model.Reference{{By: model.RefEmail, Value: m}}}
	}
	if rapid.IntRange(0, 4).Draw(rt, "shared") == 0 {
		o.Attributes[model.Email] = model.Text(address(1))
	}
	if rapid.IntRange(0, 4).Draw(rt, "dated") == 0 {
		o.Attributes[model.EndDate] = model.Text(rapid.SampledFrom([]string{"2026-11-23", "2026-11-28"}).Draw(rt, "end"))
	}
	if rapid.IntRange(0, 3).Draw(rt, "left") == 0 {
		return left(o)
	}
	return o
}

func TestPastIsRefusedWhereNothingIsKnown(t *testing.T) {
	w := settled(t, people(3)...)
	begin := w.now
	w.now = w.now.Add(24 * time.Hour)
	w.read("hr", someone(1, "title", "Partner"), someone(2), someone(3))
	w.now = w.now.Add(24 * time.Hour)
	middle := w.now
	w.read("hr", someone(1, "title", "Director"), someone(2), someone(3))

	var early *ingest.TooEarlyError
	if _, _, err := w.past(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)); !errors.As(err, &early) || early.Erased {
		t.Errorf("before the first entry: %v", err)
	}
	if n, err := w.e.TrimHistory("test", middle); n == 0 || err != nil {
		t.Fatalf("trimmed %d, %v", n, err)
	}
	if _, _, err := w.past(begin); !errors.As(err, &early) || !early.Erased || !early.Since.Equal(middle) {
		t.Errorf("before what is kept: %v", err)
	}
	id := w.person("hr", 1).ID
	got, erased, err := w.past(middle)
	if err != nil || erased != 0 || got[id].Attributes.Text(model.Title) != "Partner" {
		t.Errorf("at the edge of what is kept: %v, %d erased, %v", got[id], erased, err)
	}
	// Erasing one person's values, as forget does, makes them unknown and nobody else.
	changes := all(w, store.History)
	err = w.s.Update(func(tx *store.Tx) error {
		for _, h := range changes {
			if h.Person == id {
				if err := store.History.Delete(tx, store.HistoryKey{Person: h.Person, Seq: h.Seq}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got, erased, err = w.past(middle)
	if _, there := got[id]; there || erased != 1 || len(got) != 2 || err != nil {
		t.Errorf("after erasing one: there %t, %d erased, %d left, %v", there, erased, len(got), err)
	}
}

func TestOneSettlingIsOneChangeOfAPerson(t *testing.T) {
	w := newWorld(t)
	boss := someone(1)
	report := someone(2)
	report.Attributes[model.Manager] = model.Value{Text: address(1), Refs: []model.Reference{{By: model.RefEmail, Value: address(1)}}}
	w.read("hr", boss, report)
	w.activate("hr")
	var marks []string
	for _, h := range all(w, store.History) {
		marks = append(marks, fmt.Sprintf("%s %d", h.Mark, len(h.Before)))
	}
	if diff := cmp.Diff([]string{"joined 0", "joined 0"}, marks); diff != "" {
		t.Error(diff)
	}
	h := all(w, store.History)
	if i := slices.IndexFunc(h, func(c store.Change) bool { return c.Person == w.person("hr", 2).ID }); h[i].After[store.FieldReportsTo].Text != string(w.person("hr", 1).ID) {
		t.Errorf("the resolved manager is not part of the first change: %v", h[i].After)
	}
}
