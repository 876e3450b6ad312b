package scimsim

import (
	"net/http"
	"slices"

	"rollcall/connectors/cast"
	"rollcall/connectors/simdial"
)

// FaultKind is what goes wrong instead of an ordinary answer.
type FaultKind int

const (
	NoFault   FaultKind = iota
	Status              // the status in Fault.Status with a SCIM error
	HTML                // 200 with a web page, as from a login screen
	Hang                // no answer until the client gives up or Heal is called
	Truncated           // a body that ends in the middle
	Redirect            // 302 to Fault.Location
)

// Fault is one trouble to come.
type Fault = simdial.Fault[FaultKind]

// strike gives the whole answer of a fault that replaces the ordinary one.
func strike(f Fault, w http.ResponseWriter, r *http.Request, healed <-chan struct{}) {
	switch f.Kind {
	case Status:
		refuse(w, f.Status, "", http.StatusText(f.Status))
	case HTML:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write([]byte("<!doctype html><title>Sign in</title>"))
	case Hang:
		select {
		case <-r.Context().Done():
		case <-healed:
		}
		panic(http.ErrAbortHandler)
	case Truncated:
		w.Header().Set("Content-Type", "application/scim+json")
		w.Header().Set("Content-Length", "4096")
		w.Write([]byte(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":40,"Resources":[{"id":"5f`))
		panic(http.ErrAbortHandler)
	case Redirect:
		w.Header().Set("Location", f.Location)
		w.WriteHeader(http.StatusFound)
	}
}

// Requests returns how often each "METHOD /path" was asked, whatever was answered.
func (s *Sim) Requests() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[string]int, len(s.requests))
	for k, n := range s.requests {
		out[k] = n
	}
	return out
}

// ID returns the id of a cast index, "" when nobody has it.
func (s *Sim) ID(index int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byIndex[index]
}

// Control changes a server from within [Sim.BetweenPages].
type Control struct{ s *Sim }

// BetweenPages runs change once, after the next page that is not the last one was
// answered. Several calls queue up, one per page.
func (s *Sim) BetweenPages(change func(c *Control)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.between = append(s.between, func() { change(&Control{s}) })
}

// Change applies changes at once.
func (s *Sim) Change(change func(c *Control)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&Control{s})
}

// Add makes a user at the end of the list.
func (c *Control) Add(p cast.Person) { c.s.add(p) }

// Remove deletes the user of a cast index.
func (c *Control) Remove(index int) {
	id := c.s.byIndex[index]
	delete(c.s.byIndex, index)
	c.s.users = slices.DeleteFunc(c.s.users, func(u user) bool { return u.id == id })
}

// Update changes the person behind the user of a cast index.
func (c *Control) Update(index int, change func(p *cast.Person)) {
	for i := range c.s.users {
		if c.s.users[i].id == c.s.byIndex[index] {
			change(&c.s.users[i].person)
		}
	}
}

// Reverse turns the order of the list around, as a server without a stable order
// may at any time.
func (c *Control) Reverse() { slices.Reverse(c.s.users) }

// IgnoreStartIndex makes every page the first one.
func (c *Control) IgnoreStartIndex(ignore bool) { c.s.ignored = ignore }

// ForgetCursors makes every cursor that was handed out worthless.
func (c *Control) ForgetCursors() { c.s.epoch++ }
