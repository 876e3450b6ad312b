package adp

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"rollcall/connectors"
	"rollcall/connectors/wire"
)

// tokens gets bearer tokens with the client credentials of RFC 6749 section 4.4
// and keeps the current one. It is safe for concurrent use.
type tokens struct {
	wire.Bearer
	client     *wire.Client
	id, secret string
	now        func() time.Time
}

// bearer returns the current token, or a new one.
func (t *tokens) bearer(ctx context.Context) (string, error) {
	if value, ok := t.Current(t.now()); ok {
		return value, nil
	}
	value, life, err := t.request(ctx)
	if err != nil {
		return "", err
	}
	t.Keep(value, t.now().Add(life))
	return value, nil
}

// request asks for a token and returns how long it may be used. ADP takes the
// credentials as Basic authentication or as fields of the form.
func (t *tokens) request(ctx context.Context) (value string, life time.Duration, err error) {
	var a wire.BearerAnswer
	_, err = t.client.JSON(ctx, wire.Request{
		Op: "get a token", Method: http.MethodPost,
		Body: url.Values{"grant_type": {"client_credentials"}, "client_id": {t.id}, "client_secret": {t.secret}},
		OK:   []int{http.StatusOK},
	}, &a)
	if err != nil {
		return "", 0, advisedToken(err)
	}
	value, life, ok := a.Token()
	if !ok {
		return "", 0, &connectors.Error{Class: connectors.Transient, Op: "adp: get a token", Status: http.StatusOK, Detail: "the answer holds no bearer token"}
	}
	return value, life, nil
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
