package wire

import (
	"encoding/json"
	"strings"
	"sync"
	"time"
)

// earlyRenewal is how long before its end a token is not used any more, so that it
// does not end on the way.
const earlyRenewal = time.Minute

// BearerAnswer is what a token endpoint answers (RFC 6749 sections 5.1 and 5.2).
type BearerAnswer struct {
	AccessToken string      `json:"access_token"`
	TokenType   string      `json:"token_type"`
	ExpiresIn   json.Number `json:"expires_in"` // seconds
	Error       string      `json:"error"`
}

// Token returns the token and for how long it may be used: for at least a moment and
// at most a day, whatever the answer says, and not to its very end. It is false when
// the answer holds no bearer token that can stand in a header.
func (a BearerAnswer) Token() (value string, life time.Duration, ok bool) {
	unprintable := func(r rune) bool { return r <= ' ' || r > '~' }
	if a.AccessToken == "" || a.TokenType != "" && !strings.EqualFold(a.TokenType, "Bearer") || strings.ContainsFunc(a.AccessToken, unprintable) {
		return "", 0, false
	}
	seconds, _ := a.ExpiresIn.Int64()
	life = time.Duration(min(max(seconds, 10), 86400)) * time.Second
	return a.AccessToken, max(life-earlyRenewal, life/2), true
}

// Bearer keeps the current token of a client. The zero value has none. It is safe for
// concurrent use, and asks nobody for a token.
type Bearer struct {
	mu       sync.Mutex
	value    string
	until    time.Time
	accepted bool // the service took the current token at least once
}

// Current returns the token that may be used now; false when another is needed.
func (b *Bearer) Current(now time.Time) (string, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.value, b.value != "" && now.Before(b.until)
}

// Keep makes a token the current one until then.
func (b *Bearer) Keep(value string, until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.value, b.until, b.accepted = value, until, false
}

// Accept notes that the service took the current token.
func (b *Bearer) Accept() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.accepted = true
}

// Renewable gives the current token up after a 401, and reports whether a new one can
// help: a token that was never taken was not refused for its age.
func (b *Bearer) Renewable() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.accepted
	b.value, b.accepted = "", false
	return was
}
