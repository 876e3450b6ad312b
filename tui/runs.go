package tui

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/tui/kit"
)

// runsChunk is how many runs are asked for at a time.
const runsChunk = 100

// runs is the past, newest first, and one run in detail.
type runs struct {
	env     *env
	list    *kit.Window[model.Run]
	chunk   slot[runsAnswer]
	asked   int
	table   kit.Table
	opened  uint64
	detail  slot[runDetail]
	undoing slot[admin.Undo]
	scroll  kit.Scroll
	height  int
	tableAt int // line of the body where the table begins
}

type runsAnswer struct {
	chunk int
	rows  []model.Run
}

type runDetail struct {
	run        model.Run
	deliveries []admin.Delivery
}

func newRuns(e *env) *runs {
	return &runs{
		env: e, list: kit.NewWindow[model.Run](6),
		table: kit.NewTable(
			kit.Column{Title: "RUN", Min: 6, Right: true, Keep: 9}, kit.Column{Title: "SOURCE", Min: 10, Flex: 1, Keep: 8},
			kit.Column{Title: "CAUSE", Min: 8, Keep: 4}, kit.Column{Title: "ENDED", Min: 12, Keep: 7},
			kit.Column{Title: "BEGAN", Min: 10, Keep: 6}, kit.Column{Title: "SEEN", Min: 8, Right: true, Keep: 3},
			kit.Column{Title: "", Min: 18, Flex: 4, Keep: 5},
		),
	}
}

func (r *runs) subject() string {
	if r.opened == 0 {
		return ""
	}
	return "run:" + strconv.FormatUint(r.opened, 10)
}

func (r *runs) title() string { return "Runs" }

func (r *runs) command() string {
	if r.opened != 0 {
		return fmt.Sprintf("rollcall runs show %d", r.opened)
	}
	return "rollcall runs"
}

func (r *runs) bindings() kit.Keymap {
	keys := kit.Keymap{}
	if r.opened == 0 {
		keys = append(keys, kit.Binding{Keys: []string{"enter", "l", "right"}, Intent: kit.Open, Label: "look", Help: "what this run saw and caused"})
	} else if waiting(r.detail.value.run) > 0 {
		keys = append(keys, kit.Binding{Keys: []string{"enter", "a"}, Intent: kit.Open, Label: "hold", Help: "look at what is held, approve or reject"})
	}
	if r.opened != 0 && r.detail.loaded {
		keys = append(keys, kit.Binding{Keys: []string{"u"}, Intent: intentUndo, Label: "undo", Help: "put back what this run changed; shown before it is done", Mutates: true})
	}
	return append(keys, kit.Moves()...)
}

func (r *runs) visit(subject string) tea.Cmd {
	if seq, ok := runNumber(subject); ok {
		return r.show(seq)
	}
	if r.opened != 0 {
		return r.askDetail()
	}
	return r.refresh()
}

// refresh reads the chunk under the cursor again.
func (r *runs) refresh() tea.Cmd {
	chunk, after := r.list.Chunk(r.table.Cursor())
	return r.fetch(chunk, after)
}

func (r *runs) fetch(chunk int, after string) tea.Cmd {
	r.asked = chunk
	client := r.env.client
	return r.chunk.ask(r.env, func(ctx context.Context) (runsAnswer, error) {
		rows, err := client.Runs(ctx, admin.Page{After: after, Limit: runsChunk})
		return runsAnswer{chunk, rows}, err
	})
}

func (r *runs) need() tea.Cmd {
	first, end := r.table.Visible()
	chunk, after, ok := r.list.Want(first, end+end-first)
	if !ok || r.chunk.waiting && r.asked == chunk {
		return nil
	}
	return r.fetch(chunk, after)
}

func (r *runs) tick(now time.Time) tea.Cmd {
	if r.opened != 0 {
		if r.detail.value.run.Verdict == model.VerdictRunning && r.detail.stale(now, statusEvery) {
			return r.askDetail()
		}
		return nil
	}
	if r.chunk.stale(now, refreshEvery) {
		return r.refresh()
	}
	return nil
}

func (r *runs) show(seq uint64) tea.Cmd {
	r.opened, r.scroll = seq, kit.Scroll{}
	r.detail.forget()
	return r.askDetail()
}

func (r *runs) askDetail() tea.Cmd {
	seq, client := r.opened, r.env.client
	return r.detail.ask(r.env, func(ctx context.Context) (runDetail, error) {
		detail, err := client.Run(ctx, seq)
		return runDetail{detail.Run, detail.Deliveries}, err
	})
}

func (r *runs) take(msg tea.Msg) tea.Cmd {
	if r.undoing.take(r.env, msg) {
		r.confirmUndo()
		return nil
	}
	if r.detail.take(r.env, msg) || !r.chunk.take(r.env, msg) || r.chunk.err != nil {
		return nil
	}
	a := r.chunk.value
	next := ""
	if len(a.rows) == runsChunk {
		next = strconv.FormatUint(a.rows[len(a.rows)-1].Seq, 10)
	}
	under, ok := r.list.At(r.table.Cursor())
	r.list.Put(a.chunk, a.rows, next)
	if ok && r.table.Cursor() > 0 { // at the top it stays with the newest
		follow(r.list, &r.table, func(run model.Run) bool { return run.Seq == under.Seq })
	}
	return r.need()
}

func (r *runs) do(intent kit.Intent) tea.Cmd {
	if r.opened != 0 {
		switch {
		case r.scroll.Do(intent, r.height):
		case intent == kit.Open:
			return visitCmd(onPlan, strconv.FormatUint(r.opened, 10))
		case intent == intentUndo:
			return r.weighUndo()
		}
		return nil
	}
	n, _ := r.list.Len()
	if r.table.Do(intent, n) {
		return r.need()
	}
	if run, ok := r.list.At(r.table.Cursor()); ok && intent == kit.Open {
		return r.show(run.Seq)
	}
	return nil
}

func (r *runs) back() (tea.Cmd, bool) {
	if r.opened == 0 {
		return nil, false
	}
	r.opened = 0
	r.detail.forget()
	return r.refresh(), true
}

func (r *runs) ready() bool {
	if r.opened != 0 {
		return r.detail.loaded
	}
	return r.chunk.loaded
}

func (r *runs) typing() bool           { return false }
func (r *runs) key(tea.KeyMsg) tea.Cmd { return nil }

func (r *runs) click(_, y int) tea.Cmd {
	if r.opened != 0 {
		return nil
	}
	n, _ := r.list.Len()
	before := r.table.Cursor()
	if r.table.Click(y-r.tableAt, n) && before == r.table.Cursor() {
		return r.do(kit.Open)
	}
	return nil
}

func (r *runs) view(w, h int) kit.Block {
	if r.opened != 0 {
		return r.viewDetail(w, h)
	}
	n, complete := r.list.Len()
	block := kit.Block{kit.L(kit.Text(kit.Strong, " Runs, newest first"))}
	block = append(block, asOf(r.env, &r.chunk, "the runs", w)...)
	if n == 0 && complete {
		return append(block, kit.L(kit.Text(kit.Plain, "  No source was read or heard yet.")))
	}
	r.tableAt = len(block)
	return append(block, r.table.View(r.env.theme, w, h-len(block), runRows{r})...)
}

type runRows struct{ *runs }

func (r runRows) Len() int {
	n, complete := r.list.Len()
	if !complete && n > 0 {
		n++
	}
	return n
}

func (r runRows) Row(i int) ([]kit.Span, bool) {
	run, ok := r.list.At(i)
	if !ok {
		return nil, false
	}
	about := kit.Text(kit.Faint, causedWords(run.Counts))
	switch {
	case waiting(run) > 0:
		about = kit.Text(kit.Warn, r.env.theme.Signs.Warn+" held: "+kit.Count(waiting(run))+" wait for you")
	case run.Error != "":
		about = kit.Text(kit.Bad, run.Error)
	}
	return []kit.Span{
		kit.Text(kit.Strong, strconv.FormatUint(run.Seq, 10)), kit.Text(kit.Plain, run.Source), kit.Text(kit.Faint, string(run.Cause)),
		kit.Text(verdictRole(run.Verdict), string(run.Verdict)), kit.Text(kit.Faint, r.env.ago(run.Started)),
		kit.Text(kit.Plain, kit.Count(run.Counts.Seen)), about,
	}, true
}

// causedWords says what a run caused: "3 create, 1 deactivate".
func causedWords(c model.RunCounts) string {
	var parts []string
	for _, p := range []struct {
		n    int
		word string
	}{
		{c.Create, "create"}, {c.Update, "update"}, {c.Deactivate, "deactivate"}, {c.Reactivate, "reactivate"}, {c.Conflicts, "conflict"},
	} {
		if p.n > 1 && p.word == "conflict" {
			p.word = "conflicts"
		}
		if p.n > 0 {
			parts = append(parts, kit.Count(p.n)+" "+p.word)
		}
	}
	if len(parts) == 0 {
		return "nothing changed"
	}
	return strings.Join(parts, ", ")
}

// wavesWords says how far a run in waves has come at a target.
func wavesWords(ws model.Waves) (kit.Role, string) {
	var sizes []string
	for _, n := range ws.Sizes {
		sizes = append(sizes, kit.Count(n))
	}
	text := ws.Target + ", of " + strings.Join(sizes, ", ") + " accounts: "
	switch ws.State {
	case model.WavesDone:
		return kit.Good, text + "all were sent, and read back as they were sent"
	case model.WavesStopped:
		return kit.Warn, text + fmt.Sprintf("stopped at wave %d: %s", ws.Current, ws.Reason)
	}
	return kit.Accent, text + fmt.Sprintf("wave %d is being sent", ws.Current)
}

func (r *runs) viewDetail(w, h int) kit.Block {
	theme := r.env.theme
	if !r.detail.loaded {
		return append(kit.Block{{}}, asOf(r.env, &r.detail, "the run", w)...)
	}
	run := r.detail.value.run
	block := kit.Block{theme.Rule(fmt.Sprintf("Run %d %s", run.Seq, run.Source), w)}
	ended := ""
	if !run.Ended.IsZero() {
		ended = ", took " + run.Ended.Sub(run.Started).Round(time.Millisecond).String()
	}
	block = append(block, labelled(theme, "ended", string(run.Verdict), verdictRole(run.Verdict), w)...)
	block = append(block, labelled(theme, "began", r.env.clock(run.Started)+ended+"; cause: "+string(run.Cause), kit.Plain, w)...)
	c := run.Counts
	seen := fmt.Sprintf("%s in %s: %s unchanged, %s added, %s changed, %s missing, %s gone, %s out of scope", kit.Plural(c.Seen, "record", "records"),
		kit.Plural(c.Pages, "page", "pages"), kit.Count(c.Unchanged), kit.Count(c.Added), kit.Count(c.Changed), kit.Count(c.Missing), kit.Count(c.Gone), kit.Count(c.OutScope))
	if c.Expected > 0 {
		seen += "; the source said " + kit.Count(c.Expected)
	}
	block = append(block, labelled(theme, "saw", seen, kit.Plain, w)...)
	block = append(block, labelled(theme, "caused", causedWords(c), kit.Plain, w)...)
	if run.Error != "" {
		block = append(block, labelled(theme, "error", run.Error, kit.Bad, w)...)
	}
	for _, ws := range run.Waves {
		role, text := wavesWords(ws)
		block = append(block, labelled(theme, "waves", text, role, w)...)
	}
	for _, note := range run.Notes {
		block = append(block, labelled(theme, "note", note, kit.Plain, w)...)
	}
	if lines := holdLines(theme, run); len(lines) > 0 {
		block = append(append(block, theme.Rule("Guards", w)), lines.Indent(2)...)
	}
	if pending := r.detail.value.deliveries; len(pending) > 0 {
		block = append(block, theme.Rule(kit.Plural(len(pending), "delivery", "deliveries")+" still pending", w))
		for _, d := range pending[:min(len(pending), 500)] {
			block = append(block, kit.L(kit.Text(jobState(d.State), "  "+d.State+" "), kit.Text(effectRole(d.Effect), d.Effect+" "),
				kit.Text(kit.Strong, nameOf(d.Person)), kit.Text(kit.Faint, " in "+d.Target+" "+strings.Join(d.Changed, ", "))))
		}
	}
	r.height = len(block)
	return r.scroll.View(theme, block, h)
}
