package kit

// MinWidth and MinHeight are the smallest window in which the pages make sense:
// 80×24 less the lines and columns a multiplexer takes for itself.
const (
	MinWidth  = 72
	MinHeight = 20
)

// Rect is a part of the screen, in columns and lines from the upper left.
type Rect struct{ X, Y, W, H int }

// Contains reports whether the cell at x, y is inside.
func (r Rect) Contains(x, y int) bool {
	return x >= r.X && x < r.X+r.W && y >= r.Y && y < r.Y+r.H
}

// Inset takes n columns off both sides.
func (r Rect) Inset(n int) Rect {
	return Rect{X: r.X + n, Y: r.Y, W: max(r.W-2*n, 0), H: r.H}
}

// SplitTop cuts h lines off the top; the rest may be empty.
func (r Rect) SplitTop(h int) (top, rest Rect) {
	h = min(max(h, 0), r.H)
	return Rect{r.X, r.Y, r.W, h}, Rect{r.X, r.Y + h, r.W, r.H - h}
}

// SplitLeft cuts w columns off the left; the rest may be empty.
func (r Rect) SplitLeft(w int) (left, rest Rect) {
	w = min(max(w, 0), r.W)
	return Rect{r.X, r.Y, w, r.H}, Rect{r.X + w, r.Y, r.W - w, r.H}
}

// Frame is where the parts of the screen go. They do not overlap and cover it.
type Frame struct {
	Header Rect // health, freshness
	Tabs   Rect // the pages
	Body   Rect // the page
	Note   Rect // what just happened, or the command that does the same
	Keys   Rect // the keys that apply
	// TooSmall says that the window is below the minimum; the parts are then empty.
	TooSmall bool
}

// Arrange lays out a window of w columns and h lines.
func Arrange(w, h int) Frame {
	if w < MinWidth || h < MinHeight {
		return Frame{TooSmall: true}
	}
	all := Rect{W: w, H: h}
	var f Frame
	f.Header, all = all.SplitTop(1)
	f.Tabs, all = all.SplitTop(1)
	f.Body, all = all.SplitTop(all.H - 2)
	f.Note, f.Keys = all.SplitTop(1)
	return f
}

// Center returns a rectangle of at most w × h in the middle of r.
func (r Rect) Center(w, h int) Rect {
	w, h = min(w, r.W), min(h, r.H)
	return Rect{X: r.X + (r.W-w)/2, Y: r.Y + (r.H-h)/2, W: w, H: h}
}

// Column is one column of a table.
type Column struct {
	Title string
	Min   int  // columns it needs to make sense; it goes when it cannot have them
	Flex  int  // its share of what is left, 0 for none
	Right bool // aligned to the right: numbers
	// Keep is how long the column stays when the window gets narrow: the lowest
	// goes first, and of equals the last.
	Keep int
}

// Widths gives each column its width so that together, with one blank between
// neighbours, they take at most w. A column that does not fit has width 0; the
// last one left is never dropped.
func Widths(w int, columns []Column) []int {
	kept := make([]bool, len(columns))
	for i := range kept {
		kept[i] = true
	}
	need := func() (sum, n, flex int) {
		for i, c := range columns {
			if kept[i] {
				sum, n, flex = sum+c.Min, n+1, flex+c.Flex
			}
		}
		return sum + max(n-1, 0), n, flex
	}
	sum, n, flex := need()
	for sum > w && n > 1 {
		drop := -1
		for i, c := range columns {
			if kept[i] && (drop < 0 || c.Keep <= columns[drop].Keep) {
				drop = i
			}
		}
		kept[drop] = false
		sum, n, flex = need()
	}
	widths := make([]int, len(columns))
	spare := max(w-sum, 0)
	for i, c := range columns {
		if !kept[i] {
			continue
		}
		widths[i] = min(c.Min, w)
		if flex > 0 {
			widths[i] += spare * c.Flex / flex
		}
	}
	return widths
}
