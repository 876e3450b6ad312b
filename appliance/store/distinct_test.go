package store

import (
	"fmt"
	"slices"
	"testing"

	"rollcall/appliance/model"
)

// TestDistinctKeysOfAnIndex fails when a key comes twice or never, be it that another
// begins with it.
func TestDistinctKeysOfAnIndex(t *testing.T) {
	s := open(t)
	update(t, s, func(tx *Tx) error {
		for i, keys := range [][]string{{"a"}, {"a", "ab"}, {"ab"}, nil, {"a", "b", "b2"}} {
			id := model.RecordID(fmt.Sprint("r", i))
			if err := Records.Put(tx, id, model.Record{ID: id, Source: "hr", Native: fmt.Sprint(i), ManagerKeys: keys}); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, s, func(tx *Tx) error {
		var got []string
		for k, err := range RecordByManagerKey.Distinct(tx) {
			if err != nil {
				return err
			}
			got = append(got, string(k))
		}
		if want := []string{"a", "ab", "b", "b2"}; !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		return nil
	})
}
