package ingest

import (
	"errors"
	"fmt"
	"slices"

	"rollcall/appliance/model"
	"rollcall/appliance/store"
	"rollcall/scimsrv"
)

// Replan plans everybody anew and looks at every account, because the policy, the
// targets or the rules changed. Of the sources in remap, the resources that
// senders wrote are mapped anew first, and all records identified anew. The guards
// judge what comes of it, all together. It returns the run.
func (e *Engine) Replan(actor string, cause model.Cause, remap ...string) (model.Run, error) {
	var all []model.PersonID
	err := e.store.View(func(tx *store.Tx) (err error) {
		all, err = everyPerson(tx)
		return err
	})
	if err != nil {
		return model.Run{}, err
	}
	return e.replan(actor, cause, all, true, remap)
}

func everyPerson(tx *store.Tx) (all []model.PersonID, err error) {
	for p, err := range store.Persons.Each(tx, nil) {
		if err != nil {
			return nil, err
		}
		all = append(all, p.ID)
	}
	return all, nil
}

func (e *Engine) replan(actor string, cause model.Cause, persons []model.PersonID, everyone bool, remap []string) (model.Run, error) {
	defer giveBack(len(persons))
	var run model.Run
	err := e.update(actor, 0, model.JobOpen, func(c *change) (err error) {
		run, err = c.startRun("", cause)
		return err
	})
	if err != nil {
		return run, err
	}
	for _, source := range remap {
		var records []model.RecordID
		err := e.store.View(func(tx *store.Tx) (err error) {
			records, err = recordsOfSource(tx, source)
			return err
		})
		if err != nil {
			return run, err
		}
		for len(records) > 0 {
			records, err = inBatches(e, actor, run.Seq, records, func(c *change, part []model.RecordID) error { return c.remap(source, part) })
			if err != nil {
				return run, err
			}
		}
		if err := e.update(actor, run.Seq, model.JobOpen, func(c *change) error { return c.dropGroups(source) }); err != nil {
			return run, err
		}
	}
	for left := persons; len(left) > 0; {
		left, err = inBatches(e, actor, run.Seq, left, func(c *change, part []model.PersonID) error {
			c.everyone = everyone
			return c.replanPersons(part)
		})
		if err != nil {
			return run, err
		}
	}
	err = e.update(actor, run.Seq, model.JobOpen, func(c *change) (err error) {
		run.Counts.Seen = len(persons)
		run, err = c.closeRun(run, model.VerdictComplete, false)
		return err
	})
	if err != nil {
		return run, err
	}
	return e.stored(run)
}

// TryReplan does what [Engine.Replan] would under other settings, in a rehearsal, of
// which nothing stays, and hands it to look before it is.
func (e *Engine) TryReplan(settings *Settings, remap []string, look func(tx *store.Tx, run model.Run) error) error {
	return e.store.Rehearse(func(tx *store.Tx) error {
		c := e.begin(tx, "preview", 0, model.JobOpen)
		c.dry = true
		c.settings = settings
		run, err := c.startRun("", model.CausePolicy)
		if err != nil {
			return err
		}
		for _, source := range remap {
			records, err := recordsOfSource(tx, source)
			if err != nil {
				return err
			}
			for part := range slices.Chunk(records, previewBatch) {
				if err := errors.Join(c.remap(source, part), tx.Unload()); err != nil {
					return err
				}
			}
			if err := c.dropGroups(source); err != nil {
				return err
			}
		}
		persons, err := everyPerson(tx)
		if err != nil {
			return err
		}
		c.everyone = true
		for part := range slices.Chunk(persons, previewBatch) {
			if err := errors.Join(c.replanPersons(part), tx.Unload()); err != nil {
				return err
			}
		}
		if run, err = c.closeRun(run, model.VerdictComplete, false); err != nil {
			return err
		}
		return look(tx, run)
	})
}

func (c *change) replanPersons(persons []model.PersonID) error {
	seeds, err := recordsOf(c.tx, persons)
	if err != nil {
		return err
	}
	return c.settle(seeds, nil)
}

func recordsOfSource(tx *store.Tx, source string) (ids []model.RecordID, err error) {
	for r, err := range store.RecordBySource.Find(tx, store.Key(source)) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, r.ID)
	}
	return ids, nil
}

// remap makes records anew from what their source last said, as far as that is
// stored: a SCIM resource is, an HR record's built-in map is not, so that only
// what it is identified by and grouped by is looked at; the next read brings the rest.
func (c *change) remap(source string, ids []model.RecordID) error {
	settings, ok := c.settings.Sources[source]
	if !ok {
		return nil
	}
	var seeds []model.RecordID
	var before []model.Record
	for _, id := range ids {
		rec, ok, err := store.Records.Get(c.tx, id)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if settings.MapResource != nil {
			res, there, err := store.Resources.Get(c.tx, store.ResourceKey{Source: source, Type: string(scimsrv.User), ID: rec.Native})
			if err != nil {
				return err
			}
			if there {
				said, err := c.settings.said(res)
				if err == nil {
					err = c.recordOf(source, said)
				}
				if err != nil {
					return fmt.Errorf("map a resource of %s anew: %w", source, err)
				}
				continue
			}
		}
		old := rec
		if err := c.regroup(source, rec.Native, &rec); err != nil {
			return err
		}
		if err := c.identify(&rec, settings.MatchNumber); err != nil {
			return err
		}
		if slices.Equal(old.Identifiers, rec.Identifiers) {
			continue
		}
		rec.Rev++
		if err := store.Records.Put(c.tx, id, rec); err != nil {
			return err
		}
		if !rec.Staged {
			seeds, before = append(seeds, id), append(before, old)
		}
	}
	return c.settle(seeds, before)
}

// NoteFields is [Engine.Note] of something that names what it concerns.
func (e *Engine) NoteFields(actor, verb, subject, reason string, fields []string) error {
	return e.update(actor, 0, model.JobOpen, func(c *change) error {
		_, err := c.event(verb, subject, reason, fields...)
		return err
	})
}
