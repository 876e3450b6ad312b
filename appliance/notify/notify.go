package notify

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

const (
	// Settle is how long a matter must be there, or be gone, before it is told.
	Settle = 30 * time.Second
	// lookEvery is how often the matters are compared with what was told.
	lookEvery = 15 * time.Second
	// sendTimeout bounds one message on one channel.
	sendTimeout = 30 * time.Second
	// firstRetry and lastRetry bound the rest between two attempts on a channel
	// that fails; it doubles from one to the other.
	firstRetry = time.Minute
	lastRetry  = time.Hour
)

// Matter is something that waits for a human.
type Matter struct {
	// Key tells one matter from another for as long as it lasts. It names no
	// person.
	Key     string `json:"key"`
	Kind    string `json:"kind"`    // hold, conflict, source, lane, parked, activate, certificate…
	Subject string `json:"subject"` // "run 12", "hibob"
	Text    string `json:"text"`    // a sentence
	Command string `json:"command"` // what deals with it
}

// What a message says of a matter.
const (
	Opened = "opened"
	Closed = "closed"
	Test   = "test"
)

// Event is one piece of news about one matter.
type Event struct {
	// ID is the same each time this news is sent, so that who receives it twice
	// can tell.
	ID    string    `json:"id"`
	Event string    `json:"event"` // opened, closed or test
	Since time.Time `json:"since"` // when the matter began
	Matter
}

// Message is what a channel sends in one go. Events are sorted, never empty.
type Message struct {
	// Appliance says which one speaks: its public URL or the name of its machine.
	Appliance string    `json:"appliance"`
	At        time.Time `json:"at"`
	// Text is all of it for a human. Chat services show the field "text".
	Text   string  `json:"text"`
	Events []Event `json:"events"`
}

// Channel is one way to reach humans. Send is called by one goroutine at a time.
// An error means that the message must be sent again; its text holds no secret.
type Channel interface {
	Name() string
	Send(ctx context.Context, m Message) error
}

// Told is what is remembered of one matter between looks, across restarts.
type Told struct {
	Matter Matter    `json:"matter"`
	Since  time.Time `json:"since"`
	// Gone is when the matter was first missing, zero while it is there.
	Gone time.Time `json:"gone,omitzero"`
	// Channels lists, sorted, those that were told that it began and not yet that
	// it is over.
	Channels []string `json:"channels,omitempty"`
}

// Memory keeps what was told, by the key of the matter.
type Memory interface {
	Load() (map[string]Told, error)
	Save(map[string]Told) error
}

// Notifier compares what needs a human with what humans were told. Run is called
// once; the other methods are safe for concurrent use.
type Notifier struct {
	appliance string
	channels  []Channel
	matters   func(context.Context) ([]Matter, error)
	memory    Memory
	log       hclog.Logger

	mu    sync.Mutex // guards what follows
	state map[string]*health
}

// health is how a channel fared.
type health struct {
	failures int
	retryAt  time.Time
	err      string
	sent     time.Time
}

// New returns a notifier. matters is asked at each look; an error of it skips the
// look, because not knowing is no reason to call anything over.
func New(appliance string, channels []Channel, matters func(context.Context) ([]Matter, error), memory Memory, log hclog.Logger) *Notifier {
	n := &Notifier{appliance: appliance, channels: channels, matters: matters, memory: memory, log: log, state: map[string]*health{}}
	for _, c := range channels {
		n.state[c.Name()] = &health{}
	}
	return n
}

// Run tells until ctx ends, and returns nil then. Without channels it returns at
// once.
func (n *Notifier) Run(ctx context.Context) error {
	if len(n.channels) == 0 {
		return nil
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if err := n.look(ctx, time.Now()); err != nil && ctx.Err() == nil {
			n.log.Error("nobody could be told", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// look brings every channel that is due up to date.
func (n *Notifier) look(ctx context.Context, now time.Time) error {
	current, err := n.matters(ctx)
	if err != nil {
		return fmt.Errorf("what needs a human is not known: %w", err)
	}
	told, err := n.memory.Load()
	if err != nil {
		return fmt.Errorf("what was told is not known: %w", err)
	}
	if told == nil {
		told = map[string]Told{}
	}
	dirty := merge(told, current, now)
	for _, c := range n.channels {
		if !n.due(c.Name(), now) {
			continue
		}
		events := news(told, c.Name(), now)
		if len(events) == 0 {
			continue
		}
		err := n.send(ctx, c, events, now)
		if ctx.Err() != nil {
			break // what was not remembered is sent again by the next start
		}
		n.note(c.Name(), err, now)
		if err != nil {
			n.log.Warn("a channel was not told", "channel", c.Name(), "matters", len(events), "error", err)
			continue
		}
		for _, e := range events {
			t := told[e.Key]
			t.Channels = slices.DeleteFunc(slices.Clone(t.Channels), func(name string) bool { return name == c.Name() })
			if e.Event == Opened {
				t.Channels = append(t.Channels, c.Name())
				slices.Sort(t.Channels)
			}
			told[e.Key] = t
		}
		// Each channel's success is kept before the next is tried, which may hang.
		if err := n.memory.Save(told); err != nil {
			return fmt.Errorf("what was told is not stored: %w", err)
		}
		dirty = false
	}
	if n.forget(told, now) || dirty {
		if err := n.memory.Save(told); err != nil {
			return fmt.Errorf("what was told is not stored: %w", err)
		}
	}
	return nil
}

// merge notes which matters there are now and reports whether anything changed.
func merge(told map[string]Told, current []Matter, now time.Time) bool {
	dirty := false
	there := map[string]bool{}
	for _, m := range current {
		if there[m.Key] {
			continue
		}
		there[m.Key] = true
		t, known := told[m.Key]
		if !known || !t.Gone.IsZero() && len(t.Channels) == 0 {
			t.Since = now.UTC() // one that came back before anybody was told begins anew
		}
		if known && t.Matter == m && t.Gone.IsZero() {
			continue
		}
		t.Matter, t.Gone = m, time.Time{}
		told[m.Key], dirty = t, true
	}
	for key, t := range told {
		if !there[key] && t.Gone.IsZero() {
			t.Gone = now.UTC()
			told[key], dirty = t, true
		}
	}
	return dirty
}

// news lists what a channel does not know yet and may be told by now. A clock
// that was set back makes nothing wait longer than it should: an age below zero
// counts as settled.
func news(told map[string]Told, channel string, now time.Time) []Event {
	settled := func(since time.Time) bool { age := now.Sub(since); return age >= Settle || age < 0 }
	var out []Event
	for key, t := range told {
		knows := slices.Contains(t.Channels, channel)
		switch {
		case t.Gone.IsZero() && !knows && settled(t.Since):
			out = append(out, Event{ID: eventID(key, Opened, t.Since), Event: Opened, Since: t.Since, Matter: t.Matter})
		case !t.Gone.IsZero() && knows && settled(t.Gone):
			out = append(out, Event{ID: eventID(key, Closed, t.Since), Event: Closed, Since: t.Since, Matter: t.Matter})
		}
	}
	slices.SortFunc(out, func(a, b Event) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), a.Since.Compare(b.Since), cmp.Compare(a.Key, b.Key))
	})
	return out
}

// rank puts what began before what is over.
func rank(e Event) int {
	if e.Event == Closed {
		return 1
	}
	return 0
}

func eventID(key, event string, since time.Time) string {
	sum := sha256.Sum256([]byte(key + "\x00" + event + "\x00" + since.UTC().Format(time.RFC3339Nano)))
	return hex.EncodeToString(sum[:12])
}

// forget drops matters that are over and that no channel still believes in. What
// no configured channel can be told any more is dropped with them.
func (n *Notifier) forget(told map[string]Told, now time.Time) bool {
	dropped := false
	for key, t := range told {
		if t.Gone.IsZero() {
			continue
		}
		waiting := slices.ContainsFunc(t.Channels, func(name string) bool { return n.state[name] != nil })
		if !waiting && (len(t.Channels) > 0 || now.Sub(t.Gone) >= Settle || now.Before(t.Gone)) {
			delete(told, key)
			dropped = true
		}
	}
	return dropped
}

func (n *Notifier) send(ctx context.Context, c Channel, events []Event, now time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	return c.Send(ctx, Message{Appliance: n.appliance, At: now.UTC(), Text: Sentences(n.appliance, events), Events: events})
}

func (n *Notifier) due(channel string, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.state[channel]
	return !now.Before(h.retryAt) || h.retryAt.Sub(now) > lastRetry
}

func (n *Notifier) note(channel string, err error, now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.state[channel]
	if err == nil {
		*h = health{sent: now}
		return
	}
	h.failures++
	h.err = err.Error()
	h.retryAt = now.Add(min(firstRetry<<min(h.failures-1, 10), lastRetry))
}

// Failing is a channel that does not take messages.
type Failing struct {
	Channel string
	Reason  string // of the last failure
	Times   int    // in a row
}

// Failing lists the channels whose last message failed, sorted by name.
func (n *Notifier) Failing() []Failing {
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []Failing
	for name, h := range n.state {
		if h.failures > 0 {
			out = append(out, Failing{Channel: name, Reason: h.err, Times: h.failures})
		}
	}
	slices.SortFunc(out, func(a, b Failing) int { return cmp.Compare(a.Channel, b.Channel) })
	return out
}

// Try sends a test message over every channel now and returns how each fared, in
// the order of the configuration. It changes nothing of what was told.
func (n *Notifier) Try(ctx context.Context) []Tried {
	now := time.Now()
	event := Event{ID: eventID("test", Test, now), Event: Test, Since: now.UTC(), Matter: Matter{Key: "test", Kind: "test", Subject: "rollcall",
		Text: "this is a test, nothing is wrong", Command: "rollcall status"}}
	out := make([]Tried, 0, len(n.channels))
	for _, c := range n.channels {
		err := n.send(ctx, c, []Event{event}, now)
		if err != nil && ctx.Err() != nil {
			err = errors.New("nobody waited for the answer")
		}
		out = append(out, Tried{Channel: c.Name(), Err: err})
	}
	return out
}

// Tried is how one channel fared in a test.
type Tried struct {
	Channel string
	Err     error // nil: it took the message
}

// manyOfAKind is from how many matters of one kind on a text only counts them: a
// thousand conflicts are one sentence, not a thousand.
const manyOfAKind = 6

// Sentences says in words what a list of events says, one line each.
func Sentences(appliance string, events []Event) string {
	groups := map[string][]Event{}
	var order []string
	for _, e := range events {
		g := e.Event + " " + e.Kind
		if groups[g] == nil {
			order = append(order, g)
		}
		groups[g] = append(groups[g], e)
	}
	lines := make([]string, 0, len(events)+1)
	for _, g := range order {
		list := groups[g]
		if len(list) >= manyOfAKind {
			lines = append(lines, fmt.Sprintf("%s: %d matters of kind %s (%s)", word(list[0].Event), len(list), list[0].Kind, list[0].Command))
			continue
		}
		for _, e := range list {
			line := word(e.Event) + ": " + e.Text
			if e.Event != Closed {
				line += " (" + e.Command + ")"
			}
			lines = append(lines, line)
		}
	}
	return "rollcall at " + appliance + "\n" + strings.Join(lines, "\n")
}

func word(event string) string {
	switch event {
	case Closed:
		return "Over"
	case Test:
		return "Test"
	}
	return "Needs a human"
}
