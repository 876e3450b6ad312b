package tui

import (
	"context"
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"rollcall/appliance/admin"
	"rollcall/tui/kit"
)

// refreshEvery is how often a page asks again for what it shows.
const refreshEvery = 5 * time.Second

// Intents of the conflicts page.
const (
	intentMark      kit.Intent = "mark"
	intentMarkLike  kit.Intent = "mark_like"
	intentAccept    kit.Intent = "accept"
	intentUndo      kit.Intent = "undo"
	intentDiffers   kit.Intent = "only_differing"
	intentDecided   kit.Intent = "answers_in_force"
	intentUndoBatch kit.Intent = "undo_batch"
	intentAnswer    kit.Intent = "answer_" // and the verb
)

// conflicts is the list of open conflicts, and one of them in detail.
type conflicts struct {
	env     *env
	list    slot[[]admin.Conflict]
	table   kit.Table
	shown   []int // indexes into list.value that match the filter
	filter  filter
	tableAt int             // line of the body where the table begins
	marked  map[string]bool // by conflict id

	wanted string // id of a conflict to open once the list is there
	open   string // id of the conflict in detail
	detail slot[conflictDetail]
	fields kit.Table // its attributes
	record int       // the record the column cursor is on
	only   bool      // only attributes that differ

	preview  slot[previewed]
	answered []string // ids of the conflicts answered last, for undo

	takeBack slot[undoing]

	decided   bool // the answers in force are shown instead
	decisions slot[[]admin.Decision]
	answers   kit.Table
}

// conflictDetail is a conflict with the people it concerns, whose accounts an
// answer may touch.
type conflictDetail struct {
	conflict admin.Conflict
	people   []admin.Person
}

func newConflicts(e *env) *conflicts {
	return &conflicts{
		env: e, filter: newFilter(100), marked: map[string]bool{},
		table: kit.NewTable(
			kit.Column{Title: " ", Min: 1, Keep: 9}, kit.Column{Title: "WHO", Min: 18, Flex: 3, Keep: 8},
			kit.Column{Title: "KIND", Min: 20, Keep: 7}, kit.Column{Title: "AGE", Min: 4, Right: true, Keep: 5},
			kit.Column{Title: "", Min: 8, Keep: 4}, kit.Column{Title: "SUGGESTION", Min: 16, Flex: 4, Keep: 3},
		),
		answers: kit.NewTable(
			kit.Column{Title: "WHEN", Min: 8, Keep: 8}, kit.Column{Title: "BY", Min: 9, Flex: 1, Keep: 7},
			kit.Column{Title: "ANSWER", Min: 14, Flex: 1, Keep: 9}, kit.Column{Title: "WHO", Min: 20, Flex: 3, Keep: 9},
			kit.Column{Title: "TO", Min: 20, Flex: 1, Keep: 6}, kit.Column{Title: "WHY", Min: 10, Flex: 2, Keep: 3},
		),
	}
}

func (c *conflicts) subject() string {
	if c.open == "" {
		return ""
	}
	return "conflict:" + c.open
}

func (c *conflicts) title() string { return "Conflicts" }

func (c *conflicts) command() string {
	if c.decided {
		return c.decidedCommand()
	}
	if cf, ok := c.current(); ok && c.open != "" {
		if c.env.readOnly {
			return "rollcall conflicts show " + quoted(cf.ID)
		}
		verb := "merge"
		if verbs := verbsFor(cf); len(verbs) > 0 {
			verb = verbs[0]
		}
		if res, ok := suggested(cf); ok {
			return resolveCommand(cf, res)
		}
		return "rollcall conflicts resolve " + quoted(cf.ID) + " " + verb
	}
	return "rollcall conflicts list"
}

func (c *conflicts) bindings() kit.Keymap {
	if c.decided {
		return c.decidedBindings()
	}
	cf, ok := c.current()
	var keys kit.Keymap
	if c.open == "" {
		keys = kit.Keymap{
			{Keys: []string{"enter", "l", "right"}, Intent: kit.Open, Label: "look", Help: "look at the records side by side"},
			{Keys: []string{"/"}, Intent: kit.Search, Label: "filter", Help: "show only conflicts with these words"},
			{Keys: []string{" "}, Intent: intentMark, Label: "mark", Help: "mark for one answer to several", Mutates: true},
			{Keys: []string{"*"}, Intent: intentMarkLike, Label: "mark alike", Help: "mark every conflict of the same shape as this one", Mutates: true},
			{Keys: []string{"d"}, Intent: intentDecided, Label: "answered", Help: "the answers in force, who gave them, and the way back"},
		}
	}
	if ok && (c.open != "" || len(c.marked) > 0) {
		keys = append(keys, c.answerKeys(cf)...)
	}
	if c.open != "" {
		keys = append(keys, kit.Keymap{
			{Keys: []string{"right", "l"}, Intent: kit.Right, Label: "record", Help: "the record on the right, for prefer and exclude"},
			{Keys: []string{"left", "h"}, Intent: kit.Left, Help: "the record on the left"},
			{Keys: []string{"f"}, Intent: intentDiffers, Label: "differing", Help: "only what differs, or everything"},
		}...)
	}
	if len(c.answered) > 0 {
		keys = append(keys, kit.Binding{Keys: []string{"u"}, Intent: intentUndo, Label: "undo", Help: "take back the answer given last", Mutates: true})
	}
	return append(keys, kit.Moves()...)
}

func (c *conflicts) ask() tea.Cmd { return c.list.ask(c.env, c.env.client.Conflicts) }

func (c *conflicts) visit(subject string) tea.Cmd {
	if c.decided && subject == "" {
		return c.askDecided()
	}
	if subject != "" {
		c.wanted, c.open, c.decided = strings.TrimPrefix(subject, "conflict:"), "", false
		return c.ask()
	}
	if c.open != "" {
		return tea.Batch(c.ask(), c.askDetail(c.open))
	}
	return c.ask()
}

func (c *conflicts) tick(now time.Time) tea.Cmd {
	switch {
	case c.decided && c.decisions.due(c.env, now):
		return c.askDecided()
	case !c.decided && c.list.due(c.env, now):
		return c.ask()
	}
	return nil
}

// show opens one conflict in detail.
func (c *conflicts) show(id string) tea.Cmd {
	c.open, c.record = id, 0
	c.fields = kit.NewTable()
	c.detail.forget()
	return c.askDetail(id)
}

func (c *conflicts) askDetail(id string) tea.Cmd {
	client := c.env.client
	return c.detail.ask(c.env, func(ctx context.Context) (conflictDetail, error) {
		cf, err := client.Conflict(ctx, id)
		if err != nil {
			return conflictDetail{}, err
		}
		d := conflictDetail{conflict: cf}
		for _, who := range cf.Persons[:min(len(cf.Persons), 4)] {
			// A person who is gone by now is no reason not to show the conflict.
			if p, err := client.Person(ctx, who); err == nil {
				d.people = append(d.people, p)
			}
		}
		return d, nil
	})
}

func (c *conflicts) take(msg tea.Msg) tea.Cmd {
	under, _ := c.underCursor()
	switch {
	case c.list.take(c.env, msg):
		c.refilter()
		c.follow(under.ID)
		id := c.wanted
		c.wanted = ""
		if slices.ContainsFunc(c.list.value, func(cf admin.Conflict) bool { return cf.ID == id }) {
			return c.show(id)
		}
	case c.detail.take(c.env, msg), c.decisions.take(c.env, msg):
	case c.preview.take(c.env, msg):
		c.confirm()
	case c.takeBack.take(c.env, msg):
		c.confirmUndo()
	}
	return nil
}

// refilter finds what the filter shows, and forgets marks of conflicts that are
// no longer open.
func (c *conflicts) refilter() {
	c.shown = c.shown[:0]
	open := map[string]bool{}
	for i, cf := range c.list.value {
		open[cf.ID] = true
		if matches(c.filter.words(), strings.Join(cf.Names, " "), spoken(cf.Kind), cf.ID, strings.Join(cf.Identifiers, " "), cf.Suggestion) {
			c.shown = append(c.shown, i)
		}
	}
	for id := range c.marked {
		if !open[id] {
			delete(c.marked, id)
		}
	}
	c.table.Select(c.table.Cursor(), len(c.shown))
}

// follow puts the cursor on the conflict it was on before the list changed, so
// that a key pressed at that moment does not mean another one.
func (c *conflicts) follow(id string) {
	at := slices.IndexFunc(c.shown, func(i int) bool { return c.list.value[i].ID == id })
	if at >= 0 {
		c.table.Select(at, len(c.shown))
	}
}

// current is the conflict in detail, else the one the cursor is on.
func (c *conflicts) current() (admin.Conflict, bool) {
	if c.open != "" {
		return c.detail.value.conflict, c.detail.loaded
	}
	return c.underCursor()
}

func (c *conflicts) underCursor() (admin.Conflict, bool) {
	if i := c.table.Cursor(); i < len(c.shown) {
		return c.list.value[c.shown[i]], true
	}
	return admin.Conflict{}, false
}

func (c *conflicts) do(intent kit.Intent) tea.Cmd {
	if c.decided {
		return c.doDecided(intent)
	}
	if verb, ok := strings.CutPrefix(string(intent), string(intentAnswer)); ok {
		return c.answer(verb)
	}
	switch intent {
	case intentAccept:
		return c.acceptSuggestion()
	case intentUndo:
		return c.undo(c.answered, "The answer given last")
	case intentDecided:
		if c.open == "" {
			c.decided = true
			return c.askDecided()
		}
	}
	if c.open != "" {
		return c.doDetail(intent)
	}
	if c.table.Do(intent, len(c.shown)) {
		return nil
	}
	cf, ok := c.current()
	switch {
	case intent == kit.Search:
		c.filter.begin()
	case !ok:
	case intent == kit.Open:
		return c.show(cf.ID)
	case intent == intentMark:
		c.mark(cf.ID)
		c.table.Do(kit.Down, len(c.shown))
	case intent == intentMarkLike:
		c.markLike(cf)
	}
	return nil
}

func (c *conflicts) doDetail(intent kit.Intent) tea.Cmd {
	cf := c.detail.value.conflict
	if c.fields.Do(intent, len(fieldRows(cf, c.only))) {
		return nil
	}
	switch intent {
	case kit.Left:
		c.record = max(c.record-1, 0)
	case kit.Right:
		c.record = max(min(c.record+1, len(cf.Records)-1), 0)
	case intentDiffers:
		c.only = !c.only
	}
	return nil
}

func (c *conflicts) mark(id string) {
	if c.marked[id] {
		delete(c.marked, id)
		return
	}
	c.marked[id] = true
}

// markLike marks every conflict that is shown and has the shape of cf, or none
// of them when all are marked already.
func (c *conflicts) markLike(cf admin.Conflict) {
	var like []string
	all := true
	for _, i := range c.shown {
		if other := c.list.value[i]; alike(other, cf) {
			like = append(like, other.ID)
			all = all && c.marked[other.ID]
		}
	}
	for _, id := range like {
		if all {
			delete(c.marked, id)
			continue
		}
		c.marked[id] = true
	}
}

// alike reports whether two conflicts may be given one answer: they are the same,
// or the appliance says that they have the same shape.
func alike(a, b admin.Conflict) bool { return a.ID == b.ID || a.Shape != "" && a.Shape == b.Shape }

func (c *conflicts) back() (tea.Cmd, bool) {
	switch {
	case c.decided:
		c.decided = false
		return c.ask(), true
	case c.open != "":
		c.open = ""
		c.detail.forget()
	case c.filter.clear():
		c.refilter()
	case len(c.marked) > 0:
		clear(c.marked)
	default:
		return nil, false
	}
	return nil, true
}

func (c *conflicts) ready() bool {
	switch {
	case c.decided:
		return c.decisions.loaded
	case c.open != "":
		return c.detail.loaded
	}
	return c.list.loaded && c.wanted == ""
}

func (c *conflicts) typing() bool { return c.filter.typing() }

func (c *conflicts) key(msg tea.KeyMsg) tea.Cmd {
	if c.filter.key(msg) {
		c.refilter()
	}
	return nil
}

func (c *conflicts) click(x, y int) tea.Cmd {
	switch {
	case c.decided:
		c.answers.Click(y-c.tableAt, len(c.decisions.value))
		return nil
	case c.open != "":
		c.fields.Click(y-c.tableAt, len(fieldRows(c.detail.value.conflict, c.only)))
		return nil
	}
	before := c.table.Cursor()
	if c.table.Click(y-c.tableAt, len(c.shown)) {
		switch {
		case x < 3 && !c.env.readOnly:
			c.mark(c.list.value[c.shown[c.table.Cursor()]].ID)
		case c.table.Cursor() == before:
			return c.do(kit.Open)
		}
	}
	return nil
}

func (c *conflicts) view(w, h int) kit.Block {
	switch {
	case c.decided:
		return c.viewDecided(w, h)
	case c.open != "":
		return c.viewDetail(w, h)
	}
	block := append(kit.Block{c.headline(w)}, asOf(c.env, &c.list, "the conflicts", w)...)
	if !c.list.loaded {
		return block
	}
	if len(c.list.value) == 0 {
		return append(block, kit.L(kit.Text(kit.Good, "  "+c.env.theme.Signs.Good+" No conflict is open. New ones appear here by themselves.")))
	}
	c.tableAt = len(block)
	foot := c.glance(w)
	table := c.table.View(c.env.theme, w, h-len(block)-len(foot), conflictRows{c})
	return append(append(block, table.Take(h-len(block)-len(foot))...), foot...)
}

// glance says in short what the conflict at the cursor is about, so that the
// list can be gone through without opening each.
func (c *conflicts) glance(w int) kit.Block {
	cf, ok := c.underCursor()
	if !ok {
		return nil
	}
	return append(kit.Block{c.env.theme.Rule(spoken(cf.Kind)+": "+who(cf), w)}, c.about(cf, w)...).Take(8)
}

func (c *conflicts) headline(w int) kit.Line {
	theme := c.env.theme
	if !c.list.loaded {
		return kit.L(kit.Text(kit.Strong, " Conflicts"))
	}
	left := kit.L(kit.Text(kit.Strong, " "+kit.Plural(len(c.list.value), "conflict", "conflicts")))
	if c.filter.with(&left, c.env, w); c.filter.typing() || c.filter.words() != "" {
		left.Spans = append(left.Spans, kit.Text(kit.Faint, "  ("+kit.Count(len(c.shown))+" shown)"))
	}
	right := kit.L(kit.Text(kit.Faint, "as of "+c.env.clock(c.list.at)+" "))
	if len(c.marked) > 0 {
		right = kit.L(kit.Text(kit.Accent, theme.Signs.Marked+" "+kit.Count(len(c.marked))+" marked: answer them together "))
	}
	return kit.Justify(left, right, w)
}

// conflictRows shows the filtered list in the table.
type conflictRows struct{ *conflicts }

func (r conflictRows) Len() int { return len(r.shown) }

func (r conflictRows) Row(i int) ([]kit.Span, bool) {
	cf := r.list.value[r.shown[i]]
	mark, stops := "", ""
	if r.marked[cf.ID] {
		mark = r.env.theme.Signs.Marked
	}
	if cf.Freezes {
		stops = r.env.theme.Signs.Paused + " frozen"
	}
	return []kit.Span{
		kit.Text(kit.Accent, mark), kit.Text(kit.Strong, who(cf)), kit.Text(kit.Plain, spoken(cf.Kind)),
		kit.Text(kit.Faint, span(r.env.now.Sub(cf.Opened))), kit.Text(kit.Warn, stops), kit.Text(kit.Faint, cf.Suggestion),
	}, true
}

// who names the people of a conflict.
func who(cf admin.Conflict) string {
	switch {
	case len(cf.Names) > 0:
		return strings.Join(cf.Names, ", ")
	case len(cf.Identifiers) > 0:
		return cf.Identifiers[0]
	}
	return cf.ID
}
