package scimtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"rollcall/scimsrv"
	"rollcall/scimsrv/attr"
)

func selectResumes(t *testing.T, d dir) {
	const n = 7
	var want, ids []string
	for i := range n {
		want = append(want, fmt.Sprintf("u%d", n-i)) // neither in the order of names
		ids = append(ids, d.create(t, okta, scimsrv.User, user(want[i])).ID)
	}
	all := scimsrv.Query{Type: scimsrv.User}
	same(t, "from the beginning", want, d.selected(t, okta, all, ""))
	for i := range n {
		same(t, "after "+want[i], want[i+1:], d.selected(t, okta, all, ids[i]))
	}
	d.update(t, okta, scimsrv.User, ids[2], replace(user("renamed")))
	want[2] = "renamed"
	same(t, "after an update", want, d.selected(t, okta, all, ""))
	same(t, "of groups", []string{}, d.selected(t, okta, scimsrv.Query{Type: scimsrv.Group}, ""))

	if err := d.Delete(t.Context(), okta, scimsrv.User, ids[3], nil); err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for res, err := range d.Select(t.Context(), okta, all, ids[3]) {
		if errors.Is(err, scimsrv.ErrNotFound) {
			return // a directory may have forgotten where the deleted one was
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, nameOf(res))
	}
	same(t, "after a deleted resource", want[4:], got)
}

func selectByKeys(t *testing.T, d dir) {
	draft := func(name, external string) scimsrv.Draft {
		u := user(name)
		u.Keys = append(u.Keys, scimsrv.Key{Attribute: "externalid", Value: external})
		return u
	}
	for _, u := range [][2]string{{"a", "x"}, {"b", "y"}, {"c", "x"}, {"d", "xx"}, {"x", "z"}} {
		d.create(t, okta, scimsrv.User, draft(u[0], u[1]))
	}
	key := func(a, v string) scimsrv.Key { return scimsrv.Key{Attribute: a, Value: v} }
	for _, tc := range []struct {
		what string
		keys []scimsrv.Key
		want []string
	}{
		{"one unique key", []scimsrv.Key{key("username", "b")}, []string{"b"}},
		{"a key of several", []scimsrv.Key{key("externalid", "x")}, []string{"a", "c"}},
		{"alternatives, in order of creation and once each", []scimsrv.Key{key("externalid", "z"), key("username", "c"), key("externalid", "x")}, []string{"a", "c", "x"}},
		{"a key that nobody has", []scimsrv.Key{key("externalid", "nobody")}, []string{}},
		{"an attribute that is no key", []scimsrv.Key{key("title", "x")}, []string{}},
	} {
		same(t, tc.what, tc.want, d.selected(t, okta, scimsrv.Query{Type: scimsrv.User, Keys: tc.keys}, ""))
	}
	a := ""
	for res := range d.Select(t.Context(), okta, scimsrv.Query{Type: scimsrv.User}, "") {
		a = res.ID
		break
	}
	same(t, "by key after a", []string{"c"}, d.selected(t, okta, scimsrv.Query{Type: scimsrv.User, Keys: []scimsrv.Key{key("externalid", "x")}}, a))
}

func selectMatches(t *testing.T, d dir) {
	jane, john := d.create(t, okta, scimsrv.User, user("jane")), d.create(t, okta, scimsrv.User, user("john"))
	one := d.create(t, okta, scimsrv.Group, group("one", member(jane.ID)))
	two := d.create(t, okta, scimsrv.Group, group("two", member(jane.ID), member(john.ID)))
	match := func(name string) func(scimsrv.Resource) bool {
		return func(res scimsrv.Resource) bool { return nameOf(res) == name }
	}
	same(t, "matched", []string{"john"}, d.selected(t, okta, scimsrv.Query{Type: scimsrv.User, Match: match("john")}, ""))
	same(t, "matched among keys", []string{}, d.selected(t, okta, scimsrv.Query{Type: scimsrv.User, Keys: user("jane").Keys, Match: match("john")}, ""))

	want := map[string][]scimsrv.Member{
		jane.ID: {{Value: one.ID, Display: "one", Type: scimsrv.Group}, {Value: two.ID, Display: "two", Type: scimsrv.Group}},
		john.ID: {{Value: two.ID, Display: "two", Type: scimsrv.Group}},
	}
	for res, err := range d.Select(t.Context(), okta, scimsrv.Query{Type: scimsrv.User, NeedGroups: true}, "") {
		if err != nil {
			t.Fatal(err)
		}
		same(t, "groups of "+nameOf(res), want[res.ID], sortedMembers(res.Groups, one.ID))
		same(t, "groups of "+nameOf(res)+" by Get", want[res.ID], sortedMembers(d.get(t, okta, scimsrv.User, res.ID).Groups, one.ID))
	}
	for res, err := range d.Select(t.Context(), okta, scimsrv.Query{Type: scimsrv.Group}, "") {
		if wantCount := map[string]int{one.ID: 1, two.ID: 2}[res.ID]; err != nil || res.MemberCount != wantCount {
			t.Errorf("group %s has %d members, %v; want %d", nameOf(res), res.MemberCount, err, wantCount)
		}
	}
}

// sortedMembers puts the entry with id first to the front: a user's groups have
// no promised order.
func sortedMembers(ms []scimsrv.Member, first string) []scimsrv.Member {
	ms = slices.Clone(ms)
	slices.SortStableFunc(ms, func(a, b scimsrv.Member) int {
		switch {
		case a.Value == first && b.Value != first:
			return -1
		case b.Value == first && a.Value != first:
			return 1
		}
		return 0
	})
	return ms
}

func selectDuringWrites(t *testing.T, d dir) {
	const n = 1200 // more than any sensible batch
	ids := make([]string, n)
	for i := range n {
		ids[i] = d.create(t, okta, scimsrv.User, user(fmt.Sprintf("u%04d", i))).ID
	}
	ctx, cancel := context.WithTimeout(t.Context(), stuck)
	defer cancel()
	done := make(chan struct{})
	seen := map[string]int{}
	go func() { // a directory that holds a transaction would block the writes below for ever
		defer close(done)
		i := 0
		for res, err := range d.Select(ctx, okta, scimsrv.Query{Type: scimsrv.User}, "") {
			if err != nil {
				t.Errorf("select: %v", err)
				return
			}
			seen[res.ID]++
			if i++; i%100 != 0 {
				continue
			}
			write := []error{
				// behind, ahead, and new
				errOf(d.Update(ctx, okta, scimsrv.User, ids[0], replace(user(fmt.Sprintf("behind%d", i))))),
				errOf(d.Update(ctx, okta, scimsrv.User, ids[n-1], replace(user(fmt.Sprintf("ahead%d", i))))),
				errOf(d.Create(ctx, okta, scimsrv.User, user(fmt.Sprintf("new%d", i)))),
			}
			if i == 300 {
				write = append(write, d.Delete(ctx, okta, scimsrv.User, ids[10], nil), d.Delete(ctx, okta, scimsrv.User, ids[n-10], nil))
			}
			if err := errors.Join(write...); err != nil {
				t.Errorf("write beside a select: %v", err)
				return
			}
		}
	}()
	select {
	case <-done:
	case <-time.After(stuck):
		t.Fatal("a write within the loop of a Select never ends: is a transaction held?")
	}
	for i, id := range ids {
		if gone := i == n-10; seen[id] > 1 || seen[id] == 0 && !gone {
			t.Errorf("resource %d was yielded %d times", i, seen[id])
		}
	}
	for id, times := range seen {
		if times > 1 {
			t.Errorf("%s was yielded %d times", id, times)
		}
	}
}

func errOf(_ scimsrv.Resource, err error) error { return err }

func selectStops(t *testing.T, d dir) {
	for i := range 3 {
		d.create(t, okta, scimsrv.User, user(fmt.Sprintf("u%d", i)))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	failed := false
	for _, err := range d.Select(ctx, okta, scimsrv.Query{Type: scimsrv.User}, "") {
		failed = failed || errors.Is(err, context.Canceled)
	}
	if !failed {
		t.Error("a select with a cancelled context ends as if it were complete")
	}
	n := 0
	for range d.Select(t.Context(), okta, scimsrv.Query{Type: scimsrv.User}, "") {
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d iterations before break", n)
	}
}

func memberChangesApply(t *testing.T, d dir) {
	var u []string
	for i := range 4 {
		u = append(u, d.create(t, okta, scimsrv.User, user(fmt.Sprintf("u%d", i))).ID)
	}
	team := d.create(t, okta, scimsrv.Group, group("team", member(u[0]), member(u[1])))
	if team.MemberCount != 2 {
		t.Errorf("created with %d members, want 2", team.MemberCount)
	}
	rev := team.Rev
	for _, tc := range []struct {
		what   string
		change scimsrv.MemberChange
		want   []string
	}{
		{"add", scimsrv.MemberChange{Add: []scimsrv.Member{member(u[2])}}, []string{u[0], u[1], u[2]}},
		{"add again", scimsrv.MemberChange{Add: []scimsrv.Member{member(u[1])}}, []string{u[0], u[1], u[2]}},
		{"remove, one of them no member", scimsrv.MemberChange{Remove: []string{u[0], u[3]}}, []string{u[1], u[2]}},
		{"remove before add", scimsrv.MemberChange{Remove: []string{u[1], u[3]}, Add: []scimsrv.Member{member(u[3]), member(u[1])}}, []string{u[1], u[2], u[3]}},
		{"clear before add", scimsrv.MemberChange{Clear: true, Add: []scimsrv.Member{member(u[0])}}, []string{u[0]}},
		{"clear", scimsrv.MemberChange{Clear: true}, []string{}},
	} {
		draft := group("team")
		draft.Members = tc.change
		res := d.update(t, okta, scimsrv.Group, team.ID, replace(draft))
		got := d.members(t, okta, team.ID)
		same(t, tc.what+": order is not stable", got, d.members(t, okta, team.ID))
		slices.Sort(got)
		want := slices.Clone(tc.want)
		slices.Sort(want)
		same(t, tc.what, want, got)
		if res.MemberCount != len(want) || res.Rev <= rev {
			t.Errorf("%s: %d members at revision %d after %d", tc.what, res.MemberCount, res.Rev, rev)
		}
		rev = res.Rev
		for _, id := range u {
			if has, err := d.HasMember(t.Context(), okta, team.ID, id); err != nil || has != slices.Contains(want, id) {
				t.Errorf("%s: has member = %t, %v", tc.what, has, err)
			}
		}
	}
	draft := group("team")
	draft.Members.Add = []scimsrv.Member{{Value: u[0], Display: "old", Type: scimsrv.User}, {Value: u[0], Display: "new", Type: scimsrv.User}}
	d.update(t, okta, scimsrv.Group, team.ID, replace(draft))
	for m, err := range d.Members(t.Context(), okta, team.ID) {
		same(t, "replaced display", scimsrv.Member{Value: u[0], Display: "new", Type: scimsrv.User}, m)
		if err != nil {
			t.Error(err)
		}
	}
	d.update(t, okta, scimsrv.Group, team.ID, replace(group("renamed")))
	same(t, "a rename keeps members", []string{u[0]}, d.members(t, okta, team.ID))
	same(t, "groups after a rename", []scimsrv.Member{{Value: team.ID, Display: "renamed", Type: scimsrv.Group}}, d.get(t, okta, scimsrv.User, u[0]).Groups)
}

func concurrentMembers(t *testing.T, d dir) {
	const writers, each = 8, 6
	var ids [writers][each]string
	for w := range writers {
		for i := range each {
			ids[w][i] = d.create(t, okta, scimsrv.User, user(fmt.Sprintf("u%d.%d", w, i))).ID
		}
	}
	leaver := d.create(t, okta, scimsrv.User, user("leaver"))
	team := d.create(t, okta, scimsrv.Group, group("team", member(leaver.ID)))
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				draft := group("team")
				draft.Members = scimsrv.MemberChange{Remove: []string{leaver.ID}, Add: []scimsrv.Member{member(ids[w][i])}}
				if _, err := d.Update(t.Context(), okta, scimsrv.Group, team.ID, replace(draft)); err != nil {
					t.Errorf("update: %v", err)
				}
			}
		})
	}
	wg.Wait()
	got := map[string]bool{}
	for _, id := range d.members(t, okta, team.ID) {
		got[id] = true
	}
	for w := range writers {
		for i := range each {
			if !got[ids[w][i]] {
				t.Errorf("member %d of writer %d was lost", i, w)
			}
		}
	}
	if len(got) != writers*each || got[leaver.ID] {
		t.Errorf("%d members, the removed one among them = %t", len(got), got[leaver.ID])
	}
}

func viewShowsMembers(t *testing.T, d dir) {
	jane, john := d.create(t, okta, scimsrv.User, user("jane")), d.create(t, okta, scimsrv.User, user("john"))
	team := d.create(t, okta, scimsrv.Group, group("team", member(jane.ID)))
	var seen []scimsrv.Member
	var has [2]bool
	var count int
	d.update(t, okta, scimsrv.Group, team.ID, func(v scimsrv.View) (scimsrv.Draft, error) {
		seen = slices.Collect(v.Members())
		has = [2]bool{v.HasMember(jane.ID), v.HasMember(john.ID)}
		count = v.Resource().MemberCount
		return group("team", member(john.ID)), nil
	})
	same(t, "members in the view", []scimsrv.Member{member(jane.ID)}, seen)
	same(t, "has member in the view", [2]bool{true, false}, has)
	same(t, "member count in the view", 1, count)
}

// An outline is an offer: what is written of a resource is the same either way.
func selectOutlines(t *testing.T, d dir) {
	odd := user("quo\"te")
	odd.Body.Set("name", attr.NewObject(attr.Member{Name: "familyName", Value: "é\n\\\x01"}, attr.Member{Name: "givenName", Value: ""}))
	odd.Body.Set("emails", attr.Array{attr.NewObject(attr.Member{Name: "value", Value: "a@example.com"}, attr.Member{Name: "primary", Value: true})})
	first := d.create(t, okta, scimsrv.User, odd)
	d.create(t, okta, scimsrv.User, user("plain"))
	d.create(t, okta, scimsrv.Group, group("all", member(first.ID)))
	for _, q := range []scimsrv.Query{
		{Type: scimsrv.User, NeedGroups: true}, {Type: scimsrv.User}, {Type: scimsrv.Group},
		{Type: scimsrv.User, NeedGroups: true, Keys: []scimsrv.Key{{Attribute: "username", Value: "quo\"te", Unique: true}}},
		{Type: scimsrv.Group, Keys: []scimsrv.Key{{Attribute: "displayname", Value: "all"}}},
	} {
		written := func() []string {
			list := []string{}
			for res, err := range d.Select(t.Context(), okta, q, "") {
				if err != nil {
					t.Fatal(err)
				}
				body := string(attr.Append(nil, res.Body))
				res.Body = nil
				list = append(list, body, fmt.Sprintf("%+v", res))
			}
			return list
		}
		want := written()
		q.Outline = true
		same(t, "outlined", want, written())
		if len(want) == 0 {
			t.Errorf("%+v finds nothing", q)
		}
	}
}
