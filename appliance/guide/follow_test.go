package guide_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"rollcall/appliance/cli"
)

// sees lists what a guide says that its reader sees, and after which command. Each
// must stand in the guide and in what the command said.
var sees = []struct{ topic, command, says string }{
	{"hibob", "check hibob", "hibob (hibob): ok"},
	{"first-activation", "sync hibob", "read just now"},
	{"first-activation", "sync hibob", "in preview"},
	{"first-activation", "plan hibob", "If hibob were active"},
	{"first-activation", "plan hibob", "adopt"},
	{"first-activation", "activate hibob", "Activate hibob? [y/N]"},
	{"first-activation", "activate hibob", "hibob is active; run"},
	{"okta", "check okta", "waiting for the first request at"},
	{"okta", "requests --source okta", "201 POST"},
	{"javelo", "check javelo", "javelo (javelo): ok"},
	{"disaster-recovery", "restore --check", "is sound"},
	{"disaster-recovery", "restore", "Restored to"},
	{"install", "install", "Installed"},
	{"holds", "undo 12", "undo"},
	{"conflicts", "conflicts resolve", "conflicts undo"},
	{"holds", "runs show", "approve"},
	{"csv", "check sheet", "sheet (csv): ok"},
	{"adp", "check adp", "adp (adp): ok"},
	{"lucca", "check lucca", "lucca (lucca): ok"},
	{"elevo", "check elevo", "elevo (elevo): ok"},
	{"scim", "requests --source partner", "201 POST"},
	{"azure", "requests --source azure", "201 POST"},
}

// byHand are commands that no test can run here, with why. They are of other
// programs, or need a machine, a screen or a conflict that others make.
var byHand = []struct{ begins, why string }{
	{"sudoedit ", "an editor"}, {"openssl req", "makes a request for ADP's authority"}, {"ssh-keygen ", "another program"}, {"shred ", "another program"},
	{"sudo usermod ", "users of a machine"}, {"sudo chown ", "users of a machine"}, {"sudo chmod ", "users of a machine"}, {"sudo install ", "users of a machine"},
	{"sudo sshd ", "another service"}, {"rollcall demo", "a world of its own: appliance/demo tests it"}, {"sudo systemctl reload ssh", "another service"},
	{"export SCIM_", "of the section that judges other services"}, {"go test ", "the whole of it is a test"}, {"SCIM_SENDER=", "of the section that judges other services"},
	{"rollcall conflicts resolve c_9f2c set manager=", "needs a manager who is nobody: appliance/ingest tests it"},
	{"rollcall conflicts resolve c_9f2c set \"display_name=", "needs two groups of one name: appliance/relay tests it"},
	{"rollcall conflicts resolve c_9f2c allow ", "needs a conflict that can be allowed: appliance tests it"},
}

// refused are commands that rightly end in a refusal here, and what it says.
var refused = []struct{ topic, begins, says string }{
	// The company is a minute old: what it was last month nobody knows.
	{"operations", "people --at", "first entry"}, {"operations", "person jane@example.com --at", "first entry"}, {"operations", "people diff", "first entry"},
	{"operations", "notify test", "nobody"},
}

// Every guide is followed from top to bottom, on a machine of its own: what it says
// to configure is configured, what it says to type is typed, into the real program
// between simulated services.
func TestEveryGuideCanBeFollowed(t *testing.T) {
	var count sync.Mutex // guards typed and left
	typed, left := 0, 0
	t.Run("guides", func(t *testing.T) {
		for _, topic := range names {
			t.Run(topic, func(t *testing.T) {
				t.Parallel()
				r := newReader(t, topic, read(t, topic))
				done, skipped := r.follow(func(block) bool { return true })
				count.Lock()
				defer count.Unlock()
				typed, left = typed+done, left+skipped
			})
		}
	})
	t.Logf("%d commands were typed, %d are by hand", typed, left)
	if typed < 70 {
		t.Errorf("%d commands were typed, and the guides have more", typed)
	}
}

// The guide of Lucca shows two ways, of which the second is followed with the rest.
func TestTheFirstWayOfLuccaCanBeFollowed(t *testing.T) {
	r := newReader(t, "lucca", read(t, "lucca"))
	r.follow(func(b block) bool { return b.language != "toml" || !strings.Contains(b.text, "2024-11-01") })
}

// follow does what every wanted block says, and returns how many commands were typed
// and how many are by hand.
func (r *reader) follow(wanted func(block) bool) (typed, left int) {
	r.t.Helper()
	words := strings.Join(strings.Fields(strings.NewReplacer("`", "", "*", "").Replace(r.text)), " ")
	seen := map[int]bool{}
	for _, b := range blocks(r.t, r.text) {
		switch {
		case !wanted(b):
		case b.language == "toml":
			r.configure(b.text)
		case b.language == "sh":
			for i, line := range strings.Split(strings.TrimSpace(b.text), "\n") {
				if slices.ContainsFunc(byHand, func(h struct{ begins, why string }) bool { return strings.HasPrefix(line, h.begins) }) {
					left++
					continue
				}
				at := fmt.Sprintf("line %d: %s", b.line+i, line)
				said, command := r.run(line, at)
				typed++
				for n, s := range sees {
					if s.topic == r.topic && strings.HasPrefix(command+" ", s.command+" ") && strings.Contains(said, s.says) {
						seen[n] = true
					}
				}
			}
		}
	}
	for n, s := range sees {
		if s.topic != r.topic || !wanted(block{language: "toml", text: "2024-11-01"}) {
			continue
		}
		if !seen[n] {
			r.t.Errorf("after %q nobody saw %q", s.command, s.says)
		}
		if !strings.Contains(words, s.says) {
			r.t.Errorf("the guide does not say that one sees %q", s.says)
		}
	}
	return typed, left
}

// run types one line, and returns what was said and the command without its
// beginning.
func (r *reader) run(line, at string) (said, command string) {
	r.t.Helper()
	switch line {
	case "sudo systemctl restart rollcall":
		r.halt()
		r.start()
		return "", line
	case "sudo systemctl stop rollcall":
		r.halt()
		return "", line
	case "sudo systemctl start rollcall":
		r.start()
		return "", line
	}
	line, into, _ := strings.Cut(line, " > ")
	line = strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(line, "sudo -u rollcall "), "sudo "), "./")
	rest, ours := strings.CutPrefix(line, "rollcall ")
	if !ours {
		r.t.Errorf("%s: who types this? Say in byHand why no test does", at)
		return "", line
	}
	command = rest
	r.before(command)
	args := r.fill(split(r.t, rest))
	code, out, said := r.type_(args...)
	if into != "" {
		if err := os.WriteFile(filepath.Join(r.dir, into), []byte(out), 0o600); err != nil {
			r.t.Error(err)
		}
	}
	r.t.Logf("$ rollcall %s\n%s", strings.Join(args, " "), said)
	if slices.Contains([]int{cli.ExitDone, cli.ExitHuman}, code) {
		r.after(command, out)
		return said, command
	}
	for _, no := range refused {
		if no.topic == r.topic && strings.HasPrefix(command, no.begins) && strings.Contains(said, no.says) {
			return said, command
		}
	}
	r.t.Errorf("%s: exit code %d: rollcall %s:\n%s", at, code, strings.Join(args, " "), said)
	return said, command
}

// type_ runs a command as a human at a terminal who answers yes.
func (r *reader) type_(args ...string) (code int, out, said string) {
	var facts, both bytes.Buffer
	code = cli.Main(append([]string{"--config", r.path("etc/config.toml")}, args...),
		cli.Streams{In: strings.NewReader("y\n"), Out: tee{&facts, &both}, Err: &both, Interactive: true, Terminal: args[0] == "tui"}, r.deps())
	return code, facts.String(), both.String()
}

// tee writes to two buffers.
type tee struct{ a, b *bytes.Buffer }

func (t tee) Write(p []byte) (int, error) {
	t.a.Write(p)
	return t.b.Write(p)
}
