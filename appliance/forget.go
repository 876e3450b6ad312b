package appliance

import (
	"context"

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
		Accounts: f.Accounts, Decisions: f.Decisions, Conflicts: f.Conflicts, Backups: []string{}}
	made, err := backupsIn(string(a.config().Backup.Dir))
	if err != nil {
		return out, err
	}
	for _, b := range made {
		out.Backups = append(out.Backups, b.path)
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
