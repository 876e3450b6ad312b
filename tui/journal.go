package tui

import (
	"context"
	"errors"
	"slices"
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
	env     *env
	poll    slot[[]model.Event]
	names   *names
	events  []model.Event
	shown   []int // indexes into events that match the filter
	last    int64 // sequence number of the newest, -1 before the first answer
	follow  bool
	table   kit.Table
	tableAt int // line of the body where the table begins
	filter  filter
	seen    time.Time // when the page was last on the screen
}

func newJournal(e *env) *journal {
	return &journal{
		env: e, last: -1, follow: true, filter: newFilter(100), names: newNames(e),
		table: kit.NewTable(
			kit.Column{Title: "WHEN", Min: 8, Keep: 8}, kit.Column{Title: "WHO", Min: 9, Flex: 1, Keep: 5},
			kit.Column{Title: "DID", Min: 15, Flex: 1, Keep: 9}, kit.Column{Title: "TO", Min: 19, Flex: 3, Keep: 7},
			kit.Column{Title: "WHAT AND WHY", Min: 18, Flex: 6, Keep: 6},
		),
	}
}

func (j *journal) title() string   { return "Journal" }
func (j *journal) subject() string { return "" }

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
		{Keys: []string{"enter", "l", "right"}, Intent: kit.Open, Label: "look", Help: "look at whom or what the event is about"},
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
	if cmd, ok := j.names.take(msg); ok {
		if j.filter.words() != "" {
			j.refilter()
		}
		return cmd
	}
	if !j.poll.take(j.env, msg) || j.poll.err != nil {
		return nil
	}
	if len(j.poll.value) == 0 {
		j.last = max(j.last, 0)
		return nil
	}
	j.add(j.poll.value)
	names := j.names.want(j.poll.value)
	j.poll.value = nil
	if j.env.now.Sub(j.seen) > statusEvery {
		return names // another page is shown
	}
	return tea.Batch(names, j.ask()) // there may be more already
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
		under, ok := j.current()
		j.events = append(j.events[:0:0], j.events[over:]...)
		j.list()
		if ok {
			j.rest(under.Seq)
		}
	}
	if j.follow {
		j.table.Do(kit.End, len(j.shown))
	}
}

func (j *journal) matches(ev model.Event) bool {
	q := j.filter.words()
	return q == "" || matches(q, ev.Actor, ev.Subject, ev.Verb, ev.Reason, strings.Join(ev.Fields, " "), j.names.known[ev.Subject], spoken(ev.Verb))
}

// list finds what the filter shows.
func (j *journal) list() {
	j.shown = j.shown[:0]
	for i, ev := range j.events {
		if j.matches(ev) {
			j.shown = append(j.shown, i)
		}
	}
}

// refilter lists anew and keeps the cursor on its event, or as near as can be.
func (j *journal) refilter() {
	under, ok := j.current()
	j.list()
	switch {
	case j.follow:
		j.table.Do(kit.End, len(j.shown))
	case ok:
		j.rest(under.Seq)
	}
}

// rest puts the cursor on the event with a number, or the one after it.
func (j *journal) rest(seq uint64) {
	at, _ := slices.BinarySearchFunc(j.shown, seq, func(i int, seq uint64) int { return int(int64(j.events[i].Seq) - int64(seq)) })
	j.table.Select(at, len(j.shown))
}

func (j *journal) current() (model.Event, bool) {
	if i := j.table.Cursor(); i < len(j.shown) && j.shown[i] < len(j.events) {
		return j.events[j.shown[i]], true
	}
	return model.Event{}, false
}

func (j *journal) do(intent kit.Intent) tea.Cmd {
	if j.table.Do(intent, len(j.shown)) {
		j.follow = intent == kit.End || (intent == kit.Down || intent == kit.PageDown) && j.table.Cursor() == len(j.shown)-1
		return nil
	}
	switch intent {
	case intentFollow:
		j.follow = !j.follow
		if j.follow {
			j.table.Do(kit.End, len(j.shown))
		}
	case kit.Search:
		j.filter.begin()
	case kit.Open:
		ev, ok := j.current()
		if !ok {
			return nil
		}
		if to, ok := subjectStop(ev.Subject); ok {
			return visitCmd(to.to, to.subject)
		}
		j.env.say(kit.Plain, "There is no page about "+ev.Subject+".")
	}
	return nil
}

func (j *journal) back() (tea.Cmd, bool) {
	if !j.filter.clear() {
		return nil, false
	}
	j.refilter()
	return nil, true
}

func (j *journal) ready() bool { return j.last >= 0 }

func (j *journal) typing() bool { return j.filter.typing() }

func (j *journal) key(msg tea.KeyMsg) tea.Cmd {
	if j.filter.key(msg) {
		j.refilter()
	}
	return nil
}

func (j *journal) click(_, y int) tea.Cmd {
	before := j.table.Cursor()
	if j.table.Click(y-j.tableAt, len(j.shown)) {
		if before == j.table.Cursor() {
			return j.do(kit.Open)
		}
		j.follow = false
	}
	return nil
}

func (j *journal) view(w, h int) kit.Block {
	theme := j.env.theme
	left := kit.L(kit.Text(kit.Strong, " "+kit.Plural(len(j.shown), "event", "events")))
	j.filter.with(&left, j.env, w)
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
	foot := j.inFull(w)
	j.tableAt = len(block)
	table := j.table.View(theme, w, h-len(block)-len(foot), eventRows{j.env, j.names, j.events, j.shown})
	return append(append(block, table.Take(h-len(block)-len(foot))...), foot...)
}

// inFull says the event at the cursor without cutting anything.
func (j *journal) inFull(w int) kit.Block {
	ev, ok := j.current()
	if !ok {
		return nil
	}
	text := ev.Subject + ", by " + ev.Actor
	if len(ev.Fields) > 0 {
		text += "; " + spoken(strings.Join(ev.Fields, ", "))
	}
	if ev.Reason != "" {
		text += "; " + ev.Reason
	}
	title := "Event " + kit.Count(int(ev.Seq)) + ", " + ev.At.In(j.env.now.Location()).Format("2006-01-02 15:04:05")
	return append(kit.Block{j.env.theme.Rule(title, w)}, kit.Paragraph(kit.Plain, text, w-4).Indent(2)...).Take(4)
}

// eventRows shows events in a table.
type eventRows struct {
	env    *env
	names  *names
	events []model.Event
	shown  []int
}

func (r eventRows) Len() int { return len(r.shown) }

func (r eventRows) Row(i int) ([]kit.Span, bool) {
	ev := r.events[r.shown[i]]
	return []kit.Span{
		kit.Text(kit.Faint, r.env.when(ev.At)), kit.Text(kit.Faint, actorName(ev.Actor)), kit.Text(verbRole(ev.Verb), spoken(ev.Verb)),
		r.names.of(ev.Subject), kit.Text(kit.Plain, eventWords(ev)),
	}, true
}

// eventWords says what changed and why.
func eventWords(ev model.Event) string {
	fields := spoken(strings.Join(ev.Fields, ", "))
	switch {
	case fields == "":
		return ev.Reason
	case ev.Reason == "":
		return fields
	}
	return fields + "; " + ev.Reason
}

// verbRole is how what happened is shown.
func verbRole(verb string) kit.Role {
	switch verb {
	case "created", "joined", "reactivated", "activated", "read_recovered", "conflict_closed", "rehired":
		return kit.Good
	case "deactivated", "read_failed", "parked", "coverage_lost", "account_gone", "lane_denied", "lane_broken", "rejected":
		return kit.Bad
	case "held", "conflict_opened", "lapsed", "paused", "lane_paused", "lane_waiting":
		return kit.Warn
	}
	return kit.Plain
}
