package model

import (
	"strings"
	"time"
)

// GroupRef names a group of a source.
type GroupRef struct {
	Source string `json:"source"`
	Group  string `json:"group"` // the source's id of it
}

// String returns "okta/g_1", under which an answer to a conflict names the group.
func (r GroupRef) String() string { return r.Source + "/" + r.Group }

// ParseGroupRef reads what [GroupRef.String] writes: sources have no "/" in their names.
func ParseGroupRef(text string) (GroupRef, bool) {
	source, group, ok := strings.Cut(text, "/")
	return GroupRef{Source: source, Group: group}, ok && source != "" && group != ""
}

// DeliveredGroup is what a target was last known to hold of a group of a source.
type DeliveredGroup struct {
	Target string `json:"target"`
	GroupRef
	RemoteID string `json:"remote_id"`
	Name     string `json:"name"`
	Adopted  bool   `json:"adopted,omitempty"` // the group existed before us
	// Members are the accounts that we made members, by person. Others in the group
	// are not ours.
	Members map[PersonID]string `json:"members,omitempty"`
	// Maybe are those whom writes without an answer may have added or removed.
	Maybe map[PersonID]string `json:"maybe,omitempty"`
	At    time.Time           `json:"at"`
}

// GroupJob says that a group of a source may differ from what a target holds. What
// differs is looked at when it is sent.
type GroupJob struct {
	Target string `json:"target"`
	GroupRef
	State JobState `json:"state"` // ready, held, parked, or open until the end of Run
	// Reason says why it is held or parked.
	Reason string `json:"reason,omitempty"`
	// Allowed is the digest of removals that a human let go.
	Allowed string `json:"allowed,omitempty"`
	Held    string `json:"held,omitempty"` // the digest of the removals that wait
	// Uncertain says that a create without an answer may have made the group.
	Uncertain bool      `json:"uncertain,omitempty"`
	Attempts  int       `json:"attempts,omitempty"`
	NotBefore time.Time `json:"not_before,omitzero"`
	LastError string    `json:"last_error,omitempty"`
	Created   time.Time `json:"created"`
	// Run is the run of whose end an open one waits.
	Run uint64 `json:"run,omitempty"`
}
