package relay

import (
	"context"
	"errors"
	"strings"
	"time"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/store"
	"rollcall/connectors"
)

// groups looks at groups that may differ, after the people, until one was sent. sent
// is false when there is nothing more to do now, or the lane closed. A look at which
// nothing is sent ends the job or puts it off; one that does neither is looked at again
// with the next call only, so that no group makes the lane spin.
func (l *Lane) groups(ctx context.Context) (sent bool, err error) {
	target, ok := l.target.(connectors.GroupTarget)
	if !ok {
		return false, nil
	}
	looked := map[model.GroupRef]bool{} // and due all the same
	for ctx.Err() == nil {
		lane, err := l.lane()
		if err != nil {
			return false, err
		}
		if _, closed := closedFor(lane); closed {
			return false, nil
		}
		ref, due, err := l.dueGroup(looked)
		if err != nil || !due {
			return false, err
		}
		a, ok, err := l.engine.BeginGroup(l.name, ref)
		if err != nil {
			return false, err
		}
		if !ok {
			if looked[ref], err = l.groupDue(ref); err != nil {
				return false, err
			}
			continue
		}
		l.working()
		l.pass(GroupAttemptStored)
		if err := l.deliverGroup(ctx, target, &a); err != nil {
			if ctx.Err() != nil {
				return false, nil
			}
			return l.groupFailed(a, err)
		}
		if err := l.engine.GroupStored(a); err != nil {
			return false, err
		}
		l.pass(GroupStored)
		return true, l.recovered(lane)
	}
	return false, nil
}

// dueGroup picks the next group to look at that is none of looked.
func (l *Lane) dueGroup(looked map[model.GroupRef]bool) (ref model.GroupRef, due bool, err error) {
	err = l.store.View(func(tx *store.Tx) error {
		for j, err := range store.GroupJobs.Each(tx, store.Prefix(l.name)) {
			if err != nil {
				return err
			}
			if isDue(j) && !looked[j.GroupRef] {
				ref, due = j.GroupRef, true
				return nil
			}
		}
		return nil
	})
	return ref, due, err
}

func isDue(j model.GroupJob) bool { return j.State == model.JobReady && believable(j.NotBefore) <= 0 }

// groupDue reports whether a group is to be looked at now.
func (l *Lane) groupDue(ref model.GroupRef) (due bool, err error) {
	err = l.store.View(func(tx *store.Tx) error {
		j, had, err := store.GroupJobs.Get(tx, store.TargetGroup{Target: l.name, GroupRef: ref})
		due = had && isDue(j)
		return err
	})
	return due, err
}

// deliverGroup finds or makes the group when it is not linked, and writes what differs.
func (l *Lane) deliverGroup(ctx context.Context, target connectors.GroupTarget, a *ingest.GroupAttempt) error {
	if a.RemoteID == "" {
		if err := l.linkGroup(ctx, target, a); err != nil {
			return err
		}
	}
	name := a.NewName()
	if name == "" && len(a.Add)+len(a.Remove) == 0 {
		return nil
	}
	if name != "" {
		l.index = nil // what is listed under a name is another group from now on
	}
	return target.UpdateGroup(ctx, a.RemoteID, name, a.Add, a.Remove)
}

// linkGroup takes over the one group of this name, or makes it. What a lost answer
// may have made is found by listing anew.
func (l *Lane) linkGroup(ctx context.Context, target connectors.GroupTarget, a *ingest.GroupAttempt) error {
	if l.noGroups != nil {
		return l.noGroups
	}
	if l.index == nil || a.Uncertain {
		if err := l.indexGroups(ctx, target); err != nil {
			return err
		}
	}
	key := strings.ToLower(a.Name)
	switch found := l.index[key]; len(found) {
	case 0:
	case 1:
		return l.engine.GroupFound(a, found[0].ID, found[0].Members, true)
	default:
		return &connectors.Error{Class: connectors.Invalid, Op: l.name + ": find group", Detail: "several groups have this name", Next: "Rename or merge them there, then retry"}
	}
	g, err := target.CreateGroup(ctx, a.Name, a.Accounts())
	if err != nil {
		return err
	}
	l.pass(GroupAnswered)
	l.index[key] = append(l.index[key], g)
	// Members that the answer does not show are added in a request of their own.
	return l.engine.GroupFound(a, g.ID, g.Members, false)
}

func (l *Lane) indexGroups(ctx context.Context, target connectors.GroupTarget) error {
	index, last := map[string][]connectors.Group{}, false
	for page, err := range target.Groups(ctx) {
		if err != nil {
			return err
		}
		for _, g := range page.Groups {
			key := strings.ToLower(strings.TrimSpace(g.Name))
			index[key] = append(index[key], g)
		}
		last = page.Last
	}
	if !last {
		return &connectors.Error{Class: connectors.Transient, Op: l.name + ": list groups", Detail: "the listing ended before its last page"}
	}
	l.index = index
	return nil
}

// groupFailed stores how a write of a group failed, and closes the lane where the
// class says so. sent is true when another may be tried.
func (l *Lane) groupFailed(a ingest.GroupAttempt, cause error) (sent bool, err error) {
	class := connectors.ClassOf(cause)
	out := ingest.Outcome{Class: class.String(), Text: cause.Error()}
	switch class {
	case connectors.Throttled, connectors.Denied, connectors.Misconfigured:
		out.Free = true
	case connectors.Invalid, connectors.Taken:
		out.Park = true
	case connectors.Gone:
		out.Forget, out.NotBefore = true, afterGone(a.Number, time.Now())
		l.index = nil
	default:
		out.Applied = true
		out.NotBefore = time.Now().Add(backoff(a.Number))
	}
	if errors.Is(cause, connectors.ErrNoGroups) {
		l.noGroups = cause // of all of them, until the accounts are listed again
	}
	l.log.Warn("group not delivered", "target", l.name, "group", a.Group, "source", a.Source, "attempt", a.Number, "class", class, "error", cause)
	if err := l.engine.GroupFailed(a, out); err != nil {
		return false, err
	}
	switch class {
	case connectors.Invalid, connectors.Taken, connectors.Gone:
		return true, nil
	}
	return l.setback(cause)
}
