package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"rollcall/appliance/admin"
	"rollcall/appliance/admin/client"
)

func (a *app) deliveryExplain() *cobra.Command {
	var target string
	c := &cobra.Command{
		Use: "explain WHO", Short: "what is between somebody and their account in a target, and what happens next",
		Long: "Says of one person what is wanted, what the target is known to have, what differs, why it waits, what\n" +
			"was tried and answered, and what happens next and when: in each target, or in one with --target.\n\n" +
			"WHO is an id, an email, an employee number or an unambiguous name.",
		Example: "  rollcall deliveries explain jane@example.com --target javelo",
		Args:    takes(1, 1),
		RunE: showing(a, func(ctx context.Context, c *client.Client, args []string) ([]admin.DeliveryExplained, error) {
			return c.ExplainDelivery(ctx, args[0], target)
		}, func(told []admin.DeliveryExplained) {
			if len(told) == 0 {
				a.out.line("There is no target: add a [targets.NAME] table to the configuration.")
			}
			for i, e := range told {
				if i > 0 {
					a.out.line()
				}
				a.tellExplained(e)
			}
		}),
	}
	c.Flags().StringVar(&target, "target", "", "in one target only (`NAME`)")
	return c
}

func (a *app) tellExplained(e admin.DeliveryExplained) {
	now := a.deps.Now()
	a.out.line(bold(personName(e.Person)), " in ", bold(e.Target), "  ", faint(e.Person.ID))
	state := "nothing is pending"
	if e.State != "none" {
		state = e.Effect + ", " + e.State
		if e.Run > 0 {
			state += ", of run " + number(int(e.Run))
		}
	}
	a.out.line("  ", state)
	switch c := e.Account; {
	case c == nil:
		a.out.line("  no account is known there")
	case c.ID == "":
		a.out.wrapped("  ", "no account is known there, and one may have been made as "+c.Login+": a create had no answer")
	default:
		is := "inactive"
		if c.Active {
			is = "active"
		}
		if c.Adopted {
			is += ", was there before"
		}
		if c.Doubt {
			is += ", in doubt: a write had no answer"
		}
		a.out.wrapped("  ", "account "+c.ID+", login "+c.Login+", "+is+", written "+ago(now, c.At))
	}
	if len(e.Differences) > 0 {
		t := &table{indent: "  ", columns: []column{{title: "DIFFERS IN"}, {title: "IS TO BE", flex: true}, {title: "IS THERE", flex: true}}}
		for _, d := range e.Differences {
			has := value(d.Has)
			if d.Doubt {
				has += " (not sure)"
			}
			t.add(d.Attribute, value(d.Wanted), has)
		}
		a.out.table(t)
	}
	a.tellObstacles(e.Obstacles)
	if len(e.Attempts) > 0 {
		a.out.line()
		a.out.linef("  Tried %s; the latest:", count(e.Tries, "time", "times"))
		t := &table{indent: "  ", columns: []column{{title: "WHEN"}, {title: "WHAT CAME OF IT"}, {title: "ANSWER", flex: true}}}
		for _, at := range e.Attempts {
			t.add(ago(now, at.At), at.Class, at.Answer)
		}
		a.out.table(t)
	}
	next := strings.TrimSpace(e.Next)
	if !e.At.IsZero() {
		next += ", " + ago(now, e.At) + " (" + e.At.Local().Format("2006-01-02 15:04:05") + ")"
	}
	a.out.line()
	a.out.wrapped("  Next: ", next)
}

// tellFacts shows what a target's service was found to offer.
func (a *app) tellFacts(facts []admin.Fact) {
	if len(facts) == 0 {
		return
	}
	a.out.line("  What the service was found to offer:")
	t := &table{indent: "    ", columns: []column{{title: "WHAT"}, {title: "OFFERED", flex: true}, {title: "KNOWN FROM"}}}
	for _, f := range facts {
		t.add(f.Name, f.Value, f.How)
	}
	a.out.table(t)
}

// factsLine is the same in one line.
func factsLine(facts []admin.Fact) string {
	parts := make([]string, len(facts))
	for i, f := range facts {
		parts[i] = f.Name + " " + f.Value
	}
	return strings.Join(parts, "; ")
}
