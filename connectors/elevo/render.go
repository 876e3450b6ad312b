package elevo

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"time"

	"rollcall/appliance/model"
	"rollcall/connectors"
)

// Row is one person as the file may hold them.
type Row struct {
	Person model.PersonID
	// Active people are in the file. Leavers are not: Elevo suspends who is
	// missing where it was set up so (unverified), and has no column that says it.
	Active bool
	Email  string
	// Username is for people without an email, letters, digits, ".", "-" and "_".
	// Empty: made of the names, see [Layout.Render].
	Username string
	// Attributes hold what is known; see [Attributes] for those that have columns.
	Attributes map[model.Name]string
	// Manager is named in the file when they are in it.
	Manager model.PersonID
}

// RowOf turns what a target should hold of a person into a row.
func RowOf(d model.Desired) Row {
	r := Row{Person: d.Person, Active: d.Active, Email: d.Email, Attributes: d.Attributes}
	if d.Manager != nil {
		r.Manager = d.Manager.Person
	}
	return r
}

// Layout is the form of the file. The zero value has the documented columns.
type Layout struct {
	// Columns follow the documented ones, such as team_name or text fields that
	// were arranged with Elevo's support.
	Columns []Column
	// Dates is how dates are written, in Go's terms; empty: 2006-01-02. Elevo does
	// not document its form (unverified).
	Dates string
}

// Column is one column and the attribute it holds.
type Column struct {
	Header    string
	Attribute model.Name
}

// The documented columns, in the order of a file that Elevo took.
// manager_username is there only in a file that needs it.
const (
	columnNumber          = "registration_number"
	columnGiven           = "first_name"
	columnFamily          = "last_name"
	columnEmail           = "email"
	columnUsername        = "username"
	columnManagerEmail    = "manager_email"
	columnManagerUsername = "manager_username"
	columnTitle           = "job_title"
	columnStart           = "work_start_date"
	columnDepartment      = "department"
	columnRegion          = "region"
)

var documented = []Column{
	{columnNumber, model.EmployeeNumber},
	{columnGiven, model.GivenName},
	{columnFamily, model.FamilyName},
	{columnEmail, ""},
	{columnUsername, ""},
	{columnManagerEmail, ""},
	{columnManagerUsername, ""},
	{columnTitle, model.Title},
	{columnStart, model.StartDate},
	{columnDepartment, model.Department},
	{columnRegion, model.Site},
}

// Attributes returns the attributes that have a documented column, beside the
// email and the manager.
func Attributes() []model.Name {
	var names []model.Name
	for _, c := range documented {
		if c.Attribute != "" {
			names = append(names, c.Attribute)
		}
	}
	return names
}

// ColumnOf returns the attribute whose documented column has this name.
func ColumnOf(header string) (model.Name, bool) {
	for _, c := range documented {
		if c.Header == header && c.Attribute != "" {
			return c.Attribute, true
		}
	}
	return "", false
}

func (l Layout) check() error {
	if _, err := time.Parse(l.dates(), time.Unix(0, 0).UTC().Format(l.dates())); err != nil {
		return fmt.Errorf("the form of dates is not one that can be read back")
	}
	seen := map[string]bool{}
	for _, c := range slices.Concat(documented, l.Columns) {
		switch {
		case c.Header == "" || c.Header != cell(c.Header):
			return fmt.Errorf("a column has no usable name")
		case seen[c.Header]:
			return fmt.Errorf("the column %s is there twice", c.Header)
		}
		seen[c.Header] = true
	}
	for _, c := range l.Columns {
		if !c.Attribute.Valid() || c.Attribute == model.Email || c.Attribute == model.Manager {
			return fmt.Errorf("the column %s holds no attribute that can be written as it is", c.Header)
		}
	}
	return nil
}

func (l Layout) dates() string { return cmp.Or(l.Dates, time.DateOnly) }

// Render returns the file of the zero Layout.
func Render(rows []Row) ([]byte, error) {
	f, err := Layout{}.Render(rows)
	return f.Content, err
}

// Render returns the file for these people, without a digest: UTF-8 without a byte
// order mark, commas, lines that end in \n. Those without an email go by their
// user name; one that is not given is made of the names ("rosa.iglesias"), and of
// several people with the same names the lowest registration number has the plain
// form, while the others have theirs appended. Managers come before their
// reports, and otherwise rows are sorted by registration number and login.
//
// Active people who can be told apart by nothing, or only by something a
// spreadsheet would take for a formula, are left out and named. Two rows for one
// person, email or user name are an error of class Invalid, and no file: one of
// the two would be lost, and with it somebody's access.
func (l Layout) Render(rows []Row) (connectors.File, error) {
	people, leftOut := admit(rows)
	if err := unambiguous(people); err != nil {
		return connectors.File{}, err
	}
	people = inOrder(people)
	byPerson := make(map[model.PersonID]*entry, len(people))
	for _, e := range people {
		byPerson[e.Person] = e
	}
	columns := l.columns(people, byPerson)

	var b bytes.Buffer
	w := csv.NewWriter(&b)
	record := make([]string, len(columns))
	for i, c := range columns {
		record[i] = c.Header
	}
	w.Write(record) // errors stay with the writer until Flush
	for _, e := range people {
		for i, c := range columns {
			record[i] = l.value(e, c, byPerson)
		}
		w.Write(record)
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return connectors.File{}, &connectors.Error{Class: connectors.Unclassified, Op: opRender, Err: err}
	}
	return connectors.File{Content: b.Bytes(), People: len(people), LeftOut: leftOut}, nil
}

const opRender = "elevo: render the file"

// columns are those of this file.
func (l Layout) columns(people []*entry, byPerson map[model.PersonID]*entry) []Column {
	columns := slices.Concat(documented, l.Columns)
	needed := slices.ContainsFunc(people, func(e *entry) bool {
		m := e.managerIn(byPerson)
		return m != nil && m.email == ""
	})
	if needed {
		return columns
	}
	return slices.DeleteFunc(columns, func(c Column) bool { return c.Header == columnManagerUsername })
}

// value is one cell.
func (l Layout) value(e *entry, c Column, byPerson map[model.PersonID]*entry) string {
	switch c.Header {
	case columnNumber:
		return e.number
	case columnEmail:
		return e.email
	case columnUsername:
		return e.username
	case columnManagerEmail:
		if m := e.managerIn(byPerson); m != nil {
			return m.email
		}
		return ""
	case columnManagerUsername:
		if m := e.managerIn(byPerson); m != nil {
			return m.username
		}
		return ""
	}
	text := e.Attributes[c.Attribute]
	switch c.Attribute {
	case model.StartDate, model.EndDate, model.FirstHiredOn, model.BirthDate:
		day, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return "" // not a date: an empty cell, rather than a row that is refused
		}
		return day.Format(l.dates())
	}
	return cell(text)
}

// unambiguous refuses people whom the file could not tell apart.
func unambiguous(people []*entry) error {
	for _, key := range []struct {
		what string
		of   func(*entry) string
	}{
		{"person", func(e *entry) string { return string(e.Person) }},
		{"email", func(e *entry) string { return strings.ToLower(e.email) }},
		{"user name", func(e *entry) string { return strings.ToLower(e.username) }},
	} {
		seen := make(map[string]model.PersonID, len(people))
		for _, e := range people {
			k := key.of(e)
			other, twice := seen[k]
			if k != "" && twice {
				return &connectors.Error{
					Class: connectors.Invalid, Op: opRender,
					Detail: fmt.Sprintf("%s and %s have the same %s", min(other, e.Person), max(other, e.Person), key.what),
					Next:   "Settle which of them it belongs to; the file is not sent until then",
				}
			}
			seen[k] = e.Person
		}
	}
	return nil
}
