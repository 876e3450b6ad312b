package scimsrv_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rollcall/scimsrv/quirk"
	"rollcall/scimsrv/scimtest"
)

// The page of deviations must not outlive what it describes: each test and each
// recording that it names is there, and each rewriter has its line.
func TestThePageOfDeviationsNamesWhatThereIs(t *testing.T) {
	page, err := os.ReadFile("DEVIATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	for _, pattern := range []string{"*_test.go", "*/*_test.go", "../appliance/scim*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			tests.Write(text)
		}
	}
	named := regexp.MustCompile("`(Test\\w+)(?:/([\\w-]+))?`").FindAllStringSubmatch(string(page), -1)
	if len(named) < 30 {
		t.Errorf("only %d tests are named", len(named))
	}
	for _, n := range named {
		if !strings.Contains(tests.String(), "func "+n[1]+"(") {
			t.Errorf("there is no %s", n[1])
		}
		if n[2] == "" {
			continue
		}
		if found, err := filepath.Glob("scimtest/testdata/*/" + n[2] + ".json"); err != nil || len(found) != 1 {
			t.Errorf("%s: there is no such recording", n[0])
		}
	}
	known := map[string]bool{}
	for _, r := range scimtest.Requirements() {
		known[r.ID] = true
	}
	for _, n := range regexp.MustCompile("requirement `([^`]+)`").FindAllStringSubmatch(string(page), -1) {
		if !known[n[1]] {
			t.Errorf("there is no requirement %s", n[1])
		}
	}
	for _, dialect := range quirk.Dialects() {
		p, err := quirk.For(dialect)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range p.Quirks() {
			if !strings.Contains(string(page), "`"+q.Name+"`") {
				t.Errorf("dialect %s: %s is not on the page", dialect, q.Name)
			}
		}
	}
}
