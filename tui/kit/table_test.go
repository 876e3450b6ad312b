package kit

import (
	"fmt"
	"strings"
	"testing"

	"github.com/muesli/termenv"
)

// numbered is a list of n rows that counts how many were asked for.
type numbered struct {
	n     int
	asked *int
}

func (r numbered) Len() int { return r.n }
func (r numbered) Row(i int) ([]Span, bool) {
	*r.asked++
	return []Span{Text(Plain, fmt.Sprintf("row %d", i)), Text(Good, "山田太郎")}, i%7 != 6
}

func plainTable() (*Theme, Table) {
	return NewTheme(Appearance{Profile: termenv.Ascii, ASCII: true}), NewTable(Column{Title: "A", Min: 8, Flex: 1}, Column{Title: "B", Min: 5, Keep: 1})
}

func TestTableAsksOnlyForTheRowsOnTheScreen(t *testing.T) {
	theme, table := plainTable()
	asked := 0
	rows := numbered{100_000, &asked}
	for _, intent := range []Intent{Down, PageDown, End, Up, PageUp, Home} {
		table.Do(intent, rows.n)
		asked = 0
		table.View(theme, 80, 21, rows)
		if asked != 20 {
			t.Errorf("after %s: %d rows were asked for, want 20", intent, asked)
		}
	}
}

func TestTableKeepsTheCursorOnTheScreen(t *testing.T) {
	theme, table := plainTable()
	asked := 0
	rows := numbered{100, &asked}
	table.View(theme, 40, 11, rows)
	for _, intent := range []Intent{Down, Down, PageDown, PageDown, End, Up, PageUp, Home, Up, End, Down} {
		table.Do(intent, rows.n)
		view := theme.Render(table.View(theme, 40, 11, rows), 40, 11)
		if !strings.Contains(view, "\n> ") {
			t.Fatalf("after %s the cursor (row %d) is not on the screen:\n%s", intent, table.Cursor(), view)
		}
	}
	rows.n = 3 // the list has become shorter
	if view := theme.Render(table.View(theme, 40, 11, rows), 40, 11); !strings.Contains(view, "> row 2") {
		t.Errorf("the cursor did not follow the list:\n%s", view)
	}
}

func TestTableAlignsWideCharacters(t *testing.T) {
	theme, table := plainTable()
	asked := 0
	view := table.View(theme, 21, 3, numbered{2, &asked})
	for _, line := range view {
		if line.Width() != 21 {
			t.Errorf("%q is %d columns wide, want 21", line.Text(), line.Width())
		}
	}
	if got := view[1].Text(); !strings.HasSuffix(got, "山田~") {
		t.Errorf("the wide cell was cut to %q", got)
	}
}

func TestTableShowsARowOnItsWayAsDots(t *testing.T) {
	theme, table := plainTable()
	asked := 0
	if got := table.View(theme, 40, 9, numbered{8, &asked})[7].Text(); got != "  ~" {
		t.Errorf("got %q", got)
	}
}

func TestTableClickSelectsTheRowUnderIt(t *testing.T) {
	theme, table := plainTable()
	asked := 0
	rows := numbered{100, &asked}
	table.View(theme, 40, 11, rows)
	table.Do(End, rows.n)
	if !table.Click(1, rows.n) || table.Cursor() != 90 {
		t.Errorf("the first line is row %d, want 90", table.Cursor())
	}
	for _, y := range []int{0, -1, 11} {
		if table.Click(y, rows.n) {
			t.Errorf("line %d is no row", y)
		}
	}
}

func TestScrollEndsAtTheLastLine(t *testing.T) {
	theme, _ := plainTable()
	var block Block
	for i := range 30 {
		block = append(block, P(fmt.Sprint("line ", i)))
	}
	var s Scroll
	s.View(theme, block, 10)
	for range 100 {
		s.Do(Down, len(block))
	}
	got := s.View(theme, block, 10)
	if s.Top() != 20 || got[9].Text() != "line 29" {
		t.Errorf("top %d, last line %q", s.Top(), got[9].Text())
	}
	s.Do(Home, len(block))
	if got := s.View(theme, block, 10)[9].Text(); got != "~ 21 more lines" {
		t.Errorf("the last line says %q", got)
	}
}
