// Package mapping evaluates the expressions of the configuration: what
// [sources.X.map] makes of a record, which records [sources.X.scope] leaves
// out, and what [targets.X.map] makes of a person. The built-in maps are not
// here; each connector owns the one of its service.
//
// # The language
//
// Expressions are those of github.com/expr-lang/expr, less what could run long
// or give another answer tomorrow: no ranges, variables, clocks or user-defined
// functions, at most four loops, at most two inside one another. The common
// case is a plain path, work.custom.field_1696_team; a name that is not a word
// is written $env["urn:example:1.0"].team.
//
// A path that the record does not have is not null. Reading one ends the
// evaluation: the attribute is absent, and a scope holds the record, because
// nobody can say what it would have said. Where absence is expected, the
// expression says so with ??, ?., == nil or has(path); inside a loop, members
// of the element may always be absent. A JSON null is nil, and a member of null
// is null.
//
// Numbers that arithmetic would distort, such as ids above 2^53, are texts; a
// plain path gives every number as it was written.
//
// The package imports the model and the language, keeps no state, and its
// compiled values are safe for concurrent use. Its errors and notices name
// paths and rules, never what a record holds.
package mapping

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rollcall/appliance/model"
)

// MapConfig is what the configuration says about the records of one source.
type MapConfig struct {
	// Attributes maps attributes to expressions over the record. They replace
	// what the built-in map says of the same attribute.
	Attributes map[model.Name]string
	// Include and Exclude choose records; empty ones choose everybody and nobody.
	Include string
	Exclude string
}

// Error is a mistake in one expression.
type Error struct {
	// Key is where the expression stands below its source or target:
	// {"map", "custom.team"} or {"scope", "exclude"}.
	Key []string
	// Attribute says that the name on the left is wrong, not the expression.
	Attribute bool
	// Line and Column are inside the expression, from 1, columns in characters;
	// zero when the mistake is nowhere in particular.
	Line    int
	Column  int
	Message string
	Hint    string // what to do, without its full stop
}

// Error returns "map.custom.team: 1:6: message".
func (e *Error) Error() string {
	s := strings.Join(e.Key, ".") + ": "
	if e.Line > 0 {
		s += strconv.Itoa(e.Line) + ":" + strconv.Itoa(e.Column) + ": "
	}
	s += e.Message
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// Errors is every mistake that was found, by key.
type Errors []*Error

// Error returns one line per mistake.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i := range e {
		lines[i] = e[i].Error()
	}
	return strings.Join(lines, "\n")
}

// Mapping is the compiled expressions of one source. A nil Mapping has none, and
// normalises only.
type Mapping struct {
	rules   []rule // by attribute
	include *expression
	exclude *expression
}

type rule struct {
	name model.Name
	expr *expression
}

// Compile checks and compiles the expressions. The error is [Errors] and holds
// all mistakes; without any expression the Mapping is nil.
func Compile(c MapConfig) (*Mapping, error) {
	var errs Errors
	m := &Mapping{}
	for _, name := range sorted(c.Attributes) {
		key := []string{"map", string(name)}
		if !name.Valid() {
			errs = append(errs, &Error{Key: key, Attribute: true, Message: "no such attribute"})
			continue
		}
		x, err := compile(c.Attributes[name], language{})
		if err != nil {
			err.Key = key
			errs = append(errs, err)
			continue
		}
		m.rules = append(m.rules, rule{name: name, expr: x})
	}
	for _, s := range []struct {
		key, text string
		into      **expression
	}{{"include", c.Include, &m.include}, {"exclude", c.Exclude, &m.exclude}} {
		if strings.TrimSpace(s.text) == "" {
			continue
		}
		x, err := compile(s.text, language{boolean: true})
		if err != nil {
			err.Key = []string{"scope", s.key}
			errs = append(errs, err)
			continue
		}
		*s.into = x
	}
	if len(errs) > 0 {
		return nil, errs
	}
	if len(m.rules) == 0 && m.include == nil && m.exclude == nil {
		return nil, nil
	}
	return m, nil
}

// Paths returns the paths into the record that the expressions read, sorted, so
// that a connector can ask for them: "work.custom.field_1696_team".
func (m *Mapping) Paths() []string {
	if m == nil {
		return nil
	}
	var paths []string
	for _, r := range m.rules {
		paths = append(paths, r.expr.paths...)
	}
	for _, x := range []*expression{m.include, m.exclude} {
		if x != nil {
			paths = append(paths, x.paths...)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// Rules names the expressions there are, as "map.custom.team" or "scope.exclude",
// sorted.
func (m *Mapping) Rules() []string {
	if m == nil {
		return nil
	}
	var rules []string
	for _, r := range m.rules {
		rules = append(rules, "map."+string(r.name))
	}
	if m.include != nil {
		rules = append(rules, scopeInclude)
	}
	if m.exclude != nil {
		rules = append(rules, scopeExclude)
	}
	slices.Sort(rules)
	return rules
}

// Exercised names the expressions that decided something about an observation to
// which they were applied: gave an attribute, or left the record out.
func (m *Mapping) Exercised(o *model.Observation) []string {
	if m == nil {
		return nil
	}
	var rules []string
	for _, r := range m.rules {
		if o.Attributes.Has(r.name) && strings.HasPrefix(o.Fields[r.name], "map: ") {
			rules = append(rules, "map."+string(r.name))
		}
	}
	for _, name := range []string{scopeExclude, scopeInclude} {
		if o.Scope.State == model.OutOfScope && strings.HasPrefix(o.Scope.Reason, name+": ") {
			rules = append(rules, name)
		}
	}
	return rules
}

// Names of the scope's expressions, in reasons and notices.
const (
	scopeExclude = "scope.exclude"
	scopeInclude = "scope.include"
)

// Apply overrides the attributes of o that have an expression, with "map: …" as
// their field, and sets its scope. An expression that cannot be evaluated for
// this record leaves a notice and its attribute absent; a scope that cannot be
// evaluated holds the record. A record that is out of scope already stays out. All
// values are normalised then, also where there is no expression.
func (m *Mapping) Apply(o *model.Observation) {
	defer Normalise(o)
	if m == nil {
		return
	}
	doc, err := decode(o.Document)
	if err != nil {
		o.Notices = append(o.Notices, "the record is not a JSON object: configured expressions were not evaluated")
		doc = &document{}
	}
	if o.Attributes == nil {
		o.Attributes = model.Attributes{}
	}
	if o.Fields == nil {
		o.Fields = map[model.Name]string{}
	}
	for _, r := range m.rules {
		delete(o.Attributes, r.name)
		delete(o.Fields, r.name)
		v, present, err := r.expr.text(doc)
		if err != nil {
			o.Notices = append(o.Notices, fmt.Sprintf("map.%s: %v", r.name, err))
			continue
		}
		if !present {
			continue
		}
		if r.name == model.Manager && !v.Null {
			v.Refs = []model.Reference{{By: model.RefAny, Value: v.Text}}
		}
		o.Attributes[r.name] = v
		o.Fields[r.name] = "map: " + r.expr.source
	}
	m.scope(o, doc)
}

// scope decides whether the record takes part. Leaving out wins over holding:
// one rule that can be evaluated is enough.
func (m *Mapping) scope(o *model.Observation, doc *document) {
	if o.Scope.State == model.OutOfScope {
		return
	}
	var held string
	for _, s := range []struct {
		name  string
		expr  *expression
		leave bool // the answer that leaves the record out
	}{{scopeExclude, m.exclude, true}, {scopeInclude, m.include, false}} {
		if s.expr == nil {
			continue
		}
		answer, err := s.expr.truth(doc)
		switch {
		case err != nil:
			notice := s.name + ": " + err.Error()
			o.Notices = append(o.Notices, notice)
			if held == "" {
				held = notice
			}
		case answer == s.leave:
			o.Scope = model.Scope{State: model.OutOfScope, Reason: s.name + ": " + s.expr.source}
			return
		}
	}
	if held != "" && o.Scope.State == model.InScope {
		o.Scope = model.Scope{State: model.HeldScope, Reason: held}
	}
}

func sorted[K ~string, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
