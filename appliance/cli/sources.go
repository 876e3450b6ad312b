package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rollcall/appliance/admin"
	"rollcall/appliance/admin/client"
)

func (a *app) activate() *cobra.Command {
	var yes, waves bool
	c := &cobra.Command{
		Use: "activate SOURCE [--waves]", Short: "makes a source relay, after showing what that would change",
		Long: "A source starts in preview: it is read, matched and planned, and nothing is relayed. activate shows\n" +
			"what relaying would change and asks. Guards still hold what goes over their limits.\n\n" +
			"With --waves it goes to one account first, then to 5 %, then to 25 %, then to the rest. After each\n" +
			"wave the target is read, and the first surprise holds everything that was not sent yet.",
		Args:              takes(1, 1),
		ValidArgsFunction: a.sourceNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			source := args[0]
			if !yes && (a.json || !a.Interactive) {
				return wrongUsage(fmt.Errorf("nobody can be asked here: look at \"rollcall plan %s\", then add --yes", quoted(source)))
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), 5*time.Minute)
			defer cancel()
			if !yes {
				plan, err := c.Plan(ctx, source)
				if err != nil {
					return err
				}
				(&app{Streams: a.Streams, deps: a.deps, out: a.note, note: a.note}).tellPlan(plan, true)
				a.note.line()
				ok, err := a.ask(cmd.Context(), "Activate "+source+"?")
				if err != nil {
					return err
				}
				if !ok {
					a.note.line("Nothing was changed.")
					return nil
				}
				// The question may have stood for longer than an answer may take.
				fresh, stop := seconds(cmd)
				defer stop()
				ctx = fresh
			}
			activate := c.Activate
			if waves {
				activate = c.ActivateInWaves
			}
			run, err := activate(ctx, source)
			if err != nil {
				return err
			}
			if a.json {
				return a.out.json(admin.Activated{Run: run}, true)
			}
			if run == 0 {
				a.out.linef("%s is active. See \"rollcall status\".", source)
				return nil
			}
			a.out.linef("%s is active; run %d relays what was planned. See \"rollcall runs show %d\".", source, run, run)
			return nil
		},
	}
	c.Flags().BoolVar(&waves, "waves", false, "to one account first, then to 5 %, 25 % and the rest")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

// ask asks a question that is answered y or n; anything but yes is no.
func (a *app) ask(ctx context.Context, question string) (bool, error) {
	a.note.prompt(question + " [y/N] ")
	answer := make(chan string, 1)
	go func() {
		// Not waited for when ctx ends first: a read of the terminal cannot be
		// interrupted, and the process ends then.
		// At the end of the input there is no answer, which is a no.
		line, _ := bufio.NewReader(a.In).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case s := <-answer:
		return s == "y" || s == "yes", nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

func (a *app) pause() *cobra.Command {
	return &cobra.Command{
		Use: "pause SOURCE", Short: "a source reads nothing and relays nothing until it is activated again",
		Args:              takes(1, 1),
		ValidArgsFunction: a.sourceNames,
		RunE: acting(a, func(ctx context.Context, c *client.Client, args []string) (map[string]string, string, error) {
			return map[string]string{"source": args[0], "state": "paused"},
				fmt.Sprintf("%s is paused. \"rollcall activate %s\" lets it go on.", args[0], quoted(args[0])), c.Pause(ctx, args[0])
		}),
	}
}

func (a *app) sync() *cobra.Command {
	var wait bool
	c := &cobra.Command{
		Use: "sync [SOURCE…] [--wait]", Short: "reads now, without waiting for the interval",
		Long: "Asks for a read now of the named sources, or of all that are polled and not paused. With --wait it ends when the\n" +
			"reads are done and what may be sent was sent; exit code 3 when a hold or a conflict then waits.",
		Args:              takes(0, -1),
		ValidArgsFunction: a.sourceNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			ctx, cancel := seconds(cmd)
			defer cancel()
			if err := c.Sync(ctx, args); err != nil {
				return err
			}
			which := "all polled sources that are not paused"
			if len(args) > 0 {
				which = and(args)
			}
			if !wait {
				if a.json {
					return a.out.json(admin.SyncRequest{Sources: args}, true)
				}
				a.out.linef("Asked %s. Follow it with \"rollcall status\", or wait with --wait.", which)
				return nil
			}
			if err := a.wait(cmd.Context(), c, args); err != nil {
				return err
			}
			done, stop := seconds(cmd)
			defer stop()
			st, err := c.Status(done)
			if err != nil {
				return err
			}
			return a.tellSynced(st, args)
		},
	}
	c.Flags().BoolVar(&wait, "wait", false, "end when the reads are done and what may be sent was sent")
	return c
}

// wait blocks until the appliance is done, and shows how far it is when someone
// looks.
func (a *app) wait(ctx context.Context, c *client.Client, sources []string) error {
	if !a.Interactive {
		return c.Wait(ctx, sources)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- c.Wait(ctx, sources) }()
	ticks := time.NewTicker(500 * time.Millisecond)
	defer ticks.Stop()
	for {
		select {
		case err := <-done:
			a.note.transient("")
			return err
		case <-ticks.C:
			if st, err := c.Status(ctx); err == nil {
				a.note.transient(doing(st))
			}
		}
	}
}

// doing says in one line what is going on.
func doing(st admin.Status) string {
	var parts []string
	for _, s := range st.Sources {
		if s.Reading != nil {
			parts = append(parts, "reading "+s.Name+": "+progress(*s.Reading, st.Now))
		}
	}
	for _, t := range st.Targets {
		if t.Sending != nil {
			parts = append(parts, "sending to "+t.Name+": "+progress(*t.Sending, st.Now))
		} else if t.Ready > 0 {
			parts = append(parts, number(t.Ready)+" to send to "+t.Name)
		}
	}
	if len(parts) == 0 {
		return "finishing"
	}
	return strings.Join(parts, "; ")
}

func (a *app) tellSynced(st admin.Status, sources []string) error {
	if a.json {
		if err := a.out.json(st, true); err != nil {
			return err
		}
	} else {
		known := 0
		for _, s := range st.Sources {
			if len(sources) > 0 && !slices.Contains(sources, s.Name) {
				continue
			}
			known++
			detail := s.Detail
			if s.Error != "" {
				detail = s.Error
			}
			a.out.line(s.Name, ": ", health(s.Health), ", ", count(s.Records, "record", "records"), ", read ", ago(st.Now, s.LastGood))
			if detail != "" {
				a.out.wrapped("  ", detail)
			}
		}
		if known == 0 {
			a.out.line("There is no source to read: add one to the configuration, see \"rollcall config example\".")
		}
		a.tellNeeds(st.Needs)
	}
	failed := false
	for _, s := range st.Sources {
		failed = failed || s.Error != "" && (len(sources) == 0 || slices.Contains(sources, s.Name))
	}
	for _, n := range st.Needs {
		if n.Kind == "hold" || n.Kind == "conflict" {
			return needsHuman()
		}
	}
	if failed {
		return errors.New("a source could not be read: see \"rollcall status\", then \"rollcall check\"")
	}
	return nil
}
