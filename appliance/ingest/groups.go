package ingest

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"rollcall/appliance/model"
	"rollcall/appliance/store"
	"rollcall/scimsrv"
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

// NewName is the name to write, empty when it is the one that is there.
func (a *GroupAttempt) NewName() string {
	if a.Rename {
		return a.Name
	}
	return ""
}

// Accounts are those of all members, sorted.
func (a *GroupAttempt) Accounts() []string {
	out := make([]string, 0, len(a.Members))
	for _, account := range a.Members {
		out = append(out, account)
	}
	slices.Sort(out)
	return out
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
		if err := c.readyGroup(key); err != nil {
			return err
		}
		if err := c.touchDecidedWith(key); err != nil {
			return err
		}
	}
	return nil
}

// readyGroup has a group looked at, whatever it waited for. What a run causes is looked
// at when it ends: its guards judge all of it together.
func (c *change) readyGroup(key store.TargetGroup) error {
	job, had, err := store.GroupJobs.Get(c.tx, key)
	if err != nil {
		return err
	}
	if !had {
		job = model.GroupJob{Target: key.Target, GroupRef: key.GroupRef, Created: c.at}
	}
	switch {
	case c.initial == model.JobOpen && c.run != 0:
		job.State, job.Run, job.NotBefore, job.Reason = model.JobOpen, c.run, time.Time{}, waitsForRun
	case job.State == model.JobOpen:
		return nil
	default:
		job.State, job.NotBefore, job.Reason = model.JobReady, time.Time{}, ""
		c.kicks[key.Target] = true
	}
	return store.GroupJobs.Put(c.tx, key, job)
}

// waitsForRun is why a group is not looked at while a run is under way.
const waitsForRun = "it waits until the run that changes it ends"

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
		if err := c.touchGroupsIn(r); err != nil {
			return err
		}
	}
	return nil
}

// touchGroupsIn notes that the groups that a record is in may differ.
func (c *change) touchGroupsIn(r model.Record) error {
	for m, err := range store.MemberOf.Find(c.tx, store.Key(r.Source, r.Native)) {
		if err != nil {
			return err
		}
		if err := c.touchGroup(model.GroupRef{Source: r.Source, Group: m.Group}); err != nil {
			return err
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
				continue // looked at already, or it waits
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
		return c.wakeGroups(target)
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
		o, err := c.e.lookGroup(c.tx, c.settings, key)
		if err != nil {
			return err
		}
		if ok, err = c.admitGroup(key, &job, o); err != nil || !ok {
			return err
		}
		a = o.GroupAttempt
		a.Uncertain = job.Uncertain
		job.Attempts++
		a.Number = job.Attempts
		if !o.linked {
			job.Uncertain = true
			return store.GroupJobs.Put(c.tx, key, job)
		}
		d := o.delivered
		doubtMembers(&d, a)
		if err := store.GroupDeliveries.Put(c.tx, key, d); err != nil {
			return err
		}
		return store.GroupJobs.Put(c.tx, key, job)
	})
	return a, ok, err
}

// renameWait is how long a group rests whose name another one is about to give up;
// the other's own delivery wakes it earlier.
const renameWait = 5 * time.Minute

// admitGroup acts on a look: it says whether something may be sent, and stores why
// nothing is.
func (c *change) admitGroup(key store.TargetGroup, job *model.GroupJob, o GroupOutlook) (bool, error) {
	if o.State != GroupDisputed {
		if err := c.endDispute(key); err != nil {
			return false, err
		}
	}
	switch o.State {
	case GroupGone, GroupLeftOut, GroupMerged:
		return false, c.leaveGroup(key, o)
	case GroupSame, GroupEmpty:
		return false, store.GroupJobs.Delete(c.tx, key)
	case GroupHeld:
		told := job.Held == o.removals
		job.State, job.Held, job.Reason = model.JobHeld, o.removals, o.Reason
		if !told {
			if _, err := c.event("held", "group:"+key.Target+"/"+key.Group, job.Reason); err != nil {
				return false, err
			}
		}
		return false, store.GroupJobs.Put(c.tx, key, *job)
	case GroupWaits:
		job.Reason, job.NotBefore = o.Reason, c.at.Add(renameWait)
		return false, store.GroupJobs.Put(c.tx, key, *job)
	case GroupDisputed:
		if err := c.openConflict(disputeOf(key, o.Holder)); err != nil {
			return false, err
		}
		fallthrough
	case GroupNameless:
		job.State, job.Reason = model.JobParked, o.Reason
		return false, store.GroupJobs.Put(c.tx, key, *job)
	}
	job.Reason = ""
	return true, nil
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

// leaveGroup forgets a group that its sender deleted, that a human left out, or that
// is not to be delivered any more: in the target it stays as it is. Whoever waits for
// its name is looked at again.
func (c *change) leaveGroup(key store.TargetGroup, o GroupOutlook) error {
	if err := store.GroupJobs.Delete(c.tx, key); err != nil || !o.linked || c.target(key.Target) == nil || !c.target(key.Target).Groups {
		return err
	}
	if _, err := c.event("group_left", "group:"+key.Target+"/"+o.RemoteID, o.Reason+"; it stays as it is there"); err != nil {
		return err
	}
	if err := store.GroupDeliveries.Delete(c.tx, key); err != nil {
		return err
	}
	if err := c.wakeGroups(key.Target); err != nil {
		return err
	}
	return c.touchDecidedWith(key)
}

// GroupFound links a group of a source to one that a target has. members are those it
// is known to have; who of them belongs there is ours from now on.
func (e *Engine) GroupFound(a *GroupAttempt, remoteID string, members []string, adopted bool) error {
	return e.update(actorSelf, 0, model.JobReady, func(c *change) error {
		key := store.TargetGroup{Target: a.Target, GroupRef: a.GroupRef}
		if other, taken, err := holderOf(c.tx, key, func(d model.DeliveredGroup) bool { return d.RemoteID == remoteID }); err != nil {
			return err
		} else if taken {
			return fmt.Errorf("%s: group %s is that of %s already", a.Target, remoteID, other.GroupRef)
		}
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
		if err := store.GroupJobs.Put(c.tx, key, job); err != nil || !a.Rename {
			return err
		}
		return c.wakeGroups(a.Target) // its old name is free
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
			if err := c.wakeGroups(a.Target); err != nil {
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
		job.State, job.Run, job.NotBefore, job.Reason, job.Allowed = model.JobReady, 0, time.Time{}, "", job.Held
		c.kicks[target] = true
		if _, err := c.event("retried", "group:"+target+"/"+ref.Group, ""); err != nil {
			return err
		}
		return store.GroupJobs.Put(c.tx, key, job)
	})
}
