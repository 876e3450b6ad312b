package appliance

import (
	"context"
	"fmt"
	"os"
	"strings"

	"rollcall/appliance/admin"
	"rollcall/appliance/config"
	"rollcall/appliance/model"
	"rollcall/appliance/notify"
	"rollcall/appliance/store"
)

// toldSetting is where what was told is kept.
const toldSetting = "told"

// told keeps what humans were told beside everything else, so that a restart
// tells nothing twice. It implements notify.Memory.
type told struct{ store *store.Store }

func (t told) Load() (map[string]notify.Told, error) {
	var out map[string]notify.Told
	err := t.store.View(func(tx *store.Tx) error {
		_, err := tx.Setting(toldSetting, &out)
		return err
	})
	return out, err
}

func (t told) Save(m map[string]notify.Told) error {
	return t.store.Update(func(tx *store.Tx) error { return tx.SetSetting(toldSetting, m) })
}

// newNotifier builds the channels of [notify].
func (a *App) newNotifier() *notify.Notifier {
	n := a.cfg.Notify
	var channels []notify.Channel
	if !n.Webhook.URL.IsZero() {
		channels = append(channels, notify.NewWebhook(n.Webhook.URL.Reveal(), n.Webhook.Secret.Reveal()))
	}
	if e := n.Email; !e.Server.IsZero() {
		security := map[string]string{config.MailStartTLS: notify.StartTLS, config.MailTLS: notify.TLS, config.MailNone: notify.NoTLS}[e.TLS]
		channels = append(channels, notify.NewEmail(notify.MailConfig{Address: e.Server.String(), Security: security, User: e.User, Password: e.Password.Reveal(), From: e.From, To: e.To}))
	}
	if len(n.Command) > 0 {
		channels = append(channels, notify.NewCommand(n.Command))
	}
	return notify.New(a.whereabouts(), channels, a.matters, told{a.store}, a.log.Named("notify"))
}

// whereabouts names this appliance among others.
func (a *App) whereabouts() string {
	if u := a.cfg.SCIM.PublicURL.String(); u != "" {
		return u
	}
	if name, err := os.Hostname(); err == nil {
		return name
	}
	return "an unnamed machine"
}

// matters lists what needs a human as the notifier tells it: each conflict that
// freezes people for itself, and everything else as the status has it.
func (a *App) matters(ctx context.Context) ([]notify.Matter, error) {
	s, err := a.Status(ctx)
	if err != nil {
		return nil, err
	}
	index := map[string]int{}
	var out []notify.Matter
	for _, n := range s.Needs {
		if n.Kind == needConflict || n.Kind == needNotify {
			continue // told one by one below; and of itself a channel cannot tell
		}
		m := notify.Matter{Key: n.Kind + "/" + n.Subject, Kind: n.Kind, Subject: n.Subject, Text: n.Text, Command: n.Command}
		if i, again := index[m.Key]; again {
			if out[i].Text != m.Text {
				out[i].Text += "; " + m.Text
			}
			continue
		}
		index[m.Key] = len(out)
		out = append(out, m)
	}
	err = a.store.View(func(tx *store.Tx) error {
		for q, err := range store.Conflicts.Each(tx, nil) {
			if err != nil {
				return err
			}
			if q.Kind.Freezes() {
				out = append(out, conflictMatter(q))
			}
		}
		return nil
	})
	return out, err
}

func conflictMatter(q model.Conflict) notify.Matter {
	kind := strings.ReplaceAll(string(q.Kind), "_", " ")
	return notify.Matter{Key: needConflict + "/" + string(q.ID), Kind: needConflict, Subject: string(q.ID),
		Text: fmt.Sprintf("%s freezes %s: %s", kind, people(max(len(q.Persons), len(q.Records))), q.Rule), Command: "rollcall conflicts show " + string(q.ID)}
}

// notifyNeeds says which channels do not reach anybody.
func (a *App) notifyNeeds(s *admin.Status) {
	if a.notifier == nil {
		return
	}
	for _, f := range a.notifier.Failing() {
		s.Needs = append(s.Needs, admin.Need{Kind: needNotify, Subject: f.Channel, Text: fmt.Sprintf("nobody can be told by %s: %s", f.Channel, f.Reason), Command: "rollcall notify test"})
	}
}

// NotifyTest implements admin.Service.
func (a *App) NotifyTest(ctx context.Context) ([]admin.NotifyResult, error) {
	out := []admin.NotifyResult{}
	for _, r := range a.notifier.Try(ctx) {
		one := admin.NotifyResult{Channel: r.Channel, OK: r.Err == nil}
		if r.Err != nil {
			one.Error = r.Err.Error()
		}
		out = append(out, one)
	}
	return out, nil
}
