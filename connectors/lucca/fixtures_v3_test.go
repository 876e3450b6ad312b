package lucca

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
	"rollcall/connectors"
)

func TestRecordedV3ExchangesAreUnderstood(t *testing.T) {
	f := newFixtures(t, "v3")

	t.Run("a user is mapped field by field", func(t *testing.T) {
		u := f.users("01-users-page1.200.json")["426"]
		want := model.Attributes{
			model.Email: model.Text("zoe.vanderberg@halcyon-atelier.example"), model.GivenName: model.Text("Zoë"),
			model.FamilyName: model.Text("van der Berg"), model.DisplayName: model.Text("van der Berg Zoë"),
			model.EmployeeNumber: model.Text("00212"), model.Title: model.Text("Software engineer"),
			model.Department: model.Text("Engineering"), model.Organization: model.Text("Halcyon Atelier BV"), model.Site: model.Text("Halcyon Atelier BV"),
			model.WorkPhone: model.Null(), model.MobilePhone: model.Null(), model.Gender: model.Text("female"),
			model.BirthDate: model.Text("1993-02-27"), model.StartDate: model.Text("2021-01-18"), model.EndDate: model.Null(),
			model.FirstHiredOn: model.Text("2021-01-18"), model.Locale: model.Text("en"),
			model.Manager: {Text: "oluwaseun.adeyemi@halcyon-atelier.example", Refs: []model.Reference{
				{By: model.RefNative, Value: "419"}, {By: model.RefEmail, Value: "oluwaseun.adeyemi@halcyon-atelier.example"},
			}},
		}
		if d := cmp.Diff(want, u.Attributes); d != "" {
			t.Errorf("attributes (-want +got):\n%s", d)
		}
		if u.Status != model.Dated || u.Scope != (model.Scope{}) {
			t.Errorf("status %q, scope %+v, want dated and in scope", u.Status, u.Scope)
		}
		fields := map[model.Name]string{model.Department: "department.name", model.Manager: "managerID", model.Locale: "cultureID", model.StartDate: "dtContractStart"}
		for n, want := range fields {
			if u.Fields[n] != want {
				t.Errorf("%s comes from %q, want %q", n, u.Fields[n], want)
			}
		}
		for _, gone := range []string{"url", "picture", "modifiedAt", "ilucca-demo"} {
			if bytes.Contains(u.Document, []byte(gone)) {
				t.Errorf("the document holds %s: %s", gone, u.Document)
			}
		}
		if !bytes.Contains(u.Document, []byte(`"extendedData":{"e_skip_elevo_sync":{"id":15902,"value":false}}`)) {
			t.Errorf("the document lacks extendedData: %s", u.Document)
		}
	})

	t.Run("the second page holds a ticked box, a future start and a planned end", func(t *testing.T) {
		users := f.users("02-users-page2.200.json")
		if s := users["475"].Scope.State; s != model.OutOfScope {
			t.Errorf("the ticked box gives scope %q", s)
		}
		linnea := users["461"].Attributes
		if linnea.Text(model.StartDate) != "2027-01-04" || !linnea[model.Email].Null {
			t.Errorf("start %q, email %+v", linnea.Text(model.StartDate), linnea[model.Email])
		}
		if got := users["447"].Attributes.Text(model.EndDate); got != "2026-12-31" {
			t.Errorf("end %q", got)
		}
	})

	t.Run("three pages make a whole read", func(t *testing.T) {
		rows := slices.Concat(f.objects("01-users-page1.200.json"), f.objects("02-users-page2.200.json"), f.objects("03-users-page3-empty.200.json"))
		src := paged(t, rows, 9)
		people, err := collect(t, src)
		if err != nil || len(people) != 9 {
			t.Fatalf("%d people, %v", len(people), err)
		}
	})

	t.Run("default fields alone are a missing permission", func(t *testing.T) {
		_, err := collect(t, f.serve(V3, func(*http.Request) string { return "04-users-default-fields.200.json" }, 0))
		// No count, so the page is asked for again to see that nothing follows, and
		// is then found to repeat itself: the answer is not one to this question.
		if connectors.ClassOf(err) != connectors.Transient {
			t.Errorf("class %v of %v", connectors.ClassOf(err), err)
		}
		_, err = collect(t, paged(t, f.objects("04-users-default-fields.200.json"), -1))
		if connectors.ClassOf(err) != connectors.Denied || !strings.Contains(err.Error(), "contract section") {
			t.Errorf("class %v of %v, want denied, naming the section", connectors.ClassOf(err), err)
		}
	})

	t.Run("a former employee has an end in the past", func(t *testing.T) {
		people, err := collect(t, f.serve(V3, func(*http.Request) string { return "05-users-former.200.json" }, 0))
		if err != nil || len(people) != 10 {
			t.Fatalf("%d people, %v", len(people), err)
		}
		for _, o := range people {
			if o.Native == "454" && (o.Attributes.Text(model.EndDate) != "2026-06-30" || o.Status != model.Dated) {
				t.Errorf("end %q, status %q", o.Attributes.Text(model.EndDate), o.Status)
			}
		}
	})

	t.Run("sections without right are absent and said to be", func(t *testing.T) {
		src := f.serve(V3, func(*http.Request) string { return "06-users-missing-rights.200.json" }, 0)
		for page, err := range src.Read(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range page.People {
				for _, n := range []model.Name{model.BirthDate, model.Gender, model.FirstHiredOn, model.WorkPhone, model.MobilePhone} {
					if o.Attributes.Has(n) {
						t.Errorf("%s of %s is present", n, o.Native)
					}
				}
			}
			if !strings.Contains(strings.Join(page.Notices, "\n"), DefaultSkipField) {
				t.Errorf("notices %q do not name the skip field", page.Notices)
			}
		}
	})

	t.Run("both spellings of the manager and the open end are read", func(t *testing.T) {
		var single struct{ Data object }
		dec := json.NewDecoder(bytes.NewReader(f.body("07-user.200.json")))
		dec.UseNumber()
		if err := dec.Decode(&single); err != nil {
			t.Fatal(err)
		}
		u, bad := decodeUser(single.Data, DefaultSkipField)
		if bad != nil {
			t.Fatal(bad.Detail)
		}
		if refs := u.Attributes[model.Manager].Refs; len(refs) != 2 || refs[0].Value != "412" {
			t.Errorf("manager %+v", refs)
		}
		if bytes.Contains(u.Document, []byte("picture")) || !bytes.Contains(u.Document, []byte("userWorkCycles")) {
			t.Errorf("document %s", u.Document)
		}
		_, err := collect(t, f.serve(V3, func(*http.Request) string { return "07-user.200.json" }, 0))
		if connectors.ClassOf(err) != connectors.Transient {
			t.Errorf("a single user as answer to a list: %v", err)
		}
	})

	for _, tc := range []struct {
		file  string
		class connectors.Class
		says  string
	}{
		{"08-user-unknown.404.txt", connectors.Misconfigured, "account"},
		{"09-unauthorized.401.json", connectors.Denied, "api_key"},
		{"10-forbidden.403.txt", connectors.Denied, "directory"},
		{"11-rate-limited.429.json", connectors.Throttled, "429"},
		{"12-timeout.408.json", connectors.Transient, "25 people"},
		{"13-server-error.500.json", connectors.Transient, "500"},
		{"14-paging-too-large.400.txt", connectors.Invalid, "400"},
		{"15-departments.200.json", connectors.Denied, "dtContractStart"},
		{"16-user-properties.200.json", connectors.Transient, ""},
	} {
		t.Run(tc.file, func(t *testing.T) {
			_, err := collect(t, f.serve(V3, func(*http.Request) string { return tc.file }, 0))
			if connectors.ClassOf(err) != tc.class || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%v, want class %v and %q", err, tc.class, tc.says)
			}
			if tc.class == connectors.Throttled && connectors.RetryAt(err).Second() != 23 {
				t.Errorf("retry at %v", connectors.RetryAt(err))
			}
		})
	}

	t.Run("hazards", func(t *testing.T) {
		users := f.users("17-users-hazards.200.json")
		for id, want := range map[string]model.ScopeState{
			"9001": model.InScope, "9006": model.OutOfScope, "9007": model.OutOfScope, "9008": model.OutOfScope,
			"9009": model.OutOfScope, "9010": model.HeldScope, "9011": model.InScope,
		} {
			if got := users[id].Scope.State; got != want {
				t.Errorf("scope of %s is %q, want %q", id, got, want)
			}
		}
		if m := users["9004"].Attributes[model.Manager]; !m.Null {
			t.Errorf("who manages themselves has manager %+v", m)
		}
		if a := users["9005"].Attributes; !a[model.Email].Null || !a[model.EmployeeNumber].Null || !a[model.Title].Null {
			t.Errorf("empty texts are not null: %+v", a)
		}
		if refs := users["9011"].Attributes[model.Manager].Refs; len(refs) != 1 || refs[0].Value != "8888" {
			t.Errorf("manager without mail: %+v", refs)
		}
		if a, b := users["9001"].Attributes.Text(model.Email), users["9002"].Attributes.Text(model.Email); a == b || !strings.EqualFold(a, b) {
			t.Errorf("mails %q and %q are not kept as written", a, b)
		}
		if got := users["9003"].Attributes.Text(model.EmployeeNumber); got != "00057" {
			t.Errorf("employee number %q", got)
		}
	})

	t.Run("drift is noticed", func(t *testing.T) {
		asked := 0
		_, err := collect(t, f.serve(V3, func(r *http.Request) string {
			asked++
			if strings.HasPrefix(r.URL.Query().Get("paging"), "0,") {
				return "18-drift-page1.200.json"
			}
			return "19-drift-page2.200.json"
		}, 5))
		if connectors.ClassOf(err) != connectors.Transient || !strings.Contains(err.Error(), "two readings") {
			t.Errorf("%v", err)
		}
		if asked != 4 {
			t.Errorf("%d requests, want two readings of two pages", asked)
		}
	})
	f.everyFileIsRead()
}

func TestSomebodyListedTwiceIsAnError(t *testing.T) {
	f := newFixtures(t, "v3")
	rows := slices.Concat(f.objects("01-users-page1.200.json"), f.objects("02-users-page2.200.json"))
	for name, twice := range map[string][]object{
		"on one page":       slices.Insert(slices.Clone(rows), 1, rows[0]),
		"on different ones": slices.Insert(slices.Clone(rows), 8, rows[0]),
	} {
		for _, count := range []int{len(twice), -1} {
			_, err := collect(t, paged(t, twice, count))
			if connectors.ClassOf(err) != connectors.Transient || !strings.Contains(err.Error(), "twice") {
				t.Errorf("%s, count %d: %v", name, count, err)
			}
		}
	}
}
