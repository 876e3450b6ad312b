package patch_test

import (
	"testing"

	"pgregory.net/rapid"

	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/patch"
)

// Whatever a sender strings together from what senders send: the resource stays
// valid, the original untouched, and what is applied in one request is what is
// applied in two, unless one of the two is refused for itself.
func TestRandomOperationsLeaveValidResources(t *testing.T) {
	rt := catalog(t).User
	paths := []string{"", "title", "active", "userName", "name", "name.givenName", "emails", "emails.value", "emails.primary", "emails.display",
		`emails[type eq "work"]`, `emails[type eq "work"].value`, `emails[primary eq "True"].value`, `emails[type eq "home" and primary eq true].primary`,
		`emails[value co "a" or type pr].display`, `addresses[type eq "work"].locality`, "addresses", "roles", `roles[value eq "a"]`,
		"manager", "manager.value", `manager[value eq "a"]`, ent, ent + ":department", javelo + ":x", acme + ":tags", acme + `:tags[value eq "a"]`, acme + ":level",
		"password", "unknown", "id"}
	values := []string{`null`, `""`, `"a"`, `"b"`, `"True"`, `true`, `5`, `[]`, `{}`, `["a","b"]`, `{"value":"a"}`, `{"value":""}`, `{"type":"work","primary":true}`,
		`[{"value":"a","type":"work","primary":true},{"value":"b","primary":"true"}]`, `[{"value":"A"}]`, `{"givenName":"a","familyName":null}`,
		`{"title":"a","emails":[{"value":"a"}],"name":{"givenName":""}}`, `{"department":"a","manager":"b"}`, `{"` + ent + `":{"manager":{"value":"a"}},"id":"id-1"}`,
		`{"locality":"a","type":"work"}`, `[{"locality":"a"}]`}
	rapid.Check(t, func(rt2 *rapid.T) {
		opt := strict()
		if rapid.Bool().Draw(rt2, "tolerant") {
			opt = tolerant()
		}
		n := rapid.IntRange(1, 6).Draw(rt2, "operations")
		list := make([]patch.Operation, n)
		for i := range list {
			wrapped := tree(t, `{"v":`+rapid.SampledFrom(values).Draw(rt2, "value")+`}`)
			v, _ := wrapped.Get("v")
			list[i] = patch.Operation{
				Verb:  patch.Verb(rapid.IntRange(1, 3).Draw(rt2, "verb")),
				Path:  rapid.SampledFrom(paths).Draw(rt2, "path"),
				Value: v, Index: i,
			}
		}
		cur := tree(t, `{"userName":"jane"}`)
		check(t, rt, cur, list, opt)

		once, _, err := patch.Apply(rt, cur, list, opt)
		k := rapid.IntRange(0, n).Draw(rt2, "split")
		half, _, err1 := patch.Apply(rt, cur, list[:k], opt)
		if err != nil || err1 != nil {
			return
		}
		twice, _, err := patch.Apply(rt, half, list[k:], opt)
		if err != nil || !attr.EqualSets(once, twice) {
			rt2.Fatalf("in one request %s\nin two %s, %v", text(once), text(twice), err)
		}
	})
}
