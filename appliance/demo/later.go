package demo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/connectors/cast"
	"rollcall/connectors/hibob/hibobsim"
)

const (
	newTitle      = "Head of Chart Rooms"
	newCostCenter = "CC-410"
)

// hibobAt returns the position of somebody with a part in HiBob.
func (s *stage) hibobAt(p part) int { return s.company.inHiBob[s.company.of(p).Index] }

// past is a day that is over everywhere on Earth.
func past() string { return time.Now().AddDate(0, 0, -2).Format(time.DateOnly) }

// dayTwo is act 4.
func (s *story) dayTwo(ctx context.Context) error {
	s.act(4, "Day two")
	mark := s.javelo.Total()
	before, known := s.account(returner)
	if !known || before.Active {
		return untold(4, "who comes back today has no disabled account to come back to")
	}
	moved := "renamed." + s.company.of(renamed).Email
	s.hibob.Update(s.hibobAt(promoted), func(p *cast.Person) { p.Title = newTitle })
	s.hibob.Terminate(s.hibobAt(leaver), past())
	s.hibob.Update(s.hibobAt(renamed), func(p *cast.Person) { p.Email = moved })
	s.hibob.Rehire(s.hibobAt(returner), past())
	s.command("rollcall sync hibob --wait")
	if _, err := s.read(ctx, "hibob"); err != nil {
		return err
	}
	if a, _ := s.account(promoted); a.Title != newTitle {
		return untold(4, "a new title did not arrive")
	}
	s.item("%s is now %q in HiBob, and in Javelo.", s.name(promoted), newTitle)
	if a, _ := s.account(leaver); !a.Active {
		return untold(4, "a leaver lost the account although Okta still has them")
	}
	s.item("%s left, says HiBob; Okta still says active. Nobody is deactivated while one source holds them.", s.name(leaver))
	if err := s.tellRenamed(ctx, moved); err != nil {
		return err
	}
	after, _ := s.account(returner)
	if !after.Active || after.ID != before.ID || s.javelo.Creates(after.UserName) != 0 {
		return untold(4, "who came back did not get the old account back")
	}
	s.item("%s comes back: the old account is switched on again, no second one is made.", s.name(returner))
	if err := s.pushes(ctx); err != nil {
		return err
	}
	if got, known := s.traffic(mark); known {
		if got.Refused > 0 {
			return untold(4, "Javelo refused %d requests", got.Refused)
		}
		s.say("Javelo counted %s for %s today.", count(got.Writes, "write", "writes"), count(len(got.By), "account", "accounts"))
	}
	return nil
}

func (s *story) tellRenamed(ctx context.Context, moved string) error {
	if _, err := s.conflict(ctx, model.IdentifierChange, renamed); err != nil {
		return untold(4, "a changed email: %v", err)
	}
	a, ok := s.account(renamed)
	if _, second := s.javelo.Account(moved); second || !ok || !a.Active {
		return untold(4, "a changed email changed or created an account")
	}
	s.item("%s has another email in HiBob. identifier_changes is off for Javelo, so the login stays, no second account is made, and the change is reported.", s.name(renamed))
	return nil
}

// pushes is what the identity providers send on day two.
func (s *story) pushes(ctx context.Context) error {
	for _, p := range []part{leaver, contractorA} {
		if err := s.okta.deactivate(ctx, s.company.oktaProfile(s.company.of(p).Index)); err != nil {
			return err
		}
	}
	update := s.company.azureProfile(s.company.of(costed).Index)
	update.CostCenter = newCostCenter
	if err := s.azure.setCostCenter(ctx, update); err != nil {
		return err
	}
	if err := s.client.Wait(ctx, nil); err != nil {
		return err
	}
	for _, p := range []part{leaver, contractorA} {
		if a, ok := s.account(p); !ok || a.Active {
			return untold(4, "somebody whom Okta deactivated still has an active account")
		}
	}
	s.item("Okta deactivates %s as well, and the contract of %s ends: both accounts are deactivated.", s.name(leaver), s.name(contractorA))
	if a, _ := s.account(costed); a.Enterprise["costCenter"] != newCostCenter {
		return untold(4, "a cost centre that Azure sent did not arrive")
	}
	s.item("Azure sends cost centre %s for %s, which no HR system knows: it reaches Javelo beside what Lucca says.", newCostCenter, s.name(costed))
	return nil
}

// glitches is act 5: HiBob goes wrong in two ways.
func (s *story) glitches(ctx context.Context) error {
	s.act(5, "HiBob goes wrong")
	active, writes := s.activeAccounts(), s.javelo.Writes()

	s.hibob.FailNext(1, hibobsim.Fault{Kind: hibobsim.Half, Endpoint: "POST /people/search"})
	run, err := s.read(ctx, "hibob")
	if err != nil {
		return err
	}
	if len(run.Holds) != 1 || run.Holds[0].Guard != reconcile.GuardShrink {
		return untold(5, "half a list was not held back")
	}
	s.item("HiBob suddenly answers half a list, as if all were well. %s.", sentence(run.Holds[0].Reason))

	third := s.company.reported()
	for _, i := range third {
		s.hibob.Terminate(s.company.inHiBob[i], past())
	}
	if run, err = s.read(ctx, "hibob"); err != nil {
		return err
	}
	if len(run.Holds) != 1 || run.Holds[0].Guard != reconcile.GuardDeactivations || run.Holds[0].State != model.HoldWaiting {
		return untold(5, "a third of the company leaving at once was not held")
	}
	s.item("Then it lists everybody again, but calls %s terminated: a third of the company. %s, so all %d wait for a human.",
		people(len(third)), sentence(run.Holds[0].Reason), run.Holds[0].Count)
	if rest := len(third) - run.Holds[0].Count; rest > 0 {
		s.item("The other %d are still active in another source and were never in danger.", rest)
	}
	if now := s.activeAccounts(); now != active || s.javelo.Writes() != writes {
		return untold(5, "%d accounts were active before and %d are now, after %d writes", active, now, s.javelo.Writes()-writes)
	}
	s.say("Nobody was deactivated: Javelo has %s as before, and received no write. What waits, and what would let it go:",
		count(active, "active account", "active accounts"))
	need, err := s.need(ctx, "hold")
	if err != nil {
		return err
	}
	s.say("%s: %s", need.Subject, need.Text)
	s.command(need.Command)
	return nil
}

// need returns what the status says of the first thing of a kind.
func (s *stage) need(ctx context.Context, kind string) (admin.Need, error) {
	st, err := s.client.Status(ctx)
	if err != nil {
		return admin.Need{}, err
	}
	for _, n := range st.Needs {
		if n.Kind == kind {
			return n, nil
		}
	}
	return admin.Need{}, fmt.Errorf("demo: the status names no %s", kind)
}

// sentence begins with a capital letter.
func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
