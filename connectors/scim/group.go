package scim

import (
	"errors"
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
