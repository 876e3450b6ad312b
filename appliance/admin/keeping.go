package admin

import "time"

// BackupContents says what a backup holds.
type BackupContents struct {
	Schema   int    `json:"schema"`
	Instance string `json:"instance"`
	Epoch    string `json:"epoch"`
	// Sealed says that the file carries a seal and fits it; a plain copy of a
	// database has none.
	Sealed  bool   `json:"sealed"`
	Bytes   int64  `json:"bytes"`
	People  int    `json:"people"`
	Records int    `json:"records"`
	Events  int    `json:"events"`
	Head    string `json:"head"`             // of its journal, as NUMBER:HASH
	Newest  string `json:"newest,omitempty"` // when its newest event happened
}

// Restored is what a restore did. Until Done it only looked.
type Restored struct {
	File     string         `json:"file"`
	Database string         `json:"database"`
	Contents BackupContents `json:"contents"`
	Done     bool           `json:"done"`
	Kept     string         `json:"kept,omitempty"` // where the replaced database is
	Epoch    string         `json:"epoch,omitempty"`
	// HeldTargets get nothing until somebody lets them go on.
	HeldTargets []string `json:"held_targets,omitempty"`
	// TokensRevoked were revoked after the backup and are revoked again;
	// TokensLost were made after it and are not known any more.
	TokensRevoked int `json:"tokens_revoked"`
	TokensLost    int `json:"tokens_lost"`
	// Erasures made after the backup are repeated at the next start.
	Erasures int `json:"erasures"`
	// NotCarried says why the replaced database could not be asked for those three.
	NotCarried string `json:"not_carried,omitempty"`
}

// BackupStatus is how the backups that the appliance makes by itself stand.
type BackupStatus struct {
	Dir    string    `json:"dir"`
	Newest time.Time `json:"newest,omitzero"`
	Count  int       `json:"count"`
	Error  string    `json:"error,omitempty"` // why the last one failed
}
