package appliance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rollcall/appliance/admin"
	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/store"
	"rollcall/connectors"
	"rollcall/connectors/wire"
)

// maxShown bounds for how many accounts the requests are shown.
const maxShown = 50

// rehearsal is what a plan that is tried inside a transaction would send. The
// connectors are asked for it afterwards: nothing talks to them while a transaction
// is open, although nothing leaves.
type rehearsal struct {
	people map[store.TargetPerson]ingest.Attempt
	groups map[store.TargetGroup]ingest.GroupOutlook
	files  map[string][2][]model.Desired // everybody before and after, by target
}

// rehearse notes what the changes of a plan would write, in its transaction.
func (a *App) rehearse(tx *store.Tx, p *admin.Plan, groups map[store.TargetGroup]ingest.GroupOutlook) (rehearsal, error) {
	out := rehearsal{people: map[store.TargetPerson]ingest.Attempt{}, groups: groups, files: map[string][2][]model.Desired{}}
	settings := a.engine.Settings()
	for i := range settings.Targets {
		t := &settings.Targets[i]
		var people []model.PersonID
		for _, ch := range p.Changes {
			if ch.Target == t.Name {
				people = append(people, model.PersonID(ch.Person.ID))
			}
		}
		switch {
		case len(people) == 0:
		case a.files[t.Name] != nil:
			before, after, err := ingest.ForeseeFile(tx, t, people)
			if err != nil {
				return out, err
			}
			out.files[t.Name] = [2][]model.Desired{before, after}
		default:
			for _, id := range people[:min(len(people), maxShown)] {
				attempt, sends, err := ingest.Foresee(tx, t, id)
				if err != nil {
					return out, err
				}
				if sends {
					out.people[store.TargetPerson{Target: t.Name, Person: id}] = attempt
				}
			}
			if more := len(people) - maxShown; more > 0 {
				p.Notices = append(p.Notices, "the requests of "+plural(more, "more account")+" in "+t.Name+" are not shown")
			}
		}
	}
	return out, nil
}

// showRequests fills in the requests of a plan: built by the connectors as they would be sent,
// with the values, and without credentials.
func (a *App) showRequests(ctx context.Context, p *admin.Plan, r rehearsal) error {
	for i := range p.Changes {
		ch := &p.Changes[i]
		attempt, ok := r.people[store.TargetPerson{Target: ch.Target, Person: model.PersonID(ch.Person.ID)}]
		if target := a.targets[ch.Target]; ok && target != nil {
			ch.Requests = rehearsedWrite(ctx, target, &attempt)
		}
	}
	for i := range p.Groups {
		g := &p.Groups[i]
		ref, _ := model.ParseGroupRef(g.Group)
		o := r.groups[store.TargetGroup{Target: g.Target, GroupRef: ref}]
		if target, ok := a.targets[g.Target].(connectors.GroupTarget); ok && (o.State == ingest.GroupDiffers || o.State == ingest.GroupHeld) {
			g.Requests = rehearsedGroup(ctx, target, o)
		}
	}
	for _, name := range a.cfg.TargetNames() {
		if notice := a.inBulk(name, p, r); notice != "" {
			p.Notices = append(p.Notices, notice)
		}
		if both, ok := r.files[name]; ok {
			f, err := fileDifference(name, a.files[name], both[0], both[1])
			if err != nil {
				return err
			}
			p.Files = append(p.Files, f)
		}
	}
	return nil
}

// inBulk says that the writes to a target go several in one request, where they do:
// each is shown by itself, for what else is due then, nobody knows.
func (a *App) inBulk(target string, p *admin.Plan, r rehearsal) string {
	bulk, ok := a.targets[target].(connectors.BulkTarget)
	if !ok || bulk.Together() < 2 {
		return ""
	}
	writes := 0
	for _, ch := range p.Changes {
		attempt, sends := r.people[store.TargetPerson{Target: ch.Target, Person: model.PersonID(ch.Person.ID)}]
		looked := attempt.Step == ingest.StepCreate && (attempt.Uncertain || !attempt.Want.Active) // for first, so it goes alone
		if sends && ch.Target == target && ch.State != string(model.JobHeld) && !looked {
			writes++
		}
	}
	if writes < 2 {
		return ""
	}
	return fmt.Sprintf("%s takes up to %d writes in one request: the %d shown for it go as operations of POST /Bulk, with these methods, paths below the base URL and bodies; "+
		"a manager who is made in the same request is named by reference", target, bulk.Together(), writes)
}

// rehearsedWrite is what a target would be sent for one account. Where the link to a
// manager cannot be written before that one has an account, the rest is.
func rehearsedWrite(ctx context.Context, t connectors.Target, a *ingest.Attempt) []admin.PlannedRequest {
	attempt := func(a *ingest.Attempt) ([]admin.PlannedRequest, error) {
		return rehearse(ctx, func(ctx context.Context) (err error) {
			if a.Step == ingest.StepCreate {
				_, err = t.Create(ctx, a.Want)
			} else {
				_, err = t.Update(ctx, a.RemoteID, a.Base(), a.Want)
			}
			return err
		})
	}
	out, err := attempt(a)
	later := a.LinkLeft
	if errors.Is(err, connectors.ErrManagerRefused) {
		left := *a
		left.Want.Manager, left.LinkLeft, later = nil, true, true
		out, err = attempt(&left)
	}
	switch {
	case err != nil && len(out) == 0:
		return []admin.PlannedRequest{{Note: "the target would not be asked: " + err.Error()}}
	case later && len(out) > 0:
		out[len(out)-1].Note = "the link to the manager follows once they have an account"
	case a.Uncertain && len(out) > 0:
		out[0].Note = "the account is looked for first: an earlier attempt may have made it"
	}
	return out
}

func rehearsedGroup(ctx context.Context, t connectors.GroupTarget, o ingest.GroupOutlook) []admin.PlannedRequest {
	out, err := rehearse(ctx, func(ctx context.Context) error {
		if o.RemoteID == "" {
			_, err := t.CreateGroup(ctx, o.Name, o.Accounts())
			return err
		}
		return t.UpdateGroup(ctx, o.RemoteID, o.NewName(), o.Add, o.Remove)
	})
	switch {
	case err != nil && len(out) == 0:
		return []admin.PlannedRequest{{Note: "the target would not be asked: " + err.Error()}}
	case o.RemoteID == "" && len(out) > 0:
		out[0].Note = "unless there is one group of this name, which is taken over then"
	}
	return out
}

// rehearse returns the requests that a connector would send, and its error unless that
// is only that they were not.
func rehearse(ctx context.Context, do func(context.Context) error) ([]admin.PlannedRequest, error) {
	var out []admin.PlannedRequest
	err := do(wire.Rehearse(ctx, func(r wire.Shown) {
		out = append(out, admin.PlannedRequest{Method: r.Method, Path: r.Path, Body: r.Body})
	}))
	if err == nil || errors.Is(err, wire.ErrRehearsed) {
		err = nil
	}
	if n := len(out); n > 0 && out[n-1].Method == "GET" {
		out[n-1].Note = "what is written depends on the answer"
	}
	return out, err
}

// fileDifference compares the file with everybody as they are with the one that would
// be put.
func fileDifference(name string, t connectors.FileTarget, before, after []model.Desired) (admin.FileChange, error) {
	out := admin.FileChange{Target: name, Added: []string{}, Removed: []string{}}
	then, err := t.Render(before)
	if err != nil {
		return out, err
	}
	now, err := t.Render(after)
	if err != nil {
		return out, err
	}
	old, rows := lines(then.Content), lines(now.Content)
	if len(rows) > 0 {
		out.Header = rows[0]
	}
	out.People = now.People
	out.Removed = append(out.Removed, without(old, rows)...)
	out.Added = append(out.Added, without(rows, old)...)
	return out, nil
}

// lines cuts a file into its rows: no cell has a line break in it.
func lines(content []byte) []string {
	return strings.Split(string(bytes.TrimRight(content, "\n")), "\n")
}

// without returns the rows of a that b does not have.
func without(a, b []string) (out []string) {
	has := make(map[string]bool, len(b))
	for _, row := range b {
		has[row] = true
	}
	return slices.DeleteFunc(slices.Clone(a), func(row string) bool { return has[row] })
}
