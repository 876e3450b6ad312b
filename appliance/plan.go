package appliance

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

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

// RunJSON implements admin.Service. The tag is taken first: what changes until the rest
// is read makes it lapse.
func (a *App) RunJSON(_ context.Context, seq uint64) (admin.Spooled, error) {
	tag, held, err := a.engine.Held(seq)
	if err != nil {
		return nil, err
	}
	s := a.newSpool()
	err = a.store.View(func(tx *store.Tx) error {
		run, ok, err := store.Runs.Get(tx, seq)
		if err != nil {
			return err
		}
		if !ok {
			return notFound("there is no run %d; rollcall runs lists them", seq)
		}
		s.list("deliveries")
		for job, err := range store.JobByRun.Find(tx, store.Seq(seq)) {
			if err != nil {
				return err
			}
			view, err := deliveryView(tx, job)
			if err != nil {
				return err
			}
			if err := s.value(view); err != nil {
				return err
			}
		}
		return s.end(struct {
			Run  model.Run `json:"run"`
			Tag  string    `json:"tag"`
			Held int       `json:"held"`
		}{run, tag, held}, "deliveries")
	})
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// RunBrief implements admin.Service.
func (a *App) RunBrief(_ context.Context, seq uint64) (out admin.RunDetail, err error) {
	out.Deliveries = []admin.Delivery{}
	if out.Tag, out.Held, err = a.engine.Held(seq); err != nil {
		return out, err
	}
	err = a.store.View(func(tx *store.Tx) error {
		var ok bool
		if out.Run, ok, err = store.Runs.Get(tx, seq); err == nil && !ok {
			err = notFound("there is no run %d; rollcall runs lists them", seq)
		}
		return err
	})
	return out, err
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
	return refusalOr(fn(id), "nothing is on its way to %s for %s; rollcall deliveries explain %s says how things stand", target, id, id)
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
