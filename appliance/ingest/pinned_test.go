package ingest

import (
	"encoding/json"
	"testing"

	"rollcall/appliance/model"
)

// FuzzDesiredAsJSON fails when a desired state is not written as encoding/json writes
// it: digests that are stored would not be found again.
func FuzzDesiredAsJSON(f *testing.F) {
	for _, s := range []string{"", "Zoë", "a\"b\\c", "<&>", "\u2028é", "\x00\x1f\x7f", "bad \xff", "é\n", "é<", "\xe2\x80\xa8"} {
		f.Add(s, "title", "x", true, true, byte(2))
	}
	f.Add("p", "custom.é", "Zoë", false, true, byte(0))
	f.Add("", "", "", false, false, byte(1))
	f.Fuzz(func(t *testing.T, person, name, text string, active, linked bool, attributes byte) {
		d := model.Desired{Person: model.PersonID(person), Active: active, Email: text + person}
		if attributes > 0 {
			d.Attributes = map[model.Name]string{}
		}
		for n := byte(1); n < attributes%64; n++ {
			d.Attributes[model.Name(name+string(rune('z'-n)))] = text[:min(len(text), int(n))]
		}
		if linked {
			d.Manager = &model.ManagerLink{Person: model.PersonID(text), Email: "never written", RemoteID: "nor this"}
		}
		want, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if got := d.AppendJSON(nil); string(got) != string(want) {
			t.Errorf("%s is written as %s", want, got)
		}
		outlook := Outlook{Have: &d}
		outlook.Projection.Effect, outlook.Projection.Want = model.EffectUpdate, d
		for range 2 {
			if want, err = json.Marshal(pinned{outlook.Projection.Effect, outlook.Projection.Want, outlook.Have}); err != nil {
				t.Fatal(err)
			}
			alone, _ := json.Marshal(d)
			if all, of := appendPinned(nil, &outlook); string(all) != string(want) || string(of) != string(alone) {
				t.Errorf("%s is pinned as %s, of which %s is wanted", want, all, of)
			}
			outlook.Have = nil
		}
	})
}
