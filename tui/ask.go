package tui

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"rollcall/appliance/admin"
	"rollcall/tui/kit"
)

// Deadlines of questions and of changes. The appliance answers from its own disk
// within milliseconds; a check talks to the services themselves.
const (
	askWithin    = 10 * time.Second
	changeWithin = 30 * time.Second
	checkWithin  = 2 * time.Minute
)

// env is what the pages share. It is owned by the goroutine of Update and View.
type env struct {
	// ctx ends with the program. It is kept because a bubbletea command takes no
	// context of its own.
	ctx      context.Context
	client   Client
	theme    *kit.Theme
	readOnly bool
	copy     func(string) error
	instant  func(now time.Time, text string) (time.Time, error) // nil: no looking back

	now    time.Time // of the last tick
	gen    uint64    // of the last question
	status slot[admin.Status]
	reach  reach
	toast  kit.Toast
	dialog *kit.Dialog
	// accept and extra run when the open dialog is accepted or its extra key is
	// pressed, with what was typed.
	accept, extra func(value string) tea.Cmd
	command       string // that does what the open dialog asks about

	looked map[string]bool // sources in preview whose plan was looked at
}

// say shows a toast.
func (e *env) say(role kit.Role, text string) { e.toast = kit.NewToast(role, text, e.now) }

// open puts a dialog above the page.
func (e *env) open(d *kit.Dialog, accept func(value string) tea.Cmd) {
	e.dialog, e.accept, e.extra, e.command = d, accept, nil, ""
}

// ask puts a question above the page, with the command that does the same.
func (e *env) ask(d *kit.Dialog, command string, accept func(value string) tea.Cmd) {
	e.open(d, accept)
	e.command = command
}

// answer is what came back for a question.
type answer[T any] struct {
	gen   uint64
	value T
	err   error
}

// slot holds one question of a page and its last good answer. Asking again
// cancels the question before, whose answer is then dropped.
type slot[T any] struct {
	value  T
	loaded bool      // value is an answer
	at     time.Time // when it came
	err    error     // of the last question, nil when it was answered

	journal uint64 // number of the last event when it was asked

	gen     uint64
	waiting bool
	cancel  context.CancelFunc
}

// ask returns the command that asks.
func (s *slot[T]) ask(e *env, call func(context.Context) (T, error)) tea.Cmd {
	return s.askWithin(e, askWithin, call)
}

func (s *slot[T]) askWithin(e *env, limit time.Duration, call func(context.Context) (T, error)) tea.Cmd {
	s.drop()
	e.gen++
	gen := e.gen
	ctx, cancel := context.WithTimeout(e.ctx, limit)
	s.gen, s.waiting, s.cancel, s.journal = gen, true, cancel, e.status.value.Journal
	return func() (msg tea.Msg) {
		defer cancel()
		defer catch(&msg)
		value, err := call(ctx)
		return answer[T]{gen: gen, value: value, err: err}
	}
}

// take stores the answer in msg and reports whether it was for this slot.
func (s *slot[T]) take(e *env, msg tea.Msg) bool {
	a, ok := msg.(answer[T])
	if !ok || a.gen != s.gen || !s.waiting {
		return false
	}
	s.waiting, s.cancel = false, nil
	e.reach.note(e.now, a.err)
	s.err = a.err
	if a.err == nil {
		s.value, s.loaded, s.at = a.value, true, e.now
	}
	return true
}

// drop cancels the question under way; its answer will not be taken.
func (s *slot[T]) drop() {
	if s.cancel != nil {
		s.cancel()
	}
	s.waiting, s.cancel = false, nil
}

// forget drops question and answer: the slot is for something else now.
func (s *slot[T]) forget() {
	s.drop()
	*s = slot[T]{}
}

// unchangedFor is after how long something is asked again although the journal
// says that nothing has changed.
const unchangedFor = 30 * time.Second

// due reports whether it is time to ask again for something whose changes are
// journalled: while the number of the last event stays the same there is little
// need, and a thousand conflicts are not sent anew every few seconds.
func (s *slot[T]) due(e *env, now time.Time) bool {
	last := e.status.value.Journal
	return s.stale(now, refreshEvery) && (last == 0 || last != s.journal || s.err != nil || now.Sub(s.at) >= unchangedFor)
}

// stale reports whether it is time to ask again.
func (s *slot[T]) stale(now time.Time, after time.Duration) bool {
	return !s.waiting && now.Sub(s.at) >= after
}

// reach is whether the appliance answers.
type reach struct {
	lost  bool
	since time.Time
	tries int
	next  time.Time // when to try again
	err   error
}

// note takes the outcome of a question. A refusal is an answer too.
func (r *reach) note(now time.Time, err error) {
	var refusal *admin.Error
	switch {
	case errors.Is(err, context.Canceled): // we stopped waiting
	case err == nil, errors.As(err, &refusal):
		*r = reach{}
	default:
		if !r.lost {
			r.since = now
		}
		r.lost, r.err = true, err
		r.next = now.Add(min(time.Second<<min(r.tries, 4), 10*time.Second))
		r.tries++
	}
}

// changed is the outcome of something that was done.
type changed struct {
	text string // what to say when it worked
	err  error
	then func(done bool) tea.Cmd
}

// change returns the command that does something and says so; then runs in
// either case, with whether it was done, to ask how things are now.
func (e *env) change(do func(context.Context) (string, error), then func(done bool) tea.Cmd) tea.Cmd {
	ctx, cancel := context.WithTimeout(e.ctx, changeWithin)
	return func() (msg tea.Msg) {
		defer cancel()
		defer catch(&msg)
		text, err := do(ctx)
		return changed{text: text, err: err, then: then}
	}
}

// defect is a panic in a command. Left to itself it would be reported while the
// terminal is still raw; as a message it ends the program in good order.
type defect struct{ err error }

// catch turns a panic into a defect. What was panicked with is named only when
// the run time made it: anything else might hold a person's data.
func catch(msg *tea.Msg) {
	r := recover()
	if r == nil {
		return
	}
	what := "panic"
	if err, ok := r.(runtime.Error); ok {
		what = err.Error()
	}
	*msg = defect{fmt.Errorf("%s at %s", what, panicSite())}
}

// panicSite is the line that panicked, as "file.go:12".
func panicSite() string {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	panicking := false
	for {
		f, more := frames.Next()
		inRuntime := strings.HasPrefix(f.Function, "runtime.")
		if panicking = panicking || f.Function == "runtime.gopanic"; panicking && !inRuntime {
			return fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line)
		}
		if !more {
			return "an unknown line"
		}
	}
}

// sentence says an error to an operator.
func sentence(err error) string {
	var refusal *admin.Error
	switch {
	case errors.As(err, &refusal) && refusal.Code == admin.CodeStale:
		return refusal.Text + " (it has changed meanwhile: look again)"
	case errors.As(err, &refusal) && refusal.Code == admin.CodeReadOnly:
		return "this connection may only read: " + refusal.Text
	case errors.As(err, &refusal):
		return refusal.Text
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time; it may have been done: look again"
	}
	return err.Error()
}
