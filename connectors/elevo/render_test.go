package elevo

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/elevo/elevosim"
)

// person makes a row; pairs are attribute names and values.
func person(id model.PersonID, email string, manager model.PersonID, pairs ...string) Row {
	r := Row{Person: id, Active: true, Email: email, Manager: manager, Attributes: map[model.Name]string{}}
	for i := 0; i < len(pairs); i += 2 {
		r.Attributes[model.Name(pairs[i])] = pairs[i+1]
	}
	return r
}

// halcyon is the roster behind the recorded file, with a leaver.
func halcyon() []Row {
	const at = "@halcyon-atelier.example"
	who := func(number, given, family, email, manager, title, start, department, site string) Row {
		return person(model.PersonID("p_"+number), email, model.PersonID(manager),
			"employee_number", number, "given_name", given, "family_name", family, "title", title,
			"start_date", start, "department", department, "site", site)
	}
	leaver := who("00044", "Lucie", "Perrin", "lucie.perrin"+at, "p_00001", "Accountant", "2016-01-04", "Finance", "Lyon")
	leaver.Active = false
	return []Row{
		who("00310", "Rosa", "Iglesias", "", "p_00103", "Warehouse operator", "2026-08-03", "Support", "Lyon"),
		who("00001", "Margaux", "Delacroix", "margaux.delacroix"+at, "", "Managing director", "2015-03-02", "Direction", "Lyon"),
		who("00057", "Oluwaseun", "Adeyemi", "oluwaseun.adeyemi"+at, "p_00001", "Engineering director", "2017-09-11", "Engineering", "Lyon"),
		who("00212", "Zoë", "van der Berg", "zoe.vanderberg"+at, "p_00057", "Software engineer", "2021-01-18", "Engineering", "Amsterdam"),
		who("00198", "Inês", "Carvalho", "ines.carvalho"+at, "p_00001", "Product designer", "2020-06-01", "Product", "Lyon"),
		who("00103", "Tomasz", "Wójcik", "tomasz.wojcik"+at, "p_00001", "Support lead", "2018-02-05", "Support", "Lyon"),
		who("00151", "Priya", "Ramaswamy", "priya.ramaswamy"+at, "p_00001", "Sales manager", "2019-04-15", "Sales", "London"),
		who("00166", "Karim", "Benhaddou", "karim.benhaddou"+at, "p_00103", "Support agent", "2026-02-02", "Support", "Lyon"),
		leaver,
	}
}

func parse(t testing.TB, content []byte) (header []string, rows []map[string]string) {
	t.Helper()
	all, err := csv.NewReader(bytes.NewReader(content)).ReadAll()
	if err != nil || len(all) == 0 {
		t.Fatalf("not CSV: %v", err)
	}
	for _, r := range all[1:] {
		row := map[string]string{}
		for i, name := range all[0] {
			row[name] = r[i]
		}
		rows = append(rows, row)
	}
	return all[0], rows
}

func render(t testing.TB, l Layout, rows ...Row) connectors.File {
	t.Helper()
	f, err := l.Render(rows)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestRenderedFileHasTheLinesOfTheRecordedOne(t *testing.T) {
	recorded, err := os.ReadFile(filepath.Join("testdata", "01-users.csv"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := Render(halcyon())
	if err != nil {
		t.Fatal(err)
	}
	// The order of the recorded lines is nobody's rule; the header comes first.
	lines := func(b []byte) []string {
		l := strings.SplitAfter(string(b), "\n")
		slices.Sort(l[1:])
		return l
	}
	if d := cmp.Diff(lines(recorded), lines(got)); d != "" {
		t.Errorf("(-recorded +rendered):\n%s", d)
	}
	var intake elevosim.Intake
	if err := intake.Read(got); err != nil {
		t.Error(err)
	}
}

func TestEqualPeopleGiveEqualBytesWhateverTheirOrder(t *testing.T) {
	rows := halcyon()
	rows = append(rows, // a circle, somebody below it, and a namesake without an email
		person("p_a", "a@x.example", "p_b", "employee_number", "7"),
		person("p_b", "b@x.example", "p_a", "employee_number", "7"),
		person("p_c", "c@x.example", "p_a"),
		person("p_d", "", "", "given_name", "Rosa", "family_name", "Iglesias", "employee_number", "00311"))
	want, err := Render(rows)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		got, err := Render(rows)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), string(got)); d != "" {
			t.Fatalf("another order gives another file:\n%s", d)
		}
	}
}

func TestManagersComeBeforeTheirReports(t *testing.T) {
	f := render(t, Layout{}, halcyon()...)
	_, rows := parse(t, f.Content)
	seen := map[string]bool{"": true}
	for _, r := range rows {
		if !seen[r["manager_email"]] {
			t.Errorf("%s comes before their manager", r["registration_number"])
		}
		seen[r["email"]] = true
	}
}

func TestManagersAreNamedOnlyWhenTheyAreInTheFile(t *testing.T) {
	gone := person("p_gone", "gone@x.example", "")
	gone.Active = false
	f := render(t, Layout{}, gone,
		person("p_1", "one@x.example", "p_gone"),
		person("p_2", "two@x.example", "p_nobody"),
		person("p_3", "three@x.example", "p_3"),
		person("p_4", "four@x.example", "p_1"))
	header, rows := parse(t, f.Content)
	if slices.Contains(header, "manager_username") {
		t.Error("a column for managers without an email, and there are none")
	}
	for _, r := range rows {
		want := map[string]string{"four@x.example": "one@x.example"}[r["email"]]
		if r["manager_email"] != want {
			t.Errorf("%s has the manager %q, want %q", r["email"], r["manager_email"], want)
		}
	}
}

func TestManagerWithoutAnEmailIsNamedByUserName(t *testing.T) {
	f := render(t, Layout{}, person("p_1", "", "", "given_name", "Ada", "family_name", "Moreau"), person("p_2", "two@x.example", "p_1"))
	header, rows := parse(t, f.Content)
	if i := slices.Index(header, "manager_username"); i < 0 || header[i-1] != "manager_email" {
		t.Fatalf("columns %v", header)
	}
	if got := rows[1]; got["manager_username"] != "ada.moreau" || got["manager_email"] != "" {
		t.Errorf("got %v", got)
	}
}

func TestUserNamesAreMadeOfNamesAndStayApart(t *testing.T) {
	named := person("p_x", "", "", "given_name", "Some", "family_name", "Body")
	named.Username = "rosa.iglesias-9"
	dash := person("p_dash", "", "")
	dash.Username = "-cmd"
	f := render(t, Layout{}, named, dash,
		person("p_b", "", "", "given_name", "Rosa", "family_name", "Iglesias", "employee_number", "100"),
		person("p_a", "", "", "given_name", "ROSA", "family_name", "Íglesias", "employee_number", "99"),
		person("p_c", "", "", "given_name", "Søren", "family_name", "O'Keeffe-Łuk"),
		person("p_d", "", "", "given_name", "光", "family_name", "田中", "employee_number", "501"),
		person("p_e", "", "", "given_name", "光"),
		person("p_f", "", "", "given_name", "Rosa", "family_name", "Iglesias"),
		person("p_g", "kept@x.example", "", "given_name", "Uma", "family_name", "Xu"),
	)
	_, rows := parse(t, f.Content)
	got := map[string]string{}
	for _, r := range rows {
		got[r["registration_number"]+"/"+r["first_name"]] = r["username"]
	}
	want := map[string]string{"99/ROSA": "rosa.iglesias", "100/Rosa": "rosa.iglesias.100", "/Søren": "soren.okeeffe-luk", "501/光": "501", "/Uma": "", "/Some": "rosa.iglesias-9"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	var left []model.PersonID
	for _, l := range f.LeftOut {
		left = append(left, l.Person)
	}
	if d := cmp.Diff([]model.PersonID{"p_dash", "p_e", "p_f"}, left); d != "" {
		t.Errorf("left out (-want +got):\n%s", d)
	}
}

func TestPeopleWhoWouldOverwriteEachOtherAreNoFile(t *testing.T) {
	twin := person("p_2", "", "")
	twin.Username = "ada"
	other := person("p_3", "", "")
	other.Username = "ADA"
	for name, rows := range map[string][]Row{
		"email":     {person("p_2", "ada@x.example", ""), person("p_3", "ADA@x.example", "")},
		"user name": {twin, other},
		"person":    {person("p_2", "a@x.example", ""), person("p_2", "b@x.example", "")},
	} {
		f, err := Layout{}.Render(rows)
		if connectors.ClassOf(err) != connectors.Invalid || f.Content != nil {
			t.Errorf("%s: %v, %d bytes", name, err, len(f.Content))
		}
		if err != nil && (strings.Contains(err.Error(), "example") || strings.Contains(strings.ToLower(err.Error()), "ada")) {
			t.Errorf("%s: the error tells of the person: %v", name, err)
		}
	}
}

func TestCellsBeginNoFormula(t *testing.T) {
	for in, want := range map[string]string{
		"=HYPERLINK(\"http://x\")": "HYPERLINK(\"http://x\")",
		"+33":                      "33",
		"--=@x":                    "x",
		" \t=x":                    "x",
		"'=x":                      "x",
		"＝x":                       "x",
		"Sales; =cmd":              "Sales;cmd",
		"Sales;Ops":                "Sales;Ops",
		"a\r\n=b":                  "a =b",
		"R&D - Lyon":               "R&D - Lyon",
		"'s-Hertogenbosch":         "'s-Hertogenbosch",
		"Zoë":                      "Zoë",
		"x\x00\xffy":               "x y",
		"====":                     "",
	} {
		if got := cell(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

func TestIdentifiersAreLeftOutRatherThanChanged(t *testing.T) {
	rows := []Row{
		person("p_1", "=cmd@x.example", ""), person("p_2", "a b@x.example", ""), person("p_3", "a@b@x.example", ""),
		person("p_4", "ok4@x.example", "", "employee_number", "=4"), person("p_5", "ok5@x.example", "", "employee_number", "5"),
		person("p_6", "nobody", ""),
	}
	f := render(t, Layout{}, rows...)
	if f.People != 1 || len(f.LeftOut) != 5 || !strings.Contains(string(f.Content), "ok5@x.example") {
		t.Errorf("%d people, left out %v", f.People, f.LeftOut)
	}
	for _, l := range f.LeftOut {
		if strings.Contains(l.Reason, "@x") {
			t.Errorf("the reason tells of the person: %s", l.Reason)
		}
	}
}

func TestDatesAreWrittenAsConfiguredOrNotAtAll(t *testing.T) {
	l := Layout{Dates: "02-01-2006", Columns: []Column{{"team_name", "custom.team"}, {"left_on", model.EndDate}}}
	f := render(t, l,
		person("p_1", "a@x.example", "", "start_date", "2026-02-01", "custom.team", "=Red", "end_date", "soon"),
		person("p_2", "b@x.example", "", "start_date", "2026-02-30"))
	header, rows := parse(t, f.Content)
	if got := header[len(header)-2:]; !slices.Equal(got, []string{"team_name", "left_on"}) {
		t.Errorf("columns %v", header)
	}
	got := []string{rows[0]["work_start_date"], rows[0]["team_name"], rows[0]["left_on"], rows[1]["work_start_date"]}
	if d := cmp.Diff([]string{"01-02-2026", "Red", "", ""}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func FuzzRenderedFileIsSafeAndWhole(f *testing.F) {
	f.Add("=1+1", "a@x.example", "7", "rosa")
	f.Add("x;=y\n\"z", "-b@x.example", "", "")
	f.Add("\ufeff＝", "", "@7", "-")
	f.Fuzz(func(t *testing.T, text, email, number, username string) {
		r := person("p_1", email, "p_2", "given_name", text, "family_name", text, "title", text, "start_date", text, "employee_number", number)
		r.Username = username
		file, err := Layout{}.Render([]Row{r, person("p_2", "boss@y.example", "", "department", text)})
		if connectors.ClassOf(err) == connectors.Invalid {
			return // the same email as the other's
		}
		if err != nil {
			t.Fatal(err)
		}
		if file.People+len(file.LeftOut) != 2 || !utf8.Valid(file.Content) {
			t.Errorf("%d people, left out %v", file.People, file.LeftOut)
		}
		_, rows := parse(t, file.Content)
		if len(rows) != file.People {
			t.Errorf("%d rows of %d people", len(rows), file.People)
		}
		for _, row := range rows {
			for name, v := range row {
				for i, part := range strings.Split(v, ";") {
					if bare := strings.TrimSpace(part); bare != "" && strings.ContainsAny(bare[:1], "=+-@") {
						t.Errorf("part %d of %s begins a formula: %q", i, name, v)
					}
				}
				if cell(v) != v {
					t.Errorf("%s changes when it is cleaned again: %q", name, v)
				}
			}
		}
	})
}

func BenchmarkRender(b *testing.B) {
	var rows []Row
	for i := range 20_000 {
		rows = append(rows, person(model.PersonID(fmt.Sprint("p_", i)), fmt.Sprintf("u%d@x.example", i), model.PersonID(fmt.Sprint("p_", i/8)), "given_name", "Ada", "family_name", "Moreau", "employee_number", fmt.Sprint(i)))
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Render(rows); err != nil {
			b.Fatal(err)
		}
	}
}
