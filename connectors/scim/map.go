package scim

import (
	"slices"
	"strings"
	"time"

	"rollcall/appliance/model"
)

// JaveloUser is the extension that Javelo documents for its user resources; a
// source may send it too.
const JaveloUser = "urn:ietf:params:scim:schemas:extension:javelo:2.0:User"

// userFields are the attributes that sit in one place, or in the first of
// several that says anything.
func userFields() []Field {
	enterprise := func(name string) Path { return Path{Schema: EnterpriseUser, Name: name} }
	javelo := func(name string) Path { return Path{Schema: JaveloUser, Name: name} }
	return []Field{
		{model.GivenName, Path{Name: "name", Sub: "givenName"}},
		{model.FamilyName, Path{Name: "name", Sub: "familyName"}},
		{model.DisplayName, Path{Name: "displayName"}},
		{model.DisplayName, Path{Name: "name", Sub: "formatted"}},
		{model.Title, Path{Name: "title"}},
		{model.EmployeeNumber, enterprise("employeeNumber")},
		{model.Department, enterprise("department")},
		{model.Organization, enterprise("organization")},
		{model.Division, enterprise("division")},
		{model.CostCenter, enterprise("costCenter")},
		{model.ContractType, javelo("contractType")},
		{model.ContractType, Path{Name: "userType"}},
		{model.Gender, javelo("gender")},
		{model.BirthDate, javelo("birthDate")},
		{model.FirstHiredOn, javelo("seniorityDate")},
		{model.StartDate, javelo("contractStartDate")},
		{model.EndDate, javelo("lastExitDate")},
		{model.Locale, Path{Name: "locale"}},
		{model.Locale, Path{Name: "preferredLanguage"}},
		{model.TimeZone, Path{Name: "timezone"}},
	}
}

// MapUser maps a user resource of a source to attributes, each with the field it
// came from, and a status. Native is the resource's id; Document is left to the
// caller, who has the bytes.
//
// The resource is read as senders really write it: names in any letter case,
// extensions flattened under their dotted URN, booleans and numbers as texts, a
// manager in every shape that was recorded.
//
// An attribute that the resource does not have is absent, and one that is null or
// empty is null. RFC 7643 §2.5 calls the two the same; here they differ because
// only the caller knows whether the attribute was there before: when a sender
// removes it, the caller turns absent into null.
//
// A resource that does not say whether it is active has [model.Unknown] as its
// status: the caller keeps the status the record had before.
func MapUser(r Resource) model.Observation {
	o := model.Observation{Attributes: model.Attributes{}, Fields: map[model.Name]string{}}
	o.Native, _ = Path{Name: "id"}.Read(r)
	m := &userMap{resource: r, Observation: &o}
	m.status()
	m.email()
	for _, f := range userFields() {
		m.field(f)
	}
	m.phones()
	m.site()
	m.manager()
	m.custom()
	return o
}

// userMap is one resource on its way to an observation.
type userMap struct {
	resource Resource
	*model.Observation
}

// put sets an attribute unless an earlier place has given it a value: a null
// gives way to what a later place says.
func (m *userMap) put(n model.Name, text, field string) {
	if had, ok := m.Attributes[n]; ok && !had.Null {
		return
	}
	v := model.Text(strings.TrimSpace(text))
	if _, ok := m.Attributes[n]; ok && v.Null {
		return
	}
	m.Attributes[n], m.Fields[n] = v, field
}

func (m *userMap) field(f Field) {
	value, ok := f.Path.Read(m.resource)
	if !ok {
		return
	}
	value = strings.TrimSpace(value)
	switch f.Attribute {
	case model.BirthDate, model.FirstHiredOn, model.StartDate, model.EndDate:
		date, ok := calendarDate(value)
		if !ok {
			m.Notices = append(m.Notices, shortPath(f.Path)+" is not a date (YYYY-MM-DD) and was left out")
			return
		}
		value = date
	case model.Gender:
		if value, ok = gender(value); !ok {
			return
		}
	case model.Locale:
		// preferredLanguage may be a whole Accept-Language header (RFC 7643 §4.1.1).
		value, _, _ = strings.Cut(value, ",")
		value, _, _ = strings.Cut(value, ";")
	}
	m.put(f.Attribute, value, shortPath(f.Path))
}

// status reads active. Entra's default mapping sends it as the texts "True" and
// "False".
func (m *userMap) status() {
	m.Status = model.Unknown
	value, ok := Path{Name: "active"}.Read(m.resource)
	if !ok {
		return
	}
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "true", "1":
		m.Status, m.RawStatus = model.Active, "active=true"
	case "false", "0":
		m.Status, m.RawStatus = model.Inactive, "active=false"
	case "":
		m.RawStatus = "active=null"
	default:
		m.Notices = append(m.Notices, "active is neither true nor false: the status stays as it was")
	}
}

// private are the types of addresses that never say who someone is at work.
var private = []string{"home", "personal", "private"}

// email takes the work address, an address without a type, the primary one, and
// at last a userName that is an address; never one that is typed as private.
func (m *userMap) email() {
	v, present := member(m.resource, "emails")
	best, field, rank := "", "", 0
	for _, e := range elements(v) {
		kind := e.text("type")
		address := strings.TrimSpace(e.text("value"))
		if address == "" || slices.ContainsFunc(private, func(p string) bool { return strings.EqualFold(p, kind) }) {
			continue
		}
		score, from := 0, ""
		switch {
		case strings.EqualFold(kind, "work"):
			score, from = 6, `emails[type eq "work"].value`
		case e.primary():
			score, from = 4, "emails[primary eq true].value"
		case kind == "":
			score, from = 2, "emails.value"
		default:
			continue // Entra's "other" holds proxy addresses
		}
		if e.primary() {
			score++
		}
		if score > rank {
			best, field, rank = address, from, score
		}
	}
	if rank > 0 {
		m.put(model.Email, best, field)
		return
	}
	if name, _ := (Path{Name: "userName"}).Read(m.resource); strings.Contains(name, "@") {
		m.put(model.Email, name, "userName")
		return
	}
	if present && v == nil {
		m.put(model.Email, "", "emails")
	}
}

func (m *userMap) phones() {
	v, present := member(m.resource, "phoneNumbers")
	for _, p := range []struct {
		name model.Name
		kind string
	}{{model.WorkPhone, "work"}, {model.MobilePhone, "mobile"}} {
		if present && v == nil {
			m.put(p.name, "", "phoneNumbers")
			continue
		}
		if e := elements(v).pick(p.kind); e != nil {
			if number, ok := e.read("value"); ok {
				m.put(p.name, number, `phoneNumbers[type eq "`+p.kind+`"].value`)
			}
		}
	}
}

// site takes the city of the work address. Entra puts the office's name into
// "formatted", of the type "other" by its documentation and "work" by its portal
// template; more than one line there is a postal address, not a site.
func (m *userMap) site() {
	v, present := member(m.resource, "addresses")
	if present && v == nil {
		m.put(model.Site, "", "addresses")
		return
	}
	for _, a := range []struct{ kind, sub string }{{"work", "locality"}, {"work", "formatted"}, {"other", "formatted"}} {
		e := elements(v).pick(a.kind)
		if e == nil {
			continue
		}
		if text, ok := e.read(a.sub); ok && !strings.ContainsAny(strings.TrimSpace(text), "\r\n") {
			m.put(model.Site, text, `addresses[type eq "`+a.kind+`"].`+a.sub)
		}
	}
}

// managerPlaces are where a manager has been seen, best first.
func managerPlaces() []Path {
	var places []Path
	for _, name := range []string{"managerUserName", "manager", "manager.value", "managerId"} {
		for _, schema := range []string{JaveloUser, EnterpriseUser, ""} {
			places = append(places, Path{Schema: schema, Name: name})
		}
	}
	return places
}

// manager gathers every way in which the resource names the manager. The text may
// be an id of the same server, a user name, an address or an employee number,
// whatever the sender's directory holds ("recorded request": Okta's managerId).
func (m *userMap) manager() {
	var value model.Value
	present, field := false, ""
	for _, p := range managerPlaces() {
		raw, ok := p.root(m.resource)
		if !ok {
			continue
		}
		ref, display, ok := managerOf(raw)
		if !ok {
			continue
		}
		present = true
		if ref == "" {
			if field == "" {
				field = shortPath(p)
			}
			continue
		}
		if value.Text == "" {
			field = shortPath(p)
			value.Text = ref
		}
		if display != "" && value.Text == ref {
			value.Text = display
		}
		value.Refs = addReferences(value.Refs, ref)
	}
	if !present {
		return
	}
	if value.Text == "" {
		value = model.Null()
	}
	m.Attributes[model.Manager], m.Fields[model.Manager] = value, field
}

// managerOf reads one manager: a text, an object with value, managerId or $ref,
// or a list of those. An empty ref says that there is none; ok is false when
// the shape says nothing.
func managerOf(v any) (ref, display string, ok bool) {
	if list, isList := v.([]any); isList {
		if len(list) == 0 {
			return "", "", true
		}
		v = list[0]
	}
	o, isObject := v.(map[string]any)
	if !isObject {
		ref, ok = text(v)
		return strings.TrimSpace(ref), "", ok
	}
	e := element(o)
	display = strings.TrimSpace(e.text("displayName"))
	for _, name := range []string{"value", "managerId", "id"} {
		if ref = strings.TrimSpace(e.text(name)); ref != "" {
			return ref, display, true
		}
	}
	if link := strings.TrimRight(e.text("$ref"), "/"); link != "" {
		return link[strings.LastIndexByte(link, '/')+1:], display, true
	}
	return "", "", true
}

func addReferences(refs []model.Reference, text string) []model.Reference {
	add := []model.Reference{{By: model.RefAny, Value: text}}
	if strings.Contains(text, "@") {
		add = append(add, model.Reference{By: model.RefEmail, Value: text})
	}
	for _, r := range add {
		if !slices.Contains(refs, r) {
			refs = append(refs, r)
		}
	}
	return refs
}

// custom takes what else is in Javelo's extension: grade, status and the keys
// that a tenant made there, as custom.grade and so on in lower case.
func (m *userMap) custom() {
	spoken := map[string]bool{"managerusername": true, "manager": true, "manager.value": true, "managerid": true}
	for _, f := range userFields() {
		if f.Path.Schema == JaveloUser {
			spoken[strings.ToLower(f.Path.Name)] = true
		}
	}
	put := func(name string, v any) {
		n := model.Name(model.CustomPrefix + strings.ToLower(name))
		if spoken[strings.ToLower(name)] || !n.Valid() {
			return
		}
		if value, ok := text(v); ok {
			m.put(n, value, shortPath(Path{Schema: JaveloUser, Name: name}))
		}
	}
	v, _ := member(m.resource, JaveloUser)
	extension, _ := v.(map[string]any)
	for _, name := range sortedKeys(extension) {
		put(name, extension[name])
	}
	for _, name := range sortedKeys(m.resource) {
		if len(name) > len(JaveloUser)+1 && strings.EqualFold(name[:len(JaveloUser)], JaveloUser) && strings.ContainsRune(":.", rune(name[len(JaveloUser)])) {
			put(name[len(JaveloUser)+1:], m.resource[name])
		}
	}
}

// shortPath spells a path for people: "enterprise:department".
func shortPath(p Path) string {
	switch p.Schema {
	case EnterpriseUser:
		p.Schema = "enterprise"
	case JaveloUser:
		p.Schema = "javelo"
	}
	return p.String()
}

// element is one element of a multi-valued attribute.
type element map[string]any

// elementList is a multi-valued attribute.
type elementList []element

// elements reads a multi-valued attribute: a list of objects, of texts, or one
// object or text instead of a list.
func elements(v any) elementList {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	var out elementList
	for _, one := range list {
		switch one := one.(type) {
		case map[string]any:
			out = append(out, one)
		case string:
			out = append(out, element{"value": one})
		}
	}
	return out
}

// pick chooses the element of a type, the primary one first; see [Path].
func (l elementList) pick(kind string) element {
	list := make([]any, len(l))
	for i, e := range l {
		list[i] = map[string]any(e)
	}
	return pick(list, kind)
}

// read returns the text of a sub-attribute and whether it is there at all.
func (e element) read(name string) (string, bool) {
	v, ok := member(e, name)
	if !ok {
		return "", false
	}
	return text(v)
}

func (e element) text(name string) string {
	s, _ := e.read(name)
	return s
}

func (e element) primary() bool { return strings.EqualFold(e.text("primary"), "true") }

// calendarDate returns the date part of a date or date-time; empty is empty.
func calendarDate(s string) (string, bool) {
	if s == "" {
		return "", true
	}
	if len(s) > 10 && (s[10] == 'T' || s[10] == ' ') {
		s = s[:10]
	}
	_, err := time.Parse(time.DateOnly, s)
	return s, err == nil
}

// gender returns "male", "female" or another word in lower case; ok is false for
// the words that say nothing.
func gender(s string) (string, bool) {
	switch folded := strings.ToLower(s); folded {
	case "m", "1", "male":
		return "male", true
	case "f", "2", "female":
		return "female", true
	case "undefined", "unknown":
		return "", false
	default:
		return folded, true
	}
}
