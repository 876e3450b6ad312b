// Package admin is the API of the running appliance: what the command line and
// the terminal UI ask of it, over HTTP on unix sockets.
//
// The types here are the JSON that goes over the wire and that every command
// prints with --json: field names are snake_case and stable, times are RFC 3339
// in UTC, absent optional fields are left out. The package knows nothing of
// storage; a [Service] does the work. admin/client is the one client.
//
// Authorisation is by the sockets' file permissions: whoever may open admin.sock
// may do everything, whoever may open view.sock may read. The actor named in the
// journal is the OS user at the other end of the socket (SO_PEERCRED).
package admin

import (
	"context"
	"encoding/json"
	"time"

	"rollcall/appliance/model"
	"rollcall/appliance/readiness"
)

// Version is what answers: sent in every reply so that an old client can say so.
type Version struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Go      string `json:"go"`
}

// Status is everything at a glance.
type Status struct {
	Version Version   `json:"version"`
	Now     time.Time `json:"now"`
	Started time.Time `json:"started"`
	// Health is "ok", "attention" or "trouble"; Headline says it in a sentence.
	Health   string `json:"health"`
	Headline string `json:"headline"`
	Needs    []Need `json:"needs"` // what needs a human, most urgent first
	// UnderWay is what was decided about many deliveries and is being carried out;
	// nothing is sent meanwhile.
	UnderWay []UnderWay `json:"under_way,omitempty"`
	People   Counts     `json:"people"`
	Sources  []Source   `json:"sources"`
	Targets  []Target   `json:"targets"`
	// Journal is the number of the last event: while it is the same, nothing that
	// the journal tells of has changed.
	Journal uint64 `json:"journal"`
	// Activity counts journal events per minute, oldest first, for the last hour.
	Activity []int `json:"activity"`
}

// UnderWay is something that was decided about the deliveries of a run and is being
// carried out: an answer to what it holds, a wave, its end.
type UnderWay struct {
	Run  uint64 `json:"run"`
	What string `json:"what"` // in words, such as "approved by uid:1000(jane)"
	Done int    `json:"done"`
	Of   int    `json:"of"`
}

// Need is one thing that waits for a human, with the command that deals with it.
type Need struct {
	Kind    string `json:"kind"` // hold, conflict, source, lane, parked, activate, certificate, silence, restored, backup, syslog, token, notify
	Subject string `json:"subject"`
	Text    string `json:"text"`
	Command string `json:"command"`
}

// Counts counts people by status.
type Counts struct {
	Total    int `json:"total"`
	Active   int `json:"active"`
	Pending  int `json:"pending"`
	Leave    int `json:"leave"`
	Inactive int `json:"inactive"`
	Unknown  int `json:"unknown"`
	Held     int `json:"held"`    // concerned by an open conflict
	Waiting  int `json:"waiting"` // wanted, but an account cannot be created yet
}

// Source is one source as it stands.
type Source struct {
	Name      string    `json:"name"`
	Kind      string    `json:"kind"`
	State     string    `json:"state"` // preview, active, paused
	Health    string    `json:"health"`
	Detail    string    `json:"detail"` // a sentence
	Records   int       `json:"records"`
	LastGood  time.Time `json:"last_good,omitzero"`
	NextRead  time.Time `json:"next_read,omitzero"`
	LastHeard time.Time `json:"last_heard,omitzero"` // SCIM senders
	Endpoint  string    `json:"endpoint,omitempty"`  // SCIM senders: the URL to paste
	// Webhook is the URL at which a polled source may tell of changes, Hinted when
	// it last did since the start.
	Webhook  string    `json:"webhook,omitempty"`
	Hinted   time.Time `json:"hinted,omitzero"`
	Tokens   int       `json:"tokens,omitempty"`
	Error    string    `json:"error,omitempty"`
	Reading  *Progress `json:"reading,omitempty"`
	LastRun  uint64    `json:"last_run,omitempty"`
	Failures int       `json:"failures,omitempty"`
}

// Progress is how far a read or a delivery has come.
type Progress struct {
	Done  int `json:"done"`
	Total int `json:"total,omitempty"` // 0 when it is not known
	// Estimated says that Total is that of the time before.
	Estimated bool      `json:"estimated,omitempty"`
	Rate      float64   `json:"rate"` // per second
	Started   time.Time `json:"started"`
	ETA       time.Time `json:"eta,omitzero"`
}

// Target is one target as it stands.
type Target struct {
	Name     string    `json:"name"`
	Kind     string    `json:"kind"`
	Lane     string    `json:"lane"` // open, broken, denied, paused, waiting
	Reason   string    `json:"reason,omitempty"`
	RetryAt  time.Time `json:"retry_at,omitzero"`
	Accounts int       `json:"accounts"` // delivered and active
	Ready    int       `json:"ready"`
	Open     int       `json:"open"`
	Held     int       `json:"held"`
	Parked   int       `json:"parked"`
	Rejected int       `json:"rejected"`
	// Oldest is when the oldest delivery that may be sent was queued.
	Oldest  time.Time `json:"oldest,omitzero"`
	Listed  time.Time `json:"listed,omitzero"`
	Sending *Progress `json:"sending,omitempty"`
	// Rate says how the budget stands: "12 of 240 requests in 5m".
	Rate string `json:"rate,omitempty"`
	// Drifted counts the accounts that were not as delivered when they were listed
	// last, Uncovered those of nobody in the roster.
	Drifted   int `json:"drifted,omitempty"`
	Uncovered int `json:"uncovered,omitempty"`
	// Ignored names the attributes that the target was seen to drop.
	Ignored []string `json:"ignored,omitempty"`
	// Groups counts the groups delivered, GroupsWaiting those that wait for a human.
	Groups        int `json:"groups,omitempty"`
	GroupsWaiting int `json:"groups_waiting,omitempty"`
	// File is set for a target that takes everybody as a file.
	File *File `json:"file,omitempty"`
	// Facts are what its service was found to offer, Learned when it was asked last.
	Facts   []Fact    `json:"facts,omitempty"`
	Learned time.Time `json:"learned,omitzero"`
}

// File is the file at a target that takes one.
type File struct {
	People int       `json:"people"`
	At     time.Time `json:"at,omitzero"`   // when it was put, zero: never
	Next   time.Time `json:"next,omitzero"` // when what is ready makes a new one
	Unsure bool      `json:"unsure,omitempty"`
}

// Person is one person with everything known of them.
type Person struct {
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	Email    string            `json:"email,omitempty"`
	Status   string            `json:"status"`
	Access   string            `json:"access"` // on, off, keep
	Reason   string            `json:"reason"`
	Waiting  string            `json:"waiting,omitempty"`
	Held     []string          `json:"held,omitempty"` // conflict ids
	Manager  *PersonRef        `json:"manager,omitempty"`
	Sources  []string          `json:"sources"`
	Values   []Value           `json:"values,omitempty"`
	Records  []Record          `json:"records,omitempty"`
	Groups   []Membership      `json:"groups,omitempty"`
	Accounts []Account         `json:"accounts,omitempty"`
	Reports  int               `json:"reports,omitempty"`
	Events   []model.Event     `json:"events,omitempty"`
	Pending  []Delivery        `json:"pending,omitempty"`
	WhyNot   map[string]string `json:"why_not,omitempty"` // target → why nothing is relayed
	Changed  time.Time         `json:"changed"`
}

// Membership is one group of a source that a record of a person is directly in.
type Membership struct {
	Source string `json:"source"`
	ID     string `json:"id"` // the source's, of the group
	Name   string `json:"name"`
	Record string `json:"record"`
	// Attribute is what the group is made of, for sources that are read, and Field the
	// source's own field of it; empty: the sender put the person into the group.
	Attribute string `json:"attribute,omitempty"`
	Field     string `json:"field,omitempty"`
	// Targets names those that have the person in the group by our hand.
	Targets []string `json:"targets,omitempty"`
}

// PersonRef names a person.
type PersonRef struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email,omitempty"`
}

// Value is one attribute of a person and where it comes from.
type Value struct {
	Attribute string    `json:"attribute"`
	Value     string    `json:"value"`
	Null      bool      `json:"null,omitempty"`
	Source    string    `json:"source,omitempty"`
	Field     string    `json:"field,omitempty"` // the source's own field
	Record    string    `json:"record,omitempty"`
	Run       uint64    `json:"run,omitempty"`
	At        time.Time `json:"at,omitzero"`
	Lost      []Lost    `json:"lost,omitempty"` // what other sources say
	// Rule names the lines of the configuration, or the decision, by which it came
	// to be this value.
	Rule string `json:"rule,omitempty"`
	// Kept is the run that last saw it, when the source stopped sending it since.
	Kept uint64 `json:"kept,omitempty"`
	// FrozenUntil is set while accounts keep the value they have, because this one
	// goes back and forth.
	FrozenUntil string `json:"frozen_until,omitempty"`
}

// WhyNot is what is between somebody and their accounts.
type WhyNot struct {
	Person *PersonRef `json:"person,omitempty"`
	// Records are those that are meant and belong to nobody in the roster.
	Records []Record `json:"records,omitempty"`
	// Obstacles are what is in the way; none: every target has what it should have,
	// or is about to get it.
	Obstacles []Obstacle `json:"obstacles"`
}

// Obstacle is one thing that is in the way, and what would have to change.
type Obstacle struct {
	Target  string `json:"target,omitempty"` // empty: of every target
	What    string `json:"what"`
	Change  string `json:"change"`
	Command string `json:"command"` // where to look, or what to do
}

// Lost is a value that another source gave and that did not win.
type Lost struct {
	Source string `json:"source"`
	Value  string `json:"value"`
	Null   bool   `json:"null,omitempty"`
	Why    string `json:"why"`
}

// Record is one record, for showing side by side.
type Record struct {
	ID string `json:"id"`
	// Type is "group" for a group of a duplicate_group, whose id is SOURCE/ID; else
	// it is a person's.
	Type       string            `json:"type,omitempty"`
	Source     string            `json:"source"`
	Native     string            `json:"native"`
	Person     string            `json:"person,omitempty"`
	Status     string            `json:"status"`
	RawStatus  string            `json:"raw_status,omitempty"`
	Scope      string            `json:"scope,omitempty"`
	Gone       bool              `json:"gone,omitempty"`
	Staged     bool              `json:"staged,omitempty"`
	Attributes map[string]string `json:"attributes"`
	Notices    []string          `json:"notices,omitempty"`
	Changed    time.Time         `json:"changed"`
}

// Account is one account of a person.
type Account struct {
	Target   string    `json:"target"`
	RemoteID string    `json:"remote_id"`
	Login    string    `json:"login"`
	Active   bool      `json:"active"`
	Adopted  bool      `json:"adopted,omitempty"`
	At       time.Time `json:"at"`
}

// Conflict is one open question.
type Conflict struct {
	ID          string   `json:"id"`
	Kind        string   `json:"kind"`
	Rule        string   `json:"rule"`
	Freezes     bool     `json:"freezes"`
	Target      string   `json:"target,omitempty"`
	Identifiers []string `json:"identifiers,omitempty"`
	Names       []string `json:"names"` // of the people concerned
	Records     []Record `json:"records,omitempty"`
	Persons     []string `json:"persons,omitempty"`
	Differs     []string `json:"differs,omitempty"` // attributes on which the records disagree
	Suggestion  string   `json:"suggestion,omitempty"`
	// Suggested is the suggestion as an answer to give, when it is one.
	Suggested *Resolution `json:"suggested,omitempty"`
	// Answers are the verbs that this conflict takes, the most usual first.
	Answers []string `json:"answers,omitempty"`
	// Shape is what makes the conflict what it is, people apart: conflicts of one
	// shape may be answered together. Precedents counts how those answered already
	// were, by verb.
	Shape      string         `json:"shape,omitempty"`
	Precedents map[string]int `json:"precedents,omitempty"`
	// For and Against are the evidence, in sentences, that the records are one
	// human: names, birth dates, employee numbers, dates, status.
	For     []string  `json:"for,omitempty"`
	Against []string  `json:"against,omitempty"`
	Opened  time.Time `json:"opened"`
	Rev     uint64    `json:"rev"`
}

// Decision is a human's answer that is in force.
type Decision struct {
	ID        string    `json:"id"`
	Verb      string    `json:"verb"`
	Conflict  string    `json:"conflict"` // that it answered
	Kind      string    `json:"kind"`
	Names     []string  `json:"names"`
	Records   []string  `json:"records"`
	Record    string    `json:"record,omitempty"`
	Apart     []string  `json:"apart,omitempty"` // separate: those put apart from the rest
	Attribute string    `json:"attribute,omitempty"`
	Value     string    `json:"value,omitempty"`
	Batch     string    `json:"batch,omitempty"` // shared by answers given together
	At        time.Time `json:"at"`
	Actor     string    `json:"actor"`
	Reason    string    `json:"reason,omitempty"`
}

// HistoryEntry is one change of a person: the journal's event and, until they
// are erased, the values.
type HistoryEntry struct {
	Event   model.Event       `json:"event"`
	Changes []AttributeChange `json:"changes,omitempty"`
}

// What happened to a person between two instants.
const (
	DiffJoined  = "joined"  // was not in the roster, and is
	DiffGone    = "gone"    // was in the roster, and is not
	DiffChanged = "changed" // something about them differs
)

// RosterDiff is the difference between the rosters of two instants.
type RosterDiff struct {
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Joined  int       `json:"joined"`
	Gone    int       `json:"gone"`
	Changed int       `json:"changed"`
	// People are those who differ, by kind of change and then by name.
	People []PersonDiff `json:"people"`
	// Notices say what could not be told.
	Notices []string `json:"notices,omitempty"`
}

// PersonDiff is how one person differs between two instants. Beside attributes
// Changes name status, access and reports_to.
type PersonDiff struct {
	Person  PersonRef         `json:"person"`
	Change  string            `json:"change"` // joined, gone, changed
	Changes []AttributeChange `json:"changes"`
}

// Verification is what verify recomputed and compared.
type Verification struct {
	Events  int `json:"events"`
	Records int `json:"records"`
	Persons int `json:"persons"`
	Jobs    int `json:"jobs"`
	// Problems are the differences found, in sentences; none: everything derived
	// equals its recomputation.
	Problems []string `json:"problems"`
}

// Delivery is one pending change on its way to a target.
type Delivery struct {
	Target    string    `json:"target"`
	Person    PersonRef `json:"person"`
	State     string    `json:"state"` // open, held, ready, parked, rejected
	Effect    string    `json:"effect"`
	Changed   []string  `json:"changed,omitempty"`
	Run       uint64    `json:"run,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	Attempts  int       `json:"attempts,omitempty"`
	NotBefore time.Time `json:"not_before,omitzero"`
	LastError string    `json:"last_error,omitempty"`
	Created   time.Time `json:"created"`
}

// Plan is what would change.
type Plan struct {
	Source string `json:"source,omitempty"` // of a preview: as if it were active
	// Digest pins the plan: approving or applying names it.
	Digest    string       `json:"digest"`
	Summary   string       `json:"summary"`
	Changes   []PlanChange `json:"changes"`
	Conflicts []Conflict   `json:"conflicts,omitempty"`
	Holds     []model.Hold `json:"holds,omitempty"` // what guards would stop of it, or stopped of what is pending
	// Uncovered are accounts in a target that no person matches.
	Uncovered []Uncovered `json:"uncovered,omitempty"`
	// Notices say what the plan could not take into account.
	Notices []string `json:"notices,omitempty"`
	// Counts by effect: create, adopt, update, deactivate, reactivate.
	Counts map[string]int `json:"counts"`
	// Causes are what groups of changes have in common, most urgent first.
	Causes []Cause `json:"causes,omitempty"`
	// Instance is the database that the plan is of, Made when it was made, and
	// Basis what it rests on.
	Instance string    `json:"instance,omitempty"`
	Made     time.Time `json:"made,omitzero"`
	Basis    Basis     `json:"basis,omitzero"`
	// Closes and Moves are of the preview of an answer, whose Conflicts are those
	// that would open: what would not be asked any more, and which records would
	// change their person.
	Closes []Asked      `json:"closes,omitempty"`
	Moves  []RecordMove `json:"moves,omitempty"`
	// Groups are what would become of the groups of a duplicate_group.
	Groups []GroupChange `json:"groups,omitempty"`
	// Files is how the file of a target that takes everybody at once would differ.
	Files []FileChange `json:"files,omitempty"`
}

// PlannedRequest is a request as a target would be sent it: built by the code that
// sends, with the values, and without credentials. Only previews of answers have them.
type PlannedRequest struct {
	Method string          `json:"method,omitempty"`
	Path   string          `json:"path,omitempty"`
	Body   json.RawMessage `json:"body,omitempty"`
	Note   string          `json:"note,omitempty"` // what to know of it, in words
}

// FileChange is how the file of a target would differ, row by row.
type FileChange struct {
	Target  string   `json:"target"`
	Header  string   `json:"header"`
	Removed []string `json:"removed"`
	Added   []string `json:"added"`
	People  int      `json:"people"` // in the file that would be put
}

// GroupChange is what would become of a group of a source in a target.
type GroupChange struct {
	Target string `json:"target"`
	Group  string `json:"group"` // SOURCE/ID
	Name   string `json:"name"`
	// Effect is create (the one of this name is taken over if there is one), adopt,
	// update, or leave: nothing is relayed, and what is there stays as it is.
	Effect   string   `json:"effect"`
	RemoteID string   `json:"remote_id,omitempty"`
	Rename   bool     `json:"rename,omitempty"`
	Held     bool     `json:"held,omitempty"` // a guard would stop it
	Add      []string `json:"add,omitempty"`  // names of members
	Remove   []string `json:"remove,omitempty"`
	Why      string   `json:"why,omitempty"`
	// Requests are those that would be sent.
	Requests []PlannedRequest `json:"requests,omitempty"`
}

// Cause is what a group of changes has in common: an effect and its reason, or
// one step of one attribute.
type Cause struct {
	ID        string `json:"id"` // names the group when a hold is released in part
	Target    string `json:"target"`
	Effect    string `json:"effect"`
	Reason    string `json:"reason,omitempty"`
	Attribute string `json:"attribute,omitempty"`
	Old       string `json:"old,omitempty"`
	New       string `json:"new,omitempty"`
	Text      string `json:"text"` // "department: Sales → Revenue"
	People    int    `json:"people"`
}

// Basis is what a plan rests on.
type Basis struct {
	Reads   []BasisRead   `json:"reads,omitempty"`
	Rules   string        `json:"rules,omitempty"` // a fingerprint of policy, maps and targets
	Targets []BasisTarget `json:"targets,omitempty"`
}

// BasisRead is the last whole read of a source: its number, run and end.
type BasisRead struct {
	Source string    `json:"source"`
	Read   uint64    `json:"read"`
	Run    uint64    `json:"run,omitempty"`
	At     time.Time `json:"at,omitzero"`
}

// BasisTarget is when the accounts of a target were last listed whole.
type BasisTarget struct {
	Target string    `json:"target"`
	Listed time.Time `json:"listed,omitzero"`
}

// Only names a part of what a run holds: who is named by any of the three.
type Only struct {
	Persons     []string `json:"persons,omitempty"` // as for Person
	Departments []string `json:"departments,omitempty"`
	Causes      []string `json:"causes,omitempty"` // ids
}

// Empty reports whether nothing is named.
func (o Only) Empty() bool { return len(o.Persons)+len(o.Departments)+len(o.Causes) == 0 }

// LeftOut is somebody to whom nothing is done, and why.
type LeftOut struct {
	Target string    `json:"target"`
	Person PersonRef `json:"person"`
	Why    string    `json:"why"`
}

// Undo is what undoing a run would do, or did.
type Undo struct {
	Run uint64 `json:"run"`          // the run that is undone
	By  uint64 `json:"by,omitempty"` // the run that does it, once it is done
	// Tag names exactly this, for an undo on condition that it still is so.
	Tag  string `json:"tag"`
	Plan Plan   `json:"plan"` // what is put back
	// Stopped is how many deliveries of the run were not sent yet and will not be.
	Stopped int `json:"stopped"`
	// Left are those to whom nothing is done, and why.
	Left []LeftOut `json:"left"`
	// Cannot lists in sentences what cannot be undone.
	Cannot []string `json:"cannot"`
}

// ReviewedPlan is a plan as a human reviewed it: what Apply does, and nothing else.
type ReviewedPlan struct {
	Instance string           `json:"instance"`
	Source   string           `json:"source,omitempty"` // the source in preview that it activates
	Digest   string           `json:"digest"`
	Rules    string           `json:"rules,omitempty"`
	Waves    bool             `json:"waves,omitempty"` // an activation goes out in waves
	Changes  []ReviewedChange `json:"changes"`
}

// ReviewedChange is one change of a reviewed plan.
type ReviewedChange struct {
	Target string    `json:"target"`
	Person PersonRef `json:"person"`
	Pin    string    `json:"pin"`
}

// Applied is what came of applying a reviewed plan.
type Applied struct {
	Run      uint64    `json:"run,omitempty"` // of the activation
	Released int       `json:"released"`      // held before, and let pass now
	Flowing  int       `json:"flowing"`       // needed nobody: on its way, or done already
	Left     []LeftOut `json:"left"`          // changed since, and left as they are
	Notices  []string  `json:"notices,omitempty"`
}

// Asked names a conflict as it was shown.
type Asked struct {
	ID  string `json:"id"`
	Rev uint64 `json:"rev"`
}

// RecordMove is a record that would belong to another person.
type RecordMove struct {
	Record string     `json:"record"`
	Source string     `json:"source"`
	Name   string     `json:"name"`
	From   *PersonRef `json:"from,omitempty"` // none: it was parked
	To     *PersonRef `json:"to,omitempty"`   // none: it would be parked
}

// PlanChange is what would change for one person in one target.
type PlanChange struct {
	Target     string            `json:"target"`
	Person     PersonRef         `json:"person"`
	Effect     string            `json:"effect"`
	State      string            `json:"state,omitempty"` // of the pending delivery, when there is one
	Why        string            `json:"why"`
	Attributes []AttributeChange `json:"attributes,omitempty"`
	// Cause is Why without what is particular to the delivery; Causes are the ids
	// of the groups the change belongs to.
	Cause      string   `json:"cause,omitempty"`
	Causes     []string `json:"causes,omitempty"`
	Department string   `json:"department,omitempty"`
	// Pin is the same as long as the very same would be written over the very same.
	Pin string `json:"pin,omitempty"`
	// Requests are those that would be sent, in the preview of an answer. Where a
	// notice of the plan says so, they go together in bulk requests.
	Requests []PlannedRequest `json:"requests,omitempty"`
}

// AttributeChange is one attribute's old and new value.
type AttributeChange struct {
	Attribute string `json:"attribute"`
	Old       string `json:"old"`
	New       string `json:"new"`
	Source    string `json:"source,omitempty"`
}

// Uncovered is an account that no source covers.
type Uncovered struct {
	Target string `json:"target"`
	Login  string `json:"login"`
	Active bool   `json:"active"`
}

// NewToken is a token just created: the only time it is shown.
type NewToken struct {
	ID     string `json:"id"`
	Source string `json:"source"`
	Token  string `json:"token"`
	URL    string `json:"url"`
}

// Token is a token as listed.
type Token struct {
	ID       string    `json:"id"`
	Source   string    `json:"source"`
	Label    string    `json:"label,omitempty"`
	Created  time.Time `json:"created"`
	By       string    `json:"by"`
	Expires  time.Time `json:"expires,omitzero"`
	Revoked  time.Time `json:"revoked,omitzero"`
	LastUsed time.Time `json:"last_used,omitzero"`
}

// CheckResult is what check found for one source or target.
type CheckResult struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	OK      bool   `json:"ok"`
	Summary string `json:"summary"`
	Error   string `json:"error,omitempty"`
	// People is how many the service shows, LastRead how many the last complete
	// read saw, Requests about how many requests a full read costs.
	People   int            `json:"people,omitempty"`
	LastRead int            `json:"last_read,omitempty"`
	Requests int            `json:"requests,omitempty"`
	Missing  []CheckMissing `json:"missing,omitempty"`
	Sample   []Value        `json:"sample,omitempty"`
	Notices  []string       `json:"notices,omitempty"`
	// Facts are what a target's service was found to offer.
	Facts []Fact `json:"facts,omitempty"`
}

// CheckMissing is a field the credentials cannot read.
type CheckMissing struct {
	Permission string `json:"permission"`
	Field      string `json:"field"`
	Attribute  string `json:"attribute,omitempty"`
	Effect     string `json:"effect"`
}

// CheckReport is what "rollcall check --json" prints: what each service said, and
// the readiness report made afterwards.
type CheckReport struct {
	Checks    []CheckResult    `json:"checks"`
	Readiness readiness.Report `json:"readiness"`
}

// NotifyResult is how one channel of [notify] took a test message.
type NotifyResult struct {
	Channel string `json:"channel"` // webhook, email, command
	OK      bool   `json:"ok"`
	Error   string `json:"error,omitempty"`
}

// Request is one request of a SCIM sender, masked.
type Request struct {
	At      time.Time `json:"at"`
	Source  string    `json:"source"`
	Token   string    `json:"token,omitempty"`
	Method  string    `json:"method"`
	Path    string    `json:"path"`
	Status  int       `json:"status"`
	Detail  string    `json:"detail,omitempty"`
	Quirks  []string  `json:"quirks,omitempty"`
	TookMS  float64   `json:"took_ms"`
	Dialect string    `json:"dialect,omitempty"`
}

// Resolution is a human's answer to a conflict.
type Resolution struct {
	Verb      string `json:"verb"`                // merge, separate, prefer, exclude, allow, set, later
	Record    string `json:"record,omitempty"`    // prefer, exclude, set
	Attribute string `json:"attribute,omitempty"` // set
	Value     string `json:"value,omitempty"`
	Reason    string `json:"reason,omitempty"`
	Rev       uint64 `json:"rev"` // of the conflict as it was shown; 0 takes any
	// Apart are the records that separate puts apart from the rest; none: everybody
	// from everybody.
	Apart []string `json:"apart,omitempty"`
	// Also are further conflicts of the same shape that get the same answer: all of
	// them or none.
	Also []Asked `json:"also,omitempty"`
}

// Error is the body of every refusal.
type Error struct {
	Code string `json:"code"` // not_found, invalid, stale, busy, internal, read_only
	Text string `json:"error"`
}

// Error returns the sentence.
func (e *Error) Error() string { return e.Text }

// Errors of a [Service], by code; anything else is internal.
const (
	CodeNotFound = "not_found"
	CodeInvalid  = "invalid"
	CodeStale    = "stale" // what was decided upon has changed: look again
	CodeBusy     = "busy"
	CodeInternal = "internal"
	CodeReadOnly = "read_only"
)

// Page selects part of a long list.
type Page struct {
	After string // the cursor of the page before, empty for the first
	Limit int    // 0 means 100
}

// Service does what the routes ask. It is implemented by the appliance. Actor is
// the OS user who asks, as "uid:1000(jane)". Refusals are *[Error] values.
type Service interface {
	Status(ctx context.Context) (Status, error)
	// Activate makes a source relay; State says preview, active or paused after.
	Activate(ctx context.Context, actor, source string) (run uint64, err error)
	// ActivateInWaves is Activate whose plan goes to one account, then to 5 %, then to
	// 25 %, then to the rest, each when the wave before reads back as it was sent.
	ActivateInWaves(ctx context.Context, actor, source string) (run uint64, err error)
	Pause(ctx context.Context, actor, source string) error
	// Sync asks for a read now of the named sources (none: all that are polled and not paused) and
	// returns at once; Wait blocks until no read is running and nothing that may
	// be sent is left, or ctx ends.
	Sync(ctx context.Context, actor string, sources []string) error
	Wait(ctx context.Context, sources []string) error
	// PlanJSON says what is pending, or with a source in preview, what activating it
	// would change, as a [Plan].
	PlanJSON(ctx context.Context, source string) (Spooled, error)
	Runs(ctx context.Context, page Page) ([]model.Run, error)
	// RunJSON is one run with its deliveries, as a [RunDetail]; RunBrief is the same
	// without them, however many they are.
	RunJSON(ctx context.Context, seq uint64) (Spooled, error)
	RunBrief(ctx context.Context, seq uint64) (RunDetail, error)
	// RunPlanJSON is what a run still has to send, person by person, as a [Plan].
	RunPlanJSON(ctx context.Context, seq uint64) (Spooled, error)
	// Approve releases what a run holds. tag, when not empty, must be that of the run as
	// it is at that moment; otherwise nothing happens and the answer is [CodeStale]. The
	// same goes for ApproveOnly and Reject.
	Approve(ctx context.Context, actor string, seq uint64, tag string) (released int, err error)
	// ApproveOnly releases a part of what a run holds; the rest goes on waiting.
	ApproveOnly(ctx context.Context, actor string, seq uint64, tag string, only Only) (Settled, error)
	// UndoPlan says what undoing a run would do, and what cannot be undone; UndoRun
	// does it, as a run of its own under the same guards.
	UndoPlan(ctx context.Context, seq uint64) (Undo, error)
	UndoRun(ctx context.Context, actor string, seq uint64) (Undo, error)
	// Apply does exactly what a reviewed plan says and leaves out, by name, who
	// changed since.
	Apply(ctx context.Context, actor string, plan ReviewedPlan) (Applied, error)
	Reject(ctx context.Context, actor string, seq uint64, tag string) (rejected int, err error)

	People(ctx context.Context, query string, page Page) (list []Person, next string, err error)
	// Person finds one person by id, email, employee number or unambiguous name.
	Person(ctx context.Context, who string) (Person, error)
	Conflicts(ctx context.Context) ([]Conflict, error)
	Conflict(ctx context.Context, id string) (Conflict, error)
	Resolve(ctx context.Context, actor, id string, answer Resolution) error
	// Preview returns the plan that an answer would cause, without giving it.
	Preview(ctx context.Context, id string, answer Resolution) (Plan, error)
	// UndoDecision takes back a decision named by its id or its conflict's, or all
	// of a batch; PreviewUndo returns the plan that this would cause.
	UndoDecision(ctx context.Context, actor, decision string) error
	PreviewUndo(ctx context.Context, decision string) (Plan, error)
	// Decisions lists the answers in force, newest first.
	Decisions(ctx context.Context) ([]Decision, error)
	// History returns what changed about a person, oldest first.
	History(ctx context.Context, who string) ([]HistoryEntry, error)
	// PeopleAt is People as the roster was at an instant, which must not lie before
	// what is known; sources and reasons of the time are not kept.
	PeopleAt(ctx context.Context, query string, at time.Time, page Page) (PeoplePage, error)
	// PersonAt is Person as they were at an instant, with values and no provenance.
	PersonAt(ctx context.Context, who string, at time.Time) (Person, error)
	// PeopleDiff says who joined, went and changed between two instants.
	PeopleDiff(ctx context.Context, from, to time.Time) (RosterDiff, error)
	// ExplainDelivery says of somebody, named as for Person, what is between them and
	// their account in a target, or in each when target is empty, and what happens
	// next. CodeNotFound: no such person or target.
	ExplainDelivery(ctx context.Context, who, target string) ([]DeliveryExplained, error)
	// WhyNot says what is between somebody, or a record that is nobody's yet, and
	// their accounts, and what would have to change.
	WhyNot(ctx context.Context, who string) (WhyNot, error)
	// Verify recomputes everything that is derived and compares it.
	Verify(ctx context.Context) (Verification, error)
	Deliveries(ctx context.Context, target, state string, page Page) ([]Delivery, error)
	RetryDelivery(ctx context.Context, actor, target, person string) error
	DropDelivery(ctx context.Context, actor, target, person string) error
	// Drift lists what the last listing of each target (empty: of all) found not to be
	// as it was delivered.
	Drift(ctx context.Context, target string) ([]Drift, error)
	// Export returns who is to have access, with what a target's import file holds.
	Export(ctx context.Context, query string, page Page) (ExportedPeople, error)
	// Import sets what the rows of a people file say otherwise than the roster, as
	// decisions of one batch, all of them or none; a row that is wrong is
	// [CodeInvalid]. With DryRun it only says what that would be.
	Import(ctx context.Context, actor string, asked ImportRequest) (Imported, error)
	// Groups lists the groups of sources that a target (empty: every one) has or is to
	// have; Group is one of them with its members. RetryGroup lets one go that a guard holds or the target refused.
	Groups(ctx context.Context, target string) ([]Group, error)
	Group(ctx context.Context, target, source, group string) (GroupDetail, error)
	RetryGroup(ctx context.Context, actor, target, source, group string) error
	// SetLane pauses or resumes a target: state is "paused" or "open".
	SetLane(ctx context.Context, actor, target, state string) error

	Tokens(ctx context.Context) ([]Token, error)
	CreateToken(ctx context.Context, actor, source, label string, ttl time.Duration) (NewToken, error)
	RevokeToken(ctx context.Context, actor, id string) error

	// Journal returns events after seq, oldest first, from the beginning after 0;
	// a negative seq returns the newest. With wait it blocks until there is one or
	// ctx ends.
	Journal(ctx context.Context, after int64, limit int, wait bool) ([]model.Event, error)
	// VerifyJournal checks the journal's chain and, when known is not empty, that it
	// still holds the head NUMBER:HASH that somebody noted.
	VerifyJournal(ctx context.Context, known string) (Verified, error)
	// Names says what humans call the subjects of journal events: people and
	// records by name, conflicts by the names they concern. What has no name, or
	// is not there any more, is left out.
	Names(ctx context.Context, subjects []string) (map[string]string, error)
	Requests(ctx context.Context, source string, failedOnly bool, limit int) ([]Request, error)
	// Check asks the named sources and targets (none: all) with the appliance's own
	// credentials.
	Check(ctx context.Context, names []string) ([]CheckResult, error)
	// Readiness makes the readiness report out of what is known, with sources in
	// preview taken as if they were active. It asks no service and changes
	// nothing; fields that cannot be read are those of the last check.
	ReadinessJSON(ctx context.Context) (Spooled, error)
	Backup(ctx context.Context, actor, path string) error
	// NotifyTest sends a test message over every channel of [notify].
	NotifyTest(ctx context.Context) ([]NotifyResult, error)
	// Forget erases a person's data; with DryRun it only says what that would be.
	Forget(ctx context.Context, actor string, asked ForgetRequest) (Forgotten, error)
	// Reload reads the configuration again; with dryRun it only says what that
	// would change.
	Reload(ctx context.Context, actor string, dryRun bool) (Reloaded, error)
	// ShowConfig returns the effective configuration with secrets hidden.
	ShowConfig(ctx context.Context) (string, error)
}
