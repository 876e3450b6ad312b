package tui

import (
	"strings"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/tui/kit"
)

// A duplicate_group is about groups, which are shown side by side as records are.
// Its answers have the same keys and other consequences.

func ofGroups(cf admin.Conflict) bool { return cf.Kind == string(model.DuplicateGroup) }

// groupKeys gives each answer to a question about two groups its key.
func (c *conflicts) groupKeys(cf admin.Conflict) kit.Keymap {
	words := map[string]kit.Binding{
		"merge":   {Keys: []string{"m"}, Label: "merge", Help: "relay the members of both as one group"},
		"prefer":  {Keys: []string{"p"}, Label: "prefer", Help: "the group at the column cursor has the name, the other is left out"},
		"exclude": {Keys: []string{"x"}, Label: "exclude", Help: "leave the group at the column cursor out"},
		"set":     {Keys: []string{"e"}, Label: "rename", Help: "relay the group at the column cursor under another name"},
		"later":   {Keys: []string{"z"}, Label: "later", Help: "put it off"},
	}
	var keys kit.Keymap
	for _, verb := range verbsFor(cf) {
		b, ok := words[verb]
		if !ok || c.open == "" && verb != "merge" && verb != "later" {
			continue // the others name a group, which is chosen in the detail
		}
		b.Intent, b.Mutates = intentAnswer+kit.Intent(verb), true
		keys = append(keys, b)
	}
	return keys
}

// groupOutcome says what an answer about two groups means.
func (p previewed) groupOutcome(cf admin.Conflict) []string {
	name := nameRecord(cf, p.answer.Record)
	switch model.Verb(p.answer.Verb) {
	case model.Merge:
		return []string{"The members of both groups are relayed to " + cf.Target + " as one. Who leaves one of them stays while the other has them."}
	case model.Prefer:
		return []string{name + " is the group of this name in " + cf.Target + " from now on. The other one is not relayed, as long as this one is there."}
	case model.Exclude:
		return []string{name + " is not relayed to " + cf.Target + " from now on."}
	case model.Set:
		return []string{name + " is relayed to " + cf.Target + " as " + p.answer.Value + ", whatever it is called at its source."}
	}
	return []string{"Nothing is decided. The conflict stays, and the second group waits."}
}

// groupChangeLines draws what would become of a group in a target.
func groupChangeLines(theme *kit.Theme, g admin.GroupChange, w int) kit.Block {
	effect := g.Effect
	if g.Rename {
		effect += ", under another name"
	}
	block := kit.Block{kit.L(kit.Text(effectRole(g.Effect), theme.Signs.Bullet+" "+effect), kit.Text(kit.Strong, " group "+g.Name), kit.Text(kit.Faint, " in "+g.Target+"  "+g.Group))}
	if g.Held {
		block = append(block, kit.Paragraph(kit.Warn, theme.Signs.Paused+" held until you let it go: "+g.Why, w-4).Indent(4)...)
	} else {
		block = append(block, kit.Paragraph(kit.Faint, g.Why, w-4).Indent(4)...)
	}
	if len(g.Add) > 0 {
		block = append(block, kit.Paragraph(kit.Plain, "add "+strings.Join(g.Add, ", "), w-4).Indent(4)...)
	}
	if len(g.Remove) > 0 {
		block = append(block, kit.Paragraph(kit.Differ, "remove "+strings.Join(g.Remove, ", "), w-4).Indent(4)...)
	}
	return append(block, requestLines(g.Requests, w)...)
}
