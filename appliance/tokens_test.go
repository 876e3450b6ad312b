package appliance

import (
	"crypto/sha256"
	"testing"
	"time"

	"rollcall/appliance/store"
)

func TestATokenThatWasReadBeforeARevocationIsNotRememberedAfterIt(t *testing.T) {
	a := newAuthenticator(nil, nil, time.Now)
	sum := sha256.Sum256([]byte("token"))
	read := a.round
	a.forget()
	a.remember(sum, store.Token{ID: "t_1"}, read)
	if _, known := a.known[sum]; known {
		t.Error("it would be accepted although it may be revoked")
	}
	a.remember(sum, store.Token{ID: "t_1"}, a.round)
	if _, known := a.known[sum]; !known {
		t.Error("nothing is remembered")
	}
}
