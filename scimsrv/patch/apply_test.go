package patch_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/patch"
	"rollcall/scimsrv/schema"
)

const (
	ent    = schema.EnterpriseUserURN
	javelo = schema.JaveloUserURN
	acme   = "urn:example:params:scim:schemas:extension:acme:2.0:User"
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

func catalog(t testing.TB) *schema.Catalog {
	t.Helper()
	a := func(name string, typ schema.Type) *schema.Attribute {
		return &schema.Attribute{Name: name, Type: typ, Mutability: schema.ReadWrite,
			Returned: schema.ReturnedDefault, Uniqueness: schema.UniqueNone}
	}
	badge, tags := a("badge", schema.String), a("tags", schema.String)
	badge.Mutability, tags.MultiValued = schema.Immutable, true
	c, err := schema.New(schema.Extension{Schema: &schema.Schema{URN: acme, Name: "AcmeUser", Attributes: []*schema.Attribute{badge, tags, a("level", schema.Integer)}}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// strict is the RFC, tolerant what the profiles of real senders grant.
func strict() patch.Options { return patch.Options{ID: "id-1"} }

func tolerant() patch.Options {
	return patch.Options{
		ID: "id-1", AnyEnvelope: true, CreateElements: true, FilterSingles: true,
		Values: schema.Leniency{AnySchemas: true, IgnoreUnknown: true, BooleanStrings: true, NumberStrings: true,
			OpaqueText: true, LooseShapes: true, EmptyClears: true, LastPrimaryWins: true, ShortNames: true},
	}
}

func ops(t testing.TB, list string, opt patch.Options) []patch.Operation {
	t.Helper()
	parsed, err := patch.Parse(tree(t, `{"schemas":["`+patch.PatchOpURN+`"],"Operations":`+list+`}`), opt)
	if err != nil {
		t.Fatalf("parse %s: %v", list, err)
	}
	return parsed
}

func Example() {
	catalog, err := schema.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	stored, _ := attr.Decode([]byte(`{"userName":"jane@example.com","title":"Engineer"}`), attr.Limits{})
	body, _ := attr.Decode([]byte(`{
		"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
		"Operations": [
			{"op": "Add", "path": "emails[type eq \"work\"].value", "value": "jane@example.com"},
			{"op": "Remove", "path": "title"}
		]}`), attr.Limits{})

	options := patch.Options{CreateElements: true}
	ops, err := patch.Parse(body, options)
	if err != nil {
		fmt.Println(err)
		return
	}
	next, changed, err := patch.Apply(catalog.User, stored, ops, options)
	fmt.Println(string(attr.Append(nil, next)), changed, err)

	_, _, err = patch.Apply(catalog.User, stored, ops, patch.Options{})
	fmt.Println(err)
	// Output:
	// {"userName":"jane@example.com","emails":[{"value":"jane@example.com","type":"work"}]} true <nil>
	// Operations[0]: path: no value of emails matches
}

// rule is one row of the table in the package comment, or a habit of a sender.
type rule struct {
	name string
	cur  string // members beside userName
	ops  string
	want string // members beside userName; "same" for no change
	once bool   // the operations do not find again what they changed
}

func members(s string) string {
	if s == "" {
		return `{"userName":"jane"}`
	}
	return `{"userName":"jane",` + s + `}`
}

func run(t *testing.T, opt patch.Options, rules []rule) {
	rt := catalog(t).User
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			cur := tree(t, members(r.cur))
			list := ops(t, r.ops, opt)
			next, changed, err := patch.Apply(rt, cur, list, opt)
			if err != nil {
				t.Fatal(err)
			}
			if text(cur) != members(r.cur) {
				t.Fatal("the tree given was changed")
			}
			want := r.want
			if want == "same" {
				want = r.cur
			}
			if diff := cmp.Diff(members(want), text(next)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if changed != (r.want != "same") {
				t.Errorf("changed is %v", changed)
			}
			if r.once {
				return
			}
			again, changed, err := patch.Apply(rt, next, list, opt)
			if err != nil || changed {
				t.Errorf("applied again: changed %v to %s, error %v", changed, text(again), err)
			}
		})
	}
}

func TestApplyRules(t *testing.T) {
	const mails = `"emails":[{"value":"a@x.example","type":"work","primary":true},{"value":"b@x.example","type":"home"}]`
	const boss = `"` + ent + `":{"manager":{"value":"7"}}`
	run(t, strict(), []rule{
		{"add to a single simple attribute sets it", ``, `[{"op":"add","path":"title","value":"T"}]`, `"title":"T"`, false},
		{"add replaces a single simple value", `"title":"S"`, `[{"op":"add","path":"TITLE","value":"T"}]`, `"title":"T"`, false},
		{"replace sets a missing single simple attribute", ``, `[{"op":"replace","path":"nickName","value":"N"}]`, `"nickName":"N"`, false},
		{"remove unassigns a single simple attribute", `"title":"S","active":true`, `[{"op":"remove","path":"title"}]`, `"active":true`, false},
		{"remove of what is missing succeeds", ``, `[{"op":"remove","path":"title"},{"op":"remove","path":"emails"},{"op":"remove","path":"name.givenName"},{"op":"remove","path":"emails[type eq \"work\"].value"}]`, `same`, false},
		{"the same value again is no change", `"title":"T","active":true`, `[{"op":"replace","path":"title","value":"T"},{"op":"add","value":{"active":true}}]`, `same`, false},
		{"null with add is nothing to add", `"title":"T",` + mails, `[{"op":"add","path":"title","value":null},{"op":"add","path":"emails","value":null},{"op":"add","path":"emails[type eq \"work\"]","value":null},{"op":"add","path":"name.givenName","value":null},{"op":"add","value":{"name":null,"` + ent + `":null}}]`, `same`, false},
		{"null with replace unassigns", `"title":"T",` + mails, `[{"op":"replace","path":"title","value":null},{"op":"replace","path":"emails","value":null}]`, ``, false},
		{"an empty list unassigns", mails, `[{"op":"replace","path":"emails","value":[]}]`, ``, false},
		{"an empty list adds nothing", mails, `[{"op":"add","path":"emails","value":[]}]`, `same`, false},

		{"add merges into a complex attribute", `"name":{"familyName":"Doe","givenName":"Jane"}`, `[{"op":"add","path":"name","value":{"givenName":"Joan","middleName":"M"}}]`, `"name":{"familyName":"Doe","givenName":"Joan","middleName":"M"}`, false},
		{"replace merges into a complex attribute", `"name":{"familyName":"Doe","givenName":"Jane"}`, `[{"op":"replace","path":"name","value":{"givenName":"Joan"}}]`, `"name":{"familyName":"Doe","givenName":"Joan"}`, false},
		{"replace unassigns a sub-attribute given as null", `"name":{"familyName":"Doe","givenName":"Jane"}`, `[{"op":"replace","path":"name","value":{"givenName":null,"familyName":"Roe"}}]`, `"name":{"familyName":"Roe"}`, false},
		{"remove unassigns a complex attribute", `"name":{"familyName":"Doe"}`, `[{"op":"remove","path":"name"}]`, ``, false},
		{"a sub-attribute of a missing complex attribute creates it", ``, `[{"op":"replace","path":"name.familyName","value":"Doe"}]`, `"name":{"familyName":"Doe"}`, false},
		{"a sub-attribute is replaced", `"name":{"familyName":"Doe","givenName":"Jane"}`, `[{"op":"add","path":"Name.FamilyName","value":"Roe"}]`, `"name":{"familyName":"Roe","givenName":"Jane"}`, false},
		{"removing the last sub-attribute removes the complex one", `"name":{"familyName":"Doe"}`, `[{"op":"remove","path":"name.familyName"}]`, ``, false},

		{"add appends to a list", mails, `[{"op":"add","path":"emails","value":[{"value":"c@x.example","type":"other"}]}]`, mails[:len(mails)-1] + `,{"value":"c@x.example","type":"other"}]`, false},
		{"add of an equal value takes its spelling", mails, `[{"op":"add","path":"emails","value":[{"value":"A@X.example","type":"WORK"},{"value":"b@x.example"}]}]`, mails[:10] + `{"value":"A@X.example","type":"WORK","primary":true},{"value":"b@x.example","type":"home"}]`, false},
		{"add of an exactly equal value changes nothing", mails, `[{"op":"add","path":"emails","value":[{"value":"a@x.example","type":"work"},{"value":"b@x.example"}]}]`, `same`, false},
		{"add of the same value with another type appends", `"emails":[{"value":"a","type":"work"}]`, `[{"op":"add","path":"emails","value":[{"value":"a","type":"home"}]}]`, `"emails":[{"value":"a","type":"work"},{"value":"a","type":"home"}]`, false},
		{"add merges into the element it means", `"emails":[{"value":"a"}]`, `[{"op":"add","path":"emails","value":[{"value":"a","display":"A"}]}]`, `"emails":[{"value":"a","display":"A"}]`, false},
		{"add compares addresses as a whole", `"addresses":[{"locality":"Paris","country":"FR"}]`, `[{"op":"add","path":"addresses","value":[{"locality":"PARIS"},{"locality":"Lyon"}]}]`, `"addresses":[{"locality":"PARIS","country":"FR"},{"locality":"Lyon"}]`, false},
		{"a new primary resets the old one", mails, `[{"op":"add","path":"emails","value":[{"value":"c","primary":true}]}]`, `"emails":[{"value":"a@x.example","type":"work","primary":false},{"value":"b@x.example","type":"home"},{"value":"c","primary":true}]`, false},
		{"a primary set by path resets the old one", mails, `[{"op":"replace","path":"emails[type eq \"home\"].primary","value":true}]`, `"emails":[{"value":"a@x.example","type":"work","primary":false},{"value":"b@x.example","type":"home","primary":true}]`, false},
		{"replace replaces the whole list", mails, `[{"op":"replace","path":"emails","value":[{"value":"c"}]}]`, `"emails":[{"value":"c"}]`, false},
		{"another order of the list is no change", mails, `[{"op":"replace","path":"emails","value":[{"value":"b@x.example","type":"home"},{"value":"a@x.example","type":"work","primary":true}]}]`, `same`, false},
		{"remove without a value removes the list", mails, `[{"op":"remove","path":"emails"}]`, ``, false},
		{"remove with values removes those only", mails, `[{"op":"remove","path":"emails","value":[{"value":"B@x.example"}]}]`, `"emails":[{"value":"a@x.example","type":"work","primary":true}]`, false},
		{"remove with a value of another type removes nothing", mails, `[{"op":"remove","path":"emails","value":[{"value":"b@x.example","type":"work"}]}]`, `same`, false},
		{"remove with a bare value", mails, `[{"op":"remove","path":"emails","value":"b@x.example"}]`, `"emails":[{"value":"a@x.example","type":"work","primary":true}]`, false},
		{"remove with an empty list of values removes nothing", mails, `[{"op":"remove","path":"emails","value":[]}]`, `same`, false},
		{"a list of strings", `"` + acme + `":{"tags":["a","b"]}`, `[{"op":"add","path":"` + acme + `:tags","value":["B","c"]},{"op":"remove","path":"` + acme + `:tags[value eq \"a\"]"}]`, `"` + acme + `":{"tags":["b","c"]}`, false},

		{"add merges into the matches of a filter", mails, `[{"op":"add","path":"emails[type eq \"home\"]","value":{"display":"H"}}]`, `"emails":[{"value":"a@x.example","type":"work","primary":true},{"value":"b@x.example","display":"H","type":"home"}]`, false},
		{"replace replaces the matches of a filter", mails, `[{"op":"replace","path":"emails[type eq \"home\"]","value":{"value":"c","type":"home"}}]`, `"emails":[{"value":"a@x.example","type":"work","primary":true},{"value":"c","type":"home"}]`, false},
		{"remove drops the matches of a filter", mails, `[{"op":"remove","path":"emails[type eq \"HOME\"]"}]`, `"emails":[{"value":"a@x.example","type":"work","primary":true}]`, false},
		{"remove without a match succeeds", mails, `[{"op":"remove","path":"emails[type eq \"work\" and value eq \"other\"]"}]`, `same`, false},
		{"remove with filter and value needs both", mails, `[{"op":"remove","path":"emails[type eq \"work\"]","value":[{"value":"old@x.example"}]}]`, `same`, false},
		{"removing every element removes the attribute", mails, `[{"op":"remove","path":"emails[value pr]"}]`, ``, false},
		{"a sub-attribute of the matches is set", mails, `[{"op":"replace","path":"emails[type eq \"work\"].value","value":"n"}]`, `"emails":[{"value":"n","type":"work","primary":true},{"value":"b@x.example","type":"home"}]`, false},
		{"a filter may hold anything", mails, `[{"op":"replace","path":"emails[not (primary eq true) and (value sw \"b\" or value ew \"z\")].display","value":"B"}]`, `"emails":[{"value":"a@x.example","type":"work","primary":true},{"value":"b@x.example","display":"B","type":"home"}]`, false},
		{"a sub-attribute of the matches is removed", mails, `[{"op":"remove","path":"emails[value eq \"a@x.example\"].primary"}]`, `"emails":[{"value":"a@x.example","type":"work"},{"value":"b@x.example","type":"home"}]`, false},
		{"an element without its value is dropped", mails, `[{"op":"remove","path":"emails[type eq \"work\"].value"}]`, `"emails":[{"value":"b@x.example","type":"home"}]`, false},
		{"an element without its value is dropped, whatever else it has", `"emails":[{"value":"a","display":"A"}]`, `[{"op":"remove","path":"emails[value eq \"a\"].value"}]`, ``, false},
		{"an address without anything is dropped", `"addresses":[{"locality":"Paris","type":"work"},{"country":"FR","type":"home"}]`, `[{"op":"remove","path":"addresses[type eq \"work\"].locality"}]`, `"addresses":[{"country":"FR","type":"home"}]`, false},
		{"elements that become equal are one", `"roles":[{"value":"a"},{"value":"b"}]`, `[{"op":"replace","path":"roles[value eq \"b\"].value","value":"a"}]`, `"roles":[{"value":"a"}]`, true},
		{"the only element needs no filter", `"emails":[{"value":"a","type":"work"}]`, `[{"op":"replace","path":"emails.value","value":"b"}]`, `"emails":[{"value":"b","type":"work"}]`, false},
		{"a sub-attribute is removed from all elements", mails, `[{"op":"remove","path":"emails.type"}]`, `"emails":[{"value":"a@x.example","primary":true},{"value":"b@x.example"}]`, false},

		{"no path: each member by itself", `"title":"S","emails":[{"value":"a"}]`, `[{"op":"add","value":{"Title":"T","emails":[{"value":"b"}],"name":{"givenName":"J"}}}]`, `"name":{"givenName":"J"},"title":"T","emails":[{"value":"a"},{"value":"b"}]`, false},
		{"no path: replace touches what it names only", `"title":"S","nickName":"N",` + mails, `[{"op":"replace","value":{"title":"T"}}]`, `"nickName":"N","title":"T",` + mails, false},
		{"no path: an equal id is ignored", ``, `[{"op":"replace","value":{"id":"id-1","title":"T"}}]`, `"title":"T"`, false},
		{"no path: an extension's object is merged", boss, `[{"op":"replace","value":{"` + ent + `":{"department":"D"}}}]`, `"` + ent + `":{"department":"D","manager":{"value":"7"}}`, false},
		{"the extension as a path is merged into", boss, `[{"op":"add","path":"` + ent + `","value":{"DEPARTMENT":"D"}}]`, `"` + ent + `":{"department":"D","manager":{"value":"7"}}`, false},
		{"the extension is removed", boss, `[{"op":"remove","path":"` + ent + `"}]`, ``, false},
		{"null replaces the extension", boss, `[{"op":"replace","value":{"` + ent + `":null}}]`, ``, false},
		{"an extension is created by its first attribute", ``, `[{"op":"add","path":"` + strings.ToUpper(ent) + `:Department","value":"D"}]`, `"` + ent + `":{"department":"D"}`, false},
		{"an extension ends with its last attribute", boss, `[{"op":"remove","path":"` + ent + `:manager.value"}]`, ``, false},
		{"an open extension takes any name", ``, `[{"op":"add","path":"` + javelo + `:businessUnit","value":"B"},{"op":"replace","value":{"` + javelo + `":{"region":"R"}}}]`, `"` + javelo + `":{"businessUnit":"B","region":"R"}`, false},
		{"core attributes may carry their URN", ``, `[{"op":"replace","path":"urn:ietf:params:scim:schemas:core:2.0:User:name.givenName","value":"J"}]`, `"name":{"givenName":"J"}`, false},
		{"schemas follows from the attributes", ``, `[{"op":"add","path":"schemas","value":["` + ent + `"]},{"op":"replace","value":{"schemas":["x"],"title":"T"}}]`, `"title":"T"`, false},
		{"a password is accepted and gone", ``, `[{"op":"replace","path":"password","value":"x"},{"op":"replace","value":{"password":"y"}},{"op":"remove","path":"password"}]`, `same`, false},
		{"an immutable attribute takes its first value", ``, `[{"op":"add","path":"` + acme + `:badge","value":"1"}]`, `"` + acme + `":{"badge":"1"}`, false},
	})
}

func TestApplyInOrder(t *testing.T) {
	rt := catalog(t).User
	for name, tt := range map[string]struct{ ops, want string }{
		"different attributes": {`[{"op":"remove","path":"nickName"},{"op":"add","value":{"externalId":"a"}},{"op":"replace","value":{"displayName":"D"}}]`, `{"externalId":"a","userName":"jane","displayName":"D"}`},
		"the same attribute":   {`[{"op":"remove","path":"externalId"},{"op":"add","value":{"externalId":"b"}},{"op":"replace","value":{"externalId":"c"}}]`, `{"externalId":"c","userName":"jane","nickName":"N"}`},
		"added and removed":    {`[{"op":"add","path":"roles","value":[{"value":"r"}]},{"op":"remove","path":"roles[value eq \"r\"]"}]`, `{"externalId":"x","userName":"jane","nickName":"N"}`},
	} {
		next, _, err := patch.Apply(rt, tree(t, `{"externalId":"x","userName":"jane","nickName":"N"}`), ops(t, tt.ops, strict()), strict())
		if err != nil || text(next) != tt.want {
			t.Errorf("%s: got %s, %v, want %s", name, text(next), err, tt.want)
		}
	}
}

func TestApplyTolerantRules(t *testing.T) {
	const boss = `"` + ent + `":{"manager":{"value":"7"}}`
	run(t, tolerant(), []rule{
		{"add creates the element that the filter describes", ``, `[{"op":"Add","path":"emails[type eq \"work\"].value","value":"a"}]`, `"emails":[{"value":"a","type":"work"}]`, false},
		{"replace creates it too", `"phoneNumbers":[{"value":"1","type":"work"}]`, `[{"op":"Replace","path":"phoneNumbers[type eq \"mobile\"].value","value":"2"}]`, `"phoneNumbers":[{"value":"1","type":"work"},{"value":"2","type":"mobile"}]`, false},
		{"an object creates the whole element", ``, `[{"op":"add","path":"emails[type eq \"work\" and display eq \"W\"]","value":{"value":"a"}}]`, `"emails":[{"value":"a","display":"W","type":"work"}]`, false},
		{"several operations on one filter make one element", ``, `[{"op":"Add","path":"addresses[type eq \"work\"].streetAddress","value":"1"},{"op":"Add","path":"addresses[type eq \"work\"].locality","value":"Paris"},{"op":"Replace","path":"addresses[type eq \"work\"].country","value":"FR"}]`, `"addresses":[{"streetAddress":"1","locality":"Paris","country":"FR","type":"work"}]`, false},
		{"a string stands for a boolean in a filter", ``, `[{"op":"Add","path":"roles[primary eq \"True\"].value","value":"admin"},{"op":"Add","path":"roles[primary eq \"True\"].display","value":"Admin"}]`, `"roles":[{"value":"admin","display":"Admin","primary":true}]`, false},
		{"a bare True stands for a boolean in a filter", `"roles":[{"value":"a","primary":true}]`, `[{"op":"Replace","path":"roles[primary eq True].value","value":"b"}]`, `"roles":[{"value":"b","primary":true}]`, false},
		{"a primary created by its filter resets the old one", `"emails":[{"value":"a","primary":true,"type":"home"}]`, `[{"op":"add","path":"emails[type eq \"work\" and primary eq true].value","value":"b"}]`, `"emails":[{"value":"a","type":"home","primary":false},{"value":"b","type":"work","primary":true}]`, false},
		{"a created element is not made primary", `"emails":[{"value":"a","primary":true}]`, `[{"op":"add","path":"emails[type eq \"other\"].value","value":"b"}]`, `"emails":[{"value":"a","primary":true},{"value":"b","type":"other"}]`, false},
		{"a replaced element keeps what its filter says", `"emails":[{"value":"a","type":"work","display":"A"}]`, `[{"op":"replace","path":"emails[type eq \"work\"]","value":{"value":"b"}}]`, `"emails":[{"value":"b","type":"work"}]`, false},
		{"nothing is created for an empty value", ``, `[{"op":"replace","path":"emails[type eq \"work\"].value","value":""},{"op":"replace","path":"emails[type eq \"work\" and value eq \"x\"].value","value":null},{"op":"add","path":"emails[value eq \"x\"].value","value":null}]`, `same`, false},
		{"an empty value drops the element", `"emails":[{"value":"a","type":"work"}]`, `[{"op":"replace","path":"emails[type eq \"work\"].value","value":""}]`, ``, false},
		{"an empty part of an element is unassigned", `"emails":[{"value":"a","type":"work","display":"A"}]`, `[{"op":"replace","path":"emails[type eq \"work\"]","value":{"display":""}},{"op":"add","path":"emails[type eq \"home\"]","value":{"display":""}},{"op":"add","path":"emails[type eq \"work\"]","value":{}}]`, `"emails":[{"value":"a","type":"work"}]`, false},
		{"an empty object at a filter with an empty value drops the element", `"emails":[{"value":"a","type":"work","display":"A"}]`, `[{"op":"replace","path":"emails[type eq \"work\"]","value":{"value":""}}]`, ``, false},
		{"a list without elements gets its first by a plain path", ``, `[{"op":"replace","path":"emails.value","value":"a"}]`, `"emails":[{"value":"a"}]`, false},

		{"boolean strings", `"active":true`, `[{"op":"Replace","path":"active","value":"False"}]`, `"active":false`, false},
		{"repeated activation", `"active":true`, `[{"op":"Replace","path":"active","value":"True"}]`, `same`, false},
		{"an empty string unassigns", `"title":"T","` + ent + `":{"department":"D"}`, `[{"op":"Replace","path":"title","value":""},{"op":"Add","path":"` + ent + `:department","value":""}]`, ``, false},
		{"an empty string in a value unassigns", `"name":{"givenName":"J","familyName":"D"}`, `[{"op":"replace","value":{"name":{"givenName":""}}}]`, `"name":{"familyName":"D"}`, false},

		{"manager as a string", ``, `[{"op":"Add","path":"` + ent + `:manager","value":"7"}]`, boss, false},
		{"manager as an object", `"` + ent + `":{"manager":{"value":"1"}}`, `[{"op":"Replace","path":"` + ent + `:manager","value":{"value":"7"}}]`, boss, false},
		{"manager as a list at a short path", ``, `[{"op":"Add","path":"manager","value":[{"$ref":"http://x.example/Users/7","value":"7"}]}]`, boss, false},
		{"manager as a reference", ``, `[{"op":"Add","path":"manager","value":{"$ref":"http://x.example/Users/7"}}]`, boss, false},
		{"manager by its value", ``, `[{"op":"Add","path":"` + ent + `:manager.value","value":"7"}]`, boss, false},
		{"manager under a joined key", ``, `[{"op":"add","value":{"` + ent + `:manager":"7"}}]`, boss, false},
		{"manager under the extension", ``, `[{"op":"replace","value":{"` + ent + `":{"manager":"7"}}}]`, boss, false},
		{"a dot behind the URN", ``, `[{"op":"add","path":"` + ent + `.manager","value":"7"}]`, boss, false},
		{"manager's name is computed", boss, `[{"op":"add","path":"manager.displayName","value":"Max"},{"op":"add","path":"manager","value":{"displayName":"Max"}}]`, `same`, false},
		{"manager unassigned by an empty string", boss, `[{"op":"Replace","path":"` + ent + `:manager","value":""}]`, ``, false},
		{"manager unassigned by an empty value", boss, `[{"op":"Replace","path":"` + ent + `:manager","value":{"value":""}}]`, ``, false},
		{"manager unassigned by a null value", boss, `[{"op":"Replace","path":"` + ent + `:manager","value":{"value":null}}]`, ``, false},
		{"manager unassigned by null", boss, `[{"op":"Replace","path":"` + ent + `:manager","value":null}]`, ``, false},
		{"manager unassigned by an empty list", boss, `[{"op":"Replace","path":"` + ent + `:manager","value":[]}]`, ``, false},
		{"manager removed", boss, `[{"op":"Remove","path":"manager"}]`, ``, false},
		{"manager removed with a value", boss, `[{"op":"Remove","path":"manager","value":[{"value":"7"}]}]`, ``, false},
		{"manager removed by a filter", boss, `[{"op":"Remove","path":"` + ent + `:manager[value eq \"7\"]"}]`, ``, false},
		{"another manager is not removed by a filter", boss, `[{"op":"Remove","path":"manager[value eq \"8\"]"}]`, `same`, false},
		{"no manager to be removed by a filter", ``, `[{"op":"Remove","path":"manager[value eq \"8\"]"}]`, `same`, false},
		{"manager set behind a filter", `"` + ent + `":{"manager":{"value":"8"}}`, `[{"op":"Replace","path":"manager[value eq \"8\"].value","value":"7"}]`, boss, false},

		{"unknown attributes are ignored", ``, `[{"op":"Add","path":"extensionAttribute9","value":"x"},{"op":"Replace","value":{"somethingNew":"y","title":"T"}},{"op":"add","path":"urn:example:x:2.0:User:tag","value":"t"},{"op":"add","path":"name.nick","value":"t"},{"op":"add","path":"emails[type eq \"work\"].colour","value":"red"},{"op":"replace","value":{"` + ent + `":{"colour":"red"}}},{"op":"remove","path":"colour"}]`, `"title":"T"`, false},
		{"one element for a list", ``, `[{"op":"add","path":"emails","value":{"value":"a"}},{"op":"add","path":"roles","value":"r"}]`, `"emails":[{"value":"a"}],"roles":[{"value":"r"}]`, false},
		{"two primaries in one value", ``, `[{"op":"add","path":"emails","value":[{"value":"a","primary":"True"},{"value":"b","primary":"true"}]}]`, `"emails":[{"value":"a","primary":false},{"value":"b","primary":true}]`, false},
	})
}

func TestApplyRefuses(t *testing.T) {
	const mails = `"title":"T","emails":[{"value":"a","type":"work"},{"value":"b","type":"home"}]`
	tests := []struct {
		name, ops, scimType, want string
		tolerantToo               bool
	}{
		{"remove without a path", `[{"op":"remove"}]`, schema.NoTarget, "path is missing", true},
		{"remove without a path, with a value", `[{"op":"remove","value":{"title":"x"}}]`, schema.NoTarget, "path is missing", true},
		{"no object without a path", `[{"op":"add","value":"x"}]`, schema.InvalidValue, "an object of attributes is expected, not string", true},
		{"removing what is required", `[{"op":"remove","path":"userName"}]`, schema.MutabilityErr, "userName is required and cannot be removed", true},
		{"emptying what is required", `[{"op":"replace","path":"userName","value":""}]`, schema.InvalidValue, "userName: required", true},
		{"nulling what is required", `[{"op":"replace","value":{"userName":null}}]`, schema.InvalidValue, "userName: required", true},
		{"another id", `[{"op":"replace","path":"id","value":"other"}]`, schema.MutabilityErr, "id is read-only", true},
		{"another id without a path", `[{"op":"replace","value":{"id":"other"}}]`, schema.MutabilityErr, "id is read-only", true},
		{"removing the id", `[{"op":"remove","path":"id"}]`, schema.MutabilityErr, "id is read-only", true},
		{"meta", `[{"op":"replace","path":"meta.created","value":"x"}]`, schema.MutabilityErr, "meta.created is read-only", true},
		{"groups", `[{"op":"add","path":"groups","value":[{"value":"g"}]}]`, schema.MutabilityErr, "groups is read-only", true},
		{"groups by filter", `[{"op":"remove","path":"groups[value eq \"g\"]"}]`, schema.MutabilityErr, "groups is read-only", true},
		{"a filter that is cut off", `[{"op":"replace","path":"emails[type eq","value":"x"}]`, schema.InvalidPath, "path: at byte", true},
		{"no path at all", `[{"op":"replace","path":"]","value":"x"}]`, schema.InvalidPath, "path: ", true},
		{"a path that goes on", `[{"op":"replace","path":"name.givenName.first","value":"x"}]`, schema.InvalidPath, "path", true},
		{"the core schema as a path", `[{"op":"add","path":"urn:ietf:params:scim:schemas:core:2.0:User","value":{}}]`, schema.InvalidPath, "core schema", true},
		{"a filter behind a simple attribute", `[{"op":"replace","path":"title[value eq \"T\"]","value":"x"}]`, schema.InvalidPath, "title has a single value", true},
		{"a filter behind a sub-attribute", `[{"op":"replace","path":"emails.value[type eq \"work\"]","value":"x"}]`, schema.InvalidPath, "path", true},
		{"a filter without a match that describes no element", `[{"op":"replace","path":"emails[type ne \"work\" and type ne \"home\"].value","value":"x"}]`, schema.NoTarget, "no value of emails matches", true},
		{"a filter with another operator describes no element", `[{"op":"replace","path":"emails[type sw \"z\"].value","value":"x"}]`, schema.NoTarget, "no value of emails matches", true},
		{"a filter with or describes no element", `[{"op":"add","path":"emails[type eq \"x\" or type eq \"y\"].value","value":"x"}]`, schema.NoTarget, "no value of emails matches", true},
		{"a filter that contradicts itself describes no element", `[{"op":"add","path":"emails[type eq \"x\" and type eq \"y\"].value","value":"x"}]`, schema.NoTarget, "no value of emails matches", true},
		{"a sub-attribute of several elements", `[{"op":"replace","path":"emails.value","value":"x"}]`, schema.InvalidPath, "emails has several values", true},
		{"an ordering of booleans", `[{"op":"replace","path":"emails[primary gt true].value","value":"x"}]`, schema.InvalidFilter, "path: ", true},
		{"a value of another type", `[{"op":"replace","path":"title","value":{"a":"b"}}]`, schema.InvalidValue, "title: a string is expected, not an object", true},
		{"an extension that is no object", `[{"op":"replace","path":"` + ent + `","value":"x"}]`, schema.InvalidValue, "an object of its attributes is expected", true},
		{"changing what is immutable", `[{"op":"replace","path":"` + acme + `:badge","value":"2"}]`, schema.MutabilityErr, "badge: immutable", true},

		{"no match", `[{"op":"replace","path":"emails[type eq \"other\"].value","value":"x"}]`, schema.NoTarget, "no value of emails matches", false},
		{"no match for add", `[{"op":"add","path":"emails[type eq \"other\"]","value":{"value":"x"}}]`, schema.NoTarget, "no value of emails matches", false},
		{"no element", `[{"op":"add","path":"phoneNumbers.value","value":"x"}]`, schema.NoTarget, "no value of phoneNumbers matches", false},
		{"unknown attribute", `[{"op":"add","path":"colour","value":"x"}]`, schema.InvalidPath, "unknown attribute", false},
		{"unknown attribute to remove", `[{"op":"remove","path":"colour"}]`, schema.InvalidPath, "unknown attribute", false},
		{"unknown sub-attribute behind a filter", `[{"op":"add","path":"emails[type eq \"work\"].colour","value":"x"}]`, schema.InvalidPath, "unknown attribute", false},
		{"unknown attribute in a filter", `[{"op":"remove","path":"emails[colour eq \"red\"]"}]`, schema.InvalidFilter, "path: ", false},
		{"unknown attribute without a path", `[{"op":"add","value":{"colour":"x"}}]`, schema.InvalidPath, "unknown attribute", false},
		{"a short name", `[{"op":"add","path":"manager","value":{"value":"7"}}]`, schema.InvalidPath, "unknown attribute", false},
		{"a joined key without a path", `[{"op":"add","value":{"` + ent + `:department":"x"}}]`, schema.InvalidPath, "is a path", false},
		{"a boolean string", `[{"op":"replace","path":"active","value":"False"}]`, schema.InvalidValue, "active: true or false is expected", false},
		{"a bare manager", `[{"op":"replace","path":"` + ent + `:manager","value":"7"}]`, schema.InvalidValue, "an object is expected", false},
		{"a filter behind a single value", `[{"op":"remove","path":"` + ent + `:manager[value eq \"7\"]"}]`, schema.InvalidPath, "manager has a single value", false},
		{"a computed sub-attribute", `[{"op":"add","path":"` + ent + `:manager.displayName","value":"x"}]`, schema.MutabilityErr, "manager.displayName is read-only", false},
		{"one element for a list", `[{"op":"add","path":"emails","value":{"value":"x"}}]`, schema.InvalidValue, "emails: a list is expected", false},
		{"two primaries", `[{"op":"add","path":"emails","value":[{"value":"x","primary":true},{"value":"y","primary":true}]}]`, schema.InvalidValue, "primary is true for more than one", false},
	}
	rt := catalog(t).User
	for _, tt := range tests {
		for mode, opt := range map[string]patch.Options{"strict": strict(), "tolerant": tolerant()} {
			if mode == "tolerant" && !tt.tolerantToo {
				continue
			}
			t.Run(tt.name+"/"+mode, func(t *testing.T) {
				cur := tree(t, members(mails+`,"`+acme+`":{"badge":"1"}`))
				list := append(ops(t, `[{"op":"replace","path":"title","value":"half applied"}]`, opt), ops(t, tt.ops, opt)...)
				list[1].Index = 1
				before := text(cur)
				next, changed, err := patch.Apply(rt, cur, list, opt)
				var e *patch.Error
				if !errors.As(err, &e) || next != nil || changed {
					t.Fatalf("got %v, %v, %v, want nothing and an error", next, changed, err)
				}
				if e.ScimType != tt.scimType || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %s %q, want %s with %q", e.ScimType, err, tt.scimType, tt.want)
				}
				// What is checked at the end concerns the request as a whole.
				if e.Op != 1 && e.Op != -1 {
					t.Errorf("the error blames operation %d", e.Op)
				}
				if text(cur) != before {
					t.Error("the tree given was changed")
				}
			})
		}
	}
}

func TestTolerantOptionsAreWhatRefusedCasesNeed(t *testing.T) {
	rt := catalog(t).User
	var noted []string
	opt := tolerant()
	opt.Values.Noted = func(s string) {
		if !slices.Contains(noted, s) {
			noted = append(noted, s)
		}
	}
	list := ops(t, `[{"op":"Add","path":"emails[type eq \"work\"].value","value":"a"},{"op":"Remove","path":"manager[value eq \"1\"]"},{"op":"replace","path":"active","value":"True"},{"op":"add","path":"colour","value":"x"}]`, opt)
	if _, _, err := patch.Apply(rt, tree(t, members("")), list, opt); err != nil {
		t.Fatal(err)
	}
	want := []string{patch.ElementCreated, patch.SingleFiltered, patch.EnvelopeTolerated, schema.BooleanString, schema.UnknownIgnored}
	slices.Sort(noted)
	slices.Sort(want)
	if diff := cmp.Diff(want, noted); diff != "" {
		t.Errorf("tolerances noted (-want +got):\n%s", diff)
	}
}

func TestListsStayWithinTheirLimit(t *testing.T) {
	rt := catalog(t).User
	opt := strict()
	opt.MaxElements = 3
	list := ops(t, `[{"op":"add","path":"roles","value":[{"value":"a"},{"value":"b"}]},{"op":"add","path":"roles","value":[{"value":"c"},{"value":"d"},{"value":"e"}]}]`, opt)
	_, _, err := patch.Apply(rt, tree(t, members("")), list, opt)
	var e *patch.Error
	if !errors.As(err, &e) || e.ScimType != schema.InvalidValue || e.Op != 1 {
		t.Errorf("got %v, want invalidValue for operation 1", err)
	}
}

func TestErrorsDoNotRepeatValues(t *testing.T) {
	rt := catalog(t).User
	for _, list := range []string{
		`[{"op":"replace","path":"active","value":"hunter2"}]`,
		`[{"op":"replace","path":"emails[value eq \"hunter2\"].value","value":"hunter2"}]`,
		`[{"op":"replace","path":"emails[value eq \"hunter2\" xx].value","value":"hunter2"}]`,
		`[{"op":"replace","path":"emails[value gg \"hunter2\"].value","value":"hunter2"}]`,
		`[{"op":"replace","path":"emails[primary eq \"hunter2\"].value","value":"hunter2"}]`,
		`[{"op":"replace","path":"id","value":"hunter2"}]`,
	} {
		_, _, err := patch.Apply(rt, tree(t, members("")), ops(t, list, strict()), strict())
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v, want an error without the value", list, err)
		}
	}
}

func BenchmarkApply(b *testing.B) {
	rt := catalog(b).User
	cur := tree(b, members(`"externalId":"E","name":{"familyName":"Doe","givenName":"Jane"},"displayName":"Jane Doe","active":true,"emails":[{"value":"a@x.example","type":"work","primary":true}],"`+ent+`":{"department":"D","manager":{"value":"7"}}`))
	opt := tolerant()
	list := ops(b, `[{"op":"Replace","path":"emails[type eq \"work\"].value","value":"b@x.example"},{"op":"Replace","path":"name.familyName","value":"Roe"},{"op":"Add","path":"nickName","value":"B"},{"op":"Replace","path":"active","value":"False"}]`, opt)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := patch.Apply(rt, cur, list, opt); err != nil {
			b.Fatal(err)
		}
	}
}
