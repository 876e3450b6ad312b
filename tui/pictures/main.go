// Command pictures draws the pages of the terminal UI anew, from a real run: it
// builds rollcall, opens the demo in a pseudo-terminal, presses the keys an
// operator would, and writes what the screen then shows: every page as SVG beside
// itself with a page that lists them, and a few as text into the guide, between
// the comments that name them.
//
//	go run ./tui/pictures
//
// It is run from the top of the repository. Names, times and ports are those of
// the run; the company of the demo does not exist.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"rollcall/tui/terminal"
)

// Where the pictures go.
const (
	guide   = "appliance/guide/tui.md"
	gallery = "tui/pictures"
)

// The window of the pictures, which has to fit into the text of a guide.
const width, height = 96, 28

// within bounds every wait for a screen.
const within = 20 * time.Second

// scene is one picture: what is done from the one before, and its caption.
type scene struct {
	name, caption string
	steps         []step
}

// step is keys, what the screen shows after them, and what it does not any more.
type step struct {
	keys  []string
	await []string
	gone  string
}

// on is a step of one key.
func on(key string, await ...string) step { return step{keys: []string{key}, await: await} }

// leave closes a dialog that shows a text. A terminal sends the same for esc and
// a key as for alt and that key, so nothing may follow before it is closed.
func leave(key, gone string) step { return step{keys: []string{key}, gone: gone} }

// scenes are the pages, in the order of the guide.
var scenes = []scene{
	{"overview", "Overview: is all well, and if not, what to do", []step{on("1", "[1 Overview]", "Needs you", "Lately", "rollcall updated")}},
	{"conflicts", "Conflicts: who, what, since when, and what is suggested", []step{on("2", "conflicts", "suggested")}},
	{"conflict", "One conflict: evidence for and against, and the records side by side", []step{on("enter", "2 RECORDS")}},
	{"preview", "What an answer would do, before it is given", []step{
		on("right"), on("e", "Set email"), on("ctrl+u"), {keys: strings.Split("second.of.two@halcyon-atelier.example", ""), await: []string{"second.of.two@"}}, on("enter", "What changes then"),
	}},
	{"decisions", "The answers in force, each of which can be taken back", []step{on("y", "1 conflict answered"), on("d", "1 answer in force")}},
	{"people", "People: search as you type", []step{on("3", "Search"), on("/"), {keys: []string{"q", "u", "e", "n"}, await: []string{"Search: quen", "1 of"}, gone: "Ada Haddad"}}},
	{"person", "One person: where each value comes from, and what was not taken", []step{on("enter"), on("enter", "[Values]", "ATTRIBUTE")}},
	{"records", "The records of a person, as each source states them", []step{on("right", "[Records]")}},
	{"accounts", "The accounts of a person, and why not", []step{on("right", "[Accounts")}},
	{"history", "The history of a person: from what to what, by whom", []step{on("right", "[History]", "joined")}},
	{"timeline", "The timeline of a person", []step{on("right", "[Timeline]", "today")}},
	{"past", "People as they were at another time", []step{leave("esc", "[Timeline]"), on("/"), leave("esc", "Search: quen"), on("@", "As it was"), {keys: []string{"1", "s"}, await: []string{"1s"}}, on("enter", "The roster as it was")}},
	{"plan", "Plan: what is held, and what would change", []step{on("4", "held: run")}},
	{"readiness", "Readiness: what to know and to put right before a source is activated", []step{on("G"), on("enter", "Readiness: what", "ROWS")}},
	{"hold", "A hold, grouped by cause or department", []step{leave("esc", "Readiness: what"), on("g"), on("enter", "a approve")}},
	{"approve", "Approving a large hold takes typing its number", []step{on("a", "to approve:")}},
	{"deliveries", "Deliveries: what is queued, what failed and why", []step{leave("esc", "to approve:"), on("5", "[5 Deliveries]", "held by")}},
	{"runs", "Runs: what was read, and what it caused", []step{on("6", "Runs, newest first", "complete")}},
	{"run", "One run", []step{on("j"), on("j"), on("enter", "began", "saw")}},
	{"journal", "Journal: what happens, as it happens", []step{on("7", "following", "WHAT AND WHY", "rollcall updated")}},
	{"sources", "Sources and targets", []step{on("8", "Tokens", "endpoint")}},
	{"drift", "How a target differs from what was delivered", []step{on("G"), on("d", "How javelo differs", "nobody")}},
	{"token", "A new token is shown once, and copied on request", []step{leave("esc", "How javelo differs"), on("g", "Tokens"), on("t", "New token"), on("enter", "It is shown only now")}},
	{"requests", "Requests: what each sender asked, and what it was answered", []step{leave("enter", "It is shown only now"), on("9", "newest first", "ANSWER")}},
	{"help", "Every page says its keys, and the command that does the same", []step{on("?", "Keys", "Everywhere")}},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "rc")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "rollcall")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, ".")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("build rollcall (run this from the top of the repository): %w", err)
	}
	text, err := take(ctx, binary, dir)
	if err != nil {
		return err
	}
	if err := list(); err != nil {
		return err
	}
	raw, err := os.ReadFile(guide)
	if err != nil {
		return err
	}
	return os.WriteFile(guide, []byte(insert(string(raw), text)), 0o644)
}

// take opens the demo, goes through the scenes, writes a picture of each and
// returns their text.
func take(ctx context.Context, binary, dir string) (map[string]string, error) {
	env := []string{"TMPDIR=" + dir, "TERM=xterm-256color", "COLORTERM=", "NO_COLOR=", "LC_ALL=C.UTF-8"}
	p, err := terminal.Start(ctx, width, height, env, binary, "demo")
	if err != nil {
		return nil, err
	}
	text := map[string]string{}
	err = p.Await(within, "[1 Overview]", "Needs you")
	for _, s := range scenes {
		for _, st := range s.steps {
			if err == nil {
				err = p.Press(st.keys...)
			}
			if err == nil {
				err = p.Await(within, st.await...)
			}
			if err == nil && st.gone != "" {
				err = p.AwaitThat(within, "no "+st.gone, func(screen string) bool { return !strings.Contains(screen, st.gone) })
			}
		}
		if err == nil {
			text[s.name] = p.Text()
			err = os.WriteFile(filepath.Join(gallery, s.name+".svg"), []byte(p.SVG(s.caption)), 0o644)
		}
	}
	if err == nil { // leaving takes the directory of the demo away
		err = errors.Join(p.Press("enter", "q"))
	} else {
		_ = p.Signal(syscall.SIGTERM)
	}
	return text, errors.Join(err, p.Wait(within))
}

// list writes the page that shows all pictures.
func list() error {
	var out strings.Builder
	out.WriteString("# The pages of the terminal UI\n\nMade by `go run ./tui/pictures` from the demo, whose company does not exist.\n")
	for _, s := range scenes {
		fmt.Fprintf(&out, "\n## %s\n\n![%s](%s.svg)\n", s.caption, s.caption, s.name)
	}
	return os.WriteFile(filepath.Join(gallery, "README.md"), []byte(out.String()), 0o644)
}

// insert puts pictures into the guide: whatever stands between a comment with
// the name of one and the next end is replaced.
func insert(guide string, text map[string]string) string {
	for _, s := range scenes {
		begin, end := "<!-- picture "+s.name+" -->", "<!-- end -->"
		re := regexp.MustCompile(`(?s)` + regexp.QuoteMeta(begin) + `.*?` + regexp.QuoteMeta(end))
		guide = re.ReplaceAllLiteralString(guide, begin+"\n```text\n"+strings.TrimRight(text[s.name], "\n")+"\n```\n"+end)
	}
	return guide
}
