package csv

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"rollcall/appliance/model"
)

func isDate(n model.Name) bool {
	return slices.Contains([]model.Name{model.BirthDate, model.FirstHiredOn, model.StartDate, model.EndDate}, n)
}

// dateStyle is how the dates of one file are written besides YYYY-MM-DD, told by
// those that can be read in one way only. Dashes and slashes are told apart,
// because columns of one file may come from different places.
type dateStyle struct {
	dashes, slashes evidence
}

type evidence struct{ dayFirst, monthFirst bool }

// learn notes what one cell tells.
func (d *dateStyle) learn(cell string) {
	a, b, _, e, ok := d.split(strings.TrimSpace(cell))
	if !ok {
		return
	}
	e.dayFirst = e.dayFirst || a > 12
	e.monthFirst = e.monthFirst || b > 12
}

// split takes "02/03/2015" apart.
func (d *dateStyle) split(s string) (a, b, year int, e *evidence, ok bool) {
	e = &d.dashes
	parts := strings.Split(s, "-")
	if len(parts) != 3 {
		e, parts = &d.slashes, strings.Split(s, "/")
	}
	if len(parts) != 3 || len(parts[0]) > 2 || len(parts[1]) > 2 || len(parts[2]) != 4 {
		return 0, 0, 0, e, false
	}
	var n [3]int
	for i, p := range parts {
		v, err := strconv.ParseUint(p, 10, 16)
		if err != nil {
			return 0, 0, 0, e, false
		}
		n[i] = int(v)
	}
	return n[0], n[1], n[2], e, n[0] >= 1 && n[1] >= 1 && n[0] <= 31 && n[1] <= 31
}

// read returns a date as YYYY-MM-DD, or why it is none. DD-MM-YYYY is Javelo's
// documented form and believed unless the file shows months in front; with
// slashes, which half the world reads the other way, the file must show days in
// front somewhere.
func (d *dateStyle) read(s string) (date, why string) {
	iso := s
	if len(iso) > len(time.DateOnly) && (iso[len(time.DateOnly)] == 'T' || iso[len(time.DateOnly)] == ' ') {
		iso = iso[:len(time.DateOnly)]
	}
	if _, err := time.Parse(time.DateOnly, iso); err == nil {
		return iso, ""
	}
	day, month, year, e, ok := d.split(s)
	if !ok {
		return "", "is not a date"
	}
	believed := e.dayFirst || e == &d.dashes
	switch {
	case month > 12:
		return "", "has the month in front"
	case day <= 12 && day != month && (e.monthFirst || !believed):
		return "", "could have day and month the other way round"
	}
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if t.Day() != day || year < 1000 {
		return "", "is not a date"
	}
	return t.Format(time.DateOnly), ""
}
