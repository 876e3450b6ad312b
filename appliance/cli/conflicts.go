package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rollcall/appliance/admin"
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
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := seconds(cmd)
			defer cancel()
			c, err := a.connect()
			if err != nil {
				return err
			}
			k, err := c.Conflict(ctx, args[0])
			if err != nil {
				return err
			}
			if a.json {
				return a.out.json(k, true)
			}
			a.tellConflict(k)
			return nil
		},
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
	if len(k.Identifiers) > 0 {
		a.out.wrapped("  shared: ", strings.Join(k.Identifiers, ", "))
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

// answers are the answers that make sense for a conflict, as words of a command.
func answers(k admin.Conflict) []string {
	record := "RECORD"
	if len(k.Records) > 0 {
		record = quoted(k.Records[0].ID)
	}
	var verbs []string
	switch model.ConflictKind(k.Kind) {
	case model.DuplicateIdentifier, model.AmbiguousMatch, model.AccountTaken, model.EmailRecycled, model.DuplicateGroup:
		verbs = []string{"merge", "separate", "prefer " + record, "exclude " + record}
	case model.IdentifierChange, model.PersonalEmail:
		verbs = []string{"allow", "set email=ADDRESS", "exclude " + record}
	case model.MissingIdentifier:
		verbs = []string{"set email=ADDRESS", "exclude " + record}
	case model.ManagerUnresolved, model.ManagerCycle:
		verbs = []string{"set manager=EMAIL", "allow", "exclude " + record}
	case model.Rejected:
		verbs = []string{"set ATTRIBUTE=VALUE", "exclude " + record}
	default:
		verbs = []string{"merge", "separate", "prefer " + record, "exclude " + record, "allow", "set ATTRIBUTE=VALUE"}
	}
	return append(verbs, "later")
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
	add("", "changed", func(r admin.Record) string { return ago(a.deps.Now(), r.Changed) })
	for _, n := range attributesOf(k) {
		mark := ""
		if slices.Contains(k.Differs, n) {
			mark = "≠"
		}
		add(mark, n, func(r admin.Record) string {
			v, ok := r.Attributes[n]
			if !ok {
				return "(not said)"
			}
			return value(v)
		})
	}
	a.out.table(t)
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

func (a *app) conflictResolve() *cobra.Command {
	var answer admin.Resolution
	var dryRun bool
	c := &cobra.Command{
		Use: "resolve ID VERB [RECORD|ATTRIBUTE=VALUE]", Short: "answers a conflict",
		Long: "Answers a conflict:\n\n" +
			"  merge                 the records are one person\n" +
			"  separate              they are different people, for good\n" +
			"  prefer RECORD         one person, and this record is right\n" +
			"  exclude RECORD        this record takes no part\n" +
			"  allow                 it is fine as it is\n" +
			"  set ATTRIBUTE=VALUE   this is the value; with --record, of that record\n" +
			"  later                 ask again another day\n\n" +
			"--rev is what \"rollcall conflicts show\" prints: the answer counts only while the conflict is still what\n" +
			"was shown. Without it, it is what it is at this moment. An answer outlives every later read, and can be undone.",
		Example: "  rollcall conflicts resolve 9f2c merge\n  rollcall conflicts resolve 9f2c set email=jane@example.com --reason \"HR ticket\"",
		Args:    takes(2, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := readAnswer(&answer, args[1:]); err != nil {
				return err
			}
			ctx, cancel := seconds(cmd)
			defer cancel()
			c, err := a.connect()
			if err != nil {
				return err
			}
			if answer.Rev == 0 {
				k, err := c.Conflict(ctx, args[0])
				if err != nil {
					return err
				}
				answer.Rev = k.Rev
			}
			if dryRun {
				p, err := c.Preview(ctx, args[0], answer)
				if err != nil {
					return err
				}
				if a.json {
					return a.out.json(p, true)
				}
				a.tellPreview(p)
				return nil
			}
			if err := c.Resolve(ctx, args[0], answer); err != nil {
				return err
			}
			if a.json {
				return a.out.json(answer, true)
			}
			if answer.Verb == string(model.Later) {
				a.out.line("Put off; it stays in \"rollcall conflicts\".")
				return nil
			}
			a.out.linef("Settled. \"rollcall conflicts undo %s\" takes it back.", quoted(args[0]))
			return nil
		},
	}
	c.Flags().BoolVar(&dryRun, "dry-run", false, "show what the answer would do, and do nothing")
	c.Flags().StringVar(&answer.Record, "record", "", "with set: the `RECORD` that gets the value")
	c.Flags().StringVar(&answer.Reason, "reason", "", "why, for the journal (`TEXT`)")
	c.Flags().Uint64Var(&answer.Rev, "rev", 0, "the revision that was shown (`N`)")
	return c
}

// readAnswer reads the verb and what it needs.
func readAnswer(answer *admin.Resolution, words []string) error {
	verbs := []string{string(model.Merge), string(model.Separate), string(model.Prefer), string(model.Exclude), string(model.Allow), string(model.Set), string(model.Later)}
	answer.Verb = strings.ToLower(words[0])
	rest := words[1:]
	switch model.Verb(answer.Verb) {
	case model.Prefer, model.Exclude:
		if len(rest) == 1 {
			answer.Record = rest[0]
		}
		if answer.Record == "" {
			return wrongUsage(fmt.Errorf("%s which record? \"rollcall conflicts show ID\" names them", answer.Verb))
		}
	case model.Set:
		if len(rest) != 1 {
			return wrongUsage(errors.New("set what? Write set ATTRIBUTE=VALUE, as in set email=jane@example.com"))
		}
		attribute, text, ok := strings.Cut(rest[0], "=")
		if !ok || attribute == "" {
			return wrongUsage(fmt.Errorf("%q is not ATTRIBUTE=VALUE: write set email=jane@example.com", rest[0]))
		}
		if !model.Name(attribute).Valid() {
			var names []string
			for _, n := range model.Names {
				names = append(names, string(n))
			}
			if near := nearest(attribute, names); near != "" {
				return wrongUsage(fmt.Errorf("there is no attribute %q: did you mean %s?", attribute, near))
			}
			return wrongUsage(fmt.Errorf("there is no attribute %q: it is one of %s, or custom.NAME", attribute, strings.Join(names, ", ")))
		}
		answer.Attribute, answer.Value = attribute, text
	case model.Merge, model.Separate, model.Allow, model.Later:
		if len(rest) > 0 {
			return wrongUsage(fmt.Errorf("%s takes nothing more, and here is %q: leave it out", answer.Verb, rest[0]))
		}
	default:
		if near := nearest(answer.Verb, verbs); near != "" {
			return wrongUsage(fmt.Errorf("unknown answer %q: did you mean %s?", words[0], near))
		}
		return wrongUsage(fmt.Errorf("unknown answer %q: it is one of %s", words[0], strings.Join(verbs, ", ")))
	}
	return nil
}

// tellPreview prints what an answer would cause.
func (a *app) tellPreview(p admin.Plan) {
	a.out.line(bold("With this answer"), "  ", p.Summary)
	a.tellChanges(p.Changes)
	a.tellHolds(p.Holds)
	a.out.line()
	a.out.line("Nothing was done. The same command without --dry-run gives the answer.")
}

func (a *app) conflictDecisions() *cobra.Command {
	return &cobra.Command{
		Use: "decisions", Short: "the answers in force, each with the way to take it back",
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := seconds(cmd)
			defer cancel()
			c, err := a.connect()
			if err != nil {
				return err
			}
			decisions, err := c.Decisions(ctx)
			if err != nil {
				return err
			}
			if a.json {
				return a.out.json(decisions, true)
			}
			if len(decisions) == 0 {
				a.out.line("Nobody decided anything yet. \"rollcall conflicts\" shows what waits for an answer.")
				return nil
			}
			now := a.deps.Now()
			t := &table{columns: []column{{title: "ID"}, {title: "ANSWER"}, {title: "TO"}, {title: "PEOPLE", flex: true}, {title: "BY", flex: true}, {title: "WHEN"}}}
			for _, d := range decisions {
				verb := d.Verb
				if d.Attribute != "" {
					verb += " " + d.Attribute + "=" + d.Value
				}
				t.add(d.ID, verb, d.Kind, strings.Join(d.Names, ", "), d.Actor, ago(now, d.At))
			}
			a.out.table(t)
			a.out.line()
			a.out.linef("Take one back with \"rollcall conflicts undo %s\".", quoted(decisions[0].ID))
			return nil
		},
	}
}

func (a *app) conflictUndo() *cobra.Command {
	return &cobra.Command{
		Use: "undo ID", Short: "takes a decision back, named by its id or by that of the conflict",
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := seconds(cmd)
			defer cancel()
			c, err := a.connect()
			if err != nil {
				return err
			}
			id := strings.TrimPrefix(args[0], "decision:")
			if err := c.UndoDecision(ctx, id); err != nil {
				return err
			}
			if a.json {
				return a.out.json(map[string]string{"undone": id}, true)
			}
			a.out.line("Taken back. See \"rollcall conflicts\".")
			return nil
		},
	}
}
