package appliance_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"rollcall/appliance/admin"
	"rollcall/appliance/store"
	"rollcall/connectors/cast"
)

// grouped employs n people in a simulated HiBob that makes groups of attributes, beside
// a Javelo that takes them.
func grouped(t *testing.T, n int, attributes string) *world {
	w := newWorld(t, n, "")
	w.text = strings.Replace(w.text, `interval           = "1h"`, "interval = \"1h\"\ngroups = "+attributes, 1)
	w.text = strings.Replace(w.text, `rate     = "1000000/1s"`, "rate = \"1000000/1s\"\ngroups = true\n[policy.guard]\nmax_attribute_changes = \"100%\"", 1)
	return w
}

// employedIn are the people of active accounts by what HiBob says of them.
func (w *world) employedIn(of ...func(cast.Person) string) map[string][]string {
	w.t.Helper()
	out := map[string][]string{}
	for _, a := range w.javelo.Accounts() {
		if !a.Active {
			continue
		}
		i := slices.IndexFunc(w.people, func(p cast.Person) bool { return strings.EqualFold(p.Email, a.UserName) })
		p, _ := w.hibob.Person(i)
		login, _, _ := strings.Cut(a.UserName, "@")
		for _, value := range of {
			out[value(p)] = append(out[value(p)], login)
		}
	}
	for _, who := range out {
		slices.Sort(who)
	}
	return out
}

// inJavelo are the groups there, without those that nobody is in.
func (w *world) inJavelo() map[string][]string {
	out := map[string][]string{}
	for _, g := range w.javelo.Groups() {
		if who := w.inGroup(g.DisplayName); len(who) > 0 {
			out[g.DisplayName] = who
		}
	}
	return out
}

func department(p cast.Person) string { return p.Department }
func site(p cast.Person) string       { return p.Site }

// TestDepartmentsOfHiBobAreGroupsInJavelo follows groups that are made of attributes
// through the whole service: preview, activation, a move, a restart, a reload.
func TestDepartmentsOfHiBobAreGroupsInJavelo(t *testing.T) {
	w := grouped(t, 30, `["department", "site"]`)
	w.start()
	w.sync("hibob")
	if n := len(w.javelo.Groups()); n > 0 {
		t.Fatalf("%d groups were made in preview", n)
	}
	same := func(of ...func(cast.Person) string) func() bool {
		return func() bool { return maps.EqualFunc(w.inJavelo(), w.employedIn(of...), slices.Equal) }
	}
	w.activate("hibob")
	w.await(same(department, site))
	if len(w.inJavelo()) < 6 {
		t.Fatalf("too few to tell: %v", w.inJavelo())
	}

	who := w.employed(1)[0]
	p, _ := w.hibob.Person(who)
	shown, err := w.app.Person(w.ctx(), p.Email)
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, g := range shown.Groups {
		told = append(told, strings.Join([]string{g.Source, g.Attribute, g.Field, g.Name, strings.Join(g.Targets, " ")}, "|"))
	}
	slices.Sort(told)
	if want := []string{"hibob|department|work.department, label|" + p.Department + "|javelo", "hibob|site|work.site|" + p.Site + "|javelo"}; !slices.Equal(told, want) {
		t.Errorf("explained as %q, want %q", told, want)
	}
	checked, err := w.app.Check(w.ctx(), []string{"hibob"})
	if err != nil || !slices.ContainsFunc(checked[0].Notices, func(n string) bool {
		return strings.Contains(n, "groups made of department, 4 groups made of site so far; javelo takes them")
	}) {
		t.Errorf("check says %q %v", checked[0].Notices, err)
	}

	writes := w.javelo.Writes()
	w.sync("hibob")
	w.stop()
	w.start()
	w.sync("hibob")
	if n := w.javelo.Writes() - writes; n > 0 {
		t.Errorf("%d writes when nothing changed", n)
	}

	old := p.Department
	w.hibob.Update(who, func(p *cast.Person) { p.Department = "Research" })
	w.sync("hibob")
	w.await(same(department, site))
	if login, _, _ := strings.Cut(p.Email, "@"); !slices.Equal(w.inGroup("Research"), []string{login}) || slices.Contains(w.inGroup(old), login) {
		t.Errorf("moved: Research %v, %s %v", w.inGroup("Research"), old, w.inGroup(old))
	}

	groups := len(w.javelo.Groups())
	w.text = strings.Replace(w.text, `["department", "site"]`, `["department"]`, 1)
	reloaded, err := w.app.Reload(w.ctx(), "test", false)
	if err != nil || len(reloaded.Restart) > 0 {
		t.Fatalf("reload: %+v %v", reloaded, err)
	}
	w.wait()
	w.await(func() bool {
		list, err := w.app.Groups(w.ctx(), "javelo")
		return err == nil && !slices.ContainsFunc(list, func(g admin.Group) bool { return g.Name == p.Site })
	})
	if n := len(w.javelo.Groups()); n != groups {
		t.Errorf("Javelo has %d groups, and had %d", n, groups)
	}
}

// TestVerifyMakesGroupsAgain spoils what groups are made of attributes hold, as a defect
// would, and fails when verify calls it whole.
func TestVerifyMakesGroupsAgain(t *testing.T) {
	w := grouped(t, 12, `["department"]`)
	w.start()
	w.sync("hibob")
	s := w.app.Store()
	m := first(t, s, store.Members, func(store.Member) bool { return true })
	g := first(t, s, store.Resources, func(r store.Resource) bool { return r.ID == m.Group })
	member := store.MemberKey{Source: m.Source, Group: m.Group, Member: m.Value}
	stranger := store.Member{Source: m.Source, Group: m.Group, Value: "stranger", Type: m.Type}
	row := store.ResourceKey{Source: g.Source, Type: g.Type, ID: g.ID}
	for _, c := range []struct {
		want       string
		spoil, fix func(*store.Tx) error
	}{
		{"should be in the group", func(tx *store.Tx) error { return store.Members.Delete(tx, member) }, func(tx *store.Tx) error { return store.Members.Put(tx, member, m) }},
		{"does not say so", func(tx *store.Tx) error {
			return store.Members.Put(tx, store.MemberKey{Source: m.Source, Group: m.Group, Member: "stranger"}, stranger)
		}, func(tx *store.Tx) error {
			return store.Members.Delete(tx, store.MemberKey{Source: m.Source, Group: m.Group, Member: "stranger"})
		}},
		{"is not called what its members say", func(tx *store.Tx) error {
			other := g
			other.Body = []byte(`{"displayName":"Nobody's"}`)
			return store.Resources.Put(tx, row, other)
		}, func(tx *store.Tx) error { return store.Resources.Put(tx, row, g) }},
		{"members and has", func(tx *store.Tx) error {
			other := g
			other.Members++
			return store.Resources.Put(tx, row, other)
		}, func(tx *store.Tx) error { return store.Resources.Put(tx, row, g) }},
	} {
		if err := s.Update(c.spoil); err != nil {
			t.Fatal(err)
		}
		v, err := w.app.Verify(w.ctx())
		if err != nil || !slices.ContainsFunc(v.Problems, func(p string) bool { return strings.Contains(p, c.want) }) {
			t.Errorf("%q is not noted: %q %v", c.want, v.Problems, err)
		}
		if err := s.Update(c.fix); err != nil {
			t.Fatal(err)
		}
	}
}
