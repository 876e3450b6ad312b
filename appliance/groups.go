package appliance

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"rollcall/appliance/admin"
	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

// Groups implements admin.Service.
func (a *App) Groups(_ context.Context, target string) ([]admin.Group, error) {
	if target != "" && a.cfg.Targets[target] == nil {
		return nil, notFound("there is no target %q; the configuration has %s", target, listed(a.cfg.TargetNames()))
	}
	out := []admin.Group{}
	err := a.store.View(func(tx *store.Tx) error {
		for _, t := range a.cfg.TargetNames() {
			if target != "" && t != target {
				continue
			}
			pending := map[model.GroupRef]model.GroupJob{}
			for j, err := range store.GroupJobs.Each(tx, store.Prefix(t)) {
				if err != nil {
					return err
				}
				pending[j.GroupRef] = j
			}
			for d, err := range store.GroupDeliveries.Each(tx, store.Prefix(t)) {
				if err != nil {
					return err
				}
				g := admin.Group{Target: t, Source: d.Source, ID: d.Group, Name: d.Name, RemoteID: d.RemoteID, Adopted: d.Adopted, Members: len(d.Members), State: "delivered", At: d.At}
				if j, ok := pending[d.GroupRef]; ok {
					g.State, g.Reason, g.LastError = string(j.State), j.Reason, j.LastError
					delete(pending, d.GroupRef)
				}
				out = append(out, g)
			}
			for j, err := range store.GroupJobs.Each(tx, store.Prefix(t)) {
				if err != nil {
					return err
				}
				if _, only := pending[j.GroupRef]; !only {
					continue
				}
				name, err := ingest.GroupName(tx, j.GroupRef)
				if err != nil {
					return err
				}
				out = append(out, admin.Group{Target: t, Source: j.Source, ID: j.Group, Name: name, State: string(j.State), Reason: j.Reason, LastError: j.LastError})
			}
		}
		return nil
	})
	return out, err
}

// Group implements admin.Service.
func (a *App) Group(ctx context.Context, target, source, group string) (admin.GroupDetail, error) {
	list, err := a.Groups(ctx, target)
	if err != nil {
		return admin.GroupDetail{}, err
	}
	i := slices.IndexFunc(list, func(g admin.Group) bool { return g.Source == source && g.ID == group })
	if i < 0 {
		return admin.GroupDetail{}, notFound("%s has no group %s of %s, nor is it to have one; rollcall deliveries groups lists those", target, group, source)
	}
	out := admin.GroupDetail{Group: list[i], People: []admin.GroupMember{}}
	err = a.store.View(func(tx *store.Tx) error {
		members, err := a.engine.GroupMembers(tx, target, model.GroupRef{Source: source, Group: group})
		if err != nil {
			return err
		}
		for _, m := range members {
			ref, err := refOf(tx, m.Person)
			if err != nil {
				return err
			}
			out.People = append(out.People, admin.GroupMember{Person: ref, State: string(m.State)})
		}
		return nil
	})
	slices.SortFunc(out.People, func(x, y admin.GroupMember) int {
		return cmp.Or(cmp.Compare(strings.ToLower(x.Person.Name), strings.ToLower(y.Person.Name)), cmp.Compare(x.Person.ID, y.Person.ID))
	})
	return out, err
}

// RetryGroup implements admin.Service.
func (a *App) RetryGroup(_ context.Context, actor, target, source, group string) error {
	if a.cfg.Targets[target] == nil {
		return notFound("there is no target %q; the configuration has %s", target, listed(a.cfg.TargetNames()))
	}
	return refusalOr(a.engine.RetryGroup(actor, target, model.GroupRef{Source: source, Group: group}),
		"nothing of group %s of %s waits in %s; rollcall deliveries groups lists the groups there", group, source, target)
}
