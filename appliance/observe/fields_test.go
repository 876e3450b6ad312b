package observe

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
)

func TestAFieldWithoutAClassIsASecret(t *testing.T) {
	fields["nickname_for_test"] = Personal
	defer delete(fields, "nickname_for_test")
	for _, format := range []string{"text", "json"} {
		var out bytes.Buffer
		log, err := NewLog(LogOptions{Level: "debug", Format: format, Output: &out, Redactor: &Redactor{}})
		if err != nil {
			t.Fatal(err)
		}
		var l hclog.Logger = log
		l.Info("one", "source", "hibob", "favourite_colour", "vermilion", "nickname_for_test", "zephyrine")
		l.With("favourite_colour", "vermilion", "target", "javelo").Named("relay").Warn("two", "run", 7)
		l.Error("three", "source", "hibob", "vermilion")
		l.Debug("four", 5, "vermilion")
		l.Log(hclog.Info, "five", "favourite_colour", "vermilion")
		l.ResetNamed("other").Trace("six", "favourite_colour", "vermilion")
		got := out.String()
		for _, forbidden := range []string{"vermilion", "zephyrine"} {
			if strings.Contains(got, forbidden) {
				t.Errorf("%s: %q is in the log:\n%s", format, forbidden, got)
			}
		}
		for _, want := range []string{"hibob", "javelo", "favourite_colour", "nickname_for_test", hiddenSecret, hiddenPersonal, "rollcall.relay", "five"} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %q is not in the log:\n%s", format, want, got)
			}
		}
		if strings.Contains(got, "six") {
			t.Errorf("%s: a level that is off is logged", format)
		}
	}
}

// loggers are what loggers are called in this program.
var loggers = regexp.MustCompile(`(?i)^(log|logger)$`)

// A logging call that names a field of no class would print nothing but that it
// is secret; so everybody who logs says what it is that they log.
func TestEveryLoggingCallNamesFieldsOfAClass(t *testing.T) {
	root := filepath.Join("..", "..")
	used, calls := map[string]bool{}, 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != root && d.Name() != ".."):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			return err
		}
		imports := slices.ContainsFunc(file.Imports, func(i *ast.ImportSpec) bool { return strings.Contains(i.Path.Value, "go-hclog") })
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			method, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || !slices.Contains([]string{"Trace", "Debug", "Info", "Warn", "Error", "With", "Log"}, method.Sel.Name) {
				return true
			}
			if filepath.Base(path) == "fields.go" && file.Name.Name == "observe" {
				return true // the logger itself
			}
			at := set.Position(call.Pos())
			if !isLogger(method.X) {
				// Something else with such a method is no logger, where no logger is known.
				if imports && method.Sel.Name != "Error" && method.Sel.Name != "With" {
					t.Errorf("%s: this looks like a logger, and is not called one: name it log", at)
				}
				return true
			}
			args := call.Args
			switch method.Sel.Name {
			case "With":
			case "Log":
				args = args[min(2, len(args)):]
			default:
				args = args[min(1, len(args)):]
			}
			calls++
			if len(args)%2 == 1 || call.Ellipsis.IsValid() {
				t.Errorf("%s: fields are pairs of a name and a value, written here", at)
				return true
			}
			for i := 0; i < len(args); i += 2 {
				literal, ok := args[i].(*ast.BasicLit)
				if !ok || literal.Kind != token.STRING {
					t.Errorf("%s: the name of a field is written here, not computed", at)
					continue
				}
				name, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Fatal(err)
				}
				used[name] = true
				if _, known := fields[name]; !known {
					t.Errorf("%s: the field %q has no class: say in observe/fields.go what it is", at, name)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if calls < 40 {
		t.Errorf("%d logging calls were looked at, and the program has more", calls)
	}
	for name := range fields {
		if !used[name] {
			t.Errorf("nobody logs the field %q: take it out of observe/fields.go", name)
		}
	}
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Errorf("this is not the whole program: %v", err)
	}
}

// isLogger reports whether an expression is a variable or field that is called a
// logger, or one named after it.
func isLogger(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.Ident:
		return loggers.MatchString(x.Name)
	case *ast.SelectorExpr:
		return loggers.MatchString(x.Sel.Name)
	case *ast.CallExpr:
		f, ok := x.Fun.(*ast.SelectorExpr)
		return ok && (f.Sel.Name == "Named" || f.Sel.Name == "With") && isLogger(f.X)
	}
	return false
}
