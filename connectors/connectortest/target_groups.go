package connectortest

import (
	"errors"
	"net/http"
	"slices"
	"testing"

	"rollcall/connectors"
)

// Groups is what the suite needs of a simulated service that keeps groups, to see
// what a connector cannot show.
type Groups interface {
	// SeedGroup makes a group by hand and returns its id.
	SeedGroup(name string, members ...string) string
	// GroupMembers returns the account ids in a group, and whether there is one.
	GroupMembers(id string) (name string, members []string, ok bool)
}

// groupPromises are those of [connectors.GroupTarget]. They are asked of services
// that are given with [TargetService].Groups.
var groupPromises = []targetPromise{
	{"a created group has its members", "CreateGroup makes one group of that name with those members, and Groups lists it once", createdGroup},
	{"a group made by hand is found by its name", "Groups yields every group exactly once, page by page, so that one of a name can be taken over", groupsAreListed},
	{"members change by what differs", "UpdateGroup adds and removes whom it names in one request that writes, touches nobody else, and can be repeated", groupDelta},
	{"a renamed group is the same", "a name changes on the same id, and the members stay", groupRename},
	{"nothing to write sends nothing", "UpdateGroup without a name and without members sends no request", groupQuiet},
	{"a stranger in a group is left out or refused", "a member whom the service does not know is left out, or an error of class Invalid, and the group stays as it was", groupStranger},
	{"an unknown group is gone", "UpdateGroup of an id that no group has is class Gone and makes no group", unknownGroup},
	{"a service without groups is told apart", "where there are no groups, Groups and CreateGroup are errors with ErrNoGroups of class Invalid: people go on", noGroups},
}

// grouped opens a service with three accounts; nil when it keeps no groups.
func grouped(t testing.TB, s TargetSuite) (*targetStage, connectors.GroupTarget, []string) {
	st := openTarget(t, s)
	target, ok := st.Target.(connectors.GroupTarget)
	if !ok || st.service.Groups == nil {
		return nil, nil, nil
	}
	var ids []string
	for _, a := range st.create(t, s.people(3)...) {
		ids = append(ids, a.RemoteID)
	}
	return st, target, ids
}

// listGroups lists all groups by id.
func listGroups(t testing.TB, target connectors.GroupTarget) (map[string]connectors.Group, error) {
	out, last := map[string]connectors.Group{}, false
	for page, err := range target.Groups(t.Context()) {
		if err != nil {
			return nil, violation("listing groups of a healthy service: %v", err)
		}
		for _, g := range page.Groups {
			if _, twice := out[g.ID]; twice {
				return nil, violation("group %s is listed twice", g.ID)
			}
			out[g.ID] = g
		}
		last = page.Last
	}
	if !last {
		return nil, violation("the listing of groups ended without its last page")
	}
	return out, nil
}

// hasMembers says how a group is not as wanted.
func (st *targetStage) hasMembers(id, name string, want ...string) error {
	got, members, ok := st.service.Groups.GroupMembers(id)
	slices.Sort(members)
	want = slices.Sorted(slices.Values(want))
	if !ok || got != name || !slices.Equal(members, want) {
		return violation("group %s is there %t, has name %q and members %v; want %q and %v", id, ok, got, members, name, want)
	}
	return nil
}

func createdGroup(t testing.TB, s TargetSuite) error {
	st, target, ids := grouped(t, s)
	if target == nil {
		return nil
	}
	g, err := target.CreateGroup(t.Context(), "Sales", ids[:2])
	if err != nil || g.ID == "" || g.Name != "Sales" {
		return violation("CreateGroup: %+v, %v", g, err)
	}
	if err := st.hasMembers(g.ID, "Sales", ids[:2]...); err != nil {
		return err
	}
	if all, err := listGroups(t, target); err != nil || len(all) != 1 || all[g.ID].Name != "Sales" {
		return violation("listed %v, %v", all, err)
	}
	empty, err := target.CreateGroup(t.Context(), "Empty", nil)
	if err != nil {
		return violation("a group without members: %v", err)
	}
	return st.hasMembers(empty.ID, "Empty")
}

func groupsAreListed(t testing.TB, s TargetSuite) error {
	st, target, ids := grouped(t, s)
	if target == nil {
		return nil
	}
	want := map[string]string{}
	for _, name := range []string{"Sales", "Finance", "Équipe 3", "Ops", "Legal"} {
		want[st.service.Groups.SeedGroup(name, ids[0])] = name
	}
	all, err := listGroups(t, target)
	if err != nil {
		return err
	}
	for id, name := range want {
		if all[id].Name != name || len(all) != len(want) {
			return violation("listed %v, want %v", all, want)
		}
		if g := all[id]; g.Complete && !slices.Equal(g.Members, ids[:1]) {
			return violation("group %q says that all its members are %v", name, g.Members)
		}
	}
	return nil
}

func groupDelta(t testing.TB, s TargetSuite) error {
	st, target, ids := grouped(t, s)
	if target == nil {
		return nil
	}
	stranger := st.create(t, s.people(4)[3])[0].RemoteID // whom another administrator put in
	id := st.service.Groups.SeedGroup("Sales", ids[0], stranger)
	for range 2 {
		st.gate.set(nil)
		if err := target.UpdateGroup(t.Context(), id, "", ids[1:], ids[:1]); err != nil {
			return violation("UpdateGroup: %v", err)
		}
		if _, writes := st.gate.seen(); writes != 1 {
			return violation("%d requests that write, want 1", writes)
		}
		if err := st.hasMembers(id, "Sales", append(ids[1:len(ids):len(ids)], stranger)...); err != nil {
			return err
		}
	}
	return nil
}

func groupRename(t testing.TB, s TargetSuite) error {
	st, target, ids := grouped(t, s)
	if target == nil {
		return nil
	}
	id := st.service.Groups.SeedGroup("Sales", ids...)
	if err := target.UpdateGroup(t.Context(), id, "Sales EMEA", nil, nil); err != nil {
		return violation("a rename: %v", err)
	}
	return st.hasMembers(id, "Sales EMEA", ids...)
}

func groupQuiet(t testing.TB, s TargetSuite) error {
	st, target, ids := grouped(t, s)
	if target == nil {
		return nil
	}
	id := st.service.Groups.SeedGroup("Sales", ids...)
	st.gate.set(nil)
	if err := target.UpdateGroup(t.Context(), id, "", nil, nil); err != nil {
		return violation("nothing to write: %v", err)
	}
	if n, _ := st.gate.seen(); n != 0 {
		return violation("%d requests for nothing", n)
	}
	return nil
}

func groupStranger(t testing.TB, s TargetSuite) error {
	st, target, ids := grouped(t, s)
	if target == nil {
		return nil
	}
	id := st.service.Groups.SeedGroup("Sales", ids[0])
	err := target.UpdateGroup(t.Context(), id, "", []string{ids[1], s.UnknownID}, nil)
	if err != nil {
		if c := connectors.ClassOf(err); c != connectors.Invalid {
			return violation("a member whom the service does not know: class %v: %v", c, err)
		}
		return st.hasMembers(id, "Sales", ids[0])
	}
	return st.hasMembers(id, "Sales", ids[:2]...)
}

func unknownGroup(t testing.TB, s TargetSuite) error {
	_, target, ids := grouped(t, s)
	if target == nil {
		return nil
	}
	if err := target.UpdateGroup(t.Context(), s.UnknownID, "Sales", ids, nil); connectors.ClassOf(err) != connectors.Gone {
		return violation("UpdateGroup of no group: %v", err)
	}
	all, err := listGroups(t, target)
	if err == nil && len(all) > 0 {
		return violation("a group was made: %v", all)
	}
	return err
}

func noGroups(t testing.TB, s TargetSuite) error {
	for _, status := range []int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented} {
		st, target, _ := grouped(t, s)
		if target == nil {
			return nil
		}
		st.gate.set(unseen(answering(status, typeJSON, `{}`)))
		var listing error
		for _, err := range target.Groups(t.Context()) {
			listing = err
		}
		_, making := target.CreateGroup(t.Context(), "Sales", nil)
		for what, err := range map[string]error{"Groups": listing, "CreateGroup": making} {
			if !errors.Is(err, connectors.ErrNoGroups) || connectors.ClassOf(err) != connectors.Invalid {
				return violation("%s where there are no groups (%d): class %v: %v", what, status, connectors.ClassOf(err), err)
			}
		}
	}
	return nil
}
