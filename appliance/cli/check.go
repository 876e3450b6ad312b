package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rollcall/appliance/admin"
	"rollcall/appliance/admin/client"
	"rollcall/appliance/config"
	"rollcall/appliance/readiness"
)

func (a *app) check() *cobra.Command {
	var only, asCSV, all bool
	c := &cobra.Command{
		Use: "check [NAME…] [--csv]", Short: "permissions per field, a mapped sample, and the readiness report",
		Long: "Asks each source and target (or the named ones) with the appliance's own credentials: do they answer,\n" +
			"which fields may be read by the service's own names, how does a sample record map, how large is a read.\n" +
			"Then comes the readiness report: who has an account and by which identifier, who is new, whose account\n" +
			"no source covers, duplicates, missing and personal emails, near matches, managers that do not resolve,\n" +
			"fields that a target does not know. Sources in preview count as if they were active.\n" +
			"Nothing is written anywhere. --csv is the report for a spreadsheet, for HR to work through.\n" +
			"Exit code 3 when a check fails or something in the report needs a human.",
		Args:              takes(0, -1),
		ValidArgsFunction: a.sourceNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			if asCSV && a.json {
				return wrongUsage(fmt.Errorf("--csv and --json are two formats: choose one"))
			}
			sound, err := a.checkConfig()
			if err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			// The services asked may be slow, and there may be many of them.
			ctx, cancel := context.WithTimeout(cmd.Context(), 10*time.Minute)
			defer cancel()
			r := admin.CheckReport{Checks: []admin.CheckResult{}}
			if !only {
				if r.Checks, err = c.Check(ctx, args); err != nil {
					return err
				}
			}
			if r.Readiness, err = c.Readiness(ctx); err != nil {
				return err
			}
			if err := known(ctx, c, args); err != nil {
				return err
			}
			r.Readiness = narrowed(r.Readiness, args)
			if only && len(r.Readiness.Rows) == 0 && !asCSV && !a.json {
				lacks, err := nothingYet(ctx, c)
				if err != nil {
					return err
				}
				if lacks != "" {
					a.out.line(lacks)
					return nil
				}
			}
			if err := a.printCheck(r, only, asCSV, all); err != nil {
				return err
			}
			failed := slices.ContainsFunc(r.Checks, func(r admin.CheckResult) bool { return !r.OK })
			if failed || !sound || r.Readiness.Asks() {
				return needsHuman()
			}
			return nil
		},
	}
	c.Flags().BoolVar(&only, "report", false, "the readiness report alone, without asking any service again")
	c.Flags().BoolVar(&asCSV, "csv", false, "the readiness report as CSV, one line per finding")
	c.Flags().BoolVar(&all, "all", false, "every line of the report")
	return c
}

// checkConfig says when the configuration file has problems: the running appliance
// goes on with the one it read, and would not start again with this one.
func (a *app) checkConfig() (sound bool, err error) {
	_, err = config.LoadIn(a.configPath, config.Environment{LookupEnv: a.deps.LookupEnv})
	switch {
	case err == nil, errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrNotExist) && !a.configNamed():
		return true, nil
	case a.socketPath == "":
		return false, nil // asking where the appliance listens tells of the problems
	}
	a.note.line("warning: the configuration file has problems, and a restart would fail: see \"rollcall config check\"")
	return false, nil
}

// known refuses a name that is neither a source nor a target: the report of it would
// be empty, which reads as if all were well.
func known(ctx context.Context, c *client.Client, names []string) error {
	if len(names) == 0 {
		return nil
	}
	st, err := c.Status(ctx)
	if err != nil {
		return err
	}
	var all []string
	for _, s := range st.Sources {
		all = append(all, s.Name)
	}
	for _, t := range st.Targets {
		all = append(all, t.Name)
	}
	for _, name := range names {
		if !slices.Contains(all, name) {
			return fmt.Errorf("there is no source or target %q; the appliance has %s", name, cmp.Or(strings.Join(all, ", "), "none"))
		}
	}
	return nil
}

// narrowed returns the rows that concern the named sources and targets; without
// names all of them.
func narrowed(r readiness.Report, names []string) readiness.Report {
	if len(names) == 0 {
		return r
	}
	all := r.Rows
	r.Rows, r.Counts = []readiness.Row{}, map[readiness.Kind]int{}
	for _, k := range readiness.Kinds {
		r.Counts[k] = 0
	}
	for _, row := range all {
		if slices.Contains(names, row.Source) || slices.Contains(names, row.Target) {
			r.Rows = append(r.Rows, row)
			r.Counts[row.Kind]++
		}
	}
	return r
}

func (a *app) printCheck(r admin.CheckReport, only, asCSV, all bool) error {
	switch {
	case a.json:
		return a.out.json(r, true)
	case asCSV:
		for _, c := range r.Checks {
			if !c.OK {
				a.note.line(c.Name, ": ", bad("failed"), ": ", c.Summary, " ", c.Error)
			}
		}
		return a.readinessCSV(r.Readiness)
	}
	if !only {
		a.tellChecks(r.Checks)
		if len(r.Checks) == 0 {
			return nil
		}
		a.out.line()
	}
	a.tellReadiness(r.Readiness, all)
	return nil
}

func (a *app) tellChecks(results []admin.CheckResult) {
	if len(results) == 0 {
		a.out.line("Nothing to check: add a source or a target to the configuration, see \"rollcall config example\".")
		return
	}
	for i, r := range results {
		if i > 0 {
			a.out.line()
		}
		verdict := good("ok")
		if !r.OK {
			verdict = bad("failed")
		}
		a.out.line(bold(r.Name), " (", r.Kind, "): ", verdict)
		if r.Summary != "" {
			a.out.wrapped("  ", r.Summary)
		}
		if r.Error != "" {
			a.out.wrapped("  ", r.Error)
		}
		if len(r.Missing) > 0 {
			a.out.line("  Fields that the credentials cannot read:")
			t := &table{indent: "    ", columns: []column{{title: "PERMISSION"}, {title: "FIELD"}, {title: "ATTRIBUTE"}, {title: "SO THAT", flex: true}}}
			for _, m := range r.Missing {
				t.add(m.Permission, m.Field, m.Attribute, m.Effect)
			}
			a.out.table(t)
		}
		if len(r.Sample) > 0 {
			a.out.line("  A sample record maps to:")
			t := &table{indent: "    ", columns: []column{{title: "ATTRIBUTE"}, {title: "VALUE", flex: true}, {title: "FROM", flex: true}}}
			for _, v := range r.Sample {
				t.add(v.Attribute, shown(v.Value, v.Null), v.Field)
			}
			a.out.table(t)
		}
		a.tellFacts(r.Facts)
		for _, n := range r.Notices {
			a.out.wrapped("  note: ", n)
		}
	}
}

// headings say what the rows of a kind are, for one and for several.
var headings = map[readiness.Kind]string{
	readiness.Uncovered:         "Accounts that no source covers: their people could lose access",
	readiness.Duplicate:         "Duplicates: the people concerned wait until someone decides",
	readiness.NearMatch:         "Near matches: probably one human under two addresses",
	readiness.MissingEmail:      "People without an email to log in with",
	readiness.PersonalEmail:     "Personal emails where a work address belongs",
	readiness.ManagerUnresolved: "Managers that cannot be linked",
	readiness.UnreadableField:   "Fields that the credentials cannot read",
	readiness.UnknownField:      "Fields that a target does not know",
	readiness.New:               "New: an account would be created",
	readiness.Matched:           "Matched: they have an account",
}

// briefly is how many rows of a kind are shown without --all.
const briefly = 10

func (a *app) tellReadiness(r readiness.Report, all bool) {
	a.out.line(bold("Readiness"), faint("  "+r.Made.Format(time.DateTime)+" UTC; nothing was written anywhere"))
	if len(r.Previewed) > 0 {
		a.out.wrapped("", "As if "+and(r.Previewed)+" were active.")
	}
	for _, n := range r.Notices {
		a.out.wrapped("note: ", n)
	}
	t := &table{indent: "  ", columns: []column{{title: "ROWS", right: true}, {title: "WHAT", flex: true}}}
	for _, k := range readiness.Kinds {
		t.add(number(r.Counts[k]), headings[k])
	}
	a.out.table(t)
	for _, k := range readiness.Kinds {
		rows := rowsOf(r, k)
		if len(rows) == 0 || k == readiness.Matched && !all {
			continue
		}
		a.out.line()
		a.out.line(bold(headings[k]))
		hidden := 0
		if !all && len(rows) > briefly {
			rows, hidden = rows[:briefly], len(rows)-briefly
		}
		a.out.table(readinessTable(k, rows))
		if hidden > 0 {
			a.out.linef("  and %s more: see them with --all, or hand HR the CSV of --csv", number(hidden))
		}
		for _, todo := range todos(rows) {
			a.out.wrapped("  → ", todo)
		}
	}
	if !r.Asks() {
		a.out.line()
		a.out.line(good("Nothing in the report needs you."))
	}
}

func rowsOf(r readiness.Report, k readiness.Kind) []readiness.Row {
	var out []readiness.Row
	for _, row := range r.Rows {
		if row.Kind == k {
			out = append(out, row)
		}
	}
	return out
}

// todos lists what there is to do, each sentence once.
func todos(rows []readiness.Row) []string {
	var out []string
	for _, r := range rows {
		if r.ToDo != "" && !slices.Contains(out, r.ToDo) {
			out = append(out, r.ToDo)
		}
	}
	return out
}

// readinessTable shows rows of one kind with the columns that say something.
func readinessTable(k readiness.Kind, rows []readiness.Row) *table {
	type field struct {
		column
		get func(readiness.Row) string
	}
	fields := []field{
		{column{title: "TARGET"}, func(r readiness.Row) string { return r.Target }},
		{column{title: "SOURCE"}, func(r readiness.Row) string { return r.Source }},
		{column{title: "NAME", flex: true}, func(r readiness.Row) string { return r.Name }},
		{column{title: "EMAIL", flex: true}, func(r readiness.Row) string { return r.Email }},
		{column{title: "RECORD"}, func(r readiness.Row) string { return r.Record }},
		{column{title: "ACCOUNT", flex: true}, func(r readiness.Row) string { return r.Account }},
		{column{title: "BY"}, func(r readiness.Row) string { return strings.ReplaceAll(r.By, "_", " ") }},
		{column{title: "PERMISSION"}, func(r readiness.Row) string { return r.Permission }},
		{column{title: "FIELD"}, func(r readiness.Row) string { return r.Field }},
		{column{title: "ATTRIBUTE"}, func(r readiness.Row) string { return r.Attribute }},
		{column{title: "WHAT", flex: true}, func(r readiness.Row) string { return r.Detail }},
	}
	same := func(get func(readiness.Row) string) bool {
		return !slices.ContainsFunc(rows, func(r readiness.Row) bool { return get(r) != get(rows[0]) })
	}
	fields = slices.DeleteFunc(fields, func(f field) bool {
		return same(f.get) && (f.get(rows[0]) == "" || k == readiness.New && f.title == "WHAT")
	})
	t := &table{indent: "  "}
	for _, f := range fields {
		t.columns = append(t.columns, f.column)
	}
	for _, r := range rows {
		cells := make([]any, len(fields))
		for i, f := range fields {
			cells[i] = f.get(r)
		}
		t.add(cells...)
	}
	return t
}

func (a *app) readinessCSV(r readiness.Report) error {
	out := newSheet(a.out)
	out.row("kind", "target", "name", "email", "source", "record", "account", "by", "permission", "field", "attribute", "detail", "to_do", "person")
	for _, row := range r.Rows {
		out.row(string(row.Kind), row.Target, row.Name, row.Email, row.Source, row.Record, row.Account, row.By, row.Permission, row.Field, row.Attribute, row.Detail, row.ToDo, row.Person)
	}
	return out.end()
}
