package admin

import "time"

// Drift is one account that was not as it was delivered when the target was listed
// last, or that nobody of the roster has.
type Drift struct {
	Target string     `json:"target"`
	Person *PersonRef `json:"person,omitempty"` // nil: nobody's account
	Login  string     `json:"login,omitempty"`
	// Kind is "edited" (somebody changed it there), "own_form" (the target keeps the
	// value in a form of its own, and it is left), "missing" (delivered and not listed
	// any more) or "nobody" (no person of the roster has it; it is never touched).
	Kind   string    `json:"kind"`
	Fields []string  `json:"fields,omitempty"`
	Active bool      `json:"active,omitempty"` // of an account of nobody
	Done   string    `json:"done"`             // what is done about it, in words
	Since  time.Time `json:"since,omitzero"`
}
