package kit

// Rows is what a [Table] shows. Only rows on the screen are asked for.
type Rows interface {
	// Len is how many rows there are, as far as is known.
	Len() int
	// Row returns a span for each column, false while the row is being fetched.
	Row(i int) ([]Span, bool)
}

// Table is a list with columns, a cursor and a position. What it shows is
// handed in each time, so that it can never be out of step with it.
type Table struct {
	columns Grid
	cursor  int
	top     int
	height  int // rows drawn last, which paging needs
}

// NewTable makes a table of these columns.
func NewTable(columns ...Column) Table { return Table{columns: columns, height: 1} }

// SetColumns changes the columns and keeps the cursor.
func (t *Table) SetColumns(columns ...Column) { t.columns = columns }

// Cursor is the row the cursor is on.
func (t *Table) Cursor() int { return t.cursor }

// Visible returns the first row on the screen and the one after the last.
func (t *Table) Visible() (first, end int) { return t.top, t.top + t.height }

// Select puts the cursor on row i of n.
func (t *Table) Select(i, n int) {
	t.cursor = max(min(i, n-1), 0)
	t.scroll(n)
}

// Do moves the cursor and reports whether the intent was one of moving.
func (t *Table) Do(intent Intent, n int) bool {
	page := max(t.height-1, 1)
	switch intent {
	case Up:
		t.Select(t.cursor-1, n)
	case Down:
		t.Select(t.cursor+1, n)
	case PageUp:
		t.Select(t.cursor-page, n)
	case PageDown:
		t.Select(t.cursor+page, n)
	case Home:
		t.Select(0, n)
	case End:
		t.Select(n-1, n)
	default:
		return false
	}
	return true
}

// Click puts the cursor on the row drawn at line y of the view and reports
// whether there is one; the heading is line 0.
func (t *Table) Click(y, n int) bool {
	if i := t.top + y - 1; y > 0 && y <= t.height && i < n {
		t.Select(i, n)
		return true
	}
	return false
}

func (t *Table) scroll(n int) {
	if t.cursor < t.top {
		t.top = t.cursor
	}
	if t.cursor >= t.top+t.height {
		t.top = t.cursor - t.height + 1
	}
	t.top = max(min(t.top, n-t.height), 0)
}

// View draws the heading and h-1 rows in w columns.
func (t *Table) View(theme *Theme, w, h int, rows Rows) Block {
	t.height = max(h-1, 1)
	n := rows.Len()
	t.Select(t.cursor, n)
	block := Block{t.columns.Heading(theme, w)}
	widths := Widths(w-2, t.columns)
	for i := t.top; i < min(t.top+t.height, n); i++ {
		selected := i == t.cursor
		if cells, ok := rows.Row(i); ok {
			block = append(block, t.columns.line(theme, widths, cells, selected))
			continue
		}
		block = append(block, Line{Selected: selected, Spans: []Span{margin(theme, selected), Text(Faint, theme.Signs.Ellipsis)}})
	}
	return block
}

// Grid is columns without a cursor: for lists that are part of something longer.
type Grid []Column

// Heading draws the titles in w columns.
func (g Grid) Heading(theme *Theme, w int) Line {
	titles := make([]Span, len(g))
	for i, c := range g {
		titles[i] = Text(Faint, c.Title)
	}
	return g.Line(theme, w, titles, false)
}

// Line draws one row in w columns, the first two of which are the margin where
// the cursor is marked.
func (g Grid) Line(theme *Theme, w int, cells []Span, selected bool) Line {
	return g.line(theme, Widths(w-2, g), cells, selected)
}

func (g Grid) line(theme *Theme, widths []int, cells []Span, selected bool) Line {
	spans := make([]Span, 1, 3*len(widths)+1)
	spans[0] = margin(theme, selected)
	for c, cell := range cells {
		if c < len(widths) {
			spans = appendCell(theme, spans, cell, widths[c], g[c].Right)
		}
	}
	return Line{Spans: spans, Selected: selected}
}

func margin(theme *Theme, selected bool) Span {
	if selected {
		return Text(Accent, theme.Signs.Cursor+" ")
	}
	return Span{Text: "  "}
}

// appendCell fits one cell into width columns; cells after the first, which is
// behind the margin, are parted by a blank.
func appendCell(theme *Theme, spans []Span, cell Span, width int, right bool) []Span {
	if width == 0 {
		return spans
	}
	if len(spans) > 1 {
		spans = append(spans, Span{Text: " "})
	}
	text := Truncate(Clean(cell.Text), width, theme.Signs.Ellipsis)
	pad := width - Width(text)
	if right {
		return append(spans, Span{Text: spaces(pad)}, Span{text, cell.Role})
	}
	return append(spans, Span{text, cell.Role}, Span{Text: spaces(pad)})
}

// Cells is a row of fixed cells, for tables small enough to be built whole.
type Cells [][]Span

// Len returns the number of rows.
func (c Cells) Len() int { return len(c) }

// Row returns row i.
func (c Cells) Row(i int) ([]Span, bool) { return c[i], true }

// Scroll is a position in a block that is taller than its place.
type Scroll struct {
	top    int
	height int // lines drawn last
}

// Do moves and reports whether the intent was one of moving; n is the height
// of the block.
func (s *Scroll) Do(intent Intent, n int) bool {
	switch intent {
	case Up:
		s.top--
	case Down:
		s.top++
	case PageUp:
		s.top -= max(s.height-1, 1)
	case PageDown:
		s.top += max(s.height-1, 1)
	case Home:
		s.top = 0
	case End:
		s.top = n
	default:
		return false
	}
	s.clamp(n)
	return true
}

// Show moves as little as needed for line y of n to be seen in a place of h lines.
func (s *Scroll) Show(y, n, h int) {
	s.height = max(h, 1)
	if y < s.top {
		s.top = y
	}
	if y >= s.top+s.height {
		s.top = y - s.height + 1
	}
	s.clamp(n)
}

// Top is the first line shown.
func (s *Scroll) Top() int { return s.top }

// AtEnd reports whether the last of n lines is on the screen.
func (s *Scroll) AtEnd(n int) bool { return s.top+s.height >= n }

func (s *Scroll) clamp(n int) { s.top = max(min(s.top, n-s.height), 0) }

// Window takes the height of the place and returns the first line to draw, for
// a long text of n lines of which only those in sight are made.
func (s *Scroll) Window(n, h int) (top int) {
	atEnd := s.height > 0 && s.AtEnd(n)
	s.height = max(h, 1)
	if atEnd {
		s.top = n
	}
	s.clamp(n)
	return s.top
}

// View returns the h lines of b at the position, with a note in the last line
// when more follow.
func (s *Scroll) View(theme *Theme, b Block, h int) Block {
	s.height = max(h, 1)
	s.clamp(len(b))
	out := b[s.top:min(s.top+s.height, len(b))].Take(h)
	if below := len(b) - s.top - s.height; below > 0 && h > 0 {
		out[h-1] = L(Text(Faint, theme.Signs.Ellipsis+" "+Plural(below+1, "more line", "more lines")))
	}
	return out
}
