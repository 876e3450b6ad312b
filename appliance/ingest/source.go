package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

// batch is how many records one transaction of a long change plans at once:
// large enough to be quick, small enough that SCIM senders are not kept waiting.
const batch = 500

// previewBatch is the same for a preview, which keeps nobody waiting: the more at
// once, the fewer managers are looked at again when their reports come later, and
// the more memory it takes.
const previewBatch = 2000

// Activate makes a source take part: its staged records join the roster, and
// what follows is judged by the guards, except that the first activation of a
// source may create any number of accounts. It returns the run.
func (e *Engine) Activate(actor, source string) (model.Run, error) {
	return e.activate(actor, source, func(*change, store.SourceState) error { return nil })
}

// ActivateInWaves is [Engine.Activate] whose plan goes out in waves; see
// [model.Waves].
func (e *Engine) ActivateInWaves(actor, source string) (model.Run, error) {
	return e.activate(actor, source, func(c *change, _ store.SourceState) error { return c.wantWaves(source, true) })
}

// activate is Activate with something to do in its first transaction.
func (e *Engine) activate(actor, source string, begin func(*change, store.SourceState) error) (model.Run, error) {
	var run model.Run
	if _, busy := e.activating.LoadOrStore(source, true); busy {
		return run, &StaleError{What: fmt.Sprintf("source %s is being activated: wait until it is done", source)}
	}
	defer e.activating.Delete(source)
	first := false
	err := e.update(actor, 0, model.JobOpen, func(c *change) error {
		s, err := c.source(source)
		if err != nil {
			return err
		}
		if s.State == store.Live && !s.Activated.IsZero() {
			return &StaleError{What: fmt.Sprintf("source %s is active already", source)}
		}
		if err := begin(c, s); err != nil {
			return err
		}
		first = s.Activated.IsZero()
		s.State = store.Live
		stopped, err := c.stoppedActivation(source)
		switch {
		case err != nil:
			return err
		case stopped != nil:
			run = *stopped
			return store.Sources.Put(c.tx, source, s)
		}
		if run, err = c.startRun(source, model.CauseActivate); err != nil {
			return err
		}
		if _, err := c.event("activated", "source:"+source, ""); err != nil {
			return err
		}
		return store.Sources.Put(c.tx, source, s)
	})
	if err != nil {
		return run, err
	}
	staged, err := e.stagedRecords(source)
	if err != nil {
		return run, err
	}
	defer giveBack(len(staged))
	for left := staged; len(left) > 0; {
		opened := 0
		left, err = inBatches(e, actor, run.Seq, left, func(c *change, part []model.RecordID) error {
			err := c.unstage(part)
			opened = c.counts.Conflicts
			return err
		})
		if err != nil {
			return run, err
		}
		run.Counts.Conflicts += opened
	}
	err = e.update(actor, run.Seq, model.JobOpen, func(c *change) error {
		s, err := c.source(source)
		if err != nil {
			return err
		}
		run.Counts.Seen = len(staged)
		if run, err = c.closeRun(run, model.VerdictComplete, first); err != nil {
			return err
		}
		s.Activated = c.at
		return store.Sources.Put(c.tx, source, s)
	})
	if err == nil {
		run, err = e.stored(run)
	}
	for _, t := range e.Settings().Targets {
		if err == nil {
			err = e.TouchGroups(t.Name)
		}
		if err == nil {
			err = e.countUncovered(t.Name)
		}
	}
	return run, err
}

// stoppedActivation returns the run of an activation that stopped halfway, nil when there
// is none: it goes on as the same one, so that the guards judge all of it together.
func (c *change) stoppedActivation(source string) (*model.Run, error) {
	looked := 0
	for run, err := range store.Runs.Backward(c.tx, nil) {
		if err != nil {
			return nil, err
		}
		if run.Cause == model.CauseActivate && run.Source == source && run.Verdict == model.VerdictRunning {
			return &run, nil
		}
		if looked++; looked == recoverDepth {
			break
		}
	}
	return nil, nil
}

// goesOn reports whether a long change may take one more batch into its transaction:
// nobody waits to write, and it is not large by now.
func (c *change) goesOn() bool { return !c.e.store.Awaited() && !c.tx.Large() }

// inBatches carries out a part of a long change in one transaction, batch by batch,
// as long as nobody else wants to write. It returns what is left to the next.
func inBatches[ID any](e *Engine, actor string, run uint64, ids []ID, fn func(*change, []ID) error) (left []ID, err error) {
	err = e.update(actor, run, model.JobOpen, func(c *change) error {
		left = ids
		for n := 0; len(left) > 0 && (n == 0 || c.goesOn()); n++ {
			part := left[:min(batch, len(left))]
			left = left[len(part):]
			if err := fn(c, part); err != nil {
				return err
			}
		}
		return nil
	})
	return left, err
}

// ResumeActivations finishes activations that the end of the process cut off, or that
// failed halfway because the disk was full, for example.
func (e *Engine) ResumeActivations() error {
	var unfinished []string
	err := e.store.View(func(tx *store.Tx) (err error) {
		unfinished, err = e.Unfinished(tx)
		return err
	})
	if err != nil {
		return err
	}
	for _, name := range unfinished {
		if _, err := e.Activate(actorSelf, name); err != nil {
			return fmt.Errorf("finish the activation of %s: %w", name, err)
		}
	}
	return nil
}

// Unfinished lists the sources whose activation began and neither ended nor is under
// way.
func (e *Engine) Unfinished(tx *store.Tx) (names []string, err error) {
	for s, err := range store.Sources.Each(tx, nil) {
		if err != nil {
			return nil, err
		}
		if _, busy := e.activating.Load(s.Name); !busy && s.State == store.Live && s.Activated.IsZero() {
			names = append(names, s.Name)
		}
	}
	return names, nil
}

// Preview applies to a rehearsal, of which nothing stays, what activating a
// source would do, and hands the transaction to look before it is.
func (e *Engine) Preview(source string, look func(tx *store.Tx, run model.Run) error) error {
	return e.PreviewAll([]string{source}, look)
}

// PreviewAll is Preview of several sources that are activated together. Without
// any it shows things as they stand.
func (e *Engine) PreviewAll(sources []string, look func(tx *store.Tx, run model.Run) error) error {
	people := 0
	defer func() { giveBack(people) }()
	return e.store.Rehearse(func(tx *store.Tx) error {
		c := e.begin(tx, actorSelf, 0, model.JobOpen)
		c.dry = true
		first := true
		var staged []model.RecordID
		for _, name := range sources {
			s, err := c.source(name)
			if err != nil {
				return err
			}
			first = first && s.Activated.IsZero()
			records, err := stagedOf(tx, name)
			if err != nil {
				return err
			}
			staged = append(staged, records...)
		}
		people = len(staged)
		run, err := c.startRun(strings.Join(sources, ", "), model.CauseActivate)
		if err != nil {
			return err
		}
		for part := range slices.Chunk(staged, previewBatch) {
			if err := errors.Join(c.unstage(part), tx.Unload()); err != nil {
				return err
			}
		}
		if run, err = c.closeRun(run, model.VerdictComplete, first); err != nil {
			return err
		}
		return look(tx, run)
	})
}

func (e *Engine) stagedRecords(source string) (ids []model.RecordID, err error) {
	err = e.store.View(func(tx *store.Tx) error {
		ids, err = stagedOf(tx, source)
		return err
	})
	return ids, err
}

func stagedOf(tx *store.Tx, source string) ([]model.RecordID, error) {
	var ids []model.RecordID
	for raw, id := range store.RecordByNative.Notes(tx, store.Prefix(source)) {
		if store.ReadRecordNote(raw).Staged {
			ids = append(ids, model.RecordID(id))
		}
	}
	slices.Sort(ids) // in the order they were made, which is how they lie on disk
	return managersFirst(tx, ids)
}

// managersFirst puts those whom somebody names as their manager before the others, in
// order among themselves: whoever comes before their manager is looked at a second
// time when the manager comes. What is concluded does not depend on it.
func managersFirst(tx *store.Tx, ids []model.RecordID) ([]model.RecordID, error) {
	managers := map[model.RecordID]bool{}
	for key, err := range store.RecordByManagerKey.Distinct(tx) {
		if err != nil {
			return nil, err
		}
		for id, err := range store.RecordByAlias.Keys(tx, append(bytes.Clone(key), 0)) {
			if err != nil {
				return nil, err
			}
			if id := model.RecordID(id); contains(ids, id) {
				managers[id] = true
			}
		}
	}
	out := make([]model.RecordID, 0, len(ids))
	for _, first := range []bool{true, false} {
		for _, id := range ids {
			if managers[id] == first {
				out = append(out, id)
			}
		}
	}
	return out, nil
}

func contains(sorted []model.RecordID, id model.RecordID) bool {
	_, found := slices.BinarySearch(sorted, id)
	return found
}

func (c *change) unstage(ids []model.RecordID) error {
	seeds := make([]model.RecordID, 0, len(ids))
	joining := make(map[model.RecordID]*model.Record, len(ids))
	for _, id := range ids {
		r, ok, err := store.Records.Get(c.tx, id)
		if err != nil {
			return err
		}
		if !ok || !r.Staged {
			continue
		}
		r.Staged = false
		r.Rev++
		seeds, joining[id] = append(seeds, id), &r
	}
	return c.settleWith(joining, seeds, nil)
}

// SetStance pauses a source or lets it go on; going on from preview is
// [Engine.Activate].
func (e *Engine) SetStance(actor, source string, stance store.SourceStance) error {
	return e.update(actor, 0, model.JobOpen, func(c *change) error {
		s, err := c.source(source)
		if err != nil {
			return err
		}
		switch {
		case s.State == stance:
			return &StaleError{What: fmt.Sprintf("source %s is %s already", source, stance)}
		case stance == store.Live && s.Activated.IsZero():
			return &StaleError{What: fmt.Sprintf("source %s was never activated", source)}
		}
		s.State = stance
		if _, err := c.event(string(stance), "source:"+source, ""); err != nil {
			return err
		}
		return store.Sources.Put(c.tx, source, s)
	})
}

// Note journals something that an operator asked for and that changes nothing by
// itself.
func (e *Engine) Note(actor, verb, subject, reason string) error {
	return e.update(actor, 0, model.JobOpen, func(c *change) error {
		_, err := c.event(verb, subject, reason)
		return err
	})
}

// UpdateSource changes what is remembered of a source between reads.
func (e *Engine) UpdateSource(source string, fn func(*store.SourceState)) error {
	return e.update(actorSelf, 0, model.JobOpen, func(c *change) error {
		s, err := c.source(source)
		if err != nil {
			return err
		}
		fn(&s)
		return store.Sources.Put(c.tx, source, s)
	})
}

// TurnDay replans the people whom the calendar alone changes: a first day that
// has come, a last day that has passed. It returns how many it looked at.
func (e *Engine) TurnDay() (int, error) {
	if err := e.TrimWritten(); err != nil {
		return 0, err
	}
	var due []model.PersonID
	today := e.Today()
	err := e.store.View(func(tx *store.Tx) error {
		for p, err := range store.PersonByReview.Prefix(tx, nil) {
			if err != nil {
				return err
			}
			if p.Review > today {
				break
			}
			due = append(due, p.ID)
		}
		return nil
	})
	if err != nil || len(due) == 0 {
		return 0, err
	}
	_, err = e.replan(actorSelf, model.CauseCalendar, due, false, nil)
	return len(due), err
}

func recordsOf(tx *store.Tx, persons []model.PersonID) ([]model.RecordID, error) {
	var ids []model.RecordID
	for _, p := range persons {
		for id, err := range store.RecordByPerson.Keys(tx, store.Prefix(string(p))) {
			if err != nil {
				return nil, err
			}
			ids = append(ids, model.RecordID(id))
		}
	}
	return ids, nil
}
