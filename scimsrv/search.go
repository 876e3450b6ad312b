package scimsrv

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/filter"
	"rollcall/scimsrv/schema"
)

// Message schemas of RFC 7644 §3.4.2 and §3.4.3.
const (
	listResponseURN  = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	searchRequestURN = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
)

// search is a query for resources, from the parameters of a GET or the body of a
// POST to .search.
type search struct {
	filter     string
	sortBy     string
	descending bool
	start      int // 1 for the first
	count      int
	cursor     *string // RFC 9865; nil: by index
	projection projection
}

// scope is one resource type within a search.
type scope struct {
	k          *kind
	f          *filter.Filter // nil: all
	sortBy     *schema.Ref    // nil: this type has no such attribute
	selection  *selection
	needGroups bool
	asStored   bool // of what is found nothing but the answer is made, with all its values as they are
}

func (s *Service) getList(c *call, k *kind) (*answer, error) {
	q, err := s.searchOf(c, c.query.Get, c.query.Has)
	if err != nil {
		return nil, err
	}
	if q.projection, err = c.projection(); err != nil {
		return nil, err
	}
	return s.search(c, []*kind{k}, q)
}

func (s *Service) postSearch(c *call, k *kind) (*answer, error) {
	return s.searchByBody(c, []*kind{k})
}

func (s *Service) postRootSearch(c *call) (*answer, error) {
	return s.searchByBody(c, []*kind{s.users, s.groups})
}

func (s *Service) searchByBody(c *call, kinds []*kind) (*answer, error) {
	tree, err := s.readBody(c, s.limits.BodyBytes)
	if err != nil {
		return nil, err
	}
	if err := c.isMessage(tree, searchRequestURN); err != nil {
		return nil, err
	}
	get := func(name string) string {
		switch v, _ := tree.Get(name); v := v.(type) {
		case string:
			return v
		case attr.Number:
			return string(v)
		default:
			return ""
		}
	}
	has := func(name string) bool { v, _ := tree.Get(name); return v != nil }
	q, err := s.searchOf(c, get, has)
	if err != nil {
		return nil, err
	}
	if q.projection, err = newProjection(nameList(texts(tree, "attributes")), nameList(texts(tree, "excludedAttributes"))); err != nil {
		return nil, err
	}
	return s.search(c, kinds, q)
}

// texts returns a member that is a list of texts, or one of them.
func texts(tree *attr.Object, name string) []string {
	v, _ := tree.Get(name)
	list, ok := v.(attr.Array)
	if !ok {
		list = attr.Array{v}
	}
	var all []string
	for _, e := range list {
		if s, ok := e.(string); ok {
			all = append(all, s)
		}
	}
	return all
}

func (s *Service) searchOf(c *call, get func(string) string, has func(string) bool) (search, error) {
	q := search{filter: get("filter"), sortBy: get("sortBy"), start: 1, count: s.limits.PageSize}
	if has("filter") && strings.TrimSpace(q.filter) == "" {
		return search{}, refuse(http.StatusBadRequest, schema.InvalidFilter, "filter is empty; leave it out to get everything")
	}
	switch order := get("sortOrder"); {
	case strings.EqualFold(order, "descending"):
		q.descending = true
	case order != "" && !strings.EqualFold(order, "ascending"):
		return search{}, refuse(http.StatusBadRequest, schema.InvalidValue, "sortOrder is ascending or descending")
	}
	if has("cursor") {
		cursor := get("cursor")
		q.cursor = &cursor
	}
	if has("startIndex") {
		n, ok := wholeNumber(get("startIndex"))
		if !ok || q.cursor != nil {
			return search{}, refuse(http.StatusBadRequest, schema.InvalidValue, "startIndex is a whole number, and not sent together with cursor")
		}
		q.start = max(1, n) // RFC 7644 §3.4.2.4: less than 1 is 1
	}
	if has("count") {
		n, ok := wholeNumber(get("count"))
		switch {
		case q.cursor != nil && (!ok || n > s.limits.MaxPageSize): // RFC 9865 §2.1
			return search{}, refuse(http.StatusBadRequest, invalidCount, "count with a cursor is a whole number up to "+strconv.Itoa(s.limits.MaxPageSize))
		case !ok:
			return search{}, refuse(http.StatusBadRequest, schema.InvalidValue, "count is a whole number")
		}
		q.count = min(max(0, n), s.limits.MaxPageSize) // negative is 0, also with a cursor (RFC 9865 §2)
	}
	return q, nil
}

// wholeNumber reads an integer; one beyond all lists is as good as the largest.
func wholeNumber(text string) (int, bool) {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
	return int(n), err == nil || errors.Is(err, strconv.ErrRange)
}

// search types the query for each resource type and runs it.
func (s *Service) search(c *call, kinds []*kind, q search) (*answer, error) {
	scopes, err := s.scopes(c, kinds, q)
	if err != nil {
		return nil, err
	}
	switch {
	case q.sortBy != "":
		return s.sorted(c, scopes, q)
	case q.cursor != nil:
		return s.byCursor(c, scopes, q)
	default:
		return s.byIndex(c, scopes, q)
	}
}

func (s *Service) scopes(c *call, kinds []*kind, q search) ([]scope, error) {
	limits, options := c.profile.Filter()
	options.External = "members"
	var expr filter.Expr
	if q.filter != "" {
		var err error
		if expr, err = filter.Parse(q.filter, limits); err != nil {
			return nil, err
		}
		c.filter, c.filterText = expr, q.filter
	}
	scopes := make([]scope, 0, len(kinds))
	var refused error
	for _, k := range kinds {
		sc := scope{k: k, selection: q.projection.resolve(k.rt)}
		if expr != nil {
			f, err := filter.Compile(expr, k.rt, options)
			if err != nil { // a filter on users' attributes selects no groups
				refused = err
				continue
			}
			sc.f = f
		}
		sc.needGroups = k.t == User && (sc.selection.wants(k.rt, "groups") || sc.f != nil && sc.f.Uses("groups"))
		sc.asStored = q.sortBy == "" && sc.selection.everything(k)
		if q.sortBy != "" {
			sc.sortBy = sortAttribute(c, k, q.sortBy)
		}
		scopes = append(scopes, sc)
	}
	if len(scopes) == 0 {
		return nil, refused
	}
	for i, sc := range scopes {
		if q.sortBy == "" || sc.sortBy != nil {
			break
		}
		if i == len(scopes)-1 && !c.profile.IgnoreUnknown {
			return nil, refuse(http.StatusBadRequest, schema.InvalidPath, "sortBy names no attribute that can be sorted by")
		}
	}
	return scopes, nil
}

// hit is one resource of a result.
type hit struct {
	scope *scope
	res   Resource
}

func (s *Service) renderAll(c *call, hits []hit) (attr.Array, error) {
	list := make(attr.Array, len(hits))
	for i, h := range hits {
		if h.scope.k.t == User && h.scope.selection.everything(h.scope.k) {
			list[i] = s.written(h.scope.k, h.res)
			continue
		}
		o, err := s.render(c.r.Context(), c, h.scope.k, h.res, h.scope.selection)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, err
		}
		if o == nil { // deleted while it was being read: it is shown without members
			o = h.scope.selection.apply(h.scope.k, s.tree(h.scope.k, h.res, s.meta(h.scope.k, h.res)))
		}
		list[i] = o
	}
	return list, nil
}

var listSchemas attr.Value = attr.Strings(listResponseURN)

func listResponse(total, start int, resources attr.Array) *attr.Object {
	return attr.NewObject(
		attr.Member{Name: "schemas", Value: listSchemas},
		attr.Member{Name: "totalResults", Value: number(total)},
		attr.Member{Name: "startIndex", Value: number(start)},
		attr.Member{Name: "itemsPerPage", Value: number(len(resources))},
		attr.Member{Name: "Resources", Value: resources},
	)
}

func number(n int) attr.Number { return attr.Number(strconv.Itoa(n)) }
