package scim

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
)

func TestEditsKeepTheSpellingOfTheService(t *testing.T) {
	on := true
	for name, tc := range map[string]struct {
		in, want string
		edits    []edit
	}{
		"other letter case":        {`{"TITLE":"a"}`, `{"TITLE":"b"}`, []edit{{path: Path{Name: "title"}, text: "b"}}},
		"active as a text":         {`{"Active":"True"}`, `{"Active":true}`, []edit{{path: Path{Name: "active"}, active: &on}}},
		"flat extension":           {`{"` + EnterpriseUser + `:department":"a"}`, `{"` + EnterpriseUser + `:department":"b"}`, []edit{{path: Path{Schema: EnterpriseUser, Name: "department"}, text: "b"}}},
		"flat name":                {`{"name.givenName":"a","name.familyName":"f"}`, `{"name":{"givenName":"b","familyName":"f"}}`, []edit{{path: Path{Name: "name", Sub: "givenName"}, text: "b"}}},
		"whole name goes":          {`{"name":{"formatted":"a f","givenName":"a"}}`, `{"name":{"givenName":"b"}}`, []edit{{path: Path{Name: "name", Sub: "givenName"}, text: "b"}}},
		"manager as a string":      {`{"` + EnterpriseUser + `":{"manager":"1"}}`, `{"` + EnterpriseUser + `":{"manager":{"value":"2"}}}`, []edit{{path: Path{Schema: EnterpriseUser, Name: "manager", Sub: "value"}, text: "2"}}},
		"manager's name goes too":  {`{"` + EnterpriseUser + `":{"manager":{"value":"1","displayName":"x"}}}`, `{"` + EnterpriseUser + `":{"manager":{"value":"2"}}}`, []edit{{path: Path{Schema: EnterpriseUser, Name: "manager", Sub: "value"}, text: "2"}}},
		"element without a type":   {`{"phoneNumbers":[{"value":"1"}]}`, `{"phoneNumbers":[{"type":"work","value":"2"}]}`, []edit{{path: Path{Name: "phoneNumbers", Type: "work", Sub: "value"}, text: "2"}}},
		"one of two equal ones":    {`{"phoneNumbers":[{"type":"work","value":"1"},{"type":"work","value":"1"}]}`, `{"phoneNumbers":[{"type":"work","value":"2"},{"type":"work","value":"1"}]}`, []edit{{path: Path{Name: "phoneNumbers", Type: "work", Sub: "value"}, text: "2"}}},
		"last element goes":        {`{"phoneNumbers":[{"type":"work","value":"1"}],"title":"x"}`, `{"title":"x"}`, []edit{{path: Path{Name: "phoneNumbers", Type: "work", Sub: "value"}}}},
		"one element, not a list":  {`{"phoneNumbers":{"type":"home","value":"1"}}`, `{"phoneNumbers":[{"type":"home","value":"1"},{"type":"work","value":"2"}]}`, []edit{{path: Path{Name: "phoneNumbers", Type: "work", Sub: "value"}, text: "2"}}},
		"what nobody may write":    {`{"meta":{"version":"1"},"groups":[],"title":"a"}`, `{"title":"b"}`, []edit{{path: Path{Name: "title"}, text: "b"}}},
		"nothing to clear, nobody": {`{"title":"a"}`, `{"title":"a"}`, []edit{{path: Path{Name: "locale"}}}},
	} {
		now := document(t, tc.in)
		body := replaceable(now)
		for _, e := range tc.edits {
			e.apply(body)
		}
		if d := cmp.Diff(document(t, tc.want), body); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
		if d := cmp.Diff(document(t, tc.in), now); d != "" && name != "flat name" {
			t.Errorf("%s: what was read changed too:\n%s", name, d)
		}
	}
}

func FuzzMergedAccountHoldsWhatIsWanted(f *testing.F) {
	f.Add([]byte(`{"id":"1","active":"True","phoneNumbers":[{"value":"1"},7,{"type":"Work","primary":true}],"Name":"x","addresses":{}}`), "text")
	f.Add([]byte(`{"`+EnterpriseUser+`":{"MANAGER":[1],"department":null},"name.GIVENNAME":"a","phoneNumbers":"1","emails":null}`), "")
	f.Fuzz(func(t *testing.T, raw []byte, text string) {
		d := json.NewDecoder(strings.NewReader(string(raw)))
		d.UseNumber()
		var doc Resource
		if d.Decode(&doc) != nil || doc == nil {
			return
		}
		m, err := targetMap(map[model.Name]string{"custom.team": "urn:example:x:User:team"})
		if err != nil {
			t.Fatal(err)
		}
		off := false
		edits := []edit{{path: Path{Name: "active"}, active: &off}, {path: m.ManagerID, text: text}}
		for _, field := range m.Fields {
			edits = append(edits, edit{path: field.Path, text: text})
		}
		body := replaceable(doc)
		for _, e := range edits {
			e.apply(body)
		}
		nameSchemas(body)
		for _, e := range edits {
			if e.active == nil {
				if got, _ := e.path.Read(body); got != text {
					t.Errorf("%s is %q, want %q", e.path, got, text)
				}
			}
			if e.apply(body) {
				t.Errorf("%s changes when it is written again", e.path)
			}
		}
		if _, err := json.Marshal(body); err != nil {
			t.Error(err)
		}
	})
}
