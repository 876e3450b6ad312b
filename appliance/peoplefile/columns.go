// Package peoplefile knows the file in which people are handed to Javelo's own
// import: its columns, how each writes a value, and how a CSV file or a workbook
// of it is read.
//
// It does not know who is in the roster: whom a row means, whether a manager
// exists and what a difference causes is judged where the roster is. It writes no
// files. Invariants: what Form writes of a value, Says takes for that value; a cell
// that holds a formula is never read as a value.
package peoplefile

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"rollcall/appliance/model"
)

// Username is the column that names people who have no email. It finds people and
// sets nothing.
const Username = "username"

// Column is one column of the file.
type Column struct {
	Header    string
	Attribute model.Name
	form      func(string) string
	value     func(string) (string, error)
}

// Columns lists the columns in the order of the file. Only the first four names are
// documented as mandatory; the others follow the names that Javelo's connectors use
// (unverified), and Javelo ignores or refuses what a tenant does not have.
var Columns = []Column{
	{"email", model.Email, plain, asIs},
	{"name", model.GivenName, plain, asIs},
	{"last_name", model.FamilyName, plain, asIs},
	{"manager_email", model.Manager, plain, asIs},
	{"employee_number", model.EmployeeNumber, plain, asIs},
	{"job", model.Title, plain, asIs},
	{"department", model.Department, plain, asIs},
	{"organization", model.Organization, plain, asIs},
	{"phone", model.WorkPhone, phone, readPhone},
	{"language", model.Locale, language, readLanguage},
	{"first_hired_on", model.FirstHiredOn, date, readDate},
	{"current_hired_on", model.StartDate, date, readDate},
}

// Known reports whether header is a column that is read.
func Known(header string) bool {
	return header == Username || slices.ContainsFunc(Columns, func(c Column) bool { return c.Header == header })
}

// Form writes a value as the file has it: no commas, no line ends, dates as
// DD-MM-YYYY, phones as 0033…; empty for what the file cannot say.
func (c Column) Form(text string) string { return plain(c.form(text)) }

// Says reports whether a cell says what a value is, as Form writes it or as it
// stands.
func (c Column) Says(cell, text string) bool {
	cell = plain(cell)
	return cell == c.Form(text) || cell == plain(text)
}

// Value reads a cell that is not empty. The error says what the cell has to be and
// repeats nothing of it.
func (c Column) Value(cell string) (string, error) {
	return c.value(strings.Join(strings.Fields(cell), " "))
}

// plain is a value on one line, without the commas that Javelo's import refuses
// and without characters that nobody sees.
func plain(s string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		switch {
		case r == ',' || unicode.IsSpace(r) || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, s)), " ")
}

func asIs(cell string) (string, error) { return cell, nil }

// dateLayout is DD-MM-YYYY.
const dateLayout = "02-01-2006"

func date(text string) string {
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return ""
	}
	return day.Format(dateLayout)
}

func readDate(cell string) (string, error) {
	day, err := time.Parse(dateLayout, cell)
	if err != nil {
		return "", fmt.Errorf("this is no date as DD-MM-YYYY: write 30-11-2026")
	}
	return day.Format(time.DateOnly), nil
}

func phone(s string) string {
	s = strings.TrimSpace(s)
	digits := digitsOf(s)
	if strings.HasPrefix(s, "+") && digits != "" {
		return "00" + digits
	}
	return digits
}

func digitsOf(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

func readPhone(cell string) (string, error) {
	digits := digitsOf(cell)
	switch {
	case strings.Trim(cell, "0123456789+ .-/()") != "" || len(digits) < 4:
		return "", fmt.Errorf("this is no phone number: write it as text, as 0033…")
	case strings.HasPrefix(cell, "+"):
		return "+" + digits, nil
	case strings.HasPrefix(digits, "00"):
		return "+" + digits[2:], nil
	case !strings.HasPrefix(digits, "0"):
		return "", fmt.Errorf("the number does not begin with 0: a spreadsheet may have dropped it; format the column as text and write 0033…")
	}
	return digits, nil
}

// languages are those that the file may name.
var languages = []string{"fr", "en", "es", "it"}

func language(locale string) string {
	l, _, _ := strings.Cut(strings.ReplaceAll(strings.ToLower(locale), "_", "-"), "-")
	if slices.Contains(languages, l) {
		return l
	}
	return ""
}

func readLanguage(cell string) (string, error) {
	if l := strings.ToLower(cell); slices.Contains(languages, l) {
		return l, nil
	}
	return "", fmt.Errorf("the language is one of %s", strings.Join(languages, ", "))
}
