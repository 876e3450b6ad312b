package cli

import (
	"context"

	"github.com/spf13/cobra"

	"rollcall/appliance/admin/client"
)

// showing makes what a command does that asks the running appliance one thing and shows
// the answer: as it is with --json, else in words.
func showing[T any](a *app, ask func(ctx context.Context, c *client.Client, args []string) (T, error), tell func(T)) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		ctx, cancel := seconds(cmd)
		defer cancel()
		c, err := a.connect()
		if err != nil {
			return err
		}
		answer, err := ask(ctx, c, args)
		if err != nil {
			return err
		}
		if a.json {
			return a.out.json(answer, true)
		}
		tell(answer)
		return nil
	}
}

// acting makes what a command does that has the running appliance do one thing: the
// facts that do returns with --json, else its sentence.
func acting(a *app, do func(ctx context.Context, c *client.Client, args []string) (facts map[string]string, said string, err error)) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		ctx, cancel := seconds(cmd)
		defer cancel()
		c, err := a.connect()
		if err != nil {
			return err
		}
		facts, said, err := do(ctx, c, args)
		switch {
		case err != nil:
			return err
		case a.json:
			return a.out.json(facts, true)
		}
		a.out.line(said)
		return nil
	}
}
