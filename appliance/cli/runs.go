package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"rollcall/appliance/admin"
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
			// The tag of what is shown is taken before the plan is: what changes until then
			// makes it lapse.
			detail, err := c.Run(ctx, seq)
			if err != nil {
				return err
			}
			plan, err := c.RunPlan(ctx, seq)
			if err != nil {
				return err
			}
			if a.json {
				detail.Causes, detail.Changes = plan.Causes, plan.Changes
				return a.out.json(detail, true)
			}
			a.tellRun(detail.Run, detail.Deliveries, plan, detail.Tag)
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

func (a *app) tellRun(r model.Run, deliveries []admin.Delivery, plan admin.Plan, tag string) {
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
	for _, w := range r.Waves {
		a.out.wrapped("  waves:  ", waveText(w))
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
		held := slices.DeleteFunc(slices.Clone(plan.Changes), func(c admin.PlanChange) bool { return c.State != string(model.JobHeld) })
		a.tellCauses(plan.Causes, true)
		a.tellChanges(held)
		a.out.line()
		a.out.line("Exactly this is released or refused by:")
		a.out.linef("  rollcall approve %d --digest %s", r.Seq, tag)
		a.out.linef("  rollcall reject %d --digest %s", r.Seq, tag)
		if len(held) > 1 {
			a.out.linef("A part of it: rollcall approve %d --only person:WHO, department:NAME or cause:ID", r.Seq)
		}
	}
}

// waveText says how far a run has come that goes out in waves.
func waveText(w model.Waves) string {
	sizes := make([]string, len(w.Sizes))
	for i, n := range w.Sizes {
		sizes[i] = number(n)
	}
	s := fmt.Sprintf("%s: %s accounts, ", w.Target, strings.Join(sizes, " + "))
	switch w.State {
	case model.WavesDone:
		return s + "all of it read back as it was sent"
	case model.WavesStopped:
		return s + fmt.Sprintf("stopped in wave %d: %s", w.Current, w.Reason)
	}
	return s + fmt.Sprintf("wave %d of %d is being sent", w.Current, len(w.Sizes))
}
