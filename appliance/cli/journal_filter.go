package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rollcall/appliance/admin"
	"rollcall/appliance/admin/client"
	"rollcall/appliance/model"
)

// journalFilter is what --since, --until, --person and the others narrow the
// journal down to. All that are given must fit.
type journalFilter struct {
	since, until           string
	person                 string
	actor, verbs, subjects string
	source                 string
	run                    uint64
}

func (f *journalFilter) flags(c *cobra.Command) {
	c.Flags().StringVar(&f.since, "since", "", "from this `TIME` on: 2h, 3d, 2026-01-31 or 2026-01-31T08:00:00Z")
	c.Flags().StringVar(&f.until, "until", "", "before this `TIME`")
	c.Flags().StringVar(&f.person, "person", "", "of one person only (`WHO`)")
	c.Flags().StringVar(&f.verbs, "verb", "", "these `VERBS` only: joined,deactivated")
	c.Flags().StringVar(&f.actor, "actor", "", "only what this `ACTOR` did: a user's name, rollcall, source:NAME, token:SOURCE")
	c.Flags().StringVar(&f.subjects, "subject", "", "only what happened to this `SUBJECT`: run:12, target:javelo, token:…")
	c.Flags().StringVar(&f.source, "source", "", "only what this source said, or what was done to it (`NAME`)")
	c.Flags().Uint64Var(&f.run, "run", 0, "of one run only (`N`)")
}

// compile returns the time to begin at and a test for events.
func (f *journalFilter) compile(ctx context.Context, now time.Time, c *client.Client) (from time.Time, wanted func(model.Event) bool, err error) {
	var to time.Time
	for text, into := range map[string]*time.Time{f.since: &from, f.until: &to} {
		if text == "" {
			continue
		}
		if *into, err = Instant(now, text); err != nil {
			return from, nil, wrongUsage(err)
		}
	}
	if f.since == f.until && f.since != "" || !to.IsZero() && !from.IsZero() && !from.Before(to) {
		return from, nil, wrongUsage(fmt.Errorf("--since %s is not before --until %s", f.since, f.until))
	}
	subject := f.subjects
	if f.person != "" {
		p, err := c.Person(ctx, f.person)
		if err != nil {
			return from, nil, err
		}
		subject = "person:" + p.ID
	}
	verbs := map[string]bool{}
	for _, v := range strings.FieldsFunc(f.verbs, func(r rune) bool { return r == ',' || r == ' ' }) {
		verbs[v] = true
	}
	return from, func(e model.Event) bool {
		return (to.IsZero() || e.At.Before(to)) &&
			(subject == "" || e.Subject == subject) &&
			(len(verbs) == 0 || verbs[e.Verb]) &&
			(f.actor == "" || actedBy(e.Actor, f.actor)) &&
			(f.source == "" || e.Subject == "source:"+f.source || e.Actor == "source:"+f.source || strings.HasPrefix(e.Actor, "token:"+f.source+"/")) &&
			(f.run == 0 || e.Run == f.run || e.Subject == fmt.Sprint("run:", f.run))
	}, nil
}

// actedBy reports whether an actor is the one asked for: "uid:1000(jane)" is
// found as that, as uid:1000 and as jane, "token:okta/t_1" as token:okta too.
func actedBy(actor, asked string) bool {
	id, name, named := strings.Cut(actor, "(")
	source, _, token := strings.Cut(actor, "/")
	return actor == asked || named && (id == asked || strings.TrimSuffix(name, ")") == asked) || token && source == asked
}

func (a *app) journalExport() *cobra.Command {
	var f journalFilter
	c := &cobra.Command{
		Use: "export [FILE]", Short: "the journal as JSON lines, oldest first",
		Long: "Writes one JSON object per event to FILE, or to the output. Each holds prev, the SHA-256 of the line\n" +
			"before it: a whole export can be checked without the appliance. Filters leave gaps in the chain.",
		Example: "  rollcall journal export --since 30d > journal.jsonl",
		Args:    takes(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			from, wanted, err := f.compile(ctx, a.deps.Now(), c)
			if err != nil {
				return err
			}
			if len(args) == 0 {
				_, err := exportEvents(ctx, c, from, wanted, a.out)
				return err
			}
			name, n := args[0], 0
			switch _, err := os.Lstat(name); {
			case err == nil:
				return fmt.Errorf("journal export: %s is there already, and what was exported once is not replaced: name another file", name)
			case !errors.Is(err, fs.ErrNotExist):
				return fmt.Errorf("journal export: %w", err)
			}
			err = writeFile(name, func(w io.Writer) error {
				n, err = exportEvents(ctx, c, from, wanted, &printer{w: w})
				return err
			})
			if err != nil {
				return fmt.Errorf("journal export: %w", err)
			}
			a.note.linef("%s written to %s.", count(n, "event", "events"), name)
			return nil
		},
	}
	f.flags(c)
	return c
}

func exportEvents(ctx context.Context, c *client.Client, from time.Time, wanted func(model.Event) bool, out *printer) (n int, err error) {
	last := int64(0)
	for {
		// After zero the journal begins, whatever its first number is.
		events, err := c.Journal(ctx, last, admin.MaxPage, false)
		if err != nil || len(events) == 0 {
			return n, err
		}
		for _, e := range events {
			last = int64(e.Seq)
			if e.At.Before(from) || !wanted(e) {
				continue
			}
			if err := out.json(e, false); err != nil {
				return n, err
			}
			n++
		}
		if out.err != nil {
			return n, out.err
		}
	}
}
