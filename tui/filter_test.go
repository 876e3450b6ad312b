package tui

import (
	"strings"
	"testing"
)

// A list that is narrowed behaves the same on every page.
func TestEveryListIsNarrowedByTheSameKeys(t *testing.T) {
	for page, shown := range map[string]string{"2": " with ", "3": "Search: ", "5": " with ", "7": " with ", "9": " with "} {
		t.Run("page "+page, func(t *testing.T) {
			for _, end := range []string{"enter", "up", "down"} {
				s := sitDown(t, acme(), 100, 30, Options{})
				s.press(append(strings.Fields(page), "/")...).typeText("zqj")
				s.sees(shown + "zqj")
				if s.press(end); s.m.(*root).page().typing() {
					t.Fatalf("%s leaves the keys with what is typed", end)
				}
				s.sees(shown + "zqj") // the words stay
				if s.press("esc").missing("zqj"); s.m.(*root).page().typing() {
					t.Errorf("esc after %s begins to type", end)
				}
			}
			s := sitDown(t, acme(), 100, 30, Options{})
			s.press(append(strings.Fields(page), "/")...).typeText("zqj")
			if s.press("esc").missing("zqj"); s.m.(*root).page().typing() {
				t.Error("esc empties the line and goes on typing")
			}
		})
	}
}
