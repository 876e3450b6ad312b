package store

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"rollcall/appliance/model"
)

// TestRowsAreWrittenAsEncodingJSONWritesThem fails when what is written by hand differs
// from what reflection finds: with every field set, with each of them empty, and with
// texts that JSON spells in another way. So it fails, too, when a field is added and not
// written.
func TestRowsAreWrittenAsEncodingJSONWritesThem(t *testing.T) {
	written(t, func(v *model.Job) []byte { return v.AppendJSON(nil) })
	written(t, func(v *model.Desired) []byte { return v.AppendJSON(nil) })
	written(t, func(v *Change) []byte { return v.AppendJSON(nil) })
	written(t, func(v *model.Value) []byte { return v.AppendJSON(nil) })
	for _, text := range []string{"", "a\"b\\c", "<&>", "\u2028\u2029", "\x00\x1f\x7f", "bad \xff", "\u00e9\n", "\t"} {
		want, _ := json.Marshal(text)
		if got := model.AppendText(nil, text); string(got) != string(want) {
			t.Errorf("%q is written as %s", text, got)
		}
	}
	for _, at := range []time.Time{{}, time.Unix(1, 0).UTC(), time.Date(2026, 11, 22, 8, 0, 0, 120, time.FixedZone("", 3600))} {
		want, _ := json.Marshal(at)
		if got := model.AppendTime(nil, at); string(got) != string(want) {
			t.Errorf("%s is written as %s", want, got)
		}
	}
}

func written[V any](t *testing.T, write func(*V) []byte) {
	t.Helper()
	var full, empty V
	n := 0
	fill(reflect.ValueOf(&full).Elem(), &n)
	all := []V{full, empty}
	for i := range reflect.TypeFor[V]().NumField() {
		for _, but := range []V{full, empty} { // all but one field, and none but one
			other := full
			if reflect.DeepEqual(but, full) {
				other = empty
			}
			reflect.ValueOf(&but).Elem().Field(i).Set(reflect.ValueOf(other).Field(i))
			all = append(all, but)
		}
	}
	for _, v := range all {
		want, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if got := write(&v); string(got) != string(want) {
			t.Errorf("%T: %s is written as %s", v, want, got)
		}
	}
}
