package hibob_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/hibob"
)

// canned answers every request in memory; it may run in a bubble of fake time.
type canned func(r *http.Request) *http.Response

func (f canned) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

func response(status int, contentType, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(strings.NewReader(body))}
}

// file answers with a recorded body, whose name tells its status and type.
func file(t *testing.T, name string) canned {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(name, ".")
	status, err := strconv.Atoi(parts[len(parts)-2])
	if err != nil {
		t.Fatal(err)
	}
	contentType := map[string]string{"json": "application/json", "html": "text/html; charset=UTF-8"}[parts[len(parts)-1]]
	return func(*http.Request) *http.Response { return response(status, contentType, string(raw)) }
}

func people(body string) canned {
	return func(*http.Request) *http.Response { return response(200, "application/json", body) }
}

// newSource makes a source whose requests rt answers.
func newSource(t testing.TB, rt http.RoundTripper, change func(*hibob.Config)) *hibob.Source {
	t.Helper()
	base, err := url.Parse("https://api.hibob.example/v1")
	if err != nil {
		t.Fatal(err)
	}
	cfg := hibob.Config{BaseURL: base, ServiceUserID: user, Token: token, HTTP: &http.Client{Transport: rt}}
	if change != nil {
		change(&cfg)
	}
	s, err := hibob.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// readAll reads to the end and returns the people by native id.
func readAll(t testing.TB, s *hibob.Source) (map[string]model.Observation, []connectors.Page, error) {
	t.Helper()
	byID := map[string]model.Observation{}
	var pages []connectors.Page
	for page, err := range s.Read(t.Context(), "") {
		if err != nil {
			return byID, pages, err
		}
		pages = append(pages, page)
		for _, o := range page.People {
			byID[o.Native] = o
		}
	}
	return byID, pages, nil
}

func mustRead(t testing.TB, s *hibob.Source) map[string]model.Observation {
	t.Helper()
	byID, _, err := readAll(t, s)
	if err != nil {
		t.Fatal(err)
	}
	return byID
}

func TestRecordedPersonIsMappedWhole(t *testing.T) {
	zoe := mustRead(t, newSource(t, file(t, "02-people-search-append.200.json"), nil))["3512908837467217155"]
	document := zoe.Document
	zoe.Document = nil
	oluwaseun := model.Value{Text: "Oluwaseun Adeyemi", Refs: []model.Reference{
		{By: model.RefNative, Value: "3512908837466168578"}, {By: model.RefEmail, Value: "oluwaseun.adeyemi@halcyon-atelier.example"},
	}}
	want := model.Observation{
		Native: "3512908837467217155", Status: model.Active, RawStatus: "employed",
		Attributes: model.Attributes{
			model.Email: model.Text("zoe.vanderberg@halcyon-atelier.example"), model.GivenName: model.Text("Zoë"), model.FamilyName: model.Text("van der Berg"),
			model.DisplayName: model.Text("Zoë van der Berg"), model.EmployeeNumber: model.Text("212"), model.Manager: oluwaseun,
			model.Title: model.Text("Software engineer"), model.Department: model.Text("Engineering"), model.Site: model.Text("Amsterdam"),
			model.WorkPhone: model.Null(), model.MobilePhone: model.Null(), model.Gender: model.Text("female"), model.BirthDate: model.Text("1993-02-27"),
			model.ContractType: model.Text("Permanent"), model.StartDate: model.Text("2021-01-18"), model.FirstHiredOn: model.Text("2021-01-18"), model.EndDate: model.Null(),
		},
		Fields: map[model.Name]string{
			model.Email: "root.email", model.GivenName: "root.firstName", model.FamilyName: "root.surname", model.DisplayName: "root.displayName",
			model.EmployeeNumber: "work.employeeIdInCompany", model.Manager: "work.reportsTo", model.Title: "work.title, label", model.Department: "work.department, label",
			model.Site: "work.site", model.WorkPhone: "work.workPhone", model.MobilePhone: "work.workMobile", model.Gender: "home.legalGender, label",
			model.BirthDate: "personal.birthDate", model.ContractType: "payroll.employment.contract, label", model.StartDate: "work.startDate",
			model.FirstHiredOn: "work.originalStartDate", model.EndDate: "internal.terminationDate",
		},
	}
	if d := cmp.Diff(want, zoe); d != "" {
		t.Errorf("observation (-want +got):\n%s", d)
	}

	var recorded struct{ Employees []map[string]any }
	raw, err := os.ReadFile("testdata/02-people-search-append.200.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &recorded); err != nil {
		t.Fatal(err)
	}
	nested := map[string]any{}
	for k, v := range recorded.Employees[1] {
		if !strings.HasPrefix(k, "/") {
			nested[k] = v
		}
	}
	var got map[string]any
	if err := json.Unmarshal(document, &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(nested, got); d != "" {
		t.Errorf("the document is not the nested form with the labels (-want +got):\n%s", d)
	}
}

func TestRecordedPeopleStandWhereHRPutThem(t *testing.T) {
	got := map[string]model.Status{}
	for _, o := range mustRead(t, newSource(t, file(t, "01-people-search.200.json"), nil)) {
		got[o.Attributes.Text(model.GivenName)+", "+o.RawStatus] = o.Status
	}
	want := map[string]model.Status{
		"Margaux, employed": model.Active, "Oluwaseun, employed": model.Active, "Zoë, employed": model.Active, "Inês, parental leave": model.Leave,
		"Tomasz, leave": model.Leave, "Priya, garden leave": model.Leave, "Jean-Baptiste, terminated": model.Inactive, "Linnea, hired": model.Pending,
		"Karim, employed": model.Active, "Kofi, employed": model.Active,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("status by person (-want +got):\n%s", d)
	}
}

func TestListsWithoutLabelsKeepTheirIDs(t *testing.T) {
	zoe := mustRead(t, newSource(t, file(t, "01-people-search.200.json"), nil))["3512908837467217155"]
	if got, field := zoe.Attributes.Text(model.Title), zoe.Fields[model.Title]; got != "255490047" || field != "work.title" {
		t.Errorf("title is %q from %q, want the id from work.title", got, field)
	}
	// A rehire keeps the first hiring date.
	karim := mustRead(t, newSource(t, file(t, "01-people-search.200.json"), nil))["3512908837473508617"]
	if start, first := karim.Attributes.Text(model.StartDate), karim.Attributes.Text(model.FirstHiredOn); start != "2026-02-02" || first != "2019-09-02" {
		t.Errorf("start %s, first hired %s; want 2026-02-02 and 2019-09-02", start, first)
	}
}

func TestLabelsInPlaceAreTakenAsTheyAre(t *testing.T) {
	zoe := mustRead(t, newSource(t, file(t, "03-people-search-replace.200.json"), nil))["3512908837467217155"]
	if got := zoe.Attributes.Text(model.Title); got != "Software engineer" || zoe.Status != model.Active {
		t.Errorf("title %q, status %s", got, zoe.Status)
	}
}

func TestManagerOutsideTheAnswerIsStillNamed(t *testing.T) {
	byID := mustRead(t, newSource(t, file(t, "04-people-search-active-only.200.json"), nil))
	boss := byID["3512908837473508617"].Attributes[model.Manager]
	if len(boss.Refs) != 2 || byID[boss.Refs[0].Value].Native != "" || boss.Text != "Tomasz Wójcik" {
		t.Errorf("Karim's manager is %+v, want references to Tomasz, who is not in the answer", boss)
	}
}

func TestReadWithoutLifecyclePermissionIsRefused(t *testing.T) {
	byID, pages, err := readAll(t, newSource(t, file(t, "05-people-search-missing-permissions.200.json"), nil))
	if connectors.ClassOf(err) != connectors.Denied || !strings.Contains(err.Error(), "Lifecycle") {
		t.Errorf("got %v, want a denied error that names the category", err)
	}
	if len(byID) != 0 || len(pages) != 0 {
		t.Errorf("%d people were yielded before the refusal", len(byID))
	}
}

func TestAnswerWithoutPeopleIsAnEmptyLastPageWithANotice(t *testing.T) {
	_, pages, err := readAll(t, newSource(t, file(t, "06-people-search-no-people.200.json"), nil))
	if err != nil || len(pages) != 1 || !pages[0].Last || len(pages[0].People) != 0 {
		t.Fatalf("got %+v, %v; want one empty last page", pages, err)
	}
	if len(pages[0].Notices) != 1 || !strings.Contains(pages[0].Notices[0], "no people are selected") {
		t.Errorf("notices: %q", pages[0].Notices)
	}
}

func TestRecordedRefusalsAreClassified(t *testing.T) {
	for name, want := range map[string]struct {
		class connectors.Class
		says  string
	}{
		"07-people-search-bad-filter.400.json": {connectors.Invalid, "only root.id and root.email"},
		"08-unauthorized.401.json":             {connectors.Denied, "401 Unauthorized: Unauthorized. Check service_user_id"},
		"09-forbidden.403.json":                {connectors.Denied, "No permissions to perform this action"},
		"10-rate-limited.429.json":             {connectors.Throttled, "Too many requests"},
		"11-unavailable.503.html":              {connectors.Transient, "503 Service Unavailable"},
		"12-wrong-path.200.html":               {connectors.Transient, "text/html instead of JSON"},
		"14-person-unknown.404.json":           {connectors.Gone, "employee not found"},
	} {
		requests := 0
		answer := file(t, name)
		_, pages, err := readAll(t, newSource(t, canned(func(r *http.Request) *http.Response { requests++; return answer(r) }), nil))
		if connectors.ClassOf(err) != want.class || err == nil || !strings.Contains(err.Error(), want.says) || len(pages) != 0 || requests != 1 {
			t.Errorf("%s: %d pages, %d requests, error %v (%v); want class %v and %q", name, len(pages), requests, err, connectors.ClassOf(err), want.class, want.says)
		}
	}
}

func TestRateLimitResetIsKept(t *testing.T) {
	reset := time.Now().Add(40 * time.Second).Truncate(time.Second)
	answer := file(t, "10-rate-limited.429.json")
	_, _, err := readAll(t, newSource(t, canned(func(r *http.Request) *http.Response {
		resp := answer(r)
		resp.Header.Set("X-RateLimit-Reset", strconv.FormatInt(reset.Unix(), 10))
		return resp
	}), nil))
	if got := connectors.RetryAt(err); !got.Equal(reset) {
		t.Errorf("RetryAt is %v, want %v", got, reset)
	}
}

func TestSinglePersonHasTheShapeOfOneInASearch(t *testing.T) {
	raw, err := os.ReadFile("testdata/13-person.200.json")
	if err != nil {
		t.Fatal(err)
	}
	one := mustRead(t, newSource(t, people(`{"employees":[`+string(raw)+`]}`), nil))["3512908837467217155"]
	inSearch := mustRead(t, newSource(t, file(t, "01-people-search.200.json"), nil))["3512908837467217155"]
	if d := cmp.Diff(inSearch, one); d != "" {
		t.Errorf("(-in a search +alone):\n%s", d)
	}
}

func TestRecordedMetadataCoversTheBuiltInMap(t *testing.T) {
	metadata, all := file(t, "15-company-people-fields.200.json"), file(t, "01-people-search.200.json")
	s := newSource(t, canned(func(r *http.Request) *http.Response {
		if strings.HasSuffix(r.URL.Path, "company/people/fields") {
			return metadata(r)
		}
		return all(r)
	}), nil)
	report, err := s.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if report.People != 10 || len(report.Missing) != 0 || report.Sample == nil {
		t.Errorf("report: %+v; want ten people, nothing missing, a sample", report)
	}
}

// The tables and lists are not read by the connector; their spellings of the
// lifecycle must all be understood.
func TestEveryRecordedSpellingOfALifecycleStatusIsKnown(t *testing.T) {
	spellings := map[string]bool{}
	for _, name := range []string{"18-person-lifecycle.200.json", "20-bulk-lifecycle-page1.200.json", "21-bulk-lifecycle-page2.200.json"} {
		var table struct{ Values []struct{ Status string } }
		decode(t, name, &table)
		for _, row := range table.Values {
			spellings[row.Status] = true
		}
	}
	type list struct{ Values []struct{ ID, Value string } }
	var one list
	decode(t, "17-named-list-lifecycleStatus.200.json", &one)
	var all map[string]list
	decode(t, "16-company-named-lists.200.json", &all)
	for _, l := range []list{one, all["lifecycleStatus"]} {
		for _, item := range l.Values {
			spellings[item.ID], spellings[item.Value] = true, true
		}
	}
	if len(spellings) < 12 {
		t.Fatalf("only %d spellings in the recorded tables and lists", len(spellings))
	}
	for spelling := range spellings {
		doc, _ := json.Marshal(spelling)
		o := mustRead(t, newSource(t, people(`{"employees":[{"id":"1","internal":{"lifecycleStatus":`+string(doc)+`}}]}`), nil))["1"]
		if o.Status == model.Unknown {
			t.Errorf("%q is of unknown status", spelling)
		}
	}
}

func TestRecordedLabelsAreThoseOfTheLists(t *testing.T) {
	var lists map[string]struct {
		Values []struct{ ID, Value string }
	}
	decode(t, "16-company-named-lists.200.json", &lists)
	labels := map[string]string{}
	for _, list := range []string{"title", "department", "employmentstatus"} {
		for _, item := range lists[list].Values {
			labels[item.ID] = item.Value
		}
	}
	bare := mustRead(t, newSource(t, file(t, "01-people-search.200.json"), nil))
	for id, o := range mustRead(t, newSource(t, file(t, "02-people-search-append.200.json"), nil)) {
		for _, n := range []model.Name{model.Title, model.Department, model.ContractType} {
			if got, want := o.Attributes.Text(n), labels[bare[id].Attributes.Text(n)]; got != want {
				t.Errorf("%s of %s is %q, want the label %q", n, id, got, want)
			}
		}
	}
}

func TestRecordedTableNamesTheSameManagerAndPerson(t *testing.T) {
	all := mustRead(t, newSource(t, file(t, "01-people-search.200.json"), nil))
	var work struct {
		Values []struct{ ReportsTo struct{ ID string } }
	}
	decode(t, "19-person-work.200.json", &work)
	if got, want := all["3512908837467217155"].Attributes[model.Manager].Refs[0].Value, work.Values[0].ReportsTo.ID; got != want {
		t.Errorf("manager is %s, the work table says %s", got, want)
	}
	var event struct{ Data struct{ EmployeeID string } }
	decode(t, "22-webhook-employee-updated.v2.json", &event)
	if _, ok := all[event.Data.EmployeeID]; !ok {
		t.Errorf("the webhook's employee id %s is nobody's native id", event.Data.EmployeeID)
	}
}

func TestHazardsPassThroughUntouched(t *testing.T) {
	byID := mustRead(t, newSource(t, file(t, "23-people-search-hazards.200.json"), nil))
	if len(byID) != 10 {
		t.Fatalf("%d people, want 10", len(byID))
	}
	person := func(n int) model.Observation { return byID["35129089999000000"+strconv.Itoa(100 + n)[1:]] }
	// Identity is not decided here: the same address in another case, decomposed
	// letters, blanks and formulas are the reconciler's to judge.
	if a, b := person(1).Attributes.Text(model.Email), person(2).Attributes.Text(model.Email); a == b || !strings.EqualFold(a, b) {
		t.Errorf("emails %q and %q, want the same in another case", a, b)
	}
	if got := person(6).Attributes.Text(model.EmployeeNumber); got != "0406" {
		t.Errorf("employee number %q, want 0406 with its zero", got)
	}
	if got := person(9).Attributes.Text(model.GivenName); got != `=HYPERLINK("x")` {
		t.Errorf("given name %q", got)
	}
	if a, b := person(4).Attributes[model.Manager].Refs[0].Value, person(5).Attributes[model.Manager].Refs[0].Value; a != person(5).Native || b != person(4).Native {
		t.Errorf("the manager cycle is not told as it is: %s, %s", a, b)
	}
	if person(7).Status != model.Inactive || person(8).Status != model.Active {
		t.Errorf("rehire: %s and %s, want inactive and active", person(7).Status, person(8).Status)
	}
	strange := person(10)
	if strange.Status != model.Unknown || strange.RawStatus != "sabbatical" || len(strange.Notices) != 1 {
		t.Errorf("unknown lifecycle: %s, %q, notices %q", strange.Status, strange.RawStatus, strange.Notices)
	}
}

func decode(t *testing.T, name string, into any) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}
