package demo

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
)

// sourceNames lists the sources in the order of their authority.
var sourceNames = [...]string{"hibob", "lucca", "okta", "azure"}

// senders is how many requests each identity provider has under way at once.
const senders = 4

// progressEvery is how often the deliveries are looked at.
const progressEvery = 300 * time.Millisecond

// whatRunsWhere is act 1.
func (s *story) whatRunsWhere(context.Context) error {
	s.act(1, "What runs where")
	hired := 0
	for i := range s.company.hibob {
		if _, ok := s.hibob.Person(i); ok {
			hired++
		}
	}
	s.table([][]string{
		{"HiBob", strconv.Itoa(hired), "people", "HR of the first legal entity, polled at " + s.at.hibob},
		{"Lucca", strconv.Itoa(len(s.lucca.IDs())), "people", "HR of the second one; some people are in both; polled at " + s.at.lucca},
		{"Okta", strconv.Itoa(len(s.company.okta)), "users", "pushes over SCIM: many HiBob people and two contractors"},
		{"Azure", strconv.Itoa(len(s.company.azure)), "users", "pushes over SCIM: some Lucca people"},
		{"Javelo", strconv.Itoa(len(s.javelo.Accounts())), "accounts", "typed in by hand before rollcall came, at " + s.at.javelo},
		{"rollcall", "", "", "the real appliance, serving SCIM at " + s.addresses.SCIM},
	})
	if s.raised {
		s.say("Javelo allows 300 requests in five minutes, which would make you wait with %s. This one allows %d, and rollcall is configured to the same number.",
			people(len(s.company.people)), s.limit)
	} else {
		s.say("Javelo allows %d requests in five minutes, as in real life; rollcall keeps to four fifths of that.", s.limit)
	}
	if !s.once {
		s.say("Look around from another terminal while this runs:")
		s.command("rollcall --socket " + s.addresses.Admin + " status")
		s.command("less " + s.configPath())
	}
	return nil
}

// preview is act 2: everything is read and planned, and nothing is written.
func (s *story) preview(ctx context.Context) error {
	s.act(2, "First reads, in preview")
	if err := s.provision(ctx); err != nil {
		return err
	}
	st, err := s.firstReads(ctx)
	if err != nil {
		return err
	}
	s.say("A new source starts in preview: it is read, matched and planned, and nothing is relayed. What each would do by itself to the %s in Javelo:",
		count(len(s.javelo.Accounts()), "account", "accounts"))
	rows := [][]string{{"", "records", "create", "adopt", "switch on", "switch off", "no match in Javelo for"}}
	for _, name := range sourceNames {
		plan, err := s.client.Plan(ctx, name)
		if err != nil {
			return err
		}
		if len(plan.Changes) == 0 || len(plan.Holds) > 0 {
			return untold(2, "the plan of %s has %d changes and %d holds", name, len(plan.Changes), len(plan.Holds))
		}
		n := func(e model.Effect) string { return strconv.Itoa(plan.Counts[string(e)]) }
		rows = append(rows, []string{name, strconv.Itoa(source(st, name).Records), n(model.EffectCreate), n(model.EffectAdopt),
			n(model.EffectReactivate), n(model.EffectDeactivate), count(len(plan.Uncovered), "account", "accounts")})
	}
	s.table(rows)
	s.say("Create means a new account; adopt means that the account is there already and is taken over as it is, instead of a second one being made.")
	if login, email := s.otherSpelling(); login != "" {
		s.say("Spelling does not matter for that: Javelo has %s, HiBob has %s.", login, email)
	}
	s.command("rollcall plan hibob     shows it person by person, attribute by attribute")
	if n := s.javelo.Writes(); n != 0 {
		return untold(2, "sources in preview caused %d writes", n)
	}
	s.say("Javelo has received %s so far, and not one write.", count(s.javelo.Total(), "request", "requests"))
	return nil
}

// provision gives both identity providers a token and lets them push everybody.
func (s *story) provision(ctx context.Context) error {
	tokens := map[string]admin.NewToken{}
	for _, name := range []string{"okta", "azure"} {
		s.command("rollcall token create " + name)
		t, err := s.client.CreateToken(ctx, name, "demo", 0)
		if err != nil {
			return err
		}
		if t.Token == "" || t.URL == "" {
			return untold(2, "the token of %s came without the URL to paste", name)
		}
		tokens[name] = t
	}
	s.okta = newOkta(tokens["okta"].URL, tokens["okta"].Token)
	s.azure = newEntra(tokens["azure"].URL, tokens["azure"].Token)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return assignAll(ctx, s.okta, s.oktaProfiles()) })
	g.Go(func() error { return provisionAll(ctx, s.azure, s.azureProfiles()) })
	if err := g.Wait(); err != nil {
		return err
	}
	s.say("Okta and Azure have pushed %s and %s.", count(len(s.company.okta), "user", "users"), count(len(s.company.azure), "user", "users"))
	return nil
}

func (s *stage) oktaProfiles() []profile {
	var all []profile
	for _, i := range s.company.okta {
		all = append(all, s.company.oktaProfile(i))
	}
	return all
}

func (s *stage) azureProfiles() []profile {
	var all []profile
	for _, i := range s.company.azure {
		all = append(all, s.company.azureProfile(i))
	}
	return all
}

// assignAll is what Okta does when a group is assigned to the app.
func assignAll(ctx context.Context, o *okta, profiles []profile) error {
	if err := o.test(ctx); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(senders)
	for _, p := range profiles {
		g.Go(func() error { return o.assign(ctx, p) })
	}
	return g.Wait()
}

// provisionAll is Entra's initial cycle: users first, references after.
func provisionAll(ctx context.Context, e *entra, profiles []profile) error {
	if err := e.test(ctx); err != nil {
		return err
	}
	rounds := []func(context.Context, profile) error{
		e.provision,
		func(ctx context.Context, p profile) error {
			_, err := e.link(ctx, p)
			return err
		},
	}
	for _, round := range rounds {
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(senders)
		for _, p := range profiles {
			g.Go(func() error { return round(ctx, p) })
		}
		if err := g.Wait(); err != nil {
			return err
		}
	}
	return nil
}

// otherSpelling finds an account whose login differs from HiBob's email by case.
func (s *story) otherSpelling() (login, email string) {
	for _, a := range s.javelo.Accounts() {
		for _, i := range s.company.hibob {
			if e := s.company.people[i].Email; e != a.UserName && strings.EqualFold(e, a.UserName) {
				return a.UserName, e
			}
		}
	}
	return "", ""
}

// activation is act 3.
func (s *story) activation(ctx context.Context) error {
	s.act(3, "Activation")
	s.say("While deliveries are paused, the four sources are switched on; then everybody is written once, with what all sources together say.")
	mark := s.javelo.Total()
	s.command("rollcall deliveries pause javelo")
	if err := s.client.SetLane(ctx, "javelo", "paused"); err != nil {
		return err
	}
	for _, name := range sourceNames {
		s.command("rollcall activate " + name)
		seq, err := s.client.Activate(ctx, name)
		if err != nil {
			return err
		}
		detail, err := s.client.Run(ctx, seq)
		if err != nil {
			return err
		}
		if holds := detail.Run.Holds; len(holds) > 0 {
			return untold(3, "activating %s was held: %s", name, holds[0].Reason)
		}
	}
	plan, err := s.client.Plan(ctx, "")
	if err != nil {
		return err
	}
	s.say("All four together, before anything leaves: %s.", plan.Summary)
	s.command("rollcall deliveries resume javelo")
	if err := s.client.SetLane(ctx, "javelo", "open"); err != nil {
		return err
	}
	if err := s.deliveries(ctx, len(plan.Changes)); err != nil {
		return err
	}
	if err := s.arrived(ctx, mark); err != nil {
		return err
	}
	return s.troubles(ctx)
}

// deliveries waits for the deliveries and tells how far they are.
func (s *story) deliveries(ctx context.Context, total int) error {
	done := make(chan error, 1)
	go func() { done <- s.client.Wait(ctx, nil) }()
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	const steps = 5
	told := 0
	tell := func(sent int) {
		for told < steps && sent*steps >= (told+1)*total {
			told++
			s.line(fmt.Sprintf("     %s%s  %d of %d", strings.Repeat("#", told*8), strings.Repeat(".", (steps-told)*8), total*told/steps, total))
		}
	}
	for {
		select {
		case err := <-done:
			if err == nil {
				tell(total)
			}
			return err
		case <-tick.C:
			st, err := s.client.Status(ctx)
			if err != nil {
				continue // Wait tells when it lasts
			}
			if len(st.Targets) == 1 && st.Targets[0].Ready < total {
				tell(total - st.Targets[0].Ready)
			}
		}
	}
}

// arrived checks that Javelo holds what the roster says.
func (s *story) arrived(ctx context.Context, mark int) error {
	roster, err := s.roster(ctx)
	if err != nil {
		return err
	}
	want := 0
	for _, p := range roster {
		if !wanted(p) {
			continue
		}
		want++
		if a, ok := s.javelo.Account(p.Email); !ok || !a.Active {
			return untold(3, "somebody in the roster has no active account in Javelo")
		}
	}
	l, err := s.ledger(ctx)
	if err != nil {
		return err
	}
	s.say("%s now have an active account: %d were created, %d adopted, %d switched on again. Managers went first, so one write carries the link.",
		people(want), l.Created, l.Adopted, l.Reactivated)
	got, known := s.traffic(mark)
	if !known {
		return nil // more requests than the simulator's log keeps
	}
	if got.Created != l.Created || got.Refused > 0 {
		return untold(3, "the journal has %d created accounts and Javelo %d; Javelo refused %d requests", l.Created, got.Created, got.Refused)
	}
	var twice []string
	for id, n := range got.By {
		if n > 1 {
			twice = append(twice, id)
		}
		s.summary.MostWrites = max(s.summary.MostWrites, n)
	}
	circle := []string{}
	for _, p := range []part{circleA, circleB} {
		a, _ := s.account(p)
		circle = append(circle, a.ID)
	}
	if len(twice) > 1 || len(twice) == 1 && !slices.Contains(circle, twice[0]) || s.summary.MostWrites > 2 {
		return untold(3, "%d accounts were written more than once, at most %d times", len(twice), s.summary.MostWrites)
	}
	s.summary.WrittenTwice = len(twice)
	s.say("Javelo counted %s for %s; %d got more than one.", count(got.Writes, "write", "writes"), count(len(got.By), "account", "accounts"), len(twice))
	return nil
}
