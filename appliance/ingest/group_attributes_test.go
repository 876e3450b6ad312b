package ingest_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
)

// grouping is a world whose hr makes groups and whose target takes them. The target
// believes everything.
type grouping struct {
	*world
	remote map[string]map[string]bool // accounts, by group there
	names  map[string]string
	writes int
}

// newGrouping has people of hr delivered, with groups of the attributes.
func newGrouping(t *testing.T, attributes []model.Name, list ...model.Observation) *grouping {
	g := &grouping{world: newWorld(t), remote: map[string]map[string]bool{}, names: map[string]string{}}
	g.settings.Limits.Attributes = reconcile.Limit{Percent: 30, HasPercent: true}
	g.settings.Targets[0].Groups = true
	g.makeOf(attributes...)
	g.read("hr", list...)
	g.activate("hr")
	g.deliver()
	g.relay()
	t.Cleanup(g.whole)
	return g
}

// makeOf has hr make groups of attributes from now on.
func (g *grouping) makeOf(attributes ...model.Name) {
	set := g.settings.Sources["hr"]
	set.Groups = attributes
	g.settings.Sources["hr"] = set
	g.restart()
}

// whole checks that groups are what the records say.
func (g *grouping) whole() {
	g.t.Helper()
	records := all(g.world, store.Records)
	g.view(func(tx *store.Tx) error { return g.e.VerifyGroups(tx, records, g.t.Errorf) })
}

// relay sends the groups that may be sent.
func (g *grouping) relay() {
	g.t.Helper()
	for _, j := range all(g.world, store.GroupJobs) {
		for range 5 {
			a, ok, err := g.e.BeginGroup("javelo", j.GroupRef)
			if err != nil {
				g.t.Fatal(err)
			}
			if !ok {
				break
			}
			if a.RemoteID == "" {
				g.remote["there:"+a.Group] = map[string]bool{}
				if err := g.e.GroupFound(&a, "there:"+a.Group, nil, false); err != nil {
					g.t.Fatal(err)
				}
			}
			g.writes++
			g.names[a.RemoteID] = a.Name
			for _, id := range a.Add {
				g.remote[a.RemoteID][id] = true
			}
			for _, id := range a.Remove {
				delete(g.remote[a.RemoteID], id)
			}
			if err := g.e.GroupStored(a); err != nil {
				g.t.Fatal(err)
			}
		}
	}
}

// stated are the groups of hr, as "Sales: 1 2".
func (g *grouping) stated() []string {
	g.t.Helper()
	var out []string
	members := map[string][]string{}
	for _, m := range all(g.world, store.Members) {
		members[m.Group] = append(members[m.Group], m.Value)
	}
	for _, r := range all(g.world, store.Resources) {
		name := ""
		g.view(func(tx *store.Tx) (err error) {
			name, err = ingest.GroupName(tx, model.GroupRef{Source: "hr", Group: r.ID})
			return err
		})
		slices.Sort(members[r.ID])
		out = append(out, strings.TrimSpace(name+": "+strings.Join(members[r.ID], " ")))
	}
	slices.Sort(out)
	return out
}

// there are the groups of the target, as "Sales: 1 2".
func (g *grouping) there() []string {
	g.t.Helper()
	number := map[string]string{}
	for _, d := range all(g.world, store.Deliveries) {
		number[d.RemoteID] = strings.TrimSuffix(strings.TrimPrefix(d.Sent.Email, "p"), "@acme.example")
	}
	var out []string
	for id, members := range g.remote {
		var who []string
		for m := range members {
			who = append(who, number[m])
		}
		slices.Sort(who)
		out = append(out, strings.TrimSpace(g.names[id]+": "+strings.Join(who, " ")))
	}
	slices.Sort(out)
	return out
}

func (g *grouping) want(what string, got []string, want ...string) {
	g.t.Helper()
	if !slices.Equal(got, want) {
		g.t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func in(n int, department string) model.Observation {
	return someone(n, "department", department)
}

func TestEachValueIsAGroupOfThoseWhoHaveIt(t *testing.T) {
	list := []model.Observation{in(1, "Sales"), in(2, "Legal"), in(3, " Sales "), someone(4), someone(5, "site", "Lyon", "department", "Legal")}
	g := newGrouping(t, []model.Name{model.Department, model.Site}, list...)
	want := []string{"Legal: 2 5", "Lyon: 5", "Sales: 1 3"}
	g.want("stated", g.stated(), want...)
	g.want("relayed", g.there(), want...)

	rows, writes := all(g.world, store.Resources), g.writes
	g.read("hr", list...)
	if err := g.e.TouchGroups("javelo"); err != nil {
		t.Fatal(err)
	}
	g.relay()
	for i, r := range all(g.world, store.Resources) {
		if r.Rev != rows[i].Rev {
			t.Errorf("group %s was written by a read without a change", r.ID)
		}
	}
	if g.writes != writes || len(all(g.world, store.GroupJobs)) > 0 {
		t.Errorf("%d writes and %d looks after a read without a change", g.writes-writes, len(all(g.world, store.GroupJobs)))
	}
}

func TestRenamedDepartmentMovesItsPeopleAndLeavesAnEmptyGroup(t *testing.T) {
	g := newGrouping(t, []model.Name{model.Department}, in(1, "Sales"), in(2, "Sales"), in(3, "Legal"))
	g.settings.Limits.Attributes = reconcile.Limit{Percent: 100, HasPercent: true}
	g.read("hr", in(1, "Revenue"), in(2, "Revenue"), in(3, "Legal"))
	g.deliver()
	g.relay()
	want := []string{"Legal: 3", "Revenue: 1 2", "Sales:"}
	g.want("stated", g.stated(), want...)
	g.want("relayed", g.there(), want...)
	if n := len(all(g.world, store.GroupDeliveries)); n != 3 {
		t.Errorf("%d groups are known there", n)
	}
	g.read("hr", in(1, "Sales"), in(2, "Revenue"), in(3, "Legal"))
	g.deliver()
	g.relay()
	g.want("back", g.there(), "Legal: 3", "Revenue: 2", "Sales: 1")
}

// TestNobodyLeavesAGroupByBeingAbsent fails when a read that breaks off, an attribute
// that does not come, a lost column, a status or a record that is gone takes somebody
// out of a group; only what a source says of the attribute itself does.
func TestNobodyLeavesAGroupByBeingAbsent(t *testing.T) {
	var list, bare []model.Observation
	for n := 1; n <= 8; n++ {
		list, bare = append(list, in(n, "Sales")), append(bare, someone(n))
	}
	for _, c := range []struct {
		what string
		do   func(*grouping)
	}{
		{"a read that broke off", func(g *grouping) { g.readUntil("hr", errors.New("reset"), list[0]) }},
		{"a lost column", func(g *grouping) { g.read("hr", bare...); g.read("hr", bare...) }},
		{"one value that does not come", func(g *grouping) { g.read("hr", append(slices.Clone(list[:7]), someone(8))...) }},
		{"somebody who left", func(g *grouping) { g.read("hr", append(slices.Clone(list[:7]), left(list[7]))...) }},
		{"somebody who is not listed any more", func(g *grouping) { g.read("hr", list[:7]...); g.read("hr", list[:7]...) }},
		{"a read that shrank", func(g *grouping) {
			g.settings.Limits.Shrink = reconcile.Limit{Percent: 10, HasPercent: true}
			g.read("hr", list[:2]...)
			g.read("hr", list[:2]...)
		}},
	} {
		t.Run(c.what, func(t *testing.T) {
			g := newGrouping(t, []model.Name{model.Department}, list...)
			writes := g.writes
			c.do(g)
			g.deliver()
			g.relay()
			g.want("stated", g.stated(), "Sales: 1 2 3 4 5 6 7 8")
			g.want("relayed", g.there(), "Sales: 1 2 3 4 5 6 7 8")
			if g.writes != writes {
				t.Errorf("%d writes", g.writes-writes)
			}
		})
	}
}

func TestANullAndTheScopeTakeOutOfAGroup(t *testing.T) {
	empty := in(2, "")
	empty.Attributes[model.Department] = model.Null()
	outside := in(3, "Sales")
	outside.Scope = model.Scope{State: model.OutOfScope, Reason: "excluded"}
	g := newGrouping(t, []model.Name{model.Department}, in(1, "Sales"), in(2, "Sales"), in(3, "Sales"), in(4, "Sales"))
	g.settings.Limits.Attributes = reconcile.Limit{Percent: 100, HasPercent: true}
	g.read("hr", in(1, "Sales"), empty, outside, in(4, "Sales"))
	g.deliver()
	g.relay()
	g.want("stated", g.stated(), "Sales: 1 4")
	g.want("relayed", g.there(), "Sales: 1 4")
}

// TestGroupsAreJudgedWhenTheReadEnds fails when a group is looked at between two pages,
// for a listing or a new account too: a department that is taken apart page by page then passes the guard part by part.
func TestGroupsAreJudgedWhenTheReadEnds(t *testing.T) {
	list := people(20, "department", "Sales")
	g := newGrouping(t, []model.Name{model.Department}, list...)
	g.read("hr", append(slices.Clone(list), in(21, "Sales"))...) // whose account comes while the next read is under way
	r := g.start("hr")
	for n := range 10 {
		if err := r.Page(page(in(2*n+1, "Legal"), in(2*n+2, "Sales"))); err != nil {
			t.Fatal(err)
		}
		if err := g.e.TouchGroups("javelo"); err != nil {
			t.Fatal(err)
		}
		g.deliver()
		g.relay()
	}
	if got := g.there(); len(got) != 1 || len(g.remote["there:"+all(g.world, store.GroupDeliveries)[0].Group]) != 20 {
		t.Errorf("before the read ended: %q", got)
	}
	if _, err := r.Finish(nil); err != nil {
		t.Fatal(err)
	}
	g.relay()
	var held []string
	for _, j := range all(g.world, store.GroupJobs) {
		held = append(held, string(j.State)+": "+j.Reason)
	}
	g.want("held", held, "held: 10 of 20 members would be removed and 6 are allowed")
	for _, j := range all(g.world, store.GroupJobs) {
		if err := g.e.RetryGroup("ops", "javelo", j.GroupRef); err != nil {
			t.Fatal(err)
		}
	}
	g.relay()
	if got := g.there(); len(got) != 2 || len(strings.Fields(got[0])) != 11 || len(strings.Fields(got[1])) != 12 {
		t.Errorf("after a human let it go: %q", got)
	}
}

// TestGroupsOfAReadThatWasCutOffAreLookedAt fails when what a read found in front of the
// end of the process waits for ever.
func TestGroupsOfAReadThatWasCutOffAreLookedAt(t *testing.T) {
	g := newGrouping(t, []model.Name{model.Department}, in(1, "Sales"), in(2, "Sales"), in(3, "Sales"), in(4, "Sales"))
	r := g.start("hr")
	if err := r.Page(page(in(1, "Legal"))); err != nil {
		t.Fatal(err)
	}
	g.relay()
	g.want("while it reads", g.there(), "Sales: 1 2 3 4")
	g.restart() // the process was killed
	if err := g.e.Recover(); err != nil {
		t.Fatal(err)
	}
	g.relay()
	g.want("after the start", g.there(), "Legal: 1", "Sales: 2 3 4")
	if jobs := all(g.world, store.GroupJobs); len(jobs) > 0 {
		t.Errorf("left: %+v", jobs)
	}
}

func TestTwoAttributesOfOneNameAreTwoGroupsAndAQuestion(t *testing.T) {
	g := newGrouping(t, []model.Name{model.Department, model.Site}, someone(1, "department", "Lyon"), someone(2, "site", "Lyon"), someone(3, "site", "Lyon"))
	g.want("stated", g.stated(), "Lyon: 1", "Lyon: 2 3")
	questions := all(g.world, store.Conflicts)
	if len(questions) != 1 || questions[0].Kind != model.DuplicateGroup || len(g.there()) != 1 {
		t.Fatalf("asked %+v, relayed %q", questions, g.there())
	}
	g.now = g.now.Add(1)
	if _, err := g.e.Resolve("ops", questions[0].ID, ingest.Answer{Verb: model.Merge}); err != nil {
		t.Fatal(err)
	}
	g.relay()
	if got := g.there(); len(got) != 1 || got[0] != "Lyon: 1 2 3" {
		t.Errorf("merged into %q", got)
	}
}

// TestGroupsFollowTheConfiguration fails when people who do not change are not grouped
// by an attribute that is named later, or when a group stays behind in the appliance,
// or goes from the target, once it is named no more.
func TestGroupsFollowTheConfiguration(t *testing.T) {
	list := []model.Observation{someone(1, "department", "Sales", "site", "Lyon"), someone(2, "department", "Sales", "site", "Nantes")}
	g := newGrouping(t, nil, list...)
	g.want("none", g.stated())
	replan := func(of ...model.Name) {
		g.makeOf(of...)
		if _, err := g.e.Replan("ops", model.CausePolicy, "hr"); err != nil {
			t.Fatal(err)
		}
		g.deliver()
		g.relay()
		g.whole()
	}
	replan(model.Department, model.Site)
	g.want("both", g.there(), "Lyon: 1", "Nantes: 2", "Sales: 1 2")
	writes := g.writes
	replan(model.Site)
	g.want("sites", g.stated(), "Lyon: 1", "Nantes: 2")
	replan()
	g.want("no more", g.stated())
	g.want("there", g.there(), "Lyon: 1", "Nantes: 2", "Sales: 1 2")
	if g.writes != writes || len(all(g.world, store.GroupDeliveries)) > 0 || len(all(g.world, store.Members)) > 0 {
		t.Errorf("%d writes; known %+v", g.writes-writes, all(g.world, store.GroupDeliveries))
	}
}

// TestDepartmentOfThoseWhoLeftIsNotMade fails when a group is made in the target for
// people who have no account there; it is made with the first who gets one.
func TestDepartmentOfThoseWhoLeftIsNotMade(t *testing.T) {
	old := left(in(2, "Typing pool"))
	g := newGrouping(t, []model.Name{model.Department}, in(1, "Sales"), old)
	g.want("stated", g.stated(), "Sales: 1", "Typing pool: 2")
	g.want("relayed", g.there(), "Sales: 1")
	g.view(func(tx *store.Tx) error {
		for _, r := range all(g.world, store.Resources) {
			members, err := g.e.GroupMembers(tx, "javelo", model.GroupRef{Source: "hr", Group: r.ID})
			if name, _ := ingest.GroupName(tx, model.GroupRef{Source: "hr", Group: r.ID}); err != nil || name == "Typing pool" && len(members) > 0 {
				t.Errorf("%s shows %v %v", name, members, err)
			}
		}
		return nil
	})
	g.read("hr", in(1, "Sales"), in(2, "Typing pool"))
	g.deliver()
	g.relay()
	g.want("back again", g.there(), "Sales: 1", "Typing pool: 2")
}

func TestWhoIsErasedLeavesTheirGroups(t *testing.T) {
	g := newGrouping(t, []model.Name{model.Department}, in(1, "Sales"), in(2, "Sales"), in(3, "Sales"), in(4, "Sales"))
	if _, err := g.e.Forget("ops", g.person("hr", 2).ID, "asked", true, false); err != nil {
		t.Fatal(err)
	}
	g.want("stated", g.stated(), "Sales: 1 3 4")
	g.relay()
	if n := len(g.remote["there:"+all(g.world, store.GroupDeliveries)[0].Group]); n != 3 {
		t.Errorf("%d members are there", n)
	}
	for _, m := range all(g.world, store.Members) {
		if m.Value == "2" {
			t.Error("the id of who was erased is still stored")
		}
	}
}

// TestGroupNamedAfterWhoIsErasedIsForgotten fails when somebody's name stays as that of a
// group that others were in.
func TestGroupNamedAfterWhoIsErasedIsForgotten(t *testing.T) {
	mentor := model.Name("custom.mentor")
	g := newGrouping(t, []model.Name{mentor}, someone(1), someone(2), someone(3, string(mentor), "Givenc Family"), someone(4, string(mentor), "Nobody Known"))
	g.want("relayed", g.there(), "Givenc Family: 3", "Nobody Known: 4")
	g.read("hr", someone(1), left(someone(2)), someone(3, string(mentor), "Givenc Family"), someone(4, string(mentor), "Nobody Known"))
	g.deliver()
	if _, err := g.e.Forget("ops", g.person("hr", 2).ID, "asked", false, false); err != nil {
		t.Fatal(err)
	}
	g.relay()
	g.want("stated", g.stated(), "Nobody Known: 4")
	for _, d := range all(g.world, store.GroupDeliveries) {
		if d.Name != "Nobody Known" {
			t.Errorf("still known: %s", d.Name)
		}
	}
}

// TestGroupsMoveWithARecordToAnotherPerson fails when a group that a record is in is not
// looked at once a human says whose it is: the account was there before.
func TestGroupsMoveWithARecordToAnotherPerson(t *testing.T) {
	hr := someone(9, "department", "Sales", "employee_number", "88")
	delete(hr.Attributes, model.Email)
	list := []model.Observation{in(1, "Sales"), in(2, "Sales")}
	for _, first := range []string{"hr", "adp"} { // the person who is known first stays
		t.Run(first+" first", func(t *testing.T) {
			g := newGrouping(t, []model.Name{model.Department}, list...)
			set := g.settings.Sources["hr"]
			set.MatchNumber = true
			g.settings.Sources["hr"] = set
			if first == "hr" {
				g.read("hr", append(slices.Clone(list), hr)...)
			}
			g.read("adp", someone(7, "employee_number", "77"))
			g.activate("adp")
			g.read("hr", append(slices.Clone(list), hr)...)
			g.deliver()
			g.relay()
			g.read("adp", someone(7, "employee_number", "88"))
			g.deliver()
			g.relay()
			g.want("while it is asked", g.there(), "Sales: 1 2")
			for _, q := range all(g.world, store.Conflicts) {
				if q.Kind == model.AmbiguousMatch || q.Kind == model.AccountTaken {
					if _, err := g.e.Resolve("ops", q.ID, ingest.Answer{Verb: model.Merge}); err != nil {
						t.Fatal(err)
					}
				}
			}
			if g.record("hr", 9).Person != g.record("adp", 7).Person {
				t.Fatalf("the two records are not one person; asked is %+v", all(g.world, store.Conflicts))
			}
			g.relay()
			g.want("relayed", g.there(), "Sales: 1 2 7")
		})
	}
}

// TestGroupsKeepTheirPeopleWhenASourceMoves fails when a membership stays under an id
// that the record gave up.
func TestGroupsKeepTheirPeopleWhenASourceMoves(t *testing.T) {
	list := people(6, "department", "Sales")
	g := newGrouping(t, []model.Name{model.Department}, list...)
	as := func(scope string) {
		set := g.settings.Sources["hr"]
		set.Scope = scope
		g.settings.Sources["hr"] = set
		g.restart()
	}
	as("old")
	g.read("hr", list...)
	writes := g.writes
	as("new")
	// Everybody has the id that another had: all of them make room first.
	ids := map[string]string{"1": "2", "2": "3", "3": "1", "4": "40", "5": "50", "6": "60"}
	g.read("hr", renumbered(list, func(n string) string { return ids[n] })...)
	g.relay()
	g.want("stated", g.stated(), "Sales: 1 2 3 40 50 60")
	g.want("relayed", g.there(), "Sales: 1 2 3 4 5 6")
	if g.writes != writes {
		t.Errorf("%d writes", g.writes-writes)
	}
}

// TestRandomGroupingsFollowFromTheRecords lets reads of every kind, restarts and changes
// of the configuration happen at random, and fails when what is stored, or what the
// target has, is not what the last values say. It fails when a join or a leave is
// forgotten, and when a look is lost.
func TestRandomGroupingsFollowFromTheRecords(t *testing.T) {
	histories := 25
	if testing.Short() {
		histories = 10
	}
	for seed := range histories {
		r := rand.New(rand.NewPCG(uint64(seed), 1))
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			const n = 8
			departments := []string{"Sales", "Legal", "Design", ""}
			list := make([]model.Observation, n)
			is := map[string]string{} // who → department
			for i := range list {
				list[i] = in(i+1, departments[r.IntN(3)])
				is[list[i].Native] = list[i].Attributes.Text(model.Department)
			}
			g := newGrouping(t, []model.Name{model.Department}, list...)
			g.settings.Limits.Attributes = reconcile.Limit{Percent: 100, HasPercent: true}
			for range 12 {
				for range r.IntN(4) {
					i := r.IntN(n)
					d := departments[r.IntN(len(departments))]
					list[i] = in(i+1, d)
					if d == "" {
						list[i].Attributes[model.Department] = model.Null()
					}
					if r.IntN(4) == 0 {
						delete(list[i].Attributes, model.Department)
						list[i].Attributes[model.Title] = model.Text(fmt.Sprint(r.IntN(100)))
					}
				}
				shown := slices.Clone(list)
				r.Shuffle(n, func(i, j int) { shown[i], shown[j] = shown[j], shown[i] })
				cut := n
				var end error
				if r.IntN(3) == 0 {
					cut, end = r.IntN(n), errors.New("reset")
				}
				for _, o := range shown[:cut] {
					if v, said := o.Attributes[model.Department]; said {
						is[o.Native] = v.Text
					}
				}
				read := g.start("hr")
				for part := range slices.Chunk(shown[:cut], 3) {
					if err := read.Page(page(part...)); err != nil {
						t.Fatal(err)
					}
					g.relay()
				}
				if r.IntN(4) == 0 {
					g.restart()
					if err := g.e.Recover(); err != nil {
						t.Fatal(err)
					}
				} else if _, err := read.Finish(end); err != nil {
					t.Fatal(err)
				}
				g.deliver()
				g.relay()
				g.whole()
				want := map[string][]string{}
				for _, who := range slices.Sorted(maps.Keys(is)) {
					if is[who] != "" {
						want[is[who]] = append(want[is[who]], who)
					}
				}
				for id, name := range g.names {
					line := strings.TrimSpace(name + ": " + strings.Join(want[name], " "))
					if !slices.Contains(g.there(), line) {
						t.Fatalf("the target has %q in %s, want %q", g.there(), id, line)
					}
					delete(want, name)
				}
				if len(want) > 0 {
					t.Fatalf("not relayed: %v of %q", want, g.there())
				}
			}
		})
	}
}
