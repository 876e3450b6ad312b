package kit

import (
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// served is a list of numbers in pages, as a daemon serves it.
func served(n, size int, after string) (rows []int, next string) {
	from := 0
	if after != "" {
		from, _ = strconv.Atoi(after)
	}
	to := min(from+size, n)
	for i := from; i < to; i++ {
		rows = append(rows, i)
	}
	if to < n {
		next = strconv.Itoa(to)
	}
	return rows, next
}

// show fetches what is missing for rows first to end, as a page does.
func show(t interface{ Fatalf(string, ...any) }, w *Window[int], n, size, first, end int) {
	for range 10 * (n/size + 2) {
		chunk, after, ok := w.Want(first, end)
		if !ok {
			return
		}
		rows, next := served(n, size, after)
		w.Put(chunk, rows, next)
	}
	t.Fatalf("rows %d to %d never arrive", first, end)
}

func TestWindowHoldsFewRowsOfALongList(t *testing.T) {
	const n, size, keep = 100_000, 200, 6
	w := NewWindow[int](keep)
	for first := 0; first < n; first += 1000 {
		show(t, w, n, size, first, min(first+40, n))
		if held := w.Held(); held > keep*size {
			t.Fatalf("%d rows are held, want at most %d", held, keep*size)
		}
		if got, ok := w.At(first); !ok || got != first {
			t.Fatalf("row %d is %d, %v", first, got, ok)
		}
	}
	show(t, w, n, size, 0, 40) // and back to the start, with the cursors kept
	if got, ok := w.At(0); !ok || got != 0 {
		t.Errorf("row 0 is %d, %v", got, ok)
	}
	show(t, w, n, size, n-40, n)
	if total, complete := w.Len(); total != n || !complete {
		t.Errorf("length %d, complete %v", total, complete)
	}
}

func TestWindowShowsTheListWhereverItLooks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, size := rapid.IntRange(0, 300).Draw(t, "n"), rapid.IntRange(1, 20).Draw(t, "size")
		w := NewWindow[int](rapid.IntRange(2, 5).Draw(t, "keep"))
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			if rapid.IntRange(0, 9).Draw(t, "change") == 0 { // people came or left
				n = rapid.IntRange(0, 300).Draw(t, "new n")
				chunk, after := w.Chunk(0)
				rows, next := served(n, size, after)
				w.Put(chunk, rows, next)
				continue
			}
			known, complete := w.Len()
			first := rapid.IntRange(0, max(known, 1)).Draw(t, "first")
			end := first + min(size, 5)
			if !complete {
				show(t, w, max(n, 1), size, first, end)
			}
			for i := first; i < end; i++ {
				if got, ok := w.At(i); ok && got != i {
					t.Fatalf("row %d is %d", i, got)
				}
			}
		}
	})
}

func TestWindowForgetsWhatLaysBehindAChangedChunk(t *testing.T) {
	w := NewWindow[int](10)
	show(t, w, 100, 10, 0, 50)
	w.Put(1, []int{10, 11}, "12") // eight people have gone
	if n, complete := w.Len(); n != 12 || complete {
		t.Errorf("length %d, complete %v", n, complete)
	}
	if _, ok := w.At(20); ok {
		t.Error("a row behind the change is still held")
	}
	if chunk, after, ok := w.Want(10, 14); !ok || chunk != 2 || after != "12" {
		t.Errorf("wants chunk %d after %q, %v", chunk, after, ok)
	}
}

func TestWindowIgnoresAnAnswerFromBeforeAReset(t *testing.T) {
	w := NewWindow[int](4)
	show(t, w, 100, 10, 0, 40)
	w.Reset()
	w.Put(3, []int{30}, "31")
	if n, _ := w.Len(); n != 0 || w.Held() != 0 {
		t.Errorf("%d rows known, %d held", n, w.Held())
	}
}
