package javelo

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"rollcall/appliance/model"
	"rollcall/connectors/scim"
)

// extension is the schema that Javelo adds to RFC 7643.
const extension = "urn:ietf:params:scim:schemas:extension:javelo:2.0:User"

var (
	managerLogin = scim.Path{Schema: extension, Name: "managerUserName"}
	managerID    = scim.Path{Schema: scim.EnterpriseUser, Name: "manager", Sub: "value"}
	workEmail    = scim.Path{Name: "emails", Type: "work", Sub: "value"}
)

// accountMap is the table of Javelo's attributes. Names are those of its SCIM
// help article and of clients seen in production; userName, emails and the
// manager are not in it, because they are not written one by one.
func accountMap(keys map[model.Name]string) (scim.AccountMap, error) {
	key := func(name string) scim.Path { return scim.Path{Schema: extension, Name: name} }
	m := scim.AccountMap{
		ManagerID:    managerID,
		ManagerLogin: managerLogin,
		Custom:       extension,
		Fields: append(scim.CoreFields(),
			scim.Field{Attribute: model.FirstHiredOn, Path: key("seniorityDate")},
			scim.Field{Attribute: model.StartDate, Path: key("contractStartDate")},
			// The rest exist only where Javelo's support created them.
			scim.Field{Attribute: model.EndDate, Path: key("lastExitDate")},
			scim.Field{Attribute: model.Gender, Path: key("gender")},
			scim.Field{Attribute: model.ContractType, Path: key("contractType")},
			scim.Field{Attribute: model.Site, Path: key("region")},
			scim.Field{Attribute: model.BirthDate, Path: key("birthDate")}, // the name is unverified
		),
	}
	for _, n := range slices.Sorted(maps.Keys(keys)) {
		name := keys[n]
		i := slices.IndexFunc(m.Fields, func(f scim.Field) bool { return f.Attribute == n })
		custom := strings.HasPrefix(string(n), model.CustomPrefix)
		switch {
		case !n.Valid():
			return m, fmt.Errorf("tenant key for %q: no such attribute", n)
		case !wellFormed(name):
			return m, fmt.Errorf("tenant key for %s: a key is a letter followed by letters, digits, - or _", n)
		case i >= 0 && m.Fields[i].Path.Schema != extension, i < 0 && !custom:
			return m, fmt.Errorf("tenant key for %s: Javelo keeps it elsewhere than among the tenant's keys", n)
		case i >= 0:
			m.Fields[i].Path = key(name)
		default:
			m.Fields = append(m.Fields, scim.Field{Attribute: n, Path: key(name)})
		}
	}
	taken := map[string]bool{strings.ToLower(managerLogin.Name): true}
	for _, f := range m.Fields {
		name := strings.ToLower(f.Path.Name)
		if f.Path.Schema != extension {
			continue
		}
		if taken[name] {
			return m, fmt.Errorf("tenant key %s is used twice", f.Path.Name)
		}
		taken[name] = true
	}
	return m, nil
}

// wellFormed is the ATTRNAME rule of RFC 7643 §2.1, without "$".
func wellFormed(key string) bool {
	for i, r := range key {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || (r < '0' || r > '9') && r != '-' && r != '_') {
			return false
		}
	}
	return key != ""
}

// change is one attribute to write; an empty text clears.
type change struct {
	name model.Name
	path scim.Path
	text string
}

// changes lists the attributes that have and want differ in, in display order.
// With a nil have it lists all. What want does not mention, or Javelo has no
// place for, is left out.
func (t *Target) changes(have *model.Desired, want model.Desired) []change {
	names := slices.Collect(maps.Keys(want.Attributes))
	model.SortNames(names)
	var out []change
	for _, n := range names {
		path, ok := t.accounts.Path(n)
		if !ok {
			continue
		}
		text := want.Attributes[n]
		if have != nil {
			if old, known := have.Attributes[n]; known && old == text {
				continue
			}
		}
		out = append(out, change{n, path, text})
	}
	return out
}
