package admintest

import (
	"context"
	"time"

	"rollcall/appliance/admin"
)

// PeopleAt lists Roster, whenever it is asked about.
func (s *Service) PeopleAt(ctx context.Context, query string, at time.Time, page admin.Page) (admin.PeoplePage, error) {
	list, next, err := s.People(ctx, query, page)
	return admin.PeoplePage{People: list, Next: next, At: at}, err
}

// PersonAt is Person, whenever it is asked about.
func (s *Service) PersonAt(ctx context.Context, who string, _ time.Time) (admin.Person, error) {
	return s.Person(ctx, who)
}

// PeopleDiff returns Diff.
func (s *Service) PeopleDiff(_ context.Context, from, to time.Time) (admin.RosterDiff, error) {
	return answer(s, func() (admin.RosterDiff, error) {
		d := s.Diff
		d.From, d.To = from, to
		return d, nil
	})
}

// WhyNot tells what WhyNot of a person of Roster says.
func (s *Service) WhyNot(ctx context.Context, who string) (admin.WhyNot, error) {
	p, err := s.Person(ctx, who)
	out := admin.WhyNot{Person: &admin.PersonRef{ID: p.ID, Name: p.Name, Email: p.Email}, Obstacles: []admin.Obstacle{}}
	for target, why := range p.WhyNot {
		out.Obstacles = append(out.Obstacles, admin.Obstacle{Target: target, What: why, Change: "a human answers it", Command: "rollcall conflicts show c_9f2c"})
	}
	return out, err
}

// ExplainDelivery explains what of Pending is of a person of Roster.
func (s *Service) ExplainDelivery(ctx context.Context, who, target string) ([]admin.DeliveryExplained, error) {
	p, err := s.Person(ctx, who)
	out := []admin.DeliveryExplained{}
	for _, d := range s.Pending {
		if d.Person.ID != p.ID || target != "" && d.Target != target {
			continue
		}
		e := admin.DeliveryExplained{Target: d.Target, Person: d.Person, State: d.State, Effect: d.Effect, Run: d.Run, Tries: d.Attempts,
			Account:     &admin.ExplainedAccount{ID: "j1", Login: p.Email, Active: true, At: Now.Add(-24 * time.Hour)},
			Differences: []admin.Difference{}, Obstacles: []admin.Obstacle{}, Attempts: []admin.DeliveryAttempt{}, Next: "it is tried again", At: d.NotBefore}
		for _, n := range d.Changed {
			e.Differences = append(e.Differences, admin.Difference{Attribute: n, Wanted: "Partner", Has: "Analyst"})
		}
		if d.LastError != "" {
			e.Attempts = append(e.Attempts, admin.DeliveryAttempt{At: Now.Add(-time.Minute), Class: "transient", Answer: d.LastError})
		}
		out = append(out, e)
	}
	return out, err
}
