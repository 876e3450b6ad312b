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

// Group is one group of a source in one target.
type Group struct {
	Target   string `json:"target"`
	Source   string `json:"source"`
	ID       string `json:"id"` // the source's
	Name     string `json:"name"`
	RemoteID string `json:"remote_id,omitempty"`
	Adopted  bool   `json:"adopted,omitempty"`
	Members  int    `json:"members"` // delivered
	// State is "delivered", or that of what is pending: ready, held, parked.
	State     string    `json:"state"`
	Reason    string    `json:"reason,omitempty"`
	LastError string    `json:"last_error,omitempty"`
	At        time.Time `json:"at,omitzero"` // when it was last written
}

// GroupDetail is one group of a source in one target, with who is in it or will be.
type GroupDetail struct {
	Group
	People []GroupMember `json:"people"` // by name
}

// GroupMember is one member of a group.
type GroupMember struct {
	Person PersonRef `json:"person"`
	// State is "member", "add" or "remove" (what the next write does), or "waits" (there
	// is no active account yet).
	State string `json:"state"`
}

// ExportedPerson is one person as a file for a target's import has them.
type ExportedPerson struct {
	ID           string            `json:"id"`
	Attributes   map[string]string `json:"attributes"`
	ManagerEmail string            `json:"manager_email,omitempty"`
}

// ExportedPeople is one page of the people who are to have access.
type ExportedPeople struct {
	People []ExportedPerson `json:"people"`
	Next   string           `json:"next,omitempty"`
}
