package schema_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/schema"
)

const base = "https://rollcall.example.com/scim/v2"

func find(t testing.TB, list attr.Value, key, value string) *attr.Object {
	t.Helper()
	a, _ := list.(attr.Array)
	for _, v := range a {
		if o, ok := v.(*attr.Object); ok && o.String(key) == value {
			return o
		}
	}
	t.Fatalf("there is nothing with %s %s", key, value)
	return nil
}

// walk calls visit for every object in v.
func walk(v attr.Value, visit func(*attr.Object)) {
	switch v := v.(type) {
	case *attr.Object:
		visit(v)
		for _, e := range v.Members() {
			walk(e, visit)
		}
	case attr.Array:
		for _, e := range v {
			walk(e, visit)
		}
	}
}

func TestSchemasHoldRFCKeysOnlyAndNoNull(t *testing.T) {
	docs := catalog(t).Schemas(base)
	var ids []string
	allowed := []string{"schemas", "id", "name", "description", "attributes", "meta", "resourceType", "location",
		"type", "subAttributes", "multiValued", "required", "canonicalValues", "caseExact", "mutability", "returned", "uniqueness", "referenceTypes"}
	for _, doc := range docs {
		ids = append(ids, doc.String("id"))
		walk(doc, func(o *attr.Object) {
			for name, v := range o.Members() {
				if !slices.Contains(allowed, name) {
					t.Errorf("%s: key %s is not of RFC 7643 §7", doc.String("id"), name)
				}
				if v == nil {
					t.Errorf("%s: %s is null", doc.String("id"), name)
				}
			}
		})
		if strings.Contains(strings.ToLower(text(doc)), "password") {
			t.Errorf("%s publishes the password", doc.String("id"))
		}
	}
	want := []string{userURN, enterpriseURN, javeloURN, tenantURN, schema.GroupURN}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Errorf("schemas (-want +got):\n%s", diff)
	}
}

func TestSchemaDocuments(t *testing.T) {
	user := catalog(t).Schemas(base)[0]
	attributes, _ := user.Get("attributes")
	want := `{"name":"userName","type":"string","multiValued":false,"description":"The name by which the user is known to the sender; unique.",` +
		`"required":true,"caseExact":false,"mutability":"readWrite","returned":"default","uniqueness":"server"}`
	if diff := cmp.Diff(want, text(find(t, attributes, "name", "userName"))); diff != "" {
		t.Errorf("userName (-want +got):\n%s", diff)
	}
	emails := find(t, attributes, "name", "emails")
	subs, _ := emails.Get("subAttributes")
	if got, want := text(find(t, subs, "name", "type")), `"canonicalValues":["work","home","other"]`; !strings.Contains(got, want) {
		t.Errorf("emails.type: %s lacks %s", got, want)
	}
	groups := find(t, attributes, "name", "groups")
	subs, _ = groups.Get("subAttributes")
	if got, want := text(find(t, subs, "name", "$ref")), `"referenceTypes":["Group"]`; !strings.Contains(got, want) {
		t.Errorf("groups.$ref: %s lacks %s", got, want)
	}
	meta, _ := user.Get("meta")
	if got, want := text(meta), `{"resourceType":"Schema","location":"`+base+`/Schemas/`+userURN+`"}`; got != want {
		t.Errorf("meta: %s, want %s", got, want)
	}
}

func TestResourceTypes(t *testing.T) {
	c, err := schema.New()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],"id":"User","name":"User","endpoint":"/Users","description":"User account","schema":"` + userURN + `",` +
			`"schemaExtensions":[{"schema":"` + enterpriseURN + `","required":false},{"schema":"` + javeloURN + `","required":false}],` +
			`"meta":{"resourceType":"ResourceType","location":"` + base + `/ResourceTypes/User"}}`,
		`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],"id":"Group","name":"Group","endpoint":"/Groups","description":"Group","schema":"` + schema.GroupURN + `",` +
			`"meta":{"resourceType":"ResourceType","location":"` + base + `/ResourceTypes/Group"}}`,
	}
	var got []string
	for _, doc := range c.ResourceTypes(base) {
		got = append(got, text(doc))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestServiceProviderConfigHasEveryNumber(t *testing.T) {
	got := text(schema.ServiceProviderConfig(base, schema.Features{FilterMaxResults: 1000, Sort: true, ETag: true, Cursors: true, PageSize: 100, MaxPageSize: 1000, CursorTimeout: 600}))
	want := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],"patch":{"supported":true},` +
		`"bulk":{"supported":false,"maxOperations":0,"maxPayloadSize":0},"filter":{"supported":true,"maxResults":1000},"changePassword":{"supported":false},` +
		`"sort":{"supported":true},"etag":{"supported":true},` +
		`"pagination":{"cursor":true,"index":true,"defaultPaginationMethod":"index","defaultPageSize":100,"maxPageSize":1000,"cursorTimeout":600},` +
		`"authenticationSchemes":[{"type":"oauthbearertoken","name":"Bearer token","description":"A token of the source, in the Authorization header.","specUri":"https://www.rfc-editor.org/info/rfc6750","primary":true}],` +
		`"meta":{"resourceType":"ServiceProviderConfig","location":"` + base + `/ServiceProviderConfig"}}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
