package tui

import (
	"context"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"rollcall/appliance/admin"
	"rollcall/tui/kit"
)

// peopleChunk is how many people are asked for at a time.
const peopleChunk = 200

// Intents of the people page.
const (
	intentSection kit.Intent = "next_section"
	intentBefore  kit.Intent = "previous_section"
	intentAt      kit.Intent = "as_it_was"
)

// people is the roster, searched as you type, and one person in detail.
type people struct {
	env     *env
	query   filter
	list    *kit.Window[admin.Person]
	chunk   slot[peopleAnswer]
	table   kit.Table
	asked   int       // the chunk asked for last
	toEnd   bool      // on the way to the last row, chunk by chunk
	at      time.Time // the roster is that of this instant; zero: of now
	opened  string
	person  personDetail
	tableAt int // line of the body where the table begins
}

// peopleAnswer is one chunk of the list, and which one it is.
type peopleAnswer struct {
	chunk int
	rows  []admin.Person
	next  string
	// notices say what could not be told of an instant.
	notices []string
}

func newPeople(e *env) *people {
	return &people{
		env: e, query: newFilter(200), list: kit.NewWindow[admin.Person](6),
		table: kit.NewTable(
			kit.Column{Title: "NAME", Min: 20, Flex: 3, Keep: 9}, kit.Column{Title: "STATUS", Min: 10, Keep: 8},
			kit.Column{Title: "EMAIL", Min: 24, Flex: 4, Keep: 7}, kit.Column{Title: "SOURCES", Min: 13, Flex: 1, Keep: 5},
			kit.Column{Title: "", Min: 10, Flex: 2, Keep: 4},
		),
		person: personDetail{env: e},
	}
}

func (p *people) subject() string {
	if p.opened == "" {
		return ""
	}
	return "person:" + p.opened
}

func (p *people) title() string { return "People" }

func (p *people) command() string {
	command := "rollcall people"
	switch {
	case p.opened != "":
		return p.person.command(p.opened)
	case p.query.words() != "":
		command += " " + quoted(p.query.words())
	}
	if !p.at.IsZero() {
		command += " --at " + p.at.UTC().Format(time.RFC3339)
	}
	return command
}

func (p *people) bindings() kit.Keymap {
	if p.opened != "" {
		return p.person.bindings()
	}
	keys := kit.Keymap{
		{Keys: []string{"/"}, Intent: kit.Search, Label: "search", Help: "search by name, email, number; as you type"},
		{Keys: []string{"enter", "l", "right"}, Intent: kit.Open, Label: "look", Help: "where each value comes from, records, accounts, history"},
	}
	if p.env.instant != nil {
		keys = append(keys, kit.Binding{Keys: []string{"@"}, Intent: intentAt, Label: "as it was", Help: "the roster as it was at another time"})
	}
	return append(keys, kit.Moves()...)
}

func (p *people) visit(subject string) tea.Cmd {
	if id := strings.TrimPrefix(subject, "person:"); id != "" {
		cmd := p.leavePast()
		p.opened = id
		return tea.Batch(cmd, p.person.show(id, time.Time{}))
	}
	if p.opened != "" {
		return p.person.ask(p.opened)
	}
	return p.refresh()
}

func (p *people) tick(now time.Time) tea.Cmd {
	if p.opened != "" {
		return p.person.tick(now, p.opened)
	}
	if p.at.IsZero() && p.chunk.due(p.env, now) { // what was does not change
		return p.refresh()
	}
	return nil
}

// search begins a new list.
func (p *people) search() tea.Cmd {
	p.list.Reset()
	p.table.Select(0, 0)
	p.toEnd = false
	return p.fetch(0, "")
}

// refresh reads the chunk under the cursor again.
func (p *people) refresh() tea.Cmd {
	chunk, after := p.list.Chunk(p.table.Cursor())
	return p.fetch(chunk, after)
}

// need asks for what is missing around the screen, a screen ahead included.
func (p *people) need() tea.Cmd {
	first, end := p.table.Visible()
	if p.toEnd {
		known, complete := p.list.Len()
		first, end = known, known+1
		p.toEnd = !complete
	}
	ahead := end - first
	chunk, after, ok := p.list.Want(first, end+ahead)
	if !ok || p.chunk.waiting && p.asked == chunk {
		return nil
	}
	return p.fetch(chunk, after)
}

func (p *people) fetch(chunk int, after string) tea.Cmd {
	p.asked = chunk
	query, client, at := p.query.words(), p.env.client, p.at
	return p.chunk.ask(p.env, func(ctx context.Context) (peopleAnswer, error) {
		if !at.IsZero() {
			page, err := client.PeopleAt(ctx, query, at, admin.Page{After: after, Limit: peopleChunk})
			return peopleAnswer{chunk: chunk, rows: page.People, next: page.Next, notices: page.Notices}, err
		}
		rows, next, err := client.People(ctx, query, admin.Page{After: after, Limit: peopleChunk})
		return peopleAnswer{chunk: chunk, rows: rows, next: next}, err
	})
}

func (p *people) take(msg tea.Msg) tea.Cmd {
	if cmd, ok := p.person.take(msg); ok {
		return cmd
	}
	if !p.chunk.take(p.env, msg) || p.chunk.err != nil {
		return nil
	}
	a := p.chunk.value
	under, ok := p.list.At(p.table.Cursor())
	p.list.Put(a.chunk, a.rows, a.next)
	if ok {
		follow(p.list, &p.table, func(row admin.Person) bool { return row.ID == under.ID })
	}
	if p.toEnd {
		n, _ := p.list.Len()
		p.table.Select(n-1, n)
	}
	return p.need()
}

func (p *people) do(intent kit.Intent) tea.Cmd {
	if p.opened != "" {
		return p.person.do(intent)
	}
	p.toEnd = intent == kit.End // any other key ends the way there
	n, _ := p.list.Len()
	if p.table.Do(intent, n) {
		return p.need()
	}
	switch intent {
	case kit.Search:
		p.query.begin()
	case intentAt:
		p.askInstant()
	case kit.Open:
		if row, ok := p.list.At(p.table.Cursor()); ok {
			p.opened = row.ID
			return p.person.show(row.ID, p.at)
		}
	}
	return nil
}

// askInstant asks for the time of which the roster is to be shown.
func (p *people) askInstant() {
	body := kit.Paragraph(kit.Plain, "The roster as it was at this time: how long ago (2h, 30d), a date (2026-01-31) or a time (2026-01-31T08:00:00Z). Empty is now.", 70)
	p.env.open(kit.Ask("As it was", body, "show", ""), func(text string) tea.Cmd {
		text = strings.TrimSpace(text)
		if text == "" {
			return p.leavePast()
		}
		at, err := p.env.instant(p.env.now, text)
		if err != nil {
			p.env.say(kit.Bad, sentence(err))
			return nil
		}
		p.at = at
		return p.search()
	})
}

// leavePast comes back to the roster of now.
func (p *people) leavePast() tea.Cmd {
	if p.at.IsZero() {
		return nil
	}
	p.at = time.Time{}
	return p.search()
}

func (p *people) back() (tea.Cmd, bool) {
	switch {
	case p.opened != "":
		p.opened = ""
		p.person.forget()
		return p.refresh(), true
	case !p.at.IsZero():
		return p.leavePast(), true
	case p.query.clear():
		return p.search(), true
	}
	return nil, false
}

func (p *people) ready() bool {
	if p.opened != "" {
		return p.person.person.loaded
	}
	return p.chunk.loaded
}

func (p *people) typing() bool { return p.query.typing() }

func (p *people) key(msg tea.KeyMsg) tea.Cmd {
	if p.query.key(msg) {
		return p.search()
	}
	return nil
}

func (p *people) click(_, y int) tea.Cmd {
	if p.opened != "" {
		return nil
	}
	if y == 0 {
		p.query.begin()
		return nil
	}
	n, _ := p.list.Len()
	before := p.table.Cursor()
	if p.table.Click(y-p.tableAt, n) && before == p.table.Cursor() {
		return p.do(kit.Open)
	}
	return nil
}

func (p *people) view(w, h int) kit.Block {
	if p.opened != "" {
		return p.person.view(w, h)
	}
	block := kit.Block{p.headline(w)}
	if !p.at.IsZero() {
		text := "The roster as it was on " + p.env.instantText(p.at) + "; esc comes back to now."
		for _, notice := range p.chunk.value.notices {
			text += " " + notice + "."
		}
		block = append(block, kit.Paragraph(kit.Warn, text, w-4).Indent(2)...)
	}
	n, complete := p.list.Len()
	switch {
	case p.chunk.err != nil || !p.chunk.loaded:
		block = append(block, asOf(p.env, &p.chunk, "the people", w)...)
	case n == 0 && complete && p.query.words() != "":
		return append(block, kit.Line{}, kit.L(kit.Text(kit.Plain, "  Nobody matches. Names, emails, employee numbers and ids are searched.")))
	case n == 0 && complete:
		return append(block, kit.Line{}, kit.L(kit.Text(kit.Plain, "  The roster is empty: no active source has named anybody yet.")))
	}
	p.tableAt = len(block)
	return append(block, p.table.View(p.env.theme, w, h-len(block), peopleRows{p})...)
}

func (p *people) headline(w int) kit.Line {
	left := kit.L(kit.Text(kit.Faint, " Search: "))
	if spans := p.query.spans(p.env, w/3); spans != nil {
		left.Spans = append(left.Spans, spans...)
	} else {
		left.Spans = append(left.Spans, kit.Text(kit.Faint, "press / and type"))
	}
	n, complete := p.list.Len()
	of := kit.Count(n)
	switch {
	case !complete && p.query.words() == "" && p.env.status.loaded:
		of = kit.Count(p.env.status.value.People.Total)
	case !complete:
		of = "more than " + of
	}
	at := "as of " + p.env.clock(p.chunk.at) + " "
	if !p.at.IsZero() {
		at = "as of " + p.env.instantText(p.at) + " "
	}
	if n > 0 {
		at = kit.Count(p.table.Cursor()+1) + " of " + of + "  " + at
	}
	return kit.Justify(left, kit.L(kit.Text(kit.Faint, at)), w)
}

// peopleRows shows the window in the table. A list that is not known to its end
// has one row more, which is being fetched when it comes into sight.
type peopleRows struct{ *people }

func (r peopleRows) Len() int {
	n, complete := r.list.Len()
	if !complete && n > 0 {
		n++
	}
	return n
}

func (r peopleRows) Row(i int) ([]kit.Span, bool) {
	p, ok := r.list.At(i)
	if !ok {
		return nil, false
	}
	role, sign := personStatus(r.env.theme, p.Status)
	note := kit.Text(kit.Faint, "")
	switch {
	case len(p.Held) > 0:
		note = kit.Text(kit.Warn, r.env.theme.Signs.Warn+" held by a conflict")
	case p.Waiting != "":
		note = kit.Text(kit.Faint, p.Waiting)
	}
	return []kit.Span{
		kit.Text(kit.Strong, p.Name), kit.Text(role, sign+" "+p.Status), kit.Text(kit.Plain, p.Email),
		kit.Text(kit.Faint, strings.Join(p.Sources, " ")), note,
	}, true
}
