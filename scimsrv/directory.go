package scimsrv

import (
	"context"
	"errors"
	"iter"
	"time"

	"rollcall/appliance/model"
	"rollcall/scimsrv/attr"
)

// Type is a SCIM resource type.
type Type string

const (
	User  Type = "User"
	Group Type = "Group"
)

// Caller is who is asking: one token of one source.
type Caller struct {
	Source  string     // the source's name in the configuration
	Kind    model.Kind // okta, azure or scim
	Dialect string     // okta, azure, lenient or rfc: which quirks apply
	TokenID string     // names the token, is not the token
	Label   string     // what the operator called the token
}

// Resource is a stored resource. Body holds everything but id, schemas, meta
// and, for groups, members; it must not be modified.
type Resource struct {
	Type     Type
	ID       string
	Rev      uint64 // becomes the ETag W/"rev"
	Body     *attr.Object
	Created  time.Time
	Modified time.Time
	// Groups are the ids and names of the groups a user is a direct member of.
	Groups []Member
	// MemberCount is the number of members of a group.
	MemberCount int
}

// Member is one entry of a group's members, or of a user's groups.
type Member struct {
	Value   string // the id of the user or group
	Display string
	Type    Type // empty when the sender did not say
}

// Key is a value by which a resource is found without a scan. Values are folded
// by scimsrv as the attribute's caseExact demands, so a Directory compares bytes.
type Key struct {
	Attribute string // lower case: "username", "externalid", "displayname", "emails.value"
	Value     string
	Unique    bool // at most one live resource of this type and source may carry it
}

// Draft is what a write leaves behind.
type Draft struct {
	Body *attr.Object
	Keys []Key
	// Members changes the members of a group; ignored for users.
	Members MemberChange
}

// MemberChange is a change of a group's members, applied in the order Clear,
// Remove, Add. Adding what is no resource of the source is refused with a
// [*MemberError] and nothing is written, however recently it was deleted. Adding a member that is there already replaces its display. Both
// lists come in the order of the ids: a tree takes fifty thousand sorted keys in
// a fraction of the time of as many shuffled ones.
type MemberChange struct {
	Clear  bool // remove everybody first
	Remove []string
	Add    []Member
}

// View is a resource inside a write, before the change.
type View interface {
	Resource() Resource
	// HasMember and Members look at a group's members without copying them all.
	HasMember(id string) bool
	Members() iter.Seq[Member]
}

var (
	// ErrNotFound says that the caller's source has no such resource.
	ErrNotFound = errors.New("no such resource")
	// ErrUnchanged is returned by a change function that has nothing to change:
	// no new version is written and the resource is returned as it is.
	ErrUnchanged = errors.New("nothing to change")
)

// UniqueError says that a unique key is taken by another resource.
type UniqueError struct {
	Attribute string
	Holder    string // the id of the resource that has it
}

// Error names the attribute, not the value.
func (e *UniqueError) Error() string { return e.Attribute + " is already used by another resource" }

// MemberError says that what is to be added to a group is no resource of the
// caller's source.
type MemberError struct{ ID string }

// Error does not name the id, which may be anything that a sender wrote.
func (e *MemberError) Error() string { return "no user or group has the id of a member to be added" }

// UnavailableError says that nothing can be written for now, for example
// because the disk is full. The sender is told to come back.
type UnavailableError struct {
	RetryAfter time.Duration
	Err        error
}

func (e *UnavailableError) Error() string { return "not available: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }

// Query selects resources. Keys, when not empty, are alternatives answered by
// an index; Match then filters what the index gave (nil: all of it).
type Query struct {
	Type  Type
	Keys  []Key
	Match func(Resource) bool
	// NeedGroups asks for Resource.Groups to be filled in.
	NeedGroups bool
	// Outline says that nobody looks into the values of Resource.Body but to write
	// them into an answer: they may be what [attr.Outline] gives, which spares
	// decoding and encoding them. It is never set together with Match.
	Outline bool
}

// Directory is what the SCIM routes need of the storage. Every method sees the
// resources of the caller's source and no others. All are safe for concurrent
// use. A nil error from a write means that it is on disk, with its consequences.
type Directory interface {
	Get(ctx context.Context, c Caller, t Type, id string) (Resource, error)
	// Select yields the resources that q selects, in order of creation, beginning
	// after the resource with id after (empty: at the beginning). No transaction
	// is held while the consumer works.
	Select(ctx context.Context, c Caller, q Query, after string) iter.Seq2[Resource, error]
	// Count returns the number of resources of a type, without a scan.
	Count(ctx context.Context, c Caller, t Type) (int, error)
	// Members yields the members of a group in a stable order.
	Members(ctx context.Context, c Caller, group string) iter.Seq2[Member, error]
	// HasMember reports whether id is a direct member of the group.
	HasMember(ctx context.Context, c Caller, group, id string) (bool, error)

	// Create stores a new resource under an id of the directory's choice, or
	// fails with a *UniqueError.
	Create(ctx context.Context, c Caller, t Type, d Draft) (Resource, error)
	// Update runs change on the resource inside one write transaction and stores
	// what it returns. An error of change is returned as it is and nothing is
	// written. change must be free of side effects: it may run more than once.
	Update(ctx context.Context, c Caller, t Type, id string, change func(View) (Draft, error)) (Resource, error)
	// Delete removes the resource; check runs first inside the transaction.
	Delete(ctx context.Context, c Caller, t Type, id string, check func(View) error) error
}

// Authenticator turns a bearer token into a caller. It compares in constant
// time and reports false for unknown, expired and revoked tokens alike.
type Authenticator interface {
	Authenticate(ctx context.Context, token string) (Caller, bool)
}

// Exchange is one request of a sender, for the requests journal: masked, and
// without any personal value.
type Exchange struct {
	At       time.Time
	Caller   Caller
	Method   string
	Path     string // ids kept, query values masked
	Status   int
	SCIMType string
	Detail   string // as answered, without personal values
	Quirks   []string
	Took     time.Duration
	Bytes    int
}

// Recorder receives every exchange after it was answered. It must not block.
type Recorder interface {
	Record(Exchange)
	// Full reports that what is recorded now is counted only and not kept: its path
	// then ends behind the endpoint, because masking costs time.
	Full() bool
}
