package cli

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"rollcall/appliance/admin/admintest"
)

func TestExitCodes(t *testing.T) {
	fake := admintest.Acme()
	socket := admintest.Serve(t, fake).Admin
	view := admintest.Serve(t, fake).View
	nowhere := filepath.Join(admintest.Directory(t), "none.sock")
	for _, c := range []struct {
		name   string
		args   []string
		code   int
		stderr string
	}{
		{"not running", []string{"--socket", nowhere, "status"}, ExitFailed, "is the appliance running?"},
		{"unknown command", []string{"stats"}, ExitUsage, `did you mean "rollcall status"?`},
		{"unknown command like none", []string{"frobnicate"}, ExitUsage, `see "rollcall --help"`},
		{"unknown subcommand", []string{"token", "craete"}, ExitUsage, `did you mean "rollcall token create"?`},
		{"unknown word after a command", []string{"conflicts", "resolv"}, ExitUsage, `did you mean "rollcall conflicts resolve"?`},
		{"unknown flag", []string{"status", "--jsn"}, ExitUsage, "did you mean --json?"},
		{"unknown flag of a command", []string{"sync", "--wiat"}, ExitUsage, "did you mean --wait?"},
		{"bad flag value", []string{"runs", "--limit", "ten"}, ExitUsage, `see "rollcall runs --help"`},
		{"flag that is no number", []string{"runs", "--limit", "ten"}, ExitUsage, `--limit "ten" is not a whole number: see`},
		{"number below none", []string{"demo", "--seed", "-1"}, ExitUsage, "a whole number from 0 on"},
		{"help of nothing", []string{"help", "stats"}, ExitUsage, `did you mean "rollcall status"?`},
		{"help of a command", []string{"help", "status"}, ExitDone, ""},
		{"completion with a word too many", []string{"completion", "bash", "x"}, ExitUsage, "one word too many"},
		{"name without quotes", []string{"person", "Jane", "Doe", "explain"}, ExitUsage, `rollcall person "Jane Doe" explain`},
		{"limit out of range", []string{"runs", "--limit", "0"}, ExitUsage, "from 1 to"},
		{"command without its part", []string{"token"}, ExitUsage, "create, list, revoke"},
		{"missing argument", []string{"activate"}, ExitUsage, `"rollcall activate SOURCE [--waves]"`},
		{"one word too many", []string{"status", "now"}, ExitUsage, "one word too many"},
		{"run that is none", []string{"approve", "twelve"}, ExitUsage, "rollcall runs"},
		{"unknown run", []string{"--socket", socket, "approve", "99"}, ExitFailed, "rollcall runs"},
		{"nothing held", []string{"--socket", socket, "approve", "11"}, ExitFailed, "nothing of run 11 is held"},
		{"stale digest", []string{"--socket", socket, "approve", "12", "--digest", "0000"}, ExitFailed, "runs show 12"},
		{"stale revision", []string{"--socket", socket, "conflicts", "resolve", "c_9f2c", "merge", "--rev", "3"}, ExitFailed, "conflicts show c_9f2c"},
		{"unknown answer", []string{"conflicts", "resolve", "c_9f2c", "murge"}, ExitUsage, "did you mean merge?"},
		{"prefer nobody", []string{"conflicts", "resolve", "c_9f2c", "prefer"}, ExitUsage, "which record?"},
		{"merge with a record", []string{"conflicts", "resolve", "c_9f2c", "merge", "r_1"}, ExitUsage, "takes nothing more"},
		{"set nothing", []string{"conflicts", "resolve", "c_9f2c", "set"}, ExitUsage, "ATTRIBUTE=VALUE"},
		{"set unknown attribute", []string{"conflicts", "resolve", "c_9f2c", "set", "titel=CEO"}, ExitUsage, "did you mean title?"},
		{"change on the view socket", []string{"--socket", view, "pause", "okta"}, ExitFailed, "use the admin socket"},
		{"question on the view socket", []string{"--socket", view, "people"}, ExitDone, ""},
		{"activate without anyone to ask", []string{"--socket", socket, "activate", "okta"}, ExitUsage, "--yes"},
		{"two formats", []string{"plan", "--csv", "--json"}, ExitUsage, "choose one"},
		{"time that is none", []string{"journal", "--since", "yesteryear"}, ExitUsage, "2026-01-31"},
		{"life that is none", []string{"token", "create", "okta", "--ttl", "soon"}, ExitUsage, "365d"},
		{"report of nothing there is", []string{"--socket", socket, "check", "people.csv", "--report"}, ExitFailed, "there is no source or target \"people.csv\"; the appliance has hibob"},
		{"completion for no shell", []string{"completion"}, ExitUsage, "bash, fish, powershell, zsh"},
		{"completion for an unknown shell", []string{"completion", "bahs"}, ExitUsage, `did you mean "rollcall completion bash"?`},
		{"plan file missing", []string{"apply", nowhere}, ExitFailed, "plan --out"},
		{"file to import missing", []string{"people", "import", nowhere, "--dry-run"}, ExitFailed, "people export --out"},
		{"unknown person", []string{"--socket", socket, "person", "zoe"}, ExitFailed, "rollcall people"},
		{"unknown question", []string{"person", "jane", "explane"}, ExitUsage, "did you mean explain?"},
		{"unknown state", []string{"deliveries", "--state", "stuck"}, ExitUsage, "parked"},
		{"named configuration missing", []string{"--config", nowhere, "status"}, ExitUsage, "--socket"},
		{"no daemon in the build", []string{"run"}, ExitFailed, "released binary"},
		{"no guides in the build", []string{"guide"}, ExitFailed, "no guides are built in"},
		{"demo of nobody", []string{"demo", "--people", "0"}, ExitFailed, "released binary"},
		{"tui without a terminal", []string{"tui"}, ExitFailed, "released binary"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := ends{}.call(t, c.args...)
			if r.code != c.code || !strings.Contains(r.err, c.stderr) {
				t.Errorf("%v: exit code %d, want %d; standard error %q, want %q in it", c.args, r.code, c.code, r.err, c.stderr)
			}
			if c.code != ExitDone && r.out != "" {
				t.Errorf("standard output of what failed: %q", r.out)
			}
		})
	}
	if asked := fake.Asked(); len(asked) > 0 {
		t.Errorf("done all the same: %v", asked)
	}
}

// full is a writer with no space left.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

func TestOutputThatCannotBeWrittenIsAFailure(t *testing.T) {
	socket := admintest.Serve(t, admintest.Acme()).Admin
	for _, args := range [][]string{{"people"}, {"people", "--json"}, {"plan", "--csv"}, {"journal"}, {"version"}, nil} {
		var errs strings.Builder
		code := execute(t.Context(), append([]string{"--socket", socket}, args...), Streams{Out: full{}, Err: &errs}, Deps{Version: admintest.Version})
		if code != ExitFailed || !strings.Contains(errs.String(), "no space left") || !strings.Contains(errs.String(), "output") {
			t.Errorf("%v: exit code %d, %q", args, code, errs.String())
		}
	}
}
