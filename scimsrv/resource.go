package scimsrv

import (
	"errors"
	"iter"
	"net/http"

	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/patch"
	"rollcall/scimsrv/quirk"
	"rollcall/scimsrv/schema"
)

// The methods below come in pairs: one reads the request, the other, which bulk
// operations use too, does the work.

func (s *Service) getOne(c *call, k *kind) (*answer, error) {
	p, err := c.projection()
	if err != nil {
		return nil, err
	}
	id, err := c.id()
	if err != nil {
		return nil, err
	}
	res, err := s.dir.Get(c.r.Context(), c.caller, k.t, id)
	if err != nil {
		return nil, err
	}
	if cond := conditionOf(c.r.Header); cond.ifNoneMatch != nil && names(cond.ifNoneMatch, res.Rev) {
		return &answer{status: http.StatusNotModified, etag: entityTag(res.Rev)}, nil
	}
	a, err := s.resource(c.r.Context(), c, k, http.StatusOK, res, p)
	if a != nil {
		a.location = "" // meta.location says it; a 200 is where it is
	}
	return a, err
}

func (s *Service) post(c *call, k *kind) (*answer, error) {
	p, err := c.projection()
	if err != nil {
		return nil, err
	}
	tree, err := s.readBody(c, s.limits.BodyBytes)
	if err != nil {
		return nil, err
	}
	return s.create(c, k, tree, p)
}

// create stores a new resource (RFC 7644 §3.3). The sender's id is ignored.
func (s *Service) create(c *call, k *kind, tree *attr.Object, p projection) (*answer, error) {
	ctx := c.r.Context()
	body, err := c.received(k, tree, schema.Create)
	if err != nil {
		return nil, err
	}
	members, err := s.known(ctx, c, "", takeMembers(body))
	if err != nil {
		return nil, err
	}
	res, err := s.dir.Create(ctx, c.caller, k.t, k.draft(c.profile, body, MemberChange{Add: members}))
	var taken *UniqueError
	if errors.As(err, &taken) && k.t == User && c.profile.RestoreOnPost {
		res, err = s.restore(c, k, taken, body)
	}
	if err != nil {
		return nil, err
	}
	return s.resource(ctx, c, k, http.StatusCreated, res, p)
}

// received rewrites and validates the body of a POST or PUT.
func (c *call) received(k *kind, tree *attr.Object, mode schema.Mode) (*attr.Object, error) {
	tree, applied := c.profile.RewriteResource(k.rt, tree)
	c.applied.Note(applied...)
	return k.rt.Validate(tree, mode, c.profile.Values(c.applied.Noted))
}

// restore brings back an inactive user that Okta creates again after it was
// unassigned, under the id it had: a 409 stops Okta's task for that person until
// somebody clears it by hand. An active one stays a conflict, and so does one with
// another externalId: that is somebody else whose name is used again, and nobody
// inherits a leaver's account.
func (s *Service) restore(c *call, k *kind, taken *UniqueError, body *attr.Object) (Resource, error) {
	if active, _ := body.Get("active"); taken.Attribute != "username" || active == false {
		return Resource{}, taken
	}
	res, err := s.dir.Update(c.r.Context(), c.caller, k.t, taken.Holder, func(v View) (Draft, error) {
		was := v.Resource().Body
		if active, _ := was.Get("active"); active != false {
			return Draft{}, taken
		}
		if before, now := was.String("externalId"), body.String("externalId"); before != "" && now != "" && before != now {
			return Draft{}, taken
		}
		return k.draft(c.profile, body, MemberChange{}), nil
	})
	if errors.Is(err, ErrNotFound) {
		return Resource{}, taken // deleted meanwhile; the next attempt creates it
	}
	if err == nil {
		c.applied.Note("inactive-user-restored")
	}
	return res, err
}

func (s *Service) put(c *call, k *kind) (*answer, error) {
	id, err := c.id()
	if err != nil {
		return nil, err
	}
	p, err := c.projection()
	if err != nil {
		return nil, err
	}
	tree, err := s.readBody(c, s.limits.BodyBytes)
	if err != nil {
		return nil, err
	}
	return s.replace(c, k, id, tree, conditionOf(c.r.Header), p)
}

// replace stores another version of a resource (RFC 7644 §3.5.1). What the sender
// leaves out is cleared, except active and a group's members: nobody is let back
// in and no group is emptied by silence.
func (s *Service) replace(c *call, k *kind, id string, tree *attr.Object, cond condition, p projection) (*answer, error) {
	ctx := c.r.Context()
	body, err := c.received(k, tree, schema.Replace)
	if err != nil {
		return nil, err
	}
	var want MemberChange
	members := takeMembers(body)
	if _, said := tree.Get("members"); said && k.t == Group {
		found, err := s.known(ctx, c, id, members)
		if err != nil {
			return nil, err
		}
		want = MemberChange{Clear: true, Add: found}
	}
	res, err := s.dir.Update(ctx, c.caller, k.t, id, func(v View) (Draft, error) {
		cur := v.Resource()
		if err := cond.check(cur.Rev); err != nil {
			return Draft{}, err
		}
		next := body.Clone()
		if k.t == User && quirk.KeepOmitted(cur.Body, next) {
			next = k.rt.Arranged(next)
		}
		if err := k.rt.CheckImmutable(cur.Body, next); err != nil {
			return Draft{}, err
		}
		change, differs := delta(v, want)
		if !differs && attr.EqualSets(cur.Body, next) {
			return Draft{}, ErrUnchanged
		}
		return k.draft(c.profile, next, change), nil
	})
	if err != nil {
		return nil, err
	}
	return s.resource(ctx, c, k, http.StatusOK, res, p)
}

func (s *Service) patch(c *call, k *kind) (*answer, error) {
	id, err := c.id()
	if err != nil {
		return nil, err
	}
	p, err := c.projection()
	if err != nil {
		return nil, err
	}
	tree, err := s.readBody(c, s.limits.BodyBytes)
	if err != nil {
		return nil, err
	}
	return s.modify(c, k, id, tree, conditionOf(c.r.Header), p)
}

// modify applies a PATCH (RFC 7644 §3.5.2).
func (s *Service) modify(c *call, k *kind, id string, tree *attr.Object, cond condition, p projection) (*answer, error) {
	ctx := c.r.Context()
	opt := c.profile.Patch(id, c.applied.Noted)
	ops, err := patch.Parse(tree, opt)
	if err != nil {
		return nil, err
	}
	ops, applied := c.profile.RewriteOps(k.rt, ops)
	c.applied.Note(applied...)
	var memberOps patch.MemberOps
	var found []Member
	if k.t == Group {
		if memberOps, ops, err = patch.SplitMembers(k.rt, ops, opt); err != nil {
			return nil, err
		}
		added := fromPatch(memberOps.Change(nil), nil).Add
		if found, err = s.known(ctx, c, id, added); err != nil {
			return nil, err
		}
	}
	res, err := s.dir.Update(ctx, c.caller, k.t, id, func(v View) (Draft, error) {
		cur := v.Resource()
		if err := cond.check(cur.Rev); err != nil {
			return Draft{}, err
		}
		next, changed, err := patch.Apply(k.rt, cur.Body, ops, opt)
		if err != nil {
			return Draft{}, err
		}
		change, differs := delta(v, fromPatch(memberOps.Change(storedMembers(v)), found))
		if !changed && !differs {
			return Draft{}, ErrUnchanged
		}
		return k.draft(c.profile, next, change), nil
	})
	if err != nil {
		return nil, err
	}
	// 204 is as good as 200 by RFC 7644 §3.5.2, unless attributes are asked for. A
	// long member list is nothing to send back unasked.
	if k.t == Group && !p.request && (c.profile.GroupPatchNoContent || res.MemberCount > s.limits.MaxPageSize) {
		return &answer{status: http.StatusNoContent, etag: entityTag(res.Rev)}, nil
	}
	return s.resource(ctx, c, k, http.StatusOK, res, p)
}

func storedMembers(v View) iter.Seq[patch.Member] {
	return func(yield func(patch.Member) bool) {
		for m := range v.Members() {
			if !yield(patch.Member{Value: m.Value, Display: m.Display, Type: string(m.Type)}) {
				return
			}
		}
	}
}

func (s *Service) deleteOne(c *call, k *kind) (*answer, error) {
	id, err := c.id()
	if err != nil {
		return nil, err
	}
	return s.remove(c, k, id, conditionOf(c.r.Header))
}

// remove deletes a resource (RFC 7644 §3.6).
func (s *Service) remove(c *call, k *kind, id string, cond condition) (*answer, error) {
	err := s.dir.Delete(c.r.Context(), c.caller, k.t, id, func(v View) error { return cond.check(v.Resource().Rev) })
	if err != nil {
		return nil, err
	}
	s.marks.forget(c.caller.Source, k.t)
	return &answer{status: http.StatusNoContent}, nil
}
