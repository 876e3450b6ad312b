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

// overview says in one look whether all is well and, if not, what to do.
type overview struct {
	env    *env
	lately slot[[]model.Event]
	names  *names
	cursor int // among stops
	scroll kit.Scroll
	lines  map[int]int // line drawn → stop, for clicks
}

// latelyAsked is how many events the overview shows at most, where there is room.
const latelyAsked = 25

func newOverview(e *env) *overview { return &overview{env: e, names: newNames(e)} }

func (o *overview) title() string          { return "Overview" }
func (o *overview) command() string        { return "rollcall status" }
func (o *overview) subject() string        { return "" }
func (o *overview) ready() bool            { return o.env.status.loaded }
func (o *overview) typing() bool           { return false }
func (o *overview) key(tea.KeyMsg) tea.Cmd { return nil }
func (o *overview) back() (tea.Cmd, bool)  { return nil, false }
func (o *overview) visit(string) tea.Cmd   { return o.ask() }

// ask asks for the latest events; the status itself is asked for by the root.
func (o *overview) ask() tea.Cmd {
	client := o.env.client
	return o.lately.ask(o.env, func(ctx context.Context) ([]model.Event, error) { return client.Journal(ctx, -1, latelyAsked, false) })
}

func (o *overview) tick(now time.Time) tea.Cmd {
	if o.lately.due(o.env, now) {
		return o.ask()
	}
	return nil
}

func (o *overview) take(msg tea.Msg) tea.Cmd {
	if cmd, ok := o.names.take(msg); ok {
		return cmd
	}
	if o.lately.take(o.env, msg) {
		return o.names.want(o.lately.value)
	}
	return nil
}

func (o *overview) bindings() kit.Keymap {
	keys := kit.Keymap{{Keys: []string{"enter", "l", "right"}, Intent: kit.Open, Label: "open", Help: "open what the cursor is on"}}
	return append(keys, kit.Moves()...)
}

// stop is a line the cursor can rest on, and where it leads: to a page, or to
// nothing but advice, which is then said.
type stop struct {
	to      place
	subject string
	advice  string
}

// stops lists them in the order they are drawn.
func (o *overview) stops() []stop {
	st := o.env.status.value
	var out []stop
	for _, s := range firstSteps(st, o.env.looked) {
		if s.leads != nil {
			out = append(out, *s.leads)
		}
	}
	for _, n := range st.Needs {
		out = append(out, leadsTo(n))
	}
	for _, s := range st.Sources {
		out = append(out, stop{to: onSystems, subject: "source:" + s.Name})
	}
	for _, t := range st.Targets {
		out = append(out, stop{to: onSystems, subject: "target:" + t.Name})
	}
	return out
}

// leadsTo is where a need is dealt with.
func leadsTo(n admin.Need) stop {
	switch n.Kind {
	case "hold":
		return stop{to: onPlan, subject: n.Subject}
	case "conflict":
		return stop{to: onConflicts, subject: n.Subject}
	case "parked":
		return stop{to: onDeliveries, subject: "parked"}
	case "lane":
		return stop{to: onSystems, subject: "target:" + strings.TrimPrefix(n.Subject, "target:")}
	case "activate":
		return stop{to: onPlan, subject: "source:" + strings.TrimPrefix(n.Subject, "source:")}
	case "source":
		return stop{to: onSystems, subject: "source:" + strings.TrimPrefix(n.Subject, "source:")}
	case "silence":
		return stop{to: onRequests, subject: "source:" + n.Subject}
	case "restored":
		return stop{to: onSystems, subject: "target:" + n.Subject}
	}
	if source, ok := strings.CutPrefix(n.Subject, "token "); ok {
		return stop{to: onSystems, subject: "source:" + source}
	}
	return stop{advice: n.Command}
}

func (o *overview) do(intent kit.Intent) tea.Cmd {
	stops := o.stops()
	last := max(len(stops)-1, 0)
	switch intent {
	case kit.Up:
		o.cursor = max(o.cursor-1, 0)
	case kit.Down:
		o.cursor = min(o.cursor+1, last)
	case kit.Home, kit.PageUp:
		o.cursor = 0
	case kit.End, kit.PageDown:
		o.cursor = last
	case kit.Open:
		if o.cursor < len(stops) && stops[o.cursor].advice != "" {
			o.env.say(kit.Accent, "This is not done here: "+stops[o.cursor].advice)
			return nil
		}
		if o.cursor < len(stops) {
			return visitCmd(stops[o.cursor].to, stops[o.cursor].subject)
		}
	}
	return nil
}

func (o *overview) click(_, y int) tea.Cmd {
	at, ok := o.lines[y+o.scroll.Top()]
	if !ok {
		return nil
	}
	if at == o.cursor {
		return o.do(kit.Open)
	}
	o.cursor = at
	return nil
}

func (o *overview) view(w, h int) kit.Block {
	e := o.env
	d := overviewDrawing{env: e, w: w, cursor: o.cursor, lines: map[int]int{}}
	if !e.status.loaded {
		d.add(append(kit.Block{{}}, asOf(e, &e.status, "the status", w)...)...)
		if absent(e.status.err) {
			d.add(kit.Line{})
			d.steps(startSteps())
		}
		return d.block
	}
	d.draw()
	d.lately(o.lately.value, o.names, h)
	o.lines = d.lines
	if o.cursor == 0 {
		d.at = 0 // what is above the first stop is worth more than what is below
	}
	o.scroll.Show(d.at, len(d.block), h)
	return o.scroll.View(e.theme, d.block, h)
}

// overviewDrawing puts the overview together, line by line.
type overviewDrawing struct {
	env    *env
	w      int
	block  kit.Block
	cursor int
	next   int         // number of the next stop
	at     int         // line of the cursor
	lines  map[int]int // line → stop
}

func (d *overviewDrawing) add(lines ...kit.Line) { d.block = append(d.block, lines...) }

// stop begins a line the cursor can rest on and reports whether it does.
func (d *overviewDrawing) stop() (selected bool) {
	selected = d.next == d.cursor
	if selected {
		d.at = len(d.block)
	}
	d.lines[len(d.block)] = d.next
	d.next++
	return selected
}

func (d *overviewDrawing) draw() {
	st, theme := d.env.status.value, d.env.theme
	role, sign := health(theme, st.Health)
	headline := st.Headline
	if len(st.Needs) > 0 { // the first need is told right below
		if before, ok := strings.CutSuffix(headline, ": "+st.Needs[0].Text+"."); ok {
			headline = before + "."
		}
	}
	for i, line := range kit.Wrap(headline, d.w-4) {
		if line == "" {
			break
		}
		if i > 0 {
			sign = " "
		}
		d.add(kit.L(kit.Text(role, " "+sign+" "+line)))
	}
	if steps := firstSteps(st, d.env.looked); steps != nil {
		d.steps(steps)
	}
	d.needs(st.Needs)
	d.underWay(st.UnderWay)
	d.sources(st.Sources)
	d.targets(st.Targets)
	d.add(theme.Rule("People and activity", d.w))
	d.add(d.people(st.People)...)
	d.add(d.activity(st.Activity))
}

// lately fills what is left of h lines with the latest events, newest first.
func (d *overviewDrawing) lately(events []model.Event, names *names, h int) {
	room := h - len(d.block) - 1
	if room < 3 || len(events) == 0 {
		return
	}
	d.add(d.env.theme.Rule("Lately", d.w))
	grid := kit.Grid{{Min: 8, Keep: 8}, {Min: 9, Keep: 5}, {Min: 15, Keep: 9}, {Min: 20, Flex: 3, Keep: 7}, {Min: 10, Flex: 6, Keep: 6}}
	shown := eventRows{env: d.env, names: names, events: events, shown: []int{0}}
	for i := len(events) - 1; i >= 0 && room > 0; i, room = i-1, room-1 {
		shown.shown[0] = i
		cells, _ := shown.Row(0)
		d.add(grid.Line(d.env.theme, d.w, cells, false))
	}
}

func (d *overviewDrawing) needs(needs []admin.Need) {
	theme := d.env.theme
	if len(needs) == 0 && firstSteps(d.env.status.value, d.env.looked) != nil {
		return // the steps are what is needed
	}
	d.add(theme.Rule("Needs you", d.w))
	if len(needs) == 0 {
		d.add(kit.L(kit.Text(kit.Good, "  "+theme.Signs.Good+" Nothing.")))
	}
	for _, n := range needs {
		margin := kit.Span{Text: "  "}
		selected := d.stop()
		if selected {
			margin = kit.Text(kit.Accent, theme.Signs.Cursor+" ")
		}
		command := kit.L(kit.Text(kit.Faint, n.Command+" "))
		sentence := kit.L(margin, kit.Text(kit.Warn, theme.Signs.Warn+" "), kit.Text(kit.Plain, n.Text))
		if sentence.Width()+command.Width()+2 <= d.w {
			line := kit.Justify(sentence, command, d.w)
			line.Selected = selected
			d.add(line)
			continue
		}
		for i, text := range kit.Wrap(n.Text, d.w-6) {
			if i == 0 {
				d.add(kit.Line{Selected: selected, Spans: []kit.Span{margin, kit.Text(kit.Warn, theme.Signs.Warn+" "), kit.Text(kit.Plain, text)}})
				continue
			}
			d.add(kit.L(kit.Text(kit.Plain, "    "+text)))
		}
		d.add(kit.L(kit.Text(kit.Faint, "    "+n.Command)))
	}
}

// underWay says why nothing is sent at this moment, and how long that may last.
func (d *overviewDrawing) underWay(list []admin.UnderWay) {
	if len(list) == 0 {
		return
	}
	d.add(d.env.theme.Rule("Being carried out; nothing is sent until it is done", d.w))
	for _, u := range list {
		text := fmt.Sprintf("Run %d: %s", u.Run, u.What)
		if u.Of > 0 {
			text += fmt.Sprintf(", %s of %s so far", kit.Count(u.Done), kit.Plural(u.Of, "delivery", "deliveries"))
		}
		for _, line := range kit.Wrap(text+".", d.w-4) {
			d.add(kit.L(kit.Text(kit.Plain, "  "+line)))
		}
	}
}

func (d *overviewDrawing) sources(sources []admin.Source) {
	e := d.env
	d.add(e.theme.Rule("Sources", d.w))
	if len(sources) == 0 {
		d.add(kit.L(kit.Text(kit.Faint, "  None is configured.")))
		return
	}
	grid := kit.Grid{
		{Title: "NAME", Min: 10, Flex: 2, Keep: 9}, {Title: "STATE", Min: 9, Keep: 8},
		{Title: "RECORDS", Min: 9, Right: true, Keep: 4}, {Title: "LAST", Min: 9, Keep: 6},
		{Title: "NEXT", Min: 8, Keep: 5}, {Title: "", Min: 20, Flex: 6, Keep: 7},
	}
	d.add(grid.Heading(e.theme, d.w))
	for _, s := range sources {
		selected := d.stop()
		d.add(grid.Line(e.theme, d.w, sourceCells(e, s), selected))
		if s.Reading != nil && e.now.Sub(s.Reading.Started) >= longEnough {
			d.add(progressLine(e, s.Reading, "read"))
		}
		if s.Error != "" && !strings.Contains(s.Detail, s.Error) {
			d.add(kit.Paragraph(kit.Bad, s.Error, d.w-6).Indent(4)...)
		}
	}
}

// longEnough is how long something goes on before its progress takes a line of
// its own; what is over by then would only make the screen jump.
const longEnough = 2 * time.Second

func sourceCells(e *env, s admin.Source) []kit.Span {
	role, sign := health(e.theme, s.Health)
	stateRole, _ := sourceState(e.theme, s.State)
	last, next := s.LastGood, e.in(s.NextRead)
	if s.LastHeard.After(last) {
		last = s.LastHeard
	}
	if s.State == "paused" {
		next = "-"
	}
	if s.Reading != nil {
		next = "reading"
	}
	return []kit.Span{
		kit.Text(role, sign+" "+s.Name), kit.Text(stateRole, s.State), kit.Text(kit.Plain, kit.Count(s.Records)),
		kit.Text(kit.Plain, e.ago(last)), kit.Text(kit.Plain, next), kit.Text(kit.Faint, sourceDetail(s)),
	}
}

// sourceDetail is what is to be said of a source beside its state.
func sourceDetail(s admin.Source) string {
	if s.Detail == s.State || s.Reading != nil {
		return ""
	}
	return strings.TrimPrefix(strings.TrimPrefix(s.Detail, "in "+s.State+": "), s.State+": ")
}

func (d *overviewDrawing) targets(targets []admin.Target) {
	e := d.env
	d.add(e.theme.Rule("Targets", d.w))
	if len(targets) == 0 {
		d.add(kit.L(kit.Text(kit.Faint, "  None is configured.")))
		return
	}
	grid := kit.Grid{
		{Title: "NAME", Min: 10, Flex: 2, Keep: 9}, {Title: "LANE", Min: 9, Keep: 8}, {Title: "ACCOUNTS", Min: 9, Right: true, Keep: 4},
		{Title: "QUEUED", Min: 7, Right: true, Keep: 7}, {Title: "HELD", Min: 6, Right: true, Keep: 6},
		{Title: "PARKED", Min: 6, Right: true, Keep: 5}, {Title: "REQUESTS", Min: 14, Flex: 6, Keep: 3},
	}
	d.add(grid.Heading(e.theme, d.w))
	for _, t := range targets {
		selected := d.stop()
		d.add(grid.Line(e.theme, d.w, targetCells(e, t), selected))
		if t.Sending != nil && e.now.Sub(t.Sending.Started) >= longEnough {
			d.add(progressLine(e, t.Sending, "sent"))
		}
		if t.Reason != "" {
			text := t.Reason
			if !t.RetryAt.IsZero() {
				text += "; next try " + e.in(t.RetryAt)
			}
			d.add(kit.Paragraph(kit.Warn, text, d.w-6).Indent(4)...)
		}
	}
}

func targetCells(e *env, t admin.Target) []kit.Span {
	role, sign := laneState(e.theme, t.Lane)
	count := func(n int, role kit.Role) kit.Span {
		if n == 0 {
			role = kit.Faint
		}
		return kit.Text(role, kit.Count(n))
	}
	about := shortRate(t.Rate)
	if t.File != nil {
		about = "file put " + e.ago(t.File.At)
	}
	if !t.Oldest.IsZero() {
		about = "oldest " + e.since(t.Oldest) + "  " + about
	}
	return []kit.Span{
		kit.Text(role, sign+" "+t.Name), kit.Text(role, t.Lane), count(t.Accounts, kit.Plain), count(t.Ready+t.Open, kit.Plain),
		count(t.Held, kit.Warn), count(t.Parked+t.Rejected, kit.Bad), kit.Text(kit.Faint, about),
	}
}

// shortRate writes "12 of 240 requests in 5m" as "12/240 in 5m".
func shortRate(rate string) string {
	return strings.NewReplacer(" of ", "/", " requests", "").Replace(rate)
}

// progressLine draws how far something has come and when it will be done.
func progressLine(e *env, p *admin.Progress, done string) kit.Line {
	spans := []kit.Span{{Text: "    "}}
	text := kit.Count(p.Done) + " " + done
	if p.Total > 0 {
		spans = append(spans, kit.Progress(e.theme, p.Done, p.Total, 22)...)
		of := " of "
		if p.Estimated {
			of = " of about "
		}
		text = " " + kit.Count(p.Done) + of + kit.Count(p.Total) + " " + done
	}
	if p.Rate > 0 {
		text += fmt.Sprintf(", %.0f/s", p.Rate)
	}
	if !p.ETA.IsZero() {
		text += ", done " + e.in(p.ETA)
	}
	return kit.Line{Spans: append(spans, kit.Text(kit.Plain, text))}
}

func (d *overviewDrawing) people(c admin.Counts) kit.Block {
	parts := []kit.Span{kit.Text(kit.Plain, kit.Count(c.Active)+" active")}
	for _, part := range []struct {
		n    int
		word string
		role kit.Role
	}{
		{c.Pending, "pending", kit.Plain}, {c.Leave, "on leave", kit.Plain}, {c.Inactive, "inactive", kit.Plain},
		{c.Unknown, "of unknown status", kit.Warn}, {c.Held, "frozen by a conflict", kit.Warn}, {c.Waiting, "waiting for data", kit.Warn},
	} {
		if part.n > 0 {
			parts = append(parts, kit.Text(part.role, kit.Count(part.n)+" "+part.word))
		}
	}
	line := kit.L(kit.Text(kit.Plain, "  "))
	var block kit.Block
	for i, p := range parts {
		if i < len(parts)-1 {
			p.Text += ", "
		}
		if line.Width()+kit.Width(p.Text) > d.w {
			block = append(block, line)
			line = kit.L(kit.Text(kit.Plain, "  "))
		}
		line.Spans = append(line.Spans, p)
	}
	return append(block, line)
}

func (d *overviewDrawing) activity(perMinute []int) kit.Line {
	total := 0
	for _, n := range perMinute {
		total += n
	}
	return kit.L(kit.Text(kit.Plain, "  "), kit.Text(kit.Accent, kit.Spark(perMinute, min(d.w-36, 60), d.env.theme.ASCII)),
		kit.Text(kit.Faint, "  "+kit.Plural(total, "change", "changes")+" in the last hour"))
}
