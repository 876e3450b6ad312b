package appliance

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"rollcall/appliance/admin"
	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
)

// Conflicts implements admin.Service: freezing ones first, then the oldest.
func (a *App) Conflicts(context.Context) ([]admin.Conflict, error) {
	out := []admin.Conflict{}
	err := a.store.View(func(tx *store.Tx) error {
		views, err := a.conflictViews(tx)
		if err != nil {
			return err
		}
		for q, err := range store.Conflicts.Each(tx, nil) {
			if err != nil {
				return err
			}
			view, err := views.of(q)
			if err != nil {
				return err
			}
			out = append(out, view)
		}
		return nil
	})
	sortConflicts(out)
	return out, err
}

func sortConflicts(list []admin.Conflict) {
	slices.SortFunc(list, func(x, y admin.Conflict) int {
		if x.Freezes != y.Freezes {
			if x.Freezes {
				return -1
			}
			return 1
		}
		return cmp.Or(x.Opened.Compare(y.Opened), cmp.Compare(x.ID, y.ID))
	})
}

// Conflict implements admin.Service.
func (a *App) Conflict(_ context.Context, id string) (admin.Conflict, error) {
	var out admin.Conflict
	err := a.store.View(func(tx *store.Tx) error {
		q, ok, err := store.Conflicts.Get(tx, model.ConflictID(id))
		if err != nil {
			return err
		}
		if !ok {
			return notFound("conflict %s is not open; rollcall conflicts list shows those that are", id)
		}
		views, err := a.conflictViews(tx)
		if err != nil {
			return err
		}
		out, err = views.of(q)
		return err
	})
	return out, err
}

// conflictViews makes views of conflicts within one transaction. How earlier ones
// were answered is read once for all of them.
type conflictViews struct {
	tx     *store.Tx
	today  model.Date
	policy *reconcile.Policy
	like   map[string]map[model.Verb]int // answers in force, by shape
}

func (a *App) conflictViews(tx *store.Tx) (*conflictViews, error) {
	v := &conflictViews{tx: tx, today: a.engine.Today(), policy: &a.engine.Settings().Policy, like: map[string]map[model.Verb]int{}}
	for d, err := range store.Decisions.Each(tx, nil) {
		if err != nil {
			return nil, err
		}
		if d.Shape == "" || d.Verb == model.Later {
			continue
		}
		if v.like[d.Shape] == nil {
			v.like[d.Shape] = map[model.Verb]int{}
		}
		v.like[d.Shape][d.Verb]++
	}
	return v, nil
}

// of shows one conflict: the records side by side, what differs, the evidence, and
// the answers it takes, with the one that is suggested.
func (v *conflictViews) of(q model.Conflict) (admin.Conflict, error) {
	out := admin.Conflict{ID: string(q.ID), Kind: string(q.Kind), Rule: q.Rule, Freezes: q.Kind.Freezes(), Target: q.Target, Opened: q.Opened, Rev: q.Rev}
	for _, id := range q.Identifiers {
		out.Identifiers = append(out.Identifiers, id.String())
	}
	k, err := ingest.CaseOf(v.tx, q, v.today, v.policy)
	if err != nil {
		return out, err
	}
	for _, r := range k.Records {
		out.Records = append(out.Records, recordView(r))
	}
	for _, g := range k.Groups {
		out.Records = append(out.Records, groupRecord(g, k.Shared()))
	}
	if out.Names, err = conflictNames(v.tx, q, k.Records); err != nil {
		return out, err
	}
	for _, id := range q.Persons {
		out.Persons = append(out.Persons, string(id))
	}
	out.Differs = differs(k.Records)
	if len(k.Groups) > 0 {
		out.Differs = groupsDiffer(out.Records)
	}
	out.For, out.Against = k.Evidence()
	out.Shape = k.Shape()
	like := v.like[out.Shape]
	for verb, n := range like {
		if out.Precedents == nil {
			out.Precedents = map[string]int{}
		}
		out.Precedents[string(verb)] = n
	}
	suggested := k.Suggest(like)
	out.Suggestion = suggested.String()
	for _, verb := range reconcile.Answers(q) {
		out.Answers = append(out.Answers, string(verb))
	}
	if suggested.Verb != "" {
		out.Suggested = &admin.Resolution{Verb: string(suggested.Verb), Record: string(suggested.Record), Attribute: string(suggested.Attribute), Value: suggested.Value, Rev: q.Rev}
		for _, id := range suggested.Apart {
			out.Suggested.Apart = append(out.Suggested.Apart, string(id))
		}
	}
	return out, nil
}

// conflictNames says whom, or which groups, a conflict is about.
func conflictNames(tx *store.Tx, q model.Conflict, records []model.Record) ([]string, error) {
	names := []string{}
	for _, r := range records {
		names = append(names, recordName(r))
	}
	for _, ref := range q.Groups {
		name, err := ingest.GroupName(tx, ref)
		if err != nil {
			return nil, err
		}
		if name != "" {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		for _, id := range q.Persons {
			ref, err := refOf(tx, id)
			if err != nil {
				return nil, err
			}
			names = append(names, ref.Name)
		}
	}
	return uniqueNames(names), nil
}

// recordName is what a human calls the person a record speaks of.
func recordName(r model.Record) string {
	return cmp.Or(r.Attributes.Text(model.DisplayName),
		strings.TrimSpace(r.Attributes.Text(model.GivenName)+" "+r.Attributes.Text(model.FamilyName)), r.Source+" "+r.Native)
}

func uniqueNames(names []string) []string {
	out := names[:0:0]
	for _, n := range names {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// differs names the attributes on which records that state them disagree.
func differs(records []model.Record) []string {
	var out []string
	seen := model.Attributes{}
	for _, r := range records {
		for n, v := range r.Attributes {
			if _, ok := seen[n]; !ok {
				seen[n] = v
			}
		}
	}
	for _, n := range seen.Sorted() {
		for _, r := range records {
			if v, ok := r.Attributes[n]; ok && v.Text != seen[n].Text {
				out = append(out, string(n))
				break
			}
		}
	}
	return out
}
