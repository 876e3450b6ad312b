package filter

import (
	"encoding/json"
	"unicode/utf8"

	"rollcall/scimsrv/attr"
)

type kind uint8

const (
	end    kind = iota
	word        // a name, an operator, a keyword
	text        // a quoted string
	number      // a JSON number
	open        // (
	shut        // )
	begin       // [
	finish      // ]
)

func (k kind) String() string {
	return [...]string{"the end", "a name", "a string", "a number", `"("`, `")"`, `"["`, `"]"`}[k]
}

// token is a piece of the text. Value is set for strings and numbers.
type token struct {
	kind   kind
	offset int
	src    string
	value  attr.Value
}

type lexer struct {
	src string
	pos int
}

// next returns the next token. Blanks only separate.
func (l *lexer) next() (token, error) {
	for l.pos < len(l.src) && (l.src[l.pos] == ' ' || l.src[l.pos] == '\t' || l.src[l.pos] == '\n' || l.src[l.pos] == '\r') {
		l.pos++
	}
	start := l.pos
	if start == len(l.src) {
		return token{kind: end, offset: start}, nil
	}
	switch c := l.src[start]; {
	case c == '(':
		return l.emit(open, 1), nil
	case c == ')':
		return l.emit(shut, 1), nil
	case c == '[':
		return l.emit(begin, 1), nil
	case c == ']':
		return l.emit(finish, 1), nil
	case c == '"':
		return l.quoted()
	case c == '-' || '0' <= c && c <= '9':
		return l.number()
	case wordByte(c):
		n := 1
		for start+n < len(l.src) && wordByte(l.src[start+n]) {
			n++
		}
		return l.emit(word, n), nil
	default:
		return token{}, refuse(start, "%s cannot stand here; values are JSON, so texts are in double quotes", character(l.src[start:]))
	}
}

func (l *lexer) emit(k kind, n int) token {
	t := token{kind: k, offset: l.pos, src: l.src[l.pos : l.pos+n]}
	l.pos += n
	return t
}

// wordByte reports what names may hold. URNs bring colons, their versions dots,
// $ref its dollar; a dot or colon at the wrong place is refused by the parser.
func wordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '.' || c == ':' || c == '-' || c == '_' || c == '$' || c == '/'
}

// quoted reads a JSON string, escapes and all (RFC 7644 §3.4.2.2: compValue).
func (l *lexer) quoted() (token, error) {
	start, plain := l.pos, true
	for i := start + 1; i < len(l.src); i++ {
		switch c := l.src[i]; {
		case c == '\\':
			plain = false
			i++
		case c < ' ' || c >= utf8.RuneSelf:
			plain = false
		case c == '"':
			t := l.emit(text, i+1-start)
			if plain {
				t.value = t.src[1 : len(t.src)-1]
				return t, nil
			}
			var s string
			if err := json.Unmarshal([]byte(t.src), &s); err != nil {
				return token{}, refuse(start, "the text that begins here is no JSON string: check its backslashes and control characters")
			}
			t.value = s
			return t, nil
		}
	}
	return token{}, refuse(start, "the text that begins here has no closing quote")
}

func (l *lexer) number() (token, error) {
	n := 1
	for l.pos+n < len(l.src) && wordByte(l.src[l.pos+n]) || l.pos+n < len(l.src) && l.src[l.pos+n] == '+' {
		n++
	}
	t := l.emit(number, n)
	v := attr.Number(t.src)
	if !v.Valid() {
		return token{}, refuse(t.offset, "not a JSON number; if it is a text, put it in double quotes")
	}
	t.value = v
	return t, nil
}

// character names the first character of s for an error. It is punctuation or
// a control character, so it is not personal.
func character(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError || r > '~' || r < ' ' {
		return "a character outside printable ASCII"
	}
	return "the character " + s[:n]
}
