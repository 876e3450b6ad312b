package attr

import (
	"strconv"
	"unicode/utf8"
)

// MarshalJSON encodes the object with its members in order and their names as
// first written. It never fails.
func (o *Object) MarshalJSON() ([]byte, error) { return Append(nil, o), nil }

// UnmarshalJSON decodes under [Stored] limits and replaces what o held.
func (o *Object) UnmarshalJSON(data []byte) error {
	d, err := Decode(data, Stored())
	if err != nil {
		return err
	}
	*o = *d
	return nil
}

// Append appends the JSON encoding of v to dst. Characters are escaped only
// where RFC 8259 §7 demands it; what is no valid UTF-8 becomes U+FFFD, and what
// is no [Value] becomes null, so the output is JSON whatever comes in.
func Append(dst []byte, v Value) []byte {
	switch v := v.(type) {
	case *Object:
		if v == nil {
			return append(dst, "null"...)
		}
		dst = append(dst, '{')
		for i, m := range v.members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendString(dst, m.Name)
			dst = append(dst, ':')
			dst = Append(dst, m.Value)
		}
		return append(dst, '}')
	case Array:
		dst = append(dst, '[')
		for i := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = Append(dst, v[i])
		}
		return append(dst, ']')
	case string:
		return appendString(dst, v)
	case Number:
		if !v.Valid() {
			return append(dst, "null"...)
		}
		return append(dst, v...)
	case bool:
		return strconv.AppendBool(dst, v)
	case *Encoded:
		return append(dst, v.text...)
	default:
		return append(dst, "null"...)
	}
}

const hex = "0123456789abcdef"

func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(dst, s[start:i]...)
				dst = append(dst, "\ufffd"...)
				start = i + size
			}
			i += size
			continue
		}
		dst = append(dst, s[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}
