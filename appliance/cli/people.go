package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rollcall/appliance/admin"
	"rollcall/appliance/config"
	"rollcall/appliance/model"
)

func (a *app) people() *cobra.Command {
	var limit int
	var all bool
	var at string
	c := &cobra.Command{
		Use: "people [QUERY] [--at TIME]", Short: "the roster, or who in it QUERY finds, now or as it was",
		Long: "Lists the roster, or who in it QUERY finds: parts of names, emails, numbers, titles and departments;\n" +
			"status:inactive and source:hibob narrow further. With --at it is the roster as it was at an instant.\n" +
			instantHelp + "\n\"rollcall people diff\" compares two instants.",
		Args: takes(0, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := between("limit", limit, 1, maxListed); err != nil {
				return err
			}
			when, past, err := a.resolveInstant("at", at)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), 10*time.Minute)
			defer cancel()
			c, err := a.connect()
			if err != nil {
				return err
			}
			query := strings.Join(args, " ")
			var notices []string
			people, more, err := listPeople(limit, all, func(page admin.Page) ([]admin.Person, string, error) {
				if !past {
					return c.People(ctx, query, page)
				}
				found, err := c.PeopleAt(ctx, query, when, page)
				notices = found.Notices
				return found.People, found.Next, err
			})
			if err != nil {
				return err
			}
			for _, n := range notices {
				a.note.wrapped("note: ", n)
			}
			if a.json {
				return a.out.json(people, true)
			}
			if past {
				a.out.line(bold("As it was at "), when.Local().Format(time.RFC3339))
			}
			a.tellRoster(people, query, more)
			return nil
		},
	}
	c.Flags().IntVar(&limit, "limit", 100, "how many at most (`N`)")
	c.Flags().BoolVar(&all, "all", false, "everyone")
	c.Flags().StringVar(&at, "at", "", "the roster as it was (`TIME`)")
	c.AddCommand(a.peopleDiff(), a.peopleExport(), a.peopleImport())
	return c
}

// listPeople reads page after page until there are limit people, or with all
// until the roster ends; more says that it goes on.
func listPeople(limit int, all bool, read func(admin.Page) ([]admin.Person, string, error)) (people []admin.Person, more bool, err error) {
	people = []admin.Person{}
	page := admin.Page{Limit: admin.MaxPage}
	if !all {
		page.Limit = min(limit, admin.MaxPage)
	}
	for {
		found, next, err := read(page)
		if err != nil {
			return nil, false, err
		}
		people = append(people, found...)
		switch {
		case next == "":
			return people, false, nil
		case !all && len(people) >= limit:
			return people, true, nil
		case next == page.After:
			return nil, false, errors.New("the appliance names the same page twice: report this, and list with a QUERY meanwhile")
		}
		page.After = next
		if !all {
			page.Limit = min(limit-len(people), admin.MaxPage)
		}
	}
}

func (a *app) tellRoster(people []admin.Person, query string, more bool) {
	if len(people) == 0 {
		if query != "" {
			a.out.linef("Nobody matches %q. \"rollcall people\" lists everyone.", query)
			return
		}
		a.out.line("Nobody yet. People appear with the first read of a source: \"rollcall sync\", then \"rollcall status\".")
		return
	}
	t := &table{columns: []column{{title: "NAME", flex: true}, {title: "EMAIL", flex: true}, {title: "STATUS"}, {title: "ACCESS"}, {title: "SOURCES", flex: true}, {title: "NOTE", flex: true}}}
	for _, p := range people {
		t.add(p.Name, p.Email, p.Status, p.Access, strings.Join(p.Sources, ", "), note(p))
	}
	a.out.table(t)
	if more {
		a.note.linef("There are more than %s: narrow it with a QUERY, or add --all.", number(len(people)))
	}
}

// note says what keeps someone from being in step.
func note(p admin.Person) string {
	switch {
	case len(p.Held) > 0:
		return "held by conflict " + strings.Join(p.Held, ", ")
	case p.Waiting != "":
		return "waits: " + p.Waiting
	}
	return ""
}

func (a *app) person() *cobra.Command {
	modes := []string{"explain", "why-not", "history"}
	var at string
	c := &cobra.Command{
		Use: "person WHO [explain|why-not|history] [--at TIME]", Short: "one person: where each value comes from, why not relayed, what changed",
		Long: "WHO is an id, an email, an employee number or an unambiguous name.\n\n" +
			"  explain   where each value comes from, field, record and run, and what lost\n" +
			"  why-not   why someone is not relayed, or not in full\n" +
			"  history   what changed when\n\n" +
			"With --at it is the person as they were at an instant.\n" + instantHelp,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 2 && !slices.Contains(modes, args[1]) {
				return wrongUsage(fmt.Errorf("a name of several words stands between quotes: rollcall person %q %s", strings.Join(args[:2], " "), args[2]))
			}
			return takes(1, 2)(cmd, args)
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 1 {
				return modes, cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			mode := ""
			if len(args) == 2 {
				mode = args[1]
				if !slices.Contains(modes, mode) {
					if near := config.Nearest(mode, modes); near != "" {
						return wrongUsage(fmt.Errorf("unknown question %q: did you mean %s?", mode, near))
					}
					return wrongUsage(fmt.Errorf("unknown question %q: it is one of %s (a name of several words stands between quotes)", mode, strings.Join(modes, ", ")))
				}
			}
			when, past, err := a.resolveInstant("at", at)
			if err != nil {
				return err
			}
			if past && mode != "" {
				return wrongUsage(fmt.Errorf("--at shows what somebody was; %s is about now: leave one of them out", mode))
			}
			ctx, cancel := seconds(cmd)
			defer cancel()
			c, err := a.connect()
			if err != nil {
				return err
			}
			if past {
				return a.personAt(ctx, c, args[0], when)
			}
			if mode == "why-not" {
				return a.personWhyNot(ctx, c, args[0])
			}
			p, err := c.Person(ctx, args[0])
			if err != nil {
				return err
			}
			var history []admin.HistoryEntry
			if mode == "history" {
				if history, err = c.History(ctx, p.ID); err != nil {
					return err
				}
				if a.json {
					return a.out.json(history, true)
				}
			}
			if a.json {
				return a.out.json(p, true)
			}
			a.tellPerson(p)
			switch mode {
			case "explain":
				a.tellProvenance(p)
			case "history":
				a.tellHistory(history)
			default:
				a.tellValues(p)
			}
			return nil
		},
	}
	c.Flags().StringVar(&at, "at", "", "as they were (`TIME`)")
	return c
}

func (a *app) tellPerson(p admin.Person) {
	a.out.line(bold(personName(admin.PersonRef{ID: p.ID, Name: p.Name, Email: p.Email})), "  ", faint(p.ID))
	a.out.wrapped("  ", fmt.Sprintf("%s, access %s: %s", p.Status, p.Access, value(p.Reason)))
	if p.Waiting != "" {
		a.out.wrapped("  waits: ", p.Waiting)
	}
	for _, id := range p.Held {
		a.out.linef("  held by a conflict: rollcall conflicts show %s", quoted(id))
	}
	if p.Manager != nil {
		a.out.line("  reports to ", personName(*p.Manager))
	}
	if p.Reports > 0 {
		a.out.linef("  has %s", count(p.Reports, "report", "reports"))
	}
}

// shown spells a value: null is known to be empty, which is not the same as
// nothing having been said.
func shown(text string, null bool) string {
	if null {
		return "(empty)"
	}
	return value(text)
}

func (a *app) tellValues(p admin.Person) {
	a.out.line()
	t := &table{indent: "  ", columns: []column{{title: "ATTRIBUTE"}, {title: "VALUE", flex: true}, {title: "FROM"}}}
	for _, v := range p.Values {
		t.add(v.Attribute, shown(v.Value, v.Null), v.Source)
	}
	if len(p.Values) == 0 {
		a.out.line("No source says anything of this person any more.")
	} else {
		a.out.table(t)
	}
	a.tellAccounts(p)
	a.out.line()
	a.out.linef("More: rollcall person %s explain|why-not|history", quoted(p.ID))
}

func (a *app) tellAccounts(p admin.Person) {
	a.out.line()
	if len(p.Accounts) == 0 {
		a.out.linef("No account yet: \"rollcall person %s why-not\" says why.", quoted(p.ID))
		return
	}
	now := a.deps.Now()
	t := &table{indent: "  ", columns: []column{{title: "TARGET"}, {title: "LOGIN", flex: true}, {title: "ACCOUNT"}, {title: "ID THERE"}, {title: "DELIVERED"}}}
	for _, c := range p.Accounts {
		state := "inactive"
		if c.Active {
			state = "active"
		}
		if c.Adopted {
			state += ", was there before"
		}
		t.add(c.Target, c.Login, state, c.RemoteID, ago(now, c.At))
	}
	a.out.table(t)
}

// tellMemberships says which groups somebody is in, by whose word, and where.
func (a *app) tellMemberships(groups []admin.Membership) {
	if len(groups) == 0 {
		return
	}
	a.out.line()
	a.out.line("Groups of this person:")
	for _, g := range groups {
		a.out.line("  ", bold(g.Name))
		origin := "    ← " + g.Source + " put them in"
		if g.Attribute != "" {
			origin = "    ← " + g.Source + ", by the attribute " + g.Attribute
			if g.Field != "" {
				origin += ", field " + g.Field
			}
		}
		a.out.line(origin + " ← record " + g.Record)
		where := "in no target yet"
		if len(g.Targets) > 0 {
			where = "in " + strings.Join(g.Targets, ", ")
		}
		a.out.line(faint("    " + where))
	}
}

func (a *app) tellProvenance(p admin.Person) {
	now := a.deps.Now()
	a.out.line()
	if len(p.Values) == 0 {
		a.out.line("No source says anything of this person any more.")
		return
	}
	for _, v := range p.Values {
		a.out.line("  ", bold(v.Attribute), "  ", shown(v.Value, v.Null))
		if v.Source != "" {
			origin := "    ← " + v.Source
			if v.Field != "" {
				origin += ", field " + v.Field
			}
			if v.Record != "" {
				origin += " ← record " + v.Record
			}
			if v.Run > 0 {
				origin += fmt.Sprintf(" ← run %d", v.Run)
			}
			if v.Kept > 0 {
				origin += fmt.Sprintf(", kept: last sent in run %d", v.Kept)
			}
			if !v.At.IsZero() {
				origin += ", " + ago(now, v.At)
			}
			a.out.line(origin)
		}
		if v.Rule != "" {
			a.out.line("    by ", v.Rule)
		}
		if v.FrozenUntil != "" {
			a.out.line(faint("    it goes back and forth: accounts keep the value they have until " + v.FrozenUntil))
		}
		for _, l := range v.Lost {
			a.out.line(faint("    × " + l.Source + " says " + shown(l.Value, l.Null) + ": " + l.Why))
		}
	}
	a.tellMemberships(p.Groups)
	a.out.line()
	a.out.line("Records of this person:")
	t := &table{indent: "  ", columns: []column{{title: "RECORD"}, {title: "SOURCE"}, {title: "ID THERE", flex: true}, {title: "STATUS"}, {title: "CHANGED"}, {title: "NOTE", flex: true}}}
	for _, r := range p.Records {
		var notes []string
		if r.Staged {
			notes = append(notes, "preview")
		}
		if r.Gone {
			notes = append(notes, "gone")
		}
		if r.Scope != "" {
			notes = append(notes, r.Scope)
		}
		t.add(r.ID, r.Source, r.Native, r.Status, ago(now, r.Changed), strings.Join(append(notes, r.Notices...), "; "))
	}
	a.out.table(t)
}

func (a *app) tellHistory(history []admin.HistoryEntry) {
	a.out.line()
	if len(history) == 0 {
		a.out.line("The journal says nothing of this person yet.")
		return
	}
	for _, h := range history {
		a.tellEvent(h.Event, nil)
		width := 0
		for _, c := range h.Changes {
			width = max(width, len(c.Attribute))
		}
		for _, c := range h.Changes {
			a.out.linef("    %-*s  %s → %s", width, c.Attribute, value(c.Old), value(c.New))
		}
	}
}

func (a *app) tellEvents(events []model.Event, names map[string]string) {
	for _, e := range events {
		a.tellEvent(e, names)
	}
}
