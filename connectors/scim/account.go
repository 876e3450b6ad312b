package scim

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"

	"rollcall/appliance/model"
)

// Field says where a canonical attribute lives in a user resource.
type Field struct {
	Attribute model.Name
	Path      Path
}

// CoreFields are the fields every SCIM 2.0 service has under the same name: the
// core schema (RFC 7643 §4.1) and the enterprise extension (§4.3). The slice is
// the caller's.
func CoreFields() []Field {
	enterprise := func(name string) Path { return Path{Schema: EnterpriseUser, Name: name} }
	return []Field{
		{model.GivenName, Path{Name: "name", Sub: "givenName"}},
		{model.FamilyName, Path{Name: "name", Sub: "familyName"}},
		{model.DisplayName, Path{Name: "displayName"}},
		{model.Title, Path{Name: "title"}},
		{model.Locale, Path{Name: "locale"}},
		{model.WorkPhone, Path{Name: "phoneNumbers", Type: "work", Sub: "value"}},
		{model.EmployeeNumber, enterprise("employeeNumber")},
		{model.Department, enterprise("department")},
		{model.Organization, enterprise("organization")},
		{model.Division, enterprise("division")},
		{model.CostCenter, enterprise("costCenter")},
	}
}

// AccountMap is how a target's user resources and accounts translate into each
// other: the one table that is read and written through.
type AccountMap struct {
	Fields []Field
	// ManagerID and ManagerLogin are where the manager's id and user name are;
	// the zero Path where the target has no such attribute.
	ManagerID, ManagerLogin Path
	// Custom is the extension that custom attributes live in: custom.NAME is its
	// attribute NAME. Empty: the target has none.
	Custom string
}

// Path returns where an attribute lives, and whether the target has a place for it.
func (m *AccountMap) Path(n model.Name) (Path, bool) {
	for _, f := range m.Fields {
		if f.Attribute == n {
			return f.Path, true
		}
	}
	name, custom := strings.CutPrefix(string(n), model.CustomPrefix)
	if !custom || m.Custom == "" || !n.Valid() || m.holds(name) {
		return Path{}, false
	}
	return Path{Schema: m.Custom, Name: name}, true
}

// holds reports whether an attribute of the custom extension is spoken for.
func (m *AccountMap) holds(name string) bool {
	same := func(p Path) bool { return p.Schema == m.Custom && strings.EqualFold(p.Name, name) }
	return same(m.ManagerID) || same(m.ManagerLogin) ||
		slices.ContainsFunc(m.Fields, func(f Field) bool { return same(f.Path) })
}

var (
	errNoID    = errors.New("a resource without an id")
	errNotUser = errors.New("a resource that is not a user")
)

// Account reads a user resource. The id is the one thing it must have; schemas
// may be missing, but not name another kind of resource. A resource that does not
// say whether it is active is: RFC 7643 §4.1.1 leaves "active" out of what a
// service must return.
func (m *AccountMap) Account(r Resource) (model.Account, error) {
	if !isUser(r) {
		return model.Account{}, errNotUser
	}
	id, _ := (Path{Name: "id"}).Read(r)
	if id == "" {
		return model.Account{}, errNoID
	}
	a := model.Account{RemoteID: id, Active: true, Attributes: map[model.Name]string{}}
	a.Login, _ = (Path{Name: "userName"}).Read(r)
	a.ExternalID, _ = (Path{Name: "externalId"}).Read(r)
	if active, ok := (Path{Name: "active"}).Read(r); ok && active != "" {
		a.Active = strings.EqualFold(active, "true")
	}
	if m.ManagerID != (Path{}) {
		a.ManagerRemoteID, _ = m.ManagerID.Read(r)
	}
	if m.ManagerLogin != (Path{}) {
		a.ManagerLogin, _ = m.ManagerLogin.Read(r)
	}
	for _, f := range m.Fields {
		if v, ok := f.Path.Read(r); ok {
			a.Attributes[f.Attribute] = v
		}
	}
	m.readCustom(a, r)
	return a, nil
}

func isUser(r Resource) bool {
	v, _ := member(r, "schemas")
	schemas, _ := v.([]any)
	return len(schemas) == 0 || slices.ContainsFunc(schemas, func(s any) bool {
		urn, _ := s.(string)
		return strings.EqualFold(urn, CoreUser)
	})
}

// readCustom adds the attributes of the custom extension that no field names.
func (m *AccountMap) readCustom(a model.Account, r Resource) {
	if m.Custom == "" {
		return
	}
	v, _ := member(r, m.Custom)
	extension, _ := v.(map[string]any)
	for _, k := range sortedKeys(extension) {
		n := model.Name(model.CustomPrefix + strings.ToLower(k))
		if m.holds(k) || !n.Valid() {
			continue
		}
		if v, ok := text(extension[k]); ok {
			a.Attributes[n] = v
		}
	}
}

// List is one page of a ListResponse (RFC 7644 §3.4.2).
type List struct {
	Total     int // -1 when the service does not say
	Resources []Resource
}

// ListOf reads a ListResponse. Resources may be missing when there are none;
// a document that has neither Resources nor totalResults is no list, whatever
// its schemas say.
func ListOf(doc Resource) (List, error) {
	list := List{Total: -1}
	total, counted := member(doc, "totalResults")
	if total != nil {
		s, _ := text(total)
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil || n > math.MaxInt32 {
			return List{}, errors.New("totalResults is not a count")
		}
		list.Total = int(n)
	}
	resources, listed := member(doc, "Resources")
	if !counted && !listed {
		return List{}, errors.New("neither totalResults nor Resources")
	}
	if resources == nil {
		return list, nil
	}
	elements, ok := resources.([]any)
	if !ok {
		return List{}, errors.New("the member Resources is not a list")
	}
	for _, e := range elements {
		r, ok := e.(map[string]any)
		if !ok {
			return List{}, errors.New("the member Resources holds something else than objects")
		}
		list.Resources = append(list.Resources, r)
	}
	return list, nil
}
