package connectors

import (
	"errors"
	"net/http"
	"net/url"
	"time"
)

// Webhook reads what a service sends when somebody changed. It is a hint to read
// early and nothing more: no value in it is believed, and polling alone is enough.
// Implementations hold no state and are safe for concurrent use.
type Webhook struct {
	// Read authenticates a delivery by the secret shared with the service, in
	// constant time, and says what it is. The body is as received. Its error wraps
	// [ErrHookForged] or [ErrHookStale], and shows nothing of header or body.
	Read func(secret string, now time.Time, header http.Header, body []byte) (Hint, error)
	// Challenge answers the question by which a service makes sure that the address
	// is ours, out of the query of a GET; nil or false: there is no such question.
	Challenge func(query url.Values) (answer string, ok bool)
}

// Hint is what a delivery says.
type Hint struct {
	// Event is the service's own word for it, "employee.updated"; it names no one.
	Event string
	// Test says that nothing happened: the service tries the address.
	Test bool
	// Delivery tells deliveries apart: the same again is a repetition.
	Delivery string
}

var (
	// ErrHookForged says that a delivery does not come from whoever shares the secret.
	ErrHookForged = errors.New("the signature is missing or is not that of the configured secret")
	// ErrHookStale says that a delivery was signed too long ago, or ahead of time.
	ErrHookStale = errors.New("the delivery was not signed within the last minutes")
)
