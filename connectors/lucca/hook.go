package lucca

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"rollcall/connectors"
)

// Hook is the webhook of the new API. API v3 has none, but a tenant that is read
// through v3 may send it all the same.
var Hook = connectors.Webhook{Read: readHook, Challenge: challenge}

const (
	timestampHeader = "Lucca-Timestamp"
	// signatureHeader carries base64 of HMAC-SHA256 over "TIMESTAMP.BODY".
	signatureHeader = "Lucca-Signature"
	// hookAge is how far from now a delivery may have been signed.
	hookAge = 5 * time.Minute
	// maxEcho bounds what a challenge is answered with.
	maxEcho = 256
)

func readHook(secret string, now time.Time, header http.Header, body []byte) (connectors.Hint, error) {
	stamp, given := header.Get(timestampHeader), header.Get(signatureHeader)
	signature, err := base64.StdEncoding.DecodeString(given)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	if err != nil || secret == "" || !hmac.Equal(signature, mac.Sum(nil)) {
		return connectors.Hint{}, connectors.ErrHookForged
	}
	at, err := time.Parse(time.RFC3339Nano, stamp)
	if err != nil || now.Sub(at).Abs() > hookAge {
		return connectors.Hint{}, connectors.ErrHookStale
	}
	var event struct {
		ID    string `json:"id"`
		Topic string `json:"topic"`
	}
	// A body that cannot be understood is signed all the same: somebody changed.
	_ = json.Unmarshal(body, &event)
	if !topic(event.Topic) {
		event.Topic = ""
	}
	return connectors.Hint{Event: event.Topic, Delivery: given}, nil
}

// topic reports whether a text can only be the name of a topic.
func topic(s string) bool {
	return len(s) <= 60 && !strings.ContainsFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && r != '-' && r != '.' })
}

// challenge answers GET ?echo=VALUE with the value, by which Lucca activates an
// endpoint. Whoever asks gets it, so only what cannot be markup is repeated.
func challenge(query url.Values) (string, bool) {
	echo := query.Get("echo")
	if echo == "" || len(echo) > maxEcho || strings.ContainsFunc(echo, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._~+/=:", r)
	}) {
		return "", false
	}
	return echo, true
}
