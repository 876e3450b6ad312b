package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// Problem is one thing that is wrong with a configuration. It never holds a
// secret.
type Problem struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`   // from 1; 0 when it is about no line
	Column int    `json:"column,omitempty"` // in characters, from 1
	Key    string `json:"key,omitempty"`    // "sources.hibob.interval"
	// Message says what is wrong; Found and Allowed, when set, are not in it.
	Message string `json:"message"`
	Found   string `json:"found,omitempty"`   // `"forty minutes"`, "a table"
	Allowed string `json:"allowed,omitempty"` // "a duration such as …"
	Hint    string `json:"hint,omitempty"`    // what to do, a sentence without its full stop

	text   string // the line
	secret bool   // the line must not be shown
}

// String returns the problem as one line: "file:line:column: key: message:
// found …, allowed …; hint".
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	b.WriteString(": ")
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(p.Message)
	if p.Found != "" {
		b.WriteString(": found " + p.Found)
	}
	if p.Allowed != "" {
		b.WriteString(", allowed: " + p.Allowed)
	}
	if p.Hint != "" {
		b.WriteString("; " + p.Hint)
	}
	return b.String()
}

// Problems is everything that is wrong with a configuration, in the order of
// the file. It is the error of [Load], [Parse] and [Config.ResolveSecrets].
type Problems []Problem

// Error returns one line per problem.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].String()
	}
	return strings.Join(lines, "\n")
}

// Detail returns the lines of Error, each followed by the line of the file with
// a caret below the place, except where that line may hold a secret.
func (p Problems) Detail() string {
	var b strings.Builder
	for _, one := range p {
		b.WriteString(one.String())
		b.WriteByte('\n')
		if one.Line == 0 || one.secret || strings.TrimSpace(one.text) == "" || utf8.RuneCountInString(one.text) > 160 {
			continue
		}
		n := fmt.Sprintf("%6d", one.Line)
		fmt.Fprintf(&b, "%s | %s\n%s | %s^\n", n, one.text, strings.Repeat(" ", len(n)), indent(one.text, one.Column))
	}
	return b.String()
}

// indent is as wide as the first column-1 characters of line: tabs stay tabs.
func indent(line string, column int) string {
	var b strings.Builder
	n := 1
	for _, r := range line {
		if n >= column {
			break
		}
		n++
		if r == '\t' {
			b.WriteByte('\t')
			continue
		}
		b.WriteByte(' ')
	}
	return b.String()
}

// problems collects while reading.
type problems struct {
	file  string
	lines source
	list  Problems
}

// add notes a problem with key. It is placed at the key or, when that is not
// written, at the table it is missing from.
func (p *problems) add(key toml.Key, one Problem) {
	at := -1
	if m, exact, ok := p.lines.find(key); ok {
		at = m.key
		if exact && one.Found != "" {
			at = m.value
		}
	}
	p.addAt(key, at, one)
}

// addAt notes a problem at a byte offset; -1 is no place.
func (p *problems) addAt(key toml.Key, offset int, one Problem) {
	one.File = p.file
	one.Key = key.String()
	one.Message = oneLine(one.Message)
	if offset >= 0 {
		one.Line, one.Column = p.lines.position(offset)
		one.text = p.lines.line(one.Line)
		one.secret = one.secret || mayHoldSecret(one.text)
	}
	p.list = append(p.list, one)
}

// oneLine keeps what others say on one line.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// err returns the problems in the order of the file, nil when there is none.
func (p *problems) err() error {
	if len(p.list) == 0 {
		return nil
	}
	slices.SortStableFunc(p.list, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), strings.Compare(a.Key, b.Key))
	})
	return p.list
}

// mayHoldSecret reports whether a line of the file mentions a key whose value
// is a secret, or holds credentials inside a URL.
func mayHoldSecret(line string) bool {
	folded := strings.ToLower(line)
	for _, word := range []string{"secret", "token", "key", "password", "webhook", "@"} {
		if strings.Contains(folded, word) {
			return true
		}
	}
	return strings.HasPrefix(strings.TrimSpace(folded), "url")
}
