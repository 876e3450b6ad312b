package lucca_test

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/cast"
	"rollcall/connectors/lucca"
	"rollcall/connectors/lucca/luccasim"
)

// recorder keeps the requests that pass.
type recorder struct {
	http.Handler
	mu   sync.Mutex // guards seen
	seen []string   // path and decoded query
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	q := req.URL.Query()
	r.seen = append(r.seen, req.URL.Path+" "+q.Get("paging"))
	r.mu.Unlock()
	r.Handler.ServeHTTP(w, req)
}

// newcomer is somebody who joins in the middle of a test.
func newcomer(index int) cast.Person {
	p := cast.Company(200, 3)[index]
	p.Email = "newcomer." + strconv.Itoa(index) + "@" + cast.Domain
	p.Status, p.End = "employed", ""
	return p
}

func TestPeopleWhoMoveBetweenPagesAreReadAgainAndNobodyIsLost(t *testing.T) {
	for name, change := range map[string]func(c *luccasim.Control){
		"somebody before the page becomes visible": func(c *luccasim.Control) { c.Insert("413", newcomer(100)) },
		"somebody before the page disappears":      func(c *luccasim.Control) { c.Remove("419") },
		// The count stays the same: only the overlap of two pages tells.
		"one leaves before the page and one joins after it": func(c *luccasim.Control) { c.Remove("419"); c.Hire(newcomer(101)) },
		"somebody joins at the end":                         func(c *luccasim.Control) { c.Hire(newcomer(102)) },
	} {
		t.Run(name, func(t *testing.T) {
			sim := luccasim.New(cast.Company(23, 2), luccasim.Options{Now: today})
			sim.BetweenPages(change)
			people, pages := mustRead(t, source(t, sim, v3(5)))
			got := natives(people)
			for _, id := range sim.IDs() {
				if !slices.Contains(got, id) {
					t.Errorf("%s is lost", id)
				}
			}
			if n := len(got); n != len(slices.Compact(got)) {
				t.Errorf("somebody is yielded twice among %d", n)
			}
			if !strings.Contains(notices(pages), "began again") {
				t.Errorf("notices %q do not tell", notices(pages))
			}
		})
	}
}

func TestPeopleWhoKeepMovingEndTheReadWithAnError(t *testing.T) {
	sim := luccasim.New(cast.Company(23, 2), luccasim.Options{Now: today})
	sim.BetweenPages(func(c *luccasim.Control) { c.Remove("419") })
	sim.BetweenPages(func(*luccasim.Control) {}) // the page that does not fit, then the second reading begins
	sim.BetweenPages(func(c *luccasim.Control) { c.Remove("426") })
	_, pages, err := readAll(t.Context(), source(t, sim, v3(5)), "")
	if connectors.ClassOf(err) != connectors.Transient || !strings.Contains(err.Error(), "two readings in a row") {
		t.Errorf("%v, want a transient error that says why", err)
	}
	for _, p := range pages {
		if p.Last {
			t.Error("the read claims to be complete")
		}
	}
}

func TestACountThatDoesNotAgreeIsAnError(t *testing.T) {
	generations(t, func(t *testing.T, api func(*lucca.Config)) {
		sim := luccasim.New(cast.Company(13, 2), luccasim.Options{Now: today})
		sim.Inject(luccasim.Fault{Kind: luccasim.Miscount})
		_, _, err := readAll(t.Context(), source(t, sim, api), "")
		if connectors.ClassOf(err) != connectors.Transient {
			t.Errorf("%v, want a transient error", err)
		}
	})
}

func TestHalfAPageIsNeverTakenForTheWholeCompany(t *testing.T) {
	generations(t, func(t *testing.T, api func(*lucca.Config)) {
		for _, times := range []int{1, 0} {
			for skip := range 3 {
				people := cast.Company(13, 2)
				sim := luccasim.New(people, luccasim.Options{Now: today})
				sim.Inject(luccasim.Fault{Kind: luccasim.Half, Skip: skip, Times: times, Path: "/api/v3/users"})
				sim.Inject(luccasim.Fault{Kind: luccasim.Half, Skip: skip, Times: times, Path: "/lucca-api/employees"})
				got, _, err := readAll(t.Context(), source(t, sim, api), "")
				if err == nil && len(got) != len(people) {
					t.Errorf("after %d pages: %d of %d people and no error", skip, len(got), len(people))
				}
			}
		}
	})
}

func TestAReadThatResumesNoticesThatPeopleMovedMeanwhile(t *testing.T) {
	sim := luccasim.New(cast.Company(23, 2), luccasim.Options{Now: today})
	var from connectors.Cursor
	for page, err := range source(t, sim, v3(5)).Read(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		from = page.Next
		break
	}
	sim.Remove("419")
	people, pages, err := readAll(t.Context(), source(t, sim, v3(5)), from)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(sim.IDs(), natives(people)); d != "" {
		t.Errorf("people read (-in Lucca +yielded):\n%s", d)
	}
	if !strings.Contains(notices(pages), "began again") {
		t.Errorf("notices %q do not tell", notices(pages))
	}
}

func TestACursorOfAnotherKindStartsAtTheBeginning(t *testing.T) {
	sim := luccasim.New(cast.Company(13, 2), luccasim.Options{Now: today, Rate: 1000})
	generations(t, func(t *testing.T, api func(*lucca.Config)) {
		for _, from := range []connectors.Cursor{"5", "%zz", "offset=-3&last=1", "next=page%3Dgone&read=5", "next=&read=1", "offset=5"} {
			people, _, err := readAll(t.Context(), source(t, sim, api), from)
			if err != nil || len(people) != 13 {
				t.Errorf("from %q: %d people, %v", from, len(people), err)
			}
		}
	})
}

func TestPagesAreHalvedUntilLuccaAnswersInTime(t *testing.T) {
	people := cast.Company(220, 2)
	for i := range people {
		people[i].Status, people[i].End = "employed", ""
	}
	// A row of what is asked for costs 24, so that 1200 is fifty rows.
	sim := &recorder{Handler: luccasim.New(people, luccasim.Options{Now: today, Work: 1200})}
	got, _ := mustRead(t, source(t, sim, v3(200)))
	if len(got) != len(people) {
		t.Errorf("%d of %d people", len(got), len(people))
	}
	want := []string{
		"/api/v3/users 0,200", "/api/v3/users 0,100", "/api/v3/users 0,50", "/api/v3/users 49,50", "/api/v3/users 98,50",
		"/api/v3/users 147,50", "/api/v3/users 196,50",
	}
	if d := cmp.Diff(want, sim.seen); d != "" {
		t.Errorf("requests (-want +got):\n%s", d)
	}
}

func TestWhatIsTooSlowForAFewPeopleIsAnError(t *testing.T) {
	sim := &recorder{Handler: luccasim.New(cast.Company(60, 2), luccasim.Options{Now: today, Work: 10})}
	_, _, err := readAll(t.Context(), source(t, sim, v3(150)), "")
	if connectors.ClassOf(err) != connectors.Transient || !strings.Contains(err.Error(), "25 people") {
		t.Errorf("%v", err)
	}
	want := []string{"/api/v3/users 0,150", "/api/v3/users 0,75", "/api/v3/users 0,37", "/api/v3/users 0,25"}
	if d := cmp.Diff(want, sim.seen); d != "" {
		t.Errorf("requests (-want +got):\n%s", d)
	}
}

func TestReadsLeaveAFifthOfTheTenantsBudgetToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		people := cast.Company(100, 2)
		// Another integration of the customer takes its ten requests per minute.
		sim := luccasim.New(people, luccasim.Options{OtherLoad: 10})
		start := time.Now()
		got, _, err := readAll(t.Context(), source(t, sim, func(c *lucca.Config) { c.PageSize, c.Now = 2, time.Now }), "")
		if err != nil || len(got) != len(people) {
			t.Fatalf("%d people, %v", len(got), err)
		}
		// A hundred requests at forty per minute.
		if took := time.Since(start); took < 2*time.Minute || took > 4*time.Minute {
			t.Errorf("the read took %v", took)
		}
	})
}

func TestEverySpellingOfNamesGivesTheSamePeople(t *testing.T) {
	company := cast.Company(30, 4)
	read := func(casing luccasim.Casing, header bool) []model.Observation {
		sim := luccasim.New(company, luccasim.Options{Now: today, Casing: casing, NoHeader: !header, NoCount: !header})
		people, _ := mustRead(t, source(t, sim, v3(7)))
		for i := range people {
			people[i].Document = nil // kept as received, spelling and all
		}
		return people
	}
	want := read(luccasim.CasingDocumented, true)
	for _, casing := range []luccasim.Casing{luccasim.CasingDocumented, luccasim.CasingCamel, luccasim.CasingPascal, luccasim.CasingBoth} {
		for _, header := range []bool{true, false} {
			if d := cmp.Diff(want, read(casing, header)); d != "" {
				t.Errorf("casing %d, header %v (-want +got):\n%s", casing, header, d)
			}
		}
	}
}

func TestOnlyFieldsOfTheMapAndCustomOnesAreAskedFor(t *testing.T) {
	var fields, former, order string
	sim := luccasim.New(cast.Company(3, 2), luccasim.Options{Now: today})
	spy := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		fields, former, order = q.Get("fields"), q.Get("formerEmployees"), q.Get("orderBy")
		sim.ServeHTTP(w, r)
	})
	people, _ := mustRead(t, source(t, spy, func(c *lucca.Config) {
		c.CustomFields = []string{"e_badge", "extendedData.e_car", "csp", "department.code", "MAIL"}
	}))
	const want = "id,displayName,firstName,lastName,mail,employeeNumber,jobTitle,managerID,manager[id,name,mail],department[id,name]," +
		"legalEntity[id,name],dtContractStart,dtContractEnd,seniorityDate,birthDate,gender,directLine,professionalMobile,cultureID," +
		"extendedData,collection.count,csp,department.code"
	if fields != want {
		t.Errorf("fields\n%s\nwant\n%s", fields, want)
	}
	if former != "true" || order != "id,asc" {
		t.Errorf("formerEmployees %q, orderBy %q", former, order)
	}
	for _, part := range []string{`"csp":`, `"code":`} {
		if !bytes.Contains(people[0].Document, []byte(part)) {
			t.Errorf("the document lacks %s: %s", part, people[0].Document)
		}
	}
}

func TestVolatileValuesDoNotChangeADocument(t *testing.T) {
	generations(t, func(t *testing.T, api func(*lucca.Config)) {
		now := today()
		sim := luccasim.New(cast.Company(3, 2), luccasim.Options{Now: func() time.Time { return now }})
		change := func(c *lucca.Config) {
			api(c)
			c.CustomFields = []string{"picture", "url", "modifiedAt"}
		}
		before, _ := mustRead(t, source(t, sim, change))
		now = now.Add(time.Hour)
		sim.Update("412", func(*cast.Person) {}) // touched, not changed
		after, _ := mustRead(t, source(t, sim, change))
		if d := cmp.Diff(before, after); d != "" {
			t.Errorf("a touch changes people:\n%s", d)
		}
	})
}

func TestHiddenSectionsAreAbsentAndNeverNull(t *testing.T) {
	sim := luccasim.New(cast.Company(12, 2), luccasim.Options{Now: today, Hidden: []luccasim.Section{luccasim.SectionPersonal}})
	people, _ := mustRead(t, source(t, sim, v3(5)))
	for _, o := range people {
		for _, n := range []model.Name{model.BirthDate, model.Gender, model.FirstHiredOn, model.WorkPhone, model.MobilePhone} {
			if v, ok := o.Attributes[n]; ok {
				t.Errorf("%s of %s is %+v", n, o.Native, v)
			}
		}
	}
}

func TestHiddenContractsRefuseTheReadAndNameTheSection(t *testing.T) {
	sim := luccasim.New(cast.Company(12, 2), luccasim.Options{Now: today, Hidden: []luccasim.Section{luccasim.SectionContract}})
	people, pages, err := readAll(t.Context(), source(t, sim, v3(5)), "")
	if connectors.ClassOf(err) != connectors.Denied || !strings.Contains(err.Error(), "contract section") {
		t.Errorf("%v, want a denied error that names the section", err)
	}
	for _, o := range people {
		if o.Status != model.Unknown {
			t.Errorf("status of %s is %q", o.Native, o.Status)
		}
	}
	// A resumed read knows what the pages before it told.
	sim.Show(luccasim.SectionContract)
	if _, _, err := readAll(t.Context(), source(t, sim, v3(5)), pages[0].Next); err != nil {
		t.Errorf("resumed with the section visible: %v", err)
	}
}

func TestFormerEmployeesAreReadWhenTheKeyMay(t *testing.T) {
	sim := luccasim.New(cast.Company(12, 2), luccasim.Options{Now: today})
	sim.Terminate("426", "2026-11-21")
	people, _ := mustRead(t, source(t, sim, v3(5)))
	left := byNative(t, people, "426")
	if left.Status != model.Dated || left.Attributes.Text(model.EndDate) != "2026-11-21" {
		t.Errorf("status %q, end %q", left.Status, left.Attributes.Text(model.EndDate))
	}
	sim.Hide(luccasim.SectionFormer)
	people, _ = mustRead(t, source(t, sim, v3(5)))
	if slices.Contains(natives(people), "426") {
		t.Error("who left is yielded although the key may not see them")
	}
}

func TestSkipFieldDecidesWhoTakesPart(t *testing.T) {
	generations(t, func(t *testing.T, api func(*lucca.Config)) {
		sim := luccasim.New(cast.Company(12, 2), luccasim.Options{Now: today})
		for id, value := range map[string]string{
			"412": `{"id":1,"value":true}`, "419": `true`, "426": `{"id":2,"value":"1"}`, "433": `{"id":3,"value":false}`, "440": `{"id":4,"value":"maybe"}`, "447": `null`,
		} {
			if !sim.SetExtension(id, "e_no_sync", value) {
				t.Fatal(id)
			}
		}
		people, _ := mustRead(t, source(t, sim, func(c *lucca.Config) { api(c); c.SkipField = "e_no_sync" }))
		for id, want := range map[string]model.ScopeState{
			"412": model.OutOfScope, "419": model.OutOfScope, "426": model.OutOfScope, "433": model.InScope, "440": model.HeldScope, "447": model.InScope, "454": model.InScope,
		} {
			got := byNative(t, people, id).Scope
			if got.State != want {
				t.Errorf("%s is %q, want %q", id, got.State, want)
			}
			if got.State != model.InScope && !strings.Contains(got.Reason, "e_no_sync") {
				t.Errorf("%s: reason %q does not name the field", id, got.Reason)
			}
		}
	})
}

func TestASkipFieldThatNobodyMaySeeIsTold(t *testing.T) {
	for _, absent := range []bool{false, true} {
		sim := luccasim.New(cast.Company(12, 2), luccasim.Options{Now: today, NoExtData: absent, Hidden: []luccasim.Section{luccasim.SectionExtension}})
		_, pages := mustRead(t, source(t, sim, v3(5)))
		if !strings.Contains(notices(pages), "e_skip_elevo_sync") {
			t.Errorf("notices %q do not name the field", notices(pages))
		}
	}
	sim := luccasim.New(cast.Company(12, 2), luccasim.Options{Now: today})
	if _, pages := mustRead(t, source(t, sim, v3(5))); notices(pages) != "" {
		t.Errorf("notices %q although all is visible", notices(pages))
	}
}

func TestManagersAreReferencesAndSelfIsNone(t *testing.T) {
	generations(t, func(t *testing.T, api func(*lucca.Config)) {
		sim := luccasim.New(cast.Company(12, 2), luccasim.Options{Now: today})
		sim.ManageSelf("426")
		people, _ := mustRead(t, source(t, sim, api))
		for _, id := range []string{"412", "426"} {
			if m := byNative(t, people, id).Attributes[model.Manager]; !m.Null {
				t.Errorf("manager of %s is %+v, want null", id, m)
			}
		}
		if m := byNative(t, people, "419").Attributes[model.Manager]; len(m.Refs) == 0 || m.Refs[0] != (model.Reference{By: model.RefNative, Value: "412"}) {
			t.Errorf("manager %+v", m)
		}
	})
}

func TestAnnouncedEndOfAnAPIIsToldOnce(t *testing.T) {
	generations(t, func(t *testing.T, api func(*lucca.Config)) {
		for header, want := range map[string]string{
			"@1767225600":                   "deprecated since 2026-01-01",
			"Thu, 01 Jan 2026 00:00:00 GMT": "deprecated since 2026-01-01",
			"true":                          "deprecated",
		} {
			sim := luccasim.New(cast.Company(23, 2), luccasim.Options{Now: today})
			sim.Announce(header, "Wed, 30 Jun 2027 23:59:59 GMT")
			_, pages := mustRead(t, source(t, sim, api))
			got := notices(pages)
			if strings.Count(got, want) != 1 || strings.Count(got, "ends on 2027-06-30") != 1 {
				t.Errorf("%s: notices %q", header, got)
			}
		}
	})
}
