package scimtargetsim

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const coreGroup = "urn:ietf:params:scim:schemas:core:2.0:Group"

// Group is one group as the service holds it.
type Group struct {
	ID, Name string
	Members  []string // user ids
}

// SeedGroup adds a group as an administrator would on the screen, and returns its id.
func (s *Sim) SeedGroup(name string, members ...string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := &Group{ID: s.mint(), Name: name, Members: slices.Clone(members)}
	s.groups = append(s.groups, g)
	return g.ID
}

// Groups returns copies of all groups in the order they were made.
func (s *Sim) Groups() []Group {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Group, len(s.groups))
	for i, g := range s.groups {
		out[i] = Group{g.ID, g.Name, slices.Clone(g.Members)}
	}
	return out
}

// groupsRoute answers everything below /Groups. The caller holds s.mu.
func (s *Sim) groupsRoute(r *http.Request, id string, body []byte) answer {
	if id == "" {
		switch r.Method {
		case http.MethodGet:
			return s.listGroups(r.URL.Query())
		case http.MethodPost:
			return s.writeGroup(&Group{}, body, true)
		}
		return refuse(http.StatusMethodNotAllowed, "", "Method not allowed")
	}
	i := slices.IndexFunc(s.groups, func(g *Group) bool { return g.ID == id })
	switch {
	case i < 0:
		return refuse(http.StatusNotFound, "", "Resource not found")
	case r.Method == http.MethodGet:
		return answer{status: http.StatusOK, body: renderGroup(s.groups[i], true)}
	case r.Method == http.MethodPatch && s.opts.NoPatch, r.Method == http.MethodPut && s.opts.NoPut:
		return refuse(http.StatusNotImplemented, "", "Method is not supported")
	case r.Method == http.MethodPut:
		return s.writeGroup(s.groups[i], body, false)
	case r.Method == http.MethodPatch:
		return s.patchGroup(s.groups[i], body)
	}
	return refuse(http.StatusMethodNotAllowed, "", "Method not allowed")
}

func (s *Sim) listGroups(q url.Values) answer {
	count, start := s.opts.MaxCount, 1
	if n, err := strconv.Atoi(q.Get("count")); err == nil {
		count = min(max(0, n), count)
	}
	if n, err := strconv.Atoi(q.Get("startIndex")); err == nil {
		start = max(1, n)
	}
	first := min(start-1, len(s.groups))
	page := s.groups[first : first+min(count, len(s.groups)-first)]
	resources := make([]any, len(page))
	for i, g := range page {
		resources[i] = renderGroup(g, q.Get("excludedAttributes") != "members")
	}
	return answer{status: http.StatusOK, body: map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:ListResponse"},
		"totalResults": len(s.groups), "itemsPerPage": len(resources), "startIndex": start, "Resources": resources}}
}

func renderGroup(g *Group, members bool) map[string]any {
	doc := map[string]any{"schemas": []string{coreGroup}, "id": g.ID, "displayName": g.Name}
	if members && len(g.Members) > 0 {
		list := make([]any, len(g.Members))
		for i, m := range g.Members {
			list[i] = map[string]any{"value": m, "type": "User"}
		}
		doc["members"] = list
	}
	return doc
}

// writeGroup is POST and PUT.
func (s *Sim) writeGroup(g *Group, body []byte, fresh bool) answer {
	doc, err := object(body)
	if err != nil {
		return refusal(err)
	}
	name := textOf(member(doc, "displayName"))
	if name == "" {
		return refusal(invalid("invalidValue", "Attribute displayName is required"))
	}
	members, err := s.members(member(doc, "members"))
	if err != nil {
		return refusal(err)
	}
	g.Name, g.Members = name, join(nil, members)
	if !fresh {
		return answer{status: http.StatusOK, body: renderGroup(g, true)}
	}
	g.ID = s.mint()
	s.groups = append(s.groups, g)
	return answer{status: http.StatusCreated, body: renderGroup(g, true)}
}

// patchGroup does all operations or none.
func (s *Sim) patchGroup(g *Group, body []byte) answer {
	doc, err := object(body)
	if err != nil {
		return refusal(err)
	}
	now := Group{g.ID, g.Name, slices.Clone(g.Members)}
	list, _ := member(doc, "Operations").([]any)
	if len(list) == 0 {
		return refusal(invalid("invalidSyntax", "Operations is missing"))
	}
	for _, v := range list {
		o, _ := v.(map[string]any)
		op, path, value := strings.ToLower(textOf(member(o, "op"))), textOf(member(o, "path")), member(o, "value")
		switch {
		case op == "replace" && strings.EqualFold(path, "displayName") && textOf(value) != "":
			now.Name = textOf(value)
		case op == "add" && strings.EqualFold(path, "members"):
			members, err := s.members(value)
			if err != nil {
				return refusal(err)
			}
			now.Members = join(now.Members, members)
		case op == "remove" && strings.HasPrefix(path, "members[value eq "):
			var id string
			if json.Unmarshal([]byte(strings.TrimSuffix(strings.TrimPrefix(path, "members[value eq "), "]")), &id) != nil {
				return refusal(invalid("invalidPath", "Path is not valid"))
			}
			now.Members = slices.DeleteFunc(now.Members, func(m string) bool { return m == id })
		default:
			return refusal(invalid("invalidPath", "Path is not valid"))
		}
	}
	*g = now
	if s.opts.NoContent {
		return answer{status: http.StatusNoContent}
	}
	return answer{status: http.StatusOK, body: renderGroup(g, true)}
}

// members reads the value of the attribute members. Who is no user is refused, or
// left out (Options.IgnoreMembers).
func (s *Sim) members(value any) ([]string, error) {
	list, ok := value.([]any)
	if value != nil && !ok {
		return nil, invalid("invalidValue", "Attribute members must be a list")
	}
	var out []string
	for _, v := range list {
		o, _ := v.(map[string]any)
		id := textOf(member(o, "value"))
		if _, known := s.users[id]; !known {
			if s.opts.IgnoreMembers {
				continue
			}
			return nil, invalid("invalidValue", "Attribute members has a value that is no user of this service")
		}
		out = append(out, id)
	}
	return out, nil
}

func join(members, more []string) []string {
	for _, m := range more {
		if !slices.Contains(members, m) {
			members = append(members, m)
		}
	}
	return members
}
