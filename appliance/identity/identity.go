// Package identity turns what sources write as emails and employee numbers into
// identifiers that can be compared byte by byte.
//
// Two spellings of one address must give one identifier, and two addresses must
// never give the same one: accents are kept, dots and "+tags" are kept, zeros
// of an employee number are kept. What cannot be normalised yields no identifier
// and an error that says why without repeating the value. The package does no
// I/O and decides nothing about people.
package identity

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"rollcall/appliance/model"
)

// Limits of RFC 5321 §4.5.3.1 for a mailbox and its local part, in bytes, and
// our own for an employee number.
const (
	maxEmail  = 254
	maxLocal  = 64
	maxNumber = 64
	// maxRaw bounds the work spent on a value that could never be valid.
	maxRaw = 1024
)

// Errors of normalisation. They name the fault, never the value.
var (
	ErrEmpty     = errors.New("is empty")
	ErrTooLong   = errors.New("is too long")
	ErrEncoding  = errors.New("is not valid UTF-8 text")
	ErrControl   = errors.New("contains a control or private-use character")
	ErrSpace     = errors.New("contains a space")
	ErrNoAt      = errors.New("has no @")
	ErrManyAt    = errors.New("has more than one @")
	ErrLocal     = errors.New("has nothing before the @")
	ErrDomain    = errors.New("has no valid domain after the @")
	ErrPlacehold = errors.New("is a placeholder")
)

// MixedScripts is the warning for a value that mixes letters of scripts that
// look alike (Latin, Cyrillic, Greek): it is used as it is, and shown.
const MixedScripts = "mixes letters of look-alike scripts"

// Deliverable returns an address in the form to hand on: as written, without
// surrounding blanks and invisible characters, in Unicode form NFC.
func Deliverable(raw string) string {
	return norm.NFC.String(strings.TrimFunc(visible(raw), unicode.IsSpace))
}

// Email normalises an address: invisible characters removed, trimmed, NFKC, case
// folded, the domain in ASCII (IDNA). Comparing without regard to case follows
// RFC 7643 §4.1.1 for user names; RFC 5321 would allow a case-sensitive local
// part, which nobody uses.
func Email(raw string) (id model.Identifier, warning string, err error) {
	s, err := clean(raw)
	if err != nil {
		return model.Identifier{}, "", err
	}
	local, domain, found := strings.Cut(s, "@")
	switch {
	case !found:
		return model.Identifier{}, "", ErrNoAt
	case strings.Contains(domain, "@"):
		return model.Identifier{}, "", ErrManyAt
	case strings.ContainsFunc(s, unicode.IsSpace):
		return model.Identifier{}, "", ErrSpace
	case local == "":
		return model.Identifier{}, "", ErrLocal
	}
	if placeholderLocal[local] {
		return model.Identifier{}, "", ErrPlacehold
	}
	ascii, err := idna.Lookup.ToASCII(strings.TrimSuffix(domain, "."))
	if err != nil || ascii == "" || !validHost(ascii) {
		return model.Identifier{}, "", ErrDomain
	}
	if strings.HasSuffix(ascii, ".invalid") || ascii == "invalid" {
		return model.Identifier{}, "", ErrPlacehold // RFC 6761 §6.4
	}
	if len(local) > maxLocal || len(local)+1+len(ascii) > maxEmail {
		return model.Identifier{}, "", ErrTooLong
	}
	for _, label := range append(strings.Split(domain, "."), local) {
		if mixedScripts(label) {
			warning = MixedScripts
		}
	}
	return model.Identifier{Kind: model.IdentifierEmail, Value: local + "@" + ascii}, warning, nil
}

// placeholderLocal are what people type where an address is missing. None of them
// can be a name.
var placeholderLocal = map[string]bool{
	"tbd": true, "tba": true, "todo": true, "n/a": true, "none": true, "null": true, "xxx": true, "xxxx": true, "noemail": true, "no-email": true,
	"no.email": true, "no_email": true, "nomail": true, "placeholder": true, "dummy": true, "noreply": true, "no-reply": true, "donotreply": true,
}

// placeholderName are what people type where a name is missing.
var placeholderName = map[string]bool{
	"tbd": true, "tba": true, "todo": true, "test": true, "tests": true, "testuser": true, "xxx": true, "xxxx": true, "none": true, "null": true,
	"unknown": true, "inconnu": true, "placeholder": true, "dummy": true, "firstname": true, "lastname": true, "newhire": true, "adefinir": true,
}

// Placeholder reports whether a name stands where a name is missing: "TBD",
// "Test", ".", "-". Nothing at all is none.
func Placeholder(name string) bool {
	if strings.TrimSpace(name) == "" {
		return false
	}
	folded := Name(name)
	return folded == "" || placeholderName[folded]
}

// EmployeeNumber normalises an employee number: invisible characters removed,
// trimmed, NFKC, case folded. Zeros and punctuation stay: "00057" and "57" are
// two people until a human says otherwise.
func EmployeeNumber(raw string) (model.Identifier, error) {
	s, err := clean(raw)
	if err != nil {
		return model.Identifier{}, err
	}
	if len(s) > maxNumber {
		return model.Identifier{}, ErrTooLong
	}
	if strings.Trim(s, "0") == "" || strings.Trim(s, "-./?x") == "" || s == "n/a" || s == "na" || s == "none" || s == "tbd" {
		return model.Identifier{}, ErrPlacehold
	}
	return model.Identifier{Kind: model.IdentifierEmployeeNumber, Value: s}, nil
}

// Domain returns the domain of a normalised email identifier.
func Domain(id model.Identifier) string {
	return id.Value[strings.LastIndexByte(id.Value, '@')+1:]
}

// Of derives the identifiers of an observation, and one notice for each
// identifier attribute that could not be used and each name that is a placeholder. Employee numbers count only when
// byNumber is set, which the kind of the source must allow.
func Of(attrs model.Attributes, byNumber bool) (ids []model.Identifier, notices []string) {
	if raw := attrs.Text(model.Email); raw != "" {
		id, warning, err := Email(raw)
		switch {
		case err != nil:
			notices = append(notices, "email "+err.Error())
		default:
			ids = append(ids, id)
			if warning != "" {
				notices = append(notices, "email "+warning)
			}
		}
	}
	if raw := attrs.Text(model.EmployeeNumber); raw != "" && byNumber {
		id, err := EmployeeNumber(raw)
		if err != nil {
			notices = append(notices, "employee number "+err.Error())
		} else {
			ids = append(ids, id)
		}
	}
	for _, n := range []model.Name{model.GivenName, model.FamilyName} {
		if Placeholder(attrs.Text(n)) {
			notices = append(notices, strings.ReplaceAll(string(n), "_", " ")+" is a placeholder")
		}
	}
	return ids, notices
}

// Name folds a human name for comparison as evidence: NFKC, case folded, marks
// removed, only letters kept. Unlike identifiers, names are compared loosely.
func Name(s string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(cases.Fold().String(s)) {
		if unicode.IsLetter(r) {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func clean(raw string) (string, error) {
	if len(raw) > maxRaw {
		return "", ErrTooLong
	}
	if !utf8.ValidString(raw) || strings.ContainsRune(raw, utf8.RuneError) {
		return "", ErrEncoding // a replacement character stands for what was lost on the way
	}
	s := strings.TrimFunc(visible(raw), unicode.IsSpace)
	if s == "" {
		return "", ErrEmpty
	}
	if strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Co, r) }) {
		return "", ErrControl
	}
	// NFKC may itself produce blanks (U+00A8 decomposes into one), hence the second trim.
	s = norm.NFKC.String(cases.Fold().String(norm.NFKC.String(s)))
	s = strings.TrimFunc(s, unicode.IsSpace)
	if s == "" {
		return "", ErrEmpty
	}
	return s, nil
}

// visible drops characters that change nothing on screen: format characters
// (zero-width ones, the byte-order mark, soft hyphens, direction marks, tags),
// variation selectors and blank fillers. The list is that of Default_Ignorable
// code points (Unicode 16, DerivedCoreProperties), as far as they are assigned.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0xAD {
			return r
		}
		switch {
		case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Variation_Selector, r),
			r == 0x034F, r == 0x115F, r == 0x1160, r == 0x17B4, r == 0x17B5, r == 0x3164, r == 0xFFA0:
			return -1
		}
		return r
	}, s)
}

func validHost(h string) bool {
	if strings.HasPrefix(h, ".") || strings.HasSuffix(h, ".") || strings.Contains(h, "..") {
		return false
	}
	for i := range len(h) {
		c := h[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' {
			return false
		}
	}
	return true
}

func mixedScripts(s string) bool {
	seen := 0
	for _, table := range []*unicode.RangeTable{unicode.Latin, unicode.Cyrillic, unicode.Greek} {
		if strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(table, r) }) {
			seen++
		}
	}
	return seen > 1
}
