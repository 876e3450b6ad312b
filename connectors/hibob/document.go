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

// parser takes employees apart and refuses whatever is not JSON (RFC 8259). It
// reuses its memory: an employee lives until the next is parsed.
type parser struct {
	text []byte
	at   int
	deep bool              // it was nested too deeply
	keys map[string]string // keys seen before, so that they are not made anew
	pool [][]member
	used int
}

func newParser() *parser { return &parser{keys: map[string]string{}} }

const (
	// maxDepth is how deep the objects of an employee may be nested, maxNested how
	// deep what is kept as it is.
	maxDepth  = 32
	maxNested = 1000
	maxKeys   = 4096
)

// parse returns the employee that is in text.
func (p *parser) parse(text []byte) (*employee, error) {
	p.text, p.at, p.used, p.deep = text, 0, 0, false
	p.space()
	isObject := p.peek() == '{'
	var v value
	ok := true
	if isObject {
		v, ok = p.value(1)
	} else {
		ok = p.skip(1)
	}
	if p.space(); ok && p.at != len(p.text) {
		ok = false
	}
	switch {
	case p.deep:
		return nil, undocumented("an employee is nested too deeply")
	case !ok:
		return nil, errNotJSON
	case !isObject:
		return nil, undocumented("an employee is not an object")
	}
	return &employee{v}, nil
}

// peek returns the byte at the cursor, 0 at the end, which is no part of any JSON
// outside of strings.
func (p *parser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *parser) space() {
	for p.at < len(p.text) && isSpace(p.text[p.at]) {
		p.at++
	}
}

// value reads the value at the cursor; ok is false when it is not JSON or too deep.
func (p *parser) value(depth int) (v value, ok bool) {
	start := p.at
	kind := p.peek()
	if kind == '{' {
		return p.object(depth)
	}
	if !p.skip(depth) {
		return v, false
	}
	if kind == '-' || kind >= '0' && kind <= '9' {
		kind = '0'
	}
	return value{kind: kind, raw: p.text[start:p.at]}, true
}

// members calls each for every member of the object at the cursor, with the
// quoted key and the cursor at the value, which it must read.
func (p *parser) members(each func(key []byte) bool) bool {
	p.at++ // {
	if p.space(); p.peek() == '}' {
		p.at++
		return true
	}
	for {
		start := p.at
		if p.peek() != '"' || !p.skipString() {
			return false
		}
		key := p.text[start:p.at]
		if p.space(); p.peek() != ':' {
			return false
		}
		p.at++
		p.space()
		if !each(key) {
			return false
		}
		p.space()
		switch p.peek() {
		case ',':
			p.at++
			p.space()
		case '}':
			p.at++
			return true
		default:
			return false
		}
	}
}

func (p *parser) object(depth int) (value, bool) {
	if depth > maxDepth {
		p.deep = true
		return value{}, false
	}
	slot := p.used
	if p.used++; slot == len(p.pool) {
		p.pool = append(p.pool, make([]member, 0, 16))
	}
	below := p.pool[slot][:0]
	ok := p.members(func(raw []byte) bool {
		if depth == 1 && flat(raw) {
			return p.skip(depth + 1)
		}
		v, ok := p.value(depth + 1)
		if !ok {
			return false
		}
		key := p.key(raw)
		// Of equal keys the last counts, as everywhere in Go.
		if i := slices.IndexFunc(below, func(m member) bool { return m.key == key }); i >= 0 {
			below[i].value = v
		} else {
			below = append(below, member{key, v})
		}
		return true
	})
	p.pool[slot] = below
	return value{kind: '{', below: below}, ok
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

// skip moves the cursor behind the value it is at; false when that is not JSON, or
// nested too deeply.
func (p *parser) skip(depth int) bool {
	switch c := p.peek(); c {
	case '"':
		return p.skipString()
	case '{', '[':
		if depth > maxNested {
			p.deep = true
			return false
		}
		if c == '[' {
			return p.skipArray(depth)
		}
		return p.members(func([]byte) bool { return p.skip(depth + 1) })
	case 't':
		return p.literal("true")
	case 'f':
		return p.literal("false")
	case 'n':
		return p.literal("null")
	}
	return p.number()
}

func (p *parser) skipArray(depth int) bool {
	p.at++ // [
	if p.space(); p.peek() == ']' {
		p.at++
		return true
	}
	for {
		if !p.skip(depth + 1) {
			return false
		}
		p.space()
		switch p.peek() {
		case ',':
			p.at++
			p.space()
		case ']':
			p.at++
			return true
		default:
			return false
		}
	}
}

func (p *parser) literal(word string) bool {
	if !bytes.HasPrefix(p.text[p.at:], []byte(word)) {
		return false
	}
	p.at += len(word)
	return true
}

// number is [-] int [frac] [exp], without leading zeros.
func (p *parser) number() bool {
	if p.peek() == '-' {
		p.at++
	}
	if p.peek() == '0' {
		p.at++
	} else if !p.digits() {
		return false
	}
	if p.peek() == '.' {
		p.at++
		if !p.digits() {
			return false
		}
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		p.at++
		if c := p.peek(); c == '+' || c == '-' {
			p.at++
		}
		return p.digits()
	}
	return true
}

func (p *parser) digits() bool {
	start := p.at
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.at++
	}
	return p.at > start
}

func (p *parser) skipString() bool {
	text := p.text
	for i := p.at + 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			p.at = i + 1
			return true
		case c < ' ':
			return false
		case c == '\\':
			i++
			if i >= len(text) {
				return false
			}
			switch text[i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				if i+4 >= len(text) || !isHex(text[i+1]) || !isHex(text[i+2]) || !isHex(text[i+3]) || !isHex(text[i+4]) {
					return false
				}
				i += 4
			default:
				return false
			}
		}
	}
	return false
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
