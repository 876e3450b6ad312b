package tui

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/exp/teatest"

	"rollcall/appliance/admin"
)

func TestProgramStartsShowsAndQuits(t *testing.T) {
	tm := teatest.NewTestModel(t, newRoot(context.Background(), acme(), Options{Appearance: &plainLook}, noon), teatest.WithInitialTermSize(80, 24))
	teatest.WaitFor(t, tm.Output(), func(screen []byte) bool { return bytes.Contains(screen, []byte("rollcall approve 812")) })
	tm.Send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("q")})
	tm.WaitFinished(t, teatest.WithFinalTimeout(10*time.Second))
}

// paper is a terminal that only remembers what was written on it.
type paper struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (p *paper) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.buf.Write(b)
}

func (p *paper) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.buf.String()
}

// left reports whether the terminal was given back: the other screen left, the
// cursor shown, the mouse released.
func (p *paper) left(t *testing.T) {
	t.Helper()
	for name, sequence := range map[string]string{"the alternate screen": "\x1b[?1049l", "a hidden cursor": "\x1b[?25h", "the mouse": "\x1b[?1002l"} {
		if !strings.Contains(p.String(), sequence) {
			t.Errorf("the terminal is left with %s", name)
		}
	}
}

func TestRunEndsWithoutErrorWhenTheOperatorQuits(t *testing.T) {
	keys, press := io.Pipe()
	go func() { _, _ = io.WriteString(press, "q") }()
	out := &paper{}
	if err := Run(t.Context(), acme(), Options{Input: keys, Output: out, Appearance: &colourLook}); err != nil {
		t.Error(err)
	}
	out.left(t)
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	keys, _ := io.Pipe()
	out := &paper{}
	f := &leaving{fake: acme(), leave: cancel}
	if err := Run(ctx, f, Options{Input: keys, Output: out, Appearance: &colourLook}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	out.left(t)
}

// leaving is an appliance that is asked for its status once and for all.
type leaving struct {
	*fake
	leave func()
}

func (l *leaving) Status(ctx context.Context) (admin.Status, error) {
	l.leave()
	<-ctx.Done()
	return admin.Status{}, ctx.Err()
}

// TestASignalIsForWhoeverOwnsTheContext fails when the terminal UI takes signals
// itself: told twice, it sometimes never came to an end.
func TestASignalIsForWhoeverOwnsTheContext(t *testing.T) {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	defer signal.Stop(told)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	keys, press := io.Pipe()
	out := &paper{}
	ended := make(chan error, 1)
	f := &started{fake: acme(), first: make(chan struct{})}
	go func() { ended <- Run(ctx, f, Options{Input: keys, Output: out, Appearance: &colourLook}) }()
	<-f.first
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-told
	if _, err := io.WriteString(press, "?"); err != nil { // somebody still reads the keys
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	out.left(t)
}

// started tells when its status is asked for.
type started struct {
	*fake
	first chan struct{}
	once  sync.Once
}

func (s *started) Status(ctx context.Context) (admin.Status, error) {
	s.once.Do(func() { close(s.first) })
	return s.fake.Status(ctx)
}

// broken has a defect.
type broken struct{ *fake }

func (broken) Status(context.Context) (admin.Status, error) {
	var none []admin.Status
	return none[len("Ada Sample")], nil
}

// careless panics with what it was working on.
type careless struct{ *fake }

func (careless) Status(context.Context) (admin.Status, error) { panic("while reading Ada Sample") }

func TestRunGivesTheTerminalBackAfterAPanic(t *testing.T) {
	for _, tt := range []struct {
		client Client
		says   string
	}{{broken{acme()}, "index out of range [10] with length 0 at run_test.go:"}, {careless{acme()}, "panic at run_test.go:"}} {
		keys, _ := io.Pipe()
		out := &paper{}
		err := Run(t.Context(), tt.client, Options{Input: keys, Output: out, Appearance: &colourLook})
		if !errors.Is(err, tea.ErrProgramPanic) || !strings.Contains(err.Error(), "the appliance runs on") || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("got %v", err)
		}
		if strings.Contains(err.Error(), "Ada") {
			t.Errorf("the error names a person: %v", err)
		}
		out.left(t)
	}
}

func TestRunRefusesWhatIsNoTerminalAndNamesTheCommand(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	err = Run(t.Context(), acme(), Options{Output: f})
	if err == nil || !strings.Contains(err.Error(), "rollcall status") {
		t.Errorf("got %v", err)
	}
}

func TestClipboardRequestReachesTheTerminalAsOSC52(t *testing.T) {
	out := &paper{}
	if err := clipboard(out)("rc_example"); err != nil {
		t.Fatal(err)
	}
	if want := "\x1b]52;c;cmNfZXhhbXBsZQ==\a"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}
