package csv

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"slices"
	"strings"

	"rollcall/appliance/model"
	"rollcall/connectors"
)

// sheet is a file that was looked through and found whole.
type sheet struct {
	form
	layout
	people int
	dates  dateStyle
	left   map[model.Name]int // dates left out so far, by attribute
}

// row is one row that is not blank, valid until the next one is read.
type row struct {
	line  int // where it begins
	cells []string
}

// rows reads a file's rows behind the header.
type rows struct {
	csv     *csv.Reader
	portion *portion
	fields  int
	above   int // lines that the reader was not given
	row     row
}

func (d *drop) rows(s *sheet) (*rows, error) {
	text, err := d.text(s.form)
	if err != nil {
		return nil, err
	}
	r := &rows{portion: &portion{from: text, left: largestRow}, fields: len(s.columns)}
	r.csv = records(r.portion, s.separator)
	if s.told {
		r.above = 1
	}
	if _, err := r.csv.Read(); err != nil {
		return nil, r.explain(err)
	}
	return r, nil
}

// next returns the next row, nil at the end.
func (r *rows) next() (*row, error) {
	for {
		r.portion.left = largestRow
		cells, err := r.csv.Read()
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, r.explain(err)
		}
		line, _ := r.csv.FieldPos(0)
		line += r.above
		// Spreadsheets save blank rows as rows of separators.
		if !slices.ContainsFunc(cells, func(c string) bool { return strings.TrimSpace(c) != "" }) {
			continue
		}
		if len(cells) != r.fields {
			return nil, atLine(line, fmt.Sprintf("has %d fields, and the first line names %d columns", len(cells), r.fields),
				"A field that holds the separator or a line break must be in quotes")
		}
		r.row = row{line, cells}
		return &r.row, nil
	}
}

// explain makes our error of the reader's, whose text holds positions only.
func (r *rows) explain(err error) error {
	var own *connectors.Error
	var parse *csv.ParseError
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &parse):
		return atLine(parse.StartLine+r.above, "has a quote in the wrong place, or one that is not closed", "Double the quotes inside a field; if the file ends there, it was cut off")
	case errors.Is(err, io.EOF):
		return refused("the file holds nothing", howToDrop)
	}
	return broken(err)
}

// survey looks through the whole file.
func (d *drop) survey(ctx context.Context) (*sheet, error) {
	f, err := d.recognise(ctx)
	if err != nil {
		return nil, err
	}
	if err := d.findSeparator(&f); err != nil {
		return nil, err
	}
	// A quote that closes the last field proves it complete: the reader is strict.
	if f.last != '\n' && f.last != '"' {
		return nil, refused("the last line does not end with a line break, so that it may be cut off", "End the file with a line break, or put the last field in quotes. "+howToDrop)
	}
	names, err := d.header(f, f.separator)
	if err != nil {
		return nil, (&rows{}).explain(err)
	}
	s := &sheet{form: f, left: map[model.Name]int{}}
	if s.layout, err = layOut(names); err != nil {
		return nil, err
	}
	rows, err := d.rows(s)
	if err != nil {
		return nil, err
	}
	natives := map[uint64]int{}
	seed := maphash.MakeSeed()
	for {
		r, err := rows.next()
		if err != nil {
			return nil, err
		}
		if r == nil {
			break
		}
		if s.people++; s.people&0xFFF == 0 && ctx.Err() != nil {
			return nil, cancelled(ctx.Err())
		}
		native := s.nativeOf(r)
		if native == "" {
			return nil, atLine(r.line, fmt.Sprintf("has nothing in column %d, which tells people apart", s.native+1), "Fill it, or add a column id that every row has")
		}
		hash := maphash.String(seed, native)
		if first, twice := natives[hash]; twice {
			return nil, atLine(r.line, fmt.Sprintf("has the same value as line %d in column %d, which tells people apart", first, s.native+1), "Remove one of the two rows, or add a column id")
		}
		natives[hash] = r.line
		for i, c := range s.columns {
			switch {
			case c.key == "" && strings.TrimSpace(r.cells[i]) != "":
				return nil, atLine(r.line, fmt.Sprintf("has a value in column %d, which has no name", i+1), "Name the column in the first line")
			case isDate(c.attribute):
				s.dates.learn(r.cells[i])
			}
		}
	}
	if s.people == 0 {
		return nil, refused("the file has a header and no people", "A file without people is not taken for an empty company")
	}
	return s, d.unchanged()
}

// notices are what an operator should know about a whole read.
func (s *sheet) notices() []string {
	var notices []string
	for _, n := range model.Names {
		if k := s.left[n]; k > 0 {
			notices = append(notices, fmt.Sprintf("%s was left out in %d of %d rows: not a date that can be read in one way only; write YYYY-MM-DD", n, k, s.people))
		}
	}
	return notices
}

// largestRow bounds one row, so that a quote which is never closed does not fill
// the memory.
const largestRow = 1 << 20

// portion bounds, to within a buffer, how much is read before its owner sets left
// again.
type portion struct {
	from io.Reader
	left int
}

func (p *portion) Read(b []byte) (int, error) {
	if p.left <= 0 {
		return 0, refused(fmt.Sprintf("a row is longer than %d bytes", largestRow), "A quote is most likely not closed")
	}
	n, err := p.from.Read(b)
	p.left -= n
	return n, err
}
