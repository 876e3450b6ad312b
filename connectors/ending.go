package connectors

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// Foreseer is implemented by connectors that know when their credentials end.
type Foreseer interface {
	// Endings lists what ends and when. It asks nobody; what cannot be known is
	// not listed.
	Endings() []Ending
}

// Ending is one credential that will not work any more after a moment.
type Ending struct {
	What string // "the client certificate"
	Key  string // the key of the configuration that names it, "client_cert"
	At   time.Time
	Next string // how to renew it, a sentence
}

// BearerEnding returns the end of a bearer token that tells it: that of a JSON Web
// Token (RFC 7519 §4.1.4), read without verifying, since the token is our own.
// Other tokens tell nothing.
func BearerEnding(token string) []Ending {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return nil
	}
	var claims struct {
		End json.Number `json:"exp"`
	}
	if json.Unmarshal(raw, &claims) != nil {
		return nil
	}
	seconds, err := claims.End.Float64()
	if err != nil || seconds <= 0 || seconds > 1<<40 {
		return nil
	}
	return []Ending{{What: "the token", Key: "token", At: time.Unix(int64(seconds), 0).UTC(), Next: "Make a new token at the service and put it in the place of the old one"}}
}
