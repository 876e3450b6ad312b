package demo

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
	"rollcall/scimsrv"
	"rollcall/scimsrv/scimtest"
	"rollcall/scimsrv/scimtest/memory"
)

// exchange is one request as it arrived at the SCIM service.
type exchange struct {
	Method, Path, Query string
	Agent               []string
	Body                map[string]any
}

// service is a SCIM service in memory that keeps what it was asked.
type service struct {
	base string

	mu   sync.Mutex // guards seen: senders have several requests under way
	seen []exchange
}

func newService(t *testing.T, kind model.Kind) *service {
	t.Helper()
	s := &service{}
	var inner http.Handler
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		x := exchange{Method: r.Method, Path: strings.TrimPrefix(r.URL.Path, scimsrv.BasePath), Query: r.URL.RawQuery, Agent: r.Header["User-Agent"]}
		if len(raw) > 0 {
			if err := json.Unmarshal(raw, &x.Body); err != nil {
				t.Error(err)
			}
		}
		s.mu.Lock()
		s.seen = append(s.seen, x)
		s.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(raw))
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	made, err := scimsrv.New(scimsrv.Options{Directory: memory.New(nil), PublicURL: srv.URL,
		Authenticator: scimtest.Tokens{"secret": {Source: "sender", Kind: kind, Dialect: string(kind)}}})
	if err != nil {
		t.Fatal(err)
	}
	inner, s.base = made, srv.URL+scimsrv.BasePath
	return s
}

// asked returns what was asked since the last call, with ids written as ID.
func (s *service) asked(id string) []string {
	var out []string
	for _, x := range s.seen {
		line := x.Method + " " + x.Path
		if id != "" {
			line = strings.ReplaceAll(line, id, "ID")
		}
		if x.Query != "" {
			line += "?" + x.Query
		}
		out = append(out, line)
	}
	s.seen = nil
	return out
}

func ada() profile {
	return profile{Login: "ada+lists@halcyon-atelier.example", ExternalID: "00u1", Given: "Ada", Family: "Fontaine", Title: "Architect",
		Department: "Design", Number: "00007", Locale: "fr-FR", Manager: "noor@halcyon-atelier.example"}
}

func noor() profile {
	return profile{Login: "noor@halcyon-atelier.example", ExternalID: "00u2", Given: "Noor", Family: "Ibsen", Title: "Director", Locale: "en-US"}
}

func stored(t *testing.T, c *scimClient, id string) resource {
	t.Helper()
	r, err := c.call(t.Context(), http.MethodGet, "/Users/"+id, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const (
	oktaLookup  = "GET /Users?filter=userName%20eq%20%22ada%2Blists%40halcyon-atelier.example%22&startIndex=1&count=100"
	entraLookup = "GET /Users?filter=userName+eq+%22ada%2Blists%40halcyon-atelier.example%22"
)

func TestOktaLooksUpCreatesAndWritesWholeResources(t *testing.T) {
	s := newService(t, model.KindOkta)
	o := newOkta(s.base, "secret")
	defer o.client.close()
	if err := o.test(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := o.assign(t.Context(), ada()); err != nil {
		t.Fatal(err)
	}
	created := s.seen[2]
	if created.Body["password"] == "" || created.Body["active"] != true || created.Body["externalId"] != "00u1" {
		t.Errorf("created with %v", created.Body)
	}
	if d := cmp.Diff([]string{"Okta SCIM Client 1.0.0"}, created.Agent); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"GET /Users?startIndex=1&count=2", oktaLookup, "POST /Users"}, s.asked("")); d != "" {
		t.Errorf("assignment (-want +got):\n%s", d)
	}
	id, _ := o.id(ada().Login)

	changed := ada()
	changed.Title = "Lead"
	if err := o.update(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	if meta, ok := s.seen[1].Body["meta"].(map[string]any); !ok || meta["resourceType"] != "User" {
		t.Errorf("a PUT does not send back what was read: %v", s.seen[1].Body)
	}
	if err := o.deactivate(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"GET /Users/ID", "PUT /Users/ID", "GET /Users/ID", "PUT /Users/ID"}, s.asked(id)); d != "" {
		t.Errorf("update and deactivation (-want +got):\n%s", d)
	}
	if r := stored(t, o.client, id); r["active"] != false || r["title"] != "Lead" {
		t.Errorf("stored active %v, title %v", r["active"], r["title"])
	}
}

func TestOktaLinksWhoIsThereAlready(t *testing.T) {
	s := newService(t, model.KindOkta)
	first, second := newOkta(s.base, "secret"), newOkta(s.base, "secret")
	defer first.client.close()
	defer second.client.close()
	if err := first.assign(t.Context(), ada()); err != nil {
		t.Fatal(err)
	}
	if err := first.deactivate(t.Context(), ada()); err != nil {
		t.Fatal(err)
	}
	s.seen = nil
	if err := second.assign(t.Context(), ada()); err != nil {
		t.Fatal(err)
	}
	id, _ := second.id(ada().Login)
	if d := cmp.Diff([]string{oktaLookup, "GET /Users/ID", "PUT /Users/ID"}, s.asked(id)); d != "" {
		t.Errorf("linking (-want +got):\n%s", d)
	}
	if r := stored(t, second.client, id); r["active"] != true {
		t.Error("assigning again did not reactivate")
	}
}

func TestEntraCreatesThenLinksManagersAndPatches(t *testing.T) {
	s := newService(t, model.KindAzure)
	e := newEntra(s.base, "secret")
	defer e.client.close()
	if err := provisionAll(t.Context(), e, []profile{ada()}); err != nil {
		t.Fatal(err)
	}
	if s.seen[0].Agent != nil {
		t.Errorf("Entra names a user agent: %q", s.seen[0].Agent)
	}
	want := []string{"GET /Users?filter=userName+eq+%22" + nobody + "%22", entraLookup, "POST /Users"}
	if d := cmp.Diff(want, s.asked("")); d != "" {
		t.Errorf("a manager who is not in scope was referred to (-want +got):\n%s", d)
	}
	id, _ := e.id(ada().Login)
	if err := e.provision(t.Context(), noor()); err != nil {
		t.Fatal(err)
	}
	s.seen = nil
	if linked, err := e.link(t.Context(), ada()); err != nil || !linked {
		t.Fatal(linked, err)
	}
	manager, _ := e.id(noor().Login)
	op := map[string]any{"op": "Add", "path": enterpriseURN + ":manager", "value": manager}
	if d := cmp.Diff(map[string]any{"schemas": []any{patchMessage}, "Operations": []any{op}}, s.seen[0].Body); d != "" {
		t.Errorf("manager (-want +got):\n%s", d)
	}
	p := ada()
	p.CostCenter = "CC-1"
	if err := e.setCostCenter(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	s.seen = nil
	if err := e.disable(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]any{map[string]any{"op": "Replace", "path": "active", "value": "False"}}, s.seen[0].Body["Operations"]); d != "" {
		t.Errorf("disabling (-want +got):\n%s", d)
	}
	r := stored(t, e.client, id)
	extension, _ := r[enterpriseURN].(map[string]any)
	link, _ := extension["manager"].(map[string]any)
	if r["active"] != false || link["value"] != manager || extension["costCenter"] != "CC-1" {
		t.Errorf("stored active %v, enterprise %v", r["active"], extension)
	}
	if err := e.provision(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if r := stored(t, e.client, id); r["active"] != true {
		t.Error("a user who is in scope again is not active")
	}
}

func TestRefusalsOfTheServiceAreTold(t *testing.T) {
	s := newService(t, model.KindOkta)
	for name, test := range map[string]func(base string) error{
		"okta":  func(base string) error { return newOkta(base, "wrong").test(t.Context()) },
		"azure": func(base string) error { return newEntra(base, "wrong").test(t.Context()) },
	} {
		var refused *refusedError
		if err := test(s.base); !errors.As(err, &refused) || refused.Status != http.StatusUnauthorized {
			t.Errorf("%s with a wrong token: %v", name, err)
		}
		if err := test(s.base); err == nil || strings.Contains(err.Error(), "wrong") {
			t.Errorf("%s tells the token: %v", name, err)
		}
	}
	o := newOkta(s.base, "secret")
	if err := o.update(t.Context(), ada()); err == nil {
		t.Error("a user who was never assigned was updated")
	}
	if _, err := url.ParseQuery("filter=" + oktaEscape(`userName eq "a b"`)); err != nil {
		t.Error(err)
	}
}
