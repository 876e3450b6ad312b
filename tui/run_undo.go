package tui

import (
	"context"
	"fmt"

	tea "github.com/charmbracelet/bubbletea"

	"rollcall/appliance/admin"
	"rollcall/tui/kit"
)

// weighUndo asks what undoing the run that is open would do.
func (r *runs) weighUndo() tea.Cmd {
	seq, client := r.opened, r.env.client
	return r.undoing.ask(r.env, func(ctx context.Context) (admin.Undo, error) { return client.UndoPlan(ctx, seq) })
}

// confirmUndo shows what undoing would do, and what it cannot, and does it on yes:
// exactly what is shown, or nothing when that has changed.
func (r *runs) confirmUndo() {
	if r.undoing.err != nil {
		r.env.say(kit.Bad, sentence(r.undoing.err))
		return
	}
	u, client, theme := r.undoing.value, r.env.client, r.env.theme
	body := kit.Paragraph(kit.Plain, fmt.Sprintf("What run %d changed is put back, as a run of its own and under the same guards.", u.Run), 70)
	if u.Stopped > 0 {
		body = append(body, kit.Paragraph(kit.Plain, theme.Signs.Bullet+" "+kit.Plural(u.Stopped, "delivery", "deliveries")+" not sent yet will not be.", 70)...)
	}
	for _, text := range u.Cannot {
		body = append(body, kit.Paragraph(kit.Warn, theme.Signs.Warn+" "+text, 70)...)
	}
	for _, l := range u.Left {
		body = append(body, kit.Paragraph(kit.Faint, theme.Signs.Bullet+" left as it is: "+nameOf(l.Person)+" in "+l.Target+", "+l.Why, 70)...)
	}
	body = append(body, consequences(theme, u.Plan, 70)...)
	title := fmt.Sprintf("Undo run %d", u.Run)
	question := kit.Confirm(title, body, "undo")
	if n := len(u.Plan.Changes); n > largeFrom {
		question = kit.ConfirmCount(title, body, "undo", n)
	}
	r.env.ask(question, fmt.Sprintf("rollcall undo %d", u.Run), func(string) tea.Cmd {
		return r.env.change(func(ctx context.Context) (string, error) {
			done, err := client.UndoRunIf(ctx, u.Run, u.Tag)
			return fmt.Sprintf("Run %d is undone by run %d.", u.Run, done.By), err
		}, func(bool) tea.Cmd {
			if r.opened == 0 {
				return r.refresh()
			}
			return r.askDetail()
		})
	})
}
