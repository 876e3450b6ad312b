package scimsrv

import (
	"net/http"
	"strings"

	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/schema"
)

// projection says which attributes an answer holds (RFC 7644 §3.9). The zero
// value is everything that is returned by default.
type projection struct {
	only    bool // names lists what to return, else what to leave out
	names   []string
	request bool // attributes or excludedAttributes was given
}

// maxProjected bounds the names in attributes or excludedAttributes.
const maxProjected = 200

func newProjection(attributes, excluded []string) (projection, error) {
	switch {
	case len(attributes) > 0 && len(excluded) > 0:
		return projection{}, refuse(http.StatusBadRequest, schema.InvalidValue,
			"attributes and excludedAttributes exclude each other; send one of them")
	case len(attributes) > maxProjected || len(excluded) > maxProjected:
		return projection{}, refuse(http.StatusBadRequest, schema.InvalidValue, "too many names in attributes or excludedAttributes")
	case len(attributes) > 0:
		return projection{only: true, names: attributes, request: true}, nil
	default:
		return projection{names: excluded, request: len(excluded) > 0}, nil
	}
}

// projection reads the query parameters of a request.
func (c *call) projection() (projection, error) {
	return newProjection(nameList(c.query["attributes"]), nameList(c.query["excludedAttributes"]))
}

// nameList splits comma-separated names; a parameter may also be repeated.
func nameList(values []string) []string {
	var names []string
	for _, v := range values {
		for name := range strings.SplitSeq(v, ",") {
			if name = strings.TrimSpace(name); name != "" {
				names = append(names, name)
			}
		}
	}
	return names
}

// selection is a projection resolved for one resource type: folded canonical
// names of attributes, extensions and "attribute.sub".
type selection struct {
	projection
	whole map[string]bool // the attribute or extension is named itself
	part  map[string]bool // something inside it is named
}

// resolve looks names up. Those that the resource type does not know select
// nothing: the same request may ask for users and groups.
func (p projection) resolve(rt *schema.ResourceType) *selection {
	sel := &selection{projection: p}
	if !p.request {
		return sel
	}
	sel.whole, sel.part = map[string]bool{}, map[string]bool{}
	for _, name := range p.names {
		ref, err := rt.ResolveShort(name)
		if err != nil {
			if s := rt.Schema(name); s == rt.Core {
				sel.core(s)
			}
			continue
		}
		sel.whole[attr.FoldName(ref.String())] = true
		if ref.Extension != nil {
			sel.part[attr.FoldName(ref.Extension.URN)] = true
		}
		if ref.Sub != nil {
			sel.part[attr.FoldName(schema.Ref{Extension: ref.Extension, Attribute: ref.Attribute}.String())] = true
		}
	}
	return sel
}

// core takes the URN of the core schema for all of its attributes.
func (sel *selection) core(s *schema.Schema) {
	for _, a := range s.Attributes {
		sel.whole[attr.FoldName(a.Name)] = true
	}
}

// has reports whether an attribute is part of the answer; parts of it may have to
// be cut off yet. within is whether what holds it was asked for as a whole.
func (sel *selection) has(a *schema.Attribute, name string, within bool) bool {
	switch {
	case a.Returned == schema.ReturnedAlways:
		return true
	case a.Returned == schema.ReturnedNever:
		return false
	case sel.only:
		named := sel.whole[name] || sel.part[name]
		return named || within && a.Returned == schema.ReturnedDefault
	default:
		return a.Returned == schema.ReturnedDefault && !sel.whole[name]
	}
}

// wants reports whether a top-level attribute is part of the answer at all, so
// that expensive ones need not be read.
func (sel *selection) wants(rt *schema.ResourceType, name string) bool {
	if !sel.request {
		return true
	}
	ref, err := rt.Resolve(name)
	return err == nil && sel.has(ref.Attribute, attr.FoldName(name), false)
}

// everything reports whether apply leaves resources as they are, whatever they hold.
func (sel *selection) everything(k *kind) bool { return !sel.request && !k.hidden }

// apply returns what is selected of a resource.
func (sel *selection) apply(k *kind, o *attr.Object) *attr.Object {
	if sel.everything(k) {
		return o
	}
	out := &attr.Object{}
	for name, v := range o.Members() {
		if s := k.rt.Schema(name); s != nil && s != k.rt.Core {
			if v = sel.extension(s, v); v != nil {
				out.Set(name, v)
			}
			continue
		}
		ref, err := k.rt.Resolve(name)
		if err != nil || ref.Attribute == nil {
			continue
		}
		if v, ok := sel.attribute(ref.Attribute, attr.FoldName(ref.Attribute.Name), v, false); ok {
			out.Set(name, v)
		}
	}
	if v, ok := out.Get("schemas"); ok {
		out.Set("schemas", schemasLeft(k, out, v))
	}
	return out
}

// schemasLeft drops the URNs of extensions that are not part of the answer.
func schemasLeft(k *kind, out *attr.Object, v attr.Value) attr.Value {
	left := attr.Array{}
	for _, urn := range v.(attr.Array) {
		name, _ := urn.(string)
		if _, there := out.Get(name); there || k.rt.Schema(name) == k.rt.Core {
			left = append(left, urn)
		}
	}
	return left
}

func (sel *selection) extension(s *schema.Schema, v attr.Value) attr.Value {
	urn := attr.FoldName(s.URN)
	o, _ := v.(*attr.Object)
	if o == nil || !sel.only && sel.whole[urn] {
		return nil
	}
	out := &attr.Object{}
	for name, v := range o.Members() {
		a := s.Attribute(name)
		if a == nil {
			continue
		}
		if v, ok := sel.attribute(a, urn+":"+attr.FoldName(a.Name), v, sel.whole[urn]); ok {
			out.Set(name, v)
		}
	}
	if out.Len() == 0 {
		return nil
	}
	return out
}

func (sel *selection) attribute(a *schema.Attribute, name string, v attr.Value, within bool) (attr.Value, bool) {
	if !sel.has(a, name, within) {
		return nil, false
	}
	if len(a.Sub) == 0 {
		return v, true
	}
	whole := within || sel.whole[name] || a.Returned == schema.ReturnedAlways
	if list, ok := v.(attr.Array); ok {
		out := make(attr.Array, 0, len(list))
		for _, e := range list {
			if e := sel.element(a, name, e, whole); e != nil {
				out = append(out, e)
			}
		}
		return out, len(out) > 0 || len(list) == 0
	}
	e := sel.element(a, name, v, whole)
	return e, e != nil
}

// element cuts the sub-attributes of one complex value.
func (sel *selection) element(a *schema.Attribute, name string, v attr.Value, whole bool) attr.Value {
	o, ok := v.(*attr.Object)
	if !ok {
		return v
	}
	out := &attr.Object{}
	for subName, v := range o.Members() {
		sub := a.SubAttribute(subName)
		if sub == nil || sel.has(sub, name+"."+attr.FoldName(subName), whole) {
			out.Set(subName, v)
		}
	}
	if out.Len() == 0 {
		return nil
	}
	return out
}
