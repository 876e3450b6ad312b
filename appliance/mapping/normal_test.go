package mapping

import (
	"strings"
	"testing"
	"unicode"

	"rollcall/appliance/model"
)

func TestValuesAreNormalisedOrLeftOutWithAWord(t *testing.T) {
	const absent = "(absent)"
	for _, tc := range []struct {
		name model.Name
		raw  string
		want string // "" is null
		told bool   // a notice says why it is left out
	}{
		{model.StartDate, "2026-11-22", "2026-11-22", false},
		{model.StartDate, " 2026-11-22T00:00:00 ", "2026-11-22", false},
		{model.StartDate, "2026-11-22T23:30:00+02:00", "2026-11-22", false},
		{model.StartDate, "22/11/2026", absent, true},
		{model.StartDate, "2026-02-30", absent, true},
		{model.EndDate, "never", absent, true},
		{model.Gender, "Male", "male", false},
		{model.Gender, "M", "male", false},
		{model.Gender, "2", "female", false},
		{model.Gender, "Misc", "", false},
		{model.Gender, "Undefined", absent, false},
		{model.Locale, "1036", "fr", false},
		{model.Locale, "2057", "en", false},
		{model.Locale, "9999", absent, true},
		{model.Locale, "en_GB", "en-GB", false},
		{model.Locale, "fr", "fr", false},
		{model.Locale, "français (FR)", absent, true},
		{model.Title, "Chief\r\nof\tStaff\x00\x1b", "Chief  of Staff", false},
		{model.Title, "\u00a0Ingénieure ", "Ingénieure", false},
		{model.Title, "\x07", "", false},
		{model.EmployeeNumber, "00057", "00057", false},
		{model.EmployeeNumber, "9007199254740993123", "9007199254740993123", false},
		{model.Department, "=SUM(A1)", "=SUM(A1)", false}, // harmless here; exports escape it
	} {
		o := model.Observation{Attributes: model.Attributes{tc.name: {Text: tc.raw}}}
		Normalise(&o)
		got := absent
		if v, ok := o.Attributes[tc.name]; ok {
			got = v.Text
			if v.Null != (v.Text == "") {
				t.Errorf("%s %q: null is %t", tc.name, tc.raw, v.Null)
			}
		}
		if got != tc.want || (len(o.Notices) > 0) != tc.told {
			t.Errorf("%s %q is %q, want %q; notices %v", tc.name, tc.raw, got, tc.want, o.Notices)
		}
		for _, n := range o.Notices {
			if strings.Contains(n, strings.TrimSpace(tc.raw)) {
				t.Errorf("the notice repeats the value: %s", n)
			}
		}
	}
}

func TestHazard9_26_ControlCharactersNeverReachATarget(t *testing.T) {
	o := model.Observation{Attributes: model.Attributes{
		model.Title: {Text: "Head\r\nof IT"}, model.FamilyName: {Text: "O\x00Neil\x1b[31m"}, "custom.team": {Text: "\u2028Core\u0085"}, model.Department: {Text: "=cmd|' /C calc'!A0"},
	}}
	Normalise(&o)
	for n, v := range o.Attributes {
		if strings.ContainsFunc(v.Text, unicode.IsControl) || strings.TrimSpace(v.Text) != v.Text {
			t.Errorf("%s is %q", n, v.Text)
		}
	}
	if got := o.Attributes.Text(model.Department); got != "=cmd|' /C calc'!A0" {
		t.Errorf("a formula is text until it is exported, and became %q", got)
	}
}

func TestWhatAnExpressionGivesIsNormalisedToo(t *testing.T) {
	m, err := Compile(MapConfig{Attributes: map[model.Name]string{model.EndDate: "leaves", model.Gender: "sex"}})
	if err != nil {
		t.Fatal(err)
	}
	o := model.Observation{Document: []byte(`{"leaves":"31/12/2026","sex":"F"}`)}
	m.Apply(&o)
	if o.Attributes.Has(model.EndDate) || o.Attributes.Text(model.Gender) != "female" || len(o.Notices) != 1 {
		t.Errorf("%v, %v", o.Attributes, o.Notices)
	}
	var none *Mapping
	o = model.Observation{Attributes: model.Attributes{model.Title: {Text: "a\nb"}}}
	none.Apply(&o)
	if o.Attributes.Text(model.Title) != "a b" {
		t.Errorf("without expressions the title is %q", o.Attributes.Text(model.Title))
	}
}

func BenchmarkNormalise(b *testing.B) {
	o := model.Observation{Attributes: model.Attributes{}}
	for _, n := range model.Names {
		o.Attributes[n] = model.Text("Some value of it")
	}
	for _, n := range []model.Name{model.BirthDate, model.StartDate, model.EndDate, model.FirstHiredOn} {
		o.Attributes[n] = model.Text("2026-11-22")
	}
	o.Attributes[model.Gender], o.Attributes[model.Locale] = model.Text("male"), model.Text("fr")
	b.ReportAllocs()
	for b.Loop() {
		Normalise(&o)
	}
}
