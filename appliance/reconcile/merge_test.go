package reconcile

import (
	"testing"

	"rollcall/appliance/model"
)

// mergedFrom plans records that are one person by their address.
func mergedFrom(t *testing.T, p *Policy, records ...model.Record) model.Person {
	t.Helper()
	w := newWorld()
	w.policy = p
	for _, r := range records {
		if !r.Attributes.Has(model.Email) {
			r.Attributes[model.Email] = model.Text(mail("ada"))
		}
		w.put(r)
	}
	sameKinds(t, w)
	return personOf(t, w, records[0].ID)
}

func TestFirstSourceInAuthorityThatSaysSomethingWins(t *testing.T) {
	title := func(source, value string) model.Record {
		return says(source, "1", "given_name", "Ada", "title", value)
	}
	silent := func(source string) model.Record { return says(source, "1", "given_name", "Ada") }
	authority := &Policy{Authority: []string{"hr", "idp"}}
	exact := &Policy{Authority: []string{"hr", "idp"}, Attributes: map[model.Name][]string{model.Title: {"idp"}}}
	for _, tc := range []struct {
		name    string
		policy  *Policy
		records []model.Record
		want    model.Value
		absent  bool
		from    model.RecordID
	}{
		{"the first source has a value", authority, []model.Record{title("hr", "Engineer"), title("idp", "Eng.")}, model.Text("Engineer"), false, "r-hr1"},
		{"the order of arrival does not matter", authority, []model.Record{title("idp", "Eng."), title("hr", "Engineer")}, model.Text("Engineer"), false, "r-hr1"},
		{"the first source is silent", authority, []model.Record{silent("hr"), title("idp", "Eng.")}, model.Text("Eng."), false, "r-idp1"},
		{"the first source knows it to be empty", authority, []model.Record{title("hr", ""), title("idp", "Eng.")}, model.Null(), false, "r-hr1"},
		{"a source without rank comes after those with one", authority, []model.Record{title("zeta", "Z"), title("idp", "Eng.")}, model.Text("Eng."), false, "r-idp1"},
		{"sources without rank count by name", authority, []model.Record{title("zeta", "Z"), title("beta", "B")}, model.Text("B"), false, "r-beta1"},
		{"nobody says anything", authority, []model.Record{silent("hr"), silent("idp")}, model.Value{}, true, ""},
		{"an attribute's own authority wins over the general one", exact, []model.Record{title("hr", "Engineer"), title("idp", "Eng.")}, model.Text("Eng."), false, "r-idp1"},
		{"who is not in an attribute's own authority never gives it", exact, []model.Record{title("hr", "Engineer"), silent("idp")}, model.Value{}, true, ""},
		{"nor clears it", exact, []model.Record{title("hr", ""), title("idp", "Eng.")}, model.Text("Eng."), false, "r-idp1"},
	} {
		p := mergedFrom(t, tc.policy, tc.records...)
		got, ok := p.Attributes[model.Title]
		if ok == tc.absent || !got.Equal(tc.want) || p.Provenance[model.Title] != tc.from {
			t.Errorf("%s: title %+v (said: %t) from %q, want %+v from %q", tc.name, got, ok, p.Provenance[model.Title], tc.want, tc.from)
		}
	}
}

func TestNullIdentifierIsNoInformation(t *testing.T) {
	p := mergedFrom(t, &Policy{Authority: []string{"adp", "partner"}},
		says("adp", "1", "given_name", "Ada", "employee_number", "", "email", mail("ada")),
		says("partner", "2", "given_name", "Ada", "employee_number", "42"))
	if got := p.Attributes.Text(model.EmployeeNumber); got != "42" || p.Provenance[model.EmployeeNumber] != "r-partner2" {
		t.Errorf("the number is %q from %s, want that of the source that has one", got, p.Provenance[model.EmployeeNumber])
	}
	alone := mergedFrom(t, &Policy{}, says("adp", "1", "given_name", "Ada", "employee_number", ""))
	if v, said := alone.Attributes[model.EmployeeNumber]; !said || !v.Null {
		t.Errorf("when nobody has a number, the null counts: %+v, %t", v, said)
	}
	w := newWorld()
	w.put(ada("idp", "7"))
	w.put(bea("idp", "8"))
	w.put(ada("hr", "1"))
	w.put(ada("hr", "1", "email", ""))
	if got := personOf(t, w, "r-hr1"); got.EmailKey != mail("ada") || len(got.Records) != 2 {
		t.Errorf("a source that lost the address took it from the person: %q, records %v", got.EmailKey, got.Records)
	}
}

func TestValuesOfEndedRecordsCountForLeaversOnly(t *testing.T) {
	w := newWorld()
	old := ada("hr", "1", "title", "Analyst", "site", "Lyon")
	w.put(old)
	w.put(ada("idp", "7", "title", "Engineer"))
	w.put(ended(old))
	p := personOf(t, w, "r-idp7")
	if p.Attributes.Text(model.Title) != "Engineer" || p.Attributes.Has(model.Site) {
		t.Errorf("an ended record still speaks: %v", p.Attributes)
	}
	w.put(ended(ada("idp", "7", "title", "Engineer")))
	if p = personOf(t, w, "r-idp7"); p.Attributes.Text(model.Title) != "Analyst" || p.Attributes.Text(model.Site) != "Lyon" {
		t.Errorf("of a leaver, all records speak in order of authority: %v", p.Attributes)
	}
}

func TestDecidedValueWinsOverEverySource(t *testing.T) {
	w := newWorld()
	w.policy = &Policy{Authority: []string{"hr"}, Attributes: map[model.Name][]string{model.Title: {"hr"}}}
	w.put(ada("hr", "1", "title", "Analyst"))
	set := func(v model.Value) {
		answer(t, w, model.Decision{Verb: model.Set, Record: "r-hr1", Records: []model.RecordID{"r-hr1"}, Attribute: model.Title, Value: v})
	}
	set(model.Text("Director"))
	w.put(ada("hr", "1", "title", "Senior Analyst"))
	if p := personOf(t, w, "r-hr1"); p.Attributes.Text(model.Title) != "Director" || p.Provenance[model.Title] != "r-hr1" {
		t.Errorf("the title is %q from %s", p.Attributes.Text(model.Title), p.Provenance[model.Title])
	}
	set(model.Null())
	if v := personOf(t, w, "r-hr1").Attributes[model.Title]; !v.Null {
		t.Errorf("a decided null gives %+v, and the last decision counts", v)
	}
	w.decisions = map[string]model.Decision{}
	w.plan([]model.RecordID{"r-hr1"}, nil)
	if got := personOf(t, w, "r-hr1").Attributes.Text(model.Title); got != "Senior Analyst" {
		t.Errorf("undone, the title is %q", got)
	}
}

func TestDisplayNameIsMadeOfTheNamesOnlyWhenNobodyGivesOne(t *testing.T) {
	for _, tc := range []struct {
		name string
		r    model.Record
		want string
		from model.RecordID
	}{
		{"given by the source", ada("hr", "1", "display_name", "Countess Ada"), "Countess Ada", "r-hr1"},
		{"not said", ada("hr", "1"), "Ada Moreau", ""},
		{"known to be empty", ada("hr", "1", "display_name", ""), "Ada Moreau", ""},
		{"half a name", says("hr", "1", "given_name", "Ada", "email", mail("ada")), "Ada", ""},
	} {
		p := mergedFrom(t, &Policy{}, tc.r)
		if got := p.Attributes.Text(model.DisplayName); got != tc.want || p.Provenance[model.DisplayName] != tc.from {
			t.Errorf("%s: %q from %q, want %q", tc.name, got, p.Provenance[model.DisplayName], tc.want)
		}
	}
}

func TestAccountWaitsUntilEverythingForItIsThere(t *testing.T) {
	for _, tc := range []struct {
		name   string
		policy Policy
		r      model.Record
		waits  string
		kind   model.ConflictKind
	}{
		{"everything is there", Policy{}, ada("hr", "1"), "", ""},
		{"no address", Policy{}, says("hr", "1", "given_name", "Ada"), "there is no work email yet", model.MissingIdentifier},
		{"an address nobody can use", Policy{}, says("hr", "1", "given_name", "Ada", "email", "ada at acme"), "the email cannot be used: it has no @", model.MissingIdentifier},
		{"a private provider", Policy{}, says("hr", "1", "given_name", "Ada", "email", "ada@gmail.com"), "the address belongs to a personal-mail provider", model.PersonalEmail},
		{"not a domain of the company", Policy{EmailDomains: []string{"acme.example"}}, says("hr", "1", "given_name", "Ada", "email", "ada@other.example"), "the address is not in one of the company's email_domains", model.PersonalEmail},
		{"a subdomain of the company's", Policy{EmailDomains: []string{"acme.example"}}, says("hr", "1", "given_name", "Ada", "email", "ada@fr.acme.example"), "", ""},
		{"a domain that only ends like the company's", Policy{EmailDomains: []string{"acme.example"}}, says("hr", "1", "given_name", "Ada", "email", "ada@notacme.example"), "the address is not in one of the company's email_domains", model.PersonalEmail},
		{"the company's own rule allows a private provider", Policy{EmailDomains: []string{"gmail.com"}}, says("hr", "1", "given_name", "Ada", "email", "ada@gmail.com"), "", ""},
		{"no name at all", Policy{}, says("hr", "1", "given_name", "", "email", mail("ada")), "there is no name yet", ""},
		{"half a name is enough", Policy{}, says("hr", "1", "family_name", "Moreau", "email", mail("ada")), "", ""},
		{"a source that may not bring people in", Policy{Creates: []string{"idp"}}, ada("hr", "1"), "none of their sources is among [policy] creates", ""},
		{"a source that may", Policy{Creates: []string{"hr"}}, ada("hr", "1"), "", ""},
		{"a leaver waits for nothing", Policy{}, ended(says("hr", "1", "given_name", "Ada")), "", ""},
	} {
		w := newWorld()
		w.policy = &tc.policy
		w.put(tc.r)
		p := personOf(t, w, "r-hr1")
		if p.Waiting != tc.waits || len(p.Held) > 0 {
			t.Errorf("%s: waits for %q, held by %v; want %q", tc.name, p.Waiting, p.Held, tc.waits)
		}
		if tc.kind == "" {
			sameKinds(t, w)
		} else {
			sameKinds(t, w, tc.kind)
		}
	}
}

func TestAllowedPersonalAddressNeedsNoWorkAddress(t *testing.T) {
	w := newWorld()
	w.put(says("hr", "1", "given_name", "Ada", "email", "ada@gmail.com"))
	answer(t, w, model.Decision{Verb: model.Allow, Kind: model.PersonalEmail, Records: []model.RecordID{"r-hr1"}})
	if p := personOf(t, w, "r-hr1"); p.Waiting != "" {
		t.Errorf("still waits for %q", p.Waiting)
	}
	sameKinds(t, w)
}
