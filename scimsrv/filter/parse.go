package filter

import (
	"strings"
	"unicode/utf8"

	"rollcall/scimsrv/attr"
)

// Parse parses a filter. Operators and keywords are recognised in any letter
// case; and binds tighter than or, not tighter than both. The error is an
// [*Error]; answer it with 400 invalidFilter.
func Parse(src string, lim Limits) (Expr, error) {
	p, err := newParser(src, lim)
	if err != nil {
		return nil, err
	}
	e, err := p.expression(loosest)
	if err != nil {
		return nil, err
	}
	if p.tok.kind != end {
		return nil, refuse(p.tok.offset, "%s cannot follow a complete comparison; expected and, or, or the end", p.tok.kind)
	}
	return e, nil
}

// Binding strengths of the logical operators (RFC 7644 §3.4.2.2).
const (
	loosest = iota
	orBinds
	andBinds
)

// parser is a Pratt parser: an operand, then operators as long as they bind
// tighter than what waits on the left.
type parser struct {
	lex   lexer
	tok   token
	lim   Limits
	depth int
	terms int
	// inside is true within the brackets of a value path, which do not nest.
	inside bool
}

func newParser(src string, lim Limits) (*parser, error) {
	lim = lim.withDefaults()
	if len(src) > lim.Bytes {
		return nil, refuse(lim.Bytes, "longer than %d bytes", lim.Bytes)
	}
	if !utf8.ValidString(src) {
		return nil, refuse(strings.IndexFunc(src, func(r rune) bool { return r == utf8.RuneError }), "invalid UTF-8")
	}
	p := &parser{lex: lexer{src: src}, lim: lim}
	return p, p.advance()
}

func (p *parser) advance() error {
	t, err := p.lex.next()
	p.tok = t
	return err
}

func (p *parser) keyword(name string) bool {
	return p.tok.kind == word && attr.EqualName(p.tok.src, name)
}

// infix returns how tight the current token binds as an operator, 0 if it is none.
func (p *parser) infix() int {
	switch {
	case p.keyword("and"):
		return andBinds
	case p.keyword("or"):
		return orBinds
	default:
		return 0
	}
}

func (p *parser) expression(floor int) (Expr, error) {
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	for {
		binds := p.infix()
		if binds <= floor {
			return left, nil
		}
		// A run of one operator becomes one node, so a thousand terms are no
		// deeper than two.
		terms := []Expr{left}
		for p.infix() == binds {
			if err := p.advance(); err != nil {
				return nil, err
			}
			right, err := p.expression(binds)
			if err != nil {
				return nil, err
			}
			terms = append(terms, right)
		}
		if binds == andBinds {
			left = And{terms}
		} else {
			left = Or{terms}
		}
	}
}

func (p *parser) operand() (Expr, error) {
	switch {
	case p.tok.kind == open:
		return p.group()
	case p.keyword("not"):
		return p.negation()
	case p.tok.kind == word:
		return p.comparison()
	case p.tok.kind == end && p.tok.offset == 0:
		return nil, refuse(0, "the filter is empty")
	default:
		return nil, refuse(p.tok.offset, "an attribute name, not or a parenthesis is expected, not %s", p.tok.kind)
	}
}

// group parses "(" filter ")"; the current token is the parenthesis.
func (p *parser) group() (Expr, error) {
	at := p.tok.offset
	return p.enclosed(shut, at)
}

// enclosed parses a filter up to the closing token.
func (p *parser) enclosed(closing kind, at int) (Expr, error) {
	if p.depth++; p.depth > p.lim.Depth {
		return nil, refuse(at, "nested deeper than %d levels", p.lim.Depth)
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	e, err := p.expression(loosest)
	if err != nil {
		return nil, err
	}
	if p.tok.kind != closing {
		return nil, refuse(p.tok.offset, "%s is expected, not %s: the bracket at byte %d is not closed", closing, p.tok.kind, at)
	}
	p.depth--
	return e, p.advance()
}

// negation parses not "(" filter ")". The grammar wants the parentheses: what
// "not a eq 1 and b eq 2" negates would be anybody's guess.
func (p *parser) negation() (Expr, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.tok.kind != open {
		return nil, refuse(p.tok.offset, "not needs parentheses, as in not (active eq true)")
	}
	e, err := p.group()
	if err != nil {
		return nil, err
	}
	return Not{e}, nil
}

func (p *parser) comparison() (Expr, error) {
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	if p.tok.kind == begin {
		return p.elements(name)
	}
	return p.operation(name)
}

func (p *parser) name() (Name, error) {
	if p.terms++; p.terms > p.lim.Terms {
		return Name{}, refuse(p.tok.offset, "more than %d comparisons", p.lim.Terms)
	}
	n, err := parseName(p.tok)
	if err != nil {
		return Name{}, err
	}
	return n, p.advance()
}

// operation parses what follows a name: pr, or an operator and a literal.
func (p *parser) operation(name Name) (Expr, error) {
	if p.keyword("pr") {
		return Present{name}, p.advance()
	}
	at := p.tok.offset
	op, ok := opNamed(p.tok.src)
	if p.tok.kind != word || !ok {
		return nil, refuse(at, "an operator is expected, not %s: eq ne co sw ew gt ge lt le or pr", p.tok.kind)
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	v, err := p.literal()
	if err != nil {
		return nil, err
	}
	return Compare{name, op, v}, p.advance()
}

func (p *parser) literal() (attr.Value, error) {
	switch p.tok.kind {
	case text, number:
		return p.tok.value, nil
	case word:
		s := p.tok.src
		if p.lim.AnyCase {
			s = attr.FoldName(s)
		}
		switch s {
		case "true":
			return true, nil
		case "false":
			return false, nil
		case "null":
			return nil, nil
		}
	}
	return nil, refuse(p.tok.offset, "a JSON value is expected: a text in double quotes, a number, true, false or null")
}

// elements parses what follows the name of a value path. A comparison behind
// the bracket is one more demand on the same element.
func (p *parser) elements(name Name) (Expr, error) {
	inner, err := p.brackets(name)
	if err != nil {
		return nil, err
	}
	sub, ok, err := p.subAttribute()
	if err != nil || !ok {
		return Elements{name, inner}, err
	}
	cmp, err := p.operation(sub)
	if err != nil {
		return nil, err
	}
	if and, ok := inner.(And); ok {
		return Elements{name, And{append(and.Terms[:len(and.Terms):len(and.Terms)], cmp)}}, nil
	}
	return Elements{name, And{[]Expr{inner, cmp}}}, nil
}

func (p *parser) brackets(name Name) (Expr, error) {
	if p.inside {
		return nil, refuse(p.tok.offset, "a value path within a value path; sub-attributes have no sub-attributes")
	}
	if name.Sub != "" && name.URN == "" {
		return nil, refuse(p.tok.offset, "a value path follows an attribute, not a sub-attribute")
	}
	p.inside = true
	e, err := p.enclosed(finish, p.tok.offset)
	p.inside = false
	return e, err
}

// subAttribute reads the ".sub" that stands right behind a bracket.
func (p *parser) subAttribute() (Name, bool, error) {
	if p.tok.kind != word || p.tok.src[0] != '.' || p.lex.src[p.tok.offset-1] != ']' {
		return Name{}, false, nil
	}
	n := Name{Attr: p.tok.src[1:], Offset: p.tok.offset + 1}
	// It may come to stand at the beginning of a comparison, where a digit would
	// begin a number and not a negation.
	if n.Attr == "" || strings.ContainsAny(n.Attr, ".:/") || strings.IndexByte("0123456789-", n.Attr[0]) >= 0 || attr.EqualName(n.Attr, "not") {
		return Name{}, false, refuse(p.tok.offset, "one sub-attribute name is expected after the dot")
	}
	return n, true, p.advance()
}
