package schema

import (
	"encoding/base64"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"rollcall/scimsrv/attr"
)

// Value checks one value for the attribute as a whole, a list if it is
// multi-valued, and returns it as it is to be stored; nil means unassigned. The
// error is of type [Errors], its paths begin with at.
func (l Leniency) Value(a *Attribute, at string, v attr.Value) (attr.Value, error) {
	c := &checker{l: l}
	v = c.value(a, &place{name: at}, v)
	if len(c.errs) > 0 {
		return nil, c.errs
	}
	return v, nil
}

// Element is [Leniency.Value] for one element of a multi-valued attribute.
func (l Leniency) Element(a *Attribute, at string, v attr.Value) (attr.Value, error) {
	c := &checker{l: l}
	v = c.single(a, &place{name: at}, v)
	if len(c.errs) > 0 {
		return nil, c.errs
	}
	return v, nil
}

type checker struct {
	l    Leniency
	errs Errors
}

func (c *checker) refuse(scimType string, at *place, format string, args ...any) {
	c.errs = append(c.errs, errorf(scimType, at.String(), format, args...))
}

func (c *checker) value(a *Attribute, at *place, v attr.Value) attr.Value {
	if v == nil || a.Discarded {
		return nil
	}
	if !a.MultiValued {
		return c.single(a, at, v)
	}
	list, ok := v.(attr.Array)
	if !ok {
		if !c.l.LooseShapes {
			c.refuse(InvalidValue, at, "a list is expected, not %s", attr.Kind(v))
			return nil
		}
		c.l.note(LooseShape)
		list = attr.Array{v}
	}
	return c.list(a, at, list)
}

func (c *checker) list(a *Attribute, at *place, list attr.Array) attr.Value {
	out := make(attr.Array, 0, len(list))
	seen := make(map[string]bool, len(list))
	var key []byte
	for i, v := range list {
		element := &place{parent: at, index: i, isIndex: true}
		if _, nested := v.(attr.Array); nested {
			c.refuse(InvalidValue, element, "%s is expected, not a list", a.expected())
			continue
		}
		if v = c.single(a, element, v); v == nil {
			continue
		}
		// RFC 7643 §2.4: the same value is not given twice.
		key = attr.Canonical(key[:0], v)
		if !seen[string(key)] {
			seen[string(key)] = true
			out = append(out, v)
		}
	}
	if a.SubAttribute("primary") != nil {
		c.onePrimary(at, out)
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// onePrimary enforces RFC 7643 §2.4: primary is true for at most one element.
func (c *checker) onePrimary(at *place, list attr.Array) {
	last := -1
	for i, v := range list {
		o, _ := v.(*attr.Object)
		if p, _ := o.Get("primary"); p != true {
			continue
		}
		if last >= 0 && !c.l.LastPrimaryWins {
			c.refuse(InvalidValue, at, "primary is true for more than one element")
			return
		}
		if last >= 0 {
			c.l.note(PrimaryReset)
			list[last].(*attr.Object).Set("primary", false)
		}
		last = i
	}
}

// single reads one value of the attribute's type.
func (c *checker) single(a *Attribute, at *place, v attr.Value) attr.Value {
	if list, ok := v.(attr.Array); ok && c.l.LooseShapes {
		switch len(list) {
		case 0:
			return nil
		case 1:
			c.l.note(LooseShape)
			v = list[0]
		}
	}
	if v == nil {
		return nil
	}
	if v == "" && c.l.EmptyClears {
		c.l.note(EmptyCleared)
		return nil
	}
	if a.Type == Complex {
		return c.complex(a, at, v)
	}
	if o, ok := v.(*attr.Object); ok && c.l.LooseShapes {
		if inner, ok := o.Get("value"); ok {
			c.l.note(LooseShape)
			return c.single(a, at, inner)
		}
	}
	out, ok := c.scalar(a, v)
	if !ok {
		c.refuse(InvalidValue, at, "%s is expected, not %s", a.expected(), found(v))
		return nil
	}
	if s, ok := out.(string); ok && a.Key && !validKey(s) {
		c.refuse(InvalidValue, at, "at most %d bytes without control characters are expected", MaxKey)
		return nil
	}
	return out
}

func (c *checker) complex(a *Attribute, at *place, v attr.Value) attr.Value {
	in, ok := v.(*attr.Object)
	if !ok {
		if !c.l.LooseShapes || a.SubAttribute("value") == nil || attr.Kind(v) == "array" {
			c.refuse(InvalidValue, at, "an object is expected, not %s", found(v))
			return nil
		}
		c.l.note(LooseShape)
		in = attr.NewObject(attr.Member{Name: "value", Value: v})
	}
	if c.l.LooseShapes && a.SubAttribute("$ref") != nil {
		in = withReferenced(in)
	}
	out := &attr.Object{}
	for _, name := range c.members(out, at, a.Sub, nil, in) {
		c.unknown(&place{parent: at, name: name})
	}
	if out.Len() == 0 || c.l.EmptyClears && hollow(a, in, out) {
		return nil
	}
	return out
}

// withReferenced fills in the value of a reference that came as a URI only.
func withReferenced(in *attr.Object) *attr.Object {
	uri := in.String("$ref")
	if v, _ := in.Get("value"); uri == "" || !attr.IsEmpty(v) && v != "" {
		return in
	}
	id := path.Base(strings.TrimRight(uri, "/"))
	if unescaped, err := url.PathUnescape(id); err == nil {
		id = unescaped
	}
	if id == "" || id == "." || id == "/" {
		return in
	}
	in = in.Clone()
	in.Set("value", id)
	return in
}

// hollow reports whether out says nothing: its value was sent empty, or nothing
// is left but the words that describe a value.
func hollow(a *Attribute, in, out *attr.Object) bool {
	if a.SubAttribute("value") != nil {
		_, sent := in.Get("value")
		if _, kept := out.Get("value"); sent && !kept {
			return true
		}
	}
	if !a.MultiValued {
		return false
	}
	for name := range out.Members() {
		if !attr.EqualName(name, "type") && !attr.EqualName(name, "primary") {
			return false
		}
	}
	return true
}

// scalar converts a value to the simple type of the attribute.
func (c *checker) scalar(a *Attribute, v attr.Value) (attr.Value, bool) {
	switch v := v.(type) {
	case bool:
		switch {
		case a.Type == Boolean:
			return v, true
		case a.Type == String && c.l.NumberStrings:
			c.l.note(NumberString)
			return strconv.FormatBool(v), true
		}
	case attr.Number:
		switch {
		case a.Type == Decimal, a.Type == Integer && v.IsInteger():
			return v, true
		case a.Type == String && c.l.NumberStrings:
			c.l.note(NumberString)
			return string(v), true
		}
	case string:
		return c.fromText(a, v)
	}
	return nil, false
}

func (c *checker) fromText(a *Attribute, s string) (attr.Value, bool) {
	switch a.Type {
	case String:
		return s, true
	case Boolean:
		b, ok := ParseBoolean(s)
		return b, ok && c.tolerated(c.l.BooleanStrings, BooleanString)
	case Decimal, Integer:
		n := attr.Number(strings.TrimSpace(s))
		ok := n.Valid() && (a.Type == Decimal || n.IsInteger())
		return n, ok && c.tolerated(c.l.NumberStrings, NumberString)
	case DateTime:
		_, ok := ParseDateTime(s)
		return s, ok || c.tolerated(c.l.OpaqueText, OpaqueText)
	case Binary:
		return s, validBase64(s) || c.tolerated(c.l.OpaqueText, OpaqueText)
	case Reference:
		_, err := url.Parse(s)
		return s, err == nil || c.tolerated(c.l.OpaqueText, OpaqueText)
	default:
		return nil, false
	}
}

// tolerated takes note of a tolerance that is needed here, if it is granted.
func (c *checker) tolerated(granted bool, tolerance string) bool {
	if granted {
		c.l.note(tolerance)
	}
	return granted
}

// ParseBoolean reads "true", "false", "1" and "0" in any letter case: Entra
// writes "True" and "False" (its mapping of active ends in a string function).
func ParseBoolean(s string) (value, ok bool) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "true", "1":
		return true, true
	case "false", "0":
		return false, true
	default:
		return false, false
	}
}

// ParseDateTime reads an xsd:dateTime (RFC 7643 §2.3.5): with an offset, or
// without one, which is taken for UTC; the fraction may have any length.
func ParseDateTime(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

func validBase64(s string) bool {
	// RFC 7643 §2.3.6 means base64 with the usual alphabet; erratum 5606 lets the
	// one safe for URLs stand beside it.
	for _, e := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if _, err := e.DecodeString(s); err == nil {
			return true
		}
	}
	return false
}

func validKey(s string) bool {
	if len(s) > MaxKey {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) < 0
}

// expected says in words what a single value of the attribute looks like.
func (a *Attribute) expected() string {
	switch a.Type {
	case Boolean:
		return "true or false"
	case Decimal:
		return "a number"
	case Integer:
		return "a whole number"
	case DateTime:
		return "a date and time such as 2026-11-22T10:00:00Z"
	case Binary:
		return "a base64 text"
	case Reference:
		return "a URI"
	case Complex:
		return "an object"
	default:
		return "a string"
	}
}

func found(v attr.Value) string {
	switch k := attr.Kind(v); k {
	case "null":
		return k
	case "array":
		return "a list"
	case "object":
		return "an object"
	case "string":
		return "this string"
	default:
		return "a " + k
	}
}
