package tui

import (
	"context"
	"fmt"
	"slices"
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
	sections
)

// personDetail shows one person: where each value comes from and what lost,
// records, accounts and why nothing is relayed, history.
type personDetail struct {
	env     *env
	person  slot[admin.Person]
	section section
	scroll  kit.Scroll
	height  int // lines of the section drawn last
}

func (d *personDetail) command(id string) string {
	words := map[section]string{sectionValues: " explain", sectionRecords: "", sectionAccounts: " why-not", sectionHistory: " history"}
	who := id
	if d.person.loaded && d.person.value.Email != "" {
		who = d.person.value.Email
	}
	return "rollcall person " + quoted(who) + words[d.section]
}

func (d *personDetail) bindings() kit.Keymap {
	keys := kit.Keymap{
		{Keys: []string{"right", "l", "enter"}, Intent: intentSection, Label: "next part", Help: "values, records, accounts, history"},
		{Keys: []string{"left", "h"}, Intent: intentBefore, Help: "the part before"},
		{Keys: []string{"m"}, Intent: "manager", Label: "manager", Help: "look at the manager"},
	}
	if len(d.person.value.Held) > 0 {
		keys = append(keys, kit.Binding{Keys: []string{"c"}, Intent: "conflict", Label: "conflict", Help: "the conflict that holds this person"})
	}
	return append(keys, kit.Moves()...)
}

func (d *personDetail) show(id string) tea.Cmd {
	d.person.forget()
	d.scroll = kit.Scroll{}
	return d.ask(id)
}

func (d *personDetail) forget() { d.person.forget() }

func (d *personDetail) ask(id string) tea.Cmd {
	return d.person.ask(d.env, func(ctx context.Context) (admin.Person, error) { return d.env.client.Person(ctx, id) })
}

func (d *personDetail) tick(now time.Time, id string) tea.Cmd {
	if d.person.stale(now, refreshEvery) {
		return d.ask(id)
	}
	return nil
}

func (d *personDetail) take(msg tea.Msg) (tea.Cmd, bool) { return nil, d.person.take(d.env, msg) }

func (d *personDetail) do(intent kit.Intent) tea.Cmd {
	p := d.person.value
	if d.scroll.Do(intent, d.height) {
		return nil
	}
	switch intent {
	case intentSection:
		d.section = (d.section + 1) % sections
		d.scroll = kit.Scroll{}
	case intentBefore:
		d.section = (d.section + sections - 1) % sections
		d.scroll = kit.Scroll{}
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

func (d *personDetail) view(w, h int) kit.Block {
	theme := d.env.theme
	if !d.person.loaded {
		return append(kit.Block{{}}, asOf(d.env, &d.person, "the person", w)...)
	}
	p := d.person.value
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
		part = d.history(p)
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
	for s, name := range []string{"Values", "Records", "Accounts and why not", "History"} {
		if section(s) == d.section {
			line.Spans = append(line.Spans, kit.Text(kit.Accent, "["), kit.Text(kit.Strong, name), kit.Text(kit.Accent, "]"))
			continue
		}
		line.Spans = append(line.Spans, kit.Text(kit.Faint, " "+name+" "))
	}
	return line
}

func (d *personDetail) values(p admin.Person, w int) kit.Block {
	grid := kit.Grid{
		{Title: "ATTRIBUTE", Min: 16, Keep: 9}, {Title: "VALUE", Min: 20, Flex: 3, Keep: 8},
		{Title: "FROM", Min: 10, Flex: 1, Keep: 7}, {Title: "FIELD", Min: 14, Flex: 2, Keep: 6},
		{Title: "RUN", Min: 6, Right: true, Keep: 4}, {Title: "SINCE", Min: 8, Keep: 5},
	}
	block := kit.Block{grid.Heading(d.env.theme, w)}
	for _, v := range p.Values {
		value := kit.Text(kit.Strong, v.Value)
		if v.Null {
			value = kit.Text(kit.Faint, "(known to be empty)")
		}
		run := ""
		if v.Run > 0 {
			run = fmt.Sprint(v.Run)
		}
		block = append(block, grid.Line(d.env.theme, w, []kit.Span{
			kit.Text(kit.Faint, spoken(v.Attribute)), value, kit.Text(kit.Plain, v.Source), kit.Text(kit.Faint, v.Field),
			kit.Text(kit.Faint, run), kit.Text(kit.Faint, d.env.ago(v.At)),
		}, false))
		for _, l := range v.Lost {
			said := l.Value
			if l.Null {
				said = "(empty)"
			}
			block = append(block, kit.L(kit.Text(kit.Faint, "      lost: "), kit.Text(kit.Plain, said), kit.Text(kit.Faint, " from "+l.Source+", "+l.Why)))
		}
	}
	return block
}

func (d *personDetail) records(p admin.Person, w int) kit.Block {
	var block kit.Block
	for _, r := range p.Records {
		block = append(block, d.env.theme.Rule(r.Source+" "+r.Native, w))
		block = append(block, labelled(d.env.theme, "status", statusOf(r)+"; changed "+d.env.ago(r.Changed)+"; record "+r.ID, kit.Plain, w)...)
		for _, n := range r.Notices {
			block = append(block, labelled(d.env.theme, "notice", n, kit.Warn, w)...)
		}
		for _, name := range attributesOf([]admin.Record{r}) {
			value := kit.Text(kit.Plain, r.Attributes[name])
			if value.Text == "" {
				value = kit.Text(kit.Faint, "(empty)")
			}
			name = spoken(name)
			block = append(block, kit.L(kit.Text(kit.Faint, "    "+name+strings.Repeat(" ", max(20-kit.Width(name), 1))), value))
		}
	}
	if len(p.Records) == 0 {
		block = kit.Block{kit.L(kit.Text(kit.Faint, "  No source names this person any more."))}
	}
	return block
}

func (d *personDetail) accounts(p admin.Person, w int) kit.Block {
	theme := d.env.theme
	var block kit.Block
	for _, a := range p.Accounts {
		role, state := kit.Good, theme.Signs.Good+" active"
		if !a.Active {
			role, state = kit.Faint, theme.Signs.Bad+" inactive"
		}
		if a.Adopted {
			state += ", was there before"
		}
		block = append(block, kit.L(kit.Text(kit.Strong, "  "+a.Target+"  "), kit.Text(kit.Plain, a.Login+"  "), kit.Text(role, state),
			kit.Text(kit.Faint, "  id "+a.RemoteID+", as delivered "+d.env.ago(a.At))))
	}
	if len(p.Accounts) == 0 {
		block = append(block, kit.L(kit.Text(kit.Faint, "  No target holds an account.")))
	}
	for _, j := range p.Pending {
		block = append(block, kit.L(kit.Text(jobState(j.State), "  "+j.State+": "), kit.Text(kit.Plain, j.Effect+" in "+j.Target+" "), kit.Text(kit.Faint, j.Reason+" "+j.LastError)))
	}
	block = append(block, theme.Rule("Why not", w))
	if len(p.WhyNot) == 0 {
		return append(block, kit.L(kit.Text(kit.Good, "  "+theme.Signs.Good+" Every target is in step.")))
	}
	var targets []string
	for target := range p.WhyNot {
		targets = append(targets, target)
	}
	slices.Sort(targets)
	for _, target := range targets {
		block = append(block, labelled(theme, target, p.WhyNot[target], kit.Plain, w)...)
	}
	return block
}

func (d *personDetail) history(p admin.Person) kit.Block {
	var block kit.Block
	for _, ev := range slices.Backward(p.Events) {
		block = append(block, eventLine(d.env, ev))
	}
	if len(block) == 0 {
		return kit.Block{kit.L(kit.Text(kit.Faint, "  Nothing was journalled yet."))}
	}
	return block
}
