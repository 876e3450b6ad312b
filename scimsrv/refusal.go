package scimsrv

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/filter"
	"rollcall/scimsrv/patch"
	"rollcall/scimsrv/schema"
)

// errorURN is the message schema of errors (RFC 7644 §3.12).
const errorURN = "urn:ietf:params:scim:api:messages:2.0:Error"

// The scimType keywords of RFC 7644 §3.12 and RFC 9865 §2 that no package below
// this one causes.
const (
	uniqueness    = "uniqueness"
	tooMany       = "tooMany"
	invalidVers   = "invalidVers"
	invalidCursor = "invalidCursor"
	expiredCursor = "expiredCursor"
	invalidCount  = "invalidCount"
)

// refusal is an answer that says no. Its detail tells the sender's administrator
// what to change, because Okta and Entra show it, and holds nothing personal,
// because it is journaled.
type refusal struct {
	status   int
	scimType string
	detail   string
	header   http.Header
}

func (r *refusal) Error() string { return r.detail }

func refuse(status int, scimType, detail string) *refusal {
	return &refusal{status: status, scimType: scimType, detail: detail}
}

func (r *refusal) with(name, value string) *refusal {
	if r.header == nil {
		r.header = http.Header{}
	}
	r.header.Set(name, value)
	return r
}

func (r *refusal) retryAfter(wait time.Duration) *refusal {
	// Whole seconds: Okta takes an HTTP date for five minutes.
	seconds := max(1, int((wait+time.Second-1)/time.Second))
	return r.with("Retry-After", strconv.Itoa(seconds))
}

func (r *refusal) body() *attr.Object {
	o := attr.NewObject(
		attr.Member{Name: "schemas", Value: attr.Strings(errorURN)},
		attr.Member{Name: "status", Value: strconv.Itoa(r.status)}, // a string, Okta's suite looks
	)
	if r.scimType != "" {
		o.Set("scimType", r.scimType)
	}
	o.Set("detail", r.detail)
	return o
}

// refusalOf is the one place where errors become answers. What it does not know
// is reported as an internal error without a word of its text.
func (s *Service) refusalOf(c *call, err error) *refusal {
	var (
		known   *refusal
		taken   *UniqueError
		nobody  *MemberError
		closed  *UnavailableError
		patched *patch.Error
		invalid *schema.Error
		path    *schema.PathError
		search  *filter.Error
		tooBig  *http.MaxBytesError
		syntax  *attr.Error
	)
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, ErrNotFound):
		return notFound()
	case errors.As(err, &taken):
		return refuse(http.StatusConflict, uniqueness, canonicalKey(taken.Attribute)+" is already used by the resource with id "+taken.Holder+
			"; find that one with a filter and update it, or send another value")
	case errors.As(err, &nobody):
		return unknownMember(nobody.ID)
	case errors.As(err, &closed):
		s.log.Warn("scim: the directory takes no writes", "error", closed)
		return refuse(http.StatusServiceUnavailable, "", "nothing can be written at the moment; the operator was told, send the request again later").
			retryAfter(closed.RetryAfter)
	case errors.Is(err, filter.ErrSensitive):
		return refuse(http.StatusForbidden, schema.Sensitive, "filter: "+filter.ErrSensitive.Error())
	case errors.As(err, &patched):
		return refuse(http.StatusBadRequest, patched.ScimType, patched.Error())
	case errors.As(err, &invalid):
		return refuse(http.StatusBadRequest, invalid.ScimType, err.Error())
	case errors.As(err, &path):
		return refuse(http.StatusBadRequest, schema.InvalidPath, path.Error())
	case errors.As(err, &search):
		return refuse(http.StatusBadRequest, schema.InvalidFilter, "filter, "+search.Error())
	case errors.As(err, &tooBig):
		return tooLarge(tooBig.Limit)
	case errors.Is(err, attr.ErrTooLarge):
		return tooLarge(s.limits.BodyBytes)
	case errors.As(err, &syntax):
		return refuse(http.StatusBadRequest, schema.InvalidSyntax, "the body is no SCIM resource or message: "+syntax.Error())
	case errors.Is(err, os.ErrDeadlineExceeded):
		// Nothing but the body of a request is read under a deadline.
		return refuse(http.StatusRequestTimeout, "", "the body did not arrive in time; send the request again").with("Connection", "close")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return refuse(http.StatusBadRequest, schema.InvalidSyntax, "the body ended before its announced length").with("Connection", "close")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return refuse(http.StatusServiceUnavailable, "", "the request was given up before it was answered; send it again").retryAfter(time.Second)
	default:
		s.log.Error("scim: request failed", "source", c.caller.Source, "error", err)
		return refuse(http.StatusInternalServerError, "", "internal error; the appliance's log has the cause")
	}
}

// canonicalKey spells the attribute of a key as the schemas do.
func canonicalKey(attribute string) string {
	for _, name := range []string{"userName", "displayName", "externalId"} {
		if attr.EqualName(name, attribute) {
			return name
		}
	}
	return attribute
}

func notFound() *refusal {
	return refuse(http.StatusNotFound, "", "there is no resource with this id; look it up with a filter and use the id found there")
}

func unknownMember(id string) *refusal {
	return refuse(http.StatusBadRequest, schema.InvalidValue,
		"members: there is no user or group with the id "+printable(id)+"; create it first")
}

func tooLarge(limit int64) *refusal {
	return refuse(http.StatusRequestEntityTooLarge, "", "the body is larger than "+strconv.FormatInt(limit, 10)+" bytes; send less at once")
}
