package scimtest

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// Level is how strictly an RFC demands something (RFC 2119).
type Level string

const (
	Must   Level = "MUST"
	Should Level = "SHOULD"
)

// Requirement is a sentence of an RFC and a way to see whether a service keeps it.
type Requirement struct {
	ID      string // stable, such as "create.location"
	Section string // "RFC 7644 §3.3"
	Level   Level
	Text    string // what is demanded, in our words
	check   func(*session)
}

// Run checks the requirement against a tenant, which need not be empty: what the
// check creates has random names.
func (r Requirement) Run(t *testing.T, c Client) {
	t.Helper()
	s := &session{t: t, c: c, run: strings.ToLower(rand.Text()[:10])}
	r.check(s)
	if t.Failed() {
		t.Logf("%s %s: %s", r.Section, r.Level, r.Text)
	}
}

// Requirements returns everything that is checked, in the order of the RFCs.
func Requirements() []Requirement {
	return slices.Concat(envelopeRequirements(), resourceRequirements(), patchRequirements(), queryRequirements(), discoveryRequirements())
}

// RunRequirements checks them all, each as a subtest with a tenant of its own if
// the function returns one. departures names the requirements that the service
// does not keep on purpose, with the reason; they are skipped.
func RunRequirements(t *testing.T, tenant func(t *testing.T) Client, departures map[string]string) {
	known := map[string]bool{}
	for _, r := range Requirements() {
		known[r.ID] = true
		reason, departs := departures[r.ID]
		t.Run(r.ID, func(t *testing.T) {
			if departs {
				t.Skipf("%s %s, departed from on purpose: %s", r.Section, r.Level, reason)
			}
			r.Run(t, tenant(t))
		})
	}
	for _, id := range slices.Sorted(maps.Keys(departures)) {
		if !known[id] {
			t.Errorf("departures name %s, which is no requirement", id)
		}
	}
}

// session is one check in progress.
type session struct {
	t   *testing.T
	c   Client
	run string
	n   int
}

const (
	coreUser   = "urn:ietf:params:scim:schemas:core:2.0:User"
	coreGroup  = "urn:ietf:params:scim:schemas:core:2.0:Group"
	enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	messages   = "urn:ietf:params:scim:api:messages:2.0:"
)

// object is a JSON object in the making.
type object map[string]any

// name returns a userName or displayName that nobody has.
func (s *session) name() string {
	s.n++
	return fmt.Sprintf("check-%s-%d@example.com", s.run, s.n)
}

// do sends a request, with headers in pairs.
func (s *session) do(method, path string, body any, headers ...string) reply {
	s.t.Helper()
	h := map[string]string{"Authorization": "Bearer " + s.c.Token}
	var raw []byte
	switch b := body.(type) {
	case nil:
	case string:
		raw = []byte(b)
	default:
		var err error
		if raw, err = json.Marshal(b); err != nil {
			s.t.Fatal(err)
		}
	}
	if raw != nil {
		h["Content-Type"] = "application/scim+json"
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] == "" {
			delete(h, headers[i])
		} else {
			h[headers[i]] = headers[i+1]
		}
	}
	return s.c.send(s.t, method, path, h, raw)
}

// want sends a request and insists on one of the statuses.
func (s *session) want(statuses []int, method, path string, body any, headers ...string) reply {
	s.t.Helper()
	r := s.do(method, path, body, headers...)
	if !slices.Contains(statuses, r.status) {
		s.t.Fatalf("%s %s: status %d, want %v: %s", method, path, r.status, statuses, r.raw)
	}
	return r
}

func is(statuses ...int) []int { return statuses }

// find encodes a query given in pairs.
func find(path string, params ...string) string {
	q := url.Values{}
	for i := 0; i < len(params); i += 2 {
		q.Set(params[i], params[i+1])
	}
	return path + "?" + q.Encode()
}

// expect compares the value at a path; nil stands for nothing there.
func (s *session) expect(r reply, at string, want any) {
	s.t.Helper()
	got, ok, err := lookUp(r.body, at)
	if err != nil {
		s.t.Fatal(err)
	}
	if want == nil {
		if ok {
			s.t.Errorf("%s is %v, want nothing: %s", at, got, r.raw)
		}
		return
	}
	if n, isInt := want.(int); isInt {
		want = json.Number(fmt.Sprint(n))
	}
	if got != want {
		s.t.Errorf("%s is %v, want %v: %s", at, got, want, r.raw)
	}
}

func (s *session) text(r reply, at string) string {
	s.t.Helper()
	v, _, _ := lookUp(r.body, at)
	text, ok := v.(string)
	if !ok || text == "" {
		s.t.Fatalf("%s is no text: %s", at, r.raw)
	}
	return text
}

// texts collects one attribute of all Resources.
func (s *session) texts(r reply, name string) []string {
	v, _, _ := lookUp(r.body, "$.Resources")
	list, _ := v.([]any)
	all := []string{}
	for _, e := range list {
		o, _ := e.(map[string]any)
		text, _ := o[name].(string)
		all = append(all, text)
	}
	return all
}

func userOf(name string, more object) object {
	u := object{"schemas": []string{coreUser}, "userName": name, "name": object{"givenName": "Jane", "familyName": "Doe"}}
	maps.Copy(u, more)
	return u
}

// user creates a user and returns the path and the answer.
func (s *session) user(more object) (string, reply) {
	s.t.Helper()
	r := s.want(is(201), "POST", "/Users", userOf(s.name(), more))
	return "/Users/" + s.text(r, "$.id"), r
}

func (s *session) group(memberIDs ...string) (string, reply) {
	s.t.Helper()
	list := []object{}
	for _, id := range memberIDs {
		list = append(list, object{"value": id})
	}
	r := s.want(is(201), "POST", "/Groups", object{"schemas": []string{coreGroup}, "displayName": s.name(), "members": list})
	return "/Groups/" + s.text(r, "$.id"), r
}

// members insists on exactly these members of the group at path.
func (s *session) members(path string, want ...string) {
	s.t.Helper()
	s.values(s.want(is(200), "GET", path, nil), "$.members", want...)
}

// values insists on exactly these values of a multi-valued attribute. They have no
// order (RFC 7643 §2.4 gives them none, and no operation of RFC 7644 keeps one), so
// none is asked for.
func (s *session) values(r reply, at string, want ...string) {
	s.t.Helper()
	v, _, _ := lookUp(r.body, at)
	list, _ := v.([]any)
	got := make([]string, 0, len(list))
	for _, e := range list {
		o, _ := e.(map[string]any)
		value, _ := o["value"].(string)
		got = append(got, value)
	}
	slices.Sort(got)
	if slices.Sort(want); !slices.Equal(got, want) {
		s.t.Errorf("%s are %v, want %v: %s", at, got, want, r.raw)
	}
}

// schemas reports whether "schemas" of an answer lists a URN, in whatever place.
func (s *session) schemas(r reply, urn string) bool {
	v, _, _ := lookUp(r.body, "$.schemas")
	list, _ := v.([]any)
	return slices.Contains(list, any(urn))
}

func patchOf(ops ...object) object {
	return object{"schemas": []string{messages + "PatchOp"}, "Operations": ops}
}

// refused insists on an error in SCIM form.
func (s *session) refused(status int, scimType string, method, path string, body any, headers ...string) {
	s.t.Helper()
	r := s.want(is(status), method, path, body, headers...)
	if !s.schemas(r, messages+"Error") {
		s.t.Errorf("no error message: %s", r.raw)
	}
	s.expect(r, "$.status", fmt.Sprint(status))
	if scimType != "" {
		s.expect(r, "$.scimType", scimType)
	}
}
