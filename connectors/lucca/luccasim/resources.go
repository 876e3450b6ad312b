package luccasim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// collection returns every item of a resource of the new API that the client
// may see, unfiltered.
func (s *Sim) collection(resource, base string) []map[string]any {
	each := func(rows func(u *user) []map[string]any) []map[string]any {
		var all []map[string]any
		for _, u := range s.users {
			if s.inEstablishments(u) {
				all = append(all, rows(u)...)
			}
		}
		return all
	}
	switch resource {
	case "employees":
		return each(func(u *user) []map[string]any { return []map[string]any{s.employee(u, base)} })
	case "employments":
		return each(func(u *user) []map[string]any { return s.employments(u, base) })
	case "job-positions":
		return each(func(u *user) []map[string]any { return s.positions(u, base) })
	case "employee-personal-records":
		return each(func(u *user) []map[string]any { return []map[string]any{s.personalRecord(u, base)} })
	case "employee-attributes":
		return each(func(u *user) []map[string]any { return s.employeeAttributes(u, base) })
	case "departments":
		return named("department", resource, base, s.departments, departmentID, func(row map[string]any, _ string) { row["parent"] = nil })
	case "legal-entities":
		return named("legal-entity", resource, base, s.entities, entityID, func(row map[string]any, _ string) { row["countryCode"] = "FRA" })
	}
	return named("business-establishment", resource, base, s.sites, siteID, func(row map[string]any, _ string) {
		row["timezoneId"] = "Europe/Paris"
		row["legalEntity"] = reference("legal-entity", "legal-entities", base, strconv.Itoa(entityID(0)))
	})
}

// inEstablishments reports whether the client's establishments include the
// person: everyone else is not there for it, not even by id.
func (s *Sim) inEstablishments(u *user) bool {
	return !u.removed && (s.opts.Sites == nil || slices.Contains(s.opts.Sites, u.p.Site))
}

func named(kind, resource, base string, names []string, id func(int) int, more func(row map[string]any, name string)) []map[string]any {
	var rows []map[string]any
	for i, name := range names {
		row := reference(kind, resource, base, strconv.Itoa(id(i)))
		row["name"], row["remoteId"], row["isArchived"] = name, nil, false
		more(row, name)
		rows = append(rows, row)
	}
	return rows
}

func reference(kind, resource, base, id string) map[string]any {
	return map[string]any{"id": id, "type": kind, "url": fmt.Sprintf("%s/lucca-api/%s/%s", base, resource, id)}
}

// status is that of a person or an employment in the new API.
func (s *Sim) status(start, end string) string {
	today := s.today()
	switch {
	case end != "" && end < today:
		return "deactivated"
	case start > today:
		return "upcoming"
	}
	return "active"
}

func (s *Sim) employee(u *user, base string) map[string]any {
	p, id := u.p, s.latestID(u)
	row := reference("employee", "employees", base, id)
	row["remoteId"], row["givenName"], row["familyName"] = nil, p.Given, p.Family
	row["employeeNumber"], row["email"], row["phoneNumber"] = orNull(p.EmployeeNumber), orNull(p.Email), orNull(p.WorkPhone)
	row["status"] = s.status(p.Start, p.End)
	row["portrait"], row["birthDay"] = nil, nil
	if born, err := time.Parse(time.DateOnly, p.BirthDate); err == nil {
		row["birthDay"] = map[string]any{"day": born.Day(), "month": int(born.Month())}
	}
	row["applicableEmployment"] = reference("employment", "employments", base, employmentID(u, 0))
	row["applicableJobPosition"] = reference("job-position", "job-positions", base, s.applicablePosition(u))
	row["createdAt"], row["lastUpdatedAt"] = p.FirstHired+"T08:00:00Z", u.modified+"Z"
	row["links"] = map[string]any{
		"employments":  map[string]any{"href": fmt.Sprintf("%s/lucca-api/employments?employee.id=%s", base, id)},
		"jobPositions": map[string]any{"href": fmt.Sprintf("%s/lucca-api/job-positions?employee.id=%s", base, id)},
	}
	return row
}

// employmentID is that of the applicable employment (0) or the one before it (1).
func employmentID(u *user, back int) string {
	if back > 0 {
		return "71" + strconv.Itoa(u.id)
	}
	return "7" + strconv.Itoa(u.id)
}

// employments returns the applicable one and, for a rehire, the one before.
func (s *Sim) employments(u *user, base string) []map[string]any {
	one := func(id, start, end string) map[string]any {
		row := reference("employment", "employments", base, id)
		row["remoteId"] = nil
		row["employee"] = reference("employee", "employees", base, s.latestID(u))
		row["legalEntity"] = reference("legal-entity", "legal-entities", base, strconv.Itoa(entityID(slices.Index(s.entities, u.p.LegalEntity))))
		row["status"] = s.status(start, end)
		row["start"], row["end"] = map[string]any{"date": start}, nil
		if end != "" {
			row["end"] = map[string]any{"date": end}
		}
		row["template"] = reference("employment-template", "templates", base, "1")
		return row
	}
	rows := []map[string]any{one(employmentID(u, 0), u.p.Start, u.p.End)}
	if first := u.p.FirstHired; first != "" && first < u.p.Start {
		gap, _ := time.Parse(time.DateOnly, u.p.Start)
		rows = append(rows, one(employmentID(u, 1), first, gap.AddDate(0, -6, 0).Format(time.DateOnly)))
	}
	return rows
}

// positions returns the job positions of a person, planned ones too.
func (s *Sim) positions(u *user, base string) []map[string]any {
	all := append([]move{{on: u.p.Start, title: u.p.Title, manager: u.p.Manager}}, u.moves...)
	var rows []map[string]any
	for i, m := range all {
		row := reference("job-position", "job-positions", base, positionID(u, i))
		row["remoteId"], row["jobQualification"], row["occupationCategory"], row["workingTimeArrangement"] = nil, nil, nil, nil
		row["employee"] = reference("employee", "employees", base, s.latestID(u))
		row["employment"] = reference("employment", "employments", base, employmentID(u, 0))
		row["startsOn"], row["endsOn"], row["jobTitle"] = m.on, nil, orNull(m.title)
		if i+1 < len(all) {
			row["endsOn"] = dayBefore(all[i+1].on)
		}
		row["department"], row["businessEstablishment"], row["manager"] = nil, nil, nil
		if at := slices.Index(s.departments, u.p.Department); at >= 0 {
			row["department"] = reference("department", "departments", base, strconv.Itoa(departmentID(at)))
		}
		if at := slices.Index(s.sites, u.p.Site); at >= 0 {
			row["businessEstablishment"] = reference("business-establishment", "business-establishments", base, strconv.Itoa(siteID(at)))
		}
		manager := s.byID[s.byIndex[m.manager]]
		if u.self {
			manager = u
		}
		if manager != nil {
			row["manager"] = reference("employee", "employees", base, s.latestID(manager))
		}
		rows = append(rows, row)
	}
	return rows
}

func positionID(u *user, i int) string {
	if i == 0 {
		return "8" + strconv.Itoa(u.id)
	}
	return fmt.Sprintf("8%d%02d", u.id, i)
}

// applicablePosition is the current position, or the first one of somebody who
// has not begun.
func (s *Sim) applicablePosition(u *user) string {
	at := 0
	for i, m := range u.moves {
		if m.on <= s.today() {
			at = i + 1
		}
	}
	return positionID(u, at)
}

func dayBefore(date string) string {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return date
	}
	return t.AddDate(0, 0, -1).Format(time.DateOnly)
}

func (s *Sim) personalRecord(u *user, base string) map[string]any {
	row := reference("employee-personal-record", "employee-personal-records", base, strconv.Itoa(u.id))
	row["employee"] = reference("employee", "employees", base, s.latestID(u))
	row["title"], row["birthDate"], row["email"] = "unknown", orNull(u.p.BirthDate), orNull(u.p.PersonalEmail)
	row["legalGender"] = map[string]string{"female": "female", "male": "male", "": "unknown"}[u.p.Gender]
	if row["legalGender"] == "" {
		row["legalGender"] = "diverse"
	}
	row["nationalitiesCountryCodes"] = []string{"FRA"}
	row["phoneNumber"], row["insuranceNumber"], row["bankAccount"] = nil, nil, nil
	return row
}

// employeeAttributes returns the extension values of a person. The new API
// tells the value itself, without the wrapping of v3.
func (s *Sim) employeeAttributes(u *user, base string) []map[string]any {
	var rows []map[string]any
	if s.hidden[SectionExtension] {
		return nil
	}
	codes := make([]string, 0, len(u.extended))
	for code := range u.extended {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	for _, code := range codes {
		rows = append(rows, map[string]any{
			"id": fmt.Sprintf("%s:%d", code, u.id), "type": "employee-attribute",
			"employee":      reference("employee", "employees", base, s.latestID(u)),
			"definition":    reference("employee-attribute-definition", "employee-attribute-definitions", base, code),
			"applicability": nil, "value": unwrap(u.extended[code]),
		})
	}
	return rows
}

// unwrap takes the {"id", "value"} of v3 off a value.
func unwrap(v any) any {
	if raw, ok := v.(json.RawMessage); ok {
		var decoded any
		if json.Unmarshal(raw, &decoded) != nil {
			return nil
		}
		v = decoded
	}
	if object, ok := v.(map[string]any); ok {
		if value, ok := object["value"]; ok {
			return value
		}
	}
	return v
}

// embedded returns what "include=embedded" adds to a page of employees: the
// applicable employments and job positions by their ids, no deeper (inferred).
func (s *Sim) embedded(page []map[string]any, base string) map[string]any {
	employments, positions := map[string]any{}, map[string]any{}
	for _, row := range page {
		u := s.findLatest(row["id"].(string))
		for _, e := range s.employments(u, base) {
			if e["id"] == textAt(row, "applicableEmployment", "id") {
				employments[e["id"].(string)] = e
			}
		}
		for _, p := range s.positions(u, base) {
			if p["id"] == textAt(row, "applicableJobPosition", "id") {
				positions[p["id"].(string)] = p
			}
		}
	}
	return map[string]any{"employment": employments, "job-position": positions}
}

// latestID is the id of a person in the new API. That it has the digits of v3's is
// expected and not known (unverified).
func (s *Sim) latestID(u *user) string {
	if s.opts.NewIDs {
		return "9" + strconv.Itoa(u.id)
	}
	return strconv.Itoa(u.id)
}

// findLatest returns the person with that id in the new API.
func (s *Sim) findLatest(id string) *user {
	if s.opts.NewIDs {
		return s.find(strings.TrimPrefix(id, "9"))
	}
	return s.find(id)
}
