package lucca_test

import (
	"slices"
	"strings"
	"testing"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/cast"
	"rollcall/connectors/lucca"
	"rollcall/connectors/lucca/luccasim"
)

func check(t *testing.T, sim *luccasim.Sim, change func(*lucca.Config)) connectors.Report {
	t.Helper()
	report, err := source(t, sim, change).(connectors.Checker).Check(t.Context())
	if err != nil {
		t.Fatalf("Check: %v", err)
	}
	return report
}

func missing(r connectors.Report) []string {
	var fields []string
	for _, m := range r.Missing {
		fields = append(fields, m.Field)
	}
	slices.Sort(fields)
	return fields
}

// withLeaver is a company in which somebody left.
func withLeaver() []cast.Person {
	company := cast.Company(20, 2)
	company[5].Status, company[5].End = "terminated", "2026-05-31"
	return company
}

func TestCheckOfAHealthyTenantMissesNothing(t *testing.T) {
	generations(t, func(t *testing.T, api func(*lucca.Config)) {
		sim := luccasim.New(withLeaver(), luccasim.Options{Now: today})
		sim.SetExtension("412", "e_skip_elevo_sync", `{"id":1,"value":true}`)
		r := check(t, sim, api)
		if r.People != 20 || len(r.Missing) != 0 || len(r.Notices) != 0 || !strings.Contains(r.Reached, "halcyon-fixture.ilucca.net") {
			t.Errorf("%+v", r)
		}
		if r.Sample == nil || r.Sample.Native == "" || !r.Sample.Attributes.Has(model.Email) || !r.Sample.Attributes.Has(model.StartDate) {
			t.Errorf("sample %+v", r.Sample)
		}
	})
}

func TestCheckNamesTheSectionOfEveryHiddenField(t *testing.T) {
	sim := luccasim.New(withLeaver(), luccasim.Options{Now: today, Hidden: []luccasim.Section{luccasim.SectionPersonal, luccasim.SectionContract, luccasim.SectionExtension, luccasim.SectionFormer}})
	r := check(t, sim, v3(0))
	want := []string{"birthDate", "directLine", "dtContractEnd", "dtContractStart", "extendedData.e_skip_elevo_sync", "gender", "professionalMobile", "seniorityDate"}
	if got := missing(r); !slices.Equal(got, want) {
		t.Errorf("missing %q, want %q", got, want)
	}
	for _, m := range r.Missing {
		if m.Permission == "" || m.Effect == "" {
			t.Errorf("%+v does not say what to grant or what happens", m)
		}
	}
	told := strings.Join(r.Notices, "\n")
	for _, part := range []string{"former employees", "every read is refused"} {
		if !strings.Contains(told, part) {
			t.Errorf("notices %q lack %q", told, part)
		}
	}
}

func TestCheckSaysWhatItKnowsOfTheSkipField(t *testing.T) {
	for name, tc := range map[string]struct {
		field  string
		notice string
	}{
		"ticked for nobody":     {"e_skip_elevo_sync", "set for nobody"},
		"another kind of field": {"e_badge", "not a checkbox"},
		"unknown to Lucca":      {"e_nowhere", "no extension field e_nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			company := withLeaver()
			sim := luccasim.New(company, luccasim.Options{Now: today})
			for _, id := range sim.IDs() {
				sim.SetExtension(id, "e_skip_elevo_sync", "")
			}
			r := check(t, sim, func(c *lucca.Config) { c.SkipField = tc.field })
			if told := strings.Join(r.Notices, "\n"); !strings.Contains(told, tc.notice) {
				t.Errorf("notices %q lack %q", told, tc.notice)
			}
		})
	}
}

func TestCheckNamesTheScopesThatWereNotGranted(t *testing.T) {
	sim := luccasim.New(withLeaver(), luccasim.Options{Now: today, Scopes: []string{"employees.readonly"}})
	r := check(t, sim, newest(0))
	want := []string{"business-establishments", "departments", "employee-attributes", "employee-personal-records", "employments", "legal-entities"}
	if got := missing(r); !slices.Equal(got, want) {
		t.Errorf("missing %q, want %q", got, want)
	}
	for _, m := range r.Missing {
		if m.Permission != m.Field+".readonly" {
			t.Errorf("%+v does not name the scope", m)
		}
	}
}

func TestCheckOfATenantThatShowsNobodySaysSo(t *testing.T) {
	generations(t, func(t *testing.T, api func(*lucca.Config)) {
		r := check(t, luccasim.New(nil, luccasim.Options{Now: today}), api)
		if r.People != 0 || len(r.Missing) != 1 || r.Sample != nil {
			t.Errorf("%+v", r)
		}
	})
}

func TestCheckReportsRefusedCredentials(t *testing.T) {
	generations(t, func(t *testing.T, api func(*lucca.Config)) {
		sim := luccasim.New(withLeaver(), luccasim.Options{Now: today})
		src := source(t, sim, func(c *lucca.Config) { api(c); c.APIKey, c.ClientSecret = "wrong-key", "wrong-secret" })
		_, err := src.(connectors.Checker).Check(t.Context())
		if connectors.ClassOf(err) != connectors.Denied {
			t.Errorf("%v, want denied", err)
		}
	})
}
