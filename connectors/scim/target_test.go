package scim_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/scim"
	"rollcall/connectors/scim/scimtargetsim"
)

// openTarget makes a target for a simulated service; requests and answers stay in
// memory where nothing about connections matters.
func openTarget(t testing.TB, opts scimtargetsim.Options) (*scim.Target, *scimtargetsim.Sim) {
	t.Helper()
	sim := simulated(opts)
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	base, err := url.Parse(server.URL + scimtargetsim.Prefix)
	if err != nil {
		t.Fatal(err)
	}
	target, err := scim.NewTarget(scim.TargetConfig{BaseURL: base, Token: targetCanary, HTTP: server.Client(), PageSize: 2, CustomKeys: customPlaces})
	if err != nil {
		t.Fatal(err)
	}
	return target, sim
}

func ada() model.Desired {
	return model.Desired{Person: "p_ada", Active: true, Email: "ada@halcyon-atelier.example", Attributes: map[model.Name]string{
		model.GivenName: "Ada", model.FamilyName: "Moreau", model.Title: "Analyst", model.Department: "Design", model.WorkPhone: "+33 4 00 00 00 01", "custom.team": "Red",
	}}
}

// having returns d with attributes replaced.
func having(d model.Desired, pairs ...string) model.Desired {
	attributes := map[model.Name]string{}
	for n, v := range d.Attributes {
		attributes[n] = v
	}
	for i := 0; i < len(pairs); i += 2 {
		attributes[model.Name(pairs[i])] = pairs[i+1]
	}
	d.Attributes = attributes
	return d
}

func made(t testing.TB, target *scim.Target, want model.Desired) model.Account {
	t.Helper()
	a, err := target.Create(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// sentSince returns method and path of the requests after the first n.
func sentSince(sim *scimtargetsim.Sim, n int) []string {
	var out []string
	for _, r := range sim.Requests()[n:] {
		path, _, _ := strings.Cut(strings.TrimPrefix(r.Path, "/"), "/")
		out = append(out, r.Method+" "+path)
	}
	return out
}

func TestUpdateSpendsTheRequestsThatTheServiceCallsFor(t *testing.T) {
	for name, tc := range map[string]struct {
		opts   scimtargetsim.Options
		before func(*scimtargetsim.Sim)
		have   bool
		empty  bool // have says that there is no mobile phone
		pairs  []string
		want   []string
	}{
		"PATCH":                               {have: true, pairs: []string{"title", "Architect"}, want: []string{"PATCH Users"}},
		"PUT":                                 {opts: scimtargetsim.Options{NoPatch: true}, have: true, pairs: []string{"title", "Architect"}, want: []string{"GET Users", "PUT Users"}},
		"PUT that would change nothing":       {opts: scimtargetsim.Options{NoPatch: true}, pairs: []string{}, want: []string{"GET Users"}},
		"undocumented, and no PATCH":          {opts: scimtargetsim.Options{NoConfig: true, NoPatch: true}, have: true, pairs: []string{"title", "Architect"}, want: []string{"PATCH Users", "GET Users", "PUT Users"}},
		"element that is not there":           {have: true, pairs: []string{"mobile_phone", "+33 6"}, want: []string{"PATCH Users", "GET Users", "PATCH Users"}},
		"element known to be empty":           {have: true, empty: true, pairs: []string{"mobile_phone", "+33 6"}, want: []string{"PATCH Users"}},
		"element made by the service":         {opts: scimtargetsim.Options{MakeElements: true}, have: true, pairs: []string{"mobile_phone", "+33 6"}, want: []string{"PATCH Users"}},
		"version as it was":                   {opts: scimtargetsim.Options{ETags: true}, have: true, pairs: []string{"title", "Architect"}, want: []string{"PATCH Users"}},
		"another version":                     {opts: scimtargetsim.Options{ETags: true}, before: edited, have: true, pairs: []string{"title", "Architect"}, want: []string{"PATCH Users", "GET Users", "PATCH Users"}},
		"another version under a PUT":         {opts: scimtargetsim.Options{ETags: true, NoPatch: true}, before: editedBeforePut, have: true, pairs: []string{"title", "Architect"}, want: []string{"GET Users", "PUT Users", "GET Users", "PUT Users"}},
		"no versions, whoever edits":          {before: edited, have: true, pairs: []string{"title", "Architect"}, want: []string{"PATCH Users"}},
		"version required, and known already": {opts: scimtargetsim.Options{RequireMatch: true}, have: true, pairs: []string{"title", "Architect"}, want: []string{"PATCH Users"}},
	} {
		t.Run(name, func(t *testing.T) {
			target, sim := openTarget(t, tc.opts)
			if _, err := target.Discover(t.Context()); err != nil {
				t.Fatal(err)
			}
			have := ada()
			if tc.empty {
				have = having(have, "mobile_phone", "")
			}
			a := made(t, target, have)
			if tc.before != nil {
				tc.before(sim)
			}
			known := &have
			if !tc.have {
				known = nil
			}
			n := len(sim.Requests())
			want := having(have, tc.pairs...)
			got, err := target.Update(t.Context(), a.RemoteID, known, want)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.want, sentSince(sim, n)); d != "" {
				t.Errorf("requests (-want +got):\n%s", d)
			}
			for n, v := range want.Attributes {
				if got.Attributes[n] != v {
					t.Errorf("%s is %q, want %q", n, got.Attributes[n], v)
				}
			}
			if u, _ := sim.User(have.Email); tc.before != nil && !strings.Contains(string(u.Document), `"nickName":"Countess"`) {
				t.Errorf("what somebody else wrote is gone: %s", u.Document)
			}
		})
	}
}

// edited lets somebody else change the account before the next write.
func edited(sim *scimtargetsim.Sim) {
	sim.Fault(scimtargetsim.Fault{Kind: scimtargetsim.EditBefore, Method: http.MethodPatch, Attribute: "nickName", Value: "Countess"})
}

func editedBeforePut(sim *scimtargetsim.Sim) {
	sim.Fault(scimtargetsim.Fault{Kind: scimtargetsim.EditBefore, Method: http.MethodPut, Attribute: "nickName", Value: "Countess"})
}

func TestAccountThatKeepsChangingIsTriedLater(t *testing.T) {
	for _, noPatch := range []bool{false, true} {
		target, sim := openTarget(t, scimtargetsim.Options{ETags: true, NoPatch: noPatch})
		if _, err := target.Discover(t.Context()); err != nil {
			t.Fatal(err)
		}
		have := ada()
		a := made(t, target, have)
		for range 2 {
			edited(sim)
			editedBeforePut(sim)
		}
		_, err := target.Update(t.Context(), a.RemoteID, &have, having(have, "title", "Architect"))
		if connectors.ClassOf(err) != connectors.Transient {
			t.Errorf("without PATCH %v: %v", noPatch, err)
		}
	}
}

func TestVersionIsNamedOnlyWhereTheServiceOffersETags(t *testing.T) {
	for _, offered := range []bool{true, false} {
		target, sim := openTarget(t, scimtargetsim.Options{ETags: offered})
		if _, err := target.Discover(t.Context()); err != nil {
			t.Fatal(err)
		}
		have := ada()
		a := made(t, target, have)
		for _, title := range []string{"Architect", "Partner"} {
			want := having(have, "title", title)
			if _, err := target.Update(t.Context(), a.RemoteID, &have, want); err != nil {
				t.Fatal(err)
			}
			have = want
		}
		requests := sim.Requests()
		for i, want := range []string{`W/"1"`, `W/"2"`} {
			if !offered {
				want = ""
			}
			if got := requests[len(requests)-2+i].IfMatch; got != want {
				t.Errorf("offered %v: update %d names %q, want %q", offered, i+1, got, want)
			}
		}
	}
}

func TestPutKeepsWhatIsNotOurs(t *testing.T) {
	target, sim := openTarget(t, scimtargetsim.Options{NoPatch: true})
	have := ada()
	a := made(t, target, have)
	foreign := map[string]any{
		"nickName":     "Countess",
		"roles":        []any{map[string]any{"value": "reviewer", "primary": true}},
		"phoneNumbers": []any{map[string]any{"type": "home", "value": "+33 1"}, map[string]any{"type": "work", "value": "+33 4 00 00 00 01", "display": "desk"}},
		"addresses":    []any{map[string]any{"type": "work", "country": "FR"}},
	}
	for k, v := range foreign {
		sim.Edit(have.Email, k, v)
	}
	want := having(have, "work_phone", "+33 4 99", "site", "Lyon", "department", "", "custom.team", "Blue", "given_name", "Adah")
	if _, err := target.Update(t.Context(), a.RemoteID, &have, want); err != nil {
		t.Fatal(err)
	}
	u, _ := sim.User(have.Email)
	var got map[string]any
	if err := json.Unmarshal(u.Document, &got); err != nil {
		t.Fatal(err)
	}
	foreign["phoneNumbers"].([]any)[1].(map[string]any)["value"] = "+33 4 99"
	foreign["addresses"].([]any)[0].(map[string]any)["locality"] = "Lyon"
	foreign["name"] = map[string]any{"givenName": "Adah", "familyName": "Moreau"}
	foreign[ownSchema] = map[string]any{"team": "Blue"}
	for k, v := range foreign {
		if d := cmp.Diff(v, got[k]); d != "" {
			t.Errorf("%s (-want +got):\n%s", k, d)
		}
	}
	if e, ok := got[scim.EnterpriseUser]; ok {
		t.Errorf("the department was not cleared: %v", e)
	}
	for _, r := range sim.Requests() {
		if r.Method == http.MethodPut && (strings.Contains(string(r.Body), `"meta"`) || !strings.Contains(string(r.Body), `"active":true`)) {
			t.Errorf("the body of PUT has what the service writes, or active as a text: %s", r.Body)
		}
	}
}

func TestManagerIsLinkedByTheIdOfTheirAccount(t *testing.T) {
	for _, noPatch := range []bool{false, true} {
		target, sim := openTarget(t, scimtargetsim.Options{NoPatch: noPatch})
		boss := made(t, target, model.Desired{Person: "p_boss", Active: true, Email: "boss@halcyon-atelier.example"})
		next := made(t, target, model.Desired{Person: "p_next", Active: true, Email: "next@halcyon-atelier.example"})
		want := ada()
		want.Manager = &model.ManagerLink{Person: "p_boss", RemoteID: boss.RemoteID}
		a := made(t, target, want)
		for _, link := range []model.ManagerLink{{Person: "p_next", RemoteID: next.RemoteID}, {}} {
			have := want
			want.Manager = &link
			got, err := target.Update(t.Context(), a.RemoteID, &have, want)
			if err != nil || got.ManagerRemoteID != link.RemoteID {
				t.Errorf("manager %q, %v; want %q", got.ManagerRemoteID, err, link.RemoteID)
			}
			if u, _ := sim.User(want.Email); u.Manager != link.RemoteID {
				t.Errorf("the service holds manager %q, want %q", u.Manager, link.RemoteID)
			}
		}
		n := len(sim.Requests())
		want.Manager = &model.ManagerLink{Person: "p_boss", Email: "boss@halcyon-atelier.example"}
		if _, err := target.Create(t.Context(), want); !errors.Is(err, connectors.ErrManagerRefused) || len(sim.Requests()) != n {
			t.Errorf("a manager without an account: %v, %d requests", err, len(sim.Requests())-n)
		}
	}
}

func TestEmptyTextsClearElementsAndParts(t *testing.T) {
	for _, opts := range []scimtargetsim.Options{{}, {NoPatch: true}} {
		target, sim := openTarget(t, opts)
		have := having(ada(), "site", "Lyon")
		a := made(t, target, have)
		want := having(have, "work_phone", "", "site", "", "given_name", "", "custom.team", "", "mobile_phone", "")
		got, err := target.Update(t.Context(), a.RemoteID, &have, want)
		if err != nil {
			t.Fatal(err)
		}
		u, _ := sim.User(have.Email)
		for _, gone := range []string{"+33 4", "Lyon", "Ada\"", "Red"} {
			if strings.Contains(string(u.Document), gone) {
				t.Errorf("%+v: %s is still there: %s", opts, gone, u.Document)
			}
		}
		if got.Attributes[model.Title] != "Analyst" || got.Attributes[model.WorkPhone] != "" {
			t.Errorf("%+v: got %v", opts, got.Attributes)
		}
	}
}

func TestUpdateWithoutABodyInTheAnswerIsTakenAtItsWord(t *testing.T) {
	for _, noPatch := range []bool{false, true} {
		target, sim := openTarget(t, scimtargetsim.Options{NoContent: true, NoPatch: noPatch})
		have := ada()
		a := made(t, target, have)
		want := having(have, "title", "Architect")
		want.Active = false
		got, err := target.Update(t.Context(), a.RemoteID, &have, want)
		if err != nil || got.RemoteID != a.RemoteID || got.Active || got.Attributes[model.Title] != "Architect" {
			t.Errorf("%+v, %v", got, err)
		}
		if u, ok := sim.User(have.Email); !ok || u.Active {
			t.Errorf("the service holds %+v", u)
		}
	}
}

func TestAttributesThatTheServiceDropsAreNamed(t *testing.T) {
	target, _ := openTarget(t, scimtargetsim.Options{})
	made(t, target, having(ada(), "start_date", "2026-01-05"))
	if got := target.IgnoredAttributes(); len(got) != 0 {
		t.Errorf("all was stored, and these are said to be ignored: %v", got)
	}
	sim := scimtargetsim.New(scimtargetsim.Options{Token: targetCanary, Extension: ownSchema, ExtensionKeys: []string{"team"}})
	server := httptest.NewServer(sim)
	defer server.Close()
	base, _ := url.Parse(server.URL + scimtargetsim.Prefix)
	other, err := scim.NewTarget(scim.TargetConfig{BaseURL: base, Token: targetCanary, CustomKeys: customPlaces})
	if err != nil {
		t.Fatal(err)
	}
	made(t, other, having(ada(), "start_date", "2026-01-05"))
	if d := cmp.Diff([]model.Name{model.StartDate}, other.IgnoredAttributes()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestDiscoverTellsWhatIsOffered(t *testing.T) {
	for name, tc := range map[string]struct {
		opts scimtargetsim.Options
		want scim.Offers
	}{
		"plain":        {scimtargetsim.Options{}, scim.Offers{Documented: true, Patch: true, Filter: true}},
		"little":       {scimtargetsim.Options{NoPatch: true, NoFilter: true}, scim.Offers{Documented: true}},
		"much":         {scimtargetsim.Options{ETags: true, Cursors: true, Bulk: true}, scim.Offers{Documented: true, Patch: true, Filter: true, ETag: true, Cursors: true, Bulk: true, BulkMaxOperations: 100, BulkMaxPayloadSize: 1 << 20}},
		"undocumented": {scimtargetsim.Options{NoConfig: true}, scim.Offers{Patch: true, Filter: true}},
	} {
		target, sim := openTarget(t, tc.opts)
		for range 2 {
			got, err := target.Discover(t.Context())
			if time.Since(got.Learned) > time.Minute {
				t.Errorf("%s: learned %v", name, got.Learned)
			}
			got.Learned = time.Time{}
			if d := cmp.Diff(tc.want, got); d != "" || err != nil {
				t.Errorf("%s: %v (-want +got):\n%s", name, err, d)
			}
		}
		if n := len(sim.Requests()); n != 1 {
			t.Errorf("%s: %d requests, want 1", name, n)
		}
	}
}

func TestMaintenanceIsNotTakenForAServiceThatOffersNothing(t *testing.T) {
	target, sim := openTarget(t, scimtargetsim.Options{})
	for _, f := range []scimtargetsim.Fault{{Kind: scimtargetsim.Unavailable}, {Kind: scimtargetsim.Page}, {Kind: scimtargetsim.Reset}, {Kind: scimtargetsim.Truncate}, {Kind: scimtargetsim.Throttle, RetryAfter: "9"}} {
		sim.Fault(f)
		if _, err := target.Discover(t.Context()); err == nil {
			t.Errorf("fault %d: an answer all the same", f.Kind)
		}
	}
	if o, err := target.Discover(t.Context()); err != nil || !o.Documented || !o.Patch {
		t.Errorf("after the maintenance: %+v, %v", o, err)
	}
}

func TestCheckSaysWhatTheServiceLacks(t *testing.T) {
	for name, tc := range map[string]struct {
		opts    scimtargetsim.Options
		reached string
		notices []string
	}{
		"all well":        {scimtargetsim.Options{ETags: true}, "(PATCH, filter, ETags)", nil},
		"undocumented":    {scimtargetsim.Options{NoConfig: true}, "(PATCH, filter)", []string{"no ServiceProviderConfig"}},
		"little":          {scimtargetsim.Options{NoPatch: true, NoFilter: true}, "(PUT)", []string{"no filters", "no PATCH"}},
		"ignores filters": {scimtargetsim.Options{IgnoreFilter: true}, "(PATCH, filter)", nil}, // the one account is the one that is looked for
	} {
		target, _ := openTarget(t, tc.opts)
		made(t, target, ada())
		r, err := target.Check(t.Context())
		if err != nil || !strings.Contains(r.Reached, tc.reached) || r.People != 1 || len(r.Notices) != len(tc.notices) {
			t.Errorf("%s: %+v, %v", name, r, err)
			continue
		}
		for i, n := range tc.notices {
			if !strings.Contains(r.Notices[i], n) {
				t.Errorf("%s: notice %q, want one with %q", name, r.Notices[i], n)
			}
		}
	}
}

func TestNothingIsEverDeleted(t *testing.T) {
	target, sim := openTarget(t, scimtargetsim.Options{})
	have := ada()
	a := made(t, target, have)
	leaver := have
	leaver.Active = false
	if _, err := target.Update(t.Context(), a.RemoteID, &have, leaver); err != nil {
		t.Fatal(err)
	}
	for _, r := range sim.Requests() {
		if !slices.Contains([]string{http.MethodGet, http.MethodPost, http.MethodPatch}, r.Method) {
			t.Errorf("%s %s", r.Method, r.Path)
		}
	}
	if u, ok := sim.User(have.Email); !ok || u.Active {
		t.Errorf("%+v, there: %v", u, ok)
	}
}

func TestTargetConfigurationThatCannotWorkIsRefused(t *testing.T) {
	parse := func(s string) *url.URL {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	good := scim.TargetConfig{BaseURL: parse("https://reviews.example/scim/v2"), Token: "t"}
	if _, err := scim.NewTarget(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*scim.TargetConfig){
		"no address":       func(c *scim.TargetConfig) { c.BaseURL = nil },
		"other scheme":     func(c *scim.TargetConfig) { c.BaseURL = parse("sftp://reviews.example") },
		"plain http":       func(c *scim.TargetConfig) { c.BaseURL = parse("http://reviews.example/scim/v2") },
		"password":         func(c *scim.TargetConfig) { c.BaseURL = parse("https://u:canary@reviews.example") },
		"no token":         func(c *scim.TargetConfig) { c.Token = "" },
		"token with blank": func(c *scim.TargetConfig) { c.Token = "canary x" },
		"page size":        func(c *scim.TargetConfig) { c.PageSize = -1 },
		"key of nothing":   func(c *scim.TargetConfig) { c.CustomKeys = map[model.Name]string{"nothing": "nickName"} },
		"key of the email": func(c *scim.TargetConfig) { c.CustomKeys = map[model.Name]string{model.Email: "nickName"} },
		"taken place":      func(c *scim.TargetConfig) { c.CustomKeys = map[model.Name]string{"custom.x": "userName"} },
		"place twice": func(c *scim.TargetConfig) {
			c.CustomKeys = map[model.Name]string{"custom.x": "nickName", "custom.y": "NickName"}
		},
		"no place": func(c *scim.TargetConfig) { c.CustomKeys = map[model.Name]string{"custom.x": `emails[type eq "x"]`} },
	} {
		cfg := good
		change(&cfg)
		_, err := scim.NewTarget(cfg)
		if connectors.ClassOf(err) != connectors.Misconfigured || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
	claimed := good
	claimed.CustomKeys = map[model.Name]string{"custom.badge": "title", "custom.middle": "name.middleName"}
	target, err := scim.NewTarget(claimed)
	if err != nil {
		t.Fatal(err)
	}
	if target.Carries(model.Title) || !target.Carries("custom.badge") || !target.Carries("custom.middle") || target.Carries("custom.other") {
		t.Error("a claimed place is not carried by the attribute that claimed it")
	}
}

func TestFilterThatIsIgnoredHidesNobody(t *testing.T) {
	target, _ := openTarget(t, scimtargetsim.Options{IgnoreFilter: true, MaxCount: 1})
	for _, email := range []string{"first@halcyon-atelier.example", "second@halcyon-atelier.example"} {
		made(t, target, model.Desired{Person: "p", Active: true, Email: email})
	}
	// The answer to the filter is one page of everybody, and she is not on it.
	if a, ok, err := target.Find(t.Context(), "second@halcyon-atelier.example"); !ok || err != nil {
		t.Errorf("%+v, found %v, %v", a, ok, err)
	}
}

func TestListingThatCannotBeWholeIsAnError(t *testing.T) {
	const byIndex = `{"patch":{"supported":true},"filter":{"supported":true}}`
	const byCursor = `{"patch":{"supported":true},"pagination":{"cursor":true}}`
	for name, tc := range map[string]struct {
		config string
		pages  []string
		want   int // accounts of a whole listing, -1: an error
	}{
		"whole":                     {byIndex, []string{`{"totalResults":3,"Resources":[{"id":"1"},{"id":"2"}]}`, `{"totalResults":3,"Resources":[{"id":"3"}]}`}, 3},
		"one more on the way":       {byIndex, []string{`{"totalResults":3,"Resources":[{"id":"1"},{"id":"2"}]}`, `{"totalResults":4,"Resources":[{"id":"3"},{"id":"4"}]}`}, 4},
		"one fewer on the way":      {byIndex, []string{`{"totalResults":4,"Resources":[{"id":"1"},{"id":"2"}]}`, `{"totalResults":3,"Resources":[{"id":"4"}]}`}, -1},
		"ends early":                {byIndex, []string{`{"totalResults":3,"Resources":[{"id":"1"},{"id":"2"}]}`, `{"totalResults":3,"Resources":[]}`}, -1},
		"moved by an insertion":     {byIndex, []string{`{"totalResults":3,"Resources":[{"id":"1"},{"id":"2"}]}`, `{"totalResults":4,"Resources":[{"id":"3"},{"id":"2"}]}`}, -1},
		"no total":                  {byIndex, []string{`{"Resources":[{"id":"1"}]}`, `{"Resources":[]}`}, 1},
		"no total, one twice":       {byIndex, []string{`{"Resources":[{"id":"1"},{"id":"2"}]}`, `{"Resources":[{"id":"3"},{"id":"1"}]}`, `{"Resources":[]}`}, -1},
		"a group among them":        {byIndex, []string{`{"totalResults":1,"Resources":[{"id":"1","schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"]}]}`}, -1},
		"cursors":                   {byCursor, []string{`{"Resources":[{"id":"1"}],"nextCursor":"a"}`, `{"Resources":[],"nextCursor":"b"}`, `{"Resources":[{"id":"2"}]}`}, 2},
		"cursor that leads back":    {byCursor, []string{`{"Resources":[{"id":"1"}],"nextCursor":"a"}`, `{"Resources":[{"id":"2"}],"nextCursor":"b"}`, `{"Resources":[{"id":"3"}],"nextCursor":"a"}`, `{"Resources":[{"id":"4"}]}`}, -1},
		"cursors, and fewer listed": {byCursor, []string{`{"totalResults":3,"Resources":[{"id":"1"}],"nextCursor":"a"}`, `{"totalResults":3,"Resources":[{"id":"2"}]}`}, -1},
	} {
		t.Run(name, func(t *testing.T) {
			answers := append([]string{tc.config}, tc.pages...)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/scim+json")
				if len(answers) == 0 {
					w.WriteHeader(http.StatusTeapot)
					return
				}
				w.Write([]byte(answers[0]))
				answers = answers[1:]
			}))
			defer server.Close()
			base, _ := url.Parse(server.URL)
			target, err := scim.NewTarget(scim.TargetConfig{BaseURL: base, Token: targetCanary, PageSize: 2})
			if err != nil {
				t.Fatal(err)
			}
			got := 0
			for page, pageErr := range target.List(t.Context()) {
				got += len(page.Accounts)
				err = pageErr
			}
			switch {
			case tc.want < 0 && connectors.ClassOf(err) != connectors.Transient:
				t.Errorf("%d accounts, and the error %v", got, err)
			case tc.want >= 0 && (err != nil || got != tc.want):
				t.Errorf("%d accounts, want %d: %v", got, tc.want, err)
			}
		})
	}
}
