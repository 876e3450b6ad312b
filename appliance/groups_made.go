package appliance

import (
	"fmt"
	"strings"

	"rollcall/appliance/admin"
	"rollcall/appliance/config"
	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/store"
	"rollcall/scimsrv"
)

// memberships lists the groups that the records of a person are in, and says of those
// that are made of an attribute where its value comes from.
func (a *App) memberships(tx *store.Tx, person model.PersonID, records []model.Record, fields map[model.RecordID]map[model.Name]string) ([]admin.Membership, error) {
	var out []admin.Membership
	for _, r := range records {
		for m, err := range store.MemberOf.Find(tx, store.Key(r.Source, r.Native)) {
			if err != nil {
				return nil, err
			}
			row, there, err := store.Resources.Get(tx, store.ResourceKey{Source: r.Source, Type: string(scimsrv.Group), ID: m.Group})
			if err != nil {
				return nil, err
			}
			if !there {
				continue
			}
			ref := model.GroupRef{Source: r.Source, Group: m.Group}
			g := admin.Membership{Source: r.Source, ID: m.Group, Record: string(r.ID)}
			if g.Name, err = ingest.GroupName(tx, ref); err != nil {
				return nil, err
			}
			if n := ingest.GroupAttribute(row); n != "" {
				g.Attribute, g.Field = string(n), fields[r.ID][n]
			}
			for _, t := range a.cfg.TargetNames() {
				d, _, err := store.GroupDeliveries.Get(tx, store.TargetGroup{Target: t, GroupRef: ref})
				if err != nil {
					return nil, err
				}
				if d.Members[person] != "" {
					g.Targets = append(g.Targets, t)
				}
			}
			out = append(out, g)
		}
	}
	return out, nil
}

// groupNotices says what groups a source that is read makes, and who takes them.
func (a *App) groupNotices(src *config.Source) ([]string, error) {
	made := a.engine.Settings().Sources[src.Name].Groups
	if len(made) == 0 {
		return nil, nil
	}
	var takers []string
	for _, n := range a.cfg.TargetNames() {
		if a.cfg.Targets[n].Groups {
			takers = append(takers, n)
		}
	}
	whom := strings.Join(takers, ", ") + " takes them"
	switch len(takers) {
	case 0:
		whom = "no target takes any: a target does with groups = true"
	case 1:
	default:
		whom = strings.Join(takers, ", ") + " take them"
	}
	counts := map[model.Name]int{}
	err := a.store.View(func(tx *store.Tx) error {
		for r, err := range store.ResourceByOrder.Prefix(tx, store.Prefix(src.Name, string(scimsrv.Group))) {
			if err != nil {
				return err
			}
			counts[ingest.GroupAttribute(r)]++
		}
		return nil
	})
	var told []string
	for _, n := range made {
		told = append(told, fmt.Sprintf("%s made of %s", plural(counts[n], "group"), n))
	}
	return []string{strings.Join(told, ", ") + " so far; " + whom}, err
}
