// Package relay takes pending deliveries to their targets.
//
// A [Lane] is the way to one target. It lists the accounts there before the
// first delivery, so that people who have one are adopted instead of created
// again; then it sends what is ready, deactivations first, managers before their
// reports, one request at a time inside the target's rate budget.
//
// # The states of a job
//
//	open      the run that caused it has not ended
//	held      a guard stopped it                       → approve, reject
//	ready     may be sent; not before a time           → sent, or:
//	parked    the target refuses it as it is           → the person changes, or retry
//	rejected  a human said no                          → the person changes, or retry
//
// Before a request leaves, the attempt is on disk; what the target answered is
// stored in one transaction with the end of the job. If the process ends in
// between, the next attempt looks the account up before it creates one.
//
// A target that takes everybody as a file has a lane too. Its file is what was
// delivered, with everything that is ready put in the place of what it replaces: what
// a guard holds stays as it was. One file is one attempt, and settles all of them.
//
// Lanes break, jobs do not burn attempts: failures in a row, whosever, break the
// lane, which then sends one probe at a time; credentials that were refused deny
// it; being told to wait is no failure at all.
package relay

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
	"rollcall/connectors"
)

const (
	// breakAfter is how many failures in a row break a lane.
	breakAfter = 5
	// probeEvery is how long a broken or denied lane rests between two probes.
	probeEvery = 2 * time.Minute
	// listEvery is how long a listing of the accounts is believed.
	listEvery = 24 * time.Hour
	// longestWait bounds every wait that was stored: a time further away means
	// that the clock was moved back.
	longestWait = time.Hour
	// idle is how often a lane with nothing to do looks again, in case a kick got lost.
	idle = time.Minute
	// handful is how many jobs are picked up at once.
	handful = 256
)

// Budget is the rate limit of a target, shared with its connector.
type Budget interface {
	// Restore adds what was spent before the process started, per slot, by the
	// slot's start in Unix seconds.
	Restore(map[int64]int)
	// Keep has what is spent handed to fn before each request leaves.
	Keep(fn func(usage map[int64]int) error)
}

// Lane delivers to one target. Run is called once; the other methods are safe
// for concurrent use.
type Lane struct {
	name   string
	work   func(context.Context) (wait time.Duration, err error)
	target connectors.Target // nil: the lane of a file
	budget Budget            // nil: no limit
	file   connectors.FileTarget
	every  time.Duration // at most so often is a file put
	store  *store.Store
	engine *ingest.Engine
	log    hclog.Logger
	kick   chan struct{}

	ignored []model.Name                  // what this process saw the target drop; of Run alone
	index   map[string][]connectors.Group // groups of the target by folded name; nil: not listed; of Run alone
	// noGroups is why the target takes no groups, as it said when it was asked; of Run alone
	noGroups error
	known    connectors.Knowledge // what is stored of the target's service; of Run alone

	// Watch, when set before Run, is told of every [Moment] that the lane passes, in
	// its own goroutine: for whoever follows what a delivery does step by step.
	Watch func(Moment)

	rekeyed atomic.Bool // and not listed since

	mu    sync.Mutex // guards what follows
	busy  bool
	sent  int
	since time.Time // zero: there was nothing to do the last time it looked
}

// New returns the lane of a target that takes people one by one.
func New(name string, target connectors.Target, budget Budget, s *store.Store, e *ingest.Engine, log hclog.Logger) *Lane {
	l := &Lane{name: name, target: target, budget: budget, store: s, engine: e, log: log, kick: make(chan struct{}, 1)}
	l.work = l.people
	return l
}

// NewFile returns the lane of a target that takes everybody as a file, at most once
// in so long.
func NewFile(name string, target connectors.FileTarget, every time.Duration, s *store.Store, e *ingest.Engine, log hclog.Logger) *Lane {
	l := &Lane{name: name, file: target, every: every, store: s, engine: e, log: log, kick: make(chan struct{}, 1)}
	l.work = l.whole
	return l
}

// Rekeyed says that the target is asked with another token from now on: the next
// listing must show accounts that were delivered, or the lane pauses, because the token
// may be of another tenant.
func (l *Lane) Rekeyed() { l.rekeyed.Store(true) }

// Name returns the name of the target.
func (l *Lane) Name() string { return l.name }

// Kick says that there may be something to send.
func (l *Lane) Kick() {
	select {
	case l.kick <- struct{}{}:
	default:
	}
}

// Progress is how much was sent since the lane last had nothing to do. A restart
// does not begin it anew.
type Progress struct {
	Sent    int
	Started time.Time
}

// Busy reports whether the lane is working, and how far it has come.
func (l *Lane) Busy() (Progress, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Progress{Sent: l.sent, Started: l.since}, l.busy
}

// working says that there is something to do, resting that the lane closed on it.
func (l *Lane) working() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.since.IsZero() {
		l.sent, l.since = 0, time.Now()
	}
	l.busy = true
}

func (l *Lane) resting() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy = false
}

// idle says that there is nothing to do.
func (l *Lane) idle() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy, l.since = false, time.Time{}
}

func (l *Lane) counted() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent++
}

// Run delivers until ctx ends, and returns nil then.
func (l *Lane) Run(ctx context.Context) error {
	if err := l.restore(); err != nil {
		return err
	}
	for {
		wait, err := l.work(ctx)
		l.resting()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			// The store refused: a full disk, most likely. The relay stops sending,
			// because what it sends could not be remembered.
			l.log.Error("delivery not stored", "target", l.name, "error", err)
			wait = time.Minute
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-l.kick:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// restore goes on where the last process stopped: what the budget had spent, and
// how far a backlog had come.
func (l *Lane) restore() error {
	lane, err := l.lane()
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.sent, l.since = lane.Sent, lane.SentSince
	l.mu.Unlock()
	if err := l.engine.TouchGroups(l.name); err != nil {
		return err
	}
	if t, ok := l.target.(connectors.Learner); ok {
		if l.known, err = l.engine.Knowledge(l.name); err != nil {
			return err
		}
		t.Recall(l.known)
	}
	if l.budget == nil {
		return nil
	}
	l.budget.Restore(lane.Usage)
	l.budget.Keep(func(usage map[int64]int) error {
		at, _ := l.Busy()
		if err := l.engine.Spent(l.name, usage, at.Sent, at.Started); err != nil {
			return err
		}
		l.pass(RequestCounted)
		return nil
	})
	return nil
}

func (l *Lane) lane() (model.Lane, error) {
	var lane model.Lane
	err := l.store.View(func(tx *store.Tx) error {
		var err error
		lane, _, err = store.Lanes.Get(tx, l.name)
		return err
	})
	return lane, err
}

// people sends what can be sent and returns how long to wait before looking again.
func (l *Lane) people(ctx context.Context) (time.Duration, error) {
	for ctx.Err() == nil {
		lane, err := l.lane()
		if err != nil {
			return 0, err
		}
		if unlistedSinceRestore(lane) {
			// Held, and looked at all the same: the difference is what the human who
			// lets it go on must see.
			if lane, err = l.listHeld(ctx, lane); err != nil || unlistedSinceRestore(lane) {
				return probeEvery, err
			}
		}
		if wait, closed := closedFor(lane); closed {
			return wait, nil
		}
		if age := time.Since(lane.Listed); age >= listEvery || age < -longestWait {
			l.working()
			if err := l.list(ctx, lane); err != nil {
				return 0, err
			}
			continue
		}
		jobs, next, err := l.due()
		if err != nil {
			return 0, err
		}
		if len(jobs) == 0 {
			// The next wave of a run goes when this one reads back as it was sent.
			if sent, err := l.engine.WaveSent(l.name); err != nil {
				return 0, err
			} else if sent {
				l.working()
				if err := l.list(ctx, lane); err != nil {
					return 0, err
				}
				continue
			}
			if sent, err := l.groups(ctx); err != nil || !sent {
				l.idle()
				return min(next, idle), err
			}
			continue // a leaver must not wait for the next group
		}
		l.working()
		probing := lane.State != model.LaneOpen && lane.State != ""
		moved, err := l.send(ctx, jobs, probing)
		if err != nil {
			return 0, err
		}
		if lane, err = l.lane(); err != nil {
			return 0, err
		}
		if wait, closed := closedFor(lane); closed {
			return wait, nil
		}
		if again, _, err := l.due(); err != nil || !moved && len(again) > 0 && unchanged(jobs[0], again[0]) {
			// Nothing comes of them: rest instead of picking the same up again at once.
			return idle, err
		}
	}
	return 0, nil
}

// unlistedSinceRestore reports whether a backup was restored and nobody knows yet
// what the target holds.
func unlistedSinceRestore(lane model.Lane) bool {
	return !lane.Restored.IsZero() && lane.Listed.IsZero()
}

// listHeld lists the accounts of a held lane and returns the lane after it.
func (l *Lane) listHeld(ctx context.Context, lane model.Lane) (model.Lane, error) {
	l.working()
	if err := l.list(ctx, lane); err != nil {
		return lane, err
	}
	return l.lane()
}

func unchanged(a, b model.Job) bool {
	return a.Person == b.Person && a.Digest == b.Digest && a.Attempts == b.Attempts && a.NotBefore.Equal(b.NotBefore)
}

// closedFor reports whether a lane takes nothing now, and for how long.
func closedFor(lane model.Lane) (time.Duration, bool) {
	switch lane.State {
	case model.LanePaused:
		return longestWait, true
	case model.LaneBroken, model.LaneDenied, model.LaneWaiting:
		if wait := believable(lane.RetryAt); wait > 0 {
			return wait, true
		}
	}
	return 0, false
}

// believable returns how long to wait until a stored time, none when it is past
// or further ahead than anything we store: the clock was moved back then.
func believable(at time.Time) time.Duration {
	if wait := time.Until(at); wait <= longestWait {
		return wait
	}
	return 0
}

// due picks up ready jobs whose time has come, in the order to send them, and
// says when the next one is due when there is none.
func (l *Lane) due() (jobs []model.Job, next time.Duration, err error) {
	next = idle
	err = l.store.View(func(tx *store.Tx) error {
		if ingest.CarryingOut(tx) {
			return nil // its last step kicks
		}
		for job, err := range store.JobByState.Prefix(tx, store.Prefix(l.name, string(model.JobReady))) {
			if err != nil {
				return err
			}
			if wait := believable(job.NotBefore); wait > 0 {
				next = min(next, wait)
				continue
			}
			jobs = append(jobs, job)
			if len(jobs) == handful {
				break
			}
		}
		return nil
	})
	// One that failed before must not hold up those that were never tried.
	slices.SortStableFunc(jobs, func(a, b model.Job) int { return cmp.Compare(rank(a), rank(b)) })
	return jobs, next, err
}

// rank orders what is due: deactivations, then what was never tried, then what
// failed before.
func rank(j model.Job) int {
	switch {
	case j.Effect == model.EffectDeactivate && j.Attempts == 0:
		return 0
	case j.Attempts == 0:
		return 1
	}
	return 2
}

// send delivers a handful of jobs, managers before their reports, and stops
// early when the lane closes, or when something new may have to go first. A
// probing lane sends one. moved says that something was sent.
func (l *Lane) send(ctx context.Context, jobs []model.Job, probing bool) (moved bool, err error) {
	if !probing {
		if moved, ok, err := l.together(ctx, jobs); ok || err != nil {
			return moved, err
		}
	}
	done := map[model.PersonID]bool{}
	for _, job := range jobs {
		chain, err := l.chain(job, done)
		if err != nil {
			return moved, err
		}
		for _, person := range chain {
			done[person] = true
			if open, err := l.stillOpen(); err != nil || !open {
				return moved, err
			}
			sent, open, err := l.deliver(ctx, person)
			moved = moved || sent
			if err != nil || !open || probing && sent || ctx.Err() != nil {
				return moved, err
			}
			if l.kicked() {
				// Somebody may have left meanwhile, who must not wait for the rest.
				return true, nil
			}
		}
	}
	return moved, nil
}

// stillOpen reports whether nobody paused the lane since the last delivery.
func (l *Lane) stillOpen() (bool, error) {
	lane, err := l.lane()
	return lane.State != model.LanePaused, err
}

// chain returns the person of the job behind those managers, top first, who are
// about to get an account, or of whom nobody knows whether theirs is active: so
// that one write carries the link. It ends at the
// first manager who has one or is not about to get one, for a link needs no more
// than the manager's own account; so each step up is a delivery made, and a long
// line of managers is walked once. It never follows a circle twice.
func (l *Lane) chain(job model.Job, done map[model.PersonID]bool) ([]model.PersonID, error) {
	if done[job.Person] {
		return nil, nil
	}
	chain := []model.PersonID{job.Person}
	if job.Effect == model.EffectDeactivate {
		return chain, nil
	}
	err := l.store.View(func(tx *store.Tx) error {
		seen := map[model.PersonID]bool{job.Person: true}
		for id := job.Person; ; {
			p, ok, err := store.Persons.Get(tx, id)
			if err != nil || !ok || p.Manager == "" || seen[p.Manager] || done[p.Manager] {
				return err
			}
			id = p.Manager
			seen[id] = true
			m, ok, err := store.Outbox.Get(tx, store.TargetPerson{Target: l.name, Person: id})
			if err != nil {
				return err
			}
			d, _, err := store.Doubts.Get(tx, store.TargetPerson{Target: l.name, Person: id})
			if err != nil {
				return err
			}
			made := m.Effect != model.EffectUpdate && m.Effect != model.EffectDeactivate
			if !ok || m.State != model.JobReady || believable(m.NotBefore) > 0 || !made && !slices.Contains(d.Changed, reconcile.ActiveName) {
				return nil
			}
			chain = append(chain, id)
		}
	})
	slices.Reverse(chain)
	return chain, err
}

// list reads all accounts of the target. What it finds decides who is adopted.
func (l *Lane) list(ctx context.Context, lane model.Lane) error {
	var accounts []model.Account
	var failure error
	last := false
	for page, err := range l.target.List(ctx) {
		if err != nil {
			failure = err
			break
		}
		accounts = append(accounts, page.Accounts...)
		last = page.Last
	}
	if failure == nil && !last {
		failure = &connectors.Error{Class: connectors.Transient, Op: l.name + ": list accounts", Detail: "the listing ended before its last page"}
	}
	if failure == nil && len(accounts) == 0 {
		n, err := l.delivered()
		if err != nil {
			return err
		}
		if n > 0 {
			failure = &connectors.Error{Class: connectors.Transient, Op: l.name + ": list accounts",
				Detail: "the target lists nobody, and accounts were delivered there", Next: "Check that the token and base_url are those of the same tenant as before"}
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	if failure != nil {
		l.log.Warn("accounts not listed", "target", l.name, "error", failure)
		_, err := l.setback(failure)
		return err
	}
	l.pass(AccountsListed)
	if strange, err := l.strange(accounts); err != nil || strange {
		return err
	}
	if err := l.recovered(lane); err != nil {
		return err
	}
	l.log.Info("accounts listed", "target", l.name, "accounts", len(accounts))
	missing, err := l.engine.Listed(l.name, accounts)
	if err != nil {
		return fmt.Errorf("%s: store the listing: %w", l.name, err)
	}
	l.pass(ListingStored)
	if err := l.learned(); err != nil {
		return err
	}
	if err := l.engine.TouchGroups(l.name); err != nil {
		return err
	}
	l.index, l.noGroups = nil, nil
	return l.lookFor(ctx, missing)
}

// strange pauses the lane when the accounts that another token shows are none of those
// that were delivered.
func (l *Lane) strange(accounts []model.Account) (bool, error) {
	if !l.rekeyed.CompareAndSwap(true, false) {
		return false, nil
	}
	delivered, found := 0, false
	err := l.store.View(func(tx *store.Tx) error {
		delivered = store.Deliveries.Count(tx, store.Prefix(l.name))
		for _, a := range accounts {
			_, known, err := store.DeliveredByRemote.One(tx, store.Key(l.name, a.RemoteID))
			if err != nil {
				return err
			}
			if known {
				found = true
				return nil
			}
		}
		return nil
	})
	if err != nil || found || delivered == 0 {
		return false, err
	}
	reason := fmt.Sprintf("with the new token none of the %d accounts delivered there is listed: it may be of another tenant; put the right one into its place, or resume the lane if this is right", delivered)
	l.log.Error("lane paused", "target", l.name, "reason", reason)
	return true, l.engine.SetLane("rollcall", l.name, func(lane *model.Lane) { lane.State, lane.Reason = model.LanePaused, reason })
}

// delivered returns whether, and roughly how many, accounts were delivered.
func (l *Lane) delivered() (n int, err error) {
	err = l.store.View(func(tx *store.Tx) error {
		for _, err := range store.Deliveries.Each(tx, store.Prefix(l.name)) {
			n++
			return err
		}
		return nil
	})
	return n, err
}

// lookFor asks after accounts that were delivered and are not listed any more. Only
// one that is not found either is gone.
func (l *Lane) lookFor(ctx context.Context, missing []model.Delivered) error {
	for _, d := range missing {
		a, found, err := l.target.Find(ctx, d.Sent.Email)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			l.log.Warn("missing account not looked up", "target", l.name, "person", d.Person, "error", err)
			_, err := l.setback(err)
			return err
		}
		if found && a.RemoteID == d.RemoteID {
			continue
		}
		if err := l.engine.AccountGone(l.name, d); err != nil {
			return err
		}
	}
	return nil
}
