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

// endingTokens announces sources whose last usable bearer token ends soon.
func (a *App) endingTokens(tx *store.Tx, s *admin.Status) error {
	last := map[string]time.Time{} // by source; zero: a token without end
	for t, err := range store.Tokens.Each(tx, nil) {
		if err != nil {
			return err
		}
		if !t.Revoked.IsZero() || !t.Expires.IsZero() && !t.Expires.After(a.now()) {
			continue
		}
		end, known := last[t.Source]
		if !known || !end.IsZero() && (t.Expires.IsZero() || t.Expires.After(end)) {
			last[t.Source] = t.Expires
		}
	}
	for _, src := range s.Sources {
		if end := last[src.Name]; !end.IsZero() && end.Sub(a.now()) < foresight {
			s.Needs = append(s.Needs, admin.Need{Kind: "certificate", Subject: "token " + src.Name,
				Text:    fmt.Sprintf("the last token of %s ends on %s", src.Name, end.UTC().Format(time.DateOnly)),
				Command: fmt.Sprintf("rollcall token create %s, then give it to the identity provider", src.Name)})
		}
	}
	return nil
}
