package appliance

import (
	"context"

	"rollcall/appliance/admin"
	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

// Drift implements admin.Service.
func (a *App) Drift(_ context.Context, target string) ([]admin.Drift, error) {
	if target != "" && a.cfg.Targets[target] == nil {
		return nil, notFound("there is no target %q; the configuration has %s", target, listed(a.cfg.TargetNames()))
	}
	out := []admin.Drift{}
	err := a.store.View(func(tx *store.Tx) error {
		for _, t := range a.engine.Settings().Targets {
			if target != "" && t.Name != target {
				continue
			}
			for d, err := range store.Drifts.Each(tx, store.Prefix(t.Name)) {
				if err != nil {
					return err
				}
				views, err := driftViews(tx, d, t.Drift == ingest.DriftOverwrite)
				if err != nil {
					return err
				}
				out = append(out, views...)
			}
			for acc, err := range store.Accounts.Each(tx, store.Prefix(t.Name)) {
				if err != nil {
					return err
				}
				if ingest.OfNobody(tx, acc) {
					out = append(out, admin.Drift{Target: t.Name, Login: acc.Login, Kind: "nobody", Active: acc.Active, Done: "nothing: no source covers it"})
				}
				if len(out) >= maxPage {
					return nil
				}
			}
		}
		return nil
	})
	return out, err
}

// driftViews says what was found of one account: edits and forms of the target's own
// are two things.
func driftViews(tx *store.Tx, d model.Drift, overwrite bool) ([]admin.Drift, error) {
	p, _, err := store.Persons.Get(tx, d.Person)
	if err != nil {
		return nil, err
	}
	ref := personRef(p)
	if ref.ID == "" {
		ref.ID = string(d.Person)
	}
	base := admin.Drift{Target: d.Target, Person: &ref, Since: d.Since}
	if d.Missing {
		base.Kind, base.Done = "missing", "nothing: too many are missing, or drift = \"report\""
		if overwrite {
			base.Done = "looked up, and made anew when it is really gone, as far as few are missing"
		}
		return []admin.Drift{base}, nil
	}
	edited, own := base, base
	edited.Kind, edited.Done = "edited", "reported only: drift = \"report\""
	if overwrite {
		edited.Done = "overwritten, under the guards"
	}
	own.Kind, own.Done = "own_form", "left: it came back the same after it was overwritten"
	names := make([]model.Name, 0, len(d.Values))
	for n := range d.Values {
		names = append(names, n)
	}
	model.SortNames(names)
	for _, n := range names {
		to := &edited
		for _, o := range d.Own {
			if o == n {
				to = &own
			}
		}
		to.Fields = append(to.Fields, string(n))
	}
	var out []admin.Drift
	for _, v := range []admin.Drift{edited, own} {
		if len(v.Fields) > 0 {
			out = append(out, v)
		}
	}
	return out, nil
}
