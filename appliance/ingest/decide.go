package ingest

import (
	"fmt"
	"slices"

	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

// Answer is what a human says to a conflict.
type Answer struct {
	Verb      model.Verb
	Record    model.RecordID // prefer, exclude and set: the record meant
	Attribute model.Name     // set
	Value     string         // set; empty means known to be empty
	Reason    string
	// Rev is the revision of the conflict that the human saw; 0 takes any.
	Rev uint64
}

// InvalidError says what is wrong with an answer.
type InvalidError struct{ What string }

func (e *InvalidError) Error() string { return e.What }

// Resolve stores a decision and plans the people it concerns, in one
// transaction. What it changes in accounts is judged by the guards.
func (e *Engine) Resolve(actor string, id model.ConflictID, a Answer) (model.Decision, error) {
	var d model.Decision
	err := e.update(actor, 0, model.JobOpen, func(c *change) (err error) {
		d, _, err = c.resolve(id, a)
		return err
	})
	return d, err
}

// TryResolve applies an answer in a transaction that is rolled back, and hands
// the transaction to look before it is: what the answer would do, by the code
// that would do it.
func (e *Engine) TryResolve(actor string, id model.ConflictID, a Answer, look func(tx *store.Tx, run model.Run) error) error {
	return e.store.Try(func(tx *store.Tx) error {
		_, run, err := e.begin(tx, actor, 0, model.JobOpen).resolve(id, a)
		if err != nil {
			return err
		}
		return look(tx, run)
	})
}

func (c *change) resolve(id model.ConflictID, a Answer) (model.Decision, model.Run, error) {
	q, ok, err := store.Conflicts.Get(c.tx, id)
	switch {
	case err != nil:
		return model.Decision{}, model.Run{}, err
	case !ok:
		return model.Decision{}, model.Run{}, &StaleError{What: "conflict " + string(id) + " is not open any more"}
	case a.Rev != 0 && a.Rev != q.Rev:
		return model.Decision{}, model.Run{}, &StaleError{What: "conflict " + string(id) + " has changed since it was shown; look at it again"}
	}
	if err := checkAnswer(q, &a); err != nil {
		return model.Decision{}, model.Run{}, err
	}
	d := model.Decision{ID: store.NewID("d"), Verb: a.Verb, Conflict: q.ID, Kind: q.Kind, Records: q.Records, Record: a.Record,
		Attribute: a.Attribute, At: c.at, Actor: c.actor, Reason: a.Reason}
	if a.Verb == model.Set {
		d.Value = model.Text(a.Value)
		if a.Attribute == model.Manager && a.Value != "" {
			d.Value.Refs = []model.Reference{{By: model.RefAny, Value: a.Value}}
		}
	}
	run, err := c.decide(q.Records, "decided", string(a.Verb)+": "+a.Reason, func() error { return store.Decisions.Put(c.tx, d.ID, d) })
	return d, run, err
}

// Undo takes a decision back, named by its own id or by that of the conflict it
// answered; the question is asked again when it still stands.
func (e *Engine) Undo(actor, decision string) error {
	return e.update(actor, 0, model.JobOpen, func(c *change) error {
		d, ok, err := store.Decisions.Get(c.tx, decision)
		if err == nil && !ok {
			d, ok, err = c.answerTo(model.ConflictID(decision))
		}
		if err != nil {
			return err
		}
		if !ok {
			return &NotFoundError{What: "decision " + decision}
		}
		_, err = c.decide(d.Records, "undone", "decision "+d.ID, func() error { return store.Decisions.Delete(c.tx, d.ID) })
		return err
	})
}

// answerTo returns the newest decision that answered a conflict.
func (c *change) answerTo(id model.ConflictID) (newest model.Decision, found bool, err error) {
	for d, err := range store.Decisions.Each(c.tx, nil) {
		if err != nil {
			return newest, false, err
		}
		if d.Conflict == id && (!found || d.At.After(newest.At)) {
			newest, found = d, true
		}
	}
	return newest, found, nil
}

// decide changes the decisions on records and plans what follows, as a run.
func (c *change) decide(records []model.RecordID, verb, reason string, write func() error) (model.Run, error) {
	run, err := c.startRun("", model.CauseDecision)
	if err != nil {
		return run, err
	}
	if err := write(); err != nil {
		return run, err
	}
	c.everyone = true // an answer may change what a target may do without changing the person
	var before []model.Record
	for _, id := range records {
		r, ok, err := store.Records.Get(c.tx, id)
		if err != nil {
			return run, err
		}
		if !ok {
			continue
		}
		before = append(before, r)
		if err := c.identify(&r, c.settings.Sources[r.Source].MatchNumber); err != nil {
			return run, err
		}
		r.Rev++
		if err := store.Records.Put(c.tx, r.ID, r); err != nil {
			return run, err
		}
		if _, err := c.event(verb, "record:"+string(id), reason); err != nil {
			return run, err
		}
	}
	if err := c.settle(records, before); err != nil {
		return run, err
	}
	return c.closeRun(run, model.VerdictComplete, false)
}

func checkAnswer(q model.Conflict, a *Answer) error {
	named := func() error {
		if !slices.Contains(q.Records, a.Record) {
			return &InvalidError{What: fmt.Sprintf("%s needs one of the conflict's records, by its id", a.Verb)}
		}
		return nil
	}
	switch a.Verb {
	case model.Merge, model.Separate:
		if len(q.Records) < 2 {
			return &InvalidError{What: fmt.Sprintf("%s needs a conflict between two records or more", a.Verb)}
		}
		return nil
	case model.Prefer, model.Exclude:
		return named()
	case model.Set:
		if a.Record == "" && len(q.Persons) == 1 && len(q.Records) > 0 {
			a.Record = q.Records[0] // all of them are one person's
		}
		if err := named(); err != nil {
			return err
		}
		if !a.Attribute.Valid() {
			return &InvalidError{What: fmt.Sprintf("%q is not an attribute", a.Attribute)}
		}
		return nil
	case model.Allow, model.Later:
		return nil
	}
	return &InvalidError{What: fmt.Sprintf("%q is no answer; one of merge, separate, prefer, exclude, allow, set, later is", a.Verb)}
}
