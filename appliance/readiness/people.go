package readiness

import (
	"cmp"
	"hash/maphash"
	"slices"
	"strings"

	"rollcall/appliance/identity"
	"rollcall/appliance/model"
)

// work is a report in the making.
type work struct {
	company Company
	basis   Basis
	lists   Lists
	row     func(Row) error

	seed maphash.Seed
	// taken holds the addresses that people have, whatever keeps them from being
	// matched: their accounts are theirs.
	taken digests
	// outside holds the addresses of people out of scope: their accounts are known
	// and left alone.
	outside digests
	// homeless and covered are, by target, the people who have no account there and
	// the accounts that somebody has.
	homeless, covered []digests
	alike             List // who could be mistaken for whom, see lookalikes
}

// digests is a set of texts by their digests: a few bytes for each, in a company
// that may be larger than memory. There are far fewer than would make two meet.
type digests map[uint64]struct{}

func newWork(c Company, b Basis, lists Lists, row func(Row) error) *work {
	w := &work{company: c, basis: b, lists: lists, row: row, seed: maphash.MakeSeed(), taken: digests{}, outside: digests{}, alike: lists.Sort("lookalikes")}
	for range b.Targets {
		w.homeless, w.covered = append(w.homeless, digests{}), append(w.covered, digests{})
	}
	return w
}

func (w *work) add(set digests, text string) { set[maphash.String(w.seed, text)] = struct{}{} }

func (w *work) in(set digests, text string) bool {
	_, known := set[maphash.String(w.seed, text)]
	return known
}

// someone is a person with the records behind them that are not gone.
type someone struct {
	model.Person
	live []model.Record
}

func (w *work) someone(p model.Person) (someone, error) {
	s := someone{Person: p}
	for _, id := range p.Records {
		r, ok, err := w.company.Record(id)
		if err != nil {
			return s, err
		}
		if ok && !r.Gone {
			s.live = append(s.live, r)
		}
	}
	return s, nil
}

// takesPart reports whether some record of the person is in scope.
func (s *someone) takesPart() bool {
	return slices.ContainsFunc(s.live, func(r model.Record) bool { return r.Scope.State != model.OutOfScope })
}

// sources names the sources behind a person, sorted.
func (s *someone) sources() []string {
	var out []string
	for _, r := range s.live {
		if !slices.Contains(out, r.Source) {
			out = append(out, r.Source)
		}
	}
	slices.Sort(out)
	return out
}

// standsFor picks the record that carries an email address: that is what matched.
// Without one it is the record whose email won, or the first.
func (w *work) standsFor(s *someone, email string) (model.Record, bool, error) {
	for _, r := range s.live {
		for _, id := range r.Identifiers {
			if id.Kind == model.IdentifierEmail && id.Value == email && email != "" {
				return r, true, nil
			}
		}
	}
	if id := s.Provenance[model.Email]; id != "" {
		if r, ok, err := w.company.Record(id); ok || err != nil {
			return r, ok, err
		}
	}
	if len(s.live) > 0 {
		return s.live[0], true, nil
	}
	return model.Record{}, false, nil
}

// about begins a row on a person.
func (w *work) about(kind Kind, target string, s *someone, email string) (Row, error) {
	row := Row{Kind: kind, Target: target, Name: nameOf(s.Attributes), Email: s.Attributes.Text(model.Email), Person: string(s.ID)}
	r, ok, err := w.standsFor(s, email)
	if ok {
		row.Source, row.Record = r.Source, r.Native
	}
	return row, err
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

// people says of everybody how they stand with each target, and who has no address to
// log in with.
func (w *work) people() error {
	for p, err := range w.company.Persons() {
		if err != nil {
			return err
		}
		s, err := w.someone(p)
		if err != nil {
			return err
		}
		if p.EmailKey != "" {
			w.add(w.taken, p.EmailKey)
		} else if !s.takesPart() {
			if key := emailKey(p.Attributes.Text(model.Email)); key != "" {
				w.add(w.outside, key)
			}
		}
		for t := range w.basis.Targets {
			if err := w.stands(t, &s); err != nil {
				return err
			}
		}
		if p.Access == model.AccessOff || !s.takesPart() {
			continue
		}
		if p.EmailKey == "" {
			if err := w.withoutEmail(&s); err != nil {
				return err
			}
		}
		if err := w.mistakable(&lookalike{person: &s, key: p.EmailKey, number: number(p.Attributes.Text(model.EmployeeNumber))}); err != nil {
			return err
		}
	}
	return nil
}

// stands says whose account somebody has in a target, or that they are new there.
func (w *work) stands(t int, p *someone) error {
	name := w.basis.Targets[t].Name
	s, known, err := w.company.Standing(t, p.Person)
	if err != nil || !known {
		return err
	}
	if s.RemoteID == "" {
		w.add(w.homeless[t], string(p.ID))
		if s.Effect != model.EffectCreate {
			return nil
		}
		row, err := w.about(New, name, p, p.EmailKey)
		if err != nil {
			return err
		}
		row.Detail = "an account would be created"
		return w.row(row)
	}
	w.add(w.covered[t], s.RemoteID)
	a, _, err := w.company.Account(t, s.RemoteID)
	if err != nil {
		return err
	}
	row, err := w.matched(name, p, s, a.Login)
	if err != nil {
		return err
	}
	return w.row(row)
}

func (w *work) matched(target string, p *someone, s Standing, listed string) (Row, error) {
	login := cmp.Or(listed, s.Login)
	key := emailKey(login)
	row, err := w.about(Matched, target, p, key)
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
	return row, err
}

// accounts says who in the targets is covered by nobody, and which accounts share an
// address.
func (w *work) accounts() error {
	for t, target := range w.basis.Targets {
		bearers := map[uint64]uint8{} // of an address, by its digest
		for a, err := range w.company.Accounts(t) {
			if err != nil {
				return err
			}
			if key := emailKey(a.Login); key != "" {
				if d := maphash.String(w.seed, key); bearers[d] < 2 {
					bearers[d]++
				}
			}
		}
		for a, err := range w.company.Accounts(t) {
			if err != nil {
				return err
			}
			if err := w.account(t, target.Name, &a, bearers); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *work) account(t int, target string, a *Account, bearers map[uint64]uint8) error {
	key := emailKey(a.Login)
	if key != "" && bearers[maphash.String(w.seed, key)] > 1 {
		err := w.row(Row{Kind: Duplicate, Target: target, Name: accountName(a), Account: a.Login,
			Detail: "accounts of " + target + " share the address " + key, ToDo: "keep one of the accounts in " + target + " and rename the others there"})
		if err != nil {
			return err
		}
	}
	if w.in(w.covered[t], a.RemoteID) || a.Person != "" || w.in(w.outside, key) {
		return nil
	}
	if err := w.mistakable(&lookalike{account: a, target: t, key: key, number: number(a.Attributes[model.EmployeeNumber])}); err != nil {
		return err
	}
	if w.in(w.taken, key) {
		return nil
	}
	row := Row{Kind: Uncovered, Target: target, Name: accountName(a), Account: a.Login}
	if row.Detail = "no source has this address, and the account is inactive already"; a.Active {
		row.Detail = "no source has this address: whoever uses the account could lose access"
		row.ToDo = "find the person in HR and correct the address there, or accept that the account is not theirs to keep"
	}
	return w.row(row)
}

func accountName(a *Account) string {
	attrs := a.Attributes
	if name := strings.TrimSpace(attrs[model.GivenName] + " " + attrs[model.FamilyName]); name != "" {
		return name
	}
	return attrs[model.DisplayName]
}

// withoutEmail lists somebody without an address to log in with. Those who left need
// none.
func (w *work) withoutEmail(p *someone) error {
	row, err := w.about(MissingEmail, "", p, "")
	if err != nil {
		return err
	}
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
	return w.row(row)
}

// unreadable lists the fields that the credentials cannot read.
func (w *work) unreadable() error {
	for _, f := range w.basis.Unreadable {
		err := w.row(Row{Kind: UnreadableField, Source: f.Source, Field: f.Field, Permission: f.Permission, Attribute: string(f.Attribute),
			Detail: f.Effect, ToDo: f.toDo()})
		if err != nil {
			return err
		}
	}
	return nil
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
func (w *work) unknown() error {
	for t, target := range w.basis.Targets {
		unknown, err := w.company.Unknown(t)
		if err != nil {
			return err
		}
		for _, u := range unknown {
			err := w.row(Row{Kind: UnknownField, Target: target.Name, Attribute: string(u.Attribute), Field: u.Field, People: u.People,
				Detail: u.Reason + "; " + people(u.People) + " have a value", ToDo: u.ToDo})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
