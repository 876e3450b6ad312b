package cli

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rollcall/appliance/admin"
	"rollcall/appliance/config"
)

func (a *app) configReload() *cobra.Command {
	var dryRun bool
	c := &cobra.Command{
		Use: "reload [--dry-run]", Short: "has the appliance read its configuration again, or says what that would change",
		Long: "Has the running appliance read its configuration again, as SIGHUP does. Everything is checked and built\n" +
			"before anything changes. What a new policy or map changes in accounts is planned under the guards: a mass\n" +
			"effect is held. --dry-run shows that plan and changes nothing. Exit code 3 when a guard holds something.",
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), 10*time.Minute)
			defer cancel()
			c, err := a.connect()
			if err != nil {
				return err
			}
			r, err := c.Reload(ctx, dryRun)
			if err != nil {
				return err
			}
			if a.json {
				err = a.out.json(r, true)
			} else {
				a.tellReloaded(r)
			}
			if err == nil && (len(r.Held) > 0 || r.Plan != nil && len(r.Plan.Holds) > 0) {
				return needsHuman()
			}
			return err
		},
	}
	c.Flags().BoolVar(&dryRun, "dry-run", false, "only say what would change")
	return c
}

func (a *app) tellReloaded(r admin.Reloaded) {
	if len(r.Changes) == 0 {
		a.out.line("Nothing changed since the configuration was last read.")
	}
	for _, c := range r.Changes {
		a.out.wrapped("- ", changeText(c))
	}
	if len(r.Restart) > 0 {
		a.out.wrapped("", "These wait for a restart: "+strings.Join(r.Restart, ", ")+".")
	}
	if p := r.Plan; p != nil {
		a.out.line()
		a.out.line("Nothing is in force yet. This is what it would change in accounts:")
		a.tellPlan(*p, false)
		return
	}
	if len(r.Reread) > 0 {
		a.out.wrapped("", strings.Join(r.Reread, ", ")+" with a new map or scope: read anew now.")
	}
	if r.Run > 0 {
		a.out.linef("Planned anew as run %d; \"rollcall runs show %d\" shows it.", r.Run, r.Run)
	}
	for _, h := range r.Held {
		a.out.wrapped("- ", "held: "+h)
	}
}

// literalSecret is how a secret that stands in the configuration itself is spelled.
var literalSecret = strconv.Quote(config.Hidden)

// changeText says what changed under a key, and never what a secret is.
func changeText(c admin.ConfigChange) string {
	side := func(text string) string {
		if text == literalSecret {
			return "a secret that stands there"
		}
		return value(text)
	}
	text := c.Key + ": "
	switch {
	case c.Old != c.New:
		text += side(c.Old) + " → " + side(c.New)
	case c.New == literalSecret:
		text += "another secret than before"
	default:
		text += "another secret than before in " + c.New
	}
	if !c.Live {
		text += " (needs a restart)"
	}
	return text
}
