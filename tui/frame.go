package tui

import (
	"strconv"
	"strings"

	"rollcall/tui/kit"
)

// View draws the screen.
func (m *root) View() string {
	theme, f := m.env.theme, kit.Arrange(m.w, m.h)
	if m.w <= 0 || m.h <= 0 {
		return "" // the size is not known yet
	}
	if f.TooSmall {
		text := "This window is " + strconv.Itoa(m.w) + " by " + strconv.Itoa(m.h) + "; rollcall needs " +
			strconv.Itoa(kit.MinWidth) + " by " + strconv.Itoa(kit.MinHeight) + ". Enlarge it, or run: rollcall status"
		return theme.Render(kit.Paragraph(kit.Plain, text, m.w), m.w, m.h)
	}
	body := m.page().view(f.Body.W, f.Body.H).Take(f.Body.H)
	if m.env.dialog != nil {
		block, y := m.env.dialog.View(theme, f.Body)
		body = body.Over(block, y)
	}
	tabs, _ := m.tabs(f.Tabs.W)
	note := m.note(f.Note.W)
	body = body.Over(note[:len(note)-1], len(body)-len(note)+1) // a long note takes lines of the page
	screen := append(kit.Block{m.header(f.Header.W), tabs}, body...)
	screen = append(screen, note[len(note)-1], m.hints(f.Keys.W))
	return theme.Render(screen, m.w, m.h)
}

// header says how things are, and as of when.
func (m *root) header(w int) kit.Line {
	e, signs := m.env, m.env.theme.Signs
	left := kit.L(kit.Text(kit.Strong, " rollcall "))
	right := kit.Line{}
	if e.readOnly {
		right.Spans = append(right.Spans, kit.Text(kit.Warn, "read-only  "))
	}
	st := &e.status
	switch {
	case e.reach.lost && st.loaded:
		left.Spans = append(left.Spans, kit.Text(kit.Bad, signs.Bad+" Not reachable since "+e.clock(e.reach.since)+", trying again"))
		right.Spans = append(right.Spans, kit.Text(kit.Warn, "as of "+e.clock(st.at)+" "))
	case e.reach.lost:
		left.Spans = append(left.Spans, kit.Text(kit.Bad, signs.Bad+" Not reachable, trying again"))
	case !st.loaded:
		left.Spans = append(left.Spans, kit.Text(kit.Faint, "asking the appliance"+signs.Ellipsis))
	default:
		role, sign := health(e.theme, st.value.Health)
		word := healthWord(st.value.Health)
		if st.value.Health == "ok" && firstSteps(st.value, e.looked) != nil {
			role, sign, word = kit.Accent, signs.Next, "Nothing is active yet"
		}
		left.Spans = append(left.Spans, kit.Text(role, sign+" "+word),
			kit.Text(kit.Faint, "  "+kit.Plural(st.value.People.Total, "person", "people")))
		right.Spans = append(right.Spans, kit.Text(kit.Faint, "as of "+e.clock(st.at)+" "))
	}
	return kit.Justify(left, right, w)
}

// healthWord says the health in one or two words.
func healthWord(h string) string {
	switch h {
	case "ok":
		return "All is well"
	case "attention":
		return "Needs you"
	case "trouble":
		return "Trouble"
	case "":
		return "Health not known"
	}
	return "Health " + h
}

// tabLabels are the words on the tabs that fit into w columns: with the number
// that is their key, without it, or nothing but the number. The tab that is
// shown has both in any case.
func (m *root) tabLabels(w int) []string {
	for _, label := range []func(n, title string) string{
		func(n, title string) string { return n + " " + title },
		func(_, title string) string { return title },
		func(n, _ string) string { return n },
	} {
		total := 1
		labels := make([]string, len(m.pages))
		for i, p := range m.pages {
			labels[i] = label(strconv.Itoa(i+1), p.title())
			if place(i) == m.at {
				labels[i] = strconv.Itoa(i+1) + " " + p.title()
			}
			total += kit.Width(labels[i]) + 1
		}
		if total <= w || labels[0] == "1" || labels[1] == "2" {
			return labels
		}
	}
	return nil
}

// tabs draws the tabs and returns where each ends. The tab shown is in brackets,
// which need no colour.
func (m *root) tabs(w int) (line kit.Line, ends []int) {
	x := 0
	for i, label := range m.tabLabels(w) {
		role, open := kit.Faint, " "
		switch {
		case place(i) == m.at:
			role, open = kit.Accent, "["
		case i > 0 && place(i-1) == m.at:
			open = "]"
		}
		line.Spans = append(line.Spans, kit.Text(kit.Accent, open), kit.Text(role, label))
		x += 1 + kit.Width(label)
		ends = append(ends, x)
	}
	if m.at == places-1 {
		line.Spans = append(line.Spans, kit.Text(kit.Accent, "]"))
	}
	return line, ends
}

// noteLines is how many lines a long note may take.
const noteLines = 4

// note is what just happened, else the command that does what the page does.
func (m *root) note(w int) kit.Block {
	e := m.env
	if e.toast.Shown(e.now) {
		lines := kit.Paragraph(e.toast.Role, e.toast.Line(e.theme).Text(), w-2).Indent(1)
		return lines[:min(len(lines), noteLines)]
	}
	command := m.page().command()
	if e.dialog != nil && e.command != "" {
		command = e.command
	}
	return kit.Block{kit.L(kit.Text(kit.Faint, " Same as: "), kit.Text(kit.Plain, kit.Truncate(command, w-11, e.theme.Signs.Ellipsis)))}
}

// hints is the line of the keys that apply; how to get help and out is always on it.
func (m *root) hints(w int) kit.Line {
	everywhere := global().Hints(w)
	own := m.page().bindings().Allowed(m.env.readOnly).Hints(w - 3 - everywhere.Width())
	if pages := (kit.Keymap{{Keys: []string{"1-9"}, Label: "page"}}).Hints(w); own.Width()+pages.Width()+everywhere.Width()+5 <= w {
		everywhere.Spans = append(append(pages.Spans, kit.Span{Text: "  "}), everywhere.Spans...)
	}
	line := kit.L(kit.Span{Text: " "})
	if len(own.Spans) > 0 {
		line.Spans = append(append(line.Spans, own.Spans...), kit.Span{Text: "  "})
	}
	line.Spans = append(line.Spans, everywhere.Spans...)
	return line
}

// help is the page that ? shows: every key that applies here, and the command.
func (m *root) help() *kit.Dialog {
	var body kit.Block
	if m.env.readOnly {
		body = append(body, kit.L(kit.Text(kit.Warn, "Read-only: keys that change something are left out.")), kit.Line{})
	}
	list := func(title string, keys kit.Keymap) {
		body = append(body, kit.L(kit.Text(kit.Strong, title)))
		for _, b := range keys {
			if b.Help != "" {
				names := b.KeyNames()
				body = append(body, kit.L(kit.Text(kit.Accent, "  "+names+strings.Repeat(" ", max(16-kit.Width(names), 1))), kit.Text(kit.Plain, b.Help)))
			}
		}
		body = append(body, kit.Line{})
	}
	list(m.page().title(), m.page().bindings().Allowed(m.env.readOnly))
	everywhere := append(kit.Keymap{{Keys: []string{"1-9"}, Help: "to the page of that number"}}, global()...)
	list("Everywhere", everywhere)
	body = append(body, kit.L(kit.Text(kit.Plain, "The mouse works too: click a page, a line, once more to open it; the wheel scrolls.")))
	body = append(body, kit.L(kit.Text(kit.Plain, "The same as a command: "), kit.Text(kit.Strong, m.page().command())))
	return kit.Notice("Keys", body)
}
