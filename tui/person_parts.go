package tui

import (
	"fmt"
	"slices"
	"strings"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/tui/kit"
)

// roomy is from how many columns on those who agree are named beside the winner.
const roomy = 110

func (d *personDetail) values(p admin.Person, w int) kit.Block {
	grid := kit.Grid{
		{Title: "ATTRIBUTE", Min: 16, Keep: 9}, {Title: "VALUE", Min: 20, Flex: 3, Keep: 8},
		{Title: "FROM", Min: 12, Flex: 1, Keep: 7}, {Title: "FIELD", Min: 14, Flex: 2, Keep: 6},
		{Title: "RUN", Min: 6, Right: true, Keep: 4}, {Title: "SINCE", Min: 7, Keep: 5},
	}
	theme := d.env.theme
	block := kit.Block{grid.Heading(theme, w)}
	for _, v := range p.Values {
		value := kit.Text(kit.Strong, v.Value)
		if v.Null {
			value = kit.Text(kit.Faint, "(known to be empty)")
		}
		run := ""
		if v.Run > 0 {
			run = fmt.Sprint(v.Run)
		}
		agree, lost := contest(v, p.Manager)
		from := v.Source
		if len(agree) > 0 && w >= roomy {
			from += " " + theme.Signs.Same + " " + strings.Join(agree, " ")
		}
		block = append(block, grid.Line(theme, w, []kit.Span{
			kit.Text(kit.Faint, spoken(v.Attribute)), value, kit.Text(kit.Plain, from), kit.Text(kit.Faint, v.Field),
			kit.Text(kit.Faint, run), kit.Text(kit.Faint, d.env.since(v.At)),
		}, false))
		for _, l := range lost {
			said := l.Value
			if l.Null {
				said = "(empty)"
			}
			for i, text := range kit.Wrap(said+", says "+l.Source+"; "+l.Why, w-22) {
				lead := "    " + theme.Signs.Differs + " not taken: "
				if i > 0 {
					lead = strings.Repeat(" ", kit.Width(lead))
				}
				block = append(block, kit.L(kit.Text(kit.Differ, lead), kit.Text(kit.Faint, text)))
			}
		}
	}
	return block
}

// contest parts the sources that did not win into those that say the same, if in
// other words as far as a manager can be named in several, and those that say
// something else.
func contest(v admin.Value, manager *admin.PersonRef) (agree []string, lost []admin.Lost) {
	for _, l := range v.Lost {
		same := l.Value == v.Value && l.Null == v.Null
		if v.Attribute == string(model.Manager) && manager != nil {
			same = same || l.Value != "" && (strings.EqualFold(l.Value, manager.Email) || l.Value == manager.Name || l.Value == manager.ID)
		}
		if same {
			agree = append(agree, l.Source)
			continue
		}
		lost = append(lost, l)
	}
	return agree, lost
}

func (d *personDetail) records(p admin.Person, w int) kit.Block {
	var block kit.Block
	for _, r := range p.Records {
		block = append(block, d.env.theme.Rule(r.Source+" "+r.Native, w))
		block = append(block, labelled(d.env.theme, "status", statusOf(r)+"; changed "+d.env.ago(r.Changed)+"; record "+r.ID, kit.Plain, w)...)
		for _, n := range r.Notices {
			block = append(block, labelled(d.env.theme, "notice", n, kit.Warn, w)...)
		}
		for _, name := range attributesOf([]admin.Record{r}) {
			value := kit.Text(kit.Plain, r.Attributes[name])
			if value.Text == "" {
				value = kit.Text(kit.Faint, "(empty)")
			}
			name = spoken(name)
			block = append(block, kit.L(kit.Text(kit.Faint, "    "+name+strings.Repeat(" ", max(20-kit.Width(name), 1))), value))
		}
	}
	if len(p.Records) == 0 {
		block = kit.Block{kit.L(kit.Text(kit.Faint, "  No source names this person any more."))}
	}
	return block
}

func (d *personDetail) accounts(p admin.Person, w int) kit.Block {
	theme := d.env.theme
	var block kit.Block
	for _, a := range p.Accounts {
		role, state := kit.Good, theme.Signs.Good+" active"
		if !a.Active {
			role, state = kit.Faint, theme.Signs.Bad+" inactive"
		}
		if a.Adopted {
			state += ", was there before"
		}
		block = append(block, kit.L(kit.Text(kit.Strong, "  "+a.Target+"  "), kit.Text(kit.Plain, a.Login+"  "), kit.Text(role, state),
			kit.Text(kit.Faint, "  id "+a.RemoteID+", as delivered "+d.env.ago(a.At))))
	}
	if len(p.Accounts) == 0 {
		block = append(block, kit.L(kit.Text(kit.Faint, "  No target holds an account.")))
	}
	for _, j := range p.Pending {
		block = append(block, kit.L(kit.Text(jobState(j.State), "  "+j.State+": "), kit.Text(kit.Plain, j.Effect+" in "+j.Target+" "), kit.Text(kit.Faint, j.Reason+" "+j.LastError)))
	}
	block = append(block, theme.Rule("Why not", w))
	if len(p.WhyNot) == 0 {
		return append(block, kit.L(kit.Text(kit.Good, "  "+theme.Signs.Good+" Every target is in step.")))
	}
	var targets []string
	for target := range p.WhyNot {
		targets = append(targets, target)
	}
	slices.Sort(targets)
	for _, target := range targets {
		block = append(block, labelled(theme, target, p.WhyNot[target], kit.Plain, w)...)
	}
	return block
}

// changes is the history, the latest first: what changed, from what to what, by
// whom and why.
func (d *personDetail) changes(w int) kit.Block {
	if !d.history.loaded {
		return asOf(d.env, &d.history, "the history", w)
	}
	var block kit.Block
	for _, entry := range slices.Backward(d.history.value) {
		ev := entry.Event
		about := ""
		if len(entry.Changes) == 0 && len(ev.Fields) > 0 {
			about = spoken(strings.Join(ev.Fields, ", "))
		}
		if ev.Reason != "" {
			about = strings.TrimPrefix(about+"; "+ev.Reason, "; ")
		}
		head := " " + d.env.clock(ev.At) + "  "
		lead := kit.Width(head) + kit.Width(spoken(ev.Verb)) + kit.Width(" by "+actorName(ev.Actor)) + 2
		for i, text := range kit.Wrap(about, max(w-lead-1, 20)) {
			line := kit.L(kit.Text(kit.Plain, strings.Repeat(" ", lead)))
			if i == 0 {
				line = kit.L(kit.Text(kit.Faint, head), kit.Text(verbRole(ev.Verb), spoken(ev.Verb)),
					kit.Text(kit.Faint, " by "+actorName(ev.Actor)+"  "))
			}
			line.Spans = append(line.Spans, kit.Text(kit.Plain, text))
			block = append(block, line)
		}
		block = append(block, attributeLines(entry.Changes).Indent(2)...)
	}
	if len(block) == 0 {
		return kit.Block{kit.L(kit.Text(kit.Faint, "  Nothing was journalled yet."))}
	}
	return block
}
