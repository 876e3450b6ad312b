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
	var said string
	ask := func(ctx context.Context, c *client.Client, args []string) (facts map[string]string, err error) {
		facts, said, err = do(ctx, c, args)
		return facts, err
	}
	return showing(a, ask, func(map[string]string) { a.out.line(said) })
}

// nothingYet says what an appliance lacks that relays nothing to nobody, so that an
// empty answer is not taken for all being well; empty when it has a source and a target.
func nothingYet(ctx context.Context, c *client.Client) (string, error) {
	st, err := c.Status(ctx)
	switch {
	case err != nil:
		return "", err
	case len(st.Sources) == 0:
		return "No source is configured yet, so there is nobody to relay: add a [sources.NAME] table to the configuration, see \"rollcall config example\".", nil
	case len(st.Targets) == 0:
		return "No target is configured yet, so nobody is relayed anywhere: add a [targets.NAME] table to the configuration, see \"rollcall config example\".", nil
	}
	return "", nil
}
