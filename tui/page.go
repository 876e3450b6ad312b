package tui

import (
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"rollcall/tui/kit"
)

// place is one of the pages, in the order of their number keys.
type place int

const (
	onOverview place = iota
	onConflicts
	onPeople
	onPlan
	onDeliveries
	onRuns
	onJournal
	onSystems
	onRequests
	places
)

// page is one screen. The root gives keys, clicks and ticks to the page that is
// shown, and answers to all of them: an answer belongs to whoever asked.
type page interface {
	// title is the word on the tab.
	title() string
	// command is the command that does the same.
	command() string
	// subject names what is shown for a later visit, empty for the page itself.
	subject() string
	// bindings are the keys that apply now.
	bindings() kit.Keymap
	// visit is called when the page comes up; subject names what to show, empty
	// for whatever was shown before.
	visit(subject string) tea.Cmd
	// do handles an intent.
	do(intent kit.Intent) tea.Cmd
	// ready reports whether what is to be shown is there. Until it is, keys that
	// move and open are kept and done when it comes.
	ready() bool
	// back leaves a detail; false when there is none to leave.
	back() (tea.Cmd, bool)
	// typing reports whether letters are text; keys then come to key.
	typing() bool
	key(msg tea.KeyMsg) tea.Cmd
	// click is a press of the left button at a cell of the body.
	click(x, y int) tea.Cmd
	// tick is called every second while the page is shown.
	tick(now time.Time) tea.Cmd
	// take handles an answer.
	take(msg tea.Msg) tea.Cmd
	// view draws the body in w columns and h lines.
	view(w, h int) kit.Block
}

// Intents that more than one page understands; each page adds its own.
const (
	intentRefresh kit.Intent = "refresh"
	intentHelp    kit.Intent = "help"
	intentQuit    kit.Intent = "quit"
	intentNext    kit.Intent = "next_page"
	intentPrev    kit.Intent = "previous_page"
	intentGoto    kit.Intent = "goto_" // and the number of the page
)

// global are the keys that apply on every page.
func global() kit.Keymap {
	keys := kit.Keymap{
		{Keys: []string{"esc", "backspace"}, Intent: kit.Back, Help: "back to where you came from"},
		{Keys: []string{"?"}, Intent: intentHelp, Label: "help", Help: "this help"},
		{Keys: []string{"q", "ctrl+c"}, Intent: intentQuit, Label: "quit", Help: "quit; nothing is lost"},
		{Keys: []string{"tab", "]"}, Intent: intentNext, Help: "next page"},
		{Keys: []string{"shift+tab", "["}, Intent: intentPrev, Help: "previous page"},
		{Keys: []string{"ctrl+r"}, Intent: intentRefresh, Help: "ask the appliance again, now"},
	}
	for i := range int(places) {
		n := string(rune('1' + i))
		keys = append(keys, kit.Binding{Keys: []string{n}, Intent: intentGoto + kit.Intent(n)})
	}
	return keys
}

// goTo asks the root to show a page.
type goTo struct {
	place   place
	subject string
}

func visitCmd(to place, subject string) tea.Cmd {
	return func() tea.Msg { return goTo{to, subject} }
}

// followWithin is how many rows around the cursor are looked at to find what it
// was on before the list was read again.
const followWithin = 200

// follow puts the cursor of a table back on the row it was on before its list
// changed, so that a key pressed at that moment does not mean another one.
func follow[T any](list *kit.Window[T], table *kit.Table, same func(T) bool) {
	n, _ := list.Len()
	for d := range followWithin {
		for _, i := range []int{table.Cursor() + d, table.Cursor() - d} {
			if row, ok := list.At(i); ok && i >= 0 && i < n && same(row) {
				table.Select(i, n)
				return
			}
		}
	}
}
