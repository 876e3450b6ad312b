package mapping

import (
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// rewriter turns every path into calls of member(), which know absent from
// null. It is used for one expression and keeps what it read.
type rewriter struct {
	paths map[ast.Node]string // of rewritten nodes
	read  []string
}

// Visit is called for every node after the nodes below it.
func (r *rewriter) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		switch n.Value {
		case nameHas, nameMember, nameState, nameRecord:
		case nameEnv:
			whole := &ast.IdentifierNode{Value: nameRecord}
			r.paths[whole] = ""
			ast.Patch(node, whole)
		default:
			r.replace(node, &ast.IdentifierNode{Value: nameRecord}, &ast.StringNode{Value: n.Value}, n.Value, true)
		}
	case *ast.MemberNode:
		parent, known := r.paths[n.Node]
		path := ""
		switch p := n.Property.(type) {
		case *ast.StringNode:
			path = join(parent, p.Value)
		case *ast.IntegerNode:
			path = join(parent, p.Value)
		default:
			path = parent + "[…]"
		}
		if known {
			r.forget(parent)
		}
		r.replace(node, n.Node, n.Property, path, known)
		if !known { // a member of a loop's element or of a computed value
			r.forget(path)
			delete(r.paths, *node)
		}
	case *ast.ChainNode: // there is a ?. in it, and what follows one may be absent too
		tolerate(n.Node)
	case *ast.BinaryNode:
		_, leftNil := n.Left.(*ast.NilNode)
		_, rightNil := n.Right.(*ast.NilNode)
		if n.Operator == "??" || rightNil && (n.Operator == "==" || n.Operator == "!=") {
			tolerate(n.Left)
		}
		if leftNil && (n.Operator == "==" || n.Operator == "!=") {
			tolerate(n.Right)
		}
	case *ast.CallNode:
		if name, ok := n.Callee.(*ast.IdentifierNode); ok && name.Value == nameHas {
			for _, a := range n.Arguments {
				tolerate(a)
			}
		}
	}
}

func (r *rewriter) replace(node *ast.Node, parent, key ast.Node, path string, strict bool) {
	call := &ast.CallNode{
		Callee: &ast.IdentifierNode{Value: nameMember},
		Arguments: []ast.Node{
			&ast.IdentifierNode{Value: nameState}, parent, key, &ast.BoolNode{Value: strict}, &ast.StringNode{Value: path},
		},
	}
	r.paths[call] = path
	r.read = append(r.read, path)
	ast.Patch(node, call)
}

// forget takes back one reading of a path that turned out to be longer.
func (r *rewriter) forget(path string) {
	if i := slices.Index(r.read, path); i >= 0 {
		r.read = slices.Delete(r.read, i, i+1)
	}
}

// tolerate lets the paths below n be absent.
func tolerate(n ast.Node) { ast.Walk(&n, tolerance{}) }

type tolerance struct{}

func (tolerance) Visit(node *ast.Node) {
	call, ok := (*node).(*ast.CallNode)
	if !ok || len(call.Arguments) != 5 {
		return
	}
	if strict, ok := call.Arguments[3].(*ast.BoolNode); ok {
		strict.Value = false
	}
}

// join spells a path one step longer.
func join(path string, step any) string {
	switch s := step.(type) {
	case int:
		return path + "[" + strconv.Itoa(s) + "]"
	case string:
		switch {
		case !word(s) && path == "":
			return nameEnv + "[" + strconv.Quote(s) + "]"
		case !word(s):
			return path + "[" + strconv.Quote(s) + "]"
		case path == "":
			return s
		}
		return path + "." + s
	}
	return path
}

// parentOf returns a path without its last step, for messages.
func parentOf(path string) string {
	if i := strings.LastIndexAny(path, ".["); i > 0 {
		return path[:i]
	}
	return "the value before " + strconv.Quote(path)
}

// word reports whether a name can be written after a dot.
func word(s string) bool {
	for i, r := range s {
		if r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}
