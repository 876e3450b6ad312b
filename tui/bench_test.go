package tui

import (
	"testing"

	tea "github.com/charmbracelet/bubbletea"
)

// frame is how long a key may take to be answered: one of sixty a second.
// Benchmarks report how many frames one key takes as "frames/key".
const frame = 16.0e6 // nanoseconds

// huge is an appliance of a hundred thousand people in trouble.
func huge() *fake {
	f := acme()
	f.count, f.status.People.Total = 100_000, 100_000
	f.conflicts, f.events, f.plan = manyConflicts(1000), manyEvents(10_000), manyChanges(100_000)
	for len(f.pending) < 1000 {
		f.pending = append(f.pending, f.pending[:13]...)
	}
	return f
}

// BenchmarkKey presses keys on each page of a huge appliance, in a large window
// with colours, and draws the screen after each one.
func BenchmarkKey(b *testing.B) {
	for _, bb := range []struct {
		name  string
		setUp []string
		keys  []string
	}{
		{"overview", []string{"1"}, []string{"j", "k"}},
		{"conflicts_move", []string{"2"}, []string{"j", "pgdown", "G", "g"}},
		{"conflicts_filter", []string{"2", "/"}, []string{"c", "l", "backspace", "backspace"}},
		{"conflict_move", []string{"2", "enter"}, []string{"j", "right", "k", "left"}},
		{"conflict_preview", []string{"2", "enter"}, []string{"m", "esc"}},
		{"people_move", []string{"3"}, []string{"j", "pgdown", "pgdown", "g"}},
		{"people_search", []string{"3", "/"}, []string{"c", "backspace"}},
		{"person", []string{"3", "enter"}, []string{"right", "j"}},
		{"plan_100000", []string{"4", "down", "enter", "enter"}, []string{"j", "pgdown", "G", "g"}},
		{"plan_open_75000", []string{"4", "down", "enter", "down"}, []string{"enter", "enter"}},
		{"deliveries", []string{"5"}, []string{"j", "pgdown", "g"}},
		{"journal_move", []string{"7"}, []string{"k", "pgup", "g", "G"}},
		{"journal_filter", []string{"7", "/"}, []string{"9", "9", "backspace", "backspace"}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			s := sitDown(b, huge(), 160, 50, Options{Appearance: &colourLook})
			s.press(bb.setUp...)
			b.ReportAllocs()
			b.ResetTimer()
			n := 0
			for b.Loop() {
				// What the key asks of the appliance is no part of its answer.
				m, _ := s.m.Update(key(bb.keys[n%len(bb.keys)]))
				_ = m.View()
				n++
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n)/frame, "frames/key")
		})
	}
}

// BenchmarkAnswer takes the largest answers that arrive while a key may be pressed,
// and draws the screen after each.
func BenchmarkAnswer(b *testing.B) {
	open := func(keys ...string) *session {
		s := sitDown(b, huge(), 160, 50, Options{Appearance: &colourLook})
		return s.press(keys...)
	}
	pages := func(s *session) [places]page { return s.m.(*root).pages }
	for _, bb := range []struct {
		name string
		keys []string
		ask  func(*session) tea.Cmd
	}{
		{"status", []string{"1"}, func(s *session) tea.Cmd { return s.m.(*root).askStatus() }},
		{"conflicts_1000", []string{"2"}, func(s *session) tea.Cmd { return pages(s)[onConflicts].(*conflicts).ask() }},
		{"people_chunk", []string{"3"}, func(s *session) tea.Cmd { return pages(s)[onPeople].(*people).refresh() }},
		{"plan_10000", []string{"4", "down", "enter"}, func(s *session) tea.Cmd {
			s.m.(*root).env.client.(*fake).plan = manyChanges(10_000)
			return pages(s)[onPlan].(*plan).askDetail()
		}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			s := open(bb.keys...)
			n := 0
			for b.Loop() {
				b.StopTimer()
				messages := run(bb.ask(s)) // the appliance and the line, not ours
				b.StartTimer()
				for _, msg := range messages {
					s.m, _ = s.m.Update(msg)
				}
				_ = s.m.View()
				n++
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n)/frame, "frames/answer")
		})
	}
}

// BenchmarkJournalMinute takes a minute of a busy appliance's journal, 10,000
// lines in answers of 170, and draws the screen after each.
func BenchmarkJournalMinute(b *testing.B) {
	s := sitDown(b, huge(), 160, 50, Options{Appearance: &colourLook})
	s.press("7")
	j := s.m.(*root).pages[onJournal].(*journal)
	b.ReportAllocs()
	for b.Loop() {
		for range 59 {
			events := manyEvents(170)
			for i := range events {
				events[i].Seq += uint64(j.last)
			}
			j.add(events)
			_ = s.m.View()
		}
	}
	b.ReportMetric(float64(len(j.events)), "events-held")
}

// BenchmarkResize draws every page in a window that keeps changing its size.
func BenchmarkResize(b *testing.B) {
	s := sitDown(b, huge(), 160, 50, Options{Appearance: &colourLook})
	n := 0
	for b.Loop() {
		s.press(string(rune('1' + n%9)))
		m, _ := s.m.Update(tea.WindowSizeMsg{Width: 80 + n%120, Height: 24 + n%40})
		_ = m.View()
		n++
	}
}
