package scimsrv_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/scimsrv"
	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/quirk"
	"rollcall/scimsrv/scimtest"
)

func TestNewRefusesIncompleteOptions(t *testing.T) {
	dir := newTenant(t, quirk.RFC).dir
	auth := scimtest.Tokens{}
	for name, o := range map[string]scimsrv.Options{
		"directory":     {Authenticator: auth, PublicURL: "https://x.example.com"},
		"authenticator": {Directory: dir, PublicURL: "https://x.example.com"},
		"public URL":    {Directory: dir, Authenticator: auth, PublicURL: "x.example.com"},
	} {
		if _, err := scimsrv.New(o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without a proper %s: error %v", name, err)
		}
	}
}

func TestOneOfManyConcurrentPostsOfAUserNameIsAnswered201(t *testing.T) {
	for _, dialect := range quirk.Dialects() {
		t.Run(dialect, func(t *testing.T) {
			tn := newTenant(t, dialect)
			const senders = 32
			var wg sync.WaitGroup
			statuses := make([]int, senders)
			for i := range senders {
				wg.Go(func() {
					statuses[i] = tn.send(t, "POST", "/Users", userBody("jane@example.com")).status
				})
			}
			wg.Wait()
			count := map[int]int{}
			for _, s := range statuses {
				count[s]++
			}
			if diff := cmp.Diff(map[int]int{201: 1, 409: senders - 1}, count); diff != "" {
				t.Errorf("answers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestConcurrentMemberPatchesLoseNobody(t *testing.T) {
	tn := newTenant(t, quirk.Okta)
	const n = 24
	ids := make([]string, n)
	for i := range ids {
		ids[i] = tn.user(t, fmt.Sprintf("u%d", i))
	}
	team := tn.want(t, 201, "POST", "/Groups", groupBody("Team")).id()
	var wg sync.WaitGroup
	for _, id := range ids {
		wg.Go(func() {
			tn.send(t, "PATCH", "/Groups/"+team, patchBody(fmt.Sprintf(`{"op":"add","path":"members","value":[{"value":%q}]}`, id)))
		})
	}
	wg.Wait()
	members, _ := tn.want(t, 200, "GET", "/Groups/"+team, "").path("members").(attr.Array)
	if len(members) != n {
		t.Errorf("%d of %d members were kept", len(members), n)
	}
}

func TestInactiveUserPostedAgainIsRestoredForOktaOnly(t *testing.T) {
	for dialect, want := range map[string]int{quirk.Okta: 201, quirk.Azure: 409, quirk.RFC: 409, quirk.Lenient: 409} {
		t.Run(dialect, func(t *testing.T) {
			tn := newTenant(t, dialect)
			id := tn.user(t, "jane@example.com", `"active":true,"title":"Old","externalId":"00u1"`)
			if g := tn.send(t, "POST", "/Users", userBody("JANE@example.com", `"active":true`)); g.status != 409 {
				t.Fatalf("POST of an active user: status %d, want 409", g.status)
			}
			tn.want(t, 200, "PATCH", "/Users/"+id, patchBody(`{"op":"replace","path":"active","value":false}`))
			if g := tn.send(t, "POST", "/Users", userBody("jane@example.com", `"active":false`)); g.status != 409 {
				t.Errorf("POST of an inactive user as inactive: status %d, want 409", g.status)
			}
			if g := tn.send(t, "POST", "/Users", userBody("jane@example.com", `"active":true`, `"externalId":"somebody else"`)); g.status != 409 {
				t.Errorf("POST of somebody else under the name: status %d, want 409", g.status)
			}
			g := tn.want(t, want, "POST", "/Users", userBody("Jane@example.com", `"active":true`, `"externalId":"00u1"`))
			after := tn.want(t, 200, "GET", "/Users/"+id, "")
			if restored := want == 201; restored && (g.id() != id || after.path("title") != nil) || (after.path("active") == true) != restored {
				t.Errorf("answered %s, left %s", g.raw, after.raw)
			}
		})
	}
}

func TestPasswordsReachNeitherDirectoryNorAnswerNorJournal(t *testing.T) {
	const secret = "Correct-Horse-7"
	tn := newTenant(t, quirk.Okta)
	var seen bytes.Buffer
	note := func(g got) got { seen.WriteString(g.raw); return g }
	id := note(tn.want(t, 201, "POST", "/Users", userBody("jane", `"password":"`+secret+`"`))).id()
	note(tn.want(t, 200, "PUT", "/Users/"+id, userBody("jane", `"password":"`+secret+`"`)))
	note(tn.want(t, 200, "PATCH", "/Users/"+id, patchBody(`{"op":"replace","value":{"password":"`+secret+`"}}`)))
	note(tn.want(t, 200, "PATCH", "/Users/"+id, patchBody(`{"op":"replace","path":"password","value":"`+secret+`"}`)))
	note(tn.want(t, 200, "GET", "/Users/"+id+"?attributes=password,userName", ""))
	note(tn.refused(t, 403, "sensitive", "GET", "/Users?filter=password+eq+%22"+secret+"%22", ""))
	note(tn.refused(t, 403, "sensitive", "POST", "/Users/.search", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"filter":"password sw \"`+secret+`\""}`))
	res, err := tn.dir.Get(t.Context(), scimsrv.Caller{Source: "acme"}, scimsrv.User, id)
	if err != nil {
		t.Fatal(err)
	}
	journal, err := json.Marshal(tn.journal.Exchanges())
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{"answers": seen.String(), "directory": string(attr.Append(nil, res.Body)), "journal": string(journal)} {
		if strings.Contains(text, secret) || strings.Contains(strings.ToLower(text), `"password":`) {
			t.Errorf("the password is in the %s: %s", what, text)
		}
	}
}

func TestMembersAreReadOnlyWhenTheyAreAskedForAndWrittenAsDeltas(t *testing.T) {
	d := &spy{}
	tn := newTenant(t, quirk.Okta, withSpy(d))
	const n = 300
	ids := make([]string, n)
	for i := range ids {
		ids[i] = tn.user(t, fmt.Sprintf("u%d", i))
	}
	newcomer := tn.user(t, "newcomer")
	team := tn.want(t, 201, "POST", "/Groups", groupBody("Team", ids...)).id()

	d.members.Store(0)
	for _, path := range []string{
		"/Groups/" + team + "?excludedAttributes=members",
		"/Groups/" + team + "?attributes=displayName",
		"/Groups?excludedAttributes=members",
		"/Groups?excludedAttributes=members&filter=displayName+eq+%22team%22",
		"/Groups?attributes=id&filter=id+eq+%22" + team + "%22+and+members+eq+%22" + ids[7] + "%22",
		"/Groups?attributes=id&filter=members.value+eq+%22" + ids[7] + "%22",
	} {
		if g := tn.want(t, 200, "GET", path, ""); strings.Contains(g.raw, "members") {
			t.Errorf("%s: members in %s", path, g.raw)
		}
	}
	tn.want(t, 200, "PATCH", "/Groups/"+team+"?attributes=id", patchBody(fmt.Sprintf(`{"op":"remove","path":"members[value eq \"%s\"]"}`, ids[3])))
	if diff := cmp.Diff(scimsrv.MemberChange{Remove: []string{ids[3]}}, d.lastChange()); diff != "" {
		t.Errorf("removal of one (-want +got):\n%s", diff)
	}
	if n := d.members.Load(); n != 0 {
		t.Errorf("members were listed %d times by requests that do not return them", n)
	}

	// A PUT of the whole list writes the difference only.
	ids[3] = newcomer
	body := groupBody("Team", ids...)
	tn.want(t, 200, "PUT", "/Groups/"+team, body)
	if diff := cmp.Diff(scimsrv.MemberChange{Add: []scimsrv.Member{{Value: newcomer, Type: scimsrv.User}}}, d.lastChange()); diff != "" {
		t.Errorf("PUT with one more (-want +got):\n%s", diff)
	}
	before := tn.want(t, 200, "GET", "/Groups/"+team+"?excludedAttributes=members", "").path("meta", "version")
	tn.want(t, 200, "PUT", "/Groups/"+team, body)
	if after := tn.want(t, 200, "GET", "/Groups/"+team+"?excludedAttributes=members", "").path("meta", "version"); after != before {
		t.Errorf("the same PUT again made version %v of %v", after, before)
	}
	// Without members it leaves them alone; with none it clears.
	tn.want(t, 200, "PUT", "/Groups/"+team, fmt.Sprintf(`{"schemas":[%q],"displayName":"Other"}`, groupURN))
	if got := tn.want(t, 200, "GET", "/Groups/"+team, "").path("members").(attr.Array); len(got) != n {
		t.Errorf("%d members after a PUT that does not name them, want %d", len(got), n)
	}
	tn.want(t, 200, "PUT", "/Groups/"+team, groupBody("Other"))
	if diff := cmp.Diff(scimsrv.MemberChange{Clear: true}, d.lastChange()); diff != "" {
		t.Errorf("PUT of an empty list (-want +got):\n%s", diff)
	}
}

func TestGroupsAreWrittenOnlyWhenAMemberOrItsDisplayChanges(t *testing.T) {
	tn := newTenant(t, quirk.RFC)
	jane := tn.user(t, "jane")
	path := "/Groups/" + tn.want(t, 201, "POST", "/Groups", groupBody("Team")).id()
	version := func() attr.Value { return tn.want(t, 200, "GET", path, "").path("meta", "version") }
	add := func(display string) string {
		return patchBody(fmt.Sprintf(`{"op":"add","path":"members","value":[{"value":%q,"display":%q}]}`, jane, display))
	}
	for _, step := range []struct {
		what, method, body string
		changes            bool
	}{
		{"PUT of nobody into an empty group", "PUT", groupBody("Team"), false},
		{"add", "PATCH", add("Jane"), true},
		{"add again", "PATCH", add("Jane"), false},
		{"add with another display", "PATCH", add("Jane D."), true},
		{"PUT without display", "PUT", groupBody("Team", jane), false},
		{"PUT with another display", "PUT", strings.Replace(groupBody("Team", jane), `{"value"`, `{"display":"J","value"`, 1), true},
		{"removal of somebody else", "PATCH", patchBody(`{"op":"remove","path":"members[value eq \"nobody\"]"}`), false},
		{"replacement by the same", "PATCH", patchBody(fmt.Sprintf(`{"op":"replace","path":"members","value":[{"value":%q}]}`, jane)), false},
		{"removal of all", "PATCH", patchBody(`{"op":"remove","path":"members"}`), true},
		{"removal of all, again", "PATCH", patchBody(`{"op":"remove","path":"members"}`), false},
	} {
		before := version()
		tn.want(t, 200, step.method, path, step.body)
		if changed := version() != before; changed != step.changes {
			t.Errorf("%s: made a new version = %t, want %t", step.what, changed, step.changes)
		}
	}
	id := strings.TrimPrefix(path, "/Groups/")
	tn.refused(t, 400, "invalidValue", "PATCH", path, patchBody(fmt.Sprintf(`{"op":"add","path":"members","value":[{"value":%q}]}`, id)))
	tn.refused(t, 400, "invalidValue", "PUT", path, groupBody("Team", id))
}

func TestFiltersOnIndexedAttributesNeverScan(t *testing.T) {
	d := &spy{}
	tn := newTenant(t, quirk.Azure, withSpy(d))
	id := tn.user(t, "jane@example.com", `"externalId":"E1","emails":[{"type":"work","value":"Jane@Mail.example"}]`)
	for i := range 20 {
		tn.user(t, fmt.Sprintf("u%d", i))
	}
	team := tn.want(t, 201, "POST", "/Groups", groupBody("Team", id)).id()
	for filter, want := range map[string][]string{
		`userName eq "JANE@example.com"`:                              {id},
		`externalId eq "E1"`:                                          {id},
		`externalId eq "e1"`:                                          {},
		`id eq "` + id + `"`:                                          {id},
		`emails[type eq "work"].value eq "jane@mail.EXAMPLE"`:         {id},
		`emails[type eq "home"].value eq "jane@mail.EXAMPLE"`:         {},
		`emails eq "jane@mail.example" and active eq true`:            {id},
		`active eq true and id eq "` + id + `"`:                       {id},
		`userName eq "nobody" or externalId eq "E1"`:                  {id},
		`id eq "nobody" or id eq "` + id + `" or userName eq "zz"`:    {id},
		`groups eq "nothing" and userName eq "jane@example.com"`:      {},
		`groups eq "` + team + `" and userName eq "jane@example.com"`: {id},
	} {
		g := tn.want(t, 200, "POST", "/Users/.search", fmt.Sprintf(`{"filter":%q}`, filter))
		if diff := cmp.Diff(want, g.list("id")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", filter, diff)
		}
	}
	for filter, want := range map[string][]string{
		`displayName eq "TEAM"`:                             {team},
		`members eq "` + id + `"`:                           {team},
		`members eq "nobody"`:                               {},
		`members[value eq "` + id + `"] and id eq "nobody"`: {},
	} {
		g := tn.want(t, 200, "POST", "/Groups/.search", fmt.Sprintf(`{"filter":%q}`, filter))
		if diff := cmp.Diff(want, g.list("id")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", filter, diff)
		}
	}
	if n := d.scans.Load(); n != 0 {
		t.Errorf("%d scans for filters that an index answers", n)
	}
	tn.want(t, 200, "GET", "/Users?filter=title+pr", "")
	if d.scans.Load() != 1 {
		t.Error("the spy sees no scans")
	}
}

func TestReadingAListPageByPageReadsItOnce(t *testing.T) {
	d := &spy{}
	tn := newTenant(t, quirk.Okta, withSpy(d))
	const n, count = 60, 5
	want := make([]string, n)
	for i := range want {
		want[i] = tn.user(t, fmt.Sprintf("u%d", i))
	}
	read := func() []string {
		var got []string
		for start := 1; start <= n; start += count {
			got = append(got, tn.want(t, 200, "GET", fmt.Sprintf("/Users?startIndex=%d&count=%d", start, count), "").list("id")...)
		}
		return got
	}
	if diff := cmp.Diff(want, read()); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	if y := d.yielded.Load(); y > n+n/count {
		t.Errorf("%d resources were read to show %d", y, n)
	}
	tn.want(t, 204, "DELETE", "/Users/"+want[1], "")
	if got := tn.want(t, 200, "GET", "/Users?startIndex=6&count=1", "").list("id"); len(got) != 1 || got[0] != want[6] {
		t.Errorf("the sixth after a delete is %v, want %s", got, want[6])
	}
	if diff := cmp.Diff(append([]string{want[0]}, want[2:]...), read()); diff != "" {
		t.Errorf("pages after a delete (-want +got):\n%s", diff)
	}
}

func TestFailuresOfTheDirectoryBecomeSCIMErrors(t *testing.T) {
	d := &spy{}
	tn := newTenant(t, quirk.RFC, withSpy(d))
	d.fail = &scimsrv.UnavailableError{RetryAfter: 1500 * time.Millisecond, Err: errors.New("disk of jane@example.com full")}
	g := tn.want(t, 503, "POST", "/Users", userBody("jane"))
	if g.header.Get("Retry-After") != "2" {
		t.Errorf("Retry-After is %q, want whole seconds, rounded up", g.header.Get("Retry-After"))
	}
	d.fail = errors.New("bucket users of jane@example.com is broken")
	if again := tn.want(t, 500, "POST", "/Users", userBody("jane")); strings.Contains(g.raw+again.raw, "jane") {
		t.Errorf("causes are shown to the sender: %s %s", g.raw, again.raw)
	}
}

// broken panics when it is asked for a resource.
type broken struct{ scimsrv.Directory }

func (broken) Get(context.Context, scimsrv.Caller, scimsrv.Type, string) (scimsrv.Resource, error) {
	panic("broken")
}

func TestPanicIsAnsweredWithASCIMError(t *testing.T) {
	tn := newTenant(t, quirk.RFC, func(o *scimsrv.Options) { o.Directory = broken{o.Directory} })
	tn.want(t, 500, "GET", "/Users/x", "")
	tn.want(t, 201, "POST", "/Users", userBody("jane"))
}

func TestTokensAboveTheirRateAreTold429(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	var mu sync.Mutex
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	tn := newTenant(t, quirk.RFC, func(o *scimsrv.Options) {
		o.Limits = scimsrv.Limits{Rate: 0.5, Burst: 2}
		o.Now = clock
	})
	tn.want(t, 200, "GET", "/Users", "")
	tn.want(t, 200, "GET", "/Users", "")
	g := tn.want(t, 429, "GET", "/Users", "")
	if g.header.Get("Retry-After") != "2" {
		t.Errorf("Retry-After is %q, want 2", g.header.Get("Retry-After"))
	}
	tn.want(t, 200, "GET", "/Users", "", "Authorization", "Bearer other-token")
	mu.Lock()
	now = now.Add(2 * time.Second)
	mu.Unlock()
	tn.want(t, 200, "GET", "/Users", "")
	tn.want(t, 429, "GET", "/Users", "")
}

func TestJournalNamesEveryExchangeWithoutPersonalValues(t *testing.T) {
	tn := newTenant(t, quirk.Azure)
	id := tn.user(t, "jane@example.com")
	tn.want(t, 200, "GET", "/Users?filter=userName+eq+%22jane%40example.com%22+and+active+eq+true+or+emails%5Btype+eq+%22work%22%5D&startIndex=1&count=2&attributes=id&x=jane", "")
	tn.want(t, 400, "GET", "/Users?filter=jane%40example.com", "")
	tn.want(t, 404, "GET", "/Users/jane@example.com", "")
	tn.want(t, 409, "POST", "/Users", userBody("jane@example.com"))
	tn.want(t, 400, "POST", "/Groups", groupBody("Team", "jane@example.com"))
	tn.want(t, 200, "PATCH", "/Users/"+id, patchBody(`{"op":"Replace","path":"active","value":"False"}`))
	tn.want(t, 401, "GET", "/Users", "", "Authorization", "Bearer nonsense")
	tn.want(t, 400, "GET", "/Users?access_token=jane", "")
	const stray = "rct_jane0123456789012345678901234567890123456789"
	tn.want(t, 404, "GET", "/Users/"+stray, "")
	tn.want(t, 404, "GET", "/Users/jane-doe", "")
	tn.want(t, 404, "GET", "/jane.doe", "")
	tn.want(t, 200, "GET", "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User", "")
	tn.want(t, 404, "GET", "/Schemas/urn:jane", "")
	tn.want(t, 200, "GET", "/Users?"+stray+"&attributes="+stray+"&aadOptscim062020&count=5", "")
	type row struct {
		Method, Path string
		Status       int
		Type         string
		Quirks       []string
		Source       string
	}
	var rows []row
	for _, e := range tn.journal.Exchanges() {
		rows = append(rows, row{e.Method, e.Path, e.Status, e.SCIMType, e.Quirks, e.Caller.Source})
		if strings.Contains(fmt.Sprintf("%+v", e), "jane") {
			t.Errorf("personal values in %+v", e)
		}
	}
	want := []row{
		{"POST", "/scim/v2/Users", 201, "", nil, "acme"},
		{"GET", `/scim/v2/Users?attributes=id&count=2&filter=userName eq "…" and active eq true or emails[type eq "…"]&startIndex=1&…`, 200, "", nil, "acme"},
		{"GET", "/scim/v2/Users?filter=…", 400, "invalidFilter", nil, "acme"},
		{"GET", "/scim/v2/Users/…", 404, "", nil, "acme"},
		{"POST", "/scim/v2/Users", 409, "uniqueness", nil, "acme"},
		{"POST", "/scim/v2/Groups", 400, "invalidValue", nil, "acme"},
		{"PATCH", "/scim/v2/Users/" + id, 200, "", []string{"patch-envelope", "boolean-string"}, "acme"},
		{"GET", "/scim/v2/Users", 401, "", nil, ""},
		{"GET", "/scim/v2/Users?access_token=…", 400, "invalidValue", nil, ""},
		{"GET", "/scim/v2/Users/…", 404, "", nil, "acme"},
		{"GET", "/scim/v2/Users/…", 404, "", nil, "acme"},
		{"GET", "/scim/v2/…", 404, "", nil, "acme"},
		{"GET", "/scim/v2/Schemas/urn:ietf:params:scim:schemas:core:2.0:User", 200, "", nil, "acme"},
		{"GET", "/scim/v2/Schemas/…", 404, "", nil, "acme"},
		{"GET", "/scim/v2/Users?aadOptscim062020=&attributes=…&count=5&…", 200, "", nil, "acme"},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("journal (-want +got):\n%s", diff)
	}
}

// full keeps nothing and counts by endpoint.
type full struct {
	mu    sync.Mutex
	paths []string
}

func (f *full) Full() bool { return true }
func (f *full) Record(e scimsrv.Exchange) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.paths = append(f.paths, e.Path)
}

func TestAFullRecorderIsToldTheEndpointOnly(t *testing.T) {
	f := &full{}
	tn := newTenant(t, quirk.RFC, func(o *scimsrv.Options) { o.Recorder = f })
	tn.want(t, 200, "GET", "/users/?filter=userName+eq+%22jane%22", "")
	tn.want(t, 404, "GET", "/Users/jane@example.com", "")
	tn.want(t, 404, "GET", "/Usersjane", "")
	tn.want(t, 404, "GET", "/jane@example.com", "")
	tn.want(t, 200, "POST", "/.search", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}`)
	if diff := cmp.Diff([]string{"/scim/v2/Users", "/scim/v2/Users", "/scim/v2", "/scim/v2", "/scim/v2/.search"}, f.paths); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
}

func TestSourcesShareNothing(t *testing.T) {
	tn := newTenant(t, quirk.RFC)
	id := tn.user(t, "jane")
	team := tn.want(t, 201, "POST", "/Groups", groupBody("Team", id)).id()
	other := []string{"Authorization", "Bearer other-token"}
	for _, path := range []string{"/Users/" + id, "/Groups/" + team} {
		tn.want(t, 404, "GET", path, "", other...)
		tn.want(t, 404, "DELETE", path, "", other...)
		tn.want(t, 404, "PATCH", path, patchBody(`{"op":"remove","path":"externalId"}`), other...)
	}
	tn.want(t, 404, "PUT", "/Users/"+id, userBody("stolen"), other...)
	tn.want(t, 400, "POST", "/Groups", groupBody("Mine", id), other...)
	for _, filter := range []string{"", "?filter=userName+eq+%22jane%22", "?filter=id+eq+%22" + id + "%22"} {
		if g := tn.want(t, 200, "GET", "/Users"+filter, "", other...); g.path("totalResults") != attr.Number("0") {
			t.Errorf("%s shows another source: %s", filter, g.raw)
		}
	}
	tn.want(t, 201, "POST", "/Users", userBody("jane"), other...)
}

func BenchmarkGetByUserName(b *testing.B) {
	tn := newTenant(b, quirk.Okta)
	const people = 10_000
	for i := range people {
		draft := scimsrv.Draft{
			Body: attr.NewObject(attr.Member{Name: "userName", Value: fmt.Sprintf("u%d", i)}, attr.Member{Name: "active", Value: true}),
			Keys: []scimsrv.Key{{Attribute: "username", Value: fmt.Sprintf("u%d", i), Unique: true}},
		}
		if _, err := tn.dir.Create(b.Context(), scimsrv.Caller{Source: "acme"}, scimsrv.User, draft); err != nil {
			b.Fatal(err)
		}
	}
	s, err := scimsrv.New(scimsrv.Options{Directory: tn.dir, PublicURL: "http://x.example.com",
		Authenticator: scimtest.Tokens{token: {Source: "acme", Dialect: quirk.Okta, TokenID: "t"}}, Recorder: tn.journal})
	if err != nil {
		b.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/scim/v2/Users?filter=userName%20eq%20%22u77%22&startIndex=1&count=100", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != 200 {
			b.Fatal(w.Code)
		}
	}
}
