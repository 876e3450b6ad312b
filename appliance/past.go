package appliance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rollcall/appliance/admin"
	"rollcall/appliance/identity"
	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

// History implements admin.Service.
func (a *App) History(_ context.Context, who string) ([]admin.HistoryEntry, error) {
	out := []admin.HistoryEntry{}
	err := a.store.View(func(tx *store.Tx) error {
		p, err := find(tx, strings.TrimSpace(who))
		if err != nil {
			return err
		}
		values := map[uint64]store.Change{}
		for c, err := range store.History.Each(tx, store.Prefix(string(p.ID))) {
			if err != nil {
				return err
			}
			values[c.Seq] = c
		}
		events, err := eventsOf(tx, p.ID)
		if err != nil {
			return err
		}
		names := lookups{tx: tx, names: map[model.PersonID]string{}}
		for _, e := range events {
			entry := admin.HistoryEntry{Event: e}
			c := values[e.Seq]
			if entry.Changes, err = changesOf(c.Before, c.After, names.name); err != nil {
				return err
			}
			out = append(out, entry)
		}
		return nil
	})
	return out, err
}

// changesOf spells the difference between two states of a person. nameOf tells
// what a human calls a person id.
func changesOf(before, after map[model.Name]model.Value, nameOf func(model.PersonID) (string, error)) ([]admin.AttributeChange, error) {
	names := map[model.Name]bool{}
	for n := range before {
		names[n] = true
	}
	for n := range after {
		names[n] = true
	}
	sorted := slices.Collect(maps.Keys(names))
	model.SortNames(sorted)
	var out []admin.AttributeChange
	for _, n := range sorted {
		old, had := before[n]
		now, has := after[n]
		if had && has && old.Equal(now) {
			continue
		}
		c := admin.AttributeChange{Attribute: string(n), Old: old.Text, New: now.Text}
		if n == store.FieldReportsTo {
			var err error
			for _, text := range []*string{&c.Old, &c.New} {
				if *text == "" {
					continue
				}
				if *text, err = nameOf(model.PersonID(*text)); err != nil {
					return nil, err
				}
			}
		}
		out = append(out, c)
	}
	return out, nil
}

// past opens the roster of an instant for looking at.
func (a *App) past(tx *store.Tx, at time.Time) (*ingest.Past, error) {
	if at.After(a.now()) {
		return nil, invalid("%s is still to come", at.Format(time.RFC3339))
	}
	p, err := ingest.PastRoster(tx, at)
	var early *ingest.TooEarlyError
	if errors.As(err, &early) {
		return nil, invalid("%s", early.Error())
	}
	return p, err
}

// pastPerson is a person of the past without the details.
func pastPerson(p *ingest.Past, q model.Person) (admin.Person, error) {
	out := admin.Person{ID: string(q.ID), Name: personName(q), Email: q.Attributes.Text(model.Email), Status: string(q.Status), Access: string(q.Access), Sources: []string{}}
	if q.Manager != "" {
		ref := admin.PersonRef{ID: string(q.Manager), Name: string(q.Manager)}
		m, ok, err := p.Person(q.Manager)
		if err != nil {
			return out, err
		}
		if ok {
			ref = personRef(m)
		}
		out.Manager = &ref
	}
	return out, nil
}

// notices says what a look into the past could not tell.
func notices(p *ingest.Past) []string {
	if p.Erased == 0 {
		return nil
	}
	return []string{fmt.Sprintf("the history of %d people who changed since was erased: what they were then is not known, and they are left out", p.Erased)}
}

// PeopleAt implements admin.Service: the roster as it was, by name.
func (a *App) PeopleAt(ctx context.Context, query string, at time.Time, page admin.Page) (admin.PeoplePage, error) {
	out := admin.PeoplePage{At: at.UTC(), People: []admin.Person{}}
	limit := page.Limit
	if limit <= 0 {
		limit = 100
	}
	limit = min(limit, maxPage)
	match, err := parseQuery(query)
	if err != nil {
		return out, err
	}
	if match.source != "" {
		return out, invalid("which sources spoke of somebody is not kept of the past: leave source: out")
	}
	err = a.store.View(func(tx *store.Tx) error {
		then, err := a.past(tx, at)
		if err != nil {
			return err
		}
		out.Notices = notices(then)
		type row struct{ name, id string }
		var rows []row
		for q, err := range then.Each() {
			if err != nil {
				return err
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			ok, err := match.matches(tx, q)
			if err != nil {
				return err
			}
			if ok {
				rows = append(rows, row{strings.ToLower(personName(q)), string(q.ID)})
			}
		}
		slices.SortFunc(rows, func(x, y row) int { return cmp.Or(cmp.Compare(x.name, y.name), cmp.Compare(x.id, y.id)) })
		if page.After != "" {
			i := slices.IndexFunc(rows, func(r row) bool { return r.id == page.After })
			if i < 0 {
				return invalid("the cursor is not one of this list: begin again")
			}
			rows = rows[i+1:]
		}
		if len(rows) > limit {
			rows = rows[:limit]
			out.Next = rows[limit-1].id
		}
		for _, r := range rows {
			q, _, err := then.Person(model.PersonID(r.id))
			if err != nil {
				return err
			}
			view, err := pastPerson(then, q)
			if err != nil {
				return err
			}
			out.People = append(out.People, view)
		}
		return nil
	})
	return out, err
}

// PersonAt implements admin.Service: one person as they were.
func (a *App) PersonAt(_ context.Context, who string, at time.Time) (admin.Person, error) {
	var out admin.Person
	err := a.store.View(func(tx *store.Tx) error {
		then, err := a.past(tx, at)
		if err != nil {
			return err
		}
		q, err := findThen(tx, then, strings.TrimSpace(who), at)
		if err != nil {
			return err
		}
		if out, err = pastPerson(then, q); err != nil {
			return err
		}
		for _, n := range q.Attributes.Sorted() {
			v := q.Attributes[n]
			out.Values = append(out.Values, admin.Value{Attribute: string(n), Value: v.Text, Null: v.Null})
		}
		return nil
	})
	return out, err
}

// findThen returns the one person meant at the time, who may be called otherwise
// now, or be nobody any more.
func findThen(tx *store.Tx, then *ingest.Past, who string, at time.Time) (model.Person, error) {
	if p, ok, err := then.Person(model.PersonID(who)); ok || err != nil {
		return p, err
	}
	q := peopleQuery{}
	for _, w := range strings.Fields(who) {
		q.words = append(q.words, foldText(w))
	}
	key := ""
	if id, _, err := identity.Email(who); err == nil {
		key = id.Value
	}
	var found []model.Person
	for p, err := range then.Each() {
		if err != nil {
			return p, err
		}
		if key != "" {
			if p.EmailKey == key {
				found = append(found, p)
			}
			continue
		}
		if p.Attributes.Text(model.EmployeeNumber) == who {
			return p, nil
		}
		ok, err := q.matches(tx, p)
		if err != nil {
			return p, err
		}
		if ok && len(found) < 10 {
			found = append(found, p)
		}
	}
	if len(found) > 0 {
		return single(found, who)
	}
	// Named as they are called now, and not there yet.
	if now, err := find(tx, who); err == nil {
		p, ok, err := then.Person(now.ID)
		if err != nil || ok {
			return p, err
		}
		return p, notFound("%s was not in the roster at %s", personName(now), at.Format(time.RFC3339))
	}
	return model.Person{}, notFound("nobody in the roster of %s is called %q; rollcall people --at searches", at.Format(time.RFC3339), who)
}

// PeopleDiff implements admin.Service: who differs between two instants.
func (a *App) PeopleDiff(ctx context.Context, from, to time.Time) (admin.RosterDiff, error) {
	out := admin.RosterDiff{From: from.UTC(), To: to.UTC(), People: []admin.PersonDiff{}}
	if to.Before(from) {
		return out, invalid("the difference from %s to %s runs backwards: exchange the two", from.Format(time.RFC3339), to.Format(time.RFC3339))
	}
	err := a.store.View(func(tx *store.Tx) error {
		before, err := a.past(tx, from)
		if err != nil {
			return err
		}
		after, err := a.past(tx, to)
		if err != nil {
			return err
		}
		out.Notices = notices(before)
		for _, id := range before.ChangedSince() {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			d, differs, err := personDiff(before, after, id)
			if err != nil {
				return err
			}
			if differs {
				out.People = append(out.People, d)
			}
		}
		return nil
	})
	slices.SortFunc(out.People, func(x, y admin.PersonDiff) int {
		return cmp.Or(cmp.Compare(x.Change, y.Change), cmp.Compare(strings.ToLower(x.Person.Name), strings.ToLower(y.Person.Name)), cmp.Compare(x.Person.ID, y.Person.ID))
	})
	for _, d := range out.People {
		switch d.Change {
		case admin.DiffJoined:
			out.Joined++
		case admin.DiffGone:
			out.Gone++
		default:
			out.Changed++
		}
	}
	return out, err
}

func personDiff(before, after *ingest.Past, id model.PersonID) (admin.PersonDiff, bool, error) {
	var was, is *model.Person
	for _, side := range []struct {
		past *ingest.Past
		into **model.Person
	}{{before, &was}, {after, &is}} {
		p, ok, err := side.past.Person(id)
		if err != nil {
			return admin.PersonDiff{}, false, err
		}
		if ok {
			*side.into = &p
		}
	}
	names, old, now := ingest.Difference(was, is)
	if len(names) == 0 {
		return admin.PersonDiff{}, false, nil
	}
	d := admin.PersonDiff{Change: admin.DiffChanged}
	switch {
	case was == nil:
		d.Change, d.Person = admin.DiffJoined, personRef(*is)
	case is == nil:
		d.Change, d.Person = admin.DiffGone, personRef(*was)
	default:
		d.Person = personRef(*is)
	}
	var err error
	d.Changes, err = changesOf(old, now, func(id model.PersonID) (string, error) {
		for _, past := range []*ingest.Past{after, before} {
			if p, ok, err := past.Person(id); ok || err != nil {
				return personName(p), err
			}
		}
		return string(id), nil
	})
	return d, true, err
}
