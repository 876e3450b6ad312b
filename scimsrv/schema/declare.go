package schema

import (
	"maps"
	"slices"
	"strings"
)

// Declare returns the catalog of [New] with extensions of users that are written
// down as text, as a configuration does: schema URN → attribute name → type. A
// type is the name of a simple one, such as "dateTime", with "[]" behind it for a
// list. The attributes are readWrite, not required, compared without regard to
// letter case unless they are references, and returned by default. Schemas and
// attributes are published in the order of their names.
func Declare[T ~string](extensions map[string]map[string]T) (*Catalog, error) {
	var declared []Extension
	for _, urn := range slices.Sorted(maps.Keys(extensions)) {
		s := &Schema{URN: urn, Name: shortName(urn), Description: "Attributes of this tenant"}
		for _, name := range slices.Sorted(maps.Keys(extensions[urn])) {
			s.Attributes = append(s.Attributes, declaredAttribute(name, string(extensions[urn][name])))
		}
		declared = append(declared, Extension{Schema: s})
	}
	return New(declared...)
}

func declaredAttribute(name, spelled string) *Attribute {
	element, isList := strings.CutSuffix(spelled, "[]")
	a := text(name, "An attribute of this tenant.").as(Type(element))
	a.MultiValued = isList
	switch a.Type {
	case Reference:
		a.reference("external") // any address; the server follows none
	case Binary:
		a.exact()
	}
	return a
}

// shortName is the last part of a URN that says something: "acme" for
// urn:example:params:scim:schemas:extension:acme:2.0:User.
func shortName(urn string) string {
	parts := strings.Split(urn, ":")
	for i, p := range parts {
		if strings.EqualFold(p, "extension") && i+1 < len(parts) {
			return parts[i+1]
		}
	}
	return urn
}
