package tui

import (
	"context"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"rollcall/appliance/admin"
	"rollcall/tui/kit"
)

// section is a part of what is known of a person.
type section int

const (
	sectionValues section = iota
	sectionRecords
	sectionAccounts
	sectionHistory
	sectionTimeline
	sections
)

// personDetail shows one person: where each value comes from and what lost,
// records, accounts and why nothing is relayed, history, and all of it in time.
type personDetail struct {
	env     *env
	at      time.Time // they are as they were at this instant; zero: as they are
	person  slot[admin.Person]
	history slot[[]admin.HistoryEntry]
	section section
	scroll  kit.Scroll
	height  int // lines of the section drawn last
}

func (d *personDetail) command(id string) string {
	words := map[section]string{sectionValues: " explain", sectionRecords: "", sectionAccounts: " why-not", sectionHistory: " history", sectionTimeline: " history"}
	who := id
	if d.person.loaded && d.person.value.Email != "" {
		who = d.person.value.Email
	}
	if !d.at.IsZero() {
		return "rollcall person " + quoted(who) + " --at " + d.at.UTC().Format(time.RFC3339)
	}
	return "rollcall person " + quoted(who) + words[d.section]
}

func (d *personDetail) bindings() kit.Keymap {
	if !d.at.IsZero() {
		return kit.Moves() // where values came from is not kept
	}
	keys := kit.Keymap{
		{Keys: []string{"right", "l", "enter"}, Intent: intentSection, Label: "next part", Help: "values, records, accounts, history, timeline"},
		{Keys: []string{"left", "h"}, Intent: intentBefore, Help: "the part before"},
		{Keys: []string{"m"}, Intent: "manager", Label: "manager", Help: "look at the manager"},
	}
	if len(d.person.value.Held) > 0 {
		keys = append(keys, kit.Binding{Keys: []string{"c"}, Intent: "conflict", Label: "conflict", Help: "the conflict that holds this person"})
	}
	return append(keys, kit.Moves()...)
}

func (d *personDetail) show(id string, at time.Time) tea.Cmd {
	d.forget()
	if d.at = at; !at.IsZero() {
		d.section = sectionValues
	}
	d.scroll = kit.Scroll{}
	return d.ask(id)
}

func (d *personDetail) forget() {
	d.person.forget()
	d.history.forget()
}

// ask asks for the person, and for the history while it is what is looked at.
func (d *personDetail) ask(id string) tea.Cmd {
	client := d.env.client
	if at := d.at; !at.IsZero() {
		return d.person.ask(d.env, func(ctx context.Context) (admin.Person, error) { return client.PersonAt(ctx, id, at) })
	}
	person := d.person.ask(d.env, func(ctx context.Context) (admin.Person, error) { return client.Person(ctx, id) })
	if d.section != sectionHistory && d.section != sectionTimeline {
		return person
	}
	return tea.Batch(person, d.history.ask(d.env, func(ctx context.Context) ([]admin.HistoryEntry, error) { return client.History(ctx, id) }))
}

func (d *personDetail) tick(now time.Time, id string) tea.Cmd {
	if d.at.IsZero() && d.person.due(d.env, now) {
		return d.ask(id)
	}
	return nil
}

func (d *personDetail) take(msg tea.Msg) (tea.Cmd, bool) {
	return nil, d.person.take(d.env, msg) || d.history.take(d.env, msg)
}

func (d *personDetail) do(intent kit.Intent) tea.Cmd {
	p := d.person.value
	if d.scroll.Do(intent, d.height) {
		return nil
	}
	switch intent {
	case intentSection:
		return d.turn(1)
	case intentBefore:
		return d.turn(sections - 1)
	case "manager":
		if p.Manager == nil {
			d.env.say(kit.Plain, "No manager is known.")
			return nil
		}
		return visitCmd(onPeople, "person:"+p.Manager.ID)
	case "conflict":
		if len(p.Held) > 0 {
			return visitCmd(onConflicts, p.Held[0])
		}
	}
	return nil
}

// turn shows another part.
func (d *personDetail) turn(by section) tea.Cmd {
	d.section = (d.section + by) % sections
	d.scroll = kit.Scroll{}
	if !d.person.loaded || d.history.loaded {
		return nil
	}
	return d.ask(d.person.value.ID)
}

func (d *personDetail) view(w, h int) kit.Block {
	theme := d.env.theme
	if !d.person.loaded {
		return append(kit.Block{{}}, asOf(d.env, &d.person, "the person", w)...)
	}
	p := d.person.value
	if !d.at.IsZero() {
		return d.viewPast(w, h)
	}
	block := kit.Block{theme.Rule(p.Name+"  "+p.Email, w)}
	role, sign := personStatus(theme, p.Status)
	block = append(block, labelled(theme, "status", sign+" "+p.Status+"; "+p.Reason, role, w)...)
	block = append(block, labelled(theme, "accounts", accessWords(p.Access), kit.Plain, w)...)
	if len(p.Held) > 0 {
		block = append(block, labelled(theme, "held", theme.Signs.Warn+" by "+kit.Plural(len(p.Held), "conflict", "conflicts")+": nothing about this person is relayed", kit.Warn, w)...)
	}
	if p.Waiting != "" {
		block = append(block, labelled(theme, "waiting", theme.Signs.Warn+" "+p.Waiting, kit.Warn, w)...)
	}
	if p.Manager != nil {
		block = append(block, labelled(theme, "manager", nameOf(*p.Manager)+reports(p.Reports), kit.Plain, w)...)
	} else {
		block = append(block, labelled(theme, "manager", "none known"+reports(p.Reports), kit.Faint, w)...)
	}
	block = append(block, d.tabs())
	var part kit.Block
	switch d.section {
	case sectionValues:
		part = d.values(p, w)
	case sectionRecords:
		part = d.records(p, w)
	case sectionAccounts:
		part = d.accounts(p, w)
	case sectionHistory:
		part = d.changes(w)
	case sectionTimeline:
		part = d.timeline(p, w)
	}
	d.height = len(part)
	return append(block, d.scroll.View(theme, part, h-len(block))...)
}

// viewPast draws who somebody was: of an instant values are known, and not where they
// came from.
func (d *personDetail) viewPast(w, h int) kit.Block {
	theme, p := d.env.theme, d.person.value
	block := kit.Block{theme.Rule(p.Name+"  "+p.Email+"  as it was on "+d.env.instantText(d.at), w)}
	role, sign := personStatus(theme, p.Status)
	block = append(block, labelled(theme, "status", sign+" "+p.Status, role, w)...)
	block = append(block, labelled(theme, "accounts", accessWords(p.Access), kit.Plain, w)...)
	if p.Manager != nil {
		block = append(block, labelled(theme, "manager", nameOf(*p.Manager), kit.Plain, w)...)
	}
	part := kit.Block{{}}
	for _, v := range p.Values {
		text := v.Value
		if v.Null || text == "" {
			text = "(empty)"
		}
		part = append(part, kit.L(kit.Text(kit.Faint, "  "+spoken(v.Attribute)+strings.Repeat(" ", max(20-kit.Width(spoken(v.Attribute)), 1))), kit.Text(kit.Plain, text)))
	}
	d.height = len(part)
	return append(block, d.scroll.View(theme, part, h-len(block))...)
}

func reports(n int) string {
	if n == 0 {
		return ""
	}
	return "; leads " + kit.Plural(n, "person", "people")
}

func accessWords(access string) string {
	switch access {
	case "on":
		return "wanted: each target should hold an active account"
	case "off":
		return "not wanted: accounts that exist should be inactive"
	case "keep":
		return "left as they are: no source says anything certain"
	}
	return access
}

func (d *personDetail) tabs() kit.Line {
	line := kit.L(kit.Span{Text: "  "})
	for s, name := range []string{"Values", "Records", "Accounts and why not", "History", "Timeline"} {
		if section(s) == d.section {
			line.Spans = append(line.Spans, kit.Text(kit.Accent, "["), kit.Text(kit.Strong, name), kit.Text(kit.Accent, "]"))
			continue
		}
		line.Spans = append(line.Spans, kit.Text(kit.Faint, " "+name+" "))
	}
	return line
}
