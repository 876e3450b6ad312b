package attr

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// str reads the rest of a string; pos is behind the first quote.
func (d *decoder) str() (string, error) {
	begin := d.pos
	for ; d.pos < len(d.data); d.pos++ {
		switch c := d.data[d.pos]; {
		case c == '"':
			s := d.text[begin:d.pos]
			d.pos++
			return s, nil
		case c == '\\':
			return d.escapedStr(begin)
		case c < ' ':
			return "", d.fail("a control character in a string is not escaped")
		}
	}
	return "", d.expected("the end of the string")
}

// escapedStr goes on where str met the first backslash.
func (d *decoder) escapedStr(begin int) (string, error) {
	b := append([]byte(nil), d.data[begin:d.pos]...)
	for d.pos < len(d.data) {
		c := d.data[d.pos]
		switch {
		case c == '"':
			d.pos++
			return string(b), nil
		case c < ' ':
			return "", d.fail("a control character in a string is not escaped")
		case c != '\\':
			b = append(b, c)
			d.pos++
			continue
		}
		r, size := escape(d.data[d.pos:])
		switch {
		case size == 0:
			return "", d.fail("an escape sequence is not valid")
		case utf16.IsSurrogate(r):
			return "", d.fail("an escape names half a surrogate pair")
		}
		b = utf8.AppendRune(b, r)
		d.pos += size
	}
	return "", d.expected("the end of the string")
}

// escape decodes the escape sequence that data begins with, a surrogate pair as
// one, and returns its length; 0 if it is none. Half a pair is returned as it is.
func escape(data []byte) (rune, int) {
	if len(data) < 2 {
		return 0, 0
	}
	const letters, meanings = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	if i := strings.IndexByte(letters, data[1]); i >= 0 {
		return rune(meanings[i]), 2
	}
	r, ok := codeUnit(data)
	if !ok {
		return 0, 0
	}
	if low, ok := codeUnit(data[6:]); ok && utf16.IsSurrogate(r) {
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return r, 6
}

// codeUnit decodes the \uXXXX that data begins with.
func codeUnit(data []byte) (rune, bool) {
	if len(data) < 6 || data[0] != '\\' || data[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range data[2:6] {
		switch c = lower(c); {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}
