package mapping

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
)

const record = `{
	"id": 9007199254740993,
	"big": 2451098113442775041,
	"small": 42,
	"fraction": 37.50,
	"flag": true,
	"empty": "",
	"padded": "  Lyon ",
	"nothing": null,
	"list": ["a", null, "b", 3],
	"deep": [["x"]],
	"work": {"title": "Partner", "reportsTo": null, "custom": {"field_1": "Blue"}},
	"legalEntity": {"name": "Acme Interim"},
	"emails": [{"type": "home", "value": "h@home.example"}, {"value": "w@halcyon.example", "type": "work", "primary": true}],
	"urn:example:1.0": {"grade": "B2"},
	"has": "root"
}`

func apply(t *testing.T, c MapConfig, doc string) model.Observation {
	t.Helper()
	m, err := Compile(c)
	if err != nil {
		t.Fatalf("Compile: %v", err)
	}
	o := model.Observation{Native: "1", Document: json.RawMessage(doc)}
	m.Apply(&o)
	return o
}

func TestExpressionGivesTheValueNullOrNothing(t *testing.T) {
	null, absent := model.Null(), (*model.Value)(nil)
	value := func(s string) *model.Value { return &model.Value{Text: s} }
	for _, tt := range []struct {
		expr string
		want *model.Value
	}{
		{"work.custom.field_1", value("Blue")},
		{`work["custom"]["field_1"]`, value("Blue")},
		{`$env["urn:example:1.0"].grade`, value("B2")},
		{`$env["has"]`, value("root")},
		{"emails[1].value", value("w@halcyon.example")},
		{"emails[-1].value", value("w@halcyon.example")},
		{"small", value("42")},
		{"fraction", value("37.50")},
		{"id", value("9007199254740993")},
		{"big", value("2451098113442775041")},
		{`"x" + big`, value("x2451098113442775041")},
		{`string(id)`, value("9007199254740993")},
		{"small + 1", value("43")},
		{"fraction * 2", value("75")},
		{"flag", value("true")},
		{"padded", value("Lyon")},
		{"list", value("a, b, 3")},
		{"map(emails, .type)", value("home, work")},
		{`filter(emails, .type == "work")[0].value`, value("w@halcyon.example")},
		{`find(emails, .primary == true).value`, value("w@halcyon.example")},
		{`{"Partner": "P", "Analyst": "A"}[work.title]`, value("P")},
		{`small > 40 ? "old" : "young"`, value("old")},
		{`upper(work.title)[:3]`, value("PAR")},

		{"empty", &null},
		{"nothing", &null},
		{"nothing.below", &null},
		{"work.reportsTo.email", &null},
		{"upper(nothing)", &null},
		{`nothing ?? "else"`, value("else")},
		{`work.reportsTo.email ?? "nobody"`, value("nobody")},

		{"missing", absent},
		{"work.missing", absent},
		{"missing.below.further", absent},
		{"emails[7].value", absent},
		{"upper(work.missing)", absent},
		{`work.title + " " + missing`, absent},
		{`{"Analyst": "A"}[work.title]`, absent},
		{"work?.missing", absent},
		{`missing ?? work.title`, value("Partner")},
		{`work.missing.deeper ?? "else"`, value("else")},
		{`missing?.below ?? "else"`, value("else")},
		{`missing?.below == "x" ? "yes" : "no"`, value("no")},
		{`missing?.below.further == "x" ? "yes" : "no"`, value("no")},
		{`work?.title == "Partner" ? "yes" : "no"`, value("yes")},
		{`missing.below == "x" ? "yes" : "no"`, absent},
		{`missing == nil ? "none" : "some"`, value("none")},
		{`nil != work.missing ? "some" : "none"`, value("none")},
		{`has(work.missing) ? "yes" : "no"`, value("no")},
		{`has(nothing) ? "yes" : "no"`, value("yes")},
		{`has(work.custom.field_1) ? "yes" : "no"`, value("yes")},
	} {
		t.Run(tt.expr, func(t *testing.T) {
			o := apply(t, MapConfig{Attributes: map[model.Name]string{"custom.x": tt.expr}}, record)
			got, ok := o.Attributes["custom.x"]
			if len(o.Notices) > 0 {
				t.Fatalf("notices: %q", o.Notices)
			}
			if !ok {
				if tt.want != nil {
					t.Fatalf("absent, want %+v", *tt.want)
				}
				return
			}
			if tt.want == nil {
				t.Fatalf("got %+v, want absent", got)
			}
			if diff := cmp.Diff(*tt.want, got); diff != "" {
				t.Error(diff)
			}
			if got, want := o.Fields["custom.x"], "map: "+tt.expr; got != want {
				t.Errorf("field %q, want %q", got, want)
			}
		})
	}
}

func TestApplyReplacesTheBuiltInValueEvenWhenTheExpressionIsAbsent(t *testing.T) {
	m, err := Compile(MapConfig{Attributes: map[model.Name]string{model.Title: "work.missing", model.Site: "work.title"}})
	if err != nil {
		t.Fatal(err)
	}
	o := model.Observation{
		Document:   json.RawMessage(record),
		Attributes: model.Attributes{model.Title: model.Text("built in"), model.Site: model.Text("built in"), model.Email: model.Text("a@b.example")},
		Fields:     map[model.Name]string{model.Title: "title", model.Site: "site"},
	}
	m.Apply(&o)
	want := model.Attributes{model.Site: model.Text("Partner"), model.Email: model.Text("a@b.example")}
	if diff := cmp.Diff(want, o.Attributes); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[model.Name]string{model.Site: "map: work.title"}, o.Fields); diff != "" {
		t.Error(diff)
	}
}

func TestManagerExpressionResolvesInEveryWay(t *testing.T) {
	o := apply(t, MapConfig{Attributes: map[model.Name]string{model.Manager: "emails[1].value"}}, record)
	want := model.Value{Text: "w@halcyon.example", Refs: []model.Reference{{By: model.RefAny, Value: "w@halcyon.example"}}}
	if diff := cmp.Diff(want, o.Attributes[model.Manager]); diff != "" {
		t.Error(diff)
	}
}

func TestRunTimeErrorIsANoticeWithoutValues(t *testing.T) {
	for _, tt := range []struct{ expr, want string }{
		{"work.title - 1", "line 1, column 12"},
		{"work.title.first", "work.title is a text and has no members"},
		{"upper(work).x", "line 1, column"},
		{"work.custom", "the result is an object"},
		{"deep", "list of lists"},
		{"emails.value", "emails is a list"},
		{"work[0]", "work is an object"},
		{`work.title + ("" + emails.value)`, "emails is a list"},
		{`int(work.title)`, "line 1, column 1"},
	} {
		t.Run(tt.expr, func(t *testing.T) {
			o := apply(t, MapConfig{Attributes: map[model.Name]string{"custom.x": tt.expr}}, record)
			if o.Attributes.Has("custom.x") {
				t.Errorf("attribute is %+v, want absent", o.Attributes["custom.x"])
			}
			if len(o.Notices) != 1 || !strings.Contains(o.Notices[0], tt.want) || !strings.HasPrefix(o.Notices[0], "map.custom.x: ") {
				t.Fatalf("notices %q, want one with %q", o.Notices, tt.want)
			}
			if strings.Contains(o.Notices[0], "Partner") {
				t.Errorf("notice repeats a value: %q", o.Notices[0])
			}
		})
	}
}

func TestScopeLeavesOutHoldsOrKeeps(t *testing.T) {
	for _, tt := range []struct {
		name             string
		include, exclude string
		doc              string
		before           model.Scope
		want             model.ScopeState
		reason           string
	}{
		{name: "excluded", exclude: `legalEntity.name == "Acme Interim"`, want: model.OutOfScope, reason: `scope.exclude: legalEntity.name == "Acme Interim"`},
		{name: "not excluded", exclude: `legalEntity.name == "Other"`, want: model.InScope},
		{name: "included", include: `small in [41, 42]`, want: model.InScope},
		{name: "not included", include: `small > 50`, want: model.OutOfScope, reason: "scope.include: small > 50"},
		{name: "plain flag", exclude: "flag", want: model.OutOfScope, reason: "scope.exclude: flag"},
		{name: "null flag", exclude: "nothing", want: model.InScope},
		{name: "null member", exclude: `nothing.name == "x"`, want: model.InScope},
		{name: "absent field holds", exclude: `site.name == "Lyon"`, want: model.HeldScope, reason: "scope.exclude: site is not in the record"},
		{name: "absent flag holds", exclude: "skip", want: model.HeldScope, reason: "scope.exclude: skip is not in the record"},
		{name: "absent branch that is not reached", exclude: `flag or site == "Lyon"`, want: model.OutOfScope, reason: `scope.exclude: flag or site == "Lyon"`},
		{name: "absence allowed for", exclude: `(site.name ?? "") == "Lyon"`, want: model.InScope},
		{name: "absence asked about", include: `has(site)`, want: model.OutOfScope, reason: "scope.include: has(site)"},
		{name: "not a boolean", exclude: "work.title", want: model.HeldScope, reason: "scope.exclude: the result is a text, not true or false"},
		{name: "impossible", exclude: "work.title > 3", want: model.HeldScope, reason: "scope.exclude: line 1, column 12: not possible with what this record holds"},
		{name: "one certain rule is enough", include: "flag == false", exclude: "skip", want: model.OutOfScope, reason: "scope.include: flag == false"},
		{name: "out stays out", exclude: "false", before: model.Scope{State: model.OutOfScope, Reason: "skip flag"}, want: model.OutOfScope, reason: "skip flag"},
		{name: "held becomes out", exclude: "flag", before: model.Scope{State: model.HeldScope, Reason: "skip flag"}, want: model.OutOfScope, reason: "scope.exclude: flag"},
		{name: "held stays held", exclude: "false", before: model.Scope{State: model.HeldScope, Reason: "skip flag"}, want: model.HeldScope, reason: "skip flag"},
		{name: "held keeps its first reason", exclude: "skip", before: model.Scope{State: model.HeldScope, Reason: "skip flag"}, want: model.HeldScope, reason: "skip flag"},
		{name: "broken record", exclude: "flag", doc: `[1]`, want: model.HeldScope, reason: "scope.exclude: flag is not in the record"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := Compile(MapConfig{Include: tt.include, Exclude: tt.exclude})
			if err != nil {
				t.Fatal(err)
			}
			doc := tt.doc
			if doc == "" {
				doc = record
			}
			o := model.Observation{Document: json.RawMessage(doc), Scope: tt.before}
			m.Apply(&o)
			if diff := cmp.Diff(model.Scope{State: tt.want, Reason: tt.reason}, o.Scope); diff != "" {
				t.Error(diff)
			}
			if o.Scope.State == model.HeldScope && tt.before.State == "" && len(o.Notices) == 0 {
				t.Error("held without a notice")
			}
		})
	}
}

func TestEveryScopeThatCannotBeEvaluatedIsNoticed(t *testing.T) {
	o := apply(t, MapConfig{Include: "site == 1", Exclude: "skip"}, record)
	want := []string{"scope.exclude: skip is not in the record", "scope.include: site is not in the record"}
	if diff := cmp.Diff(want, o.Notices); diff != "" || o.Scope.Reason != want[0] {
		t.Errorf("%s reason %q", diff, o.Scope.Reason)
	}
}

func TestCompileReportsEveryMistakeWithItsPlace(t *testing.T) {
	_, err := Compile(MapConfig{
		Attributes: map[model.Name]string{
			"titel":      "work.title",
			model.Title:  "work.title +",
			model.Site:   `now()`,
			"custom.ok":  "work.title",
			"custom.one": "",
		},
		Include: "1 + 1",
		Exclude: `work.title == "x" &&`,
	})
	var got Errors
	if !errors.As(err, &got) {
		t.Fatalf("got %T %v", err, err)
	}
	var lines []string
	for _, e := range got {
		lines = append(lines, fmt.Sprintf("%s %d:%d", strings.Join(e.Key, "."), e.Line, e.Column))
	}
	want := []string{"map.custom.one 0:0", "map.site 1:1", "map.titel 0:0", "map.title 1:12", "scope.include 0:0", "scope.exclude 1:20"}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("%s\n%v", diff, err)
	}
}

func TestLanguageRefusesWhatCouldRunLongOrChangeItsMind(t *testing.T) {
	for _, expr := range []string{
		`now()`, `date("2026-01-01")`, `repeat("x", 1000000)`, `reduce(list, #acc + #)`, `sortBy(list, #)`,
		`1..1000000`, `map(1..9, #)`, `let x = 1; x`, `work.title; work.title`, `work.title.String()`, `unheardOf(1)`,
		`count(list, count(list, count(list, true) > 0) > 0)`,
		`map(map(map(map(map(list, #), #), #), #), #)`,
		strings.Repeat("a + ", 150) + "a",
		strings.Repeat("a", maxSource+1),
		`member()`, `"unclosed`, `a b`, `)`,
	} {
		if _, err := Compile(MapConfig{Attributes: map[model.Name]string{"custom.x": expr}}); err == nil {
			t.Errorf("compiled: %.60s", expr)
		}
	}
}

func TestMistakeIsPlacedInCharactersAcrossLines(t *testing.T) {
	_, err := Compile(MapConfig{Attributes: map[model.Name]string{"custom.x": "\"éé\" +\n  now()"}})
	var got Errors
	if !errors.As(err, &got) || got[0].Line != 2 || got[0].Column != 3 {
		t.Errorf("got %v, want line 2, column 3", err)
	}
}

func TestResultMayNotBeLong(t *testing.T) {
	doc, _ := json.Marshal(map[string]string{"x": strings.Repeat("y", maxResult+1)})
	o := apply(t, MapConfig{Attributes: map[model.Name]string{"custom.x": "x"}}, string(doc))
	if o.Attributes.Has("custom.x") || len(o.Notices) != 1 {
		t.Errorf("attributes %v, notices %q", len(o.Attributes), o.Notices)
	}
}

func TestPathsListWhatExpressionsRead(t *testing.T) {
	m, err := Compile(MapConfig{
		Attributes: map[model.Name]string{
			"custom.a": "work.custom.field_1",
			"custom.b": `lower(work.custom.field_2) + work.title`,
			"custom.c": `filter(emails, .type == "work")[0].value`,
			"custom.d": `$env["urn:example:1.0"].grade ?? home[work.key].city`,
		},
		Exclude: `has(legalEntity.name) && work.title == "x"`,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`$env["urn:example:1.0"].grade`, "emails", "home[…].city", "legalEntity.name", "work.custom.field_1", "work.custom.field_2", "work.key", "work.title"}
	if diff := cmp.Diff(want, m.Paths()); diff != "" {
		t.Error(diff)
	}
}

func TestNothingConfiguredIsANilMappingThatChangesNothing(t *testing.T) {
	m, err := Compile(MapConfig{Attributes: map[model.Name]string{}, Include: " "})
	if err != nil || m != nil {
		t.Fatalf("got %v, %v", m, err)
	}
	o := model.Observation{Document: json.RawMessage(`not json`)}
	m.Apply(&o)
	if diff := cmp.Diff(model.Observation{Document: json.RawMessage(`not json`)}, o); diff != "" {
		t.Error(diff)
	}
	out, err := CompileOutbound(nil)
	if err != nil || out != nil || out.Paths() != nil || out.Names() != nil || m.Paths() != nil {
		t.Errorf("got %v, %v", out, err)
	}
	if v, notices := out.Apply(nil); v != nil || notices != nil {
		t.Errorf("got %v, %v", v, notices)
	}
}

func TestMappingIsSafeForConcurrentUse(t *testing.T) {
	m, err := Compile(MapConfig{Attributes: map[model.Name]string{"custom.a": `upper(work.title) + string(small)`, "custom.b": `lower(nothing)`}})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				o := model.Observation{Document: json.RawMessage(record)}
				m.Apply(&o)
				if o.Attributes.Text("custom.a") != "PARTNER42" || !o.Attributes["custom.b"].Null {
					t.Errorf("got %+v", o.Attributes)
				}
			}
		})
	}
	wg.Wait()
}

func TestOutboundKeepsTheThreeStates(t *testing.T) {
	out, err := CompileOutbound(map[string]string{
		"title":        `title + " (" + department + ")"`,
		"businessUnit": "custom.team",
		"region":       "site",
		"custom.grade": "custom.grade",
		"contractType": `contract_type == "Permanent" ? "CDI" : contract_type`,
		"urn:ietf:params:scim:schemas:extension:javelo:2.0:User:position": `upper(title)`,
		"broken": "title - 1",
	})
	if err != nil {
		t.Fatal(err)
	}
	got, notices := out.Apply(map[model.Name]string{
		"title": "Partner", "department": "Sales", "site": "", "custom.team": "Blue", "contract_type": "Permanent",
	})
	want := map[string]string{
		"title": "Partner (Sales)", "businessUnit": "Blue", "region": "", "contractType": "CDI",
		"urn:ietf:params:scim:schemas:extension:javelo:2.0:User:position": "PARTNER",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(notices) != 1 || !strings.HasPrefix(notices[0], "map.broken: ") || strings.Contains(notices[0], "Partner") {
		t.Errorf("notices %q", notices)
	}
	if diff := cmp.Diff([]string{"contract_type", "custom.grade", "custom.team", "department", "site", "title"}, out.Paths()); diff != "" {
		t.Error(diff)
	}
}

func TestOutboundKnowsThePersonsAttributes(t *testing.T) {
	for expr, want := range map[string]string{
		"titel":            `a person has no attribute called "titel"`,
		"work.title":       `a person has no attribute called "work"`,
		"custom.Team":      `"custom.Team" cannot be the name of an attribute`,
		"upper(job)":       `a person has no attribute called "job"`,
		"custom.team + ??": "",
	} {
		_, err := CompileOutbound(map[string]string{"x": expr})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", expr, err, want)
		}
	}
	if _, err := CompileOutbound(map[string]string{"a b": "title"}); err == nil {
		t.Error("a target attribute with a space was accepted")
	}
}

func FuzzCompileAndApplyNeverPanics(f *testing.F) {
	for _, s := range []string{"work.title", `$env["a b"].c`, "a?.b ?? c", `map(list, # + 1)`, `has(x.y)`, `{"a": 1}[b]`, "list[1:]", "a matches b", "not x", `emails | filter(.type == "work") | first()`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		m, err := Compile(MapConfig{Attributes: map[model.Name]string{"custom.x": source}, Exclude: source})
		if err != nil {
			return
		}
		o := model.Observation{Document: json.RawMessage(record)}
		m.Apply(&o)
		if v, ok := o.Attributes["custom.x"]; ok && v.Null && v.Text != "" {
			t.Errorf("null with a text: %+v", v)
		}
	})
}

func BenchmarkApplyPlainPath(b *testing.B) {
	m, err := Compile(MapConfig{Attributes: map[model.Name]string{"custom.x": "work.custom.field_1"}})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		o := model.Observation{Document: json.RawMessage(record)}
		m.Apply(&o)
	}
}
