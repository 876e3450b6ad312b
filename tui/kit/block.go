package kit

import "strconv"

// Role says what a piece of text is for. A [Theme] decides how it looks.
type Role uint8

const (
	Plain  Role = iota
	Faint       // labels, hints, what matters least
	Strong      // titles, names
	Good        // all is well; always beside a sign or a word
	Warn        // needs a look
	Bad         // does not work
	Accent      // keys, links, the chosen tab
	Differ      // a value that differs from the one beside it
	roles       // how many there are
)

// Span is a piece of text in one role. The text is cleaned when it is drawn.
type Span struct {
	Text string
	Role Role
}

// Line is one line of the screen.
type Line struct {
	Spans []Span
	// Selected marks the line the cursor is on; the background runs to the end.
	Selected bool
}

// Block is some lines, first on top.
type Block []Line

// Text makes a span.
func Text(role Role, text string) Span { return Span{Text: text, Role: role} }

// L makes a line of spans.
func L(spans ...Span) Line { return Line{Spans: spans} }

// P makes a line of plain text.
func P(text string) Line { return L(Text(Plain, text)) }

// Paragraph wraps text to w columns and gives every line the same role.
func Paragraph(role Role, text string, w int) Block {
	var block Block
	for _, line := range Wrap(text, w) {
		block = append(block, L(Text(role, line)))
	}
	return block
}

// Indent puts n spaces before every line.
func (b Block) Indent(n int) Block {
	out := make(Block, len(b))
	for i, line := range b {
		out[i] = Line{Spans: append([]Span{{Text: spaces(n)}}, line.Spans...), Selected: line.Selected}
	}
	return out
}

// Take returns exactly h lines: the first h of b, blank ones if there are fewer.
func (b Block) Take(h int) Block {
	out := make(Block, max(h, 0))
	copy(out, b)
	return out
}

// Over lays top on b from line y on, replacing whole lines.
func (b Block) Over(top Block, y int) Block {
	out := append(Block(nil), b...)
	for i, line := range top {
		if at := y + i; at >= 0 && at < len(out) {
			out[at] = line
		}
	}
	return out
}

// Width is the number of columns of the line once cleaned.
func (l Line) Width() int {
	w := 0
	for _, s := range l.Spans {
		w += Width(Clean(s.Text))
	}
	return w
}

// Text is the line's text, cleaned, without roles.
func (l Line) Text() string {
	out := ""
	for _, s := range l.Spans {
		out += Clean(s.Text)
	}
	return out
}

// Justify puts left at the left end and right at the right end of w columns.
// Where both do not fit, the left one is cut by the theme and the right one goes.
func Justify(left, right Line, w int) Line {
	gap := w - left.Width() - right.Width()
	if gap < 1 {
		return left
	}
	spans := append(append([]Span(nil), left.Spans...), Span{Text: spaces(gap)})
	return Line{Spans: append(spans, right.Spans...)}
}

const blank = "                                                                                                    "

func spaces(n int) string {
	if n <= 0 {
		return ""
	}
	out := ""
	for n > len(blank) {
		out, n = out+blank, n-len(blank)
	}
	return out + blank[:n]
}

func itoa(n int) string { return strconv.Itoa(n) }
