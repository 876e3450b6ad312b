package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	scimMedia     = "application/scim+json"
	coreUser      = "urn:ietf:params:scim:schemas:core:2.0:User"
	enterpriseURN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	patchMessage  = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
)

// profile is what an identity provider's directory says of one user.
type profile struct {
	Login      string // userName and work email
	ExternalID string // the directory's own id
	Given      string
	Family     string
	Title      string
	Department string
	Number     string // employee number
	Locale     string // as in "fr-FR"
	Manager    string // login of the manager, empty for none
	CostCenter string
}

func (p profile) name() string { return p.Given + " " + p.Family }

// resource is a SCIM resource as it came: nothing of it is dropped, because Okta
// sends it back.
type resource map[string]any

func (r resource) text(name string) string {
	s, _ := r[name].(string)
	return s
}

// refusedError is an answer of the SCIM service other than 2xx.
type refusedError struct {
	Status   int
	ScimType string
	Detail   string
}

func (e *refusedError) Error() string {
	text := fmt.Sprintf("the SCIM service answered %d", e.Status)
	if e.ScimType != "" {
		text += " " + e.ScimType
	}
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	return text
}

// maxAnswer bounds an answer that is read, in bytes.
const maxAnswer = 8 << 20

// scimClient sends requests with the headers of one identity provider. It is
// safe for concurrent use.
type scimClient struct {
	name   string // begins every error
	base   string // up to and including /scim/v2
	token  string
	header http.Header // sent with every request
	media  string      // content type of bodies
	http   *http.Client
}

func newSCIMClient(name, base, token string, header http.Header) *scimClient {
	transport := &http.Transport{MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Minute}
	return &scimClient{name: name, base: strings.TrimRight(base, "/"), token: token, header: header,
		media: scimMedia + "; charset=utf-8", http: &http.Client{Transport: transport, Timeout: time.Minute}}
}

func (c *scimClient) close() { c.http.CloseIdleConnections() }

// call sends one request and decodes the answer; an answer without a body is
// nil. The path begins with a slash; query is sent as it is, because senders
// differ in how they encode it.
func (c *scimClient) call(ctx context.Context, method, path, query string, body any) (resource, error) {
	target := c.base + path
	if query != "" {
		target += "?" + query
	}
	var sent io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("%s: encode %s %s: %w", c.name, method, path, err)
		}
		sent = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, target, sent)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	for name, values := range c.header {
		req.Header[name] = values
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if body != nil {
		req.Header.Set("Content-Type", c.media)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("%s: %s %s: %w", c.name, method, path, err)
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		refused := &refusedError{Status: resp.StatusCode}
		var told struct{ ScimType, Detail string }
		if json.Unmarshal(raw, &told) == nil {
			refused.ScimType, refused.Detail = told.ScimType, told.Detail
		}
		return nil, fmt.Errorf("%s: %s %s: %w", c.name, method, path, refused)
	}
	if len(raw) == 0 {
		return nil, nil
	}
	var out resource
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&out); err != nil {
		return nil, fmt.Errorf("%s: %s %s: the answer is no JSON object: %w", c.name, method, path, err)
	}
	return out, nil
}

// found returns the only resource of a list answer, nil when it is empty.
func found(list resource) (resource, error) {
	all, ok := list["Resources"].([]any)
	switch {
	case !ok && list["Resources"] != nil, list["totalResults"] == nil:
		return nil, fmt.Errorf("the answer is not a list of resources")
	case len(all) == 0:
		return nil, nil
	case len(all) > 1:
		return nil, fmt.Errorf("%d resources have one userName", len(all))
	}
	one, ok := all[0].(map[string]any)
	if !ok || resource(one).text("id") == "" {
		return nil, fmt.Errorf("a resource in the list has no id")
	}
	return one, nil
}

// filterValue spells a value of a SCIM filter (RFC 7644 §3.4.2.2: a JSON string).
func filterValue(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
