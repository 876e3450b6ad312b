package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rollcall/appliance/admin"
	"rollcall/appliance/admin/client"
	"rollcall/appliance/config"
	"rollcall/appliance/model"
)

func (a *app) deliveries() *cobra.Command {
	var target, state string
	var limit int
	list := func(cmd *cobra.Command, _ []string) error {
		if err := between("limit", limit, 1, admin.MaxPage); err != nil {
			return err
		}
		states := []string{string(model.JobOpen), string(model.JobHeld), string(model.JobReady), string(model.JobParked), string(model.JobRejected)}
		if state != "" && config.Nearest(state, states) != state {
			return wrongUsage(fmt.Errorf("--state %q: it is one of %s", state, strings.Join(states, ", ")))
		}
		ctx, cancel := seconds(cmd)
		defer cancel()
		c, err := a.connect()
		if err != nil {
			return err
		}
		deliveries, err := c.Deliveries(ctx, target, state, admin.Page{Limit: limit})
		if err != nil {
			return err
		}
		if a.json {
			return a.out.json(deliveries, true)
		}
		if len(deliveries) == 0 {
			lacks, err := nothingYet(ctx, c)
			switch {
			case err != nil:
				return err
			case lacks != "":
				a.out.line(lacks)
			case target != "" || state != "":
				a.out.line("Nothing of that is on its way. \"rollcall deliveries\" shows all that is.")
			default:
				a.out.line("Nothing is on its way: targets have what they should have. \"rollcall plan\" shows what a source in preview would bring.")
			}
			return nil
		}
		a.tellDeliveries(deliveries)
		if len(deliveries) == limit {
			a.note.linef("There may be more: choose with --target and --state, or raise --limit (up to %d).", admin.MaxPage)
		}
		return nil
	}
	filters := func(c *cobra.Command) *cobra.Command {
		c.Flags().StringVar(&target, "target", "", "of one target only (`NAME`)")
		c.Flags().StringVar(&state, "state", "", "open, held, ready, parked or rejected (`STATE`)")
		c.Flags().IntVar(&limit, "limit", 100, "how many at most (`N`)")
		return c
	}
	c := filters(&cobra.Command{
		Use: "deliveries [list|explain|retry|drop|groups|drift|pause|resume]", Short: "what is on its way to a target, what failed and why",
		Args: takes(0, 0), RunE: list,
	})
	c.AddCommand(
		filters(&cobra.Command{Use: "list", Short: "what is on its way", Args: takes(0, 0), RunE: list}),
		a.deliveryExplain(),
		a.onDelivery("retry TARGET WHO", "sends one again, a parked one too", "is sent again as soon as the target takes it", (*client.Client).RetryDelivery),
		a.onDelivery("drop TARGET WHO", "forgets one until the person changes", "is dropped until the person changes", (*client.Client).DropDelivery),
		a.targetGroups(),
		a.drift(),
		a.lane("pause TARGET", "sends nothing to a target", "paused", "is paused. \"rollcall deliveries resume %s\" lets it go on."),
		a.lane("resume TARGET", "sends to a paused or denied target again", "open", "takes deliveries again. See \"rollcall deliveries --target %s\"."))
	return c
}

func (a *app) targetGroups() *cobra.Command {
	c := &cobra.Command{
		Use: "groups [TARGET]", Short: "the groups that targets have, and what is held or refused",
		Long: "Shows the groups of sources in the targets that take them (groups = true): those that SCIM senders push,\n" +
			"and those that a source makes of attributes (its key groups). A group whose members\n" +
			"would be taken out too many at once waits: \"rollcall deliveries groups retry TARGET SOURCE ID\" lets it go.",
		Args: takes(0, 1),
		RunE: showing(a, func(ctx context.Context, c *client.Client, args []string) ([]admin.Group, error) {
			return c.Groups(ctx, strings.Join(args, ""))
		}, a.tellTargetGroups),
	}
	c.AddCommand(a.groupShow(), &cobra.Command{
		Use: "retry TARGET SOURCE ID", Short: "lets a held or refused group go, exactly as it was held",
		Args: takes(3, 3),
		RunE: acting(a, func(ctx context.Context, c *client.Client, args []string) (map[string]string, string, error) {
			err := c.RetryGroup(ctx, args[0], args[1], args[2])
			return map[string]string{"target": args[0], "source": args[1], "group": args[2], "done": "retry"},
				fmt.Sprintf("The group goes to %s as soon as it takes it.", args[0]), err
		}),
	})
	return c
}

func (a *app) tellTargetGroups(groups []admin.Group) {
	if len(groups) == 0 {
		a.out.line("No groups: no sender pushed one and no source makes any (its key groups), or no target takes them (groups = true).")
		return
	}
	now := a.deps.Now()
	t := &table{indent: "  ", columns: []column{{title: "TARGET"}, {title: "GROUP", flex: true}, {title: "SOURCE"}, {title: "ID"}, {title: "MEMBERS", right: true}, {title: "STATE"}, {title: "WRITTEN"}, {title: "WHY", flex: true}}}
	for _, g := range groups {
		why := g.Reason
		if why == "" {
			why = g.LastError
		}
		t.add(g.Target, g.Name, g.Source, g.ID, number(g.Members), g.State, ago(now, g.At), why)
	}
	a.out.table(t)
}

func (a *app) groupShow() *cobra.Command {
	return &cobra.Command{
		Use: "show TARGET SOURCE ID", Short: "one group: who is in it, and who will be",
		Long: "Shows the members that a group has in the target by rollcall's hand, and what the next write adds and\n" +
			"removes. Members whom somebody else put in there are not touched, and not shown.",
		Args: takes(3, 3),
		RunE: showing(a, func(ctx context.Context, c *client.Client, args []string) (admin.GroupDetail, error) {
			return c.Group(ctx, args[0], args[1], args[2])
		}, a.tellGroup),
	}
}

func (a *app) tellGroup(g admin.GroupDetail) {
	a.out.line(bold(g.Name), "  ", faint(g.Source+" "+g.ID))
	a.out.linef("  in %s: %s", g.Target, g.State)
	for _, why := range []string{g.Reason, g.LastError} {
		if why != "" {
			a.out.wrapped("  ", why)
		}
	}
	if len(g.People) == 0 {
		a.out.line("  Nobody is in it.")
		return
	}
	a.out.line()
	t := &table{indent: "  ", columns: []column{{title: "MEMBER", flex: true}, {title: "STATE"}}}
	for _, m := range g.People {
		t.add(personName(m.Person), memberState(m.State))
	}
	a.out.table(t)
}

// memberState spells how somebody stands in a group.
func memberState(state string) string {
	switch state {
	case "add":
		return "will be added"
	case "remove":
		return "will be removed"
	case "waits":
		return "waits for an account"
	}
	return state
}

func (a *app) drift() *cobra.Command {
	return &cobra.Command{
		Use: "drift [TARGET]", Short: "what targets hold otherwise than it was delivered, and accounts of nobody",
		Long: "Shows what the last listing of the accounts found: edits made by hand in the target, values it keeps\n" +
			"in a form of its own, accounts that are not listed any more, and accounts that no source covers.\n" +
			"Accounts are listed once a day. What is done about edits, the key drift of the target says.",
		Args: takes(0, 1),
		RunE: showing(a, func(ctx context.Context, c *client.Client, args []string) ([]admin.Drift, error) {
			return c.Drift(ctx, strings.Join(args, ""))
		}, a.tellDrift),
	}
}

func (a *app) tellDrift(found []admin.Drift) {
	if len(found) == 0 {
		a.out.line("Targets hold what was delivered, and no accounts of nobody, as far as the last listing shows.")
		return
	}
	now := a.deps.Now()
	t := &table{indent: "  ", columns: []column{{title: "TARGET"}, {title: "ACCOUNT", flex: true}, {title: "WHAT"}, {title: "FIELDS", flex: true}, {title: "SINCE"}, {title: "WHAT IS DONE", flex: true}}}
	for _, d := range found {
		who := d.Login
		if d.Person != nil {
			who = personName(*d.Person)
		}
		since := "" // of an account that is nobody's, nobody noted it
		if !d.Since.IsZero() {
			since = ago(now, d.Since)
		}
		t.add(d.Target, who, driftWord(d), strings.Join(d.Fields, ", "), since, d.Done)
	}
	a.out.table(t)
}

func driftWord(d admin.Drift) string {
	switch d.Kind {
	case "own_form":
		return "kept otherwise"
	case "nobody":
		if !d.Active {
			return "nobody's, disabled"
		}
		return "nobody's"
	}
	return d.Kind
}

func (a *app) tellDeliveries(deliveries []admin.Delivery) {
	now := a.deps.Now()
	t := &table{indent: "  ", columns: []column{{title: "TARGET"}, {title: "PERSON", flex: true}, {title: "EFFECT"}, {title: "STATE"}, {title: "QUEUED"}, {title: "WHY", flex: true}}}
	for _, d := range deliveries {
		t.add(d.Target, personName(d.Person), effectWord(d.Effect), d.State, ago(now, d.Created), deliveryNote(d, now))
	}
	a.out.table(t)
}

// deliveryNote says what changes, and what stopped it so far.
func deliveryNote(d admin.Delivery, now time.Time) string {
	var parts []string
	if d.LastError != "" {
		parts = append(parts, d.LastError)
	}
	if d.Reason != "" {
		parts = append(parts, d.Reason)
	}
	if d.Attempts > 0 {
		parts = append(parts, count(d.Attempts, "attempt", "attempts"))
	}
	if d.NotBefore.After(now) {
		parts = append(parts, "again "+ago(now, d.NotBefore))
	}
	if len(d.Changed) > 0 {
		parts = append(parts, "changes "+strings.Join(d.Changed, ", "))
	}
	return strings.Join(parts, "; ")
}

func (a *app) onDelivery(use, short, done string, do func(c *client.Client, ctx context.Context, target, person string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short,
		Long: sentence(short) + "\n\nWHO is an id, an email, an employee number or an unambiguous name.",
		Args: takes(2, 2),
		RunE: acting(a, func(ctx context.Context, c *client.Client, args []string) (map[string]string, string, error) {
			p, err := c.Person(ctx, args[1])
			if err != nil {
				return nil, "", err
			}
			verb, _, _ := strings.Cut(use, " ")
			return map[string]string{"target": args[0], "person": p.ID, "done": verb},
				fmt.Sprintf("The delivery of %s to %s %s.", personName(admin.PersonRef{ID: p.ID, Name: p.Name, Email: p.Email}), args[0], done),
				do(c, ctx, args[0], p.ID)
		}),
	}
}

func (a *app) lane(use, short, state, done string) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short,
		Args: takes(1, 1),
		RunE: acting(a, func(ctx context.Context, c *client.Client, args []string) (map[string]string, string, error) {
			return map[string]string{"target": args[0], "state": state}, args[0] + " " + fmt.Sprintf(done, quoted(args[0])), c.SetLane(ctx, args[0], state)
		}),
	}
}
