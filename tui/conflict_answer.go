package tui

import (
	"context"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/tui/kit"
)

// largeFrom is from how many on a number has to be typed before it is done.
const largeFrom = 10

// verbsFor lists the answers that the appliance takes to a conflict, the most
// usual first; putting it off is always one.
func verbsFor(cf admin.Conflict) []string {
	if slices.Contains(cf.Answers, string(model.Later)) {
		return cf.Answers
	}
	return append(slices.Clone(cf.Answers), string(model.Later))
}

// answerKeys gives each answer its key.
func (c *conflicts) answerKeys(cf admin.Conflict) kit.Keymap {
	var keys kit.Keymap
	if res, ok := suggested(cf); ok && (res.Record == "" && len(res.Apart) == 0 || c.open != "") {
		keys = append(keys, kit.Binding{Keys: []string{"y"}, Intent: intentAccept, Label: "accept", Help: "preview the suggested answer", Mutates: true})
	}
	if ofGroups(cf) {
		return append(keys, c.groupKeys(cf)...)
	}
	words := map[string]kit.Binding{
		"merge":    {Keys: []string{"m"}, Label: "merge", Help: "these records are one human"},
		"separate": {Keys: []string{"s"}, Label: "separate", Help: "these records are different humans"},
		"prefer":   {Keys: []string{"p"}, Label: "prefer", Help: "the record at the column cursor is right"},
		"exclude":  {Keys: []string{"x"}, Label: "exclude", Help: "leave the record at the column cursor out"},
		"allow":    {Keys: []string{"a"}, Label: "allow", Help: "it is right as it is"},
		"set":      {Keys: []string{"e"}, Label: "set", Help: "type the right value of the attribute at the cursor"},
		"later":    {Keys: []string{"z"}, Label: "later", Help: "put it off"},
	}
	for _, verb := range verbsFor(cf) {
		if c.open == "" && slices.Contains([]string{"prefer", "exclude", "set"}, verb) {
			continue // they name a record, which is chosen in the detail
		}
		b := words[verb]
		b.Intent, b.Mutates = intentAnswer+kit.Intent(verb), true
		keys = append(keys, b)
	}
	return keys
}

// suggested is the suggestion of a conflict when it is an answer to give; else it
// is advice to read.
func suggested(cf admin.Conflict) (admin.Resolution, bool) {
	if cf.Suggested == nil || !slices.Contains(verbsFor(cf), cf.Suggested.Verb) {
		return admin.Resolution{}, false
	}
	res := *cf.Suggested
	res.Rev = cf.Rev
	return res, true
}

func (c *conflicts) acceptSuggestion() tea.Cmd {
	cf, ok := c.current()
	if !ok {
		return nil
	}
	if res, ok := suggested(cf); ok {
		return c.weigh(res)
	}
	return nil
}

// answer begins an answer: what is missing is asked for, then it is previewed.
func (c *conflicts) answer(verb string) tea.Cmd {
	cf, ok := c.current()
	if !ok {
		return nil
	}
	res := admin.Resolution{Verb: verb, Rev: cf.Rev}
	if verb == "prefer" || verb == "exclude" || verb == "set" {
		if c.record >= len(cf.Records) {
			c.env.say(kit.Warn, "No record takes part that could be named.")
			return nil
		}
		res.Record = cf.Records[c.record].ID
	}
	if verb != "set" {
		return c.weigh(res)
	}
	res.Attribute = c.attributeToSet(cf)
	text := "The right " + spoken(res.Attribute) + " of " + nameRecord(cf, res.Record) + ", whatever the sources say. Empty clears it."
	if ofGroups(cf) {
		text = "The name under which " + nameRecord(cf, res.Record) + " is relayed to " + cf.Target + ". At its source it keeps the one it has."
	}
	body := kit.Paragraph(kit.Plain, text, 70)
	c.env.open(kit.Ask("Set "+spoken(res.Attribute), body, "preview", c.saidAtCursor(cf)), func(value string) tea.Cmd {
		res.Value = strings.TrimSpace(value)
		return c.weigh(res)
	})
	return nil
}

// attributeToSet is the attribute at the cursor, or the one the kind is about.
func (c *conflicts) attributeToSet(cf admin.Conflict) string {
	rows := fieldRows(cf, c.only)
	if i := c.fields.Cursor(); i < len(rows) && !rows[i].fixed && !ofGroups(cf) {
		return rows[i].name
	}
	switch model.ConflictKind(cf.Kind) {
	case model.ManagerUnresolved, model.ManagerCycle:
		return string(model.Manager)
	case model.DuplicateGroup:
		return string(model.DisplayName)
	}
	return string(model.Email)
}

func (c *conflicts) saidAtCursor(cf admin.Conflict) string {
	return cf.Records[c.record].Attributes[c.attributeToSet(cf)]
}

// previewed is an answer on its way to being confirmed.
type previewed struct {
	to     []admin.Conflict
	answer admin.Resolution
	people []admin.Person
	plan   admin.Plan // what would change
}

// weigh shows what an answer would do before it is given: to the conflict in
// detail, or to all that are marked.
func (c *conflicts) weigh(res admin.Resolution) tea.Cmd {
	p := previewed{answer: res, people: c.detail.value.people}
	if c.open == "" && len(c.marked) > 0 {
		p.people = nil
		for _, cf := range c.list.value {
			if !c.marked[cf.ID] {
				continue
			}
			if len(p.to) > 0 && !alike(cf, p.to[0]) {
				c.env.say(kit.Warn, "The marked conflicts are of several shapes; one answer fits only those alike. * marks them.")
				return nil
			}
			p.to = append(p.to, cf)
		}
	} else if cf, ok := c.current(); ok {
		p.to = []admin.Conflict{cf}
	}
	if len(p.to) == 0 {
		return nil
	}
	for _, cf := range p.to[1:] {
		res.Also = append(res.Also, admin.Asked{ID: cf.ID, Rev: cf.Rev})
	}
	p.answer = res
	client := c.env.client
	return c.preview.ask(c.env, func(ctx context.Context) (previewed, error) {
		plan, err := client.Preview(ctx, p.to[0].ID, res)
		p.plan = plan
		return p, err
	})
}

// confirm opens the dialog that shows the preview and waits for a yes.
func (c *conflicts) confirm() {
	if c.preview.err != nil {
		c.env.say(kit.Bad, sentence(c.preview.err))
		return
	}
	p := c.preview.value
	title := strings.ToUpper(p.answer.Verb[:1]) + p.answer.Verb[1:]
	if n := len(p.to); n > 1 {
		title += " " + kit.Plural(n, "conflict", "conflicts")
	}
	body := p.body(c.env.theme)
	d := kit.Confirm(title, body, p.answer.Verb)
	if len(p.to) > largeFrom {
		d = kit.ConfirmCount(title, body, p.answer.Verb, len(p.to))
	}
	c.env.ask(d, resolveCommand(p.to[0], p.answer), func(string) tea.Cmd { return c.give(p) })
}

// resolveCommand is the command that gives an answer.
func resolveCommand(cf admin.Conflict, res admin.Resolution) string {
	command := "rollcall conflicts resolve " + quoted(cf.ID) + " " + res.Verb
	switch {
	case res.Attribute != "":
		command += " " + quoted(res.Attribute+"="+res.Value)
		if len(cf.Records) > 1 {
			command += " --record " + quoted(res.Record)
		}
	case res.Record != "":
		command += " " + quoted(res.Record)
	}
	for _, id := range res.Apart {
		command += " " + quoted(id)
	}
	if len(res.Also) > 0 {
		command += " --all-like"
	}
	return command
}

// give sends the answer; to several conflicts it is one answer, which all of them
// take or none.
func (c *conflicts) give(p previewed) tea.Cmd {
	client := c.env.client
	var ids []string
	for _, cf := range p.to {
		ids = append(ids, cf.ID)
	}
	return c.env.change(func(ctx context.Context) (string, error) {
		text := kit.Plural(len(p.to), "conflict", "conflicts") + " answered: " + p.answer.Verb + ". u takes it back"
		return text, client.Resolve(ctx, p.to[0].ID, p.answer)
	}, func(done bool) tea.Cmd {
		switch {
		case done:
			c.answered, c.open = ids, ""
			c.detail.forget()
			clear(c.marked)
		case c.open != "":
			return tea.Batch(c.ask(), c.askDetail(c.open))
		}
		return c.ask()
	})
}

// undoing is answers on their way to being taken back.
type undoing struct {
	ids  []string // of the decisions, their batch, or the conflicts they answered
	what string   // "The answer given last"
	plan admin.Plan
}

// undo shows what taking answers back would do before it is done.
func (c *conflicts) undo(ids []string, what string) tea.Cmd {
	if len(ids) == 0 {
		return nil
	}
	client := c.env.client
	return c.takeBack.ask(c.env, func(ctx context.Context) (undoing, error) {
		u := undoing{ids: ids, what: what}
		for _, id := range ids[:min(len(ids), undoPreviews)] {
			plan, err := client.PreviewUndo(ctx, id)
			if err != nil {
				return u, err
			}
			u.plan.Changes = append(u.plan.Changes, plan.Changes...)
			u.plan.Conflicts = append(u.plan.Conflicts, plan.Conflicts...)
			u.plan.Notices = append(u.plan.Notices, plan.Notices...)
		}
		return u, nil
	})
}

// undoPreviews bounds how many of many like answers are previewed one by one.
const undoPreviews = 20

// confirmUndo asks, with what would follow on the screen.
func (c *conflicts) confirmUndo() {
	if c.takeBack.err != nil {
		c.env.say(kit.Bad, sentence(c.takeBack.err))
		return
	}
	u := c.takeBack.value
	text := u.what + " is taken back, and what it settled is asked again."
	if len(u.ids) > 1 {
		text = u.what + ", to " + kit.Plural(len(u.ids), "conflict", "conflicts") + ", is taken back, and what it settled is asked again."
	}
	body := append(kit.Paragraph(kit.Plain, text, 70), consequences(c.env.theme, u.plan, 70)...)
	if more := len(u.ids) - undoPreviews; more > 0 {
		body = append(body, kit.L(kit.Text(kit.Faint, "and what "+kit.Plural(more, "answer", "answers")+" like these cause")))
	}
	c.env.ask(kit.Confirm("Take the answer back", body, "take back"), "rollcall conflicts undo "+quoted(u.ids[0]), func(string) tea.Cmd {
		return c.env.change(func(ctx context.Context) (string, error) {
			for _, id := range u.ids {
				if err := c.env.client.UndoDecision(ctx, id); err != nil {
					return "", err
				}
			}
			return "The answer was taken back.", nil
		}, func(done bool) tea.Cmd {
			if done {
				c.answered = nil
			}
			if c.decided {
				return c.askDecided()
			}
			return c.ask()
		})
	})
}

// body says what an answer does: in words, to which records and accounts, and,
// where the appliance offers it, change by change.
func (p previewed) body(theme *kit.Theme) kit.Block {
	const w = 70
	var block kit.Block
	for _, text := range p.outcome() {
		block = append(block, kit.Paragraph(kit.Plain, text, w)...)
	}
	if accounts := accountsOf(p.people); accounts != "" {
		block = append(block, kit.Line{}, kit.L(kit.Text(kit.Faint, "Accounts today")))
		block = append(block, kit.Paragraph(kit.Plain, accounts, w)...)
	}
	switch {
	case len(p.to) > 1:
		block = append(block, kit.Line{}, kit.L(kit.Text(kit.Faint, "Answered alike")))
		for _, cf := range p.to {
			block = append(block, kit.L(kit.Text(kit.Plain, theme.Signs.Bullet+" "+who(cf))))
		}
	}
	return append(block, consequences(theme, p.plan, w)...)
}

// consequences says what would follow, change by change: in the targets, to the
// records, and to what is asked.
func consequences(theme *kit.Theme, plan admin.Plan, w int) kit.Block {
	effects := map[string]int{}
	for _, ch := range plan.Changes {
		effects[ch.Effect]++
	}
	block := kit.Block{{}, kit.L(kit.Text(kit.Strong, "What changes then: "+kit.Plural(len(plan.Changes), "account", "accounts")+": "+effectCounts(effects)))}
	if len(plan.Changes) == 0 {
		block = kit.Block{{}, kit.L(kit.Text(kit.Good, theme.Signs.Good+" No account changes."))}
	}
	for _, g := range plan.Groups {
		block = append(block, groupChangeLines(theme, g, w)...)
	}
	for _, q := range plan.Conflicts {
		block = append(block, kit.Paragraph(kit.Warn, theme.Signs.Warn+" A conflict opens: "+spoken(q.Kind)+": "+who(q)+"; "+q.Rule, w)...)
	}
	for _, notice := range plan.Notices {
		block = append(block, kit.Paragraph(kit.Warn, theme.Signs.Warn+" "+notice, w)...)
	}
	for _, h := range plan.Holds {
		block = append(block, kit.Paragraph(kit.Warn, theme.Signs.Paused+" held until you approve it: "+h.Reason, w)...)
	}
	for _, ch := range plan.Changes {
		block = append(block, changeLines(theme, ch, w)...)
	}
	for _, f := range plan.Files {
		block = append(block, fileLines(theme, f, w)...)
	}
	for _, m := range plan.Moves {
		block = append(block, kit.Paragraph(kit.Faint, theme.Signs.Bullet+" "+moveWords(m), w)...)
	}
	return block
}

// moveWords says where a record goes.
func moveWords(m admin.RecordMove) string {
	name := m.Source + " " + m.Record
	if m.Name != "" {
		name = m.Source + "'s record of " + m.Name
	}
	switch {
	case m.To == nil:
		return name + " is set aside until this is answered"
	case m.From == nil:
		return name + " goes to " + nameOf(*m.To)
	}
	return name + " goes from " + nameOf(*m.From) + " to " + nameOf(*m.To)
}

func (p previewed) outcome() []string {
	cf := p.to[0]
	if ofGroups(cf) {
		return p.groupOutcome(cf)
	}
	subject := "These records"
	if len(p.to) == 1 {
		subject = listRecords(cf)
	}
	switch model.Verb(p.answer.Verb) {
	case model.Merge:
		return []string{subject + " are one human from now on. One person holds them all, and each value comes from the first source in authority that has it."}
	case model.Separate:
		if len(p.answer.Apart) > 0 {
			var apart []string
			for _, id := range p.answer.Apart {
				apart = append(apart, nameRecord(cf, id))
			}
			return []string{strings.Join(apart, " and ") + " is another human than the rest from now on: found or given a person of its own, and an account of its own if it should have one."}
		}
		return []string{subject + " are different humans from now on. A person they share stays with one of them; each other one is found or given a person of its own, and an account of its own if it should have one."}
	case model.Prefer:
		return []string{nameRecord(cf, p.answer.Record) + " is right. The other records stay linked, but nothing they say counts."}
	case model.Exclude:
		return []string{nameRecord(cf, p.answer.Record) + " is left out as if its source did not list it. An account that rested on it alone follows the rule for people who are absent."}
	case model.Allow:
		return []string{"What was stopped (" + spoken(cf.Kind) + ") is right for " + strings.ToLower(subject[:1]) + subject[1:] + ", now and later."}
	case model.Set:
		value := p.answer.Value
		if value == "" {
			value = "empty"
		}
		return []string{"The " + spoken(p.answer.Attribute) + " of " + nameRecord(cf, p.answer.Record) + " is " + value + " from now on, whatever the sources say."}
	case model.Later:
		return []string{"Nothing is decided. The conflict stays, and what it stops stays stopped."}
	}
	return []string{"The appliance is asked to: " + p.answer.Verb}
}

func listRecords(cf admin.Conflict) string {
	var names []string
	for _, r := range cf.Records {
		names = append(names, nameRecord(cf, r.ID))
	}
	if len(names) == 0 {
		return "The people of this conflict"
	}
	if len(names) == 1 {
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// nameRecord names a record of a conflict: "hibob 2044 (Ada Example)".
func nameRecord(cf admin.Conflict, id string) string {
	for _, r := range cf.Records {
		if r.ID == id {
			name := strings.TrimSpace(r.Attributes[string(model.GivenName)] + " " + r.Attributes[string(model.FamilyName)])
			if name == "" {
				name = r.Attributes[string(model.DisplayName)]
			}
			if name == "" {
				return r.Source + " " + r.Native
			}
			return r.Source + " " + r.Native + " (" + name + ")"
		}
	}
	return id
}
