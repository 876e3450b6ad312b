package hibob_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
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

// simulated answers from a simulator in memory.
func simulated(s http.Handler) canned {
	return func(r *http.Request) *http.Response {
		if r.Body == nil {
			r.Body = http.NoBody
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Result()
	}
}

func newSim(people []cast.Person, change func(*hibobsim.Options)) *hibobsim.Sim {
	opts := hibobsim.Options{ServiceUserID: user, Token: token, Seed: 11}
	if change != nil {
		change(&opts)
	}
	return hibobsim.New(people, opts)
}

// observe maps one employee given as JSON members.
func observe(t testing.TB, members string, change func(*hibob.Config)) model.Observation {
	t.Helper()
	return mustRead(t, newSource(t, people(`{"employees":[{"id":"1",`+members+`}]}`), change))["1"]
}

const employed = `"internal":{"lifecycleStatus":"employed","status":"Active"}`

func TestRequestAsksForTheMapAndNothingElse(t *testing.T) {
	var sent map[string]any
	var header http.Header
	s := newSource(t, canned(func(r *http.Request) *http.Response {
		raw, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(raw, &sent); err != nil {
			t.Error(err)
		}
		header = r.Header
		if r.URL.String() != "https://api.hibob.example/v1/people/search" || r.Method != "POST" {
			t.Errorf("request is %s %s", r.Method, r.URL)
		}
		return response(200, "application/json", `{"employees":[]}`)
	}), func(c *hibob.Config) {
		c.CustomFields = []string{"work.custom.field_1696_team", "humanReadable.work.title", "secondName"}
		c.SkipField = "work.custom.field_1700_skip"
	})
	mustRead(t, s)
	var fields []string
	for _, f := range sent["fields"].([]any) {
		fields = append(fields, f.(string))
	}
	delete(sent, "fields")
	if d := cmp.Diff(map[string]any{"showInactive": true, "humanReadable": "APPEND"}, sent); d != "" {
		t.Errorf("the rest of the body (-want +got); filters must be left out when unused:\n%s", d)
	}
	for _, want := range []string{"root.id", "root.email", "work.reportsTo", "internal.lifecycleStatus", "work.custom.field_1696_team", "root.secondName", "work.custom.field_1700_skip"} {
		if !slices.Contains(fields, want) {
			t.Errorf("%s is not asked for", want)
		}
	}
	for _, f := range fields {
		if strings.HasPrefix(f, "home.private") || strings.HasPrefix(f, "home.mobile") || strings.HasPrefix(f, "humanReadable") || !strings.Contains(f, ".") {
			t.Errorf("%s is asked for", f)
		}
	}
	if slices.Sort(fields); len(slices.Compact(slices.Clone(fields))) != len(fields) {
		t.Errorf("a field is asked for twice: %q", fields)
	}
	if u, p, ok := (&http.Request{Header: header}).BasicAuth(); !ok || u != user || p != token {
		t.Error("the credentials are not sent as HTTP Basic")
	}
}

func TestAbsentNullAndValueAreToldApart(t *testing.T) {
	o := observe(t, employed+`,"email":"ada@halcyon-atelier.example","surname":"","work":{"site":null,"title":null,"reportsTo":null,"startDate":"2020-01-02"},"personal":null`, nil)
	want := model.Attributes{
		model.Email: model.Text("ada@halcyon-atelier.example"), model.FamilyName: model.Null(), model.Site: model.Null(), model.Title: model.Null(),
		model.Manager: model.Null(), model.StartDate: model.Text("2020-01-02"), model.FirstHiredOn: model.Text("2020-01-02"),
	}
	if d := cmp.Diff(want, o.Attributes); d != "" {
		t.Errorf("attributes (-want +got):\n%s", d)
	}
}

func TestFieldsAreMappedByKind(t *testing.T) {
	for _, tc := range []struct {
		name, members string
		attribute     model.Name
		want          *model.Value // nil: absent
		field, notice string
	}{
		{"number kept digit by digit", `"work":{"employeeIdInCompany":9007199254740993}`, model.EmployeeNumber, value("9007199254740993"), "work.employeeIdInCompany", ""},
		{"employee number as text", `"work":{"employeeIdInCompany":"00057"}`, model.EmployeeNumber, value("00057"), "work.employeeIdInCompany", ""},
		{"escaped letters", `"firstName":"Zo\u00eb \ud83d\ude80 \"Z\""`, model.GivenName, value(`Zoë 🚀 "Z"`), "root.firstName", ""},
		{"text that is an object", `"firstName":{"x":1}`, model.GivenName, nil, "", "root.firstName is neither"},
		{"label", `"work":{"title":"255"},"humanReadable":{"work":{"title":"Welder"}}`, model.Title, value("Welder"), "work.title, label", ""},
		{"no label", `"work":{"title":"255"},"humanReadable":{"work":{}}`, model.Title, value("255"), "work.title", ""},
		{"label of a null", `"work":{"title":null},"humanReadable":{"work":{"title":"Welder"}}`, model.Title, &model.Value{Null: true}, "work.title", ""},
		{"date", `"personal":{"birthDate":"1990-02-28"},"humanReadable":{"personal":{"birthDate":"28/02/1990"}}`, model.BirthDate, value("1990-02-28"), "personal.birthDate", ""},
		{"date with an empty time", `"personal":{"birthDate":"1990-02-28T00:00:00"}`, model.BirthDate, value("1990-02-28"), "personal.birthDate", ""},
		{"day that is none", `"personal":{"birthDate":"1990-02-30"}`, model.BirthDate, nil, "", "personal.birthDate is not a date"},
		{"date in a locale's form", `"personal":{"birthDate":"28/02/1990"}`, model.BirthDate, nil, "", "personal.birthDate is not a date"},
		{"number as date", `"personal":{"birthDate":19900228}`, model.BirthDate, nil, "", "personal.birthDate is not a date"},
		{"first hired from the start", `"work":{"startDate":"2020-01-02","originalStartDate":null}`, model.FirstHiredOn, value("2020-01-02"), "work.startDate", ""},
		{"mobile for the work phone", `"work":{"workPhone":null,"workMobile":"+33 6"}`, model.WorkPhone, value("+33 6"), "work.workMobile", ""},
		{"never the personal mobile", `"work":{"workPhone":null,"workMobile":null},"home":{"mobilePhone":"+33 7"}`, model.WorkPhone, &model.Value{Null: true}, "work.workPhone", ""},
		{"gender by label", `"home":{"legalGender":"901"},"humanReadable":{"home":{"legalGender":"Female"}}`, model.Gender, value("female"), "home.legalGender, label", ""},
		{"gender in French", `"home":{"legalGender":"Féminin"}`, model.Gender, value("female"), "home.legalGender", ""},
		{"gender that targets do not know", `"home":{"legalGender":"Non-binary"}`, model.Gender, &model.Value{Null: true}, "home.legalGender", ""},
		{"gender not told", `"home":{"legalGender":null}`, model.Gender, nil, "", ""},
		{"spare gender", `"home":{"legalGender":null},"employee":{"legalSex":"Male"}`, model.Gender, value("male"), "employee.legalSex", ""},
		{"manager by id only", `"work":{"reportsTo":{"id":7}}`, model.Manager, &model.Value{Refs: []model.Reference{{By: model.RefNative, Value: "7"}}}, "work.reportsTo", ""},
		{"manager by email only", `"work":{"reportsTo":{"email":"b@x.example","id":null}}`, model.Manager, &model.Value{Text: "b@x.example", Refs: []model.Reference{{By: model.RefEmail, Value: "b@x.example"}}}, "work.reportsTo", ""},
		{"manager without reference", `"work":{"reportsTo":{"displayName":"Bo"}}`, model.Manager, nil, "", "work.reportsTo names neither"},
		{"manager as text", `"work":{"reportsTo":"7"}`, model.Manager, nil, "", "work.reportsTo names neither"},
	} {
		o := observe(t, employed+","+tc.members, nil)
		got, ok := o.Attributes[tc.attribute]
		switch {
		case tc.want == nil && ok:
			t.Errorf("%s: %s is %+v, want it absent", tc.name, tc.attribute, got)
		case tc.want != nil && (!ok || !got.Equal(*tc.want)):
			t.Errorf("%s: %s is %+v (present %v), want %+v", tc.name, tc.attribute, got, ok, *tc.want)
		case o.Fields[tc.attribute] != tc.field:
			t.Errorf("%s: came from %q, want %q", tc.name, o.Fields[tc.attribute], tc.field)
		}
		notices := strings.Join(o.Notices, "; ")
		if tc.notice == "" && notices != "" || !strings.Contains(notices, tc.notice) {
			t.Errorf("%s: notices %q, want %q", tc.name, notices, tc.notice)
		}
	}
}

func value(s string) *model.Value { v := model.Text(s); return &v }

func TestStatusComesFromTheLifecycle(t *testing.T) {
	for _, tc := range []struct {
		internal, raw string
		want          model.Status
	}{
		{`{"lifecycleStatus":"hired","status":"Active"}`, "hired", model.Pending},
		{`{"lifecycleStatus":"employed","status":"Active"}`, "employed", model.Active},
		{`{"lifecycleStatus":"employed"}`, "employed", model.Active},
		{`{"lifecycleStatus":"Garden_Leave","status":"Inactive"}`, "Garden_Leave", model.Leave},
		{`{"lifecycleStatus":"gardenLeave","status":"Active"}`, "gardenLeave", model.Leave},
		{`{"lifecycleStatus":"parental leave","status":"Inactive"}`, "parental leave", model.Leave},
		{`{"lifecycleStatus":"leave","status":"Inactive"}`, "leave", model.Leave},
		{`{"lifecycleStatus":"terminated","status":"Inactive"}`, "terminated", model.Inactive},
		{`{"lifecycleStatus":"terminated","status":"Active"}`, "terminated", model.Inactive},
		{`{"lifecycleStatus":"employed","status":"Inactive"}`, "employed, Inactive", model.Inactive},
		{`{"lifecycleStatus":"sabbatical","status":"Inactive"}`, "sabbatical, Inactive", model.Inactive},
		{`{"lifecycleStatus":"sabbatical","status":"Active"}`, "sabbatical", model.Unknown},
		{`{"lifecycleStatus":"sabbatical"}`, "sabbatical", model.Unknown},
		{`{"lifecycleStatus":null,"status":"Inactive"}`, "", model.Unknown},
		{`{"lifecycleStatus":null,"status":"Active"}`, "", model.Unknown},
		{`{"lifecycleStatus":{},"status":"Active"}`, "", model.Unknown},
	} {
		o := observe(t, `"internal":`+tc.internal, nil)
		if o.Status != tc.want || o.RawStatus != tc.raw {
			t.Errorf("%s: %s (%q), want %s (%q)", tc.internal, o.Status, o.RawStatus, tc.want, tc.raw)
		}
	}
	labelled := observe(t, `"internal":{"lifecycleStatus":"881"},"humanReadable":{"internal":{"lifecycleStatus":"Employed"}}`, nil)
	if labelled.Status != model.Active {
		t.Errorf("a status that is told by its label only is %s, want active", labelled.Status)
	}
}

func TestPersonWithoutLifecycleAmongOthersIsUnknown(t *testing.T) {
	byID := mustRead(t, newSource(t, people(`{"employees":[{"id":"1","internal":{"status":"Inactive"}},{"id":"2",`+employed+`}]}`), nil))
	if byID["1"].Status != model.Unknown || len(byID["1"].Notices) != 1 || byID["2"].Status != model.Active {
		t.Errorf("got %s with notices %q and %s; want unknown with a notice, and active", byID["1"].Status, byID["1"].Notices, byID["2"].Status)
	}
}

func TestDocumentIsTheNestedFormInCanonicalOrder(t *testing.T) {
	a := observe(t, `"\/work\/site":{"value":"Lyon"},"work":{"custom":{"field_2":true,"field_1":[{"b":1,"a":9007199254740993}]},"tenureDuration":{"humanize":"3 years"},"site":"Lyon"},"avatarUrl":"https://x.example/1",`+employed+`,"firstName":"Zo\u00eb"`, nil)
	b := observe(t, `"firstName":"Zoë","internal":{"status":"Active","lifecycleStatus":"employed"},"avatarUrl":"https://x.example/2","work":{"site":"Lyon", "tenureDuration":{"humanize":"4 years"},"custom":{"field_1":[{"a":9007199254740993,"b":1}],"field_2":true}}`, nil)
	want := `{"firstName":"Zoë","id":"1","internal":{"lifecycleStatus":"employed","status":"Active"},"work":{"custom":{"field_1":[{"a":9007199254740993,"b":1}],"field_2":true},"site":"Lyon"}}`
	if string(a.Document) != want || string(b.Document) != want {
		t.Errorf("documents\n%s\n%s\nwant\n%s", a.Document, b.Document, want)
	}
}

func TestSkipFieldDecidesTheScope(t *testing.T) {
	for members, want := range map[string]model.ScopeState{
		`"work":{"custom":{"skip":true}}`:     model.OutOfScope,
		`"work":{"custom":{"skip":"Yes"}}`:    model.OutOfScope,
		`"work":{"custom":{"skip":1}}`:        model.OutOfScope,
		`"work":{"custom":{"skip":false}}`:    model.InScope,
		`"work":{"custom":{"skip":null}}`:     model.InScope,
		`"work":{"custom":{"skip":""}}`:       model.InScope,
		`"work":{"custom":{"skip":"maybe"}}`:  model.HeldScope,
		`"work":{"custom":{"skip":{"x":1}}}`:  model.HeldScope,
		`"work":{"custom":{"other":"thing"}}`: model.HeldScope,
		`"work":{"site":"Lyon"}`:              model.HeldScope,
	} {
		o := observe(t, employed+","+members, func(c *hibob.Config) { c.SkipField = "work.custom.skip" })
		if o.Scope.State != want || (want != model.InScope) != (o.Scope.Reason != "") {
			t.Errorf("%s: scope %+v, want %q and a reason unless in scope", members, o.Scope, want)
		}
	}
}

func TestBodiesThatAreNotAListOfEmployeesAreErrors(t *testing.T) {
	one := `{"id":"1",` + employed + `}`
	for _, body := range []string{
		``, `null`, `[]`, `{}`, `{"employees":null}`, `{"employees":{}}`, `{"employees":[7]}`, `{"employees":[[]]}`, `{"employees":[null]}`,
		`{"employees":[{"email":"x"}]}`, `{"employees":[{"id":null}]}`, `{"employees":[{"id":""}]}`, `{"employees":[{"id":true}]}`, `{"employees":[{"id":{}}]}`,
		`{"employees":[` + one + `,` + one + `]}`, `{"employees":[` + one + `],"employees":[]}`, `{"employees":[` + one + `]}{}`, `{"employees":[` + one + `]}x`,
		`{"employees":[` + one + `]`, `{"employees":[` + one, `{"employees":[` + one + `,`, `{"employees":[` + one + `}`, `{"employees":[` + one + `;`,
		`{"employees":[{"id":"1","work":{"employeeIdInCompany":00057}}]}`, `{"employees":[{"id":"1","a":` + strings.Repeat(`{"a":`, 40) + `1` + strings.Repeat(`}`, 40) + `}]}`,
		`{"next":` + strings.Repeat("[", 20000),
	} {
		_, pages, err := readAll(t, newSource(t, people(body), nil))
		if connectors.ClassOf(err) != connectors.Transient {
			t.Errorf("%.90s: class %v, error %v; want transient", body, connectors.ClassOf(err), err)
		}
		for _, p := range pages {
			if p.Last {
				t.Errorf("%.90s: a last page was yielded", body)
			}
		}
	}
	for _, body := range []string{`{"employees":[` + one + `]}`, ` {"meta":{"x":[1]},"employees":[ ` + one + ` ],"more":null} ` + "\n", `{"employees":[{"id":1,` + employed + `}]}`} {
		if byID := mustRead(t, newSource(t, people(body), nil)); len(byID) != 1 {
			t.Errorf("%s: %d people, want 1", body, len(byID))
		}
	}
}

func TestPagesHoldFiveHundredAndTheLastIsTheLast(t *testing.T) {
	for n, want := range map[int][]int{1: {1}, 500: {500}, 501: {500, 1}, 1000: {500, 500}, 1203: {500, 500, 203}} {
		rows := make([]string, n)
		for i := range rows {
			rows[i] = fmt.Sprintf(`{"id":"%d",%s}`, i+1, employed)
		}
		_, pages, err := readAll(t, newSource(t, people(`{"employees":[`+strings.Join(rows, ",")+`]}`), nil))
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for i, p := range pages {
			got = append(got, len(p.People))
			if p.Last != (i == len(pages)-1) || p.Next != "" {
				t.Errorf("%d people: page %d has Last %v, Next %q", n, i+1, p.Last, p.Next)
			}
		}
		if d := cmp.Diff(want, got); d != "" || pages[len(pages)-1].Total != n {
			t.Errorf("%d people: total %d, pages (-want +got):\n%s", n, pages[len(pages)-1].Total, d)
		}
	}
}

func TestReadLeftInTheMiddleOfTheBodyEndsItsRequest(t *testing.T) {
	sim := newSim(cast.Company(700, 3), nil)
	srv := httptest.NewServer(sim)
	defer srv.Close() // waits for requests that are still open
	base, err := url.Parse(srv.URL + "/v1")
	if err != nil {
		t.Fatal(err)
	}
	s := newSource(t, srv.Client().Transport, func(c *hibob.Config) { c.BaseURL = base })
	for page, err := range s.Read(t.Context(), "") {
		if err != nil || page.Last || len(page.People) != 500 {
			t.Fatalf("first page: %d people, last %v, %v", len(page.People), page.Last, err)
		}
		break
	}
	if byID := mustRead(t, s); len(byID) != 700 {
		t.Errorf("%d people in the read after it, want 700", len(byID))
	}
}

func TestBatchesAskForExactlyTheIDsOnce(t *testing.T) {
	sim := newSim(cast.Company(25, 3), nil)
	var batches [][]string
	s := newSource(t, canned(func(r *http.Request) *http.Response {
		raw, _ := io.ReadAll(r.Body)
		var sent struct{ Filters []struct{ Values []string } }
		if err := json.Unmarshal(raw, &sent); err != nil {
			t.Error(err)
		}
		if len(sent.Filters) == 1 {
			batches = append(batches, sent.Filters[0].Values)
		}
		r.Body = io.NopCloser(strings.NewReader(string(raw)))
		return simulated(sim)(r)
	}), func(c *hibob.Config) { c.BatchSize = 10 })
	byID, pages, err := readAll(t, s)
	if err != nil || len(byID) != 25 || len(pages) != 3 || len(batches) != 3 {
		t.Fatalf("%d people in %d pages by %d batches, %v", len(byID), len(pages), len(batches), err)
	}
	for i, b := range batches {
		if !slices.IsSorted(b) || i < 2 && string(pages[i].Next) != b[len(b)-1] || pages[i].Total != 25 {
			t.Errorf("batch %d: %d ids, cursor %q, total %d", i+1, len(b), pages[i].Next, pages[i].Total)
		}
	}
}

func TestResumedBatchesMissNobodyWhenPeopleComeAndGo(t *testing.T) {
	sim := newSim(cast.Company(20, 3), func(o *hibobsim.Options) { o.Staleness = -1 })
	make10 := func(c *hibob.Config) { c.BatchSize = 10 }
	var cursor connectors.Cursor
	seen := map[string]bool{}
	for page, err := range newSource(t, simulated(sim), make10).Read(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.People {
			seen[o.Native] = true
		}
		cursor = page.Next
		break
	}
	// One who was read already leaves: by position, the eleventh would be skipped.
	sim.Remove(2)
	hired := sim.Hire(cast.Person{Given: "New", Family: "Comer", Email: "new@" + cast.Domain, Status: "employed", Manager: -1})
	for page, err := range newSource(t, simulated(sim), make10).Read(t.Context(), cursor) {
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.People {
			if seen[o.Native] {
				t.Errorf("%s is yielded again", o.Native)
			}
			seen[o.Native] = true
		}
	}
	if len(seen) != 21 || !seen[sim.ID(hired)] {
		t.Errorf("%d people seen, newcomer among them: %v; want 21 with the newcomer", len(seen), seen[sim.ID(hired)])
	}
}

func TestResumedBatchesFollowTheIDsByValue(t *testing.T) {
	ids := []string{"8", "9", "10", "11"}
	var first []string
	s := newSource(t, canned(func(r *http.Request) *http.Response {
		var sent struct{ Filters []struct{ Values []string } }
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
			t.Error(err)
		}
		answer := ids
		if len(sent.Filters) == 1 {
			answer = sent.Filters[0].Values
			first = append(first, answer[0])
		}
		var rows []string
		for _, id := range answer {
			rows = append(rows, `{"id":"`+id+`",`+employed+`}`)
		}
		return response(200, "application/json", `{"employees":[`+strings.Join(rows, ",")+`]}`)
	}), func(c *hibob.Config) { c.BatchSize = 2 })
	mustRead(t, s)
	// Ids grow: a newcomer's may have a digit more than the cursor's.
	if d := cmp.Diff([]string{"8", "10"}, first); d != "" {
		t.Errorf("first ids of the batches (-want +got):\n%s", d)
	}
}

func TestShortBatchIsAnError(t *testing.T) {
	sim := newSim(cast.Company(20, 3), nil)
	n := 0
	s := newSource(t, canned(func(r *http.Request) *http.Response {
		if n++; n == 3 {
			sim.FailNext(1, hibobsim.Fault{Kind: hibobsim.Half})
		}
		return simulated(sim)(r)
	}), func(c *hibob.Config) { c.BatchSize = 10 })
	_, pages, err := readAll(t, s)
	if connectors.ClassOf(err) != connectors.Transient || len(pages) != 1 {
		t.Errorf("%d pages and %v, want one page and a transient error", len(pages), err)
	}
}

func TestRevokedLifecycleIsNoticedInTheMiddleOfBatches(t *testing.T) {
	sim := newSim(cast.Company(20, 3), func(o *hibobsim.Options) { o.PermissionDelay = -1 })
	sim.Revoke("lifecycle")
	_, pages, err := readAll(t, newSource(t, simulated(sim), func(c *hibob.Config) { c.BatchSize = 10 }))
	if connectors.ClassOf(err) != connectors.Denied || len(pages) != 0 {
		t.Errorf("%d pages and %v, want none and a denied error", len(pages), err)
	}
}

func TestReadsStayWithinTheRateBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSim(cast.Company(95, 3), nil)
		s := newSource(t, simulated(sim), func(c *hibob.Config) { c.BatchSize = 1 })
		start := time.Now()
		byID, _, err := readAll(t, s)
		if err != nil || len(byID) != 95 {
			t.Fatalf("%d people, %v", len(byID), err)
		}
		if took := time.Since(start); took < 2*time.Minute || took > 3*time.Minute {
			t.Errorf("96 requests took %v, want two to three minutes at 40 a minute", took)
		}
	})
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	parse := func(s string) *url.URL {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	good := hibob.Config{ServiceUserID: user, Token: token}
	if _, err := hibob.New(good); err != nil {
		t.Errorf("the smallest configuration: %v", err)
	}
	var many []string
	for i := range 400 {
		many = append(many, fmt.Sprintf("work.custom.f%d", i))
	}
	for what, change := range map[string]func(*hibob.Config){
		"no user":               func(c *hibob.Config) { c.ServiceUserID = "" },
		"user with a colon":     func(c *hibob.Config) { c.ServiceUserID = "a:b" },
		"no token":              func(c *hibob.Config) { c.Token = "" },
		"plain http":            func(c *hibob.Config) { c.BaseURL = parse("http://api.hibob.example/v1") },
		"another scheme":        func(c *hibob.Config) { c.BaseURL = parse("ftp://api.hibob.example") },
		"no host":               func(c *hibob.Config) { c.BaseURL = parse("/v1") },
		"negative batch":        func(c *hibob.Config) { c.BatchSize = -1 },
		"absurd batch":          func(c *hibob.Config) { c.BatchSize = 1 << 20 },
		"too many fields":       func(c *hibob.Config) { c.CustomFields = many },
		"field that is no path": func(c *hibob.Config) { c.CustomFields = []string{"work.custom.f 1"} },
		"empty field":           func(c *hibob.Config) { c.CustomFields = []string{""} },
		"skip field is no path": func(c *hibob.Config) { c.SkipField = "work..x" },
	} {
		c := good
		change(&c)
		if _, err := hibob.New(c); connectors.ClassOf(err) != connectors.Misconfigured || strings.Contains(err.Error(), token) {
			t.Errorf("%s: %v, want a misconfigured error", what, err)
		}
	}
	if _, err := hibob.New(hibob.Config{ServiceUserID: user, Token: token, BaseURL: parse("http://127.0.0.1:8080/v1")}); err != nil {
		t.Errorf("plain http on loopback: %v", err)
	}
}
