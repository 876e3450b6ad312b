package demo

import (
	"context"
	"slices"
	"strings"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/connectors/lucca/luccasim"
)

// troubles tells what became of the people with whom something is wrong, each
// after looking whether it is so.
func (s *story) troubles(ctx context.Context) error {
	s.say("Some people were not so simple:")
	for _, tell := range []func(context.Context) error{s.tellTwins, s.tellEmails, s.tellManagers, s.tellSkipped, s.tellTitle, s.tellDeparted} {
		if err := tell(ctx); err != nil {
			return err
		}
	}
	s.command("rollcall conflicts list     shows what waits for a human, with the ways to answer")
	return nil
}

func (s *story) tellTwins(ctx context.Context) error {
	q, err := s.conflict(ctx, model.DuplicateIdentifier, twinA, twinB)
	if err != nil {
		return untold(3, "two Lucca records with one email: %v", err)
	}
	a, ok := s.account(twinA)
	if !ok || !a.Active || a.ExternalID != "" || !q.Freezes {
		return untold(3, "the account of two Lucca records with one email was touched")
	}
	s.item("%s and %s have one email in Lucca: frozen. Which of them owns the account is for a human to say, so it stays as it is.", s.name(twinA), s.name(twinB))
	return nil
}

func (s *story) tellEmails(ctx context.Context) error {
	if _, err := s.conflict(ctx, model.PersonalEmail, private); err != nil {
		return untold(3, "a personal address: %v", err)
	}
	if _, made := s.account(private); made {
		return untold(3, "an account was created for a personal address")
	}
	s.item("%s has a personal address in HiBob: no account is made for it.", s.name(private))
	if _, err := s.conflict(ctx, model.MissingIdentifier, starter); err != nil {
		return untold(3, "somebody without an email: %v", err)
	}
	s.item("%s starts in three days and has no email yet: waiting, created as soon as there is one.", s.name(starter))
	return nil
}

func (s *story) tellManagers(ctx context.Context) error {
	if _, err := s.conflict(ctx, model.ManagerCycle, circleA, circleB); err != nil {
		return untold(3, "a circle of managers: %v", err)
	}
	a, okA := s.account(circleA)
	b, okB := s.account(circleB)
	if !okA || !okB || a.ManagerID != b.ID || b.ManagerID != a.ID {
		return untold(3, "the links of a circle of managers did not arrive")
	}
	s.item("%s and %s manage each other, says HiBob: delivered as stated, and reported. One of them needs a second write.", s.name(circleA), s.name(circleB))
	if _, err := s.conflict(ctx, model.ManagerUnresolved, orphan); err != nil {
		return untold(3, "a manager who was erased: %v", err)
	}
	if o, ok := s.account(orphan); !ok || o.ManagerID != "" {
		return untold(3, "somebody whose manager was erased has no account, or a manager in Javelo")
	}
	s.item("%s reports to somebody who was erased in HiBob: the account is made without a manager, and reported.", s.name(orphan))
	return nil
}

func (s *story) tellSkipped(ctx context.Context) error {
	roster, err := s.roster(ctx)
	if err != nil {
		return err
	}
	// A record out of scope takes no part, and its person has no name to ask for.
	known := slices.ContainsFunc(roster, func(p admin.Person) bool {
		return p.Access == "keep" && strings.Contains(p.Reason, luccasim.DefaultSkipField)
	})
	a, ok := s.account(skipped)
	if !known || !ok || !a.Active || a.ExternalID != "" {
		return untold(3, "the account of somebody with the skip flag was touched")
	}
	s.item("%s has the skip flag in Lucca: the account in Javelo is left alone.", s.name(skipped))
	return nil
}

func (s *story) tellTitle(ctx context.Context) error {
	who := s.company.of(titled)
	p, err := s.client.Person(ctx, who.Email)
	if err != nil {
		return err
	}
	won, lost := "", ""
	for _, v := range p.Values {
		if v.Attribute != string(model.Title) {
			continue
		}
		won = v.Source
		for _, other := range v.Lost {
			if other.Value == oktaTitle {
				lost = other.Source
			}
		}
	}
	if a, _ := s.account(titled); won != "hibob" || lost != "okta" || a.Title != who.Title {
		return untold(3, "of two titles, %q won and %q lost", won, lost)
	}
	s.item("%s is %q in HiBob and %q in Okta: HiBob comes first in the configured authority, so that is what Javelo gets.", s.name(titled), who.Title, oktaTitle)
	return nil
}

func (s *story) tellDeparted(context.Context) error {
	if a, ok := s.account(departed); !ok || a.Active {
		return untold(3, "the account of somebody who left long ago is still active")
	}
	s.item("%s left half a year ago and still had an active account in Javelo: deactivated, not deleted.", s.name(departed))
	return nil
}
