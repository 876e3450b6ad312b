package luccasim

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/connectors/cast"
)

const allScopes = "employees.readonly employments.readonly job-positions.readonly departments.readonly legal-entities.readonly business-establishments.readonly employee-personal-records.readonly employee-attributes.readonly"

func askToken(s *Sim, form url.Values) reply {
	return ask(s, "POST", TokenPath, map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, form.Encode())
}

func credentials(scope string) url.Values {
	return url.Values{"grant_type": {"client_credentials"}, "client_id": {DefaultClientID}, "client_secret": {DefaultClientSecret}, "scope": {scope}}
}

func bearer(t testing.TB, s *Sim, scope string) string {
	t.Helper()
	var a struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
		TokenType   string `json:"token_type"`
	}
	r := askToken(s, credentials(scope))
	if err := json.Unmarshal([]byte(r.body), &a); err != nil || r.status != 200 || a.ExpiresIn != 1800 || a.TokenType != "Bearer" {
		t.Fatalf("%d %s", r.status, r.body)
	}
	return a.AccessToken
}

func latest(s *Sim, token, target string) reply {
	return ask(s, "GET", target, map[string]string{"Authorization": "Bearer " + token, "Api-Version": APIVersion}, "")
}

type collection struct {
	Type       string
	TotalCount *int
	Items      []map[string]any
	Links      *struct{ Next *struct{ Href string } }
	Embedded   map[string]map[string]map[string]any
}

func (r reply) collection(t testing.TB) collection {
	t.Helper()
	var c collection
	if err := json.Unmarshal([]byte(r.body), &c); r.status != 200 || err != nil {
		t.Fatalf("%d %s: %v", r.status, r.body, err)
	}
	return c
}

func TestTokensNeedTheRightCredentialsAndScopes(t *testing.T) {
	s := tenant(3, Options{Scopes: []string{"employees.readonly"}})
	for want, change := range map[string]func(url.Values){
		"invalid_client":         func(f url.Values) { f.Set("client_secret", "wrong") },
		"invalid_scope":          func(f url.Values) { f.Set("scope", allScopes) },
		"unsupported_grant_type": func(f url.Values) { f.Set("grant_type", "password") },
	} {
		form := credentials("employees.readonly")
		change(form)
		if r := askToken(s, form); r.status != 400 || !strings.Contains(r.body, want) {
			t.Errorf("%s: %d %s", want, r.status, r.body)
		}
	}
	token := bearer(t, s, "employees.readonly")
	if r := latest(s, token, "/lucca-api/departments"); r.status != 403 {
		t.Errorf("another scope: %d", r.status)
	}
	if r := latest(s, "guess", "/lucca-api/employees"); r.status != 401 || r.header.Get("WWW-Authenticate") == "" || r.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("no token: %d %v", r.status, r.header)
	}
	if r := ask(s, "GET", "/lucca-api/employees", map[string]string{"Authorization": "Bearer " + token}, ""); r.status != 400 {
		t.Errorf("no version: %d", r.status)
	}
}

func TestTokensEnd(t *testing.T) {
	now := today()
	s := tenant(3, Options{Now: func() time.Time { return now }})
	token := bearer(t, s, allScopes)
	now = now.Add(30*time.Minute - time.Second)
	if r := latest(s, token, "/lucca-api/employees"); r.status != 200 {
		t.Errorf("before the end: %d", r.status)
	}
	now = now.Add(time.Second)
	if r := latest(s, token, "/lucca-api/employees"); r.status != 401 {
		t.Errorf("at the end: %d", r.status)
	}
	token = bearer(t, s, allScopes)
	s.ExpireTokens()
	if r := latest(s, token, "/lucca-api/employees"); r.status != 401 {
		t.Errorf("after ExpireTokens: %d", r.status)
	}
}

func TestLatestPagesByTokenWithoutDrift(t *testing.T) {
	s := tenant(7, Options{})
	token := bearer(t, s, allScopes)
	c := latest(s, token, "/lucca-api/employees?limit=3&include=links,totalCount,embedded&sort=id").collection(t)
	if *c.TotalCount != 7 || len(c.Items) != 3 || len(c.Embedded["employment"]) != 3 || len(c.Embedded["job-position"]) != 3 {
		t.Fatalf("%+v", c)
	}
	s.Update("412", func(p *cast.Person) { p.Family = "Changed" })
	s.BetweenPages(func(c *Control) { c.Insert("413", cast.Company(50, 9)[20]) })
	var seen []string
	for href := c.Links.Next.Href; href != ""; {
		u, err := url.Parse(href)
		if err != nil || u.Host != "example.com" {
			t.Fatalf("next %s: %v", href, err)
		}
		c = latest(s, token, u.RequestURI()).collection(t)
		for _, item := range c.Items {
			seen = append(seen, item["id"].(string))
		}
		href = ""
		if c.Links.Next != nil {
			href = c.Links.Next.Href
		}
	}
	if want := []string{"433", "440", "447", "454"}; !slices.Equal(seen, want) {
		t.Errorf("the rest is %q, want %q", seen, want)
	}
}

func TestLatestRefusesWhatItDoesNotKnow(t *testing.T) {
	s := tenant(3, Options{})
	token := bearer(t, s, allScopes)
	for target, field := range map[string]string{
		"/lucca-api/employees?limit=500":         "limit",
		"/lucca-api/employees?limit=0":           "limit",
		"/lucca-api/employees?sort=birthDay":     "sort",
		"/lucca-api/employees?page=!nonsense":    "page",
		"/lucca-api/employees?nickName=x":        "nickName",
		"/lucca-api/departments?definition.id=x": "definition.id",
	} {
		r := latest(s, token, target)
		var p struct {
			Status int
			Errors map[string][]string
		}
		if err := json.Unmarshal([]byte(r.body), &p); err != nil || r.status != 400 || p.Status != 400 || len(p.Errors[field]) != 1 {
			t.Errorf("%s: %d %s", target, r.status, r.body)
		}
	}
	for target, status := range map[string]int{
		"/lucca-api/employee-attributes?limit=1000": 200, "/lucca-api/employee-attributes?limit=1001": 400, "/lucca-api/nothing": 404, "/lucca-api/employees/1": 404, "/elsewhere": 404,
	} {
		if r := latest(s, token, target); r.status != status {
			t.Errorf("%s: %d, want %d", target, r.status, status)
		}
	}
}

func TestLatestShowsExtrasOnlyWhenAsked(t *testing.T) {
	s := tenant(3, Options{})
	token := bearer(t, s, allScopes)
	c := latest(s, token, "/lucca-api/employees").collection(t)
	if c.Links != nil || c.TotalCount != nil || c.Embedded != nil || c.Type != "employees" {
		t.Errorf("%+v", c)
	}
	r := latest(s, token, "/lucca-api/employees/412")
	if r.header.Get("Api-Version") != APIVersion || r.header.Get("ETag") == "" {
		t.Errorf("headers %v", r.header)
	}
	again := ask(s, "GET", "/lucca-api/employees/412", map[string]string{"Authorization": "Bearer " + token, "Api-Version": APIVersion, "If-None-Match": r.header.Get("ETag")}, "")
	if again.status != 304 || again.body != "" {
		t.Errorf("unchanged: %d %q", again.status, again.body)
	}
	s.Announce("@1767225600", "Wed, 30 Jun 2027 23:59:59 GMT")
	if r := latest(s, token, "/lucca-api/employees"); r.header.Get("Deprecation") == "" || r.header.Get("Sunset") == "" {
		t.Errorf("headers %v", r.header)
	}
}

func TestLatestKnowsStatusRehiresAndPlannedMoves(t *testing.T) {
	s := tenant(4, Options{})
	s.Terminate("419", "2026-01-31")
	s.Update("426", func(p *cast.Person) { p.Start = "2030-01-01" })
	s.Update("433", func(p *cast.Person) { p.Start, p.FirstHired, p.Email = "2024-05-01", "2019-09-02", "" })
	s.PlanMove("433", "2027-01-01", "Lead", 1)
	token := bearer(t, s, allScopes)
	for query, want := range map[string]string{
		"status=active": "412 433", "status=upcoming": "426", "status=deactivated": "419", "status=active,upcoming": "412 426 433", "email=null": "433",
	} {
		var got []string
		for _, item := range latest(s, token, "/lucca-api/employees?"+query).collection(t).Items {
			got = append(got, item["id"].(string))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	jobs := latest(s, token, "/lucca-api/job-positions?employee.id=433").collection(t).Items
	if len(jobs) != 2 || jobs[0]["endsOn"] != "2026-12-31" || jobs[1]["jobTitle"] != "Lead" || jobs[1]["endsOn"] != nil {
		t.Errorf("job positions %v", jobs)
	}
	one := latest(s, token, "/lucca-api/employees/433").body
	if !strings.Contains(one, `"applicableJobPosition":{"id":"8433"`) {
		t.Errorf("the planned position applies already: %s", one)
	}
	work := latest(s, token, "/lucca-api/employments?employee.id=433").collection(t).Items
	if len(work) != 2 || work[1]["status"] != "deactivated" {
		t.Errorf("employments %v", work)
	}
}

func TestLatestShowsThePeopleOfTheClientsEstablishments(t *testing.T) {
	company := cast.Company(30, 2)
	s := New(company, Options{Now: today, Sites: []string{"Lyon"}})
	token := bearer(t, s, allScopes)
	for _, p := range company {
		want := 404
		if p.Site == "Lyon" {
			want = 200
		}
		if r := latest(s, token, "/lucca-api/employees/"+s.ID(p.Index)); r.status != want {
			t.Fatalf("somebody in %s: %d, want %d", p.Site, r.status, want)
		}
	}
}

func TestLatestUnwrapsExtensionValues(t *testing.T) {
	s := tenant(3, Options{})
	token := bearer(t, s, allScopes)
	for set, want := range map[string]any{`{"id":1,"value":true}`: true, `true`: true, `"yes"`: "yes"} {
		s.SetExtension("419", DefaultSkipField, set)
		items := latest(s, token, "/lucca-api/employee-attributes?definition.id="+DefaultSkipField).collection(t).Items
		if len(items) != 1 || items[0]["value"] != want {
			t.Errorf("%s: %v", set, items)
		}
	}
	s.Hide(SectionExtension)
	if items := latest(s, token, "/lucca-api/employee-attributes").collection(t).Items; len(items) != 0 {
		t.Errorf("hidden: %v", items)
	}
}
