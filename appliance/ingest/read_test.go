package ingest_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
	"rollcall/connectors"
)

var errReset = &connectors.Error{Class: connectors.Transient, Op: "hr: read people", Detail: "the connection was reset"}

func TestPreviewReadsAndKeepsEverythingOutOfTheRoster(t *testing.T) {
	w := newWorld(t)
	run := w.read("hr", people(3)...)
	if run.Verdict != model.VerdictComplete || run.Counts.Seen != 3 || run.Counts.Added != 3 {
		t.Errorf("the run ended %s with %+v", run.Verdict, run.Counts)
	}
	if n := len(all(w, store.Persons)) + len(all(w, store.Outbox)); n != 0 {
		t.Errorf("a source in preview made %d people and jobs", n)
	}
	if r := w.record("hr", 1); !r.Staged || r.Person != "" || len(r.Identifiers) != 1 {
		t.Errorf("the record is staged: %t, linked to %q with %v", r.Staged, r.Person, r.Identifiers)
	}
}

func TestPageIsDurableAtOnceAndReleasedAtTheEnd(t *testing.T) {
	w := newWorld(t)
	w.read("hr")
	w.activate("hr")
	r := w.start("hr")
	if err := r.Page(connectors.Page{People: people(2), Total: 4}); err != nil {
		t.Fatal(err)
	}
	w.person("hr", 2)
	if diff := cmp.Diff(map[string]int{"open create": 2}, w.jobs()); diff != "" {
		t.Errorf("before the end of the read: %s", diff)
	}
	if w.kicks != 0 {
		t.Error("the relay was woken for jobs that may not go yet")
	}
	if err := r.Page(connectors.Page{People: []model.Observation{someone(3), someone(4)}, Last: true, Notices: []string{"a date to remember"}}); err != nil {
		t.Fatal(err)
	}
	run, err := r.Finish(nil)
	if err != nil {
		t.Fatal(err)
	}
	want := model.RunCounts{Pages: 2, Seen: 4, Added: 4, Expected: 4, Create: 4}
	if diff := cmp.Diff(want, run.Counts); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]int{"ready create": 4}, w.jobs()); diff != "" || w.kicks == 0 {
		t.Errorf("after the end, woken %d times: %s", w.kicks, diff)
	}
	if !slices.Equal(run.Notes, []string{"a date to remember"}) {
		t.Errorf("notes: %v", run.Notes)
	}
}

func TestUnchangedReadWritesNoRecordNoPersonAndNoEvent(t *testing.T) {
	w := settled(t, people(5, "title", "Analyst")...)
	records, persons, events := all(w, store.Records), all(w, store.Persons), len(w.journal())
	run := w.read("hr", people(5, "title", "Analyst")...)
	if run.Counts.Unchanged != 5 || run.Counts.Changed+run.Counts.Added != 0 {
		t.Errorf("counted %+v", run.Counts)
	}
	if diff := cmp.Diff(records, all(w, store.Records)); diff != "" {
		t.Errorf("records: %s", diff)
	}
	if diff := cmp.Diff(persons, all(w, store.Persons)); diff != "" {
		t.Errorf("persons: %s", diff)
	}
	if extra := w.since(events); len(extra) != 0 {
		t.Errorf("journaled %v", extra)
	}
	if len(w.jobs()) != 0 {
		t.Errorf("jobs: %v", w.jobs())
	}
}

func TestPersonShownAgainByAResumedReadCountsOnce(t *testing.T) {
	w := newWorld(t)
	r := w.start("hr")
	for _, p := range []connectors.Page{page(someone(1), someone(2)), page(someone(2, "title", "Twice"), someone(3))} {
		if err := r.Page(p); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.Counts(); got.Seen != 3 || got.Added != 3 || got.Pages != 2 {
		t.Errorf("counted %+v", got)
	}
	if w.record("hr", 2).Attributes.Has(model.Title) {
		t.Error("the second showing was taken for a change")
	}
}

func TestRefusedPageLeavesNothingAndTheReadGoesOn(t *testing.T) {
	w := newWorld(t)
	r := w.start("hr")
	broken := someone(2)
	broken.Document = json.RawMessage("{")
	if err := r.Page(page(someone(1), broken)); err == nil {
		t.Error("a document that is no JSON was stored")
	}
	if n := len(all(w, store.Records)); n != 0 || r.Counts().Seen != 0 {
		t.Errorf("%d records and %+v after the refused page, want nothing", n, r.Counts())
	}
	if err := r.Page(page(people(2)...)); err != nil {
		t.Fatal(err)
	}
	run, err := r.Finish(nil)
	if err != nil || run.Counts.Seen != 2 || run.Counts.Added != 2 {
		t.Errorf("the read ended with %+v, %v", run.Counts, err)
	}
}

func TestAbsentAttributeKeepsTheLastGoodValue(t *testing.T) {
	w := settled(t, someone(1, "title", "Analyst", "department", "Sales"))
	seen := w.record("hr", 1).Run
	w.read("hr", someone(1, "department", ""))
	r := w.record("hr", 1)
	if r.Attributes.Text(model.Title) != "Analyst" || r.Kept[model.Title] != seen {
		t.Errorf("the title is %q, last seen in run %d; want run %d", r.Attributes.Text(model.Title), r.Kept[model.Title], seen)
	}
	if v := r.Attributes[model.Department]; !v.Null {
		t.Errorf("an explicit null gave %+v", v)
	}
	w.read("hr", someone(1, "department", "Legal"))
	if got := w.record("hr", 1).Kept[model.Title]; got != seen {
		t.Errorf("after another change the title was last seen in run %d, want %d", got, seen)
	}
	w.read("hr", someone(1, "title", "Partner"))
	if r = w.record("hr", 1); r.Attributes.Text(model.Title) != "Partner" || len(r.Kept) != 1 {
		t.Errorf("the title is %q again and %v is kept", r.Attributes.Text(model.Title), r.Kept)
	}
	w.deliver()
	if d, _ := w.delivered(w.person("hr", 1).ID); d.Sent.Attributes[model.Title] != "Partner" || d.Sent.Attributes[model.Department] != "Legal" {
		t.Errorf("sent %v", d.Sent.Attributes)
	}
}

func TestAbsenceCountsAfterEnoughCompleteReadsInARow(t *testing.T) {
	w := settled(t, people(20)...)
	w.limit(5, -1, -1)
	rest := people(19)
	missing := func() bool { return w.record("hr", 20).Gone }

	run := w.read("hr", rest...)
	if run.Counts.Missing != 1 || run.Counts.Gone != 0 || missing() {
		t.Errorf("after one read: %+v", run.Counts)
	}
	w.readUntil("hr", errReset, people(3)...)
	if missing() {
		t.Error("a failed read counted as the second one")
	}
	w.read("hr", people(20)...) // back again: the count begins anew
	w.read("hr", rest...)
	if missing() {
		t.Error("two reads that were not in a row counted")
	}
	run = w.read("hr", rest...)
	if run.Counts.Gone != 1 || !missing() || run.Counts.Deactivate != 1 {
		t.Errorf("after two in a row: %+v", run.Counts)
	}
	if p := w.person("hr", 20); p.Access != model.AccessOff || !strings.Contains(p.Reason, "does not list them any more") {
		t.Errorf("access %s because %q", p.Access, p.Reason)
	}
	if got := w.deliver(); got[model.EffectDeactivate] != 1 {
		t.Errorf("delivered %v", got)
	}
	if run = w.read("hr", rest...); run.Counts.Missing != 0 {
		t.Errorf("someone who is gone is missing again: %+v", run.Counts)
	}
	w.read("hr", people(20)...)
	if got := w.deliver(); got[model.EffectReactivate] != 1 || missing() {
		t.Errorf("back after being gone: delivered %v", got)
	}
}

func TestFailedReadReleasesWhatWasSeenAndConcludesNothing(t *testing.T) {
	w := settled(t, people(5)...)
	before := w.source("hr")
	for range 3 {
		run := w.readUntil("hr", errReset, someone(1, "title", "Partner"), someone(9))
		if run.Verdict != model.VerdictPartial || run.Error == "" || run.Counts.Missing != 0 {
			t.Errorf("the run ended %s with %+v", run.Verdict, run.Counts)
		}
	}
	if got := w.deliver(); got[model.EffectUpdate] != 1 || got[model.EffectCreate] != 1 || got[model.EffectDeactivate] != 0 {
		t.Errorf("delivered %v", got)
	}
	s := w.source("hr")
	if s.Failures != 3 || s.LastClass != "transient" || s.LastCount != before.LastCount || !s.LastGood.Equal(before.LastGood) || s.ReadNo != before.ReadNo {
		t.Errorf("the source is remembered as %+v", s)
	}
	if run := w.readUntil("hr", errReset); run.Verdict != model.VerdictFailed {
		t.Errorf("a read that saw nobody ended %s", run.Verdict)
	}
	n := len(w.journal())
	w.read("hr", append(people(5), someone(9))...)
	if got := w.since(n); !slices.Contains(got, "read_recovered") || w.source("hr").Failures != 0 || w.source("hr").LastError != "" {
		t.Errorf("after a good read: %v, %+v", got, w.source("hr"))
	}
	told := 0
	for _, v := range w.journal() {
		if v == "read_failed" {
			told++
		}
	}
	if told != 1 {
		t.Errorf("four failures in a row were told %d times", told)
	}
}

func TestReadThatShrankIsHeldUntilAHumanSaysItIsRight(t *testing.T) {
	w := settled(t, people(20)...)
	w.settings.Limits.Shrink = reconcile.Limit{Percent: 10, HasPercent: true}
	w.limit(20, -1, -1)
	var last model.Run
	for range 4 {
		last = w.read("hr", people(12)...)
	}
	if diff := cmp.Diff([]string{"max_source_shrink waiting"}, w.holds(last.Seq)); diff != "" {
		t.Fatal(diff)
	}
	if diff := cmp.Diff([]uint64{last.Seq}, w.waiting()); diff != "" {
		t.Errorf("earlier holds of the same source wait on: %s", diff)
	}
	if w.record("hr", 20).Gone || w.source("hr").LastCount != 20 {
		t.Error("absence counted in a read that shrank")
	}
	if _, err := w.e.Approve("test", last.Seq, ""); err != nil {
		t.Fatal(err)
	}
	w.read("hr", people(12)...)
	if w.record("hr", 20).Gone {
		t.Error("the approval itself counted as a read")
	}
	run := w.read("hr", people(12)...)
	if run.Counts.Gone != 8 || run.Counts.Deactivate != 8 || len(run.Holds) != 0 {
		t.Errorf("after two more reads: %+v, held %v", run.Counts, run.Holds)
	}
}

func TestEmptyReadIsHeldWithoutAnyLimit(t *testing.T) {
	w := settled(t, people(2)...)
	for range 3 {
		if run := w.read("hr"); len(run.Holds) != 1 || run.Counts.Missing != 0 {
			t.Errorf("an empty list: %+v, held %v", run.Counts, run.Holds)
		}
	}
}

func TestColumnThatVanishesIsToldAndChangesNothing(t *testing.T) {
	w := settled(t, people(10, "title", "Analyst", "department", "Sales")...)
	n := len(w.journal())
	run := w.read("hr", people(10, "department", "Sales")...)
	if len(run.Notes) != 1 || !strings.Contains(run.Notes[0], "title came for 0 people and for 10") {
		t.Errorf("notes: %v", run.Notes)
	}
	if diff := cmp.Diff([]string{"held", "coverage_lost"}, w.since(n)); diff != "" {
		t.Errorf("journaled: %s", diff)
	}
	if len(w.jobs()) != 0 {
		t.Errorf("jobs: %v", w.jobs())
	}
	for _, p := range all(w, store.Persons) {
		if p.Attributes.Text(model.Title) != "Analyst" {
			t.Fatalf("someone's title became %+v", p.Attributes[model.Title])
		}
	}
	half := append(people(5, "department", "Sales"), []model.Observation{someone(6), someone(7), someone(8), someone(9), someone(10)}...)
	run = w.read("hr", half...)
	if len(run.Holds) != 0 || len(run.Notes) != 1 || !strings.HasPrefix(run.Notes[0], "title") {
		t.Errorf("half of a column is no lost permission, and title is still told: %v, held %v", run.Notes, run.Holds)
	}
}

// TestLostColumnWaitsForAHumanOrItsReturn fails when a lower count becomes the one
// to compare with, which would tell of the loss only once.
func TestLostColumnWaitsForAHumanOrItsReturn(t *testing.T) {
	titled := people(10, "title", "Analyst")
	for i := range titled {
		titled[i].Fields = map[model.Name]string{model.Title: "work.title"}
	}
	w := settled(t, titled...)
	lost := w.read("hr", people(10)...)
	if len(lost.Holds) != 1 || lost.Holds[0].Guard != reconcile.GuardCoverage || !strings.Contains(lost.Holds[0].Reason, "title (work.title) came for 0 people") {
		t.Fatalf("held %+v", lost.Holds)
	}
	if err := w.e.NamePermission(lost.Seq, model.Title, "Work: Title"); err != nil {
		t.Fatal(err)
	}
	if h := w.run(lost.Seq).Holds[0]; h.Permission != "Work: Title" || !strings.Contains(h.Reason, "Work: Title") {
		t.Errorf("the permission is not named: %+v", h)
	}
	if again := w.read("hr", people(10)...); len(again.Holds) != 0 || len(again.Notes) != 1 {
		t.Errorf("the same loss again: held %v, notes %v", again.Holds, again.Notes)
	}
	if diff := cmp.Diff([]uint64{lost.Seq}, w.waiting()); diff != "" {
		t.Error(diff)
	}
	if r, o := w.record("hr", 1), w.origin("hr", 1); r.Attributes.Text(model.Title) != "Analyst" || o.Fields[model.Title] != "work.title" {
		t.Errorf("kept %v from field %q", r.Attributes[model.Title], o.Fields[model.Title])
	}
	w.read("hr", titled...)
	if diff := cmp.Diff([]string{"field_coverage lapsed"}, w.holds(lost.Seq)); diff != "" || len(w.waiting()) != 0 {
		t.Errorf("after it came back: waiting %v, %s", w.waiting(), diff)
	}

	lost = w.read("hr", people(10)...)
	if _, err := w.e.Approve("ops", lost.Seq, ""); err != nil {
		t.Fatal(err)
	}
	if again := w.read("hr", people(10)...); len(again.Notes) != 0 || len(w.waiting()) != 0 {
		t.Errorf("after a human accepted it: notes %v, waiting %v", again.Notes, w.waiting())
	}
	if r := w.record("hr", 1); r.Attributes.Text(model.Title) != "Analyst" {
		t.Errorf("accepting that a column is gone cleared it: %v", r.Attributes[model.Title])
	}
}

func TestConfiguredAdjustmentIsAppliedToEveryObservation(t *testing.T) {
	w := newWorld(t)
	hr := w.settings.Sources["hr"]
	hr.Adjust = func(o *model.Observation) {
		o.Attributes["custom.team"] = model.Text("Blue")
		if o.Native == "2" {
			o.Scope = model.Scope{State: model.OutOfScope, Reason: "left out by scope"}
		}
	}
	w.settings.Sources["hr"] = hr
	w.read("hr")
	w.activate("hr")
	run := w.read("hr", people(2)...)
	if run.Counts.OutScope != 1 || run.Counts.Create != 1 {
		t.Errorf("counted %+v", run.Counts)
	}
	if r := w.record("hr", 2); len(r.Identifiers) != 0 || r.Attributes.Text("custom.team") != "Blue" {
		t.Errorf("the record left out identifies as %v with team %q", r.Identifiers, r.Attributes.Text("custom.team"))
	}
}

func TestRecoverClosesWhatWasOpenWhenTheProcessEnded(t *testing.T) {
	w := settled(t, people(20)...)
	w.limit(3, -1, -1)
	r := w.start("hr")
	gone := people(20)
	for i := range 6 {
		gone[i] = left(gone[i])
	}
	gone[10] = someone(11, "title", "Partner")
	if err := r.Page(page(gone...)); err != nil {
		t.Fatal(err)
	}
	w.restart()
	if err := w.e.Recover(); err != nil {
		t.Fatal(err)
	}
	run := w.run(r.Run())
	if run.Verdict != model.VerdictInterrupted || run.Ended.IsZero() || len(run.Notes) != 1 {
		t.Errorf("the run ended %s at %v, noted %v", run.Verdict, run.Ended, run.Notes)
	}
	if diff := cmp.Diff(map[string]int{"held deactivate": 6, "ready update": 1}, w.jobs()); diff != "" {
		t.Errorf("the guards did not judge it like any other end: %s", diff)
	}
	n := len(w.journal())
	if err := w.e.Recover(); err != nil || len(w.since(n)) != 0 {
		t.Errorf("a second time: %v, journaled %v", err, w.since(n))
	}
}

func TestTodayIsTheCustomersCalendarDay(t *testing.T) {
	w := newWorld(t)
	w.now = time.Date(2026, 11, 22, 23, 30, 0, 0, time.UTC)
	for zone, want := range map[string]model.Date{"UTC": "2026-11-22", "Europe/Paris": "2026-11-23", "America/New_York": "2026-11-22", "Pacific/Kiritimati": "2026-11-23"} {
		location, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		w.settings.Location = location
		if got := w.e.Today(); got != want {
			t.Errorf("%s: %s, want %s", zone, got, want)
		}
	}
}

func TestCalendarAloneEndsAnEmploymentAtTheCustomersMidnight(t *testing.T) {
	w := settled(t, someone(1, "end_date", "2026-11-22"), someone(2, "start_date", "2026-11-24"), someone(3))
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	w.settings.Location = paris
	for _, step := range []struct {
		at   string
		want map[string]int
	}{
		{"2026-11-22T22:59:59Z", map[string]int{}},
		{"2026-11-22T23:00:00Z", map[string]int{"ready deactivate": 1}},
		{"2026-11-23T12:00:00Z", map[string]int{"ready deactivate": 1}},
		{"2026-11-23T23:00:00Z", map[string]int{"ready deactivate": 1, "ready create": 1}},
	} {
		if w.now, err = time.Parse(time.RFC3339, step.at); err != nil {
			t.Fatal(err)
		}
		if _, err := w.e.TurnDay(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step.want, w.jobs()); diff != "" {
			t.Errorf("at %s: %s", step.at, diff)
		}
		if n, err := w.e.TurnDay(); n != 0 || err != nil {
			t.Errorf("at %s: a second look finds %d people, %v", step.at, n, err)
		}
	}
}

func TestRunTellsWhatCouldNotBeUsed(t *testing.T) {
	w := newWorld(t)
	run := w.read("hr", someone(1, "email", "no address"), someone(2, "email", "neither"), someone(3, "family_name", "TBD"), someone(4))
	for _, want := range []string{"2 records: email has no @", "1 record: family name is a placeholder"} {
		if !slices.Contains(run.Notes, want) {
			t.Errorf("notes %v, want %q", run.Notes, want)
		}
	}
	if again := w.read("hr", someone(1, "email", "no address"), someone(2, "email", "neither"), someone(3, "family_name", "TBD"), someone(4)); len(again.Notes) > 0 {
		t.Errorf("nothing changed, and it is told again: %v", again.Notes)
	}
}
