package ingest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
	"rollcall/scimsrv"
	"rollcall/scimsrv/attr"
)

// GroupAttempt is one write of a group about to leave.
type GroupAttempt struct {
	Target string
	model.GroupRef
	Name string
	// Members are all that belong there, by person; Add and Remove are the difference
	// to what was delivered, account ids, sorted.
	Members     map[model.PersonID]string
	Add, Remove []string
	// Rename says that the name differs.
	Rename    bool
	RemoteID  string // empty: the group must be found or made
	Uncertain bool
	Number    int
}

// touchGroup notes that a group of a source, and the groups that it is a member of,
// may differ from what targets hold.
func (c *change) touchGroup(ref model.GroupRef) error {
	if !slices.ContainsFunc(c.settings.Targets, func(t TargetSettings) bool { return t.Groups }) {
		return nil
	}
	s, err := c.source(ref.Source)
	if err != nil || s.Staged() {
		return err
	}
	seen := map[string]bool{ref.Group: true}
	for todo := []string{ref.Group}; len(todo) > 0; todo = todo[1:] {
		if err := c.touchOneGroup(model.GroupRef{Source: ref.Source, Group: todo[0]}); err != nil {
			return err
		}
		for m, err := range store.MemberOf.Find(c.tx, store.Key(ref.Source, todo[0])) {
			if err != nil {
				return err
			}
			if !seen[m.Group] {
				seen[m.Group] = true
				todo = append(todo, m.Group)
			}
		}
	}
	return nil
}

func (c *change) touchOneGroup(ref model.GroupRef) error {
	for _, t := range c.settings.Targets {
		if !t.Groups {
			continue
		}
		key := store.TargetGroup{Target: t.Name, GroupRef: ref}
		job, had, err := store.GroupJobs.Get(c.tx, key)
		if err != nil {
			return err
		}
		if !had {
			job = model.GroupJob{Target: t.Name, GroupRef: ref, Created: c.at}
		}
		job.State, job.NotBefore, job.Reason = model.JobReady, time.Time{}, ""
		if err := store.GroupJobs.Put(c.tx, key, job); err != nil {
			return err
		}
		c.kicks[t.Name] = true
	}
	return nil
}

// touchGroupsOf notes that the groups of a person may differ in a target, because
// their account there is new or another one.
func (c *change) touchGroupsOf(person model.PersonID) error {
	if !slices.ContainsFunc(c.settings.Targets, func(t TargetSettings) bool { return t.Groups }) {
		return nil
	}
	for r, err := range store.RecordByPerson.Find(c.tx, store.Key(string(person))) {
		if err != nil {
			return err
		}
		for m, err := range store.MemberOf.Find(c.tx, store.Key(r.Source, r.Native)) {
			if err != nil {
				return err
			}
			if err := c.touchGroup(model.GroupRef{Source: r.Source, Group: m.Group}); err != nil {
				return err
			}
		}
	}
	return nil
}

// TouchGroups notes that every group of every active source may differ: at the start
// of a lane, and after a listing. A look that finds nothing sends nothing.
func (e *Engine) TouchGroups(target string) error {
	return e.update(actorSelf, 0, model.JobReady, func(c *change) error {
		t := c.target(target)
		if t == nil || !t.Groups {
			return nil
		}
		var refs []model.GroupRef
		for name := range c.settings.Sources {
			for r, err := range store.ResourceByOrder.Prefix(c.tx, store.Prefix(name, string(scimsrv.Group))) {
				if err != nil {
					return err
				}
				refs = append(refs, model.GroupRef{Source: name, Group: r.ID})
			}
		}
		for _, ref := range refs {
			key := store.TargetGroup{Target: target, GroupRef: ref}
			if store.GroupJobs.Has(c.tx, key) {
				continue
			}
			s, err := c.source(ref.Source)
			if err != nil {
				return err
			}
			if s.Staged() {
				continue
			}
			if err := store.GroupJobs.Put(c.tx, key, model.GroupJob{Target: target, GroupRef: ref, State: model.JobReady, Created: c.at}); err != nil {
				return err
			}
			c.kicks[target] = true
		}
		return nil
	})
}

// BeginGroup looks at a group as it is now and records the attempt. ok is false when
// nothing is to be sent: nothing differs, or a guard holds it, or it must not be.
func (e *Engine) BeginGroup(target string, ref model.GroupRef) (a GroupAttempt, ok bool, err error) {
	err = e.update(actorSelf, 0, model.JobReady, func(c *change) error {
		key := store.TargetGroup{Target: target, GroupRef: ref}
		job, had, err := store.GroupJobs.Get(c.tx, key)
		if err != nil || !had || job.State != model.JobReady {
			return err
		}
		t := c.target(target)
		row, there, err := store.Resources.Get(c.tx, store.ResourceKey{Source: ref.Source, Type: string(scimsrv.Group), ID: ref.Group})
		if err != nil {
			return err
		}
		if !there || t == nil || !t.Groups {
			return c.leaveGroup(key, there)
		}
		d, linked, err := store.GroupDeliveries.Get(c.tx, key)
		if err != nil {
			return err
		}
		if a, err = c.groupAttempt(target, ref, row, d); err != nil {
			return err
		}
		a.Uncertain = job.Uncertain
		if linked && !a.Rename && len(a.Add)+len(a.Remove) == 0 {
			return store.GroupJobs.Delete(c.tx, key)
		}
		if stopped, err := c.guardGroup(key, job, a, d, linked); err != nil || stopped {
			return err
		}
		ok = true
		job.Attempts++
		a.Number = job.Attempts
		if !linked {
			job.Uncertain = true
			return store.GroupJobs.Put(c.tx, key, job)
		}
		doubtMembers(&d, a)
		if err := store.GroupDeliveries.Put(c.tx, key, d); err != nil {
			return err
		}
		return store.GroupJobs.Put(c.tx, key, job)
	})
	return a, ok, err
}

// doubtMembers moves everybody whom a write adds or removes to those of whom nobody
// knows, until an answer settles it.
func doubtMembers(d *model.DeliveredGroup, a GroupAttempt) {
	maybe := maps.Clone(d.Maybe)
	if maybe == nil {
		maybe = map[model.PersonID]string{}
	}
	known := map[model.PersonID]string{}
	for person, account := range d.Members {
		if a.Members[person] == account {
			known[person] = account
		} else {
			maybe[person] = account
		}
	}
	for person, account := range a.Members {
		if known[person] != account {
			maybe[person] = account
		}
	}
	d.Members, d.Maybe = known, maybe
}

// leaveGroup forgets a group that its sender deleted, or that is not to be delivered
// any more: in the target it stays as it is.
func (c *change) leaveGroup(key store.TargetGroup, there bool) error {
	if err := store.GroupJobs.Delete(c.tx, key); err != nil || there {
		return err
	}
	d, linked, err := store.GroupDeliveries.Get(c.tx, key)
	if err != nil || !linked {
		return err
	}
	if _, err := c.event("group_left", "group:"+key.Target+"/"+d.RemoteID, "its sender deleted it; it stays as it is there"); err != nil {
		return err
	}
	return store.GroupDeliveries.Delete(c.tx, key)
}

// groupAttempt compares a group as its source states it with what was delivered.
// Members whose accounts are not there yet follow once they are. Only who is not in
// the source's group any more is removed: a member whose account is off stays one.
func (c *change) groupAttempt(target string, ref model.GroupRef, row store.Resource, d model.DeliveredGroup) (GroupAttempt, error) {
	body, err := attr.Decode(row.Body, attr.Stored())
	if err != nil {
		return GroupAttempt{}, fmt.Errorf("group %s cannot be read: %w; run verify", row.ID, err)
	}
	a := GroupAttempt{Target: target, GroupRef: ref, Name: strings.TrimSpace(body.String("displayName")), Members: map[model.PersonID]string{}, RemoteID: d.RemoteID}
	a.Rename = d.RemoteID != "" && d.Name != a.Name
	stated := map[model.PersonID]bool{}
	if err := c.statedMembers(ref, map[string]bool{}, stated); err != nil {
		return a, err
	}
	for person := range stated {
		account, had, err := store.Deliveries.Get(c.tx, store.TargetPerson{Target: target, Person: person})
		if err != nil {
			return a, err
		}
		switch {
		case had && account.Sent.Active:
			a.Members[person] = account.RemoteID
		case d.Members[person] != "":
			a.Members[person] = d.Members[person]
		}
	}
	for person, account := range a.Members {
		if d.Members[person] != account {
			a.Add = append(a.Add, account)
		}
	}
	had := maps.Clone(d.Maybe)
	if had == nil {
		had = map[model.PersonID]string{}
	}
	maps.Copy(had, d.Members)
	for person, account := range had {
		if !stated[person] {
			a.Remove = append(a.Remove, account)
		}
	}
	slices.Sort(a.Add)
	slices.Sort(a.Remove)
	return a, nil
}

// statedMembers collects the people of a group and of the groups in it.
func (c *change) statedMembers(ref model.GroupRef, seen map[string]bool, into map[model.PersonID]bool) error {
	if seen[ref.Group] {
		return nil
	}
	seen[ref.Group] = true
	var members []store.Member
	for m, err := range store.Members.Each(c.tx, store.Prefix(ref.Source, ref.Group)) {
		if err != nil {
			return err
		}
		members = append(members, m)
	}
	for _, m := range members {
		if m.Type == string(scimsrv.Group) {
			if err := c.statedMembers(model.GroupRef{Source: ref.Source, Group: m.Value}, seen, into); err != nil {
				return err
			}
			continue
		}
		r, ok, err := store.RecordByNative.One(c.tx, store.Key(ref.Source, m.Value))
		if err != nil {
			return err
		}
		if ok && r.Person != "" {
			into[r.Person] = true
		}
	}
	return nil
}

// guardGroup stops an attempt that would empty a group, or take over another's. Both
// wait for a human, and the second is a conflict.
func (c *change) guardGroup(key store.TargetGroup, job model.GroupJob, a GroupAttempt, d model.DeliveredGroup, linked bool) (bool, error) {
	if a.Name == "" {
		job.State, job.Reason = model.JobParked, "the group has no name"
		return true, store.GroupJobs.Put(c.tx, key, job)
	}
	if limit := c.settings.Limits.Attributes.Allows(len(d.Members)); len(a.Remove) > limit {
		if digest := c.e.digest(a.Remove); job.Allowed != digest {
			told := job.Held == digest
			job.State, job.Held = model.JobHeld, digest
			job.Reason = fmt.Sprintf("%d of %d members would be removed and %d are allowed", len(a.Remove), len(d.Members), limit)
			if !told {
				if _, err := c.event("held", "group:"+key.Target+"/"+key.Group, job.Reason); err != nil {
					return true, err
				}
			}
			return true, store.GroupJobs.Put(c.tx, key, job)
		}
	}
	other, err := c.sameName(key, a.Name)
	if err != nil {
		return true, err
	}
	q := model.Conflict{Kind: model.DuplicateGroup, Target: key.Target, Identifiers: []model.Identifier{{Kind: "group", Value: key.Source + "/" + key.Group}},
		Rule: "another group of this name is delivered to " + key.Target + " already"}
	q.ID = reconcile.ConflictIDOf(q)
	if !other || linked && !a.Rename {
		if old, open, err := store.Conflicts.Get(c.tx, q.ID); err != nil || !open {
			return false, err
		} else {
			return false, c.closeConflict(old)
		}
	}
	job.State, job.Reason = model.JobParked, q.Rule
	if err := c.openConflict(q); err != nil {
		return true, err
	}
	return true, store.GroupJobs.Put(c.tx, key, job)
}

// sameName reports whether another group was delivered under the name.
func (c *change) sameName(key store.TargetGroup, name string) (bool, error) {
	for d, err := range store.GroupDeliveries.Each(c.tx, store.Prefix(key.Target)) {
		if err != nil {
			return false, err
		}
		if d.GroupRef != key.GroupRef && strings.EqualFold(d.Name, name) {
			return true, nil
		}
	}
	return false, nil
}

// GroupFound links a group of a source to one that a target has. members are those it
// is known to have; who of them belongs there is ours from now on.
func (e *Engine) GroupFound(a *GroupAttempt, remoteID string, members []string, adopted bool) error {
	return e.update(actorSelf, 0, model.JobReady, func(c *change) error {
		key := store.TargetGroup{Target: a.Target, GroupRef: a.GroupRef}
		d := model.DeliveredGroup{Target: a.Target, GroupRef: a.GroupRef, RemoteID: remoteID, Name: a.Name, Adopted: adopted, Members: map[model.PersonID]string{}, At: c.at}
		a.Add, a.Remove = nil, nil
		for person, account := range a.Members {
			if slices.Contains(members, account) {
				d.Members[person] = account
				continue
			}
			a.Add = append(a.Add, account)
		}
		slices.Sort(a.Add)
		a.RemoteID, a.Rename = remoteID, false
		verb := "group_created"
		if adopted {
			verb = "group_adopted"
		}
		if _, err := c.event(verb, "group:"+a.Target+"/"+remoteID, a.Source); err != nil {
			return err
		}
		if len(a.Add) > 0 {
			d.Maybe = map[model.PersonID]string{}
			for person, account := range a.Members {
				if d.Members[person] == "" {
					d.Maybe[person] = account
				}
			}
		}
		return store.GroupDeliveries.Put(c.tx, key, d)
	})
}

// GroupStored stores what the target accepted.
func (e *Engine) GroupStored(a GroupAttempt) error {
	return e.update(actorSelf, 0, model.JobReady, func(c *change) error {
		key := store.TargetGroup{Target: a.Target, GroupRef: a.GroupRef}
		d, had, err := store.GroupDeliveries.Get(c.tx, key)
		if err != nil || !had {
			return err
		}
		d.Name, d.Members, d.Maybe, d.At = a.Name, a.Members, nil, c.at
		if err := store.GroupDeliveries.Put(c.tx, key, d); err != nil {
			return err
		}
		if len(a.Add)+len(a.Remove) > 0 || a.Rename {
			if _, err := c.event("group_updated", "group:"+a.Target+"/"+d.RemoteID, fmt.Sprintf("%d members added, %d removed", len(a.Add), len(a.Remove))); err != nil {
				return err
			}
		}
		job, had, err := store.GroupJobs.Get(c.tx, key)
		if err != nil || !had {
			return err
		}
		// The next look ends the job, or finds what changed meanwhile.
		job.Uncertain, job.Attempts, job.NotBefore, job.LastError, job.Allowed, job.Held = false, 0, time.Time{}, "", "", ""
		return store.GroupJobs.Put(c.tx, key, job)
	})
}

// GroupFailed stores how a write of a group failed.
func (e *Engine) GroupFailed(a GroupAttempt, f Outcome) error {
	return e.update(actorSelf, 0, model.JobReady, func(c *change) error {
		key := store.TargetGroup{Target: a.Target, GroupRef: a.GroupRef}
		if f.Forget {
			if err := store.GroupDeliveries.Delete(c.tx, key); err != nil {
				return err
			}
		}
		job, had, err := store.GroupJobs.Get(c.tx, key)
		if err != nil || !had {
			return err
		}
		job.LastError, job.NotBefore, job.Uncertain = f.Text, f.NotBefore, f.Applied || a.Uncertain || f.Forget
		if f.Free {
			job.Attempts--
		}
		if f.Park {
			job.State, job.Reason = model.JobParked, f.Text
			if _, err := c.event("parked", "group:"+a.Target+"/"+a.Group, f.Text); err != nil {
				return err
			}
		}
		return store.GroupJobs.Put(c.tx, key, job)
	})
}

// RetryGroup lets a held or parked group go, exactly as it was held.
func (e *Engine) RetryGroup(actor, target string, ref model.GroupRef) error {
	return e.update(actor, 0, model.JobReady, func(c *change) error {
		key := store.TargetGroup{Target: target, GroupRef: ref}
		job, had, err := store.GroupJobs.Get(c.tx, key)
		if err != nil {
			return err
		}
		if !had {
			return &NotFoundError{What: "a delivery of that group to " + target}
		}
		job.State, job.NotBefore, job.Reason, job.Allowed = model.JobReady, time.Time{}, "", job.Held
		c.kicks[target] = true
		if _, err := c.event("retried", "group:"+target+"/"+ref.Group, ""); err != nil {
			return err
		}
		return store.GroupJobs.Put(c.tx, key, job)
	})
}

// GroupName returns the name that its sender gave a group, empty when it is gone.
func GroupName(tx *store.Tx, ref model.GroupRef) (string, error) {
	row, ok, err := store.Resources.Get(tx, store.ResourceKey{Source: ref.Source, Type: string(scimsrv.Group), ID: ref.Group})
	if err != nil || !ok {
		return "", err
	}
	body, err := attr.Decode(row.Body, attr.Stored())
	if err != nil {
		return "", fmt.Errorf("group %s cannot be read: %w; run verify", row.ID, err)
	}
	return body.String("displayName"), nil
}
