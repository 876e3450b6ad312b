package adpsim

import (
	"fmt"
	"slices"

	"rollcall/connectors/cast"
)

// Hazard is something that is odd about one worker, as it is seen in real data.
type Hazard string

const (
	NoBusinessCommunication Hazard = "no business communication" // the object is left out
	EmptyEmailFirst         Hazard = "empty email first"         // an empty address before the real one
	EndedAssignmentFirst    Hazard = "ended assignment first"    // two assignments, the first one terminated
	NoAssignment            Hazard = "no assignment"
	ManagerOutOfScope       Hazard = "manager out of scope" // reportsTo names somebody who is not listed
	NoReportsTo             Hazard = "no reportsTo"         // the list is left out
	MissingStatus           Hazard = "missing status"       // no workerStatus
	TermReason              Hazard = "reason in status"     // a status code that nobody documented
)

// add appends a worker; the caller holds the lock or is alone.
func (s *Sim) add(p cast.Person) string {
	rec := &record{oid: oid(s.nextOID), person: p, hazard: map[Hazard]bool{}}
	s.nextOID++
	s.workers = append(s.workers, rec)
	s.byIndex[p.Index] = rec
	return rec.oid
}

// oid spells an associateOID: 16 upper-case characters.
func oid(n int) string { return fmt.Sprintf("G3SIM%011d", n) }

func number(n, digits int) string { return fmt.Sprintf("%0*d", digits, n) }

// Hire adds a worker at the end of the list and returns the associateOID.
func (s *Sim) Hire(p cast.Person) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add(p)
}

// HireFirst adds a worker in front of the list, which moves everybody under a
// reader who pages by offset.
func (s *Sim) HireFirst(p cast.Person) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.add(p)
	last := len(s.workers) - 1
	rec := s.workers[last]
	copy(s.workers[1:], s.workers[:last])
	s.workers[0] = rec
	return id
}

// Remove takes the worker of a cast index out of the list.
func (s *Sim) Remove(index int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byIndex, index)
	s.workers = slices.DeleteFunc(s.workers, func(r *record) bool { return r.person.Index == index })
}

// Update changes the person behind the worker of a cast index.
func (s *Sim) Update(index int, change func(p *cast.Person)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if rec := s.byIndex[index]; rec != nil {
		change(&rec.person)
	}
}

// Afflict puts hazards on the worker of a cast index.
func (s *Sim) Afflict(index int, hazards ...Hazard) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if rec := s.byIndex[index]; rec != nil {
		for _, h := range hazards {
			rec.hazard[h] = true
		}
	}
}

// OID returns the associateOID of a cast index, "" when nobody has it.
func (s *Sim) OID(index int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.oidOf(index)
}

func (s *Sim) oidOf(index int) string {
	if rec := s.byIndex[index]; rec != nil {
		return rec.oid
	}
	return ""
}
