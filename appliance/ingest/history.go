package ingest

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

// remember keeps a person as they were before this transaction first wrote them,
// so that however often they are written in one settling, it is one change.
func (c *change) remember(id model.PersonID, old model.Person, had bool) {
	if _, known := c.were[id]; known {
		return
	}
	c.were[id] = nil
	if had {
		c.were[id] = &old
	}
}

// writeHistory journals who changed since the last call and how. The journal,
// which nobody can erase, names fields only; the values go to the history, which
// forget and retention can erase.
func (c *change) writeHistory() error {
	if c.dry {
		clear(c.were)
		clear(c.heirs)
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(c.were)) {
		old := c.were[id]
		now, has, err := store.Persons.Get(c.tx, id)
		if err != nil {
			return err
		}
		switch {
		case old == nil && !has:
			// Came and went within one transaction: nobody ever saw them.
		case old == nil:
			err = c.recordChange(id, store.MarkJoined, nil, fieldsOf(now), standing(now))
		case !has:
			reason := "no record belongs to them any more"
			if heir := c.heirs[id]; heir != "" {
				reason = "joined into person:" + string(heir)
			}
			err = c.recordChange(id, store.MarkDissolved, fieldsOf(*old), nil, reason)
		default:
			err = c.recordChange(id, "", fieldsOf(*old), fieldsOf(now), standing(now))
		}
		if err != nil {
			return err
		}
	}
	clear(c.were)
	clear(c.heirs)
	return nil
}

// standing is what the trail that nobody can erase says of a change: the reason
// in words may hold a date, where somebody stands does not.
func standing(p model.Person) string { return fmt.Sprintf("%s, access %s", p.Status, p.Access) }

// fieldsOf is all of a person that the history keeps.
func fieldsOf(p model.Person) map[model.Name]model.Value {
	out := make(map[model.Name]model.Value, len(p.Attributes)+3)
	maps.Copy(out, p.Attributes)
	out[store.FieldStatus] = model.Value{Text: string(p.Status)}
	out[store.FieldAccess] = model.Value{Text: string(p.Access)}
	if p.Manager != "" {
		out[store.FieldReportsTo] = model.Value{Text: string(p.Manager)}
	}
	return out
}

func (c *change) recordChange(id model.PersonID, mark store.Mark, before, after map[model.Name]model.Value, reason string) error {
	names := map[model.Name]bool{}
	for n, v := range before {
		if w, ok := after[n]; ok && w.Equal(v) {
			delete(before, n)
			delete(after, n)
			continue
		}
		names[n] = true
	}
	for n := range after {
		names[n] = true
	}
	if len(names) == 0 {
		return nil // a new reason, or another record behind the same values
	}
	verb := "changed"
	if mark != "" {
		verb = string(mark)
	}
	fields := make([]string, 0, len(names))
	for n := range names {
		fields = append(fields, string(n))
	}
	slices.Sort(fields)
	seq, err := c.event(verb, personSubject+string(id), reason, fields...)
	if err != nil {
		return err
	}
	return store.History.Put(c.tx, store.HistoryKey{Person: id, Seq: seq},
		store.Change{Person: id, Seq: seq, At: c.at, Mark: mark, Before: before, After: after})
}

const personSubject = "person:"

// isChange reports whether an event of the journal has values in the history.
func isChange(e model.Event) (model.PersonID, bool) {
	id, ok := strings.CutPrefix(e.Subject, personSubject)
	if !ok {
		return "", false
	}
	switch e.Verb {
	case "changed", string(store.MarkJoined), string(store.MarkDissolved):
		return model.PersonID(id), true
	}
	return "", false
}

// Past is the roster as it was at an instant: what it is now, with everything
// undone that the journal says happened since. People in it have their
// attributes, status, access and manager; records, provenance and reasons of the
// time are not kept. A Past is usable only within its transaction.
type Past struct {
	tx *store.Tx
	// then holds those who changed since, as they were; nil: not in the roster.
	then map[model.PersonID]*model.Person
	// Erased counts people whose history since then was erased: nobody knows what
	// they were, and they are left out.
	Erased int
}

// TooEarlyError says that an instant lies before everything that is known.
type TooEarlyError struct {
	// Since is the earliest instant that can be asked for.
	Since time.Time
	// Erased says that there was a history before, which is not kept any more.
	Erased bool
}

func (e *TooEarlyError) Error() string {
	since := e.Since.UTC().Format(time.RFC3339)
	if e.Erased {
		return "the history before " + since + " was erased: nobody can tell who was in the roster then"
	}
	return "rollcall's first entry is of " + since + ": it knew nobody before"
}

// historySince is the setting that says from when on the history is kept whole.
const historySince = "history.since"

// HistorySince returns the earliest instant whose roster can be told, and whether
// an older history was erased; zero when nothing was ever written.
func HistorySince(tx *store.Tx) (since time.Time, erased bool, err error) {
	if erased, err = tx.Setting(historySince, &since); erased || err != nil {
		return since, erased, err
	}
	for e, err := range store.Journal.Each(tx, nil) {
		return e.At, false, err
	}
	return time.Time{}, false, nil
}

// TrimHistory erases the values of all changes before an instant; the journal
// keeps that they happened. It returns how many it erased. What is kept stays
// enough for every instant from then on.
func (e *Engine) TrimHistory(actor string, before time.Time) (int, error) {
	var old []store.HistoryKey
	err := e.store.View(func(tx *store.Tx) error {
		for h, err := range store.History.Each(tx, nil) {
			if err != nil {
				return err
			}
			if h.At.Before(before) {
				old = append(old, store.HistoryKey{Person: h.Person, Seq: h.Seq})
			}
		}
		return nil
	})
	if err != nil || len(old) == 0 {
		return 0, err
	}
	// First the mark, then the values: if it stops in between, nobody is told of a
	// roster that cannot be told any more.
	err = e.update(actor, 0, model.JobReady, func(c *change) error {
		var since time.Time
		if _, err := c.tx.Setting(historySince, &since); err != nil || !before.After(since) {
			return err
		}
		if _, err := c.event("history_trimmed", "roster", "changes before "+before.UTC().Format(time.RFC3339)); err != nil {
			return err
		}
		return c.tx.SetSetting(historySince, before)
	})
	if err != nil {
		return 0, err
	}
	for part := range slices.Chunk(old, batch) {
		err := e.update(actor, 0, model.JobReady, func(c *change) error {
			for _, k := range part {
				if err := store.History.Delete(c.tx, k); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
	return len(old), nil
}

// PastRoster returns the roster as it was at an instant, or a [*TooEarlyError].
// It costs as much as happened since. The order of events is that of the journal:
// where the machine's clock was once moved back, the instant is the end of the
// last event that is not later.
func PastRoster(tx *store.Tx, at time.Time) (*Past, error) {
	since, erased, err := HistorySince(tx)
	if err != nil {
		return nil, err
	}
	if at.Before(since) {
		return nil, &TooEarlyError{Since: since, Erased: erased}
	}
	p := &Past{tx: tx, then: map[model.PersonID]*model.Person{}}
	lost := map[model.PersonID]bool{}
	for e, err := range store.Journal.Backward(tx, nil) {
		if err != nil {
			return nil, err
		}
		if !e.At.After(at) {
			break
		}
		id, ok := isChange(e)
		if !ok || lost[id] {
			continue
		}
		h, kept, err := store.History.Get(tx, store.HistoryKey{Person: id, Seq: e.Seq})
		if err != nil {
			return nil, err
		}
		if !kept {
			lost[id], p.then[id] = true, nil
			continue
		}
		if err := p.undo(id, h); err != nil {
			return nil, err
		}
	}
	p.Erased = len(lost)
	return p, nil
}

// undo takes one change of a person back.
func (p *Past) undo(id model.PersonID, h store.Change) error {
	person, known := p.then[id]
	if !known {
		now, ok, err := store.Persons.Get(p.tx, id)
		if err != nil {
			return err
		}
		if ok {
			person = bare(now)
		}
	}
	if h.Mark == store.MarkJoined {
		p.then[id] = nil
		return nil
	}
	if person == nil {
		person = &model.Person{ID: id, Attributes: model.Attributes{}}
	}
	for n := range h.After {
		if _, both := h.Before[n]; !both {
			setField(person, n, nil)
		}
	}
	for n, v := range h.Before {
		setField(person, n, &v)
	}
	p.then[id] = person
	return nil
}

// bare is what the history keeps of a person.
func bare(p model.Person) *model.Person {
	return &model.Person{ID: p.ID, Attributes: maps.Clone(p.Attributes), Status: p.Status, Access: p.Access, Manager: p.Manager}
}

// setField sets what the history keeps under a name; nil: it was absent.
func setField(p *model.Person, n model.Name, v *model.Value) {
	text := ""
	if v != nil {
		text = v.Text
	}
	switch {
	case n == store.FieldStatus:
		p.Status = model.Status(text)
	case n == store.FieldAccess:
		p.Access = model.Access(text)
	case n == store.FieldReportsTo:
		p.Manager = model.PersonID(text)
	case v == nil:
		delete(p.Attributes, n)
	default:
		p.Attributes[n] = *v
	}
}

// Person returns one person as they were; false when they were not in the roster.
func (p *Past) Person(id model.PersonID) (model.Person, bool, error) {
	if then, changed := p.then[id]; changed {
		if then == nil {
			return model.Person{}, false, nil
		}
		return withKey(*then), true, nil
	}
	now, ok, err := store.Persons.Get(p.tx, id)
	if err != nil || !ok {
		return model.Person{}, false, err
	}
	return withKey(*bare(now)), true, nil
}

func withKey(p model.Person) model.Person {
	p.EmailKey = emailKey(p.Attributes.Text(model.Email))
	return p
}

// Each yields everybody who was in the roster, in no particular order.
func (p *Past) Each() iter.Seq2[model.Person, error] {
	return func(yield func(model.Person, error) bool) {
		for now, err := range store.Persons.Each(p.tx, nil) {
			if err != nil {
				yield(model.Person{}, err)
				return
			}
			if _, changed := p.then[now.ID]; changed {
				continue
			}
			if !yield(withKey(*bare(now)), nil) {
				return
			}
		}
		for _, then := range p.then {
			if then != nil && !yield(withKey(*then), nil) {
				return
			}
		}
	}
}

// ChangedSince lists, sorted, everybody who changed between the instant and now.
func (p *Past) ChangedSince() []model.PersonID { return slices.Sorted(maps.Keys(p.then)) }

// Difference lists what differs between two versions of a person as the history
// keeps them, sorted; either may be nil for somebody who was not in the roster.
func Difference(a, b *model.Person) (names []model.Name, before, after map[model.Name]model.Value) {
	if a != nil {
		before = fieldsOf(*a)
	}
	if b != nil {
		after = fieldsOf(*b)
	}
	all := map[model.Name]bool{}
	for n, v := range before {
		if w, ok := after[n]; !ok || !w.Equal(v) {
			all[n] = true
		}
	}
	for n := range after {
		if _, ok := before[n]; !ok {
			all[n] = true
		}
	}
	names = slices.Collect(maps.Keys(all))
	model.SortNames(names)
	return names, before, after
}
