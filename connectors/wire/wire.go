// Package wire is what every HTTP connector shares: one way to wait for a rate
// budget, to send a request, to check what came back, and to describe what went
// wrong without a secret in it.
//
// It does not retry, follow redirects, log, or know any service. A connector
// builds one [Client] per budget and turns its answers into people or accounts.
//
// Invariants:
//   - every error is a [connectors.Error] that says what to do next;
//   - an answer is handed out only when its status was asked for and its content
//     type is JSON: a web page with status 200 is an error;
//   - a body that is larger than the cap, late, or cut off ends in an error from
//     Read, never in a clean end of file;
//   - error texts hold no header value, query, token, or body, except the
//     sentence that the connector's Describe picked, and that one is scrubbed of
//     the credentials that were sent and of mail addresses.
package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"rollcall/connectors"
)

const (
	defaultMaxBody = 64 << 20
	defaultTimeout = 60 * time.Second
	// maxErrorBody is how much of a refusal is read for Describe.
	maxErrorBody = 64 << 10
)

// Client sends requests to one service. Its fields are set once, before the
// first request; it is then safe for concurrent use.
type Client struct {
	// Name begins the text of every error, "hibob".
	Name string
	// Base is the address that request paths are joined to.
	Base *url.URL
	// HTTP sends the requests; nil is a client of its own with the standard
	// transport. Its redirect policy is not used: redirects are never followed,
	// because a token must not leave for another host and because each request
	// must be counted by the limiter.
	HTTP *http.Client
	// Limiter is asked before each request; nil allows all.
	Limiter *Limiter
	// MaxBody caps a decoded body, in bytes; 0 is 64 MiB. More is an error.
	MaxBody int64
	// Timeout bounds one request up to the last byte of its answer, time that
	// the caller takes between reads included; 0 is 60 s.
	Timeout time.Duration
	// Stall bounds each single wait for the service: for the header of the
	// answer, then for more of its body. Time the caller takes is not counted, so
	// that a long stream may be read slowly. 0 leaves only Timeout.
	Stall time.Duration
	// Authorize adds credentials to a request; nil adds none. It may itself send
	// requests, with another Client.
	Authorize func(ctx context.Context, r *http.Request) error
	// Header is sent with every request.
	Header http.Header
	// Describe picks a sentence that is safe to show out of the body of a
	// refusal: no credential and nobody's data. nil shows the status only.
	Describe func(status int, body []byte) (detail string)
	// Now is the clock that Retry-After is counted from; nil is time.Now.
	Now func() time.Time
}

// Request is one request to a service.
type Request struct {
	// Op says what is done, for error texts: "search people".
	Op     string
	Method string
	// Path is joined to the base, already escaped (see [url.PathEscape]).
	Path string
	// Query is encoded into the address, unless RawQuery is set, for services
	// that read brackets and commas only when they are not escaped.
	Query    url.Values
	RawQuery string
	// Header is sent in addition to the client's and replaces its values.
	Header http.Header
	// Body is marshalled to JSON; [url.Values] are sent as a form; nil sends
	// nothing.
	Body any
	// ContentType replaces "application/json" of a JSON body.
	ContentType string
	// OK lists the acceptable statuses; empty: 200 to 299.
	OK []int
}

// Response is an acceptable answer. The caller closes Body.
type Response struct {
	Status int
	Header http.Header
	// Body is decompressed and capped. Its content type is JSON, unless Status is
	// one that has no body (204, 205, 304). Read returns a [connectors.Error] of
	// class Transient when the body breaks off, stalls or is too large.
	Body io.ReadCloser
}

// Do sends one request, once, and returns its answer when the status is
// acceptable. The class of an error follows the status: 401 and 403 Denied; 429
// Throttled, with RetryAt when the service said; 408, 425, 5xx, network
// trouble, timeouts and an answer that is not JSON Transient; 404 and 410 Gone;
// 409 Taken; a redirect Misconfigured; any other 4xx Invalid. When ctx ends, the
// error wraps ctx.Err().
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	op := c.op(r)
	req, err := c.build(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := c.rehearsed(ctx, op, req); err != nil {
		return nil, err
	}
	if c.Limiter != nil {
		if err := c.Limiter.Wait(ctx); err != nil {
			return nil, &connectors.Error{Class: connectors.Transient, Op: op, Detail: "waiting for the rate budget", Err: err}
		}
	}
	if c.Authorize != nil {
		if err := c.Authorize(ctx, req); err != nil {
			return nil, authorizeError(ctx, op, err)
		}
	}

	w := watch(ctx, c.timeout(), c.Stall)
	w.arm()
	resp, err := c.client().Do(req.WithContext(w.ctx))
	w.disarm()
	if err != nil {
		defer w.stop()
		return nil, w.explain(op, err)
	}
	body := &body{op: op, from: resp.Body, watch: w, left: c.maxBody(), limit: c.maxBody()}

	if !acceptable(resp.StatusCode, r.OK) {
		defer body.Close()
		return nil, c.refusal(op, req, r, resp, body)
	}
	if !bodyless(resp.StatusCode) && !isJSON(resp.Header.Get("Content-Type")) {
		defer body.Close()
		return nil, &connectors.Error{
			Class: connectors.Transient, Op: op, Status: resp.StatusCode,
			Detail: fmt.Sprintf("%s, but the answer is %s instead of JSON", StatusLine(resp.StatusCode), mediaType(resp.Header)),
			Next:   "Check base_url, and that no proxy answers in the service's place",
		}
	}
	return &Response{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

// JSON is Do followed by decoding the body, which must be exactly one JSON
// value, into the value that into points to. Numbers decoded into an interface
// become [json.Number]. The returned response's body is closed. A bodyless
// status leaves into as it is.
func (c *Client) JSON(ctx context.Context, r Request, into any) (*Response, error) {
	resp, err := c.Do(ctx, r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if bodyless(resp.Status) {
		return resp, nil
	}
	dec := json.NewDecoder(resp.Body)
	dec.UseNumber()
	if err := dec.Decode(into); err != nil {
		return nil, c.Broken(r.Op, resp.Status, dec.InputOffset(), err)
	}
	switch _, err := dec.Token(); {
	case errors.Is(err, io.EOF):
		return resp, nil
	case err == nil:
		err = errors.New("more data follows")
		fallthrough
	default:
		return nil, c.Broken(r.Op, resp.Status, dec.InputOffset(), err)
	}
}

// Broken is the error for an answer whose body is not the documented JSON. It is
// for connectors that decode a stream themselves: err is what the decoder
// returned, and its text is not used, because decoders quote what they read. An
// error that came from the body's own Read is passed on as it is.
func (c *Client) Broken(op string, status int, offset int64, err error) error {
	var own *connectors.Error
	if errors.As(err, &own) {
		return own
	}
	detail := fmt.Sprintf("%s, but the body is not the documented JSON near byte %d", StatusLine(status), offset)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		detail = fmt.Sprintf("%s, but the body is cut off after byte %d", StatusLine(status), offset)
	}
	return &connectors.Error{Class: connectors.Transient, Op: c.Name + ": " + op, Detail: detail, Status: status}
}

// build makes the request, without credentials.
func (c *Client) build(ctx context.Context, r Request) (*http.Request, error) {
	invalid := func(detail string) error {
		return &connectors.Error{Class: connectors.Misconfigured, Op: c.op(r), Detail: detail}
	}
	if c.Base == nil || c.Base.Host == "" {
		return nil, invalid("no base URL")
	}
	target := *c.Base
	target.User = nil
	if r.Path != "" {
		target = *target.JoinPath(r.Path)
	}
	target.RawQuery, target.Fragment = r.RawQuery, ""
	if r.RawQuery == "" {
		target.RawQuery = r.Query.Encode()
	}

	payload, contentType, err := encode(r.Body)
	if err != nil {
		return nil, invalid("the request body cannot be encoded")
	}
	var from io.Reader
	if r.Body != nil {
		from = strings.NewReader(payload)
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, target.String(), from)
	if err != nil {
		return nil, invalid("the request cannot be built")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "rollcall")
	// HiBob answers 400 to some GETs that carry a content type without a body.
	if r.Body != nil {
		if r.ContentType != "" {
			contentType = r.ContentType
		}
		req.Header.Set("Content-Type", contentType)
	}
	for _, more := range []http.Header{c.Header, r.Header} {
		for k, v := range more {
			req.Header[http.CanonicalHeaderKey(k)] = slices.Clone(v)
		}
	}
	return req, nil
}

func encode(body any) (payload, contentType string, err error) {
	switch b := body.(type) {
	case nil:
		return "", "", nil
	case url.Values:
		return b.Encode(), "application/x-www-form-urlencoded", nil
	}
	raw, err := json.Marshal(body)
	return string(raw), "application/json", err
}

func (c *Client) client() *http.Client {
	var hc http.Client
	if c.HTTP != nil {
		hc = *c.HTTP
	}
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &hc
}

func (c *Client) op(r Request) string { return c.Name + ": " + r.Op }

func (c *Client) maxBody() int64 {
	if c.MaxBody > 0 {
		return c.MaxBody
	}
	return defaultMaxBody
}

func (c *Client) timeout() time.Duration {
	if c.Timeout > 0 {
		return c.Timeout
	}
	return defaultTimeout
}

func (c *Client) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

func acceptable(status int, ok []int) bool {
	if len(ok) > 0 {
		return slices.Contains(ok, status)
	}
	return status >= 200 && status <= 299
}

func bodyless(status int) bool {
	return status == http.StatusNoContent || status == http.StatusResetContent || status == http.StatusNotModified
}

func isJSON(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	return media == "application/json" || media == "text/json" || strings.HasSuffix(media, "+json")
}

// mediaType names the content type of an answer for an error text.
func mediaType(h http.Header) string {
	media, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || media == "" {
		return "of no known type"
	}
	return safeText(media, 40)
}
