package schema_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/schema"
)

const (
	userURN       = schema.UserURN
	enterpriseURN = schema.EnterpriseUserURN
	javeloURN     = schema.JaveloUserURN
	tenantURN     = "urn:example:params:scim:schemas:extension:acme:2.0:User"
)

func tree(t testing.TB, text string) *attr.Object {
	t.Helper()
	o, err := attr.Decode([]byte(text), attr.Limits{})
	if err != nil {
		t.Fatalf("decode %s: %v", text, err)
	}
	return o
}

func text(v attr.Value) string { return string(attr.Append(nil, v)) }

// tenant is an extension with one attribute of every type.
func tenant() *schema.Schema {
	a := func(name string, typ schema.Type) *schema.Attribute {
		return &schema.Attribute{Name: name, Type: typ, CaseExact: true, Mutability: schema.ReadWrite,
			Returned: schema.ReturnedDefault, Uniqueness: schema.UniqueNone}
	}
	badge := a("badge", schema.String)
	badge.Mutability = schema.Immutable
	sites := a("sites", schema.Complex)
	sites.MultiValued = true
	code := a("code", schema.String)
	code.Required = true
	sites.Sub = []*schema.Attribute{code, a("floor", schema.Integer)}
	tags := a("tags", schema.String)
	tags.MultiValued = true
	return &schema.Schema{URN: tenantURN, Name: "AcmeUser", Attributes: []*schema.Attribute{
		a("level", schema.Integer), a("ratio", schema.Decimal), a("remote", schema.Boolean),
		a("since", schema.DateTime), a("key", schema.Binary), a("page", schema.Reference), badge, sites, tags,
	}}
}

func catalog(t testing.TB) *schema.Catalog {
	t.Helper()
	c, err := schema.New(schema.Extension{Schema: tenant()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// tolerant is what the profiles of real senders grant.
func tolerant() schema.Leniency {
	return schema.Leniency{AnySchemas: true, IgnoreUnknown: true, BooleanStrings: true, NumberStrings: true,
		OpaqueText: true, LooseShapes: true, EmptyClears: true, LastPrimaryWins: true, ShortNames: true}
}

func Example() {
	catalog, err := schema.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	received, _ := attr.Decode([]byte(`{
		"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
		"USERNAME": "jane@example.com", "active": "False", "id": "ignored", "password": "secret",
		"manager": [{"value": "17", "$ref": null}]}`), attr.Limits{})

	_, err = catalog.User.Validate(received, schema.Create, schema.Leniency{})
	fmt.Println(err)

	lenient := schema.Leniency{BooleanStrings: true, ShortNames: true, LooseShapes: true}
	stored, err := catalog.User.Validate(received, schema.Create, lenient)
	fmt.Println(string(attr.Append(nil, stored)), err)
	// Output:
	// active: true or false is expected, not this string; manager: unknown attribute
	// {"userName":"jane@example.com","active":false,"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"value":"17"}}} <nil>
}

func TestResolveDividesAtTheLongestKnownURN(t *testing.T) {
	longer := &schema.Schema{URN: enterpriseURN + ":sub", Attributes: tenant().Attributes, Name: "Longer"}
	c, err := schema.New(schema.Extension{Schema: tenant()}, schema.Extension{Schema: longer})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ path, want string }{
		{"userName", "userName"},
		{"USERNAME", "userName"},
		{"NAME.givenname", "name.givenName"},
		{"id", "id"},
		{"meta.lastModified", "meta.lastModified"},
		{"emails.VALUE", "emails.value"},
		{"members", ""},
		{"groups.$REF", "groups.$ref"},
		{userURN + ":name.familyName", "name.familyName"},
		{strings.ToUpper(userURN) + ":TITLE", "title"},
		{userURN, ""},
		{enterpriseURN, enterpriseURN},
		{enterpriseURN + ":department", enterpriseURN + ":department"},
		{"URN:ietf:params:scim:schemas:extension:ENTERPRISE:2.0:user:Manager.Value", enterpriseURN + ":manager.value"},
		{enterpriseURN + ":sub:level", enterpriseURN + ":sub:level"},
		{enterpriseURN + ".department", ""}, // only where short names are accepted
		{enterpriseURN + "X:department", ""},
		{enterpriseURN + ":", ""},
		{enterpriseURN + ":manager.value.x", ""},
		{javeloURN + ":grade", javeloURN + ":grade"},
		{javeloURN + ":businessUnit", javeloURN + ":businessUnit"},
		{javeloURN + ":two words", ""},
		{"urn:example:unknown:2.0:User:tag", ""},
		{"manager", ""},
		{"name.", ""}, {".name", ""}, {"", ""}, {"a b", ""}, {"name..x", ""}, {"1st", ""},
	}
	for _, tt := range tests {
		ref, err := c.User.Resolve(tt.path)
		got := ""
		if err == nil {
			got = ref.String()
		}
		if got != tt.want {
			t.Errorf("%q resolves to %q (%v), want %q", tt.path, got, err, tt.want)
		}
	}
}

func TestResolveTellsUnknownFromMalformed(t *testing.T) {
	rt := catalog(t).User
	for path, unknown := range map[string]bool{
		"favouriteColour": true, "name.nick": true, "urn:example:other:2.0:User:tag": true,
		enterpriseURN + ":x": true, "members": true,
		"name.": false, "a b": false, "": false, userURN: false,
	} {
		_, err := rt.Resolve(path)
		if err == nil || errors.Is(err, schema.ErrUnknown) != unknown {
			t.Errorf("%q: got %v, want unknown: %v", path, err, unknown)
		}
	}
}

func TestResolveShortFindsExtensionAttributes(t *testing.T) {
	rt := catalog(t).User
	for path, want := range map[string]string{
		"manager": enterpriseURN + ":manager", "Manager.value": enterpriseURN + ":manager.value",
		"department": enterpriseURN + ":department", "managerUserName": javeloURN + ":managerUserName",
		"level": tenantURN + ":level", "title": "title",
		enterpriseURN + ".manager": enterpriseURN + ":manager",
	} {
		ref, err := rt.ResolveShort(path)
		if err != nil || ref.String() != want {
			t.Errorf("%q resolves to %q (%v), want %q", path, ref, err, want)
		}
	}
	// An open schema must not swallow every unknown name.
	if ref, err := rt.ResolveShort("somethingNew"); !errors.Is(err, schema.ErrUnknown) {
		t.Errorf("got %q, %v", ref, err)
	}
}

func TestNewRefusesContradictoryExtensions(t *testing.T) {
	with := func(change func(*schema.Schema)) schema.Extension {
		s := tenant()
		change(s)
		return schema.Extension{Schema: s}
	}
	tests := map[string]schema.Extension{
		"already one":                 with(func(s *schema.Schema) { s.URN = strings.ToUpper(enterpriseURN) }),
		"must be a URN":               with(func(s *schema.Schema) { s.URN = "https://example.com/schema" }),
		"defined twice":               with(func(s *schema.Schema) { s.Attributes = append(s.Attributes, s.Attributes[0]) }),
		"a name is":                   with(func(s *schema.Schema) { s.Attributes[0].Name = "two words" }),
		"passwords are not kept":      with(func(s *schema.Schema) { s.Attributes[0].Name = "passWord" }),
		"unknown type":                with(func(s *schema.Schema) { s.Attributes[0].Type = "text" }),
		"unknown mutability":          with(func(s *schema.Schema) { s.Attributes[0].Mutability = "" }),
		"only a complex attribute":    with(func(s *schema.Schema) { s.Attributes[0].Sub = s.Attributes[1:2] }),
		"needs sub-attributes":        with(func(s *schema.Schema) { s.Attributes[7].Sub = nil }),
		"cannot be complex":           with(func(s *schema.Schema) { s.Attributes[7].Sub = s.Attributes[7:8] }),
		`sub-attribute "code" is def`: with(func(s *schema.Schema) { s.Attributes[7].Sub = append(s.Attributes[7].Sub, s.Attributes[7].Sub[0]) }),
	}
	for want, extension := range tests {
		if _, err := schema.New(extension); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
	if _, err := schema.New(tests["unknown type"], tests["must be a URN"]); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("both mistakes must be reported: %v", err)
	}
}

func TestFoldAgreesWithEqualFold(t *testing.T) {
	words := []string{"", "jane", "JANE", "jané", "JANÉ", "\u212aelvin", "kelvin", "KELVIN", "\u017fmith", "smith", "straße", "strasse", "STRASSE", "ΑΣ", "ας", "ασ", "İ", "i", "I", "ı", "Ǆ", "ǅ", "ǆ"}
	for _, a := range words {
		for _, b := range words {
			if got, want := schema.Fold(a) == schema.Fold(b), strings.EqualFold(a, b); got != want {
				t.Errorf("folding %q and %q: equal %v, want %v", a, b, got, want)
			}
		}
		if twice := schema.Fold(schema.Fold(a)); twice != schema.Fold(a) {
			t.Errorf("folding %q twice gives %q", a, twice)
		}
	}
	rt := catalog(t).User
	for path, want := range map[string]string{"userName": "jane", "externalId": "JaNe", "emails.value": "jane", "id": "JaNe", "displayName": "jane"} {
		ref, err := rt.Resolve(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := ref.Leaf().Fold("JaNe"); got != want {
			t.Errorf("%s folds to %q, want %q", path, got, want)
		}
	}
}

func TestSchemasOfListsExtensionsInUse(t *testing.T) {
	rt := catalog(t).User
	got := text(rt.SchemasOf(tree(t, `{"userName":"j","`+javeloURN+`":{"grade":"A"},"`+enterpriseURN+`":{}}`)))
	if want := `["` + userURN + `","` + javeloURN + `"]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestRefGet(t *testing.T) {
	rt := catalog(t).User
	o := tree(t, `{"userName":"j","emails":[{"value":"a"}],"`+enterpriseURN+`":{"manager":{"value":"7"}}}`)
	for path, want := range map[string]string{
		"userName": `"j"`, "emails.value": `[{"value":"a"}]`, enterpriseURN + ":manager.value": `{"value":"7"}`,
		enterpriseURN: `{"manager":{"value":"7"}}`, "title": "", javeloURN + ":grade": "", javeloURN: "",
	} {
		ref, err := rt.Resolve(path)
		if err != nil {
			t.Fatal(err)
		}
		v, ok := ref.Get(o)
		got := ""
		if ok {
			got = text(v)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}
