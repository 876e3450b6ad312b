package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"rollcall/appliance/admin"
	"rollcall/appliance/admin/client"
)

// instantHelp says what an instant may be written as.
const instantHelp = "An instant is how long ago it was (36h, 7d), a date (2026-11-22, its first moment),\na time (2026-11-22T09:00:00Z) or now."

// resolveInstant reads a flag that holds an instant; false when it was not given.
func (a *app) resolveInstant(flag, text string) (time.Time, bool, error) {
	if text == "" {
		return time.Time{}, false, nil
	}
	at, err := Instant(a.deps.Now(), text)
	if err != nil {
		return at, false, wrongUsage(fmt.Errorf("--%s: %w", flag, err))
	}
	return at, true, nil
}

func (a *app) peopleDiff() *cobra.Command {
	var from, to string
	var asCSV bool
	c := &cobra.Command{
		Use: "diff --from TIME [--to TIME] [--csv]", Short: "who joined, went and changed between two instants",
		Long: "Compares the rosters of two instants; without --to the second one is now.\n" + instantHelp,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asCSV && a.json {
				return wrongUsage(errors.New("--csv and --json are two formats: choose one"))
			}
			begin, ok, err := a.resolveInstant("from", from)
			if err != nil {
				return err
			}
			if !ok {
				return wrongUsage(errors.New("--from is missing: which instant is to be compared? --from 7d compares with seven days ago"))
			}
			end, ok, err := a.resolveInstant("to", to)
			if err != nil {
				return err
			}
			if !ok {
				end = a.deps.Now()
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), 10*time.Minute)
			defer cancel()
			c, err := a.connect()
			if err != nil {
				return err
			}
			d, err := c.PeopleDiff(ctx, begin, end)
			if err != nil {
				return err
			}
			switch {
			case a.json:
				return a.out.json(d, true)
			case asCSV:
				return a.diffCSV(d)
			}
			a.tellDiff(d)
			return nil
		},
	}
	c.Flags().StringVar(&from, "from", "", "the first instant (`TIME`)")
	c.Flags().StringVar(&to, "to", "", "the second instant (`TIME`; default now)")
	c.Flags().BoolVar(&asCSV, "csv", false, "as CSV, one line per person and attribute")
	return c
}

func (a *app) tellDiff(d admin.RosterDiff) {
	a.out.line(bold("From "), d.From.Local().Format(time.RFC3339), bold(" to "), d.To.Local().Format(time.RFC3339))
	for _, n := range d.Notices {
		a.out.wrapped("note: ", n)
	}
	if len(d.People) == 0 {
		a.out.line("Nobody differs.")
		return
	}
	a.out.linef("%s joined, %s gone, %s changed", number(d.Joined), number(d.Gone), number(d.Changed))
	heading := ""
	for _, p := range d.People {
		if p.Change != heading {
			heading = p.Change
			a.out.line()
			a.out.line(bold(heading))
		}
		a.out.line("  ", bold(personName(p.Person)), "  ", faint(p.Person.ID))
		width := 0
		for _, c := range p.Changes {
			width = max(width, len(c.Attribute))
		}
		for _, c := range p.Changes {
			switch p.Change {
			case admin.DiffJoined:
				a.out.linef("    %-*s  %s", width, c.Attribute, value(c.New))
			case admin.DiffGone:
				a.out.linef("    %-*s  %s", width, c.Attribute, value(c.Old))
			default:
				a.out.linef("    %-*s  %s → %s", width, c.Attribute, value(c.Old), value(c.New))
			}
		}
	}
}

func (a *app) diffCSV(d admin.RosterDiff) error {
	out := newSheet(a.out)
	out.row("change", "person", "name", "email", "attribute", "old", "new")
	for _, p := range d.People {
		for _, c := range p.Changes {
			out.row(p.Change, p.Person.ID, p.Person.Name, p.Person.Email, c.Attribute, c.Old, c.New)
		}
	}
	return out.end()
}

func (a *app) personAt(ctx context.Context, c *client.Client, who string, at time.Time) error {
	p, err := c.PersonAt(ctx, who, at)
	if err != nil {
		return err
	}
	if a.json {
		return a.out.json(p, true)
	}
	a.out.line(bold("As it was at "), at.Local().Format(time.RFC3339))
	a.out.line(bold(personName(admin.PersonRef{ID: p.ID, Name: p.Name, Email: p.Email})), "  ", faint(p.ID))
	a.out.linef("  %s, access %s", p.Status, p.Access)
	if p.Manager != nil {
		a.out.line("  reports to ", personName(*p.Manager))
	}
	a.out.line()
	t := &table{indent: "  ", columns: []column{{title: "ATTRIBUTE"}, {title: "VALUE", flex: true}}}
	for _, v := range p.Values {
		t.add(v.Attribute, shown(v.Value, v.Null))
	}
	a.out.table(t)
	return nil
}
