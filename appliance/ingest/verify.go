package ingest

import (
	"slices"

	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

// SameKeys reports whether a record is found by what it says: its identifiers, its
// names and those of its manager, derived anew.
func (e *Engine) SameKeys(tx *store.Tx, r model.Record) (bool, error) {
	c := e.begin(tx, actorSelf, 0, model.JobOpen)
	again := r
	if err := c.identify(&again, c.settings.Sources[r.Source].MatchNumber); err != nil {
		return false, err
	}
	return slices.Equal(again.Identifiers, r.Identifiers) && slices.Equal(again.Aliases, r.Aliases) && slices.Equal(again.ManagerKeys, r.ManagerKeys), nil
}

// ManagerOf resolves a person's manager anew, and returns what is to be asked about
// it.
func (e *Engine) ManagerOf(tx *store.Tx, p model.Person) (model.PersonID, []model.Conflict, error) {
	c := e.begin(tx, actorSelf, 0, model.JobOpen)
	manager, resolved, err := c.managerOf(&p)
	if err != nil {
		return "", nil, err
	}
	wanted, err := c.managerQuestions(p, resolved)
	var out []model.Conflict
	for _, q := range wanted {
		out = append(out, q)
	}
	return manager, out, err
}
