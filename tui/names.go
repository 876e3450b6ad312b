package tui

import (
	"context"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/tui/kit"
)

// namesKept bounds the names remembered; beyond it all are forgotten and asked
// for anew as they come into sight.
const namesKept = 30_000

// names remembers what humans call the subjects of events. The journal names
// them by id; the empty name is of one that has none, or is gone.
type names struct {
	env    *env
	known  map[string]string
	wanted []string
	asked  []string
	answer slot[map[string]string]
}

func newNames(e *env) *names { return &names{env: e, known: map[string]string{}} }

// want notes that the subjects of events are shown, and asks for those that are
// not known, one question at a time.
func (n *names) want(events []model.Event) tea.Cmd {
	for _, ev := range events {
		if _, known := n.known[ev.Subject]; known || !nameable(ev.Subject) {
			continue
		}
		if len(n.known) >= namesKept {
			clear(n.known)
		}
		n.known[ev.Subject] = ""
		n.wanted = append(n.wanted, ev.Subject)
	}
	return n.ask()
}

func (n *names) ask() tea.Cmd {
	if n.answer.waiting || len(n.wanted) == 0 {
		return nil
	}
	k := min(len(n.wanted), admin.MaxNames)
	n.asked, n.wanted = n.wanted[:k:k], n.wanted[k:]
	asked, client := n.asked, n.env.client
	return n.answer.ask(n.env, func(ctx context.Context) (map[string]string, error) { return client.Names(ctx, asked) })
}

// take stores an answer and reports whether it was one of names.
func (n *names) take(msg tea.Msg) (cmd tea.Cmd, taken bool) {
	if !n.answer.take(n.env, msg) {
		return nil, false
	}
	if n.answer.err != nil { // asked for again when they are seen again
		for _, subject := range append(n.asked, n.wanted...) {
			delete(n.known, subject)
		}
		n.asked, n.wanted = nil, nil
		return nil, true
	}
	for subject, name := range n.answer.value {
		n.known[subject] = name
	}
	n.answer.value, n.asked = nil, nil
	return n.ask(), true
}

// nameable reports whether a subject may have a name: those of which there are
// few, such as sources, are called by what stands there.
func nameable(subject string) bool {
	switch kind, _, _ := strings.Cut(subject, ":"); kind {
	case "person", "record", "conflict", "token":
		return true
	}
	return false
}

// of is what to call a subject.
func (n *names) of(subject string) kit.Span {
	if name := n.known[subject]; name != "" {
		return kit.Text(kit.Strong, name)
	}
	kind, id, found := strings.Cut(subject, ":")
	switch {
	case !found:
		return kit.Text(kit.Plain, subject)
	case kind == "source" || kind == "target":
		return kit.Text(kit.Plain, id)
	}
	return kit.Text(kit.Faint, kind+" "+id)
}

// actorName is who did something, in short: "uid:1000(jane)" is jane, a token is
// called by its source.
func actorName(actor string) string {
	kind, who, _ := strings.Cut(actor, ":")
	switch kind {
	case "uid":
		if at := strings.IndexByte(who, '('); at >= 0 {
			return strings.TrimSuffix(who[at+1:], ")")
		}
		return "user " + who
	case "source":
		return who
	case "token":
		source, _, _ := strings.Cut(who, "/")
		return source
	}
	return actor
}

// subjectStop is where a subject of the journal is shown.
func subjectStop(subject string) (stop, bool) {
	kind, id, _ := strings.Cut(subject, ":")
	switch kind {
	case "person":
		return stop{to: onPeople, subject: subject}, true
	case "conflict":
		return stop{to: onConflicts, subject: subject}, true
	case "run":
		return stop{to: onRuns, subject: id}, true
	case "source", "target":
		return stop{to: onSystems, subject: subject}, true
	}
	return stop{}, false
}
