package patch

import (
	"errors"
	"fmt"
	"strconv"

	"rollcall/scimsrv/filter"
	"rollcall/scimsrv/schema"
)

// Error says which operation of a PATCH was refused and why. Its text names
// attributes and expectations and never repeats a value.
type Error struct {
	Op       int // position in Operations, from 0; -1: the request as a whole
	ScimType string
	Detail   string
	Err      error // what caused it, or nil
}

func (e *Error) Error() string {
	if e.Op < 0 {
		return e.Detail
	}
	return "Operations[" + strconv.Itoa(e.Op) + "]: " + e.Detail
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func refuse(scimType, format string, args ...any) *Error {
	return &Error{Op: -1, ScimType: scimType, Detail: fmt.Sprintf(format, args...)}
}

// because turns an error of the schema or the filter into one of the PATCH. Both
// have texts that are fit for the sender.
func because(scimType string, err error) *Error {
	if e, ok := errors.AsType[*schema.Error](err); ok {
		scimType = e.ScimType
	}
	detail := err.Error()
	if _, ok := errors.AsType[*filter.Error](err); ok {
		detail = "path: " + detail
	}
	return &Error{Op: -1, ScimType: scimType, Detail: detail, Err: err}
}

// at puts the position of the operation on an error.
func at(op int, err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		placed := *e
		placed.Op = op
		return &placed
	}
	return err
}
