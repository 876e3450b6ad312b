package readiness

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/identity"
	"rollcall/appliance/model"
)

var now = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// human makes a record and the person it belongs to.
func human(n int, source, given, family, email string) (model.Record, model.Person) {
	attrs := model.Attributes{model.GivenName: model.Text(given), model.FamilyName: model.Text(family)}
	if email != "" {
		attrs[model.Email] = model.Text(email)
	}
	ids, _ := identity.Of(attrs, false)
	r := model.Record{ID: model.RecordID(fmt.Sprintf("r_%02d", n)), Source: source, Native: fmt.Sprint(n), Attributes: attrs, Identifiers: ids, Status: model.Active}
	p := model.Person{ID: model.PersonID(fmt.Sprintf("p_%02d", n)), Attributes: attrs, Status: model.Active, Access: model.AccessOn, Records: []model.RecordID{r.ID}}
	if len(ids) > 0 {
		p.EmailKey = ids[0].Value
	}
	r.Person = p.ID
	return r, p
}

// input is a world with one person per entry, all of them new to the target.
type input struct{ Input }

func (in *input) add(source, given, family, email string) *model.Person {
	r, p := human(len(in.Persons)+1, source, given, family, email)
	in.Records, in.Persons = append(in.Records, r), append(in.Persons, p)
	if in.Targets == nil {
		in.Targets = []listing{{Name: "javelo", Listed: now, Standing: map[model.PersonID]Standing{}}}
	}
	s := Standing{Effect: model.EffectCreate}
	if email == "" {
		s = Standing{Blocked: "there is no email to log in with"}
	}
	in.Targets[0].Standing[p.ID] = s
	return &in.Persons[len(in.Persons)-1]
}

func (in *input) account(id, login, given, family string, active bool) {
	in.Targets[0].Accounts = append(in.Targets[0].Accounts, Account{Account: model.Account{RemoteID: id, Login: login, Active: active,
		Attributes: map[model.Name]string{model.GivenName: given, model.FamilyName: family}}})
}

func (in *input) adopts(p *model.Person, id, login string) {
	in.Targets[0].Standing[p.ID] = Standing{Effect: model.EffectAdopt, RemoteID: id, Login: login}
}

func rows(r Report, k Kind) []Row {
	var out []Row
	for _, row := range r.Rows {
		if row.Kind == k {
			out = append(out, row)
		}
	}
	return out
}

func only(t *testing.T, r Report, k Kind) Row {
	t.Helper()
	list := rows(r, k)
	if len(list) != 1 {
		t.Fatalf("%d rows of kind %s, want one: %+v", len(list), k, list)
	}
	return list[0]
}

func TestEverybodyIsMatchedNewOrUncovered(t *testing.T) {
	in := &input{Input{Now: now}}
	jane := in.add("hibob", "Jane", "Doe", "Jane@Acme.example")
	in.account("1", "jane@acme.example", "Jane", "Doe", true)
	in.adopts(jane, "1", "jane@acme.example")
	in.add("hibob", "Omar", "Haddad", "omar@acme.example")
	in.account("2", "gone@acme.example", "Long", "Gone", true)
	in.account("3", "off@acme.example", "Already", "Off", false)
	r := Make(in.Input)
	m := only(t, r, Matched)
	if m.By != ByEmail || m.Account != "jane@acme.example" || m.Source != "hibob" || m.Record != "1" || m.ToDo != "" {
		t.Errorf("matched: %+v", m)
	}
	if n := only(t, r, New); n.Name != "Omar Haddad" || n.Record != "2" {
		t.Errorf("new: %+v", n)
	}
	u := rows(r, Uncovered)
	if len(u) != 2 || u[0].Account != "off@acme.example" || u[0].ToDo != "" || u[1].Account != "gone@acme.example" || u[1].ToDo == "" {
		t.Errorf("uncovered: %+v", u)
	}
	if r.Counts[Matched] != 1 || r.Counts[New] != 1 || r.Counts[Uncovered] != 2 || r.Counts[NearMatch] != 0 || !r.Asks() {
		t.Errorf("counts: %v", r.Counts)
	}
}

func TestALinkThatAddressesDoNotShowIsSaidToBeALink(t *testing.T) {
	in := &input{Input{Now: now}}
	p := in.add("hibob", "Zoé", "Martin", "zoe.durand@acme.example")
	in.account("1", "zoe.martin@acme.example", "Zoé", "Martin", true)
	in.Targets[0].Standing[p.ID] = Standing{RemoteID: "1", Login: "zoe.martin@acme.example", Linked: true}
	in.Conflicts = []model.Conflict{{Kind: model.IdentifierChange, Target: "javelo", Persons: []model.PersonID{p.ID}, Records: p.Records, Rule: "the email changed"}}
	r := Make(in.Input)
	if m := only(t, r, Matched); m.By != ByLink {
		t.Errorf("matched by %s, want link", m.By)
	}
	if len(rows(r, Uncovered)) != 0 {
		t.Errorf("a linked account counts as uncovered: %+v", rows(r, Uncovered))
	}
	// An account that was delivered to somebody is theirs, though nobody knows them now.
	in.account("2", "erased@acme.example", "Some", "Body", true)
	in.Targets[0].Accounts[1].Person = "p_99"
	if list := rows(Make(in.Input), Uncovered); len(list) != 0 {
		t.Errorf("an account that was ours counts as uncovered: %+v", list)
	}
	if n := only(t, r, NearMatch); n.Email != "zoe.durand@acme.example" {
		t.Errorf("near match: %+v", n)
	}
}

func TestTheSameHumanUnderAnotherAddressIsANearMatch(t *testing.T) {
	for _, tc := range []struct {
		what, given, family, login string
		number                     string
		by                         string // empty: no near match
	}{
		{what: "the same name", given: "Zoé", family: "Van der Berg", login: "zvdb@old.example", by: ByName},
		{what: "the names the other way round, without accents", given: "van-der Berg", family: "Zoe", login: "x@old.example", by: ByName},
		{what: "the same mailbox at another domain", given: "Z.", family: "", login: "zoe.berg@old.example", by: ByMailbox},
		{what: "the same employee number", given: "Anna", family: "Else", login: "a@old.example", number: "0042", by: ByEmployeeNumber},
		{what: "another number of the same digits", given: "Anna", family: "Else", login: "a@old.example", number: "42"},
		{what: "a first name alone", given: "Zoé", family: "", login: "z@old.example"},
		{what: "somebody else", given: "Anna", family: "Else", login: "anna@old.example"},
	} {
		t.Run(tc.what, func(t *testing.T) {
			in := &input{Input{Now: now}}
			p := in.add("hibob", "Zoé", "van der Berg", "zoe.berg@acme.example")
			p.Attributes[model.EmployeeNumber] = model.Text("0042")
			in.account("1", tc.login, tc.given, tc.family, true)
			in.Targets[0].Accounts[0].Attributes[model.EmployeeNumber] = tc.number
			r := Make(in.Input)
			if tc.by == "" {
				if list := rows(r, NearMatch); len(list) > 0 {
					t.Errorf("near match: %+v", list)
				}
				return
			}
			if n := only(t, r, NearMatch); n.By != tc.by || n.Account != tc.login || n.Person != string(p.ID) || n.ToDo == "" {
				t.Errorf("near match: %+v", n)
			}
		})
	}
}

func TestNamesakesOfOneSourceAreNamesakes(t *testing.T) {
	in := &input{Input{Now: now}}
	in.add("hibob", "Marie", "Martin", "marie.martin@acme.example")
	in.add("hibob", "Marie", "Martin", "marie.martin2@acme.example")
	if list := rows(Make(in.Input), NearMatch); len(list) > 0 {
		t.Errorf("two people of one source: %+v", list)
	}
	in.add("okta", "Martin", "Marie", "mmartin@acme.example")
	if list := rows(Make(in.Input), NearMatch); len(list) != 2 {
		t.Errorf("%d near matches across sources, want 2: %+v", len(list), list)
	}
}

func TestANameThatManyShareTellsNothing(t *testing.T) {
	in := &input{Input{Now: now}}
	for i := range maxGroup + 1 {
		in.add([]string{"hibob", "okta"}[i%2], "Marie", "Martin", fmt.Sprintf("m%d@acme.example", i))
	}
	if list := rows(Make(in.Input), NearMatch); len(list) > 0 {
		t.Errorf("%d pairs of a name that everybody has", len(list))
	}
}

func TestPeopleWithoutAnAddressAreListedUnlessTheyNeedNone(t *testing.T) {
	in := &input{Input{Now: now}}
	in.add("hibob", "No", "Address", "")
	bad := in.add("hibob", "Two", "Ats", "")
	bad.Attributes[model.Email] = model.Text("two@@acme.example")
	in.add("hibob", "Long", "Gone", "").Access = model.AccessOff
	in.add("hibob", "To", "Come", "").Status = model.Pending
	in.add("hibob", "Left", "Out", "")
	in.Records[4].Scope = model.Scope{State: model.OutOfScope}
	list := rows(Make(in.Input), MissingEmail)
	if len(list) != 3 {
		t.Fatalf("rows: %+v", list)
	}
	if list[0].Name != "No Address" || list[0].ToDo == "" || list[1].Name != "To Come" || list[1].ToDo != "" || list[2].Name != "Two Ats" || !strings.Contains(list[2].Detail, "more than one @") {
		t.Errorf("rows: %+v", list)
	}
}

func TestAnAccountOfSomebodyOutOfScopeIsKnown(t *testing.T) {
	in := &input{Input{Now: now}}
	p := in.add("hibob", "Left", "Out", "left.out@acme.example")
	p.EmailKey = "" // as reconcile leaves it
	in.Records[0].Scope = model.Scope{State: model.OutOfScope}
	in.account("1", "left.out@acme.example", "Left", "Out", true)
	r := Make(in.Input)
	if len(rows(r, Uncovered))+len(rows(r, NearMatch)) > 0 {
		t.Errorf("rows: %+v", r.Rows)
	}
}

func TestClashesListEveryRecord(t *testing.T) {
	in := &input{Input{Now: now}}
	a := in.add("hibob", "Ada", "One", "same@acme.example")
	b := in.add("hibob", "Ada", "Two", "same@acme.example")
	in.Conflicts = []model.Conflict{
		{Kind: model.DuplicateIdentifier, Records: []model.RecordID{a.Records[0], b.Records[0]}, Persons: []model.PersonID{a.ID}, Rule: "two records of hibob share an email",
			Identifiers: []model.Identifier{{Kind: model.IdentifierEmail, Value: "same@acme.example"}}},
		{Kind: model.PersonalEmail, Records: b.Records, Persons: []model.PersonID{b.ID}, Rule: "a personal address"},
		{Kind: model.ManagerUnresolved, Persons: []model.PersonID{a.ID}, Rule: "the manager is nobody we know"},
		{Kind: model.Rejected, Persons: []model.PersonID{a.ID}, Rule: "refused"},
	}
	r := Make(in.Input)
	if list := rows(r, Duplicate); len(list) != 2 || list[0].Record != "1" || list[1].Record != "2" || !strings.Contains(list[0].Detail, "same@acme.example") {
		t.Errorf("duplicates: %+v", list)
	}
	if p := only(t, r, PersonalEmail); p.Name != "Ada Two" {
		t.Errorf("personal: %+v", p)
	}
	if m := only(t, r, ManagerUnresolved); m.Name != "Ada One" {
		t.Errorf("manager: %+v", m)
	}
}

func TestTwoAccountsWithOneAddressAreDuplicates(t *testing.T) {
	in := &input{Input{Now: now}}
	p := in.add("hibob", "Ada", "One", "ada@acme.example")
	in.account("1", "ada@acme.example", "Ada", "One", true)
	in.account("2", "ADA@acme.example", "Ada", "One", true)
	in.adopts(p, "1", "ada@acme.example")
	if list := rows(Make(in.Input), Duplicate); len(list) != 2 {
		t.Errorf("duplicates: %+v", list)
	}
}

func TestFieldsNobodyCanReadOrHoldAreRows(t *testing.T) {
	in := &input{Input{Now: now}}
	in.add("hibob", "Ada", "One", "ada@acme.example")
	in.Unreadable = []Field{
		{Source: "hibob", Permission: "Home", Field: "home.legalGender", Attribute: model.Gender, Effect: "genders are not relayed"},
		{Source: "hibob", Permission: "(no such field)", Field: "work.custom.gone", Effect: "the map gets nothing from it"},
		{Source: "sheet", Permission: "column email", Field: "email", Attribute: model.Email, Effect: "nobody can be matched"},
	}
	in.Targets[0].Unknown = []UnknownAttribute{{Attribute: "custom.team", Field: "team", People: 1, Reason: "no account in javelo has the field team", ToDo: "ask"}}
	r := Make(in.Input)
	var todo []string
	for _, row := range rows(r, UnreadableField) {
		todo = append(todo, row.ToDo)
	}
	slices.Sort(todo)
	want := []string{"add the column email to the file", "correct the name of the field in the configured map of hibob", "grant \"Home\" to the credentials of hibob"}
	if d := cmp.Diff(want, todo); d != "" {
		t.Errorf("to do (-want +got):\n%s", d)
	}
	if u := only(t, r, UnknownField); u.Attribute != "custom.team" || u.Field != "team" || u.People != 1 {
		t.Errorf("unknown: %+v", u)
	}
}

func TestATargetThatWasNeverListedIsSaidSo(t *testing.T) {
	in := &input{Input{Now: now}}
	in.add("hibob", "Ada", "One", "ada@acme.example")
	in.Targets[0].Listed = time.Time{}
	r := Make(in.Input)
	if len(r.Notices) != 1 || !strings.Contains(r.Notices[0], "never listed") || len(r.Listed) != 0 {
		t.Errorf("notices %q, listed %v", r.Notices, r.Listed)
	}
}

// large is a company in which everything occurs.
func large(n int) Input {
	in := &input{Input{Now: now}}
	for i := range n {
		email := fmt.Sprintf("person.%d@acme.example", i)
		if i%50 == 3 {
			email = ""
		}
		p := in.add([]string{"hibob", "okta"}[i%2], fmt.Sprintf("Given%s", letters(i)), fmt.Sprintf("Family%s", letters(i/3)), email)
		switch i % 10 {
		case 0, 1, 2, 3, 4, 5:
			if email != "" {
				id := fmt.Sprint("a", i)
				in.account(id, email, "Given", "Family", true)
				in.adopts(p, id, email)
			}
		case 6:
			in.account(fmt.Sprint("a", i), fmt.Sprintf("p%d@old.example", i), p.Attributes.Text(model.GivenName), p.Attributes.Text(model.FamilyName), true)
		}
		if i%40 == 7 {
			in.Conflicts = append(in.Conflicts, model.Conflict{Kind: model.ManagerUnresolved, Persons: []model.PersonID{p.ID}, Rule: "nobody we know"})
		}
	}
	return in.Input
}

func letters(n int) string {
	s := ""
	for ; n > 0; n /= 26 {
		s += string(rune('a' + n%26))
	}
	return s
}

func TestTheOrderOfTheInputDoesNotMatter(t *testing.T) {
	in := large(300)
	want := Make(in)
	if want.Counts[NearMatch] == 0 || want.Counts[MissingEmail] == 0 || want.Counts[Matched] == 0 {
		t.Fatalf("the company shows too little: %v", want.Counts)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 5 {
		rng.Shuffle(len(in.Records), func(i, j int) { in.Records[i], in.Records[j] = in.Records[j], in.Records[i] })
		rng.Shuffle(len(in.Persons), func(i, j int) { in.Persons[i], in.Persons[j] = in.Persons[j], in.Persons[i] })
		rng.Shuffle(len(in.Conflicts), func(i, j int) { in.Conflicts[i], in.Conflicts[j] = in.Conflicts[j], in.Conflicts[i] })
		acc := in.Targets[0].Accounts
		rng.Shuffle(len(acc), func(i, j int) { acc[i], acc[j] = acc[j], acc[i] })
		if d := cmp.Diff(want, Make(in)); d != "" {
			t.Fatalf("another order gives another report (-want +got):\n%s", d)
		}
	}
}

func BenchmarkMake10000(b *testing.B) {
	in := large(10_000)
	b.ReportAllocs()
	for b.Loop() {
		Make(in)
	}
}
