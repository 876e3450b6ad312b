package scimtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Client is a way to one tenant of a SCIM service.
type Client struct {
	BaseURL string // SCIM base URL, without a slash at its end
	Token   string // a valid bearer token
	HTTP    *http.Client
}

// maxAnswer bounds the answers that are read.
const maxAnswer = 64 << 20

// reply is an answer with its body read and, if there is one, decoded.
type reply struct {
	status int
	header http.Header
	raw    []byte
	body   any // nil without a JSON body; numbers are json.Number
}

// send makes a request with exactly the headers given: not even a User-Agent is
// added, because Entra sends none.
func (c Client) send(t *testing.T, method, target string, header map[string]string, body []byte) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, c.BaseURL+target, bytes.NewReader(body))
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	if body == nil {
		req.Body, req.ContentLength = nil, 0
	}
	req.Header["User-Agent"] = nil
	for name, value := range header {
		req.Header.Set(name, value)
	}
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		t.Fatalf("%s %s: read answer: %v", method, target, err)
	}
	r := reply{status: resp.StatusCode, header: resp.Header, raw: raw}
	if len(bytes.TrimSpace(raw)) > 0 {
		if r.body, err = decode(raw); err != nil && strings.Contains(resp.Header.Get("Content-Type"), "json") {
			t.Errorf("%s %s: the answer is no JSON: %v", method, target, err)
		}
	}
	return r
}

func decode(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, fmt.Errorf("something follows the JSON value")
	}
	return v, nil
}
