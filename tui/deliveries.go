package tui

import (
	"context"
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/tui/kit"
)

// deliveriesShown is how many deliveries are asked for. They are sent oldest
// first, so the first ones are those that matter; states and targets narrow.
const deliveriesShown = 1000

// Intents of the deliveries page.
const (
	intentState  kit.Intent = "next_state"
	intentTarget kit.Intent = "next_target"
	intentRetry  kit.Intent = "retry"
	intentDrop   kit.Intent = "drop"
)

// deliveries is what is queued, what failed and why.
type deliveries struct {
	env     *env
	list    slot[[]admin.Delivery]
	table   kit.Table
	shown   []int
	filter  kit.Field
	typed   bool
	state   string // empty for all
	target  string // empty for all
	tableAt int    // line of the body where the table begins
}

func newDeliveries(e *env) *deliveries {
	return &deliveries{
		env: e, filter: kit.NewField(100),
		table: kit.NewTable(
			kit.Column{Title: "STATE", Min: 8, Keep: 9}, kit.Column{Title: "WHO", Min: 18, Flex: 2, Keep: 8},
			kit.Column{Title: "EFFECT", Min: 10, Keep: 7}, kit.Column{Title: "TARGET", Min: 8, Flex: 1, Keep: 4},
			kit.Column{Title: "TRIES", Min: 5, Right: true, Keep: 3}, kit.Column{Title: "AGE", Min: 4, Right: true, Keep: 5},
			kit.Column{Title: "WHY", Min: 14, Flex: 4, Keep: 6},
		),
	}
}

func (d *deliveries) subject() string { return "" }
func (d *deliveries) title() string   { return "Deliveries" }

func (d *deliveries) command() string {
	if j, ok := d.current(); ok && !d.env.readOnly && (j.State == string(model.JobParked) || j.State == string(model.JobRejected)) {
		return "rollcall deliveries retry " + quoted(j.Target) + " " + quoted(j.Person.ID)
	}
	return "rollcall deliveries list"
}

func (d *deliveries) bindings() kit.Keymap {
	keys := kit.Keymap{
		{Keys: []string{"enter", "l", "right"}, Intent: kit.Open, Label: "person", Help: "look at the person"},
		{Keys: []string{"r"}, Intent: intentRetry, Label: "retry", Help: "send it again now", Mutates: true},
		{Keys: []string{"d"}, Intent: intentDrop, Label: "drop", Help: "do not send it; it comes up again when the person changes", Mutates: true},
		{Keys: []string{"s"}, Intent: intentState, Label: "state", Help: "only one state: the next one"},
		{Keys: []string{"t"}, Intent: intentTarget, Label: "target", Help: "only one target: the next one"},
		{Keys: []string{"/"}, Intent: kit.Search, Label: "filter", Help: "only deliveries with these words"},
	}
	return append(keys, kit.Moves()...)
}

func (d *deliveries) ask() tea.Cmd {
	client, target, state := d.env.client, d.target, d.state
	return d.list.ask(d.env, func(ctx context.Context) ([]admin.Delivery, error) {
		return client.Deliveries(ctx, target, state, admin.Page{Limit: deliveriesShown})
	})
}

func (d *deliveries) visit(subject string) tea.Cmd {
	if subject != "" {
		d.state, d.target = subject, ""
		if target, ok := strings.CutPrefix(subject, "target:"); ok {
			d.state, d.target = "", target
		}
	}
	return d.ask()
}

func (d *deliveries) tick(now time.Time) tea.Cmd {
	if d.list.stale(now, refreshEvery) {
		return d.ask()
	}
	return nil
}

func (d *deliveries) take(msg tea.Msg) tea.Cmd {
	under, ok := d.current()
	if !d.list.take(d.env, msg) {
		return nil
	}
	d.refilter()
	at := slices.IndexFunc(d.shown, func(i int) bool {
		j := d.list.value[i]
		return j.Target == under.Target && j.Person.ID == under.Person.ID
	})
	if ok && at >= 0 { // a key pressed now must not mean another delivery
		d.table.Select(at, len(d.shown))
	}
	return nil
}

func (d *deliveries) refilter() {
	d.shown = d.shown[:0]
	for i, j := range d.list.value {
		if matches(d.filter.Value(), nameOf(j.Person), j.Person.Email, j.Person.ID, j.Reason, j.LastError, j.Effect, j.Target) {
			d.shown = append(d.shown, i)
		}
	}
	d.table.Select(d.table.Cursor(), len(d.shown))
}

func (d *deliveries) current() (admin.Delivery, bool) {
	if i := d.table.Cursor(); i < len(d.shown) {
		return d.list.value[d.shown[i]], true
	}
	return admin.Delivery{}, false
}

func (d *deliveries) do(intent kit.Intent) tea.Cmd {
	if d.table.Do(intent, len(d.shown)) {
		return nil
	}
	j, ok := d.current()
	switch intent {
	case kit.Search:
		d.typed = true
		return nil
	case intentState:
		d.state = after(d.state, []string{"", "ready", "held", "parked", "rejected", "open"})
		return d.ask()
	case intentTarget:
		targets := []string{""}
		for _, t := range d.env.status.value.Targets {
			targets = append(targets, t.Name)
		}
		d.target = after(d.target, targets)
		return d.ask()
	}
	switch {
	case !ok:
	case intent == kit.Open:
		return visitCmd(onPeople, "person:"+j.Person.ID)
	case intent == intentRetry:
		return d.env.change(func(ctx context.Context) (string, error) {
			return "Sent again as soon as the lane allows.", d.env.client.RetryDelivery(ctx, j.Target, j.Person.ID)
		}, func(bool) tea.Cmd { return d.ask() })
	case intent == intentDrop:
		d.drop(j)
	}
	return nil
}

func (d *deliveries) drop(j admin.Delivery) {
	body := kit.Paragraph(kit.Plain, nameOf(j.Person)+" stays in "+j.Target+" as they are there: "+j.Effect+" is not sent. It comes up again when the person changes.", 70)
	d.env.ask(kit.Confirm("Drop this delivery", body, "drop"), "rollcall deliveries drop "+quoted(j.Target)+" "+quoted(j.Person.ID), func(string) tea.Cmd {
		return d.env.change(func(ctx context.Context) (string, error) {
			return "Dropped.", d.env.client.DropDelivery(ctx, j.Target, j.Person.ID)
		}, func(bool) tea.Cmd { return d.ask() })
	})
}

// after is the value that follows v in a cycle.
func after(v string, cycle []string) string { return cycle[(slices.Index(cycle, v)+1)%len(cycle)] }

func (d *deliveries) back() (tea.Cmd, bool) {
	if d.filter.Value() == "" && d.state == "" && d.target == "" {
		return nil, false
	}
	d.filter.Set("")
	d.state, d.target = "", ""
	return d.ask(), true
}

func (d *deliveries) ready() bool { return d.list.loaded }

func (d *deliveries) typing() bool { return d.typed }

func (d *deliveries) key(msg tea.KeyMsg) tea.Cmd {
	switch msg.String() {
	case "esc":
		d.filter.Set("")
		d.refilter()
		fallthrough
	case "enter", "down":
		d.typed = false
		return nil
	}
	if d.filter.Key(msg) {
		d.refilter()
	}
	return nil
}

func (d *deliveries) click(_, y int) tea.Cmd {
	before := d.table.Cursor()
	if d.table.Click(y-d.tableAt, len(d.shown)) && before == d.table.Cursor() {
		return d.do(kit.Open)
	}
	return nil
}

func (d *deliveries) view(w, h int) kit.Block {
	block := kit.Block{d.headline(w)}
	block = append(block, asOf(d.env, &d.list, "the deliveries", w)...)
	if !d.list.loaded {
		return block
	}
	if len(d.shown) == 0 {
		text := "Nothing is queued: every target is in step."
		if d.state != "" || d.target != "" || d.filter.Value() != "" {
			text = "Nothing like this is queued. esc shows everything."
		}
		return append(block, kit.L(kit.Text(kit.Good, "  "+d.env.theme.Signs.Good+" "+text)))
	}
	foot := d.why(w)
	d.tableAt = len(block)
	table := d.table.View(d.env.theme, w, h-len(block)-len(foot), deliveryRows{d}).Take(h - len(block) - len(foot))
	return append(append(block, table...), foot...)
}

func (d *deliveries) headline(w int) kit.Line {
	if !d.list.loaded {
		return kit.L(kit.Text(kit.Strong, " Deliveries"))
	}
	what := "deliveries"
	if len(d.shown) == 1 {
		what = "delivery"
	}
	if d.state != "" {
		what = d.state + " " + what
	}
	if d.target != "" {
		what += " to " + d.target
	}
	n := kit.Count(len(d.shown))
	if len(d.list.value) >= deliveriesShown {
		n = "the first " + n
	}
	left := kit.L(kit.Text(kit.Strong, " "+n+" "+what))
	if d.typed || d.filter.Value() != "" {
		left.Spans = append(left.Spans, kit.Text(kit.Faint, "  with "))
		left.Spans = append(left.Spans, d.filter.Spans(d.env.theme, w/3, d.typed)...)
	}
	return kit.Justify(left, kit.L(kit.Text(kit.Faint, "as of "+d.env.clock(d.list.at)+" ")), w)
}

// pendingWhy is the reason of a delivery in words.
func pendingWhy(j admin.Delivery) string {
	if j.State == string(model.JobHeld) && strings.HasPrefix(j.Reason, "max_") {
		return "held by " + guardWords(j.Reason)
	}
	return j.Reason
}

// why says in full why the delivery at the cursor is where it is.
func (d *deliveries) why(w int) kit.Block {
	j, ok := d.current()
	if !ok {
		return nil
	}
	block := kit.Block{d.env.theme.Rule(nameOf(j.Person), w)}
	text := j.LastError
	if text == "" {
		text = pendingWhy(j)
	}
	if len(j.Changed) > 0 {
		text = strings.TrimLeft(text+"; differs in "+strings.Join(j.Changed, ", "), "; ")
	}
	if !j.NotBefore.IsZero() && j.NotBefore.After(d.env.now) {
		text += "; not before " + d.env.clock(j.NotBefore)
	}
	return append(block, kit.Paragraph(kit.Plain, text, w-4).Indent(2)...).Take(4)
}

type deliveryRows struct{ *deliveries }

func (r deliveryRows) Len() int { return len(r.shown) }

func (r deliveryRows) Row(i int) ([]kit.Span, bool) {
	j := r.list.value[r.shown[i]]
	why, tries := pendingWhy(j), ""
	switch {
	case j.LastError != "":
		why = j.LastError
	case why == "" && len(j.Changed) > 0:
		why = "differs in " + strings.Join(j.Changed, ", ")
	}
	if j.Attempts > 0 {
		tries = kit.Count(j.Attempts)
	}
	return []kit.Span{
		kit.Text(jobState(j.State), j.State), kit.Text(kit.Strong, nameOf(j.Person)), kit.Text(effectRole(j.Effect), j.Effect),
		kit.Text(kit.Plain, j.Target), kit.Text(kit.Faint, tries), kit.Text(kit.Faint, span(r.env.now.Sub(j.Created))), kit.Text(kit.Faint, why),
	}, true
}
