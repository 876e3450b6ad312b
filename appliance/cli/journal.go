package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rollcall/appliance/admin"
	"rollcall/appliance/admin/client"
	"rollcall/appliance/config"
	"rollcall/appliance/model"
)

// journalChunk is how many events one question asks for.
const journalChunk = admin.MaxPage

func (a *app) journal() *cobra.Command {
	var f journalFilter
	var limit int
	var follow bool
	c := &cobra.Command{
		Use: "journal [--since --person --follow|export|verify]", Short: "what changed, why and who asked; and proof that nobody edited it",
		Long: "Prints the journal, oldest first: the newest events, or with --since those from a time on. --follow\n" +
			"goes on as things happen. Filters narrow it down, and all that are given must fit. The journal\n" +
			"holds ids only; people are called as the roster knows them now. With --json it is an array, of ids, and\n" +
			"with --follow one object per line.",
		Example: "  rollcall journal --since 2h\n  rollcall journal --person jane@example.com --since 2026-01-01\n" +
			"  rollcall journal --verb approved --actor jane --since 30d",
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := between("limit", limit, 1, maxListed); err != nil {
				return err
			}
			if follow && f.until != "" {
				return wrongUsage(errors.New("--follow waits for what is to come, and --until ends before it: leave one out"))
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), 5*time.Minute)
			defer cancel()
			from, wanted, err := f.compile(ctx, a.deps.Now(), c)
			if err != nil {
				return err
			}
			events, err := lookBack(ctx, c, from, limit, wanted)
			if err != nil {
				return err
			}
			if follow {
				return a.follow(cmd.Context(), c, events, wanted)
			}
			if a.json {
				return a.out.json(events.wanted, true)
			}
			switch {
			case events.last == 0:
				a.out.line("The journal is empty: it begins with the first read or the first command that changes something.")
			case len(events.wanted) == 0:
				a.out.line("The journal holds nothing of that. \"rollcall journal\" shows the newest events.")
			}
			names, err := namesOf(ctx, c, events.wanted)
			if err != nil {
				return err
			}
			a.tellEvents(events.wanted, names)
			return nil
		},
	}
	f.flags(c)
	c.Flags().IntVar(&limit, "limit", 100, "without --since: how many, the newest (`N`)")
	c.Flags().BoolVarP(&follow, "follow", "f", false, "go on as things happen")
	c.AddCommand(a.journalExport(), a.journalVerify())
	return c
}

func (a *app) journalVerify() *cobra.Command {
	var head string
	c := &cobra.Command{
		Use: "verify [--head HEAD]", Short: "proves that no event was edited, removed or reordered",
		Long: "Walks the chain of the journal: each event carries the hash of the one before it. Finds every changed\n" +
			"byte, a missing event and another order. Somebody who can rewrite the whole file could forge all of\n" +
			"it: note the head that is printed, outside this machine, and give it with --head later to prove that\n" +
			"nothing up to there changed since. [journal] syslog does the same for every event.",
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), 10*time.Minute)
			defer cancel()
			c, err := a.connect()
			if err != nil {
				return err
			}
			v, err := c.VerifyJournal(ctx, head)
			if err != nil {
				return err
			}
			if a.json {
				return a.out.json(v, true)
			}
			if v.Events == 0 {
				a.out.line("The journal is empty: there is nothing to verify yet.")
				return nil
			}
			a.out.linef("The journal is whole: each of its %s follows from the one before.", count(v.Events, "event", "events"))
			if head != "" {
				a.out.line("Nothing up to the head that you gave was changed since it was noted.")
			}
			if v.Head != "" {
				a.out.line("Its head: ", v.Head)
			}
			return nil
		},
	}
	c.Flags().StringVar(&head, "head", "", "a `HEAD` that was printed before: prove that all up to it is as it was then")
	return c
}

// Instant reads a time as operators write it: how long ago, a date, a time, or now.
func Instant(now time.Time, s string) (time.Time, error) {
	if s == "now" {
		return now, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return t, nil
		}
	}
	var d config.Duration
	if err := d.UnmarshalText([]byte(s)); err != nil || d < 0 {
		return time.Time{}, fmt.Errorf("%q is not a time: write how long ago (2h, 3d), a date (2026-01-31) or a time (2026-01-31T08:00:00Z)", s)
	}
	return now.Add(-time.Duration(d)), nil
}

// past is a stretch of the journal that was read.
type past struct {
	wanted []model.Event // those asked for, oldest first
	last   int64         // the newest event that was read, asked for or not
}

// lookBack reads the journal backwards from its end, in chunks: until from when
// that is set, else until there are limit wanted events.
func lookBack(ctx context.Context, c *client.Client, from time.Time, limit int, wanted func(model.Event) bool) (past, error) {
	found := past{wanted: []model.Event{}}
	chunk, err := c.Journal(ctx, -1, journalChunk, false)
	if err != nil {
		return past{}, err
	}
	if len(chunk) > 0 {
		found.last = int64(chunk[len(chunk)-1].Seq)
	}
	for len(chunk) > 0 {
		first := int64(chunk[0].Seq)
		var part []model.Event
		for _, e := range chunk {
			if wanted(e) && !e.At.Before(from) {
				part = append(part, e)
			}
		}
		found.wanted = append(part, found.wanted...)
		if first <= 1 || !from.IsZero() && chunk[0].At.Before(from) || from.IsZero() && len(found.wanted) >= limit {
			break
		}
		if chunk, err = c.Journal(ctx, max(0, first-1-journalChunk), journalChunk, false); err != nil {
			return past{}, err
		}
		chunk = until(chunk, first)
	}
	if extra := len(found.wanted) - limit; from.IsZero() && extra > 0 {
		found.wanted = found.wanted[extra:]
	}
	return found, nil
}

// until returns the events of chunk before the one numbered first.
func until(chunk []model.Event, first int64) []model.Event {
	if i := slices.IndexFunc(chunk, func(e model.Event) bool { return int64(e.Seq) >= first }); i >= 0 {
		return chunk[:i]
	}
	return chunk
}

// follow prints what was found and then what happens, until ctx ends.
func (a *app) follow(ctx context.Context, c *client.Client, found past, wanted func(model.Event) bool) error {
	events, last := found.wanted, found.last
	for {
		var names map[string]string
		if !a.json {
			var err error
			if names, err = namesOf(ctx, c, events); err != nil && ctx.Err() == nil {
				return err
			}
		}
		for _, e := range events {
			if !wanted(e) {
				continue
			}
			if a.json {
				if err := a.out.json(e, false); err != nil {
					return err
				}
				continue
			}
			a.tellEvent(e, names)
		}
		if a.out.err != nil {
			return a.out.err
		}
		asked := a.deps.Now()
		var err error
		events, err = c.Journal(ctx, last, journalChunk, true)
		switch {
		case ctx.Err() != nil:
			return nil // the operator had enough
		case err != nil:
			return err
		}
		if len(events) > 0 {
			last = int64(events[len(events)-1].Seq)
			continue
		}
		if a.deps.Now().Sub(asked) < time.Second && !pause(ctx, time.Second) {
			return nil
		}
	}
}

// pause waits for d and reports whether ctx still goes on.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// namesOf asks what humans call the subjects of events: the journal itself holds ids
// only, and outlives who they belong to.
func namesOf(ctx context.Context, c *client.Client, events []model.Event) (map[string]string, error) {
	var subjects []string
	for _, e := range events {
		if kind, _, _ := strings.Cut(e.Subject, ":"); kind == "person" || kind == "record" || kind == "conflict" {
			subjects = append(subjects, e.Subject)
		}
	}
	slices.Sort(subjects)
	subjects = slices.Compact(subjects)
	all := map[string]string{}
	for part := range slices.Chunk(subjects, admin.MaxNames) {
		names, err := c.Names(ctx, part)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, names)
	}
	return all, nil
}

// tellEvent prints one event: when, who, what to whom, and why.
func (a *app) tellEvent(e model.Event, names map[string]string) {
	text := e.Verb + " " + e.Subject
	if name := names[e.Subject]; name != "" {
		text = e.Verb + " " + name + " (" + e.Subject + ")"
	}
	if len(e.Fields) > 0 {
		text += " [" + strings.Join(e.Fields, ", ") + "]"
	}
	if e.Run > 0 {
		text += fmt.Sprintf(" (run %d)", e.Run)
	}
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	a.out.line(faint(e.At.In(a.deps.Now().Location()).Format("2006-01-02 15:04:05")), "  ", e.Actor, "  ", text)
}

func (a *app) requests() *cobra.Command {
	var source string
	var failed, follow bool
	var limit int
	c := &cobra.Command{
		Use: "requests [--source --failed --follow]", Short: "what each SCIM sender asked and got, masked",
		Long: "Prints what SCIM senders asked lately and what they got, oldest first, with the dialect rules that\n" +
			"were applied. Values of people are masked. --follow goes on as requests come in.",
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := between("limit", limit, 1, admin.MaxPage); err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			ctx, cancel := seconds(cmd)
			defer cancel()
			list, err := c.Requests(ctx, source, failed, limit)
			if err != nil {
				return err
			}
			oldestFirst(list)
			if follow {
				return a.followRequests(cmd.Context(), c, list, source, failed)
			}
			if a.json {
				return a.out.json(list, true)
			}
			if len(list) == 0 {
				a.out.line("No request of that kind. A sender needs a token (\"rollcall token create SOURCE\") and the URL that \"rollcall status --json\" names.")
			}
			for _, r := range list {
				a.tellRequest(r)
			}
			return nil
		},
	}
	c.Flags().StringVar(&source, "source", "", "of one source only (`NAME`)")
	c.Flags().BoolVar(&failed, "failed", false, "refused and failed ones only")
	c.Flags().IntVar(&limit, "limit", 50, "how many, the newest (`N`)")
	c.Flags().BoolVarP(&follow, "follow", "f", false, "go on as requests come in")
	return c
}

func oldestFirst(list []admin.Request) {
	slices.SortStableFunc(list, func(x, y admin.Request) int { return x.At.Compare(y.At) })
}

// followRequests asks every other second, because requests are kept in a ring
// that nothing points into.
func (a *app) followRequests(ctx context.Context, c *client.Client, list []admin.Request, source string, failed bool) error {
	var last time.Time
	for {
		for _, r := range list {
			if !r.At.After(last) {
				continue
			}
			if a.json {
				if err := a.out.json(r, false); err != nil {
					return err
				}
				continue
			}
			a.tellRequest(r)
		}
		if len(list) > 0 {
			last = list[len(list)-1].At
		}
		if a.out.err != nil {
			return a.out.err
		}
		if !pause(ctx, 2*time.Second) {
			return nil
		}
		var err error
		list, err = c.Requests(ctx, source, failed, journalChunk)
		if err != nil && errors.Is(err, ctx.Err()) {
			return nil
		}
		if err != nil {
			return err
		}
		oldestFirst(list)
	}
}

func (a *app) tellRequest(r admin.Request) {
	status := good(fmt.Sprint(r.Status))
	switch {
	case r.Status >= 500:
		status = bad(fmt.Sprint(r.Status))
	case r.Status >= 400:
		status = warn(fmt.Sprint(r.Status))
	}
	var notes []string
	if r.Detail != "" {
		notes = append(notes, r.Detail)
	}
	if len(r.Quirks) > 0 {
		notes = append(notes, "dialect "+r.Dialect+": "+strings.Join(r.Quirks, ", "))
	}
	tail := ""
	if len(notes) > 0 {
		tail = "  " + strings.Join(notes, "; ")
	}
	a.out.line(faint(r.At.In(a.deps.Now().Location()).Format("2006-01-02 15:04:05")), "  ", r.Source, "  ", status, " ", r.Method, " ", r.Path,
		fmt.Sprintf("  %.1f ms", r.TookMS), tail)
}

func (a *app) verify() *cobra.Command {
	return &cobra.Command{
		Use: "verify", Short: "recomputes everything that is derived and compares it with what is stored",
		Long: "Checks every page of the database, every index, the chain of the journal, and plans the whole roster\n" +
			"anew from records and decisions. Exit code 1 when something differs.",
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), 10*time.Minute)
			defer cancel()
			c, err := a.connect()
			if err != nil {
				return err
			}
			v, err := c.Verify(ctx)
			if err != nil {
				return err
			}
			if a.json {
				err = a.out.json(v, true)
			} else {
				a.out.linef("Looked at %s, %s, %s and %s.", count(v.Records, "record", "records"), count(v.Persons, "person", "people"),
					count(v.Jobs, "delivery", "deliveries"), count(v.Events, "event", "events"))
				for _, p := range v.Problems {
					a.out.wrapped("- ", p)
				}
			}
			switch {
			case err != nil:
				return err
			case len(v.Problems) > 0:
				return fmt.Errorf("%s found: stop the appliance and restore a backup, or ask for help with the lines above", count(len(v.Problems), "problem was", "problems were"))
			case !a.json:
				a.out.line("Everything derived equals what it is derived from.")
			}
			return nil
		},
	}
}
