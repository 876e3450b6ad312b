package tui_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/BurntSushi/toml"

	"rollcall/tui/terminal"
)

// within bounds every wait; each ends as soon as the screen shows what is waited for.
const within = 60 * time.Second

// binary builds the program under test.
func binary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rollcall")
	if out, err := exec.Command("go", "build", "-o", path, "rollcall").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// company is a demo that runs in a terminal.
type company struct {
	*terminal.Program
	t   *testing.T
	dir string // of its appliance
	api struct{ url, token string }
}

func openDemo(t *testing.T, rollcall string, env ...string) *company {
	t.Helper()
	// Short, because the paths of sockets are.
	tmp, err := os.MkdirTemp("", "rc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(tmp) })
	p, err := terminal.Start(t.Context(), 120, 40, append([]string{"TMPDIR=" + tmp, "TERM=xterm-256color", "NO_COLOR=", "LC_ALL=C.UTF-8"}, env...), rollcall, "demo")
	if err != nil {
		t.Fatal(err)
	}
	c := &company{Program: p, t: t}
	c.await("[1 Overview]", "Needs you")
	dirs, err := filepath.Glob(filepath.Join(tmp, "rollcall-demo-*"))
	if err != nil || len(dirs) != 1 {
		t.Fatalf("the demo's directory: %v, %v", dirs, err)
	}
	c.dir = dirs[0]
	var cfg struct {
		Targets map[string]struct {
			URL   string `toml:"base_url"`
			Token string `toml:"token"`
		} `toml:"targets"`
	}
	if _, err := toml.DecodeFile(filepath.Join(c.dir, "config.toml"), &cfg); err != nil {
		t.Fatal(err)
	}
	c.api.url, c.api.token = cfg.Targets["javelo"].URL, cfg.Targets["javelo"].Token
	return c
}

func (c *company) await(texts ...string) {
	c.t.Helper()
	if err := c.Await(within, texts...); err != nil {
		c.t.Fatal(err)
	}
}

func (c *company) press(keys ...string) {
	c.t.Helper()
	if err := c.Press(keys...); err != nil {
		c.t.Fatal(err)
	}
}

// users asks the simulated Javelo itself who matches a filter; its own limit of
// requests counts these too.
func (c *company) users(filter string) []javeloUser {
	c.t.Helper()
	var all []javeloUser
	for {
		query := url.Values{"startIndex": {strconv.Itoa(len(all) + 1)}, "count": {"100"}}
		if filter != "" {
			query.Set("filter", filter)
		}
		req, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.api.url+"/Users?"+query.Encode(), nil)
		if err != nil {
			c.t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+c.api.token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			c.t.Fatal(err)
		}
		var list struct {
			Total     int          `json:"totalResults"`
			Resources []javeloUser `json:"Resources"`
		}
		err = json.NewDecoder(resp.Body).Decode(&list)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			c.t.Fatalf("javelo answers %s: %v", resp.Status, err)
		}
		all = append(all, list.Resources...)
		if len(list.Resources) == 0 || len(all) >= list.Total {
			return all
		}
	}
}

type javeloUser struct {
	Name   string `json:"userName"`
	Active bool   `json:"active"`
}

func active(users []javeloUser) (on, off int) {
	for _, u := range users {
		if u.Active {
			on++
		} else {
			off++
		}
	}
	return on, off
}

// settledExcept waits until the overview shows that nothing waits for Javelo any
// more, apart from what is held when that is excepted.
func (c *company) settledExcept(what ...string) {
	c.t.Helper()
	held := "0"
	if slices.Contains(what, "held") {
		held = `\d+`
	}
	row := regexp.MustCompile(`javelo +open +[\d,]+ +0 +` + held + ` +0 `)
	c.press("1")
	if err := c.AwaitThat(within, "javelo with nothing queued", row.MatchString); err != nil {
		c.t.Fatal(err)
	}
}

func TestTheWholeProgramInARealTerminal(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs the whole program")
	}
	rollcall := binary(t)
	c := openDemo(t, rollcall)
	t.Run("the second group looks and cannot touch", func(t *testing.T) { lookOnly(t, c, rollcall) })
	t.Run("the operator resolves a duplicate", func(t *testing.T) { resolveADuplicate(t, c) })
	t.Run("the operator approves a hold", func(t *testing.T) { approveAHold(t, c) })
	t.Run("the program is left in good order", func(t *testing.T) { leave(t, c) })
}

func resolveADuplicate(t *testing.T, c *company) {
	c.t = t
	// The duplicate: two records of Lucca share an address. The second one gets
	// its own, after a look at what that would do.
	const address = "second.of.two@halcyon-atelier.example"
	created := fmt.Sprintf("userName eq %q", address)
	if n := len(c.users(created)); n != 0 {
		t.Fatalf("%d accounts have the new address before it was given", n)
	}
	c.press("2", "enter")
	c.await("duplicate identifier", "suggested", "2 RECORDS")
	c.press("right", "e")
	c.await("Set email")
	c.press("ctrl+u", address, "enter")
	c.await("whatever the sources say", "What changes then: 2 accounts: 1 create, 1 adopt")
	if n := len(c.users(created)); n != 0 {
		t.Fatal("the preview alone made an account")
	}
	c.press("y")
	c.await("1 conflict answered", "u takes it back")
	c.settledExcept("held")
	if n := len(c.users(created)); n != 1 {
		t.Errorf("%d accounts have the address that was given, want 1", n)
	}
}

// approveAHold releases what HiBob caused by saying that a third of the company left.
func approveAHold(t *testing.T, c *company) {
	c.t = t
	c.press("4")
	c.await("held: run", "hibob")
	c.press("enter")
	c.await("deactivate in javelo", "a approve")
	c.press("a")
	c.await("to approve:")
	number := regexp.MustCompile(`Type (\d+) to approve`).FindStringSubmatch(c.Text())
	if number == nil {
		t.Fatal(c.Text())
	}
	on, off := active(c.users(""))
	c.press("1", "enter")
	c.await("That is not " + number[1])
	c.press("ctrl+u", number[1], "enter")
	c.await(number[1] + " changes released")
	held := 0
	if _, err := fmt.Sscan(number[1], &held); err != nil {
		t.Fatal(err)
	}
	c.settledExcept()
	nowOn, nowOff := active(c.users(""))
	if nowOff != off+held {
		t.Errorf("%d accounts are inactive, want the %d before and the %d released", nowOff, off, held)
	}
	if nowOn < on-held { // newcomers join meanwhile
		t.Errorf("%d accounts are active of %d, although %d were released", nowOn, on, held)
	}
}

func leave(t *testing.T, c *company) {
	c.t = t
	if err := c.Resize(80, 24); err != nil {
		t.Fatal(err)
	}
	c.press("1")
	c.await("[1 Overview]", "Same as: rollcall status")
	c.press("q")
	if err := c.Wait(within); err != nil {
		t.Errorf("the demo ends with %v", err)
	}
	if c.Alternate() {
		t.Error("the terminal is left on the alternate screen")
	}
	if _, err := os.Stat(c.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the demo left %s: %v", c.dir, err)
	}
}

// lookOnly is what sshd's ForceCommand starts: no shell, a terminal nobody knows,
// the view socket.
func lookOnly(t *testing.T, c *company, rollcall string) {
	c.t = t
	env := []string{"TERM=unknown", "LANG=C", "LC_ALL=", "NO_COLOR=1", "SHELL=/usr/sbin/nologin", "SSH_ORIGINAL_COMMAND=sh -i"}
	look, err := terminal.Start(t.Context(), 80, 24, env, rollcall, "--config", filepath.Join(c.dir, "config.toml"), "tui", "--read-only")
	if err != nil {
		t.Fatal(err)
	}
	viewer := &company{Program: look, t: t}
	viewer.await("[1 Overview]", "read-only", "Same as: rollcall status")
	viewer.press("2", "enter")
	viewer.await("duplicate identifier", "2 RECORDS", "rollcall conflicts show")
	viewer.press("m")
	viewer.await("Read-only: this connection may look, not change.")
	for _, r := range viewer.Text() {
		if strings.ContainsRune("─│╭╮╰╯✓✗≠›▸▾…", r) {
			t.Fatalf("a terminal without UTF-8 gets %q:\n%s", r, viewer.Text())
		}
	}
	if err := look.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := look.Wait(within); !errors.As(err, &exit) || !exit.Exited() { // a signal is no success, and no crash either
		t.Errorf("told to stop, it ends with %v", err)
	}
	if look.Alternate() {
		t.Error("a terminal whose program was told to stop is left on the alternate screen")
	}

	// What the screen does not offer, the socket does not grant either.
	var out bytes.Buffer
	cmd := exec.Command(rollcall, "--socket", filepath.Join(c.dir, "view.sock"), "pause", "hibob")
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err == nil || !strings.Contains(out.String(), "only answers questions") {
		t.Errorf("the view socket pauses a source: %v %s", err, out.String())
	}
}
