package ingest

import (
	"encoding/json"
	"testing"

	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

// jane is somebody who is erased.
func jane() *traces {
	set := func(words ...string) map[string]bool {
		out := map[string]bool{}
		for _, w := range words {
			out[w] = true
		}
		return out
	}
	return &traces{emails: set("jane.doe@acme.example"), names: set("jane doe", "doe jane", "doe, jane"), given: set("jane"), family: set("doe"),
		natives: set("3512908837508111658", "12"), keys: set("native:hibob:3512908837508111658", "email:jane.doe@acme.example")}
}

func TestDocumentsAboutOthersLoseWhatNamesThePersonAndNothingElse(t *testing.T) {
	nobody := own{}
	for name, c := range map[string]struct {
		own       own
		doc, want string
	}{
		"a manager of HiBob": {nobody, `{"id":"7","work":{"title":"Analyst","reportsTo":{"id":"3512908837508111658","firstName":"Jane","surname":"Doe","email":"Jane.Doe@acme.example","displayName":"Jane Doe"},"site":"Lyon"}}`,
			`{"id":"7","work":{"title":"Analyst","site":"Lyon"}}`},
		"its readable form":           {nobody, `{"humanReadable":{"work":{"reportsTo":"Jane  DOE","title":"Analyst"}}}`, `{"humanReadable":{"work":{"title":"Analyst"}}}`},
		"a manager of Lucca":          {nobody, `{"id":7,"manager":{"id":12,"name":"Jane Doe"},"firstName":"Jane"}`, `{"id":7,"firstName":"Jane"}`},
		"a manager of ADP":            {nobody, `{"workAssignments":[{"reportsTo":[{"workerID":{"idValue":"12"},"reportsToWorkerName":{"formattedName":"Doe, Jane"}}],"jobTitle":"Analyst"}]}`, `{"workAssignments":[{"reportsTo":[{"workerID":{"idValue":"12"}}],"jobTitle":"Analyst"}]}`},
		"a manager of SCIM":           {nobody, `{"userName":"bo@acme.example","urn:x":{"department":"Ops","manager":{"value":"jane.doe@acme.example","$ref":"../Users/u_1"}}}`, `{"userName":"bo@acme.example","urn:x":{"department":"Ops","manager":{"$ref":"../Users/u_1"}}}`},
		"an address within a text":    {nobody, `{"note":"ask Jane Doe <jane.doe@acme.example>","site":"Lyon"}`, `{"site":"Lyon"}`},
		"escaped":                     {nobody, `{"boss":"\u004aane Doe","site":"Lyon"}`, `{"site":"Lyon"}`},
		"a list of names":             {nobody, `{"team":["Bo","Jane Doe"],"zeta":1,"alpha":2.50}`, `{"team":["Bo"],"zeta":1,"alpha":2.50}`},
		"a namesake":                  {own{"jane doe": true}, `{"displayName":"Jane Doe","boss":{"displayName":"Bo"}}`, ""},
		"who has the address now":     {own{"jane.doe@acme.example": true}, `{"email":"jane.doe@acme.example"}`, ""},
		"a given name alone":          {nobody, `{"firstName":"Jane","surname":"Roe","id":"12"}`, ""},
		"nothing of them":             {nobody, `{"b":1,"a":"Jane Roe"}`, ""},
		"what cannot be read is left": {nobody, `{"boss":"Jane Doe"`, ""},
	} {
		got, changed := jane().document(json.RawMessage(c.doc), c.own)
		want := c.want
		if want == "" {
			want = c.doc
		}
		if string(got) != want || changed != (c.want != "") {
			t.Errorf("%s: changed %t:\n got %s\nwant %s", name, changed, got, want)
		}
	}
}

func TestAManagerValueMeansThePersonItRefersTo(t *testing.T) {
	for name, c := range map[string]struct {
		v    model.Value
		want bool
	}{
		"by address":                     {model.Value{Text: "J. D.", Refs: []model.Reference{{By: model.RefEmail, Value: "Jane.Doe@acme.example"}}}, true},
		"a namesake by address":          {model.Value{Text: "Jane Doe", Refs: []model.Reference{{By: model.RefNative, Value: "12"}, {By: model.RefEmail, Value: "jane.doe2@acme.example"}}}, false},
		"by id and name":                 {model.Value{Text: "Jane Doe", Refs: []model.Reference{{By: model.RefNative, Value: "12"}}}, true},
		"another with the id":            {model.Value{Text: "Bo Roe", Refs: []model.Reference{{By: model.RefNative, Value: "12"}}}, false},
		"by id alone":                    {model.Value{Refs: []model.Reference{{By: model.RefNative, Value: "12"}}}, true},
		"by whatever it is":              {model.Value{Text: "jane.doe@acme.example", Refs: []model.Reference{{By: model.RefAny, Value: "jane.doe@acme.example"}}}, true},
		"known to have none":             {model.Null(), false},
		"somebody else":                  {model.Value{Text: "Bo Roe", Refs: []model.Reference{{By: model.RefEmail, Value: "bo@acme.example"}}}, false},
		"by name, where nothing else is": {model.Value{Text: "Doe, Jane"}, true},
	} {
		if got := jane().meant(c.v); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestAnErasureLeavesOthersTheirOwnValues(t *testing.T) {
	r := model.Record{Attributes: model.Attributes{model.DisplayName: model.Text("Jane Doe"), model.Email: model.Text("jane.doe2@acme.example"),
		"custom.boss": model.Text("jane.doe@acme.example"), model.Title: model.Text("Doe"),
		model.Manager: {Text: "Bo", Refs: []model.Reference{{By: model.RefEmail, Value: "bo@acme.example"}}}},
		ManagerKeys: []string{"email:bo@acme.example"}}
	got, _, hit := jane().record(r, store.Origin{})
	if !hit || got.Attributes.Has("custom.boss") || len(got.Attributes) != 4 {
		t.Errorf("left is %v", got.Attributes)
	}
	if !r.Attributes.Has("custom.boss") {
		t.Error("the stored record was changed in place")
	}
	values := map[model.Name]model.Value{model.Email: model.Text("jane.doe@acme.example"), model.Title: model.Text("Doe"), model.Manager: {Text: "Jane Doe"}}
	if !jane().values(values, own{}) || values[model.Email].Text != erased || values[model.Manager].Text != erased || values[model.Title].Text != "Doe" {
		t.Errorf("old values became %v", values)
	}
	if jane().values(values, own{}) {
		t.Error("what is erased is erased again")
	}
}
