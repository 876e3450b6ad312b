package scimtargetsim

import (
	"net/http"
	"slices"
	"strings"
)

// What the service stores, by kind. Other attributes are dropped.
var (
	simple   = []string{"userName", "externalId", "displayName", "nickName", "title", "userType", "preferredLanguage", "locale", "timezone", "profileUrl"}
	parts    = []string{"formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix"}
	lists    = []string{"emails", "phoneNumbers", "addresses", "roles"}
	elements = []string{"type", "value", "primary", "display", "streetAddress", "locality", "region", "postalCode", "country", "formatted"}
	company  = []string{"employeeNumber", "costCenter", "organization", "division", "department"}
)

func (s *Sim) create(body []byte) answer {
	fields, err := s.accepted(body)
	if err != nil {
		return refusal(err)
	}
	if _, ok := fields["active"]; !ok {
		fields["active"] = true
	}
	u := &user{s.mint(), 1, fields}
	err = s.check(u)
	s.noteCreate(textOf(fields["userName"]), err == nil)
	if err != nil {
		return refusal(err)
	}
	s.put(u)
	a := s.shown(http.StatusCreated, u)
	a.header.Set("Location", "https://reviews.example"+Prefix+"/Users/"+u.id)
	return a
}

// replace is PUT: what the body does not have is cleared, but for active, whose
// default RFC 7644 §3.5.1 leaves to the service.
func (s *Sim) replace(old *user, body []byte) answer {
	fields, err := s.accepted(body)
	if err != nil {
		return refusal(err)
	}
	if _, ok := fields["active"]; !ok {
		fields["active"] = old.fields["active"]
	}
	return s.stored(&user{old.id, old.version + 1, fields})
}

// patch applies the operations one after the other and stores the outcome of all
// or nothing (RFC 7644 §3.5.2).
func (s *Sim) patch(old *user, body []byte) answer {
	doc, err := object(body)
	if err != nil {
		return refusal(err)
	}
	list, _ := member(doc, "Operations").([]any)
	if len(list) == 0 {
		return refusal(invalid("invalidSyntax", "Operations is missing"))
	}
	fields := copyObject(old.fields)
	for _, v := range list {
		o, _ := v.(map[string]any)
		name, _ := member(o, "op").(string)
		path, _ := member(o, "path").(string)
		if err := s.operate(fields, strings.ToLower(name), path, member(o, "value")); err != nil {
			return refusal(err)
		}
	}
	return s.stored(&user{old.id, old.version + 1, fields})
}

func (s *Sim) stored(u *user) answer {
	if err := s.check(u); err != nil {
		return refusal(err)
	}
	s.put(u)
	s.record.writes++
	a := s.shown(http.StatusOK, u)
	if s.opts.NoContent {
		a.status, a.body = http.StatusNoContent, nil
	}
	return a
}

// accepted reads a whole resource.
func (s *Sim) accepted(body []byte) (map[string]any, error) {
	doc, err := object(body)
	if err != nil {
		return nil, err
	}
	fields := map[string]any{}
	for _, k := range sortedKeys(doc) {
		if err := s.set(fields, k, doc[k], false); err != nil {
			return nil, err
		}
	}
	return fields, nil
}

// check refuses a user that the service would not hold.
func (s *Sim) check(u *user) error {
	name := textOf(u.fields["userName"])
	if name == "" {
		return invalid("invalidValue", "Attribute userName is required")
	}
	if s.refused[fold(name)] {
		return invalid("invalidValue", "Attribute userName is not allowed here")
	}
	if id, ok := s.byName[fold(name)]; ok && id != u.id {
		return &problem{s.opts.Duplicate, "uniqueness", "A user named " + name + " already exists"}
	}
	manager := managerOf(u.fields)
	if _, ok := s.users[manager]; manager != "" && !ok {
		if !s.opts.IgnoreManager {
			return invalid("invalidValue", "Attribute manager is not a user of this service")
		}
		delete(u.fields[enterpriseUser].(map[string]any), "manager")
	}
	return nil
}

// set writes one top-level attribute; merge keeps what a complex value or a list
// does not mention (PATCH), otherwise it is replaced (POST and PUT).
func (s *Sim) set(fields map[string]any, name string, value any, merge bool) error {
	for _, known := range simple {
		if strings.EqualFold(name, known) {
			return setText(fields, known, value)
		}
	}
	for _, known := range lists {
		if strings.EqualFold(name, known) {
			return setList(fields, known, value, merge)
		}
	}
	switch lower := strings.ToLower(name); lower {
	case "active":
		return s.setActive(fields, value)
	case "name":
		return setObject(fields, "name", parts, value, merge)
	case strings.ToLower(enterpriseUser):
		return s.setEnterprise(fields, value, merge)
	case strings.ToLower(s.opts.Extension):
		return setObject(fields, s.opts.Extension, s.opts.ExtensionKeys, value, merge)
	}
	return nil
}

func setText(o map[string]any, name string, value any) error {
	switch v := value.(type) {
	case nil:
		delete(o, name)
	case string:
		o[name] = v
		if v == "" {
			delete(o, name)
		}
	default:
		return invalid("invalidValue", "Attribute "+name+" must be a string")
	}
	return nil
}

func (s *Sim) setActive(fields map[string]any, value any) error {
	b, ok := value.(bool)
	if text, isText := value.(string); isText && s.opts.LooseBooleans {
		b, ok = strings.EqualFold(text, "true"), strings.EqualFold(text, "true") || strings.EqualFold(text, "false")
	}
	if !ok {
		return invalid("invalidValue", "Attribute active must be a boolean")
	}
	fields["active"] = b
	return nil
}

func setObject(fields map[string]any, name string, known []string, value any, merge bool) error {
	o, _ := fields[name].(map[string]any)
	if !merge || o == nil {
		o = map[string]any{}
	}
	in, ok := value.(map[string]any)
	if !ok && value != nil {
		return invalid("invalidValue", "Attribute "+name+" must be complex")
	}
	for _, k := range sortedKeys(in) {
		i := slices.IndexFunc(known, func(n string) bool { return strings.EqualFold(n, k) })
		if i < 0 {
			continue
		}
		if err := setText(o, known[i], in[k]); err != nil {
			return err
		}
	}
	fields[name] = o
	if len(o) == 0 || value == nil {
		delete(fields, name)
	}
	return nil
}

func setList(fields map[string]any, name string, value any, add bool) error {
	var out []any
	if add {
		out, _ = fields[name].([]any)
	}
	in, ok := value.([]any)
	if !ok && value != nil {
		return invalid("invalidValue", "Attribute "+name+" must be a list")
	}
	for _, v := range in {
		o, ok := v.(map[string]any)
		if !ok {
			return invalid("invalidValue", "Attribute "+name+" must hold complex values")
		}
		element := map[string]any{}
		for _, k := range sortedKeys(o) {
			if i := slices.IndexFunc(elements, func(n string) bool { return strings.EqualFold(n, k) }); i >= 0 && o[k] != nil {
				element[elements[i]] = o[k]
			}
		}
		out = append(out, element)
	}
	fields[name] = out
	if len(out) == 0 {
		delete(fields, name)
	}
	return nil
}

func (s *Sim) setEnterprise(fields map[string]any, value any, merge bool) error {
	old, _ := fields[enterpriseUser].(map[string]any)
	manager, had := old["manager"]
	if err := setObject(fields, enterpriseUser, company, value, merge); err != nil {
		return err
	}
	in, _ := value.(map[string]any)
	switch v, said := named(in, "manager"); {
	case v != nil:
		o, ok := v.(map[string]any)
		id, isText := member(o, "value").(string)
		if !ok || !isText {
			return invalid("invalidValue", "Attribute manager must have a value")
		}
		manager, had = map[string]any{"value": id}, id != ""
	case said || !merge:
		had = false
	}
	o, _ := fields[enterpriseUser].(map[string]any)
	switch {
	case had && o == nil:
		fields[enterpriseUser] = map[string]any{"manager": manager}
	case had:
		o["manager"] = manager
	default:
		delete(o, "manager")
	}
	return nil
}

// member finds a member of an object without regard to letter case (RFC 7643
// §2.1), nil when there is none.
func member(o map[string]any, name string) any {
	v, _ := named(o, name)
	return v
}

// named is member that tells null from nothing.
func named(o map[string]any, name string) (any, bool) {
	if v, ok := o[name]; ok {
		return v, true
	}
	for _, k := range sortedKeys(o) {
		if strings.EqualFold(k, name) {
			return o[k], true
		}
	}
	return nil, false
}

func sortedKeys(o map[string]any) []string {
	keys := make([]string, 0, len(o))
	for k := range o {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
