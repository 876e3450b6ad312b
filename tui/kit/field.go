package kit

import (
	"slices"
	"unicode"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"
)

// Field is one line of typed text, with the editing keys of a shell: arrows,
// ^A ^E to the ends, ^W a word back, ^U and ^K up to the ends. Pasted text
// arrives as one key and loses its line breaks. The terminal's own paste is the
// only one there is: over SSH this machine's clipboard is not the operator's.
type Field struct {
	text  []rune
	at    int // the caret is before this rune
	limit int
}

// NewField returns an empty field for at most limit characters.
func NewField(limit int) Field { return Field{limit: limit} }

// Value is the text typed.
func (f *Field) Value() string { return string(f.text) }

// Set replaces the text and puts the caret behind it.
func (f *Field) Set(s string) {
	f.text = []rune(Clean(s))
	f.text = f.text[:min(len(f.text), f.limit)]
	f.at = len(f.text)
}

// Key edits the text and reports whether it changed.
func (f *Field) Key(msg tea.KeyMsg) bool {
	switch msg.Type {
	case tea.KeyRunes, tea.KeySpace:
		if msg.Alt {
			return false
		}
		return f.insert([]rune(Clean(string(msg.Runes))))
	case tea.KeyBackspace:
		return f.remove(f.at-1, f.at)
	case tea.KeyDelete, tea.KeyCtrlD:
		return f.remove(f.at, f.at+1)
	case tea.KeyCtrlW:
		return f.remove(f.wordStart(), f.at)
	case tea.KeyCtrlU:
		return f.remove(0, f.at)
	case tea.KeyCtrlK:
		return f.remove(f.at, len(f.text))
	case tea.KeyLeft, tea.KeyCtrlB:
		f.at = max(f.at-1, 0)
	case tea.KeyRight, tea.KeyCtrlF:
		f.at = min(f.at+1, len(f.text))
	case tea.KeyHome, tea.KeyCtrlA:
		f.at = 0
	case tea.KeyEnd, tea.KeyCtrlE:
		f.at = len(f.text)
	}
	return false
}

func (f *Field) insert(runes []rune) bool {
	runes = runes[:min(len(runes), f.limit-len(f.text))]
	f.text = slices.Insert(f.text, f.at, runes...)
	f.at += len(runes)
	return len(runes) > 0
}

func (f *Field) remove(from, to int) bool {
	from, to = max(from, 0), min(to, len(f.text))
	if from >= to {
		return false
	}
	f.text = slices.Delete(f.text, from, to)
	f.at = from
	return true
}

func (f *Field) wordStart() int {
	i := f.at
	for i > 0 && unicode.IsSpace(f.text[i-1]) {
		i--
	}
	for i > 0 && !unicode.IsSpace(f.text[i-1]) {
		i--
	}
	return i
}

// Spans draws the text in at most w columns; with focused the caret is drawn
// and kept in view.
func (f *Field) Spans(theme *Theme, w int, focused bool) []Span {
	if !focused {
		return []Span{Text(Strong, Truncate(string(f.text), w, theme.Signs.Ellipsis))}
	}
	before, after := string(f.text[:f.at]), string(f.text[f.at:])
	for Width(before) > max(w-2, 0) {
		_, size := utf8.DecodeRuneInString(before)
		before = before[size:]
	}
	after = Truncate(after, w-1-Width(before), "")
	return []Span{Text(Strong, before), Text(Accent, theme.Signs.Caret), Text(Strong, after)}
}
