package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ago says how long ago t was, or in how long it will be; a zero t is "never".
func ago(now, t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	d := now.Sub(t)
	if d > -10*time.Second && d < 10*time.Second {
		return "just now"
	}
	if d > 14*24*time.Hour || d < -14*24*time.Hour {
		return t.Format(time.DateOnly)
	}
	if d < 0 {
		return "in " + length(-d)
	}
	return length(d) + " ago"
}

// length says how long d is, in the one unit that matters.
func length(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return fmt.Sprintf("%d days", d/(24*time.Hour))
}

// when is ago where a missing time is nothing worth a word.
func when(now, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return ago(now, t)
}

// number returns n with its thousands apart: "1,204".
func number(n int) string {
	s := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// count returns "1 person" or "12 people".
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}

// blankZero is number where none is not worth a word.
func blankZero(n int) string {
	if n == 0 {
		return ""
	}
	return number(n)
}

// value spells a value for people: nothing is a dash, a text is as it is.
func value(s string) string {
	if s == "" {
		return "—"
	}
	return s
}

// and joins words: "a, b and c".
func and(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// quoted returns s as a shell takes it as one word.
func quoted(s string) string {
	if s != "" && strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_./@+=:,", r)
	}) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(clean(s), "'", `'\''`) + "'"
}
