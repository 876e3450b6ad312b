package quiet_test

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/creack/pty"

	_ "rollcall/tui"
)

// TestStartingAsksTheTerminalNothing starts this test's own program, which links the
// terminal UI as rollcall does, on a terminal that answers nothing.
func TestStartingAsksTheTerminalNothing(t *testing.T) {
	for _, term := range []string{"xterm-256color", ""} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTheEnvironmentIsAsItWas$", "-test.v")
		for _, v := range os.Environ() {
			// CI in the environment keeps the terminal from being asked, too.
			if !strings.HasPrefix(v, "TERM=") && !strings.HasPrefix(v, "CI=") {
				cmd.Env = append(cmd.Env, v)
			}
		}
		cmd.Env = append(cmd.Env, "QUIET_WANTS="+term)
		if term != "" {
			cmd.Env = append(cmd.Env, "TERM="+term)
		}
		f, err := pty.Start(cmd)
		if err != nil {
			t.Skip(err)
		}
		out, _ := io.ReadAll(f) // on Linux it ends with an error when the program does
		f.Close()
		if err := cmd.Wait(); err != nil || strings.Contains(string(out), "\x1b") || !strings.Contains(string(out), "--- PASS") {
			t.Errorf("TERM=%q: %v, %q", term, err, out)
		}
	}
}

func TestTheEnvironmentIsAsItWas(t *testing.T) {
	want, child := os.LookupEnv("QUIET_WANTS")
	if term, named := os.LookupEnv("TERM"); child && (term != want || named != (want != "")) {
		t.Errorf("TERM is %q (%t), and was %q", term, named, want)
	}
}
