package adp

import (
	"strings"

	"rollcall/appliance/model"
)

// businessList returns a list of businessCommunication. ADP leaves the whole
// object out when it is empty, and also when it may not be seen: absent.
func (m *mapping) businessList(name string) (list []any, f fact) {
	field := "businessCommunication." + name + "[]"
	v, told := get(m.worker, "businessCommunication", name)
	list, isList := v.([]any)
	switch {
	case !told:
		return nil, fact{}
	case v == nil, isList && len(list) == 0:
		return nil, fact{told: true, value: model.Null(), field: field}
	case !isList:
		m.note(field + " is not in a form that is known, and left out")
		return nil, fact{}
	}
	return list, fact{field: field}
}

// email is a business address: the one that is called work email, else the first
// that is not called private. Addresses of person.communication are not looked at.
func (m *mapping) email() fact {
	list, f := m.businessList("emails")
	f.field += ".emailUri"
	var address string
	empty, best := len(list) > 0, 0
	for _, one := range list {
		o, _ := one.(worker)
		uri, told := text(o["emailUri"])
		// Without the member the address was masked, or is not an address.
		empty = empty && told && uri == ""
		if uri == "" {
			continue
		}
		kind := strings.ToLower(codeOf(o["nameCode"]))
		rank := 1
		switch {
		case !strings.Contains(uri, "@"), strings.Contains(kind, "personal"), strings.Contains(kind, "home"):
			continue
		case strings.Contains(kind, "work"), strings.Contains(kind, "business"):
			rank = 2
		}
		if rank > best {
			address, best = uri, rank
		}
	}
	switch {
	case best > 0:
		f.told, f.value = true, model.Text(address)
	case empty:
		f.told, f.value = true, model.Null()
	}
	return f
}

// phone is the first number of a list of businessCommunication, as ADP formats it
// or put together from its parts.
func (m *mapping) phone(name string) fact {
	list, f := m.businessList(name)
	empty := len(list) > 0
	for _, one := range list {
		o, ok := one.(worker)
		empty = empty && ok && len(o) == 0
		if s, _ := text(o["formattedNumber"]); s != "" {
			return fact{told: true, value: model.Text(s), field: f.field + ".formattedNumber"}
		}
		var parts []string
		for _, part := range []string{"countryDialing", "areaDialing", "dialNumber"} {
			if s, _ := text(o[part]); s != "" {
				parts = append(parts, s)
			}
		}
		if dial, _ := text(o["dialNumber"]); dial == "" {
			continue
		}
		if country, _ := text(o["countryDialing"]); country != "" {
			parts[0] = "+" + strings.TrimLeft(parts[0], "+")
		}
		return fact{told: true, value: model.Text(strings.Join(parts, " ")), field: f.field + ".dialNumber"}
	}
	return f
}

// manager is the first supervisor of the current assignment. An empty list is
// what ADP has for somebody who reports to nobody; who reports to themselves has
// no manager either.
func (m *mapping) manager() fact {
	const field = "workAssignments[].reportsTo[].associateOID"
	v, told := get(m.assignment, "reportsTo")
	list, isList := v.([]any)
	switch {
	case !told:
		return fact{}
	case v != nil && !isList:
		m.note("workAssignments[].reportsTo is not in a form that is known, and left out")
		return fact{}
	case len(list) == 0:
		return fact{told: true, value: model.Null(), field: field}
	}
	var best fact
	for _, one := range list {
		o, _ := one.(worker)
		id, _ := text(o["associateOID"])
		number, _ := get(o, "workerID", "idValue")
		byNumber, _ := text(number)
		value := model.Value{Text: id, Refs: []model.Reference{{By: model.RefNative, Value: id}}}
		found := fact{told: true, field: field}
		switch {
		case id == m.Native:
			value = model.Null()
		case id == "" && byNumber != "":
			value = model.Value{Text: byNumber, Refs: []model.Reference{{By: model.RefEmployeeNumber, Value: byNumber}}}
			found.field = "workAssignments[].reportsTo[].workerID.idValue"
		case id == "":
			continue
		}
		if name, _ := get(o, "reportsToWorkerName", "formattedName"); !value.Null {
			if s, _ := text(name); s != "" {
				value.Text = s
			}
		}
		found.value = value
		supervisor := strings.EqualFold(codeOf(o["reportsToRelationshipCode"]), "Supervisor")
		if !best.told || supervisor {
			best = found
		}
		if supervisor {
			break
		}
	}
	return best
}
