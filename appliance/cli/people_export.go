package cli

import (
	"context"
	"fmt"
	"io"
	"os"
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
			"With CSV a cell that a spreadsheet would run as a formula begins with an apostrophe; in XLSX every cell is text.",
		Example: "  rollcall people export --format xlsx --out people.xlsx",
		Args:    takes(0, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "csv" && format != "xlsx" {
				return wrongUsage(fmt.Errorf("--format %q: it is csv or xlsx", format))
			}
			if format == "xlsx" && out == "" {
				return wrongUsage(fmt.Errorf("a workbook is no text: name a file with --out"))
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), 10*time.Minute)
			defer cancel()
			c, err := a.connect()
			if err != nil {
				return err
			}
			people, withoutEmail, err := exported(func(p admin.Page) (admin.ExportedPeople, error) { return c.Export(ctx, strings.Join(args, " "), p) })
			if err != nil {
				return err
			}
			if a.json {
				return a.out.json(people, true)
			}
			if withoutEmail > 0 {
				a.note.linef("%s without an email left out.", count(withoutEmail, "person", "people"))
			}
			if format == "xlsx" {
				return a.exportFile(out, len(people), func(w io.Writer) error { return writeWorkbook(w, people) })
			}
			if out != "" {
				return a.exportFile(out, len(people), func(w io.Writer) error { return writeRows(newSheet(&printer{w: w}), people) })
			}
			return writeRows(newSheet(a.out), people)
		},
	}
	c.Flags().StringVar(&format, "format", "csv", "csv or xlsx (`FORMAT`)")
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

// exportFile writes a file of its own that replaces the one of this name once whole.
func (a *app) exportFile(name string, people int, write func(io.Writer) error) error {
	f, err := os.OpenFile(name+".part", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	err = write(f)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(name+".part", name)
	}
	if err != nil {
		_ = os.Remove(name + ".part")
		return fmt.Errorf("export: %w", err)
	}
	a.out.linef("%s written to %s. It holds personal data: keep it where HR's files are kept.", count(people, "person", "people"), name)
	return nil
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
