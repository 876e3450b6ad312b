package hibob

import (
	"strings"
	"time"

	"rollcall/appliance/model"
)

// observe maps an employee. It never fails: what cannot be understood is left
// out and noted.
func (s *Source) observe(id string, e *employee) model.Observation {
	m := mapping{employee: e, Observation: model.Observation{
		Native:     id,
		Attributes: make(model.Attributes, 20),
		Fields:     make(map[model.Name]string, 20),
	}}
	m.set(model.Email, m.text("root.email"))
	m.set(model.GivenName, m.text("root.firstName"))
	m.set(model.FamilyName, m.text("root.surname"))
	m.set(model.DisplayName, m.text("root.displayName"))
	m.set(model.EmployeeNumber, m.text("work.employeeIdInCompany"))
	m.set(model.Manager, m.manager("work.reportsTo"))
	m.set(model.Title, m.label("work.title"))
	m.set(model.Department, m.label("work.department"))
	m.set(model.Site, m.text("work.site"))
	m.set(model.ContractType, m.label("payroll.employment.contract"))
	// The personal mobile is never a fallback: it is not the company's to relay.
	m.set(model.WorkPhone, m.text("work.workPhone").or(m.text("work.workMobile")))
	m.set(model.MobilePhone, m.text("work.workMobile"))
	m.set(model.Gender, m.gender("home.legalGender").or(m.gender("employee.legalSex")))
	m.set(model.BirthDate, m.date("personal.birthDate"))
	m.set(model.StartDate, m.date("work.startDate"))
	m.set(model.FirstHiredOn, m.date("work.originalStartDate").or(m.date("work.startDate")))
	m.set(model.EndDate, m.date("internal.terminationDate"))
	m.Status, m.RawStatus = m.status()
	m.Scope = s.scope(e)
	m.Document = e.document()
	return m.Observation
}

// mapping is an observation in the making.
type mapping struct {
	employee *employee
	model.Observation
}

// fact is what one field says of one attribute.
type fact struct {
	told  bool // false: absent
	value model.Value
	field string // for the explanation
}

// or returns f when it is a value, else other when that is one, else whichever
// of the two was told to be empty.
func (f fact) or(other fact) fact {
	switch {
	case f.told && !f.value.Null:
		return f
	case other.told && !other.value.Null:
		return other
	case f.told:
		return f
	}
	return other
}

func (m *mapping) set(name model.Name, f fact) {
	if f.told {
		m.Attributes[name], m.Fields[name] = f.value, f.field
	}
}

func (m *mapping) note(notice string) {
	for _, n := range m.Notices {
		if n == notice {
			return
		}
	}
	m.Notices = append(m.Notices, notice)
}

// field returns the machine value of a field.
func (m *mapping) field(id string) (value, bool) {
	// Cutting the id here instead of splitting it keeps the mapping free of
	// allocations; there are a few dozen lookups per person.
	v := m.employee.top
	rest := strings.TrimPrefix(id, "root.")
	for rest != "" {
		var key string
		key, rest, _ = strings.Cut(rest, ".")
		next, ok := v.get([]string{key})
		if !ok {
			return value{}, false
		}
		v = next
	}
	return v, true
}

// text maps a field whose value is taken as it is.
func (m *mapping) text(id string) fact {
	v, ok := m.field(id)
	switch {
	case !ok:
		return fact{}
	case v.kind == 'n':
		return fact{true, model.Null(), id}
	}
	s, ok := v.text()
	if !ok {
		m.note(id + " is neither text nor number, and left out")
		return fact{}
	}
	return fact{true, model.Text(s), id}
}

// label maps a list field, whose machine value is an id: its label is in
// humanReadable. Without a label the machine value has to do.
func (m *mapping) label(id string) fact {
	f := m.text(id)
	if !f.told || f.value.Null {
		return f
	}
	if v, ok := m.field("humanReadable." + id); ok {
		if s, ok := v.text(); ok && s != "" {
			return fact{true, model.Text(s), id + ", label"}
		}
	}
	return f
}

// date maps a date. Only the machine value is looked at: labels follow the
// service user's locale, where day and month may be swapped.
func (m *mapping) date(id string) fact {
	f := m.text(id)
	if !f.told || f.value.Null {
		return f
	}
	day := strings.TrimSuffix(f.value.Text, "T00:00:00")
	if _, err := time.Parse(time.DateOnly, day); err != nil {
		m.note(id + " is not a date in the form YYYY-MM-DD, and left out")
		return fact{}
	}
	f.value.Text = day
	return f
}

// gender maps to "male" and "female", the two that targets know. Null is
// "not told" here and changes nothing; any other answer is an answer, and clears.
func (m *mapping) gender(id string) fact {
	f := m.label(id)
	if !f.told || f.value.Null {
		return fact{}
	}
	switch letters(f.value.Text) {
	case "male", "m", "man", "homme", "masculin":
		f.value = model.Text("male")
	case "female", "f", "woman", "femme", "féminin":
		f.value = model.Text("female")
	default:
		f.value = model.Null()
	}
	return f
}

// manager maps work.reportsTo: an object that names a person, who may be outside
// of the answer.
func (m *mapping) manager(id string) fact {
	v, ok := m.field(id)
	switch {
	case !ok:
		return fact{}
	case v.kind == 'n':
		return fact{true, model.Null(), id}
	}
	member := func(key string) string {
		below, _ := v.get([]string{key})
		s, _ := below.text()
		return s
	}
	var value model.Value
	if native := member("id"); native != "" {
		value.Refs = append(value.Refs, model.Reference{By: model.RefNative, Value: native})
	}
	if email := member("email"); email != "" {
		value.Refs = append(value.Refs, model.Reference{By: model.RefEmail, Value: email})
		value.Text = email
	}
	if name := member("displayName"); name != "" {
		value.Text = name
	}
	if value.Refs == nil {
		m.note(id + " names neither id nor email, and is left out")
		return fact{}
	}
	return fact{true, value, id}
}

// status derives the verdict. The lifecycle status decides; internal.status has
// the word only where the lifecycle says nothing of leaving or being on leave,
// because people on leave are inactive, too, unless HR chose otherwise.
func (m *mapping) status() (model.Status, string) {
	lifecycle := m.text(fieldLifecycle)
	if !lifecycle.told {
		m.note(fieldLifecycle + " cannot be read for this person")
		return model.Unknown, ""
	}
	raw := lifecycle.value.Text
	known := byLifecycle(raw)
	if known == model.Unknown {
		known = byLifecycle(m.label(fieldLifecycle).value.Text)
	}
	if known == model.Leave || known == model.Inactive || raw == "" {
		return known, raw
	}
	if active := m.text(fieldStatus); letters(active.value.Text) == "inactive" {
		return model.Inactive, raw + ", " + active.value.Text
	}
	if known == model.Unknown {
		m.note(fieldLifecycle + " has a value that is not one of HiBob's own")
	}
	return known, raw
}

// byLifecycle maps the values of internal.lifecycleStatus. The spelling of those
// with two words varies between tables and field lists.
func byLifecycle(raw string) model.Status {
	switch letters(raw) {
	case "hired":
		return model.Pending
	case "employed":
		return model.Active
	case "leave", "parentalleave", "gardenleave":
		return model.Leave
	case "terminated":
		return model.Inactive
	}
	return model.Unknown
}

// letters lower-cases and drops everything but letters.
func letters(s string) string {
	for i := range len(s) {
		if s[i] < 'a' || s[i] > 'z' {
			return strings.Map(func(r rune) rune {
				if r >= 'a' && r <= 'z' || r == 'é' {
					return r
				}
				return -1
			}, strings.ToLower(s))
		}
	}
	return s
}

// scope applies the skip field. It is a yes-or-no field, so only the machine
// value counts, in the spellings seen: true, "true", 1, "yes".
func (s *Source) scope(e *employee) model.Scope {
	if s.skip == nil {
		return model.Scope{}
	}
	v, ok := e.get(s.skip...)
	if !ok {
		return model.Scope{State: model.HeldScope, Reason: s.cfg.SkipField + " cannot be read"}
	}
	if v.kind == 'n' {
		return model.Scope{}
	}
	text, _ := v.text()
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "true", "yes", "1":
		return model.Scope{State: model.OutOfScope, Reason: s.cfg.SkipField + " is set"}
	case "false", "no", "0":
		return model.Scope{}
	}
	if v.kind == '"' && text == "" {
		return model.Scope{}
	}
	return model.Scope{State: model.HeldScope, Reason: s.cfg.SkipField + " is neither yes nor no"}
}
