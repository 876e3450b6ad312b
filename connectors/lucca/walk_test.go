package lucca

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/appliance/model"
	"rollcall/connectors"
)

// answers is a tenant of the new API of which a test writes single answers; the
// rest is empty.
type answers map[string]string

func (a answers) source(t testing.TB) connectors.Source {
	t.Helper()
	src, err := New(Config{
		Account: "acme", API: Latest, ClientID: "some-client", ClientSecret: "some-secret", PageSize: 2,
		Now: func() time.Time { return time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC) },
		HTTP: &http.Client{Transport: roundTrip(func(r *http.Request) *http.Response {
			w := httptest.NewRecorder()
			w.Header().Set("Content-Type", "application/json")
			resource := strings.TrimPrefix(r.URL.Path, "/lucca-api/")
			key := resource
			if page := r.URL.Query().Get("page"); page != "" {
				key += " " + page
			}
			switch body, ok := a[key]; {
			case r.URL.Path == "/connect/token":
				w.WriteString(`{"access_token":"t-o-k-e-n","token_type":"bearer","expires_in":1800}`)
			case ok:
				w.WriteString(body)
			default:
				fmt.Fprintf(w, `{"type":%q,"items":[],"links":{"next":null}}`, resource)
			}
			return w.Result()
		})},
	})
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// nextPage is the links of a page that is not the last.
func nextPage(resource, token string) string {
	return `"links":{"next":{"href":"https://acme.ilucca.net/lucca-api/` + resource + `?page=` + url.QueryEscape(token) + `"}}`
}

func TestPagesThatLeadInACircleEndInAnError(t *testing.T) {
	for name, a := range map[string]answers{
		"empty pages of people": {
			"employees": `{"items":[],` + nextPage("employees", "a") + `}`, "employees a": `{"items":[],` + nextPage("employees", "b") + `}`,
			"employees b": `{"items":[],` + nextPage("employees", "a") + `}`,
		},
		"pages of departments": {
			"employees":   `{"items":[{"id":"1","status":"active"}],"links":{"next":null}}`,
			"departments": `{"items":[],` + nextPage("departments", "a") + `}`, "departments a": `{"items":[],` + nextPage("departments", "a") + `}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := collect(t, a.source(t))
			if connectors.ClassOf(err) != connectors.Transient || !strings.Contains(err.Error(), "leads back") {
				t.Errorf("%v, want a transient error", err)
			}
		})
	}
}

func TestStatusThatNobodyHasRefusesTheRead(t *testing.T) {
	a := answers{
		"employees":   `{"items":[{"id":"1","status":"active"},{"id":"2","status":"active"}],` + nextPage("employees", "a") + `}`,
		"employees a": `{"items":[{"id":"3"},{"id":"4","status":null}],"links":{"next":null}}`,
	}
	people, err := collect(t, a.source(t))
	if err != nil || len(people) != 4 || people[2].Status != model.Unknown || people[3].Status != model.Unknown {
		t.Fatalf("some have a status: %d people, %v", len(people), err)
	}
	for page, err := range a.source(t).Read(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		// Those before the cursor had one: the rest alone proves nothing.
		for _, err := range a.source(t).Read(t.Context(), page.Next) {
			if err != nil {
				t.Errorf("resumed: %v", err)
			}
		}
		break
	}
	a["employees"] = strings.ReplaceAll(a["employees"], `"status"`, `"state"`)
	_, err = collect(t, a.source(t))
	if connectors.ClassOf(err) != connectors.Denied || !strings.Contains(err.Error(), scopeEmployees) {
		t.Errorf("nobody has a status: %v, want denied", err)
	}
}

func TestOtherStatusWordsStayUnknown(t *testing.T) {
	a := answers{"employees": `{"items":[{"id":"1","status":"sabbatical"},{"id":"2","status":"ACTIVE"}],"links":{"next":null}}`}
	people, err := collect(t, a.source(t))
	if err != nil || people[0].Status != model.Unknown || people[0].RawStatus != "sabbatical" || people[1].Status != model.Active {
		t.Errorf("%+v, %v", people, err)
	}
}

func TestFirstHiredIsTheEarliestStartWhateverTheOrder(t *testing.T) {
	for _, order := range []string{"2019-09-02 2026-02-02", "2026-02-02 2019-09-02"} {
		var items []string
		for i, start := range strings.Fields(order) {
			items = append(items, fmt.Sprintf(`{"id":"%d","employee":{"id":"1"},"start":{"date":%q},"end":null}`, i, start))
		}
		a := answers{
			"employees":   `{"items":[{"id":"1","status":"active"}],"links":{"next":null}}`,
			"employments": `{"items":[` + strings.Join(items, ",") + `,{"id":"9","employee":{"id":"1"},"start":null}],"links":{"next":null}}`,
		}
		people, err := collect(t, a.source(t))
		if err != nil || people[0].Attributes.Text(model.FirstHiredOn) != "2019-09-02" {
			t.Errorf("%s: %+v, %v", order, people, err)
		}
	}
}

func TestSkipValuesCountOnlyWhileTheyApply(t *testing.T) {
	for applicability, want := range map[string]model.ScopeState{
		`null`: model.OutOfScope, `{"start":null,"end":null}`: model.OutOfScope,
		`{"start":"2026-11-22","end":"2026-11-22"}`: model.OutOfScope, `{"start":{"date":"2026-01-01"},"end":null}`: model.OutOfScope,
		`{"start":"2026-11-23","end":null}`: model.InScope, `{"start":null,"end":"2026-11-21"}`: model.InScope, `{"start":null,"end":{"date":"2026-11-21"}}`: model.InScope,
	} {
		a := answers{
			"employees": `{"items":[{"id":"1","status":"active"}],"links":{"next":null}}`,
			"employee-attributes": `{"items":[{"employee":{"id":"1"},"definition":{"id":"e_skip_elevo_sync"},"applicability":` + applicability + `,"value":true},
				{"employee":{"id":"1"},"definition":{"id":"e_other"},"applicability":null,"value":"maybe"}],"links":{"next":null}}`,
		}
		people, err := collect(t, a.source(t))
		if err != nil || people[0].Scope.State != want {
			t.Errorf("%s: %+v, %v, want %q", applicability, people, err, want)
		}
	}
}

func TestAResumedReadOfV3KnowsWhatThePagesBeforeItTold(t *testing.T) {
	f := newFixtures(t, "v3")
	var rows []object
	for _, name := range []string{"01-users-page1.200.json", "02-users-page2.200.json"} {
		rows = append(rows, f.objects(name)...)
	}
	var from connectors.Cursor
	for page, err := range paged(t, rows, 9).Read(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		from = page.Next
		break
	}
	// From here on neither contracts nor extension fields are told.
	for i, o := range rows {
		raw, err := json.Marshal(without(o, "", func(name string) bool { return strings.HasPrefix(name, "dtContract") || name == "extendedData" }))
		if err != nil {
			t.Fatal(err)
		}
		rows[i] = decoded(t, string(bytes.TrimSpace(raw))).(map[string]any)
	}
	for page, err := range paged(t, rows, 9).Read(t.Context(), from) {
		if err != nil {
			t.Fatalf("resumed: %v", err)
		}
		if len(page.Notices) > 0 {
			t.Errorf("notices %q", page.Notices)
		}
	}
	if _, err := collect(t, paged(t, rows, 9)); connectors.ClassOf(err) != connectors.Denied {
		t.Errorf("from the start: %v, want denied", err)
	}
}
