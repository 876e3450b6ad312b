package luccasim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// attributes of a v3 user that the simulator knows, folded, with the section of
// the HR file that shows them. Which section shows what is a guess (unverified);
// that a hidden one leaves attributes out, silently, is documented.
var attributes = map[string]Section{
	"id": "", "name": "", "url": "", "displayname": "", "firstname": "", "lastname": "", "login": "", "mail": "",
	"jobtitle": "", "employeenumber": "", "managerid": "", "manager": "", "departmentid": "", "department": "",
	"legalentityid": "", "legalentity": "", "calendarid": "", "calendar": "", "cultureid": "", "culture": "", "picture": "", "modifiedat": "",
	"extendeddata": "", "roleprincipal": "", "habilitedroles": "", "userworkcycles": "", "csp": "",
	"dtcontractstart": SectionContract, "dtcontractend": SectionContract,
	"birthdate": SectionPersonal, "gender": SectionPersonal, "senioritydate": SectionPersonal, "civiltitle": SectionPersonal,
	"nationality": SectionPersonal, "directline": SectionPersonal, "professionalmobile": SectionPersonal,
	"personalmobile": SectionPersonal, "personalemail": SectionPersonal, "address": SectionPersonal, "socialsecuritynumber": SectionPersonal,
}

// openEnd is how Lucca spells "no end" where null is not used.
const openEnd = "9999-12-31T00:00:00"

// unknownAttribute returns one selected name that no user has, "" when there is
// none. That v3 refuses such a name is a guess (unverified) on the strict side.
func unknownAttribute(sel selection) string {
	for name := range sel {
		if _, ok := attributes[name]; !ok {
			return name
		}
	}
	return ""
}

// visible returns everyone that the role of the key may see, as rows.
func (s *Sim) visible(former bool, base string) []map[string]any {
	var rows []map[string]any
	for _, u := range s.users {
		if u.removed || s.former(u) && (!former || s.hidden[SectionFormer]) {
			continue
		}
		rows = append(rows, s.row(u, base))
	}
	return rows
}

// row is a v3 user with every attribute that the role of the key may see.
func (s *Sim) row(u *user, base string) map[string]any {
	p := u.p
	title, _ := u.position(s.today())
	row := map[string]any{
		"id": u.id, "name": p.Family + " " + p.Given, "displayName": p.Family + " " + p.Given,
		"url":       fmt.Sprintf("%s/api/v3/users/%d", base, u.id),
		"firstName": p.Given, "lastName": p.Family, "login": p.Email, "mail": u.mail(),
		"jobTitle": orNull(title), "employeeNumber": p.EmployeeNumber,
		"dtContractStart": midnight(p.Start), "dtContractEnd": midnight(p.End), "seniorityDate": midnight(p.FirstHired),
		"birthDate": midnight(p.BirthDate), "gender": gender(p.Gender), "civilTitle": nil, "nationality": "FR", "csp": nil,
		"directLine": orNull(p.WorkPhone), "professionalMobile": orNull(p.MobilePhone),
		"personalMobile": nil, "personalEmail": orNull(p.PersonalEmail), "address": nil, "socialSecurityNumber": nil,
		"cultureID": culture(p.Locale), "calendarID": 1,
		"picture":        map[string]any{"id": fmt.Sprintf("0f6c2f3e-0000-4000-8000-%012d", u.id), "name": "portrait.jpg", "url": fmt.Sprintf("%s/files/%d", base, u.id), "href": fmt.Sprintf("%s/getFile.ashx?id=%d", base, u.id)},
		"modifiedAt":     u.modified,
		"userWorkCycles": []any{map[string]any{"id": u.id + 80, "startsOn": midnight(p.Start), "endsOn": openEnd}},
		"habilitedRoles": []any{},
	}
	row["rolePrincipal"] = map[string]any{"id": 2, "name": "Employee"}
	row["calendar"] = map[string]any{"id": 1, "name": "Calendar", "url": base + "/api/v3/calendars/1"}
	row["culture"] = map[string]any{"id": culture(p.Locale), "name": p.Locale, "url": fmt.Sprintf("%s/api/v3/cultures/%d", base, culture(p.Locale))}
	s.link(row, "department", "departments", base, slices.Index(s.departments, p.Department), departmentID, p.Department)
	s.link(row, "legalEntity", "legalEntities", base, slices.Index(s.entities, p.LegalEntity), entityID, p.LegalEntity)

	row["managerID"], row["manager"] = nil, nil
	if m := s.managerOf(u); m != nil {
		row["managerID"] = m.id
		row["manager"] = map[string]any{
			"id": m.id, "name": m.p.Family + " " + m.p.Given, "url": fmt.Sprintf("%s/api/v3/users/%d", base, m.id),
			"mail": m.mail(), "firstName": m.p.Given, "lastName": m.p.Family, "employeeNumber": m.p.EmployeeNumber,
		}
	}

	row["extendedData"] = map[string]any{}
	switch {
	case !s.hidden[SectionExtension]:
		row["extendedData"] = u.extended
	case s.opts.NoExtData:
		delete(row, "extendedData")
	}
	for name := range row {
		if section := attributes[strings.ToLower(name)]; section != "" && s.hidden[section] {
			delete(row, name)
		}
	}
	return row
}

// link adds a reference in both of its forms.
func (s *Sim) link(row map[string]any, name, resource, base string, at int, id func(int) int, label string) {
	row[name+"ID"], row[name] = nil, nil
	if at < 0 {
		return
	}
	row[name+"ID"] = id(at)
	row[name] = map[string]any{"id": id(at), "name": label, "url": fmt.Sprintf("%s/api/v3/%s/%d", base, resource, id(at)), "code": "D" + strconv.Itoa(id(at))}
}

func (u *user) mail() any {
	if u.p.Email == "" && u.noMail == "empty" {
		return ""
	}
	return orNull(u.p.Email)
}

// pick returns the selected part of an object. Objects that are selected without
// saying what of them show their id, name and url; extendedData shows all.
func pick(row map[string]any, sel selection) map[string]any {
	out := map[string]any{}
	for name, v := range row {
		inner, ok := sel[strings.ToLower(name)]
		if !ok {
			continue
		}
		object, nested := v.(map[string]any)
		switch {
		case !nested || strings.EqualFold(name, "extendedData"), strings.EqualFold(name, "picture"):
			out[name] = v
		case len(inner) == 0:
			out[name] = pick(object, selection{"id": {}, "name": {}, "url": {}})
		default:
			out[name] = pick(object, inner)
		}
	}
	return out
}

// cased spells the attribute names as the tenant does.
func (s *Sim) cased(row map[string]any) map[string]any {
	if s.opts.Casing == CasingDocumented {
		return row
	}
	out := map[string]any{}
	for name, v := range row {
		if object, ok := v.(map[string]any); ok && name != "extendedData" {
			v = s.cased(object)
		}
		camel := name
		if head, ok := strings.CutSuffix(name, "ID"); ok && head != "" {
			camel = head + "Id"
		}
		switch s.opts.Casing {
		case CasingPascal:
			out[strings.ToUpper(camel[:1])+camel[1:]] = v
		case CasingBoth:
			out[name], out[camel] = v, v
		default:
			out[camel] = v
		}
	}
	return out
}

// midnight spells a date as v3 does: without zone.
func midnight(date string) any {
	if date == "" {
		return nil
	}
	return date + "T00:00:00"
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func gender(s string) string {
	switch s {
	case "female":
		return "Female"
	case "male":
		return "Male"
	case "":
		return "Undefined"
	}
	return "Misc"
}

// culture returns the Windows locale id.
func culture(locale string) int {
	switch locale {
	case "fr":
		return 1036
	case "es":
		return 3082
	case "it":
		return 1040
	}
	return 2057
}
