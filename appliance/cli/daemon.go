package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/spf13/cobra"

	"rollcall/appliance/config"
)

func (a *app) run() *cobra.Command {
	return &cobra.Command{
		Use: "run", Short: "the daemon, in the foreground",
		Long: "Runs the appliance in the foreground until it is told to stop (SIGINT, SIGTERM).\n" +
			"When it is ready it says so in its log and to systemd. SIGHUP reads the configuration again.",
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.deps.Run == nil {
				return notBuiltIn("the daemon")
			}
			err := a.deps.Run(cmd.Context(), a.configPath)
			var problems config.Problems
			switch {
			case errors.As(err, &problems):
				return wrongUsage(errors.New(problems.Detail() + "correct the configuration and see \"rollcall config check\""))
			case errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(err.Error(), "no configuration"):
				return wrongUsage(err)
			}
			return err
		},
	}
}

func (a *app) demo() *cobra.Command {
	var o DemoOptions
	c := &cobra.Command{
		Use: "demo", Short: "the whole thing against simulated services, nothing real is touched",
		Long: "Runs the appliance against simulated HiBob, Lucca, Okta, Azure and Javelo on loopback, with people\n" +
			"and troubles made up from a seed. On a terminal it opens the terminal UI; otherwise it tells what\n" +
			"happens. With --once it ends after the first full sync with a summary.",
		Example: "  rollcall demo\n  rollcall demo --once --people 2000 --seed 7",
		Args:    takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.deps.Demo == nil {
				return notBuiltIn("the demo")
			}
			if o.People < 1 {
				return wrongUsage(fmt.Errorf("--people %d: give a number from 1 on", o.People))
			}
			if a.json && !o.Once {
				return wrongUsage(errors.New("--json prints the summary of a demo that ends: add --once"))
			}
			o.JSON = a.json
			return a.deps.Demo(cmd.Context(), o, a.Streams)
		},
	}
	c.Flags().BoolVar(&o.Once, "once", false, "end after the first full sync")
	c.Flags().IntVar(&o.People, "people", 120, "how many people the company has (`N`)")
	c.Flags().Uint64Var(&o.Seed, "seed", 1, "the same `SEED` gives the same people and troubles")
	return c
}

func (a *app) sim() *cobra.Command {
	var o SimOptions
	c := &cobra.Command{
		Use: "sim KIND", Short: "one simulated service on loopback, faults on a dial",
		Long: "Runs one simulated service until it is stopped (Ctrl-C), and prints what to put into a configuration to\n" +
			"use it: " + strings.Join(a.deps.SimKinds, ", ") + ". okta and azure are senders: they push to --url with --token.\n" +
			"A wrong --fault is refused with the list of those there are; hide-NAME takes a permission of hibob away\n" +
			"(hide-personal), or a section of lucca (hide-extension).",
		Example: "  rollcall sim hibob --people 200\n  rollcall sim javelo --fault throttle:3\n" +
			"  rollcall sim okta --url http://127.0.0.1:8443/scim/v2 --token rct_…",
		Args: takes(1, 1), ValidArgs: a.deps.SimKinds,
		RunE: func(cmd *cobra.Command, args []string) error {
			if a.deps.Sim == nil {
				return notBuiltIn("the simulators")
			}
			if err := a.deps.Sim(cmd.Context(), args[0], o, a.Streams); err != nil {
				return wrongUsage(err)
			}
			return nil
		},
	}
	c.Flags().StringVar(&o.Listen, "listen", "", "where it serves, on loopback (`HOST:PORT`; default a free port)")
	c.Flags().IntVar(&o.People, "people", 0, "how many people it has (`N`)")
	c.Flags().Uint64Var(&o.Seed, "seed", 0, "the same `SEED` gives the same people")
	c.Flags().StringArrayVar(&o.Faults, "fault", nil, "what goes wrong: `KIND`, KIND:3 or KIND:always; may be given more than once")
	c.Flags().StringVar(&o.URL, "url", "", "okta, azure: the SCIM service to push to (`URL`)")
	c.Flags().StringVar(&o.Token, "token", "", "okta, azure: the `TOKEN` of the source")
	return c
}

func (a *app) tui() *cobra.Command {
	var readOnly bool
	c := &cobra.Command{
		Use: "tui [--read-only]", Short: "the terminal UI",
		Long: "Opens the terminal UI of the running appliance. With --read-only it uses the socket that only\n" +
			"answers questions, which a second group of people may be given.",
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.deps.TUI == nil {
				return notBuiltIn("the terminal UI")
			}
			if !a.Terminal {
				return wrongUsage(errors.New("the terminal UI needs a terminal: over SSH add -t, and in a pipe use \"rollcall status\""))
			}
			socket, err := a.socket(readOnly)
			if err != nil {
				return err
			}
			return a.deps.TUI(cmd.Context(), socket, readOnly)
		},
	}
	c.Flags().BoolVar(&readOnly, "read-only", false, "only look")
	return c
}

func notBuiltIn(what string) error {
	return fmt.Errorf("%s is not part of this build: use the released binary", what)
}

func (a *app) version() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "the version of this command",
		Args: takes(0, 0),
		RunE: func(*cobra.Command, []string) error {
			v := a.deps.Version
			if a.json {
				return a.out.json(v, true)
			}
			text := "rollcall " + v.Version
			if v.Commit != "" {
				text += " (" + v.Commit + ")"
			}
			a.out.line(text + ", " + v.Go)
			return nil
		},
	}
}

func (a *app) guide() *cobra.Command {
	return &cobra.Command{
		Use: "guide [TOPIC]", Short: "the setup guides, readable offline",
		Args: takes(0, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			topics, err := a.topics()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return a.listGuides(topics)
			}
			for _, t := range topics {
				if t.Topic == strings.ToLower(args[0]) {
					if a.json {
						return a.out.json(t, true)
					}
					a.out.verbatim(t.Text)
					return nil
				}
			}
			names := make([]string, len(topics))
			for i, t := range topics {
				names[i] = t.Topic
			}
			if near := config.Nearest(args[0], names); near != "" {
				return wrongUsage(fmt.Errorf("there is no guide %q: did you mean \"rollcall guide %s\"?", args[0], near))
			}
			return wrongUsage(fmt.Errorf("there is no guide %q: choose one of %s", args[0], strings.Join(names, ", ")))
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			topics, err := a.topics()
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			var names []string
			for _, t := range topics {
				names = append(names, t.Topic)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// guideText is one setup guide.
type guideText struct {
	Topic string `json:"topic"`
	Title string `json:"title"`
	Text  string `json:"text,omitempty"`
}

// topics returns the built-in guides by name.
func (a *app) topics() ([]guideText, error) {
	if a.deps.Guides == nil {
		return nil, errors.New("no guides are built in: use the released binary")
	}
	files, err := fs.Glob(a.deps.Guides, "*.md")
	if err != nil {
		return nil, fmt.Errorf("guides: %w", err)
	}
	if len(files) == 0 {
		return nil, errors.New("no guides are built in: use the released binary")
	}
	var topics []guideText
	for _, f := range files {
		raw, err := fs.ReadFile(a.deps.Guides, f)
		if err != nil {
			return nil, fmt.Errorf("guides: %w", err)
		}
		t := guideText{Topic: strings.TrimSuffix(path.Base(f), ".md"), Text: string(raw)}
		for l := range strings.Lines(t.Text) {
			if title, ok := strings.CutPrefix(l, "# "); ok {
				t.Title = strings.TrimSpace(title)
				break
			}
		}
		topics = append(topics, t)
	}
	return topics, nil
}

func (a *app) listGuides(topics []guideText) error {
	if a.json {
		for i := range topics {
			topics[i].Text = ""
		}
		return a.out.json(topics, true)
	}
	t := &table{columns: []column{{title: "TOPIC"}, {title: "ABOUT", flex: true}}}
	for _, g := range topics {
		t.add(g.Topic, g.Title)
	}
	a.out.table(t)
	a.out.line()
	a.out.line("Read one with \"rollcall guide TOPIC\".")
	return nil
}
