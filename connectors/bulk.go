package connectors

import (
	"context"
	"errors"

	"rollcall/appliance/model"
)

// BulkTarget is implemented by targets whose service may take several writes in one
// request.
type BulkTarget interface {
	Target
	// Batch begins a request of several writes; nil when the service takes them one by
	// one only. It may ask the service what it offers.
	Batch(ctx context.Context) (Batch, error)
	// Together is how many writes one request takes as far as is known, 1 when they go
	// one by one. It asks nobody.
	Together() int
}

// Batch is one request of several writes. It is used by one goroutine.
type Batch interface {
	// Add puts a write behind those that are in already, if it fits. It sends nothing.
	// A link to a manager whose create is in the batch already needs no id: the request
	// says that the one is made of the other.
	Add(w Write) Fit
	// Send sends the request, once, and returns one outcome for each write, in the
	// order in which they were added. It may read accounts to learn how the service
	// took the first batches. What did not come back, the caller must take for
	// possibly done.
	Send(ctx context.Context) []Written
}

// Write is one write to an account: [Target].Create when RemoteID is empty, else
// [Target].Update.
type Write struct {
	RemoteID string
	Have     *model.Desired
	Want     model.Desired
}

// Fit says whether a write goes with a batch.
type Fit uint8

const (
	Fits  Fit = iota // it is in the batch now
	Full             // there is no room for it: it goes with the next
	Later            // it needs what is in this batch to be done first: it goes with the next
	Alone            // it cannot go with others at all
)

// Written is the outcome of one write of a batch: as that of Create or Update.
type Written struct {
	Account model.Account
	Err     error
	// LinkLeft says that the write was done, and the link to the manager was not.
	LinkLeft bool
}

var (
	// ErrUnsent is in the chain of an outcome of a write that the service did not
	// look at: nothing was tried, and it goes again, in another batch or by itself.
	ErrUnsent = errors.New("not looked at")
	// ErrAlone is in the chain of an outcome of a write that was refused, and may be
	// accepted by itself: nothing was changed.
	ErrAlone = errors.New("refused together with others")
)
