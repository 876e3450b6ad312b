package scim

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// replaceable makes of an account as it was read the body of a PUT: without what
// the service alone writes, and with active as the boolean it is.
func replaceable(r Resource) Resource {
	body := maps.Clone(r)
	for _, name := range []string{"meta", "groups", "password"} {
		if k, ok := spelling(body, name); ok {
			delete(body, k)
		}
	}
	if k, ok := spelling(body, "active"); ok {
		if s, ok := text(body[k]); ok {
			body[k] = strings.EqualFold(s, "true")
		}
	}
	return body
}

// apply puts an edit into a resource and reports whether that changed anything.
// The service's own spelling of names, and extensions it writes flat, are kept.
func (e edit) apply(r Resource) bool {
	if e.active != nil {
		k, ok := spelling(r, e.path.Name)
		if had, _ := r[k].(bool); ok && had == *e.active {
			return false
		}
		r[k] = *e.active
		return true
	}
	if had, _ := e.path.Read(r); had == e.text {
		return false
	}
	o, key := e.path.home(r)
	switch {
	case e.path.Type != "":
		e.applyElement(o, key)
	case e.path.Sub == "":
		putText(o, key, e.text)
	case e.path.Sub == "value":
		// A manager's display name and reference would be the old one's.
		delete(o, key)
		if e.text != "" {
			o[key] = map[string]any{"value": e.text}
		}
	default:
		e.applyPart(o, key)
	}
	return true
}

func putText(o map[string]any, key, text string) {
	if text == "" {
		delete(o, key)
		return
	}
	o[key] = text
}

// applyPart writes one part of a complex attribute. The whole name, which the
// service can put together anew, would be the old one.
func (e edit) applyPart(o map[string]any, key string) {
	old, _ := o[key].(map[string]any)
	parts := map[string]any{}
	maps.Copy(parts, old)
	k, _ := spelling(parts, e.path.Sub)
	putText(parts, k, e.text)
	if strings.EqualFold(e.path.Name, "name") {
		if k, ok := spelling(parts, "formatted"); ok {
			delete(parts, k)
		}
	}
	o[key] = parts
	if len(parts) == 0 {
		delete(o, key)
	}
}

// applyElement writes the element of a type, makes it, or takes it away.
func (e edit) applyElement(o map[string]any, key string) {
	list, _ := o[key].([]any)
	if single, ok := o[key].(map[string]any); ok {
		list = []any{single}
	}
	old := elementOf(any(list), e.path.Type, true)
	element := map[string]any{"type": e.path.Type}
	maps.Copy(element, old)
	k, _ := spelling(element, e.path.Sub)
	putText(element, k, e.text)

	var out []any
	found := false
	for _, v := range list {
		if m, ok := v.(map[string]any); !ok || old == nil || found || !sameMap(m, old) {
			out = append(out, v)
			continue
		}
		found = true
		if e.text != "" || e.path.Sub != "value" {
			out = append(out, element)
		}
	}
	if !found && e.text != "" {
		out = append(out, element)
	}
	o[key] = out
	if len(out) == 0 {
		delete(o, key)
	}
}

// sameMap reports whether two variables hold one map, not merely equal ones.
func sameMap(a, b map[string]any) bool {
	return reflect.ValueOf(a).Pointer() == reflect.ValueOf(b).Pointer()
}

// elementOf finds the element of a type, the primary one first. With lenient set
// one without a type counts as "work", as it does when accounts are read.
func elementOf(v any, kind string, lenient bool) map[string]any {
	if o, ok := v.(map[string]any); ok {
		v = []any{o}
	}
	list, _ := v.([]any)
	if !lenient {
		list = slices.DeleteFunc(slices.Clone(list), func(v any) bool {
			e, _ := v.(map[string]any)
			t, _ := member(e, "type")
			s, _ := t.(string)
			return s == ""
		})
	}
	return pick(list, kind)
}

// home is the object that holds p's attribute and the key it has there. An
// extension that is not there is made.
func (p Path) home(r Resource) (map[string]any, string) {
	if p.Schema == "" {
		k, ok := spelling(r, p.Name)
		if !ok && p.Sub != "" {
			unflatten(r, p.Name)
		}
		return r, k
	}
	if k, ok := spelling(r, p.Schema); ok {
		if extension, ok := r[k].(map[string]any); ok {
			extension = maps.Clone(extension)
			r[k] = extension
			name, _ := spelling(extension, p.Name)
			return extension, name
		}
	}
	for _, separator := range []string{":", "."} {
		if k, ok := spelling(r, p.Schema+separator+p.Name); ok {
			return r, k
		}
	}
	extension := map[string]any{}
	r[p.Schema] = extension
	return extension, p.Name
}

// unflatten turns members like "name.givenName" into the complex attribute that
// RFC 7643 has, when the resource has nothing else of it.
func unflatten(r Resource, name string) {
	parts := map[string]any{}
	for _, k := range sortedKeys(r) {
		if len(k) > len(name)+1 && strings.EqualFold(k[:len(name)+1], name+".") {
			parts[k[len(name)+1:]] = r[k]
			delete(r, k)
		}
	}
	if len(parts) > 0 {
		r[name] = parts
	}
}

// spelling finds how an object spells a name, itself when it has none like it.
func spelling(o map[string]any, name string) (string, bool) {
	if _, ok := o[name]; ok {
		return name, true
	}
	for _, k := range sortedKeys(o) {
		if strings.EqualFold(k, name) {
			return k, true
		}
	}
	return name, false
}

// nameSchemas lists in schemas what the resource holds: the core schema and each
// extension (RFC 7643 §3.3), beside what was listed already.
func nameSchemas(r Resource) {
	key, _ := spelling(r, "schemas")
	listed, _ := r[key].([]any)
	listed = slices.Clone(listed)
	lists := func(urn string) bool {
		return slices.ContainsFunc(listed, func(v any) bool {
			s, _ := v.(string)
			return strings.EqualFold(s, urn)
		})
	}
	if !lists(CoreUser) {
		listed = append(listed, CoreUser)
	}
	for _, k := range sortedKeys(r) {
		if _, extension := r[k].(map[string]any); extension && strings.HasPrefix(strings.ToLower(k), "urn:") && !lists(k) {
			listed = append(listed, k)
		}
	}
	r[key] = listed
}
