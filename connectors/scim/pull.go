package scim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/wire"
)

const (
	// defaultPage is how many users are asked for at once. Servers may answer
	// with fewer (RFC 7644 §3.4.2.4).
	defaultPage = 100
	largestPage = 1000
)

// PullConfig says which SCIM server is polled.
type PullConfig struct {
	// BaseURL is the address that /Users is below, "https://idm.example.com/scim/v2".
	// Plain http is taken for loopback addresses only, because each request
	// carries the token.
	BaseURL *url.URL
	Token   string // bearer token
	HTTP    *http.Client
	// Limiter is asked before each request, nil: none. The budget of a server
	// that nobody knows is nobody's to guess.
	Limiter  *wire.Limiter
	PageSize int              // 0: 100, at most 1000
	Now      func() time.Time // nil: time.Now
}

// PullSource reads the users of any SCIM 2.0 server. It implements
// [connectors.Source] and [connectors.Checker].
//
// A document is the resource as received, without meta, which changes by itself,
// and without password, which no server should return. An attribute that the
// resource lacks is absent, not null: RFC 7643 §2.5 calls the two the same, but a
// server also leaves out what the token may not read.
type PullSource struct {
	client   *wire.Client
	pageSize int
}

var (
	_ connectors.Source  = (*PullSource)(nil)
	_ connectors.Checker = (*PullSource)(nil)
)

// NewSource returns the source that cfg describes. It checks cfg and sends
// nothing. Every error is of class Misconfigured.
func NewSource(cfg PullConfig) (*PullSource, error) {
	base, err := pullAddress(cfg.BaseURL)
	if err != nil {
		return nil, err
	}
	token := strings.TrimSpace(cfg.Token)
	switch {
	case token == "":
		return nil, pullMisconfigured("token is empty", "")
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, pullMisconfigured("token holds blanks or characters that a header cannot carry", "Paste it again, without what surrounds it")
	case cfg.PageSize < 0 || cfg.PageSize > largestPage:
		return nil, pullMisconfigured(fmt.Sprintf("page size %d is not between 1 and %d", cfg.PageSize, largestPage), "")
	case cfg.PageSize == 0:
		cfg.PageSize = defaultPage
	}
	return &PullSource{pageSize: cfg.PageSize, client: &wire.Client{
		Name: "scim-pull", Base: base, HTTP: cfg.HTTP, Limiter: cfg.Limiter, Now: cfg.Now,
		Header: http.Header{"Accept": {MediaType + ", application/json;q=0.9"}},
		// wire follows no redirect, so that the token goes to this host only.
		Authorize: func(_ context.Context, r *http.Request) error {
			r.Header.Set("Authorization", "Bearer "+token)
			return nil
		},
		Describe: scimType, MaxBody: 32 << 20,
	}}, nil
}

// pullAddress returns the address that /Users is below. Administrators are known
// to paste the address of the users themselves.
func pullAddress(u *url.URL) (*url.URL, error) {
	switch {
	case u == nil || u.Hostname() == "":
		return nil, pullMisconfigured("base_url has no host", "Write it whole, with https:// in front")
	case u.User != nil:
		return nil, pullMisconfigured("base_url carries a user name or password", "Only bearer tokens are supported; put it in token")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, pullMisconfigured("base_url carries a query", "Leave out everything from the question mark on")
	case u.Scheme == "https", u.Scheme == "http" && pullLoopback(u.Hostname()):
		path := strings.TrimSuffix(strings.TrimRight(u.Path, "/"), "/Users")
		return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: path}, nil
	}
	return nil, pullMisconfigured("base_url is not an https address", "Use https; plain http is allowed on loopback only")
}

func pullLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func pullMisconfigured(detail, next string) error {
	return &connectors.Error{Class: connectors.Misconfigured, Op: "scim-pull: configure", Detail: detail, Next: next}
}

// scimType picks the one word of a SCIM error that is safe to show (RFC 7644
// §3.12, RFC 9865 §2.3.1); its detail may quote anything.
func scimType(_ int, body []byte) string {
	var e struct {
		ScimType string `json:"scimType"`
	}
	if json.Unmarshal(body, &e) != nil {
		return ""
	}
	for _, known := range []string{
		"invalidFilter", "tooMany", "uniqueness", "mutability", "invalidSyntax", "invalidPath", "noTarget", "invalidValue", "invalidVers", "sensitive",
		"invalidCursor", "expiredCursor", "invalidCount",
	} {
		if strings.EqualFold(e.ScimType, known) {
			return known
		}
	}
	return ""
}

// advisedPull tells the operator what to do about an error.
func advisedPull(err error) error {
	var e *connectors.Error
	if !errors.As(err, &e) || e.Next != "" {
		return err
	}
	a := *e
	switch {
	case e.Status == http.StatusUnauthorized:
		a.Next = "Check token; it may have ended or been revoked on the server"
	case e.Status == http.StatusForbidden:
		a.Next = "Allow the token to list users on the server"
	case e.Class == connectors.Gone:
		a.Class = connectors.Misconfigured
		a.Next = "Check base_url: there is no Users endpoint below it"
	default:
		return err
	}
	return &a
}

// pulled maps a user resource of a listing.
func pulled(r Resource) (model.Observation, error) {
	if !isUser(r) {
		return model.Observation{}, errNotUser
	}
	o := MapUser(r)
	if o.Native == "" {
		return model.Observation{}, errNoID
	}
	for _, n := range []struct {
		by   model.RefKind
		name string
	}{{model.RefUserName, "userName"}, {model.RefExternalID, "externalId"}} {
		if v, _ := (Path{Name: n.name}).Read(r); strings.TrimSpace(v) != "" {
			o.Names = append(o.Names, model.Reference{By: n.by, Value: strings.TrimSpace(v)})
		}
	}
	kept := make(map[string]any, len(r))
	for name, v := range r {
		if !strings.EqualFold(name, "meta") && !strings.EqualFold(name, "password") {
			kept[name] = v
		}
	}
	raw, err := json.Marshal(kept)
	if err != nil {
		return model.Observation{}, errors.New("a resource that cannot be encoded")
	}
	o.Document = raw
	return o, nil
}
