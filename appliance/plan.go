package appliance

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"crypto/sha256"

	"rollcall/appliance/admin"
	"rollcall/appliance/identity"
	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

// Plan implements admin.Service. Without a source it shows what is pending; with
// a source in preview, what activating it would change on top.
func (a *App) Plan(_ context.Context, source string) (admin.Plan, error) {
	p := admin.Plan{Source: source, Instance: a.store.Meta("instance"), Made: a.now().UTC(), Changes: []admin.PlanChange{}, Counts: map[string]int{}}
	all := func(model.Job) bool { return true }
	if source == "" {
		err := a.store.View(func(tx *store.Tx) error { return a.readPlan(tx, &p, all) })
		return p, err
	}
	if _, err := a.configured(source); err != nil {
		return p, err
	}
	state, err := a.sourceState(source)
	if err != nil {
		return p, err
	}
	if state.State != store.Preview {
		return p, invalid("source %s is %s, so there is nothing to preview; rollcall plan shows what is pending", source, state.State)
	}
	err = a.engine.Preview(source, func(tx *store.Tx, run model.Run) error {
		p.Holds = run.Holds
		return a.readPlan(tx, &p, all)
	})
	return p, err
}

// readPlan describes the pending jobs in the transaction that are asked for.
func (a *App) readPlan(tx *store.Tx, p *admin.Plan, wanted func(model.Job) bool) error {
	return a.readPlanUnder(tx, a.engine.Settings(), p, wanted)
}

// readPlanUnder is readPlan under settings that may not be in force.
func (a *App) readPlanUnder(tx *store.Tx, settings *ingest.Settings, p *admin.Plan, wanted func(model.Job) bool) error {
	seen := lookups{tx: tx, records: map[model.RecordID]string{}, names: map[model.PersonID]string{}}
	for i := range settings.Targets {
		t := &settings.Targets[i]
		for job, err := range store.Outbox.Each(tx, store.Prefix(t.Name)) {
			if err != nil {
				return err
			}
			if !wanted(job) {
				continue
			}
			change, ok, err := a.planChange(seen, t, job)
			if err != nil {
				return err
			}
			if ok {
				p.Changes = append(p.Changes, change)
				p.Counts[change.Effect]++
			}
		}
		if err := uncovered(tx, t.Name, p); err != nil {
			return err
		}
		lane, _, err := store.Lanes.Get(tx, t.Name)
		if err != nil {
			return err
		}
		switch {
		case !lane.Restored.IsZero() && lane.Listed.IsZero():
			p.Notices = append(p.Notices, t.Name+" was not listed since a backup was restored: what it holds is not known yet, so look again in a moment")
		case !lane.Restored.IsZero():
			p.Notices = append(p.Notices, t.Name+" gets nothing since a backup was restored: this is how it differs; rollcall deliveries resume "+t.Name+" lets it go on")
		case lane.Listed.IsZero():
			p.Notices = append(p.Notices, t.Name+" was never listed, so nobody knows yet who has an account there: some of those to create will be adopted instead")
		}
	}
	views, err := a.conflictViews(tx)
	if err != nil {
		return err
	}
	for q, err := range store.Conflicts.Each(tx, nil) {
		if err != nil {
			return err
		}
		view, err := views.of(q)
		if err != nil {
			return err
		}
		p.Conflicts = append(p.Conflicts, view)
	}
	slices.SortFunc(p.Changes, func(x, y admin.PlanChange) int {
		return cmp.Or(cmp.Compare(x.Target, y.Target), cmp.Compare(effectOrder(x.Effect), effectOrder(y.Effect)), cmp.Compare(x.Person.Name, y.Person.Name), cmp.Compare(x.Person.ID, y.Person.ID))
	})
	p.Causes = causesOf(p.Changes)
	if err := basis(tx, p); err != nil {
		return err
	}
	p.Summary = planSummary(p)
	raw, err := json.Marshal(p.Changes)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(raw)
	p.Digest = hex.EncodeToString(sum[:12])
	return nil
}

// effects lists what a plan can do, in the order plans show it.
var effects = []model.Effect{model.EffectDeactivate, model.EffectCreate, model.EffectAdopt, model.EffectReactivate, model.EffectUpdate}

func effectOrder(e string) int { return slices.Index(effects, model.Effect(e)) }

// lookups remembers, within one transaction, what a plan asks for again and
// again: the source behind a record, the name of a manager.
type lookups struct {
	tx      *store.Tx
	records map[model.RecordID]string
	names   map[model.PersonID]string
}

func (l lookups) source(id model.RecordID) (string, error) {
	if s, ok := l.records[id]; ok || id == "" {
		return s, nil
	}
	r, _, err := store.Records.Get(l.tx, id)
	l.records[id] = r.Source
	return r.Source, err
}

func (l lookups) name(id model.PersonID) (string, error) {
	if s, ok := l.names[id]; ok {
		return s, nil
	}
	ref, err := refOf(l.tx, id)
	l.names[id] = ref.Name
	return ref.Name, err
}

func (a *App) planChange(seen lookups, t *ingest.TargetSettings, job model.Job) (admin.PlanChange, bool, error) {
	o, ok, err := ingest.Look(seen.tx, t, job.Person)
	if err != nil || !ok || o.Projection.Effect == model.EffectNone {
		return admin.PlanChange{}, false, err
	}
	c := admin.PlanChange{Target: t.Name, Person: personRef(o.Person), Effect: string(o.Projection.Effect), State: string(job.State), Why: o.Person.Reason,
		Cause: o.Person.Reason, Department: o.Person.Attributes.Text(model.Department), Pin: a.engine.Pin(o)}
	if o.Restored != nil {
		c.Cause = fmt.Sprintf("run %d is undone", o.Restored.Undone)
		c.Why = c.Cause
	}
	if why := whyPending(job); why != "" {
		c.Why += "; " + why
	}
	old := model.Desired{}
	names := o.Projection.Changed
	if o.Have != nil {
		old = *o.Have
	} else {
		names = append([]model.Name{model.Email}, sortedNames(o.Projection.Want.Attributes)...)
		if o.Projection.Want.Manager != nil {
			names = append(names, model.Manager)
		}
	}
	for _, n := range names {
		from, err := seen.value(old, n, o.Have != nil)
		if err != nil {
			return c, false, err
		}
		to, err := seen.value(o.Projection.Want, n, true)
		if err != nil {
			return c, false, err
		}
		change := admin.AttributeChange{Attribute: string(n), Old: from, New: to}
		if change.Source, err = seen.source(o.Person.Provenance[n]); err != nil {
			return c, false, err
		}
		c.Attributes = append(c.Attributes, change)
	}
	return c, true, nil
}

func sortedNames(m map[model.Name]string) []model.Name {
	names := make([]model.Name, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	model.SortNames(names)
	return names
}

// value spells one attribute of a desired state for a human.
func (l lookups) value(d model.Desired, n model.Name, exists bool) (string, error) {
	switch {
	case n == "active" && exists:
		return strconv.FormatBool(d.Active), nil
	case n == "active":
		return "", nil
	case n == model.Email:
		return d.Email, nil
	case n == model.Manager:
		if d.Manager == nil || d.Manager.Person == "" {
			return "", nil
		}
		return l.name(d.Manager.Person)
	}
	return d.Attributes[n], nil
}

// uncovered lists the accounts that no person matches.
func uncovered(tx *store.Tx, target string, p *admin.Plan) error {
	// People out of scope claim no address, and are known all the same.
	outside := map[string]bool{}
	for q, err := range store.Persons.Each(tx, nil) {
		if err != nil {
			return err
		}
		if id, _, err := identity.Email(q.Attributes.Text(model.Email)); err == nil && q.EmailKey == "" {
			outside[id.Value] = true
		}
	}
	for acc, err := range store.Accounts.Each(tx, store.Prefix(target)) {
		if err != nil {
			return err
		}
		_, owned, err := store.DeliveredByRemote.One(tx, store.Key(target, acc.RemoteID))
		if err != nil {
			return err
		}
		if owned || outside[acc.EmailKey] || acc.EmailKey != "" && store.PersonByEmail.Count(tx, store.Prefix(acc.EmailKey), 1) > 0 {
			continue
		}
		p.Uncovered = append(p.Uncovered, admin.Uncovered{Target: target, Login: acc.Login, Active: acc.Active})
	}
	return nil
}

func planSummary(p *admin.Plan) string {
	var parts []string
	for _, e := range effects {
		if n := p.Counts[string(e)]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d to %s", n, e))
		}
	}
	if len(parts) == 0 {
		return "nothing would change"
	}
	return strings.Join(parts, ", ")
}

// Runs implements admin.Service: the newest first.
func (a *App) Runs(_ context.Context, page admin.Page) ([]model.Run, error) {
	limit := page.Limit
	if limit <= 0 {
		limit = 100
	}
	limit = min(limit, maxPage)
	var before []byte
	if page.After != "" {
		seq, err := strconv.ParseUint(page.After, 10, 64)
		if err != nil {
			return nil, invalid("%q is not the number of a run", page.After)
		}
		before = store.Seq(seq)
	}
	out := []model.Run{}
	err := a.store.View(func(tx *store.Tx) error {
		for run, err := range store.Runs.Backward(tx, before) {
			if err != nil {
				return err
			}
			out = append(out, run)
			if len(out) == limit {
				return nil
			}
		}
		return nil
	})
	return out, err
}

// Run implements admin.Service.
func (a *App) Run(_ context.Context, seq uint64) (model.Run, []admin.Delivery, error) {
	var run model.Run
	out := []admin.Delivery{}
	err := a.store.View(func(tx *store.Tx) error {
		var ok bool
		var err error
		if run, ok, err = store.Runs.Get(tx, seq); err != nil {
			return err
		}
		if !ok {
			return notFound("there is no run %d; rollcall runs lists them", seq)
		}
		for job, err := range store.JobByRun.Find(tx, store.Seq(seq)) {
			if err != nil {
				return err
			}
			view, err := deliveryView(tx, job)
			if err != nil {
				return err
			}
			out = append(out, view)
		}
		return nil
	})
	return run, out, err
}

func deliveryView(tx *store.Tx, job model.Job) (admin.Delivery, error) {
	ref, err := refOf(tx, job.Person)
	d := admin.Delivery{Target: job.Target, Person: ref, State: string(job.State), Effect: string(job.Effect), Run: job.Run, Reason: job.Reason,
		Attempts: job.Attempts, NotBefore: job.NotBefore, LastError: job.LastError, Created: job.Created}
	for _, n := range job.Changed {
		d.Changed = append(d.Changed, string(n))
	}
	return d, err
}

// jobStates lists the states a delivery can be in.
var jobStates = []model.JobState{model.JobReady, model.JobOpen, model.JobHeld, model.JobParked, model.JobRejected}

// Deliveries implements admin.Service.
func (a *App) Deliveries(_ context.Context, target, state string, page admin.Page) ([]admin.Delivery, error) {
	if target != "" && a.cfg.Targets[target] == nil {
		return nil, notFound("there is no target %q; the configuration has %s", target, listed(a.cfg.TargetNames()))
	}
	states := jobStates
	if state != "" {
		if !slices.Contains(jobStates, model.JobState(state)) {
			return nil, invalid("a delivery is ready, open, held, parked or rejected, never %q", state)
		}
		states = []model.JobState{model.JobState(state)}
	}
	targets := a.cfg.TargetNames()
	if target != "" {
		targets = []string{target}
	}
	limit := page.Limit
	if limit <= 0 {
		limit = 100
	}
	skip := 0
	if page.After != "" {
		var err error
		if skip, err = strconv.Atoi(page.After); err != nil || skip < 0 {
			return nil, invalid("%q is no place in the list of deliveries: give how many to pass over", page.After)
		}
	}
	out := []admin.Delivery{}
	err := a.store.View(func(tx *store.Tx) error {
		for _, name := range targets {
			for _, s := range states {
				for job, err := range store.JobByState.Prefix(tx, store.Prefix(name, string(s))) {
					if err != nil {
						return err
					}
					if len(out) == min(limit, maxPage) {
						return nil
					}
					if skip > 0 {
						skip--
						continue
					}
					view, err := deliveryView(tx, job)
					if err != nil {
						return err
					}
					out = append(out, view)
				}
			}
		}
		return nil
	})
	return out, err
}

// RetryDelivery implements admin.Service.
func (a *App) RetryDelivery(_ context.Context, actor, target, person string) error {
	return a.onJob(target, person, func(id model.PersonID) error { return a.engine.RetryJob(actor, target, id) })
}

// DropDelivery implements admin.Service.
func (a *App) DropDelivery(_ context.Context, actor, target, person string) error {
	return a.onJob(target, person, func(id model.PersonID) error { return a.engine.DropJob(actor, target, id) })
}

func (a *App) onJob(target, who string, fn func(model.PersonID) error) error {
	if a.cfg.Targets[target] == nil {
		return notFound("there is no target %q; the configuration has %s", target, listed(a.cfg.TargetNames()))
	}
	var id model.PersonID
	err := a.store.View(func(tx *store.Tx) error {
		p, err := find(tx, who)
		id = p.ID
		return err
	})
	if err != nil {
		return err
	}
	return refusal(fn(id))
}

// journalPoll is how often a waiting Journal call looks for news.
const journalPoll = 200 * time.Millisecond

// Journal implements admin.Service.
func (a *App) Journal(ctx context.Context, after int64, limit int, wait bool) ([]model.Event, error) {
	if limit <= 0 || limit > maxPage {
		limit = maxPage
	}
	for {
		events, err := a.events(after, limit)
		if err != nil || len(events) > 0 || !wait || after < 0 {
			return events, err
		}
		timer := time.NewTimer(journalPoll)
		select {
		case <-ctx.Done():
			timer.Stop()
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return []model.Event{}, nil
			}
			return nil, ctx.Err()
		case <-timer.C:
		}
	}
}

func (a *App) events(after int64, limit int) ([]model.Event, error) {
	out := []model.Event{}
	err := a.store.View(func(tx *store.Tx) error {
		if after < 0 {
			for e, err := range store.Journal.Backward(tx, nil) {
				if err != nil {
					return err
				}
				out = append(out, e)
				if len(out) == limit {
					break
				}
			}
			slices.Reverse(out)
			return nil
		}
		for e, err := range store.Journal.From(tx, nil, store.Seq(uint64(after))) {
			if err != nil {
				return err
			}
			out = append(out, e)
			if len(out) == limit {
				break
			}
		}
		return nil
	})
	return out, err
}

// VerifyJournal implements admin.Service.
func (a *App) VerifyJournal(_ context.Context, known string) (admin.Verified, error) {
	var noted store.Head
	if known != "" {
		var err error
		if noted, err = store.ParseHead(known); err != nil {
			return admin.Verified{}, invalid("%q is %s", known, err.Error())
		}
	}
	var v admin.Verified
	err := a.store.View(func(tx *store.Tx) (err error) {
		if v.Events, err = tx.VerifyJournal(); err != nil {
			return err
		}
		if known != "" {
			if err := tx.VerifyHead(noted); err != nil {
				return err
			}
		}
		head, err := tx.JournalHead()
		v.Head = head.String()
		return err
	})
	return v, err
}
