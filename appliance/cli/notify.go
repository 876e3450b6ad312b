package cli

import (
	"github.com/spf13/cobra"
)

func (a *app) notify() *cobra.Command {
	return topic("notify test", "sends a test message over every channel of [notify]", &cobra.Command{
		Use: "test", Short: "sends a test message over every channel of [notify]",
		Long: "Has the running appliance send a test message by each of the channels that [notify] names (webhook,\n" +
			"email, command), and says how each fared. Exit code 3 when one does not work.",
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := seconds(cmd)
			defer cancel()
			c, err := a.connect()
			if err != nil {
				return err
			}
			results, err := c.NotifyTest(ctx)
			if err != nil {
				return err
			}
			failed := false
			for _, r := range results {
				failed = failed || !r.OK
			}
			if a.json {
				err = a.out.json(results, true)
			} else if len(results) == 0 {
				a.out.line("Nobody would be told: the configuration has no [notify] table. See \"rollcall config example\".")
			} else {
				t := &table{columns: []column{{title: "CHANNEL"}, {title: "RESULT", flex: true}}}
				for _, r := range results {
					if r.OK {
						t.add(r.Channel, "took the message")
					} else {
						t.add(r.Channel, r.Error)
					}
				}
				a.out.table(t)
			}
			if err == nil && failed {
				return needsHuman()
			}
			return err
		},
	})
}
