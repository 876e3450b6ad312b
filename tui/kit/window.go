package kit

import "slices"

// Window is a long list of which only the part around the screen is held. The
// list is read in chunks, each of which says where the next one starts (a
// cursor, as the daemon's pages do); the cursors of chunks passed are kept, the
// rows of chunks far away are not, so memory does not grow with the list.
//
// Window fetches nothing itself: [Window.Want] says what is missing and
// [Window.Put] takes the answer.
type Window[T any] struct {
	keep   int      // chunks held
	after  []string // cursor of each chunk whose start is known
	starts []int    // its first row; len(starts) == len(after)
	chunks map[int][]T
	total  int // rows read past so far
	ended  bool
}

// NewWindow returns an empty window that holds at most keep chunks; two for the
// screen and one on either side is a good number.
func NewWindow[T any](keep int) *Window[T] {
	w := &Window[T]{keep: max(keep, 2)}
	w.Reset()
	return w
}

// Reset forgets everything: the list is another one.
func (w *Window[T]) Reset() {
	w.after, w.starts = []string{""}, []int{0}
	w.chunks = map[int][]T{}
	w.total, w.ended = 0, false
}

// Len is how many rows are known to exist, and whether that is all of them.
func (w *Window[T]) Len() (n int, complete bool) { return w.total, w.ended }

// Held is how many rows are in memory.
func (w *Window[T]) Held() int {
	n := 0
	for _, rows := range w.chunks {
		n += len(rows)
	}
	return n
}

// At returns row i, false when it is not held.
func (w *Window[T]) At(i int) (row T, ok bool) {
	c := w.chunkOf(i)
	rows := w.chunks[c]
	if at := i - w.starts[c]; at >= 0 && at < len(rows) {
		return rows[at], true
	}
	return row, false
}

// chunkOf is the last chunk that starts at or before row i.
func (w *Window[T]) chunkOf(i int) int {
	c, found := slices.BinarySearch(w.starts, i)
	if !found {
		c--
	}
	return max(c, 0)
}

// Want names the first chunk that is missing to show the rows from first up to
// end, and the cursor to ask for it with; false when nothing is missing.
func (w *Window[T]) Want(first, end int) (chunk int, after string, ok bool) {
	for c := w.chunkOf(max(first, 0)); c < len(w.after) && (w.starts[c] < end || c == 0); c++ {
		if _, held := w.chunks[c]; !held {
			return c, w.after[c], true
		}
	}
	return 0, "", false
}

// Chunk returns the chunk that row i is in and its cursor, to read it again.
func (w *Window[T]) Chunk(i int) (chunk int, after string) {
	c := w.chunkOf(i)
	return c, w.after[c]
}

// Put takes the rows of a chunk and the cursor of the one after it, empty at
// the end of the list. When a chunk read again has another length or another
// successor, the list has changed and what lies behind is forgotten.
func (w *Window[T]) Put(chunk int, rows []T, next string) {
	if chunk >= len(w.after) {
		return // from before a Reset
	}
	last := chunk == len(w.after)-1
	if !last && (w.after[chunk+1] != next || w.starts[chunk+1] != w.starts[chunk]+len(rows)) {
		w.after, w.starts = w.after[:chunk+1], w.starts[:chunk+1]
		for c := range w.chunks {
			if c > chunk {
				delete(w.chunks, c)
			}
		}
		last = true
	}
	w.chunks[chunk] = rows
	if last {
		w.total = w.starts[chunk] + len(rows)
		w.ended = next == ""
		if !w.ended {
			w.after, w.starts = append(w.after, next), append(w.starts, w.total)
		}
	}
	w.evict(chunk)
}

// evict drops the chunks that are farthest from the one just put.
func (w *Window[T]) evict(near int) {
	for len(w.chunks) > w.keep {
		far := near
		for c := range w.chunks {
			if distance(c, near) > distance(far, near) || distance(c, near) == distance(far, near) && c < far {
				far = c
			}
		}
		delete(w.chunks, far)
	}
}

func distance(a, b int) int { return max(a-b, b-a) }
