package hibobsim

import (
	"maps"
	"strconv"
	"sync"
	"time"

	"rollcall/connectors/cast"
)

// settled is a value whose changes take effect later. The Sim's mutex guards it.
type settled[T any] struct {
	states []state[T] // by time
}

type state[T any] struct {
	from time.Time
	is   T
}

func (s *settled[T]) set(from time.Time, is T) {
	s.states = append(s.states, state[T]{from, is})
}

// at returns what readers see at now; ok is false before the first state.
func (s *settled[T]) at(now time.Time) (is T, ok bool) {
	for i := len(s.states) - 1; i >= 0; i-- {
		if !s.states[i].from.After(now) {
			return s.states[i].is, true
		}
	}
	return is, false
}

// newest returns what was set last, whether or not readers see it yet.
func (s *settled[T]) newest() T { return s.states[len(s.states)-1].is }

// employee is somebody the tenant knows.
type employee struct {
	id    string
	facts settled[*facts]
}

// facts are what is true of an employee from some moment on. They are never
// changed once set.
type facts struct {
	cast.Person
	lastDay string // last working day when it is not End: garden leave
	removed bool   // erased
}

// firstID is the id of the first employee: 19 digits, more than a float holds.
const firstID = 3512908837465120001

// add appends an employee who is visible from a moment on.
func (s *Sim) add(from time.Time, p cast.Person) int {
	i := len(s.people)
	e := &employee{id: strconv.FormatInt(firstID+int64(s.opts.Seed%1000)*1_000_000_007+int64(i)*1_048_577, 10)}
	p.Index = i
	s.lists.learn(p)
	e.facts.set(from, &facts{Person: p})
	s.people = append(s.people, e)
	return i
}

// Hire adds somebody and returns the index that the other methods take. p.Index
// is not used; p.Manager is an index.
func (s *Sim) Hire(p cast.Person) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add(s.soon(), p)
}

// ID returns the id of an employee, "" when there is none at index.
func (s *Sim) ID(index int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.employee(index); e != nil {
		return e.id
	}
	return ""
}

// Person returns what is true of an employee now, visible or not yet.
func (s *Sim) Person(index int) (cast.Person, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.employee(index); e != nil {
		f := e.facts.newest()
		return f.Person, !f.removed
	}
	return cast.Person{}, false
}

// Update changes somebody. The change can be read after the staleness.
func (s *Sim) Update(index int, change func(p *cast.Person)) {
	s.alter(index, func(f *facts) { change(&f.Person); f.Index = index })
}

// Terminate sets the termination date, YYYY-MM-DD. The lifecycle status follows
// at midnight in the time zone of the person's site.
func (s *Sim) Terminate(index int, date string) {
	s.alter(index, func(f *facts) { f.End = date })
}

// GardenLeave sends somebody on garden leave who works until lastDay and is
// terminated on the later date.
func (s *Sim) GardenLeave(index int, lastDay, termination string) {
	s.alter(index, func(f *facts) { f.Status, f.lastDay, f.End = "garden leave", lastDay, termination })
}

// Rehire takes somebody back from start on: the id and the original start date
// stay, the start date is new (inferred).
func (s *Sim) Rehire(index int, start string) {
	s.alter(index, func(f *facts) { f.Status, f.Start, f.End, f.lastDay = "hired", start, "", "" })
}

// Remove erases somebody. Those who report to them still name them.
func (s *Sim) Remove(index int) {
	s.alter(index, func(f *facts) { f.removed = true })
}

func (s *Sim) alter(index int, change func(f *facts)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.employee(index)
	if e == nil {
		return
	}
	next := *e.facts.newest()
	change(&next)
	s.lists.learn(next.Person)
	e.facts.set(s.soon(), &next)
}

// Revoke takes the right to read permission categories away, by id ("lifecycle",
// "workContact"). It takes effect after the permission delay.
func (s *Sim) Revoke(categories ...string) { s.permit(false, categories) }

// Grant gives it back.
func (s *Sim) Grant(categories ...string) { s.permit(true, categories) }

func (s *Sim) permit(yes bool, categories []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := maps.Clone(s.granted.newest())
	for _, c := range categories {
		next[c] = yes
	}
	s.granted.set(s.later(), next)
}

// SetPopulation sets the people condition of the permission group: everybody for
// whom sees is false is left out of every answer. It takes effect after the
// permission delay.
func (s *Sim) SetPopulation(sees func(p cast.Person) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen.set(s.later(), sees)
}

func (s *Sim) employee(index int) *employee {
	if index < 0 || index >= len(s.people) {
		return nil
	}
	return s.people[index]
}

func (s *Sim) soon() time.Time  { return s.opts.Now().Add(max(0, s.opts.Staleness)) }
func (s *Sim) later() time.Time { return s.opts.Now().Add(max(0, s.opts.PermissionDelay)) }

// snapshot is the tenant as one reader sees it at one moment.
type snapshot struct {
	sim     *Sim
	now     time.Time
	ids     []string
	facts   []*facts // nil: not visible yet
	granted map[string]bool
	sees    func(p cast.Person) bool
}

func (s *Sim) snapshot(now time.Time) *snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	snap := &snapshot{sim: s, now: now, ids: make([]string, len(s.people)), facts: make([]*facts, len(s.people))}
	for i, e := range s.people {
		snap.ids[i] = e.id
		snap.facts[i], _ = e.facts.at(now)
	}
	snap.granted, _ = s.granted.at(now)
	snap.sees, _ = s.seen.at(now)
	return snap
}

// visible reports whether the service user may see the employee at all.
func (sn *snapshot) visible(i int) bool {
	f := sn.facts[i]
	return f != nil && !f.removed && sn.sees(f.Person)
}

// today is the date in the time zone of a site: everything about a person
// changes at midnight there.
func (sn *snapshot) today(site string) string {
	zone := sn.sim.opts.Zones[site]
	if zone == nil {
		zone = time.UTC
		switch site {
		case "Lyon", "Paris", "Nantes":
			zone = paris()
		}
	}
	return sn.now.In(zone).Format(time.DateOnly)
}

// paris is loaded once: a search asks for it a few times per person.
var paris = sync.OnceValue(func() *time.Location {
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return time.UTC
	}
	return zone
})

// lifecycle is the machine value of the lifecycle status today.
func (sn *snapshot) lifecycle(f *facts) string {
	today := sn.today(f.Site)
	switch {
	case f.Status == "terminated", f.End != "" && f.End <= today:
		return "terminated"
	case f.Status == "hired" && f.Start <= today:
		return "employed"
	}
	return f.Status
}

// active is the value of internal.status.
func (sn *snapshot) active(f *facts) bool {
	switch sn.lifecycle(f) {
	case "hired", "employed":
		return true
	case "leave", "parental leave":
		return sn.sim.opts.ActiveOnLeave
	}
	return false
}
