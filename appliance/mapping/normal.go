package mapping

import (
	"fmt"
	"strings"
	"unicode"

	"rollcall/appliance/model"
)

// Normalise brings the values of an observation into the form that every source's
// have in common: no control characters and no blanks around, dates as
// 2026-11-22, gender as male or female, a locale as a language tag. Built-in maps
// do most of this themselves; what an expression gave is normalised here. What
// cannot be is absent, which changes nothing, and leaves a notice that does not
// repeat the value.
func Normalise(o *model.Observation) {
	var odd []model.Name
	for n, v := range o.Attributes {
		if !v.Null && !plainValue(n, v.Text) {
			odd = append(odd, n)
		}
	}
	model.SortNames(odd) // notices are part of what a record says, in one order always
	for _, n := range odd {
		v := o.Attributes[n]
		text, known, fault := normal(n, v.Text)
		switch {
		case fault != "":
			delete(o.Attributes, n)
			o.Notices = append(o.Notices, fmt.Sprintf("%s %s, and is left out", n, fault))
		case !known:
			delete(o.Attributes, n)
		case text == "" && n != model.Manager:
			o.Attributes[n] = model.Null()
		default:
			v.Text = text
			o.Attributes[n] = v
		}
	}
}

// plainValue reports whether a value needs no second look: most do not, and there
// are a million of them.
func plainValue(n model.Name, s string) bool {
	switch n {
	case model.Email, model.EmployeeNumber:
		return true // identifiers have rules of their own, which refuse and never repair
	case model.BirthDate, model.StartDate, model.EndDate, model.FirstHiredOn:
		return model.Date(s).Valid()
	case model.Gender:
		return s == "male" || s == "female"
	case model.Locale:
		return len(s) == 2 && s[0] >= 'a' && s[0] <= 'z'
	}
	if s == "" || s[0] <= ' ' || s[len(s)-1] <= ' ' {
		return false
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// normal returns the normal form of a value; known is false when it says nothing,
// fault says why it cannot be.
func normal(n model.Name, raw string) (text string, known bool, fault string) {
	text = trimmed(raw)
	switch n {
	case model.BirthDate, model.StartDate, model.EndDate, model.FirstHiredOn:
		if text == "" {
			return "", true, ""
		}
		day, ok := calendarDay(text)
		if !ok {
			return "", false, "is not a date in the form YYYY-MM-DD"
		}
		return day, true, ""
	case model.Gender:
		return genderOf(text)
	case model.Locale:
		return localeOf(text)
	}
	return text, true, ""
}

// trimmed makes line breaks and tabs blanks, drops other control characters, and
// cuts blanks off the ends.
func trimmed(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t' || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}

// calendarDay takes the date out of a date or a date with a time: the day as it is
// written, whatever the zone, because sources write days as midnights.
func calendarDay(s string) (string, bool) {
	if len(s) > 10 && (s[10] == 'T' || s[10] == ' ') {
		s = s[:10]
	}
	return s, model.Date(s).Valid()
}

// genderOf knows what the services say, in the languages seen. Another answer is
// an answer, and clears; none is none.
func genderOf(s string) (string, bool, string) {
	switch strings.ToLower(s) {
	case "male", "m", "1", "man", "homme", "masculin":
		return "male", true, ""
	case "female", "f", "2", "woman", "femme", "féminin":
		return "female", true, ""
	case "undefined", "unknown", "not specified", "":
		return "", false, ""
	}
	return "", true, ""
}

// windowsLocales are the Windows locale ids that HR systems give for languages.
// Others are left out: a wrong language is worse than none.
var windowsLocales = map[string]string{"1036": "fr", "2057": "en", "1033": "en", "3082": "es", "1034": "es", "1040": "it", "1031": "de", "2070": "pt", "1043": "nl"}

// localeOf makes a language tag (RFC 5646) of "fr", "fr_FR", "1036".
func localeOf(s string) (string, bool, string) {
	if s == "" {
		return "", true, ""
	}
	if tag, ok := windowsLocales[s]; ok {
		return tag, true, ""
	}
	s = strings.ReplaceAll(s, "_", "-")
	for i, part := range strings.Split(s, "-") {
		letters := strings.IndexFunc(part, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (i == 0 || r < '0' || r > '9')
		}) < 0
		if !letters || part == "" || len(part) > 8 || i == 0 && len(part) < 2 {
			return "", false, "is not a language tag such as fr or en-GB"
		}
	}
	return s, true, ""
}
