package scim

import (
	"errors"
	"fmt"
	"net/http"

	"rollcall/connectors"
)

// CoreGroup is the schema of groups (RFC 7643 §4.2).
const CoreGroup = "urn:ietf:params:scim:schemas:core:2.0:Group"

// GroupOf reads a group; its ID is empty when the resource is none. Members are
// complete when the service answered with the attribute.
func GroupOf(r Resource) connectors.Group {
	var g connectors.Group
	g.ID, _ = (Path{Name: "id"}).Read(r)
	g.Name, _ = (Path{Name: "displayName"}).Read(r)
	if g.Name == "" {
		return connectors.Group{}
	}
	v, said := member(r, "members")
	list, isList := v.([]any)
	for _, e := range list {
		o, _ := e.(map[string]any)
		id, _ := member(o, "value")
		if s, ok := text(id); ok && s != "" {
			g.Members = append(g.Members, s)
		}
	}
	g.Complete = said && (isList || v == nil)
	return g
}

// MemberValues is the value of the attribute members.
func MemberValues(ids []string) []any {
	out := make([]any, len(ids))
	for i, id := range ids {
		out[i] = map[string]any{"value": id}
	}
	return out
}

// NoGroups makes of an error of a request to /Groups what it is when that does not
// exist: a service that takes no groups, whose accounts are another matter.
func NoGroups(err error) error {
	e, ok := errors.AsType[*connectors.Error](err)
	if !ok {
		return err
	}
	switch e.Status {
	case http.StatusNotFound, http.StatusGone, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		e.Class, e.Err = connectors.Invalid, connectors.ErrNoGroups
		e.Next = "Take out groups = true, or make the groups there: one of the same name is taken over where they can be listed"
	}
	return err
}

// WalkGroups yields all groups of a service, page after page, advancing by what really
// came. page fetches from the 1-based start on; its errors are yielded as they are. A
// group that repeats, or a count that is not the total, ends the walk in an error made
// by broken.
func WalkGroups(yield func(connectors.GroupPage, error) bool, page func(start int) (List, error), broken func(detail string) error) {
	seen, received := map[string]bool{}, 0
	for range maxTargetPages {
		list, err := page(received + 1)
		if err != nil {
			yield(connectors.GroupPage{}, err)
			return
		}
		var out connectors.GroupPage
		for _, r := range list.Resources {
			g := GroupOf(r)
			if g.ID == "" || seen[g.ID] {
				yield(connectors.GroupPage{}, broken("a group without id, or listed twice: the service may ignore where a page begins"))
				return
			}
			seen[g.ID] = true
			out.Groups = append(out.Groups, g)
		}
		received += len(list.Resources)
		out.Last = len(list.Resources) == 0 || list.Total >= 0 && received >= list.Total
		if out.Last && list.Total >= 0 && received != list.Total {
			yield(connectors.GroupPage{}, broken(fmt.Sprintf("%d groups were listed, the service counts %d", received, list.Total)))
			return
		}
		if !yield(out, nil) || out.Last {
			return
		}
	}
	yield(connectors.GroupPage{}, broken(fmt.Sprintf("no end after %d pages", maxTargetPages)))
}
