package kit

// Intent is what a key means: "down", "approve". Pages handle intents, never
// keys, so that help, tests and the screen speak one language.
type Intent string

// Binding gives an intent its keys and its words.
type Binding struct {
	// Keys are as bubbletea spells them ("ctrl+d", "enter"); the first is shown.
	Keys   []string
	Intent Intent
	// Label is the one or two words shown at the foot of the screen; empty keeps
	// the binding for the help page alone.
	Label string
	// Help is the sentence on the help page.
	Help string
	// Mutates marks what changes something; it is neither shown nor obeyed in
	// read-only mode.
	Mutates bool
}

// Keymap is the bindings that apply now, the most specific first.
type Keymap []Binding

// Resolve finds the intent of a key. With readOnly, bindings that change
// something are passed over; mutates then says that the key would have been one.
func (k Keymap) Resolve(key string, readOnly bool) (intent Intent, found, mutates bool) {
	for _, b := range k {
		for _, name := range b.Keys {
			if name != key {
				continue
			}
			if b.Mutates && readOnly {
				mutates = true
				continue
			}
			return b.Intent, true, b.Mutates
		}
	}
	return "", false, mutates
}

// Allowed returns the bindings that are shown.
func (k Keymap) Allowed(readOnly bool) Keymap {
	var out Keymap
	for _, b := range k {
		if !b.Mutates || !readOnly {
			out = append(out, b)
		}
	}
	return out
}

// Hints is the line at the foot of the screen: as many labelled bindings as fit.
func (k Keymap) Hints(w int) Line {
	var line Line
	left := w
	for _, b := range k {
		if b.Label == "" {
			continue
		}
		key, label := KeyName(b.Keys[0]), " "+b.Label
		if len(line.Spans) > 0 {
			key = "  " + key
		}
		left -= Width(key) + Width(label)
		if left < 0 {
			break
		}
		line.Spans = append(line.Spans, Text(Accent, key), Text(Faint, label))
	}
	return line
}

// KeyName is how a key is written for humans, in ASCII.
func KeyName(key string) string {
	switch key {
	case " ":
		return "space"
	case "shift+tab":
		return "S-tab"
	case "pgdown":
		return "PgDn"
	case "pgup":
		return "PgUp"
	}
	if len(key) == 6 && key[:5] == "ctrl+" {
		return "^" + key[5:]
	}
	return key
}

// KeyNames joins the names of all keys of a binding.
func (b Binding) KeyNames() string {
	out := ""
	for i, key := range b.Keys {
		if i > 0 {
			out += " "
		}
		out += KeyName(key)
	}
	return out
}

// Intents that every list understands.
const (
	Up       Intent = "up"
	Down     Intent = "down"
	PageUp   Intent = "page_up"
	PageDown Intent = "page_down"
	Home     Intent = "home"
	End      Intent = "end"
	Left     Intent = "left"
	Right    Intent = "right"
	Open     Intent = "open"
	Back     Intent = "back"
	Search   Intent = "search"
)

// Moves are the keys of every list, arrows and vi's.
func Moves() Keymap {
	return Keymap{
		{Keys: []string{"down", "j"}, Intent: Down, Help: "one line down"},
		{Keys: []string{"up", "k"}, Intent: Up, Help: "one line up"},
		{Keys: []string{"pgdown", "ctrl+d", "ctrl+f"}, Intent: PageDown, Help: "one screen down"},
		{Keys: []string{"pgup", "ctrl+u", "ctrl+b"}, Intent: PageUp, Help: "one screen up"},
		{Keys: []string{"home", "g"}, Intent: Home, Help: "to the first line"},
		{Keys: []string{"end", "G"}, Intent: End, Help: "to the last line"},
	}
}
