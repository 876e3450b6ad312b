package appliance

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/cases"

	"rollcall/appliance/admin"
	"rollcall/appliance/identity"
	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/peoplefile"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
)

// Import implements admin.Service: what the file says otherwise than the roster is
// found and, for a dry run, applied inside one transaction, so that neither can
// differ from what is done.
func (a *App) Import(ctx context.Context, actor string, asked admin.ImportRequest) (admin.Imported, error) {
	out := admin.Imported{DryRun: asked.DryRun, Plan: admin.Plan{Changes: []admin.PlanChange{}, Counts: map[string]int{}}}
	switch {
	case len(asked.Rows) == 0:
		return out, invalid("there are no rows to import")
	case len(asked.Rows) > peoplefile.MaxRows:
		return out, invalid("%d rows are more than %d: split the file", len(asked.Rows), peoplefile.MaxRows)
	}
	before := situation{}
	find := func(tx *store.Tx) ([]ingest.Amendment, error) {
		im, err := newImporter(tx, asked)
		if err != nil {
			return nil, err
		}
		if err := im.read(); err != nil {
			return nil, err
		}
		if err := im.resolveManagers(); err != nil {
			return nil, err
		}
		if len(im.wrong) > 0 {
			slices.SortStableFunc(im.wrong, func(x, y peoplefile.Problem) int { return x.Row - y.Row })
			return nil, invalid("%s", (&peoplefile.WrongError{Problems: im.wrong}).Error())
		}
		out.Edits, out.Unknown, out.Tag = im.edits, im.unknown, tagOf(im.edits)
		if asked.Tag != "" && asked.Tag != out.Tag {
			return nil, &admin.Error{Code: admin.CodeStale, Text: "the roster changed since the import was shown, so it would not do what you saw: look again"}
		}
		if asked.DryRun {
			var records []model.RecordID
			for _, m := range im.amendments {
				records = append(records, m.Record)
			}
			if before, err = a.situationOf(tx, []model.Conflict{{Records: records}}); err != nil {
				return nil, err
			}
		}
		return im.amendments, nil
	}
	if asked.DryRun {
		var would rehearsal
		err := a.engine.TryAmend("preview", find, func(tx *store.Tx, run model.Run) error {
			return a.consequences(&out.Plan, before, &would)(tx, run)
		})
		if err != nil {
			return out, refusal(err)
		}
		return out, a.showRequests(ctx, &out.Plan, would)
	}
	reason := "import"
	if asked.Reason != "" {
		reason += ": " + asked.Reason
	}
	done, err := a.engine.Amend(actor, reason, find)
	if err != nil || done.Batch == "" {
		return out, refusal(err)
	}
	out.Batch, out.Run = done.Batch, done.Run.Seq
	out.Plan, err = a.RunPlan(ctx, done.Run.Seq)
	return out, err
}

// tagOf pins what an import would set.
func tagOf(edits []admin.ImportEdit) string {
	sum := sha256.New()
	for _, e := range edits {
		fmt.Fprintf(sum, "%q", []string{e.Person.ID, e.Attribute, e.Old, e.New})
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// clearCell is the cell that says that there is nothing.
const clearCell = "-"

// identifying are the columns that only change when that is asked for.
var identifying = []model.Name{model.Email, model.EmployeeNumber}

// importer turns the rows of a file into what they set.
type importer struct {
	tx      *store.Tx
	allowed bool // to change identifiers
	rows    []admin.ImportRow

	people   map[model.PersonID]model.Person
	byEmail  map[string][]model.PersonID
	byText   map[string][]model.PersonID // emails that cannot be used, as they are written
	byNumber map[string][]model.PersonID
	byUser   map[string][]model.PersonID // nil: no row names anybody so

	amendments []ingest.Amendment // beside edits
	edits      []admin.ImportEdit
	unknown    []admin.ImportUnknown
	wrong      []peoplefile.Problem

	rowOf    map[model.PersonID]int
	emails   map[model.PersonID]string // those that the file changes
	managers []managerCell
	named    map[string]int // emails of rows, to tell duplicates
	strange  map[string]int // emails of rows that are nobody in the roster
}

// managerCell is a manager to find once all rows are read.
type managerCell struct {
	row    int
	person model.PersonID
	email  string
}

func newImporter(tx *store.Tx, asked admin.ImportRequest) (*importer, error) {
	im := &importer{tx: tx, allowed: asked.AllowIdentifierChanges, rows: asked.Rows, people: map[model.PersonID]model.Person{},
		byEmail: map[string][]model.PersonID{}, byText: map[string][]model.PersonID{}, byNumber: map[string][]model.PersonID{}, rowOf: map[model.PersonID]int{},
		emails: map[model.PersonID]string{}, named: map[string]int{}, strange: map[string]int{},
		edits: []admin.ImportEdit{}, unknown: []admin.ImportUnknown{}}
	for p, err := range store.Persons.Each(tx, nil) {
		if err != nil {
			return nil, err
		}
		im.people[p.ID] = p
		if raw := p.Attributes.Text(model.Email); p.EmailKey != "" {
			im.byEmail[p.EmailKey] = append(im.byEmail[p.EmailKey], p.ID)
		} else if raw != "" {
			im.byText[strings.ToLower(raw)] = append(im.byText[strings.ToLower(raw)], p.ID)
		}
		if id, err := identity.EmployeeNumber(p.Attributes.Text(model.EmployeeNumber)); err == nil {
			im.byNumber[id.Value] = append(im.byNumber[id.Value], p.ID)
		}
	}
	if !slices.ContainsFunc(asked.Rows, func(r admin.ImportRow) bool { return r.Cells[peoplefile.Username] != "" }) {
		return im, nil
	}
	im.byUser = map[string][]model.PersonID{}
	for r, err := range store.Records.Each(tx, nil) {
		if err != nil {
			return nil, err
		}
		for _, n := range r.Names {
			if n.By == model.RefUserName && r.Person != "" && !r.Staged {
				key := cases.Fold().String(n.Value)
				if !slices.Contains(im.byUser[key], r.Person) {
					im.byUser[key] = append(im.byUser[key], r.Person)
				}
			}
		}
	}
	return im, nil
}

func (im *importer) fault(row int, column, format string, args ...any) {
	im.wrong = append(im.wrong, peoplefile.Problem{Row: row, Column: column, What: fmt.Sprintf(format, args...)})
}

func (im *importer) read() error {
	for _, row := range im.rows {
		if row.Row < 1 {
			im.fault(row.Row, "", "rows are numbered from 1")
			return nil
		}
		for name := range row.Cells {
			if !peoplefile.Known(name) {
				im.fault(row.Row, "", "there is a column that this version does not know: use the rollcall command of the appliance's version")
				return nil
			}
		}
		id, ok := im.whose(row)
		if !ok {
			continue
		}
		if first, twice := im.rowOf[id]; twice {
			im.fault(row.Row, "", "this is the same person as row %d: keep one of them", first)
			continue
		}
		im.rowOf[id] = row.Row
		if err := im.compare(row, im.people[id]); err != nil {
			return err
		}
	}
	return nil
}

// whose finds the person a row is about; false when there is none, which is noted.
func (im *importer) whose(row admin.ImportRow) (model.PersonID, bool) {
	email, number, user := row.Cells["email"], row.Cells["employee_number"], row.Cells[peoplefile.Username]
	if email == "" && number == "" && user == "" {
		im.fault(row.Row, "", "it names nobody: fill in email, employee_number or username")
		return "", false
	}
	var key string
	var byEmail, byNumber []model.PersonID
	if email != "" {
		id, _, err := identity.Email(email)
		if byEmail = im.byEmail[id.Value]; len(byEmail) == 0 {
			byEmail = im.byText[strings.ToLower(email)]
		}
		if err != nil && len(byEmail) == 0 {
			im.fault(row.Row, "email", "this is no email: it %v", err)
			return "", false
		}
		key = cmp.Or(id.Value, strings.ToLower(email))
	}
	if number != "" {
		id, err := identity.EmployeeNumber(number)
		if err != nil && number != clearCell {
			im.fault(row.Row, "employee_number", "this is no employee number: it %v", err)
			return "", false
		}
		byNumber = im.byNumber[id.Value]
	}
	if first, twice := im.named[key]; twice && key != "" {
		im.fault(row.Row, "", "it has the email of row %d: keep one of them", first)
		return "", false
	}
	im.named[key] = row.Row
	found := byEmail
	if both := slices.DeleteFunc(slices.Clone(byEmail), func(id model.PersonID) bool { return !slices.Contains(byNumber, id) }); len(both) > 0 {
		found = both
	} else if len(byEmail) == 0 {
		found = byNumber
	} else if len(byNumber) > 0 {
		im.fault(row.Row, "employee_number", "the email is one person's and the employee number another's: correct one of them")
		return "", false
	}
	if len(found) == 0 && user != "" {
		found = im.byUser[cases.Fold().String(user)]
	}
	switch {
	case len(found) == 1:
		return found[0], true
	case len(found) > 1:
		// Whoever is meant: what says nothing new needs no name.
		for _, id := range found {
			if im.rowOf[id] == 0 && im.saysNothing(row, im.people[id]) {
				im.rowOf[id] = row.Row
				return "", false
			}
		}
		im.fault(row.Row, "", "several people answer to it: name the email and the employee number, or settle their conflict first")
		return "", false
	}
	im.unknown = append(im.unknown, admin.ImportUnknown{Row: row.Row, Who: cmp.Or(email, number, user)})
	im.strange[key] = row.Row
	return "", false
}

// present is what the roster says in a column's words.
func (im *importer) present(c peoplefile.Column, p model.Person) string {
	if c.Attribute == model.Manager {
		return im.people[p.Manager].Attributes.Text(model.Email)
	}
	return p.Attributes.Text(c.Attribute)
}

func (im *importer) same(c peoplefile.Column, cell string, p model.Person) bool {
	now := im.present(c, p)
	switch {
	case cell == "" || c.Says(cell, now):
		return true
	case cell == clearCell:
		return p.Attributes.Text(c.Attribute) == ""
	case c.Attribute == model.Email || c.Attribute == model.Manager:
		return now != "" && reconcile.SameLogin(cell, now)
	}
	return false
}

func (im *importer) saysNothing(row admin.ImportRow, p model.Person) bool {
	for _, c := range peoplefile.Columns {
		if !im.same(c, row.Cells[c.Header], p) {
			return false
		}
	}
	return true
}

// compare notes which of a row's cells say something new of its person.
func (im *importer) compare(row admin.ImportRow, p model.Person) error {
	for _, c := range peoplefile.Columns {
		cell := row.Cells[c.Header]
		if im.same(c, cell, p) {
			continue
		}
		if slices.Contains(identifying, c.Attribute) && !im.allowed {
			im.fault(row.Row, c.Header, "this is another identifier than the roster has, and by it people are told apart: correct it, or allow it with --allow-identifier-changes")
			continue
		}
		text := ""
		if cell == clearCell {
			if c.Attribute == model.GivenName || c.Attribute == model.FamilyName || slices.Contains(identifying, c.Attribute) {
				im.fault(row.Row, c.Header, "it cannot be cleared: write a value, or leave the cell empty")
				continue
			}
		} else {
			var err error
			if text, err = c.Value(cell); err != nil {
				im.fault(row.Row, c.Header, "%v", err)
				continue
			}
		}
		if c.Attribute == model.Manager && text != "" {
			im.managers = append(im.managers, managerCell{row.Row, p.ID, text})
			continue
		}
		value, err := ingest.CheckValue(c.Attribute, text)
		var refused *ingest.InvalidError
		switch {
		case errors.As(err, &refused):
			im.fault(row.Row, c.Header, "%s", refused.What)
			continue
		case err != nil:
			return err
		}
		if c.Attribute == model.Email {
			im.emails[p.ID] = text
		}
		if err := im.set(row.Row, c.Header, p, c.Attribute, value); err != nil {
			return err
		}
	}
	return nil
}

// resolveManagers finds the managers that rows name: in the roster, by the email
// they have or get by this file.
func (im *importer) resolveManagers() error {
	const column = "manager_email"
	given := map[string]model.PersonID{}
	for id, email := range im.emails {
		if key, _, err := identity.Email(email); err == nil {
			given[key.Value] = id
		}
	}
	for _, m := range im.managers {
		key, _, err := identity.Email(m.email)
		if err != nil {
			im.fault(m.row, column, "this is no email: it %v", err)
			continue
		}
		found := im.byEmail[key.Value]
		if id, ok := given[key.Value]; ok {
			found = []model.PersonID{id}
		}
		switch {
		case len(found) == 0 && im.strange[key.Value] != 0:
			im.fault(m.row, column, "the manager is row %d, who is not in the roster: an import makes nobody; bring them in from a source first, or empty the cell", im.strange[key.Value])
		case len(found) == 0:
			im.fault(m.row, column, "this is no row of the file and nobody in the roster: correct it, or empty the cell")
		case len(found) > 1:
			im.fault(m.row, column, "several people have this email: settle their conflict first")
		case found[0] == m.person:
			im.fault(m.row, column, "nobody is their own manager: correct it, or write - for somebody without a manager")
		case im.people[m.person].Manager == found[0]:
		default:
			if err := im.setManager(m, im.people[found[0]]); err != nil {
				return err
			}
		}
	}
	return nil
}

// setManager names the manager by their record in the same source and by their
// email, so that the reference outlives a new email.
func (im *importer) setManager(m managerCell, manager model.Person) error {
	p := im.people[m.person]
	record, ok, err := im.recordFor(p, model.Manager)
	if err != nil {
		return err
	}
	value := model.Value{Text: cmp.Or(im.emails[manager.ID], manager.Attributes.Text(model.Email))}
	if ok {
		for _, id := range manager.Records {
			r, had, err := store.Records.Get(im.tx, id)
			if err != nil {
				return err
			}
			if had && r.Source == record.Source {
				value.Refs = append(value.Refs, model.Reference{By: model.RefNative, Value: r.Native})
				break
			}
		}
	}
	value.Refs = append(value.Refs, model.Reference{By: model.RefEmail, Value: value.Text})
	return im.set(m.row, "manager_email", p, model.Manager, value)
}

func (im *importer) set(row int, column string, p model.Person, n model.Name, v model.Value) error {
	r, ok, err := im.recordFor(p, n)
	if err != nil {
		return err
	}
	if !ok {
		im.fault(row, column, "no source has this person in scope, so nothing can be set for them: leave the row out")
		return nil
	}
	old := p.Attributes.Text(n)
	if n == model.Manager {
		old = im.people[p.Manager].Attributes.Text(model.Email)
	}
	im.amendments = append(im.amendments, ingest.Amendment{Record: r.ID, Attribute: n, Value: v})
	im.edits = append(im.edits, admin.ImportEdit{Row: row, Person: personRef(p), Attribute: string(n), Old: old, New: v.Text})
	return nil
}

// recordFor chooses the record that a value is set for: the one whose word counts
// now, else the first that takes part.
func (im *importer) recordFor(p model.Person, n model.Name) (model.Record, bool, error) {
	var first model.Record
	for _, id := range p.Records {
		r, ok, err := store.Records.Get(im.tx, id)
		switch {
		case err != nil:
			return r, false, err
		case !ok || r.Scope.State == model.OutOfScope || r.Staged:
		case id == p.Provenance[n]:
			return r, true, nil
		case first.ID == "" || first.Gone && !r.Gone:
			first = r
		}
	}
	return first, first.ID != "", nil
}
