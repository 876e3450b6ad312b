package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/xuri/excelize/v2"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/appliance/peoplefile"
)

func (a *app) peopleExport() *cobra.Command {
	var format, out string
	c := &cobra.Command{
		Use: "export [QUERY]", Short: "everybody who keeps their access, as a file for Javelo's import",
		Long: "Writes everybody who is to have access, or who of them QUERY finds, in the columns of Javelo's import file:\n" +
			"dates as DD-MM-YYYY, phones as 0033…, no commas. Leavers are not in it, and neither is who has no email.\n" +
			"It goes to standard output, or whole or not at all to the file that --out names; when it would hold nobody,\n" +
			"nothing is written and the exit code is 1.\n" +
			"With CSV a cell that a spreadsheet would run as a formula begins with an apostrophe; in XLSX every cell is text.",
		Example: "  rollcall people export --out people.xlsx\n  rollcall people export sales --out sales.csv",
		Args:    takes(0, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := exportFormat(&format, out); err != nil {
				return wrongUsage(err)
			}
			query := strings.Join(args, " ")
			ctx, cancel := context.WithTimeout(cmd.Context(), 10*time.Minute)
			defer cancel()
			c, err := a.connect()
			if err != nil {
				return err
			}
			people, withoutEmail, err := exported(func(p admin.Page) (admin.ExportedPeople, error) { return c.Export(ctx, query, p) })
			if err != nil {
				return err
			}
			if withoutEmail > 0 && !a.json {
				a.note.linef("%s without an email of their own left out.", count(withoutEmail, "person", "people"))
			}
			switch {
			case len(people) == 0:
				return nobodyExported(query)
			case a.json:
				return a.out.json(people, true)
			case out == "":
				return writeRows(newSheet(a.out), people)
			}
			err = writeFile(out, func(w io.Writer) error {
				if format == "xlsx" {
					return writeWorkbook(w, people)
				}
				return writeRows(newSheet(&printer{w: w}), people)
			})
			if err != nil {
				return fmt.Errorf("people export: %w: name another file with --out", err)
			}
			a.out.linef("%s written to %s. It holds personal data: keep it where HR's files are kept.", count(len(people), "person", "people"), out)
			return nil
		},
	}
	c.Flags().StringVar(&format, "format", "", "csv or xlsx (`FORMAT`; default: what the name of --out ends in, else csv)")
	c.Flags().StringVar(&out, "out", "", "the file to write, mode 0600 (`FILE`; default: standard output)")
	return c
}

// exported reads all pages, without who has no email and, of two with one email,
// the second: the import refuses both.
func exported(read func(admin.Page) (admin.ExportedPeople, error)) (people []admin.ExportedPerson, without int, err error) {
	people = []admin.ExportedPerson{}
	seen := map[string]bool{}
	page := admin.Page{Limit: admin.MaxPage}
	for {
		part, err := read(page)
		if err != nil {
			return nil, 0, err
		}
		for _, p := range part.People {
			email := strings.ToLower(p.Attributes[string(model.Email)])
			if email == "" || seen[email] {
				without++
				continue
			}
			seen[email] = true
			people = append(people, p)
		}
		if part.Next == "" {
			break
		}
		page.After = part.Next
	}
	for i, p := range people {
		if !seen[strings.ToLower(p.ManagerEmail)] {
			people[i].ManagerEmail = "" // a manager must be a row of the file
		}
	}
	return people, without, nil
}

// exportFormat settles the format by the name of the file where none is given: a
// workbook's name on text, or the other way round, opens nowhere.
func exportFormat(format *string, out string) error {
	named := strings.TrimPrefix(strings.ToLower(filepath.Ext(out)), ".")
	if named != "csv" && named != "xlsx" {
		named = ""
	}
	*format = cmp.Or(*format, named, "csv")
	switch {
	case *format != "csv" && *format != "xlsx":
		return fmt.Errorf("--format %q: it is csv or xlsx", *format)
	case named != "" && named != *format:
		return fmt.Errorf("--format %s goes into no file that ends in .%s: name another with --out, or leave --format out", *format, named)
	case *format == "xlsx" && out == "":
		return errors.New("a workbook is no text: name a file with --out")
	}
	return nil
}

// nobodyExported is the error of a file that would hold nobody: whoever imports one
// with nothing but headings may switch off everybody who is not in it.
func nobodyExported(query string) error {
	if query == "" {
		return errors.New("nobody is to have access and has an email: nothing was written. \"rollcall people\" lists everyone whom the sources named so far")
	}
	file := "FILE"
	if filepath.Ext(query) != "" || strings.ContainsRune(query, filepath.Separator) {
		file = quoted(query)
	}
	return fmt.Errorf("nobody who is to have access and has an email is found by %q: nothing was written. "+
		"QUERY chooses people; a file is named with --out: \"rollcall people export --out %s\"", query, file)
}

func exportRow(p admin.ExportedPerson) []string {
	row := make([]string, len(peoplefile.Columns))
	for i, c := range peoplefile.Columns {
		text := p.Attributes[string(c.Attribute)]
		if c.Attribute == model.Manager {
			text = p.ManagerEmail
		}
		row[i] = clean(c.Form(text))
	}
	return row
}

func exportHeader() []string {
	header := make([]string, len(peoplefile.Columns))
	for i, c := range peoplefile.Columns {
		header[i] = c.Header
	}
	return header
}

func writeRows(s *sheet, people []admin.ExportedPerson) error {
	s.row(exportHeader()...)
	for _, p := range people {
		s.row(exportRow(p)...)
	}
	return s.end()
}

// writeWorkbook writes one sheet of text cells, which no spreadsheet evaluates.
func writeWorkbook(w io.Writer, people []admin.ExportedPerson) error {
	book := excelize.NewFile()
	defer book.Close()
	const name = "people"
	if err := book.SetSheetName("Sheet1", name); err != nil {
		return err
	}
	stream, err := book.NewStreamWriter(name)
	if err != nil {
		return err
	}
	line := 0
	put := func(cells []string) error {
		line++
		values := make([]any, len(cells))
		for i, c := range cells {
			values[i] = c // a string is written as text
		}
		return stream.SetRow(fmt.Sprintf("A%d", line), values)
	}
	if err := put(exportHeader()); err != nil {
		return err
	}
	for _, p := range people {
		if err := put(exportRow(p)); err != nil {
			return err
		}
	}
	if err := stream.Flush(); err != nil {
		return err
	}
	return book.Write(w)
}
