package tui

import (
	"context"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"rollcall/appliance/admin"
	"rollcall/tui/kit"
)

func TestTooSmallWindowSaysSoInOneSentence(t *testing.T) {
	s := sitDown(t, acme(), 40, 12, Options{})
	if got := strings.Join(strings.Fields(s.screen()), " "); got != "This window is 40 by 12; rollcall needs 72 by 20. Enlarge it, or run: rollcall status" {
		t.Errorf("the screen says %q", got)
	}
	s.send(tea.WindowSizeMsg{Width: 80, Height: 24})
	s.sees("Needs you")
}

func TestEveryPageFitsEveryWindow(t *testing.T) {
	for _, size := range [][2]int{{72, 20}, {80, 24}, {81, 25}, {120, 30}, {200, 60}, {1, 1}, {40, 12}} {
		for _, client := range []*fake{acme(), blankSlate(), {}} {
			s := sitDown(t, client, size[0], size[1], Options{Appearance: &colourLook})
			for _, keys := range [][]string{
				{}, {"2"}, {"enter"}, {"m"}, {"esc", "3"}, {"enter"}, {"right"}, {"right"}, {"4"}, {"enter"}, {"enter"}, {"5"}, {"6"}, {"enter"}, {"7"}, {"8"}, {"c"}, {"9"}, {"2"}, {"d"}, {"3"}, {"left"}, {"left"}, {"?"},
			} {
				s.press(keys...)
				lines := strings.Split(s.screen(), "\n")
				if len(lines) != size[1] {
					t.Fatalf("%v after %v: %d lines", size, keys, len(lines))
				}
				for _, line := range lines {
					if w := ansi.StringWidth(line); w > size[0] {
						t.Fatalf("%v after %v: %d columns: %q", size, keys, w, line)
					}
				}
			}
		}
	}
}

func TestHostileNamesNeverReachTheTerminal(t *testing.T) {
	f := acme()
	evil := "Ada\x1b]0;owned\a\x1b[2J\u202e\u009b31m\nSample\r"
	f.status.Headline, f.status.Sources[0].Detail, f.status.Sources[2].Error = evil, evil, evil
	f.status.Needs[0].Text, f.status.Needs[0].Command, f.status.Targets[1].Reason = evil, evil, evil
	for i := range f.conflicts {
		c := &f.conflicts[i]
		c.Names, c.Rule, c.Suggestion, c.Identifiers = []string{evil}, evil, evil, []string{evil}
		c.Records[0].Attributes["title"], c.Records[0].Native = evil, evil
	}
	f.plan.Changes[0].Person.Name, f.plan.Summary = evil, evil
	f.runs[0].Holds[0].Reason, f.runs[0].Error = evil, evil
	f.pending[0].LastError, f.events[29].Reason, f.tokens[0].Label = evil, evil, evil
	s := sitDown(t, f, 120, 30, Options{})
	for _, keys := range [][]string{{}, {"2"}, {"enter"}, {"m"}, {"esc", "3"}, {"4"}, {"enter"}, {"a"}, {"esc", "esc", "down", "enter"}, {"5"}, {"d"}, {"esc", "6"}, {"enter"}, {"7"}, {"8"}, {"down"}, {"x"}, {"esc", "?"}} {
		s.press(keys...)
		for _, r := range s.screen() {
			if r == '\x1b' || r == '\a' || r == '\u202e' || r == '\u009b' || r == '\r' {
				t.Fatalf("after %v the screen holds %U:\n%q", keys, r, s.screen())
			}
		}
	}
}

func TestUnreachableApplianceIsShownAndFoundAgain(t *testing.T) {
	f := acme()
	s := sitDown(t, f, 80, 24, Options{})
	f.down = errDown
	s.pass(3)
	s.sees("Not reachable since", "trying again", "as of 12:00:00", "rollcall approve 812")
	f.down = nil
	f.status.Headline = "All is well again."
	s.pass(4)
	s.sees("The appliance answers again.", "All is well again.").missing("Not reachable")
}

func TestUnreachableApplianceIsNotAskedEverySecond(t *testing.T) {
	f := acme()
	s := sitDown(t, f, 80, 24, Options{})
	s.press("3")
	f.down, f.looks, f.asked = errDown, 0, nil
	s.pass(40)
	if f.looks < 4 || f.looks > 9 || len(f.asked) > 1 {
		t.Errorf("asked %d times for the status and %d times for people in 40 seconds", f.looks, len(f.asked))
	}
}

func TestUnreachableFromTheStartSaysWhatToDo(t *testing.T) {
	f := acme()
	f.down = errDown
	s := sitDown(t, f, 80, 24, Options{})
	s.sees("Not reachable", "is the appliance running?", "connection refused")
	f.down = nil
	s.pass(2)
	s.sees("Deliveries flow")
}

func TestWaitBetweenTriesGrowsToTenSeconds(t *testing.T) {
	var r reach
	for _, want := range []time.Duration{1, 2, 4, 8, 10, 10, 10} {
		r.note(noon, errDown)
		if got := r.next.Sub(noon); got != want*time.Second {
			t.Errorf("waits %v, want %v", got, want*time.Second)
		}
	}
	if r.note(noon, context.Canceled); !r.lost {
		t.Error("a question we gave up on says nothing about the appliance")
	}
	if r.note(noon, &admin.Error{Code: admin.CodeNotFound, Text: "no"}); r.lost {
		t.Error("a refusal is an answer")
	}
}

func TestLateAnswerIsDropped(t *testing.T) {
	e := &env{ctx: context.Background(), now: noon, theme: kit.NewTheme(plainLook)}
	var s slot[string]
	say := func(text string) func(context.Context) (string, error) {
		return func(context.Context) (string, error) { return text, nil }
	}
	first := s.ask(e, say("old"))
	second := s.ask(e, say("new"))
	if s.take(e, first()) {
		t.Error("the answer to a question asked anew was taken")
	}
	if !s.take(e, second()) || s.value != "new" {
		t.Errorf("the slot holds %q", s.value)
	}
	if s.take(e, second()) {
		t.Error("an answer was taken twice")
	}
}

func TestAskingAnewCancelsTheQuestionBefore(t *testing.T) {
	e := &env{ctx: context.Background(), now: noon}
	var s slot[string]
	var before error
	var limited bool
	first := s.ask(e, func(ctx context.Context) (string, error) {
		before = ctx.Err()
		_, limited = ctx.Deadline()
		return "", before
	})
	s.ask(e, func(context.Context) (string, error) { return "", nil })
	first()
	if before == nil {
		t.Error("the first question still runs")
	}
	if !limited {
		t.Error("a question has no deadline")
	}
}

func TestReadOnlyNeitherShowsNorObeysKeysThatChange(t *testing.T) {
	f := acme()
	f.tokens = append(f.tokens, admin.Token{ID: "t_2", Source: "okta"})
	s := sitDown(t, f, 80, 24, Options{ReadOnly: true})
	s.sees("read-only")
	for _, keys := range [][]string{
		{"2", " ", "*", "m", "y", "enter", "m", "y", "s", "y", "a", "x", "e", "z", "u"},
		{"4", "a", "enter", "a", "x"}, {"5", "r", "d", "y"},
		{"8", "a", "p", "r", "t", "x", "down", "a", "p", "t", "x", "down", "a", "p", "down", "p", "down", "p", "y"},
	} {
		s.press("esc", "esc")
		for _, k := range keys {
			s.press(k)
			s.missing("merge  s separate", "approve  x", "retry", "new token", "read now")
		}
	}
	for _, c := range f.calls {
		if !strings.HasPrefix(c, "plan") && !strings.HasPrefix(c, "check") {
			t.Errorf("read-only called %q", c)
		}
	}
	s.sees("Read-only: this connection may look, not change.")
	s.press("?").sees("Read-only: keys that change something are left out.")
}

func TestEscLeadsBackToWhereOneCameFrom(t *testing.T) {
	s := sitDown(t, acme(), 80, 24, Options{})
	s.press("enter") // the hold that needs the operator
	s.sees("Held: run 812")
	s.press("esc").sees("Sources ---")
	s.press("3", "down", "down", "down", "down", "down", "enter", "c") // the conflict that holds a person
	s.sees("ambiguous match: Ada Sample")
	s.press("esc").sees("[Values]").press("esc").sees("Search:").press("esc").sees("Sources ---")
	s.press("5", "enter").sees("person20@acme.example")
	s.press("esc").sees("13 deliveries")
	s.press("esc").sees("Sources ---")
}

func TestMouseOpensPagesAndRows(t *testing.T) {
	s := sitDown(t, acme(), 80, 24, Options{})
	click := func(x, y int) {
		s.send(tea.MouseMsg{X: x, Y: y, Button: tea.MouseButtonLeft, Action: tea.MouseActionPress})
		_ = s.screen()
	}
	click(16, 1)
	s.sees("[2 Conflicts]")
	click(20, 5)
	s.sees("> ", "Basil Placeholder")
	click(20, 5)
	s.sees("email recycled: Basil Placeholder")
	click(60, 1)
	s.sees("[8 Sources]")
	s.press("7")
	s.send(tea.MouseMsg{Button: tea.MouseButtonWheelUp, Action: tea.MouseActionPress})
	s.sees("holding still")
}

func TestQuittingWorksFromEverywhere(t *testing.T) {
	for _, keys := range [][]string{{"q"}, {"2", "enter", "q"}, {"3", "/", "ctrl+c"}, {"2", "enter", "m", "ctrl+c"}} {
		s := sitDown(t, acme(), 80, 24, Options{})
		if s.press(keys...); !s.quit {
			t.Errorf("%v does not quit", keys)
		}
	}
}

func TestEveryPageNamesItsCommandAndItsKeys(t *testing.T) {
	s := sitDown(t, acme(), 80, 24, Options{})
	for _, n := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"} {
		s.press(n).sees("Same as: rollcall ", "? help")
		s.press("?").sees("Keys").press("enter")
	}
}

func TestKeysOfAPageAreUnambiguous(t *testing.T) {
	s := sitDown(t, acme(), 80, 24, Options{})
	for _, keys := range [][]string{{"1"}, {"2"}, {"enter"}, {"3"}, {"enter"}, {"4"}, {"enter"}, {"5"}, {"6"}, {"enter"}, {"7"}, {"8"}, {"down"}, {"down"}, {"down"}, {"down"}, {"9"}, {"2"}, {"2"}, {"d"}} {
		s.press(keys...)
		seen := map[string]kit.Intent{}
		for _, b := range s.m.(*root).page().bindings() {
			for _, k := range b.Keys {
				if other, ok := seen[k]; ok {
					t.Errorf("after %v: %q means %q and %q", keys, k, other, b.Intent)
				}
				seen[k] = b.Intent
			}
		}
	}
}

func TestKeysThatMoveAndOpenAreKeptUntilThePageIsThere(t *testing.T) {
	s := sitDown(t, acme(), 80, 24, Options{})
	var waiting []tea.Msg
	early := func(k string) {
		m, cmd := s.m.Update(key(k))
		s.m = m
		waiting = append(waiting, run(cmd)...) // the answers come later
	}
	early("2")
	early("down")
	early("enter")
	s.settle(waiting...)
	s.sees("email recycled: Basil Placeholder", "2 RECORDS")
}

// slowPage is a page on which something can be changed although what it shows is not
// there yet.
type slowPage struct {
	page
	there bool
	did   []kit.Intent
}

func (p *slowPage) ready() bool { return p.there }
func (p *slowPage) bindings() kit.Keymap {
	return kit.Keymap{{Keys: []string{"enter"}, Intent: kit.Open}, {Keys: []string{"y"}, Intent: intentAccept, Mutates: true}, {Keys: []string{"u"}, Intent: intentUndo, Mutates: true}}
}
func (p *slowPage) do(intent kit.Intent) tea.Cmd { p.did = append(p.did, intent); return nil }

// TestKeysThatChangeAreNeverKept fails when a key that changes something is kept with
// those that move until the page is there: it would then be done to what nobody had
// seen when they pressed it.
func TestKeysThatChangeAreNeverKept(t *testing.T) {
	s := sitDown(t, acme(), 80, 24, Options{})
	s.press("2")
	m := s.m.(*root)
	slow := &slowPage{page: m.pages[onConflicts]}
	m.pages[onConflicts] = slow
	s.press("y", "enter", "u")
	slow.did, slow.there = nil, true
	s.pass(1)
	if len(slow.did) != 1 || slow.did[0] != kit.Open {
		t.Errorf("once the page was there, the keys pressed before did %q, want the opening alone", slow.did)
	}
}

func TestKeysThatArriveTogetherMeanWhatTheyMeanOneByOne(t *testing.T) {
	s := sitDown(t, acme(), 80, 24, Options{})
	s.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("2jj")})
	s.sees(">   Cleo Fictif")
	s.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("3/ada")})
	s.sees("Search: ada")
}

func TestPastedTextIsNeverKeys(t *testing.T) {
	f := acme()
	s := sitDown(t, f, 80, 24, Options{})
	s.press("2", "enter")
	s.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("my"), Paste: true})
	s.sees("Pasted text was dropped")
	if len(f.calls) > 0 || len(f.previews) > 0 {
		t.Errorf("pasting did %q", f.calls)
	}
	s.press("esc", "/")
	s.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("basil\nx"), Paste: true})
	s.sees("basil x")
}
