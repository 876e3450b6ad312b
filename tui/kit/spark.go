package kit

import "strings"

// Spark draws values, oldest first, as one line of at most w bars. When there
// are more values than columns, neighbours are added up. Zero is always the
// lowest bar and anything above zero is above it, so that one event is seen
// beside a thousand.
func Spark(values []int, w int, ascii bool) string {
	bars := []rune("▁▂▃▄▅▆▇█")
	if ascii {
		bars = []rune("_.:-=+*#")
	}
	if w <= 0 || len(values) == 0 {
		return ""
	}
	columns := min(w, len(values))
	sums := make([]int, columns)
	for i, v := range values {
		sums[i*columns/len(values)] += max(v, 0)
	}
	top := 0
	for _, v := range sums {
		top = max(top, v)
	}
	var out strings.Builder
	for _, v := range sums {
		level := 0
		if v > 0 {
			level = 1 + (v-1)*(len(bars)-2)/max(top-1, 1)
		}
		out.WriteRune(bars[min(level, len(bars)-1)])
	}
	return out.String()
}

// Progress draws done of total as a bar of w columns: "[####....]".
func Progress(theme *Theme, done, total, w int) []Span {
	if total <= 0 || w < 3 {
		return nil
	}
	full, empty := "█", "░"
	if theme.ASCII {
		full, empty = "#", "."
	}
	n := min(max(done, 0), total) * (w - 2) / total
	return []Span{
		Text(Faint, "["), Text(Accent, strings.Repeat(full, n)),
		Text(Faint, strings.Repeat(empty, w-2-n)+"]"),
	}
}
