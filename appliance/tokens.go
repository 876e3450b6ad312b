package appliance

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"rollcall/appliance/admin"
	"rollcall/appliance/config"
	"rollcall/appliance/model"
	"rollcall/appliance/store"
	"rollcall/scimsrv"
)

// tokenPrefix marks our bearer tokens, so that secret scanners can know them.
const tokenPrefix = "rct_"

// usedEvery is how often the last use of a token is written down.
const usedEvery = 10 * time.Minute

// authenticator turns bearer tokens into callers. Tokens are looked up by their
// SHA-256: finding one says nothing about how much of another was right, and what
// was found is compared in constant time.
type authenticator struct {
	store   *store.Store
	sources map[string]*config.Source
	now     func() time.Time

	mu   sync.Mutex // guards what follows
	used map[string]time.Time
	// known are the tokens that were accepted since a token was last made or
	// revoked, by hash; round counts those changes.
	known map[[sha256.Size]byte]store.Token
	round uint64
}

func newAuthenticator(s *store.Store, sources map[string]*config.Source, now func() time.Time) *authenticator {
	return &authenticator{store: s, sources: sources, now: now, used: map[string]time.Time{}, known: map[[sha256.Size]byte]store.Token{}}
}

// Authenticate implements scimsrv.Authenticator.
func (a *authenticator) Authenticate(_ context.Context, token string) (scimsrv.Caller, bool) {
	t, ok := a.find(sha256.Sum256([]byte(token)))
	now := a.now()
	if !ok || !t.Revoked.IsZero() || !t.Expires.IsZero() && !now.Before(t.Expires) {
		return scimsrv.Caller{}, false
	}
	s := a.sources[t.Source]
	if s == nil {
		return scimsrv.Caller{}, false
	}
	a.mu.Lock()
	a.used[t.ID] = now
	a.mu.Unlock()
	return scimsrv.Caller{Source: t.Source, Kind: s.Kind, Dialect: dialect(s), TokenID: t.ID, Label: t.Label}, true
}

// find returns the token with a hash. Only tokens that exist are remembered, so
// guessing fills no memory.
func (a *authenticator) find(sum [sha256.Size]byte) (store.Token, bool) {
	a.mu.Lock()
	t, ok := a.known[sum]
	round := a.round
	a.mu.Unlock()
	if ok {
		return t, true
	}
	text := hex.EncodeToString(sum[:])
	err := a.store.View(func(tx *store.Tx) (err error) {
		t, ok, err = store.TokenByHash.One(tx, store.Key(text))
		return err
	})
	if err != nil || !ok || subtle.ConstantTimeCompare([]byte(t.Hash), []byte(text)) != 1 {
		return store.Token{}, false
	}
	a.remember(sum, t, round)
	return t, true
}

// remember keeps a token that was read in a round, unless tokens have changed
// since: it may have been revoked after it was read.
func (a *authenticator) remember(sum [sha256.Size]byte, t store.Token, round uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.round == round {
		a.known[sum] = t
	}
}

// forget makes every token be looked up again: one was made or revoked. It is
// called after that is on disk.
func (a *authenticator) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.known)
	a.round++
}

func dialect(s *config.Source) string {
	switch s.Kind {
	case model.KindOkta:
		return config.DialectOkta
	case model.KindAzure:
		return config.DialectAzure
	}
	return s.Dialect
}

// save writes down which tokens were used since the last time it was called.
func (a *authenticator) save() error {
	a.mu.Lock()
	used := a.used
	a.used = map[string]time.Time{}
	a.mu.Unlock()
	if len(used) == 0 {
		return nil
	}
	return a.store.Update(func(tx *store.Tx) error {
		for id, at := range used {
			t, ok, err := store.Tokens.Get(tx, id)
			if err != nil {
				return err
			}
			if !ok || at.Sub(t.LastUsed) < usedEvery {
				continue
			}
			t.LastUsed = at.UTC()
			if err := store.Tokens.Put(tx, id, t); err != nil {
				return err
			}
		}
		return nil
	})
}

// unsaved is when tokens were used that save has not written down yet.
func (a *authenticator) unsaved() map[string]time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.used)
}

func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Tokens implements admin.Service.
func (a *App) Tokens(context.Context) ([]admin.Token, error) {
	out := []admin.Token{}
	used := a.auth.unsaved()
	err := a.store.View(func(tx *store.Tx) error {
		for t, err := range store.Tokens.Each(tx, nil) {
			if err != nil {
				return err
			}
			t.LastUsed = later(t.LastUsed, used[t.ID].UTC())
			out = append(out, admin.Token{ID: t.ID, Source: t.Source, Label: t.Label, Created: t.Created, By: t.By, Expires: t.Expires, Revoked: t.Revoked, LastUsed: t.LastUsed})
		}
		return nil
	})
	return out, err
}

// CreateToken implements admin.Service. The token is returned once and stored
// only as its hash.
func (a *App) CreateToken(_ context.Context, actor, source, label string, ttl time.Duration) (admin.NewToken, error) {
	s, err := a.configured(source)
	if err != nil {
		return admin.NewToken{}, err
	}
	if !s.Kind.Pushes() {
		return admin.NewToken{}, invalid("source %s is polled and needs no token; tokens are for sources of kind okta, azure and scim", source)
	}
	if ttl < 0 {
		return admin.NewToken{}, invalid("a token cannot expire in the past")
	}
	raw := make([]byte, 32)
	rand.Read(raw)
	token := tokenPrefix + base64.RawURLEncoding.EncodeToString(raw)
	now := a.now().UTC()
	t := store.Token{ID: store.NewID("t"), Hash: hashToken(token), Source: source, Label: strings.TrimSpace(label), Created: now, By: actor}
	if ttl > 0 {
		t.Expires = now.Add(ttl)
	}
	err = a.store.Update(func(tx *store.Tx) error {
		if err := store.Tokens.Put(tx, t.ID, t); err != nil {
			return err
		}
		_, err := tx.Append(model.Event{At: now, Actor: actor, Subject: "token:" + t.ID, Verb: "token_created", Reason: "for source " + source})
		return err
	})
	a.auth.forget()
	return admin.NewToken{ID: t.ID, Source: source, Token: token, URL: a.scimURL()}, err
}

// RevokeToken implements admin.Service.
func (a *App) RevokeToken(_ context.Context, actor, id string) error {
	defer a.auth.forget()
	return a.store.Update(func(tx *store.Tx) error {
		t, ok, err := store.Tokens.Get(tx, id)
		if err != nil {
			return err
		}
		if !ok && strings.HasPrefix(id, tokenPrefix) {
			return invalid("that is a token, not its id: rollcall token list shows ids, such as t_0123456789")
		}
		if !ok {
			return notFound("token %s is not known; rollcall token list shows them", id)
		}
		if !t.Revoked.IsZero() {
			return &admin.Error{Code: admin.CodeStale, Text: fmt.Sprintf("token %s was revoked already", id)}
		}
		t.Revoked = a.now().UTC()
		if err := store.Tokens.Put(tx, id, t); err != nil {
			return err
		}
		_, err = tx.Append(model.Event{At: t.Revoked, Actor: actor, Subject: "token:" + id, Verb: "token_revoked", Reason: "of source " + t.Source})
		return err
	})
}
