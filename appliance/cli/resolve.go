package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rollcall/appliance/admin"
	"rollcall/appliance/config"
	"rollcall/appliance/model"
)

func (a *app) conflictResolve() *cobra.Command {
	var answer admin.Resolution
	var dryRun, allLike, yes bool
	c := &cobra.Command{
		Use: "resolve ID VERB [RECORD…|ATTRIBUTE=VALUE]", Short: "answers a conflict",
		Long: "Answers a conflict:\n\n" +
			"  merge                 the records are one person\n" +
			"  separate [RECORD…]    they are different people, for good; with records, those and the rest\n" +
			"  prefer RECORD         one person, and this record is right\n" +
			"  exclude RECORD        this record takes no part\n" +
			"  allow                 it is fine as it is\n" +
			"  set ATTRIBUTE=VALUE   this is the value; with --record, of that record\n" +
			"  later                 ask again another day\n\n" +
			"Of two groups with one name (duplicate_group): merge relays the members of both as one group, prefer\n" +
			"GROUP gives it the name and leaves the other out, exclude GROUP leaves it out, and set\n" +
			"display_name=NAME --record GROUP relays it under another name.\n\n" +
			"--rev is what \"rollcall conflicts show\" prints: the answer counts only while the conflict is still what\n" +
			"was shown. Without it, it is what it is at this moment. An answer outlives every later read, and can be\n" +
			"undone. --all-like gives it to every open conflict of the same shape at once, to all of them or none;\n" +
			"a record that is named stands for the one of the same source and state in each.",
		Example: "  rollcall conflicts resolve 9f2c merge\n  rollcall conflicts resolve 9f2c set email=jane@example.com --reason \"HR ticket\"\n" +
			"  rollcall conflicts resolve 9f2c allow --all-like --dry-run",
		Args: takes(2, 20),
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
			if answer.Rev == 0 || allLike {
				k, err := c.Conflict(ctx, args[0])
				if err != nil {
					return err
				}
				if answer.Rev == 0 {
					answer.Rev = k.Rev
				}
				if allLike {
					all, err := c.Conflicts(ctx)
					if err != nil {
						return err
					}
					answer.Also = alike(k, all)
				}
			}
			if !dryRun && allLike && !yes {
				many := count(1+len(answer.Also), "conflict", "conflicts")
				if a.json || !a.Interactive {
					return wrongUsage(fmt.Errorf("this answers %s at once: look with --dry-run, then add --yes", many))
				}
				p, err := c.Preview(ctx, args[0], answer)
				if err != nil {
					return err
				}
				(&app{Streams: a.Streams, deps: a.deps, out: a.note, note: a.note}).tellPreview(p, "With this answer", "")
				ok, err := a.ask(cmd.Context(), "Answer "+many+" so?")
				if err != nil || !ok {
					return err
				}
				// The question may have stood for longer than an answer may take.
				fresh, stop := seconds(cmd)
				defer stop()
				ctx = fresh
			}
			if dryRun {
				p, err := c.Preview(ctx, args[0], answer)
				if err != nil {
					return err
				}
				if a.json {
					return a.out.json(p, true)
				}
				a.tellPreview(p, "With this answer", "The same command without --dry-run gives the answer.")
				return nil
			}
			if err := c.Resolve(ctx, args[0], answer); err != nil {
				return err
			}
			if a.json {
				return a.out.json(answer, true)
			}
			a.tellSettled(args[0], answer)
			return nil
		},
	}
	c.Flags().BoolVar(&dryRun, "dry-run", false, "show what the answer would do, and do nothing")
	c.Flags().StringVar(&answer.Record, "record", "", "with set: the `RECORD` that gets the value")
	c.Flags().StringVar(&answer.Reason, "reason", "", "why, for the journal (`TEXT`)")
	c.Flags().Uint64Var(&answer.Rev, "rev", 0, "the revision that was shown (`N`)")
	c.Flags().BoolVar(&allLike, "all-like", false, "answer every open conflict of the same shape")
	c.Flags().BoolVar(&yes, "yes", false, "with --all-like: do not show it and ask first")
	return c
}

// alike lists the other conflicts of k's shape, as they were shown.
func alike(k admin.Conflict, all []admin.Conflict) []admin.Asked {
	var out []admin.Asked
	for _, q := range all {
		if q.ID != k.ID && q.Shape == k.Shape && k.Shape != "" {
			out = append(out, admin.Asked{ID: q.ID, Rev: q.Rev})
		}
	}
	return out
}

func (a *app) tellSettled(id string, answer admin.Resolution) {
	switch {
	case answer.Verb == string(model.Later):
		a.out.line("Put off; it stays in \"rollcall conflicts\".")
	case len(answer.Also) > 0:
		a.out.linef("Settled %s. \"rollcall conflicts decisions\" shows their batch, and \"rollcall conflicts undo BATCH\" takes all of them back.", count(1+len(answer.Also), "conflict", "conflicts"))
	default:
		a.out.linef("Settled. \"rollcall conflicts undo %s\" takes it back.", quoted(id))
	}
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
		if answer.Record == "" || len(rest) > 1 {
			return wrongUsage(fmt.Errorf("%s which record? One of those that \"rollcall conflicts show ID\" names", answer.Verb))
		}
	case model.Separate:
		answer.Apart = slices.Clone(rest)
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
			if near := config.Nearest(attribute, names); near != "" {
				return wrongUsage(fmt.Errorf("there is no attribute %q: did you mean %s?", attribute, near))
			}
			return wrongUsage(fmt.Errorf("there is no attribute %q: it is one of %s, or custom.NAME", attribute, strings.Join(names, ", ")))
		}
		answer.Attribute, answer.Value = attribute, text
	case model.Merge, model.Allow, model.Later:
		if len(rest) > 0 {
			return wrongUsage(fmt.Errorf("%s takes nothing more, and here is %q: leave it out", answer.Verb, rest[0]))
		}
	default:
		if near := config.Nearest(answer.Verb, verbs); near != "" {
			return wrongUsage(fmt.Errorf("unknown answer %q: did you mean %s?", words[0], near))
		}
		return wrongUsage(fmt.Errorf("unknown answer %q: it is one of %s", words[0], strings.Join(verbs, ", ")))
	}
	return nil
}

// tellPreview prints what an answer, or taking one back, would cause.
func (a *app) tellPreview(p admin.Plan, title, then string) {
	summary := p.Summary
	if len(p.Changes) == 0 && len(p.Groups) > 0 {
		summary = "no account would change"
	}
	a.out.line(bold(title), "  ", summary)
	if len(p.Moves) > 0 {
		a.out.line()
		for _, m := range p.Moves {
			a.out.wrapped("  ", fmt.Sprintf("%s (%s, %s): %s", m.Record, m.Source, m.Name, movement(m)))
		}
	}
	if len(p.Closes) > 0 {
		a.out.linef("  %s would close", count(len(p.Closes), "conflict", "conflicts"))
	}
	for _, q := range p.Conflicts {
		a.out.wrapped("  would then be asked: ", q.Kind+": "+q.Rule)
	}
	for _, n := range p.Notices {
		a.out.wrapped("  ", n)
	}
	a.tellChanges(p.Changes)
	a.tellGroupChanges(p.Groups)
	a.tellFiles(p.Files)
	a.tellHolds(p.Holds)
	a.out.line()
	a.out.line("Nothing was done. ", then)
}

// tellGroupChanges prints what would become of groups.
func (a *app) tellGroupChanges(groups []admin.GroupChange) {
	for _, g := range groups {
		a.out.line()
		head := g.Target + ": " + g.Effect + " group"
		if g.Rename {
			head += ", under another name"
		}
		if g.Held {
			head += "  [held]"
		}
		a.out.line(bold(head))
		a.out.line("  ", bold(g.Name), "  ", g.Group)
		if g.Why != "" {
			a.out.wrapped("    ", g.Why)
		}
		if len(g.Add) > 0 {
			a.out.wrapped("    ", "members to add: "+strings.Join(g.Add, ", "))
		}
		if len(g.Remove) > 0 {
			a.out.wrapped("    ", "members to remove: "+strings.Join(g.Remove, ", "))
		}
		a.tellRequests(g.Requests)
	}
}

// movement says how a record would change its person.
func movement(m admin.RecordMove) string {
	who := func(p *admin.PersonRef) string { return p.Name + " " + p.ID }
	switch {
	case m.To == nil:
		return "would wait without a person"
	case m.From == nil:
		return "would belong to " + who(m.To)
	}
	return "would belong to " + who(m.To) + " instead of " + who(m.From)
}

func (a *app) conflictUndo() *cobra.Command {
	var dryRun bool
	c := &cobra.Command{
		Use: "undo ID", Short: "takes a decision back, named by its id or by that of the conflict",
		Long: "Takes a decision back, named by its own id, by that of the conflict it answered, or a whole batch by\n" +
			"that of the batch. What was asked is asked again while it still is a conflict.",
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := seconds(cmd)
			defer cancel()
			c, err := a.connect()
			if err != nil {
				return err
			}
			id := strings.TrimPrefix(args[0], "decision:")
			if dryRun {
				p, err := c.PreviewUndo(ctx, id)
				if err != nil {
					return err
				}
				if a.json {
					return a.out.json(p, true)
				}
				a.tellPreview(p, "Taken back", "The same command without --dry-run takes it back.")
				return nil
			}
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
	c.Flags().BoolVar(&dryRun, "dry-run", false, "show what would follow, and do nothing")
	return c
}
