package filter

import (
	"errors"
	"slices"
	"strings"
	"time"

	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/schema"
)

// Options say how a filter is typed. The zero value is the RFC to the letter.
type Options struct {
	// UnknownIsFalse makes a comparison of an attribute that no schema knows
	// false. Else it is refused, because a silently empty answer to a search
	// makes senders create duplicates.
	UnknownIsFalse bool
	// ShortNames finds an extension's attribute without its URN: Entra's
	// reference check is manager eq "id".
	ShortNames bool
	// LooseLiterals compares "True" with a boolean and 42 with a text.
	LooseLiterals bool
	// External names an attribute, such as members, whose elements the objects
	// given to Match do not hold. See [Filter.MatchWith].
	External string
}

// ErrSensitive is wrapped by the error for an attribute that is never returned
// and therefore must not be guessed by filters either (RFC 7644 §7.5.2).
var ErrSensitive = errors.New("an attribute that is never returned cannot be searched")

// Filter is a filter typed for one resource type, or for the elements of one
// attribute. It is immutable and safe for concurrent use.
type Filter struct {
	root    node
	uses    []string // in lower case, few
	partial bool
}

// node is one typed condition. It looks at an object, which is a resource or an
// element of a multi-valued attribute.
type node interface {
	match(o attr.Value, has Has) bool
}

// Has reports whether an attribute that the object does not hold, named in
// lower case, has an element with that value.
type Has func(attribute, value string) bool

// Compile types a filter for a resource type. The error is an [*Error], which
// may wrap [ErrSensitive].
func Compile(e Expr, rt *schema.ResourceType, opt Options) (*Filter, error) {
	c := compiler{rt: rt, opt: opt}
	root, err := c.expr(e)
	if err != nil {
		return nil, err
	}
	return &Filter{root: root, uses: c.uses, partial: c.partial}, nil
}

// CompileElement types the filter of a value path for the elements of attribute
// a. Names are those of its sub-attributes; an attribute without any has "value",
// the element itself.
func CompileElement(e Expr, a *schema.Attribute, opt Options) (*Filter, error) {
	c := compiler{element: a, opt: opt}
	root, err := c.expr(e)
	if err != nil {
		return nil, err
	}
	return &Filter{root: root, uses: c.uses}, nil
}

// Match reports whether the filter selects a resource, given as its whole tree
// with id and meta, or, after [CompileElement], an element.
func (f *Filter) Match(v attr.Value) bool { return f.root.match(v, nil) }

// MatchWith is Match for an object without the elements of Options.External:
// has is asked for each "attribute eq value" instead. Look at [Filter.NeedsElements]
// first.
func (f *Filter) MatchWith(v attr.Value, has Has) bool { return f.root.match(v, has) }

// NeedsElements reports whether the filter asks more of the elements of
// Options.External than whether a value is among them, so that MatchWith is not
// enough and the object must hold them.
func (f *Filter) NeedsElements() bool { return f.partial }

// Uses reports whether the filter looks at the attribute, a name in lower case;
// an extension's carries its URN.
func (f *Filter) Uses(attribute string) bool { return slices.Contains(f.uses, attribute) }

type compiler struct {
	rt      *schema.ResourceType
	element *schema.Attribute
	opt     Options
	uses    []string // in lower case, few
	partial bool
}

func (c *compiler) expr(e Expr) (node, error) {
	switch e := e.(type) {
	case And:
		terms, err := c.exprs(e.Terms)
		return all(terms), err
	case Or:
		terms, err := c.exprs(e.Terms)
		return some(terms), err
	case Not:
		term, err := c.expr(e.Term)
		return not{term}, err
	case Present:
		return c.present(e)
	case Elements:
		return c.elements(e)
	case Compare:
		return c.compare(e)
	default:
		return nil, refuse(0, "the filter is empty")
	}
}

func (c *compiler) exprs(es []Expr) ([]node, error) {
	nodes := make([]node, len(es))
	for i, e := range es {
		n, err := c.expr(e)
		if err != nil {
			return nil, err
		}
		nodes[i] = n
	}
	return nodes, nil
}

// resolve finds what a name stands for. A nil place without an error is an
// unknown attribute that matches nothing.
func (c *compiler) resolve(n Name) (*place, error) {
	if c.element != nil {
		return c.resolveSub(n)
	}
	resolve := c.rt.Resolve
	if c.opt.ShortNames {
		resolve = c.rt.ResolveShort
	}
	ref, err := resolve(n.String())
	switch {
	case errors.Is(err, schema.ErrUnknown) && c.opt.UnknownIsFalse:
		return nil, nil
	case err != nil:
		return nil, refuse(n.Offset, "%v", err)
	}
	p := &place{ref: ref, leaf: ref.Leaf(), name: attr.FoldName(ref.String())}
	top := p.name
	if ref.Sub != nil {
		top = attr.FoldName(schema.Ref{Extension: ref.Extension, Attribute: ref.Attribute}.String())
	}
	if !slices.Contains(c.uses, top) {
		c.uses = append(c.uses, top)
	}
	p.external = c.opt.External != "" && attr.EqualName(top, c.opt.External)
	return p, c.allowed(p, n)
}

func (c *compiler) resolveSub(n Name) (*place, error) {
	p := &place{name: attr.FoldName(n.Attr)}
	switch {
	case n.URN != "" || n.Sub != "":
		return nil, refuse(n.Offset, "within brackets, names are those of the sub-attributes of %s", c.element.Name)
	case len(c.element.Sub) == 0 && attr.EqualName(n.Attr, "value"):
		p.leaf, p.self = c.element, true
	default:
		p.leaf = c.element.SubAttribute(n.Attr)
	}
	if p.leaf == nil && c.opt.UnknownIsFalse {
		return nil, nil
	}
	if p.leaf == nil {
		return nil, refuse(n.Offset, "%s has no sub-attribute %q", c.element.Name, n.Attr)
	}
	return p, c.allowed(p, n)
}

func (c *compiler) allowed(p *place, n Name) error {
	if p.leaf == nil {
		return nil
	}
	if p.leaf.Returned == schema.ReturnedNever || p.ref.Attribute != nil && p.ref.Attribute.Returned == schema.ReturnedNever {
		return &Error{Offset: n.Offset, Reason: p.leaf.Name + ": " + ErrSensitive.Error(), Err: ErrSensitive}
	}
	if p.leaf.Discarded {
		return refuse(n.Offset, "%s is computed and cannot be searched", p.leaf.Name)
	}
	return nil
}

func (c *compiler) present(e Present) (node, error) {
	p, err := c.resolve(e.Attr)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return never{}, nil
	}
	c.partial = c.partial || p.external
	return present{*p}, nil
}

func (c *compiler) elements(e Elements) (node, error) {
	p, err := c.resolve(e.Attr)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return never{}, nil
	}
	if p.ref.Attribute == nil || p.ref.Sub != nil {
		return nil, refuse(e.Attr.Offset, "a value path needs an attribute before the bracket")
	}
	inner := compiler{element: p.leaf, opt: c.opt}
	cond, err := inner.expr(e.Filter)
	if err != nil {
		return nil, err
	}
	if p.external {
		// members[value eq "x"] asks no more than members.value eq "x".
		if cmp, ok := cond.(compare); ok && cmp.op == Equal && cmp.at.name == "value" {
			cmp.at = place{ref: p.ref, leaf: cmp.at.leaf, name: p.name + ".value", external: true}
			cmp.at.ref.Sub = cmp.at.leaf
			return cmp, nil
		}
		c.partial = true
	}
	return elements{*p, cond}, nil
}

func (c *compiler) compare(e Compare) (node, error) {
	p, err := c.resolve(e.Attr)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return never{}, nil
	}
	if e.Value == nil {
		return c.compareNull(e, p)
	}
	if p.leaf == nil {
		return nil, refuse(e.Attr.Offset, "an extension as a whole can only be asked for with pr")
	}
	if p.leaf.Type == schema.Complex {
		// RFC 7644 §3.4.2.2: emails co "x" means emails.value co "x". Entra asks
		// manager eq "id" and members eq "id" in the same sense.
		value := p.leaf.SubAttribute("value")
		if value == nil {
			return nil, refuse(e.Attr.Offset, "%s is complex, name one of its sub-attributes", p.leaf.Name)
		}
		p.ref.Sub, p.leaf, p.name = value, value, p.name+".value"
	}
	if p.external && e.Op != Equal && e.Op != NotEqual {
		c.partial = true
	}
	if p.external && p.ref.Sub != nil && p.ref.Sub.Name != "value" {
		c.partial = true
	}
	return c.typed(e, *p)
}

// compareNull: null is the absence of a value (RFC 7643 §2.5).
func (c *compiler) compareNull(e Compare, p *place) (node, error) {
	c.partial = c.partial || p.external
	switch e.Op {
	case Equal:
		return not{present{*p}}, nil
	case NotEqual:
		return present{*p}, nil
	default:
		return nil, refuse(e.Attr.Offset, "null can only be compared with eq and ne")
	}
}

func (c *compiler) typed(e Compare, p place) (node, error) {
	cmp := compare{at: p, op: e.Op}
	mismatch := func(want string) error {
		return refuse(e.Attr.Offset, "%s is compared with %s, not with a %s", p.leaf.Name, want, attr.Kind(e.Value))
	}
	ordered := e.Op >= Greater
	partOf := e.Op == Contains || e.Op == StartsWith || e.Op == EndsWith
	unfit := func() error { return refuse(e.Attr.Offset, "%s cannot be compared with %s", p.leaf.Name, e.Op) }
	switch p.leaf.Type {
	case schema.Boolean:
		b, ok := e.Value.(bool)
		if s, isText := e.Value.(string); !ok && isText && c.opt.LooseLiterals {
			b, ok = strings.EqualFold(s, "true"), strings.EqualFold(s, "true") || strings.EqualFold(s, "false")
		}
		if !ok {
			return nil, mismatch("true or false")
		}
		if ordered || partOf {
			return nil, unfit()
		}
		cmp.boolean = b
	case schema.Integer, schema.Decimal:
		n, ok := e.Value.(attr.Number)
		if s, isText := e.Value.(string); !ok && isText && c.opt.LooseLiterals && attr.Number(s).Valid() {
			n, ok = attr.Number(s), true
		}
		if !ok {
			return nil, mismatch("a number")
		}
		if partOf {
			return nil, unfit()
		}
		cmp.number = n
	case schema.DateTime:
		s, _ := e.Value.(string)
		t, ok := parseTime(s)
		if !ok {
			return nil, mismatch(`a date and time such as "2026-11-22T10:00:00Z"`)
		}
		if partOf {
			return nil, unfit()
		}
		cmp.time = t
	default: // String, Reference, Binary
		s, ok := e.Value.(string)
		if !ok && c.opt.LooseLiterals {
			s, ok = scalarText(e.Value)
		}
		if !ok {
			return nil, mismatch("a text in double quotes")
		}
		if ordered && p.leaf.Type == schema.Binary {
			return nil, unfit()
		}
		cmp.exact = p.leaf.CaseExact
		cmp.text = p.leaf.Fold(s)
	}
	return cmp, nil
}

// parseTime reads an xsd:dateTime (RFC 7643 §2.3.5); without an offset it is UTC.
func parseTime(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
