package reconcile

import (
	"cmp"
	"maps"
	"slices"

	"rollcall/appliance/model"
)

// Roster is what [Gather] looks things up in: the state after the change that is
// being planned. Records that take no part (staged ones) are never returned.
type Roster interface {
	Record(id model.RecordID) (model.Record, bool, error)
	// Carriers returns the records that carry an identifier, or carried it before; when
	// these are more than limit, none of them, and that there are more.
	Carriers(id model.Identifier, limit int) (carriers []model.Record, more bool, err error)
	RecordsOf(person model.PersonID) ([]model.Record, error)
	Person(id model.PersonID) (model.Person, bool, error)
	DecisionsOn(record model.RecordID) ([]model.Decision, error)
}

// Gather collects the neighbourhood of changed records: everything that planning
// them can depend on or touch. Seeds are the changed records by id, before holds
// the versions they had (records that are new have none). The walk takes one hop
// over all identifiers of the seeds, as they were and as they are, because an
// identifier may just have become hot or stopped being so; from there it follows
// identifiers that are not hot, persons and decisions until nothing is added.
func Gather(roster Roster, seeds []model.RecordID, before []model.Record, today model.Date, p *Policy) (Input, error) {
	g := &gathering{roster: roster, limit: p.hotLimit(), records: map[model.RecordID]*model.Record{}, hot: map[model.Identifier]bool{},
		persons: map[model.PersonID]bool{}, decisions: map[string]model.Decision{}, carried: map[model.Identifier]int{}}
	for _, id := range seeds {
		r, ok, err := roster.Record(id)
		if err != nil {
			return Input{}, err
		}
		if ok {
			if err := g.firstHop(r, true); err != nil {
				return Input{}, err
			}
		}
	}
	for _, r := range before {
		if err := g.firstHop(r, false); err != nil {
			return Input{}, err
		}
	}
	if err := g.expand(); err != nil {
		return Input{}, err
	}
	return g.input(today, p)
}

type gathering struct {
	roster    Roster
	limit     int
	records   map[model.RecordID]*model.Record
	queue     []*model.Record
	first     []model.Identifier // identifiers of the seeds
	carried   map[model.Identifier]int
	hot       map[model.Identifier]bool
	persons   map[model.PersonID]bool
	decisions map[string]model.Decision
}

func (g *gathering) firstHop(r model.Record, present bool) error {
	if present {
		g.add(r)
	}
	for _, id := range carriedBy(&r) {
		if _, seen := g.carried[id]; !seen {
			g.first = append(g.first, id)
		}
		g.carried[id]++
	}
	if r.Person != "" {
		return g.addPerson(r.Person)
	}
	return nil
}

// carriedBy returns the identifiers a record carries or carried, each once.
func carriedBy(r *model.Record) []model.Identifier {
	if len(r.Former) == 0 {
		return r.Identifiers
	}
	out := slices.Clone(r.Identifiers)
	for _, id := range r.Former {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

func (g *gathering) add(r model.Record) {
	if _, seen := g.records[r.ID]; seen {
		return
	}
	kept := r
	g.records[r.ID] = &kept
	g.queue = append(g.queue, &kept)
}

func (g *gathering) addPerson(id model.PersonID) error {
	if g.persons[id] {
		return nil
	}
	g.persons[id] = true
	records, err := g.roster.RecordsOf(id)
	if err != nil {
		return err
	}
	for _, r := range records {
		g.add(r)
	}
	return nil
}

// addCarriers adds the records that carry id. A hot identifier joins nobody, so
// its carriers matter only in the first hop, and there only while the seeds could
// have moved it across the limit.
func (g *gathering) addCarriers(id model.Identifier, first bool) error {
	if _, known := g.hot[id]; known && !first {
		return nil
	}
	limit := g.limit
	if first {
		limit += 1 + g.carried[id]
	}
	carriers, more, err := g.roster.Carriers(id, limit)
	if err != nil {
		return err
	}
	g.hot[id] = more || len(carriers) > g.limit
	for _, r := range carriers {
		g.add(r)
	}
	return nil
}

func (g *gathering) expand() error {
	for _, id := range g.first {
		if err := g.addCarriers(id, true); err != nil {
			return err
		}
	}
	for len(g.queue) > 0 {
		r := g.queue[0]
		g.queue = g.queue[1:]
		if r.Person != "" {
			if err := g.addPerson(r.Person); err != nil {
				return err
			}
		}
		for _, id := range carriedBy(r) {
			if err := g.addCarriers(id, false); err != nil {
				return err
			}
		}
		decisions, err := g.roster.DecisionsOn(r.ID)
		if err != nil {
			return err
		}
		for _, d := range decisions {
			if _, seen := g.decisions[d.ID]; seen {
				continue
			}
			g.decisions[d.ID] = d
			for _, id := range d.Records {
				other, ok, err := g.roster.Record(id)
				if err != nil {
					return err
				}
				if ok {
					g.add(other)
				}
			}
		}
	}
	return nil
}

func (g *gathering) input(today model.Date, p *Policy) (Input, error) {
	in := Input{Today: today, Policy: p, Hot: map[model.Identifier]bool{}}
	for id, hot := range g.hot {
		if hot {
			in.Hot[id] = true
		}
	}
	in.Records = make([]model.Record, 0, len(g.records))
	for _, id := range slices.Sorted(maps.Keys(g.records)) {
		in.Records = append(in.Records, *g.records[id])
	}
	for id := range g.persons {
		person, ok, err := g.roster.Person(id)
		if err != nil {
			return Input{}, err
		}
		if ok {
			in.Persons = append(in.Persons, person)
		}
	}
	slices.SortFunc(in.Persons, func(a, b model.Person) int { return cmp.Compare(a.ID, b.ID) })
	for _, d := range g.decisions {
		in.Decisions = append(in.Decisions, d)
	}
	slices.SortFunc(in.Decisions, func(a, b model.Decision) int { return cmp.Compare(a.ID, b.ID) })
	return in, nil
}
