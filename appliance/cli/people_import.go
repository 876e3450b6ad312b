package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"rollcall/appliance/admin"
	"rollcall/appliance/peoplefile"
)

func (a *app) peopleImport() *cobra.Command {
	var asked admin.ImportRequest
	var yes bool
	c := &cobra.Command{
		Use: "import FILE [--allow-identifier-changes]", Short: "sets what a file says otherwise than the roster, after showing that",
		Long: "Reads a CSV file or a workbook in the columns that \"rollcall people export\" writes, and sets what it says\n" +
			"otherwise than the roster. People are found by email, employee_number or username; rows of nobody in the\n" +
			"roster are named and left out, for an import makes nobody and switches nobody off. An empty cell says\n" +
			"nothing, and a cell - says that there is nothing. Dates are DD-MM-YYYY, phones text as 0033….\n" +
			"Emails and employee numbers change with --allow-identifier-changes only.\n\n" +
			"Nothing is set while a row is wrong. What is set outlives later reads, like an answer to a conflict, goes\n" +
			"under the same guards as any change, and \"rollcall conflicts undo BATCH\" takes all of it back.\n" +
			"Exit code 3 when guards hold some of it or rows were left out.",
		Example: "  rollcall people import people.xlsx --dry-run\n  rollcall people import people.csv --reason \"HR ticket\" --yes",
		Args:    takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !asked.DryRun && !yes && (a.json || !a.Interactive) {
				return wrongUsage(errors.New("nobody can be asked here: look with --dry-run, then add --yes"))
			}
			file, err := readPeople(args[0])
			if err != nil {
				return err
			}
			for _, row := range file.Rows {
				asked.Rows = append(asked.Rows, admin.ImportRow{Row: row.Number, Cells: row.Cells})
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), 10*time.Minute)
			defer cancel()
			for _, name := range file.Ignored {
				a.note.linef("Column %s is not read.", quoted(name))
			}
			if asked.DryRun || !yes {
				look := asked
				look.DryRun = true
				im, err := c.Import(ctx, look)
				if err != nil {
					return err
				}
				if asked.DryRun && a.json {
					return a.out.json(im, true)
				}
				shown := a
				if !asked.DryRun {
					shown = &app{Streams: a.Streams, deps: a.deps, out: a.note, note: a.note}
				}
				shown.tellImport(im)
				if asked.DryRun {
					return nil
				}
				if len(im.Edits) == 0 {
					return a.importEnd(im)
				}
				a.note.line()
				ok, err := a.ask(cmd.Context(), "Set "+count(len(im.Edits), "value", "values")+" so?")
				if err != nil {
					return err
				}
				if !ok {
					a.note.line("Nothing was changed.")
					return nil
				}
				asked.Tag = im.Tag
			}
			// The question may have stood for longer than an answer may take.
			fresh, stop := context.WithTimeout(cmd.Context(), 10*time.Minute)
			defer stop()
			im, err := c.Import(fresh, asked)
			if err != nil {
				return err
			}
			if a.json {
				if err := a.out.json(im, true); err != nil {
					return err
				}
				return a.importEnd(im)
			}
			switch {
			case im.Batch == "":
				a.tellUnknown(im.Unknown)
				a.out.line("Nothing differs from the roster: nothing was changed.")
			default:
				if yes {
					a.tellUnknown(im.Unknown)
				}
				a.out.linef("%s set; run %d relays what follows in accounts.", count(len(im.Edits), "value was", "values were"), im.Run)
				a.tellHolds(im.Plan.Holds)
				a.out.linef("\"rollcall conflicts undo %s\" takes all of it back.", quoted(im.Batch))
			}
			return a.importEnd(im)
		},
	}
	c.Flags().BoolVar(&asked.AllowIdentifierChanges, "allow-identifier-changes", false, "let emails and employee numbers change too")
	c.Flags().BoolVar(&asked.DryRun, "dry-run", false, "only show what it would do")
	c.Flags().StringVar(&asked.Reason, "reason", "", "why, for the journal (`TEXT`): a ticket number, no name")
	c.Flags().BoolVar(&yes, "yes", false, "without showing and asking")
	return c
}

func (a *app) importEnd(im admin.Imported) error {
	if len(im.Unknown) > 0 || len(waiting(im.Plan.Holds)) > 0 {
		return needsHuman()
	}
	return nil
}

func readPeople(name string) (peoplefile.File, error) {
	f, err := os.Open(name)
	if err != nil {
		return peoplefile.File{}, fmt.Errorf("import: %w: name a file in the columns that \"rollcall people export --out FILE\" writes", err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, peoplefile.MaxSize+1))
	if err != nil {
		return peoplefile.File{}, fmt.Errorf("import: %w", err)
	}
	file, err := peoplefile.Read(name, content)
	if err != nil {
		return file, wrongUsage(fmt.Errorf("import: %w", err))
	}
	return file, nil
}

func (a *app) tellUnknown(unknown []admin.ImportUnknown) {
	if len(unknown) == 0 {
		return
	}
	a.out.linef("%s left out, for nobody in the roster is meant:", count(len(unknown), "row is", "rows are"))
	for _, u := range unknown {
		a.out.wrapped("  ", "row "+strconv.Itoa(u.Row)+": "+u.Who)
	}
}

// tellImport prints what an import would set and cause.
func (a *app) tellImport(im admin.Imported) {
	a.tellUnknown(im.Unknown)
	if len(im.Edits) == 0 {
		a.out.line("Nothing differs from the roster.")
		return
	}
	a.out.line(bold("Would set"))
	none := func(s string) string {
		if s == "" {
			return "nothing"
		}
		return s
	}
	for _, e := range im.Edits {
		a.out.wrapped("  ", fmt.Sprintf("row %d, %s: %s: %s → %s", e.Row, personName(e.Person), e.Attribute, none(e.Old), none(e.New)))
	}
	a.out.line()
	a.tellPreview(im.Plan, "What follows", "")
}
