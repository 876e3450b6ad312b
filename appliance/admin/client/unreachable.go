package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// Unreachable says that no appliance could be asked, and what to do about it.
type Unreachable struct {
	Socket string
	// Denied says that an appliance may well be running, but not for this user.
	Denied bool
	Err    error
	group  string // that owns the socket, when it can be told
}

// Error returns a sentence that ends with the next step.
func (u *Unreachable) Error() string {
	if u.Denied {
		who := "the group that owns it"
		join := "join that group"
		if u.group != "" {
			who = "the group " + strconv.Quote(u.group)
			join = fmt.Sprintf("run \"sudo usermod -aG %s $USER\" and log in again", u.group)
		}
		return fmt.Sprintf("permission denied on %s: it answers to %s only: %s, use sudo, or name the read-only socket with --socket", u.Socket, who, join)
	}
	return fmt.Sprintf("is the appliance running? nothing answers on %s: start it with \"rollcall run\" (or \"systemctl start rollcall\"), or name its socket with --socket", u.Socket)
}

// Unwrap returns what the system said.
func (u *Unreachable) Unwrap() error { return u.Err }

// unreachable turns an error of the transport into one for the operator.
func (c *Client) unreachable(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, fs.ErrPermission):
		return &Unreachable{Socket: c.socket, Denied: true, Err: err, group: groupOf(c.socket)}
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOTSOCK):
		return &Unreachable{Socket: c.socket, Err: err}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return fmt.Errorf("the appliance went away while answering on %s: see \"rollcall status\" before asking again: %w", c.socket, err)
	case errors.Is(err, syscall.EINVAL):
		return fmt.Errorf("%s cannot be a socket's path (too long?): name another with --socket: %w", c.socket, err)
	}
	return fmt.Errorf("%s: %w: see whether \"rollcall status\" answers", c.socket, err)
}

// groupOf returns the group of the socket or, where the directory hides it, of
// the nearest directory above that can be looked at; empty when it cannot be told.
func groupOf(path string) string {
	for range 8 {
		info, err := os.Stat(path)
		if err != nil {
			path = filepath.Dir(path)
			continue
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			return ""
		}
		g, err := user.LookupGroupId(strconv.FormatUint(uint64(st.Gid), 10))
		if err != nil {
			return ""
		}
		return g.Name
	}
	return ""
}
