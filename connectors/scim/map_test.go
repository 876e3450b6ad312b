package scim

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
)

func resource(t testing.TB, doc string) Resource {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(doc))
	d.UseNumber()
	var r Resource
	if err := d.Decode(&r); err != nil {
		t.Fatal(err)
	}
	return r
}

func refs(list ...string) []model.Reference {
	var out []model.Reference
	for i := 0; i < len(list); i += 2 {
		out = append(out, model.Reference{By: model.RefKind(list[i]), Value: list[i+1]})
	}
	return out
}

func TestMapUserReadsCoreEnterpriseAndJavelo(t *testing.T) {
	o := MapUser(resource(t, `{
		"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
		"id": "u1", "externalId": "00u1", "userName": "ada.l", "active": true, "password": "never",
		"name": {"givenName": " Ada ", "familyName": "Fontaine", "formatted": "Ada Fontaine"},
		"displayName": "Ada F.", "title": "Engineer", "userType": "Permanent",
		"preferredLanguage": "fr-FR, en;q=0.7", "timezone": "Europe/Paris",
		"emails": [{"type": "home", "value": "ada@home.example", "primary": true}, {"type": "work", "value": "ada@halcyon.example"}],
		"phoneNumbers": [{"type": "mobile", "value": "+33 6"}, {"type": "fax", "value": "+33 9"}, {"type": "work", "value": "+33 4"}],
		"addresses": [{"type": "work", "locality": "Lyon", "formatted": "1 rue X\n69000 Lyon"}],
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
			"employeeNumber": 42, "department": "Sales", "organization": "Halcyon", "division": "North", "costCenter": "CC1",
			"manager": {"value": "u9", "displayName": "Greta Ibsen"}
		},
		"urn:ietf:params:scim:schemas:extension:javelo:2.0:User": {
			"seniorityDate": "2012-03-01", "contractStartDate": "2014-09-01T00:00:00Z", "lastExitDate": "", "gender": "F", "contractType": "CDI",
			"status": "Cadre", "grade": 7, "businessUnit": "Retail", "not a name!": "x"
		}
	}`))
	want := model.Observation{
		Native: "u1",
		Attributes: model.Attributes{
			"email": model.Text("ada@halcyon.example"), "given_name": model.Text("Ada"), "family_name": model.Text("Fontaine"), "display_name": model.Text("Ada F."),
			"employee_number": model.Text("42"), "title": model.Text("Engineer"), "department": model.Text("Sales"), "organization": model.Text("Halcyon"),
			"division": model.Text("North"), "cost_center": model.Text("CC1"), "site": model.Text("Lyon"), "work_phone": model.Text("+33 4"), "mobile_phone": model.Text("+33 6"),
			"gender": model.Text("female"), "contract_type": model.Text("CDI"), "first_hired_on": model.Text("2012-03-01"), "start_date": model.Text("2014-09-01"), "end_date": model.Null(),
			"locale": model.Text("fr-FR"), "time_zone": model.Text("Europe/Paris"),
			"manager":       {Text: "Greta Ibsen", Refs: refs("any", "u9")},
			"custom.status": model.Text("Cadre"), "custom.grade": model.Text("7"), "custom.businessunit": model.Text("Retail"),
		},
		Fields: map[model.Name]string{
			"email": `emails[type eq "work"].value`, "given_name": "name.givenName", "family_name": "name.familyName", "display_name": "displayName",
			"employee_number": "enterprise:employeeNumber", "title": "title", "department": "enterprise:department", "organization": "enterprise:organization",
			"division": "enterprise:division", "cost_center": "enterprise:costCenter", "site": `addresses[type eq "work"].locality`,
			"work_phone": `phoneNumbers[type eq "work"].value`, "mobile_phone": `phoneNumbers[type eq "mobile"].value`,
			"gender": "javelo:gender", "contract_type": "javelo:contractType", "first_hired_on": "javelo:seniorityDate", "start_date": "javelo:contractStartDate", "end_date": "javelo:lastExitDate",
			"locale": "preferredLanguage", "time_zone": "timezone", "manager": "enterprise:manager",
			"custom.status": "javelo:status", "custom.grade": "javelo:grade", "custom.businessunit": "javelo:businessUnit",
		},
		Status: model.Active, RawStatus: "active=true",
	}
	if diff := cmp.Diff(want, o); diff != "" {
		t.Error(diff)
	}
}

func TestMapUserLeavesOutWhatIsNotThere(t *testing.T) {
	o := MapUser(resource(t, `{"id": 7, "userName": "ada"}`))
	want := model.Observation{Native: "7", Attributes: model.Attributes{}, Fields: map[model.Name]string{}, Status: model.Unknown}
	if diff := cmp.Diff(want, o); diff != "" {
		t.Error(diff)
	}
}

func TestMapUserTellsNullFromAbsent(t *testing.T) {
	o := MapUser(resource(t, `{"id": "1", "title": null, "displayName": "", "name": {"givenName": null}, "emails": null, "phoneNumbers": null, "addresses": null,
		"userType": null, "urn:ietf:params:scim:schemas:extension:javelo:2.0:User": {"contractType": ""},
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": null, "manager": null}}`))
	want := model.Attributes{}
	for _, n := range []model.Name{"title", "display_name", "given_name", "email", "work_phone", "mobile_phone", "site", "department", "manager", "contract_type"} {
		want[n] = model.Null()
	}
	if diff := cmp.Diff(want, o.Attributes); diff != "" {
		t.Error(diff)
	}
}

func TestAnEmptyPlaceGivesWayToTheNextOne(t *testing.T) {
	o := MapUser(resource(t, `{"displayName": "", "name": {"formatted": "Ada Fontaine"}, "userType": "CDI", "locale": null, "preferredLanguage": "fr",
		"urn:ietf:params:scim:schemas:extension:javelo:2.0:User": {"contractType": null}}`))
	want := model.Attributes{"display_name": model.Text("Ada Fontaine"), "contract_type": model.Text("CDI"), "locale": model.Text("fr")}
	if diff := cmp.Diff(want, o.Attributes); diff != "" {
		t.Error(diff)
	}
}

func TestMapUserToleratesOtherSpellings(t *testing.T) {
	o := MapUser(resource(t, `{"ID": "1", "USERNAME": "ada@halcyon.example", "Active": "False", "name.givenName": "Ada",
		"URN:ietf:params:scim:schemas:extension:Enterprise:2.0:user:Department": "Sales",
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter": "CC1",
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.division": "North",
		"urn:ietf:params:scim:schemas:extension:javelo:2.0:User:grade": "B",
		"urn:ietf:params:scim:schemas:extension:javelo:2.0:User:seniorityDate": "2012-03-01"}`))
	want := model.Attributes{
		"email": model.Text("ada@halcyon.example"), "given_name": model.Text("Ada"), "department": model.Text("Sales"), "cost_center": model.Text("CC1"),
		"division": model.Text("North"), "custom.grade": model.Text("B"), "first_hired_on": model.Text("2012-03-01"),
	}
	if diff := cmp.Diff(want, o.Attributes); diff != "" {
		t.Error(diff)
	}
	if o.Native != "1" || o.Status != model.Inactive || o.RawStatus != "active=false" {
		t.Errorf("native %q, status %q, %q", o.Native, o.Status, o.RawStatus)
	}
}

func TestExtensionIsFoundInAnyLetterCase(t *testing.T) {
	o := MapUser(resource(t, `{"URN:ietf:params:scim:schemas:extension:Enterprise:2.0:user": {"DEPARTMENT": "Sales", "Manager": {"Value": "u9"}}}`))
	if o.Attributes.Text(model.Department) != "Sales" || o.Attributes.Text(model.Manager) != "u9" {
		t.Errorf("got %+v", o.Attributes)
	}
}

func TestEmailIsTheWorkAddressAndNeverAPrivateOne(t *testing.T) {
	for _, tt := range []struct{ name, doc, want, field string }{
		{"work before primary", `{"emails": [{"value": "p@x.example", "primary": true}, {"type": "Work", "value": "w@x.example"}]}`, "w@x.example", `emails[type eq "work"].value`},
		{"primary among work", `{"emails": [{"type": "work", "value": "a@x.example"}, {"type": "work", "value": "b@x.example", "primary": "True"}]}`, "b@x.example", `emails[type eq "work"].value`},
		{"primary of another type", `{"emails": [{"type": "other", "value": "o@x.example"}, {"type": "other", "value": "p@x.example", "primary": true}]}`, "p@x.example", "emails[primary eq true].value"},
		{"no type, no primary", `{"emails": [{"value": "a@x.example"}]}`, "a@x.example", "emails.value"},
		{"texts instead of objects", `{"emails": ["a@x.example"]}`, "a@x.example", "emails.value"},
		{"one object instead of a list", `{"emails": {"type": "work", "value": "a@x.example"}}`, "a@x.example", `emails[type eq "work"].value`},
		{"user name", `{"userName": "u@x.example", "emails": [{"type": "home", "value": "h@home.example", "primary": true}]}`, "u@x.example", "userName"},
		{"an empty work address", `{"userName": "u@x.example", "emails": [{"type": "work", "value": ""}]}`, "u@x.example", "userName"},
		{"home only", `{"userName": "ada", "emails": [{"type": "home", "value": "h@home.example", "primary": true}]}`, "", ""},
		{"personal only", `{"emails": [{"type": "Personal", "value": "h@home.example"}]}`, "", ""},
		{"proxy address only", `{"emails": [{"type": "other", "value": "o@x.example"}]}`, "", ""},
		{"empty list", `{"emails": []}`, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := MapUser(resource(t, tt.doc))
			if got := o.Attributes.Text(model.Email); got != tt.want || o.Fields[model.Email] != tt.field {
				t.Errorf("got %q from %q, want %q from %q", got, o.Fields[model.Email], tt.want, tt.field)
			}
			if tt.want == "" && o.Attributes.Has(model.Email) {
				t.Errorf("got %+v, want absent", o.Attributes[model.Email])
			}
		})
	}
}

func TestManagerIsReadInEveryShape(t *testing.T) {
	const ent, jav = `"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User`, `"urn:ietf:params:scim:schemas:extension:javelo:2.0:User`
	byMail := model.Value{Text: "g@x.example", Refs: refs("any", "g@x.example", "email", "g@x.example")}
	byID := model.Value{Text: "u9", Refs: refs("any", "u9")}
	null := model.Null()
	for _, tt := range []struct {
		name, doc string
		want      *model.Value
	}{
		{"object", `{` + ent + `": {"manager": {"value": "u9"}}}`, &byID},
		{"text", `{` + ent + `": {"manager": "u9"}}`, &byID},
		{"number", `{` + ent + `": {"manager": 9}}`, &model.Value{Text: "9", Refs: refs("any", "9")}},
		{"list", `{` + ent + `": {"manager": [{"value": "u9"}]}}`, &byID},
		{"managerId inside", `{` + ent + `": {"manager": {"managerId": "u9"}}}`, &byID},
		{"managerId beside", `{` + ent + `": {"managerId": "g@x.example"}}`, &byMail},
		{"flattened", `{` + ent + `:manager": {"value": "u9"}}`, &byID},
		{"flattened to the value", `{` + ent + `:manager.value": "u9"}`, &byID},
		{"link only", `{` + ent + `": {"manager": {"$ref": "https://x.example/scim/v2/Users/u9/"}}}`, &byID},
		{"javelo", `{` + jav + `": {"managerUserName": "g@x.example"}}`, &byMail},
		{"javelo, flattened", `{` + jav + `.managerUserName": "g@x.example"}`, &byMail},
		{"in the core", `{"managerUserName": "g@x.example"}`, &byMail},
		{"both", `{` + jav + `": {"managerUserName": "g@x.example"}, ` + ent + `": {"manager": {"value": "u9", "displayName": "Greta"}}}`,
			&model.Value{Text: "g@x.example", Refs: refs("any", "g@x.example", "email", "g@x.example", "any", "u9")}},
		{"javelo null, enterprise set", `{` + jav + `": {"managerUserName": null}, ` + ent + `": {"manager": {"value": "u9"}}}`, &byID},
		{"null", `{` + ent + `": {"manager": null}}`, &null},
		{"empty text", `{` + ent + `": {"manager": ""}}`, &null},
		{"empty object", `{` + ent + `": {"manager": {}}}`, &null},
		{"empty value", `{` + ent + `": {"manager": {"value": "", "displayName": "Greta"}}}`, &null},
		{"empty list", `{` + ent + `": {"manager": []}}`, &null},
		{"absent", `{` + ent + `": {}}`, nil},
		{"nonsense", `{` + ent + `": {"manager": [[1]]}}`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := MapUser(resource(t, tt.doc)).Attributes[model.Manager]
			if !ok {
				if tt.want != nil {
					t.Fatalf("absent, want %+v", *tt.want)
				}
				return
			}
			if tt.want == nil {
				t.Fatalf("got %+v, want absent", got)
			}
			if diff := cmp.Diff(*tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStatusIsUnknownUnlessActiveSays(t *testing.T) {
	for _, tt := range []struct {
		active  string
		status  model.Status
		raw     string
		notices int
	}{
		{`true`, model.Active, "active=true", 0},
		{`"True"`, model.Active, "active=true", 0},
		{`1`, model.Active, "active=true", 0},
		{`false`, model.Inactive, "active=false", 0},
		{`"FALSE"`, model.Inactive, "active=false", 0},
		{`null`, model.Unknown, "active=null", 0},
		{`""`, model.Unknown, "active=null", 0},
		{`"maybe"`, model.Unknown, "", 1},
		{`{}`, model.Unknown, "", 0},
	} {
		o := MapUser(resource(t, `{"active": `+tt.active+`}`))
		if o.Status != tt.status || o.RawStatus != tt.raw || len(o.Notices) != tt.notices {
			t.Errorf("%s: got %q, %q, %q", tt.active, o.Status, o.RawStatus, o.Notices)
		}
	}
}

func TestUnreadableDateIsANoticeWithoutTheValue(t *testing.T) {
	o := MapUser(resource(t, `{"urn:ietf:params:scim:schemas:extension:javelo:2.0:User": {"seniorityDate": "01/03/2012", "birthDate": "1990-02-31"}}`))
	want := []string{"javelo:birthDate is not a date (YYYY-MM-DD) and was left out", "javelo:seniorityDate is not a date (YYYY-MM-DD) and was left out"}
	if diff := cmp.Diff(want, o.Notices); diff != "" || len(o.Attributes) != 0 {
		t.Errorf("%s attributes %v", diff, o.Attributes)
	}
}

func TestSiteIsACityOrAnOfficeNotAPostalAddress(t *testing.T) {
	for doc, want := range map[string]string{
		`{"addresses": [{"type": "work", "formatted": "Office 4"}]}`:                                              "Office 4",
		`{"addresses": [{"type": "other", "formatted": "Office 4"}, {"type": "work", "locality": "Lyon"}]}`:       "Lyon",
		`{"addresses": [{"type": "other", "formatted": "Office 4"}, {"type": "work", "streetAddress": "1 rue"}]}`: "Office 4",
		`{"addresses": [{"type": "work", "formatted": "1 rue X\n69000 Lyon"}]}`:                                   "",
		`{"addresses": [{"type": "home", "locality": "Lyon"}]}`:                                                   "",
	} {
		if got := MapUser(resource(t, doc)).Attributes.Text(model.Site); got != want {
			t.Errorf("%s: got %q, want %q", doc, got, want)
		}
	}
}

func FuzzMapUserNeverPanics(f *testing.F) {
	f.Add(`{"id": "1", "emails": [{"type": "work", "value": "a@x.example"}], "active": "True"}`)
	f.Add(`{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"manager": [{"$ref": "/"}]}, "addresses": {"type": "work"}}`)
	f.Fuzz(func(t *testing.T, doc string) {
		d := json.NewDecoder(strings.NewReader(doc))
		d.UseNumber()
		var r Resource
		if d.Decode(&r) != nil {
			return
		}
		o := MapUser(r)
		for n, v := range o.Attributes {
			if !n.Valid() || v.Null != (v.Text == "") || o.Fields[n] == "" {
				t.Errorf("%s: %+v from %q", n, v, o.Fields[n])
			}
		}
		if !cmp.Equal(o, MapUser(r)) {
			t.Error("the same resource gives different answers")
		}
	})
}
