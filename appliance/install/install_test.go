package install_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rollcall/appliance/config"
	"rollcall/appliance/install"
)

// machine is a Machine whose files are real, below a directory, and whose users
// and services are made up.
type machine struct {
	systemd bool
	active  bool
	names   map[string]bool
	owners  map[string]string
	ran     []string
	refuse  string // a program that fails
}

func newMachine() *machine {
	return &machine{systemd: true, names: map[string]bool{"user root": true, "group root": true}, owners: map[string]string{}}
}

func (m *machine) UserExists(n string) bool  { return m.names["user "+n] }
func (m *machine) GroupExists(n string) bool { return m.names["group "+n] }

func (m *machine) Owner(path string) (string, string, error) {
	user, group, ok := strings.Cut(m.owners[path], ":")
	if !ok {
		return "nobody", "nogroup", nil
	}
	return user, group, nil
}

func (m *machine) Chown(path, user, group string) error {
	if !m.UserExists(user) || !m.GroupExists(group) {
		return fmt.Errorf("chown %s: unknown user or group %s:%s", path, user, group)
	}
	m.owners[path] = user + ":" + group
	return nil
}

func (m *machine) Run(_ context.Context, program string, args ...string) error {
	line := strings.Join(append([]string{program}, args...), " ")
	if program == m.refuse {
		return errors.New(line + ": refused")
	}
	m.ran = append(m.ran, line)
	last := args[len(args)-1]
	switch program {
	case "groupadd":
		m.names["group "+last] = true
	case "useradd":
		m.names["user "+last] = true
	case "groupdel":
		delete(m.names, "group "+last)
	case "userdel":
		delete(m.names, "user "+last)
	case "systemctl":
		switch args[0] {
		case "enable":
			m.active = true
		case "disable":
			m.active = false
		}
	case "systemd-tmpfiles":
		root := strings.TrimSuffix(last, "/etc/tmpfiles.d/rollcall.conf")
		return os.MkdirAll(filepath.Join(root, "run/rollcall-view"), 0o750)
	}
	return nil
}

func (m *machine) Systemd() bool                       { return m.systemd }
func (m *machine) Active(context.Context, string) bool { return m.active }

func example(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "config.example.toml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func options(t *testing.T) install.Options {
	t.Helper()
	root := t.TempDir()
	binary := filepath.Join(t.TempDir(), "rollcall-new")
	write(t, binary, "version one")
	if err := os.MkdirAll(filepath.Join(root, "usr/local/bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	return install.Options{Binary: binary, ConfigExample: example(t), AlertRules: "rules", Dashboard: "{}", Root: root}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, o install.Options, path string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(o.Root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// do plans and does, and returns the titles of what was needed.
func do(t *testing.T, o install.Options, m *machine, plan func(context.Context, install.Options, install.Machine) ([]install.Step, error)) []string {
	t.Helper()
	steps, err := plan(t.Context(), o, m)
	if err != nil {
		t.Fatal(err)
	}
	var did []string
	for i := range steps {
		if !steps[i].Done {
			did = append(did, steps[i].Title)
		}
		if err := steps[i].Do(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return did
}

func TestInstallingTwiceFindsNothingToDoTheSecondTime(t *testing.T) {
	o, m := options(t), newMachine()
	if did := do(t, o, m, install.Install); len(did) < 15 {
		t.Errorf("the first time only did %q", did)
	}
	if did := do(t, o, m, install.Install); len(did) > 0 {
		t.Errorf("the second time did %q", did)
	}
	for path, mode := range map[string]os.FileMode{"usr/local/bin/rollcall": 0o755, "etc/rollcall/config.toml": 0o640, "etc/rollcall/secrets": 0o750, "var/lib/rollcall": 0o750} {
		info, err := os.Stat(filepath.Join(o.Root, path))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s has mode %v, want %v: %v", path, info.Mode().Perm(), mode, err)
		}
	}
	if got := m.owners[filepath.Join(o.Root, "var/lib/rollcall")]; got != "rollcall:rollcall" {
		t.Errorf("the data belongs to %s", got)
	}
	if got := m.owners[filepath.Join(o.Root, "etc/rollcall/secrets")]; got != "root:rollcall" {
		t.Errorf("the secrets belong to %s", got)
	}
}

func TestAnUpgradeKeepsWhatIsTheAdministrators(t *testing.T) {
	o, m := options(t), newMachine()
	do(t, o, m, install.Install)
	write(t, filepath.Join(o.Root, "etc/rollcall/config.toml"), "mine")
	write(t, filepath.Join(o.Root, "etc/systemd/system/rollcall.service"), "edited")
	write(t, filepath.Join(o.Root, "etc/rollcall/secrets/hibob"), "secret")
	write(t, o.Binary, "version two")
	m.ran = nil
	do(t, o, m, install.Install)
	if got := read(t, o, "etc/rollcall/config.toml"); got != "mine" {
		t.Errorf("the configuration became %q", got)
	}
	if got := read(t, o, "etc/rollcall/secrets/hibob"); got != "secret" {
		t.Errorf("the secret became %q", got)
	}
	if got := read(t, o, "etc/systemd/system/rollcall.service.old"); got != "edited" {
		t.Errorf("the edited unit was kept as %q", got)
	}
	if got := read(t, o, "usr/local/bin/rollcall"); got != "version two" {
		t.Errorf("the program is %q", got)
	}
	if !slices.Contains(m.ran, "systemctl daemon-reload") || !slices.Contains(m.ran, "systemctl restart rollcall.service") {
		t.Errorf("the running service was not renewed: %q", m.ran)
	}
}

func TestAStepThatFailsLeavesTheRestForTheNextRun(t *testing.T) {
	o, m := options(t), newMachine()
	m.refuse = "useradd"
	steps, err := install.Install(t.Context(), o, m)
	if err != nil {
		t.Fatal(err)
	}
	failed := false
	for i := range steps {
		if err := steps[i].Do(t.Context()); err != nil {
			failed = true
			if !strings.Contains(err.Error(), "make the user rollcall") || steps[i].Done {
				t.Errorf("error %v", err)
			}
			break
		}
	}
	if !failed {
		t.Fatal("nothing failed")
	}
	m.refuse = ""
	did := do(t, o, m, install.Install)
	if slices.ContainsFunc(did, func(s string) bool {
		return strings.HasPrefix(s, "make the group rollcall,") || strings.HasPrefix(s, "copy this program")
	}) {
		t.Errorf("what was done is done again: %q", did)
	}
	if again := do(t, o, m, install.Install); len(again) > 0 {
		t.Errorf("then still to do: %q", again)
	}
}

func TestAProgramThatCouldNotReadTheDatabaseIsNotInstalled(t *testing.T) {
	o, m := options(t), newMachine()
	do(t, o, m, install.Install)
	found, unreadable := 2, error(nil)
	o.Binary, o.Database, o.Knows = filepath.Join(t.TempDir(), "rollcall-other"), "/srv/rollcall/rollcall.db", 2
	write(t, o.Binary, "another version")
	o.SchemaOf = func(path string) (int, error) {
		if path != filepath.Join(o.Root, o.Database) {
			t.Errorf("it looks at %s", path)
		}
		return found, unreadable
	}
	refused := func(words string) {
		t.Helper()
		if steps, err := install.Install(t.Context(), o, m); err == nil || len(steps) > 0 || !strings.Contains(err.Error(), words) {
			t.Errorf("%d steps, error %v; want none, and %q", len(steps), err, words)
		}
	}
	found = 3
	refused("schema version 3 and this one knows up to 2")
	unreadable = errors.New("input/output error")
	refused("input/output error")
	if read(t, o, "usr/local/bin/rollcall") != "version one" {
		t.Error("the program was replaced")
	}
	noted := func() (notes []string) {
		steps, err := install.Install(t.Context(), o, m)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range steps {
			if s.Done && strings.Contains(s.Title, "schema version") {
				notes = append(notes, s.Title)
			}
		}
		return notes
	}
	found, unreadable = 1, nil
	if got := noted(); len(got) != 1 || !strings.Contains(got[0], "to version 2") || !strings.Contains(got[0], "rollcall.db.v1.bak") {
		t.Errorf("before an upgrade of the database it says %q", got)
	}
	found = 2
	if got := noted(); len(got) > 0 {
		t.Errorf("without one it says %q", got)
	}
	found, unreadable = 0, &os.PathError{Op: "open", Path: "x", Err: os.ErrNotExist}
	if got := noted(); len(got) > 0 {
		t.Errorf("without a database it says %q", got)
	}
	do(t, o, m, install.Install)
	if read(t, o, "usr/local/bin/rollcall") != "another version" {
		t.Error("the newer program was not installed")
	}
}

func TestRemovingKeepsDataUnlessItIsToBePurged(t *testing.T) {
	o, m := options(t), newMachine()
	o.SSHD = true
	do(t, o, m, install.Install)
	write(t, filepath.Join(o.Root, "var/lib/rollcall/rollcall.db"), "people")
	do(t, o, m, install.Remove)
	for _, gone := range []string{"usr/local/bin/rollcall", "etc/systemd/system/rollcall.service", "etc/ssh/sshd_config.d/60-rollcall.conf", "usr/local/share/rollcall"} {
		if _, err := os.Stat(filepath.Join(o.Root, gone)); err == nil {
			t.Errorf("%s is still there", gone)
		}
	}
	if m.active || read(t, o, "var/lib/rollcall/rollcall.db") != "people" || !m.UserExists("rollcall") {
		t.Error("the service runs on, or its data or user went")
	}
	if did := do(t, o, m, install.Remove); len(did) > 0 {
		t.Errorf("removing again did %q", did)
	}
	o.Purge = true
	do(t, o, m, install.Remove)
	if _, err := os.Stat(filepath.Join(o.Root, "var/lib/rollcall")); err == nil || m.UserExists("rollcall") || m.GroupExists("rollcall-view") {
		t.Error("something is left after --purge")
	}
	if did := do(t, o, m, install.Remove); len(did) > 0 {
		t.Errorf("purging again did %q", did)
	}
}

func TestAFileInTheWayIsNotOverwritten(t *testing.T) {
	o, m := options(t), newMachine()
	if err := os.MkdirAll(filepath.Join(o.Root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(o.Root, "etc/rollcall"), "not a directory")
	if _, err := install.Install(t.Context(), o, m); err == nil || !strings.Contains(err.Error(), "move it away") {
		t.Errorf("error %v", err)
	}
}

func TestTheStarterConfigurationIsTheDefaultsAndNoSystemOfOthers(t *testing.T) {
	text := install.Starter(example(t))
	c, err := config.Parse("config.toml", []byte(text), config.Environment{})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if len(c.Sources)+len(c.Targets) > 0 {
		t.Errorf("it names %v and %v", c.SourceNames(), c.TargetNames())
	}
	empty, err := config.Parse("config.toml", nil, config.Environment{})
	if err != nil {
		t.Fatal(err)
	}
	var differs []string
	for _, d := range config.Diff(empty, c) {
		differs = append(differs, d.Key)
	}
	want := []string{"appliance.view_socket", "scim.public_url", "scim.tls_cert", "scim.tls_key"}
	if !slices.Equal(differs, want) {
		t.Errorf("it differs from the defaults in %q, want %q", differs, want)
	}
	// Whoever takes the marks away has the example back.
	var back []string
	for l := range strings.Lines(text) {
		back = append(back, strings.TrimPrefix(strings.TrimPrefix(l, "# "), "# "))
	}
	for l := range strings.Lines(example(t)) {
		if l = strings.TrimPrefix(l, "# "); !slices.Contains(back, l) && !strings.HasPrefix(l, "view_socket") {
			t.Errorf("the line %q of the example is lost", strings.TrimSpace(l))
		}
	}
}
