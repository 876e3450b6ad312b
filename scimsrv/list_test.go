package scimsrv_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/scimsrv"
	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/quirk"
)

// find encodes query parameters given in pairs.
func find(path string, params ...string) string {
	q := url.Values{}
	for i := 0; i < len(params); i += 2 {
		q.Set(params[i], params[i+1])
	}
	return path + "?" + q.Encode()
}

func TestIndexPagingKeepsToTheEdges(t *testing.T) {
	tn := newTenant(t, quirk.RFC, func(o *scimsrv.Options) { o.Limits = scimsrv.Limits{PageSize: 3, MaxPageSize: 4} })
	for i := range 5 {
		tn.user(t, fmt.Sprintf("u%d", i))
	}
	for _, filter := range []string{"", "userName sw \"u\""} {
		for _, tc := range []struct {
			params []string
			start  string
			want   []string
		}{
			{nil, "1", []string{"u0", "u1", "u2"}},
			{[]string{"count", "2"}, "1", []string{"u0", "u1"}},
			{[]string{"startIndex", "2", "count", "2"}, "2", []string{"u1", "u2"}},
			{[]string{"startIndex", "5", "count", "2"}, "5", []string{"u4"}},
			{[]string{"startIndex", "6"}, "6", []string{}},
			{[]string{"startIndex", "99999999999999999999"}, "2147483647", []string{}},
			{[]string{"startIndex", "0"}, "1", []string{"u0", "u1", "u2"}},
			{[]string{"startIndex", "-7", "count", "1"}, "1", []string{"u0"}},
			{[]string{"count", "0"}, "1", []string{}},
			{[]string{"count", "-1"}, "1", []string{}},
			{[]string{"count", "1000"}, "1", []string{"u0", "u1", "u2", "u3"}},
		} {
			params := tc.params
			if filter != "" {
				params = append(slices.Clone(params), "filter", filter)
			}
			g := tn.want(t, 200, "GET", find("/Users", params...), "")
			if diff := cmp.Diff(tc.want, g.list("userName")); diff != "" {
				t.Errorf("%v (-want +got):\n%s", params, diff)
			}
			if g.path("totalResults") != attr.Number("5") || g.path("startIndex") != attr.Number(tc.start) ||
				g.path("itemsPerPage") != attr.Number(fmt.Sprint(len(tc.want))) {
				t.Errorf("%v: %s", params, g.raw)
			}
		}
	}
	for _, params := range [][]string{{"startIndex", "x"}, {"startIndex", ""}, {"count", "1.5"}, {"count", "ten"}, {"sortOrder", "up"}} {
		tn.refused(t, 400, "invalidValue", "GET", find("/Users", params...), "")
	}
	tn.refused(t, 400, "invalidFilter", "GET", find("/Users", "filter", ""), "")
	tn.refused(t, 400, "invalidFilter", "GET", find("/Users", "filter", `nickNames eq "x"`), "")
	tn.refused(t, 400, "invalidFilter", "GET", find("/Users", "filter", strings.Repeat("(", 10_000)), "")
}

func TestSortingFollowsTypesAndPutsTheMissingLast(t *testing.T) {
	tn := newTenant(t, quirk.RFC)
	tn.user(t, "bob", `"displayName":"éa"`, `"emails":[{"value":"z@x.example"},{"value":"a@x.example","primary":true}]`)
	tn.user(t, "Anna", `"displayName":"Zed"`, `"active":false`, `"emails":[{"value":"m@x.example"}]`)
	tn.user(t, "carl")
	for _, tc := range []struct {
		by, order string
		want      []string
	}{
		{"userName", "", []string{"Anna", "bob", "carl"}},
		{"USERNAME", "descending", []string{"carl", "bob", "Anna"}},
		{"displayName", "ascending", []string{"Anna", "bob", "carl"}},
		{"displayName", "descending", []string{"carl", "bob", "Anna"}},
		{"emails", "", []string{"bob", "Anna", "carl"}},
		{"emails.value", "descending", []string{"carl", "Anna", "bob"}},
		{"active", "", []string{"Anna", "bob", "carl"}},
		{"meta.created", "", []string{"bob", "Anna", "carl"}},
		{"name.familyName", "", []string{"bob", "Anna", "carl"}},
	} {
		g := tn.want(t, 200, "GET", find("/Users", "sortBy", tc.by, "sortOrder", tc.order), "")
		if diff := cmp.Diff(tc.want, g.list("userName")); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", tc.by, tc.order, diff)
		}
	}
	g := tn.want(t, 200, "GET", find("/Users", "sortBy", "userName", "startIndex", "2", "count", "1", "filter", `userName co "a"`), "")
	if diff := cmp.Diff([]string{"carl"}, g.list("userName")); diff != "" || g.path("totalResults") != attr.Number("2") {
		t.Errorf("sorted page of a filter (-want +got):\n%s%s", diff, g.raw)
	}
	tn.refused(t, 400, "invalidPath", "GET", find("/Users", "sortBy", "shoeSize"), "")
	tn.refused(t, 400, "invalidPath", "GET", find("/Users", "sortBy", "password"), "")
	small := newTenant(t, quirk.RFC, func(o *scimsrv.Options) { o.Limits.Sorted = 2 })
	for _, u := range []string{"a", "b", "c"} {
		small.user(t, u)
	}
	small.refused(t, 400, "tooMany", "GET", find("/Users", "sortBy", "userName"), "")
}

func TestCursorsWalkEveryResourceOnce(t *testing.T) {
	tn := newTenant(t, quirk.RFC, func(o *scimsrv.Options) { o.Limits.MaxPageSize = 50 })
	var want []string
	for i := range 7 {
		want = append(want, tn.user(t, fmt.Sprintf("u%d", i)))
	}
	walk := func(params ...string) (ids []string) {
		cursor := ""
		for range 20 {
			g := tn.want(t, 200, "GET", find("/Users", append(params, "cursor", cursor, "count", "3")...), "")
			ids = append(ids, g.list("id")...)
			if cursor = g.body.String("nextCursor"); cursor == "" {
				return ids
			}
			if strings.Trim(cursor, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") != "" {
				t.Errorf("cursor %q has reserved characters", cursor)
			}
		}
		t.Fatal("the cursors never end")
		return nil
	}
	if diff := cmp.Diff(want, walk()); diff != "" {
		t.Errorf("all (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, walk("filter", `userName sw "u"`)); diff != "" {
		t.Errorf("filtered (-want +got):\n%s", diff)
	}
	backwards := slices.Clone(want)
	slices.Reverse(backwards)
	if diff := cmp.Diff(backwards, walk("sortBy", "userName", "sortOrder", "descending")); diff != "" {
		t.Errorf("sorted (-want +got):\n%s", diff)
	}
	byID := make([]string, len(want))
	for i, id := range want {
		byID[len(want)-1-i] = `id eq "` + id + `"`
	}
	if diff := cmp.Diff(want, walk("filter", strings.Join(byID, " or "))); diff != "" {
		t.Errorf("by id (-want +got):\n%s", diff)
	}

	first := tn.want(t, 200, "GET", find("/Users", "cursor", "", "count", "3"), "")
	next := first.body.String("nextCursor")
	tn.refused(t, 400, "invalidCursor", "GET", find("/Users", "cursor", "nonsense"), "")
	tn.refused(t, 400, "invalidCursor", "GET", find("/Users", "cursor", next, "filter", "active eq true"), "")
	tn.refused(t, 400, "invalidCursor", "GET", find("/Groups", "cursor", next), "")
	tn.refused(t, 400, "invalidCursor", "GET", find("/Users", "cursor", next), "", "Authorization", "Bearer other-token")
	for _, count := range []string{"51", "x"} {
		tn.refused(t, 400, "invalidCount", "GET", find("/Users", "cursor", "", "count", count), "")
	}
	// RFC 9865 §2: less than 1 is 0, and 0 is the number of results alone. No cursor
	// comes with it, or whoever follows cursors would go round for ever.
	for _, count := range []string{"0", "-1"} {
		for _, more := range [][]string{{"cursor", ""}, {"cursor", "", "sortBy", "userName"}, {"cursor", "", "filter", `userName sw "u"`}, {"cursor", next}} {
			g := tn.want(t, 200, "GET", find("/Users", append(more, "count", count)...), "")
			if g.path("totalResults") != attr.Number("7") || g.path("nextCursor") != nil || len(g.list("id")) != 0 || g.path("itemsPerPage") != attr.Number("0") {
				t.Errorf("%v with count %s: %s", more, count, g.raw)
			}
		}
	}
	tn.refused(t, 400, "invalidValue", "GET", find("/Users", "cursor", "", "startIndex", "1"), "")

	// What is created or deleted between two pages moves nothing.
	tn.want(t, 204, "DELETE", "/Users/"+want[0], "")
	if diff := cmp.Diff(want[3:6], tn.want(t, 200, "GET", find("/Users", "cursor", next, "count", "3"), "").list("id")); diff != "" {
		t.Errorf("after a delete before the cursor (-want +got):\n%s", diff)
	}
	if last := tn.want(t, 200, "GET", find("/Users", "cursor", "", "count", "50"), ""); last.path("nextCursor") != nil || last.path("totalResults") != attr.Number("6") {
		t.Errorf("single page: %s", last.raw)
	}
}

func TestSearchByPOSTFindsWhatGETFinds(t *testing.T) {
	tn := newTenant(t, quirk.RFC)
	jane := tn.user(t, "jane", `"displayName":"Team"`)
	tn.user(t, "john")
	team := tn.want(t, 201, "POST", "/Groups", groupBody("Team", jane)).id()
	const message = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],`
	g := tn.want(t, 200, "POST", "/Users/.search", message+`"filter":"userName sw \"j\"","startIndex":2,"count":1,"attributes":["userName"],"sortBy":"userName"}`)
	if diff := cmp.Diff([]string{"john"}, g.list("userName")); diff != "" || g.path("Resources", "0", "name") != nil {
		t.Errorf("search (-want +got):\n%s%s", diff, g.raw)
	}
	for _, tc := range []struct {
		filter string
		want   []string
	}{
		{`displayName eq \"team\"`, []string{jane, team}},
		{`members.value eq \"` + jane + `\"`, []string{team}},
		{`userName eq \"jane\"`, []string{jane}},
		{`meta.resourceType eq \"Group\"`, []string{team}},
	} {
		g := tn.want(t, 200, "POST", "/.search", message+`"filter":"`+tc.filter+`"}`)
		if diff := cmp.Diff(tc.want, g.list("id")); diff != "" {
			t.Errorf("root search for %s (-want +got):\n%s", tc.filter, diff)
		}
	}
	all := tn.want(t, 200, "POST", "/.search", message+`"startIndex":3,"count":5}`)
	if diff := cmp.Diff([]string{team}, all.list("id")); diff != "" || all.path("totalResults") != attr.Number("3") {
		t.Errorf("root page (-want +got):\n%s%s", diff, all.raw)
	}
	var walked []string
	for cursor, n := "", 0; n < 5; n++ {
		page := tn.want(t, 200, "POST", "/.search", message+fmt.Sprintf(`"cursor":%q,"count":2}`, cursor))
		walked = append(walked, page.list("id")...)
		if cursor = page.body.String("nextCursor"); cursor == "" {
			break
		}
	}
	if len(walked) != 3 || walked[2] != team {
		t.Errorf("cursors over both types found %v", walked)
	}
	tn.refused(t, 400, "invalidFilter", "POST", "/.search", message+`"filter":"shoeSize eq 43"}`)
	tn.refused(t, 400, "invalidSyntax", "POST", "/.search", `{"filter":"id pr"}`)
}

func TestFiltersOnMembersWithoutAnIndexStillAnswer(t *testing.T) {
	tn := newTenant(t, quirk.RFC)
	jane := tn.user(t, "jane")
	inner := tn.want(t, 201, "POST", "/Groups", groupBody("Inner", jane)).id()
	outer := tn.want(t, 201, "POST", "/Groups", groupBody("Outer", inner)).id()
	empty := tn.want(t, 201, "POST", "/Groups", groupBody("Empty")).id()
	for filter, want := range map[string][]string{
		`members eq "` + inner + `"`:       {outer}, // a group in a group
		`members.type eq "Group"`:          {outer},
		`members pr`:                       {inner, outer},
		`not (members pr)`:                 {empty},
		`members ne "` + jane + `"`:        {outer, empty},
		`not (members eq "` + inner + `")`: {inner, empty},
		`displayName sw "o" and members[value sw "` + inner[:4] + `" and type eq "Group"]`: {outer},
	} {
		g := tn.want(t, 200, "GET", find("/Groups", "filter", filter), "")
		if diff := cmp.Diff(want, g.list("id")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", filter, diff)
		}
	}
}
