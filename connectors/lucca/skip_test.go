package lucca

import (
	"encoding/json"
	"strings"
	"testing"

	"rollcall/appliance/model"
)

func decoded(t testing.TB, text string) any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// bare are the forms of §3.4 of the reference, as JSON, and what each means.
var bare = []struct {
	json string
	want model.ScopeState
}{
	{`null`, model.InScope}, {`true`, model.OutOfScope}, {`false`, model.InScope},
	{`1`, model.OutOfScope}, {`0`, model.InScope}, {`"1"`, model.OutOfScope}, {`"0"`, model.InScope},
	{`"true"`, model.OutOfScope}, {`"false"`, model.InScope}, {`"TRUE"`, model.OutOfScope}, {`"False"`, model.InScope},
	{`"maybe"`, model.HeldScope}, {`""`, model.HeldScope}, {`"oui"`, model.HeldScope},
	{`2`, model.HeldScope}, {`-1`, model.HeldScope}, {`1.0`, model.HeldScope}, {`1e0`, model.HeldScope},
}

func TestSkipFieldIsReadInEveryForm(t *testing.T) {
	type form struct {
		json string
		want model.ScopeState
	}
	var forms []form
	for _, b := range bare {
		forms = append(forms, form{b.json, b.want},
			form{`{"id":15901,"value":` + b.json + `}`, b.want},
			form{`{"Value":` + b.json + `}`, b.want},
			form{`[` + b.json + `]`, b.want},
			form{`[{"id":1,"value":` + b.json + `}]`, b.want},
			form{`[{"value":false},{"value":` + b.json + `}]`, b.want},
			form{`[{"value":true},{"value":` + b.json + `}]`, model.OutOfScope})
	}
	forms = append(forms,
		form{`[]`, model.InScope},
		form{`{}`, model.HeldScope},
		form{`{"id":15901}`, model.HeldScope},
		form{`{"value":{"value":true}}`, model.HeldScope},
		form{`{"value":[true]}`, model.HeldScope},
		form{`[[true]]`, model.HeldScope},
		form{`{"e_other":{"value":true}}`, model.HeldScope},
		form{`["maybe",true]`, model.OutOfScope},
	)
	for _, f := range forms {
		got := scope("e_skip", decoded(t, f.json), true)
		if got.State != f.want {
			t.Errorf("%s: %q, want %q", f.json, got.State, f.want)
		}
		if (got.Reason == "") != (f.want == model.InScope) || got.Reason != "" && !strings.Contains(got.Reason, "e_skip") {
			t.Errorf("%s: reason %q does not name the field", f.json, got.Reason)
		}
	}
	if got := scope("e_skip", nil, false); got != (model.Scope{}) {
		t.Errorf("absent: %+v, want in scope", got)
	}
}

// FuzzSkipField holds the decoder to its safe side: whatever arrives, wrapping
// it changes nothing, one tick among several decides, and "in scope" is only
// said of what means no.
func FuzzSkipField(f *testing.F) {
	for _, b := range bare {
		f.Add(b.json)
		f.Add(`[{"id":1,"value":` + b.json + `},false]`)
	}
	no := map[string]bool{"false": true, "0": true}
	f.Fuzz(func(t *testing.T, text string) {
		dec := json.NewDecoder(strings.NewReader(text))
		dec.UseNumber()
		var v any
		if dec.Decode(&v) != nil {
			t.Skip()
		}
		got := scope("e_skip", v, true).State
		switch v := v.(type) {
		case map[string]any, []any:
		default:
			if wrapped := scope("e_skip", map[string]any{"value": v}, true).State; wrapped != got {
				t.Errorf("%s is %q and wrapped %q", text, got, wrapped)
			}
			if ticked := scope("e_skip", []any{v, true}, true).State; ticked != model.OutOfScope {
				t.Errorf("%s beside a tick is %q", text, ticked)
			}
			means, _ := scalar(v)
			if b, isBool := v.(bool); isBool && !b {
				means = "false"
			}
			if got == model.InScope && v != nil && !no[strings.ToLower(means)] {
				t.Errorf("%s is taken for no", text)
			}
		}
	})
}
