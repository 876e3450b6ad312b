package scimtargetsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	maxBody      = 1 << 20
	keptRequests = 10_000
)

// Request is one entry of the request log.
type Request struct {
	Method  string
	Path    string // below Prefix
	Query   url.Values
	IfMatch string
	Body    []byte // as sent
	Status  int    // as answered, also when the answer was then lost
}

// Requests returns the requests that arrived, oldest first; of a very long log
// the latest only.
func (s *Sim) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// answer is a response before it is written.
type answer struct {
	status int
	header http.Header
	body   any    // marshalled; nil: none
	page   string // HTML instead
}

// ServeHTTP answers one request: limit, faults, token, route, in this order.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	s.mu.Lock()
	refused, ok := s.admit(r)
	s.mu.Unlock()
	if !ok {
		refused.write(w, false)
		return
	}
	fault := s.takeFault(r)
	a, struck := fault.answerFor()
	if !struck {
		a = s.apply(r, body, fault)
	}
	if fault.Kind == ResetAfterWrite || fault.Kind == Partial {
		panic(http.ErrAbortHandler)
	}
	a.write(w, fault.Kind == Truncate)
}

func (s *Sim) apply(r *http.Request, body []byte, fault Fault) answer {
	path := strings.TrimPrefix(r.URL.Path, Prefix)
	if id, ok := strings.CutPrefix(path, "/Users/"); ok && fault.Kind == EditBefore {
		s.mu.Lock()
		name := ""
		if u, ok := s.users[id]; ok {
			name = textOf(u.fields["userName"])
		}
		s.mu.Unlock()
		s.Edit(name, fault.Attribute, fault.Value)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.half = fault.Kind == Partial
	a := s.route(r, body)
	s.half = false
	s.requests = append(s.requests, Request{r.Method, path, r.URL.Query(), r.Header.Get("If-Match"), body, a.status})
	if len(s.requests) > keptRequests {
		s.requests = slices.Delete(s.requests, 0, keptRequests/4)
	}
	return a
}

func (a answer) write(w http.ResponseWriter, truncate bool) {
	for k, v := range a.header {
		w.Header()[k] = v
	}
	switch {
	case a.page != "":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(a.status)
		io.WriteString(w, a.page)
		return
	case a.body == nil:
		w.WriteHeader(a.status)
		return
	}
	raw, err := json.Marshal(a.body)
	if err != nil {
		http.Error(w, "scimtargetsim: "+err.Error(), http.StatusInternalServerError)
		return
	}
	if truncate {
		raw = raw[:len(raw)/2]
	}
	w.Header().Set("Content-Type", "application/scim+json")
	w.WriteHeader(a.status)
	w.Write(raw)
}

func (s *Sim) route(r *http.Request, body []byte) answer {
	if r.Header.Get("Authorization") != "Bearer "+s.opts.Token {
		return refuse(http.StatusUnauthorized, "", "Unauthorized")
	}
	path, ok := strings.CutPrefix(r.URL.Path, Prefix+"/")
	kind, id, one := strings.Cut(path, "/")
	switch {
	case !ok || strings.Contains(id, "/"):
	case path == "ServiceProviderConfig" && r.Method == http.MethodGet && !s.opts.NoConfig:
		return answer{status: http.StatusOK, body: s.config()}
	case path == "Bulk" && r.Method == http.MethodPost && s.opts.Bulk && !s.opts.BulkTraits.Missing:
		return s.bulk(r, body)
	case kind == "Groups" && !s.opts.NoGroups:
		return s.groupsRoute(r, id, body)
	case path == "Users" && r.Method == http.MethodGet:
		return s.list(r.URL.Query())
	case path == "Users" && r.Method == http.MethodPost:
		return s.create(body)
	case path == "Users":
		return refuse(http.StatusMethodNotAllowed, "", "Method not allowed")
	case kind == "Users" && one && id != "":
		return s.oneUser(r, id, body)
	}
	return refuse(http.StatusNotFound, "", "Resource not found")
}

func (s *Sim) config() map[string]any {
	supported := func(v bool) map[string]any { return map[string]any{"supported": v} }
	bulk := map[string]any{"supported": s.opts.Bulk, "maxOperations": 0, "maxPayloadSize": 0}
	if s.opts.Bulk {
		bulk["maxOperations"], bulk["maxPayloadSize"] = s.opts.BulkTraits.announced()
	}
	return map[string]any{
		"schemas":        []string{"urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"},
		"patch":          supported(!s.opts.NoPatch),
		"bulk":           bulk,
		"filter":         map[string]any{"supported": !s.opts.NoFilter, "maxResults": s.opts.MaxCount},
		"changePassword": supported(false),
		"sort":           supported(false),
		"etag":           supported(s.opts.ETags),
		"pagination":     map[string]any{"cursor": s.opts.Cursors, "index": true},
		"authenticationSchemes": []any{map[string]any{
			"type": "oauthbearertoken", "name": "Bearer token", "description": "A token in the Authorization header",
		}},
	}
}

func (s *Sim) list(q url.Values) answer {
	ids := s.order
	if filter := q.Get("filter"); filter != "" && !s.opts.IgnoreFilter {
		name, err := s.filtered(filter)
		if err != nil {
			return refusal(err)
		}
		ids = nil
		if id, ok := s.byName[fold(name)]; ok {
			ids = []string{id}
		}
	}
	count := s.opts.MaxCount
	if n, err := strconv.Atoi(q.Get("count")); err == nil {
		count = min(max(0, n), count)
	}
	start, byCursor := 1, s.opts.Cursors && q.Has("cursor")
	if n, err := strconv.Atoi(q.Get("startIndex")); err == nil {
		start = max(1, n)
	}
	if byCursor {
		n, err := fromCursor(q.Get("cursor"))
		if err != nil {
			return refusal(err)
		}
		start = n
	}
	first := min(start-1, len(ids))
	last := first + min(count, len(ids)-first)
	resources := make([]any, 0, last-first)
	for _, id := range ids[first:last] {
		resources = append(resources, s.render(s.users[id]))
	}
	doc := map[string]any{
		"schemas":      []string{"urn:ietf:params:scim:api:messages:2.0:ListResponse"},
		"totalResults": len(ids),
		"itemsPerPage": len(resources),
		"Resources":    resources,
	}
	switch {
	case !byCursor:
		doc["startIndex"] = start
	case last < len(ids):
		doc["nextCursor"] = fmt.Sprintf("c%d", last+1)
	}
	return answer{status: http.StatusOK, body: doc}
}

func fromCursor(cursor string) (int, error) {
	if cursor == "" {
		return 1, nil
	}
	n, err := strconv.Atoi(strings.TrimPrefix(cursor, "c"))
	if err != nil || n < 1 {
		return 0, invalid("invalidCursor", "Cursor is not one of this service's")
	}
	return n, nil
}

// filtered takes the value out of `userName eq "value"`, the one filter needed.
func (s *Sim) filtered(filter string) (string, error) {
	if s.opts.NoFilter {
		return "", &problem{http.StatusNotImplemented, "", "Filters are not supported"}
	}
	words := strings.SplitN(filter, " ", 3)
	if len(words) != 3 || !strings.EqualFold(words[0], "userName") || !strings.EqualFold(words[1], "eq") {
		return "", invalid("invalidFilter", "Filter is not supported")
	}
	var value string
	if json.Unmarshal([]byte(words[2]), &value) != nil {
		return "", invalid("invalidFilter", "Filter value is not a string")
	}
	return value, nil
}

func (s *Sim) oneUser(r *http.Request, id string, body []byte) answer {
	switch {
	case r.Method == http.MethodPatch && s.opts.NoPatch, r.Method == http.MethodPut && s.opts.NoPut:
		return refuse(http.StatusNotImplemented, "", "Method is not supported")
	case r.Method == http.MethodDelete, r.Method == http.MethodPost:
		return refuse(http.StatusMethodNotAllowed, "", "Method not allowed")
	}
	u, ok := s.users[id]
	if !ok {
		return refuse(http.StatusNotFound, "", "Resource not found")
	}
	if r.Method == http.MethodGet {
		return s.shown(http.StatusOK, u)
	}
	match := r.Header.Get("If-Match")
	switch {
	case s.opts.RequireMatch && match == "":
		return refuse(http.StatusPreconditionRequired, "", "If-Match is required")
	case s.opts.ETags && match != "" && match != "*" && match != etag(u):
		return refuse(http.StatusPreconditionFailed, "", "Resource has another version")
	case r.Method == http.MethodPut:
		return s.replace(u, body)
	case r.Method == http.MethodPatch:
		return s.patch(u, body)
	}
	return refuse(http.StatusMethodNotAllowed, "", "Method not allowed")
}

func etag(u *user) string { return fmt.Sprintf(`W/"%d"`, u.version) }

// shown answers with a user, and with its version where those are offered.
func (s *Sim) shown(status int, u *user) answer {
	a := answer{status: status, header: http.Header{}, body: s.render(u)}
	if s.opts.ETags {
		a.header.Set("ETag", etag(u))
	}
	return a
}

func (s *Sim) render(u *user) map[string]any {
	doc := copyObject(u.fields)
	schemas := []any{coreUser}
	for _, urn := range []string{enterpriseUser, s.opts.Extension} {
		if _, ok := doc[urn]; ok && urn != "" {
			schemas = append(schemas, urn)
		}
	}
	meta := map[string]any{"resourceType": "User", "location": "https://reviews.example" + Prefix + "/Users/" + u.id}
	if s.opts.ETags {
		meta["version"] = etag(u)
	}
	doc["schemas"], doc["id"], doc["meta"] = schemas, u.id, meta
	if s.opts.LooseBooleans {
		active, _ := doc["active"].(bool)
		doc["active"] = strconv.FormatBool(active)
	}
	if s.opts.Nulls {
		for _, name := range simple {
			if _, ok := doc[name]; !ok {
				doc[name] = nil
			}
		}
	}
	return doc
}

// problem is a refusal with a body of RFC 7644 §3.12.
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
