package adp_test

import (
	"testing"

	"rollcall/appliance/model"
	"rollcall/connectors/adp/adpsim"
)

// Each trouble of the simulator is met: nobody is lost, nothing private takes the
// place of what is missing, and what is not known stays unknown.
func TestEveryTroubleOfAWorkerIsMet(t *testing.T) {
	for hazard, check := range map[adpsim.Hazard]func(t *testing.T, healthy, sick model.Observation){
		adpsim.NoBusinessCommunication: func(t *testing.T, _, sick model.Observation) {
			for _, n := range []model.Name{model.Email, model.WorkPhone} {
				if sick.Attributes.Has(n) {
					t.Errorf("%s is %q although there is none", n, sick.Attributes.Text(n))
				}
			}
		},
		adpsim.EmptyEmailFirst: func(t *testing.T, healthy, sick model.Observation) {
			if got, want := sick.Attributes.Text(model.Email), healthy.Attributes.Text(model.Email); got != want || want == "" {
				t.Errorf("email %q, want %q", got, want)
			}
		},
		adpsim.EndedAssignmentFirst: func(t *testing.T, healthy, sick model.Observation) {
			for _, n := range []model.Name{model.Title, model.Department, model.StartDate} {
				if got, want := sick.Attributes.Text(n), healthy.Attributes.Text(n); got != want {
					t.Errorf("%s %q, want %q of the assignment that counts", n, got, want)
				}
			}
			if sick.Status != model.Active {
				t.Errorf("status %s because of an assignment that ended", sick.Status)
			}
		},
		adpsim.NoAssignment: func(t *testing.T, _, sick model.Observation) {
			if sick.Attributes.Has(model.Title) || sick.Attributes.Text(model.Email) == "" {
				t.Errorf("%+v", sick.Attributes)
			}
		},
		adpsim.ManagerOutOfScope: func(t *testing.T, _, sick model.Observation) {
			if m := sick.Attributes[model.Manager]; len(m.Refs) == 0 {
				t.Error("a manager who is not listed is not named")
			}
		},
		adpsim.NoReportsTo: func(t *testing.T, _, sick model.Observation) {
			if m, ok := sick.Attributes[model.Manager]; ok && !m.Null {
				t.Errorf("manager %+v out of nowhere", m)
			}
		},
		adpsim.MissingStatus: func(t *testing.T, _, sick model.Observation) {
			if sick.Status != model.Unknown {
				t.Errorf("status %s although none is told", sick.Status)
			}
		},
		adpsim.TermReason: func(t *testing.T, _, sick model.Observation) {
			if sick.Status == model.Active || sick.RawStatus == "" {
				t.Errorf("status %s, told %q", sick.Status, sick.RawStatus)
			}
		},
	} {
		t.Run(string(hazard), func(t *testing.T) {
			sim := organisation(20, adpsim.Options{})
			find := func() model.Observation {
				for _, o := range mustRead(t, source(t, sim, nil)) {
					if o.Native == sim.OID(6) {
						return o
					}
				}
				t.Fatal("the worker is lost")
				return model.Observation{}
			}
			healthy := find()
			if healthy.Status != model.Active {
				t.Fatalf("the worker to afflict is %s", healthy.Status)
			}
			sim.Afflict(6, hazard)
			check(t, healthy, find())
		})
	}
}
