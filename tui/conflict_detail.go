package tui

import (
	"cmp"
	"slices"
	"strings"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/tui/kit"
)

// fieldRow is one line of the comparison: what each record says of one thing.
type fieldRow struct {
	name    string
	said    []string // by record
	has     []bool   // false where the record does not say
	differs bool
	fixed   bool // not an attribute: it cannot be set
}

// fieldRows compares the records of a conflict: who and where they are, then
// every attribute that one of them has, those that differ first. Records that do
// not say something do not differ in it. With only, attributes on which they
// agree are left out.
func fieldRows(cf admin.Conflict, only bool) []fieldRow {
	rows := []fieldRow{
		compare(cf.Records, "id there", func(r admin.Record) (string, bool) { return r.Native, true }),
		compare(cf.Records, "status", func(r admin.Record) (string, bool) { return statusOf(r), true }),
		compare(cf.Records, "person", func(r admin.Record) (string, bool) { return r.Person, r.Person != "" }),
	}
	rows[0].differs = false // ids of different sources always differ
	if ofGroups(cf) {
		rows = rows[:2]
		rows[1].differs = false // one has the name, the other asks for it
	}
	for i := range rows {
		rows[i].fixed = true
	}
	for _, name := range attributesOf(cf.Records) {
		row := compare(cf.Records, name, func(r admin.Record) (string, bool) { v, ok := r.Attributes[name]; return v, ok })
		row.differs = row.differs || slices.Contains(cf.Differs, name)
		rows = append(rows, row)
	}
	if only {
		return slices.DeleteFunc(rows, func(r fieldRow) bool { return !r.differs && !r.fixed })
	}
	slices.SortStableFunc(rows, func(a, b fieldRow) int { return cmp.Compare(a.order(), b.order()) })
	return rows
}

// order puts what is fixed first, then what differs.
func (r fieldRow) order() int {
	switch {
	case r.fixed:
		return 0
	case r.differs:
		return 1
	}
	return 2
}

func compare(records []admin.Record, name string, say func(admin.Record) (string, bool)) fieldRow {
	row := fieldRow{name: name}
	first, found := "", false
	for _, r := range records {
		v, ok := say(r)
		row.said, row.has = append(row.said, v), append(row.has, ok)
		if !ok {
			continue
		}
		if found && !strings.EqualFold(strings.TrimSpace(v), strings.TrimSpace(first)) {
			row.differs = true
		}
		if !found {
			first, found = v, true
		}
	}
	return row
}

// attributesOf lists the attributes of the records in display order.
func attributesOf(records []admin.Record) []string {
	seen := map[model.Name]bool{}
	var names []model.Name
	for _, r := range records {
		for n := range r.Attributes {
			if !seen[model.Name(n)] {
				seen[model.Name(n)] = true
				names = append(names, model.Name(n))
			}
		}
	}
	model.SortNames(names)
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = string(n)
	}
	return out
}

// statusOf says a record's status with everything that qualifies it.
func statusOf(r admin.Record) string {
	out := r.Status
	if r.RawStatus != "" && !strings.EqualFold(r.RawStatus, r.Status) {
		out += " (" + r.RawStatus + ")"
	}
	if r.Gone {
		out += ", gone"
	}
	if r.Staged {
		out += ", in preview"
	}
	if r.Scope != "" && r.Scope != string(model.InScope) {
		out += ", scope: " + r.Scope
	}
	return out
}

func (c *conflicts) viewDetail(w, h int) kit.Block {
	theme := c.env.theme
	cf, people := c.detail.value.conflict, c.detail.value.people
	if !c.detail.loaded {
		return append(kit.Block{{}}, asOf(c.env, &c.detail, "the conflict", w)...)
	}
	block := kit.Block{theme.Rule(spoken(cf.Kind)+": "+who(cf), w)}
	block = append(block, c.about(cf, w)...)
	if accounts := accountsOf(people); accounts != "" {
		block = append(block, labelled(theme, "accounts", accounts, kit.Plain, w)...)
	}
	if room := h - 8; len(block) > room && room > 0 { // the comparison is what the page is for
		block = append(block[:room-1:room-1], kit.L(kit.Text(kit.Faint, "  "+theme.Signs.Ellipsis+" enlarge the window to read on")))
	}
	c.tableAt = len(block)
	return append(block, c.comparison(cf, w, h-len(block))...)
}

// about says what a conflict is, what speaks for and against, and what is
// suggested: the suggestion first, because it is what the eye looks for.
func (c *conflicts) about(cf admin.Conflict, w int) kit.Block {
	theme := c.env.theme
	var block kit.Block
	if cf.Suggestion != "" {
		block = append(block, labelled(theme, "suggested", theme.Signs.Next+" "+c.nameRecords(cf, cf.Suggestion), kit.Accent, w)...)
	}
	if len(cf.Precedents) > 0 {
		block = append(block, labelled(theme, "before", "conflicts of this shape were answered: "+effectCounts(cf.Precedents), kit.Plain, w)...)
	}
	stops := "it stops nothing else"
	if ofGroups(cf) {
		stops = "the second group waits"
	}
	if cf.Freezes {
		stops = "nothing is relayed for them until it is answered"
	}
	block = append(block, labelled(theme, "why", cf.Rule+"; "+stops+"; opened "+c.env.ago(cf.Opened), kit.Plain, w)...)
	if len(cf.Identifiers) > 0 && !ofGroups(cf) {
		block = append(block, labelled(theme, "joined by", strings.ReplaceAll(strings.Join(cf.Identifiers, ", "), ":", " "), kit.Plain, w)...)
	}
	one, several := "one human", "or several"
	if ofGroups(cf) {
		one, several = "one group", "or two"
	}
	if len(cf.For) > 0 {
		block = append(block, labelled(theme, one, theme.Signs.Good+" "+spoken(strings.Join(cf.For, ", ")), kit.Good, w)...)
	}
	if len(cf.Against) > 0 {
		block = append(block, labelled(theme, several, theme.Signs.Bad+" "+spoken(strings.Join(cf.Against, ", ")), kit.Warn, w)...)
	}
	return block
}

// nameRecords says which records a text means where it has their ids.
func (c *conflicts) nameRecords(cf admin.Conflict, text string) string {
	for _, r := range cf.Records {
		text = strings.ReplaceAll(text, r.ID, nameRecord(cf, r.ID))
	}
	return text
}

// labelled is a paragraph with a label before it.
func labelled(theme *kit.Theme, label, text string, role kit.Role, w int) kit.Block {
	const margin = 13
	var block kit.Block
	for i, line := range kit.Wrap(text, w-margin-1) {
		head := label
		if i > 0 {
			head = ""
		}
		block = append(block, kit.L(kit.Text(kit.Faint, "  "+kit.Truncate(head, margin-3, theme.Signs.Ellipsis)+strings.Repeat(" ", max(margin-2-kit.Width(head), 1))), kit.Text(role, line)))
	}
	return block
}

func accountsOf(people []admin.Person) string {
	var out []string
	for _, p := range people {
		for _, a := range p.Accounts {
			state := "inactive"
			if a.Active {
				state = "active"
			}
			out = append(out, p.Name+": "+a.Target+" "+a.Login+" ("+state+")")
		}
	}
	return strings.Join(out, "; ")
}

// comparison draws the records side by side. When they do not all fit, those
// around the column cursor are shown.
func (c *conflicts) comparison(cf admin.Conflict, w, h int) kit.Block {
	const name, least = 20, 17
	theme := c.env.theme
	if len(cf.Records) == 0 {
		return kit.Block{{}, kit.L(kit.Text(kit.Faint, "  No record takes part."))}
	}
	fit := max(min((w-2-name-2)/(least+1), len(cf.Records)), 1)
	first := max(min(c.record-fit/2, len(cf.Records)-fit), 0)
	columns := []kit.Column{{Title: " ", Min: 1, Keep: 99}, {Title: c.recordsTitle(cf, first, fit), Min: name, Keep: 98}}
	for i := first; i < first+fit; i++ {
		title := cf.Records[i].Source
		if i == c.record {
			title = theme.Signs.Cursor + " " + title
		}
		columns = append(columns, kit.Column{Title: title, Min: least, Flex: 1, Keep: 50})
	}
	c.fields.SetColumns(columns...)
	if c.only && !slices.ContainsFunc(fieldRows(cf, true), func(r fieldRow) bool { return r.differs }) {
		return kit.Block{{}, kit.L(kit.Text(kit.Plain, "  Nothing differs; f shows everything."))}
	}
	var cells kit.Cells
	for _, row := range fieldRows(cf, c.only) {
		cells = append(cells, row.cells(theme, first, fit))
	}
	return c.fields.View(theme, w, h, cells)
}

func (c *conflicts) recordsTitle(cf admin.Conflict, first, fit int) string {
	if fit == len(cf.Records) {
		return kit.Plural(fit, "RECORD", "RECORDS")
	}
	return kit.Count(first+1) + "-" + kit.Count(first+fit) + " OF " + kit.Plural(len(cf.Records), "RECORD", "RECORDS")
}

func (r fieldRow) cells(theme *kit.Theme, first, fit int) []kit.Span {
	sign, role := " ", kit.Plain
	if r.differs {
		sign, role = theme.Signs.Differs, kit.Differ
	}
	cells := []kit.Span{kit.Text(role, sign), kit.Text(kit.Faint, spoken(r.name))}
	for i := first; i < first+fit; i++ {
		switch {
		case !r.has[i]:
			cells = append(cells, kit.Text(kit.Faint, "not said"))
		case r.said[i] == "":
			cells = append(cells, kit.Text(kit.Faint, "(empty)"))
		default:
			cells = append(cells, kit.Text(role, r.said[i]))
		}
	}
	return cells
}
