package kit

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/muesli/termenv"
)

func environment(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

func TestDetectHonoursTheEnvironment(t *testing.T) {
	for _, tt := range []struct {
		name string
		vars map[string]string
		want Appearance
	}{
		{"an ordinary terminal", map[string]string{"TERM": "xterm-256color", "LANG": "en_US.UTF-8"}, Appearance{Profile: termenv.ANSI256, Dark: true}},
		{"NO_COLOR takes colours only", map[string]string{"NO_COLOR": "1", "LANG": "C.UTF-8"}, Appearance{Profile: termenv.Ascii, Dark: true}},
		{"an empty NO_COLOR says nothing", map[string]string{"NO_COLOR": ""}, Appearance{Profile: termenv.ANSI256, Dark: true}},
		{"a dumb terminal gets neither", map[string]string{"TERM": "dumb"}, Appearance{Profile: termenv.Ascii, Dark: true, ASCII: true}},
		{"a locale without UTF-8 gets ASCII lines", map[string]string{"LC_ALL": "C"}, Appearance{Profile: termenv.ANSI256, Dark: true, ASCII: true}},
		{"LC_ALL goes before LANG", map[string]string{"LC_ALL": "C", "LANG": "fr_FR.utf8"}, Appearance{Profile: termenv.ANSI256, Dark: true, ASCII: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Detect(environment(tt.vars), termenv.ANSI256, true); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// appearances are those that screens are drawn in.
func appearances() map[string]Appearance {
	return map[string]Appearance{
		"ascii": {Profile: termenv.Ascii, ASCII: true}, "mono": {Profile: termenv.Ascii},
		"16": {Profile: termenv.ANSI, Dark: true}, "256 dark": {Profile: termenv.ANSI256, Dark: true}, "256 light": {Profile: termenv.ANSI256},
	}
}

func TestEverySignIsOneColumnAndColourTakesNone(t *testing.T) {
	for name, a := range appearances() {
		theme := NewTheme(a)
		for _, sign := range []string{
			theme.Signs.Good, theme.Signs.Warn, theme.Signs.Bad, theme.Signs.Paused, theme.Signs.Preview, theme.Signs.Unknown, theme.Signs.Cursor,
			theme.Signs.Marked, theme.Signs.Differs, theme.Signs.Same, theme.Signs.Done, theme.Signs.Next, theme.Signs.Open, theme.Signs.Closed,
			theme.Signs.Ellipsis, theme.Signs.Caret, theme.Signs.Bullet, theme.Box.Horizontal, theme.Box.Vertical, theme.Box.TopLeft, theme.Box.BottomRight,
		} {
			if Width(sign) != 1 {
				t.Errorf("%s: the sign %q takes %d columns", name, sign, Width(sign))
			}
			if a.ASCII && !printableASCII(sign) {
				t.Errorf("%s: the sign %q is not ASCII", name, sign)
			}
		}
		got := theme.Render(Block{{Spans: []Span{{"good ", Good}, {"bad", Bad}}, Selected: true}}, 20, 1)
		if plain := strings.TrimRight(ansi.Strip(got), " "); plain != "good bad" {
			t.Errorf("%s: drew %q", name, plain)
		}
		if a.Profile == termenv.Ascii && strings.Contains(got, "\x1b") {
			t.Errorf("%s: a theme without colours drew %q", name, got)
		}
		if a.Profile != termenv.Ascii && !strings.Contains(got, "\x1b") {
			t.Errorf("%s: a theme with colours drew none", name)
		}
	}
}

func TestRenderNeverGoesPastTheEdge(t *testing.T) {
	hostile := Block{
		P("Ada \x1b[31mSample\x1b[0m with a very long name that does not end"),
		L(Text(Good, "山田太郎山田太郎山田太郎"), Text(Bad, "more")),
		{Spans: []Span{{"a", Plain}, {strings.Repeat("x", 300), Warn}}, Selected: true},
		L(Text(Plain, "exactly ten"), Text(Plain, "")),
	}
	for name, a := range appearances() {
		theme := NewTheme(a)
		for _, w := range []int{1, 2, 10, 11, 80} {
			lines := strings.Split(theme.Render(hostile, w, 5), "\n")
			if len(lines) != 5 {
				t.Errorf("%s: %d lines, want 5", name, len(lines))
			}
			for _, line := range lines {
				if got := ansi.StringWidth(line); got > w {
					t.Errorf("%s: %d columns in %d: %q", name, got, w, line)
				}
			}
		}
	}
}

func TestRightToLeftTextStaysInItsColumn(t *testing.T) {
	theme := NewTheme(Appearance{Profile: termenv.Ascii})
	table := NewTable(Column{Title: "NAME", Min: 12}, Column{Title: "EMAIL", Min: 10})
	rows := Cells{{Text(Plain, "נועה"), Text(Plain, "a@b.example")}, {Text(Plain, "Ada"), Text(Plain, "a@b.example")}}
	got := strings.Split(theme.Render(table.View(theme, 40, 3, rows), 40, 3), "\n")
	if want := "› \u200eנועה\u200e         a@b.examp…"; got[1] != want {
		t.Errorf("got %q, want %q", got[1], want)
	}
	if ansi.StringWidth(got[1]) != ansi.StringWidth(got[2]) {
		t.Errorf("%q and %q are not equally wide", got[1], got[2])
	}
}

func TestFrameIsARectangle(t *testing.T) {
	theme := NewTheme(Appearance{Profile: termenv.Ascii})
	for _, title := range []string{"", "Token for okta", "Merge", "山田太郎", strings.Repeat("long ", 30)} {
		for _, w := range []int{20, 76} {
			body := Block{P("short"), P(strings.Repeat("wide 山", 30)), {}, L(Text(Plain, "two "), Text(Warn, "spans"))}
			for i, line := range theme.Frame(title, body, w) {
				if line.Width() != w {
					t.Errorf("title %q: line %d is %d columns, want %d: %q", title, i, line.Width(), w, line.Text())
				}
			}
		}
	}
}

func TestJustifyLetsTheRightGoWhereBothDoNotFit(t *testing.T) {
	left, right := P("left"), P("right")
	if got := Justify(left, right, 12).Text(); got != "left   right" {
		t.Errorf("got %q", got)
	}
	if got := Justify(left, right, 9).Text(); got != "left" {
		t.Errorf("got %q", got)
	}
}
