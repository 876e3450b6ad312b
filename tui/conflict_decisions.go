package tui

import (
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"rollcall/appliance/admin"
	"rollcall/tui/kit"
)

// The answers in force are the other half of the conflicts page: what humans
// decided, which no later sync changes, and the way back.

func (c *conflicts) askDecided() tea.Cmd { return c.decisions.ask(c.env, c.env.client.Decisions) }

func (c *conflicts) decidedCommand() string {
	if d, ok := c.decision(); ok && !c.env.readOnly {
		return "rollcall conflicts undo " + quoted(d.ID)
	}
	return "rollcall conflicts decisions"
}

func (c *conflicts) decidedBindings() kit.Keymap {
	keys := kit.Keymap{{Keys: []string{"esc", "d"}, Intent: kit.Back, Label: "open ones", Help: "back to the conflicts that are open"}}
	if _, ok := c.decision(); ok {
		keys = append(keys, kit.Binding{Keys: []string{"u"}, Intent: intentUndo, Label: "undo", Help: "take this answer back", Mutates: true})
	}
	if d, ok := c.decision(); ok && d.Batch != "" {
		keys = append(keys, kit.Binding{Keys: []string{"U"}, Intent: intentUndoBatch, Label: "undo batch", Help: "take back every answer that was given together with this one", Mutates: true})
	}
	return append(keys, kit.Moves()...)
}

func (c *conflicts) decision() (admin.Decision, bool) {
	if i := c.answers.Cursor(); i < len(c.decisions.value) {
		return c.decisions.value[i], true
	}
	return admin.Decision{}, false
}

func (c *conflicts) doDecided(intent kit.Intent) tea.Cmd {
	if c.answers.Do(intent, len(c.decisions.value)) {
		return nil
	}
	if d, ok := c.decision(); ok && intent == intentUndo {
		return c.undo([]string{d.ID}, "The answer "+d.Verb+" for "+strings.Join(d.Names, ", "))
	} else if ok && intent == intentUndoBatch && d.Batch != "" {
		return c.undo([]string{d.Batch}, "The answer "+d.Verb+" that was given to several conflicts together")
	}
	return nil
}

func (c *conflicts) viewDecided(w, h int) kit.Block {
	theme := c.env.theme
	left := kit.L(kit.Text(kit.Strong, " "+kit.Plural(len(c.decisions.value), "answer", "answers")+" in force"), kit.Text(kit.Faint, "; each can be taken back"))
	block := kit.Block{kit.Justify(left, kit.L(kit.Text(kit.Faint, "as of "+c.env.clock(c.decisions.at)+" ")), w)}
	if !c.decisions.loaded {
		return append(kit.Block{kit.L(kit.Text(kit.Strong, " Answers in force"))}, asOf(c.env, &c.decisions, "the answers", w)...)
	}
	block = append(block, asOf(c.env, &c.decisions, "the answers", w)...)
	if len(c.decisions.value) == 0 {
		return append(block, kit.L(kit.Text(kit.Plain, "  No answer is in force. Answers given to conflicts are kept here, and outlive every sync.")))
	}
	c.tableAt = len(block)
	foot := c.decisionInFull(w)
	table := c.answers.View(theme, w, h-len(block)-len(foot), decisionRows{c})
	return append(append(block, table.Take(h-len(block)-len(foot))...), foot...)
}

func (c *conflicts) decisionInFull(w int) kit.Block {
	d, ok := c.decision()
	if !ok {
		return nil
	}
	text := "Answered " + c.env.clock(d.At) + " by " + d.Actor + "; records " + strings.Join(d.Records, ", ")
	if d.Record != "" {
		text += "; named " + d.Record
	}
	if d.Batch != "" {
		text += "; given together with others as " + d.Batch
	}
	if d.Attribute != "" {
		text += "; " + spoken(d.Attribute) + " is " + d.Value
	}
	if d.Reason != "" {
		text += "; " + d.Reason
	}
	title := d.Verb + ": " + strings.Join(d.Names, ", ")
	return append(kit.Block{c.env.theme.Rule(title, w)}, kit.Paragraph(kit.Plain, text, w-4).Indent(2)...).Take(5)
}

type decisionRows struct{ *conflicts }

func (r decisionRows) Len() int { return len(r.decisions.value) }

func (r decisionRows) Row(i int) ([]kit.Span, bool) {
	d := r.decisions.value[i]
	answer := d.Verb
	if d.Attribute != "" {
		answer += " " + spoken(d.Attribute)
	}
	return []kit.Span{
		kit.Text(kit.Faint, r.env.when(d.At)), kit.Text(kit.Plain, actorName(d.Actor)), kit.Text(kit.Accent, answer),
		kit.Text(kit.Strong, strings.Join(d.Names, ", ")), kit.Text(kit.Plain, spoken(d.Kind)), kit.Text(kit.Faint, d.Reason),
	}, true
}
