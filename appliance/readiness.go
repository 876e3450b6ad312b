package appliance

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"rollcall/appliance/admin"
	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/readiness"
	"rollcall/appliance/store"
	"rollcall/connectors"
)

// Readiness is [App.ReadinessJSON] in memory, for reports that are not large.
func (a *App) Readiness(ctx context.Context) (readiness.Report, error) {
	var r readiness.Report
	s, err := a.ReadinessJSON(ctx)
	if err == nil {
		err = admin.Unspool(s, &r)
	}
	return r, err
}

// ReadinessJSON implements admin.Service: package readiness makes the report, of what
// would be if all sources were active, in a rehearsal of which nothing stays. No
// service is asked. Like a plan it is sorted by the rehearsal and put into a file.
func (a *App) ReadinessJSON(ctx context.Context) (admin.Spooled, error) {
	b := readiness.Basis{Now: a.now()}
	if err := a.previewed(&b); err != nil {
		return nil, err
	}
	a.checkedFields(&b)
	s := a.newSpool()
	err := a.engine.PreviewAll(b.Previewed, func(tx *store.Tx, _ model.Run) error { return a.spoolReadiness(ctx, tx, b, s) })
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (a *App) spoolReadiness(ctx context.Context, tx *store.Tx, b readiness.Basis, s *spool) error {
	c := &company{a: a, ctx: ctx, tx: tx, targets: a.engine.Settings().Targets}
	for i := range c.targets {
		lane, _, err := store.Lanes.Get(tx, c.targets[i].Name)
		if err != nil {
			return err
		}
		b.Targets = append(b.Targets, readiness.Target{Name: c.targets[i].Name, Listed: lane.Listed})
	}
	c.having, c.shown, c.listed = make([]fieldCounts, len(c.targets)), make([]map[model.Name]bool, len(c.targets)), make([]int, len(c.targets))
	sorted, n := tx.Sort("rows"), uint32(0)
	r, err := readiness.Find(c, b, sortedIn{tx}, func(row readiness.Row) error {
		raw, err := json.Marshal(row)
		if err != nil {
			return err
		}
		n++ // rows that are alike in what orders them stand side by side
		return sorted.Put(binary.BigEndian.AppendUint32(row.Key(), n), raw)
	})
	if err != nil {
		return err
	}
	s.list("rows")
	for _, raw := range sorted.Each(nil) {
		if err := s.item(raw); err != nil {
			return err
		}
	}
	return s.end(struct {
		readiness.Report
		Rows []int `json:"rows,omitempty"` // written already
	}{Report: r}, "rows")
}

// sortedIn makes the lists of a report in a rehearsal.
type sortedIn struct{ tx *store.Tx }

func (s sortedIn) Sort(name string) readiness.List { return s.tx.Sort(name) }

// company is the roster of a rehearsal as a report looks at it. It implements
// readiness.Company.
type company struct {
	a       *App
	ctx     context.Context
	tx      *store.Tx
	targets []ingest.TargetSettings
	// By target:
	having []fieldCounts         // what people have, as far as they were asked for
	shown  []map[model.Name]bool // what accounts have, as far as they were listed
	listed []int
}

// companyPage is how many people or accounts are looked at between two moments at
// which what the rehearsal holds may be moved out of memory.
const companyPage = 1000

// paged yields a table in pages.
func paged[K, V any](c *company, table *store.Table[K, V], prefix []byte, key func(V) []byte) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		var after []byte
		for {
			var page []V
			for v, err := range table.From(c.tx, prefix, after) {
				if err != nil {
					yield(v, err)
					return
				}
				if page = append(page, v); len(page) == companyPage {
					break
				}
			}
			for _, v := range page {
				if !yield(v, nil) {
					return
				}
			}
			if err := errors.Join(c.ctx.Err(), c.tx.Unload()); err != nil {
				var none V
				yield(none, err)
				return
			}
			if len(page) < companyPage {
				return
			}
			after = key(page[len(page)-1])
		}
	}
}

func (c *company) Persons() iter.Seq2[model.Person, error] {
	return paged(c, store.Persons, nil, func(p model.Person) []byte { return []byte(p.ID) })
}

func (c *company) Person(id model.PersonID) (model.Person, bool, error) {
	return store.Persons.Get(c.tx, id)
}

func (c *company) Record(id model.RecordID) (model.Record, bool, error) {
	return store.Records.Get(c.tx, id)
}

func (c *company) Conflicts() iter.Seq2[model.Conflict, error] {
	return store.Conflicts.Each(c.tx, nil)
}

func (c *company) Accounts(t int) iter.Seq2[readiness.Account, error] {
	name := c.targets[t].Name
	c.shown[t], c.listed[t] = map[model.Name]bool{}, 0
	return func(yield func(readiness.Account, error) bool) {
		for acc, err := range paged(c, store.Accounts, store.Prefix(name), func(a store.Account) []byte { return store.Key(name, a.RemoteID) }) {
			if err != nil {
				yield(readiness.Account{}, err)
				return
			}
			c.listed[t]++
			for n := range acc.Attributes {
				c.shown[t][n] = true
			}
			if !yield(c.account(name, acc)) {
				return
			}
		}
	}
}

func (c *company) Account(t int, remoteID string) (readiness.Account, bool, error) {
	name := c.targets[t].Name
	acc, ok, err := store.Accounts.Get(c.tx, store.TargetRemote{Target: name, RemoteID: remoteID})
	if err != nil || !ok {
		return readiness.Account{}, ok, err
	}
	out, err := c.account(name, acc)
	return out, true, err
}

func (c *company) account(target string, acc store.Account) (readiness.Account, error) {
	owner, _, err := store.DeliveredByRemote.One(c.tx, store.Key(target, acc.RemoteID))
	return readiness.Account{Account: acc.Account, Person: owner.Person}, err
}

func (c *company) Standing(t int, p model.Person) (readiness.Standing, bool, error) {
	settings := &c.targets[t]
	o, ok, err := ingest.Look(c.tx, settings, p.ID)
	if err != nil || !ok {
		return readiness.Standing{}, ok, err
	}
	s := readiness.Standing{Effect: o.Projection.Effect, Blocked: o.Projection.Blocked}
	switch {
	case o.Delivered != nil:
		s.RemoteID, s.Login, s.Linked = o.Delivered.RemoteID, o.Delivered.Sent.Email, true
	case o.Listed != nil:
		s.RemoteID, s.Login = o.Listed.RemoteID, o.Listed.Login
	}
	c.having[t].count(p, o.Projection.Want.Attributes, settings.Rules.Custom)
	return s, true, nil
}

// Unknown lists the attributes that people have and a target has no field for, as far
// as that shows: because the configuration names none, because the target dropped
// them, or because no account there ever had one.
func (c *company) Unknown(t int) ([]readiness.UnknownAttribute, error) {
	var out []readiness.UnknownAttribute
	settings, having := &c.targets[t], c.having[t]
	for n, count := range having.unsent {
		out = append(out, readiness.UnknownAttribute{Attribute: n, People: count, Reason: "nothing says where in " + settings.Name + " it belongs",
			ToDo: fmt.Sprintf("name a field for it in [targets.%s.map], or leave it out of the source's map", settings.Name)})
	}
	scoped, ok := c.a.targets[settings.Name].(connectors.TenantFields)
	if !ok {
		return out, nil
	}
	shown, accounts := c.shown[t], c.listed[t]
	ignored := scoped.IgnoredAttributes()
	for n, count := range having.sent {
		field, tenant := scoped.TenantField(n)
		u := readiness.UnknownAttribute{Attribute: n, Field: field, People: count}
		switch {
		case slices.Contains(ignored, n):
			u.Reason = settings.Name + " accepted it and did not keep it"
			u.ToDo = fmt.Sprintf("have the field %s made in %s", cmp.Or(field, string(n)), settings.Name)
		case tenant && accounts > 0 && !shown[n]:
			u.Reason = "no account in " + settings.Name + " has the field " + field
			u.ToDo = fmt.Sprintf("ask whether the field %s exists in %s; what is written to a field that does not is dropped", field, settings.Name)
		default:
			continue
		}
		out = append(out, u)
	}
	return out, nil
}

// previewed names the sources that are not active yet, and notices those that
// have nothing to report on.
func (a *App) previewed(in *readiness.Basis) error {
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
func (a *App) checkedFields(in *readiness.Basis) {
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
