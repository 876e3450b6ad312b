package appliance

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rollcall/appliance/admin"
	"rollcall/appliance/config"
	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/poll"
	"rollcall/appliance/store"
)

var _ admin.Service = (*App)(nil)

func invalid(format string, args ...any) error {
	return &admin.Error{Code: admin.CodeInvalid, Text: fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) error {
	return &admin.Error{Code: admin.CodeNotFound, Text: fmt.Sprintf(format, args...)}
}

// refusal turns the errors of package ingest into those of the admin API.
func refusal(err error) error {
	var stale *ingest.StaleError
	var unknown *ingest.NotFoundError
	var wrong *ingest.InvalidError
	switch {
	case errors.As(err, &stale):
		return &admin.Error{Code: admin.CodeStale, Text: stale.What}
	case errors.As(err, &unknown):
		return notFound("%s", unknown.Error())
	case errors.As(err, &wrong):
		return invalid("%s", wrong.What)
	}
	return err
}

// refusalOr is refusal, with another text where the engine knows nothing of that: one
// that says where to look.
func refusalOr(err error, format string, args ...any) error {
	if _, unknown := errors.AsType[*ingest.NotFoundError](err); unknown {
		return notFound(format, args...)
	}
	return refusal(err)
}

// configured returns a source by name.
func (a *App) configured(name string) (*config.Source, error) {
	s := a.cfg.Sources[name]
	if s == nil {
		return nil, notFound("there is no source %q; the configuration has %s", name, listed(a.cfg.SourceNames()))
	}
	return s, nil
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none yet; rollcall config example shows how one is added"
	}
	return strings.Join(names, ", ")
}

// Activate implements admin.Service.
func (a *App) Activate(_ context.Context, actor, source string) (uint64, error) {
	state, err := a.activatable(source)
	if err != nil {
		return 0, err
	}
	if state.State == store.Paused && !state.Activated.IsZero() {
		return 0, refusal(a.engine.SetStance(actor, source, store.Live))
	}
	run, err := a.engine.Activate(actor, source)
	return run.Seq, refusal(err)
}

// ActivateInWaves implements admin.Service.
func (a *App) ActivateInWaves(_ context.Context, actor, source string) (uint64, error) {
	state, err := a.activatable(source)
	if err != nil {
		return 0, err
	}
	if !state.Staged() {
		return 0, invalid("source %s was activated before: what it changes goes out in waves from [policy.guard] waves_from on", source)
	}
	run, err := a.engine.ActivateInWaves(actor, source)
	return run.Seq, refusal(err)
}

// activatable returns the state of a source, or why it cannot be activated now.
func (a *App) activatable(source string) (store.SourceState, error) {
	if _, err := a.configured(source); err != nil {
		return store.SourceState{}, err
	}
	state, err := a.sourceState(source)
	if err != nil || state.State == store.Paused && !state.Activated.IsZero() {
		return state, err
	}
	if p := a.pollers[source]; p != nil {
		if _, busy := p.Busy(); busy {
			return state, &admin.Error{Code: admin.CodeBusy, Text: fmt.Sprintf("source %s is being read; wait for the end with rollcall sync %s --wait and activate then", source, source)}
		}
		if state.LastGood.IsZero() {
			return state, invalid("source %s was never read whole, so nobody knows what activating it would do; rollcall sync %s --wait reads it", source, source)
		}
	}
	return state, nil
}

func (a *App) sourceState(name string) (store.SourceState, error) {
	s := store.SourceState{Name: name, State: store.Preview}
	err := a.store.View(func(tx *store.Tx) error {
		found, ok, err := store.Sources.Get(tx, name)
		if ok {
			s = found
		}
		return err
	})
	return s, err
}

// Pause implements admin.Service.
func (a *App) Pause(_ context.Context, actor, source string) error {
	if _, err := a.configured(source); err != nil {
		return err
	}
	return refusal(a.engine.SetStance(actor, source, store.Paused))
}

// polled returns the pollers of the named sources, or all of them.
func (a *App) polled(names []string) ([]*poll.Poller, error) {
	every := len(names) == 0
	if every {
		names = a.cfg.SourceNames()
		names = slices.DeleteFunc(names, func(n string) bool { return a.pollers[n] == nil })
	}
	var out []*poll.Poller
	for _, name := range names {
		s, err := a.configured(name)
		if err != nil {
			return nil, err
		}
		if s.Kind.Pushes() {
			return nil, invalid("source %s pushes to us and cannot be read; start the provisioning at the identity provider instead", name)
		}
		state, err := a.sourceState(name)
		if err != nil {
			return nil, err
		}
		if state.State == store.Paused {
			if every {
				continue
			}
			return nil, invalid("source %s is paused; rollcall activate %s lets it go on", name, name)
		}
		out = append(out, a.pollers[name])
	}
	return out, nil
}

// Sync implements admin.Service.
func (a *App) Sync(_ context.Context, actor string, sources []string) error {
	pollers, err := a.polled(sources)
	if err != nil {
		return err
	}
	if len(pollers) == 0 {
		return invalid("there is no source to read: none is configured that is polled and not paused; see rollcall status, and rollcall config example for one to add")
	}
	for _, p := range pollers {
		if err := a.engine.Note(actor, "read_requested", "source:"+p.Name(), ""); err != nil {
			return err
		}
		p.Kick()
	}
	return nil
}

// waitEvery is how often Wait looks whether all is quiet.
const waitEvery = 50 * time.Millisecond

// Wait implements admin.Service.
func (a *App) Wait(ctx context.Context, sources []string) error {
	pollers, err := a.polled(sources)
	if err != nil {
		return err
	}
	tick := time.NewTicker(waitEvery)
	defer tick.Stop()
	for {
		quiet, err := a.quiet(pollers)
		if err != nil || quiet {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// quiet reports whether no read is running and no open lane has anything that
// may be sent now.
func (a *App) quiet(pollers []*poll.Poller) (bool, error) {
	for _, p := range pollers {
		if _, busy := p.Busy(); busy {
			return false, nil
		}
	}
	for _, l := range a.lanes {
		if _, busy := l.Busy(); busy {
			return false, nil
		}
	}
	quiet := true
	err := a.store.View(func(tx *store.Tx) error {
		if ingest.CarryingOut(tx) {
			quiet = false // what it releases goes then
			return nil
		}
		for name := range a.lanes {
			lane, _, err := store.Lanes.Get(tx, name)
			if err != nil {
				return err
			}
			if !worthWaiting(lane, a.now()) || a.files[name] != nil && a.fileRests(name, lane) {
				continue
			}
			if sent, err := ingest.WaveSent(tx, name); err != nil || sent {
				quiet = false // the next wave goes once the target is listed
				return err
			}
			for job, err := range store.JobByState.Prefix(tx, store.Prefix(name, string(model.JobReady))) {
				if err != nil {
					return err
				}
				if !job.NotBefore.After(a.now()) {
					quiet = false
					return nil
				}
			}
		}
		return nil
	})
	return quiet, err
}

// fileRests reports whether the next file is not due yet.
func (a *App) fileRests(name string, lane model.Lane) bool {
	return lane.File.At.Add(time.Duration(a.cfg.Targets[name].Interval)).After(a.now()) && !lane.File.Announced
}

// soon is how long a lane may rest and still be waited for.
const soon = 30 * time.Second

// worthWaiting reports whether a lane will send within moments.
func worthWaiting(lane model.Lane, now time.Time) bool {
	switch lane.State {
	case "", model.LaneOpen:
		return true
	case model.LaneWaiting:
		return lane.RetryAt.Sub(now) < soon
	}
	return false
}

// Approve implements admin.Service.
func (a *App) Approve(_ context.Context, actor string, seq uint64, tag string) (int, error) {
	n, err := a.engine.Approve(actor, seq, tag)
	return n, refusal(err)
}

// Reject implements admin.Service.
func (a *App) Reject(_ context.Context, actor string, seq uint64, tag string) (int, error) {
	n, err := a.engine.Reject(actor, seq, tag)
	return n, refusal(err)
}

// SetLane implements admin.Service.
func (a *App) SetLane(_ context.Context, actor, target, state string) error {
	lane := a.lanes[target]
	if lane == nil {
		return notFound("there is no target %q; the configuration has %s", target, listed(a.cfg.TargetNames()))
	}
	switch model.LaneState(state) {
	case model.LanePaused, model.LaneOpen:
	default:
		return invalid("a target can be set to paused or open, not to %q", state)
	}
	if stands, err := a.lane(target); err != nil {
		return err
	} else if _, listed := a.targets[target]; listed && state == string(model.LaneOpen) && !stands.Restored.IsZero() && stands.Listed.IsZero() {
		return invalid("the accounts of %s could not be listed since the backup was restored, so nobody knows what would be sent; rollcall check %s says why", target, target)
	}
	err := a.engine.SetLane(actor, target, func(l *model.Lane) {
		l.State, l.Reason, l.RetryAt, l.Failures = model.LaneState(state), "", time.Time{}, 0
		if l.State == model.LaneOpen {
			l.Restored = time.Time{} // whoever lets it go on has seen the difference
		}
		if l.State == model.LanePaused {
			l.Reason = "paused by " + actor
		}
	})
	lane.Kick()
	return err
}

func (a *App) lane(target string) (lane model.Lane, err error) {
	err = a.store.View(func(tx *store.Tx) error {
		lane, _, err = store.Lanes.Get(tx, target)
		return err
	})
	return lane, err
}

// Backup implements admin.Service.
func (a *App) Backup(_ context.Context, actor, path string) error {
	if !strings.HasPrefix(path, "/") {
		return invalid("name the backup file by its absolute path; the appliance has another working directory than you")
	}
	if err := a.store.BackupTo(path, a.config().Backup.AgeRecipients()); err != nil {
		if dir := filepath.Dir(path); errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			return invalid("the appliance cannot write into %s: name a file in a directory that is there and that its user may write to, such as %s", dir, a.config().Backup.Dir)
		}
		return invalid("%s", err.Error())
	}
	return a.engine.Note(actor, "backup", "appliance", filepath.Base(path))
}

// ShowConfig implements admin.Service.
func (a *App) ShowConfig(context.Context) (string, error) {
	var b strings.Builder
	for _, c := range config.Diff(a.cfg, a.config()) {
		if !c.Live {
			fmt.Fprintf(&b, "# %s waits for a restart\n", c.Key)
		}
	}
	err := a.config().Show(&b)
	return b.String(), err
}
