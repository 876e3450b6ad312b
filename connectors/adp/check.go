package adp

import (
	"context"
	"fmt"
	"strings"

	"rollcall/appliance/model"
	"rollcall/connectors"
)

// checkedField is a field of the built-in map, and what to grant to see it. ADP
// names the permissions of a project by their place in the data (unverified).
type checkedField struct {
	path      string
	attribute model.Name
	effect    string
}

var checkedFields = []checkedField{
	{"businessCommunication.emails", model.Email, "nobody can be matched by email"},
	{"workerID.idValue", model.EmployeeNumber, "nobody can be matched by employee number"},
	{"person.legalName.givenName", model.GivenName, "given_name is absent for everybody"},
	{"person.legalName.familyName1", model.FamilyName, "family_name is absent for everybody"},
	{"person.birthDate", model.BirthDate, "birth_date is absent for everybody, masked or not shown; duplicates are harder to tell apart"},
	{"workAssignments.reportsTo", model.Manager, "nobody has a manager"},
	{"workAssignments.hireDate", model.StartDate, "start dates are those of the worker only"},
	{"workAssignments.homeOrganizationalUnits", model.Department, "department is absent for everybody"},
	{"workAssignments.jobTitle", model.Title, "title is absent for everybody, or the name of the job code"},
	{"workAssignments.homeWorkLocation", model.Site, "site is absent for everybody"},
	{"workerDates.originalHireDate", model.FirstHiredOn, "first_hired_on is absent for everybody"},
}

// Check implements [connectors.Checker]: it gets a token, which tries the
// certificate, reads one page, which tries subscription and consent, and says
// which fields nobody on it has. ADP does not say how many workers there are;
// People is how many were looked at.
func (s *Source) Check(ctx context.Context) (connectors.Report, error) {
	report := connectors.Report{Reached: "ADP, " + s.cfg.BaseURL.Host}
	notice, err := s.certificate.judge(s.cfg.Now())
	if err != nil {
		return report, err
	}
	if notice != "" {
		report.Notices = append(report.Notices, notice)
	}
	workers, err := s.list(ctx, 0)
	if err != nil {
		return report, advised(err)
	}
	report.People = len(workers)
	if len(workers) == 0 {
		report.Notices = append(report.Notices, nobody)
		return report, nil
	}
	if len(workers) == s.cfg.PageSize {
		report.Sampled = true
		report.Notices = append(report.Notices, fmt.Sprintf("only the first %d workers were looked at; ADP does not say how many there are", len(workers)))
	}
	stated := false
	found := map[string]bool{}
	for _, w := range workers {
		// A field counts as seen only unmasked, and before the document is cut down.
		unmask(w)
		for _, f := range checkedFields {
			found[f.path] = found[f.path] || holds(w, f.path)
		}
		o, hasStatus, err := s.observe(w)
		if err != nil {
			return report, err
		}
		stated = stated || hasStatus
		for _, path := range s.cfg.CustomFields {
			found[path] = found[path] || holds(w, plain(path))
		}
		if report.Sample == nil || better(o, *report.Sample) {
			report.Sample = &o
		}
	}
	if !stated {
		report.Missing = append(report.Missing, connectors.MissingPermission{
			Permission: "read workerStatus", Field: "workerStatus.statusCode", Effect: "nobody's status is known, and every read is refused",
		})
	}
	for _, f := range checkedFields {
		if !found[f.path] {
			report.Missing = append(report.Missing, connectors.MissingPermission{Permission: "read " + f.path, Field: f.path, Attribute: f.attribute, Effect: f.effect})
		}
	}
	for _, path := range s.cfg.CustomFields {
		if !found[path] {
			report.Missing = append(report.Missing, connectors.MissingPermission{
				Permission: "read " + path, Field: path, Effect: "the configured map gets nothing from it, unless others than those looked at have it",
			})
		}
	}
	return report, nil
}

// holds reports whether a worker has something at path; below a list, whether one
// of its elements has.
func holds(v any, path string) bool {
	if list, ok := v.([]any); ok {
		for _, one := range list {
			if holds(one, path) {
				return true
			}
		}
		return false
	}
	if path == "" {
		return v != nil
	}
	o, ok := v.(worker)
	if !ok {
		return false
	}
	name, rest := head(path)
	inner, told := o[name]
	if list, ok := inner.([]any); ok && rest == "" {
		return len(list) > 0
	}
	return told && holds(inner, rest)
}

// better reports whether a shows more of the mapping than b. Ties are broken by
// id, so that two checks show the same person.
func better(a, b model.Observation) bool {
	if works := a.Status == model.Active; works != (b.Status == model.Active) {
		return works
	}
	if len(a.Attributes) != len(b.Attributes) {
		return len(a.Attributes) > len(b.Attributes)
	}
	return a.Native < b.Native
}

// plain returns the part of a configured path that is known without evaluating
// the expression: "a[…].b" depends on the record behind a.
func plain(path string) string {
	path, _, _ = strings.Cut(strings.TrimPrefix(path, "$env"), "[…]")
	return strings.TrimPrefix(path, ".")
}

// head cuts the first name off a path. Names in brackets, as expressions write
// them where a name is not a word, are understood: customFields["Badge number"].
func head(path string) (name, rest string) {
	if inner, ok := strings.CutPrefix(path, `["`); ok {
		if name, rest, ok := strings.Cut(inner, `"]`); ok {
			return name, strings.TrimPrefix(rest, ".")
		}
	}
	end := strings.IndexAny(path, ".[")
	if end < 0 {
		return path, ""
	}
	return path[:end], strings.TrimPrefix(path[end:], ".")
}
