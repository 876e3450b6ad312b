// Command rollcall keeps the people of a company in step with its
// performance-review SaaS: one binary, one database file, one configuration.
//
// It only wires the commands of package cli to the daemon, the demo and the
// terminal UI; rollcall --help lists what it can do.
package main

import (
	"context"
	_ "embed"
	"io"
	"os"

	"github.com/hashicorp/go-hclog"

	"rollcall/appliance"
	"rollcall/appliance/admin"
	"rollcall/appliance/admin/client"
	"rollcall/appliance/bench"
	"rollcall/appliance/cli"
	"rollcall/appliance/demo"
	"rollcall/appliance/guide"
	"rollcall/appliance/observe"
	"rollcall/tui"
)

//go:embed config.example.toml
var configExample string

func main() {
	version := appliance.BuildVersion()
	os.Exit(cli.Main(os.Args[1:], cli.SystemStreams(), cli.Deps{
		Version:       version,
		ConfigExample: configExample,
		AlertRules:    observe.AlertRules,
		Dashboard:     observe.Dashboard,
		Guides:        guide.Topics(),
		Run:           func(ctx context.Context, path string) error { return appliance.Daemon(ctx, path, os.Stderr) },
		TUI:           openTUI,
		TestConfig:    appliance.TestConfig,
		Sim: func(ctx context.Context, kind string, o cli.SimOptions, s cli.Streams) error {
			return demo.Sim(ctx, kind, demo.SimOptions{Listen: o.Listen, People: o.People, Seed: o.Seed, Faults: o.Faults, URL: o.URL, Token: o.Token, Out: s.Out})
		},
		SimKinds: demo.SimKinds(),
		Compact:  appliance.Compact,
		SchemaOf: appliance.SchemaOf,
		Schema:   appliance.Schema,
		Bench: func(ctx context.Context, o cli.BenchOptions, s cli.Streams) error {
			opts := bench.Options{People: o.People, Dir: o.Dir, Deliver: !o.NoTarget, SCIM: !o.NoSCIM, NoHR: o.NoHR, Out: s.Err}
			if o.Soak > 0 {
				return bench.SoakMain(ctx, bench.SoakOptions{Options: opts, Duration: o.Soak}, s.Out, o.JSON)
			}
			return bench.Main(ctx, opts, s.Out, o.Plot, o.JSON)
		},
		Restore: func(ctx context.Context, path string, o cli.RestoreOptions) (admin.Restored, error) {
			return appliance.Restore(ctx, path, o.File, o.Identities, o.CheckOnly, o.GoOn)
		},
		Demo: func(ctx context.Context, o cli.DemoOptions, s cli.Streams) error {
			opts := demo.Options{People: o.People, Seed: o.Seed, Once: o.Once, JSON: o.JSON, Out: s.Out, Version: version,
				Log: hclog.New(&hclog.LoggerOptions{Output: io.Discard, Level: hclog.Off})}
			if s.Terminal && s.Interactive && !o.Once {
				opts.TUI = func(ctx context.Context, socket string) error { return openTUI(ctx, socket, false) }
			}
			return demo.Run(ctx, opts)
		},
	}))
}

func openTUI(ctx context.Context, socket string, readOnly bool) error {
	c := client.New(socket)
	defer c.Close()
	return tui.Run(ctx, c, tui.Options{ReadOnly: readOnly, Input: os.Stdin, Output: os.Stdout, Instant: cli.Instant})
}
