package kit

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestArrangeGivesEveryPartItsPlace(t *testing.T) {
	for _, tt := range []struct {
		w, h int
		want Frame
	}{
		{80, 24, Frame{Header: Rect{0, 0, 80, 1}, Tabs: Rect{0, 1, 80, 1}, Body: Rect{0, 2, 80, 20}, Note: Rect{0, 22, 80, 1}, Keys: Rect{0, 23, 80, 1}}},
		{200, 60, Frame{Header: Rect{0, 0, 200, 1}, Tabs: Rect{0, 1, 200, 1}, Body: Rect{0, 2, 200, 56}, Note: Rect{0, 58, 200, 1}, Keys: Rect{0, 59, 200, 1}}},
		{40, 12, Frame{TooSmall: true}},
		{MinWidth, MinHeight - 1, Frame{TooSmall: true}},
		{MinWidth - 1, MinHeight, Frame{TooSmall: true}},
	} {
		if diff := cmp.Diff(tt.want, Arrange(tt.w, tt.h)); diff != "" {
			t.Errorf("Arrange(%d, %d) (-want +got):\n%s", tt.w, tt.h, diff)
		}
	}
}

func TestArrangeCoversEveryWindowWithoutOverlap(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {40, 12}, {200, 60}, {72, 20}, {73, 21}} {
		f := Arrange(size[0], size[1])
		if f.TooSmall {
			continue
		}
		for y := range size[1] {
			in := 0
			for _, r := range []Rect{f.Header, f.Tabs, f.Body, f.Note, f.Keys} {
				if r.Contains(0, y) && r.Contains(size[0]-1, y) {
					in++
				}
			}
			if in != 1 {
				t.Errorf("%v: line %d is in %d parts", size, y, in)
			}
		}
	}
}

func TestWidthsDropTheLeastWantedColumnFirst(t *testing.T) {
	columns := []Column{{Title: "a", Min: 10, Flex: 1, Keep: 9}, {Title: "b", Min: 10, Keep: 1}, {Title: "c", Min: 10, Flex: 2, Keep: 5}}
	for _, tt := range []struct {
		w    int
		want []int
	}{
		{200, []int{66, 10, 122}}, {80, []int{26, 10, 42}}, {32, []int{10, 10, 10}}, {31, []int{13, 0, 16}},
		{20, []int{20, 0, 0}}, {5, []int{5, 0, 0}},
	} {
		got := Widths(tt.w, columns)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("Widths(%d) (-want +got):\n%s", tt.w, diff)
		}
		sum := -1
		for _, n := range got {
			if n > 0 {
				sum += n + 1
			}
		}
		if sum > tt.w {
			t.Errorf("Widths(%d) takes %d columns", tt.w, sum)
		}
	}
}

func TestCenterStaysInsideAtEverySize(t *testing.T) {
	for _, area := range []Rect{{0, 2, 80, 20}, {0, 2, 40, 8}, {0, 2, 200, 56}} {
		got := area.Center(60, 12)
		if !area.Contains(got.X, got.Y) || !area.Contains(got.X+got.W-1, got.Y+got.H-1) {
			t.Errorf("%v.Center(60, 12) = %v is not inside", area, got)
		}
	}
}
