package scim

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
	"rollcall/connectors"
)

func TestRefusalShowsWhatIsWrongAndNobodysData(t *testing.T) {
	want := model.Desired{Person: "p_4711kofi", Email: "kofi@mensah-conseil.example", Attributes: map[model.Name]string{
		model.GivenName: "Kofi", model.FamilyName: "van der mensah", model.Title: "Manager", model.Department: "security consulting",
		model.Locale: "fr", model.TimeZone: "en", "custom.broken": "\xff\xfe[",
	}}
	for name, tc := range map[string]struct {
		body string
		want Refusal
	}{
		"RFC body":           {`{"scimType":"invalidValue","detail":"userName is required"}`, Refusal{Sentence: "invalidValue: userName is required", Type: "invalidValue"}},
		"uniqueness":         {`{"scimType":"uniqueness","detail":"userName exists"}`, Refusal{Sentence: "uniqueness: userName exists", Type: "uniqueness", Taken: true}},
		"untyped duplicate":  {`{"detail":"User already exists"}`, Refusal{Sentence: "User already exists", Taken: true}},
		"type nobody knows":  {`{"scimType":"Kofi","detail":"no"}`, Refusal{Sentence: "no"}},
		"other letter case":  {`{"Detail":"bad","SCIMTYPE":"noTarget"}`, Refusal{Sentence: "noTarget: bad", Type: "noTarget"}},
		"framework":          {`{"errors":{"manager":["is disabled"]}}`, Refusal{Sentence: "manager is disabled", Manager: true}},
		"quoted and sent":    {`{"detail":"KOFI VAN DER MENSAH of \"Jane\" is not from fr en or x@y.example"}`, Refusal{Sentence: "… … of … is not from … … or …"}},
		"somebody else":      {`{"detail":"userName belongs to Zoë Lindqvist, 2026-05-04"}`, Refusal{Sentence: "userName belongs to … …, …"}},
		"web page":           {`<html>taken manager</html>`, Refusal{}},
		"title as any other": {`{"detail":"manager must be active"}`, Refusal{Sentence: "manager must be active", Manager: true}},
	} {
		if d := cmp.Diff(tc.want, ReadRefusal([]byte(tc.body), PrivateValues(want))); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestRefusalClassTellsTheLoginAndTheManagerApart(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		class  connectors.Class
		said   Refusal
		linked bool
		want   connectors.Class
		link   bool
	}{
		"400 that says taken":            {http.StatusBadRequest, connectors.Invalid, Refusal{Taken: true}, false, connectors.Taken, false},
		"422 that says taken":            {http.StatusUnprocessableEntity, connectors.Invalid, Refusal{Taken: true}, true, connectors.Taken, false},
		"500 that says taken":            {http.StatusInternalServerError, connectors.Transient, Refusal{Taken: true}, false, connectors.Transient, false},
		"manager that was sent":          {http.StatusBadRequest, connectors.Invalid, Refusal{Manager: true}, true, connectors.Invalid, true},
		"manager that was not sent":      {http.StatusBadRequest, connectors.Invalid, Refusal{Manager: true}, false, connectors.Invalid, false},
		"404 about the manager":          {http.StatusNotFound, connectors.Gone, Refusal{Manager: true}, true, connectors.Invalid, true},
		"404 about the account":          {http.StatusNotFound, connectors.Gone, Refusal{}, true, connectors.Gone, false},
		"403 that speaks of the manager": {http.StatusForbidden, connectors.Denied, Refusal{Manager: true}, true, connectors.Denied, false},
	} {
		e := &connectors.Error{Class: tc.class, Status: tc.status}
		err := tc.said.Classify(e, tc.linked)
		if c := connectors.ClassOf(err); c != tc.want || (e.Err == connectors.ErrManagerRefused) != tc.link {
			t.Errorf("%s: class %v with cause %v, want %v", name, c, e.Err, tc.want)
		}
	}
}

func FuzzRefusalTellsNothingOfThePerson(f *testing.F) {
	recorded, err := filepath.Glob(filepath.Join("..", "javelo", "testdata", "*.4*.json"))
	if err != nil || len(recorded) == 0 {
		f.Fatal("no recorded refusals", err)
	}
	for _, name := range recorded {
		raw, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(`{"errors":{"quillfeather":["is taken","by \"quill\"",{"canaria":"é@x"}]},"scimType":"uniqueness"}`))
	private := []string{"canaria@quillfeather.example", "canaria", "quillfeather", "+33 4 00 00 02 88"}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got := ReadRefusal(raw, private)
		if !utf8.ValidString(got.Sentence) {
			t.Errorf("not valid UTF-8: %q", got.Sentence)
		}
		lower := strings.ToLower(got.Sentence)
		for _, p := range append(private, "@") {
			if strings.Contains(lower, p) {
				t.Errorf("%q is in %q", p, got.Sentence)
			}
		}
	})
}
