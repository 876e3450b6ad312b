package admin

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const (
	// SocketMode lets the owner and the group of a socket use it, and nobody else.
	SocketMode fs.FileMode = 0o660
	// directoryMode lets only the group reach the sockets in a directory of ours.
	directoryMode fs.FileMode = 0o750
	// maxSocketPath is what fits a unix socket address (sun_path, less its NUL).
	maxSocketPath = 107
)

// Listen opens a unix socket at path with the given mode. It creates the
// directory when it is missing (0750, the parent must exist or be creatable),
// removes a socket that a stopped appliance left behind, and refuses to touch
// one that still answers or anything that is not a socket.
//
// The mode holds from the first moment on: the process's umask is set while the
// socket is made. The umask is the whole process's, so call Listen before other
// goroutines create files.
func Listen(path string, mode fs.FileMode) (net.Listener, error) {
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("socket %s: the path is longer than the %d bytes a socket's path may have: choose a shorter one in the [appliance] table", path, maxSocketPath)
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, directoryMode); err != nil {
		return nil, fmt.Errorf("socket %s: its directory: %w: create it for the user that runs rollcall (systemd: RuntimeDirectory=rollcall), or choose another path in the [appliance] table", path, err)
	}
	if err := removeStale(path); err != nil {
		return nil, err
	}
	old := syscall.Umask(int(^mode & 0o777))
	l, err := net.Listen("unix", path)
	syscall.Umask(old)
	if err != nil {
		if errors.Is(err, fs.ErrPermission) {
			return nil, fmt.Errorf("socket %s: %w: let the user that runs rollcall write to %s, or choose another path in the [appliance] table", path, err, dir)
		}
		return nil, fmt.Errorf("socket %s: %w: choose another path in the [appliance] table", path, err)
	}
	return l, nil
}

// removeStale makes way for a socket at path. Between the dial and the removal
// another appliance could take the path; the lock on the database, which the
// appliance takes first, rules that out for two appliances of one data directory.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("socket %s: %w: let the user that runs rollcall look into the directory", path, err)
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("socket %s: there is something else at this path, and it is not removed: move it away, or choose another path in the [appliance] table", path)
	}
	c, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		return errors.Join(fmt.Errorf("socket %s: another rollcall answers there: stop it first, or choose another path in the [appliance] table", path), c.Close())
	}
	if !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, fs.ErrNotExist) {
		// A full backlog or a refused permission is no proof that nobody is there.
		return fmt.Errorf("socket %s: cannot tell whether another rollcall answers there: %w: stop it, or remove the socket when none runs", path, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("socket %s: left behind by a stopped rollcall: %w: remove it by hand", path, err)
	}
	return nil
}
