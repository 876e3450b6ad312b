package scim

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
	"rollcall/connectors/wire"
)

// defaultTargetPage is how many accounts a listing asks for at once. Services
// give fewer when they want to (RFC 7644 §3.4.2.4).
const defaultTargetPage = 100

// TargetConfig is what a Target needs: BaseURL and Token.
type TargetConfig struct {
	// BaseURL is what /Users and /ServiceProviderConfig are joined to: https, or
	// http on loopback.
	BaseURL *url.URL
	// Token is a bearer token.
	Token string
	// HTTP sends the requests; nil: a client of its own.
	HTTP *http.Client
	// Limiter keeps the service's rate budget; nil: no limit.
	Limiter *wire.Limiter
	// PageSize is how many accounts a listing asks for at once, 0: 100.
	PageSize int
	// CustomKeys says where the service keeps attributes that RFC 7643 has no
	// place for, or another one: "custom.badge" to "nickName",
	// "custom.team" to "urn:example:acme:2.0:User:team". An attribute that stood
	// in a place claimed here is not sent any more.
	CustomKeys map[model.Name]string
}

// Target is one RFC 7644 service that people are delivered to. It is safe for
// concurrent use.
//
// It keeps to what the service's ServiceProviderConfig offers: PATCH, or else a
// read and a PUT of the whole resource; filters, or else the whole list; ETags;
// cursors; bulk. It never deletes, never retries but for the two cases that
// [Target.Update] names, and one call of Create is one request.
type Target struct {
	client   wire.Client // copied per write, so that its Describe can know the write
	pageSize int
	accounts AccountMap
	token    atomic.Pointer[string]
	offers   atomic.Pointer[Offers] // nil until the service was asked
	// bulkFailures counts bulk requests in a row that had no usable answer; verified
	// says that an account made in one was read back.
	bulkFailures atomic.Int32
	verified     atomic.Bool

	mu       sync.Mutex // guards what follows
	stored   map[model.Name]bool
	versions map[string]string // remote id → ETag last seen, while the service offers ETags
}

var (
	_ connectors.Target  = (*Target)(nil)
	_ connectors.Checker = (*Target)(nil)
	_ connectors.Rekeyed = (*Target)(nil)
)

// NewTarget checks the configuration and returns a Target; it sends nothing.
// Errors are of class Misconfigured.
func NewTarget(cfg TargetConfig) (*Target, error) {
	misconfigured := func(detail, next string) (*Target, error) {
		return nil, &connectors.Error{Class: connectors.Misconfigured, Op: "scim: configure", Detail: detail, Next: next}
	}
	base := cfg.BaseURL
	switch {
	case base == nil:
		return misconfigured("no base_url", "Ask the service for its SCIM 2.0 base URL")
	case base.Host == "", base.Scheme != "https" && !(base.Scheme == "http" && pullLoopback(base.Hostname())):
		return misconfigured("base_url is not an https address", "Plain http would show the token, and is allowed on loopback only")
	case base.User != nil, base.RawQuery != "", base.Fragment != "":
		return misconfigured("base_url holds more than scheme, host and path", "Put the credentials into token")
	case cfg.PageSize < 0:
		return misconfigured("the page size is negative", "")
	}
	accounts, err := targetMap(cfg.CustomKeys)
	if err != nil {
		return misconfigured(err.Error(), "")
	}
	t := &Target{pageSize: cfg.PageSize, accounts: accounts, stored: map[model.Name]bool{}, versions: map[string]string{}}
	if t.pageSize == 0 {
		t.pageSize = defaultTargetPage
	}
	if err := t.SetToken(cfg.Token); err != nil {
		return nil, err
	}
	t.client = wire.Client{
		Name:    "scim",
		Base:    base,
		HTTP:    cfg.HTTP,
		Limiter: cfg.Limiter,
		Authorize: func(_ context.Context, r *http.Request) error {
			r.Header.Set("Authorization", "Bearer "+*t.token.Load())
			return nil
		},
		Header:   http.Header{"Accept": {MediaType + ", application/json"}},
		Describe: func(_ int, body []byte) string { return ReadRefusal(body, nil).Sentence },
	}
	return t, nil
}

// SetToken implements connectors.Rekeyed.
func (t *Target) SetToken(token string) error {
	misconfigured := func(detail, next string) error {
		return &connectors.Error{Class: connectors.Misconfigured, Op: "scim: configure", Detail: detail, Next: next}
	}
	switch {
	case token == "":
		return misconfigured("no token", nextTargetToken)
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return misconfigured("the token holds blanks, line breaks or characters outside ASCII", "Check that it was copied whole and alone")
	}
	t.token.Store(&token)
	return nil
}

// TargetAttributes returns the attributes that an account of any SCIM 2.0
// service can hold, beside the email and the manager. What else a service keeps
// is named by [TargetConfig].CustomKeys.
func TargetAttributes() []model.Name {
	var names []model.Name
	for _, f := range targetFields() {
		names = append(names, f.Attribute)
	}
	return names
}

// targetFields adds to CoreFields what not every service keeps, but the core
// schema has a place for.
func targetFields() []Field {
	return append(CoreFields(),
		Field{model.MobilePhone, Path{Name: "phoneNumbers", Type: "mobile", Sub: "value"}},
		Field{model.Site, Path{Name: "addresses", Type: "work", Sub: "locality"}},
		Field{model.ContractType, Path{Name: "userType"}},
		Field{model.TimeZone, Path{Name: "timezone"}},
	)
}

// targetMap is the table of accounts with the configured places added.
func targetMap(keys map[model.Name]string) (AccountMap, error) {
	m := AccountMap{
		Fields:    targetFields(),
		ManagerID: Path{Schema: EnterpriseUser, Name: "manager", Sub: "value"},
	}
	claimed := map[string]bool{}
	for _, n := range slices.Sorted(maps.Keys(keys)) {
		p, err := placeOf(keys[n])
		switch {
		case !n.Valid() || n == model.Email || n == model.Manager:
			return m, fmt.Errorf("custom key for %q: no attribute that has a place of its own", n)
		case err != nil:
			return m, fmt.Errorf("custom key for %s: %w", n, err)
		case claimed[strings.ToLower(p.String())]:
			return m, fmt.Errorf("the place %s is used twice", p)
		}
		claimed[strings.ToLower(p.String())] = true
		m.Fields = slices.DeleteFunc(m.Fields, func(f Field) bool {
			return f.Attribute == n || strings.EqualFold(f.Path.String(), p.String())
		})
		m.Fields = append(m.Fields, Field{n, p})
	}
	return m, nil
}

// ownAttributes are written by the target itself or not at all.
var ownAttributes = []string{"id", "externalid", "username", "active", "schemas", "meta", "password", "groups", "emails", "manager"}

// placeOf reads "nickName", "name.middleName" or "URN:attribute".
func placeOf(key string) (Path, error) {
	p := Path{Name: key}
	if i := strings.LastIndexByte(key, ':'); i >= 0 {
		p.Schema, p.Name = key[:i], key[i+1:]
	}
	p.Name, p.Sub, _ = strings.Cut(p.Name, ".")
	urn := p.Schema == "" || strings.HasPrefix(strings.ToLower(p.Schema), "urn:") && !strings.ContainsAny(p.Schema, " \"[]")
	switch {
	case !urn || !attributeName(p.Name) || p.Sub != "" && !attributeName(p.Sub):
		return p, errors.New(`not a place: "nickName" or "urn:example:acme:2.0:User:team" would be`)
	case strings.EqualFold(p.Schema, CoreUser):
		p.Schema = ""
	}
	if (p.Schema == "" || strings.EqualFold(p.Schema, EnterpriseUser)) && slices.Contains(ownAttributes, strings.ToLower(p.Name)) {
		return p, errors.New("this place is not for a custom attribute")
	}
	return p, nil
}

// attributeName is the ATTRNAME rule of RFC 7643 §2.1.
func attributeName(s string) bool {
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '$' && i == 0
		if !letter && (i == 0 || (r < '0' || r > '9') && r != '-' && r != '_') {
			return false
		}
	}
	return s != ""
}

// Carries reports whether the target has a place for an attribute. Others may be
// in a Desired; they are not sent.
func (t *Target) Carries(n model.Name) bool {
	_, ok := t.accounts.Path(n)
	return ok
}

// IgnoredAttributes lists the attributes that were sent and accepted, but were
// not in the account that the service answered with. It covers the writes since
// NewTarget; an attribute leaves the list once the service stores it.
func (t *Target) IgnoredAttributes() []model.Name {
	t.mu.Lock()
	defer t.mu.Unlock()
	names := slices.Collect(maps.Keys(t.stored))
	names = slices.DeleteFunc(names, func(n model.Name) bool { return t.stored[n] })
	model.SortNames(names)
	return names
}

// readBack compares what was sent with the answer, attribute by attribute. Unlike
// an extension that is absent from an answer, an attribute whose extension is
// there says something by its absence.
func (t *Target) readBack(sent []targetChange, answer Resource) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range sent {
		if c.text == "" || !c.path.Within(answer) {
			continue
		}
		if got, _ := c.path.Read(answer); got != "" {
			t.stored[c.name] = true
		} else if !t.stored[c.name] {
			t.stored[c.name] = false
		}
	}
}

const nextTargetToken = "Ask the service's administrator for a new SCIM token, and put it where the configuration expects it"

// refineTarget adds to an error of the wire what an operator can do.
func refineTarget(err error) error {
	e, ok := errors.AsType[*connectors.Error](err)
	if !ok {
		return err
	}
	switch e.Status {
	case http.StatusUnauthorized:
		e.Next = nextTargetToken
	case http.StatusForbidden:
		e.Next = "The token was recognised but may not do this; ask the service's administrator for one that may read and write users"
	}
	return err
}

// refineCollection is refineTarget for requests to collections, which always
// exist: 404 there is an address that is not the service's.
func refineCollection(err error) error {
	if e, ok := errors.AsType[*connectors.Error](err); ok && e.Class == connectors.Gone {
		e.Class = connectors.Misconfigured
		e.Next = "Check base_url: /Users below it should list the accounts"
	}
	return refineTarget(err)
}

// unusableTarget is an answer that came with a good status and cannot be understood.
func unusableTarget(op, format string, args ...any) error {
	return &connectors.Error{Class: connectors.Transient, Op: "scim: " + op, Detail: fmt.Sprintf(format, args...)}
}

// statusOf returns the HTTP status an error came with, 0 when there was none.
func statusOf(err error) int {
	if e, ok := errors.AsType[*connectors.Error](err); ok {
		return e.Status
	}
	return 0
}
