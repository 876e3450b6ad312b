package tui

import (
	"context"
	"strconv"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/tui/kit"
)

// Intents of the sources and targets page.
const (
	intentPause  kit.Intent = "pause"
	intentResume kit.Intent = "resume"
	intentRead   kit.Intent = "read_now"
	intentCheck  kit.Intent = "check"
	intentToken  kit.Intent = "create_token"
	intentRevoke kit.Intent = "revoke_token"
	intentPlan   kit.Intent = "plan"
)

// systems is the sources and targets, and what can be done to each.
type systems struct {
	env     *env
	table   kit.Table
	wanted  string
	tokens  slot[[]admin.Token]
	created slot[admin.NewToken]
	checked slot[[]admin.CheckResult]
	about   string // what was checked, "hibob"
	scroll  kit.Scroll
	height  int          // lines of the lower part drawn last
	holds   *targetLists // what a target holds is shown instead; nil: it is not
}

func newSystems(e *env) *systems {
	return &systems{env: e, table: kit.NewTable(
		kit.Column{Title: "NAME", Min: 14, Flex: 1, Keep: 9}, kit.Column{Title: "", Min: 7, Keep: 3},
		kit.Column{Title: "KIND", Min: 10, Keep: 5}, kit.Column{Title: "STATE", Min: 10, Keep: 8},
		kit.Column{Title: "HOW IT IS", Min: 24, Flex: 4, Keep: 7},
	)}
}

func (s *systems) subject() string { return "" }
func (s *systems) title() string   { return "Sources" }

// system is one source or one target; exactly one of the two is set.
type system struct {
	source *admin.Source
	target *admin.Target
}

func (y system) subject() string {
	if y.source != nil {
		return "source:" + y.source.Name
	}
	return "target:" + y.target.Name
}

func (s *systems) list() []system {
	st := &s.env.status.value
	var out []system
	for i := range st.Sources {
		out = append(out, system{source: &st.Sources[i]})
	}
	for i := range st.Targets {
		out = append(out, system{target: &st.Targets[i]})
	}
	return out
}

func (s *systems) current() (system, bool) {
	s.settle()
	if list := s.list(); s.table.Cursor() < len(list) {
		return list[s.table.Cursor()], true
	}
	return system{}, false
}

// settle moves the cursor to what a jump asked for, once it is known.
func (s *systems) settle() {
	if s.wanted == "" || !s.env.status.loaded {
		return
	}
	list := s.list()
	for i, y := range list {
		if y.subject() == s.wanted {
			s.table.Select(i, len(list))
		}
	}
	s.wanted = ""
}

func (s *systems) command() string {
	if s.holds != nil {
		return s.holds.command()
	}
	y, ok := s.current()
	switch {
	case !ok:
		return "rollcall config check"
	case s.env.readOnly:
		return "rollcall status"
	case y.target != nil:
		return "rollcall status, rollcall check " + quoted(y.target.Name)
	case y.source.State == "preview":
		return "rollcall activate " + quoted(y.source.Name)
	case model.Kind(y.source.Kind).Pushes() && y.source.Tokens == 0:
		return "rollcall token create " + quoted(y.source.Name)
	case model.Kind(y.source.Kind).Pushes():
		return "rollcall pause " + quoted(y.source.Name)
	}
	return "rollcall sync " + quoted(y.source.Name)
}

func (s *systems) bindings() kit.Keymap {
	if s.holds != nil {
		return s.holds.bindings()
	}
	y, ok := s.current()
	var keys kit.Keymap
	switch {
	case !ok:
	case y.target != nil && y.target.Lane == string(model.LanePaused):
		keys = append(keys, kit.Binding{Keys: []string{"p"}, Intent: intentResume, Label: "resume", Help: "let deliveries to this target flow again", Mutates: true})
	case y.target != nil:
		keys = append(keys, kit.Binding{Keys: []string{"p"}, Intent: intentPause, Label: "pause", Help: "hold deliveries to this target back", Mutates: true})
	default:
		if y.source.State != "active" {
			keys = append(keys, kit.Binding{Keys: []string{"a"}, Intent: intentActivate, Label: "activate", Help: "relay what this source says, from now on", Mutates: true})
		}
		if y.source.State != "paused" {
			keys = append(keys, kit.Binding{Keys: []string{"p"}, Intent: intentPause, Label: "pause", Help: "read nothing from this source", Mutates: true})
		}
		if y.source.State == "preview" {
			keys = append(keys, kit.Binding{Keys: []string{"v"}, Intent: intentPlan, Label: "plan", Help: "what activating it would change"})
		}
		if model.Kind(y.source.Kind).Pushes() {
			keys = append(keys, kit.Binding{Keys: []string{"t"}, Intent: intentToken, Label: "new token", Help: "create a token; it is shown once", Mutates: true})
			if len(s.tokensOf(y.source.Name)) > 0 {
				keys = append(keys, kit.Binding{Keys: []string{"x"}, Intent: intentRevoke, Label: "revoke", Help: "make a token useless", Mutates: true})
			}
		} else {
			keys = append(keys, kit.Binding{Keys: []string{"r"}, Intent: intentRead, Label: "read now", Help: "read this source now", Mutates: true})
		}
	}
	if to, label, help := s.leads(y, ok); to.subject != "" {
		keys = append(kit.Keymap{{Keys: []string{"enter", "l", "right"}, Intent: kit.Open, Label: label, Help: help}}, keys...)
	}
	if ok && y.target != nil {
		keys = append(keys, kit.Binding{Keys: []string{"o"}, Intent: intentGroups, Label: "groups", Help: "the groups that this target has, and their members"},
			kit.Binding{Keys: []string{"d"}, Intent: intentDrift, Label: "drift", Help: "how this target differs from what was delivered"})
	}
	if ok {
		keys = append(keys, kit.Binding{Keys: []string{"c"}, Intent: intentCheck, Label: "check", Help: "ask the service itself: credentials, permissions, reachability", Mutates: true})
	}
	return append(keys, kit.Moves()...)
}

// leads is what there is to see of a source or target elsewhere; the subject is
// empty when there is nothing.
func (s *systems) leads(y system, ok bool) (to stop, label, help string) {
	switch {
	case !ok:
	case y.target != nil:
		return stop{to: onDeliveries, subject: "target:" + y.target.Name}, "deliveries", "what is queued for this target"
	case model.Kind(y.source.Kind).Pushes():
		return stop{to: onRequests, subject: "source:" + y.source.Name}, "requests", "what this sender asked, and what it was answered"
	case y.source.LastRun > 0:
		return stop{to: onRuns, subject: strconv.FormatUint(y.source.LastRun, 10)}, "last run", "what the last read saw and caused"
	}
	return stop{}, "", ""
}

func (s *systems) ask() tea.Cmd { return s.tokens.ask(s.env, s.env.client.Tokens) }

func (s *systems) visit(subject string) tea.Cmd {
	if subject != "" {
		s.wanted, s.holds = subject, nil
	}
	if s.holds != nil {
		return s.holds.ask()
	}
	return s.ask()
}

func (s *systems) tick(now time.Time) tea.Cmd {
	if s.holds != nil {
		return s.holds.tick(now)
	}
	if s.tokens.stale(now, 2*refreshEvery) {
		return s.ask()
	}
	return nil
}

func (s *systems) take(msg tea.Msg) tea.Cmd {
	switch {
	case s.holds != nil && s.holds.take(msg):
	case s.tokens.take(s.env, msg), s.checked.take(s.env, msg):
	case s.created.take(s.env, msg):
		if s.created.err != nil {
			s.env.say(kit.Bad, sentence(s.created.err))
			return nil
		}
		s.showToken(s.created.value)
		s.created.forget()
		return s.ask()
	}
	return nil
}

// tokensOf lists the tokens of a source that can still be used.
func (s *systems) tokensOf(source string) []admin.Token {
	var out []admin.Token
	for _, t := range s.tokens.value {
		if t.Source == source && t.Revoked.IsZero() {
			out = append(out, t)
		}
	}
	return out
}

func (s *systems) do(intent kit.Intent) tea.Cmd {
	if s.holds != nil {
		return s.holds.do(intent)
	}
	if intent == kit.PageUp || intent == kit.PageDown { // the list is short, what is below it may not be
		s.scroll.Do(intent, s.height)
		return nil
	}
	if s.table.Do(intent, len(s.list())) {
		s.scroll = kit.Scroll{}
		return nil
	}
	y, ok := s.current()
	if !ok {
		return nil
	}
	switch intent {
	case intentCheck:
		return s.check(y)
	case kit.Open:
		to, _, _ := s.leads(y, true)
		return visitCmd(to.to, to.subject)
	}
	if y.target != nil {
		return s.doTarget(intent, *y.target)
	}
	return s.doSource(intent, *y.source)
}

func (s *systems) doTarget(intent kit.Intent, t admin.Target) tea.Cmd {
	client := s.env.client
	switch intent {
	case intentGroups, intentDrift:
		s.holds = newTargetLists(s.env, t.Name, intent == intentDrift)
		return s.holds.ask()
	case intentResume:
		return s.env.change(func(ctx context.Context) (string, error) {
			return "Deliveries to " + t.Name + " flow again.", client.SetLane(ctx, t.Name, string(model.LaneOpen))
		}, nil)
	case intentPause:
		body := kit.Paragraph(kit.Plain, "Nothing is sent to "+t.Name+" until it is resumed. What differs is kept, one change per person.", 70)
		s.env.ask(kit.Confirm("Pause "+t.Name, body, "pause"), "rollcall deliveries pause "+quoted(t.Name), func(string) tea.Cmd {
			return s.env.change(func(ctx context.Context) (string, error) {
				return t.Name + " is paused.", client.SetLane(ctx, t.Name, string(model.LanePaused))
			}, nil)
		})
	}
	return nil
}

func (s *systems) doSource(intent kit.Intent, src admin.Source) tea.Cmd {
	client := s.env.client
	switch intent {
	case intentActivate:
		activate(s.env, src.Name, "", s.ask)
	case intentPause:
		body := kit.Paragraph(kit.Plain, "Nothing is read from "+src.Name+" until it is activated again. What it said so far stays; nobody is deactivated for it.", 70)
		s.env.ask(kit.Confirm("Pause "+src.Name, body, "pause"), "rollcall pause "+quoted(src.Name), func(string) tea.Cmd {
			return s.env.change(func(ctx context.Context) (string, error) {
				return src.Name + " is paused.", client.Pause(ctx, src.Name)
			}, nil)
		})
	case intentRead:
		return s.env.change(func(ctx context.Context) (string, error) {
			return src.Name + " is read now.", client.Sync(ctx, []string{src.Name})
		}, nil)
	case intentPlan:
		return visitCmd(onPlan, "source:"+src.Name)
	case intentToken:
		body := kit.Paragraph(kit.Plain, "A word to tell this token from others, such as who uses it. May be empty.", 60)
		s.env.ask(kit.Ask("New token for "+src.Name, body, "create", ""), "rollcall token create "+quoted(src.Name), func(label string) tea.Cmd {
			return s.created.ask(s.env, func(ctx context.Context) (admin.NewToken, error) {
				return client.CreateToken(ctx, src.Name, strings.TrimSpace(label), 0)
			})
		})
	case intentRevoke:
		s.revoke(src.Name)
	}
	return nil
}

// showToken shows a token the only time it is known; it is kept by the dialog
// alone and gone with it.
func (s *systems) showToken(t admin.NewToken) {
	w := kit.DialogWidth(kit.Rect{W: kit.MinWidth})
	body := kit.Block{kit.L(kit.Text(kit.Faint, "Token"))}
	body = append(body, kit.Paragraph(kit.Strong, t.Token, w)...)
	body = append(body, kit.Line{}, kit.L(kit.Text(kit.Faint, "URL to paste beside it")))
	body = append(body, kit.Paragraph(kit.Strong, t.URL, w)...)
	body = append(body, kit.Line{})
	body = append(body, kit.Paragraph(kit.Warn, s.env.theme.Signs.Warn+" It is shown only now: rollcall keeps nothing it could be read from. If it is lost, create another and revoke "+t.ID+".", w)...)
	d := kit.Notice("Token for "+t.Source, body)
	if s.env.copy == nil {
		s.env.open(d, nil)
		return
	}
	s.env.open(d.With("c", "copy the token"), nil)
	s.env.extra = func(string) tea.Cmd {
		if err := s.env.copy(t.Token); err != nil {
			s.env.say(kit.Bad, "The token could not be copied: "+err.Error())
			return nil
		}
		s.env.say(kit.Good, "Copied, if your terminal lets programs do that (OSC 52).")
		return nil
	}
}

func (s *systems) revoke(source string) {
	tokens := s.tokensOf(source)
	if len(tokens) == 0 {
		return
	}
	body := kit.Paragraph(kit.Plain, "Whoever uses the token is refused from then on. Its id:", 60)
	for _, t := range tokens {
		body = append(body, kit.L(kit.Text(kit.Strong, "  "+t.ID), kit.Text(kit.Faint, "  "+t.Label+", used "+s.env.ago(t.LastUsed))))
	}
	initial := ""
	if len(tokens) == 1 {
		initial = tokens[0].ID
	}
	s.env.ask(kit.Ask("Revoke a token of "+source, body, "revoke", initial), "rollcall token revoke "+quoted(tokens[0].ID), func(id string) tea.Cmd {
		return s.env.change(func(ctx context.Context) (string, error) {
			return "The token is revoked.", s.env.client.RevokeToken(ctx, strings.TrimSpace(id))
		}, func(bool) tea.Cmd { return s.ask() })
	})
}

func (s *systems) check(y system) tea.Cmd {
	_, s.about, _ = strings.Cut(y.subject(), ":")
	name, client := s.about, s.env.client
	s.checked.forget()
	return s.checked.askWithin(s.env, checkWithin, func(ctx context.Context) ([]admin.CheckResult, error) {
		return client.Check(ctx, []string{name})
	})
}

func (s *systems) back() (tea.Cmd, bool) {
	if s.holds != nil {
		if cmd, inside := s.holds.back(); inside {
			return cmd, true
		}
		s.holds = nil
		return s.ask(), true
	}
	if s.about == "" {
		return nil, false
	}
	s.about = ""
	s.checked.forget()
	return nil, true
}

func (s *systems) ready() bool {
	if s.holds != nil {
		return s.holds.ready()
	}
	return s.env.status.loaded
}

func (s *systems) typing() bool           { return false }
func (s *systems) key(tea.KeyMsg) tea.Cmd { return nil }

func (s *systems) click(_, y int) tea.Cmd {
	if s.holds != nil {
		return s.holds.click(y)
	}
	before := s.table.Cursor()
	if s.table.Click(y, len(s.list())) && before == s.table.Cursor() {
		return s.do(kit.Open)
	}
	return nil
}
