package javelosim

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

const (
	coreURN       = "urn:ietf:params:scim:schemas:core:2.0:User"
	enterpriseURN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	javeloURN     = "urn:ietf:params:scim:schemas:extension:javelo:2.0:User"
)

// operation is one element of a PatchOp. op is in lower case.
type operation struct {
	op, path string
	value    any
}

func operations(doc map[string]any) ([]operation, error) {
	list, ok := member(doc, "Operations").([]any)
	if !ok || len(list) == 0 {
		return nil, invalid("invalidSyntax", "Operations is missing")
	}
	ops := make([]operation, 0, len(list))
	for _, v := range list {
		o, ok := v.(map[string]any)
		if !ok {
			return nil, invalid("invalidSyntax", "Operations holds something else than objects")
		}
		name, _ := member(o, "op").(string)
		path, _ := member(o, "path").(string)
		op := operation{strings.ToLower(name), path, member(o, "value")}
		switch {
		case op.op != "add" && op.op != "replace" && op.op != "remove":
			return nil, invalid("invalidSyntax", "op is not add, replace or remove")
		case op.op == "remove" && path == "":
			return nil, invalid("noTarget", "remove needs a path")
		}
		ops = append(ops, op)
	}
	return ops, nil
}

// member finds a member of an object without regard to letter case (RFC 7643
// §2.1), nil when there is none.
func member(o map[string]any, name string) any {
	if v, ok := o[name]; ok {
		return v
	}
	for _, k := range sortedKeys(o) {
		if strings.EqualFold(k, name) {
			return o[k]
		}
	}
	return nil
}

func sortedKeys(o map[string]any) []string {
	keys := make([]string, 0, len(o))
	for k := range o {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// apply does one operation on a. Javelo's attributes have one value each, so add
// and replace are the same, and remove is null.
func (s *Sim) apply(a *Account, op operation) error {
	if op.op == "remove" {
		return s.set(a, op.path, nil)
	}
	if op.path != "" {
		return s.set(a, op.path, op.value)
	}
	doc, ok := op.value.(map[string]any)
	if !ok {
		return invalid("invalidValue", "value without a path is not an object")
	}
	return s.write(a, doc)
}

// write sets every member of a document. Manager links come last, because they
// depend on active.
func (s *Sim) write(a *Account, doc map[string]any) error {
	var last []string
	for _, name := range sortedKeys(doc) {
		if strings.HasPrefix(strings.ToLower(name), "urn:") {
			last = append(last, name)
			continue
		}
		if err := s.set(a, name, doc[name]); err != nil {
			return err
		}
	}
	for _, name := range last {
		if err := s.set(a, name, doc[name]); err != nil {
			return err
		}
	}
	return nil
}

// set writes one value to the attribute that path names: short ("title"), dotted
// ("name.givenName"), filtered (`emails[type eq "work"].value`), or with the full
// URN of its schema. Attributes that Javelo does not have are ignored, as a PATCH
// without schemas check does.
func (s *Sim) set(a *Account, path string, value any) error {
	path = strings.TrimSpace(path)
	if rest, ok := cutFold(path, coreURN); ok {
		path = strings.TrimPrefix(rest, ":")
	}
	if rest, ok := cutFold(path, enterpriseURN); ok {
		return s.setEnterprise(a, strings.TrimLeft(rest, ":."), value)
	}
	if rest, ok := cutFold(path, javeloURN); ok {
		return s.setJavelo(a, strings.TrimLeft(rest, ":."), value)
	}
	switch lower := strings.ToLower(path); lower {
	case "username":
		return setText(&a.UserName, path, value)
	case "externalid":
		return setText(&a.ExternalID, path, value)
	case "displayname":
		return setText(&a.DisplayName, path, value)
	case "title":
		return setText(&a.Title, path, value)
	case "name.givenname":
		return setText(&a.GivenName, path, value)
	case "name.familyname":
		return setText(&a.FamilyName, path, value)
	case "locale":
		return setLocale(a, value)
	case "active":
		return setActive(a, value)
	case "name":
		return s.setParts(a, "name.", value)
	case "emails":
		return setElement(&a.Email, path, value)
	case "phonenumbers":
		return setElement(&a.Phone, path, value)
	default:
		return setFiltered(a, lower, value)
	}
}

// setParts writes the sub-attributes of a complex attribute.
func (s *Sim) setParts(a *Account, prefix string, value any) error {
	parts, ok := value.(map[string]any)
	if !ok && value != nil {
		return invalid("invalidValue", strings.TrimSuffix(prefix, ".")+" is not an object")
	}
	if value == nil {
		parts = map[string]any{"givenName": nil, "familyName": nil}
	}
	for _, k := range sortedKeys(parts) {
		if err := s.set(a, prefix+k, parts[k]); err != nil {
			return err
		}
	}
	return nil
}

// setElement takes the work element out of a multi-valued attribute, or its
// first element when none says its type.
func setElement(to *string, path string, value any) error {
	switch v := value.(type) {
	case nil:
		*to = ""
		return nil
	case map[string]any:
		return setElement(to, path, []any{v})
	case []any:
		*to = ""
		for _, e := range v {
			o, ok := e.(map[string]any)
			if !ok {
				return invalid("invalidValue", path+" holds something else than objects")
			}
			kind, typed := member(o, "type").(string)
			if typed && !strings.EqualFold(kind, "work") || !typed && *to != "" {
				continue
			}
			return setText(to, path, member(o, "value"))
		}
		return nil
	}
	return invalid("invalidValue", path+" is not a list")
}

// setFiltered writes to `emails[type eq "work"].value` and the like; an element
// that is not there is made, because Entra's PATCH counts on it.
func setFiltered(a *Account, path string, value any) error {
	attribute, rest, ok := strings.Cut(path, "[")
	if !ok {
		return nil
	}
	condition, sub, ok := strings.Cut(rest, "]")
	if !ok {
		return invalid("invalidPath", "path is not valid")
	}
	if words := strings.Fields(condition); len(words) != 3 || words[0] != "type" || words[1] != "eq" || strings.Trim(words[2], `"`) != "work" {
		return nil
	}
	var to *string
	switch attribute {
	case "emails":
		to = &a.Email
	case "phonenumbers":
		to = &a.Phone
	default:
		return nil
	}
	switch sub {
	case ".value":
		return setText(to, path, value)
	case "":
		if o, ok := value.(map[string]any); ok {
			value = member(o, "value")
		}
		return setText(to, path, value)
	}
	return nil
}

func (s *Sim) setEnterprise(a *Account, path string, value any) error {
	switch lower := strings.ToLower(path); lower {
	case "":
		doc, _ := value.(map[string]any)
		for _, k := range sortedKeys(doc) {
			if err := s.setEnterprise(a, k, doc[k]); err != nil {
				return err
			}
		}
		return nil
	case "manager", "manager.value":
		if o, ok := value.(map[string]any); ok {
			value = member(o, "value")
		}
		var id string
		if err := setText(&id, "manager", value); err != nil {
			return err
		}
		return s.link(a, id, s.accounts[id])
	case "employeenumber", "department", "organization", "division", "costcenter":
		name := map[string]string{"employeenumber": "employeeNumber", "costcenter": "costCenter"}[lower]
		if name == "" {
			name = lower
		}
		return setKey(a.Enterprise, name, value)
	}
	return nil
}

func (s *Sim) setJavelo(a *Account, path string, value any) error {
	lower := strings.ToLower(path)
	switch lower {
	case "":
		doc, _ := value.(map[string]any)
		for _, k := range sortedKeys(doc) {
			if err := s.setJavelo(a, k, doc[k]); err != nil {
				return err
			}
		}
		return nil
	case "managerusername":
		var login string
		if err := setText(&login, "managerUserName", value); err != nil {
			return err
		}
		return s.link(a, login, s.accounts[s.byName[fold(login)]])
	}
	key, ok := s.keys[lower]
	if !ok {
		if s.opts.RefuseUnknownKeys {
			return invalid("invalidPath", "Custom field is not configured")
		}
		return nil
	}
	switch text, _ := value.(string); key {
	case "seniorityDate", "contractStartDate", "lastExitDate", "birthDate":
		if text == "" {
			break
		}
		if _, err := time.Parse(time.DateOnly, text); err != nil {
			return invalid("invalidValue", key+" is not a date in the form YYYY-MM-DD")
		}
	}
	return setKey(a.Tenant, key, value)
}

// link makes m the manager of a; an empty name clears.
func (s *Sim) link(a *Account, name string, m *Account) error {
	switch {
	case name == "":
		a.ManagerID = ""
	case m == nil || !m.Active || m.ID == a.ID:
		if s.opts.Manager == ManagerIgnored {
			return nil
		}
		return invalid("invalidValue", "manager is not an active user")
	default:
		a.ManagerID = m.ID
	}
	return nil
}

func setKey(to map[string]string, key string, value any) error {
	var text string
	if err := setText(&text, key, value); err != nil {
		return err
	}
	if text == "" {
		delete(to, key)
		return nil
	}
	to[key] = text
	return nil
}

func setText(to *string, path string, value any) error {
	switch v := value.(type) {
	case nil:
		*to = ""
	case string:
		*to = strings.TrimSpace(v)
	case json.Number:
		*to = v.String()
	default:
		return invalid("invalidValue", path+" is not a string")
	}
	return nil
}

// setLocale keeps to the languages of the product; another one becomes English,
// which the article calls the default.
func setLocale(a *Account, value any) error {
	if err := setText(&a.Locale, "locale", value); err != nil {
		return err
	}
	if !slices.Contains([]string{"fr", "en", "es", "it"}, a.Locale) {
		a.Locale = "en"
	}
	return nil
}

func setActive(a *Account, value any) error {
	switch v := value.(type) {
	case bool:
		a.Active = v
		return nil
	case string: // Entra's older dialect sends "False"
		switch strings.ToLower(v) {
		case "true":
			a.Active = true
			return nil
		case "false":
			a.Active = false
			return nil
		}
	}
	return invalid("invalidValue", "active is not a boolean")
}

func cutFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}
