package scimsrv_test

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"rollcall/appliance/model"
	"rollcall/scimsrv"
	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/quirk"
	"rollcall/scimsrv/scimtest"
	"rollcall/scimsrv/scimtest/memory"
)

// outliner gives outlines wherever it may, as a directory does that keeps bodies
// in writing.
type outliner struct {
	scimsrv.Directory
	given *atomic.Int64 // nil: never
}

func (d outliner) Select(ctx context.Context, c scimsrv.Caller, q scimsrv.Query, after string) iter.Seq2[scimsrv.Resource, error] {
	return func(yield func(scimsrv.Resource, error) bool) {
		for res, err := range d.Directory.Select(ctx, c, q, after) {
			if err == nil && q.Outline && d.given != nil {
				if o, ok := attr.Outline(attr.Append(nil, res.Body)); ok {
					res.Body = o
					d.given.Add(1)
				}
			}
			if !yield(res, err) {
				return
			}
		}
	}
}

// twice is a service that answers each GET from outlines too, and once more with
// all attributes gone through one by one, and compares.
type twice struct {
	t                 testing.TB
	outlined, decoded *scimsrv.Service
	given             *atomic.Int64
}

func newTwice(t testing.TB, o scimsrv.Options) *twice {
	t.Helper()
	w := &twice{t: t, given: &atomic.Int64{}}
	dir := o.Directory
	for _, service := range []struct {
		to    **scimsrv.Service
		given *atomic.Int64
	}{{&w.outlined, w.given}, {&w.decoded, nil}} {
		o.Directory = outliner{dir, service.given}
		s, err := scimsrv.New(o)
		if err != nil {
			t.Fatal(err)
		}
		*service.to = s
	}
	return w
}

func (w *twice) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		got := answered(w.outlined, r)
		if want := answered(w.decoded, r); got != want {
			w.t.Errorf("%s:\noutlined %s\ndecoded  %s", r.URL, got, want)
		}
		if q := r.URL.Query(); !q.Has("attributes") && !q.Has("excludedAttributes") && strings.HasPrefix(got, "200") && (strings.Contains(r.URL.Path, "/Users") || strings.Contains(r.URL.Path, "/Groups")) {
			cut := r.Clone(r.Context())
			q.Set("excludedAttributes", "nothing")
			cut.URL.RawQuery = q.Encode()
			if want := answered(w.decoded, cut); got != want {
				w.t.Errorf("%s:\noutlined %s\ncut      %s", r.URL, got, want)
			}
		}
	}
	w.decoded.ServeHTTP(rw, r)
}

func answered(s *scimsrv.Service, r *http.Request) string {
	rec := httptest.NewRecorder()
	s.ServeHTTP(rec, r)
	return fmt.Sprint(rec.Code, rec.Header(), rec.Body)
}

func TestConversationsAreAnsweredTheSameFromOutlines(t *testing.T) {
	for sender, dialect := range map[string]string{"okta": quirk.Okta, "entra": quirk.Azure} {
		t.Run(dialect, func(t *testing.T) {
			server := httptest.NewUnstartedServer(nil)
			w := newTwice(t, scimsrv.Options{
				Directory:     memory.New(nil),
				Authenticator: scimtest.Tokens{token: {Source: "acme", Kind: model.Kind("scim"), Dialect: dialect, TokenID: "t1"}},
				PublicURL:     "http://" + server.Listener.Addr().String(),
			})
			server.Config = scimsrv.Server(w)
			server.Start()
			t.Cleanup(server.Close)
			scimtest.ReplayShared(t, scimtest.Recorded(sender), scimtest.Client{BaseURL: server.URL + scimsrv.BasePath, Token: token, HTTP: server.Client()})
			if w.given.Load() == 0 {
				t.Error("nothing was answered from an outline")
			}
		})
	}
}

// Bodies that no sender could have stored are among them: what stands in a member
// that the service adds itself must end the same way, too.
func TestAnythingStoredIsAnsweredTheSameFromOutlines(t *testing.T) {
	names := []string{"schemas", "ID", "meta", "groups", "members", "userName", "Emails", "name", "active", "x509", "é", "a\"b", eURN, strings.ToUpper(eURN), "urn:x:y"}
	scalar := rapid.OneOf(rapid.SampledFrom([]attr.Value{nil, true, false, attr.Number("1.50"), "", "a", "q\"\\\n\x01é😀"}),
		rapid.Map(rapid.String(), func(s string) attr.Value { return s }))
	value := rapid.Custom(func(t *rapid.T) attr.Value {
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			list := attr.Array{}
			for range rapid.IntRange(0, 3).Draw(t, "elements") {
				list = append(list, attr.NewObject(attr.Member{Name: "value", Value: scalar.Draw(t, "value")}, attr.Member{Name: "primary", Value: scalar.Draw(t, "primary")}))
			}
			return list
		case 1:
			o := &attr.Object{}
			for range rapid.IntRange(0, 3).Draw(t, "members") {
				o.Set(rapid.SampledFrom(names).Draw(t, "name"), scalar.Draw(t, "value"))
			}
			return o
		default:
			return scalar.Draw(t, "scalar")
		}
	})
	rapid.Check(t, func(rt *rapid.T) {
		dir := memory.New(nil)
		caller := scimsrv.Caller{Source: "acme", Kind: "scim", Dialect: quirk.RFC, TokenID: "t1"}
		w := newTwice(t, scimsrv.Options{Directory: dir, Authenticator: scimtest.Tokens{token: caller}, PublicURL: "http://x.example.com"})
		var users []scimsrv.Member
		for i := range rapid.IntRange(1, 3).Draw(rt, "resources") {
			body := &attr.Object{}
			for range rapid.IntRange(0, 8).Draw(rt, "members") {
				body.Set(rapid.SampledFrom(names).Draw(rt, "name"), value.Draw(rt, "value"))
			}
			res, err := dir.Create(t.Context(), caller, scimsrv.User, scimsrv.Draft{Body: body, Keys: []scimsrv.Key{{Attribute: "username", Value: fmt.Sprint("u", i), Unique: true}}})
			if err != nil {
				rt.Fatal(err)
			}
			users = append(users, scimsrv.Member{Value: res.ID})
		}
		group := scimsrv.Draft{Body: attr.NewObject(attr.Member{Name: "displayName", Value: "G"}, attr.Member{Name: "externalId", Value: rapid.String().Draw(rt, "group")}), Keys: []scimsrv.Key{{Attribute: "displayname", Value: "g"}}}
		if group.Members.Add = users[:rapid.IntRange(0, len(users)).Draw(rt, "grouped")]; len(group.Members.Add) > 0 {
			if _, err := dir.Create(t.Context(), caller, scimsrv.Group, group); err != nil {
				rt.Fatal(err)
			}
		}
		for _, query := range []string{"/Users", "/Groups", "/Users?filter=" + url.QueryEscape(`userName eq "U0"`), "/Groups?filter=" + url.QueryEscape(`displayName eq "g"`), "/Users?startIndex=2&count=1",
			"/Groups?filter=" + url.QueryEscape(`displayName eq "g" and members.value eq "`+users[0].Value+`"`), "/Groups?excludedAttributes=members",
			"/Users?sortBy=userName", "/Users?filter=" + url.QueryEscape(`userName eq "u0" and active eq true`), "/Users?cursor", "/Users?attributes=emails,groups", "/Users/" + users[0].Value} {
			r := httptest.NewRequest(http.MethodGet, "http://x.example.com"+scimsrv.BasePath+query, nil)
			r.Header.Set("Authorization", "Bearer "+token)
			got, want := answered(w.outlined, r), answered(w.decoded, r)
			if got != want {
				rt.Fatalf("%s:\noutlined %s\ndecoded  %s", query, got, want)
			}
		}
		if w.given.Load() == 0 {
			rt.Fatal("nothing was answered from an outline")
		}
	})
}
