package javelo

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"rollcall/connectors"
	"rollcall/connectors/scim"
	"rollcall/connectors/wire"
)

var _ connectors.GroupTarget = (*Target)(nil)

const (
	opListGroups  = "list groups"
	opCreateGroup = "create group"
	opUpdateGroup = "update group"
)

// Groups implements connectors.GroupTarget. It pages as [Target.List] does; see
// [scim.WalkGroups].
func (t *Target) Groups(ctx context.Context) iter.Seq2[connectors.GroupPage, error] {
	return func(yield func(connectors.GroupPage, error) bool) {
		scim.WalkGroups(yield, func(start int) (scim.List, error) { return t.groupPage(ctx, start) }, func(detail string) error { return unusable(opListGroups, "%s", detail) })
	}
}

func (t *Target) groupPage(ctx context.Context, start int) (scim.List, error) {
	query := url.Values{"start_index": {strconv.Itoa(start)}, "startIndex": {strconv.Itoa(start)}, "count": {strconv.Itoa(t.pageSize)}}.Encode()
	var doc scim.Resource
	if _, err := t.client.JSON(ctx, wire.Request{Op: opListGroups, Method: http.MethodGet, Path: "Groups", RawQuery: query, OK: []int{http.StatusOK}}, &doc); err != nil {
		return scim.List{}, refine(t.noGroups("cannot be listed", err))
	}
	list, err := scim.ListOf(doc)
	if err != nil {
		return scim.List{}, unusable(opListGroups, "the answer is not a list: %v", err)
	}
	return list, nil
}

// CreateGroup implements connectors.GroupTarget. That POST /Groups makes a group is
// inferred from what identity providers push to Javelo (unverified); where it is not
// taken, make the group in Javelo, and it is taken over by its name.
func (t *Target) CreateGroup(ctx context.Context, name string, members []string) (connectors.Group, error) {
	body := scim.Resource{"schemas": []string{scim.CoreGroup}, "displayName": name, "members": scim.MemberValues(members)}
	var answer scim.Resource
	_, err := t.client.JSON(ctx, wire.Request{Op: opCreateGroup, Method: http.MethodPost, Path: "Groups", Body: body, ContentType: scim.MediaType}, &answer)
	if err != nil {
		return connectors.Group{}, refine(t.noGroups("cannot be made", err))
	}
	g := scim.GroupOf(answer)
	if g.ID == "" {
		return g, unusable(opCreateGroup, "the answer is not a group")
	}
	t.learn(func(s *seen) { s.Groups = "can be listed and made" })
	return g, nil
}

// UpdateGroup implements connectors.GroupTarget: one PATCH, removals first, with the
// members beside the path as a client in production writes them.
func (t *Target) UpdateGroup(ctx context.Context, id, name string, add, remove []string) error {
	var ops []operation
	if name != "" {
		ops = append(ops, operation{"Replace", "displayName", name})
	}
	if len(remove) > 0 {
		ops = append(ops, operation{"remove", "members", scim.MemberValues(remove)})
	}
	if len(add) > 0 {
		ops = append(ops, operation{"add", "members", scim.MemberValues(add)})
	}
	if len(ops) == 0 {
		return nil
	}
	var answer scim.Resource
	_, err := t.client.JSON(ctx, wire.Request{
		Op: opUpdateGroup, Method: http.MethodPatch, Path: "Groups/" + url.PathEscape(id),
		Body: patch{[]string{scim.PatchMessage}, ops}, ContentType: scim.MediaType,
	}, &answer)
	if err != nil {
		return refine(err)
	}
	if answer != nil && scim.GroupOf(answer).ID != id {
		return unusable(opUpdateGroup, "the answer is about another group")
	}
	return nil
}

// noGroups tells a service that takes no groups from other trouble, and notes it.
func (t *Target) noGroups(what string, err error) error {
	if err = scim.NoGroups(err); errors.Is(err, connectors.ErrNoGroups) {
		t.learn(func(s *seen) { s.Groups = what })
	}
	return err
}
