package scim

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// Schema and message URNs of RFC 7643 and RFC 7644.
const (
	CoreUser       = "urn:ietf:params:scim:schemas:core:2.0:User"
	EnterpriseUser = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	PatchMessage   = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
)

// MediaType is the content type of every body (RFC 7644 §3.1).
const MediaType = "application/scim+json"

// Resource is a decoded SCIM resource or message. Its numbers are [json.Number]:
// decode with UseNumber.
type Resource map[string]any

// Path names one single-valued place in a user resource: title, name.givenName,
// the value of the work element of phoneNumbers, an attribute of an extension.
// The zero Path names nothing.
type Path struct {
	Schema string // URN of the extension; empty for the core schema
	Name   string // "title", "phoneNumbers"
	Type   string // for a multi-valued attribute: the "type" of the element meant
	Sub    string // "givenName"; "value" of an element
}

// String returns the path as a PATCH operation names it (RFC 7644 §3.5.2):
// `phoneNumbers[type eq "work"].value`, "URN:department".
func (p Path) String() string {
	var b strings.Builder
	if p.Schema != "" {
		b.WriteString(p.Schema + ":")
	}
	b.WriteString(p.Name)
	if p.Type != "" {
		b.WriteString("[type eq " + strconv.Quote(p.Type) + "]")
	}
	if p.Sub != "" {
		b.WriteString("." + p.Sub)
	}
	return b.String()
}

// Read returns the text at p, "" for a null or an empty value, and whether the
// resource says anything about p at all. Real services force some tolerance:
// names differ in letter case, extensions are flattened into "URN:attribute" or
// "URN.attribute", numbers and booleans stand for text, manager is a bare
// string, elements have no type.
func (p Path) Read(r Resource) (string, bool) {
	v, ok := p.root(r)
	switch {
	case !ok:
		return "", false
	case v == nil:
		return "", true
	case p.Type != "":
		return p.readElement(v)
	case p.Sub == "":
		return text(v)
	}
	o, ok := v.(map[string]any)
	if !ok {
		if p.Sub != "value" {
			return "", false
		}
		return text(v)
	}
	if v, ok = member(o, p.Sub); !ok {
		return "", false
	}
	return text(v)
}

// root finds the attribute that p begins with.
func (p Path) root(r Resource) (any, bool) {
	if p.Schema == "" {
		if v, ok := member(r, p.Name); ok || p.Sub == "" {
			return v, ok
		}
		if v, ok := member(r, p.Name+"."+p.Sub); ok {
			return map[string]any{p.Sub: v}, true
		}
		return nil, false
	}
	if v, ok := member(r, p.Schema); ok {
		if extension, ok := v.(map[string]any); ok {
			return member(extension, p.Name)
		}
	}
	if v, ok := member(r, p.Schema+":"+p.Name); ok {
		return v, true
	}
	return member(r, p.Schema+"."+p.Name)
}

// Within reports whether the resource has the object that p's value would be
// in, so that its absence there means something: an answer without an extension
// says nothing about the extension's attributes.
func (p Path) Within(r Resource) bool {
	if p.Schema == "" {
		_, ok := member(r, "userName")
		return ok
	}
	v, _ := member(r, p.Schema)
	_, ok := v.(map[string]any)
	return ok
}

func (p Path) readElement(v any) (string, bool) {
	if o, ok := v.(map[string]any); ok {
		v = []any{o}
	}
	list, ok := v.([]any)
	if !ok {
		return "", false
	}
	e := pick(list, p.Type)
	if e == nil {
		return "", true // the list is there, the element is not
	}
	value, _ := member(e, p.Sub)
	return text(value)
}

// pick chooses the element of a type, the primary one first. Elements without a
// type count as "work", which is what services mean that keep one value only.
func pick(list []any, kind string) map[string]any {
	var best map[string]any
	rank := 0
	for _, v := range list {
		e, ok := v.(map[string]any)
		if !ok {
			continue
		}
		t, _ := member(e, "type")
		name, _ := t.(string)
		score := 0
		switch {
		case strings.EqualFold(name, kind):
			score = 4
		case name == "" && kind == "work":
			score = 2
		default:
			continue
		}
		if primary, _ := member(e, "primary"); isTrue(primary) {
			score++
		}
		if score > rank {
			best, rank = e, score
		}
	}
	return best
}

// Write puts text at p, making the objects and the element around it.
func (p Path) Write(r Resource, text string) {
	o := map[string]any(r)
	if p.Schema != "" {
		o = child(o, p.Schema)
	}
	switch {
	case p.Type != "":
		list, _ := o[p.Name].([]any)
		o[p.Name] = append(list, map[string]any{"type": p.Type, p.Sub: text})
	case p.Sub != "":
		child(o, p.Name)[p.Sub] = text
	default:
		o[p.Name] = text
	}
}

func child(o map[string]any, name string) map[string]any {
	c, ok := o[name].(map[string]any)
	if !ok {
		c = map[string]any{}
		o[name] = c
	}
	return c
}

// member finds a member without regard to letter case (RFC 7643 §2.1). The exact
// spelling wins; among others the first in byte order, so that the answer does
// not depend on the order of a map.
func member(o map[string]any, name string) (any, bool) {
	if v, ok := o[name]; ok {
		return v, true
	}
	found, best := false, ""
	for k := range o {
		if strings.EqualFold(k, name) && (!found || k < best) {
			found, best = true, k
		}
	}
	return o[best], found
}

func text(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

func isTrue(v any) bool {
	s, ok := text(v)
	return ok && strings.EqualFold(s, "true")
}

func sortedKeys(o map[string]any) []string {
	keys := make([]string, 0, len(o))
	for k := range o {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
