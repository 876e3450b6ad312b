package ingest

import (
	"slices"
	"strings"

	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
)

// Two groups that ask for one name in a target are a conflict: duplicate_group. Its
// answers are decisions that [Engine.LookGroup] rules by.

func ruleDispute(target string) string {
	return "another group of this name is delivered to " + target + " already"
}

// disputeOf is the question that a group asks for whose name another one has.
func disputeOf(key store.TargetGroup, holder model.GroupRef) model.Conflict {
	q := model.Conflict{Kind: model.DuplicateGroup, Target: key.Target, Identifiers: []model.Identifier{{Kind: "group", Value: key.GroupRef.String()}},
		Rule: ruleDispute(key.Target), Groups: []model.GroupRef{holder, key.GroupRef}}
	q.ID = reconcile.ConflictIDOf(q)
	return q
}

// endDispute closes the question of a group that asks for nobody's name.
func (c *change) endDispute(key store.TargetGroup) error {
	old, open, err := store.Conflicts.Get(c.tx, disputeOf(key, model.GroupRef{}).ID)
	if err != nil || !open {
		return err
	}
	return c.closeConflict(old)
}

// wakeGroups has those looked at again that wait for a name in a target: of a group
// that gave it up, or because it is disputed.
func (c *change) wakeGroups(target string) error {
	var waiting []store.TargetGroup
	for j, err := range store.GroupJobs.Each(c.tx, store.Prefix(target)) {
		if err != nil {
			return err
		}
		key := store.TargetGroup{Target: target, GroupRef: j.GroupRef}
		if j.State == model.JobReady && j.Attempts == 0 && !j.NotBefore.IsZero() || store.Conflicts.Has(c.tx, disputeOf(key, model.GroupRef{}).ID) {
			waiting = append(waiting, key)
		}
	}
	for _, key := range waiting {
		if err := c.readyGroup(key); err != nil {
			return err
		}
	}
	return nil
}

// touchDecidedWith has those looked at whose members or name depend on a group by
// decisions.
func (c *change) touchDecidedWith(key store.TargetGroup) error {
	seen := map[model.GroupRef]bool{key.GroupRef: true}
	for todo := []model.GroupRef{key.GroupRef}; len(todo) > 0; todo = todo[1:] {
		others, err := decidedWith(c.tx, store.TargetGroup{Target: key.Target, GroupRef: todo[0]})
		if err != nil {
			return err
		}
		for _, ref := range others {
			if seen[ref] {
				continue
			}
			seen[ref] = true
			todo = append(todo, ref)
			if err := c.readyGroup(store.TargetGroup{Target: key.Target, GroupRef: ref}); err != nil {
				return err
			}
		}
	}
	return nil
}

// decideGroups carries out what decisions about groups change: who has the target's
// group from now on, and which questions are settled. undone says that they were
// taken back.
func (c *change) decideGroups(decisions []model.Decision, undone bool) error {
	for _, d := range decisions {
		if len(d.Groups) != 2 || d.Verb == model.Later {
			continue
		}
		owner := store.TargetGroup{Target: d.Target, GroupRef: d.Groups[0]}
		asking := store.TargetGroup{Target: d.Target, GroupRef: d.Groups[1]}
		if reconcile.TakesOver(d) {
			from, to := owner, asking
			if undone {
				from, to = asking, owner
			}
			if err := c.handOver(from, to); err != nil {
				return err
			}
		}
		for _, key := range []store.TargetGroup{owner, asking} {
			if err := c.readyGroup(key); err != nil {
				return err
			}
			if err := c.touchDecidedWith(key); err != nil {
				return err
			}
		}
		// What is asked is settled, or asked again, at once.
		for _, key := range []store.TargetGroup{owner, asking} {
			o, err := c.e.lookGroup(c.tx, c.settings, key)
			if err != nil {
				return err
			}
			if o.State != GroupDisputed {
				err = c.endDispute(key)
			} else {
				err = c.openConflict(disputeOf(key, o.Holder))
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// handOver makes the target's group of one group of a source that of another. A group
// that the other had there is left as it is.
func (c *change) handOver(from, to store.TargetGroup) error {
	d, linked, err := store.GroupDeliveries.Get(c.tx, from)
	if err != nil || !linked {
		return err
	}
	had, own, err := store.GroupDeliveries.Get(c.tx, to)
	if err != nil {
		return err
	}
	if own {
		if _, err := c.event("group_left", "group:"+to.Target+"/"+had.RemoteID, "a decision gives its source's group another one; it stays as it is there"); err != nil {
			return err
		}
	}
	if err := store.GroupDeliveries.Delete(c.tx, from); err != nil {
		return err
	}
	d.GroupRef = to.GroupRef
	return store.GroupDeliveries.Put(c.tx, to, d)
}

// groupSides describes the groups of a conflict.
func groupSides(tx *store.Tx, q model.Conflict) (out []reconcile.GroupSide, err error) {
	for _, ref := range q.Groups {
		side := reconcile.GroupSide{Ref: ref}
		body, there, err := groupBody(tx, ref)
		if err != nil {
			return nil, err
		}
		if there {
			side.Name, side.ExternalID = body.String("displayName"), body.String("externalId")
		}
		members := map[model.PersonID]bool{}
		if err := statedMembers(tx, ref, map[string]bool{}, members); err != nil {
			return nil, err
		}
		for person := range members {
			side.Members = append(side.Members, person)
		}
		slices.Sort(side.Members)
		d, _, err := store.GroupDeliveries.Get(tx, store.TargetGroup{Target: q.Target, GroupRef: ref})
		if err != nil {
			return nil, err
		}
		side.RemoteID = d.RemoteID
		out = append(out, side)
	}
	return out, nil
}

// checkGroupAnswer refuses an answer that does not fit a question about two groups.
func (c *change) checkGroupAnswer(q *model.Conflict, a *Answer) (model.Value, error) {
	switch a.Verb {
	case model.Prefer, model.Exclude, model.Set:
		if !slices.ContainsFunc(q.Groups, func(ref model.GroupRef) bool { return ref.String() == string(a.Record) }) {
			return model.Value{}, invalidAnswer("%s needs one of the conflict's groups, as %s", a.Verb, q.Groups[len(q.Groups)-1])
		}
	}
	if a.Verb != model.Set {
		return model.Value{}, nil
	}
	if a.Attribute != reconcile.GroupName {
		return model.Value{}, invalidAnswer("of a group only %s can be set: the name it has in %s", reconcile.GroupName, q.Target)
	}
	v, err := CheckValue(a.Attribute, a.Value)
	if err != nil {
		return v, err
	}
	if v.Null {
		return v, invalidAnswer("a group needs a name")
	}
	ref, _ := model.ParseGroupRef(string(a.Record))
	own, err := GroupName(c.tx, ref)
	if err != nil {
		return v, err
	}
	_, taken, err := holderOf(c.tx, store.TargetGroup{Target: q.Target, GroupRef: ref}, func(d model.DeliveredGroup) bool { return strings.EqualFold(d.Name, v.Text) })
	if err == nil && (taken || strings.EqualFold(strings.TrimSpace(own), v.Text)) {
		err = invalidAnswer("another group is called %q in %s already: choose a name of its own", v.Text, q.Target)
	}
	return v, err
}
