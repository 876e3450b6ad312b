package appliance_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// arrows lists, per package or subtree, the rollcall packages it may import
// outside its tests, and why. A trailing /... covers a subtree. The longest
// matching entry counts.
var arrows = []struct{ from, to, why string }{
	{"appliance/model", "", "the words of the product depend on nothing"},
	{"appliance/identity", "appliance/model", "normalising knows values, not storage"},
	{"appliance/mapping", "appliance/model", "expressions see records, nothing else"},
	{"appliance/reconcile", "appliance/model appliance/identity", "deciding is free of I/O"},
	{"appliance/store", "appliance/model", "the store knows buckets, not what values mean"},
	{"appliance/store/storetest", "appliance/store", "a test helper of the store"},
	{"appliance/ingest", "appliance/model appliance/identity appliance/reconcile appliance/store connectors scimsrv scimsrv/attr", "the one door for changes implements scimsrv's Directory"},
	{"appliance/poll", "appliance/model appliance/ingest appliance/store connectors", "reading knows the contract of sources, not a source"},
	{"appliance/relay", "appliance/model appliance/ingest appliance/reconcile appliance/store connectors", "delivering knows the contract of targets, not a target"},
	{"appliance/hook", "connectors", "receiving a webhook knows the contract of services, and nothing of reading"},
	{"appliance/rhythm", "appliance/model", "what a silence means depends on times alone"},
	{"appliance/readiness", "appliance/model appliance/identity", "the report is made of what others found, free of I/O"},
	{"appliance/config", "appliance/model appliance/mapping", "configuration is data; the assembly acts on it"},
	{"appliance/observe", "appliance/model", "observing takes functions, so it knows nobody"},
	{"appliance/install", "", "installing knows files and users, not what runs"},
	{"appliance/notify", "", "telling humans takes matters as they come, so it knows nobody"},
	{"appliance/peoplefile", "appliance/model", "a file of people is read and written without knowing the roster"},
	{"appliance/guide", "", "guides are text"},
	{"appliance/admin", "appliance/model appliance/readiness", "the API's types and server; a Service does the work"},
	{"appliance/admin/client", "appliance/model appliance/admin appliance/readiness", "the one client of cli and tui"},
	{"appliance/admin/admintest", "appliance/model appliance/admin appliance/readiness", "a Service for tests of whatever asks one"},
	{"appliance/cli", "appliance/model appliance/admin appliance/admin/client appliance/config appliance/install appliance/peoplefile appliance/readiness", "commands talk to the running appliance; starting one is handed in"},
	{"appliance/demo", "appliance appliance/... connectors connectors/... scimsrv", "the demo is the appliance between simulators"},
	{"appliance/bench", "appliance/admin appliance/admin/client appliance/model appliance/store connectors connectors/...", "measuring sees the program from outside"},
	{"appliance", "appliance/... connectors connectors/... scimsrv scimsrv/schema", "the assembly knows everyone"},
	{"connectors", "appliance/model", "the contract speaks the product's words"},
	{"connectors/cast", "", "made-up people depend on nothing"},
	{"connectors/wire", "connectors", "shared HTTP knows error classes"},
	{"connectors/connectortest", "appliance/model connectors connectors/cast", "the conformance suites know the contract"},
	{"connectors/simdial", "", "faults on a dial know no service"},
	{"connectors/...", "appliance/model connectors connectors/cast connectors/simdial connectors/wire connectors/scim", "a connector knows its service and the contract, never storage or policy"},
	{"scimsrv/attr", "", "a library: stdlib only"},
	{"scimsrv/schema", "scimsrv/attr", "a library: stdlib only"},
	{"scimsrv/filter", "scimsrv/attr scimsrv/schema", "a library: stdlib only"},
	{"scimsrv/patch", "scimsrv/attr scimsrv/schema scimsrv/filter", "a library: stdlib only"},
	{"scimsrv/quirk", "scimsrv/attr scimsrv/schema scimsrv/filter scimsrv/patch", "rewriters run before the engine"},
	{"scimsrv/scimtest/...", "appliance/model scimsrv scimsrv/attr", "the suite sees the service from outside, and its Directory"},
	{"scimsrv/scimtest", "appliance/model scimsrv scimsrv/attr scimsrv/schema", "the suite sees the service from outside, and its Directory"},
	{"scimsrv", "appliance/model scimsrv/attr scimsrv/schema scimsrv/filter scimsrv/patch scimsrv/quirk", "the service declares its Directory and never sees the store"},
	{"tui/kit", "", "the kit knows no daemon types"},
	{"tui/quiet", "", "what is to be initialized first imports nothing"},
	{"tui", "tui/kit tui/quiet appliance/model appliance/admin", "screens know the API, never the store or the assembly"},
	{"tui/terminal", "", "a terminal for tests and pictures knows no program in particular"},
	{"tui/pictures", "tui/terminal", "pictures are taken of the built program, not of its packages"},
	{"", "appliance appliance/... tui connectors connectors/...", "main wires the commands"},
}

// stdlibOnly are the packages that could be published as a library.
var stdlibOnly = []string{"scimsrv/attr", "scimsrv/schema", "scimsrv/filter", "scimsrv/patch", "appliance/model"}

const modulePath = "rollcall"

func TestDependencyArrowsPointOneWay(t *testing.T) {
	for dir, files := range sourceFiles(t) {
		rule, why := ruleFor(dir)
		for _, f := range files {
			for _, spec := range f.Imports {
				imported, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					t.Fatal(err)
				}
				inside, ours := strings.CutPrefix(imported, modulePath+"/")
				switch {
				case ours && !allowed(rule, inside) && inside != dir:
					t.Errorf("%s imports %s, which it must not: %s", orRoot(dir), inside, why)
				case !ours && slices.Contains(stdlibOnly, dir) && strings.Contains(strings.Split(imported, "/")[0], "."):
					t.Errorf("%s imports %s and must need the standard library only", dir, imported)
				}
			}
		}
	}
}

func TestEveryPackageSaysWhatItDoes(t *testing.T) {
	for dir, files := range sourceFiles(t) {
		said := slices.ContainsFunc(files, func(f *ast.File) bool { return f.Doc != nil && len(f.Doc.Text()) > 80 })
		if !said {
			t.Errorf("%s has no package comment that says what it does and what it does not", orRoot(dir))
		}
	}
}

func TestTheTopLevelIsFixed(t *testing.T) {
	fixed := []string{"main.go", "appliance", "connectors", "scimsrv", "tui", "config.example.toml", "go.mod", "go.sum", "README.md"}
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name := e.Name(); !strings.HasPrefix(name, ".") && name != modulePath && !slices.Contains(fixed, name) {
			t.Errorf("%s stands at the top level, where only %s belong", name, strings.Join(fixed, ", "))
		}
	}
}

func orRoot(dir string) string {
	if dir == "" {
		return "main"
	}
	return dir
}

func ruleFor(dir string) (allowedImports []string, why string) {
	best := -1
	for i, a := range arrows {
		subtree, isTree := strings.CutSuffix(a.from, "/...")
		match := dir == a.from || isTree && strings.HasPrefix(dir, subtree+"/")
		if match && (best < 0 || len(a.from) > len(arrows[best].from) || dir == a.from) && (best < 0 || arrows[best].from != dir) {
			best = i
		}
	}
	if best < 0 {
		return nil, "no arrow is drawn for this package: add it to the table in arch_test.go"
	}
	return strings.Fields(arrows[best].to), arrows[best].why
}

func allowed(rule []string, imported string) bool {
	for _, r := range rule {
		subtree, isTree := strings.CutSuffix(r, "/...")
		if r == imported || isTree && strings.HasPrefix(imported, subtree+"/") {
			return true
		}
	}
	return false
}

// sourceFiles parses the module's files that are not tests, by directory.
func sourceFiles(t *testing.T) map[string][]*ast.File {
	t.Helper()
	out := map[string][]*ast.File{}
	fset := token.NewFileSet()
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() && name != ".." && (strings.HasPrefix(base, ".") || base == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(base, ".go") || strings.HasSuffix(base, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(fset, name, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		dir := strings.TrimPrefix(path.Dir(filepath.ToSlash(name)), "..")
		dir = strings.TrimPrefix(dir, "/")
		out[dir] = append(out[dir], f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(slices.Collect(maps.Keys(out))) < 20 {
		t.Fatalf("only %d packages were found; the walk does not see the module", len(out))
	}
	return out
}
