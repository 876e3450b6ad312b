// Package csv reads people from a file that another system drops on this machine.
//
// The file is UTF-8 (with or without a byte order mark) or Windows-1252, its
// fields are separated by semicolons, commas or tabs, and its first line names
// the columns: by the names of attributes, in Javelo's import names or in
// Elevo's, whatever the letter case, blanks and underscores (see columns.go).
// Other columns stay in the document, for expressions.
//
// People are told apart by the first of these columns that the file has: id,
// source_id, employee_number, email. A row without a value there, or two rows
// with the same, refuse the file: whichever was taken, somebody else would seem to
// have left. An empty cell is null, a column that the file lacks is absent.
//
// Who writes the file should write it under another name, ending in .tmp or
// .part, and rename it: that is atomic. For those who do not, a file is read only
// after it has rested for a moment, and its last line must be complete.
//
// The package writes nothing, keeps nothing between reads and watches nothing: it
// is polled like any source.
//
// Invariants:
//   - the whole file is looked through before the first person is yielded: a file
//     that is cut off, garbled, empty or without a row changes nothing;
//   - a file that changes while it is read is an error, and so is one without
//     people: an empty company is never concluded from a file;
//   - no text from the file is in an error: where the header is missing, the first
//     line holds a person.
package csv

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"rollcall/connectors"
)

const (
	defaultSettle = 2 * time.Second
	defaultPage   = 500
	// largestFile bounds what is read: a million people with forty columns fit.
	largestFile = 1 << 30
)

// Config says which file is read.
type Config struct {
	// Path is the file's. Only this name is read: neighbours, and names that end
	// in .tmp or .part, belong to whoever is still writing.
	Path string
	// Settle is for how long the file must not change before it is read, 0: 2 s.
	Settle time.Duration
	// PageSize is how many people one page holds, 0: 500.
	PageSize int
	// CustomFields are the paths that configured expressions read. Check reports
	// those that the file has no column for.
	CustomFields []string
}

// Source reads one file. It implements [connectors.Source] and
// [connectors.Checker]; it is safe for concurrent use.
type Source struct{ cfg Config }

var (
	_ connectors.Source  = (*Source)(nil)
	_ connectors.Checker = (*Source)(nil)
)

// New checks the configuration; it does not look at the file. Every error is of
// class Misconfigured.
func New(cfg Config) (*Source, error) {
	switch {
	case cfg.Path == "":
		return nil, misconfigured("path is empty", "")
	case !filepath.IsAbs(cfg.Path):
		return nil, misconfigured("path is not absolute", "Write it from the root on")
	case unfinished(cfg.Path):
		return nil, misconfigured("path ends like a file that is still being written", "Name the file as it is called when it is complete")
	case cfg.Settle < 0 || cfg.PageSize < 0:
		return nil, misconfigured("a negative setting", "")
	}
	if cfg.Settle == 0 {
		cfg.Settle = defaultSettle
	}
	if cfg.PageSize == 0 {
		cfg.PageSize = defaultPage
	}
	return &Source{cfg}, nil
}

// Read implements [connectors.Source]. The cursor is a row of a file of a certain
// content: when the file was replaced meanwhile it leads nowhere, which is an
// error, and only a read from the start gets further.
func (s *Source) Read(ctx context.Context, from connectors.Cursor) iter.Seq2[connectors.Page, error] {
	return func(yield func(connectors.Page, error) bool) {
		if err := s.read(ctx, from, yield); err != nil {
			yield(connectors.Page{}, err)
		}
	}
}

// read yields pages; after a false from yield it returns nil.
func (s *Source) read(ctx context.Context, from connectors.Cursor, yield func(connectors.Page, error) bool) error {
	d, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	sheet, err := d.survey(ctx)
	if err != nil {
		return err
	}
	skip, err := place(from, sheet.digest)
	if err != nil {
		return err
	}
	rows, err := d.rows(sheet)
	if err != nil {
		return err
	}
	page := connectors.Page{Total: sheet.people}
	for n := 1; ; n++ {
		row, err := rows.next()
		if err != nil {
			return err
		}
		if row == nil {
			break
		}
		if n <= skip {
			continue
		}
		// A full page waits for the next row or the end, so that the last one is
		// known to be the last.
		if len(page.People) == s.cfg.PageSize {
			page.Next = cursor(n-1, sheet.digest)
			if err := ctx.Err(); err != nil {
				return cancelled(err)
			}
			if !yield(page, nil) {
				return nil
			}
			page = connectors.Page{Total: sheet.people}
		}
		page.People = append(page.People, sheet.observe(row))
	}
	if err := d.unchanged(); err != nil {
		return err
	}
	page.Last = true
	page.Notices = sheet.notices()
	yield(page, nil)
	return nil
}

func cursor(row int, digest string) connectors.Cursor {
	return connectors.Cursor(url.Values{"row": {strconv.Itoa(row)}, "file": {digest}}.Encode())
}

// place returns how many rows a cursor has behind it; what is not a cursor starts
// at the beginning.
func place(from connectors.Cursor, digest string) (rows int, err error) {
	q, err := url.ParseQuery(string(from))
	if err != nil {
		return 0, nil
	}
	rows, err = strconv.Atoi(q.Get("row"))
	if err != nil || rows < 1 {
		return 0, nil
	}
	if q.Get("file") != digest {
		return 0, refused("the file was replaced while it was read", "The new one is read from the start next time")
	}
	return rows, nil
}

func misconfigured(detail, next string) error {
	return &connectors.Error{Class: connectors.Misconfigured, Op: "csv: configure", Detail: detail, Next: next}
}

// refused is the error for a file that cannot be read as it is. It passes once
// another file is there.
func refused(detail, next string) error {
	return &connectors.Error{Class: connectors.Transient, Op: "csv: read the file", Detail: detail, Next: next}
}

func atLine(line int, detail, next string) error {
	return refused(fmt.Sprintf("line %d %s", line, detail), next)
}

func cancelled(err error) error {
	return &connectors.Error{Class: connectors.Transient, Op: "csv: read the file", Err: err}
}

// unfinished reports whether a name is one of a file that is still being written.
func unfinished(path string) bool {
	for _, end := range []string{".tmp", ".part"} {
		if strings.HasSuffix(strings.ToLower(path), end) {
			return true
		}
	}
	return false
}
