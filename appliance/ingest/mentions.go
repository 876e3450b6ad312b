package ingest

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

// traces are the words by which what is said of others names a person who is to be
// erased: their addresses, their whole names, the source's ids of them.
type traces struct {
	emails, names map[string]bool // folded
	given, family map[string]bool // folded; alone they are everybody's words
	natives       map[string]bool
	keys          map[string]bool // of manager references, see identity.Aliases
	person        model.PersonID
	records       map[model.RecordID]bool
}

// fold makes the spellings of one text comparable.
func fold(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

// tracesOf gathers the words of a person from everything they were ever known by,
// and from how those who report to them spell their name.
func tracesOf(tx *store.Tx, p model.Person, records []model.Record) (*traces, error) {
	t := &traces{emails: map[string]bool{}, names: map[string]bool{}, given: map[string]bool{}, family: map[string]bool{}, natives: map[string]bool{}, keys: map[string]bool{},
		person: p.ID, records: map[model.RecordID]bool{}}
	displays := map[string]bool{}
	add := func(to map[string]bool, s string) {
		if s = fold(s); s != "" {
			to[s] = true
		}
	}
	email := func(s string) {
		if strings.Contains(s, "@") {
			add(t.emails, s)
		}
	}
	learn := func(a map[model.Name]model.Value) {
		email(a[model.Email].Text)
		add(t.given, a[model.GivenName].Text)
		add(t.family, a[model.FamilyName].Text)
		add(displays, a[model.DisplayName].Text)
	}
	learn(p.Attributes)
	for _, r := range records {
		t.records[r.ID] = true
		t.natives[r.Native] = true
		learn(r.Attributes)
		for _, id := range slices.Concat(r.Identifiers, r.Former) {
			email(id.Value)
		}
		for _, n := range r.Names {
			email(n.Value)
		}
		for _, a := range r.Aliases {
			t.keys[a] = true
		}
	}
	for h, err := range store.History.Each(tx, store.Prefix(string(p.ID))) {
		if err != nil {
			return nil, err
		}
		learn(h.Before)
		learn(h.After)
	}
	for d := range displays {
		if strings.Contains(d, " ") {
			t.names[d] = true
		}
	}
	for g := range t.given {
		for f := range t.family {
			t.names[g+" "+f], t.names[f+" "+g], t.names[f+", "+g] = true, true, true
		}
	}
	for key := range t.keys {
		for r, err := range store.RecordByManagerKey.Find(tx, store.Key(key)) {
			if err != nil {
				return nil, err
			}
			// A key may name two people; the spelling counts only where nobody else is meant.
			if text := fold(r.Attributes.Text(model.Manager)); strings.Contains(text, " ") && t.meant(r.Attributes[model.Manager]) {
				t.names[text] = true
			}
		}
	}
	return t, nil
}

// own are the words of somebody else, which are theirs even when they are the same.
type own map[string]bool

func ownOf(attributes ...map[model.Name]model.Value) own {
	o := own{}
	for _, a := range attributes {
		for _, n := range []model.Name{model.Email, model.DisplayName} {
			o[fold(a[n].Text)] = true
		}
		o[fold(a[model.GivenName].Text+" "+a[model.FamilyName].Text)] = true
	}
	return o
}

// named reports whether a text is one of their addresses or whole names, or holds
// one of their addresses.
func (t *traces) named(text string, o own) bool {
	s := fold(text)
	if s == "" || o[s] {
		return false
	}
	if t.names[s] || t.emails[s] {
		return true
	}
	if !strings.Contains(s, "@") {
		return false
	}
	for e := range t.emails {
		if strings.Contains(s, e) && !o[e] {
			return true
		}
	}
	return false
}

// inside reports whether one of their addresses or whole names stands in a text.
func (t *traces) inside(text string, o own) bool {
	s := fold(text)
	for _, words := range []map[string]bool{t.emails, t.names} {
		for w := range words {
			if strings.Contains(s, w) && !o[w] {
				return true
			}
		}
	}
	return false
}

// meant reports whether a manager value means them. What it refers by decides, best
// first: an address, then an id of a source, then the name.
func (t *traces) meant(v model.Value) bool {
	if v.Null {
		return false
	}
	byEmail, byID := false, false
	for _, ref := range v.Refs {
		s := fold(ref.Value)
		switch {
		case strings.Contains(s, "@"):
			byEmail = true
			if t.emails[s] {
				return true
			}
		case t.natives[ref.Value]:
			byID = true
		}
	}
	switch {
	case byEmail:
		return false
	case byID && (v.Text == "" || t.names[fold(v.Text)]):
		return true
	}
	return t.named(v.Text, nil)
}

// erased stands in the history where a value named somebody who was erased.
const erased = "(erased)"

// values replaces what names them among the values of a change of somebody else.
func (t *traces) values(values map[model.Name]model.Value, o own) bool {
	changed := false
	for n, v := range values {
		hit := v.Text != erased && (n == model.Manager && t.meant(v) || n != model.Manager && t.attribute(n, v.Text, o))
		if n == model.Email && t.emails[fold(v.Text)] && !o[fold(v.Text)] {
			hit = true // an address that was theirs for a while by mistake
		}
		if hit {
			values[n], changed = model.Value{Text: erased}, true
		}
	}
	return changed
}

// attribute reports whether the value of an attribute of somebody else names them.
// Who somebody is, is never about another.
func (t *traces) attribute(n model.Name, text string, o own) bool {
	switch n {
	case model.Email, model.GivenName, model.FamilyName, model.DisplayName, model.EmployeeNumber, store.FieldStatus, store.FieldAccess, store.FieldReportsTo:
		return false
	}
	return t.named(text, o)
}

// texts takes out what names them among the values written to an account of
// somebody else.
func (t *traces) texts(values map[model.Name]string, o own) bool {
	changed := false
	for n, v := range values {
		if n == model.Manager && t.named(v, nil) || t.attribute(n, v, o) {
			delete(values, n)
			changed = true
		}
	}
	return changed
}

// document takes out of a JSON document about somebody else what names them; what
// is left keeps its order. A document that cannot be read is left as it is.
func (t *traces) document(doc json.RawMessage, o own) (json.RawMessage, bool) {
	if !t.maybe(doc) {
		return doc, false
	}
	out, keep, changed, err := t.scrub(doc, o, 0, false)
	if err != nil || !changed {
		return doc, false
	}
	if !keep {
		return json.RawMessage("{}"), true
	}
	return out, true
}

// maybe spares most documents being taken apart.
func (t *traces) maybe(doc []byte) bool {
	if bytes.Contains(doc, []byte(`\u`)) {
		return true
	}
	s := fold(string(doc))
	for _, words := range []map[string]bool{t.emails, t.names} {
		for w := range words {
			if strings.Contains(s, w) {
				return true
			}
		}
	}
	return false
}

// scrub is document for a part of one. about says that the object around it names
// them: then a given or family name and an id there are theirs too.
func (t *traces) scrub(raw json.RawMessage, o own, depth int, about bool) (out json.RawMessage, keep, changed bool, err error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return raw, true, false, nil
	}
	switch raw[0] {
	case '"':
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return nil, false, false, err
		}
		gone := t.named(s, o) || about && (t.given[fold(s)] || t.family[fold(s)] || t.natives[s])
		return raw, !gone, gone, nil
	case '{':
		return t.scrubObject(raw, o, depth)
	case '[':
		var list []json.RawMessage
		if err := json.Unmarshal(raw, &list); err != nil {
			return nil, false, false, err
		}
		kept := list[:0:0]
		for _, e := range list {
			part, keep, hit, err := t.scrub(e, o, depth+1, about)
			if err != nil {
				return nil, false, false, err
			}
			changed = changed || hit
			if keep {
				kept = append(kept, part)
			}
		}
		if !changed {
			return raw, true, false, nil
		}
		out, err = json.Marshal(kept)
		return out, len(kept) > 0, true, err
	}
	gone := about && t.natives[string(raw)]
	return raw, !gone, gone, nil
}

// member is one name and value of an object.
type member struct {
	name  string
	value json.RawMessage
}

func (t *traces) scrubObject(raw json.RawMessage, o own, depth int) (out json.RawMessage, keep, changed bool, err error) {
	members, err := membersOf(raw)
	if err != nil {
		return nil, false, false, err
	}
	about := false
	for _, m := range members {
		var s string
		if depth > 0 && json.Unmarshal(m.value, &s) == nil && t.named(s, o) {
			about = true
		}
	}
	var b bytes.Buffer
	b.WriteByte('{')
	left := 0
	for _, m := range members {
		part, keep, hit, err := t.scrub(m.value, o, depth+1, about)
		if err != nil {
			return nil, false, false, err
		}
		changed = changed || hit
		if !keep {
			continue
		}
		if left > 0 {
			b.WriteByte(',')
		}
		left++
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, false, false, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(part)
	}
	b.WriteByte('}')
	if !changed {
		return raw, true, false, nil
	}
	return b.Bytes(), left > 0, true, nil
}

// membersOf reads an object in its order.
func membersOf(raw json.RawMessage) ([]member, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	var out []member
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		m := member{name: name.(string)}
		if err := d.Decode(&m.value); err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	_, err := d.Token() // the end of the object
	return out, err
}

// mentions are the rows of others that name a person.
type mentions struct {
	traces    *traces
	records   []model.RecordID
	resources []store.ResourceKey
	members   []store.MemberKey
	history   []store.HistoryKey
	accounts  []store.TargetRemote
	delivered []store.TargetPerson
	written   []store.WrittenKey
	restored  []store.TargetPerson
	jobs      []store.TargetPerson
	groups    []store.TargetGroup
	decisions []string
}

func (m *mentions) count() int {
	return len(m.records) + len(m.resources) + len(m.members) + len(m.history) + len(m.accounts) + len(m.delivered) + len(m.written) + len(m.restored) +
		len(m.jobs) + len(m.groups) + len(m.decisions)
}

// forget keeps nothing but whom it is about.
func (m *mentions) forget() { *m = mentions{traces: m.traces} }

// mentionsOf looks for them everywhere. It reads all there is, and changes nothing:
// it belongs into a transaction that nobody waits for.
func mentionsOf(tx *store.Tx, t *traces) (*mentions, error) {
	m := &mentions{traces: t}
	for _, look := range []func(*store.Tx) error{m.inRecords, m.inResources, m.inHistory, m.inAccounts, m.inDeliveries, m.inDecisions} {
		if err := look(tx); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// ownWords returns the words of a person of the roster.
func ownWords(tx *store.Tx, id model.PersonID) (own, error) {
	p, _, err := store.Persons.Get(tx, id)
	return ownOf(p.Attributes), err
}

func (m *mentions) inRecords(tx *store.Tx) error {
	for r, err := range store.Records.Each(tx, nil) {
		if err != nil {
			return err
		}
		if m.traces.records[r.ID] {
			continue
		}
		o, _, err := store.Origins.Get(tx, r.ID)
		if err != nil {
			return err
		}
		if _, _, hit := m.traces.record(r, o); hit {
			m.records = append(m.records, r.ID)
		}
	}
	return nil
}

// record takes out what names them in a record of somebody else.
func (t *traces) record(r model.Record, o store.Origin) (model.Record, store.Origin, bool) {
	mine := ownOf(r.Attributes)
	byKey := slices.ContainsFunc(r.ManagerKeys, func(k string) bool { return t.keys[k] })
	changed := false
	attributes := make(model.Attributes, len(r.Attributes))
	for n, v := range r.Attributes {
		if n == model.Manager && (t.meant(v) || byKey && !t.others(v)) || t.attribute(n, v.Text, mine) {
			changed = true
			continue
		}
		attributes[n] = v
	}
	if changed {
		r.Attributes = attributes
		kept := map[model.Name]uint64{}
		for n, run := range r.Kept {
			if attributes.Has(n) {
				kept[n] = run
			}
		}
		if r.Kept = kept; len(kept) == 0 {
			r.Kept = nil
		}
	}
	doc, hit := t.document(o.Document, mine)
	o.Document = doc
	return r, o, changed || hit
}

// others reports whether a manager value refers by an address that is not theirs: a
// key may lead to two people.
func (t *traces) others(v model.Value) bool {
	return slices.ContainsFunc(v.Refs, func(ref model.Reference) bool {
		return strings.Contains(ref.Value, "@") && !t.emails[fold(ref.Value)]
	})
}

func (m *mentions) inResources(tx *store.Tx) error {
	for r, err := range store.Resources.Each(tx, nil) {
		if err != nil {
			return err
		}
		if m.traces.natives[r.ID] {
			continue
		}
		if _, hit := m.traces.resource(r); hit {
			m.resources = append(m.resources, store.ResourceKey{Source: r.Source, Type: r.Type, ID: r.ID})
		}
	}
	for g, err := range store.Members.Each(tx, nil) {
		if err != nil {
			return err
		}
		theirs := store.ResourceKey{Source: g.Source, Type: "User", ID: g.Value}
		if m.traces.named(g.Display, nil) && !store.Resources.Has(tx, theirs) {
			m.members = append(m.members, store.MemberKey{Source: g.Source, Group: g.Group, Member: g.Value})
		}
	}
	return nil
}

// resource takes out what names them in what a sender wrote of somebody else.
func (t *traces) resource(r store.Resource) (store.Resource, bool) {
	var said struct {
		UserName    string `json:"userName"`
		DisplayName string `json:"displayName"`
		Name        struct {
			GivenName  string `json:"givenName"`
			FamilyName string `json:"familyName"`
		} `json:"name"`
		Emails []struct{ Value string } `json:"emails"`
	}
	_ = json.Unmarshal(r.Body, &said) // what cannot be read has no words of its own
	mine := own{fold(said.UserName): true, fold(said.DisplayName): true, fold(said.Name.GivenName + " " + said.Name.FamilyName): true}
	for _, e := range said.Emails {
		mine[fold(e.Value)] = true
	}
	if GroupAttribute(r) != "" {
		return r, t.named(said.DisplayName, nil) // its name is what was said of its members
	}
	body, hit := t.document(r.Body, mine)
	r.Body = body
	if !hit {
		return r, false
	}
	r.Keys = slices.DeleteFunc(slices.Clone(r.Keys), func(k store.ResourceIndex) bool { return !k.Unique && t.named(k.Value, mine) })
	return r, true
}

func (m *mentions) inHistory(tx *store.Tx) error {
	var id model.PersonID
	var mine own
	for h, err := range store.History.Each(tx, nil) {
		if err != nil {
			return err
		}
		if h.Person == m.traces.person {
			continue
		}
		if h.Person != id {
			id = h.Person
			if mine, err = ownWords(tx, id); err != nil {
				return err
			}
		}
		before, after := m.traces.values(h.Before, mine), m.traces.values(h.After, mine)
		if before || after {
			m.history = append(m.history, store.HistoryKey{Person: h.Person, Seq: h.Seq})
		}
	}
	return nil
}

func (m *mentions) inAccounts(tx *store.Tx) error {
	for a, err := range store.Accounts.Each(tx, nil) {
		if err != nil {
			return err
		}
		if _, _, hit := m.traces.account(a); hit {
			m.accounts = append(m.accounts, store.TargetRemote{Target: a.Target, RemoteID: a.RemoteID})
		}
	}
	return nil
}

// account takes out what names them in an account as listed; theirs says that it is
// their own.
func (t *traces) account(a store.Account) (out store.Account, theirs, hit bool) {
	if t.emails[fold(a.Login)] || a.EmailKey != "" && t.emails[a.EmailKey] {
		return a, true, true
	}
	mine := own{fold(a.Login): true, fold(a.Attributes[model.DisplayName]): true, fold(a.Attributes[model.GivenName] + " " + a.Attributes[model.FamilyName]): true}
	if t.named(a.ManagerLogin, nil) {
		a.ManagerLogin, hit = "", true
	}
	return a, false, t.texts(a.Attributes, mine) || hit
}

func (m *mentions) inDeliveries(tx *store.Tx) error {
	t := m.traces
	for d, err := range store.Deliveries.Each(tx, nil) {
		if err != nil {
			return err
		}
		mine, err := ownWords(tx, d.Person)
		if err != nil {
			return err
		}
		if d.Person != t.person && t.texts(d.Sent.Attributes, mine) {
			m.delivered = append(m.delivered, store.TargetPerson{Target: d.Target, Person: d.Person})
		}
	}
	for w, err := range store.Writes.Each(tx, nil) {
		if err != nil {
			return err
		}
		mine, err := ownWords(tx, w.Person)
		if err != nil {
			return err
		}
		if w.Person != t.person && w.Before != nil && t.texts(w.Before.Attributes, mine) {
			m.written = append(m.written, store.WrittenKey{Run: w.Run, TargetPerson: store.TargetPerson{Target: w.Target, Person: w.Person}})
		}
	}
	for r, err := range store.Restores.Each(tx, nil) {
		if err != nil {
			return err
		}
		mine, err := ownWords(tx, r.Person)
		if err != nil {
			return err
		}
		if r.Person != t.person && t.texts(r.Want.Attributes, mine) {
			m.restored = append(m.restored, store.TargetPerson{Target: r.Target, Person: r.Person})
		}
	}
	for j, err := range store.Outbox.Each(tx, nil) {
		if err != nil {
			return err
		}
		mine, err := ownWords(tx, j.Person)
		if err != nil {
			return err
		}
		if j.Person != t.person && t.inside(j.LastError, mine) {
			m.jobs = append(m.jobs, store.TargetPerson{Target: j.Target, Person: j.Person})
		}
	}
	for j, err := range store.GroupJobs.Each(tx, nil) {
		if err != nil {
			return err
		}
		if t.inside(j.LastError, nil) {
			m.groups = append(m.groups, store.TargetGroup{Target: j.Target, GroupRef: j.GroupRef})
		}
	}
	return nil
}

func (m *mentions) inDecisions(tx *store.Tx) error {
	for d, err := range store.Decisions.Each(tx, nil) {
		if err != nil {
			return err
		}
		if _, hit := m.traces.decision(d); hit {
			m.decisions = append(m.decisions, d.ID)
		}
	}
	return nil
}

// decision takes out what names them in an answer about somebody else; gone says
// that nothing is left of it.
func (t *traces) decision(d model.Decision) (gone, hit bool) {
	if d.Verb == model.Set && (t.meant(d.Value) || t.attribute(d.Attribute, d.Value.Text, nil)) {
		return true, true
	}
	return false, t.inside(d.Reason, nil)
}
