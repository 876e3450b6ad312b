package readiness

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strconv"
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
func (w *work) clashes() error {
	for c, err := range w.company.Conflicts() {
		if err != nil {
			return err
		}
		as, ok := clash[c.Kind]
		if !ok {
			continue
		}
		detail := c.Rule
		if values := shared(c.Identifiers); values != "" {
			detail += ": " + values
		}
		rows, err := w.concerned(c)
		if err != nil {
			return err
		}
		for _, row := range rows {
			row.Kind, row.Target, row.Detail, row.ToDo = as.kind, c.Target, detail, as.toDo
			if row.By = string(c.Kind); as.kind == NearMatch {
				row.By = ByLink
			}
			if err := w.row(row); err != nil {
				return err
			}
		}
	}
	return nil
}

// concerned begins a row for each record of a conflict, or for each person where
// the conflict is about persons.
func (w *work) concerned(c model.Conflict) ([]Row, error) {
	var out []Row
	perRecord := len(c.Records) > 0 && (len(c.Records) > 1 || len(c.Persons) == 0)
	if !perRecord {
		for _, id := range c.Persons {
			p, ok, err := w.person(id)
			if err != nil {
				return nil, err
			}
			if !ok {
				continue
			}
			row, err := w.about("", "", &p, p.EmailKey)
			if err != nil {
				return nil, err
			}
			out = append(out, row)
		}
		if len(out) > 0 {
			return out, nil
		}
	}
	for _, id := range c.Records {
		r, ok, err := w.company.Record(id)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, Row{Name: nameOf(r.Attributes), Email: r.Attributes.Text(model.Email), Source: r.Source, Record: r.Native, Person: string(r.Person)})
		}
	}
	return out, nil
}

func (w *work) person(id model.PersonID) (someone, bool, error) {
	p, ok, err := w.company.Person(id)
	if err != nil || !ok {
		return someone{}, ok, err
	}
	s, err := w.someone(p)
	return s, true, err
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
	person  *someone
	account *Account // of target
	target  int
	key     string // the normalised address
	number  string
}

// ways are what makes two look alike, the best evidence first.
var ways = []struct {
	by  string
	key func(*lookalike) string
}{{ByEmployeeNumber, func(l *lookalike) string { return l.number }}, {ByName, (*lookalike).nameKey}, {ByMailbox, (*lookalike).mailbox}}

// mistakable puts a person or an account that nobody covers into the list in which
// those that look alike stand together: way, what they have in common, who it is.
func (w *work) mistakable(l *lookalike) error {
	for i, way := range ways {
		key := way.key(l)
		if key == "" {
			continue
		}
		id := l.id()
		entry := append(append(append([]byte{byte(i)}, key...), 0), id...)
		if err := w.alike.Put(entry, binary.BigEndian.AppendUint32(nil, uint32(len(id)))); err != nil {
			return err
		}
	}
	return nil
}

// lookalikes looks for the same human under two addresses: a person who has no
// account beside an account nobody covers, and two persons of different sources.
func (w *work) lookalikes() error {
	found := map[string]bool{}
	var group []byte // what those have in common that are collected
	var ids []string
	judge := func() error {
		if len(ids) < 2 || len(ids) > maxGroup {
			return nil
		}
		all := make([]*lookalike, 0, len(ids))
		for _, id := range ids {
			l, ok, err := w.lookalike(id)
			if err != nil {
				return err
			}
			if ok {
				all = append(all, l)
			}
		}
		return w.pairs(all, ways[group[0]].by, found)
	}
	for entry, size := range w.alike.Each(nil) {
		cut := len(entry) - int(binary.BigEndian.Uint32(size))
		if !bytes.Equal(entry[:cut], group) {
			if err := judge(); err != nil {
				return err
			}
			group, ids = append(group[:0], entry[:cut]...), ids[:0]
		}
		if len(ids) <= maxGroup {
			ids = append(ids, string(entry[cut:]))
		}
	}
	return judge()
}

// pairs lists the pairs of a group, in the order of their ids, that may be one human.
func (w *work) pairs(group []*lookalike, by string, found map[string]bool) error {
	for i, a := range group {
		for _, b := range group[i+1:] { // accounts stand behind persons
			pair := a.id() + "\x00" + b.id()
			if a.account != nil || a.key == b.key && a.key != "" || found[pair] {
				continue
			}
			target := ""
			if b.account != nil {
				target = w.basis.Targets[b.target].Name
			}
			row, err := w.about(NearMatch, target, a.person, a.key)
			if err != nil {
				return err
			}
			row.By = by
			switch {
			case b.account != nil && w.in(w.homeless[b.target], string(a.person.ID)):
				row.Account = b.account.Login
				row.Detail = "looks like the account of " + accountName(b.account) + ", which has another address"
				row.ToDo = "if they are one person, make the address the same in the source or in " + target + "; else a second account is created"
			case b.person != nil && by != ByMailbox && apart(a.person.sources(), b.person.sources()):
				row.Detail = "looks like a person of " + strings.Join(b.person.sources(), ", ") + " with another address: " + orNone(b.person.Attributes.Text(model.Email))
				row.ToDo = "if they are one person, make the address the same in both sources"
			default:
				continue
			}
			found[pair] = true
			if err := w.row(row); err != nil {
				return err
			}
		}
	}
	return nil
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

// The first byte of the id of a lookalike. Persons come before accounts.
const (
	isPerson  = '1'
	isAccount = '2'
)

func (l *lookalike) id() string {
	if l.person != nil {
		return string(isPerson) + string(l.person.ID)
	}
	return string(isAccount) + strconv.Itoa(l.target) + "\x00" + l.account.RemoteID
}

// lookalike looks up who has an id.
func (w *work) lookalike(id string) (*lookalike, bool, error) {
	if id[0] == isPerson {
		p, ok, err := w.person(model.PersonID(id[1:]))
		return &lookalike{person: &p, key: p.EmailKey}, ok, err
	}
	at, remote, _ := strings.Cut(id[1:], "\x00")
	t, err := strconv.Atoi(at)
	if err != nil {
		return nil, false, err
	}
	a, ok, err := w.company.Account(t, remote)
	return &lookalike{account: &a, target: t, key: emailKey(a.Login)}, ok, err
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
