package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Command runs a program with the message as JSON on its standard input. It is
// started without a shell, with no environment but PATH, and with a time limit
// that ends it and whatever it started.
type Command struct{ argv []string }

// NewCommand returns a channel that runs argv, whose first word is an absolute
// path.
func NewCommand(argv []string) *Command { return &Command{argv: argv} }

// Name returns "command".
func (*Command) Name() string { return "command" }

// Send runs the program; exit code 0 means that it took the message.
func (c *Command) Send(ctx context.Context, m Message) error {
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("command: encode the message: %w", err)
	}
	name := filepath.Base(c.argv[0])
	cmd := exec.CommandContext(ctx, c.argv[0], c.argv[1:]...)
	cmd.Stdin = bytes.NewReader(append(body, '\n'))
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("command: %s did not end in time and was stopped", name)
	case errors.As(err, &exit):
		return fmt.Errorf("command: %s ended with %s", name, exit.ProcessState)
	}
	return fmt.Errorf("command: %s could not be started: %w", name, errors.Unwrap(err))
}
