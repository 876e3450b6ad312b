package tui

import (
	"context"
	"fmt"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/tui/kit"
)

// requestsShown is how many requests are asked for, the newest; the appliance
// keeps some thousands, and the command lists them all.
const requestsShown = 500

// Intents of the requests page.
const (
	intentFailed kit.Intent = "only_failed"
	intentSender kit.Intent = "next_sender"
)

// requests shows what SCIM senders asked and what they were answered, newest
// first, masked by the appliance.
type requests struct {
	filtered[admin.Request]
	source string // of one sender only
	failed bool   // only those that were refused
}

func newRequests(e *env) *requests {
	words := func(x admin.Request) []string {
		return []string{x.Source, x.Method, x.Path, fmt.Sprint(x.Status), x.Detail, strings.Join(x.Quirks, " ")}
	}
	same := func(a, b admin.Request) bool { return a.At.Equal(b.At) && a.Path == b.Path && a.Method == b.Method }
	return &requests{filtered: newFiltered(e, words, same,
		kit.Column{Title: "WHEN", Min: 8, Keep: 8}, kit.Column{Title: "SENDER", Min: 8, Flex: 1, Keep: 7},
		kit.Column{Title: "ANSWER", Min: 6, Right: true, Keep: 9}, kit.Column{Title: "ASKED", Min: 28, Flex: 5, Keep: 6},
		kit.Column{Title: "TOOK", Min: 6, Right: true, Keep: 3}, kit.Column{Title: "WHY, OR THE DIALECT'S RULE", Min: 14, Flex: 4, Keep: 5})}
}

func (r *requests) title() string   { return "Requests" }
func (r *requests) subject() string { return "" }

func (r *requests) command() string {
	command := "rollcall requests"
	if r.source != "" {
		command += " --source " + quoted(r.source)
	}
	if r.failed {
		command += " --failed"
	}
	return command
}

func (r *requests) bindings() kit.Keymap {
	what := kit.Binding{Keys: []string{"f"}, Intent: intentFailed, Label: "failed only", Help: "only requests that were refused, or all"}
	if r.failed {
		what.Label = "all"
	}
	keys := kit.Keymap{
		what,
		{Keys: []string{"s"}, Intent: intentSender, Label: "sender", Help: "of the next sender only; after the last one, of all"},
		{Keys: []string{"/"}, Intent: kit.Search, Label: "filter", Help: "only requests with these words"},
		{Keys: []string{"enter", "l", "right"}, Intent: kit.Open, Label: "source", Help: "look at the source that asked"},
	}
	return append(keys, kit.Moves()...)
}

func (r *requests) ask() tea.Cmd {
	source, failed, client := r.source, r.failed, r.env.client
	return r.list.ask(r.env, func(ctx context.Context) ([]admin.Request, error) {
		return client.Requests(ctx, source, failed, requestsShown)
	})
}

// visit shows the requests of the source that subject names.
func (r *requests) visit(subject string) tea.Cmd {
	if name := strings.TrimPrefix(subject, "source:"); name != "" {
		r.source, r.failed = name, false
		r.list.forget()
	}
	return r.ask()
}

func (r *requests) tick(now time.Time) tea.Cmd {
	if r.list.stale(now, refreshEvery) {
		return r.ask()
	}
	return nil
}

func (r *requests) take(msg tea.Msg) tea.Cmd {
	r.takeList(msg, func(cursor int) bool { return cursor == 0 }) // at the top it stays at the top, with the newest
	return nil
}

func (r *requests) do(intent kit.Intent) tea.Cmd {
	if r.table.Do(intent, len(r.shown)) {
		return nil
	}
	switch intent {
	case kit.Search:
		r.filter.begin()
	case intentFailed:
		r.failed = !r.failed
		return r.ask()
	case intentSender:
		senders := []string{""}
		for _, s := range r.env.status.value.Sources {
			if model.Kind(s.Kind).Pushes() {
				senders = append(senders, s.Name)
			}
		}
		r.source = after(r.source, senders)
		return r.ask()
	case kit.Open:
		if x, ok := r.current(); ok && x.Source != "" {
			return visitCmd(onSystems, "source:"+x.Source)
		}
	}
	return nil
}

func (r *requests) back() (tea.Cmd, bool) {
	if !r.filter.clear() && r.source == "" && !r.failed {
		return nil, false
	}
	r.refilter()
	r.source, r.failed = "", false
	return r.ask(), true
}

func (r *requests) click(_, y int) tea.Cmd {
	if r.clicked(y) {
		return r.do(kit.Open)
	}
	return nil
}

func (r *requests) view(w, h int) kit.Block {
	block := kit.Block{r.head(w)}
	block = append(block, asOf(r.env, &r.list, "the requests", w)...)
	if !r.list.loaded {
		return block
	}
	if len(r.shown) == 0 {
		text := "Nothing was asked yet. Give a sender a token on the page of the sources (8), and paste it there with the URL."
		if r.failed || r.source != "" || r.filter.words() != "" {
			text = "No request like this. esc shows all of them."
		}
		return append(block, kit.Paragraph(kit.Plain, text, w-4).Indent(2)...)
	}
	return r.under(block, r.inFull(w), requestRows{r}, w, h)
}

func (r *requests) head(w int) kit.Line {
	if !r.list.loaded {
		return kit.L(kit.Text(kit.Strong, " Requests"))
	}
	before, after := "", ""
	if r.failed {
		before = "refused "
	}
	if r.source != "" {
		after = " of " + r.source
	}
	return r.headline(before+"request"+after+", newest first", before+"requests"+after+", newest first", "the last", requestsShown, w)
}

// inFull says the request at the cursor without cutting anything.
func (r *requests) inFull(w int) kit.Block {
	x, ok := r.current()
	if !ok {
		return nil
	}
	text := x.Method + " " + x.Path
	if x.Token != "" {
		text += "; with token " + x.Token
	}
	if x.Dialect != "" {
		text += "; dialect " + x.Dialect
	}
	if len(x.Quirks) > 0 {
		text += "; " + strings.Join(x.Quirks, ", ")
	}
	if x.Detail != "" {
		text += "; answered: " + x.Detail
	}
	title := fmt.Sprintf("%s, answered %d", r.env.clock(x.At), x.Status)
	return append(kit.Block{r.env.theme.Rule(title, w)}, kit.Paragraph(kit.Plain, text, w-4).Indent(2)...).Take(5)
}

type requestRows struct{ *requests }

func (r requestRows) Row(i int) ([]kit.Span, bool) {
	x := r.list.value[r.shown[i]]
	role := kit.Good
	switch {
	case x.Status >= 500:
		role = kit.Bad
	case x.Status >= 400:
		role = kit.Warn
	}
	why := x.Detail
	if why == "" {
		why = strings.Join(x.Quirks, ", ")
	}
	sender := x.Source
	if sender == "" {
		sender = "unknown"
	}
	return []kit.Span{
		kit.Text(kit.Faint, r.env.when(x.At)), kit.Text(kit.Plain, sender), kit.Text(role, fmt.Sprint(x.Status)),
		kit.Text(kit.Plain, x.Method+" "+x.Path), kit.Text(kit.Faint, took(x.TookMS)), kit.Text(kit.Faint, why),
	}, true
}

// took writes milliseconds in at most six columns.
func took(ms float64) string {
	switch {
	case ms < 10:
		return fmt.Sprintf("%.1fms", ms)
	case ms < 10_000:
		return fmt.Sprintf("%.0fms", ms)
	}
	return fmt.Sprintf("%.0fs", ms/1000)
}
