package cli

import (
	"cmp"
	"context"
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
	c := &cobra.Command{
		Use: "plan [SOURCE] [--csv]", Short: "what would change, person by person, attribute by attribute, and why",
		Long: "Shows what is pending, or, with a source in preview, what activating it would change. Changes are\n" +
			"counted by cause first and then listed person by person, old → new. --csv is for a spreadsheet.\n" +
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
			switch {
			case a.json:
				err = a.out.json(p, true)
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
	return c
}

// cause is what a group of changes has in common.
type cause struct{ target, effect, attribute string }

// causes counts people by effect and, for updates, by attribute; the order is
// that of urgency for someone who reviews: who loses access first.
func causes(changes []admin.PlanChange) (order []cause, counts map[cause]int) {
	counts = map[cause]int{}
	for _, c := range changes {
		counts[cause{c.Target, c.Effect, ""}]++
		for _, at := range c.Attributes {
			if c.Effect == string(model.EffectUpdate) {
				counts[cause{c.Target, c.Effect, at.Attribute}]++
			}
		}
	}
	for k := range counts {
		order = append(order, k)
	}
	slices.SortFunc(order, func(x, y cause) int {
		return cmp.Or(strings.Compare(x.target, y.target), rank(x.effect)-rank(y.effect), strings.Compare(x.effect, y.effect),
			boolInt(x.attribute != "")-boolInt(y.attribute != ""), counts[y]-counts[x], strings.Compare(x.attribute, y.attribute))
	})
	return order, counts
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
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
	if p.Summary != "" {
		a.out.wrapped("", p.Summary)
	}
	for _, n := range p.Notices {
		a.out.wrapped("note: ", n)
	}
	if len(p.Changes) == 0 {
		a.out.line("No account would change: sources and targets agree.")
	}
	order, counts := causes(p.Changes)
	if len(order) > 0 {
		a.out.line()
		t := &table{indent: "  ", columns: []column{{title: "TARGET"}, {title: "EFFECT"}, {title: "ATTRIBUTE", flex: true}, {title: "PEOPLE", right: true}}}
		for _, k := range order {
			t.add(k.target, effectWord(k.effect), k.attribute, number(counts[k]))
		}
		a.out.table(t)
	}
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
	return fmt.Sprintf("%s: %s; %s where %s may pass", s, h.Reason, number(h.Count), number(h.Limit))
}

func (a *app) tellChanges(changes []admin.PlanChange) {
	sorted := slices.Clone(changes)
	slices.SortStableFunc(sorted, func(x, y admin.PlanChange) int {
		return cmp.Or(strings.Compare(x.Target, y.Target), rank(x.Effect)-rank(y.Effect), strings.Compare(x.Effect, y.Effect),
			strings.Compare(strings.ToLower(x.Person.Name), strings.ToLower(y.Person.Name)), strings.Compare(x.Person.ID, y.Person.ID))
	})
	var heading cause
	for _, c := range sorted {
		if k := (cause{target: c.Target, effect: c.Effect}); k != heading {
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
	out.row("target", "effect", "state", "person", "name", "email", "attribute", "old", "new", "source", "why")
	for _, c := range p.Changes {
		if len(c.Attributes) == 0 {
			out.row(c.Target, c.Effect, c.State, c.Person.ID, c.Person.Name, c.Person.Email, "", "", "", "", c.Why)
		}
		for _, at := range c.Attributes {
			out.row(c.Target, c.Effect, c.State, c.Person.ID, c.Person.Name, c.Person.Email, at.Attribute, at.Old, at.New, at.Source, c.Why)
		}
	}
	for _, u := range p.Uncovered {
		state := "inactive"
		if u.Active {
			state = "active"
		}
		out.row(u.Target, "uncovered", state, "", "", u.Login, "", "", "", "", "no source covers this account")
	}
	return out.end()
}
