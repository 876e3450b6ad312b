package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

// BenchOptions is what is to be measured.
type BenchOptions struct {
	People    []int
	Dir, Plot string
	// Soak keeps the program busy for so long instead of measuring it; 0: no.
	Soak             time.Duration
	NoTarget, NoSCIM bool
	NoHR             bool
	JSON             bool
}

// bench is hidden from the overview: it is for whoever wants to know what their
// machine can do, once.
func (a *app) bench() *cobra.Command {
	var o BenchOptions
	c := &cobra.Command{
		Use: "bench", Short: "measures this program on this machine", Hidden: true,
		Long: "Measures this program end to end on this machine, between simulated services: first read, plan,\n" +
			"activation, deliveries, a read without a change beside decoding the same JSON, memory, start and\n" +
			"stop, SCIM. Nothing real is touched. A million people need about 20 GB of disk, 4 GB of memory and\n" +
			"an hour; ten thousand a minute. With --soak people change, services fail and the program is restarted\n" +
			"until the time is over, and whatever grew that must not is an error.",
		Example: "  rollcall bench --people 10000\n  rollcall bench --people 1000,10000,100000 --plot growth.svg\n  rollcall bench --people 20000 --soak 1h",
		Args:    takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.deps.Bench == nil {
				return notBuiltIn("the benchmark")
			}
			for _, n := range o.People {
				if n < 100 || n > 1_000_000 {
					return wrongUsage(fmt.Errorf("--people %d: give numbers from 100 to 1000000", n))
				}
			}
			o.JSON = a.json
			return a.deps.Bench(cmd.Context(), o, a.Streams)
		},
	}
	c.Flags().IntSliceVar(&o.People, "people", []int{10_000}, "how many people (`N`, or N,N,…)")
	c.Flags().StringVar(&o.Dir, "dir", "", "where the databases grow (`DIR`; default a temporary directory)")
	c.Flags().StringVar(&o.Plot, "plot", "", "draw the growth from size to size into an SVG `FILE`")
	c.Flags().DurationVar(&o.Soak, "soak", 0, "keep it busy for so long (`DURATION`) instead, and see whether anything grows")
	c.Flags().BoolVar(&o.NoTarget, "no-target", false, "deliver to no target: quicker, and measures less")
	c.Flags().BoolVar(&o.NoHR, "no-hr", false, "everybody comes over SCIM, and none from HiBob: quicker, and measures less")
	c.Flags().BoolVar(&o.NoSCIM, "no-scim", false, "load no SCIM users: quicker, and measures less")
	return c
}
