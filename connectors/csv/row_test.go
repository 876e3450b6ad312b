package csv_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
	"rollcall/connectors"
	people "rollcall/connectors/csv"
)

func TestStatusComesFromAWordOrFromDatesOrFromBeingListed(t *testing.T) {
	for _, tc := range []struct {
		header, row string
		want        model.Status
		raw         string
		noted       bool
	}{
		{"email,active", "a@x.example,TRUE", model.Active, "active=TRUE", false},
		{"email,active", "a@x.example,FAUX", model.Inactive, "active=FAUX", false},
		{"email,active", "a@x.example,0", model.Inactive, "active=0", false},
		{"email,Status", "a@x.example,On leave", model.Leave, "Status=On leave", false},
		{"email,status", "a@x.example,terminated", model.Inactive, "status=terminated", false},
		{"email,status", "a@x.example,sabbatical", model.Unknown, "status=sabbatical", true},
		{"email,status", "a@x.example,", model.Unknown, "", true},
		{"email,status,start_date", "a@x.example,,2020-01-01", model.Dated, "", false},
		{"email,start_date", "a@x.example,2020-01-01", model.Dated, "", false},
		{"email,end_date", "a@x.example,", model.Dated, "", false},
		{"email,active,status", "a@x.example,yes,leave", model.Leave, "active=yes, status=leave", false},
		{"email,status,active", "a@x.example,pending,1", model.Pending, "status=pending, active=1", false},
		{"email,status,active", "a@x.example,active,no", model.Unknown, "status=active, active=no", true},
		{"email,last_name", "a@x.example,A", model.Active, "listed", false},
	} {
		all, _ := rowsOf(t, tc.header+"\n"+tc.row+"\n")
		if o := all[0]; o.Status != tc.want || o.RawStatus != tc.raw || len(o.Notices) > 0 != tc.noted {
			t.Errorf("%s / %s: %q (%q), notices %q; want %q (%q)", tc.header, tc.row, o.Status, o.RawStatus, o.Notices, tc.want, tc.raw)
		}
	}
}

func TestDatesThatCanBeReadInTwoWaysAreLeftOut(t *testing.T) {
	for _, tc := range []struct {
		name   string
		dates  []string
		want   []string // "" is left out
		phrase string
	}{
		{"ISO", []string{"2026-03-04", "2026-03-04T00:00:00Z"}, []string{"2026-03-04", "2026-03-04"}, ""},
		{"dashes are days first, as Javelo documents", []string{"03-04-2026"}, []string{"2026-04-03"}, ""},
		{"dashes with the month in front", []string{"03-04-2026", "12-31-2026", "31-12-2026"}, []string{"", "", "2026-12-31"}, "other way round"},
		{"slashes that nothing explains", []string{"03/04/2026"}, []string{""}, "other way round"},
		{"slashes that another row explains", []string{"03/04/2026", "31/12/2026"}, []string{"2026-04-03", "2026-12-31"}, ""},
		{"slashes with the month in front", []string{"03/04/2026", "12/31/2026"}, []string{"", ""}, "other way round"},
		{"slashes of both kinds", []string{"03/04/2026", "12/31/2026", "31/12/2026"}, []string{"", "", "2026-12-31"}, "other way round"},
		{"slashes that mean the same both ways", []string{"05/05/2026"}, []string{"2026-05-05"}, ""},
		{"dashes do not explain slashes", []string{"31-12-2026", "03/04/2026"}, []string{"2026-12-31", ""}, "other way round"},
		{"one digit", []string{"3/4/2026", "31/1/2026"}, []string{"2026-04-03", "2026-01-31"}, ""},
		{"days that do not exist", []string{"31-02-2026", "2026-02-30", "29-02-2028"}, []string{"", "", "2028-02-29"}, "is not a date"},
		{"two digits for the year", []string{"31-12-26"}, []string{""}, "is not a date"},
		{"words", []string{"soon"}, []string{""}, "is not a date"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var b strings.Builder
			b.WriteString("id,start_date\n")
			for i, d := range tc.dates {
				b.WriteString(string(rune('a'+i)) + "," + d + "\n")
			}
			all, notices := rowsOf(t, b.String())
			told := ""
			for i, o := range all {
				if got := o.Attributes.Text(model.StartDate); got != tc.want[i] {
					t.Errorf("%q is %q, want %q", tc.dates[i], got, tc.want[i])
				}
				if tc.want[i] == "" {
					if o.Attributes.Has(model.StartDate) || len(o.Notices) != 1 {
						t.Errorf("%q: %+v with %q; want absent and one notice", tc.dates[i], o.Attributes[model.StartDate], o.Notices)
					}
					told += strings.Join(o.Notices, " ")
				}
			}
			if !strings.Contains(told, tc.phrase) || tc.phrase == "" && told != "" || (tc.phrase != "") != (len(notices) == 1) {
				t.Errorf("notices %q, and of the read %q; want %q", told, notices, tc.phrase)
			}
		})
	}
}

func TestManagerIsFoundByWhateverColumnsNameThem(t *testing.T) {
	ref := func(by model.RefKind, v string) model.Reference { return model.Reference{By: by, Value: v} }
	value := func(refs ...model.Reference) model.Value { return model.Value{Text: refs[0].Value, Refs: refs} }
	for _, tc := range []struct {
		header, row string
		want        model.Value
	}{
		{"id,manager_id", "1,7", value(ref(model.RefNative, "7"))},
		{"id,Manager Email", "1,m@x.example", value(ref(model.RefEmail, "m@x.example"))},
		{"id,manager_employee_number", "1,00007", value(ref(model.RefEmployeeNumber, "00007"))},
		{"id,managerUserName", "1,m.x", value(ref(model.RefUserName, "m.x"))},
		{"id,manager", "1,m@x.example", value(ref(model.RefAny, "m@x.example"))},
		{"id,lineManager", "1,m@x.example", value(ref(model.RefAny, "m@x.example"))},
		{"id,manager_email,manager_id", "1,m@x.example,7", value(ref(model.RefNative, "7"), ref(model.RefEmail, "m@x.example"))},
		{"id,manager_email,manager_id", "1,m@x.example,", value(ref(model.RefEmail, "m@x.example"))},
		{"id,manager_email", "1,", model.Null()},
		{"id,manager_id", "1,1", model.Null()},
		{"id,email,manager_email", "1,A@x.example,a@X.example", model.Null()},
		{"email,manager_id", "a@x.example,M@X.example", value(ref(model.RefNative, "m@x.example"))},
		{"id,title", "1,Cook", model.Value{}},
	} {
		all, _ := rowsOf(t, tc.header+"\n"+tc.row+"\n")
		if d := cmp.Diff(tc.want, all[0].Attributes[model.Manager]); d != "" {
			t.Errorf("%s / %s (-want +got):\n%s", tc.header, tc.row, d)
		}
	}
}

func TestColumnsAreKnownByManyNames(t *testing.T) {
	for _, tc := range []struct {
		header, row string
		want        model.Attributes
	}{
		{"email,name", "a@x.example,Ada Xu", model.Attributes{model.Email: model.Text("a@x.example"), model.DisplayName: model.Text("Ada Xu")}},
		{"email,name,last name", "a@x.example,Ada,Xu", model.Attributes{model.Email: model.Text("a@x.example"), model.GivenName: model.Text("Ada"), model.FamilyName: model.Text("Xu")}},
		{"Employee ID,emailAddress,firstDay", "7,a@x.example,2020-01-02", model.Attributes{model.EmployeeNumber: model.Text("7"), model.Email: model.Text("a@x.example"), model.StartDate: model.Text("2020-01-02")}},
		{"email,custom.team,custom.Desk_2", "a@x.example,Blue,", model.Attributes{model.Email: model.Text("a@x.example"), "custom.team": model.Text("Blue"), "custom.desk_2": model.Null()}},
		{"email,Gender,COST-CENTER,time zone", "a@x.example,F,77,Europe/Paris", model.Attributes{model.Email: model.Text("a@x.example"), model.Gender: model.Text("female"), model.CostCenter: model.Text("77"), model.TimeZone: model.Text("Europe/Paris")}},
	} {
		all, _ := rowsOf(t, tc.header+"\n"+tc.row+"\n")
		if d := cmp.Diff(tc.want, all[0].Attributes); d != "" {
			t.Errorf("%s (-want +got):\n%s", tc.header, d)
		}
	}
}

func TestOtherColumnsAreInTheDocumentUnderAWord(t *testing.T) {
	all, _ := rowsOf(t, "email;Numéro de badge;Équipe (2026);group_code\na@x.example;007;Bleue;\n")
	if got, want := string(all[0].Document), `{"email":"a@x.example","group_code":null,"numéro_de_badge":"007","équipe_2026":"Bleue"}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestPeopleAreToldApartByTheFirstSuitableColumn(t *testing.T) {
	for header, want := range map[string]string{
		"email,employee_number,source_id,id": "4", "email,employee_number,source_id,title": "3", "email,registration_number,title,site": "2", "email,title,site,division": "mixed@x.example",
	} {
		all, _ := rowsOf(t, header+"\nMixed@x.example,2,3,4\n")
		if all[0].Native != want {
			t.Errorf("%s: %q, want %q", header, all[0].Native, want)
		}
	}
}

// FuzzFile: whatever is in a file, a read ends in an error without a page, or
// completely and with well-formed people.
func FuzzFile(f *testing.F) {
	for _, seed := range []string{
		"email,last_name\na@x.example,A\n", "sep=;\r\nid;manager_id;start_date\r\n1;2;03/04/2026\r\n", "\xef\xbb\xbfemail\tname\na@x.example\t\"x\ny\"",
		"id,active,status\n1,vrai,\n2,,leave\n", "email\n\xe9@x.example\n", "id;;custom.a\n1;;\n", "email,name\n\"a\"\"b\",\n", "sep=;", "id\n\"\"\n", ",\n,", "id,birth_date\n1,31-12-2026\n",
	} {
		f.Add([]byte(seed))
	}
	path := filepath.Join(f.TempDir(), "people.csv")
	src, err := people.New(people.Config{Path: path, Settle: 1, PageSize: 2})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		all, pages, err := readAll(t.Context(), src, "")
		if err != nil {
			if len(pages) > 0 || connectors.ClassOf(err) != connectors.Transient {
				t.Fatalf("%d pages, then %v", len(pages), err)
			}
			return
		}
		if len(all) == 0 || !pages[len(pages)-1].Last || pages[0].Total != len(all) || bytes.IndexByte(raw, 0) >= 0 {
			t.Fatalf("%d people on %d pages, total %d", len(all), len(pages), pages[0].Total)
		}
		seen := map[string]bool{}
		for _, o := range all {
			if o.Native == "" || seen[o.Native] || !json.Valid(o.Document) {
				t.Errorf("native %q twice, or document %s", o.Native, o.Document)
			}
			seen[o.Native] = true
			for n, v := range o.Attributes {
				if v.Null == (v.Text != "" || len(v.Refs) > 0) || o.Fields[n] == "" || !n.Valid() {
					t.Errorf("%s is %+v from %q", n, v, o.Fields[n])
				}
			}
			if v := o.Attributes[model.BirthDate]; v.Text != "" {
				if _, err := time.Parse(time.DateOnly, v.Text); err != nil {
					t.Errorf("birth_date is %q", v.Text)
				}
			}
		}
	})
}
