package install

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Options say what to install.
type Options struct {
	// Binary is the program to install: the running one.
	Binary string
	// ConfigExample, AlertRules and Dashboard are what the program carries.
	ConfigExample, AlertRules, Dashboard string
	// SSHD also writes the block that gives two groups the terminal UI over SSH.
	SSHD bool
	// Purge makes Remove take configuration, secrets, data, user and groups too.
	Purge bool
	// Root stands before every path of the machine; empty for the machine itself.
	Root string
	// Database is the path of the database, empty for where the defaults put it.
	// SchemaOf tells its schema version, also while the service runs, and Knows up
	// to which version this program does. Without SchemaOf nothing is looked up.
	Database string
	SchemaOf func(path string) (int, error)
	Knows    int
}

// Step is one thing to do. Show it, then Do it.
type Step struct {
	// Title says what, Commands how one would do it by hand.
	Title    string
	Commands []string
	// Done says that the machine is as this step wants it.
	Done bool
	// Upgrade says that this step puts another program in the place of an older one.
	Upgrade bool
	do      func(context.Context) error
}

// Do does the step. It does nothing when the step is done already.
func (s *Step) Do(ctx context.Context) error {
	if s.Done {
		return nil
	}
	if err := s.do(ctx); err != nil {
		return fmt.Errorf("%s: %w", s.Title, err)
	}
	s.Done = true
	return nil
}

// plan collects steps for one machine.
type plan struct {
	o     Options
	m     Machine
	steps []Step
}

func (p *plan) at(path string) string { return filepath.Join(p.o.Root, path) }

func (p *plan) add(s Step) { p.steps = append(p.steps, s) }

// Install returns the steps that put this program onto the machine, or bring an
// older installation up to date.
func Install(ctx context.Context, o Options, m Machine) ([]Step, error) {
	p := &plan{o: o, m: m}
	if err := p.schema(); err != nil {
		return nil, err
	}
	upgrade, err := p.binary()
	if err != nil {
		return nil, err
	}
	p.accounts()
	for _, d := range []struct {
		path        string
		mode        fs.FileMode
		user, group string
	}{
		{configDir, 0o750, "root", AdminGroup},
		{secretsDir, 0o750, "root", AdminGroup},
		{tlsDir, 0o750, "root", AdminGroup},
		{dataDir, 0o750, Owner, AdminGroup},
		{shareDir, 0o755, "root", "root"},
	} {
		if err := p.directory(d.path, d.mode, d.user, d.group); err != nil {
			return nil, err
		}
	}
	if _, err := os.Lstat(p.at(configPath)); err == nil {
		p.add(Step{Title: "keep the configuration " + configPath + " as it is", Done: true})
	} else if err := p.file(configPath, 0o640, AdminGroup, Starter(o.ConfigExample), "write a configuration to begin with"); err != nil {
		return nil, err
	}
	before := len(p.steps)
	for _, f := range []struct{ path, text, what string }{
		{unitPath, Unit, "write the hardened systemd unit"},
		{tmpfilesPath, tmpfiles, "write the directory of the read-only socket"},
	} {
		if err := p.file(f.path, 0o644, "root", f.text, f.what); err != nil {
			return nil, err
		}
	}
	changed := p.pending(before)
	for _, f := range []struct{ path, text, what string }{
		{alertsPath, o.AlertRules, "write alert rules for Prometheus"},
		{dashboardPath, o.Dashboard, "write a dashboard for Grafana"},
	} {
		if err := p.file(f.path, 0o644, "root", f.text, f.what); err != nil {
			return nil, err
		}
	}
	if o.SSHD {
		if err := p.file(sshdPath, 0o644, "root", SSHD, "write the block for sshd"); err != nil {
			return nil, err
		}
	}
	p.service(ctx, changed, upgrade)
	return p.steps, nil
}

// schema refuses a program that would not start on the database that is there,
// and says when it will bring that up to date.
func (p *plan) schema() error {
	path := p.o.Database
	if path == "" {
		path = databasePath
	}
	if p.o.SchemaOf == nil {
		return nil
	}
	found, err := p.o.SchemaOf(p.at(path))
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("what the database holds cannot be told, so it cannot be told either whether this program can read it: %w; nothing was changed", err)
	case found > p.o.Knows:
		return fmt.Errorf("%s was written by a newer program: it has schema version %d and this one knows up to %d, so it would not start. "+
			"Nothing was changed; install the newer program again, or first restore a backup of before the upgrade with this one", path, found, p.o.Knows)
	case found < p.o.Knows:
		p.add(Step{Title: fmt.Sprintf("the database has schema version %d: at its next start the service brings a copy of it to version %d, and keeps the file of before as %s.v%d.bak",
			found, p.o.Knows, filepath.Base(path), found), Done: true})
	}
	return nil
}

// pending reports whether some step from position on is still to be done.
func (p *plan) pending(from int) bool {
	for _, s := range p.steps[from:] {
		if !s.Done {
			return true
		}
	}
	return false
}

// binary copies the running program to its place; upgrade says that another one
// was there.
func (p *plan) binary() (upgrade bool, err error) {
	to := p.at(binaryPath)
	old, err := digest(to)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	upgrade = err == nil
	fresh, err := digest(p.o.Binary)
	if err != nil {
		return false, fmt.Errorf("this program cannot read itself: %w; name it by its path", err)
	}
	title := "copy this program to " + binaryPath
	if upgrade {
		title = "replace " + binaryPath + " by this program"
	}
	p.add(Step{Title: title, Commands: []string{"install -m 0755 " + p.o.Binary + " " + binaryPath}, Done: old == fresh, Upgrade: upgrade && old != fresh,
		do: func(context.Context) error {
			raw, err := os.ReadFile(p.o.Binary)
			if err != nil {
				return err
			}
			return p.replace(to, raw, 0o755, "root", "root")
		}})
	return upgrade && old != fresh, nil
}

func digest(path string) ([sha256.Size]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return [sha256.Size]byte{}, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return [sha256.Size]byte{}, err
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

func (p *plan) accounts() {
	for _, g := range []struct{ name, why string }{
		{AdminGroup, "of those who may do everything"},
		{ViewGroup, "of those who may look"},
		{TerminalGroup, "of those who get the terminal UI over SSH"},
	} {
		args := []string{"--system", g.name}
		p.add(Step{Title: "make the group " + g.name + ", " + g.why, Commands: []string{"groupadd " + strings.Join(args, " ")}, Done: p.m.GroupExists(g.name),
			do: func(ctx context.Context) error { return p.m.Run(ctx, "groupadd", args...) }})
	}
	args := []string{"--system", "--gid", AdminGroup, "--home-dir", dataDir, "--no-create-home", "--shell", "/usr/sbin/nologin", "--comment", "rollcall", Owner}
	p.add(Step{Title: "make the user " + Owner + ", who cannot log in", Commands: []string{"useradd " + strings.Join(args, " ")}, Done: p.m.UserExists(Owner),
		do: func(ctx context.Context) error { return p.m.Run(ctx, "useradd", args...) }})
}

// directory makes a directory, or gives an existing one its owner and mode.
func (p *plan) directory(path string, mode fs.FileMode, owner, group string) error {
	at := p.at(path)
	info, err := os.Lstat(at)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil && !info.IsDir() {
		return fmt.Errorf("%s is not a directory: move it away and install again", path)
	}
	done := false
	if err == nil {
		u, g, err := p.m.Owner(at)
		if err != nil {
			return err
		}
		done = info.Mode().Perm() == mode && u == owner && g == group
	}
	p.add(Step{Title: "make the directory " + path, Commands: []string{fmt.Sprintf("install -d -m %04o -o %s -g %s %s", mode, owner, group, path)}, Done: done,
		do: func(context.Context) error {
			if err := os.MkdirAll(at, mode); err != nil {
				return err
			}
			if err := p.m.Chown(at, owner, group); err != nil {
				return err
			}
			return os.Chmod(at, mode) // MkdirAll obeys the umask
		}})
	return nil
}

// file writes a file that belongs to root and a group. One that is there and
// differs is kept beside it.
func (p *plan) file(path string, mode fs.FileMode, group, text, what string) error {
	at := p.at(path)
	old, err := os.ReadFile(at)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	there := err == nil
	done := there && string(old) == text
	title := what + ", " + path
	if there && !done {
		title += " (what is there is kept as " + filepath.Base(path) + ".old)"
	}
	p.add(Step{Title: title, Commands: []string{fmt.Sprintf("install -m %04o -o root -g %s /dev/stdin %s", mode, group, path)}, Done: done,
		do: func(context.Context) error {
			if there {
				if err := p.replace(at+".old", old, mode, "root", group); err != nil {
					return err
				}
			}
			if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
				return err
			}
			return p.replace(at, []byte(text), mode, "root", group)
		}})
	return nil
}

// replace puts a whole new file in the place of the old one, never a half
// written one: the program may be running, and systemd may be reading.
func (p *plan) replace(path string, content []byte, mode fs.FileMode, owner, group string) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	_, err = io.Copy(f, bytes.NewReader(content))
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := p.m.Chown(f.Name(), owner, group); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// service makes systemd know the unit and starts it, or restarts one that runs
// an older program or unit.
func (p *plan) service(ctx context.Context, changed, upgrade bool) {
	if !p.m.Systemd() {
		p.add(Step{Title: "systemd does not manage this machine: start \"rollcall run\" as the user " + Owner + " your own way", Done: true})
		return
	}
	active := p.m.Active(ctx, "rollcall.service")
	p.systemctl("tell systemd of the new unit", !changed, "daemon-reload")
	p.add(Step{Title: "make the directory of the read-only socket", Commands: []string{"systemd-tmpfiles --create " + tmpfilesPath}, Done: p.there(viewDir) && !changed,
		do: func(ctx context.Context) error {
			return p.m.Run(ctx, "systemd-tmpfiles", "--create", p.at(tmpfilesPath))
		}})
	if active {
		p.systemctl("restart the service with what is new", !changed && !upgrade, "restart", "rollcall.service")
		return
	}
	p.systemctl("start the service, now and with the machine", false, "enable", "--now", "rollcall.service")
}

func (p *plan) there(path string) bool {
	_, err := os.Lstat(p.at(path))
	return err == nil
}

func (p *plan) systemctl(title string, done bool, args ...string) {
	p.add(Step{Title: title, Commands: []string{"systemctl " + strings.Join(args, " ")}, Done: done,
		do: func(ctx context.Context) error { return p.m.Run(ctx, "systemctl", args...) }})
}
