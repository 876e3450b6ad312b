package tui

import (
	"context"
	"errors"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"rollcall/appliance/model"
	"rollcall/tui/kit"
)

const (
	journalKept  = 10_000           // lines held; older ones are in the command
	journalAsked = 1_000            // at most, at a time
	journalPoll  = 30 * time.Second // how long one question waits for news
)

// intentFollow switches following on and off.
const intentFollow kit.Intent = "follow"

// journal shows the audit trail as it grows. While the page is shown one
// question waits at the appliance for the next event (a long poll); an answer
// without news is followed by the next question at the next tick.
type journal struct {
	env    *env
	poll   slot[[]model.Event]
	events []model.Event
	shown  []int // indexes into events that match the filter
	last   int64 // sequence number of the newest, -1 before the first answer
	follow bool
	scroll kit.Scroll
	filter kit.Field
	typed  bool
	seen   time.Time // when the page was last on the screen
}

func newJournal(e *env) *journal {
	return &journal{env: e, last: -1, follow: true, filter: kit.NewField(100)}
}

func (j *journal) title() string { return "Journal" }

func (j *journal) command() string {
	if j.follow {
		return "rollcall journal --follow"
	}
	return "rollcall journal"
}

func (j *journal) bindings() kit.Keymap {
	label := "follow"
	if j.follow {
		label = "hold still"
	}
	keys := kit.Keymap{
		{Keys: []string{"f"}, Intent: intentFollow, Label: label, Help: "follow new events, or hold still"},
		{Keys: []string{"/"}, Intent: kit.Search, Label: "filter", Help: "only events with these words"},
	}
	return append(keys, kit.Moves()...)
}

func (j *journal) ask() tea.Cmd {
	last, client := j.last, j.env.client
	return j.poll.askWithin(j.env, journalPoll+askWithin, func(ctx context.Context) ([]model.Event, error) {
		if last < 0 {
			return client.Journal(ctx, -1, journalAsked, false)
		}
		waiting, cancel := context.WithTimeout(ctx, journalPoll)
		defer cancel()
		events, err := client.Journal(waiting, last, journalAsked, true)
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			return nil, nil // nothing happened
		}
		return events, err
	})
}

func (j *journal) visit(string) tea.Cmd {
	j.seen = j.env.now
	if j.poll.waiting {
		return nil
	}
	return j.ask()
}

func (j *journal) tick(time.Time) tea.Cmd { return j.visit("") }

func (j *journal) take(msg tea.Msg) tea.Cmd {
	if !j.poll.take(j.env, msg) || j.poll.err != nil {
		return nil
	}
	if len(j.poll.value) == 0 {
		j.last = max(j.last, 0)
		return nil
	}
	j.add(j.poll.value)
	j.poll.value = nil
	if j.env.now.Sub(j.seen) > statusEvery {
		return nil // another page is shown
	}
	return j.ask() // there may be more already
}

// add appends events and drops the oldest beyond what is kept.
func (j *journal) add(events []model.Event) {
	for _, ev := range events {
		if int64(ev.Seq) <= j.last {
			continue
		}
		j.last = int64(ev.Seq)
		if j.matches(ev) {
			j.shown = append(j.shown, len(j.events))
		}
		j.events = append(j.events, ev)
	}
	if over := len(j.events) - journalKept; over > journalKept/4 { // a quarter at a time
		j.events = append(j.events[:0:0], j.events[over:]...)
		j.refilter()
	}
	if j.follow {
		j.scroll.Do(kit.End, len(j.shown))
	}
}

func (j *journal) matches(ev model.Event) bool {
	return matches(j.filter.Value(), ev.Actor, ev.Subject, ev.Verb, ev.Reason, strings.Join(ev.Fields, " "))
}

func (j *journal) refilter() {
	j.shown = j.shown[:0]
	for i, ev := range j.events {
		if j.matches(ev) {
			j.shown = append(j.shown, i)
		}
	}
	if j.follow {
		j.scroll.Do(kit.End, len(j.shown))
	}
}

func (j *journal) do(intent kit.Intent) tea.Cmd {
	if j.scroll.Do(intent, len(j.shown)) {
		j.follow = intent == kit.End || (intent == kit.Down || intent == kit.PageDown) && j.scroll.AtEnd(len(j.shown))
		return nil
	}
	switch intent {
	case intentFollow:
		j.follow = !j.follow
		if j.follow {
			j.scroll.Do(kit.End, len(j.shown))
		}
	case kit.Search:
		j.typed = true
	}
	return nil
}

func (j *journal) back() (tea.Cmd, bool) {
	if j.filter.Value() == "" {
		return nil, false
	}
	j.filter.Set("")
	j.refilter()
	return nil, true
}

func (j *journal) typing() bool { return j.typed }

func (j *journal) key(msg tea.KeyMsg) tea.Cmd {
	switch msg.String() {
	case "esc":
		j.filter.Set("")
		j.refilter()
		fallthrough
	case "enter":
		j.typed = false
		return nil
	}
	if j.filter.Key(msg) {
		j.refilter()
	}
	return nil
}

func (j *journal) click(int, int) tea.Cmd { return nil }

func (j *journal) view(w, h int) kit.Block {
	theme := j.env.theme
	left := kit.L(kit.Text(kit.Strong, " "+kit.Plural(len(j.shown), "event", "events")))
	if j.typed || j.filter.Value() != "" {
		left.Spans = append(left.Spans, kit.Text(kit.Faint, "  with "))
		left.Spans = append(left.Spans, j.filter.Spans(theme, w/3, j.typed)...)
	}
	right := kit.L(kit.Text(kit.Faint, "holding still; f follows "))
	if j.follow {
		right = kit.L(kit.Text(kit.Good, theme.Signs.Good+" following "))
	}
	block := kit.Block{kit.Justify(left, right, w)}
	if j.poll.err != nil || j.last < 0 {
		block = append(block, asOf(j.env, &j.poll, "the journal", w)...)
	}
	if len(j.shown) == 0 && j.last >= 0 {
		return append(block, kit.L(kit.Text(kit.Faint, "  No event. New ones appear here by themselves.")))
	}
	room := h - len(block)
	top := j.scroll.Window(len(j.shown), room)
	for _, i := range j.shown[top:min(top+room, len(j.shown))] {
		block = append(block, eventLine(j.env, j.events[i]))
	}
	return block
}

// eventLine draws one event of the journal.
func eventLine(e *env, ev model.Event) kit.Line {
	line := kit.L(
		kit.Text(kit.Faint, " "+e.clock(ev.At)+"  "), kit.Text(kit.Strong, spoken(ev.Verb)+" "), kit.Text(kit.Accent, ev.Subject),
		kit.Text(kit.Faint, " by "+ev.Actor))
	if len(ev.Fields) > 0 {
		line.Spans = append(line.Spans, kit.Text(kit.Plain, " ["+strings.Join(ev.Fields, ", ")+"]"))
	}
	if ev.Reason != "" {
		line.Spans = append(line.Spans, kit.Text(kit.Plain, " "+ev.Reason))
	}
	return line
}
