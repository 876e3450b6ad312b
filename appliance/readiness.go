package appliance

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/readiness"
	"rollcall/appliance/store"
	"rollcall/connectors"
)

// Readiness implements admin.Service: it gathers what package readiness makes the
// report of, in a transaction that is rolled back. No service is asked.
func (a *App) Readiness(ctx context.Context) (readiness.Report, error) {
	in := readiness.Input{Now: a.now()}
	if err := a.previewed(&in); err != nil {
		return readiness.Report{}, err
	}
	a.checkedFields(&in)
	err := a.engine.PreviewAll(in.Previewed, func(tx *store.Tx, _ model.Run) error { return a.gather(ctx, tx, &in) })
	if err != nil {
		return readiness.Report{}, err
	}
	return readiness.Make(in), nil
}

// previewed names the sources that are not active yet, and notices those that
// have nothing to report on.
func (a *App) previewed(in *readiness.Input) error {
	for _, name := range a.cfg.SourceNames() {
		state, err := a.sourceState(name)
		if err != nil {
			return err
		}
		if state.Staged() {
			in.Previewed = append(in.Previewed, name)
		}
		switch {
		case a.cfg.Sources[name].Kind.Pushes():
			if state.LastHeard.IsZero() {
				in.Notices = append(in.Notices, name+" has pushed nobody yet")
			}
		case state.LastGood.IsZero():
			in.Notices = append(in.Notices, fmt.Sprintf("%s was never read whole; rollcall sync %s --wait reads it", name, name))
		}
	}
	return nil
}

// checkedFields takes over what the last check of each source could not read.
func (a *App) checkedFields(in *readiness.Input) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, name := range a.cfg.SourceNames() {
		if a.cfg.Sources[name].Kind.Pushes() {
			continue
		}
		r, ok := a.checked[name]
		switch {
		case !ok:
			in.Notices = append(in.Notices, fmt.Sprintf("the permissions of %s were not looked at since the start; rollcall check %s does", name, name))
		case r.Error != "":
			in.Notices = append(in.Notices, fmt.Sprintf("the permissions of %s are not known: its last check failed", name))
		}
		for _, m := range r.Missing {
			in.Unreadable = append(in.Unreadable, readiness.Field{Source: name, Permission: m.Permission, Field: m.Field, Attribute: model.Name(m.Attribute), Effect: m.Effect})
		}
	}
}

// gather reads everything a report is made of.
func (a *App) gather(ctx context.Context, tx *store.Tx, in *readiness.Input) error {
	for r, err := range store.Records.Each(tx, nil) {
		if err != nil {
			return err
		}
		in.Records = append(in.Records, r)
	}
	for p, err := range store.Persons.Each(tx, nil) {
		if err != nil {
			return err
		}
		in.Persons = append(in.Persons, p)
	}
	for c, err := range store.Conflicts.Each(tx, nil) {
		if err != nil {
			return err
		}
		in.Conflicts = append(in.Conflicts, c)
	}
	settings := a.engine.Settings()
	for i := range settings.Targets {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		t, err := a.gatherTarget(tx, &settings.Targets[i], in.Persons)
		if err != nil {
			return err
		}
		in.Targets = append(in.Targets, t)
	}
	return nil
}

func (a *App) gatherTarget(tx *store.Tx, settings *ingest.TargetSettings, persons []model.Person) (readiness.Target, error) {
	t := readiness.Target{Name: settings.Name, Standing: make(map[model.PersonID]readiness.Standing, len(persons))}
	lane, _, err := store.Lanes.Get(tx, t.Name)
	if err != nil {
		return t, err
	}
	t.Listed = lane.Listed
	for acc, err := range store.Accounts.Each(tx, store.Prefix(t.Name)) {
		if err != nil {
			return t, err
		}
		owner, _, err := store.DeliveredByRemote.One(tx, store.Key(t.Name, acc.RemoteID))
		if err != nil {
			return t, err
		}
		t.Accounts = append(t.Accounts, readiness.Account{Account: acc.Account, Person: owner.Person})
	}
	var having fieldCounts
	for _, p := range persons {
		o, ok, err := ingest.Look(tx, settings, p.ID)
		if err != nil {
			return t, err
		}
		if !ok {
			continue
		}
		s := readiness.Standing{Effect: o.Projection.Effect, Blocked: o.Projection.Blocked}
		switch {
		case o.Delivered != nil:
			s.RemoteID, s.Login, s.Linked = o.Delivered.RemoteID, o.Delivered.Sent.Email, true
		case o.Listed != nil:
			s.RemoteID, s.Login = o.Listed.RemoteID, o.Listed.Login
		}
		t.Standing[p.ID] = s
		having.count(p, o.Projection.Want.Attributes, settings.Rules.Custom)
	}
	t.Unknown = a.unknownFields(settings, t.Accounts, having)
	return t, nil
}

// fieldCounts counts the people who have an attribute: those it would be sent
// for, and those for whom it has no place to go.
type fieldCounts struct{ sent, unsent map[model.Name]int }

func (f *fieldCounts) count(p model.Person, sent map[model.Name]string, custom bool) {
	if f.sent == nil {
		f.sent, f.unsent = map[model.Name]int{}, map[model.Name]int{}
	}
	for n, text := range sent {
		if text != "" {
			f.sent[n]++
		}
	}
	for n, v := range p.Attributes {
		if _, goes := sent[n]; !goes && !custom && v.Text != "" && strings.HasPrefix(string(n), model.CustomPrefix) {
			f.unsent[n]++
		}
	}
}

// unknownFields lists the attributes that people have and a target has no field
// for, as far as that shows: because the configuration names none, because the
// target dropped them, or because no account there ever had one.
func (a *App) unknownFields(settings *ingest.TargetSettings, accounts []readiness.Account, having fieldCounts) []readiness.UnknownAttribute {
	var out []readiness.UnknownAttribute
	for n, count := range having.unsent {
		out = append(out, readiness.UnknownAttribute{Attribute: n, People: count, Reason: "nothing says where in " + settings.Name + " it belongs",
			ToDo: fmt.Sprintf("name a field for it in [targets.%s.map], or leave it out of the source's map", settings.Name)})
	}
	scoped, ok := a.targets[settings.Name].(connectors.TenantFields)
	if !ok {
		return out
	}
	shown := map[model.Name]bool{}
	for _, acc := range accounts {
		for n := range acc.Attributes {
			shown[n] = true
		}
	}
	ignored := scoped.IgnoredAttributes()
	for n, count := range having.sent {
		field, tenant := scoped.TenantField(n)
		u := readiness.UnknownAttribute{Attribute: n, Field: field, People: count}
		switch {
		case slices.Contains(ignored, n):
			u.Reason = settings.Name + " accepted it and did not keep it"
			u.ToDo = fmt.Sprintf("have the field %s made in %s", cmp.Or(field, string(n)), settings.Name)
		case tenant && len(accounts) > 0 && !shown[n]:
			u.Reason = "no account in " + settings.Name + " has the field " + field
			u.ToDo = fmt.Sprintf("ask whether the field %s exists in %s; what is written to a field that does not is dropped", field, settings.Name)
		default:
			continue
		}
		out = append(out, u)
	}
	return out
}
