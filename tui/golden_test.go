package tui

import (
	"fmt"
	"testing"

	"github.com/charmbracelet/x/exp/golden"

	"rollcall/tui/kit"
)

// The screens are kept in testdata; go test -update draws them anew.
func TestScreensLookAsReviewed(t *testing.T) {
	screens := []struct {
		name   string
		client func() *fake
		o      Options
		do     func(s *session)
	}{
		{name: "overview", do: func(*session) {}},
		{name: "first_steps", client: blankSlate, do: func(*session) {}},
		{name: "conflicts", do: func(s *session) { s.press("2") }},
		{name: "conflict", do: func(s *session) { s.press("2", "enter") }},
		{name: "conflict_preview", do: func(s *session) { s.press("2", "enter", "m") }},
		{name: "people", do: func(s *session) { s.press("3", "/").typeText("example") }},
		{name: "people_worldwide", client: worldwide, do: func(s *session) { s.press("3") }},
		{name: "nothing_configured", client: func() *fake { return &fake{} }, do: func(*session) {}},
		{name: "person", do: func(s *session) { s.press("3", "enter") }},
		{name: "person_accounts", do: func(s *session) { s.press("3", "enter", "right", "right") }},
		{name: "plan", do: func(s *session) { s.press("4") }},
		{name: "plan_pending", do: func(s *session) { s.press("4", "down", "enter", "enter") }},
		{name: "hold", do: func(s *session) { s.press("4", "enter", "a") }},
		{name: "activate", do: func(s *session) { s.press("4", "down", "down", "enter", "a") }},
		{name: "readiness", do: func(s *session) { s.press("4", "G", "enter", "enter", "down") }},
		{name: "undo_run", do: func(s *session) { s.press("6", "enter", "u") }},
		{name: "hold_by_department", do: func(s *session) { s.press("4", "enter", "v", " ", "enter") }},
		{name: "deliveries", do: func(s *session) { s.press("5") }},
		{name: "delivery", do: func(s *session) { s.press("5", "enter") }},
		{name: "runs", do: func(s *session) { s.press("6") }},
		{name: "run", do: func(s *session) { s.press("6", "enter") }},
		{name: "journal", do: func(s *session) { s.press("7") }},
		{name: "source", do: func(s *session) { s.press("8", "down") }},
		{name: "check", do: func(s *session) { s.press("8", "c") }},
		{name: "groups", client: grouped, do: func(s *session) { atTarget(s).press("o") }},
		{name: "group", client: grouped, do: func(s *session) { atTarget(s).press("o", "down", "enter") }},
		{name: "drift", client: grouped, do: func(s *session) { atTarget(s).press("d") }},
		{name: "token", do: func(s *session) { s.press("8", "down", "t", "enter") }},
		{name: "decisions", do: func(s *session) { s.press("2", "d") }},
		{name: "person_history", do: func(s *session) { s.press("3", "enter", "right", "right", "right") }},
		{name: "person_timeline", do: func(s *session) { s.press("3", "enter", "left") }},
		{name: "requests", do: func(s *session) { s.press("9", "down", "down") }},
		{name: "help", do: func(s *session) { s.press("2", "?") }},
		{name: "read_only", o: Options{ReadOnly: true}, do: func(s *session) { s.press("2", "enter") }},
		{name: "unreachable", do: func(s *session) {
			s.m.(*root).env.client.(*fake).down = errDown
			s.pass(5)
		}},
	}
	looks := []struct {
		name string
		kit.Appearance
	}{{"ascii", plainLook}, {"256", colourLook}}
	for _, look := range looks {
		for _, size := range [][2]int{{80, 24}, {160, 50}} {
			for _, sc := range screens {
				t.Run(fmt.Sprintf("%s_%dx%d_%s", look.name, size[0], size[1], sc.name), func(t *testing.T) {
					client := acme
					if sc.client != nil {
						client = sc.client
					}
					o := sc.o
					o.Appearance = &look.Appearance
					s := sitDown(t, client(), size[0], size[1], o)
					sc.do(s)
					golden.RequireEqualEscape(t, []byte(s.screen()+"\n"), true)
				})
			}
		}
	}
}
