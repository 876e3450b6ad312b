package adp_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
	"rollcall/connectors"
)

const token = "01-token.200.json"

// recorded answers requests for workers with the file that pick names; "" is 204.
// The status is part of the file's name.
func recorded(t testing.TB, pick func(r *http.Request) string) http.Handler {
	return replies(t, func(r *http.Request) string {
		if strings.HasSuffix(r.URL.Path, "/token") {
			return token
		}
		return pick(r)
	})
}

// replies answers every request with the file that pick names.
func replies(t testing.TB, pick func(r *http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := pick(r)
		if name == "" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		raw, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Error(err)
		}
		status, err := strconv.Atoi(strings.Split(name, ".")[1])
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		if status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "60")
		}
		w.WriteHeader(status)
		w.Write(raw)
	})
}

// answer picks one file for every page that is not behind it.
func answer(file string) func(r *http.Request) string {
	return func(r *http.Request) string {
		if r.URL.Query().Get("$skip") != "0" {
			return ""
		}
		return file
	}
}

func observed(t testing.TB, people []model.Observation, id string) model.Observation {
	t.Helper()
	for _, o := range people {
		if o.Native == id {
			return o
		}
	}
	t.Fatalf("nobody has the id %q", id)
	return model.Observation{}
}

func managerOf(id, name string) model.Value {
	return model.Value{Text: name, Refs: []model.Reference{{By: model.RefNative, Value: id}}}
}

func TestRecordedPagesMakeAWholeRead(t *testing.T) {
	for _, end := range []string{"", "07-workers-end-empty.200.json"} {
		src := source(t, recorded(t, func(r *http.Request) string {
			switch r.URL.RawQuery {
			case "$top=6&$skip=0":
				return "04-workers-page1.200.json"
			case "$top=6&$skip=6":
				return "05-workers-page2.200.json"
			case "$top=6&$skip=10":
				return end
			}
			t.Errorf("unexpected request %s", r.URL)
			return ""
		}), pagesOf(6))
		people := mustRead(t, src)
		if len(people) != 10 {
			t.Fatalf("%d people, want 10", len(people))
		}
		zoe := observed(t, people, "G3HALC0000000212")
		want := model.Attributes{
			model.Email: model.Text("zoe.vanderberg@halcyon-atelier.example"), model.GivenName: model.Text("Zoë"), model.FamilyName: model.Text("van der Berg"),
			model.DisplayName: model.Text("Zoë van der Berg"), model.EmployeeNumber: model.Text("00212"), model.Manager: managerOf("G3HALC0000000057", "Adeyemi, Oluwaseun"),
			model.Title: model.Text("Software engineer"), model.Department: model.Text("Engineering"), model.Site: model.Text("Amsterdam"),
			model.Organization: model.Text("K4P"), model.ContractType: model.Text("Full-time Regular"), model.TimeZone: model.Text("Europe/Paris"),
			model.Gender: model.Text("female"), model.BirthDate: model.Text("1993-02-27"), model.FirstHiredOn: model.Text("2021-01-18"),
			model.StartDate: model.Text("2021-01-18"), model.EndDate: model.Null(), model.Locale: model.Text("fr-FR"),
		}
		if d := cmp.Diff(want, zoe.Attributes); d != "" {
			t.Errorf("attributes (-want +got):\n%s", d)
		}
		for id, want := range map[string]struct {
			status model.Status
			raw    string
		}{
			"G3HALC0000000212": {model.Active, "Active, assignment A"},
			"G3HALC0000000103": {model.Leave, "Active, assignment L"},
			"G3HALC0000000198": {model.Leave, "Active, assignment L"},
			"G3HALC0000000039": {model.Inactive, "Terminated, assignment T"},
			"G3HALC0000000301": {model.Pending, "Active, assignment A"},
		} {
			if o := observed(t, people, id); o.Status != want.status || o.RawStatus != want.raw {
				t.Errorf("%s is %q (%q), want %q (%q)", id, o.Status, o.RawStatus, want.status, want.raw)
			}
		}
		// No businessCommunication: the private address never takes its place.
		linnea := observed(t, people, "G3HALC0000000301")
		if linnea.Attributes.Has(model.Email) || linnea.Attributes.Has(model.WorkPhone) || strings.Contains(string(linnea.Document), "mailbox.example") {
			t.Errorf("email %v, document %s", linnea.Attributes[model.Email], linnea.Document)
		}
		karim := observed(t, people, "G3HALC0000000166").Attributes
		if karim.Text(model.StartDate) != "2026-02-02" || karim.Text(model.FirstHiredOn) != "2019-09-02" {
			t.Errorf("a rehire starts on %s and was first hired on %s", karim.Text(model.StartDate), karim.Text(model.FirstHiredOn))
		}
		if left := observed(t, people, "G3HALC0000000039").Attributes.Text(model.EndDate); left != "2026-06-30" {
			t.Errorf("the leaver's end date is %q", left)
		}
		var kofi struct{ CustomFields map[string]any }
		if err := json.Unmarshal(observed(t, people, "G3HALC0000000288").Document, &kofi); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(map[string]any{"skipSync": true, "badge": "C-09"}, kofi.CustomFields); d != "" {
			t.Errorf("custom fields (-want +got):\n%s", d)
		}
	}
}

func TestRecordedSingleWorkerIsReadLikeAPage(t *testing.T) {
	one := mustRead(t, source(t, recorded(t, answer("08-worker.200.json")), nil))
	page := mustRead(t, source(t, recorded(t, answer("04-workers-page1.200.json")), nil))
	if d := cmp.Diff(observed(t, page, "G3HALC0000000212"), one[0]); d != "" {
		t.Error(d)
	}
}

func TestRecordedMasksAreAbsentAndNeverValues(t *testing.T) {
	people := mustRead(t, source(t, recorded(t, answer("13-workers-masked.200.json")), nil))
	if len(people) != 3 {
		t.Fatalf("%d people, want 3", len(people))
	}
	for _, o := range people {
		if o.Attributes.Has(model.BirthDate) {
			t.Errorf("%s: birth_date is %+v", o.Native, o.Attributes[model.BirthDate])
		}
		if strings.Contains(string(o.Document), "XXXX") {
			t.Errorf("%s: a mask is in the document, where an expression would relay it", o.Native)
		}
		if len(o.Notices) > 0 {
			t.Errorf("%s: %q", o.Native, o.Notices)
		}
	}
	report, err := source(t, recorded(t, answer("13-workers-masked.200.json")), nil).Check(t.Context())
	if err != nil || len(report.Missing) != 1 || report.Missing[0].Field != "person.birthDate" {
		t.Errorf("Check: %v, %+v", err, report.Missing)
	}
}

func TestRecordedHazardsAreMappedAsTheyAreMeant(t *testing.T) {
	people := mustRead(t, source(t, recorded(t, answer("14-workers-hazards.200.json")), nil))
	get := func(id string) model.Observation { return observed(t, people, "G3HALC0000000"+id) }

	if o := get("901"); o.Attributes.Text(model.Title) != "Software engineer" || o.Status != model.Active || !o.Attributes[model.EndDate].Null {
		t.Errorf("a terminated assignment in front counts: %q, %q, end %+v", o.Attributes.Text(model.Title), o.Status, o.Attributes[model.EndDate])
	}
	if a := get("902").Attributes; a.Text(model.EmployeeNumber) != "000057" || !a[model.Manager].Null {
		t.Errorf("employee number %q, manager %+v; want all zeros kept and no manager", a.Text(model.EmployeeNumber), a[model.Manager])
	}
	tomek := get("903").Attributes
	if d := cmp.Diff(managerOf("G3HALC0000009999", "Gone, Person"), tomek[model.Manager]); d != "" {
		t.Errorf("a manager out of scope keeps the reference:\n%s", d)
	}
	if tomek.Text(model.DisplayName) != "Tomek Wójcik" || tomek.Text(model.GivenName) != "Tomasz" {
		t.Errorf("names %q, %q", tomek.Text(model.DisplayName), tomek.Text(model.GivenName))
	}
	kofi := get("904")
	for _, n := range []model.Name{model.Email, model.Title, model.Manager, model.Department, model.BirthDate} {
		if kofi.Attributes.Has(n) {
			t.Errorf("without assignment and business contact, %s is %+v", n, kofi.Attributes[n])
		}
	}
	if kofi.Status != model.Active || kofi.Attributes.Text(model.StartDate) != "2026-05-04" {
		t.Errorf("%q since %q", kofi.Status, kofi.Attributes.Text(model.StartDate))
	}
	if v := get("905").Attributes[model.Email]; v.Text != "ines.carvalho@halcyon-atelier.example" {
		t.Errorf("with an empty first address, email is %+v", v)
	}
}

func TestRecordedRefusalsAreClassified(t *testing.T) {
	for _, tc := range []struct {
		file    string
		atToken bool
		class   connectors.Class
		phrase  string
	}{
		{"02-token-bad-client.401.json", true, connectors.Denied, "invalid_client"},
		{"03-no-client-certificate.401.json", true, connectors.Denied, "no proper client certificate was presented"},
		{"09-worker-unknown.403.json", false, connectors.Denied, "403"},
		{"10-no-consent.403.json", false, connectors.Denied, "the organisation has not consented"},
		{"11-rate-limited.429.json", false, connectors.Throttled, "429"},
		{"12-compound-filter.500.json", false, connectors.Transient, "500"},
	} {
		t.Run(tc.file, func(t *testing.T) {
			requests := 0
			answers := replies(t, func(r *http.Request) string {
				requests++
				if strings.HasSuffix(r.URL.Path, "/token") && !tc.atToken {
					return token
				}
				return tc.file
			})
			_, _, err := readAll(t.Context(), source(t, answers, nil), "")
			if connectors.ClassOf(err) != tc.class || !strings.Contains(err.Error(), tc.phrase) {
				t.Errorf("got class %v: %v", connectors.ClassOf(err), err)
			}
			if requests > 2 {
				t.Errorf("%d requests, want a token and a page at most", requests)
			}
			if at := connectors.RetryAt(err); tc.class == connectors.Throttled && !at.Equal(today().Add(time.Minute)) {
				t.Errorf("retry at %v", at)
			}
		})
	}
}

// Every file of testdata must be read by a test above; this one names those that
// are not.
func TestEveryRecordedFileIsRead(t *testing.T) {
	self, err := os.ReadFile("fixtures_test.go")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) < 13 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		if !strings.Contains(string(self), filepath.Base(f)) {
			t.Errorf("%s is read by no test", f)
		}
	}
}
