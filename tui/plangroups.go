package tui

import (
	"cmp"
	"slices"
	"strings"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/tui/kit"
)

// planItem is one change for one person in one target, whatever it came from.
type planItem struct {
	target, effect, why, state string
	person                     admin.PersonRef
	attributes                 []admin.AttributeChange
	changed                    []string // names, where values are not known
}

func planItems(pl admin.Plan) []planItem {
	items := make([]planItem, 0, len(pl.Changes)+len(pl.Uncovered))
	for _, ch := range pl.Changes {
		items = append(items, planItem{target: ch.Target, effect: ch.Effect, why: ch.Why, state: ch.State, person: ch.Person, attributes: ch.Attributes})
	}
	for _, u := range pl.Uncovered {
		items = append(items, planItem{
			target: u.Target, effect: "uncovered", why: "no source names the holder; nothing is done to the account",
			person: admin.PersonRef{Name: u.Login},
		})
	}
	return items
}

// heldItems is what of a run's deliveries is held.
func heldItems(deliveries []admin.Delivery) []planItem {
	var items []planItem
	for _, d := range deliveries {
		if d.State == string(model.JobHeld) {
			items = append(items, planItem{target: d.Target, effect: d.Effect, why: pendingWhy(d), state: d.State, person: d.Person, changed: d.Changed})
		}
	}
	return items
}

// planGroup is the changes that have effect, target and cause in common.
type planGroup struct {
	target, effect, why string
	items               []planItem
	opened              bool
}

// planRow is a line of the list: a group (item < 0), an item of it, or one
// attribute of that (attribute ≥ 0).
type planRow struct{ group, item, attribute int32 }

// planGroups is changes grouped by cause, each group open or closed. The rows
// are listed once per change of that, so that drawing looks only at the screen.
type planGroups struct {
	groups []planGroup
	rows   []planRow
}

// effectOrder puts what hurts most first.
func effectOrder(effect string) int {
	return slices.Index([]string{"deactivate", "create", "reactivate", "adopt", "update", "uncovered"}, effect)
}

// set takes new changes; groups that were open stay open.
func (g *planGroups) set(items []planItem) {
	type key struct{ target, effect, why string }
	opened := map[key]bool{}
	for _, gr := range g.groups {
		opened[key{gr.target, gr.effect, gr.why}] = gr.opened
	}
	index := map[key]int{}
	g.groups = nil
	for _, it := range items {
		k := key{it.target, it.effect, it.why}
		at, ok := index[k]
		if !ok {
			at = len(g.groups)
			index[k] = at
			g.groups = append(g.groups, planGroup{target: it.target, effect: it.effect, why: it.why, opened: opened[k]})
		}
		g.groups[at].items = append(g.groups[at].items, it)
	}
	slices.SortStableFunc(g.groups, func(a, b planGroup) int {
		return cmp.Or(cmp.Compare(effectOrder(a.effect), effectOrder(b.effect)), cmp.Compare(len(b.items), len(a.items)), strings.Compare(a.why, b.why))
	})
	if len(g.groups) == 1 {
		g.groups[0].opened = true
	}
	g.list()
}

func (g *planGroups) list() {
	g.rows = g.rows[:0]
	for i, gr := range g.groups {
		g.rows = append(g.rows, planRow{int32(i), -1, -1})
		if !gr.opened {
			continue
		}
		for j, it := range gr.items {
			g.rows = append(g.rows, planRow{int32(i), int32(j), -1})
			for k := range it.attributes {
				g.rows = append(g.rows, planRow{int32(i), int32(j), int32(k)})
			}
		}
	}
}

// open opens or closes the group in row i, or returns the id of the person there.
func (g *planGroups) open(i int) (person string) {
	if i >= len(g.rows) {
		return ""
	}
	row := g.rows[i]
	if row.item >= 0 {
		return g.groups[row.group].items[row.item].person.ID
	}
	g.groups[row.group].opened = !g.groups[row.group].opened
	g.list()
	return ""
}

// summary counts the groups for a question.
func (g *planGroups) summary() kit.Block {
	var block kit.Block
	for i, gr := range g.groups {
		if i == 6 && len(g.groups) > 7 {
			block = append(block, kit.L(kit.Text(kit.Faint, "  and "+kit.Plural(len(g.groups)-i, "more cause", "more causes"))))
			break
		}
		block = append(block, kit.L(
			kit.Text(effectRole(gr.effect), "  "+gr.effect+" "+kit.Plural(len(gr.items), "person", "people")),
			kit.Text(kit.Faint, " in "+gr.target+": "+gr.why)))
	}
	return block
}

func planColumns() []kit.Column {
	return []kit.Column{
		{Title: "WHAT", Min: 26, Flex: 2, Keep: 9}, {Title: "PEOPLE", Min: 7, Right: true, Keep: 6},
		{Title: "WHY, AND WHAT CHANGES", Min: 28, Flex: 4, Keep: 8},
	}
}

// Len is the number of lines of the list.
func (g *planGroups) Len() int { return len(g.rows) }

// drawn shows the list in a table.
func (g *planGroups) drawn(theme *kit.Theme) kit.Rows { return planRows{g, theme} }

type planRows struct {
	*planGroups
	theme *kit.Theme
}

func (r planRows) Row(i int) ([]kit.Span, bool) {
	row := r.rows[i]
	gr := r.groups[row.group]
	switch {
	case row.item < 0:
		sign := r.theme.Signs.Closed
		if gr.opened {
			sign = r.theme.Signs.Open
		}
		return []kit.Span{
			kit.Text(effectRole(gr.effect), sign+" "+gr.effect+" in "+gr.target), kit.Text(kit.Strong, kit.Count(len(gr.items))), kit.Text(kit.Plain, gr.why),
		}, true
	case row.attribute < 0:
		it := gr.items[row.item]
		about := it.person.Email
		if len(it.changed) > 0 {
			about = strings.Join(it.changed, ", ")
		}
		if it.state != "" && it.state != string(model.JobReady) {
			about = it.state + "  " + about
		}
		return []kit.Span{kit.Text(kit.Plain, "    "+nameOf(it.person)), {}, kit.Text(kit.Faint, about)}, true
	}
	a := gr.items[row.item].attributes[row.attribute]
	text := a.Old + " -> " + a.New
	switch {
	case a.Old == "":
		text = a.New
	case a.New == "":
		text = a.Old + " is cleared"
	}
	if a.Source != "" {
		text += "  (from " + a.Source + ")"
	}
	return []kit.Span{kit.Text(kit.Faint, "        "+spoken(a.Attribute)), {}, kit.Text(kit.Differ, text)}, true
}
