package appliance_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"rollcall/appliance/admin"
	"rollcall/connectors/cast"
	"rollcall/connectors/javelo/javelosim"
	"rollcall/connectors/scim/scimtargetsim"
)

// received remembers the writes that reach a service.
type received struct {
	mu     sync.Mutex
	writes []string
}

// recording puts a recorder before the world's Javelo.
func (w *world) recording() *received {
	r := &received{}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			w.t.Error(err)
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		if req.Method != http.MethodGet {
			r.mu.Lock()
			r.writes = append(r.writes, req.Method+" "+req.RequestURI+" "+string(body))
			r.mu.Unlock()
		}
		w.javelo.ServeHTTP(rw, req)
	}))
	w.t.Cleanup(server.Close)
	head, tail, _ := strings.Cut(w.text, "[targets.javelo]")
	_, after, _ := strings.Cut(tail, "/scim/v2")
	w.text = head + "[targets.javelo]\nkind = \"javelo\"\nbase_url = \"" + server.URL + "/scim/v2" + after
	return r
}

// take returns the writes since the last time, sorted.
func (r *received) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.writes
	r.writes = nil
	slices.Sort(out)
	return out
}

func (r *received) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.writes)
}

func shownRequests(t *testing.T, p admin.Plan) (out []string) {
	t.Helper()
	add := func(list []admin.PlannedRequest) {
		for _, r := range list {
			var compact bytes.Buffer
			if err := json.Compact(&compact, r.Body); err != nil {
				t.Errorf("%+v: %v", r, err)
			}
			out = append(out, r.Method+" "+r.Path+" "+compact.String())
		}
	}
	for _, ch := range p.Changes {
		if ch.State != "held" { // those are sent once somebody approves them
			add(ch.Requests)
		}
	}
	for _, g := range p.Groups {
		add(g.Requests)
	}
	slices.Sort(out)
	return out
}

// answered previews an answer, gives it, and checks that what was shown is what is
// then sent: neither more nor less, byte by byte.
func (w *world) answered(sent *received, id string, answer admin.Resolution, least int) admin.Plan {
	w.t.Helper()
	w.wait()
	sent.take()
	p, err := w.app.Preview(w.ctx(), id, answer)
	if err != nil {
		w.t.Fatal(err)
	}
	shown := shownRequests(w.t.(*testing.T), p)
	if got := sent.take(); len(got) > 0 {
		w.t.Errorf("%s: looking sent %v", answer.Verb, got)
	}
	if err := w.app.Resolve(w.ctx(), "test", id, answer); err != nil {
		w.t.Fatal(err)
	}
	w.wait()
	w.await(func() bool { return sent.count() >= len(shown) })
	if got := sent.take(); len(got) < least || !slices.Equal(got, shown) {
		w.t.Errorf("%s: shown\n%s\nsent\n%s", answer.Verb, strings.Join(shown, "\n"), strings.Join(got, "\n"))
	}
	if all := strings.Join(shown, "\n"); strings.Contains(all, javelosim.DefaultToken) || strings.Contains(all, "Bearer") {
		w.t.Errorf("a credential is shown:\n%s", all)
	}
	return p
}

// TestRequestsShownBeforeAnAnswerAreThoseSentAfterIt fails when what is shown is made
// otherwise than what is sent: without the manager who is made just before, with what
// the account has already, or by a rendering of its own.
func TestRequestsShownBeforeAnAnswerAreThoseSentAfterIt(t *testing.T) {
	elevo, table := elevoServer(t)
	w := newWorld(t, 40, table)
	sent := w.recording()
	boss := 0
	report := slices.IndexFunc(w.people, func(p cast.Person) bool { return p.Status == "employed" && p.Manager == boss })
	if report < 0 {
		t.Fatal("nobody has the first for a manager")
	}
	email := w.people[report].Email
	w.hibob.Update(report, func(p *cast.Person) { p.Email = w.people[boss].Email })
	w.start()
	w.sync("hibob")
	w.activate("hibob")
	found := w.conflictsOf("duplicate_identifier")
	if len(found) != 1 {
		t.Fatalf("conflicts %+v", found)
	}
	i := slices.IndexFunc(found[0].Records, func(r admin.Record) bool { return r.Attributes["employee_number"] == w.people[report].EmployeeNumber })
	p := w.answered(sent, found[0].ID, admin.Resolution{Verb: "set", Record: found[0].Records[i].ID, Attribute: "email", Value: email, Rev: found[0].Rev}, 2)
	if len(p.Files) != 1 || len(p.Files[0].Added) < 2 {
		t.Fatalf("files %+v", p.Files)
	}
	before, _ := elevo.File("users.csv")
	for _, row := range p.Files[0].Added {
		if strings.Contains(string(before), row+"\n") {
			t.Errorf("the row %q is there already", row)
		}
	}
	for _, row := range p.Files[0].Removed {
		if !strings.Contains(string(before), row+"\n") {
			t.Errorf("the row %q is not there", row)
		}
	}
	if !slices.ContainsFunc(p.Files[0].Added, func(row string) bool { return strings.Contains(row, ","+email+",") }) {
		t.Errorf("nobody gets a row with %s: %v", email, p.Files[0].Added)
	}

	moved := w.employed(1)[0]
	w.hibob.Update(moved, func(p *cast.Person) { p.Email = "moved@" + cast.Domain; p.Title = "Somebody Else" })
	w.sync("hibob")
	changes := w.conflictsOf("identifier_change")
	if len(changes) == 0 {
		t.Fatal("a new login is no question")
	}
	w.answered(sent, changes[0].ID, admin.Resolution{Verb: "allow", Rev: changes[0].Rev}, 1)
}

func TestRequestsForGroupsAreShown(t *testing.T) {
	w, first, second := twoGroups(t)
	c := w.conflictsOf("duplicate_group")[0]
	for _, try := range []struct {
		answer admin.Resolution
		want   string
	}{
		{admin.Resolution{Verb: "merge"}, `PATCH /scim/v2/Groups/`},
		{admin.Resolution{Verb: "set", Record: second, Attribute: "display_name", Value: "Sales South"}, `POST /scim/v2/Groups {"displayName":"Sales South","members":[`},
		{admin.Resolution{Verb: "set", Record: first, Attribute: "display_name", Value: "Sales North"}, `PATCH /scim/v2/Groups/`},
	} {
		p, err := w.app.Preview(w.ctx(), c.ID, try.answer)
		if err != nil {
			t.Fatal(err)
		}
		if shown := shownRequests(t, p); len(shown) != 1 || !strings.HasPrefix(shown[0], try.want) {
			t.Errorf("%s: %v", try.answer.Verb, shown)
		}
	}
}

// TestRequestsThatGoInBulkAreSaidToAndAreItsOperations fails when writes are shown one
// by one that go together, without a word of it, and when an operation is not what was
// shown.
func TestRequestsThatGoInBulkAreSaidToAndAreItsOperations(t *testing.T) {
	sim := scimtargetsim.New(scimtargetsim.Options{Bulk: true})
	var mu sync.Mutex
	var bulks [][]byte
	others := 0
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		mu.Lock()
		switch {
		case strings.HasSuffix(req.URL.Path, "/Bulk"):
			bulks = append(bulks, body)
		case req.Method != http.MethodGet:
			others++
		}
		mu.Unlock()
		sim.ServeHTTP(rw, req)
	}))
	t.Cleanup(server.Close)
	w := importing(t, 40, fmt.Sprintf("[targets.legacy]\nkind = \"scim\"\nbase_url = %q\ntoken = %q\n", server.URL+scimtargetsim.Prefix, scimtargetsim.DefaultToken))
	who := w.employed(3)
	asked := admin.ImportRequest{DryRun: true}
	for i, n := range who {
		asked.Rows = append(asked.Rows, rowOf(i+2, w.people[n], "job", fmt.Sprint("Chief of Cheese ", i)))
	}
	about := func(p admin.Plan) (told []string) {
		for _, n := range p.Notices {
			if strings.Contains(n, "POST /Bulk") {
				told = append(told, n)
			}
		}
		return told
	}
	one := asked
	one.Rows = asked.Rows[:1]
	if told := about(w.imported(one).Plan); len(told) > 0 {
		t.Errorf("a single write: %q", told)
	}
	seen := w.imported(asked)
	if told := about(seen.Plan); len(told) != 1 || !strings.HasPrefix(told[0], "legacy takes up to 100 writes in one request: the 3 shown") {
		t.Errorf("told %q", told)
	}
	shown := map[string]bool{}
	for _, ch := range seen.Plan.Changes {
		if ch.Target == "legacy" {
			for _, r := range ch.Requests {
				var body bytes.Buffer
				if err := json.Compact(&body, r.Body); err != nil {
					t.Fatal(err)
				}
				shown[r.Method+" "+strings.TrimPrefix(r.Path, scimtargetsim.Prefix)+" "+body.String()] = true
			}
		}
	}
	mu.Lock()
	bulks, others = nil, 0
	mu.Unlock()
	asked.DryRun, asked.Tag = false, seen.Tag
	w.imported(asked)
	mu.Lock()
	defer mu.Unlock()
	if len(bulks) != 1 || others != 0 {
		t.Fatalf("%d bulk requests and %d other writes", len(bulks), others)
	}
	var request struct {
		Operations []struct {
			Method, Path string
			Data         json.RawMessage
		}
	}
	if err := json.Unmarshal(bulks[0], &request); err != nil {
		t.Fatal(err)
	}
	sent := map[string]bool{}
	for _, op := range request.Operations {
		sent[op.Method+" "+op.Path+" "+string(op.Data)] = true
	}
	if len(sent) != 3 || !maps.Equal(sent, shown) {
		t.Errorf("shown\n%v\nsent\n%v", shown, sent)
	}
}
