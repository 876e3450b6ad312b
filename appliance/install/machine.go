package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
)

// Machine is what installing needs of a machine beyond plain files.
type Machine interface {
	// UserExists and GroupExists look a name up.
	UserExists(name string) bool
	GroupExists(name string) bool
	// Owner returns user and group of a file by name, or by number when they have
	// no name.
	Owner(path string) (user, group string, err error)
	// Chown gives a file to a user and a group that exist.
	Chown(path, user, group string) error
	// Run runs a program and returns an error with what it printed.
	Run(ctx context.Context, program string, args ...string) error
	// Systemd reports whether systemd manages this machine, and Active whether a
	// unit is running.
	Systemd() bool
	Active(ctx context.Context, unit string) bool
}

// System is this machine. The zero value is ready to use.
type System struct{}

// UserExists reports whether the name is in the user database.
func (System) UserExists(name string) bool { _, err := user.Lookup(name); return err == nil }

// GroupExists reports whether the name is in the group database.
func (System) GroupExists(name string) bool { _, err := user.LookupGroup(name); return err == nil }

// Owner returns who a file belongs to.
func (System) Owner(path string) (string, string, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return "", "", err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "", "", fmt.Errorf("%s: this system does not tell who owns a file", path)
	}
	uid, gid := strconv.FormatUint(uint64(st.Uid), 10), strconv.FormatUint(uint64(st.Gid), 10)
	if u, err := user.LookupId(uid); err == nil {
		uid = u.Username
	}
	if g, err := user.LookupGroupId(gid); err == nil {
		gid = g.Name
	}
	return uid, gid, nil
}

// Chown changes who a file belongs to; it does not follow a symbolic link.
func (System) Chown(path, owner, group string) error {
	u, err := user.Lookup(owner)
	if err != nil {
		return err
	}
	g, err := user.LookupGroup(group)
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(g.Gid)
	if err != nil {
		return err
	}
	return os.Lchown(path, uid, gid)
}

// Run runs a program without a shell.
func (System) Run(ctx context.Context, program string, args ...string) error {
	out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	if err == nil {
		return nil
	}
	line := strings.Join(append([]string{program}, args...), " ")
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: there is no program %s on this machine; install it, or do by hand what the step says", line, program)
	}
	return fmt.Errorf("%s: %w: %s", line, err, strings.Join(strings.Fields(string(out)), " "))
}

// Systemd reports whether systemd is the running service manager (sd_booted(3)).
func (System) Systemd() bool {
	info, err := os.Stat("/run/systemd/system")
	return err == nil && info.IsDir()
}

// Active asks systemctl whether a unit runs.
func (s System) Active(ctx context.Context, unit string) bool {
	return s.Run(ctx, "systemctl", "is-active", "--quiet", unit) == nil
}
