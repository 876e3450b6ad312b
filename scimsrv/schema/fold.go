package schema

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Fold takes the letter case out of s, so that two texts fold to the same one
// exactly when [strings.EqualFold] calls them equal. It is Unicode's simple
// folding: ß stays apart from ss, and composed letters from decomposed ones,
// because a directory must not report as taken what a sender sees as two names.
func Fold(s string) string {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return strings.Map(foldRune, s)
		}
	}
	return strings.ToLower(s)
}

// foldRune picks one rune of r's folding orbit: the lower-case ASCII letter if
// there is one, as for the Kelvin sign, else the smallest.
func foldRune(r rune) rune {
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	if 'A' <= least && least <= 'Z' {
		return least + 'a' - 'A'
	}
	return least
}
