package kit

import (
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/muesli/termenv"
)

func letters(s string) tea.KeyMsg { return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(s)} }
func typeOf(k tea.KeyType) tea.KeyMsg {
	return tea.KeyMsg{Type: k}
}

func TestConfirmTakesYesAndNo(t *testing.T) {
	for _, tt := range []struct {
		key  tea.KeyMsg
		want Outcome
	}{
		{letters("y"), Accepted}, {typeOf(tea.KeyEnter), Accepted}, {letters("n"), Cancelled}, {typeOf(tea.KeyEsc), Cancelled},
		{letters("q"), Cancelled}, {letters("a"), Asking}, {typeOf(tea.KeyDown), Asking},
	} {
		if got := Confirm("Approve", nil, "approve").Key(tt.key); got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.key, got, tt.want)
		}
	}
}

func TestConfirmCountWantsExactlyTheNumber(t *testing.T) {
	for _, tt := range []struct {
		typed string
		want  Outcome
	}{{"1204", Accepted}, {"1,204", Accepted}, {" 1204 ", Accepted}, {"", Asking}, {"y", Asking}, {"120", Asking}, {"12040", Asking}} {
		d := ConfirmCount("Approve", nil, "approve", 1204)
		for _, r := range tt.typed {
			if got := d.Key(letters(string(r))); got != Asking {
				t.Fatalf("%q: a letter ended the dialog", tt.typed)
			}
		}
		if got := d.Key(typeOf(tea.KeyEnter)); got != tt.want {
			t.Errorf("%q: got %d, want %d", tt.typed, got, tt.want)
		}
	}
}

func TestConfirmCountSaysWhatWasWrong(t *testing.T) {
	theme := NewTheme(Appearance{Profile: termenv.Ascii, ASCII: true})
	d := ConfirmCount("Approve", Block{P("42 people lose access")}, "approve", 42)
	d.Key(letters("7"))
	d.Key(typeOf(tea.KeyEnter))
	block, _ := d.View(theme, Rect{W: 80, H: 20})
	if got := theme.Render(block, 80, len(block)); !strings.Contains(got, "That is not 42.") {
		t.Errorf("the dialog says:\n%s", got)
	}
}

func TestDialogFitsItsAreaAndScrolls(t *testing.T) {
	theme := NewTheme(Appearance{Profile: termenv.Ascii, ASCII: true})
	var body Block
	for range 100 {
		body = append(body, P("a line"))
	}
	body = append(body, P("the end"))
	for _, area := range []Rect{{W: 72, H: 16}, {W: 80, H: 20}, {W: 200, H: 56}} {
		d := Confirm("Long", body, "do it")
		block, y := d.View(theme, area)
		if y < 0 || y+len(block) > area.H {
			t.Fatalf("%v: lines %d to %d", area, y, y+len(block))
		}
		for range 200 {
			d.Key(typeOf(tea.KeyDown))
		}
		block, _ = d.View(theme, area)
		got := theme.Render(block, area.W, len(block))
		if !strings.Contains(got, "the end") || !strings.Contains(got, "do it") {
			t.Errorf("%v: scrolled to the end it shows:\n%s", area, got)
		}
	}
}

func TestExtraKeyLeavesTheDialogOpen(t *testing.T) {
	d := Notice("Token", nil).With("c", "copy")
	if got := d.Key(letters("c")); got != Extra {
		t.Errorf("got %d", got)
	}
	if got := d.Key(typeOf(tea.KeyEnter)); got != Accepted {
		t.Errorf("got %d", got)
	}
}

func TestFieldEditsLikeAShell(t *testing.T) {
	for _, tt := range []struct {
		name string
		keys []tea.KeyMsg
		want string
	}{
		{"letters", []tea.KeyMsg{letters("Ada"), {Type: tea.KeySpace, Runes: []rune(" ")}, letters("S")}, "Ada S"},
		{"backspace", []tea.KeyMsg{letters("Adda"), typeOf(tea.KeyLeft), typeOf(tea.KeyBackspace)}, "Ada"},
		{"a word back", []tea.KeyMsg{letters("Ada Sample "), typeOf(tea.KeyCtrlW)}, "Ada "},
		{"to the start", []tea.KeyMsg{letters("Ada"), typeOf(tea.KeyHome), letters("x"), typeOf(tea.KeyCtrlK)}, "x"},
		{"all of it", []tea.KeyMsg{letters("Ada"), typeOf(tea.KeyCtrlU)}, ""},
		{"pasted control characters go", []tea.KeyMsg{letters("A\x1b[31mda\n")}, "A[31mda "},
		{"no more than the limit", []tea.KeyMsg{letters("12345678901234567890123456789")}, "12345678901234567890"},
		{"delete at the end", []tea.KeyMsg{letters("Ada"), typeOf(tea.KeyDelete)}, "Ada"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := NewField(20)
			for _, k := range tt.keys {
				f.Key(k)
			}
			if f.Value() != tt.want {
				t.Errorf("got %q, want %q", f.Value(), tt.want)
			}
		})
	}
}

func TestFieldKeepsTheCaretInView(t *testing.T) {
	theme := NewTheme(Appearance{Profile: termenv.Ascii, ASCII: true})
	f := NewField(300)
	f.Set(strings.Repeat("山", 100))
	for range 60 {
		line := Line{Spans: f.Spans(theme, 12, true)}
		if got := line.Width(); got > 12 || !strings.Contains(line.Text(), "|") {
			t.Fatalf("%d columns: %q", got, line.Text())
		}
		f.Key(typeOf(tea.KeyLeft))
	}
}
