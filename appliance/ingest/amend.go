package ingest

import (
	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

// Amendment is one value that a human sets for a person without having been asked.
type Amendment struct {
	Record    model.RecordID // of the person, in scope
	Attribute model.Name
	Value     model.Value // as [CheckValue] returns it
}

// Amended is what came of amendments. Without any of them it is the zero value:
// nothing was written.
type Amended struct {
	Batch string // by which all of them are taken back together
	Run   model.Run
}

// Amend sets values as decisions of one batch, all of them or none, judged by the
// guards together. find says which, inside the transaction; its error stops it.
// Like an answer to a conflict they outlive every later read, and [Engine.Undo]
// takes the batch back.
func (e *Engine) Amend(actor, reason string, find func(*store.Tx) ([]Amendment, error)) (Amended, error) {
	var out Amended
	err := e.update(actor, 0, model.JobOpen, func(c *change) (err error) {
		out, err = c.amend(reason, find)
		return err
	})
	return out, err
}

// TryAmend is Amend in a transaction that is rolled back, handed to look before it
// is.
func (e *Engine) TryAmend(actor string, find func(*store.Tx) ([]Amendment, error), look func(*store.Tx, model.Run) error) error {
	return e.store.Try(func(tx *store.Tx) error {
		c := e.begin(tx, actor, 0, model.JobOpen)
		c.dry = true
		out, err := c.amend("", find)
		if err != nil || out.Batch == "" {
			return err
		}
		return look(tx, out.Run)
	})
}

func (c *change) amend(reason string, find func(*store.Tx) ([]Amendment, error)) (Amended, error) {
	amendments, err := find(c.tx)
	if err != nil || len(amendments) == 0 {
		return Amended{}, err
	}
	out := Amended{Batch: store.NewID("b")}
	decisions := make([]model.Decision, len(amendments))
	for i, a := range amendments {
		decisions[i] = model.Decision{ID: store.NewID("d"), Verb: model.Set, Batch: out.Batch, Records: []model.RecordID{a.Record}, Record: a.Record,
			Attribute: a.Attribute, Value: a.Value, At: c.at, Actor: c.actor, Reason: reason}
	}
	out.Run, err = c.decide(decisions, false, func(d model.Decision) string {
		return "set " + string(d.Attribute) + ", batch " + d.Batch + ": " + d.Reason
	},
		func(d model.Decision) error { return store.Decisions.Put(c.tx, d.ID, d) })
	return out, err
}
