package csv_test

import (
	"context"
	"encoding/csv"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/cast"
	"rollcall/connectors/connectortest"
	people "rollcall/connectors/csv"
)

// drop writes a file and returns its path.
func drop(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func source(t testing.TB, path string, change func(*people.Config)) *people.Source {
	t.Helper()
	cfg := people.Config{Path: path, Settle: time.Millisecond}
	if change != nil {
		change(&cfg)
	}
	src, err := people.New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return src
}

func readAll(ctx context.Context, src connectors.Source, from connectors.Cursor) (all []model.Observation, pages []connectors.Page, err error) {
	for page, err := range src.Read(ctx, from) {
		if err != nil {
			return all, pages, err
		}
		pages = append(pages, page)
		if len(pages) > 1000 {
			return nil, pages, errors.New("the read does not end")
		}
		all = append(all, page.People...)
	}
	return all, pages, nil
}

// rowsOf reads a file that must be fine.
func rowsOf(t testing.TB, content string) ([]model.Observation, []string) {
	t.Helper()
	all, pages, err := readAll(t.Context(), source(t, drop(t, content), nil), "")
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	return all, pages[len(pages)-1].Notices
}

// export writes a company as a file.
func export(t testing.TB, company []cast.Person) string {
	t.Helper()
	var b strings.Builder
	w := csv.NewWriter(&b)
	w.Comma = ';'
	w.Write([]string{"Employee number", "Email", "First name", "Last name", "Manager employee number", "Title", "Birth date", "Start date", "End date", "Team"})
	for _, p := range company {
		manager := ""
		if p.Manager >= 0 {
			manager = company[p.Manager].EmployeeNumber
		}
		w.Write([]string{p.EmployeeNumber, p.Email, p.Given, p.Family, manager, p.Title, p.BirthDate, p.Start, p.End, p.Department})
	}
	w.Flush()
	if err := w.Error(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The promises about the wire do not apply, because a file has none. That no
// people are an answer does not either: PRODUCT promises the opposite of a file,
// since an export that failed leaves a header behind.
func TestReadKeepsThePromisesOfASourceThatApplyToFiles(t *testing.T) {
	connectortest.RunSource(t, connectortest.SourceSuite{
		People: 40,
		Open: func(t testing.TB, company []cast.Person) connectortest.SourceService {
			if company != nil && len(company) == 0 {
				t.Skip("a file without people is refused: it is never taken for an empty company")
			}
			path := drop(t, export(t, company))
			return connectortest.SourceService{New: func(*url.URL, *http.Client) (connectors.Source, error) {
				return people.New(people.Config{Path: path, Settle: time.Millisecond, PageSize: 15})
			}}
		},
	})
}

func TestRecordedImportFileOfJaveloIsUnderstood(t *testing.T) {
	raw, err := os.ReadFile("testdata/javelo-users-import.csv")
	if err != nil {
		t.Fatal(err)
	}
	all, notices := rowsOf(t, string(raw))
	if len(all) != 9 || len(notices) > 0 {
		t.Fatalf("%d people, notices %q", len(all), notices)
	}
	want := model.Observation{
		Native: "00166", Status: model.Dated,
		Document: []byte(`{"current_hired_on":"02-02-2026","email":"karim.benhaddou@halcyon-atelier.example","employee_number":"00166","first_hired_on":"02-09-2019","group_code":"SUP","job_title":"Support agent","language":"fr","last_name":"Benhaddou","manager_email":"tomasz.wojcik@halcyon-atelier.example","name":"Karim","phone":null,"username":null}`),
		Attributes: model.Attributes{
			model.Email: model.Text("karim.benhaddou@halcyon-atelier.example"), model.GivenName: model.Text("Karim"), model.FamilyName: model.Text("Benhaddou"),
			model.EmployeeNumber: model.Text("00166"), model.Title: model.Text("Support agent"), model.Locale: model.Text("fr"), model.WorkPhone: model.Null(),
			model.StartDate: model.Text("2026-02-02"), model.FirstHiredOn: model.Text("2019-09-02"),
			model.Manager: {Text: "tomasz.wojcik@halcyon-atelier.example", Refs: []model.Reference{{By: model.RefEmail, Value: "tomasz.wojcik@halcyon-atelier.example"}}},
		},
		Fields: map[model.Name]string{
			model.Email: "email", model.GivenName: "name", model.FamilyName: "last_name", model.EmployeeNumber: "employee_number", model.Title: "job_title",
			model.Locale: "language", model.WorkPhone: "phone", model.StartDate: "current_hired_on", model.FirstHiredOn: "first_hired_on", model.Manager: "manager_email",
		},
	}
	if d := cmp.Diff(want, all[7]); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if !all[0].Attributes[model.Manager].Null {
		t.Errorf("who leads the company has the manager %+v", all[0].Attributes[model.Manager])
	}
}

func TestRecordedFeedOfElevoIsUnderstood(t *testing.T) {
	raw, err := os.ReadFile("testdata/elevo-users.csv")
	if err != nil {
		t.Fatal(err)
	}
	all, _ := rowsOf(t, string(raw))
	if len(all) != 8 {
		t.Fatalf("%d people, want 8", len(all))
	}
	rosa := all[7]
	if rosa.Native != "00310" || !rosa.Attributes[model.Email].Null || rosa.Attributes.Text(model.Site) != "Lyon" || rosa.Attributes.Text(model.StartDate) != "2026-08-03" {
		t.Errorf("Rosa is %+v", rosa)
	}
	if d := cmp.Diff([]model.Reference{{By: model.RefUserName, Value: "rosa.iglesias"}}, rosa.Names); d != "" {
		t.Errorf("names (-want +got):\n%s", d)
	}
}

func TestFormsOfAFileGiveTheSamePeople(t *testing.T) {
	const plain = "employee_number,email,first_name,last_name,title,start_date\n00057,zoe@x.example,Zoë,Müller,\"Cook; baker, \"\"chef\"\"\",2021-01-18\n"
	want, _ := rowsOf(t, plain)
	windows := func(s string) string {
		return strings.NewReplacer("ë", "\xeb", "ü", "\xfc").Replace(s)
	}
	other := func(separator string) string {
		head, row, _ := strings.Cut(plain, "\n")
		title := `"Cook; baker, ""chef"""`
		row = strings.ReplaceAll(strings.Replace(row, title, "\x00", 1), ",", separator)
		return strings.ReplaceAll(head, ",", separator) + "\n" + strings.Replace(row, "\x00", title, 1)
	}
	for name, content := range map[string]string{
		"byte order mark":           "\xef\xbb\xbf" + plain,
		"Windows-1252":              windows(plain),
		"semicolons":                other(";"),
		"tabs":                      other("\t"),
		"semicolons, Windows-1252":  windows(other(";")),
		"separator named":           "sep=;\r\n" + other(";"),
		"carriage returns":          strings.ReplaceAll(plain, "\n", "\r\n"),
		"blank rows":                strings.Replace(plain, "\n", "\n\n,,,,,\n", 1) + ",,,,,\n",
		"blanks around":             strings.ReplaceAll(plain, "Zoë", " Zoë\u00a0"),
		"other spellings":           strings.Replace(plain, "employee_number,email,first_name,last_name,title,start_date", "Employee Number,E-MAIL,firstName,LAST NAME,Title,START DATE", 1),
		"quoted, without a newline": strings.TrimSuffix(strings.Replace(plain, "2021-01-18", `"2021-01-18"`, 1), "\n"),
		"unnamed empty column":      strings.ReplaceAll(strings.ReplaceAll(plain, "\n", ",\n"), "\xff", ""),
	} {
		t.Run(name, func(t *testing.T) {
			got, _ := rowsOf(t, content)
			if len(got) != 1 {
				t.Fatalf("%d people", len(got))
			}
			got[0].Fields, want[0].Fields, got[0].Document, want[0].Document = nil, nil, nil, nil
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("(-plain +got):\n%s", d)
			}
		})
	}
}

func TestFilesThatCannotBeTrustedAreRefused(t *testing.T) {
	const head = "employee_number,email,last_name\n"
	for _, tc := range []struct{ name, content, phrase string }{
		{"empty", "", "is empty"},
		{"header only", head, "a header and no people"},
		{"header and blank rows", head + ",,\n\n", "a header and no people"},
		{"cut off in a field", head + "1,a@x.example,A\n2,b@x.ex", "does not end with a line break"},
		{"cut off between fields", head + "1,a@x.example,A\n2,b@x.example\n", "line 3 has 2 fields, and the first line names 3"},
		{"cut off in quotes", head + "1,a@x.example,\"A\n", "line 2 has a quote in the wrong place"},
		{"too many fields", head + "1,a@x.example,A,B\n", "line 2 has 4 fields"},
		{"too many fields after a field of two lines", head + "1,a@x.example,\"A\nB\"\n2,b@x.example,B,C\n", "line 4 has 4 fields"},
		{"too few fields under a named separator", "sep=,\n" + head + "1,a@x.example\n", "line 3 has 2 fields"},
		{"no header", "1,secret@x.example,Doe\n2,b@x.example,B\n", "no column of the first line is known"},
		{"a name twice", "email,E-Mail,last_name\na@x.example,a@x.example,A\n", "names columns 1 and 2 the same"},
		{"a meaning twice", "email,email_address,last_name\na@x.example,a@x.example,A\n", "columns 1 and 2 that mean the same, email"},
		{"nothing to tell people apart", "first_name,last_name\nA,B\n", "no column that tells people apart"},
		{"nobody's number", head + "1,a@x.example,A\n,b@x.example,B\n", "line 3 has nothing in column 1"},
		{"a number twice", head + "1,a@x.example,A\n2,b@x.example,B\n1,c@x.example,C\n", "line 4 has the same value as line 2"},
		{"an address twice but for case", "email,last_name\na@x.example,A\nA@X.example,B\n", "line 3 has the same value as line 2"},
		{"a value without a column", "email,last_name,\na@x.example,A,secret\n", "line 2 has a value in column 3"},
		{"UTF-16", "\xff\xfee\x00m\x00", "UTF-16"},
		{"zero bytes", head + "1,a@x.example,\x00\x00\x00\n", "line 2 holds a zero byte"},
		{"two encodings", head + "1,a@x.example,Zoé\n2,b@x.example,Núñez\n3,c@x.example,M\xfcller\n", "line 4 is not UTF-8"},
		{"a mark and another encoding", "\xef\xbb\xbf" + head + "1,a@x.example,M\xfcller\n", "line 2 is not UTF-8"},
		{"neither encoding", head + "1,a@x.example,\x81\n", "neither UTF-8 nor Windows-1252"},
		{"lines of an old kind", strings.ReplaceAll(head+"1,a@x.example,A\n2,b@x.example,B\n", "\n", "\r"), "carriage return"},
		{"an endless row", head + "1,a@x.example,\"" + strings.Repeat("x\n", 3<<20), "longer than"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			src := source(t, drop(t, tc.content), nil)
			all, pages, err := readAll(t.Context(), src, "")
			if len(all) > 0 || len(pages) > 0 {
				t.Errorf("%d people were yielded", len(all))
			}
			if connectors.ClassOf(err) != connectors.Transient || !strings.Contains(err.Error(), tc.phrase) {
				t.Fatalf("got class %v: %v", connectors.ClassOf(err), err)
			}
			for _, word := range []string{"secret", "x.example", "Doe", "ller"} {
				if strings.Contains(err.Error(), word) {
					t.Errorf("a person's data is in the error: %v", err)
				}
			}
			if _, checked := src.Check(t.Context()); checked == nil || checked.Error() != err.Error() {
				t.Errorf("Check says something else: %v", checked)
			}
		})
	}
}

func TestAMissingFileIsAnErrorThatNamesItAndAnUpload(t *testing.T) {
	path := filepath.Join(t.TempDir(), "people.csv")
	src := source(t, path, nil)
	_, _, err := readAll(t.Context(), src, "")
	if connectors.ClassOf(err) != connectors.Transient || !strings.Contains(err.Error(), path+" does not exist") || !strings.Contains(err.Error(), "Check path") {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile(path+".part", []byte("email\na@x.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err = readAll(t.Context(), src, ""); err == nil || !strings.Contains(err.Error(), "people.csv.part does: an upload is under way") {
		t.Errorf("got %v", err)
	}
	if err := os.Rename(path+".part", path); err != nil {
		t.Fatal(err)
	}
	if all, _, err := readAll(t.Context(), src, ""); err != nil || len(all) != 1 {
		t.Errorf("after the rename: %d people, %v", len(all), err)
	}
	if _, _, err := readAll(t.Context(), source(t, filepath.Dir(path), nil), ""); connectors.ClassOf(err) != connectors.Misconfigured {
		t.Errorf("a directory: %v", err)
	}
}

func TestAFileThatIsStillWrittenIsNotRead(t *testing.T) {
	const content = "email,last_name\na@x.example,A\n"
	for name, change := range map[string]func(path string) error{
		"it grows": func(path string) error {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = f.WriteString("b@x.example,B\n")
			return errors.Join(err, f.Close())
		},
		"it is written over": func(path string) error {
			later := time.Now().Add(time.Second)
			return os.Chtimes(path, later, later)
		},
		"another takes its name": func(path string) error {
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			err = errors.Join(os.WriteFile(path+".tmp", []byte(content), 0o600), os.Chtimes(path+".tmp", info.ModTime(), info.ModTime()))
			return errors.Join(err, os.Rename(path+".tmp", path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := drop(t, content)
			src := source(t, path, func(c *people.Config) { c.Settle = 2 * time.Second })
			synctest.Test(t, func(t *testing.T) {
				go func() {
					time.Sleep(time.Second)
					if err := change(path); err != nil {
						t.Error(err)
					}
				}()
				_, _, err := readAll(t.Context(), src, "")
				if connectors.ClassOf(err) != connectors.Transient || !strings.Contains(err.Error(), "still being written") {
					t.Errorf("got %v", err)
				}
				if _, pages, err := readAll(t.Context(), src, ""); err != nil || len(pages) == 0 {
					t.Errorf("at rest: %v", err)
				}
			})
		})
	}
}

func TestAFileThatChangesDuringAReadIsAnError(t *testing.T) {
	path := drop(t, export(t, cast.Company(40, 3)))
	src := source(t, path, func(c *people.Config) { c.PageSize = 15 })
	var last error
	var complete bool
	var cursors []connectors.Cursor
	for page, err := range src.Read(t.Context(), "") {
		last, complete = err, complete || page.Last
		if len(cursors) == 0 {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.WriteString(";;;;;;;;;\n"); err != nil {
				t.Fatal(err)
			}
			f.Close()
		}
		cursors = append(cursors, page.Next)
	}
	if complete || connectors.ClassOf(last) != connectors.Transient {
		t.Errorf("complete: %v, %v", complete, last)
	}
	// What was left of the old file cannot be found in the new one.
	if _, _, err := readAll(t.Context(), src, cursors[0]); connectors.ClassOf(err) != connectors.Transient || !strings.Contains(err.Error(), "replaced") {
		t.Errorf("resumed in another file: %v", err)
	}
}

func TestAReplacedFileDoesNotDisturbTheReadOfTheOldOne(t *testing.T) {
	path := drop(t, export(t, cast.Company(40, 3)))
	n := 0
	for page, err := range source(t, path, func(c *people.Config) { c.PageSize = 15 }).Read(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			if err := errors.Join(os.WriteFile(path+".tmp", []byte("email\na@x.example\n"), 0o600), os.Rename(path+".tmp", path)); err != nil {
				t.Fatal(err)
			}
		}
		n += len(page.People)
	}
	if n != 40 {
		t.Errorf("%d people, want the 40 of the old file", n)
	}
}

func TestWaitingForAFileToRestEndsWithTheContext(t *testing.T) {
	path := drop(t, "email\na@x.example\n")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := readAll(ctx, source(t, path, func(c *people.Config) { c.Settle = time.Hour }), "")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestConfigurationIsRefusedWithTheKeyInTheText(t *testing.T) {
	for _, path := range []string{"", "people.csv", "/drop/people.csv.part", "/drop/people.TMP"} {
		if _, err := people.New(people.Config{Path: path}); connectors.ClassOf(err) != connectors.Misconfigured || !strings.Contains(err.Error(), "path") {
			t.Errorf("%q: %v", path, err)
		}
	}
}

func TestCheckTellsHowTheFileWasUnderstood(t *testing.T) {
	path := drop(t, "Email;Last name;Team;Start date\na@x.example;A;Blue;03/04/2026\nb@x.example;B;Red;\n")
	report, err := source(t, path, func(c *people.Config) { c.CustomFields = []string{"team", "badge"} }).Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if report.People != 2 || !strings.HasPrefix(report.Reached, "people.csv of ") || !strings.HasSuffix(report.Reached, "UTF-8, separated by semicolons") {
		t.Errorf("%d people in %q", report.People, report.Reached)
	}
	var missing []string
	for _, m := range report.Missing {
		missing = append(missing, m.Permission)
	}
	if d := cmp.Diff([]string{"column given_name", "column badge"}, missing); d != "" {
		t.Errorf("missing (-want +got):\n%s", d)
	}
	told := strings.Join(report.Notices, "\n")
	for _, phrase := range []string{"start_date was left out in 1 of 2 rows", "told apart by the column Email", "start and end dates decide", "for expressions only: team"} {
		if !strings.Contains(told, phrase) {
			t.Errorf("%q is not among the notices:\n%s", phrase, told)
		}
	}
	if report.Sample == nil || report.Sample.Native != "a@x.example" {
		t.Errorf("sample %+v", report.Sample)
	}
}
