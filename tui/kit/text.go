package kit

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// maxMarks is how many combining marks may follow one another. Writing needs up
// to four (cantillated Hebrew, Tibetan stacks); more only serve to draw over the
// lines above and below.
const maxMarks = 4

// Clean makes s safe to draw on one line. Line breaks and tabs become a space;
// control characters, the controls that turn writing direction (UAX #9 §2) and
// other invisible format characters go, except the two joiners that Persian and
// Indic names need; bytes that are not UTF-8 become U+FFFD. Letters of every
// script stay, in the order they were stored.
func Clean(s string) string {
	if printableASCII(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	marks := 0
	for _, r := range s {
		if unicode.In(r, unicode.Mn, unicode.Me) {
			if marks++; marks <= maxMarks {
				b.WriteRune(r)
			}
			continue
		}
		marks = 0
		switch {
		case r == '\n', r == '\r', r == '\t', r == '\v', r == '\f', unicode.In(r, unicode.Zl, unicode.Zp):
			b.WriteByte(' ')
		case r == '\u200c', r == '\u200d': // zero width non-joiner and joiner
			b.WriteRune(r)
		case r == utf8.RuneError:
			b.WriteRune(utf8.RuneError)
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs):
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func printableASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// Width is how many columns the clean text s takes.
func Width(s string) int {
	if printableASCII(s) {
		return len(s)
	}
	return ansi.StringWidth(s)
}

// Truncate cuts the clean text s to at most w columns and puts ellipsis where
// something was cut. A wide character is never cut in half.
func Truncate(s string, w int, ellipsis string) string {
	switch {
	case w <= 0:
		return ""
	case Width(s) <= w:
		return s
	case Width(ellipsis) > w:
		ellipsis = ""
	}
	if printableASCII(s) {
		return s[:w-Width(ellipsis)] + ellipsis
	}
	return ansi.Truncate(s, w, ellipsis)
}

const hyphen = "\ue000"

// Wrap cleans s and breaks it at spaces into lines of at most w columns; a word
// that is too long is broken where it must.
func Wrap(s string, w int) []string {
	if w <= 0 {
		return nil
	}
	s = Clean(s)
	if Width(s) <= w {
		return []string{s}
	}
	// Options of commands and addresses are not broken at their hyphens: a
	// private rune stands for each, of which a clean text has none.
	lines := strings.Split(ansi.Wrap(strings.ReplaceAll(s, "-", hyphen), w, ""), "\n")
	for i, line := range lines {
		lines[i] = strings.ReplaceAll(strings.TrimSpace(line), hyphen, "-")
	}
	return lines
}

// Plural returns "1 person", "2 people", "1,204 people".
func Plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(n) + " " + many
}

// Count writes n with a comma between thousands.
func Count(n int) string {
	if n < 0 {
		return "-" + Count(-n)
	}
	if n < 1000 {
		return itoa(n)
	}
	rest := itoa(n % 1000)
	return Count(n/1000) + "," + strings.Repeat("0", 3-len(rest)) + rest
}
