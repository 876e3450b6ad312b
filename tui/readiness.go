package tui

import (
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"rollcall/appliance/admin"
	"rollcall/tui/kit"
)

// readinessView is the readiness report: who in the targets is matched, who
// would be created, who could lose access, and what to put right before a source
// is activated. Rows come by kind, each kind open or closed.
type readinessView struct {
	env    *env
	report slot[admin.Readiness]
	opened map[admin.ReadinessKind]bool
	rows   []readinessRow
	table  kit.Table
}

// readinessRow is a kind (at < 0) or a finding of it.
type readinessRow struct {
	kind admin.ReadinessKind
	at   int // in the report
}

func newReadiness(e *env) readinessView {
	return readinessView{env: e, opened: map[admin.ReadinessKind]bool{}, table: kit.NewTable(
		kit.Column{Title: "WHAT", Min: 34, Flex: 2, Keep: 9}, kit.Column{Title: "ROWS", Min: 6, Right: true, Keep: 6},
		kit.Column{Title: "ABOUT", Min: 24, Flex: 3, Keep: 8},
	)}
}

func (v *readinessView) ask() tea.Cmd { return v.report.ask(v.env, v.env.client.Readiness) }

func (v *readinessView) take(msg tea.Msg) bool {
	if !v.report.take(v.env, msg) {
		return false
	}
	v.list()
	return true
}

// list lists kinds in the order in which they stand in the report, and the
// findings of those that are open.
func (v *readinessView) list() {
	v.rows = v.rows[:0]
	for i, row := range v.report.value.Rows {
		if n := len(v.rows); n == 0 || v.rows[n-1].kind != row.Kind {
			v.rows = append(v.rows, readinessRow{row.Kind, -1})
		}
		if v.opened[row.Kind] {
			v.rows = append(v.rows, readinessRow{row.Kind, i})
		}
	}
}

func (v *readinessView) current() (readinessRow, bool) {
	if i := v.table.Cursor(); i < len(v.rows) {
		return v.rows[i], true
	}
	return readinessRow{}, false
}

func (v *readinessView) do(intent kit.Intent) tea.Cmd {
	if v.table.Do(intent, len(v.rows)) || intent != kit.Open {
		return nil
	}
	row, ok := v.current()
	switch {
	case !ok:
	case row.at < 0:
		v.opened[row.kind] = !v.opened[row.kind]
		v.list()
	default:
		if id := v.report.value.Rows[row.at].Person; id != "" {
			return visitCmd(onPeople, "person:"+id)
		}
		v.env.say(kit.Plain, "Nobody in the roster is this: there is nobody to look at.")
	}
	return nil
}

func (v *readinessView) view(w, h int, at *int) kit.Block {
	theme, r := v.env.theme, v.report.value
	block := kit.Block{theme.Rule("Readiness: what to know before a source is activated", w)}
	block = append(block, asOf(v.env, &v.report, "the readiness report", w)...)
	if !v.report.loaded {
		return block
	}
	if len(r.Previewed) > 0 {
		block = append(block, kit.Paragraph(kit.Plain, "As if "+strings.Join(r.Previewed, ", ")+" were active. Nothing is written anywhere.", w-4).Indent(2)...)
	}
	for _, n := range r.Notices {
		block = append(block, kit.Paragraph(kit.Warn, theme.Signs.Warn+" "+n, w-4).Indent(2)...)
	}
	block = block[:min(len(block), h/2)]
	if len(v.rows) == 0 {
		return append(block, kit.L(kit.Text(kit.Good, "  "+theme.Signs.Good+" Nothing to report: nobody was read and no account was listed yet.")))
	}
	foot := v.inFull(w)
	*at = len(block)
	table := v.table.View(theme, w, h-len(block)-len(foot), readinessRows{v})
	return append(append(block, table.Take(h-len(block)-len(foot))...), foot...)
}

// inFull says the finding at the cursor, and what can be done about it.
func (v *readinessView) inFull(w int) kit.Block {
	row, ok := v.current()
	if !ok || row.at < 0 {
		return nil
	}
	r := v.report.value.Rows[row.at]
	text := strings.Join(said(r.Name, r.Email, r.Source+" "+r.Record, r.Account, r.Field, r.Permission, r.Detail), "; ")
	block := append(kit.Block{v.env.theme.Rule(readinessWords(row.kind), w)}, kit.Paragraph(kit.Plain, text, w-4).Indent(2)...)
	if r.ToDo != "" {
		block = append(block, kit.Paragraph(kit.Accent, v.env.theme.Signs.Next+" "+r.ToDo, w-4).Indent(2)...)
	}
	return block[:min(len(block), 6)]
}

// said keeps the texts that say something.
func said(texts ...string) []string {
	var out []string
	for _, t := range texts {
		if t = strings.TrimSpace(t); t != "" {
			out = append(out, t)
		}
	}
	return out
}

// readinessWords says what kind of finding something is.
func readinessWords(kind admin.ReadinessKind) string {
	if words, ok := map[admin.ReadinessKind]string{
		"uncovered": "accounts that no source covers", "duplicate": "duplicates", "near_match": "same name, other address",
		"missing_email": "no email", "personal_email": "personal emails", "manager_unresolved": "managers who are not found",
		"unreadable_field": "fields that cannot be read", "unknown_field": "fields the target does not know",
		"new": "would get an account", "matched": "have their account already",
	}[kind]; ok {
		return words
	}
	return spoken(string(kind))
}

type readinessRows struct{ *readinessView }

func (r readinessRows) Len() int { return len(r.rows) }

func (r readinessRows) Row(i int) ([]kit.Span, bool) {
	row := r.rows[i]
	if row.at < 0 {
		sign, role := r.env.theme.Signs.Closed, kit.Warn
		if r.opened[row.kind] {
			sign = r.env.theme.Signs.Open
		}
		if !row.kind.Asks() {
			role = kit.Good
		}
		return []kit.Span{kit.Text(role, sign+" "+readinessWords(row.kind)), kit.Text(kit.Strong, kit.Count(r.report.value.Counts[row.kind])), {}}, true
	}
	f := r.report.value.Rows[row.at]
	name := said(f.Name, f.Email, f.Account, f.Field)
	about := said(f.Email, f.Account, f.Detail)
	if len(name) == 0 {
		name = []string{f.Source + " " + f.Record}
	}
	return []kit.Span{kit.Text(kit.Plain, "    "+name[0]), {}, kit.Text(kit.Faint, strings.Join(about, "  "))}, true
}
