package tui

import (
	"context"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/muesli/termenv"

	"rollcall/tui/kit"
)

// session is an operator at a terminal, without the terminal: every key is
// handled, and every command it causes is run, before the next one.
type session struct {
	t    testing.TB
	m    tea.Model
	now  time.Time
	quit bool
}

var (
	plainLook  = kit.Appearance{Profile: termenv.Ascii, ASCII: true}
	colourLook = kit.Appearance{Profile: termenv.ANSI256, Dark: true}
)

// sitDown opens the terminal UI in a window of w × h.
func sitDown(t testing.TB, client Client, w, h int, o Options) *session {
	t.Helper()
	if o.Appearance == nil {
		o.Appearance = &plainLook
	}
	m := newRoot(context.Background(), client, o, noon)
	s := &session{t: t, m: m, now: noon}
	s.send(tea.WindowSizeMsg{Width: w, Height: h})
	s.settle(run(m.Init())...)
	return s
}

// settle feeds messages to the model and runs the commands it returns until
// none is left.
func (s *session) settle(queue ...tea.Msg) {
	s.t.Helper()
	for n := 0; len(queue) > 0; n++ {
		if n > 5000 {
			s.t.Fatal("the model never settles")
		}
		if _, ok := queue[0].(tea.QuitMsg); ok {
			s.quit = true
			return
		}
		var cmd tea.Cmd
		s.m, cmd = s.m.Update(queue[0])
		queue = append(queue[1:], run(cmd)...)
	}
}

// run runs a command and unpacks batches of them.
func run(cmd tea.Cmd) []tea.Msg {
	if cmd == nil {
		return nil
	}
	switch msg := cmd().(type) {
	case nil:
		return nil
	case tea.BatchMsg:
		var out []tea.Msg
		for _, c := range msg {
			out = append(out, run(c)...)
		}
		return out
	default:
		return []tea.Msg{msg}
	}
}

func (s *session) send(msg tea.Msg) {
	s.t.Helper()
	s.settle(msg)
}

// press presses keys, drawing the screen after each as a terminal would.
func (s *session) press(keys ...string) *session {
	s.t.Helper()
	for _, k := range keys {
		s.send(key(k))
		_ = s.m.View()
	}
	return s
}

// typeText types letters.
func (s *session) typeText(text string) *session {
	s.t.Helper()
	for _, r := range text {
		s.press(string(r))
	}
	return s
}

// pass lets seconds pass, one tick each.
func (s *session) pass(seconds int) *session {
	s.t.Helper()
	for range seconds {
		s.now = s.now.Add(time.Second)
		s.send(tick(s.now))
	}
	return s
}

func (s *session) screen() string { return s.m.View() }

// sees fails unless all of the texts are on the screen, wrapped or not.
func (s *session) sees(texts ...string) *session {
	s.t.Helper()
	screen := s.screen()
	var unwrapped []string
	for line := range strings.Lines(screen) {
		unwrapped = append(unwrapped, strings.Trim(line, " |\n"))
	}
	for _, text := range texts {
		if !strings.Contains(screen, text) && !strings.Contains(strings.Join(unwrapped, " "), text) {
			s.t.Fatalf("the screen does not show %q:\n%s", text, screen)
		}
	}
	return s
}

// missing fails if one of the texts is on the screen.
func (s *session) missing(texts ...string) *session {
	s.t.Helper()
	screen := s.screen()
	for _, text := range texts {
		if strings.Contains(screen, text) {
			s.t.Fatalf("the screen shows %q:\n%s", text, screen)
		}
	}
	return s
}

func key(name string) tea.KeyMsg {
	types := map[string]tea.KeyType{
		"enter": tea.KeyEnter, "esc": tea.KeyEsc, "up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft, "right": tea.KeyRight,
		"tab": tea.KeyTab, "shift+tab": tea.KeyShiftTab, "backspace": tea.KeyBackspace, "pgdown": tea.KeyPgDown, "pgup": tea.KeyPgUp,
		"home": tea.KeyHome, "end": tea.KeyEnd, "ctrl+c": tea.KeyCtrlC, "ctrl+r": tea.KeyCtrlR, "ctrl+u": tea.KeyCtrlU, "ctrl+w": tea.KeyCtrlW,
	}
	if kind, ok := types[name]; ok {
		return tea.KeyMsg{Type: kind}
	}
	if name == " " {
		return tea.KeyMsg{Type: tea.KeySpace, Runes: []rune{' '}}
	}
	return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(name)}
}
