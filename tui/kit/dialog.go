package kit

import (
	"strconv"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
)

// Outcome is how a dialog stands after a key.
type Outcome uint8

const (
	Asking    Outcome = iota // still open
	Accepted                 // yes
	Cancelled                // no
	Extra                    // the dialog's own extra key, which leaves it open
)

type dialogKind uint8

const (
	notice dialogKind = iota
	confirm
	typed
	ask
)

// Dialog is a question above the page. While one is open it gets every key.
type Dialog struct {
	kind   dialogKind
	title  string
	body   Block
	yes    string
	want   string // what must be typed
	field  Field
	wrong  bool
	scroll Scroll
	extra  string // a key besides
	label  string
}

// Notice shows something until a key closes it.
func Notice(title string, body Block) *Dialog {
	return &Dialog{kind: notice, title: title, body: body}
}

// Confirm asks before something is done; yes says what: "approve".
func Confirm(title string, body Block, yes string) *Dialog {
	return &Dialog{kind: confirm, title: title, body: body, yes: yes}
}

// ConfirmCount asks before something large is done: n has to be typed.
func ConfirmCount(title string, body Block, yes string, n int) *Dialog {
	return &Dialog{kind: typed, title: title, body: body, yes: yes, want: strconv.Itoa(n), field: NewField(12)}
}

// Ask asks for a line of text; yes says what happens with it.
func Ask(title string, body Block, yes, initial string) *Dialog {
	d := &Dialog{kind: ask, title: title, body: body, yes: yes, field: NewField(500)}
	d.field.Set(initial)
	return d
}

// With adds a key that does something and leaves the dialog open.
func (d *Dialog) With(key, label string) *Dialog {
	d.extra, d.label = key, label
	return d
}

// Value is what was typed.
func (d *Dialog) Value() string { return d.field.Value() }

// Typing reports whether letters are text.
func (d *Dialog) Typing() bool { return d.kind == typed || d.kind == ask }

// Key answers the dialog.
func (d *Dialog) Key(msg tea.KeyMsg) Outcome {
	key := msg.String()
	if d.extra != "" && key == d.extra {
		return Extra
	}
	if intent, ok, _ := d.scrollKeys().Resolve(key, false); ok && d.scroll.Do(intent, len(d.body)) {
		return Asking
	}
	if d.Typing() {
		return d.typedKey(msg)
	}
	switch key {
	case "esc", "n", "q", "backspace":
		return Cancelled
	case "enter", "y":
		return Accepted
	}
	return Asking
}

func (d *Dialog) typedKey(msg tea.KeyMsg) Outcome {
	switch msg.String() {
	case "esc":
		return Cancelled
	case "enter":
		if d.kind == typed && strings.TrimSpace(strings.ReplaceAll(d.Value(), ",", "")) != d.want {
			d.wrong = true
			return Asking
		}
		return Accepted
	}
	d.field.Key(msg)
	d.wrong = false
	return Asking
}

// scrollKeys are those that move a long text; where letters are typed, only
// those that are not letters.
func (d *Dialog) scrollKeys() Keymap {
	if !d.Typing() {
		return Moves()
	}
	return Keymap{
		{Keys: []string{"up"}, Intent: Up}, {Keys: []string{"down"}, Intent: Down},
		{Keys: []string{"pgup"}, Intent: PageUp}, {Keys: []string{"pgdown"}, Intent: PageDown},
	}
}

// DialogWidth is how wide the text of a dialog may be in an area.
func DialogWidth(area Rect) int { return min(area.W-6, 80) - 4 }

// View draws the dialog for an area and says at which line of it to lay it.
func (d *Dialog) View(theme *Theme, area Rect) (block Block, y int) {
	inner := DialogWidth(area)
	foot := d.foot(theme, inner)
	room := max(area.H-2-len(foot), 1)
	body := d.scroll.View(theme, d.body, min(len(d.body), room))
	framed := theme.Frame(d.title, append(body, foot...), inner+4)
	place := area.Center(inner+4, len(framed))
	return framed.Indent(place.X - area.X), place.Y - area.Y
}

func (d *Dialog) foot(theme *Theme, w int) Block {
	var block Block
	switch d.kind {
	case typed:
		line := L(Text(Plain, "Type "), Text(Strong, d.want), Text(Plain, " to "+d.yes+": "))
		line.Spans = append(line.Spans, d.field.Spans(theme, 14, true)...)
		block = Block{{}, line}
		if d.wrong {
			block = append(block, L(Text(Bad, theme.Signs.Bad+" That is not "+d.want+".")))
		}
	case ask:
		line := L(Text(Accent, "> "))
		line.Spans = append(line.Spans, d.field.Spans(theme, w-2, true)...)
		block = Block{{}, line}
	}
	keys := Keymap{{Keys: []string{"enter"}, Label: "close"}}
	switch d.kind {
	case confirm:
		keys = Keymap{{Keys: []string{"y"}, Label: d.yes}, {Keys: []string{"esc"}, Label: "cancel"}}
	case typed, ask:
		keys = Keymap{{Keys: []string{"enter"}, Label: d.yes}, {Keys: []string{"esc"}, Label: "cancel"}}
	}
	if d.extra != "" {
		keys = append(keys, Binding{Keys: []string{d.extra}, Label: d.label})
	}
	return append(block, Line{}, keys.Hints(w))
}
