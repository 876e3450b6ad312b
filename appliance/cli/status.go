package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rollcall/appliance/admin"
)

func (a *app) status() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "everything at a glance, what needs a human first",
		Long: "Shows what waits for a human with the command that deals with it, then sources, targets and people.\n" +
			"Exit code 3 when something waits for a human.",
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := seconds(cmd)
			defer cancel()
			c, err := a.connect()
			if err != nil {
				return err
			}
			st, err := c.Status(ctx)
			if err != nil {
				return err
			}
			if a.json {
				err = a.out.json(st, true)
			} else {
				a.tellStatus(st)
			}
			if err == nil && len(st.Needs) > 0 {
				err = needsHuman()
			}
			return err
		},
	}
}

func (a *app) tellStatus(st admin.Status) {
	a.out.line("rollcall ", st.Version.Version, ", ", health(st.Health), ": ", st.Headline)
	a.out.line(faint("started " + ago(st.Now, st.Started) + "; " + activity(st.Activity)))
	a.tellNeeds(st.Needs)
	a.tellUnderWay(st.UnderWay)
	a.tellSources(st.Now, st.Sources)
	a.tellTargets(st.Now, st.Targets)
	a.tellPeople(st.People)
}

// health is the word of the appliance's state.
func health(word string) styled {
	switch word {
	case "ok":
		return good(word)
	case "attention":
		return warn(word)
	}
	return bad(word)
}

func activity(perMinute []int) string {
	n := 0
	for _, m := range perMinute {
		n += m
	}
	if n == 0 {
		return "nothing happened in the last hour"
	}
	return count(n, "event", "events") + " in the last hour"
}

func (a *app) tellNeeds(needs []admin.Need) {
	a.out.line()
	if len(needs) == 0 {
		a.out.line(bold("Nothing needs you."))
		return
	}
	a.out.line(bold("Needs you"))
	for i, n := range needs {
		a.out.wrapped(fmt.Sprintf("%3d. ", i+1), n.Text)
		if n.Command != "" {
			a.out.line("     ", faint("→ "), n.Command)
		}
	}
}

func (a *app) tellUnderWay(list []admin.UnderWay) {
	if len(list) == 0 {
		return
	}
	a.out.line()
	a.out.line(bold("Being carried out"), "; nothing is sent until it is done")
	for _, u := range list {
		far := ""
		if u.Of > 0 {
			far = fmt.Sprintf(", %s of %s so far", number(u.Done), count(u.Of, "delivery", "deliveries"))
		}
		a.out.wrapped("  ", fmt.Sprintf("run %d: %s%s", u.Run, u.What, far))
	}
}

func (a *app) tellSources(now time.Time, sources []admin.Source) {
	a.out.line()
	a.out.line(bold("Sources"))
	if len(sources) == 0 {
		a.out.line("  none: add a [sources.NAME] table to the configuration, see \"rollcall config example\"")
		return
	}
	t := &table{indent: "  ", columns: []column{{title: "NAME"}, {title: "KIND"}, {title: "STATE"}, {title: "HEALTH"},
		{title: "RECORDS", right: true}, {title: "HEARD"}, {title: "NEXT"}, {title: "DETAIL", flex: true}}}
	for _, s := range sources {
		heard := s.LastGood
		if s.LastHeard.After(heard) {
			heard = s.LastHeard
		}
		detail := s.Detail
		if s.Reading != nil {
			detail = "reading: " + progress(*s.Reading, now)
		}
		t.add(s.Name, s.Kind, s.State, health(s.Health), number(s.Records), ago(now, heard), when(now, s.NextRead), detail)
	}
	a.out.table(t)
	for _, s := range sources {
		if s.Error != "" {
			a.out.wrapped("  "+s.Name+": ", strings.TrimPrefix(s.Error, s.Name+": "))
		}
		if s.Endpoint != "" && s.Tokens == 0 {
			a.out.linef("  %s cannot call yet: make a token with \"rollcall token create %s\" and give it %s", s.Name, quoted(s.Name), s.Endpoint)
		}
	}
}

func (a *app) tellTargets(now time.Time, targets []admin.Target) {
	a.out.line()
	a.out.line(bold("Targets"))
	if len(targets) == 0 {
		a.out.line("  none: add a [targets.NAME] table to the configuration, see \"rollcall config example\"")
		return
	}
	t := &table{indent: "  ", columns: []column{{title: "NAME"}, {title: "KIND"}, {title: "LANE"}, {title: "ACCOUNTS", right: true},
		{title: "READY", right: true}, {title: "HELD", right: true}, {title: "PARKED", right: true}, {title: "OLDEST"}, {title: "DETAIL", flex: true}}}
	for _, g := range targets {
		lane := good(g.Lane)
		switch g.Lane {
		case "broken", "denied":
			lane = bad(g.Lane)
		case "paused", "waiting":
			lane = warn(g.Lane)
		}
		var detail []string
		if g.Sending != nil {
			detail = append(detail, "sending: "+progress(*g.Sending, now))
		}
		if !g.RetryAt.IsZero() && g.Lane != "open" {
			detail = append(detail, "tries again "+ago(now, g.RetryAt))
		}
		if g.Rate != "" {
			detail = append(detail, g.Rate)
		}
		if g.Drifted > 0 {
			detail = append(detail, count(g.Drifted, "account", "accounts")+" drifted")
		}
		if g.Uncovered > 0 {
			detail = append(detail, number(g.Uncovered)+" of nobody")
		}
		if g.File != nil {
			detail = append(detail, fileState(*g.File, now))
		}
		t.add(g.Name, g.Kind, lane, number(g.Accounts), number(g.Ready+g.Open), number(g.Held), number(g.Parked+g.Rejected),
			when(now, g.Oldest), strings.Join(detail, "; "))
	}
	a.out.table(t)
	for _, g := range targets {
		if len(g.Facts) > 0 {
			a.out.wrapped("  "+g.Name+": ", "its service, asked "+ago(now, g.Learned)+": "+factsLine(g.Facts))
		}
		if len(g.Ignored) > 0 {
			a.out.wrapped("  "+g.Name+": ", "accepts and does not keep "+strings.Join(g.Ignored, ", ")+": have the fields made there, or take them out of its map")
		}
		if g.Reason != "" {
			a.out.wrapped("  "+g.Name+": ", strings.TrimPrefix(g.Reason, g.Name+": "))
		}
	}
}

func (a *app) tellPeople(c admin.Counts) {
	a.out.line()
	if c.Total == 0 {
		a.out.line(bold("People"), "  nobody yet: they appear with the first read of a source (\"rollcall sync\")")
		return
	}
	var parts []string
	for _, p := range []struct {
		n    int
		word string
	}{{c.Active, "active"}, {c.Pending, "pending"}, {c.Leave, "on leave"}, {c.Inactive, "inactive"}, {c.Unknown, "of unknown status"},
		{c.Held, "held by a conflict"}, {c.Waiting, "waiting for an account"}} {
		if p.n > 0 {
			parts = append(parts, number(p.n)+" "+p.word)
		}
	}
	a.out.line(bold("People"), "  ", number(c.Total), ": ", strings.Join(parts, ", "))
}

// fileState says which file is at a target that takes one.
func fileState(f admin.File, now time.Time) string {
	switch {
	case f.Unsure:
		return "the last file may not have arrived; it is put again"
	case f.At.IsZero():
		return "no file yet"
	}
	s := "file of " + count(f.People, "person", "people") + " put " + ago(now, f.At)
	if f.Next.After(now) {
		s += ", the next " + ago(now, f.Next)
	}
	return s
}

// progress says how far something has come.
func progress(p admin.Progress, now time.Time) string {
	s := number(p.Done)
	if p.Total > 0 {
		about := ""
		if p.Estimated {
			about = "about "
		}
		s += " of " + about + number(p.Total)
	}
	switch {
	case p.Rate >= 1:
		s += fmt.Sprintf(", %.0f a second", p.Rate)
	case p.Rate*60 >= 1:
		s += fmt.Sprintf(", %.0f a minute", p.Rate*60)
	}
	if p.ETA.After(now) {
		s += ", done " + ago(now, p.ETA)
	}
	return s
}
