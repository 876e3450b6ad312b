package identity

import (
	"errors"
	"testing"

	"rollcall/appliance/model"
)

func TestSpellingsOfOneAddressGiveOneIdentifier(t *testing.T) {
	const want = "zoé.müller@xn--mller-kva.example"
	for name, raw := range map[string]string{
		"plain":          "zoé.müller@müller.example",
		"upper case":     "ZOÉ.Müller@MÜLLER.Example",
		"decomposed":     "zoe\u0301.mu\u0308ller@mu\u0308ller.example",
		"blanks":         " \tzoé.müller@müller.example\u00a0",
		"zero width":     "zoé\u200b.müller@müller.example\ufeff",
		"full width at":  "zoé.müller\uff20müller.example",
		"punycode":       "zoé.müller@xn--mller-kva.example",
		"final dot":      "zoé.müller@müller.example.",
		"soft hyphen":    "zoé.mül\u00adler@müller.example",
		"joiner":         "zoé\u200d.müller@müller.example",
		"separator":      "zoé\u180e.müller@müller.example",
		"selector":       "zoé\ufe0f.müller@müller.example",
		"filler":         "zoé.müller\u3164@müller.example",
		"tag":            "zoé.müller\U000e0061@müller.example",
		"direction mark": "\u202ezoé.müller@müller.example\u202c",
	} {
		got, _, err := Email(raw)
		if err != nil || got.Value != want {
			t.Errorf("%s: Email = %q, %v; want %q", name, got.Value, err, want)
		}
	}
}

func TestDifferentAddressesStayDifferent(t *testing.T) {
	seen := map[string]string{}
	for _, raw := range []string{"zoe@a.example", "zoé@a.example", "z.oe@a.example", "zoe+x@a.example", "zoe@b.example", "zоe@a.example" /* Cyrillic o */} {
		id, _, err := Email(raw)
		if err != nil {
			t.Fatalf("%q: %v", raw, err)
		}
		if other, dup := seen[id.Value]; dup {
			t.Errorf("%q and %q give the same identifier", raw, other)
		}
		seen[id.Value] = raw
	}
}

func TestLookAlikeScriptsAreWarnedOf(t *testing.T) {
	if _, w, err := Email("zоe@a.example"); err != nil || w != MixedScripts {
		t.Errorf("warning = %q, %v; want %q", w, err, MixedScripts)
	}
	if _, w, err := Email("иван@пример.example"); err != nil || w != "" {
		t.Errorf("one script: warning = %q, %v; want none", w, err)
	}
}

func TestUnusableAddressesAreRefusedWithTheirFault(t *testing.T) {
	for raw, want := range map[string]error{
		"": ErrEmpty, " \u200b ": ErrEmpty, "jane": ErrNoAt, "a@b@c.example": ErrManyAt, "@c.example": ErrLocal,
		"jane@": ErrDomain, "jane@ex_ample": ErrDomain, "ja ne@a.example": ErrSpace, "jane\x00@a.example": ErrControl,
		"jane\n@a.example": ErrControl, "jane@a..example": ErrDomain, "\xff@a.example": ErrEncoding,
		"jos\ufffd@a.example": ErrEncoding, "jo\ue000@a.example": ErrControl, "TBD@a.example": ErrPlacehold, "no-email@a.example": ErrPlacehold,
		"jane@nowhere.invalid": ErrPlacehold,
	} {
		if _, _, err := Email(raw); !errors.Is(err, want) {
			t.Errorf("Email(%q) error = %v, want %v", raw, err, want)
		}
	}
	long := make([]byte, 70)
	for i := range long {
		long[i] = 'a'
	}
	if _, _, err := Email(string(long) + "@a.example"); !errors.Is(err, ErrTooLong) {
		t.Errorf("long local part: %v, want %v", err, ErrTooLong)
	}
}

func TestEmployeeNumbersKeepZerosAndRefusePlaceholders(t *testing.T) {
	a, err := EmployeeNumber(" 00057\u00a0")
	if err != nil || a.Value != "00057" {
		t.Errorf("got %q, %v; want 00057", a.Value, err)
	}
	b, _ := EmployeeNumber("57")
	if a == b {
		t.Error("00057 and 57 are one identifier")
	}
	for _, raw := range []string{"0", "000", "-", "N/A", "tbd", "??"} {
		if _, err := EmployeeNumber(raw); !errors.Is(err, ErrPlacehold) {
			t.Errorf("EmployeeNumber(%q) error = %v, want %v", raw, err, ErrPlacehold)
		}
	}
}

func TestEmployeeNumberCountsOnlyWhereTheKindAllows(t *testing.T) {
	attrs := model.Attributes{model.Email: model.Text("a@a.example"), model.EmployeeNumber: model.Text("0042")}
	ids, notices := Of(attrs, false)
	if len(ids) != 1 || len(notices) != 0 {
		t.Errorf("without number: %v, %v", ids, notices)
	}
	if ids, _ = Of(attrs, true); len(ids) != 2 {
		t.Errorf("with number: %v, want two identifiers", ids)
	}
}

func TestConsumerDomains(t *testing.T) {
	for domain, want := range map[string]bool{"gmail.com": true, "yahoo.co.uk": true, "hotmail.fr": true, "outlook.com": true, "outlook.acme.example.com": false, "live.acme.example": false, "acme.com": false, "yahoo": false} {
		if got := ConsumerDomain(domain); got != want {
			t.Errorf("ConsumerDomain(%q) = %v, want %v", domain, got, want)
		}
	}
}

func FuzzEmailIsIdempotent(f *testing.F) {
	for _, s := range []string{"a@b.example", "ZOÉ@MÜLLER.example", "İ@b.example", "ß@straße.example", "ﬁ@b.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, _, err := Email(s)
		if err != nil {
			return
		}
		again, _, err := Email(id.Value)
		if err != nil || again != id {
			t.Fatalf("Email(%q) = %q, and Email of that = %q, %v", s, id.Value, again.Value, err)
		}
	})
}

func TestPlaceholdersAreNoNames(t *testing.T) {
	for name, want := range map[string]bool{
		"TBD": true, "Test": true, ".": true, "-": true, "??": true, "À définir": true, "xxx": true, "New-Hire": true,
		"": false, "  ": false, "Testa": false, "Ng": false, "O": false, "李": false, "Noné Smith": false,
	} {
		if got := Placeholder(name); got != want {
			t.Errorf("Placeholder(%q) = %t", name, got)
		}
	}
	attrs := model.Attributes{model.GivenName: model.Text("Ada"), model.FamilyName: model.Text("TBD"), model.Email: model.Text("a@a.example")}
	ids, notices := Of(attrs, false)
	if len(ids) != 1 || len(notices) != 1 || notices[0] != "family name is a placeholder" {
		t.Errorf("%v, %v", ids, notices)
	}
}
