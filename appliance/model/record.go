package model

import (
	"encoding/json"
	"time"
)

// RecordID is rollcall's own id of a record: random, text, never reused.
type RecordID string

// PersonID is rollcall's own id of a person: random, text, never reused.
type PersonID string

// Observation is one person as a source just stated it, before it is stored.
// Connectors produce observations; ingest turns them into records.
type Observation struct {
	Native string // the source's own id; never empty
	// Document is what the source sent, as JSON. Field names are the source's.
	Document json.RawMessage
	// Attributes is what the built-in map made of the document.
	Attributes Attributes
	// Fields tells, for the explanation of a value, which field of the source
	// each attribute came from, in the source's own words ("work.title, label").
	Fields map[Name]string
	// Status is the source's own verdict, or Dated when start and end dates decide.
	Status Status
	// RawStatus is the source's spelling of it, kept beside.
	RawStatus string
	Scope     Scope
	// Names are further ways by which records of the same source may refer to
	// this one as a manager: its user name, its external id.
	Names []Reference
	// Notices are things a human should know about this one record; they carry
	// no personal values.
	Notices []string
}

// Dated is the status of a record whose source has no status of its own: its
// start and end dates decide, in the customer's time zone. It is resolved when
// planning and never appears on a person.
const Dated Status = "dated"

// Scope says whether a record takes part.
type Scope struct {
	State  ScopeState `json:"state,omitempty"`
	Reason string     `json:"reason,omitempty"`
}

// ScopeState is whether a record takes part in the roster.
type ScopeState string

const (
	InScope    ScopeState = ""     // takes part
	OutOfScope ScopeState = "out"  // left out by a rule or a skip field
	HeldScope  ScopeState = "held" // its skip field could not be read: nothing about it may change
)

// IdentifierKind is what kind of identifier a value is.
type IdentifierKind string

const (
	IdentifierEmail          IdentifierKind = "email"
	IdentifierEmployeeNumber IdentifierKind = "employee_number"
)

// Identifier is a normalised value that says who a record is. Equal identifiers
// mean the same human unless something speaks against it.
type Identifier struct {
	Kind  IdentifierKind `json:"kind"`
	Value string         `json:"value"`
}

// String returns "email:jane@example.com".
func (i Identifier) String() string { return string(i.Kind) + ":" + i.Value }

// Record is one person as one source states it, as stored. The document and the
// names of its fields are kept beside it (store.Origins).
type Record struct {
	ID     RecordID `json:"id"`
	Source string   `json:"source"` // the source's name in the configuration
	Kind   Kind     `json:"kind"`
	Native string   `json:"native"`
	Rev    uint64   `json:"rev"` // grows by one with every stored change

	// Ordinal numbers the records of a database from 1 in the order they were
	// made; a read notes by it whom it saw. It means nothing outside.
	Ordinal uint64 `json:"ordinal"`

	Attributes Attributes `json:"attributes,omitempty"`
	// Kept names the attributes that the source stopped sending and whose last
	// good value is kept, with the run in which they were last seen.
	Kept        map[Name]uint64 `json:"kept,omitempty"`
	Identifiers []Identifier    `json:"identifiers,omitempty"`
	// Former are identifiers that it carried before, as its person's, and does not
	// carry any more: whoever carries one next does not inherit the person.
	Former []Identifier `json:"former,omitempty"`
	// Names are those of the observation.
	Names []Reference `json:"names,omitempty"`
	// Aliases are the keys under which other records' manager references find
	// this one; ManagerKeys are the keys its own manager reference looks for,
	// best first. See identity.Aliases.
	Aliases     []string `json:"aliases,omitempty"`
	ManagerKeys []string `json:"manager_keys,omitempty"`
	Status      Status   `json:"status"`
	RawStatus   string   `json:"raw_status,omitempty"`
	Scope       Scope    `json:"scope,omitzero"`
	Notices     []string `json:"notices,omitempty"`

	// Staged marks a record of a source in preview: it is read, matched and
	// planned, but takes no part in the roster.
	Staged bool `json:"staged,omitempty"`
	// Gone is set when enough complete reads did not list the record any more,
	// or a sender deleted it. A gone record is evidence of leaving, nothing else.
	Gone bool `json:"gone,omitempty"`
	// Digest covers document, attributes, status and scope.
	Digest string `json:"digest"`
	// Person is the person the record is linked to, empty while parked.
	Person PersonID `json:"person,omitempty"`
	// Spare is a person id of the record's own, used when a new person is named
	// after it, and replaced once spent.
	Spare PersonID `json:"spare"`

	Run     uint64    `json:"run"` // the run that last changed it
	Created time.Time `json:"created"`
	Changed time.Time `json:"changed"`
}

// Person is one human in the roster.
type Person struct {
	ID         PersonID   `json:"id"`
	Rev        uint64     `json:"rev"`
	Status     Status     `json:"status"`
	Attributes Attributes `json:"attributes"`
	// EmailKey is the email as a normalised identifier, empty when there is none.
	EmailKey string `json:"email_key,omitempty"`
	// Provenance names, per attribute, the record the value was taken from.
	Provenance map[Name]RecordID `json:"provenance,omitempty"`
	// Manager is the person that the manager attribute resolved to.
	Manager PersonID `json:"manager,omitempty"`
	// Records are the linked records, sorted.
	Records []RecordID `json:"records"`
	// Held lists the open conflicts that freeze this person: nothing about them
	// is relayed until a human decided. Sorted.
	Held []ConflictID `json:"held,omitempty"`
	// Access is what sources and policies say about accounts for this person.
	Access Access `json:"access"`
	// Waiting says in words why no account may be created yet, empty when one may.
	// An account that exists already is kept in step regardless.
	Waiting string `json:"waiting,omitempty"`
	// Reason says in words why Status and Access are what they are.
	Reason string `json:"reason,omitempty"`
	// Frozen are attributes that went back and forth too often, each with the day on
	// which its accounts follow again: until then they keep the value they have.
	Frozen map[Name]Date `json:"frozen,omitempty"`
	// Review is the next date on which the calendar alone changes the person,
	// empty when none does.
	Review Date `json:"review,omitempty"`

	Created time.Time `json:"created"`
	Changed time.Time `json:"changed"`
}

// Access is what sources and policies say about a person's accounts.
type Access string

const (
	// AccessOn wants an active account.
	AccessOn Access = "on"
	// AccessOff wants accounts that exist to be inactive.
	AccessOff Access = "off"
	// AccessKeep leaves accounts as they are: nobody said anything certain.
	AccessKeep Access = "keep"
)

// ConflictID identifies a conflict: a digest of its kind and members, so that
// planning again gives the same conflict the same id.
type ConflictID string

// ConflictKind is a reason why a human must decide.
type ConflictKind string

const (
	DuplicateIdentifier ConflictKind = "duplicate_identifier"
	AmbiguousMatch      ConflictKind = "ambiguous_match"
	AccountTaken        ConflictKind = "account_taken"
	IdentifierChange    ConflictKind = "identifier_change"
	EmailRecycled       ConflictKind = "email_recycled"
	PersonalEmail       ConflictKind = "personal_email"
	MissingIdentifier   ConflictKind = "missing_identifier"
	ManagerUnresolved   ConflictKind = "manager_unresolved"
	ManagerCycle        ConflictKind = "manager_cycle"
	DuplicateGroup      ConflictKind = "duplicate_group"
	Rejected            ConflictKind = "rejected"
)

// Freezes reports whether a conflict of this kind stops deliveries for the
// people it concerns. The others are told and leave everything else flowing.
func (k ConflictKind) Freezes() bool {
	switch k {
	case DuplicateIdentifier, AmbiguousMatch, AccountTaken, EmailRecycled:
		return true
	}
	return false
}

// Conflict is a question that only a human may answer.
type Conflict struct {
	ID      ConflictID   `json:"id"`
	Kind    ConflictKind `json:"kind"`
	Records []RecordID   `json:"records,omitempty"` // sorted
	Persons []PersonID   `json:"persons,omitempty"` // sorted; those it concerns
	// Identifiers are those that joined the records; of an identifier_change, the
	// login as it is and as it would be.
	Identifiers []Identifier `json:"identifiers,omitempty"`
	// Target is set for conflicts that one target raised.
	Target string `json:"target,omitempty"`
	// Rule is the rule that failed, in words.
	Rule   string    `json:"rule"`
	Opened time.Time `json:"opened"`
	// Rev grows with every version, and when it opens again under the same id.
	Rev uint64 `json:"rev"`
	// Groups are those of a duplicate_group: the one that Target has under the
	// name, then the one that asks for it.
	Groups []GroupRef `json:"groups,omitempty"`
}

// Verb is what a decision does.
type Verb string

const (
	Merge    Verb = "merge"
	Separate Verb = "separate"
	Prefer   Verb = "prefer"
	Exclude  Verb = "exclude"
	Allow    Verb = "allow"
	Set      Verb = "set"
	Later    Verb = "later"
)

// Decision is a human's answer to a conflict. It is an input to every later plan.
type Decision struct {
	ID       string     `json:"id"`
	Verb     Verb       `json:"verb"`
	Conflict ConflictID `json:"conflict,omitempty"`
	// Kind is the kind of that conflict, which "allow" needs.
	Kind    ConflictKind `json:"kind,omitempty"`
	Records []RecordID   `json:"records"`          // those it speaks of, sorted
	Record  RecordID     `json:"record,omitempty"` // prefer, exclude and set: the one named
	// Apart are those of the records that "separate" puts apart from the rest of
	// them; none means everybody from everybody.
	Apart []RecordID `json:"apart,omitempty"`
	// Attribute and Value are those of "set".
	Attribute Name  `json:"attribute,omitempty"`
	Value     Value `json:"value,omitzero"`
	// Batch is shared by the answers that were given together.
	Batch string `json:"batch,omitempty"`
	// Shape is what the conflict was, people apart: how later ones like it may be
	// answered.
	Shape  string    `json:"shape,omitempty"`
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"`
	Reason string    `json:"reason,omitempty"`
	// Target and Groups are those of a duplicate_group, as they were in the conflict;
	// Record then is the text of a [GroupRef], and Attribute is display_name.
	Target string     `json:"target,omitempty"`
	Groups []GroupRef `json:"groups,omitempty"`
}
