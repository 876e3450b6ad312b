package adpsim_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/connectors/adp/adpsim"
	"rollcall/connectors/cast"
)

func today() time.Time { return time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC) }

// client talks to a simulator in this process.
type client struct {
	t     *testing.T
	sim   *adpsim.Sim
	token string
}

func connect(t *testing.T, sim *adpsim.Sim) *client {
	t.Helper()
	c := &client{t: t, sim: sim}
	status, body, _ := c.send(tokenRequest(adpsim.DefaultClientSecret))
	if status != http.StatusOK {
		t.Fatalf("token: %d %v", status, body)
	}
	c.token, _ = body["access_token"].(string)
	return c
}

func tokenRequest(secret string) *http.Request {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {adpsim.DefaultClientID}, "client_secret": {secret}}
	r := httptest.NewRequest(http.MethodPost, adpsim.TokenPath, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func (c *client) send(r *http.Request) (status int, body map[string]any, header http.Header) {
	c.t.Helper()
	w := httptest.NewRecorder()
	c.sim.ServeHTTP(w, r)
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
			c.t.Fatalf("%s: %v", r.URL, err)
		}
	}
	return w.Code, body, w.Header()
}

func (c *client) do(method, target string, header ...string) (int, map[string]any, http.Header) {
	c.t.Helper()
	r := httptest.NewRequest(method, target, nil)
	r.Header.Set("Authorization", "Bearer "+c.token)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return c.send(r)
}

// ids lists the workers of an answer.
func ids(body map[string]any) []string {
	var out []string
	list, _ := body["workers"].([]any)
	for _, w := range list {
		worker, _ := w.(map[string]any)
		out = append(out, fmt.Sprint(worker["associateOID"]))
	}
	return out
}

func sim(n int, opts adpsim.Options) *adpsim.Sim {
	opts.PlainHTTP, opts.Now = true, today
	return adpsim.New(cast.Company(n, 5), opts)
}

// paths lists every member path of a value, "[]" for elements.
func paths(v any, at string, into map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for k, one := range v {
			into[at+"."+k] = true
			paths(one, at+"."+k, into)
		}
	case []any:
		for _, one := range v {
			paths(one, at+"[]", into)
		}
	}
}

func fixture(t *testing.T, name string) map[string]any {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var body map[string]any
	if err := json.Unmarshal(raw, &body); err != nil {
		t.Fatal(err)
	}
	return body
}

// lacking lists the paths of a that b does not have, apart from those allowed.
func lacking(a, b any, allowed ...string) []string {
	in, have := map[string]bool{}, map[string]bool{}
	paths(a, "", in)
	paths(b, "", have)
	var out []string
	for p := range in {
		excused := slices.ContainsFunc(allowed, func(s string) bool { return strings.Contains(p, s) })
		if !have[p] && !excused {
			out = append(out, p)
		}
	}
	sort.Strings(out)
	return out
}

func TestAnswersHaveTheShapeOfTheRecordedOnes(t *testing.T) {
	s := sim(12, adpsim.Options{Rate: 7})
	c := connect(t, s)
	s.Post("worker.hire", 1)
	s.Post("worker.terminate", 2)
	_, token, _ := c.send(tokenRequest(adpsim.DefaultClientSecret))
	_, badClient, _ := c.send(tokenRequest("wrong"))
	_, one, _ := c.do(http.MethodGet, adpsim.WorkersPath+"/"+s.OID(1))
	_, unknown, _ := c.do(http.MethodGet, adpsim.WorkersPath+"/G3HALC0000009999")
	status, compound, _ := c.do(http.MethodGet, adpsim.WorkersPath+"?$filter="+url.QueryEscape("workers/person/legalName/givenName eq 'Zoë' and workers/person/legalName/familyName1 eq 'van der Berg'"))
	if status != http.StatusInternalServerError {
		t.Errorf("a compound filter gets %d, want 500", status)
	}
	_, hire, header := c.do(http.MethodGet, "/core/v1/event-notification-messages")
	c.do(http.MethodDelete, "/core/v1/event-notification-messages/"+header.Get("ADP-MSG-MSGID"))
	_, terminate, _ := c.do(http.MethodGet, "/core/v1/event-notification-messages")
	s.Consent(false)
	_, noConsent, _ := c.do(http.MethodGet, adpsim.WorkersPath)
	s.Consent(true)
	var throttled map[string]any
	for range 8 {
		if status, body, _ := c.do(http.MethodGet, adpsim.WorkersPath); status == http.StatusTooManyRequests {
			throttled = body
		}
	}
	strict := connectWithoutCertificate(t)
	for _, tc := range []struct {
		file string
		got  map[string]any
	}{
		{"01-token.200.json", token}, {"02-token-bad-client.401.json", badClient}, {"03-no-client-certificate.401.json", strict},
		{"08-worker.200.json", one}, {"09-worker-unknown.403.json", unknown}, {"10-no-consent.403.json", noConsent},
		{"11-rate-limited.429.json", throttled}, {"12-compound-filter.500.json", compound},
		{"15-event-hire.200.json", hire}, {"16-event-terminate.200.json", terminate},
	} {
		want := fixture(t, tc.file)
		// The time of an error is of no use to a client; events differ in what they put out.
		if d := lacking(want, tc.got, "DateTime", ".output.worker.", ".workAssignment", "originator", "assignmentStatus.statusCode.longName", "genderCode.longName"); len(d) > 0 {
			t.Errorf("%s: not in the simulator's answer: %q", tc.file, d)
		}
		if d := lacking(tc.got, want, "governmentIDs", "baseRemuneration", ".person.communication", "mobiles", "landlines", "customFieldGroup", "longName"); len(d) > 0 {
			t.Errorf("%s: only in the simulator's answer: %q", tc.file, d)
		}
	}
}

func connectWithoutCertificate(t *testing.T) map[string]any {
	t.Helper()
	s := adpsim.New(nil, adpsim.Options{})
	status, body, _ := (&client{t: t, sim: s}).send(tokenRequest(adpsim.DefaultClientSecret))
	if status != http.StatusUnauthorized {
		t.Errorf("without a certificate: %d, want 401", status)
	}
	return body
}

func TestListPagesBySkipAndEndsWith204(t *testing.T) {
	s := sim(130, adpsim.Options{})
	c := connect(t, s)
	var all []string
	for _, want := range []int{100, 30} {
		// 500 is clamped to 100.
		_, body, _ := c.do(http.MethodGet, fmt.Sprintf("%s?$top=500&$skip=%d", adpsim.WorkersPath, len(all)))
		if n := len(ids(body)); n != want {
			t.Fatalf("%d workers, want %d", n, want)
		}
		all = append(all, ids(body)...)
	}
	if n := len(slices.Compact(slices.Clone(all))); n != 130 || all[0] != s.OID(0) || len(all[0]) != 16 {
		t.Errorf("%d workers, the first is %q", n, all[0])
	}
	status, _, header := c.do(http.MethodGet, adpsim.WorkersPath+"?$top=100&$skip=130")
	if status != http.StatusNoContent || header.Get("Content-Length") != "0" {
		t.Errorf("the end is %d with Content-Length %q", status, header.Get("Content-Length"))
	}
	s.IgnoreSkip(true)
	_, body, _ := c.do(http.MethodGet, adpsim.WorkersPath+"?$top=100&$skip=100")
	if d := cmp.Diff(all[:100], ids(body)); d != "" {
		t.Errorf("with $skip ignored (-first page +got):\n%s", d)
	}
	c = connect(t, sim(3, adpsim.Options{EmptyEnd: true, DefaultTop: 2}))
	if _, body, _ := c.do(http.MethodGet, adpsim.WorkersPath); len(ids(body)) != 2 {
		t.Errorf("without $top: %d workers, want 2", len(ids(body)))
	}
	if status, body, _ := c.do(http.MethodGet, adpsim.WorkersPath+"?$skip=3"); status != http.StatusOK || body["workers"] == nil {
		t.Errorf("the other end is %d %v", status, body)
	}
}

func TestOnePredicateFiltersByAssignmentStatus(t *testing.T) {
	s := sim(60, adpsim.Options{})
	want := 0
	for _, p := range cast.Company(60, 5) {
		if p.Status == "terminated" {
			want++
		}
	}
	_, body, _ := connect(t, s).do(http.MethodGet, adpsim.WorkersPath+"?$filter="+url.QueryEscape("workers/workAssignments/assignmentStatus/statusCode/codeValue eq 'T'"))
	if n := len(ids(body)); want == 0 || n != want {
		t.Errorf("%d workers, want %d", n, want)
	}
}

func TestSensitiveValuesAreMaskedUnlessAskedForAndEntitled(t *testing.T) {
	birth := func(s *adpsim.Sim, accept string) any {
		_, body, _ := connect(t, s).do(http.MethodGet, adpsim.WorkersPath, "Accept", accept)
		worker := body["workers"].([]any)[0].(map[string]any)
		return worker["person"].(map[string]any)["birthDate"]
	}
	real := cast.Company(1, 5)[0].BirthDate
	for _, tc := range []struct {
		accept string
		opts   adpsim.Options
		want   string
	}{
		{"application/json", adpsim.Options{}, "XXXX-XX-XX"},
		{"application/json;masked=false", adpsim.Options{}, real},
		{"application/json; masked=false", adpsim.Options{}, real},
		{"application/json;masked=false", adpsim.Options{MaskAlways: true}, "XXXX-XX-XX"},
	} {
		if got := birth(sim(1, tc.opts), tc.accept); got != tc.want {
			t.Errorf("%q: %v, want %v", tc.accept, got, tc.want)
		}
	}
	_, body, _ := connect(t, sim(1, adpsim.Options{})).do(http.MethodGet, "/hr/v2/worker-demographics")
	if person := body["workers"].([]any)[0].(map[string]any)["person"].(map[string]any); person["birthDate"] != nil {
		t.Errorf("demographics hold a birth date: %v", person)
	}
}

func TestAnEventThatIsNotDeletedBlocksTheQueue(t *testing.T) {
	s := sim(4, adpsim.Options{})
	c := connect(t, s)
	get := func() (int, string) {
		status, _, header := c.do(http.MethodGet, "/core/v1/event-notification-messages")
		return status, header.Get("ADP-MSG-MSGID")
	}
	if status, _ := get(); status != http.StatusNoContent {
		t.Errorf("an empty queue is %d", status)
	}
	s.Post("worker.hire", 1)
	s.Post("worker.terminate", 2)
	_, first := get()
	if _, again := get(); first == "" || again != first {
		t.Errorf("the head changes from %q to %q without being deleted", first, again)
	}
	if status, _, _ := c.do(http.MethodDelete, "/core/v1/event-notification-messages/6dd3f0a2_sim_2"); status != http.StatusNotFound {
		t.Errorf("deleting behind the head is %d", status)
	}
	c.do(http.MethodDelete, "/core/v1/event-notification-messages/"+first)
	if _, second := get(); second == first || second == "" {
		t.Errorf("after deleting %q comes %q", first, second)
	}
}

func TestTokensEndAndAreChecked(t *testing.T) {
	now := today()
	s := adpsim.New(cast.Company(2, 5), adpsim.Options{PlainHTTP: true, TokenLife: time.Minute, Now: func() time.Time { return now }})
	c := connect(t, s)
	for _, step := range []struct {
		after time.Duration
		want  int
	}{{0, 200}, {59 * time.Second, 200}, {time.Second, 401}} {
		now = now.Add(step.after)
		if status, _, _ := c.do(http.MethodGet, adpsim.WorkersPath); status != step.want {
			t.Errorf("%v later: %d, want %d", step.after, status, step.want)
		}
	}
	r := httptest.NewRequest(http.MethodPost, adpsim.TokenPath, strings.NewReader("grant_type=client_credentials"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(adpsim.DefaultClientID, adpsim.DefaultClientSecret)
	if status, _, _ := c.send(r); status != http.StatusOK {
		t.Errorf("credentials as Basic: %d", status)
	}
}

func TestFaultsStrikeWhereTheyWereAimed(t *testing.T) {
	s := sim(2, adpsim.Options{})
	c := connect(t, s)
	s.Inject(adpsim.Fault{Kind: adpsim.Status, Status: 503, Path: adpsim.WorkersPath, Skip: 1, Times: 1})
	var got []int
	for range 3 {
		status, _, _ := c.do(http.MethodGet, adpsim.WorkersPath)
		got = append(got, status)
	}
	if !slices.Equal(got, []int{200, 503, 200}) {
		t.Errorf("got %v", got)
	}
}

func TestHazardsLookLikeTheRecordedOnes(t *testing.T) {
	s := sim(12, adpsim.Options{})
	s.Afflict(1, adpsim.EndedAssignmentFirst, adpsim.EmptyEmailFirst)
	s.Afflict(2, adpsim.NoBusinessCommunication, adpsim.NoAssignment)
	s.Afflict(3, adpsim.ManagerOutOfScope)
	_, body, _ := connect(t, s).do(http.MethodGet, adpsim.WorkersPath)
	at := func(i int) map[string]any { return body["workers"].([]any)[i].(map[string]any) }
	assignments := at(1)["workAssignments"].([]any)
	first := assignments[0].(map[string]any)
	if len(assignments) != 2 || first["primaryIndicator"] != false || first["terminationDate"] == nil {
		t.Errorf("assignments: %v", assignments)
	}
	if e := at(1)["businessCommunication"].(map[string]any)["emails"].([]any); len(e) != 2 || e[0].(map[string]any)["emailUri"] != "" {
		t.Errorf("emails: %v", e)
	}
	if w := at(2); w["businessCommunication"] != nil || len(w["workAssignments"].([]any)) != 0 {
		t.Errorf("worker 2: %v", w)
	}
	to := at(3)["workAssignments"].([]any)[0].(map[string]any)["reportsTo"].([]any)[0].(map[string]any)
	if status, _, _ := connect(t, s).do(http.MethodGet, fmt.Sprintf("%s/%v", adpsim.WorkersPath, to["associateOID"])); status != http.StatusForbidden {
		t.Errorf("the manager out of scope answers %d, want 403", status)
	}
}
