package cli

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"rollcall/appliance/admin"
)

func (a *app) backup() *cobra.Command {
	return &cobra.Command{
		Use: "backup FILE", Short: "a consistent copy of the database while it runs",
		Long: "Writes a consistent copy of the database to FILE on the appliance's machine. The appliance writes it,\n" +
			"as its own user: choose a place that user may write to.",
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := filepath.Abs(args[0])
			if err != nil {
				return fmt.Errorf("backup: %w: give an absolute path", err)
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			// As long as it takes to copy the database: only the operator ends it.
			if err := c.Backup(cmd.Context(), path); err != nil {
				return err
			}
			if a.json {
				return a.out.json(admin.BackupRequest{Path: path}, true)
			}
			a.out.linef("Written to %s. It holds everything but the secrets of the configuration: keep it as safe as the database.", path)
			return nil
		},
	}
}
