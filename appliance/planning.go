package appliance

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"

	"rollcall/appliance/admin"
	"rollcall/appliance/identity"
	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

// Plan is [App.PlanJSON] in memory, for plans that are not large.
func (a *App) Plan(ctx context.Context, source string) (admin.Plan, error) {
	var p admin.Plan
	s, err := a.PlanJSON(ctx, source)
	if err == nil {
		err = admin.Unspool(s, &p)
	}
	return p, err
}

// PlanJSON implements admin.Service. Without a source it shows what is pending; with
// a source in preview, what activating it would change on top. Nobody waits for it,
// and it holds nobody in memory: what the preview would change is kept by the
// rehearsal, the changes are sorted there, and the answer is a file.
func (a *App) PlanJSON(_ context.Context, source string) (admin.Spooled, error) {
	p := admin.Plan{Source: source, Instance: a.store.Meta("instance"), Made: a.now().UTC(), Counts: map[string]int{}}
	all := func(model.Job) bool { return true }
	if source == "" {
		return a.spoolPlan(&p, all, func(read func(*store.Tx) error) error {
			return a.store.Rehearse(func(tx *store.Tx) (err error) {
				if p.Holds, err = waitingHolds(tx); err != nil {
					return err
				}
				return read(tx)
			})
		})
	}
	if _, err := a.configured(source); err != nil {
		return nil, err
	}
	state, err := a.sourceState(source)
	if err != nil {
		return nil, err
	}
	if state.State != store.Preview {
		return nil, invalid("source %s is %s, so there is nothing to preview; rollcall plan shows what is pending", source, state.State)
	}
	return a.spoolPlan(&p, all, func(read func(*store.Tx) error) error {
		return a.engine.Preview(source, func(tx *store.Tx, run model.Run) error {
			p.Holds = run.Holds
			return read(tx)
		})
	})
}

// waitingHolds lists what guards hold until a human answers, of all runs.
func waitingHolds(tx *store.Tx) (holds []model.Hold, err error) {
	seqs, err := ingest.WaitingHolds(tx)
	if err != nil {
		return nil, err
	}
	for _, seq := range seqs {
		run, _, err := store.Runs.Get(tx, seq)
		if err != nil {
			return nil, err
		}
		for _, h := range run.Holds {
			if h.State == model.HoldWaiting {
				holds = append(holds, h)
			}
		}
	}
	return holds, nil
}

// spoolPlan reads a plan within a rehearsal into a file.
func (a *App) spoolPlan(p *admin.Plan, wanted func(model.Job) bool, within func(func(*store.Tx) error) error) (admin.Spooled, error) {
	s := a.newSpool()
	err := within(func(tx *store.Tx) error {
		return newPlanning(a, tx, a.engine.Settings(), p, wanted).spool(s)
	})
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// readPlan describes the pending jobs in the transaction that are asked for, in
// memory.
func (a *App) readPlan(tx *store.Tx, p *admin.Plan, wanted func(model.Job) bool) error {
	return a.readPlanUnder(tx, a.engine.Settings(), p, wanted)
}

// readPlanUnder is readPlan under settings that may not be in force.
func (a *App) readPlanUnder(tx *store.Tx, settings *ingest.Settings, p *admin.Plan, wanted func(model.Job) bool) error {
	return newPlanning(a, tx, settings, p, wanted).read()
}

// planning reads one plan out of a transaction.
type planning struct {
	a        *App
	tx       *store.Tx
	settings *ingest.Settings
	p        *admin.Plan
	wanted   func(model.Job) bool
	// changesOnly leaves out what is not of the jobs: conflicts, accounts of nobody and
	// what is to be known of the targets.
	changesOnly bool
	seen        lookups
	causes      causes
}

func newPlanning(a *App, tx *store.Tx, settings *ingest.Settings, p *admin.Plan, wanted func(model.Job) bool) *planning {
	return &planning{a: a, tx: tx, settings: settings, p: p, wanted: wanted,
		seen: lookups{tx: tx, records: map[model.RecordID]string{}, names: map[model.PersonID]string{}}, causes: newCauses()}
}

// read puts everything into the plan itself.
func (w *planning) read() error {
	p := w.p
	err := errors.Join(
		w.eachPage(func(page []described) error {
			for i := range page {
				c := page[i].pinned(w.a)
				w.causes.count(c)
				p.Changes = append(p.Changes, *c)
			}
			return nil
		}),
		w.eachUncovered(func(u admin.Uncovered) error { p.Uncovered = append(p.Uncovered, u); return nil }),
		w.eachConflict(func(q admin.Conflict) error { p.Conflicts = append(p.Conflicts, q); return nil }),
	)
	if err != nil {
		return err
	}
	slices.SortFunc(p.Changes, func(x, y admin.PlanChange) int { return bytes.Compare(changeKey(&x), changeKey(&y)) })
	for i := range p.Changes {
		w.causes.name(&p.Changes[i])
	}
	if err := w.finish(); err != nil {
		return err
	}
	raw, err := json.Marshal(p.Changes)
	if err != nil {
		return err
	}
	p.Digest = planDigest(sha256.Sum256(raw))
	return nil
}

func planDigest(sum [sha256.Size]byte) string { return hex.EncodeToString(sum[:12]) }

// spool writes the lists into a file as they are found, the changes when they are
// sorted.
func (w *planning) spool(s *spool) error {
	if !w.changesOnly {
		s.list("conflicts")
		if err := w.eachConflict(func(q admin.Conflict) error { return s.value(q) }); err != nil {
			return err
		}
		s.list("uncovered")
		if err := w.eachUncovered(func(u admin.Uncovered) error { return s.value(u) }); err != nil {
			return err
		}
	}
	sorted := w.tx.Sort("changes")
	if err := w.sortChanges(sorted); err != nil {
		return err
	}
	s.list("changes")
	sum, before := sha256.New(), []byte("[")
	for key, raw := range sorted.Each(nil) {
		if isUpdate(key) {
			var c admin.PlanChange
			if err := json.Unmarshal(raw, &c); err != nil {
				return err
			}
			w.causes.name(&c)
			named, err := json.Marshal(c)
			if err != nil {
				return err
			}
			raw = named
		}
		if err := s.item(raw); err != nil {
			return err
		}
		sum.Write(before)
		sum.Write(raw)
		before = []byte(",")
	}
	if s.items == 0 {
		sum.Write(before)
	}
	sum.Write([]byte("]"))
	if err := w.finish(); err != nil {
		return err
	}
	w.p.Digest = planDigest([sha256.Size]byte(sum.Sum(nil)))
	return s.end(struct {
		*admin.Plan
		// Written already.
		Changes   []int `json:"changes,omitempty"`
		Conflicts []int `json:"conflicts,omitempty"`
		Uncovered []int `json:"uncovered,omitempty"`
	}{Plan: w.p}, "changes")
}

// sortChanges puts the changes into a list that sorts them. What needs no transaction,
// pinning and writing them, is done beside the reading of the next page.
func (w *planning) sortChanges(sorted store.Sorted) error {
	var writing chan written
	finish := func() error {
		if writing == nil {
			return nil
		}
		page := <-writing
		for i := range page.keys {
			if err := sorted.Put(page.keys[i], page.lines[i]); err != nil {
				return err
			}
		}
		return page.err
	}
	err := w.eachPage(func(page []described) error {
		for i := range page {
			// Which causes an update has is known when all of them were counted.
			c := &page[i].change
			if w.causes.count(c); c.Effect != string(model.EffectUpdate) {
				w.causes.name(c)
			}
		}
		if err := finish(); err != nil {
			return err
		}
		writing = make(chan written, 1)
		go func() { writing <- w.a.write(page) }()
		return nil
	})
	return errors.Join(err, finish())
}

// written is a page of changes as JSON.
type written struct {
	keys, lines [][]byte
	err         error
}

func (a *App) write(page []described) written {
	out := written{keys: make([][]byte, 0, len(page)), lines: make([][]byte, 0, len(page))}
	for i := range page {
		c := page[i].pinned(a)
		raw, err := json.Marshal(c)
		if err != nil {
			out.err = err
			break
		}
		out.keys, out.lines = append(out.keys, changeKey(c)), append(out.lines, raw)
	}
	return out
}

// described is a change and what it was made of.
type described struct {
	change  admin.PlanChange // without its pin
	outlook ingest.Outlook
}

// pinned returns the change with its pin.
func (d *described) pinned(a *App) *admin.PlanChange {
	d.change.Pin = a.engine.Pin(d.outlook)
	return &d.change
}

// changeKey orders changes: by target, then by effect, then by name.
func changeKey(c *admin.PlanChange) []byte {
	name := c.Person.Name
	if len(name) > maxNameKey {
		name = name[:maxNameKey]
	}
	key := append(store.Prefix(c.Target), byte(effectOrder(c.Effect)))
	return append(append(append(key, name...), 0), c.Person.ID...)
}

// maxNameKey is how much of a name counts for the order.
const maxNameKey = 2048

func isUpdate(key []byte) bool {
	i := bytes.IndexByte(key, 0)
	return i >= 0 && i+1 < len(key) && key[i+1] == byte(effectOrder(string(model.EffectUpdate)))
}

// planPage is how many jobs are described between two moments at which what a
// rehearsal holds may be moved out of memory.
const planPage = 1000

// eachPage describes the jobs that are asked for, in the order of the outbox.
func (w *planning) eachPage(fn func([]described) error) error {
	for i := range w.settings.Targets {
		t := &w.settings.Targets[i]
		var after []byte
		for more := true; more; {
			var jobs []model.Job
			looked := 0
			for job, err := range store.Outbox.From(w.tx, store.Prefix(t.Name), after) {
				if err != nil {
					return err
				}
				after = store.Key(job.Target, string(job.Person))
				if w.wanted(job) {
					jobs = append(jobs, job)
				}
				if looked++; looked == planPage {
					break
				}
			}
			more = looked == planPage
			page := make([]described, 0, len(jobs))
			for _, job := range jobs {
				d, ok, err := describe(&w.seen, t, job)
				if err != nil {
					return err
				}
				if ok {
					w.p.Counts[d.change.Effect]++
					page = append(page, d)
				}
			}
			if err := errors.Join(fn(page), w.tx.Unload()); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *planning) eachConflict(fn func(admin.Conflict) error) error {
	views, err := w.a.conflictViews(w.tx)
	if err != nil {
		return err
	}
	for q, err := range store.Conflicts.Each(w.tx, nil) {
		if err != nil {
			return err
		}
		view, err := views.of(q)
		if err != nil {
			return err
		}
		if err := fn(view); err != nil {
			return err
		}
	}
	return nil
}

// eachUncovered lists the accounts that no person matches.
func (w *planning) eachUncovered(fn func(admin.Uncovered) error) error {
	if len(w.settings.Targets) == 0 {
		return nil
	}
	var outside map[uint64]struct{} // read when first needed: mostly everybody is covered
	seed := maphash.MakeSeed()
	for _, t := range w.settings.Targets {
		for acc, err := range store.Accounts.Each(w.tx, store.Prefix(t.Name)) {
			if err != nil {
				return err
			}
			_, _, owned := store.DeliveredByRemote.Note(w.tx, store.Key(t.Name, acc.RemoteID))
			if owned || acc.EmailKey != "" && store.PersonByEmail.Count(w.tx, store.Prefix(acc.EmailKey), 1) > 0 {
				continue
			}
			if outside == nil {
				if outside, err = w.addressesOutside(seed); err != nil {
					return err
				}
			}
			if _, out := outside[maphash.String(seed, acc.EmailKey)]; out {
				continue
			}
			if err := fn(admin.Uncovered{Target: t.Name, Login: acc.Login, Active: acc.Active}); err != nil {
				return err
			}
		}
	}
	return nil
}

// addressesOutside returns digests of the addresses of people out of scope, who claim
// none and are known all the same. A digest of each is enough: there are far fewer than
// would make two of them meet.
func (w *planning) addressesOutside(seed maphash.Seed) (map[uint64]struct{}, error) {
	outside := map[uint64]struct{}{}
	for q, err := range store.Persons.Each(w.tx, nil) {
		if err != nil {
			return nil, err
		}
		if q.EmailKey != "" {
			continue
		}
		if id, _, err := identity.Email(q.Attributes.Text(model.Email)); err == nil {
			outside[maphash.String(seed, id.Value)] = struct{}{}
		}
	}
	return outside, nil
}

// finish says the rest: causes, notices, what it rests on, and all in one sentence.
func (w *planning) finish() error {
	p := w.p
	for _, t := range w.settings.Targets {
		if w.changesOnly {
			break
		}
		lane, _, err := store.Lanes.Get(w.tx, t.Name)
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
	p.Causes = w.causes.list()
	p.Summary = planSummary(p)
	return basis(w.tx, p)
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

// lookupsKept bounds what is remembered of each.
const lookupsKept = 20_000

func (l *lookups) source(id model.RecordID) (string, error) {
	if s, ok := l.records[id]; ok || id == "" {
		return s, nil
	}
	if len(l.records) == lookupsKept {
		clear(l.records)
	}
	r, _, err := store.GlanceAt(l.tx, id)
	l.records[id] = r.Source
	return r.Source, err
}

func (l *lookups) name(id model.PersonID) (string, error) {
	if s, ok := l.names[id]; ok {
		return s, nil
	}
	if len(l.names) == lookupsKept {
		clear(l.names)
	}
	ref, err := refOf(l.tx, id)
	l.names[id] = ref.Name
	return ref.Name, err
}

func describe(seen *lookups, t *ingest.TargetSettings, job model.Job) (described, bool, error) {
	o, ok, err := ingest.Look(seen.tx, t, job.Person)
	if err != nil || !ok || o.Projection.Effect == model.EffectNone {
		return described{}, false, err
	}
	c := admin.PlanChange{Target: t.Name, Person: personRef(o.Person), Effect: string(o.Projection.Effect), State: string(job.State), Why: o.Person.Reason,
		Cause: o.Person.Reason, Department: o.Person.Attributes.Text(model.Department)}
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
	c.Attributes = make([]admin.AttributeChange, 0, len(names))
	for _, n := range names {
		from, err := seen.value(old, n, o.Have != nil)
		if err != nil {
			return described{}, false, err
		}
		to, err := seen.value(o.Projection.Want, n, true)
		if err != nil {
			return described{}, false, err
		}
		change := admin.AttributeChange{Attribute: string(n), Old: from, New: to}
		if change.Source, err = seen.source(o.Person.Provenance[n]); err != nil {
			return described{}, false, err
		}
		c.Attributes = append(c.Attributes, change)
	}
	return described{c, o}, true, nil
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
func (l *lookups) value(d model.Desired, n model.Name, exists bool) (string, error) {
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
