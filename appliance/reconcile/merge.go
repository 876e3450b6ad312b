package reconcile

import (
	"maps"
	"slices"
	"strings"

	"rollcall/appliance/identity"
	"rollcall/appliance/model"
)

// merge fills in a person's attributes, provenance, status and access from its
// records, which are sorted by id.
func (w *work) merge(person *model.Person, records []*model.Record) {
	person.Records = make([]model.RecordID, 0, len(records))
	speaking := make([]*model.Record, 0, len(records))
	for _, r := range records {
		person.Records = append(person.Records, r.ID)
		if len(w.settled.silenced) == 0 || !w.settled.silenced[w.index[r.ID]] {
			speaking = append(speaking, r)
		}
	}
	v := decide(speaking, w.in.Today, w.in.Policy)
	person.Access, person.Reason, person.Review = v.access, v.reason, v.review
	person.Status = v.status
	person.Frozen = w.frozen(person)

	w.speak(person, w.heard(speaking))
	w.applySet(person, records)
	if !person.Attributes.Has(model.DisplayName) || person.Attributes[model.DisplayName].Null {
		full := strings.TrimSpace(person.Attributes.Text(model.GivenName) + " " + person.Attributes.Text(model.FamilyName))
		if full != "" {
			person.Attributes = maps.Clone(person.Attributes)
			person.Attributes[model.DisplayName] = model.Text(full)
			delete(person.Provenance, model.DisplayName)
		}
	}
	// Someone out of scope identifies nobody: their address stands for no claim.
	person.EmailKey = ""
	if raw := person.Attributes.Text(model.Email); raw != "" && !outOfScope(speaking) {
		if id, _, err := identity.Email(raw); err == nil {
			person.EmailKey = id.Value
		}
	}
	person.Waiting = w.waiting(person, speaking)
}

// speak fills in what the records say. Of one alone it is what it says, and the person
// has the record's own attributes: whoever changes them must copy them.
func (w *work) speak(person *model.Person, heard []*model.Record) {
	if len(heard) == 1 && len(heard[0].Attributes) > 0 && w.in.Policy.hearsAll(heard[0].Source) {
		r := heard[0]
		person.Attributes = r.Attributes
		person.Provenance = make(map[model.Name]model.RecordID, len(r.Attributes))
		for n := range r.Attributes {
			person.Provenance[n] = r.ID
		}
		return
	}
	names := presentNames(heard)
	person.Attributes = make(model.Attributes, len(names))
	person.Provenance = make(map[model.Name]model.RecordID, len(names))
	for _, n := range names {
		if r := w.winner(n, heard); r != nil {
			person.Attributes[n] = r.Attributes[n]
			person.Provenance[n] = r.ID
		}
	}
}

// frozen keeps what is frozen beyond today, and has the person looked at again on
// the day it thaws.
func (w *work) frozen(person *model.Person) map[model.Name]model.Date {
	var out map[model.Name]model.Date
	for n, until := range person.Frozen {
		if until <= w.in.Today {
			continue
		}
		if out == nil {
			out = map[model.Name]model.Date{}
		}
		out[n] = until
		person.Review = soonest(person.Review, until)
	}
	return out
}

// heard chooses the records whose values count: the live ones, or all that take
// part when none is live. A record that ended speaks only of someone who left,
// and one that is out of scope only of someone nobody else speaks of: so that
// they can be found and explained.
func (w *work) heard(records []*model.Record) []*model.Record {
	var living, ended, outside []*model.Record
	for _, r := range records {
		switch {
		case r.Scope.State == model.OutOfScope:
			outside = append(outside, r)
		case live(r, w.in.Today, w.in.Policy):
			living = append(living, r)
		default:
			ended = append(ended, r)
		}
	}
	switch {
	case len(living) > 0:
		return living
	case len(ended) > 0:
		return ended
	}
	return outside
}

// outOfScope reports whether none of the records takes part.
func outOfScope(records []*model.Record) bool {
	return !slices.ContainsFunc(records, func(r *model.Record) bool { return r.Scope.State != model.OutOfScope })
}

// winner returns the record whose word counts for attribute n: the first by
// authority that has a value or a null. For what identifies someone a null is no
// information, so the first value counts, and a null only when nobody has one.
func (w *work) winner(n model.Name, records []*model.Record) *model.Record {
	var best, null *model.Record
	for _, r := range records {
		v, ok := r.Attributes[n]
		if !ok || w.in.Policy.rank(n, r.Source) == silent {
			continue
		}
		if v.Null && (n == model.Email || n == model.EmployeeNumber) {
			if null == nil || w.before(n, r, null) {
				null = r
			}
			continue
		}
		if best == nil || w.before(n, r, best) {
			best = r
		}
	}
	if best == nil {
		return null
	}
	return best
}

func (w *work) before(n model.Name, a, b *model.Record) bool {
	ra, rb := w.in.Policy.rank(n, a.Source), w.in.Policy.rank(n, b.Source)
	switch {
	case ra != rb:
		return ra < rb
	case a.Source != b.Source:
		return a.Source < b.Source
	}
	return a.ID < b.ID
}

// presentNames lists the attributes that any of the records has, in no order.
func presentNames(records []*model.Record) []model.Name {
	names := make([]model.Name, 0, len(model.Names))
	for i, r := range records {
		for n := range r.Attributes {
			said := func(earlier *model.Record) bool { return earlier.Attributes.Has(n) }
			if !slices.ContainsFunc(records[:i], said) {
				names = append(names, n)
			}
		}
	}
	return names
}

// applySet writes the values that humans decided over the merged ones. One that was
// set for a record which takes no part any more takes none either.
func (w *work) applySet(person *model.Person, records []*model.Record) {
	for _, d := range w.decisions {
		if d.Verb != model.Set {
			continue
		}
		i := slices.IndexFunc(records, func(r *model.Record) bool { return r.ID == d.Record })
		if i >= 0 && records[i].Scope.State != model.OutOfScope {
			person.Attributes = maps.Clone(person.Attributes)
			person.Attributes[d.Attribute] = d.Value
			person.Provenance[d.Attribute] = d.Record
		}
	}
}

// waiting says why no account may be created for a person who should have one.
func (w *work) waiting(person *model.Person, records []*model.Record) string {
	if person.Access != model.AccessOn {
		return ""
	}
	if person.EmailKey == "" {
		if raw := person.Attributes.Text(model.Email); raw != "" {
			if _, _, err := identity.Email(raw); err != nil {
				return "the email cannot be used: it " + err.Error()
			}
			return "the email cannot be used as it is written"
		}
		return "there is no work email yet"
	}
	if !w.allowed(person, model.PersonalEmail) {
		if why := w.in.Policy.workEmail(model.Identifier{Kind: model.IdentifierEmail, Value: person.EmailKey}); why != "" {
			return why
		}
	}
	switch given, family := person.Attributes.Text(model.GivenName), person.Attributes.Text(model.FamilyName); {
	case given == "" && family == "":
		return "there is no name yet"
	case (given == "" || identity.Placeholder(given)) && (family == "" || identity.Placeholder(family)):
		return "the name is a placeholder"
	}
	for _, r := range records {
		if r.Scope.State == model.InScope && w.in.Policy.mayCreate(r.Source) {
			return ""
		}
	}
	return "none of their sources is among [policy] creates"
}

// allowed reports whether a human answered "allow" to a conflict of this kind
// for one of the person's records.
func (w *work) allowed(person *model.Person, kind model.ConflictKind) bool {
	for _, id := range person.Records {
		if w.settled.allow[id][kind] {
			return true
		}
	}
	return false
}
