package tui

import (
	"fmt"
	"strings"
	"time"

	"rollcall/appliance/model"
	"rollcall/tui/kit"
)

// clock writes a time of today as "14:03:05", another day's with its date.
func (e *env) clock(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	t, now := t.In(e.now.Location()), e.now
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04:05")
	}
	return t.Format("2006-01-02 15:04")
}

// instantText writes an instant that was chosen, with its date always.
func (e *env) instantText(t time.Time) string {
	return t.In(e.now.Location()).Format("2006-01-02 15:04:05")
}

// when writes a time of today as "14:03:05" and another day's as "Mar 02", in
// at most eight columns.
func (e *env) when(t time.Time) string {
	if text := e.clock(t); len(text) <= 8 {
		return text
	}
	t = t.In(e.now.Location())
	if t.Year() == e.now.Year() {
		return t.Format("Jan 02")
	}
	return t.Format("Jan 2006")
}

// ago writes how long ago t was, "never" when it never was.
func (e *env) ago(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	if d := e.now.Sub(t); d >= time.Second {
		return span(d) + " ago"
	}
	return "just now"
}

// since writes how long ago t was in as few columns as can be.
func (e *env) since(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return span(max(e.now.Sub(t), 0))
}

// in writes how far ahead t is.
func (e *env) in(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	if d := t.Sub(e.now); d >= time.Second {
		return "in " + span(d)
	}
	return "now"
}

// span writes a duration in its largest unit.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// health gives a health word its role and sign. A word that is not known is
// shown as it is, with the sign for unknown.
func health(theme *kit.Theme, word string) (kit.Role, string) {
	switch word {
	case "ok", "good", "healthy":
		return kit.Good, theme.Signs.Good
	case "attention", "warning", "degraded":
		return kit.Warn, theme.Signs.Warn
	case "trouble", "failed", "failing", "error":
		return kit.Bad, theme.Signs.Bad
	}
	return kit.Faint, theme.Signs.Unknown
}

// sourceState gives the state of a source its role and sign.
func sourceState(theme *kit.Theme, state string) (kit.Role, string) {
	switch state {
	case "active":
		return kit.Good, theme.Signs.Good
	case "preview":
		return kit.Accent, theme.Signs.Preview
	case "paused":
		return kit.Warn, theme.Signs.Paused
	}
	return kit.Faint, theme.Signs.Unknown
}

// laneState gives the state of a lane its role and sign.
func laneState(theme *kit.Theme, lane string) (kit.Role, string) {
	switch model.LaneState(lane) {
	case model.LaneOpen:
		return kit.Good, theme.Signs.Good
	case model.LaneBroken, model.LaneDenied:
		return kit.Bad, theme.Signs.Bad
	case model.LanePaused:
		return kit.Warn, theme.Signs.Paused
	case model.LaneWaiting:
		return kit.Warn, theme.Signs.Warn
	}
	return kit.Faint, theme.Signs.Unknown
}

// jobState gives the state of a delivery its role.
func jobState(state string) kit.Role {
	switch model.JobState(state) {
	case model.JobReady:
		return kit.Good
	case model.JobHeld:
		return kit.Warn
	case model.JobParked, model.JobRejected:
		return kit.Bad
	}
	return kit.Faint
}

// personStatus gives a person's status its role and sign.
func personStatus(theme *kit.Theme, status string) (kit.Role, string) {
	switch model.Status(status) {
	case model.Active:
		return kit.Good, theme.Signs.Good
	case model.Pending:
		return kit.Accent, theme.Signs.Preview
	case model.Leave:
		return kit.Warn, theme.Signs.Paused
	case model.Inactive:
		return kit.Faint, theme.Signs.Bad
	}
	return kit.Warn, theme.Signs.Unknown
}

// effectRole is how what happens to an account is shown.
func effectRole(effect string) kit.Role {
	switch model.Effect(effect) {
	case model.EffectCreate, model.EffectReactivate:
		return kit.Good
	case model.EffectDeactivate:
		return kit.Bad
	case model.EffectUpdate, model.EffectAdopt:
		return kit.Accent
	}
	return kit.Warn
}

// verdictRole is how the end of a read is shown.
func verdictRole(v model.Verdict) kit.Role {
	switch v {
	case model.VerdictComplete:
		return kit.Good
	case model.VerdictRunning:
		return kit.Accent
	case model.VerdictFailed:
		return kit.Bad
	}
	return kit.Warn
}

// spoken writes an identifier of ours in words: "duplicate_identifier" is
// "duplicate identifier".
func spoken(s string) string { return strings.ReplaceAll(s, "_", " ") }

// quoted writes an argument as a shell takes it.
func quoted(arg string) string {
	plain := arg != ""
	for _, r := range arg {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@._-:/+", r) {
			plain = false
		}
	}
	if plain {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}

// matches reports whether every word of query is somewhere in the texts, in any
// case.
func matches(query string, texts ...string) bool {
	if query == "" {
		return true
	}
	all := strings.ToLower(strings.Join(texts, "\n"))
	for word := range strings.FieldsSeq(strings.ToLower(query)) {
		if !strings.Contains(all, word) {
			return false
		}
	}
	return true
}

// asOf says how fresh a page's own answer is when there is something to say:
// that it is being fetched, that it could not be, and as of when what is shown
// is. It says nothing when the answer is there and good.
func asOf[T any](e *env, s *slot[T], what string, w int) kit.Block {
	switch {
	case s.err != nil:
		text := e.theme.Signs.Bad + " " + sentence(s.err)
		if s.loaded {
			text += "; as of " + e.clock(s.at)
		}
		return kit.Paragraph(kit.Bad, text, w-2).Indent(1)
	case !s.loaded:
		return kit.Block{kit.L(kit.Text(kit.Faint, " Asking for "+what+e.theme.Signs.Ellipsis))}
	}
	return nil
}
