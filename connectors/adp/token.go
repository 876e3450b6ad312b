package adp

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"rollcall/connectors"
	"rollcall/connectors/wire"
)

// earlyRenewal is how long before its end a token is not used any more, so that
// it does not end on the way.
const earlyRenewal = time.Minute

// tokens gets bearer tokens with the client credentials of RFC 6749 section 4.4
// and keeps the current one. It is safe for concurrent use.
type tokens struct {
	client     *wire.Client
	id, secret string
	now        func() time.Time

	mu       sync.Mutex // guards what follows; not held while a request is sent
	value    string
	until    time.Time
	accepted bool // ADP took the current token at least once
}

// bearer returns the current token, or a new one.
func (t *tokens) bearer(ctx context.Context) (string, error) {
	t.mu.Lock()
	value, until := t.value, t.until
	t.mu.Unlock()
	if value != "" && t.now().Before(until) {
		return value, nil
	}
	value, life, err := t.request(ctx)
	if err != nil {
		return "", err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.value, t.until, t.accepted = value, t.now().Add(life), false
	return value, nil
}

// request asks for a token and returns how long it may be used. ADP takes the
// credentials as Basic authentication or as fields of the form.
func (t *tokens) request(ctx context.Context) (value string, life time.Duration, err error) {
	var a struct {
		AccessToken string      `json:"access_token"`
		TokenType   string      `json:"token_type"`
		ExpiresIn   json.Number `json:"expires_in"`
	}
	_, err = t.client.JSON(ctx, wire.Request{
		Op: "get a token", Method: http.MethodPost,
		Body: url.Values{"grant_type": {"client_credentials"}, "client_id": {t.id}, "client_secret": {t.secret}},
		OK:   []int{http.StatusOK},
	}, &a)
	if err != nil {
		return "", 0, advisedToken(err)
	}
	unprintable := func(r rune) bool { return r <= ' ' || r > '~' }
	if a.AccessToken == "" || a.TokenType != "" && !strings.EqualFold(a.TokenType, "Bearer") || strings.ContainsFunc(a.AccessToken, unprintable) {
		return "", 0, &connectors.Error{Class: connectors.Transient, Op: "adp: get a token", Status: http.StatusOK, Detail: "the answer holds no bearer token"}
	}
	seconds, _ := a.ExpiresIn.Int64()
	// For at least a moment and at most a day, whatever the answer says.
	life = time.Duration(min(max(seconds, 10), 86400)) * time.Second
	return a.AccessToken, max(life-earlyRenewal, life/2), nil
}

// accept notes that ADP took the current token.
func (t *tokens) accept() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.accepted = true
}

// renewable gives the current token up after a 401, and reports whether a new one
// can help: a token that was never taken was not refused for its age.
func (t *tokens) renewable() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	was := t.accepted
	t.value, t.accepted = "", false
	return was
}

// advisedToken makes every refusal of a token a matter of credentials, and says
// what to do about it.
func advisedToken(err error) error {
	var e *connectors.Error
	if !errors.As(err, &e) {
		return err
	}
	advised := *e
	switch e.Class {
	case connectors.Denied, connectors.Invalid:
		advised.Class = connectors.Denied
		advised.Next = "Check client_id and client_secret, and that client_cert is the certificate of the same ADP project"
	case connectors.Gone:
		advised.Class = connectors.Misconfigured
		advised.Next = "Check token_url"
	}
	return handshake(&advised)
}
