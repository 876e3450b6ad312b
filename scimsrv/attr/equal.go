package attr

import (
	"bytes"
	"slices"
)

// Equal reports whether two values say the same. The order of an object's
// members and the case of their names do not matter, the order of a list does;
// numbers are compared by worth, strings byte by byte.
func Equal(a, b Value) bool {
	switch a := a.(type) {
	case *Object:
		b, ok := b.(*Object)
		if !ok || a.Len() != b.Len() {
			return false
		}
		for name, v := range a.Members() {
			w, ok := b.Get(name)
			if !ok || !Equal(v, w) {
				return false
			}
		}
		return true
	case Array:
		b, ok := b.(Array)
		return ok && slices.EqualFunc(a, b, func(v, w Value) bool { return Equal(v, w) })
	case Number:
		b, ok := b.(Number)
		return ok && a.Compare(b) == 0
	case nil:
		return b == nil
	case bool:
		b, ok := b.(bool)
		return ok && a == b
	case string:
		b, ok := b.(string)
		return ok && a == b
	default:
		return false
	}
}

// EqualSets is [Equal] except that lists are compared as sets that may hold the
// same value more than once: RFC 7643 §2.4 gives the values of a multi-valued
// attribute no order.
func EqualSets(a, b Value) bool {
	return bytes.Equal(Canonical(nil, a), Canonical(nil, b))
}

// Canonical appends an encoding of v to dst that is the same for any two values
// for which [EqualSets] is true, and no others: names folded and sorted, lists
// sorted, numbers normalised. It is meant for comparing and digesting, not for
// sending.
func Canonical(dst []byte, v Value) []byte {
	switch v := v.(type) {
	case *Object:
		members := make([]Member, 0, v.Len())
		for name, e := range v.Members() {
			members = append(members, Member{Name: FoldName(name), Value: e})
		}
		slices.SortFunc(members, func(a, b Member) int { return bytes.Compare([]byte(a.Name), []byte(b.Name)) })
		dst = append(dst, '{')
		for i, m := range members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendString(dst, m.Name)
			dst = append(dst, ':')
			dst = Canonical(dst, m.Value)
		}
		return append(dst, '}')
	case Array:
		elements := make([][]byte, len(v))
		for i := range v {
			elements[i] = Canonical(nil, v[i])
		}
		slices.SortFunc(elements, bytes.Compare)
		dst = append(dst, '[')
		for i, e := range elements {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(dst, e...)
		}
		return append(dst, ']')
	case Number:
		if d, ok := v.decimal(); ok {
			return append(dst, d.String()...)
		}
		return appendString(append(dst, '#'), string(v))
	default:
		return Append(dst, v)
	}
}
