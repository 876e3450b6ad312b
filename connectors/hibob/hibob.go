// Package hibob reads a company's people from HiBob.
//
// One people search answers the whole directory in one body, in no order, with
// neither pages nor a way to ask for what changed. The body is decoded person by
// person while it arrives, so that memory does not grow with the company. What
// the service user may not read is left out of the answer without a word: a key
// that is missing means "not told", a null means "known to be empty", and the
// two are never mixed.
//
// The package writes nothing to HiBob, takes no webhooks, and knows no history:
// a read is always the state of today.
//
// Invariants:
//   - the last page is yielded only after the body was read to its proper end;
//   - when nobody's lifecycle status can be read, the read is refused
//     ([connectors.Denied]): everybody would be of unknown status;
//   - dates and truth values never come from humanReadable, which follows the
//     service user's locale; list labels come from nowhere else;
//   - a document holds nothing that changes by itself (avatars, tenure, age), and
//     is the same bytes for the same facts, whatever the order of keys was.
package hibob

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"rollcall/connectors"
	"rollcall/connectors/wire"
)

// DefaultBaseURL is HiBob's production API.
const DefaultBaseURL = "https://api.hibob.com/v1"

const (
	// maxFields is how many fields are wanted at most: one search may name 400,
	// and a check adds one.
	maxFields = 399
	// maxBatch bounds the ids in one filter; HiBob documents no bound.
	maxBatch = 5000
	// pageSize is how many people one page holds when HiBob answers all at once.
	pageSize = 500
	// budget is how many of the 50 requests per minute and endpoint are used; a
	// fifth is left to the company's other integrations.
	budget = 40
	// maxBody bounds the answer to one search: a million people with every field
	// of a large tenant fit.
	maxBody = 32 << 30
	// maxRead bounds one search up to the last byte, time to store pages included.
	maxRead = 4 * time.Hour
	// stall is how long HiBob may stay silent: large companies wait a minute or
	// two for the first byte.
	stall = 2 * time.Minute
)

// Config says which company is read, and what of it.
type Config struct {
	// BaseURL is the API's address with version, nil: [DefaultBaseURL]. Plain
	// http is taken for loopback addresses only, because each request carries the
	// token.
	BaseURL *url.URL
	// ServiceUserID and Token are the service user's credentials.
	ServiceUserID, Token string
	// HTTP sends the requests; nil: a client with the standard transport.
	HTTP *http.Client
	// CustomFields are ids of fields to read beside those of the built-in map,
	// as expressions over the document spell them: "work.custom.field_1696_team".
	CustomFields []string
	// BatchSize splits a read into searches for so many ids each, so that it can
	// be resumed and no single answer is large. 0 reads everybody in one search.
	BatchSize int
	// SkipField is the id of a field that takes a person out of scope when it is
	// true; empty: none. People whose field cannot be read are held.
	SkipField string
}

// Source reads one company. It implements [connectors.Source] and
// [connectors.Checker]; reads do not share state, but the rate budget is common
// to all of them.
type Source struct {
	cfg      Config
	people   wire.Client // budgets are per endpoint
	metadata wire.Client
	wanted   []wantedField
	skip     []string // the path of SkipField
}

// New checks the configuration. It sends nothing.
func New(cfg Config) (*Source, error) {
	if cfg.BaseURL == nil {
		base, err := url.Parse(DefaultBaseURL)
		if err != nil {
			return nil, err
		}
		cfg.BaseURL = base
	}
	switch {
	case cfg.BaseURL.Host == "" || cfg.BaseURL.Scheme != "https" && cfg.BaseURL.Scheme != "http":
		return nil, misconfigured("base_url must begin with https:// and name a host")
	case cfg.BaseURL.Scheme == "http" && !loopback(cfg.BaseURL.Hostname()):
		return nil, misconfigured("base_url must begin with https://, or the token would travel in the clear")
	case cfg.ServiceUserID == "":
		return nil, misconfigured("service_user_id is empty")
	case strings.Contains(cfg.ServiceUserID, ":"):
		return nil, misconfigured("service_user_id must not contain a colon")
	case cfg.Token == "":
		return nil, misconfigured("service_user_token is empty")
	case cfg.BatchSize < 0 || cfg.BatchSize > maxBatch:
		return nil, misconfigured(fmt.Sprintf("batch_size must be between 0 and %d", maxBatch))
	}
	s := &Source{cfg: cfg, wanted: slices.Clone(builtIn)}
	for _, id := range cfg.CustomFields {
		s.want(fieldID(id), "the configured map gets nothing from it")
	}
	if cfg.SkipField != "" {
		id := fieldID(cfg.SkipField)
		s.skip = nested(id)
		s.want(id, "everybody is held, because nobody can be told apart from those to skip")
	}
	for _, f := range s.wanted {
		if !validID(f.id) {
			return nil, misconfigured(fmt.Sprintf("%q is not the id of a HiBob field", f.id))
		}
	}
	if len(s.wanted) > maxFields {
		return nil, misconfigured(fmt.Sprintf("%d fields are wanted, and one search answers at most %d", len(s.wanted), maxFields))
	}
	s.people = s.client(maxBody, maxRead)
	s.metadata = s.client(0, 0)
	return s, nil
}

func misconfigured(detail string) error {
	return &connectors.Error{Class: connectors.Misconfigured, Op: "hibob", Detail: detail}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// client makes the client of one endpoint.
func (s *Source) client(maxBody int64, timeout time.Duration) wire.Client {
	return wire.Client{
		Name: "hibob", Base: s.cfg.BaseURL, HTTP: s.cfg.HTTP, Limiter: wire.NewLimiter(budget, time.Minute),
		MaxBody: maxBody, Timeout: timeout, Stall: stall, Describe: describe,
		Authorize: func(_ context.Context, r *http.Request) error {
			r.SetBasicAuth(s.cfg.ServiceUserID, s.cfg.Token)
			return nil
		},
	}
}

// advised adds the next step to an error that lacks one.
func advised(err error) error {
	e, ok := err.(*connectors.Error)
	if !ok || e.Next != "" {
		return err
	}
	switch e.Status {
	case http.StatusUnauthorized:
		e.Next = "Check service_user_id and service_user_token; in HiBob, Settings > Integrations > Service users shows whether the service user still exists"
	case http.StatusForbidden:
		e.Next = "Check the service user's permission group and HiBob's list of allowed addresses; after too many refused requests HiBob blocks for five minutes"
	case http.StatusBadRequest:
		e.Next = "Check the ids of the custom fields in the configured map"
	}
	return e
}
