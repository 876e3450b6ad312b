package cli

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// column is one column of a [table].
type column struct {
	title string
	right bool // numbers
	flex  bool // may be cut to fit the terminal
}

// table is rows under titles, aligned.
type table struct {
	indent  string
	columns []column
	rows    [][]any // strings and styled texts
}

func (t *table) add(cells ...any) { t.rows = append(t.rows, cells) }

// minFlex is the width below which a column is not cut any further.
const minFlex = 8

// table prints t. On a terminal too narrow for it, the widest of the columns
// that may be cut are; what is left still too wide wraps by the terminal.
func (p *printer) table(t *table) {
	widths := make([]int, len(t.columns))
	for i, c := range t.columns {
		widths[i] = ansi.StringWidth(c.title)
		for _, r := range t.rows {
			widths[i] = max(widths[i], ansi.StringWidth(text(r[i])))
		}
	}
	t.fit(widths, p.width)
	titles := make([]any, len(t.columns))
	for i, c := range t.columns {
		titles[i] = faint(c.title)
	}
	p.row(t, widths, titles)
	for _, r := range t.rows {
		p.row(t, widths, r)
	}
}

func (t *table) fit(widths []int, limit int) {
	if limit <= 0 {
		return
	}
	total := ansi.StringWidth(t.indent) + 2*(len(widths)-1)
	for _, w := range widths {
		total += w
	}
	for ; total > limit; total-- {
		widest := -1
		for i, c := range t.columns {
			if c.flex && widths[i] > minFlex && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		widths[widest]--
	}
}

func (p *printer) row(t *table, widths []int, cells []any) {
	spans := []any{t.indent}
	for i, c := range cells {
		s := ansi.Truncate(text(c), widths[i], "…")
		pad := strings.Repeat(" ", widths[i]-ansi.StringWidth(s))
		var span any = s
		if st, ok := c.(styled); ok {
			span = styled{st.sgr, s}
		}
		switch {
		case t.columns[i].right:
			spans = append(spans, pad, span)
		case i == len(cells)-1:
			spans = append(spans, span)
		default:
			spans = append(spans, span, pad)
		}
		if i < len(cells)-1 {
			spans = append(spans, "  ")
		}
	}
	p.line(spans...)
}

// text returns what a cell shows, without its style.
func text(cell any) string {
	switch c := cell.(type) {
	case styled:
		return clean(c.text)
	case string:
		return clean(c)
	}
	return ""
}
