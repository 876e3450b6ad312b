package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/term"
	"github.com/muesli/termenv"

	"rollcall/tui/kit"
	"rollcall/tui/quiet"
)

func init() { quiet.Restore() }

// Options are how the terminal UI runs.
type Options struct {
	// ReadOnly hides the keys that change something, and says so.
	ReadOnly bool
	// Input and Output are the terminal; nil means standard input and output.
	Input  io.Reader
	Output io.Writer
	// Appearance is what the terminal can show; nil means to find out, see [Look].
	Appearance *kit.Appearance
	// Zone is the time zone times are shown in; nil means the local one.
	Zone *time.Location
	// Copy puts text on the operator's clipboard; nil means by asking the
	// terminal (OSC 52), which reaches through SSH to the operator's own machine.
	Copy func(string) error
	// Instant reads a time as the commands do ("30d", "2026-01-31"); nil leaves out
	// looking at the roster as it was.
	Instant func(now time.Time, text string) (time.Time, error)
}

// Look is the appearance of the terminal that out is, which is asked for the colour of
// its background, with the environment that
// getenv answers having its say (NO_COLOR, TERM, the locale).
func Look(out io.Writer, getenv func(string) string) kit.Appearance {
	r := lipgloss.NewRenderer(out) // the default one was kept from asking, see package quiet
	profile := r.ColorProfile()
	if f, ok := out.(*os.File); !ok || !term.IsTerminal(f.Fd()) {
		profile = termenv.Ascii
	}
	return kit.Detect(getenv, profile, r.HasDarkBackground())
}

// Run shows the terminal UI until the operator quits, which is nil, or ctx ends,
// which is its error. The terminal is restored in either case, and when the
// program panics, which is an error too. Run needs a terminal: on anything else
// it refuses and names the command to use instead.
func Run(ctx context.Context, client Client, o Options) error {
	if o.Input == nil {
		o.Input = os.Stdin
	}
	if o.Output == nil {
		o.Output = os.Stdout
	}
	if o.Zone == nil {
		o.Zone = time.Local
	}
	if o.Appearance == nil {
		look := Look(o.Output, os.Getenv)
		o.Appearance = &look
	}
	if f, ok := o.Output.(*os.File); ok {
		if !term.IsTerminal(f.Fd()) {
			return errors.New("tui: the output is not a terminal; run: rollcall status")
		}
		o.Output = &sharedFile{File: f}
	} else {
		o.Output = &sharedWriter{out: o.Output}
	}
	if o.Copy == nil {
		o.Copy = clipboard(o.Output)
	}
	// Questions under way end with the program.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	options := []tea.ProgramOption{
		tea.WithContext(ctx), tea.WithInput(o.Input), tea.WithOutput(o.Output), tea.WithAltScreen(),
		// Signals end ctx. With bubbletea listening as well, its goroutine tells a loop
		// that ctx has ended already, and the end waits for that goroutine for ever.
		tea.WithoutSignalHandler(),
	}
	if !o.Appearance.ASCII {
		options = append(options, tea.WithMouseCellMotion())
	}
	now := func() time.Time { return time.Now().In(o.Zone) }
	p := tea.NewProgram(newRoot(ctx, client, o, now()), options...)

	var ticking sync.WaitGroup
	ticking.Go(func() { sendTicks(ctx, p, now) })
	end, err := p.Run()
	ended := ctx.Err()
	cancel()
	ticking.Wait()
	if m, ok := end.(*root); ok && m.defect != nil {
		err = fmt.Errorf("%w: %w", tea.ErrProgramPanic, m.defect)
	}
	switch {
	case errors.Is(err, tea.ErrProgramPanic):
		return fmt.Errorf("tui: a defect in rollcall ended the terminal UI; the appliance runs on: %w", err)
	case ended != nil:
		return ended
	case err != nil && !errors.Is(err, tea.ErrInterrupted):
		return fmt.Errorf("tui: %w", err)
	}
	return nil
}

// clipboard asks the terminal to put text on its clipboard (OSC 52).
func clipboard(out io.Writer) func(text string) error {
	return func(text string) error {
		_, err := io.WriteString(out, ansi.SetSystemClipboard(text))
		return err
	}
}

// sendTicks lets the model see time pass.
func sendTicks(ctx context.Context, p *tea.Program, now func() time.Time) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			p.Send(tick(now()))
		}
	}
}

// sharedWriter lets a clipboard request go between two frames, never into one.
type sharedWriter struct {
	mu  sync.Mutex // serialises writes
	out io.Writer
}

func (w *sharedWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.Write(b)
}

// sharedFile is the same for a terminal, of which bubbletea also needs the rest.
type sharedFile struct {
	*os.File
	mu sync.Mutex // serialises writes
}

func (f *sharedFile) Write(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.File.Write(b)
}

// WriteString keeps io.WriteString from going past the lock.
func (f *sharedFile) WriteString(s string) (int, error) { return f.Write([]byte(s)) }
