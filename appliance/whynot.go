package appliance

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"rollcall/appliance/admin"
	"rollcall/appliance/identity"
	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

// WhyNot implements admin.Service: what is between somebody and their accounts, and
// what would have to change. It also finds records that are nobody's yet.
func (a *App) WhyNot(ctx context.Context, who string) (admin.WhyNot, error) {
	out := admin.WhyNot{Obstacles: []admin.Obstacle{}}
	who = strings.TrimSpace(who)
	err := a.store.View(func(tx *store.Tx) error {
		p, err := find(tx, who)
		if err != nil {
			loose, lookErr := a.loose(tx, who)
			if lookErr != nil || len(loose) == 0 {
				return firstOf(lookErr, err)
			}
			for _, r := range loose {
				out.Records = append(out.Records, recordView(r))
				o, err := a.whyNobody(tx, r)
				if err != nil {
					return err
				}
				out.Obstacles = append(out.Obstacles, o...)
			}
			return nil
		}
		ref := personRef(p)
		out.Person = &ref
		return a.obstacles(tx, p, &out)
	})
	return out, err
}

func firstOf(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// loose returns the records that belong to nobody and are meant by a word: their
// id, the source's id, their email, or a name.
func (a *App) loose(tx *store.Tx, who string) ([]model.Record, error) {
	var out []model.Record
	q := peopleQuery{}
	for _, w := range strings.Fields(who) {
		q.words = append(q.words, foldText(w))
	}
	key := ""
	if id, _, err := identity.Email(who); err == nil {
		key = id.Value
	}
	for r, err := range store.Records.Each(tx, nil) {
		if err != nil {
			return nil, err
		}
		if r.Person != "" || len(out) == 10 {
			continue
		}
		mine, _, err := identity.Email(r.Attributes.Text(model.Email))
		meant := string(r.ID) == who || r.Native == who || key != "" && err == nil && mine.Value == key
		if !meant && key == "" {
			if meant, err = q.matches(tx, model.Person{Attributes: r.Attributes}); err != nil {
				return nil, err
			}
		}
		if meant {
			out = append(out, r)
		}
	}
	return out, nil
}

// whyNobody says why a record is part of no person.
func (a *App) whyNobody(tx *store.Tx, r model.Record) ([]admin.Obstacle, error) {
	var out []admin.Obstacle
	for q, err := range store.ConflictByRecord.Find(tx, store.Key(string(r.ID))) {
		if err != nil {
			return nil, err
		}
		out = append(out, admin.Obstacle{What: "a conflict keeps this record apart: " + q.Rule, Change: "a human answers it", Command: "rollcall conflicts show " + string(q.ID)})
	}
	switch {
	case r.Staged:
		out = append(out, admin.Obstacle{What: fmt.Sprintf("source %s is in preview: its records are no part of the roster", r.Source),
			Change: "the source is activated", Command: "rollcall plan " + r.Source})
	case r.Scope.State == model.OutOfScope:
		out = append(out, a.scopeObstacle(r))
	case len(out) == 0:
		out = append(out, admin.Obstacle{What: "the record belongs to nobody", Change: "the next read or write of " + r.Source + " places it", Command: "rollcall verify"})
	}
	return out, nil
}

func (a *App) scopeObstacle(r model.Record) admin.Obstacle {
	return admin.Obstacle{What: fmt.Sprintf("the record of %s is out of scope: %s", r.Source, r.Scope.Reason),
		Change: fmt.Sprintf("[sources.%s.scope] or the skip field in %s lets it in", r.Source, r.Source), Command: "rollcall config show"}
}

// obstacles says what is in the way of a person, first what concerns every target.
func (a *App) obstacles(tx *store.Tx, p model.Person, out *admin.WhyNot) error {
	add := func(target, what, change, command string) {
		out.Obstacles = append(out.Obstacles, admin.Obstacle{Target: target, What: what, Change: change, Command: command})
	}
	for _, id := range p.Held {
		q, _, err := store.Conflicts.Get(tx, id)
		if err != nil {
			return err
		}
		add("", "a conflict freezes them: "+q.Rule, "a human answers it", "rollcall conflicts show "+string(id))
	}
	records, err := recordsOf(tx, p.Records)
	if err != nil {
		return err
	}
	for _, r := range records {
		if r.Scope.State != model.InScope {
			out.Obstacles = append(out.Obstacles, a.scopeObstacle(r))
		}
	}
	why := "rollcall person " + string(p.ID) + " explain"
	switch {
	case len(p.Held) > 0:
	case p.Access == model.AccessKeep && p.Status == model.Pending:
		add("", p.Reason, fmt.Sprintf("the account comes [policy.lifecycle] create_before_start = \"%dd\" before the first day", a.engine.Settings().Policy.CreateBeforeStart), why)
	case p.Access == model.AccessKeep && !allOut(records):
		add("", p.Reason+", so nobody knows whether they work here: accounts stay as they are", "a source says active or inactive", why)
	case p.Access == model.AccessOff:
		add("", p.Reason, "a source says that they work here", why)
	case p.Waiting != "":
		add("", p.Waiting, waitingChange(p, records), "rollcall conflicts")
	}
	settings := a.engine.Settings()
	for i := range settings.Targets {
		if err := a.targetObstacles(tx, &settings.Targets[i], p, add); err != nil {
			return err
		}
	}
	return nil
}

func allOut(records []model.Record) bool {
	return len(records) > 0 && !slices.ContainsFunc(records, func(r model.Record) bool { return r.Scope.State == model.InScope })
}

// waitingChange says what ends the wait for an account.
func waitingChange(p model.Person, records []model.Record) string {
	var sources []string
	for _, r := range records {
		if !slices.Contains(sources, r.Source) {
			sources = append(sources, r.Source)
		}
	}
	slices.Sort(sources)
	in := strings.Join(sources, " or ")
	switch {
	case strings.Contains(p.Waiting, "[policy] creates"):
		return "a source that [policy] creates names lists them, or one of " + in + " is added there"
	case strings.Contains(p.Waiting, "name"):
		return in + " gives a name"
	}
	return in + " gives a work email, or a human sets or allows one in the conflict"
}

func (a *App) targetObstacles(tx *store.Tx, t *ingest.TargetSettings, p model.Person, add func(target, what, change, command string)) error {
	o, ok, err := ingest.Look(tx, t, p.ID)
	if err != nil || !ok {
		return err
	}
	person := string(p.ID)
	if o.Restored != nil {
		add(t.Name, fmt.Sprintf("run %d was undone by %s: the account is kept as it was before", o.Restored.Undone, o.Restored.By), "the person changes in a source, or the undo is undone", "rollcall runs show "+fmt.Sprint(o.Restored.Undone))
	} else if o.Projection.Blocked != "" && o.TakenBy != "" {
		add(t.Name, o.Projection.Blocked, "a human says whose account it is", "rollcall conflicts")
	}
	if o.Projection.LoginChange {
		add(t.Name, "their email changed, and the login there may not follow", fmt.Sprintf("[targets.%s] identifier_changes, or a human allows this one", t.Name), "rollcall conflicts")
	}
	job, pending, err := store.Outbox.Get(tx, store.TargetPerson{Target: t.Name, Person: p.ID})
	if err != nil || !pending {
		return err
	}
	switch job.State {
	case model.JobHeld:
		add(t.Name, fmt.Sprintf("%s holds this in run %d", job.Reason, job.Run), "a human approves it", fmt.Sprintf("rollcall approve %d --only person:%s", job.Run, person))
	case model.JobParked:
		add(t.Name, "the target refused it: "+job.Reason, "the data are corrected at their source, or the target accepts them", fmt.Sprintf("rollcall deliveries retry %s %s", t.Name, person))
	case model.JobRejected:
		add(t.Name, job.Reason, "the person changes, or a human lets it go", fmt.Sprintf("rollcall deliveries retry %s %s", t.Name, person))
	case model.JobOpen:
		if job.Wave > 0 {
			add(t.Name, fmt.Sprintf("it goes in %s of run %d", job.Reason, job.Run), "the waves before read back from the target as they were sent", fmt.Sprintf("rollcall runs show %d", job.Run))
			return nil
		}
		add(t.Name, fmt.Sprintf("it waits for run %d", job.Run), "the run ends", fmt.Sprintf("rollcall runs show %d", job.Run))
	case model.JobReady:
		lane, _, err := store.Lanes.Get(tx, t.Name)
		if err != nil {
			return err
		}
		if lane.State != "" && lane.State != model.LaneOpen {
			add(t.Name, fmt.Sprintf("nothing is sent there now: the lane is %s: %s", lane.State, lane.Reason), laneChange(lane.State), "rollcall status")
		}
		if job.LastError != "" {
			add(t.Name, "the last attempt failed: "+job.LastError, "it is tried again by itself", fmt.Sprintf("rollcall deliveries retry %s %s", t.Name, person))
		}
	}
	return nil
}

func laneChange(state model.LaneState) string {
	switch state {
	case model.LanePaused:
		return "an operator resumes it"
	case model.LaneDenied:
		return "the credentials are put right"
	}
	return "the target answers again"
}
