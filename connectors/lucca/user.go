package lucca

import (
	"slices"
	"strings"

	"rollcall/appliance/model"
	"rollcall/connectors"
)

// userFields are the fields that the built-in map needs, and no others: what is
// asked for counts against Lucca's 5 s per request.
var userFields = []string{
	"id", "displayName", "firstName", "lastName", "mail", "employeeNumber", "jobTitle",
	"managerID", "manager[id,name,mail]", "department[id,name]", "legalEntity[id,name]",
	"dtContractStart", "dtContractEnd", "seniorityDate", "birthDate", "gender",
	"directLine", "professionalMobile", "cultureID", "extendedData", "collection.count",
}

// fieldsFor returns the "fields" parameter for the map and the custom fields.
// Extension fields come with extendedData, which cannot be narrowed.
func fieldsFor(custom []string) string {
	fields := slices.Clone(userFields)
	for _, f := range custom {
		root, _, _ := strings.Cut(f, ".")
		known := slices.ContainsFunc(fields, func(have string) bool { return strings.EqualFold(have, f) })
		if !known && !strings.HasPrefix(f, "e_") && !strings.EqualFold(root, "extendedData") {
			fields = append(fields, f)
		}
	}
	return strings.Join(fields, ",")
}

// volatileUser picks the names that change without the person changing.
func volatileUser(name string) bool {
	switch strings.ToLower(name) {
	case "picture", "url", "modifiedat":
		return true
	}
	return false
}

// user is one user of v3 with what a whole read must know about it.
type user struct {
	model.Observation
	dated    bool // a contract date was told, if only as null
	extended bool // some extension field was told
	skipTold bool // the skip field was told
}

// decodeUser maps a user of v3. The error says what is wrong in words that hold
// nothing of the user; the caller knows which request it came from.
func decodeUser(o object, skipField string) (user, *connectors.Error) {
	raw, _ := o.get("id")
	id, ok := identifier(raw)
	if !ok {
		return user{}, &connectors.Error{Detail: "a user has no id"}
	}
	d := newDraft(id)
	d.text(model.Email, o.fact("mail"))
	d.text(model.GivenName, o.fact("firstName"))
	d.text(model.FamilyName, o.fact("lastName"))
	d.text(model.DisplayName, o.fact("displayName"))
	d.text(model.EmployeeNumber, o.fact("employeeNumber"))
	d.text(model.Title, o.fact("jobTitle"))
	d.text(model.Department, o.fact("department", "name"))
	d.text(model.Organization, o.fact("legalEntity", "name"))
	// v3 knows no establishment: the legal entity stands in for the site, unless
	// the configuration maps a field of the customer's own.
	d.text(model.Site, o.fact("legalEntity", "name"))
	d.text(model.WorkPhone, o.fact("directLine"))
	d.text(model.MobilePhone, o.fact("professionalMobile"))
	d.date(model.BirthDate, o.fact("birthDate"))
	d.date(model.FirstHiredOn, o.fact("seniorityDate"))
	d.date(model.StartDate, o.fact("dtContractStart"))
	d.date(model.EndDate, o.fact("dtContractEnd"))
	d.gender(o.fact("gender"))
	d.language(o.fact("cultureID"))
	managerOfUser(d, o)

	var u user
	extension, _ := o.get("extendedData")
	values, isObject := extension.(map[string]any)
	switch {
	case extension != nil && !isObject:
		d.Scope = model.Scope{State: model.HeldScope, Reason: "extendedData, which holds the skip field " + skipField + ", could not be read"}
	default:
		v, told := object(values).get(skipField)
		d.Scope = scope(skipField, v, told)
		u.extended, u.skipTold = len(values) > 0, told
	}

	_, startTold := o.get("dtContractStart")
	_, endTold := o.get("dtContractEnd")
	u.dated = startTold || endTold
	d.Status = model.Dated
	if d.Attributes.Text(model.StartDate) == "" && d.Attributes.Text(model.EndDate) == "" {
		d.Status = model.Unknown
		if u.dated {
			d.notice("no date of the contract can be read, so the status is unknown")
		}
	}

	doc, err := document(without(o, "extendedData", volatileUser))
	if err != nil {
		return user{}, &connectors.Error{Detail: "a user cannot be kept as JSON"}
	}
	d.Document = doc
	u.Observation = d.Observation
	return u, nil
}

// managerOfUser reads both forms in which v3 names a manager: managerID, and
// manager with the mail. A mail counts only when both mean the same person.
func managerOfUser(d *draft, o object) {
	id, expanded := o.fact("managerID"), o.fact("manager", "id")
	mail, _ := scalar(o.fact("manager", "mail").value)
	switch {
	case id.value == nil && expanded.value != nil, !id.told:
		id = expanded
	default:
		a, _ := identifier(id.value)
		if b, _ := identifier(expanded.value); a != b {
			mail = ""
		}
	}
	d.manager(id, mail)
}
