package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// SignatureHeader carries "t=UNIX,v1=HEX": HEX is the HMAC-SHA256 over UNIX, a
// full stop and the body as sent, keyed with the webhook's secret. A receiver
// recomputes it and refuses what is older than a few minutes.
const SignatureHeader = "Rollcall-Signature"

// Webhook posts each message as JSON. Redirects are not followed: an address
// that moved must be changed by who configured it.
type Webhook struct {
	url    string
	secret string
	client *http.Client
}

// NewWebhook returns a channel that posts to address, which is a secret: it
// never appears in an error. An empty secret means that nothing is signed.
func NewWebhook(address, secret string) *Webhook {
	return &Webhook{url: address, secret: secret, client: &http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 20 * time.Second, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Name returns "webhook".
func (*Webhook) Name() string { return "webhook" }

// Send posts the message; any 2xx means that it was taken.
func (w *Webhook) Send(ctx context.Context, m Message) error {
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("webhook: encode the message: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return errors.New("webhook: the address of [notify] webhook cannot be used")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "rollcall")
	if w.secret != "" {
		req.Header.Set(SignatureHeader, Sign(w.secret, m.At, body))
	}
	res, err := w.client.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the address
		}
		return fmt.Errorf("webhook: %w", err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10))
	switch {
	case res.StatusCode >= 200 && res.StatusCode < 300:
		return nil
	case res.StatusCode >= 300 && res.StatusCode < 400:
		return fmt.Errorf("webhook: it answered %d, a redirect, which is not followed: configure the address it moved to", res.StatusCode)
	}
	return fmt.Errorf("webhook: it answered %d", res.StatusCode)
}

// Sign returns the value of [SignatureHeader] for a body sent at a time.
func Sign(secret string, at time.Time, body []byte) string {
	unix := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(unix + "."))
	mac.Write(body)
	return "t=" + unix + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}
