package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rollcall/appliance/admin"
	"rollcall/appliance/admin/admintest"
	"rollcall/appliance/model"
	"rollcall/appliance/peoplefile"
)

func TestImportReadsWhatExportWrites(t *testing.T) {
	people := exportedPeople(t)
	for name, write := range map[string]func(*bytes.Buffer) error{
		"people.csv":  func(b *bytes.Buffer) error { return writeRows(newSheet(&printer{w: b}), people) },
		"people.xlsx": func(b *bytes.Buffer) error { return writeWorkbook(b, people) },
	} {
		var out bytes.Buffer
		if err := write(&out); err != nil {
			t.Fatal(err)
		}
		f, err := peoplefile.Read(name, out.Bytes())
		if err != nil || len(f.Rows) != len(people) || len(f.Ignored) != 0 {
			t.Fatalf("%s: %+v, %v", name, f, err)
		}
		for i, p := range people {
			var got []string
			for _, c := range peoplefile.Columns {
				got = append(got, f.Rows[i].Cells[c.Header])
			}
			if want := exportRow(p); !slices.Equal(got, want) {
				t.Errorf("%s, row %d: %q, want %q", name, f.Rows[i].Number, got, want)
			}
		}
	}
}

func importable(t *testing.T) (*admintest.Service, string, string) {
	t.Helper()
	fake := admintest.Acme()
	jane := admin.PersonRef{ID: "p_jane", Name: "Jane Doe", Email: "jane.doe@acme.example"}
	fake.Importing = admin.Imported{Tag: "t1", Batch: "b_1", Run: 13,
		Edits:   []admin.ImportEdit{{Row: 2, Person: jane, Attribute: "title", Old: "Engineer", New: "Lead"}},
		Unknown: []admin.ImportUnknown{{Row: 3, Who: "nobody@acme.example"}},
		Plan:    admin.Plan{Counts: map[string]int{}, Changes: []admin.PlanChange{}, Holds: []model.Hold{{Guard: "max_attribute_changes", Target: "javelo", State: model.HoldWaiting, Reason: "too many"}}}}
	path := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(path, []byte("email,job,salary\njane.doe@acme.example,Lead,9\nnobody@acme.example,Ghost,9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return fake, admintest.Serve(t, fake).Admin, path
}

func TestImportIsShownThenAskedThenDone(t *testing.T) {
	fake, socket, path := importable(t)
	r := ends{interactive: true, in: "n\n"}.call(t, "--socket", socket, "people", "import", path)
	if r.code != ExitDone || !strings.Contains(r.err, "Jane Doe <jane.doe@acme.example>: title: Engineer → Lead") || !strings.Contains(r.err, "row 3: nobody@acme.example") ||
		!strings.Contains(r.err, "salary") || !strings.Contains(r.err, "Nothing was changed.") || len(fake.Asked()) != 0 {
		t.Fatalf("%d %s %s %v", r.code, r.out, r.err, fake.Asked())
	}
	r = ends{interactive: true, in: "y\n"}.call(t, "--socket", socket, "people", "import", path)
	if r.code != ExitHuman || !strings.Contains(r.out, "conflicts undo b_1") || !strings.Contains(r.out, "max_attribute_changes") || len(fake.Asked()) != 1 {
		t.Errorf("%d %s %s %v", r.code, r.out, r.err, fake.Asked())
	}
}

func TestImportAsksSomebodyOrIsTold(t *testing.T) {
	fake, socket, path := importable(t)
	if r := (ends{}).call(t, "--socket", socket, "people", "import", path); r.code != ExitUsage || len(fake.Asked()) != 0 {
		t.Errorf("nobody could be asked: %d %s", r.code, r.err)
	}
	if r := (ends{}).call(t, "--socket", socket, "people", "import", path, "--dry-run"); r.code != ExitDone || !strings.Contains(r.out, "Nothing was done.") || len(fake.Asked()) != 0 {
		t.Errorf("looking: %d %s %s", r.code, r.out, r.err)
	}
	if r := (ends{}).call(t, "--socket", socket, "--json", "people", "import", path, "--yes"); r.code != ExitHuman || !strings.Contains(r.out, `"batch": "b_1"`) || len(fake.Asked()) != 1 {
		t.Errorf("told to: %d %s %s", r.code, r.out, r.err)
	}
	if err := os.WriteFile(path, []byte("email,job\nx@acme.example,=1+1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := (ends{}).call(t, "--socket", socket, "people", "import", path, "--yes"); r.code != ExitUsage || !strings.Contains(r.err, "row 2, job: this is a formula") || len(fake.Asked()) != 1 {
		t.Errorf("a formula: %d %s", r.code, r.err)
	}
	if r := (ends{}).call(t, "--socket", socket, "people", "import", path+".none", "--yes"); r.code != ExitFailed {
		t.Errorf("no file: %d %s", r.code, r.err)
	}
}
