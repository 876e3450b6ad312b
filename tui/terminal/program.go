package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/creack/pty"
)

// Program is a program that runs in a pseudo-terminal.
type Program struct {
	*Screen
	cmd  *exec.Cmd
	tty  *os.File
	read chan struct{} // closed when the program's output has ended
}

// Start runs a program on a screen of w columns and h lines, with env beside
// what the caller's own environment has. It is killed when ctx ends.
func Start(ctx context.Context, w, h int, env []string, name string, args ...string) (*Program, error) {
	p := &Program{Screen: NewScreen(w, h), cmd: exec.CommandContext(ctx, name, args...), read: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	tty, err := pty.StartWithSize(p.cmd, &pty.Winsize{Rows: uint16(h), Cols: uint16(w)})
	if err != nil {
		return nil, fmt.Errorf("terminal: start %s: %w", name, err)
	}
	p.tty = tty
	go p.listen()
	return p, nil
}

// listen takes what the program writes and answers what it asks.
func (p *Program) listen() {
	defer close(p.read)
	buf := make([]byte, 32<<10)
	for {
		n, err := p.tty.Read(buf)
		_, _ = p.Write(buf[:n])
		if answer := p.reply(); len(answer) > 0 {
			_, _ = p.tty.Write(answer)
		}
		if err != nil {
			return // EIO when the program has ended
		}
	}
}

// keys are the names of keys that are not letters.
var keys = map[string]string{
	"enter": "\r", "esc": "\x1b", "tab": "\t", "backspace": "\x7f", "space": " ",
	"up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D", "pgup": "\x1b[5~", "pgdown": "\x1b[6~", "ctrl+c": "\x03",
	"ctrl+u": "\x15",
}

// Press presses keys, by name ("enter") or as the letters they are.
func (p *Program) Press(names ...string) error {
	for _, name := range names {
		text, ok := keys[name]
		if !ok {
			text = name
		}
		if _, err := io.WriteString(p.tty, text); err != nil {
			return fmt.Errorf("terminal: press %s: %w", name, err)
		}
	}
	return nil
}

// Resize tells the program that its window has another size.
func (p *Program) Resize(w, h int) error {
	p.Screen.Resize(w, h)
	return pty.Setsize(p.tty, &pty.Winsize{Rows: uint16(h), Cols: uint16(w)})
}

// Await returns when the screen shows all of the texts, wrapped or not, or with
// an error and the screen as it is after a while or when the program has ended.
func (p *Program) Await(within time.Duration, texts ...string) error {
	return p.AwaitThat(within, fmt.Sprintf("%q", texts), func(screen string) bool {
		flat := Flat(screen)
		for _, text := range texts {
			if !strings.Contains(screen, text) && !strings.Contains(flat, text) {
				return false
			}
		}
		return true
	})
}

// AwaitThat is Await of anything that can be told from the screen.
func (p *Program) AwaitThat(within time.Duration, what string, holds func(screen string) bool) error {
	late := time.NewTimer(within)
	defer late.Stop()
	for {
		p.mu.Lock()
		text, changed := p.text(), p.changed
		p.mu.Unlock()
		if holds(text) {
			return nil
		}
		select {
		case <-changed:
		case <-p.read:
			return fmt.Errorf("terminal: the program ended before it showed %s:\n%s", what, p.Text())
		case <-late.C:
			return fmt.Errorf("terminal: after %v the screen does not show %s:\n%s", within, what, p.Text())
		}
	}
}

// Flat joins the lines of a screen, without the frames of dialogs.
func Flat(screen string) string {
	var words []string
	for line := range strings.Lines(screen) {
		words = append(words, strings.Fields(strings.Trim(line, " │|\n"))...)
	}
	return strings.Join(words, " ")
}

// Signal sends a signal to the program.
func (p *Program) Signal(s syscall.Signal) error { return p.cmd.Process.Signal(s) }

// Wait returns how the program ended, and gives the pseudo-terminal back. One that
// takes longer than within is killed, which is an error that has its screen.
func (p *Program) Wait(within time.Duration) error {
	var late error
	killer := time.AfterFunc(within, func() { _ = p.cmd.Process.Kill() })
	err := p.cmd.Wait()
	if !killer.Stop() {
		late = fmt.Errorf("terminal: the program did not end within %v:\n%s", within, p.Text())
	}
	<-p.read
	return errors.Join(late, err, p.tty.Close())
}
