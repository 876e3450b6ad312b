package appliance

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"rollcall/appliance/admin"
	"rollcall/appliance/config"
	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/observe"
	"rollcall/appliance/store"
)

// config returns the configuration that was accepted last. Keys that need a
// restart are in force as a.cfg has them.
func (a *App) config() *config.Config { return a.loaded.Load() }

// Reload implements admin.Service: it reads the configuration again and puts into
// force what can change while running: the log level, the policy with its guards,
// maps and scopes, the tokens of targets, and what housekeeping goes by. Everything is read, checked and
// built before anything changes, and on any error the configuration in force
// stays, whole. What a new policy or map changes is planned as a run, under the
// guards: mass effects are held. With dryRun that plan is only shown.
func (a *App) Reload(_ context.Context, actor string, dryRun bool) (admin.Reloaded, error) {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	if a.load == nil {
		return admin.Reloaded{}, invalid("this appliance was not started from a configuration file; there is nothing to read again")
	}
	if dryRun {
		return a.previewReload()
	}
	_ = a.systemd.Reloading("reading the configuration")
	defer func() { _ = a.systemd.Ready("serving") }()
	out, err := a.tryReload(actor)
	a.metrics.Reloaded(a.now(), err == nil)
	if err != nil {
		a.log.Error("configuration not reloaded, the one in force stays", "error", err)
	}
	return out, err
}

// draft is a configuration that was read, checked and built, and is not in force.
type draft struct {
	cfg      *config.Config
	settings *ingest.Settings
	out      admin.Reloaded
}

func (a *App) draft() (draft, error) {
	cfg, err := a.load()
	if err != nil {
		return draft{}, invalid("%s", err.Error())
	}
	settings, err := a.settings(cfg)
	if err != nil {
		return draft{}, invalid("%s", err.Error())
	}
	if err := a.rekeyable(cfg); err != nil {
		return draft{}, err
	}
	d := draft{cfg: cfg, settings: settings, out: admin.Reloaded{Changes: []admin.ConfigChange{}, Restart: []string{}, Reread: []string{}}}
	for _, c := range config.Diff(a.config(), cfg) {
		d.out.Changes = append(d.out.Changes, admin.ConfigChange{Key: c.Key, Old: c.Old, New: c.New, Live: c.Live})
	}
	// Against what the process was started with: a change that waits for a
	// restart goes on waiting through every later reload.
	for _, c := range config.Diff(a.cfg, cfg) {
		if !c.Live {
			d.out.Restart = append(d.out.Restart, c.Key)
		}
	}
	a.keepStructure(settings)
	for _, name := range a.cfg.SourceNames() {
		if src := cfg.Sources[name]; src != nil && a.pollers[name] != nil && mapped(d.out.Changes, name) {
			d.out.Reread = append(d.out.Reread, name)
		}
	}
	return d, nil
}

// mapped reports whether the map or the scope of a source is among the changes.
func mapped(changes []admin.ConfigChange, source string) bool {
	return slices.ContainsFunc(changes, func(c admin.ConfigChange) bool {
		return strings.HasPrefix(c.Key, "sources."+source+".map") || strings.HasPrefix(c.Key, "sources."+source+".scope")
	})
}

func (a *App) previewReload() (admin.Reloaded, error) {
	d, err := a.draft()
	if err != nil {
		return d.out, err
	}
	plan := admin.Plan{Changes: []admin.PlanChange{}, Counts: map[string]int{}}
	for _, name := range d.out.Reread {
		plan.Notices = append(plan.Notices, fmt.Sprintf("the new map or scope of %s takes effect with its next read, which the guards judge; it is not part of this plan", name))
	}
	prints, err := a.fingerprints(d.settings)
	if err != nil {
		return d.out, err
	}
	err = a.engine.TryReplan(d.settings, prints.remap, func(tx *store.Tx, run model.Run) error {
		plan.Holds = run.Holds
		return a.readPlanUnder(tx, d.settings, &plan, func(j model.Job) bool { return j.Run == run.Seq })
	})
	d.out.Plan, d.out.DryRun = &plan, true
	return d.out, err
}

func (a *App) tryReload(actor string) (admin.Reloaded, error) {
	d, err := a.draft()
	if err != nil {
		return d.out, err
	}
	for _, key := range d.out.Restart {
		a.log.Warn("this change needs a restart", "key", key)
	}
	if len(d.out.Changes) == 0 {
		a.log.Info("configuration reloaded, nothing changed")
		return d.out, a.rekey(actor, d.cfg)
	}
	running := a.engine.Settings()
	a.engine.SetSettings(d.settings)
	run, err := a.replanIfChanged(actor, d.settings)
	if err != nil {
		a.engine.SetSettings(running)
		return d.out, fmt.Errorf("plan under the new policy: %w; the old policy is in force again, and plans everybody anew at the next reload or start", err)
	}
	if err := observe.SetLevel(a.log, d.cfg.Log.Level); err != nil {
		return d.out, err // the level was checked with the rest
	}
	if err := a.rekey(actor, d.cfg); err != nil {
		return d.out, err // tokens were checked with the rest
	}
	a.loaded.Store(d.cfg)
	d.out.Run = run.Seq
	for _, h := range run.Holds {
		d.out.Held = append(d.out.Held, h.Reason)
	}
	for _, name := range d.out.Reread {
		a.pollers[name].Kick()
	}
	keys := make([]string, len(d.out.Changes))
	for i, c := range d.out.Changes {
		keys[i] = c.Key
	}
	if err := a.engine.NoteFields(actor, "reloaded", "configuration", "", keys); err != nil {
		return d.out, err
	}
	a.log.Info("configuration reloaded", "changes", len(d.out.Changes), "planned_anew", run.Seq > 0, "held", len(run.Holds))
	return d.out, nil
}

// keepStructure leaves in settings what a running process cannot change: the
// sources and targets there are, and everything of them that needs a restart.
func (a *App) keepStructure(s *ingest.Settings) {
	running := a.engine.Settings()
	s.Location = running.Location
	for name, old := range running.Sources {
		fresh, ok := s.Sources[name]
		if !ok || fresh.Kind != old.Kind {
			s.Sources[name] = old
			continue
		}
		old.Adjust = fresh.Adjust
		if fresh.MatchNumber == old.MatchNumber {
			// Else the restart that match_on waits for makes everything anew.
			old.Print, old.Groups = fresh.Print, fresh.Groups
		}
		s.Sources[name] = old
	}
	for name := range s.Sources {
		if _, ok := running.Sources[name]; !ok {
			delete(s.Sources, name)
		}
	}
	targets := make([]ingest.TargetSettings, 0, len(running.Targets))
	for _, old := range running.Targets {
		for _, fresh := range s.Targets {
			if fresh.Name == old.Name {
				// The map of a target is built into its connector, so only this is live.
				old.Rules.IdentifierChanges = fresh.Rules.IdentifierChanges
			}
		}
		targets = append(targets, old)
	}
	s.Targets = targets
}

// prints tell what plans depend on apart: the policy, and how each source's
// resources and identifiers are made.
type prints struct {
	policy  string
	sources map[string]string
	remap   []string // sources whose own differs from that of the last plan
	replan  bool
}

// The settings that remember what the last plan was made under.
const (
	policySetting  = "policy"
	sourcesSetting = "policy.sources"
)

func (a *App) fingerprints(settings *ingest.Settings) (prints, error) {
	p := prints{policy: fingerprint(settings, a.cfg), sources: map[string]string{}}
	for name, s := range settings.Sources {
		p.sources[name] = s.Print
	}
	var policy string
	before := map[string]string{}
	err := a.store.View(func(tx *store.Tx) error {
		if _, err := tx.Setting(policySetting, &policy); err != nil {
			return err
		}
		_, err := tx.Setting(sourcesSetting, &before)
		return err
	})
	p.replan = policy != p.policy
	for name, print := range p.sources {
		if old, known := before[name]; known && old != print || !known && policy == "" {
			p.remap = append(p.remap, name)
		}
	}
	slices.Sort(p.remap)
	return p, err
}

// replanIfChanged plans anew whom a change of the policy or of a source's map
// concerns, under the guards like any other run. Until that is done the database
// remembers no policy, so that whatever ends it half-way is gone through again.
func (a *App) replanIfChanged(actor string, settings *ingest.Settings) (model.Run, error) {
	p, err := a.fingerprints(settings)
	if err != nil || !p.replan && len(p.remap) == 0 {
		return model.Run{}, err
	}
	remember := func(policy string, sources map[string]string) error {
		return a.store.Update(func(tx *store.Tx) error {
			if err := tx.SetSetting(policySetting, policy); err != nil {
				return err
			}
			return tx.SetSetting(sourcesSetting, sources)
		})
	}
	var run model.Run
	people, records, err := a.headcount()
	if err != nil {
		return run, err
	}
	if people > 0 || len(p.remap) > 0 && records {
		if err := remember("", map[string]string{}); err != nil {
			return run, err
		}
		a.log.Info("policy changed, planning anew", "people", people, "sources", len(p.remap))
		if run, err = a.engine.Replan(actor, model.CausePolicy, p.remap...); err != nil {
			return run, err
		}
	}
	return run, remember(p.policy, p.sources)
}

func (a *App) headcount() (people int, records bool, err error) {
	err = a.store.View(func(tx *store.Tx) error {
		people = store.Persons.Count(tx, nil)
		for _, err := range store.Records.Each(tx, nil) {
			records = true
			return err
		}
		return nil
	})
	return people, records, err
}

// mapPrint tells versions of what makes records of a source apart: its map, its
// scope, what it is matched by and what groups are made of.
func mapPrint(s *config.Source) string {
	raw, err := json.Marshal(struct {
		Map   map[string]string
		Scope config.Scope
		Match []model.IdentifierKind
		// Left out when there are none: to name none is what it was before.
		Groups []model.Name `json:",omitempty"`
	}{s.Map, s.Scope, s.MatchOn, s.Groups})
	if err != nil {
		panic("appliance: a map that cannot be encoded: " + err.Error())
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16])
}
