package ingest

import (
	"testing"

	"rollcall/appliance/model"
)

func TestDigestCoversWhatAnObservationSays(t *testing.T) {
	base := func() model.Observation {
		return model.Observation{Native: "1", Document: []byte(`{"a":1}`), Status: model.Active, RawStatus: "employed",
			Attributes: model.Attributes{model.Email: model.Text("a@acme.example"), model.Title: model.Null(), "custom.b": model.Text("1"), "custom.a": model.Text("2"),
				model.Manager: {Text: "x", Refs: []model.Reference{{By: model.RefNative, Value: "2"}}}},
			Scope: model.Scope{State: model.HeldScope, Reason: "why"}, Names: []model.Reference{{By: model.RefUserName, Value: "ada"}}, Notices: []string{"n"}}
	}
	var d digester
	o := base()
	want := d.digest(&o)
	for range 20 { // maps iterate in another order each time
		o := base()
		o.Fields = map[model.Name]string{model.Email: "elsewhere"}
		if d.digest(&o) != want {
			t.Fatal("the same observation has two digests")
		}
	}
	seen := map[[16]byte]string{want: "nothing"}
	for what, change := range map[string]func(*model.Observation){
		"native":              func(o *model.Observation) { o.Native = "2" },
		"document":            func(o *model.Observation) { o.Document = []byte(`{"a":2}`) },
		"status":              func(o *model.Observation) { o.Status = model.Leave },
		"raw status":          func(o *model.Observation) { o.RawStatus = "on leave" },
		"scope":               func(o *model.Observation) { o.Scope.State = model.OutOfScope },
		"reason":              func(o *model.Observation) { o.Scope.Reason = "other" },
		"a value":             func(o *model.Observation) { o.Attributes[model.Email] = model.Text("b@acme.example") },
		"null becomes absent": func(o *model.Observation) { delete(o.Attributes, model.Title) },
		"null becomes text":   func(o *model.Observation) { o.Attributes[model.Title] = model.Value{Text: ""} },
		"another attribute":   func(o *model.Observation) { o.Attributes["custom.c"] = model.Text("1") },
		"values exchanged": func(o *model.Observation) {
			o.Attributes["custom.a"], o.Attributes["custom.b"] = o.Attributes["custom.b"], o.Attributes["custom.a"]
		},
		"a reference":        func(o *model.Observation) { o.Attributes[model.Manager] = model.Value{Text: "x"} },
		"names":              func(o *model.Observation) { o.Names = nil },
		"notices":            func(o *model.Observation) { o.Notices = append(o.Notices, "m") },
		"texts run together": func(o *model.Observation) { o.RawStatus, o.Status = "ctive"+o.RawStatus, "a" },
	} {
		o := base()
		change(&o)
		got := d.digest(&o)
		if other, twice := seen[got]; twice {
			t.Errorf("%s gives the digest of %s", what, other)
		}
		seen[got] = what
	}
}

func TestOrdinalsAreASet(t *testing.T) {
	var s ordinals
	for _, n := range []uint64{0, 1, 63, 64, 1000} {
		if s.has(n) {
			t.Errorf("%d is there before it was added", n)
		}
		s.add(n)
		if !s.has(n) || s.has(n+2) {
			t.Errorf("after adding %d: has(%d) = %t, has(%d) = %t", n, n, s.has(n), n+2, s.has(n+2))
		}
	}
}
