package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"rollcall/appliance/config"
	"rollcall/appliance/install"
)

func (a *app) install() *cobra.Command {
	var dryRun, yes, sshd bool
	c := &cobra.Command{
		Use: "install", Short: "puts this program onto the machine as a service, or upgrades the one there",
		Long: "Shows what it would do, asks, and does it: this program in /usr/local/bin, a system user and groups,\n" +
			"directories, a configuration to begin with, a hardened systemd unit, alert rules and a dashboard. What\n" +
			"is done already is left alone, so it can be run again at any time; a newer program run with it upgrades\n" +
			"the one installed. Configuration, secrets and data are never overwritten.",
		Example: "  sudo ./rollcall install --dry-run\n  sudo ./rollcall install --sshd",
		Args:    takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := a.installOptions()
			if err != nil {
				return err
			}
			o.SSHD = sshd
			steps, err := install.Install(cmd.Context(), o, a.machine())
			if err != nil {
				return err
			}
			upgrade := slices.ContainsFunc(steps, func(s install.Step) bool { return s.Upgrade })
			done, err := a.doSteps(cmd.Context(), steps, "Do all this?", dryRun, yes)
			if err != nil || !done {
				return err
			}
			a.out.line()
			if upgrade {
				a.tellUpgraded()
				return nil
			}
			a.out.paragraph("Installed. What is next:\n" +
				"  usermod -aG rollcall YOU            then log in again: you may ask the appliance\n" +
				"  sudoedit /etc/rollcall/config.toml  your sources and targets; secrets go to /etc/rollcall/secrets\n" +
				"  rollcall config check               every problem at once\n" +
				"  systemctl restart rollcall\n" +
				"  rollcall tui                        says what to do next, step by step")
			if !sshd {
				a.out.line("\"rollcall install --sshd\" gives two groups the terminal UI over SSH, and nothing else.")
			}
			return nil
		},
	}
	c.Flags().BoolVar(&dryRun, "dry-run", false, "only show what would be done")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	c.Flags().BoolVar(&sshd, "sshd", false, "also write the block for sshd that opens the terminal UI for two groups")
	return c
}

func (a *app) tellUpgraded() {
	running := "Restart the service: until then the program of before runs on."
	if a.machine().Systemd() {
		running = "The service was restarted with it."
	}
	a.out.paragraph("Upgraded to rollcall " + a.deps.Version.Version + "; configuration, secrets and data are as they were.\n" + running + "\n" +
		"  rollcall status                     whether it runs, and what needs you")
}

func (a *app) uninstall() *cobra.Command {
	var dryRun, yes, purge bool
	c := &cobra.Command{
		Use: "uninstall", Short: "takes the service off the machine; data stays unless --purge",
		Long: "Shows what it would do, asks, and does it. Configuration, secrets and the database stay, so that\n" +
			"installing again goes on where it stopped. With --purge they go too. Accounts in targets stay as they\n" +
			"are in any case; revoke the tokens at the services yourself.",
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			steps, err := install.Remove(cmd.Context(), install.Options{Purge: purge}, a.machine())
			if err != nil {
				return err
			}
			question := "Do all this?"
			if purge {
				question = "Erase the configuration, the secrets and the database of this machine for good?"
			}
			_, err = a.doSteps(cmd.Context(), steps, question, dryRun, yes)
			return err
		},
	}
	c.Flags().BoolVar(&dryRun, "dry-run", false, "only show what would be done")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	c.Flags().BoolVar(&purge, "purge", false, "also remove configuration, secrets, data, user and groups")
	return c
}

func (a *app) machine() install.Machine {
	if a.deps.Machine != nil {
		return a.deps.Machine
	}
	return install.System{}
}

func (a *app) installOptions() (install.Options, error) {
	self, err := os.Executable()
	if err == nil {
		self, err = filepath.EvalSymlinks(self)
	}
	if err != nil {
		return install.Options{}, fmt.Errorf("this program does not find itself: %w: run it by its full path", err)
	}
	o := install.Options{Binary: self, ConfigExample: a.deps.ConfigExample, AlertRules: a.deps.AlertRules, Dashboard: a.deps.Dashboard, Root: a.deps.InstallRoot,
		SchemaOf: a.deps.SchemaOf, Knows: a.deps.Schema}
	// One that is wrong is not this command's matter: the service tells.
	if cfg, err := config.Load(filepath.Join(o.Root, "/etc/rollcall/config.toml")); err == nil {
		o.Database = filepath.Join(string(cfg.Appliance.DataDir), "rollcall.db")
	}
	return o, nil
}

// stepReport is one step, as JSON.
type stepReport struct {
	Title    string   `json:"title"`
	Commands []string `json:"commands,omitempty"`
	Done     bool     `json:"done"` // was, or now is
}

// doSteps shows steps, asks, and does those that are needed. done is false when
// nothing was done because there was nothing to do or nobody wanted it.
func (a *app) doSteps(ctx context.Context, steps []install.Step, question string, dryRun, yes bool) (done bool, err error) {
	needed := 0
	for _, s := range steps {
		if !s.Done {
			needed++
		}
	}
	if a.json && (dryRun || needed == 0) {
		return false, a.out.json(reportSteps(steps), true)
	}
	if !a.json {
		for _, s := range steps {
			if s.Done {
				word := "done"
				if len(s.Commands) == 0 {
					word = "note"
				}
				a.out.line("  ", faint(word), "  ", s.Title)
				continue
			}
			a.out.line("  ", bold("do  "), "  ", s.Title)
			for _, c := range s.Commands {
				a.out.line("          ", faint(c))
			}
		}
	}
	switch {
	case needed == 0:
		a.note.line("Nothing to do: the machine is as it should be.")
		return false, nil
	case dryRun:
		a.note.linef("%s would be done. Nothing was changed.", count(needed, "step", "steps"))
		return false, nil
	case os.Geteuid() != 0 && a.deps.Machine == nil:
		return false, wrongUsage(errors.New("changing the machine takes root: run it with sudo, or add --dry-run to only look"))
	case !yes && (a.json || !a.Interactive):
		return false, wrongUsage(errors.New("nobody can be asked here: look with --dry-run, then add --yes"))
	case !yes:
		if ok, err := a.ask(ctx, question); err != nil || !ok {
			if err == nil {
				a.note.line("Nothing was changed.")
			}
			return false, err
		}
	}
	for i := range steps {
		if steps[i].Done {
			continue
		}
		if err := steps[i].Do(ctx); err != nil {
			return false, fmt.Errorf("%w: what was done before stays; mend this and run it again", err)
		}
		if !a.json {
			a.out.line("  ", good("ok  "), "  ", steps[i].Title)
		}
	}
	if a.json {
		return false, a.out.json(reportSteps(steps), true)
	}
	return true, nil
}

func reportSteps(steps []install.Step) []stepReport {
	out := make([]stepReport, len(steps))
	for i, s := range steps {
		out[i] = stepReport{Title: s.Title, Commands: s.Commands, Done: s.Done}
	}
	return out
}
