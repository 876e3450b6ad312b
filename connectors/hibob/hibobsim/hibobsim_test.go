package hibobsim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/connectors/cast"
	"rollcall/connectors/hibob/hibobsim"
)

// clock is a time that tests move by hand.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func newClock() *clock { return &clock{time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)} }

// call sends one request with good credentials and returns status, headers and
// the decoded body.
func call(t *testing.T, s http.Handler, method, path, body string) (*http.Response, any) {
	t.Helper()
	return callAs(t, s, method, path, body, func(r *http.Request) { r.SetBasicAuth("SERVICE-12345", "sim-token") })
}

func callAs(t *testing.T, s http.Handler, method, path, body string, prepare func(*http.Request)) (*http.Response, any) {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	prepare(r)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	resp := w.Result()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		if err := dec.Decode(&v); err != nil {
			t.Fatalf("%s %s: %v in %s", method, path, err, raw)
		}
	}
	return resp, v
}

// search returns the employees that a search answers, by id.
func search(t *testing.T, s http.Handler, body string) map[string]map[string]any {
	t.Helper()
	resp, v := call(t, s, "POST", "/v1/people/search", body)
	if resp.StatusCode != 200 {
		t.Fatalf("search %s: status %d, %v", body, resp.StatusCode, v)
	}
	found := map[string]map[string]any{}
	for _, e := range v.(map[string]any)["employees"].([]any) {
		found[e.(map[string]any)["id"].(string)] = e.(map[string]any)
	}
	return found
}

// at follows a path into nested objects; ok is false when a key is missing.
func at(e any, path ...string) (any, bool) {
	for _, k := range path {
		m, isObject := e.(map[string]any)
		if !isObject {
			return nil, false
		}
		v, ok := m[k]
		if !ok {
			return nil, false
		}
		e = v
	}
	return e, true
}

func slash(parts ...string) string { return "/" + strings.Join(parts, "/") }

const everything = `{"fields":["root.id","root.email","root.firstName","root.surname","root.displayName","work.reportsTo","work.title","work.department","work.site","work.siteId","work.startDate","work.originalStartDate","work.employeeIdInCompany","work.workPhone","work.workMobile","home.mobilePhone","home.legalGender","personal.birthDate","payroll.employment.contract","payroll.employment.type","internal.status","internal.lifecycleStatus","internal.terminationDate","employee.lastDayOfWork","work.custom.field_1651169416679"],"showInactive":true%s}`

func badge() hibobsim.CustomField {
	return hibobsim.CustomField{ID: "work.custom.field_1651169416679", Name: "Badge group", Category: "work", Type: "text", Value: func(cast.Person) any { return "Badge A" }}
}

// keys lists the paths of all keys in a JSON value.
func keys(prefix string, v any, out map[string]bool) {
	m, ok := v.(map[string]any)
	if !ok {
		return
	}
	for k, below := range m {
		out[prefix+" "+k] = true
		keys(prefix+" "+k, below, out)
	}
}

func TestEmployeeHasTheShapeOfTheRecordedOne(t *testing.T) {
	raw, err := os.ReadFile("testdata/02-people-search-append.200.json")
	if err != nil {
		t.Fatal(err)
	}
	var recorded struct{ Employees []map[string]any }
	if err := json.Unmarshal(raw, &recorded); err != nil {
		t.Fatal(err)
	}
	zoe := recorded.Employees[slices.IndexFunc(recorded.Employees, func(e map[string]any) bool { return e["firstName"] == "Zoë" })]
	people := cast.Company(2, 1)
	people[1].Given, people[1].Family, people[1].Gender = "Zoë", "van der Berg", "female"
	people[1].WorkPhone, people[1].MobilePhone = "", ""
	s := hibobsim.New(people, hibobsim.Options{CustomFields: []hibobsim.CustomField{badge()}})
	got := search(t, s, fmt.Sprintf(everything, `,"humanReadable":"APPEND"`))[s.ID(1)]

	want, have := map[string]bool{}, map[string]bool{}
	keys("", any(zoe), want)
	keys("", any(got), have)
	// The recorded Zoë has a personal mobile; the cast has none.
	for _, k := range []string{" home mobilePhone", " humanReadable home mobilePhone", " " + slash("home", "mobilePhone"), " " + slash("home", "mobilePhone") + " value"} {
		delete(want, k)
		delete(have, k)
	}
	if d := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(have))); d != "" {
		t.Errorf("keys (-recorded +simulated):\n%s", d)
	}
}

func TestNullsAreNestedOnlyAndValuesAreInBothForms(t *testing.T) {
	people := cast.Company(2, 1)
	people[0].WorkPhone = ""
	s := hibobsim.New(people, hibobsim.Options{})
	boss := search(t, s, fmt.Sprintf(everything, ""))[s.ID(0)]
	for _, path := range [][]string{{"work", "workPhone"}, {"work", "reportsTo"}, {"internal", "terminationDate"}} {
		v, ok := at(boss, path...)
		if !ok || v != nil {
			t.Errorf("%v: got %v, present %v; want a nested null", path, v, ok)
		}
		if _, ok := boss[slash(path...)]; ok {
			t.Errorf("%v: an empty field has a flat key", path)
		}
	}
	if v, _ := at(boss, slash("work", "site"), "value"); v != people[0].Site {
		t.Errorf("flat site is %v, want %q", v, people[0].Site)
	}
	if _, ok := boss["root"]; ok {
		t.Error("root fields are wrapped in root")
	}
	if _, ok := boss["humanReadable"]; ok {
		t.Error("labels without being asked for")
	}
	if id := s.ID(0); len(id) != 19 {
		t.Errorf("id %q has %d digits, want 19", id, len(id))
	}
}

func TestListsAreIDsUnlessLabelsAreAskedFor(t *testing.T) {
	people := cast.Company(3, 1)
	s := hibobsim.New(people, hibobsim.Options{})
	for _, tc := range []struct{ mode, nested, label, birth string }{
		{"", "id", "", ""},
		{`,"humanReadable":"APPEND"`, "id", people[1].Title, "labelled"},
		{`,"humanReadable":"append"`, "id", people[1].Title, "labelled"},
		{`,"humanReadable":"REPLACE"`, people[1].Title, "", ""},
	} {
		e := search(t, s, fmt.Sprintf(everything, tc.mode))[s.ID(1)]
		title, _ := at(e, "work", "title")
		if tc.nested == "id" && (title == people[1].Title || !strings.HasPrefix(title.(string), "2554900")) || tc.nested != "id" && title != tc.nested {
			t.Errorf("mode %q: title is %v", tc.mode, title)
		}
		if label, _ := at(e, "humanReadable", "work", "title"); tc.label != "" && label != tc.label {
			t.Errorf("mode %q: label is %v, want %q", tc.mode, label, tc.label)
		}
		if tc.birth != "" {
			day, _ := time.Parse(time.DateOnly, people[1].BirthDate)
			if got, _ := at(e, "humanReadable", "personal", "birthDate"); got != day.Format("02/01/2006") {
				t.Errorf("mode %q: labelled birth date is %v, want the locale's form", tc.mode, got)
			}
			if got, _ := at(e, "humanReadable", "work", "reportsTo"); got != people[0].Given+" "+people[0].Family {
				t.Errorf("mode %q: labelled manager is %v", tc.mode, got)
			}
		}
		if got, _ := at(e, "personal", "birthDate"); got != people[1].BirthDate {
			t.Errorf("mode %q: nested birth date is %v, want %s", tc.mode, got, people[1].BirthDate)
		}
	}
}

func TestFieldsWithoutPermissionOrPrefixAreLeftOutSilently(t *testing.T) {
	c := newClock()
	s := hibobsim.New(cast.Company(2, 1), hibobsim.Options{Now: c.Now})
	s.Revoke("lifecycle", "workContact")
	e := search(t, s, fmt.Sprintf(everything, ""))[s.ID(1)]
	if _, ok := at(e, "internal", "status"); !ok {
		t.Error("a revoked permission took effect at once, want a delay of 10 s")
	}
	c.now = c.now.Add(10 * time.Second)
	e = search(t, s, fmt.Sprintf(everything, ""))[s.ID(1)]
	for _, path := range [][]string{{"internal"}, {"employee"}, {"work", "workPhone"}, {slash("internal", "status")}} {
		if _, ok := at(e, path...); ok {
			t.Errorf("%v is there without permission", path)
		}
	}
	if _, ok := at(e, "work", "title"); !ok {
		t.Error("a field of a granted category is missing")
	}
	e = search(t, s, `{"fields":["email","displayName","root.firstName","nonsense.field"],"showInactive":true}`)[s.ID(1)]
	if d := cmp.Diff([]string{slash("root", "firstName"), "firstName", "id"}, slices.Sorted(maps.Keys(e))); d != "" {
		t.Errorf("keys of a search with ids that lack root. (-want +got):\n%s", d)
	}
}

func TestPeopleOutsideTheConditionAreMissingYetNamedAsManagers(t *testing.T) {
	c := newClock()
	s := hibobsim.New(cast.Company(12, 1), hibobsim.Options{Now: c.Now})
	s.SetPopulation(func(p cast.Person) bool { return p.Index != 1 })
	c.now = c.now.Add(10 * time.Second)
	found := search(t, s, fmt.Sprintf(everything, ""))
	if _, ok := found[s.ID(1)]; ok || len(found) != 11 {
		t.Fatalf("%d people are answered, hidden one among them: %v", len(found), ok)
	}
	if got, _ := at(found[s.ID(9)], "work", "reportsTo", "id"); got != s.ID(1) {
		t.Errorf("manager of the tenth is %v, want the hidden %s", got, s.ID(1))
	}
}

func TestBadRequestsAreRefused(t *testing.T) {
	s := hibobsim.New(cast.Company(2, 1), hibobsim.Options{})
	many := strings.TrimSuffix(strings.Repeat(`"root.id",`, 401), ",")
	for body, status := range map[string]int{
		`{"fields":["root.id"],"filters":[]}`: 400,
		`{"filters":{}}`:                      400,
		`{"filters":[{"fieldPath":"work.department","operator":"equals","values":["x"]}]}`:                                              400,
		`{"filters":[{"fieldPath":"root.id","operator":"in","values":["x"]}]}`:                                                          400,
		`{"filters":[{"fieldPath":"root.id","operator":"equals","values":[]},{"fieldPath":"root.id","operator":"equals","values":[]}]}`: 400,
		`{"fields":[` + many + `]}`: 400,
		`{"fields":`:                400,
		`{"humanReadable":"MAYBE"}`: 400,
		`{}`:                        200,
	} {
		if resp, _ := call(t, s, "POST", "/v1/people/search", body); resp.StatusCode != status {
			t.Errorf("%.80s: status %d, want %d", body, resp.StatusCode, status)
		}
	}
	if resp, _ := call(t, s, "GET", "/v1/bulk/people/lifecycle?limit=201", ""); resp.StatusCode != 400 {
		t.Errorf("limit 201: status %d, want 400", resp.StatusCode)
	}
}

func TestFiltersPickByIDOrEmail(t *testing.T) {
	people := cast.Company(5, 1)
	s := hibobsim.New(people, hibobsim.Options{})
	byID := search(t, s, `{"fields":["root.id"],"showInactive":true,"filters":[{"fieldPath":"root.id","operator":"equals","values":["`+s.ID(2)+`","`+s.ID(4)+`","1"]}]}`)
	if len(byID) != 2 || byID[s.ID(2)] == nil || byID[s.ID(4)] == nil {
		t.Errorf("by id: got %v", slices.Collect(maps.Keys(byID)))
	}
	byMail := search(t, s, `{"filters":[{"fieldPath":"root.email","operator":"equals","values":["`+people[3].Email+`"]}]}`)
	if len(byMail) != 1 || byMail[s.ID(3)] == nil {
		t.Errorf("by email: got %v", slices.Collect(maps.Keys(byMail)))
	}
}

func TestInactivePeopleAreShownOnRequestOnly(t *testing.T) {
	people := cast.Company(4, 1)
	people[1].Status, people[2].Status, people[3].Status = "terminated", "leave", "hired"
	people[3].Start = "2035-01-08"
	s := hibobsim.New(people, hibobsim.Options{})
	if got := len(search(t, s, `{"fields":["root.id"]}`)); got != 2 {
		t.Errorf("%d active people, want 2: the leaver and the one on leave are inactive", got)
	}
	if got := len(search(t, s, `{"fields":["root.id"],"showInactive":true}`)); got != 4 {
		t.Errorf("%d people in all, want 4", got)
	}
	stay := hibobsim.New(people, hibobsim.Options{ActiveOnLeave: true})
	if got := len(search(t, stay, `{"fields":["root.id"]}`)); got != 3 {
		t.Errorf("%d active people when those on leave remain active, want 3", got)
	}
}

func TestOrderChangesAndSeedDecidesIt(t *testing.T) {
	order := func(s http.Handler) string {
		_, v := call(t, s, "POST", "/v1/people/search", `{"fields":["root.id"],"showInactive":true}`)
		var ids []string
		for _, e := range v.(map[string]any)["employees"].([]any) {
			ids = append(ids, e.(map[string]any)["id"].(string))
		}
		return strings.Join(ids, " ")
	}
	a := hibobsim.New(cast.Company(30, 1), hibobsim.Options{Seed: 5})
	b := hibobsim.New(cast.Company(30, 1), hibobsim.Options{Seed: 5})
	a1, a2, b1 := order(a), order(a), order(b)
	if a1 == a2 {
		t.Error("two searches answer in the same order")
	}
	if a1 != b1 {
		t.Error("the same seed answers in different orders")
	}
}

func TestChangesShowAfterTwentySeconds(t *testing.T) {
	c := newClock()
	s := hibobsim.New(cast.Company(3, 1), hibobsim.Options{Now: c.Now})
	s.Update(1, func(p *cast.Person) { p.Family = "Renamed" })
	hired := s.Hire(cast.Person{Given: "New", Family: "Comer", Email: "new.comer@" + cast.Domain, Manager: 0, Status: "employed", Site: "Lyon", Start: "2026-11-01", FirstHired: "2026-11-01"})
	s.Remove(2)
	look := func() (string, int, bool, bool) {
		found := search(t, s, fmt.Sprintf(everything, ""))
		name, _ := at(found[s.ID(1)], "surname")
		return fmt.Sprint(name), len(found), found[s.ID(hired)] != nil, found[s.ID(2)] != nil
	}
	c.now = c.now.Add(19 * time.Second)
	if name, n, in, out := look(); name == "Renamed" || n != 3 || in || !out {
		t.Errorf("after 19 s: %s, %d people, newcomer %v, removed one %v; want nothing changed", name, n, in, out)
	}
	c.now = c.now.Add(time.Second)
	if name, n, in, out := look(); name != "Renamed" || n != 3 || !in || out {
		t.Errorf("after 20 s: %s, %d people, newcomer %v, removed one %v; want all changed", name, n, in, out)
	}
}

func TestStatusFlipsAtMidnightOfTheSite(t *testing.T) {
	people := cast.Company(3, 1)
	people[1].Site, people[2].Site = "Lyon", "Tokyo"
	c := &clock{time.Date(2026, 11, 30, 14, 30, 0, 0, time.UTC)}
	s := hibobsim.New(people, hibobsim.Options{Now: c.Now, Staleness: -1, Zones: map[string]*time.Location{
		"Lyon": time.FixedZone("CET", 3600), "Tokyo": time.FixedZone("JST", 9*3600),
	}})
	s.Terminate(1, "2026-12-01")
	s.Rehire(2, "2026-12-01")
	status := func() []any {
		found := search(t, s, fmt.Sprintf(everything, ""))
		a, _ := at(found[s.ID(1)], "internal", "lifecycleStatus")
		b, _ := at(found[s.ID(2)], "internal", "lifecycleStatus")
		return []any{a, b}
	}
	var got [][]any
	for _, hour := range []int{14, 15, 22, 23} {
		c.now = time.Date(2026, 11, 30, hour, 30, 0, 0, time.UTC)
		got = append(got, status())
	}
	want := [][]any{{"employed", "hired"}, {"employed", "employed"}, {"employed", "employed"}, {"terminated", "employed"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("leaver in Lyon and newcomer in Tokyo at 14:30, 15:30, 22:30, 23:30 UTC (-want +got):\n%s", d)
	}
	again := search(t, s, fmt.Sprintf(everything, ""))[s.ID(2)]
	if first, _ := at(again, "work", "originalStartDate"); first != people[2].FirstHired {
		t.Errorf("a rehire changed the original start date to %v", first)
	}
}

func TestRateIsPerEndpointAndMinute(t *testing.T) {
	c := newClock()
	s := hibobsim.New(cast.Company(1, 1), hibobsim.Options{Now: c.Now, RetryAfter: true})
	for n := 1; n <= 51; n++ {
		resp, _ := call(t, s, "POST", "/v1/people/search", `{}`)
		if want := map[bool]int{true: 200, false: 429}[n <= 50]; resp.StatusCode != want {
			t.Fatalf("request %d: status %d, want %d", n, resp.StatusCode, want)
		}
		got := []string{resp.Header.Get("X-RateLimit-Limit"), resp.Header.Get("X-RateLimit-Remaining"), resp.Header.Get("X-RateLimit-Reset")}
		if d := cmp.Diff([]string{"50", fmt.Sprint(max(0, 50-n)), fmt.Sprint(c.now.Add(time.Minute).Unix())}, got); d != "" {
			t.Fatalf("request %d: headers (-want +got):\n%s", n, d)
		}
		if n == 51 && resp.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After although it was asked for")
		}
	}
	if resp, _ := call(t, s, "GET", "/v1/company/people/fields", ""); resp.StatusCode != 200 {
		t.Errorf("another endpoint answers %d, want 200", resp.StatusCode)
	}
	c.now = c.now.Add(time.Minute)
	if resp, _ := call(t, s, "POST", "/v1/people/search", `{}`); resp.StatusCode != 200 {
		t.Errorf("a minute later: status %d, want 200", resp.StatusCode)
	}
}

func TestInsistingOnBadCredentialsLocksOut(t *testing.T) {
	c := newClock()
	s := hibobsim.New(cast.Company(1, 1), hibobsim.Options{Now: c.Now, Rate: -1})
	bad := func(r *http.Request) { r.SetBasicAuth("SERVICE-12345", "wrong") }
	good := func(r *http.Request) { r.SetBasicAuth("SERVICE-12345", "sim-token") }
	elsewhere := func(r *http.Request) { good(r); r.RemoteAddr = "198.51.100.7:1" }
	for n := 1; n <= 50; n++ {
		if resp, _ := callAs(t, s, "POST", "/v1/people/search", `{}`, bad); resp.StatusCode != 401 {
			t.Fatalf("attempt %d: status %d, want 401", n, resp.StatusCode)
		}
		c.now = c.now.Add(100 * time.Millisecond)
	}
	if resp, _ := callAs(t, s, "POST", "/v1/people/search", `{}`, good); resp.StatusCode != 403 {
		t.Errorf("good credentials from the blocked address: status %d, want 403", resp.StatusCode)
	}
	if resp, _ := callAs(t, s, "POST", "/v1/people/search", `{}`, elsewhere); resp.StatusCode != 200 {
		t.Errorf("good credentials from elsewhere: status %d, want 200", resp.StatusCode)
	}
	c.now = c.now.Add(5 * time.Minute)
	if resp, _ := callAs(t, s, "POST", "/v1/people/search", `{}`, good); resp.StatusCode != 200 {
		t.Errorf("five minutes later: status %d, want 200", resp.StatusCode)
	}
	// Slower than 50 in 10 s is not blocked.
	for range 60 {
		callAs(t, s, "POST", "/v1/people/search", `{}`, bad)
		c.now = c.now.Add(time.Second)
	}
	if resp, _ := callAs(t, s, "POST", "/v1/people/search", `{}`, good); resp.StatusCode != 200 {
		t.Errorf("after slow refusals: status %d, want 200", resp.StatusCode)
	}
}

func TestRefusedPermissionsBlockTheirCredentials(t *testing.T) {
	c := newClock()
	s := hibobsim.New(cast.Company(1, 1), hibobsim.Options{Now: c.Now, Rate: -1, PermissionDelay: -1})
	s.Revoke("employment", "lifecycle")
	if resp, _ := call(t, s, "GET", "/v1/people/"+s.ID(0)+"/lifecycle", ""); resp.StatusCode != 401 {
		t.Errorf("lifecycle without permission: %d, want the 401 that some refusals come as", resp.StatusCode)
	}
	for range 49 {
		if resp, _ := call(t, s, "GET", "/v1/people/"+s.ID(0)+"/employment", ""); resp.StatusCode != 403 {
			t.Fatalf("employment without permission: %d, want 403", resp.StatusCode)
		}
	}
	if resp, _ := call(t, s, "POST", "/v1/people/search", `{}`); resp.StatusCode != 403 {
		t.Errorf("after 50 refusals: %d, want 403 for everything with these credentials", resp.StatusCode)
	}
}

func TestOldTokensAndMissingCredentialsAreRefused(t *testing.T) {
	s := hibobsim.New(cast.Company(1, 1), hibobsim.Options{})
	for _, auth := range []string{"", "sim-token", "Bearer sim-token", "Basic !!"} {
		resp, _ := callAs(t, s, "POST", "/v1/people/search", `{}`, func(r *http.Request) {
			if auth != "" {
				r.Header.Set("Authorization", auth)
			}
		})
		if resp.StatusCode != 401 {
			t.Errorf("Authorization %q: status %d, want 401", auth, resp.StatusCode)
		}
	}
}

func TestUnknownPathsAnswerAWebPage(t *testing.T) {
	s := hibobsim.New(cast.Company(1, 1), hibobsim.Options{})
	for _, path := range []string{"/v1/people/1/variables", "/v2/people/search", "/", "/v1/bulk/people/entitlements"} {
		resp, _ := call(t, s, "GET", path, "")
		if resp.StatusCode != 200 || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%s: %d %s, want 200 text/html", path, resp.StatusCode, resp.Header.Get("Content-Type"))
		}
	}
	resp, _ := callAs(t, s, "GET", "/v1/people/1/bank-accounts", "", func(r *http.Request) {
		r.SetBasicAuth("SERVICE-12345", "sim-token")
		r.Header.Set("Content-Type", "application/json")
	})
	if resp.StatusCode != 400 || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		t.Errorf("GET with a content type: %d %s, want 400 text/html", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
}

func TestMetadataListsFieldsThatCannotBeRead(t *testing.T) {
	s := hibobsim.New(cast.Company(1, 1), hibobsim.Options{PermissionDelay: -1, CustomFields: []hibobsim.CustomField{badge()}})
	s.Revoke("lifecycle")
	_, v := call(t, s, "GET", "/v1/company/people/fields", "")
	byID := map[string]map[string]any{}
	for _, f := range v.([]any) {
		byID[f.(map[string]any)["id"].(string)] = f.(map[string]any)
	}
	f := byID["internal.lifecycleStatus"]
	if f["categoryDisplayName"] != "Lifecycle" || f["jsonPath"] != "internal.lifecycleStatus" || f["type"] != "list" {
		t.Errorf("metadata of the lifecycle status: %v", f)
	}
	if f := byID["root.email"]; f["jsonPath"] != "email" || f["categoryDisplayName"] != "Basic info" {
		t.Errorf("metadata of the email: %v", f)
	}
	if byID["work.custom.field_1651169416679"]["name"] != "Badge group" {
		t.Errorf("the custom field is not in the metadata")
	}
}

func TestNamedListsAreCaseSensitive(t *testing.T) {
	s := hibobsim.New(cast.Company(1, 1), hibobsim.Options{})
	if resp, v := call(t, s, "GET", "/v1/company/named-lists/lifecycleStatus", ""); resp.StatusCode != 200 || len(v.(map[string]any)["values"].([]any)) != 6 {
		t.Errorf("lifecycleStatus: %d %v", resp.StatusCode, v)
	}
	if resp, _ := call(t, s, "GET", "/v1/company/named-lists/lifecyclestatus", ""); resp.StatusCode != 404 {
		t.Errorf("lifecyclestatus: status %d, want 404", resp.StatusCode)
	}
	if _, v := call(t, s, "GET", "/v1/company/named-lists", ""); v.(map[string]any)["title"] == nil {
		t.Errorf("all lists: no title in %v", v)
	}
}

func TestSinglePersonIsNotWrapped(t *testing.T) {
	people := cast.Company(2, 1)
	s := hibobsim.New(people, hibobsim.Options{})
	for _, identifier := range []string{s.ID(1), people[1].Email} {
		_, v := call(t, s, "POST", "/v1/people/"+identifier, `{"fields":["root.email"]}`)
		if v.(map[string]any)["email"] != people[1].Email {
			t.Errorf("%s: got %v", identifier, v)
		}
	}
	if resp, _ := call(t, s, "POST", "/v1/people/1", `{}`); resp.StatusCode != 404 {
		t.Errorf("unknown person: status %d, want 404", resp.StatusCode)
	}
}

func TestBulkTablesPageByCursor(t *testing.T) {
	s := hibobsim.New(cast.Company(23, 1), hibobsim.Options{})
	seen, cursor, pages := map[string]bool{}, "", 0
	for {
		_, v := call(t, s, "GET", "/v1/bulk/people/work?limit=10&cursor="+cursor, "")
		for _, row := range v.(map[string]any)["values"].([]any) {
			seen[row.(map[string]any)["employeeId"].(string)] = true
		}
		pages++
		next, _ := at(v, "response_metadata", "next_cursor")
		if next == nil {
			break
		}
		if cursor = next.(string); pages > 5 {
			t.Fatal("the walk does not end")
		}
	}
	if pages != 3 || len(seen) != 23 {
		t.Errorf("%d pages with %d people, want 3 with 23", pages, len(seen))
	}
}

func TestFaultsComeAsAskedFor(t *testing.T) {
	s := hibobsim.New(cast.Company(20, 1), hibobsim.Options{Seed: 3})
	srv := httptest.NewServer(s)
	defer srv.Close()
	send := func(ctx context.Context) (int, string, string, error) {
		r, _ := http.NewRequestWithContext(ctx, "POST", srv.URL+"/v1/people/search", strings.NewReader(`{"fields":["root.id"],"showInactive":true}`))
		r.SetBasicAuth("SERVICE-12345", "sim-token")
		resp, err := srv.Client().Do(r)
		if err != nil {
			return 0, "", "", err
		}
		defer resp.Body.Close()
		raw, err := io.ReadAll(resp.Body)
		return resp.StatusCode, resp.Header.Get("Content-Type"), string(raw), err
	}
	count := func(body string) int { return strings.Count(body, `"id":"`) }
	for _, tc := range []struct {
		fault hibobsim.Fault
		check func(status int, kind, body string, err error) bool
	}{
		{hibobsim.Fault{Kind: hibobsim.Status, Status: 502}, func(st int, k, b string, err error) bool { return st == 502 && k == "application/json" }},
		{hibobsim.Fault{Kind: hibobsim.Page}, func(st int, k, b string, err error) bool { return st == 200 && strings.HasPrefix(k, "text/html") }},
		{hibobsim.Fault{Kind: hibobsim.Page, Status: 503}, func(st int, k, b string, err error) bool { return st == 503 && strings.HasPrefix(k, "text/html") }},
		{hibobsim.Fault{Kind: hibobsim.Empty}, func(st int, k, b string, err error) bool { return st == 200 && b == `{"employees":[]}` }},
		{hibobsim.Fault{Kind: hibobsim.Half}, func(st int, k, b string, err error) bool { return st == 200 && count(b) == 10 && json.Valid([]byte(b)) }},
		{hibobsim.Fault{Kind: hibobsim.Cut}, func(st int, k, b string, err error) bool { return err == nil && !json.Valid([]byte(b)) }},
		{hibobsim.Fault{Kind: hibobsim.Reset}, func(st int, k, b string, err error) bool { return err != nil }},
	} {
		s.FailNext(1, tc.fault)
		if st, kind, body, err := send(t.Context()); !tc.check(st, kind, body, err) {
			t.Errorf("fault %+v: %d %s %q %v", tc.fault, st, kind, body, err)
		}
		if st, _, body, err := send(t.Context()); st != 200 || err != nil || count(body) != 20 {
			t.Errorf("after fault %+v: %d, %d people, %v; want all well again", tc.fault, st, count(body), err)
		}
	}
	s.FailNext(1, hibobsim.Fault{Kind: hibobsim.Hang})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, _, _, err := send(ctx); err == nil {
		t.Error("a hanging request was answered")
	}
	s.SetFaults(0.5, hibobsim.Fault{Kind: hibobsim.Status, Status: 500})
	bad := 0
	for range 30 {
		if st, _, _, _ := send(t.Context()); st == 500 {
			bad++
		}
	}
	if bad < 5 || bad > 25 {
		t.Errorf("%d of 30 requests failed at a rate of one half", bad)
	}
	if n := s.Requests()["POST /people/search"]; n != 45 {
		t.Errorf("%d searches counted, want 45", n)
	}
}

func TestSimIsSafeForConcurrentUse(t *testing.T) {
	s := hibobsim.New(cast.Company(20, 1), hibobsim.Options{Rate: -1, Staleness: -1})
	done := make(chan bool)
	for n := range 4 {
		go func() {
			defer func() { done <- true }()
			for i := range 20 {
				r := httptest.NewRequest("POST", "/v1/people/search", strings.NewReader(fmt.Sprintf(everything, `,"humanReadable":"APPEND"`)))
				r.SetBasicAuth("SERVICE-12345", "sim-token")
				s.ServeHTTP(httptest.NewRecorder(), r)
				s.Update(n, func(p *cast.Person) { p.Title = fmt.Sprint("Title ", i, n) })
				s.Hire(cast.Person{Given: "New", Manager: 0})
			}
		}()
	}
	for range 4 {
		<-done
	}
}
