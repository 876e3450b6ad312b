// Package filter is the SCIM filter language (RFC 7644 §3.4.2.2) and the path
// language of PATCH (§3.5.2): text is parsed to a tree, the tree is typed once
// against a resource type, and the typed filter answers two questions: does this
// resource match, and by which indexed values could the matches be found.
//
// It reads no storage and knows no dialect by name; what senders need beyond the
// RFC are options. Beyond the grammar it accepts a sub-attribute behind a value
// path in a filter, emails[type eq "work"].value eq "x", as Entra sends it.
//
// Invariants: parsing never panics, its work is linear in the text and its
// recursion bounded by [Limits]; errors carry the byte offset and never repeat a
// literal, because literals are personal data; trees and compiled filters are
// immutable and safe for concurrent use.
package filter

import (
	"fmt"
	"strconv"
	"strings"

	"rollcall/scimsrv/attr"
)

// Limits bound what is parsed. A zero field takes the value of [Default].
type Limits struct {
	Bytes int // of the text
	Depth int // of parentheses, brackets and not() within each other
	Terms int // comparisons of one filter
	// AnyCase accepts true, false and null in any letter case, as the mapping
	// expressions of Entra produce them; JSON knows lower case only.
	AnyCase bool
}

// Default suits a filter of a stranger: the longest one seen in the wild, a
// member list by ids, has some hundred comparisons.
var Default = Limits{Bytes: 64 << 10, Depth: 32, Terms: 2000}

func (l Limits) withDefaults() Limits {
	if l.Bytes <= 0 {
		l.Bytes = Default.Bytes
	}
	if l.Depth <= 0 {
		l.Depth = Default.Depth
	}
	if l.Terms <= 0 {
		l.Terms = Default.Terms
	}
	return l
}

// Error says why a filter or path was refused and where. Its text names
// attributes and operators, never a literal.
type Error struct {
	Offset int // byte offset into the text
	Reason string
	Err    error // ErrSensitive, or nil
}

func (e *Error) Error() string {
	return "at byte " + strconv.Itoa(e.Offset) + ": " + e.Reason
}

// Unwrap returns [ErrSensitive] if that is the reason.
func (e *Error) Unwrap() error { return e.Err }

func refuse(offset int, format string, args ...any) *Error {
	return &Error{Offset: offset, Reason: fmt.Sprintf(format, args...)}
}

// Op is an attribute operator.
type Op uint8

// The operators of RFC 7644 §3.4.2.2, table 3. pr is [Present].
const (
	Equal Op = iota + 1
	NotEqual
	Contains
	StartsWith
	EndsWith
	Greater
	GreaterOrEqual
	Less
	LessOrEqual
)

var opNames = [...]string{
	Equal: "eq", NotEqual: "ne", Contains: "co", StartsWith: "sw", EndsWith: "ew",
	Greater: "gt", GreaterOrEqual: "ge", Less: "lt", LessOrEqual: "le",
}

// String returns the operator as it is written in a filter.
func (o Op) String() string {
	if int(o) < len(opNames) && o > 0 {
		return opNames[o]
	}
	return "op(" + strconv.Itoa(int(o)) + ")"
}

func opNamed(word string) (Op, bool) {
	for op := Equal; op <= LessOrEqual; op++ {
		if attr.EqualName(opNames[op], word) {
			return op, true
		}
	}
	return 0, false
}

// Expr is a parsed filter: a [Compare], [Present], [Elements], [And], [Or] or
// [Not]. String gives canonical text that parses to the same tree.
type Expr interface {
	String() string
	expr()
}

// Compare is "attribute op literal".
type Compare struct {
	Attr  Name
	Op    Op
	Value attr.Value // nil, bool, string or attr.Number
}

// Present is "attribute pr".
type Present struct{ Attr Name }

// Elements is a value path, attribute[filter]: one element of the attribute
// satisfies the whole filter. Names in Filter are relative to the element.
type Elements struct {
	Attr   Name
	Filter Expr
}

// And is a conjunction of two or more terms, in the order they were written.
type And struct{ Terms []Expr }

// Or is a disjunction of two or more terms, in the order they were written.
type Or struct{ Terms []Expr }

// Not is a negation.
type Not struct{ Term Expr }

func (Compare) expr()  {}
func (Present) expr()  {}
func (Elements) expr() {}
func (And) expr()      {}
func (Or) expr()       {}
func (Not) expr()      {}

// String returns "attribute op literal".
func (c Compare) String() string {
	return c.Attr.String() + " " + c.Op.String() + " " + literal(c.Value)
}

// String returns "attribute pr".
func (p Present) String() string { return p.Attr.String() + " pr" }

// String returns "attribute[filter]".
func (e Elements) String() string { return e.Attr.String() + "[" + e.Filter.String() + "]" }

// String joins the terms with and, composed ones in parentheses.
func (a And) String() string { return join(a.Terms, " and ") }

// String joins the terms with or.
func (o Or) String() string { return join(o.Terms, " or ") }

// String returns "not (term)".
func (n Not) String() string { return "not (" + n.Term.String() + ")" }

func join(terms []Expr, word string) string {
	var b strings.Builder
	for i, t := range terms {
		if i > 0 {
			b.WriteString(word)
		}
		_, isOr := t.(Or)
		_, isAnd := t.(And)
		if isOr || isAnd && word == " and " {
			b.WriteString("(" + t.String() + ")")
		} else {
			b.WriteString(t.String())
		}
	}
	return b.String()
}

func literal(v attr.Value) string { return string(attr.Append(nil, v)) }
