package readiness

import (
	"slices"
	"strings"

	"rollcall/appliance/identity"
	"rollcall/appliance/model"
)

// clash says under which kind of row a conflict is listed and what to do about it.
// Conflicts that have rows of their own (missing emails) or are no matter of
// readiness (what a target refused) are not here.
var clash = map[model.ConflictKind]struct {
	kind Kind
	toDo string
}{
	model.DuplicateIdentifier: {Duplicate, "give each person an identifier of their own in the source, or say with \"rollcall conflicts\" that they are one"},
	model.AmbiguousMatch:      {Duplicate, "say with \"rollcall conflicts\" which person the record is"},
	model.AccountTaken:        {Duplicate, "say with \"rollcall conflicts\" whose account it is"},
	model.EmailRecycled:       {Duplicate, "say with \"rollcall conflicts\" whether this is a rehire or somebody new"},
	model.DuplicateGroup:      {Duplicate, "rename one of the groups at its source, or say with \"rollcall conflicts\" which is meant"},
	model.PersonalEmail:       {PersonalEmail, "have a work address entered in the source, or allow it with \"rollcall conflicts\""},
	model.ManagerUnresolved:   {ManagerUnresolved, "correct the manager in the source, or bring the manager into scope"},
	model.ManagerCycle:        {ManagerUnresolved, "correct the managers in the source: these people manage each other"},
	model.IdentifierChange:    {NearMatch, "allow the new login with \"rollcall conflicts\", or correct it in the source"},
}

// clashes lists the open conflicts, one row for each record or person concerned.
func (w *work) clashes() {
	for _, c := range w.in.Conflicts {
		as, ok := clash[c.Kind]
		if !ok {
			continue
		}
		detail := c.Rule
		if values := shared(c.Identifiers); values != "" {
			detail += ": " + values
		}
		rows := w.concerned(c)
		for _, row := range rows {
			row.Kind, row.Target, row.Detail, row.ToDo = as.kind, c.Target, detail, as.toDo
			if row.By = string(c.Kind); as.kind == NearMatch {
				row.By = ByLink
			}
			w.add(row)
		}
	}
}

// concerned begins a row for each record of a conflict, or for each person where
// the conflict is about persons.
func (w *work) concerned(c model.Conflict) []Row {
	var out []Row
	perRecord := len(c.Records) > 0 && (len(c.Records) > 1 || len(c.Persons) == 0)
	if !perRecord {
		for _, id := range c.Persons {
			if p := w.persons[id]; p != nil {
				out = append(out, w.about("", "", p, p.EmailKey))
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	for _, id := range c.Records {
		if r := w.records[id]; r != nil {
			out = append(out, Row{Name: nameOf(r.Attributes), Email: r.Attributes.Text(model.Email), Source: r.Source, Record: r.Native, Person: string(r.Person)})
		}
	}
	return out
}

func shared(ids []model.Identifier) string {
	var values []string
	for _, id := range ids {
		values = append(values, id.Value)
	}
	slices.Sort(values)
	return strings.Join(values, ", ")
}

// maxGroup bounds the pairs that are formed within one group of look-alikes: a
// name that forty people share tells nothing about any two of them.
const maxGroup = 6

// lookalike is a person or an account, with what it could be mistaken by.
type lookalike struct {
	person  *model.Person
	sources []string
	account *Account // of target
	target  string
	key     string // the normalised address
	number  string
}

// lookalikes looks for the same human under two addresses: a person who has no
// account beside an account nobody covers, and two persons of different sources.
func (w *work) lookalikes() {
	var all []lookalike
	homeless := map[string]map[model.PersonID]bool{} // by target: who has no account there
	for _, t := range w.in.Targets {
		homeless[t.Name] = map[model.PersonID]bool{}
		covered := map[string]bool{}
		for id, s := range t.Standing {
			if s.RemoteID == "" {
				homeless[t.Name][id] = true
			} else {
				covered[s.RemoteID] = true
			}
		}
		for i := range t.Accounts {
			a := &t.Accounts[i]
			key := emailKey(a.Login)
			if !covered[a.RemoteID] && a.Person == "" && !w.outside[key] {
				all = append(all, lookalike{account: a, target: t.Name, key: key, number: number(a.Attributes[model.EmployeeNumber])})
			}
		}
	}
	for i := range w.in.Persons {
		p := &w.in.Persons[i]
		if p.Access != model.AccessOff && w.takesPart(p) {
			all = append(all, lookalike{person: p, sources: w.sources(p), key: p.EmailKey, number: number(p.Attributes.Text(model.EmployeeNumber))})
		}
	}
	found := map[string]bool{}
	for _, by := range []struct {
		way string
		key func(*lookalike) string
	}{{ByEmployeeNumber, func(l *lookalike) string { return l.number }}, {ByName, (*lookalike).nameKey}, {ByMailbox, (*lookalike).mailbox}} {
		groups := map[string][]*lookalike{}
		for i := range all {
			if key := by.key(&all[i]); key != "" {
				groups[key] = append(groups[key], &all[i])
			}
		}
		for _, group := range groups {
			if len(group) > 1 && len(group) <= maxGroup {
				w.pairs(group, by.way, homeless, found)
			}
		}
	}
}

// pairs lists the pairs of a group that may be one human.
func (w *work) pairs(group []*lookalike, by string, homeless map[string]map[model.PersonID]bool, found map[string]bool) {
	slices.SortFunc(group, func(a, b *lookalike) int { return strings.Compare(a.id(), b.id()) })
	for i, a := range group {
		for _, b := range group[i+1:] {
			if a.account != nil {
				a, b = b, a // the person first
			}
			pair := a.id() + "\x00" + b.id()
			if a.account != nil || a.key == b.key && a.key != "" || found[pair] {
				continue
			}
			row := w.about(NearMatch, b.target, a.person, a.key)
			row.By = by
			switch {
			case b.account != nil && homeless[b.target][a.person.ID]:
				row.Account = b.account.Login
				row.Detail = "looks like the account of " + accountName(b.account) + ", which has another address"
				row.ToDo = "if they are one person, make the address the same in the source or in " + b.target + "; else a second account is created"
			case b.person != nil && by != ByMailbox && apart(a.sources, b.sources):
				row.Detail = "looks like a person of " + strings.Join(b.sources, ", ") + " with another address: " + orNone(b.person.Attributes.Text(model.Email))
				row.ToDo = "if they are one person, make the address the same in both sources"
			default:
				continue
			}
			found[pair] = true
			w.add(row)
		}
	}
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// apart reports whether two persons come from different sources: within one source
// namesakes are namesakes.
func apart(a, b []string) bool {
	return !slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

func (l *lookalike) id() string {
	if l.person != nil {
		return "1" + string(l.person.ID)
	}
	return "2" + l.target + "\x00" + l.account.RemoteID
}

// nameKey folds a name so that its parts may come in either order.
func (l *lookalike) nameKey() string {
	name := ""
	if l.person != nil {
		name = nameOf(l.person.Attributes)
	} else {
		name = accountName(l.account)
	}
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == ' ' || r == ',' || r == '-' || r == '\u00a0' })
	for i, part := range parts {
		parts[i] = identity.Name(part)
	}
	parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
	if len(parts) < 2 {
		return "" // one word is no evidence
	}
	slices.Sort(parts)
	return strings.Join(parts, " ")
}

// leastMailbox is how long the part before the @ must be to mean anything: "info"
// and "hr" are at home in every domain.
const leastMailbox = 5

func (l *lookalike) mailbox() string {
	box, _, _ := strings.Cut(l.key, "@")
	if len(box) < leastMailbox {
		return ""
	}
	return box
}

func number(raw string) string {
	id, err := identity.EmployeeNumber(raw)
	if err != nil {
		return ""
	}
	return id.Value
}
