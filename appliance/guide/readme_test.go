package guide_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rollcall/appliance/cli"
	"rollcall/appliance/config"
	"rollcall/appliance/guide"
)

// The README is read before any guide, and by those who decide whether to go on.
func TestTheReadmeShowsWhatTheProgramTakes(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	tables := 0
	for _, b := range blocks(t, text) {
		if b.language != "toml" {
			continue
		}
		tables++
		if _, err := config.Parse("README.md", []byte(b.text), config.Environment{}); err != nil {
			t.Errorf("line %d: %v", b.line, err)
		}
	}
	if tables == 0 {
		t.Error("it shows no configuration")
	}
	file := filepath.Join(t.TempDir(), "config.toml")
	sockets := "[appliance]\nadmin_socket = \"/nowhere/a.sock\"\nview_socket = \"/nowhere/v.sock\"\n"
	if err := os.WriteFile(file, []byte(sockets), 0o600); err != nil {
		t.Fatal(err)
	}
	typed := regexp.MustCompile("(?m)^    (?:sudo )?(?:\\./)?(rollcall [a-z][^#\n]*)|`(rollcall [^`]+)`")
	run := 0
	for _, m := range typed.FindAllStringSubmatch(text, -1) {
		call := strings.TrimSpace(m[1] + m[2])
		words := split(t, strings.NewReplacer("rollcall ", "", "VERB", "merge").Replace(call))
		if words[0] == "install" || words[0] == "bench" {
			continue // would begin: what they take is shown by --help
		}
		run++
		var out, said bytes.Buffer
		code := cli.Main(append([]string{"--config", file}, words...), cli.Streams{In: strings.NewReader(""), Out: &out, Err: &said, Terminal: true, Interactive: true},
			cli.Deps{Guides: guide.Topics(), ConfigExample: "example"})
		if code == cli.ExitUsage {
			t.Errorf("%s: %s", call, strings.TrimSpace(said.String()))
		}
	}
	if run < 25 {
		t.Errorf("%d commands were run, and the README has more", run)
	}
	for _, topic := range regexp.MustCompile("`rollcall guide ([a-z-]+)`").FindAllStringSubmatch(text, -1) {
		read(t, topic[1])
	}
}
