package filter_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/filter"
)

func name(s string) filter.Name { return filter.Name{Attr: s} }

func sub(a, s string) filter.Name { return filter.Name{Attr: a, Sub: s} }

func eq(a string, v attr.Value) filter.Expr {
	return filter.Compare{Attr: name(a), Op: filter.Equal, Value: v}
}

// shape compares trees without the offsets of names.
var shape = cmp.Transformer("WithoutOffset", func(n filter.Name) [3]string { return [3]string{n.URN, n.Attr, n.Sub} })

func TestParseBuildsTheTreeThatPrecedenceAsksFor(t *testing.T) {
	const urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	a, b, c, d := eq("a", attr.Number("1")), eq("b", attr.Number("2")), eq("c", attr.Number("3")), eq("d", attr.Number("4"))
	for _, tc := range []struct {
		src  string
		want filter.Expr
	}{
		{`userName eq "bjensen"`, eq("userName", "bjensen")},
		{`USERNAME EQ "x"`, eq("USERNAME", "x")},
		{`userName Eq "a\"b\\c\u00e9/\ud83d\ude00"`, eq("userName", `a"b\cé/😀`)},
		{`title pr`, filter.Present{Attr: name("title")}},
		{`active eq true`, eq("active", true)},
		{`active eq false`, eq("active", false)},
		{`title eq null`, eq("title", nil)},
		{`n ge -1.50e+3`, filter.Compare{Attr: name("n"), Op: filter.GreaterOrEqual, Value: attr.Number("-1.50e+3")}},
		{`meta.lastModified gt "2011-05-13T04:42:34Z"`, filter.Compare{Attr: sub("meta", "lastModified"), Op: filter.Greater, Value: "2011-05-13T04:42:34Z"}},
		{urn + `:department eq "R&D"`, filter.Compare{Attr: filter.Name{URN: urn, Attr: "department"}, Op: filter.Equal, Value: "R&D"}},
		{urn + `:manager.value sw "x"`, filter.Compare{Attr: filter.Name{URN: urn, Attr: "manager", Sub: "value"}, Op: filter.StartsWith, Value: "x"}},
		{`a eq 1 or b eq 2 and c eq 3`, filter.Or{Terms: []filter.Expr{a, filter.And{Terms: []filter.Expr{b, c}}}}},
		{`a eq 1 and b eq 2 or c eq 3`, filter.Or{Terms: []filter.Expr{filter.And{Terms: []filter.Expr{a, b}}, c}}},
		{`a eq 1 and b eq 2 or c eq 3 and d eq 4`, filter.Or{Terms: []filter.Expr{filter.And{Terms: []filter.Expr{a, b}}, filter.And{Terms: []filter.Expr{c, d}}}}},
		{`a eq 1 or b eq 2 or c eq 3`, filter.Or{Terms: []filter.Expr{a, b, c}}},
		{`(a eq 1 or b eq 2) and c eq 3`, filter.And{Terms: []filter.Expr{filter.Or{Terms: []filter.Expr{a, b}}, c}}},
		{`not (a eq 1) and b eq 2`, filter.And{Terms: []filter.Expr{filter.Not{Term: a}, b}}},
		{`a eq 1 and NOT(b eq 2 or c eq 3)`, filter.And{Terms: []filter.Expr{a, filter.Not{Term: filter.Or{Terms: []filter.Expr{b, c}}}}}},
		{"  a  eq\t1\r\nAND b eq 2 ", filter.And{Terms: []filter.Expr{a, b}}},
		{`emails[type eq "work"]`, filter.Elements{Attr: name("emails"), Filter: eq("type", "work")}},
		{`emails[type eq "work" and value co "@x"] or a eq 1`, filter.Or{Terms: []filter.Expr{
			filter.Elements{Attr: name("emails"), Filter: filter.And{Terms: []filter.Expr{
				eq("type", "work"), filter.Compare{Attr: name("value"), Op: filter.Contains, Value: "@x"}}}}, a}}},
		{`emails[type eq "work"].value eq "j@x"`, filter.Elements{Attr: name("emails"),
			Filter: filter.And{Terms: []filter.Expr{eq("type", "work"), eq("value", "j@x")}}}},
		{`emails[type eq "a" or type eq "b"].value pr`, filter.Elements{Attr: name("emails"),
			Filter: filter.And{Terms: []filter.Expr{filter.Or{Terms: []filter.Expr{eq("type", "a"), eq("type", "b")}}, filter.Present{Attr: name("value")}}}}},
	} {
		got, err := filter.Parse(tc.src, filter.Limits{})
		if err != nil {
			t.Errorf("%s: %v", tc.src, err)
			continue
		}
		if diff := cmp.Diff(tc.want, got, shape); diff != "" {
			t.Errorf("%s: tree (-want +got):\n%s", tc.src, diff)
		}
		again, err := filter.Parse(got.String(), filter.Limits{})
		if err != nil {
			t.Errorf("%s: its canonical text %s: %v", tc.src, got, err)
			continue
		}
		if diff := cmp.Diff(got, again, shape); diff != "" {
			t.Errorf("%s: canonical text %s means something else (-want +got):\n%s", tc.src, got, diff)
		}
	}
}

func TestParseRefusesWithTheOffsetOfTheMistake(t *testing.T) {
	for _, tc := range []struct {
		src    string
		offset int
		reason string
	}{
		{``, 0, "empty"},
		{`   `, 3, "expected"},
		{`userName`, 8, "an operator is expected"},
		{`userName eq`, 11, "a JSON value is expected"},
		{`userName eq jane`, 12, "double quotes"},
		{`userName eq 'jane'`, 12, "the character '"},
		{`userName eq "jane`, 12, "no closing quote"},
		{`userName eq "a\q"`, 12, "no JSON string"},
		{"userName eq \"a\nb\"", 12, "no JSON string"},
		{`userName equals "x"`, 9, "an operator is expected"},
		{`userName eq True`, 12, "a JSON value is expected"},
		{`a eq 01`, 5, "not a JSON number"},
		{`a eq 1 b eq 2`, 7, "cannot follow"},
		{`a eq 1 and`, 10, "expected"},
		{`a eq 1 and and b eq 2`, 15, "an operator is expected"},
		{`(a eq 1`, 7, "the bracket at byte 0 is not closed"},
		{`a eq 1)`, 6, "cannot follow"},
		{`()`, 1, "expected"},
		{`not a eq 1`, 4, "not needs parentheses"},
		{`emails[type eq "work"`, 21, "the bracket at byte 6 is not closed"},
		{`emails[type eq "work")`, 21, "is expected"},
		{`emails[]`, 7, "expected"},
		{`emails[a[b eq 1]]`, 8, "a value path within a value path"},
		{`emails[type eq "work"] .value eq "x"`, 23, "cannot follow"},
		{`emails[type eq "work"].a.b eq "x"`, 22, "one sub-attribute"},
		{`name.givenName.x eq "x"`, 0, "at most one sub-attribute"},
		{`name. eq "x"`, 0, "missing"},
		{`.a eq "x"`, 0, "missing"},
		{`http://x:a eq "x"`, 0, "schema URN"},
		{`name.givenName[a eq 1]`, 14, "a value path follows an attribute"},
		{"userName eq \"\xff\"", 13, "invalid UTF-8"},
		{"userName eq é", 12, "outside printable ASCII"},
	} {
		_, err := filter.Parse(tc.src, filter.Limits{})
		var e *filter.Error
		if !errors.As(err, &e) {
			t.Errorf("%s: error %v, want *filter.Error", tc.src, err)
			continue
		}
		if e.Offset != tc.offset || !strings.Contains(e.Reason, tc.reason) {
			t.Errorf("%s: refused %v, want offset %d and %q", tc.src, e, tc.offset, tc.reason)
		}
	}
}

func TestParseErrorsNeverRepeatALiteral(t *testing.T) {
	const secret = "jane.doe"
	for _, src := range []string{
		`userName eq ` + secret,
		`userName eq "` + secret,
		`userName eq "` + secret + `\q"`,
		`userName ` + secret + ` "x"`,
		`userName eq "x" "` + secret + `"`,
	} {
		if _, err := filter.Parse(src, filter.Limits{}); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: error %v", src, err)
		}
	}
}

func TestParseAnyCaseAcceptsTheBooleansOfEntra(t *testing.T) {
	got, err := filter.Parse(`active eq True or active eq FALSE or title eq Null`, filter.Limits{AnyCase: true})
	if err != nil {
		t.Fatal(err)
	}
	if want := `active eq true or active eq false or title eq null`; got.String() != want {
		t.Errorf("parsed as %s, want %s", got, want)
	}
}

func TestParseRefusesWhatExceedsLimits(t *testing.T) {
	const deep = 10_000
	for _, tc := range []struct {
		what, src string
		lim       filter.Limits
		reason    string
	}{
		{"parentheses", strings.Repeat("(", deep) + "a eq 1" + strings.Repeat(")", deep), filter.Limits{}, "nested deeper than 32 levels"},
		{"unclosed parentheses", strings.Repeat("(", deep), filter.Limits{}, "nested deeper than 32 levels"},
		{"negations", strings.Repeat("not(", deep) + "a eq 1" + strings.Repeat(")", deep), filter.Limits{}, "nested deeper than 32 levels"},
		{"terms", strings.Repeat("a eq 1 or ", deep/2) + "a eq 1", filter.Limits{}, "more than 2000 comparisons"},
		{"bytes", `a eq "` + strings.Repeat("x", 70_000) + `"`, filter.Limits{}, "longer than 65536 bytes"},
		{"own depth", "((a eq 1))", filter.Limits{Depth: 1}, "nested deeper than 1 levels"},
	} {
		if _, err := filter.Parse(tc.src, tc.lim); err == nil || !strings.Contains(err.Error(), tc.reason) {
			t.Errorf("%s: error %v, want %q", tc.what, err, tc.reason)
		}
	}
}

func TestParsePathReadsEveryTargetOfAPatch(t *testing.T) {
	const urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	work := eq("type", "work")
	for _, tc := range []struct {
		src    string
		want   filter.Path
		target string
	}{
		{`active`, filter.Path{Name: "active"}, "active"},
		{`name.givenName`, filter.Path{Name: "name", Sub: "givenName"}, "name.givenName"},
		{`emails[type eq "work"]`, filter.Path{Name: "emails", Filter: work}, "emails"},
		{`emails[type eq "work"].value`, filter.Path{Name: "emails", Filter: work, Sub: "value"}, "emails"},
		{urn + `:department`, filter.Path{URN: urn, Name: "department"}, urn + ":department"},
		{urn + `:manager.value`, filter.Path{URN: urn, Name: "manager", Sub: "value"}, urn + ":manager.value"},
		{urn + `:manager[value eq "1"]`, filter.Path{URN: urn, Name: "manager", Filter: eq("value", "1")}, urn + ":manager"},
		{urn, filter.Path{URN: urn[:len(urn)-5], Name: "User"}, urn},
		{urn + `.manager`, filter.Path{URN: urn[:len(urn)-5], Name: "User", Sub: "manager"}, urn + ".manager"},
		{urn + `.manager[value eq "1"].value`, filter.Path{URN: urn[:len(urn)-5], Name: "User.manager", Filter: eq("value", "1"), Sub: "value"}, urn + ".manager"},
		{`urn:ietf:params:scim:schemas:core:2.0:User:emails[type eq "work"].value`,
			filter.Path{URN: "urn:ietf:params:scim:schemas:core:2.0:User", Name: "emails", Filter: work, Sub: "value"},
			"urn:ietf:params:scim:schemas:core:2.0:User:emails"},
	} {
		got, err := filter.ParsePath(tc.src, filter.Limits{})
		if err != nil {
			t.Errorf("%s: %v", tc.src, err)
			continue
		}
		if diff := cmp.Diff(tc.want, got, shape); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.src, diff)
		}
		if got.String() != tc.src || got.Target() != tc.target {
			t.Errorf("%s: written back as %s with target %s", tc.src, got, got.Target())
		}
	}
}

func TestParsePathRefusesWhatIsNoPath(t *testing.T) {
	for _, src := range []string{
		``, `"active"`, `emails[type eq`, `emails[type eq "work"`, `emails[type eq "work"]value`, `emails[type eq "work"].`,
		`emails[type eq "work"].a.b`, `emails[type eq "work"][b eq 1]`, `active eq true`, `a b`, `name..x`, `a.b.c`, `[type eq 1]`, `emails]`,
	} {
		if p, err := filter.ParsePath(src, filter.Limits{}); err == nil {
			t.Errorf("%s: parsed as %#v", src, p)
		}
	}
}
