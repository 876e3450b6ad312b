package cli

import (
	"errors"
	"fmt"
	"io/fs"

	"rollcall/appliance/admin/client"
	"rollcall/appliance/config"
)

// connect returns the client of the running appliance. It does not ask it yet.
func (a *app) connect() (*client.Client, error) {
	if a.asked != nil {
		return a.asked, nil
	}
	path, err := a.socket(false)
	if err != nil {
		return nil, err
	}
	a.asked = client.New(path)
	return a.asked, nil
}

// socket returns the path of the admin socket, or of the read-only one: what
// --socket names, else what the configuration says, else the default.
//
// A configuration that nobody named and that this user may not read, or that is
// being edited, does not keep anyone from asking the appliance.
func (a *app) socket(readOnly bool) (string, error) {
	if a.socketPath != "" {
		return a.socketPath, nil
	}
	c, err := config.LoadIn(a.configPath, config.Environment{LookupEnv: a.deps.LookupEnv})
	if err != nil {
		if a.configNamed() {
			return "", wrongUsage(fmt.Errorf("where the appliance listens is not known: %w: correct it, or name the socket with --socket", err))
		}
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			a.note.line("warning: the configuration has problems (\"rollcall config check\" shows them); asking at the default socket")
		}
		c = config.Default()
	}
	if readOnly {
		return string(c.Appliance.ViewSocket), nil
	}
	return string(c.Appliance.AdminSocket), nil
}

// configNamed reports whether the operator named a configuration.
func (a *app) configNamed() bool {
	path, _ := a.deps.LookupEnv(config.PathVariable)
	return a.configPath != "" || path != ""
}
