package cli

import (
	"context"
	"strings"

	"rollcall/appliance/admin"
	"rollcall/appliance/admin/client"
)

// personWhyNot tells what is between somebody and their accounts, and what would
// have to change.
func (a *app) personWhyNot(ctx context.Context, c *client.Client, who string) error {
	w, err := c.WhyNot(ctx, who)
	if err != nil {
		return err
	}
	if a.json {
		return a.out.json(w, true)
	}
	if w.Person == nil {
		a.out.linef("%s called that, and in nobody's place in the roster yet:", count(len(w.Records), "record is", "records are"))
		for _, r := range w.Records {
			a.out.line("  ", r.Source, " ", r.Native, "  ", faint(r.ID))
		}
		a.tellObstacles(w.Obstacles)
		return nil
	}
	p, err := c.Person(ctx, w.Person.ID)
	if err != nil {
		return err
	}
	a.tellPerson(p)
	if len(w.Obstacles) == 0 {
		a.out.line()
		a.out.line("Nothing is in the way: every target has what it should have, or is about to get it.")
	}
	a.tellObstacles(w.Obstacles)
	if len(p.Pending) > 0 {
		a.out.line()
		a.out.line("Pending:")
		a.tellDeliveries(p.Pending)
	}
	a.tellAccounts(p)
	return nil
}

func (a *app) tellObstacles(obstacles []admin.Obstacle) {
	for _, o := range obstacles {
		a.out.line()
		what := o.What
		if o.Target != "" {
			what = o.Target + ": " + what
		}
		a.out.wrapped("  ", what)
		a.out.wrapped("    would have to change: ", o.Change)
		if o.Command != "" {
			a.out.line("    ", strings.TrimSpace(o.Command))
		}
	}
}
