package javelosim

import (
	"net/http"
	"slices"
	"strings"
)

// Group is one group of people in Javelo.
type Group struct {
	ID          string // given by SeedGroups when empty
	DisplayName string
	Members     []string // account ids, in the order they joined
}

type groupJSON struct {
	Schemas     []string      `json:"schemas"`
	ID          string        `json:"id"`
	DisplayName string        `json:"displayName"`
	Members     []elementJSON `json:"members"`
}

// SeedGroups adds groups as if they had been made by hand.
func (s *Sim) SeedGroups(groups []Group) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range groups {
		if g.ID == "" {
			g.ID = s.mint()
		}
		g.Members = slices.Clone(g.Members)
		s.groups = append(s.groups, &g)
	}
}

// Groups returns copies of all groups in the order they were made.
func (s *Sim) Groups() []Group {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Group, 0, len(s.groups))
	for _, g := range s.groups {
		c := *g
		c.Members = slices.Clone(g.Members)
		out = append(out, c)
	}
	return out
}

func renderGroup(g *Group) groupJSON {
	members := make([]elementJSON, 0, len(g.Members))
	for _, id := range g.Members {
		members = append(members, elementJSON{Value: id})
	}
	return groupJSON{[]string{"urn:ietf:params:scim:schemas:core:2.0:Group"}, g.ID, g.DisplayName, members}
}

func (s *Sim) groupsRoute(r *http.Request, body []byte) answer {
	switch r.Method {
	case http.MethodGet:
		return s.listGroups(r)
	case http.MethodPost:
		return s.createGroup(body)
	}
	return notAllowed("GET, POST")
}

func (s *Sim) groupRoute(r *http.Request, id string, body []byte) answer {
	i := slices.IndexFunc(s.groups, func(g *Group) bool { return g.ID == id })
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodPatch:
		return notAllowed("GET, PATCH")
	case i < 0:
		return notFound()
	case r.Method == http.MethodGet:
		return answer{status: http.StatusOK, body: renderGroup(s.groups[i])}
	}
	return s.patchGroup(i, body)
}

func (s *Sim) listGroups(r *http.Request) answer {
	groups := s.groups
	if filter, ok := query(r.URL.Query(), "filter"); ok && s.opts.Filter != FilterIgnored {
		name, err := s.filterValue(filter, "displayName")
		if err != nil {
			return refusal(err)
		}
		groups = nil
		for _, g := range s.groups {
			if strings.EqualFold(g.DisplayName, name) {
				groups = append(groups, g)
			}
		}
	}
	first, last, start := s.page(r.URL.Query(), len(groups))
	out := make([]any, 0, last-first)
	for _, g := range groups[first:last] {
		out = append(out, renderGroup(g))
	}
	return s.renderList(out, len(groups), start)
}

func (s *Sim) createGroup(body []byte) answer {
	doc, err := object(body)
	if err != nil {
		return refusal(err)
	}
	g := &Group{}
	if err := setText(&g.DisplayName, "displayName", member(doc, "displayName")); err != nil {
		return refusal(err)
	}
	if g.DisplayName == "" {
		return refusal(invalid("invalidValue", "displayName is required"))
	}
	ids, err := s.memberIDs(member(doc, "members"))
	if err != nil {
		return refusal(err)
	}
	g.join(ids)
	g.ID = s.mint()
	s.groups = append(s.groups, g)
	return answer{
		status: http.StatusCreated,
		header: http.Header{"Location": {s.opts.Location + "/Groups/" + g.ID}},
		body:   renderGroup(g),
	}
}

func (s *Sim) patchGroup(i int, body []byte) answer {
	doc, err := object(body)
	if err != nil {
		return refusal(err)
	}
	ops, err := operations(doc)
	if err != nil {
		return refusal(err)
	}
	g := *s.groups[i]
	g.Members = slices.Clone(g.Members)
	for _, op := range ops {
		if err := s.applyGroup(&g, op); err != nil {
			return refusal(err)
		}
	}
	s.groups[i] = &g
	if s.opts.PatchNoContent {
		return answer{status: http.StatusNoContent}
	}
	return answer{status: http.StatusOK, body: renderGroup(&g)}
}

func (s *Sim) applyGroup(g *Group, op operation) error {
	switch strings.ToLower(op.path) {
	case "displayname":
		return setText(&g.DisplayName, op.path, op.value)
	case "members":
		if op.op == "remove" && op.value == nil {
			g.Members = nil
			return nil
		}
		ids, err := s.memberIDs(op.value)
		if err != nil {
			return err
		}
		switch op.op {
		case "remove": // a value array beside the path, as production clients send it
			g.Members = slices.DeleteFunc(g.Members, func(id string) bool { return slices.Contains(ids, id) })
			return nil
		case "replace":
			g.Members = nil
		}
		g.join(ids)
		return nil
	case "":
		doc, ok := op.value.(map[string]any)
		if !ok {
			return invalid("invalidValue", "value without a path is not an object")
		}
		for _, k := range sortedKeys(doc) {
			if err := s.applyGroup(g, operation{op.op, k, doc[k]}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (g *Group) join(ids []string) {
	for _, id := range ids {
		if !slices.Contains(g.Members, id) {
			g.Members = append(g.Members, id)
		}
	}
}

// memberIDs reads [{"value": id}] and refuses ids that no account has.
func (s *Sim) memberIDs(value any) ([]string, error) {
	if o, ok := value.(map[string]any); ok {
		value = []any{o}
	}
	list, ok := value.([]any)
	if !ok && value != nil {
		return nil, invalid("invalidValue", "members is not a list")
	}
	ids := make([]string, 0, len(list))
	for _, e := range list {
		o, _ := e.(map[string]any)
		id, _ := member(o, "value").(string)
		if _, ok := s.accounts[id]; !ok {
			return nil, invalid("invalidValue", "member is not a user")
		}
		ids = append(ids, id)
	}
	return ids, nil
}
