package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"rollcall/appliance/admin"
	"rollcall/appliance/admin/client"
	"rollcall/appliance/model"
)

func (a *app) runs() *cobra.Command {
	var limit int
	list := &cobra.Command{
		Use: "runs [show ID]", Short: "past runs, and what guards hold of them",
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := between("limit", limit, 1, admin.MaxPage); err != nil {
				return err
			}
			ctx, cancel := seconds(cmd)
			defer cancel()
			c, err := a.connect()
			if err != nil {
				return err
			}
			runs, err := c.Runs(ctx, admin.Page{Limit: limit})
			if err != nil {
				return err
			}
			if a.json {
				return a.out.json(runs, true)
			}
			a.tellRuns(runs)
			return nil
		},
	}
	list.Flags().IntVar(&limit, "limit", 20, "how many, the newest first (`N`)")
	list.AddCommand(&cobra.Command{
		Use: "show ID", Short: "one run: what it read, what it caused, what is held of it",
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			seq, err := runNumber(args[0])
			if err != nil {
				return err
			}
			ctx, cancel := seconds(cmd)
			defer cancel()
			c, err := a.connect()
			if err != nil {
				return err
			}
			run, deliveries, err := c.Run(ctx, seq)
			if err != nil {
				return err
			}
			tag := admin.RunTag(run, deliveries)
			if a.json {
				return a.out.json(admin.RunDetail{Run: run, Deliveries: deliveries, Tag: tag}, true)
			}
			a.tellRun(run, deliveries, tag)
			return nil
		},
	})
	return list
}

// runNumber reads the number of a run: "12", or "run:12" as the journal writes it.
func runNumber(word string) (uint64, error) {
	seq, err := strconv.ParseUint(strings.TrimPrefix(word, "run:"), 10, 64)
	if err != nil || seq == 0 {
		return 0, wrongUsage(fmt.Errorf("%q is not the number of a run: see \"rollcall runs\"", word))
	}
	return seq, nil
}

func between(name string, n, least, most int) error {
	if n < least || n > most {
		return wrongUsage(fmt.Errorf("--%s %d: give a number from %d to %d", name, n, least, most))
	}
	return nil
}

func (a *app) tellRuns(runs []model.Run) {
	if len(runs) == 0 {
		a.out.line("No run yet: \"rollcall sync\" starts one for every polled source.")
		return
	}
	now := a.deps.Now()
	t := &table{columns: []column{{title: "RUN", right: true}, {title: "SOURCE"}, {title: "CAUSE"}, {title: "STARTED"}, {title: "VERDICT"},
		{title: "SEEN", right: true}, {title: "CHANGED", right: true}, {title: "CAUSED", flex: true}}}
	for _, r := range runs {
		t.add(strconv.FormatUint(r.Seq, 10), value(r.Source), string(r.Cause), ago(now, r.Started), verdict(r.Verdict),
			number(r.Counts.Seen), blankZero(r.Counts.Added+r.Counts.Changed+r.Counts.Gone), caused(r))
	}
	a.out.table(t)
}

func verdict(v model.Verdict) any {
	switch v {
	case model.VerdictComplete, model.VerdictRunning:
		return string(v)
	case model.VerdictFailed:
		return bad(string(v))
	}
	return warn(string(v))
}

// caused says what a run changed and whether some of it waits.
func caused(r model.Run) string {
	var parts []string
	for _, p := range []struct {
		n    int
		word string
	}{{r.Counts.Create, "create"}, {r.Counts.Update, "update"}, {r.Counts.Deactivate, "deactivate"}, {r.Counts.Reactivate, "reactivate"}} {
		if p.n > 0 {
			parts = append(parts, p.word+" "+number(p.n))
		}
	}
	if r.Counts.Conflicts > 0 {
		parts = append(parts, count(r.Counts.Conflicts, "conflict", "conflicts"))
	}
	for _, h := range r.Holds {
		parts = append(parts, h.Guard+" "+string(h.State))
	}
	if r.Error != "" {
		parts = append(parts, r.Error)
	}
	return strings.Join(parts, ", ")
}

func (a *app) tellRun(r model.Run, deliveries []admin.Delivery, tag string) {
	now := a.deps.Now()
	title := fmt.Sprintf("Run %d", r.Seq)
	if r.Source != "" {
		title += " of " + r.Source
	}
	a.out.line(bold(title), " (", string(r.Cause), "), ", verdict(r.Verdict), ", started ", ago(now, r.Started))
	if r.Error != "" {
		a.out.wrapped("  ", r.Error)
	}
	c := r.Counts
	a.out.linef("  read:   %s, %s unchanged, %s new, %s changed, %s gone, %s out of scope", count(c.Seen, "record", "records"),
		number(c.Unchanged), number(c.Added), number(c.Changed), number(c.Gone), number(c.OutScope))
	a.out.linef("  caused: %s to create, %s to update, %s to deactivate, %s to reactivate, %s", number(c.Create), number(c.Update),
		number(c.Deactivate), number(c.Reactivate), count(c.Conflicts, "conflict", "conflicts"))
	for _, n := range r.Notes {
		a.out.wrapped("  note: ", n)
	}
	for _, h := range r.Holds {
		if h.State != model.HoldWaiting {
			a.out.wrapped("  ", fmt.Sprintf("%s: %s by %s %s", holdText(h), h.State, value(h.By), ago(now, h.At)))
		}
	}
	a.tellHolds(r.Holds)
	a.out.line()
	if len(deliveries) == 0 {
		a.out.line("Nothing of it is pending.")
	} else {
		a.tellDeliveries(deliveries)
	}
	if len(waiting(r.Holds)) > 0 {
		a.out.line()
		a.out.line("Exactly this is released or refused by:")
		a.out.linef("  rollcall approve %d --digest %s", r.Seq, tag)
		a.out.linef("  rollcall reject %d --digest %s", r.Seq, tag)
	}
}

func (a *app) approve() *cobra.Command {
	return a.decide("approve RUN", "releases what guards hold of a run",
		"Releases what guards hold of a run. With --digest, as \"rollcall runs show\" prints it, only when that is\n"+
			"still exactly what was shown; without, as it is at this moment.",
		"released", (*client.Client).ApproveIf)
}

func (a *app) reject() *cobra.Command {
	return a.decide("reject RUN", "refuses what guards hold of a run",
		"Refuses what guards hold of a run: it is not relayed until the people concerned change again.\n"+
			"--digest is as for approve.",
		"refused", (*client.Client).RejectIf)
}

type decision func(c *client.Client, ctx context.Context, seq uint64, tag string) (int, error)

func (a *app) decide(use, short, long, done string, do decision) *cobra.Command {
	var digest string
	c := &cobra.Command{
		Use: use, Short: short, Long: long,
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			seq, err := runNumber(args[0])
			if err != nil {
				return err
			}
			if strings.ContainsAny(digest, "\",\n") {
				return wrongUsage(errors.New("--digest is not as \"rollcall runs show\" prints it: copy it whole"))
			}
			ctx, cancel := seconds(cmd)
			defer cancel()
			c, err := a.connect()
			if err != nil {
				return err
			}
			run, deliveries, err := c.Run(ctx, seq)
			if err != nil {
				return err
			}
			tag := digest
			if tag == "" {
				if len(waiting(run.Holds)) == 0 {
					return fmt.Errorf("nothing of run %d is held: see \"rollcall runs\" for those that are", seq)
				}
				tag = admin.RunTag(run, deliveries)
			}
			n, err := do(c, ctx, seq, tag)
			if err != nil {
				return err
			}
			if a.json {
				return a.out.json(admin.Settled{Deliveries: n}, true)
			}
			a.out.linef("Run %d: %s %s.", seq, count(n, "delivery", "deliveries"), done)
			return nil
		},
	}
	c.Flags().StringVar(&digest, "digest", "", "what was reviewed, as \"rollcall runs show\" prints it")
	return c
}
