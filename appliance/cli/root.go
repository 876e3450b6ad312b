package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rollcall/appliance/config"
)

// group is a heading of the help and its commands, in the order they are shown.
type group struct {
	title    string
	commands []*cobra.Command
}

func (a *app) groups() []group {
	return []group{
		{"Start", []*cobra.Command{a.run(), a.demo(), a.check()}},
		{"Connect", []*cobra.Command{a.activate(), a.pause(), a.token()}},
		{"Every day", []*cobra.Command{a.status(), a.sync(), a.plan(), a.apply(), a.runs(), a.approve(), a.reject(), a.undo()}},
		{"People", []*cobra.Command{a.conflicts(), a.people(), a.person(), a.deliveries()}},
		{"Look back", []*cobra.Command{a.journal(), a.requests(), a.verify(), a.backup(), a.compact(), a.restore(), a.forget(), a.notify()}},
		{"The machine", []*cobra.Command{a.install(), a.uninstall()}},
		{"Around it", []*cobra.Command{a.tui(), a.sim(), a.guide(), a.config(), a.metrics(), a.version()}},
	}
}

func (a *app) root() *cobra.Command {
	groups := a.groups()
	root := &cobra.Command{
		Use:           "rollcall",
		Short:         "Keeps the people of a company in step with its performance-review SaaS",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          a.knownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	flags := root.PersistentFlags()
	flags.StringVar(&a.configPath, "config", "", "configuration `FILE` (default $"+config.PathVariable+", else "+config.DefaultFile+")")
	flags.StringVar(&a.socketPath, "socket", "", "ask the appliance at this `PATH` (default: what the configuration says)")
	flags.BoolVar(&a.json, "json", false, "print facts as JSON")
	root.SetFlagErrorFunc(flagError)
	for _, g := range groups {
		root.AddCommand(g.commands...)
	}
	root.AddCommand(a.bench())
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd("bash") // any argument: it only must not be none
	if completion, _, err := root.Find([]string{"completion"}); err == nil && completion != root {
		completion.Short = "prints completions for bash, zsh, fish or powershell"
		completion.Long = "Prints what a shell needs to complete commands, flags and the names of sources."
		completion.Example = "  rollcall completion bash > /etc/bash_completion.d/rollcall"
		onlyTopic(completion)
		for _, shell := range completion.Commands() {
			shell.Args = takes(0, 0)
		}
	}
	if help, _, err := root.Find([]string{"help"}); err == nil && help != root {
		help.Args = func(_ *cobra.Command, args []string) error {
			// Words that are no commands may be its arguments: "help people sales".
			if _, _, err := root.Find(args); err != nil || len(args) > 0 && !isCommand(root, args[0]) {
				return unknownWord(root, "command", args[0])
			}
			return nil
		}
	}
	explained(root)
	help := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		if cmd != root {
			help(cmd, args)
			return
		}
		a.overview(root, groups)
	})
	return root
}

// overview prints the help of the program itself.
func (a *app) overview(root *cobra.Command, groups []group) {
	a.out.line(root.Short + ".")
	a.out.line()
	a.out.line("  rollcall COMMAND [--help]")
	if completion, _, err := root.Find([]string{"completion"}); err == nil && completion != root {
		last := &groups[len(groups)-1]
		last.commands = append(slices.Clone(last.commands), completion)
	}
	width := 0
	for _, g := range groups {
		for _, c := range g.commands {
			width = max(width, len(usageOf(c)))
		}
	}
	width = min(width, 34)
	for _, g := range groups {
		a.out.line()
		a.out.line(bold(g.title))
		for _, c := range g.commands {
			use := usageOf(c)
			if len(use) > width {
				a.out.line("  ", use)
				use = ""
			}
			a.out.linef("  %-*s  %s", width, use, c.Short)
		}
	}
	a.out.line()
	a.out.line(bold("Flags of every command"))
	a.out.paragraph(strings.TrimRight(root.PersistentFlags().FlagUsages(), "\n"))
	a.out.line()
	a.out.line("Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 needs a human.")
	a.out.line("New here? \"rollcall demo\" shows everything against simulated services.")
}

// usageOf returns how a command is called, without flags of the framework.
func usageOf(c *cobra.Command) string {
	if c.Name() == "completion" {
		return "completion SHELL"
	}
	return c.Use
}

// knownCommand refuses a word that is no command and names the nearest.
func (a *app) knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return unknownWord(cmd, "command", args[0])
}

func isCommand(c *cobra.Command, word string) bool {
	return slices.ContainsFunc(c.Commands(), func(sub *cobra.Command) bool { return sub.Name() == word })
}

// unknownWord is the error of a word that is none of cmd's commands.
func unknownWord(cmd *cobra.Command, what, word string) error {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	if near := config.Nearest(word, names); near != "" {
		return wrongUsage(fmt.Errorf("unknown %s %q: did you mean \"%s %s\"?", what, word, cmd.CommandPath(), near))
	}
	return wrongUsage(fmt.Errorf("unknown %s %q: see \"%s --help\"", what, word, cmd.CommandPath()))
}

// flagError explains a flag that could not be read.
func flagError(cmd *cobra.Command, err error) error {
	if errors.Is(err, pflag.ErrHelp) {
		return err
	}
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "" {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				names = append(names, f.Name)
			}
		})
		if near := config.Nearest(unknown.GetSpecifiedName(), names); near != "" {
			return wrongUsage(fmt.Errorf("unknown flag --%s: did you mean --%s? See \"%s --help\"", unknown.GetSpecifiedName(), near, cmd.CommandPath()))
		}
	}
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		name, _ := pflag.UnquoteUsage(invalid.GetFlag())
		return wrongUsage(fmt.Errorf("--%s %q is not %s: see \"%s --help\"", invalid.GetFlag().Name, invalid.GetValue(), valueWord(invalid.GetFlag(), name), cmd.CommandPath()))
	}
	return wrongUsage(fmt.Errorf("%w: see \"%s --help\"", err, cmd.CommandPath()))
}

// valueWord says what a flag takes, in words.
func valueWord(f *pflag.Flag, placeholder string) string {
	switch f.Value.Type() {
	case "int", "intSlice":
		return "a whole number"
	case "uint64":
		return "a whole number from 0 on"
	case "bool":
		return "true or false"
	case "duration":
		return "a length of time such as 30m or 2h"
	}
	return "a " + placeholder
}

// maxListed is the most that --limit takes where a list is read page by page.
const maxListed = 1_000_000

// takes returns a check of the number of arguments; its error shows the usage.
func takes(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return wrongUsage(fmt.Errorf("something is missing: the usage is \"%s\"", usageLine(cmd)))
		case most >= 0 && len(args) > most:
			if len(args) == 1 && cmd.HasAvailableSubCommands() {
				return unknownWord(cmd, "command", args[0])
			}
			return wrongUsage(fmt.Errorf("%q is one word too many: the usage is \"%s\"", args[most], usageLine(cmd)))
		}
		return nil
	}
}

func usageLine(cmd *cobra.Command) string {
	if cmd.HasParent() {
		return cmd.Parent().CommandPath() + " " + cmd.Use
	}
	return cmd.Use
}

// topic returns a command that only has others below it.
func topic(use, short string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short}
	onlyTopic(c)
	c.AddCommand(commands...)
	return c
}

// onlyTopic makes a command by itself say which others there are below it.
func onlyTopic(c *cobra.Command) {
	c.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownWord(cmd, "command", args[0])
		}
		return nil
	}
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		var names []string
		for _, c := range cmd.Commands() {
			names = append(names, c.Name())
		}
		return wrongUsage(fmt.Errorf("%s what? One of %s: see \"%s --help\"", cmd.CommandPath(), strings.Join(names, ", "), cmd.CommandPath()))
	}
}

// sentence is a summary as a help begins with it.
func sentence(short string) string {
	first, size := utf8.DecodeRuneInString(short)
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(short[size:], ".") + "."
}

// explained gives every command below c that has no more to say its summary as a help.
func explained(c *cobra.Command) {
	for _, sub := range c.Commands() {
		if sub.Long == "" {
			sub.Long = sentence(sub.Short)
		}
		explained(sub)
	}
}

// sourceNames completes the names of the sources, when an appliance answers.
func (a *app) sourceNames(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := seconds(cmd)
	defer cancel()
	c, err := a.connect()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	st, err := c.Status(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, s := range st.Sources {
		names = append(names, s.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
