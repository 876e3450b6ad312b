package appliance

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"rollcall/appliance/admin"
	"rollcall/appliance/config"
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

// Schema is the schema version of the databases this program writes.
const Schema = store.Version

// SchemaOf tells the schema version of a database, also while an appliance has it
// open; its error wraps fs.ErrNotExist when there is none.
func SchemaOf(path string) (int, error) { return store.SchemaOf(path) }

// Daemon is rollcall run: it reads the configuration (path empty: where
// config.Load looks), serves until ctx ends, and reads the configuration again
// on SIGHUP. Problems of the configuration come back as config.Problems.
func Daemon(ctx context.Context, path string, out io.Writer) error {
	redactor := &observe.Redactor{}
	load := func() (*config.Config, error) {
		cfg, err := config.Load(path)
		if err != nil {
			return nil, err
		}
		if err := cfg.ResolveSecrets(); err != nil {
			return nil, err
		}
		redactor.Register(cfg.SecretValues()...)
		return cfg, nil
	}
	cfg, err := load()
	if err != nil {
		return err
	}
	_, underSystemd := os.LookupEnv("JOURNAL_STREAM")
	log, err := observe.NewLog(observe.LogOptions{Level: cfg.Log.Level, Format: cfg.Log.Format, Output: out, Redactor: redactor, Journal: underSystemd})
	if err != nil {
		return err
	}
	app, err := Open(cfg, Options{Version: BuildVersion(), Log: log, Load: load})
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
				_, _ = app.Reload(serving, actorSelf, false) // told in the log
			}
		}
	}()
	err = app.Serve(serving)
	stop()
	<-reloaded
	return errors.Join(err, app.Close())
}
