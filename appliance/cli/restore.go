package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"rollcall/appliance/admin"
	"rollcall/appliance/config"
)

// RestoreOptions is how a restore was asked for.
type RestoreOptions struct {
	File       string
	Identities []string // files with private keys, for an encrypted backup
	CheckOnly  bool
	// GoOn decides, seeing what the backup holds, whether it replaces the database.
	GoOn func(admin.BackupContents) (bool, error)
}

func (a *app) restore() *cobra.Command {
	var o RestoreOptions
	var yes bool
	c := &cobra.Command{
		Use: "restore FILE", Short: "puts a backup in the place of the database, while no appliance runs",
		Long: "Checks FILE whole and refuses it with what is wrong; then puts it in the place of the database and keeps\n" +
			"the one it replaces. The appliance must be stopped. What was delivered after the backup is not known to\n" +
			"it: at the next start every target is listed and compared and gets nothing until you let it go on\n" +
			"(\"rollcall plan\", then \"rollcall deliveries resume TARGET\"). --check only looks, also beside a running\n" +
			"appliance: with a newer program it tries the upgrade on a copy.",
		Example: "  rollcall restore --check /var/lib/rollcall/backups/rollcall-20261130T020000Z.db\n" +
			"  systemctl stop rollcall && rollcall restore /mnt/backup/rollcall.db.age --identity /root/backup-key.txt",
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if a.deps.Restore == nil {
				return notBuiltIn("restoring")
			}
			o.File = args[0]
			o.GoOn = func(c admin.BackupContents) (bool, error) {
				if !a.json {
					a.tellContents(o.File, c)
				}
				switch {
				case yes:
					return true, nil
				case !a.Interactive:
					return false, wrongUsage(errors.New("nobody can be asked here: add --yes to replace the database by this backup"))
				}
				return a.ask(cmd.Context(), "Replace the database by this backup?")
			}
			r, err := a.deps.Restore(cmd.Context(), a.configPath, o)
			var problems config.Problems
			switch {
			case errors.As(err, &problems):
				return wrongUsage(errors.New(problems.Detail() + "correct the configuration and see \"rollcall config check\""))
			case err != nil:
				return err
			case a.json:
				return a.out.json(r, true)
			}
			a.tellRestored(o, r)
			return nil
		},
	}
	c.Flags().StringArrayVar(&o.Identities, "identity", nil, "`FILE` with the age identity or SSH private key of an encrypted backup; may be given more than once")
	c.Flags().BoolVar(&o.CheckOnly, "check", false, "only look whether the backup is sound, and what it holds")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

func (a *app) tellContents(file string, c admin.BackupContents) {
	newest := ""
	if c.Newest != "" {
		newest = "; the newest of " + c.Newest
	}
	a.out.linef("%s is sound: %s, %s, %s%s.", file, count(c.People, "person", "people"), count(c.Records, "record", "records"),
		count(c.Events, "event", "events"), newest)
	if c.Upgraded > 0 {
		a.out.linef("It has schema version %d; bringing a copy of it to version %d worked.", c.Schema, c.Upgraded)
	}
	if !c.Sealed {
		a.note.line("note: it carries no seal, so it is a plain copy of a database and not a file that \"rollcall backup\" wrote.")
	}
}

func (a *app) tellRestored(o RestoreOptions, r admin.Restored) {
	if o.CheckOnly {
		a.tellContents(o.File, r.Contents)
		return
	}
	if !r.Done {
		a.out.line("Nothing was changed.")
		return
	}
	a.out.linef("Restored to %s.", r.Database)
	if r.Kept != "" {
		a.out.linef("The database it replaced is kept as %s.", r.Kept)
	}
	if r.NotCarried != "" {
		a.note.wrapped("warning: ", "the replaced database could not be read ("+r.NotCarried+"): tokens revoked and people erased since the backup are as they were then. "+
			"Revoke and erase them again.")
	}
	if r.TokensRevoked > 0 {
		a.out.linef("%s after the backup: revoked again.", count(r.TokensRevoked, "token was revoked", "tokens were revoked"))
	}
	if r.TokensLost > 0 {
		a.out.linef("%s after the backup and is not known any more: make new ones (\"rollcall token create\").", count(r.TokensLost, "token was made", "tokens were made"))
	}
	if r.Erasures > 0 {
		a.out.linef("%s since the backup: erased again at the next start.", count(r.Erasures, "record was erased", "records were erased"))
	}
	if len(r.HeldTargets) > 0 {
		a.out.linef("Start the appliance; %s held. \"rollcall plan\" shows how each differs from the backup, \"rollcall deliveries resume TARGET\" lets it go on.",
			isAre(r.HeldTargets))
		return
	}
	a.out.line("Start the appliance.")
}

func isAre(names []string) string {
	if len(names) == 1 {
		return names[0] + " is"
	}
	return fmt.Sprintf("%s and %s are", strings.Join(names[:len(names)-1], ", "), names[len(names)-1])
}

// restoreHook is what the assembly puts behind restore.
type restoreHook = func(ctx context.Context, configPath string, o RestoreOptions) (admin.Restored, error)
