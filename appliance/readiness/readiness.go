// Package readiness makes the readiness report: what an administrator and HR
// should have looked at before people are relayed to a target.
//
// The report says who in each target matches which record and by what, who is
// new there, and who there is covered by no source; and it lists what would go
// wrong: duplicates, missing and personal emails, near matches, managers that do
// not resolve, fields that the credentials cannot read and fields that the target
// does not know. Everything is rows of one table, so that a screen, JSON and a
// spreadsheet show the same.
//
// The package is pure: it reads no clock, no store and no service, writes nothing
// anywhere, and does not depend on the order of its input. A company may be larger than
// memory: [Find] looks at one person at a time, and remembers of each at most a few
// digests. It decides nothing: persons, conflicts and effects are those that package reconcile found,
// and a near match is a hint for a human, never evidence for a merge.
package readiness

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rollcall/appliance/model"
)

// Kind is what a row is about. The values are stable: scripts filter by them.
type Kind string

const (
	// Uncovered is an account that no record of any source stands behind.
	Uncovered Kind = "uncovered"
	// Duplicate is a record or an account that takes part in a clash.
	Duplicate Kind = "duplicate"
	// NearMatch is a person and an account, or two persons, that look like one
	// human and do not share an identifier.
	NearMatch     Kind = "near_match"
	MissingEmail  Kind = "missing_email"
	PersonalEmail Kind = "personal_email"
	// ManagerUnresolved is somebody whose manager cannot be linked as stated.
	ManagerUnresolved Kind = "manager_unresolved"
	// UnreadableField is a field that the credentials of a source cannot read.
	UnreadableField Kind = "unreadable_field"
	// UnknownField is an attribute for which a target has no field.
	UnknownField Kind = "unknown_field"
	// New is a person for whom an account would be created.
	New Kind = "new"
	// Matched is a person who has an account.
	Matched Kind = "matched"
)

// Kinds lists all kinds in the order of a report: what takes access away or
// doubles somebody first, what is as it should be last.
var Kinds = []Kind{Uncovered, Duplicate, NearMatch, MissingEmail, PersonalEmail, ManagerUnresolved, UnreadableField, UnknownField, New, Matched}

// Asks reports whether rows of this kind want a human before people are relayed.
func (k Kind) Asks() bool { return k != New && k != Matched }

// Ways by which an account is matched, and by which two look alike.
const (
	ByLink           = "link" // relayed before, or claimed by a decision
	ByEmail          = "email"
	ByEmployeeNumber = "employee_number"
	ByName           = "name"
	ByMailbox        = "mailbox" // the same words before the @
)

// Report is a readiness report.
type Report struct {
	Made time.Time `json:"made"`
	// Previewed are the sources that are not active, and are taken here as if
	// they were.
	Previewed []string `json:"previewed,omitempty"`
	// Listed says when the accounts of each target were last listed; a target
	// that never was is missing.
	Listed map[string]time.Time `json:"listed,omitempty"`
	Counts map[Kind]int         `json:"counts"`
	Rows   []Row                `json:"rows"`
	// Notices are sentences about the report as a whole.
	Notices []string `json:"notices,omitempty"`
}

// Asks reports whether anything in the report wants a human.
func (r Report) Asks() bool {
	return slices.ContainsFunc(r.Rows, func(row Row) bool { return row.ToDo != "" })
}

// Row is one finding. Fields that do not apply are empty.
type Row struct {
	Kind   Kind   `json:"kind"`
	Target string `json:"target,omitempty"`
	Name   string `json:"name,omitempty"`  // of the person, as HR writes it
	Email  string `json:"email,omitempty"` // of the person or record
	Source string `json:"source,omitempty"`
	Record string `json:"record,omitempty"` // the source's own id of the record
	// Account is the login of an account in Target.
	Account string `json:"account,omitempty"`
	By      string `json:"by,omitempty"`
	// Field is a field in the words of the service, Permission what grants it.
	Field      string `json:"field,omitempty"`
	Permission string `json:"permission,omitempty"`
	Attribute  string `json:"attribute,omitempty"`
	People     int    `json:"people,omitempty"` // how many it concerns, for fields
	Detail     string `json:"detail,omitempty"`
	// ToDo says what a human can do about it; empty: nothing needs doing.
	ToDo string `json:"to_do,omitempty"`
	// Person is rollcall's id, which "rollcall person" takes.
	Person string `json:"person,omitempty"`
}

// Basis is what a report is made of beside the people.
type Basis struct {
	Now time.Time
	// Previewed are sources taken as if they were active.
	Previewed []string
	Targets   []Target
	// Unreadable are the fields that the last check of each source missed.
	Unreadable []Field
	Notices    []string
}

// Field is a field that the credentials of a source cannot read.
type Field struct {
	Source     string
	Permission string // the service's own name of what to grant
	Field      string // the service's own name of the field
	Attribute  model.Name
	Effect     string // what happens without it
}

// Target is one target as it was last listed.
type Target struct {
	Name   string
	Listed time.Time // zero: never
}

// Account is an account as listed, with the person it was linked to before.
type Account struct {
	model.Account
	Person model.PersonID // empty: nobody yet
}

// Standing is how a person stands with a target.
type Standing struct {
	Effect model.Effect
	// RemoteID and Login are those of the account that is theirs, or that would be
	// adopted; empty: none.
	RemoteID string
	Login    string
	Linked   bool   // relayed before
	Blocked  string // why nothing would be relayed, in words
}

// UnknownAttribute is an attribute that a target has no field for.
type UnknownAttribute struct {
	Attribute model.Name
	Field     string // in the target's words; may be empty
	People    int
	Reason    string
	ToDo      string
}

// Find finds the rows of a report and hands each to row, in no order, and returns the
// report without them. Lists are where it sorts what it must see together.
func Find(c Company, b Basis, lists Lists, row func(Row) error) (Report, error) {
	r := Report{Made: b.Now.UTC(), Counts: map[Kind]int{}, Rows: []Row{}, Notices: slices.Clone(b.Notices)}
	r.Previewed = slices.Sorted(slices.Values(b.Previewed))
	for _, k := range Kinds {
		r.Counts[k] = 0
	}
	for _, t := range b.Targets {
		if t.Listed.IsZero() {
			r.Notices = append(r.Notices, t.Name+" was never listed, so nobody knows yet who has an account there: nobody counts as uncovered, and some of those who are new will turn out to have one")
			continue
		}
		if r.Listed == nil {
			r.Listed = map[string]time.Time{}
		}
		r.Listed[t.Name] = t.Listed.UTC()
	}
	w := newWork(c, b, lists, func(found Row) error {
		r.Counts[found.Kind]++
		return row(found)
	})
	for _, pass := range []func() error{w.people, w.accounts, w.lookalikes, w.clashes, w.unreadable, w.unknown} {
		if err := pass(); err != nil {
			return r, err
		}
	}
	return r, nil
}

// Key orders rows: kind, target, and then whatever tells them apart. Rows of one key
// are alike in all of that.
func (r Row) Key() []byte {
	key := []byte{byte(slices.Index(Kinds, r.Kind))}
	for _, part := range []string{r.Target, group(r), strings.ToLower(r.Name), r.Email, r.Account, r.Source, r.Record, r.Field, r.Attribute, r.By, r.Detail, r.Person} {
		if len(part) > maxKeyPart {
			part = part[:maxKeyPart]
		}
		key = append(append(key, part...), 0)
	}
	return key
}

// maxKeyPart is how much of one field counts for the order.
const maxKeyPart = 1024

// group keeps the rows of one clash together: they share its sentence.
func group(r Row) string {
	if r.Kind == Duplicate {
		return r.Detail
	}
	return ""
}

// people says how many, in words.
func people(n int) string {
	if n == 1 {
		return "1 person"
	}
	return fmt.Sprintf("%d people", n)
}
