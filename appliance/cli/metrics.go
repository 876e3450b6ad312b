package cli

import "github.com/spf13/cobra"

func (a *app) metrics() *cobra.Command {
	print := func(use, short, what string, text func() string) *cobra.Command {
		return &cobra.Command{Use: use, Short: short, Args: takes(0, 0), RunE: func(*cobra.Command, []string) error {
			if text() == "" {
				return notBuiltIn(what)
			}
			a.out.verbatim(text())
			return nil
		}}
	}
	return topic("metrics alerts|dashboard", "alert rules for Prometheus and a dashboard for Grafana",
		print("alerts", "alert rules for Prometheus, as YAML", "the alert rules", func() string { return a.deps.AlertRules }),
		print("dashboard", "a dashboard for Grafana, as JSON", "the dashboard", func() string { return a.deps.Dashboard }))
}
