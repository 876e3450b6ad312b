package tui

import (
	"rollcall/appliance/admin"
	"rollcall/tui/kit"
)

// changeLines draws what would change for one person in one target.
func changeLines(theme *kit.Theme, ch admin.PlanChange, w int) kit.Block {
	block := kit.Block{kit.L(
		kit.Text(effectRole(ch.Effect), theme.Signs.Bullet+" "+ch.Effect), kit.Text(kit.Strong, " "+nameOf(ch.Person)),
		kit.Text(kit.Faint, " in "+ch.Target),
	)}
	block = append(block, kit.Paragraph(kit.Faint, ch.Why, w-4).Indent(4)...)
	return append(block, attributeLines(theme, ch.Attributes)...)
}

// attributeLines draws old and new values, one attribute a line.
func attributeLines(theme *kit.Theme, changes []admin.AttributeChange) kit.Block {
	var block kit.Block
	for _, a := range changes {
		line := kit.L(kit.Text(kit.Faint, "    "+spoken(a.Attribute)+": "))
		if a.Old != "" {
			line.Spans = append(line.Spans, kit.Text(kit.Plain, a.Old), kit.Text(kit.Faint, " "+theme.Signs.Next+" "))
		}
		value := kit.Text(kit.Differ, a.New)
		if a.New == "" {
			value = kit.Text(kit.Warn, "(cleared)")
		}
		line.Spans = append(line.Spans, value)
		if a.Source != "" {
			line.Spans = append(line.Spans, kit.Text(kit.Faint, "  from "+a.Source))
		}
		block = append(block, line)
	}
	return block
}

// nameOf names a person for a list.
func nameOf(p admin.PersonRef) string {
	switch {
	case p.Name != "":
		return p.Name
	case p.Email != "":
		return p.Email
	}
	return p.ID
}
