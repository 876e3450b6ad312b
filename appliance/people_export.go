package appliance

import (
	"context"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

// Export implements admin.Service.
func (a *App) Export(ctx context.Context, query string, page admin.Page) (admin.ExportedPeople, error) {
	people, next, err := a.People(ctx, query, page)
	if err != nil {
		return admin.ExportedPeople{}, err
	}
	out := admin.ExportedPeople{People: []admin.ExportedPerson{}, Next: next}
	err = a.store.View(func(tx *store.Tx) error {
		for _, s := range people {
			p, ok, err := store.Persons.Get(tx, model.PersonID(s.ID))
			if err != nil {
				return err
			}
			// Whoever is missing from such a file may be deactivated by it, so it has
			// everybody who keeps their access, and nobody whose access ends.
			if !ok || p.Access != model.AccessOn && p.Access != model.AccessKeep {
				continue
			}
			row := admin.ExportedPerson{ID: s.ID, Attributes: map[string]string{}}
			for n, v := range p.Attributes {
				if v.Text != "" && n != model.Manager {
					row.Attributes[string(n)] = v.Text
				}
			}
			if p.Manager != "" && p.Manager != p.ID {
				m, _, err := store.Persons.Get(tx, p.Manager)
				if err != nil {
					return err
				}
				if m.Access == model.AccessOn || m.Access == model.AccessKeep {
					row.ManagerEmail = m.Attributes.Text(model.Email)
				}
			}
			out.People = append(out.People, row)
		}
		return nil
	})
	return out, err
}
