package config

import (
	"strings"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// The toml package tells where a value that it could not decode stands, but not
// where an unknown key does, nor one whose value is wrong only beside another.
// So the text is walked once more, after the toml package has accepted it; the
// fuzz test holds the two to the same list of keys in the same order.

// mark is where one key stands. Offsets count bytes.
type mark struct {
	path  toml.Key
	key   int // where the key begins
	value int // where its value begins; for a table header, where the key begins
}

// maxDepth is how deep values may nest before the locator stops looking.
const maxDepth = 100

// locate returns the keys of text in the order in which they are written. On
// text that is not TOML it returns those it could make out.
func locate(text string) []mark {
	s := &scanner{text: text}
	s.file()
	return s.marks
}

type scanner struct {
	text  string
	at    int
	marks []mark
}

func (s *scanner) file() {
	s.eat("\xef\xbb\xbf")
	var table toml.Key
	for {
		s.blank()
		if s.at >= len(s.text) {
			return
		}
		if s.eat("[") {
			s.eat("[")
			s.space()
			start := s.at
			path, ok := s.key()
			if !ok {
				return
			}
			table = path
			s.marks = append(s.marks, mark{path: path, key: start, value: start})
			if !s.eat("]") {
				return
			}
			s.eat("]")
			continue
		}
		if !s.pair(table, 0) {
			return
		}
	}
}

// pair reads "key = value" below path.
func (s *scanner) pair(path toml.Key, depth int) bool {
	start := s.at
	key, ok := s.key()
	if !ok || !s.eat("=") {
		return false
	}
	s.space()
	full := make(toml.Key, 0, len(path)+len(key))
	full = append(append(full, path...), key...)
	s.marks = append(s.marks, mark{path: full, key: start, value: s.at})
	return s.value(full, depth)
}

// key reads a dotted key and the space after it.
func (s *scanner) key() (toml.Key, bool) {
	var path toml.Key
	for {
		part, ok := s.keyPart()
		if !ok {
			return nil, false
		}
		path = append(path, part)
		s.space()
		if !s.eat(".") {
			return path, true
		}
		s.space()
	}
}

func (s *scanner) keyPart() (string, bool) {
	switch {
	case strings.HasPrefix(s.text[s.at:], `"`), strings.HasPrefix(s.text[s.at:], `'`):
		start := s.at
		if !s.text1() {
			return "", false
		}
		// The toml package unquotes the way it does everywhere else.
		var v struct{ K string }
		if _, err := toml.Decode("K = "+s.text[start:s.at], &v); err != nil {
			return "", false
		}
		return v.K, true
	}
	start := s.at
	for s.at < len(s.text) && bare(s.text[s.at]) {
		s.at++
	}
	return s.text[start:s.at], s.at > start
}

func bare(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

// value reads one value; keys of inline tables in it are marked below path.
func (s *scanner) value(path toml.Key, depth int) bool {
	if depth > maxDepth || s.at >= len(s.text) {
		return false
	}
	rest := s.text[s.at:]
	switch {
	case strings.HasPrefix(rest, `"""`):
		return s.text3(`"""`, true)
	case strings.HasPrefix(rest, `'''`):
		return s.text3(`'''`, false)
	case rest[0] == '"', rest[0] == '\'':
		return s.text1()
	case s.eat("["):
		for {
			s.blankOrComma()
			if s.eat("]") {
				return true
			}
			if !s.value(path, depth+1) {
				return false
			}
		}
	case s.eat("{"):
		for {
			s.blankOrComma()
			if s.eat("}") {
				return true
			}
			if !s.pair(path, depth+1) {
				return false
			}
		}
	}
	// Numbers, booleans and dates, which may hold a space.
	n := strings.IndexAny(rest, ",]}#\r\n")
	if n < 0 {
		n = len(rest)
	}
	s.at += n
	return n > 0
}

// text1 reads a text that ends on its line.
func (s *scanner) text1() bool {
	mark := s.text[s.at]
	for i := s.at + 1; i < len(s.text) && s.text[i] != '\n'; i++ {
		switch {
		case s.text[i] == mark:
			s.at = i + 1
			return true
		case s.text[i] == '\\' && mark == '"':
			i++
		}
	}
	return false
}

// text3 reads a text between triple marks, which may end in two more of them.
func (s *scanner) text3(mark string, escapes bool) bool {
	for i := s.at + 3; i < len(s.text); i++ {
		switch {
		case s.text[i] == '\\' && escapes:
			i++
		case strings.HasPrefix(s.text[i:], mark):
			i += 3
			for n := 0; n < 2 && i < len(s.text) && s.text[i] == mark[0]; n++ {
				i++
			}
			s.at = i
			return true
		}
	}
	return false
}

func (s *scanner) eat(prefix string) bool {
	if !strings.HasPrefix(s.text[s.at:], prefix) {
		return false
	}
	s.at += len(prefix)
	return true
}

func (s *scanner) space()        { s.skip(" \t") }
func (s *scanner) blank()        { s.skip(" \t\r\n") }
func (s *scanner) blankOrComma() { s.skip(" \t\r\n,") }

// skip skips the given characters, and comments where lines may end.
func (s *scanner) skip(set string) {
	for s.at < len(s.text) {
		c := s.text[s.at]
		switch {
		case strings.IndexByte(set, c) >= 0:
			s.at++
		case c == '#' && strings.Contains(set, "\n"):
			n := strings.IndexByte(s.text[s.at:], '\n')
			if n < 0 {
				n = len(s.text) - s.at
			}
			s.at += n
		default:
			return
		}
	}
}

// source is the text of a configuration file with its keys located.
type source struct {
	text  string
	marks map[string]mark // by path; the first of equal ones
}

func locateKeys(text string) source {
	src := source{text: text, marks: map[string]mark{}}
	for _, m := range locate(text) {
		name := m.path.String()
		if _, ok := src.marks[name]; !ok {
			src.marks[name] = m
		}
	}
	return src
}

// find returns where key stands or, if it is not written, the nearest table
// around it that is. ok is false when there is none.
func (s source) find(key toml.Key) (m mark, exact, ok bool) {
	for n := len(key); n > 0; n-- {
		if m, ok := s.marks[key[:n].String()]; ok {
			return m, n == len(key), true
		}
	}
	return mark{}, false, false
}

// position returns line and column of a byte offset, both from 1. Columns count
// characters.
func (s source) position(offset int) (line, column int) {
	before := s.text[:min(max(offset, 0), len(s.text))]
	line = 1 + strings.Count(before, "\n")
	before = before[strings.LastIndexByte(before, '\n')+1:]
	before = strings.TrimPrefix(before, "\xef\xbb\xbf")
	return line, 1 + utf8.RuneCountInString(before)
}

// line returns the text of a line, counted from 1.
func (s source) line(n int) string {
	text := s.text
	for ; n > 1; n-- {
		_, after, ok := strings.Cut(text, "\n")
		if !ok {
			return ""
		}
		text = after
	}
	text, _, _ = strings.Cut(text, "\n")
	return strings.TrimSuffix(strings.TrimPrefix(text, "\xef\xbb\xbf"), "\r")
}
