package tui

import (
	"context"
	"fmt"
	"slices"
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
	env     *env
	list    slot[[]admin.Request]
	source  string // of one sender only
	failed  bool   // only those that were refused
	shown   []int  // indexes into list.value that match the filter
	table   kit.Table
	tableAt int
	filter  kit.Field
	typed   bool
}

func newRequests(e *env) *requests {
	return &requests{
		env: e, filter: kit.NewField(100),
		table: kit.NewTable(
			kit.Column{Title: "WHEN", Min: 8, Keep: 8}, kit.Column{Title: "SENDER", Min: 8, Flex: 1, Keep: 7},
			kit.Column{Title: "ANSWER", Min: 6, Right: true, Keep: 9}, kit.Column{Title: "ASKED", Min: 28, Flex: 5, Keep: 6},
			kit.Column{Title: "TOOK", Min: 6, Right: true, Keep: 3}, kit.Column{Title: "WHY, OR THE DIALECT'S RULE", Min: 14, Flex: 4, Keep: 5},
		),
	}
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
	under, ok := r.current()
	if !r.list.take(r.env, msg) {
		return nil
	}
	r.refilter()
	at := slices.IndexFunc(r.shown, func(i int) bool {
		x := r.list.value[i]
		return x.At.Equal(under.At) && x.Path == under.Path && x.Method == under.Method
	})
	if ok && at >= 0 && r.table.Cursor() > 0 { // at the top it stays at the top, with the newest
		r.table.Select(at, len(r.shown))
	}
	return nil
}

func (r *requests) refilter() {
	r.shown = r.shown[:0]
	for i, x := range r.list.value {
		if matches(r.filter.Value(), x.Source, x.Method, x.Path, fmt.Sprint(x.Status), x.Detail, strings.Join(x.Quirks, " ")) {
			r.shown = append(r.shown, i)
		}
	}
	r.table.Select(r.table.Cursor(), len(r.shown))
}

func (r *requests) current() (admin.Request, bool) {
	if i := r.table.Cursor(); i < len(r.shown) && r.shown[i] < len(r.list.value) {
		return r.list.value[r.shown[i]], true
	}
	return admin.Request{}, false
}

func (r *requests) do(intent kit.Intent) tea.Cmd {
	if r.table.Do(intent, len(r.shown)) {
		return nil
	}
	switch intent {
	case kit.Search:
		r.typed = true
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
	if r.filter.Value() == "" && r.source == "" && !r.failed {
		return nil, false
	}
	r.filter.Set("")
	r.source, r.failed = "", false
	return r.ask(), true
}

func (r *requests) ready() bool { return r.list.loaded }

func (r *requests) typing() bool { return r.typed }

func (r *requests) key(msg tea.KeyMsg) tea.Cmd {
	switch msg.String() {
	case "esc":
		r.filter.Set("")
		r.refilter()
		fallthrough
	case "enter", "down", "up":
		r.typed = false
		return nil
	}
	if r.filter.Key(msg) {
		r.refilter()
	}
	return nil
}

func (r *requests) click(_, y int) tea.Cmd {
	before := r.table.Cursor()
	if r.table.Click(y-r.tableAt, len(r.shown)) && before == r.table.Cursor() {
		return r.do(kit.Open)
	}
	return nil
}

func (r *requests) view(w, h int) kit.Block {
	block := kit.Block{r.headline(w)}
	block = append(block, asOf(r.env, &r.list, "the requests", w)...)
	if !r.list.loaded {
		return block
	}
	if len(r.shown) == 0 {
		text := "Nothing was asked yet. Give a sender a token on the page of the sources (8), and paste it there with the URL."
		if r.failed || r.source != "" || r.filter.Value() != "" {
			text = "No request like this. esc shows all of them."
		}
		return append(block, kit.Paragraph(kit.Plain, text, w-4).Indent(2)...)
	}
	foot := r.inFull(w)
	r.tableAt = len(block)
	table := r.table.View(r.env.theme, w, h-len(block)-len(foot), requestRows{r}).Take(h - len(block) - len(foot))
	return append(append(block, table...), foot...)
}

func (r *requests) headline(w int) kit.Line {
	if !r.list.loaded {
		return kit.L(kit.Text(kit.Strong, " Requests"))
	}
	what := "requests"
	if len(r.shown) == 1 {
		what = "request"
	}
	if r.failed {
		what = "refused " + what
	}
	if r.source != "" {
		what += " of " + r.source
	}
	n := kit.Count(len(r.shown))
	if len(r.list.value) >= requestsShown {
		n = "the last " + n
	}
	left := kit.L(kit.Text(kit.Strong, " "+n+" "+what+", newest first"))
	if r.typed || r.filter.Value() != "" {
		left.Spans = append(left.Spans, kit.Text(kit.Faint, "  with "))
		left.Spans = append(left.Spans, r.filter.Spans(r.env.theme, w/3, r.typed)...)
	}
	return kit.Justify(left, kit.L(kit.Text(kit.Faint, "as of "+r.env.clock(r.list.at)+" ")), w)
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

func (r requestRows) Len() int { return len(r.shown) }

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
