// Package poll reads polled sources: when each is due, page by page, to a verdict.
//
// One [Poller] per source owns its schedule. It never retries inside a read and
// never concludes anything itself: pages go to ingest as they come, and the end
// of the read, good or bad, is told to it. Credentials that were refused are
// tried again once per interval, not in a burst, because services block whoever
// insists. After a restart a read begins anew: who was seen is known only to the
// process that saw it, and absence must be proven by one whole read.
package poll

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/store"
	"rollcall/connectors"
)

// A hint that somebody changed brings the next read forward, but not at once:
// HiBob shows a change after up to 20 s, and changes come in bunches. Reads that
// hints cause are no closer together than a share of the interval, so that a busy
// day at HR costs the service no more than a multiple of what polling costs.
const (
	hintDelay = 30 * time.Second
	hintShare = 8
	hintGap   = time.Minute
)

// resumes is how often one read may go on after a page that failed for a passing
// reason, before the read is given up.
const resumes = 3

// Poller reads one source on its interval. Run is called once; the other methods
// are safe for concurrent use.
type Poller struct {
	name     string
	source   connectors.Source
	interval time.Duration
	store    *store.Store
	engine   *ingest.Engine
	log      hclog.Logger
	rng      *rand.Rand
	// Of Run: what was told of the last read, when it was refused, and what was
	// noted about it.
	refusal string
	noted   []string
	kick    chan struct{}

	mu      sync.Mutex   // guards what follows
	busy    bool         // a read is under way
	reading *ingest.Read // once it has a run
	started time.Time
	total   int
	wanted  bool      // a read was asked for and has not begun
	hinted  time.Time // when the service told of a change that no read has seen; zero: none
	heard   time.Time // when it last told of one
}

// New returns a poller. seed spreads the reads of several sources apart.
func New(name string, source connectors.Source, interval time.Duration, s *store.Store, e *ingest.Engine, log hclog.Logger, seed uint64) *Poller {
	return &Poller{name: name, source: source, interval: interval, store: s, engine: e, log: log,
		rng: rand.New(rand.NewPCG(seed, 0x706f6c6c)), kick: make(chan struct{}, 1)}
}

// Name returns the name of the source.
func (p *Poller) Name() string { return p.name }

// Kick asks for a read now. Asking twice before it begins is asking once.
func (p *Poller) Kick() {
	p.mu.Lock()
	p.wanted = true
	p.mu.Unlock()
	select {
	case p.kick <- struct{}{}:
	default:
	}
}

// Hint says that the service told of a change: the next read comes early. While
// reads fail it changes nothing, because who is refused must not insist.
func (p *Poller) Hint() {
	p.mu.Lock()
	p.heard = time.Now()
	if p.hinted.IsZero() {
		p.hinted = p.heard
	}
	p.mu.Unlock()
	select {
	case p.kick <- struct{}{}:
	default:
	}
}

// Heard returns when the service last told of a change, zero when it never did.
func (p *Poller) Heard() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.heard
}

// nextRead returns when the source is due: on its schedule, or earlier after a
// hint. The caller holds the mutex.
func (p *Poller) nextRead(s store.SourceState) time.Time {
	if p.hinted.IsZero() || s.Failures > 0 {
		return s.NextRead
	}
	at := p.hinted.Add(hintDelay)
	if soonest := s.LastStart.Add(max(p.interval/hintShare, hintGap)); soonest.After(at) && !s.LastStart.After(time.Now()) {
		at = soonest
	}
	if s.NextRead.Before(at) {
		return s.NextRead
	}
	return at
}

// Progress is how far the running read has come.
type Progress struct {
	Run     uint64
	Seen    int
	Total   int // 0 while it is not known
	Started time.Time
}

// Busy reports whether a read is under way or asked for, and how far it is.
func (p *Poller) Busy() (Progress, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reading == nil {
		return Progress{Started: p.started}, p.wanted || p.busy
	}
	return Progress{Run: p.reading.Run(), Seen: p.reading.Counts().Seen, Total: p.total, Started: p.started}, true
}

// Run reads whenever the source is due, until ctx ends. It returns nil then, and
// an error only when the state of the source cannot be read at all.
func (p *Poller) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		wait, err := p.due()
		if err != nil {
			return err
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-p.kick:
			timer.Stop()
		case <-timer.C:
		}
		state, err := p.state()
		if err != nil {
			return err
		}
		if !p.begin(state) {
			continue
		}
		if err := p.read(ctx); err != nil {
			// The store refused: a full disk, most likely. Reads pause, nothing is lost.
			p.log.Error("read not stored", "source", p.name, "error", err)
			if !pause(ctx, time.Minute) {
				return nil
			}
		}
	}
	return nil
}

// begin decides whether to read now. A wish for a read is granted and forgotten
// in one step with the read being under way, so that nobody who waits for it can
// see the moment in between as quiet.
func (p *Poller) begin(s store.SourceState) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	ahead := time.Until(p.nextRead(s))
	due := p.wanted || ahead <= 0 || ahead > max(p.interval+p.interval/10, maxThrottle)
	p.wanted = false
	if s.State == store.Paused || !due {
		return false
	}
	p.busy, p.started, p.total, p.hinted = true, time.Now(), 0, time.Time{}
	return true
}

func (p *Poller) state() (store.SourceState, error) {
	var s store.SourceState
	err := p.store.View(func(tx *store.Tx) error {
		var err error
		s, _, err = store.Sources.Get(tx, p.name)
		return err
	})
	return s, err
}

// due returns how long to wait for the next read. A time further away than the
// longest wait we ever set means that the clock was moved, and is not believed.
func (p *Poller) due() (time.Duration, error) {
	s, err := p.state()
	if err != nil {
		return 0, err
	}
	longest := p.interval + p.interval/10
	p.mu.Lock()
	wait := time.Until(p.nextRead(s))
	p.mu.Unlock()
	if s.State == store.Paused {
		return longest, nil
	}
	if wait > max(longest, maxThrottle) {
		wait = 0
	}
	return max(wait, 0), nil
}

// maxThrottle bounds how long a service may tell us to stay away.
const maxThrottle = 6 * time.Hour

// read does one read from the first page to its verdict.
func (p *Poller) read(ctx context.Context) error {
	defer func() {
		p.mu.Lock()
		p.busy, p.reading = false, nil
		p.mu.Unlock()
	}()
	r, err := p.engine.StartRead(p.name)
	if err != nil {
		return fmt.Errorf("%s: start a read: %w", p.name, err)
	}
	p.mu.Lock()
	p.reading = r
	p.mu.Unlock()
	readErr := p.pages(ctx, r)
	if ctx.Err() != nil {
		return r.Abandon()
	}
	run, err := r.FinishWith(readErr, func(s *store.SourceState, readErr error) { s.NextRead = p.next(readErr, s.Failures) })
	if err != nil {
		return fmt.Errorf("%s: finish the read: %w", p.name, err)
	}
	if readErr == nil && run.Error != "" {
		// The pages came, and together they are not the whole.
		readErr = &connectors.Error{Class: connectors.Transient, Op: p.name + ": read people", Detail: run.Error}
	}
	p.report(run, readErr)
	p.namePermissions(ctx, run)
	return nil
}

// namePermissions asks the source, field by field, which permission is missing
// when an attribute stopped coming, so that the hold can say what to grant. A
// check that fails leaves the hold as it is: the field is named already.
func (p *Poller) namePermissions(ctx context.Context, run model.Run) {
	checker, can := p.source.(connectors.Checker)
	if !can || len(ingest.LostAttributes(run)) == 0 {
		return
	}
	report, err := checker.Check(ctx)
	if err != nil {
		p.log.Warn("permissions not checked", "source", p.name, "error", err)
		return
	}
	for _, m := range report.Missing {
		if m.Attribute == "" {
			continue
		}
		if err := p.engine.NamePermission(run.Seq, m.Attribute, m.Permission); err != nil {
			p.log.Warn("permission not stored", "source", p.name, "error", err)
		}
	}
}

// pages pulls the pages of one read, going on from the last good one after a
// passing error.
func (p *Poller) pages(ctx context.Context, r *ingest.Read) error {
	var cursor connectors.Cursor
	for try := 0; ; try++ {
		last, err := p.pull(ctx, r, &cursor)
		switch {
		case err == nil && last:
			return nil
		case err == nil:
			return &connectors.Error{Class: connectors.Transient, Op: p.name + ": read people", Detail: "the source stopped before its last page"}
		}
		class := connectors.ClassOf(err)
		if try == resumes || class != connectors.Transient || cursor == "" || ctx.Err() != nil {
			return err
		}
		p.log.Debug("read goes on after an error", "source", p.name, "error", err, "try", try+1)
		if !pause(ctx, time.Duration(1<<try)*time.Second) {
			return ctx.Err()
		}
	}
}

func (p *Poller) pull(ctx context.Context, r *ingest.Read, cursor *connectors.Cursor) (last bool, err error) {
	for pages, err := range ahead(ctx, p.source, *cursor) {
		if err != nil {
			return false, err
		}
		if err := r.Pages(pages); err != nil {
			return false, err
		}
		for _, page := range pages {
			p.mu.Lock()
			p.total = max(p.total, page.Total)
			p.mu.Unlock()
			*cursor, last = page.Next, page.Last
		}
	}
	return last, nil
}

// next says when to read again, after so many failures in a row: on the interval with
// a little jitter, sooner after a passing error, as told when told.
func (p *Poller) next(readErr error, failures int) time.Time {
	now := time.Now()
	jitter := time.Duration(p.rng.Int64N(int64(p.interval/10) + 1))
	regular := now.Add(p.interval - p.interval/20 + jitter)
	switch connectors.ClassOf(readErr) {
	case connectors.Throttled:
		if at := connectors.RetryAt(readErr); at.After(now) && at.Before(now.Add(maxThrottle)) {
			return at
		}
	case connectors.Transient, connectors.Unclassified:
		if readErr == nil {
			return regular
		}
		backoff := time.Minute << min(max(failures-1, 0), 6)
		if soon := now.Add(backoff); soon.Before(regular) {
			return soon
		}
	}
	return regular
}

func (p *Poller) report(run model.Run, readErr error) {
	n := run.Counts
	told := p.refusal
	p.refusal = ""
	if class := connectors.ClassOf(readErr); class == connectors.Denied || class == connectors.Misconfigured {
		// Nothing changes until a human does something: they are told once.
		p.refusal = readErr.Error()
		if p.refusal == told {
			p.log.Debug("read refused again", "source", p.name, "run", run.Seq)
			return
		}
	}
	if readErr != nil {
		p.log.Warn("read failed", "source", p.name, "run", run.Seq, "people", n.Seen, "error", readErr)
		return
	}
	for _, note := range run.Notes {
		// A deprecation, an API that ends: once, not with each read.
		if !slices.Contains(p.noted, note) {
			p.log.Warn("noted while reading", "source", p.name, "run", run.Seq, "note", note)
		}
	}
	p.noted = run.Notes
	p.log.Info("read complete", "source", p.name, "run", run.Seq, "people", n.Seen, "added", n.Added, "changed", n.Changed,
		"missing", n.Missing, "gone", n.Gone, "held", len(run.Holds))
}

// pause waits, and reports false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
