package elevo

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"rollcall/appliance/model"
	"rollcall/connectors"
)

// entry is a row that the file will hold, with what identifies it settled.
type entry struct {
	Row
	number   string
	counted  uint64 // number, where it is one
	isCount  bool
	email    string
	username string // "" beside an email
}

// managerIn returns the manager when they are in the file, and somebody else.
func (e *entry) managerIn(file map[model.PersonID]*entry) *entry {
	if e.Manager == "" || e.Manager == e.Person {
		return nil
	}
	return file[e.Manager]
}

// admit settles who is in the file and under which login.
func admit(rows []Row) (people []*entry, leftOut []connectors.LeftOut) {
	refuse := func(r Row, reason string) {
		leftOut = append(leftOut, connectors.LeftOut{Person: r.Person, Reason: reason})
	}
	var nameless []*entry
	for _, r := range rows {
		if !r.Active {
			continue
		}
		e := &entry{Row: r, number: strings.TrimSpace(r.Attributes[model.EmployeeNumber]), email: strings.TrimSpace(r.Email)}
		if n, err := strconv.ParseUint(e.number, 10, 64); err == nil {
			e.counted, e.isCount = n, true
		}
		switch {
		case e.number != cell(e.number):
			refuse(r, "the employee number holds what a spreadsheet would take for a formula, or control characters")
		case e.email != "" && !isEmail(e.email):
			refuse(r, "the email is not an address, or begins as a formula would")
		case e.email != "":
			people = append(people, e)
		case r.Username == "":
			nameless = append(nameless, e)
		case !isUsername(r.Username):
			refuse(r, `the user name holds something else than letters, digits, ".", "-" and "_"`)
		default:
			e.username = r.Username
			people = append(people, e)
		}
	}
	named, without := nameThem(nameless, people)
	for _, e := range without {
		refuse(e.Row, "there is no email, and nothing to make a user name of")
	}
	slices.SortFunc(leftOut, func(a, b connectors.LeftOut) int { return cmp.Compare(a.Person, b.Person) })
	return append(people, named...), leftOut
}

// nameThem makes user names for people who have none.
func nameThem(nameless, others []*entry) (named, without []*entry) {
	taken := map[string]bool{}
	for _, e := range others {
		taken[strings.ToLower(e.username)] = true
	}
	slices.SortFunc(nameless, byNumber)
	for _, e := range nameless {
		plain := strings.Trim(plainLetters(e.Attributes[model.GivenName])+"."+plainLetters(e.Attributes[model.FamilyName]), ".")
		number := plainLetters(e.number)
		for _, candidate := range []string{plain, strings.Trim(plain+"."+number, ".")} {
			if e.username == "" && isUsername(candidate) && !taken[candidate] {
				e.username = candidate
			}
		}
		if e.username == "" {
			without = append(without, e)
			continue
		}
		taken[e.username] = true
		named = append(named, e)
	}
	return named, without
}

// letters that no decomposition of Unicode takes apart.
var letters = strings.NewReplacer("ß", "ss", "æ", "ae", "œ", "oe", "ø", "o", "đ", "d", "ð", "d", "ł", "l", "þ", "th", "ı", "i")

// plainLetters writes a name with the letters that a user name may have: "Van der
// Berg" is "vanderberg", "Inès" is "ines". Other scripts leave nothing.
func plainLetters(s string) string {
	s = letters.Replace(strings.ToLower(s))
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return -1
	}, norm.NFD.String(s))
}

// isUsername is Elevo's rule, but for a "-" in front, where a formula would begin.
func isUsername(s string) bool {
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_'
		if !letter && (i == 0 || r != '-') {
			return false
		}
	}
	return s != ""
}

// isEmail accepts what can stand in a cell as it is: one "@" with something on
// both sides, and nothing that ends a cell, quotes, or begins a formula.
func isEmail(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	return ok && local != "" && domain != "" && !strings.Contains(domain, "@") &&
		s == cell(s) && !strings.ContainsAny(s, " ,;\"'|()<>\\")
}

// cell makes a text fit for a cell: one line, composed, and without what a
// spreadsheet would take for the beginning of a formula. The usual remedy, an
// apostrophe in front, would end up in Elevo as part of the name; so the "=", "+",
// "-" or "@" goes instead, which no title or department begins with in earnest.
// Where lists are separated by ";", a file with commas is cut at those, and a cell
// begins after each.
func cell(s string) string {
	s = strings.ToValidUTF8(s, "")
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp) || r == '\ufeff' {
			return ' '
		}
		return r
	}, norm.NFC.String(s))
	parts := strings.Split(strings.Join(strings.Fields(s), " "), ";")
	for i, p := range parts {
		if bare := strings.TrimLeft(p, " \"'"); strings.IndexAny(bare, formulaStarts) == 0 {
			parts[i] = strings.TrimLeft(bare, formulaStarts+" \"'")
		}
	}
	return strings.TrimSpace(strings.Join(parts, ";"))
}

// formulaStarts begin a formula; the wide forms do in spreadsheets set to an East
// Asian language.
const formulaStarts = "=+-@＝＋－＠"

// inOrder sorts people: managers before their reports, so that an import that
// goes line by line knows them; within a level by number and login. People who
// manage each other in a circle, and those below them, come last.
func inOrder(people []*entry) []*entry {
	byPerson := make(map[model.PersonID]*entry, len(people))
	for _, e := range people {
		byPerson[e.Person] = e
	}
	reports := map[*entry][]*entry{}
	for _, e := range people {
		m := e.managerIn(byPerson)
		reports[m] = append(reports[m], e)
	}
	out := make([]*entry, 0, len(people))
	placed := make(map[*entry]bool, len(people))
	for level := reports[nil]; len(level) > 0; {
		slices.SortFunc(level, byNumber)
		out = append(out, level...)
		var below []*entry
		for _, e := range level {
			placed[e] = true
			below = append(below, reports[e]...)
		}
		level = below
	}
	rest := slices.DeleteFunc(slices.Clone(people), func(e *entry) bool { return placed[e] })
	slices.SortFunc(rest, byNumber)
	return append(out, rest...)
}

// byNumber orders as numbers what is one, so that 99 comes before 100, and those
// before what is none.
func byNumber(a, b *entry) int {
	if a.isCount != b.isCount {
		if a.isCount {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(a.counted, b.counted), cmp.Compare(a.number, b.number), cmp.Compare(a.email, b.email),
		cmp.Compare(a.username, b.username), cmp.Compare(a.Person, b.Person))
}
