package appliance

import (
	"context"
	"strings"

	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

// Names implements admin.Service. The journal names subjects by id, because it
// outlives the people in it; names are looked up when somebody reads it.
func (a *App) Names(_ context.Context, subjects []string) (map[string]string, error) {
	out := map[string]string{}
	err := a.store.View(func(tx *store.Tx) error {
		for _, subject := range subjects {
			name, err := nameOfSubject(tx, subject)
			if id, is := strings.CutPrefix(subject, "person:"); err == nil && is && name == "" && a.engine.Erased(tx, model.PersonID(id)) {
				name = "somebody who was erased"
			}
			if err != nil {
				return err
			}
			if name != "" {
				out[subject] = name
			}
		}
		return nil
	})
	return out, err
}

// nameOfSubject is empty for what has no name or is gone.
func nameOfSubject(tx *store.Tx, subject string) (string, error) {
	kind, id, _ := strings.Cut(subject, ":")
	switch kind {
	case "person":
		p, ok, err := store.Persons.Get(tx, model.PersonID(id))
		if !ok || err != nil {
			return "", err
		}
		return personName(p), nil
	case "record":
		r, ok, err := store.Records.Get(tx, model.RecordID(id))
		if !ok || err != nil {
			return "", err
		}
		return recordName(r), nil
	case "conflict":
		q, ok, err := store.Conflicts.Get(tx, model.ConflictID(id))
		if !ok || err != nil {
			return "", err
		}
		records, err := recordsOf(tx, q.Records)
		if err != nil {
			return "", err
		}
		names, err := conflictNames(tx, q, records)
		return strings.Join(names, ", "), err
	case "token":
		for t, err := range store.Tokens.Each(tx, nil) {
			if err != nil {
				return "", err
			}
			if t.ID == id {
				return strings.TrimSpace(t.Source + " " + t.Label), nil
			}
		}
	}
	return "", nil
}
