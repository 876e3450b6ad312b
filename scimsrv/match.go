package scimsrv

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
)

// matching yields the resources of a scope, in order of creation, beginning after
// the resource with id after. An index is asked where the filter allows it.
func (s *Service) matching(ctx context.Context, c *call, sc *scope, after string) iter.Seq2[Resource, error] {
	q := Query{Type: sc.k.t, NeedGroups: sc.needGroups}
	if sc.f == nil {
		q.Outline = sc.asStored
		return s.dir.Select(ctx, c.caller, q, after)
	}
	found, exact := sc.f.Lookup(sc.k.indexed...)
	if found != nil && len(found) == 0 {
		return func(func(Resource, error) bool) {}
	}
	direct := false
	for _, k := range found {
		direct = direct || k.Attribute == "id" || k.Attribute == "members.value"
		q.Keys = append(q.Keys, Key{Attribute: k.Attribute, Value: k.Value, Unique: k.Attribute == uniqueKey})
	}
	var candidates iter.Seq2[Resource, error]
	switch {
	case direct:
		candidates = s.gather(ctx, c, sc, q, after)
	case !exact && !s.asksDirectory(sc):
		// Nothing but the resource is looked at, so the directory may decide
		// while it holds the resource.
		q.Match = func(res Resource) bool { ok, _ := s.matches(ctx, c, sc, res); return ok }
		return s.dir.Select(ctx, c.caller, q, after)
	default:
		q.Outline = sc.asStored && exact
		candidates = s.dir.Select(ctx, c.caller, q, after)
	}
	if exact {
		return candidates
	}
	return s.filtered(ctx, c, sc, candidates)
}

// filtered yields those candidates that the filter selects.
func (s *Service) filtered(ctx context.Context, c *call, sc *scope, candidates iter.Seq2[Resource, error]) iter.Seq2[Resource, error] {
	return func(yield func(Resource, error) bool) {
		for res, err := range candidates {
			ok := err != nil
			if !ok {
				ok, err = s.matches(ctx, c, sc, res)
			}
			if (ok || err != nil) && !yield(res, err) {
				return
			}
		}
	}
}

// asksDirectory reports whether matching reads the directory itself, which must
// not happen inside a transaction of it.
func (s *Service) asksDirectory(sc *scope) bool { return sc.k.t == Group && sc.f.Uses("members") }

// gather yields candidates that it fetches by id and by membership, for which the directory has methods
// instead of keys. What it finds is little: as many as the filter names, or the
// groups of one user.
func (s *Service) gather(ctx context.Context, c *call, sc *scope, q Query, after string) iter.Seq2[Resource, error] {
	return func(yield func(Resource, error) bool) {
		found, complete, err := s.collect(ctx, c, sc, q)
		if err != nil {
			yield(Resource{}, err)
			return
		}
		if !complete {
			everything := s.dir.Select(ctx, c.caller, Query{Type: q.Type, NeedGroups: q.NeedGroups}, after)
			s.filtered(ctx, c, sc, everything)(yield)
			return
		}
		if at := slices.IndexFunc(found, func(r Resource) bool { return r.ID == after }); at >= 0 {
			found = found[at+1:]
		} else if after != "" {
			yield(Resource{}, ErrNotFound)
			return
		}
		for _, res := range found {
			if !yield(res, nil) {
				return
			}
		}
	}
}

// collect returns what the keys lead to. It is not complete when somebody asks
// for the groups of a group, of which there is no index.
func (s *Service) collect(ctx context.Context, c *call, sc *scope, q Query) (found []Resource, complete bool, err error) {
	seen := map[string]bool{}
	add := func(res Resource, err error) error {
		if err == nil && !seen[res.ID] {
			seen[res.ID] = true
			found = append(found, res)
		}
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		return err
	}
	byKey := Query{Type: q.Type, NeedGroups: q.NeedGroups}
	for _, k := range q.Keys {
		switch k.Attribute {
		case "id":
			err = add(s.dir.Get(ctx, c.caller, q.Type, k.Value))
		case "members.value":
			user, getErr := s.dir.Get(ctx, c.caller, User, k.Value)
			if errors.Is(getErr, ErrNotFound) {
				_, getErr = s.dir.Get(ctx, c.caller, Group, k.Value)
				if getErr == nil {
					return nil, false, nil
				}
				err = add(Resource{}, getErr)
				break
			}
			err = getErr
			for _, g := range user.Groups {
				err = errors.Join(err, add(s.dir.Get(ctx, c.caller, Group, g.Value)))
			}
		default:
			byKey.Keys = append(byKey.Keys, k)
		}
		if err != nil {
			return nil, false, err
		}
	}
	if len(byKey.Keys) > 0 {
		for res, err := range s.dir.Select(ctx, c.caller, byKey, "") {
			if err := add(res, err); err != nil {
				return nil, false, err
			}
		}
	}
	slices.SortFunc(found, func(a, b Resource) int {
		if order := a.Created.Compare(b.Created); order != 0 {
			return order
		}
		return strings.Compare(a.ID, b.ID)
	})
	return found, true, nil
}

// computed are the attributes that are not part of Resource.Body.
var computed = []string{"id", "schemas", "meta", "groups", "members"}

// matches evaluates the filter of a scope.
func (s *Service) matches(ctx context.Context, c *call, sc *scope, res Resource) (bool, error) {
	if !slices.ContainsFunc(computed, sc.f.Uses) {
		return sc.f.Match(res.Body), nil
	}
	o := s.tree(sc.k, res, s.meta(sc.k, res))
	if !s.asksDirectory(sc) {
		return sc.f.Match(o), nil
	}
	if sc.f.NeedsElements() {
		list, err := s.members(ctx, c, res.ID)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return false, err
		}
		o.Set("members", list)
		return sc.f.Match(o), nil
	}
	var failed error
	ok := sc.f.MatchWith(o, func(_, value string) bool {
		has, err := s.dir.HasMember(ctx, c.caller, res.ID, value)
		if err != nil && !errors.Is(err, ErrNotFound) {
			failed = errors.Join(failed, err)
		}
		return has
	})
	return ok, failed
}
