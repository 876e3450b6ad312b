package tui

import (
	"strings"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/tui/kit"
)

func (s *systems) view(w, h int) kit.Block {
	if s.holds != nil {
		return s.holds.view(w, h)
	}
	theme := s.env.theme
	if !s.env.status.loaded {
		return append(kit.Block{{}}, asOf(s.env, &s.env.status, "the sources and targets", w)...)
	}
	list := s.list()
	if len(list) == 0 {
		return append(kit.Block{{}}, kit.Paragraph(kit.Plain, "No source and no target is configured yet. Name them in the configuration, then run: rollcall config check", w-4).Indent(2)...)
	}
	y, _ := s.current()
	var cells kit.Cells
	for _, it := range list {
		cells = append(cells, systemCells(theme, it))
	}
	rows := min(len(list)+1, max(h/3, 5))
	block := s.table.View(theme, w, rows, cells)
	detail := s.detail(y, w)
	s.height = len(detail)
	return append(block, s.scroll.View(theme, detail, h-len(block))...)
}

func systemCells(theme *kit.Theme, y system) []kit.Span {
	if t := y.target; t != nil {
		role, sign := laneState(theme, t.Lane)
		return []kit.Span{
			kit.Text(kit.Strong, sign+" "+t.Name), kit.Text(kit.Faint, "target"), kit.Text(kit.Plain, t.Kind), kit.Text(role, t.Lane),
			kit.Text(kit.Plain, t.Reason),
		}
	}
	src := y.source
	role, sign := health(theme, src.Health)
	stateRole, _ := sourceState(theme, src.State)
	about := sourceDetail(*src)
	if src.Error != "" {
		about = src.Error
	}
	return []kit.Span{
		kit.Text(role, sign+" "+src.Name), kit.Text(kit.Faint, "source"), kit.Text(kit.Plain, src.Kind), kit.Text(stateRole, src.State),
		kit.Text(kit.Plain, about),
	}
}

func (s *systems) detail(y system, w int) kit.Block {
	theme := s.env.theme
	var block kit.Block
	if y.target != nil {
		block = s.targetDetail(*y.target, w)
	} else {
		block = s.sourceDetail(*y.source, w)
	}
	if s.about == "" {
		return block
	}
	block = append(block, theme.Rule("Check of "+s.about, w))
	block = append(block, asOf(s.env, &s.checked, "the check; it talks to the service itself", w)...)
	for _, r := range s.checked.value {
		block = append(block, checkLines(theme, r, w)...)
	}
	return block
}

func (s *systems) sourceDetail(src admin.Source, w int) kit.Block {
	e, theme := s.env, s.env.theme
	block := kit.Block{theme.Rule(src.Name, w)}
	say := func(label, text string, role kit.Role) {
		block = append(block, labelled(theme, label, text, role, w)...)
	}
	role, _ := sourceState(theme, src.State)
	say("state", map[string]string{
		"preview": "preview: it is read, matched and planned; nothing is relayed yet",
		"active":  "active: what it says is relayed",
		"paused":  "paused: nothing is read",
	}[src.State], role)
	say("records", kit.Count(src.Records), kit.Plain)
	if detail := sourceDetail(src); detail != "" {
		say("detail", detail, kit.Plain)
	}
	if src.Error != "" {
		text := src.Error
		if src.Failures > 1 {
			text += " (" + kit.Plural(src.Failures, "time", "times") + " in a row)"
		}
		say("error", text, kit.Bad)
	}
	if model.Kind(src.Kind).Pushes() {
		say("heard", e.ago(src.LastHeard), kit.Plain)
		if src.Endpoint != "" {
			say("endpoint", src.Endpoint, kit.Strong)
		}
		block = append(block, s.tokenLines(src.Name, w)...)
		return block
	}
	say("last read", e.ago(src.LastGood), kit.Plain)
	if src.Webhook != "" {
		say("webhook", src.Webhook, kit.Strong)
		say("hinted", e.ago(src.Hinted), kit.Plain)
	}
	switch {
	case src.Reading != nil:
		block = append(block, progressLine(e, src.Reading, "read"))
	case src.State != "paused":
		say("next read", e.in(src.NextRead), kit.Plain)
	}
	return block
}

func (s *systems) tokenLines(source string, w int) kit.Block {
	theme := s.env.theme
	block := kit.Block{theme.Rule("Tokens", w)}
	if !s.tokens.loaded {
		return append(block, asOf(s.env, &s.tokens, "the tokens", w)...)
	}
	tokens := s.tokensOf(source)
	if len(tokens) == 0 {
		return append(block, kit.L(kit.Text(kit.Warn, "  "+theme.Signs.Warn+" None: this sender cannot call yet. t creates one.")))
	}
	for _, t := range tokens {
		line := kit.L(kit.Text(kit.Strong, "  "+t.ID), kit.Text(kit.Plain, "  "+t.Label), kit.Text(kit.Faint, "  created "+s.env.ago(t.Created)+" by "+t.By+", used "+s.env.ago(t.LastUsed)))
		if !t.Expires.IsZero() {
			line.Spans = append(line.Spans, kit.Text(kit.Warn, ", ends "+s.env.in(t.Expires)))
		}
		block = append(block, line)
	}
	return block
}

func (s *systems) targetDetail(t admin.Target, w int) kit.Block {
	e, theme := s.env, s.env.theme
	block := kit.Block{theme.Rule(t.Name, w)}
	say := func(label, text string, role kit.Role) {
		block = append(block, labelled(theme, label, text, role, w)...)
	}
	role, _ := laneState(theme, t.Lane)
	words := map[model.LaneState]string{
		model.LaneOpen:    "open: deliveries flow",
		model.LaneBroken:  "broken: it fails; one delivery at a time is tried until it answers",
		model.LaneDenied:  "denied: it refuses the credentials",
		model.LanePaused:  "paused by an operator",
		model.LaneWaiting: "waiting, as the target asked",
	}[model.LaneState(t.Lane)]
	say("lane", words, role)
	if t.Reason != "" {
		say("reason", t.Reason, kit.Warn)
	}
	if !t.RetryAt.IsZero() {
		say("next try", e.in(t.RetryAt), kit.Plain)
	}
	say("accounts", kit.Count(t.Accounts)+" delivered and active; listed "+e.ago(t.Listed), kit.Plain)
	queue := []string{kit.Count(t.Ready) + " ready", kit.Count(t.Open) + " wait for the end of their run", kit.Count(t.Held) + " held",
		kit.Count(t.Parked) + " parked", kit.Count(t.Rejected) + " rejected"}
	say("queue", strings.Join(queue, ", "), kit.Plain)
	if !t.Oldest.IsZero() {
		say("oldest", "queued "+e.ago(t.Oldest), kit.Plain)
	}
	if t.Rate != "" {
		say("budget", t.Rate, kit.Plain)
	}
	if f := t.File; f != nil {
		text := kit.Plural(f.People, "person", "people") + ", put " + e.ago(f.At)
		if f.Unsure {
			text += "; nobody knows whether the last one arrived whole, so it is put again"
		}
		if !f.Next.IsZero() {
			text += "; the next one " + e.in(f.Next)
		}
		say("file", text, kit.Plain)
	}
	if t.Sending != nil {
		block = append(block, progressLine(e, t.Sending, "sent"))
	}
	if len(t.Facts) > 0 {
		block = append(block, theme.Rule("What its service was found to offer, asked "+e.ago(t.Learned), w))
		for _, f := range t.Facts {
			say(spoken(f.Name), f.Value, kit.Plain)
		}
	}
	return block
}

func checkLines(theme *kit.Theme, r admin.CheckResult, w int) kit.Block {
	role, sign := kit.Good, theme.Signs.Good
	if !r.OK {
		role, sign = kit.Bad, theme.Signs.Bad
	}
	block := kit.Block{kit.L(kit.Text(role, "  "+sign+" "+r.Name+": "), kit.Text(kit.Plain, r.Summary))}
	if r.Error != "" {
		block = append(block, kit.Paragraph(kit.Bad, r.Error, w-6).Indent(4)...)
	}
	for _, m := range r.Missing {
		text := "cannot read " + m.Field + "; needs the permission " + m.Permission + ": " + m.Effect
		block = append(block, kit.Paragraph(kit.Warn, theme.Signs.Warn+" "+text, w-6).Indent(4)...)
	}
	for _, n := range r.Notices {
		block = append(block, kit.Paragraph(kit.Plain, theme.Signs.Bullet+" "+n, w-6).Indent(4)...)
	}
	for _, v := range r.Sample {
		block = append(block, kit.L(kit.Text(kit.Faint, "    "+spoken(v.Attribute)+strings.Repeat(" ", max(20-kit.Width(v.Attribute), 1))), kit.Text(kit.Plain, v.Value), kit.Text(kit.Faint, "  "+v.Field)))
	}
	return block
}
