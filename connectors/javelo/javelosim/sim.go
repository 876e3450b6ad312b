// Package javelosim is Javelo's SCIM service in memory: an http.Handler that
// tests, the demo and "rollcall sim javelo" can deliver to without a tenant.
//
// It follows Javelo's SCIM help article and what production clients of it were
// seen to send; where no public document says what the service does, an option
// chooses between the plausible answers, and its comment says "unverified". It
// keeps nothing on disk, knows one tenant, and answers under /scim/v2 only.
//
// Two invariants hold after every request, as in Javelo: no two accounts have
// user names that differ by letter case alone, and a disabled account carries no
// manager. Refused writes change nothing.
package javelosim

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// DefaultToken is the bearer token of a Sim whose Options name none.
const DefaultToken = "javelosim-token"

// Prefix is the path under which the service answers, as at api.javelo.io.
const Prefix = "/scim/v2"

// Options choose how the service behaves. The zero value is a service with the
// documented behaviour and limits.
type Options struct {
	Token string           // empty: DefaultToken
	Now   func() time.Time // nil: time.Now

	// Limit is how many requests are served in any Window; one more is answered
	// 429. 0: the documented 300 per five minutes; negative: no limit.
	Limit  int
	Window time.Duration
	// RetryAfter adds the header of that name to a 429 (unverified).
	RetryAfter bool

	Paging   Paging
	MaxCount int // accounts on one page at most, 0: 100 (unverified)
	Filter   Filter
	// OmitEmptyResources leaves "Resources" out of an empty list.
	OmitEmptyResources bool

	// Duplicate is the status for a user name that exists, 0: 409 (unverified;
	// 400 and 422 are plausible).
	Duplicate int
	// Manager says what becomes of a manager who is unknown or disabled.
	Manager ManagerMode
	// TenantKeys are the attributes of the Javelo extension that support created
	// in this tenant, beside the fixed ones. nil: all that public clients use.
	TenantKeys []string
	// RefuseUnknownKeys answers 400 to other tenant keys instead of ignoring them (unverified).
	RefuseUnknownKeys bool

	AllowPut       bool // PUT replaces an account; otherwise 405 (unverified)
	PatchNoContent bool // PATCH answers 204 without a body (unverified)
	StringBooleans bool // "active" is answered as "true" and "false"
	// Location begins meta.location, empty: https://api.javelo.io/scim/v2.
	Location string
}

// Paging says which spelling of the paging parameters is understood. Javelo's
// article writes start_index, a production client startIndex.
type Paging uint8

const (
	PagingBoth  Paging = iota // either spelling
	PagingSnake               // start_index only
	PagingCamel               // startIndex only
	PagingNone                // neither: every page is the first
)

// Filter says which forms of `userName eq x` are understood.
type Filter uint8

const (
	FilterBoth           Filter = iota // quoted as RFC 7644 §3.4.2.2 wants it, and unquoted as a production client sends it
	FilterQuoted                       // unquoted is answered 400
	FilterUnquoted                     // the quotes count as part of the value, so quoted finds nobody
	FilterUnquotedStrict               // quoted is answered 400
	FilterIgnored                      // whatever it says, everybody is listed
)

// ManagerMode is what happens to a link to someone unknown or disabled. Which of
// the two Javelo does is unverified.
type ManagerMode uint8

const (
	ManagerRefused ManagerMode = iota // 400, nothing is written
	ManagerIgnored                    // the rest is written, the link stays as it was
)

// fixedKeys are the attributes of the Javelo extension that every tenant has,
// tenantKeys those that clients were seen to use where support created them.
var (
	fixedKeys  = []string{"status", "grade", "seniorityDate", "contractStartDate"}
	tenantKeys = []string{"gender", "contractType", "lastExitDate", "birthDate", "position", "workingTime", "businessUnit", "region", "subdivision", "division", "intranetId"}
)

// Account is one person in Javelo.
type Account struct {
	ID          string // given by Seed when empty
	ExternalID  string
	UserName    string
	GivenName   string
	FamilyName  string
	DisplayName string
	Active      bool
	Title       string
	Locale      string // fr, en, es or it
	Email       string // the work address; Seed takes UserName when empty
	Phone       string
	ManagerID   string
	// Enterprise holds employeeNumber, department, organization, division and costCenter.
	Enterprise map[string]string
	// Tenant holds the attributes of the Javelo extension but managerUserName.
	Tenant map[string]string
}

func (a Account) clone() *Account {
	c := a
	c.Enterprise = cloneTexts(a.Enterprise)
	c.Tenant = cloneTexts(a.Tenant)
	return &c
}

func cloneTexts(m map[string]string) map[string]string {
	out := make(map[string]string, len(m))
	for k, v := range m {
		if v != "" {
			out[k] = v
		}
	}
	return out
}

// Sim is the simulated service. It is safe for concurrent use.
type Sim struct {
	opts Options
	keys map[string]string // folded tenant key → its spelling

	mu       sync.Mutex // guards what follows
	token    string
	accounts map[string]*Account // by id; a stored Account is never modified, only replaced
	order    []string            // ids as accounts were made
	byName   map[string]string   // folded userName → id
	groups   []*Group
	minted   int
	faults   []*Fault
	record   record
}

// New returns a service without accounts.
func New(opts Options) *Sim {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Limit == 0 {
		opts.Limit = 300
	}
	if opts.Window == 0 {
		opts.Window = 5 * time.Minute
	}
	if opts.TenantKeys == nil {
		opts.TenantKeys = tenantKeys
	}
	opts.Token = cmp.Or(opts.Token, DefaultToken)
	opts.MaxCount = cmp.Or(opts.MaxCount, 100)
	opts.Duplicate = cmp.Or(opts.Duplicate, http.StatusConflict)
	opts.Location = cmp.Or(opts.Location, "https://api.javelo.io"+Prefix)
	s := &Sim{
		opts:     opts,
		keys:     map[string]string{},
		token:    opts.Token,
		accounts: map[string]*Account{},
		byName:   map[string]string{},
		record:   newRecord(),
	}
	for _, key := range slices.Concat(fixedKeys, opts.TenantKeys) {
		s.keys[strings.ToLower(key)] = key
	}
	return s
}

// Seed adds accounts as if they had been made by hand in Javelo: no request is
// counted and manager links are taken as they are. An account whose user name
// exists already replaces it, so that a world can be seeded in layers.
func (s *Sim) Seed(accounts []Account) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range accounts {
		c := a.clone()
		if id, ok := s.byName[fold(c.UserName)]; ok {
			if c.ID = cmp.Or(c.ID, id); c.ID != id {
				s.drop(id)
			}
		}
		if c.ID == "" {
			c.ID = s.mint()
		}
		c.Email = cmp.Or(c.Email, c.UserName)
		c.Locale = cmp.Or(c.Locale, "en")
		c.DisplayName = cmp.Or(c.DisplayName, formatted(c))
		s.put(c)
	}
}

// Accounts returns copies of all accounts in the order they were made.
func (s *Sim) Accounts() []Account {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Account, 0, len(s.order))
	for _, id := range s.order {
		out = append(out, *s.accounts[id].clone())
	}
	return out
}

// Account returns a copy of the account with this user name.
func (s *Sim) Account(userName string) (Account, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.accounts[s.byName[fold(userName)]]
	if !ok {
		return Account{}, false
	}
	return *a.clone(), true
}

// Edit changes the account with this user name as an administrator would on the
// screen, and reports whether there is one. The change is neither counted nor checked.
func (s *Sim) Edit(userName string, change func(*Account)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.accounts[s.byName[fold(userName)]]
	if !ok {
		return false
	}
	c := a.clone()
	change(c)
	c.ID = a.ID
	s.put(c)
	return true
}

// Remove takes the account with this id away, as a privacy request to Javelo's
// support would. Links to it are cleared.
func (s *Sim) Remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(id)
}

// drop deletes an account and the links to it. The caller holds s.mu.
func (s *Sim) drop(id string) {
	a, ok := s.accounts[id]
	if !ok {
		return
	}
	delete(s.accounts, id)
	delete(s.byName, fold(a.UserName))
	s.order = slices.DeleteFunc(s.order, func(other string) bool { return other == id })
	for other, b := range s.accounts {
		if b.ManagerID == id {
			c := b.clone()
			c.ManagerID = ""
			s.accounts[other] = c
		}
	}
}

// Regenerate replaces the bearer token, as the button in Javelo's settings does:
// the old one is answered 401 from the next request on.
func (s *Sim) Regenerate(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}

// put stores an account under its id and user name. The caller holds s.mu.
func (s *Sim) put(a *Account) {
	if old, ok := s.accounts[a.ID]; ok {
		delete(s.byName, fold(old.UserName))
	} else {
		s.order = append(s.order, a.ID)
	}
	s.accounts[a.ID] = a
	s.byName[fold(a.UserName)] = a.ID
}

// mint returns the next id. Ids look random and are the same in every Sim, so
// that what a test prints can be compared. The caller holds s.mu.
func (s *Sim) mint() string {
	s.minted++
	h := sha256.Sum256(fmt.Appendf(nil, "javelosim %d", s.minted))
	h[6], h[8] = h[6]&0x0f|0x40, h[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

func fold(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

func formatted(a *Account) string { return strings.TrimSpace(a.GivenName + " " + a.FamilyName) }
