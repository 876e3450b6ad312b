package store

import (
	"time"

	"rollcall/appliance/model"
)

// Tombstone is what is left of something that was erased on request: enough to
// know it again when a source or a target names it, and nothing else. Its key is
// a keyed digest of the source or target and the id there.
type Tombstone struct {
	Digest string `json:"digest"`
	// Of is the source or target that the id belongs to.
	Of string    `json:"of"`
	At time.Time `json:"at"`
	// Named are the records of others out of which they were taken, to be read anew
	// when they come back.
	Named []model.RecordID `json:"named,omitempty"`
}
