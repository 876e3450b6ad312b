package schema

import (
	"fmt"
	"strings"
)

// The scimType keywords of RFC 7644 §3.12 that a resource or a PATCH can cause.
const (
	InvalidFilter = "invalidFilter"
	InvalidPath   = "invalidPath"
	InvalidSyntax = "invalidSyntax"
	InvalidValue  = "invalidValue"
	NoTarget      = "noTarget"
	Sensitive     = "sensitive"
	MutabilityErr = "mutability"
)

// Error is one thing wrong with a resource or a path, in words for the
// administrator of the sender. It names attributes and types and never repeats
// a value, because the text is logged and shown.
type Error struct {
	ScimType string
	Path     string // "emails[1].primary"; empty when the whole resource is meant
	Detail   string // what is expected, and what was found instead
}

func (e *Error) Error() string {
	if e.Path == "" {
		return e.Detail
	}
	return e.Path + ": " + e.Detail
}

func errorf(scimType, path, format string, args ...any) *Error {
	return &Error{ScimType: scimType, Path: path, Detail: fmt.Sprintf(format, args...)}
}

// Errors is everything that is wrong with one resource. It is never empty;
// errors.As finds its first element, whose ScimType stands for all.
type Errors []*Error

// maxReported is how many errors one text holds; more help nobody.
const maxReported = 5

func (e Errors) Error() string {
	texts := make([]string, 0, maxReported+1)
	for i, one := range e {
		if i == maxReported {
			texts = append(texts, fmt.Sprintf("and %d more", len(e)-maxReported))
			break
		}
		texts = append(texts, one.Error())
	}
	return strings.Join(texts, "; ")
}

// Unwrap returns the single errors.
func (e Errors) Unwrap() []error {
	errs := make([]error, len(e))
	for i := range e {
		errs[i] = e[i]
	}
	return errs
}
