package adp

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"rollcall/connectors"
)

// refusalCodes are those of RFC 6749 section 5.2: the only words of a refused
// token that are shown.
var refusalCodes = []string{"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope"}

// describeToken says why a token was refused.
func describeToken(status int, body []byte) string {
	var a struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(body, &a) == nil && slices.Contains(refusalCodes, a.Error) {
		return a.Error
	}
	return describe(status, body)
}

// confirmation is what ADP wraps its errors in, and the wrapper of its gateway.
type confirmation struct {
	ConfirmMessage struct {
		ProcessMessages  []processMessage `json:"processMessages"`
		ResourceMessages []struct {
			ProcessMessages []processMessage `json:"processMessages"`
		} `json:"resourceMessages"`
	} `json:"confirmMessage"`
	Response struct {
		ApplicationCode struct {
			Message string `json:"message"`
		} `json:"applicationCode"`
	} `json:"response"`
}

type processMessage struct {
	UserMessage struct {
		MessageTxt string `json:"messageTxt"`
	} `json:"userMessage"`
}

// said returns everything that an error says, in lower case.
func (c confirmation) said() string {
	words := []string{c.Response.ApplicationCode.Message}
	messages := c.ConfirmMessage.ProcessMessages
	for _, r := range c.ConfirmMessage.ResourceMessages {
		messages = append(messages, r.ProcessMessages...)
	}
	for _, m := range messages {
		words = append(words, m.UserMessage.MessageTxt)
	}
	return strings.ToLower(strings.Join(words, " "))
}

// describe recognises what ADP complains about and says it in our words: its own
// sentences may quote the request or a person, and their wording is unverified.
func describe(_ int, body []byte) string {
	var c confirmation
	if json.Unmarshal(body, &c) != nil {
		return ""
	}
	said := c.said()
	for _, known := range []struct{ word, meaning string }{
		{"certificate", "no proper client certificate was presented"},
		{"consent", "the organisation has not consented to the project"},
		{"subscri", "the organisation has no subscription to the API, or a suspended one"},
	} {
		if strings.Contains(said, known.word) {
			return known.meaning
		}
	}
	return ""
}

// advised tells the operator what to do about an error of the API.
func advised(err error) error {
	var e *connectors.Error
	if !errors.As(err, &e) || e.Next != "" {
		return err
	}
	a := *e
	switch {
	case e.Status == http.StatusForbidden:
		a.Next = "In ADP's portal, an administrator of the organisation must subscribe to the project's API and give consent; check both"
	case e.Status == http.StatusUnauthorized:
		a.Next = "Check client_id, client_secret and that client_cert is the certificate of the same ADP project"
	case e.Class == connectors.Gone:
		a.Class = connectors.Misconfigured
		a.Next = "Check base_url: there is no ADP API"
	}
	return handshake(&a)
}

// handshake makes a refused TLS handshake what it is: refused credentials. The
// text is the one that Go's crypto/tls gives alerts of the other side; package
// wire passes on nothing else of them.
func handshake(e *connectors.Error) error {
	if !strings.HasPrefix(e.Detail, "remote error: tls: ") {
		return e
	}
	e.Class = connectors.Denied
	e.Next = "ADP refused the TLS handshake: check that client_cert was signed by ADP for this project and environment, with its whole chain, and has not ended"
	return e
}
