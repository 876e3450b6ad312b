package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// Compacted is what "rollcall compact --json" prints.
type Compacted struct {
	Before int64 `json:"before"` // bytes
	After  int64 `json:"after"`
}

func (a *app) compact() *cobra.Command {
	return &cobra.Command{
		Use: "compact", Short: "gives the free space of the database back",
		Long: "Writes the database anew without its free pages, while the appliance is stopped. Free pages are used\n" +
			"again by themselves: this is worth it only after something large has gone, and the appliance says so in\n" +
			"its log when it starts. It needs as much free disk as the new file takes, and whenever it stops before\n" +
			"its end the database is as it was. Run it as the user the appliance runs as.",
		Example: "  systemctl stop rollcall && sudo -u rollcall rollcall compact && systemctl start rollcall",
		Args:    takes(0, 0),
		RunE: func(*cobra.Command, []string) error {
			if a.deps.Compact == nil {
				return notBuiltIn("compacting")
			}
			before, after, err := a.deps.Compact(a.configPath)
			if err != nil {
				if before == 0 {
					return err
				}
				return errors.Join(err, fmt.Errorf("the database has %d MiB", before>>20))
			}
			if a.json {
				return a.out.json(Compacted{before, after}, true)
			}
			a.out.linef("From %d MiB to %d MiB.", before>>20, after>>20)
			return nil
		},
	}
}
