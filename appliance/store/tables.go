package store

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"rollcall/appliance/model"
)

// TargetPerson is the key of what concerns one person in one target.
type TargetPerson struct {
	Target string
	Person model.PersonID
}

// Account is one account as a target's last listing showed it.
type Account struct {
	Target string `json:"target"`
	// EmailKey is the login as a normalised email, empty when it is none.
	EmailKey string `json:"email_key,omitempty"`
	// Listing is the ordinal of the listing that saw it last.
	Listing uint64 `json:"listing"`
	model.Account
}

// TargetGroup is the key of what concerns one group of a source in one target.
type TargetGroup struct {
	Target string
	model.GroupRef
}

// TargetRemote is the key of one account in one target.
type TargetRemote struct{ Target, RemoteID string }

// ResourceKey is the key of one SCIM resource.
type ResourceKey struct{ Source, Type, ID string }

// MemberKey is the key of one membership.
type MemberKey struct{ Source, Group, Member string }

// HistoryKey orders the changes of a person.
type HistoryKey struct {
	Person model.PersonID
	Seq    uint64
}

// SourceState is what the appliance remembers of a source between reads.
type SourceState struct {
	Name  string       `json:"name"`
	State SourceStance `json:"state"`
	// Activated is when the source was first activated, zero while it never was.
	Activated time.Time `json:"activated,omitzero"`
	// ReadNo counts complete reads.
	ReadNo    uint64    `json:"read_no"`
	LastRun   uint64    `json:"last_run,omitempty"`
	LastStart time.Time `json:"last_start,omitzero"`
	LastGood  time.Time `json:"last_good,omitzero"`
	// LastCount is the number of people of the last complete read.
	LastCount int       `json:"last_count"`
	LastError string    `json:"last_error,omitempty"`
	LastClass string    `json:"last_class,omitempty"`
	Failures  int       `json:"failures,omitempty"` // in a row
	NextRead  time.Time `json:"next_read,omitzero"`
	// Coverage counts, per attribute, the people who had it in the last complete
	// read: a column that empties is a lost permission, not a change.
	Coverage map[model.Name]int `json:"coverage,omitempty"`
	// Lost names the attributes that most people lacked all of a sudden, with the
	// run that found it; Coverage keeps the count from before until the attribute
	// comes back or a human accepts that it does not.
	Lost map[model.Name]uint64 `json:"lost,omitempty"`
	// Scope is whom the last complete read was asked as.
	Scope string `json:"scope,omitempty"`
	// AcceptedMissing is how many people a human accepted as missing from the next
	// read, when they approved one that was too small.
	AcceptedMissing int `json:"accepted_missing,omitempty"`
	// LastHeard is when a SCIM sender last wrote or read.
	LastHeard time.Time `json:"last_heard,omitzero"`
	// Rhythm is how often a SCIM sender is heard.
	Rhythm model.Rhythm `json:"rhythm,omitzero"`
}

// Staged reports whether what the source says takes no part in the roster yet:
// it was never activated.
func (s *SourceState) Staged() bool {
	return s.State == Preview || s.State == Paused && s.Activated.IsZero()
}

// SourceStance is whether a source is read and relayed.
type SourceStance string

const (
	Preview SourceStance = "preview" // read, matched, planned; nothing relayed
	Live    SourceStance = "active"
	Paused  SourceStance = "paused" // not read; what it said last still counts
)

// Origin is what a source sent of a record, kept beside the record because only
// explanations need it.
type Origin struct {
	// Document is the record as the source sent it, as JSON.
	Document json.RawMessage `json:"document,omitempty"`
	// Fields tells which field of the source each attribute came from.
	Fields map[model.Name]string `json:"fields,omitempty"`
}

// Token is a bearer token of a SCIM source. The token itself is never stored.
type Token struct {
	ID       string    `json:"id"`
	Hash     string    `json:"hash"` // hex of sha256
	Source   string    `json:"source"`
	Label    string    `json:"label,omitempty"`
	Created  time.Time `json:"created"`
	By       string    `json:"by"`
	Expires  time.Time `json:"expires,omitzero"`
	Revoked  time.Time `json:"revoked,omitzero"`
	LastUsed time.Time `json:"last_used,omitzero"`
}

// Resource is what a SCIM sender wrote, kept apart from the record made of it, or a
// group that is made of what the records of a polled source say.
type Resource struct {
	Source   string          `json:"source"`
	Type     string          `json:"type"`
	ID       string          `json:"id"`
	Seq      uint64          `json:"seq"` // order of creation
	Rev      uint64          `json:"rev"`
	Body     json.RawMessage `json:"body"`
	Keys     []ResourceIndex `json:"keys,omitempty"`
	Members  int             `json:"members,omitempty"`
	Created  time.Time       `json:"created"`
	Modified time.Time       `json:"modified"`
}

// ResourceIndex is one value by which a resource is found.
type ResourceIndex struct {
	Attribute string `json:"a"`
	Value     string `json:"v"`
	Unique    bool   `json:"u,omitempty"`
}

// Member is one direct member of a group.
type Member struct {
	Source  string `json:"s"`
	Group   string `json:"g"`
	Value   string `json:"v"`
	Display string `json:"d,omitempty"`
	Type    string `json:"t,omitempty"`
}

// Change is the old and new values of one change to a person: the part of the
// audit trail that holds personal data, which forget and retention erase.
//
// Before and After hold what differs, in the three states of an attribute: a name
// that is in neither did not change, one that is missing in one of them was
// absent there. Beside the attributes they hold [FieldStatus], [FieldAccess] and
// [FieldReportsTo]. Whoever holds a person as they are now and all changes since
// can tell what they were.
type Change struct {
	Person model.PersonID             `json:"person"`
	Seq    uint64                     `json:"seq"` // the journal event it belongs to
	At     time.Time                  `json:"at"`
	Mark   Mark                       `json:"mark,omitempty"`
	Before map[model.Name]model.Value `json:"before,omitempty"`
	After  map[model.Name]model.Value `json:"after,omitempty"`
}

// AppendJSON appends c as encoding/json writes it, see [model.Desired.AppendJSON].
func (c *Change) AppendJSON(b []byte) []byte {
	value := func(b []byte, v model.Value) []byte { return v.AppendJSON(b) }
	b = model.AppendText(append(b, `{"person":`...), c.Person)
	b = strconv.AppendUint(append(b, `,"seq":`...), c.Seq, 10)
	b = model.AppendTime(append(b, `,"at":`...), c.At)
	if c.Mark != "" {
		b = model.AppendText(append(b, `,"mark":`...), c.Mark)
	}
	if len(c.Before) > 0 {
		b = model.AppendMap(append(b, `,"before":`...), c.Before, value)
	}
	if len(c.After) > 0 {
		b = model.AppendMap(append(b, `,"after":`...), c.After, value)
	}
	return append(b, '}')
}

// Mark says that a change is the first or the last of its person.
type Mark string

const (
	MarkJoined    Mark = "joined"    // was not in the roster before
	MarkDissolved Mark = "dissolved" // is not in the roster after
)

// What a [Change] holds beside attributes. None of these is the name of one.
const (
	FieldStatus    model.Name = "status"
	FieldAccess    model.Name = "access"
	FieldReportsTo model.Name = "reports_to" // the id of the person that the manager resolved to
)

// Written is what one run wrote to one account, kept for a while so that the run
// can be undone. It holds personal data, which forget erases.
type Written struct {
	Run    uint64         `json:"run"`
	Target string         `json:"target"`
	Person model.PersonID `json:"person"`
	Effect model.Effect   `json:"effect"`
	At     time.Time      `json:"at"`
	// Before is what the account held; nil: there was none.
	Before *model.Desired `json:"before,omitempty"`
	// After is the digest of what it holds since.
	After string `json:"after"`
}

// WrittenKey orders what was written by run.
type WrittenKey struct {
	Run uint64
	TargetPerson
}

// Restored keeps an account at what a human put back, until the person changes.
// It holds personal data, which forget erases.
type Restored struct {
	Target string         `json:"target"`
	Person model.PersonID `json:"person"`
	Want   model.Desired  `json:"want"`
	// Against is the digest of the person as they were then.
	Against string    `json:"against"`
	Undone  uint64    `json:"undone"` // the run that was undone
	By      string    `json:"by"`
	At      time.Time `json:"at"`
}

// What people are counted as beside their status, see [Persons]. Somebody of no known
// status is counted as of [model.Unknown].
const (
	PersonHeld    = "held"    // a conflict freezes them
	PersonWaiting = "waiting" // they should have an account, and something is missing
)

func kindsOfPerson(p model.Person) []string {
	status := p.Status
	switch status {
	case model.Active, model.Pending, model.Leave, model.Inactive:
	default:
		status = model.Unknown
	}
	kinds := []string{string(status)}
	if len(p.Held) > 0 {
		kinds = append(kinds, PersonHeld)
	}
	if p.Waiting != "" {
		kinds = append(kinds, PersonWaiting)
	}
	return kinds
}

// The tables. See the package comment for the drawing.
var (
	Records         = newBinaryTable("records", text[model.RecordID], encodeRecord, decodeRecord).remember().clipped(clipRecord).inOrder()
	Origins         = newSideTable[model.RecordID](Records, "origin", encodeOrigin, decodeOrigin).inOrder()
	Persons         = newBinaryTable("persons", text[model.PersonID], encodePerson, decodePerson).remember().clipped(clipPerson).inOrder().counted(kindsOfPerson)
	Decisions       = newTable[string, model.Decision]("decisions", text[string])
	Conflicts       = newTable[model.ConflictID, model.Conflict]("conflicts", text[model.ConflictID])
	Outbox          = newTable[TargetPerson, model.Job]("outbox", targetPerson).remember()
	Deliveries      = newTable[TargetPerson, model.Delivered]("delivered", targetPerson)
	Doubts          = newTable[TargetPerson, model.Doubt]("doubts", targetPerson)
	Writes          = newTable[WrittenKey, Written]("written", func(k WrittenKey) []byte { return append(Seq(k.Run), targetPerson(k.TargetPerson)...) })
	Restores        = newTable[TargetPerson, Restored]("restored", targetPerson)
	GroupJobs       = newTable[TargetGroup, model.GroupJob]("group.jobs", targetGroup)
	Drifts          = newTable[TargetPerson, model.Drift]("drifts", targetPerson)
	GroupDeliveries = newTable[TargetGroup, model.DeliveredGroup]("group.delivered", targetGroup)
	Accounts        = newTable[TargetRemote, Account]("accounts", func(k TargetRemote) []byte { return Key(k.Target, k.RemoteID) })
	Lanes           = newTable[string, model.Lane]("lanes", text[string])
	Sources         = newTable[string, SourceState]("sources", text[string]).remember()
	Runs            = newTable[uint64, model.Run]("runs", Seq).inOrder()
	Journal         = newTable[uint64, model.Event]("journal", Seq).inOrder()
	History         = newTable[HistoryKey, Change]("history", func(k HistoryKey) []byte { return append(Prefix(string(k.Person)), Seq(k.Seq)...) }).inOrder()
	Tokens          = newTable[string, Token]("tokens", text[string])
	Resources       = newBinaryTable("resources", func(k ResourceKey) []byte { return Key(k.Source, k.Type, k.ID) }, encodeResource, decodeResource)
	Forgotten       = newTable[string, Tombstone]("forgotten", text[string])
	Members         = newBinaryTable("members", func(k MemberKey) []byte { return Key(k.Source, k.Group, k.Member) }, encodeMember, decodeMember)
)

// The indexes.
var (
	// RecordByNative tells of each record what a read must know to pass over one
	// that is unchanged, see [RecordNote].
	RecordByNative = Records.addNoted("native", recordNoteWidth, func(r model.Record) [][]byte { return one(Key(r.Source, r.Native)) },
		func(r model.Record) []byte { return noteOf(r).append(nil) }).unlessSame(func(old, now *model.Record) bool {
		return old.Source == now.Source && old.Native == now.Native && old.Ordinal == now.Ordinal && old.Digest == now.Digest && old.Gone == now.Gone && old.Staged == now.Staged
	})
	// RecordByIdentifier finds who carries an identifier, and who carried it before.
	RecordByIdentifier = Records.addIndex("identifier", false, func(r model.Record) [][]byte {
		return each(slices.Concat(r.Identifiers, r.Former), IdentifierKey)
	}).unlessSame(func(old, now *model.Record) bool {
		return slices.Equal(old.Identifiers, now.Identifiers) && slices.Equal(old.Former, now.Former)
	})
	RecordByAlias = Records.addIndex("alias", false, func(r model.Record) [][]byte { return each(r.Aliases, text[string]) }).
			unlessSame(func(old, now *model.Record) bool { return slices.Equal(old.Aliases, now.Aliases) })
	RecordByManagerKey = Records.addIndex("managerkey", false, func(r model.Record) [][]byte { return each(r.ManagerKeys, text[string]) }).
				unlessSame(func(old, now *model.Record) bool { return slices.Equal(old.ManagerKeys, now.ManagerKeys) })
	RecordByPerson = Records.addIndex("person", false, func(r model.Record) [][]byte {
		if r.Person == "" {
			return nil
		}
		return one(text(r.Person))
	}).unlessSame(func(old, now *model.Record) bool { return old.Person == now.Person })
	RecordBySource = Records.addIndex("source", false, func(r model.Record) [][]byte { return one(Key(r.Source)) }).
			unlessSame(func(old, now *model.Record) bool { return old.Source == now.Source })

	PersonByEmail = Persons.addIndex("email", false, func(p model.Person) [][]byte {
		if p.EmailKey == "" {
			return nil
		}
		return one(text(p.EmailKey))
	}).unlessSame(func(old, now *model.Person) bool { return old.EmailKey == now.EmailKey })
	// PersonByName orders people as lists show them.
	PersonByName = Persons.addIndex("name", false, func(p model.Person) [][]byte {
		name := p.Attributes.Text(model.DisplayName)
		if name == "" {
			name = p.Attributes.Text(model.Email)
		}
		return one(text(strings.ToLower(name)))
	}).unlessSame(func(old, now *model.Person) bool {
		return old.Attributes.Text(model.DisplayName) == now.Attributes.Text(model.DisplayName) && old.Attributes.Text(model.Email) == now.Attributes.Text(model.Email)
	})
	PersonByManager = Persons.addIndex("manager", false, func(p model.Person) [][]byte {
		if p.Manager == "" {
			return nil
		}
		return one(text(p.Manager))
	}).unlessSame(func(old, now *model.Person) bool { return old.Manager == now.Manager })
	PersonByReview = Persons.addIndex("review", false, func(p model.Person) [][]byte {
		if p.Review == "" {
			return nil
		}
		return one(text(p.Review))
	}).unlessSame(func(old, now *model.Person) bool { return old.Review == now.Review })

	// PersonByDepartment finds the people of a department, whatever its case.
	PersonByDepartment = Persons.addIndex("department", false, func(p model.Person) [][]byte {
		d := FoldDepartment(p.Attributes.Text(model.Department))
		if d == "" {
			return nil
		}
		return one(text(d))
	}).unlessSame(func(old, now *model.Person) bool {
		return old.Attributes.Text(model.Department) == now.Attributes.Text(model.Department)
	})

	DecisionByRecord = Decisions.addIndex("record", false, func(d model.Decision) [][]byte { return each(d.Records, text[model.RecordID]) })
	// DecisionByGroup finds what was decided of a group of a source in a target.
	DecisionByGroup = Decisions.addIndex("group", false, func(d model.Decision) [][]byte {
		return each(d.Groups, func(r model.GroupRef) []byte { return targetGroup(TargetGroup{Target: d.Target, GroupRef: r}) })
	})
	ConflictByRecord = Conflicts.addIndex("record", false, func(c model.Conflict) [][]byte { return each(c.Records, text[model.RecordID]) })
	ConflictByPerson = Conflicts.addIndex("person", false, func(c model.Conflict) [][]byte { return each(c.Persons, text[model.PersonID]) })

	// JobByState orders the jobs of a state as they are to be sent: deactivations
	// before everything else, then the oldest first.
	JobByState = Outbox.addIndex("state", false, func(j model.Job) [][]byte {
		urgency := "1"
		if j.Effect == model.EffectDeactivate {
			urgency = "0"
		}
		return one(append(Prefix(j.Target, string(j.State), urgency), Seq(uint64(j.Created.UnixNano()))...))
	})
	JobByRun = Outbox.addIndex("run", false, func(j model.Job) [][]byte { return one(Seq(j.Run)) })

	DeliveredByRemote = Deliveries.addIndex("remote", true, func(d model.Delivered) [][]byte {
		if d.RemoteID == "" {
			return nil
		}
		return one(Key(d.Target, d.RemoteID))
	})
	// DeliveredByLogin finds who was given a login.
	DeliveredByLogin = Deliveries.addIndex("login", false, func(d model.Delivered) [][]byte {
		if d.LoginKey == "" {
			return nil
		}
		return one(Key(d.Target, d.LoginKey))
	})
	AccountByEmail = Accounts.addIndex("email", false, func(a Account) [][]byte {
		if a.EmailKey == "" {
			return nil
		}
		return one(Key(a.Target, a.EmailKey))
	})

	ResourceByOrder = Resources.addIndex("order", true, func(r Resource) [][]byte {
		return one(append(Prefix(r.Source, r.Type), Seq(r.Seq)...))
	})
	ResourceByKey = Resources.addIndex("key", false, func(r Resource) [][]byte {
		return each(r.Keys, func(k ResourceIndex) []byte { return Key(r.Source, r.Type, k.Attribute, k.Value) })
	})
	ResourceByUnique = Resources.addIndex("unique", true, func(r Resource) [][]byte {
		var out [][]byte
		for _, k := range r.Keys {
			if k.Unique {
				out = append(out, Key(r.Source, r.Type, k.Attribute, k.Value))
			}
		}
		return out
	})
	MemberOf = Members.addIndex("of", false, func(m Member) [][]byte { return one(Key(m.Source, m.Value)) })

	TokenByHash = Tokens.addIndex("hash", true, func(t Token) [][]byte { return one(text(t.Hash)) })
)

// FoldDepartment makes the spellings of one department comparable.
func FoldDepartment(d string) string { return strings.ToLower(strings.Join(strings.Fields(d), " ")) }

func targetGroup(k TargetGroup) []byte { return Key(k.Target, k.Source, k.Group) }

func targetPerson(k TargetPerson) []byte { return Key(k.Target, string(k.Person)) }

// IdentifierKey is the index key of an identifier.
func IdentifierKey(id model.Identifier) []byte { return Key(string(id.Kind), id.Value) }

func one(k []byte) [][]byte { return [][]byte{k} }

func each[T any](list []T, key func(T) []byte) [][]byte {
	out := make([][]byte, 0, len(list))
	for _, v := range list {
		k := key(v)
		if !containsKey(out, k) {
			out = append(out, k)
		}
	}
	return out
}
