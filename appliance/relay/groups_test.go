package relay_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/relay"
	"rollcall/appliance/store"
	"rollcall/connectors/javelo/javelosim"
	"rollcall/connectors/scim/scimtargetsim"
	"rollcall/scimsrv"
	"rollcall/scimsrv/attr"
)

// pushed is a tenant whose people and groups a SCIM sender pushes.
type pushed struct {
	*tenant
	users []string // the sender's ids, by number less one
}

// pushing runs a test with n users of a sender, delivered, and groups turned on.
func pushing(t *testing.T, n int, opts javelosim.Options, test func(*testing.T, *pushed)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		opts.Limit = -1
		p := newPushed(t, javelosim.New(opts))
		for i := range n {
			p.users = append(p.users, p.create(scimsrv.User, "userName", address(i+1), nil))
		}
		p.start()
		p.settled()
		test(t, p)
	})
}

// pushingSource maps no more of a user than their name.
var pushingSource = ingest.SourceSettings{Kind: model.KindOkta, MapResource: func(raw json.RawMessage) (model.Observation, error) {
	var u struct{ UserName string }
	err := json.Unmarshal(raw, &u)
	return model.Observation{Status: model.Active, Attributes: model.Attributes{model.Email: model.Text(u.UserName), model.GivenName: model.Text("Given" + strings.Trim(u.UserName[:2], "p"))}}, err
}}

func newPushed(t *testing.T, sim *javelosim.Sim) *pushed {
	p := &pushed{tenant: newTenant(t, sim, 100_000)}
	p.settings.Sources = map[string]ingest.SourceSettings{"okta": pushingSource}
	p.settings.Targets[0].Groups = true
	p.settings.Limits = reconcile.Limits{Attributes: reconcile.Limit{Percent: 30, HasPercent: true}}
	if _, err := p.e.Activate("test", "okta"); err != nil {
		t.Fatal(err)
	}
	return p
}

var okta = scimsrv.Caller{Source: "okta", TokenID: "t_1"}

func draft(t scimsrv.Type, name, value string, members []string) scimsrv.Draft {
	d := scimsrv.Draft{Body: attr.NewObject(attr.Member{Name: name, Value: value})}
	if t == scimsrv.User {
		d.Keys = []scimsrv.Key{{Attribute: "username", Value: value, Unique: true}}
	}
	for _, m := range slices.Sorted(slices.Values(members)) {
		d.Members.Add = append(d.Members.Add, scimsrv.Member{Value: m, Type: scimsrv.User})
	}
	return d
}

func (p *pushed) create(t scimsrv.Type, name, value string, members []string) string {
	p.t.Helper()
	r, err := p.e.Directory().Create(p.t.Context(), okta, t, draft(t, name, value, members))
	if err != nil {
		p.t.Fatal(err)
	}
	return r.ID
}

// change writes a group: a new name unless it is empty, and its members.
func (p *pushed) change(id string, d scimsrv.Draft) {
	p.t.Helper()
	if _, err := p.e.Directory().Update(p.t.Context(), okta, scimsrv.Group, id, func(scimsrv.View) (scimsrv.Draft, error) { return d, nil }); err != nil {
		p.t.Fatal(err)
	}
}

// members are the user names in Javelo's group, sorted; nil when there is none.
func (p *pushed) members(name string) []string {
	p.t.Helper()
	byID := map[string]string{}
	for _, a := range p.sim.Accounts() {
		byID[a.ID] = a.UserName
	}
	var out []string
	found := 0
	for _, g := range p.sim.Groups() {
		if strings.EqualFold(g.DisplayName, name) {
			found++
			out = []string{}
			for _, id := range g.Members {
				out = append(out, byID[id])
			}
		}
	}
	if found > 1 {
		p.t.Errorf("%d groups are called %s", found, name)
	}
	slices.Sort(out)
	return out
}

// quiet checks that no group waits to be looked at.
func (p *pushed) quiet() {
	p.t.Helper()
	for _, j := range all(p.world, store.GroupJobs) {
		p.t.Errorf("group %s is %s: %s %s", j.Group, j.State, j.Reason, j.LastError)
	}
}

func TestGroupIsMadeAndItsMembersFollow(t *testing.T) {
	pushing(t, 5, javelosim.Options{}, func(t *testing.T, p *pushed) {
		g := p.create(scimsrv.Group, "displayName", "Sales", []string{p.users[0], p.users[1]})
		p.pass(time.Minute)
		if got := p.members("Sales"); !slices.Equal(got, addresses(1, 2)) {
			t.Errorf("made with %v", got)
		}
		writes := p.sim.Writes()
		p.change(g, scimsrv.Draft{Body: attr.NewObject(attr.Member{Name: "displayName", Value: "Sales EMEA"}),
			Members: scimsrv.MemberChange{Remove: []string{p.users[0]}, Add: []scimsrv.Member{{Value: p.users[2], Type: scimsrv.User}}}})
		p.pass(time.Minute)
		if got := p.members("Sales EMEA"); !slices.Equal(got, addresses(2, 3)) || p.members("Sales") != nil || p.sim.Writes() != writes+1 {
			t.Errorf("renamed with %v in %d writes", got, p.sim.Writes()-writes)
		}
		p.pass(3 * listings)
		if p.sim.Writes() != writes+1 {
			t.Errorf("%d writes when nothing changes", p.sim.Writes()-writes-1)
		}
		p.quiet()
	})
}

func TestGroupIsAdoptedByItsNameAndStrangersStay(t *testing.T) {
	pushing(t, 3, javelosim.Options{}, func(t *testing.T, p *pushed) {
		p.sim.Seed([]javelosim.Account{{UserName: "stranger@acme.example", Active: true}})
		stranger, _ := p.sim.Account("stranger@acme.example")
		first, _ := p.sim.Account(address(1))
		p.sim.SeedGroups([]javelosim.Group{{DisplayName: "SALES", Members: []string{stranger.ID, first.ID}}})
		p.create(scimsrv.Group, "displayName", "Sales", []string{p.users[0], p.users[1]})
		p.pass(time.Minute)
		if got := p.members("Sales"); !slices.Equal(got, append(addresses(1, 2), "stranger@acme.example")) {
			t.Errorf("members %v", got)
		}
		p.quiet()
		if !slices.Contains(p.verbs(), "group_adopted") {
			t.Errorf("journal %v", p.verbs())
		}
	})
}

func TestMembersFollowTheirAccounts(t *testing.T) {
	pushing(t, 2, javelosim.Options{}, func(t *testing.T, p *pushed) {
		p.sim.Fault(javelosim.Fault{Kind: javelosim.Unavailable, Method: http.MethodPost, Path: "/Users", Times: 1})
		late := p.create(scimsrv.User, "userName", address(3), nil)
		p.users = append(p.users, late)
		g := p.create(scimsrv.Group, "displayName", "Sales", p.users)
		p.pass(10 * time.Minute)
		if got := p.members("Sales"); !slices.Equal(got, addresses(1, 2, 3)) {
			t.Errorf("members %v", got)
		}
		// A member whose account is switched off stays one: whether they are a member,
		// the sender says.
		if err := p.e.Directory().Delete(t.Context(), okta, scimsrv.User, p.users[1], nil); err != nil {
			t.Fatal(err)
		}
		p.pass(10 * time.Minute)
		if got := p.members("Sales"); !slices.Equal(got, addresses(1, 3)) {
			t.Errorf("the sender took 2 out by deleting them; members %v", got)
		}
		if err := p.e.Directory().Delete(t.Context(), okta, scimsrv.Group, g, nil); err != nil {
			t.Fatal(err)
		}
		p.pass(10 * time.Minute)
		if got := p.members("Sales"); !slices.Equal(got, addresses(1, 3)) {
			t.Errorf("a group that its sender deleted stays as it is; members %v", got)
		}
		p.quiet()
	})
}

func TestGroupThatWouldBeEmptiedWaitsForAHuman(t *testing.T) {
	pushing(t, 10, javelosim.Options{}, func(t *testing.T, p *pushed) {
		g := p.create(scimsrv.Group, "displayName", "Sales", slices.Clone(p.users))
		p.pass(time.Minute)
		p.change(g, scimsrv.Draft{Body: attr.NewObject(attr.Member{Name: "displayName", Value: "Sales"}), Members: scimsrv.MemberChange{Clear: true}})
		p.pass(listings)
		if got := p.members("Sales"); len(got) != 10 {
			t.Errorf("%d members are left", len(got))
		}
		jobs := all(p.world, store.GroupJobs)
		if len(jobs) != 1 || jobs[0].State != model.JobHeld || !strings.Contains(jobs[0].Reason, "10 of 10") {
			t.Fatalf("jobs %+v", jobs)
		}
		if err := p.e.RetryGroup("ops", "javelo", jobs[0].GroupRef); err != nil {
			t.Fatal(err)
		}
		p.pass(time.Minute)
		if got := p.members("Sales"); len(got) != 0 {
			t.Errorf("%d members are left after a human let it go", len(got))
		}
		p.quiet()
	})
}

func TestTwoGroupsOfOneNameAreAConflict(t *testing.T) {
	pushing(t, 3, javelosim.Options{}, func(t *testing.T, p *pushed) {
		p.create(scimsrv.Group, "displayName", "Sales", []string{p.users[0]})
		p.pass(time.Minute)
		second := p.create(scimsrv.Group, "displayName", "sales", []string{p.users[1]})
		p.pass(time.Minute)
		if got := p.members("Sales"); !slices.Equal(got, addresses(1)) {
			t.Errorf("members %v", got)
		}
		q := all(p.world, store.Conflicts)
		if len(q) != 1 || q[0].Kind != model.DuplicateGroup {
			t.Fatalf("conflicts %+v", q)
		}
		p.change(second, scimsrv.Draft{Body: attr.NewObject(attr.Member{Name: "displayName", Value: "Sales South"})})
		p.pass(time.Minute)
		if got := p.members("Sales South"); !slices.Equal(got, addresses(2)) || len(all(p.world, store.Conflicts)) != 0 {
			t.Errorf("after another name: members %v, conflicts %+v", got, all(p.world, store.Conflicts))
		}
		p.quiet()
	})
}

func TestMembersOfGroupsInGroupsBelongToBoth(t *testing.T) {
	pushing(t, 2, javelosim.Options{}, func(t *testing.T, p *pushed) {
		inner := p.create(scimsrv.Group, "displayName", "South", []string{p.users[0]})
		outer := draft(scimsrv.Group, "displayName", "Sales", nil)
		outer.Members.Add = []scimsrv.Member{{Value: inner, Type: scimsrv.Group}}
		if _, err := p.e.Directory().Create(t.Context(), okta, scimsrv.Group, outer); err != nil {
			t.Fatal(err)
		}
		p.pass(time.Minute)
		p.change(inner, scimsrv.Draft{Body: attr.NewObject(attr.Member{Name: "displayName", Value: "South"}), Members: scimsrv.MemberChange{Add: []scimsrv.Member{{Value: p.users[1], Type: scimsrv.User}}}})
		p.pass(time.Minute)
		for _, name := range []string{"South", "Sales"} {
			if got := p.members(name); !slices.Equal(got, addresses(1, 2)) {
				t.Errorf("%s has %v", name, got)
			}
		}
	})
}

// TestRandomGroupHistories changes groups at random while the service loses answers
// and the process ends. It fails when a lost PATCH leaves no trace of whom it may have
// added, and when a lost create is not looked for.
func TestRandomGroupHistories(t *testing.T) {
	const runs = 25
	for seed := range runs {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(seed), 3))
			p := newPushed(t, javelosim.New(javelosim.Options{Limit: -1, PatchNoContent: r.IntN(2) == 0}))
			p.settings.Limits = reconcile.Limits{}
			for i := range 5 {
				p.users = append(p.users, p.create(scimsrv.User, "userName", address(i+1), nil))
			}
			ids, want := map[string]string{}, map[string]map[int]bool{}
			p.start()
			for range 15 {
				name := fmt.Sprintf("Team %d", r.IntN(3))
				n := r.IntN(5)
				switch {
				case r.IntN(4) == 0:
					kinds := []javelosim.FaultKind{javelosim.ResetAfterWrite, javelosim.Unavailable, javelosim.HTML, javelosim.Throttle, javelosim.Truncate}
					p.sim.Fault(javelosim.Fault{Kind: kinds[r.IntN(len(kinds))], Path: "/Groups", Times: 1 + r.IntN(3)})
				case r.IntN(5) == 0:
					p.stop()
					p.start()
				case ids[name] == "":
					ids[name] = p.create(scimsrv.Group, "displayName", name, []string{p.users[n]})
					want[name] = map[int]bool{n: true}
				default:
					d := scimsrv.Draft{Body: attr.NewObject(attr.Member{Name: "displayName", Value: name})}
					if want[name][n] {
						d.Members.Remove = []string{p.users[n]}
					} else {
						d.Members.Add = []scimsrv.Member{{Value: p.users[n], Type: scimsrv.User}}
					}
					want[name][n] = !want[name][n]
					p.change(ids[name], d)
				}
				p.pass(time.Duration(r.IntN(90)) * time.Second)
			}
			p.sim.Heal()
			p.pass(3 * time.Hour)
			p.quiet()
			for name, members := range want {
				var numbers []int
				for n, in := range members {
					if in {
						numbers = append(numbers, n+1)
					}
				}
				if got := p.members(name); !slices.Equal(got, addresses(numbers...)) {
					t.Errorf("history %d: %s has %v, want %v", seed, name, got, addresses(numbers...))
				}
			}
		})
		if t.Failed() {
			return
		}
	}
}

// A service that keeps no groups: the groups are parked, each told, and people go on.
func TestServiceWithoutGroupsKeepsNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := scimtargetsim.New(scimtargetsim.Options{NoGroups: true})
		n := newSCIMTenant(t, sim, 100_000)
		n.settings.Sources = map[string]ingest.SourceSettings{"okta": pushingSource}
		n.settings.Targets[0].Groups = true
		p := &pushed{tenant: n}
		for i := range 2 {
			p.users = append(p.users, p.create(scimsrv.User, "userName", address(i+1), nil))
		}
		p.create(scimsrv.Group, "displayName", "Sales", p.users)
		p.create(scimsrv.Group, "displayName", "Finance", p.users[1:])
		if _, err := n.e.Activate("test", "okta"); err != nil {
			t.Fatal(err)
		}
		n.start()
		n.pass(3 * time.Hour)
		if l := n.laneState(); l.State != model.LaneOpen || len(sim.Users()) != 2 {
			t.Errorf("the lane is %s: %s; %d accounts", l.State, l.Reason, len(sim.Users()))
		}
		for _, j := range all(n.world, store.GroupJobs) {
			if j.State != model.JobParked || !strings.Contains(j.Reason, "no groups") {
				t.Errorf("group %s is %s: %s", j.Group, j.State, j.Reason)
			}
		}
		asked := 0
		for _, r := range sim.Requests() {
			if strings.HasPrefix(r.Path, "/Groups") {
				asked++
			}
		}
		if asked != 1 {
			t.Errorf("%d requests for groups where there are none", asked)
		}
	})
}

// TestGroupThatWaitsForANameDoesNotMakeTheLaneSpin fails when a group that is still due
// after a look at which nothing was sent is looked at again at once, for ever. Here the
// time until which it is to rest has passed already, by a clock that is slow.
func TestGroupThatWaitsForANameDoesNotMakeTheLaneSpin(t *testing.T) {
	pushing(t, 1, javelosim.Options{}, func(t *testing.T, p *pushed) {
		waits, gives := p.create(scimsrv.Group, "displayName", "First", p.users), p.create(scimsrv.Group, "displayName", "Second", p.users)
		if waits > gives {
			waits, gives = gives, waits // the one that waits is looked at first
		}
		p.pass(time.Minute)
		p.quiet()
		p.stop()
		var wanted string
		for _, g := range all(p.world, store.GroupDeliveries) {
			if g.Group == gives {
				wanted = g.Name
			}
		}
		rename := func(id, name string) {
			p.change(id, scimsrv.Draft{Body: attr.NewObject(attr.Member{Name: "displayName", Value: name})})
		}
		rename(gives, "Third")
		rename(waits, wanted)
		looks := 0
		ctx, cancel := context.WithCancel(t.Context())
		p.e = ingest.New(p.s, p.settings, func() time.Time {
			if looks++; looks > 1000 {
				cancel()
			}
			return time.Now().Add(-time.Hour)
		}, nil)
		target, limiter := p.connect()
		lane := relay.New("javelo", target, limiter, p.s, p.e, hclog.NewNullLogger())
		timer := time.AfterFunc(10*time.Minute, cancel)
		defer timer.Stop()
		if err := lane.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if looks > 1000 {
			t.Error("the lane spins: it looks at the same group again and again")
		}
		for _, name := range []string{"Third", wanted} {
			if !slices.Equal(p.members(name), addresses(1)) {
				t.Errorf("%s has %v", name, p.members(name))
			}
		}
		p.quiet()
	})
}
