package csv

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"rollcall/connectors"
)

// form is how a file is written: what has to be known before its first line can
// be understood.
type form struct {
	windows   bool // Windows-1252 instead of UTF-8
	bom       bool
	told      bool // the first line is "sep=;", as spreadsheets write it
	separator rune
	last      byte   // of the file
	digest    string // of all bytes
}

// name describes the form for people.
func (f form) name() string {
	encoding := "UTF-8"
	if f.windows {
		encoding = "Windows-1252"
	}
	return encoding + ", separated by " + map[rune]string{';': "semicolons", ',': "commas", '\t': "tabs"}[f.separator]
}

var (
	utf8Mark = []byte{0xEF, 0xBB, 0xBF}
	// unassigned are the bytes that Windows-1252 has no character for.
	unassigned = []byte{0x81, 0x8D, 0x8F, 0x90, 0x9D}
)

// recognise looks through the whole file: one letter in another encoding may be
// at its end.
func (d *drop) recognise(ctx context.Context) (form, error) {
	var f form
	if _, err := d.Seek(0, io.SeekStart); err != nil {
		return f, broken(err)
	}
	sum := sha256.New()
	r := bufio.NewReaderSize(io.TeeReader(d, sum), 1<<16)
	if mark, _ := r.Peek(2); bytes.Equal(mark, []byte{0xFF, 0xFE}) || bytes.Equal(mark, []byte{0xFE, 0xFF}) {
		return f, refused("the file is UTF-16", `Save it as "CSV UTF-8"`)
	}
	if mark, _ := r.Peek(len(utf8Mark)); bytes.Equal(mark, utf8Mark) {
		f.bom = true
	}
	var wide, alien, line, first, returns int // sequences of several bytes, bytes that are no UTF-8
	line = 1
	for n := 0; ; n++ {
		if n&0xFFFF == 0 && ctx.Err() != nil {
			return f, cancelled(ctx.Err())
		}
		c, size, err := r.ReadRune()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return f, broken(err)
		}
		f.last = byte(c)
		switch {
		case c == utf8.RuneError && size == 1:
			if alien++; first == 0 {
				first = line
			}
			if err := r.UnreadRune(); err != nil {
				return f, broken(err)
			}
			b, err := r.ReadByte()
			if err != nil {
				return f, broken(err)
			}
			if bytes.IndexByte(unassigned, b) >= 0 {
				return f, atLine(line, "holds a character that is neither UTF-8 nor Windows-1252", `Save the file as "CSV UTF-8"`)
			}
			f.last = b
		case size > 1:
			wide++
			f.last = 0x80
		case c == 0:
			return f, atLine(line, "holds a zero byte", "The file is not text, or it was cut off by a crash; write it again")
		case c == '\n':
			line++
		case c == '\r':
			returns++
		}
	}
	if line == 1 && returns > 1 {
		return f, refused("the lines of the file end with a carriage return alone", "Let them end with a line feed")
	}
	f.windows = alien > 0
	if f.windows && (f.bom || wide > alien) {
		// Taking it for Windows-1252 would garble every name that is fine now.
		return f, atLine(first, "is not UTF-8, and others are", `Save the file as "CSV UTF-8"`)
	}
	f.digest = hex.EncodeToString(sum.Sum(nil)[:12])
	return f, nil
}

func broken(err error) error {
	return &connectors.Error{Class: connectors.Transient, Op: "csv: read the file", Err: err}
}

// text returns the file from its start as UTF-8, without the mark and without a
// line that names the separator.
func (d *drop) text(f form) (*bufio.Reader, error) {
	if _, err := d.Seek(0, io.SeekStart); err != nil {
		return nil, broken(err)
	}
	r := bufio.NewReaderSize(d, 1<<16)
	if f.bom {
		if _, err := r.Discard(len(utf8Mark)); err != nil {
			return nil, broken(err)
		}
	}
	if f.windows {
		r = bufio.NewReaderSize(charmap.Windows1252.NewDecoder().Reader(r), 1<<16)
	}
	if f.told {
		if _, err := r.ReadString('\n'); err != nil {
			return nil, broken(err)
		}
	}
	return r, nil
}

// findSeparator sets the separator: the one that is named, else the one under
// which most columns are known and, among equals, most columns are.
func (d *drop) findSeparator(f *form) error {
	r, err := d.text(*f)
	if err != nil {
		return err
	}
	if start, _ := r.Peek(6); len(start) >= 5 && strings.EqualFold(string(start[:4]), "sep=") && strings.IndexByte(";,\t", start[4]) >= 0 {
		f.told, f.separator = true, rune(start[4])
		return nil
	}
	best := -1
	for _, separator := range []rune{';', ',', '\t'} {
		names, err := d.header(*f, separator)
		if err != nil {
			continue
		}
		if score := 1000*recognised(names) + len(names); score > best {
			f.separator, best = separator, score
		}
	}
	if best < 1000 {
		return refused("no column of the first line is known", "The first line must name the columns, for example email;first_name;last_name;manager_email")
	}
	return nil
}

// header reads the first line under a separator.
func (d *drop) header(f form, separator rune) ([]string, error) {
	r, err := d.text(f)
	if err != nil {
		return nil, err
	}
	return records(r, separator).Read()
}

// records is a strict reader: RFC 4180, but for the separator and line ends.
func records(r io.Reader, separator rune) *csv.Reader {
	c := csv.NewReader(r)
	c.Comma = separator
	c.FieldsPerRecord = -1
	c.ReuseRecord = true
	return c
}
