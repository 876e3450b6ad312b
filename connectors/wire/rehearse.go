package wire

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"rollcall/connectors"
)

// Shown is a request that was built and not sent: without its headers, which hold the
// credentials.
type Shown struct {
	Method string
	Path   string          // of the address, with its query
	Body   json.RawMessage // as it would be sent; nil: none, or not JSON
}

// ErrRehearsed is what a request ends with that was shown instead of sent.
var ErrRehearsed = errors.New("shown, and not sent")

type rehearsalKey struct{}

// Rehearse returns a context in which no [Client] sends anything, asks for credentials
// or spends its budget: show gets each request as it is about to leave, and whoever
// wanted it sent gets an error that wraps [ErrRehearsed]. What is shown is therefore
// made by the code that sends. What a connector would do after the first answer is
// not shown.
func Rehearse(ctx context.Context, show func(Shown)) context.Context {
	return context.WithValue(ctx, rehearsalKey{}, show)
}

// rehearsed shows a request when the context is one of [Rehearse].
func (c *Client) rehearsed(ctx context.Context, op string, req *http.Request) error {
	show, ok := ctx.Value(rehearsalKey{}).(func(Shown))
	if !ok {
		return nil
	}
	out := Shown{Method: req.Method, Path: req.URL.RequestURI()}
	if req.Body != nil {
		raw, err := io.ReadAll(req.Body) // a string in memory
		if err == nil && json.Valid(raw) {
			out.Body = raw
		}
	}
	show(out)
	return &connectors.Error{Class: connectors.Unclassified, Op: op, Detail: ErrRehearsed.Error(), Err: ErrRehearsed}
}
