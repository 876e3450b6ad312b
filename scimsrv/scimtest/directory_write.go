package scimtest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/scimsrv"
	"rollcall/scimsrv/attr"
)

func createdIsReadBack(t *testing.T, d dir) {
	draft := user("jane@example.com")
	draft.Body.Set("urn:example:2.0:User", attr.NewObject(attr.Member{Name: "n", Value: attr.Number("1.50")}))
	before := time.Now().Add(-time.Minute)
	made := d.create(t, okta, scimsrv.User, draft)
	if made.ID == "" || strings.Contains(made.ID, "bulkId") || made.Type != scimsrv.User || made.Rev == 0 {
		t.Errorf("created %s with id %q and revision %d", made.Type, made.ID, made.Rev)
	}
	if made.Created.Before(before) || made.Modified.Before(made.Created) {
		t.Errorf("created at %v, modified at %v", made.Created, made.Modified)
	}
	got := d.get(t, okta, scimsrv.User, made.ID)
	if !attr.Equal(draft.Body, got.Body) {
		t.Errorf("stored %s, read %s", attr.Append(nil, draft.Body), attr.Append(nil, got.Body))
	}
	if got.Rev != made.Rev || !got.Created.Equal(made.Created) || !got.Modified.Equal(made.Modified) {
		t.Errorf("read revision %d of %v, created as %d of %v", got.Rev, got.Modified, made.Rev, made.Modified)
	}
	draft.Body.Set("userName", "changed afterwards")
	if got := d.get(t, okta, scimsrv.User, made.ID); nameOf(got) != "jane@example.com" {
		t.Error("the directory keeps the caller's object instead of its content")
	}
	if n, err := d.Count(t.Context(), okta, scimsrv.User); n != 1 || err != nil {
		t.Errorf("count is %d, %v; want 1", n, err)
	}
}

func unknownIsNotFound(t *testing.T, d dir) {
	made := d.create(t, okta, scimsrv.User, user("jane"))
	for _, tc := range []struct {
		what string
		t    scimsrv.Type
		id   string
	}{
		{"an id that never was", scimsrv.User, "nobody"},
		{"an odd id", scimsrv.User, "../x\x00"},
		{"an empty id", scimsrv.User, ""},
		{"the id of a user asked for as a group", scimsrv.Group, made.ID},
	} {
		_, get := d.Get(t.Context(), okta, tc.t, tc.id)
		_, update := d.Update(t.Context(), okta, tc.t, tc.id, replace(user("x")))
		del := d.Delete(t.Context(), okta, tc.t, tc.id, nil)
		for verb, err := range map[string]error{"get": get, "update": update, "delete": del} {
			if !errors.Is(err, scimsrv.ErrNotFound) {
				t.Errorf("%s of %s: error %v, want ErrNotFound", verb, tc.what, err)
			}
		}
	}
	if _, err := d.HasMember(t.Context(), okta, "nobody", made.ID); !errors.Is(err, scimsrv.ErrNotFound) {
		t.Errorf("member of an unknown group: error %v, want ErrNotFound", err)
	}
	for _, err := range d.Members(t.Context(), okta, "nobody") {
		if !errors.Is(err, scimsrv.ErrNotFound) {
			t.Errorf("members of an unknown group: error %v, want ErrNotFound", err)
		}
	}
}

func sourcesAreIsolated(t *testing.T, d dir) {
	mine := d.create(t, okta, scimsrv.User, user("jane"))
	theirs := d.create(t, azure, scimsrv.User, user("jane")) // unique within a source only
	team := d.create(t, okta, scimsrv.Group, group("team", member(mine.ID)))
	if mine.ID == theirs.ID {
		t.Fatal("two sources got the same id")
	}
	_, get := d.Get(t.Context(), azure, scimsrv.User, mine.ID)
	_, update := d.Update(t.Context(), azure, scimsrv.User, mine.ID, replace(user("stolen")))
	del := d.Delete(t.Context(), azure, scimsrv.User, mine.ID, nil)
	_, has := d.HasMember(t.Context(), azure, team.ID, mine.ID)
	for verb, err := range map[string]error{"get": get, "update": update, "delete": del, "has member": has} {
		if !errors.Is(err, scimsrv.ErrNotFound) {
			t.Errorf("%s of another source's resource: error %v, want ErrNotFound", verb, err)
		}
	}
	for _, q := range []scimsrv.Query{{Type: scimsrv.User}, {Type: scimsrv.User, Keys: user("jane").Keys}} {
		for res, err := range d.Select(t.Context(), azure, q, "") {
			if err != nil || res.ID != theirs.ID {
				t.Errorf("select yields %s, %v; want only %s", res.ID, err, theirs.ID)
			}
		}
	}
	if n, _ := d.Count(t.Context(), azure, scimsrv.Group); n != 0 {
		t.Errorf("azure counts %d groups of okta", n)
	}
	same(t, "members", []string{mine.ID}, d.members(t, okta, team.ID))
}

func uniqueKeyHasOneHolder(t *testing.T, d dir) {
	jane := d.create(t, okta, scimsrv.User, user("Jane"))
	john := d.create(t, okta, scimsrv.User, user("john"))
	_, create := d.Create(t.Context(), okta, scimsrv.User, user("JANE"))
	_, update := d.Update(t.Context(), okta, scimsrv.User, john.ID, replace(user("jane")))
	for verb, err := range map[string]error{"create": create, "rename": update} {
		var taken *scimsrv.UniqueError
		if !errors.As(err, &taken) || taken.Attribute != "username" || taken.Holder != jane.ID {
			t.Errorf("%s to a taken name: error %#v, want a UniqueError that names username and its holder", verb, err)
		}
	}
	if got := d.get(t, okta, scimsrv.User, john.ID); nameOf(got) != "john" || got.Rev != john.Rev {
		t.Errorf("the refused rename left %s at revision %d", nameOf(got), got.Rev)
	}
	d.update(t, okta, scimsrv.User, jane.ID, replace(user("JANE"))) // its own key is no clash
	d.create(t, okta, scimsrv.Group, group("jane"))                 // nor is one of another type
	d.create(t, okta, scimsrv.Group, group("jane"))                 // nor one that is not unique
}

func uniqueKeyIsFreed(t *testing.T, d dir) {
	jane := d.create(t, okta, scimsrv.User, user("jane"))
	d.update(t, okta, scimsrv.User, jane.ID, replace(user("janet")))
	again := d.create(t, okta, scimsrv.User, user("jane"))
	if err := d.Delete(t.Context(), okta, scimsrv.User, again.ID, nil); err != nil {
		t.Fatal(err)
	}
	third := d.create(t, okta, scimsrv.User, user("jane"))
	if third.ID == again.ID {
		t.Error("the id of a deleted resource was given out again")
	}
	same(t, "found by key", []string{"jane"}, d.selected(t, okta, scimsrv.Query{Type: scimsrv.User, Keys: user("jane").Keys}, ""))
}

func oneCreateWins(t *testing.T, d dir) {
	const senders = 32
	var wg sync.WaitGroup
	var mu sync.Mutex
	var made []string
	holders := map[string]bool{}
	for range senders {
		wg.Go(func() {
			res, err := d.Create(t.Context(), okta, scimsrv.User, user("jane"))
			mu.Lock()
			defer mu.Unlock()
			var taken *scimsrv.UniqueError
			switch {
			case err == nil:
				made = append(made, res.ID)
			case errors.As(err, &taken):
				holders[taken.Holder] = true
			default:
				t.Errorf("create: %v", err)
			}
		})
	}
	wg.Wait()
	if len(made) != 1 || len(holders) != 1 || !holders[made[0]] {
		t.Errorf("%d creates succeeded (%v), the others were told of %v; want one, named to all", len(made), made, holders)
	}
}

func updateWritesVersion(t *testing.T, d dir) {
	made := d.create(t, okta, scimsrv.User, user("jane"))
	var seen scimsrv.Resource
	after := d.update(t, okta, scimsrv.User, made.ID, func(v scimsrv.View) (scimsrv.Draft, error) {
		seen = v.Resource()
		return user("janet"), nil
	})
	if seen.ID != made.ID || seen.Rev != made.Rev || nameOf(seen) != "jane" {
		t.Errorf("the change saw %s, revision %d of %s", nameOf(seen), seen.Rev, seen.ID)
	}
	if after.ID != made.ID || after.Rev <= made.Rev || !after.Created.Equal(made.Created) || after.Modified.Before(made.Modified) {
		t.Errorf("revision %d became %d, created %v became %v", made.Rev, after.Rev, made.Created, after.Created)
	}
	got := d.get(t, okta, scimsrv.User, made.ID)
	if got.Rev != after.Rev || nameOf(got) != "janet" {
		t.Errorf("read %s at revision %d, updated to revision %d", nameOf(got), got.Rev, after.Rev)
	}
	same(t, "found by the old key", []string{}, d.selected(t, okta, scimsrv.Query{Type: scimsrv.User, Keys: user("jane").Keys}, ""))
	same(t, "found by the new key", []string{"janet"}, d.selected(t, okta, scimsrv.Query{Type: scimsrv.User, Keys: user("janet").Keys}, ""))
}

func failedUpdateWritesNothing(t *testing.T, d dir) {
	jane := d.create(t, okta, scimsrv.User, user("jane"))
	team := d.create(t, okta, scimsrv.Group, group("team", member(jane.ID)))
	refused := errors.New("refused")
	_, err := d.Update(t.Context(), okta, scimsrv.Group, team.ID, func(scimsrv.View) (scimsrv.Draft, error) {
		draft := group("renamed")
		draft.Members = scimsrv.MemberChange{Clear: true}
		return draft, refused
	})
	if err != refused {
		t.Errorf("update: error %v, want the error of the change itself", err)
	}
	got := d.get(t, okta, scimsrv.Group, team.ID)
	if nameOf(got) != "team" || got.Rev != team.Rev || got.MemberCount != 1 {
		t.Errorf("left behind: %s at revision %d with %d members", nameOf(got), got.Rev, got.MemberCount)
	}
}

func unchangedWritesNoVersion(t *testing.T, d dir) {
	made := d.create(t, okta, scimsrv.User, user("jane"))
	got := d.update(t, okta, scimsrv.User, made.ID, func(scimsrv.View) (scimsrv.Draft, error) {
		return scimsrv.Draft{}, fmt.Errorf("no-op: %w", scimsrv.ErrUnchanged)
	})
	if got.ID != made.ID || got.Rev != made.Rev || !got.Modified.Equal(made.Modified) || nameOf(got) != "jane" {
		t.Errorf("returned %s at revision %d of %v, want revision %d of %v", nameOf(got), got.Rev, got.Modified, made.Rev, made.Modified)
	}
}

func concurrentUpdates(t *testing.T, d dir) {
	const writers, rounds = 8, 10
	made := d.create(t, okta, scimsrv.User, user("jane"))
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range rounds {
				_, err := d.Update(t.Context(), okta, scimsrv.User, made.ID, func(v scimsrv.View) (scimsrv.Draft, error) {
					draft := user("jane")
					title := v.Resource().Body.String("title")
					draft.Body.Set("title", title+"x")
					return draft, nil
				})
				if err != nil {
					t.Errorf("update: %v", err)
				}
			}
		})
	}
	wg.Wait()
	if got := d.get(t, okta, scimsrv.User, made.ID); len(got.Body.String("title")) != writers*rounds {
		t.Errorf("%d of %d updates were kept", len(got.Body.String("title")), writers*rounds)
	}
}

func deleteRunsCheck(t *testing.T, d dir) {
	made := d.create(t, okta, scimsrv.User, user("jane"))
	refused := errors.New("refused")
	err := d.Delete(t.Context(), okta, scimsrv.User, made.ID, func(v scimsrv.View) error {
		if v.Resource().ID != made.ID || v.Resource().Rev != made.Rev {
			t.Errorf("the check sees %s at revision %d", v.Resource().ID, v.Resource().Rev)
		}
		return refused
	})
	if err != refused {
		t.Errorf("delete: error %v, want the error of the check itself", err)
	}
	d.get(t, okta, scimsrv.User, made.ID)
	if err := d.Delete(t.Context(), okta, scimsrv.User, made.ID, func(scimsrv.View) error { return nil }); err != nil {
		t.Fatalf("delete: %v", err)
	}
	if err := d.Delete(t.Context(), okta, scimsrv.User, made.ID, nil); !errors.Is(err, scimsrv.ErrNotFound) {
		t.Errorf("second delete: error %v, want ErrNotFound", err)
	}
	if n, _ := d.Count(t.Context(), okta, scimsrv.User); n != 0 {
		t.Errorf("count is %d after the delete", n)
	}
	same(t, "listed", []string{}, d.selected(t, okta, scimsrv.Query{Type: scimsrv.User}, ""))
}

func deletedUserLeavesGroups(t *testing.T, d dir) {
	jane, john := d.create(t, okta, scimsrv.User, user("jane")), d.create(t, okta, scimsrv.User, user("john"))
	team := d.create(t, okta, scimsrv.Group, group("team", member(jane.ID), member(john.ID)))
	other := d.create(t, okta, scimsrv.Group, group("other", member(john.ID)))
	if err := d.Delete(t.Context(), okta, scimsrv.User, jane.ID, nil); err != nil {
		t.Fatal(err)
	}
	same(t, "members", []string{john.ID}, d.members(t, okta, team.ID))
	if has, err := d.HasMember(t.Context(), okta, team.ID, jane.ID); has || err != nil {
		t.Errorf("the deleted user is a member: %t, %v", has, err)
	}
	if got := d.get(t, okta, scimsrv.Group, team.ID); got.MemberCount != 1 || got.Rev == team.Rev {
		t.Errorf("member count is %d at revision %d, want 1 at another than %d", got.MemberCount, got.Rev, team.Rev)
	}
	if got := d.get(t, okta, scimsrv.Group, other.ID); got.Rev != other.Rev {
		t.Errorf("a group without the user went from revision %d to %d", other.Rev, got.Rev)
	}
	if err := d.Delete(t.Context(), okta, scimsrv.Group, team.ID, nil); err != nil {
		t.Fatal(err)
	}
	got := d.get(t, okta, scimsrv.User, john.ID)
	same(t, "groups", []scimsrv.Member{{Value: other.ID, Display: "other", Type: scimsrv.Group}}, got.Groups)
}

func membersExist(t *testing.T, d dir) {
	jane, john := d.create(t, okta, scimsrv.User, user("jane")), d.create(t, okta, scimsrv.User, user("john"))
	stranger := d.create(t, azure, scimsrv.User, user("stranger"))
	team := d.create(t, okta, scimsrv.Group, group("team", member(jane.ID)))
	for what, id := range map[string]string{"nobody": "nobody", "another source's user": stranger.ID} {
		draft := group("renamed", member(john.ID), member(id))
		draft.Members.Remove = []string{jane.ID}
		var unknown *scimsrv.MemberError
		if _, err := d.Update(t.Context(), okta, scimsrv.Group, team.ID, replace(draft)); !errors.As(err, &unknown) || unknown.ID != id {
			t.Errorf("%s as a member: %v", what, err)
		}
		if _, err := d.Create(t.Context(), okta, scimsrv.Group, group("other", member(id))); !errors.As(err, &unknown) {
			t.Errorf("%s as a member of a new group: %v", what, err)
		}
	}
	same(t, "members", []string{jane.ID}, d.members(t, okta, team.ID))
	if n, err := d.Count(t.Context(), okta, scimsrv.Group); n != 1 || err != nil {
		t.Errorf("%d groups, want 1: %v", n, err)
	}
}

// Whoever is deleted while others add them to groups is a member of none.
func membersAreDeleted(t *testing.T, d dir) {
	const n = 20
	team := d.create(t, okta, scimsrv.Group, group("team"))
	var wg sync.WaitGroup
	for i := range n {
		u := d.create(t, okta, scimsrv.User, user(fmt.Sprintf("u%d", i)))
		wg.Go(func() {
			var unknown *scimsrv.MemberError
			if _, err := d.Update(t.Context(), okta, scimsrv.Group, team.ID, replace(group("team", member(u.ID)))); err != nil && !errors.As(err, &unknown) {
				t.Errorf("add: %v", err)
			}
		})
		wg.Go(func() {
			if err := d.Delete(t.Context(), okta, scimsrv.User, u.ID, nil); err != nil {
				t.Errorf("delete: %v", err)
			}
		})
	}
	wg.Wait()
	same(t, "members", []string{}, d.members(t, okta, team.ID))
	if got := d.get(t, okta, scimsrv.Group, team.ID); got.MemberCount != 0 {
		t.Errorf("member count is %d", got.MemberCount)
	}
}
