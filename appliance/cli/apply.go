package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"rollcall/appliance/admin"
)

// planFormat is the version of a plan file.
const planFormat = 1

// planFile is what "rollcall plan --out" writes: the plan, and which format it is.
type planFile struct {
	Format int        `json:"rollcall_plan"`
	Plan   admin.Plan `json:"plan"`
}

// writePlan writes a plan file. It holds people: only its owner may read it.
func writePlan(path string, p admin.Plan) error {
	raw, err := json.MarshalIndent(planFile{Format: planFormat, Plan: p}, "", "  ")
	if err != nil {
		return err
	}
	err = writeFile(path, func(w io.Writer) error {
		_, err := w.Write(append(raw, '\n'))
		return err
	})
	if err != nil {
		return fmt.Errorf("write the plan: %w: name another file with --out", err)
	}
	return nil
}

// readPlan reads a plan file and returns what of it is applied.
func readPlan(path string) (admin.Plan, admin.ReviewedPlan, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return admin.Plan{}, admin.ReviewedPlan{}, fmt.Errorf("read the plan: %w: name a file that \"rollcall plan --out FILE\" wrote", err)
	}
	var file planFile
	if err := json.Unmarshal(raw, &file); err != nil || file.Format == 0 {
		return admin.Plan{}, admin.ReviewedPlan{}, wrongUsage(fmt.Errorf("%s is no plan as \"rollcall plan --out\" writes it", path))
	}
	if file.Format != planFormat {
		return admin.Plan{}, admin.ReviewedPlan{}, wrongUsage(fmt.Errorf("%s is a plan of format %d and this is a command for format %d: use the command of the same version", path, file.Format, planFormat))
	}
	p := file.Plan
	r := admin.ReviewedPlan{Instance: p.Instance, Source: p.Source, Digest: p.Digest, Rules: p.Basis.Rules}
	for _, c := range p.Changes {
		r.Changes = append(r.Changes, admin.ReviewedChange{Target: c.Target, Person: c.Person, Pin: c.Pin})
	}
	return p, r, nil
}

func (a *app) apply() *cobra.Command {
	var waves bool
	c := &cobra.Command{
		Use: "apply FILE [--waves]", Short: "does exactly what a reviewed plan says, and names who changed since",
		Long: "FILE is what \"rollcall plan --out FILE\" wrote and somebody reviewed. A plan of a source in preview\n" +
			"activates it; a plan of what is pending releases what guards hold of it. Whoever would change in\n" +
			"another way by now is left as they are, and named. Everything the file does not hold waits.\n" +
			"--waves is as for \"rollcall activate\". Exit code 3 when somebody was left out.",
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			plan, reviewed, err := readPlan(args[0])
			if err != nil {
				return err
			}
			if reviewed.Waves = waves; waves && reviewed.Source == "" {
				return wrongUsage(errors.New("--waves is for a plan that activates a source; this one releases what is held"))
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), 10*time.Minute)
			defer cancel()
			c, err := a.connect()
			if err != nil {
				return err
			}
			done, err := c.Apply(ctx, reviewed)
			if err != nil {
				return err
			}
			if a.json {
				err = a.out.json(done, true)
			} else {
				a.tellApplied(plan, done)
			}
			if err == nil && len(done.Left) > 0 {
				err = needsHuman()
			}
			return err
		},
	}
	c.Flags().BoolVar(&waves, "waves", false, "to one account first, then to 5 %, 25 % and the rest")
	return c
}

func (a *app) tellApplied(plan admin.Plan, done admin.Applied) {
	what := "what was pending"
	if plan.Source != "" {
		what = "activating " + plan.Source
	}
	a.out.linef("Plan %s of %s, made %s.", plan.Digest, what, ago(a.deps.Now(), plan.Made))
	for _, n := range done.Notices {
		a.out.wrapped("note: ", n)
	}
	if done.Run > 0 {
		a.out.linef("Run %d relays what was planned.", done.Run)
	}
	if done.Released > 0 {
		a.out.linef("%s released.", count(done.Released, "delivery was", "deliveries were"))
	}
	if done.Flowing > 0 {
		a.out.linef("%s on the way or done already.", count(done.Flowing, "is", "are"))
	}
	a.tellLeft(done.Left)
}

func (a *app) tellLeft(left []admin.LeftOut) {
	if len(left) == 0 {
		return
	}
	a.out.line()
	a.out.linef("%s left out:", count(len(left), "was", "were"))
	for _, l := range left {
		a.out.wrapped("  ", l.Target+"  "+personName(l.Person)+": "+l.Why)
	}
}
