package attr

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// Encoded is a value that is JSON already, in the very form in which [Append]
// writes values, so that Append copies it. It stands in answers only: nothing but
// Append and [IsEmpty] looks into it. The zero value is no JSON.
type Encoded struct{ text string }

// AsEncoded takes text for a value that was put together from what [Append] wrote.
func AsEncoded(text []byte) *Encoded { return &Encoded{string(text)} }

// Outline reads an object for an answer that passes the members on as they are:
// their values are *[Encoded]. It takes only what [Append] wrote of something that
// [Decode] reads under [Stored] limits: for any other data it reports false,
// and Decode says what is wrong with them, if anything is. It costs a fraction of
// decoding and encoding again, and leads to the same bytes.
func Outline(data []byte) (*Object, bool) {
	if len(data) == 0 || data[0] != '{' || len(data) > maxOutlined || !utf8.Valid(data) {
		return nil, false
	}
	o := outliner{decoder: decoder{data: data, text: string(data), lim: Stored()}, names: make([]string, 0, expectedMembers)}
	return o.object()
}

// maxOutlined is the length of the longest outlined document in bytes, which is
// shorter than what the other limits of [Stored] but its depth take.
const maxOutlined = 1 << 20

// expectedMembers is how many members an outlined object is made for.
const expectedMembers = 12

// outliner goes over what Append wrote without building anything. What it does
// not know for sure it leaves to the decoder.
type outliner struct {
	decoder
	names []string // of the objects around, for the search for equal ones
	depth int
}

// object reads the outermost object.
func (o *outliner) object() (*Object, bool) {
	out := &Object{members: make([]Member, 0, expectedMembers)}
	values := make([]Encoded, 0, expectedMembers) // one allocation instead of one per value
	ok := o.members(func(name string) bool {
		begin := o.pos
		if !o.skip() {
			return false
		}
		if len(values) == cap(values) {
			values = make([]Encoded, 0, 2*cap(values)) // pointers into the old ones stay good
		}
		values = append(values, Encoded{o.text[begin:o.pos]})
		out.members = append(out.members, Member{Name: name, Value: &values[len(values)-1]})
		return true
	})
	return out, ok && o.pos == len(o.data)
}

// few is up to how many members an object is searched for equal names; a larger
// one is left to the decoder.
const few = 64

// members goes over an object; pos is at its brace. value reads the value of a
// member.
func (o *outliner) members(value func(name string) bool) bool {
	o.pos++
	if o.peek() == '}' {
		o.pos++
		return true
	}
	first := len(o.names)
	for {
		name, ok := o.canonical()
		if !ok || len(o.names)-first == few || o.peek() != ':' {
			return false
		}
		for _, other := range o.names[first:] {
			if EqualName(other, name) {
				return false
			}
		}
		o.names = append(o.names, name)
		o.pos++
		if !value(name) {
			return false
		}
		switch o.peek() {
		case ',':
			o.pos++
		case '}':
			o.pos++
			o.names = o.names[:first]
			return true
		default:
			return false
		}
	}
}

// skip goes over one value.
func (o *outliner) skip() bool {
	switch o.peek() {
	case '{', '[':
		// The outermost object is one level.
		if o.depth++; o.depth >= o.lim.Depth {
			return false
		}
		defer func() { o.depth-- }()
		if o.peek() == '{' {
			return o.members(func(string) bool { return o.skip() })
		}
		return o.elements()
	case '"':
		_, ok := o.canonical()
		return ok
	case 't':
		return o.word("true") == nil
	case 'f':
		return o.word("false") == nil
	case 'n':
		return o.word("null") == nil
	default:
		begin := o.pos
		for o.pos < len(o.data) && strings.IndexByte("+-.0123456789Ee", o.data[o.pos]) >= 0 {
			o.pos++
		}
		return Number(o.text[begin:o.pos]).Valid()
	}
}

func (o *outliner) elements() bool {
	o.pos++
	if o.peek() == ']' {
		o.pos++
		return true
	}
	for {
		if !o.skip() {
			return false
		}
		switch o.peek() {
		case ',':
			o.pos++
		case ']':
			o.pos++
			return true
		default:
			return false
		}
	}
}

// canonical reads a string; pos is at its quote. One with escapes is canonical if
// Append writes it again as it is.
func (o *outliner) canonical() (string, bool) {
	if o.peek() != '"' {
		return "", false
	}
	begin := o.pos
	o.pos++
	s, err := o.str()
	if err != nil {
		return "", false
	}
	if len(s) == o.pos-begin-2 { // without an escape, for those are longer than what they mean
		return s, true
	}
	return s, bytes.Equal(appendString(nil, s), o.data[begin:o.pos])
}

// isEmpty is [IsEmpty] of what is encoded.
func (e *Encoded) isEmpty() bool {
	if !strings.HasPrefix(e.text, "{") && !strings.HasPrefix(e.text, "[") {
		return e.text == "null"
	}
	o, err := Decode([]byte(`{"v":`+e.text+`}`), Stored())
	if err != nil {
		return false // not to be had: what was written can be read
	}
	v, _ := o.Get("v")
	return IsEmpty(v)
}
