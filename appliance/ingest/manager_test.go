package ingest_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
)

// team is someone(2) under someone(1), by native id.
func team(pairs ...string) []model.Observation {
	report := someone(2, pairs...)
	report.Attributes[model.Manager] = model.Value{Text: "the boss", Refs: []model.Reference{{By: model.RefNative, Value: "1"}}}
	return []model.Observation{someone(1), report}
}

func TestManagerFirstSoThatOneWriteCarriesTheLink(t *testing.T) {
	w := newWorld(t)
	w.read("hr", team()...)
	w.activate("hr")
	boss, report := w.person("hr", 1).ID, w.person("hr", 2).ID
	w.succeed(w.begin(boss))
	a := w.begin(report)
	want := &model.ManagerLink{Person: boss, RemoteID: "j1", Email: address(1)}
	if diff := cmp.Diff(want, a.Want.Manager); diff != "" || a.BlockedBy != "" {
		t.Errorf("blocked by %q: %s", a.BlockedBy, diff)
	}
	w.succeed(a)
	if len(w.jobs()) != 0 {
		t.Errorf("jobs %v", w.jobs())
	}
}

func TestReportWhoWentFirstWaitsForTheManagerAndIsWokenByThem(t *testing.T) {
	w := newWorld(t)
	w.read("hr", team()...)
	w.activate("hr")
	boss, report := w.person("hr", 1).ID, w.person("hr", 2).ID
	a := w.begin(report)
	if a.Step != ingest.StepCreate || a.Want.Manager != nil || a.BlockedBy != boss {
		t.Fatalf("without the manager's account: %+v", a)
	}
	w.succeed(a)
	if a = w.begin(report); a.Step != ingest.StepWait || a.BlockedBy != boss {
		t.Fatalf("only the link is left: %+v", a)
	}
	j, _ := w.job(report)
	if j.Attempts != 0 || !j.NotBefore.After(w.now) {
		t.Errorf("waiting costs %d attempts and lasts until %v", j.Attempts, j.NotBefore)
	}
	kicks := w.kicks
	w.succeed(w.begin(boss))
	if j, _ = w.job(report); !j.NotBefore.IsZero() || w.kicks == kicks {
		t.Errorf("the manager's account woke nobody: not before %v", j.NotBefore)
	}
	if a = w.begin(report); a.Step != ingest.StepUpdate || a.Want.Manager == nil || a.Want.Manager.Person != boss {
		t.Errorf("the second write: %+v", a)
	}
	w.succeed(a)
	if len(w.jobs()) != 0 {
		t.Errorf("jobs %v", w.jobs())
	}
}

func TestManagerWhoLeavesIsUnlinkedFromTheirReports(t *testing.T) {
	w := settled(t, team()...)
	gone := team()
	gone[0] = left(gone[0])
	w.read("hr", gone...)
	report := w.person("hr", 2).ID
	if j, pending := w.job(report); pending {
		t.Errorf("the link would go before the manager's account is off, which a guard may yet hold: %+v", j)
	}
	w.deliver()
	w.deliver()
	if d, _ := w.delivered(report); d.Sent.Manager == nil || d.Sent.Manager.Person != "" {
		t.Errorf("the link is %+v", d.Sent.Manager)
	}
	w.read("hr", team()...)
	w.deliver()
	if d, _ := w.delivered(report); d.Sent.Manager == nil || d.Sent.Manager.Person != w.person("hr", 1).ID {
		t.Errorf("after the manager's return the link is %+v", d.Sent.Manager)
	}
}

func TestManagersInACircleAreDeliveredAndTold(t *testing.T) {
	w := newWorld(t)
	one, two := someone(1), someone(2)
	one.Attributes[model.Manager] = model.Value{Text: "two", Refs: []model.Reference{{By: model.RefNative, Value: "2"}}}
	two.Attributes[model.Manager] = model.Value{Text: "one", Refs: []model.Reference{{By: model.RefEmail, Value: address(1)}}}
	w.read("hr", one, two)
	w.activate("hr")
	if got := w.conflicts(); !slices.Equal(got, []string{"manager_cycle"}) {
		t.Errorf("conflicts %v", got)
	}
	if got := w.deliver(); got[model.EffectCreate] != 2 || got[model.EffectUpdate] != 1 {
		t.Errorf("delivered %v, want two creations and one link", got)
	}
	w.read("hr", someone(1, "manager", ""), two)
	if got := w.conflicts(); len(got) != 0 {
		t.Errorf("when the circle is broken: %v", got)
	}
}
