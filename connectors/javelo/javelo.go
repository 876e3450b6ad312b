// Package javelo delivers people to Javelo ("Tellent Grow") over its SCIM 2.0
// service.
//
// It knows how Javelo spells accounts, pages, filters and refusals, and nothing
// of policy: it never retries, never deletes, keeps no roster, and does not judge
// an empty listing. What public documents leave open is marked "unverified" and
// either of the plausible behaviours is accepted.
//
// Invariants:
//   - one call of Create or Update is one request or none;
//   - Update sends the difference only, and nothing when there is none;
//   - a disabled account is never sent a manager, because Javelo refuses it;
//   - Find never returns an account with another login;
//   - no error text holds the token, or a value that was being written.
package javelo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/scim"
	"rollcall/connectors/wire"
)

// DefaultBaseURL is Javelo's production service; the test service is at
// https://api.staging.javelo.io/scim/v2.
const DefaultBaseURL = "https://api.javelo.io/scim/v2"

// defaultPageSize is assumed to be allowed; the maximum is not documented (unverified).
const defaultPageSize = 100

// Config is what a Target needs. Only Token is required.
type Config struct {
	// BaseURL ends in /scim/v2; nil: DefaultBaseURL.
	BaseURL *url.URL
	// Token is the bearer token that Javelo shows once, when SCIM is activated.
	Token string
	// HTTP sends the requests; nil: a client of its own.
	HTTP *http.Client
	// Limiter keeps Javelo's budget of 300 requests per five minutes; nil: no limit.
	Limiter *wire.Limiter
	// PageSize is how many accounts a listing asks for at once, 0: 100.
	PageSize int
	// TenantKeys names, for attributes kept in Javelo's extension, the key that
	// support gave them in this tenant where it is not the usual one:
	// "custom.business_unit" to "businessUnit". Without an entry custom.NAME is
	// the key NAME.
	TenantKeys map[model.Name]string
}

// Target is one Javelo tenant. It is safe for concurrent use.
type Target struct {
	client   wire.Client // copied per write, so that its Describe can know the write
	pageSize int
	accounts scim.AccountMap
	token    atomic.Pointer[string]

	mu     sync.Mutex // guards what follows
	stored map[model.Name]bool
	seen   seen
}

var (
	_ connectors.Target  = (*Target)(nil)
	_ connectors.Checker = (*Target)(nil)
	_ connectors.Rekeyed = (*Target)(nil)
)

// New checks the configuration and returns a Target; it sends nothing. Errors
// are of class Misconfigured.
func New(cfg Config) (*Target, error) {
	misconfigured := func(detail, next string) (*Target, error) {
		return nil, &connectors.Error{Class: connectors.Misconfigured, Op: "javelo: configure", Detail: detail, Next: next}
	}
	base := cfg.BaseURL
	if base == nil {
		var err error
		if base, err = url.Parse(DefaultBaseURL); err != nil {
			return nil, err
		}
	}
	switch {
	case base.Scheme != "https" && base.Scheme != "http", base.Host == "":
		return misconfigured("base_url is not an http or https address", "The production service is "+DefaultBaseURL)
	case base.User != nil, base.RawQuery != "", base.Fragment != "":
		return misconfigured("base_url holds more than scheme, host and path", "The production service is "+DefaultBaseURL)
	case cfg.PageSize < 0:
		return misconfigured("the page size is negative", "")
	}
	accounts, err := accountMap(cfg.TenantKeys)
	if err != nil {
		return misconfigured(err.Error(), "")
	}
	t := &Target{pageSize: cfg.PageSize, accounts: accounts, stored: map[model.Name]bool{}}
	if t.pageSize == 0 {
		t.pageSize = defaultPageSize
	}
	if err := t.SetToken(cfg.Token); err != nil {
		return nil, err
	}
	t.client = wire.Client{
		Name:    "javelo",
		Base:    base,
		HTTP:    cfg.HTTP,
		Limiter: cfg.Limiter,
		Authorize: func(_ context.Context, r *http.Request) error {
			r.Header.Set("Authorization", "Bearer "+*t.token.Load())
			return nil
		},
		Header:   http.Header{"Accept": {scim.MediaType + ", application/json"}},
		Describe: func(_ int, body []byte) string { return readRefusal(body, nil).Sentence },
	}
	return t, nil
}

// SetToken implements connectors.Rekeyed.
func (t *Target) SetToken(token string) error {
	misconfigured := func(detail, next string) error {
		return &connectors.Error{Class: connectors.Misconfigured, Op: "javelo: configure", Detail: detail, Next: next}
	}
	switch {
	case token == "":
		return misconfigured("no token", nextToken)
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return misconfigured("the token holds blanks, line breaks or characters outside ASCII", "Check that it was copied whole and alone")
	}
	t.token.Store(&token)
	return nil
}

// Carries reports whether Javelo has a place for an attribute. Others may be in
// a Desired; they are not sent.
func (t *Target) Carries(n model.Name) bool {
	_, ok := t.accounts.Path(n)
	return ok
}

// TenantField names the key of Javelo's extension behind an attribute that exists
// only where Javelo's support created it ([connectors.TenantFields]).
func (t *Target) TenantField(n model.Name) (string, bool) {
	if n == model.FirstHiredOn || n == model.StartDate {
		return "", false // documented for every tenant
	}
	path, ok := t.accounts.Path(n)
	return path.Name, ok && path.Schema == extension
}

// IgnoredAttributes lists the attributes that were sent and accepted, but were
// not in the account that Javelo answered with: keys of its extension that
// support has not created in this tenant are dropped without a word. It covers
// the writes since New; an attribute leaves the list once Javelo stores it.
func (t *Target) IgnoredAttributes() []model.Name {
	t.mu.Lock()
	defer t.mu.Unlock()
	names := slices.Collect(maps.Keys(t.stored))
	names = slices.DeleteFunc(names, func(n model.Name) bool { return t.stored[n] })
	model.SortNames(names)
	return names
}

// readBack compares what was sent with the answer, attribute by attribute.
func (t *Target) readBack(sent []change, answer scim.Resource) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range sent {
		if c.text == "" || !c.path.Within(answer) {
			continue // an empty attribute may be left out of an answer (RFC 7643 §2.5)
		}
		if got, _ := c.path.Read(answer); got != "" {
			t.stored[c.name] = true
		} else if !t.stored[c.name] {
			t.stored[c.name] = false
		}
	}
}

const nextToken = "Generate a new token in Javelo (Settings, Integrations, SCIM), where it is shown once, and put it where the configuration expects it; the old one stops at once"

var errNotAUser = errors.New("the answer is not a user")

// refine adds to an error of the wire what is known of Javelo.
func refine(err error) error {
	e, ok := errors.AsType[*connectors.Error](err)
	if !ok {
		return err
	}
	switch e.Status {
	case http.StatusUnauthorized:
		e.Next = nextToken
	case http.StatusForbidden:
		e.Next = "The token was recognised but may not do this; generate it as an administrator of Javelo"
	}
	return err
}

// refineLost is refine for requests to collections, which always exist: 404 there
// is an address that is not Javelo's.
func refineLost(err error) error {
	if e, ok := errors.AsType[*connectors.Error](err); ok && e.Class == connectors.Gone {
		e.Class = connectors.Misconfigured
		e.Next = "Check base_url: the production service is " + DefaultBaseURL
	}
	return refine(err)
}

// unusable is an answer that came with a good status and cannot be understood.
func unusable(op, format string, args ...any) error {
	return &connectors.Error{Class: connectors.Transient, Op: "javelo: " + op, Detail: fmt.Sprintf(format, args...)}
}
