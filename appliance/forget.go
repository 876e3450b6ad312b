package appliance

import (
	"context"
	"path/filepath"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

// Forget implements admin.Service: it erases a person and overwrites what that
// leaves in free parts of the file.
func (a *App) Forget(_ context.Context, actor string, asked admin.ForgetRequest) (admin.Forgotten, error) {
	var p model.Person
	err := a.store.View(func(tx *store.Tx) (err error) {
		p, err = find(tx, asked.Who)
		return err
	})
	if err != nil {
		return admin.Forgotten{}, err
	}
	f, err := a.engine.Forget(actor, p.ID, asked.Reason, asked.Force, asked.DryRun)
	if err != nil {
		return admin.Forgotten{}, refusal(err)
	}
	out := admin.Forgotten{Person: string(f.Person), DryRun: asked.DryRun, Records: f.Records, Resources: f.Resources, History: f.History,
		Accounts: f.Accounts, Decisions: f.Decisions, Conflicts: f.Conflicts, Mentions: f.Mentions, Backups: []string{}}
	if out.Backups, err = a.copies(); err != nil {
		return out, err
	}
	if asked.DryRun {
		out.Name = personName(p)
		return out, nil
	}
	if err := a.store.Scrub(); err != nil {
		out.Notice = err.Error()
		a.log.Warn("erased values may still stand in the file", "error", err)
	}
	return out, nil
}

// copies lists the copies of the database that the appliance made and that are
// still there: its backups, and the files of before a restore or an upgrade.
func (a *App) copies() ([]string, error) {
	made, err := backupsIn(string(a.config().Backup.Dir))
	if err != nil {
		return nil, err
	}
	out := []string{}
	for _, b := range made {
		out = append(out, b.path)
	}
	for _, pattern := range []string{".v*.bak", ".replaced-*"} {
		beside, err := filepath.Glob(a.store.Path() + pattern)
		if err != nil {
			return nil, err
		}
		out = append(out, beside...)
	}
	return out, nil
}
