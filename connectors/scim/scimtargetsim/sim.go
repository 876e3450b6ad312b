// Package scimtargetsim is an RFC 7644 service in memory that people are
// delivered to: an http.Handler for tests and for "rollcall sim".
//
// It keeps to RFC 7643 and RFC 7644 to the letter where [Options] do not say
// otherwise: attributes without a value are left out of answers, a PATCH that
// names an element which is not there is 400 noTarget, booleans are booleans. It
// knows users and groups, keeps nothing on disk, and answers under /scim/v2.
//
// Two invariants hold after every request: no two users have user names that
// differ by letter case alone, and a manager is always a user. Refused writes
// change nothing.
package scimtargetsim

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// DefaultToken is the bearer token of a Sim whose Options name none.
const DefaultToken = "scimtargetsim-token"

// Prefix is the path under which the service answers.
const Prefix = "/scim/v2"

// The schemas that every Sim has.
const (
	coreUser       = "urn:ietf:params:scim:schemas:core:2.0:User"
	enterpriseUser = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
)

// Options choose how the service behaves. The zero value offers PATCH and
// filters, and neither ETags nor cursors.
type Options struct {
	Token string // empty: DefaultToken

	NoConfig bool // no ServiceProviderConfig: 404
	NoPatch  bool // PATCH is not offered: 501
	NoPut    bool // PUT is not offered: 501
	NoFilter bool // filters are not offered: 501
	// IgnoreFilter lists everybody whatever the filter says, while the
	// ServiceProviderConfig promises filters.
	IgnoreFilter bool
	ETags        bool // answers carry versions, and If-Match is judged
	// RequireMatch answers 428 to a write that names no version; it implies ETags.
	RequireMatch bool
	Cursors      bool // lists can be walked by cursor (RFC 9865)
	// Bulk offers POST /Bulk; BulkTraits are how it is done.
	Bulk       bool
	BulkTraits Bulk
	// NoGroups keeps no groups: 404. IgnoreMembers leaves out members of a group who
	// are no users, instead of answering 400.
	NoGroups, IgnoreMembers bool
	// Limit is how many requests are served in any Window, 0: any number; Window 0:
	// five minutes.
	Limit    int
	Window   time.Duration
	MaxCount int // users on one page at most, 0: 100

	// Duplicate is the status for a user name that exists, 0: 409.
	Duplicate int
	// IgnoreManager stores a user without the manager who is unknown, instead of
	// answering 400.
	IgnoreManager bool
	// LooseBooleans takes "true" and "False" for booleans and answers with texts.
	LooseBooleans bool
	// MakeElements lets a PATCH with a filtered path make the element it names,
	// as services do that Entra provisions.
	MakeElements bool
	NoContent    bool // PATCH and PUT answer 204 without a body
	Nulls        bool // answers have null where there is no value
	// Extension is the URN of a schema of the service's own; ExtensionKeys are
	// its attributes. Others are dropped without a word.
	Extension     string
	ExtensionKeys []string
}

// User is one user as the service holds it.
type User struct {
	ID       string
	UserName string
	Active   bool
	Manager  string // id
	Version  int    // 1 when made, one more with every change
	// Document is the resource as JSON, as it is answered.
	Document json.RawMessage
}

// Sim is the simulated service. It is safe for concurrent use.
type Sim struct {
	opts Options

	mu       sync.Mutex // guards what follows
	users    map[string]*user
	order    []string          // ids as users were made
	byName   map[string]string // folded userName → id
	minted   int
	groups   []*Group
	refused  map[string]bool // folded user names that are refused as invalid
	faults   []*Fault
	requests []Request
	record   record
	half     bool // of the bulk request under way only the first half is done
}

// user is a stored resource: never modified, only replaced.
type user struct {
	id      string
	version int
	fields  map[string]any // without id, schemas and meta; canonical spelling
}

// New returns a service without users.
func New(opts Options) *Sim {
	opts.Token = cmp.Or(opts.Token, DefaultToken)
	opts.MaxCount = cmp.Or(opts.MaxCount, 100)
	opts.Duplicate = cmp.Or(opts.Duplicate, http.StatusConflict)
	opts.Window = cmp.Or(opts.Window, 5*time.Minute)
	opts.ETags = opts.ETags || opts.RequireMatch
	return &Sim{opts: opts, users: map[string]*user{}, byName: map[string]string{}, record: record{created: map[string]int{}}}
}

// Users returns all users in the order they were made.
func (s *Sim) Users() []User {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]User, 0, len(s.order))
	for _, id := range s.order {
		out = append(out, s.public(s.users[id]))
	}
	return out
}

// User returns the user with this user name.
func (s *Sim) User(userName string) (User, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := s.users[s.byName[fold(userName)]]
	if !ok {
		return User{}, false
	}
	return s.public(u), true
}

func (s *Sim) public(u *user) User {
	document, err := json.Marshal(s.render(u))
	if err != nil {
		panic("scimtargetsim: a stored user that cannot be encoded: " + err.Error())
	}
	active, _ := u.fields["active"].(bool)
	return User{ID: u.id, UserName: textOf(u.fields["userName"]), Active: active, Manager: managerOf(u.fields), Version: u.version, Document: document}
}

// Edit replaces one top-level attribute of a user as an administrator would on
// the screen, nil to clear it, and reports whether there is such a user. Nothing
// is checked.
func (s *Sim) Edit(userName, attribute string, value any) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := s.users[s.byName[fold(userName)]]
	if !ok {
		return false
	}
	fields := copyObject(u.fields)
	fields[attribute] = copyValue(value)
	if value == nil {
		delete(fields, attribute)
	}
	s.put(&user{u.id, u.version + 1, fields})
	return true
}

// Remove takes a user away.
func (s *Sim) Remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := s.users[id]
	if !ok {
		return
	}
	delete(s.users, id)
	delete(s.byName, fold(textOf(u.fields["userName"])))
	s.order = slices.DeleteFunc(s.order, func(other string) bool { return other == id })
	for other, v := range s.users {
		if managerOf(v.fields) == id {
			fields := copyObject(v.fields)
			delete(fields[enterpriseUser].(map[string]any), "manager")
			s.users[other] = &user{v.id, v.version + 1, fields}
		}
	}
}

// Refuse refuses every write of a user name as invalid.
func (s *Sim) Refuse(userName string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refused == nil {
		s.refused = map[string]bool{}
	}
	s.refused[fold(userName)] = true
}

// put stores a user under its id and user name. The caller holds s.mu.
func (s *Sim) put(u *user) {
	if old, ok := s.users[u.id]; ok {
		delete(s.byName, fold(textOf(old.fields["userName"])))
	} else {
		s.order = append(s.order, u.id)
	}
	s.users[u.id] = u
	s.byName[fold(textOf(u.fields["userName"]))] = u.id
}

// mint returns the next id: random to look at, and the same in every Sim.
func (s *Sim) mint() string {
	s.minted++
	h := sha256.Sum256(fmt.Appendf(nil, "scimtargetsim %d", s.minted))
	return fmt.Sprintf("%x", h[:12])
}

func fold(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

func textOf(v any) string {
	s, _ := v.(string)
	return s
}

func managerOf(fields map[string]any) string {
	enterprise, _ := fields[enterpriseUser].(map[string]any)
	manager, _ := enterprise["manager"].(map[string]any)
	return textOf(manager["value"])
}

func copyObject(o map[string]any) map[string]any {
	out := make(map[string]any, len(o))
	for k, v := range o {
		out[k] = copyValue(v)
	}
	return out
}

func copyValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		return copyObject(v)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = copyValue(e)
		}
		return out
	}
	return v
}
