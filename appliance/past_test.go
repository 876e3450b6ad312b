package appliance_test

import (
	"testing"
	"time"

	"rollcall/appliance/admin"
	"rollcall/appliance/admin/client"
	"rollcall/connectors/cast"
)

// TestTheRosterAsItWas asks for the past through the socket that only looks.
func TestTheRosterAsItWas(t *testing.T) {
	w := newWorld(t, 20, "")
	w.start()
	w.sync("hibob")
	w.activate("hibob")
	before := time.Now()
	i := w.employed(1)[0]
	who := w.people[i]
	w.hibob.Update(i, func(p *cast.Person) { p.Title = "Chief Renamer" })
	w.sync("hibob")

	c := client.New(w.at.View)
	page, err := c.PeopleAt(w.ctx(), "", before, admin.Page{Limit: 3})
	if err != nil || len(page.People) != 3 || page.Next == "" || !page.At.Equal(before) {
		t.Fatalf("%d people, next %q, %v", len(page.People), page.Next, err)
	}
	everyone, err := w.app.Status(w.ctx())
	if err != nil {
		t.Fatal(err)
	}
	rest, err := c.PeopleAt(w.ctx(), "", before, admin.Page{After: page.Next})
	if err != nil || len(rest.People) != everyone.People.Total-3 || rest.People[0].ID == page.People[2].ID {
		t.Errorf("the next page: %d people, %v", len(rest.People), err)
	}
	p, err := c.PersonAt(w.ctx(), who.Email, before)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range p.Values {
		if v.Attribute == "title" && v.Value == "Chief Renamer" {
			t.Error("the title of today is told of the past")
		}
	}
	d, err := c.PeopleDiff(w.ctx(), before, time.Now())
	if err != nil || d.Changed != 1 || len(d.People) != 1 || d.People[0].Changes[0].New != "Chief Renamer" {
		t.Errorf("the difference: %+v, %v", d, err)
	}
	d, err = c.PeopleDiff(w.ctx(), before.Add(-time.Hour), before)
	if !client.IsCode(err, admin.CodeInvalid) {
		t.Errorf("before anything was known: %+v, %v", d, err)
	}
	if _, err := c.PersonAt(w.ctx(), who.Email, time.Now().Add(time.Hour)); !client.IsCode(err, admin.CodeInvalid) {
		t.Errorf("the future: %v", err)
	}
}
