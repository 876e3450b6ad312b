package notify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
)

// ledger is a Memory that can refuse to store.
type ledger struct {
	mu   sync.Mutex
	told map[string]Told
	full bool
}

func (l *ledger) Load() (map[string]Told, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.told), nil
}

func (l *ledger) Save(told map[string]Told) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.full {
		return errors.New("no space left on device")
	}
	l.told = maps.Clone(told)
	return nil
}

// wire is a Channel that remembers, and fails when told to.
type wire struct {
	name string
	mu   sync.Mutex
	down bool
	got  []string // "opened hold/1"
	ids  []string
	text string
	n    int // attempts
}

func (w *wire) Name() string { return w.name }

func (w *wire) Send(_ context.Context, m Message) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.n++
	if w.down {
		return errors.New("nobody answers")
	}
	w.text = m.Text
	for _, e := range m.Events {
		w.got = append(w.got, e.Event+" "+e.Key)
		w.ids = append(w.ids, e.ID)
	}
	return nil
}

func (w *wire) set(down bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = down
}

func (w *wire) heard() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.got, ", ")
}

func (w *wire) attempts() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.n
}

// board is what needs a human.
type board struct {
	mu      sync.Mutex
	matters []Matter
	err     error
}

func (b *board) set(keys ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.matters = nil
	for _, k := range keys {
		kind, subject, _ := strings.Cut(k, "/")
		b.matters = append(b.matters, Matter{Key: k, Kind: kind, Subject: subject, Text: k + " waits", Command: "rollcall status"})
	}
}

func (b *board) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
}

func (b *board) look(context.Context) ([]Matter, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.matters), b.err
}

// world runs a notifier in fake time; pass lets time go by.
type world struct {
	t       *testing.T
	board   *board
	ledger  *ledger
	hook    *wire
	mail    *wire
	n       *Notifier
	stopRun func()
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, board: &board{}, ledger: &ledger{}, hook: &wire{name: "webhook"}, mail: &wire{name: "email"}}
	w.start()
	return w
}

func (w *world) start() {
	w.n = New("test", []Channel{w.hook, w.mail}, w.board.look, w.ledger, hclog.NewNullLogger())
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := w.n.Run(ctx); err != nil {
			w.t.Error(err)
		}
	}()
	w.stopRun = func() { cancel(); <-done }
}

func (w *world) pass(d time.Duration) {
	time.Sleep(d) // fake time
	synctest.Wait()
}

func (w *world) heard(want string) {
	w.t.Helper()
	for _, c := range []*wire{w.hook, w.mail} {
		if got := c.heard(); got != want {
			w.t.Errorf("%s heard %q, want %q", c.name, got, want)
		}
	}
}

func inFakeTime(t *testing.T, test func(*world)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		test(w)
		w.stopRun()
	})
}

func TestAMatterIsToldOnceAndOnceMoreWhenItIsOver(t *testing.T) {
	inFakeTime(t, func(w *world) {
		w.board.set("hold/12")
		w.pass(Settle - lookEvery)
		w.heard("")
		w.pass(24 * time.Hour)
		w.heard("opened hold/12")
		w.board.set()
		w.pass(24 * time.Hour)
		w.heard("opened hold/12, closed hold/12")
		if len(w.ledger.told) != 0 {
			w.t.Errorf("a matter that is over is still remembered: %v", w.ledger.told)
		}
		w.board.set("hold/12")
		w.pass(time.Hour)
		w.heard("opened hold/12, closed hold/12, opened hold/12")
		if w.hook.ids[0] == w.hook.ids[2] {
			w.t.Error("the same matter at another time has the same id")
		}
	})
}

func TestAHiccupIsNotTold(t *testing.T) {
	inFakeTime(t, func(w *world) {
		w.pass(lookEvery / 3) // so that each look sees one of the two
		for range 50 {
			w.board.set("lane/javelo")
			w.pass(lookEvery)
			w.board.set()
			w.pass(lookEvery)
		}
		w.heard("")
		w.board.set("lane/javelo")
		w.pass(time.Hour)
		for range 50 { // and neither is a short recovery an end
			w.board.set()
			w.pass(lookEvery)
			w.board.set("lane/javelo")
			w.pass(lookEvery)
		}
		w.heard("opened lane/javelo")
	})
}

func TestAChannelThatWasDownIsToldWhatIsStillTrue(t *testing.T) {
	inFakeTime(t, func(w *world) {
		w.mail.set(true)
		w.board.set("hold/1", "hold/2")
		w.pass(time.Hour)
		w.board.set("hold/2", "hold/3")
		w.pass(time.Hour)
		if got, want := w.hook.heard(), "opened hold/1, opened hold/2, opened hold/3, closed hold/1"; got != want {
			w.t.Errorf("the channel that works heard %q, want %q", got, want)
		}
		if f := w.n.Failing(); len(f) != 1 || f[0].Channel != "email" || f[0].Reason != "nobody answers" {
			w.t.Errorf("failing channels: %+v", f)
		}
		w.pass(7 * 24 * time.Hour)
		if n := w.mail.attempts(); n > 7*24+20 {
			w.t.Errorf("a channel that is down for a week was tried %d times", n)
		}
		w.mail.set(false)
		w.pass(2 * time.Hour)
		if got, want := w.mail.heard(), "opened hold/2, opened hold/3"; got != want {
			w.t.Errorf("the channel that was down heard %q, want %q", got, want)
		}
		if f := w.n.Failing(); len(f) != 0 {
			w.t.Errorf("failing channels: %+v", f)
		}
	})
}

func TestARestartTellsNothingTwice(t *testing.T) {
	inFakeTime(t, func(w *world) {
		w.board.set("hold/1")
		w.pass(time.Hour)
		w.stopRun()
		w.start()
		w.pass(time.Hour)
		w.heard("opened hold/1")
		w.stopRun()
		w.board.set()
		w.start()
		w.pass(time.Hour)
		w.heard("opened hold/1, closed hold/1")
	})
}

func TestWhatCouldNotBeRememberedIsSentAgainWithTheSameID(t *testing.T) {
	inFakeTime(t, func(w *world) {
		w.board.set("hold/1")
		w.pass(lookEvery)
		w.ledger.mu.Lock()
		w.ledger.full = true
		w.ledger.mu.Unlock()
		w.pass(2 * Settle)
		w.ledger.mu.Lock()
		w.ledger.full = false
		w.ledger.mu.Unlock()
		w.pass(time.Hour)
		if n := len(w.hook.ids); n < 2 {
			w.t.Fatalf("the message was sent %d times; a full disk must not end in silence", n)
		}
		if same := slices.Compact(slices.Clone(w.hook.ids)); len(same) != 1 {
			w.t.Errorf("the same news has the ids %v", same)
		}
	})
}

func TestNotKnowingIsNoReasonToCallAnythingOver(t *testing.T) {
	inFakeTime(t, func(w *world) {
		w.board.set("source/hibob")
		w.pass(time.Hour)
		w.board.set()
		w.board.fail(errors.New("the database is busy"))
		w.pass(time.Hour)
		w.heard("opened source/hibob")
	})
}

func TestManyMattersOfAKindAreOneSentence(t *testing.T) {
	inFakeTime(t, func(w *world) {
		keys := make([]string, 1000)
		for i := range keys {
			keys[i] = fmt.Sprintf("conflict/%04d", i)
		}
		w.board.set(append(keys, "hold/1")...)
		w.pass(time.Hour)
		if lines := strings.Count(w.hook.text, "\n"); lines != 2 {
			w.t.Errorf("a thousand conflicts and a hold make %d lines:\n%s", lines, w.hook.text)
		}
		if !strings.Contains(w.hook.text, "1000 matters of kind conflict") || !strings.Contains(w.hook.text, "hold/1 waits (rollcall status)") {
			w.t.Errorf("the text says:\n%s", w.hook.text)
		}
	})
}

func TestAChannelThatWasTakenOutLeavesNothingBehind(t *testing.T) {
	inFakeTime(t, func(w *world) {
		w.board.set("hold/1")
		w.pass(time.Hour)
		w.stopRun()
		w.n = New("test", []Channel{w.hook}, w.board.look, w.ledger, hclog.NewNullLogger())
		w.board.set()
		ctx, cancel := context.WithCancel(w.t.Context())
		done := make(chan error)
		go func() { done <- w.n.Run(ctx) }()
		w.pass(time.Hour)
		cancel()
		<-done
		if len(w.ledger.told) != 0 {
			w.t.Errorf("still remembered: %v", w.ledger.told)
		}
	})
}
