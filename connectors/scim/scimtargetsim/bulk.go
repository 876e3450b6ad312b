package scimtargetsim

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const bulkResponse = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"

// Bulk is how the service does RFC 7644 §3.7. The zero value keeps to the letter:
// operations are done in order, each on its own, and answered in order, with
// location, version and status, and a body for refusals only.
type Bulk struct {
	// MaxOperations and MaxPayload (bytes) are the limits, and are announced; 0: 100
	// and a megabyte.
	MaxOperations, MaxPayload int
	// Announced replaces the announced limits by others: what a service says and what
	// it takes are two things.
	Announced struct{ MaxOperations, MaxPayload int }
	// Missing answers 404 at /Bulk all the same.
	Missing bool
	// Status is how an operation's status is written.
	Status StatusForm
	// Bodies answers done operations with the resource too, as the RFC allows.
	Bodies bool
	// NoLocation leaves the location out.
	NoLocation bool
	// NoBulkID leaves out which operation is answered.
	NoBulkID bool
	// Reverse answers the last operation first.
	Reverse bool
	// Lost leaves so many of the last operations out of the answer; they are done.
	Lost int
	// StopAfter ends after so many refusals, whatever failOnErrors says; 0: as asked.
	StopAfter int
	// References is what becomes of "bulkId:…" in a value (RFC 7644 §3.7.2).
	References References
	// Whole refuses the request as a whole when one operation is refused.
	Whole bool
}

// StatusForm is how the status of an operation is written.
type StatusForm uint8

const (
	StatusText   StatusForm = iota // "201", RFC 7644 §3.7.3
	StatusNumber                   // 201
	StatusObject                   // {"code": "201"}, as drafts of the RFC had it
)

// References is what a service makes of a reference to another operation.
type References uint8

const (
	ReferencesResolve References = iota // as the RFC says
	ReferencesRefused                   // 400: there is no such user
	ReferencesDropped                   // accepted, and nothing is stored
)

func (b Bulk) limits() (operations, payload int) {
	return cmp.Or(b.MaxOperations, 100), cmp.Or(b.MaxPayload, maxBody)
}

func (b Bulk) announced() (operations, payload int) {
	operations, payload = b.limits()
	return cmp.Or(b.Announced.MaxOperations, operations), cmp.Or(b.Announced.MaxPayload, payload)
}

// bulk is POST /Bulk. The caller holds s.mu.
func (s *Sim) bulk(r *http.Request, body []byte) answer {
	b := s.opts.BulkTraits
	operations, payload := b.limits()
	if len(body) > payload {
		return refuse(http.StatusRequestEntityTooLarge, "tooLarge", "The size of the bulk operation exceeds the maxPayloadSize ("+strconv.Itoa(payload)+")")
	}
	doc, err := object(body)
	if err != nil {
		return refusal(err)
	}
	list, _ := member(doc, "Operations").([]any)
	if len(list) == 0 {
		return refusal(invalid("invalidSyntax", "Operations is missing"))
	}
	if len(list) > operations {
		return refuse(http.StatusRequestEntityTooLarge, "tooMany", "The number of operations exceeds the maxOperations ("+strconv.Itoa(operations)+")")
	}
	stop := b.StopAfter
	if n, ok := member(doc, "failOnErrors").(json.Number); ok && stop == 0 {
		v, _ := n.Int64()
		stop = int(v)
	}
	if s.half {
		list = list[:len(list)/2]
	}
	before := s.snapshot()
	done := &bulkRun{sim: s, traits: b, auth: r.Header.Get("Authorization"), ids: map[string]string{}}
	failures := 0
	for _, v := range list {
		o, _ := v.(map[string]any)
		a := done.operate(o)
		if a.status >= 300 {
			failures++
			if b.Whole {
				s.restore(before)
				return a
			}
			if stop > 0 && failures >= stop {
				break
			}
		}
	}
	out := done.answers[:max(0, len(done.answers)-b.Lost)]
	if b.Reverse {
		slices.Reverse(out)
	}
	return answer{status: http.StatusOK, body: map[string]any{"schemas": []string{bulkResponse}, "Operations": out}}
}

// bulkRun is one bulk request being done.
type bulkRun struct {
	sim     *Sim
	traits  Bulk
	auth    string
	ids     map[string]string // bulkId → id of what was made
	answers []any
}

// operate does one operation as if it had come by itself, and notes its answer.
func (b *bulkRun) operate(o map[string]any) answer {
	method := strings.ToUpper(textOf(member(o, "method")))
	path, bulkID := textOf(member(o, "path")), textOf(member(o, "bulkId"))
	a := b.perform(o, method, path, bulkID)
	one := map[string]any{"method": method}
	if bulkID != "" && !b.traits.NoBulkID {
		one["bulkId"] = bulkID
	}
	status := strconv.Itoa(a.status)
	switch b.traits.Status {
	case StatusNumber:
		one["status"] = a.status
	case StatusObject:
		one["status"] = map[string]any{"code": status}
	default:
		one["status"] = status
	}
	resource, _ := a.body.(map[string]any)
	id := textOf(resource["id"])
	if method != http.MethodPost {
		id, _ = strings.CutPrefix(path, "/Users/")
	}
	if a.status < 300 || method != http.MethodPost {
		if !b.traits.NoLocation {
			one["location"] = "https://reviews.example" + Prefix + "/Users/" + url.PathEscape(id)
		}
		if etag := a.header.Get("ETag"); etag != "" {
			one["version"] = etag
		}
		if a.status < 300 && method == http.MethodPost {
			b.ids[bulkID] = id
		}
	}
	if a.status >= 300 || b.traits.Bodies {
		one["response"] = a.body
	}
	b.answers = append(b.answers, one)
	return a
}

func (b *bulkRun) perform(o map[string]any, method, path, bulkID string) answer {
	if method == http.MethodPost && bulkID == "" {
		return refuse(http.StatusBadRequest, "invalidSyntax", "Attribute bulkId is required")
	}
	if method != http.MethodPost && method != http.MethodPatch && method != http.MethodPut {
		return refuse(http.StatusBadRequest, "invalidSyntax", "Attribute method is not valid")
	}
	data, err := b.resolve(member(o, "data"))
	if err != nil {
		return refusal(err)
	}
	raw, err := json.Marshal(data)
	if err != nil {
		return refusal(invalid("invalidSyntax", "Attribute data is not valid"))
	}
	r := &http.Request{Method: method, URL: &url.URL{Path: Prefix + path}, Header: http.Header{"Authorization": {b.auth}}}
	if version := textOf(member(o, "version")); version != "" {
		r.Header.Set("If-Match", version)
	}
	return b.sim.route(r, raw)
}

// resolve puts the ids of what this request made in the place of "bulkId:…".
func (b *bulkRun) resolve(v any) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, k := range sortedKeys(v) {
			e, err := b.resolve(v[k])
			if err != nil {
				return nil, err
			}
			if ref := textOf(v[k]); e == nil && strings.HasPrefix(ref, "bulkId:") {
				continue
			}
			out[k] = e
		}
		if len(out) == 0 && len(v) > 0 {
			return nil, nil
		}
		return out, nil
	case []any:
		out := make([]any, 0, len(v))
		for _, e := range v {
			e, err := b.resolve(e)
			if err != nil {
				return nil, err
			}
			out = append(out, e)
		}
		return out, nil
	case string:
		ref, is := strings.CutPrefix(v, "bulkId:")
		if !is {
			return v, nil
		}
		id, made := b.ids[ref]
		switch {
		case b.traits.References == ReferencesDropped:
			return nil, nil
		case b.traits.References == ReferencesRefused, !made:
			return nil, invalid("invalidValue", "Attribute manager is not a user of this service")
		}
		return id, nil
	}
	return v, nil
}

// snapshot and restore keep what a request that is refused as a whole changed.
type snapshot struct {
	users  map[string]*user
	byName map[string]string
	order  []string
	minted int
	made   map[string]int
}

func (s *Sim) snapshot() snapshot {
	p := snapshot{map[string]*user{}, map[string]string{}, slices.Clone(s.order), s.minted, map[string]int{}}
	for k, v := range s.users {
		p.users[k] = v
	}
	for k, v := range s.byName {
		p.byName[k] = v
	}
	for k, v := range s.record.created {
		p.made[k] = v
	}
	return p
}

func (s *Sim) restore(p snapshot) {
	s.users, s.byName, s.order, s.minted, s.record.created = p.users, p.byName, p.order, p.minted, p.made
}
