package appliance

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"rollcall/appliance/admin"
)

// TestSpoolIsOneObjectInMemoryOrInAFile fails when an answer that went into a file on
// its way is not the one that was written, and when the file has a name.
func TestSpoolIsOneObjectInMemoryOrInAFile(t *testing.T) {
	for _, n := range []int{0, 1, 100, 50_000} {
		sp := spoolIn(t.TempDir())
		sp.list("none")
		sp.list("numbers")
		for i := range n {
			if err := sp.value(fmt.Sprint(i, strings.Repeat("x", 50))); err != nil {
				t.Fatal(err)
			}
		}
		sp.list("more")
		if err := sp.item([]byte(`{"a":1}`)); err != nil {
			t.Fatal(err)
		}
		if err := sp.end(map[string]int{"head": n}, "numbers"); err != nil {
			t.Fatal(err)
		}
		left, err := os.ReadDir(sp.dir)
		if err != nil || len(left) > 0 || (sp.file != nil) != (n == 50_000) {
			t.Errorf("%d items: files %v, %v; in a file %t", n, left, err, sp.file != nil)
		}
		var got struct {
			Head    int
			None    *[]string
			Numbers *[]string
			More    []map[string]int
		}
		var raw json.RawMessage
		if err := admin.Unspool(sp, &raw); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &got); err != nil || got.Head != n || got.None != nil || got.Numbers == nil || len(*got.Numbers) != n || len(got.More) != 1 {
			t.Fatalf("%d items: %v, head %d", n, err, got.Head)
		}
		for i, text := range *got.Numbers {
			if text != fmt.Sprint(i, strings.Repeat("x", 50)) {
				t.Fatalf("item %d is %s", i, text)
			}
		}
	}
}
