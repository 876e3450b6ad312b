package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"

	"rollcall/appliance/model"
)

const (
	maxSource = 2000 // bytes
	maxNodes  = 200
	maxLoops  = 4
	maxNested = 2
)

// functions are the language's functions that expressions may call: those that
// end, give the same answer every time, and do not blow up their argument.
var functions = []string{
	"abs", "all", "any", "ceil", "concat", "count", "filter", "find", "first", "float", "floor",
	"hasPrefix", "hasSuffix", "indexOf", "int", "join", "keys", "last", "len", "lower", "map",
	"max", "min", "none", "one", "replace", "round", "sort", "split", "string", "trim",
	"trimPrefix", "trimSuffix", "uniq", "upper", "values",
}

var knownFunctions = "known are " + nameHas + ", " + strings.Join(functions, ", ")

// loops are the functions that evaluate their last argument once per element.
var loops = []string{"all", "any", "count", "filter", "find", "map", "none", "one"}

// Names of what the rewriting puts into an expression. No source text can spell
// them, so no field of a record can be mistaken for them.
const (
	nameState  = "state()"
	nameRecord = "record()"
	nameMember = "member()"
	nameHas    = "has"
	nameEnv    = "$env"
)

// language is what one expression may be.
type language struct {
	boolean bool
	// roots, when not nil, are the only names an expression may begin a path with.
	roots []string
}

// compile checks and compiles one expression. The error has no key yet.
func compile(source string, l language) (*expression, *Error) {
	source = strings.TrimSpace(source)
	if source == "" {
		return nil, &Error{Message: "the expression is empty", Hint: "a plain path such as work.title is enough"}
	}
	if len(source) > maxSource {
		return nil, &Error{Message: fmt.Sprintf("the expression is longer than %d bytes", maxSource)}
	}
	config := conf.CreateNew()
	for _, o := range options() {
		o(config)
	}
	for name := range config.Disabled {
		delete(config.Builtins, name)
	}
	tree, err := parser.ParseWithConfig(source, config)
	if err != nil {
		return nil, positioned(err)
	}
	c := &checker{language: l, source: source}
	c.node(tree.Node, 0, false)
	if c.err != nil {
		return nil, c.err
	}
	x := &expression{source: source}
	if steps, ok := plainPath(tree.Node); ok {
		x.plain, x.paths = steps, []string{pathOf(steps)}
		return x, nil
	}
	r := &rewriter{paths: map[ast.Node]string{}}
	opts := append(options(), expr.Patch(r))
	if l.boolean {
		opts = append(opts, expr.AsBool())
	}
	if x.program, err = expr.Compile(source, opts...); err != nil {
		return nil, positioned(err)
	}
	x.paths = r.read
	slices.Sort(x.paths)
	x.paths = slices.Compact(x.paths)
	return x, nil
}

func options() []expr.Option {
	opts := []expr.Option{
		expr.Env(map[string]any{nameState: &evaluation{}, nameRecord: map[string]any{}}),
		expr.AllowUndefinedVariables(),
		expr.DisableAllBuiltins(),
		expr.MaxNodes(maxNodes),
		expr.Optimize(false),
		expr.Function(nameMember, callMember),
		expr.Function(nameHas, callHas, new(func(any) bool)),
	}
	for _, f := range functions {
		opts = append(opts, expr.EnableBuiltin(f))
	}
	return opts
}

// callMember is member(state, parent, key, strict, path).
func callMember(args ...any) (any, error) {
	state, _ := args[0].(*evaluation)
	parent, key := args[1], args[2]
	strict, _ := args[3].(bool)
	path, _ := args[4].(string)
	if parent == nil && !strict {
		return nil, nil
	}
	v, present, err := member(parent, key)
	if err != nil {
		return nil, &memberError{text: parentOf(path) + " " + err.Error()}
	}
	if !present && strict {
		return nil, &absentError{path: path}
	}
	if n, ok := v.(*null); ok && n == nil {
		state.sawNull = true
	}
	return v, nil
}

// callHas tells whether the record says anything, null included.
func callHas(args ...any) (any, error) { return args[0] != nil, nil }

// positioned turns an error of the language into ours.
func positioned(err error) *Error {
	var at *file.Error
	if errors.As(err, &at) {
		return &Error{Line: max(at.Line, 1), Column: at.Column + 1, Message: at.Message}
	}
	return &Error{Message: strings.TrimSpace(err.Error())}
}

// checker walks an expression as it was written and refuses what the language
// here does not have.
type checker struct {
	language
	source string
	loops  int
	err    *Error
}

func (c *checker) fail(n ast.Node, message, hint string) {
	if c.err != nil {
		return
	}
	line, column := 1, 1
	for i, r := range []rune(c.source) {
		if i == n.Location().From {
			break
		}
		column++
		if r == '\n' {
			line, column = line+1, 1
		}
	}
	c.err = &Error{Line: line, Column: column, Message: message, Hint: hint}
}

// node checks n and everything below it. depth counts the loops around it;
// callee says that n is the name of a function.
func (c *checker) node(n ast.Node, depth int, callee bool) {
	switch n := n.(type) {
	case nil, *ast.NilNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.StringNode, *ast.PointerNode:
	case *ast.IdentifierNode:
		if !callee && c.roots != nil && !slices.Contains(c.roots, n.Value) {
			c.fail(n, fmt.Sprintf("a person has no attribute called %q", n.Value), "known are "+strings.Join(c.roots, ", "))
		}
	case *ast.UnaryNode:
		c.node(n.Node, depth, false)
	case *ast.BinaryNode:
		if n.Operator == ".." {
			c.fail(n, "ranges are not part of the language here", "")
		}
		c.node(n.Left, depth, false)
		c.node(n.Right, depth, false)
	case *ast.ChainNode:
		c.node(n.Node, depth, false)
	case *ast.MemberNode:
		c.node(n.Node, depth, false)
		c.node(n.Property, depth, false)
		c.custom(n)
	case *ast.SliceNode:
		c.node(n.Node, depth, false)
		c.node(n.From, depth, false)
		c.node(n.To, depth, false)
	case *ast.CallNode:
		name, ok := n.Callee.(*ast.IdentifierNode)
		if !ok || name.Value != nameHas {
			c.fail(n, "no such function", knownFunctions)
			return
		}
		for _, a := range n.Arguments {
			c.node(a, depth, false)
		}
	case *ast.BuiltinNode:
		if !slices.Contains(functions, n.Name) { // some are known to the parser whatever is disabled
			c.fail(n, "no such function", knownFunctions)
			return
		}
		if slices.Contains(loops, n.Name) {
			if c.loops++; c.loops > maxLoops {
				c.fail(n, fmt.Sprintf("more than %d loops", maxLoops), "")
			}
			if depth++; depth > maxNested {
				c.fail(n, fmt.Sprintf("more than %d loops inside one another", maxNested), "")
			}
		}
		for _, a := range n.Arguments {
			c.node(a, depth, false)
		}
	case *ast.PredicateNode:
		c.node(n.Node, depth, false)
	case *ast.ConditionalNode:
		c.node(n.Cond, depth, false)
		c.node(n.Exp1, depth, false)
		c.node(n.Exp2, depth, false)
	case *ast.ArrayNode:
		for _, e := range n.Nodes {
			c.node(e, depth, false)
		}
	case *ast.MapNode:
		for _, e := range n.Pairs {
			c.node(e, depth, false)
		}
	case *ast.PairNode:
		c.node(n.Key, depth, false)
		c.node(n.Value, depth, false)
	default:
		c.fail(n, "variables and sequences are not part of the language here", "")
	}
}

// custom checks custom.NAME where the names are known to be a person's.
func (c *checker) custom(n *ast.MemberNode) {
	parent, ok := n.Node.(*ast.IdentifierNode)
	name, isName := n.Property.(*ast.StringNode)
	if c.roots == nil || !ok || !isName || parent.Value != strings.TrimSuffix(model.CustomPrefix, ".") {
		return
	}
	if full := model.CustomPrefix + name.Value; !model.Name(full).Valid() {
		c.fail(n, fmt.Sprintf("%q cannot be the name of an attribute", full), "custom names are lower-case letters, digits and _")
	}
}

// plainPath returns the steps of an expression that is nothing but a path.
func plainPath(n ast.Node) ([]any, bool) {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		if n.Value == nameEnv {
			return []any{}, true
		}
		return []any{n.Value}, true
	case *ast.MemberNode:
		steps, ok := plainPath(n.Node)
		if !ok || n.Optional {
			return nil, false
		}
		switch p := n.Property.(type) {
		case *ast.StringNode:
			return append(steps, p.Value), true
		case *ast.IntegerNode:
			return append(steps, p.Value), true
		}
	}
	return nil, false
}
