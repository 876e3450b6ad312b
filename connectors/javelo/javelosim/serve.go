package javelosim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// maxBody is more than any request of a SCIM client for one account needs.
const maxBody = 1 << 20

// answer is a response before it is written. body is marshalled unless it is nil.
type answer struct {
	status int
	header http.Header
	body   any
}

// ServeHTTP answers one request: limit, faults, token, route, in this order.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	entry := s.arrive(r, body)
	fault := s.takeFault(r)
	if fault != nil && !fault.before(w, r) {
		s.finish(entry, fault.status(), "")
		return
	}

	s.mu.Lock()
	a := s.answer(r, body, entry.allowed, entry.retryAfter)
	s.mu.Unlock()
	s.finish(entry, a.status, s.createdBy(r, a))

	if fault != nil && fault.Kind == ResetAfterWrite {
		panic(http.ErrAbortHandler)
	}
	a.write(w, fault)
}

func (a answer) write(w http.ResponseWriter, fault *Fault) {
	for k, v := range a.header {
		w.Header()[k] = v
	}
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	text, err := json.Marshal(a.body)
	if err != nil {
		http.Error(w, "javelosim: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/scim+json")
	w.WriteHeader(a.status)
	if fault != nil && fault.Kind == Truncate {
		text = text[:len(text)/2]
	}
	w.Write(text)
}

// answer routes one request. The caller holds s.mu.
func (s *Sim) answer(r *http.Request, body []byte, allowed bool, retryAfter int) answer {
	if !allowed {
		a := refuse(http.StatusTooManyRequests, "", "Rate limit exceeded")
		if s.opts.RetryAfter {
			a.header = http.Header{"Retry-After": {strconv.Itoa(retryAfter)}}
		}
		return a
	}
	if r.Header.Get("Authorization") != "Bearer "+s.token {
		return refuse(http.StatusUnauthorized, "", "Unauthorized")
	}
	rest, ok := strings.CutPrefix(r.URL.Path, Prefix+"/")
	if !ok {
		return notFound()
	}
	kind, id, one := strings.Cut(rest, "/")
	if one && (id == "" || strings.Contains(id, "/")) {
		return notFound()
	}
	switch {
	case kind == "Users" && !one:
		return s.usersRoute(r, body)
	case kind == "Users":
		return s.userRoute(r, id, body)
	case kind == "Groups" && !one:
		return s.groupsRoute(r, body)
	case kind == "Groups":
		return s.groupRoute(r, id, body)
	}
	return notFound()
}

func (s *Sim) usersRoute(r *http.Request, body []byte) answer {
	switch r.Method {
	case http.MethodGet:
		return s.listUsers(r)
	case http.MethodPost:
		return s.createUser(body)
	}
	return notAllowed("GET, POST")
}

func (s *Sim) userRoute(r *http.Request, id string, body []byte) answer {
	a, ok := s.accounts[id]
	allow := "GET, PATCH"
	if s.opts.AllowPut {
		allow += ", PUT"
	}
	switch {
	case r.Method == http.MethodDelete, r.Method == http.MethodPost, r.Method == http.MethodPut && !s.opts.AllowPut:
		return notAllowed(allow) // people are disabled in Javelo, never deleted
	case !ok:
		return notFound()
	case r.Method == http.MethodGet:
		return answer{status: http.StatusOK, body: s.renderUser(a)}
	case r.Method == http.MethodPut:
		return s.replaceUser(a, body)
	case r.Method == http.MethodPatch:
		return s.patchUser(a, body)
	}
	return notAllowed(allow)
}

// createdBy returns the user name that a request made an account for.
func (s *Sim) createdBy(r *http.Request, a answer) string {
	if r.Method != http.MethodPost || a.status != http.StatusCreated {
		return ""
	}
	user, ok := a.body.(*userJSON)
	if !ok {
		return ""
	}
	return user.UserName
}

// problem is a refusal with an RFC 7644 §3.12 body.
type problem struct {
	status           int
	scimType, detail string
}

func (p *problem) Error() string { return p.detail }

func invalid(scimType, detail string) error {
	return &problem{http.StatusBadRequest, scimType, detail}
}

func refusal(err error) answer {
	var p *problem
	if errors.As(err, &p) {
		return refuse(p.status, p.scimType, p.detail)
	}
	return refuse(http.StatusBadRequest, "invalidSyntax", err.Error())
}

func refuse(status int, scimType, detail string) answer {
	body := map[string]any{
		"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:Error"},
		"status":  strconv.Itoa(status),
		"detail":  detail,
	}
	if scimType != "" {
		body["scimType"] = scimType
	}
	return answer{status: status, body: body}
}

func notFound() answer { return refuse(http.StatusNotFound, "", "Resource not found") }

func notAllowed(allow string) answer {
	a := refuse(http.StatusMethodNotAllowed, "", "Method not allowed")
	a.header = http.Header{"Allow": {allow}}
	return a
}

// object decodes a request body that must be one JSON object.
func object(body []byte) (map[string]any, error) {
	if len(body) > maxBody {
		return nil, &problem{http.StatusRequestEntityTooLarge, "", "Request body too large"}
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v map[string]any
	if err := d.Decode(&v); err != nil || v == nil {
		return nil, invalid("invalidSyntax", "Request body is not a JSON object")
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, invalid("invalidSyntax", "Request body has trailing data")
	}
	return v, nil
}
