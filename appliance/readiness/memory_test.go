package readiness

import (
	"bytes"
	"iter"
	"maps"
	"slices"
	"time"

	"rollcall/appliance/model"
)

// Input is a company in memory: what the tests make a report of.
type Input struct {
	Now        time.Time
	Previewed  []string
	Records    []model.Record
	Persons    []model.Person
	Conflicts  []model.Conflict
	Targets    []listing
	Unreadable []Field
	Notices    []string
}

// listing is a target with its accounts and how everybody stands with it.
type listing struct {
	Name     string
	Listed   time.Time
	Accounts []Account
	Standing map[model.PersonID]Standing
	Unknown  []UnknownAttribute
}

// Make makes the whole report, sorted.
func Make(in Input) Report {
	b := Basis{Now: in.Now, Previewed: in.Previewed, Unreadable: in.Unreadable, Notices: in.Notices}
	for _, t := range in.Targets {
		b.Targets = append(b.Targets, Target{Name: t.Name, Listed: t.Listed})
	}
	var rows []Row
	r, err := Find(company{in, map[model.RecordID]model.Record{}, map[model.PersonID]model.Person{}}.index(), b, lists{}, func(row Row) error {
		rows = append(rows, row)
		return nil
	})
	if err != nil {
		panic(err) // nothing here fails
	}
	slices.SortStableFunc(rows, func(x, y Row) int { return bytes.Compare(x.Key(), y.Key()) })
	r.Rows = append(r.Rows, rows...)
	return r
}

type company struct {
	in      Input
	records map[model.RecordID]model.Record
	persons map[model.PersonID]model.Person
}

func (c company) index() company {
	for _, r := range c.in.Records {
		c.records[r.ID] = r
	}
	for _, p := range c.in.Persons {
		c.persons[p.ID] = p
	}
	return c
}

func each[V any](list []V) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		for _, v := range list {
			if !yield(v, nil) {
				return
			}
		}
	}
}

func (c company) Persons() iter.Seq2[model.Person, error]     { return each(c.in.Persons) }
func (c company) Conflicts() iter.Seq2[model.Conflict, error] { return each(c.in.Conflicts) }
func (c company) Accounts(t int) iter.Seq2[Account, error]    { return each(c.in.Targets[t].Accounts) }
func (c company) Unknown(t int) ([]UnknownAttribute, error)   { return c.in.Targets[t].Unknown, nil }

func (c company) Person(id model.PersonID) (model.Person, bool, error) {
	p, ok := c.persons[id]
	return p, ok, nil
}

func (c company) Record(id model.RecordID) (model.Record, bool, error) {
	r, ok := c.records[id]
	return r, ok, nil
}

func (c company) Account(t int, remote string) (Account, bool, error) {
	for _, a := range c.in.Targets[t].Accounts {
		if a.RemoteID == remote {
			return a, true, nil
		}
	}
	return Account{}, false, nil
}

func (c company) Standing(t int, p model.Person) (Standing, bool, error) {
	s, ok := c.in.Targets[t].Standing[p.ID]
	return s, ok, nil
}

// lists sort in memory.
type lists struct{}

func (lists) Sort(string) List { return list{} }

type list map[string][]byte

func (l list) Put(key, value []byte) error {
	l[string(key)] = value
	return nil
}

func (l list) Each(prefix []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		for _, k := range slices.Sorted(maps.Keys(l)) {
			if bytes.HasPrefix([]byte(k), prefix) && !yield([]byte(k), l[k]) {
				return
			}
		}
	}
}
