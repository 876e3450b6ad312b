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
	intentPerson kit.Intent = "person"
)

// deliveries is what is queued, what failed and why. Opened, one is explained.
type deliveries struct {
	filtered[admin.Delivery]
	state  string // empty for all
	target string // empty for all

	opened bool // the one at the cursor is explained
	told   slot[[]admin.DeliveryExplained]
	scroll kit.Scroll
	lines  int // of the explanation
}

func newDeliveries(e *env) *deliveries {
	words := func(j admin.Delivery) []string {
		return []string{nameOf(j.Person), j.Person.Email, j.Person.ID, j.Reason, j.LastError, j.Effect, j.Target}
	}
	same := func(a, b admin.Delivery) bool { return a.Target == b.Target && a.Person.ID == b.Person.ID }
	return &deliveries{filtered: newFiltered(e, words, same,
		kit.Column{Title: "STATE", Min: 8, Keep: 9}, kit.Column{Title: "WHO", Min: 18, Flex: 2, Keep: 8},
		kit.Column{Title: "EFFECT", Min: 10, Keep: 7}, kit.Column{Title: "TARGET", Min: 8, Flex: 1, Keep: 4},
		kit.Column{Title: "TRIES", Min: 5, Right: true, Keep: 3}, kit.Column{Title: "AGE", Min: 4, Right: true, Keep: 5},
		kit.Column{Title: "WHY", Min: 14, Flex: 4, Keep: 6})}
}

func (d *deliveries) subject() string { return "" }
func (d *deliveries) title() string   { return "Deliveries" }

func (d *deliveries) command() string {
	if j, ok := d.current(); ok && d.opened {
		return "rollcall deliveries explain " + quoted(j.Person.ID) + " --target " + quoted(j.Target)
	}
	if j, ok := d.current(); ok && !d.env.readOnly && (j.State == string(model.JobParked) || j.State == string(model.JobRejected)) {
		return "rollcall deliveries retry " + quoted(j.Target) + " " + quoted(j.Person.ID)
	}
	return "rollcall deliveries list"
}

func (d *deliveries) bindings() kit.Keymap {
	keys := kit.Keymap{
		{Keys: []string{"p"}, Intent: intentPerson, Label: "person", Help: "look at the person"},
		{Keys: []string{"r"}, Intent: intentRetry, Label: "retry", Help: "send it again now", Mutates: true},
		{Keys: []string{"d"}, Intent: intentDrop, Label: "drop", Help: "do not send it; it comes up again when the person changes", Mutates: true},
	}
	if d.opened {
		return append(keys, kit.Moves()...)
	}
	keys = append(kit.Keymap{{Keys: []string{"enter", "l", "right"}, Intent: kit.Open, Label: "explain", Help: "what differs, why it waits, what was tried and what happens next"}}, keys...)
	keys = append(keys, kit.Keymap{
		{Keys: []string{"s"}, Intent: intentState, Label: "state", Help: "only one state: the next one"},
		{Keys: []string{"t"}, Intent: intentTarget, Label: "target", Help: "only one target: the next one"},
		{Keys: []string{"/"}, Intent: kit.Search, Label: "filter", Help: "only deliveries with these words"},
	}...)
	return append(keys, kit.Moves()...)
}

func (d *deliveries) ask() tea.Cmd {
	client, target, state := d.env.client, d.target, d.state
	return d.list.ask(d.env, func(ctx context.Context) ([]admin.Delivery, error) {
		return client.Deliveries(ctx, target, state, admin.Page{Limit: deliveriesShown})
	})
}

func (d *deliveries) visit(subject string) tea.Cmd {
	if d.opened {
		return tea.Batch(d.ask(), d.explain())
	}
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
	if d.opened && d.told.stale(now, refreshEvery) {
		return d.explain()
	}
	return nil
}

func (d *deliveries) take(msg tea.Msg) tea.Cmd {
	d.told.take(d.env, msg)
	d.takeList(msg, nil)
	return nil
}

func (d *deliveries) do(intent kit.Intent) tea.Cmd {
	if d.opened && d.scroll.Do(intent, d.lines) || !d.opened && d.table.Do(intent, len(d.shown)) {
		return nil
	}
	j, ok := d.current()
	switch intent {
	case kit.Search:
		d.opened = false
		d.filter.begin()
		return nil
	case intentState:
		d.opened = false
		d.state = after(d.state, []string{"", "ready", "held", "parked", "rejected", "open"})
		return d.ask()
	case intentTarget:
		d.opened = false
		targets := []string{""}
		for _, t := range d.env.status.value.Targets {
			targets = append(targets, t.Name)
		}
		d.target = after(d.target, targets)
		return d.ask()
	}
	switch {
	case !ok:
	case intent == kit.Open && !d.opened:
		d.opened, d.scroll = true, kit.Scroll{}
		d.told.forget()
		return d.explain()
	case intent == intentPerson:
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
	if d.opened {
		d.opened = false
		return d.ask(), true
	}
	if !d.filter.clear() && d.state == "" && d.target == "" {
		return nil, false
	}
	d.refilter()
	d.state, d.target = "", ""
	return d.ask(), true
}

func (d *deliveries) ready() bool { return d.list.loaded && (!d.opened || d.told.loaded) }

func (d *deliveries) click(_, y int) tea.Cmd {
	if !d.opened && d.clicked(y) {
		return d.do(kit.Open)
	}
	return nil
}

func (d *deliveries) view(w, h int) kit.Block {
	if _, still := d.current(); d.opened && still {
		return d.explanation(w, h)
	}
	block := kit.Block{d.head(w)}
	block = append(block, asOf(d.env, &d.list, "the deliveries", w)...)
	if !d.list.loaded {
		return block
	}
	if len(d.shown) == 0 {
		text := "Nothing is queued: every target is in step."
		if d.state != "" || d.target != "" || d.filter.words() != "" {
			text = "Nothing like this is queued. esc shows everything."
		}
		if st := d.env.status; st.loaded && len(st.value.Targets) == 0 {
			return append(block, kit.L(kit.Text(kit.Plain, "  No target is configured yet, so nothing is sent anywhere.")))
		}
		return append(block, kit.L(kit.Text(kit.Good, "  "+d.env.theme.Signs.Good+" "+text)))
	}
	return d.under(block, d.why(w), deliveryRows{d}, w, h)
}

func (d *deliveries) head(w int) kit.Line {
	if !d.list.loaded {
		return kit.L(kit.Text(kit.Strong, " Deliveries"))
	}
	before, after := "", ""
	if d.state != "" {
		before = d.state + " "
	}
	if d.target != "" {
		after = " to " + d.target
	}
	return d.headline(before+"delivery"+after, before+"deliveries"+after, "the first", deliveriesShown, w)
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
