package scimsrv

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/schema"
)

// sortAttribute finds what to sort by; nil if the type has no such attribute.
func sortAttribute(c *call, k *kind, name string) *schema.Ref {
	resolve := k.rt.Resolve
	if c.profile.Values(nil).ShortNames {
		resolve = k.rt.ResolveShort
	}
	ref, err := resolve(name)
	if err != nil || ref.Attribute == nil || ref.Attribute.Returned == schema.ReturnedNever {
		return nil
	}
	if ref.Leaf().Type == schema.Complex {
		if ref.Sub = ref.Attribute.SubAttribute("value"); ref.Sub == nil {
			return nil
		}
	}
	return &ref
}

// sortKey is the value of a resource that decides its place.
type sortKey struct {
	missing bool
	text    string
	number  attr.Number
	time    time.Time
}

func (a sortKey) compare(b sortKey) int {
	switch {
	case a.missing != b.missing && a.missing:
		return 1 // RFC 7644 §3.4.2.3: last when ascending, first when descending
	case a.missing != b.missing:
		return -1
	case a.number != "" && b.number != "":
		return a.number.Compare(b.number)
	}
	if order := a.time.Compare(b.time); order != 0 {
		return order
	}
	return cmp.Compare(a.text, b.text)
}

func (s *Service) sortKeyOf(sc *scope, res Resource) sortKey {
	if sc.sortBy == nil {
		return sortKey{missing: true}
	}
	o := res.Body
	if slices.Contains(computed, sc.sortBy.Attribute.Name) {
		o = s.tree(sc.k, res, s.meta(sc.k, res))
	}
	v, _ := sc.sortBy.Get(o)
	if list, ok := v.(attr.Array); ok {
		v = preferred(list)
	}
	if sub, ok := v.(*attr.Object); ok && sc.sortBy.Sub != nil {
		v, _ = sub.Get(sc.sortBy.Sub.Name)
	}
	leaf := sc.sortBy.Leaf()
	switch v := v.(type) {
	case string:
		if t, ok := schema.ParseDateTime(v); ok && leaf.Type == schema.DateTime {
			return sortKey{time: t}
		}
		return sortKey{text: leaf.Fold(v)}
	case bool:
		return sortKey{text: strconv.FormatBool(v)}
	case attr.Number:
		return sortKey{number: v}
	default:
		return sortKey{missing: true}
	}
}

// preferred returns the primary element of a list, else its first.
func preferred(list attr.Array) attr.Value {
	for _, v := range list {
		if o, ok := v.(*attr.Object); ok {
			if primary, _ := o.Get("primary"); primary == true {
				return o
			}
		}
	}
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

// sorted answers with a page of a sorted result (RFC 7644 §3.4.2.3). Only keys
// and ids are kept of all resources; those of the page are read again.
func (s *Service) sorted(c *call, scopes []scope, q search) (*answer, error) {
	type entry struct {
		scope *scope
		id    string
		key   sortKey
	}
	var all []entry
	for i := range scopes {
		sc := &scopes[i]
		for res, err := range s.matching(c.r.Context(), c, sc, "") {
			if err != nil {
				return nil, err
			}
			if len(all) == s.limits.Sorted {
				return nil, refuse(http.StatusBadRequest, tooMany, "more than "+strconv.Itoa(s.limits.Sorted)+
					" resources would have to be sorted; narrow the filter or leave sortBy out")
			}
			all = append(all, entry{sc, res.ID, s.sortKeyOf(sc, res)})
		}
	}
	slices.SortStableFunc(all, func(a, b entry) int {
		if q.descending {
			return b.key.compare(a.key)
		}
		return a.key.compare(b.key)
	})
	offset := q.start - 1
	if q.cursor != nil {
		at, err := decodeCursor(*q.cursor, c, scopes, q)
		if err != nil {
			return nil, err
		}
		offset = at.offset
	}
	from := min(offset, len(all))
	to := min(from+q.count, len(all))
	var page []hit
	for _, e := range all[from:to] {
		res, err := s.dir.Get(c.r.Context(), c.caller, e.scope.k.t, e.id)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		page = append(page, hit{e.scope, res})
	}
	if q.cursor != nil {
		next := ""
		if to < len(all) && q.count > 0 {
			next = encodeCursor(cursor{offset: to}, c, scopes, q)
		}
		return s.cursorResponse(c, page, len(all), next)
	}
	list, err := s.renderAll(c, page)
	if err != nil {
		return nil, err
	}
	return &answer{status: http.StatusOK, body: listResponse(len(all), q.start, list)}, nil
}
