package admin_test

import (
	"errors"
	"slices"
	"testing"

	"rollcall/appliance/admin"
)

// TestAListIsReadItemByItemBehindItsHead fails when an item comes before what was
// written before its list, or when what the reader says about one is lost.
func TestAListIsReadItemByItemBehindItsHead(t *testing.T) {
	type answer struct {
		Name   string `json:"name"`
		Others []int  `json:"others,omitempty"`
		Items  []int  `json:"items"`
	}
	enough := errors.New("enough")
	for _, c := range []struct {
		items []int
		stop  int // at the item with this value
		want  []int
	}{{[]int{4, 5, 6}, 0, []int{4, 5, 6}}, {[]int{}, 0, nil}, {[]int{4, 5, 6}, 5, []int{4, 5}}} {
		s, err := admin.InMemory(answer{"a name", []int{1, 2}, c.items})
		if err != nil {
			t.Fatal(err)
		}
		var head answer
		var got []int
		err = admin.UnspoolEach(s, &head, "items", func(n int) error {
			if got = append(got, n); head.Name != "a name" || len(head.Others) != 2 {
				t.Errorf("item %d comes before its head: %+v", n, head)
			}
			if n == c.stop {
				return enough
			}
			return nil
		})
		if !slices.Equal(got, c.want) || (c.stop == 0) != (err == nil) || c.stop != 0 && !errors.Is(err, enough) || head.Name != "a name" {
			t.Errorf("of %v: %v, %v, head %+v", c.items, got, err, head)
		}
	}
}
