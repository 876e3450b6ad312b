package lucca

import (
	"strings"

	"rollcall/appliance/model"
	"rollcall/connectors"
)

// statuses maps the status of an employee. Any other word stays unknown.
var statuses = map[string]model.Status{"upcoming": model.Pending, "active": model.Active, "deactivated": model.Inactive}

// employee is one employee of the new API with what a whole read must know.
type employee struct {
	model.Observation
	stated bool // the status was told
}

// decodeEmployee maps an employee together with what it refers to, embedded in
// the page or from the directory.
func decodeEmployee(o object, c collection, dir *directory) (employee, *connectors.Error) {
	raw, _ := o.get("id")
	id, ok := identifier(raw)
	if !ok {
		return employee{}, &connectors.Error{Detail: "an employee has no id"}
	}
	d := newDraft(id)
	d.text(model.Email, o.fact("email"))
	d.text(model.GivenName, o.fact("givenName"))
	d.text(model.FamilyName, o.fact("familyName"))
	d.text(model.EmployeeNumber, o.fact("employeeNumber"))
	// One number, and nobody says of which kind; the word for it is work.
	d.text(model.WorkPhone, o.fact("phoneNumber"))
	if given, family := d.Attributes.Text(model.GivenName), d.Attributes.Text(model.FamilyName); given != "" && family != "" {
		d.put(model.DisplayName, "givenName, familyName", model.Text(given+" "+family))
	}

	employment := follow(o, "applicableEmployment", "employment", c, dir.employments)
	d.date(model.StartDate, employment.fact("start", "date"))
	d.date(model.EndDate, employment.fact("end", "date"))
	d.text(model.Organization, employment.named("legalEntity", dir.entities))
	if first := dir.first[id]; first != "" {
		d.put(model.FirstHiredOn, "employments, earliest start.date", model.Text(first))
	}

	position := follow(o, "applicableJobPosition", "job-position", c, dir.positions)
	names, zones := map[string]string{}, map[string]string{}
	if at, ok := identifier(position.fact("businessEstablishment", "id").value); ok {
		if s, known := dir.sites[at]; known {
			names[at], zones[at] = s.name, s.zone
		}
	}
	d.text(model.Title, position.fact("jobTitle"))
	d.text(model.Department, position.named("department", dir.departments))
	d.text(model.Site, position.named("businessEstablishment", names))
	zone := position.named("businessEstablishment", zones)
	zone.field = "applicableJobPosition.businessEstablishment.timezoneId"
	d.text(model.TimeZone, zone)
	d.manager(position.fact("manager", "id"), "")

	record := dir.personal[id]
	record.gender.field, record.birthDate.field = "personalRecord.legalGender", "personalRecord.birthDate"
	d.gender(record.gender)
	d.date(model.BirthDate, record.birthDate)

	status, _ := scalar(o.fact("status").value)
	d.Status, d.RawStatus = model.Unknown, status
	if s, known := statuses[strings.ToLower(status)]; known {
		d.Status = s
	}
	values := dir.attributes[dir.a.skip][id]
	d.Scope = scope(dir.a.skip, oneOrAll(values), len(values) > 0)

	doc, err := document(employeeDocument(o, employment, position, record, dir))
	if err != nil {
		return employee{}, &connectors.Error{Detail: "an employee cannot be kept as JSON"}
	}
	d.Document = doc
	return employee{Observation: d.Observation, stated: status != ""}, nil
}

// reference is something an employee refers to.
type reference struct {
	field string // the name of the reference
	told  bool   // the employee has the reference, if only as null
	none  bool   // it is null
	to    object // what it refers to, nil when that cannot be read
}

// follow finds what a reference of o means, embedded in the page or elsewhere.
func follow(o object, name, kind string, c collection, others map[string]object) reference {
	f := o.fact(name, "id")
	r := reference{field: name, told: f.told, none: f.told && f.value == nil}
	if id, ok := identifier(f.value); ok {
		if to, ok := c.embedded(kind, id); ok {
			r.to = to
		} else {
			r.to = others[id]
		}
	}
	return r
}

// fact is what is said under a name of what the reference leads to.
func (r reference) fact(names ...string) fact {
	f := fact{field: r.field + "." + strings.Join(names, "."), told: r.none}
	if r.to != nil {
		inner := r.to.fact(names...)
		f.value, f.told = inner.value, inner.told
	}
	return f
}

// named is the name of something that is referred to by id. Without the name it
// is absent, because null would clear.
func (r reference) named(name string, names map[string]string) fact {
	f := r.fact(name, "id")
	f.field = r.field + "." + name + ".name"
	if id, ok := identifier(f.value); ok {
		label := names[id]
		f.value, f.told = label, label != ""
	}
	return f
}

// volatileEmployee picks the names that change without the person changing.
func volatileEmployee(name string) bool {
	switch strings.ToLower(name) {
	case "url", "portrait", "links", "lastupdatedat":
		return true
	}
	return false
}

// employeeDocument puts what an employee refers to into its place.
func employeeDocument(o object, employment, position reference, record personal, dir *directory) map[string]any {
	doc := without(o, "", volatileEmployee)
	for _, r := range []reference{employment, position} {
		if r.to != nil {
			doc[r.field] = without(r.to, "", volatileEmployee)
		}
	}
	name := func(r reference, ref, key, label string) {
		if in, ok := doc[r.field].(map[string]any); ok && label != "" {
			if to, ok := in[ref].(map[string]any); ok {
				to[key] = label
			}
		}
	}
	label := func(f fact) string { text, _ := scalar(f.value); return text }
	name(employment, "legalEntity", "name", label(employment.named("legalEntity", dir.entities)))
	name(position, "department", "name", label(position.named("department", dir.departments)))
	if at, ok := identifier(position.fact("businessEstablishment", "id").value); ok {
		name(position, "businessEstablishment", "name", dir.sites[at].name)
		name(position, "businessEstablishment", "timezoneId", dir.sites[at].zone)
	}

	kept := map[string]any{}
	if record.gender.told {
		kept["legalGender"] = record.gender.value
	}
	if record.birthDate.told {
		kept["birthDate"] = record.birthDate.value
	}
	if len(kept) > 0 {
		doc["personalRecord"] = kept
	}
	id, _ := identifier(o.fact("id").value)
	attributes := map[string]any{}
	for code, of := range dir.attributes {
		if values := of[id]; len(values) > 0 {
			attributes[code] = oneOrAll(values)
		}
	}
	if len(attributes) > 0 {
		doc["attributes"] = attributes
	}
	return doc
}

// oneOrAll is the value itself when there is one, else the list of them.
func oneOrAll(values []any) any {
	if len(values) == 1 {
		return values[0]
	}
	return values
}
