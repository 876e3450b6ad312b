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

// recentRuns is how many runs are looked through for holds that wait.
const recentRuns = 100

// Intents of the plan page.
const (
	intentApprove  kit.Intent = "approve"
	intentReject   kit.Intent = "reject"
	intentActivate kit.Intent = "activate"
	intentGrouping kit.Intent = "group_by_department"
)

// plan shows what would change and what a guard stopped. The list has an entry
// for each run that is held, one for everything pending, and one for each source
// in preview as if it were active; each opens into changes grouped by cause.
type plan struct {
	env     *env
	runs    slot[[]model.Run]
	table   kit.Table
	opened  *entry
	detail  slot[planDetail]
	groups  planGroups
	rows    kit.Table
	report  readinessView
	tableAt int // line of the body where the table begins
}

// entry is one plan to look at.
type entry struct {
	hold      *model.Run // of a held run
	source    string     // of a source in preview
	readiness bool       // the report on all of them
}

// planDetail is the answer for an entry: a plan, or the deliveries of a run.
type planDetail struct {
	plan  admin.Plan
	run   model.Run
	tag   string // of the run as it is here, which a decision names
	items []planItem
}

func newPlan(e *env) *plan {
	return &plan{
		env: e,
		table: kit.NewTable(
			kit.Column{Title: "WHAT", Min: 26, Flex: 1, Keep: 9}, kit.Column{Title: "PEOPLE", Min: 8, Right: true, Keep: 8},
			kit.Column{Title: "WHY", Min: 30, Flex: 4, Keep: 7},
		),
		rows: kit.NewTable(planColumns()...), report: newReadiness(e),
	}
}

func (p *plan) subject() string {
	switch {
	case p.opened == nil:
		return ""
	case p.opened.hold != nil:
		return "run:" + strconv.FormatUint(p.opened.hold.Seq, 10)
	case p.opened.source != "":
		return "source:" + p.opened.source
	}
	return ""
}

func (p *plan) title() string { return "Plan" }

func (p *plan) command() string {
	en := p.opened
	if en == nil {
		if entries := p.entries(); p.table.Cursor() < len(entries) {
			en = &entries[p.table.Cursor()]
		}
	}
	switch {
	case en != nil && en.hold != nil && p.env.readOnly:
		return fmt.Sprintf("rollcall runs show %d", en.hold.Seq)
	case en != nil && en.hold != nil:
		return fmt.Sprintf("rollcall runs show %d, rollcall approve %d, rollcall reject %d", en.hold.Seq, en.hold.Seq, en.hold.Seq)
	case en != nil && en.source != "":
		return "rollcall plan " + quoted(en.source)
	case en != nil && en.readiness:
		return "rollcall check --report"
	}
	return "rollcall plan"
}

func (p *plan) bindings() kit.Keymap {
	keys := kit.Keymap{{Keys: []string{"enter", "l", "right"}, Intent: kit.Open, Label: "open", Help: "open what the cursor is on: a plan, a group, a person"}}
	if en, ok := p.current(); ok && en.hold != nil && p.opened != nil && p.detail.loaded {
		label := "approve"
		if n := len(p.groups.marked); n > 0 {
			label = "approve " + kit.Count(n) + " marked"
		}
		keys = append(keys,
			kit.Binding{Keys: []string{"a"}, Intent: intentApprove, Label: label, Help: "release exactly what is held here, or only who is marked", Mutates: true},
			kit.Binding{Keys: []string{" "}, Intent: intentMark, Label: "mark", Help: "mark a person or a whole group, to release only them", Mutates: true},
			kit.Binding{Keys: []string{"x"}, Intent: intentReject, Label: "reject", Help: "do not do it; each change waits until its person changes again", Mutates: true})
	} else if ok && en.source != "" && p.opened != nil {
		keys = append(keys, kit.Binding{Keys: []string{"a"}, Intent: intentActivate, Label: "activate", Help: "relay what this source says, from now on", Mutates: true})
	}
	if p.opened != nil && !p.opened.readiness {
		keys = append(keys, kit.Binding{Keys: []string{"v"}, Intent: intentGrouping, Label: "by department", Help: "group by department, or by cause"})
		if p.groups.byDepartment {
			keys[len(keys)-1].Label = "by cause"
		}
	}
	return append(keys, kit.Moves()...)
}

// entries lists the plans there are, held ones first.
func (p *plan) entries() []entry {
	var out []entry
	for i, run := range p.runs.value {
		if waiting(run) > 0 {
			out = append(out, entry{hold: &p.runs.value[i]})
		}
	}
	out = append(out, entry{})
	for _, s := range p.env.status.value.Sources {
		if s.State == "preview" {
			out = append(out, entry{source: s.Name})
		}
	}
	return append(out, entry{readiness: true})
}

// waiting counts what the holds of a run stop.
func waiting(run model.Run) int {
	n := 0
	for _, h := range run.Holds {
		if h.State == model.HoldWaiting {
			n += max(h.Count, 1)
		}
	}
	return n
}

func (p *plan) current() (entry, bool) {
	if p.opened != nil {
		return *p.opened, true
	}
	if entries := p.entries(); p.table.Cursor() < len(entries) {
		return entries[p.table.Cursor()], true
	}
	return entry{}, false
}

func (p *plan) ask() tea.Cmd {
	return p.runs.ask(p.env, func(ctx context.Context) ([]model.Run, error) {
		return p.env.client.Runs(ctx, admin.Page{Limit: recentRuns})
	})
}

func (p *plan) visit(subject string) tea.Cmd {
	if source, ok := strings.CutPrefix(subject, "source:"); ok {
		return tea.Batch(p.ask(), p.show(entry{source: source}))
	}
	if seq, ok := runNumber(subject); ok {
		run := model.Run{Seq: seq}
		return tea.Batch(p.ask(), p.show(entry{hold: &run}))
	}
	if p.opened != nil {
		return tea.Batch(p.ask(), p.askDetail())
	}
	return p.ask()
}

// runNumber reads the number at the end of "run 812", "run:812" or "812".
func runNumber(subject string) (seq uint64, ok bool) {
	digits := subject[strings.LastIndexAny(subject, " :")+1:]
	seq, err := strconv.ParseUint(digits, 10, 64)
	return seq, err == nil
}

func (p *plan) tick(now time.Time) tea.Cmd {
	if p.runs.stale(now, refreshEvery) {
		return p.ask()
	}
	return nil
}

func (p *plan) show(en entry) tea.Cmd {
	p.opened = &en
	p.groups = planGroups{}
	p.rows = kit.NewTable(planColumns()...)
	p.detail.forget()
	return p.askDetail()
}

func (p *plan) askDetail() tea.Cmd {
	if p.opened.readiness {
		return p.report.ask()
	}
	en, client := *p.opened, p.env.client
	return p.detail.ask(p.env, func(ctx context.Context) (planDetail, error) {
		if en.hold != nil {
			// The tag first: what changes until the plan is read makes it lapse.
			detail, err := client.Run(ctx, en.hold.Seq)
			if err != nil {
				return planDetail{}, err
			}
			pl, err := client.RunPlan(ctx, en.hold.Seq)
			return planDetail{run: detail.Run, tag: detail.Tag, plan: pl, items: heldItems(pl)}, err
		}
		pl, err := client.Plan(ctx, en.source)
		return planDetail{plan: pl, items: planItems(pl)}, err
	})
}

func (p *plan) take(msg tea.Msg) tea.Cmd {
	switch {
	case p.report.take(msg), p.runs.take(p.env, msg):
	case p.detail.take(p.env, msg) && p.detail.err == nil:
		p.groups.set(p.detail.value.items)
		if p.opened != nil && p.opened.source != "" {
			p.env.looked[p.opened.source] = true
		}
	}
	return nil
}

func (p *plan) do(intent kit.Intent) tea.Cmd {
	en, ok := p.current()
	switch {
	case intent == intentApprove:
		return p.decide("approve")
	case intent == intentReject:
		return p.decide("reject")
	case intent == intentActivate && ok:
		activate(p.env, en.source, p.detail.value.plan.Summary, func() tea.Cmd {
			p.opened = nil
			return p.ask()
		})
		return nil
	}
	if p.opened == nil {
		if !p.table.Do(intent, len(p.entries())) && intent == kit.Open && ok {
			return p.show(en)
		}
		return nil
	}
	switch {
	case p.opened.readiness:
		return p.report.do(intent)
	case p.rows.Do(intent, p.groups.Len()):
		return nil
	case intent == intentGrouping:
		p.groups.turn()
		p.rows.Select(0, p.groups.Len())
		return nil
	case intent == intentMark:
		p.groups.mark(p.rows.Cursor())
		p.rows.Do(kit.Down, p.groups.Len())
		return nil
	case intent != kit.Open:
		return nil
	}
	if who := p.groups.open(p.rows.Cursor()); who != "" {
		return visitCmd(onPeople, "person:"+who)
	}
	return nil
}

// decide asks before the hold that is open is approved, whole or only who is
// marked, or rejected; a large one takes typing its number. What is decided upon
// is what is on the screen: if it has changed by then, the appliance refuses.
func (p *plan) decide(verb string) tea.Cmd {
	d := p.detail.value
	seq, tag, client := d.run.Seq, d.tag, p.env.client
	part := verb == "approve" && len(p.groups.marked) > 0
	chosen, of, command := d.items, "", fmt.Sprintf("rollcall %s %d", verb, seq)
	body := holdLines(p.env.theme, d.run)
	var only admin.Only
	if part {
		var ok bool
		if only, ok = p.groups.only(); !ok {
			p.env.say(kit.Warn, "These are too many to name one by one: mark whole groups, or use rollcall approve with --only.")
			return nil
		}
		chosen, of = p.groups.chosen(), " of "+kit.Count(len(d.items))
		command += onlyWords(only)
		body = append(body, p.groups.summary()...)
	} else {
		whole := planGroups{byDepartment: p.groups.byDepartment}
		whole.set(d.items)
		body = append(body, whole.summary()...)
	}
	n := len(chosen)
	after := "Released changes are sent at once. If the plan has changed by then, nothing of it is."
	switch {
	case verb == "reject":
		after = "Nothing of it is sent. Each change comes up again when its person changes."
	case part:
		after = "These are sent at once, the rest goes on waiting. If the plan has changed by then, nothing of it is."
	}
	body = append(body, kit.Line{})
	body = append(body, kit.Paragraph(kit.Plain, after, 70)...)
	title := fmt.Sprintf("%s%s %s%s of run %d", strings.ToUpper(verb[:1]), verb[1:], kit.Plural(n, "change", "changes"), of, seq)
	if part {
		title = fmt.Sprintf("Approve %s%s changes of run %d", kit.Count(n), of, seq)
	}
	question := kit.Confirm(title, body, verb)
	if n > largeFrom {
		question = kit.ConfirmCount(title, body, verb, n)
	}
	p.env.ask(question, command, func(string) tea.Cmd {
		return p.env.change(func(ctx context.Context) (string, error) {
			switch {
			case verb == "reject":
				n, err := client.Reject(ctx, seq, tag)
				return kit.Plural(n, "change", "changes") + " rejected.", err
			case part:
				done, err := client.ApproveOnly(ctx, seq, tag, only)
				return settledWords(done), err
			}
			n, err := client.Approve(ctx, seq, tag)
			return kit.Plural(n, "change", "changes") + " released.", err
		}, func(done bool) tea.Cmd {
			if p.opened != nil && (part || !done) {
				p.groups.marked = nil
				return tea.Batch(p.ask(), p.askDetail())
			}
			p.opened = nil
			return p.ask()
		})
	})
	return nil
}

// onlyWords says a part as the command takes it, shortened where it is long.
func onlyWords(only admin.Only) string {
	var parts []string
	for _, list := range []struct {
		kind  string
		names []string
	}{{"cause:", only.Causes}, {"department:", only.Departments}, {"person:", only.Persons}} {
		for _, name := range list.names {
			parts = append(parts, " --only "+quoted(list.kind+name))
		}
	}
	if len(parts) > 3 {
		parts = append(parts[:2], " and "+kit.Count(len(parts)-2)+" more")
	}
	return strings.Join(parts, "")
}

// settledWords says what came of releasing a part.
func settledWords(s admin.Settled) string {
	text := kit.Plural(s.Deliveries, "change", "changes") + " released"
	if s.Waiting > 0 {
		text += ", " + kit.Count(s.Waiting) + " still wait"
	}
	for i, l := range s.Left {
		if i == 3 {
			return text + "; and " + kit.Count(len(s.Left)-i) + " more left out."
		}
		text += "; left out: " + nameOf(l.Person) + ", " + l.Why
	}
	return text + "."
}

// activate asks before a source relays, all at once or in waves; summary is that
// of its plan, empty when the plan was not looked at.
func activate(e *env, source, summary string, then func() tea.Cmd) {
	text := "From then on what " + source + " says is relayed, within the limits of the guards. It can be paused at any time."
	if summary == "" {
		text += " Look at its plan first: rollcall plan " + quoted(source) + "."
	}
	body := kit.Paragraph(kit.Plain, text, 70)
	if summary != "" {
		body = append(body, kit.Line{})
		body = append(body, kit.Paragraph(kit.Strong, "Its plan: "+summary, 70)...)
	}
	body = append(body, kit.Line{})
	body = append(body, kit.Paragraph(kit.Faint, "In waves: to one account first, then to 5 %, to 25 % and to the rest, each when the wave before reads back from the target as it was sent.", 70)...)
	do := func(how func(ctx context.Context, source string) (uint64, error), word string) tea.Cmd {
		return e.change(func(ctx context.Context) (string, error) {
			run, err := how(ctx, source)
			return fmt.Sprintf("%s is active; run %d relays what it says%s.", source, run, word), err
		}, func(bool) tea.Cmd { return then() })
	}
	e.ask(kit.Confirm("Activate "+source, body, "activate").With("w", "in waves"), "rollcall activate "+quoted(source)+" [--waves]",
		func(string) tea.Cmd { return do(e.client.Activate, "") })
	e.extra = func(string) tea.Cmd {
		e.open(nil, nil)
		return do(e.client.ActivateInWaves, ", in waves")
	}
}

// guardWords says which guard stopped something; any other reason is said as it is.
func guardWords(guard string) string {
	if rest, ok := strings.CutPrefix(guard, "max_"); ok {
		return "the guard on " + spoken(rest)
	}
	return guard
}

// holdLines says which guards stopped a run.
func holdLines(theme *kit.Theme, run model.Run) kit.Block {
	var block kit.Block
	for _, h := range run.Holds {
		role, sign := kit.Faint, theme.Signs.Bullet
		if h.State == model.HoldWaiting {
			role, sign = kit.Warn, theme.Signs.Warn
		}
		text := fmt.Sprintf("%s %s: %s, %s allowed", sign, guardWords(h.Guard), kit.Count(h.Count), kit.Count(h.Limit))
		if h.Target != "" {
			text += " in " + h.Target
		}
		if h.State != model.HoldWaiting {
			text += " (" + string(h.State) + ")"
		}
		block = append(block, kit.L(kit.Text(role, text)))
		block = append(block, kit.Paragraph(kit.Faint, h.Reason, 70).Indent(2)...)
	}
	return block
}

func (p *plan) back() (tea.Cmd, bool) {
	if p.opened == nil {
		return nil, false
	}
	p.opened = nil
	p.detail.forget()
	return nil, true
}

func (p *plan) ready() bool {
	switch {
	case p.opened != nil && p.opened.readiness:
		return p.report.report.loaded
	case p.opened != nil:
		return p.detail.loaded
	}
	return p.runs.loaded
}

func (p *plan) typing() bool           { return false }
func (p *plan) key(tea.KeyMsg) tea.Cmd { return nil }

func (p *plan) click(_, y int) tea.Cmd {
	if p.opened == nil {
		before := p.table.Cursor()
		if p.table.Click(y-p.tableAt, len(p.entries())) && before == p.table.Cursor() {
			return p.do(kit.Open)
		}
		return nil
	}
	if p.opened.readiness {
		before := p.report.table.Cursor()
		if p.report.table.Click(y-p.tableAt, len(p.report.rows)) && before == p.report.table.Cursor() {
			return p.do(kit.Open)
		}
		return nil
	}
	before := p.rows.Cursor()
	if p.rows.Click(y-p.tableAt, p.groups.Len()) && before == p.rows.Cursor() {
		return p.do(kit.Open)
	}
	return nil
}

func (p *plan) view(w, h int) kit.Block {
	theme := p.env.theme
	if p.opened == nil {
		block := kit.Block{kit.L(kit.Text(kit.Strong, " What is held and what would change"))}
		block = append(block, asOf(p.env, &p.runs, "the plan", w)...)
		p.tableAt = len(block)
		return append(block, p.table.View(theme, w, h-len(block), p.entryRows())...)
	}
	if p.opened.readiness {
		return p.report.view(w, h, &p.tableAt)
	}
	block := p.heading(w)
	if !p.detail.loaded {
		return block
	}
	if p.groups.Len() == 0 {
		return append(block, kit.L(kit.Text(kit.Good, "  "+theme.Signs.Good+" Nothing would change.")))
	}
	p.tableAt = len(block)
	return append(block, p.rows.View(theme, w, h-len(block), p.groups.drawn(theme))...)
}

func (p *plan) heading(w int) kit.Block {
	theme, d := p.env.theme, p.detail.value
	title := "Everything pending"
	switch {
	case p.opened.hold != nil:
		title = fmt.Sprintf("Held: run %d %s", p.opened.hold.Seq, d.run.Source)
	case p.opened.source != "":
		title = "As if " + p.opened.source + " were active; nothing is written"
	}
	block := kit.Block{theme.Rule(title, w)}
	block = append(block, asOf(p.env, &p.detail, "the changes", w)...)
	if p.opened.hold != nil {
		lines := holdLines(theme, d.run)
		return append(block, lines[:min(len(lines), 5)]...)
	}
	if d.plan.Summary != "" {
		block = append(block, kit.L(kit.Text(kit.Plain, "  "+d.plan.Summary)))
	}
	if n := len(d.plan.Conflicts); n > 0 {
		block = append(block, kit.L(kit.Text(kit.Warn, "  "+theme.Signs.Warn+" "+kit.Plural(n, "conflict", "conflicts")+" would open: rollcall conflicts")))
	}
	if lines := holdLines(theme, model.Run{Holds: d.plan.Holds}); len(lines) > 0 {
		block = append(block, kit.L(kit.Text(kit.Warn, "  A guard would stop part of it: ")), lines[0])
	}
	return block
}

func (p *plan) entryRows() kit.Cells {
	theme := p.env.theme
	var cells kit.Cells
	for _, en := range p.entries() {
		switch {
		case en.hold != nil:
			why := ""
			for _, h := range en.hold.Holds {
				if h.State == model.HoldWaiting {
					why = h.Reason
				}
			}
			cells = append(cells, []kit.Span{
				kit.Text(kit.Warn, fmt.Sprintf("%s held: run %d %s", theme.Signs.Warn, en.hold.Seq, en.hold.Source)),
				kit.Text(kit.Plain, kit.Count(waiting(*en.hold))), kit.Text(kit.Plain, why),
			})
		case en.readiness:
			cells = append(cells, []kit.Span{
				kit.Text(kit.Plain, theme.Signs.Bullet+" readiness"), {},
				kit.Text(kit.Faint, "who is matched, who is new, who could lose access, what to put right"),
			})
		case en.source != "":
			cells = append(cells, []kit.Span{
				kit.Text(kit.Accent, theme.Signs.Preview+" preview: "+en.source), {},
				kit.Text(kit.Faint, "what activating it would change"),
			})
		default:
			pending := 0
			for _, t := range p.env.status.value.Targets {
				pending += t.Ready + t.Open + t.Held + t.Parked + t.Rejected
			}
			cells = append(cells, []kit.Span{
				kit.Text(kit.Plain, theme.Signs.Bullet+" everything pending"), kit.Text(kit.Plain, kit.Count(pending)),
				kit.Text(kit.Faint, "what differs between the roster and the targets now"),
			})
		}
	}
	return cells
}
