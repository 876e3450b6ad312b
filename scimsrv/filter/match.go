package filter

import (
	"cmp"
	"strings"
	"time"

	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/schema"
)

// place is where in an object a condition looks.
type place struct {
	ref      schema.Ref
	leaf     *schema.Attribute // nil for an extension as a whole
	name     string            // canonical, in lower case
	self     bool              // the element itself, for lists of plain values
	external bool
}

// values calls yield with each value at the place until it returns true, and
// reports whether it did. Lists are walked, so each value is a single one.
func (p *place) values(v attr.Value, yield func(attr.Value) bool) bool {
	if p.self {
		return yield(v)
	}
	o, _ := v.(*attr.Object)
	if p.ref.Attribute == nil && p.ref.Extension == nil { // within brackets
		v, _ = o.Get(p.leaf.Name)
		return each(v, yield)
	}
	v, _ = p.ref.Get(o)
	if p.ref.Sub == nil {
		return each(v, yield)
	}
	return each(v, func(e attr.Value) bool {
		eo, _ := e.(*attr.Object)
		sub, _ := eo.Get(p.ref.Sub.Name)
		return each(sub, yield)
	})
}

func each(v attr.Value, yield func(attr.Value) bool) bool {
	list, ok := v.(attr.Array)
	if !ok {
		return v != nil && yield(v)
	}
	for _, e := range list {
		if e != nil && yield(e) {
			return true
		}
	}
	return false
}

type all []node

func (a all) match(v attr.Value, has Has) bool {
	for _, n := range a {
		if !n.match(v, has) {
			return false
		}
	}
	return true
}

type some []node

func (s some) match(v attr.Value, has Has) bool {
	for _, n := range s {
		if n.match(v, has) {
			return true
		}
	}
	return false
}

type not struct{ term node }

func (n not) match(v attr.Value, has Has) bool { return !n.term.match(v, has) }

type never struct{}

func (never) match(attr.Value, Has) bool { return false }

// present is "pr": a value that is neither null nor empty. The empty text counts
// as empty too, because senders clear attributes with it.
type present struct{ at place }

func (p present) match(v attr.Value, _ Has) bool {
	return p.at.values(v, func(e attr.Value) bool { return e != "" && !attr.IsEmpty(e) })
}

// elements is a value path: one element satisfies everything in the brackets.
type elements struct {
	at   place
	cond node
}

func (n elements) match(v attr.Value, _ Has) bool {
	return n.at.values(v, func(e attr.Value) bool { return n.cond.match(e, nil) })
}

// compare is one comparison with a literal, of which only the field of the
// attribute's type is set.
type compare struct {
	at      place
	op      Op
	exact   bool
	text    string // folded unless exact
	number  attr.Number
	boolean bool
	time    time.Time
}

// match compares the values at the place; one that fits is enough. ne is the
// exact negation of eq: no value equals, be it because there is none. The RFC
// leaves both corners open.
func (c compare) match(v attr.Value, has Has) bool {
	if c.op == NotEqual {
		c.op = Equal
		return !c.match(v, has)
	}
	if c.at.external && has != nil && c.op == Equal && (c.at.ref.Sub == nil || c.at.ref.Sub.Name == "value") {
		top, _, _ := strings.Cut(c.at.name, ".")
		return has(top, c.text)
	}
	return c.at.values(v, c.fits)
}

func (c *compare) fits(v attr.Value) bool {
	switch c.at.leaf.Type {
	case schema.Boolean:
		b, ok := v.(bool)
		return ok && b == c.boolean
	case schema.Integer, schema.Decimal:
		n, ok := v.(attr.Number)
		return ok && c.ordered(n.Compare(c.number))
	case schema.DateTime:
		s, _ := v.(string)
		t, ok := parseTime(s)
		return ok && c.ordered(t.Compare(c.time))
	default:
		s, ok := scalarText(v)
		return ok && c.fitsText(s)
	}
}

func (c *compare) fitsText(s string) bool {
	if c.op == Equal && !c.exact {
		return strings.EqualFold(s, c.text) // the same as comparing folded, without the copy
	}
	if !c.exact {
		s = schema.Fold(s)
	}
	switch c.op {
	case Contains:
		return strings.Contains(s, c.text)
	case StartsWith:
		return strings.HasPrefix(s, c.text)
	case EndsWith:
		return strings.HasSuffix(s, c.text)
	default:
		return c.ordered(cmp.Compare(s, c.text))
	}
}

func (c *compare) ordered(order int) bool {
	switch c.op {
	case Equal:
		return order == 0
	case Greater:
		return order > 0
	case GreaterOrEqual:
		return order >= 0
	case Less:
		return order < 0
	case LessOrEqual:
		return order <= 0
	default:
		return false
	}
}

// scalarText gives a single value as text; an open schema may hold what it was sent.
func scalarText(v attr.Value) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case attr.Number:
		return string(v), true
	case bool:
		if v {
			return "true", true
		}
		return "false", true
	default:
		return "", false
	}
}
