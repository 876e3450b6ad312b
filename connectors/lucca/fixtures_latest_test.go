package lucca

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
	"rollcall/connectors"
)

func TestRecordedExchangesOfTheNewAPIAreUnderstood(t *testing.T) {
	f := newFixtures(t, "latest")
	// healthy answers as the tenant of the recordings does.
	healthy := func(r *http.Request) string {
		switch resource := strings.TrimPrefix(r.URL.Path, "/lucca-api/"); resource {
		case "/connect/token":
			return "01-token.200.json"
		case "employees":
			if r.URL.Query().Get("page") == "!S7DHF" {
				return "04-employees-page2.200.json"
			}
			return "03-employees-page1.200.json"
		case "employments":
			return "06-employments.200.json"
		case "job-positions":
			return "07-job-positions.200.json"
		case "departments":
			return "08-departments.200.json"
		case "business-establishments":
			return "09-business-establishments.200.json"
		case "employee-personal-records":
			return "10-employee-personal-records.200.json"
		case "employee-attributes":
			return "11-employee-attributes-skip.200.json"
		}
		return "13-missing-scope.403.json" // legal-entities was not recorded
	}
	instead := func(path, file string) func(r *http.Request) string {
		return func(r *http.Request) string {
			if r.URL.Path == path {
				return file
			}
			return healthy(r)
		}
	}

	t.Run("two pages make a whole read", func(t *testing.T) {
		people, err := collect(t, f.serve(Latest, healthy, 5))
		if err != nil || len(people) != 9 {
			t.Fatalf("%d people, %v", len(people), err)
		}
		byID := map[string]model.Observation{}
		for _, o := range people {
			byID[o.Native] = o
		}
		zoe := byID["426"]
		want := model.Attributes{
			model.Email: model.Text("zoe.vanderberg@halcyon-atelier.example"), model.GivenName: model.Text("Zoë"),
			model.FamilyName: model.Text("van der Berg"), model.DisplayName: model.Text("Zoë van der Berg"),
			model.EmployeeNumber: model.Text("00212"), model.Title: model.Text("Software engineer"),
			model.Department: model.Text("Engineering"), model.Site: model.Text("Amsterdam"), model.TimeZone: model.Text("Europe/Amsterdam"),
			model.WorkPhone: model.Null(), model.Gender: model.Text("female"), model.BirthDate: model.Text("1993-02-27"),
			model.StartDate: model.Text("2021-01-18"), model.EndDate: model.Null(),
			model.Manager: {Text: "419", Refs: []model.Reference{{By: model.RefNative, Value: "419"}}},
		}
		if d := cmp.Diff(want, zoe.Attributes); d != "" {
			t.Errorf("attributes (-want +got):\n%s", d)
		}
		for id, status := range map[string]model.Status{"426": model.Active, "461": model.Pending} {
			if byID[id].Status != status {
				t.Errorf("status of %s is %q (%q), want %q", id, byID[id].Status, byID[id].RawStatus, status)
			}
		}
		if s := byID["475"].Scope.State; s != model.OutOfScope {
			t.Errorf("the ticked box gives scope %q", s)
		}
		karim := byID["468"].Attributes
		if karim.Text(model.FirstHiredOn) != "2019-09-02" || karim.Text(model.StartDate) != "2026-02-02" {
			t.Errorf("a rehire: first hired %q, start %q", karim.Text(model.FirstHiredOn), karim.Text(model.StartDate))
		}
		for _, part := range []string{`"department":{"id":"21","name":"Engineering","type":"department"}`, `"timezoneId":"Europe/Amsterdam"`, `"personalRecord":{"birthDate":"1993-02-27","legalGender":"female"}`, `"attributes":{"e_skip_elevo_sync":false}`} {
			if !bytes.Contains(zoe.Document, []byte(part)) {
				t.Errorf("the document lacks %s: %s", part, zoe.Document)
			}
		}
		for _, gone := range []string{"ilucca-demo", "lastUpdatedAt", "portrait", "links"} {
			if bytes.Contains(zoe.Document, []byte(gone)) {
				t.Errorf("the document holds %s", gone)
			}
		}
	})

	t.Run("job positions that are not embedded are listed", func(t *testing.T) {
		src := f.serve(Latest, instead("/lucca-api/employees", "05-employees-no-email.200.json"), 5)
		_, err := collect(t, src)
		if connectors.ClassOf(err) != connectors.Transient || !strings.Contains(err.Error(), "whether more follows") {
			t.Errorf("a list without links: %v", err)
		}
		var page1 collection
		decode := func(name string, into any) {
			dec := json.NewDecoder(bytes.NewReader(f.body(name)))
			dec.UseNumber()
			if err := dec.Decode(into); err != nil {
				t.Fatal(err)
			}
		}
		decode("03-employees-page1.200.json", &page1)
		page1.Embedded = nil
		a := f.serve(Latest, healthy, 5).(*latest)
		dir, err := a.directory(t.Context(), scopeOfJoin{keepEmployments: true})
		if err != nil {
			t.Fatal(err)
		}
		zoe := (*page1.Items)[2]
		if err := dir.ensurePosition(t.Context(), zoe, page1); err != nil {
			t.Fatal(err)
		}
		e, bad := decodeEmployee(zoe, page1, dir)
		if bad != nil {
			t.Fatal(bad.Detail)
		}
		if got := e.Attributes.Text(model.Title); got != "Software engineer" {
			t.Errorf("title %q, want that of the applicable position, not of the planned one", got)
		}
		if e.Attributes.Has(model.StartDate) {
			t.Errorf("start %+v, although the employment is neither embedded nor listed", e.Attributes[model.StartDate])
		}
	})

	for _, tc := range []struct {
		path, file string
		class      connectors.Class
		says       string
	}{
		{"/connect/token", "02-token-invalid-client.400.json", connectors.Denied, "client_secret"},
		{"/lucca-api/employees", "12-unauthorized.401.json", connectors.Denied, "integration key"},
		{"/lucca-api/employees", "13-missing-scope.403.json", connectors.Denied, "employees.readonly"},
		{"/lucca-api/employees", "14-not-found.404.json", connectors.Misconfigured, "account"},
		{"/lucca-api/employees", "15-validation.400.json", connectors.Invalid, "complains about limit"},
		{"/lucca-api/employees", "16-rate-limited.429.json", connectors.Throttled, "429"},
		{"/lucca-api/employees", "17-unavailable.503.json", connectors.Transient, "503"},
		{"/lucca-api/departments", "17-unavailable.503.json", connectors.Transient, "503"},
		{"/lucca-api/employments", "16-rate-limited.429.json", connectors.Throttled, "429"},
		// Other documented JSON in the place of a list is no list.
		{"/lucca-api/employees", "18-webhook-endpoint-created.201.json", connectors.Transient, "no list of employees"},
		{"/lucca-api/employees", "19-webhook-employee-updated.json", connectors.Transient, "no list of employees"},
		{"/lucca-api/employments", "08-departments.200.json", connectors.Transient, "no list of employments"},
	} {
		t.Run(tc.path+" "+tc.file, func(t *testing.T) {
			people, err := collect(t, f.serve(Latest, instead(tc.path, tc.file), 5))
			if connectors.ClassOf(err) != tc.class || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%v, want class %v and %q", err, tc.class, tc.says)
			}
			if len(people) > 0 {
				t.Errorf("%d people are yielded all the same", len(people))
			}
		})
	}

	t.Run("the employee of a notification is the employee of the list", func(t *testing.T) {
		var event struct{ Data object }
		dec := json.NewDecoder(bytes.NewReader(f.body("19-webhook-employee-updated.json")))
		dec.UseNumber()
		if err := dec.Decode(&event); err != nil {
			t.Fatal(err)
		}
		e, bad := decodeEmployee(event.Data, collection{}, &directory{a: f.serve(Latest, healthy, 5).(*latest)})
		if bad != nil || e.Native != "426" || e.Status != model.Active || e.Attributes.Text(model.FamilyName) != "van der Berg" {
			t.Errorf("%+v %v", e, bad)
		}
		if e.Attributes.Has(model.Title) || e.Attributes.Has(model.StartDate) || e.Attributes.Has(model.Manager) {
			t.Errorf("what is only referred to is not absent: %+v", e.Attributes)
		}
	})
	f.everyFileIsRead()
}

func TestTokenRequestIsTheRecordedOne(t *testing.T) {
	f := newFixtures(t, "latest")
	var form url.Values
	var contentType string
	a := f.serve(Latest, func(r *http.Request) string {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		form, contentType = r.PostForm, r.Header.Get("Content-Type")
		return "01-token.200.json"
	}, 5).(*latest)
	token, err := a.tokens.bearer(t.Context())
	if err != nil || token != "fixture-access-token" {
		t.Fatalf("%q, %v", token, err)
	}
	if contentType != "application/x-www-form-urlencoded" || form.Get("grant_type") != "client_credentials" ||
		form.Get("client_id") != "fixture-client" || form.Get("client_secret") != "fixture-secret" || !strings.Contains(form.Get("scope"), "employees.readonly") {
		t.Errorf("content type %q, form %v", contentType, form)
	}
}
