package hibob_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/cast"
	"rollcall/connectors/hibob"
	"rollcall/connectors/hibob/hibobsim"
)

func TestCheckFindsNothingMissingInATenantInOrder(t *testing.T) {
	sim := newSim(cast.Company(200, 3), func(o *hibobsim.Options) {
		o.CustomFields = []hibobsim.CustomField{{ID: "work.custom.field_1_team", Name: "Team", Category: "work", Type: "text", Value: func(cast.Person) any { return nil }}}
	})
	s := newSource(t, simulated(sim), func(c *hibob.Config) { c.CustomFields = []string{"work.custom.field_1_team"} })
	report, err := s.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if report.Reached != "HiBob, company 636192" || report.People != 200 || len(report.Missing) != 0 || len(report.Notices) != 0 {
		t.Errorf("report: %+v", report)
	}
	if report.Sample == nil || report.Sample.Status != model.Active || !report.Sample.Attributes.Has(model.Manager) {
		t.Errorf("sample: %+v, want an active person who shows the mapping", report.Sample)
	}
	if got := sim.Requests(); got["POST /people/search"] != 1 || got["GET /company/people/fields"] != 1 {
		t.Errorf("requests: %v, want one of each", got)
	}
}

func TestCheckNamesMissingPermissionsAsHiBobDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSim(cast.Company(30, 3), func(o *hibobsim.Options) { o.PermissionDelay = -1 })
		sim.Revoke("lifecycle", "workContact", "home")
		s := newSource(t, simulated(sim), func(c *hibob.Config) { c.CustomFields = []string{"work.custom.field_gone"} })
		start := time.Now()
		report, err := s.Check(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(start); waited < 10*time.Second || waited > 15*time.Second {
			t.Errorf("reported after %v, want at least the 10 s that a permission takes", waited)
		}
		var got []string
		for _, m := range report.Missing {
			got = append(got, m.Permission+": "+m.Field+" "+string(m.Attribute))
			if m.Effect == "" {
				t.Errorf("%s has no effect", m.Field)
			}
		}
		want := []string{
			"Work contact details: work.workPhone work_phone", "Work contact details: work.workMobile mobile_phone", "Home: home.legalGender gender",
			"Lifecycle: internal.status ", "Lifecycle: internal.lifecycleStatus ", "Lifecycle: internal.terminationDate end_date", "Lifecycle: employee.lastDayOfWork ",
			"(no such field): work.custom.field_gone ",
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("missing (-want +got):\n%s", d)
		}
	})
}

func TestCheckWaitsForAPermissionThatWasJustGranted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSim(cast.Company(30, 3), nil)
		sim.Revoke("lifecycle")
		time.Sleep(time.Minute)
		sim.Grant("lifecycle")
		report, err := newSource(t, simulated(sim), nil).Check(t.Context())
		if err != nil || len(report.Missing) != 0 {
			t.Errorf("missing %+v, %v; want nothing: the grant takes effect after ten seconds", report.Missing, err)
		}
		if n := sim.Requests()["POST /people/search"]; n != 3 {
			t.Errorf("%d searches, want 3", n)
		}
	})
}

func TestCheckSaysWhenNobodyIsSelected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSim(cast.Company(30, 3), func(o *hibobsim.Options) { o.PermissionDelay = -1 })
		sim.SetPopulation(func(cast.Person) bool { return false })
		report, err := newSource(t, simulated(sim), nil).Check(t.Context())
		if err != nil || report.People != 0 || len(report.Missing) != 0 {
			t.Fatalf("report %+v, %v", report, err)
		}
		if len(report.Notices) != 1 || !strings.Contains(report.Notices[0], "no people are selected") {
			t.Errorf("notices: %q", report.Notices)
		}
	})
}

func TestCheckWarnsWhenLeaversAreHidden(t *testing.T) {
	sim := newSim(cast.Company(200, 3), func(o *hibobsim.Options) { o.PermissionDelay = -1 })
	sim.SetPopulation(func(p cast.Person) bool { return p.Status == "employed" })
	report, err := newSource(t, simulated(sim), nil).Check(t.Context())
	if err != nil || len(report.Notices) != 1 || !strings.Contains(report.Notices[0], "Terminated") {
		t.Errorf("notices %q, %v; want one that names the lifecycle statuses to include", report.Notices, err)
	}
}

func TestCheckDoesNotInsistOnBadCredentials(t *testing.T) {
	sim := newSim(cast.Company(3, 3), nil)
	s := newSource(t, simulated(sim), func(c *hibob.Config) { c.Token = "wrong-token-value" })
	_, err := s.Check(t.Context())
	var e *connectors.Error
	if !errors.As(err, &e) || e.Class != connectors.Denied || e.Next == "" || strings.Contains(err.Error(), "wrong-token") {
		t.Errorf("got %v, want a denied error with a next step and without the token", err)
	}
	total := 0
	for _, n := range sim.Requests() {
		total += n
	}
	if total != 1 {
		t.Errorf("%d requests, want 1", total)
	}
}

func TestCheckEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSim(nil, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		_, err := newSource(t, simulated(sim), nil).Check(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 3*time.Second {
			t.Errorf("after %v: %v; want the context's error at 3 s", time.Since(start), err)
		}
	})
}

func TestMetadataThatIsNotAListIsAnError(t *testing.T) {
	s := newSource(t, canned(func(r *http.Request) *http.Response { return response(200, "application/json", `{"fields":[]}`) }), nil)
	if _, err := s.Check(t.Context()); connectors.ClassOf(err) != connectors.Transient {
		t.Errorf("got %v, want a transient error", err)
	}
}

func TestSpareFieldIsMissedOnlyWithoutTheOther(t *testing.T) {
	for members, want := range map[string][]string{
		`"home":{"legalGender":null}`: nil,
		`"home":{}`:                   {"home.legalGender", "employee.legalSex"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSource(t, canned(func(r *http.Request) *http.Response {
				if r.Method == http.MethodGet {
					return response(200, "application/json", `[{"id":"home.legalGender","categoryDisplayName":"Home"},{"id":"employee.legalSex","categoryId":"home"}]`)
				}
				return response(200, "application/json", `{"employees":[{"id":"1",`+employed+`,`+members+`}]}`)
			}), nil)
			report, err := s.Check(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, m := range report.Missing {
				if m.Attribute == model.Gender {
					got = append(got, m.Field)
				}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s: missing fields of the gender (-want +got):\n%s", members, d)
			}
		})
	}
}
