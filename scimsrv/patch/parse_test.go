package patch_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/patch"
	"rollcall/scimsrv/schema"
)

func TestParseReadsWhatSendersWrite(t *testing.T) {
	body := tree(t, `{"Schemas":["URN:ietf:params:scim:api:messages:2.0:patchop"],"id":"x","externalId":"ignored","operations":[
		{"OP":"REPLACE","Path":" title ","VALUE":"T","name":"title"},
		{"op":"Add","path":"","value":{"active":true}},
		{"op":"add","path":null,"value":null},
		{"op":"Remove","path":"members","value":[{"$ref":null,"value":"u1"}]},
		{"op":"remove","path":"title"}]}`)
	got, err := patch.Parse(body, patch.Options{})
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		Verb, Path, Value string
		Index             int
	}
	var rows []row
	for _, op := range got {
		rows = append(rows, row{op.Verb.String(), op.Path, text(op.Value), op.Index})
	}
	want := []row{
		{"replace", "title", `"T"`, 0},
		{"add", "", `{"active":true}`, 1},
		{"add", "", `null`, 2},
		{"remove", "members", `[{"$ref":null,"value":"u1"}]`, 3},
		{"remove", "title", `null`, 4},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseRefuses(t *testing.T) {
	const op = `"Operations":[{"op":"add","path":"title","value":"T"}]`
	tests := []struct {
		name, body, scimType, want string
		tolerated                  bool
	}{
		{"no schemas", `{` + op + `}`, schema.InvalidSyntax, "schemas: a list with " + patch.PatchOpURN, true},
		{"another message", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],` + op + `}`, schema.InvalidSyntax, "schemas", true},
		{"no operations", `{"schemas":["` + patch.PatchOpURN + `"]}`, schema.InvalidSyntax, "Operations is missing", false},
		{"operations that are no list", `{"schemas":["` + patch.PatchOpURN + `"],"Operations":{}}`, schema.InvalidSyntax, "Operations: a list is expected, not object", false},
		{"an empty list", `{"schemas":["` + patch.PatchOpURN + `"],"Operations":[]}`, schema.InvalidSyntax, "Operations is empty", true},
		{"an operation that is no object", `{"schemas":["` + patch.PatchOpURN + `"],"Operations":[1]}`, schema.InvalidSyntax, "Operations[0]: an object is expected, not number", false},
		{"delete", `{"schemas":["` + patch.PatchOpURN + `"],"Operations":[{"op":"delete","path":"title"}]}`, schema.InvalidSyntax, "Operations[0]: op: add, replace or remove", false},
		{"no op", `{"schemas":["` + patch.PatchOpURN + `"],"Operations":[{"path":"title"}]}`, schema.InvalidSyntax, "op: add, replace or remove", false},
		{"an op that is no string", `{"schemas":["` + patch.PatchOpURN + `"],"Operations":[{"op":1}]}`, schema.InvalidSyntax, "op: add, replace or remove", false},
		{"a path that is no string", `{"schemas":["` + patch.PatchOpURN + `"],"Operations":[{"op":"add","path":["title"],"value":1}]}`, schema.InvalidPath, "path: a string is expected, not array", false},
		{"add without value", `{"schemas":["` + patch.PatchOpURN + `"],"Operations":[{"op":"remove","path":"x"},{"op":"add","path":"title"}]}`, schema.InvalidValue, "Operations[1]: value is missing: add needs one", false},
		{"too many", `{"schemas":["` + patch.PatchOpURN + `"],"Operations":[` + strings.Repeat(`{"op":"remove","path":"x"},`, 3) + `{"op":"remove","path":"x"}]}`, schema.InvalidValue, "at most 3 are accepted", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := patch.Parse(tree(t, tt.body), patch.Options{MaxOperations: 3})
			var e *patch.Error
			if !errors.As(err, &e) || e.ScimType != tt.scimType || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s with %q", err, tt.scimType, tt.want)
			}
			_, err = patch.Parse(tree(t, tt.body), patch.Options{MaxOperations: 3, AnyEnvelope: true})
			if (err == nil) != tt.tolerated {
				t.Errorf("with any envelope: got %v, want tolerated: %v", err, tt.tolerated)
			}
		})
	}
}

func FuzzPath(f *testing.F) {
	for _, seed := range []string{
		`userName`, `name.givenName`, `emails[type eq "work"].value`, `emails[primary eq True]`, `members[value eq "x" or value eq "y"]`,
		ent + `:manager[value eq "7"].value`, ent + `.department`, ent, javelo + `:any`, acme + `:tags[value sw "a"]`,
		`addresses[not (type eq "work") and (locality pr)].country`, `emails[type eq "work"`, `[`, `.`, `a[b eq "\ud800"]`,
	} {
		f.Add(seed, byte(0))
		f.Add(seed, byte(5))
	}
	rt := catalog(f).User
	cur := tree(f, members(`"emails":[{"value":"a","type":"work","primary":true},{"value":"b","type":"home"}],"addresses":[{"locality":"Paris"}],"`+ent+`":{"manager":{"value":"7"}},"`+acme+`":{"tags":["a","b"]}`))
	f.Fuzz(func(t *testing.T, path string, choice byte) {
		opt := strict()
		if choice&1 != 0 {
			opt = tolerant()
		}
		op := patch.Operation{Verb: patch.Verb(choice>>1%3) + patch.Add, Path: path, Value: "v"}
		if choice&8 != 0 {
			op.Value = tree(t, `{"value":"v"}`)
		}
		check(t, rt, cur, []patch.Operation{op}, opt)
	})
}

func FuzzPatchBody(f *testing.F) {
	for _, seed := range []string{
		`{"schemas":["` + patch.PatchOpURN + `"],"Operations":[{"op":"Replace","path":"emails[type eq \"work\"].value","value":"x"},{"op":"replace","value":{"displayName":"J","name.givenName":"J","active":false}}]}`,
		`{"Operations":[{"op":"Add","path":"manager","value":[{"$ref":"http://h.example/Users/2","value":"2"}]}]}`,
		`{"operations":[{"op":"REMOVE","path":"emails","value":["a"]},{"op":"add","path":"roles","value":{"value":"x","primary":"True"}}]}`,
		`{"Operations":[{"op":"replace","value":{"emails":[{"value":"x","primary":true},{"value":"y","primary":true}],"` + ent + `":{"manager":"3"}}}]}`,
		`{"Operations":[{"op":"remove","path":"members[display co \"x\"]"},{"op":"replace","value":{"members":[]}}]}`,
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	c := catalog(f)
	cur := tree(f, members(`"active":true,"emails":[{"value":"a","type":"work","primary":true},{"value":"b","type":"home"}],"`+ent+`":{"manager":{"value":"7"}}`))
	f.Fuzz(func(t *testing.T, data []byte, lenient bool) {
		opt := strict()
		if lenient {
			opt = tolerant()
		}
		body, err := attr.Decode(data, attr.Limits{})
		if err != nil {
			return
		}
		list, err := patch.Parse(body, opt)
		if err != nil {
			return
		}
		check(t, c.User, cur, list, opt)
		if m, rest, err := patch.SplitMembers(c.Group, list, opt); err == nil {
			m.Change(nil)
			check(t, c.Group, tree(t, `{"displayName":"G"}`), rest, opt)
		}
	})
}

// check applies operations and looks at what must be true of any.
func check(t *testing.T, rt *schema.ResourceType, cur *attr.Object, list []patch.Operation, opt patch.Options) {
	t.Helper()
	before := text(cur)
	next, changed, err := patch.Apply(rt, cur, list, opt)
	if text(cur) != before {
		t.Fatal("the tree given was changed")
	}
	if err != nil {
		var e *patch.Error
		if !errors.As(err, &e) || e.ScimType == "" || e.Detail == "" || next != nil || changed {
			t.Fatalf("got %v, %v, %v", next, changed, err)
		}
		return
	}
	if changed == attr.EqualSets(cur, next) {
		t.Fatalf("changed is %v for %s", changed, text(next))
	}
	// What is left behind would be accepted, and stored as it is.
	again, err := rt.Validate(next, schema.Replace, schema.Leniency{AnySchemas: true, OpaqueText: true})
	if err != nil || !attr.EqualSets(next, again) {
		t.Fatalf("%s does not pass validation: %v, %s", text(next), err, text(again))
	}
}
