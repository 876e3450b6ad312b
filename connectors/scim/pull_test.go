package scim_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/cast"
	"rollcall/connectors/connectortest"
	"rollcall/connectors/scim"
	"rollcall/connectors/scim/scimsim"
)

// polled sends requests to a handler without a network.
type polled struct{ http.Handler }

func (p polled) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r.Clone(r.Context()))
	return w.Result(), r.Context().Err()
}

// puller makes a source that reads h, five users to a page.
func puller(t testing.TB, h http.Handler, change func(*scim.PullConfig)) *scim.PullSource {
	t.Helper()
	cfg := scim.PullConfig{
		BaseURL: &url.URL{Scheme: "https", Host: "idm.example", Path: "/scim/v2"}, Token: scimsim.DefaultToken,
		HTTP: &http.Client{Transport: polled{h}}, PageSize: 5,
	}
	if change != nil {
		change(&cfg)
	}
	src, err := scim.NewSource(cfg)
	if err != nil {
		t.Fatalf("NewSource: %v", err)
	}
	return src
}

func pull(ctx context.Context, src connectors.Source, from connectors.Cursor) (people []model.Observation, pages []connectors.Page, err error) {
	for page, err := range src.Read(ctx, from) {
		if err != nil {
			return people, pages, err
		}
		pages = append(pages, page)
		if len(pages) > 1000 {
			return nil, pages, errors.New("the read does not end")
		}
		people = append(people, page.People...)
	}
	return people, pages, nil
}

func mustPull(t testing.TB, src connectors.Source) []model.Observation {
	t.Helper()
	people, pages, err := pull(t.Context(), src, "")
	if err != nil || len(pages) == 0 || !pages[len(pages)-1].Last {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	return people
}

func TestPullKeepsThePromisesOfASource(t *testing.T) {
	for name, opts := range map[string]scimsim.Options{
		"by index, fewer than asked": {Largest: 7, Style: scimsim.NoEmptyList},
		"by cursor, no totals":       {Cursors: true, Style: scimsim.WithoutTotals},
		"many liberties":             {Style: scimsim.TextBooleans | scimsim.NoSchemas | scimsim.FlatExtensions | scimsim.BareManager | scimsim.UntypedEmails | scimsim.WeakMeta | scimsim.TextCounts | scimsim.OtherCase},
	} {
		t.Run(name, func(t *testing.T) {
			connectortest.RunSource(t, connectortest.SourceSuite{
				People: 40,
				Open: func(_ testing.TB, people []cast.Person) connectortest.SourceService {
					opts := opts
					opts.Token = "canary-bearer-5f77aa"
					return connectortest.SourceService{
						Handler: scimsim.New(people, opts),
						Secrets: []string{opts.Token},
						New: func(base *url.URL, client *http.Client) (connectors.Source, error) {
							return scim.NewSource(scim.PullConfig{BaseURL: base.JoinPath("scim/v2"), Token: opts.Token, HTTP: client, PageSize: 15})
						},
					}
				},
			})
		})
	}
}

func TestPulledUsersAreTheSameInEveryStyle(t *testing.T) {
	company := cast.Company(20, 4)
	plain := mustPull(t, puller(t, scimsim.New(company, scimsim.Options{}), nil))
	for name, style := range map[string]scimsim.Style{
		"booleans as texts": scimsim.TextBooleans, "no schemas": scimsim.NoSchemas, "flat extensions": scimsim.FlatExtensions,
		"bare manager": scimsim.BareManager, "untyped emails": scimsim.UntypedEmails, "weak meta": scimsim.WeakMeta,
		"counts as texts": scimsim.TextCounts, "other letter case": scimsim.OtherCase,
	} {
		t.Run(name, func(t *testing.T) {
			got := mustPull(t, puller(t, scimsim.New(company, scimsim.Options{Style: style}), nil))
			for i := range plain {
				if d := cmp.Diff(plain[i].Attributes, got[i].Attributes); d != "" {
					t.Errorf("attributes (-plain +styled):\n%s", d)
				}
				if plain[i].Status != got[i].Status || plain[i].Native != got[i].Native {
					t.Errorf("%s is %q, want %q", got[i].Native, got[i].Status, plain[i].Status)
				}
			}
		})
	}
}

func TestPulledUserIsMappedAndKeptWhole(t *testing.T) {
	company := cast.Company(12, 4)
	sim := scimsim.New(company, scimsim.Options{})
	people := mustPull(t, puller(t, sim, nil))
	o, p := people[9], company[9]
	if o.Native != sim.ID(9) || o.Attributes.Text(model.EmployeeNumber) != p.EmployeeNumber || o.Attributes.Text(model.Email) != p.Email {
		t.Errorf("native %q, %+v", o.Native, o.Attributes)
	}
	if d := cmp.Diff([]model.Reference{{By: model.RefAny, Value: sim.ID(p.Manager)}}, o.Attributes[model.Manager].Refs); d != "" {
		t.Errorf("manager (-want +got):\n%s", d)
	}
	want := []model.Reference{{By: model.RefUserName, Value: strings.ToUpper(p.Email[:1]) + p.Email[1:]}, {By: model.RefExternalID, Value: "emp-" + p.EmployeeNumber}}
	if d := cmp.Diff(want, o.Names); d != "" {
		t.Errorf("names (-want +got):\n%s", d)
	}
	var doc map[string]any
	if err := json.Unmarshal(o.Document, &doc); err != nil || doc["meta"] != nil || doc["userName"] == nil {
		t.Errorf("document: %v %s", err, o.Document)
	}
}

func TestPullLeavesMetaAndPasswordOutOfTheDocument(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/scim+json")
		w.Write([]byte(`{"totalResults":1,"Resources":[{"id":"1","userName":"a@x.example","Meta":{"version":"W/\"2\""},"PASSWORD":"hunter2","n":9007199254740993}]}`))
	})
	people := mustPull(t, puller(t, h, nil))
	if got, want := string(people[0].Document), `{"id":"1","n":9007199254740993,"userName":"a@x.example"}`; got != want {
		t.Errorf("document %s, want %s", got, want)
	}
}

func TestPullNoticesWhatMovesDuringARead(t *testing.T) {
	stranger := cast.Company(60, 4)[59]
	for _, tc := range []struct {
		name   string
		change func(c *scimsim.Control)
		phrase string
	}{
		{"somebody is added", func(c *scimsim.Control) { c.Add(stranger) }, "totalResults was 23 and is now 24"},
		{"somebody is removed", func(c *scimsim.Control) { c.Remove(1) }, "totalResults was 23 and is now 22"},
		{"one comes and one goes", func(c *scimsim.Control) { c.Remove(1); c.Add(stranger); c.Reverse() }, "twice"},
		{"startIndex is ignored", func(c *scimsim.Control) { c.IgnoreStartIndex(true) }, "ignores startIndex"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sim := scimsim.New(cast.Company(23, 4), scimsim.Options{})
			sim.BetweenPages(tc.change)
			_, pages, err := pull(t.Context(), puller(t, sim, nil), "")
			if connectors.ClassOf(err) != connectors.Transient || !strings.Contains(err.Error(), tc.phrase) {
				t.Errorf("after %d pages: %v", len(pages), err)
			}
			sim.Change(func(c *scimsim.Control) { c.IgnoreStartIndex(false) })
			mustPull(t, puller(t, sim, nil))
		})
	}
}

func TestPullNoticesAnIgnoredStartIndexAfterAResumptionToo(t *testing.T) {
	sim := scimsim.New(cast.Company(23, 4), scimsim.Options{})
	_, pages, err := pull(t.Context(), puller(t, sim, nil), "")
	if err != nil {
		t.Fatal(err)
	}
	sim.Change(func(c *scimsim.Control) { c.IgnoreStartIndex(true) })
	people, _, err := pull(t.Context(), puller(t, sim, nil), pages[0].Next)
	if connectors.ClassOf(err) != connectors.Transient || len(people) > 0 {
		t.Errorf("%d people, then %v", len(people), err)
	}
}

func TestPullByCursorIsNotDisturbedByWhoComes(t *testing.T) {
	sim := scimsim.New(cast.Company(23, 4), scimsim.Options{Cursors: true, Style: scimsim.WithoutTotals})
	sim.BetweenPages(func(c *scimsim.Control) { c.Remove(1) })
	if people := mustPull(t, puller(t, sim, nil)); len(people) != 23 {
		t.Errorf("%d users, want the 23 that were there when their page was read", len(people))
	}
}

func TestPullTakesAForgottenCursorForAReadToRepeat(t *testing.T) {
	sim := scimsim.New(cast.Company(23, 4), scimsim.Options{Cursors: true})
	sim.BetweenPages(func(c *scimsim.Control) { c.ForgetCursors() })
	_, _, err := pull(t.Context(), puller(t, sim, nil), "")
	if connectors.ClassOf(err) != connectors.Transient || !strings.Contains(err.Error(), "expiredCursor") {
		t.Errorf("got %v", err)
	}
}

func TestPullEndsWithAnEmptyPageWhereNoTotalIsTold(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Query().Get("startIndex") {
		case "":
			w.Write([]byte(`{"Resources":[{"id":"1"},{"id":"2"}]}`))
		case "3":
			w.Write([]byte(`{"Resources":[{"id":"3"}]}`))
		case "4":
			w.Write([]byte(`{"Resources":[]}`))
		default:
			t.Errorf("unexpected request %s", r.URL)
		}
	})
	if people := mustPull(t, puller(t, h, nil)); len(people) != 3 {
		t.Errorf("%d users, want 3", len(people))
	}
}

func TestPullRefusesListsThatDoNotAgreeWithThemselves(t *testing.T) {
	for name, tc := range map[string]struct{ body, phrase string }{
		"fewer than promised":      {`{"totalResults":3,"Resources":[]}`, "totalResults is 3, and 0 users were listed"},
		"more than promised":       {`{"totalResults":1,"Resources":[{"id":"1"},{"id":"2"}]}`, "totalResults is 1, and 2 users were listed"},
		"somebody twice":           {`{"totalResults":2,"Resources":[{"id":"1"},{"id":"1"}]}`, "twice"},
		"no id":                    {`{"totalResults":1,"Resources":[{"userName":"x"}]}`, "without an id"},
		"a group":                  {`{"totalResults":1,"Resources":[{"id":"1","schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"]}]}`, "not a user"},
		"a count that is none":     {`{"totalResults":"many","Resources":[]}`, "totalResults is not a count"},
		"a cursor that leads back": {`{"Resources":[],"nextCursor":"c1"}`, "a cursor leads back"},
	} {
		t.Run(name, func(t *testing.T) {
			requests := 0
			h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				requests++
				w.Header().Set("Content-Type", "application/scim+json")
				w.Write([]byte(tc.body))
			})
			_, _, err := pull(t.Context(), puller(t, h, nil), "")
			if connectors.ClassOf(err) != connectors.Transient || !strings.Contains(err.Error(), tc.phrase) || requests > 3 {
				t.Errorf("after %d requests: %v", requests, err)
			}
		})
	}
}

func TestPullSendsTheTokenToItsOwnHostOnly(t *testing.T) {
	leaked := make(chan string, 10)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leaked <- r.Header.Get("Authorization")
	}))
	defer elsewhere.Close()
	sim := scimsim.New(cast.Company(23, 4), scimsim.Options{})
	server := httptest.NewServer(sim)
	defer server.Close()
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	sim.Inject(scimsim.Fault{Kind: scimsim.Redirect, Location: elsewhere.URL + "/scim/v2/Users", Path: "/Users"})
	src := puller(t, sim, func(c *scim.PullConfig) { c.BaseURL, c.HTTP = base.JoinPath("scim/v2/Users/"), server.Client() })
	_, _, err = pull(t.Context(), src, "")
	if connectors.ClassOf(err) != connectors.Misconfigured || !strings.Contains(err.Error(), "redirects to") {
		t.Errorf("got %v", err)
	}
	if len(leaked) > 0 {
		t.Errorf("another host was asked, with %q", <-leaked)
	}
	sim.Heal()
	if people := mustPull(t, src); len(people) != 23 {
		t.Errorf("%d users below the pasted address, want 23", len(people))
	}
}

func TestPullRefusalsSayWhatToDo(t *testing.T) {
	for _, tc := range []struct {
		status int
		class  connectors.Class
		phrase string
	}{
		{401, connectors.Denied, "Check token"}, {403, connectors.Denied, "Allow the token"}, {404, connectors.Misconfigured, "Check base_url"},
		{429, connectors.Throttled, "429"}, {500, connectors.Transient, "500"},
	} {
		sim := scimsim.New(cast.Company(3, 4), scimsim.Options{})
		sim.Inject(scimsim.Fault{Kind: scimsim.Status, Status: tc.status})
		src := puller(t, sim, nil)
		_, _, err := pull(t.Context(), src, "")
		_, checked := src.Check(t.Context())
		for _, err := range []error{err, checked} {
			if connectors.ClassOf(err) != tc.class || !strings.Contains(err.Error(), tc.phrase) {
				t.Errorf("%d: class %v: %v", tc.status, connectors.ClassOf(err), err)
			}
		}
	}
}

func TestPullConfigurationIsRefusedWithTheKeyInTheText(t *testing.T) {
	for _, tc := range []struct {
		name, base, token string
		page              int
		phrase            string
	}{
		{"no host", "scim/v2", "t", 0, "base_url"}, {"plain http", "http://idm.example/scim", "t", 0, "base_url"},
		{"user name", "https://u:p@idm.example", "t", 0, "base_url"}, {"a query", "https://idm.example/scim?x=1", "t", 0, "query"},
		{"no token", "https://idm.example", " ", 0, "token"}, {"a token of two lines", "https://idm.example", "a\nb", 0, "token"},
		{"page size", "https://idm.example", "t", 1001, "page size"},
	} {
		base, err := url.Parse(tc.base)
		if err != nil {
			t.Fatal(err)
		}
		_, err = scim.NewSource(scim.PullConfig{BaseURL: base, Token: tc.token, PageSize: tc.page})
		if connectors.ClassOf(err) != connectors.Misconfigured || !strings.Contains(err.Error(), tc.phrase) {
			t.Errorf("%s: got %v", tc.name, err)
		}
	}
	if _, err := scim.NewSource(scim.PullConfig{Token: "t"}); connectors.ClassOf(err) != connectors.Misconfigured {
		t.Errorf("no address: got %v", err)
	}
}

func TestPullCheckTellsWhatNobodyHas(t *testing.T) {
	report, err := puller(t, scimsim.New(cast.Company(23, 4), scimsim.Options{}), nil).Check(t.Context())
	if err != nil || len(report.Missing) > 0 || report.People != 23 || report.Sample == nil || report.Reached != "SCIM server idm.example" {
		t.Errorf("%v, %+v", err, report)
	}
	if len(report.Notices) != 1 || !strings.Contains(report.Notices[0], "pages by index") {
		t.Errorf("notices %q", report.Notices)
	}
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/scim+json")
		w.Write([]byte(`{"totalResults":1,"Resources":[{"id":"1","userName":"jdoe","name":{"familyName":"Doe"}}],"nextCursor":"x"}`))
	})
	report, err = puller(t, h, nil).Check(t.Context())
	var missing []string
	for _, m := range report.Missing {
		missing = append(missing, m.Field)
	}
	if err != nil || !slices.Equal(missing, []string{"emails", "name.givenName", "active"}) {
		t.Errorf("%v, missing %q", err, missing)
	}
	told := strings.Join(report.Notices, "\n")
	if !strings.Contains(told, "employee_number, manager, title, department") || !strings.Contains(told, "pages by cursors") {
		t.Errorf("notices %q", report.Notices)
	}
	report, err = puller(t, scimsim.New(nil, scimsim.Options{}), nil).Check(t.Context())
	if err != nil || len(report.Notices) != 1 || report.Sample != nil {
		t.Errorf("an empty server: %v, %+v", err, report)
	}
}

// FuzzPulledPage: whatever a server answers, a read ends, and what it yields is
// well formed.
func FuzzPulledPage(f *testing.F) {
	for _, seed := range []string{
		`{"totalResults":2,"Resources":[{"id":"1"},{"id":"2","emails":[{}],"active":"False","manager":["x"]}]}`,
		`{"totalResults":0}`, `{"Resources":[{"id":7}],"nextCursor":"a"}`, `{"Resources":null,"totalResults":"1"}`, `[]`, `{"resources":[{"ID":"x","Meta":1}]}`,
		`{"totalResults":1,"Resources":[{"id":"1","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.manager":{"value":"2"}}]}`,
	} {
		f.Add(seed, `{"Resources":[]}`)
	}
	f.Fuzz(func(t *testing.T, first, later string) {
		n := 0
		h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			body := later
			if n++; n == 1 {
				body = first
			}
			w.Header().Set("Content-Type", "application/scim+json")
			w.Write([]byte(body))
		})
		people, pages, err := pull(t.Context(), puller(t, h, nil), "")
		if n > 10 {
			t.Fatalf("%d requests", n)
		}
		if err == nil && !pages[len(pages)-1].Last {
			t.Error("the read ends without an error and without a last page")
		}
		for _, o := range people {
			if o.Native == "" || !json.Valid(o.Document) {
				t.Errorf("native %q, document %s", o.Native, o.Document)
			}
			for name, v := range o.Attributes {
				if v.Null == (v.Text != "" || len(v.Refs) > 0) || o.Fields[name] == "" {
					t.Errorf("%s is %+v from %q", name, v, o.Fields[name])
				}
			}
		}
	})
}
