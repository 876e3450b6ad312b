// Package attr is the value tree that SCIM resources are made of: objects that
// keep their members in order and find them without regard to letter case, as
// RFC 7643 §2.1 demands of attribute names.
//
// It decodes JSON token by token, because the usual decoding folds nothing,
// lets the last of two equal names win and squeezes numbers through floats.
// Here two members whose names differ by case only are an error, numbers stay
// as written, and depth and size have limits. It knows nothing of schemas.
package attr

// Value is one of: nil (JSON null), bool, string, [Number], [Array], *[Object].
type Value any

// Number is a JSON number as it was written.
type Number string

// Array is an ordered list of values.
type Array []Value

// Object is an ordered set of members with case-insensitive names. The zero
// value is an empty object. It is not safe for concurrent mutation.
type Object struct {
	members []Member
}

// Member is one name and its value. The name keeps the case it was written in.
type Member struct {
	Name  string
	Value Value
}
