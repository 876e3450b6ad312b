package schema

import (
	"slices"
	"strconv"
	"strings"

	"rollcall/scimsrv/attr"
)

// Mode is what a resource is received for.
type Mode uint8

const (
	// Create is POST: attributes that are left out get their defaults.
	Create Mode = iota
	// Replace is PUT: what is left out stays out.
	Replace
)

// Validate checks a received resource and returns the tree to store: canonical
// names, in schema order, without null and empty lists, without id, meta,
// schemas and everything else readOnly (RFC 7644 §3.3 has them ignored), and
// without password. The tree given is not changed. The error is of type
// [Errors] and holds everything that was found wrong.
func (rt *ResourceType) Validate(tree *attr.Object, mode Mode, l Leniency) (*attr.Object, error) {
	c := &checker{l: l}
	if !l.AnySchemas {
		c.schemas(rt, tree)
	}
	out := &attr.Object{}
	strays := c.members(out, nil, rt.own, nil, tree)
	extensions := c.extensions(rt, tree)
	for _, name := range strays {
		if rt.extension(name) == nil {
			c.stray(rt, extensions, tree, name)
		}
	}
	for i, e := range rt.Extensions {
		if o := extensions[i]; o.Len() > 0 {
			out.Set(e.Schema.URN, o)
		}
	}
	if mode == Create {
		rt.setDefaults(out)
	}
	c.errs = append(c.errs, rt.missing(out)...)
	if len(c.errs) > 0 {
		return nil, c.errs
	}
	return out, nil
}

// Arranged returns tree with its members, and those of its extensions and
// complex values, in the order in which Validate writes them; what no schema
// knows comes last. Lists keep their order. Simple values are shared with tree.
func (rt *ResourceType) Arranged(tree *attr.Object) *attr.Object {
	out := arranged(rt.own, tree)
	for _, e := range rt.Extensions {
		v, ok := tree.Get(e.Schema.URN)
		if !ok {
			continue
		}
		if o, ok := v.(*attr.Object); ok {
			v = arranged(e.Schema.Attributes, o)
		}
		out.Delete(e.Schema.URN)
		out.Set(e.Schema.URN, v)
	}
	return out
}

func arranged(defs []*Attribute, in *attr.Object) *attr.Object {
	out := &attr.Object{}
	for _, a := range defs {
		if v, ok := in.Get(a.Name); ok {
			out.Set(a.Name, arrangedValue(a, v))
		}
	}
	for name, v := range in.Members() {
		if find(defs, name) == nil {
			out.Set(name, v)
		}
	}
	return out
}

func arrangedValue(a *Attribute, v attr.Value) attr.Value {
	if len(a.Sub) == 0 {
		return v
	}
	switch v := v.(type) {
	case *attr.Object:
		return arranged(a.Sub, v)
	case attr.Array:
		list := make(attr.Array, len(v))
		for i := range v {
			list[i] = arrangedValue(a, v[i])
		}
		return list
	default:
		return v
	}
}

func (rt *ResourceType) setDefaults(out *attr.Object) {
	for _, a := range rt.Core.Attributes {
		if _, ok := out.Get(a.Name); !ok && a.Default != nil {
			out.Set(a.Name, attr.Clone(a.Default))
		}
	}
}

// CheckRequired reports what a tree that is ready to be stored lacks, as
// [Errors] of scimType invalidValue; nil when nothing.
func (rt *ResourceType) CheckRequired(tree *attr.Object) error {
	if errs := rt.missing(tree); len(errs) > 0 {
		return errs
	}
	return nil
}

// CheckImmutable reports immutable attributes that have a value in cur and
// another one in next (RFC 7644 §3.5.1), as [Errors] of scimType mutability. The
// members of a group are not looked at: they are replaced as elements.
func (rt *ResourceType) CheckImmutable(cur, next *attr.Object) error {
	var errs Errors
	compare := func(prefix string, defs []*Attribute, cur, next *attr.Object) {
		for _, a := range defs {
			was, ok := cur.Get(a.Name)
			if is, _ := next.Get(a.Name); a.Mutability == Immutable && ok && !attr.EqualSets(was, is) {
				errs = append(errs, errorf(MutabilityErr, prefix+a.Name, "immutable: it has a value that cannot be changed"))
			}
		}
	}
	compare("", rt.Core.Attributes, cur, next)
	for _, e := range rt.Extensions {
		was, _ := cur.Get(e.Schema.URN)
		is, _ := next.Get(e.Schema.URN)
		wasObject, _ := was.(*attr.Object)
		isObject, _ := is.(*attr.Object)
		compare(e.Schema.URN+":", e.Schema.Attributes, wasObject, isObject)
	}
	if len(errs) > 0 {
		return errs
	}
	return nil
}

func (rt *ResourceType) missing(tree *attr.Object) Errors {
	var errs Errors
	require := func(prefix string, defs []*Attribute, o *attr.Object) {
		for _, a := range defs {
			v, _ := o.Get(a.Name)
			if a.Required && a.Mutability != ReadOnly && (attr.IsEmpty(v) || v == "") {
				errs = append(errs, errorf(InvalidValue, prefix+a.Name, "required: %s is expected", a.expected()))
				continue
			}
			errs = append(errs, missingSubs(a, v)...)
		}
	}
	require("", rt.Core.Attributes, tree)
	for _, e := range rt.Extensions {
		v, _ := tree.Get(e.Schema.URN)
		o, ok := v.(*attr.Object)
		if !ok && e.Required {
			errs = append(errs, errorf(InvalidValue, e.Schema.URN, "required: the extension's object is expected"))
		}
		if ok {
			require(e.Schema.URN+":", e.Schema.Attributes, o)
		}
	}
	return errs
}

func missingSubs(a *Attribute, v attr.Value) Errors {
	if !slices.ContainsFunc(a.Sub, func(s *Attribute) bool { return s.Required }) {
		return nil
	}
	elements, ok := v.(attr.Array)
	if !ok && v != nil {
		elements = attr.Array{v}
	}
	var errs Errors
	for _, element := range elements {
		o, _ := element.(*attr.Object)
		for _, sub := range a.Sub {
			if v, _ := o.Get(sub.Name); sub.Required && (attr.IsEmpty(v) || v == "") {
				errs = append(errs, errorf(InvalidValue, a.Name+"."+sub.Name, "required: %s is expected", sub.expected()))
			}
		}
	}
	return errs
}

// schemas checks the URNs that a resource declares (RFC 7643 §3).
func (c *checker) schemas(rt *ResourceType, tree *attr.Object) {
	at := &place{name: "schemas"}
	v, _ := tree.Get("schemas")
	declared, ok := v.(attr.Array)
	if !ok {
		c.refuse(InvalidSyntax, at, "a list with %s is expected", rt.Core.URN)
		return
	}
	listed := func(urn string) bool {
		return slices.ContainsFunc(declared, func(v attr.Value) bool {
			s, _ := v.(string)
			return attr.EqualName(s, urn)
		})
	}
	if !listed(rt.Core.URN) {
		c.refuse(InvalidSyntax, at, "%s is missing", rt.Core.URN)
	}
	for i, v := range declared {
		if s, ok := v.(string); !ok || rt.Schema(s) == nil && !c.l.IgnoreUnknown {
			c.refuse(InvalidSyntax, &place{parent: at, index: i, isIndex: true}, "the URN of a schema of %s is expected", rt.Name)
		}
	}
	for _, e := range rt.Extensions {
		if v, _ := tree.Get(e.Schema.URN); !attr.IsEmpty(v) && !listed(e.Schema.URN) {
			c.refuse(InvalidSyntax, at, "%s is missing, its attributes are used", e.Schema.URN)
		}
	}
}

// extensions reads the objects of the extensions, in their order; what is not
// there becomes an empty object.
func (c *checker) extensions(rt *ResourceType, tree *attr.Object) []*attr.Object {
	out := make([]*attr.Object, len(rt.Extensions))
	for i, e := range rt.Extensions {
		out[i] = &attr.Object{}
		v, _ := tree.Get(e.Schema.URN)
		at := &place{name: e.Schema.URN, isURN: true}
		o, ok := v.(*attr.Object)
		if !ok {
			if v != nil {
				c.refuse(InvalidValue, at, "an object is expected, not %s", attr.Kind(v))
			}
			continue
		}
		for _, name := range c.members(out[i], at, e.Schema.Attributes, e.Schema, o) {
			c.unknown(&place{parent: at, name: name})
		}
	}
	return out
}

// stray deals with a member of the resource that neither the core schema nor an
// extension's URN accounts for.
func (c *checker) stray(rt *ResourceType, extensions []*attr.Object, tree *attr.Object, name string) {
	at := &place{name: name}
	if !c.l.ShortNames {
		c.unknown(at)
		return
	}
	ref, err := rt.ResolveShort(name)
	if err != nil || ref.Extension == nil || ref.Attribute == nil || ref.Sub != nil {
		c.unknown(at)
		return
	}
	c.l.note(ShortName)
	i := slices.IndexFunc(rt.Extensions, func(e Extension) bool { return e.Schema == ref.Extension })
	if _, ok := extensions[i].Get(ref.Attribute.Name); ok || ref.Attribute.Mutability == ReadOnly {
		return // what stands at its proper place counts
	}
	v, _ := tree.Get(name)
	if v = c.value(ref.Attribute, at, v); v != nil {
		extensions[i].Set(ref.Attribute.Name, v)
	}
}

// members reads the attributes of in that defs define into out, and those an
// open schema allows. It returns the names of the others.
func (c *checker) members(out *attr.Object, at *place, defs []*Attribute, open *Schema, in *attr.Object) (strays []string) {
	for _, a := range defs {
		v, ok := in.Get(a.Name)
		if !ok || a.Mutability == ReadOnly || a.Discarded {
			continue
		}
		if v = c.value(a, &place{parent: at, name: a.Name}, v); v != nil {
			out.Set(a.Name, v)
		}
	}
	for name, v := range in.Members() {
		if find(defs, name) != nil {
			continue
		}
		if open == nil || open.Attribute(name) == nil {
			strays = append(strays, name)
			continue
		}
		if v = c.value(open.Attribute(name), &place{parent: at, name: name}, v); v != nil {
			out.Set(name, v)
		}
	}
	return strays
}

func (c *checker) unknown(at *place) {
	if !c.l.IgnoreUnknown {
		c.refuse(InvalidSyntax, at, "unknown attribute")
		return
	}
	c.l.note(UnknownIgnored)
}

// place is where a value stands; its text is only made for an error.
type place struct {
	parent  *place
	name    string
	index   int
	isIndex bool
	isURN   bool // what follows is joined with a colon
}

// String writes the path. Names may come from the sender, so they are cut.
func (p *place) String() string {
	switch {
	case p == nil:
		return ""
	case p.isIndex:
		return p.parent.String() + "[" + strconv.Itoa(p.index) + "]"
	case p.parent == nil:
		return printable(p.name)
	case p.parent.isURN:
		return p.parent.String() + ":" + printable(p.name)
	default:
		return p.parent.String() + "." + printable(p.name)
	}
}

func printable(name string) string {
	if len(name) > 120 {
		name = strings.ToValidUTF8(name[:120], "") + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, name)
}
