package kit

import (
	"io"
	"strings"
	"unicode"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"
)

// Appearance is what a terminal can show.
type Appearance struct {
	Profile termenv.Profile // how many colours; [termenv.Ascii] for none
	Dark    bool            // the background is dark
	ASCII   bool            // lines and signs in plain ASCII only
}

// Detect reads an appearance from the environment, which getenv answers:
// NO_COLOR (no-color.org: set and not empty) and TERM=dumb take the colours
// away, TERM=dumb and a locale that is not UTF-8 take the line drawing away.
// The profile and dark are what the terminal itself was found to be.
func Detect(getenv func(string) string, profile termenv.Profile, dark bool) Appearance {
	a := Appearance{Profile: profile, Dark: dark}
	dumb := getenv("TERM") == "dumb"
	if dumb || getenv("NO_COLOR") != "" {
		a.Profile = termenv.Ascii
	}
	a.ASCII = dumb || !utf8Locale(getenv)
	return a
}

// utf8Locale follows POSIX: the first of the three that is set decides. With
// none set the locale is "C"; over SSH that usually means that the client did
// not send its own, and every terminal in use there speaks UTF-8.
func utf8Locale(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := getenv(name); v != "" {
			v = strings.ToLower(v)
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return true
}

// Signs are the marks that say without colour what roles say with it. Each is
// one column wide.
type Signs struct {
	Good, Warn, Bad, Paused, Preview, Unknown string
	Cursor, Marked, Differs, Same, Done, Next string
	Open, Closed, Ellipsis, Caret, Bullet     string
}

// Box is the drawing of a frame, one column each.
type Box struct {
	Horizontal, Vertical, TopLeft, TopRight, BottomLeft, BottomRight string
}

// Theme turns blocks into text. Its zero value is not usable; see [NewTheme].
type Theme struct {
	Signs   Signs
	Box     Box
	ASCII   bool
	before  [2][roles]string // escape sequences by selected and role
	after   [2][roles]string
	colours bool
}

// NewTheme makes a theme for one appearance.
func NewTheme(a Appearance) *Theme {
	t := &Theme{
		Signs: Signs{
			Good: "✓", Warn: "!", Bad: "✗", Paused: "‖", Preview: "○", Unknown: "?",
			Cursor: "›", Marked: "●", Differs: "≠", Same: "=", Done: "✓", Next: "→",
			Open: "▾", Closed: "▸", Ellipsis: "…", Caret: "▏", Bullet: "·",
		},
		Box:     Box{Horizontal: "─", Vertical: "│", TopLeft: "╭", TopRight: "╮", BottomLeft: "╰", BottomRight: "╯"},
		ASCII:   a.ASCII,
		colours: a.Profile != termenv.Ascii,
	}
	if a.ASCII {
		t.Signs = Signs{
			Good: "+", Warn: "!", Bad: "x", Paused: "=", Preview: "o", Unknown: "?",
			Cursor: ">", Marked: "*", Differs: "#", Same: "=", Done: "+", Next: ">",
			Open: "v", Closed: ">", Ellipsis: "~", Caret: "|", Bullet: "-",
		}
		t.Box = Box{Horizontal: "-", Vertical: "|", TopLeft: "+", TopRight: "+", BottomLeft: "+", BottomRight: "+"}
	}
	r := lipgloss.NewRenderer(io.Discard)
	r.SetColorProfile(a.Profile)
	r.SetHasDarkBackground(a.Dark)
	looks, selection := styles(r)
	for role, style := range looks {
		t.before[0][role], t.after[0][role] = around(style)
		t.before[1][role], t.after[1][role] = around(style.Background(selection))
	}
	return t
}

// styles gives every role its look and the background of the selected line. The
// colours are of the 256 that every terminal in use has, which a smaller profile
// rounds; contrast is at least 4.5:1 on black and on white.
func styles(r *lipgloss.Renderer) (looks [roles]lipgloss.Style, selection lipgloss.AdaptiveColor) {
	in := func(light, dark string) lipgloss.Style {
		return r.NewStyle().Foreground(lipgloss.AdaptiveColor{Light: light, Dark: dark})
	}
	return [roles]lipgloss.Style{
		Plain:  r.NewStyle(),
		Faint:  in("242", "246"),
		Strong: r.NewStyle().Bold(true),
		Good:   in("28", "78"),
		Warn:   in("130", "221"),
		Bad:    in("160", "210").Bold(true),
		Accent: in("25", "117"),
		Differ: in("127", "219").Bold(true),
	}, lipgloss.AdaptiveColor{Light: "255", Dark: "236"}
}

// around splits what a style puts around its text, so that drawing is two
// copies instead of a layout pass for every span.
func around(style lipgloss.Style) (before, after string) {
	before, after, _ = strings.Cut(style.Render("x"), "x")
	return before, after
}

// Render draws exactly h lines of at most w columns, joined by line breaks. Text
// is cleaned here; what does not fit is cut with an ellipsis.
func (t *Theme) Render(b Block, w, h int) string {
	var out strings.Builder
	out.Grow(h * (w + 32))
	for i := range h {
		if i > 0 {
			out.WriteByte('\n')
		}
		if i < len(b) {
			t.line(&out, b[i], w)
		}
	}
	return out.String()
}

func (t *Theme) line(out *strings.Builder, l Line, w int) {
	selected := 0
	if l.Selected {
		selected = 1
	}
	left := w
	for i, s := range l.Spans {
		text := Clean(s.Text)
		width := Width(text)
		if width > left || (width == left && remains(l.Spans[i+1:])) {
			text = Truncate(text+" ", left, t.Signs.Ellipsis)
			t.write(out, text, s.Role, selected)
			left -= Width(text)
			break
		}
		t.write(out, text, s.Role, selected)
		left -= width
	}
	if l.Selected && t.colours {
		t.write(out, spaces(left), Plain, selected)
	}
}

// remains reports whether anything but blanks would follow.
func remains(spans []Span) bool {
	for _, s := range spans {
		if strings.TrimSpace(s.Text) != "" {
			return true
		}
	}
	return false
}

func (t *Theme) write(out *strings.Builder, text string, role Role, selected int) {
	if text == "" {
		return
	}
	out.WriteString(t.before[selected][role])
	if rightToLeft(text) {
		out.WriteString(leftToRightMark + text + leftToRightMark)
	} else {
		out.WriteString(text)
	}
	out.WriteString(t.after[selected][role])
}

// leftToRightMark is put around text with right-to-left letters, so that a
// terminal that reorders them keeps the line and the columns beside it in order
// (UAX #9 §2.6). It takes no column; our own, it is added after cleaning.
const leftToRightMark = "\u200e"

func rightToLeft(s string) bool {
	if printableASCII(s) {
		return false
	}
	for _, r := range s {
		if unicode.In(r, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana, unicode.Nko, unicode.Adlam) {
			return true
		}
	}
	return false
}

// Rule is a titled line across w columns: "── Sources ─────".
func (t *Theme) Rule(title string, w int) Line {
	if title == "" {
		return L(Text(Faint, strings.Repeat(t.Box.Horizontal, max(w, 0))))
	}
	head := strings.Repeat(t.Box.Horizontal, 2) + " "
	rest := w - 4 - Width(Clean(title))
	return L(Text(Faint, head), Text(Strong, title), Text(Faint, " "+strings.Repeat(t.Box.Horizontal, max(rest, 0))))
}

// Frame draws a box of w columns around b, with a title in its upper edge.
func (t *Theme) Frame(title string, b Block, w int) Block {
	inner := w - 4
	edge := func(left, right string, title string) Line {
		if title == "" {
			return L(Text(Accent, left+strings.Repeat(t.Box.Horizontal, max(w-2, 0))+right))
		}
		title = Truncate(Clean(title), inner-2, t.Signs.Ellipsis)
		rest := max(w-5-Width(title), 0)
		return L(Text(Accent, left+t.Box.Horizontal+" "), Text(Strong, title),
			Text(Accent, " "+strings.Repeat(t.Box.Horizontal, rest)+right))
	}
	out := Block{edge(t.Box.TopLeft, t.Box.TopRight, title)}
	for _, l := range b {
		spans := []Span{{t.Box.Vertical + " ", Accent}}
		left := inner
		for _, s := range l.Spans {
			text := Truncate(Clean(s.Text), left, t.Signs.Ellipsis)
			spans = append(spans, Span{text, s.Role})
			left -= Width(text)
		}
		spans = append(spans, Span{spaces(left), Plain}, Span{" " + t.Box.Vertical, Accent})
		out = append(out, Line{Spans: spans})
	}
	return append(out, edge(t.Box.BottomLeft, t.Box.BottomRight, ""))
}
