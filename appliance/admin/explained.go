package admin

import "time"

// DeliveryExplained is everything about one person in one target: what is wanted, what
// the target is known to have, what is between the two, and what happens next.
type DeliveryExplained struct {
	Target string    `json:"target"`
	Person PersonRef `json:"person"`
	// State is that of the pending delivery, as in Delivery, or "none".
	State  string `json:"state"`
	Effect string `json:"effect,omitempty"` // create, adopt, update, deactivate, reactivate
	Run    uint64 `json:"run,omitempty"`
	// Account is the account in the target as it was delivered, or as it was listed
	// and nobody's yet; none: none is known.
	Account *ExplainedAccount `json:"account,omitempty"`
	// Differences are what a delivery would write, in display order.
	Differences []Difference `json:"differences"`
	// Obstacles are what is in the way, as in WhyNot.
	Obstacles []Obstacle `json:"obstacles"`
	// Attempts are the latest ones, oldest first; Tries counts all of this delivery.
	Attempts []DeliveryAttempt `json:"attempts"`
	Tries    int               `json:"tries,omitempty"`
	// Next says what happens next; At is when, zero when nobody knows.
	Next string    `json:"next"`
	At   time.Time `json:"at,omitzero"`
}

// ExplainedAccount is an account as it is known.
type ExplainedAccount struct {
	ID      string    `json:"id"`
	Login   string    `json:"login"`
	Active  bool      `json:"active"`
	Adopted bool      `json:"adopted,omitempty"` // it existed before us
	At      time.Time `json:"at,omitzero"`       // when it was written last
	// Doubt says that a write without an answer may have made another, or made it.
	Doubt bool `json:"doubt,omitempty"`
}

// Difference is one attribute that the target has otherwise than it should.
type Difference struct {
	Attribute string `json:"attribute"` // "active" and "manager" among them
	Wanted    string `json:"wanted"`    // empty: nothing
	Has       string `json:"has"`       // as far as is known
	// Doubt says that what it has is not known: a write had no answer.
	Doubt bool `json:"doubt,omitempty"`
}

// DeliveryAttempt is one attempt of a delivery.
type DeliveryAttempt struct {
	At     time.Time `json:"at"`
	Class  string    `json:"class,omitempty"` // transient, throttled, denied, invalid, taken, gone, misconfigured
	Answer string    `json:"answer"`          // in words, without personal values
}

// Fact is one thing that a target's service was found to offer.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	How   string `json:"how,omitempty"` // where it is known from
}
