package reconcile_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/appliance/model"
	. "rollcall/appliance/reconcile"
)

var (
	groupA = model.GroupRef{Source: "okta", Group: "a"}
	groupB = model.GroupRef{Source: "azure", Group: "b"}
)

func groupWord(hour int, verb model.Verb, named model.GroupRef, value string) model.Decision {
	d := model.Decision{ID: string(verb), Verb: verb, Target: "javelo", Groups: []model.GroupRef{groupA, groupB}, At: time.Unix(int64(hour)*3600, 0)}
	if named != (model.GroupRef{}) {
		d.Record = model.RecordID(named.String())
	}
	if value != "" {
		d.Attribute, d.Value = GroupName, model.Text(value)
	}
	return d
}

// TestRuleGroup fails when the first word counts instead of the last, when an answer
// about the other group counts for this one, and when a word outlives the group that it
// rests on.
func TestRuleGroup(t *testing.T) {
	none := model.GroupRef{}
	merge, preferA, preferB := groupWord(1, model.Merge, none, ""), groupWord(2, model.Prefer, groupA, ""), groupWord(3, model.Prefer, groupB, "")
	setB, excludeA := groupWord(4, model.Set, groupB, "Other"), groupWord(5, model.Exclude, groupA, "")
	all, nothing := func(model.GroupRef) bool { return true }, func(model.GroupRef) bool { return false }
	for _, c := range []struct {
		what      string
		ref       model.GroupRef
		decisions []model.Decision
		there     func(model.GroupRef) bool
		want      GroupRuling
	}{
		{"nothing said", groupA, nil, all, GroupRuling{}},
		{"the one that had the name takes the other in", groupA, []model.Decision{merge}, all, GroupRuling{}},
		{"the other is taken in", groupB, []model.Decision{merge}, all, GroupRuling{Into: groupA}},
		{"preferred", groupA, []model.Decision{preferA}, all, GroupRuling{}},
		{"not preferred", groupB, []model.Decision{preferA}, all, GroupRuling{Out: true}},
		{"preferred after having been taken in", groupB, []model.Decision{merge, preferB}, all, GroupRuling{}},
		{"the last word, whatever the order", groupB, []model.Decision{setB, merge}, all, GroupRuling{Name: "Other"}},
		{"left out", groupA, []model.Decision{excludeA}, nothing, GroupRuling{Out: true}},
		{"the other is left out", groupB, []model.Decision{excludeA}, all, GroupRuling{}},
		{"another name", groupB, []model.Decision{setB}, nothing, GroupRuling{Name: "Other"}},
		{"whose it was is gone", groupB, []model.Decision{merge}, nothing, GroupRuling{}},
		{"the preferred one is gone", groupB, []model.Decision{preferA}, nothing, GroupRuling{}},
		{"put off", groupB, []model.Decision{merge, groupWord(9, model.Later, none, "")}, all, GroupRuling{Into: groupA}},
	} {
		if got := RuleGroup(c.ref, c.decisions, c.there); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.what, got, c.want)
		}
	}
}

// TestSuggestionAboutGroups fails when the members no longer decide what is suggested.
func TestSuggestionAboutGroups(t *testing.T) {
	side := func(ref model.GroupRef, members string) GroupSide {
		g := GroupSide{Ref: ref, Name: "Sales"}
		for _, m := range strings.Fields(members) {
			g.Members = append(g.Members, model.PersonID(m))
		}
		return g
	}
	shapes := map[string]bool{}
	for _, c := range []struct{ a, b, want, evidence string }{
		{"1 2", "1 2", "prefer okta/a: they have the same members", "they have the same members"},
		{"1 2", "3", `set display_name="Sales (azure)" --record azure/b: they have no member in common`, "they have no member in common"},
		{"1 2", "2 3", "merge: they have members in common", "1 of 2 and 2 members are in both"},
		{"", "1", "prefer azure/b: the group that has the name is empty", ""},
		{"1", "", "exclude azure/b: it has no members", ""},
	} {
		k := Case{Conflict: model.Conflict{Kind: model.DuplicateGroup, Groups: []model.GroupRef{groupA, groupB}}, Groups: []GroupSide{side(groupA, c.a), side(groupB, c.b)}}
		if got := k.Suggest(nil).String(); !strings.HasPrefix(got, c.want) {
			t.Errorf("%q and %q: suggested %q, want %q", c.a, c.b, got, c.want)
		}
		yes, no := k.Evidence()
		if c.evidence != "" && !slices.Contains(append(yes, no...), c.evidence) {
			t.Errorf("%q and %q: for %q, against %q", c.a, c.b, yes, no)
		}
		shapes[k.Shape()] = true
	}
	if len(shapes) != 4 { // the last two are alike but for which is empty
		t.Errorf("shapes %v", shapes)
	}
}
