package appliance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/hashicorp/go-hclog"

	"rollcall/appliance/admin"
	"rollcall/appliance/config"
	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/observe"
	"rollcall/appliance/store"
)

// BuildVersion returns what this binary is, from what the toolchain recorded.
func BuildVersion() admin.Version {
	v := admin.Version{Version: "devel", Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if m := info.Main.Version; m != "" && m != "(devel)" {
		v.Version = m
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v.Commit = s.Value
		}
	}
	return v
}

// Daemon is rollcall run: it reads the configuration (path empty: where
// config.Load looks), serves until ctx ends, and reads the configuration again
// on SIGHUP. Problems of the configuration come back as config.Problems.
func Daemon(ctx context.Context, path string, out io.Writer) error {
	cfg, err := config.Load(path)
	if err != nil {
		return err
	}
	if err := cfg.ResolveSecrets(); err != nil {
		return err
	}
	redactor := &observe.Redactor{}
	redactor.Register(cfg.SecretValues()...)
	_, underSystemd := os.LookupEnv("JOURNAL_STREAM")
	log, err := observe.NewLog(observe.LogOptions{Level: cfg.Log.Level, Format: cfg.Log.Format, Output: out, Redactor: redactor, Journal: underSystemd})
	if err != nil {
		return err
	}
	app, err := Open(cfg, Options{Version: BuildVersion(), Log: log})
	if err != nil {
		return err
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	serving, stop := context.WithCancel(ctx)
	defer stop()
	reloaded := make(chan struct{})
	go func() {
		defer close(reloaded)
		for {
			select {
			case <-serving.Done():
				return
			case <-hup:
				app.reload(path, redactor, log)
			}
		}
	}()
	err = app.Serve(serving)
	stop()
	<-reloaded
	return errors.Join(err, app.Close())
}

// reload reads the configuration again and puts into force what can change while
// running: the log level and the policy with its guards, maps and scopes. What
// cannot is named. On any error the configuration in force stays.
func (a *App) reload(path string, redactor *observe.Redactor, log hclog.Logger) {
	_ = a.systemd.Reloading("reading the configuration")
	defer func() { _ = a.systemd.Ready("serving") }()
	if err := a.tryReload(path, redactor, log); err != nil {
		a.metrics.Reloaded(a.now(), false)
		log.Error("configuration not reloaded, the one in force stays", "error", err)
		return
	}
	a.metrics.Reloaded(a.now(), true)
}

func (a *App) tryReload(path string, redactor *observe.Redactor, log hclog.Logger) error {
	cfg, err := config.Load(path)
	if err != nil {
		return err
	}
	if err := cfg.ResolveSecrets(); err != nil {
		return err
	}
	redactor.Register(cfg.SecretValues()...)
	settings, err := a.settings(cfg)
	if err != nil {
		return err
	}
	changes := config.Diff(a.cfg, cfg)
	if len(changes) == 0 {
		log.Info("configuration reloaded, nothing changed")
		return nil
	}
	for _, c := range changes {
		if !c.Live {
			log.Warn("this change needs a restart", "key", c.Key)
		}
	}
	if err := observe.SetLevel(log, cfg.Log.Level); err != nil {
		return err
	}
	a.keepStructure(settings)
	a.engine.SetSettings(settings)
	replanned, err := a.replanIfChanged(settings)
	if err != nil {
		return fmt.Errorf("plan under the new policy: %w", err)
	}
	log.Info("configuration reloaded", "changes", len(changes), "planned_anew", replanned)
	return nil
}

// keepStructure leaves the sources and targets of the running process in place:
// one that was added or removed needs a restart.
func (a *App) keepStructure(s *ingest.Settings) {
	running := a.engine.Settings()
	for name, old := range running.Sources {
		fresh, ok := s.Sources[name]
		if !ok || fresh.Kind != old.Kind {
			s.Sources[name] = old
			continue
		}
		old.Adjust = fresh.Adjust
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
				old.Rules = fresh.Rules
			}
		}
		targets = append(targets, old)
	}
	s.Targets = targets
}

// replanIfChanged plans everybody anew when the policy is not the one of the last
// plan, under the guards like any other run.
func (a *App) replanIfChanged(settings *ingest.Settings) (bool, error) {
	now := fingerprint(settings, a.cfg)
	var last string
	people := 0
	err := a.store.View(func(tx *store.Tx) error {
		_, err := tx.Setting("policy", &last)
		if err == nil {
			people = store.Persons.Count(tx, nil)
		}
		return err
	})
	if err != nil || last == now {
		return false, err
	}
	if people > 0 {
		a.log.Info("policy changed, planning everybody anew", "people", people)
		if _, err := a.engine.Replan("rollcall", model.CausePolicy); err != nil {
			return false, err
		}
	}
	return people > 0, a.store.Update(func(tx *store.Tx) error { return tx.SetSetting("policy", now) })
}
