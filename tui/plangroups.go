package tui

import (
	"cmp"
	"maps"
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
	department                 string
	causes                     []string // ids of the groups of the appliance
	attributes                 []admin.AttributeChange
}

func planItems(pl admin.Plan) []planItem {
	items := make([]planItem, 0, len(pl.Changes)+len(pl.Uncovered))
	for _, ch := range pl.Changes {
		why := ch.Cause // what is particular to one person would make a group of each
		if why == "" {
			why = ch.Why
		}
		items = append(items, planItem{target: ch.Target, effect: ch.Effect, why: why, state: ch.State, person: ch.Person,
			department: ch.Department, causes: ch.Causes, attributes: ch.Attributes})
	}
	for _, u := range pl.Uncovered {
		items = append(items, planItem{
			target: u.Target, effect: "uncovered", why: "no source names the holder; nothing is done to the account",
			person: admin.PersonRef{Name: u.Login},
		})
	}
	return items
}

// heldItems is what of a run's plan is held.
func heldItems(pl admin.Plan) []planItem {
	return slices.DeleteFunc(planItems(pl), func(it planItem) bool { return it.state != string(model.JobHeld) })
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

// planGroups is changes grouped by cause or by department, each group open or
// closed, some of the people marked. The rows are listed once per change of that,
// so that drawing looks only at the screen.
type planGroups struct {
	items        []planItem
	byDepartment bool
	groups       []planGroup
	rows         []planRow
	marked       map[string]bool // by person
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
	g.items, g.groups = items, nil
	for _, it := range items {
		k := key{it.target, it.effect, g.label(it)}
		at, ok := index[k]
		if !ok {
			at = len(g.groups)
			index[k] = at
			g.groups = append(g.groups, planGroup{target: it.target, effect: it.effect, why: k.why, opened: opened[k]})
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
			if it.effect == string(model.EffectDeactivate) {
				continue // that the account goes is all there is to say
			}
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

// label is what an item's group is called.
func (g *planGroups) label(it planItem) string {
	switch {
	case !g.byDepartment:
		return it.why
	case it.department == "":
		return "no department"
	}
	return it.department
}

// turn groups by the other of cause and department.
func (g *planGroups) turn() {
	g.byDepartment = !g.byDepartment
	g.set(g.items)
}

// mark marks the person in row i, or everybody of the group there; when all of
// them are, it takes the marks off.
func (g *planGroups) mark(i int) {
	if i >= len(g.rows) {
		return
	}
	if g.marked == nil {
		g.marked = map[string]bool{}
	}
	row := g.rows[i]
	people := g.groups[row.group].items
	if row.item >= 0 {
		people = people[row.item : row.item+1]
	}
	all := !slices.ContainsFunc(people, func(it planItem) bool { return !g.marked[it.person.ID] })
	for _, it := range people {
		if all {
			delete(g.marked, it.person.ID)
		} else {
			g.marked[it.person.ID] = true
		}
	}
}

// chosen is the changes of the people who are marked, all when nobody is.
func (g *planGroups) chosen() []planItem {
	if len(g.marked) == 0 {
		return g.items
	}
	var out []planItem
	for _, it := range g.items {
		if g.marked[it.person.ID] {
			out = append(out, it)
		}
	}
	return out
}

// namedAtMost is how many people one question may name one by one.
const namedAtMost = 1000

// only names exactly those who are marked: one by one, or by causes or
// departments when they are too many and these say the same; false when neither.
func (g *planGroups) only() (admin.Only, bool) {
	if len(g.marked) <= namedAtMost {
		return admin.Only{Persons: slices.Sorted(maps.Keys(g.marked))}, true
	}
	causes, departments := map[string]bool{}, map[string]bool{}
	for _, it := range g.chosen() {
		departments[it.department] = true
		for _, id := range it.causes {
			causes[id] = true
		}
	}
	byCause, byDepartment := true, !departments[""]
	for _, it := range g.items {
		if g.marked[it.person.ID] {
			continue
		}
		byDepartment = byDepartment && !departments[it.department]
		byCause = byCause && slices.ContainsFunc(it.causes, func(id string) bool { return !causes[id] })
	}
	switch {
	case byCause:
		return admin.Only{Causes: slices.Sorted(maps.Keys(causes))}, true
	case byDepartment:
		return admin.Only{Departments: slices.Sorted(maps.Keys(departments))}, true
	}
	return admin.Only{}, false
}

// summary counts the groups of what is chosen, for a question.
func (g *planGroups) summary() kit.Block {
	chosen := planGroups{byDepartment: g.byDepartment}
	chosen.set(g.chosen())
	var block kit.Block
	for i, gr := range chosen.groups {
		if i == 6 && len(chosen.groups) > 7 {
			block = append(block, kit.L(kit.Text(kit.Faint, "  and "+kit.Plural(len(chosen.groups)-i, "more group", "more groups"))))
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
		if r.all(gr) {
			sign = r.theme.Signs.Marked + " " + sign
		}
		return []kit.Span{
			kit.Text(effectRole(gr.effect), sign+" "+gr.effect+" in "+gr.target), kit.Text(kit.Strong, kit.Count(len(gr.items))), kit.Text(kit.Plain, gr.why),
		}, true
	case row.attribute < 0:
		it := gr.items[row.item]
		about := it.department // what tells people of one name apart, shortest first
		if r.byDepartment {
			about = it.why
		}
		about = strings.TrimSpace(about + "  " + it.person.Email)
		mark := "  "
		if r.marked[it.person.ID] {
			mark = r.theme.Signs.Marked + " "
		}
		return []kit.Span{kit.Text(kit.Plain, "  "+mark+nameOf(it.person)), {}, kit.Text(kit.Faint, about)}, true
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

// all reports whether everybody of a group is marked.
func (r planRows) all(gr planGroup) bool {
	if len(r.marked) == 0 {
		return false
	}
	return !slices.ContainsFunc(gr.items, func(it planItem) bool { return !r.marked[it.person.ID] })
}
