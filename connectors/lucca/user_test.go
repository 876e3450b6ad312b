package lucca

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"rollcall/appliance/model"
)

func decodedUser(t testing.TB, text string) (user, bool) {
	t.Helper()
	o, ok := decoded(t, text).(map[string]any)
	if !ok {
		t.Fatalf("%s is no object", text)
	}
	u, bad := decodeUser(o, DefaultSkipField)
	return u, bad == nil
}

func TestManagerIsReadInBothForms(t *testing.T) {
	ref := func(pairs ...string) string { return strings.Join(pairs, " ") }
	for _, tc := range []struct{ name, json, want string }{
		{"not told", ``, "absent"},
		{"null", `,"managerID":null`, "null"},
		{"null in both forms", `,"managerID":null,"manager":null`, "null"},
		{"expanded null", `,"manager":null`, "null"},
		{"number", `,"managerID":412`, ref("native:412")},
		{"other spelling", `,"managerId":412`, ref("native:412")},
		{"one spelling null", `,"managerId":null,"managerID":412`, ref("native:412")},
		{"text", `,"managerID":"412"`, ref("native:412")},
		{"expanded", `,"manager":{"id":412,"mail":"ada@acme.example"}`, ref("native:412", "email:ada@acme.example")},
		{"expanded beside null", `,"managerID":null,"manager":{"id":412,"mail":""}`, ref("native:412")},
		{"both", `,"managerID":412,"manager":{"Id":412,"Mail":" ada@acme.example "}`, ref("native:412", "email:ada@acme.example")},
		{"expanded without id", `,"managerID":412,"manager":{"mail":"ada@acme.example"}`, ref("native:412")},
		{"two different ones", `,"managerID":412,"manager":{"id":419,"mail":"bilel@acme.example"}`, ref("native:412")},
		{"oneself", `,"managerID":7`, "null"},
		{"oneself, expanded", `,"manager":{"id":7}`, "null"},
		{"no id", `,"managerID":true`, "absent"},
		{"a fraction", `,"managerID":4.12e2`, "absent"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			u, ok := decodedUser(t, `{"id":7`+tc.json+`}`)
			if !ok {
				t.Fatal("not decoded")
			}
			got := "absent"
			if v, told := u.Attributes[model.Manager]; told {
				got = "null"
				var refs []string
				for _, r := range v.Refs {
					refs = append(refs, string(r.By)+":"+r.Value)
				}
				if !v.Null {
					got = strings.Join(refs, " ")
				}
			}
			if got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestContractDatesDecideOrStayUnknown(t *testing.T) {
	for _, tc := range []struct {
		json       string
		status     model.Status
		start, end string // "absent", "null" or the date
		dated      bool
	}{
		{`"dtContractStart":"2014-09-01T00:00:00","dtContractEnd":null`, model.Dated, "2014-09-01", "null", true},
		{`"dtContractStart":"2014-09-01","dtContractEnd":"2020-12-31T00:00:00.000"`, model.Dated, "2014-09-01", "2020-12-31", true},
		{`"DtContractStart":"2014-09-01T00:00:00","dtContractEnd":"9999-12-31T00:00:00"`, model.Dated, "2014-09-01", "null", true},
		{`"dtContractEnd":"2020-12-31T00:00:00"`, model.Dated, "absent", "2020-12-31", true},
		{`"dtContractStart":"2014-09-01T00:00:00+02:00"`, model.Dated, "2014-09-01", "absent", true},
		{`"dtContractStart":"soon","dtContractEnd":20201231`, model.Unknown, "absent", "absent", true},
		{`"dtContractStart":"2014-02-30T00:00:00"`, model.Unknown, "absent", "absent", true},
		{`"dtContractStart":"2014-09-01x"`, model.Unknown, "absent", "absent", true},
		{`"dtContractStart":null,"dtContractEnd":null`, model.Unknown, "null", "null", true},
		{`"mail":null`, model.Unknown, "absent", "absent", false},
	} {
		u, ok := decodedUser(t, `{"id":7,`+tc.json+`}`)
		show := func(n model.Name) string {
			switch v, told := u.Attributes[n]; {
			case !told:
				return "absent"
			case v.Null:
				return "null"
			default:
				return v.Text
			}
		}
		if !ok || u.Status != tc.status || show(model.StartDate) != tc.start || show(model.EndDate) != tc.end || u.dated != tc.dated {
			t.Errorf("%s: status %q, start %s, end %s, dated %v", tc.json, u.Status, show(model.StartDate), show(model.EndDate), u.dated)
		}
	}
}

func TestValuesAreNormalised(t *testing.T) {
	for _, tc := range []struct {
		json string
		name model.Name
		want string // "absent", "null" or the text
	}{
		{`"gender":"Male"`, model.Gender, "male"}, {`"gender":"Female"`, model.Gender, "female"},
		{`"gender":"Misc"`, model.Gender, "null"}, {`"gender":"Undefined"`, model.Gender, "absent"}, {`"gender":3`, model.Gender, "absent"},
		{`"cultureID":1036`, model.Locale, "fr"}, {`"cultureID":2057`, model.Locale, "en"}, {`"cultureId":1033`, model.Locale, "en"},
		{`"cultureID":3082`, model.Locale, "es"}, {`"cultureID":1040`, model.Locale, "it"}, {`"cultureID":1031`, model.Locale, "absent"}, {`"cultureID":null`, model.Locale, "absent"},
		{`"employeeNumber":"00057"`, model.EmployeeNumber, "00057"}, {`"employeeNumber":9007199254740993`, model.EmployeeNumber, "9007199254740993"},
		{`"employeeNumber":""`, model.EmployeeNumber, "null"}, {`"employeeNumber":{}`, model.EmployeeNumber, "absent"},
		{`"mail":" Ada@Acme.Example "`, model.Email, "Ada@Acme.Example"}, {`"mail":null`, model.Email, "null"}, {`"mail":false`, model.Email, "absent"},
		{`"department":null`, model.Department, "null"}, {`"department":{"id":1,"name":"Sales"}`, model.Department, "Sales"},
		{`"department":{"id":1}`, model.Department, "absent"}, {`"department":"Sales"`, model.Department, "absent"},
		{`"seniorityDate":"2010-01-04T00:00:00"`, model.FirstHiredOn, "2010-01-04"}, {`"birthDate":""`, model.BirthDate, "null"},
	} {
		u, ok := decodedUser(t, `{"id":7,`+tc.json+`}`)
		v, told := u.Attributes[tc.name]
		got := v.Text
		switch {
		case !told:
			got = "absent"
		case v.Null:
			got = "null"
		}
		if !ok || got != tc.want {
			t.Errorf("%s: %s is %s, want %s", tc.json, tc.name, got, tc.want)
		}
	}
}

func TestAnIDIsARowOfDigitsOrAText(t *testing.T) {
	for text, want := range map[string]string{
		`{"id":412}`: "412", `{"Id":412}`: "412", `{"ID":"412"}`: "412", `{"id":90071992547409931}`: "90071992547409931",
		`{"id":null}`: "", `{}`: "", `{"id":""}`: "", `{"id":4.5}`: "", `{"id":4e2}`: "", `{"id":-1}`: "", `{"id":[1]}`: "", `{"id":true}`: "",
	} {
		u, ok := decodedUser(t, text)
		if ok != (want != "") || u.Native != want {
			t.Errorf("%s: id %q, ok %v", text, u.Native, ok)
		}
	}
}

func TestExtensionDataThatIsNoObjectHoldsThePerson(t *testing.T) {
	for text, want := range map[string]model.ScopeState{
		`[]`: model.HeldScope, `"none"`: model.HeldScope, `7`: model.HeldScope, `null`: model.InScope, `{}`: model.InScope,
		`{"E_SKIP_ELEVO_SYNC":{"id":1,"value":true}}`: model.OutOfScope,
	} {
		if u, ok := decodedUser(t, `{"id":7,"extendedData":`+text+`}`); !ok || u.Scope.State != want {
			t.Errorf("%s: %q, want %q", text, u.Scope.State, want)
		}
	}
}

// FuzzUser holds the decoder to what every later part relies on, whatever Lucca
// sends.
func FuzzUser(f *testing.F) {
	fx := newFixtures(f, "v3")
	for _, name := range []string{"01-users-page1.200.json", "17-users-hazards.200.json"} {
		for _, o := range fx.objects(name) {
			raw, err := json.Marshal(o)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(raw)
		}
	}
	f.Add([]byte(`{"Id":"7","managerId":null,"manager":{"Id":7},"dtContractEnd":"9999-12-31T00:00:00","extendedData":[1]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber()
		var o object
		if dec.Decode(&o) != nil || o == nil {
			t.Skip()
		}
		u, bad := decodeUser(o, DefaultSkipField)
		if bad != nil {
			if u.Native != "" {
				t.Errorf("an error comes with a user")
			}
			return
		}
		if u.Native == "" || !json.Valid(u.Document) {
			t.Errorf("native %q, document %q", u.Native, u.Document)
		}
		for n, v := range u.Attributes {
			switch {
			case !n.Valid() || u.Fields[n] == "":
				t.Errorf("%q comes from %q", n, u.Fields[n])
			case v.Null && (v.Text != "" || len(v.Refs) > 0), !v.Null && v.Text == "":
				t.Errorf("%s is neither null nor a value: %+v", n, v)
			case n == model.Manager && !v.Null && v.Refs[0].Value == u.Native:
				t.Errorf("somebody manages themselves")
			}
		}
		for _, n := range []model.Name{model.StartDate, model.EndDate, model.BirthDate, model.FirstHiredOn} {
			if text := u.Attributes.Text(n); text != "" {
				if _, err := time.Parse(time.DateOnly, text); err != nil || text == openEnd {
					t.Errorf("%s is %q", n, text)
				}
			}
		}
		if u.Status == model.Dated && u.Attributes.Text(model.StartDate) == "" && u.Attributes.Text(model.EndDate) == "" {
			t.Error("dated without a date")
		}
		again, _ := decodeUser(o, DefaultSkipField)
		if !again.Attributes.Equal(u.Attributes) || !bytes.Equal(again.Document, u.Document) || again.Scope != u.Scope {
			t.Error("the same user is mapped in two ways")
		}
	})
}
