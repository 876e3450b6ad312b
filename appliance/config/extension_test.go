package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const acmeURN = "urn:example:params:scim:schemas:extension:acme:2.0:User"

func TestExtensionsAreTablesOfAttributesAndTypes(t *testing.T) {
	const text = push + `
[scim.extensions."` + acmeURN + `"]
badge = "string"
languages = "string[]"
custom = "boolean"
[scim.extensions."urn:example:other:User"]
since = "dateTime"
`
	c := mustParse(t, text)
	want := map[string]map[string]AttributeType{
		acmeURN:                  {"badge": "string", "languages": "string[]", "custom": "boolean"},
		"urn:example:other:User": {"since": "dateTime"},
	}
	if diff := cmp.Diff(want, c.SCIM.Extensions); diff != "" {
		t.Error(diff)
	}
	shown := show(t, c)
	if want := "[scim.extensions.\"" + acmeURN + "\"]\nbadge = \"string\"\ncustom = \"boolean\"\nlanguages = \"string[]\"\n"; !strings.Contains(shown, want) {
		t.Errorf("no %q in\n%s", want, shown)
	}
	if changes := Diff(c, mustParse(t, shown)); len(changes) > 0 {
		t.Errorf("what is shown reads back as something else: %+v", changes)
	}
	changes := Diff(c, mustParse(t, strings.Replace(text, `badge = "string"`, `badge = "integer"`, 1)))
	key := `scim.extensions."` + acmeURN + `".badge`
	if diff := cmp.Diff([]Change{{Key: key, Old: `"string"`, New: `"integer"`}}, changes); diff != "" {
		t.Errorf("a changed type (-want +got):\n%s", diff)
	}
	if c := mustParse(t, push); len(c.SCIM.Extensions) != 0 || c.SCIM.Extensions == nil {
		t.Errorf("without a table: %v", c.SCIM.Extensions)
	}
}

func TestExtensionsThatNoSenderCouldUseAreRefused(t *testing.T) {
	const types = `"string", "boolean", "integer", "decimal", "dateTime", "reference", or a list of one as "string[]"`
	table := func(urn, lines string) string { return "[scim.extensions.\"" + urn + "\"]\n" + lines }
	for _, tt := range []struct{ name, text, want string }{
		{"unknown type", table(acmeURN, `badge = "text"`), `t.toml:2:9: scim.extensions."` + acmeURN + `".badge: no such type: found "text", allowed: ` + types},
		{"letter case", table(acmeURN, `badge = "datetime[]"`), `t.toml:2:9: scim.extensions."` + acmeURN + `".badge: no such type: found "datetime[]", allowed: ` + types + `; did you mean "dateTime"?`},
		{"a list of a list", table(acmeURN, `badge = "string[][]"`), `t.toml:2:9: scim.extensions."` + acmeURN + `".badge: no such type: found "string[][]", allowed: ` + types + `; did you mean "string"?`},
		{"complex", table(acmeURN, `badge = { type = "string" }`), `t.toml:2:9: scim.extensions."` + acmeURN + `".badge: wrong type: found a table, allowed: ` + types},
		{"number", table(acmeURN, `badge = 3`), `t.toml:2:9: scim.extensions."` + acmeURN + `".badge: wrong type: found 3, allowed: ` + types},
		{"dotted key", table(acmeURN, `custom.badge = "string"`), `t.toml:1:2: scim.extensions."` + acmeURN + `".custom: wrong type: found a table, allowed: ` + types},
		{"attribute name", table(acmeURN, `"two words" = "string"`), `t.toml:2:1: scim.extensions."` + acmeURN + `"."two words": not the name of an attribute, allowed: a letter, then letters, digits, - and _`},
		{"digit first", table(acmeURN, `1st = "string"`), `t.toml:2:1: scim.extensions."` + acmeURN + `".1st: not the name of an attribute, allowed: a letter, then letters, digits, - and _`},
		{"same attribute", table(acmeURN, "Badge = \"string\"\nbadge = \"string\""), `t.toml:3:1: scim.extensions."` + acmeURN + `".badge: the same as "Badge": SCIM does not tell letter case apart in names`},
		{"password", table(acmeURN, `passWord = "string"`), `t.toml:2:1: scim.extensions."` + acmeURN + `".passWord: passwords are accepted and thrown away, never kept; leave the line out`},
		{"empty", table(acmeURN, ""), `t.toml:1:2: scim.extensions."` + acmeURN + `": empty: a schema without attributes`},
		{"no URN", table("https://acme.example/schema", `badge = "string"`), `t.toml:1:2: scim.extensions."https://acme.example/schema": not the URN of a schema: found "https://acme.example/schema", allowed: ` + allowedURN},
		{"a URN that a filter cannot hold", table("urn:example:ac me", `badge = "string"`), `t.toml:1:2: scim.extensions."urn:example:ac me": not the URN of a schema: found "urn:example:ac me", allowed: ` + allowedURN},
		{"a URN without end", table("urn:example:", `badge = "string"`), `t.toml:1:2: scim.extensions."urn:example:": not the URN of a schema: found "urn:example:", allowed: ` + allowedURN},
		{"built-in", table("URN:ietf:params:scim:schemas:extension:enterprise:2.0:user", `badge = "string"`), `t.toml:1:2: scim.extensions."URN:ietf:params:scim:schemas:extension:enterprise:2.0:user": there is a schema of this URN already; give your schema a URN of its own`},
		{"below a built-in", table("urn:ietf:params:scim:schemas:core:2.0:User:acme", `badge = "string"`), `t.toml:1:2: scim.extensions."urn:ietf:params:scim:schemas:core:2.0:User:acme": "urn:ietf:params:scim:schemas:core:2.0:User" begins like it: a path could not tell the one from an attribute of the other; give your schema a URN of its own`},
		{"twice", table(acmeURN, `badge = "string"`) + "\n" + table(strings.ToLower(acmeURN), `badge = "string"`), `t.toml:3:2: scim.extensions."` + strings.ToLower(acmeURN) + `": there is a schema of this URN already; give your schema a URN of its own`},
		{"no table", "[scim]\nextensions = \"x\"", `t.toml:2:14: scim.extensions: wrong type: found "x", allowed: tables, [scim.extensions.NAME]`},
		{"attributes without a schema", "[scim.extensions]\nbadge = \"string\"", `t.toml:2:9: scim.extensions.badge: wrong type: found "string", allowed: a table, [scim.extensions.badge]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := problemsOf(t, tt.text)
			if len(p) != 1 {
				t.Fatalf("got %d problems, want one:\n%v", len(p), p)
			}
			if got := p[0].String(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
