package tui

import (
	"context"
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"rollcall/appliance/admin"
	"rollcall/tui/kit"
)

// statusEvery is how often the appliance is asked how it is.
const statusEvery = 2 * time.Second

// tick is a second of the world outside.
type tick time.Time

// root is the model of the program: the frame around the pages, the keys that
// apply everywhere, the dialog, and whether the appliance answers.
type root struct {
	env    *env
	pages  [places]page
	at     place
	trail  []crumb // where esc leads, the last one first
	w, h   int
	early  []kit.Intent // pressed before the page was ready, see [page]
	defect error        // why the program ended by itself
}

// crumb is what was left for something else.
type crumb struct {
	place   place
	subject string
	// jumped says that the other one was opened to show one thing: esc there
	// comes back at once instead of leaving the detail for its list.
	jumped bool
}

func newRoot(ctx context.Context, client Client, o Options, now time.Time) *root {
	e := &env{
		ctx: ctx, client: client, theme: kit.NewTheme(*o.Appearance),
		readOnly: o.ReadOnly, copy: o.Copy, instant: o.Instant, now: now, looked: map[string]bool{},
	}
	m := &root{env: e}
	m.pages = [places]page{
		onOverview: newOverview(e), onConflicts: newConflicts(e), onPeople: newPeople(e), onPlan: newPlan(e),
		onDeliveries: newDeliveries(e), onRuns: newRuns(e), onJournal: newJournal(e), onSystems: newSystems(e), onRequests: newRequests(e),
	}
	return m
}

// Init asks for the status and brings the first page up.
func (m *root) Init() tea.Cmd { return tea.Batch(m.askStatus(), m.page().visit("")) }

func (m *root) page() page { return m.pages[m.at] }

func (m *root) askStatus() tea.Cmd { return m.env.status.ask(m.env, m.env.client.Status) }

// Update handles one message and never waits.
func (m *root) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	cmd := m.handle(msg)
	for len(m.early) > 0 && m.page().ready() && m.env.dialog == nil {
		intent := m.early[0]
		m.early = m.early[1:]
		cmd = tea.Batch(cmd, m.do(intent))
	}
	return m, cmd
}

// earlyKept is how many keys are kept for a page that is not ready.
const earlyKept = 8

func (m *root) handle(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.w, m.h = msg.Width, msg.Height
		return nil
	case tick:
		return m.tick(time.Time(msg))
	case tea.KeyMsg:
		return m.keys(msg)
	case tea.MouseMsg:
		return m.mouse(msg)
	case goTo:
		return m.goTo(msg.place, msg.subject)
	case changed:
		return m.changed(msg)
	case defect:
		m.defect = msg.err
		return tea.Quit
	case answer[admin.Status]:
		lost := m.env.reach.lost
		if m.env.status.take(m.env, msg) && lost && !m.env.reach.lost {
			m.env.say(kit.Good, "The appliance answers again.")
			return m.page().visit("")
		}
		return nil
	}
	var cmds []tea.Cmd
	for _, p := range m.pages {
		cmds = append(cmds, p.take(msg))
	}
	return tea.Batch(cmds...)
}

// tick lets a second pass: the status is asked for again, sooner or later
// depending on whether the appliance answers, and the page refreshes itself.
func (m *root) tick(now time.Time) tea.Cmd {
	e := m.env
	e.now = now
	if e.reach.lost {
		if e.status.waiting || now.Before(e.reach.next) {
			return nil
		}
		return m.askStatus()
	}
	cmds := []tea.Cmd{m.page().tick(now)}
	if e.status.stale(now, statusEvery) {
		cmds = append(cmds, m.askStatus())
	}
	return tea.Batch(cmds...)
}

func (m *root) changed(c changed) tea.Cmd {
	m.env.reach.note(m.env.now, c.err)
	if c.err != nil {
		m.env.say(kit.Bad, sentence(c.err))
	} else if c.text != "" {
		m.env.say(kit.Good, c.text)
	}
	cmds := []tea.Cmd{m.askStatus()}
	if c.then != nil {
		cmds = append(cmds, c.then(c.err == nil))
	}
	return tea.Batch(cmds...)
}

// keys takes keys apart that arrived together, as they do over a slow line: each
// means what it means after the one before. What is pasted is text and never
// keys: where no text is asked for it is dropped.
func (m *root) keys(msg tea.KeyMsg) tea.Cmd {
	switch {
	case msg.Paste && !m.takesText():
		m.env.say(kit.Warn, "Pasted text was dropped: nothing here asks for text.")
		return nil
	case msg.Paste || msg.Type != tea.KeyRunes || len(msg.Runes) < 2:
		return m.key(msg)
	}
	var cmds []tea.Cmd
	for _, r := range msg.Runes {
		cmds = append(cmds, m.key(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}, Alt: msg.Alt}))
	}
	return tea.Batch(cmds...)
}

// takesText reports whether letters are text now.
func (m *root) takesText() bool {
	if m.env.dialog != nil {
		return m.env.dialog.Typing()
	}
	return m.page().typing()
}

func (m *root) key(msg tea.KeyMsg) tea.Cmd {
	if msg.Type == tea.KeyCtrlC {
		return tea.Quit
	}
	if m.env.dialog != nil {
		return m.dialogKey(msg)
	}
	if m.page().typing() {
		return m.page().key(msg)
	}
	intent, found, mutates := m.keymap().Resolve(msg.String(), m.env.readOnly)
	switch {
	case found && waits(intent) && !m.page().ready():
		// What changes something is never kept: it must be meant for what is seen.
		if len(m.early) < earlyKept {
			m.early = append(m.early, intent)
		}
		return nil
	case found:
		return m.do(intent)
	case mutates:
		m.env.say(kit.Warn, "Read-only: this connection may look, not change.")
	}
	return nil
}

// waits reports whether an intent is kept until the page is ready.
func waits(intent kit.Intent) bool {
	switch intent {
	case kit.Open, kit.Up, kit.Down, kit.PageUp, kit.PageDown, kit.Home, kit.End, kit.Left, kit.Right:
		return true
	}
	return false
}

func (m *root) keymap() kit.Keymap { return append(m.page().bindings(), global()...) }

func (m *root) dialogKey(msg tea.KeyMsg) tea.Cmd {
	d, accept, extra := m.env.dialog, m.env.accept, m.env.extra
	outcome := d.Key(msg)
	switch outcome {
	case kit.Accepted, kit.Cancelled:
		m.env.open(nil, nil)
	}
	switch {
	case outcome == kit.Accepted && accept != nil:
		return accept(d.Value())
	case outcome == kit.Extra && extra != nil:
		return extra(d.Value())
	}
	return nil
}

func (m *root) do(intent kit.Intent) tea.Cmd {
	if n, ok := strings.CutPrefix(string(intent), string(intentGoto)); ok {
		return m.goTo(place(n[0]-'1'), "")
	}
	switch intent {
	case intentQuit:
		return tea.Quit
	case intentHelp:
		m.env.open(m.help(), nil)
		return nil
	case intentNext:
		return m.goTo((m.at+1)%places, "")
	case intentPrev:
		return m.goTo((m.at+places-1)%places, "")
	case intentRefresh:
		return tea.Batch(m.askStatus(), m.page().visit(""))
	case kit.Back:
		return m.back()
	}
	return m.page().do(intent)
}

// goTo shows a page and remembers the one before.
func (m *root) goTo(to place, subject string) tea.Cmd {
	if to == m.at && subject == "" { // once more: to the top of the page
		for deep := true; deep; {
			_, deep = m.page().back()
		}
	}
	m.early = nil
	from := m.page().subject()
	if to != m.at || subject != "" && from != "" && from != subject {
		m.trail = append(m.trail, crumb{m.at, from, subject != ""})
		m.trail = m.trail[max(len(m.trail)-20, 0):]
	}
	m.at = to
	if m.env.toast.Role != kit.Bad {
		m.env.toast = kit.Toast{} // it was about what was left
	}
	return m.page().visit(subject)
}

func (m *root) back() tea.Cmd {
	m.early = nil
	cmd, left := m.page().back()
	if len(m.trail) == 0 {
		return cmd
	}
	last := m.trail[len(m.trail)-1]
	if left && !last.jumped {
		return cmd
	}
	m.trail = slices.Clip(m.trail[:len(m.trail)-1])
	m.at = last.place
	return m.page().visit(last.subject)
}

// wheelStep is how many lines one notch of the wheel moves.
const wheelStep = 3

func (m *root) mouse(msg tea.MouseMsg) tea.Cmd {
	if msg.Action != tea.MouseActionPress {
		return nil
	}
	switch msg.Button {
	case tea.MouseButtonWheelUp:
		return m.wheel(kit.Up, tea.KeyUp)
	case tea.MouseButtonWheelDown:
		return m.wheel(kit.Down, tea.KeyDown)
	case tea.MouseButtonLeft:
		return m.press(msg.X, msg.Y)
	}
	return nil
}

func (m *root) wheel(intent kit.Intent, key tea.KeyType) tea.Cmd {
	var cmds []tea.Cmd
	for range wheelStep {
		if m.env.dialog != nil {
			m.env.dialog.Key(tea.KeyMsg{Type: key})
			continue
		}
		cmds = append(cmds, m.page().do(intent))
	}
	return tea.Batch(cmds...)
}

func (m *root) press(x, y int) tea.Cmd {
	frame := kit.Arrange(m.w, m.h)
	if frame.TooSmall || m.env.dialog != nil {
		return nil
	}
	if frame.Tabs.Contains(x, y) {
		_, ends := m.tabs(frame.Tabs.W)
		for i, end := range ends {
			if x < end {
				return m.goTo(place(i), "")
			}
		}
		return nil
	}
	if frame.Body.Contains(x, y) {
		return m.page().click(x-frame.Body.X, y-frame.Body.Y)
	}
	return nil
}
