package appliance_test

import (
	"strings"
	"testing"

	"rollcall/appliance/admin"
	"rollcall/appliance/admin/client"
	"rollcall/connectors/cast"
)

// TestWhyNotSaysWhatWouldHaveToChange asks for somebody in each place where they
// can be stuck.
func TestWhyNotSaysWhatWouldHaveToChange(t *testing.T) {
	w := newWorld(t, 30, "[sources.hibob.map]\ntitle = 'work.title'\n[policy.guard]\nmax_attribute_changes = 1\n")
	w.start()
	w.sync("hibob")
	who := w.employed(4)
	c := client.New(w.at.View)
	ask := func(i int, what, change, command string) {
		t.Helper()
		got, err := c.WhyNot(w.ctx(), w.people[i].Email)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range got.Obstacles {
			if strings.Contains(o.What, what) && strings.Contains(o.Change, change) && strings.Contains(o.Command, command) {
				return
			}
		}
		t.Errorf("no obstacle %q, %q, %q in %+v", what, change, command, got)
	}
	ask(who[0], "source hibob is in preview", "activated", "rollcall plan hibob")
	w.activate("hibob")
	if got, err := c.WhyNot(w.ctx(), w.people[who[0]].Email); err != nil || len(got.Obstacles) != 0 {
		t.Errorf("nothing is in the way: %+v, %v", got, err)
	}
	for _, i := range who[1:3] {
		w.hibob.Update(i, func(p *cast.Person) { p.Title = "Held Title" })
	}
	w.sync("hibob")
	ask(who[1], "max_attribute_changes holds this in run", "approves", "--only person:p_")
	if err := w.app.SetLane(w.ctx(), "test", "javelo", "paused"); err != nil {
		t.Fatal(err)
	}
	w.hibob.Update(who[3], func(p *cast.Person) { p.Title = "Waiting Title" })
	w.sync("hibob")
	ask(who[3], "the lane is paused", "resumes", "rollcall")

	p, err := c.Person(w.ctx(), w.people[who[3]].Email)
	if err != nil {
		t.Fatal(err)
	}
	rules := map[string]admin.Value{}
	for _, v := range p.Values {
		rules[v.Attribute] = v
	}
	if r := rules["title"].Rule; !strings.HasPrefix(r, "[sources.hibob.map] title = work.title") || !strings.Contains(r, "no other source") {
		t.Errorf("the rule of title: %q", r)
	}
	if r := rules["email"].Rule; !strings.HasPrefix(r, "built-in map of hibob") {
		t.Errorf("the rule of email: %q", r)
	}
	if _, err := c.WhyNot(w.ctx(), "nobody@acme.example"); !client.IsCode(err, admin.CodeNotFound) {
		t.Errorf("nobody: %v", err)
	}
}
