package relay_test

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
	"rollcall/connectors/javelo/javelosim"
	"rollcall/scimsrv"
	"rollcall/scimsrv/attr"
)

// disputed is a tenant with two groups called Sales: first has person 1 and is
// delivered, second has person 2 and asks for the name.
type disputed struct {
	*pushed
	first, second string
}

func disputing(t *testing.T, test func(*testing.T, *disputed)) {
	t.Helper()
	pushing(t, 4, javelosim.Options{}, func(t *testing.T, p *pushed) {
		p.settings.Limits = reconcile.Limits{}
		d := &disputed{pushed: p, first: p.create(scimsrv.Group, "displayName", "Sales", []string{p.users[0]})}
		p.pass(time.Minute)
		d.second = p.create(scimsrv.Group, "displayName", "Sales", []string{p.users[1]})
		p.pass(time.Minute)
		test(t, d)
	})
}

func group(id string) model.RecordID {
	return model.RecordID(model.GroupRef{Source: "okta", Group: id}.String())
}

// question returns the one open conflict.
func (d *disputed) question() model.Conflict {
	d.t.Helper()
	list := all(d.world, store.Conflicts)
	if len(list) != 1 || list[0].Kind != model.DuplicateGroup {
		d.t.Fatalf("conflicts %+v", list)
	}
	return list[0]
}

func (d *disputed) answer(a ingest.Answer) model.Decision {
	d.t.Helper()
	q := d.question()
	a.Rev = q.Rev
	decision, err := d.e.Resolve("ops", q.ID, a)
	if err != nil {
		d.t.Fatal(err)
	}
	d.pass(10 * time.Minute)
	return decision
}

func (d *disputed) undo(decision model.Decision) {
	d.t.Helper()
	if err := d.e.Undo("ops", decision.ID); err != nil {
		d.t.Fatal(err)
	}
	d.pass(10 * time.Minute)
}

// has checks the members of a group of the target, and that nothing but what is asked
// waits.
func (d *disputed) has(name string, numbers ...int) {
	d.t.Helper()
	if got := d.members(name); !slices.Equal(got, addresses(numbers...)) {
		d.t.Errorf("%s has %v, want %v", name, got, addresses(numbers...))
	}
}

func (d *disputed) settled() {
	d.t.Helper()
	if open := all(d.world, store.Conflicts); len(open) > 0 {
		d.t.Errorf("still asked: %+v", open)
	}
	d.quiet()
}

// asked checks that the question of the second group is asked again.
func (d *disputed) asked(id model.ConflictID) {
	d.t.Helper()
	if q := d.question(); q.ID != id {
		d.t.Errorf("another question is asked: %+v", q)
	}
}

func (d *disputed) put(id string, add, remove []string) {
	c := scimsrv.MemberChange{Remove: remove}
	for _, m := range add {
		c.Add = append(c.Add, scimsrv.Member{Value: m, Type: scimsrv.User})
	}
	d.change(id, scimsrv.Draft{Body: attr.NewObject(attr.Member{Name: "displayName", Value: "Sales"}), Members: c})
	d.pass(time.Minute)
}

// TestMergedGroupsAreRelayedAsOne fails when the members of the merged group are not
// counted, when a change of it does not reach the one it was merged into, and when
// undoing leaves its members there.
func TestMergedGroupsAreRelayedAsOne(t *testing.T) {
	disputing(t, func(t *testing.T, d *disputed) {
		asked := d.question().ID
		decision := d.answer(ingest.Answer{Verb: model.Merge})
		d.has("Sales", 1, 2)
		d.settled()
		d.put(d.second, []string{d.users[2]}, []string{d.users[1]})
		d.has("Sales", 1, 3)
		d.put(d.first, []string{d.users[2]}, []string{d.users[0]})
		d.has("Sales", 3)
		d.put(d.second, nil, []string{d.users[2]})
		d.has("Sales", 3)
		d.settled()
		d.put(d.second, []string{d.users[3]}, nil)
		d.undo(decision)
		d.has("Sales", 3)
		d.asked(asked)
	})
}

// TestPreferredGroupTakesTheTargetsGroup fails when the target's group stays with the
// one that had it, when a second one is made, and when undoing does not give it back.
func TestPreferredGroupTakesTheTargetsGroup(t *testing.T) {
	for _, verb := range []model.Verb{model.Prefer, model.Exclude} {
		disputing(t, func(t *testing.T, d *disputed) {
			asked, remote := d.question().ID, all(d.world, store.GroupDeliveries)[0].RemoteID
			named := d.second
			if verb == model.Exclude {
				named = d.first
			}
			decision := d.answer(ingest.Answer{Verb: verb, Record: group(named)})
			d.has("Sales", 2)
			d.settled()
			if got := all(d.world, store.GroupDeliveries); len(got) != 1 || got[0].RemoteID != remote || got[0].Group != d.second {
				t.Errorf("delivered %+v", got)
			}
			d.put(d.first, []string{d.users[2]}, nil)
			d.has("Sales", 2)
			d.undo(decision)
			d.has("Sales", 1, 3)
			d.asked(asked)
		})
	}
}

func TestGroupThatIsLeftOutIsNotRelayed(t *testing.T) {
	for _, a := range []func(*disputed) ingest.Answer{
		func(d *disputed) ingest.Answer { return ingest.Answer{Verb: model.Exclude, Record: group(d.second)} },
		func(d *disputed) ingest.Answer { return ingest.Answer{Verb: model.Prefer, Record: group(d.first)} },
	} {
		disputing(t, func(t *testing.T, d *disputed) {
			asked, writes := d.question().ID, d.sim.Writes()
			decision := d.answer(a(d))
			d.put(d.second, []string{d.users[2]}, nil)
			d.pass(3 * listings)
			d.settled()
			if d.has("Sales", 1); d.sim.Writes() != writes {
				t.Errorf("%d writes", d.sim.Writes()-writes)
			}
			d.undo(decision)
			d.asked(asked)
			d.has("Sales", 1)
		})
	}
}

// TestGroupIsRelayedUnderAnotherName fails when the one that gives its name up and the
// one that takes it meet in one group of the target.
func TestGroupIsRelayedUnderAnotherName(t *testing.T) {
	disputing(t, func(t *testing.T, d *disputed) {
		d.answer(ingest.Answer{Verb: model.Set, Record: group(d.second), Attribute: model.DisplayName, Value: "Sales South"})
		d.has("Sales", 1)
		d.has("Sales South", 2)
		d.settled()
		d.put(d.second, []string{d.users[2]}, nil)
		d.has("Sales South", 2, 3)
	})
	disputing(t, func(t *testing.T, d *disputed) {
		d.stop()
		d.answer(ingest.Answer{Verb: model.Set, Record: group(d.first), Attribute: model.DisplayName, Value: "Sales East"})
		if open := all(d.world, store.Conflicts); len(open) > 0 {
			t.Errorf("asked while the name is about to be free: %+v", open)
		}
		if err := d.e.GroupFound(&ingest.GroupAttempt{Target: "javelo", GroupRef: model.GroupRef{Source: "okta", Group: d.second}}, all(d.world, store.GroupDeliveries)[0].RemoteID, nil, true); err == nil {
			t.Error("one group of the target is that of two groups of sources")
		}
		d.start()
		d.pass(10 * time.Minute)
		d.has("Sales East", 1)
		d.has("Sales", 2)
		d.settled()
	})
	disputing(t, func(t *testing.T, d *disputed) {
		d.answer(ingest.Answer{Verb: model.Set, Record: group(d.first), Attribute: model.DisplayName, Value: "Sales North"})
		d.has("Sales North", 1)
		d.has("Sales", 2)
		d.settled()
	})
}

// TestNameOfAGroupThatIsGoneIsFree fails when a group goes on waiting for the name, or
// being left out in favour, of one that its sender deleted.
func TestNameOfAGroupThatIsGoneIsFree(t *testing.T) {
	for _, verb := range []model.Verb{"", model.Later, model.Prefer, model.Merge} {
		disputing(t, func(t *testing.T, d *disputed) {
			a := ingest.Answer{Verb: verb}
			if verb == model.Prefer {
				a.Record = group(d.first)
			}
			if verb != "" {
				d.answer(a)
			}
			if err := d.e.Directory().Delete(t.Context(), okta, scimsrv.Group, d.first, nil); err != nil {
				t.Fatal(err)
			}
			d.pass(10 * time.Minute)
			d.has("Sales", 1, 2) // whom a deleted group had stays
			d.settled()
			if got := all(d.world, store.GroupDeliveries); len(got) != 1 || got[0].Group != d.second {
				t.Errorf("%s: delivered %+v", verb, got)
			}
		})
	}
}

// TestRenamedGroupDoesNotHandItsOldNameOn fails when the listing from before a rename
// says which group has a name.
func TestRenamedGroupDoesNotHandItsOldNameOn(t *testing.T) {
	pushing(t, 2, javelosim.Options{}, func(t *testing.T, p *pushed) {
		first := p.create(scimsrv.Group, "displayName", "Sales", []string{p.users[0]})
		p.pass(time.Minute)
		p.change(first, scimsrv.Draft{Body: attr.NewObject(attr.Member{Name: "displayName", Value: "Revenue"})})
		p.create(scimsrv.Group, "displayName", "Sales", []string{p.users[1]})
		p.pass(10 * time.Minute)
		if a, b := p.members("Revenue"), p.members("Sales"); !slices.Equal(a, addresses(1)) || !slices.Equal(b, addresses(2)) {
			t.Errorf("Revenue has %v, Sales %v", a, b)
		}
		p.quiet()
	})
}

func TestAnswerAboutGroupsThatDoesNotFitIsRefused(t *testing.T) {
	disputing(t, func(t *testing.T, d *disputed) {
		q := d.question()
		for what, a := range map[string]ingest.Answer{
			"no group of it":   {Verb: model.Prefer, Record: group("g_other")},
			"no name":          {Verb: model.Set, Record: group(d.second), Attribute: model.DisplayName},
			"the same name":    {Verb: model.Set, Record: group(d.second), Attribute: model.DisplayName, Value: "sales"},
			"another thing":    {Verb: model.Set, Record: group(d.second), Attribute: model.Title, Value: "x"},
			"no answer to it":  {Verb: model.Separate},
			"what settles not": {Verb: model.Allow},
		} {
			var invalid *ingest.InvalidError
			if _, err := d.e.Resolve("ops", q.ID, a); !errors.As(err, &invalid) {
				t.Errorf("%s: %v", what, err)
			}
		}
		var stale *ingest.StaleError
		if _, err := d.e.Resolve("ops", q.ID, ingest.Answer{Verb: model.Merge, Rev: q.Rev + 1}); !errors.As(err, &stale) {
			t.Errorf("an answer to what was not shown: %v", err)
		}
		d.answer(ingest.Answer{Verb: model.Merge})
		if _, err := d.e.Resolve("other", q.ID, ingest.Answer{Verb: model.Prefer, Record: group(d.first), Rev: q.Rev}); !errors.As(err, &stale) {
			t.Errorf("the second of two operators: %v", err)
		}
		d.has("Sales", 1, 2)
	})
}

// TestRandomDisputes gives and takes back answers at random while groups change and
// the service fails. In the end every group of a source that is relayed has a group of
// its own in the target, with exactly the members it and those merged into it state.
// It fails when an answer leaves two groups of sources with one of the target, when a
// merged group's members are forgotten, and when nobody looks again after an undo.
func TestRandomDisputes(t *testing.T) {
	const runs = 25
	for seed := range runs {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(seed), 11))
			p := newPushed(t, javelosim.New(javelosim.Options{Limit: -1}))
			p.settings.Limits = reconcile.Limits{}
			for i := range 4 {
				p.users = append(p.users, p.create(scimsrv.User, "userName", address(i+1), nil))
			}
			p.start()
			names := []string{"Sales", "Sales", "Sales", "Ops"}
			want := map[model.GroupRef]map[int]bool{}
			var refs []model.GroupRef
			for _, name := range names {
				n := r.IntN(4)
				ref := model.GroupRef{Source: "okta", Group: p.create(scimsrv.Group, "displayName", name, []string{p.users[n]})}
				refs = append(refs, ref)
				want[ref] = map[int]bool{n: true}
				p.pass(time.Duration(r.IntN(60)) * time.Second)
			}
			for range 14 {
				i, n := r.IntN(len(refs)), r.IntN(4)
				open, given := all(p.world, store.Conflicts), all(p.world, store.Decisions)
				switch k := r.IntN(6); {
				case k == 0:
					p.sim.Fault(javelosim.Fault{Kind: javelosim.ResetAfterWrite, Path: "/Groups", Times: 1 + r.IntN(2)})
				case k <= 2 && len(open) > 0:
					q := open[r.IntN(len(open))]
					a := ingest.Answer{Verb: []model.Verb{model.Merge, model.Prefer, model.Exclude, model.Set}[r.IntN(4)]}
					if a.Verb != model.Merge {
						a.Record = model.RecordID(q.Groups[r.IntN(2)].String())
					}
					if a.Verb == model.Set {
						a.Attribute, a.Value = model.DisplayName, fmt.Sprintf("Sales %d", r.IntN(1000))
					}
					if _, err := p.e.Resolve("ops", q.ID, a); err != nil {
						t.Fatal(err)
					}
				case k == 3 && len(given) > 0:
					if err := p.e.Undo("ops", given[r.IntN(len(given))].ID); err != nil {
						t.Fatal(err)
					}
				default:
					d := scimsrv.Draft{Body: attr.NewObject(attr.Member{Name: "displayName", Value: names[i]})}
					if want[refs[i]][n] {
						d.Members.Remove = []string{p.users[n]}
					} else {
						d.Members.Add = []scimsrv.Member{{Value: p.users[n], Type: scimsrv.User}}
					}
					want[refs[i]][n] = !want[refs[i]][n]
					p.change(refs[i].Group, d)
				}
				p.pass(time.Duration(r.IntN(90)) * time.Second)
			}
			p.sim.Heal()
			p.pass(3 * time.Hour)
			d := &disputed{pushed: p}
			d.check(seed, refs, want)
		})
		if t.Failed() {
			return
		}
	}
}

// check compares the target with what the rulings and the members stated come to,
// worked out here anew.
func (d *disputed) check(seed int, refs []model.GroupRef, want map[model.GroupRef]map[int]bool) {
	d.t.Helper()
	decisions := all(d.world, store.Decisions)
	rule := func(ref model.GroupRef) reconcile.GroupRuling {
		return reconcile.RuleGroup(ref, decisions, func(model.GroupRef) bool { return true })
	}
	root := func(ref model.GroupRef) (model.GroupRef, bool) {
		for {
			r := rule(ref)
			if r.Out {
				return ref, false
			}
			if r.Into == (model.GroupRef{}) {
				return ref, true
			}
			ref = r.Into
		}
	}
	members := map[model.GroupRef]map[string]bool{}
	for _, ref := range refs {
		if to, ok := root(ref); ok {
			if members[to] == nil {
				members[to] = map[string]bool{}
			}
			for n, in := range want[ref] {
				if in {
					members[to][address(n+1)] = true
				}
			}
		}
	}
	asking := map[model.GroupRef]bool{}
	for _, q := range all(d.world, store.Conflicts) {
		asking[q.Groups[1]] = true
	}
	byID, accounts := map[string]javelosim.Group{}, map[string]string{}
	for _, g := range d.sim.Groups() {
		byID[g.ID] = g
	}
	for _, a := range d.sim.Accounts() {
		accounts[a.ID] = a.UserName
	}
	remotes := map[string]bool{}
	for _, got := range all(d.world, store.GroupDeliveries) {
		if remotes[got.RemoteID] {
			d.t.Errorf("history %d: two groups are delivered as %s", seed, got.RemoteID)
		}
		remotes[got.RemoteID] = true
		stated, relayed := members[got.GroupRef]
		if !relayed {
			d.t.Errorf("history %d: %s is delivered and should not be: %+v", seed, got.Group, decisions)
			continue
		}
		delete(members, got.GroupRef)
		if asking[got.GroupRef] {
			continue // it waits for another name, and its members with it
		}
		there := map[string]bool{}
		for _, m := range byID[got.RemoteID].Members {
			there[accounts[m]] = true
		}
		for who := range stated {
			if !there[who] {
				d.t.Errorf("history %d: %s lacks %s", seed, byID[got.RemoteID].DisplayName, who)
			}
		}
		for person := range got.Members {
			if email := d.email(person); !stated[email] {
				d.t.Errorf("history %d: %s keeps %s", seed, byID[got.RemoteID].DisplayName, email)
			}
		}
		if name := cmp.Or(rule(got.GroupRef).Name, got.Name); !strings.EqualFold(name, byID[got.RemoteID].DisplayName) {
			d.t.Errorf("history %d: %s should be called %s", seed, byID[got.RemoteID].DisplayName, name)
		}
	}
	for ref := range members {
		if !asking[ref] {
			d.t.Errorf("history %d: %s is neither delivered nor asked about: jobs %+v decisions %+v", seed, ref.Group, all(d.world, store.GroupJobs), decisions)
		}
	}
	for _, j := range all(d.world, store.GroupJobs) {
		if !asking[j.GroupRef] {
			d.t.Errorf("history %d: group %s is %s: %s %s", seed, j.Group, j.State, j.Reason, j.LastError)
		}
	}
}

func (d *disputed) email(id model.PersonID) (email string) {
	d.t.Helper()
	if err := d.s.View(func(tx *store.Tx) error {
		p, _, err := store.Persons.Get(tx, id)
		email = p.Attributes.Text(model.Email)
		return err
	}); err != nil {
		d.t.Fatal(err)
	}
	return email
}
