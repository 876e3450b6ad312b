package scimsim_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/connectors/cast"
	"rollcall/connectors/scim/scimsim"
)

// get sends a request with the token and decodes what is answered.
func get(t *testing.T, s *scimsim.Sim, target string) (int, map[string]any) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Header.Set("Authorization", "Bearer "+scimsim.DefaultToken)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	var body map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("%s: %v", target, err)
	}
	return w.Code, body
}

func ids(body map[string]any) []string {
	var out []string
	list, _ := body["Resources"].([]any)
	for _, v := range list {
		o, _ := v.(map[string]any)
		id, _ := o["id"].(string)
		out = append(out, id)
	}
	return out
}

func everybody(s *scimsim.Sim, n int) []string {
	var out []string
	for i := range n {
		out = append(out, s.ID(i))
	}
	return out
}

func TestListPagesByIndexWithNoMoreThanTheLargestPage(t *testing.T) {
	s := scimsim.New(cast.Company(12, 5), scimsim.Options{Largest: 5})
	var all []string
	for _, tc := range []struct {
		query      string
		start, len float64
	}{{"?count=100", 1, 5}, {"?startIndex=6&count=100", 6, 5}, {"?startIndex=11&count=4", 11, 2}, {"?startIndex=13&count=4", 13, 0}} {
		_, body := get(t, s, "/scim/v2/Users"+tc.query)
		if body["totalResults"] != 12.0 || body["startIndex"] != tc.start || body["itemsPerPage"] != tc.len {
			t.Errorf("%s: %v of %v from %v", tc.query, body["itemsPerPage"], body["totalResults"], body["startIndex"])
		}
		all = append(all, ids(body)...)
	}
	if d := cmp.Diff(everybody(s, 12), all); d != "" {
		t.Error(d)
	}
}

func TestListPagesByCursorUnlessAnIndexIsGiven(t *testing.T) {
	s := scimsim.New(cast.Company(12, 5), scimsim.Options{Cursors: true, Largest: 5})
	var all []string
	next := ""
	for range 3 {
		_, body := get(t, s, "/Users?count=5&cursor="+url.QueryEscape(next))
		all = append(all, ids(body)...)
		next, _ = body["nextCursor"].(string)
		s.Change(func(c *scimsim.Control) { c.Remove(0) }) // moves nobody
	}
	if next != "" || len(all) != 12 {
		t.Errorf("%d users, then the cursor %q", len(all), next)
	}
	if _, body := get(t, s, "/Users?startIndex=2&count=5"); body["nextCursor"] != nil || body["startIndex"] != 2.0 {
		t.Errorf("by index: %v", body)
	}
	_, body := get(t, s, "/Users?count=5")
	cursor, _ := body["nextCursor"].(string)
	s.Change(func(c *scimsim.Control) { c.ForgetCursors() })
	if status, body := get(t, s, "/Users?cursor="+url.QueryEscape(cursor)); status != http.StatusBadRequest || body["scimType"] != "expiredCursor" {
		t.Errorf("a forgotten cursor: %d %v", status, body)
	}
}

func TestRefusalsAreSCIMErrors(t *testing.T) {
	s := scimsim.New(cast.Company(2, 5), scimsim.Options{Token: "another-token"})
	if status, body := get(t, s, "/Users"); status != http.StatusUnauthorized || body["status"] != "401" {
		t.Errorf("a wrong token: %d %v", status, body)
	}
	s = scimsim.New(cast.Company(2, 5), scimsim.Options{})
	for target, want := range map[string]int{"/Users/unknown": 404, "/Groups": 404, "/Users?count=x": 400, "/Users/" + s.ID(1): 200, "/ServiceProviderConfig": 200} {
		if status, _ := get(t, s, target); status != want {
			t.Errorf("%s: %d, want %d", target, status, want)
		}
	}
}

func TestStylesChangeTheShapeAndNotTheFacts(t *testing.T) {
	user := func(style scimsim.Style) map[string]any {
		s := scimsim.New(cast.Company(12, 5), scimsim.Options{Style: style})
		_, body := get(t, s, "/Users/"+s.ID(9))
		return body
	}
	const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	company := cast.Company(12, 5)
	if u := user(scimsim.TextBooleans); u["active"] != "True" {
		t.Errorf("active is %v", u["active"])
	}
	if u := user(scimsim.FlatExtensions); u[enterprise] != nil || u[enterprise+".department"] != company[9].Department {
		t.Errorf("flat: %v", u)
	}
	if u := user(scimsim.ManagerByMail | scimsim.BareManager); u[enterprise].(map[string]any)["manager"] != company[1].Email {
		t.Errorf("manager: %v", u[enterprise])
	}
	if u := user(scimsim.EmployeeNumbers); u[enterprise].(map[string]any)["employeeNumber"] != 10.0 {
		t.Errorf("employeeNumber: %v", u[enterprise])
	}
	if u := user(scimsim.NoActive | scimsim.NoSchemas | scimsim.OtherCase); u["active"] != nil || u["schemas"] != nil || u["userName"] != nil || u["UserName"] == nil {
		t.Errorf("left out and spelt otherwise: %v", u)
	}
}
