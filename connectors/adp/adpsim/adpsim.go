// Package adpsim is an ADP Workforce Now organisation in memory: the token
// service, the list of workers with its habits and troubles, single workers and
// the queue of event notifications. Tests, the demo and "rollcall sim adp" share it.
//
// What it does: refuse whoever presents no client certificate, end the list with
// 204, clamp $top, mask what is asked for without masked=false, leave empty
// objects out, list ended assignments first, answer 403 for a worker it does not
// know, throttle, and keep a queue whose head blocks the rest. Where the
// documentation leaves a choice, [Options] makes it.
//
// What it does not: writes, pay, $select (the whole worker is answered), more
// than one predicate in $filter (the real service answers 500, and so does this).
//
// Invariants: the same people, options, clock and sequence of requests give the
// same answers, byte for byte. An associateOID is never reused.
package adpsim

import (
	"crypto/tls"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"rollcall/connectors/cast"
	"rollcall/connectors/simdial"
)

// Options says what kind of organisation to be. The zero value is a well-behaved
// one that accepts [DefaultClientID].
type Options struct {
	ClientID     string // default [DefaultClientID]
	ClientSecret string // default [DefaultClientSecret]
	// PlainHTTP answers requests that did not come over TLS at all, for tests that
	// put another server in front. Over TLS a certificate is always wanted.
	PlainHTTP bool
	// EmptyEnd ends the list with an empty array instead of 204.
	EmptyEnd bool
	// DefaultTop is the page size without $top, 0: 50 (unverified).
	DefaultTop int
	// MaskAlways masks even with masked=false: the project is not entitled.
	MaskAlways bool
	// Rate is how many requests per minute are answered, 0: any number.
	Rate int
	// TokenLife is how long a token lasts, 0: an hour.
	TokenLife time.Duration
	Now       func() time.Time // nil: time.Now
}

// Credentials that a simulator accepts unless told otherwise.
const (
	DefaultClientID     = "sim-client"
	DefaultClientSecret = "sim-client-secret"
)

// TokenPath is where tokens are handed out. The real service does so on a host of
// its own as well.
const TokenPath = "/auth/oauth/v2/token"

// WorkersPath is the list of workers.
const WorkersPath = "/hr/v2/workers"

// Sim is one organisation. It is an [http.Handler], safe for concurrent use
// together with its control methods.
type Sim struct {
	simdial.Dial[FaultKind] // what goes wrong

	opts Options

	mu        sync.Mutex      // guards everything below
	workers   []*record       // in the order of the list
	byIndex   map[int]*record // by cast index
	nextOID   int
	tokens    map[string]time.Time // by their end
	issued    int
	taken     []time.Time // requests of the last minute
	noConsent bool
	noSkip    bool
	queue     []message
	posted    int
	requests  map[string]int
}

// record is one worker.
type record struct {
	oid    string
	person cast.Person
	hazard map[Hazard]bool
}

// New returns an organisation in which people work. Person i gets the number
// 1001 + i in its associateOID.
func New(people []cast.Person, opts Options) *Sim {
	if opts.ClientID == "" {
		opts.ClientID = DefaultClientID
	}
	if opts.ClientSecret == "" {
		opts.ClientSecret = DefaultClientSecret
	}
	if opts.DefaultTop == 0 {
		opts.DefaultTop = 50
	}
	if opts.TokenLife == 0 {
		opts.TokenLife = time.Hour
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	s := &Sim{opts: opts, nextOID: 1001, byIndex: map[int]*record{}, tokens: map[string]time.Time{}, requests: map[string]int{}}
	for _, p := range people {
		s.add(p)
	}
	return s
}

// ServeHTTP answers as ADP would. One request at a time: what a client sees is
// always one consistent moment.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimSuffix(r.URL.Path, "/")
	s.mu.Lock()
	s.requests[r.Method+" "+path]++
	if f, healed := s.Next(path); f.Kind != NoFault {
		s.mu.Unlock()
		strike(f, w, r, healed)
		return
	}
	defer s.mu.Unlock()
	switch {
	case !s.certified(r.TLS):
		noCertificate(w, r)
	case path == TokenPath:
		s.token(w, r)
	case !s.authorized(r):
		refuse(w, r, http.StatusUnauthorized, "Invalid access token")
	case s.noConsent:
		refuse(w, r, http.StatusForbidden, "The client has not provided consent for this application")
	case !s.allowed():
		w.Header().Set("Retry-After", "60")
		refuse(w, r, http.StatusTooManyRequests, "Too many requests")
	case path == WorkersPath && r.Method == http.MethodGet:
		s.list(w, r, false)
	case path == "/hr/v2/worker-demographics" && r.Method == http.MethodGet:
		s.list(w, r, true)
	case strings.HasPrefix(path, WorkersPath+"/") && r.Method == http.MethodGet:
		s.one(w, r, strings.TrimPrefix(path, WorkersPath+"/"))
	case path == eventsPath || strings.HasPrefix(path, eventsPath+"/"):
		s.events(w, r, strings.Trim(strings.TrimPrefix(path, eventsPath), "/"))
	default:
		refuse(w, r, http.StatusNotFound, "Not found")
	}
}

// certified reports whether a request came with a client certificate. Whether it
// is a good one was decided in the handshake.
func (s *Sim) certified(state *tls.ConnectionState) bool {
	if state == nil {
		return s.opts.PlainHTTP
	}
	return len(state.PeerCertificates) > 0
}

// token answers POST /auth/oauth/v2/token. ADP takes the credentials as Basic
// authentication or in the form.
func (s *Sim) token(w http.ResponseWriter, r *http.Request) {
	refused := func(status int, code, description string) {
		writeJSON(w, status, map[string]any{"error": code, "error_description": description})
	}
	if r.Method != http.MethodPost || r.ParseForm() != nil {
		refused(http.StatusBadRequest, "invalid_request", "The request is missing a required parameter")
		return
	}
	if r.PostForm.Get("grant_type") != "client_credentials" {
		refused(http.StatusBadRequest, "unsupported_grant_type", "The given grant_type is not supported")
		return
	}
	id, secret, basic := r.BasicAuth()
	if !basic {
		id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	if id != s.opts.ClientID || secret != s.opts.ClientSecret {
		refused(http.StatusUnauthorized, "invalid_client", "The given client credentials were not valid")
		return
	}
	s.issued++
	token := "sim-adp-token-" + number(s.issued, 4)
	s.tokens[token] = s.opts.Now().Add(s.opts.TokenLife)
	writeJSON(w, http.StatusOK, map[string]any{
		"access_token": token, "token_type": "Bearer", "expires_in": int(s.opts.TokenLife / time.Second), "scope": "api",
	})
}

func (s *Sim) authorized(r *http.Request) bool {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	until, known := s.tokens[token]
	return ok && known && s.opts.Now().Before(until)
}

// allowed counts one request against the rate.
func (s *Sim) allowed() bool {
	if s.opts.Rate == 0 {
		return true
	}
	now := s.opts.Now()
	s.taken = slices.DeleteFunc(s.taken, func(t time.Time) bool { return now.Sub(t) >= time.Minute })
	if len(s.taken) >= s.opts.Rate {
		return false
	}
	s.taken = append(s.taken, now)
	return true
}

// Requests returns how often each "METHOD /path" was asked, whatever was answered.
func (s *Sim) Requests() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[string]int, len(s.requests))
	for k, n := range s.requests {
		out[k] = n
	}
	return out
}

// ExpireTokens makes every token that was handed out worthless.
func (s *Sim) ExpireTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

// Consent gives or takes the organisation's consent to the project.
func (s *Sim) Consent(given bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noConsent = !given
}

// IgnoreSkip makes the list begin at the beginning whatever $skip says, as some
// deployments do.
func (s *Sim) IgnoreSkip(ignore bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noSkip = ignore
}
