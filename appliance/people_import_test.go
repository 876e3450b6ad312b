package appliance_test

import (
	"errors"
	"strings"
	"testing"

	"rollcall/appliance/admin"
	"rollcall/appliance/peoplefile"
	"rollcall/connectors/cast"
)

// exportedRows is the file that an export writes, as an import reads it.
func (w *world) exportedRows() []admin.ImportRow {
	w.t.Helper()
	var rows []admin.ImportRow
	page := admin.Page{Limit: 100}
	for {
		part, err := w.app.Export(w.ctx(), "", page)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, p := range part.People {
			cells := map[string]string{}
			for _, c := range peoplefile.Columns {
				text := p.Attributes[string(c.Attribute)]
				if c.Attribute == "manager" {
					text = p.ManagerEmail
				}
				if form := c.Form(text); form != "" {
					cells[c.Header] = form
				}
			}
			rows = append(rows, admin.ImportRow{Row: len(rows) + 2, Cells: cells})
		}
		if part.Next == "" {
			return rows
		}
		page.After = part.Next
	}
}

func (w *world) imported(asked admin.ImportRequest) admin.Imported {
	w.t.Helper()
	im, err := w.app.Import(w.ctx(), "uid:1000(ops)", asked)
	if err != nil {
		w.t.Fatal(err)
	}
	w.wait()
	return im
}

func (w *world) decisions() []admin.Decision {
	w.t.Helper()
	all, err := w.app.Decisions(w.ctx())
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// importing is a company whose accounts are made.
func importing(t *testing.T, n int, extra string) *world {
	w := newWorld(t, n, extra)
	w.start()
	w.sync("hibob")
	w.activate("hibob")
	return w
}

// rowOf returns a row that only names a person.
func rowOf(i int, p cast.Person, cells ...string) admin.ImportRow {
	row := admin.ImportRow{Row: i, Cells: map[string]string{"email": p.Email}}
	for j := 0; j < len(cells); j += 2 {
		row.Cells[cells[j]] = cells[j+1]
	}
	return row
}

func TestImportOfAnExportChangesNothing(t *testing.T) {
	w := importing(t, 40, "")
	w.hibob.Update(w.employed(1)[0], func(p *cast.Person) { p.Title = "  Head of, well,\u00a0things " })
	w.sync("hibob")
	rows := w.exportedRows()
	if len(rows) < 30 {
		t.Fatalf("only %d people are exported", len(rows))
	}
	im := w.imported(admin.ImportRequest{Rows: rows, AllowIdentifierChanges: true})
	if len(im.Edits) != 0 || len(im.Unknown) != 0 || im.Batch != "" || im.Run != 0 || len(w.decisions()) != 0 {
		t.Errorf("the import of an export would set %+v and leave out %+v, as batch %q", im.Edits, im.Unknown, im.Batch)
	}
}

func TestImportIsPreviewedAppliedSeenInTheTargetAndUndoneWhole(t *testing.T) {
	w := importing(t, 40, "")
	who := w.employed(4)
	one, two, three, boss := w.people[who[0]], w.people[who[1]], w.people[who[2]], w.people[who[3]]
	before, _ := w.javelo.Account(one.Email)
	asked := admin.ImportRequest{Reason: "ticket 12", DryRun: true, Rows: []admin.ImportRow{
		rowOf(2, one, "job", "Chief of Cheese"),
		rowOf(3, two, "department", "Caves", "job", ""),
		rowOf(4, three, "manager_email", strings.ToUpper(boss.Email)),
		{Row: 5, Cells: map[string]string{"email": "nobody@elsewhere.example", "job": "Ghost"}},
	}}
	seen := w.imported(asked)
	if len(seen.Edits) != 3 || len(seen.Unknown) != 1 || seen.Unknown[0].Row != 5 || seen.Plan.Counts["update"] != 3 || len(seen.Plan.Changes) != 3 {
		t.Fatalf("the preview: %+v, left out %+v, plan %v", seen.Edits, seen.Unknown, seen.Plan.Counts)
	}
	if a, _ := w.javelo.Account(one.Email); a.Title != before.Title || len(w.decisions()) != 0 {
		t.Fatal("looking changed something")
	}
	asked.DryRun, asked.Tag = false, seen.Tag
	done := w.imported(asked)
	if done.Batch == "" || done.Run == 0 || len(done.Edits) != 3 {
		t.Fatalf("applied: %+v", done)
	}
	check := func(when, title, department string, managed bool) {
		t.Helper()
		a, _ := w.javelo.Account(one.Email)
		b, _ := w.javelo.Account(two.Email)
		c, _ := w.javelo.Account(three.Email)
		m, _ := w.javelo.Account(boss.Email)
		if a.Title != title || b.Enterprise["department"] != department || (c.ManagerID == m.ID) != managed {
			t.Errorf("%s: title %q, department %q, manager %q of %q", when, a.Title, b.Enterprise["department"], c.ManagerID, m.ID)
		}
	}
	check("imported", "Chief of Cheese", "Caves", true)
	// It outlives what the source says next, of the same value and of others.
	w.hibob.Update(who[0], func(p *cast.Person) { p.Title = "Intern" })
	w.sync("hibob")
	check("read again", "Chief of Cheese", "Caves", true)
	all := w.decisions()
	if len(all) != 3 || all[0].Batch != done.Batch || all[0].Actor != "uid:1000(ops)" || all[0].Reason != "import: ticket 12" {
		t.Errorf("decisions %+v", all)
	}
	again := asked
	again.Tag = ""
	if im := w.imported(again); len(im.Edits) != 0 || im.Batch != "" {
		t.Errorf("the same file once more: %+v", im)
	}
	if _, err := w.app.Import(w.ctx(), "test", asked); !isCode(err, admin.CodeStale) {
		t.Errorf("what was seen is not there any more: %v", err)
	}
	events, err := w.app.Journal(w.ctx(), -1, 100, false)
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, e := range events {
		if e.Verb == "decided" && e.Actor == "uid:1000(ops)" && strings.Contains(e.Reason, done.Batch) && strings.Contains(e.Reason, "ticket 12") {
			told++
		}
		if strings.Contains(e.Reason, "Cheese") {
			t.Errorf("the journal holds a value: %+v", e)
		}
	}
	if told != 3 {
		t.Errorf("the journal tells of %d values set, want 3", told)
	}
	if err := w.app.UndoDecision(w.ctx(), "test", done.Batch); err != nil {
		t.Fatal(err)
	}
	w.wait()
	check("undone", "Intern", two.Department, false)
	if len(w.decisions()) != 0 {
		t.Errorf("left after undoing the batch: %+v", w.decisions())
	}
}

func isCode(err error, code string) bool {
	var e *admin.Error
	return errors.As(err, &e) && e.Code == code
}

func TestImportChangesIdentifiersOnlyWhenThatIsAllowed(t *testing.T) {
	w := importing(t, 40, "identifier_changes = true\n")
	p := w.people[w.employed(1)[0]]
	row := admin.ImportRow{Row: 2, Cells: map[string]string{"email": "renamed@" + strings.SplitN(p.Email, "@", 2)[1], "employee_number": p.EmployeeNumber}}
	asked := admin.ImportRequest{Rows: []admin.ImportRow{row}}
	if _, err := w.app.Import(w.ctx(), "test", asked); !isCode(err, admin.CodeInvalid) || !strings.Contains(err.Error(), "row 2, email:") || !strings.Contains(err.Error(), "--allow-identifier-changes") {
		t.Fatalf("without the flag: %v", err)
	}
	if len(w.decisions()) != 0 {
		t.Fatal("a refused import left decisions")
	}
	asked.AllowIdentifierChanges = true
	if im := w.imported(asked); len(im.Edits) != 1 {
		t.Fatalf("%+v", im)
	}
	if _, ok := w.javelo.Account(row.Cells["email"]); !ok {
		t.Error("the account does not have the new login")
	}
	if _, ok := w.javelo.Account(p.Email); ok {
		t.Error("the old account is there besides")
	}
}

func TestWrongRowsAreNamedAndNothingIsImported(t *testing.T) {
	w := importing(t, 40, "")
	who := w.employed(3)
	one, two, three := w.people[who[0]], w.people[who[1]], w.people[who[2]]
	for name, c := range map[string]struct {
		rows []admin.ImportRow
		want string
	}{
		"the same person twice":     {[]admin.ImportRow{rowOf(3, two), rowOf(4, two)}, "row 4: "},
		"twice by two names":        {[]admin.ImportRow{rowOf(3, two), {Row: 4, Cells: map[string]string{"employee_number": two.EmployeeNumber}}}, "row 4: "},
		"nobody":                    {[]admin.ImportRow{{Row: 3, Cells: map[string]string{"job": "x"}}}, "row 3: "},
		"a manager who is nobody":   {[]admin.ImportRow{rowOf(3, two, "manager_email", "nobody@elsewhere.example")}, "row 3, manager_email: "},
		"a manager who is left out": {[]admin.ImportRow{rowOf(3, two, "manager_email", "nobody@elsewhere.example"), {Row: 4, Cells: map[string]string{"email": "nobody@elsewhere.example"}}}, "the manager is row 4"},
		"their own manager":         {[]admin.ImportRow{rowOf(3, two, "manager_email", two.Email)}, "row 3, manager_email: nobody is their own"},
		"a date of another kind":    {[]admin.ImportRow{rowOf(3, two, "current_hired_on", "2026-01-31")}, "row 3, current_hired_on: "},
		"a day that is none":        {[]admin.ImportRow{rowOf(3, two, "current_hired_on", "31-02-2026")}, "row 3, current_hired_on: "},
		"a phone without its zeros": {[]admin.ImportRow{rowOf(3, two, "phone", "33123456789")}, "row 3, phone: "},
		"a language of no file":     {[]admin.ImportRow{rowOf(3, two, "language", "de")}, "row 3, language: "},
		"a name that is cleared":    {[]admin.ImportRow{rowOf(3, two, "last_name", "-")}, "row 3, last_name: "},
		"two people in one row":     {[]admin.ImportRow{{Row: 3, Cells: map[string]string{"email": two.Email, "employee_number": three.EmployeeNumber}}}, "row 3, employee_number: "},
		"a strange column":          {[]admin.ImportRow{rowOf(3, two, "salary", "9")}, "row 3: "},
	} {
		rows := append([]admin.ImportRow{rowOf(2, one, "job", "Chief of Cheese")}, c.rows...)
		_, err := w.app.Import(w.ctx(), "test", admin.ImportRequest{Rows: rows, AllowIdentifierChanges: true})
		if !isCode(err, admin.CodeInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want it to say %q", name, err, c.want)
		}
		if err != nil && (strings.Contains(err.Error(), two.Email) || strings.Contains(err.Error(), "nobody@")) {
			t.Errorf("%s: the refusal holds a value: %v", name, err)
		}
	}
	if len(w.decisions()) != 0 {
		t.Errorf("refused imports left %+v", w.decisions())
	}
	// A manager is cleared by a dash.
	im := w.imported(admin.ImportRequest{Rows: []admin.ImportRow{rowOf(2, one, "manager_email", "-")}})
	if a, _ := w.javelo.Account(one.Email); len(im.Edits) != 1 || a.ManagerID != "" {
		t.Errorf("cleared: %+v, the account has %q", im.Edits, a.ManagerID)
	}
}

func TestMassImportIsHeldByAGuard(t *testing.T) {
	w := importing(t, 60, "")
	rows := w.exportedRows()
	for _, r := range rows {
		r.Cells["organization"] = "Elsewhere SA"
	}
	seen := w.imported(admin.ImportRequest{Rows: rows, DryRun: true})
	writes := w.javelo.Writes()
	done := w.imported(admin.ImportRequest{Rows: rows})
	if len(seen.Plan.Holds) == 0 || len(done.Plan.Holds) == 0 {
		t.Fatalf("held in the preview %+v, when done %+v", seen.Plan.Holds, done.Plan.Holds)
	}
	if got := w.javelo.Writes(); got != writes {
		t.Errorf("%d writes went out although a guard holds them", got-writes)
	}
}
