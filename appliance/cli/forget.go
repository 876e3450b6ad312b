package cli

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rollcall/appliance/admin"
)

func (a *app) forget() *cobra.Command {
	var asked admin.ForgetRequest
	var yes bool
	c := &cobra.Command{
		Use: "forget WHO", Short: "erases a person's data, keeping the proof that it was done",
		Long: "Erases what is stored of a person: records, what SCIM senders wrote, old values, what is known of their\n" +
			"accounts. The journal keeps that it was done, by whom and why, and no value. A keyed digest of each id\n" +
			"keeps the next read from bringing them back; [privacy] forgotten says until when. Somebody who works here\n" +
			"is refused without --force. Accounts in targets and backups made before are not touched: it names them.",
		Example: "  rollcall forget jane@example.com --reason \"request 4711\" --dry-run",
		Args:    takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			asked.Who = args[0]
			c, err := a.connect()
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), 10*time.Minute)
			defer cancel()
			if !asked.DryRun && !yes {
				if !a.Interactive {
					return wrongUsage(errors.New("nobody can be asked here: add --yes to erase, or --dry-run to look"))
				}
				look := asked
				look.DryRun = true
				f, err := c.Forget(ctx, look)
				if err != nil {
					return err
				}
				a.tellForgotten(f)
				if yes, err := a.ask(ctx, "Erase this for good?"); err != nil || !yes {
					return err
				}
				asked.Who = f.Person
			}
			f, err := c.Forget(ctx, asked)
			if err != nil {
				return err
			}
			if a.json {
				return a.out.json(f, true)
			}
			a.tellForgotten(f)
			return nil
		},
	}
	c.Flags().StringVar(&asked.Reason, "reason", "", "why, for the journal (`TEXT`): a ticket number, no name")
	c.Flags().BoolVar(&asked.Force, "force", false, "even somebody who works here, or whose account is active")
	c.Flags().BoolVar(&asked.DryRun, "dry-run", false, "only say what would be erased")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

func (a *app) tellForgotten(f admin.Forgotten) {
	verb := "Erased"
	if f.DryRun {
		verb = "Would erase"
	}
	name := f.Person
	if f.Name != "" {
		name = f.Name + " (" + f.Person + ")"
	}
	a.out.wrapped("", verb+" "+name+": "+count(f.Records, "record", "records")+", "+count(f.Resources, "SCIM resource", "SCIM resources")+", "+
		count(f.History, "change with its values", "changes with their values")+", "+count(f.Accounts, "account as known here", "accounts as known here")+", "+
		count(f.Decisions, "decision", "decisions")+", "+count(f.Conflicts, "conflict", "conflicts")+", "+
		count(f.Mentions, "mention in what is stored of others", "mentions in what is stored of others")+".")
	if f.Accounts > 0 {
		a.out.line("Their account in the target is not touched: have it erased there.")
	}
	rotated := []string{}
	for _, path := range f.Backups {
		if strings.Contains(path, ".replaced-") || strings.HasSuffix(path, ".bak") {
			a.out.linef("%s, of before a restore or an upgrade, still holds them, until you remove it.", path)
			continue
		}
		rotated = append(rotated, path)
	}
	if n := len(rotated); n > 0 {
		a.out.linef("%s made before still hold them, until rotation removes the last: %s.", count(n, "backup", "backups"), rotated[n-1])
	}
	if f.Notice != "" {
		a.note.line("warning: ", f.Notice)
	}
}
