package admin

import (
	"net/url"
	"time"
)

func (s *Server) people(r *request) (any, error) {
	q, err := r.parameters("q", "at", "after", "limit")
	if err != nil {
		return nil, err
	}
	p, err := page(q)
	if err != nil {
		return nil, err
	}
	at, past, err := instant(q, "at")
	if err != nil {
		return nil, err
	}
	if past {
		found, err := s.service.PeopleAt(r.Context(), q.Get("q"), at, p)
		if found.People == nil {
			found.People = []Person{}
		}
		return found, err
	}
	people, next, err := s.service.People(r.Context(), q.Get("q"), p)
	if people == nil {
		people = []Person{}
	}
	return PeoplePage{People: people, Next: next}, err
}

func (s *Server) person(r *request) (any, error) {
	q, err := r.parameters("who", "at")
	if err != nil {
		return nil, err
	}
	if q.Get("who") == "" {
		return nil, invalid("nobody is named: give an id, an email, an employee number or a name")
	}
	at, past, err := instant(q, "at")
	if err != nil {
		return nil, err
	}
	if past {
		return s.service.PersonAt(r.Context(), q.Get("who"), at)
	}
	return s.service.Person(r.Context(), q.Get("who"))
}

func (s *Server) whyNot(r *request) (any, error) {
	q, err := r.parameters("who")
	if err != nil {
		return nil, err
	}
	if q.Get("who") == "" {
		return nil, invalid("nobody is named: give an id, an email, an employee number or a name")
	}
	w, err := s.service.WhyNot(r.Context(), q.Get("who"))
	if w.Obstacles == nil {
		w.Obstacles = []Obstacle{}
	}
	return w, err
}

func (s *Server) peopleDiff(r *request) (any, error) {
	q, err := r.parameters("from", "to")
	if err != nil {
		return nil, err
	}
	from, ok, err := instant(q, "from")
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, invalid("the instant to compare from is missing: give from as in 2026-11-22T09:00:00Z")
	}
	to, ok, err := instant(q, "to")
	if err != nil {
		return nil, err
	}
	if !ok {
		to = time.Now()
	}
	d, err := s.service.PeopleDiff(r.Context(), from, to)
	if d.People == nil {
		d.People = []PersonDiff{}
	}
	return d, err
}

// instant reads a parameter that is a time as RFC 3339 writes it; false when it is
// not set.
func instant(q url.Values, name string) (time.Time, bool, error) {
	text := q.Get(name)
	if text == "" {
		return time.Time{}, false, nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return at, false, invalid("%s %q is not a time as in 2026-11-22T09:00:00Z", name, text)
	}
	return at, true, nil
}

func (s *Server) importPeople(r *request) (any, error) {
	var asked ImportRequest
	if err := r.decode(&asked); err != nil {
		return nil, err
	}
	s.deciding.Lock()
	defer s.deciding.Unlock()
	done, err := s.service.Import(r.Context(), r.actor(), asked)
	if err != nil {
		return nil, err
	}
	if done.Edits == nil {
		done.Edits = []ImportEdit{}
	}
	if done.Unknown == nil {
		done.Unknown = []ImportUnknown{}
	}
	return done, nil
}
