package tui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/tui/kit"
)

// largeFrom is from how many on a number has to be typed before it is done.
const largeFrom = 10

// verbsFor lists the answers that make sense for a conflict, the most usual
// first. The appliance has the last word on each.
func verbsFor(cf admin.Conflict) []string {
	if len(cf.Answers) > 0 {
		return cf.Answers
	}
	var verbs []model.Verb
	switch model.ConflictKind(cf.Kind) {
	case model.DuplicateIdentifier, model.AmbiguousMatch, model.DuplicateGroup:
		verbs = []model.Verb{model.Merge, model.Separate, model.Prefer, model.Exclude, model.Set}
	case model.AccountTaken:
		verbs = []model.Verb{model.Merge, model.Separate, model.Set, model.Exclude}
	case model.EmailRecycled:
		verbs = []model.Verb{model.Separate, model.Merge, model.Allow, model.Exclude}
	case model.IdentifierChange, model.PersonalEmail:
		verbs = []model.Verb{model.Allow, model.Set, model.Exclude}
	case model.MissingIdentifier, model.Rejected:
		verbs = []model.Verb{model.Set, model.Exclude}
	case model.ManagerUnresolved, model.ManagerCycle:
		verbs = []model.Verb{model.Set, model.Allow}
	default:
		verbs = []model.Verb{model.Merge, model.Separate, model.Prefer, model.Exclude, model.Allow, model.Set}
	}
	// How many records an answer speaks of.
	records := map[model.Verb]int{model.Merge: 2, model.Separate: 2, model.Prefer: 1, model.Exclude: 1, model.Set: 1}
	var out []string
	for _, v := range append(verbs, model.Later) {
		if len(cf.Records) >= records[v] {
			out = append(out, string(v))
		}
	}
	return out
}

// answerKeys gives each answer its key.
func (c *conflicts) answerKeys(cf admin.Conflict) kit.Keymap {
	var keys kit.Keymap
	if res, ok := suggested(cf); ok && (res.Record == "" || c.open != "") {
		keys = append(keys, kit.Binding{Keys: []string{"y"}, Intent: intentAccept, Label: "accept", Help: "preview the suggested answer", Mutates: true})
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

// suggested reads the suggestion of a conflict when it begins with an answer in
// the words of the command and a colon: "prefer r_12: …", "merge: …". Any other
// is advice to read, not an answer to give.
func suggested(cf admin.Conflict) (admin.Resolution, bool) {
	head, _, _ := strings.Cut(cf.Suggestion, ":")
	words := strings.Fields(strings.TrimRight(head, ".,; "))
	if len(words) == 0 || len(words) > 2 {
		return admin.Resolution{}, false
	}
	res := admin.Resolution{Verb: words[0], Rev: cf.Rev}
	switch res.Verb {
	case "merge", "separate", "allow", "later":
		return res, len(words) == 1 && slices.Contains(verbsFor(cf), res.Verb)
	case "prefer", "exclude":
		for _, r := range cf.Records {
			if len(words) > 1 && r.ID == words[1] {
				res.Record = r.ID
				return res, true
			}
		}
	}
	return admin.Resolution{}, false
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
	body := kit.Paragraph(kit.Plain, "The right "+spoken(res.Attribute)+" of "+nameRecord(cf, res.Record)+", whatever the sources say. Empty clears it.", 70)
	c.env.open(kit.Ask("Set "+spoken(res.Attribute), body, "preview", c.saidAtCursor(cf)), func(value string) tea.Cmd {
		res.Value = strings.TrimSpace(value)
		return c.weigh(res)
	})
	return nil
}

// attributeToSet is the attribute at the cursor, or the one the kind is about.
func (c *conflicts) attributeToSet(cf admin.Conflict) string {
	rows := fieldRows(cf, c.only)
	if i := c.fields.Cursor(); i < len(rows) && !rows[i].fixed {
		return rows[i].name
	}
	switch model.ConflictKind(cf.Kind) {
	case model.ManagerUnresolved, model.ManagerCycle:
		return string(model.Manager)
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
	plans  []admin.Plan // what would change, of the first previewsAsked
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
			if len(p.to) > 0 && shapeOf(cf) != shapeOf(p.to[0]) {
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
	client := c.env.client
	return c.preview.ask(c.env, func(ctx context.Context) (previewed, error) {
		for _, cf := range p.to[:min(len(p.to), previewsAsked)] {
			answer := res
			answer.Rev = cf.Rev
			plan, err := client.Preview(ctx, cf.ID, answer)
			if err != nil {
				return p, err
			}
			p.plans = append(p.plans, plan)
		}
		return p, nil
	})
}

// previewsAsked bounds how many of many like conflicts are previewed one by one;
// the others are of the same shape.
const previewsAsked = 20

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
	return command
}

// give sends the answer, to one conflict after the other.
func (c *conflicts) give(p previewed) tea.Cmd {
	client := c.env.client
	var given []string
	return c.env.change(func(ctx context.Context) (string, error) {
		done := 0
		var refused error
		given = nil
		for _, cf := range p.to {
			res := p.answer
			res.Rev = cf.Rev
			err := client.Resolve(ctx, cf.ID, res)
			var refusal *admin.Error
			switch {
			case err == nil:
				done++
				given = append(given, cf.ID)
			case errors.As(err, &refusal): // this one only: someone else was faster
				refused = err
			default:
				return "", err
			}
		}
		if done == 0 && refused != nil {
			return "", refused
		}
		text := kit.Plural(done, "conflict", "conflicts") + " answered: " + p.answer.Verb + ". u takes it back"
		if refused != nil {
			text += fmt.Sprintf("; %d refused: %s", len(p.to)-done, sentence(refused))
		}
		return text, nil
	}, func(done bool) tea.Cmd {
		if !done && c.open != "" {
			return tea.Batch(c.ask(), c.askDetail(c.open))
		}
		if done {
			c.answered, c.open = given, ""
			c.detail.forget()
			clear(c.marked)
		}
		return c.ask()
	})
}

// undo asks before answers are taken back, named by the conflicts they answered
// or by the decisions themselves.
func (c *conflicts) undo(ids []string, what string) {
	if len(ids) == 0 {
		return
	}
	text := what + " is taken back. The conflict opens again, and whoever it concerns waits again until it is answered."
	if len(ids) > 1 {
		text = what + ", to " + kit.Plural(len(ids), "conflict", "conflicts") + ", is taken back. They open again, and whoever they concern waits again until they are answered."
	}
	command := "rollcall conflicts undo " + quoted(ids[0])
	c.env.ask(kit.Confirm("Take the answer back", kit.Paragraph(kit.Plain, text, 70), "take back"), command, func(string) tea.Cmd {
		return c.env.change(func(ctx context.Context) (string, error) {
			for _, id := range ids {
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
	return append(block, p.consequences(theme, w)...)
}

// consequences says what would change in the targets, change by change.
func (p previewed) consequences(theme *kit.Theme, w int) kit.Block {
	var block, opens kit.Block
	n := 0
	for _, plan := range p.plans {
		for _, ch := range plan.Changes {
			n++
			block = append(block, changeLines(theme, ch, w)...)
		}
		for _, q := range plan.Conflicts {
			opens = append(opens, kit.Paragraph(kit.Warn, theme.Signs.Warn+" A conflict opens: "+spoken(q.Kind)+": "+who(q)+"; "+q.Rule, w)...)
		}
		for _, notice := range plan.Notices {
			block = append(block, kit.Paragraph(kit.Warn, theme.Signs.Warn+" "+notice, w)...)
		}
	}
	effects := map[string]int{}
	for _, plan := range p.plans {
		for _, ch := range plan.Changes {
			effects[ch.Effect]++
		}
	}
	head := kit.Block{{}, kit.L(kit.Text(kit.Strong, "What changes then: "+kit.Plural(n, "account", "accounts")+" "), kit.Text(kit.Plain, effectCounts(effects)))}
	if n == 0 {
		head = kit.Block{{}, kit.L(kit.Text(kit.Good, theme.Signs.Good+" No account changes."))}
	}
	if more := len(p.to) - len(p.plans); more > 0 {
		block = append(block, kit.L(kit.Text(kit.Faint, "and what "+kit.Plural(more, "conflict", "conflicts")+" of the same shape cause")))
	}
	return append(append(head, block...), opens...)
}

func (p previewed) outcome() []string {
	cf := p.to[0]
	subject := "These records"
	if len(p.to) == 1 {
		subject = listRecords(cf)
	}
	switch model.Verb(p.answer.Verb) {
	case model.Merge:
		return []string{subject + " are one human from now on. One person holds them all, and each value comes from the first source in authority that has it."}
	case model.Separate:
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
