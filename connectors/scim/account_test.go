package scim

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
)

const vendor = "urn:example:vendor:2.0:User"

// table is a map with all that a target can have.
func table() AccountMap {
	return AccountMap{
		Fields:       append(CoreFields(), Field{model.Site, Path{Schema: vendor, Name: "region"}}),
		ManagerID:    Path{Schema: EnterpriseUser, Name: "manager", Sub: "value"},
		ManagerLogin: Path{Schema: vendor, Name: "managerUserName"},
		Custom:       vendor,
	}
}

func document(t testing.TB, text string) Resource {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var r Resource
	if err := d.Decode(&r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAccountsAreReadAsServicesReallyWriteThem(t *testing.T) {
	attributes := func(kv ...string) map[model.Name]string {
		m := map[model.Name]string{}
		for i := 0; i < len(kv); i += 2 {
			m[model.Name(kv[i])] = kv[i+1]
		}
		return m
	}
	const ent = `"` + EnterpriseUser + `"`
	for _, tc := range []struct {
		name, in string
		want     model.Account
	}{
		{"id alone", `{"id":"1"}`, model.Account{RemoteID: "1", Active: true, Attributes: attributes()}},
		{"number as id", `{"id":90071992547409931}`, model.Account{RemoteID: "90071992547409931", Active: true, Attributes: attributes()}},
		{"booleans as strings", `{"id":"1","active":"False"}`, model.Account{RemoteID: "1", Attributes: attributes()}},
		{"active null", `{"id":"1","active":null}`, model.Account{RemoteID: "1", Active: true, Attributes: attributes()}},
		{"null, empty and missing", `{"id":"1","title":null,"locale":"","externalId":null}`, model.Account{RemoteID: "1", Active: true, Attributes: attributes("title", "", "locale", "")}},
		{"other letter case", `{"ID":"1","USERNAME":"a","Name":{"GIVENNAME":"Ada"}}`, model.Account{RemoteID: "1", Login: "a", Active: true, Attributes: attributes("given_name", "Ada")}},
		{"flat name", `{"id":"1","name.givenName":"Ada"}`, model.Account{RemoteID: "1", Active: true, Attributes: attributes("given_name", "Ada")}},
		{"flat extension with a colon", `{"id":"1","` + EnterpriseUser + `:department":"Design"}`, model.Account{RemoteID: "1", Active: true, Attributes: attributes("department", "Design")}},
		{"flat extension with a dot", `{"id":"1","` + EnterpriseUser + `.department":"Design"}`, model.Account{RemoteID: "1", Active: true, Attributes: attributes("department", "Design")}},
		{"number as text", `{"id":"1",` + ent + `:{"employeeNumber":1234567890123456789}}`, model.Account{RemoteID: "1", Active: true, Attributes: attributes("employee_number", "1234567890123456789")}},
		{"manager as an object", `{"id":"1",` + ent + `:{"manager":{"value":"9"}}}`, model.Account{RemoteID: "1", Active: true, ManagerRemoteID: "9", Attributes: attributes()}},
		{"manager as a string", `{"id":"1",` + ent + `:{"manager":"9"}}`, model.Account{RemoteID: "1", Active: true, ManagerRemoteID: "9", Attributes: attributes()}},
		{"manager null", `{"id":"1",` + ent + `:{"manager":null}}`, model.Account{RemoteID: "1", Active: true, Attributes: attributes()}},
		{"work element among others", `{"id":"1","phoneNumbers":[{"value":"0"},{"type":"mobile","value":"6"},{"type":"work","value":"4"},{"type":"Work","primary":true,"value":"5"}]}`, model.Account{RemoteID: "1", Active: true, Attributes: attributes("work_phone", "5")}},
		{"element without a type", `{"id":"1","phoneNumbers":[{"type":"home","value":"1"},{"value":"4"}]}`, model.Account{RemoteID: "1", Active: true, Attributes: attributes("work_phone", "4")}},
		{"one element instead of a list", `{"id":"1","phoneNumbers":{"value":"4"}}`, model.Account{RemoteID: "1", Active: true, Attributes: attributes("work_phone", "4")}},
		{"no element of the type", `{"id":"1","phoneNumbers":[{"type":"home","value":"1"}]}`, model.Account{RemoteID: "1", Active: true, Attributes: attributes("work_phone", "")}},
		{"list of something else", `{"id":"1","phoneNumbers":["4",null]}`, model.Account{RemoteID: "1", Active: true, Attributes: attributes("work_phone", "")}},
		{"wrong types say nothing", `{"id":"1","title":["x"],"name":"Ada","phoneNumbers":"4","` + vendor + `":7}`, model.Account{RemoteID: "1", Active: true, Attributes: attributes()}},
		{"custom attributes", `{"id":"1","` + vendor + `":{"region":"Lyon","managerUserName":"g","Team":"Red","shoe size":"38","grade":null,"list":[1]}}`, model.Account{RemoteID: "1", Active: true, ManagerLogin: "g", Attributes: attributes("site", "Lyon", "custom.team", "Red", "custom.grade", "")}},
	} {
		m := table()
		got, err := m.Account(document(t, tc.in))
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if d := cmp.Diff(tc.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, d)
		}
	}
}

func TestResourcesThatAreNoAccountsAreRefused(t *testing.T) {
	m := table()
	for _, in := range []string{`{}`, `{"id":null}`, `{"id":""}`, `{"id":["1"]}`, `{"userName":"a"}`, `{"id":"1","schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"]}`} {
		if a, err := m.Account(document(t, in)); err == nil {
			t.Errorf("%s reads as %+v", in, a)
		}
	}
}

func TestListsAreReadAndOthersRefused(t *testing.T) {
	for _, tc := range []struct {
		in           string
		total, count int
	}{
		{`{"totalResults":2,"Resources":[{"id":"1"},{"id":"2"}]}`, 2, 2},
		{`{"TOTALRESULTS":"2","resources":[{"id":"1"}]}`, 2, 1},
		{`{"totalResults":0}`, 0, 0},
		{`{"totalResults":3,"Resources":null}`, 3, 0},
		{`{"Resources":[]}`, -1, 0},
		{`{"totalResults":null,"Resources":[]}`, -1, 0},
	} {
		got, err := ListOf(document(t, tc.in))
		if err != nil || got.Total != tc.total || len(got.Resources) != tc.count {
			t.Errorf("%s: total %d, %d resources, %v; want %d, %d", tc.in, got.Total, len(got.Resources), err, tc.total, tc.count)
		}
	}
	for _, in := range []string{`{}`, `{"detail":"maintenance"}`, `{"totalResults":-1}`, `{"totalResults":1.5}`, `{"totalResults":"many"}`, `{"totalResults":99999999999999999999}`, `{"totalResults":[]}`, `{"Resources":{}}`, `{"Resources":[1]}`, `{"Resources":[null]}`} {
		if got, err := ListOf(document(t, in)); err == nil {
			t.Errorf("%s reads as a list: %+v", in, got)
		}
	}
}

func TestPathsAreWrittenAsPatchNamesThem(t *testing.T) {
	for want, p := range map[string]Path{
		"title":                              {Name: "title"},
		"name.givenName":                     {Name: "name", Sub: "givenName"},
		`phoneNumbers[type eq "work"].value`: {Name: "phoneNumbers", Type: "work", Sub: "value"},
		EnterpriseUser + ":department":       {Schema: EnterpriseUser, Name: "department"},
		EnterpriseUser + ":manager.value":    {Schema: EnterpriseUser, Name: "manager", Sub: "value"},
	} {
		if got := p.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	m := table()
	r := Resource{"id": "1"}
	want := map[model.Name]string{}
	names := []model.Name{"custom.team"}
	for _, f := range m.Fields {
		names = append(names, f.Attribute)
	}
	for _, n := range names {
		p, ok := m.Path(n)
		if !ok {
			t.Fatalf("no place for %s", n)
		}
		want[n] = "value of " + string(n)
		p.Write(r, want[n])
	}
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.Account(document(t, string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got.Attributes); d != "" {
		t.Errorf("attributes (-written +read):\n%s", d)
	}
}

func TestCustomAttributesHaveAPlaceUnlessItIsTaken(t *testing.T) {
	m := table()
	for n, want := range map[model.Name]bool{
		"custom.team": true, "custom.region": false, "custom.managerusername": false, "custom.Team": false,
		"custom.": false, `custom.x"]`: false, model.TimeZone: false, model.Email: false, "": false,
	} {
		if _, ok := m.Path(n); ok != want {
			t.Errorf("%q has a place: %v, want %v", n, ok, want)
		}
	}
	m.Custom = ""
	if _, ok := m.Path("custom.team"); ok {
		t.Error("a target without custom attributes has a place for one")
	}
}

func FuzzAccountOfAnything(f *testing.F) {
	recorded, err := filepath.Glob(filepath.Join("..", "javelo", "testdata", "*.json"))
	if err != nil || len(recorded) == 0 {
		f.Fatal("no recorded answers", err)
	}
	for _, name := range recorded {
		raw, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(`{"totalResults":"1","Resources":[{"ID":7,"phoneNumbers":{"value":4},"` + vendor + `":{"A":1,"a":2},"` + EnterpriseUser + `.manager":"x"}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		d := json.NewDecoder(strings.NewReader(string(raw)))
		d.UseNumber()
		var doc Resource
		if d.Decode(&doc) != nil {
			return
		}
		m := table()
		resources := []Resource{doc}
		if list, err := ListOf(doc); err == nil {
			if list.Total < -1 {
				t.Errorf("total %d", list.Total)
			}
			resources = append(resources, list.Resources...)
		}
		for _, r := range resources {
			a, err := m.Account(r)
			if err != nil {
				continue
			}
			if a.RemoteID == "" {
				t.Error("an account without an id")
			}
			again, _ := m.Account(r)
			if diff := cmp.Diff(a, again); diff != "" {
				t.Errorf("two readings of one resource differ:\n%s", diff)
			}
			for n, v := range a.Attributes {
				p, ok := m.Path(n)
				if !n.Valid() || !ok {
					t.Errorf("attribute %q has no place", n)
				}
				fresh := Resource{}
				p.Write(fresh, v)
				if got, ok := p.Read(fresh); got != v || !ok {
					t.Errorf("%s: wrote %q, read %q", n, v, got)
				}
			}
		}
	})
}
