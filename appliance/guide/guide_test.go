package guide_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"

	"rollcall/appliance"
	"rollcall/appliance/cli"
	"rollcall/appliance/config"
	"rollcall/appliance/guide"
)

// names are the topics that rollcall guide promises.
var names = []string{"adp", "azure", "conflicts", "csv", "disaster-recovery", "elevo", "first-activation", "hibob", "holds", "install", "javelo", "lucca", "okta", "operations", "scim", "screens", "security", "tui"}

// each calls test for every guide.
func each(t *testing.T, test func(t *testing.T, text string)) {
	t.Helper()
	files, err := fs.Glob(guide.Topics(), "*.md")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("there are no guides")
	}
	for _, f := range files {
		text := read(t, strings.TrimSuffix(f, ".md"))
		t.Run(f, func(t *testing.T) { test(t, text) })
	}
}

func read(t *testing.T, topic string) string {
	t.Helper()
	raw, err := fs.ReadFile(guide.Topics(), topic+".md")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestEveryPromisedTopicIsThereAndNoOther(t *testing.T) {
	if err := fstest.TestFS(guide.Topics(), "okta.md"); err != nil {
		t.Fatal(err)
	}
	entries, err := fs.ReadDir(guide.Topics(), ".")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, strings.TrimSuffix(e.Name(), ".md"))
	}
	if diff := cmp.Diff(names, got); diff != "" {
		t.Errorf("topics (-want +got):\n%s", diff)
	}
}

func TestEveryGuideBeginsWithATitleAndOneSentence(t *testing.T) {
	title := regexp.MustCompile(`^# [A-Z][^.]+$`)
	sentence := regexp.MustCompile(`^[A-Z][^.!?]*(\d\.\d[^.!?]*)*\.$`)
	each(t, func(t *testing.T, text string) {
		lines := strings.SplitN(text, "\n", 5)
		switch {
		case len(lines) < 5 || lines[1] != "" || lines[3] != "":
			t.Fatal("the title, an empty line, the summary and an empty line do not come first")
		case !title.MatchString(lines[0]):
			t.Errorf("the first line is no title: %q", lines[0])
		case !sentence.MatchString(lines[2]):
			t.Errorf("the summary is not one sentence: %q", lines[2])
		}
	})
}

func TestGuidesFitATerminalAndAnAttentionSpan(t *testing.T) {
	each(t, func(t *testing.T, text string) {
		if !strings.HasSuffix(text, "\n") || strings.HasSuffix(text, "\n\n") {
			t.Error("the text does not end with exactly one line end")
		}
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		if len(lines) < 60 || len(lines) > 180 {
			t.Errorf("%d lines; 60 to 180 can be read before a step is taken", len(lines))
		}
		for i, l := range lines {
			if n := utf8.RuneCountInString(l); n > 100 {
				t.Errorf("line %d has %d columns", i+1, n)
			}
			if strings.TrimRight(l, " ") != l || strings.ContainsAny(l, "\t\r\x1b") {
				t.Errorf("line %d ends in blanks or holds a control character", i+1)
			}
		}
	})
}

func TestEveryGuideSaysWhatCanGoWrongAndHowToUndo(t *testing.T) {
	each(t, func(t *testing.T, text string) {
		undo := strings.Contains(text, "\n## Undo\n") || strings.Contains(text, "\n## Uninstall\n") || strings.Contains(text, "\n## If something leaked\n")
		wrong := strings.Contains(text, "\n## What can go wrong\n") || strings.Contains(text, "\n## When it stops\n") || strings.Contains(text, "\n## If something leaked\n")
		if !undo || !wrong {
			t.Error("a heading is missing: what can go wrong, or how to undo")
		}
	})
}

// block is a fenced piece of a guide.
type block struct {
	language string
	text     string
	line     int
}

func blocks(t *testing.T, text string) []block {
	t.Helper()
	var out []block
	open := -1
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		mark, isFence := strings.CutPrefix(l, "```")
		switch {
		case isFence && open < 0:
			open = i
			out = append(out, block{language: mark, line: i + 2})
		case isFence:
			out[len(out)-1].text = strings.Join(lines[open+1:i], "\n") + "\n"
			open = -1
		}
	}
	if open >= 0 {
		t.Fatalf("the block that begins in line %d has no end", open+1)
	}
	return out
}

// surroundings are the tables that a snippet may take for granted.
var surroundings = []struct{ table, text string }{
	{"[scim]", "[scim]\nlisten = \"127.0.0.1:8443\"\n"},
	{"[sources.hibob]", "[sources.hibob]\nkind = \"hibob\"\nservice_user_id = \"SERVICE-12345\"\nservice_user_token = { env = \"HIBOB_TOKEN\" }\n"},
	{"[targets.javelo]", "[targets.javelo]\nkind = \"javelo\"\ntoken = { env = \"JAVELO_TOKEN\" }\n"},
}

// complete puts a snippet into the least file that it can stand in.
func complete(snippet string) string {
	var b strings.Builder
	for _, s := range surroundings {
		if !slices.Contains(strings.Split(snippet, "\n"), s.table) {
			b.WriteString(s.text)
		}
	}
	return b.String() + snippet
}

func TestEveryConfigurationInAGuideIsAccepted(t *testing.T) {
	shown := 0
	each(t, func(t *testing.T, text string) {
		for _, b := range blocks(t, text) {
			if b.language != "toml" {
				continue
			}
			shown++
			c, err := config.Parse("snippet", []byte(complete(b.text)), config.Environment{})
			if err != nil {
				t.Errorf("line %d: %v", b.line, err)
				continue
			}
			if len(c.SecretValues()) > 0 {
				t.Errorf("line %d: a secret stands in the snippet; refer to it", b.line)
			}
		}
	})
	if shown < 10 {
		t.Errorf("%d configurations were looked at, and the guides have more", shown)
	}
}

func TestEveryBlockSaysItsLanguage(t *testing.T) {
	each(t, func(t *testing.T, text string) {
		for _, b := range blocks(t, text) {
			if !slices.Contains([]string{"sh", "toml", "ini", "text"}, b.language) {
				t.Errorf("line %d: the block is of language %q", b.line, b.language)
			}
		}
	})
}

// command is how a guide calls rollcall.
type command struct {
	words []string
	line  int
}

var (
	inline = regexp.MustCompile("`(rollcall [^`]+)`")
	// placed begins a command: alone, after sudo, or with an option of sudo.
	placed = regexp.MustCompile(`^(?:sudo (?:-u rollcall )?)?rollcall (.*)$`)
	// ends is where the shell takes over.
	ends = regexp.MustCompile(`\s(?:>|\||&&|;).*$`)
)

func commands(t *testing.T, text string) []command {
	t.Helper()
	var out []command
	add := func(call string, line int) {
		m := placed.FindStringSubmatch(call)
		if m == nil {
			return
		}
		out = append(out, command{split(t, ends.ReplaceAllString(m[1], "")), line})
	}
	prose := text
	for _, b := range blocks(t, text) {
		prose = strings.Replace(prose, b.text, strings.Repeat("\n", strings.Count(b.text, "\n")), 1)
		if b.language == "sh" {
			for i, l := range strings.Split(b.text, "\n") {
				add(l, b.line+i)
			}
		}
	}
	for _, m := range inline.FindAllStringSubmatchIndex(prose, -1) {
		add(prose[m[2]:m[3]], 1+strings.Count(prose[:m[0]], "\n"))
	}
	return out
}

// split takes a command apart as a shell would, as far as guides need it.
func split(t *testing.T, call string) []string {
	t.Helper()
	var words []string
	for i, part := range strings.Split(call, `"`) {
		if i%2 == 1 {
			words = append(words, part)
			continue
		}
		words = append(words, strings.Fields(part)...)
	}
	return words
}

// Every command is run as it stands. Nothing answers on the socket of the
// configuration it gets, so one that is understood fails to reach the appliance,
// and one that the command line does not know, or not with these arguments, is
// wrong usage.
func TestEveryCommandInAGuideIsOneThatRollcallUnderstands(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "config.toml")
	sockets := fmt.Sprintf("[appliance]\nadmin_socket = %q\nview_socket = %q\n", filepath.Join(dir, "admin.sock"), filepath.Join(dir, "view.sock"))
	if err := os.WriteFile(file, []byte(sockets), 0o600); err != nil {
		t.Fatal(err)
	}
	run := 0
	each(t, func(t *testing.T, text string) {
		for _, c := range commands(t, text) {
			run++
			var out, said bytes.Buffer
			code := cli.Main(append([]string{"--config", file}, c.words...),
				cli.Streams{In: strings.NewReader(""), Out: &out, Err: &said, Terminal: true, Interactive: true},
				cli.Deps{Guides: guide.Topics(), ConfigExample: "example"})
			if code == cli.ExitUsage {
				t.Errorf("line %d: rollcall %s: %s", c.line, strings.Join(c.words, " "), strings.TrimSpace(said.String()))
			}
		}
	})
	if run < 60 {
		t.Errorf("%d commands were run, and the guides have more", run)
	}
}

// kinds says which guide must tell that a kind cannot be used yet, and how.
var kinds = []struct{ topic, kind, table, says string }{
	{"hibob", "hibob", "[sources.x]\nkind = \"hibob\"\nservice_user_id = \"SERVICE-1\"\nservice_user_token = \"secret\"\n", "This build does not yet read HiBob"},
	{"lucca", "lucca", "[sources.x]\nkind = \"lucca\"\naccount = \"acme\"\napi_key = \"secret\"\n", "This build does not yet read Lucca"},
	{"adp", "adp", "[sources.x]\nkind = \"adp\"\nclient_id = \"id\"\nclient_secret = \"secret\"\nclient_cert = \"/nowhere.pem\"\nclient_key = \"/nowhere.key\"\n", "This build does not yet read ADP"},
	{"scim", "scim-pull", "[sources.x]\nkind = \"scim-pull\"\nbase_url = \"https://idm.example.com/scim/v2\"\ntoken = \"secret\"\n", `This build does not yet read kind "scim-pull"`},
	{"scim", "csv", "[sources.x]\nkind = \"csv\"\npath = \"/nowhere.csv\"\n", `This build does not yet read kind "csv"`},
	{"scim", "scim", "[targets.x]\nkind = \"scim\"\nbase_url = \"https://reviews.example.com/scim/v2\"\ntoken = \"secret\"\n", `This build does not yet deliver to targets of kind "scim"`},
	{"elevo", "elevo", "[targets.x]\nkind = \"elevo\"\nhost = \"sftp.example.com\"\nuser = \"acme\"\nkey = \"secret\"\nhost_key = \"ssh-ed25519 AAAA\"\n", "This build does not yet deliver to Elevo"},
	{"javelo", "javelo", "[targets.x]\nkind = \"javelo\"\ntoken = \"secret\"\n", "This build does not yet deliver to Javelo"},
}

// When a kind becomes usable, or stops being so, this fails until the guide says
// the truth again.
func TestGuidesSayWhichKindsThisBuildCannotUse(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.kind, func(t *testing.T) {
			dir := t.TempDir()
			cfg, err := config.Parse("kind", []byte(fmt.Sprintf("[appliance]\ndata_dir = %q\n%s", dir, k.table)), config.Environment{})
			if err != nil {
				t.Fatal(err)
			}
			app, err := appliance.Open(cfg, appliance.Options{Log: hclog.NewNullLogger()})
			if app != nil {
				defer func() {
					if err := app.Close(); err != nil {
						t.Error(err)
					}
				}()
			}
			refused := err != nil && strings.Contains(err.Error(), "this build cannot")
			words := strings.Join(strings.Fields(read(t, k.topic)), " ")
			if told := strings.Contains(words, k.says); told != refused {
				t.Errorf("the build refuses it: %t (%v); the guide %s says %q: %t", refused, err, k.topic, k.says, told)
			}
		})
	}
}

// addresses are the hosts that guides may name: the services', and made-up ones.
var addresses = []string{"api.sandbox.hibob.com", "api.staging.javelo.io", "acme.ilucca.net", "…"}

func TestGuidesNameNobodyRealAndNoOtherHost(t *testing.T) {
	link := regexp.MustCompile("https?://[^\\s\"'`)>,;]+")
	mail := regexp.MustCompile(`[\w.+-]+@([\w-]+\.)+\w+`)
	each(t, func(t *testing.T, text string) {
		for _, l := range link.FindAllString(text, -1) {
			u, err := url.Parse(strings.TrimRight(l, ".:"))
			if err != nil {
				t.Errorf("%s: %v", l, err)
				continue
			}
			if host := u.Hostname(); host != "example.com" && !strings.HasSuffix(host, ".example.com") && !slices.Contains(addresses, host) {
				t.Errorf("%s is neither a service's address nor a made-up one", l)
			}
		}
		for _, m := range mail.FindAllString(text, -1) {
			if !strings.HasSuffix(m, "@example.com") && !strings.HasSuffix(m, ".example") { // RFC 2606
				t.Errorf("%s is not an address of nobody", m)
			}
		}
	})
}

// paths are the places of the appliance and the routes of services that guides
// may name.
var paths = []string{
	"/etc/rollcall", "/etc/systemd/system/rollcall.service", "/var/lib/rollcall", "/run/rollcall", "/usr/local/bin/rollcall",
	"/usr/local/share/rollcall", "/etc/ssh/sshd_config.d/60-rollcall.conf", "/dev/stdin",
	"/scim/v2", "/hooks", "/metrics", "/healthz", "/readyz", "/hr/v2/workers", "/identity/admin/integration-keys",
}

func TestGuidesNamePathsOfTheApplianceOnly(t *testing.T) {
	absolute := regexp.MustCompile("(?:^|[\\s`(\"'=])(/[a-zA-Z][^\\s`\")',;:]*)")
	each(t, func(t *testing.T, text string) {
		for _, m := range absolute.FindAllStringSubmatch(text, -1) {
			if !slices.ContainsFunc(paths, func(p string) bool { return strings.HasPrefix(m[1], p) }) {
				t.Errorf("the path %s is not one of the appliance", m[1])
			}
		}
	})
}

func TestGuidesHoldNoNotesOfTheirAuthors(t *testing.T) {
	note := regexp.MustCompile(`(?i)\b(todo|fixme|xxx|tbd)\b|#\d`)
	each(t, func(t *testing.T, text string) {
		if found := note.FindString(text); found != "" {
			t.Errorf("%q is a note for its author, not for an administrator", found)
		}
	})
}
