package connectors

import (
	"encoding/json"
	"time"
)

// Learner is implemented by connectors that find out what their service can do, so
// that it need not be found out anew by every process.
type Learner interface {
	// Known returns what is known; Learned is zero while nothing is.
	Known() Knowledge
	// Recall takes over what an earlier process knew, before the first request. What
	// is of another service, cannot be read or is too old to rely on is ignored.
	Recall(k Knowledge)
}

// Knowledge is what a connector found out about its service. It holds nobody's data
// and no secret.
type Knowledge struct {
	// Service is the address that it is known of.
	Service string `json:"service"`
	// Learned is when the service was asked last.
	Learned time.Time `json:"learned"`
	// Facts are for the eyes of an operator, in the order to show them.
	Facts []Fact `json:"facts"`
	// Memory is the connector's own form of it.
	Memory json.RawMessage `json:"memory,omitempty"`
}

// Fact is one thing that is known of a service.
type Fact struct {
	Name  string `json:"name"`  // "bulk"
	Value string `json:"value"` // "up to 100 writes in one request"
	// How says where it is known from: "ServiceProviderConfig", "seen".
	How string `json:"how,omitempty"`
}

// KnownFor is how long what was learned is relied on before the service is asked
// again.
const KnownFor = 7 * 24 * time.Hour
