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
	screen := append(kit.Block{m.header(f.Header.W), tabs}, body...)
	screen = append(screen, m.note(f.Note.W), m.keys(f.Keys.W))
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
		left.Spans = append(left.Spans, kit.Text(role, sign+" "+healthWord(st.value.Health)),
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

// tabs draws the tabs and returns where each ends. The tab shown is in brackets,
// which need no colour.
func (m *root) tabs(w int) (line kit.Line, ends []int) {
	full := 1
	for i, p := range m.pages {
		full += len(strconv.Itoa(i+1)) + 2 + kit.Width(p.title())
	}
	x := 0
	for i, p := range m.pages {
		label := strconv.Itoa(i + 1)
		if full <= w || place(i) == m.at {
			label += " " + p.title()
		}
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

// note is what just happened, else the command that does what the page does.
func (m *root) note(w int) kit.Line {
	e := m.env
	if e.toast.Shown(e.now) {
		line := e.toast.Line(e.theme)
		line.Spans = append([]kit.Span{{Text: " "}}, line.Spans...)
		return line
	}
	return kit.L(kit.Text(kit.Faint, " Same as: "), kit.Text(kit.Plain, kit.Truncate(m.page().command(), w-11, e.theme.Signs.Ellipsis)))
}

func (m *root) keys(w int) kit.Line {
	line := kit.L(kit.Span{Text: " "})
	line.Spans = append(line.Spans, m.keymap().Allowed(m.env.readOnly).Hints(w-1).Spans...)
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
	everywhere := append(kit.Keymap{{Keys: []string{"1-8"}, Help: "to the page of that number"}}, global()...)
	list("Everywhere", everywhere)
	body = append(body, kit.L(kit.Text(kit.Plain, "The mouse works too: click a page, a line, once more to open it; the wheel scrolls.")))
	body = append(body, kit.L(kit.Text(kit.Plain, "The same as a command: "), kit.Text(kit.Strong, m.page().command())))
	return kit.Notice("Keys", body)
}
