package scimsrv_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"rollcall/scimsrv"
	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/quirk"
	"rollcall/scimsrv/scimtest"
	"rollcall/scimsrv/scimtest/memory"
)

// FuzzRequest sends whatever a holder of a token may send. {user} and {group}
// stand for the ids of a user and of a group of which that user is a member.
func FuzzRequest(f *testing.F) {
	for _, seed := range []struct{ method, target, body string }{
		{"GET", "/scim/v2/Users?filter=userName+eq+%22jane%22&attributes=name.givenName,emails", ""},
		{"GET", "/scim/v2/Users?sortBy=emails&sortOrder=descending&startIndex=2&count=1", ""},
		{"GET", "/scim/v2/Groups?cursor=&count=2&filter=members+eq+%22{user}%22", ""},
		{"GET", "/scim/v2/Groups/{group}?excludedAttributes=members", ""},
		{"HEAD", "/scim/v2/Schemas/urn:ietf:params:scim:schemas:core:2.0:User", ""},
		{"POST", "/scim/v2/Users", userBody("john", `"active":"True","emails":[{"value":"j@x.example","primary":"true"}]`)},
		{"PUT", "/scim/v2/Users/{user}", userBody("jane", `"`+eURN+`":{"manager":{"value":"{user}"}}`)},
		{"PUT", "/scim/v2/Groups/{group}", groupBody("Team", "{user}", "{group}")},
		{"PATCH", "/scim/v2/Users/{user}", patchBody(`{"op":"Replace","path":"emails[type eq \"work\"].value","value":"w@x.example"}`, `{"op":"replace","value":{"name.givenName":"J"}}`)},
		{"PATCH", "/scim/v2/Groups/{group}", patchBody(`{"op":"remove","path":"members[value eq \"{user}\"]"}`, `{"op":"add","path":"members","value":[{"$ref":null,"value":"{user}"}]}`)},
		{"DELETE", "/scim/v2/Users/{user}", ""},
		{"POST", "/scim/v2/.search", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"filter":"id pr","sortBy":"meta.created","count":1}`},
		{"POST", "/scim/v2/Bulk", bulkBody(`"failOnErrors":1,`, bulkPost("a", "/Groups", groupBody("A", "bulkId:b")), bulkPost("b", "/Groups", groupBody("B", "bulkId:a")))},
		{"POST", "/scim/v2/Bulk", bulkBody("", `{"method":"PATCH","path":"/Groups/{group}","data":`+patchBody(`{"op":"add","path":"members","value":[{"value":"bulkId:x"}]}`)+`}`)},
	} {
		for dialect := range quirk.Dialects() {
			f.Add(dialect, seed.method, seed.target, seed.body)
		}
	}
	f.Fuzz(func(t *testing.T, dialect int, method, target, body string) {
		d := quirk.Dialects()[uint(dialect)%uint(len(quirk.Dialects()))]
		dir := memory.New(nil)
		s, err := scimsrv.New(scimsrv.Options{
			Directory: dir, PublicURL: "http://scim.example.com", Recorder: &scimtest.Journal{},
			Authenticator: scimtest.Tokens{token: {Source: "acme", Dialect: d, TokenID: "t"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		user := serve(t, s, "POST", "/scim/v2/Users", userBody("jane", `"emails":[{"value":"jane@x.example","type":"home"}]`)).body.String("id")
		group := serve(t, s, "POST", "/scim/v2/Groups", groupBody("Team", user)).body.String("id")
		known := strings.NewReplacer("{user}", user, "{group}", group)
		u, err := url.ParseRequestURI(known.Replace(target))
		if err != nil || u.Host != "" || !validMethod(method) {
			t.Skip()
		}
		g := serve(t, s, method, u.RequestURI(), known.Replace(body))
		if g.status < 200 || g.status == 500 || g.status > 599 {
			t.Errorf("%s %s: status %d: %s", method, target, g.status, g.raw)
		}
		if g.status >= 400 && method != "HEAD" && (g.path("schemas", "0") != errorURN || g.body.String("detail") == "") {
			t.Errorf("%s %s: no SCIM error: %s", method, target, g.raw)
		}
		if list := serve(t, s, "GET", "/scim/v2/Users", ""); list.status != 200 {
			t.Errorf("after %s %s: the list answers %d %s", method, target, list.status, list.raw)
		}
	})
}

func validMethod(m string) bool {
	return m != "" && len(m) < 10 && strings.Trim(m, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

func serve(t *testing.T, s http.Handler, method, target, body string) got {
	t.Helper()
	r := httptest.NewRequest(method, "/", strings.NewReader(body))
	u, err := url.ParseRequestURI(target)
	if err != nil {
		t.Skip()
	}
	r.URL = u
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	g := got{status: w.Code, header: w.Header(), raw: w.Body.String()}
	if g.raw != "" {
		if g.body, err = attr.Decode(w.Body.Bytes(), attr.Stored()); err != nil {
			t.Fatalf("%s %s: no JSON object: %v: %s", method, target, err, g.raw)
		}
	}
	return g
}
