package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// AttributeType is the type of a tenant's own attribute as the file spells it:
// the name of a SCIM data type (RFC 7643 §2.3), with "[]" behind it for a list.
type AttributeType string

// attributeTypes are the simple types of RFC 7643 §2.3. Binary is left out: what
// nobody here can read is no fact about a person.
var attributeTypes = []string{"string", "boolean", "integer", "decimal", "dateTime", "reference"}

// listMark stands behind the type of a multi-valued attribute.
const listMark = "[]"

// Allowed says what may be written.
func (AttributeType) Allowed() string {
	return oneOf(attributeTypes) + `, or a list of one as "string[]"`
}

// UnmarshalText checks the type.
func (t *AttributeType) UnmarshalText(text []byte) error {
	if !slices.Contains(attributeTypes, strings.TrimSuffix(string(text), listMark)) {
		return errors.New("no such type")
	}
	*t = AttributeType(text)
	return nil
}

// builtinSchemas are the URNs that the SCIM service defines itself.
var builtinSchemas = []string{
	"urn:ietf:params:scim:schemas:core:2.0:User",
	"urn:ietf:params:scim:schemas:core:2.0:Group",
	"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
	"urn:ietf:params:scim:schemas:extension:javelo:2.0:User",
}

const allowedURN = `a URN such as "urn:example:params:scim:schemas:extension:acme:2.0:User"`

// maxSchemaURN is the length of the longest URN that is taken, in bytes.
const maxSchemaURN = 255

// checkExtensions refuses schemas that no sender could use: paths in filters and
// PATCH operations must tell a URN from the attribute behind it, and SCIM reads
// both without regard to letter case.
func (d *decoder) checkExtensions() {
	urns := sortedKeys(d.config.SCIM.Extensions)
	for i, urn := range urns {
		key := toml.Key{"scim", "extensions", urn}
		if !schemaURN(urn) {
			d.add(key, Problem{Message: "not the URN of a schema", Found: strconv.Quote(urn), Allowed: allowedURN})
			continue
		}
		for _, other := range slices.Concat(builtinSchemas, urns[:i]) {
			if clash := clashOf(urn, other); clash != "" {
				d.add(key, Problem{Message: clash, Hint: "give your schema a URN of its own"})
				break
			}
		}
		d.checkExtension(key, d.config.SCIM.Extensions[urn])
	}
}

func (d *decoder) checkExtension(key toml.Key, attributes map[string]AttributeType) {
	names := sortedKeys(attributes)
	if len(names) == 0 && !d.reported(key) {
		d.add(key, Problem{Message: "empty: a schema without attributes"})
	}
	for i, name := range names {
		at := below(key, name)
		if !attributeName(name) {
			d.add(at, Problem{Message: "not the name of an attribute", Allowed: "a letter, then letters, digits, - and _"})
		}
		if strings.EqualFold(name, "password") {
			d.add(at, Problem{Message: "passwords are accepted and thrown away, never kept", Hint: "leave the line out"})
		}
		for _, other := range names[:i] {
			if strings.EqualFold(name, other) {
				d.add(at, Problem{Message: fmt.Sprintf("the same as %q: SCIM does not tell letter case apart in names", other)})
			}
		}
	}
}

// reported tells whether something below a key was found wrong already.
func (d *decoder) reported(key toml.Key) bool {
	prefix := key.String()
	return slices.ContainsFunc(d.problems.list, func(p Problem) bool { return p.Key == prefix || strings.HasPrefix(p.Key, prefix+".") })
}

// schemaURN reports whether s is a URN (RFC 8141) of characters that stand
// unquoted in a filter.
func schemaURN(s string) bool {
	parts := strings.Split(s, ":")
	if len(parts) < 3 || len(s) > maxSchemaURN || !strings.EqualFold(parts[0], "urn") || len(parts[1]) < 2 {
		return false
	}
	for _, part := range parts[1:] {
		if part == "" || strings.ContainsFunc(part, func(r rune) bool { return !nameRune(r) && r != '.' }) {
			return false
		}
	}
	return true
}

// clashOf says why two schemas cannot stand side by side, empty if they can.
func clashOf(urn, other string) string {
	a, b := strings.ToLower(urn), strings.ToLower(other)
	switch {
	case a == b:
		return "there is a schema of this URN already"
	case strings.HasPrefix(a, b+":"), strings.HasPrefix(b, a+":"):
		return fmt.Sprintf("%q begins like it: a path could not tell the one from an attribute of the other", other)
	}
	return ""
}

// attributeName reports whether s is an attribute name (RFC 7643 §2.1).
func attributeName(s string) bool {
	if s == "" || len(s) > 64 || strings.ContainsFunc(s, func(r rune) bool { return !nameRune(r) }) {
		return false
	}
	return s[0] != '-' && s[0] != '_' && (s[0] < '0' || s[0] > '9')
}

func nameRune(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_'
}
