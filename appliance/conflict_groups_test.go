package appliance_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/appliance/admin"
	"rollcall/connectors/javelo/javelosim"
)

// twoGroups is a world in which two senders have a group called Sales: Ada is in the
// one that Javelo has, Bob in the one that asks for the name.
func twoGroups(t *testing.T) (w *world, first, second string) {
	w = newWorld(t, 1, "groups = true\n[sources.okta]\nkind = \"okta\"\n[sources.partner]\nkind = \"scim\"\n")
	w.start()
	w.activate("okta")
	w.activate("partner")
	okta, partner := w.sender("okta"), w.sender("partner")
	ada := okta.want(201, "POST", "/Users", user("ada@halcyon-atelier.example", "Ada", "Adeyemi")).id()
	bob := partner.want(201, "POST", "/Users", user("bob@halcyon-atelier.example", "Bob", "Beck")).id()
	w.wait()
	first = "okta/" + okta.want(201, "POST", "/Groups", group("Sales", ada)).id()
	w.await(func() bool { return len(w.javelo.Groups()) == 1 && len(w.javelo.Groups()[0].Members) == 1 })
	second = "partner/" + partner.want(201, "POST", "/Groups", group("Sales", bob)).id()
	w.await(func() bool { return len(w.conflictsOf("duplicate_group")) == 1 })
	return w, first, second
}

// await waits until something is so: groups go after people, and Wait waits for
// people.
func (w *world) await(so func() bool) {
	w.t.Helper()
	for ctx := w.ctx(); !so(); {
		// Asking for the news that there will never be waits for a moment.
		moment, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		_, err := w.app.Journal(moment, 1<<40, 1, true)
		cancel()
		if err != nil || ctx.Err() != nil {
			w.t.Fatalf("it does not come about: %v", err)
		}
	}
}

func (w *world) inGroup(name string) (out []string) {
	byID := map[string]string{}
	for _, a := range w.javelo.Accounts() {
		byID[a.ID], _, _ = strings.Cut(a.UserName, "@")
	}
	i := slices.IndexFunc(w.javelo.Groups(), func(g javelosim.Group) bool { return g.DisplayName == name })
	if i < 0 {
		return nil
	}
	for _, m := range w.javelo.Groups()[i].Members {
		out = append(out, byID[m])
	}
	slices.Sort(out)
	return out
}

func TestTwoGroupsOfOneNameAreShownSideBySideAndSettled(t *testing.T) {
	w, first, second := twoGroups(t)
	c := w.conflictsOf("duplicate_group")[0]
	if len(c.Records) != 2 || c.Records[0].ID != first || c.Records[1].ID != second || c.Records[1].Type != "group" || c.Records[1].Attributes["members"] != "1" ||
		c.Records[0].Attributes["id_in_target"] == "" || !slices.Equal(c.Names, []string{"Sales"}) {
		t.Errorf("shown as %+v", c)
	}
	if !strings.HasPrefix(c.Suggestion, `set display_name="Sales (partner)" --record `+second) || c.Suggested == nil || c.Suggested.Value != "Sales (partner)" ||
		!slices.Contains(c.Against, "they have no member in common") {
		t.Errorf("suggested %q %+v, against %q", c.Suggestion, c.Suggested, c.Against)
	}
	set := *c.Suggested
	for _, try := range []struct {
		answer admin.Resolution
		want   []admin.GroupChange
	}{
		{set, []admin.GroupChange{{Group: second, Name: "Sales (partner)", Effect: "create", Add: []string{"Bob Beck"}}}},
		{admin.Resolution{Verb: "merge"}, []admin.GroupChange{{Group: first, Name: "Sales", Effect: "update", Add: []string{"Bob Beck"}}, {Group: second, Name: "Sales", Effect: "leave"}}},
		{admin.Resolution{Verb: "prefer", Record: second}, []admin.GroupChange{{Group: first, Name: "Sales", Effect: "leave"}, {Group: second, Name: "Sales", Effect: "update", Add: []string{"Bob Beck"}, Remove: []string{"Ada Adeyemi"}}}},
		{admin.Resolution{Verb: "exclude", Record: second}, []admin.GroupChange{{Group: second, Name: "Sales", Effect: "leave"}}},
		{admin.Resolution{Verb: "later"}, nil},
	} {
		p, err := w.app.Preview(w.ctx(), c.ID, try.answer)
		if err != nil {
			t.Fatal(err)
		}
		same := slices.EqualFunc(p.Groups, try.want, func(got, want admin.GroupChange) bool {
			return got.Group == want.Group && got.Name == want.Name && got.Effect == want.Effect && slices.Equal(got.Add, want.Add) && slices.Equal(got.Remove, want.Remove)
		})
		if closes := len(p.Closes) == 1; !same || closes != (try.answer.Verb != "later") || len(p.Changes) != 0 {
			t.Errorf("%s: would change %+v, closes %v", try.answer.Verb, p.Groups, p.Closes)
		}
	}
	if got := w.inGroup("Sales"); !slices.Equal(got, []string{"ada"}) || len(w.conflictsOf("duplicate_group")) != 1 {
		t.Fatalf("a dry run changed something: %v", got)
	}
	if err := w.app.Resolve(w.ctx(), "test", c.ID, admin.Resolution{Verb: "merge", Rev: c.Rev}); err != nil {
		t.Fatal(err)
	}
	w.await(func() bool { return slices.Equal(w.inGroup("Sales"), []string{"ada", "bob"}) })
	source, id, _ := strings.Cut(first, "/")
	if g, err := w.app.Group(w.ctx(), "javelo", source, id); err != nil || g.Name != "Sales" || len(g.People) != 2 || g.People[0].Person.Name != "Ada Adeyemi" || g.People[1].State == "waits" {
		t.Errorf("the merged group is %+v, %v", g, err)
	}
	if _, err := w.app.Group(w.ctx(), "javelo", source, "g_none"); !isCode(err, admin.CodeNotFound) {
		t.Errorf("a group that is not there: %v", err)
	}
	decisions, err := w.app.Decisions(w.ctx())
	if err != nil || len(decisions) != 1 || !slices.Equal(decisions[0].Names, []string{"Sales"}) || !slices.Equal(decisions[0].Records, []string{first, second}) {
		t.Errorf("in force: %+v, %v", decisions, err)
	}
	p, err := w.app.PreviewUndo(w.ctx(), c.ID)
	if err != nil || len(p.Conflicts) != 1 || p.Conflicts[0].ID != c.ID || len(p.Groups) != 1 || !slices.Equal(p.Groups[0].Remove, []string{"Bob Beck"}) {
		t.Errorf("taking it back would do %+v, %v", p, err)
	}
	if err := w.app.UndoDecision(w.ctx(), "test", c.ID); err != nil {
		t.Fatal(err)
	}
	w.await(func() bool { return slices.Equal(w.inGroup("Sales"), []string{"ada"}) })
	if again := w.conflictsOf("duplicate_group"); len(again) != 1 || again[0].ID != c.ID {
		t.Errorf("after it was taken back: %+v", again)
	}
}
