package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"rollcall/appliance/admin"
	"rollcall/appliance/admin/client"
	"rollcall/appliance/model"
)

// largeDecision is how many deliveries one decision may release before their
// number must be typed.
const largeDecision = 20

func (a *app) approve() *cobra.Command {
	var digest string
	var parts []string
	var typed int
	c := &cobra.Command{
		Use: "approve RUN [--only …]", Short: "releases what guards hold of a run, or a part of it",
		Long: "Releases what guards hold of a run. With --digest, as \"rollcall runs show\" prints it, only when that is\n" +
			"still exactly what was shown; without, as it is at this moment. --only releases a part, and may be\n" +
			"given more than once; the rest goes on waiting:\n\n" +
			"  --only person:jane@example.com   one person, by id, email, number or name\n" +
			"  --only department:Sales          everybody of a department\n" +
			"  --only cause:1f2e3d4c            a group that \"rollcall runs show\" lists with its id\n\n" +
			"For more than " + strconv.Itoa(largeDecision) + " deliveries their number must be typed, or given with --count.",
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			only, err := parseOnly(parts)
			if err != nil {
				return err
			}
			seq, tag, err := a.decidable(cmd, args[0], digest)
			if err != nil {
				return err
			}
			ctx, cancel := seconds(cmd)
			defer cancel()
			c, err := a.connect()
			if err != nil {
				return err
			}
			n, err := howMany(ctx, c, seq, only)
			if err != nil {
				return err
			}
			if err := a.confirmCount(cmd, n, typed); err != nil {
				return err
			}
			// As long as it takes: many deliveries are released a few at a time.
			fresh := cmd.Context()
			var done admin.Settled
			if only.Empty() {
				done.Deliveries, err = c.Approve(fresh, seq, tag)
			} else {
				done, err = c.ApproveOnly(fresh, seq, tag, only)
			}
			if err != nil {
				return err
			}
			if a.json {
				return a.out.json(done, true)
			}
			a.out.linef("Run %d: %s released.", seq, count(done.Deliveries, "delivery", "deliveries"))
			if done.Waiting > 0 {
				a.out.linef("%s waiting: see \"rollcall runs show %d\".", count(done.Waiting, "goes on", "go on"), seq)
			}
			a.tellLeft(done.Left)
			return nil
		},
	}
	c.Flags().StringVar(&digest, "digest", "", "the `DIGEST` that was reviewed, as \"rollcall runs show\" prints it")
	c.Flags().StringArrayVar(&parts, "only", nil, "a part of it: `person:WHO`, department:NAME or cause:ID")
	c.Flags().IntVar(&typed, "count", 0, "how many deliveries that is, instead of typing it (`N`)")
	return c
}

func (a *app) reject() *cobra.Command {
	var digest string
	c := &cobra.Command{
		Use: "reject RUN", Short: "refuses what guards hold of a run",
		Long: "Refuses what guards hold of a run: it is not relayed until the people concerned change again.\n" +
			"--digest is as for approve.",
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			seq, tag, err := a.decidable(cmd, args[0], digest)
			if err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			n, err := c.Reject(cmd.Context(), seq, tag)
			if err != nil {
				return err
			}
			if a.json {
				return a.out.json(admin.Settled{Deliveries: n}, true)
			}
			a.out.linef("Run %d: %s refused.", seq, count(n, "delivery", "deliveries"))
			return nil
		},
	}
	c.Flags().StringVar(&digest, "digest", "", "the `DIGEST` that was reviewed, as \"rollcall runs show\" prints it")
	return c
}

// decidable returns the number of a run that holds something and the tag of what
// is decided upon: what was reviewed, or what it holds at this moment.
func (a *app) decidable(cmd *cobra.Command, word, digest string) (uint64, string, error) {
	seq, err := runNumber(word)
	if err != nil {
		return 0, "", err
	}
	if strings.ContainsAny(digest, "\",\n") {
		return 0, "", wrongUsage(errors.New("--digest is not as \"rollcall runs show\" prints it: copy it whole"))
	}
	if digest != "" {
		return seq, digest, nil
	}
	ctx, cancel := seconds(cmd)
	defer cancel()
	c, err := a.connect()
	if err != nil {
		return 0, "", err
	}
	detail, err := c.RunBrief(ctx, seq)
	if err != nil {
		return 0, "", err
	}
	if len(waiting(detail.Run.Holds)) == 0 {
		return 0, "", fmt.Errorf("nothing of run %d is held: see \"rollcall runs\" for those that are", seq)
	}
	return seq, detail.Tag, nil
}

func parseOnly(parts []string) (admin.Only, error) {
	var only admin.Only
	for _, part := range parts {
		kind, what, ok := strings.Cut(part, ":")
		what = strings.TrimSpace(what)
		into := map[string]*[]string{"person": &only.Persons, "department": &only.Departments, "cause": &only.Causes}[kind]
		if !ok || what == "" || into == nil {
			return only, wrongUsage(fmt.Errorf("--only %q: write person:WHO, department:NAME or cause:ID", part))
		}
		*into = append(*into, what)
	}
	return only, nil
}

// howMany counts the held deliveries that a decision would release; of what a
// name means only the appliance knows, and each is counted as one person.
func howMany(ctx context.Context, c *client.Client, seq uint64, only admin.Only) (int, error) {
	switch {
	case only.Empty():
		detail, err := c.RunBrief(ctx, seq)
		return detail.Held, err
	case len(only.Departments)+len(only.Causes) == 0:
		return len(only.Persons), nil
	}
	plan, err := c.RunPlan(ctx, seq)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, ch := range plan.Changes {
		if ch.State != string(model.JobHeld) {
			continue
		}
		ofDepartment := slices.ContainsFunc(only.Departments, func(d string) bool { return strings.EqualFold(strings.TrimSpace(d), strings.TrimSpace(ch.Department)) })
		ofCause := len(ch.Causes) > 0 && !slices.ContainsFunc(ch.Causes, func(id string) bool { return !slices.Contains(only.Causes, id) })
		if ofDepartment || ofCause {
			n++
		}
	}
	return n + len(only.Persons), nil
}

// confirmCount lets a large decision be made only by somebody who says how large
// it is.
func (a *app) confirmCount(cmd *cobra.Command, n, typed int) error {
	switch {
	case typed != 0 && typed != n:
		return wrongUsage(fmt.Errorf("--count says %d and it is %d: look again with \"rollcall runs show\"", typed, n))
	case n <= largeDecision || typed == n:
		return nil
	case a.json || !a.Interactive:
		return wrongUsage(fmt.Errorf("this releases %d deliveries: add --count %d when that is what you mean", n, n))
	}
	a.note.prompt(fmt.Sprintf("This releases %d deliveries. Type their number to go on: ", n))
	answer := make(chan string, 1)
	go func() {
		// At the end of the input there is no answer, which is a no.
		line, _ := bufio.NewReader(a.In).ReadString('\n')
		answer <- strings.TrimSpace(line)
	}()
	select {
	case s := <-answer:
		if s != strconv.Itoa(n) {
			return errors.New("nothing was released: that was not the number")
		}
		return nil
	case <-cmd.Context().Done():
		return cmd.Context().Err()
	}
}
