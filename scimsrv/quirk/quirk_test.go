package quirk_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/patch"
	"rollcall/scimsrv/quirk"
	"rollcall/scimsrv/schema"
)

const ent = schema.EnterpriseUserURN

func tree(t testing.TB, text string) *attr.Object {
	t.Helper()
	o, err := attr.Decode([]byte(text), attr.Limits{})
	if err != nil {
		t.Fatalf("decode %s: %v", text, err)
	}
	return o
}

func text(v attr.Value) string { return string(attr.Append(nil, v)) }

func catalog(t testing.TB) *schema.Catalog {
	t.Helper()
	c, err := schema.New()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func profile(t testing.TB, dialect string) quirk.Profile {
	t.Helper()
	p, err := quirk.For(dialect)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// apply does what the HTTP layer does with the body of a PATCH.
func apply(rt *schema.ResourceType, p quirk.Profile, cur, body *attr.Object) (next *attr.Object, changed bool, applied []string, err error) {
	var a quirk.Applied
	opt := p.Patch("id-1", a.Noted)
	ops, err := patch.Parse(body, opt)
	if err != nil {
		return nil, false, nil, err
	}
	ops, names := p.RewriteOps(rt, ops)
	a.Note(names...)
	next, changed, err = patch.Apply(rt, cur, ops, opt)
	return next, changed, a.Names(), err
}

func Example() {
	catalog, err := schema.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	azure, err := quirk.For(quirk.Azure)
	if err != nil {
		fmt.Println(err)
		return
	}
	stored, _ := attr.Decode([]byte(`{"userName":"jane@example.com"}`), attr.Limits{})
	body, _ := attr.Decode([]byte(`{"Operations":[{"op":"replace","value":{"name.givenName":"Jane","active":"False"}}]}`), attr.Limits{})
	next, _, applied, err := apply(catalog.User, azure, stored, body)
	fmt.Println(string(attr.Append(nil, next)), err)
	fmt.Println(applied)
	// Output:
	// {"userName":"jane@example.com","name":{"givenName":"Jane"},"active":false} <nil>
	// [patch-envelope paths-as-keys boolean-string]
}

// The requests are those of the reference, section by section, and what has to
// be stored in the end.
func TestRecordedPatches(t *testing.T) {
	const user = `{"userName":"jane@x.example","name":{"familyName":"Doe","givenName":"Jane"},"active":true,"emails":[{"value":"jane@x.example","type":"work","primary":true}]}`
	all := []string{quirk.Azure, quirk.Lenient}
	every := []string{quirk.Okta, quirk.Azure, quirk.Lenient}
	tests := []struct {
		name     string
		dialects []string
		ops      string
		want     string
		applied  string // one that must be among those applied
	}{
		{"default dialect: capitalised ops and string booleans", all,
			`[{"op":"Replace","path":"emails[type eq \"work\"].value","value":"new@x.example"},{"op":"Replace","path":"name.familyName","value":"Roe"},{"op":"Add","path":"nickName","value":"Babs"},{"op":"Replace","path":"active","value":"False"}]`,
			`{"userName":"jane@x.example","name":{"familyName":"Roe","givenName":"Jane"},"nickName":"Babs","active":false,"emails":[{"value":"new@x.example","type":"work","primary":true}]}`, schema.BooleanString},
		{"flag aadOptscim062020: dotted and joined keys", all,
			`[{"op":"replace","path":"emails[type eq \"work\"].value","value":"flag@x.example"},{"op":"replace","value":{"displayName":"Jane D.","name.givenName":"Janet","name.familyName":"Dee","title":"Engineer","` + ent + `:employeeNumber":"E-42","` + ent + `:department":"R&D","active":false}}]`,
			`{"userName":"jane@x.example","name":{"familyName":"Dee","givenName":"Janet"},"displayName":"Jane D.","title":"Engineer","active":false,"emails":[{"value":"flag@x.example","type":"work","primary":true}],"` + ent + `":{"employeeNumber":"E-42","department":"R&D"}}`, "paths-as-keys"},
		{"filtered paths as keys make one element", all,
			`[{"op":"replace","value":{"addresses[type eq \"work\"].locality":"Paris","title":"T","addresses[type eq \"work\"].country":"FR"}}]`,
			`{"userName":"jane@x.example","name":{"familyName":"Doe","givenName":"Jane"},"title":"T","active":true,"emails":[{"value":"jane@x.example","type":"work","primary":true}],"addresses":[{"locality":"Paris","country":"FR","type":"work"}]}`, "paths-as-keys"},
		{"the order of keys and operations stays", all,
			`[{"op":"replace","value":{"name.givenName":"A","name":{"givenName":"B","familyName":"C"}}},{"op":"replace","value":{"name":{"familyName":"D"},"name.familyName":"E"}}]`,
			`{"userName":"jane@x.example","name":{"familyName":"E","givenName":"B"},"active":true,"emails":[{"value":"jane@x.example","type":"work","primary":true}]}`, "paths-as-keys"},
		{"read-only members of a value are ignored", every,
			`[{"op":"replace","value":{"id":"another","schemas":["x"],"meta":{"resourceType":"User"},"groups":[{"value":"g"}],"title":"T"}}]`,
			`{"userName":"jane@x.example","name":{"familyName":"Doe","givenName":"Jane"},"title":"T","active":true,"emails":[{"value":"jane@x.example","type":"work","primary":true}]}`, "read-only-in-value"},
		{"nothing but read-only members", every, `[{"op":"replace","value":{"id":"id-1"}}]`, user, "read-only-in-value"},
		{"an empty list of operations", every, `[]`, user, patch.EnvelopeTolerated},
		{"managerId in the enterprise extension", every,
			`[{"op":"replace","value":{"` + ent + `":{"managerId":"17","division":"D"}}}]`,
			`{"userName":"jane@x.example","name":{"familyName":"Doe","givenName":"Jane"},"active":true,"emails":[{"value":"jane@x.example","type":"work","primary":true}],"` + ent + `":{"division":"D","manager":{"value":"17"}}}`, "manager-id"},
		{"managerId as a path", every,
			`[{"op":"replace","path":"` + ent + `:managerId","value":"17"}]`,
			`{"userName":"jane@x.example","name":{"familyName":"Doe","givenName":"Jane"},"active":true,"emails":[{"value":"jane@x.example","type":"work","primary":true}],"` + ent + `":{"manager":{"value":"17"}}}`, "manager-id"},
		{"managerId as a short key", every,
			`[{"op":"replace","value":{"managerId":"17"}}]`,
			`{"userName":"jane@x.example","name":{"familyName":"Doe","givenName":"Jane"},"active":true,"emails":[{"value":"jane@x.example","type":"work","primary":true}],"` + ent + `":{"manager":{"value":"17"}}}`, "manager-id"},
		{"the malformed URN of historical editions", all,
			`[{"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0User:department","value":"D"}]`,
			`{"userName":"jane@x.example","name":{"familyName":"Doe","givenName":"Jane"},"active":true,"emails":[{"value":"jane@x.example","type":"work","primary":true}],"` + ent + `":{"department":"D"}}`, "malformed-enterprise-urn"},
		{"stray and unknown attributes", every,
			`[{"op":"Add","path":"extensionAttribute9","value":"x"},{"op":"Replace","value":{"somethingNew":"y","title":"T"}}]`,
			`{"userName":"jane@x.example","name":{"familyName":"Doe","givenName":"Jane"},"title":"T","active":true,"emails":[{"value":"jane@x.example","type":"work","primary":true}]}`, schema.UnknownIgnored},
		{"Okta deactivates without a path", append(every, quirk.RFC), `[{"op":"replace","value":{"active":false}}]`, strings.Replace(user, `"active":true`, `"active":false`, 1), ""},
	}
	rt := catalog(t).User
	for _, tt := range tests {
		for _, dialect := range tt.dialects {
			t.Run(tt.name+"/"+dialect, func(t *testing.T) {
				body := tree(t, `{"schemas":["`+patch.PatchOpURN+`"],"Operations":`+tt.ops+`}`)
				before := text(body)
				next, changed, applied, err := apply(rt, profile(t, dialect), tree(t, user), body)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, text(next)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if changed != (tt.want != user) {
					t.Errorf("changed is %v", changed)
				}
				if tt.applied != "" && !slices.Contains(applied, tt.applied) {
					t.Errorf("applied %v, %s is not among them", applied, tt.applied)
				}
				if text(body) != before {
					t.Error("the request was changed")
				}
			})
		}
	}
}

// Every rewriter and switch must make a difference: rfc refuses what the others
// are granted, and no ordinary request needs any of it.
func TestRFCRefusesWhatOthersAreGranted(t *testing.T) {
	rt := catalog(t).User
	p := profile(t, quirk.RFC)
	for _, ops := range []string{
		`[]`,
		`[{"op":"replace","value":{"name.givenName":"J"}}]`,
		`[{"op":"replace","value":{"` + ent + `:department":"D"}}]`,
		`[{"op":"replace","value":{"meta":{},"title":"T"}}]`,
		`[{"op":"replace","path":"managerId","value":"7"}]`,
		`[{"op":"add","path":"emails[type eq \"work\"].value","value":"a"}]`,
		`[{"op":"replace","path":"active","value":"False"}]`,
		`[{"op":"add","path":"extensionAttribute9","value":"x"}]`,
	} {
		body := tree(t, `{"schemas":["`+patch.PatchOpURN+`"],"Operations":`+ops+`}`)
		if next, _, applied, err := apply(rt, p, tree(t, `{"userName":"j"}`), body); err == nil {
			t.Errorf("%s: accepted as %s by %v", ops, text(next), applied)
		}
	}
}

func TestOrdinaryRequestsAreLeftAlone(t *testing.T) {
	rt := catalog(t).User
	resource := `{"schemas":["` + schema.UserURN + `","` + ent + `"],"userName":"jane","name":{"givenName":"J"},"id":"x","meta":{"resourceType":"User"},"` + ent + `":{"manager":{"value":"7"},"department":"D"}}`
	operations := `[{"op":"add","path":"emails[type eq \"work\"].value","value":"a"},{"op":"replace","value":{"title":"T","` + ent + `":{"manager":{"value":"7"}}}},{"op":"remove","path":"nickName"},{"op":"add","path":"name","value":{"givenName":"J"}}]`
	for _, dialect := range quirk.Dialects() {
		p := profile(t, dialect)
		in := tree(t, resource)
		out, applied := p.RewriteResource(rt, in)
		if out != in || len(applied) > 0 {
			t.Errorf("%s rewrote a body to %s by %v", dialect, text(out), applied)
		}
		ops, err := patch.Parse(tree(t, `{"schemas":["`+patch.PatchOpURN+`"],"Operations":`+operations+`}`), patch.Options{})
		if err != nil {
			t.Fatal(err)
		}
		rewritten, applied := p.RewriteOps(rt, ops)
		if diff := cmp.Diff(show(ops), show(rewritten)); diff != "" || len(applied) > 0 {
			t.Errorf("%s rewrote operations by %v (-before +after):\n%s", dialect, applied, diff)
		}
	}
}

func show(ops []patch.Operation) []string {
	var lines []string
	for _, op := range ops {
		lines = append(lines, fmt.Sprintf("%d %s %s %s", op.Index, op.Verb, op.Path, text(op.Value)))
	}
	return lines
}

func TestRewriteResource(t *testing.T) {
	const malformed = "urn:ietf:params:scim:schemas:extension:enterprise:2.0User"
	tests := []struct{ name, in, want, applied string }{
		{"malformed URN", `{"userName":"j","` + malformed + `":{"department":"D"}}`, `{"userName":"j","` + ent + `":{"department":"D"}}`, "malformed-enterprise-urn"},
		{"malformed URN joined with a name", `{"userName":"j","` + malformed + `:department":"D"}`, `{"userName":"j","` + ent + `:department":"D"}`, "malformed-enterprise-urn"},
		{"managerId in the extension", `{"userName":"j","` + ent + `":{"managerId":"7","division":"D"}}`, `{"userName":"j","` + ent + `":{"manager":"7","division":"D"}}`, "manager-id"},
		{"managerId in the malformed extension", `{"` + malformed + `":{"MANAGERID":"7"}}`, `{"` + ent + `":{"manager":"7"}}`, "manager-id"},
		{"managerId beside a manager", `{"` + ent + `":{"managerId":"7","manager":{"value":"8"}}}`, `{"` + ent + `":{"manager":{"value":"8"}}}`, "manager-id"},
		{"managerId at the top", `{"userName":"j","managerId":"7"}`, `{"userName":"j","` + ent + `:manager":"7"}`, "manager-id"},
		{"another long URN", `{"` + malformed + `s":{"a":"b"}}`, `{"` + malformed + `s":{"a":"b"}}`, ""},
	}
	rt := catalog(t).User
	p := profile(t, quirk.Lenient)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := tree(t, tt.in)
			got, applied := p.RewriteResource(rt, in)
			if diff := cmp.Diff(tt.want, text(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if tt.applied != "" && !slices.Contains(applied, tt.applied) {
				t.Errorf("applied %v, want %s among them", applied, tt.applied)
			}
			if text(in) != tt.in {
				t.Error("the body was changed")
			}
			if again, applied := p.RewriteResource(rt, got); len(applied) > 0 || text(again) != text(got) {
				t.Errorf("rewriting again gives %s by %v", text(again), applied)
			}
		})
	}
}

func TestTenantsOwnManagerIDIsLeftAlone(t *testing.T) {
	c, err := schema.New(schema.Extension{Schema: &schema.Schema{URN: "urn:example:acme:2.0:User", Name: "Acme", Attributes: []*schema.Attribute{
		{Name: "managerId", Type: schema.String, Mutability: schema.ReadWrite, Returned: schema.ReturnedDefault, Uniqueness: schema.UniqueNone},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	in := tree(t, `{"userName":"j","managerId":"7"}`)
	if _, applied := profile(t, quirk.Okta).RewriteResource(c.User, in); len(applied) > 0 {
		t.Errorf("applied %v", applied)
	}
}

func TestGroupRenameOfOkta(t *testing.T) {
	rt := catalog(t).Group
	body := tree(t, `{"schemas":["`+patch.PatchOpURN+`"],"Operations":[{"op":"replace","value":{"id":"other-id","displayName":"New"}}]}`)
	next, changed, _, err := apply(rt, profile(t, quirk.Okta), tree(t, `{"displayName":"Old"}`), body)
	if err != nil || !changed || next.String("displayName") != "New" {
		t.Errorf("got %v, changed %v, error %v", text(next), changed, err)
	}
}

func TestLegacyCreateOfEntra(t *testing.T) {
	rt := catalog(t).User
	p := profile(t, quirk.Azure)
	in := tree(t, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0User"],"externalId":"legacy","userName":"j@x.example","active":"True","addresses":null,"displayName":null,"emails":[{"type":"work","value":"j@x.example","primary":"True"}],"meta":{"resourceType":"User"},"name":{"familyName":"Family","givenName":"Given"},"phoneNumbers":null,"department":null,"manager":null,"roles":[]}`)
	out, _ := p.RewriteResource(rt, in)
	got, err := rt.Validate(out, schema.Create, p.Values(nil))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"externalId":"legacy","userName":"j@x.example","name":{"familyName":"Family","givenName":"Given"},"active":true,"emails":[{"value":"j@x.example","type":"work","primary":true}]}`
	if diff := cmp.Diff(want, text(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestKeepOmittedActive(t *testing.T) {
	for _, tt := range []struct{ cur, next, want string }{
		{`{"active":false}`, `{"userName":"j"}`, `{"userName":"j","active":false}`},
		{`{"active":false}`, `{"userName":"j","active":true}`, `{"userName":"j","active":true}`},
		{`{}`, `{"userName":"j"}`, `{"userName":"j"}`},
	} {
		next := tree(t, tt.next)
		if kept := quirk.KeepOmitted(tree(t, tt.cur), next); text(next) != tt.want || kept != (tt.next != tt.want) {
			t.Errorf("%s over %s gives %s, kept %v", tt.next, tt.cur, text(next), kept)
		}
	}
}

func TestProfiles(t *testing.T) {
	if _, err := quirk.For("OKTA"); err == nil || !strings.Contains(err.Error(), "rfc, okta, azure, lenient") {
		t.Errorf("an unknown dialect must be refused with the known ones: %v", err)
	}
	for _, dialect := range quirk.Dialects() {
		p := profile(t, dialect)
		strict := dialect == quirk.RFC
		if p.Dialect != dialect || p.IgnoreUnknown == strict || p.EmptyClears == strict || p.CreateElements == strict || (len(p.Quirks()) == 0) != strict {
			t.Errorf("%s is not what it should be: %+v", dialect, p)
		}
		for _, q := range p.Quirks() {
			if q.Name == "" || q.Summary == "" || q.Source == "" {
				t.Errorf("%s: a quirk without name, summary or source: %+v", dialect, q)
			}
		}
	}
	if !profile(t, quirk.Okta).RawToken || !profile(t, quirk.Okta).RestoreOnPost || profile(t, quirk.Azure).RestoreOnPost || profile(t, quirk.Azure).RawToken || !profile(t, quirk.Azure).GroupPatchNoContent || !profile(t, quirk.Azure).UniqueGroupName {
		t.Error("a switch is set for the wrong sender")
	}
}
