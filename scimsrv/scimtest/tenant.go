package scimtest

import (
	"context"
	"crypto/subtle"
	"sync"

	"rollcall/scimsrv"
)

// Tokens is an [scimsrv.Authenticator] for tests: it knows the tokens in its map.
type Tokens map[string]scimsrv.Caller

// Authenticate implements [scimsrv.Authenticator].
func (k Tokens) Authenticate(_ context.Context, token string) (scimsrv.Caller, bool) {
	var caller scimsrv.Caller
	found := 0
	for known, c := range k {
		if same := subtle.ConstantTimeCompare([]byte(known), []byte(token)); same == 1 {
			caller, found = c, 1
		}
	}
	return caller, found == 1
}

// Journal is a [scimsrv.Recorder] that keeps what it is given. The zero value is
// ready, and safe for concurrent use.
type Journal struct {
	mu        sync.Mutex
	exchanges []scimsrv.Exchange
}

// Record implements [scimsrv.Recorder].
func (j *Journal) Record(e scimsrv.Exchange) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.exchanges = append(j.exchanges, e)
}

// Full implements [scimsrv.Recorder].
func (j *Journal) Full() bool { return false }

// Exchanges returns what was recorded so far.
func (j *Journal) Exchanges() []scimsrv.Exchange {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]scimsrv.Exchange(nil), j.exchanges...)
}
