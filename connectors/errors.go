package connectors

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Class says what the caller should do about an error, not what went wrong.
type Class uint8

const (
	Unclassified  Class = iota // treated as Transient, but counted
	Transient                  // try again later: timeouts, 5xx, a broken body
	Throttled                  // try again at RetryAt
	Denied                     // credentials or permissions: stop, tell the operator once
	Invalid                    // this item will never be accepted as it is
	Taken                      // the login exists already
	Gone                       // the item is not there any more
	Misconfigured              // the configuration is wrong: stop, tell the operator
)

var classNames = [...]string{"unclassified", "transient", "throttled", "denied", "invalid", "taken", "gone", "misconfigured"}

// String returns the word used in logs and stored with a job.
func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return fmt.Sprintf("class(%d)", uint8(c))
}

// Error is what connectors return. Its text says what happened and to what, in
// one line, and holds neither secrets nor a person's data.
type Error struct {
	Class   Class
	Op      string    // "hibob: search people"
	Detail  string    // "403 Forbidden: no permissions to read lifecycle"
	Next    string    // what the operator can do, a sentence; may be empty
	RetryAt time.Time // Throttled: not before; zero means the caller decides
	Status  int       // the HTTP status, 0 when there was none
	Err     error     // the cause, when its text is safe to show
}

// Error returns "op: detail: cause. Next".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Detail != "" {
		b.WriteString(": ")
		b.WriteString(e.Detail)
	}
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	if e.Next != "" {
		b.WriteString(". ")
		b.WriteString(e.Next)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ClassOf returns the class of the first [Error] in err's chain, Unclassified
// when there is none.
func ClassOf(err error) Class {
	var e *Error
	if errors.As(err, &e) {
		return e.Class
	}
	return Unclassified
}

// RetryAt returns when a throttled error allows the next attempt; zero when it
// does not say.
func RetryAt(err error) time.Time {
	var e *Error
	if errors.As(err, &e) {
		return e.RetryAt
	}
	return time.Time{}
}

// ErrManagerRefused is in the chain of an error of class [Invalid] when a target
// refused a write only because of its link to the manager: without the link the
// rest would be accepted.
var ErrManagerRefused = errors.New("the manager was not accepted")
