package schema_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/scimsrv/schema"
)

func TestDeclaredExtensionsAreTypedPublishedAndFound(t *testing.T) {
	const urn = "urn:example:params:scim:schemas:extension:acme:2.0:User"
	c, err := schema.Declare(map[string]map[string]string{urn: {
		"badge": "string", "languages": "string[]", "level": "integer", "share": "decimal", "remote": "boolean", "since": "dateTime", "page": "reference",
	}})
	if err != nil {
		t.Fatal(err)
	}
	in := `{"schemas":["` + userURN + `","` + urn + `"],"userName":"jane","` + urn + `":{"badge":"7","languages":["fr","en"],"level":3,"share":0.8,"remote":true,"since":"2026-11-22T10:00:00Z","page":"https://acme.example/jane"}}`
	got, err := c.User.Validate(tree(t, in), schema.Create, schema.Leniency{})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"userName":"jane","` + urn + `":{"badge":"7","languages":["fr","en"],"level":3,"page":"https://acme.example/jane","remote":true,"share":0.8,"since":"2026-11-22T10:00:00Z"},"active":true}`
	if diff := cmp.Diff(want, text(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, value := range map[string]string{"badge": "7", "languages": `"fr"`, "level": "3.5", "remote": `"True"`, "since": `"soon"`, "pin": `"1"`} {
		in := `{"schemas":["` + userURN + `","` + urn + `"],"userName":"jane","` + urn + `":{"` + name + `":` + value + `}}`
		if _, err := c.User.Validate(tree(t, in), schema.Create, schema.Leniency{}); err == nil {
			t.Errorf("%s = %s was accepted", name, value)
		}
	}
	published := false
	for _, doc := range c.Schemas(base) {
		if doc.String("id") == urn {
			published = doc.String("name") == "acme" && strings.Contains(text(doc), `"name":"languages","type":"string","multiValued":true`)
		}
	}
	if !published {
		t.Error("the schema is not published as declared")
	}
	if ref, err := c.User.Resolve(strings.ToUpper(urn) + ":BADGE"); err != nil || ref.String() != urn+":badge" {
		t.Errorf("its path resolves to %q, %v", ref, err)
	}
}

func TestDeclareRefusesWhatNewRefuses(t *testing.T) {
	for want, extensions := range map[string]map[string]map[string]string{
		"unknown type":      {"urn:example:acme": {"badge": "text"}},
		"already one":       {enterpriseURN: {"badge": "string"}},
		"must be a URN":     {"acme": {"badge": "string"}},
		"a name is":         {"urn:example:acme": {"two words": "string"}},
		`unknown type "[]"`: {"urn:example:acme": {"badge": "[][]"}},
	} {
		if _, err := schema.Declare(extensions); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
	if c, err := schema.Declare(map[string]map[string]string(nil)); err != nil || len(c.User.Extensions) != 2 {
		t.Errorf("without extensions: %v", err)
	}
}
