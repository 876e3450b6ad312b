package readiness

import (
	"slices"
	"strings"

	"rollcall/appliance/identity"
	"rollcall/appliance/model"
)

// work is a report in the making.
type work struct {
	in      Input
	records map[model.RecordID]*model.Record
	persons map[model.PersonID]*model.Person
	rows    []Row
	// taken holds the addresses that people have, whatever keeps them from being
	// matched: their accounts are theirs.
	taken map[string]bool
	// outside holds the addresses of people out of scope: their accounts are known
	// and left alone.
	outside map[string]bool
}

func newWork(in Input) *work {
	w := &work{in: in, records: make(map[model.RecordID]*model.Record, len(in.Records)),
		persons: make(map[model.PersonID]*model.Person, len(in.Persons)), taken: map[string]bool{}, outside: map[string]bool{}}
	for i := range in.Records {
		w.records[in.Records[i].ID] = &in.Records[i]
	}
	for i := range in.Persons {
		p := &in.Persons[i]
		w.persons[p.ID] = p
		if p.EmailKey != "" {
			w.taken[p.EmailKey] = true
		}
		if p.EmailKey == "" && !w.takesPart(p) {
			if key := emailKey(p.Attributes.Text(model.Email)); key != "" {
				w.outside[key] = true
			}
		}
	}
	return w
}

func (w *work) add(r Row) { w.rows = append(w.rows, r) }

// live lists the records of a person that are not gone.
func (w *work) live(p *model.Person) []*model.Record {
	var out []*model.Record
	for _, id := range p.Records {
		if r := w.records[id]; r != nil && !r.Gone {
			out = append(out, r)
		}
	}
	return out
}

// takesPart reports whether some record of the person is in scope.
func (w *work) takesPart(p *model.Person) bool {
	return slices.ContainsFunc(w.live(p), func(r *model.Record) bool { return r.Scope.State != model.OutOfScope })
}

// sources names the sources behind a person, sorted.
func (w *work) sources(p *model.Person) []string {
	var out []string
	for _, r := range w.live(p) {
		if !slices.Contains(out, r.Source) {
			out = append(out, r.Source)
		}
	}
	slices.Sort(out)
	return out
}

// standsFor picks the record that carries an email address: that is what matched.
// Without one it is the record whose email won, or the first.
func (w *work) standsFor(p *model.Person, email string) *model.Record {
	live := w.live(p)
	for _, r := range live {
		for _, id := range r.Identifiers {
			if id.Kind == model.IdentifierEmail && id.Value == email && email != "" {
				return r
			}
		}
	}
	if r := w.records[p.Provenance[model.Email]]; r != nil {
		return r
	}
	if len(live) > 0 {
		return live[0]
	}
	return nil
}

// about begins a row on a person.
func (w *work) about(kind Kind, target string, p *model.Person, email string) Row {
	row := Row{Kind: kind, Target: target, Name: nameOf(p.Attributes), Email: p.Attributes.Text(model.Email), Person: string(p.ID)}
	if r := w.standsFor(p, email); r != nil {
		row.Source, row.Record = r.Source, r.Native
	}
	return row
}

func nameOf(a model.Attributes) string {
	if name := strings.TrimSpace(a.Text(model.GivenName) + " " + a.Text(model.FamilyName)); name != "" {
		return name
	}
	return a.Text(model.DisplayName)
}

func emailKey(raw string) string {
	id, _, err := identity.Email(raw)
	if err != nil {
		return ""
	}
	return id.Value
}

// accounts says who in a target is whom, who is new there, and who there is
// covered by nobody.
func (w *work) accounts(t Target) {
	byID := make(map[string]*Account, len(t.Accounts))
	byEmail := map[string][]*Account{}
	for i := range t.Accounts {
		a := &t.Accounts[i]
		byID[a.RemoteID] = a
		if key := emailKey(a.Login); key != "" {
			byEmail[key] = append(byEmail[key], a)
		}
	}
	covered := map[string]bool{}
	for i := range w.in.Persons {
		p := &w.in.Persons[i]
		s, known := t.Standing[p.ID]
		switch {
		case !known:
		case s.RemoteID != "":
			covered[s.RemoteID] = true
			w.add(w.matched(t.Name, p, s, byID[s.RemoteID]))
		case s.Effect == model.EffectCreate:
			row := w.about(New, t.Name, p, p.EmailKey)
			row.Detail = "an account would be created"
			w.add(row)
		}
	}
	for i := range t.Accounts {
		a := &t.Accounts[i]
		key := emailKey(a.Login)
		if covered[a.RemoteID] || a.Person != "" || w.outside[key] || w.taken[key] {
			continue
		}
		row := Row{Kind: Uncovered, Target: t.Name, Name: accountName(a), Account: a.Login}
		if row.Detail = "no source has this address, and the account is inactive already"; a.Active {
			row.Detail = "no source has this address: whoever uses the account could lose access"
			row.ToDo = "find the person in HR and correct the address there, or accept that the account is not theirs to keep"
		}
		w.add(row)
	}
	for key, group := range byEmail {
		if len(group) < 2 {
			continue
		}
		for _, a := range group {
			w.add(Row{Kind: Duplicate, Target: t.Name, Name: accountName(a), Account: a.Login,
				Detail: "accounts of " + t.Name + " share the address " + key, ToDo: "keep one of the accounts in " + t.Name + " and rename the others there"})
		}
	}
}

func (w *work) matched(target string, p *model.Person, s Standing, a *Account) Row {
	login := s.Login
	if a != nil {
		login = a.Login
	}
	key := emailKey(login)
	row := w.about(Matched, target, p, key)
	row.Account, row.By = login, ByEmail
	if key != p.EmailKey || key == "" {
		row.By = ByLink
	}
	switch {
	case s.Blocked != "":
		row.Detail = s.Blocked
	case s.Effect == model.EffectReactivate:
		row.Detail = "the account is inactive and would be switched on"
	case s.Effect == model.EffectDeactivate:
		row.Detail = "the account would be switched off: " + p.Reason
	case s.Linked:
		row.Detail = "kept in step"
	case s.Effect == model.EffectAdopt:
		row.Detail = "the account would be adopted"
	}
	return row
}

func accountName(a *Account) string {
	attrs := a.Attributes
	if name := strings.TrimSpace(attrs[model.GivenName] + " " + attrs[model.FamilyName]); name != "" {
		return name
	}
	return attrs[model.DisplayName]
}

// emails lists the people without an address to log in with. Those who left need
// none.
func (w *work) emails() {
	for i := range w.in.Persons {
		p := &w.in.Persons[i]
		if p.EmailKey != "" || p.Access == model.AccessOff || !w.takesPart(p) {
			continue
		}
		row := w.about(MissingEmail, "", p, "")
		row.Detail, row.ToDo = "there is no email", "have a work address entered in "+row.Source
		if raw := p.Attributes.Text(model.Email); raw != "" {
			row.Detail, row.ToDo = "the email cannot be used", "have the address corrected in "+row.Source
			if _, _, err := identity.Email(raw); err != nil {
				row.Detail = "the email " + err.Error()
			}
		}
		if p.Status == model.Pending {
			row.Detail += "; the first day is still to come, and the account follows by itself once there is an address"
			row.ToDo = ""
		}
		w.add(row)
	}
}

// unreadable lists the fields that the credentials cannot read.
func (w *work) unreadable() {
	for _, f := range w.in.Unreadable {
		w.add(Row{Kind: UnreadableField, Source: f.Source, Field: f.Field, Permission: f.Permission, Attribute: string(f.Attribute),
			Detail: f.Effect, ToDo: f.toDo()})
	}
}

// toDo says how a field becomes readable. A permission in parentheses says that
// there is nothing to grant, one that begins with "column" is of a file.
func (f Field) toDo() string {
	switch {
	case strings.HasPrefix(f.Permission, "("):
		return "correct the name of the field in the configured map of " + f.Source
	case strings.HasPrefix(f.Permission, "column "):
		return "add the " + f.Permission + " to the file"
	}
	return "grant \"" + f.Permission + "\" to the credentials of " + f.Source
}

// unknown lists the attributes that a target has no field for.
func (w *work) unknown(t Target) {
	for _, u := range t.Unknown {
		w.add(Row{Kind: UnknownField, Target: t.Name, Attribute: string(u.Attribute), Field: u.Field, People: u.People,
			Detail: u.Reason + "; " + people(u.People) + " have a value", ToDo: u.ToDo})
	}
}
