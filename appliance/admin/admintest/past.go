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
