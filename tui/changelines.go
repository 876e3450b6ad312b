package tui

import (
	"cmp"
	"slices"
	"strings"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/tui/kit"
)

// changeLines draws what would change for one person in one target.
func changeLines(theme *kit.Theme, ch admin.PlanChange, w int) kit.Block {
	block := kit.Block{kit.L(
		kit.Text(effectRole(ch.Effect), theme.Signs.Bullet+" "+ch.Effect), kit.Text(kit.Strong, " "+nameOf(ch.Person)),
		kit.Text(kit.Faint, " in "+ch.Target),
	)}
	block = append(block, kit.Paragraph(kit.Faint, ch.Why, w-4).Indent(4)...)
	if ch.Effect != string(model.EffectCreate) {
		return append(block, attributeLines(ch.Attributes)...)
	}
	var with []string // all of it is new: one after the other is read faster
	for _, a := range ch.Attributes {
		with = append(with, spoken(a.Attribute)+" "+a.New)
	}
	return append(block, kit.Paragraph(kit.Plain, "with "+strings.Join(with, ", "), w-4).Indent(4)...)
}

// effectCounts says what would happen how often, what hurts most first:
// "1 deactivate, 3 create".
func effectCounts(counts map[string]int) string {
	var effects []string
	for e := range counts {
		effects = append(effects, e)
	}
	slices.SortFunc(effects, func(a, b string) int {
		return cmp.Or(cmp.Compare(effectOrder(a), effectOrder(b)), strings.Compare(a, b))
	})
	var out []string
	for _, e := range effects {
		out = append(out, kit.Count(counts[e])+" "+e)
	}
	return strings.Join(out, ", ")
}

// attributeLines draws old and new values, one attribute a line.
func attributeLines(changes []admin.AttributeChange) kit.Block {
	var block kit.Block
	for _, a := range changes {
		line := kit.L(kit.Text(kit.Faint, "    "+spoken(a.Attribute)+": "))
		if a.Old != "" {
			line.Spans = append(line.Spans, kit.Text(kit.Plain, a.Old), kit.Text(kit.Faint, " -> "))
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
