package hibob

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"

	"rollcall/connectors"
)

// Hook is HiBob's webhook, second version. Values are not in it, and neither is a
// time that could be trusted: HiBob signs the body alone.
var Hook = connectors.Webhook{Read: readHook}

// signatureHeader carries base64 of HMAC-SHA512 over the raw body.
const signatureHeader = "Bob-Signature"

// ping is the text of a test delivery, which comes as a plain string and as
// {"text":"Ping test"}. Whether it is signed is not known (unverified), so it is
// taken without: it has no effect.
const ping = "Ping test"

func readHook(secret string, _ time.Time, header http.Header, body []byte) (connectors.Hint, error) {
	given := header.Get(signatureHeader)
	if given == "" && isPing(body) {
		return connectors.Hint{Event: "ping", Test: true}, nil
	}
	signature, err := base64.StdEncoding.DecodeString(given)
	mac := hmac.New(sha512.New, []byte(secret))
	mac.Write(body)
	if err != nil || secret == "" || !hmac.Equal(signature, mac.Sum(nil)) {
		return connectors.Hint{}, connectors.ErrHookForged
	}
	if isPing(body) {
		return connectors.Hint{Event: "ping", Test: true}, nil
	}
	var event struct {
		Type string `json:"type"`
	}
	// A body that cannot be understood is signed all the same: somebody changed.
	_ = json.Unmarshal(body, &event)
	if !machineKey(event.Type) {
		event.Type = ""
	}
	return connectors.Hint{Event: event.Type, Delivery: given}, nil
}

func isPing(body []byte) bool {
	body = bytes.TrimSpace(body)
	if string(body) == ping || string(body) == `"`+ping+`"` {
		return true
	}
	var doc struct {
		Text *string `json:"text"`
		Type *string `json:"type"`
	}
	return json.Unmarshal(body, &doc) == nil && doc.Type == nil && doc.Text != nil && *doc.Text == ping
}
