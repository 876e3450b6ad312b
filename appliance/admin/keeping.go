package admin

// BackupContents says what a backup holds.
type BackupContents struct {
	Schema int `json:"schema"`
	// Upgraded is the schema that a copy of it was brought to, to see whether it
	// works; zero when it needs none.
	Upgraded int    `json:"upgraded,omitempty"`
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

// ConfigChange is one key of the configuration that changed. Secrets are shown
// as their references.
type ConfigChange struct {
	Key  string `json:"key"`
	Old  string `json:"old,omitempty"`
	New  string `json:"new,omitempty"`
	Live bool   `json:"live"` // in force without a restart
}

// Reloaded is what reading the configuration again changed or, after a dry run,
// would change.
type Reloaded struct {
	DryRun  bool           `json:"dry_run,omitempty"`
	Changes []ConfigChange `json:"changes"` // since it was last read
	Restart []string       `json:"restart"` // keys that wait for a restart
	// Reread are the polled sources whose map or scope changed: it takes effect
	// with a read, which is asked for at once.
	Reread []string `json:"reread"`
	Run    uint64   `json:"run,omitempty"`  // that planned what the change causes
	Held   []string `json:"held,omitempty"` // what the guards stopped of it, and why
	Plan   *Plan    `json:"plan,omitempty"` // of a dry run
}

// ReloadRequest asks to read the configuration again.
type ReloadRequest struct {
	DryRun bool `json:"dry_run,omitempty"`
}

// ForgetRequest asks to erase a person.
type ForgetRequest struct {
	Who    string `json:"who"`
	Reason string `json:"reason,omitempty"` // a ticket number; it stays in the journal
	// Force erases somebody who works here, or whose account is active.
	Force  bool `json:"force,omitempty"`
	DryRun bool `json:"dry_run,omitempty"`
}

// Forgotten is what an erasure took out or, after a dry run, would take out.
type Forgotten struct {
	Person    string `json:"person"` // the id, which stays in the journal
	Name      string `json:"name,omitempty"`
	DryRun    bool   `json:"dry_run,omitempty"`
	Records   int    `json:"records"`
	Resources int    `json:"resources"` // that SCIM senders wrote
	History   int    `json:"history"`
	Accounts  int    `json:"accounts"` // as known here; the targets keep theirs
	Decisions int    `json:"decisions"`
	Conflicts int    `json:"conflicts"`
	Mentions  int    `json:"mentions"` // in rows about others, as their manager most often
	// Backups made before still hold the person, until they are rotated out.
	Backups []string `json:"backups"`
	Notice  string   `json:"notice,omitempty"`
}
