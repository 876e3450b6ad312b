// Package hibobsim is a HiBob that runs in memory, faithful to what clients of
// the real one trip over: fields and people without permission are left out
// without a word, list values are ids, a search answers everything in one body
// in no order, changes and permissions take effect late, a wrong path is a web
// page with status 200, and a client that insists on bad credentials is locked
// out.
//
// It answers people search and single people, field metadata, named lists, and
// the work, lifecycle and employment tables (single and in bulk). It stores
// nothing and takes no writes over HTTP: the company is changed with the methods
// of [Sim]. What the public documentation leaves open is chosen here and marked
// "unverified"; a connector must not depend on it.
package hibobsim

import (
	"bytes"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"rollcall/connectors/cast"
)

// Options say what kind of tenant is simulated. The zero value is a tenant in
// good order.
type Options struct {
	// ServiceUserID and Token are the credentials that are accepted; empty:
	// "SERVICE-12345" and "sim-token".
	ServiceUserID, Token string
	// Seed decides ids, orders and faults. The same people, seed and requests
	// give the same answers.
	Seed uint64
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Staleness is how long a change of the company stays invisible, 20 s when 0
	// (the documented bound); negative: none.
	Staleness time.Duration
	// PermissionDelay is how long a change of permissions takes, 10 s when 0;
	// negative: none.
	PermissionDelay time.Duration
	// Rate is how many requests per minute each endpoint takes, 50 when 0;
	// negative: any number.
	Rate int
	// RetryAfter adds that header to a 429 (unverified whether HiBob does).
	RetryAfter bool
	// ActiveOnLeave is the "remain active" choice for people on leave.
	ActiveOnLeave bool
	// DateLayout is how the service user's locale writes dates in humanReadable;
	// empty: "02/01/2006".
	DateLayout string
	// Zones are the time zones of sites, by name; Lyon, Paris and Nantes are
	// Europe/Paris unless named here, all others UTC.
	Zones map[string]*time.Location
	// CustomFields are added to the tenant's fields.
	CustomFields []CustomField
}

// CustomField is a field that a tenant made for itself.
type CustomField struct {
	ID       string // "work.custom.field_1651169416679"
	Name     string
	Category string // its permission category's id, "work"
	Type     string // as in the metadata: "text", "boolean", "number", "date"
	// Value returns a person's value: nil, a string, a bool or an int.
	Value func(p cast.Person) any
}

// Sim is a simulated HiBob tenant. It is an [http.Handler] that answers under
// /v1, and is safe for concurrent use.
type Sim struct {
	opts   Options
	lists  *lists
	fields map[string]*field
	order  []*field // as the metadata lists them

	mu      sync.Mutex // guards what follows
	rng     *rand.Rand
	people  []*employee
	granted settled[map[string]bool]          // readable permission categories
	seen    settled[func(p cast.Person) bool] // the people condition
	faults  faults
	gate    gate
	count   map[string]int
}

// New makes a tenant that employs people. The slice is copied.
func New(people []cast.Person, opts Options) *Sim {
	if opts.ServiceUserID == "" {
		opts.ServiceUserID = "SERVICE-12345"
	}
	if opts.Token == "" {
		opts.Token = "sim-token"
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Staleness == 0 {
		opts.Staleness = 20 * time.Second
	}
	if opts.PermissionDelay == 0 {
		opts.PermissionDelay = 10 * time.Second
	}
	if opts.Rate == 0 {
		opts.Rate = 50
	}
	if opts.DateLayout == "" {
		opts.DateLayout = "02/01/2006"
	}
	s := &Sim{
		opts:  opts,
		lists: newLists(),
		rng:   rand.New(rand.NewPCG(opts.Seed, 0x686962)),
		gate:  newGate(opts.Rate, opts.RetryAfter),
		count: map[string]int{},
	}
	s.order = tenantFields(opts.CustomFields)
	s.fields = make(map[string]*field, len(s.order))
	all := map[string]bool{}
	for _, f := range s.order {
		s.fields[f.id] = f
		all[f.category] = true
	}
	s.granted.set(time.Time{}, all)
	s.seen.set(time.Time{}, func(cast.Person) bool { return true })
	for _, p := range people {
		s.add(time.Time{}, p)
	}
	return s
}

// Requests returns how many requests arrived per endpoint since New, refused
// ones included, as in "POST /people/search". Unknown paths count as "other".
func (s *Sim) Requests() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.count)
}

// maxRequest bounds a request body: 400 fields and thousands of ids fit.
const maxRequest = 4 << 20

// ServeHTTP answers one request.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(raw))
	now := s.opts.Now()
	route := s.route(r)

	s.mu.Lock()
	s.count[route.name]++
	fault, faulty := s.faults.next(route.name, s.rng)
	s.mu.Unlock()
	if faulty && fault.early() {
		fault.answer(w, r)
		return
	}
	if !s.admit(w, r, route, now) {
		return
	}
	if route.serve == nil {
		writePage(w, http.StatusOK)
		return
	}
	if faulty {
		w = &faultyWriter{ResponseWriter: w, fault: fault}
	}
	route.serve(w, r, now)
	if fw, ok := w.(*faultyWriter); ok {
		fw.finish()
	}
}

// admit checks credentials and limits, and answers itself when it refuses.
func (s *Sim) admit(w http.ResponseWriter, r *http.Request, route route, now time.Time) bool {
	address, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		address = r.RemoteAddr
	}
	authorization := r.Header.Get("Authorization")
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gate.blocked(address, authorization, now) {
		writePage(w, http.StatusForbidden)
		return false
	}
	// A token sent raw, the way of before 2024, is no longer taken.
	user, token, ok := r.BasicAuth()
	if !ok || user != s.opts.ServiceUserID || token != s.opts.Token {
		s.gate.refused(address, authorization, http.StatusUnauthorized, now)
		writeJSON(w, http.StatusUnauthorized, map[string]string{"errorMessage": "Unauthorized"})
		return false
	}
	return s.gate.allow(w, route.name, now)
}

// forbid refuses for want of a permission, which counts for the lock-out.
func (s *Sim) forbid(w http.ResponseWriter, r *http.Request, status int, now time.Time, body any) {
	address, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		address = r.RemoteAddr
	}
	s.mu.Lock()
	s.gate.refused(address, r.Header.Get("Authorization"), status, now)
	s.mu.Unlock()
	writeJSON(w, status, body)
}

// route is an endpoint: its name for counters and limits, and what serves it.
type route struct {
	name  string
	serve func(w http.ResponseWriter, r *http.Request, now time.Time)
}

func (s *Sim) route(r *http.Request) route {
	path, ok := strings.CutPrefix(r.URL.Path, "/v1/")
	if !ok {
		return route{name: "other"}
	}
	part := strings.Split(path, "/")
	is := func(method string, pattern ...string) bool {
		if r.Method != method || len(part) != len(pattern) {
			return false
		}
		for i, p := range pattern {
			if p != "*" && p != part[i] {
				return false
			}
		}
		return true
	}
	switch {
	case is("POST", "people", "search"):
		return route{"POST /people/search", s.search}
	case is("POST", "people", "*"):
		return route{"POST /people/{id}", func(w http.ResponseWriter, r *http.Request, now time.Time) { s.person(w, r, now, part[1]) }}
	case is("GET", "company", "people", "fields"):
		return route{"GET /company/people/fields", s.metadata}
	case is("GET", "company", "named-lists"):
		return route{"GET /company/named-lists", s.namedLists}
	case is("GET", "company", "named-lists", "*"):
		return route{"GET /company/named-lists/{name}", func(w http.ResponseWriter, r *http.Request, _ time.Time) { s.namedList(w, part[2]) }}
	case is("GET", "people", "*", "bank-accounts"), is("GET", "people", "custom-tables", "*", "*"):
		return route{"GET custom table", customTable}
	case is("GET", "people", "*", "*") && tables[part[2]] != nil:
		return route{"GET /people/{id}/" + part[2], func(w http.ResponseWriter, r *http.Request, now time.Time) { s.table(w, r, now, part[1], part[2]) }}
	case is("GET", "bulk", "people", "*") && tables[part[2]] != nil:
		return route{"GET /bulk/people/" + part[2], func(w http.ResponseWriter, r *http.Request, now time.Time) { s.bulk(w, r, now, part[2]) }}
	}
	return route{name: "other"}
}

// customTable refuses a GET that carries a content type, as observed live.
func customTable(w http.ResponseWriter, r *http.Request, _ time.Time) {
	if r.Header.Get("Content-Type") != "" {
		writePage(w, http.StatusBadRequest)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"values": []any{}})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	raw := marshal(body)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(raw)))
	w.WriteHeader(status)
	w.Write(raw)
}

// writePage answers with the web application's page, which is what a wrong path
// gets with status 200, and a gateway's errors look like.
func writePage(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	w.WriteHeader(status)
	io.WriteString(w, `<!doctype html><html><head><title>Bob</title></head><body><div id="app"></div></body></html>`+"\n")
}
