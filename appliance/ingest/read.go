package ingest

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"

	"rollcall/appliance/identity"
	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
	"rollcall/connectors"
)

// CoverageDrop is the share of people who must lose an attribute between two
// complete reads before it counts as a lost permission rather than as changes.
const CoverageDrop = 0.5

// coverageFloor is how many people an attribute must have had for that.
const coverageFloor = 5

// Read is one read of a polled source under way. Pages are committed as they
// come; what they cause waits for the end of the read, where the guards judge
// all of it together. A Read is used by one goroutine; Counts may be called from
// any.
type Read struct {
	e      *Engine
	source string
	run    model.Run
	number uint64

	// Of the goroutine that reads:
	seen     ordinals
	digester digester
	coverage map[model.Name]int
	notes    []string
	moving   bool // the source is asked as somebody else than last time
	told     int  // how many people the source said there are, 0 when it did not

	odd map[string]int // notices of the records that changed

	mu     sync.Mutex
	counts model.RunCounts
}

// StartRead opens a run over a polled source.
func (e *Engine) StartRead(source string) (*Read, error) {
	r := &Read{e: e, source: source, coverage: map[model.Name]int{}, odd: map[string]int{}}
	err := e.update(actorSource+source, 0, model.JobOpen, func(c *change) error {
		s, err := c.source(source)
		if err != nil {
			return err
		}
		c.resumeRulings()
		if err := c.closeUnfinished(s); err != nil {
			return err
		}
		run, err := c.startRun(source, model.CausePoll)
		if err != nil {
			return err
		}
		r.run, r.number, r.moving = run, s.ReadNo+1, moves(s, c.settings.Sources[source])
		s.LastStart, s.LastRun = c.at, run.Seq
		return store.Sources.Put(c.tx, source, s)
	})
	return r, err
}

// closeUnfinished ends the last read of a source whose end could not be stored,
// because the disk was full for example: what it committed must not wait for it.
func (c *change) closeUnfinished(s store.SourceState) error {
	run, ok, err := store.Runs.Get(c.tx, s.LastRun)
	if err != nil || !ok || run.Verdict != model.VerdictRunning {
		return err
	}
	if r, err := c.ruling(run.Seq); err != nil || r != nil {
		return err // it was judged, and is carried out
	}
	run.Notes = append(run.Notes, "its end could not be stored")
	_, err = c.closeRun(run, model.VerdictInterrupted, false)
	c.run = 0
	return err
}

// source returns the state of a source, a new one in preview when it is unknown.
func (c *change) source(name string) (store.SourceState, error) { return sourceState(c.tx, name) }

func sourceState(tx *store.Tx, name string) (store.SourceState, error) {
	s, ok, err := store.Sources.Get(tx, name)
	if err == nil && !ok {
		s = store.SourceState{Name: name, State: store.Preview}
	}
	return s, err
}

// Run returns the number of the read's run.
func (r *Read) Run() uint64 { return r.run.Seq }

// Counts returns what was seen so far.
func (r *Read) Counts() model.RunCounts {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts
}

// observed is an observation with what is found out about it before writing.
type observed struct {
	model.Observation
	digest [16]byte
	// While the source moves: the record of the person where it has another id, and
	// whether the record that has theirs is somebody else's.
	home  model.RecordID
	taken bool
}

// Page commits one page, see [Read.Pages].
func (r *Read) Page(p connectors.Page) error { return r.Pages([]connectors.Page{p}) }

// Pages commits pages that came together: every observation becomes or updates a
// record, and the neighbourhoods of those that changed are planned, in as few
// transactions as others who want to write leave to it. Where nothing changed there
// is none: looking up is all that an unchanged person costs.
func (r *Read) Pages(pages []connectors.Page) error {
	settings := r.e.Settings().Sources[r.source]
	counts := model.RunCounts{Pages: len(pages)}
	coverage := map[model.Name]int{}
	var differ []observed
	var passed []uint64
	err := r.e.store.View(func(tx *store.Tx) error {
		s, err := sourceState(tx, r.source)
		if err != nil {
			return err
		}
		size := 0
		for _, p := range pages {
			size += len(p.People)
		}
		onPage := make(map[string]struct{}, size)
		for o := range observations(pages) {
			note, had := store.FindRecordNote(tx, r.source, o.Native)
			if _, twice := onPage[o.Native]; twice || had && r.seen.has(note.Ordinal) {
				continue // a read that went on from a cursor may show somebody again
			}
			onPage[o.Native] = struct{}{}
			if settings.Adjust != nil {
				settings.Adjust(&o)
			}
			if o.Scope.State == model.OutOfScope {
				counts.OutScope++
			}
			for n := range o.Attributes {
				coverage[n]++
			}
			counts.Seen++
			if !had {
				out, _, err := r.e.staysOut(tx, r.e.Settings(), r.source, settings.Kind, &o)
				if err != nil {
					return err
				}
				if out {
					counts.Forgotten++
					continue
				}
			}
			digest := r.digester.digest(&o)
			seen := observed{Observation: o, digest: digest}
			if r.moving {
				if seen.home, seen.taken, err = r.settleMove(tx, &o, had); err != nil {
					return err
				}
				had = had && !seen.taken
			}
			if had && note.Digest == digest && !note.Gone && note.Staged == s.Staged() {
				passed = append(passed, note.Ordinal)
				continue
			}
			differ = append(differ, seen)
		}
		return nil
	})
	for err == nil && len(differ) > 0 {
		var ordinals []uint64
		ordinals, differ, err = r.write(settings, differ, &counts)
		passed = append(passed, ordinals...)
	}
	if err != nil {
		return fmt.Errorf("%s: store page: %w", r.source, err)
	}
	counts.Unchanged = counts.Seen - counts.Added - counts.Changed
	for _, n := range passed {
		r.seen.add(n)
	}
	for n, k := range coverage {
		r.coverage[n] += k
	}
	for _, p := range pages {
		r.notes = append(r.notes, p.Notices...)
		if p.Total > 0 {
			r.told = p.Total
		}
		counts.Expected = max(counts.Expected, p.Total)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts.Pages += counts.Pages
	r.counts.Seen += counts.Seen
	r.counts.Forgotten += counts.Forgotten
	r.counts.Added += counts.Added
	r.counts.Changed += counts.Changed
	r.counts.Unchanged += counts.Unchanged
	r.counts.OutScope += counts.OutScope
	r.counts.Conflicts += counts.Conflicts
	r.counts.Expected = max(r.counts.Expected, counts.Expected)
	return nil
}

func observations(pages []connectors.Page) iter.Seq[model.Observation] {
	return func(yield func(model.Observation) bool) {
		for _, p := range pages {
			for _, o := range p.People {
				if !yield(o) {
					return
				}
			}
		}
	}
}

// write stores observations that differ and plans what follows, in one transaction.
// It returns the ordinals of their records, and those observations that are left to
// the next because somebody waits.
func (r *Read) write(settings SourceSettings, differ []observed, counts *model.RunCounts) (seen []uint64, left []observed, err error) {
	told := map[string]int{}
	done := model.RunCounts{}
	err = r.e.update(actorSource+r.source, r.run.Seq, model.JobOpen, func(c *change) error {
		// Looked up anew: the source may have been activated meanwhile.
		s, err := c.source(r.source)
		if err != nil {
			return err
		}
		left = differ
		for n := 0; len(left) > 0 && (n == 0 || c.goesOn()); n++ {
			part := left[:min(batch, len(left))]
			left = left[len(part):]
			ordinals, err := r.writePart(c, s, settings, part, &done, told)
			if err != nil {
				return err
			}
			seen = append(seen, ordinals...)
		}
		done.Conflicts = c.counts.Conflicts
		for n, k := range c.flapping {
			told[string(n)+" goes back and forth, and accounts keep the value they have"] += k
		}
		return nil
	})
	if err == nil {
		counts.Added += done.Added
		counts.Changed += done.Changed
		counts.Conflicts += done.Conflicts
		for n, k := range told {
			r.odd[n] += k
		}
	}
	return seen, left, err
}

func (r *Read) writePart(c *change, s store.SourceState, settings SourceSettings, part []observed, counts *model.RunCounts, told map[string]int) (seen []uint64, err error) {
	var seeds []model.RecordID
	var before []model.Record
	for _, o := range part {
		if err := c.move(r.source, o, settings.MatchNumber); err != nil {
			return nil, err
		}
		rec, old, changed, err := c.observe(r.source, settings, o, keepAbsent, s.Staged())
		if err != nil {
			return nil, err
		}
		seen = append(seen, rec.Ordinal)
		if changed {
			for _, n := range rec.Notices {
				told[n]++
			}
		}
		switch {
		case !changed:
			continue
		case old == nil:
			counts.Added++
			if err := c.comeBack(r.source, o.Native); err != nil {
				return nil, err
			}
		default:
			counts.Changed++
			before = append(before, *old)
		}
		seeds = append(seeds, rec.ID)
	}
	if s.Staged() {
		return seen, nil
	}
	return seen, c.settle(seeds, before)
}

// noticesShown bounds how many different notices a run tells of.
const noticesShown = 20

// notices says what is odd about the records that this read changed, and about how
// many: values that could not be used, names that are placeholders.
func (r *Read) notices() []string {
	var out []string
	for n, k := range r.odd {
		who := "1 record"
		if k > 1 {
			who = fmt.Sprintf("%d records", k)
		}
		out = append(out, who+": "+n)
	}
	slices.Sort(out)
	if more := len(out) - noticesShown; more > 0 {
		out = append(out[:noticesShown], fmt.Sprintf("and %d more kinds of notices", more))
	}
	return out
}

// absence says what it means when a source stops sending an attribute.
type absence bool

const (
	// keepAbsent keeps the last good value: an HR read that lacks a field says
	// nothing about it.
	keepAbsent absence = false
	// clearAbsent makes it null: a SCIM resource is the whole of what its sender
	// says, so what was removed from it is known to be empty.
	clearAbsent absence = true
)

// observe writes an observation as a record. changed is false when the record
// says nothing new; old is its version before, nil when there was none.
func (c *change) observe(source string, settings SourceSettings, o observed, absent absence, staged bool) (rec model.Record, old *model.Record, changed bool, err error) {
	digest := digestText(o.digest)
	stored, had, err := store.RecordByNative.One(c.tx, store.Key(source, o.Native))
	if err != nil {
		return rec, nil, false, err
	}
	if had && stored.Digest == digest && !stored.Gone && stored.Staged == staged {
		return stored, nil, false, nil
	}
	rec = model.Record{ID: model.RecordID(store.NewID("r")), Source: source, Kind: settings.Kind, Native: o.Native,
		Spare: model.PersonID(store.NewID("p")), Created: c.at}
	if had {
		previous := stored
		old = &previous
		rec = stored
	} else if rec.Ordinal, err = c.tx.NextOrdinal(); err != nil {
		return rec, nil, false, err
	}
	rec.Rev++
	rec.RawStatus, rec.Scope = o.RawStatus, o.Scope
	rec.Status, rec.Staged, rec.Gone, rec.Digest, rec.Run, rec.Changed = o.Status, staged, false, digest, c.run, c.at
	rec.Attributes, rec.Kept = carryOver(stored, o.Attributes, absent)
	if absent == clearAbsent && o.Status == model.Unknown && had {
		rec.Status = stored.Status
	}
	rec.Names, rec.Notices = o.Names, slices.Clone(o.Notices)
	if err := c.identify(&rec, settings.MatchNumber); err != nil {
		return rec, nil, false, err
	}
	if had && rec.Scope.State != model.OutOfScope && !slices.Equal(stored.Identifiers, rec.Identifiers) {
		p, _, err := store.Persons.Get(c.tx, stored.Person)
		if err != nil {
			return rec, nil, false, err
		}
		rec.Former = reconcile.Former(stored, len(p.Held) > 0, rec.Identifiers)
	}
	if err := store.Records.Put(c.tx, rec.ID, rec); err != nil {
		return rec, nil, false, err
	}
	if err := c.regroup(source, rec.Native, &rec); err != nil {
		return rec, nil, false, err
	}
	return rec, old, true, c.putOrigin(rec, o.Observation)
}

// identify derives what a record is found by: its identifiers, the names other
// records may call it, and the names of its manager. Values that a human set for
// the record count as its own.
func (c *change) identify(rec *model.Record, byNumber bool) error {
	var set []model.Decision
	for d, err := range store.DecisionByRecord.Find(c.tx, store.Key(string(rec.ID))) {
		if err != nil {
			return err
		}
		if d.Verb == model.Set && d.Record == rec.ID {
			set = append(set, d)
		}
	}
	attrs := rec.Attributes
	if len(set) > 0 {
		slices.SortFunc(set, func(a, b model.Decision) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
		attrs = maps.Clone(attrs)
		for _, d := range set {
			attrs[d.Attribute] = d.Value
		}
		// What is wrong with a value that a human replaced is no news any more.
		_, said := identity.Of(rec.Attributes, byNumber)
		rec.Notices = slices.DeleteFunc(slices.Clone(rec.Notices), func(n string) bool { return slices.Contains(said, n) })
	}
	var notices []string
	rec.Identifiers, notices = identity.Of(attrs, byNumber)
	for _, n := range notices {
		if !slices.Contains(rec.Notices, n) {
			rec.Notices = append(rec.Notices, n)
		}
	}
	if rec.Scope.State == model.OutOfScope {
		rec.Identifiers = nil
	}
	rec.Aliases = identity.Aliases(rec.Source, rec.Native, attrs, rec.Names)
	rec.ManagerKeys = identity.ManagerKeys(rec.Source, attrs[model.Manager])
	return nil
}

// carryOver completes new attributes with those of the stored record that the
// source did not mention.
func carryOver(stored model.Record, fresh model.Attributes, absent absence) (model.Attributes, map[model.Name]uint64) {
	attrs := maps.Clone(fresh)
	if attrs == nil {
		attrs = model.Attributes{}
	}
	var kept map[model.Name]uint64
	for n, v := range stored.Attributes {
		if attrs.Has(n) {
			continue
		}
		if absent == clearAbsent {
			attrs[n] = model.Null()
			continue
		}
		if kept == nil {
			kept = map[model.Name]uint64{}
		}
		attrs[n], kept[n] = v, stored.Run
		if since, before := stored.Kept[n]; before {
			kept[n] = since
		}
	}
	return attrs, kept
}

// putOrigin stores what the source sent of a record. A value that is kept goes on
// telling which field it came from.
func (c *change) putOrigin(rec model.Record, o model.Observation) error {
	fresh := store.Origin{Document: o.Document, Fields: o.Fields}
	if len(rec.Kept) > 0 {
		before, _, err := store.Origins.Get(c.tx, rec.ID)
		if err != nil {
			return err
		}
		fresh.Fields = make(map[model.Name]string, len(o.Fields)+len(rec.Kept))
		maps.Copy(fresh.Fields, o.Fields)
		for n := range rec.Kept {
			if f := before.Fields[n]; f != "" {
				fresh.Fields[n] = f
			}
		}
	}
	return store.Origins.Put(c.tx, rec.ID, fresh)
}

// Finish ends the read. Only a complete one may conclude anything from absence,
// and only when it is about as large as the one before.
func (r *Read) Finish(readErr error) (model.Run, error) { return r.FinishWith(readErr, nil) }

// FinishWith is [Read.Finish] that lets last change what is remembered of the source,
// in the same transaction; it is told why the read counts as failed, nil when it does
// not.
func (r *Read) FinishWith(readErr error, last func(s *store.SourceState, readErr error)) (model.Run, error) {
	defer giveBack(r.counts.Seen)
	var final model.Run
	var missing []model.RecordID
	if readErr == nil {
		readErr = r.whole()
	}
	if readErr == nil {
		var err error
		if missing, err = r.missing(); err != nil {
			return final, err
		}
	}
	err := r.e.update(actorSource+r.source, r.run.Seq, model.JobOpen, func(c *change) error {
		s, err := c.source(r.source)
		if err != nil {
			return err
		}
		if err := r.present(c); err != nil {
			return err
		}
		run := r.run
		run.Counts, run.Notes = r.counts, append(r.notes, r.notices()...)
		verdict := model.VerdictComplete
		if readErr != nil {
			verdict = model.VerdictFailed
			if r.counts.Seen > 0 {
				verdict = model.VerdictPartial
			}
			run.Error = readErr.Error()
			s.LastError, s.LastClass = readErr.Error(), connectors.ClassOf(readErr).String()
			s.Failures++
			if s.Failures == 1 {
				if _, err := c.event("read_failed", "source:"+r.source, run.Error); err != nil {
					return err
				}
			}
		} else if err := r.complete(c, &run, &s, missing); err != nil {
			return err
		}
		if last != nil {
			last(&s, readErr)
		}
		if err := store.Sources.Put(c.tx, r.source, s); err != nil {
			return err
		}
		final, err = c.closeRun(run, verdict, false)
		return err
	})
	if err != nil {
		return final, err
	}
	return r.e.stored(final)
}

// Abandon ends a read that the end of the process cut off: nothing is concluded
// from it, and the source is not to blame. Recover at the next start does the
// same for a process that was killed.
func (r *Read) Abandon() error {
	return r.e.update(actorSelf, r.run.Seq, model.JobOpen, func(c *change) error {
		run := r.run
		run.Counts, run.Notes = r.counts, append(r.notes, "the appliance was stopped while this read was under way")
		_, err := c.closeRun(run, model.VerdictInterrupted, false)
		return err
	})
}

// complete judges a complete read: its size, its columns, then who is missing.
func (r *Read) complete(c *change, run *model.Run, s *store.SourceState, missing []model.RecordID) error {
	if err := c.lapse(r.source); err != nil {
		return err
	}
	if s.Failures > 0 {
		if _, err := c.event("read_recovered", "source:"+r.source, fmt.Sprintf("after %d failed reads", s.Failures)); err != nil {
			return err
		}
	}
	s.LastError, s.LastClass, s.Failures = "", "", 0
	shrunk, why := reconcile.Shrunk(r.counts.Seen, s.LastCount, c.settings.Limits.Shrink)
	if shrunk {
		h := model.Hold{Guard: reconcile.GuardShrink, Reason: why + "; nobody counts as missing", Count: r.counts.Seen, Limit: s.LastCount, State: model.HoldWaiting}
		run.Holds = append(run.Holds, h)
		return c.addHold(run.Seq, h)
	}
	if err := r.columns(c, run, s); err != nil {
		return err
	}
	otherwise, err := r.asked(c, run, s)
	if err != nil {
		return err
	}
	if !otherwise {
		if known, err := r.familiar(c, run, s, missing); err != nil || !known {
			return err
		}
	}
	s.ReadNo, s.LastGood, s.LastCount = r.number, c.at, r.counts.Seen
	if otherwise {
		return nil // what is not seen by other eyes is not missing
	}
	return r.absences(c, run, missing)
}

// missing lists the records of the source that were not seen and are not known to
// be gone. It looks before the transaction that counts them, so that nobody has to
// wait while a million are passed over; only this read could add to them meanwhile.
func (r *Read) missing() (ids []model.RecordID, err error) {
	err = r.e.store.View(func(tx *store.Tx) error {
		s, err := sourceState(tx, r.source)
		if err != nil {
			return err
		}
		if shrunk, _ := reconcile.Shrunk(r.counts.Seen, s.LastCount, r.e.Settings().Limits.Shrink); shrunk {
			return nil // nobody counts as missing
		}
		for raw, id := range store.RecordByNative.Notes(tx, store.Prefix(r.source)) {
			if note := store.ReadRecordNote(raw); !note.Gone && !r.seen.has(note.Ordinal) {
				ids = append(ids, model.RecordID(id))
			}
		}
		return nil
	})
	return ids, err
}

// present ends the count of reads in a row for everybody whom this read listed, also
// when it was not whole: who was seen is not missing.
func (r *Read) present(c *change) error {
	for _, native := range c.tx.MissingOf(r.source) {
		if note, ok := store.FindRecordNote(c.tx, r.source, native); !ok || r.seen.has(note.Ordinal) {
			if err := c.tx.SetMissing(r.source, native, 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// absences counts who was missing, and marks as gone who was missing often enough.
func (r *Read) absences(c *change, run *model.Run, missing []model.RecordID) error {
	for part := range slices.Chunk(missing, batch) {
		var seeds []model.RecordID
		var before []model.Record
		for _, id := range part {
			gone, old, err := r.absent(c, run, id)
			if err != nil {
				return err
			}
			if gone && !old.Staged {
				seeds, before = append(seeds, id), append(before, old)
			}
		}
		if err := c.settle(seeds, before); err != nil {
			return err
		}
	}
	return nil
}

// absent counts one record as missing, and marks it as gone when that was often
// enough; old is how it was before.
func (r *Read) absent(c *change, run *model.Run, id model.RecordID) (gone bool, old model.Record, err error) {
	rec, ok, err := store.Records.Get(c.tx, id)
	if err != nil || !ok || rec.Gone {
		return false, rec, err
	}
	old = rec
	n := c.tx.Missing(r.source, rec.Native) + 1
	run.Counts.Missing++
	if n < max(1, c.settings.AbsentReads) {
		return false, old, c.tx.SetMissing(r.source, rec.Native, n)
	}
	if err := c.tx.SetMissing(r.source, rec.Native, 0); err != nil {
		return false, old, err
	}
	rec.Gone, rec.Changed, rec.Run = true, c.at, c.run
	rec.Rev++
	run.Counts.Gone++
	return true, old, store.Records.Put(c.tx, rec.ID, rec)
}

// columns looks for attributes that most people had in the last complete read and
// most lack in this one. What is kept of them stays, and a human is told which
// permission is missing; until they accept it or it comes back, the count from
// before is the one to compare with.
func (r *Read) columns(c *change, run *model.Run, s *store.SourceState) error {
	missing := func(n model.Name) bool {
		had := s.Coverage[n]
		return had >= coverageFloor && r.counts.Seen > 0 && float64(had-r.coverage[n]) > CoverageDrop*float64(had)
	}
	for _, n := range slices.Sorted(maps.Keys(s.Lost)) {
		if missing(n) {
			continue
		}
		delete(s.Lost, n)
		if _, err := c.event("coverage_back", "source:"+r.source, string(n)); err != nil {
			return err
		}
		// The holds look at the source, which must say already that it is back.
		if err := store.Sources.Put(c.tx, s.Name, *s); err != nil {
			return err
		}
		if err := c.lapse(""); err != nil {
			return err
		}
	}
	coverage := maps.Clone(r.coverage)
	names := slices.Collect(maps.Keys(s.Coverage))
	model.SortNames(names)
	for _, n := range names {
		if !missing(n) {
			continue
		}
		had, now := s.Coverage[n], r.coverage[n]
		coverage[n] = had
		field, err := r.fieldOf(c, n)
		if err != nil {
			return err
		}
		note := fmt.Sprintf("%s%s came for %d people and for %d the time before: most likely a lost permission; the last good values are kept", n, field, now, had)
		run.Notes = append(run.Notes, note)
		if _, known := s.Lost[n]; known {
			continue
		}
		if s.Lost == nil {
			s.Lost = map[model.Name]uint64{}
		}
		s.Lost[n] = run.Seq
		h := model.Hold{Guard: reconcile.GuardCoverage, Attribute: n, Reason: note, Count: now, Limit: had, State: model.HoldWaiting}
		run.Holds = append(run.Holds, h)
		if err := c.addHold(run.Seq, h); err != nil {
			return err
		}
		if _, err := c.event("coverage_lost", "source:"+r.source, note); err != nil {
			return err
		}
	}
	s.Coverage = coverage
	return nil
}

// fieldOf says in brackets which field of the source an attribute used to come
// from, in the source's own words; nothing when no record tells.
func (r *Read) fieldOf(c *change, n model.Name) (string, error) {
	looked := 0
	for id, err := range store.RecordBySource.Keys(c.tx, store.Prefix(r.source)) {
		if err != nil {
			return "", err
		}
		origin, _, err := store.Origins.Get(c.tx, model.RecordID(id))
		if err != nil {
			return "", err
		}
		if f := origin.Fields[n]; f != "" {
			return " (" + f + ")", nil
		}
		if looked++; looked == fieldSample {
			break
		}
	}
	return "", nil
}

// fieldSample is how many records are asked for the name of a field that most of
// them had.
const fieldSample = 1000

// LostAttributes names the attributes of which a run found that they stopped
// coming.
func LostAttributes(run model.Run) (names []model.Name) {
	for _, h := range run.Holds {
		if h.Guard == reconcile.GuardCoverage {
			names = append(names, h.Attribute)
		}
	}
	return names
}

// NamePermission notes on the holds of a run what the source calls the permission
// without which an attribute does not come.
func (e *Engine) NamePermission(seq uint64, n model.Name, permission string) error {
	return e.update(actorSelf, seq, model.JobReady, func(c *change) error {
		run, ok, err := store.Runs.Get(c.tx, seq)
		if err != nil || !ok {
			return err
		}
		changed := false
		for i, h := range run.Holds {
			if h.Guard == reconcile.GuardCoverage && h.Attribute == n && h.State == model.HoldWaiting && h.Permission == "" {
				run.Holds[i].Permission, changed = permission, true
				run.Holds[i].Reason += "; the permission to grant is " + permission
			}
		}
		if !changed {
			return nil
		}
		return store.Runs.Put(c.tx, seq, run)
	})
}
