// Package attr is the value tree that SCIM resources are made of: objects that
// keep their members in order and find them without regard to letter case, as
// RFC 7643 §2.1 demands of attribute names.
//
// It decodes JSON by itself, token by token, because the usual decoding folds
// nothing, lets the last of two equal names win and squeezes numbers through
// floats. Here two members whose names differ by case only are an error, numbers stay
// as written, and depth and size have limits. It knows nothing of schemas.
//
// Invariants: an object never holds two members of the same folded name; a
// decoded tree holds valid UTF-8 only and shares no memory with its input;
// encoding a decoded tree and decoding it again gives an equal tree.
package attr

import (
	"iter"
	"slices"
)

// Value is one of: nil (JSON null), bool, string, [Number], [Array], *[Object]; in
// what is about to be written also *[Encoded].
type Value any

// Array is an ordered list of values.
type Array []Value

// Object is an ordered set of members with case-insensitive names. The zero
// value is an empty object, and so is a nil *Object as far as reading goes. It
// is not safe for concurrent mutation.
type Object struct {
	members []Member
}

// Member is one name and its value. The name keeps the case it was written in.
type Member struct {
	Name  string
	Value Value
}

// NewObject returns an object with the given members in that order. A later
// member of the same name replaces the value of the earlier one.
func NewObject(members ...Member) *Object {
	o := &Object{members: make([]Member, 0, len(members))}
	for _, m := range members {
		o.Set(m.Name, m.Value)
	}
	return o
}

// Strings returns a list of the given strings.
func Strings(s ...string) Array {
	a := make(Array, len(s))
	for i := range s {
		a[i] = s[i]
	}
	return a
}

// Len returns the number of members.
func (o *Object) Len() int {
	if o == nil {
		return 0
	}
	return len(o.members)
}

func (o *Object) index(name string) int {
	if o == nil {
		return -1
	}
	return slices.IndexFunc(o.members, func(m Member) bool { return EqualName(m.Name, name) })
}

// Get returns the value of the named member. Null is a value: it comes with
// true, and only a missing member comes with false.
func (o *Object) Get(name string) (Value, bool) {
	i := o.index(name)
	if i < 0 {
		return nil, false
	}
	return o.members[i].Value, true
}

// String returns the named member if it is a string, else "".
func (o *Object) String(name string) string {
	v, _ := o.Get(name)
	s, _ := v.(string)
	return s
}

// Set gives the named member a value. A member that exists keeps its place and
// the spelling it was first written in; a new one goes to the end.
func (o *Object) Set(name string, v Value) {
	if i := o.index(name); i >= 0 {
		o.members[i].Value = v
		return
	}
	o.members = append(o.members, Member{Name: name, Value: v})
}

// Grow makes room for n more members.
func (o *Object) Grow(n int) { o.members = slices.Grow(o.members, n) }

// Delete removes the named member and reports whether there was one.
func (o *Object) Delete(name string) bool {
	i := o.index(name)
	if i < 0 {
		return false
	}
	o.members = slices.Delete(o.members, i, i+1)
	return true
}

// Members yields names, as first written, and values in order. The object must
// not be changed by anything but Set of existing names while it runs.
func (o *Object) Members() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		if o == nil {
			return
		}
		for _, m := range o.members {
			if !yield(m.Name, m.Value) {
				return
			}
		}
	}
}

// Clone returns a deep copy.
func (o *Object) Clone() *Object {
	if o == nil {
		return nil
	}
	c := &Object{members: slices.Clone(o.members)}
	for i := range c.members {
		c.members[i].Value = Clone(c.members[i].Value)
	}
	return c
}

// Clone returns a deep copy of v.
func Clone(v Value) Value {
	switch v := v.(type) {
	case *Object:
		return v.Clone()
	case Array:
		c := make(Array, len(v))
		for i := range v {
			c[i] = Clone(v[i])
		}
		return c
	default:
		return v
	}
}

// EqualName reports whether two attribute names are the same: RFC 7643 §2.1
// makes them ASCII and case-insensitive. Letters beyond ASCII are compared as
// they are, so that no look-alike such as U+017F ever spells a known name.
func EqualName(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

// FoldName returns the form of a name under which [EqualName] is plain equality.
func FoldName(name string) string {
	for i := range len(name) {
		if lower(name[i]) == name[i] {
			continue
		}
		b := []byte(name)
		for ; i < len(b); i++ {
			b[i] = lower(b[i])
		}
		return string(b)
	}
	return name
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// Kind names the JSON type of a value for an error text: "null", "boolean",
// "string", "number", "array" or "object".
func Kind(v Value) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case Number:
		return "number"
	case Array:
		return "array"
	case *Object:
		return "object"
	default:
		return "unknown"
	}
}

// IsEmpty reports whether v is null, an empty list or an object without a
// non-empty member: the states that RFC 7643 §2.5 calls unassigned. The empty
// string is a value and not empty.
func IsEmpty(v Value) bool {
	switch v := v.(type) {
	case nil:
		return true
	case Array:
		return !slices.ContainsFunc(v, func(e Value) bool { return !IsEmpty(e) })
	case *Object:
		for _, e := range v.Members() {
			if !IsEmpty(e) {
				return false
			}
		}
		return true
	case *Encoded:
		return v.isEmpty()
	default:
		return false
	}
}
