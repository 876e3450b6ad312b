package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// printer is the one way to the terminal. Whatever it prints is stripped of
// control characters first; only the printer itself writes escape sequences.
// The first error of the writer is kept and ends the printing.
type printer struct {
	w     io.Writer
	width int // 0 does not limit
	color bool
	err   error
}

// styled is text with an emphasis that a terminal without colour leaves out.
type styled struct {
	sgr  string // parameters of "select graphic rendition"
	text string
}

func bold(s string) styled  { return styled{"1", s} }
func faint(s string) styled { return styled{"2", s} }
func good(s string) styled  { return styled{"32", s} }
func bad(s string) styled   { return styled{"1;31", s} }
func warn(s string) styled  { return styled{"33", s} }

// line prints strings and styled texts one after the other, and a line end.
func (p *printer) line(spans ...any) {
	var b strings.Builder
	for _, s := range spans {
		b.WriteString(p.render(s))
	}
	p.write(strings.TrimRight(b.String(), " ") + "\n")
}

// linef is line with a format.
func (p *printer) linef(format string, args ...any) { p.line(fmt.Sprintf(format, args...)) }

// paragraph prints text that has line ends of its own.
func (p *printer) paragraph(text string) {
	for l := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		p.line(l)
	}
}

// verbatim prints text that is part of the program, such as a guide.
func (p *printer) verbatim(text string) {
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	p.write(text)
}

// prompt prints text and leaves the cursor behind it.
func (p *printer) prompt(text string) { p.write(clean(text)) }

// transient shows text in place of what it showed before, on a terminal only;
// an empty text takes it away.
func (p *printer) transient(text string) {
	text = clean(text)
	if p.width > 1 {
		text = ansi.Truncate(text, p.width-1, "…")
	}
	p.write("\r\x1b[K" + text)
}

// wrapped prints text broken at spaces to the terminal's width, behind lead; the
// lines after the first are as far in.
func (p *printer) wrapped(lead, text string) {
	lead, text = clean(lead), clean(text)
	in := ansi.StringWidth(lead)
	if p.width > in+20 {
		text = ansi.Wordwrap(text, p.width-in, "")
	}
	for l := range strings.SplitSeq(text, "\n") {
		p.line(lead, l)
		lead = strings.Repeat(" ", in)
	}
}

// json prints v. Besides what JSON demands, control characters above ASCII are
// escaped, because terminals act on some of them too.
func (p *printer) json(v any, indent bool) error {
	raw, err := encodeJSON(v, indent)
	if err != nil {
		return err
	}
	p.write(raw)
	return p.err
}

func encodeJSON(v any, indent bool) (string, error) {
	var raw bytes.Buffer
	e := json.NewEncoder(&raw)
	e.SetEscapeHTML(false)
	if indent {
		e.SetIndent("", "  ")
	}
	if err := e.Encode(v); err != nil {
		return "", fmt.Errorf("print as JSON: %w", err)
	}
	var b strings.Builder
	for _, r := range raw.String() {
		switch {
		case r > unicode.MaxASCII && r <= 0xffff && hostile(r), r == 0x7f:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String(), nil
}

func (p *printer) render(span any) string {
	switch s := span.(type) {
	case string:
		return clean(s)
	case styled:
		if p.color && s.text != "" {
			return "\x1b[" + s.sgr + "m" + clean(s.text) + "\x1b[0m"
		}
		return clean(s.text)
	}
	return clean(fmt.Sprint(span))
}

func (p *printer) write(s string) {
	if p.err == nil {
		if _, err := io.WriteString(p.w, s); err != nil {
			p.err = fmt.Errorf("output: %w: make room, or send it elsewhere", err)
		}
	}
}

// clean returns s as one line without characters that a terminal acts upon.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\u2028' || r == '\u2029':
			return ' '
		case hostile(r):
			return -1
		}
		return r
	}, s)
}

// hostile reports whether r moves the cursor, starts an escape sequence, or
// makes text read other than it is stored. Joiners stay: names need them.
func hostile(r rune) bool {
	switch {
	case unicode.IsControl(r): // C0, DEL and C1, among them the eight-bit CSI
		return true
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f, r == 0x061c: // direction
		return true
	case r == 0x2028, r == 0x2029, r == 0xfeff:
		return true
	case r >= 0xe0000 && r <= 0xe007f: // invisible tags
		return true
	}
	return false
}
