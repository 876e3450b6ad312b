package hibob

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// employee is one person of an answer: the nested form, without the flat keys
// that say the same again.
type employee struct{ top value }

// value is a JSON value over the bytes of the answer.
type value struct {
	kind  byte   // first byte of its text, '0' for numbers; 0: none
	raw   []byte // its text, empty for objects
	below []member
}

type member struct {
	key   string
	value value
}

// get follows a path; ok is false when a key is missing on the way, which is how
// HiBob says that it does not tell. A null in the place of a whole category tells
// nothing about its fields either.
func (e *employee) get(path ...string) (v value, ok bool) { return e.top.get(path) }

func (v value) get(path []string) (value, bool) {
	for _, key := range path {
		i := slices.IndexFunc(v.below, func(m member) bool { return m.key == key })
		if i < 0 {
			return value{}, false
		}
		v = v.below[i].value
	}
	return v, true
}

// text returns a scalar as text: numbers as they are written, so that no digit
// is lost. ok is false for null, objects and arrays.
func (v value) text() (s string, ok bool) {
	switch v.kind {
	case '"':
		return unquote(v.raw), true
	case '0', 't', 'f':
		return string(v.raw), true
	}
	return "", false
}

// native returns the id, which is there whether it was asked for or not.
func (e *employee) native() (string, error) {
	v, _ := e.get("id")
	if id, ok := v.text(); ok && id != "" && (v.kind == '"' || v.kind == '0') {
		return id, nil
	}
	return "", undocumented("an employee has no id")
}

// document writes the nested form with sorted keys and without what changes by
// itself.
func (e *employee) document() json.RawMessage { return write(nil, e.top) }

// volatile reports whether a key holds something that changes although nothing
// happened: signed addresses of pictures, and what is computed from today's date.
func volatile(key string) bool {
	return key == "avatarUrl" || key == "coverImageUrl" || key == "age" || strings.HasPrefix(key, "tenure")
}

func write(to []byte, v value) []byte {
	switch v.kind {
	case '{':
		// Sorting positions instead of members spares moving pointers about, which
		// showed in profiles of large companies.
		var room [48]int32
		order := room[:0]
		for i := range v.below {
			order = append(order, int32(i))
		}
		slices.SortFunc(order, func(a, b int32) int { return strings.Compare(v.below[a].key, v.below[b].key) })
		to = append(to, '{')
		first := true
		for _, i := range order {
			m := &v.below[i]
			if volatile(m.key) {
				continue
			}
			if !first {
				to = append(to, ',')
			}
			first = false
			to = append(quote(to, m.key), ':')
			to = write(to, m.value)
		}
		return append(to, '}')
	case '[':
		return append(to, canonical(v.raw)...)
	case '"':
		if plain(v.raw) {
			return append(to, v.raw...)
		}
		return quote(to, unquote(v.raw))
	}
	return append(to, v.raw...)
}

// canonical rewrites an array, which may hold objects, with sorted keys.
func canonical(raw []byte) []byte {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return []byte("null")
	}
	return encode(v)
}

// plain reports whether a JSON string is its own value between quotes.
func plain(raw []byte) bool { return bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw) }

func unquote(raw []byte) string {
	if plain(raw) {
		return string(raw[1 : len(raw)-1])
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

func quote(to []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return append(to, encode(s)...)
		}
	}
	to = append(to, '"')
	to = append(to, s...)
	return append(to, '"')
}

func encode(v any) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil {
		return []byte("null")
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}

// parser reads employees out of JSON that a decoder has found valid. It reuses
// its memory: an employee lives until the next is parsed.
type parser struct {
	text []byte
	at   int
	keys map[string]string // keys seen before, so that they are not made anew
	pool [][]member
	used int
}

func newParser() *parser { return &parser{keys: map[string]string{}} }

const (
	maxDepth = 32
	maxKeys  = 4096
)

// parse returns the employee that is in text, which must be valid JSON.
func (p *parser) parse(text []byte) (*employee, error) {
	p.text, p.at, p.used = text, 0, 0
	p.space()
	if p.text[p.at] != '{' {
		return nil, undocumented("an employee is not an object")
	}
	v, ok := p.value(1)
	if !ok {
		return nil, undocumented("an employee is nested too deeply")
	}
	return &employee{v}, nil
}

func (p *parser) space() {
	for p.at < len(p.text) && p.text[p.at] <= ' ' {
		p.at++
	}
}

// value reads the value at the cursor; ok is false when it is too deep.
func (p *parser) value(depth int) (v value, ok bool) {
	start := p.at
	switch c := p.text[start]; c {
	case '{':
		if depth > maxDepth {
			return v, false
		}
		return p.object(depth)
	case '[':
		p.skip()
		return value{kind: '[', raw: p.text[start:p.at]}, true
	case '"', 't', 'f', 'n':
		p.skip()
		return value{kind: c, raw: p.text[start:p.at]}, true
	default:
		p.skip()
		return value{kind: '0', raw: p.text[start:p.at]}, true
	}
}

func (p *parser) object(depth int) (value, bool) {
	slot := p.used
	if p.used++; slot == len(p.pool) {
		p.pool = append(p.pool, make([]member, 0, 16))
	}
	below := p.pool[slot][:0]
	p.at++ // {
	for p.space(); p.text[p.at] != '}'; p.space() {
		if p.text[p.at] == ',' {
			p.at++
			p.space()
		}
		start := p.at
		p.skip()
		raw := p.text[start:p.at]
		p.space()
		p.at++ // :
		p.space()
		if depth == 1 && flat(raw) {
			p.skip()
			continue
		}
		v, ok := p.value(depth + 1)
		if !ok {
			return value{}, false
		}
		key := p.key(raw)
		// Of equal keys the last counts, as everywhere in Go.
		if i := slices.IndexFunc(below, func(m member) bool { return m.key == key }); i >= 0 {
			below[i].value = v
		} else {
			below = append(below, member{key, v})
		}
	}
	p.at++ // }
	p.pool[slot] = below
	return value{kind: '{', below: below}, true
}

// flat reports whether a quoted key is one of the flat form, which begin with a
// slash, escaped or not.
func flat(raw []byte) bool {
	return raw[1] == '/' || raw[1] == '\\' && raw[2] == '/'
}

func (p *parser) key(raw []byte) string {
	if known, ok := p.keys[string(raw)]; ok {
		return known
	}
	key := unquote(raw)
	if len(p.keys) < maxKeys {
		p.keys[string(raw)] = key
	}
	return key
}

// skip moves the cursor behind the value it is at.
func (p *parser) skip() {
	switch p.text[p.at] {
	case '"':
		p.skipString()
	case '{', '[':
		for depth := 0; ; {
			switch p.text[p.at] {
			case '"':
				p.skipString()
				continue
			case '{', '[':
				depth++
			case '}', ']':
				depth--
			}
			p.at++
			if depth == 0 {
				return
			}
		}
	default:
		for p.at < len(p.text) && p.text[p.at] > ' ' && p.text[p.at] != ',' && p.text[p.at] != '}' && p.text[p.at] != ']' {
			p.at++
		}
	}
}

func (p *parser) skipString() {
	for p.at++; p.text[p.at] != '"'; p.at++ {
		if p.text[p.at] == '\\' {
			p.at++
		}
	}
	p.at++
}
