package cli

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"rollcall/appliance/admin"
	"rollcall/appliance/admin/client"
	"rollcall/appliance/config"
	"rollcall/appliance/install"
)

// The exit codes, a promise to scripts.
const (
	ExitDone   = 0
	ExitFailed = 1
	ExitUsage  = 2 // wrong usage or configuration
	ExitHuman  = 3 // a hold, a conflict or a failed check waits for a human
)

// Streams is what a command reads from and writes to.
type Streams struct {
	In  io.Reader
	Out io.Writer // facts
	Err io.Writer // questions, progress, explanations, errors
	// Terminal says that Out is one, Interactive that someone can answer a
	// question: In and Err are terminals.
	Terminal    bool
	Interactive bool
	Width       int  // of Out in columns; 0 does not limit
	ErrWidth    int  // of Err
	Color       bool // whether Out may be coloured
}

// SystemStreams returns the streams of this process.
func SystemStreams() Streams {
	s := Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}
	s.Terminal = term.IsTerminal(os.Stdout.Fd())
	s.Interactive = term.IsTerminal(os.Stdin.Fd()) && term.IsTerminal(os.Stderr.Fd())
	if s.Terminal {
		if w, _, err := term.GetSize(os.Stdout.Fd()); err == nil {
			s.Width = w
		}
		_, off := os.LookupEnv("NO_COLOR")
		s.Color = !off && os.Getenv("TERM") != "dumb"
	}
	if w, _, err := term.GetSize(os.Stderr.Fd()); err == nil {
		s.ErrWidth = w
	}
	return s
}

// DemoOptions is how the demo was asked for.
type DemoOptions struct {
	Once   bool   // end after the first full sync with a summary
	People int    // how many people the simulated company has
	Seed   uint64 // same seed, same company and troubles
	JSON   bool   // with Once: the summary as JSON
}

// SimOptions is how a simulator was asked for.
type SimOptions struct {
	Listen string
	People int
	Seed   uint64
	Faults []string
	URL    string // okta and azure: the SCIM service to push to
	Token  string
}

// Deps is what the assembly puts behind the commands. A hook that is nil makes
// its command say that it is not part of this build.
type Deps struct {
	// Run is the daemon: it blocks until ctx ends. Path is empty when nobody
	// named a configuration; see config.Load.
	Run func(ctx context.Context, path string) error
	// Compact gives the free space of the database back; the sizes are in bytes.
	Compact func(configPath string) (before, after int64, err error)
	// Bench measures the program and prints what it found.
	Bench func(ctx context.Context, o BenchOptions, s Streams) error
	// Demo runs the simulated world until ctx ends or, with Once, until it is in step.
	Demo func(ctx context.Context, o DemoOptions, s Streams) error
	// Sim runs one simulator until ctx ends; SimKinds are those it knows.
	Sim      func(ctx context.Context, kind string, o SimOptions, s Streams) error
	SimKinds []string
	// TUI runs the terminal UI against a socket until its user leaves.
	TUI func(ctx context.Context, socket string, readOnly bool) error
	// Restore puts a backup in the place of the database, or only looks at it.
	Restore restoreHook
	// TestConfig runs the [[test]] tables of a configuration; nil: none are run.
	TestConfig func(*config.Config) config.TestReport
	// ConfigExample is config.example.toml.
	ConfigExample string
	// AlertRules and Dashboard are what monitoring loads.
	AlertRules, Dashboard string
	// Machine is what install changes; nil: this machine. InstallRoot stands before
	// every path it writes, empty for the machine itself.
	Machine     install.Machine
	InstallRoot string
	// SchemaOf tells the schema version of a database, also of one in use; Schema is
	// the one this program writes. Without SchemaOf install does not look.
	SchemaOf func(path string) (int, error)
	Schema   int
	// Guides holds the setup guides as TOPIC.md; nil: none are built in.
	Guides fs.FS
	// Version is what this binary is.
	Version admin.Version
	// Now tells the time for "3 min ago"; nil: time.Now.
	Now func() time.Time
	// LookupEnv finds environment variables; nil: os.LookupEnv.
	LookupEnv func(string) (string, bool)
}

// Main runs the command that args (without the program's name) ask for and
// returns the exit code. SIGINT and SIGTERM end it in an orderly way the first
// time, and at once the second.
func Main(args []string, s Streams, deps Deps) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return execute(ctx, args, s, deps)
}

// app is one invocation.
type app struct {
	Streams
	deps Deps
	out  *printer // Out
	note *printer // Err

	configPath string
	socketPath string
	json       bool

	asked *client.Client // nil until connect
}

func execute(ctx context.Context, args []string, s Streams, deps Deps) int {
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.LookupEnv == nil {
		deps.LookupEnv = os.LookupEnv
	}
	a := &app{
		Streams: s, deps: deps,
		out:  &printer{w: s.Out, width: s.Width, color: s.Color},
		note: &printer{w: s.Err, width: s.ErrWidth},
	}
	root := a.root()
	root.SetArgs(append([]string{}, args...)) // nil would mean those of the process
	err := root.ExecuteContext(ctx)
	if a.asked != nil {
		if warning := a.asked.Mismatch(deps.Version.Version); warning != "" {
			a.note.line("warning: ", warning)
		}
		a.asked.Close()
	}
	return a.end(ctx, err)
}

// end prints an error and returns the exit code for it.
func (a *app) end(ctx context.Context, err error) int {
	if a.out.err != nil {
		err = a.out.err // an answer that nobody could read is none
	}
	if err == nil {
		return ExitDone
	}
	if errors.Is(err, syscall.EPIPE) {
		return ExitFailed // the reader had enough, "rollcall people | head"
	}
	code := ExitFailed
	var e *exitError
	if errors.As(err, &e) {
		code = e.code
	}
	var refused *admin.Error
	if errors.As(err, &refused) && refused.Code == admin.CodeInvalid {
		code = ExitUsage
	}
	switch {
	case e != nil && e.err == nil:
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		a.note.line("rollcall: interrupted")
	default:
		a.note.paragraph("rollcall: " + err.Error())
	}
	return code
}

// exitError is an error with an exit code other than 1. Without err, everything
// was said already.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return "needs a human"
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// wrongUsage is the error of a command that was not used as it can be.
func wrongUsage(err error) error { return &exitError{code: ExitUsage, err: err} }

// needsHuman ends a command whose output says what waits.
func needsHuman() error { return &exitError{code: ExitHuman} }

// seconds bounds a question to the appliance that is answered from its memory.
func seconds(cmd *cobra.Command) (context.Context, context.CancelFunc) {
	return context.WithTimeout(cmd.Context(), time.Minute)
}
