// Package scimsim is a SCIM 2.0 server in memory, to be polled: an identity
// management system of no particular make, with the liberties that real ones
// take. Tests, the demo and "rollcall sim scim-pull" share it.
//
// What it does: list and show users, page by index (RFC 7644 §3.4.2.4) or by
// cursor (RFC 9865), announce itself in ServiceProviderConfig, answer with fewer
// users than were asked for, change the number of them between two pages, ignore
// startIndex, forget its cursors, and write resources in the shapes of [Style].
//
// What it does not: filters, sorting, projection, groups, writes by a client.
//
// Invariants: the same people, options and sequence of requests give the same
// answers, byte for byte. An id is never reused.
package scimsim

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"rollcall/connectors/cast"
	"rollcall/connectors/simdial"
)

// DefaultToken is accepted unless [Options] name another.
const DefaultToken = "sim-scim-token"

// Style is one liberty in how resources are written. Styles can be combined.
type Style uint

const (
	TextBooleans    Style = 1 << iota // "active": "True"
	NoSchemas                         // schemas left out
	FlatExtensions                    // the enterprise extension under its dotted URN: "urn:…:User.department"
	BareManager                       // manager is a text
	UntypedEmails                     // addresses without type and primary
	NoActive                          // active left out
	WeakMeta                          // meta without version and times
	OtherCase                         // names in another letter case
	NoEmptyList                       // Resources left out when there are none
	TextCounts                        // "totalResults": "40"
	WithoutTotals                     // totalResults left out where a cursor is given
	ManagerByMail                     // manager.value is an address
	EmployeeNumbers                   // employeeNumber as a JSON number
)

// Options says what kind of server to be. The zero value follows the RFCs and
// pages by index.
type Options struct {
	Token string // bearer token, default [DefaultToken]
	// Largest is the most that one page holds, whatever was asked for, 0: 200.
	Largest int
	// Cursors pages by cursor unless startIndex is given (RFC 9865), and says so
	// in ServiceProviderConfig.
	Cursors bool
	Style   Style
}

// Sim is one server. It is an [http.Handler], safe for concurrent use together
// with its control methods. It answers below any prefix that ends in /Users,
// /Users/{id} or /ServiceProviderConfig.
type Sim struct {
	simdial.Dial[FaultKind] // what goes wrong

	opts Options

	mu       sync.Mutex // guards everything below
	users    []user
	byIndex  map[int]string // cast index → id
	issued   int
	ignored  bool // startIndex has no effect
	epoch    int  // cursors of an earlier epoch are forgotten
	between  []func()
	requests map[string]int
}

type user struct {
	id     string
	person cast.Person
}

// New returns a server that people are users of. Leavers are inactive users.
func New(people []cast.Person, opts Options) *Sim {
	if opts.Token == "" {
		opts.Token = DefaultToken
	}
	if opts.Largest == 0 {
		opts.Largest = 200
	}
	s := &Sim{opts: opts, byIndex: map[int]string{}, requests: map[string]int{}}
	for _, p := range people {
		s.add(p)
	}
	return s
}

// add appends a user; the caller holds the lock or is alone.
func (s *Sim) add(p cast.Person) string {
	s.issued++
	id := fmt.Sprintf("5f0c%04d-0000-4000-8000-%012d", p.Index%10000, s.issued)
	s.users = append(s.users, user{id, p})
	s.byIndex[p.Index] = id
	return id
}

// ServeHTTP answers as a server would. One request at a time: what a client sees
// is always one consistent moment.
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
	at := strings.LastIndex(path, "/Users/")
	switch {
	case r.Header.Get("Authorization") != "Bearer "+s.opts.Token:
		w.Header().Set("WWW-Authenticate", `Bearer realm="scim"`)
		refuse(w, http.StatusUnauthorized, "", "Authorization failure.")
	case r.Method != http.MethodGet:
		refuse(w, http.StatusMethodNotAllowed, "", "This server is read-only.")
	case strings.HasSuffix(path, "/ServiceProviderConfig"):
		s.provider(w)
	case strings.HasSuffix(path, "/Users"):
		s.list(w, r)
	case at >= 0:
		s.one(w, r, path[at+len("/Users/"):])
	default:
		refuse(w, http.StatusNotFound, "", "No such endpoint.")
	}
}

func (s *Sim) provider(w http.ResponseWriter) {
	supported := func(yes bool) map[string]any { return map[string]any{"supported": yes} }
	method := "index"
	if s.opts.Cursors {
		method = "cursor"
	}
	answer(w, http.StatusOK, map[string]any{
		"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"},
		"patch":   supported(false), "bulk": supported(false), "filter": supported(false), "changePassword": supported(false),
		"sort": supported(false), "etag": supported(false), "authenticationSchemes": []any{},
		"pagination": map[string]any{"cursor": s.opts.Cursors, "index": true, "defaultPaginationMethod": method, "maxPageSize": s.opts.Largest},
	})
}

// list answers GET /Users.
func (s *Sim) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	count, err := strconv.Atoi(q.Get("count"))
	if q.Get("count") == "" {
		count, err = s.opts.Largest, nil
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "invalidValue", "count is not a number.")
		return
	}
	count = min(max(count, 0), s.opts.Largest)
	start, byCursor := 0, s.opts.Cursors && !q.Has("startIndex")
	switch {
	case q.Get("cursor") != "":
		if start, err = s.resolve(q.Get("cursor")); err != nil {
			refuse(w, http.StatusBadRequest, "expiredCursor", "The cursor is not known any more.")
			return
		}
		byCursor = true
	case q.Get("startIndex") != "":
		n, err := strconv.Atoi(q.Get("startIndex"))
		if err != nil {
			refuse(w, http.StatusBadRequest, "invalidValue", "startIndex is not a number.")
			return
		}
		start = max(n, 1) - 1
	}
	if s.ignored {
		start = 0
	}
	rows := s.users[min(start, len(s.users)):]
	page := rows[:min(count, len(rows))]
	more := len(page) < len(rows)
	body := map[string]any{
		"schemas":      []string{"urn:ietf:params:scim:api:messages:2.0:ListResponse"},
		"totalResults": len(s.users), "itemsPerPage": len(page),
	}
	if s.opts.Style&TextCounts != 0 {
		body["totalResults"] = strconv.Itoa(len(s.users))
	}
	if byCursor {
		if more {
			body["nextCursor"] = s.cursor(page[len(page)-1].id)
		}
		if s.opts.Style&WithoutTotals != 0 {
			delete(body, "totalResults")
		}
	} else {
		body["startIndex"] = start + 1
	}
	resources := make([]any, len(page))
	for i, u := range page {
		resources[i] = s.render(u, base(r))
	}
	if len(page) > 0 || s.opts.Style&NoEmptyList == 0 {
		body["Resources"] = resources
	}
	answer(w, http.StatusOK, body)
	if more && len(s.between) > 0 {
		next := s.between[0]
		s.between = s.between[1:]
		next()
	}
}

func (s *Sim) one(w http.ResponseWriter, r *http.Request, id string) {
	i := slices.IndexFunc(s.users, func(u user) bool { return u.id == id })
	if i < 0 {
		refuse(w, http.StatusNotFound, "", "No such resource.")
		return
	}
	answer(w, http.StatusOK, s.render(s.users[i], base(r)))
}

// cursor names the place behind a user, so that rows which come and go in front
// of it move nobody.
func (s *Sim) cursor(after string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(s.epoch) + " " + after))
}

func (s *Sim) resolve(cursor string) (start int, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return 0, err
	}
	epoch, after, _ := strings.Cut(string(raw), " ")
	i := slices.IndexFunc(s.users, func(u user) bool { return u.id == after })
	if epoch != strconv.Itoa(s.epoch) || i < 0 {
		return 0, fmt.Errorf("resolve cursor: not known")
	}
	return i + 1, nil
}

// base is the address that the request was sent below.
func base(r *http.Request) string {
	prefix, _, _ := strings.Cut(r.URL.Path, "/Users")
	return "http://" + r.Host + prefix
}

func answer(w http.ResponseWriter, status int, body any) {
	raw, err := json.Marshal(body)
	if err != nil {
		status, raw = http.StatusInternalServerError, []byte(`{}`)
	}
	w.Header().Set("Content-Type", "application/scim+json")
	w.WriteHeader(status)
	w.Write(raw)
}

// refuse writes a SCIM error (RFC 7644 §3.12).
func refuse(w http.ResponseWriter, status int, scimType, detail string) {
	body := map[string]any{
		"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:Error"}, "status": strconv.Itoa(status), "detail": detail,
	}
	if scimType != "" {
		body["scimType"] = scimType
	}
	answer(w, status, body)
}
