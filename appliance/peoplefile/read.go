package peoplefile

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

// MaxSize is the size of the largest file that is read, in bytes, and MaxRows how
// many people it may hold.
const (
	MaxSize = 64 << 20
	MaxRows = 200_000
)

// File is what a file says.
type File struct {
	Rows    []Row
	Ignored []string // columns that are not read, in the order of the file
}

// Row is one line. Number is the one that a spreadsheet shows, the header being 1.
// Cells holds those that are not empty, by column.
type Row struct {
	Number int
	Cells  map[string]string
}

// Problem is what is wrong with one cell, or with a row when Column is empty.
type Problem struct {
	Row    int
	Column string
	What   string
}

// String returns "row 4, phone: what is wrong".
func (p Problem) String() string {
	at := "row " + strconv.Itoa(p.Row)
	if p.Column != "" {
		at += ", " + p.Column
	}
	return at + ": " + p.What
}

// WrongError says everything that is wrong with a file. Its text holds no cell.
type WrongError struct{ Problems []Problem }

// shown is how many problems an error names.
const shown = 20

func (e *WrongError) Error() string {
	lines := make([]string, 0, shown+2)
	lines = append(lines, "nothing is imported while a row is wrong:")
	for i, p := range e.Problems {
		if i == shown {
			lines = append(lines, fmt.Sprintf("  and %d more", len(e.Problems)-shown))
			break
		}
		lines = append(lines, "  "+p.String())
	}
	return strings.Join(lines, "\n")
}

// cell is a cell as its file has it.
type cell struct {
	text    string
	formula bool
	number  bool // of a workbook: not a text
}

// Read reads a file by the ending of its name, .csv or .xlsx: of a workbook, the
// first sheet. What is wrong with cells is a [*WrongError].
func Read(name string, content []byte) (File, error) {
	if len(content) > MaxSize {
		return File{}, fmt.Errorf("%s is larger than %d bytes: split it", filepath.Base(name), MaxSize)
	}
	switch strings.ToLower(filepath.Ext(name)) {
	case ".csv":
		return readCSV(content)
	case ".xlsx":
		return readWorkbook(content)
	}
	return File{}, fmt.Errorf("%s is neither .csv nor .xlsx: save it as one of them", filepath.Base(name))
}

func readCSV(content []byte) (File, error) {
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(content) {
		return File{}, errors.New("the file is not in UTF-8: save it as \"CSV UTF-8\"")
	}
	r := csv.NewReader(bytes.NewReader(content))
	r.FieldsPerRecord = -1
	first, _, _ := bytes.Cut(content, []byte("\n"))
	if bytes.Count(first, []byte(";")) > bytes.Count(first, []byte(",")) {
		r.Comma = ';'
	}
	var b builder
	for {
		fields, err := r.Read()
		if err == io.EOF {
			return b.end()
		}
		if err != nil {
			return File{}, fmt.Errorf("the file is no CSV: %w", err)
		}
		line, _ := r.FieldPos(0)
		cells := make([]cell, len(fields))
		for i, text := range fields {
			cells[i].text, cells[i].formula = unquote(text)
		}
		if err := b.row(line, cells); err != nil {
			return File{}, err
		}
	}
}

// unquote takes away the apostrophe by which an export keeps a cell from being run,
// and reports whether a spreadsheet would run what stands without one. A number
// with a sign is none, and neither is a sign alone.
func unquote(text string) (string, bool) {
	formula := func(s string) bool {
		s = strings.TrimLeftFunc(s, unicode.IsSpace)
		first, size := utf8.DecodeRuneInString(s)
		return strings.ContainsRune("=@＝＠", first) || strings.ContainsRune("+-＋－", first) && strings.ContainsFunc(s[size:], func(r rune) bool { return !strings.ContainsRune("0123456789 .-/()", r) })
	}
	if rest, quoted := strings.CutPrefix(text, "'"); quoted && rest != "" && strings.ContainsRune("=+-@＝＋－＠", firstOf(rest)) {
		return rest, false
	}
	return text, formula(text)
}

func firstOf(s string) rune {
	r, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(s, unicode.IsSpace))
	return r
}

func readWorkbook(content []byte) (f File, err error) {
	// The library has met damaged workbooks by panicking more than once (GO-2026-6452,
	// mended in the version used here).
	defer func() {
		if r := recover(); r != nil {
			f, err = File{}, errors.New("the file is no workbook that can be read: it is damaged; open it in a spreadsheet program and save it anew")
		}
	}()
	book, err := excelize.OpenReader(bytes.NewReader(content), excelize.Options{RawCellValue: true, UnzipSizeLimit: 8 * MaxSize, UnzipXMLSizeLimit: 4 * MaxSize})
	if err != nil {
		return File{}, fmt.Errorf("the file is no workbook that can be read: %w", err)
	}
	defer book.Close()
	sheet := book.GetSheetName(0)
	rows, err := book.GetRows(sheet)
	if err != nil {
		return File{}, fmt.Errorf("read the first sheet: %w", err)
	}
	props, err := book.GetWorkbookProps()
	if err != nil {
		return File{}, fmt.Errorf("read the workbook: %w", err)
	}
	b := builder{since1904: props.Date1904 != nil && *props.Date1904}
	for i, row := range rows {
		cells := make([]cell, len(row))
		for j, text := range row {
			at, err := excelize.CoordinatesToCellName(j+1, i+1)
			if err != nil {
				return File{}, fmt.Errorf("read the first sheet: %w", err)
			}
			formula, err := book.GetCellFormula(sheet, at)
			if err != nil {
				return File{}, fmt.Errorf("read the first sheet: %w", err)
			}
			kind, err := book.GetCellType(sheet, at)
			if err != nil {
				return File{}, fmt.Errorf("read the first sheet: %w", err)
			}
			cells[j] = cell{text: text, formula: formula != "", number: kind == excelize.CellTypeUnset || kind == excelize.CellTypeNumber}
		}
		if err := b.row(i+1, cells); err != nil {
			return File{}, err
		}
	}
	return b.end()
}

// builder makes rows of lines, the first that is not blank being the header.
type builder struct {
	header    []string
	file      File
	wrong     []Problem
	since1904 bool
}

func (b *builder) row(number int, cells []cell) error {
	if !slices.ContainsFunc(cells, func(c cell) bool { return strings.TrimSpace(c.text) != "" || c.formula }) {
		return nil
	}
	if b.header == nil {
		return b.readHeader(cells)
	}
	if len(b.file.Rows) == MaxRows {
		return fmt.Errorf("the file has more than %d people: split it", MaxRows)
	}
	row := Row{Number: number, Cells: map[string]string{}}
	for i, c := range cells {
		column := ""
		if i < len(b.header) {
			column = b.header[i]
		}
		text := strings.TrimSpace(c.text)
		switch {
		case column == "" && (text != "" || c.formula):
			b.wrong = append(b.wrong, Problem{number, "", fmt.Sprintf("cell %d stands under no header: name its column, or empty it; with CSV, check that commas are quoted", i+1)})
		case !Known(column) || text == "" && !c.formula:
		case c.formula:
			b.wrong = append(b.wrong, Problem{number, column, "this is a formula: write the value itself"})
		case !utf8.ValidString(text):
			b.wrong = append(b.wrong, Problem{number, column, "this is not UTF-8: write it again"})
		default:
			row.Cells[column] = b.dated(column, c, text)
		}
	}
	b.file.Rows = append(b.file.Rows, row)
	return nil
}

// dated writes the date of a workbook, which is a number of days, as the file has
// it: how it is shown depends on whose machine shows it.
func (b *builder) dated(column string, c cell, text string) string {
	i := slices.IndexFunc(Columns, func(k Column) bool { return k.Header == column })
	if i < 0 || !c.number || Columns[i].form("2026-11-30") != "30-11-2026" {
		return text
	}
	days, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return text
	}
	day, err := excelize.ExcelDateToTime(days, b.since1904)
	if err != nil {
		return text
	}
	return day.Format(dateLayout)
}

func (b *builder) readHeader(cells []cell) error {
	for _, c := range cells {
		name := strings.ToLower(strings.TrimSpace(c.text))
		if name != "" && slices.Contains(b.header, name) {
			return fmt.Errorf("column %s is there twice: leave one out", name)
		}
		if name != "" && !Known(name) {
			b.file.Ignored = append(b.file.Ignored, strings.TrimSpace(c.text))
		}
		b.header = append(b.header, name)
	}
	if !slices.ContainsFunc([]string{"email", "employee_number", Username}, func(n string) bool { return slices.Contains(b.header, n) }) {
		return errors.New("the first line names no column email, employee_number or username, by which people are found: it holds the names of the columns")
	}
	return nil
}

func (b *builder) end() (File, error) {
	switch {
	case len(b.wrong) > 0:
		return File{}, &WrongError{Problems: b.wrong}
	case len(b.file.Rows) == 0:
		return File{}, errors.New("the file has no people: below the names of the columns there is one line for each")
	}
	return b.file, nil
}
