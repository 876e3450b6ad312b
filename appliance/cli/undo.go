package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
)

func (a *app) undo() *cobra.Command {
	var yes, dry bool
	var digest string
	c := &cobra.Command{
		Use: "undo RUN", Short: "puts accounts back to what they were before a run, after showing that",
		Long: "Puts back what the accounts held before a run wrote to them, as a run of its own under the same guards.\n" +
			"What it would do, and what cannot be undone, is shown first. Afterwards an account stays as it was put\n" +
			"back until its person changes. Accounts that changed again since the run are left as they are, and\n" +
			"named. An answer to a conflict is taken back with \"rollcall conflicts undo\".\n" +
			"Exit code 3 when guards hold some of it or somebody was left out.",
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			seq, err := runNumber(args[0])
			if err != nil {
				return err
			}
			if strings.ContainsAny(digest, "\",\n") {
				return wrongUsage(errors.New("--digest is not as \"rollcall undo RUN --dry-run\" prints it: copy it whole"))
			}
			if !dry && !yes && (a.json || !a.Interactive) {
				return wrongUsage(fmt.Errorf("nobody can be asked here: look at \"rollcall undo %d --dry-run\", then add --yes", seq))
			}
			ctx, cancel := seconds(cmd)
			defer cancel()
			c, err := a.connect()
			if err != nil {
				return err
			}
			tag := digest
			if dry || !yes {
				u, err := c.UndoPlan(ctx, seq)
				if err != nil {
					return err
				}
				if dry && a.json {
					return a.out.json(u, true)
				}
				shown := a
				if !dry {
					shown = &app{Streams: a.Streams, deps: a.deps, out: a.note, note: a.note}
				}
				shown.tellUndo(u)
				if dry {
					a.out.line()
					a.out.line("Exactly this is done by:")
					a.out.linef("  rollcall undo %d --yes --digest %s", seq, u.Tag)
					return nil
				}
				if tag == "" {
					tag = u.Tag
				}
				a.note.line()
				ok, err := a.ask(cmd.Context(), fmt.Sprintf("Undo run %d?", seq))
				if err != nil {
					return err
				}
				if !ok {
					a.note.line("Nothing was changed.")
					return nil
				}
			}
			// The question may have stood for longer than an answer may take.
			fresh, stop := seconds(cmd)
			defer stop()
			u, err := c.UndoRunIf(fresh, seq, tag)
			if err != nil {
				return err
			}
			held := waiting(u.Plan.Holds)
			if a.json {
				err = a.out.json(u, true)
			} else {
				a.out.linef("Run %d puts back what run %d did: %s.", u.By, u.Run, count(len(u.Plan.Changes), "account", "accounts"))
				a.tellHolds(u.Plan.Holds)
				a.tellLeft(u.Left)
			}
			if err == nil && (len(held) > 0 || len(u.Left) > 0) {
				err = needsHuman()
			}
			return err
		},
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "only show what it would do")
	c.Flags().BoolVar(&yes, "yes", false, "without showing and asking")
	c.Flags().StringVar(&digest, "digest", "", "the `DIGEST` that was reviewed, as --dry-run prints it")
	return c
}

func (a *app) tellUndo(u admin.Undo) {
	a.out.line(bold(fmt.Sprintf("Undoing run %d", u.Run)))
	if len(u.Plan.Changes) == 0 {
		a.out.line("No account would be written.")
	}
	if u.Stopped > 0 {
		a.out.linef("%s not sent yet and will not be.", count(u.Stopped, "delivery was", "deliveries were"))
	}
	a.tellCauses(u.Plan.Causes, false)
	a.tellHolds(u.Plan.Holds)
	changes := slices.Clone(u.Plan.Changes)
	for i := range changes {
		// What they are about to be is all that is new: none of them was sent.
		if changes[i].State == string(model.JobReady) {
			changes[i].State = ""
		}
	}
	a.tellChanges(changes)
	a.tellLeft(u.Left)
	a.out.line()
	a.out.line(bold("What cannot be undone"))
	for _, c := range u.Cannot {
		a.out.wrapped("  - ", c)
	}
}
