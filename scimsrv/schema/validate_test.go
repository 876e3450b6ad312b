package schema_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/schema"
)

// user wraps members into a valid user.
func user(members string) string {
	s := `{"schemas":["` + userURN + `","` + enterpriseURN + `","` + javeloURN + `","` + tenantURN + `"],"userName":"jane@example.com"`
	if members != "" {
		s += "," + members
	}
	return s + "}"
}

// stored wraps what a user is expected to be stored with.
func stored(members string) string {
	s := `{"userName":"jane@example.com"`
	if members != "" {
		s += "," + members
	}
	return s + "}"
}

func TestValidateStrict(t *testing.T) {
	tests := []struct {
		name, in, want string
	}{
		{"canonical spelling and order", user(`"ACTIVE":true,"Name":{"GIVENNAME":"Jane","familyname":"Doe"},"externalID":"E"`),
			`{"externalId":"E","userName":"jane@example.com","name":{"familyName":"Doe","givenName":"Jane"},"active":true}`},
		{"readOnly, discarded and null members go", user(`"id":"x","meta":{"version":"1"},"groups":[{"value":"g"}],"password":"p","title":null,"roles":[],"name":{},"ims":[{}]`),
			stored(``)},
		{"computed references go", user(`"` + enterpriseURN + `":{"manager":{"value":"7","$ref":"../Users/7","displayName":"Max"}}`),
			stored(`"` + enterpriseURN + `":{"manager":{"value":"7"}}`)},
		{"an open schema keeps unknown keys", user(`"` + javeloURN + `":{"businessUnit":"North","grade":"A","gender":null}`),
			stored(`"` + javeloURN + `":{"grade":"A","businessUnit":"North"}`)},
		{"the same element is stored once", user(`"emails":[{"value":"a","type":"work"},{"TYPE":"work","Value":"a"},{"value":"a","type":"home"}]`),
			stored(`"emails":[{"value":"a","type":"work"},{"value":"a","type":"home"}]`)},
		{"a password in an open schema goes", user(`"` + javeloURN + `":{"passWord":"p","grade":"A"}`), stored(`"` + javeloURN + `":{"grade":"A"}`)},
		{"an empty string is a value", user(`"title":""`), stored(`"title":""`)},
		{"texts are kept as sent", user(`"phoneNumbers":[{"value":"+33 (0)1  02","type":"WORK"}],"locale":"YJEXH","profileUrl":"KEMUB"`),
			stored(`"profileUrl":"KEMUB","locale":"YJEXH","phoneNumbers":[{"value":"+33 (0)1  02","type":"WORK"}]`)},
		{"every type", user(`"` + tenantURN + `":{"level":5.0,"ratio":1.50,"remote":false,"since":"2026-11-22T10:00:00.123+01:00","key":"AQID","page":"https://example.com/x","tags":["a","B"]}`),
			stored(`"` + tenantURN + `":{"level":5.0,"ratio":1.50,"remote":false,"since":"2026-11-22T10:00:00.123+01:00","key":"AQID","page":"https://example.com/x","tags":["a","B"]}`)},
		{"JSON text stays text", user(`"roles":[{"value":"{\"id\":\"25\"}"}]`), stored(`"roles":[{"value":"{\"id\":\"25\"}"}]`)},
	}
	rt := catalog(t).User
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := tree(t, tt.in)
			before := text(in)
			got, err := rt.Validate(in, schema.Replace, schema.Leniency{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, text(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if text(in) != before {
				t.Error("the tree given was changed")
			}
		})
	}
}

func TestValidateStrictRefuses(t *testing.T) {
	tests := []struct {
		name, in, scimType, want string
	}{
		{"no userName", `{"schemas":["` + userURN + `"]}`, schema.InvalidValue, "userName: required: a string is expected"},
		{"an empty userName", strings.Replace(user(""), "jane@example.com", "", 1), schema.InvalidValue, "userName: required"},
		{"a null userName", strings.Replace(user(""), `"jane@example.com"`, "null", 1), schema.InvalidValue, "userName: required"},
		{"no schemas", `{"userName":"j"}`, schema.InvalidSyntax, "schemas: a list with " + userURN},
		{"no core schema", `{"schemas":["` + enterpriseURN + `"],"userName":"j"}`, schema.InvalidSyntax, "schemas: " + userURN + " is missing"},
		{"an unknown schema", `{"schemas":["` + userURN + `","urn:x:y"],"userName":"j"}`, schema.InvalidSyntax, "schemas[1]: the URN of a schema of User"},
		{"an extension not declared", `{"schemas":["` + userURN + `"],"userName":"j","` + enterpriseURN + `":{"department":"x"}}`, schema.InvalidSyntax, enterpriseURN + " is missing"},
		{"an unknown attribute", user(`"favouriteColour":"red"`), schema.InvalidSyntax, "favouriteColour: unknown attribute"},
		{"an unknown sub-attribute", user(`"emails":[{"value":"a"},{"colour":"red"}]`), schema.InvalidSyntax, "emails[1].colour: unknown attribute"},
		{"an unknown extension", user(`"urn:example:x:2.0:User":{"a":"b"}`), schema.InvalidSyntax, "urn:example:x:2.0:User: unknown"},
		{"an extension's attribute at the top", user(`"department":"x"`), schema.InvalidSyntax, "department: unknown"},
		{"a bad name in an open schema", user(`"` + javeloURN + `":{"two words":"x"}`), schema.InvalidSyntax, ":two words: unknown attribute"},
		{"an extension that is no object", user(`"` + enterpriseURN + `":"x"`), schema.InvalidValue, enterpriseURN + ": an object is expected, not string"},
		{"a boolean string", user(`"active":"True"`), schema.InvalidValue, "active: true or false is expected, not this string"},
		{"a boolean string in an element", user(`"emails":[{"value":"a","primary":"true"}]`), schema.InvalidValue, "emails[0].primary: true or false"},
		{"a number for a string", user(`"title":7`), schema.InvalidValue, "title: a string is expected, not a number"},
		{"a string for a number", user(`"` + tenantURN + `":{"level":"5"}`), schema.InvalidValue, tenantURN + ":level: a whole number"},
		{"a fraction for an integer", user(`"` + tenantURN + `":{"level":5.5}`), schema.InvalidValue, "a whole number is expected, not a number"},
		{"no date", user(`"` + tenantURN + `":{"since":"22/11/2026"}`), schema.InvalidValue, "a date and time such as"},
		{"no base64", user(`"x509Certificates":[{"value":"?"}]`), schema.InvalidValue, "x509Certificates[0].value: a base64 text"},
		{"no URI", user(`"profileUrl":"http://[::1"`), schema.InvalidValue, "profileUrl: a URI"},
		{"no list", user(`"emails":{"value":"a"}`), schema.InvalidValue, "emails: a list is expected, not object"},
		{"a list for a single value", user(`"title":["x"]`), schema.InvalidValue, "title: a string is expected, not a list"},
		{"a list in a list", user(`"emails":[[{"value":"a"}]]`), schema.InvalidValue, "emails[0]: an object is expected, not a list"},
		{"a bare manager", user(`"` + enterpriseURN + `":{"manager":"7"}`), schema.InvalidValue, ":manager: an object is expected, not this string"},
		{"two primaries", user(`"emails":[{"value":"a","primary":true},{"value":"b","primary":true}]`), schema.InvalidValue, "emails: primary is true for more than one element"},
		{"a required sub-attribute", user(`"` + tenantURN + `":{"sites":[{"floor":1}]}`), schema.InvalidValue, "sites.code: required"},
		{"a key that is too long", user(`"externalId":"` + strings.Repeat("x", 1025) + `"`), schema.InvalidValue, "externalId: at most 1024 bytes"},
		{"a key with a control character", user(`"emails":[{"value":"a\u0000b"}]`), schema.InvalidValue, "emails[0].value: at most 1024 bytes without control"},
	}
	rt := catalog(t).User
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := rt.Validate(tree(t, tt.in), schema.Create, schema.Leniency{})
			var e *schema.Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want an error", err)
			}
			if e.ScimType != tt.scimType || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %s %q, want %s with %q", e.ScimType, err, tt.scimType, tt.want)
			}
		})
	}
}

func TestValidateReportsEverythingButNoValues(t *testing.T) {
	in := tree(t, user(`"active":"hunter2","title":{"x":"hunter2"},"emails":"hunter2","a":1,"b":1,"c":1,"profileUrl":"http://hunter2:x\u0000"`))
	_, err := catalog(t).User.Validate(in, schema.Create, schema.Leniency{})
	var errs schema.Errors
	if !errors.As(err, &errs) || len(errs) != 7 {
		t.Fatalf("got %d errors: %v", len(errs), err)
	}
	if !strings.HasSuffix(err.Error(), "and 2 more") {
		t.Errorf("a long list must be cut: %v", err)
	}
	for _, e := range errs {
		if strings.Contains(e.Error(), "hunter2") {
			t.Errorf("%v repeats a value", e)
		}
	}
}

func TestValidateLenient(t *testing.T) {
	const ent = `"` + enterpriseURN + `":`
	tests := []struct {
		name, in, want string
		noted          []string
	}{
		{"boolean strings", `"active":"False","emails":[{"value":"a","primary":"TRUE"}]`,
			`"active":false,"emails":[{"value":"a","primary":true}]`, []string{schema.BooleanString}},
		{"legacy nulls and strays", `"addresses":null,"department":null,"manager":null,"schemas":["urn:ietf:params:scim:schemas:extension:enterprise:2.0User"],"x":1`,
			``, []string{schema.ShortName, schema.UnknownIgnored}},
		{"manager as a string", ent + `{"manager":"7"}`, ent + `{"manager":{"value":"7"}}`, []string{schema.LooseShape}},
		{"manager as a list of one", ent + `{"manager":[{"value":"7","$ref":"x"}]}`, ent + `{"manager":{"value":"7"}}`, []string{schema.LooseShape}},
		{"manager as a reference", ent + `{"manager":{"$ref":"https://example.com/scim/v2/Users/a%40b/"}}`, ent + `{"manager":{"value":"a@b"}}`, nil},
		{"manager with an empty value", ent + `{"manager":{"value":""},"division":"D"}`, ent + `{"division":"D"}`, []string{schema.EmptyCleared}},
		{"manager with a null value", ent + `{"manager":{"value":null,"$ref":""}}`, ``, nil},
		{"manager as an empty string", ent + `{"manager":""}`, ``, []string{schema.EmptyCleared}},
		{"manager as an empty list", ent + `{"manager":[]}`, ``, nil},
		{"manager as a number", ent + `{"manager":2819}`, ent + `{"manager":{"value":"2819"}}`, []string{schema.LooseShape, schema.NumberString}},
		{"manager at the top", `"manager":{"value":"7"}`, ent + `{"manager":{"value":"7"}}`, []string{schema.ShortName}},
		{"a joined key", `"` + enterpriseURN + `:department":"Sales"`, ent + `{"department":"Sales"}`, []string{schema.ShortName}},
		{"the proper place counts", `"department":"Wrong",` + ent + `{"department":"Right"}`, ent + `{"department":"Right"}`, []string{schema.ShortName}},
		{"one element for a list", `"emails":{"value":"a"}`, `"emails":[{"value":"a"}]`, []string{schema.LooseShape}},
		{"bare strings for elements", `"emails":["a","b"],"roles":"r"`, `"emails":[{"value":"a"},{"value":"b"}],"roles":[{"value":"r"}]`, []string{schema.LooseShape}},
		{"a list of one for a string", `"title":["Boss"],"nickName":[{"value":"B"}]`, `"nickName":"B","title":"Boss"`, []string{schema.LooseShape}},
		{"an empty list for a string", `"title":[]`, ``, nil},
		{"empty strings clear", `"title":"","active":"","name":{"givenName":"","familyName":"Doe"},"emails":[{"value":"","type":"work"},{"value":"a"}],"addresses":[{"type":"work","primary":true,"locality":""}]`,
			`"name":{"familyName":"Doe"},"emails":[{"value":"a"}]`, []string{schema.EmptyCleared}},
		{"an element without value keeps what else it has", `"roles":[{"display":"Admin","primary":"True"}]`, `"roles":[{"display":"Admin","primary":true}]`, []string{schema.BooleanString}},
		{"the last primary wins", `"emails":[{"value":"a","primary":true},{"value":"b","primary":true}]`,
			`"emails":[{"value":"a","primary":false},{"value":"b","primary":true}]`, []string{schema.PrimaryReset}},
		{"numbers and texts", `"title":7,"` + tenantURN + `":{"level":" 5 ","ratio":"1.5"},"` + javeloURN + `":{"badge":true}`,
			`"title":"7","` + javeloURN + `":{"badge":"true"},"` + tenantURN + `":{"level":5,"ratio":1.5}`, []string{schema.NumberString}},
		{"opaque texts", `"profileUrl":"http://[","x509Certificates":[{"value":"?"}],"` + tenantURN + `":{"since":"soon"}`,
			`"profileUrl":"http://[","x509Certificates":[{"value":"?"}],"` + tenantURN + `":{"since":"soon"}`, []string{schema.OpaqueText}},
	}
	rt := catalog(t).User
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var noted []string
			l := tolerant()
			l.Noted = func(s string) {
				if !slices.Contains(noted, s) {
					noted = append(noted, s)
				}
			}
			in := `{"userName":"jane@example.com",` + tt.in + `}`
			got, err := rt.Validate(tree(t, in), schema.Replace, l)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(stored(tt.want), text(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			slices.Sort(noted)
			if diff := cmp.Diff(tt.noted, noted); diff != "" {
				t.Errorf("tolerances noted (-want +got):\n%s", diff)
			}
			again, err := rt.Validate(got, schema.Replace, schema.Leniency{AnySchemas: true, OpaqueText: true})
			if err != nil || !attr.Equal(got, again) {
				t.Errorf("what was stored does not pass again: %v", err)
			}
		})
	}
}

func TestValidateLenientStillRefuses(t *testing.T) {
	for in, want := range map[string]string{
		`{"userName":""}`:                       "userName: required",
		`{}`:                                    "userName: required",
		`{"userName":"j","active":"maybe"}`:     "active: true or false",
		`{"userName":"j","title":["a","b"]}`:    "title: a string is expected, not a list",
		`{"userName":"j","title":{"a":"b"}}`:    "title: a string is expected, not an object",
		`{"userName":"j","name":"Jane Doe"}`:    "name: an object is expected",
		`{"userName":"j","emails":[["a","b"]]}`: "emails[0]: an object is expected, not a list",
		`{"userName":"j","emails":[{"value":{}}],"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":["1","2"]}}`: "an object is expected, not a list",
		`{"userName":["a","b"]}`: "userName: a string is expected",
	} {
		_, err := catalog(t).User.Validate(tree(t, in), schema.Create, tolerant())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %q", in, err, want)
		}
	}
}

func TestCreateMakesUsersActive(t *testing.T) {
	rt := catalog(t).User
	for in, want := range map[string]string{
		``: `"active":true`, `"active":false`: `"active":false`, `"active":null`: `"active":true`,
	} {
		got, err := rt.Validate(tree(t, user(in)), schema.Create, schema.Leniency{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(stored(want), text(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", in, diff)
		}
	}
}

func TestValidateGroup(t *testing.T) {
	rt := catalog(t).Group
	in := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group","http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],` +
		`"externalId":"G","displayName":"Sales","meta":{"resourceType":"Group"},"members":[{"$ref":null,"value":"1"},{"value":"2","display":"Max","type":"User"},"3"]}`
	got, err := rt.Validate(tree(t, in), schema.Create, tolerant())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"externalId":"G","displayName":"Sales","members":[{"value":"1"},{"value":"2","display":"Max","type":"User"},{"value":"3"}]}`
	if diff := cmp.Diff(want, text(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := rt.Validate(tree(t, `{"displayName":""}`), schema.Create, tolerant()); err == nil {
		t.Error("a group without a name was accepted")
	}
}

func TestArrangedWritesTheOrderOfValidate(t *testing.T) {
	rt := catalog(t).User
	in := tree(t, `{"later":1,"`+tenantURN+`":{"ratio":1,"level":2},"emails":[{"primary":true,"value":"b"},{"type":"work","value":"a"}],"`+javeloURN+`":{"zone":"z","status":"s"},"name":{"givenName":"J","formatted":"F"},"userName":"j","externalId":"e"}`)
	want := `{"externalId":"e","userName":"j","name":{"formatted":"F","givenName":"J"},"emails":[{"value":"b","primary":true},{"value":"a","type":"work"}],"later":1,"` +
		javeloURN + `":{"status":"s","zone":"z"},"` + tenantURN + `":{"level":2,"ratio":1}}`
	if diff := cmp.Diff(want, text(rt.Arranged(in))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCheckImmutable(t *testing.T) {
	rt := catalog(t).User
	with := func(badge string) *attr.Object {
		return tree(t, `{"userName":"j","`+tenantURN+`":{"badge":`+badge+`}}`)
	}
	if err := rt.CheckImmutable(with(`"1"`), with(`"1"`)); err != nil {
		t.Errorf("the same value: %v", err)
	}
	if err := rt.CheckImmutable(tree(t, `{"userName":"j"}`), with(`"1"`)); err != nil {
		t.Errorf("a first value: %v", err)
	}
	for _, next := range []*attr.Object{with(`"2"`), tree(t, `{"userName":"j"}`)} {
		var e *schema.Error
		if err := rt.CheckImmutable(with(`"1"`), next); !errors.As(err, &e) || e.ScimType != schema.MutabilityErr {
			t.Errorf("got %v, want mutability", err)
		}
	}
}

func TestRequiredExtension(t *testing.T) {
	c, err := schema.New(schema.Extension{Schema: tenant(), Required: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.User.Validate(tree(t, `{"userName":"j"}`), schema.Create, tolerant()); err == nil {
		t.Error("a required extension was missing and nobody said so")
	}
}

func BenchmarkValidate(b *testing.B) {
	rt := catalog(b).User
	in := tree(b, user(`"externalId":"E","active":"True","displayName":"Jane Doe","name":{"givenName":"Jane","familyName":"Doe"},`+
		`"emails":[{"primary":true,"type":"work","value":"jane@example.com"}],"`+enterpriseURN+`":{"department":"Sales","manager":"7"}`))
	l := tolerant()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rt.Validate(in, schema.Create, l); err != nil {
			b.Fatal(err)
		}
	}
}
