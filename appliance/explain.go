package appliance

import (
	"fmt"
	"slices"
	"strings"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

// values explains every attribute: where it comes from, by which rule, and what
// lost. fields tells per record which field of the source each attribute is from.
func (a *App) values(tx *store.Tx, p model.Person, records []model.Record, fields map[model.RecordID]map[model.Name]string) ([]admin.Value, error) {
	byID := map[model.RecordID]model.Record{}
	for _, r := range records {
		byID[r.ID] = r
	}
	set, err := setBy(tx, p.Records)
	if err != nil {
		return nil, err
	}
	var out []admin.Value
	for _, n := range p.Attributes.Sorted() {
		v := p.Attributes[n]
		row := admin.Value{Attribute: string(n), Value: v.Text, Null: v.Null, FrozenUntil: string(p.Frozen[n])}
		won, known := byID[p.Provenance[n]]
		d, decided := set[n]
		switch {
		case decided && d.Value.Equal(v):
			row.Source, row.Field, row.Record, row.At = won.Source, "decided by a human", string(won.ID), d.At
			row.Rule = fmt.Sprintf("decision %s of %s", d.ID, d.Actor)
		case known && won.Attributes[n].Equal(v):
			row.Source, row.Field, row.Record, row.Run, row.At = won.Source, fields[won.ID][n], string(won.ID), won.Run, won.Changed
			row.Rule = a.ruleOf(n, won, records)
			row.Kept = won.Kept[n]
		case known:
			row.Source, row.Field, row.Record = won.Source, "decided by a human", string(won.ID)
		default:
			row.Source, row.Field = "rollcall", "made of given_name and family_name"
			row.Rule = "no source gives a display_name"
		}
		for _, r := range records {
			if w, said := r.Attributes[n]; said && r.ID != p.Provenance[n] {
				row.Lost = append(row.Lost, admin.Lost{Source: r.Source, Value: w.Text, Null: w.Null, Why: a.whyLost(n, r, won)})
			}
		}
		out = append(out, row)
	}
	return out, nil
}

// setBy returns, per attribute, the newest decision that set it for these records.
func setBy(tx *store.Tx, ids []model.RecordID) (map[model.Name]model.Decision, error) {
	out := map[model.Name]model.Decision{}
	for _, id := range ids {
		for d, err := range store.DecisionByRecord.Find(tx, store.Key(string(id))) {
			if err != nil {
				return nil, err
			}
			if d.Verb == model.Set && d.Record == id && !d.At.Before(out[d.Attribute].At) {
				out[d.Attribute] = d
			}
		}
	}
	return out, nil
}

// ruleOf names the lines of the configuration by which a value came to be: how the
// field became an attribute, and why this source's word counts.
func (a *App) ruleOf(n model.Name, won model.Record, records []model.Record) string {
	mapped := "built-in map of " + string(won.Kind)
	if src := a.cfg.Sources[won.Source]; src != nil && src.Map[string(n)] != "" {
		mapped = fmt.Sprintf("[sources.%s.map] %s = %s", won.Source, n, src.Map[string(n)])
	}
	others := slices.ContainsFunc(records, func(r model.Record) bool { return r.ID != won.ID && r.Attributes.Has(n) })
	policy := a.engine.Settings().Policy
	switch own, exact := policy.Attributes[n]; {
	case exact:
		return mapped + fmt.Sprintf("; [policy.attributes] %s = %s", n, strings.Join(own, ", "))
	case !others:
		return mapped + "; no other source says anything"
	}
	return mapped + "; [policy] authority = " + strings.Join(policy.Authority, ", ")
}

func (a *App) whyLost(n model.Name, lost, won model.Record) string {
	policy := a.engine.Settings().Policy
	own, exact := policy.Attributes[n]
	switch {
	case lost.Scope.State == model.OutOfScope:
		return "the record is out of scope: " + lost.Scope.Reason
	case lost.Gone || lost.Status == model.Inactive:
		return "the record has ended"
	case exact && !slices.Contains(own, lost.Source):
		return fmt.Sprintf("[policy.attributes] does not name %s for %s", lost.Source, n)
	case exact:
		return fmt.Sprintf("[policy.attributes] ranks %s before %s for %s", won.Source, lost.Source, n)
	case won.Source == "":
		return "a human decided"
	}
	return fmt.Sprintf("[policy] authority ranks %s before %s", won.Source, lost.Source)
}
