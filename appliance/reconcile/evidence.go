package reconcile

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"rollcall/appliance/identity"
	"rollcall/appliance/model"
)

// alike is the evidence, beyond an identifier, that two records are one human:
// the same birth date, or the same name unless the birth dates speak against it.
func alike(a, b *model.Record) bool { return likeness(a, b) != "" }

// likeness says in words what makes two records alike, empty when nothing does.
func likeness(a, b *model.Record) string {
	ba, bb := a.Attributes.Text(model.BirthDate), b.Attributes.Text(model.BirthDate)
	switch na := fullName(a); {
	case ba != "" && ba == bb:
		return "the same birth date"
	case ba != "" && bb != "":
		return ""
	case na != "" && na == fullName(b):
		return "the same name"
	}
	return ""
}

func fullName(r *model.Record) string {
	name := identity.Name(r.Attributes.Text(model.GivenName)) + "|" + identity.Name(r.Attributes.Text(model.FamilyName))
	if name == "|" {
		return identity.Name(r.Attributes.Text(model.DisplayName))
	}
	return name
}

// Case is one conflict with its records, as they are: what evidence, suggestions
// and the likeness of conflicts are made from.
type Case struct {
	Conflict model.Conflict
	Records  []model.Record
	Groups   []GroupSide // of a duplicate_group, in the order of the conflict
	Today    model.Date
	Policy   *Policy
}

func (c *Case) current(i int) bool { return live(&c.Records[i], c.Today, c.Policy) }

// agreement is whether records say the same of something.
type agreement string

const (
	untold agreement = "not told twice" // fewer than two of them say anything
	agrees agreement = "the same"
	differ agreement = "differ"
)

func (c *Case) agree(value func(*model.Record) string) agreement {
	var first string
	told := 0
	for i := range c.Records {
		v := value(&c.Records[i])
		switch {
		case v == "":
			continue
		case told > 0 && v != first:
			return differ
		}
		first = v
		told++
	}
	if told < 2 {
		return untold
	}
	return agrees
}

func (c *Case) agreeOn(n model.Name) agreement {
	return c.agree(func(r *model.Record) string { return strings.TrimSpace(r.Attributes.Text(n)) })
}

func (c *Case) names() agreement { return c.agree(fullName) }

// Evidence says, in sentences without personal values, what speaks for and
// against the records of a conflict being one human: names, birth date, employee
// number, dates, status and history.
func (c *Case) Evidence() (speaksFor, speaksAgainst []string) {
	if c.Conflict.Kind == model.DuplicateGroup {
		return c.groupEvidence()
	}
	if len(c.Records) < 2 {
		return nil, nil
	}
	say := func(a agreement, agree, differs string) {
		switch a {
		case agrees:
			speaksFor = append(speaksFor, agree)
		case differ:
			speaksAgainst = append(speaksAgainst, differs)
		}
	}
	names := c.names()
	say(names, "the names are the same", "the names differ"+c.nameDetail())
	say(c.agreeOn(model.BirthDate), "the birth dates are the same", "the birth dates differ")
	say(c.agreeOn(model.EmployeeNumber), "the employee numbers are the same", "the employee numbers differ")
	say(c.agreeOn(model.FirstHiredOn), "they were first hired on the same day", "they were first hired on different days")
	if c.agree(func(r *model.Record) string { return mobile(r) }) == agrees {
		speaksFor = append(speaksFor, "the mobile phones are the same")
	}
	if c.agreeOn(model.Manager) == agrees {
		speaksFor = append(speaksFor, "they have the same manager")
	}
	c.sources(&speaksFor, &speaksAgainst)
	c.dates(&speaksFor, &speaksAgainst)
	c.history(&speaksFor, &speaksAgainst)
	return speaksFor, speaksAgainst
}

// nameDetail tells the usual reasons for which one human has two names.
func (c *Case) nameDetail() string {
	given := c.agree(func(r *model.Record) string { return identity.Name(r.Attributes.Text(model.GivenName)) })
	family := c.agree(func(r *model.Record) string { return identity.Name(r.Attributes.Text(model.FamilyName)) })
	sorted := c.agree(func(r *model.Record) string {
		parts := []string{identity.Name(r.Attributes.Text(model.GivenName)), identity.Name(r.Attributes.Text(model.FamilyName))}
		slices.Sort(parts)
		return strings.Trim(strings.Join(parts, "|"), "|")
	})
	switch {
	case sorted == agrees:
		return ", but only in the order of given and family name"
	case given == agrees && family == differ:
		return ", but the given names are the same, as after a marriage"
	case family == agrees && given == differ:
		return ", but the family names are the same, as within a family"
	}
	return ""
}

// mobile reduces a phone number to what identifies it.
func mobile(r *model.Record) string {
	digits := strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' {
			return c
		}
		return -1
	}, r.Attributes.Text(model.MobilePhone))
	if len(digits) < 9 {
		return ""
	}
	return digits[len(digits)-9:]
}

func (c *Case) sources(speaksFor, speaksAgainst *[]string) {
	count := map[string]int{}
	for i := range c.Records {
		if c.current(i) {
			count[c.Records[i].Source]++
		}
	}
	var twice []string
	for s, n := range count {
		if n > 1 {
			twice = append(twice, s)
		}
	}
	slices.Sort(twice)
	switch {
	case len(twice) > 0:
		*speaksAgainst = append(*speaksAgainst, "more than one of them is current in "+strings.Join(twice, " and "))
	case c.agree(func(r *model.Record) string { return r.Source }) == differ:
		*speaksFor = append(*speaksFor, "each current record is from another source")
	}
}

// dates compares when the ended ones ended and when the current ones began.
func (c *Case) dates(speaksFor, speaksAgainst *[]string) {
	var lastEnd, firstStart model.Date
	ended, current := 0, 0
	for i := range c.Records {
		r := &c.Records[i]
		if c.current(i) {
			current++
			firstStart = soonest(firstStart, dateOf(r, model.StartDate))
			continue
		}
		ended++
		if d := dateOf(r, model.EndDate); d > lastEnd {
			lastEnd = d
		}
	}
	switch {
	case ended == 0 || current == 0:
	case lastEnd == "" || firstStart == "":
		*speaksFor = append(*speaksFor, "one has ended and another is current, as after a rehire")
	case firstStart > lastEnd:
		*speaksFor = append(*speaksFor, fmt.Sprintf("one ended %s before another began, as after a rehire", span(lastEnd, firstStart)))
	default:
		*speaksAgainst = append(*speaksAgainst, "one began before the other had ended")
	}
}

// span spells the time between two dates roughly: it is read, not computed with.
func span(from, to model.Date) string {
	for _, s := range []struct {
		days int
		word string
	}{{2, "a day"}, {14, "some days"}, {60, "some weeks"}, {365, "some months"}} {
		if to <= AddDays(from, s.days) {
			return s.word
		}
	}
	return "more than a year"
}

// history compares how long the records have been known.
func (c *Case) history(speaksFor, speaksAgainst *[]string) {
	persons := map[model.PersonID]int{}
	unlinked := 0
	for i := range c.Records {
		if p := c.Records[i].Person; p != "" {
			persons[p]++
		} else {
			unlinked++
		}
	}
	switch {
	case len(persons) > 1:
		*speaksAgainst = append(*speaksAgainst, fmt.Sprintf("they have been %d people so far", len(persons)))
	case len(persons) == 1 && unlinked == 0:
		*speaksFor = append(*speaksFor, "they have been one person so far")
	}
	for i := range c.Records {
		for _, id := range c.Records[i].Former {
			if slices.ContainsFunc(c.Records, func(r model.Record) bool { return slices.Contains(r.Identifiers, id) }) {
				*speaksAgainst = append(*speaksAgainst, fmt.Sprintf("the %s was the one's before it was the other's", strings.ReplaceAll(string(id.Kind), "_", " ")))
				return
			}
		}
	}
}

// Shape says in words what makes a conflict what it is, people apart: conflicts of
// one shape may be answered together, and how earlier ones were answered is a hint.
func (c *Case) Shape() string {
	q := &c.Conflict
	parts := []string{string(q.Kind)}
	if q.Target != "" {
		parts = append(parts, "in "+q.Target)
	}
	var records []string
	for i := range c.Records {
		records = append(records, c.role(i))
	}
	for i := range c.Groups {
		records = append(records, c.groupRole(i))
	}
	slices.Sort(records)
	parts = append(parts, strings.Join(records, " + "))
	var kinds []string
	for _, id := range q.Identifiers {
		if kind := string(id.Kind); !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	parts = append(parts, strings.Join(kinds, " and "))
	switch q.Kind {
	case model.DuplicateIdentifier, model.AmbiguousMatch, model.EmailRecycled, model.AccountTaken:
		parts = append(parts, "names "+string(c.names()), "birth dates "+string(c.agreeOn(model.BirthDate)), "employee numbers "+string(c.agreeOn(model.EmployeeNumber)))
	case model.PersonalEmail, model.IdentifierChange:
		for _, id := range q.Identifiers {
			parts = append(parts, identity.Domain(id))
		}
	case model.ManagerUnresolved:
		for i := range c.Records {
			// Which manager, not who: shapes outlive the records, and name nobody.
			sum := sha256.Sum256([]byte(c.Records[i].Source + "\x00" + c.Records[i].Attributes.Text(model.Manager)))
			parts = append(parts, "manager "+hex.EncodeToString(sum[:6]))
		}
	case model.MissingIdentifier, model.Rejected:
		parts = append(parts, q.Rule)
	case model.DuplicateGroup:
		if len(c.Groups) == 2 {
			parts = append(parts, c.overlap())
		}
	}
	return strings.Join(parts, "; ")
}

// role says what a record is in its conflict, its identity apart.
func (c *Case) role(i int) string {
	r := &c.Records[i]
	role := r.Source
	switch {
	case c.current(i):
		role += " current"
	case r.Scope.State == model.OutOfScope:
		role += " out of scope"
	default:
		role += " ended"
	}
	if r.Person == "" {
		role += ", new"
	}
	return role
}

// Role says what a record or group is in the conflict, empty when it is none of it.
func (c *Case) Role(id model.RecordID) string {
	for i := range c.Records {
		if c.Records[i].ID == id {
			return c.role(i)
		}
	}
	for i := range c.Groups {
		if c.Groups[i].Ref.String() == string(id) {
			return c.groupRole(i)
		}
	}
	return ""
}

// InRole returns the records or groups that are this in the conflict.
func (c *Case) InRole(role string) (out []model.RecordID) {
	for i := range c.Records {
		if c.role(i) == role {
			out = append(out, c.Records[i].ID)
		}
	}
	for i := range c.Groups {
		if c.groupRole(i) == role {
			out = append(out, model.RecordID(c.Groups[i].Ref.String()))
		}
	}
	return out
}
