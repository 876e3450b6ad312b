package install

import (
	"context"
	"os"
	"strings"
)

// Remove returns the steps that take rollcall off the machine. Configuration,
// secrets, data, user and groups stay unless o.Purge is set; accounts in targets
// stay in any case.
func Remove(ctx context.Context, o Options, m Machine) ([]Step, error) {
	p := &plan{o: o, m: m}
	if m.Systemd() {
		p.systemctl("stop the service, now and with the machine", !p.there(unitPath) && !m.Active(ctx, "rollcall.service"), "disable", "--now", "rollcall.service")
	}
	unit := p.there(unitPath)
	for _, path := range []string{unitPath, unitPath + ".old", tmpfilesPath, tmpfilesPath + ".old", sshdPath, sshdPath + ".old"} {
		p.gone(path, false)
	}
	if m.Systemd() {
		p.systemctl("make systemd forget the unit", !unit, "daemon-reload")
	}
	p.gone(viewDir, true)
	p.gone(shareDir, true)
	p.gone(binaryPath, false)
	if !o.Purge {
		for _, path := range []string{configDir, dataDir} {
			if p.there(path) {
				p.add(Step{Title: "keep " + path + " (--purge takes it too)", Done: true})
			}
		}
		return p.steps, nil
	}
	p.gone(configDir, true)
	p.gone(dataDir, true)
	p.account("user "+Owner, !m.UserExists(Owner), "userdel", Owner)
	for _, g := range []string{TerminalGroup, ViewGroup, AdminGroup} {
		// userdel takes the user's own group along where the machine is set up so.
		p.add(Step{Title: "remove the group " + g, Commands: []string{"groupdel " + g}, Done: !m.GroupExists(g),
			do: func(ctx context.Context) error {
				if !m.GroupExists(g) {
					return nil
				}
				return m.Run(ctx, "groupdel", g)
			}})
	}
	return p.steps, nil
}

func (p *plan) account(what string, done bool, program string, args ...string) {
	p.add(Step{Title: "remove the " + what, Commands: []string{program + " " + strings.Join(args, " ")}, Done: done,
		do: func(ctx context.Context) error { return p.m.Run(ctx, program, args...) }})
}

// gone removes a file, or with tree a directory and all that is in it.
func (p *plan) gone(path string, tree bool) {
	flag := "-f "
	if tree {
		flag = "-rf "
	}
	there := p.there(path)
	if !there && strings.HasSuffix(path, ".old") {
		return
	}
	p.add(Step{Title: "remove " + path, Commands: []string{"rm " + flag + path}, Done: !there, do: func(context.Context) error {
		if tree {
			return os.RemoveAll(p.at(path))
		}
		return os.Remove(p.at(path))
	}})
}
