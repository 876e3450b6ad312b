package adpsim

import (
	"strings"

	"rollcall/connectors/cast"
)

// maskedDate is what stands for a birth date that may not be seen. ADP's own
// spelling is not documented (unverified).
const maskedDate = "XXXX-XX-XX"

// code is a code object {codeValue, shortName}. A name that is too long for
// shortName is cut there and whole in longName.
func code(value, name string) map[string]any {
	c := map[string]any{"codeValue": value}
	const short = 25
	if runes := []rune(name); len(runes) > short {
		c["shortName"], c["longName"] = string(runes[:short]), name
	} else if name != "" {
		c["shortName"] = name
	}
	return c
}

// render is the worker as ADP shows it.
func (s *Sim) render(rec *record, masked bool) map[string]any {
	p := rec.person
	person := map[string]any{
		"legalName":     map[string]any{"givenName": p.Given, "familyName1": p.Family, "formattedName": p.Family + ", " + p.Given},
		"preferredName": map[string]any{},
		"birthDate":     p.BirthDate,
		"governmentIDs": []any{map[string]any{"idValue": "XXX-XX-" + number(p.Index%10000, 4), "nameCode": code("SSN", "Social Security Number")}},
		"communication": map[string]any{"emails": []any{map[string]any{"nameCode": code("Personal E-mail", "Personal E-mail"), "emailUri": p.PersonalEmail}}},
	}
	if masked {
		person["birthDate"] = maskedDate
	}
	switch p.Gender {
	case "female":
		person["genderCode"] = code("F", "Female")
	case "male":
		person["genderCode"] = code("M", "Male")
	}
	dates := map[string]any{"originalHireDate": p.FirstHired}
	if p.Start != p.FirstHired {
		dates["rehireDate"] = p.Start
	}
	if p.End != "" {
		dates["terminationDate"] = p.End
	}
	w := map[string]any{
		"associateOID": rec.oid, "workerID": map[string]any{"idValue": p.EmployeeNumber}, "person": person, "workerDates": dates,
		"workAssignments": s.assignments(rec), "_languageCode": code(languages[p.Locale], languages[p.Locale]),
		"customFieldGroup": map[string]any{
			"stringFields":    []any{map[string]any{"itemID": "2634759966_6976", "nameCode": code("badge", "badge"), "stringValue": "B-" + p.EmployeeNumber}},
			"indicatorFields": []any{map[string]any{"itemID": "2634759966_6975", "nameCode": code("skipSync", "skipSync"), "indicatorValue": false}},
		},
	}
	if status, _ := statuses(p); !rec.hazard[MissingStatus] {
		if rec.hazard[TermReason] {
			status = "Retired"
		}
		w["workerStatus"] = map[string]any{"statusCode": map[string]any{"codeValue": status}}
	}
	if c := business(rec); len(c) > 0 {
		w["businessCommunication"] = c
	}
	return w
}

// languages spells the locales of the cast.
var languages = map[string]string{"fr": "fr_FR", "en": "en_GB"}

// business is businessCommunication; empty means that it is left out.
func business(rec *record) map[string]any {
	p := rec.person
	c := map[string]any{}
	if rec.hazard[NoBusinessCommunication] {
		return c
	}
	email := func(address string) map[string]any {
		return map[string]any{"nameCode": code("Work E-mail", "Work E-mail"), "emailUri": address, "itemID": "Business"}
	}
	if p.Email != "" {
		c["emails"] = []any{email(p.Email)}
		if rec.hazard[EmptyEmailFirst] {
			c["emails"] = []any{email(""), email(p.Email)}
		}
	}
	for list, phone := range map[string]string{"landlines": p.WorkPhone, "mobiles": p.MobilePhone} {
		if country, rest, ok := strings.Cut(strings.TrimPrefix(phone, "+"), " "); ok {
			area, dial, _ := strings.Cut(rest, " ")
			c[list] = []any{map[string]any{
				"nameCode": code("Work Phone", "Work Phone"), "countryDialing": country, "areaDialing": area,
				"dialNumber": strings.ReplaceAll(dial, " ", ""), "formattedNumber": phone,
			}}
		}
	}
	return c
}

// statuses are the codes of the worker and of the assignment.
func statuses(p cast.Person) (worker, assignment string) {
	switch {
	case p.Status == "terminated":
		return "Terminated", "T"
	case strings.HasSuffix(p.Status, "leave"):
		return "Active", "L"
	}
	return "Active", "A"
}

var assignmentNames = map[string]string{"A": "Active", "L": "Leave of Absence", "T": "Terminated"}

func (s *Sim) assignments(rec *record) []any {
	if rec.hazard[NoAssignment] {
		return []any{}
	}
	p := rec.person
	_, status := statuses(p)
	now := s.assignment(rec, status)
	now["primaryIndicator"] = true
	if !rec.hazard[EndedAssignmentFirst] {
		return []any{now}
	}
	before := s.assignment(rec, "T")
	before["itemID"], before["primaryIndicator"], before["jobTitle"] = "1"+before["itemID"].(string), false, "Intern"
	before["hireDate"], before["terminationDate"] = p.FirstHired, p.Start
	return []any{before, now}
}

func (s *Sim) assignment(rec *record, status string) map[string]any {
	p := rec.person
	file := number(p.Index+1, 6) // payrollFileNumber has its zeros
	a := map[string]any{
		"itemID": "3332" + file + "N", "hireDate": p.Start, "actualStartDate": p.Start, "seniorityDate": p.FirstHired,
		"assignmentStatus": map[string]any{"statusCode": code(status, assignmentNames[status]), "effectiveDate": p.Start},
		"workerTypeCode":   code(strings.ToUpper(p.Contract[:min(3, len(p.Contract))]), p.Contract),
		"jobCode":          code("J"+file, p.Title), "jobTitle": p.Title, "positionID": "K4P" + file,
		"payrollGroupCode": "K4P", "payrollFileNumber": file, "managementPositionIndicator": p.Manager < 0,
		"homeOrganizationalUnits": []any{
			map[string]any{"nameCode": code("BU", p.LegalEntity), "typeCode": code("Business Unit", "Business Unit")},
			map[string]any{"nameCode": code("D"+p.Department, p.Department), "typeCode": code("Department", "Department")},
		},
		"homeWorkLocation":  map[string]any{"nameCode": code(strings.ToUpper(p.Site), p.Site)},
		"workerTimeProfile": map[string]any{"timeAndAttendanceIndicator": false, "timeZoneCode": "Europe/Paris"},
		"baseRemuneration":  map[string]any{"annualRateAmount": map[string]any{"amountValue": 41000 + p.Index}},
	}
	if p.End != "" {
		a["terminationDate"] = p.End
	}
	if to := s.reportsTo(rec); !rec.hazard[NoReportsTo] {
		a["reportsTo"] = to
	}
	return a
}

func (s *Sim) reportsTo(rec *record) []any {
	p := rec.person
	manager := s.oidOf(p.Manager)
	if rec.hazard[ManagerOutOfScope] {
		manager = oid(99999)
	}
	if manager == "" {
		return []any{}
	}
	to := map[string]any{
		"associateOID":              manager,
		"reportsToRelationshipCode": code("Supervisor", "Supervisor"),
	}
	if m := s.byIndex[p.Manager]; m != nil && m.oid == manager {
		to["positionID"] = "K4P" + number(m.person.Index+1, 6)
		to["workerID"] = map[string]any{"idValue": m.person.EmployeeNumber}
		to["reportsToWorkerName"] = map[string]any{"formattedName": m.person.Family + ", " + m.person.Given}
	}
	return []any{to}
}
