package csv

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rollcall/appliance/model"
	"rollcall/connectors"
)

// needed are the attributes that a person cannot do without.
var needed = []struct {
	attribute model.Name
	effect    string
}{
	{model.Email, "nobody can be matched by email"},
	{model.GivenName, "no account can be created without a name"},
	{model.FamilyName, "no account can be created without a name"},
}

// Check implements [connectors.Checker]: it reads the whole file and says how it
// was understood and which columns it lacks. A file has no permissions; what to
// grant is a column.
func (s *Source) Check(ctx context.Context) (connectors.Report, error) {
	report := connectors.Report{Reached: filepath.Base(s.cfg.Path)}
	d, err := s.open(ctx)
	if err != nil {
		return report, err
	}
	defer d.Close()
	sheet, err := d.survey(ctx)
	if err != nil {
		return report, err
	}
	rows, err := d.rows(sheet)
	if err != nil {
		return report, err
	}
	for {
		row, err := rows.next()
		if err != nil {
			return report, err
		}
		if row == nil {
			break
		}
		o := sheet.observe(row)
		if report.Sample == nil || better(o, *report.Sample) {
			report.Sample = &o
		}
	}
	report.People = sheet.people
	report.Reached = fmt.Sprintf("%s of %s, %s", report.Reached, d.was.ModTime().UTC().Format(time.DateTime+" UTC"), sheet.form.name())
	report.Missing = s.missing(sheet)
	report.Notices = append(sheet.notices(), sheet.understood()...)
	return report, d.unchanged()
}

// missing lists the columns that the file lacks.
func (s *Source) missing(sheet *sheet) []connectors.MissingPermission {
	var out []connectors.MissingPermission
	for _, n := range needed {
		if !slices.ContainsFunc(sheet.columns, func(c column) bool { return c.attribute == n.attribute }) {
			out = append(out, connectors.MissingPermission{
				Permission: "column " + string(n.attribute), Field: string(n.attribute), Attribute: n.attribute, Effect: n.effect,
			})
		}
	}
	for _, path := range s.cfg.CustomFields {
		name := strings.Trim(strings.TrimPrefix(path, "$env"), `.[]"`)
		if !slices.ContainsFunc(sheet.columns, func(c column) bool { return c.key == name }) {
			out = append(out, connectors.MissingPermission{Permission: "column " + name, Field: name, Effect: "the configured map gets nothing from it"})
		}
	}
	return out
}

// understood tells which column tells people apart, where the status comes from,
// and which columns only expressions see.
func (s *sheet) understood() []string {
	notices := []string{fmt.Sprintf("people are told apart by the column %s", s.columns[s.native].name)}
	switch {
	case s.has[asStatus] || s.has[asActive]:
	case s.dated:
		notices = append(notices, "the file has no column status or active: start and end dates decide")
	default:
		notices = append(notices, "the file has no status and no dates: everybody who is listed counts as active, and whoever is not listed any more as gone")
	}
	var others []string
	for i, c := range s.columns {
		if c.key != "" && i != s.native && (c.use == asDocument || c.use == asNative) {
			others = append(others, c.key)
		}
	}
	if len(others) > 0 {
		notices = append(notices, "columns that are no attributes, for expressions only: "+strings.Join(others, ", "))
	}
	return notices
}

// better reports whether a shows more of the mapping than b.
func better(a, b model.Observation) bool {
	if works := a.Status == model.Active; works != (b.Status == model.Active) {
		return works
	}
	filled := func(o model.Observation) (n int) {
		for _, v := range o.Attributes {
			if !v.Null {
				n++
			}
		}
		return n
	}
	if x, y := filled(a), filled(b); x != y {
		return x > y
	}
	return a.Native < b.Native
}
