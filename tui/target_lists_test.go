package tui

import (
	"errors"
	"slices"
	"testing"
	"time"

	"rollcall/appliance/admin"
)

// grouped is acme with groups and differences in its target.
func grouped() *fake {
	f := acme()
	f.groups = []admin.Group{
		{Target: "javelo", Source: "okta", ID: "g_1", Name: "Sales", RemoteID: "j-7", Adopted: true, Members: 12, State: "delivered", At: noon.Add(-time.Hour)},
		{Target: "javelo", Source: "okta", ID: "g_2", Name: "Support", RemoteID: "j-8", Members: 40, State: "held", Reason: "40 of 40 members would be removed and 12 are allowed", At: noon.Add(-48 * time.Hour)},
	}
	f.members = []admin.GroupMember{
		{Person: admin.PersonRef{ID: "p1", Name: "Ada Sample", Email: "ada@acme.example"}, State: "member"},
		{Person: admin.PersonRef{ID: "p2", Name: "Basil Placeholder", Email: "basil@acme.example"}, State: "remove"},
		{Person: admin.PersonRef{ID: "p3", Name: "Cleo Fictif", Email: "cleo@acme.example"}, State: "waits"},
	}
	f.drifted = []admin.Drift{
		{Target: "javelo", Person: &admin.PersonRef{ID: "p1", Name: "Ada Sample", Email: "ada@acme.example"}, Login: "ada@acme.example", Kind: "edited", Fields: []string{"title", "department"}, Done: "written back", Since: noon.Add(-time.Hour)},
		{Target: "javelo", Login: "old.intern@acme.example", Kind: "nobody", Active: true, Done: "nothing: no source covers it"},
	}
	return f
}

// atTarget opens the page of sources and targets on its target.
func atTarget(s *session) *session { return s.press("8", "end", "up") }

func TestGroupsOfATargetAndTheirMembers(t *testing.T) {
	f := grouped()
	s := atTarget(sitDown(t, f, 100, 30, Options{}))
	s.press("o").sees("2 groups of sources in javelo", "Sales", "Support", "held", "40 of 40 members", "Same as: rollcall deliveries groups javelo")
	s.press("down", "enter").sees("Support in javelo", "Basil Placeholder", "will be removed", "waits for an account", "rollcall deliveries groups show javelo okta g_2")
	s.press("r").sees("Let Support go", "40 of 40 members").press("enter")
	if !slices.Contains(f.calls, "retry group javelo okta g_2") {
		t.Errorf("calls %q", f.calls)
	}
	s.press("esc").sees("2 groups of sources").press("esc").sees("HOW IT IS")
	f.refuse = &admin.Error{Code: admin.CodeStale, Text: "the group is another by now"}
	s.press("o", "down", "r", "enter").sees("the group is another by now")
	f.groups = nil
	s.press("esc", "o").sees("No groups:")
}

func TestOperatorsWhoMayOnlyLookCannotLetAGroupGo(t *testing.T) {
	f := grouped()
	s := atTarget(sitDown(t, f, 100, 30, Options{ReadOnly: true}))
	s.press("o", "down", "r").sees("Read-only")
	if slices.ContainsFunc(f.calls, func(c string) bool { return c == "retry group javelo okta g_2" }) {
		t.Errorf("calls %q", f.calls)
	}
}

func TestDriftOfATarget(t *testing.T) {
	f := grouped()
	s := atTarget(sitDown(t, f, 120, 30, Options{}))
	s.press("d").sees("How javelo differs from what was delivered", "Ada Sample", "edited there", "title, department", "written back", "old.intern@acme.example", "nobody's")
	s.press("enter").sees("[3 People]", "p1")
	s.press("esc").sees("How javelo differs")
	f.drifted = nil
	s.press("esc", "d").sees("every account is as it was delivered")
	f.down = errors.New("no such socket")
	s.pass(8).sees("Not reachable", "every account is as it was delivered")
}

func TestPeopleAsTheyWere(t *testing.T) {
	f := acme()
	asked := ""
	o := Options{Instant: func(now time.Time, text string) (time.Time, error) {
		asked = text
		if text == "soon" {
			return now, errors.New(`"soon" is not a time`)
		}
		return now.Add(-24 * time.Hour), nil
	}}
	s := sitDown(t, f, 100, 30, o)
	s.press("3").missing("Former").press("@").sees("As it was").typeText("1d").press("enter")
	s.sees("The roster as it was on 2026-03-01 12:00:00", "Former Ada Sample", "two entries were erased since", "rollcall people --at 2026-03-01T12:00:00Z")
	if asked != "1d" {
		t.Errorf("asked for %q", asked)
	}
	looks := len(f.calls)
	s.pass(20)
	if len(f.calls) != looks {
		t.Errorf("what was is asked for again: %q", f.calls[looks:])
	}
	s.press("enter").sees("Former", "as it was on 2026-03-01 12:00:00", "rollcall person", "--at 2026-03-01T12:00:00Z").missing("[Values]", "Records")
	s.press("esc").sees("Former Ada Sample").press("esc").missing("Former").sees("Ada Sample")
	s.press("@").typeText("soon").press("enter").sees(`"soon" is not a time`).missing("Former")
	s.press("@").typeText("1d").press("enter").sees("Former").press("@", "enter").missing("Former")
}

func TestAConflictOfTwoGroups(t *testing.T) {
	f := acme()
	f.conflicts = []admin.Conflict{{
		ID: "c_g", Kind: "duplicate_group", Rule: "another group of this name is delivered to javelo already", Target: "javelo", Names: []string{"Sales"}, Rev: 3,
		Records: []admin.Record{
			{ID: "okta/g_1", Type: "group", Source: "okta", Native: "g_1", Status: "has the name", Attributes: map[string]string{"display_name": "Sales", "members": "12", "id_in_target": "j-7"}},
			{ID: "azure/g_2", Type: "group", Source: "azure", Native: "g_2", Status: "asks for the name", Attributes: map[string]string{"display_name": "Sales", "members": "9"}},
		},
		Differs: []string{"members"}, Answers: []string{"merge", "prefer", "exclude", "set", "later"}, Against: []string{"they have no member in common"},
		Suggestion: `set display_name="Sales (azure)" --record azure/g_2: they have no member in common`,
		Suggested:  &admin.Resolution{Verb: "set", Record: "azure/g_2", Attribute: "display_name", Value: "Sales (azure)", Rev: 3},
		Opened:     noon.Add(-time.Hour),
	}}
	f.preview = admin.Plan{Groups: []admin.GroupChange{{Target: "javelo", Group: "azure/g_2", Name: "Sales (azure)", Effect: "create", Add: []string{"Basil Placeholder"},
		Requests: []admin.PlannedRequest{{Method: "POST", Path: "/scim/v2/Groups", Body: []byte(`{"displayName":"Sales (azure)"}`)}}}}}
	s := sitDown(t, f, 110, 40, Options{})
	s.press("2", "enter").sees("duplicate group: Sales", "okta", "azure", "has the name", "asks for the name", "the second group waits", "or two").missing("person", "separate")
	s.press("y").sees("is relayed to javelo as Sales (azure)", "create group Sales (azure)", "add Basil Placeholder", "POST /scim/v2/Groups", `{"displayName":"Sales (azure)"}`)
	s.press("esc", "right", "p").sees("Prefer", "azure g_2 (Sales) is the group of this name in javelo from now on")
	s.press("enter")
	if len(f.resolved) != 1 || f.resolved[0].Verb != "prefer" || f.resolved[0].Record != "azure/g_2" || f.resolved[0].Rev != 3 {
		t.Errorf("answered %+v", f.resolved)
	}
}
