package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rollcall/appliance/admin"
	"rollcall/appliance/admin/client"
	"rollcall/appliance/model"
)

func (a *app) conflicts() *cobra.Command {
	list := func(cmd *cobra.Command, _ []string) error {
		ctx, cancel := seconds(cmd)
		defer cancel()
		c, err := a.connect()
		if err != nil {
			return err
		}
		conflicts, err := c.Conflicts(ctx)
		if err != nil {
			return err
		}
		if a.json {
			err = a.out.json(conflicts, true)
		} else {
			a.tellConflicts(conflicts)
		}
		if err == nil && len(conflicts) > 0 {
			err = needsHuman()
		}
		return err
	}
	c := &cobra.Command{
		Use: "conflicts [list|show ID|resolve ID VERB|undo ID]", Short: "what only a human can settle, and settling it",
		Long: "Lists what only a human can settle (exit code 3 when there is something). A conflict stops only the\n" +
			"people it concerns.",
		Args: takes(0, 0), RunE: list,
	}
	c.AddCommand(
		&cobra.Command{Use: "list", Short: "the open conflicts", Args: takes(0, 0), RunE: list},
		a.conflictShow(), a.conflictResolve(), a.conflictUndo(), a.conflictDecisions())
	return c
}

func (a *app) tellConflicts(conflicts []admin.Conflict) {
	if len(conflicts) == 0 {
		a.out.line("No conflicts. When two records cannot both be right, they appear here.")
		return
	}
	now := a.deps.Now()
	t := &table{columns: []column{{title: "ID"}, {title: "KIND"}, {title: "STOPS"}, {title: "PEOPLE", flex: true}, {title: "OPENED"}, {title: "SUGGESTED", flex: true}}}
	for _, c := range conflicts {
		stops := "no"
		if c.Freezes {
			stops = "yes"
		}
		t.add(c.ID, c.Kind, stops, strings.Join(c.Names, ", "), ago(now, c.Opened), c.Suggestion)
	}
	a.out.table(t)
	a.out.line()
	a.out.linef("Look at one with \"rollcall conflicts show %s\".", quoted(conflicts[0].ID))
}

func (a *app) conflictShow() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "one conflict: the records side by side, and how to answer",
		Args: takes(1, 1),
		RunE: showing(a, func(ctx context.Context, c *client.Client, args []string) (admin.Conflict, error) {
			return c.Conflict(ctx, args[0])
		}, a.tellConflict),
	}
}

func (a *app) tellConflict(k admin.Conflict) {
	now := a.deps.Now()
	a.out.line(bold(k.Kind), "  ", k.ID, faint("  opened "+ago(now, k.Opened)))
	a.out.wrapped("  ", k.Rule)
	if len(k.Names) > 0 {
		a.out.wrapped("  concerns ", and(k.Names))
	}
	if k.Freezes {
		a.out.line("  nothing about them is relayed until it is settled")
	}
	if k.Target != "" {
		a.out.line("  in ", k.Target)
	}
	switch {
	case k.Kind == string(model.IdentifierChange) && len(k.Identifiers) == 2:
		a.out.wrapped("  login: ", k.Identifiers[0]+" → "+k.Identifiers[1])
	case len(k.Identifiers) > 0 && k.Kind != string(model.DuplicateGroup):
		a.out.wrapped("  about: ", strings.Join(k.Identifiers, ", "))
	}
	if len(k.Records) > 0 {
		a.out.line()
		a.sideBySide(k)
	}
	if len(k.For)+len(k.Against) > 0 {
		a.out.line()
		for _, s := range k.For {
			a.out.wrapped("  + ", s)
		}
		for _, s := range k.Against {
			a.out.wrapped("  - ", s)
		}
	}
	if len(k.Precedents) > 0 {
		a.out.wrapped("  = ", "like it, answered before: "+precedents(k.Precedents))
	}
	if k.Suggestion != "" {
		a.out.line()
		a.out.wrapped("Suggested: ", k.Suggestion)
	}
	a.out.line()
	a.out.line("Answer it with one of these; --dry-run shows first what it would do to accounts:")
	for _, verb := range answers(k) {
		a.out.linef("  rollcall conflicts resolve %s %s --rev %d", quoted(k.ID), verb, k.Rev)
	}
}

// precedents says how conflicts like this one were answered, the most usual first.
func precedents(by map[string]int) string {
	verbs := slices.Sorted(maps.Keys(by))
	slices.SortStableFunc(verbs, func(x, y string) int { return by[y] - by[x] })
	var out []string
	for _, v := range verbs {
		out = append(out, fmt.Sprintf("%s %d×", v, by[v]))
	}
	return strings.Join(out, ", ")
}

// answers are the answers that a conflict takes, as words of a command.
func answers(k admin.Conflict) []string {
	record := "RECORD"
	if n := len(k.Records); n > 0 {
		record = quoted(k.Records[0].ID)
		if k.Kind == string(model.DuplicateGroup) {
			record = quoted(k.Records[n-1].ID) // the one that asks for the name
		}
	}
	var out []string
	for _, verb := range k.Answers {
		switch model.Verb(verb) {
		case model.Prefer, model.Exclude:
			verb += " " + record
		case model.Set:
			verb += " " + setHint(k.Kind)
			if k.Kind == string(model.DuplicateGroup) {
				verb += " --record " + record
			}
		}
		out = append(out, verb)
	}
	return out
}

// setHint is what is usually set to settle a conflict of this kind.
func setHint(kind string) string {
	switch model.ConflictKind(kind) {
	case model.ManagerUnresolved, model.ManagerCycle:
		return "manager=EMAIL"
	case model.Rejected:
		return "ATTRIBUTE=VALUE"
	case model.DuplicateGroup:
		return string(model.DisplayName) + "=NAME"
	}
	return "email=ADDRESS"
}

// sideBySide prints the records of a conflict as columns, the attributes on
// which they disagree first and marked.
func (a *app) sideBySide(k admin.Conflict) {
	t := &table{indent: "  ", columns: []column{{title: ""}, {title: "", flex: true}}}
	for _, r := range k.Records {
		t.columns = append(t.columns, column{title: r.Source, flex: true})
	}
	add := func(mark, name string, cell func(admin.Record) string) {
		cells := []any{mark, name}
		for _, r := range k.Records {
			cells = append(cells, cell(r))
		}
		t.add(cells...)
	}
	add("", "record", func(r admin.Record) string { return r.ID })
	add("", "id there", func(r admin.Record) string { return r.Native })
	add("", "status", func(r admin.Record) string {
		s := r.Status
		if r.RawStatus != "" && r.RawStatus != r.Status {
			s += " (" + r.RawStatus + ")"
		}
		if r.Gone {
			s += ", gone"
		}
		if r.Staged {
			s += ", preview"
		}
		return s
	})
	if k.Kind == string(model.DuplicateGroup) {
		for _, n := range attributesOf(k) {
			add(differing(k, n), n, func(r admin.Record) string { return said(r, n) })
		}
		a.out.table(t)
		return
	}
	add("", "changed", func(r admin.Record) string { return ago(a.deps.Now(), r.Changed) })
	for _, n := range attributesOf(k) {
		add(differing(k, n), n, func(r admin.Record) string { return said(r, n) })
	}
	a.out.table(t)
}

// differing marks an attribute on which the records of a conflict disagree.
func differing(k admin.Conflict, attribute string) string {
	if slices.Contains(k.Differs, attribute) {
		return "≠"
	}
	return ""
}

func said(r admin.Record, attribute string) string {
	v, ok := r.Attributes[attribute]
	if !ok {
		return "(not said)"
	}
	return value(v)
}

// attributesOf returns the attributes of a conflict's records, those that
// differ first.
func attributesOf(k admin.Conflict) []string {
	var differing, same []model.Name
	seen := map[string]bool{}
	for _, r := range k.Records {
		for n := range r.Attributes {
			switch {
			case seen[n]:
			case slices.Contains(k.Differs, n):
				differing = append(differing, model.Name(n))
			default:
				same = append(same, model.Name(n))
			}
			seen[n] = true
		}
	}
	model.SortNames(differing)
	model.SortNames(same)
	var names []string
	for _, n := range append(differing, same...) {
		names = append(names, string(n))
	}
	return names
}

func (a *app) conflictDecisions() *cobra.Command {
	return &cobra.Command{
		Use: "decisions", Short: "the answers in force, each with the way to take it back",
		Args: takes(0, 0),
		RunE: showing(a, func(ctx context.Context, c *client.Client, _ []string) ([]admin.Decision, error) {
			return c.Decisions(ctx)
		}, a.tellDecisions),
	}
}

func (a *app) tellDecisions(decisions []admin.Decision) {
	if len(decisions) == 0 {
		a.out.line("Nobody decided anything yet. \"rollcall conflicts\" shows what waits for an answer.")
		return
	}
	now := a.deps.Now()
	t := &table{columns: []column{{title: "ID"}, {title: "BATCH"}, {title: "ANSWER"}, {title: "TO"}, {title: "PEOPLE", flex: true}, {title: "BY", flex: true}, {title: "WHEN"}}}
	for _, d := range decisions {
		verb := d.Verb
		for _, r := range d.Apart {
			verb += " " + r
		}
		if d.Attribute != "" {
			verb += " " + d.Attribute + "=" + d.Value
		}
		t.add(d.ID, d.Batch, verb, cmp.Or(d.Kind, "import"), strings.Join(d.Names, ", "), d.Actor, ago(now, d.At))
	}
	a.out.table(t)
	a.out.line()
	a.out.linef("Take one back with \"rollcall conflicts undo %s\".", quoted(decisions[0].ID))
}
