package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
)

func (a *app) plan() *cobra.Command {
	var asCSV, summary bool
	var file string
	c := &cobra.Command{
		Use: "plan [SOURCE] [--csv] [--out FILE]", Short: "what would change, person by person, attribute by attribute, and why",
		Long: "Shows what is pending, or, with a source in preview, what activating it would change. Changes are\n" +
			"counted by cause first and then listed person by person, old → new. --csv is for a spreadsheet.\n" +
			"--out writes the plan to a file, pinned to what was read, to the rules and to what the targets hold:\n" +
			"\"rollcall apply FILE\" does exactly that, and leaves out, by name, who changed since.\n" +
			"Exit code 3 when guards hold something or conflicts are open.",
		Args:              takes(0, 1),
		ValidArgsFunction: a.sourceNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			if asCSV && a.json {
				return wrongUsage(fmt.Errorf("--csv and --json are two formats: choose one"))
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), 5*time.Minute)
			defer cancel()
			source := ""
			if len(args) == 1 {
				source = args[0]
			}
			p, err := c.Plan(ctx, source)
			if err != nil {
				return err
			}
			if file != "" {
				if err := writePlan(file, p); err != nil {
					return err
				}
			}
			lacks := ""
			if len(p.Changes)+len(p.Uncovered)+len(p.Conflicts)+len(p.Holds) == 0 && !a.json && !asCSV && file == "" {
				if lacks, err = nothingYet(ctx, c); err != nil {
					return err
				}
			}
			switch {
			case lacks != "":
				a.out.line(lacks)
			case a.json:
				err = a.out.json(p, true)
			case file != "" && !asCSV:
				a.tellPlan(p, true)
				a.out.line()
				a.out.linef("Written to %s. \"rollcall apply %s\" does exactly this.", file, quoted(file))
			case asCSV:
				err = a.planCSV(p)
			default:
				a.tellPlan(p, summary)
			}
			if err == nil && (len(p.Conflicts) > 0 || len(waiting(p.Holds)) > 0) {
				err = needsHuman()
			}
			return err
		},
	}
	c.Flags().BoolVar(&asCSV, "csv", false, "as CSV, one line per person and attribute")
	c.Flags().BoolVar(&summary, "summary", false, "counts only")
	c.Flags().StringVarP(&file, "out", "o", "", "write the plan to `FILE`, for \"rollcall apply\"")
	return c
}

// effects orders effects by how much someone wants to know of them.
var effects = [...]string{"blocked", string(model.EffectDeactivate), string(model.EffectCreate), string(model.EffectReactivate), string(model.EffectAdopt), string(model.EffectUpdate)}

func rank(effect string) int {
	if i := slices.Index(effects[:], effect); i >= 0 {
		return i
	}
	return len(effects)
}

func waiting(holds []model.Hold) []model.Hold {
	var out []model.Hold
	for _, h := range holds {
		if h.State == model.HoldWaiting || h.State == "" {
			out = append(out, h)
		}
	}
	return out
}

func (a *app) tellPlan(p admin.Plan, summary bool) {
	if p.Source != "" {
		a.out.line(bold("If "+p.Source+" were active"), faint("  plan "+p.Digest))
	} else {
		a.out.line(bold("Pending"), faint("  plan "+p.Digest))
	}
	if p.Summary != "" && len(p.Changes) > 0 {
		a.out.wrapped("", p.Summary)
	}
	for _, n := range p.Notices {
		a.out.wrapped("note: ", n)
	}
	if len(p.Changes) == 0 {
		a.out.line("No account would change: sources and targets agree.")
	}
	a.tellCauses(p.Causes, false)
	a.tellHolds(p.Holds)
	if n := len(p.Conflicts); n > 0 {
		a.out.line()
		a.out.linef("%s only a human can settle; the people concerned are left as they are: see \"rollcall conflicts\".", count(n, "conflict that", "conflicts that"))
	}
	if n := len(p.Uncovered); n > 0 {
		a.out.line()
		a.out.linef("%s no source covers:", count(n, "account that", "accounts that"))
		shownLogins := 0
		for _, u := range p.Uncovered {
			if summary && shownLogins == 10 {
				a.out.linef("  and %s more: see \"rollcall plan\" without --summary", number(n-shownLogins))
				break
			}
			shownLogins++
			state := "inactive"
			if u.Active {
				state = "active"
			}
			a.out.line("  ", u.Target, "  ", u.Login, "  ", state)
		}
	}
	if !summary {
		a.tellChanges(p.Changes)
	}
}

// tellCauses lists what groups of changes have in common; named shows the ids by
// which a part of a hold can be released.
func (a *app) tellCauses(causes []admin.Cause, named bool) {
	if len(causes) == 0 {
		return
	}
	a.out.line()
	t := &table{indent: "  ", columns: []column{{title: "TARGET"}, {title: "EFFECT"}, {title: "CAUSE", flex: true}, {title: "PEOPLE", right: true}}}
	if named {
		t.columns = append(t.columns, column{title: "ID"})
	}
	for _, c := range causes {
		row := []any{c.Target, effectWord(c.Effect), c.Text, number(c.People)}
		if named {
			row = append(row, c.ID)
		}
		t.add(row...)
	}
	a.out.table(t)
}

// effectWord spells an effect for people.
func effectWord(effect string) any {
	switch effect {
	case string(model.EffectDeactivate), "blocked":
		return warn(effect)
	}
	return effect
}

func (a *app) tellHolds(holds []model.Hold) {
	held := waiting(holds)
	if len(held) == 0 {
		return
	}
	a.out.line()
	a.out.line(bold("Held by a guard"), ", nothing of it happens until a human approves:")
	for _, h := range held {
		a.out.wrapped("  ", holdText(h))
	}
}

func holdText(h model.Hold) string {
	s := h.Guard
	if h.Target != "" {
		s += " (" + h.Target + ")"
	}
	if h.Attribute != "" {
		s += " " + string(h.Attribute)
	}
	return s + ": " + h.Reason // which says how many there are, and how many may pass
}

func (a *app) tellChanges(changes []admin.PlanChange) {
	sorted := slices.Clone(changes)
	slices.SortStableFunc(sorted, func(x, y admin.PlanChange) int {
		return cmp.Or(strings.Compare(x.Target, y.Target), rank(x.Effect)-rank(y.Effect), strings.Compare(x.Effect, y.Effect),
			strings.Compare(strings.ToLower(x.Person.Name), strings.ToLower(y.Person.Name)), strings.Compare(x.Person.ID, y.Person.ID))
	})
	var heading [2]string
	for _, c := range sorted {
		if k := [2]string{c.Target, c.Effect}; k != heading {
			heading = k
			a.out.line()
			a.out.line(bold(c.Target + ": " + c.Effect))
		}
		state := ""
		if c.State != "" && c.State != string(model.JobReady) {
			state = "  [" + c.State + "]"
		}
		a.out.line("  ", bold(personName(c.Person)), state)
		if c.Why != "" {
			a.out.wrapped("    ", c.Why)
		}
		width := 0
		for _, at := range c.Attributes {
			width = max(width, len(at.Attribute))
		}
		for _, at := range c.Attributes {
			from := ""
			if at.Source != "" {
				from = "  (" + at.Source + ")"
			}
			if c.Effect == string(model.EffectCreate) && at.Old == "" {
				a.out.linef("    %-*s  %s%s", width, at.Attribute, value(at.New), from)
				continue
			}
			a.out.linef("    %-*s  %s → %s%s", width, at.Attribute, value(at.Old), value(at.New), from)
		}
		a.tellRequests(c.Requests)
	}
}

// tellRequests prints requests as they would be sent.
func (a *app) tellRequests(requests []admin.PlannedRequest) {
	for _, r := range requests {
		if r.Method != "" {
			a.out.line("    ", faint(r.Method+" "+r.Path))
		}
		if r.Note != "" {
			a.out.wrapped("      ", "("+r.Note+")")
		}
		var body bytes.Buffer
		if len(r.Body) == 0 || json.Indent(&body, r.Body, "      ", "  ") != nil {
			continue
		}
		for line := range strings.Lines("      " + body.String()) {
			a.out.line(faint(strings.TrimRight(line, "\n")))
		}
	}
}

// tellFiles prints how files would differ, row by row.
func (a *app) tellFiles(files []admin.FileChange) {
	for _, f := range files {
		a.out.line()
		a.out.line(bold(f.Target+": the file"), faint("  of "+count(f.People, "person", "people")))
		if len(f.Added)+len(f.Removed) == 0 {
			a.out.line("  stays as it is")
			continue
		}
		a.out.line("    ", faint(f.Header))
		for _, row := range f.Removed {
			a.out.line("  - ", row)
		}
		for _, row := range f.Added {
			a.out.line("  + ", row)
		}
	}
}

// personName names a person the way lists do: "Jane Doe <jane@example.com>".
func personName(p admin.PersonRef) string {
	switch {
	case p.Name != "" && p.Email != "":
		return p.Name + " <" + p.Email + ">"
	case p.Name != "":
		return p.Name
	case p.Email != "":
		return p.Email
	}
	return p.ID
}

func (a *app) planCSV(p admin.Plan) error {
	out := newSheet(a.out)
	out.row("target", "effect", "state", "person", "name", "email", "department", "attribute", "old", "new", "source", "why")
	for _, c := range p.Changes {
		if len(c.Attributes) == 0 {
			out.row(c.Target, c.Effect, c.State, c.Person.ID, c.Person.Name, c.Person.Email, c.Department, "", "", "", "", c.Why)
		}
		for _, at := range c.Attributes {
			out.row(c.Target, c.Effect, c.State, c.Person.ID, c.Person.Name, c.Person.Email, c.Department, at.Attribute, at.Old, at.New, at.Source, c.Why)
		}
	}
	for _, u := range p.Uncovered {
		state := "inactive"
		if u.Active {
			state = "active"
		}
		out.row(u.Target, "uncovered", state, "", "", u.Login, "", "", "", "", "", "no source covers this account")
	}
	return out.end()
}
