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
		return append(append(block, attributeLines(ch.Attributes)...), requestLines(ch.Requests, w)...)
	}
	var with []string // all of it is new: one after the other is read faster
	for _, a := range ch.Attributes {
		with = append(with, spoken(a.Attribute)+" "+a.New)
	}
	block = append(block, kit.Paragraph(kit.Plain, "with "+strings.Join(with, ", "), w-4).Indent(4)...)
	return append(block, requestLines(ch.Requests, w)...)
}

// requestLines draws requests as they would be sent.
func requestLines(requests []admin.PlannedRequest, w int) kit.Block {
	var block kit.Block
	for _, r := range requests {
		text := strings.TrimSpace(r.Method + " " + r.Path)
		if r.Note != "" {
			text = strings.TrimSpace(text + " (" + r.Note + ")")
		}
		block = append(block, kit.Paragraph(kit.Faint, text, w-4).Indent(4)...)
		if len(r.Body) > 0 {
			block = append(block, kit.Paragraph(kit.Faint, string(r.Body), w-6).Indent(6)...)
		}
	}
	return block
}

// fileLines draws how the file of a target would differ.
func fileLines(theme *kit.Theme, f admin.FileChange, w int) kit.Block {
	block := kit.Block{kit.L(kit.Text(kit.Strong, theme.Signs.Bullet+" the file of "+f.Target), kit.Text(kit.Faint, " with "+kit.Plural(f.People, "person", "people")))}
	if len(f.Removed)+len(f.Added) > 0 {
		block = append(block, kit.Paragraph(kit.Faint, f.Header, w-6).Indent(6)...)
	}
	for _, row := range f.Removed {
		block = append(block, kit.Paragraph(kit.Warn, "- "+row, w-4).Indent(4)...)
	}
	for _, row := range f.Added {
		block = append(block, kit.Paragraph(kit.Differ, "+ "+row, w-4).Indent(4)...)
	}
	return block
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
