package tui

import (
	"context"
	"fmt"

	tea "github.com/charmbracelet/bubbletea"

	"rollcall/appliance/admin"
	"rollcall/tui/kit"
)

// explain asks about the delivery at the cursor.
func (d *deliveries) explain() tea.Cmd {
	j, ok := d.current()
	if !ok {
		return nil
	}
	client := d.env.client
	return d.told.ask(d.env, func(ctx context.Context) ([]admin.DeliveryExplained, error) {
		return client.ExplainDelivery(ctx, j.Person.ID, j.Target)
	})
}

// explanation is the page of one delivery: what differs, why it waits, what was tried
// and what happens next.
func (d *deliveries) explanation(w, h int) kit.Block {
	j, _ := d.current()
	block := kit.Block{kit.L(kit.Text(kit.Strong, " "+nameOf(j.Person)+" in "+j.Target), kit.Text(kit.Faint, "  "+j.Person.Email))}
	block = append(block, asOf(d.env, &d.told, "the explanation", w)...)
	if !d.told.loaded {
		return block
	}
	var text kit.Block
	for _, e := range d.told.value {
		text = append(text, explained(d.env, e, w)...)
	}
	d.lines = len(text)
	return append(block, d.scroll.View(d.env.theme, text, h-len(block))...)
}

func explained(v *env, e admin.DeliveryExplained, w int) kit.Block {
	theme := v.theme
	var block kit.Block
	say := func(label, text string, role kit.Role) {
		block = append(block, labelled(theme, label, text, role, w)...)
	}
	state := "nothing is pending"
	if e.State != "none" {
		state = e.Effect + ", " + e.State
		if e.Run > 0 {
			state += fmt.Sprintf(", of run %d", e.Run)
		}
	}
	say("delivery", state, jobState(e.State))
	next := e.Next
	if !e.At.IsZero() {
		next += ", " + v.in(e.At)
	}
	say("next", next, kit.Strong)
	switch c := e.Account; {
	case c == nil:
		say("account", "none is known there", kit.Plain)
	case c.ID == "":
		say("account", "none is known there, and one may have been made as "+c.Login+": a create had no answer", kit.Warn)
	default:
		is := "inactive"
		if c.Active {
			is = "active"
		}
		if c.Adopted {
			is += ", was there before"
		}
		say("account", c.ID+", login "+c.Login+", "+is+", written "+v.ago(c.At), kit.Plain)
		if c.Doubt {
			say("", "in doubt: a write had no answer", kit.Warn)
		}
	}
	if len(e.Differences) > 0 {
		block = append(block, theme.Rule("What differs", w))
	}
	for _, f := range e.Differences {
		has := f.Has
		if has == "" {
			has = "nothing"
		}
		if f.Doubt {
			has += " (not sure)"
		}
		wanted := f.Wanted
		if wanted == "" {
			wanted = "nothing"
		}
		say(spoken(f.Attribute), has+" -> "+wanted, kit.Plain)
	}
	if len(e.Obstacles) > 0 {
		block = append(block, theme.Rule("What is in the way", w))
	}
	for _, o := range e.Obstacles {
		block = append(block, kit.Paragraph(kit.Warn, theme.Signs.Warn+" "+o.What, w-4).Indent(2)...)
		block = append(block, kit.Paragraph(kit.Faint, "would have to change: "+o.Change, w-6).Indent(4)...)
		if o.Command != "" {
			block = append(block, kit.Paragraph(kit.Faint, o.Command, w-6).Indent(4)...)
		}
	}
	if len(e.Attempts) > 0 {
		block = append(block, theme.Rule("Tried "+kit.Plural(e.Tries, "time", "times"), w))
	}
	for _, a := range e.Attempts {
		say(v.when(a.At), a.Answer, kit.Plain)
	}
	return block
}
