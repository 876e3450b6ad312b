package model

import (
	"slices"
	"strings"
)

// Name is the name of one canonical attribute, "email" or "custom.team".
type Name string

// The canonical attributes. Custom attributes are "custom." followed by a name
// of the administrator's choice, made of lower-case letters, digits and "_".
const (
	Email          Name = "email"
	GivenName      Name = "given_name"
	FamilyName     Name = "family_name"
	DisplayName    Name = "display_name"
	EmployeeNumber Name = "employee_number"
	Manager        Name = "manager"
	Title          Name = "title"
	Department     Name = "department"
	Site           Name = "site"
	Organization   Name = "organization"
	Division       Name = "division"
	CostCenter     Name = "cost_center"
	WorkPhone      Name = "work_phone"
	MobilePhone    Name = "mobile_phone"
	Gender         Name = "gender"
	BirthDate      Name = "birth_date"
	ContractType   Name = "contract_type"
	FirstHiredOn   Name = "first_hired_on"
	StartDate      Name = "start_date"
	EndDate        Name = "end_date"
	Locale         Name = "locale"
	TimeZone       Name = "time_zone"
)

// CustomPrefix begins the name of every custom attribute.
const CustomPrefix = "custom."

// Names lists the fixed attributes in the order screens and files show them.
var Names = []Name{
	Email, GivenName, FamilyName, DisplayName, EmployeeNumber, Manager, Title, Department, Site,
	Organization, Division, CostCenter, WorkPhone, MobilePhone, Gender, BirthDate, ContractType,
	FirstHiredOn, StartDate, EndDate, Locale, TimeZone,
}

// Valid reports whether n is a fixed attribute or a well-formed custom one.
func (n Name) Valid() bool {
	rest, custom := strings.CutPrefix(string(n), CustomPrefix)
	if !custom {
		return slices.Contains(Names, n)
	}
	if rest == "" {
		return false
	}
	for _, r := range rest {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' {
			return false
		}
	}
	return true
}

// SortNames orders names as Names does, custom attributes last and by name.
func SortNames(names []Name) {
	slices.SortFunc(names, func(a, b Name) int {
		ia, ib := slices.Index(Names, a), slices.Index(Names, b)
		switch {
		case ia >= 0 && ib >= 0:
			return ia - ib
		case ia >= 0:
			return -1
		case ib >= 0:
			return 1
		}
		return strings.Compare(string(a), string(b))
	})
}

// Value is what one source says of one attribute. An attribute that is not in
// an [Attributes] map is absent: the source did not say, which changes nothing.
// Null says the source knows it to be empty, which clears.
type Value struct {
	Null bool   `json:"null,omitempty"`
	Text string `json:"text,omitempty"`
	// Refs is set for the manager only: ways to find the person meant, best
	// first. Text then holds something a human can read.
	Refs []Reference `json:"refs,omitempty"`
}

// Text returns the value s; an empty s is null, because no source means
// anything but "known to be empty" by it.
func Text(s string) Value {
	if s == "" {
		return Value{Null: true}
	}
	return Value{Text: s}
}

// Null is the value of an attribute that a source knows to be empty.
func Null() Value { return Value{Null: true} }

// Equal reports whether two values say the same.
func (v Value) Equal(w Value) bool {
	return v.Null == w.Null && v.Text == w.Text && slices.Equal(v.Refs, w.Refs)
}

// RefKind says how a [Reference] names a person.
type RefKind string

const (
	// RefNative is the source's own id of the manager's record in the same source.
	RefNative RefKind = "native"
	// RefEmail is an email address, resolved across sources.
	RefEmail RefKind = "email"
	// RefEmployeeNumber is an employee number, resolved within the same source
	// first and then across sources when exactly one person carries it.
	RefEmployeeNumber RefKind = "employee_number"
	// RefUserName is a SCIM user name within the same source.
	RefUserName RefKind = "user_name"
	// RefExternalID is a SCIM external id within the same source.
	RefExternalID RefKind = "external_id"
	// RefAny is a text whose meaning the source does not tell: a native id, an
	// external id, an employee number, a user name or an email, tried in that order.
	RefAny RefKind = "any"
)

// Reference names another person.
type Reference struct {
	By    RefKind `json:"by"`
	Value string  `json:"value"`
}

// Attributes holds what is said of one human. A missing key is absent.
type Attributes map[Name]Value

// Text returns the text of n, empty when n is null or absent.
func (a Attributes) Text(n Name) string { return a[n].Text }

// Has reports whether n is present, as a value or as null.
func (a Attributes) Has(n Name) bool { _, ok := a[n]; return ok }

// Equal reports whether a and b say the same of every attribute.
func (a Attributes) Equal(b Attributes) bool {
	if len(a) != len(b) {
		return false
	}
	for n, v := range a {
		w, ok := b[n]
		if !ok || !v.Equal(w) {
			return false
		}
	}
	return true
}

// Sorted returns the names present in a, in display order.
func (a Attributes) Sorted() []Name {
	names := make([]Name, 0, len(a))
	for n := range a {
		names = append(names, n)
	}
	SortNames(names)
	return names
}

// Status is where someone stands. Unknown never becomes any other by itself.
type Status string

const (
	Pending  Status = "pending"
	Active   Status = "active"
	Leave    Status = "leave"
	Inactive Status = "inactive"
	Unknown  Status = "unknown"
)

// Date is a calendar date without a zone, "2026-11-22"; empty means none.
// Dates in this form compare correctly as text.
type Date string

// Valid reports whether d is a date of the calendar in the form "2026-11-22".
func (d Date) Valid() bool {
	if len(d) != len("2026-11-22") || d[4] != '-' || d[7] != '-' {
		return false
	}
	number := func(s Date) int {
		n := 0
		for i := range len(s) {
			if s[i] < '0' || s[i] > '9' {
				return -1 << 20
			}
			n = n*10 + int(s[i]-'0')
		}
		return n
	}
	year, month, day := number(d[:4]), number(d[5:7]), number(d[8:])
	if year < 1 || month < 1 || month > 12 || day < 1 {
		return false
	}
	last := 31
	switch month {
	case 4, 6, 9, 11:
		last = 30
	case 2:
		if last = 28; year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			last = 29
		}
	}
	return day <= last
}

// Kind is the kind of a source or target, as configuration spells it.
type Kind string

const (
	KindOkta     Kind = "okta"
	KindAzure    Kind = "azure"
	KindSCIM     Kind = "scim"
	KindHiBob    Kind = "hibob"
	KindLucca    Kind = "lucca"
	KindADP      Kind = "adp"
	KindSCIMPull Kind = "scim-pull"
	KindCSV      Kind = "csv"
	KindJavelo   Kind = "javelo"
	KindElevo    Kind = "elevo"
)

// Pushes reports whether a source of this kind calls us over SCIM.
func (k Kind) Pushes() bool { return k == KindOkta || k == KindAzure || k == KindSCIM }

// MatchesEmployeeNumber reports whether records of this kind may be correlated
// by employee number. Elsewhere the number is not unique enough: Lucca's is
// unique per legal entity only, and the identity providers copy what HR typed.
func (k Kind) MatchesEmployeeNumber() bool {
	return k == KindADP || k == KindSCIM || k == KindSCIMPull || k == KindCSV
}
