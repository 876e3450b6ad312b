package appliance

import (
	"time"

	"rollcall/appliance/config"
	"rollcall/appliance/model"
	"rollcall/appliance/store"
	"rollcall/connectors"
)

// rekeyable refuses tokens of a new configuration that could not be put into force.
func (a *App) rekeyable(cfg *config.Config) error {
	for _, name := range a.cfg.TargetNames() {
		t := cfg.Targets[name]
		if _, can := a.targets[name].(connectors.Rekeyed); !can || t == nil || t.Kind != a.cfg.Targets[name].Kind {
			continue
		}
		if _, err := connectTarget(t, newBudget(t.Rate)); err != nil {
			return invalid("[targets.%s]: %s", name, err.Error())
		}
	}
	return nil
}

// rekey puts the tokens of a configuration into force where they are others than those
// in use.
func (a *App) rekey(actor string, cfg *config.Config) error {
	for _, name := range a.cfg.TargetNames() {
		t := cfg.Targets[name]
		if t == nil || t.Kind != a.cfg.Targets[name].Kind {
			continue
		}
		if err := a.setToken(actor, name, t.Token.Reveal()); err != nil {
			return err
		}
	}
	return nil
}

// setToken gives a target another token, unless it is the one in use. A lane that the
// old one closed opens at once. The accounts are listed before anything is sent: a
// token can be of another tenant, and then nothing goes there.
func (a *App) setToken(actor, name, token string) error {
	t, can := a.targets[name].(connectors.Rekeyed)
	a.mu.Lock()
	same := a.keys[name] == token
	a.mu.Unlock()
	if !can || same || token == "" {
		return nil
	}
	if err := t.SetToken(token); err != nil {
		return err
	}
	a.mu.Lock()
	a.keys[name] = token
	a.mu.Unlock()
	if err := a.engine.Note(actor, "rekeyed", "target:"+name, "another token is in use; the accounts are listed before anything is sent"); err != nil {
		return err
	}
	a.lanes[name].Rekeyed()
	err := a.engine.SetLane(actor, name, func(l *model.Lane) {
		l.Listed = time.Time{}
		if l.State == model.LaneDenied {
			l.State, l.Failures, l.Reason, l.RetryAt = model.LaneOpen, 0, "", time.Time{}
		}
	})
	a.lanes[name].Kick()
	a.log.Info("token replaced", "target", name)
	return err
}

// rereadRefused looks whether the token of a target that refused it is another one by
// now where the configuration says it is: whoever generated a new one puts it there and
// need do nothing else. A token that is accepted is only replaced by a reload.
func (a *App) rereadRefused() {
	cfg := a.config()
	for _, name := range a.cfg.TargetNames() {
		t := cfg.Targets[name]
		if t == nil || t.Token.IsZero() || t.Kind != a.cfg.Targets[name].Kind {
			continue
		}
		var lane model.Lane
		err := a.store.View(func(tx *store.Tx) (err error) {
			lane, _, err = store.Lanes.Get(tx, name)
			return err
		})
		if err != nil || lane.State != model.LaneDenied {
			continue
		}
		fresh, err := t.Token.Reread(config.System())
		if err == nil {
			err = a.setToken(actorSelf, name, fresh.Reveal())
		}
		if err != nil {
			a.log.Warn("the refused token cannot be read again", "target", name, "error", err)
		}
	}
}
