package scimsrv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/semaphore"

	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/schema"
)

// readBody decodes the body of a request. JSON under any of its names is taken,
// and so is a body without a type: Okta's own test sends application/json.
func (s *Service) readBody(c *call, limit int64) (*attr.Object, error) {
	if ct := c.r.Header.Get("Content-Type"); ct != "" {
		media, params, err := mime.ParseMediaType(ct)
		charset := params["charset"]
		if err != nil || media != "application/scim+json" && media != "application/json" ||
			charset != "" && !attr.EqualName(charset, "utf-8") && !attr.EqualName(charset, "utf8") {
			return nil, refuse(http.StatusUnsupportedMediaType, "", "the body must be application/scim+json or application/json, in UTF-8")
		}
	}
	if ce := c.r.Header.Get("Content-Encoding"); ce != "" && !attr.EqualName(ce, "identity") {
		return nil, refuse(http.StatusUnsupportedMediaType, "", "compressed bodies are not supported; leave Content-Encoding out")
	}
	if c.r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	raw, err := s.receive(c, limit)
	if err != nil {
		return nil, err
	}
	return attr.Decode(raw, attr.Limits{Bytes: limit, Values: max(manyValues, len(raw)/bytesPerValue)})
}

// A group's members count by the ten thousands, three values in fifty bytes and
// more. A large body of tiny values is no such list, and would become thirty
// times as large in memory.
const (
	manyValues    = 100_000
	bytesPerValue = 16
)

const (
	// freeBody is the length in bytes up to which a body is read without asking.
	freeBody = 64 << 10
	// bodyPatience is how long a large body waits for the memory to hold it.
	bodyPatience = 5 * time.Second
)

// newBodies returns the memory for large bodies: two of the largest at a time, or
// many that are smaller. What senders announce and do not send costs nothing
// beyond that.
func newBodies(l Limits) *semaphore.Weighted {
	return semaphore.NewWeighted(2 * max(l.BodyBytes, l.BulkBytes))
}

// receive reads a body of at most limit bytes. One that turns out to be large
// waits for its share of the memory and keeps it until the request is answered.
func (s *Service) receive(c *call, limit int64) ([]byte, error) {
	var buf bytes.Buffer
	n, err := buf.ReadFrom(io.LimitReader(c.r.Body, min(freeBody, limit)+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read body: %w", err)
	case n > limit:
		return nil, tooLarge(limit)
	case n <= freeBody:
		return buf.Bytes(), nil
	}
	share := limit
	if c.r.ContentLength > 0 {
		share = c.r.ContentLength
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), bodyPatience)
	defer cancel()
	if err := s.bodies.Acquire(ctx, share); err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			return nil, refuse(http.StatusServiceUnavailable, "", "too many large requests at once; send this one again").retryAfter(bodyPatience)
		}
		return nil, err
	}
	c.held += share
	if c.r.ContentLength > n {
		buf.Grow(int(c.r.ContentLength-n) + bytes.MinRead)
	}
	m, err := buf.ReadFrom(io.LimitReader(c.r.Body, limit-n+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read body: %w", err)
	case n+m > limit:
		return nil, tooLarge(limit)
	}
	return buf.Bytes(), nil
}

// isMessage checks that "schemas" of a message names its kind. Only senders that
// keep to the letter are held to it.
func (c *call) isMessage(tree *attr.Object, urn string) error {
	if c.profile.Values(nil).AnySchemas {
		return nil
	}
	v, _ := tree.Get("schemas")
	list, _ := v.(attr.Array)
	if slices.ContainsFunc(list, func(v attr.Value) bool {
		s, ok := v.(string)
		return ok && attr.EqualName(s, urn)
	}) {
		return nil
	}
	return refuse(http.StatusBadRequest, schema.InvalidSyntax, "schemas: a list with "+urn+" is expected")
}
