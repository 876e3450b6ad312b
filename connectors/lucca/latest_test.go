package lucca_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/cast"
	"rollcall/connectors/lucca"
	"rollcall/connectors/lucca/luccasim"
)

const (
	tokens    = "POST " + luccasim.TokenPath
	employees = "GET /lucca-api/employees"
)

func TestATokenIsUsedUntilJustBeforeItsEnd(t *testing.T) {
	now := today()
	clock := func() time.Time { return now }
	sim := luccasim.New(cast.Company(4, 2), luccasim.Options{Now: clock, Rate: 1000})
	src := source(t, sim, func(c *lucca.Config) { c.API, c.Now = lucca.Latest, clock })
	for _, step := range []struct {
		wait time.Duration
		want int // tokens handed out so far
	}{{0, 1}, {20 * time.Minute, 1}, {8 * time.Minute, 1}, {90 * time.Second, 2}, {31 * time.Minute, 3}} {
		now = now.Add(step.wait)
		mustRead(t, src)
		if got := sim.Requests()[tokens]; got != step.want {
			t.Errorf("after %v: %d tokens, want %d", step.wait, got, step.want)
		}
	}
}

func TestATokenThatIsRefusedAfterItWasTakenIsReplacedOnce(t *testing.T) {
	sim := luccasim.New(cast.Company(4, 2), luccasim.Options{Now: today, Rate: 1000})
	src := source(t, sim, newest(0))
	mustRead(t, src)
	sim.ExpireTokens()
	mustRead(t, src)
	if got := sim.Requests()[tokens]; got != 2 {
		t.Errorf("%d tokens, want 2", got)
	}

	before := sim.Requests()
	sim.Inject(luccasim.Fault{Kind: luccasim.Status, Status: http.StatusUnauthorized, Path: "/lucca-api/"})
	_, _, err := readAll(t.Context(), src, "")
	if connectors.ClassOf(err) != connectors.Denied || !strings.Contains(err.Error(), "integration key") {
		t.Errorf("%v, want denied", err)
	}
	after := sim.Requests()
	if n := after[employees] - before[employees]; n != 2 {
		t.Errorf("%d requests for employees, want 2", n)
	}
	if n := after[tokens] - before[tokens]; n != 1 {
		t.Errorf("%d new tokens, want 1", n)
	}
}

func TestANewTokenThatIsRefusedIsNotReplaced(t *testing.T) {
	sim := luccasim.New(cast.Company(4, 2), luccasim.Options{Now: today})
	sim.Inject(luccasim.Fault{Kind: luccasim.Status, Status: http.StatusUnauthorized, Path: "/lucca-api/"})
	_, _, err := readAll(t.Context(), source(t, sim, newest(0)), "")
	if connectors.ClassOf(err) != connectors.Denied {
		t.Errorf("%v, want denied", err)
	}
	if d := cmp.Diff(map[string]int{tokens: 1, employees: 1}, sim.Requests()); d != "" {
		t.Errorf("requests (-want +got):\n%s", d)
	}
}

func TestWrongClientCredentialsAreDeniedWithoutShowingThem(t *testing.T) {
	sim := luccasim.New(cast.Company(4, 2), luccasim.Options{Now: today})
	_, _, err := readAll(t.Context(), source(t, sim, func(c *lucca.Config) { c.API, c.ClientSecret = lucca.Latest, "wrong-secret" }), "")
	if connectors.ClassOf(err) != connectors.Denied || !strings.Contains(err.Error(), "invalid_client") || strings.Contains(err.Error(), "wrong-secret") {
		t.Errorf("%v", err)
	}
}

func TestScopesThatWereNotGrantedLeaveTheirAttributesAbsent(t *testing.T) {
	for _, tc := range []struct {
		name   string
		scopes []string
		absent []model.Name
		has    []model.Name
	}{
		{"no personal records", []string{"employees.readonly", "employments.readonly", "job-positions.readonly", "departments.readonly", "legal-entities.readonly", "business-establishments.readonly", "employee-attributes.readonly"},
			[]model.Name{model.Gender, model.BirthDate}, []model.Name{model.Department, model.Site, model.TimeZone, model.Organization, model.FirstHiredOn}},
		{"what the documentation asks for", []string{"employees.readonly", "employments.readonly", "job-positions.readonly", "departments.readonly", "employee-attributes.readonly"},
			[]model.Name{model.Gender, model.BirthDate, model.Site, model.TimeZone, model.Organization}, []model.Name{model.Department, model.FirstHiredOn}},
		{"employees only", []string{"employees.readonly"},
			[]model.Name{model.Gender, model.BirthDate, model.Site, model.TimeZone, model.Organization, model.Department, model.FirstHiredOn}, []model.Name{model.Email, model.Title, model.StartDate, model.Manager}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sim := luccasim.New(cast.Company(6, 2), luccasim.Options{Now: today, Scopes: tc.scopes})
			people, pages := mustRead(t, source(t, sim, newest(0)))
			for _, o := range people {
				for _, n := range tc.absent {
					if v, ok := o.Attributes[n]; ok {
						t.Errorf("%s of %s is %+v", n, o.Native, v)
					}
				}
				for _, n := range tc.has {
					if !o.Attributes.Has(n) {
						t.Errorf("%s of %s is absent", n, o.Native)
					}
				}
			}
			if !strings.Contains(notices(pages), "employee-personal-records.readonly") {
				t.Errorf("notices %q do not name the scope", notices(pages))
			}
		})
	}
	sim := luccasim.New(cast.Company(6, 2), luccasim.Options{Now: today, Scopes: []string{"departments.readonly"}})
	_, _, err := readAll(t.Context(), source(t, sim, newest(0)), "")
	if connectors.ClassOf(err) != connectors.Denied || !strings.Contains(err.Error(), "employees.readonly") {
		t.Errorf("without employees: %v", err)
	}
}

func TestEmbeddingMakesNoDifferenceToPeople(t *testing.T) {
	company := cast.Company(30, 4)
	read := func(noEmbed bool) []model.Observation {
		sim := luccasim.New(company, luccasim.Options{Now: today, NoEmbed: noEmbed, Rate: 1000})
		sim.PlanMove("426", "2027-01-01", "Lead", 0)
		people, _ := mustRead(t, source(t, sim, newest(7)))
		return people
	}
	if d := cmp.Diff(read(false), read(true)); d != "" {
		t.Errorf("embedded and not (-embedded +listed):\n%s", d)
	}
}

func TestBothGenerationsSayTheSameOfTheSamePerson(t *testing.T) {
	company := cast.Company(40, 4)
	company[9].Start, company[9].FirstHired = "2024-03-01", "2019-09-02" // a rehire
	read := func(api func(*lucca.Config)) map[string]model.Observation {
		sim := luccasim.New(company, luccasim.Options{Now: today, Rate: 1000})
		people, _ := mustRead(t, source(t, sim, api))
		byID := map[string]model.Observation{}
		for _, o := range people {
			byID[o.Native] = o
		}
		return byID
	}
	old, recent := read(v3(0)), read(newest(0))
	for id, o := range old {
		for _, n := range []model.Name{
			model.Email, model.GivenName, model.FamilyName, model.EmployeeNumber, model.Title, model.Department, model.Organization,
			model.WorkPhone, model.Gender, model.BirthDate, model.FirstHiredOn, model.StartDate, model.EndDate,
		} {
			if a, b := o.Attributes[n], recent[id].Attributes[n]; !a.Equal(b) || o.Attributes.Has(n) != recent[id].Attributes.Has(n) {
				t.Errorf("%s of %s: v3 %+v, 2024-11-01 %+v", n, id, a, b)
			}
		}
		a, b := o.Attributes[model.Manager], recent[id].Attributes[model.Manager]
		if a.Null != b.Null || !a.Null && a.Refs[0] != b.Refs[0] {
			t.Errorf("manager of %s: v3 %+v, 2024-11-01 %+v", id, a, b)
		}
	}
	if len(old) != len(company) || len(recent) != len(company) {
		t.Errorf("%d and %d of %d people", len(old), len(recent), len(company))
	}
}

func TestStatusWordsBecomeStatuses(t *testing.T) {
	company := cast.Company(4, 2)
	company[1].Start = "2035-01-08"
	company[2].End = "2026-11-21"
	company[3].End = "2026-11-22" // the last day still counts
	sim := luccasim.New(company, luccasim.Options{Now: today})
	people, _ := mustRead(t, source(t, sim, newest(0)))
	for id, want := range map[string]model.Status{"412": model.Active, "419": model.Pending, "426": model.Inactive, "433": model.Active} {
		if o := byNative(t, people, id); o.Status != want || o.RawStatus == "" {
			t.Errorf("%s is %q (%q), want %q", id, o.Status, o.RawStatus, want)
		}
	}
}

func TestAPlannedMoveCountsFromItsDate(t *testing.T) {
	now := today()
	sim := luccasim.New(cast.Company(12, 2), luccasim.Options{Now: func() time.Time { return now }})
	sim.PlanMove("426", "2027-01-01", "Lead", 1)
	title := func() string {
		people, _ := mustRead(t, source(t, sim, newest(0)))
		return byNative(t, people, "426").Attributes.Text(model.Title)
	}
	if title() == "Lead" {
		t.Error("the move counts already")
	}
	now = time.Date(2027, 1, 1, 9, 0, 0, 0, time.UTC)
	if got := title(); got != "Lead" {
		t.Errorf("title %q on the day of the move", got)
	}
}

func TestTheNextPageIsFollowedOnTheSameHostOnly(t *testing.T) {
	sim := luccasim.New(cast.Company(12, 2), luccasim.Options{Now: today})
	sim.Inject(luccasim.Fault{Kind: luccasim.Foreign})
	hosts := map[string]bool{}
	spy := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hosts[r.Host] = true
		sim.ServeHTTP(w, r)
	})
	_, _, err := readAll(t.Context(), source(t, spy, newest(5)), "")
	if connectors.ClassOf(err) != connectors.Transient || !strings.Contains(err.Error(), "somewhere else") {
		t.Errorf("%v", err)
	}
	if d := cmp.Diff(map[string]bool{"halcyon-fixture.ilucca.net": true, "accounts.world.luccasoftware.com": true}, hosts); d != "" {
		t.Errorf("hosts that were asked (-want +got):\n%s", d)
	}
}

func TestATokenOfAPageThatEndedMeanwhileStartsTheReadAgain(t *testing.T) {
	sim := luccasim.New(cast.Company(12, 2), luccasim.Options{Now: today})
	var from connectors.Cursor
	for page, err := range source(t, sim, newest(5)).Read(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		from = page.Next
		break
	}
	sim.Remove("440") // the last of the first page, which its token names
	people, _, err := readAll(t.Context(), source(t, sim, newest(5)), from)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(sim.IDs(), natives(people)); d != "" {
		t.Errorf("people read (-in Lucca +yielded):\n%s", d)
	}
}

func TestPeopleOutsideTheClientsEstablishmentsAreNotThere(t *testing.T) {
	company := cast.Company(30, 2)
	sim := luccasim.New(company, luccasim.Options{Now: today, Sites: []string{"Lyon"}})
	people, _ := mustRead(t, source(t, sim, newest(0)))
	want := 0
	for _, p := range company {
		if p.Site == "Lyon" {
			want++
		}
	}
	if len(people) != want || want == 0 {
		t.Errorf("%d people, want %d", len(people), want)
	}
}

func TestCustomExtensionFieldsEndUpInTheDocument(t *testing.T) {
	sim := luccasim.New(cast.Company(3, 2), luccasim.Options{Now: today})
	sim.SetExtension("419", "e_team", `{"id":9,"value":"Blue"}`)
	people, _ := mustRead(t, source(t, sim, func(c *lucca.Config) { c.API, c.CustomFields = lucca.Latest, []string{"attributes.e_team"} }))
	if doc := string(byNative(t, people, "419").Document); !strings.Contains(doc, `"attributes":{"e_team":"Blue"}`) {
		t.Errorf("document %s", doc)
	}
}

func TestAResourceThatIsNotThereLeavesItsAttributesAbsent(t *testing.T) {
	sim := luccasim.New(cast.Company(4, 2), luccasim.Options{Now: today})
	sim.Inject(luccasim.Fault{Kind: luccasim.Status, Status: http.StatusNotFound, Path: "/lucca-api/legal-entities"})
	people, pages := mustRead(t, source(t, sim, newest(0)))
	for _, o := range people {
		if v, ok := o.Attributes[model.Organization]; ok {
			t.Errorf("organization of %s is %+v", o.Native, v)
		}
	}
	if !strings.Contains(notices(pages), "organization is absent") {
		t.Errorf("notices %q do not tell", notices(pages))
	}
}

func TestTroubleWithWhatPeopleReferToIsTroubleWithTheRead(t *testing.T) {
	for status, class := range map[int]connectors.Class{
		http.StatusTooManyRequests: connectors.Throttled, http.StatusServiceUnavailable: connectors.Transient, http.StatusBadRequest: connectors.Invalid,
	} {
		for _, path := range []string{"/lucca-api/departments", "/lucca-api/employments", "/lucca-api/employee-personal-records"} {
			sim := luccasim.New(cast.Company(4, 2), luccasim.Options{Now: today})
			sim.Inject(luccasim.Fault{Kind: luccasim.Status, Status: status, Path: path})
			people, _, err := readAll(t.Context(), source(t, sim, newest(0)), "")
			if connectors.ClassOf(err) != class || len(people) > 0 {
				t.Errorf("%d for %s: %d people, %v", status, path, len(people), err)
			}
		}
	}
}
