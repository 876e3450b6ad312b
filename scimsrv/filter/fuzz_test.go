package filter_test

import (
	"fmt"
	"strings"
	"testing"

	"rollcall/scimsrv/filter"
)

// seeds are filters as Okta, Entra and the RFC write them.
var seeds = []string{
	`userName eq "bjensen"`, `name.familyName co "O'Malley"`, `title pr and userType eq "Employee"`,
	`userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")`,
	`userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")`,
	`emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]`,
	`meta.lastModified gt "2011-05-13T04:42:34Z"`, `EMAILS[Type EQ "work"].Value Eq "A@B"`,
	`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber eq "1234" and userName eq "x"`,
	`id eq "a" and manager eq "b"`, `roles[primary eq "True"].value`, `emails[type eq`, `((((`, `a eq 1e99999`, `"`, `not(`,
}

func FuzzParseGivesTextThatMeansTheSame(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	rt := catalog(f).User
	f.Fuzz(func(t *testing.T, src string) {
		e, err := filter.Parse(src, filter.Limits{AnyCase: true})
		if err != nil {
			return
		}
		again, err := filter.Parse(e.String(), filter.Limits{Bytes: 1 << 20, Depth: 100})
		if err != nil {
			t.Fatalf("%q became %q: %v", src, e, err)
		}
		if again.String() != e.String() {
			t.Fatalf("%q became %q and then %q", src, e, again)
		}
		c, err := filter.Compile(e, rt, filter.Options{UnknownIsFalse: true, ShortNames: true, LooseLiterals: true})
		if err != nil {
			return
		}
		user := tree(t, jane)
		matches := c.Match(user)
		keys, exact := c.Lookup("username", "emails.value")
		if keys == nil || !(matches || exact) {
			return
		}
		if carried := carries(keys); matches && !carried || exact && carried && !matches {
			t.Fatalf("%q: matches = %t, keys %v (exact = %t) carried = %t", src, matches, keys, exact, carried)
		}
	})
}

// carries reports whether jane has one of the keys.
func carries(keys []filter.Key) bool {
	for _, k := range keys {
		switch k {
		case filter.Key{Attribute: "username", Value: "jane.doe@example.com"},
			filter.Key{Attribute: "emails.value", Value: "jane@work.example"},
			filter.Key{Attribute: "emails.value", Value: "jane@home.example"}:
			return true
		}
	}
	return false
}

func FuzzParsePathWritesBackWhatItRead(f *testing.F) {
	for _, s := range append(seeds, `emails[type eq "work"].value`, `urn:a:2.0:User.manager[value eq "1"].value`, `members`) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		p, err := filter.ParsePath(src, filter.Limits{})
		if err != nil {
			return
		}
		again, err := filter.ParsePath(p.String(), filter.Limits{Bytes: 1 << 20})
		if err != nil || again.String() != p.String() {
			t.Fatalf("%q became %q and then %q: %v", src, p, again, err)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	const src = `emails[type eq "work"].value eq "jane@work.example" and (active eq true or title sw "Head")`
	b.ReportAllocs()
	for b.Loop() {
		if _, err := filter.Parse(src, filter.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	user, rt := tree(b, jane), catalog(b).User
	for _, src := range []string{
		`userName eq "jane.doe@example.com"`,
		`emails[type eq "work"].value eq "jane@work.example" and (active eq true or title sw "Head")`,
	} {
		f := compile(b, src, rt, filter.Options{})
		b.Run(strings.ReplaceAll(src[:8], " ", "_"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !f.Match(user) {
					b.Fatal("no match")
				}
			}
		})
	}
}

func Example() {
	e, err := filter.Parse(`userName eq "Jane@Example.com" and active eq true`, filter.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	f, err := filter.Compile(e, exampleCatalog().User, filter.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	keys, exact := f.Lookup("username")
	fmt.Println(keys, exact)
	// Output: [{username jane@example.com}] false
}
