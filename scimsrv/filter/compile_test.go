package filter_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/filter"
	"rollcall/scimsrv/schema"
)

const enterprise = schema.EnterpriseUserURN

const jane = `{
	"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
	"id": "Id-1", "externalId": "Ext-1", "userName": "Jane.Doe@example.com", "active": true,
	"name": {"givenName": "Jane", "familyName": "Doé"}, "title": "", "nickName": null,
	"emails": [
		{"value": "Jane@work.example", "type": "work", "primary": true},
		{"value": "jane@home.example", "type": "home"}
	],
	"addresses": [{"type": "work", "locality": "Paris"}],
	"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
		"employeeNumber": "0042", "department": "Sales", "manager": {"value": "Boss-1"}
	},
	"meta": {"resourceType": "User", "lastModified": "2026-11-22T10:00:00.5Z"}
}`

func tree(t testing.TB, src string) *attr.Object {
	t.Helper()
	o, err := attr.Decode([]byte(src), attr.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func catalog(t testing.TB) *schema.Catalog {
	t.Helper()
	c, err := schema.New()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func compile(t testing.TB, src string, rt *schema.ResourceType, opt filter.Options) *filter.Filter {
	t.Helper()
	e, err := filter.Parse(src, filter.Limits{AnyCase: opt.LooseLiterals})
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	f, err := filter.Compile(e, rt, opt)
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	return f
}

func TestMatchFollowsTheTypesOfTheSchema(t *testing.T) {
	user, rt := tree(t, jane), catalog(t).User
	for _, tc := range []struct {
		src  string
		want bool
	}{
		{`userName eq "jane.doe@EXAMPLE.com"`, true},
		{`userName eq "jane.doe"`, false},
		{`urn:ietf:params:scim:schemas:core:2.0:User:userName sw "JANE"`, true},
		{`userName ew ".COM"`, true},
		{`userName co "doe@"`, true},
		{`userName gt "a"`, true},
		{`userName lt "a"`, false},
		{`id eq "Id-1"`, true},
		{`id eq "ID-1"`, false}, // caseExact
		{`externalId eq "ext-1"`, false},
		{`name.familyName eq "DOÉ"`, true},
		{`name[givenName eq "jane" and familyName sw "D"]`, true},
		{`active eq true`, true},
		{`active ne true`, false},
		{`emails co "@home"`, true},
		{`emails.value eq "JANE@WORK.EXAMPLE"`, true},
		{`emails[type eq "work" and value co "@home"]`, false}, // bound to one element
		{`emails.type eq "work" and emails.value co "@home"`, true},
		{`emails[type eq "work"].value eq "jane@work.example"`, true},
		{`emails[type eq "home"].value eq "jane@work.example"`, false},
		{`emails[type eq "other"]`, false},
		{`emails[not (type eq "work")]`, true},
		{`emails[primary eq true].type eq "work"`, true},
		{`emails.value ne "jane@home.example"`, false}, // one is equal
		{`emails.value ne "x"`, true},
		{`nickName ne "x"`, true}, // an absent value equals nothing
		{`title pr`, false},       // the empty text
		{`nickName pr`, false},
		{`nickName eq null`, true},
		{`userName ne null`, true},
		{`name pr`, true},
		{`emails pr`, true},
		{`phoneNumbers pr`, false},
		{`displayName pr or userName pr`, true},
		{enterprise + ` pr`, true},
		{enterprise + `:department eq "sales"`, true},
		{enterprise + `:manager eq "Boss-1"`, true},
		{enterprise + `:manager.value eq "Boss-2"`, false},
		{`addresses[type eq "work"].locality eq "paris"`, true},
		{`meta.lastModified gt "2026-11-22T11:00:00+02:00"`, true}, // an instant, not a text
		{`meta.lastModified eq "2026-11-22T11:00:00.500+01:00"`, true},
		{`meta.lastModified lt "2026-11-22T10:00:00Z"`, false},
		{`meta.lastModified ge "2026-11-22"`, true},
		{`schemas eq "urn:ietf:params:scim:schemas:core:2.0:User"`, true},
		{`not (active eq true) or title pr`, false},
	} {
		f := compile(t, tc.src, rt, filter.Options{})
		if got := f.Match(user); got != tc.want {
			t.Errorf("%s: matches = %t, want %t", tc.src, got, tc.want)
		}
	}
}

func TestMatchToleratesWhatItsOptionsAllow(t *testing.T) {
	user, rt := tree(t, jane), catalog(t).User
	opt := filter.Options{UnknownIsFalse: true, ShortNames: true, LooseLiterals: true}
	for _, tc := range []struct {
		src  string
		want bool
	}{
		{`active eq "True"`, true},
		{`active eq False`, false},
		{`emails[primary eq "True"].type eq "work"`, true},
		{`manager eq "Boss-1"`, true},
		{`employeeNumber eq "0042"`, true},
		{`shoeSize eq 43`, false},
		{`shoeSize eq 43 or active eq true`, true},
		{`not (shoeSize pr)`, true},
		{`emails[shape eq "round"]`, false},
	} {
		if got := compile(t, tc.src, rt, opt).Match(user); got != tc.want {
			t.Errorf("%s: matches = %t, want %t", tc.src, got, tc.want)
		}
	}
}

func TestCompileRefusesWhatCannotBeCompared(t *testing.T) {
	rt := catalog(t).User
	for _, tc := range []struct{ src, reason string }{
		{`shoeSize eq 43`, "unknown attribute"},
		{`name.shoeSize eq 43`, "unknown attribute"},
		{`manager eq "x"`, "unknown attribute"},
		{`emails[shape eq "round"]`, `no sub-attribute "shape"`},
		{`emails[urn:a:type eq "work"]`, "within brackets"},
		{`active gt true`, "cannot be compared with gt"},
		{`active co true`, "cannot be compared with co"},
		{`active eq "true"`, "true or false"},
		{`userName eq 5`, "a text in double quotes"},
		{`name eq "x"`, "name one of its sub-attributes"},
		{`meta.created gt "yesterday"`, "a date and time"},
		{`meta.created co "2026-01-01T00:00:00Z"`, "cannot be compared with co"},
		{`x509Certificates.value gt "x"`, "cannot be compared with gt"},
		{`userName gt null`, "only be compared with eq and ne"},
		{enterprise + ` eq "x"`, "only be asked for with pr"},
		{`emails.$ref eq "x"`, ""},
		{`emails.value[a eq 1]`, ""},
	} {
		e, err := filter.Parse(tc.src, filter.Limits{})
		if err == nil {
			_, err = filter.Compile(e, rt, filter.Options{})
		}
		var refused *filter.Error
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), tc.reason) {
			t.Errorf("%s: error %v, want %q", tc.src, err, tc.reason)
		}
	}
}

func TestCompileRefusesPasswordsAsSensitive(t *testing.T) {
	e, err := filter.Parse(`userName eq "x" or password eq "hunter2"`, filter.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = filter.Compile(e, catalog(t).User, filter.Options{UnknownIsFalse: true}); !errors.Is(err, filter.ErrSensitive) {
		t.Errorf("error %v, want ErrSensitive", err)
	}
}

func TestCompileElementMatchesElements(t *testing.T) {
	rt := catalog(t).User
	ref, err := rt.Resolve("emails")
	if err != nil {
		t.Fatal(err)
	}
	e, err := filter.Parse(`type eq "WORK" and value ew "example"`, filter.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := filter.CompileElement(e, ref.Attribute, filter.Options{})
	if err != nil {
		t.Fatal(err)
	}
	emails, _ := tree(t, jane).Get("emails")
	var got []bool
	for _, v := range emails.(attr.Array) {
		got = append(got, f.Match(v))
	}
	if diff := cmp.Diff([]bool{true, false}, got); diff != "" {
		t.Errorf("matches (-want +got):\n%s", diff)
	}
}

func TestMatchWithAsksForElementsThatTheObjectDoesNotHold(t *testing.T) {
	group := tree(t, `{"id": "g1", "displayName": "Team"}`)
	opt := filter.Options{External: "members"}
	has := func(attribute, value string) bool { return attribute == "members" && value == "u1" }
	for _, tc := range []struct {
		src            string
		matches, needs bool
	}{
		{`members eq "u1"`, true, false},
		{`members.value eq "u2"`, false, false},
		{`members[value eq "u1"]`, true, false},
		{`members ne "u1"`, false, false},
		{`id eq "g1" and not (members eq "u2")`, true, false},
		{`displayName eq "team"`, true, false},
		{`members.display eq "Jane"`, false, true},
		{`members[value eq "u1" and type eq "User"]`, false, true},
		{`members pr`, false, true},
		{`members co "u"`, false, true},
	} {
		f := compile(t, tc.src, catalog(t).Group, opt)
		if f.NeedsElements() != tc.needs {
			t.Errorf("%s: needs elements = %t, want %t", tc.src, f.NeedsElements(), tc.needs)
		}
		if got := f.MatchWith(group, has); got != tc.matches {
			t.Errorf("%s: matches = %t, want %t", tc.src, got, tc.matches)
		}
	}
}

func TestUsesNamesTheTopLevelAttributes(t *testing.T) {
	f := compile(t, `meta.created pr and emails[type eq "work"] or `+enterprise+`:manager.value eq "x"`, catalog(t).User, filter.Options{})
	for name, want := range map[string]bool{
		"meta": true, "emails": true, "type": false, "groups": false,
		attr.FoldName(enterprise) + ":manager": true,
	} {
		if f.Uses(name) != want {
			t.Errorf("uses %s = %t, want %t", name, f.Uses(name), want)
		}
	}
}

func TestLookupNamesTheIndexThatAnswers(t *testing.T) {
	c := catalog(t)
	k := func(a, v string) filter.Key { return filter.Key{Attribute: a, Value: v} }
	for _, tc := range []struct {
		src   string
		rt    *schema.ResourceType
		keys  []filter.Key
		exact bool
	}{
		{`userName eq "Jane@X.com"`, c.User, []filter.Key{k("username", "jane@x.com")}, true},
		{`externalId eq "Ab"`, c.User, []filter.Key{k("externalid", "Ab")}, true},
		{`id eq "Ab"`, c.User, []filter.Key{k("id", "Ab")}, true},
		{`emails eq "J@X"`, c.User, []filter.Key{k("emails.value", "j@x")}, true},
		{`emails[type eq "work"].value eq "J@X"`, c.User, []filter.Key{k("emails.value", "j@x")}, false},
		{`emails[value eq "J@X"]`, c.User, []filter.Key{k("emails.value", "j@x")}, false},
		{`emails[type eq "work"]`, c.User, nil, false},
		{`emails[value eq "a" or value eq "b"]`, c.User, []filter.Key{k("emails.value", "a"), k("emails.value", "b")}, false},
		{`emails[value eq "a" or type eq "b"]`, c.User, nil, false},
		{`displayName eq "Team"`, c.Group, []filter.Key{k("displayname", "team")}, true},
		{`members eq "u1"`, c.Group, []filter.Key{k("members.value", "u1")}, true},
		{`id eq "g1" and members eq "u1"`, c.Group, []filter.Key{k("id", "g1")}, false},
		{`members eq "u1" and id eq "g1"`, c.Group, []filter.Key{k("id", "g1")}, false},
		{`active eq true and userName eq "a"`, c.User, []filter.Key{k("username", "a")}, false},
		{`(externalId eq "a" or externalId eq "b") and userName eq "c"`, c.User, []filter.Key{k("username", "c")}, false},
		{`userName eq "a" or externalId eq "b"`, c.User, []filter.Key{k("username", "a"), k("externalid", "b")}, true},
		{`userName eq "a" or userName eq "A"`, c.User, []filter.Key{k("username", "a")}, true},
		{`userName eq "a" or active eq true`, c.User, nil, false},
		{`userName eq "a" or emails[value eq "b"]`, c.User, []filter.Key{k("username", "a"), k("emails.value", "b")}, false},
		{`not (userName eq "a")`, c.User, nil, false},
		{`userName ne "a"`, c.User, nil, false},
		{`userName sw "a"`, c.User, nil, false},
		{`userName pr`, c.User, nil, false},
		{`title eq "a"`, c.User, nil, false},
		{`shoeSize eq 43`, c.User, []filter.Key{}, true},
		{`shoeSize eq 43 and active eq true`, c.User, []filter.Key{}, true},
		{`shoeSize eq 43 or userName eq "a"`, c.User, []filter.Key{k("username", "a")}, true},
	} {
		f := compile(t, tc.src, tc.rt, filter.Options{UnknownIsFalse: true, External: "members"})
		keys, exact := f.Lookup("id", "username", "displayname", "externalid", "emails.value", "members.value")
		if diff := cmp.Diff(tc.keys, keys); diff != "" || exact != tc.exact {
			t.Errorf("%s: exact = %t, want %t; keys (-want +got):\n%s", tc.src, exact, tc.exact, diff)
		}
	}
}

func exampleCatalog() *schema.Catalog {
	c, err := schema.New()
	if err != nil {
		panic(err)
	}
	return c
}
