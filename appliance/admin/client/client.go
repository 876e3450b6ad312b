// Package client is the one client of the appliance's admin API. The command
// line and the terminal UI ask everything through it.
//
// A [Client] has one method for every method of [admin.Service], with the same
// types and without the actor: who asks is what the kernel says of the socket's
// other end, never what a client claims. Refusals are *[admin.Error] values; an
// appliance that cannot be reached is an [*Unreachable], whose text says what to
// do about it.
//
// The package retries nothing and keeps no state but idle connections and the
// version that answered last.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"rollcall/appliance/admin"
)

// maxReply is the size of the largest reply that is read, in bytes. The plan of
// a first activation is the largest there is.
const maxReply = 1 << 30

// Client asks the appliance behind one socket. It is safe for concurrent use.
type Client struct {
	socket  string
	http    *http.Client
	version atomic.Pointer[string]
}

// New returns a client of the appliance that answers on the unix socket at
// path. It does not connect.
func New(path string) *Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	return NewOver(path, func(ctx context.Context) (net.Conn, error) { return dialer.DialContext(ctx, "unix", path) })
}

// NewOver is [New] with connections that dial makes; path is only what messages
// call the other end.
func NewOver(path string, dial func(context.Context) (net.Conn, error)) *Client {
	return &Client{
		socket: path,
		http: &http.Client{
			Transport: &http.Transport{
				DialContext:         func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
				MaxIdleConnsPerHost: 4,
				IdleConnTimeout:     time.Minute,
				DisableCompression:  true, // it does not leave the machine
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Socket returns the path of the socket that the client asks.
func (c *Client) Socket() string { return c.socket }

// Close closes idle connections. The client can be used again after.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// ServerVersion returns the version of the appliance that answered last, empty
// before the first answer.
func (c *Client) ServerVersion() string {
	if v := c.version.Load(); v != nil {
		return *v
	}
	return ""
}

// Mismatch returns a sentence for the operator when the appliance that answered
// last is of another version than own, and nothing when it is the same.
func (c *Client) Mismatch(own string) string {
	theirs := c.ServerVersion()
	if theirs == "" || theirs == own {
		return ""
	}
	return fmt.Sprintf("this command is rollcall %s and the running appliance is %s: restart the appliance after an update, or use its own command", own, theirs)
}

// call is one request.
type call struct {
	method string
	path   []string // segments, escaped when sent
	query  url.Values
	tag    string // If-Match; empty: unconditional
	body   any    // nil: none
	into   any    // nil: the reply has no body that matters
}

func (c *Client) do(ctx context.Context, a call) error {
	target, err := address(a.path, a.query)
	if err != nil {
		return err
	}
	var body io.Reader
	if a.body != nil {
		raw, err := json.Marshal(a.body)
		if err != nil {
			return fmt.Errorf("encode request: %w", err)
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, a.method, target, body)
	if err != nil {
		return fmt.Errorf("request: %w", err)
	}
	if a.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if a.tag != "" {
		req.Header.Set("If-Match", `"`+a.tag+`"`)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return c.unreachable(ctx, err)
	}
	defer resp.Body.Close()
	v := resp.Header.Get(admin.VersionHeader)
	if v == "" {
		return fmt.Errorf("what answers on %s is not rollcall: name its socket with --socket", c.socket)
	}
	c.version.Store(&v)
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return refusal(resp)
	}
	if a.into == nil || resp.StatusCode == http.StatusNoContent {
		return nil
	}
	if w, raw := a.into.(io.Writer); raw {
		_, err := io.Copy(w, resp.Body)
		return err
	}
	limited := &io.LimitedReader{R: resp.Body, N: maxReply + 1}
	if err := json.NewDecoder(limited).Decode(a.into); err != nil {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case limited.N <= 0:
			return fmt.Errorf("the appliance's reply is larger than %d bytes: ask for less", maxReply)
		}
		return fmt.Errorf("the appliance's reply is not understood: %w: is this command of the same version? it is %s", err, v)
	}
	return nil
}

// ask is do for a reply that is returned whole.
func ask[T any](ctx context.Context, c *Client, a call) (T, error) {
	var reply T
	a.into = &reply
	if err := c.do(ctx, a); err != nil {
		var none T
		return none, err
	}
	return reply, nil
}

// address builds the URL of a request. The host is only what HTTP wants to have.
func address(segments []string, query url.Values) (string, error) {
	var b strings.Builder
	b.WriteString("http://rollcall/v1")
	for _, s := range segments {
		switch s {
		case "":
			return "", &admin.Error{Code: admin.CodeInvalid, Text: "a name is empty: give one"}
		case ".", "..":
			// As a path they would mean another route.
			s = strings.ReplaceAll(s, ".", "%2E")
		default:
			s = url.PathEscape(s)
		}
		b.WriteString("/" + s)
	}
	if len(query) > 0 {
		b.WriteString("?" + query.Encode())
	}
	return b.String(), nil
}

// refusal reads the error in a reply.
func refusal(resp *http.Response) error {
	var e admin.Error
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err == nil && json.Unmarshal(raw, &e) == nil && e.Code != "" && e.Text != "" {
		return &e
	}
	if resp.StatusCode < 400 {
		return &admin.Error{Code: admin.CodeNotFound, Text: "there is nothing of that name: check the spelling"}
	}
	return &admin.Error{Code: admin.CodeInternal, Text: fmt.Sprintf("the appliance answered %s without saying why: look at its log", resp.Status)}
}

// IsCode reports whether err is a refusal with the given code.
func IsCode(err error, code string) bool {
	var e *admin.Error
	return errors.As(err, &e) && e.Code == code
}

func pageQuery(p admin.Page) url.Values {
	q := url.Values{}
	if p.After != "" {
		q.Set("after", p.After)
	}
	setLimit(q, p.Limit)
	return q
}

func setLimit(q url.Values, limit int) {
	if limit > 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
}
