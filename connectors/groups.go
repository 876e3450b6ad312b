package connectors

import (
	"context"
	"errors"
	"iter"
)

// GroupTarget is implemented by targets that keep groups of accounts. Groups are
// never deleted, and members whom the caller does not name are never touched.
// Implementations are safe for concurrent use.
type GroupTarget interface {
	// Groups yields all groups. As for accounts, an error means the listing is not
	// complete and nothing may be concluded from it. Members may be left out.
	Groups(ctx context.Context) iter.Seq2[GroupPage, error]
	// CreateGroup makes a group. After any error but class [Invalid] and [Taken] the
	// caller must assume that the group may exist.
	CreateGroup(ctx context.Context, name string, members []string) (Group, error)
	// UpdateGroup writes the difference in one request: another name unless it is
	// empty, members to remove, then members to add, by their account ids. Removing who
	// is no member and adding who is one are no errors. Class [Gone] says that the group
	// is not there any more. It is idempotent.
	UpdateGroup(ctx context.Context, id, name string, add, remove []string) error
}

// ErrNoGroups is in the chain of an error of class [Invalid] when the service keeps no
// groups, or takes none from us: people are not concerned.
var ErrNoGroups = errors.New("the service takes no groups")

// Group is one group as a target holds it.
type Group struct {
	ID      string
	Name    string
	Members []string // account ids, as far as the target says
	// Complete says that Members are all of them.
	Complete bool
}

// GroupPage is one piece of a listing.
type GroupPage struct {
	Groups []Group
	Last   bool
}
