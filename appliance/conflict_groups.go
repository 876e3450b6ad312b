package appliance

import (
	"cmp"
	"slices"
	"strconv"

	"rollcall/appliance/admin"
	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
)

// groupRecord shows one group of a conflict beside the other, as records are shown.
func groupRecord(g reconcile.GroupSide, shared int) admin.Record {
	out := admin.Record{ID: g.Ref.String(), Type: "group", Source: g.Ref.Source, Native: g.Ref.Group, Status: "asks for the name",
		Attributes: map[string]string{string(reconcile.GroupName): g.Name, "members": strconv.Itoa(len(g.Members)), "members_in_both": strconv.Itoa(shared)}}
	if g.ExternalID != "" {
		out.Attributes["external_id"] = g.ExternalID
	}
	if g.RemoteID != "" {
		out.Status = "has the name"
		out.Attributes["id_in_target"] = g.RemoteID
	}
	return out
}

// groupsDiffer names what the groups of a conflict disagree on.
func groupsDiffer(groups []admin.Record) (out []string) {
	if len(groups) != 2 {
		return nil
	}
	for _, n := range []string{string(reconcile.GroupName), "external_id", "members"} {
		a, hasA := groups[0].Attributes[n]
		if b, hasB := groups[1].Attributes[n]; hasA && hasB && a != b {
			out = append(out, n)
		}
	}
	return out
}

// groupsOf looks at the groups of conflicts, by target and group.
func (a *App) groupsOf(tx *store.Tx, conflicts []model.Conflict) (map[store.TargetGroup]ingest.GroupOutlook, error) {
	out := map[store.TargetGroup]ingest.GroupOutlook{}
	for _, q := range conflicts {
		for _, ref := range q.Groups {
			o, err := a.engine.LookGroup(tx, q.Target, ref)
			if err != nil {
				return nil, err
			}
			out[store.TargetGroup{Target: q.Target, GroupRef: ref}] = o
		}
	}
	return out, nil
}

// groupChanges says what would become of groups that were, and are now, as told.
func groupChanges(tx *store.Tx, before, after map[store.TargetGroup]ingest.GroupOutlook) ([]admin.GroupChange, error) {
	var out []admin.GroupChange
	for key, now := range after {
		was := before[key]
		name, err := ingest.GroupName(tx, key.GroupRef)
		if err != nil {
			return nil, err
		}
		g := admin.GroupChange{Target: key.Target, Group: key.GroupRef.String(), Name: cmp.Or(now.Name, name), RemoteID: cmp.Or(now.RemoteID, was.RemoteID), Why: now.Reason}
		switch now.State {
		case ingest.GroupDiffers, ingest.GroupHeld:
			g.Effect = string(model.EffectUpdate)
			if now.RemoteID == "" {
				g.Effect = string(model.EffectCreate)
			}
			if now.Rename {
				g.Rename = true
			}
			if g.Held = now.State == ingest.GroupHeld; now.RemoteID != was.RemoteID && now.RemoteID != "" {
				g.Why = "it becomes the group that " + key.Target + " has under this name" + prefixed("; ", g.Why)
			}
			if g.Add, err = membersNamed(tx, key.Target, now.Add); err != nil {
				return nil, err
			}
			if g.Remove, err = membersNamed(tx, key.Target, now.Remove); err != nil {
				return nil, err
			}
		case ingest.GroupSame:
			if now.RemoteID == was.RemoteID {
				continue
			}
			g.Effect, g.Why = string(model.EffectAdopt), "it becomes the group that "+key.Target+" has under this name, which is as it should be already"
		case ingest.GroupWaits:
			g.Effect = string(model.EffectCreate)
		case ingest.GroupDisputed, ingest.GroupNameless, ingest.GroupEmpty:
			continue // nothing is sent; a question is shown as one
		default:
			g.Effect = "leave"
		}
		out = append(out, g)
	}
	slices.SortFunc(out, func(x, y admin.GroupChange) int {
		return cmp.Or(cmp.Compare(x.Target, y.Target), cmp.Compare(x.Group, y.Group))
	})
	return out, nil
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

// membersNamed names those behind accounts of a target, sorted.
func membersNamed(tx *store.Tx, target string, accounts []string) ([]string, error) {
	var out []string
	for _, id := range accounts {
		d, ok, err := store.DeliveredByRemote.One(tx, store.Key(target, id))
		if err != nil {
			return nil, err
		}
		name := id
		if ok {
			ref, err := refOf(tx, d.Person)
			if err != nil {
				return nil, err
			}
			name = cmp.Or(ref.Name, ref.Email, id)
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return out, nil
}
