package cli

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"rollcall/appliance/admin"
	"rollcall/appliance/admin/admintest"
)

func exportedPeople(t *testing.T) []admin.ExportedPerson {
	t.Helper()
	pages := map[string]admin.ExportedPeople{
		"": {Next: "p_2", People: []admin.ExportedPerson{
			{ID: "p_1", Attributes: map[string]string{"email": "ada@acme.example", "given_name": "Ada", "family_name": "Byron, Lady", "title": "=cmd()", "work_phone": "+33 1 23 45", "start_date": "2026-11-30", "locale": "fr-FR"}},
			{ID: "p_2", Attributes: map[string]string{"given_name": "Nobody"}},
		}},
		"p_2": {People: []admin.ExportedPerson{
			{ID: "p_3", Attributes: map[string]string{"email": "bob@acme.example", "given_name": "Bob\nJr", "family_name": "Li", "start_date": "soon", "locale": "de"}, ManagerEmail: "Ada@acme.example"},
			{ID: "p_4", Attributes: map[string]string{"email": "cyd@acme.example", "given_name": "Cyd", "family_name": "Poe"}, ManagerEmail: "gone@acme.example"},
			{ID: "p_5", Attributes: map[string]string{"email": "ADA@acme.example"}},
		}},
	}
	people, without, err := exported(func(p admin.Page) (admin.ExportedPeople, error) { return pages[p.After], nil })
	if err != nil || len(people) != 3 || without != 2 {
		t.Fatalf("%d people, %d left out: %v", len(people), without, err)
	}
	return people
}

func TestExportHasTheColumnsAndFormsOfJavelosImport(t *testing.T) {
	people := exportedPeople(t)
	var out bytes.Buffer
	if err := writeRows(newSheet(&printer{w: &out}), people); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"email", "name", "last_name", "manager_email", "employee_number", "job", "department", "organization", "phone", "language", "first_hired_on", "current_hired_on"},
		{"ada@acme.example", "Ada", "Byron Lady", "", "", "'=cmd()", "", "", "0033" + "12345", "fr", "", "30-11-2026"},
		{"bob@acme.example", "Bob Jr", "Li", "Ada@acme.example", "", "", "", "", "", "", "", ""},
		{"cyd@acme.example", "Cyd", "Poe", "", "", "", "", "", "", "", "", ""},
	}
	if !slices.EqualFunc(rows, want, slices.Equal) {
		t.Errorf("rows:\n%s", strings.Join(slices.Collect(func(yield func(string) bool) {
			for _, r := range rows {
				if !yield(strings.Join(r, " | ")) {
					return
				}
			}
		}), "\n"))
	}
}

func TestWorkbookHoldsTextOnly(t *testing.T) {
	var out bytes.Buffer
	if err := writeWorkbook(&out, exportedPeople(t)); err != nil {
		t.Fatal(err)
	}
	book, err := excelize.OpenReader(&out)
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	if formula, err := book.GetCellFormula("people", "F2"); err != nil || formula != "" {
		t.Errorf("a formula: %q, %v", formula, err)
	}
	if text, err := book.GetCellValue("people", "F2"); err != nil || text != "=cmd()" {
		t.Errorf("the title is %q, %v", text, err)
	}
	if text, err := book.GetCellValue("people", "I2"); err != nil || text != "003312345" {
		t.Errorf("the phone is %q, %v", text, err)
	}
}

func TestAnExportOfNobodyIsRefusedAndSaysHowAFileIsNamed(t *testing.T) {
	socket := admintest.Serve(t, &admintest.Service{Exported: []admin.ExportedPerson{{ID: "p_1", Attributes: map[string]string{"given_name": "Nomail"}}}}).Admin
	out := filepath.Join(t.TempDir(), "people.csv")
	for args, next := range map[string]string{
		"out.csv":                          `--out out.csv"`,
		"some/where":                       `--out some/where"`,
		"no body":                          `"no body": nothing was written. QUERY chooses people; a file is named with --out: "rollcall people export --out FILE"`,
		"nobody --json":                    "--out FILE",
		"nobody --out " + out:              "nothing was written",
		"":                                 `"rollcall people" lists`,
		"--format xlsx":                    "--out",
		"--format xlsx --out people.csv":   "ends in .csv",
		"--format ods":                     "csv or xlsx",
		"--out " + filepath.Dir(out) + "/": "nothing was written",
	} {
		r := ends{}.call(t, append([]string{"--socket", socket, "people", "export"}, strings.Fields(args)...)...)
		want := ExitFailed
		if strings.Contains(args, "--format") {
			want = ExitUsage
		}
		if r.code != want || r.out != "" || !strings.Contains(r.err, next) {
			t.Errorf("export %s: exit code %d, output %q, no %q in %q", args, r.code, r.out, next, r.err)
		}
	}
	if left, err := os.ReadDir(filepath.Dir(out)); err != nil || len(left) != 0 {
		t.Errorf("written all the same: %v %v", left, err)
	}
}

func TestTheNameOfTheFileSaysItsFormat(t *testing.T) {
	socket := admintest.Serve(t, &admintest.Service{Exported: exportedPeople(t)}).Admin
	for name, begins := range map[string]string{"people.XLSX": "PK", "people.csv": "email,name", "people.txt": "email,name"} {
		path := filepath.Join(t.TempDir(), name)
		r := ends{}.call(t, "--socket", socket, "people", "export", "--out", path)
		raw, err := os.ReadFile(path)
		if r.code != ExitDone || err != nil || !strings.HasPrefix(string(raw), begins) {
			t.Errorf("%s: %d %s: %.20q %v", name, r.code, r.err, raw, err)
		}
		if at, err := os.Stat(path); err != nil || at.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, at, err)
		}
	}
}
