package hibob

import (
	"encoding/json"
	"slices"
	"strings"

	"rollcall/appliance/model"
)

// wantedField is a field that a search asks for.
type wantedField struct {
	id        string     // with the category prefix, without which HiBob ignores it
	attribute model.Name // what the built-in map makes of it
	effect    string     // what happens without it
	// spare fields are looked at only when another field of the same attribute is
	// empty; that they cannot be read matters only when none of those can.
	spare bool
}

const (
	fieldLifecycle = "internal.lifecycleStatus"
	fieldStatus    = "internal.status"
)

// builtIn are the fields of the built-in map. Nothing else is asked for: what is
// not read cannot leak, and needs no permission.
var builtIn = []wantedField{
	{id: "root.id", effect: "nobody can be told apart"},
	{id: "root.email", attribute: model.Email, effect: "nobody can be matched"},
	{id: "root.firstName", attribute: model.GivenName, effect: "first names are not relayed"},
	{id: "root.surname", attribute: model.FamilyName, effect: "last names are not relayed"},
	{id: "root.displayName", attribute: model.DisplayName, effect: "display names are not relayed"},
	{id: "work.reportsTo", attribute: model.Manager, effect: "managers are not relayed"},
	{id: "work.title", attribute: model.Title, effect: "job titles are not relayed"},
	{id: "work.department", attribute: model.Department, effect: "departments are not relayed"},
	{id: "work.site", attribute: model.Site, effect: "sites are not relayed"},
	{id: "work.startDate", attribute: model.StartDate, effect: "start dates are not relayed"},
	{id: "work.originalStartDate", attribute: model.FirstHiredOn, effect: "the first hiring date is taken from the start date"},
	{id: "work.employeeIdInCompany", attribute: model.EmployeeNumber, effect: "employee numbers are not relayed"},
	{id: "work.workPhone", attribute: model.WorkPhone, effect: "work phones are not relayed"},
	{id: "work.workMobile", attribute: model.MobilePhone, effect: "work mobiles are not relayed"},
	{id: "home.legalGender", attribute: model.Gender, effect: "genders are not relayed"},
	{id: "employee.legalSex", attribute: model.Gender, effect: "genders are not relayed", spare: true},
	{id: "personal.birthDate", attribute: model.BirthDate, effect: "birth dates are not relayed"},
	{id: "payroll.employment.contract", attribute: model.ContractType, effect: "contract types are not relayed"},
	{id: fieldStatus, effect: "people with an unusual lifecycle status stay of unknown status"},
	{id: fieldLifecycle, effect: "nothing is read at all: everybody would be of unknown status"},
	{id: "internal.terminationDate", attribute: model.EndDate, effect: "end dates are not relayed"},
	{id: "employee.lastDayOfWork", effect: "the last working day is not kept with the record"},
}

// want adds a field to those asked for.
func (s *Source) want(id, effect string) {
	if !slices.ContainsFunc(s.wanted, func(f wantedField) bool { return f.id == id }) {
		s.wanted = append(s.wanted, wantedField{id: id, effect: effect})
	}
}

// ids lists the fields to ask for.
func (s *Source) ids() []string {
	ids := make([]string, 0, len(s.wanted))
	for _, f := range s.wanted {
		ids = append(ids, f.id)
	}
	return ids
}

// fieldID turns a path into the document into the id of the field to ask for:
// labels belong to their field, and root fields have no prefix in the document
// but need one in a request.
func fieldID(path string) string {
	path = strings.TrimPrefix(path, "humanReadable.")
	if !strings.Contains(path, ".") {
		return "root." + path
	}
	return path
}

func validID(id string) bool {
	if !strings.Contains(id, ".") || strings.HasPrefix(id, ".") || strings.HasSuffix(id, ".") || strings.Contains(id, "..") {
		return false
	}
	for _, r := range id {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '_' && r != '-' {
			return false
		}
	}
	return true
}

// nested is where a field is in the nested form: root fields are at the top.
func nested(id string) []string {
	parts := strings.Split(id, ".")
	if parts[0] == "root" {
		return parts[1:]
	}
	return parts
}

// searchBody is the body of a people search. Filters are left out when unused:
// an empty list has been seen to give 400.
type searchBody struct {
	Fields        []string       `json:"fields"`
	Filters       []searchFilter `json:"filters,omitempty"`
	ShowInactive  bool           `json:"showInactive"`
	HumanReadable string         `json:"humanReadable,omitempty"`
}

type searchFilter struct {
	FieldPath string   `json:"fieldPath"`
	Operator  string   `json:"operator"`
	Values    []string `json:"values"`
}

// search is the body of a search for everybody, or for some ids. Without
// showInactive, people on leave would be missing like leavers.
func (s *Source) search(ids []string) searchBody {
	b := searchBody{Fields: s.ids(), ShowInactive: true, HumanReadable: "APPEND"}
	if ids != nil {
		b.Filters = []searchFilter{{FieldPath: "root.id", Operator: "equals", Values: ids}}
	}
	return b
}

// describe picks what is safe to show out of an error body. HiBob has several
// shapes of them, and free text may name people: only known sentences and
// machine keys pass.
func describe(_ int, body []byte) string {
	var doc struct {
		Key          string `json:"key"`
		Error        string `json:"error"`
		ErrorMessage string `json:"errorMessage"`
	}
	if json.Unmarshal(body, &doc) != nil {
		return ""
	}
	for _, said := range []string{doc.ErrorMessage, doc.Error} {
		switch {
		case slices.Contains([]string{"Unauthorized", "Too many requests", "employee not found", "Unsupported filter: only root.id and root.email with operator equals"}, said):
			return said
		case harmless(said, "No permissions to "):
			return said
		}
	}
	if machineKey(doc.Key) {
		return doc.Key
	}
	return ""
}

// harmless reports whether a sentence is its known beginning followed by a few
// lower-case words, in which no name can hide.
func harmless(said, beginning string) bool {
	rest, ok := strings.CutPrefix(said, beginning)
	if !ok || len(rest) > 60 {
		return false
	}
	return !strings.ContainsFunc(rest, func(r rune) bool { return (r < 'a' || r > 'z') && r != ' ' })
}

func machineKey(key string) bool {
	return key != "" && len(key) <= 40 && !strings.ContainsFunc(key, func(r rune) bool { return (r < 'a' || r > 'z') && r != '.' && r != '_' })
}
