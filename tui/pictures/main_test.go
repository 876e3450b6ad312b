package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEveryScenePicturesOnePageAndIsListed(t *testing.T) {
	list, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, s := range scenes {
		if seen[s.name] {
			t.Errorf("%s is pictured twice", s.name)
		}
		seen[s.name] = true
		raw, err := os.ReadFile(s.name + ".svg")
		if err != nil {
			t.Errorf("%v; go run ./tui/pictures makes it", err)
			continue
		}
		if !strings.Contains(string(raw), "rollcall") {
			t.Errorf("%s.svg shows no screen", s.name)
		}
		if !strings.Contains(string(list), "("+s.name+".svg)") {
			t.Errorf("%s.svg is not listed", s.name)
		}
	}
	files, err := filepath.Glob("*.svg")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !seen[strings.TrimSuffix(f, ".svg")] {
			t.Errorf("%s is a picture of no scene", f)
		}
	}
}

func TestPicturesTakeTheirPlacesInTheGuide(t *testing.T) {
	guide := "a\n<!-- picture overview -->\nold $1\n<!-- end -->\nb\n<!-- picture conflict -->\n<!-- end -->\nc\n"
	got := insert(guide, map[string]string{"overview": "new $2\n", "conflict": "x", "people": "no place"})
	want := "a\n<!-- picture overview -->\n```text\nnew $2\n```\n<!-- end -->\nb\n<!-- picture conflict -->\n```text\nx\n```\n<!-- end -->\nc\n"
	if got != want {
		t.Errorf("got\n%s", got)
	}
}
