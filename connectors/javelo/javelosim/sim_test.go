package javelosim_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/connectors/cast"
	"rollcall/connectors/javelo/javelosim"
)

const (
	zoe   = "/scim/v2/Users/4c1179ae-2a8f-5330-881c-638a91df8d99"
	jb    = "/scim/v2/Users/76cfeb47-2205-56f0-b0d0-397ef022d17c"
	boss  = "margaux.delacroix@halcyon-atelier.example"
	seun  = "oluwaseun.adeyemi@halcyon-atelier.example"
	zoeIs = "zoe.vanderberg@halcyon-atelier.example"
)

func patch(ops ...string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + strings.Join(ops, ",") + `]}`
}

func ids(t *testing.T, w *httptest.ResponseRecorder) []string {
	t.Helper()
	var out []string
	list, _ := decode(t, w.Body.Bytes())["Resources"].([]any)
	for _, r := range list {
		out = append(out, r.(map[string]any)["userName"].(string))
	}
	return out
}

func TestPagingUnderstandsTheSpellingsOfItsMode(t *testing.T) {
	const second = "zoe.vanderberg@halcyon-atelier.example"
	const first = boss
	for _, tc := range []struct {
		mode               javelosim.Paging
		snake, camel, both string
	}{
		{javelosim.PagingBoth, second, second, second},
		{javelosim.PagingSnake, second, first, second},
		{javelosim.PagingCamel, first, second, second},
		{javelosim.PagingNone, first, first, first},
	} {
		sim := company(t, javelosim.Options{Paging: tc.mode})
		for query, want := range map[string]string{"start_index=3": tc.snake, "startIndex=3": tc.camel, "start_index=3&startIndex=3": tc.both} {
			got := ids(t, call(t, sim, "GET", "/scim/v2/Users?count=2&"+query, ""))
			if len(got) != 2 || got[0] != want {
				t.Errorf("mode %d, %s: page %v, want it to begin with %s", tc.mode, query, got, want)
			}
		}
	}
	sim := company(t, javelosim.Options{MaxCount: 3})
	for query, want := range map[string]int{"count=100": 3, "count=0": 0, "count=-1": 0, "": 3, "startIndex=0&count=1": 1, "startIndex=100": 0, "count=x": 3} {
		if got := len(ids(t, call(t, sim, "GET", "/scim/v2/Users?"+query, ""))); got != want {
			t.Errorf("%q: %d accounts, want %d", query, got, want)
		}
	}
}

func TestFilterUnderstandsTheFormsOfItsMode(t *testing.T) {
	const hit, miss, refused, everybody = 1, 0, -1, 9
	for _, tc := range []struct {
		mode             javelosim.Filter
		quoted, unquoted int
	}{
		{javelosim.FilterBoth, hit, hit},
		{javelosim.FilterQuoted, hit, refused},
		{javelosim.FilterUnquoted, miss, hit},
		{javelosim.FilterUnquotedStrict, refused, hit},
		{javelosim.FilterIgnored, everybody, everybody},
	} {
		sim := company(t, javelosim.Options{Filter: tc.mode})
		for value, want := range map[string]int{`"ZOE.vanderberg@halcyon-atelier.example"`: tc.quoted, "zoe.VANDERBERG@halcyon-atelier.example": tc.unquoted} {
			w := call(t, sim, "GET", "/scim/v2/Users?filter="+url.QueryEscape("userName eq "+value), "")
			if want == refused {
				if w.Code != http.StatusBadRequest {
					t.Errorf("mode %d, %s: status %d, want 400", tc.mode, value, w.Code)
				}
				continue
			}
			if got := len(ids(t, w)); got != want {
				t.Errorf("mode %d, %s: %d accounts, want %d", tc.mode, value, got, want)
			}
		}
	}
	for _, filter := range []string{`title eq "x"`, "userName", `userName sw "z"`, `userName eq "`, ""} {
		if w := call(t, company(t, javelosim.Options{}), "GET", "/scim/v2/Users?filter="+url.QueryEscape(filter), ""); w.Code != http.StatusBadRequest {
			t.Errorf("filter %q: status %d, want 400", filter, w.Code)
		}
	}
}

func TestWritesThatJaveloWouldRefuseChangeNothing(t *testing.T) {
	const link = `urn:ietf:params:scim:schemas:extension:javelo:2.0:User:managerUserName`
	for _, tc := range []struct {
		name, method, path, body string
		opts                     javelosim.Options
		want                     int
	}{
		{"duplicate", "POST", "/scim/v2/Users", `{"userName":"ZOE.vanderberg@halcyon-atelier.example"}`, javelosim.Options{}, 409},
		{"duplicate, 422", "POST", "/scim/v2/Users", `{"userName":"` + zoeIs + `"}`, javelosim.Options{Duplicate: 422}, 422},
		{"rename to a taken one", "PATCH", zoe, patch(`{"op":"Replace","path":"userName","value":"` + seun + `"}`), javelosim.Options{}, 409},
		{"no user name", "POST", "/scim/v2/Users", `{"name":{"givenName":"No"}}`, javelosim.Options{}, 400},
		{"user name cleared", "PATCH", zoe, patch(`{"op":"Replace","path":"userName","value":null}`), javelosim.Options{}, 400},
		{"disabled with a manager", "PATCH", zoe, patch(`{"op":"Replace","path":"active","value":false}`), javelosim.Options{}, 400},
		{"manager cleared too late", "PATCH", zoe, patch(`{"op":"Replace","path":"active","value":false}`, `{"op":"Replace","path":"`+link+`","value":null}`), javelosim.Options{}, 400},
		{"manager of a disabled user", "PATCH", jb, patch(`{"op":"Replace","path":"` + link + `","value":"` + boss + `"}`), javelosim.Options{}, 400},
		{"manager of a disabled user, by id", "PATCH", jb, patch(`{"op":"Replace","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value","value":"fee613c5-f4c5-5dd3-9831-842755615f99"}`), javelosim.Options{}, 400},
		{"unknown manager", "PATCH", zoe, patch(`{"op":"Replace","path":"` + link + `","value":"nobody@x.example"}`), javelosim.Options{}, 400},
		{"disabled manager", "PATCH", zoe, patch(`{"op":"Replace","path":"` + link + `","value":"jb.nguyen-leroy@halcyon-atelier.example"}`), javelosim.Options{}, 400},
		{"oneself as manager", "PATCH", zoe, patch(`{"op":"Replace","path":"` + link + `","value":"` + zoeIs + `"}`), javelosim.Options{}, 400},
		{"unknown manager ignored", "PATCH", zoe, patch(`{"op":"Replace","path":"` + link + `","value":"nobody@x.example"}`), javelosim.Options{Manager: javelosim.ManagerIgnored}, 200},
		{"unknown key ignored", "PATCH", zoe, patch(`{"op":"Replace","path":"urn:ietf:params:scim:schemas:extension:javelo:2.0:User:shoeSize","value":"38"}`), javelosim.Options{}, 200},
		{"unknown key refused", "PATCH", zoe, patch(`{"op":"Replace","path":"urn:ietf:params:scim:schemas:extension:javelo:2.0:User:shoeSize","value":"38"}`), javelosim.Options{RefuseUnknownKeys: true}, 400},
		{"second operation refused", "PATCH", zoe, patch(`{"op":"Replace","path":"title","value":"Chief"}`, `{"op":"Replace","path":"active","value":"perhaps"}`), javelosim.Options{}, 400},
		{"malformed date", "PATCH", zoe, patch(`{"op":"Replace","path":"urn:ietf:params:scim:schemas:extension:javelo:2.0:User:seniorityDate","value":"18/01/2021"}`), javelosim.Options{}, 400},
		{"no operation", "PATCH", zoe, patch(), javelosim.Options{}, 400},
		{"unknown operation", "PATCH", zoe, patch(`{"op":"move","path":"title"}`), javelosim.Options{}, 400},
		{"remove without a path", "PATCH", zoe, patch(`{"op":"remove"}`), javelosim.Options{}, 400},
		{"not JSON", "PATCH", zoe, `{"Operations":`, javelosim.Options{}, 400},
		{"trailing data", "POST", "/scim/v2/Users", `{"userName":"x@x.example"} {}`, javelosim.Options{}, 400},
		{"delete", "DELETE", zoe, "", javelosim.Options{}, 405},
		{"put", "PUT", zoe, `{"userName":"x@x.example"}`, javelosim.Options{}, 405},
		{"unknown user", "PATCH", zoe + "0", patch(`{"op":"add","path":"title","value":"x"}`), javelosim.Options{}, 404},
		{"unknown resource", "GET", "/scim/v2/Schemas", "", javelosim.Options{}, 404},
		{"outside the prefix", "GET", "/Users", "", javelosim.Options{}, 404},
		{"member that is nobody", "PATCH", "/scim/v2/Groups/5b0e8d1a-0000-4000-8000-000000000002", patch(`{"op":"add","path":"members","value":[{"value":"nobody"}]}`), javelosim.Options{}, 400},
	} {
		sim := company(t, tc.opts)
		before, groups := sim.Accounts(), sim.Groups()
		w := call(t, sim, tc.method, tc.path, tc.body)
		if w.Code != tc.want {
			t.Errorf("%s: status %d, want %d: %s", tc.name, w.Code, tc.want, w.Body)
		}
		if d := cmp.Diff(before, sim.Accounts()); d != "" {
			t.Errorf("%s: accounts changed (-before +after):\n%s", tc.name, d)
		}
		if d := cmp.Diff(groups, sim.Groups()); d != "" {
			t.Errorf("%s: groups changed (-before +after):\n%s", tc.name, d)
		}
		if w.Code == http.StatusMethodNotAllowed && !strings.Contains(w.Header().Get("Allow"), "PATCH") {
			t.Errorf("%s: Allow is %q", tc.name, w.Header().Get("Allow"))
		}
	}
}

func TestPatchFormsThatClientsSendAllWork(t *testing.T) {
	const ext = "urn:ietf:params:scim:schemas:extension:"
	for _, tc := range []struct {
		name, op string
		want     func(*javelosim.Account)
	}{
		{"capital Replace", `{"op":"Replace","path":"title","value":"Chief"}`, func(a *javelosim.Account) { a.Title = "Chief" }},
		{"add", `{"op":"add","path":"title","value":"Chief"}`, func(a *javelosim.Account) { a.Title = "Chief" }},
		{"null clears", `{"op":"replace","path":"title","value":null}`, func(a *javelosim.Account) { a.Title = "" }},
		{"remove clears", `{"op":"Remove","path":"title"}`, func(a *javelosim.Account) { a.Title = "" }},
		{"core URN", `{"op":"replace","path":"urn:ietf:params:scim:schemas:core:2.0:User:title","value":"Chief"}`, func(a *javelosim.Account) { a.Title = "Chief" }},
		{"other letter case", `{"OP":"replace","Path":"TITLE","VALUE":"Chief"}`, func(a *javelosim.Account) { a.Title = "Chief" }},
		{"sub-attribute", `{"op":"replace","path":"name.familyName","value":"Berg"}`, func(a *javelosim.Account) { a.FamilyName = "Berg" }},
		{"complex value", `{"op":"replace","path":"name","value":{"familyName":"Berg","formatted":"x"}}`, func(a *javelosim.Account) { a.FamilyName = "Berg" }},
		{"extension path", `{"op":"replace","path":"` + ext + `enterprise:2.0:User:employeeNumber","value":"007"}`, func(a *javelosim.Account) { a.Enterprise["employeeNumber"] = "007" }},
		{"number as a value", `{"op":"replace","path":"` + ext + `enterprise:2.0:User:employeeNumber","value":900719925474099312}`, func(a *javelosim.Account) { a.Enterprise["employeeNumber"] = "900719925474099312" }},
		{"extension as a value", `{"op":"replace","path":"` + ext + `javelo:2.0:User","value":{"grade":"B","Gender":null}}`, func(a *javelosim.Account) { a.Tenant["grade"] = "B"; delete(a.Tenant, "gender") }},
		{"without a path", `{"op":"replace","value":{"title":"Chief","` + ext + `javelo:2.0:User:grade":"B","name.givenName":"Zo"}}`, func(a *javelosim.Account) { a.Title, a.GivenName, a.Tenant["grade"] = "Chief", "Zo", "B" }},
		{"disabled without a path", `{"op":"replace","value":{"active":false,"` + ext + `javelo:2.0:User":{"managerUserName":null}}}`, func(a *javelosim.Account) { a.Active, a.ManagerID = false, "" }},
		{"manager by user name", `{"op":"replace","path":"` + ext + `javelo:2.0:User:managerUserName","value":"` + strings.ToUpper(boss) + `"}`, func(a *javelosim.Account) { a.ManagerID = "fee613c5-f4c5-5dd3-9831-842755615f99" }},
		{"manager by id", `{"op":"replace","path":"` + ext + `enterprise:2.0:User:manager","value":{"value":"fee613c5-f4c5-5dd3-9831-842755615f99"}}`, func(a *javelosim.Account) { a.ManagerID = "fee613c5-f4c5-5dd3-9831-842755615f99" }},
		{"manager by id, bare", `{"op":"replace","path":"` + ext + `enterprise:2.0:User:manager","value":"fee613c5-f4c5-5dd3-9831-842755615f99"}`, func(a *javelosim.Account) { a.ManagerID = "fee613c5-f4c5-5dd3-9831-842755615f99" }},
		{"filtered path makes the element", `{"op":"add","path":"phoneNumbers[type eq \"work\"].value","value":"+33 4"}`, func(a *javelosim.Account) { a.Phone = "+33 4" }},
		{"list", `{"op":"replace","path":"phoneNumbers","value":[{"type":"mobile","value":"+33 6"},{"type":"work","value":"+33 4"}]}`, func(a *javelosim.Account) { a.Phone = "+33 4" }},
		{"string for active", `{"op":"replace","path":"active","value":"True"}`, func(*javelosim.Account) {}},
		{"language it does not have", `{"op":"replace","path":"locale","value":"pt"}`, func(a *javelosim.Account) { a.Locale = "en" }},
		{"attribute it does not have", `{"op":"replace","path":"nickName","value":"Z"}`, func(*javelosim.Account) {}},
		{"element it does not have", `{"op":"replace","path":"emails[type eq \"home\"].value","value":"z@home.example"}`, func(*javelosim.Account) {}},
	} {
		sim := company(t, javelosim.Options{})
		want, _ := sim.Account(zoeIs)
		tc.want(&want)
		if w := call(t, sim, "PATCH", zoe, patch(tc.op)); w.Code != 200 {
			t.Errorf("%s: status %d: %s", tc.name, w.Code, w.Body)
		}
		got, _ := sim.Account(zoeIs)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, d)
		}
	}
}

func TestPutReplacesWhereItIsAllowed(t *testing.T) {
	sim := company(t, javelosim.Options{AllowPut: true})
	if w := call(t, sim, "PUT", zoe, `{"userName":"`+zoeIs+`","title":"Chief"}`); w.Code != 200 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	got, _ := sim.Account(zoeIs)
	want := javelosim.Account{
		ID: "4c1179ae-2a8f-5330-881c-638a91df8d99", UserName: zoeIs, Active: true, Title: "Chief", Locale: "en",
		Enterprise: map[string]string{}, Tenant: map[string]string{},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("account (-want +got):\n%s", d)
	}
}

func TestAnswersInTheShapesOfTheirModes(t *testing.T) {
	sim := company(t, javelosim.Options{OmitEmptyResources: true, StringBooleans: true, PatchNoContent: true})
	if got := call(t, sim, "GET", "/scim/v2/Users?startIndex=99", "").Body.String(); strings.Contains(got, "Resources") {
		t.Errorf("an empty list has Resources: %s", got)
	}
	if got := decode(t, call(t, sim, "GET", zoe, "").Body.Bytes())["active"]; got != "true" {
		t.Errorf("active is %v (%T)", got, got)
	}
	w := call(t, sim, "PATCH", zoe, patch(`{"op":"replace","path":"title","value":"Chief"}`))
	if w.Code != 204 || w.Body.Len() != 0 {
		t.Errorf("PATCH: status %d, body %s", w.Code, w.Body)
	}
}

func TestGroupsAreMadeAndTheirMembersPatched(t *testing.T) {
	sim := company(t, javelosim.Options{})
	w := call(t, sim, "POST", "/scim/v2/Groups", `{"displayName":"Design","members":[{"value":"05f4701b-d880-51c1-8972-5f3dbc1e45dc"}]}`)
	id, _ := decode(t, w.Body.Bytes())["id"].(string)
	if w.Code != 201 || id == "" || !strings.HasSuffix(w.Header().Get("Location"), "/Groups/"+id) {
		t.Fatalf("POST: status %d, %s", w.Code, w.Body)
	}
	const tomasz, ines = "d2213aee-ca4f-54b6-88ba-c21fec8d847b", "05f4701b-d880-51c1-8972-5f3dbc1e45dc"
	// The removal comes first, with a value array, as a production client sends it.
	w = call(t, sim, "PATCH", "/scim/v2/Groups/"+id, patch(
		`{"op":"remove","path":"members","value":[{"value":"`+ines+`"}]}`,
		`{"op":"add","path":"members","value":[{"value":"`+tomasz+`"},{"value":"`+tomasz+`"}]}`,
		`{"op":"replace","value":{"displayName":"Design and more"}}`))
	if w.Code != 200 {
		t.Fatalf("PATCH: status %d, %s", w.Code, w.Body)
	}
	groups := sim.Groups()
	want := javelosim.Group{ID: id, DisplayName: "Design and more", Members: []string{tomasz}}
	if d := cmp.Diff(want, groups[len(groups)-1]); d != "" {
		t.Errorf("group (-want +got):\n%s", d)
	}
	list := decode(t, call(t, sim, "GET", "/scim/v2/Groups?filter="+url.QueryEscape(`displayName eq "support"`), "").Body.Bytes())
	if list["totalResults"] != 1.0 {
		t.Errorf("filter on displayName: %v", list)
	}
	if w := call(t, sim, "DELETE", "/scim/v2/Groups/"+id, ""); w.Code != 405 {
		t.Errorf("DELETE: status %d", w.Code)
	}
}

func TestLimitIsASlidingWindow(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	sim := company(t, javelosim.Options{Now: func() time.Time { return now }, RetryAfter: true})
	send := func(n int) (refused int) {
		for range n {
			if call(t, sim, "GET", zoe, "").Code == http.StatusTooManyRequests {
				refused++
			}
		}
		return refused
	}
	step := func(after time.Duration, n, want int) {
		t.Helper()
		now = now.Add(after)
		if got := send(n); got != want {
			t.Errorf("at %v: %d of %d refused, want %d", now.Format(time.TimeOnly), got, n, want)
		}
	}
	step(0, 100, 0)
	step(4*time.Minute, 200, 0)
	step(30*time.Second, 1, 1)
	w := call(t, sim, "GET", zoe, "")
	if w.Code != 429 || w.Header().Get("Retry-After") != "30" {
		t.Errorf("status %d, Retry-After %q; want 429 and the 30 s until the first hundred leave", w.Code, w.Header().Get("Retry-After"))
	}
	step(29*time.Second, 1, 1)
	step(time.Second, 101, 1)
	if got := sim.Busiest(); got != 304 { // refused ones arrived too
		t.Errorf("busiest window had %d requests, want 304", got)
	}
}

func TestRegeneratedTokenStopsTheOldOneAtOnce(t *testing.T) {
	sim := company(t, javelosim.Options{})
	sim.Regenerate("another")
	if w := call(t, sim, "GET", zoe, ""); w.Code != 401 {
		t.Errorf("old token: status %d", w.Code)
	}
	if w := call(t, sim, "GET", zoe, "", "Authorization", "Bearer another"); w.Code != 200 {
		t.Errorf("new token: status %d", w.Code)
	}
}

// aborted reports whether a request ended without an answer.
func aborted(t *testing.T, h http.Handler, method, target, body string) (dropped bool) {
	t.Helper()
	defer func() {
		if v := recover(); v != nil {
			dropped = v == http.ErrAbortHandler
		}
	}()
	call(t, h, method, target, body)
	return false
}

func TestFaultsStrikeWhatTheyMatchAndNothingElse(t *testing.T) {
	sim := company(t, javelosim.Options{})
	sim.Fault(javelosim.Fault{Kind: javelosim.Unavailable, Status: 502, Method: "POST", Skip: 1, Times: 2})
	var got []int
	for i := range 5 {
		call(t, sim, "GET", zoe, "")
		got = append(got, call(t, sim, "POST", "/scim/v2/Users", fmt.Sprintf(`{"userName":"u%d@x.example"}`, i)).Code)
	}
	if want := []int{201, 502, 502, 201, 201}; !slices.Equal(got, want) {
		t.Errorf("POSTs were answered %v, want %v", got, want)
	}

	sim.Fault(javelosim.Fault{Kind: javelosim.HTML})
	if w := call(t, sim, "GET", zoe, ""); w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		t.Errorf("HTML: status %d, %s", w.Code, w.Header().Get("Content-Type"))
	}
	sim.Fault(javelosim.Fault{Kind: javelosim.Throttle, RetryAfter: "7"})
	if w := call(t, sim, "GET", zoe, ""); w.Code != 429 || w.Header().Get("Retry-After") != "7" {
		t.Errorf("Throttle: status %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	sim.Fault(javelosim.Fault{Kind: javelosim.Truncate})
	if w := call(t, sim, "GET", zoe, ""); w.Code != 200 || strings.HasSuffix(w.Body.String(), "}") {
		t.Errorf("Truncate: status %d, %s", w.Code, w.Body)
	}
	sim.Fault(javelosim.Fault{Kind: javelosim.Unavailable, Times: -1})
	for range 3 {
		if w := call(t, sim, "GET", zoe, ""); w.Code != 503 {
			t.Errorf("Unavailable until healed: status %d", w.Code)
		}
	}
	sim.Heal()
	if w := call(t, sim, "GET", zoe, ""); w.Code != 200 {
		t.Errorf("healed: status %d", w.Code)
	}
}

func TestResetBeforeAndAfterTheWrite(t *testing.T) {
	sim := company(t, javelosim.Options{})
	sim.Fault(javelosim.Fault{Kind: javelosim.Reset})
	if !aborted(t, sim, "POST", "/scim/v2/Users", `{"userName":"a@x.example"}`) || sim.Creates("a@x.example") != 0 {
		t.Errorf("Reset: %d creates", sim.Creates("a@x.example"))
	}
	sim.Fault(javelosim.Fault{Kind: javelosim.ResetAfterWrite})
	if !aborted(t, sim, "POST", "/scim/v2/Users", `{"userName":"A@x.example"}`) || sim.Creates("a@x.example") != 1 || sim.Writes() != 1 {
		t.Errorf("ResetAfterWrite: %d creates, %d writes", sim.Creates("a@x.example"), sim.Writes())
	}
	if w := call(t, sim, "POST", "/scim/v2/Users", `{"userName":"a@x.example"}`); w.Code != 409 || sim.Creates("a@x.example") != 1 {
		t.Errorf("again: status %d, %d creates", w.Code, sim.Creates("a@x.example"))
	}
}

func TestSlowAnswersAfterItsDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := company(t, javelosim.Options{})
		sim.Fault(javelosim.Fault{Kind: javelosim.Slow, Delay: 90 * time.Second})
		start := time.Now()
		if w := call(t, sim, "GET", zoe, ""); w.Code != 200 {
			t.Errorf("status %d", w.Code)
		}
		if took := time.Since(start); took != 90*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestRequestLogHasTimesAndNoToken(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	sim := company(t, javelosim.Options{Now: func() time.Time { return now }})
	call(t, sim, "PATCH", zoe, patch(`{"op":"replace","path":"title","value":"Chief"}`))
	now = now.Add(time.Second)
	call(t, sim, "GET", "/scim/v2/Users?count=1", "")
	got := sim.Requests()
	want := []javelosim.Request{
		{At: now.Add(-time.Second), Method: "PATCH", Path: zoe, Query: url.Values{}, Body: []byte(patch(`{"op":"replace","path":"title","value":"Chief"}`)), Status: 200},
		{At: now, Method: "GET", Path: "/scim/v2/Users", Query: url.Values{"count": {"1"}}, Body: []byte{}, Status: 200},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("requests (-want +got):\n%s", d)
	}
	if sim.Total() != 2 || sim.Writes() != 1 {
		t.Errorf("%d requests, %d writes", sim.Total(), sim.Writes())
	}
}

func TestSeedReplacesAccountsOfTheSameName(t *testing.T) {
	sim := javelosim.New(javelosim.Options{})
	sim.Seed([]javelosim.Account{{UserName: "ada@x.example", Title: "a"}, {UserName: "greta@x.example", ManagerID: "m"}})
	id := sim.Accounts()[0].ID
	sim.Seed([]javelosim.Account{{UserName: "ADA@x.example", Title: "b"}})
	if got := sim.Accounts(); len(got) != 2 || got[0].ID != id || got[0].Title != "b" {
		t.Errorf("same name: %+v", got)
	}
	sim.Seed([]javelosim.Account{{ID: "other", UserName: "ada@x.example"}})
	if got := sim.Accounts(); len(got) != 2 || got[1].ID != "other" {
		t.Errorf("same name, other id: %+v", got)
	}
	if !sim.Edit("ada@x.example", func(a *javelosim.Account) { a.UserName = "ada.b@x.example" }) || sim.Edit("ada@x.example", func(*javelosim.Account) {}) {
		t.Error("Edit does not follow the user name")
	}
}

func TestTenantBeforeActivationHasItsTroubles(t *testing.T) {
	people := cast.Company(60, 5)
	sim := javelosim.New(javelosim.Options{})
	sim.Seed(javelosim.BeforeActivation(people))
	byEmail := map[string]cast.Person{}
	personal := map[string]bool{}
	for _, p := range people {
		byEmail[strings.ToLower(p.Email)] = p
		personal[p.PersonalEmail] = true
	}
	var mixed, private, disabled, uncovered int
	for _, a := range sim.Accounts() {
		_, known := byEmail[strings.ToLower(a.UserName)]
		switch {
		case personal[a.UserName]:
			private++
		case !known:
			uncovered++
		case a.UserName != strings.ToLower(a.UserName):
			mixed++
		case !a.Active:
			disabled++
		}
	}
	if got, want := [4]int{mixed, private, disabled, uncovered}, [4]int{5, 5, 5, 2}; got != want {
		t.Errorf("mixed case, personal, disabled, uncovered: %v, want %v", got, want)
	}
}

func TestManyClientsAtOnceMakeEachAccountOnce(t *testing.T) {
	sim := javelosim.New(javelosim.Options{Token: token, Limit: -1})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 20 {
				call(t, sim, "POST", "/scim/v2/Users", fmt.Sprintf(`{"userName":"u%d@x.example"}`, i))
				call(t, sim, "GET", "/scim/v2/Users", "")
				sim.Accounts()
			}
		})
	}
	wg.Wait()
	for i := range 20 {
		if n := sim.Creates(fmt.Sprintf("u%d@x.example", i)); n != 1 {
			t.Errorf("u%d was made %d times", i, n)
		}
	}
	if n := len(sim.Accounts()); n != 20 {
		t.Errorf("%d accounts", n)
	}
}
