package peoplefile_test

import (
	"bytes"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"rollcall/appliance/model"
	"rollcall/appliance/peoplefile"
)

func column(t *testing.T, header string) peoplefile.Column {
	t.Helper()
	for _, c := range peoplefile.Columns {
		if c.Header == header {
			return c
		}
	}
	t.Fatalf("no column %s", header)
	return peoplefile.Column{}
}

func TestWhatAColumnWritesSaysTheSame(t *testing.T) {
	for header, texts := range map[string][]string{
		"job": {"Head, of\tthings", "=cmd()", "-", "  Äöü "}, "phone": {"+33 1 23 45", "01 23 45", "ext. 4"},
		"language": {"fr-FR", "de", "en_GB"}, "first_hired_on": {"2026-11-30", "soon"},
	} {
		c := column(t, header)
		for _, text := range texts {
			if cell := c.Form(text); !c.Says(cell, text) || c.Says(cell+"x", text) {
				t.Errorf("%s: %q is written as %q, which does not say it, or says more", header, text, cell)
			}
		}
	}
}

func TestCellsAreReadInTheFormOfTheFile(t *testing.T) {
	for _, c := range []struct{ header, cell, want string }{
		{"phone", "0033 1 23 45", "+3312345"}, {"phone", "+33 (1) 23-45", "+3312345"}, {"phone", "0123 45", "012345"}, {"phone", "33123456", ""}, {"phone", "call me", ""},
		{"language", "FR", "fr"}, {"language", "de", ""},
		{"current_hired_on", "30-11-2026", "2026-11-30"}, {"current_hired_on", "31-02-2026", ""}, {"current_hired_on", "2026-11-30", ""}, {"current_hired_on", "11/30/26", ""},
		{"job", " Head  of\nx ", "Head of x"},
	} {
		got, err := column(t, c.header).Value(c.cell)
		if got != c.want || (err == nil) != (c.want != "") || err != nil && strings.Contains(err.Error(), c.cell) {
			t.Errorf("%s %q is read as %q, %v; want %q", c.header, c.cell, got, err, c.want)
		}
	}
}

func TestCSVIsReadAsSpreadsheetsSaveIt(t *testing.T) {
	text := "\xef\xbb\xbfEmail;job;Salary;phone\r\n\r\nada@acme.example;'=cmd();9;+33 1 23 45\r\nbob@acme.example;-;;\r\n"
	f, err := peoplefile.Read("x.CSV", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Ignored) != 1 || f.Ignored[0] != "Salary" || len(f.Rows) != 2 || f.Rows[0].Number != 3 || f.Rows[1].Number != 4 {
		t.Fatalf("%+v", f)
	}
	if want := map[string]string{"email": "ada@acme.example", "job": "=cmd()", "phone": "+33 1 23 45"}; !maps.Equal(f.Rows[0].Cells, want) {
		t.Errorf("%v, want %v", f.Rows[0].Cells, want)
	}
	if want := map[string]string{"email": "bob@acme.example", "job": "-"}; !maps.Equal(f.Rows[1].Cells, want) {
		t.Errorf("%v, want %v", f.Rows[1].Cells, want)
	}
}

func TestFilesThatSayNothingCertainAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ file, text, want string }{
		"a formula":       {"x.csv", "email,job\na@x.example,=1+1\n", "row 2, job: "},
		"a signed one":    {"x.csv", "email,job\na@x.example,+A1\n", "row 2, job: "},
		"an at sign":      {"x.csv", "email,job\na@x.example,@SUM(A1)\n", "row 2, job: "},
		"a wide one":      {"x.csv", "email,job\na@x.example,＝1\n", "row 2, job: "},
		"a cell too many": {"x.csv", "email,job\na@x.example,Byron, Lady\n", "row 2: cell 3"},
		"no header":       {"x.csv", "a@x.example,Ada\n", "first line"},
		"a header twice":  {"x.csv", "email,job,Job\n", "twice"},
		"nobody":          {"x.csv", "email,job\n", "no people"},
		"nothing":         {"x.csv", "", "no people"},
		"Latin-1":         {"x.csv", "email,job\na@x.example,caf\xe9\n", "UTF-8"},
		"another ending":  {"x.ods", "email\n", "neither"},
		"no workbook":     {"x.xlsx", "email\n", "no workbook"},
	} {
		if _, err := peoplefile.Read(c.file, []byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want it to say %q", name, err, c.want)
		}
	}
}

func workbook(t *testing.T, set func(*excelize.File) error) []byte {
	t.Helper()
	book := excelize.NewFile()
	defer book.Close()
	var out bytes.Buffer
	if err := errors.Join(set(book), book.Write(&out)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestWorkbookDatesAreReadWhateverTheyLookLike(t *testing.T) {
	raw := workbook(t, func(b *excelize.File) error {
		style, err := b.NewStyle(&excelize.Style{NumFmt: 14}) // as the machine of whoever looks shows dates
		return errors.Join(err,
			b.SetSheetRow("Sheet1", "A1", &[]any{"email", "current_hired_on", "employee_number", "first_hired_on"}),
			b.SetSheetRow("Sheet1", "A2", &[]any{"ada@acme.example", time.Date(2026, 4, 5, 0, 0, 0, 0, time.UTC), 123456789012, "05-04-2026"}),
			b.SetCellStyle("Sheet1", "B2", "B2", style))
	})
	f, err := peoplefile.Read("x.xlsx", raw)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"email": "ada@acme.example", "current_hired_on": "05-04-2026", "employee_number": "123456789012", "first_hired_on": "05-04-2026"}
	if !maps.Equal(f.Rows[0].Cells, want) {
		t.Errorf("%v, want %v", f.Rows[0].Cells, want)
	}
}

func TestWorkbookFormulasAreRefusedByRowAndColumn(t *testing.T) {
	raw := workbook(t, func(b *excelize.File) error {
		return errors.Join(b.SetSheetRow("Sheet1", "A1", &[]any{"email", "job"}), b.SetSheetRow("Sheet1", "A2", &[]any{"ada@acme.example", "x"}),
			b.SetCellFormula("Sheet1", "B2", "=1+1"))
	})
	_, err := peoplefile.Read("x.xlsx", raw)
	var wrong *peoplefile.WrongError
	if !errors.As(err, &wrong) || len(wrong.Problems) != 1 || wrong.Problems[0].Row != 2 || wrong.Problems[0].Column != "job" {
		t.Errorf("%v", err)
	}
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte("email;job\na@x.example;'=1\n"))
	f.Add([]byte("\xef\xbb\xbfusername,phone\n\"a\",+33\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		file, err := peoplefile.Read("x.csv", raw)
		if err != nil {
			return
		}
		for _, r := range file.Rows {
			for header, text := range r.Cells {
				if !peoplefile.Known(header) || text == "" {
					t.Errorf("%q holds %q", header, text)
				}
				for _, c := range peoplefile.Columns {
					if c.Header != header {
						continue
					}
					if v, err := c.Value(text); err == nil && model.Name(c.Attribute) == model.StartDate && !model.Date(v).Valid() {
						t.Errorf("%q is the date %q", text, v)
					}
				}
			}
		}
	})
}
