// Package luccasim is a Lucca tenant in memory: the legacy API v3 and the new
// Lucca API (2024-11-01) over the same people, with the habits and the troubles
// that their documentation and users report. Tests, the demo and
// "rollcall sim lucca" share it.
//
// What it does: list and filter people with field selection and offset paging,
// hide what the key's role may not see, answer 429 from one bucket that both
// generations and other integrations share, answer 408 when a request asks for
// too much, drift when rows move between two pages, hand out tokens, embed and
// page by token. Where the documentation leaves a shape open, [Options] chooses.
//
// What it does not: writes, payroll, webhooks, or any resource that a read of
// people does not need.
//
// Invariants: the same people, options, clock and sequence of requests give the
// same answers, byte for byte. Ids are never reused.
package luccasim

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"rollcall/connectors/cast"
	"rollcall/connectors/simdial"
)

// Casing is how attribute names of API v3 are spelt. Both "managerID" and
// "managerId" are seen in the documentation, and single tenants answer in
// Pascal case.
type Casing int

const (
	CasingDocumented Casing = iota // id, managerID, dtContractStart
	CasingCamel                    // id, managerId, dtContractStart
	CasingPascal                   // Id, ManagerId, DtContractStart
	CasingBoth                     // managerID and managerId side by side
)

// Section is a part of the HR file that the role of an API key may or may not
// view. The names are ours (unverified): Lucca lets each customer name them.
type Section string

const (
	SectionContract  Section = "contract"  // dtContractStart, dtContractEnd
	SectionPersonal  Section = "personal"  // birth date, gender, phone numbers, seniority
	SectionExtension Section = "extension" // the values in extendedData
	SectionFormer    Section = "former"    // people whose contract has ended
)

// Options says what kind of tenant to be. The zero value is a well-behaved one
// that accepts [DefaultKey] and [DefaultClientID].
type Options struct {
	Key          string           // API key of v3, default [DefaultKey]
	ClientID     string           // of the new API, default [DefaultClientID]
	ClientSecret string           // default [DefaultClientSecret]
	Scopes       []string         // scopes that the client was granted, nil: all
	Sites        []string         // establishments that the client sees, nil: all
	Now          func() time.Time // nil: time.Now

	Rate      int // requests per minute for the whole tenant, 0: 50
	OtherLoad int // how many of those another integration of the customer takes
	Work      int // rows times fields that still answer within 5 s, 0: 12000

	Hidden    []Section // sections that the role of the key cannot view
	Casing    Casing
	NoHeader  bool // leave out the "header" of the v3 envelope
	NoCount   bool // leave out "count" although it was asked for
	NoExtData bool // leave extendedData out, instead of {}, when nothing in it is visible (unverified which)
	NoEmbed   bool // leave out "embedded" in the new API
	NewIDs    bool // people have other ids in the new API than in v3 (unverified that they do not)
	SkipField string
}

// Credentials that a simulator accepts unless told otherwise.
const (
	DefaultKey          = "7f3b1a52-0000-4000-8000-4f1d2c9b0e11"
	DefaultClientID     = "sim-client"
	DefaultClientSecret = "sim-client-secret"
	DefaultSkipField    = "e_skip_elevo_sync"
)

// TokenPath is where [Sim] hands out tokens of the new API. The real service
// does so on a host of its own.
const TokenPath = "/connect/token"

// Sim is one tenant. It is an [http.Handler], safe for concurrent use together
// with its control methods.
type Sim struct {
	simdial.Dial[FaultKind] // what goes wrong

	opts Options

	mu          sync.Mutex // guards everything below
	users       []*user    // in the order they were created
	byID        map[int]*user
	byIndex     map[int]int // cast index → id
	nextID      int
	departments []string // registries: position gives the id
	entities    []string
	sites       []string
	hidden      map[Section]bool
	taken       []time.Time // requests of the last minute
	tokens      map[string]grant
	issued      int
	between     []func() // run after the next page that is not the last
	requests    map[string]int
	deprecation string
	sunset      string
}

// New returns a tenant in which people work. Person i gets the id 412 + 7i.
func New(people []cast.Person, opts Options) *Sim {
	if opts.Key == "" {
		opts.Key = DefaultKey
	}
	if opts.ClientID == "" {
		opts.ClientID = DefaultClientID
	}
	if opts.ClientSecret == "" {
		opts.ClientSecret = DefaultClientSecret
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Rate == 0 {
		opts.Rate = 50
	}
	if opts.Work == 0 {
		opts.Work = 12000
	}
	if opts.SkipField == "" {
		opts.SkipField = DefaultSkipField
	}
	s := &Sim{
		opts: opts, byID: map[int]*user{}, byIndex: map[int]int{}, nextID: firstID,
		hidden: map[Section]bool{}, tokens: map[string]grant{}, requests: map[string]int{},
	}
	for _, h := range opts.Hidden {
		s.hidden[h] = true
	}
	for _, p := range people {
		s.byIndex[p.Index] = s.nextID
		s.add(s.nextID, p)
	}
	return s
}

// exchange is one request while it is answered.
type exchange struct {
	w     http.ResponseWriter
	r     *http.Request
	fault FaultKind // of those that change a list instead of replacing the answer
	wrote bool      // a page that is not the last was answered
}

// ServeHTTP answers as the tenant would. One request at a time: what a client
// sees is always one consistent moment.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{w: w, r: r}
	path := strings.TrimSuffix(r.URL.Path, "/")

	s.mu.Lock()
	s.requests[r.Method+" "+path]++
	f, healed := s.Next(path)
	if f.Kind.replaces() {
		s.mu.Unlock()
		strike(f, w, r, healed)
		return
	}
	defer s.mu.Unlock()
	x.fault = f.Kind
	if path == TokenPath {
		s.token(x)
		return
	}
	if wait, ok := s.take(); !ok {
		w.Header().Set("Retry-After", fmt.Sprint(int(wait.Seconds())+1))
		problem(w, http.StatusTooManyRequests, "Too Many Requests", fmt.Sprintf("Rate limit exceeded: %d requests per minute", s.opts.Rate), nil)
		return
	}
	s.header(w.Header())
	switch {
	case strings.HasPrefix(path, "/api/v3/"):
		s.legacy(x, strings.TrimPrefix(path, "/api/v3/"))
	case strings.HasPrefix(path, "/lucca-api/"):
		s.latest(x, strings.TrimPrefix(path, "/lucca-api/"))
	default:
		plain(w, http.StatusNotFound, "Not found")
	}
	if x.wrote && len(s.between) > 0 {
		next := s.between[0]
		s.between = s.between[1:]
		next()
	}
}

// take counts one request against the bucket of the tenant. The share of the
// other integration is spread evenly and so is always taken.
func (s *Sim) take() (time.Duration, bool) {
	now := s.opts.Now()
	kept := s.taken[:0]
	for _, t := range s.taken {
		if now.Sub(t) < time.Minute {
			kept = append(kept, t)
		}
	}
	s.taken = kept
	if len(s.taken) >= s.opts.Rate-s.opts.OtherLoad {
		if len(s.taken) == 0 {
			return time.Minute, false
		}
		return time.Minute - now.Sub(s.taken[0]), false
	}
	s.taken = append(s.taken, now)
	return 0, true
}

func (s *Sim) header(h http.Header) {
	if s.deprecation != "" {
		h.Set("Deprecation", s.deprecation)
	}
	if s.sunset != "" {
		h.Set("Sunset", s.sunset)
	}
}

// Requests returns how often each "METHOD /path" was asked, whatever was
// answered.
func (s *Sim) Requests() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[string]int, len(s.requests))
	for k, n := range s.requests {
		out[k] = n
	}
	return out
}

// Announce sets the Deprecation and Sunset headers of every later answer; empty
// texts take them away.
func (s *Sim) Announce(deprecation, sunset string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deprecation, s.sunset = deprecation, sunset
}

// Hide takes the view of sections away from the role of the key, as an
// administrator does by mistake.
func (s *Sim) Hide(sections ...Section) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range sections {
		s.hidden[h] = true
	}
}

// Show gives the view of sections back.
func (s *Sim) Show(sections ...Section) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range sections {
		delete(s.hidden, h)
	}
}

// BetweenPages runs change once, after the next page of people that is not the
// last one was answered: rows move under a reader who pages by offset. Several
// calls queue up, one per page. The change may call the control methods.
func (s *Sim) BetweenPages(change func(c *Control)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.between = append(s.between, func() { change(&Control{s}) })
}
