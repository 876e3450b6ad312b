package scimsrv_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/scimsrv"
	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/quirk"
)

func bulkBody(head string, ops ...string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],` + head + `"Operations":[` + strings.Join(ops, ",") + `]}`
}

func bulkPost(id, path, data string) string {
	return fmt.Sprintf(`{"method":"POST","bulkId":%q,"path":%q,"data":%s}`, id, path, data)
}

// statuses lists what became of the operations.
func (g got) statuses() []string {
	all := []string{}
	ops, _ := g.path("Operations").(attr.Array)
	for _, op := range ops {
		all = append(all, op.(*attr.Object).String("method")+" "+op.(*attr.Object).String("status"))
	}
	return all
}

func TestBulkCreatesWhatRefersToLaterOperations(t *testing.T) {
	tn := newTenant(t, quirk.RFC)
	g := tn.want(t, 200, "POST", "/Bulk", bulkBody("",
		bulkPost("team", "/Groups", groupBody("Team", "bulkId:jane", "bulkId:john")),
		bulkPost("jane", "/Users", userBody("jane")),
		`{"method":"PATCH","path":"/Users/bulkId:john","data":`+patchBody(`{"op":"replace","path":"title","value":"Boss"}`)+`}`,
		bulkPost("john", "/Users", userBody("john")),
		`{"method":"PATCH","path":"/Groups/bulkId:team","data":`+patchBody(`{"op":"remove","path":"members[value eq \"bulkId:jane\"]"}`)+`}`,
	))
	if diff := cmp.Diff([]string{"POST 201", "POST 201", "PATCH 200", "POST 201", "PATCH 200"}, g.statuses()); diff != "" {
		t.Fatalf("statuses (-want +got):\n%s%s", diff, g.raw)
	}
	john := strings.TrimPrefix(g.path("Operations", "3", "location").(string), tn.BaseURL)
	if u := tn.want(t, 200, "GET", john, ""); u.body.String("title") != "Boss" || u.header.Get("ETag") != g.path("Operations", "2", "version") {
		t.Errorf("john is %s, version %v", u.raw, g.path("Operations", "2", "version"))
	}
	team := tn.want(t, 200, "GET", "/Groups", "")
	if members, _ := team.path("Resources", "0", "members").(attr.Array); len(members) != 1 || "/Users/"+members[0].(*attr.Object).String("value") != john {
		t.Errorf("team is %s", team.raw)
	}
	if g.path("Operations", "0", "bulkId") != "team" || g.path("Operations", "0", "response") != nil {
		t.Errorf("first operation: %s", g.raw)
	}
}

func TestBulkResolvesReferencesThatGoInACircle(t *testing.T) {
	tn := newTenant(t, quirk.RFC)
	g := tn.want(t, 200, "POST", "/Bulk", bulkBody("",
		bulkPost("a", "/Groups", groupBody("A", "bulkId:b")),
		bulkPost("b", "/Groups", groupBody("B", "bulkId:a")),
	))
	if diff := cmp.Diff([]string{"POST 201", "POST 201"}, g.statuses()); diff != "" {
		t.Fatalf("statuses (-want +got):\n%s%s", diff, g.raw)
	}
	list := tn.want(t, 200, "GET", "/Groups", "")
	for i, other := range []string{"1", "0"} {
		if list.path("Resources", fmt.Sprint(i), "members", "0", "value") != list.path("Resources", other, "id") {
			t.Errorf("the groups do not hold each other: %s", list.raw)
		}
	}
}

func TestBulkReportsEachFailureAndStopsAtTheirLimit(t *testing.T) {
	tn := newTenant(t, quirk.RFC)
	id := tn.user(t, "taken")
	ops := []string{
		bulkPost("a", "/Users", userBody("taken")),
		bulkPost("b", "/Groups", groupBody("B", "bulkId:a")),
		bulkPost("c", "/Groups", groupBody("C", "bulkId:nobody")),
		`{"method":"DELETE","path":"/Users/` + id + `","version":"W/\"999\""}`,
		`{"method":"PUT","path":"/Users/` + id + `","data":` + userBody("renamed") + `}`,
		`{"method":"PUT","path":"/Nothing/1","data":{}}`,
		`{"method":"POST","bulkId":"z","path":"/Users/` + id + `","data":{}}`,
		`{"method":"DELETE","path":"/Users/` + id + `"}`,
	}
	for _, tc := range []struct {
		head string
		want []string
	}{
		{`"failOnErrors":2,`, []string{"POST 409", "POST 409"}},
		{"", []string{"POST 409", "POST 409", "POST 400", "DELETE 412", "PUT 200", "PUT 400", "POST 400", "DELETE 204"}},
	} {
		g := tn.want(t, 200, "POST", "/Bulk", bulkBody(tc.head, ops...))
		if diff := cmp.Diff(tc.want, g.statuses()); diff != "" {
			t.Errorf("%s statuses (-want +got):\n%s%s", tc.head, diff, g.raw)
		}
		if g.path("Operations", "0", "response", "scimType") != "uniqueness" || g.path("Operations", "0", "location") != nil {
			t.Errorf("first operation: %s", g.raw)
		}
	}
}

func TestBulkRefusesWhatIsNoBulkRequest(t *testing.T) {
	tn := newTenant(t, quirk.RFC, func(o *scimsrv.Options) { o.Limits.BulkOperations, o.Limits.BulkBytes = 3, 2000 })
	u := bulkPost("a", "/Users", userBody("a"))
	for name, tc := range map[string]struct {
		status int
		body   string
	}{
		"too many operations": {413, bulkBody("", u, u, u, u)},
		"too large":           {413, bulkBody("", bulkPost("a", "/Users", userBody("a", `"title":"`+strings.Repeat("x", 3000)+`"`)))},
		"no operations":       {400, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"]}`},
		"no schemas":          {400, `{"Operations":[]}`},
		"a bulkId twice":      {400, bulkBody("", u, u)},
		"POST without bulkId": {400, bulkBody("", `{"method":"POST","path":"/Users","data":{}}`)},
		"GET":                 {400, bulkBody("", `{"method":"GET","path":"/Users"}`)},
		"no data":             {400, bulkBody("", `{"method":"PUT","path":"/Users/1"}`)},
		"no path":             {400, bulkBody("", `{"method":"DELETE"}`)},
		"no object":           {400, bulkBody("", `1`)},
		"negative limit":      {400, bulkBody(`"failOnErrors":-1,`, u)},
	} {
		if g := tn.send(t, "POST", "/Bulk", tc.body); g.status != tc.status {
			t.Errorf("%s: status %d, want %d: %s", name, g.status, tc.status, g.raw)
		}
	}
	if g := tn.want(t, 200, "GET", "/Users", ""); g.path("totalResults") != attr.Number("0") {
		t.Errorf("a refused bulk request created something: %s", g.raw)
	}
}
