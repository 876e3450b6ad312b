package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"rollcall/appliance/config"
)

func (a *app) config() *cobra.Command {
	return topic("config check|show|reload|example", "validates the configuration, shows what is in effect, puts changes into force, or prints every key",
		a.configCheck(), a.configShow(), a.configReload(), a.configExample())
}

// configReport is what config check found, as JSON.
type configReport struct {
	File     string           `json:"file"`
	OK       bool             `json:"ok"`
	Problems []config.Problem `json:"problems"`
	// Warnings are secrets that this user cannot read; the daemon perhaps can.
	Warnings []config.Problem `json:"warnings"`
	Sources  []string         `json:"sources"`
	Targets  []string         `json:"targets"`
	// Tests are the [[test]] tables as they ended; without any, there is none.
	Tests *config.TestReport `json:"tests,omitempty"`
}

func (a *app) load() (*config.Config, error) {
	return config.LoadIn(a.configPath, config.Environment{LookupEnv: a.deps.LookupEnv})
}

func (a *app) configCheck() *cobra.Command {
	return &cobra.Command{
		Use: "check [FILE]", Short: "everything that is wrong with the configuration, at once",
		Long: "Reads the configuration as the appliance would and prints all problems with file, line, key, what\n" +
			"was found and what is allowed. Secrets that cannot be read are warnings: the appliance runs as\n" +
			"another user. Then it runs the [[test]] tables, if there are any, and names the expressions that none\n" +
			"of them exercises. Exit code 2 when there are problems, 3 when a test fails. Nothing is asked of any\n" +
			"service; for that see \"rollcall check\".",
		Args: takes(0, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				a.configPath = args[0]
			}
			report := configReport{Problems: []config.Problem{}, Warnings: []config.Problem{}, Sources: []string{}, Targets: []string{}}
			c, err := a.load()
			var problems config.Problems
			switch {
			case errors.As(err, &problems):
				report.Problems = problems
				report.File = problems[0].File
			case err != nil:
				return wrongUsage(err)
			default:
				report.OK, report.File = true, c.File
				report.Sources = append(report.Sources, c.SourceNames()...)
				report.Targets = append(report.Targets, c.TargetNames()...)
				var missing config.Problems
				if err := c.ResolveSecrets(); errors.As(err, &missing) {
					report.Warnings = missing
				} else if err != nil {
					return err
				}
				if len(c.Tests) > 0 && a.deps.TestConfig != nil {
					tested := a.deps.TestConfig(c)
					report.Tests = &tested
				}
			}
			if a.json {
				if err := a.out.json(report, true); err != nil {
					return err
				}
			} else {
				a.tellConfig(report)
			}
			switch {
			case !report.OK:
				return &exitError{code: ExitUsage}
			case report.Tests != nil && report.Tests.Failed() > 0:
				return &exitError{code: ExitHuman}
			}
			return nil
		},
	}
}

// tellTests prints how the [[test]] tables ended, and what none of them exercises.
func (a *app) tellTests(r *config.TestReport) {
	if r == nil {
		return
	}
	for _, t := range r.Results {
		for i, f := range t.Failures {
			if i == 0 {
				a.out.line(bold("failed"), "  ", t.Name, faint("  ("+t.Source+")"))
			}
			a.out.wrapped("    ", f)
		}
	}
	if n := r.Failed(); n > 0 {
		a.out.linef("%s of %s did not give what is expected.", number(n), count(len(r.Results), "test", "tests"))
	} else {
		a.out.linef("%s gave what is expected.", count(len(r.Results), "test", "tests"))
	}
	if len(r.Idle) > 0 {
		a.out.wrapped("No test exercises ", strings.Join(r.Idle, ", ")+".")
	}
}

func (a *app) tellConfig(r configReport) {
	if !r.OK {
		a.out.paragraph(config.Problems(r.Problems).Detail())
		a.out.linef("%s in %s: correct the file and check again.", count(len(r.Problems), "problem", "problems"), r.File)
		return
	}
	if len(r.Warnings) > 0 {
		a.note.line("warning: secrets that this user cannot read (the appliance may, it runs as another user):")
		for _, w := range r.Warnings {
			a.note.line("  ", w.String())
		}
	}
	a.out.line(good("fine"), ": ", r.File)
	for _, list := range []struct {
		word, many, none string
		names            []string
	}{
		{"source", "sources", "no source yet: add a [sources.NAME] table, see \"rollcall config example\"", r.Sources},
		{"target", "targets", "no target yet: add a [targets.NAME] table, see \"rollcall config example\"", r.Targets},
	} {
		if len(list.names) == 0 {
			a.out.line("  ", list.none)
			continue
		}
		a.out.linef("  %s: %s", count(len(list.names), list.word, list.many), strings.Join(list.names, ", "))
	}
	a.tellTests(r.Tests)
}

func (a *app) configShow() *cobra.Command {
	var running bool
	c := &cobra.Command{
		Use: "show [--running]", Short: "the effective configuration, defaults included and secrets hidden",
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := a.effective(cmd, running)
			if err != nil {
				return err
			}
			if a.json {
				return a.out.json(map[string]string{"config": text}, true)
			}
			a.out.paragraph(text)
			return nil
		},
	}
	c.Flags().BoolVar(&running, "running", false, "what the running appliance uses, instead of the file")
	return c
}

func (a *app) effective(cmd *cobra.Command, running bool) (string, error) {
	if running {
		ctx, cancel := seconds(cmd)
		defer cancel()
		c, err := a.connect()
		if err != nil {
			return "", err
		}
		return c.ShowConfig(ctx)
	}
	c, err := a.load()
	var problems config.Problems
	switch {
	case errors.As(err, &problems):
		return "", wrongUsage(errors.New(problems.Detail() + "correct the configuration and ask again"))
	case err != nil:
		return "", wrongUsage(err)
	}
	var b strings.Builder
	if err := c.Show(&b); err != nil {
		return "", fmt.Errorf("show the configuration: %w", err)
	}
	return b.String(), nil
}

func (a *app) configExample() *cobra.Command {
	return &cobra.Command{
		Use: "example", Short: "every key with its default, as a file to start from",
		Args: takes(0, 0),
		RunE: func(*cobra.Command, []string) error {
			if a.deps.ConfigExample == "" {
				return notBuiltIn("the example")
			}
			a.out.verbatim(a.deps.ConfigExample)
			return nil
		},
	}
}
