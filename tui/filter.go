package tui

import (
	tea "github.com/charmbracelet/bubbletea"

	"rollcall/tui/kit"
)

// filter is the line of words that narrows what a page shows. While it is typed it
// has the keys: esc empties it, enter and the arrows keep what it says.
type filter struct {
	line  kit.Field
	typed bool
}

func newFilter(limit int) filter { return filter{line: kit.NewField(limit)} }

// words are what was typed, empty when nothing is narrowed.
func (f *filter) words() string { return f.line.Value() }

// begin gives it the keys.
func (f *filter) begin() { f.typed = true }

// clear empties it and reports whether it narrowed anything.
func (f *filter) clear() bool {
	had := f.words() != ""
	f.line.Set("")
	return had
}

// typing implements a page's method of that name.
func (f *filter) typing() bool { return f.typed }

// key takes a key while it is typed, and reports whether the words changed.
func (f *filter) key(msg tea.KeyMsg) bool {
	switch msg.String() {
	case "esc":
		f.typed = false
		return f.clear()
	case "enter", "down", "up":
		f.typed = false
		return false
	}
	return f.line.Key(msg)
}

// spans are the line as it is shown, none while nothing is typed or narrowed.
func (f *filter) spans(e *env, width int) []kit.Span {
	if !f.typed && f.words() == "" {
		return nil
	}
	return f.line.Spans(e.theme, width, f.typed)
}

// with appends "with …" to the headline of a list.
func (f *filter) with(headline *kit.Line, e *env, w int) {
	if spans := f.spans(e, w/3); spans != nil {
		headline.Spans = append(headline.Spans, kit.Text(kit.Faint, "  with "))
		headline.Spans = append(headline.Spans, spans...)
	}
}
