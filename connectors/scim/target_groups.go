package scim

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"rollcall/connectors"
	"rollcall/connectors/wire"
)

var _ connectors.GroupTarget = (*Target)(nil)

const (
	opListGroups  = "list groups"
	opCreateGroup = "create group"
	opUpdateGroup = "update group"
)

// Groups implements connectors.GroupTarget: by startIndex, which every service has,
// without members, which would make the answers long. See [WalkGroups].
func (t *Target) Groups(ctx context.Context) iter.Seq2[connectors.GroupPage, error] {
	return func(yield func(connectors.GroupPage, error) bool) {
		WalkGroups(func(page connectors.GroupPage, err error) bool {
			for i := range page.Groups {
				page.Groups[i].Complete = false
			}
			return yield(page, err)
		}, func(start int) (List, error) { return t.groupPage(ctx, start) }, func(detail string) error { return unusableTarget(opListGroups, "%s", detail) })
	}
}

func (t *Target) groupPage(ctx context.Context, start int) (List, error) {
	q := url.Values{"startIndex": {strconv.Itoa(start)}, "count": {strconv.Itoa(t.pageSize)}, "excludedAttributes": {"members"}}
	var doc Resource
	_, err := t.client.JSON(ctx, wire.Request{Op: opListGroups, Method: http.MethodGet, Path: "Groups", RawQuery: q.Encode(), OK: []int{http.StatusOK}}, &doc)
	if err != nil {
		if err = NoGroups(err); errors.Is(err, connectors.ErrNoGroups) {
			t.learnGroups(No)
		}
		return List{}, refineTarget(err)
	}
	list, err := ListOf(doc)
	if err != nil {
		return List{}, unusableTarget(opListGroups, "the answer is not a list: %v", err)
	}
	t.learnGroups(Yes)
	return list, nil
}

// CreateGroup implements connectors.GroupTarget.
func (t *Target) CreateGroup(ctx context.Context, name string, members []string) (connectors.Group, error) {
	body := Resource{"schemas": []string{CoreGroup}, "displayName": name, "members": MemberValues(members)}
	var answer Resource
	_, err := t.client.JSON(ctx, wire.Request{Op: opCreateGroup, Method: http.MethodPost, Path: "Groups", Body: body, ContentType: MediaType}, &answer)
	if err != nil {
		return connectors.Group{}, refineTarget(NoGroups(err))
	}
	g := GroupOf(answer)
	if g.ID == "" {
		return g, unusableTarget(opCreateGroup, "the answer is not a group")
	}
	return g, nil
}

// UpdateGroup implements connectors.GroupTarget: one PATCH in the words of RFC 7644
// §3.5.2 or, where that is not offered, one read and one PUT of what was read with the
// difference put in.
func (t *Target) UpdateGroup(ctx context.Context, id, name string, add, remove []string) error {
	if name == "" && len(add)+len(remove) == 0 {
		return nil
	}
	offers, err := t.Discover(ctx)
	if err != nil {
		return err
	}
	if offers.Patch {
		err = t.patchGroup(ctx, id, name, add, remove)
		if status := statusOf(err); status != http.StatusMethodNotAllowed && status != http.StatusNotImplemented {
			return refineTarget(err)
		}
		t.learn(func(o *Offers) { o.Patch = false })
	}
	return refineTarget(t.replaceGroup(ctx, id, name, add, remove))
}

func (t *Target) patchGroup(ctx context.Context, id, name string, add, remove []string) error {
	var ops []operation
	if name != "" {
		ops = append(ops, operation{"replace", "displayName", name})
	}
	for _, m := range remove {
		ops = append(ops, operation{Op: "remove", Path: fmt.Sprintf(`members[value eq "%s"]`, strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(m))})
	}
	if len(add) > 0 {
		ops = append(ops, operation{"add", "members", MemberValues(add)})
	}
	var answer Resource
	_, err := t.client.JSON(ctx, wire.Request{Op: opUpdateGroup, Method: http.MethodPatch, Path: groupPath(id), Body: patchBody{[]string{PatchMessage}, ops}, ContentType: MediaType}, &answer)
	return err
}

func (t *Target) replaceGroup(ctx context.Context, id, name string, add, remove []string) error {
	var now Resource
	if _, err := t.client.JSON(ctx, wire.Request{Op: "read group", Method: http.MethodGet, Path: groupPath(id), OK: []int{http.StatusOK}}, &now); err != nil {
		return err
	}
	g := GroupOf(now)
	if g.ID != id || !g.Complete {
		return unusableTarget("read group", "the answer is about another group, or without its members")
	}
	members := slices.DeleteFunc(g.Members, func(m string) bool { return slices.Contains(remove, m) || slices.Contains(add, m) })
	body := replaceable(now)
	k, _ := spelling(body, "members")
	body[k] = MemberValues(append(members, add...))
	if name != "" {
		k, _ := spelling(body, "displayName")
		body[k] = name
	}
	var answer Resource
	_, err := t.client.JSON(ctx, wire.Request{Op: opUpdateGroup, Method: http.MethodPut, Path: groupPath(id), Body: body, ContentType: MediaType}, &answer)
	return err
}

func groupPath(id string) string { return "Groups/" + url.PathEscape(id) }

func (t *Target) learnGroups(a Answer) {
	if o := t.offers.Load(); o != nil && o.Groups != a {
		t.learn(func(o *Offers) { o.Groups = a })
	}
}
