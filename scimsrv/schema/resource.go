package schema

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"rollcall/scimsrv/attr"
)

// Extension is a schema that adds attributes to a resource type.
type Extension struct {
	Schema   *Schema
	Required bool
}

// ResourceType is a kind of resource: a core schema and its extensions. It is
// safe for concurrent use.
type ResourceType struct {
	Name        string // "User"
	Endpoint    string // "/Users"
	Description string
	Core        *Schema
	Extensions  []Extension

	common []*Attribute // what every resource has
	own    []*Attribute // the attributes outside of extensions, as they are written
}

// Catalog holds the resource types of a service. It is safe for concurrent use.
type Catalog struct {
	User  *ResourceType
	Group *ResourceType
}

// New returns the catalog of users, with the enterprise extension, Javelo's and
// those given, and of groups. It fails on definitions that contradict RFC 7643
// or each other, all of them in one error.
func New(userExtensions ...Extension) (*Catalog, error) {
	user := resourceType("User", "/Users", "User account", User(), EnterpriseUser(), JaveloUser())
	var errs []error
	for _, e := range userExtensions {
		if user.Schema(e.Schema.URN) != nil || attr.EqualName(e.Schema.URN, GroupURN) {
			errs = append(errs, fmt.Errorf("schema %s: there is already one with this id", e.Schema.URN))
			continue
		}
		if err := e.Schema.check(); err != nil {
			errs = append(errs, err)
			continue
		}
		user.Extensions = append(user.Extensions, e)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Catalog{User: user, Group: resourceType("Group", "/Groups", "Group", Group())}, nil
}

func resourceType(name, endpoint, description string, core *Schema, extensions ...*Schema) *ResourceType {
	rt := &ResourceType{Name: name, Endpoint: endpoint, Description: description, Core: core, common: common()}
	rt.own = slices.Concat(rt.common, core.Attributes)
	for _, s := range extensions {
		rt.Extensions = append(rt.Extensions, Extension{Schema: s})
	}
	return rt
}

// Types returns the resource types in the order in which they are published.
func (c *Catalog) Types() []*ResourceType { return []*ResourceType{c.User, c.Group} }

// Schema returns the core schema or extension with that URN, in any letter
// case, or nil.
func (rt *ResourceType) Schema(urn string) *Schema {
	if attr.EqualName(rt.Core.URN, urn) {
		return rt.Core
	}
	return rt.extension(urn)
}

func (rt *ResourceType) extension(urn string) *Schema {
	for _, e := range rt.Extensions {
		if attr.EqualName(e.Schema.URN, urn) {
			return e.Schema
		}
	}
	return nil
}

// SchemasOf returns the value of "schemas" for a resource: the core URN and
// those of the extensions that tree has members of (RFC 7643 §3).
func (rt *ResourceType) SchemasOf(tree *attr.Object) attr.Array {
	urns := attr.Array{rt.Core.URN}
	for _, e := range rt.Extensions {
		if v, ok := tree.Get(e.Schema.URN); ok && !attr.IsEmpty(v) {
			urns = append(urns, e.Schema.URN)
		}
	}
	return urns
}

// Ref is where an attribute path leads.
type Ref struct {
	// Extension is the schema of an extension's attribute; nil for the core
	// schema and the attributes that every resource has.
	Extension *Schema
	// Attribute is nil when the path names the extension as a whole.
	Attribute *Attribute
	// Sub is the sub-attribute of a path such as name.givenName, else nil.
	Sub *Attribute
}

// Leaf returns the definition of the last element of the path; nil when that is
// an extension as a whole.
func (r Ref) Leaf() *Attribute {
	if r.Sub != nil {
		return r.Sub
	}
	return r.Attribute
}

// String returns the path in canonical spelling; only an extension's attribute
// carries its URN.
func (r Ref) String() string {
	var b strings.Builder
	if r.Extension != nil {
		b.WriteString(r.Extension.URN)
		if r.Attribute != nil {
			b.WriteByte(':')
		}
	}
	if r.Attribute != nil {
		b.WriteString(r.Attribute.Name)
	}
	if r.Sub != nil {
		b.WriteByte('.')
		b.WriteString(r.Sub.Name)
	}
	return b.String()
}

// Get returns what the path names in tree, without going into the sub-attribute:
// for emails.value it is the list of emails. A missing value comes with false.
func (r Ref) Get(tree *attr.Object) (attr.Value, bool) {
	if r.Extension == nil {
		return tree.Get(r.Attribute.Name)
	}
	v, ok := tree.Get(r.Extension.URN)
	if r.Attribute == nil {
		return v, ok
	}
	o, _ := v.(*attr.Object)
	return o.Get(r.Attribute.Name)
}

// ErrUnknown is wrapped by the error for a well-formed path that names no
// attribute of the resource type.
var ErrUnknown = errors.New("unknown attribute")

// PathError says that a path does not resolve. The path itself comes from the
// sender and is cut to a printable length.
type PathError struct {
	Path string
	Err  error
}

func (e *PathError) Error() string {
	return fmt.Sprintf("path %q: %v", clip(e.Path), e.Err)
}

// Unwrap returns the cause, [ErrUnknown] among others.
func (e *PathError) Unwrap() error { return e.Err }

// Resolve finds the attribute that a path without brackets names:
// [URN ":"] name ["." sub], or the URN of an extension alone. Letter case does
// not matter. A URN is split off at the longest one that is known, because it
// contains dots and colons itself. The error is a *[PathError].
func (rt *ResourceType) Resolve(path string) (Ref, error) { return rt.resolve(path, false) }

// ResolveShort is [ResourceType.Resolve] for senders that leave URNs out: a name
// that neither the core schema nor the common attributes know is looked for in
// the extensions, in their order. Entra sends "manager" that way, and a dot
// instead of the colon behind the URN was seen in hand-written mappings
// (unverified).
func (rt *ResourceType) ResolveShort(path string) (Ref, error) { return rt.resolve(path, true) }

func (rt *ResourceType) resolve(path string, short bool) (Ref, error) {
	s, name, whole := rt.split(path, short)
	fail := func(err error) (Ref, error) { return Ref{}, &PathError{Path: path, Err: err} }
	if whole {
		if s == rt.Core {
			return fail(errors.New("a core schema is no target, name one of its attributes"))
		}
		return Ref{Extension: s}, nil
	}
	name, sub, dotted := strings.Cut(name, ".")
	if s == nil && strings.Contains(name, ":") {
		return fail(ErrUnknown) // a URN, but none of ours
	}
	if !ValidName(name) || dotted && !ValidName(sub) {
		return fail(errors.New("not an attribute path: a name, and after a dot a sub-attribute, are expected"))
	}
	ref := rt.lookUp(s, name, short)
	if ref.Attribute == nil {
		return fail(ErrUnknown)
	}
	if !dotted {
		return ref, nil
	}
	if ref.Sub = ref.Attribute.SubAttribute(sub); ref.Sub == nil {
		return fail(ErrUnknown)
	}
	return ref, nil
}

func (rt *ResourceType) lookUp(s *Schema, name string, short bool) Ref {
	switch {
	case s != nil && s != rt.Core:
		return Ref{Extension: s, Attribute: s.Attribute(name)}
	case rt.Core.Attribute(name) != nil:
		return Ref{Attribute: rt.Core.Attribute(name)}
	case find(rt.common, name) != nil:
		return Ref{Attribute: find(rt.common, name)}
	case s != nil || !short:
		return Ref{}
	}
	for _, e := range rt.Extensions {
		if a := e.Schema.Defined(name); a != nil {
			return Ref{Extension: e.Schema, Attribute: a}
		}
	}
	return Ref{}
}

// split cuts the longest known URN off path; without one s is nil. whole says
// that the URN is all there is.
func (rt *ResourceType) split(path string, short bool) (s *Schema, rest string, whole bool) {
	longest := 0
	consider := func(candidate *Schema) {
		n := len(candidate.URN)
		if n <= longest || n > len(path) || !attr.EqualName(path[:n], candidate.URN) {
			return
		}
		if n == len(path) || path[n] == ':' || path[n] == '.' && short {
			s, longest = candidate, n
		}
	}
	consider(rt.Core)
	for _, e := range rt.Extensions {
		consider(e.Schema)
	}
	switch {
	case s == nil:
		return nil, path, false
	case longest == len(path):
		return s, "", true
	default:
		return s, path[longest+1:], false
	}
}

func clip(s string) string {
	if len(s) > 120 {
		return s[:120] + "…"
	}
	return s
}
