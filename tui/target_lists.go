package tui

import (
	"context"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/tui/kit"
)

// Intents of what a target holds.
const (
	intentGroups     kit.Intent = "groups"
	intentDrift      kit.Intent = "drift"
	intentRetryGroup kit.Intent = "retry_group"
)

// targetLists is what one target holds, behind the page of sources and targets: its
// groups, each with its members, or how it differs from what was delivered.
type targetLists struct {
	env    *env
	target string
	drift  bool // else groups
	groups slot[[]admin.Group]
	found  slot[[]admin.Drift]
	table  kit.Table

	opened  *admin.Group // the group that is looked at
	group   slot[admin.GroupDetail]
	members kit.Table
	tableAt int
}

func newTargetLists(e *env, target string, drift bool) *targetLists {
	l := &targetLists{env: e, target: target, drift: drift, members: kit.NewTable(
		kit.Column{Title: "MEMBER", Min: 20, Flex: 2, Keep: 9}, kit.Column{Title: "EMAIL", Min: 20, Flex: 3, Keep: 7}, kit.Column{Title: "STATE", Min: 20, Keep: 8})}
	l.table = kit.NewTable(
		kit.Column{Title: "GROUP", Min: 18, Flex: 2, Keep: 9}, kit.Column{Title: "SOURCE", Min: 8, Keep: 7}, kit.Column{Title: "MEMBERS", Min: 7, Right: true, Keep: 6},
		kit.Column{Title: "STATE", Min: 9, Keep: 8}, kit.Column{Title: "WRITTEN", Min: 9, Keep: 4}, kit.Column{Title: "WHY", Min: 16, Flex: 3, Keep: 5})
	if drift {
		l.table = kit.NewTable(
			kit.Column{Title: "WHO", Min: 22, Flex: 2, Keep: 9}, kit.Column{Title: "WHAT", Min: 12, Keep: 8}, kit.Column{Title: "FIELDS", Min: 14, Flex: 2, Keep: 7},
			kit.Column{Title: "SINCE", Min: 9, Keep: 4}, kit.Column{Title: "DONE", Min: 16, Flex: 3, Keep: 6})
	}
	return l
}

func (l *targetLists) command() string {
	switch {
	case l.drift:
		return "rollcall deliveries drift " + quoted(l.target)
	case l.opened != nil:
		return "rollcall deliveries groups show " + quoted(l.target) + " " + quoted(l.opened.Source) + " " + quoted(l.opened.ID)
	}
	return "rollcall deliveries groups " + quoted(l.target)
}

func (l *targetLists) bindings() kit.Keymap {
	var keys kit.Keymap
	g, ok := l.current()
	if l.opened == nil && ok {
		keys = append(keys, kit.Binding{Keys: []string{"enter", "l", "right"}, Intent: kit.Open, Label: "members", Help: "who is in the group, and who will be"})
	}
	if d, ok := l.currentDrift(); ok && d.Person != nil {
		keys = append(keys, kit.Binding{Keys: []string{"enter", "l", "right"}, Intent: kit.Open, Label: "person", Help: "the person whose account it is"})
	}
	if ok && (g.State == string(model.JobHeld) || g.State == string(model.JobParked)) {
		keys = append(keys, kit.Binding{Keys: []string{"r"}, Intent: intentRetryGroup, Label: "let go", Help: "let this group go, exactly as it is held or was refused", Mutates: true})
	}
	return append(keys, kit.Moves()...)
}

// current is the group that is looked at, or the one the cursor is on.
func (l *targetLists) current() (admin.Group, bool) {
	switch i := l.table.Cursor(); {
	case l.drift:
	case l.opened != nil:
		return *l.opened, true
	case i < len(l.groups.value):
		return l.groups.value[i], true
	}
	return admin.Group{}, false
}

func (l *targetLists) currentDrift() (admin.Drift, bool) {
	if i := l.table.Cursor(); l.drift && i < len(l.found.value) {
		return l.found.value[i], true
	}
	return admin.Drift{}, false
}

func (l *targetLists) ask() tea.Cmd {
	client, target := l.env.client, l.target
	switch {
	case l.drift:
		return l.found.ask(l.env, func(ctx context.Context) ([]admin.Drift, error) { return client.Drift(ctx, target) })
	case l.opened != nil:
		g := *l.opened
		return l.group.ask(l.env, func(ctx context.Context) (admin.GroupDetail, error) { return client.Group(ctx, target, g.Source, g.ID) })
	}
	return l.groups.ask(l.env, func(ctx context.Context) ([]admin.Group, error) { return client.Groups(ctx, target) })
}

func (l *targetLists) tick(now time.Time) tea.Cmd {
	if l.drift && l.found.due(l.env, now) || !l.drift && l.opened == nil && l.groups.due(l.env, now) || l.opened != nil && l.group.due(l.env, now) {
		return l.ask()
	}
	return nil
}

func (l *targetLists) take(msg tea.Msg) bool {
	return l.groups.take(l.env, msg) || l.found.take(l.env, msg) || l.group.take(l.env, msg)
}

func (l *targetLists) len() int {
	if l.drift {
		return len(l.found.value)
	}
	return len(l.groups.value)
}

func (l *targetLists) do(intent kit.Intent) tea.Cmd {
	if l.opened != nil && l.members.Do(intent, len(l.group.value.People)) || l.opened == nil && l.table.Do(intent, l.len()) {
		return nil
	}
	g, ok := l.current()
	switch {
	case intent == kit.Open && ok && l.opened == nil:
		l.opened = &g
		l.group.forget()
		l.members.Select(0, 0)
		return l.ask()
	case intent == kit.Open:
		if d, ok := l.currentDrift(); ok && d.Person != nil {
			return visitCmd(onPeople, "person:"+d.Person.ID)
		}
	case intent == intentRetryGroup && ok:
		l.retry(g)
	}
	return nil
}

// retry asks before a group goes that a guard holds or the target refused.
func (l *targetLists) retry(g admin.Group) {
	client := l.env.client
	body := kit.Paragraph(kit.Plain, "The group goes to "+g.Target+" as it is now. Why it waits: "+g.Reason+g.LastError, 70)
	l.env.ask(kit.Confirm("Let "+g.Name+" go", body, "let go"), "rollcall deliveries groups retry "+quoted(g.Target)+" "+quoted(g.Source)+" "+quoted(g.ID), func(string) tea.Cmd {
		return l.env.change(func(ctx context.Context) (string, error) {
			return g.Name + " goes to " + g.Target + " as soon as it takes it.", client.RetryGroup(ctx, g.Target, g.Source, g.ID)
		}, func(bool) tea.Cmd { return l.ask() })
	})
}

// back leaves a group for the list; false when there is none to leave.
func (l *targetLists) back() (tea.Cmd, bool) {
	if l.opened == nil {
		return nil, false
	}
	l.opened = nil
	return l.ask(), true
}

func (l *targetLists) ready() bool {
	switch {
	case l.drift:
		return l.found.loaded
	case l.opened != nil:
		return l.group.loaded
	}
	return l.groups.loaded
}

func (l *targetLists) click(y int) tea.Cmd {
	if l.opened != nil {
		l.members.Click(y-l.tableAt, len(l.group.value.People))
		return nil
	}
	before := l.table.Cursor()
	if l.table.Click(y-l.tableAt, l.len()) && before == l.table.Cursor() {
		return l.do(kit.Open)
	}
	return nil
}

func (l *targetLists) view(w, h int) kit.Block {
	switch {
	case l.drift:
		return l.viewDrift(w, h)
	case l.opened != nil:
		return l.viewGroup(w, h)
	}
	block := append(kit.Block{l.headline(kit.Plural(len(l.groups.value), "group", "groups")+" of sources in "+l.target, l.groups.at, w)}, asOf(l.env, &l.groups, "the groups", w)...)
	if !l.groups.loaded {
		return block
	}
	if len(l.groups.value) == 0 {
		return append(block, kit.Paragraph(kit.Plain, "No groups: no source has any, or the target takes none (its key groups in the configuration).", w-4).Indent(2)...)
	}
	var cells kit.Cells
	for _, g := range l.groups.value {
		cells = append(cells, []kit.Span{kit.Text(kit.Strong, g.Name), kit.Text(kit.Faint, g.Source), kit.Text(kit.Plain, kit.Count(g.Members)), groupState(g.State),
			kit.Text(kit.Faint, l.env.when(g.At)), kit.Text(kit.Plain, firstOf(g.Reason, g.LastError))})
	}
	l.tableAt = len(block)
	return append(block, l.table.View(l.env.theme, w, h-len(block), cells)...)
}

func (l *targetLists) headline(text string, at time.Time, w int) kit.Line {
	return kit.Justify(kit.L(kit.Text(kit.Strong, " "+text)), kit.L(kit.Text(kit.Faint, "as of "+l.env.clock(at)+" ")), w)
}

func groupState(state string) kit.Span {
	if state == string(model.JobHeld) || state == string(model.JobParked) {
		return kit.Text(kit.Warn, state)
	}
	return kit.Text(kit.Plain, state)
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

func (l *targetLists) viewGroup(w, h int) kit.Block {
	theme, g := l.env.theme, *l.opened
	block := kit.Block{theme.Rule(g.Name+" in "+g.Target, w)}
	block = append(block, labelled(theme, "state", firstOf(l.group.value.State, g.State), kit.Plain, w)...)
	block = append(block, labelled(theme, "from", g.Source+" "+g.ID, kit.Faint, w)...)
	if g.RemoteID != "" {
		made := "made by rollcall"
		if g.Adopted {
			made = "it was there before, and was taken over by its name"
		}
		block = append(block, labelled(theme, "there", g.RemoteID+": "+made, kit.Faint, w)...)
	}
	if why := firstOf(l.group.value.Reason, l.group.value.LastError); why != "" {
		block = append(block, labelled(theme, "why", why, kit.Warn, w)...)
	}
	block = append(block, asOf(l.env, &l.group, "the members", w)...)
	if !l.group.loaded {
		return block
	}
	if len(l.group.value.People) == 0 {
		return append(block, kit.L(kit.Text(kit.Plain, "  Nobody is in it by rollcall's hand. Members whom others put there are not touched.")))
	}
	var cells kit.Cells
	for _, m := range l.group.value.People {
		state, role := m.State, kit.Plain
		switch m.State {
		case "add":
			state, role = "will be added", kit.Differ
		case "remove":
			state, role = "will be removed", kit.Warn
		case "waits":
			state, role = "waits for an account", kit.Faint
		}
		cells = append(cells, []kit.Span{kit.Text(kit.Strong, m.Person.Name), kit.Text(kit.Plain, m.Person.Email), kit.Text(role, state)})
	}
	l.tableAt = len(block)
	return append(block, l.members.View(theme, w, h-len(block), cells)...)
}

func (l *targetLists) viewDrift(w, h int) kit.Block {
	block := append(kit.Block{l.headline("How "+l.target+" differs from what was delivered", l.found.at, w)}, asOf(l.env, &l.found, "the differences", w)...)
	if !l.found.loaded {
		return block
	}
	if len(l.found.value) == 0 {
		return append(block, kit.L(kit.Text(kit.Good, "  "+l.env.theme.Signs.Good+" Nothing was found: every account is as it was delivered.")))
	}
	var cells kit.Cells
	for _, d := range l.found.value {
		who := d.Login
		if d.Person != nil {
			who = nameOf(*d.Person)
		}
		cells = append(cells, []kit.Span{kit.Text(kit.Strong, who), driftKind(d), kit.Text(kit.Plain, spoken(strings.Join(d.Fields, ", "))), kit.Text(kit.Faint, l.env.when(d.Since)), kit.Text(kit.Faint, d.Done)})
	}
	l.tableAt = len(block)
	return append(block, l.table.View(l.env.theme, w, h-len(block), cells)...)
}

func driftKind(d admin.Drift) kit.Span {
	switch d.Kind {
	case "edited":
		return kit.Text(kit.Warn, "edited there")
	case "missing":
		return kit.Text(kit.Bad, "not there")
	case "own_form":
		return kit.Text(kit.Plain, "own form")
	case "nobody":
		return kit.Text(kit.Faint, "nobody's")
	}
	return kit.Text(kit.Plain, d.Kind)
}
