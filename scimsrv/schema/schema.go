package schema

import (
	"errors"
	"fmt"
	"strings"

	"rollcall/scimsrv/attr"
)

// URNs of the schemas that this package defines (RFC 7643 §10.3).
const (
	UserURN           = "urn:ietf:params:scim:schemas:core:2.0:User"
	GroupURN          = "urn:ietf:params:scim:schemas:core:2.0:Group"
	EnterpriseUserURN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	JaveloUserURN     = "urn:ietf:params:scim:schemas:extension:javelo:2.0:User"
)

// Type is the data type of an attribute (RFC 7643 §2.3).
type Type string

const (
	String    Type = "string"
	Boolean   Type = "boolean"
	Decimal   Type = "decimal"
	Integer   Type = "integer"
	DateTime  Type = "dateTime"
	Binary    Type = "binary"
	Reference Type = "reference"
	Complex   Type = "complex"
)

// Mutability says who may write an attribute, and when (RFC 7643 §7).
type Mutability string

const (
	ReadWrite Mutability = "readWrite"
	ReadOnly  Mutability = "readOnly"
	Immutable Mutability = "immutable"
	WriteOnly Mutability = "writeOnly"
)

// Returned says when an attribute is part of an answer (RFC 7643 §7).
type Returned string

const (
	ReturnedDefault Returned = "default"
	ReturnedAlways  Returned = "always"
	ReturnedNever   Returned = "never"
	ReturnedRequest Returned = "request"
)

// Uniqueness says among what the values of an attribute are unique (RFC 7643 §7).
type Uniqueness string

const (
	UniqueNone   Uniqueness = "none"
	UniqueServer Uniqueness = "server"
	UniqueGlobal Uniqueness = "global"
)

// MaxKey is the length in bytes of the longest value of an attribute that is
// marked as a key. Indexes have limits, and no name or id comes near this one.
const MaxKey = 1024

// Attribute defines one attribute or sub-attribute. A definition in use must
// not be changed; it is then safe for concurrent use.
type Attribute struct {
	Name            string // in its canonical spelling
	Description     string
	Type            Type
	MultiValued     bool
	Required        bool
	CaseExact       bool
	CanonicalValues []string
	Mutability      Mutability
	Returned        Returned
	Uniqueness      Uniqueness
	ReferenceTypes  []string // for references: resource types, "external" or "uri"
	Sub             []*Attribute

	// Default is what a new resource gets when the attribute is left out.
	Default attr.Value
	// Key marks values that a directory indexes: at most [MaxKey] bytes, without
	// control characters.
	Key bool
	// Discarded values are accepted, checked for nothing and thrown away: the
	// password, which is none of this server's business, and $ref, which the
	// server computes.
	Discarded bool
	// Unpublished attributes are left out of /Schemas. Microsoft's validator
	// sends whatever it finds there and then looks for it in the answer, although
	// a password is never returned (pranems/SCIMServer, sourcegraph 62185).
	Unpublished bool
}

// SubAttribute returns the sub-attribute of that name, in any letter case, or nil.
func (a *Attribute) SubAttribute(name string) *Attribute { return find(a.Sub, name) }

// Fold returns a value of the attribute in the form in which it is compared: as
// it is when the attribute is case-exact, else with the letter case taken out.
func (a *Attribute) Fold(value string) string {
	if a.CaseExact {
		return value
	}
	return Fold(value)
}

// Schema is a named set of attributes: the core of a resource type or an
// extension of one. A schema in use must not be changed.
type Schema struct {
	URN         string
	Name        string
	Description string
	Attributes  []*Attribute
	// Open schemas accept string attributes that they do not define, as Javelo
	// does: its tenants invent their own keys.
	Open bool
}

// Attribute returns the attribute of that name, in any letter case. In an open
// schema every well-formed name is an attribute: a string, as written, except a
// password, which is thrown away like the core schema's. Else nil.
func (s *Schema) Attribute(name string) *Attribute {
	if a := find(s.Attributes, name); a != nil || !s.Open || !ValidName(name) {
		return a
	}
	if attr.EqualName(name, "password") {
		return password()
	}
	return &Attribute{Name: name, Type: String, CaseExact: true,
		Mutability: ReadWrite, Returned: ReturnedDefault, Uniqueness: UniqueNone}
}

// Defined returns the attribute of that name if the schema defines it, else nil.
func (s *Schema) Defined(name string) *Attribute { return find(s.Attributes, name) }

func find(attributes []*Attribute, name string) *Attribute {
	for _, a := range attributes {
		if attr.EqualName(a.Name, name) {
			return a
		}
	}
	return nil
}

// ValidName reports whether name is an attribute name by RFC 7643 §2.1 (a
// letter, then letters, digits, "-", "_", "$") or is "$ref".
func ValidName(name string) bool {
	if attr.EqualName(name, "$ref") {
		return true
	}
	if name == "" || len(name) > 255 {
		return false
	}
	for i := range len(name) {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		case i > 0 && ('0' <= c && c <= '9' || c == '-' || c == '_' || c == '$'):
		default:
			return false
		}
	}
	return true
}

// check verifies a definition that came from a configuration.
func (s *Schema) check() error {
	if !strings.HasPrefix(attr.FoldName(s.URN), "urn:") || strings.ContainsAny(s.URN, " \t\"[]()") || strings.HasSuffix(s.URN, ":") {
		return fmt.Errorf("schema %q: the id must be a URN such as urn:example:params:scim:schemas:extension:acme:2.0:User", s.URN)
	}
	var errs []error
	for i, a := range s.Attributes {
		if attr.EqualName(a.Name, "password") {
			errs = append(errs, fmt.Errorf("schema %s: attribute %q: passwords are not kept; the core schema has one that is thrown away", s.URN, a.Name))
		}
		if find(s.Attributes[:i], a.Name) != nil {
			errs = append(errs, fmt.Errorf("schema %s: attribute %q is defined twice", s.URN, a.Name))
		}
		if err := a.check(false); err != nil {
			errs = append(errs, fmt.Errorf("schema %s: %w", s.URN, err))
		}
	}
	return errors.Join(errs...)
}

func (a *Attribute) check(isSub bool) error {
	if !ValidName(a.Name) {
		return fmt.Errorf("attribute %q: a name is a letter followed by letters, digits, - or _", a.Name)
	}
	switch a.Type {
	case String, Boolean, Decimal, Integer, DateTime, Binary, Reference:
		if len(a.Sub) > 0 {
			return fmt.Errorf("attribute %q: only a complex attribute has sub-attributes", a.Name)
		}
	case Complex:
		if isSub {
			return fmt.Errorf("attribute %q: a sub-attribute cannot be complex (RFC 7643 §2.3.8)", a.Name)
		}
		if len(a.Sub) == 0 {
			return fmt.Errorf("attribute %q: a complex attribute needs sub-attributes", a.Name)
		}
	default:
		return fmt.Errorf("attribute %q: unknown type %q", a.Name, a.Type)
	}
	if !oneOf(a.Mutability, ReadWrite, ReadOnly, Immutable, WriteOnly) {
		return fmt.Errorf("attribute %q: unknown mutability %q", a.Name, a.Mutability)
	}
	if !oneOf(a.Returned, ReturnedDefault, ReturnedAlways, ReturnedNever, ReturnedRequest) {
		return fmt.Errorf("attribute %q: unknown value %q for returned", a.Name, a.Returned)
	}
	if !oneOf(a.Uniqueness, UniqueNone, UniqueServer, UniqueGlobal) {
		return fmt.Errorf("attribute %q: unknown uniqueness %q", a.Name, a.Uniqueness)
	}
	for i, sub := range a.Sub {
		if find(a.Sub[:i], sub.Name) != nil {
			return fmt.Errorf("attribute %q: sub-attribute %q is defined twice", a.Name, sub.Name)
		}
		if err := sub.check(true); err != nil {
			return fmt.Errorf("attribute %q: %w", a.Name, err)
		}
	}
	return nil
}

func oneOf[T comparable](v T, allowed ...T) bool {
	for _, a := range allowed {
		if v == a {
			return true
		}
	}
	return false
}
