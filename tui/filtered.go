package tui

import (
	"slices"

	tea "github.com/charmbracelet/bubbletea"

	"rollcall/tui/kit"
)

// filtered is a list that is held whole, narrowed by the words typed into a field,
// and shown as a table.
type filtered[T any] struct {
	env     *env
	list    slot[[]T]
	table   kit.Table
	shown   []int // indexes into list.value that match the filter
	filter  filter
	tableAt int // line of the body where the table begins

	// words are what the filter looks into, same whether two rows are of one thing.
	words func(T) []string
	same  func(a, b T) bool
}

func newFiltered[T any](e *env, words func(T) []string, same func(a, b T) bool, columns ...kit.Column) filtered[T] {
	return filtered[T]{env: e, filter: newFilter(100), table: kit.NewTable(columns...), words: words, same: same}
}

// takeList stores an answer that is for the list, and keeps the cursor on what it was
// on: a key pressed now must not mean another row. stay tells of a cursor that keeps
// its place instead.
func (f *filtered[T]) takeList(msg tea.Msg, stay func(cursor int) bool) {
	under, ok := f.current()
	if !f.list.take(f.env, msg) {
		return
	}
	f.refilter()
	at := slices.IndexFunc(f.shown, func(i int) bool { return f.same(f.list.value[i], under) })
	if ok && at >= 0 && (stay == nil || !stay(f.table.Cursor())) {
		f.table.Select(at, len(f.shown))
	}
}

func (f *filtered[T]) refilter() {
	f.shown = f.shown[:0]
	for i, x := range f.list.value {
		if matches(f.filter.words(), f.words(x)...) {
			f.shown = append(f.shown, i)
		}
	}
	f.table.Select(f.table.Cursor(), len(f.shown))
}

// current is the row at the cursor.
func (f *filtered[T]) current() (T, bool) {
	if i := f.table.Cursor(); i < len(f.shown) && f.shown[i] < len(f.list.value) {
		return f.list.value[f.shown[i]], true
	}
	var none T
	return none, false
}

func (f *filtered[T]) ready() bool  { return f.list.loaded }
func (f *filtered[T]) typing() bool { return f.filter.typing() }

func (f *filtered[T]) key(msg tea.KeyMsg) tea.Cmd {
	if f.filter.key(msg) {
		f.refilter()
	}
	return nil
}

// clicked reports whether a press is on the row that the cursor was on already, which
// opens it.
func (f *filtered[T]) clicked(y int) bool {
	before := f.table.Cursor()
	return f.table.Click(y-f.tableAt, len(f.shown)) && before == f.table.Cursor()
}

// headline is the first line: how many there are of what, and the filter. At most so
// many are asked for, the first or the last.
func (f *filtered[T]) headline(one, many, which string, asked, w int) kit.Line {
	what := many
	if len(f.shown) == 1 {
		what = one
	}
	n := kit.Count(len(f.shown))
	if len(f.list.value) >= asked {
		n = which + " " + n
	}
	left := kit.L(kit.Text(kit.Strong, " "+n+" "+what))
	f.filter.with(&left, f.env, w)
	return kit.Justify(left, kit.L(kit.Text(kit.Faint, "as of "+f.env.clock(f.list.at)+" ")), w)
}

// under draws the table with a foot below it.
func (f *filtered[T]) under(block, foot kit.Block, rows kit.Rows, w, h int) kit.Block {
	f.tableAt = len(block)
	table := f.table.View(f.env.theme, w, h-len(block)-len(foot), rows).Take(h - len(block) - len(foot))
	return append(append(block, table...), foot...)
}

func (f *filtered[T]) Len() int { return len(f.shown) }
