package luccasim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"rollcall/connectors/cast"
)

const (
	firstID = 412
	stepID  = 7
)

// user is one employee as Lucca keeps them.
type user struct {
	id       int
	p        cast.Person
	self     bool   // is said to be their own manager
	noMail   string // "null" or "empty": how a missing mail is told
	extended map[string]any
	moves    []move // planned job positions, in date order
	removed  bool   // erased: only seen through those they managed
	modified string
}

// move is a job position that begins in the future.
type move struct {
	on, title string
	manager   int // cast index
}

func (s *Sim) add(id int, p cast.Person) *user {
	u := &user{id: id, p: p, extended: seedExtension(id, p.Index, s.opts.SkipField), modified: "2026-10-07T10:20:06.583"}
	if p.Email == "" {
		u.noMail = "null"
	}
	s.users = append(s.users, u)
	s.byID[id] = u
	s.nextID = max(s.nextID, id+stepID)
	s.register(p)
	return u
}

// register gives the department, the legal entity and the site of p an id.
func (s *Sim) register(p cast.Person) {
	note := func(list *[]string, name string) {
		if name != "" && !slices.Contains(*list, name) {
			*list = append(*list, name)
		}
	}
	note(&s.departments, p.Department)
	note(&s.entities, p.LegalEntity)
	note(&s.sites, p.Site)
}

// seedExtension spreads every documented shape of an extension value over the
// company: wrapped text, list entry by number, date, several values, composite,
// bare value, and a checkbox that was ticked and unticked again.
func seedExtension(id, index int, skip string) map[string]any {
	wrap := func(n int, v any) map[string]any { return map[string]any{"id": 15000 + id*10 + n, "value": v} }
	e := map[string]any{}
	if index%5 == 0 {
		e["e_badge"] = wrap(0, fmt.Sprintf("A-%d", index))
	}
	if index%7 == 0 {
		e["e_language"] = wrap(1, index%3+1)
	}
	if index%11 == 0 {
		e["e_medical_visit"] = wrap(2, "2026-03-16T00:00:00")
	}
	if index%13 == 1 {
		e["e_certificate"] = []any{wrap(3, "ISO 27001"), wrap(4, "ITIL")}
	}
	if index%17 == 2 {
		e["e_car"] = map[string]any{"e_car_model": wrap(5, "Estate"), "e_car_since": wrap(6, "2024-02-01T00:00:00")}
	}
	if index%19 == 3 {
		e["e_bloodType"] = "AB"
	}
	if index%23 == 4 {
		e[skip] = wrap(7, false)
	}
	return e
}

// today is the calendar date of the tenant.
func (s *Sim) today() string { return s.opts.Now().Format(time.DateOnly) }

func (s *Sim) former(u *user) bool { return u.p.End != "" && u.p.End < s.today() }

// position is the job position that applies on the date.
func (u *user) position(date string) (title string, manager int) {
	title, manager = u.p.Title, u.p.Manager
	for _, m := range u.moves {
		if m.on <= date {
			title, manager = m.title, m.manager
		}
	}
	return title, manager
}

// managerOf returns the manager by id, nil for none.
func (s *Sim) managerOf(u *user) *user {
	if u.self {
		return u
	}
	_, index := u.position(s.today())
	return s.byID[s.byIndex[index]]
}

// IDs returns the ids of everyone who was not removed, in the order they came.
func (s *Sim) IDs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for _, u := range s.users {
		if !u.removed {
			ids = append(ids, strconv.Itoa(u.id))
		}
	}
	return ids
}

// ID returns the id of the person with that index in the cast, "" for nobody.
func (s *Sim) ID(index int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, ok := s.byIndex[index]
	if !ok {
		return ""
	}
	return strconv.Itoa(id)
}

// change runs f as one change.
func (s *Sim) change(f func(c *Control)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&Control{s})
}

// Hire adds a person and returns their id.
func (s *Sim) Hire(p cast.Person) (id string) {
	s.change(func(c *Control) { id = c.Hire(p) })
	return id
}

// Update changes what is known of a person. It reports whether id is one.
func (s *Sim) Update(id string, f func(p *cast.Person)) (ok bool) {
	s.change(func(c *Control) { ok = c.Update(id, f) })
	return ok
}

// Terminate ends the contract of a person; lastDay is YYYY-MM-DD, inclusive.
func (s *Sim) Terminate(id, lastDay string) (ok bool) {
	s.change(func(c *Control) { ok = c.Terminate(id, lastDay) })
	return ok
}

// Remove erases a person, as a privacy request does.
func (s *Sim) Remove(id string) (ok bool) {
	s.change(func(c *Control) { ok = c.Remove(id) })
	return ok
}

// DuplicateMail gives id the mail of other, as copying a form does.
func (s *Sim) DuplicateMail(id, other string) (ok bool) {
	s.change(func(c *Control) {
		from := c.s.find(other)
		if from == nil {
			return
		}
		ok = c.Update(id, func(p *cast.Person) { p.Email = from.p.Email })
	})
	return ok
}

// ManageSelf makes a person their own manager.
func (s *Sim) ManageSelf(id string) (ok bool) {
	s.change(func(c *Control) {
		if u := c.s.find(id); u != nil {
			u.self, ok = true, true
		}
	})
	return ok
}

// BlankMail takes the mail away and tells that as an empty text, not as null.
func (s *Sim) BlankMail(id string) (ok bool) {
	s.change(func(c *Control) {
		if u := c.s.find(id); u != nil {
			u.p.Email, u.noMail, ok = "", "empty", true
		}
	})
	return ok
}

// PlanMove plans a job position that begins on the date.
func (s *Sim) PlanMove(id, on, title string, managerIndex int) (ok bool) {
	s.change(func(c *Control) {
		if u := c.s.find(id); u != nil {
			u.moves, ok = append(u.moves, move{on, title, managerIndex}), true
			slices.SortFunc(u.moves, func(a, b move) int { return cmpText(a.on, b.on) })
		}
	})
	return ok
}

// SetExtension sets the extension code of a person to any JSON, in whatever
// shape the test wants, and takes it away when value is empty. It reports
// whether id is a person and value is JSON.
func (s *Sim) SetExtension(id, code, value string) (ok bool) {
	s.change(func(c *Control) {
		u := c.s.find(id)
		switch {
		case u == nil:
		case value == "":
			delete(u.extended, code)
			ok = true
		case json.Valid([]byte(value)):
			u.extended[code] = json.RawMessage(value)
			ok = true
		}
	})
	return ok
}

// Control is what may be done from within [Sim.BetweenPages].
type Control struct{ s *Sim }

// Hire is [Sim.Hire].
func (c *Control) Hire(p cast.Person) string {
	id := c.s.nextID
	c.s.byIndex[p.Index] = id
	c.s.add(id, p)
	return strconv.Itoa(id)
}

// Insert adds a person under an id of the caller's choice, lower than others
// perhaps: what happens when somebody becomes visible in the middle of a read.
// It returns false when the id is taken or no number.
func (c *Control) Insert(id string, p cast.Person) bool {
	n, err := strconv.Atoi(id)
	if err != nil || c.s.byID[n] != nil {
		return false
	}
	c.s.byIndex[p.Index] = n
	c.s.add(n, p)
	return true
}

// Update is [Sim.Update].
func (c *Control) Update(id string, f func(p *cast.Person)) bool {
	u := c.s.find(id)
	if u == nil {
		return false
	}
	index := u.p.Index
	f(&u.p)
	u.p.Index = index
	u.modified = c.s.opts.Now().Format("2006-01-02T15:04:05.999")
	c.s.register(u.p)
	return true
}

// Terminate is [Sim.Terminate].
func (c *Control) Terminate(id, lastDay string) bool {
	return c.Update(id, func(p *cast.Person) { p.End, p.Status = lastDay, "terminated" })
}

// Remove is [Sim.Remove].
func (c *Control) Remove(id string) bool {
	u := c.s.find(id)
	if u == nil {
		return false
	}
	u.removed = true
	return true
}

// find returns the person with that id who was not removed.
func (s *Sim) find(id string) *user {
	n, err := strconv.Atoi(id)
	if err != nil {
		return nil
	}
	if u := s.byID[n]; u != nil && !u.removed {
		return u
	}
	return nil
}
