package model

import (
	"slices"
	"time"
)

// Desired is one person as a target should hold them, in canonical attributes.
type Desired struct {
	Person PersonID `json:"person"`
	Active bool     `json:"active"`
	// Email is the login and match key in the target, in the form to deliver
	// (trimmed, case as the source wrote it).
	Email string `json:"email"`
	// Attributes holds what to write: a text is written, an empty text clears,
	// and an attribute that is missing is not touched. Email and manager are
	// not among them.
	Attributes map[Name]string `json:"attributes"`
	// Manager is the link to write: nil leaves it alone.
	Manager *ManagerLink `json:"manager,omitempty"`
}

// ManagerLink names the manager of a person in a target. The zero value clears.
type ManagerLink struct {
	Person PersonID `json:"person,omitempty"`
	// RemoteID and Email are filled in when the payload is computed.
	RemoteID string `json:"-"`
	Email    string `json:"-"`
}

// Account is one person as a target holds them.
type Account struct {
	RemoteID   string `json:"remote_id"`
	Login      string `json:"login"` // the email, as the target spells it
	ExternalID string `json:"external_id,omitempty"`
	Active     bool   `json:"active"`
	// Attributes holds what the target says, in canonical names; an attribute
	// that the target did not return is missing.
	Attributes map[Name]string `json:"attributes,omitempty"`
	// ManagerRemoteID and ManagerLogin are what the target says of the manager;
	// either may be empty although there is one.
	ManagerRemoteID string `json:"manager_remote_id,omitempty"`
	ManagerLogin    string `json:"manager_login,omitempty"`
}

// Delivered is what a target was last known to have accepted for one person.
type Delivered struct {
	Target   string    `json:"target"`
	Person   PersonID  `json:"person"`
	RemoteID string    `json:"remote_id"`
	LoginKey string    `json:"login_key,omitempty"` // the login as a normalised email
	Sent     Desired   `json:"sent"`
	Adopted  bool      `json:"adopted,omitempty"` // the account existed before us
	Rev      uint64    `json:"rev"`               // the person's revision it reflects
	At       time.Time `json:"at"`
}

// Doubt is what writes without an answer may have changed for one person in a
// target. What was delivered is then no proof of what the account holds, and there
// may be an account of which nothing is known. It lasts until an answer settles it,
// whatever becomes of the job meanwhile.
type Doubt struct {
	Target string   `json:"target"`
	Person PersonID `json:"person"`
	// Changed names the attributes that unanswered updates wrote, sorted; "active",
	// "email" and "manager" among them.
	Changed []Name `json:"changed,omitempty"`
	// Logins are those of unanswered creates.
	Logins []string `json:"logins,omitempty"`
}

// Empty reports whether there is no doubt.
func (d Doubt) Empty() bool { return len(d.Changed) == 0 && len(d.Logins) == 0 }

// Drift is how an account was not as it was delivered when it was last listed.
type Drift struct {
	Target   string   `json:"target"`
	Person   PersonID `json:"person"`
	RemoteID string   `json:"remote_id"`
	// Missing says that the listing did not show the account at all.
	Missing bool `json:"missing,omitempty"`
	// Values has a keyed digest of what was listed, for each attribute that differs.
	Values map[Name]string `json:"values,omitempty"`
	// Overwritten names those that are written back, Own those that came back in the
	// same form after they had been: the target keeps them in a form of its own.
	Overwritten []Name    `json:"overwritten,omitempty"`
	Own         []Name    `json:"own,omitempty"`
	Since       time.Time `json:"since"`
}

// Effect is what a delivery does to an account.
type Effect string

const (
	EffectNone       Effect = ""
	EffectCreate     Effect = "create"
	EffectAdopt      Effect = "adopt"
	EffectUpdate     Effect = "update"
	EffectDeactivate Effect = "deactivate"
	EffectReactivate Effect = "reactivate"
)

// JobState is where a pending delivery stands.
type JobState string

const (
	// JobOpen waits for the end of the run that caused it.
	JobOpen JobState = "open"
	// JobHeld was stopped by a guard and waits for approve or reject.
	JobHeld JobState = "held"
	// JobReady may be sent.
	JobReady JobState = "ready"
	// JobParked was refused by the target as it is; it waits for the person to
	// change or for an operator.
	JobParked JobState = "parked"
	// JobRejected was refused by an operator; it waits for the person to change.
	JobRejected JobState = "rejected"
)

// Job is one pending delivery. There is at most one per target and person, and
// it says only that the person differs: the payload is computed when it is sent.
type Job struct {
	Target string   `json:"target"`
	Person PersonID `json:"person"`
	State  JobState `json:"state"`
	Effect Effect   `json:"effect"`
	// Changed names the attributes that differ, sorted; "active", "email" and
	// "manager" among them.
	Changed []Name `json:"changed,omitempty"`
	// Digest is that of the desired state when the job was last judged.
	Digest string `json:"digest"`
	Run    uint64 `json:"run"` // the run that caused it; approval is by run
	Reason string `json:"reason,omitempty"`
	// Wave is the wave of its run in which it goes, 0 when the run has none.
	Wave int `json:"wave,omitempty"`

	// Attempts counts sendings that were recorded before the request left.
	Attempts int `json:"attempts,omitempty"`
	// Uncertain says that the last attempt may have been applied although no
	// answer was stored: look up before creating.
	Uncertain bool      `json:"uncertain,omitempty"`
	NotBefore time.Time `json:"not_before,omitzero"`
	LastClass string    `json:"last_class,omitempty"`
	LastError string    `json:"last_error,omitempty"`
	Created   time.Time `json:"created"`
	// Tried are the latest attempts, oldest first.
	Tried []Try `json:"tried,omitempty"`
}

// Try is one attempt of a delivery.
type Try struct {
	At time.Time `json:"at"`
	// Class and Text are what came of it, in one line without secrets and personal
	// values; empty: no answer was stored.
	Class string `json:"class,omitempty"`
	Text  string `json:"text,omitempty"`
}

// keptTries is how many attempts of a delivery are kept.
const keptTries = 5

// Begun notes that an attempt is about to leave.
func (j *Job) Begun(at time.Time) {
	tried := append(slices.Clone(j.Tried), Try{At: at})
	j.Tried = tried[max(0, len(tried)-keptTries):]
}

// Ended notes what came of the attempt that began last.
func (j *Job) Ended(class, text string) {
	if n := len(j.Tried); n > 0 {
		j.Tried = slices.Clone(j.Tried)
		j.Tried[n-1].Class, j.Tried[n-1].Text = class, text
	}
}

// LaneState is whether a target takes deliveries.
type LaneState string

const (
	LaneOpen    LaneState = "open"    // flowing
	LaneBroken  LaneState = "broken"  // failing: one probe at a time until it answers
	LaneDenied  LaneState = "denied"  // credentials refused
	LanePaused  LaneState = "paused"  // by an operator
	LaneWaiting LaneState = "waiting" // told to wait by the target
)

// Lane is the state of the way to one target.
type Lane struct {
	Target   string    `json:"target"`
	State    LaneState `json:"state"`
	Since    time.Time `json:"since"`
	RetryAt  time.Time `json:"retry_at,omitzero"`
	Failures int       `json:"failures,omitempty"` // in a row
	Reason   string    `json:"reason,omitempty"`
	// Listed is when the accounts were last listed whole.
	Listed time.Time `json:"listed,omitzero"`
	// Uncovered counts the accounts that no person of the roster matched then, or when
	// a source was activated later.
	Uncovered int `json:"uncovered,omitempty"`
	// Restored is when a backup was restored, until a human lets the lane go on:
	// what the target holds is listed anew, and nothing is sent.
	Restored time.Time `json:"restored,omitzero"`
	// Usage counts requests per ten-second slot, keyed by the slot's Unix time,
	// so that a restart does not forget what the budget already spent.
	Usage map[int64]int `json:"usage,omitempty"`
	// Sent counts what was delivered since SentSince, when there was nothing to do
	// the last time: the progress of a long backlog, across restarts.
	Sent      int       `json:"sent,omitempty"`
	SentSince time.Time `json:"sent_since,omitzero"`
	// Ignored names the attributes that the target accepted and did not keep, sorted.
	Ignored []Name `json:"ignored,omitempty"`
	// File is the file that is there, for a target that takes one.
	File FileState `json:"file,omitzero"`
}

// FileState is what is known of the file at a target that takes one.
type FileState struct {
	Digest string    `json:"digest,omitempty"`
	People int       `json:"people,omitempty"`
	At     time.Time `json:"at,omitzero"`
	// Announced says that another one may be there: it was about to be put, and
	// nothing says that it was.
	Announced bool `json:"announced,omitempty"`
}

// Verdict is how a read ended.
type Verdict string

const (
	VerdictRunning     Verdict = "running"
	VerdictComplete    Verdict = "complete"
	VerdictPartial     Verdict = "partial"
	VerdictFailed      Verdict = "failed"
	VerdictInterrupted Verdict = "interrupted"
)

// Cause says why a run happened.
type Cause string

const (
	CausePoll     Cause = "poll"
	CauseSCIM     Cause = "scim"
	CauseActivate Cause = "activate"
	CauseCalendar Cause = "calendar"
	CauseDecision Cause = "decision"
	CausePolicy   Cause = "policy"
	CauseDrift    Cause = "drift"
	CauseUndo     Cause = "undo"
)

// Run is one pass over one source: read, stage, plan, guard, apply.
type Run struct {
	Seq     uint64    `json:"seq"`
	Source  string    `json:"source,omitempty"`
	Cause   Cause     `json:"cause"`
	Verdict Verdict   `json:"verdict"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"`
	Error   string    `json:"error,omitempty"`
	Counts  RunCounts `json:"counts"`
	// Holds are the guards that stopped something in this run.
	Holds []Hold `json:"holds,omitempty"`
	// Notes are sentences for the operator.
	Notes []string `json:"notes,omitempty"`
	// Waves says how far a run has come that goes out in waves, by target.
	Waves []Waves `json:"waves,omitempty"`
}

// Waves is a run that goes to a few accounts first and to the next ones when these
// read back from the target as they were sent.
type Waves struct {
	Target  string    `json:"target"`
	Sizes   []int     `json:"sizes"`   // accounts per wave
	Current int       `json:"current"` // the wave that is being sent, from 1
	State   WaveState `json:"state"`
	Reason  string    `json:"reason,omitempty"` // why it was stopped
}

// WaveState is where a run in waves stands.
type WaveState string

const (
	WavesSending WaveState = "sending"
	WavesDone    WaveState = "done"
	WavesStopped WaveState = "stopped" // something did not read back as it was sent
)

// RunCounts counts what one run saw and caused.
type RunCounts struct {
	Pages     int `json:"pages"`
	Seen      int `json:"seen"`
	Unchanged int `json:"unchanged"`
	Added     int `json:"added"`
	Changed   int `json:"changed"`
	Missing   int `json:"missing"`
	Gone      int `json:"gone"`
	OutScope  int `json:"out_of_scope"`
	// Forgotten are those who were erased on request and are left out.
	Forgotten int `json:"forgotten,omitempty"`
	// Expected is the source's own count when it gives one.
	Expected int `json:"expected,omitempty"`

	Create     int `json:"create"`
	Update     int `json:"update"`
	Deactivate int `json:"deactivate"`
	Reactivate int `json:"reactivate"`
	Conflicts  int `json:"conflicts"`
}

// HoldState is where a hold stands.
type HoldState string

const (
	HoldWaiting  HoldState = "waiting"
	HoldApproved HoldState = "approved"
	HoldRejected HoldState = "rejected"
	HoldLapsed   HoldState = "lapsed" // what it held changed or went away
)

// Hold is what a guard stopped; it waits for approve or reject.
type Hold struct {
	// Guard is max_deactivations, max_creations, max_attribute_changes,
	// max_source_shrink, max_rolling_deactivations, max_department_deactivations,
	// field_coverage, reviewed_plan or waves.
	Guard  string    `json:"guard"`
	Target string    `json:"target,omitempty"`
	Reason string    `json:"reason"`
	Count  int       `json:"count"`
	Limit  int       `json:"limit"`
	State  HoldState `json:"state"`
	// Released is how many deliveries of it a human let pass one by one before the
	// rest was decided.
	Released int `json:"released,omitempty"`
	// Attribute is set for max_attribute_changes and field_coverage, Department for
	// max_department_deactivations.
	Attribute  Name   `json:"attribute,omitempty"`
	Department string `json:"department,omitempty"`
	// Permission is what the source calls the permission that is missing, for
	// field_coverage and once the source was asked.
	Permission string    `json:"permission,omitempty"`
	By         string    `json:"by,omitempty"`
	At         time.Time `json:"at,omitzero"`
}

// Event is one entry of the journal. Prev chains it to the one before.
type Event struct {
	Seq     uint64    `json:"seq"`
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`   // "rollcall", "source:hibob", "token:okta/…", "uid:1000(jane)"
	Subject string    `json:"subject"` // "person:p_…", "source:hibob", "run:12"
	Verb    string    `json:"verb"`
	Reason  string    `json:"reason,omitempty"`
	// Fields names what changed; personal values are never here.
	Fields []string `json:"fields,omitempty"`
	Run    uint64   `json:"run,omitempty"`
	// Base is set on the checkpoint that retention leaves: the last event that was
	// taken out, as NUMBER:HASH. The oldest event left follows from it.
	Base string `json:"base,omitempty"`
	Prev string `json:"prev"`
}
