package appliance

import (
	"fmt"
	"time"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/appliance/rhythm"
	"rollcall/appliance/store"
	"rollcall/connectors"
)

// foresight is how long before its end a credential is announced: time for a
// request at the vendor and a signature there.
const foresight = 30 * 24 * time.Hour

// heard remembers that a SCIM sender was heard, and learns its rhythm. A silence
// in which the appliance itself was not running teaches nothing.
func (a *App) heard(source string, at time.Time) error {
	a.mu.Lock()
	started := a.started
	a.mu.Unlock()
	return a.engine.UpdateSource(source, func(s *store.SourceState) {
		if s.LastHeard.After(started) {
			s.Rhythm = rhythm.Learn(s.Rhythm, s.LastHeard, at)
		}
		s.LastHeard = at
	})
}

// foresee lists what is about to go wrong: senders that fell silent, and tokens
// and certificates that end soon.
func (a *App) foresee(tx *store.Tx, s *admin.Status) error {
	for _, src := range s.Sources {
		if !model.Kind(src.Kind).Pushes() || src.State == string(store.Paused) || src.Tokens == 0 || src.LastHeard.IsZero() {
			continue
		}
		state, _, err := store.Sources.Get(tx, src.Name)
		if err != nil {
			return err
		}
		if text := a.silence(src, state.Rhythm, s.Started); text != "" {
			s.Needs = append(s.Needs, admin.Need{Kind: "silence", Subject: src.Name, Text: text,
				Command: fmt.Sprintf("rollcall requests --source %s, and the provisioning log of the identity provider", src.Name)})
		}
	}
	if err := a.endingTokens(tx, s); err != nil {
		return err
	}
	for _, name := range a.cfg.SourceNames() {
		src := a.cfg.Sources[name]
		a.endings(s, "sources."+name, name, append(foreseen(a.sources[name]), connectors.BearerEnding(src.Token.Reveal())...))
	}
	for _, name := range a.cfg.TargetNames() {
		a.endings(s, "targets."+name, name, append(foreseen(a.targets[name]), connectors.BearerEnding(a.cfg.Targets[name].Token.Reveal())...))
	}
	return nil
}

// silence says that a sender has been silent for longer than its rhythm explains.
// Time in which the appliance was not running does not count.
func (a *App) silence(src admin.Source, r model.Rhythm, started time.Time) string {
	patience, beat := rhythm.Patience(r)
	if silent := a.now().Sub(later(src.LastHeard, started)); patience == 0 || silent <= patience {
		return ""
	}
	// Times, not lengths of time: the sentence must not change by itself.
	text := fmt.Sprintf("%s has been silent since %s", src.Name, src.LastHeard.UTC().Format("2006-01-02 15:04 UTC"))
	if beat > 0 {
		return text + fmt.Sprintf(", and used to be heard every %.0f minutes", beat.Minutes())
	}
	return text + ", longer than ever before"
}

func foreseen(connector any) []connectors.Ending {
	if f, ok := connector.(connectors.Foreseer); ok {
		return f.Endings()
	}
	return nil
}

// endings announces the credentials of a source or target that end soon.
func (a *App) endings(s *admin.Status, table, name string, list []connectors.Ending) {
	for _, e := range list {
		left := e.At.Sub(a.now())
		if left > foresight {
			continue
		}
		verb := "ends"
		if left <= 0 {
			verb = "ended"
		}
		s.Needs = append(s.Needs, admin.Need{Kind: "certificate", Subject: "[" + table + "] " + e.Key,
			Text: fmt.Sprintf("%s of %s %s on %s", e.What, name, verb, e.At.UTC().Format(time.DateOnly)), Command: e.Next})
	}
}

// tokenEnds is when the tokens of one sender end.
type tokenEnds struct {
	last time.Time // of the one that lasts longest; zero: without end
	any  bool      // there is one that was not revoked
	// The one that was used last, its end, and whether the longest one was used since
	// it was made.
	used, usedEnds time.Time
	moved          bool
}

// endingTokens announces sources whose last usable bearer token ends soon or has
// ended, and those that still use one that ends soon although a newer one was made
// for them.
func (a *App) endingTokens(tx *store.Tx, s *admin.Status) error {
	ends := map[string]tokenEnds{}
	unsaved := a.auth.unsaved()
	for t, err := range store.Tokens.Each(tx, nil) {
		if err != nil {
			return err
		}
		if !t.Revoked.IsZero() {
			continue
		}
		e, used := ends[t.Source], later(t.LastUsed, unsaved[t.ID].UTC())
		if !e.any || !e.last.IsZero() && (t.Expires.IsZero() || t.Expires.After(e.last)) {
			e.last, e.moved = t.Expires, !used.IsZero()
		}
		if used.After(e.used) {
			e.used, e.usedEnds = used, t.Expires
		}
		e.any = true
		ends[t.Source] = e
	}
	soon := func(at time.Time) bool { return !at.IsZero() && at.Sub(a.now()) < foresight }
	for _, src := range s.Sources {
		e := ends[src.Name]
		n := admin.Need{Kind: "certificate", Subject: "token " + src.Name, Command: fmt.Sprintf("rollcall token create %s, then give it to the identity provider", src.Name)}
		switch {
		case soon(e.last) && !e.last.After(a.now()):
			n.Text = fmt.Sprintf("the last token of %s ended on %s: it is refused", src.Name, e.last.UTC().Format(time.DateOnly))
		case soon(e.last):
			n.Text = fmt.Sprintf("the last token of %s ends on %s", src.Name, e.last.UTC().Format(time.DateOnly))
		case soon(e.usedEnds) && !e.moved:
			n.Text = fmt.Sprintf("%s still uses a token that ends on %s; the newer one was never used", src.Name, e.usedEnds.UTC().Format(time.DateOnly))
			n.Command = "give the newer token to the identity provider, or make another with rollcall token create " + src.Name
		default:
			continue
		}
		s.Needs = append(s.Needs, n)
	}
	return nil
}
